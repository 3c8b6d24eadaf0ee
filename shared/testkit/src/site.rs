//! The website side in one thread: tables, queues, storage, a model and a clock, and servers that answer browsers. Any step
//! of any server can fail, lose its answer, take its time, or be the last thing that the server did.
//!
//! Every server has a plan of its own, by the number of its steps, and stops once before each step: so two requests can be
//! made to meet at any point of each other's course, and a failure can be played again.

mod mind;
mod play;
mod ports;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use frontdesk_core::{
    config::{self, Env},
    directory::{KnownLocation, LocationBook, Locations},
    flow::{
        contact_form::{self, FormDesk, SubmissionRules},
        web::{Address, Guard, GuardRules},
        widget_chat::{self, WidgetChat, WidgetChatRules},
        widget_edge::{self, Place, WidgetEdge, WidgetEdgeRules},
    },
    ids::LocationUid,
    notice::NoticeKey,
    phone::Region,
    queue::Wake,
    rate::RateScope,
    signature::{LiveSecrets, Secret},
    time::{Clock, UnixMillis},
    web::{Call, Reply},
    widget::Said,
};
use serde_json::{Value, json};

pub use mind::{Asked, Mind, Thinks, words};
pub use play::{End, Play};

use crate::{
    clock::{CountingIds, ManualClock},
    model::{ModelStore, Storage},
    recorder::Recorder,
    world::GENESIS,
};

/// The website whose pages may ask.
pub const SHOP: &str = "https://www.shop.example";
/// Where the functions are reached.
pub const API: &str = "https://api.shop.example";
/// A visitor's address.
pub const VISITOR: &str = "192.0.2.7";

/// What goes wrong at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The step fails and had no effect, but its caller cannot know.
    NotApplied,
    /// The step took effect, its answer was lost.
    ReplyLost,
    /// The server dies before the step.
    CrashBefore,
    /// The server dies after the step.
    CrashAfter,
    /// The step takes so long, and then works.
    Slow(Duration),
    /// There is never an answer.
    Hangs,
    /// A bug: the code panics.
    Panics,
}

impl Mishap {
    /// All after which the caller goes on.
    pub const FAULTS: [Self; 2] = [Self::NotApplied, Self::ReplyLost];
    /// All after which it does not.
    pub const CRASHES: [Self; 2] = [Self::CrashBefore, Self::CrashAfter];
}

/// Which steps of a server go wrong, by number.
pub type Mishaps = BTreeMap<usize, Mishap>;

/// A server whose step `number` goes wrong.
#[must_use]
pub fn at_step(number: usize, mishap: Mishap) -> Mishaps {
    Mishaps::from([(number, mishap)])
}

/// The website side.
#[derive(Debug)]
pub struct Site {
    /// Time.
    pub clock: ManualClock,
    /// The tables.
    pub store: ModelStore,
    /// Files.
    pub storage: Storage,
    /// What was reported.
    pub recorder: Recorder,
    /// What thinks.
    pub mind: Mind,
    /// Limits.
    pub guard: GuardRules,
    /// The chat's rules: the defaults, with a disclosure and an article.
    pub chat: WidgetChatRules,
    /// The contact form's: the defaults.
    pub form: SubmissionRules,
    /// The webchat form's: the defaults.
    pub edge: WidgetEdgeRules,
    /// The secrets that count.
    pub secrets: RefCell<LiveSecrets>,
    ids: CountingIds,
    wakes: RefCell<Vec<Wake>>,
    notices: RefCell<Vec<NoticeKey>>,
    timers: RefCell<BTreeMap<u64, UnixMillis>>,
    timed: Cell<u64>,
    moves: Cell<u64>,
}

/// The settings that have no default.
struct Settings;

