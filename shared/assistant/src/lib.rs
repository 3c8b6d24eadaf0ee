//! What the assistant needs, put together: Chatwoot, what thinks, the catalogue, files and voices.
//!
//! A crate of its own, because Bedrock's SDK is compiled for those functions only that think.

use frontdesk_aws::{
    process::SystemClock,
    start::{Aws, StartError},
};
use frontdesk_bedrock::Bedrock;
use frontdesk_core::{
    agent::{Agent, Catalogue, Listener, ModelFailure, ProductQuery, Sound, Talk, Thought},
    chat::{Marker, Target},
    chatwoot::{Attachment, ConversationRef, Conversations, LoadFailure, Loaded, Media, PostFailure, Posted, Standing},
    config::{
        AgentProvider, CatalogueConfig, CatalogueKind, ChatwootWorkerConfig, HttpConfig, ModelConfig, SpeechConfig,
    },
    gate::ChatPermit,
    outbound::{Post, Product},
    provider::{CallFailure, NotDone},
    telemetry::Telemetry,
};
use frontdesk_providers::{
    Anthropic, AnyAgent, AnyCatalogue, Chatwoot, Compatible, Http, MediaHosts, OpenAi, SetupError, Speech, WooCommerce,
};
use frontdesk_wiring::Vault;

/// Any of the things that think.
pub type Thinker = AnyAgent<Vault, SystemClock, Bedrock>;
/// The shop's catalogue, or none.
pub type Shop = AnyCatalogue<Vault, SystemClock>;

/// What thinks, and what it may search.
#[derive(Debug)]
pub struct Minds {
    agent: Thinker,
    catalogue: Shop,
}

impl Minds {
    /// Makes the clients. A model's key is not looked at: without it every question gets an apology, and the log says why.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn open(
        agent: &AgentProvider,
        catalogue: Option<&CatalogueConfig>,
        http: &HttpConfig,
        aws: &Aws,
        clock: SystemClock,
    ) -> Result<Self, StartError> {
        let http = Http::new(http).map_err(unusable)?;
        let agent = thinker(agent, &http, aws, clock).map_err(unusable)?;
        Ok(Self { agent, catalogue: shop(catalogue, &http, aws, clock).map_err(unusable)? })
    }
}

impl Agent for Minds {
    async fn think(&self, talk: &Talk<'_>) -> Result<Thought, ModelFailure> {
        self.agent.think(talk).await
    }

    fn sees(&self) -> bool {
        self.agent.sees()
    }
}

impl Catalogue for Minds {
    async fn search(&self, query: &ProductQuery) -> Result<Option<Vec<Product>>, NotDone> {
        self.catalogue.search(query).await
    }

    fn is_open(&self) -> bool {
        self.catalogue.is_open()
    }
}

/// What `chatwoot-worker` works with.
#[derive(Debug)]
pub struct AssistantDesk {
    chatwoot: Chatwoot<Vault, SystemClock>,
    media: MediaHosts<SystemClock>,
    minds: Minds,
    speech: Option<Speech<Vault, SystemClock>>,
}

impl AssistantDesk {
    /// Makes the clients and looks whether Chatwoot's tokens were filled in. A model's key is not looked at: without it
    /// every chat is handed to people, who are told why.
    ///
    /// # Errors
    /// When a setting or Chatwoot's secret cannot be used.
    pub async fn open(
        config: &ChatwootWorkerConfig,
        aws: &Aws,
        clock: SystemClock,
        telemetry: &impl Telemetry,
    ) -> Result<Self, StartError> {
        let http = Http::new(&config.http).map_err(unusable)?;
        let tokens = Vault::chatwoot(aws, config.chatwoot.secret.clone(), telemetry).await?;
        let timeout = config.http.timeout.max(config.chatwoot.timeout);
        Ok(Self {
            chatwoot: Chatwoot::new(http.clone(), &config.chatwoot, tokens, clock).map_err(unusable)?,
            media: MediaHosts::new(http.clone(), &config.chatwoot, timeout, clock).map_err(unusable)?,
            minds: Minds::open(&config.agent, config.catalogue.as_ref(), &config.http, aws, clock)?,
            speech: speech(config.speech.as_ref(), &http, aws, clock).map_err(unusable)?,
        })
    }
}

