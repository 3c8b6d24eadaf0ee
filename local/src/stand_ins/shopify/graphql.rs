//! As much GraphQL as one query needs: read the selection, answer exactly what it selects, refuse what does not exist.
//!
//! A stand-in that answered every field would hide the commonest mistake of a GraphQL client: to read what it did not ask
//! for, or to ask for what the schema does not have.

use serde_json::{Map, Value, json};

/// Deeper queries are refused; Shopify's own limit is of this order.
const DEPTH_MAX: usize = 16;

/// One thing selected.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Selection {
    /// A field.
    Field(Field),
    /// `... on Type { }`; and `... Name`, once it is known what that stands for.
    On(String, Vec<Selection>),
    /// `... Name`; none is left in what [`parse`] returns.
    Named(String),
}

/// A field, with what is selected of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// Its name in the answer: the alias, if there is one.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) arguments: Vec<(String, Argument)>,
    pub(super) selection: Vec<Selection>,
}

/// An argument's value, as far as anybody asks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Argument {
    /// `"text"`, its quotes unescaped.
    Text(String),
    /// `$name`
    Variable(String),
    /// A number, an enum, true or false, as written.
    Word(String),
    /// A list, an object.
    Other,
}

impl Field {
    /// The value of an argument; null, if it is missing or its variable is.
    pub(super) fn argument(&self, name: &str, variables: Option<&Value>) -> Value {
        let argument = self.arguments.iter().find(|(known, _)| known == name).map(|(_, argument)| argument);
        match argument {
            Some(Argument::Text(text)) => Value::String(text.clone()),
            Some(Argument::Variable(name)) => variables.and_then(|all| all.get(name)).cloned().unwrap_or_default(),
            // What is no JSON is an enum's value.
            Some(Argument::Word(word)) => serde_json::from_str(word).unwrap_or_else(|_| Value::String(word.clone())),
            Some(Argument::Other) | None => Value::Null,
        }
    }
}

/// Reads a query document with one operation, and the fragments that it names behind it.
pub(super) fn parse(query: &str) -> Result<Vec<Selection>, String> {
    let mut parser = Parser { tokens: tokens(query)?, at: 0 };
    // `query Name($id: ID!)`: nothing in it is of interest.
    while parser.peek().is_some_and(|token| token != "{") {
        parser.at += 1;
    }
    let root = parser.selection(0)?;
    let mut fragments = Vec::new();
    while parser.eat("fragment") {
        let name = parser.name()?;
        parser.expect("on")?;
        fragments.push(Fragment { name, kind: parser.name()?, selection: parser.selection(0)? });
    }
    match parser.peek() {
        None => spelled_out(root, &fragments, 0),
        Some(token) => Err(format!("unexpected {token} after the operation")),
    }
}

/// `fragment Name on Kind { }`
struct Fragment {
    name: String,
    kind: String,
    selection: Vec<Selection>,
}

/// The same selection with each fragment in the place of its name.
fn spelled_out(selection: Vec<Selection>, fragments: &[Fragment], depth: usize) -> Result<Vec<Selection>, String> {
    if depth > DEPTH_MAX {
        return Err("the query is too deep".to_owned());
    }
    let inner = |selection| spelled_out(selection, fragments, depth + 1);
    let one = |selected| match selected {
        Selection::Field(field) => Ok(Selection::Field(Field { selection: inner(field.selection.clone())?, ..field })),
        Selection::On(kind, selection) => Ok(Selection::On(kind, inner(selection)?)),
        Selection::Named(name) => {
            let known = fragments.iter().find(|fragment| fragment.name == name);
            let fragment = known.ok_or_else(|| format!("there is no fragment {name}"))?;
            Ok(Selection::On(fragment.kind.clone(), inner(fragment.selection.clone())?))
        }
    };
    selection.into_iter().map(one).collect()
}

