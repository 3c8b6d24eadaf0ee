//! Settings: every number and switch, in one table, read in one place, with all problems reported at once.
//!
//! A function that starts with a wrong setting would fail at the first order of the day, or worse, text somebody at
//! midnight. So it does not start, and says everything that is wrong in one message.

mod audit;
mod chat;
mod check;
mod function;
mod health;
mod markdown;
mod operator;
mod people;
mod podium;
mod reach;
mod reader;
mod table;
mod website;

use std::time::Duration;

pub use audit::{OptOutAuditConfig, cooldown, optout_audit};
pub use chat::{
    AgentProvider, CatalogueConfig, CatalogueKind, ChatwootApiConfig, ChatwootEndpointConfig, ChatwootWorkerConfig,
    ModelConfig, SpeechConfig, chatwoot_endpoint, chatwoot_worker,
};
pub use check::check;
pub use function::Function;
pub use health::{HealthConfig, health};
pub use markdown::markdown;
pub use operator::{OperatorConfig, QueueUrls, operator};
pub use people::{FollowUpConfig, NotifierConfig, PrivacyWorkerConfig, follow_up, notifier, privacy_worker};
pub use podium::{MirrorConfig, PodiumEndpointConfig, PodiumWorkerConfig, WatchConfig, podium_endpoint, podium_worker};
pub use reach::{ChatwootReach, PodiumReach, ShopifyReach, chatwoot_reach, podium_reach, shopify_reach};
pub use reader::{Env, FAMILIES, Loaded, Problem, Problems};
pub use table::{SETTINGS, Setting};
pub use website::{
    ChatConfig, ContactFormConfig, WebConfig, WidgetEdgeConfig, contact_form, website_chat, widget_edge,
};

use crate::{
    flow::{ingest::IngestRules, locations::LocationRules, say::SpeakerRules, send::SenderRules, worker::WorkerRules},
    hours::AllowedHours,
    ids::{LocationUid, ShopDomain},
    retry::{Backoff, RetryAfter},
    review::{ConsentRule, Location, PartialRefund, Platform, ReviewPolicy, Template},
};
use reader::{Reader, read};

/// Names of the tables. Empty where a function has no business with a table: it has no permission for it either.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableNames {
    /// Events.
    pub inbox: String,
    /// Contacts.
    pub contacts: String,
    /// Review requests.
    pub requests: String,
    /// Sends.
    pub outbox: String,
    /// Pauses, and what is counted.
    pub limits: String,
    /// Shared tokens, and the list of locations.
    pub directory: String,
    /// Webchat sessions.
    pub sessions: String,
    /// What is kept of reviews.
    pub reviews: String,
    /// Chats with the assistant.
    pub chats: String,
    /// Forms that people filled in.
    pub forms: String,
}

/// Settings of `shopify-orders` and `shopify-privacy`: each takes any of Shopify's events.
#[derive(Clone, Debug)]
pub struct ShopifyEndpointConfig {
    /// Its tables.
    pub tables: TableNames,
    /// The worker's queue.
    pub queue_url: String,
    /// The queue of what customers ask about their data.
    pub privacy_queue_url: String,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// Where the signing secret is kept.
    pub webhook_secret: String,
    /// How long a read secret is good for.
    pub secret_ttl: Duration,
    /// The shop that is served.
    pub shop: ShopDomain,
    /// Limits.
    pub rules: IngestRules,
}

/// Settings of `shopify-worker`.
#[derive(Clone, Debug)]
pub struct ShopifyWorkerConfig {
    /// Its tables.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// The shop that is served.
    pub shop: ShopDomain,
    /// The merchant's rules.
    pub policy: ReviewPolicy,
    /// Limits.
    pub rules: WorkerRules,
}

/// Settings of `review-sender`.
#[derive(Clone, Debug)]
pub struct ReviewSenderConfig {
    /// Its tables.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// The shop that is served.
    pub shop: ShopDomain,
    /// The merchant's rules.
    pub policy: ReviewPolicy,
    /// Limits.
    pub rules: SenderRules,
    /// How Shopify is asked.
    pub shopify: ShopifyApiConfig,
    /// How Podium is asked.
    pub podium: PodiumConfig,
    /// How anybody is asked.
    pub http: HttpConfig,
}

