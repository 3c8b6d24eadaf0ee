//! Settings of the functions behind Chatwoot.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    Env, HttpConfig, Loaded, Problems, TableNames, http, ingest_rules, podium,
    reader::{Reader, read},
};
use crate::{
    agent::{Extras, Instructions, KeywordAgent},
    chat::Target,
    flow::{
        answer::AnswerRules,
        chatwoot_worker::AssistantRules,
        ingest::{ChatwootEndpoint, IngestRules},
        listen::{ListenRules, Transcripts},
        post::{LEASE_SPARE, PostRules},
        worker::WorkerRules,
    },
    keyword::KeywordAnswers,
    outbound::{Article, Interactive},
    signature::{ReplayWindow, StalePolicy},
};

/// Longest text of the shop's own in characters.
const OWN_CHARS_MAX: usize = 1_500;
/// Between the two, files are loaded: what a model or a transcriber takes at most, and less would refuse everything.
const FILE_BYTES: RangeInclusive<u64> = 1_024..=26_214_400;

/// Settings of `chatwoot`.
#[derive(Clone, Debug)]
pub struct ChatwootEndpointConfig {
    /// Its tables.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// The worker's queue.
    pub queue_url: String,
    /// Where the signing secrets are kept.
    pub webhook_secret: String,
    /// How long a read secret is good for.
    pub secret_ttl: Duration,
    /// How a delivery is read.
    pub endpoint: ChatwootEndpoint,
    /// Limits.
    pub rules: IngestRules,
}

/// Settings of `chatwoot-worker`.
#[derive(Clone, Debug)]
pub struct ChatwootWorkerConfig {
    /// Its tables.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// The notifier's queue.
    pub notices_queue_url: String,
    /// The shop's rules.
    pub assistant: AssistantRules,
    /// Limits.
    pub rules: WorkerRules,
    /// How Chatwoot is called.
    pub chatwoot: ChatwootApiConfig,
    /// What thinks.
    pub agent: AgentProvider,
    /// What writes down voice messages; `None`: nothing of ours.
    pub speech: Option<SpeechConfig>,
    /// The shop's catalogue; `None`: nothing to search.
    pub catalogue: Option<CatalogueConfig>,
    /// How anybody is called.
    pub http: HttpConfig,
}

/// How Chatwoot is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatwootApiConfig {
    /// Base URL of the installation.
    pub url: String,
    /// Where the tokens are kept: `{"api_token", "user_token"}`.
    pub secret: String,
    /// Hosts besides Chatwoot's own from which customers' files may be loaded, as the setting lists them.
    pub media_hosts: String,
    /// Longest wait for one answer of the API.
    pub timeout: Duration,
}

/// What thinks.
#[derive(Clone, Debug)]
pub enum AgentProvider {
    /// The shop's own words; no network.
    Keyword(KeywordAgent),
    /// OpenAI's Responses API.
    OpenAi(ModelConfig),
    /// Any server that speaks OpenAI's Chat Completions.
    Compatible(ModelConfig),
    /// Anthropic's Messages API.
    Anthropic(ModelConfig),
    /// Amazon Bedrock's Converse; its key is the function's role.
    Bedrock {
        /// A model's or an inference profile's id.
        model: String,
        /// Whether it looks at pictures.
        sees: bool,
    },
}

/// A model behind an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelConfig {
    /// Base URL, such as `https://api.openai.com`.
    pub url: String,
    /// The model's id.
    pub model: String,
    /// Where the key is kept: the key itself, or `{"api_key"}`.
    pub secret: String,
    /// How hard it thinks, where it can be told.
    pub effort: Option<String>,
    /// Whether it looks at pictures.
    pub sees: bool,
}

/// What writes down voice messages: any server that speaks OpenAI's `/v1/audio/transcriptions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeechConfig {
    /// Base URL, such as `https://api.openai.com`.
    pub url: String,
    /// The model's id.
    pub model: String,
    /// Where the key is kept: the key itself, or `{"api_key"}`.
    pub secret: String,
    /// Longest wait for one transcript.
    pub timeout: Duration,
}

