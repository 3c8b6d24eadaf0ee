//! A webhook arrives: size → signature over the raw bytes → parse → one conditional write → queue → answer.
//!
//! The order is the point. Nothing looks at JSON before the signature held, nothing is answered 2xx before the row is
//! stored, and nothing after the row can lose the event: if the queue does not take the key, the sweeper finds the row.

use std::{borrow::Cow, time::Duration};

use futures_util::{StreamExt, stream};

use super::{report, report_review};
use crate::{
    body::StoredBody,
    chat::ChatKey,
    chatwoot::{self, ChatwootMessage, IgnoreReason},
    contact::{Direction, OptOutChange},
    directory::{LocationBook, Locations},
    ids::{EventId, GroupId, Ids, ShopDomain},
    inbox::{Accepted, BodySha256, Inbox, InboxKey, NewEvent, RejectReason, Source},
    podium::{self, OptOutNews, PodiumEvent, What},
    queue::{EventQueue, Wake},
    review_code::ReviewCode,
    shopify::{self, ShopifyEvent},
    signature::{self, LiveSecrets, Matched, PodiumHeaders, PodiumScheme, ReplayWindow, SignatureError, Verified},
    store::StoreError,
    telemetry::{Level, Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
    webchat::WebchatCode,
    wish::ExtraWords,
};

/// How many events of one batch are stored at a time: a sender waits five seconds for all of them.
const STORED_AT_ONCE: usize = 16;

/// A request as the gateway handed it over: header names in lower case, the body's own bytes.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Names in lower case, and values as bytes: they need not be ASCII.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The raw body, base64 of the gateway undone.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v)
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.header(name).and_then(|v| std::str::from_utf8(v).ok())
    }
}

/// How many events of one batch are queued before its sender is answered.
const QUEUED_AT_ONCE: usize = 300;

/// What becomes of a verified body that is larger than is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oversize {
    /// 413. For a sender that gives up on this one event only.
    Refuse,
    /// Noted with its hash and answered 200. For a sender that would hold back everything behind it.
    Note,
}

/// One event of a delivery.
#[derive(Clone, Debug)]
pub struct Delivered<'a, E> {
    /// Whose worker has to see it.
    pub source: Source,
    /// The sender's id of it, if there is one.
    pub id: Option<EventId>,
    /// The sender's name for its kind; for people only.
    pub topic: Option<String>,
    /// What is kept of it: its own bytes, or what of them is needed.
    pub body: Cow<'a, [u8]>,
    /// What tells it from another event under the same id; `None`: its body.
    pub fingerprint: Option<BodySha256>,
    /// The line in which it is to be worked on.
    pub group: Option<GroupId>,
    /// The chat that it belongs to.
    pub chat: Option<ChatKey>,
    /// What it says, or why it is not usable.
    pub event: Result<E, RejectReason>,
}

/// What a delivery holds.
#[derive(Clone, Debug)]
pub enum Contents<'a, E> {
    /// Events in their order; at least one.
    Events(Vec<Delivered<'a, E>>),
    /// Nothing to do, and why: it is answered and not kept.
    Ignored(IgnoreReason),
}

/// What a provider's webhooks look like.
pub trait Endpoint {
    /// Who sends them.
    const SOURCE: Source;
    /// What becomes of one that is too large.
    const OVERSIZE: Oversize;
    /// The status that makes the sender repeat what could not be stored.
    const NOT_STORED: u16 = 503;
    /// An event as this endpoint reads it.
    type Event;

    /// Checks the signature over the raw bytes.
    ///
    /// # Errors
    /// Whatever is wrong with it; nothing of the request may be used then.
    fn verify(&self, request: &Request<'_>, secrets: &LiveSecrets, now: UnixMillis)
    -> Result<Verified, SignatureError>;

    /// What a verified delivery holds.
    fn contents<'a>(&self, request: &Request<'a>) -> Contents<'a, Self::Event>;

    /// What an event says about opt-outs. `book` is given after [`OptOutNews::NeedsLocations`].
    fn opt_outs(&self, event: &Self::Event, book: Option<&LocationBook>, now: UnixMillis) -> OptOutNews;
}

/// Shopify's webhooks for one shop.
#[derive(Clone, Debug)]
pub struct ShopifyEndpoint {
    /// The shop that this installation serves.
    pub shop: ShopDomain,
}

impl Endpoint for ShopifyEndpoint {
    const SOURCE: Source = Source::Shopify;
    const OVERSIZE: Oversize = Oversize::Refuse;
    type Event = ShopifyEvent;

