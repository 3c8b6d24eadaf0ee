//! What the providers' lists know and our inbox does not is fed in as if it had come by webhook.
//!
//! A webhook that was disabled, or gave up while we were away, loses nothing that way. What is fed in has an id made of
//! what it is, so that it is taken in once however often it is listed; and should the real webhook still come, the worker
//! finds its work done: every effect has a name that both lead to.

use std::time::Duration;

use super::{
    import,
    ingest::{Answer, Endpoint, IngestRules, Intake, Request},
    paused, respect,
};
use crate::{
    directory::{Bookmark, Bookmarks, Comparison, Locations},
    ids::{Ids, OrderKey, ShopDomain},
    inbox::Inbox,
    outbox::Outbox,
    podium::{self, What},
    provider::{Backlog, CallFailure, Feed, Limits, Recovered},
    queue::EventQueue,
    rating::{Rating, RatingClaim},
    request::{RequestStatus, Requests},
    review::ReviewPolicy,
    reviews::ReviewBook,
    shopify::{self, Decision},
    store::StoreError,
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
};

/// The rules of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct ReconcileRules {
    /// The first comparison begins so long ago.
    pub back: Duration,
    /// Each begins so long before the end of the last: lists may be late.
    pub overlap: Duration,
    /// What is younger may still be on its way by webhook.
    pub settle: Duration,
    /// After so long a run stops; the next goes on.
    pub run_for: Duration,
}

/// Parts of a list in one run. A part of the messages is two dozen calls, and Podium takes 300 a minute, of which the
/// customers' own messages need some.
const fn parts_max(feed: Feed) -> usize {
    match feed {
        Feed::PodiumMessages => 8,
        Feed::PodiumReviews => 20,
        Feed::ShopifyOrders => 60,
    }
}

/// What a comparison needs.
#[derive(Debug)]
pub struct Reconcile<'a, E, S, P, Q, C, I, T> {
    /// How the provider's events are read.
    pub endpoint: &'a E,
    /// The tables.
    pub store: &'a S,
    /// The provider.
    pub provider: &'a P,
    /// The worker's queue.
    pub queue: &'a Q,
    /// Time.
    pub clock: &'a C,
    /// Unique receipts.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// The merchant's rules.
    pub policy: &'a ReviewPolicy,
    /// The shop that this installation serves.
    pub shop: &'a ShopDomain,
    /// Limits of what is taken in.
    pub intake: IngestRules,
    /// Limits of the comparison.
    pub rules: ReconcileRules,
}

/// What a run of a comparison did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// So much was listed.
    pub listed: usize,
    /// So much of it was not known, and was taken in.
    pub recovered: usize,
    /// The list was read to its end.
    pub complete: bool,
}

