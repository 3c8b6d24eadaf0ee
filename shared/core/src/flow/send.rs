//! The sender: a due request becomes one text, or a recorded reason why not.
//!
//! Where the process can die, and what the next one does:
//!
//! | dies | the row says | the next sender |
//! |---|---|---|
//! | before `begin_sending` | scheduled / queued | starts over |
//! | after it, before the outbox begins | sending, nothing begun | asks the gate again; the cooldown held by this very request lets it through |
//! | in or after the provider's call | sending, begun | asks the provider: found → sent; clearly not → starts over; cannot tell → `unknown`, for a person |
//! | after the outbox was settled | sending, settled | writes the end only |
//!
//! Everything before the call is read or reserved under the request's lease; the lease outlives the function, so whoever
//! finds it expired knows that nobody is in the middle of a call.

use std::{sync::OnceLock, time::Duration};

use super::{
    delivery::{self, LOCATION_LINK},
    learn, lease, report_review, respect,
};
use crate::{
    contact::{Contacts, Hold, OptOutChange, OptOutFlag, OptOutSource},
    directory::Installation,
    eligibility::Inputs,
    gate::{self, Passage, Permit},
    ids::{EffectKey, Ids, OrderKey, OwnerToken, ProviderId},
    notice::Notices,
    outbox::{Begin, Invite, Outbox, OutboxState, Send, Settlement, Unfinished},
    provider::{Limits, LookUp, LookUpAnswer, NotDone, Orders, Provider, Refusal, ReviewSend, Reviews, SendFailure},
    request::{FailReason, Postpone, RequestClaim, RequestEnd, RequestStatus, Requests, ReviewRequest, Wait},
    retry::Backoff,
    review::{Platform, PlatformRule, ReviewPolicy, SendDecision, SkipReason, choose_platform, decide_send},
    review_code::ReviewCode,
    store::{Fenced, Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
};

/// A request taken up more often than this has something that makes its sender fail each time. Far above what waiting for
/// a provider comes to: three days at the longest backoff are some eighty.
const ATTEMPTS_MAX: u32 = 400;

/// Shopify has an uninstalled shop's data erased after 48 hours; until then it may be installed again.
const UNINSTALLED_FOR_GOOD: Duration = Duration::from_secs(48 * 3600);
/// How often a request looks whether it is.
const UNINSTALLED_WAIT: Duration = Duration::from_secs(4 * 3600);

/// The limits of the sender.
#[derive(Clone, Copy, Debug)]
pub struct SenderRules {
    /// Longer than the function may run, clocks' differences included.
    pub lease: Duration,
    /// Between attempts that a provider's trouble made vain.
    pub backoff: Backoff,
    /// After so long without Shopify's or Podium's help a request fails, loudly.
    pub give_up_after: Duration,
    /// How long a message may take to show up at the provider before "not there" means "not sent".
    pub settle: Duration,
    /// How long an unclear send is asked about before it ends as unknown.
    pub look_up_for: Duration,
}

/// What the sender needs.
#[derive(Debug)]
pub struct Sender<'a, S, O, R, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// Shopify.
    pub orders: &'a O,
    /// Podium.
    pub reviews: &'a R,
    /// Time.
    pub clock: &'a C,
    /// Lease owners.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// The merchant's rules.
    pub policy: &'a ReviewPolicy,
    /// Limits.
    pub rules: SenderRules,
}

/// A request in hand.
struct Held {
    request: ReviewRequest,
    lease: Lease,
    effect: EffectKey,
    /// What was known of the order when it was decided; kept with the decision.
    inputs: OnceLock<Inputs>,
}

/// What is to be done with a request in hand, decided step by step.
enum Next {
    End(RequestEnd),
    Postpone(Postpone),
    /// The lease or the request went to somebody else; nothing of ours is left to write.
    Leave,
}

/// Either a value to go on with, or the end of the road.
type Step<T> = Result<T, Stop>;