    fn verify(
        &self,
        request: &Request<'_>,
        secrets: &LiveSecrets,
        _now: UnixMillis,
    ) -> Result<Verified, SignatureError> {
        signature::verify_shopify(secrets, request.header("x-shopify-hmac-sha256"), request.body)
    }

    fn contents<'a>(&self, request: &Request<'a>) -> Contents<'a, ShopifyEvent> {
        let served = shopify::is_served(request.text("x-shopify-shop-domain"), &self.shop);
        let event = if served { shopify::parse(request.body) } else { Err(RejectReason::OtherShop) };
        let source = if event.as_ref().is_ok_and(shopify::is_privacy) { Source::Privacy } else { Source::Shopify };
        Contents::Events(vec![Delivered {
            source,
            id: request.text("x-shopify-webhook-id").and_then(|id| EventId::try_from(id).ok()),
            topic: request.text("x-shopify-topic").map(|t| t.chars().take(64).collect()),
            body: Cow::Borrowed(request.body),
            fingerprint: None,
            group: None,
            chat: None,
            event,
        }])
    }

    fn opt_outs(&self, event: &ShopifyEvent, _book: Option<&LocationBook>, now: UnixMillis) -> OptOutNews {
        let changes = shopify::opt_outs(event, now);
        if changes.is_empty() { OptOutNews::Nothing } else { OptOutNews::Changes(changes) }
    }
}

/// Podium's webhooks, whichever of its events they carry.
#[derive(Clone, Debug)]
pub struct PodiumEndpoint {
    /// The signature schemes that count; any other is no signature.
    pub schemes: Vec<PodiumScheme>,
    /// How old a signed delivery may be.
    pub window: ReplayWindow,
    /// The shop's own words for STOP.
    pub extra_words: ExtraWords,
}

impl Endpoint for PodiumEndpoint {
    const SOURCE: Source = Source::Podium;
    const OVERSIZE: Oversize = Oversize::Note;
    type Event = PodiumEvent;

    fn verify(
        &self,
        request: &Request<'_>,
        secrets: &LiveSecrets,
        now: UnixMillis,
    ) -> Result<Verified, SignatureError> {
        let headers = PodiumHeaders {
            timestamp: request.header(signature::PODIUM_TIMESTAMP),
            signature: request.header(signature::PODIUM_SIGNATURE),
            x_signature: request.header(signature::PODIUM_X_SIGNATURE),
        };
        signature::verify_podium(secrets, &self.schemes, self.window, headers, request.body, now.get())
            .map(|v| v.verified)
    }

    fn contents<'a>(&self, request: &Request<'a>) -> Contents<'a, PodiumEvent> {
        let delivered = |item: podium::Item<'a>| {
            let event = item.event.as_ref().ok();
            let group = event.map(|e| match &e.what {
                What::Received(message) | What::Sent(message) | What::Failed { message, .. } => message.group(&e.id),
                // A review's own line: its edits are worked on in their order.
                What::Review(review) => GroupId::of(review.name(&e.id).as_str()),
                What::Contact(_)
                | What::Invitation { .. }
                | What::InviteLink(_)
                | What::ReviewResponse { .. }
                | What::Other => GroupId::of(e.id.as_str()),
            });
            Delivered {
                source: Source::Podium,
                id: event.map(|e| e.id.clone()),
                topic: event.and_then(|e| e.event_type.clone()),
                body: Cow::Borrowed(item.body),
                // Sent again, it has another time and other links to its files.
                fingerprint: event.filter(|e| e.is_from_widget()).map(|e| BodySha256::of(e.id.as_str().as_bytes())),
                group,
                chat: None,
                event: item.event,
            }
        };
        Contents::Events(podium::items(request.body).into_iter().map(delivered).collect())
    }

    fn opt_outs(&self, event: &PodiumEvent, book: Option<&LocationBook>, now: UnixMillis) -> OptOutNews {
        OptOutNews::of(event, &self.extra_words, book, now)
    }
}

/// Chatwoot's webhooks: of the account, of an API inbox, or of a bot.
#[derive(Clone, Debug)]
pub struct ChatwootEndpoint {
    /// How old a signed delivery may be.
    pub window: ReplayWindow,
    /// The inboxes that are answered; empty: all.
    pub inboxes: Vec<u64>,
    /// The shop's own words for STOP.
    pub extra_words: ExtraWords,
}

