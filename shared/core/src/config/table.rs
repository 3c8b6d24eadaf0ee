//! The table of all settings: the one source of `docs/CONFIGURATION.md`, of the template's parameters and of the defaults.

use std::fmt::Write;

/// A deployed function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// Shopify's webhooks.
    ShopifyOrders,
    /// Shopify's events.
    ShopifyWorker,
    /// Due requests.
    ReviewSender,
    /// The schedules.
    Timers,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ShopifyOrders, Self::ShopifyWorker, Self::ReviewSender, Self::Timers];

    /// The package's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShopifyOrders => "shopify-orders",
            Self::ShopifyWorker => "shopify-worker",
            Self::ReviewSender => "review-sender",
            Self::Timers => "timers",
        }
    }
}

/// One setting: an environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The variable's name.
    pub name: &'static str,
    /// Its default; `None` when it must be set or may be absent (the meaning says which).
    pub default: Option<&'static str>,
    /// What the value is counted in, or its form.
    pub unit: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// Who reads it.
    pub functions: &'static [Function],
    /// Set by the template from its own resources, not by a person.
    pub wired: bool,
}

use Function::{ReviewSender, ShopifyOrders, ShopifyWorker, Timers};

const POLICY: &[Function] = &[ShopifyWorker, ReviewSender];
const SENDER: &[Function] = &[ReviewSender];

const fn wired(name: &'static str, meaning: &'static str, functions: &'static [Function]) -> Setting {
    Setting { name, default: None, unit: "name", meaning, functions, wired: true }
}

const fn tuned(
    name: &'static str,
    default: Option<&'static str>,
    unit: &'static str,
    meaning: &'static str,
    functions: &'static [Function],
) -> Setting {
    Setting { name, default, unit, meaning, functions, wired: false }
}

