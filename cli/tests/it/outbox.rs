//! `frontdesk outbox`, over tables in this process.

use frontdesk_core::{
    contact::{Contacts, Hold},
    ids::{EffectKey, EventId, LocationUid, OrderId, OrderKey, OwnerToken, ProviderId, ShopDomain},
    outbox::{DeliveryNews, Fact, FailureKind, Outbox, Send, Settlement},
    phone::E164Phone,
    store::Lease,
    time::{DAY, UnixMillis},
};
use frontdesk_tests::wire::{Fate, Wire};
use serde_json::{Value, json};

use crate::{
    Run,
    events::assert_no_answer,
    world::{NOWHERE, World, printed},
};

const T0: UnixMillis = UnixMillis::new(1_772_000_000_000);
const PHONE: &str = "+61491570156";
const KEY: &str = "review-request#a-shop.myshopify.com#5001";

struct Desk(World);

fn phone() -> E164Phone {
    E164Phone::parse_e164(PHONE).unwrap()
}

fn request() -> EffectKey {
    let shop = ShopDomain::try_from("a-shop.myshopify.com").unwrap();
    EffectKey::review_request(&OrderKey { shop, order: OrderId(5_001) })
}

impl Desk {
    /// A request of which nobody can say, with its cooldown; an answer that was sent; and a session.
    async fn start() -> Self {
        let desk = Self(World::start().await);
        let store = desk.0.tables.store();
        store.hold(&Hold { phone: phone(), intent: request(), now: T0, window: DAY * 30 }).await.unwrap();
        desk.send(request(), Settlement::Unknown).await;
        let answer = EffectKey::answer(&EventId::try_from("m-1").unwrap());
        desk.send(answer, Settlement::Accepted { message: ProviderId::try_from("m-2").unwrap() }).await;
        let row = json!({ "pk": { "S": "a-shop.myshopify.com#5001" }, "st": { "S": "unknown" },
            "reason_code": { "S": "outcome_unknown" }, "st_rank": { "N": "3" } });
        desk.0.tables.put("review_requests", &row);
        let row = json!({ "pk": { "S": format!("{PHONE}#loc-1") }, "conversation_uid": { "S": "conversation-9" } });
        desk.0.tables.put("sessions", &row);
        desk
    }

    async fn send(&self, key: EffectKey, settlement: Settlement) {
        let location = LocationUid::try_from("loc-1").unwrap();
        let send = Send { key: key.clone(), phone: phone(), location, expires_at: T0.plus(DAY * 90) };
        let owner = OwnerToken::try_from("s").unwrap();
        let store = self.0.tables.store();
        store.begin(&send, &Lease { owner: owner.clone(), now: T0, until: T0.plus(DAY) }).await.unwrap();
        let _ = store.settle(&key, &owner, &settlement, T0).await.unwrap();
    }

    fn list(&self, args: &[&str]) -> Run {
        self.0.run(&[&["outbox", "list"], args].concat(), &[])
    }

    fn resolve(&self, found: &str, args: &[&str]) -> Run {
        let args = [&["outbox", "resolve", KEY, "--as", found, "--reason", "looked", "--by", "Ines"], args].concat();
        self.0.run(&args, &[])
    }

    fn item(&self, table: &str, key: &str) -> Value {
        self.0.tables.item(table, key).unwrap()
    }