impl Endpoint for ChatwootEndpoint {
    const SOURCE: Source = Source::Chatwoot;
    // What is kept is small, whatever comes.
    const OVERSIZE: Oversize = Oversize::Note;
    // A bot's webhook is repeated after 429 and 500 only.
    const NOT_STORED: u16 = 500;
    type Event = ChatwootMessage;

    fn verify(
        &self,
        request: &Request<'_>,
        secrets: &LiveSecrets,
        now: UnixMillis,
    ) -> Result<Verified, SignatureError> {
        let timestamp = request.header(signature::CHATWOOT_TIMESTAMP);
        let signed = request.header(signature::CHATWOOT_SIGNATURE);
        signature::verify_chatwoot(secrets, self.window, timestamp, signed, request.body, now.get())
    }

    fn contents<'a>(&self, request: &Request<'a>) -> Contents<'a, ChatwootMessage> {
        let message = match chatwoot::parse(request.body) {
            Ok(chatwoot::Delivery::Ignored(reason)) => return Contents::Ignored(reason),
            Ok(chatwoot::Delivery::Message(message)) => Ok(*message),
            Err(reason) => Err(reason),
        };
        let message = match message {
            Ok(message) if !self.answers(message.inbox) => return Contents::Ignored(IgnoreReason::OtherInbox),
            // A shape that could not be read again would be lost in the table; it cannot happen, so it is only refused.
            Ok(message) => serde_json::to_vec(&message).map_err(|_| RejectReason::UnknownShape).map(|b| (message, b)),
            Err(reason) => Err(reason),
        };
        let (event, body) = match message {
            Ok((message, body)) => (Ok(message), body),
            Err(reason) => (Err(reason), Vec::new()),
        };
        let read = event.as_ref().ok();
        Contents::Events(vec![Delivered {
            source: Source::Chatwoot,
            id: read.map(ChatwootMessage::event),
            topic: read.map(|m| m.kind.as_str().to_owned()),
            // A body that nobody can read is kept as its hash only: who knows what it holds.
            fingerprint: Some(read.map_or_else(|| BodySha256::of(request.body), ChatwootMessage::fingerprint)),
            group: read.map(ChatwootMessage::group),
            chat: read.map(|m| ChatKey::chatwoot(m.at)),
            body: Cow::Owned(body),
            event,
        }])
    }

    fn opt_outs(&self, event: &ChatwootMessage, _book: Option<&LocationBook>, now: UnixMillis) -> OptOutNews {
        event.opt_outs(&self.extra_words, now)
    }
}

impl ChatwootEndpoint {
    fn answers(&self, inbox: Option<u64>) -> bool {
        self.inboxes.is_empty() || inbox.is_some_and(|inbox| self.inboxes.contains(&inbox))
    }
}

/// The secrets that sign webhooks at the moment.
pub trait SecretSource {
    /// What is known now; costs nothing while it is fresh.
    async fn live(&self) -> LiveSecrets;

    /// Looks again, because a signature did not match: a secret may have been rotated a moment ago. `None` when it
    /// looked recently; a flood of bad signatures must not become a flood of look-ups.
    async fn look_again(&self) -> Option<LiveSecrets>;
}

/// The limits of an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct IngestRules {
    /// Larger bodies are refused unread.
    pub body_bytes_max: usize,
    /// How long an event's row is kept.
    pub keep: Duration,
}

/// What an endpoint needs.
#[derive(Debug)]
pub struct Ingest<'a, E, S, Q, V, C, I, T> {
    /// Whose webhooks.
    pub endpoint: &'a E,
    /// The inbox.
    pub store: &'a S,
    /// The worker's queue.
    pub queue: &'a Q,
    /// The signing secrets.
    pub secrets: &'a V,
    /// Time.
    pub clock: &'a C,
    /// Unique receipts.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// Limits.
    pub rules: IngestRules,
}

/// The way of an event into the inbox, once it is known to be its provider's: by its signature, because the provider was
/// asked, or because an operator vouches for it.
#[derive(Debug)]
pub struct Intake<'a, E, S, Q, I, T> {
    /// Whose webhooks.
    pub endpoint: &'a E,
    /// The inbox.
    pub store: &'a S,
    /// The worker's queue.
    pub queue: &'a Q,
    /// Unique receipts.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// Limits.
    pub rules: IngestRules,
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200: stored, a worker will see it.
    Accepted,
    /// 200: was here already.
    Duplicate,
    /// 200: its id was here with another body; kept for people.
    Mismatch,
    /// 200: stored, but not usable; anything else would make the sender repeat it, or give up on us.
    Rejected,
    /// 200: nothing to do; not kept.
    Ignored(IgnoreReason),
    /// 401: no valid signature.
    BadSignature(SignatureError),
    /// 413: too large to read or to keep.
    TooLarge,
    /// 5xx: could not be stored; the sender must repeat it.
    NotStored,
}

