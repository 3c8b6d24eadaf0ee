//! One message within a conversation, at most once, whoever asks for it and however often.
//!
//! The same steps as for a review request, without its calendar: gate, outbox, call, settle. A message that was begun
//! and not settled is looked up before anybody thinks of sending it again.

use std::time::Duration;

use super::{delivery, learn, lease, paused, report_unreadable, respect};
use crate::{
    contact::{Contacts, Objection},
    gate::{self, Passage},
    ids::{EffectKey, Ids, OwnerToken, ProviderId},
    notice::Notices,
    outbox::{Begin, Outbox, OutboxState, Send, Settlement, Unfinished},
    phone::E164Phone,
    provider::{Limits, LookUpAnswer, Messages, NotDone, Provider, Refusal, Say, SendFailure},
    store::{Fenced, Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::Clock,
};

/// The limits of a speaker.
#[derive(Clone, Copy, Debug)]
pub struct SpeakerRules {
    /// Longer than the function may run, clocks' differences included.
    pub lease: Duration,
    /// How long a message may take to show up at the provider before "not there" means "not sent".
    pub settle: Duration,
    /// How long an unclear message is asked about before it ends as unknown.
    pub look_up_for: Duration,
    /// How long a sent message is remembered.
    pub keep: Duration,
}

/// What a speaker needs.
#[derive(Debug)]
pub struct Speaker<'a, S, P, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// The messaging provider.
    pub messages: &'a P,
    /// Time.
    pub clock: &'a C,
    /// Lease owners.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// Limits.
    pub rules: SpeakerRules,
}

/// A message to send once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utterance {
    /// Names it for ever.
    pub key: EffectKey,
    /// To whom.
    pub phone: E164Phone,
    /// What.
    pub say: Say,
    /// Its kind, for reports.
    pub kind: &'static str,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is out, by this call or an earlier one.
    Out,
    /// It may not be sent.
    Silent(Objection),
    /// The provider refused it, for good.
    Refused,
    /// Nobody can say whether it is out. It is not repeated.
    Unknown,
    /// Not now; ask again.
    Later(NotDone),
    /// Somebody else is at it, or its outcome is not clear yet.
    Pending,
}

