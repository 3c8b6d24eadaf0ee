//! The world's side of every port: one step each, and what can go wrong with it.

use std::{future::Future, time::Duration};

use frontdesk_core::{
    contact::{
        ChangeOutcome, Contact, Contacts, Hold, HoldOutcome, Meeting, MirrorDue, MirrorOutcome, NotTextable,
        OptOutChange, PodiumLink,
    },
    directory::{LocationBook, Locations},
    eligibility::Inputs,
    flow::ingest::SecretSource,
    gate::Permit,
    ids::{EffectKey, LocationUid, OrderId, OrderKey, OwnerToken, ProviderId, Shard, ShopDomain},
    inbox::{Accepted, Attempt, EventEnd, Inbox, InboxClaim, InboxKey, NewEvent, Source, WaitingRow},
    outbox::{
        Begin, DeliveryNews, Fact, Invite, Outbox, OutboxState, Resolved, Send, SendRow, Settlement, Tracked,
        Unresolved,
    },
    phone::E164Phone,
    provider::{
        Limits, LookUp, LookUpAnswer, NotDone, OrderNow, Orders, Provider, ReviewSend, Reviews, SendFailure, Tally,
    },
    queue::{DelaySeconds, EventQueue, QueueError, SendQueue, Wake},
    rate::{Admission, RateKey, RateRule, RateWindows},
    request::{Committed, DueRow, Postpone, RequestChange, RequestClaim, RequestEnd, RequestRow, Requests},
    review::PlatformChoice,
    session::{Session, SessionKey, SessionRules, Sessions},
    signature::LiveSecrets,
    store::{Fenced, Lease, StoreError},
    time::{Clock, UnixMillis},
};

use super::{Fault, Lined, Queued, Text, World};

/// What came of a step.
pub(super) enum Taken<T> {
    Answered(T),
    /// Failed; whether it took effect, the caller cannot know.
    Silent,
    Refused,
}

impl World {
    /// Takes one step, in the way that the plan has for it.
    pub(super) async fn step<T>(&self, apply: impl Future<Output = T>) -> Taken<T> {
        if self.crashed.get() {
            // The process died in another of its branches.
            return std::future::pending().await;
        }
        let number = self.steps.get();
        self.steps.set(number + 1);
        let interruption = self.interruptions.borrow_mut().remove(&number);
        if let Some(interruption) = interruption {
            self.faults_met.set(self.faults_met.get() + 1);
            interruption(self);
        }
        let fault = self.plan.borrow().get(&number).copied().or_else(|| self.doom());
        self.faults_met.set(self.faults_met.get() + usize::from(fault.is_some()));
        match fault {
            None => Taken::Answered(apply.await),
            Some(Fault::NotApplied) => Taken::Silent,
            Some(Fault::Throttle) => Taken::Refused,
            Some(Fault::ReplyLost) => {
                apply.await;
                Taken::Silent
            }
            Some(Fault::CrashBefore) => self.crash().await,
            Some(Fault::CrashAfter) => {
                apply.await;
                self.crash().await
            }
            Some(Fault::LeaseExpires) => {
                self.stand_still();
                Taken::Answered(apply.await)
            }
        }
    }

    /// The death of a doomed process, when its time has come.
    fn doom(&self) -> Option<Fault> {
        let left = self.doomed_in.get()?;
        self.doom_met.set(true);
        self.doomed_in.set(left.checked_sub(1));
        (left == 0).then_some(Fault::CrashBefore)
    }

    /// A process ended or died; the next one is not it.
    pub(super) fn process_ends(&self) {
        self.crashed.set(false);
        // One that had fewer steps than it was to take lived.
        if self.doom_met.take() {
            self.doomed_in.set(None);
        }
    }

    /// Never returns; the driver sees the flag and drops the process.
    async fn crash<T>(&self) -> T {
        self.crashed.set(true);
        std::future::pending().await
    }

