//! Settings of the functions that take in, work on and look after what customers write through Podium.

use std::time::Duration;

use super::{
    Env, HttpConfig, Loaded, PodiumConfig, PodiumContract, Problems, TableNames, http, ingest_rules, look_ups, people,
    podium_api,
    reader::{Reader, read},
    worker_rules,
};
use crate::{
    flow::{
        ingest::{IngestRules, PodiumEndpoint},
        locations::LocationRules,
        podium_worker::{AttachmentRules, BurstRules, ChatRules, ReplyMode},
        reviews::ReviewRules,
        say::SpeakerRules,
        worker::WorkerRules,
    },
    keyword::KeywordAnswers,
    provider::OptOutMirror,
    retry::Backoff,
    session::SessionRules,
    signature::{PodiumScheme, ReplayWindow, StalePolicy},
    wish::ExtraWords,
};

/// Longest text in characters, as for a review request.
const TEXT_CHARS_MAX: usize = 480;
/// Longest label of a tag in characters.
const TAG_CHARS_MAX: usize = 100;
/// Longest name of a host.
const HOST_BYTES_MAX: usize = 253;

/// Settings of `podium-webchat`, `podium-sms`, `podium-contacts` and `podium-reviews`: each takes any of Podium's events.
#[derive(Clone, Debug)]
pub struct PodiumEndpointConfig {
    /// Its tables.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// The worker's queue.
    pub queue_url: String,
    /// Where the signing secret is kept.
    pub webhook_secret: String,
    /// How long a read secret is good for.
    pub secret_ttl: Duration,
    /// How a delivery is read.
    pub endpoint: PodiumEndpoint,
    /// Limits.
    pub rules: IngestRules,
}

/// Settings of `podium-worker`.
#[derive(Clone, Debug)]
pub struct PodiumWorkerConfig {
    /// Its tables.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// The shop's rules.
    pub chat: ChatRules,
    /// What follows from reviews.
    pub reviews: ReviewRules,
    /// The notifier's queue.
    pub notices_queue_url: String,
    /// Limits.
    pub rules: WorkerRules,
    /// How Podium is asked.
    pub podium: PodiumConfig,
    /// Hosts that may be asked about attachments, as the setting lists them.
    pub attachment_hosts: String,
    /// How anybody is asked.
    pub http: HttpConfig,
}

/// The watch over the sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchConfig {
    /// When a session is asked about and closed.
    pub sessions: SessionRules,
    /// What a silent customer is asked; `None`: nothing.
    pub prompt: Option<String>,
}

/// How Podium is told of opt-outs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorConfig {
    /// In which way; `None`: not at all.
    pub how: Option<OptOutMirror>,
    /// The label of the tag, where that is the way.
    pub tag: String,
    /// Between vain attempts.
    pub backoff: Backoff,
}

/// Reads the settings of a function that takes in Podium's webhooks.
///
/// # Errors
/// All problems at once.
pub fn podium_endpoint(env: &impl Env) -> Result<Loaded<PodiumEndpointConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(PodiumEndpointConfig {
        tables: endpoint_tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        queue_url: r.required("FRONTDESK_QUEUE_PODIUM_URL"),
        webhook_secret: r.required("PODIUM_WEBHOOK_SECRET_ARN"),
        secret_ttl: r.seconds("FRONTDESK_SECRET_TTL_SECONDS", 1..=86_400),
        endpoint: read!(PodiumEndpoint {
            schemes: r.parsed("PODIUM_SIGNATURE_SCHEMES", schemes),
            window: read!(ReplayWindow {
                window_s: r.count("PODIUM_REPLAY_WINDOW_SECONDS", 1..=31_536_000),
                stale: r.word("PODIUM_STALE", &[("accept", StalePolicy::Accept), ("reject", StalePolicy::Reject)]),
            }),
            extra_words: extra_words(&mut r),
        }),
        rules: ingest_rules(&mut r),
    });
    r.finish(config)
}

/// Reads the settings of `podium-worker`.
///
/// # Errors
/// All problems at once.
pub fn podium_worker(env: &impl Env) -> Result<Loaded<PodiumWorkerConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(PodiumWorkerConfig {
        tables: worker_tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        chat: chat(&mut r),
        reviews: people::review_rules(&mut r),
        notices_queue_url: r.required("FRONTDESK_QUEUE_NOTICES_URL"),
        rules: worker_rules(&mut r),
        podium: podium_api(&mut r),
        attachment_hosts: r.parsed("WEBCHAT_ATTACHMENT_HOSTS", hosts),
        http: http(&mut r),
    });
    r.finish(config)
}