/// Answers `selection` from `value`, an object of type `kind`.
pub(super) fn project(value: &Value, kind: &str, selection: &[Selection]) -> Result<Value, Value> {
    match value {
        Value::Object(fields) if selection.is_empty() => {
            let known = fields.keys().next().map_or("", String::as_str);
            let message = format!("Field must have selections (type '{kind}', for example {known})");
            Err(json!({ "message": message, "extensions": { "code": "selectionMismatch" } }))
        }
        Value::Object(fields) => {
            let mut answer = Map::new();
            select(fields, kind, selection, &mut answer)?;
            Ok(Value::Object(answer))
        }
        Value::Array(items) => items.iter().map(|item| project(item, kind, selection)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
    }
}

fn select(
    fields: &Map<String, Value>,
    kind: &str,
    selection: &[Selection],
    answer: &mut Map<String, Value>,
) -> Result<(), Value> {
    let typename = fields.get("__typename").and_then(Value::as_str).unwrap_or(kind);
    for selected in selection {
        match selected {
            Selection::On(wanted, inner) if wanted == typename => select(fields, kind, inner, answer)?,
            Selection::On(..) | Selection::Named(_) => {}
            Selection::Field(field) if field.name == "__typename" => {
                answer.insert(field.key.clone(), Value::String(typename.to_owned()));
            }
            Selection::Field(field) => {
                let value = fields.get(&field.name).ok_or_else(|| unknown_field(typename, &field.name))?;
                answer.insert(field.key.clone(), project(value, type_of(&field.name), &field.selection)?);
            }
        }
    }
    Ok(())
}

/// The type behind a field's name.
fn type_of(field: &str) -> &str {
    match field {
        "fulfillments" => "Fulfillment",
        "refunds" => "Refund",
        "customer" => "Customer",
        "defaultPhoneNumber" => "CustomerPhoneNumber",
        "shippingAddress" | "billingAddress" | "defaultAddress" => "MailingAddress",
        "accessScopes" => "AccessScope",
        "order" | "node" | "nodes" => "Order",
        "orders" => "OrderConnection",
        "edges" => "OrderEdge",
        "pageInfo" => "PageInfo",
        "defaultEmailAddress" => "CustomerEmailAddress",
        "company" => "Company",
        "totalRefundedSet" => "MoneyBag",
        "shopMoney" => "MoneyV2",
        "location" | "retailLocation" => "Location",
        other => other,
    }
}

/// Shopify's error for a field that a type does not have.
pub(super) fn unknown_field(kind: &str, field: &str) -> Value {
    json!({
        "message": format!("Field '{field}' doesn't exist on type '{kind}'"),
        "path": ["query", field],
        "extensions": { "code": "undefinedField", "typeName": kind, "fieldName": field },
    })
}

/// Splits a document into names, numbers, quoted strings (kept with their opening quote) and punctuation.
fn tokens(query: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start_matches('\u{feff}');
    while let Some(first) = rest.chars().next() {
        let length = match first {
            ',' | ' ' | '\t' | '\r' | '\n' => {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            '#' => {
                rest = rest.split_once('\n').map_or("", |(_, after)| after);
                continue;
            }
            '"' => string_length(rest).ok_or("unfinished string")?,
            '.' if rest.starts_with("...") => 3,
            c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.')).unwrap_or(rest.len())
            }
            '{' | '}' | '(' | ')' | '[' | ']' | ':' | '$' | '!' | '=' | '@' | '|' => 1,
            other => return Err(format!("unexpected {other:?}")),
        };
        let (token, after) = rest.split_at_checked(length).ok_or("broken token")?;
        tokens.push(token.to_owned());
        rest = after;
    }
    Ok(tokens)
}

/// Length of the string literal at the start, quotes included.
fn string_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return Some(at + 1),
            '\n' => return None,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    None
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Result<String, String> {
        let token = self.tokens.get(self.at).cloned().ok_or("unexpected end")?;
        self.at += 1;
        Ok(token)
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        match self.next()? {
            token if token == wanted => Ok(()),
            token => Err(format!("expected {wanted}, found {token}")),
        }
    }

    fn name(&mut self) -> Result<String, String> {
        let token = self.next()?;
        let good = token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if good { Ok(token) } else { Err(format!("expected a name, found {token}")) }
    }

    fn selection(&mut self, depth: usize) -> Result<Vec<Selection>, String> {
        if depth > DEPTH_MAX {
            return Err("the query is too deep".to_owned());
        }
        self.expect("{")?;
        let mut selected = Vec::new();
        while !self.eat("}") {
            selected.push(if self.eat("...") {
                match self.name()? {
                    word if word == "on" => Selection::On(self.name()?, self.selection(depth + 1)?),
                    name => Selection::Named(name),
                }
            } else {
                Selection::Field(self.field(depth)?)
            });
        }
        if selected.is_empty() { Err("an empty selection".to_owned()) } else { Ok(selected) }
    }

    fn field(&mut self, depth: usize) -> Result<Field, String> {
        let key = self.name()?;
        let name = if self.eat(":") { self.name()? } else { key.clone() };
        let mut arguments = Vec::new();
        if self.eat("(") {
            while !self.eat(")") {
                let argument = self.name()?;
                self.expect(":")?;
                arguments.push((argument, self.argument()?));
            }
        }
        let selection = if self.peek() == Some("{") { self.selection(depth + 1)? } else { Vec::new() };
        Ok(Field { key, name, arguments, selection })
    }

    fn argument(&mut self) -> Result<Argument, String> {
        let token = self.next()?;
        let closing = match token.as_str() {
            "$" => return Ok(Argument::Variable(self.name()?)),
            "[" => "]",
            "{" => "}",
            text => {
                let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
                return Ok(match quoted {
                    Some(text) => Argument::Text(text.replace("\\\"", "\"")),
                    None => Argument::Word(text.to_owned()),
                });
            }
        };
        while self.next()? != closing {}
        Ok(Argument::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str) -> Result<Value, Value> {
        let order = json!({
            "id": "gid://shopify/Order/1",
            "customer": null,
            "purchasingEntity": { "__typename": "Customer", "id": "c" },
            "fulfillments": [{ "status": "SUCCESS", "id": "f" }],
        });
        let root = parse(query).unwrap();
        let [Selection::Field(field)] = root.as_slice() else { panic!("one field") };
        project(&order, "Order", &field.selection)
    }

    #[test]
    fn only_what_is_selected_is_answered() {
        let query = r#"query Q($id: ID!, $n: Int = 3) { # a comment
            order(id: $id) { id, list: fulfillments(first: 10) { status } customer { id }
              purchasingEntity { __typename ... on Customer { id } ... on PurchasingCompany { company { id } } } } }"#;
        let expected = json!({
            "id": "gid://shopify/Order/1",
            "list": [{ "status": "SUCCESS" }],
            "customer": null,
            "purchasingEntity": { "__typename": "Customer", "id": "c" },
        });
        assert_eq!(ask(query), Ok(expected));
    }

    #[test]
    fn a_fragment_stands_for_what_it_holds() {
        let query = "{ order(id: \"x\") { id fulfillments { ...Parcel } } } \
            fragment Parcel on Fulfillment { ...State id } fragment State on Fulfillment { status }";
        let parcel = json!({ "status": "SUCCESS", "id": "f" });
        assert_eq!(ask(query), Ok(json!({ "id": "gid://shopify/Order/1", "fulfillments": [parcel] })));
        let endless = "{ order { ...A } } fragment A on Order { customer { ...A } }";
        assert!(parse(endless).is_err() && parse("{ order { ...B } } fragment A on Order { id }").is_err());
    }

    #[test]
    fn a_field_that_does_not_exist_is_named() {
        let error = ask("{ order(id: \"x\") { fulfillments { state } } }").unwrap_err();
        assert_eq!(error["message"], "Field 'state' doesn't exist on type 'Fulfillment'");
        assert!(ask("{ order(id: \"x\") { fulfillments } }").is_err());
    }

    #[test]
    fn broken_queries_are_errors_and_never_a_panic() {
        let deep = "{a".repeat(40);
        for query in
            ["", "{", "{}", "{ order(", "{ order(id: \"x) { id } }", "{ a } }", "query Q", "{ ... x }", "é", &deep]
        {
            assert!(parse(query).is_err(), "{query}");
        }
    }
}
