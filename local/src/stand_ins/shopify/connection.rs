//! `orders(first:, after:, sortKey:, reverse:, query:)`: the orders that somebody spoke of, page by page.
//!
//! A cursor names a place in the order of the sort key, not an order: what changes between two pages moves, as it does in a
//! real shop.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::graphql::{self, Field};
use crate::clock::parse_iso;
use crate::stand_ins::app::App;

/// Shopify's limit.
const FIRST_MAX: u64 = 250;

/// An order's place: the sort key's time, then the number.
type Place = (i64, u64);

pub(super) fn orders(app: &App, field: &Field, variables: Option<&Value>) -> Result<Value, Value> {
    let known = ["first", "after", "sortKey", "reverse", "query"];
    if let Some((name, _)) = field.arguments.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(json!({ "message": format!("the stand-in has no argument '{name}' of 'orders'") }));
    }
    let argument = |name: &str| field.argument(name, variables);
    let first = argument("first").as_u64();
    let first = first.ok_or_else(|| bad_request("you must provide one of first or last"))?;
    if !(1..=FIRST_MAX).contains(&first) {
        return Err(bad_request(&format!("first must be between 1 and {FIRST_MAX}")));
    }
    let key = match argument("sortKey").as_str() {
        None | Some("PROCESSED_AT") => Some("processedAt"),
        Some("UPDATED_AT") => Some("updatedAt"),
        Some("CREATED_AT") => Some("createdAt"),
        Some("ID") => None,
        Some(other) => return Err(json!({ "message": format!("the stand-in cannot sort by {other}") })),
    };
    let reverse = argument("reverse") == Value::Bool(true);
    let terms = Term::all(argument("query").as_str().unwrap_or_default())?;
    let invalid = || bad_request("Invalid cursor for current pagination sort.");
    let after = Some(argument("after")).filter(|cursor| !cursor.is_null());
    let after = after.map(|cursor| cursor.as_str().and_then(place_in).ok_or_else(invalid)).transpose()?;

    let mut found: Vec<(Place, Value)> = app
        .lock()
        .orders
        .all()
        .into_iter()
        .filter(|order| terms.iter().all(|term| term.holds(order)))
        .map(|order| (place_of(&order, key), order))
        .collect();
    let compare = |a: &Place, b: &Place| if reverse { b.cmp(a) } else { a.cmp(b) };
    found.sort_by(|(a, _), (b, _)| compare(a, b));
    found.retain(|(place, _)| after.is_none_or(|after| compare(place, &after) == Ordering::Greater));
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let more = found.len() > first;
    found.truncate(first);

    let cursors: Vec<String> = found.iter().map(|(place, _)| cursor_of(*place)).collect();
    let edges: Vec<Value> = found
        .iter()
        .zip(&cursors)
        .map(|((_, order), cursor)| json!({ "__typename": "OrderEdge", "cursor": cursor, "node": order }))
        .collect();
    let connection = json!({
        "__typename": "OrderConnection",
        "edges": edges,
        "nodes": found.into_iter().map(|(_, order)| order).collect::<Vec<_>>(),
        "pageInfo": {
            "__typename": "PageInfo",
            "hasNextPage": more,
            "hasPreviousPage": after.is_some(),
            "startCursor": cursors.first(),
            "endCursor": cursors.last(),
        },
    });
    graphql::project(&connection, "OrderConnection", &field.selection)
}

fn bad_request(message: &str) -> Value {
    json!({ "message": message, "path": ["orders"], "extensions": { "code": "BAD_REQUEST" } })
}

fn time(order: &Value, field: &str) -> Option<i64> {
    order.get(field).and_then(Value::as_str).and_then(parse_iso)
}

fn place_of(order: &Value, key: Option<&str>) -> Place {
    let id = order.get("id").and_then(Value::as_str).unwrap_or_default();
    let number = id.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    (key.and_then(|key| time(order, key)).unwrap_or(0), number)
}

fn cursor_of((at_ms, number): Place) -> String {
    STANDARD.encode(json!({ "last_id": number, "last_value": at_ms.to_string() }).to_string())
}

