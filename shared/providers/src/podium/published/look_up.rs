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
use serde_json::Value;

use super::Published;
use crate::{
    json,
    podium::{
        Wire,
        messages::{self, Asked, Contact, PAGES_MAX, Seen},
    },
    token::AccessTokens,
};

/// How far Podium's clock may be behind ours.
const CLOCK_MARGIN: Duration = Duration::from_secs(300);

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
        let conversations = match messages::conversations(wire, phone).await? {
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

/// One page of messages, looked through; `None` when the answer is not one.
async fn page<T: AccessTokens, C: Clock>(
    wire: &Wire<T, C>,
    conversation: &str,
    cursor: Option<&str>,
    wanted: &Wanted<'_>,
) -> Result<Option<Page>, NotDone> {
    match messages::page(wire, conversation, cursor).await? {
        Asked::Page(page) => Ok(Some(wanted.page(page))),
        Asked::NoSuch | Asked::Odd => Ok(None),
    }
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

    fn page(&self, page: messages::Page) -> Page {
        let messages::Page { messages, next, says_next } = page;
        let mut finding = Finding::NotOurs;
        for message in &messages {
            match self.finding(message) {
                Finding::NotOurs => {}
                Finding::Unclear => finding = Finding::Unclear,
                ours @ Finding::Ours(_) => return Page { finding: ours, next, says_next },
            }
        }
        Page { finding, next, says_next }
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
}
