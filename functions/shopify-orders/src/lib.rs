//! `POST /shopify/*`: a webhook is verified, kept once and answered; the worker does the rest.

use frontdesk_aws::lambda::http::{self, HttpAnswer, HttpEvent};
use frontdesk_core::{
    flow::ingest::{Ingest, IngestRules, SecretSource, ShopifyEndpoint},
    ids::Ids,
    inbox::Inbox,
    queue::EventQueue,
    telemetry::Telemetry,
    time::Clock,
};

/// The function with everything that it needs.
#[derive(Debug)]
pub struct ShopifyOrders<S, Q, V, C, I, T> {
    /// Whose webhooks.
    pub endpoint: ShopifyEndpoint,
    /// The inbox.
    pub store: S,
    /// The worker's queue.
    pub queue: Q,
    /// The signing secrets.
    pub secrets: V,
    /// Time.
    pub clock: C,
    /// Unique receipts.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// Limits.
    pub rules: IngestRules,
}

impl<S, Q, V, C, I, T> ShopifyOrders<S, Q, V, C, I, T>
where
    S: Inbox,
    Q: EventQueue,
    V: SecretSource,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Takes in one webhook. There is always an answer.
    pub async fn handle(&self, event: HttpEvent) -> HttpAnswer {
        let ingest = Ingest {
            endpoint: &self.endpoint,
            store: &self.store,
            queue: &self.queue,
            secrets: &self.secrets,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.telemetry,
            rules: self.rules,
        };
        http::ingest(&ingest, event).await
    }
}
