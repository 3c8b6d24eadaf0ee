//! `frontdesk requests show`, `export` and `erase`.

use std::time::Duration;

use frontdesk_aws::process::RandomIds;
use frontdesk_core::{
    body::StoredBody,
    contact::{Contacts as _, Direction, Evidence, Hold, Meeting, OptOutChange, OptOutFlag, OptOutSource},
    eligibility::{Consent, Inputs, PhoneState},
    flow::{privacy::PrivacyWorker, worker::WorkerRules},
    ids::{EffectKey, EventId, Ids as _, LocationUid, OrderId, OrderKey, ProviderId, ShopDomain},
    inbox::{BodySha256, EventEnd, Inbox as _, InboxKey, NewEvent, Source},
    notice::{Content, Notice, NoticeKind, Notices as _},
    outbox::{DeliveryNews, Fact, Outbox as _, Send, Settlement},
    phone::E164Phone,
    provider::Financial,
    rating::{Rating, RatingClass},
    request::{Committed, NewRequest, Plan, RequestChange, Requests as _},
    reviews::{ReviewBook as _, ReviewRecord, Turn},
    session::{Session, SessionKey, SessionMessage, SessionRules, Sessions as _},
    store::{Fenced, Lease},
    time::{Clock, DAY, UnixMillis},
};
use frontdesk_tests::wire::{Fate, Wire};
use serde_json::{Value, json};

use crate::{
    now,
    shop::{SHOP, Shop},
    world::{Silent, printed},
};

const MIA: &str = "+61491570156";
const BOB: &str = "+61491570157";
const MIAS: u64 = 7_001;
const BOBS: u64 = 7_002;

fn phone(number: &str) -> E164Phone {
    E164Phone::parse_e164(number).unwrap()
}

fn order(id: u64) -> OrderKey {
    OrderKey { shop: ShopDomain::try_from(SHOP).unwrap(), order: OrderId(id) }
}

fn location() -> LocationUid {
    LocationUid::try_from("loc-1").unwrap()
}

fn lease(at: UnixMillis) -> Lease {
    Lease { owner: RandomIds::from_system().unwrap().owner(), now: at, until: at.plus(Duration::from_secs(60)) }
}

impl Shop {
    async fn event(&self, key: &InboxKey, body: &Value, at: UnixMillis) -> Lease {
        let body = body.to_string().into_bytes();
        let event = NewEvent {
            key: key.clone(),
            topic: Some("orders/fulfilled".into()),
            body_sha256: BodySha256::of(&body),
            body: StoredBody::pack(&body).unwrap(),
            received_at: at,
            expires_at: at.plus(DAY * 30),
            receipt: key.to_key(),
            rejected: None,
            group: None,
            opt_outs: Vec::new(),
            chat: None,
        };
        let store = self.tables.store();
        store.accept(&event).await.unwrap();
        let lease = lease(at);
        store.claim(key, &lease).await.unwrap();
        lease
    }