impl<E, S, P, Q, C, I, T> Reconcile<'_, E, S, P, Q, C, I, T>
where
    E: Endpoint,
    S: Inbox + Locations + Bookmarks + ReviewBook + Outbox + Requests + Limits,
    P: Backlog,
    Q: EventQueue,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Goes on with a list where the last run stopped; a list that was read to its end begins again at what is new.
    /// `since` begins anew from there.
    ///
    /// # Errors
    /// When a table cannot be used; the next run goes on.
    pub async fn run(&self, feed: Feed, since: Option<UnixMillis>) -> Result<Reconciled, StoreError> {
        let now = self.clock.now();
        let kept = self.store.bookmark(feed).await?;
        let mark = kept.unwrap_or(Bookmark { done_to: now.minus(self.rules.back), under_way: None });
        let to = now.minus(self.rules.settle);
        // One by hand that begins later than what is still to be compared takes nothing of that back.
        let by_hand = since.is_some_and(|from| from > mark.done_to);
        let mut comparison = match (since, mark.under_way.clone()) {
            (Some(from), _) => Comparison { from, to, cursor: None },
            (None, Some(under_way)) => under_way,
            (None, None) => Comparison { from: mark.done_to.minus(self.rules.overlap), to, cursor: None },
        };
        let mut done = Reconciled::default();
        if comparison.from >= comparison.to {
            return Ok(Reconciled { complete: true, ..done });
        }
        for _ in 0..parts_max(feed) {
            if self.clock.now() > now.plus(self.rules.run_for) {
                break;
            }
            if paused(self.store, self.clock, feed.provider()).await?.is_some() {
                break;
            }
            let Comparison { from, to, cursor } = &comparison;
            let listed = match self.provider.list(feed, *from, *to, cursor.as_deref()).await {
                Ok(listed) => listed,
                Err(failure) => {
                    self.failed(feed, &failure).await?;
                    if matches!(failure, CallFailure::Refused { .. }) {
                        // A place in a list may grow too old to go on from.
                        comparison.cursor = None;
                    }
                    break;
                }
            };
            done.listed += listed.found.len();
            for recovered in &listed.found {
                done.recovered += usize::from(self.take_in(feed, recovered).await?);
            }
            match listed.next {
                Some(next) => {
                    comparison.cursor = Some(next);
                    // A run that is cut off goes on here, not at the beginning.
                    let under_way = Some(comparison.clone());
                    if !by_hand {
                        self.store.keep_bookmark(feed, &Bookmark { done_to: mark.done_to, under_way }).await?;
                    }
                }
                None => {
                    done.complete = true;
                    break;
                }
            }
        }
        let bookmark = if done.complete {
            // A comparison by hand of what was long ago takes nothing back.
            Bookmark { done_to: comparison.to.max(mark.done_to), under_way: None }
        } else {
            Bookmark { done_to: mark.done_to, under_way: Some(comparison) }
        };
        if !by_hand {
            self.store.keep_bookmark(feed, &bookmark).await?;
        }
        self.report(feed, done);
        Ok(done)
    }

    async fn failed(&self, feed: Feed, failure: &CallFailure) -> Result<(), StoreError> {
        if let CallFailure::NotDone(why) = failure {
            respect(self.store, self.telemetry, self.clock.now(), why).await?;
        }
        self.telemetry.count(Metric::ReconcileFailed, Some(feed.as_str()));
        let line = Line::warn("a provider's list could not be read; the next run goes on");
        self.telemetry.line(line.word("feed", feed.as_str()).detail(failure));
        Ok(())
    }

    fn report(&self, feed: Feed, done: Reconciled) {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let line = Line::info("a provider's list was compared with what is known");
        self.telemetry.line(
            line.word("feed", feed.as_str())
                .number("listed", number(done.listed))
                .number("recovered", number(done.recovered))
                .word("complete", if done.complete { "yes" } else { "no" }),
        );
    }

    /// Takes in what is not known. Says whether it was new.
    async fn take_in(&self, feed: Feed, recovered: &Recovered) -> Result<bool, StoreError> {
        let known = match feed {
            Feed::PodiumReviews | Feed::PodiumMessages => self.podium_knows(recovered).await?,
            Feed::ShopifyOrders => self.shop_knows(recovered).await?,
        };
        if known {
            return Ok(false);
        }
        let Self { endpoint, store, queue, ids, telemetry, .. } = *self;
        let intake = Intake { endpoint, store, queue, ids, telemetry, rules: self.intake };
        let headers: [(&str, &[u8]); 2] = [
            ("x-shopify-webhook-id", recovered.id.as_str().as_bytes()),
            ("x-shopify-topic", recovered.topic.as_bytes()),
        ];
        let request = Request { headers: &headers, body: &recovered.body };
        match intake.take_in(&request, self.clock.now()).await {
            Answer::Accepted => {
                self.telemetry.count(Metric::EventRecovered, Some(feed.as_str()));
                Ok(true)
            }
            // It waits to be worked on, or was worked on and left no trace that is looked for.
            Answer::Duplicate
            | Answer::Mismatch
            | Answer::Rejected
            | Answer::Ignored(_)
            | Answer::TooLarge
            | Answer::BadSignature(_) => Ok(false),
            Answer::NotStored => {
                let detail = "an event of a provider's list could not be stored".to_owned();
                Err(StoreError::Unavailable { table: "inbox", detail })
            }
        }
    }

    async fn podium_knows(&self, recovered: &Recovered) -> Result<bool, StoreError> {
        let Ok(event) = podium::parse(&recovered.body) else { return Ok(false) };
        match &event.what {
            What::Review(review) => {
                let (Some(uid), Some(changed_at)) = (&review.uid, review.changed_at) else { return Ok(false) };
                let class = match review.rating {
                    RatingClaim::Rated(rating) => Some(rating.class()),
                    RatingClaim::Unrated | RatingClaim::Unusable => None,
                };
                let known = self.store.review(uid).await?;
                Ok(known.is_some_and(|k| {
                    k.changed_at > changed_at || (k.changed_at == changed_at && k.rating.map(Rating::class) == class)
                }))
            }
            What::Received(message) => {
                let received = match &message.uid {
                    Some(uid) => self.store.tracked(uid).await?.received,
                    None => false,
                };
                // What we showed Podium ourselves stands in its list too; only of one that is still open we learn by it.
                Ok(received
                    || import::echoed(self.store, message, self.clock.now()).await?.is_some_and(|e| e.is_known()))
            }
            // Nothing else is in the lists that are read.
            What::Sent(_)
            | What::Failed { .. }
            | What::Contact(_)
            | What::ReviewResponse { .. }
            | What::InviteLink(_)
            | What::Invitation { .. }
            | What::Other => Ok(true),
        }
    }

    /// An order is known if what it says now would change nothing: the check at the time of the send sees the rest.
    async fn shop_knows(&self, recovered: &Recovered) -> Result<bool, StoreError> {
        let Ok(event) = shopify::parse(&recovered.body) else { return Ok(false) };
        let (order, ends) = match shopify::decide(&event, self.policy, self.clock.now()) {
            Decision::Schedule { order, .. } => (order, false),
            Decision::Skip { order, .. } => (order, true),
            Decision::Ignore(_) | Decision::Defer { .. } | Decision::Retime { .. } | Decision::Stop { .. } => {
                return Ok(true);
            }
        };
        let key = OrderKey { shop: self.shop.clone(), order };
        let request = self.store.request(&key).await?;
        Ok(request.is_some_and(|r| !ends || r.status >= RequestStatus::Sending))
    }
}
