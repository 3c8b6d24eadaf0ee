//! What each kind of event costs from its webhook to its end, counted on the wires.

use std::{collections::BTreeSet, fs, sync::OnceLock};

use frontdesk_core::config::Function;
use frontdesk_tests::meter::Bill;
use serde_json::{Value, json};

use super::house::{House, house};

/// A kind of event, and what one of it cost.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// The name, by which the mix of a month refers to it.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) what: &'static str,
    pub(super) bill: Bill,
}

/// What the clock costs when there is nothing to do: a task, how often a month of 30 days, and one run.
#[derive(Clone, Debug)]
pub(super) struct Idle {
    pub(super) task: &'static str,
    pub(super) runs: u64,
    pub(super) bill: Bill,
}

/// Everything that was counted.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) events: Vec<Counted>,
    pub(super) clock: Vec<Idle>,
    /// Metrics of our own that were written, each with its dimensions.
    pub(super) metrics: usize,
    logged: (usize, usize),
}

impl Counts {
    /// A logged line's bytes, to the next fifty.
    pub(super) fn line_bytes(&self) -> f64 {
        let (bytes, lines) = self.logged;
        bytes.div_ceil(lines).next_multiple_of(50) as f64
    }

    pub(super) fn of(&self, name: &str) -> &Bill {
        let found = self.events.iter().find(|event| event.name == name);
        &found.unwrap_or_else(|| panic!("nobody counted {name}")).bill
    }
}

const MINUTES: u64 = 30 * 24 * 60;

/// Each task of the clock, by whom it is done, and how often a month with the template's schedules.
const CLOCK: [(Function, &str, u64); 10] = [
    (Function::Timers, "promote", MINUTES),
    (Function::Timers, "sweep", MINUTES),
    (Function::Timers, "sessions", MINUTES),
    (Function::Timers, "locations", MINUTES / 5),
    (Function::Timers, "mirror", MINUTES),
    (Function::Timers, "notices", MINUTES),
    (Function::FollowUp, "sends", MINUTES / 10),
    (Function::FollowUp, "reconcile-reviews", MINUTES / 60),
    (Function::FollowUp, "reconcile-messages", MINUTES / 60),
    (Function::FollowUp, "reconcile-orders", MINUTES / 60),
];

/// Has a shop's events happen, one of each kind, in a house that has seen one of each before: its connections, secrets,
/// tokens and lists are there, as they are in a function that is warm.
pub(super) fn counts() -> &'static Counts {
    static COUNTS: OnceLock<Counts> = OnceLock::new();
    COUNTS.get_or_init(|| {
        // All functions in one future are more than a test's stack holds.
        let counting = std::thread::Builder::new().stack_size(16 << 20).spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(count())
        });
        counting.unwrap().join().unwrap()
    })
}

async fn count() -> Counts {
    let house = house().await;
    let mut clock = Vec::new();
    for (function, task, runs) in CLOCK {
        // The first gets tokens, and leaves a bookmark.
        house.tick(function, task).await;
        house.bill();
        house.tick(function, task).await;
        clock.push(Idle { task, runs, bill: house.bill() });
    }
    day(&house, 1, &clock).await;
    let events = day(&house, 2, &clock).await;
    let lines = house.paper.lines();
    let metrics: BTreeSet<String> = lines.iter().flat_map(metrics).collect();
    Counts { events, clock, metrics: metrics.len(), logged: (house.paper.len(), lines.len()) }
}

/// The metrics that CloudWatch makes of a line, each with the values of its dimensions.
fn metrics(line: &Value) -> Vec<String> {
    let mut made = Vec::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
        for set in directive["Dimensions"].as_array().into_iter().flatten() {
            let names = set.as_array().into_iter().flatten().filter_map(Value::as_str);
            let dimensions: Vec<String> = names.map(|name| format!("{name}={}", line[name])).collect();
            for metric in directive["Metrics"].as_array().into_iter().flatten() {
                made.push(format!("{} {}", metric["Name"], dimensions.join(" ")));
            }
        }
    }
    made
}