impl Env for Settings {
    fn get(&self, name: &str) -> Option<String> {
        let articles = r#"[{"id":"returns","title":"Returns","description":"How to send it back.","link":"https://www.shop.example/returns"}]"#;
        match name {
            "WEB_ORIGINS" => Some(format!("{SHOP},http://localhost:8790")),
            "WEB_PUBLIC_URL" | "AGENT_KEYWORDS" => None,
            "AGENT_SHOP_NAME" => Some("Harbour Lane".into()),
            "AGENT_ARTICLES" => Some(articles.into()),
            "WEBCHAT_UPLOAD_BUCKET" => Some("uploads".into()),
            wired => config::SETTINGS.iter().any(|s| s.wired && s.name == wired).then(|| format!("the-{wired}")),
        }
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A secret of tickets.
///
/// # Panics
/// When it is empty.
#[must_use]
pub fn secrets(current: &str, previous: Option<&str>) -> LiveSecrets {
    let secret = |text: &str| Secret::new("WEB_SECRET_ARN", text).unwrap();
    LiveSecrets::rotating(secret(current), previous.map(secret))
}

impl Site {
    /// A site with three stores, whose model repeats what it is told.
    ///
    /// # Panics
    /// When the default settings cannot be read.
    #[must_use]
    pub fn new() -> Self {
        let chat = config::website_chat(&Settings).unwrap().config;
        let site = Self {
            clock: ManualClock::at(GENESIS),
            store: ModelStore::default(),
            storage: Storage::default(),
            recorder: Recorder::default(),
            mind: Mind::default(),
            guard: chat.web.guard,
            chat: chat.rules,
            form: config::contact_form(&Settings).unwrap().config.rules,
            edge: config::widget_edge(&Settings).unwrap().config.rules,
            secrets: RefCell::new(secrets("the-current-secret", Some("the-previous-secret"))),
            ids: CountingIds::default(),
            wakes: RefCell::default(),
            notices: RefCell::default(),
            timers: RefCell::default(),
            timed: Cell::new(0),
            moves: Cell::new(0),
        };
        play::ready(site.store.keep_locations(&book())).unwrap();
        site
    }

    /// What was put into the worker's queue.
    #[must_use]
    pub fn wakes(&self) -> Vec<Wake> {
        self.wakes.borrow().clone()
    }

    /// What was put into the notifier's queue.
    #[must_use]
    pub fn woken(&self) -> Vec<NoticeKey> {
        self.notices.borrow().clone()
    }

    /// Lets time pass.
    pub fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

/// Two stores that know their country, and one that does not.
fn book() -> LocationBook {
    let location = |uid: &str, name: &str, country: Option<&str>| KnownLocation {
        uid: LocationUid::try_from(uid).unwrap(),
        name: name.into(),
        country: country.map(|c| Region::try_from(c).unwrap()),
    };
    LocationBook {
        fetched_at: GENESIS,
        locations: vec![
            location("syd", "Sydney", Some("AU")),
            location("sfo", "San Francisco", Some("US")),
            location("sea", "At sea", None),
        ],
    }
}

/// One running copy of the functions: it has its own steps, its own troubles, and its own idea of the secrets.
#[derive(Clone, Debug)]
pub struct Server {
    site: Rc<Site>,
    plan: Rc<Mishaps>,
    walked: Rc<RefCell<Vec<&'static str>>>,
    dead: Rc<Cell<bool>>,
    known: Rc<RefCell<LiveSecrets>>,
    looked: Rc<Cell<bool>>,
}

impl Server {
    /// A server to which this will happen.
    #[must_use]
    pub fn of(site: &Rc<Site>, plan: Mishaps) -> Self {
        let known = site.secrets.borrow().clone();
        Self {
            site: Rc::clone(site),
            plan: Rc::new(plan),
            walked: Rc::default(),
            dead: Rc::default(),
            known: Rc::new(RefCell::new(known)),
            looked: Rc::default(),
        }
    }

    /// One that read the secrets at another time.
    #[must_use]
    pub fn knowing(self, secrets: LiveSecrets) -> Self {
        self.known.replace(secrets);
        self
    }

    /// The site.
    #[must_use]
    pub fn site(&self) -> &Rc<Site> {
        &self.site
    }

    /// The steps that it took, by name.
    #[must_use]
    pub fn walked(&self) -> Vec<&'static str> {
        self.walked.borrow().clone()
    }

    /// Whether it died.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead.get()
    }

    /// Answers a request to `/chat`, as the function does.
    pub async fn chat(&self, call: &Call) -> Reply {
        let address = Address {
            scope: RateScope::Chat,
            methods: "POST, OPTIONS",
            refuse: widget_chat::refuse,
            broken: widget_chat::broken,
        };
        self.guard()
            .answer(call, &address, async |request| {
                let rules = &self.site.chat;
                let said = match Said::read(&request.body, rules.prompt_chars_max) {
                    Ok(said) => said,
                    Err(bad) => return Reply::json(400, json!({ "error": bad.to_string() })),
                };
                let chat = WidgetChat {
                    store: self,
                    minds: self,
                    pause: self,
                    clock: &self.site.clock,
                    ids: self,
                    telemetry: &self.site.recorder,
                    rules,
                    secrets: request.tickets.live(),
                    call: request.call,
                    came_at: request.now,
                };
                Reply::json(200, chat.answer(&said).await)
            })
            .await
    }

    /// Answers a request to `/contact-form`, as the function does.
    pub async fn form(&self, call: &Call) -> Reply {
        let address = Address {
            scope: RateScope::ContactForm,
            methods: "POST, OPTIONS",
            refuse: contact_form::refuse,
            broken: contact_form::broken,
        };
        let (telemetry, rules) = (&self.site.recorder, &self.site.form);
        let desk = FormDesk { store: self, notices: self, telemetry, rules };
        self.guard().answer(call, &address, async |request| desk.submit(&request).await).await
    }

    /// Answers a request under `/webchat`, as the function does.
    pub async fn edge(&self, call: &Call) -> Reply {
        let address = Address {
            scope: RateScope::Webchat,
            methods: Place::at(&call.path).methods(),
            refuse: widget_edge::refuse,
            broken: widget_edge::broken,
        };
        let edge = WidgetEdge {
            store: self,
            queue: self,
            uploads: self,
            clock: &self.site.clock,
            ids: self,
            telemetry: &self.site.recorder,
            rules: &self.site.edge,
        };
        self.guard().answer(call, &address, async |request| edge.answer(&request).await).await
    }

    fn guard(&self) -> Guard<'_, Self, Self, ManualClock, Recorder> {
        Guard {
            store: self,
            secrets: self,
            clock: &self.site.clock,
            telemetry: &self.site.recorder,
            rules: &self.site.guard,
        }
    }
}

