//! The sample events for invoking functions by hand are what the functions take.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code: a panic is a failed test"
)]

use std::collections::BTreeSet;

use frontdesk_aws::lambda::{http::HttpEvent, web::call};
use frontdesk_core::{
    chat::ChatKey,
    config::{self, Env, Function, SETTINGS},
    directory::{KnownLocation, LocationBook},
    flow::{
        ingest::{Contents, Endpoint, Request, ShopifyEndpoint},
        widget_edge::Place,
    },
    ids::{GroupId, LocationUid, OrderKey, ShopDomain},
    inbox::{InboxKey, Source},
    notice::{NoticeKey, NoticeKind},
    phone::Region,
    podium::{self, OptOutNews, What},
    rating::{Rating, RatingClaim},
    shopify::{self, ParcelStatus, ReturnStatus, ShopifyEvent},
    signature::{LiveSecrets, Secret, verify_shopify},
    time::UnixMillis,
    visitor::{self, Draft, NamedFile, Problem},
    web::{Call, Caller, Origins, Purpose, Ticket, read_json},
    widget::Said,
    wish::{self, Wish},
};
use serde_json::Value;

/// Years after the samples were signed.
const LATER: UnixMillis = UnixMillis::new(1_900_000_000_000);

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../events/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn event(name: &str) -> Value {
    serde_json::from_slice(&bytes(name)).unwrap()
}

fn secrets(provider: &str) -> LiveSecrets {
    let vectors = event(&format!("{provider}/signature_vectors.json"));
    LiveSecrets::rotating(Secret::new("sample", vectors["secret"].as_str().unwrap()).unwrap(), None)
}

#[test]
fn the_webhooks_are_signed_over_the_bytes_they_carry() {
    let secrets = secrets("shopify");
    for name in ["orders.fulfilled", "orders.refund", "privacy.redact", "privacy.data-request"] {
        let event = event(&format!("invoke/shopify-{name}.json"));
        let signature = event["headers"]["x-shopify-hmac-sha256"].as_str().unwrap();
        let body = event["body"].as_str().unwrap();
        verify_shopify(&secrets, Some(signature.as_bytes()), body.as_bytes()).unwrap();
    }
}

/// The settings as they are when nobody sets any.
struct Defaults;

impl Env for Defaults {
    fn get(&self, name: &str) -> Option<String> {
        let setting = SETTINGS.iter().find(|s| s.name == name)?;
        setting.default.map(str::to_owned).or_else(|| setting.wired.then(|| "a-name".to_owned()))
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Whenever they are tried: the signed time is long past, and the default is to take what is rightly signed.
#[test]
fn podiums_webhooks_are_taken_by_the_endpoint_as_it_is_set_by_default() {
    let endpoint = config::podium_endpoint(&Defaults).unwrap().config.endpoint;
    for (name, path, body) in [
        ("podium-webchat.message", "/podium/webchat", "published.message.received.webchat.json"),
        ("podium-sms.stop", "/podium/sms", "published.message.received.stop.json"),
        ("podium-contacts.optout", "/podium/contacts", "published.contact.updated.optout.json"),
        ("podium-reviews.bad", "/podium/reviews", "published.review.created.1star.json"),
        ("podium-reviews.brief", "/podium/reviews", "brief.review.received.1star.json"),
    ] {
        let event = event(&format!("invoke/{name}.json"));
        assert_eq!(event["rawPath"], path, "{name}");
        assert_eq!(event["requestContext"]["http"]["path"], path, "{name}");
        assert!(event["body"].as_str().unwrap().as_bytes() == bytes(&format!("podium/{body}")), "{name}");
        let headers = event["headers"].as_object().unwrap();
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes())).collect();
        let request = Request { headers: &headers, body: event["body"].as_str().unwrap().as_bytes() };
        endpoint.verify(&request, &secrets("podium"), LATER).unwrap();
    }
}

/// What each of them is there to show.
#[test]
fn podiums_webhooks_say_what_their_names_promise() {
    let endpoint = config::podium_endpoint(&Defaults).unwrap().config.endpoint;
    let news = |name: &str| {
        let event = event(&format!("invoke/{name}.json"));
        let read = podium::parse(event["body"].as_str().unwrap().as_bytes()).unwrap();
        let news = endpoint.opt_outs(&read, None, LATER);
        (read.what, news)
    };
    assert!(matches!(news("podium-webchat.message"), (What::Received(_), OptOutNews::Nothing)));
    assert!(matches!(news("podium-sms.stop"), (What::Received(_), OptOutNews::Changes(changes)) if changes.len() == 1));
    assert!(matches!(news("podium-contacts.optout"), (What::Contact(_), OptOutNews::Changes(_))));
    for name in ["podium-reviews.bad", "podium-reviews.brief"] {
        let (What::Review(review), OptOutNews::Nothing) = news(name) else { panic!("{name}") };
        assert_eq!(review.rating, RatingClaim::Rated(Rating::new(1).unwrap()), "{name}");
    }
}

