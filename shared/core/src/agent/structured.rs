//! The form of an answer, as a model is told of it and as it is checked.

use std::mem::take;

use serde_json::{Value, json};
use thiserror::Error;

use super::{Answer, Extras, ProductQuery};
use crate::outbound::{
    ARTICLES_SHOWN_MAX, Article, Choice, OPTIONS_MAX, Outbound, PRODUCTS_MAX, Product, reads_as_wish,
};

/// Characters of an answer.
const TEXT_CHARS_MAX: usize = 4_000;
/// Characters of what the shop's people read.
const SUMMARY_CHARS_MAX: usize = 1_000;
/// Characters of an option's title and of its value.
const OPTION_CHARS_MAX: usize = 150;
/// Characters of a search.
const QUERY_CHARS_MAX: usize = 200;
/// The question above options that stand alone or after products.
const DEFAULT_PROMPT: &str = "What would you like to do?";

/// Why what a model said is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadAnswer {
    /// Not JSON of the agreed form.
    #[error("is not of the agreed form")]
    Form,
    /// It says nothing.
    #[error("says nothing")]
    Empty,
    /// It names a product that no search found.
    #[error("names a product that no search found")]
    UnknownProduct,
    /// It says nothing, and names only articles that there are not.
    #[error("names only articles that there are not")]
    UnknownArticle,
}

/// JSON Schema of an answer. Flat and without bounds: strict modes refuse much of the rest, and everything is checked here
/// anyway. What is not among the extras does not appear.
#[must_use]
pub fn answer_schema(extras: &Extras) -> Value {
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["text", "product_ids", "options", "handoff", "summary"],
        "properties": {
            "text": {
                "type": "string",
                "description": "What the customer reads, in the customer's language. Above products it introduces them, above options it is the question."
            },
            "product_ids": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Ids of products to show, only from search results of this conversation. Empty for none."
            },
            "options": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["title", "value"],
                    "properties": {
                        "title": {"type": "string", "description": "What the customer reads: 20 characters at most."},
                        "value": {"type": "string", "description": "A short word for it, such as show_more."}
                    }
                },
                "description": "Two to ten options for the customer to choose from. Empty for none."
            },
            "handoff": {"type": "boolean", "description": "Whether a person has to go on with this conversation."},
            "summary": {
                "type": "string",
                "description": "With a handoff: what the customer wants, for the person who goes on. Else empty."
            }
        }
    });
    if !extras.articles.is_empty() {
        let ids = json!({
            "type": "array",
            "items": {"type": "string"},
            "description": "Ids of help articles to show, only from the list in the rules. Empty for none."
        });
        demand(&mut schema, "article_ids", ids);
    }
    if extras.form {
        let form = json!({
            "type": "boolean",
            "description": "Whether the customer is shown the contact form, with text above it and nothing else."
        });
        demand(&mut schema, "form", form);
    }
    schema
}

/// One more property, required as all are.
fn demand(schema: &mut Value, name: &str, property: Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(name.to_owned(), property);
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.push(name.into());
    }
}

/// JSON Schema of the search's arguments.
#[must_use]
pub fn search_schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["query", "in_stock", "price_max"],
        "properties": {
            "query": {"type": "string", "description": "A few words, as one types them into a shop's search."},
            "in_stock": {"type": "boolean", "description": "Only what can be had now."},
            "price_max": {
                "type": ["integer", "null"],
                "description": "Not dearer than this, in the shop's currency; null for any price."
            }
        }
    })
}

