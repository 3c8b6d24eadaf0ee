//! The timer that looks after sends once nobody else does: texts of which nobody said within a day whether they arrived,
//! sends whose process died and that nobody asks about again, and reminders whose day has come.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::{
    day_name,
    delivery::{self, LOCATION_LINK},
    open_notice, paused, report_blocked, report_review, respect,
    say::{Said, Speaker, SpeakerRules, Utterance},
    unreadable,
};
use crate::{
    contact::Contacts,
    directory::Installation,
    ids::{EffectKey, Ids, OrderKey, Shard},
    notice::{Content, Notice, NoticeKind, Notices},
    outbox::{DELIVERY_WITHIN, Fact, Outbox, OutboxState, SendRow, Settlement, Unfinished, Unresolved},
    phone::E164Phone,
    provider::{Deliveries, DeliveryLookUp, Limits, Messages, NotDone, Orders, Provider, Say},
    request::{RequestRow, RequestStatus, Requests, ReviewRequest},
    review::{Reminder, ReviewPolicy, SendDecision, decide_send},
    review_code::ReviewCode,
    store::StoreError,
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, DAY, UnixMillis},
};

/// Rows asked for at once, for each partition and run.
const PAGE: u16 = 25;
/// How long after a vain question it is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(3600);
/// A provider that cannot be asked for so long after the day is over has no answer.
const ASK_FOR: Duration = DAY;
/// How long a reminder waits for what is in its way.
const REMIND_AGAIN: Duration = Duration::from_secs(1800);
/// After so long a reminder would come out of nowhere.
const REMIND_FOR: Duration = Duration::from_secs(7 * 86_400);
/// The review request's own sender settles what it began; only when it has not for so long it never will.
const REQUESTS_OWN: Duration = Duration::from_secs(7 * 86_400);

/// So many of one run are told one by one; of more, people are told once a day that there are many.
const TOLD_EACH_MAX: u32 = 5;

/// What the timer needs.
#[derive(Debug)]
pub struct WatchSends<'a, S, O, P, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// Shopify.
    pub orders: &'a O,
    /// Podium.
    pub podium: &'a P,
    /// Time.
    pub clock: &'a C,
    /// Lease owners.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// The merchant's rules.
    pub policy: &'a ReviewPolicy,
    /// How a reminder is sent.
    pub speaker: SpeakerRules,
}

/// How many a run has told of.
#[derive(Default)]
struct Told(AtomicU32);

/// When a send needs attention next; `None`: never again.
type Next = Option<UnixMillis>;

