//! Settings of what follows after a send: reviews, notices, comparisons with the providers' lists, and erasures.

use std::time::Duration;

use super::{
    Env, HttpConfig, Loaded, PodiumConfig, Problems, ShopifyApiConfig, TableNames, http, ingest_rules, podium,
    podium_api, policy,
    reader::{Reader, read},
    sender_tables, shop, shopify_api,
};
use crate::{
    flow::{
        ingest::{IngestRules, PodiumEndpoint},
        notify::NotifyRules,
        reconcile::ReconcileRules,
        reviews::{ReviewRules, Thanks},
        say::SpeakerRules,
        worker::WorkerRules,
    },
    hours::AllowedHours,
    ids::ShopDomain,
    notice::Channel,
    retry::Backoff,
    review::{Reminder, ReviewPolicy, Template},
    signature::{ReplayWindow, StalePolicy},
    time::DAY,
    wish::ExtraWords,
};

/// Longer than the notifier may run (25 s in the template), clocks' differences included. Short, because a notice whose
/// notifier died waits for it, and is to be told within a minute.
const NOTIFIER_LEASE: Duration = Duration::from_secs(30);
/// Longer than an erasure may run: Lambda's 15 minutes.
const ERASURE_LEASE: Duration = Duration::from_secs(960);
/// Longer than the follow-up may run (300 s in the template), clocks' differences included. It holds reminders only.
const FOLLOW_UP_LEASE: Duration = Duration::from_secs(330);
/// After so long a run of a comparison stops, well before its function is cut off; the next goes on.
const RUN_FOR: Duration = Duration::from_secs(120);
/// How much of what was compared before is compared again, as lists may be late.
const OVERLAP: Duration = Duration::from_secs(600);

/// Settings of `notifier`.
#[derive(Clone, Debug)]
pub struct NotifierConfig {
    /// Its tables.
    pub tables: TableNames,
    /// Its own queue.
    pub queue_url: String,
    /// Channels and limits.
    pub rules: NotifyRules,
    /// Where the address of the Slack webhook is kept.
    pub slack_secret: Option<String>,
    /// Where the address of the other webhook is kept, and the secret that signs what is sent there.
    pub webhook_secret: Option<String>,
    /// The SNS topic.
    pub topic: Option<String>,
    /// How anybody is called.
    pub http: HttpConfig,
    /// Longest wait for a channel's answer.
    pub timeout: Duration,
}

/// Settings of `privacy-worker`.
#[derive(Clone, Debug)]
pub struct PrivacyWorkerConfig {
    /// Its tables: all that may hold something of a person.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// The shop that is served.
    pub shop: ShopDomain,
    /// Countries in which a number without its country code is read.
    pub countries: Vec<String>,
    /// Limits.
    pub rules: WorkerRules,
}

/// Settings of `follow-up`.
#[derive(Clone, Debug)]
pub struct FollowUpConfig {
    /// Its tables.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// The queue of Shopify's events.
    pub shopify_queue_url: String,
    /// The queue of Podium's events.
    pub podium_queue_url: String,
    /// The shop that is served.
    pub shop: ShopDomain,
    /// The merchant's rules.
    pub policy: ReviewPolicy,
    /// The shop's own words for STOP.
    pub extra_words: ExtraWords,
    /// How a reminder is sent.
    pub speaker: SpeakerRules,
    /// Limits of what is taken in from lists.
    pub intake: IngestRules,
    /// The comparison with the providers' lists.
    pub reconcile: ReconcileRules,
    /// How Shopify is asked.
    pub shopify: ShopifyApiConfig,
    /// How Podium is asked.
    pub podium: PodiumConfig,
    /// How anybody is asked.
    pub http: HttpConfig,
}

impl FollowUpConfig {
    /// How events out of Podium's lists are read. Nobody signs those: it was us who asked.
    #[must_use]
    pub fn podium_events(&self) -> PodiumEndpoint {
        let window = ReplayWindow { window_s: 0, stale: StalePolicy::Reject };
        PodiumEndpoint { schemes: Vec::new(), window, extra_words: self.extra_words.clone() }
    }
}