fn endpoint_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let inbox = r.required("FRONTDESK_TABLE_INBOX");
    let contacts = r.required("FRONTDESK_TABLE_CONTACTS");
    let directory = r.required("FRONTDESK_TABLE_DIRECTORY");
    Some(TableNames { inbox: inbox?, contacts: contacts?, directory: directory?, ..TableNames::default() })
}

fn worker_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let ends = endpoint_tables(r);
    let outbox = r.required("FRONTDESK_TABLE_OUTBOX");
    let limits = r.required("FRONTDESK_TABLE_LIMITS");
    let sessions = r.required("FRONTDESK_TABLE_SESSIONS");
    let requests = r.required("FRONTDESK_TABLE_REQUESTS");
    let reviews = r.required("FRONTDESK_TABLE_REVIEWS");
    Some(TableNames {
        outbox: outbox?,
        limits: limits?,
        sessions: sessions?,
        requests: requests?,
        reviews: reviews?,
        ..ends?
    })
}

pub(super) fn attachment_rules(r: &mut Reader<'_>) -> Option<AttachmentRules> {
    read!(AttachmentRules {
        bytes_max: r.number("WEBCHAT_ATTACHMENT_BYTES_MAX", 1..=1_073_741_824),
        in_sum: r.word("WEBCHAT_ATTACHMENT_LIMIT", &[("sum", true), ("each", false)]),
    })
}

fn chat(r: &mut Reader<'_>) -> Option<ChatRules> {
    read!(ChatRules {
        extra_words: extra_words(r),
        sessions: sessions(r),
        attachments: attachment_rules(r),
        locations: location_rules(r),
        burst: read!(BurstRules {
            limit: r.count("WEBCHAT_REJECTION_BURST", 1..=100_000),
            window: r.seconds("WEBCHAT_REJECTION_BURST_SECONDS", 1..=86_400),
        }),
        reply: reply(r),
        confirmation: r.parsed("WEBCHAT_CONFIRMATION", text),
        speaker: speaker_rules(r),
    })
}

/// The answers are read whatever the mode is, so that a wrong list is found before the day when it is switched on. An
/// empty one is fine: then every answer is the confirmation.
fn reply(r: &mut Reader<'_>) -> Option<ReplyMode> {
    let mode = r.word("WEBCHAT_REPLY", &[("off", 0), ("confirmation", 1), ("agent", 2)]);
    let answers = r.parsed("AGENT_KEYWORDS", |json| {
        let answers = KeywordAnswers::parse(json).map_err(|e| e.to_string())?;
        let listed: Vec<serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
        listed.iter().filter_map(|rule| rule.get("answer")?.as_str()).try_for_each(placeholders)?;
        Ok(answers)
    });
    match (mode?, answers?) {
        (0, _) => Some(ReplyMode::Off),
        (1, _) => Some(ReplyMode::Confirmation),
        (_, answers) => Some(ReplyMode::Agent(answers)),
    }
}

pub(super) fn watch(r: &mut Reader<'_>) -> Option<WatchConfig> {
    let on = r.word("WEBCHAT_KEEP_ALIVE", &[("on", true), ("off", false)]);
    let prompt = r.parsed("WEBCHAT_PROMPT", text);
    read!(WatchConfig { sessions: sessions(r), prompt: on.zip(prompt).map(|(on, prompt)| on.then_some(prompt)) })
}

fn sessions(r: &mut Reader<'_>) -> Option<SessionRules> {
    let rules = read!(SessionRules {
        warn_after: r.seconds("WEBCHAT_WARN_SECONDS", 1..=86_400),
        close_after: r.seconds("WEBCHAT_CLOSE_SECONDS", 1..=604_800),
        keep: r.days("WEBCHAT_KEEP_DAYS", 1..=365),
    });
    if rules.is_some_and(|rules| rules.close_after <= rules.warn_after) {
        r.problem("WEBCHAT_CLOSE_SECONDS", "is not longer than WEBCHAT_WARN_SECONDS".into());
    }
    rules
}

pub(super) fn speaker_rules(r: &mut Reader<'_>) -> Option<SpeakerRules> {
    let lease = r.seconds("FRONTDESK_LEASE_SECONDS", 1..=3_600);
    speaker_rules_with(lease, r)
}

/// The same in a function whose lease is its own.
pub(super) fn speaker_rules_with(lease: Option<Duration>, r: &mut Reader<'_>) -> Option<SpeakerRules> {
    let (settle, look_up_for) = look_ups(r);
    let rules = read!(SpeakerRules {
        lease: lease,
        settle: settle,
        look_up_for: look_up_for,
        keep: r.days("FRONTDESK_OUTBOX_KEEP_DAYS", 1..=3_650),
    });
    // A message that is forgotten while it is still being looked up could be sent again.
    if rules.is_some_and(|rules| rules.keep <= rules.look_up_for) {
        r.problem("FRONTDESK_OUTBOX_KEEP_DAYS", "is not longer than PODIUM_LOOKUP_HOURS".into());
    }
    rules
}

