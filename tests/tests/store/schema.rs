//! The tables of the tests are the tables of the template.

use std::{fs, path::Path};

use frontdesk_tests::schema::SCHEMAS;

/// The lines of a resource: from its name to the next line that is not indented further.
fn resource<'t>(template: &'t str, name: &str) -> Vec<&'t str> {
    let start = template.lines().position(|line| line.starts_with(&format!("  {name}:"))).unwrap();
    let body = template.lines().skip(start + 1);
    body.take_while(|line| line.is_empty() || line.starts_with("    ")).collect()
}

/// All values of a key in these lines, in order, as `Key: value` or `{Key: value, ...}`.
fn values(lines: &[&str], key: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in lines {
        let mut rest = *line;
        while let Some((_, after)) = rest.split_once(&format!("{key}: ")) {
            let list = after.starts_with('[');
            let end = after.find(if list { &[']'][..] } else { &[',', '}', ' '][..] }).unwrap_or(after.len());
            found.push(after[..end].trim_start_matches('[').to_owned());
            rest = &after[end..];
        }
    }
    found
}

#[test]
fn the_tables_here_are_those_of_the_template() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let template = fs::read_to_string(path).unwrap();
    let declared = template.matches("Type: AWS::DynamoDB::Table").count();
    assert_eq!(declared, SCHEMAS.len());
    for schema in SCHEMAS {
        let lines = resource(&template, schema.resource);
        let mut keys = vec!["pk HASH".to_owned()];
        let mut kinds = vec!["pk S".to_owned()];
        for index in schema.indexes {
            keys.push(format!("{} HASH", index.hash));
            kinds.push(format!("{} S", index.hash));
            keys.extend(index.range.map(|range| format!("{range} RANGE")));
            kinds.extend(index.range.map(|range| format!("{range} N")));
        }
        let names = values(&lines, "AttributeName");
        // The expiry stands first, then the attributes, then the keys.
        let expiry = usize::from(schema.expires);
        assert_eq!(names.first().is_some_and(|name| name == "expires_at"), schema.expires, "{}", schema.name);
        let (typed, keyed) = names[expiry..].split_at(kinds.len());
        let pairs = |names: &[String], kinds: Vec<String>| -> Vec<String> {
            names.iter().zip(kinds).map(|(name, kind)| format!("{name} {kind}")).collect()
        };
        assert_eq!(pairs(typed, values(&lines, "AttributeType")), kinds, "{}", schema.name);
        assert_eq!(pairs(keyed, values(&lines, "KeyType")), keys, "{}", schema.name);
        let indexes: Vec<&str> = schema.indexes.iter().map(|index| index.name).collect();
        assert_eq!(values(&lines, "IndexName"), indexes, "{}", schema.name);
        let included: Vec<String> =
            schema.indexes.iter().filter(|i| !i.include.is_empty()).map(|i| i.include.join(", ")).collect();
        assert_eq!(values(&lines, "NonKeyAttributes"), included, "{}", schema.name);
    }
}
