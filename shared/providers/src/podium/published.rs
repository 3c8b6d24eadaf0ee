//! Podium's published API 2021.04.01: it makes a link, and we text it.

pub(super) mod look_up;

use std::borrow::Cow;

use frontdesk_core::{
    gate::Permit,
    ids::{ConversationUid, LocationUid, ProviderId},
    outbox::Invite,
    phone::E164Phone,
    provider::{CallFailure, ContactHandle, Created, NewContact, ReviewSend, Say, SendFailure},
    time::Clock,
};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::{
    Post, Wire,
    contact::{body_of, created, is_of, name_of, segment_of, uuid},
    done, present, unavailable,
};
use crate::{
    http::{Notice, escaped},
    json,
    token::AccessTokens,
};

/// A longer link would fill the text by itself.
const LINK_BYTES_MAX: usize = 1024;

const MESSAGES: Cow<'static, str> = Cow::Borrowed("/v4/messages");

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
        let post = Post { notice: Notice::Nobody, path: Cow::Borrowed("/v4/reviews/invites"), body: &body };
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
        let body = |phone: &E164Phone| text_to(phone, &send.location, &send.text);
        let post = Post { notice: Notice::Customer, path: MESSAGES, body: &body };
        message_uid(&wire.post(&permit, post).await?)
    }

    pub(super) async fn say<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        permit: Permit,
        what: &Say,
    ) -> Result<ProviderId, SendFailure> {
        // Podium would file the conversation as closed: what a program answered is not what a person has seen.
        let body = |phone: &E164Phone| {
            let mut text = text_to(phone, &what.location, &what.text);
            if let Some(fields) = text.as_object_mut() {
                fields.insert("setOpenInbox".into(), json!(true));
            }
            text
        };
        let post = Post { notice: Notice::Customer, path: MESSAGES, body: &body };
        message_uid(&wire.post(&permit, post).await?)
    }

    /// The contact of a phone, which may turn out to be another's.
    pub(super) async fn find_contact<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        phone: &E164Phone,
    ) -> Result<Option<Value>, CallFailure> {
        self.contact(wire, &escaped(phone.expose())).await
    }

    /// The contact of an e-mail address or a conversation.
    pub(super) async fn contact_of<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        who: &ContactHandle,
    ) -> Result<Option<Value>, CallFailure> {
        let Some(name) = segment_of(who) else { return Ok(None) };
        Ok(self.contact(wire, &name).await?.filter(|contact| is_of(contact, who)))
    }

    async fn contact<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        segment: &str,
    ) -> Result<Option<Value>, CallFailure> {
        let url = wire.base.at(&format!("/v4/contacts/{segment}"));
        let Some(answer) = present(wire.get(url).await?)? else { return Ok(None) };
        let contact = body_of(&answer)?.get_mut("data").map(Value::take).filter(Value::is_object);
        contact.map(Some).ok_or_else(|| unavailable("the answer is not a contact").into())
    }

    /// Podium takes the contact in and makes it later, so it mostly says no uid. A contact that is there already would get
    /// this name.
    pub(super) async fn create_contact<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        new: &NewContact,
    ) -> Result<Created, CallFailure> {
        let body = json!({
            "name": name_of(new),
            "locations": [new.location.as_str()],
            "phoneNumber": new.phone.expose(),
        });
        let answer = wire.call(Method::POST, wire.base.at("/v4/contacts"), Some(&body)).await?;
        created(answer, |body| json::id(body.pointer("/data/uid")).or_else(|| uuid(body.pointer("/data/identifier")?)))
    }

    pub(super) async fn set_closed<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        conversation: &ConversationUid,
        closed: bool,
    ) -> Result<(), CallFailure> {
        let url = wire.conversation(conversation, "")?;
        done(wire.call(Method::PUT, url, Some(&json!({ "closed": closed }))).await?)?;
        Ok(())
    }
}

/// A text to somebody. No contactName: it would rename the contact.
fn text_to(phone: &E164Phone, location: &LocationUid, text: &str) -> Value {
    json!({
        "body": text,
        "channel": { "type": "phone", "identifier": phone.expose() },
        "locationUid": location.as_str(),
    })
}

fn message_uid(answer: &Value) -> Result<ProviderId, SendFailure> {
    let uid = json::id(answer.pointer("/data/uid"));
    uid.ok_or_else(|| SendFailure::Ambiguous { detail: "the answer has no message uid".into() })
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
