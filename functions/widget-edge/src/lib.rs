//! The shop's own webchat form: what its page needs to know, what somebody types, their files and their messages.

use frontdesk_aws::lambda::{
    http::{HttpAnswer, HttpEvent},
    web,
};
use frontdesk_core::{
    contact::Contacts,
    directory::Locations,
    flow::{
        ingest::SecretSource,
        web::{Address, Guard, GuardRules},
        widget_edge::{self, Place, WidgetEdgeRules},
    },
    ids::Ids,
    inbox::Inbox,
    queue::EventQueue,
    rate::{RateScope, RateWindows},
    telemetry::Telemetry,
    time::Clock,
    upload::Uploads,
};

/// The function with everything that it needs.
#[derive(Debug)]
pub struct WidgetEdge<S, Q, U, V, C, I, T> {
    /// The tables.
    pub store: S,
    /// The worker's queue.
    pub queue: Q,
    /// Where files lie.
    pub uploads: U,
    /// What tickets are made with.
    pub secrets: V,
    /// Time.
    pub clock: C,
    /// Names of files, nonces.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// Limits.
    pub guard: GuardRules,
    /// The shop's rules.
    pub rules: WidgetEdgeRules,
}

impl<S, Q, U, V, C, I, T> WidgetEdge<S, Q, U, V, C, I, T>
where
    S: RateWindows + Inbox + Contacts + Locations,
    Q: EventQueue,
    U: Uploads,
    V: SecretSource,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Answers a request. There is always an answer.
    pub async fn handle(&self, event: HttpEvent) -> HttpAnswer {
        let Self { store, queue, uploads, secrets, clock, ids, telemetry, guard: rules, .. } = self;
        let guard = Guard { store, secrets, clock, telemetry, rules };
        let edge = widget_edge::WidgetEdge { store, queue, uploads, clock, ids, telemetry, rules: &self.rules };
        let call = web::call(event);
        let address = Address {
            scope: RateScope::Webchat,
            methods: Place::at(&call.path).methods(),
            refuse: widget_edge::refuse,
            broken: widget_edge::broken,
        };
        web::answer(guard.answer(&call, &address, async |request| edge.answer(&request).await).await)
    }
}
