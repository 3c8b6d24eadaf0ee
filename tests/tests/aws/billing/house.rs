//! All functions that take part in a shop's day, put together as their `main`s do it, over metered wires. What one puts
//! into a queue the next one gets, one message at a time, as a quiet shop's do.

use std::{
    collections::BTreeMap,
    future::Future,
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use chat::Chat;
use chatwoot_worker::Worker as ChatwootWorker;
use contact_form::ContactForm;
use follow_up::FollowUp;
use frontdesk_assistant::{AssistantDesk, Minds};
use frontdesk_aws::{
    door::{self, DoorFunction},
    dynamo::DynamoStore,
    lambda::{
        Invocation,
        http::{HttpAnswer, HttpEvent},
        queue::{QueueAnswer, QueueEvent, Record},
    },
    probes::AwsProbes,
    process::{ProcessEnv, RandomIds, SystemClock, TimerPause},
    secrets::WebhookSecrets,
    sqs::{RoutedEvents, SqsEvents, SqsNotices, SqsSends},
    start::{Aws, Process},
    telemetry::JsonTelemetry,
    uploads::S3Uploads,
};
use frontdesk_core::{
    config::{self, Function, HealthConfig, SETTINGS, Setting},
    flow::{
        health::{Readiness, Seen},
        ingest::{ChatwootEndpoint, PodiumEndpoint, ShopifyEndpoint},
    },
    signature::{PodiumScheme, Secret, SignedHeaders, sign_chatwoot, sign_podium, sign_shopify},
    task::Tick,
    telemetry::Level,
    time::Clock,
};
use frontdesk_local::{Provider, StandIns};
use frontdesk_tests::{
    aws::{MapEnv, TIMING},
    meter::{self, Bill, Runs},
    tables::{PEPPER, Tables},
    wire::{Call, Fate, Wire},
};
use frontdesk_wiring::{NoticeChannels, PodiumClient, ShopifyClient, Wiring};
use health::Health;
use notifier::Notifier;
use podium_worker::Worker as PodiumWorker;
use review_sender::ReviewSender;
use serde_json::{Value, json};
use shopify_worker::Worker as ShopifyWorker;
use timers::Timers;
use widget_edge::WidgetEdge;

/// Signs everything here that is signed.
const SIGNING: &str = "a signing secret that only tests have";
const QUEUES: &str = "https://sqs.example/1/";
const ORIGIN: &str = "https://shop.example";

/// What all functions write.
#[derive(Clone, Debug, Default)]
pub(super) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    /// The lines so far, as CloudWatch gets them.
    pub(super) fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|l| serde_json::from_slice(l).unwrap())
            .collect()
    }

    /// How many bytes they are.
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

type Log = JsonTelemetry<SystemClock, Paper>;
type Store = DynamoStore;
type WebSecrets = WebhookSecrets<SystemClock, Log>;

/// The shop's house, warm.
pub(super) struct House {
    _tables: Tables,
    pub(super) stand_ins: StandIns,
    dynamodb: Wire,
    sqs: Wire,
    secrets: Wire,
    pub(super) paper: Paper,
    bill: Mutex<Bill>,
    at: Mutex<Place>,
    functions: Functions,
}

/// How many of the calls to SQS were looked at, and for what.
#[derive(Debug, Default)]
struct Place {
    /// For messages.
    read: usize,
    /// For the bill.
    billed: usize,
    /// And of the log's lines.
    lines: usize,
}

