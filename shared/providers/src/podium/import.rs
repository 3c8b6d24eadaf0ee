//! Messages that came in elsewhere and are shown in Podium's conversations. It is a call of Podium's own API that the briefs say
//! nothing of, so it is the same for both contracts.

use frontdesk_core::{
    ids::{ConversationUid, ProviderId},
    provider::{CallFailure, Import, Imported, Imports},
    time::Clock,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Podium, done};
use crate::{json, token::AccessTokens};

/// Where an answer may name the message.
const MESSAGE: [&str; 6] = ["/data/uid", "/data/messageUid", "/data/message/uid", "/data/id", "/uid", "/id"];
/// Where it may name the conversation.
const CONVERSATION: [&str; 6] = [
    "/data/conversation/uid",
    "/data/conversationUid",
    "/data/conversation_uid",
    "/conversation/uid",
    "/conversationUid",
    "/conversation_uid",
];

impl<T: AccessTokens, C: Clock> Imports for Podium<T, C> {
    /// Not idempotent at Podium: there is no key by which it would know the call again.
    async fn import(&self, what: &Import) -> Result<Imported, CallFailure> {
        let body = json!({
            "body": what.text,
            "channel": { "type": "phone", "identifier": what.phone.expose() },
            "contactName": what.contact_name,
            "direction": "inbound",
            "locationUid": what.location.as_str(),
            "publishedAt": json::iso(what.at),
        });
        let url = self.wire.base.at("/v4/import/messages");
        let answer = done(self.wire.call(Method::POST, url, Some(&body)).await?)?;
        // It is done, whatever the answer looks like.
        Ok(read(&answer.json().unwrap_or_default()))
    }
}

fn read(said: &Value) -> Imported {
    let id = |places: &[&str]| places.iter().find_map(|place| json::id(said.pointer(place)));
    let conversation = id(&CONVERSATION);
    let conversation = conversation.and_then(|uid: ProviderId| ConversationUid::try_from(uid.as_str()).ok());
    Imported { message: id(&MESSAGE), conversation }
}
