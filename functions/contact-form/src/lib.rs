//! Forms of the website: kept once, told to the shop's people once, answered in the brief's words.

use frontdesk_aws::lambda::{
    http::{HttpAnswer, HttpEvent},
    web,
};
use frontdesk_core::{
    flow::{
        contact_form::{self, FormDesk, SubmissionRules},
        ingest::SecretSource,
        web::{Address, Guard, GuardRules},
    },
    form::Forms,
    notice::NoticeQueue,
    rate::{RateScope, RateWindows},
    telemetry::Telemetry,
    time::Clock,
};

/// Where it is, and how it speaks.
const ADDRESS: Address = Address {
    scope: RateScope::ContactForm,
    methods: "POST, OPTIONS",
    refuse: contact_form::refuse,
    broken: contact_form::broken,
};

/// The function with everything that it needs.
#[derive(Debug)]
pub struct ContactForm<S, N, V, C, T> {
    /// The tables.
    pub store: S,
    /// The notifier's queue.
    pub notices: N,
    /// What the forms' addresses were made with.
    pub secrets: V,
    /// Time.
    pub clock: C,
    /// Reports.
    pub telemetry: T,
    /// Limits.
    pub guard: GuardRules,
    /// The shop's rules.
    pub rules: SubmissionRules,
}

impl<S, N, V, C, T> ContactForm<S, N, V, C, T>
where
    S: RateWindows + Forms,
    N: NoticeQueue,
    V: SecretSource,
    C: Clock,
    T: Telemetry,
{
    /// Answers a request. There is always an answer.
    pub async fn handle(&self, event: HttpEvent) -> HttpAnswer {
        let Self { store, notices, secrets, clock, telemetry, guard: rules, .. } = self;
        let guard = Guard { store, secrets, clock, telemetry, rules };
        let desk = FormDesk { store, notices, telemetry, rules: &self.rules };
        let reply = guard.answer(&web::call(event), &ADDRESS, async |request| desk.submit(&request).await).await;
        web::answer(reply)
    }
}