/// How products are searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogueKind {
    /// WooCommerce's Store API: no key, published products only, with their currency.
    StoreApi,
    /// WooCommerce's REST API v3, with a key.
    Rest {
        /// Where the key is kept: `{"consumer_key", "consumer_secret"}`.
        secret: String,
        /// The shop's currency, which products do not say there.
        currency: String,
    },
}

/// The shop's catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueConfig {
    /// Base URL of the shop.
    pub url: String,
    /// By which API.
    pub kind: CatalogueKind,
    /// Longest wait for one search.
    pub timeout: Duration,
}

/// Reads the settings of `chatwoot`.
///
/// # Errors
/// All problems at once.
pub fn chatwoot_endpoint(env: &impl Env) -> Result<Loaded<ChatwootEndpointConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(ChatwootEndpointConfig {
        tables: endpoint_tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        queue_url: r.required("FRONTDESK_QUEUE_CHATWOOT_URL"),
        webhook_secret: r.required("CHATWOOT_WEBHOOK_SECRET_ARN"),
        secret_ttl: r.seconds("FRONTDESK_SECRET_TTL_SECONDS", 1..=86_400),
        endpoint: read!(ChatwootEndpoint {
            window: read!(ReplayWindow {
                window_s: r.count("CHATWOOT_REPLAY_WINDOW_SECONDS", 1..=31_536_000),
                stale: Some(StalePolicy::Reject),
            }),
            inboxes: r.optional("CHATWOOT_INBOXES", numbers).map(Option::unwrap_or_default),
            extra_words: podium::extra_words(&mut r),
        }),
        rules: ingest_rules(&mut r),
    });
    r.finish(config)
}

/// Reads the settings of `chatwoot-worker`.
///
/// # Errors
/// All problems at once.
pub fn chatwoot_worker(env: &impl Env) -> Result<Loaded<ChatwootWorkerConfig>, Problems> {
    let mut r = Reader::new(env);
    let shop = r.required("AGENT_SHOP_NAME");
    let speech = speech(&mut r);
    let articles = articles(&mut r);
    let config = read!(ChatwootWorkerConfig {
        tables: worker_tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        notices_queue_url: r.required("FRONTDESK_QUEUE_NOTICES_URL"),
        assistant: assistant(&mut r, shop.as_deref().unwrap_or_default(), speech.as_ref(), articles.as_deref()),
        rules: read!(WorkerRules {
            lease: lease(&mut r),
            // The last attempt hands over what all before it could not answer.
            attempts_max: r.count("FRONTDESK_ATTEMPTS_MAX", 2..=1_000),
            body_bytes_max: r.bytes("FRONTDESK_BODY_BYTES_MAX", 1_024..=6_000_000),
            sweep_after: r.seconds("FRONTDESK_SWEEP_AFTER_SECONDS", 1..=86_400),
        }),
        chatwoot: chatwoot_api(&mut r),
        agent: agent(&mut r, shop.as_deref().unwrap_or_default(), articles.as_deref()),
        speech: speech.map(|(_, speech)| speech),
        catalogue: catalogue(&mut r),
        http: http(&mut r),
    });
    r.finish(config)
}

fn endpoint_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let inbox = r.required("FRONTDESK_TABLE_INBOX");
    let contacts = r.required("FRONTDESK_TABLE_CONTACTS");
    let chats = r.required("FRONTDESK_TABLE_CHATS");
    Some(TableNames { inbox: inbox?, contacts: contacts?, chats: chats?, ..TableNames::default() })
}

fn worker_tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let ends = endpoint_tables(r);
    let outbox = r.required("FRONTDESK_TABLE_OUTBOX");
    let limits = r.required("FRONTDESK_TABLE_LIMITS");
    Some(TableNames { outbox: outbox?, limits: limits?, ..ends? })
}

