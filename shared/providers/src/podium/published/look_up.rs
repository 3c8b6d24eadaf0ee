//! Did an earlier text go out? Podium is asked for the person's messages, and only a clear "no" may lead to another text.
//!
//! "No" takes all of: the contact is the person's own (or does not exist), every page of every conversation was read, and
//! no message is there that could be ours. Whatever is odd on the way ends as "cannot tell": a person looks at it.

use std::time::Duration;

use frontdesk_core::{
    ids::ProviderId,
    phone::E164Phone,
    provider::{LookUp, LookUpAnswer, NotDone},
    time::{Clock, UnixMillis},
};
use serde_json::Value;

use super::Published;
use crate::{
    http::Answer,
    json,
    podium::{Wire, refusal::Problem, unavailable},
    token::AccessTokens,
};

/// Over all conversations. The order of the pages is not documented, so there is no stopping early at an old message.
const PAGES_MAX: usize = 20;
/// How far Podium's clock may be behind ours.
const CLOCK_MARGIN: Duration = Duration::from_secs(300);
const UID_BYTES_MAX: usize = 128;

/// What a contact says about where to look.
enum Contact {
    /// There is no such contact, so nothing was ever sent to it.
    Unknown,
    Conversations(Vec<String>),
    /// Not the answer to our question.
    Odd,
}

/// What a message, or a pile of them, says.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Ours(ProviderId),
    /// Could be ours.
    Unclear,
    NotOurs,
}

struct Page {
    finding: Finding,
    next: Option<String>,
}