/// Makes what thinks.
///
/// # Errors
/// When a setting cannot be used.
pub fn thinker(config: &AgentProvider, http: &Http, aws: &Aws, clock: SystemClock) -> Result<Thinker, SetupError> {
    let key = |model: &ModelConfig| Vault::key(aws, "AGENT_SECRET_ARN", model.secret.clone());
    Ok(match config {
        AgentProvider::Keyword(agent) => AnyAgent::Keyword(agent.clone()),
        AgentProvider::OpenAi(model) => AnyAgent::OpenAi(OpenAi::new(http.clone(), model, key(model), clock)?),
        AgentProvider::Compatible(model) => {
            AnyAgent::Compatible(Compatible::new(http.clone(), model, key(model), clock)?)
        }
        AgentProvider::Anthropic(model) => AnyAgent::Anthropic(Anthropic::new(http.clone(), model, key(model), clock)?),
        AgentProvider::Bedrock { model, sees } => {
            let client = aws_sdk_bedrockruntime::Client::new(&aws.bedrock());
            AnyAgent::Other(Bedrock::new(client, model.clone(), *sees))
        }
    })
}

/// Makes the way to the catalogue.
///
/// # Errors
/// When a setting cannot be used.
pub fn shop(config: Option<&CatalogueConfig>, http: &Http, aws: &Aws, clock: SystemClock) -> Result<Shop, SetupError> {
    let Some(config) = config else { return Ok(AnyCatalogue::None) };
    let key = match &config.kind {
        CatalogueKind::StoreApi => None,
        CatalogueKind::Rest { secret, .. } => Some(Vault::key(aws, "WOOCOMMERCE_SECRET_ARN", secret.clone())),
    };
    Ok(AnyCatalogue::WooCommerce(Box::new(WooCommerce::new(http.clone(), config, key, clock)?)))
}

fn speech(
    config: Option<&SpeechConfig>,
    http: &Http,
    aws: &Aws,
    clock: SystemClock,
) -> Result<Option<Speech<Vault, SystemClock>>, SetupError> {
    let Some(config) = config else { return Ok(None) };
    let key = Vault::key(aws, "SPEECH_SECRET_ARN", config.secret.clone());
    Speech::new(http.clone(), config, key, clock).map(Some)
}

fn unusable(error: SetupError) -> StartError {
    StartError::Other(Box::new(error))
}

impl Conversations for AssistantDesk {
    async fn post(
        &self,
        permit: ChatPermit,
        at: ConversationRef,
        post: &Post,
        marker: &Marker,
    ) -> Result<(), PostFailure> {
        self.chatwoot.post(permit, at, post, marker).await
    }

    async fn note(&self, at: ConversationRef, text: &str, marker: &Marker) -> Result<(), PostFailure> {
        self.chatwoot.note(at, text, marker).await
    }

    async fn posted(&self, at: ConversationRef, marker: &Marker, after: u64) -> Result<Posted, NotDone> {
        self.chatwoot.posted(at, marker, after).await
    }

    async fn attachments(&self, at: ConversationRef, message: u64) -> Result<Option<Vec<Attachment>>, CallFailure> {
        self.chatwoot.attachments(at, message).await
    }

    async fn standing(&self, at: ConversationRef) -> Result<Option<Standing>, CallFailure> {
        self.chatwoot.standing(at).await
    }

    async fn knows(&self, account: u64, target: Target) -> Result<bool, CallFailure> {
        self.chatwoot.knows(account, target).await
    }

    async fn assign(&self, at: ConversationRef, target: Target) -> Result<(), CallFailure> {
        self.chatwoot.assign(at, target).await
    }

    async fn open(&self, at: ConversationRef) -> Result<(), CallFailure> {
        self.chatwoot.open(at).await
    }

    async fn typing(&self, at: ConversationRef, on: bool) -> Result<(), CallFailure> {
        self.chatwoot.typing(at, on).await
    }
}

impl Media for AssistantDesk {
    async fn load(&self, url: &str, limit: usize) -> Result<Loaded, LoadFailure> {
        self.media.load(url, limit).await
    }
}

impl Agent for AssistantDesk {
    async fn think(&self, talk: &Talk<'_>) -> Result<Thought, ModelFailure> {
        self.minds.think(talk).await
    }

    fn sees(&self) -> bool {
        self.minds.sees()
    }
}

impl Catalogue for AssistantDesk {
    async fn search(&self, query: &ProductQuery) -> Result<Option<Vec<Product>>, NotDone> {
        self.minds.search(query).await
    }

    fn is_open(&self) -> bool {
        self.minds.is_open()
    }
}

impl Listener for AssistantDesk {
    async fn transcribe(&self, sound: &Sound<'_>) -> Result<String, ModelFailure> {
        match &self.speech {
            Some(speech) => speech.transcribe(sound).await,
            // The worker does not ask where nobody is set up to listen.
            None => Err(ModelFailure::Misconfigured { detail: "nothing is set up to write down voices".into() }),
        }
    }
}