fn assistant(
    r: &mut Reader<'_>,
    shop: &str,
    speech: Option<&(Transcripts, Option<SpeechConfig>)>,
    articles: Option<&[Article]>,
) -> Option<AssistantRules> {
    let rules = read!(AssistantRules {
        extra_words: podium::extra_words(r),
        debounce: r.seconds("CHATWOOT_DEBOUNCE_SECONDS", 0..=60),
        interactive: r.word(
            "CHATWOOT_INTERACTIVE",
            &[("auto", Interactive::Auto), ("off", Interactive::Off), ("api_too", Interactive::ApiToo)],
        ),
        target: target(r),
        hand_off_text: r.parsed("CHATWOOT_HANDOFF_TEXT", own_text),
        disclosure: disclosure(r),
        listen: read!(ListenRules {
            transcripts: speech.map(|(who, _)| *who),
            note: r.switch("CHATWOOT_TRANSCRIPT_NOTE"),
            audio_bytes_max: r.bytes("CHATWOOT_AUDIO_BYTES_MAX", FILE_BYTES),
            image_bytes_max: r.bytes("CHATWOOT_IMAGE_BYTES_MAX", FILE_BYTES),
            load: chatwoot_timeout(r),
            write_down: r.seconds("SPEECH_TIMEOUT_SECONDS", 5..=60),
        }),
        answers_per_hour: r.count("CHATWOOT_ANSWERS_PER_HOUR", 1..=100),
        history: history(r),
        instructions: instructions(r, shop),
        answer: answer_rules(r),
        extras: articles.map(|articles| Extras { articles: articles.to_vec(), form: false }),
        post: read!(PostRules {
            keep: r.hours("CHATWOOT_KEEP_HOURS", 24..=2_160),
            lease: lease(r),
            call: chatwoot_timeout(r),
            open_too: r.switch("CHATWOOT_ANSWER_OPEN"),
        }),
    });
    if let Some(rules) = &rules {
        // An answer that never has the time to be thought about would be put off for ever.
        let answer = rules.answer.budget + rules.post.call * 3;
        let needed = LEASE_SPARE + answer.max(rules.listen.write_down + rules.listen.load * 2);
        if rules.post.lease < needed {
            let what = format!(
                "is {} s; AGENT_BUDGET_SECONDS, SPEECH_TIMEOUT_SECONDS and CHATWOOT_TIMEOUT_MS need {} s at least",
                rules.post.lease.as_secs(),
                needed.as_secs()
            );
            r.problem("CHATWOOT_LEASE_SECONDS", what);
        }
    }
    rules
}

/// What the assistant says of itself with its first answer; `None`: nothing.
pub(super) fn disclosure(r: &mut Reader<'_>) -> Option<Option<String>> {
    let disclosed = r.switch("AGENT_DISCLOSURE");
    let text = r.parsed("AGENT_DISCLOSURE_TEXT", own_text);
    disclosed.zip(text).map(|(on, text)| on.then_some(text))
}

pub(super) fn history(r: &mut Reader<'_>) -> Option<usize> {
    r.count("AGENT_HISTORY_TURNS", 0..=40).and_then(|n| usize::try_from(n).ok())
}

pub(super) fn instructions(r: &mut Reader<'_>, shop: &str) -> Option<Instructions> {
    read!(Instructions {
        shop: Some(shop.to_owned()),
        own: r.optional("AGENT_INSTRUCTIONS", own_text).map(Option::unwrap_or_default),
    })
}

pub(super) fn answer_rules(r: &mut Reader<'_>) -> Option<AnswerRules> {
    read!(AnswerRules {
        budget: r.seconds("AGENT_BUDGET_SECONDS", 5..=60),
        searches_max: r.count("AGENT_SEARCHES_MAX", 0..=10),
        tokens_max: r.count("AGENT_TOKENS_MAX", 256..=32_768),
        breaker: r.seconds("AGENT_BREAKER_SECONDS", 10..=86_400),
    })
}