struct Functions {
    shopify_orders: DoorFunction<ShopifyEndpoint, Log>,
    podium: DoorFunction<PodiumEndpoint, Log>,
    chatwoot: DoorFunction<ChatwootEndpoint, Log>,
    shopify_worker: ShopifyWorker<Store, SystemClock, RandomIds, Log>,
    podium_worker: PodiumWorker<Store, PodiumClient<Log>, SqsNotices, SystemClock, RandomIds, Log>,
    chatwoot_worker: ChatwootWorker<Store, AssistantDesk, SqsNotices, TimerPause, SystemClock, RandomIds, Log>,
    review_sender: ReviewSender<Store, ShopifyClient<Log>, PodiumClient<Log>, SystemClock, RandomIds, Log>,
    notifier: Notifier<Store, SqsNotices, NoticeChannels, SystemClock, RandomIds, Log>,
    timers: Timers<Store, RoutedEvents, SqsSends, SqsNotices, PodiumClient<Log>, SystemClock, RandomIds, Log>,
    follow_up: FollowUp<Store, SqsEvents, PodiumClient<Log>, ShopifyClient<Log>, SystemClock, RandomIds, Log>,
    chat: Chat<Store, Minds, WebSecrets, TimerPause, SystemClock, RandomIds, Log>,
    contact_form: ContactForm<Store, SqsNotices, WebSecrets, SystemClock, Log>,
    widget_edge: WidgetEdge<Store, SqsEvents, S3Uploads, WebSecrets, SystemClock, RandomIds, Log>,
    health: Health<AwsProbes, TimerPause, SystemClock, Log>,
}

/// The variables of all functions together: the local shop's, with the defaults that a deployment has where the local
/// stack hurries.
fn variables(stand_ins: &StandIns, urls: [(&str, &str); 3]) -> MapEnv {
    let mut map: BTreeMap<String, String> = BTreeMap::new();
    for Setting { name, .. } in SETTINGS.iter().filter(|setting| setting.wired) {
        let value = match *name {
            "FRONTDESK_TABLE_REQUESTS" => "review_requests".to_owned(),
            "WEBCHAT_UPLOAD_BUCKET"
            | "NOTIFY_WEBHOOK_SECRET_ARN"
            | "NOTIFY_SNS_TOPIC_ARN"
            | "HEALTH_TABLES"
            | "HEALTH_QUEUES_URL"
            | "HEALTH_QUEUES"
            | "HEALTH_DEAD_LETTERS"
            | "HEALTH_SECRETS" => continue,
            name => match name.strip_prefix("FRONTDESK_TABLE_") {
                Some(table) => table.to_lowercase(),
                None => match name.strip_prefix("FRONTDESK_QUEUE_").and_then(|rest| rest.strip_suffix("_URL")) {
                    Some(queue) => format!("{QUEUES}{}", queue.to_lowercase()),
                    None => name.to_owned(),
                },
            },
        };
        map.insert((*name).to_owned(), value);
    }
    let locations = json!([{
        "podium_location": "loc_burleigh", "name": "Harbour Lane Burleigh Heads", "country": "AU",
        "shopify_location_ids": [88_110_022_001_u64],
    }]);
    let keywords = json!([{"words": ["open", "hours"], "answer": "We are open every day from 9 to 5."}]);
    let set = [
        ("SHOPIFY_SHOP", "harbour-lane-demo.myshopify.com".to_owned()),
        ("SHOPIFY_LOCATIONS", locations.to_string()),
        ("SHOPIFY_API_URL", stand_ins.shopify_url()),
        ("PODIUM_API_URL", stand_ins.podium_url()),
        ("PODIUM_TOKEN_URL", stand_ins.podium_token_url()),
        ("CHATWOOT_URL", stand_ins.chatwoot_url()),
        ("AGENT_SHOP_NAME", "Harbour Lane".to_owned()),
        ("AGENT_KEYWORDS", keywords.to_string()),
        ("WEB_ORIGINS", ORIGIN.to_owned()),
        // What is not the order's own business: the sample was shipped at a time of its own, and nobody waits for five days.
        ("REVIEW_BUFFER_SECONDS", "0".to_owned()),
        ("REVIEW_ALLOWED_HOURS", "Mon-Sun 00:00-24:00".to_owned()),
        ("REVIEW_CONSENT", "checkout_notice".to_owned()),
        ("REVIEW_KEEP_DAYS", "3650".to_owned()),
        ("REVIEW_MAX_AGE_DAYS", "3600".to_owned()),
        ("OPTOUT_MIRROR", "tag".to_owned()),
        ("AWS_REGION", "eu-test-bill".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ];
    map.extend(set.map(|(name, value)| (name.to_owned(), value)));
    map.extend(urls.map(|(name, value)| (name.to_owned(), value.to_owned())));
    MapEnv(map)
}

/// What readiness of a whole stack looks at: the template's tables, queues, dead letters and secrets.
fn health_variables() -> Vec<(&'static str, String)> {
    let list = |words: &[&str]| words.iter().map(|word| format!("{word}={word}")).collect::<Vec<_>>().join(",");
    let tables = list(&["inbox", "contacts", "outbox", "sessions", "chats", "reviews", "limits", "directory", "forms"]);
    let queues = ["shopify", "podium", "podium-reviews", "privacy", "chatwoot", "review-sends", "notices", "schedules"];
    let secrets = ["shopify-webhook*", "shopify-admin*", "podium-webhook*", "podium-oauth*", "pepper", "web"];
    let secrets = secrets.map(|word| format!("{word}={}", word.trim_end_matches('*'))).join(",");
    vec![
        ("HEALTH_TABLES", format!("{tables},review-requests=review_requests")),
        ("HEALTH_QUEUES_URL", QUEUES.to_owned()),
        ("HEALTH_QUEUES", list(&queues)),
        ("HEALTH_DEAD_LETTERS", queues.map(|word| format!("{word}-dead={word}-dead")).join(",")),
        ("HEALTH_SECRETS", secrets),
    ]
}

fn secret_values(stand_ins: &StandIns) -> impl Fn(&Call) -> Fate + Send + Sync + 'static {
    let grant = json!({"client_id": "ci", "client_secret": "cs", "refresh_token": "rt"}).to_string();
    let slack = stand_ins.slack_url();
    move |call| {
        if call.operation == "DescribeSecret" {
            let stages = json!({"v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT"]});
            return Fate::Answer(200, json!({"ARN": "arn", "Name": "name", "VersionIdsToStages": stages}));
        }
        let asked = call.json();
        if asked["VersionStage"] == "AWSPREVIOUS" {
            return Fate::Answer(400, json!({"__type": "ResourceNotFoundException", "Message": "no such stage"}));
        }
        let value = match asked["SecretId"].as_str().unwrap() {
            "FRONTDESK_PEPPER_SECRET_ARN" => PEPPER.to_owned(),
            "SHOPIFY_ADMIN_SECRET_ARN" | "PODIUM_OAUTH_SECRET_ARN" => grant.clone(),
            "CHATWOOT_API_SECRET_ARN" => {
                json!({"api_token": "cw-bot-token", "user_token": "cw-user-token"}).to_string()
            }
            "NOTIFY_SLACK_SECRET_ARN" => slack.clone(),
            _ => SIGNING.to_owned(),
        };
        Fate::Answer(200, json!({ "SecretString": value }))
    }
}

