//! Somebody's messages: contact, conversations, pages. Used by everything that asks Podium what was written.

use frontdesk_core::{
    phone::E164Phone,
    provider::NotDone,
    time::{Clock, UnixMillis},
};
use serde_json::Value;

use super::{Wire, refusal::Problem, unavailable};
use crate::{
    http::{Answer, escaped},
    json,
    token::AccessTokens,
};

/// Over all conversations of somebody. The order of the pages is not documented, so to be sure takes all of them.
pub(super) const PAGES_MAX: usize = 20;
const UID_BYTES_MAX: usize = 128;

/// What a contact says about where to look.
pub(super) enum Contact {
    /// There is no such contact, so nothing was ever sent to it.
    Unknown,
    Conversations(Vec<String>),
    /// Not the answer to our question.
    Odd,
}

/// What became of asking for a page.
pub(super) enum Asked {
    Page(Page),
    /// There is no such conversation.
    NoSuch,
    /// The answer is no page.
    Odd,
}

pub(super) struct Page {
    pub(super) messages: Vec<Value>,
    pub(super) next: Option<String>,
    /// The answer says how it goes on, or that it does not.
    pub(super) says_next: bool,
}

impl Page {
    /// Whether nothing from `at` on can follow. Since no order is documented, the page itself has to show that the newest
    /// comes first: several messages, each with a time, none before an older one, and not all of one moment.
    pub(super) fn is_past(&self, at: UnixMillis) -> bool {
        let times: Option<Vec<UnixMillis>> = self.messages.iter().map(|message| Seen::of(message).at).collect();
        let Some(times) = times else { return false };
        let falls = times.is_sorted_by(|newer, older| newer >= older) && times.first() > times.last();
        falls && times.iter().all(|time| *time < at)
    }
}

/// The conversations of the person with this number.
pub(super) async fn conversations<T: AccessTokens, C: Clock>(
    wire: &Wire<T, C>,
    phone: &E164Phone,
) -> Result<Contact, NotDone> {
    let path = format!("/v4/contacts/{}", escaped(phone.expose()));
    contact(&wire.get(wire.base.at(&path)).await?, phone)
}

/// One page of messages. The uid can stand in a path.
pub(super) async fn page<T: AccessTokens, C: Clock>(
    wire: &Wire<T, C>,
    conversation: &str,
    cursor: Option<&str>,
) -> Result<Asked, NotDone> {
    let mut url = wire.base.at(&format!("/v4/conversations/{conversation}/messages"));
    if let Some(cursor) = cursor {
        // Alone: Podium ignores everything that stands beside it.
        url.query_pairs_mut().append_pair("cursor", cursor);
    }
    let answer = wire.get(url).await?;
    match answer.status {
        200..=299 => Ok(read(&answer.json().map_err(unavailable)?).map_or(Asked::Odd, Asked::Page)),
        404 => Ok(Asked::NoSuch),
        status => Err(unavailable(format!("status {status}"))),
    }
}

fn read(body: &Value) -> Option<Page> {
    let messages = body.get("data")?.as_array()?.clone();
    let next = match body.pointer("/metadata/nextCursor") {
        None | Some(Value::Null) => None,
        Some(Value::String(cursor)) => Some(cursor.clone()).filter(|c| !c.is_empty()),
        Some(_) => return None,
    };
    Some(Page { messages, next, says_next: body.get("metadata").is_some_and(Value::is_object) })
}

