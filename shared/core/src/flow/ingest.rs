//! A webhook arrives: size → signature over the raw bytes → parse → one conditional write → queue → answer.
//!
//! The order is the point. Nothing looks at JSON before the signature held, nothing is answered 2xx before the row is
//! stored, and nothing after the row can lose the event: if the queue does not take the key, the sweeper finds the row.

use std::time::Duration;

use crate::{
    body::StoredBody,
    ids::{EventId, Ids, ShopDomain},
    inbox::{Accepted, BodySha256, Inbox, InboxKey, NewEvent, RejectReason, Source},
    queue::EventQueue,
    shopify,
    signature::{self, LiveSecrets, Matched, SignatureError, Verified},
    telemetry::{Level, Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
};

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

/// What a provider's webhooks look like.
pub trait Endpoint {
    /// Who sends them.
    const SOURCE: Source;

    /// Checks the signature over the raw bytes.
    ///
    /// # Errors
    /// Whatever is wrong with it; nothing of the request may be used then.
    fn verify(&self, request: &Request<'_>, secrets: &LiveSecrets, now: UnixMillis)
    -> Result<Verified, SignatureError>;

    /// The sender's id of the event, if it gives one.
    fn event_id(&self, request: &Request<'_>) -> Option<EventId>;

    /// The sender's name for the kind of event; for people only.
    fn topic(&self, request: &Request<'_>) -> Option<String>;

    /// Why the event is not usable, if it is not.
    fn objection(&self, request: &Request<'_>) -> Option<RejectReason>;
}

/// Shopify's webhooks for one shop.
#[derive(Clone, Debug)]
pub struct ShopifyEndpoint {
    /// The shop that this installation serves.
    pub shop: ShopDomain,
}

impl Endpoint for ShopifyEndpoint {
    const SOURCE: Source = Source::Shopify;

    fn verify(
        &self,
        request: &Request<'_>,
        secrets: &LiveSecrets,
        _now: UnixMillis,
    ) -> Result<Verified, SignatureError> {
        signature::verify_shopify(secrets, request.header("x-shopify-hmac-sha256"), request.body)
    }

    fn event_id(&self, request: &Request<'_>) -> Option<EventId> {
        request.text("x-shopify-webhook-id").and_then(|id| EventId::try_from(id).ok())
    }

    fn topic(&self, request: &Request<'_>) -> Option<String> {
        request.text("x-shopify-topic").map(|t| t.chars().take(64).collect())
    }

    fn objection(&self, request: &Request<'_>) -> Option<RejectReason> {
        if !shopify::is_served(request.text("x-shopify-shop-domain"), &self.shop) {
            return Some(RejectReason::OtherShop);
        }
        shopify::parse(request.body).err()
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
    /// 401: no valid signature.
    BadSignature(SignatureError),
    /// 413: too large to read or to keep.
    TooLarge,
    /// 503: could not be stored; the sender must repeat it.
    NotStored,
}

impl Answer {
    /// The HTTP status. One table for all webhooks: a provider hears 2xx for everything that is verified and stored.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Accepted | Self::Duplicate | Self::Mismatch | Self::Rejected => 200,
            Self::BadSignature(_) => 401,
            Self::TooLarge => 413,
            Self::NotStored => 503,
        }
    }

    /// The body, for whoever tries it by hand.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Mismatch => "mismatch",
            Self::Rejected => "rejected",
            Self::BadSignature(_) => "bad signature",
            Self::TooLarge => "body too large",
            Self::NotStored => "not stored, try again",
        }
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
            | Self::BadSignature(_)
            | Self::TooLarge => None,
        }
    }
}

impl<E, S, Q, V, C, I, T> Ingest<'_, E, S, Q, V, C, I, T>
where
    E: Endpoint,
    S: Inbox,
    Q: EventQueue,
    V: SecretSource,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Takes in one webhook.
    ///
    /// # Guarantees
    /// Without a valid signature nothing is written (G7). After a 2xx the event is stored (G1).
    pub async fn handle(&self, request: &Request<'_>) -> Answer {
        if request.body.len() > self.rules.body_bytes_max {
            return self.too_large();
        }
        let now = self.clock.now();
        match self.verified(request, now).await.map(|v| v.matched) {
            Ok(Matched::Current) => {}
            Ok(Matched::Previous) => self.telemetry.count(Metric::PreviousSecretUsed, Some(E::SOURCE.as_str())),
            Err(error) => {
                self.telemetry.count(Metric::SignatureRejected, Some(E::SOURCE.as_str()));
                // Nothing of the request is logged: it is not known to be anybody's but an attacker's.
                self.telemetry.line(
                    Line::warn("a webhook without a valid signature")
                        .code("ERR_REVIEW_010")
                        .word("signature", error.code()),
                );
                return Answer::BadSignature(error);
            }
        }
        let Ok(body) = StoredBody::pack(request.body) else { return self.too_large() };
        let body_sha256 = BodySha256::of(request.body);
        let event = self
            .endpoint
            .event_id(request)
            .or_else(|| EventId::try_from(format!("sha256-{}", body_sha256.as_str()).as_str()).ok());
        let Some(event) = event else { return self.too_large() };
        let rejected = self.endpoint.objection(request);
        let event = NewEvent {
            key: InboxKey { source: E::SOURCE, event },
            topic: self.endpoint.topic(request),
            body,
            body_sha256,
            received_at: now,
            expires_at: now.plus(self.rules.keep),
            receipt: self.ids.owner().as_str().to_owned(),
            rejected,
        };
        self.store_and_queue(&event).await
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

    async fn store_and_queue(&self, event: &NewEvent) -> Answer {
        let answer = match self.store.accept(event).await {
            Ok(Accepted::Stored) if event.rejected.is_some() => Answer::Rejected,
            Ok(Accepted::Stored) => Answer::Accepted,
            Ok(Accepted::Duplicate) => Answer::Duplicate,
            Ok(Accepted::Mismatch) => Answer::Mismatch,
            Err(error) => {
                self.telemetry.line(
                    Line::error("an event could not be stored").id("event.id", &event.key.to_key()).detail(&error),
                );
                return Answer::NotStored;
            }
        };
        self.report(event, answer);
        if answer == Answer::Accepted
            && let Err(error) = self.queue.enqueue(&event.key).await
        {
            self.telemetry.count(Metric::QueueSendFailed, None);
            self.telemetry.line(
                Line::warn("an event is stored but not queued; the sweeper will")
                    .id("event.id", &event.key.to_key())
                    .detail(&error),
            );
        }
        answer
    }

    fn report(&self, event: &NewEvent, answer: Answer) {
        let metric = match answer {
            Answer::Accepted => Metric::EventAccepted,
            Answer::Duplicate => Metric::EventDuplicate,
            Answer::Mismatch => Metric::EventMismatch,
            Answer::Rejected | Answer::BadSignature(_) | Answer::TooLarge | Answer::NotStored => Metric::EventRejected,
        };
        self.telemetry.count(metric, Some(E::SOURCE.as_str()));
        let mut line =
            Line::info("an event came in").id("event.id", &event.key.to_key()).word("outcome", answer.text());
        if answer == Answer::Mismatch {
            line = Line::error("an event's id came again with another body").id("event.id", &event.key.to_key());
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
    }

    fn too_large(&self) -> Answer {
        self.telemetry.count(Metric::BodyTooLarge, Some(E::SOURCE.as_str()));
        self.telemetry.line(Line::error("a webhook's body is too large to keep").word("source", E::SOURCE.as_str()));
        Answer::TooLarge
    }
}