fn lease(r: &mut Reader<'_>) -> Option<Duration> {
    r.seconds("CHATWOOT_LEASE_SECONDS", 31..=930)
}

pub(super) fn chatwoot_api(r: &mut Reader<'_>) -> Option<ChatwootApiConfig> {
    read!(ChatwootApiConfig {
        url: r.required("CHATWOOT_URL"),
        secret: r.required("CHATWOOT_API_SECRET_ARN"),
        media_hosts: r.parsed("CHATWOOT_MEDIA_HOSTS", podium::hosts),
        timeout: chatwoot_timeout(r),
    })
}

fn chatwoot_timeout(r: &mut Reader<'_>) -> Option<Duration> {
    r.millis("CHATWOOT_TIMEOUT_MS", 500..=20_000)
}

fn target(r: &mut Reader<'_>) -> Option<Option<Target>> {
    let team = r.optional("CHATWOOT_HANDOFF_TEAM", number);
    let agent = r.optional("CHATWOOT_HANDOFF_AGENT", number);
    match (team?, agent?) {
        (Some(_), Some(_)) => {
            // Chatwoot would take the person and forget the team.
            r.problem("CHATWOOT_HANDOFF_TEAM", "and CHATWOOT_HANDOFF_AGENT are both set; one of them is to go".into());
            None
        }
        (Some(team), None) => Some(Some(Target::Team(team))),
        (None, Some(agent)) => Some(Some(Target::Agent(agent))),
        (None, None) => Some(None),
    }
}

/// The help articles; none where none are listed.
pub(super) fn articles(r: &mut Reader<'_>) -> Option<Vec<Article>> {
    let listed = r.optional("AGENT_ARTICLES", |json| Article::parse_list(json).map_err(|e| e.to_string()));
    listed.map(Option::unwrap_or_default)
}

/// The words are read whatever thinks, so that a wrong list is found before the day when it is switched on. `articles`: those
/// that rules may name; `None` when they are wrong themselves.
pub(super) fn agent(r: &mut Reader<'_>, shop: &str, articles: Option<&[Article]>) -> Option<AgentProvider> {
    #[derive(Clone, Copy)]
    enum Kind {
        Keyword,
        OpenAi,
        Compatible,
        Anthropic,
        Bedrock,
    }
    let kinds = [
        ("keyword", Kind::Keyword),
        ("openai", Kind::OpenAi),
        ("compatible", Kind::Compatible),
        ("anthropic", Kind::Anthropic),
        ("bedrock", Kind::Bedrock),
    ];
    let kind = r.word("AGENT_PROVIDER", &kinds);
    let answers = r.parsed("AGENT_KEYWORDS", |json| {
        // The list is shared with Podium's webchats, where a location's name is filled in.
        let shop = serde_json::to_string(shop).unwrap_or_default();
        let json = json.replace("{location_name}", shop.trim_matches('"'));
        let answers = KeywordAnswers::parse(&json).map_err(|e| e.to_string())?;
        match articles.and_then(|articles| answers.unknown_article(articles)) {
            Some(id) => Err(format!("has a rule with the article {id:?}, which AGENT_ARTICLES does not list")),
            None => Ok(answers),
        }
    });
    let sees = r.switch("AGENT_VISION");
    let url = r.optional("AGENT_URL", |url| Ok(url.to_owned()));
    let effort = r.optional("AGENT_EFFORT", |word| Ok(word.to_owned()));
    match kind? {
        Kind::Keyword => Some(AgentProvider::Keyword(KeywordAgent { answers: answers? })),
        Kind::Bedrock => {
            Some(AgentProvider::Bedrock { model: needed(r, "AGENT_MODEL", "AGENT_PROVIDER")?, sees: sees? })
        }
        kind @ (Kind::OpenAi | Kind::Compatible | Kind::Anthropic) => {
            let model = needed(r, "AGENT_MODEL", "AGENT_PROVIDER");
            let secret = needed(r, "AGENT_SECRET_ARN", "AGENT_PROVIDER");
            let url = match kind {
                Kind::OpenAi => url?.or_else(|| Some("https://api.openai.com".into())),
                Kind::Anthropic => url?.or_else(|| Some("https://api.anthropic.com".into())),
                Kind::Compatible | Kind::Keyword | Kind::Bedrock => match url? {
                    Some(url) => Some(url),
                    None => needed(r, "AGENT_URL", "AGENT_PROVIDER"),
                },
            };
            let config = ModelConfig { url: url?, model: model?, secret: secret?, effort: effort?, sees: sees? };
            Some(match kind {
                Kind::OpenAi => AgentProvider::OpenAi(config),
                Kind::Anthropic => AgentProvider::Anthropic(config),
                Kind::Compatible | Kind::Keyword | Kind::Bedrock => AgentProvider::Compatible(config),
            })
        }
    }
}