/// One of each; `n` tells the people of one day from those of another.
async fn day(house: &House, n: u64, clock: &[Idle]) -> Vec<Counted> {
    let mut events = Vec::new();
    let mut counted = |name, what, bill| events.push(Counted { name, what, bill });
    let phone = |person: u64| format!("+614915700{n}{person}");
    let idle = |task: &str| &clock.iter().find(|idle| idle.task == task).expect("a task").bill;

    // ---- An order and its review request
    let order = order(n, &phone(0));
    house.stand_ins.put_rest_order(&order).unwrap();
    house.shopify(&format!("order-{n}"), &order.to_string()).await;
    counted("order", "a shipped order, until its request is scheduled", house.bill());
    house.tick(Function::Timers, "promote").await;
    let promoted = house.spent();
    counted("promote", "the request falls due: what that adds to a run of `promote`", promoted - idle("promote"));
    house.settle().await;
    counted("send", "the request is sent", house.bill());
    let texts = house.stand_ins.ledger_of(&phone(0));
    assert_eq!(texts.len(), 1, "one text: {texts:?}");
    let id = texts[0].message_id.clone().unwrap();
    house.podium(Function::PodiumWebchat, &news("message.sent", &id, &phone(0))).await;
    counted("delivery", "Podium says that it was handed on", house.bill());
    house.shopify(&format!("update-{n}"), &order.to_string()).await;
    counted("order-update", "the order changes in some way that means nothing", house.bill());

    let mut mute = sample("shopify/orders-fulfilled-no-phone.json");
    mute["id"] = json!(5_600_000_000_000_u64 + n);
    house.shopify(&format!("mute-{n}"), &mute.to_string()).await;
    counted("skipped-order", "a shipped order that is not asked about: no number", house.bill());

    // ---- Messages
    house.podium(Function::PodiumWebchat, &message(n, 1, &phone(1), "Is the brass lamp still there?")).await;
    counted("first-message", "a webchat's first message, of somebody new", house.bill());
    house.podium(Function::PodiumWebchat, &message(n, 2, &phone(1), "In black, if you have it.")).await;
    counted("message", "a further message of it", house.bill());
    house.podium(Function::PodiumWebchat, &message(n, 3, &phone(1), "STOP")).await;
    counted("stop", "STOP", house.bill());
    house.tick(Function::Timers, "mirror").await;
    counted("mirror", "Podium is told of it (`OPTOUT_MIRROR=tag`)", house.bill() - idle("mirror"));
    house.podium(Function::PodiumWebchat, &news("message.sent", &format!("of-staff-{n}"), &phone(2))).await;
    counted("staff-message", "a text of the shop's own people, as Podium tells of it", house.bill());

    // ---- Reviews
    house.podium(Function::PodiumReviews, &review("published.review.created.5star.json", n, 5)).await;
    counted("good-review", "a review of five stars", house.bill());
    house.podium(Function::PodiumReviews, &review("published.review.created.1star.json", n, 1)).await;
    counted("bad-review", "a review of one star, told by Slack", house.bill());

    // ---- A chat in Chatwoot
    let asked = house.stand_ins.chat_inbound(&json!({"text": "When are you open?", "quiet": true})).unwrap();
    house.stand_ins.clear_requests();
    house.chatwoot(&chat_message(&asked)).await;
    assert_eq!(house.stand_ins.chat_effects(id_of(&asked, "account"), id_of(&asked, "conversation")).len(), 1);
    counted("chatwoot", "a message in Chatwoot, answered by the shop's keywords", house.bill());

    // ---- The website
    let prompt = json!({"prompt": "When are you open?", "session_id": format!("visitor-{n}")});
    house.page(Function::Chat, "POST", "/chat", &prompt).await;
    counted("chat", "a question to the website's chat, answered by the shop's keywords", house.bill());
    let page = house.page(Function::WidgetEdge, "GET", "/webchat/config", &Value::Null).await;
    counted("page", "a page with the webchat form is opened", house.bill());
    let address = page["contact_form"]["submit_url"].as_str().unwrap_or_else(|| panic!("{page}")).to_owned();
    let (_, path) = address.split_once("front.example").unwrap();
    let mut filled_in = sample("website/contact-form.whole.json");
    filled_in["message"] = json!(format!("Do you deliver to Hobart? {n}"));
    house.page(Function::ContactForm, "POST", path, &filled_in).await;
    counted("form", "the contact form, told by Slack", house.bill());
    let mut typed = sample("website/webchat.messages.question.json");
    typed["location_uid"] = json!("loc_burleigh");
    typed["phone"] = json!(phone(3));
    typed["message_id"] = json!(format!("3f0c4f6e-8f1d-4b8e-9a53-1f2b6c7d8e9{n}"));
    house.page(Function::WidgetEdge, "POST", "/webchat/messages", &typed).await;
    counted("widget-message", "a message of the shop's own webchat form, shown at Podium", house.bill());

    // ---- Is it up?
    house.page(Function::Health, "GET", "/health", &Value::Null).await;
    counted("alive", "`GET /health`", house.bill());
    // What it saw it would only tell again.
    if n == 2 {
        house.page(Function::Health, "GET", "/health?ready=1", &Value::Null).await;
        counted("ready", "`GET /health?ready=1`, when it looks", house.bill());
    }
    events
}

