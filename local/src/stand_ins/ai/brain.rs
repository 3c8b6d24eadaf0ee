//! What is answered when nobody wrote a script: what follows from the customer's last words.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Outcome;

/// The tool that finds products.
const SEARCH: &str = "search_products";
/// Products that an answer may name.
const PRODUCTS_MAX: usize = 10;

/// A part of the conversation, of whatever vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Customer {
        text: String,
        images: usize,
    },
    Us,
    /// What a tool found.
    Found(String),
}

/// What a question comes down to.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) model: String,
    /// The customer's last words.
    pub(super) text: String,
    /// Pictures with them.
    pub(super) images: usize,
    /// What tools have found since.
    pub(super) found: Vec<String>,
    /// The tools on offer, with the schema of their arguments.
    pub(super) tools: BTreeMap<String, Value>,
}

impl Heard {
    /// What is customer's without a word or a picture (nothing but what a tool found) is no turn of theirs.
    pub(super) fn of(model: String, turns: &[Turn], tools: BTreeMap<String, Value>) -> Self {
        let mut heard = Self { model, tools, ..Self::default() };
        for turn in turns {
            match turn {
                Turn::Customer { text, images } => {
                    heard.text.clone_from(text);
                    heard.images = *images;
                    heard.found.clear();
                }
                Turn::Us => {}
                Turn::Found(content) => heard.found.push(content.clone()),
            }
        }
        heard
    }
}

/// An answer of the agreed form, or a wish to search first.
pub(super) fn answer(heard: &Heard) -> Outcome {
    let words = heard.text.to_lowercase();
    let asks = |names: &[&str]| names.iter().any(|name| words.contains(name));
    if let Some(schema) = heard.tools.get(SEARCH).filter(|_| heard.found.is_empty())
        && asks(&["product", "lamp", "search"])
    {
        return Outcome::Calls(vec![(SEARCH.to_owned(), arguments(schema, &heard.text))]);
    }
    let mut ids = Vec::new();
    heard.found.iter().for_each(|content| collect_ids(content, &mut ids));
    let mut text = format!("You said: {}", heard.text);
    if heard.images > 0 {
        text.push_str(&format!(" (with {} images)", heard.images));
    }
    if !heard.found.is_empty() {
        text.push_str(&format!(" I found {} products.", ids.len()));
    }
    let options = if asks(&["options"]) {
        json!([{ "title": "First option", "value": "first" }, { "title": "Second option", "value": "second" }])
    } else {
        json!([])
    };
    let handoff = asks(&["human"]);
    let summary = if handoff { format!("The customer asks for a person: {}", heard.text) } else { String::new() };
    let answer = json!({
        "text": text, "product_ids": ids, "options": options, "handoff": handoff, "summary": summary,
    });
    Outcome::Said(answer.to_string())
}

/// Every property of the schema gets something: the customer's words, where a text is wanted.
fn arguments(schema: &Value, words: &str) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut arguments = Map::from_iter([("query".to_owned(), json!(words))]);
    for (name, property) in properties {
        let kinds = match property.get("type") {
            Some(Value::Array(kinds)) => kinds.clone(),
            Some(kind) => vec![kind.clone()],
            None => Vec::new(),
        };
        let is = |kind: &str| kinds.iter().any(|known| known == kind);
        let value = match (is("null"), is("string"), is("boolean")) {
            (true, _, _) => Value::Null,
            (false, true, _) => json!(words),
            (false, false, true) => json!(false),
            (false, false, false) => json!(0),
        };
        arguments.insert(name, value);
    }
    if !schema.pointer("/properties/query").is_some_and(Value::is_object) && arguments.len() > 1 {
        arguments.remove("query");
    }
    Value::Object(arguments)
}

/// Every `id` in what was found.
fn collect_ids(content: &str, ids: &mut Vec<String>) {
    fn walk(value: &Value, ids: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                let id = fields.get("id").and_then(|id| match id {
                    Value::String(text) => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
                });
                ids.extend(id);
                fields.values().for_each(|value| walk(value, ids));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, ids)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    walk(&serde_json::from_str(content).unwrap_or_default(), ids);
    ids.truncate(PRODUCTS_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str, found: &[&str]) -> Heard {
        let schema = json!({ "properties": {
            "query": { "type": "string" }, "in_stock": { "type": "boolean" }, "price_max": { "type": ["number", "null"] },
        } });
        let mut turns = vec![Turn::Us, Turn::Customer { text: text.to_owned(), images: 2 }];
        turns.extend(found.iter().map(|content| Turn::Found((*content).to_owned())));
        Heard::of("m".to_owned(), &turns, BTreeMap::from([(SEARCH.to_owned(), schema)]))
    }

    #[test]
    fn words_decide() {
        let expected = json!({ "query": "A lamp?", "in_stock": false, "price_max": null });
        assert_eq!(answer(&heard("A lamp?", &[])), Outcome::Calls(vec![(SEARCH.to_owned(), expected)]));
        let Outcome::Said(said) = answer(&heard("A lamp?", &[r#"{"products":[{"id":101},{"id":"x"}]}"#])) else {
            panic!("no answer")
        };
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["product_ids"], json!(["101", "x"]));
        assert_eq!(said["text"], "You said: A lamp? (with 2 images) I found 2 products.");
        let Outcome::Said(said) = answer(&heard("Options for a Human", &[])) else { panic!("no answer") };
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((&said["handoff"], said["options"].as_array().unwrap().len()), (&json!(true), 2));
    }
}
