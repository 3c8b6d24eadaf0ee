//! What Podium says of requests and reviews, as it writes it.

use std::time::Duration;

use frontdesk_core::{
    contact::Direction,
    inbox::Source,
    phone::E164Phone,
    time::{Clock, UnixMillis},
};
use serde_json::{Value, json};

use super::{Delivery, GENESIS, SaidWish, World};

/// Epoch milliseconds as the providers write times.
///
/// # Panics
/// For a time of another year than the one that begins with every world.
#[must_use]
pub fn iso(at: UnixMillis) -> String {
    let seconds = at.since(GENESIS).as_secs();
    let (mut day, rest) = (seconds / 86_400 + 20, seconds % 86_400);
    let months = [(2026, 11, 30), (2026, 12, 31), (2027, 1, 31), (2027, 2, 28), (2027, 3, 31), (2027, 4, 30)];
    for (year, month, days) in months {
        if day <= days {
            let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
            return format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00");
        }
        day -= days;
    }
    panic!("tests end within half a year");
}

/// Which text, link or invitation something is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkOf {
    /// The message's id.
    pub message: String,
    /// The link's id, where there is one.
    pub invite: Option<String>,
    /// To whom it went.
    pub phone: String,
}

/// What is said of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brief {
    /// Handed on.
    Sent,
    /// Arrived.
    Delivered,
    /// Did not arrive, and why.
    Failed(&'static str),
}

/// A review as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Its uid.
    pub uid: String,
    /// Its stars.
    pub stars: u8,
    /// Its words.
    pub text: String,
    /// When it was last changed.
    pub changed_at: UnixMillis,
    /// The invitation that it follows from.
    pub invite: Option<String>,
}

impl World {
    /// Podium says what became of a text, at this very moment, by an event of that id.
    pub fn says_of_text(&self, event: &str, what: Brief, of: &LinkOf) {
        let body = if self.podium.brief { brief_news(event, what, of) } else { published_news(event, what, of) };
        let out = matches!(what, Brief::Failed(reason) if reason.contains("opt"));
        let phone = E164Phone::parse_e164(&of.phone).unwrap();
        let at = self.clock.now();
        let wish = SaidWish { event: event.to_owned(), phone, direction: Direction::Out, at, at_once: true };
        self.podium_posts(event, &body, out.then_some(wish).into_iter().collect());
    }

    /// A customer texts STOP; it arrives at this very moment, by an event of that id.
    pub fn says_stop(&self, event: &str, phone: &str) {
        let (at, whose) = (self.clock.now(), E164Phone::parse_e164(phone).unwrap());
        let body = json!({
            "data": {
                "body": "STOP", "conversation": {"uid": "c-1", "channel": {"identifier": phone, "type": "phone"}},
                "createdAt": iso(at), "items": [], "location": {"uid": "loc-1"}, "uid": format!("w-{event}"),
            },
            "metadata": {"eventType": "message.received", "eventUid": event, "version": "2021.04.01"},
        });
        let wish = SaidWish { event: event.to_owned(), phone: whose, direction: Direction::Out, at, at_once: true };
        self.podium_posts(event, &body, vec![wish]);
    }

    /// Podium tells of a review, at this very moment, by an event of that id.
    pub fn says_of_review(&self, event: &str, review: &Review) {
        self.podium_posts(event, &self.review_body(event, review), Vec::new());
    }

    /// The webhook of a review.
    #[must_use]
    pub fn review_body(&self, event: &str, review: &Review) -> Value {
        let Review { uid, stars, text, changed_at, invite } = review;
        if self.podium.brief {
            return json!({
                "id": event, "type": "review.received", "occurred_at": changed_at.get(),
                "data": {"id": uid, "rating": stars, "platform": "google", "body": text, "location_uid": "loc-1",
                         "invitation_id": invite, "updated_at": iso(*changed_at)},
            });
        }
        let attributions: Vec<Value> = invite.iter().map(|i| json!({"reviewInvitationUid": i})).collect();
        json!({
            "data": {
                "attributions": attributions, "author": {"name": "Mia Tennant"}, "createdAt": iso(*changed_at),
                "locations": [{"uid": "loc-1"}], "uid": uid, "updatedAt": iso(*changed_at),
                "review": {"body": text, "rating": stars, "siteName": "google", "url": "https://reviews.example.test/1"},
            },
            "metadata": {"eventType": "review.created", "eventUid": event, "version": "2021.04.01"},
        })
    }

    /// A webhook of Podium's arrives at this very moment.
    pub(super) fn podium_posts(&self, event: &str, body: &Value, wishes: Vec<SaidWish>) {
        let (at, ids, body) = (self.clock.now(), vec![event.to_owned()], body.to_string().into());
        self.receive(Delivery { sender: Source::Podium, at, ids, body, signed: true, tries: 0, wishes });
    }

    /// A webhook of Podium's, word for word, `after` a while.
    pub fn podium_says(&self, event: &str, body: Value, after: Duration) {
        let event = event.to_owned();
        self.later(after, move |world| world.podium_posts(&event, &body, Vec::new()));
    }

    /// A webhook of Shopify's arrives at this very moment.
    pub fn shopify_posts(&self, event: &str, body: &Value) {
        let (at, ids, body) = (self.clock.now(), vec![event.to_owned()], body.to_string().into());
        let (sender, wishes) = (Source::Shopify, Vec::new());
        self.receive(Delivery { sender, at, ids, body, signed: true, tries: 0, wishes });
    }
}

fn brief_news(event: &str, what: Brief, of: &LinkOf) -> Value {
    let (kind, reason) = match what {
        Brief::Sent => ("review_invitation.sent", None),
        Brief::Delivered => ("review_invitation.delivered", None),
        Brief::Failed(reason) => ("review_invitation.failed", Some(reason)),
    };
    json!({
        "id": event, "type": kind,
        "data": {"invitation_id": of.message, "phone": of.phone, "failure_reason": reason},
    })
}

fn published_news(event: &str, what: Brief, of: &LinkOf) -> Value {
    let (kind, status, reason) = match what {
        Brief::Sent => ("message.sent", "sent", None),
        Brief::Delivered => ("message.sent", "delivered", None),
        Brief::Failed(reason) => ("message.failed", "failed", Some(reason)),
    };
    json!({
        "data": {
            "body": "How was it?", "conversation": {"uid": "c-1", "channel": {"identifier": of.phone, "type": "phone"}},
            "failureReason": reason, "items": [{"deliveryStatus": status, "sourceType": "outbound"}],
            "location": {"uid": "loc-1"}, "uid": of.message,
        },
        "metadata": {"eventType": kind, "eventUid": event, "version": "2021.04.01"},
    })
}