    /// Somebody who bought, was asked, wrote, was unhappy and said STOP.
    async fn customer(&self, number: &str, id: u64, name: &str) {
        let (store, at) = (self.tables.store(), now().minus(DAY));
        let key = InboxKey { source: Source::Shopify, event: EventId::try_from(format!("wh-{id}").as_str()).unwrap() };
        let body = json!({ "id": id, "line_items": [], "email": format!("{name}@example.com"), "phone": number });
        let held = self.event(&key, &body, at).await;
        let plan = Plan {
            phone: phone(number),
            location: location(),
            first_name: Some(name.into()),
            fulfilled_at: at.minus(DAY),
            send_after: at.plus(Duration::from_secs(60)),
            zones: vec!["Australia/Sydney".into()],
        };
        let new = NewRequest { key: order(id), plan, at, expires_at: at.plus(DAY * 400), inputs: inputs() };
        let change = RequestChange::Schedule(Box::new(new));
        let end = EventEnd::Done("scheduled");
        assert_eq!(store.commit(&key, &held, &end, &change).await.unwrap(), Committed::Written);

        let effect = EffectKey::review_request(&order(id));
        let hold = Hold { phone: phone(number), intent: effect.clone(), now: at, window: DAY * 30 };
        store.hold(&hold).await.unwrap();
        let send =
            Send { key: effect.clone(), phone: phone(number), location: location(), expires_at: at.plus(DAY * 30) };
        let held = lease(at);
        store.begin(&send, &held).await.unwrap();
        let message = ProviderId::try_from(format!("msg-{id}").as_str()).unwrap();
        store.track(&message, &Fact::Ours(effect.clone()), at.plus(DAY * 30)).await.unwrap();
        let settlement = Settlement::Accepted { message: message.clone() };
        assert_eq!(store.settle(&effect, &held.owner, &settlement, at).await.unwrap(), Fenced::Written);
        let delivered = DeliveryNews::Delivered;
        store.track(&message, &Fact::News(delivered), at.plus(DAY * 30)).await.unwrap();
        store.resolve(&effect, delivered, at.plus(Duration::from_secs(5))).await.unwrap();

        let review = ReviewRecord {
            uid: ProviderId::try_from(format!("rev-{id}").as_str()).unwrap(),
            version: 1,
            rating: Rating::new(1),
            changed_at: at,
            platform: Some("google".into()),
            location: Some(location()),
            order: Some(order(id)),
            turns: vec![Turn { number: 1, class: Some(RatingClass::Escalate), by: EventId::try_from("e").unwrap() }],
        };
        assert_eq!(store.save_review(&review).await.unwrap(), Fenced::Written);
        store.note_reviewed(&order(id), at).await.unwrap();
        let quote = Some(format!("{name} is cross"));
        let content = Content { headline: "h".into(), facts: vec![], quote, link: None, action: "a".into() };
        let about = vec![format!("rev-{id}")];
        let notice = Notice::new(NoticeKind::BadReview, &format!("rev-{id}#1"), content, at);
        store.open_notice(&Notice { about, ..notice }).await.unwrap();

        let met = Meeting {
            phone: phone(number),
            first_name: Some(name.into()),
            last_name: None,
            location: location(),
            now: at,
        };
        store.meet(&met).await.unwrap();
        let message = SessionMessage {
            event: EventId::try_from(format!("chat-{id}").as_str()).unwrap(),
            text: Some(format!("I am {name}")),
            at,
            conversation: None,
            webchat: true,
            now: at,
            quiet: false,
            imported: false,
        };
        let session =
            Session::after(None, &SessionKey { phone: phone(number), location: location() }, &message).unwrap();
        let rules = SessionRules { warn_after: DAY, close_after: DAY * 2, keep: DAY * 7 };
        assert_eq!(store.save_session(&session, &rules, at).await.unwrap(), Fenced::Written);
        let (source, flag, direction) = (OptOutSource::Sms, OptOutFlag::Keyword, Direction::Out);
        let evidence = Evidence { source, message_id: None, text_sha256: None, recorded_at: at, by_hand: None };
        store.record_opt_out(&OptOutChange { phone: phone(number), flag, direction, at, evidence }).await.unwrap();
    }

    async fn both(&self) {
        self.customer(MIA, MIAS, "Mia").await;
        self.customer(BOB, BOBS, "Bob").await;
    }

    /// All that is stored, demands left out, as one text.
    fn everything(&self) -> String {
        let tables = ["inbox", "contacts", "review_requests", "outbox", "sessions", "reviews", "chats", "forms"];
        let rows = tables.into_iter().flat_map(|table| self.tables.items(table));
        let rows = rows.filter(|row| !row["pk"]["S"].as_str().unwrap().starts_with("privacy#"));
        rows.map(|mut row| {
            if let Some(body) = row["body_bytes"]["B"].as_str() {
                row["said"] = unpacked(body, row["body_form"]["S"].as_str());
            }
            row.to_string()
        })
        .collect()
    }
}

fn unpacked(base64: &str, form: Option<&str>) -> Value {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let bytes = BASE64_STANDARD.decode(base64).unwrap();
    let body = if form == Some("deflate") { StoredBody::Deflate(bytes) } else { StoredBody::Plain(bytes) };
    String::from_utf8(body.unpack(1_000_000).unwrap()).unwrap().into()
}

fn inputs() -> Inputs {
    Inputs {
        financial: Financial::Settled,
        fulfillment: true,
        cancelled: false,
        test: false,
        point_of_sale: false,
        b2b: false,
        tag_excluded: false,
        consent: Consent::NotAsked,
        phone: PhoneState::Usable,
        location_mapped: true,
        age_days: Some(3),
        return_open: None,
    }
}

