//! Did an earlier text go out? Podium is asked for the person's messages, and only a clear "no" may lead to another text.
//!
//! "No" takes all of: the contact is the person's own (or does not exist), every page of every conversation was read, and
//! no message is there that could be ours. Whatever is odd on the way ends as "cannot tell": a person looks at it.

use std::time::Duration;

use frontdesk_core::{
    ids::ProviderId,
    phone::E164Phone,
    provider::{LookUp, LookUpAnswer, NotDone, Say},
    time::{Clock, UnixMillis},
};
use reqwest::Url;
use serde_json::Value;

use super::Published;
use crate::{
    http::{Answer, escaped},
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
    /// The answer says how it goes on, or that it does not.
    says_next: bool,
}

impl Published {
    pub(in crate::podium) async fn look_up<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        what: &LookUp,
    ) -> Result<LookUpAnswer, NotDone> {
        let Some(invite) = &what.invite else { return Ok(LookUpAnswer::CannotTell) };
        self.find(wire, &what.phone, &Wanted::link(&invite.url, what.began_at)).await
    }

    pub(in crate::podium) async fn look_up_said<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        phone: &E164Phone,
        what: &Say,
        began_at: UnixMillis,
    ) -> Result<LookUpAnswer, NotDone> {
        match Wanted::words(&what.text, began_at) {
            Some(wanted) => self.find(wire, phone, &wanted).await,
            None => Ok(LookUpAnswer::CannotTell),
        }
    }

    async fn find<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        phone: &E164Phone,
        wanted: &Wanted<'_>,
    ) -> Result<LookUpAnswer, NotDone> {
        let path = format!("/v4/contacts/{}", escaped(phone.expose()));
        let conversations = match contact(&wire.get(wire.base.at(&path)).await?, phone)? {
            Contact::Unknown => return Ok(LookUpAnswer::NotSent),
            Contact::Odd => return Ok(LookUpAnswer::CannotTell),
            Contact::Conversations(uids) => uids,
        };
        let mut pages = Pages { left: PAGES_MAX, unclear: false };
        for uid in conversations {
            if let Some(answer) = pages.search(wire, &uid, wanted).await? {
                return Ok(answer);
            }
        }
        Ok(pages.nothing_found())
    }
}

/// Looks into one conversation only, of a Podium that may or may not list its messages in the published way. "Not there"
/// is believed only if the list says where it ends.
pub(in crate::podium) async fn in_conversation<T: AccessTokens, C: Clock>(
    wire: &Wire<T, C>,
    conversation: &str,
    what: &Say,
    began_at: UnixMillis,
) -> Result<LookUpAnswer, NotDone> {
    let Some(wanted) = Wanted::words(&what.text, began_at) else { return Ok(LookUpAnswer::CannotTell) };
    let wanted = Wanted { must_say_next: true, ..wanted };
    let mut pages = Pages { left: PAGES_MAX, unclear: false };
    let answer = pages.search(wire, conversation, &wanted).await?;
    Ok(answer.unwrap_or_else(|| pages.nothing_found()))
}

/// Where a search stands.
struct Pages {
    left: usize,
    /// Something was there that could be ours.
    unclear: bool,
}

impl Pages {
    /// Reads a conversation to its end; an answer ends the whole search.
    async fn search<T: AccessTokens, C: Clock>(
        &mut self,
        wire: &Wire<T, C>,
        conversation: &str,
        wanted: &Wanted<'_>,
    ) -> Result<Option<LookUpAnswer>, NotDone> {
        let mut cursor = None;
        loop {
            if self.left == 0 {
                return Ok(Some(LookUpAnswer::CannotTell));
            }
            self.left -= 1;
            let Some(page) = page(wire, conversation, cursor.as_deref(), wanted).await? else {
                return Ok(Some(LookUpAnswer::CannotTell));
            };
            match page.finding {
                Finding::Ours(message) => return Ok(Some(LookUpAnswer::Sent { message })),
                Finding::Unclear => self.unclear = true,
                Finding::NotOurs => self.unclear |= wanted.must_say_next && !page.says_next,
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(None);
            }
        }
    }

    const fn nothing_found(&self) -> LookUpAnswer {
        if self.unclear { LookUpAnswer::CannotTell } else { LookUpAnswer::NotSent }
    }
}

/// One page of messages; `None` when the answer is not one. The uid can stand in a path.
async fn page<T: AccessTokens, C: Clock>(
    wire: &Wire<T, C>,
    conversation: &str,
    cursor: Option<&str>,
    wanted: &Wanted<'_>,
) -> Result<Option<Page>, NotDone> {
    let mut url: Url = wire.base.at(&format!("/v4/conversations/{conversation}/messages"));
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
fn uid(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    (plain && !text.is_empty() && text.len() <= UID_BYTES_MAX).then(|| text.to_owned())
}

/// The message that is looked for.
struct Wanted<'a> {
    mark: Mark<'a>,
    since: UnixMillis,
    /// A list that does not say whether it goes on may be only a part.
    must_say_next: bool,
}

/// What tells our message from others.
enum Mark<'a> {
    /// It holds this link, which no other message does.
    Link(&'a str),
    /// It says this and nothing else. Others may have said so before.
    Words(String),
}

impl<'a> Wanted<'a> {
    fn link(link: &'a str, began_at: UnixMillis) -> Self {
        Self { mark: Mark::Link(link), since: began_at.minus(CLOCK_MARGIN), must_say_next: false }
    }