fn speech(r: &mut Reader<'_>) -> Option<(Transcripts, Option<SpeechConfig>)> {
    let kinds = [("none", Transcripts::Nobody), ("chatwoot", Transcripts::Chatwoot), ("openai", Transcripts::Ours)];
    let kind = r.word("SPEECH_PROVIDER", &kinds);
    let timeout = r.seconds("SPEECH_TIMEOUT_SECONDS", 5..=60);
    let url = r.required("SPEECH_URL");
    match kind? {
        kind @ (Transcripts::Nobody | Transcripts::Chatwoot) => Some((kind, None)),
        Transcripts::Ours => {
            let config = read!(SpeechConfig {
                url: url,
                model: needed(r, "SPEECH_MODEL", "SPEECH_PROVIDER"),
                secret: needed(r, "SPEECH_SECRET_ARN", "SPEECH_PROVIDER"),
                timeout: timeout,
            });
            Some((Transcripts::Ours, Some(config?)))
        }
    }
}

pub(super) fn catalogue(r: &mut Reader<'_>) -> Option<Option<CatalogueConfig>> {
    let kind = r.word("WOOCOMMERCE_API", &[("none", 0), ("store", 1), ("rest", 2)]);
    let timeout = r.millis("WOOCOMMERCE_TIMEOUT_MS", 500..=15_000);
    let kind = match kind? {
        0 => return Some(None),
        1 => Some(CatalogueKind::StoreApi),
        _ => {
            let secret = needed(r, "WOOCOMMERCE_SECRET_ARN", "WOOCOMMERCE_API");
            let currency = needed(r, "WOOCOMMERCE_CURRENCY", "WOOCOMMERCE_API");
            secret.zip(currency).map(|(secret, currency)| CatalogueKind::Rest { secret, currency })
        }
    };
    let url = needed(r, "WOOCOMMERCE_URL", "WOOCOMMERCE_API");
    Some(Some(CatalogueConfig { url: url?, kind: kind?, timeout: timeout? }))
}

/// A setting that another one's choice makes necessary. Models and keys have no default: what is not chosen is not used.
fn needed(r: &mut Reader<'_>, name: &'static str, because: &'static str) -> Option<String> {
    let value = r.optional(name, |text| Ok(text.to_owned()))?;
    if value.is_none() {
        r.problem(name, format!("is not set, but {because} needs it"));
    }
    value
}

pub(super) fn own_text(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if length > OWN_CHARS_MAX {
        return Err(format!("has {length} characters; {OWN_CHARS_MAX} are the most"));
    }
    Ok(text.to_owned())
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("is {text:?}, not a whole number"))
}

fn numbers(text: &str) -> Result<Vec<u64>, String> {
    text.split(',').map(|part| number(part.trim())).collect()
}