/// Reads the contact, and believes it only if it has the number that was asked for.
fn contact(answer: &Answer, phone: &E164Phone) -> Result<Contact, NotDone> {
    match answer.status {
        200..=299 => {}
        // A 404 of a wrong base URL would also be "not found", and lead to a second text.
        404 if Problem::of(answer).code() == "resource_not_found" => return Ok(Contact::Unknown),
        status => return Err(unavailable(format!("status {status}"))),
    }
    let body = answer.json().map_err(unavailable)?;
    let list = |name: &str| body.pointer(&format!("/data/{name}")).and_then(Value::as_array);
    let numbers = list("phoneNumbers").into_iter().flatten();
    let channels = list("channels").into_iter().flatten().filter_map(|c| c.get("identifier"));
    if !numbers.chain(channels).any(|number| json::phone(number).as_ref() == Some(phone)) {
        return Ok(Contact::Odd);
    }
    let uids: Option<Vec<String>> =
        list("conversations").and_then(|all| all.iter().map(|c| uid(c.get("uid"))).collect());
    Ok(uids.map_or(Contact::Odd, Contact::Conversations))
}

/// A uid that can stand in a path as it is.
pub(super) fn uid(value: Option<&Value>) -> Option<String> {
    value?.as_str().filter(|text| is_uid(text)).map(str::to_owned)
}

/// Whether a text is one.
pub(super) fn is_uid(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    plain && !text.is_empty() && text.len() <= UID_BYTES_MAX
}

/// A message, as far as it can be read.
pub(super) struct Seen<'a> {
    message: &'a Value,
    pub(super) texts: Vec<&'a str>,
    pub(super) at: Option<UnixMillis>,
    pub(super) is_outbound: bool,
    pub(super) is_inbound: bool,
}

impl<'a> Seen<'a> {
    pub(super) fn of(message: &'a Value) -> Self {
        let items = || json::items(message, "items");
        let texts = [message.get("body")]
            .into_iter()
            .chain(items().flat_map(|item| [item.get("body"), item.get("sendBody")]))
            .filter_map(|text| text?.as_str())
            .collect();
        let comes = |source: &str| items().any(|item| item.get("sourceType").and_then(Value::as_str) == Some(source));
        let is_outbound = comes("outbound");
        Self {
            message,
            texts,
            at: json::time(message.get("createdAt")),
            is_outbound,
            is_inbound: !is_outbound && comes("inbound"),
        }
    }

    pub(super) fn is_hidden(&self) -> bool {
        let encrypted = |part: &Value| part.get("encryptedAt").is_some_and(|at| !at.is_null());
        self.texts.is_empty() && json::items(self.message, "items").chain([self.message]).any(encrypted)
    }

    pub(super) fn has_a_link(&self) -> bool {
        self.texts.iter().any(|text| text.contains("://"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_uid_cannot_leave_its_path() {
        assert_eq!(uid(Some(&json!("0a-B_9"))), Some("0a-B_9".to_owned()));
        for bad in [
            json!(".."),
            json!("a/b"),
            json!("a?b"),
            json!("%2e%2e"),
            json!(""),
            json!(null),
            json!(7),
            json!("x".repeat(129)),
        ] {
            assert_eq!(uid(Some(&bad)), None, "{bad}");
        }
    }

    #[test]
    fn only_a_page_that_falls_tells_what_follows() {
        let at = |times: &[&str]| {
            let messages = times.iter().map(|time| json!({ "createdAt": time })).collect();
            Page { messages, next: None, says_next: true }.is_past(UnixMillis::new(1_772_000_000_000))
        };
        assert!(at(&["2026-02-25T06:13:19Z", "2026-02-25T06:13:18Z"]));
        assert!(at(&["2026-02-25T06:13:19Z", "2026-02-25T06:13:19Z", "2026-02-01T00:00:00Z"]));
        for unclear in [
            &[][..],
            &["2026-02-25T06:13:18Z"],
            &["2026-02-25T06:13:18Z", "2026-02-25T06:13:18Z"],
            &["2026-02-25T06:13:18Z", "2026-02-25T06:13:19Z"],
            &["2026-02-25T06:13:20Z", "2026-02-25T06:13:19Z"],
            &["2026-02-25T06:13:19Z", "yesterday"],
        ] {
            assert!(!at(unclear), "{unclear:?}");
        }
    }
}
