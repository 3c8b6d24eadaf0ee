//! The gate in front of every message to a customer, and the permit that only it can make.

use std::time::Duration;

use thiserror::Error;

use crate::{
    chat::Chat,
    contact::{Contacts, Hold, HoldOutcome, Objection, OptOutFlag},
    ids::EffectKey,
    phone::E164Phone,
    store::StoreError,
    time::UnixMillis,
};

/// How long a permit is good for. An opt-out recorded after the gate can be overtaken by a send for no longer than this.
pub const PERMIT_LIFE: Duration = Duration::from_secs(60);

/// The right to send one message to one person, once.
///
/// Providers' clients send only against a permit; its fields are private and only [`pass`] makes one, so code that
/// could text somebody who opted out does not compile. It is not `Clone`, and sending consumes it.
///
/// ```compile_fail
/// let forged = frontdesk_core::gate::Permit { phone: todo!(), effect: todo!(), expires_at: todo!() };
/// ```
///
/// ```compile_fail
/// fn twice(permit: frontdesk_core::gate::Permit) -> [frontdesk_core::gate::Permit; 2] { [permit.clone(), permit] }
/// ```
#[derive(Debug)]
pub struct Permit {
    phone: E164Phone,
    effect: EffectKey,
    expires_at: UnixMillis,
}

/// The permit is too old: go through the gate again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the permit to send has expired; the gate has to be asked again")]
pub struct PermitExpired;

impl Permit {
    /// Whom it is for, if it still holds at `now`.
    ///
    /// # Errors
    /// [`PermitExpired`] after [`PERMIT_LIFE`].
    pub fn recipient(&self, now: UnixMillis) -> Result<&E164Phone, PermitExpired> {
        if now < self.expires_at { Ok(&self.phone) } else { Err(PermitExpired) }
    }

    /// The send that it is for.
    #[must_use]
    pub fn effect(&self) -> &EffectKey {
        &self.effect
    }
}

/// What the gate said.
#[derive(Debug)]
pub enum Passage {
    /// Go ahead, soon.
    Open(Permit),
    /// No, and why.
    Shut(Objection),
}

/// Asks the gate for a review request: opt-outs, the number's abilities and the cooldown in one conditional write, which
/// also reserves the cooldown.
///
/// The permit ends with the asker's lease (`lease_until`) if that is sooner than [`PERMIT_LIFE`]: a process that stood
/// still until somebody else could take over must not send any more.
///
/// # Errors
/// When the table cannot be used there is no permit: nothing is sent (fail closed).
pub async fn pass(contacts: &impl Contacts, hold: Hold, lease_until: UnixMillis) -> Result<Passage, StoreError> {
    Ok(match contacts.hold(&hold).await? {
        HoldOutcome::Held => {
            let expires_at = hold.now.plus(PERMIT_LIFE).min(lease_until);
            Passage::Open(Permit { phone: hold.phone, effect: hold.intent, expires_at })
        }
        HoldOutcome::Refused(objection) => Passage::Shut(objection),
    })
}

/// Asks the gate for an answer within a conversation that the person began: no cooldown is asked or reserved, everything
/// else that forbids a message forbids this one too. The contact is read strongly consistent.
///
/// # Errors
/// When the table cannot be used there is no permit: nothing is sent (fail closed).
pub async fn pass_answer(
    contacts: &impl Contacts,
    phone: &E164Phone,
    effect: EffectKey,
    now: UnixMillis,
    lease_until: UnixMillis,
) -> Result<Passage, StoreError> {
    let objection = contacts.contact(phone).await?.and_then(|c| c.closed_to_messages());
    Ok(match objection {
        None => {
            let expires_at = now.plus(PERMIT_LIFE).min(lease_until);
            Passage::Open(Permit { phone: phone.clone(), effect, expires_at })
        }
        Some(objection) => Passage::Shut(objection),
    })
}

/// The right to post one message into one chat, once: made only by [`pass_chat`], not `Clone`, consumed by posting.
///
/// ```compile_fail
/// let forged = frontdesk_core::gate::ChatPermit { expires_at: todo!() };
/// ```
#[derive(Debug)]
pub struct ChatPermit {
    expires_at: UnixMillis,
}

impl ChatPermit {
    /// Whether it still holds at `now`.
    ///
    /// # Errors
    /// [`PermitExpired`] after [`PERMIT_LIFE`].
    pub fn check(&self, now: UnixMillis) -> Result<(), PermitExpired> {
        if now < self.expires_at { Ok(()) } else { Err(PermitExpired) }
    }
}

/// What the gate said about a chat.
#[derive(Debug)]
pub enum ChatPassage {
    /// Go ahead, soon.
    Open(ChatPermit),
    /// No, and why.
    Shut(Objection),
}

/// Asks the gate for a message within a chat that the person began. A chat is more than texts: a number that cannot be
/// texted may chat, but whoever opted out is not written to on any way.
///
/// # Errors
/// When the table cannot be used there is no permit: nothing is posted (fail closed).
pub async fn pass_chat(
    contacts: &impl Contacts,
    chat: &Chat,
    now: UnixMillis,
    lease_until: UnixMillis,
) -> Result<ChatPassage, StoreError> {
    if chat.state.silenced {
        return Ok(ChatPassage::Shut(Objection::OptedOut(OptOutFlag::Keyword)));
    }
    let flag = match &chat.phone {
        Some(phone) => contacts.contact(phone).await?.and_then(|c| c.opted_out()),
        None => None,
    };
    Ok(match flag {
        Some(flag) => ChatPassage::Shut(Objection::OptedOut(flag)),
        None => ChatPassage::Open(ChatPermit { expires_at: now.plus(PERMIT_LIFE).min(lease_until) }),
    })
}
