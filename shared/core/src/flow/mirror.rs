//! Tells Podium of opt-outs until it knows, so that its own people and programs respect them too.

use super::{promote::PAGE, respect, unreadable};
use crate::{
    contact::{Contact, Contacts, MirrorDue, MirrorOutcome},
    ids::Shard,
    provider::{CallFailure, ContactBook, Limits, Mirrored, NotDone, OptOutMirror, Provider},
    retry::Backoff,
    store::StoreError,
    telemetry::{Line, Metric, Telemetry},
    time::Clock,
};

/// How often a change of mind during a call is followed at once; the next run follows any other.
const SECOND_THOUGHTS: u8 = 3;

/// What the timer needs.
#[derive(Debug)]
pub struct MirrorOptOuts<'a, S, P, C, T> {
    /// The tables.
    pub store: &'a S,
    /// Podium.
    pub contacts: &'a P,
    /// Time.
    pub clock: &'a C,
    /// Reports.
    pub telemetry: &'a T,
    /// How Podium is told; `None`: not at all, and what is due stays due for the day when it is.
    pub how: Option<OptOutMirror>,
    /// Between vain attempts.
    pub backoff: Backoff,
}

impl<S: Contacts + Limits, P: ContactBook, C: Clock, T: Telemetry> MirrorOptOuts<'_, S, P, C, T> {
    /// Tells Podium of all that is due; returns of how many it was told.
    ///
    /// # Errors
    /// When a table cannot be used; the next run goes on where this one stopped.
    pub async fn run(&self) -> Result<usize, StoreError> {
        let Some(how) = self.how else { return Ok(0) };
        let mut told = 0;
        for shard in Shard::all() {
            let now = self.clock.now();
            for due in self.store.mirrors_due(shard, now, PAGE).await? {
                if self.store.paused_until(Provider::Podium, self.clock.now()).await?.is_some() {
                    return Ok(told);
                }
                match self.tell(how, &due).await {
                    Ok(done) => told += usize::from(done),
                    Err(error) => unreadable(self.telemetry, &error)?,
                }
            }
        }
        Ok(told)
    }

    async fn contact(&self, due: &MirrorDue) -> Result<Contact, StoreError> {
        Ok(self.store.contact(&due.phone).await?.unwrap_or_else(|| Contact::unknown(due.phone.clone())))
    }

    async fn call(
        &self,
        how: OptOutMirror,
        contact: &Contact,
        out: bool,
    ) -> Result<Result<Mirrored, CallFailure>, StoreError> {
        if out && !contact.mirrored_out {
            self.store.note_telling(&contact.phone).await?;
        }
        let uid = contact.podium.as_ref().and_then(|link| link.uid.as_ref());
        Ok(self.contacts.mirror(&contact.phone, uid, how, out).await)
    }

    async fn tell(&self, how: OptOutMirror, due: &MirrorDue) -> Result<bool, StoreError> {
        let mut contact = self.contact(due).await?;
        let mut out = contact.opted_out_for_podium();
        if !out && !contact.mirrored_out {
            // Podium may know of an opt-out that we do not; only what we told it is ours to take back.
            self.store.settle_mirror(due, &MirrorOutcome::Told { out }).await?;
            return Ok(false);
        }
        let mut answer = self.call(how, &contact, out).await?;
        // Whoever changed their mind during the call is not to wait for the next run.
        for _ in 0..SECOND_THOUGHTS {
            contact = self.contact(due).await?;
            if answer.is_err() || contact.opted_out_for_podium() == out {
                break;
            }
            out = contact.opted_out_for_podium();
            answer = self.call(how, &contact, out).await?;
        }
        let now = self.clock.now();
        let outcome = match &answer {
            Ok(Mirrored::Told) => MirrorOutcome::Told { out },
            Ok(Mirrored::NoContact) => MirrorOutcome::NoContact,
            Err(failure) => {
                if let CallFailure::NotDone(why @ NotDone::Throttled { .. }) = failure {
                    respect(self.store, self.telemetry, now, why).await?;
                } else {
                    self.telemetry.count(Metric::OptOutMirrorFailed, None);
                }
                self.telemetry.line(
                    Line::warn("Podium could not be told of an opt-out and will be again")
                        .phone(&due.phone)
                        .number("attempt", i64::from(due.attempts) + 1)
                        .detail(failure),
                );
                let wait = self.backoff.after(due.attempts.saturating_add(1), due.phone.expose());
                MirrorOutcome::Later { at: now.plus(wait) }
            }
        };
        self.store.settle_mirror(due, &outcome).await?;
        if answer.is_ok() {
            self.telemetry.count(Metric::OptOutMirrored, None);
        }
        Ok(answer.is_ok())
    }
}