impl<S, O, P, C, I, T> WatchSends<'_, S, O, P, C, I, T>
where
    S: Outbox + Contacts + Limits + Notices + Requests + Installation,
    O: Orders,
    P: Deliveries + Messages,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Looks at every send that needs attention; returns at how many.
    ///
    /// # Errors
    /// When a table cannot be used; the next run goes on where this one stopped.
    pub async fn run(&self) -> Result<usize, StoreError> {
        let mut seen = 0;
        let told = Told::default();
        for shard in Shard::all() {
            let due = self.store.unresolved(shard, self.clock.now(), PAGE).await?;
            if due.len() >= usize::from(PAGE) {
                self.telemetry.count(Metric::TimerBacklog, Some("sends"));
            }
            for row in due {
                match self.look_at(&row, &told).await {
                    Ok(()) => seen += 1,
                    Err(error) => unreadable(self.telemetry, &error)?,
                }
            }
        }
        Ok(seen)
    }

    async fn look_at(&self, due: &Unresolved, told: &Told) -> Result<(), StoreError> {
        let Some(row) = self.store.send_row(&due.key).await? else { return Ok(()) };
        let next = match &row.state {
            OutboxState::Pending { .. } => self.pending(due, &row).await?,
            OutboxState::Sending(unfinished) => self.begun(due, &row, unfinished, told).await?,
            OutboxState::Accepted { .. } => self.accepted(due, &row, told).await?,
            OutboxState::Delivered { .. }
            | OutboxState::Undelivered { .. }
            | OutboxState::Failed { .. }
            | OutboxState::Unknown => None,
        };
        self.store.attend(&due.key, next).await
    }

    /// Somebody began it and nobody said how it ended.
    async fn begun(
        &self,
        due: &Unresolved,
        row: &SendRow,
        unfinished: &Unfinished,
        told: &Told,
    ) -> Result<Next, StoreError> {
        let now = self.clock.now();
        if due.key.imported().is_some() {
            // No customer notices it, so nobody has to look; its event shows it again, or is parked with an alarm of its own.
            return Ok(None);
        }
        if due.key.reminded_order().is_some() {
            if let Some(next) = self.pending(due, row).await? {
                return Ok(Some(next));
            }
            // There is no reason left to look it up by sending it; whether it went out is not known.
            let now_settled = self.store.outbox_state(&due.key).await?;
            if !matches!(now_settled, Some(OutboxState::Sending(_))) {
                return Ok(None);
            }
        }
        if due.key.requested_order().is_some() && now < unfinished.began_at.plus(REQUESTS_OWN) {
            return Ok(Some(now.plus(DAY)));
        }
        let _: crate::store::Fenced = self.store.settle(&due.key, &unfinished.owner, &Settlement::Unknown, now).await?;
        self.telemetry.count(Metric::MessageUnknown, Some("left_behind"));
        self.escalate(due, row, "Nobody can say whether a text to a customer was sent", told).await?;
        Ok(None)
    }

    /// The provider took it and has not said what became of it.
    async fn accepted(&self, due: &Unresolved, row: &SendRow, told: &Told) -> Result<Next, StoreError> {
        let OutboxState::Accepted { message } = &row.state else { return Ok(None) };
        let now = self.clock.now();
        // Its news may have come while its sender died.
        let invite = row.invite.as_ref();
        let times = (now, row.expires_at);
        delivery::sent(self.store, self.telemetry, &due.key, (message, invite), times).await?;
        let settled =
            self.store.send_row(&due.key).await?.is_none_or(|row| !matches!(row.state, OutboxState::Accepted { .. }));
        if settled {
            return Ok(None);
        }
        // "Handed on" is where a silent failure begins, so Podium is asked all the same.
        let Some(phone) = &row.phone else { return Ok(None) };
        let accepted_at = row.settled_at.unwrap_or(due.at.minus(DELIVERY_WITHIN));
        match self.ask(phone, message, accepted_at).await? {
            Ok(Some(news)) => {
                let tracked = self.store.track(message, &Fact::News(news), row.expires_at).await?;
                let weightiest = tracked.news.unwrap_or(news);
                delivery::apply(self.store, self.telemetry, &due.key, (weightiest, news), (now, now)).await?;
                Ok(None)
            }
            Ok(None) => {
                self.escalate(due, row, "Nobody said whether a text to a customer arrived", told).await?;
                Ok(None)
            }
            Err(_) if now < accepted_at.plus(DELIVERY_WITHIN).plus(ASK_FOR) => Ok(Some(now.plus(ASK_AGAIN))),
            Err(_) => {
                self.escalate(due, row, "Nobody said whether a text to a customer arrived", told).await?;
                Ok(None)
            }
        }
    }

    async fn ask(
        &self,
        phone: &E164Phone,
        message: &crate::ids::ProviderId,
        accepted_at: UnixMillis,
    ) -> Result<Result<Option<crate::outbox::DeliveryNews>, NotDone>, StoreError> {
        if let Some(why) = paused(self.store, self.clock, Provider::Podium).await? {
            return Ok(Err(why));
        }
        let what = DeliveryLookUp { phone: phone.clone(), message: message.clone(), accepted_at };
        let answer = self.podium.delivery(&what).await;
        if let Err(why) = &answer {
            respect(self.store, self.telemetry, self.clock.now(), why).await?;
        }
        Ok(answer)
    }

    /// Told once: the notice has the name of the send.
    async fn escalate(&self, due: &Unresolved, row: &SendRow, headline: &str, told: &Told) -> Result<(), StoreError> {
        let now = self.clock.now();
        let line = Line::error("nobody said in time what became of a message; a person has to look");
        report_review(self.telemetry, ReviewCode::DeliveryUnresolved, line.id("effect.key", due.key.as_str()));
        if told.0.fetch_add(1, Ordering::Relaxed) >= TOLD_EACH_MAX {
            return open_notice(self.store, self.telemetry, &many(now)).await;
        }
        let tail = row.phone.as_ref().map_or_else(|| "unknown".to_owned(), |p| format!("ends in {}", p.last4()));
        let notice = Notice {
            about: vec![due.key.as_str().to_owned()],
            ..Notice::new(
                NoticeKind::Unresolved,
                due.key.as_str(),
                Content {
                    headline: headline.to_owned(),
                    facts: vec![
                        ("Message".into(), due.key.as_str().into()),
                        ("Phone".into(), tail),
                        ("Location".into(), row.location.as_str().into()),
                    ],
                    quote: None,
                    link: None,
                    action:
                        "Look into the conversation at Podium. If many of these come, Podium's webhook for delivery \
                         events is missing or disabled."
                            .into(),
                },
                now,
            )
        };
        open_notice(self.store, self.telemetry, &notice).await
    }

    /// Something planned: so far only reminders are.
    async fn pending(&self, due: &Unresolved, row: &SendRow) -> Result<Next, StoreError> {
        let (Some(order), Some(reminder)) = (due.key.reminded_order(), &self.policy.reminder) else { return Ok(None) };
        let (outcome, next) = match self.remind(&due.key, row, &order, reminder).await? {
            Reminded::Over(outcome) => (outcome, None),
            Reminded::Later(at) => return Ok(Some(at)),
        };
        self.telemetry.count(Metric::ReminderEnded, Some(outcome));
        self.telemetry
            .line(Line::info("a reminder came to its end").id("request.key", &order.to_key()).word("outcome", outcome));
        Ok(next)
    }

    async fn remind(
        &self,
        key: &EffectKey,
        row: &SendRow,
        order: &OrderKey,
        reminder: &Reminder,
    ) -> Result<Reminded, StoreError> {
        let now = self.clock.now();
        let Some(request) = self.store.request(order).await? else { return Ok(Reminded::Over("request_gone")) };
        let request = match standing(order, request, now, reminder) {
            Ok(request) => request,
            Err(outcome) => return Ok(Reminded::Over(outcome)),
        };
        let effect = EffectKey::review_request(order);
        let Some(sent) = self.store.send_row(&effect).await? else { return Ok(Reminded::Over("request_gone")) };
        let arrived = matches!(sent.state, OutboxState::Accepted { .. } | OutboxState::Delivered { .. });
        // A link of ours is needed: the briefs' Podium writes its own texts and does not show its links.
        // Of a location's own link nobody can tell whether this person reviewed behind it.
        let link = sent.invite.as_ref().filter(|i| i.uid.as_str() != LOCATION_LINK).map(|i| i.url.clone());
        let (Some(link), true) = (link, arrived) else {
            return Ok(Reminded::Over(if arrived { "no_link" } else { "not_delivered" }));
        };
        if self.store.uninstalled_at().await?.is_some() {
            return Ok(Reminded::Over("app_uninstalled"));
        }
        // The cooldown is this request's own, or it was freed and somebody else may be asked by now.
        let contact = self.store.contact(&request.plan.phone).await?;
        let held = contact.and_then(|c| c.cooldown).is_some_and(|c| c.holder == effect);
        if !held {
            return Ok(Reminded::Over("cooldown_not_held"));
        }
        if let Some(why) = paused(self.store, self.clock, Provider::Shopify).await? {
            return Ok(self.later(&why));
        }
        let now_at_shop = match self.orders.order(&order.shop, order.order).await {
            Ok(found) => found,
            Err(why) => {
                respect(self.store, self.telemetry, now, &why).await?;
                return Ok(self.later(&why));
            }
        };
        match decide_send(&request, now_at_shop.as_ref(), self.policy, now) {
            SendDecision::Ask => {}
            SendDecision::Skip(reason) => return Ok(Reminded::Over(reason.as_str())),
            SendDecision::OptedOutAtShop { .. } => return Ok(Reminded::Over("opted_out")),
            SendDecision::PutOff(postpone) => return Ok(Reminded::Later(postpone.until)),
        }
        let name = self.policy.location(&row.location).map_or("", |l| l.name.as_str());
        let text = reminder.template.render(request.plan.first_name.as_deref(), name, &link);
        let say = Say { location: row.location.clone(), conversation: None, text };
        let what = Utterance { key: key.clone(), phone: request.plan.phone.clone(), say, kind: "reminder" };
        let speaker = Speaker {
            store: self.store,
            messages: self.podium,
            clock: self.clock,
            ids: self.ids,
            telemetry: self.telemetry,
            rules: self.speaker,
        };
        Ok(match speaker.say(&what).await? {
            // Its own delivery is followed from here on.
            Said::Out => Reminded::Later(self.clock.now().plus(DELIVERY_WITHIN)),
            Said::Silent(objection) => {
                report_blocked(self.telemetry, &what.phone, what.kind, &objection);
                Reminded::Over("opted_out")
            }
            Said::Refused => Reminded::Over("refused"),
            Said::Unknown => Reminded::Over("unknown"),
            Said::Pending => Reminded::Later(self.clock.now().plus(REMIND_AGAIN)),
            Said::Later(why) => self.later(&why),
        })
    }

    fn later(&self, why: &NotDone) -> Reminded {
        let wait = match why {
            NotDone::Throttled { wait, .. } => (*wait).max(Duration::from_secs(60)),
            NotDone::Unavailable { .. } => REMIND_AGAIN,
        };
        Reminded::Later(self.clock.now().plus(wait))
    }
}