impl Answer {
    /// The HTTP status. One table for all webhooks: a provider hears 2xx for everything that is verified and stored. Only
    /// what makes it repeat a delivery is its own.
    #[must_use]
    pub const fn status<E: Endpoint>(self) -> u16 {
        match self {
            Self::Accepted | Self::Duplicate | Self::Mismatch | Self::Rejected | Self::Ignored(_) => 200,
            Self::BadSignature(_) => 401,
            Self::TooLarge => 413,
            Self::NotStored => E::NOT_STORED,
        }
    }

    /// Of the answers to a batch the one with the lowest rank is given.
    const fn rank(self) -> u8 {
        match self {
            Self::NotStored | Self::TooLarge | Self::BadSignature(_) => 0,
            Self::Accepted => 1,
            Self::Mismatch => 2,
            Self::Rejected => 3,
            Self::Duplicate => 4,
            Self::Ignored(_) => 5,
        }
    }

    /// The body, for whoever tries it by hand.
    #[must_use]
    pub fn text(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Mismatch => "mismatch",
            Self::Rejected => "rejected",
            Self::Ignored(reason) => return Cow::Owned(format!("ignored: {}", reason.as_str())),
            Self::BadSignature(_) => "bad signature",
            Self::TooLarge => "body too large",
            Self::NotStored => "not stored, try again",
        })
    }

    /// Seconds after which the sender should repeat it.
    #[must_use]
    pub const fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::NotStored => Some(5),
            Self::Accepted
            | Self::Duplicate
            | Self::Mismatch
            | Self::Rejected
            | Self::Ignored(_)
            | Self::BadSignature(_)
            | Self::TooLarge => None,
        }
    }
}

impl<E, S, Q, V, C, I, T> Ingest<'_, E, S, Q, V, C, I, T>
where
    E: Endpoint,
    S: Inbox + Locations,
    Q: EventQueue,
    V: SecretSource,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Takes in one webhook.
    ///
    /// # Guarantees
    /// Without a valid signature nothing is written (G7). After a 2xx every event of it is stored (G1), and so is every
    /// opt-out that it tells of (G3).
    pub async fn handle(&self, request: &Request<'_>) -> Answer {
        if E::OVERSIZE == Oversize::Refuse && request.body.len() > self.rules.body_bytes_max {
            return self.intake().too_large();
        }
        let now = self.clock.now();
        match self.verified(request, now).await.map(|v| v.matched) {
            Ok(Matched::Current) => {}
            Ok(Matched::Previous) => self.telemetry.count(Metric::PreviousSecretUsed, Some(E::SOURCE.as_str())),
            Err(error) => {
                self.telemetry.count(Metric::SignatureRejected, Some(E::SOURCE.as_str()));
                // Nothing of the request is logged: it is not known to be anybody's but an attacker's.
                let line = Line::warn("a webhook without a valid signature").word("signature", error.code());
                report_review(self.telemetry, ReviewCode::SignatureMismatch, line);
                return Answer::BadSignature(error);
            }
        }
        self.intake().take_in(request, now).await
    }

    fn intake(&self) -> Intake<'_, E, S, Q, I, T> {
        let Self { endpoint, store, queue, ids, telemetry, rules, .. } = *self;
        Intake { endpoint, store, queue, ids, telemetry, rules }
    }

    async fn verified(&self, request: &Request<'_>, now: UnixMillis) -> Result<Verified, SignatureError> {
        let first = self.endpoint.verify(request, &self.secrets.live().await, now);
        if !matches!(first, Err(SignatureError::Mismatch)) {
            return first;
        }
        match self.secrets.look_again().await {
            Some(newer) => self.endpoint.verify(request, &newer, now),
            None => first,
        }
    }
}