fn taken_by_sqs(call: &Call) -> Fate {
    match &*call.operation {
        "SendMessageBatch" => {
            let entries = call.json()["Entries"].as_array().cloned().unwrap_or_default();
            let done: Vec<Value> =
                entries.iter().map(|e| json!({"Id": e["Id"], "MessageId": "m", "MD5OfMessageBody": "x"})).collect();
            Fate::Answer(200, json!({"Successful": done, "Failed": []}))
        }
        "GetQueueAttributes" => {
            let none = json!({
                "ApproximateNumberOfMessages": "0",
                "ApproximateNumberOfMessagesNotVisible": "0",
                "ApproximateNumberOfMessagesDelayed": "0",
            });
            Fate::Answer(200, json!({ "Attributes": none }))
        }
        _ => Fate::Answer(200, json!({"MessageId": "m", "MD5OfMessageBody": "x"})),
    }
}

/// Starts everything.
pub(super) async fn house() -> House {
    let (tables, stand_ins) = (Tables::start().await, StandIns::start("127.0.0.1:0").await.unwrap());
    stand_ins.set_location("loc_burleigh", &json!({"name": "Harbour Lane Burleigh Heads"})).unwrap();
    let dynamodb = meter::metered(&tables.url).await;
    let sqs = Wire::nowhere(taken_by_sqs).await;
    let secrets = Wire::nowhere(secret_values(&stand_ins)).await;
    let urls = [
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.url.as_str()),
        ("AWS_ENDPOINT_URL_SQS", &sqs.url),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.url),
    ];
    let env = variables(&stand_ins, urls);
    let paper = Paper::default();
    let functions = functions(&env, &paper).await;
    let house = House {
        _tables: tables,
        stand_ins,
        dynamodb,
        sqs,
        secrets,
        paper,
        bill: Mutex::default(),
        at: Mutex::default(),
        functions,
    };
    house.bill();
    house
}

