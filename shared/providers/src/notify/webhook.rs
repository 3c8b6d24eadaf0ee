//! A notice as a document for any HTTPS address. Pure.
//!
//! ```json
//! {
//!   "version": 1,
//!   "id": "notice#bad_review#rev_1",
//!   "kind": "bad_review",
//!   "opened_at": "2026-02-25T06:13:20Z",
//!   "headline": "A bad review: 1 of 5 stars",
//!   "facts": { "Rating": "1" },
//!   "quote": "Never arrived",
//!   "link": "https://…",
//!   "action": "Answer within a day."
//! }
//! ```
//!
//! `quote` and `link` may be null. A notice may come twice, under the same `id`. The version changes when a field goes or
//! changes its meaning, and not when one is added.

use std::borrow::Cow;

use frontdesk_core::{
    notice::Notice,
    signature::{PodiumScheme, Secret, sign_podium},
    time::UnixMillis,
};
use serde_json::{Map, Value, json};

use super::words::{cut, one_line, quoted, tidy};
use crate::{http::escaped, json};

/// `t=<unix seconds>,v1=<hex>`: the HMAC-SHA256 of seconds, dot and body.
pub(super) const SIGNATURE: &str = "x-frontdesk-signature";
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";

const VERSION: u32 = 1;
const HEADLINE_MAX: usize = 500;
const FACT_MAX: usize = 1_000;
const FACTS_MAX: usize = 50;
/// Customers' words and ours, each.
const TEXT_MAX: usize = 10_000;

/// The document. Customers' words are not escaped: that is for who shows them. Numbers and addresses in them are masked,
/// because nobody knows who sees them there; but not in a letter to the shop, which is to be answered.
pub(super) fn document(notice: &Notice, link: Option<&str>) -> Value {
    let content = &notice.content;
    let quote = quoted(notice);
    json!({
        "version": VERSION,
        "id": notice.key.as_str(),
        "kind": notice.kind.as_str(),
        "opened_at": json::iso(notice.opened_at),
        "headline": cut(&one_line(&content.headline), HEADLINE_MAX),
        "facts": facts(&content.facts),
        "quote": quote.map(|quote| cut(&quote, TEXT_MAX)),
        "link": link,
        "action": cut(&tidy(&content.action), TEXT_MAX),
    })
}

/// Values under their labels; those that share one stand side by side.
fn facts(facts: &[(String, String)]) -> Map<String, Value> {
    let mut named: Map<String, Value> = Map::new();
    for (label, value) in facts.iter().take(FACTS_MAX) {
        let (label, value) = (cut(&one_line(label), FACT_MAX), cut(&one_line(value), FACT_MAX));
        let whole = match named.get(&label).and_then(Value::as_str) {
            Some(earlier) => format!("{earlier}, {value}"),
            None => value,
        };
        named.insert(label, Value::String(whole));
    }
    named
}

/// The key by which a notice that comes twice is known for the same. Ids come from outside, and not all letters can stand
/// in a header.
pub(super) fn idempotency_key(notice: &Notice) -> Cow<'_, str> {
    let key = notice.key.as_str();
    if key.bytes().all(|b| b.is_ascii_graphic()) { Cow::Borrowed(key) } else { Cow::Owned(escaped(key)) }
}

/// The signature's header: the form in which the briefs' Podium signs, so whoever checks one can check the other.
pub(super) fn signature(secret: &Secret, body: &[u8], now: UnixMillis) -> Option<String> {
    sign_podium(secret, PodiumScheme::BriefTV1, body, now.get()).into_iter().next().map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::tests::notice;

    #[test]
    fn a_notice_as_a_document() {
        assert_eq!(
            document(&notice(), Some("https://reviews.example/1")),
            json!({
                "version": 1,
                "id": "notice#bad_review#rev_1",
                "kind": "bad_review",
                "opened_at": "2026-02-25T06:13:20Z",
                "headline": "A bad review: 1 of 5 stars",
                "facts": { "Location": "Burleigh & Co", "Rating": "1" },
                "quote": "Never arrived",
                "link": "https://reviews.example/1",
                "action": "Answer within a day.",
            })
        );
    }

    #[test]
    fn no_fact_is_lost_to_another() {
        let two = |label: &str, value: &str| (label.to_owned(), value.to_owned());
        assert_eq!(
            Value::Object(facts(&[two("Order", "1"), two("Order", "2"), two("Rating", "5")])),
            json!({ "Order": "1, 2", "Rating": "5" })
        );
    }

    #[test]
    fn words_stay_as_they_are_but_for_numbers_and_length() {
        let mut notice = notice();
        notice.content.quote = Some("<b>ring 0491 570 156</b> @here".into());
        assert_eq!(document(&notice, None)["quote"], "<b>ring ***0156</b> @here");
        notice.content.quote = Some("x".repeat(20_000));
        assert_eq!(document(&notice, None)["quote"].as_str().unwrap().chars().count(), 10_000);
        notice.content.quote = None;
        assert_eq!(document(&notice, None)["quote"], Value::Null);
    }

    /// The digest of `1772000000.{}` under the key `hush`, made by another program.
    #[test]
    fn a_signature_that_others_can_check() {
        let secret = Secret::new("secret", "hush").unwrap();
        let made = signature(&secret, b"{}", UnixMillis::new(1_772_000_000_999)).unwrap();
        assert_eq!(made, "t=1772000000,v1=f6b06f827da7666f5d098ff63f76df3d6fb98a81272e9e40e8c9d6d6e31a676d");
    }
}
