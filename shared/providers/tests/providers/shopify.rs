//! Orders: the sample answers, and everything that is not one.

use std::{fs, path::PathBuf};

use frontdesk_core::{
    config::ShopifyApiConfig,
    ids::{OrderId, ShopDomain},
    phone::E164Phone,
    provider::{Financial, NotDone, OrderNow, Orders, Provider, SmsConsent},
    time::UnixMillis,
};
use frontdesk_providers::{Shopify, shopify::ORDER_QUERY};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Server},
    world::{DEFAULT_WAIT, LONGEST_WAIT, TestClock, TestTokens, assert_discreet, http, shop},
};

const ORDER: OrderId = OrderId(7_024_000_000_101);

fn sample(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events/shopify").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn shopify(server: &Server) -> Shopify<TestTokens, TestClock> {
    let config =
        ShopifyApiConfig { url: format!("{}/shopify", server.url()), version: "2026-10".into(), secret: "arn".into() };
    let clock = TestClock::new();
    Shopify::new(http(), shop(), &config, TestTokens::new(&clock), clock).unwrap()
}

async fn asked(reply: Reply) -> Result<Option<OrderNow>, NotDone> {
    let server = Server::always(reply).await;
    let answer = shopify(&server).order(&shop(), ORDER).await;
    if let Err(error) = &answer {
        assert_discreet(error);
    }
    answer
}

async fn detail(reply: Reply) -> String {
    match asked(reply.clone()).await {
        Err(NotDone::Unavailable { provider: Provider::Shopify, detail }) => detail,
        other => panic!("{reply:?}: {other:?}"),
    }
}

async fn wait(reply: Reply) -> u64 {
    match asked(reply.clone()).await {
        Err(NotDone::Throttled { provider: Provider::Shopify, wait }) => wait.as_secs(),
        other => panic!("{reply:?}: {other:?}"),
    }
}

/// The functions' runtime moves it.
#[tokio::test]
async fn a_call_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    let server = Server::always(Reply::Close).await;
    movable(shopify(&server).order(&shop(), ORDER));
}

fn changed(place: &str, value: Value) -> Reply {
    let mut answer = sample("graphql-order-ok.json");
    *answer.pointer_mut(place).unwrap() = value;
    Reply::json(200, &answer)
}

#[tokio::test]
async fn the_sample_order() {
    let expected = OrderNow {
        test: false,
        cancelled: false,
        financial: Financial::Settled,
        return_open: false,
        fulfilled: true,
        b2b: false,
        point_of_sale: false,
        consent: SmsConsent::NotGiven,
        consent_phone: E164Phone::parse_e164("+61491570156").ok(),
        updated_at: Some(UnixMillis::new(1_794_367_201_000)),
        fulfilled_at: Some(UnixMillis::new(1_794_177_667_000)),
        delivered_at: Some(UnixMillis::new(1_794_367_200_000)),
        tags: Vec::new(),
        refunded_at: None,
        country: Some("AU".into()),
        time_zone: None,
    };
    assert_eq!(asked(Reply::json(200, &sample("graphql-order-ok.json"))).await, Ok(Some(expected.clone())));
    let returned = OrderNow { financial: Financial::PartiallyRefunded, return_open: true, ..expected };
    assert_eq!(asked(Reply::json(200, &sample("graphql-order-return-requested.json"))).await, Ok(Some(returned)));
    assert_eq!(asked(Reply::json(200, &sample("graphql-order-missing.json"))).await, Ok(None));
}