impl Clock for Server {
    fn now(&self) -> UnixMillis {
        self.site.clock.now()
    }
}

/// A request of a page of the shop's, as the gateway would describe it.
///
/// # Panics
/// When the address is none.
#[must_use]
pub fn posted(path: &str, body: &Value) -> Call {
    Call { body: body.to_string().into_bytes(), ..asked("POST", path) }
}

/// A request without a body. What stands behind a question mark is the query.
///
/// # Panics
/// When the address is none.
#[must_use]
pub fn asked(method: &str, address: &str) -> Call {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pair =
        |pair: &str| pair.split_once('=').map_or((pair.to_owned(), String::new()), |(n, v)| (n.into(), v.into()));
    Call {
        method: method.to_owned(),
        path: path.to_owned(),
        query: pairs.map(pair).collect(),
        headers: vec![
            ("origin".to_owned(), SHOP.as_bytes().to_vec()),
            ("content-type".to_owned(), b"application/json".to_vec()),
        ],
        body: Vec::new(),
        client: Some(VISITOR.parse().unwrap()),
        own_url: Some(API.to_owned()),
    }
}

/// The same request with another header.
#[must_use]
pub fn with_header(mut call: Call, name: &str, value: &str) -> Call {
    call.headers.retain(|(known, _)| known != name);
    call.headers.push((name.to_owned(), value.as_bytes().to_vec()));
    call
}

/// The same request without a header.
#[must_use]
pub fn without_header(mut call: Call, name: &str) -> Call {
    call.headers.retain(|(known, _)| known != name);
    call
}

/// The same request from another address.
///
/// # Panics
/// When that is none.
#[must_use]
pub fn from(mut call: Call, client: &str) -> Call {
    call.client = Some(client.parse().unwrap());
    call
}