/// Settings of `timers`.
#[derive(Clone, Debug)]
pub struct TimersConfig {
    /// Its tables.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// The queue of Shopify's events.
    pub shopify_queue_url: String,
    /// The queue of Podium's events.
    pub podium_queue_url: String,
    /// The queue of Chatwoot's events.
    pub chatwoot_queue_url: String,
    /// The delay queue of due requests.
    pub reviews_queue_url: String,
    /// The queue of what customers ask about their data.
    pub privacy_queue_url: String,
    /// The notifier's queue.
    pub notices_queue_url: String,
    /// How long an event may wait before it is queued again.
    pub sweep_after: Duration,
    /// How long after its time a request that did not end is queued again.
    pub requeue_after: Duration,
    /// The watch over the sessions.
    pub watch: WatchConfig,
    /// How messages are sent.
    pub speaker: SpeakerRules,
    /// The list of locations.
    pub locations: LocationRules,
    /// How Podium is told of opt-outs.
    pub mirror: MirrorConfig,
    /// Within so long a notice is to be told.
    pub notify_within: Duration,
    /// How Podium is asked.
    pub podium: PodiumConfig,
    /// How anybody is asked.
    pub http: HttpConfig,
}

/// How Shopify's Admin API is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopifyApiConfig {
    /// Base URL.
    pub url: String,
    /// Pinned API version.
    pub version: String,
    /// Where the credentials are kept.
    pub secret: String,
}

/// Which of the two pictures of Podium is served (design, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodiumContract {
    /// Podium's published API 2021.04.01: a link, and a message that carries it.
    Published,
    /// The briefs' picture: an invitation that Podium words and sends itself.
    Brief,
}

/// How the token request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenBody {
    /// JSON.
    Json,
    /// A form.
    Form,
}

/// How Podium is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodiumConfig {
    /// Which contract.
    pub contract: PodiumContract,
    /// Base URL.
    pub url: String,
    /// Where tokens are granted.
    pub token_url: String,
    /// How the token request is written.
    pub token_body: TokenBody,
    /// Pinned API version.
    pub version: String,
    /// Where the credentials are kept.
    pub secret: String,
    /// The campaign; only the briefs' contract has one.
    pub campaign: Option<String>,
}

/// How any provider is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for a whole answer.
    pub timeout: Duration,
    /// How `Retry-After` is read.
    pub retry_after: RetryAfter,
}

/// Reads the settings of a function that takes in Shopify's webhooks.
///
/// # Errors
/// All problems at once.
pub fn shopify_endpoint(env: &impl Env) -> Result<Loaded<ShopifyEndpointConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(ShopifyEndpointConfig {
        tables: shopify_tables(&mut r),
        queue_url: r.required("FRONTDESK_QUEUE_SHOPIFY_URL"),
        privacy_queue_url: r.required("FRONTDESK_QUEUE_PRIVACY_URL"),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        webhook_secret: r.required("SHOPIFY_WEBHOOK_SECRET_ARN"),
        secret_ttl: r.seconds("FRONTDESK_SECRET_TTL_SECONDS", 1..=86_400),
        shop: shop(&mut r),
        rules: ingest_rules(&mut r),
    });
    r.finish(config)
}

/// Reads the settings of `shopify-worker`.
///
/// # Errors
/// All problems at once.
pub fn shopify_worker(env: &impl Env) -> Result<Loaded<ShopifyWorkerConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(ShopifyWorkerConfig {
        tables: worker_tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        shop: shop(&mut r),
        policy: policy(&mut r),
        rules: worker_rules(&mut r),
    });
    r.finish(config)
}

/// Reads the settings of `review-sender`.
///
/// # Errors
/// All problems at once.
pub fn review_sender(env: &impl Env) -> Result<Loaded<ReviewSenderConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(ReviewSenderConfig {
        tables: sender_tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        shop: shop(&mut r),
        policy: policy(&mut r),
        rules: sender_rules(&mut r),
        shopify: shopify_api(&mut r),
        podium: podium_api(&mut r),
        http: http(&mut r),
    });
    r.finish(config)
}