/// The search that a model asks for; `None` when it does not say for what.
#[must_use]
pub fn read_search(arguments: &Value) -> Option<ProductQuery> {
    let parsed;
    let arguments = match arguments {
        // Some providers hand arguments over as JSON in a text.
        Value::String(text) => {
            parsed = serde_json::from_str::<Value>(text).ok()?;
            &parsed
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => arguments,
    };
    let text = cut(arguments.get("query")?.as_str()?, QUERY_CHARS_MAX);
    let in_stock = match arguments.get("in_stock") {
        Some(Value::Bool(only)) => *only,
        Some(Value::String(word)) => word.trim().eq_ignore_ascii_case("true"),
        Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => false,
    };
    (!text.is_empty()).then(|| ProductQuery { text, in_stock, price_max: price(arguments.get("price_max")) })
}

/// A whole price above zero; a fraction is rounded up, so that nothing that fits is left out.
fn price(said: Option<&Value>) -> Option<u64> {
    let number = match said? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    (number > 0.0 && number < 1e12).then(|| number.ceil() as u64)
}

/// Checks what a model said. `known`: the products that were found for it. `extras`: what it was told that it may show.
///
/// Nothing but the JSON may stand there; a fence around it is forgiven. A hand-off is nothing but a hand-off, and a form
/// nothing but a form. Products, articles and options are said once each, a single option is none, and what is too much is
/// cut. An option that would opt the customer out when it comes back ([`reads_as_wish`]) is left out, and so is an article
/// that there is not. What the extras do not have is not looked at.
///
/// # Errors
/// [`BadAnswer`].
pub fn read_answer(json: &str, known: &[Product], extras: &Extras) -> Result<Answer, BadAnswer> {
    let said: Value = serde_json::from_str(unfenced(json)).map_err(|_| BadAnswer::Form)?;
    if !said.is_object() {
        return Err(BadAnswer::Form);
    }
    let mut text = cut(words(&said, "text")?, TEXT_CHARS_MAX);
    if flag(&said, "handoff")? {
        let summary = cut(words(&said, "summary")?, SUMMARY_CHARS_MAX);
        let text = (!text.is_empty()).then_some(text);
        return Ok(Answer { outbound: vec![Outbound::HandOff { text, summary }] });
    }
    if extras.form && flag(&said, "form")? {
        return Ok(Answer { outbound: vec![Outbound::Form { intro: text }] });
    }
    let products = products(&said, known)?;
    let Articles { articles, unknown } = articles(&said, &extras.articles)?;
    let options = options(&said)?;
    // The text stands above the first of them.
    let mut outbound = Vec::new();
    if !products.is_empty() {
        outbound.push(Outbound::ProductCards { intro: take(&mut text), products });
    }
    if !articles.is_empty() {
        outbound.push(Outbound::Articles { intro: take(&mut text), articles });
    }
    if options.len() >= 2 {
        let prompt = Some(take(&mut text)).filter(|prompt| !prompt.is_empty());
        outbound.push(Outbound::QuickReplies { prompt: prompt.unwrap_or_else(|| DEFAULT_PROMPT.to_owned()), options });
    }
    match (outbound.is_empty(), text.is_empty()) {
        (false, _) => {}
        (true, false) => outbound.push(Outbound::Text(text)),
        (true, true) if unknown => return Err(BadAnswer::UnknownArticle),
        (true, true) => return Err(BadAnswer::Empty),
    }
    Ok(Answer { outbound })
}

/// Without a Markdown fence around it.
fn unfenced(json: &str) -> &str {
    let bare = json.trim();
    let fenced = bare.strip_prefix("```").and_then(|b| b.strip_suffix("```"));
    fenced.map_or(bare, |inner| {
        let inner = inner
            .get(..4)
            .filter(|tag| tag.eq_ignore_ascii_case("json"))
            .map_or(inner, |tag| inner.trim_start_matches(tag));
        inner.trim()
    })
}

/// A text; missing ones are empty.
fn words<'a>(said: &'a Value, name: &str) -> Result<&'a str, BadAnswer> {
    match said.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Err(BadAnswer::Form),
    }
}

fn flag(said: &Value, name: &str) -> Result<bool, BadAnswer> {
    match said.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(yes)) => Ok(*yes),
        Some(Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Err(BadAnswer::Form),
    }
}

fn list<'a>(said: &'a Value, name: &str) -> Result<&'a [Value], BadAnswer> {
    match said.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => Err(BadAnswer::Form),
    }
}

fn products(said: &Value, known: &[Product]) -> Result<Vec<Product>, BadAnswer> {
    let mut named: Vec<Product> = Vec::new();
    for id in ids(said, "product_ids")? {
        let product = known.iter().find(|p| p.id == id).ok_or(BadAnswer::UnknownProduct)?;
        if named.len() < PRODUCTS_MAX && named.iter().all(|p| p.id != id) {
            named.push(product.clone());
        }
    }
    Ok(named)
}