fn id_of(asked: &Value, name: &str) -> u64 {
    asked[name].as_u64().unwrap()
}

fn sample(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap()
}

fn text(path: &str) -> String {
    let path = format!("{}/../events/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The sample order, as it comes over the wire, of another buyer.
fn order(n: u64, phone: &str) -> Value {
    let mut order = sample("shopify/raw/orders-fulfilled-au-wire.bin");
    order["id"] = json!(5_500_000_000_000_u64 + n);
    order["phone"] = json!(phone);
    order
}

/// What became of a text.
fn news(kind: &str, id: &str, phone: &str) -> Value {
    let mut news = sample("podium/published.message.sent.json");
    news["data"]["uid"] = json!(id);
    news["data"]["items"][0]["uid"] = json!(id);
    news["data"]["conversation"]["channel"]["identifier"] = json!(phone);
    news["metadata"]["eventType"] = json!(kind);
    news["metadata"]["eventUid"] = json!(format!("{kind}-{id}"));
    news
}

/// A message of a web page.
fn message(day: u64, n: u64, phone: &str, words: &str) -> Value {
    let mut said = sample("podium/published.message.received.webchat.json");
    said["data"]["uid"] = json!(format!("241fc49f-32a3-5604-a0f3-59a82a2c{day:02}{n:02}"));
    said["data"]["body"] = json!(words);
    said["data"]["items"][0]["body"] = json!(words);
    said["data"]["conversation"]["channel"]["identifier"] = json!(phone);
    said["data"]["conversation"]["uid"] = json!(format!("1b4aa440-cb47-5d1e-a1b4-0b6987f1{day:02}"));
    said["data"]["location"]["uid"] = json!("loc_burleigh");
    said["metadata"]["eventUid"] = json!(format!("6166af4a-6162-5295-829a-e0c362e5{day:02}{n:02}"));
    said
}

fn review(file: &str, day: u64, stars: u64) -> Value {
    let mut review = sample(&format!("podium/{file}"));
    review["data"]["uid"] = json!(format!("9ea9e8fa-7825-5acd-aeea-7fbdd77a{day:02}{stars:02}"));
    review["data"]["locations"][0]["uid"] = json!("loc_burleigh");
    review["metadata"]["eventUid"] = json!(format!("a7602a4e-686f-501b-aa9e-2c90c887{day:02}{stars:02}"));
    review
}

/// The webhook of what was asked in a conversation.
fn chat_message(asked: &Value) -> String {
    let mut said = sample("chatwoot/wire/message_created.incoming_text.body");
    let (account, conversation, message) = (&asked["account"], &asked["conversation"], &asked["message"]);
    said["account"]["id"] = account.clone();
    said["id"] = message.clone();
    said["content"] = json!("When are you open?");
    said["conversation"]["id"] = conversation.clone();
    said["conversation"]["messages"][0]["id"] = message.clone();
    said["conversation"]["messages"][0]["conversation_id"] = conversation.clone();
    said["conversation"]["messages"][0]["content"] = json!("When are you open?");
    said.to_string()
}

/// Nothing here costs more, or less, than somebody has said: requests at the gateway, runs, writes and their units, reads
/// and their half units, SQS, Secrets Manager, providers.
#[test]
fn each_event_costs_what_is_known() {
    const KNOWN: [(&str, [u64; 9]); 20] = [
        // gateway, runs, writes, their units, reads, their half units, SQS, secrets, providers
        ("order", [1, 2, 3, 45, 3, 6, 3, 0, 0]),
        ("promote", [0, 0, 1, 3, 0, 0, 1, 0, 0]),
        ("send", [0, 1, 10, 20, 9, 18, 2, 0, 3]),
        ("delivery", [1, 2, 5, 10, 1, 2, 3, 0, 0]),
        ("order-update", [1, 2, 4, 36, 2, 4, 3, 0, 0]),
        ("skipped-order", [1, 2, 3, 44, 0, 0, 3, 0, 0]),
        ("first-message", [1, 2, 8, 17, 8, 16, 3, 0, 2]),
        ("message", [1, 2, 6, 13, 4, 8, 3, 0, 0]),
        ("stop", [1, 2, 4, 14, 2, 4, 3, 0, 0]),
        ("mirror", [0, 0, 2, 3, 4, 8, 0, 0, 1]),
        ("staff-message", [1, 2, 4, 9, 2, 4, 3, 0, 0]),
        ("good-review", [1, 2, 4, 6, 1, 2, 3, 0, 0]),
        ("bad-review", [1, 3, 7, 15, 3, 6, 6, 0, 1]),
        ("chatwoot", [1, 2, 5, 10, 3, 6, 3, 0, 5]),
        ("chat", [1, 1, 3, 3, 2, 4, 0, 0, 0]),
        ("page", [1, 1, 0, 0, 1, 2, 0, 0, 0]),
        ("form", [1, 2, 4, 11, 0, 0, 3, 0, 1]),
        ("widget-message", [1, 2, 13, 21, 15, 30, 3, 0, 5]),
        ("alive", [1, 1, 0, 0, 0, 0, 0, 0, 0]),
        ("ready", [1, 1, 0, 0, 0, 0, 16, 6, 0]),
    ];
    let counted: Vec<(&str, [u64; 9])> = counts().events.iter().map(|event| (event.name, row(&event.bill))).collect();
    assert_eq!(counted, KNOWN);
}

/// The clock looks at its indexes, and at the providers' lists.
#[test]
fn when_nothing_happens_the_clock_costs_what_is_known() {
    const KNOWN: [(&str, [u64; 9]); 10] = [
        ("promote", [0, 1, 0, 0, 4, 4, 0, 0, 0]),
        ("sweep", [0, 1, 0, 0, 4, 4, 0, 0, 0]),
        ("sessions", [0, 1, 0, 0, 4, 4, 0, 0, 0]),
        ("locations", [0, 1, 1, 1, 2, 4, 0, 0, 1]),
        ("mirror", [0, 1, 0, 0, 4, 4, 0, 0, 0]),
        ("notices", [0, 1, 0, 0, 4, 4, 0, 0, 0]),
        ("sends", [0, 1, 0, 0, 4, 4, 0, 0, 0]),
        ("reconcile-reviews", [0, 1, 1, 1, 3, 6, 0, 0, 1]),
        ("reconcile-messages", [0, 1, 1, 1, 3, 6, 0, 0, 1]),
        ("reconcile-orders", [0, 1, 1, 1, 3, 6, 0, 0, 1]),
    ];
    let counted: Vec<(&str, [u64; 9])> = counts().clock.iter().map(|idle| (idle.task, row(&idle.bill))).collect();
    assert_eq!(counted, KNOWN);
}

/// A warm function asks Secrets Manager nothing, and the one that looks whether they are there asks nothing else.
#[test]
fn no_event_reads_a_secret() {
    let asks: Vec<&str> =
        counts().events.iter().filter(|event| event.bill.secrets > 0).map(|event| event.name).collect();
    assert_eq!(asks, ["ready"]);
}

fn row(bill: &Bill) -> [u64; 9] {
    let providers = bill.providers.values().sum();
    let Bill { gateway, writes, write_units, reads, read_halves, sqs, secrets, .. } = *bill;
    [gateway, bill.all_runs(), writes, write_units, reads, read_halves, sqs, secrets, providers]
}