impl<E, S, Q, I, T> Intake<'_, E, S, Q, I, T>
where
    E: Endpoint,
    S: Inbox + Locations,
    Q: EventQueue,
    I: Ids,
    T: Telemetry,
{
    /// Stores every event of a delivery and queues their keys.
    pub async fn take_in(&self, request: &Request<'_>, now: UnixMillis) -> Answer {
        let new = match self.read(request, now).await {
            Ok(new) => new,
            Err(answer) => return answer,
        };
        let stored: Vec<(NewEvent, Answer)> =
            stream::iter(new).map(|event| self.store(event)).buffered(STORED_AT_ONCE).collect().await;
        let wakes: Vec<Wake> = stored
            .iter()
            .filter(|(_, answer)| *answer == Answer::Accepted)
            .map(|(event, _)| Wake { key: event.key.clone(), group: event.group.clone() })
            .collect();
        // Of a very large batch the sweeper brings the rest: its sender does not wait that long.
        let now_queued = wakes.get(..QUEUED_AT_ONCE).unwrap_or(&wakes);
        if !now_queued.is_empty()
            && let Err(error) = self.queue.enqueue(now_queued).await
        {
            self.telemetry.count(Metric::QueueSendFailed, None);
            self.telemetry.line(Line::warn("events are stored but not queued; the sweeper will").detail(&error));
        }
        // One answer for all of a batch: if any is not stored, all come again, and the others are duplicates then.
        stored.into_iter().map(|(_, answer)| answer).min_by_key(|answer| answer.rank()).unwrap_or(Answer::NotStored)
    }

    /// The rows to write. Whatever may be wrong with an event, its opt-outs are read first.
    async fn read(&self, request: &Request<'_>, now: UnixMillis) -> Result<Vec<NewEvent>, Answer> {
        let delivered = match self.endpoint.contents(request) {
            Contents::Events(delivered) => delivered,
            Contents::Ignored(reason) => return Err(self.ignored(reason)),
        };
        let mut book = None;
        let mut new = Vec::with_capacity(delivered.len());
        for one in delivered {
            let (opt_outs, rejected) = match &one.event {
                Ok(event) => (self.opt_outs(event, &mut book, now).await?, None),
                Err(reason) => (Vec::new(), Some(reason.clone())),
            };
            let fits = one.body.len() <= self.rules.body_bytes_max;
            let Some(body) = fits.then(|| StoredBody::pack(&one.body).ok()).flatten() else {
                match E::OVERSIZE {
                    Oversize::Refuse => return Err(self.too_large()),
                    Oversize::Note => new.push(NewEvent { opt_outs, ..self.noted(&one.body, now) }),
                }
                continue;
            };
            let body_sha256 = one.fingerprint.unwrap_or_else(|| BodySha256::of(&one.body));
            let event = one.id.unwrap_or_else(|| EventId::of_body(&body_sha256));
            new.push(NewEvent {
                key: InboxKey { source: one.source, event },
                topic: one.topic,
                body,
                body_sha256,
                // The events of a batch came one after the other; should the sweeper have to bring them, in that order.
                received_at: now.plus(Duration::from_millis(u64::try_from(new.len()).unwrap_or(0))),
                expires_at: now.plus(self.rules.keep),
                receipt: self.ids.owner().as_str().to_owned(),
                rejected,
                group: one.group,
                opt_outs,
                chat: one.chat,
            });
        }
        Ok(new)
    }

    /// The list of locations is read only for an opt-out that cannot be attributed without it, and once a delivery.
    async fn opt_outs(
        &self,
        event: &E::Event,
        book: &mut Option<LocationBook>,
        now: UnixMillis,
    ) -> Result<Vec<OptOutChange>, Answer> {
        let mut news = self.endpoint.opt_outs(event, book.as_ref(), now);
        if news == OptOutNews::NeedsLocations {
            let empty = || LocationBook { fetched_at: now, locations: Vec::new() };
            let known = self.store.locations().await.map_err(|error| self.opt_out_lost(&error))?;
            *book = Some(known.unwrap_or_else(empty));
            news = self.endpoint.opt_outs(event, book.as_ref(), now);
        }
        match news {
            OptOutNews::Changes(changes) => Ok(changes),
            OptOutNews::Nothing => Ok(Vec::new()),
            // Its worker asks Podium who that is, and says so if nobody can tell.
            OptOutNews::NeedsLocations | OptOutNews::WithoutPhone => Ok(Vec::new()),
        }
    }

    /// Without its opt-outs an event is not taken; its sender comes again.
    fn opt_out_lost(&self, error: &StoreError) -> Answer {
        let line = Line::error("an opt-out could not be recorded; its event is not taken").detail(error);
        report(self.telemetry, WebchatCode::OptOutStoreUnreachable, line);
        Answer::NotStored
    }

    /// A row without the body, for one that is too large to keep.
    fn noted(&self, body: &[u8], now: UnixMillis) -> NewEvent {
        self.telemetry.count(Metric::BodyTooLarge, Some(E::SOURCE.as_str()));
        let body_sha256 = BodySha256::of(body);
        NewEvent {
            key: InboxKey { source: E::SOURCE, event: EventId::of_body(&body_sha256) },
            topic: None,
            body: StoredBody::Plain(Vec::new()),
            body_sha256,
            received_at: now,
            expires_at: now.plus(self.rules.keep),
            receipt: self.ids.owner().as_str().to_owned(),
            rejected: Some(RejectReason::TooLarge { bytes: body.len() }),
            group: None,
            opt_outs: Vec::new(),
            chat: None,
        }
    }

    fn ignored(&self, reason: IgnoreReason) -> Answer {
        self.telemetry.count(Metric::EventIgnored, Some(reason.as_str()));
        let line = Line::info("a webhook needs no work").word("source", E::SOURCE.as_str());
        self.telemetry.line(line.word("reason", reason.as_str()));
        Answer::Ignored(reason)
    }

    async fn store(&self, event: NewEvent) -> (NewEvent, Answer) {
        let answer = match self.store.accept(&event).await {
            Ok(Accepted::Stored) if event.rejected.is_some() => Answer::Rejected,
            Ok(Accepted::Stored) => Answer::Accepted,
            Ok(Accepted::Duplicate) => Answer::Duplicate,
            Ok(Accepted::Mismatch) => Answer::Mismatch,
            Err(error) if !event.opt_outs.is_empty() => return (event, self.opt_out_lost(&error)),
            Err(error) => {
                self.telemetry.line(
                    Line::error("an event could not be stored").id("event.id", &event.key.to_key()).detail(&error),
                );
                return (event, Answer::NotStored);
            }
        };
        self.report(&event, answer);
        (event, answer)
    }

    fn report(&self, event: &NewEvent, answer: Answer) {
        let metric = match answer {
            Answer::Accepted => Metric::EventAccepted,
            Answer::Duplicate => Metric::EventDuplicate,
            Answer::Mismatch => Metric::EventMismatch,
            Answer::Rejected | Answer::Ignored(_) | Answer::BadSignature(_) | Answer::TooLarge | Answer::NotStored => {
                Metric::EventRejected
            }
        };
        self.telemetry.count(metric, Some(E::SOURCE.as_str()));
        let mut line = Line::info("an event came in").id("event.id", &event.key.to_key()).id("outcome", &answer.text());
        if answer == Answer::Mismatch {
            line = Line::error("an event's id came again with another body").id("event.id", &event.key.to_key());
        }
        if answer == Answer::Duplicate {
            self.telemetry.count(Metric::ReviewCode, Some(ReviewCode::Replay.as_str()));
            line = line.code(ReviewCode::Replay.as_str());
        }
        if let Some(reason) = &event.rejected {
            line = line.id("reason", &reason.describe());
        }
        if event.rejected == Some(RejectReason::OtherShop) {
            // A typing error in a setting would otherwise discard every webhook in silence.
            self.telemetry.count(Metric::WrongShop, Some(E::SOURCE.as_str()));
            line.level = Level::Error;
        }
        self.telemetry.line(line);
        if answer != Answer::Duplicate {
            for change in &event.opt_outs {
                report_opt_out(self.telemetry, &event.key, change);
            }
        }
    }

    fn too_large(&self) -> Answer {
        self.telemetry.count(Metric::BodyTooLarge, Some(E::SOURCE.as_str()));
        self.telemetry.line(Line::error("a webhook's body is too large to keep").word("source", E::SOURCE.as_str()));
        Answer::TooLarge
    }
}

/// Says what somebody asked for. Whether it holds depends on what else is known of them.
pub(super) fn report_opt_out(telemetry: &impl Telemetry, event: &InboxKey, change: &OptOutChange) {
    telemetry.count(Metric::OptOutRecorded, Some(change.evidence.source.as_str()));
    let (message, direction) = match change.direction {
        Direction::Out => ("somebody asked for no more messages", "out"),
        Direction::In => ("somebody asked for messages again", "in"),
    };
    let line = Line::info(message)
        .id("event.id", &event.to_key())
        .word("source", change.evidence.source.as_str())
        .word("flag", change.flag.as_str())
        .word("direction", direction)
        .phone(&change.phone);
    match change.direction {
        Direction::Out => report(telemetry, WebchatCode::OptOutReceived, line),
        Direction::In => telemetry.line(line),
    }
}