fn shopify(name: &str) -> ShopifyEvent {
    shopify::parse(&bytes(&format!("shopify/{name}.json"))).unwrap_or_else(|reason| panic!("{name}: {reason:?}"))
}

/// What each of Shopify's other bodies is read as.
#[test]
fn shopifys_other_bodies_say_what_their_names_promise() {
    let delivered = shopify("fulfillment-events-create-delivered");
    assert!(matches!(delivered, ShopifyEvent::FulfillmentEvent { status: ParcelStatus::Delivered, .. }));
    let attempted = shopify("fulfillment-events-create-attempted");
    assert!(matches!(attempted, ShopifyEvent::FulfillmentEvent { status: ParcelStatus::Other, .. }));
    assert!(matches!(shopify("returns-request"), ShopifyEvent::Return { status: ReturnStatus::Opened, .. }));
    assert!(matches!(shopify("returns-cancel"), ShopifyEvent::Return { status: ReturnStatus::Ended, .. }));
    assert!(matches!(shopify("app-uninstalled"), ShopifyEvent::AppUninstalled { .. }));
    let consent = shopify("customers-marketing-consent-update-unsubscribed");
    assert_eq!(shopify::opt_outs(&consent, LATER).len(), 1);
    for name in ["customers-data-request", "customers-redact", "shop-redact"] {
        assert!(shopify::is_privacy(&shopify(name)), "{name}");
    }
}

#[test]
fn the_messages_carry_keys() {
    let body = |name: &str| event(name)["Records"][0]["body"].as_str().unwrap().to_owned();
    assert!(InboxKey::parse(&body("invoke/shopify-worker.json")).is_some());
    assert!(OrderKey::parse(&body("invoke/review-sender.json")).is_some());
    let notice = NoticeKey::parse(&body("invoke/notifier.json")).unwrap();
    assert_eq!(notice.kind(), Some(NoticeKind::BadReview));
}

/// Invoked one after the other, the endpoint's event is the one that the worker works on, in its line.
#[test]
fn the_worker_of_podiums_events_is_given_the_webchat_that_its_endpoint_takes_in() {
    let webchat = event("invoke/podium-webchat.message.json");
    let read = podium::parse(webchat["body"].as_str().unwrap().as_bytes()).unwrap();
    let What::Received(message) = &read.what else { panic!("{read:?}") };
    let record = &event("invoke/podium-worker.json")["Records"][0];
    let key = InboxKey { source: Source::Podium, event: read.id.clone() };
    assert_eq!(record["body"].as_str(), Some(key.to_key().as_str()));
    let line: GroupId = message.group(&read.id);
    assert_eq!(record["attributes"]["MessageGroupId"].as_str(), Some(line.as_str()));
}

/// The same of what Shopify demands about somebody's data: it has a queue of its own.
#[test]
fn the_worker_of_privacy_is_given_what_its_endpoint_takes_in() {
    let redact = event("invoke/shopify-privacy.redact.json");
    let endpoint = ShopifyEndpoint { shop: ShopDomain::try_from("harbour-lane-demo.myshopify.com").unwrap() };
    let headers = redact["headers"].as_object().unwrap();
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes())).collect();
    let body = redact["body"].as_str().unwrap();
    let request = Request { headers: &headers, body: body.as_bytes() };
    let Contents::Events(mut delivered) = endpoint.contents(&request) else { panic!("it is to be worked on") };
    let delivered = delivered.remove(0);
    let key = InboxKey { source: delivered.source, event: delivered.id.unwrap() };
    assert_eq!(key.source, Source::Privacy);
    assert_eq!(event("invoke/privacy-worker.json")["Records"][0]["body"].as_str(), Some(key.to_key().as_str()));
}

// ---- The website

/// What the samples' tickets are sealed with; they count until the year 2100.
const WEB_SECRET: &str = "example-web-secret-not-real";

fn browsers(name: &str) -> Call {
    call(serde_json::from_slice::<HttpEvent>(&bytes(&format!("invoke/{name}.json"))).unwrap())
}

fn website(name: &str) -> Value {
    event(&format!("website/{name}.json"))
}

fn ticket(text: &str, purpose: Purpose) -> Ticket {
    let secrets = LiveSecrets::rotating(Secret::new("sample", WEB_SECRET).unwrap(), None);
    Ticket::read(text, &secrets, purpose, LATER).unwrap()
}