pub(super) fn location_rules(r: &mut Reader<'_>) -> Option<LocationRules> {
    let rules = read!(LocationRules {
        interval: r.seconds("PODIUM_LOCATIONS_SECONDS", 1..=86_400),
        fresh_for: r.seconds("PODIUM_LOCATIONS_FRESH_SECONDS", 0..=86_400),
    });
    if rules.is_some_and(|rules| rules.fresh_for > rules.interval) {
        r.problem("PODIUM_LOCATIONS_FRESH_SECONDS", "is longer than PODIUM_LOCATIONS_SECONDS".into());
    }
    rules
}

pub(super) fn mirror(r: &mut Reader<'_>) -> Option<MirrorConfig> {
    let ways = [
        ("none", None),
        ("tag", Some(OptOutMirror::Tag)),
        ("campaign_opt_out", Some(OptOutMirror::CampaignOptOut)),
        ("brief_patch", Some(OptOutMirror::BriefPatch)),
    ];
    let mirror = read!(MirrorConfig {
        how: r.word("OPTOUT_MIRROR", &ways),
        tag: r.parsed("OPTOUT_TAG", tag),
        backoff: read!(Backoff {
            base: r.seconds("OPTOUT_MIRROR_RETRY_SECONDS", 1..=86_400),
            cap: r.seconds("OPTOUT_MIRROR_RETRY_MAX_SECONDS", 1..=86_400),
        }),
    });
    if let Some(mirror) = &mirror {
        if mirror.backoff.base > mirror.backoff.cap {
            r.problem("OPTOUT_MIRROR_RETRY_SECONDS", "is longer than OPTOUT_MIRROR_RETRY_MAX_SECONDS".into());
        }
        let published = podium_api(r).is_some_and(|podium| podium.contract == PodiumContract::Published);
        if mirror.how == Some(OptOutMirror::BriefPatch) && published {
            r.problem("OPTOUT_MIRROR", "is brief_patch, which only PODIUM_CONTRACT=brief has".into());
        }
    }
    mirror
}

pub(super) fn extra_words(r: &mut Reader<'_>) -> Option<ExtraWords> {
    r.optional("OPTOUT_EXTRA_WORDS", ExtraWords::parse).map(Option::unwrap_or_default)
}

fn schemes(text: &str) -> Result<Vec<PodiumScheme>, String> {
    let known = PodiumScheme::ALL.map(PodiumScheme::as_str).join(", ");
    let mut schemes = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let scheme = PodiumScheme::from_name(&name.to_ascii_lowercase());
        let scheme = scheme.ok_or_else(|| format!("names {name:?}, which is not one of {known}"))?;
        if !schemes.contains(&scheme) {
            schemes.push(scheme);
        }
    }
    if schemes.is_empty() {
        return Err(format!("names no scheme, so that nobody could prove who they are; there are {known}"));
    }
    Ok(schemes)
}

/// A text that customers read.
pub(super) fn text(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if length > TEXT_CHARS_MAX {
        return Err(format!("has {length} characters; {TEXT_CHARS_MAX} are the most"));
    }
    placeholders(text)?;
    Ok(text.to_owned())
}

/// What stands in braces is filled in, so it has to be something that we know.
fn placeholders(text: &str) -> Result<(), String> {
    for rest in text.split('{').skip(1) {
        let name = rest.split('}').next().unwrap_or_default();
        if name != "location_name" || !rest.contains('}') {
            let shown: String = name.chars().take(40).collect();
            return Err(format!("holds {{{shown}}}; only {{location_name}} is filled in"));
        }
    }
    Ok(())
}

fn tag(label: &str) -> Result<String, String> {
    if label.chars().count() > TAG_CHARS_MAX || label.contains(char::is_control) {
        return Err(format!("is no label: {TAG_CHARS_MAX} characters are the most, on one line"));
    }
    Ok(label.to_owned())
}

/// Their form only: whoever asks them says what each means.
pub(super) fn hosts(text: &str) -> Result<String, String> {
    for host in text.split(',').map(str::trim) {
        if !is_host(host.strip_prefix("*.").unwrap_or(host)) && !is_this_machine(host) {
            return Err(format!("names {host:?}, which is no host like files.example.com or *.example.com"));
        }
    }
    Ok(text.to_owned())
}

fn is_host(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    name.len() <= HOST_BYTES_MAX && name.contains('.') && name.split('.').all(part)
}

/// A port of the local stack, which speaks plain HTTP.
fn is_this_machine(host: &str) -> bool {
    let port = host.strip_prefix("http://127.0.0.1:").or_else(|| host.strip_prefix("http://localhost:"));
    port.is_some_and(|port| port.parse::<u16>().is_ok())
}