enum Stop {
    Next(Next),
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<S, O, R, C, I, T> Sender<'_, S, O, R, C, I, T>
where
    S: Requests + Contacts + Outbox + Limits + Notices + Installation,
    O: Orders,
    R: Reviews,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on a due request. One that somebody else holds, that is not due or that has ended is left alone: the `due`
    /// index brings back what is unfinished.
    ///
    /// # Guarantees
    /// Calls the provider's send at most once per lease, never without a permit, never while an earlier send is unclear.
    ///
    /// # Errors
    /// When a table cannot be used; the message must come again.
    pub async fn handle(&self, key: &OrderKey) -> Result<(), StoreError> {
        let lease = lease(self.clock, self.ids, self.rules.lease);
        let request = match self.store.claim_request(key, &lease).await? {
            RequestClaim::Acquired(request) => *request,
            RequestClaim::Missing => {
                self.telemetry.line(Line::warn("a queued key has no request").id("request.key", &key.to_key()));
                return Ok(());
            }
            RequestClaim::NotDue { .. } | RequestClaim::Busy { .. } | RequestClaim::Ended(_) => return Ok(()),
        };
        let held = Held { request, lease, effect: EffectKey::review_request(key), inputs: OnceLock::new() };
        if held.request.attempts > ATTEMPTS_MAX {
            let may_be_sent = held.request.status == RequestStatus::Sending;
            let end = if may_be_sent { RequestEnd::Unknown } else { RequestEnd::Failed(FailReason::TooManyAttempts) };
            return self.conclude(&held, Next::End(end)).await;
        }
        let next = match self.advance(&held).await {
            Ok(next) | Err(Stop::Next(next)) => next,
            Err(Stop::Store(error)) => return Err(error),
        };
        self.conclude(&held, next).await
    }

    async fn advance(&self, held: &Held) -> Step<Next> {
        self.not_paused(held).await?;
        // What was begun is looked up all the same: that texts nobody.
        let invite = match held.request.status {
            RequestStatus::Sending => self.recover(held).await?,
            RequestStatus::Scheduled
            | RequestStatus::Queued
            | RequestStatus::Sent
            | RequestStatus::Skipped
            | RequestStatus::Failed
            | RequestStatus::Unknown => None,
        };
        self.installed(held).await?;
        self.check_order(held).await?;
        let platform = self.enter_sending(held).await?;
        let permit = self.pass_gate(held).await?;
        let send = self.outgoing(held);
        let (permit, invite) = self.invite(held, &send, permit, invite).await?;
        let message = self.message(held, invite, platform);
        self.deliver(held, &send, permit, &message).await
    }

    /// What an earlier sender left behind. `Ok` only when it is certain that nothing was sent.
    async fn recover(&self, held: &Held) -> Step<Option<Invite>> {
        match self.store.outbox_state(&held.effect).await? {
            None => Ok(None),
            Some(OutboxState::Sending(unfinished)) => self.ask_provider(held, unfinished).await,
            Some(OutboxState::Pending { invite }) => Ok(invite),
            Some(OutboxState::Accepted { message }) => {
                // Whether its news were looked at before its sender died is not known.
                let invite = self.store.send_row(&held.effect).await?.and_then(|row| row.invite);
                Err(Stop::Next(self.followed(held, message, invite.as_ref()).await?))
            }
            Some(settled) => Err(Stop::Next(ended_as(settled))),
        }
    }