/// All settings.
pub const SETTINGS: &[Setting] = &[
    wired("FRONTDESK_TABLE_INBOX", "Table of the events that were taken in.", &[ShopifyOrders, ShopifyWorker, Timers]),
    wired("FRONTDESK_TABLE_CONTACTS", "Table of the contacts, with opt-outs and cooldowns.", POLICY),
    wired("FRONTDESK_TABLE_REQUESTS", "Table of the review requests.", &[ShopifyWorker, ReviewSender, Timers]),
    wired("FRONTDESK_TABLE_OUTBOX", "Table of the sends.", SENDER),
    wired("FRONTDESK_TABLE_LIMITS", "Table of the providers' pauses.", SENDER),
    wired("FRONTDESK_TABLE_DIRECTORY", "Table of the shared access tokens.", SENDER),
    wired("FRONTDESK_QUEUE_SHOPIFY_URL", "Queue of Shopify's events.", &[ShopifyOrders, Timers]),
    wired("FRONTDESK_QUEUE_REVIEWS_URL", "Delay queue of due review requests.", &[Timers]),
    wired(
        "SHOPIFY_WEBHOOK_SECRET_ARN",
        "Secret that signs Shopify's webhooks: the app's client secret, as plain text. Its previous version stays valid.",
        &[ShopifyOrders],
    ),
    wired(
        "SHOPIFY_ADMIN_SECRET_ARN",
        "Secret for Shopify's Admin API, JSON: {\"access_token\"} or {\"client_id\",\"client_secret\"}.",
        SENDER,
    ),
    wired(
        "PODIUM_OAUTH_SECRET_ARN",
        "Secret for Podium's API, JSON: {\"client_id\",\"client_secret\",\"refresh_token\"}. Rewritten when Podium rotates the refresh token.",
        SENDER,
    ),
    tuned(
        "FRONTDESK_SECRET_TTL_SECONDS",
        Some("900"),
        "seconds",
        "How long a webhook secret that was read is used before it is read again. A signature that does not match looks again at once, at most every 30 s.",
        &[ShopifyOrders],
    ),
    tuned(
        "FRONTDESK_BODY_BYTES_MAX",
        Some("4194304"),
        "bytes",
        "Larger webhook bodies are answered 413 unread. Lambda itself ends at 6 MB.",
        &[ShopifyOrders, ShopifyWorker],
    ),
    tuned(
        "FRONTDESK_INBOX_KEEP_DAYS",
        Some("14"),
        "days",
        "How long an event is kept and recognised as a duplicate. Shopify can deliver a day late, so not below 7 without need.",
        &[ShopifyOrders],
    ),
    tuned(
        "FRONTDESK_LEASE_SECONDS",
        Some("90"),
        "seconds",
        "How long a worker holds a row. Must exceed the workers' timeout (60 s in the template) by the difference of two hosts' clocks, so that an expired lease means a dead worker.",
        POLICY,
    ),
    tuned(
        "FRONTDESK_ATTEMPTS_MAX",
        Some("8"),
        "attempts",
        "After so many failed attempts an event is parked for a person.",
        &[ShopifyWorker],
    ),
    tuned(
        "FRONTDESK_SWEEP_AFTER_SECONDS",
        Some("180"),
        "seconds",
        "An event that waits longer is put into the queue again.",
        &[Timers],
    ),
    tuned(
        "FRONTDESK_REQUEUE_AFTER_SECONDS",
        Some("300"),
        "seconds",
        "A queued request that did not end this long after its time is put into the queue again.",
        &[Timers],
    ),
    tuned(
        "FRONTDESK_CONNECT_TIMEOUT_MS",
        Some("3000"),
        "milliseconds",
        "Longest wait for a connection to a provider.",
        SENDER,
    ),
    tuned(
        "FRONTDESK_CALL_TIMEOUT_MS",
        Some("10000"),
        "milliseconds",
        "Longest wait for a provider's whole answer.",
        SENDER,
    ),
    tuned(
        "FRONTDESK_RETRY_AFTER_DEFAULT_SECONDS",
        Some("60"),
        "seconds",
        "How long a provider is left alone that asks for it without saying how long.",
        SENDER,
    ),
    tuned(
        "FRONTDESK_RETRY_AFTER_MAX_SECONDS",
        Some("120"),
        "seconds",
        "The longest that a provider's wish to be left alone is believed.",
        SENDER,
    ),
    tuned(
        "SHOPIFY_SHOP",
        None,
        "domain",
        "The shop that is served, e.g. harbour-lane.myshopify.com. Must be set.",
        &[ShopifyOrders, ShopifyWorker, ReviewSender],
    ),
    tuned(
        "SHOPIFY_LOCATIONS",
        None,
        "JSON",
        "The shop's locations: [{\"podium_location\", \"name\", \"country\", \"shopify_location_ids\": [..]}]. The name stands in the text, the country reads local numbers. Must be set.",
        POLICY,
    ),
    tuned(
        "SHOPIFY_ONLY_LOCATION",
        None,
        "uid",
        "For a shop with one location: its podium_location; every fulfilment counts as its own. Without it, a fulfilment from a Shopify location that is not listed is skipped (unmapped_location).",
        POLICY,
    ),
    tuned("SHOPIFY_API_URL", None, "URL", "Base of the Admin API. Empty: https:// and the shop's domain.", SENDER),
    tuned(
        "SHOPIFY_API_VERSION",
        Some("2026-10"),
        "version",
        "Pinned version of the Admin API; each lives at least a year.",
        SENDER,
    ),
    tuned(
        "REVIEW_BUFFER_SECONDS",
        Some("432000"),
        "seconds",
        "From the newest successful fulfilment to the request: time for a refund. Default 5 days.",
        POLICY,
    ),
    tuned("REVIEW_COOLDOWN_DAYS", Some("30"), "days", "Between two requests to one phone, whatever the order.", POLICY),
    tuned(
        "REVIEW_ALLOWED_HOURS",
        Some("Mon-Sat 10:00-17:00"),
        "hours",
        "When a request may arrive, in the recipient's local time; several parts separated by ';'. Outside, it waits for the next opening.",
        POLICY,
    ),
    tuned(
        "REVIEW_PARTIAL_REFUND",
        Some("skip"),
        "skip, defer",
        "What happens to a partly refunded order: not asked, or asked once it has settled.",
        POLICY,
    ),
    tuned(
        "REVIEW_SETTLE_DAYS",
        Some("7"),
        "days",
        "How long a deferred request waits for a refund or return to settle.",
        POLICY,
    ),
    tuned(
        "REVIEW_SETTLE_MAX_DAYS",
        Some("30"),
        "days",
        "The longest that such waits add up to; then the customer is asked like everybody else.",
        POLICY,
    ),
    tuned(
        "REVIEW_MAX_AGE_DAYS",
        Some("60"),
        "days",
        "Orders shipped longer ago are not asked about. Shopify shows an app 60 days of orders unless it has read_all_orders.",
        POLICY,
    ),
    tuned("REVIEW_SKIP_TEST", Some("true"), "true, false", "Skip test orders.", POLICY),
    tuned("REVIEW_SKIP_POS", Some("true"), "true, false", "Skip sales over the counter.", POLICY),
    tuned("REVIEW_SKIP_B2B", Some("true"), "true, false", "Skip companies' orders.", POLICY),
    tuned(
        "REVIEW_CONSENT",
        Some("require_sms_subscribed"),
        "require_sms_subscribed, checkout_notice",
        "What counts as consent to a text: the shop's record says \"subscribed\", or a notice at your checkout covers it. A record that says \"unsubscribed\" forbids in both cases.",
        POLICY,
    ),
    tuned(
        "REVIEW_PLATFORM",
        Some("google"),
        "google, facebook, podium",
        "Where customers are asked to review. Facebook becomes Google unless the customer is known to have it.",
        POLICY,
    ),
    tuned(
        "REVIEW_MESSAGE",
        Some("Hi {first_name}, thanks for shopping with {location_name}! How did we do? {link} Reply STOP to opt out."),
        "text",
        "The text (PODIUM_CONTRACT=published). Must hold {link}, {location_name} and STOP; may hold {first_name}.",
        POLICY,
    ),
    tuned("REVIEW_KEEP_DAYS", Some("400"), "days", "How long an ended request is kept.", POLICY),
    tuned(
        "REVIEW_RETRY_SECONDS",
        Some("60"),
        "seconds",
        "Wait after the first attempt that a provider's trouble made vain; doubles each time.",
        SENDER,
    ),
    tuned("REVIEW_RETRY_MAX_SECONDS", Some("3600"), "seconds", "The longest such wait.", SENDER),
    tuned(
        "REVIEW_GIVE_UP_HOURS",
        Some("72"),
        "hours",
        "After so long without Shopify's or Podium's help a request fails, and an alarm rings.",
        SENDER,
    ),
    tuned(
        "PODIUM_CONTRACT",
        Some("published"),
        "published, brief",
        "Which Podium is called: the published API (a link, and a message with it) or the briefs' review invitations.",
        SENDER,
    ),
    tuned("PODIUM_API_URL", Some("https://api.podium.com"), "URL", "Base of Podium's API.", SENDER),
    tuned("PODIUM_API_VERSION", Some("2021.04.01"), "version", "Pinned version of Podium's API.", SENDER),
    tuned(
        "PODIUM_TOKEN_URL",
        Some("https://api.podium.com/oauth/token"),
        "URL",
        "Where Podium grants tokens; some apps use https://accounts.podium.com/oauth/token.",
        SENDER,
    ),
    tuned("PODIUM_TOKEN_BODY", Some("json"), "json, form", "How the token request is written.", SENDER),
    tuned("PODIUM_CAMPAIGN_ID", None, "id", "The review campaign. Must be set when PODIUM_CONTRACT=brief.", SENDER),
    tuned(
        "PODIUM_LOOKUP_AFTER_SECONDS",
        Some("120"),
        "seconds",
        "How long a message may take to show up at Podium: a send whose answer was lost is looked up after this, and \"not there\" then means \"not sent\".",
        SENDER,
    ),
    tuned(
        "PODIUM_LOOKUP_HOURS",
        Some("24"),
        "hours",
        "How long such a look-up is tried before the request ends as unknown.",
        SENDER,
    ),
];

/// The table as Markdown, for `docs/CONFIGURATION.md`.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::new();
    let mut section = |title: &str, wired: bool| {
        let _ = writeln!(
            out,
            "\n### {title}\n\n| variable | default | unit or form | meaning | read by |\n|---|---|---|---|---|"
        );
        for s in SETTINGS.iter().filter(|s| s.wired == wired) {
            let by: Vec<&str> = s.functions.iter().map(|f| f.as_str()).collect();
            let default = s.default.map_or_else(|| "–".to_owned(), |d| format!("`{d}`"));
            let _ = writeln!(out, "| `{}` | {default} | {} | {} | {} |", s.name, s.unit, s.meaning, by.join(", "));
        }
    };
    section("Yours to tune", false);
    section("Set by the template from its own resources", true);
    out
}