/// Reads the settings of `timers`.
///
/// # Errors
/// All problems at once.
pub fn timers(env: &impl Env) -> Result<Loaded<TimersConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(TimersConfig {
        tables: timers_tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        shopify_queue_url: r.required("FRONTDESK_QUEUE_SHOPIFY_URL"),
        podium_queue_url: r.required("FRONTDESK_QUEUE_PODIUM_URL"),
        chatwoot_queue_url: r.required("FRONTDESK_QUEUE_CHATWOOT_URL"),
        reviews_queue_url: r.required("FRONTDESK_QUEUE_REVIEWS_URL"),
        privacy_queue_url: r.required("FRONTDESK_QUEUE_PRIVACY_URL"),
        notices_queue_url: r.required("FRONTDESK_QUEUE_NOTICES_URL"),
        sweep_after: r.seconds("FRONTDESK_SWEEP_AFTER_SECONDS", 1..=86_400),
        requeue_after: r.seconds("FRONTDESK_REQUEUE_AFTER_SECONDS", 1..=86_400),
        watch: podium::watch(&mut r),
        speaker: podium::speaker_rules(&mut r),
        locations: podium::location_rules(&mut r),
        mirror: podium::mirror(&mut r),
        notify_within: r.seconds("NOTIFY_WITHIN_SECONDS", 10..=3_600),
        podium: podium_api(&mut r),
        http: http(&mut r),
    });
    r.finish(config)
}

fn ingest_rules(r: &mut Reader<'_>) -> Option<IngestRules> {
    read!(IngestRules {
        body_bytes_max: r.bytes("FRONTDESK_BODY_BYTES_MAX", 1_024..=6_000_000),
        keep: r.days("FRONTDESK_INBOX_KEEP_DAYS", 1..=365),
    })
}

fn worker_rules(r: &mut Reader<'_>) -> Option<WorkerRules> {
    read!(WorkerRules {
        lease: r.seconds("FRONTDESK_LEASE_SECONDS", 1..=3_600),
        attempts_max: r.count("FRONTDESK_ATTEMPTS_MAX", 1..=1_000),
        body_bytes_max: r.bytes("FRONTDESK_BODY_BYTES_MAX", 1_024..=6_000_000),
        sweep_after: r.seconds("FRONTDESK_SWEEP_AFTER_SECONDS", 1..=86_400),
    })
}

fn shopify_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let inbox = r.required("FRONTDESK_TABLE_INBOX");
    let contacts = r.required("FRONTDESK_TABLE_CONTACTS");
    Some(TableNames { inbox: inbox?, contacts: contacts?, ..TableNames::default() })
}

fn worker_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let ends = shopify_tables(r);
    let requests = r.required("FRONTDESK_TABLE_REQUESTS");
    let outbox = r.required("FRONTDESK_TABLE_OUTBOX");
    let directory = r.required("FRONTDESK_TABLE_DIRECTORY");
    Some(TableNames { requests: requests?, outbox: outbox?, directory: directory?, ..ends? })
}

fn sender_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let contacts = r.required("FRONTDESK_TABLE_CONTACTS");
    let requests = r.required("FRONTDESK_TABLE_REQUESTS");
    let outbox = r.required("FRONTDESK_TABLE_OUTBOX");
    let limits = r.required("FRONTDESK_TABLE_LIMITS");
    let directory = r.required("FRONTDESK_TABLE_DIRECTORY");
    Some(TableNames {
        contacts: contacts?,
        requests: requests?,
        outbox: outbox?,
        limits: limits?,
        directory: directory?,
        ..TableNames::default()
    })
}

fn timers_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let inbox = r.required("FRONTDESK_TABLE_INBOX");
    let sessions = r.required("FRONTDESK_TABLE_SESSIONS");
    let rest = sender_tables(r);
    Some(TableNames { inbox: inbox?, sessions: sessions?, ..rest? })
}

fn shop(r: &mut Reader<'_>) -> Option<ShopDomain> {
    r.parsed("SHOPIFY_SHOP", |text| {
        let domain = text.to_ascii_lowercase();
        if domain.contains('/') || !domain.contains('.') {
            return Err("is not a domain like harbour-lane.myshopify.com".into());
        }
        ShopDomain::try_from(domain.as_str()).map_err(|e| e.to_string())
    })
}

