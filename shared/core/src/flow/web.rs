//! What comes before every answer to a browser: whose page it is, how large, how often, and whether its token is ours.
//!
//! The cheap questions come first, and whatever the answer is, its browser gets to read it: a refusal without the CORS
//! headers would look like a broken network.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use serde_json::Value;

use crate::{
    flow::ingest::SecretSource,
    rate::{Admission, RateKey, RateRule, RateScope, RateWindows},
    signature::LiveSecrets,
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
    web::{BadTicket, Call, Caller, Origins, Purpose, Reply, Ticket, WebCode, read_json},
};

/// Both spellings of the token's header.
const CSRF_HEADERS: [&str; 2] = ["x-csrftoken", "x-csrf-token"];

/// The limits of a function that browsers call.
#[derive(Clone, Debug)]
pub struct GuardRules {
    /// Whose pages may ask.
    pub origins: Origins,
    /// How often a client may.
    pub rate: RateRule,
    /// Larger bodies are refused unread.
    pub body_bytes_max: usize,
}

/// What an address is, and how it speaks.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    /// Whose requests are counted together.
    pub scope: RateScope,
    /// What it takes, as a preflight says it: `POST, OPTIONS`.
    pub methods: &'static str,
    /// How it says no.
    pub refuse: fn(WebCode) -> Reply,
    /// What it answers when something of ours breaks.
    pub broken: fn() -> Reply,
}

impl Address {
    fn takes(&self, method: &str) -> bool {
        self.methods.split(", ").any(|taken| taken == method)
    }
}

/// A request that passed.
pub struct Admitted<'a, V> {
    /// The request.
    pub call: &'a Call,
    /// Its body; `Null` for a GET.
    pub body: Value,
    /// Tickets.
    pub tickets: Tickets<'a, V>,
    /// When it came.
    pub now: UnixMillis,
}

impl<V> std::fmt::Debug for Admitted<'_, V> {
    /// Without the body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Admitted({:?})", self.call)
    }
}

/// Makes tickets with the secrets that count now, and reads them.
#[derive(Debug)]
pub struct Tickets<'a, V> {
    source: &'a V,
    live: LiveSecrets,
}

impl<'a, V: SecretSource> Tickets<'a, V> {
    /// With what the source knows now.
    pub async fn of(source: &'a V) -> Self {
        Self { source, live: source.live().await }
    }

    /// The secrets that new ones are made with.
    #[must_use]
    pub const fn live(&self) -> &LiveSecrets {
        &self.live
    }

    /// Reads a ticket. One that nobody here could have made may have been made a moment ago, somewhere else, with a secret that
    /// is newer than what is known here: so the source is asked again before it is refused. How often, is the source's to limit.
    ///
    /// # Errors
    /// [`BadTicket`].
    pub async fn read(&self, text: &str, purpose: Purpose, now: UnixMillis) -> Result<Ticket, BadTicket> {
        match Ticket::read(text, &self.live, purpose, now) {
            Err(BadTicket::Forged) if !text.is_empty() => {
                let newer = match self.source.look_again().await {
                    Some(newer) => newer,
                    // Somebody just did, perhaps for another ticket of this very request.
                    None => self.source.live().await,
                };
                Ticket::read(text, &newer, purpose, now)
            }
            known => known,
        }
    }
}

/// What a guard needs.
#[derive(Debug)]
pub struct Guard<'a, S, V, C, T> {
    /// Counts requests.
    pub store: &'a S,
    /// What tickets are made with.
    pub secrets: &'a V,
    /// Time.
    pub clock: &'a C,
    /// Reports.
    pub telemetry: &'a T,
    /// Limits.
    pub rules: &'a GuardRules,
}

