//! The website's chat: a prompt comes in, and the assistant's answer goes out with the same call.

use frontdesk_aws::lambda::{
    http::{HttpAnswer, HttpEvent},
    web,
};
use frontdesk_core::{
    agent::{Agent, Catalogue},
    chat::Chats,
    flow::{
        ingest::SecretSource,
        web::{Address, Admitted, Guard, GuardRules},
        widget_chat::{self, WidgetChat, WidgetChatRules},
    },
    ids::Ids,
    notice::Notices,
    provider::Limits,
    rate::{RateScope, RateWindows},
    telemetry::Telemetry,
    time::Clock,
    token::Pause,
    web::Reply,
    widget::Said,
};

/// Where it is, and how it speaks.
const ADDRESS: Address = Address {
    scope: RateScope::Chat,
    methods: "POST, OPTIONS",
    refuse: widget_chat::refuse,
    broken: widget_chat::broken,
};

/// The function with everything that it needs.
#[derive(Debug)]
pub struct Chat<S, P, V, W, C, I, T> {
    /// The tables.
    pub store: S,
    /// The model and the catalogue.
    pub minds: P,
    /// What tickets are made with.
    pub secrets: V,
    /// Waits.
    pub pause: W,
    /// Time.
    pub clock: C,
    /// Owners of what is in work.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// Limits.
    pub guard: GuardRules,
    /// The shop's rules.
    pub rules: WidgetChatRules,
}

impl<S, P, V, W, C, I, T> Chat<S, P, V, W, C, I, T>
where
    S: RateWindows + Chats + Limits + Notices,
    P: Agent + Catalogue,
    V: SecretSource,
    W: Pause,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Answers a request. There is always an answer.
    pub async fn handle(&self, event: HttpEvent) -> HttpAnswer {
        let Self { store, secrets, clock, telemetry, guard: rules, .. } = self;
        let guard = Guard { store, secrets, clock, telemetry, rules };
        web::answer(guard.answer(&web::call(event), &ADDRESS, async |request| self.answer(&request).await).await)
    }

    async fn answer(&self, request: &Admitted<'_, V>) -> Reply {
        let said = match Said::read(&request.body, self.rules.prompt_chars_max) {
            Ok(said) => said,
            Err(bad) => return Reply::json(400, serde_json::json!({ "error": bad.to_string() })),
        };
        let Self { store, minds, pause, clock, ids, telemetry, rules, .. } = self;
        let (secrets, call, came_at) = (request.tickets.live(), request.call, request.now);
        let chat = WidgetChat { store, minds, pause, clock, ids, telemetry, rules, secrets, call, came_at };
        Reply::json(200, chat.answer(&said).await)
    }
}
