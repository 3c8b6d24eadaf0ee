//! Pagination as Podium does it: `limit` and an opaque `cursor`, which stands for the whole first query.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::envelope::{Answer, Ask, Refusal};

/// Podium's limits.
const LIMIT_MAX: usize = 100;

/// Which part of a list was asked for.
pub(super) struct Page {
    limit: usize,
    place: Place,
}

/// What a cursor carries: where the last page ended, and the query that began it.
#[derive(Default, Serialize, Deserialize)]
struct Place {
    after: Option<String>,
    query: BTreeMap<String, String>,
}

impl Page {
    /// Reads `limit` and `cursor`. With a cursor everything else in the query is ignored, as Podium does. `fixed` is for
    /// lists that take no limit.
    pub(super) fn of(ask: &Ask, fixed: Option<usize>) -> Result<Self, Refusal> {
        let place = match ask.query.get("cursor") {
            Some(cursor) => read(cursor).ok_or_else(invalid_cursor)?,
            None => Place { after: None, query: ask.query.clone() },
        };
        let asked = place.query.get("limit").filter(|_| fixed.is_none()).map(|text| text.parse::<usize>());
        let limit = match asked {
            Some(Ok(limit)) if (1..=LIMIT_MAX).contains(&limit) => limit,
            Some(_) => return Err(Refusal::invalid("limit must be 1 to 100.")),
            None => fixed.unwrap_or_else(|| ask.app.lock().podium.settings.page_size),
        };
        Ok(Self { limit, place })
    }

    /// A parameter of the query that began this list.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.place.query.get(name).map(String::as_str)
    }

    /// Answers with this page of `items`, each with the uid that a cursor can name.
    pub(super) fn cut(&self, ask: &Ask, items: Vec<(String, Value)>) -> Answer {
        let total = items.len();
        let start = match &self.place.after {
            None => 0,
            Some(after) => items.iter().position(|(uid, _)| uid == after).ok_or_else(invalid_cursor)? + 1,
        };
        let mut rest = items.into_iter().skip(start);
        let mut last = None;
        let data: Vec<Value> = rest
            .by_ref()
            .take(self.limit)
            .map(|(uid, value)| {
                last = Some(uid);
                value
            })
            .collect();
        let mut more = json!({ "totalItems": total });
        if let (Some(_), Some(after), Some(more)) = (rest.next(), last, more.as_object_mut()) {
            let place = Place { after: Some(after), query: self.place.query.clone() };
            more.insert("nextCursor".to_owned(), Value::String(written(&place)));
        }
        Ok(ask.reply_with(StatusCode::OK, &Value::Array(data), &more))
    }
}

fn invalid_cursor() -> Refusal {
    Refusal::published(StatusCode::BAD_REQUEST, "invalid_cursor", "The cursor is not one of ours.")
}

fn read(cursor: &str) -> Option<Place> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

fn written(place: &Place) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}