impl<S, P, C, I, T> Speaker<'_, S, P, C, I, T>
where
    S: Contacts + Outbox + Limits + Notices,
    P: Messages,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Sends a message unless it is out already or may not be sent.
    ///
    /// # Guarantees
    /// At most one call to the provider for a key, unless it is known that an earlier one had no effect. Never without a
    /// permit.
    ///
    /// # Errors
    /// When a table cannot be used; nothing was sent then, or it will be looked up.
    pub async fn say(&self, what: &Utterance) -> Result<Said, StoreError> {
        let lease = lease(self.clock, self.ids, self.rules.lease);
        match self.store.outbox_state(&what.key).await? {
            None | Some(OutboxState::Pending { .. }) => {}
            Some(OutboxState::Sending(unfinished)) => {
                if let Some(said) = self.ask(what, &unfinished).await? {
                    return Ok(said);
                }
            }
            Some(settled) => return Ok(settled_as(&settled)),
        }
        if let Some(why) = paused(self.store, self.clock, Provider::Podium).await? {
            return Ok(Said::Later(why));
        }
        let passage = gate::pass_answer(self.store, &what.phone, what.key.clone(), self.clock.now(), lease.until).await;
        let permit = match passage {
            Ok(Passage::Open(permit)) => permit,
            Ok(Passage::Shut(objection)) => return Ok(Said::Silent(objection)),
            Err(error) => {
                report_unreadable(self.telemetry, &error);
                return Err(error);
            }
        };
        let now = self.clock.now();
        let send = Send {
            key: what.key.clone(),
            phone: what.phone.clone(),
            location: what.say.location.clone(),
            expires_at: now.plus(self.rules.keep),
        };
        // The time of the call, not of the beginning, is what a later look-up must count from.
        let lease = Lease { now, ..lease };
        match self.store.begin(&send, &lease).await? {
            Begin::Begun => {}
            Begin::Refused(OutboxState::Pending { .. } | OutboxState::Sending(_)) => return Ok(Said::Pending),
            Begin::Refused(settled) => return Ok(settled_as(&settled)),
        }
        match self.messages.say(permit, &what.say).await {
            Ok(message) => {
                self.telemetry.count(Metric::MessageSent, Some(what.kind));
                self.accepted(what, &lease.owner, message).await
            }
            Err(SendFailure::Ambiguous { detail }) => {
                // The outbox stays as it is: begun, outcome open.
                self.telemetry.line(
                    Line::warn("nobody knows whether a message was sent; the provider will be asked")
                        .word("message", what.kind)
                        .detail(&detail),
                );
                Ok(Said::Pending)
            }
            Err(SendFailure::Refused(refusal)) => self.refused(what, &lease, refusal).await,
            Err(SendFailure::NotSent(why)) => {
                respect(self.store, self.telemetry, self.clock.now(), &why).await?;
                self.settle(what, &lease, Settlement::NotSent, Said::Later(why)).await
            }
            Err(SendFailure::PermitExpired) => self.settle(what, &lease, Settlement::NotSent, Said::Pending).await,
        }
    }

    /// What became of a message that somebody began; `None` when it certainly is not out.
    async fn ask(&self, what: &Utterance, unfinished: &Unfinished) -> Result<Option<Said>, StoreError> {
        let now = self.clock.now();
        // Whoever began it may be in the middle of the call until its lease is over.
        if now < unfinished.began_at.plus(self.rules.settle.max(self.rules.lease)) {
            return Ok(Some(Said::Pending));
        }
        let answer = self.messages.look_up_said(&what.phone, &what.say, unfinished.began_at).await;
        let (settlement, said) = match answer {
            Ok(LookUpAnswer::Sent { message }) => {
                return self.accepted(what, &unfinished.owner, message).await.map(Some);
            }
            Ok(LookUpAnswer::NotSent) => (Settlement::NotSent, None),
            Ok(LookUpAnswer::CannotTell) => (Settlement::Unknown, Some(Said::Unknown)),
            Err(_) if now > unfinished.began_at.plus(self.rules.look_up_for) => {
                (Settlement::Unknown, Some(Said::Unknown))
            }
            Err(why) => {
                respect(self.store, self.telemetry, now, &why).await?;
                return Ok(Some(Said::Later(why)));
            }
        };
        if settlement == Settlement::Unknown {
            self.telemetry.count(Metric::MessageUnknown, Some(what.kind));
            self.telemetry.line(Line::error("nobody can say whether a message was sent").word("message", what.kind));
        }
        match self.store.settle(&what.key, &unfinished.owner, &settlement, now).await? {
            Fenced::Written => Ok(said),
            Fenced::Lost => Ok(Some(Said::Pending)),
        }
    }

    /// The provider took it. What has to be followed up is found by the provider's id from here on.
    async fn accepted(&self, what: &Utterance, owner: &OwnerToken, message: ProviderId) -> Result<Said, StoreError> {
        let now = self.clock.now();
        let settlement = Settlement::Accepted { message: message.clone() };
        if self.store.settle(&what.key, owner, &settlement, now).await? == Fenced::Lost {
            return Ok(Said::Pending);
        }
        if what.key.awaits_delivery() {
            let times = (now, now.plus(self.rules.keep));
            delivery::sent(self.store, self.telemetry, &what.key, (&message, None), times).await?;
        }
        Ok(Said::Out)
    }

    async fn settle(
        &self,
        what: &Utterance,
        lease: &Lease,
        settlement: Settlement,
        said: Said,
    ) -> Result<Said, StoreError> {
        match self.store.settle(&what.key, &lease.owner, &settlement, self.clock.now()).await? {
            Fenced::Written => Ok(said),
            Fenced::Lost => Ok(Said::Pending),
        }
    }

    async fn refused(&self, what: &Utterance, lease: &Lease, refusal: Refusal) -> Result<Said, StoreError> {
        learn(self.store, &what.phone, refusal, self.clock.now()).await?;
        let reason = match refusal {
            Refusal::InvalidPhone => "invalid_phone".to_owned(),
            Refusal::OptedOut => "opted_out".to_owned(),
            Refusal::CooldownViolation => "cooldown".to_owned(),
            Refusal::Other { status } => format!("refused_{status}"),
        };
        self.telemetry
            .line(Line::warn("the provider refused a message").word("message", what.kind).id("reason", &reason));
        self.settle(what, lease, Settlement::Failed { reason }, Said::Refused).await
    }
}

const fn settled_as(state: &OutboxState) -> Said {
    match state {
        OutboxState::Accepted { .. } | OutboxState::Delivered { .. } | OutboxState::Undelivered { .. } => Said::Out,
        OutboxState::Failed { .. } => Said::Refused,
        OutboxState::Unknown => Said::Unknown,
        OutboxState::Pending { .. } | OutboxState::Sending(_) => Said::Pending,
    }
}