/// Invoked where the local stack's page is allowed, each is answered by its function; none is told off at the door.
#[test]
fn the_websites_requests_are_of_the_local_stacks_page_and_know_their_addresses() {
    let origins = Origins::parse("http://localhost:8790").unwrap();
    for (name, method, path, body) in [
        ("chat.question", "POST", "/chat", Some("chat.question")),
        ("chat.preflight", "OPTIONS", "/chat", None),
        ("contact-form.whole", "POST", "/contact-form", Some("contact-form.whole")),
        ("contact-form.preflight", "OPTIONS", "/contact-form", None),
        ("widget-edge.config", "GET", "/webchat/config", None),
        ("widget-edge.preflight", "OPTIONS", "/webchat/messages", None),
        ("widget-edge.check", "POST", "/webchat/check", Some("webchat.check.local_phone")),
        ("widget-edge.upload", "POST", "/webchat/uploads", Some("webchat.uploads.picture")),
        ("widget-edge.message", "POST", "/webchat/messages", Some("webchat.messages.question")),
    ] {
        let asked = browsers(name);
        assert_eq!((asked.method.as_str(), asked.path.as_str()), (method, path), "{name}");
        assert!(matches!(origins.judge(asked.header("origin")), Caller::Allowed(_)), "{name}");
        assert!(asked.client.is_some(), "{name}: nobody could be counted");
        assert_eq!(read_json(&asked.body).ok(), body.map(website), "{name}");
        if path.starts_with("/webchat/") {
            assert!(Place::at(path).methods().split(", ").any(|taken| taken == method), "{name}");
        }
    }
    // The shop's people follow a link, from no page of ours.
    let file = browsers("widget-edge.file");
    assert_eq!((Place::at(&file.path), origins.judge(file.header("origin"))), (Place::File, Caller::Unnamed));
    ticket(file.path.strip_prefix("/webchat/files/").unwrap(), Purpose::File);
}

#[test]
fn the_websites_chats_and_forms_say_what_their_names_promise() {
    let said = |name: &str| Said::read(&website(name), 1_000).unwrap();
    let visitor = said("chat.question").session.unwrap();
    assert_eq!((said("chat.no_session").session, said("chat.everybodys_session").session), (None, None));
    let form = config::contact_form(&Defaults).unwrap().config.rules.form;
    let filled = |name: &str| form.read(&website(name)).map_err(|bad| bad.to_string());
    assert_eq!(filled("contact-form.whole").unwrap().email.as_deref(), Some("mia@example.com"));
    assert_eq!(filled("contact-form.no_email"), Err("email is required".into()));
    // The form was shown in that very chat.
    let shown = ticket(browsers("contact-form.whole").asked("token").unwrap(), Purpose::Form);
    assert_eq!(shown.data, ChatKey::widget(&visitor).as_str());
}

#[test]
fn the_websites_messages_say_what_their_names_promise() {
    let files = config::widget_edge(&Defaults).unwrap().config.rules.files;
    let sydney = LocationUid::try_from("loc_sydney").unwrap();
    let sydney = KnownLocation { uid: sydney, name: "Sydney".into(), country: Some(Region::try_from("AU").unwrap()) };
    let book = LocationBook { fetched_at: LATER, locations: vec![sydney] };
    let typed = |name: &str| visitor::check(&Draft::read(&website(name)), false, &book, &files);
    let phone = typed("webchat.check.local_phone").unwrap().phone.unwrap();
    assert_eq!(phone.e164.expose(), "+61491570156");
    let wrong = |problems: Vec<Problem>| (problems[0].code.as_str(), problems[0].status);
    assert_eq!(wrong(typed("webchat.check.no_country").unwrap_err()), ("ERR_WEBCHAT_001", 400));
    assert_eq!(wrong(typed("webchat.check.large_file").unwrap_err()), ("ERR_WEBCHAT_005", 413));
    let announced = NamedFile::read(&website("webchat.uploads.picture"));
    files.check(std::slice::from_ref(&announced)).unwrap();
    let message = |name: &str| Draft::read_message(&website(name));
    for name in ["webchat.messages.question", "webchat.messages.picture"] {
        visitor::check(&message(name), true, &book, &files).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
    }
    // The picture is the one that was announced.
    let attached = ticket(&message("webchat.messages.picture").uploads[0], Purpose::Upload);
    let (_, name, bytes, mime): (String, String, u64, String) = serde_json::from_str(&attached.data).unwrap();
    assert_eq!((name, Some(bytes), mime), (announced.name, announced.bytes, announced.mime));
    let stop = message("webchat.messages.stop");
    let words = config::widget_edge(&Defaults).unwrap().config.rules.endpoint.extra_words;
    assert_eq!(wish::read(stop.text.text().unwrap(), &words), Wish::Stop);
}

#[test]
fn every_function_and_every_task_has_an_event() {
    let folder = std::fs::read_dir(format!("{}/../events/invoke", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let names: BTreeSet<String> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    for function in Function::ALL {
        assert!(names.iter().any(|name| name.split('.').next() == Some(function.as_str())), "{}", function.as_str());
    }
    let timers = timers::Task::ALL.map(|task| (Function::Timers, task.as_str()));
    let follow_up = follow_up::Task::ALL.map(|task| (Function::FollowUp, task.as_str()));
    for (function, task) in timers.into_iter().chain(follow_up) {
        let name = format!("{}.{task}.json", function.as_str());
        assert!(names.contains(&name), "{name}");
        assert_eq!(event(&format!("invoke/{name}"))["task"], task);
    }
}