    async fn ask_provider(&self, held: &Held, unfinished: Unfinished) -> Step<Option<Invite>> {
        let now = self.clock.now();
        let visible_from = unfinished.began_at.plus(self.rules.settle);
        if now < visible_from {
            return Err(postponed(visible_from, Wait::Clock));
        }
        let what = LookUp {
            phone: held.request.plan.phone.clone(),
            location: held.request.plan.location.clone(),
            invite: unfinished.invite.clone(),
            began_at: unfinished.began_at,
        };
        let (settlement, outcome) = match self.reviews.look_up(&what).await {
            Ok(LookUpAnswer::Sent { message }) => {
                return match self.accepted(held, &unfinished.owner, message, unfinished.invite.as_ref()).await {
                    Ok(next) => Err(Stop::Next(next)),
                    Err(stop) => Err(stop),
                };
            }
            Ok(LookUpAnswer::NotSent) => (Settlement::NotSent, Ok(unfinished.invite.clone())),
            Ok(LookUpAnswer::CannotTell) => (Settlement::Unknown, Err(Stop::Next(Next::End(RequestEnd::Unknown)))),
            Err(_) if now > unfinished.began_at.plus(self.rules.look_up_for) => {
                (Settlement::Unknown, Err(Stop::Next(Next::End(RequestEnd::Unknown))))
            }
            // Never given up as failed: it may have been sent. The look-up's own limit ends it, as unknown.
            Err(not_done) => return Err(self.wait_for(held, &not_done).await?),
        };
        match self.store.settle(&held.effect, &unfinished.owner, &settlement, now).await? {
            Fenced::Written => outcome,
            Fenced::Lost => Err(Stop::Next(Next::Leave)),
        }
    }

    async fn not_paused(&self, held: &Held) -> Step<()> {
        let now = self.clock.now();
        for provider in [Provider::Shopify, Provider::Podium] {
            if let Some(until) = self.store.paused_until(provider, now).await? {
                let spread = self.rules.backoff.after(1, held.effect.as_str()) / 10;
                return Err(postponed(until.plus(spread), Wait::Trouble));
            }
        }
        Ok(())
    }

    /// Nothing is sent in the name of a shop that threw us out. It may have been a mistake, so what is due waits until Shopify
    /// would have its data erased.
    async fn installed(&self, held: &Held) -> Step<()> {
        let Some(since) = self.store.uninstalled_at().await? else { return Ok(()) };
        let now = self.clock.now();
        if now > since.plus(UNINSTALLED_FOR_GOOD) {
            return Err(skipped(SkipReason::AppUninstalled));
        }
        self.telemetry.line(self.about(held, Line::warn("the app is uninstalled; a request waits")));
        Err(postponed(now.plus(UNINSTALLED_WAIT), Wait::Clock))
    }

    async fn check_order(&self, held: &Held) -> Step<()> {
        let key = &held.request.key;
        let order = match self.orders.order(&key.shop, key.order).await {
            Ok(order) => order,
            Err(not_done) => return Err(self.not_now(held, &not_done).await?),
        };
        let now = self.clock.now();
        if let Some(order) = &order {
            let _: Result<(), Inputs> =
                held.inputs.set(Inputs::of_order_now(order, &held.request.plan, self.policy, now));
        }
        match decide_send(&held.request, order.as_ref(), self.policy, now) {
            SendDecision::Ask => Ok(()),
            SendDecision::Skip(reason) => Err(skipped(reason)),
            SendDecision::PutOff(postpone) => Err(Stop::Next(Next::Postpone(postpone))),
            SendDecision::OptedOutAtShop { phone, at } => {
                let (flag, source) = (OptOutFlag::MarketingSms, OptOutSource::Shopify);
                let change = OptOutChange::on_record(phone, flag, source, at, self.clock.now());
                self.store.record_opt_out(&change).await?;
                Err(skipped(SkipReason::OptedOut))
            }
        }
    }

    /// Chooses the platform and passes the point after which only this lease ends the request.
    async fn enter_sending(&self, held: &Held) -> Step<Platform> {
        let contact = self.store.contact(&held.request.plan.phone).await?;
        let now = self.clock.now();
        if let Some(objection) = contact.as_ref().and_then(|c| c.objection(&self.hold(held, now))) {
            return Err(skipped(objection.into()));
        }
        let (preferred, has_facebook) = contact.map_or((None, false), |c| (c.preferred_platform, c.has_facebook));
        let choice = choose_platform(preferred, has_facebook, self.policy.default_platform);
        match self.store.begin_sending(&held.request.key, &held.lease, &choice).await? {
            Fenced::Written => {}
            Fenced::Lost => return Err(Stop::Next(Next::Leave)),
        }
        if choice.rule == PlatformRule::Fallback {
            self.telemetry.count(Metric::PlatformFallback, Some(choice.platform.as_str()));
            let line = Line::info("the platform fell back to one that works for everybody");
            report_review(self.telemetry, ReviewCode::PlatformFallback, self.about(held, line));
        }
        Ok(choice.platform)
    }