fn policy(r: &mut Reader<'_>) -> Option<ReviewPolicy> {
    let locations = r.parsed("SHOPIFY_LOCATIONS", locations);
    let only_location =
        r.optional("SHOPIFY_ONLY_LOCATION", |uid| LocationUid::try_from(uid).map_err(|e| e.to_string()));
    if let (Some(locations), Some(Some(only))) = (&locations, &only_location)
        && !locations.iter().any(|l| l.uid == *only)
    {
        r.problem("SHOPIFY_ONLY_LOCATION", "names a location that SHOPIFY_LOCATIONS does not list".into());
    }
    let policy = read!(ReviewPolicy {
        buffer: r.seconds("REVIEW_BUFFER_SECONDS", 0..=31_536_000),
        cooldown: r.days("REVIEW_COOLDOWN_DAYS", 0..=3_650),
        hours: r.parsed("REVIEW_ALLOWED_HOURS", |t| AllowedHours::parse(t).map_err(|e| e.to_string())),
        partial_refund: r
            .word("REVIEW_PARTIAL_REFUND", &[("skip", PartialRefund::Skip), ("defer", PartialRefund::Defer)]),
        max_age: r.days("REVIEW_MAX_AGE_DAYS", 1..=3_650),
        settle: r.days("REVIEW_SETTLE_DAYS", 1..=365),
        settle_max: r.days("REVIEW_SETTLE_MAX_DAYS", 1..=365),
        skip_test: r.switch("REVIEW_SKIP_TEST"),
        skip_pos: r.switch("REVIEW_SKIP_POS"),
        skip_b2b: r.switch("REVIEW_SKIP_B2B"),
        consent: r.word(
            "REVIEW_CONSENT",
            &[
                ("require_sms_subscribed", ConsentRule::RequireSmsSubscribed),
                ("checkout_notice", ConsentRule::CheckoutNotice)
            ],
        ),
        default_platform: r.word("REVIEW_PLATFORM", &Platform::ALL.map(|p| (p.as_str(), p))),
        template: r.parsed("REVIEW_MESSAGE", |t| Template::parse(t).map_err(|e| e.to_string())),
        locations: locations,
        only_location: only_location,
        keep: r.days("REVIEW_KEEP_DAYS", 30..=3_650),
        reminder: people::reminder(r),
        exclude_tags: r.optional("REVIEW_EXCLUDE_TAGS", people::tags).map(Option::unwrap_or_default),
        after_delivery: r.optional("REVIEW_AFTER_DELIVERY_SECONDS", |text| {
            let seconds = text.parse::<u64>().ok().filter(|s| *s <= 31_536_000);
            seconds.map(Duration::from_secs).ok_or_else(|| "is no whole number of seconds up to a year".to_owned())
        }),
    });
    if let Some(policy) = &policy {
        if policy.settle > policy.settle_max {
            r.problem("REVIEW_SETTLE_DAYS", "is longer than REVIEW_SETTLE_MAX_DAYS".into());
        }
        // A request that is forgotten while its order can still be edited would be made, and sent, again.
        if policy.keep < policy.max_age + policy.buffer + policy.settle_max {
            let what = "is less than REVIEW_MAX_AGE_DAYS, REVIEW_BUFFER_SECONDS and REVIEW_SETTLE_MAX_DAYS together";
            r.problem("REVIEW_KEEP_DAYS", what.into());
        }
    }
    policy
}

fn sender_rules(r: &mut Reader<'_>) -> Option<SenderRules> {
    let (settle, look_up_for) = look_ups(r);
    let rules = read!(SenderRules {
        lease: r.seconds("FRONTDESK_LEASE_SECONDS", 1..=3_600),
        backoff: read!(Backoff {
            base: r.seconds("REVIEW_RETRY_SECONDS", 1..=86_400),
            cap: r.seconds("REVIEW_RETRY_MAX_SECONDS", 1..=86_400),
        }),
        give_up_after: r.hours("REVIEW_GIVE_UP_HOURS", 1..=8_760),
        settle: settle,
        look_up_for: look_up_for,
    });
    if rules.as_ref().is_some_and(|rules| rules.backoff.base > rules.backoff.cap) {
        r.problem("REVIEW_RETRY_SECONDS", "is longer than REVIEW_RETRY_MAX_SECONDS".into());
    }
    rules
}

/// When a message whose answer was lost is looked up, and for how long.
fn look_ups(r: &mut Reader<'_>) -> (Option<Duration>, Option<Duration>) {
    let settle = r.seconds("PODIUM_LOOKUP_AFTER_SECONDS", 0..=86_400);
    let look_up_for = r.hours("PODIUM_LOOKUP_HOURS", 1..=8_760);
    if settle.zip(look_up_for).is_some_and(|(settle, look_up_for)| settle >= look_up_for) {
        r.problem("PODIUM_LOOKUP_AFTER_SECONDS", "is not shorter than PODIUM_LOOKUP_HOURS".into());
    }
    (settle, look_up_for)
}

