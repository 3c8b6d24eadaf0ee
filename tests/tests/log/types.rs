//! What errors say and what types print.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Debug, Display},
};

use frontdesk_aws::lambda::http::{self, HttpEvent};
use frontdesk_core::{
    body::StoredBody,
    contact::{Contacts, Direction, Evidence, Hold, OptOutChange, OptOutFlag, OptOutSource},
    eligibility::Inputs,
    flow::ingest::Request,
    form::{Submission, SubmissionId},
    gate,
    ids::{EffectKey, EventId, LocationUid, OrderId, OrderKey, OwnerToken, ProviderId, ShopDomain},
    inbox::{BodySha256, EventEnd, Inbox, InboxKey, LeasedEvent, NewEvent, Source},
    outbox::{Invite, OutboxState, Send, Unfinished},
    phone::{E164Phone, normalize},
    provider::{LookUp, Orders, ReviewSend},
    request::{Committed, NewRequest, RequestChange, RequestClaim, Requests},
    review::{Platform, Template},
    shopify::{Decision, ShopifyEvent, decide, parse},
    signature::{LiveSecrets, PodiumHeaders, PodiumScheme, ReplayWindow, Secret, StalePolicy, verify_podium},
    store::Lease,
    time::{DAY, UnixMillis},
    token::{AccessToken, GrantError, Granted},
    upload::{UploadKey, UploadOffer},
};
use frontdesk_testkit::{
    model::ModelStore,
    shop,
    world::{GENESIS, World},
};
use serde_json::json;

use crate::{
    planted::{PEOPLE, SECRETS, TOKENS, leaks, order, planted},
    ready,
};

/// What a constructor says about a text that it refuses must not repeat the text.
#[test]
fn no_error_repeats_what_it_refuses() {
    let mut written = String::new();
    for value in planted() {
        let padded = format!("{value} #");
        let id = |error: &dyn Display| format!("{error}\n");
        written += &EventId::try_from(padded.as_str()).map_or_else(|e| id(&e), |_| String::new());
        written += &ShopDomain::try_from(padded.as_str()).map_or_else(|e| id(&e), |_| String::new());
        written += &LocationUid::try_from(padded.as_str()).map_or_else(|e| id(&e), |_| String::new());
        written += &ProviderId::try_from(padded.as_str()).map_or_else(|e| id(&e), |_| String::new());
        written += &E164Phone::parse_e164(&format!("{value}x")).map_or_else(|e| id(&e), |_| String::new());
        for raw in [
            value.clone(),
            format!("{value}9"),
            format!("+999{value}"),
            value.repeat(9),
            format!("0;phone-context=+1;tel:{value}"),
        ] {
            if let Err(error) = normalize(&raw, Some("AU")) {
                written += &format!("{error} {error:?} {}\n", error.reason());
            }
        }
        let mut body = order(&PEOPLE[0]);
        for field in ["id", "test", "location_id", "fulfillments", "customer", "refunds"] {
            let kept = body[field].clone();
            body[field] = json!(value);
            if let Err(reason) = parse(body.to_string().as_bytes()) {
                written += &format!("{} {reason:?}\n", reason.describe());
            }
            body[field] = kept;
        }
        let headers =
            PodiumHeaders { timestamp: None, signature: Some(value.as_bytes()), x_signature: Some(value.as_bytes()) };
        let window = ReplayWindow { window_s: 300, stale: StalePolicy::Reject };
        if let Err(error) = verify_podium(&secrets(), &PodiumScheme::ALL, window, headers, b"{}", 0) {
            written += &format!("{error} {error:?} {} {}\n", error.code(), error.reason());
        }
    }
    assert!(written.lines().count() > 1_000);
    assert_eq!(leaks(&written), Vec::<String>::new());
}

fn secrets() -> LiveSecrets {
    let secret = |value: &str| Secret::new("SETTING", value).unwrap();
    LiveSecrets::rotating(secret(SECRETS[0]), Some(secret(TOKENS[2])))
}

/// Types that would print a person or a link of theirs if somebody printed them. Nobody does: no line can hold one. A type
/// that is mended has to leave this list, and none may come to it.
const PRINTS: [&str; 15] = [
    "Address",
    "Customer",
    "Decision",
    "HttpEvent",
    "LookUp",
    "NewRequest",
    "OrderBody",
    "OutboxState",
    "Plan",
    "Request",
    "RequestChange",
    "ReviewRequest",
    "ReviewSend",
    "ShopifyEvent",
    "Unfinished",
];