    async fn pass_gate(&self, held: &Held) -> Step<Permit> {
        match gate::pass(self.store, self.hold(held, self.clock.now()), held.lease.until).await? {
            Passage::Open(permit) => Ok(permit),
            Passage::Shut(objection) => Err(skipped(objection.into())),
        }
    }

    /// The link that goes into the message: the one made earlier, or a new one, kept before it is used.
    async fn invite(
        &self,
        held: &Held,
        send: &Send,
        permit: Permit,
        earlier: Option<Invite>,
    ) -> Step<(Permit, Option<Invite>)> {
        if earlier.is_some() {
            return Ok((permit, earlier));
        }
        let location = self.policy.location(&held.request.plan.location);
        if let Some(url) = location.and_then(|l| l.review_link.as_deref()) {
            let uid = ProviderId::try_from(LOCATION_LINK).ok();
            let link = uid.map(|uid| Invite { uid, url: url.to_owned() });
            let kept = match &link {
                Some(link) => Some(self.store.keep_invite(send, link).await?),
                None => None,
            };
            return Ok((permit, kept));
        }
        match self.reviews.prepare(&permit, &held.request.plan.location).await {
            Ok(Some(made)) => Ok((permit, Some(self.store.keep_invite(send, &made).await?))),
            Ok(None) => Ok((permit, None)),
            Err(SendFailure::NotSent(not_done)) => Err(self.not_now(held, &not_done).await?),
            Err(SendFailure::PermitExpired) => Err(self.later(held)),
            Err(SendFailure::Refused(refusal)) => Err(self.refused(held, refusal).await?),
            // A link that may or may not have been made bothers nobody; make another.
            Err(SendFailure::Ambiguous { detail }) => {
                Err(self.not_now(held, &NotDone::unavailable(Provider::Podium, detail)).await?)
            }
        }
    }

    /// The one call that a customer notices.
    async fn deliver(&self, held: &Held, send: &Send, permit: Permit, message: &ReviewSend) -> Step<Next> {
        // The time of the call, not of the claim, is what a later look-up must count from.
        let lease = Lease { now: self.clock.now(), ..held.lease.clone() };
        match self.store.begin(send, &lease).await? {
            Begin::Begun => {}
            // The request's row was lost or forgotten, the outbox remembers.
            Begin::Refused(OutboxState::Sending(_)) => return Err(self.later(held)),
            Begin::Refused(OutboxState::Pending { .. }) => return Err(Stop::Next(Next::Leave)),
            Begin::Refused(settled) => return Ok(ended_as(settled)),
        }
        match self.reviews.send(permit, message).await {
            Ok(id) => self.accepted(held, &held.lease.owner, id, message.invite.as_ref()).await,
            Err(SendFailure::Ambiguous { detail }) => {
                let line = Line::warn("nobody knows whether a request was sent; the provider will be asked");
                self.telemetry.line(self.about(held, line).detail(&detail));
                // The outbox stays as it is: begun, outcome open.
                Ok(Next::Postpone(Postpone { until: self.clock.now().plus(self.rules.settle), why: Wait::Clock }))
            }
            Err(SendFailure::Refused(refusal)) => Err(self.refused(held, refusal).await?),
            Err(SendFailure::NotSent(not_done)) => {
                self.settle(held, Settlement::NotSent).await?;
                Err(self.not_now(held, &not_done).await?)
            }
            Err(SendFailure::PermitExpired) => {
                self.settle(held, Settlement::NotSent).await?;
                Err(self.later(held))
            }
        }
    }

    /// The provider took it.
    async fn accepted(
        &self,
        held: &Held,
        owner: &OwnerToken,
        message: ProviderId,
        invite: Option<&Invite>,
    ) -> Step<Next> {
        let settlement = Settlement::Accepted { message: message.clone() };
        match self.store.settle(&held.effect, owner, &settlement, self.clock.now()).await? {
            Fenced::Written => self.followed(held, message, invite).await,
            Fenced::Lost => Err(Stop::Next(Next::Leave)),
        }
    }

