//! What things cost: here, one webhook at its endpoint, which is one write and one send, whatever else happens around it. Each
//! kind of event to its end is in `events`, and what a month of them costs in `model`.

mod events;
mod house;
mod model;

use std::time::Duration;

use frontdesk_aws::{
    lambda::http::HttpEvent,
    process::RandomIds,
    secrets::{SecretVault, WebhookSecrets},
    sqs::SqsEvents,
};
use frontdesk_core::{
    flow::ingest::{IngestRules, ShopifyEndpoint},
    signature::{Secret, sign_shopify},
    time::DAY,
};
use frontdesk_testkit::shop;
use frontdesk_tests::{
    aws::aws_at,
    tables::{Tables, store_at},
    wire::{Call, Fate, Wire},
};
use serde_json::json;
use shopify_orders::ShopifyOrders;

use super::{Reports, SharedClock};

const SECRET: &str = "shpss_test";

type Function = ShopifyOrders<
    frontdesk_aws::dynamo::DynamoStore,
    SqsEvents,
    WebhookSecrets<SharedClock, Reports>,
    SharedClock,
    RandomIds,
    Reports,
>;

struct World {
    _tables: Tables,
    dynamodb: Wire,
    sqs: Wire,
    secrets: Wire,
    function: Function,
    clock: SharedClock,
}

fn secret_values(call: &Call) -> Fate {
    match call.json()["VersionStage"].as_str() {
        Some("AWSCURRENT") => Fate::Answer(200, json!({"SecretString": SECRET})),
        _ => Fate::Answer(400, json!({"__type": "ResourceNotFoundException", "Message": "no such stage"})),
    }
}

async fn world(sqs: impl Fn(&Call) -> Fate + Send + Sync + 'static) -> World {
    let tables = Tables::start().await;
    let dynamodb = Wire::to(&tables.url, |_| Fate::Pass).await;
    let sqs = Wire::nowhere(sqs).await;
    let secrets = Wire::nowhere(secret_values).await;
    let clock = SharedClock::at(1_772_000_000_000);
    let telemetry = Reports::default();
    let vault = SecretVault::new(aws_at(&secrets.url).secrets(), "SHOPIFY_WEBHOOK_SECRET_ARN", "arn:secret".into());
    let keep = Duration::from_secs(900);
    let opened = WebhookSecrets::open(vault, keep, clock.clone(), telemetry.clone()).await.unwrap();
    let function = ShopifyOrders {
        endpoint: ShopifyEndpoint { shop: shop::shop() },
        store: store_at(&dynamodb.url),
        queue: SqsEvents::new(aws_at(&sqs.url).sqs(), "https://sqs.example/1/events".into()),
        secrets: opened,
        clock: clock.clone(),
        ids: RandomIds::from_system().unwrap(),
        telemetry,
        rules: IngestRules { body_bytes_max: 1_000_000, keep: DAY * 14 },
    };
    secrets.forget();
    World { _tables: tables, dynamodb, sqs, secrets, function, clock }
}

fn webhook(id: &str, body: &str, secret: &str) -> HttpEvent {
    let mut headers = vec![
        ("X-Shopify-Webhook-Id".to_owned(), id.to_owned()),
        ("X-Shopify-Shop-Domain".to_owned(), shop::shop().to_string()),
    ];
    let signed = sign_shopify(&Secret::new("test", secret).unwrap(), body.as_bytes());
    headers.extend(signed.into_iter().map(|(name, value)| (name.to_owned(), value)));
    HttpEvent { headers: Some(headers.into_iter().collect()), body: Some(body.into()), ..HttpEvent::default() }
}

fn order(id: u64) -> String {
    shop::order(id, "+61491570010", "2026-02-20T10:00:00+11:00").to_string()
}

fn accepted_by_sqs(_: &Call) -> Fate {
    Fate::Answer(200, json!({"MessageId": "m", "MD5OfMessageBody": "x"}))
}

#[tokio::test]
async fn one_accepted_webhook_is_one_write_and_one_send() {
    let world = world(accepted_by_sqs).await;
    for n in 1..=3_usize {
        let answer = world.function.handle(webhook(&format!("w{n}"), &order(n as u64), SECRET)).await;
        assert_eq!((answer.status_code, &*answer.body), (200, "accepted"));
        assert_eq!(world.dynamodb.operations(), vec!["PutItem"; n]);
        assert_eq!(world.sqs.operations(), vec!["SendMessage"; n]);
    }
    assert_eq!(world.secrets.calls(), [], "a warm function knows its secret");
    let sent = world.sqs.calls()[0].json();
    assert_eq!(sent["MessageBody"], "shopify#w1", "the key and nothing else");
    assert!(sent.get("DelaySeconds").is_none());
}

#[tokio::test]
async fn what_is_not_accepted_costs_no_more_than_it_must() {
    let world = world(accepted_by_sqs).await;
    world.function.handle(webhook("w1", &order(1), SECRET)).await;
    world.dynamodb.forget();
    world.sqs.forget();

    let duplicate = world.function.handle(webhook("w1", &order(1), SECRET)).await;
    assert_eq!((duplicate.status_code, &*duplicate.body), (200, "duplicate"));
    assert_eq!(world.dynamodb.operations(), ["PutItem"]);

    let rejected = world.function.handle(webhook("w2", "{", SECRET)).await;
    assert_eq!((rejected.status_code, &*rejected.body), (200, "rejected"));
    assert_eq!(world.dynamodb.operations(), ["PutItem", "PutItem"]);

    let mismatch = world.function.handle(webhook("w1", &order(2), SECRET)).await;
    assert_eq!((mismatch.status_code, &*mismatch.body), (200, "mismatch"));
    assert_eq!(world.dynamodb.operations(), ["PutItem"; 4], "the second is kept too");
    assert_eq!(world.sqs.calls(), [], "none of them is for a worker");
}

#[tokio::test]
async fn a_flood_of_bad_signatures_writes_nothing_and_asks_for_the_secret_twice_a_minute_at_most() {
    let world = world(accepted_by_sqs).await;
    world.clock.advance_s(31);
    for second in 0..60 {
        let answer = world.function.handle(webhook(&format!("w{second}"), &order(1), "guess")).await;
        assert_eq!(answer.status_code, 401);
        world.clock.advance_s(1);
    }
    assert_eq!(world.dynamodb.calls(), []);
    assert_eq!(world.sqs.calls(), []);
    let looks = world.secrets.calls().iter().filter(|call| call.json()["VersionStage"] == "AWSCURRENT").count();
    assert_eq!(looks, 2);
}

#[tokio::test]
async fn a_queue_in_trouble_does_not_turn_a_stored_event_away() {
    let world = world(|_| Fate::LoseCall).await;
    let answer = world.function.handle(webhook("w1", &order(1), SECRET)).await;
    assert_eq!((answer.status_code, &*answer.body), (200, "accepted"), "the sweeper will find the row");
    assert_eq!(world.sqs.operations(), ["SendMessage"; 3]);
}