impl<S: RateWindows, V: SecretSource, C: Clock, T: Telemetry> Guard<'_, S, V, C, T> {
    /// Answers a request; `work` is asked only for one that passes.
    ///
    /// # Guarantees
    /// There is always an answer: a panic becomes one too. Requests of other websites' pages change nothing.
    pub async fn answer(
        &self,
        call: &Call,
        address: &Address,
        work: impl AsyncFnOnce(Admitted<'_, V>) -> Reply,
    ) -> Reply {
        let caller = self.rules.origins.judge(call.header("origin"));
        let reply = match AssertUnwindSafe(self.served(call, address, &caller, work)).catch_unwind().await {
            Ok(reply) => reply,
            Err(_) => {
                // What a panic says may quote a customer.
                self.telemetry.count(Metric::RecordPanicked, None);
                self.telemetry.line(Line::error("a browser's request panicked"));
                (address.broken)()
            }
        };
        caller.dress(reply.with("cache-control", "no-store"))
    }

    async fn served(
        &self,
        call: &Call,
        address: &Address,
        caller: &Caller,
        work: impl AsyncFnOnce(Admitted<'_, V>) -> Reply,
    ) -> Reply {
        let now = self.clock.now();
        match self.pass(call, address, caller).await {
            Ok(Passed::Preflight) => caller.preflight(address.methods),
            Ok(Passed::Request { body, tickets }) => work(Admitted { call, body, tickets, now }).await,
            Err(refused) => self.refused(call, address, &refused),
        }
    }

    async fn pass(&self, call: &Call, address: &Address, caller: &Caller) -> Result<Passed<'_, V>, Refused> {
        // Preflights too: after a refused one no request follows, and an origin that is missing in the setting would show
        // nowhere.
        if *caller == Caller::Foreign {
            return Err(Refused::Code(WebCode::OriginNotAllowed));
        }
        if call.method == "OPTIONS" {
            return Ok(Passed::Preflight);
        }
        if !address.takes(&call.method) {
            return Err(Refused::Code(WebCode::MethodNotAllowed));
        }
        if call.body.len() > self.rules.body_bytes_max {
            return Err(Refused::Code(WebCode::BodyTooLarge));
        }
        if call.method == "GET" {
            return Ok(Passed::Request { body: Value::Null, tickets: Tickets::of(self.secrets).await });
        }
        self.count(call, address).await?;
        let tickets = Tickets::of(self.secrets).await;
        self.check_token(call, &tickets).await?;
        let body = read_json(&call.body).map_err(|_| Refused::Code(WebCode::InvalidJson))?;
        Ok(Passed::Request { body, tickets })
    }

    /// Without an address nobody can be counted; a gateway says it always.
    async fn count(&self, call: &Call, address: &Address) -> Result<(), Refused> {
        let Some(client) = call.client else { return Ok(()) };
        let now = self.clock.now();
        match self.store.admit(&RateKey::of(address.scope, client), self.rules.rate, now).await {
            Ok(Admission::Admitted) => Ok(()),
            Ok(Admission::Refused { until }) => Err(Refused::TooOften { until }),
            Err(error) => {
                self.telemetry.line(Line::error("a browser's request could not be counted").detail(&error));
                Err(Refused::Broken)
            }
        }
    }

    /// A page that has no token need not send one: nothing here trusts a cookie. One that it does send has to be ours.
    async fn check_token(&self, call: &Call, tickets: &Tickets<'_, V>) -> Result<(), Refused> {
        for name in CSRF_HEADERS {
            let Some(token) = call.header(name).filter(|token| !token.is_empty()) else { continue };
            let read = tickets.read(token, Purpose::Csrf, self.clock.now()).await;
            read.map_err(|_| Refused::Code(WebCode::CsrfInvalid))?;
        }
        Ok(())
    }

    fn refused(&self, call: &Call, address: &Address, refused: &Refused) -> Reply {
        let (code, reply) = match refused {
            Refused::Broken => return (address.broken)(),
            Refused::Code(code) => (*code, (address.refuse)(*code)),
            Refused::TooOften { until } => {
                let wait = until.since(self.clock.now()).as_millis().div_ceil(1_000).max(1);
                (WebCode::RateLimited, (address.refuse)(WebCode::RateLimited).with("retry-after", wait.to_string()))
            }
        };
        let reply = if code == WebCode::MethodNotAllowed { reply.with("allow", address.methods) } else { reply };
        report(self.telemetry, code, call);
        reply
    }
}

enum Passed<'a, V> {
    Preflight,
    Request { body: Value, tickets: Tickets<'a, V> },
}

enum Refused {
    Code(WebCode),
    TooOften { until: UnixMillis },
    Broken,
}

/// Counts a refusal under its code, and says it; nothing of the request is logged but its size.
pub(super) fn report(telemetry: &impl Telemetry, code: WebCode, call: &Call) {
    telemetry.count(Metric::WebCode, Some(code.as_str()));
    let bytes = i64::try_from(call.body.len()).unwrap_or(i64::MAX);
    telemetry.line(Line::info("a browser's request was refused").code(code.as_str()).number("bytes", bytes));
}