async fn functions(env: &MapEnv, paper: &Paper) -> Functions {
    let ids = RandomIds::from_system().unwrap();
    let aws = Aws::from_env(env, &TIMING).unwrap();
    let log =
        |function: Function| JsonTelemetry::to(function.as_str().to_owned(), Level::Info, SystemClock, paper.clone());
    let start = |function: Function| Process {
        env: ProcessEnv,
        telemetry: log(function),
        clock: SystemClock,
        ids: ids.clone(),
    };
    let (clock, pause) = (SystemClock, TimerPause);
    let store =
        |tables, pepper| DynamoStore::new(aws.dynamodb(), tables, ids.clone()).with_pepper(door::pepper(&aws, pepper));
    let lines = |url| SqsEvents::in_lines(aws.sqs(), url, ids.clone());
    let queue = |url| SqsEvents::new(aws.sqs(), url);

    let shopify_orders = config::shopify_endpoint(env).unwrap().config;
    let podium = config::podium_endpoint(env).unwrap().config;
    let chatwoot = config::chatwoot_endpoint(env).unwrap().config;

    let (process, c) = (start(Function::ShopifyWorker), config::shopify_worker(env).unwrap().config);
    let shopify_worker = ShopifyWorker {
        store: store(c.tables, c.pepper_secret),
        clock,
        ids: ids.clone(),
        telemetry: process.telemetry,
        policy: c.policy,
        shop: c.shop,
        rules: c.rules,
    };

    let (process, c) = (start(Function::PodiumWorker), config::podium_worker(env).unwrap().config);
    let its_store = store(c.tables, c.pepper_secret);
    let wiring = Wiring::new(&c.http, &aws, &its_store, &process).unwrap();
    let its_podium = wiring.podium_with_attachments(&c.podium, &c.attachment_hosts).await.unwrap();
    let podium_worker = PodiumWorker {
        podium: its_podium,
        store: its_store,
        notices: SqsNotices::new(aws.sqs(), c.notices_queue_url),
        clock,
        ids: ids.clone(),
        telemetry: process.telemetry,
        chat: c.chat,
        reviews: c.reviews,
        rules: c.rules,
    };

    let (process, c) = (start(Function::ChatwootWorker), config::chatwoot_worker(env).unwrap().config);
    let desk = AssistantDesk::open(&c, &aws, clock, &process.telemetry).await.unwrap();
    let chatwoot_worker = ChatwootWorker {
        store: store(c.tables, c.pepper_secret),
        desk,
        notices: SqsNotices::new(aws.sqs(), c.notices_queue_url),
        pause,
        clock,
        ids: ids.clone(),
        telemetry: process.telemetry,
        assistant: c.assistant,
        rules: c.rules,
    };

    let (process, c) = (start(Function::ReviewSender), config::review_sender(env).unwrap().config);
    let its_store = store(c.tables, c.pepper_secret);
    let wiring = Wiring::new(&c.http, &aws, &its_store, &process).unwrap();
    let (orders, reviews) = (wiring.shopify(&c.shop, &c.shopify).await, wiring.podium(&c.podium).await);
    let review_sender = ReviewSender {
        orders: orders.unwrap(),
        reviews: reviews.unwrap(),
        store: its_store,
        clock,
        ids: ids.clone(),
        telemetry: process.telemetry,
        policy: c.policy,
        rules: c.rules,
    };

    let (process, c) = (start(Function::Notifier), config::notifier(env).unwrap().config);
    let its_store = DynamoStore::new(aws.dynamodb(), c.tables.clone(), ids.clone());
    let channels = Wiring::new(&c.http, &aws, &its_store, &process).unwrap().channels(&c);
    let notifier = Notifier {
        store: its_store,
        queue: SqsNotices::new(aws.sqs(), c.queue_url),
        channels,
        clock,
        ids: ids.clone(),
        telemetry: process.telemetry,
        rules: c.rules,
    };

    let (process, c) = (start(Function::Timers), config::timers(env).unwrap().config);
    let rules = timers::TaskRules::from(&c);
    let its_store = store(c.tables, c.pepper_secret);
    let wiring = Wiring::new(&c.http, &aws, &its_store, &process).unwrap();
    let its_podium = wiring.podium_with_tag_beside_other_work(&c.podium, &rules.mirror.tag).await.unwrap();
    let timers = Timers {
        podium: its_podium,
        store: its_store,
        events: RoutedEvents {
            shopify: queue(c.shopify_queue_url),
            podium: lines(c.podium_queue_url),
            privacy: queue(c.privacy_queue_url),
            chatwoot: lines(c.chatwoot_queue_url),
        },
        sends: SqsSends::new(aws.sqs(), c.reviews_queue_url),
        notices: SqsNotices::new(aws.sqs(), c.notices_queue_url),
        clock,
        ids: ids.clone(),
        telemetry: process.telemetry,
        rules,
    };

    let (process, c) = (start(Function::FollowUp), config::follow_up(env).unwrap().config);
    let rules = follow_up::TaskRules::from(&c);
    let its_store = store(c.tables, c.pepper_secret);
    let wiring = Wiring::new(&c.http, &aws, &its_store, &process).unwrap();
    let its_podium = wiring.podium_beside_other_work(&c.podium).await.unwrap();
    let its_shopify = wiring.shopify_beside_other_work(&c.shop, &c.shopify).await.unwrap();
    let follow_up = FollowUp {
        podium: its_podium,
        shopify: its_shopify,
        store: its_store,
        shopify_events: queue(c.shopify_queue_url),
        podium_events: lines(c.podium_queue_url),
        clock,
        ids: ids.clone(),
        telemetry: process.telemetry,
        rules,
    };

    let (process, c) = (start(Function::Chat), config::website_chat(env).unwrap().config);
    let chat = Chat {
        store: DynamoStore::new(aws.dynamodb(), c.tables, ids.clone()),
        minds: Minds::open(&c.agent, c.catalogue.as_ref(), &c.http, &aws, clock).unwrap(),
        secrets: door::web_secrets(&aws, &c.web, &process).await.unwrap(),
        pause,
        clock,
        ids: ids.clone(),
        telemetry: process.telemetry,
        guard: c.web.guard,
        rules: c.rules,
    };

    let (process, c) = (start(Function::ContactForm), config::contact_form(env).unwrap().config);
    let contact_form = ContactForm {
        store: DynamoStore::new(aws.dynamodb(), c.tables, ids.clone()),
        notices: SqsNotices::new(aws.sqs(), c.notices_queue_url),
        secrets: door::web_secrets(&aws, &c.web, &process).await.unwrap(),
        clock,
        telemetry: process.telemetry,
        guard: c.web.guard,
        rules: c.rules,
    };

    let (process, c) = (start(Function::WidgetEdge), config::widget_edge(env).unwrap().config);
    let widget_edge = WidgetEdge {
        store: store(c.tables, c.pepper_secret),
        queue: lines(c.queue_url),
        uploads: aws.uploads(c.bucket.as_deref()),
        secrets: door::web_secrets(&aws, &c.web, &process).await.unwrap(),
        clock,
        ids: ids.clone(),
        telemetry: process.telemetry,
        guard: c.web.guard,
        rules: c.rules,
    };

    let mut looks = env.clone();
    looks.0.extend(health_variables().into_iter().map(|(name, value)| (name.to_owned(), value)));
    let HealthConfig { parts, fresh } = config::health(&looks).unwrap().config;
    let probes = AwsProbes::new(&aws);
    let health = Health(Readiness {
        probes,
        pause,
        clock,
        telemetry: log(Function::Health),
        parts,
        fresh,
        seen: Seen::default(),
    });

    Functions {
        shopify_orders: door::open(&aws, &start(Function::ShopifyOrders), shopify_orders.into()).await.unwrap(),
        podium: door::open(&aws, &start(Function::PodiumWebchat), podium.into()).await.unwrap(),
        chatwoot: door::open(&aws, &start(Function::Chatwoot), chatwoot.into()).await.unwrap(),
        shopify_worker,
        podium_worker,
        chatwoot_worker,
        review_sender,
        notifier,
        timers,
        follow_up,
        chat,
        contact_form,
        widget_edge,
        health,
    }
}