/// The articles that were named.
struct Articles {
    articles: Vec<Article>,
    /// Whether others were.
    unknown: bool,
}

fn articles(said: &Value, known: &[Article]) -> Result<Articles, BadAnswer> {
    let (mut articles, mut unknown): (Vec<Article>, bool) = (Vec::new(), false);
    let ids = if known.is_empty() { Vec::new() } else { ids(said, "article_ids")? };
    for id in ids {
        let Some(article) = known.iter().find(|a| a.id == id) else {
            unknown = true;
            continue;
        };
        if articles.len() < ARTICLES_SHOWN_MAX && articles.iter().all(|a| a.id != id) {
            articles.push(article.clone());
        }
    }
    Ok(Articles { articles, unknown })
}

fn ids(said: &Value, name: &str) -> Result<Vec<String>, BadAnswer> {
    let id = |id: &Value| match id {
        Value::String(id) => Ok(id.trim().to_owned()),
        // Shops number what they have, and models unquote numbers.
        Value::Number(id) => Ok(id.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(BadAnswer::Form),
    };
    list(said, name)?.iter().map(id).collect()
}

fn options(said: &Value) -> Result<Vec<Choice>, BadAnswer> {
    let mut options: Vec<Choice> = Vec::new();
    for option in list(said, "options")? {
        if !option.is_object() {
            return Err(BadAnswer::Form);
        }
        let title = cut(words(option, "title")?, OPTION_CHARS_MAX);
        let value = cut(words(option, "value")?, OPTION_CHARS_MAX);
        let value = if value.is_empty() { title.clone() } else { value };
        let again = options.iter().any(|o| o.title == title || o.value == value);
        let option = Choice { title, value };
        if !option.title.is_empty() && !again && options.len() < OPTIONS_MAX && !reads_as_wish(&option) {
            options.push(option);
        }
    }
    Ok(options)
}

fn cut(text: &str, max: usize) -> String {
    text.trim().chars().take(max).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::outbound::Stock;

    fn product(id: usize) -> Product {
        Product {
            id: id.to_string(),
            title: format!("Lamp {id}"),
            price: None,
            currency: "AUD".into(),
            price_from: false,
            stock: Stock::InStock,
            attributes: Vec::new(),
            url: format!("https://shop.example/{id}"),
            image: None,
        }
    }

    fn known() -> Vec<Product> {
        (1..=15).map(product).collect()
    }

    fn article(id: usize) -> Article {
        Article {
            id: format!("a{id}"),
            title: format!("Article {id}"),
            description: "All about it.".into(),
            link: format!("https://shop.example/help/{id}"),
        }
    }

    fn extras() -> Extras {
        Extras { articles: (1..=15).map(article).collect(), form: true }
    }

    fn read_with(said: &Value, extras: &Extras) -> Result<Vec<Outbound>, BadAnswer> {
        read_answer(&said.to_string(), &known(), extras).map(|a| a.outbound)
    }

    fn read(said: &Value) -> Result<Vec<Outbound>, BadAnswer> {
        read_with(said, &Extras::default())
    }

    fn choice(title: &str, value: &str) -> Choice {
        Choice { title: title.into(), value: value.into() }
    }

    #[test]
    fn words_products_and_options_come_in_their_order() {
        let two = json!([{"title": "Yes", "value": "yes"}, {"title": "No"}]);
        let options = vec![choice("Yes", "yes"), choice("No", "No")];
        assert_eq!(read(&json!({"text": " Hello "})), Ok(vec![Outbound::Text("Hello".into())]));
        assert_eq!(
            read(&json!({"text": "More?", "product_ids": [], "options": two, "handoff": false, "summary": ""})),
            Ok(vec![Outbound::QuickReplies { prompt: "More?".into(), options: options.clone() }])
        );
        let cards = Outbound::ProductCards { intro: "Look:".into(), products: vec![product(2), product(1)] };
        let ask = Outbound::QuickReplies { prompt: DEFAULT_PROMPT.into(), options };
        assert_eq!(read(&json!({"text": "Look:", "product_ids": ["2", 1, "2"]})), Ok(vec![cards.clone()]));
        let all = json!({"text": "Look:", "product_ids": ["2", "1"], "options": two});
        assert_eq!(read(&all), Ok(vec![cards, ask.clone()]));
        assert_eq!(read(&json!({"options": two})), Ok(vec![ask]));
        let one =
            json!({"text": "Hello", "options": [{"title": "Yes", "value": "yes"}, {"title": "Yes"}, {"title": " "}]});
        assert_eq!(read(&one), Ok(vec![Outbound::Text("Hello".into())]));
    }

    #[test]
    fn no_option_opts_out() {
        let option = |title: &str, value: &str| json!({"title": title, "value": value});
        let (yes, help) = (option("Yes", "yes"), option("Help", "help"));
        let (cancel, stop) = (option("Cancel", "cancel_order"), option("Never mind", "stop"));
        let asked = |options: &[&Value]| read(&json!({"text": "Sure?", "options": options}));
        let kept = vec![choice("Yes", "yes"), choice("Help", "help")];
        assert_eq!(
            asked(&[&yes, &cancel, &help, &stop]),
            Ok(vec![Outbound::QuickReplies { prompt: "Sure?".into(), options: kept }])
        );
        assert_eq!(asked(&[&yes, &cancel]), Ok(vec![Outbound::Text("Sure?".into())]));
        assert_eq!(read(&json!({"options": [cancel, stop]})), Err(BadAnswer::Empty));
    }

    #[test]
    fn articles_are_shown_that_there_are() {
        let articles = |intro: &str, ids: &[usize]| Outbound::Articles {
            intro: intro.into(),
            articles: ids.iter().map(|id| article(*id)).collect(),
        };
        let read = |said: &Value| read_with(said, &extras());
        let said = json!({"text": "Read on:", "article_ids": ["a2", " a1", "a2", "a99"], "form": false});
        assert_eq!(read(&said), Ok(vec![articles("Read on:", &[2, 1])]));
        assert_eq!(read(&json!({"article_ids": ["a3"]})), Ok(vec![articles("", &[3])]));
        let two = json!([{"title": "Yes", "value": "yes"}, {"title": "No", "value": "no"}]);
        let options = vec![choice("Yes", "yes"), choice("No", "no")];
        let all = json!({"text": "Look:", "product_ids": ["1"], "article_ids": ["a1"], "options": two});
        let cards = Outbound::ProductCards { intro: "Look:".into(), products: vec![product(1)] };
        let ask = Outbound::QuickReplies { prompt: DEFAULT_PROMPT.into(), options };
        assert_eq!(read(&all), Ok(vec![cards, articles("", &[1]), ask.clone()]));
        let asks = json!({"text": "Which?", "article_ids": ["a1"], "options": two});
        assert_eq!(read(&asks), Ok(vec![articles("Which?", &[1]), ask]));
        // What there is not is left out; nothing is left of an answer that has nothing else.
        let unknown = json!({"text": "Read on:", "article_ids": ["a99"]});
        assert_eq!(read(&unknown), Ok(vec![Outbound::Text("Read on:".into())]));
        assert_eq!(read(&json!({"text": " ", "article_ids": ["a99", "a98"]})), Err(BadAnswer::UnknownArticle));
        assert_eq!(read(&json!({"text": " ", "article_ids": []})), Err(BadAnswer::Empty));
        for bad in [json!("a1"), json!([{}]), json!([null])] {
            assert_eq!(read(&json!({"text": "a", "article_ids": bad})), Err(BadAnswer::Form), "{bad}");
        }
        // Where there are none, nobody looks for any.
        let none = Extras { articles: Vec::new(), form: true };
        for ids in [json!(["a1"]), json!(4)] {
            let said = json!({"text": "Hi", "article_ids": ids});
            assert_eq!(read_with(&said, &none), Ok(vec![Outbound::Text("Hi".into())]));
            assert_eq!(read_with(&json!({"article_ids": ids}), &none), Err(BadAnswer::Empty));
        }
    }

    #[test]
    fn a_form_is_nothing_else() {
        let said = json!({"text": " Write to us: ", "form": true, "product_ids": ["1"], "article_ids": ["a1"]});
        let read = |said: &Value| read_with(said, &extras());
        assert_eq!(read(&said), Ok(vec![Outbound::Form { intro: "Write to us:".into() }]));
        assert_eq!(read(&json!({"form": true})), Ok(vec![Outbound::Form { intro: String::new() }]));
        assert_eq!(read(&json!({"text": "Hi", "form": null})), Ok(vec![Outbound::Text("Hi".into())]));
        assert_eq!(read(&json!({"text": "Hi", "form": "yes"})), Err(BadAnswer::Form));
        let handoff = json!({"form": true, "handoff": true, "summary": "s"});
        assert_eq!(read(&handoff), Ok(vec![Outbound::HandOff { text: None, summary: "s".into() }]));
        let formless = Extras { form: false, ..extras() };
        assert_eq!(read_with(&json!({"text": "Hi", "form": true}), &formless), Ok(vec![Outbound::Text("Hi".into())]));
        assert_eq!(read_with(&json!({"form": true}), &formless), Err(BadAnswer::Empty));
    }

    #[test]
    fn a_hand_off_is_nothing_else() {
        let said =
            json!({"text": "One moment.", "product_ids": ["404"], "handoff": true, "summary": "s".repeat(5_000)});
        let expected = Outbound::HandOff { text: Some("One moment.".into()), summary: "s".repeat(1_000) };
        assert_eq!(read(&said), Ok(vec![expected]));
        let bare = Outbound::HandOff { text: None, summary: String::new() };
        assert_eq!(read(&json!({"text": " ", "handoff": true})), Ok(vec![bare]));
    }

    #[test]
    fn what_is_too_much_is_cut() {
        let ids: Vec<String> = (1..=15).map(|n| n.to_string()).collect();
        let named: Vec<String> = (1..=15).map(|n| format!("a{n}")).collect();
        let options: Vec<Value> =
            (0..40).map(|n| json!({"title": format!("t{n}"), "value": format!("v{n}")})).collect();
        let said = json!({"text": "x".repeat(9_000), "product_ids": ids, "article_ids": named, "options": options});
        let outbound = read_with(&said, &extras()).unwrap();
        let [
            Outbound::ProductCards { intro, products },
            Outbound::Articles { articles, .. },
            Outbound::QuickReplies { options, .. },
        ] = outbound.as_slice()
        else {
            panic!("{outbound:?}")
        };
        assert_eq!((intro.len(), products.len(), options.len()), (TEXT_CHARS_MAX, PRODUCTS_MAX, OPTIONS_MAX));
        assert_eq!(articles.len(), ARTICLES_SHOWN_MAX);
    }

    #[test]
    fn fences_are_forgiven_and_other_forms_are_not() {
        for fenced in ["```json\n{\"text\":\"a\"}\n```", " ```\n{\"text\":\"a\"}```\n", "\n{\"text\":\"a\"} "] {
            assert_eq!(
                read_answer(fenced, &[], &Extras::default()).unwrap().outbound,
                [Outbound::Text("a".into())],
                "{fenced}"
            );
        }
        for bad in
            ["", "Hello", "[]", "null", "\"a\"", "Here: {\"text\":\"a\"}", "{\"text\":\"a\"} Bye", "```json```", "```é"]
        {
            assert_eq!(read_answer(bad, &[], &Extras::default()), Err(BadAnswer::Form), "{bad}");
        }
        for bad in [
            json!({"text": 4}),
            json!({"text": "a", "product_ids": "1"}),
            json!({"text": "a", "product_ids": [{}]}),
            json!({"text": "a", "options": ["b"]}),
            json!({"text": "a", "options": [{"title": 4}]}),
            json!({"text": "a", "handoff": "yes"}),
            json!({"handoff": true, "summary": []}),
        ] {
            assert_eq!(read(&bad), Err(BadAnswer::Form), "{bad}");
        }
        assert_eq!(read(&json!({"text": " ", "product_ids": null})), Err(BadAnswer::Empty));
        assert_eq!(read(&json!({})), Err(BadAnswer::Empty));
        assert_eq!(read(&json!({"text": "a", "product_ids": ["1", "99"]})), Err(BadAnswer::UnknownProduct));
    }

    #[test]
    fn searches_are_read_with_patience() {
        let query = |text: &str, in_stock, price_max| Some(ProductQuery { text: text.into(), in_stock, price_max });
        for (said, expected) in [
            (json!({"query": " lamp ", "in_stock": true, "price_max": 100}), query("lamp", true, Some(100))),
            (json!({"query": "lamp", "in_stock": "True", "price_max": "99.5"}), query("lamp", true, Some(100))),
            (json!({"query": "lamp", "price_max": null}), query("lamp", false, None)),
            (json!({"query": "lamp", "price_max": -4}), query("lamp", false, None)),
            (json!({"query": "lamp", "price_max": 1e300}), query("lamp", false, None)),
            (json!("{\"query\":\"lamp\"}"), query("lamp", false, None)),
            (json!({"query": " "}), None),
            (json!({"query": 4}), None),
            (json!({}), None),
            (json!("lamp"), None),
            (json!(null), None),
        ] {
            assert_eq!(read_search(&said), expected, "{said}");
        }
        assert_eq!(read_search(&json!({"query": "é".repeat(900)})).unwrap().text.chars().count(), QUERY_CHARS_MAX);
    }

    /// What strict modes ask of every object of a schema.
    fn is_strict(schema: &Value) -> bool {
        let Some(properties) = schema["properties"].as_object() else { return true };
        let required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        schema["additionalProperties"] == json!(false)
            && required.len() == properties.len()
            && properties
                .iter()
                .all(|(name, p)| required.contains(&name.as_str()) && is_strict(p) && is_strict(&p["items"]))
    }

    #[test]
    fn the_schemas_are_strict() {
        let with = |articles: usize, form| {
            let schema = answer_schema(&Extras { articles: (0..articles).map(article).collect(), form });
            assert!(is_strict(&schema), "{schema}");
            let properties = schema["properties"].as_object().unwrap();
            (properties.len(), properties.contains_key("article_ids"), properties.contains_key("form"))
        };
        assert!(is_strict(&search_schema()));
        assert_eq!([with(0, false), with(1, false)], [(5, false, false), (6, true, false)]);
        assert_eq!([with(0, true), with(1, true)], [(6, false, true), (7, true, true)]);
        assert_eq!(search_schema()["properties"]["price_max"]["type"], json!(["integer", "null"]));
    }

    proptest! {
        #[test]
        fn nothing_said_panics(said in ".{0,80}", fence in any::<bool>()) {
            let said = if fence { format!("```json{said}```") } else { said };
            let _ = read_answer(&said, &known(), &extras());
            let _ = read_search(&Value::String(said));
        }

        #[test]
        fn every_good_answer_says_something(
            text in ".{0,9}",
            ids in prop::collection::vec(1..17_usize, 0..4),
            titles in prop::collection::vec("[a-c]{0,2}", 0..4),
            articles in prop::collection::vec(1..17_usize, 0..4),
            form in any::<bool>(),
            handoff in any::<bool>(),
        ) {
            let options: Vec<Value> = titles.iter().map(|t| json!({"title": t, "value": t})).collect();
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let articles: Vec<String> = articles.iter().map(|id| format!("a{id}")).collect();
            let said = json!({
                "text": text, "product_ids": ids, "options": options, "article_ids": articles, "form": form,
                "handoff": handoff,
            });
            if let Ok(outbound) = read_with(&said, &extras()) {
                prop_assert!(!outbound.is_empty());
                let alone = outbound.len() == 1;
                for said in outbound {
                    match said {
                        Outbound::Text(text) => prop_assert!(!text.is_empty()),
                        Outbound::ProductCards { products, .. } => prop_assert!(!products.is_empty()),
                        Outbound::QuickReplies { prompt, options } => {
                            prop_assert!(!prompt.is_empty() && options.len() >= 2);
                        }
                        Outbound::Articles { articles, .. } => prop_assert!(!articles.is_empty()),
                        Outbound::Form { .. } => prop_assert!(form && !handoff && alone),
                        Outbound::HandOff { .. } => prop_assert!(handoff && alone),
                        Outbound::Error { .. } => prop_assert!(false),
                    }
                }
            }
        }
    }
}