/// Reads the settings of `follow-up`.
///
/// # Errors
/// All problems at once.
pub fn follow_up(env: &impl Env) -> Result<Loaded<FollowUpConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(FollowUpConfig {
        tables: follow_up_tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        shopify_queue_url: r.required("FRONTDESK_QUEUE_SHOPIFY_URL"),
        podium_queue_url: r.required("FRONTDESK_QUEUE_PODIUM_URL"),
        shop: shop(&mut r),
        policy: policy(&mut r),
        extra_words: podium::extra_words(&mut r),
        speaker: podium::speaker_rules_with(Some(FOLLOW_UP_LEASE), &mut r),
        intake: ingest_rules(&mut r),
        reconcile: reconcile_rules(&mut r),
        shopify: shopify_api(&mut r),
        podium: podium_api(&mut r),
        http: http(&mut r),
    });
    r.finish(config)
}

fn follow_up_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let inbox = r.required("FRONTDESK_TABLE_INBOX");
    let reviews = r.required("FRONTDESK_TABLE_REVIEWS");
    let rest = sender_tables(r);
    Some(TableNames { inbox: inbox?, reviews: reviews?, ..rest? })
}

/// Reads the settings of `notifier`.
///
/// # Errors
/// All problems at once.
pub fn notifier(env: &impl Env) -> Result<Loaded<NotifierConfig>, Problems> {
    let mut r = Reader::new(env);
    let text = |text: &str| Ok::<_, String>(text.to_owned());
    let slack_secret = r.optional("NOTIFY_SLACK_SECRET_ARN", text);
    let webhook_secret = r.optional("NOTIFY_WEBHOOK_SECRET_ARN", text);
    let topic = r.optional("NOTIFY_SNS_TOPIC_ARN", text);
    let listed = r.parsed("NOTIFY_CHANNELS", channels);
    let set_up = |channel: &Channel| match channel {
        Channel::Slack => slack_secret.as_ref().is_some_and(Option::is_some),
        Channel::Webhook => webhook_secret.as_ref().is_some_and(Option::is_some),
        Channel::Sns => topic.as_ref().is_some_and(Option::is_some),
    };
    let channels = listed.map(|listed| listed.into_iter().filter(set_up).collect());
    let rules = read!(NotifyRules {
        channels: channels,
        within: r.seconds("NOTIFY_WITHIN_SECONDS", 10..=3_600),
        give_up_after: r.hours("NOTIFY_GIVE_UP_HOURS", 1..=168),
        backoff: read!(Backoff {
            base: r.seconds("NOTIFY_RETRY_SECONDS", 1..=3_600),
            cap: r.seconds("NOTIFY_RETRY_MAX_SECONDS", 1..=3_600),
        }),
        lease: Some(NOTIFIER_LEASE),
    });
    let outbox = r.required("FRONTDESK_TABLE_OUTBOX");
    let config = read!(NotifierConfig {
        tables: outbox.map(|outbox| TableNames { outbox, ..TableNames::default() }),
        queue_url: r.required("FRONTDESK_QUEUE_NOTICES_URL"),
        rules: rules,
        slack_secret: slack_secret,
        webhook_secret: webhook_secret,
        topic: topic,
        http: http(&mut r),
        timeout: r.millis("NOTIFY_TIMEOUT_MS", 100..=5_000),
    });
    r.finish(config)
}