/// What a provider is called in the bill.
fn name_of(provider: Provider) -> &'static str {
    match provider {
        Provider::Podium => "Podium",
        Provider::Shopify => "Shopify",
        Provider::Chatwoot => "Chatwoot",
        Provider::Slack => "Slack",
        Provider::Attachments => "attachments' host",
        Provider::Webhook => "webhook",
        Provider::Sns => "SNS",
        Provider::Ai => "model",
        Provider::Shop => "WooCommerce",
    }
}

impl House {
    /// What was spent since the last bill, when everything has come to rest.
    pub(super) fn bill(&self) -> Bill {
        let unread = &self.sqs.calls()[self.at.lock().unwrap().read..];
        assert!(!unread.iter().any(is_send), "a bill with messages that nobody fetched");
        self.spent()
    }

    /// What was spent since the last bill.
    pub(super) fn spent(&self) -> Bill {
        let mut bill = std::mem::take(&mut *self.bill.lock().unwrap());
        meter::read_meter(&self.dynamodb, &mut bill);
        let calls = self.sqs.calls();
        let from = std::mem::replace(&mut self.at.lock().unwrap().billed, calls.len());
        // What a connection is opened with has no operation, and no price.
        bill.sqs += calls[from..].iter().filter(|call| !call.operation.is_empty()).count() as u64;
        bill.secrets += self.secrets.calls().len() as u64;
        let lines = self.paper.lines().len();
        bill.log_lines += (lines - std::mem::replace(&mut self.at.lock().unwrap().lines, lines)) as u64;
        for request in self.stand_ins.requests() {
            *bill.providers.entry(name_of(request.provider)).or_default() += 1;
        }
        self.dynamodb.forget();
        self.secrets.forget();
        self.stand_ins.clear_requests();
        bill
    }