fn many(now: UnixMillis) -> Notice {
    Notice::new(
        NoticeKind::Unresolved,
        &day_name(now),
        Content {
            headline: "Nobody said of many texts to customers whether they arrived".into(),
            facts: Vec::new(),
            quote: None,
            link: None,
            action:
                "Podium's webhook for delivery events is most likely missing or disabled. Each of them is in the log \
                     and counted as ERR_REVIEW_009."
                    .into(),
        },
        now,
    )
}

/// What became of a reminder.
enum Reminded {
    Over(&'static str),
    Later(UnixMillis),
}

/// The request of a reminder, if there is still something to remind of.
fn standing(
    order: &OrderKey,
    row: RequestRow,
    now: UnixMillis,
    reminder: &Reminder,
) -> Result<ReviewRequest, &'static str> {
    if row.reviewed_at.is_some() {
        return Err("reviewed");
    }
    if row.status != RequestStatus::Sent {
        return Err("not_sent");
    }
    let (Some(plan), Some(first_send_after)) = (row.plan, row.first_send_after) else { return Err("erased") };
    if now > plan.send_after.plus(reminder.after).plus(REMIND_FOR) {
        return Err("too_late");
    }
    Ok(ReviewRequest {
        key: order.clone(),
        status: row.status,
        plan,
        attempts: 0,
        first_send_after,
        trouble_since: None,
    })
}
