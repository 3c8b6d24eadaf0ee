//! Time, tokens, credentials and permits for the tests.

use std::{
    fmt::{Debug, Display},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use frontdesk_core::{
    chat::{Chat, ChatKey, InFlight, Marker},
    chatwoot::ConversationRef,
    config::{HttpConfig, PodiumConfig, PodiumContract, TokenBody},
    contact::{
        ChangeOutcome, Contact, Contacts, Hold, HoldOutcome, Meeting, MirrorDue, MirrorOutcome, NotTextable,
        OptOutChange, PodiumLink,
    },
    gate::{self, ChatPassage, ChatPermit, Passage, Permit},
    ids::{ConversationUid, EffectKey, LocationUid, OrderId, OrderKey, ProviderId, Shard, ShopDomain},
    outbox::Invite,
    phone::E164Phone,
    provider::{Import, NotDone, Provider, ReviewSend, Say},
    retry::RetryAfter,
    review::Platform,
    signature::Secret,
    store::StoreError,
    time::{Clock, DAY, UnixMillis},
    token::AccessToken,
};
use frontdesk_providers::{AccessTokens, CredentialVault, Http, Podium, VaultError};

pub(crate) const NOW: UnixMillis = UnixMillis::new(1_772_000_000_000);
/// A conversation.
pub(crate) const AT: ConversationRef = ConversationRef { account: 7, conversation: 418 };
pub(crate) const PHONE: &str = "+61491570156";
pub(crate) const LINK: &str = "https://pdm.example/x";
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
pub(crate) const DEFAULT_WAIT: Duration = Duration::from_secs(60);
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// What must never stand in an error.
const SECRETS: [&str; 7] = ["91570156", "at-1", "at-2", "rt-1", "rt-2", "cs-hush", "hush"];

#[derive(Clone, Debug)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW.get())))
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.0.fetch_add(span.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixMillis {
        UnixMillis::new(self.0.load(Ordering::SeqCst))
    }
}

/// Gives out `at-1`, and after a refusal `at-2`. Getting one may take a while.
#[derive(Clone, Debug)]
pub(crate) struct TestTokens {
    pub(crate) clock: TestClock,
    pub(crate) first_takes: Duration,
    pub(crate) second_takes: Duration,
    pub(crate) refusals: Arc<AtomicU32>,
}

impl TestTokens {
    pub(crate) fn new(clock: &TestClock) -> Self {
        Self {
            clock: clock.clone(),
            first_takes: Duration::ZERO,
            second_takes: Duration::ZERO,
            refusals: Arc::default(),
        }
    }
}

impl AccessTokens for TestTokens {
    async fn token(&self, refused: Option<&AccessToken>) -> Result<AccessToken, NotDone> {
        let name = match refused {
            None => {
                self.clock.advance(self.first_takes);
                "at-1"
            }
            Some(token) => {
                assert_eq!(token.secret.expose(), "at-1", "the refused token is handed back");
                self.refusals.fetch_add(1, Ordering::SeqCst);
                self.clock.advance(self.second_takes);
                "at-2"
            }
        };
        let secret = Secret::new("token", name).unwrap();
        Ok(AccessToken { secret, granted_at: NOW, expires_at: NOW.plus(Duration::from_secs(3600)) })
    }
}

/// No tokens today.
pub(crate) struct NoTokens;

impl AccessTokens for NoTokens {
    async fn token(&self, _: Option<&AccessToken>) -> Result<AccessToken, NotDone> {
        Err(NotDone::Unavailable { provider: Provider::Podium, detail: "no token".into() })
    }
}

/// With timeouts that no test reaches, however busy the machine is.
pub(crate) fn http() -> Http {
    http_within(CONNECT_TIMEOUT, Duration::from_secs(20))
}

/// For the tests that wait for a timeout.
pub(crate) fn hasty_http() -> Http {
    http_within(Duration::from_millis(500), Duration::from_millis(1200))
}

fn http_within(connect_timeout: Duration, timeout: Duration) -> Http {
    let retry_after = RetryAfter { default: DEFAULT_WAIT, cap: LONGEST_WAIT };
    Http::new(&HttpConfig { connect_timeout, timeout, retry_after }).unwrap()
}

pub(crate) fn podium_config(contract: PodiumContract, url: &str) -> PodiumConfig {
    PodiumConfig {
        contract,
        url: url.to_owned(),
        token_url: format!("{url}/oauth/token"),
        token_body: TokenBody::Json,
        version: "2021.04.01".into(),
        secret: "arn".into(),
        campaign: Some("camp-1".into()),
    }
}

pub(crate) fn podium(contract: PodiumContract, url: &str) -> Podium<TestTokens, TestClock> {
    let clock = TestClock::new();
    podium_with(contract, url, &clock, TestTokens::new(&clock))
}

pub(crate) fn hasty_podium(contract: PodiumContract, url: &str) -> Podium<TestTokens, TestClock> {
    let clock = TestClock::new();
    Podium::new(hasty_http(), &podium_config(contract, url), TestTokens::new(&clock), clock).unwrap()
}

pub(crate) fn podium_with<T: AccessTokens>(
    contract: PodiumContract,
    url: &str,
    clock: &TestClock,
    tokens: T,
) -> Podium<T, TestClock> {
    Podium::new(http(), &podium_config(contract, url), tokens, clock.clone()).unwrap()
}

/// A contacts table in which nobody objects.
struct Everybody;

impl Contacts for Everybody {
    async fn contact(&self, _: &E164Phone) -> Result<Option<Contact>, StoreError> {
        Ok(None)
    }

    async fn record_opt_out(&self, _: &OptOutChange) -> Result<ChangeOutcome, StoreError> {
        Ok(ChangeOutcome::Applied)
    }

    async fn hold(&self, _: &Hold) -> Result<HoldOutcome, StoreError> {
        Ok(HoldOutcome::Held)
    }

    async fn release_hold(&self, _: &E164Phone, _: &EffectKey) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn mark_not_textable(&self, _: &E164Phone, _: NotTextable, _: UnixMillis) -> Result<(), StoreError> {
        Ok(())
    }

    async fn flag_for_review(&self, _: &E164Phone, _: UnixMillis) -> Result<(), StoreError> {
        Ok(())
    }

    async fn erase_contact(&self, _: &E164Phone) -> Result<(), StoreError> {
        Ok(())
    }

    async fn meet(&self, meeting: &Meeting) -> Result<Contact, StoreError> {
        Ok(Contact::unknown(meeting.phone.clone()))
    }

    async fn link_podium(&self, _: &E164Phone, _: &PodiumLink, _: UnixMillis) -> Result<(), StoreError> {
        Ok(())
    }

    async fn unlink_podium(&self, _: &E164Phone, _: &ProviderId) -> Result<(), StoreError> {
        Ok(())
    }

    async fn mirrors_due(&self, _: Shard, _: UnixMillis, _: u16) -> Result<Vec<MirrorDue>, StoreError> {
        Ok(Vec::new())
    }

    async fn note_telling(&self, _: &E164Phone) -> Result<(), StoreError> {
        Ok(())
    }

    async fn settle_mirror(&self, _: &MirrorDue, _: &MirrorOutcome) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A permit made at [`NOW`].
pub(crate) async fn permit() -> Permit {
    let order = OrderKey { shop: shop(), order: OrderId(1) };
    let (phone, intent) = (phone(), EffectKey::review_request(&order));
    let hold = Hold { phone, intent, now: NOW, window: Duration::ZERO };
    match gate::pass(&Everybody, hold, NOW.plus(DAY)).await.unwrap() {
        Passage::Open(permit) => permit,
        Passage::Shut(objection) => panic!("{objection:?}"),
    }
}

/// A permit to chat made at [`NOW`].
pub(crate) async fn chat_permit() -> ChatPermit {
    let chat = Chat::new(ChatKey::chatwoot(AT));
    match gate::pass_chat(&Everybody, &chat, NOW, NOW.plus(DAY)).await.unwrap() {
        ChatPassage::Open(permit) => permit,
        ChatPassage::Shut(objection) => panic!("{objection:?}"),
    }
}

/// The mark of an answer's first step.
pub(crate) fn marker() -> Marker {
    let flight = InFlight {
        event: "e1".into(),
        after: 1,
        outcome: "answered".into(),
        steps: Vec::new(),
        done: 0,
        trying: None,
        said: String::new(),
        offers: Vec::new(),
        discloses: false,
        hands_over: false,
        answers: Vec::new(),
        failed: None,
    };
    flight.marker(&ChatKey::chatwoot(AT), 0)
}

pub(crate) fn phone() -> E164Phone {
    E164Phone::parse_e164(PHONE).unwrap()
}

pub(crate) fn shop() -> ShopDomain {
    ShopDomain::try_from("harbour-lane.myshopify.com").unwrap()
}

pub(crate) fn location() -> LocationUid {
    LocationUid::try_from("loc-1").unwrap()
}

pub(crate) fn conversation() -> ConversationUid {
    ConversationUid::try_from("v-1").unwrap()
}

pub(crate) fn words() -> Say {
    Say { location: location(), conversation: Some(conversation()), text: "Thanks, we have your message.".into() }
}

pub(crate) fn import() -> Import {
    Import {
        phone: phone(),
        contact_name: "Jo de la Cruz".into(),
        location: location(),
        text: "hush, do you have kayaks?\n[attachment] a.png (image/png, 123 bytes): https://shop.example/f/1".into(),
        at: NOW,
    }
}

pub(crate) fn invite() -> Invite {
    Invite { uid: ProviderId::try_from("inv-1").unwrap(), url: LINK.into() }
}

pub(crate) fn review() -> ReviewSend {
    ReviewSend {
        location: location(),
        platform: Platform::Google,
        invite: Some(invite()),
        text: format!("How did we do? {LINK} Reply STOP to opt out."),
        order: OrderId(820_982_911_946_154_508),
    }
}

/// A vault that notes every access in a journal that others may write to as well.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestVault {
    pub(crate) document: Arc<Mutex<String>>,
    pub(crate) journal: Arc<Mutex<Vec<String>>>,
    /// So many writes fail before one succeeds.
    pub(crate) failing_writes: Arc<AtomicU32>,
}

impl TestVault {
    pub(crate) fn holding(document: &serde_json::Value) -> Self {
        Self { document: Arc::new(Mutex::new(document.to_string())), ..Self::default() }
    }

    pub(crate) fn field(&self, name: &str) -> String {
        let document: serde_json::Value = serde_json::from_str(&self.document.lock().unwrap()).unwrap();
        document[name].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn note(&self, what: &str) {
        self.journal.lock().unwrap().push(what.to_owned());
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.journal.lock().unwrap().clone()
    }
}

impl CredentialVault for TestVault {
    async fn read(&self) -> Result<Secret, VaultError> {
        Secret::new("document", self.document.lock().unwrap().as_str())
            .map_err(|_| VaultError { attempt: "read", detail: "there is nothing".into() })
    }

    async fn write(&self, document: &str) -> Result<(), VaultError> {
        let left = self.failing_writes.load(Ordering::SeqCst);
        if left > 0 {
            self.failing_writes.store(left - 1, Ordering::SeqCst);
            self.note("write failed");
            return Err(VaultError { attempt: "written", detail: "throttled".into() });
        }
        document.clone_into(&mut self.document.lock().unwrap());
        self.note("written");
        Ok(())
    }
}

/// No phone and no credential in anything that could be logged.
pub(crate) fn assert_discreet(error: &(impl Debug + Display)) {
    for text in [format!("{error}"), format!("{error:?}"), format!("{error:#?}")] {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