const SHOW: [&str; 4] = ["requests", "show", "--order", "7001"];

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_shown_with_all_that_became_of_it() {
    let shop = Shop::start().await;
    shop.both().await;
    let run = shop.run(&SHOW);
    let told = printed(&run);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!((&told["order"], &told["status"]), (&json!(format!("{SHOP}#7001")), &json!("scheduled")));
    assert_eq!((&told["send"]["status"], &told["delivery"]), (&json!("delivered"), &json!("delivered")));
    assert_eq!((&told["send"]["message_id"], &told["phone"]), (&json!("msg-7001"), &json!(MIA)));
    assert_eq!(told["cooldown"]["held_by_this"], json!(true));
    assert_eq!((&told["eligibility"]["financial"], &told["eligibility"]["age_days"]), (&json!("settled"), &json!(3)));
    assert_eq!(
        (&told["suppressed_by"], &told["reviews"][0]["uid"]),
        (&json!("podium_keyword_optout"), &json!("rev-7001"))
    );
    let moments: Vec<&str> = told["timeline"].as_array().unwrap().iter().map(|m| m["what"].as_str().unwrap()).collect();
    let order: Vec<Option<usize>> = ["the order was shipped", "sending began: review-request", "what became of it"]
        .iter()
        .map(|what| moments.iter().position(|moment| moment.starts_with(what)))
        .collect();
    assert!(order.is_sorted() && order.iter().all(Option::is_some), "{moments:?}");
    let human = shop.run(&["requests", "show", "--order", &format!("{SHOP}#7001"), "--output", "human"]);
    assert!(human.text().contains("held by this request") && !human.text().contains("9157015"), "{}", human.text());

    let missing = shop.run(&["requests", "show", "--order", "7999"]);
    assert_eq!((missing.code, missing.text()), (1, ""));
    let other = shop.run(&["requests", "show", "--order", "b.myshopify.com#7001"]);
    assert!(other.code == 2 && other.stderr.contains("another shop"), "{}", other.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_story_is_none() {
    let shop = Shop::start().await;
    shop.both().await;
    let (export, erase) = (["export", "--phone", MIA], ["erase", "--phone", MIA, "--reason", "x", "--dry-run"]);
    for args in [&SHOW[..], &export, &erase] {
        shop.assert_unreachable(args, 2);
    }
    for (table, name) in [
        ("FRONTDESK_TABLE_OUTBOX", "outbox"),
        ("FRONTDESK_TABLE_FORMS", "forms"),
        ("FRONTDESK_TABLE_CONTACTS", "contacts"),
    ] {
        shop.set(table, "no-such-table");
        for args in [&SHOW[..], &export, &erase] {
            if name == "forms" && args == SHOW {
                continue;
            }
            let run = shop.run(args);
            assert_eq!((run.code, run.text()), (2, ""), "{table} {args:?}");
            assert!(run.stderr.contains("ResourceNotFoundException"), "{}", run.stderr);
        }
        shop.set(table, name);
    }
    // A chat of hers that nobody can unpack.
    let chat = json!({
        "pk": { "S": "chatwoot#1#2" }, "phone_e164": { "S": MIA }, "version_number": { "N": "1" },
        "state_form": { "S": "deflate" }, "state_bytes": { "B": "AAAA" },
    });
    shop.tables.put("chats", &chat);
    let run = shop.run(&export);
    assert_eq!((run.code, run.text()), (2, ""));
    assert!(run.stderr.contains("state_bytes"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_all_of_one_person_and_nothing_of_another() {
    let shop = Shop::start().await;
    shop.both().await;
    let before = shop.everything();
    let run = shop.run(&["export", "--phone", "0491 570 156", "--default-country", "AU"]);
    let told = printed(&run);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let expected = json!({
        "inbox": 1, "contacts": 1, "review_requests": 1, "outbox": 3, "sessions": 1, "reviews": 1,
    });
    assert_eq!(told["counts"], expected);
    assert_eq!(told["records"].as_array().unwrap().len(), 8);
    assert_eq!((&told["about"]["phones"], &told["exported_at"].is_string()), (&json!([MIA]), &true));
    let text = run.text();
    assert!(text.contains("I am Mia") && text.contains("Mia@example.com") && text.contains("Mia is cross"), "{text}");
    assert!(!text.contains("Bob") && !text.contains("91570157"), "{text}");
    let at: Vec<&str> = told["timeline"].as_array().unwrap().iter().map(|m| m["at"].as_str().unwrap()).collect();
    assert!(at.len() > 8 && at.is_sorted(), "{at:?}");
    assert_eq!(shop.everything(), before, "it only reads");

    let by_order = printed(&shop.run(&["export", "--order", "7001"]));
    assert_eq!(by_order["counts"], expected, "the order leads to the person");
    let human = shop.run(&["export", "--order", "7001", "--output", "human"]);
    assert!(human.text().contains("podium_keyword_optout: out by sms"), "{}", human.text());
    assert!(!human.text().contains("9157015") && !human.text().contains("I am Mia"), "{}", human.text());
    for args in [&["export", "--phone", "+61491570158"][..], &["export", "--order", "7999"]] {
        let nothing = shop.run(args);
        assert_eq!((nothing.code, nothing.text()), (1, ""), "{args:?}");
        assert!(nothing.stderr.contains("nothing is kept of"), "{}", nothing.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_into_a_file_that_is_ones_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Shop::start().await;
    shop.both().await;
    let dir = std::env::temp_dir().join(format!("frontdesk-export-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("mia.json");
    let out = file.to_str().unwrap();
    let run = shop.run(&["export", "--phone", MIA, "--out", out]);
    assert_eq!((run.code, &printed(&run)["counts"]["outbox"]), (0, &json!(3)), "{}", run.stderr);
    assert!(!run.text().contains("Mia"), "{}", run.text());
    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(written["records"].as_array().unwrap().len(), 8);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = shop.run(&["export", "--phone", MIA, "--out", out]);
    assert!(again.code == 2 && again.stderr.contains("is there already"), "{}", again.stderr);
    let nowhere = shop.run(&["export", "--phone", MIA, "--out", dir.join("no/such/dir").to_str().unwrap()]);
    assert_eq!((nowhere.code, nowhere.text()), (2, ""), "{}", nowhere.stderr);
    std::fs::remove_dir_all(&dir).unwrap();
}

const ERASE: [&str; 5] = ["erase", "--phone", MIA, "--reason", "asked by letter"];

fn assert_gone(shop: &Shop) {
    let left = shop.everything();
    for word in ["Mia", "91570156", "cross\"", "mia@"] {
        assert!(!left.replace("Bob is cross\"", "").contains(word), "{word}: {left}");
    }
    for word in ["I am Bob", "Bob@example.com", BOB, "Bob is cross"] {
        assert!(left.contains(word), "{word}: {left}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_shows_its_plan_and_takes_everything_but_the_opt_out() {
    let shop = Shop::start().await;
    shop.both().await;
    let before = shop.everything();
    let dry = shop.run(&[&ERASE[..], &["--dry-run"]].concat());
    let plan = printed(&dry);
    let rows = json!({ "inbox": 1, "contacts": 1, "review_requests": 1, "outbox": 2, "sessions": 1, "reviews": 1 });
    assert_eq!((dry.code, &plan["rows"], &plan["opt_outs_kept"]), (0, &rows, &json!(1)), "{}", dry.stderr);
    assert_eq!((&plan["dry_run"], &plan["done"]), (&json!(true), &Value::Null));
    let unasked = shop.run(&ERASE);
    assert_eq!((unasked.code, unasked.text()), (2, ""));
    assert!(unasked.stderr.contains("review_requests") && unasked.stderr.contains("--yes"), "{}", unasked.stderr);
    assert!(!unasked.stderr.contains("9157015"), "{}", unasked.stderr);
    assert_eq!(shop.everything(), before);

    let run = shop.run(&[&ERASE[..], &["--yes"]].concat());
    let done = printed(&run);
    assert_eq!((run.code, &done["rows"], &done["dry_run"]), (0, &rows, &json!(false)), "{}", run.stderr);
    assert_gone(&shop);
    let contact = shop.tables.store().contact(&phone(MIA)).await.unwrap().unwrap();
    assert_eq!(contact.opted_out(), Some(OptOutFlag::Keyword), "who said STOP is not written to");
    let request = shop.tables.item("review_requests", &order(MIAS).to_key()).unwrap();
    assert_eq!(request["reason_code"]["S"], "erased");

    // What is left is the demand, which empties itself.
    let again = shop.run(&ERASE);
    assert_eq!((again.code, again.text()), (1, ""), "{}", again.stderr);
    assert!(again.stderr.contains("but 1 demand"), "{}", again.stderr);
    worked_off(&shop, &done["done"]["demands"]).await;
    let nothing = shop.run(&ERASE);
    assert_eq!((nothing.code, nothing.text()), (1, ""), "{}", nothing.stderr);
    let told = printed(&shop.run(&["export", "--phone", MIA]));
    assert_eq!(
        (&told["counts"], &told["remembered_of_erased"][0]["opt_outs"][0]["flag"]),
        (&json!({}), &json!("podium_keyword_optout"),)
    );
}

/// The clock of somebody who looks twenty minutes later.
struct Later;

impl Clock for Later {
    fn now(&self) -> UnixMillis {
        now().plus(Duration::from_secs(1_500))
    }
}

/// The worker takes up each demand, looks again, empties it, and says who asked for it.
async fn worked_off(shop: &Shop, demands: &Value) {
    let (store, domain) = (shop.tables.store(), ShopDomain::try_from(SHOP).unwrap());
    let ids = RandomIds::from_system().unwrap();
    let rules = WorkerRules {
        lease: Duration::from_secs(960),
        attempts_max: 5,
        body_bytes_max: 1_000_000,
        sweep_after: Duration::from_secs(60),
    };
    for key in demands.as_array().unwrap() {
        let key = InboxKey::parse(key.as_str().unwrap()).unwrap();
        let worker = PrivacyWorker {
            store: &store,
            clock: &Later,
            ids: &ids,
            telemetry: &Silent,
            shop: &domain,
            countries: &[],
            rules,
        };
        worker.handle(&key).await.unwrap();
        let row = shop.tables.item("inbox", &key.to_key()).unwrap();
        assert_eq!((&row["outcome"]["S"], &row["body_bytes"]["B"]), (&json!("customer_erased"), &json!("")));
        let told = shop.tables.item("outbox", &format!("notice#erased#{}", key.event)).unwrap();
        let content = told["content_json"]["S"].as_str().unwrap();
        assert!(content.contains("asked by letter") && content.contains("sam"), "{content}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_stops_half_way_goes_on_with_the_same_command() {
    let shop = Shop::start().await;
    shop.both().await;
    // The sessions table takes nothing away.
    let torn = Wire::to(&shop.tables.url, |call| {
        if call.operation.ends_with("DeleteItem") {
            Fate::Answer(400, json!({ "__type": "AccessDeniedException", "message": "no" }))
        } else {
            Fate::Pass
        }
    });
    let torn = torn.await;
    let yes = [&ERASE[..], &["--yes"]].concat();
    shop.set("AWS_ENDPOINT_URL_DYNAMODB", &torn.url);
    let run = shop.run(&yes);
    assert_eq!((run.code, run.text()), (3, ""), "{}", run.stderr);
    assert!(run.stderr.contains("the same command again"), "{}", run.stderr);
    let demands =
        shop.tables.items("inbox").into_iter().filter(|row| row["pk"]["S"].as_str().unwrap().starts_with("privacy#"));
    assert_eq!(demands.count(), 1, "the worker goes on whatever becomes of the tool");
    assert!(shop.queues.operations().iter().any(|operation| operation.starts_with("SendMessage")));
    shop.set("AWS_ENDPOINT_URL_DYNAMODB", &shop.tables.url.clone());
    let run = shop.run(&yes);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_gone(&shop);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_leads_to_the_person_to_be_erased() {
    let shop = Shop::start().await;
    shop.both().await;
    let run = shop.run(&["erase", "--order", "7001", "--reason", "x", "--by", "Kim", "--yes", "--output", "human"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.text().contains("order 7001 is erased"), "{}", run.text());
    assert_gone(&shop);
    let nobody = shop.run(&["erase", "--order", "7999", "--reason", "x", "--yes"]);
    assert_eq!((nobody.code, nobody.text()), (1, ""));
}
