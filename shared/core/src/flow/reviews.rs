//! What follows from a review: somebody is told of a bad one at once, and nothing else depends on it.
//!
//! A review changes nobody's eligibility. What it does to requests is to end their reminders, whatever it says.

use super::{
    open_notice, report_blocked,
    say::{Said, Speaker, SpeakerRules, Utterance},
    wake,
    worker::WorkError,
};
use crate::{
    contact::Contacts,
    directory::Locations,
    hours::{AllowedHours, Whereabouts},
    ids::{EffectKey, EventId, Ids, LocationUid, OrderKey, ProviderId},
    inbox::{EventEnd, InboxKey, RejectReason},
    notice::{Content, Notice, NoticeKind, NoticeQueue, Notices},
    outbox::Outbox,
    podium::ReviewEvent,
    provider::{Limits, Messages, Say},
    queue::DelaySeconds,
    rating::{Rating, RatingClaim, RatingClass},
    request::Requests,
    reviews::{ReviewBook, ReviewNews, ReviewRecord, Turn},
    store::{Fenced, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, DAY, UnixMillis},
};

/// How often a review is tried against somebody else's change of it.
const TRIES: u32 = 6;

/// A thank-you for a good review.
#[derive(Clone, Debug)]
pub struct Thanks {
    /// The words; `{location_name}` is filled in. Asks for nothing.
    pub text: String,
    /// When texts may arrive, in the recipient's time.
    pub hours: AllowedHours,
}

/// The rules of what follows from reviews.
#[derive(Clone, Debug)]
pub struct ReviewRules {
    /// A thank-you, where the shop wants one.
    pub thanks: Option<Thanks>,
    /// How it is sent.
    pub speaker: SpeakerRules,
}

/// What it takes to act on a review.
pub(super) struct ReviewDesk<'a, S, P, N, C, I, T> {
    pub(super) store: &'a S,
    pub(super) messages: &'a P,
    pub(super) notices: &'a N,
    pub(super) clock: &'a C,
    pub(super) ids: &'a I,
    pub(super) telemetry: &'a T,
    pub(super) rules: &'a ReviewRules,
}

/// The event that tells of a review.
pub(super) struct Told<'a> {
    pub(super) key: &'a InboxKey,
    pub(super) id: &'a EventId,
    pub(super) happened_at: UnixMillis,
    pub(super) received_at: UnixMillis,
}

impl Told<'_> {
    /// The name under which the review is kept: its own; one without is its event's.
    pub(super) fn review(&self, review: &ReviewEvent) -> ProviderId {
        ProviderId::from(&review.name(self.id))
    }
}

