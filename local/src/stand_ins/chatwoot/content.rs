//! What content may look like: Chatwoot's validations, in its words.

use serde_json::{Map, Value};

/// Characters that a message may have.
const CONTENT_MAX_CHARS: usize = 150_000;

/// All there are. `card` is none of them.
const CONTENT_TYPES: [&str; 13] = [
    "text",
    "input_text",
    "input_textarea",
    "input_email",
    "input_select",
    "cards",
    "form",
    "article",
    "incoming_email",
    "input_csat",
    "integrations",
    "sticker",
    "voice_call",
];
const FORM_KEYS: [&str; 10] =
    ["type", "placeholder", "label", "name", "options", "default", "required", "pattern", "title", "pattern_error"];

pub(super) fn is_content_type(text: &str) -> bool {
    CONTENT_TYPES.contains(&text)
}

/// What is wrong with it; nothing, if it is good.
pub(super) fn problems(content: Option<&str>, content_type: &str, attributes: &Map<String, Value>) -> Vec<String> {
    let mut problems = Vec::new();
    let keys: &[&str] = match content_type {
        "input_select" => &["title", "value"],
        "cards" => &["title", "description", "media_url", "actions"],
        "form" => &FORM_KEYS,
        "article" => &["title", "description", "link"],
        _ => &[],
    };
    if !keys.is_empty() {
        items(&mut problems, content_type, keys, attributes.get("items"));
    }
    if content.is_some_and(|content| content.chars().count() > CONTENT_MAX_CHARS) {
        problems.push(format!("Content is too long (maximum is {CONTENT_MAX_CHARS} characters)"));
    }
    problems
}

fn items(problems: &mut Vec<String>, content_type: &str, keys: &[&str], items: Option<&Value>) {
    let items = items.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        problems.push("Content attributes At least one item is required.".to_owned());
    }
    if items.iter().any(|item| !item.is_object()) {
        problems.push("Content attributes Items should be a hash.".to_owned());
    }
    if let Some(unknown) = unknown(items.iter(), keys) {
        problems.push(format!("Content attributes contains invalid keys for items : {unknown}"));
    }
    if content_type != "cards" {
        return;
    }
    let actions = |item: &Value| item.get("actions").and_then(Value::as_array).cloned().unwrap_or_default();
    if items.iter().any(|item| actions(item).is_empty()) {
        problems.push("Content attributes contains items missing actions".to_owned());
        return;
    }
    let all: Vec<Value> = items.iter().flat_map(actions).collect();
    if let Some(unknown) = unknown(all.iter(), &["text", "type", "payload", "uri"]) {
        problems.push(format!("Content attributes contains invalid keys for actions:  {unknown}"));
    }
}

/// The keys that are not among those allowed, as Ruby writes a list of symbols.
fn unknown<'a>(items: impl Iterator<Item = &'a Value>, allowed: &[&str]) -> Option<String> {
    let keys = items.filter_map(Value::as_object).flat_map(Map::keys);
    let bad: Vec<String> = keys.filter(|key| !allowed.contains(&key.as_str())).map(|key| format!(":{key}")).collect();
    (!bad.is_empty()).then(|| format!("[{}]", bad.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_are_held_to_their_keys() {
        let check = |content_type: &str, items: Value| {
            let attributes = json!({ "items": items });
            problems(Some("x"), content_type, attributes.as_object().unwrap())
        };
        assert!(check("text", json!([{ "any": 1 }])).is_empty());
        assert!(check("input_select", json!([{ "title": "a", "value": "b" }])).is_empty());
        assert_eq!(check("input_select", json!([])), ["Content attributes At least one item is required."]);
        assert_eq!(
            check("input_select", json!([{ "title": "a", "id": 1 }])),
            ["Content attributes contains invalid keys for items : [:id]"]
        );
        assert_eq!(check("cards", json!([{ "title": "a" }])), ["Content attributes contains items missing actions"]);
        let link = json!([{ "title": "a", "actions": [{ "type": "link", "text": "t", "uri": "u" }] }]);
        assert!(check("cards", link).is_empty());
        let odd = json!([{ "title": "a", "actions": [{ "type": "link", "url": "u" }] }]);
        assert_eq!(check("cards", odd), ["Content attributes contains invalid keys for actions:  [:url]"]);
        assert!(!is_content_type("card"));
        assert_eq!(problems(Some(&"x".repeat(150_001)), "text", &Map::new()).len(), 1);
    }
}