impl Published {
    pub(in crate::podium) async fn look_up<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        what: &LookUp,
    ) -> Result<LookUpAnswer, NotDone> {
        let Some(invite) = &what.invite else { return Ok(LookUpAnswer::CannotTell) };
        let wanted = Wanted { link: &invite.url, since: what.began_at.minus(CLOCK_MARGIN) };
        let path = format!("/v4/contacts/{}", what.phone.expose().replacen('+', "%2B", 1));
        let conversations = match contact(&wire.get(wire.base.at(&path)).await?, &what.phone)? {
            Contact::Unknown => return Ok(LookUpAnswer::NotSent),
            Contact::Odd => return Ok(LookUpAnswer::CannotTell),
            Contact::Conversations(uids) => uids,
        };
        let mut unclear = false;
        let mut pages = 0;
        for uid in conversations {
            let mut cursor = None;
            loop {
                if pages == PAGES_MAX {
                    return Ok(LookUpAnswer::CannotTell);
                }
                pages += 1;
                let Some(page) = self.page(wire, &uid, cursor.as_deref(), &wanted).await? else {
                    return Ok(LookUpAnswer::CannotTell);
                };
                match page.finding {
                    Finding::Ours(message) => return Ok(LookUpAnswer::Sent { message }),
                    Finding::Unclear => unclear = true,
                    Finding::NotOurs => {}
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(if unclear { LookUpAnswer::CannotTell } else { LookUpAnswer::NotSent })
    }

    /// One page of messages; `None` when the answer is not one.
    async fn page<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        conversation: &str,
        cursor: Option<&str>,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Page>, NotDone> {
        let mut url = wire.base.at(&format!("/v4/conversations/{conversation}/messages"));
        if let Some(cursor) = cursor {
            // Alone: Podium ignores everything that stands beside it.
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        let answer = wire.get(url).await?;
        match answer.status {
            200..=299 => Ok(wanted.page(&answer.json().map_err(unavailable)?)),
            404 => Ok(None),
            status => Err(unavailable(format!("status {status}"))),
        }
    }
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
    let numbers = list("phoneNumbers").into_iter().flatten().filter_map(Value::as_str);
    let channels = list("channels").into_iter().flatten().filter_map(|c| c.get("identifier")?.as_str());
    if !numbers.chain(channels).any(|number| is_same(number, phone)) {
        return Ok(Contact::Odd);
    }
    let uids: Option<Vec<String>> =
        list("conversations").and_then(|all| all.iter().map(|c| uid(c.get("uid"))).collect());
    Ok(uids.map_or(Contact::Odd, Contact::Conversations))
}

/// The same digits, whatever stands between them.
fn is_same(number: &str, phone: &E164Phone) -> bool {
    number.trim_start().starts_with('+')
        && number.chars().filter(char::is_ascii_digit).eq(phone.expose().chars().filter(char::is_ascii_digit))
}

/// A uid that can stand in a path as it is.
fn uid(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    (plain && !text.is_empty() && text.len() <= UID_BYTES_MAX).then(|| text.to_owned())
}

/// The message that is looked for.
struct Wanted<'a> {
    link: &'a str,
    since: UnixMillis,
}

impl Wanted<'_> {
    fn page(&self, body: &Value) -> Option<Page> {
        let messages = body.get("data")?.as_array()?;
        let next = match body.pointer("/metadata/nextCursor") {
            None | Some(Value::Null) => None,
            Some(Value::String(cursor)) => Some(cursor.clone()).filter(|c| !c.is_empty()),
            Some(_) => return None,
        };
        let mut finding = Finding::NotOurs;
        for message in messages {
            match self.finding(message) {
                Finding::NotOurs => {}
                Finding::Unclear => finding = Finding::Unclear,
                ours @ Finding::Ours(_) => return Some(Page { finding: ours, next }),
            }
        }
        Some(Page { finding, next })
    }

    fn finding(&self, message: &Value) -> Finding {
        if !message.is_object() {
            return Finding::Unclear;
        }
        let items = || message.get("items").and_then(Value::as_array).into_iter().flatten();
        let texts: Vec<&str> = [message.get("body")]
            .into_iter()
            .chain(items().flat_map(|item| [item.get("body"), item.get("sendBody")]))
            .filter_map(|text| text?.as_str())
            .collect();
        let at = json::time(message.get("createdAt"));
        // Without a time it counts as new, without a direction as outbound: both lead to a person, not to a second text.
        let is_recent = at.is_none_or(|at| at >= self.since);
        let is_outbound = items().any(|item| item.get("sourceType").and_then(Value::as_str) == Some("outbound"));
        let is_inbound =
            !is_outbound && items().any(|item| item.get("sourceType").and_then(Value::as_str) == Some("inbound"));
        if texts.iter().any(|text| text.contains(self.link)) {
            // An older message with this link may be an earlier order's (Podium may give one link per contact) or a late
            // arrival of this very request.
            let ours = json::id(message.get("uid")).filter(|_| is_outbound && is_recent && at.is_some());
            return ours.map_or(Finding::Unclear, Finding::Ours);
        }
        // Ours has a link. It may have been replaced by another on the way, or be hidden with the whole text.
        let hidden =
            texts.is_empty() && items().chain([message]).any(|m| m.get("encryptedAt").is_some_and(|at| !at.is_null()));
        let other_link = texts.iter().any(|text| text.contains("://"));
        if !is_inbound && is_recent && (hidden || other_link) { Finding::Unclear } else { Finding::NotOurs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LINK: &str = "https://pdm.example/x";

    fn finding(message: &Value) -> Finding {
        Wanted { link: LINK, since: UnixMillis::new(1_772_000_000_000) }.finding(message)
    }

    fn message(body: &Value, source: &str, created: &str) -> Value {
        json!({ "uid": "m-1", "body": body, "createdAt": created, "items": [{ "body": body, "sourceType": source }] })
    }

    #[test]
    fn only_a_new_outbound_message_with_the_link_is_ours() {
        let (new, old) = ("2026-02-25T06:13:20Z", "2026-02-25T06:13:19Z");
        let text = json!(format!("Hi! {LINK} STOP"));
        let ours = Finding::Ours(ProviderId::try_from("m-1").unwrap());
        assert_eq!(finding(&message(&text, "outbound", new)), ours);
        let mut only_sent_body = message(&json!(null), "outbound", new);
        only_sent_body["items"][0]["sendBody"] = text.clone();
        assert_eq!(finding(&only_sent_body), ours);
        for unclear in [
            message(&text, "outbound", old),
            message(&text, "outbound", "yesterday"),
            message(&text, "inbound", new),
            message(&text, "carrier_pigeon", new),
            json!({ "body": text, "createdAt": new, "items": [{ "sourceType": "outbound" }] }),
            message(&json!("Hi! https://sho.rt/er"), "outbound", new),
            json!({ "uid": "m-1", "body": null, "createdAt": new, "items": [{ "sourceType": "outbound", "encryptedAt": new }] }),
            json!("a message"),
        ] {
            assert_eq!(finding(&unclear), Finding::Unclear, "{unclear}");
        }
        for other in [
            message(&json!("Your order is ready."), "outbound", new),
            message(&json!("Thanks, see https://my.site"), "inbound", new),
            message(&json!("Hi! https://sho.rt/er"), "outbound", old),
            message(&json!(null), "outbound", new),
        ] {
            assert_eq!(finding(&other), Finding::NotOurs, "{other}");
        }
    }

    #[test]
    fn numbers_are_compared_by_their_digits() {
        let phone = E164Phone::parse_e164("+61491570156").unwrap();
        for same in ["+61491570156", " +61 491 570 156", "+61-491-570-156"] {
            assert!(is_same(same, &phone), "{same}");
        }
        for other in ["+61491570157", "0491570156", "61491570156", "", "+"] {
            assert!(!is_same(other, &phone), "{other}");
        }
    }

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
}