    /// What comes after the provider took it: its news find it from here on, and its reminder has its day.
    async fn followed(&self, held: &Held, message: ProviderId, invite: Option<&Invite>) -> Step<Next> {
        let now = self.clock.now();
        let times = (now, now.plus(self.policy.keep));
        delivery::sent(self.store, self.telemetry, &held.effect, (&message, invite), times).await?;
        if let Some(reminder) = &self.policy.reminder {
            let send = Send { key: EffectKey::reminder(&held.request.key), ..self.outgoing(held) };
            self.store.plan(&send, now.plus(reminder.after)).await?;
        }
        Ok(Next::End(RequestEnd::Sent { message }))
    }

    /// A refusal for good.
    async fn refused(&self, held: &Held, refusal: Refusal) -> Result<Stop, StoreError> {
        let now = self.clock.now();
        learn(self.store, &held.request.plan.phone, refusal, now).await?;
        let end = match refusal {
            Refusal::Other { status } => RequestEnd::Failed(FailReason::Refused { status }),
            Refusal::InvalidPhone | Refusal::OptedOut | Refusal::CooldownViolation => {
                refusal.as_skip().map_or(RequestEnd::Unknown, RequestEnd::Skipped)
            }
        };
        let reason = end.reason().unwrap_or_default();
        // Nothing is begun when the refusal came while the link was made; then there is nothing to settle.
        let _: Fenced = self.store.settle(&held.effect, &held.lease.owner, &Settlement::Failed { reason }, now).await?;
        Ok(Stop::Next(Next::End(end)))
    }

    async fn settle(&self, held: &Held, settlement: Settlement) -> Step<()> {
        match self.store.settle(&held.effect, &held.lease.owner, &settlement, self.clock.now()).await? {
            Fenced::Written => Ok(()),
            Fenced::Lost => Err(Stop::Next(Next::Leave)),
        }
    }

    /// A provider cannot help now: later, or, after too long without a break, never.
    async fn not_now(&self, held: &Held, why: &NotDone) -> Result<Stop, StoreError> {
        let stop = self.wait_for(held, why).await?;
        let too_long = |since: UnixMillis| self.clock.now() > since.plus(self.rules.give_up_after);
        if !held.request.trouble_since.is_some_and(too_long) {
            return Ok(stop);
        }
        Ok(Stop::Next(Next::End(RequestEnd::Failed(match why.provider() {
            Provider::Shopify => FailReason::OrderUnreadable,
            Provider::Podium
            | Provider::Chatwoot
            | Provider::Agent
            | Provider::Speech
            | Provider::Catalogue
            | Provider::Uploads => FailReason::ProviderUnreachable,
        }))))
    }

    /// Waits for a provider. A wish to be left alone is everybody's to respect.
    async fn wait_for(&self, held: &Held, why: &NotDone) -> Result<Stop, StoreError> {
        let now = self.clock.now();
        respect(self.store, self.telemetry, now, why).await?;
        let wait = match why {
            NotDone::Throttled { wait, .. } => *wait,
            NotDone::Unavailable { .. } => self.rules.backoff.after(held.request.attempts, held.effect.as_str()),
        };
        self.telemetry.line(self.about(held, Line::warn("a provider cannot help now")).detail(why));
        Ok(postponed(now.plus(wait), Wait::Trouble))
    }

    fn later(&self, held: &Held) -> Stop {
        let wait = self.rules.backoff.after(held.request.attempts, held.effect.as_str());
        postponed(self.clock.now().plus(wait), Wait::Clock)
    }

