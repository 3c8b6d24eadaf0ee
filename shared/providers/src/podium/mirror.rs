//! Podium's own record of an opt-out, in the three ways that there are to write one.

use std::sync::{Mutex, PoisonError};

use frontdesk_core::{
    ids::ProviderId,
    phone::E164Phone,
    provider::{CallFailure, ContactBook as _, Mirrored},
    time::Clock,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Contract, Podium, Wire, contact::body_of, done, present, unavailable};
use crate::{
    SetupError,
    http::{escaped, segment},
    json,
    token::AccessTokens,
};

const DEFAULT_LABEL: &str = "do-not-contact";
/// For the shop's people, who see the tag too.
const DESCRIPTION: &str = "Wants no messages. Set and removed by Frontdesk.";
/// Of tags.
const PAGES_MAX: usize = 20;

/// The tag that marks who wants no messages.
#[derive(Debug)]
pub(super) struct OptOutTag {
    label: String,
    /// Its uid, once it is known.
    uid: Mutex<Option<String>>,
}

impl Default for OptOutTag {
    fn default() -> Self {
        Self { label: DEFAULT_LABEL.to_owned(), uid: Mutex::new(None) }
    }
}

impl OptOutTag {
    pub(super) fn new(label: &str) -> Result<Self, SetupError> {
        match label.trim() {
            "" => Err(SetupError::new("OPTOUT_TAG", "is blank")),
            label => Ok(Self { label: label.to_owned(), uid: Mutex::new(None) }),
        }
    }

    /// Whether a tag of this label is ours.
    pub(super) fn is(&self, label: &str) -> bool {
        label.trim().eq_ignore_ascii_case(&self.label)
    }

    fn known(&self) -> Option<String> {
        self.uid.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, uid: Option<&String>) {
        *self.uid.lock().unwrap_or_else(PoisonError::into_inner) = uid.cloned();
    }
}

impl<T: AccessTokens, C: Clock> Podium<T, C> {
    pub(super) async fn mirror_by_tag(&self, phone: &E164Phone, opted_out: bool) -> Result<Mirrored, CallFailure> {
        let Some(uid) = self.tag_uid(opted_out).await? else { return Ok(Mirrored::Told) };
        let answer = self.tag(phone, &uid, opted_out).await?;
        if answer == Some(Mirrored::Told) {
            return Ok(Mirrored::Told);
        }
        if !opted_out {
            // Either the contact is not there, or the tag is not on it. The second is what was wanted.
            let contact = self.find_contact(phone, None).await?;
            return Ok(if contact.is_some() { Mirrored::Told } else { Mirrored::NoContact });
        }
        // Either the contact is not there, or somebody deleted the tag since its uid was learned.
        self.tag.remember(None);
        match self.tag_uid(true).await? {
            Some(other) if other != uid => Ok(self.tag(phone, &other, true).await?.unwrap_or(Mirrored::NoContact)),
            Some(_) | None => Ok(Mirrored::NoContact),
        }
    }

    /// Sets or removes the tag; `None` when there is no such contact, or no such tag.
    async fn tag(&self, phone: &E164Phone, uid: &str, set: bool) -> Result<Option<Mirrored>, CallFailure> {
        let url = self.wire.base.at(&format!("/v4/contacts/{}/tags/{uid}", escaped(phone.expose())));
        let method = if set { Method::POST } else { Method::DELETE };
        let answer = present(self.wire.call(method, url, None).await?)?;
        Ok(answer.map(|_| Mirrored::Told))
    }

    /// The tag's uid, made ready for a path. Without `make`, a tag that is not there is not made.
    async fn tag_uid(&self, make: bool) -> Result<Option<String>, CallFailure> {
        if let Some(known) = self.tag.known() {
            return Ok(Some(known));
        }
        let mut uid = self.find_tag().await?;
        if uid.is_none() && make {
            let body = json!({ "label": self.tag.label, "description": DESCRIPTION });
            let answer = self.wire.call(Method::POST, self.wire.base.at("/v4/contact_tags"), Some(&body)).await?;
            uid = if answer.status == 409 {
                // Somebody else made it in between.
                self.find_tag().await?
            } else {
                body_of(&done(answer)?)?.get("data").and_then(tag_uid)
            };
            if uid.is_none() {
                return Err(unavailable("the tag for opt-outs is neither found nor made").into());
            }
        }
        self.tag.remember(uid.as_ref());
        Ok(uid)
    }

    async fn find_tag(&self) -> Result<Option<String>, CallFailure> {
        let ours = |tag: &&Value| tag.get("label").and_then(Value::as_str).is_some_and(|label| self.tag.is(label));
        let tags = self.wire.list("/v4/contact_tags", PAGES_MAX).await?;
        Ok(tags.iter().filter(ours).find_map(tag_uid))
    }

    /// Podium has to allow the app to do this. The way back in takes a consent to marketing for a location, which is not
    /// ours to give: whoever wants campaigns again asks for them, and texts are ours to forbid or allow anyway.
    pub(super) async fn mirror_by_campaign(&self, phone: &E164Phone, opted_out: bool) -> Result<Mirrored, CallFailure> {
        if !opted_out {
            return Ok(Mirrored::Told);
        }
        let body = json!({ "channel": { "type": "PHONE", "identifier": phone.expose() } });
        let url = self.wire.base.at("/v4/contacts/campaigns/opt_out");
        let answer = present(self.wire.call(Method::POST, url, Some(&body)).await?)?;
        Ok(answer.map_or(Mirrored::NoContact, |_| Mirrored::Told))
    }

    pub(super) async fn mirror_by_patch(
        &self,
        phone: &E164Phone,
        uid: Option<&ProviderId>,
        opted_out: bool,
    ) -> Result<Mirrored, CallFailure> {
        if matches!(self.contract, Contract::Published(_)) {
            // It would take the call and do nothing.
            return Err(unavailable("OPTOUT_MIRROR=brief_patch needs PODIUM_CONTRACT=brief").into());
        }
        if let Some(uid) = uid
            && self.wire.patch_opt_out(uid, opted_out).await? == Mirrored::Told
        {
            return Ok(Mirrored::Told);
        }
        // No uid, or one of a contact that was merged into another since.
        match self.find_contact(phone, None).await? {
            Some(contact) if Some(&contact.uid) != uid => self.wire.patch_opt_out(&contact.uid, opted_out).await,
            Some(_) | None => Ok(Mirrored::NoContact),
        }
    }
}

impl<T: AccessTokens, C: Clock> Wire<T, C> {
    async fn patch_opt_out(&self, uid: &ProviderId, opted_out: bool) -> Result<Mirrored, CallFailure> {
        let Some(uid) = segment(uid.as_str()) else { return Ok(Mirrored::NoContact) };
        let url = self.base.at(&format!("/v4/contacts/{uid}"));
        let answer = present(self.call(Method::PATCH, url, Some(&json!({ "opted_out": opted_out }))).await?)?;
        Ok(answer.map_or(Mirrored::NoContact, |_| Mirrored::Told))
    }
}

fn tag_uid(tag: &Value) -> Option<String> {
    segment(json::id(tag.get("uid"))?.as_str())
}