    /// A function runs, and what it does is its own.
    async fn run<A>(&self, function: Function, work: impl Future<Output = A>) -> A {
        let calls = || {
            let cloud = self.dynamodb.calls().len() + self.sqs.calls().len() + self.secrets.calls().len();
            (cloud as u64, self.stand_ins.requests().len() as u64)
        };
        let before = calls();
        let answer = work.await;
        let after = calls();
        let runs = Runs { times: 1, cloud_calls: after.0 - before.0, other_calls: after.1 - before.1 };
        *self.bill.lock().unwrap().runs.entry(function).or_default() += runs;
        answer
    }

    /// Has the workers do what was put into their queues, and what they put there, until nothing is left.
    pub(super) async fn settle(&self) {
        loop {
            let calls = self.sqs.calls();
            let from = std::mem::replace(&mut self.at.lock().unwrap().read, calls.len());
            let sent: Vec<(String, String)> = calls[from..].iter().flat_map(messages).collect();
            if sent.is_empty() {
                return;
            }
            for (queue, key) in sent {
                self.work(&queue, key).await;
            }
        }
    }

    /// One message: fetched, worked on, deleted.
    async fn work(&self, queue: &str, key: String) {
        self.bill.lock().unwrap().sqs += 2;
        let record = Record { message_id: Some("m1".into()), body: Some(key.clone()), ..Record::default() };
        let deadline = SystemClock.now().plus(Duration::from_secs(170));
        let batch = Invocation { event: QueueEvent { records: vec![record] }, deadline };
        let f = &self.functions;
        let answer = match queue {
            "shopify" => self.run(Function::ShopifyWorker, f.shopify_worker.handle(batch)).await,
            "podium" => self.run(Function::PodiumWorker, f.podium_worker.handle(batch)).await,
            "chatwoot" => self.run(Function::ChatwootWorker, f.chatwoot_worker.handle(batch)).await,
            "reviews" => self.run(Function::ReviewSender, f.review_sender.handle(batch)).await,
            "notices" => self.run(Function::Notifier, f.notifier.handle(batch)).await,
            other => panic!("nobody works on {other}"),
        };
        assert_eq!(answer, Ok(QueueAnswer::default()), "{queue} {key}: {:?}", self.paper.lines());
    }