fn shopify_api(r: &mut Reader<'_>) -> Option<ShopifyApiConfig> {
    let shop = shop(r);
    let url = r.optional("SHOPIFY_API_URL", |url| Ok::<_, String>(url.to_owned()));
    read!(ShopifyApiConfig {
        url: shop.zip(url).map(|(shop, url)| url.unwrap_or_else(|| format!("https://{shop}"))),
        version: r.required("SHOPIFY_API_VERSION"),
        secret: r.required("SHOPIFY_ADMIN_SECRET_ARN"),
    })
}

fn podium_api(r: &mut Reader<'_>) -> Option<PodiumConfig> {
    let contract =
        r.word("PODIUM_CONTRACT", &[("published", PodiumContract::Published), ("brief", PodiumContract::Brief)]);
    let campaign = r.optional("PODIUM_CAMPAIGN_ID", |id| Ok::<_, String>(id.to_owned()));
    if contract == Some(PodiumContract::Brief) && campaign == Some(None) {
        r.problem("PODIUM_CAMPAIGN_ID", "is needed when PODIUM_CONTRACT=brief".into());
    }
    read!(PodiumConfig {
        contract: contract,
        url: r.required("PODIUM_API_URL"),
        token_url: r.required("PODIUM_TOKEN_URL"),
        token_body: r.word("PODIUM_TOKEN_BODY", &[("json", TokenBody::Json), ("form", TokenBody::Form)]),
        version: r.required("PODIUM_API_VERSION"),
        secret: r.required("PODIUM_OAUTH_SECRET_ARN"),
        campaign: campaign,
    })
}

fn http(r: &mut Reader<'_>) -> Option<HttpConfig> {
    read!(HttpConfig {
        connect_timeout: r.millis("FRONTDESK_CONNECT_TIMEOUT_MS", 50..=60_000),
        timeout: r.millis("FRONTDESK_CALL_TIMEOUT_MS", 100..=60_000),
        retry_after: read!(RetryAfter {
            default: r.seconds("FRONTDESK_RETRY_AFTER_DEFAULT_SECONDS", 1..=3_600),
            cap: r.seconds("FRONTDESK_RETRY_AFTER_MAX_SECONDS", 1..=86_400),
        }),
    })
}

/// A location as the setting spells it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LocationSetting {
    podium_location: String,
    name: String,
    country: String,
    #[serde(default)]
    shopify_location_ids: Vec<u64>,
    review_link: Option<String>,
}

fn locations(text: &str) -> Result<Vec<Location>, String> {
    let example = r#"e.g. [{"podium_location":"loc-1","name":"Harbour Lane","country":"AU","shopify_location_ids":[88110022001]}]"#;
    let listed: Vec<LocationSetting> =
        serde_json::from_str(text).map_err(|e| format!("is not a JSON list of locations ({e}); {example}"))?;
    if listed.is_empty() {
        return Err(format!("lists no location; {example}"));
    }
    let (mut seen, mut uids) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    listed
        .into_iter()
        .map(|l| {
            let uid = LocationUid::try_from(l.podium_location.as_str()).map_err(|e| e.to_string())?;
            if !uids.insert(uid.clone()) {
                return Err(format!(
                    "lists the location {uid} twice; give it all its shopify_location_ids in one entry"
                ));
            }
            if l.name.trim().is_empty() {
                return Err(format!("gives the location {uid} no name; customers read it"));
            }
            if l.review_link.as_deref().is_some_and(|link| !is_review_link(link)) {
                return Err(format!(
                    "gives the location {uid} a review_link that is no https address of up to 300 characters"
                ));
            }
            if crate::phone::Region::try_from(l.country.as_str()).is_ok_and(crate::phone::Region::is_known) {
                if let Some(twice) = l.shopify_location_ids.iter().find(|id| !seen.insert(**id)) {
                    return Err(format!("lists the Shopify location {twice} twice"));
                }
                Ok(Location {
                    uid,
                    name: l.name.trim().to_owned(),
                    country: l.country,
                    shopify_ids: l.shopify_location_ids,
                    review_link: l.review_link,
                })
            } else {
                Err(format!("gives the location {uid} a country that is not two capitals like AU"))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;

/// Customers open it, so it has to be one that a text can carry.
fn is_review_link(link: &str) -> bool {
    let host = link.strip_prefix("https://").map(|rest| rest.split('/').next().unwrap_or_default());
    host.is_some_and(|host| host.contains('.')) && link.len() <= 300 && link.chars().all(|c| c.is_ascii_graphic())
}