/// Reads the settings of `privacy-worker`.
///
/// # Errors
/// All problems at once.
pub fn privacy_worker(env: &impl Env) -> Result<Loaded<PrivacyWorkerConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(PrivacyWorkerConfig {
        tables: privacy_tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        shop: shop(&mut r),
        countries: r.parsed("SHOPIFY_LOCATIONS", |text| {
            let mut countries: Vec<String> = super::locations(text)?.into_iter().map(|l| l.country).collect();
            countries.sort_unstable();
            countries.dedup();
            Ok(countries)
        }),
        rules: read!(WorkerRules {
            lease: Some(ERASURE_LEASE),
            attempts_max: r.count("FRONTDESK_ATTEMPTS_MAX", 1..=1_000),
            body_bytes_max: r.bytes("FRONTDESK_BODY_BYTES_MAX", 1_024..=6_000_000),
            sweep_after: r.seconds("FRONTDESK_SWEEP_AFTER_SECONDS", 1..=86_400),
        }),
    });
    r.finish(config)
}

fn privacy_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let inbox = r.required("FRONTDESK_TABLE_INBOX");
    let contacts = r.required("FRONTDESK_TABLE_CONTACTS");
    let requests = r.required("FRONTDESK_TABLE_REQUESTS");
    let outbox = r.required("FRONTDESK_TABLE_OUTBOX");
    let sessions = r.required("FRONTDESK_TABLE_SESSIONS");
    let reviews = r.required("FRONTDESK_TABLE_REVIEWS");
    let chats = r.required("FRONTDESK_TABLE_CHATS");
    let forms = r.required("FRONTDESK_TABLE_FORMS");
    Some(TableNames {
        inbox: inbox?,
        contacts: contacts?,
        requests: requests?,
        outbox: outbox?,
        sessions: sessions?,
        reviews: reviews?,
        chats: chats?,
        forms: forms?,
        ..TableNames::default()
    })
}

/// What follows from a review, in `podium-worker`.
pub(super) fn review_rules(r: &mut Reader<'_>) -> Option<ReviewRules> {
    let on = r.word("REVIEW_THANKS", &[("off", false), ("on", true)]);
    let thanks = read!(Thanks {
        text: r.parsed("REVIEW_THANKS_MESSAGE", podium::text),
        hours: r.parsed("REVIEW_ALLOWED_HOURS", |t| AllowedHours::parse(t).map_err(|e| e.to_string())),
    });
    read!(ReviewRules {
        thanks: on.zip(thanks).map(|(on, thanks)| on.then_some(thanks)),
        speaker: podium::speaker_rules(r),
    })
}

/// One reminder; none with 0 days. Its text is read whatever the days are, so that a wrong one is found in time.
pub(super) fn reminder(r: &mut Reader<'_>) -> Option<Option<Reminder>> {
    let days = r.count("REVIEW_REMINDER_DAYS", 0..=60);
    let template = r.parsed("REVIEW_REMINDER_MESSAGE", |t| Template::parse(t).map_err(|e| e.to_string()));
    days.zip(template).map(|(days, template)| (days > 0).then(|| Reminder { after: DAY * days, template }))
}

fn reconcile_rules(r: &mut Reader<'_>) -> Option<ReconcileRules> {
    read!(ReconcileRules {
        back: r.hours("RECONCILE_BACK_HOURS", 1..=1_440),
        overlap: Some(OVERLAP),
        settle: r.seconds("RECONCILE_SETTLE_SECONDS", 0..=86_400),
        run_for: Some(RUN_FOR),
    })
}

/// The shop's tags that exclude an order, separated by commas.
pub(super) fn tags(text: &str) -> Result<Vec<String>, String> {
    let tags: Vec<String> = text.split(',').map(|t| t.trim().to_lowercase()).filter(|t| !t.is_empty()).collect();
    if tags.iter().any(|t| t.contains(char::is_control)) {
        return Err("holds a control character".into());
    }
    Ok(tags)
}

fn channels(text: &str) -> Result<Vec<Channel>, String> {
    let known = Channel::ALL.map(Channel::as_str).join(", ");
    let mut channels = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let channel = Channel::parse(&name.to_ascii_lowercase());
        let channel = channel.ok_or_else(|| format!("names {name:?}, which is not one of {known}"))?;
        if !channels.contains(&channel) {
            channels.push(channel);
        }
    }
    Ok(channels)
}