    fn words(text: &str, began_at: UnixMillis) -> Option<Self> {
        let words = plain(text);
        let wanted = Self { mark: Mark::Words(words), since: began_at.minus(CLOCK_MARGIN), must_say_next: false };
        (!text.trim().is_empty()).then_some(wanted)
    }

    fn page(&self, body: &Value) -> Option<Page> {
        let messages = body.get("data")?.as_array()?;
        let next = match body.pointer("/metadata/nextCursor") {
            None | Some(Value::Null) => None,
            Some(Value::String(cursor)) => Some(cursor.clone()).filter(|c| !c.is_empty()),
            Some(_) => return None,
        };
        let says_next = body.get("metadata").is_some_and(Value::is_object);
        let mut finding = Finding::NotOurs;
        for message in messages {
            match self.finding(message) {
                Finding::NotOurs => {}
                Finding::Unclear => finding = Finding::Unclear,
                ours @ Finding::Ours(_) => return Some(Page { finding: ours, next, says_next }),
            }
        }
        Some(Page { finding, next, says_next })
    }

    fn finding(&self, message: &Value) -> Finding {
        if !message.is_object() {
            return Finding::Unclear;
        }
        let seen = Seen::of(message);
        // Without a time it counts as new, without a direction as outbound: both lead to a person, not to a second text.
        let is_recent = seen.at.is_none_or(|at| at >= self.since);
        let ours = || {
            let certain = seen.is_outbound && is_recent && seen.at.is_some();
            json::id(message.get("uid")).filter(|_| certain).map_or(Finding::Unclear, Finding::Ours)
        };
        let unclear_if =
            |odd: bool| if odd && !seen.is_inbound && is_recent { Finding::Unclear } else { Finding::NotOurs };
        match &self.mark {
            // An older message with this link may be an earlier order's (Podium may give one link per contact) or a late
            // arrival of this very request.
            Mark::Link(link) if seen.texts.iter().any(|text| text.contains(link)) => ours(),
            // Ours has a link. It may have been replaced by another on the way, or be hidden with the whole text.
            Mark::Link(_) => unclear_if(seen.is_hidden() || seen.has_a_link()),
            // The same was said to others, and to the same person before: an older message is that one, and what comes
            // from the customer is a quotation.
            Mark::Words(_) if seen.is_inbound || !is_recent => Finding::NotOurs,
            Mark::Words(words) if seen.texts.iter().any(|text| plain(text) == *words) => ours(),
            // Something may have been added to it on the way, and a link in it replaced.
            Mark::Words(words) => {
                let added_to = seen.texts.iter().any(|text| plain(text).contains(words));
                unclear_if(added_to || seen.is_hidden() || (words.contains("://") && seen.has_a_link()))
            }
        }
    }
}

/// A text without what a provider may change about it.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A message, as far as it can be read.
struct Seen<'a> {
    message: &'a Value,
    texts: Vec<&'a str>,
    at: Option<UnixMillis>,
    is_outbound: bool,
    is_inbound: bool,
}

impl<'a> Seen<'a> {
    fn of(message: &'a Value) -> Self {
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

    fn is_hidden(&self) -> bool {
        let encrypted = |part: &Value| part.get("encryptedAt").is_some_and(|at| !at.is_null());
        self.texts.is_empty() && json::items(self.message, "items").chain([self.message]).any(encrypted)
    }

    fn has_a_link(&self) -> bool {
        self.texts.iter().any(|text| text.contains("://"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LINK: &str = "https://pdm.example/x";

    fn finding(message: &Value) -> Finding {
        Wanted::link(LINK, UnixMillis::new(1_772_000_000_000).plus(CLOCK_MARGIN)).finding(message)
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
    fn only_a_new_outbound_message_with_the_very_words_is_ours() {
        let (new, old) = ("2026-02-25T06:13:20Z", "2026-02-25T06:13:19Z");
        let finding = |words: &str, message: &Value| {
            Wanted::words(words, UnixMillis::new(1_772_000_000_000).plus(CLOCK_MARGIN)).unwrap().finding(message)
        };
        let said = "Still there?\nJust type.";
        let ours = Finding::Ours(ProviderId::try_from("m-1").unwrap());
        for text in [said, "Still there? Just type.", " Still there?\r\nJust  type. "] {
            assert_eq!(finding(said, &message(&json!(text), "outbound", new)), ours, "{text:?}");
        }
        for unclear in [
            message(&json!(said), "outbound", "yesterday"),
            message(&json!(said), "carrier_pigeon", new),
            message(&json!(format!("{said} Reply STOP to opt out.")), "outbound", new),
            json!({ "body": said, "createdAt": new, "items": [{ "sourceType": "outbound" }] }),
            json!({ "uid": "m-1", "createdAt": new, "encryptedAt": new, "items": [{ "sourceType": "outbound" }] }),
            json!(7),
        ] {
            assert_eq!(finding(said, &unclear), Finding::Unclear, "{unclear}");
        }
        for other in [
            message(&json!(said), "outbound", old),
            message(&json!(said), "inbound", new),
            message(&json!("Still there?"), "outbound", new),
            message(&json!("See https://my.site"), "outbound", new),
            message(&json!(null), "outbound", new),
        ] {
            assert_eq!(finding(said, &other), Finding::NotOurs, "{other}");
        }
        let shortened = message(&json!("Book here: https://sho.rt/er"), "outbound", new);
        assert_eq!(finding("Book here: https://my.site/book", &shortened), Finding::Unclear);
        assert!(Wanted::words(" \n", UnixMillis::new(0)).is_none());
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