    async fn held(&self) -> bool {
        self.0.tables.store().contact(&phone()).await.unwrap().is_some_and(|contact| contact.cooldown.is_some())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_that_nobody_can_say_of_are_listed_with_where_to_look() {
    let desk = Desk::start().await;
    let run = desk.list(&["--unknown"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let expected = json!({ "sends": [{
        "key": KEY, "state": "unknown", "phone": PHONE, "location": "loc-1", "began_at": "2026-02-25T06:13:20Z",
        "settled_at": "2026-02-25T06:13:20Z", "message_id": null, "reason": null, "conversation": "conversation-9",
    }] });
    assert_eq!(printed(&run), expected);
    let run = desk.list(&["--unknown", "--output", "human"]);
    let human = "\
BEGAN                 STATE    PHONE  LOCATION  CONVERSATION    KEY
2026-02-25T06:13:20Z  unknown  …0156  loc-1     conversation-9  review-request#a-shop.myshopify.com#5001
";
    assert_eq!(run.text(), human);
    let accepted = printed(&desk.list(&["--state", "accepted"]));
    assert_eq!(accepted["sends"][0]["key"], "answer#m-1");
    assert_eq!(printed(&desk.list(&["--unknown", "--since", "2026-02-25T06:13:21Z"])), json!({ "sends": [] }));
    assert_eq!(desk.list(&[]).code, 2);
    assert_eq!(desk.list(&["--unknown", "--state", "failed"]).code, 2);
    let nowhere = [("AWS_ENDPOINT_URL_DYNAMODB", NOWHERE)];
    assert_no_answer(&desk.0.run(&["outbox", "list", "--unknown"], &nowhere), "table outbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_there_ends_its_request_as_sent_and_its_news_are_looked_at() {
    let desk = Desk::start().await;
    let store = desk.0.tables.store();
    let id = ProviderId::try_from("m-8d2a").unwrap();
    let failed = Fact::News(DeliveryNews::Failed(FailureKind::Other));
    store.track(&id, &failed, T0.plus(DAY * 900)).await.unwrap();

    let plan = desk.resolve("sent", &["--message-id", "m-8d2a"]);
    assert_no_answer(&plan, "…0156 from loc-1: counts as sent");
    let run = desk.resolve("sent", &["--message-id", "m-8d2a", "--dry-run"]);
    assert_eq!((run.code, &printed(&run)["dry_run"]), (0, &json!(true)));
    assert_eq!(desk.item("outbox", KEY)["st"]["S"], "unknown");

    let run = desk.resolve("sent", &["--message-id", "m-8d2a", "--yes"]);
    assert_eq!((run.code, &printed(&run)["state"]), (0, &json!("undelivered")), "{}", run.stderr);
    assert_eq!(desk.item("review_requests", "a-shop.myshopify.com#5001")["st"]["S"], "sent");
    assert!(!desk.held().await, "Podium says that it did not arrive");
    let row = desk.item("outbox", KEY);
    assert_eq!((&row["testified_by"]["S"], &row["testified_reason"]["S"]), (&json!("Ines"), &json!("looked")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_there_without_an_id_keeps_its_cooldown() {
    let desk = Desk::start().await;
    let run = desk.resolve("sent", &["--yes"]);
    assert_eq!((run.code, &printed(&run)["state"]), (0, &json!("accepted")), "{}", run.stderr);
    assert!(desk.held().await);
    let run = desk.resolve("not-sent", &["--yes"]);
    assert_eq!((run.code, run.text()), (1, ""), "the first word counts");
    assert!(run.stderr.contains("is accepted"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_there_has_failed_and_frees_its_cooldown_and_sends_nothing() {
    let desk = Desk::start().await;
    let run = desk.resolve("not-sent", &["--yes"]);
    assert_eq!((run.code, &printed(&run)["state"]), (0, &json!("failed")), "{}", run.stderr);
    let request = desk.item("review_requests", "a-shop.myshopify.com#5001");
    assert_eq!((&request["st"]["S"], &request["reason_code"]["S"]), (&json!("failed"), &json!("not_sent")));
    assert!(!desk.held().await);
    assert!(desk.0.queues.calls().is_empty() && desk.0.providers.requests().is_empty());
    assert_eq!(desk.list(&["--unknown"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_does_not_answer_is_told_apart() {
    let desk = Desk::start().await;
    let run = desk.0.run(&["outbox", "resolve", "answer#nobody", "--as", "sent", "--reason", "x", "--yes"], &[]);
    assert_eq!((run.code, run.text()), (1, ""));
    assert!(run.stderr.contains("there is no send answer#nobody"), "{}", run.stderr);
    let args = ["outbox", "resolve", KEY, "--as", "not-sent", "--reason", "looked", "--yes"];
    assert_no_answer(&desk.0.run(&args, &[("AWS_ENDPOINT_URL_DYNAMODB", NOWHERE)]), "nothing can be said");
    for args in [
        &["outbox", "resolve", KEY, "--as", "not-sent", "--message-id", "m", "--reason", "x"][..],
        &["outbox", "resolve", KEY, "--as", "sent", "--reason", " "],
        &["outbox", "resolve", KEY, "--as", "sent"],
        &["outbox", "resolve", KEY, "--as", "perhaps", "--reason", "x"],
    ] {
        assert_eq!(desk.0.run(args, &[]).code, 2, "{args:?}");
    }
    // Read, and not written: all three rows are as they were.
    let wire = Wire::to(&desk.0.tables.url, |call| match call.operation.as_str() {
        "TransactWriteItems" => Fate::Answer(400, json!({ "__type": "AccessDeniedException", "message": "no" })),
        _ => Fate::Pass,
    })
    .await;
    let run = desk.0.run(&args, &[("AWS_ENDPOINT_URL_DYNAMODB", wire.url.as_str())]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert_eq!(desk.item("outbox", KEY)["st"]["S"], "unknown");
    assert_eq!(desk.item("review_requests", "a-shop.myshopify.com#5001")["st"]["S"], "unknown");
    assert!(desk.held().await);
}
