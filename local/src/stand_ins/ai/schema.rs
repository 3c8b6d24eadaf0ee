//! What vendors want of a schema before they hold an answer to it.

use serde_json::Value;

/// What is wrong with it: every object is closed, and with `all_required` names all of its properties as required.
pub(super) fn problem(schema: &Value, all_required: bool) -> Option<String> {
    let Some(fields) = schema.as_object() else { return Some("schema must be an object".to_owned()) };
    let is_object = match fields.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => false,
    };
    let properties = fields.get("properties").and_then(Value::as_object);
    if is_object {
        if fields.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Some("'additionalProperties' is required to be supplied and to be false.".to_owned());
        }
        let required = fields.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let missing = properties.into_iter().flatten().find(|(name, _)| !required.iter().any(|known| known == *name));
        if let Some((name, _)) = missing.filter(|_| all_required) {
            return Some(format!(
                "'required' is required to be supplied and to be an array including every key in properties. Missing '{name}'."
            ));
        }
    }
    let inner = properties.into_iter().flatten().map(|(_, schema)| schema);
    let any_of = fields.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    inner.chain(fields.get("items")).chain(any_of).find_map(|schema| problem(schema, all_required))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_closed_all_the_way_down() {
        let good = json!({ "type": "object", "additionalProperties": false, "required": ["a"], "properties": {
            "a": { "type": "array", "items": { "type": "string" } },
        } });
        assert_eq!(problem(&good, true), None);
        let mut open = good.clone();
        open["properties"]["a"]["items"] = json!({ "type": "object" });
        assert!(problem(&open, true).unwrap().contains("additionalProperties"));
        let mut optional = good;
        optional["required"] = json!([]);
        assert!(problem(&optional, true).unwrap().contains("'a'"));
        assert_eq!(problem(&optional, false), None);
    }
}