impl<S, P, N, C, I, T> ReviewDesk<'_, S, P, N, C, I, T>
where
    S: Contacts + Outbox + Limits + Notices + ReviewBook + Requests + Locations,
    P: Messages,
    N: NoticeQueue,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    pub(super) async fn handle(&self, told: &Told<'_>, review: &ReviewEvent) -> Result<EventEnd, WorkError> {
        let rating = match review.rating {
            RatingClaim::Rated(rating) => Some(rating),
            RatingClaim::Unrated => None,
            RatingClaim::Unusable => {
                self.telemetry.count(Metric::ReviewUnreadable, None);
                self.tell(&self.unreadable(told, review)).await?;
                return Ok(EventEnd::Rejected(RejectReason::RatingUnusable));
            }
        };
        let news = ReviewNews {
            uid: told.review(review),
            rating,
            changed_at: review.changed_at.unwrap_or(told.happened_at).min(told.received_at),
            platform: review.platform.clone(),
            location: review.locations.first().cloned(),
            order: self.order_of(&review.invitations).await?,
            by: told.id.clone(),
        };
        let (record, act) = self.keep(&news).await?;
        if let Some(order) = &record.order {
            self.store.note_reviewed(order, news.changed_at).await?;
        }
        let Some(turn) = act else { return Ok(EventEnd::Done("review_known")) };
        self.act(told, review, &record, &turn).await
    }

    /// The order whose request an invitation belongs to.
    pub(super) async fn order_of(&self, invitations: &[ProviderId]) -> Result<Option<OrderKey>, StoreError> {
        for id in invitations {
            let effect = self.store.tracked(id).await?.effect;
            if let Some(order) = effect.and_then(|e| e.requested_order().or_else(|| e.reminded_order())) {
                return Ok(Some(order));
            }
        }
        Ok(None)
    }

    async fn keep(&self, news: &ReviewNews) -> Result<(ReviewRecord, Option<Turn>), StoreError> {
        for _ in 0..TRIES {
            let known = self.store.review(&news.uid).await?;
            let step = ReviewRecord::step(known.as_ref(), news);
            match (step.record, known) {
                (None, Some(known)) => return Ok((known, step.act)),
                (Some(record), _) if self.store.save_review(&record).await? == Fenced::Written => {
                    return Ok((record, step.act));
                }
                // Somebody else's change; on top of that.
                (Some(_) | None, _) => {}
            }
        }
        let detail = "the review was changed by others at every try".to_owned();
        Err(StoreError::Unavailable { table: "reviews", detail })
    }

    async fn act(
        &self,
        told: &Told<'_>,
        review: &ReviewEvent,
        record: &ReviewRecord,
        turn: &Turn,
    ) -> Result<EventEnd, WorkError> {
        let word = match turn.class {
            None => "unrated",
            Some(class) => class.as_str(),
        };
        match turn.class {
            Some(RatingClass::Escalate) => self.tell(&self.bad(told, review, record, turn).await).await?,
            // It may have been edited since, while its thanks waited for the morning.
            Some(RatingClass::Thank) if record.class() == Some(RatingClass::Thank) => self.thank(told, record).await?,
            Some(RatingClass::Thank) => {}
            Some(RatingClass::Log) | None => {}
        }
        self.telemetry.count(Metric::ReviewReceived, Some(word));
        let mut line = Line::info("audit").word("action", "review_received").word("decision", word);
        line = line.id("event_id", told.id.as_str()).id("review.uid", record.uid.as_str());
        line = line.number("rating", i64::from(record.rating.map_or(0, Rating::stars)));
        if let Some(order) = &record.order {
            line = line.id("request.key", &order.to_key());
        }
        self.telemetry.line(line);
        Ok(EventEnd::Done(match turn.class {
            Some(RatingClass::Escalate) => "review_escalated",
            Some(RatingClass::Thank) => "review_positive",
            Some(RatingClass::Log) => "review_neutral",
            None => "review_unrated",
        }))
    }

    /// Written down first, then queued: should the queue not take it, the timer finds it within a minute.
    async fn tell(&self, notice: &Notice) -> Result<(), StoreError> {
        open_notice(self.store, self.telemetry, notice).await?;
        wake(self.notices, self.telemetry, &notice.key, DelaySeconds::ZERO).await;
        Ok(())
    }

    pub(super) async fn bad(
        &self,
        told: &Told<'_>,
        review: &ReviewEvent,
        record: &ReviewRecord,
        turn: &Turn,
    ) -> Notice {
        let stars = match review.rating {
            RatingClaim::Rated(rating) => rating.stars(),
            RatingClaim::Unrated | RatingClaim::Unusable => 0,
        };
        let name = match &record.location {
            Some(uid) => self.name_of(uid).await,
            None => "an unknown location".to_owned(),
        };
        let platform = record.platform.as_deref().unwrap_or("an unknown platform");
        let mut facts = vec![
            ("Rating".to_owned(), format!("{stars} of 5")),
            ("Platform".to_owned(), platform.to_owned()),
            ("Location".to_owned(), name.clone()),
            ("Review".to_owned(), record.uid.as_str().to_owned()),
            ("Answered".to_owned(), if review.responded { "yes" } else { "not yet" }.to_owned()),
        ];
        let mut about = vec![record.uid.as_str().to_owned()];
        if let Some(order) = &record.order {
            facts.push(("Order".into(), order.order.to_string()));
            about.push(order.to_key());
            let effect = EffectKey::review_request(order);
            // Nothing that only adorns it may keep it from being told.
            if let Ok(Some(phone)) = self.store.send_row(&effect).await.map(|row| row.and_then(|row| row.phone)) {
                facts.push(("Phone".into(), format!("ends in {}", phone.last4())));
            }
        }
        let now = self.clock.now();
        Notice {
            about,
            opened_at: told.received_at.min(now),
            ..Notice::new(
                NoticeKind::BadReview,
                &format!("{}#{}", record.uid, turn.number),
                Content {
                    headline: format!("{stars}-star review for {name} on {platform}"),
                    facts,
                    quote: quote(review),
                    link: review.url.clone(),
                    action: "Call or write to the customer today, then answer the review.".into(),
                },
                now,
            )
        }
    }

    fn unreadable(&self, told: &Told<'_>, review: &ReviewEvent) -> Notice {
        let now = self.clock.now();
        let uid = told.review(review);
        Notice {
            about: vec![uid.as_str().to_owned()],
            ..Notice::new(
                NoticeKind::UnreadableReview,
                uid.as_str(),
                Content {
                    headline: "A review came with a rating that is no number of stars".into(),
                    facts: vec![("Review".into(), uid.as_str().into()), ("Event".into(), told.key.to_key())],
                    quote: quote(review),
                    link: review.url.clone(),
                    action: "Read the review: it may be a bad one. It was not sorted by its rating.".into(),
                },
                now,
            )
        }
    }

    /// Its uid, if the list of locations cannot be read.
    async fn name_of(&self, uid: &LocationUid) -> String {
        let book = self.store.locations().await.unwrap_or_default();
        let known = book.as_ref().and_then(|b| b.get(uid));
        known.map_or_else(|| uid.as_str().to_owned(), |l| l.name.clone())
    }

    /// Only for a review that came of a request of ours: nobody else's number is known. It asks for nothing.
    async fn thank(&self, told: &Told<'_>, record: &ReviewRecord) -> Result<(), WorkError> {
        let (Some(thanks), Some(order)) = (&self.rules.thanks, &record.order) else { return Ok(()) };
        let asked = self.store.send_row(&EffectKey::review_request(order)).await?;
        let Some((phone, location)) = asked.and_then(|row| Some((row.phone?, row.location))) else { return Ok(()) };
        let now = self.clock.now();
        // A day late it would come out of nowhere.
        if now > told.received_at.plus(DAY) {
            return Ok(());
        }
        let place = Whereabouts { time_zone: None, country: None, province: None, phone: &phone, shop_offset: None };
        match thanks.hours.opening(now, place) {
            Some((at, _)) if at <= now => {}
            Some((at, _)) => return Err(WorkError::NotBefore { at }),
            None => return Ok(()),
        }
        let text = thanks.text.replace("{location_name}", &self.name_of(&location).await);
        let say = Say { location, conversation: None, text };
        let what = Utterance { key: EffectKey::thanks(&record.uid), phone, say, kind: "thanks" };
        let speaker = Speaker {
            store: self.store,
            messages: self.messages,
            clock: self.clock,
            ids: self.ids,
            telemetry: self.telemetry,
            rules: self.rules.speaker,
        };
        match speaker.say(&what).await? {
            Said::Silent(objection) => report_blocked(self.telemetry, &what.phone, what.kind, &objection),
            Said::Later(why) => return Err(why.into()),
            Said::Pending => {
                let at = self.clock.now().plus(self.rules.speaker.settle.max(self.rules.speaker.lease));
                return Err(WorkError::NotBefore { at });
            }
            Said::Out | Said::Refused | Said::Unknown => {}
        }
        Ok(())
    }
}

/// The reviewer's words and name, which are theirs alike.
fn quote(review: &ReviewEvent) -> Option<String> {
    match (&review.text, &review.author) {
        (Some(text), Some(author)) => Some(format!("{text}\n— {author}")),
        (Some(text), None) => Some(text.clone()),
        (None, Some(author)) => Some(format!("(no words) — {author}")),
        (None, None) => None,
    }
}
