//! A function that takes in webhooks: verified, kept once and answered; a worker does the rest.

use frontdesk_core::{
    directory::Locations,
    flow::ingest::{Endpoint, Ingest, IngestRules, SecretSource},
    ids::Ids,
    inbox::Inbox,
    queue::EventQueue,
    telemetry::Telemetry,
    time::Clock,
};

use super::http::{self, HttpAnswer, HttpEvent};

/// The function with everything that it needs.
#[derive(Debug)]
pub struct Webhook<E, S, Q, V, C, I, T> {
    /// Whose webhooks.
    pub endpoint: E,
    /// The inbox, the opt-outs and the list of locations.
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

impl<E, S, Q, V, C, I, T> Webhook<E, S, Q, V, C, I, T>
where
    E: Endpoint,
    S: Inbox + Locations,
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