    /// A schedule's task.
    pub(super) async fn tick(&self, function: Function, task: &str) {
        let tick = Tick { task: task.into() };
        let done = match function {
            Function::Timers => self.run(function, self.functions.timers.handle(&tick)).await,
            _ => self.run(function, self.functions.follow_up.handle(&tick)).await,
        };
        done.unwrap_or_else(|error| panic!("{task}: {error}"));
    }

    fn request(&self, method: &str, path: &str, headers: SignedHeaders, body: String) -> HttpEvent {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let headers: BTreeMap<String, String> =
            headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let context = json!({
            "http": {"method": method, "sourceIp": "203.0.113.9"}, "domainName": "front.example", "stage": "$default",
        });
        self.bill.lock().unwrap().gateway += 1;
        HttpEvent {
            headers: Some(headers),
            body: Some(body),
            raw_path: path.to_owned(),
            raw_query_string: query.to_owned(),
            request_context: serde_json::from_value(context).unwrap(),
            ..HttpEvent::default()
        }
    }

    /// A webhook of Shopify's comes in, and is worked on.
    pub(super) async fn shopify(&self, id: &str, body: &str) {
        let mut headers = sign_shopify(&signing(), body.as_bytes());
        headers.push(("X-Shopify-Webhook-Id", id.to_owned()));
        headers.push(("X-Shopify-Shop-Domain", "harbour-lane-demo.myshopify.com".to_owned()));
        let event = self.request("POST", "/shopify/orders-fulfilled", headers, body.to_owned());
        let answer = self.run(Function::ShopifyOrders, self.functions.shopify_orders.handle(event)).await;
        assert_eq!((answer.status_code, &*answer.body), (200, "accepted"));
        self.settle().await;
    }

    /// A webhook of Podium's comes in, and is worked on.
    pub(super) async fn podium(&self, function: Function, body: &Value) {
        let body = body.to_string();
        let headers = sign_podium(&signing(), PodiumScheme::Published, body.as_bytes(), SystemClock.now().get());
        let event = self.request("POST", "/podium/webchat", headers, body);
        let answer = self.run(function, self.functions.podium.handle(event)).await;
        assert_eq!((answer.status_code, &*answer.body), (200, "accepted"));
        self.settle().await;
    }

    /// A webhook of Chatwoot's comes in, and is worked on.
    pub(super) async fn chatwoot(&self, body: &str) {
        let headers = sign_chatwoot(&signing(), body.as_bytes(), SystemClock.now().get());
        let event = self.request("POST", "/chatwoot", headers, body.to_owned());
        let answer = self.run(Function::Chatwoot, self.functions.chatwoot.handle(event)).await;
        assert_eq!((answer.status_code, &*answer.body), (200, "accepted"));
        self.settle().await;
    }

    /// A page asks one of the functions that browsers call.
    pub(super) async fn page(&self, function: Function, method: &str, path: &str, body: &Value) -> Value {
        let headers = vec![("origin", ORIGIN.to_owned()), ("content-type", "application/json".to_owned())];
        let event = self.request(method, path, headers, if body.is_null() { String::new() } else { body.to_string() });
        let f = &self.functions;
        let answer: HttpAnswer = match function {
            Function::Chat => self.run(function, f.chat.handle(event)).await,
            Function::ContactForm => self.run(function, f.contact_form.handle(event)).await,
            Function::WidgetEdge => self.run(function, f.widget_edge.handle(event)).await,
            _ => self.run(function, f.health.handle(event)).await,
        };
        assert!(matches!(answer.status_code, 200 | 202), "{path}: {}", answer.body);
        self.settle().await;
        serde_json::from_str(&answer.body).unwrap()
    }
}

fn signing() -> Secret {
    Secret::new("test", SIGNING).unwrap()
}

fn is_send(call: &Call) -> bool {
    matches!(&*call.operation, "SendMessage" | "SendMessageBatch")
}

/// What a call put into which queue.
fn messages(call: &Call) -> Vec<(String, String)> {
    if !is_send(call) {
        return Vec::new();
    }
    let said = call.json();
    let queue = said["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let text = |message: &Value| message["MessageBody"].as_str().unwrap().to_owned();
    match said["Entries"].as_array() {
        Some(entries) => entries.iter().map(|entry| (queue.clone(), text(entry))).collect(),
        None => vec![(queue, text(&said))],
    }
}