    /// Writes the end, or the way back. The cooldown goes first: if the process dies in between, the request is still
    /// there to be ended again, while a cooldown left behind would have nobody to free it.
    async fn conclude(&self, held: &Held, next: Next) -> Result<(), StoreError> {
        let fenced = match &next {
            Next::Leave => Fenced::Lost,
            Next::Postpone(postpone) => {
                if postpone.why == Wait::Settling && held.request.status == RequestStatus::Sending {
                    self.store.release_hold(&held.request.plan.phone, &held.effect).await?;
                }
                self.store.postpone(&held.request.key, &held.lease, postpone).await?
            }
            Next::End(end) => {
                if matches!(end, RequestEnd::Skipped(_) | RequestEnd::Failed(_)) {
                    self.store.release_hold(&held.request.plan.phone, &held.effect).await?;
                }
                self.store.end_request(&held.request.key, &held.lease, end, held.inputs.get()).await?
            }
        };
        self.report(held, &next, fenced);
        Ok(())
    }

    fn report(&self, held: &Held, next: &Next, fenced: Fenced) {
        if fenced == Fenced::Lost {
            self.telemetry.line(self.about(held, Line::info("a request went to somebody else or ended meanwhile")));
            return;
        }
        let (metric, kind, line) = match next {
            Next::Leave => return,
            Next::Postpone(postpone) => {
                let line = Line::info("a request is put off").number("send_after_ms", postpone.until.get());
                (Metric::RequestPostponed, None, line)
            }
            Next::End(RequestEnd::Sent { message }) => {
                (Metric::RequestSent, None, Line::info("a request is sent").id("message.id", message.as_str()))
            }
            Next::End(RequestEnd::Skipped(reason)) => {
                if let Some(code) = reason.code() {
                    self.telemetry.count(Metric::ReviewCode, Some(code.as_str()));
                }
                let mut line = Line::info("a request is skipped").word("reason", reason.as_str());
                line.code = reason.code().map(ReviewCode::as_str);
                (Metric::RequestSkipped, Some(reason.as_str()), line)
            }
            Next::End(RequestEnd::Failed(reason)) => {
                (Metric::RequestFailed, None, Line::error("a request failed").id("reason", &reason.describe()))
            }
            Next::End(RequestEnd::Unknown) => (
                Metric::RequestUnknown,
                None,
                Line::error("nobody can say whether a request was sent; a person has to look"),
            ),
        };
        self.telemetry.count(metric, kind);
        self.telemetry.line(self.about(held, line));
    }

    fn hold(&self, held: &Held, now: UnixMillis) -> Hold {
        let (phone, intent) = (held.request.plan.phone.clone(), held.effect.clone());
        Hold { phone, intent, now, window: self.policy.cooldown }
    }

    fn outgoing(&self, held: &Held) -> Send {
        let plan = &held.request.plan;
        let expires_at = self.clock.now().plus(self.policy.keep);
        Send { key: held.effect.clone(), phone: plan.phone.clone(), location: plan.location.clone(), expires_at }
    }

    fn message(&self, held: &Held, invite: Option<Invite>, platform: Platform) -> ReviewSend {
        let plan = &held.request.plan;
        let name = self.policy.location(&plan.location).map_or("", |l| l.name.as_str());
        let text = invite.as_ref().map(|i| self.policy.template.render(plan.first_name.as_deref(), name, &i.url));
        let (location, order) = (plan.location.clone(), held.request.key.order);
        ReviewSend { location, platform, invite, text: text.unwrap_or_default(), order }
    }

    fn about(&self, held: &Held, line: Line) -> Line {
        line.id("request.key", &held.request.key.to_key()).number("attempt", i64::from(held.request.attempts))
    }
}

fn skipped(reason: SkipReason) -> Stop {
    Stop::Next(Next::End(RequestEnd::Skipped(reason)))
}

fn postponed(until: UnixMillis, why: Wait) -> Stop {
    Stop::Next(Next::Postpone(Postpone { until, why }))
}

/// The request's end that a settled send amounts to.
fn ended_as(state: OutboxState) -> Next {
    match state {
        OutboxState::Accepted { message }
        | OutboxState::Delivered { message }
        | OutboxState::Undelivered { message, .. } => Next::End(RequestEnd::Sent { message }),
        OutboxState::Failed { reason } => Next::End(RequestEnd::from_reason(&reason)),
        OutboxState::Unknown => Next::End(RequestEnd::Unknown),
        OutboxState::Pending { .. } | OutboxState::Sending(_) => Next::Leave,
    }
}
