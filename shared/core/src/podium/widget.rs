//! A message that came in through the shop's own form, written as an event of the inbox. It goes the way of Podium's own
//! webchat from there, so whoever takes it in writes it here, and the one reader of all messages reads it.

use std::fmt;

use serde_json::json;

use super::read::tidy;
use crate::{
    ids::{EventId, LocationUid},
    phone::{self, E164Phone, NumberRegion},
    time::UnixMillis,
};

/// What `data.frontdesk_origin` says of a message of ours. No webhook of Podium's has that field.
pub(super) const ORIGIN: &str = "widget";
/// What its kind is called: that of a message through a website's chat.
const EVENT_TYPE: &str = "webchat.message.received";

/// A message that came in through the shop's own form, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct WidgetMessage {
    /// Names it for ever; the same for the same message, however often it is sent.
    pub id: EventId,
    /// When it came in.
    pub at: UnixMillis,
    /// The customer's number.
    pub phone: E164Phone,
    /// The words, if there are any.
    pub text: Option<String>,
    /// The location that it is for; a wish for silence is for all of them, and need not name one.
    pub location: Option<LocationUid>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// What is attached.
    pub attachments: Vec<WidgetAttachment>,
}

/// Something attached to a message of the shop's own form.
#[derive(Clone, PartialEq, Eq)]
pub struct WidgetAttachment {
    /// Where the shop's people find it.
    pub url: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What the customer calls it.
    pub name: String,
    /// What kind of file it is: `image/png`.
    pub mime: String,
}

impl fmt::Debug for WidgetMessage {
    /// Without words, names and addresses; the number prints masked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WidgetMessage")
            .field("id", &self.id)
            .field("at", &self.at)
            .field("phone", &self.phone)
            .field("location", &self.location)
            .field("attachments", &self.attachments)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WidgetAttachment {
    /// Without its name, and without the address, which opens it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WidgetAttachment({} bytes)", self.bytes)
    }
}

impl WidgetMessage {
    /// The event's body, as the inbox keeps it. [`podium::parse`](super::parse) reads it back as a received message with
    /// [`from_widget`](super::Message::from_widget), with the same words, number, location, address, time and attachments;
    /// names are tidied as in every message.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let country = phone::normalize(self.phone.expose(), None).ok().and_then(|known| match known.region {
            NumberRegion::Country(region) => Some(region.as_str().to_owned()),
            NumberRegion::NonGeographic => None,
        });
        let attachments: Vec<serde_json::Value> = self
            .attachments
            .iter()
            .map(|a| json!({"url": a.url, "size_bytes": a.bytes, "name": name(&a.name), "type": name(&a.mime)}))
            .collect();
        let body = json!({
            "event_type": EVENT_TYPE,
            "event_id": self.id.as_str(),
            "occurred_at": iso(self.at),
            "data": {
                "frontdesk_origin": ORIGIN,
                "from": self.phone.expose(),
                "country": country,
                "body": self.text,
                "location_uid": self.location.as_ref().map(LocationUid::as_str),
                "first_name": self.first_name.as_deref().and_then(name),
                "last_name": self.last_name.as_deref().and_then(name),
                "email": self.email,
                "channel": "webchat",
                "attachments": attachments,
            },
        });
        body.to_string().into_bytes()
    }
}

/// A name as it is read: what a control character hides at either end is tidied, too.
fn name(raw: &str) -> Option<String> {
    Some(tidy(&tidy(raw))).filter(|name| !name.is_empty())
}