    /// Time passes and others work while this process is frozen.
    fn stand_still(&self) {
        self.clock.advance(self.lease + Duration::from_secs(1));
        if !self.nested.replace(true) {
            self.tick();
            self.work_without_arrivals();
            self.nested.set(false);
        }
    }

    pub(super) async fn stored<T>(
        &self,
        table: &'static str,
        apply: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self.step(apply).await {
            Taken::Answered(result) => result,
            Taken::Silent => Err(StoreError::Unavailable { table, detail: "no answer".into() }),
            Taken::Refused => Err(StoreError::Unavailable { table, detail: "throttled".into() }),
        }
    }

    pub(super) fn throttled(provider: Provider) -> NotDone {
        NotDone::Throttled { provider, wait: Duration::from_secs(60) }
    }

    pub(super) fn silent(provider: Provider) -> NotDone {
        NotDone::Unavailable { provider, detail: "no answer".into() }
    }
}

impl SecretSource for World {
    async fn live(&self) -> LiveSecrets {
        self.secrets.clone()
    }

    async fn look_again(&self) -> Option<LiveSecrets> {
        None
    }
}

impl Inbox for World {
    async fn accept(&self, event: &NewEvent) -> Result<Accepted, StoreError> {
        self.stored("inbox", self.store.accept(event)).await
    }
    async fn claim(&self, key: &InboxKey, lease: &Lease) -> Result<InboxClaim, StoreError> {
        self.stored("inbox", self.store.claim(key, lease)).await
    }
    async fn finish(&self, key: &InboxKey, lease: &Lease, end: &EventEnd) -> Result<Fenced, StoreError> {
        self.stored("inbox", self.store.finish(key, lease, end)).await
    }
    async fn release(&self, key: &InboxKey, lease: &Lease, attempt: Attempt) -> Result<Fenced, StoreError> {
        self.stored("inbox", self.store.release(key, lease, attempt)).await
    }
    async fn waiting(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<WaitingRow>, StoreError> {
        // Reads of an index by a timer are repeated every minute; a fault in one is the same as a later timer.
        self.store.waiting(shard, before, limit).await
    }
    async fn requeue(&self, row: &WaitingRow, now: UnixMillis) -> Result<Option<UnixMillis>, StoreError> {
        self.stored("inbox", self.store.requeue(row, now)).await
    }
}

impl Contacts for World {
    async fn contact(&self, phone: &E164Phone) -> Result<Option<Contact>, StoreError> {
        self.stored("contacts", self.store.contact(phone)).await
    }
    async fn record_opt_out(&self, change: &OptOutChange) -> Result<ChangeOutcome, StoreError> {
        self.stored("contacts", self.store.record_opt_out(change)).await
    }
    async fn hold(&self, hold: &Hold) -> Result<HoldOutcome, StoreError> {
        self.stored("contacts", self.store.hold(hold)).await
    }
    async fn release_hold(&self, phone: &E164Phone, intent: &EffectKey) -> Result<bool, StoreError> {
        self.stored("contacts", self.store.release_hold(phone, intent)).await
    }
    async fn mark_not_textable(&self, phone: &E164Phone, why: NotTextable, now: UnixMillis) -> Result<(), StoreError> {
        self.stored("contacts", self.store.mark_not_textable(phone, why, now)).await
    }
    async fn flag_for_review(&self, phone: &E164Phone, now: UnixMillis) -> Result<(), StoreError> {
        self.stored("contacts", self.store.flag_for_review(phone, now)).await
    }
    async fn erase_contact(&self, phone: &E164Phone) -> Result<(), StoreError> {
        self.stored("contacts", self.store.erase_contact(phone)).await
    }
    async fn meet(&self, meeting: &Meeting) -> Result<Contact, StoreError> {
        self.stored("contacts", self.store.meet(meeting)).await
    }
    async fn link_podium(&self, phone: &E164Phone, link: &PodiumLink, now: UnixMillis) -> Result<(), StoreError> {
        self.stored("contacts", self.store.link_podium(phone, link, now)).await
    }
    async fn unlink_podium(&self, phone: &E164Phone, uid: &ProviderId) -> Result<(), StoreError> {
        self.stored("contacts", self.store.unlink_podium(phone, uid)).await
    }
    async fn mirrors_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<MirrorDue>, StoreError> {
        self.store.mirrors_due(shard, before, limit).await
    }
    async fn note_telling(&self, phone: &E164Phone) -> Result<(), StoreError> {
        self.stored("contacts", self.store.note_telling(phone)).await
    }
    async fn settle_mirror(&self, due: &MirrorDue, outcome: &MirrorOutcome) -> Result<(), StoreError> {
        self.stored("contacts", self.store.settle_mirror(due, outcome)).await
    }
}

impl Sessions for World {
    async fn session(&self, key: &SessionKey, now: UnixMillis) -> Result<Option<Session>, StoreError> {
        self.stored("sessions", self.store.session(key, now)).await
    }
    async fn save_session(
        &self,
        session: &Session,
        rules: &SessionRules,
        now: UnixMillis,
    ) -> Result<Fenced, StoreError> {
        self.stored("sessions", self.store.save_session(session, rules, now)).await
    }
    async fn sessions_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<SessionKey>, StoreError> {
        self.store.sessions_due(shard, before, limit).await
    }
}

impl Locations for World {
    async fn locations(&self) -> Result<Option<LocationBook>, StoreError> {
        self.stored("directory", self.store.locations()).await
    }
    async fn keep_locations(&self, book: &LocationBook) -> Result<(), StoreError> {
        self.stored("directory", self.store.keep_locations(book)).await
    }
}

impl Requests for World {
    async fn commit(
        &self,
        event: &InboxKey,
        lease: &Lease,
        end: &EventEnd,
        change: &RequestChange,
    ) -> Result<Committed, StoreError> {
        self.stored("review_requests", self.store.commit(event, lease, end, change)).await
    }
    async fn due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<DueRow>, StoreError> {
        self.store.due(shard, before, limit).await
    }
    async fn mark_queued(&self, row: &DueRow, next_attention: UnixMillis) -> Result<bool, StoreError> {
        self.stored("review_requests", self.store.mark_queued(row, next_attention)).await
    }
    async fn claim_request(&self, key: &OrderKey, lease: &Lease) -> Result<RequestClaim, StoreError> {
        self.stored("review_requests", self.store.claim_request(key, lease)).await
    }
    async fn begin_sending(
        &self,
        key: &OrderKey,
        lease: &Lease,
        choice: &PlatformChoice,
    ) -> Result<Fenced, StoreError> {
        self.stored("review_requests", self.store.begin_sending(key, lease, choice)).await
    }
    async fn postpone(&self, key: &OrderKey, lease: &Lease, postpone: &Postpone) -> Result<Fenced, StoreError> {
        self.stored("review_requests", self.store.postpone(key, lease, postpone)).await
    }
    async fn end_request(
        &self,
        key: &OrderKey,
        lease: &Lease,
        end: &RequestEnd,
        inputs: Option<&Inputs>,
    ) -> Result<Fenced, StoreError> {
        self.stored("review_requests", self.store.end_request(key, lease, end, inputs)).await
    }
    async fn request(&self, key: &OrderKey) -> Result<Option<RequestRow>, StoreError> {
        self.stored("review_requests", self.store.request(key)).await
    }
    async fn note_reviewed(&self, key: &OrderKey, at: UnixMillis) -> Result<(), StoreError> {
        self.stored("review_requests", self.store.note_reviewed(key, at)).await
    }
}

impl Outbox for World {
    async fn outbox_state(&self, key: &EffectKey) -> Result<Option<OutboxState>, StoreError> {
        self.stored("outbox", self.store.outbox_state(key)).await
    }
    async fn keep_invite(&self, send: &Send, invite: &Invite) -> Result<Invite, StoreError> {
        self.stored("outbox", self.store.keep_invite(send, invite)).await
    }
    async fn begin(&self, send: &Send, lease: &Lease) -> Result<Begin, StoreError> {
        self.stored("outbox", self.store.begin(send, lease)).await
    }
    async fn send_row(&self, key: &EffectKey) -> Result<Option<SendRow>, StoreError> {
        self.stored("outbox", self.store.send_row(key)).await
    }
    async fn plan(&self, send: &Send, at: UnixMillis) -> Result<(), StoreError> {
        self.stored("outbox", self.store.plan(send, at)).await
    }
    async fn track(&self, id: &ProviderId, fact: &Fact, expires_at: UnixMillis) -> Result<Tracked, StoreError> {
        self.stored("outbox", self.store.track(id, fact, expires_at)).await
    }
    async fn tracked(&self, id: &ProviderId) -> Result<Tracked, StoreError> {
        self.stored("outbox", self.store.tracked(id)).await
    }
    async fn resolve(
        &self,
        key: &EffectKey,
        news: DeliveryNews,
        now: UnixMillis,
    ) -> Result<Option<Resolved>, StoreError> {
        self.stored("outbox", self.store.resolve(key, news, now)).await
    }
    async fn unresolved(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<Unresolved>, StoreError> {
        self.store.unresolved(shard, before, limit).await
    }
    async fn attend(&self, key: &EffectKey, next: Option<UnixMillis>) -> Result<(), StoreError> {
        self.stored("outbox", self.store.attend(key, next)).await
    }
    async fn settle(
        &self,
        key: &EffectKey,
        owner: &OwnerToken,
        settlement: &Settlement,
        now: UnixMillis,
    ) -> Result<Fenced, StoreError> {
        self.stored("outbox", self.store.settle(key, owner, settlement, now)).await
    }
}

impl Limits for World {
    async fn tally(&self, tally: &Tally) -> Result<bool, StoreError> {
        self.stored("limits", self.store.tally(tally)).await
    }
    async fn pause(&self, provider: Provider, until: UnixMillis) -> Result<(), StoreError> {
        self.stored("limits", self.store.pause(provider, until)).await
    }
    async fn paused_until(&self, provider: Provider, now: UnixMillis) -> Result<Option<UnixMillis>, StoreError> {
        self.stored("limits", self.store.paused_until(provider, now)).await
    }
}

impl RateWindows for World {
    async fn admit(&self, key: &RateKey, rule: RateRule, now: UnixMillis) -> Result<Admission, StoreError> {
        self.stored("limits", self.store.admit(key, rule, now)).await
    }
}

impl Orders for World {
    async fn order(&self, _shop: &ShopDomain, order: OrderId) -> Result<Option<OrderNow>, NotDone> {
        match self.step(async { self.orders.borrow().get(&order).cloned() }).await {
            Taken::Answered(order) => Ok(order),
            Taken::Silent => Err(Self::silent(Provider::Shopify)),
            Taken::Refused => Err(Self::throttled(Provider::Shopify)),
        }
    }
}

impl Reviews for World {
    async fn prepare(&self, permit: &Permit, _location: &LocationUid) -> Result<Option<Invite>, SendFailure> {
        if !self.can_look_up {
            return Ok(None);
        }
        let made = self.step(async {
            permit.recipient(self.clock.now()).map(|_| {
                self.invites_made.set(self.invites_made.get() + 1);
                let n = self.invites_made.get();
                Invite {
                    uid: ProviderId::try_from(format!("i{n}").as_str()).unwrap(),
                    url: format!("https://r.example/{n}"),
                }
            })
        });
        match made.await {
            Taken::Answered(Ok(invite)) => Ok(Some(invite)),
            Taken::Answered(Err(_)) => Err(SendFailure::PermitExpired),
            Taken::Silent => Err(SendFailure::Ambiguous { detail: "no answer".into() }),
            Taken::Refused => Err(SendFailure::NotSent(Self::throttled(Provider::Podium))),
        }
    }

