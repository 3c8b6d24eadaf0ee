//! Podium's published API 2021.04.01: it makes a link, and we text it.

mod look_up;

use frontdesk_core::{
    gate::Permit,
    ids::{LocationUid, ProviderId},
    outbox::Invite,
    phone::E164Phone,
    provider::{ReviewSend, SendFailure},
    time::Clock,
};
use reqwest::Url;
use serde_json::{Value, json};

use super::{Post, Wire, unavailable};
use crate::{http::Notice, json, token::AccessTokens};

/// A longer link would fill the text by itself.
const LINK_BYTES_MAX: usize = 1024;

#[derive(Debug)]
pub(super) struct Published;

impl Published {
    pub(super) async fn prepare<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        permit: &Permit,
        location: &LocationUid,
    ) -> Result<Invite, SendFailure> {
        let body = |phone: &E164Phone| json!({ "locationUid": location.as_str(), "phoneNumber": phone.expose() });
        let post = Post { notice: Notice::Nobody, path: "/v4/reviews/invites", body: &body };
        let answer = wire.post(permit, post).await?;
        invite(&answer).ok_or_else(|| SendFailure::Ambiguous { detail: "the answer has no usable link".into() })
    }

    pub(super) async fn send<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        permit: Permit,
        send: &ReviewSend,
    ) -> Result<ProviderId, SendFailure> {
        // The look-up recognises a message by its link. One without it could go out twice.
        if !send.invite.as_ref().is_some_and(|invite| send.text.contains(&invite.url)) {
            return Err(unavailable("the text to send does not hold its link").into());
        }
        // No contactName: it would rename the contact.
        let body = |phone: &E164Phone| {
            json!({
                "body": send.text,
                "channel": { "type": "phone", "identifier": phone.expose() },
                "locationUid": send.location.as_str(),
            })
        };
        let post = Post { notice: Notice::Customer, path: "/v4/messages", body: &body };
        let answer = wire.post(&permit, post).await?;
        let uid = json::id(answer.pointer("/data/uid"));
        uid.ok_or_else(|| SendFailure::Ambiguous { detail: "the answer has no message uid".into() })
    }
}

/// The invite in an answer, with its short link if that is one.
fn invite(answer: &Value) -> Option<Invite> {
    let data = answer.get("data")?;
    let link = |name: &str| data.get(name).and_then(Value::as_str).filter(|text| is_link(text));
    let url = link("shortUrl").or_else(|| link("url"))?.to_owned();
    Some(Invite { uid: json::id(data.get("uid"))?, url })
}

/// Something that a phone opens as a web page.
fn is_link(text: &str) -> bool {
    let plain = text.len() <= LINK_BYTES_MAX && text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    plain && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_web_link_is_sent_and_the_short_one_first() {
        let chosen = |short: Value, long: Value| {
            invite(&json!({ "data": { "uid": "i-1", "shortUrl": short, "url": long } })).map(|invite| invite.url)
        };
        let long = "https://reviews.example.com/r/1";
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(chosen(json!("https://pdm.example/x"), json!(long)), some("https://pdm.example/x"));
        assert_eq!(chosen(json!("http://pdm.example/x"), json!(long)), some("http://pdm.example/x"));
        for bad in [
            json!(null),
            json!(""),
            json!(7),
            json!("pdm.example/x"),
            json!("javascript:alert(1)"),
            json!("https://a b"),
        ] {
            assert_eq!(chosen(bad.clone(), json!(long)), some(long), "{bad}");
            assert_eq!(chosen(bad.clone(), bad.clone()), None, "{bad}");
        }
        assert_eq!(chosen(json!(null), json!(format!("https://a/{}", "x".repeat(1024)))), None);
        assert!(invite(&json!({ "data": { "url": long } })).is_none());
    }
}
