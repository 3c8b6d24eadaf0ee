//! What `frontdesk doctor` asks of the functions' roles, and what the template lets them: the same.

use std::collections::BTreeMap;

use frontdesk_core::{
    config::Function,
    doctor::{
        needs::{self, Place},
        storage::TABLES,
    },
};
use frontdesk_tests::schema::SCHEMAS;

const TEMPLATE: &str = include_str!("../../template.yaml");

/// The lines of a resource.
fn resource(name: &str) -> Vec<&'static str> {
    let head = format!("  {name}:");
    let begins = |line: &&str| *line == head || line.starts_with(&format!("{head} "));
    let rest = TEMPLATE.lines().skip_while(|line| !begins(line));
    rest.skip(1).take_while(|line| line.is_empty() || line.starts_with("   ")).collect()
}

/// `shopify-orders` is `ShopifyOrders`.
fn logical(function: Function) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    function.as_str().split('-').map(word).collect()
}

/// What the template's functions are told: the resource behind each variable that is wired.
fn told(function: Function) -> BTreeMap<String, String> {
    let lines = resource(&format!("{}Function", logical(function)));
    let variable = |line: &&str| {
        let (name, value) = line.strip_prefix("          ")?.split_once(": ")?;
        let (_, value) = value.split_once("!GetAtt ").or_else(|| value.split_once("!Ref "))?;
        let named = value.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
        Some((name.to_owned(), named.to_owned()))
    };
    lines.iter().filter_map(variable).collect()
}

/// The statements of a role, each in one line.
fn statements(function: Function) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in resource(&format!("{}Role", logical(function))) {
        if line.trim_start().starts_with("- ") {
            all.push(line.trim().to_owned());
        } else if let Some(last) = all.last_mut() {
            last.push(' ');
            last.push_str(line.trim());
        }
    }
    all
}

#[test]
fn all_that_doctor_asks_of_a_role_the_template_lets_it() {
    let queues = [
        ("shopify", "ShopifyEventsQueue"),
        ("review-requests", "ReviewDeferredQueue"),
        ("podium", "PodiumEventsQueue"),
        ("podium-reviews", "PodiumReviewEventsQueue"),
        ("chatwoot", "ChatwootQueue"),
        ("notices", "NoticesQueue"),
        ("privacy", "PrivacyQueue"),
    ];
    for function in Function::ALL {
        let (told, statements) = (told(function), statements(function));
        for need in needs::of(function) {
            let place = match need.place {
                Place::Named(setting) => told.get(setting).cloned(),
                Place::Index(setting, index) => told.get(setting).map(|table| format!("{table}.Arn}}/index/{index}")),
                Place::Source(word) => {
                    queues.iter().find(|(known, _)| *known == word).map(|(_, queue)| (*queue).to_owned())
                }
            };
            let place = place.unwrap_or_else(|| panic!("{function:?} is not told of {:?}", need.place));
            for action in need.actions {
                let lets = |statement: &&String| statement.contains(action) && statement.contains(&place);
                assert!(statements.iter().any(|s| lets(&s)), "{function:?}: {action} on {place}");
            }
        }
    }
}

#[test]
fn a_permission_on_rows_that_the_template_gives_is_asked_about() {
    for function in Function::ALL.into_iter().filter(|function| *function != Function::Health) {
        let told = told(function);
        for (setting, table) in told.iter().filter(|(setting, _)| setting.starts_with("FRONTDESK_TABLE_")) {
            let asked: Vec<&str> = needs::of(function)
                .into_iter()
                .filter(|need| matches!(need.place, Place::Named(name) | Place::Index(name, _) if name == setting))
                .flat_map(|need| need.actions.to_vec())
                .collect();
            for statement in statements(function).iter().filter(|statement| statement.contains(&format!("{table}.Arn")))
            {
                let actions = statement.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'));
                for action in actions.filter(|word| word.starts_with("dynamodb:") && *word != "dynamodb:LeadingKeys") {
                    assert!(asked.contains(&action), "{function:?} may {action} on {table}, and nobody asks");
                }
            }
        }
    }
}

#[test]
fn doctor_knows_the_tables_as_the_template_makes_them() {
    for schema in SCHEMAS {
        let word = schema.name.replace('_', "-");
        let known = TABLES.iter().find(|table| table.word == word).unwrap_or_else(|| panic!("{word}"));
        let indexes: Vec<&str> = schema.indexes.iter().map(|index| index.name).collect();
        assert_eq!((known.indexes.to_vec(), known.expires), (indexes, schema.expires), "{word}");
    }
    assert_eq!(TABLES.len(), SCHEMAS.len());
}