/// ISO 8601, UTC. What no calendar holds is the beginning of time.
fn iso(at: UnixMillis) -> String {
    jiff::Timestamp::from_millisecond(at.get()).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::wildcard_enum_match_arm, reason = "this is test code")]

    use proptest::prelude::*;

    use super::*;
    use crate::podium::{Channel, ClaimedSize, LocationClaim, Message, OptOutNews, PodiumEvent, What, parse};
    use crate::{
        contact::{Direction, OptOutSource},
        wish::ExtraWords,
    };

    const AT: UnixMillis = UnixMillis::new(1_795_132_800_123);

    fn message() -> WidgetMessage {
        WidgetMessage {
            id: EventId::try_from("widget-9f3c0a").unwrap(),
            at: AT,
            phone: E164Phone::parse_e164("+61491570156").unwrap(),
            text: Some("do you have kayaks?".into()),
            location: Some(LocationUid::try_from("loc-1").unwrap()),
            first_name: Some("Mia".into()),
            last_name: Some("Tennant".into()),
            email: Some("mia@example.test".into()),
            attachments: vec![WidgetAttachment {
                url: "https://shop.example.test/webchat/files/abc".into(),
                bytes: 123,
                name: "a.png".into(),
                mime: "image/png".into(),
            }],
        }
    }

    fn received(event: PodiumEvent) -> Message {
        match event.what {
            What::Received(message) => *message,
            other => panic!("not a message: {other:?}"),
        }
    }

    fn assert_reads_back(written: &WidgetMessage) {
        let event = parse(&written.body()).unwrap();
        assert_eq!((&event.id, event.occurred_at), (&written.id, Some(written.at)));
        assert_eq!(event.event_type.as_deref(), Some("webchat.message.received"));
        let name_of_it = received(event.clone()).name(&event.id);
        let read = received(event);
        assert!(read.from_widget);
        assert_eq!((read.channel, read.source()), (Channel::Webchat, OptOutSource::Widget));
        assert_eq!(name_of_it, written.id, "it has no other name");
        assert_eq!(read.customer(None), Ok(written.phone.clone()));
        assert_eq!(read.text, written.text.clone().filter(|text| !text.trim().is_empty()));
        assert_eq!(read.location, LocationClaim::Named(written.location.clone().unwrap()));
        let tidied = |raw: &Option<String>| raw.as_deref().and_then(name);
        assert_eq!((read.first_name, read.last_name), (tidied(&written.first_name), tidied(&written.last_name)));
        assert_eq!(read.email, written.email.clone().filter(|address| !address.trim().is_empty()));
        assert_eq!(read.attachments.len(), written.attachments.len());
        for (read, written) in read.attachments.iter().zip(&written.attachments) {
            assert_eq!(read.size, ClaimedSize::Bytes(written.bytes));
            assert_eq!(read.url.as_ref(), Some(&written.url));
            assert_eq!((&read.name, &read.mime), (&name(&written.name), &name(&written.mime)));
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_reads_back(&message());
        let bare = WidgetMessage {
            text: None,
            first_name: None,
            last_name: None,
            email: None,
            attachments: Vec::new(),
            ..message()
        };
        assert_reads_back(&bare);
        let written: serde_json::Value = serde_json::from_slice(&message().body()).unwrap();
        assert_eq!(written["data"]["country"], "AU");
        assert_eq!(written["data"]["attachments"][0]["size_bytes"], 123);
        assert_eq!(written["occurred_at"], "2026-11-20T00:00:00.123Z");
    }

    #[test]
    fn only_a_body_of_ours_is_from_the_widget() {
        for origin in [r#""Widget""#, "null", "true", r#"["widget"]"#, r#"{"widget":1}"#] {
            let body = String::from_utf8(message().body()).unwrap();
            let body = body.replace(r#""frontdesk_origin":"widget""#, &format!(r#""frontdesk_origin":{origin}"#));
            assert!(!received(parse(body.as_bytes()).unwrap()).from_widget, "{origin}");
        }
    }

    #[test]
    fn a_form_takes_opt_outs_and_gives_none_back() {
        let said = |text: &str| {
            let event = parse(&WidgetMessage { text: Some(text.into()), ..message() }.body()).unwrap();
            OptOutNews::of(&event, &ExtraWords::default(), None, AT)
        };
        let OptOutNews::Changes(stop) = said("STOP") else { panic!("no change") };
        let [stop] = stop.as_slice() else { panic!("{stop:?}") };
        assert_eq!((stop.direction, stop.evidence.source, stop.at), (Direction::Out, OptOutSource::Widget, AT));
        for start in ["START", "start", "Unstop"] {
            assert_eq!(said(start), OptOutNews::Nothing, "{start}: anybody can type anybody's number");
        }
    }

    #[test]
    fn what_is_printed_shows_nothing_of_the_person() {
        let shown = format!("{:?}", message());
        for hidden in ["Mia", "Tennant", "kayaks", "91570156", "example.test", "a.png"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn odd_words_and_names_are_read_back(
            text in proptest::option::of(".{0,300}|(?s).{0,300}|[\\x00-\\x20\u{85}\u{a0}]{0,5}"),
            first in proptest::option::of("(?s).{0,100}"),
            last in proptest::option::of("[\\x00-\\x20\u{85}\u{a0}]{0,3}(?s).{0,90}[\\x00-\\x20\u{85}\u{a0}]{0,3}"),
            email in proptest::option::of("[^@]{0,20}@[^@]{1,20}"),
            names in proptest::collection::vec("(?s).{0,100}", 0..6),
            bytes in any::<u64>(),
            at in 1_420_070_400_000_i64..4_102_444_800_000,
        ) {
            let attachments = names.into_iter().map(|name| WidgetAttachment {
                url: "https://shop.example.test/webchat/files/abc".into(), bytes, mime: name.clone(), name,
            });
            assert_reads_back(&WidgetMessage {
                at: UnixMillis::new(at),
                text,
                first_name: first,
                last_name: last,
                email,
                attachments: attachments.collect(),
                ..message()
            });
        }
    }
}