    async fn send(&self, permit: Permit, send: &ReviewSend) -> Result<ProviderId, SendFailure> {
        let texted = self.step(async {
            let now = self.clock.now();
            let phone = permit.recipient(now).map_err(|_| SendFailure::PermitExpired)?.clone();
            if self.podium.is_down(now) {
                return Err(SendFailure::NotSent(Self::silent(Provider::Podium)));
            }
            if let Some(refusal) = self.refusals.borrow().get(&phone) {
                return Err(SendFailure::Refused(*refusal));
            }
            let link = send.invite.as_ref().map(|i| i.url.clone());
            self.texts.borrow_mut().push(Text { phone, effect: permit.effect().clone(), at: now, link });
            Ok(message_id(self.texts.borrow().len()))
        });
        let texted = texted.await;
        // The answer is still on its way.
        let meanwhile = self.meanwhile.borrow_mut().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile(self);
        }
        match texted {
            Taken::Answered(result) => result,
            Taken::Silent => Err(SendFailure::Ambiguous { detail: "no answer".into() }),
            Taken::Refused => Err(SendFailure::NotSent(Self::throttled(Provider::Podium))),
        }
    }

    async fn look_up(&self, what: &LookUp) -> Result<LookUpAnswer, NotDone> {
        if !self.can_look_up {
            return Ok(LookUpAnswer::CannotTell);
        }
        let link = what.invite.as_ref().map(|i| i.url.clone());
        let found = self.step(async {
            // What was sent a moment ago does not show yet.
            let visible = self.clock.now().minus(self.shows_after);
            let texts = self.texts.borrow();
            texts.iter().position(|t| t.link.is_some() && t.link == link && t.at <= visible).map(|n| message_id(n + 1))
        });
        match found.await {
            Taken::Answered(Some(message)) => Ok(LookUpAnswer::Sent { message }),
            Taken::Answered(None) => Ok(LookUpAnswer::NotSent),
            Taken::Silent => Err(Self::silent(Provider::Podium)),
            Taken::Refused => Err(Self::throttled(Provider::Podium)),
        }
    }
}

pub(super) fn message_id(n: usize) -> ProviderId {
    ProviderId::try_from(format!("m{n}").as_str()).unwrap()
}

impl EventQueue for World {
    async fn enqueue(&self, wakes: &[Wake]) -> Result<(), QueueError> {
        let put = self.step(async {
            for wake in wakes {
                self.put(wake);
            }
        });
        answered(&put.await, "events")
    }
}

impl World {
    fn put(&self, wake: &Wake) {
        let now = self.clock.now();
        match wake.key.source {
            Source::Shopify => {
                self.events.borrow_mut().push(Queued { key: wake.key.clone(), visible_at: now, receives: 0 });
            }
            Source::Privacy => {
                self.demands.borrow_mut().push(Queued { key: wake.key.clone(), visible_at: now, receives: 0 });
            }
            Source::Chatwoot => self.line_up(wake),
            Source::Podium => {
                self.lined.set(self.lined.get() + 1);
                let group = wake.group.as_ref().expect("an ordered queue takes no message without a group");
                self.lines.borrow_mut().push(Lined {
                    id: self.lined.get(),
                    key: wake.key.clone(),
                    group: group.as_str().to_owned(),
                    visible_at: now,
                    receives: 0,
                });
            }
        }
    }
}

impl SendQueue for World {
    async fn enqueue_send(&self, key: &OrderKey, delay: DelaySeconds) -> Result<(), QueueError> {
        let visible_at = self.clock.now().plus(Duration::from_secs(u64::from(delay.get())));
        let put = self.step(async {
            self.sends.borrow_mut().push(Queued { key: key.clone(), visible_at, receives: 0 });
        });
        answered(&put.await, "review-deferred")
    }
}

pub(super) fn answered(taken: &Taken<()>, queue: &'static str) -> Result<(), QueueError> {
    match taken {
        Taken::Answered(()) => Ok(()),
        Taken::Silent | Taken::Refused => Err(QueueError { queue, detail: "no answer".into() }),
    }
}