/// What the types that hold a person, a secret or a body print when they hold them.
#[derive(Default)]
struct Printed(BTreeMap<&'static str, String>);

impl Printed {
    fn add(&mut self, name: &'static str, value: &dyn Debug) {
        self.0.insert(name, format!("{value:?}\n{value:#?}"));
    }

    fn on_the_way_in(&mut self, body: &[u8]) {
        let headers: [(&str, &[u8]); 1] = [("authorization", TOKENS[0].as_bytes())];
        self.add("Request", &Request { headers: &headers, body });
        let text = String::from_utf8(body.to_vec()).unwrap();
        let event = json!({"headers": {"authorization": TOKENS[0]}, "body": text});
        self.add("HttpEvent", &serde_json::from_value::<HttpEvent>(event).unwrap());
        let event = stored_event(body);
        let leased = LeasedEvent {
            key: event.key.clone(),
            body: event.body.clone(),
            received_at: GENESIS,
            attempts: 1,
            reopened_at: None,
            anew: 0,
        };
        self.add("StoredBody", &event.body);
        self.add("NewEvent", &event);
        self.add("LeasedEvent", &leased);
    }

    fn on_the_website(&mut self) {
        let (person, token) = (&PEOPLE[0], TOKENS[0]);
        let event = json!({"rawPath": format!("/webchat/files/{token}"), "rawQueryString": format!("token={token}"),
            "headers": {"x-csrf-token": token}, "body": person.phone});
        self.add("HttpParts", &http::parts(serde_json::from_value(event).unwrap()));
        let fields = [("name", person.first), ("email", "501.someone@planted.example"), ("phone", person.phone)];
        let submission = Submission {
            id: SubmissionId::from_stored("s1"),
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            email: Some("501.someone@planted.example".into()),
            session: None,
            received_at: GENESIS,
            expires_at: GENESIS,
        };
        self.add("Submission", &submission);
        self.add("UploadKey", &UploadKey::from_stored(token));
        let url = format!("https://files.example/{token}");
        self.add("UploadOffer", &UploadOffer { url, headers: Vec::new(), expires_at: GENESIS });
    }

    fn at_the_worker(&mut self, body: &[u8]) -> NewRequest {
        let event = parse(body).unwrap();
        let ShopifyEvent::Order(order) = &event else { panic!("an order") };
        self.add("ShopifyEvent", &event);
        self.add("OrderBody", order);
        self.add("Customer", order.customer.as_ref().unwrap());
        self.add("Address", order.billing_address.as_ref().unwrap());
        let decision = decide(&event, &shop::policy(), GENESIS);
        let Decision::Schedule { order, plan } = &decision else { panic!("to be asked") };
        self.add("Decision", &decision);
        self.add("Plan", plan);
        let key = OrderKey { shop: shop::shop(), order: *order };
        let ShopifyEvent::Order(body) = &event else { panic!("an order") };
        let inputs = Inputs::of_webhook(body, &shop::policy(), GENESIS);
        let new = NewRequest { key, plan: (**plan).clone(), at: GENESIS, expires_at: GENESIS, inputs };
        self.add("Inputs", &new.inputs);
        self.add("NewRequest", &new);
        self.add("RequestChange", &RequestChange::Schedule(Box::new(new.clone())));
        new
    }

    fn at_the_gate(&mut self, phone: &E164Phone, effect: &EffectKey) {
        let store = ModelStore::default();
        let hold = Hold { phone: phone.clone(), intent: effect.clone(), now: GENESIS, window: DAY };
        self.add("Hold", &hold);
        self.add("Passage", &ready(gate::pass(&store, hold, GENESIS.plus(DAY))).unwrap().unwrap());
        self.add("Contact", &ready(store.contact(phone)).unwrap().unwrap().unwrap());
        let evidence = Evidence {
            source: OptOutSource::Sms,
            message_id: None,
            text_sha256: None,
            recorded_at: GENESIS,
            by_hand: None,
        };
        let (phone, flag, direction) = (phone.clone(), OptOutFlag::Keyword, Direction::Out);
        self.add("OptOutChange", &OptOutChange { phone, flag, direction, at: GENESIS, evidence });
    }

    fn at_the_sender(&mut self, new: &NewRequest, effect: EffectKey) {
        let world = World::new(BTreeMap::new());
        world.knows(new.key.order.0);
        let mut now = ready(world.order(&new.key.shop, new.key.order)).unwrap().unwrap().unwrap();
        now.consent_phone = Some(new.plan.phone.clone());
        self.add("OrderNow", &now);
        self.add("ReviewRequest", &claimed(&world, new));

        let (phone, location) = (new.plan.phone.clone(), new.plan.location.clone());
        let url = format!("https://r.example/{}", TOKENS[3]);
        let invite = Invite { uid: ProviderId::try_from("i1").unwrap(), url };
        let template = Template::parse("{first_name} {location_name} {link} STOP").unwrap();
        let text = template.render(new.plan.first_name.as_deref(), "Harbour Lane", &invite.url);
        let send = Send { key: effect, phone: phone.clone(), location: location.clone(), expires_at: GENESIS };
        self.add("Send", &send);
        let (platform, order) = (Platform::Google, new.key.order);
        let review = ReviewSend { location: location.clone(), platform, invite: Some(invite.clone()), text, order };
        self.add("ReviewSend", &review);
        self.add("LookUp", &LookUp { phone, location, invite: Some(invite.clone()), began_at: GENESIS });
        let unfinished = Unfinished { owner: owner("o1"), began_at: GENESIS, invite: Some(invite) };
        self.add("Unfinished", &unfinished);
        self.add("OutboxState", &OutboxState::Sending(unfinished));
    }

    fn secrets_and_phones(&mut self, phone: &E164Phone) {
        self.add("E164Phone", phone);
        self.add("Normalized", &normalize(PEOPLE[0].typed, Some("AU")).unwrap());
        let secret = Secret::new("SETTING", TOKENS[0]).unwrap();
        self.add("LiveSecrets", &secrets());
        self.add("AccessToken", &AccessToken { secret: secret.clone(), expires_at: GENESIS, granted_at: GENESIS });
        self.add("Granted", &Granted { secret: secret.clone(), expires_in: DAY });
        self.add("Secret", &secret);
    }
}

fn owner(name: &str) -> OwnerToken {
    OwnerToken::try_from(name).unwrap()
}

fn stored_event(body: &[u8]) -> NewEvent {
    NewEvent {
        key: InboxKey { source: Source::Shopify, event: EventId::try_from("w1").unwrap() },
        topic: None,
        body: StoredBody::pack(body).unwrap(),
        body_sha256: BodySha256::of(body),
        received_at: GENESIS,
        expires_at: GENESIS.plus(DAY * 60),
        receipt: "r1".into(),
        rejected: None,
        group: None,
        opt_outs: Vec::new(),
        chat: None,
    }
}

/// A request as its sender finds it.
fn claimed(world: &World, new: &NewRequest) -> RequestClaim {
    let store = &world.store;
    let lease = |name, now: UnixMillis| Lease { owner: owner(name), now, until: now.plus(DAY) };
    let event = stored_event(b"{}");
    ready(store.accept(&event)).unwrap().unwrap();
    ready(store.claim(&event.key, &lease("o1", GENESIS))).unwrap().unwrap();
    let (done, change) = (EventEnd::Done("scheduled"), RequestChange::Schedule(Box::new(new.clone())));
    let committed = ready(store.commit(&event.key, &lease("o1", GENESIS), &done, &change)).unwrap().unwrap();
    assert_eq!(committed, Committed::Written);
    let claim = ready(store.claim_request(&new.key, &lease("o2", GENESIS.plus(DAY * 30)))).unwrap().unwrap();
    assert!(matches!(claim, RequestClaim::Acquired(_)));
    claim
}

/// Somebody will print one of these one day, in a panic if nowhere else.
#[test]
fn no_type_prints_a_person_or_a_secret_but_those_that_are_known_to() {
    let body = order(&PEOPLE[0]).to_string().into_bytes();
    let mut printed = Printed::default();
    printed.on_the_way_in(&body);
    printed.on_the_website();
    let new = printed.at_the_worker(&body);
    let effect = EffectKey::review_request(&new.key);
    printed.at_the_gate(&new.plan.phone, &effect);
    printed.at_the_sender(&new, effect);
    printed.secrets_and_phones(&new.plan.phone);
    assert!(printed.0.len() > 25);

    let found = printed.0.into_iter().map(|(name, text)| (name, leaks(&text))).filter(|(_, leaks)| !leaks.is_empty());
    let found: BTreeMap<&str, Vec<String>> = found.collect();
    let (known, prints): (BTreeSet<&str>, BTreeSet<&str>) = (PRINTS.into(), found.keys().copied().collect());
    let come: Vec<_> = prints.difference(&known).map(|name| (name, &found[name])).collect();
    assert!(come.is_empty(), "{come:#?}");
    let gone: Vec<_> = known.difference(&prints).collect();
    assert!(gone.is_empty(), "these print nobody any more and have to leave the list: {gone:?}");
}

#[test]
fn phones_secrets_and_keys_can_be_shown() {
    let person = &PEOPLE[0];
    let phone = E164Phone::parse_e164(person.phone).unwrap();
    let key = OrderKey { shop: shop::shop(), order: OrderId(person.order) };
    let secret = Secret::new("SETTING", TOKENS[0]).unwrap();
    let shown = format!("{phone} {} {} {secret:?} {}", key.to_key(), key.order, GrantError("ERR_AUTH_001".into()));
    assert_eq!(leaks(&shown), Vec::<String>::new());
}