#[tokio::test]
async fn the_query_as_it_is_sent() {
    let server = Server::always(Reply::json(200, &sample("graphql-order-ok.json"))).await;
    shopify(&server).order(&shop(), ORDER).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/shopify/admin/api/2026-10/graphql.json"));
    assert_eq!(seen.header("x-shopify-access-token"), Some("at-1"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(
        seen.json(),
        json!({ "query": ORDER_QUERY, "variables": { "id": "gid://shopify/Order/7024000000101" } })
    );
}

#[tokio::test]
async fn throttling_in_its_three_forms() {
    let throttled = |cost: Value| {
        let errors = json!([{ "message": "Throttled", "extensions": { "code": "THROTTLED" } }]);
        Reply::json(200, &json!({ "errors": errors, "extensions": { "cost": cost } }))
    };
    let cost = |requested: u32, available: u32| {
        let status = json!({ "maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0 });
        json!({ "requestedQueryCost": requested, "actualQueryCost": null, "throttleStatus": status })
    };
    assert_eq!(wait(throttled(cost(1009, 10))).await, 10);
    assert_eq!(wait(throttled(cost(9, 0))).await, 1);
    assert_eq!(wait(throttled(cost(9, 1000))).await, 1);
    assert_eq!(wait(throttled(cost(999_999, 0))).await, LONGEST_WAIT.as_secs());
    assert_eq!(wait(throttled(json!(null))).await, DEFAULT_WAIT.as_secs());
    assert_eq!(wait(Reply::Status(429, "retry-after: 2.0\r\n", String::new())).await, 2);
    assert_eq!(wait(Reply::Status(430, "", String::new())).await, DEFAULT_WAIT.as_secs());
    assert_eq!(wait(Reply::Status(503, "retry-after: 5\r\n", String::new())).await, 5);
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let denied = Reply::json(200, &sample("graphql-access-denied.json"));
    assert_eq!(detail(denied).await, "access denied: the app needs the scope read_orders");
    let forbidden = detail(Reply::json(403, &json!({ "errors": "[API] merchant approval" }))).await;
    assert!(forbidden.contains("read_orders and read_customers"), "{forbidden}");
}

/// `retailLocation` alone needs `read_locations`; a shop that did not grant it still gets its requests sent.
#[tokio::test]
async fn the_retail_location_is_dispensable_and_nothing_else_is() {
    let denied = |field: &str, order: &Value| {
        let access = json!({ "code": "ACCESS_DENIED", "requiredAccess": "`read_locations` access scope." });
        let errors = json!([{ "message": "Access denied", "path": ["order", field], "extensions": access }]);
        Reply::json(200, &json!({ "data": { "order": order }, "errors": errors }))
    };
    let order = sample("graphql-order-ok.json")["data"]["order"].clone();
    assert!(asked(denied("retailLocation", &order)).await.unwrap().is_some());
    assert!(detail(denied("customer", &order)).await.starts_with("access denied"));
    assert!(detail(denied("retailLocation", &Value::Null)).await.contains("does not say that there is none"));
}

#[tokio::test]
async fn what_is_no_answer_is_never_an_order() {
    let error = |code: Value| json!({ "data": { "order": null }, "errors": [{ "message": "+61491570156", "extensions": { "code": code } }] });
    for (reply, expected) in [
        (Reply::json(200, &error(json!("MAX_COST_EXCEEDED"))), "the query is refused: MAX_COST_EXCEEDED"),
        (Reply::json(200, &error(json!("undefinedField"))), "the query is refused: no code given"),
        (Reply::json(200, &json!({ "errors": "Not Found" })), "the query is refused"),
        (
            Reply::json(200, &json!({ "errors": [], "data": {} })),
            "the answer holds no order, and does not say that there is none",
        ),
        (Reply::json(200, &json!({ "data": null })), "the answer holds no order, and does not say that there is none"),
        (
            Reply::json(200, &json!({ "data": { "order": [] } })),
            "the answer holds no order, and does not say that there is none",
        ),
        (Reply::json(200, &json!({ "data": { "order": {} } })), "the order has another shape than asked for"),
        (Reply::Status(200, "", "<html>".into()), "the answer is not JSON"),
        (
            Reply::json(404, &json!({ "errors": "Not Found" })),
            "no Admin API at this URL: check SHOPIFY_SHOP, SHOPIFY_API_URL and version 2026-10",
        ),
        (Reply::Status(402, "", String::new()), "the shop is frozen or locked"),
        (Reply::Status(423, "", String::new()), "the shop is frozen or locked"),
        (Reply::Status(500, "", String::new()), "status 500"),
        (Reply::Status(302, "location: /\r\n", String::new()), "status 302"),
        (Reply::Close, "the connection was lost before the answer"),
    ] {
        assert_eq!(detail(reply.clone()).await, expected, "{reply:?}");
    }
}

#[tokio::test]
async fn states_that_are_not_known_and_other_orders_are_no_answer() {
    let other = changed("/data/order/id", json!("gid://shopify/Order/7024000000102"));
    assert_eq!(detail(other).await, "the answer is about another order");
    let state = changed("/data/order/displayFinancialStatus", json!("HALF_PAID"));
    assert_eq!(detail(state).await, "displayFinancialStatus has the unknown value HALF_PAID");
    let consent = changed("/data/order/customer/defaultPhoneNumber/marketingState", json!("+61491570156"));
    assert_eq!(detail(consent).await, "marketingState has an unknown value");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let refused = Reply::json(401, &json!({ "errors": "[API] Invalid API key or access token" }));
    let server = Server::script([refused.clone(), Reply::json(200, &sample("graphql-order-ok.json"))]).await;
    assert!(shopify(&server).order(&shop(), ORDER).await.unwrap().is_some());
    let used: Vec<_> =
        server.seen().iter().map(|seen| seen.header("x-shopify-access-token").unwrap().to_owned()).collect();
    assert_eq!(used, ["at-1", "at-2"]);
    assert_eq!(detail(refused).await, "the access token is refused, and so is a new one");
}

/// The credentials belong to one shop: they are shown to no other, and no other shop's order is taken for its own.
#[tokio::test]
async fn another_shop_is_not_asked() {
    let server = Server::always(Reply::Close).await;
    let other = ShopDomain::try_from("evil.myshopify.com").unwrap();
    assert!(shopify(&server).order(&other, ORDER).await.is_err());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let server = Server::always(Reply::Close).await;
    let client = shopify(&server);
    server.stop().await;
    let error = client.order(&shop(), ORDER).await.unwrap_err();
    assert!(
        matches!(&error, NotDone::Unavailable { detail, .. } if detail.starts_with("no connection: ")),
        "{error:?}"
    );
}
