//! Settings of the functions that browsers call.

use std::time::Duration;

use super::{
    AgentProvider, CatalogueConfig, Env, HttpConfig, Loaded, Problems, TableNames, chat, http, ingest_rules, podium,
    reader::{Reader, read},
};
use crate::{
    agent::Extras,
    contact_form::ContactForm,
    flow::{
        contact_form::SubmissionRules,
        ingest::PodiumEndpoint,
        web::GuardRules,
        widget_chat::{FormRules, WidgetChatRules},
        widget_edge::WidgetEdgeRules,
    },
    rate::RateRule,
    signature::{ReplayWindow, StalePolicy},
    visitor::{FileRules, OpeningHours, types},
    web::Origins,
};

/// What all of them have.
#[derive(Clone, Debug)]
pub struct WebConfig {
    /// Limits.
    pub guard: GuardRules,
    /// Where the secret of tickets is kept.
    pub secret: String,
    /// How long a read secret is good for.
    pub secret_ttl: Duration,
}

/// Settings of `chat`.
#[derive(Clone, Debug)]
pub struct ChatConfig {
    /// Its tables.
    pub tables: TableNames,
    /// What all have.
    pub web: WebConfig,
    /// The shop's rules.
    pub rules: WidgetChatRules,
    /// What thinks.
    pub agent: AgentProvider,
    /// The shop's catalogue; `None`: nothing to search.
    pub catalogue: Option<CatalogueConfig>,
    /// How anybody is called.
    pub http: HttpConfig,
}

/// Settings of `contact-form`.
#[derive(Clone, Debug)]
pub struct ContactFormConfig {
    /// Its tables.
    pub tables: TableNames,
    /// What all have.
    pub web: WebConfig,
    /// The shop's rules.
    pub rules: SubmissionRules,
    /// The notifier's queue.
    pub notices_queue_url: String,
}

/// Settings of `widget-edge`.
#[derive(Clone, Debug)]
pub struct WidgetEdgeConfig {
    /// Its tables.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// What all have.
    pub web: WebConfig,
    /// The shop's rules.
    pub rules: WidgetEdgeRules,
    /// The queue of Podium's events.
    pub queue_url: String,
    /// The bucket of uploads; `None`: no files.
    pub bucket: Option<String>,
}

/// Reads the settings of `chat`.
///
/// # Errors
/// All problems at once.
pub fn website_chat(env: &impl Env) -> Result<Loaded<ChatConfig>, Problems> {
    let mut r = Reader::new(env);
    let shop = r.required("AGENT_SHOP_NAME");
    let articles = chat::articles(&mut r);
    let agent = chat::agent(&mut r, shop.as_deref().unwrap_or_default(), articles.as_deref());
    let config = read!(ChatConfig {
        tables: chat_tables(&mut r),
        web: web(&mut r),
        rules: read!(WidgetChatRules {
            prompt_chars_max: r.count("CHAT_PROMPT_CHARS_MAX", 1..=20_000).and_then(|n| usize::try_from(n).ok()),
            within: r.seconds("CHAT_WITHIN_SECONDS", 5..=28),
            again_for: r.seconds("CHAT_AGAIN_SECONDS", 0..=60),
            keep: r.seconds("CHAT_KEEP_SECONDS", 60..=86_400),
            history: chat::history(&mut r),
            extra_words: podium::extra_words(&mut r),
            disclosure: chat::disclosure(&mut r),
            hand_off_text: r.parsed("CHAT_HANDOFF_TEXT", chat::own_text),
            stop_text: r.parsed("CHAT_STOP_TEXT", chat::own_text),
            instructions: chat::instructions(&mut r, shop.as_deref().unwrap_or_default()),
            extras: articles.map(|articles| Extras { articles, form: true }),
            answer: chat::answer_rules(&mut r),
            form: form_rules(&mut r),
        }),
        agent: agent,
        catalogue: chat::catalogue(&mut r),
        http: http(&mut r),
    });
    r.finish(config)
}

/// Reads the settings of `contact-form`.
///
/// # Errors
/// All problems at once.
pub fn contact_form(env: &impl Env) -> Result<Loaded<ContactFormConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(ContactFormConfig {
        tables: form_tables(&mut r),
        web: web(&mut r),
        rules: read!(SubmissionRules {
            form: form(&mut r),
            honeypot: honeypot(&mut r),
            keep: r.days("FORM_KEEP_DAYS", 1..=3_650),
        }),
        notices_queue_url: r.required("FRONTDESK_QUEUE_NOTICES_URL"),
    });
    r.finish(config)
}

/// Reads the settings of `widget-edge`.
///
/// # Errors
/// All problems at once.
pub fn widget_edge(env: &impl Env) -> Result<Loaded<WidgetEdgeConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(WidgetEdgeConfig {
        tables: edge_tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        web: web(&mut r),
        rules: read!(WidgetEdgeRules {
            files: file_rules(&mut r),
            hours: hours(&mut r),
            form: form_rules(&mut r),
            files_kept: r.days("WEBCHAT_UPLOAD_KEEP_DAYS", 1..=365),
            endpoint: podium::extra_words(&mut r).map(of_our_own),
            ingest: ingest_rules(&mut r),
        }),
        queue_url: r.required("FRONTDESK_QUEUE_PODIUM_URL"),
        bucket: r.optional("WEBCHAT_UPLOAD_BUCKET", |bucket| Ok(bucket.to_owned())),
    });
    r.finish(config)
}

