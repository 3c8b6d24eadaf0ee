//! What is kept of a review: no words, no names, only what it takes to act on it once.

use crate::{
    ids::{EventId, LocationUid, OrderKey, ProviderId},
    rating::{Rating, RatingClass},
    store::{Fenced, StoreError},
    time::UnixMillis,
};

/// How many changes of class are remembered; a review that is edited more often is acted on all the same.
const TURNS_MAX: usize = 16;

/// One time that a review came into a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its number, from 1.
    pub number: u32,
    /// Into which class; `None`: no stars.
    pub class: Option<RatingClass>,
    /// The event that said so. Should its worker die, the event comes again and is known by this.
    pub by: EventId,
}

/// A review as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewRecord {
    /// Podium's uid of it.
    pub uid: ProviderId,
    /// How often it was written: the fence of the next write.
    pub version: u32,
    /// The stars, if it has any.
    pub rating: Option<Rating>,
    /// When it was last changed.
    pub changed_at: UnixMillis,
    /// Where it was written.
    pub platform: Option<String>,
    /// About which location.
    pub location: Option<LocationUid>,
    /// The order whose request led to it.
    pub order: Option<OrderKey>,
    /// Its classes so far, the present one last.
    pub turns: Vec<Turn>,
}

/// What an event says about a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewNews {
    /// Which review.
    pub uid: ProviderId,
    /// The stars, if it has any.
    pub rating: Option<Rating>,
    /// When it was last changed.
    pub changed_at: UnixMillis,
    /// Where it was written.
    pub platform: Option<String>,
    /// About which location.
    pub location: Option<LocationUid>,
    /// The order whose request led to it, as far as it can be told.
    pub order: Option<OrderKey>,
    /// The event.
    pub by: EventId,
}

/// What follows from an event about a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewStep {
    /// The record to write; `None`: nothing new.
    pub record: Option<ReviewRecord>,
    /// The turn that this event brought about and that is to be acted on, which may be done twice.
    pub act: Option<Turn>,
}

impl ReviewRecord {
    /// The present class.
    #[must_use]
    pub fn class(&self) -> Option<RatingClass> {
        self.turns.last().and_then(|t| t.class)
    }

    /// What an event makes of what is known. Once for a review and class, and again when an edit changes the class; the
    /// order in which events arrive makes no difference to what is known in the end. Of two changes at one moment the
    /// more urgent counts.
    #[must_use]
    pub fn step(known: Option<&Self>, news: &ReviewNews) -> ReviewStep {
        let class = news.rating.map(Rating::class);
        let Some(known) = known else {
            let turn = Turn { number: 1, class, by: news.by.clone() };
            let record = Self {
                uid: news.uid.clone(),
                version: 1,
                rating: news.rating,
                changed_at: news.changed_at,
                platform: news.platform.clone(),
                location: news.location.clone(),
                order: news.order.clone(),
                turns: vec![turn.clone()],
            };
            return ReviewStep { record: Some(record), act: Some(turn) };
        };
        let unfinished = known.turns.iter().find(|t| t.by == news.by).cloned();
        let newer =
            news.changed_at > known.changed_at || (news.changed_at == known.changed_at && class > known.class());
        let mut next = known.clone();
        next.platform = next.platform.or_else(|| news.platform.clone());
        next.location = next.location.or_else(|| news.location.clone());
        next.order = next.order.or_else(|| news.order.clone());
        let mut act = unfinished;
        if newer {
            next.changed_at = news.changed_at;
            next.rating = news.rating;
            if class != known.class() {
                let number = known.turns.last().map_or(0, |t| t.number) + 1;
                let turn = Turn { number, class, by: news.by.clone() };
                next.turns.push(turn.clone());
                let surplus = next.turns.len().saturating_sub(TURNS_MAX);
                next.turns.drain(..surplus);
                act = Some(turn);
            }
        }
        let record = (next != *known).then(|| Self { version: known.version + 1, ..next });
        ReviewStep { record, act }
    }
}

/// Where reviews are kept.
pub trait ReviewBook {
    /// Reads a review, strongly consistent.
    async fn review(&self, uid: &ProviderId) -> Result<Option<ReviewRecord>, StoreError>;

    /// Writes a review, if its version is the one after what is stored. Its own repetition succeeds again.
    async fn save_review(&self, record: &ReviewRecord) -> Result<Fenced, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: i64 = 1_795_132_800_000;

    fn news(stars: u8, minute: i64, by: &str) -> ReviewNews {
        ReviewNews {
            uid: ProviderId::try_from("rev_1").unwrap(),
            rating: Rating::new(stars),
            changed_at: UnixMillis::new(T + minute * 60_000),
            platform: None,
            location: None,
            order: None,
            by: EventId::try_from(by).unwrap(),
        }
    }

    /// The classes acted on, and the record in the end.
    fn play(events: &[ReviewNews]) -> (Vec<Option<RatingClass>>, ReviewRecord) {
        let mut known: Option<ReviewRecord> = None;
        let mut acts = Vec::new();
        for event in events {
            let step = ReviewRecord::step(known.as_ref(), event);
            acts.extend(step.act.map(|t| t.class));
            known = step.record.or(known);
        }
        (acts, known.unwrap())
    }

    use RatingClass::{Escalate, Log, Thank};

    #[test]
    fn a_review_is_acted_on_once_and_again_when_an_edit_changes_its_class() {
        let acts = |events: &[ReviewNews]| play(events).0;
        assert_eq!(acts(&[news(1, 0, "a"), news(1, 1, "b"), news(2, 2, "c")]), [Some(Escalate)]);
        assert_eq!(
            acts(&[news(5, 0, "a"), news(1, 1, "b"), news(3, 2, "c"), news(2, 3, "d")]),
            [Some(Thank), Some(Escalate), Some(Log), Some(Escalate)]
        );
        assert_eq!(acts(&[news(0, 0, "a"), news(1, 1, "b")]), [None, Some(Escalate)]);
    }

    #[test]
    fn what_arrives_late_changes_nothing() {
        let (acts, record) = play(&[news(1, 5, "edit"), news(5, 0, "first")]);
        assert_eq!((acts, record.class()), (vec![Some(Escalate)], Some(Escalate)));
        let (acts, record) = play(&[news(5, 0, "x"), news(1, 0, "y")]);
        assert_eq!((acts, record.class()), (vec![Some(Thank), Some(Escalate)], Some(Escalate)));
        let (acts, record) = play(&[news(1, 0, "y"), news(5, 0, "x")]);
        assert_eq!((acts, record.class()), (vec![Some(Escalate)], Some(Escalate)));
    }

    #[test]
    fn an_event_whose_worker_died_is_acted_on_again_whatever_came_after_it() {
        let (acts, _) = play(&[news(1, 0, "a"), news(5, 1, "b"), news(1, 0, "a")]);
        assert_eq!(acts, [Some(Escalate), Some(Thank), Some(Escalate)]);
        let (_, record) = play(&[news(1, 0, "a"), news(5, 1, "b"), news(1, 0, "a")]);
        assert_eq!((record.turns.len(), record.class()), (2, Some(Thank)));
    }

    #[test]
    fn the_link_to_its_order_is_kept_once_known() {
        let order = OrderKey {
            shop: crate::ids::ShopDomain::try_from("a.myshopify.com").unwrap(),
            order: crate::ids::OrderId(7),
        };
        let late = ReviewNews { order: Some(order.clone()), ..news(1, -5, "late") };
        let (_, record) = play(&[news(1, 0, "a"), late, news(1, 3, "c")]);
        assert_eq!((record.order, record.version), (Some(order), 3));
    }
}
