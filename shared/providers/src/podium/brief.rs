//! The briefs' Podium: one call, and Podium words the text and sends it itself. Contacts are looked up by phone and
//! created in a race that can be lost; a message needs a conversation.

use std::borrow::Cow;

use frontdesk_core::{
    gate::Permit,
    ids::{ConversationUid, LocationUid, ProviderId},
    phone::E164Phone,
    provider::{
        CallFailure, ContactHandle, Created, LookUpAnswer, NewContact, NotDone, Refusal, ReviewSend, Say, SendFailure,
    },
    time::{Clock, UnixMillis},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Post, Wire,
    contact::{body_of, created, is_of, segment_of},
    done, present,
    published::look_up,
    unavailable,
};
use crate::{
    SetupError,
    http::{Notice, segment},
    json,
    token::AccessTokens,
};

#[derive(Debug)]
pub(super) struct Brief {
    campaign: String,
}

impl Brief {
    pub(super) fn new(campaign: Option<&str>) -> Result<Self, SetupError> {
        let campaign = campaign.map(str::trim).filter(|id| !id.is_empty());
        let campaign =
            campaign.ok_or_else(|| SetupError::new("PODIUM_CAMPAIGN_ID", "is needed when PODIUM_CONTRACT=brief"))?;
        Ok(Self { campaign: campaign.to_owned() })
    }

    pub(super) async fn send<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        permit: Permit,
        send: &ReviewSend,
    ) -> Result<ProviderId, SendFailure> {
        let body = |phone: &E164Phone| {
            json!({
                "campaign_id": self.campaign,
                "contact": { "phone": phone.expose() },
                "context": {
                    // As text: order numbers exceed what JavaScript holds in a number.
                    "order_id": send.order.to_string(),
                    "location_uid": send.location.as_str(),
                    "platform": send.platform.as_str(),
                },
            })
        };
        let path = Cow::Borrowed("/v4/review-invitations");
        let post = Post { notice: Notice::Customer, path, body: &body };
        let answer = wire.post(&permit, post).await?;
        json::id(answer.get("id")).ok_or_else(|| SendFailure::Ambiguous { detail: "the answer has no id".into() })
    }

    /// Goes to whoever the conversation is with. It is the permit's person's own: their last message came in it.
    pub(super) async fn say<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        permit: Permit,
        what: &Say,
    ) -> Result<ProviderId, SendFailure> {
        let conversation = what.conversation.as_ref().and_then(|uid| segment(uid.as_str()));
        let nowhere = SendFailure::Refused(Refusal::Other { status: 404 });
        let path = format!("/v4/conversations/{}/messages", conversation.ok_or(nowhere)?);
        let body = |_: &E164Phone| json!({ "body": what.text });
        let post = Post { notice: Notice::Customer, path: path.into(), body: &body };
        let answer = wire.post(&permit, post).await?;
        let id = ["/id", "/uid", "/data/id", "/data/uid"].into_iter().find_map(|at| json::id(answer.pointer(at)));
        id.ok_or_else(|| SendFailure::Ambiguous { detail: "the answer has no message id".into() })
    }

    /// The briefs know no way to list messages. If this Podium lists them like the published one, that helps.
    pub(super) async fn look_up_said<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        what: &Say,
        began_at: UnixMillis,
    ) -> Result<LookUpAnswer, NotDone> {
        match what.conversation.as_ref().and_then(|uid| segment(uid.as_str())) {
            Some(conversation) => look_up::in_conversation(wire, &conversation, what, began_at).await,
            None => Ok(LookUpAnswer::CannotTell),
        }
    }

    /// All whom Podium shows for a phone; other people may be among them, and first.
    pub(super) async fn find_contacts<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        phone: &E164Phone,
        location: Option<&LocationUid>,
    ) -> Result<Vec<Value>, CallFailure> {
        let mut url = wire.base.at("/v4/contacts");
        // As in a form: the plus sign is escaped, and not read as a space.
        url.query_pairs_mut()
            .append_pair("phone", phone.expose())
            .extend_pairs(location.map(|uid| ("location_uid", uid.as_str())));
        let Some(answer) = present(wire.get(url).await?)? else { return Ok(Vec::new()) };
        match body_of(&answer)?.get_mut("data").map(Value::take) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(contacts)) => Ok(contacts),
            Some(_) => Err(unavailable("the answer is no list of contacts").into()),
        }
    }

    /// The briefs do not say how. A Podium that does not know this call has no such contact to show.
    pub(super) async fn contact_of<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        who: &ContactHandle,
    ) -> Result<Option<Value>, CallFailure> {
        let Some(name) = segment_of(who) else { return Ok(None) };
        let answer = wire.get(wire.base.at(&format!("/v4/contacts/{name}"))).await?;
        if matches!(answer.status, 400 | 404) {
            return Ok(None);
        }
        let mut body = body_of(&done(answer)?)?;
        let contact = match body.get_mut("data").map(Value::take) {
            None => body,
            Some(Value::Array(mut listed)) if listed.len() == 1 => listed.pop().unwrap_or_default(),
            Some(data) => data,
        };
        Ok(Some(contact).filter(|contact| contact.is_object() && is_of(contact, who)))
    }

    pub(super) async fn create_contact<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        new: &NewContact,
    ) -> Result<Created, CallFailure> {
        let body = json!({
            "phone": new.phone.expose(),
            "location_uid": new.location.as_str(),
            "first_name": new.first_name,
            "last_name": new.last_name,
        });
        let answer = wire.call(Method::POST, wire.base.at("/v4/contacts"), Some(&body)).await?;
        created(answer, |body| ["/uid", "/data/uid", "/id"].into_iter().find_map(|at| json::id(body.pointer(at))))
    }

    /// To open again is a guess: the briefs only close. Where there is no such call, the customer's next message opens it.
    pub(super) async fn set_closed<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        conversation: &ConversationUid,
        closed: bool,
    ) -> Result<(), CallFailure> {
        let url = wire.conversation(conversation, if closed { "/close" } else { "/open" })?;
        let answer = wire.call(Method::POST, url, None).await?;
        // 409: it is so already.
        if answer.status == 409 || (!closed && answer.status == 404) {
            return Ok(());
        }
        done(answer)?;
        Ok(())
    }
}