/// Reads messages of our own form as Podium's are read. No signature would count: none is looked at.
const fn of_our_own(extra_words: crate::wish::ExtraWords) -> PodiumEndpoint {
    let window = ReplayWindow { window_s: 0, stale: StalePolicy::Reject };
    PodiumEndpoint { schemes: Vec::new(), window, extra_words }
}

fn web(r: &mut Reader<'_>) -> Option<WebConfig> {
    read!(WebConfig {
        guard: read!(GuardRules {
            origins: origins(r),
            rate: read!(RateRule {
                limit: r.count("WEB_RATE_LIMIT", 1..=100_000),
                window: r.seconds("WEB_RATE_WINDOW_SECONDS", 1..=86_400),
            }),
            body_bytes_max: r.bytes("WEB_BODY_BYTES_MAX", 1_024..=1_000_000),
        }),
        secret: r.required("WEB_SECRET_ARN"),
        secret_ttl: r.seconds("FRONTDESK_SECRET_TTL_SECONDS", 1..=86_400),
    })
}

fn origins(r: &mut Reader<'_>) -> Option<Origins> {
    let origins = r.optional("WEB_ORIGINS", |text| Origins::parse(text).map_err(|e| e.to_string()))?;
    Some(origins.unwrap_or_default())
}

fn form_rules(r: &mut Reader<'_>) -> Option<FormRules> {
    read!(FormRules {
        form: form(r),
        public_url: r.optional("WEB_PUBLIC_URL", |url| {
            let good = (url.starts_with("https://") || url.starts_with("http://")) && !url.contains(['?', '#']);
            if good { Ok(url.trim_end_matches('/').to_owned()) } else { Err("is not an http(s) address".to_owned()) }
        }),
        life: r.seconds("FORM_LIFE_SECONDS", 60..=86_400),
    })
}

fn honeypot(r: &mut Reader<'_>) -> Option<String> {
    r.parsed("FORM_HONEYPOT", |name| Ok(name.to_owned()))
}

fn form(r: &mut Reader<'_>) -> Option<ContactForm> {
    let honeypot = honeypot(r)?;
    r.parsed("CONTACT_FORM", |json| ContactForm::parse(json, &honeypot).map_err(|e| e.to_string()))
}

fn file_rules(r: &mut Reader<'_>) -> Option<FileRules> {
    let rules = podium::attachment_rules(r);
    read!(FileRules {
        bytes_max: rules.map(|rules| rules.bytes_max),
        in_sum: rules.map(|rules| rules.in_sum),
        count_max: r.count("WEBCHAT_ATTACHMENTS_MAX", 1..=10).and_then(|n| usize::try_from(n).ok()),
        mimes: r.parsed("WEBCHAT_ATTACHMENT_TYPES", |text| types(text).map_err(|e| e.to_string())),
    })
}

fn hours(r: &mut Reader<'_>) -> Option<Option<OpeningHours>> {
    let zone = r.optional("WEBCHAT_TIME_ZONE", |zone| Ok(zone.to_owned()))?;
    r.optional("WEBCHAT_HOURS", |text| {
        let zone = zone.as_deref().ok_or_else(|| "needs WEBCHAT_TIME_ZONE".to_owned())?;
        let hours = OpeningHours::parse(text, zone).map_err(|e| e.to_string())?;
        hours.ok_or_else(|| format!("needs WEBCHAT_TIME_ZONE to be one such as Australia/Sydney; it is {zone:?}"))
    })
}

fn chat_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let chats = r.required("FRONTDESK_TABLE_CHATS");
    let limits = r.required("FRONTDESK_TABLE_LIMITS");
    let outbox = r.required("FRONTDESK_TABLE_OUTBOX");
    Some(TableNames { chats: chats?, limits: limits?, outbox: outbox?, ..TableNames::default() })
}

fn form_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let forms = r.required("FRONTDESK_TABLE_FORMS");
    let limits = r.required("FRONTDESK_TABLE_LIMITS");
    let outbox = r.required("FRONTDESK_TABLE_OUTBOX");
    Some(TableNames { forms: forms?, limits: limits?, outbox: outbox?, ..TableNames::default() })
}

fn edge_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let inbox = r.required("FRONTDESK_TABLE_INBOX");
    let contacts = r.required("FRONTDESK_TABLE_CONTACTS");
    let directory = r.required("FRONTDESK_TABLE_DIRECTORY");
    let limits = r.required("FRONTDESK_TABLE_LIMITS");
    Some(TableNames {
        inbox: inbox?,
        contacts: contacts?,
        directory: directory?,
        limits: limits?,
        ..TableNames::default()
    })
}