fn place_in(cursor: &str) -> Option<Place> {
    let place: Value = serde_json::from_slice(&STANDARD.decode(cursor).ok()?).ok()?;
    Some((place.get("last_value")?.as_str()?.parse().ok()?, place.get("last_id")?.as_u64()?))
}

/// One condition of the search: `updated_at:>='2026-11-01T00:00:00Z'`.
#[derive(Debug)]
struct Term {
    field: &'static str,
    operator: &'static str,
    value: String,
}

impl Term {
    /// Reads a search. Shopify passes over what it does not understand, and then answers with everything; here that is an
    /// error, because a client that relies on it is wrong.
    fn all(query: &str) -> Result<Vec<Self>, Value> {
        split(query)
            .into_iter()
            .filter(|term| !term.eq_ignore_ascii_case("AND"))
            .map(|term| Self::read(&term))
            .collect()
    }

    fn read(term: &str) -> Result<Self, Value> {
        let unknown = || json!({ "message": format!("the stand-in does not understand the search term {term}") });
        let (field, rest) = term.split_once(':').ok_or_else(unknown)?;
        let field = match field {
            "updated_at" => "updatedAt",
            "created_at" => "createdAt",
            "processed_at" => "processedAt",
            "financial_status" => "displayFinancialStatus",
            "fulfillment_status" => "displayFulfillmentStatus",
            "test" => "test",
            _ => return Err(unknown()),
        };
        let operators = [">=", "<=", ">", "<"];
        let operator = operators.into_iter().find(|operator| rest.starts_with(operator)).unwrap_or("");
        let value = rest.get(operator.len()..).unwrap_or_default().trim_matches(['\'', '"']).to_owned();
        let is_time = field.ends_with("At");
        if value.is_empty() || (is_time && parse_iso(&value).is_none()) || (!is_time && !operator.is_empty()) {
            return Err(unknown());
        }
        Ok(Self { field, operator, value })
    }

    fn holds(&self, order: &Value) -> bool {
        if !self.field.ends_with("At") {
            return match order.get(self.field) {
                Some(Value::String(text)) => text.eq_ignore_ascii_case(&self.value),
                Some(other) => serde_json::from_str(&self.value).is_ok_and(|value: Value| value == *other),
                None => false,
            };
        }
        let (Some(at), Some(bound)) = (time(order, self.field), parse_iso(&self.value)) else { return false };
        match self.operator {
            ">=" => at >= bound,
            "<=" => at <= bound,
            ">" => at > bound,
            "<" => at < bound,
            _ => at == bound,
        }
    }
}

/// Splits at white space outside of quotes. A space may stand behind the colon or the operator.
fn split(query: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut quote = None;
    for c in query.chars() {
        let Some(last) = terms.last_mut() else { break };
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            None if c.is_whitespace() => {
                if !last.ends_with([':', '=', '>', '<']) {
                    terms.push(String::new());
                }
                continue;
            }
            Some(_) | None => {}
        }
        last.push(c);
    }
    terms.retain(|term| !term.is_empty());
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_are_understood_or_refused() {
        let order = json!({ "updatedAt": "2026-11-02T00:00:00Z", "displayFinancialStatus": "PAID", "test": false });
        for (query, holds) in [
            ("", true),
            ("updated_at:>='2026-11-02T00:00:00Z'", true),
            ("updated_at:>2026-11-02T00:00:00Z", false),
            ("updated_at:>='2026-11-01T00:00:00+11:00' AND updated_at:<\"2026-11-03T00:00:00Z\"", true),
            ("updated_at: >= '2026-11-01T00:00:00Z' financial_status:paid test:false", true),
            ("financial_status:refunded", false),
        ] {
            assert_eq!(Term::all(query).unwrap().iter().all(|term| term.holds(&order)), holds, "{query}");
        }
        for bad in ["updatedAt:>='2026-11-02T00:00:00Z'", "updated_at:>='yesterday'", "Mia", "test:>5", "updated_at:"] {
            assert!(Term::all(bad).is_err(), "{bad}");
        }
    }
}
