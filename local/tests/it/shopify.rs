//! The order that is read again before the send.

use serde_json::{Value, json};

use crate::wire::{Bench, Reply, call};

const QUERY: &str = "query Order($id: ID!) { order(id: $id) { id name test cancelledAt cancelReason \
    displayFinancialStatus displayFulfillmentStatus returnStatus sourceName tags \
    totalRefundedSet { shopMoney { amount currencyCode } } updatedAt purchasingEntity { __typename } \
    retailLocation { id } fulfillments(first: 10) { id status displayStatus createdAt deliveredAt } \
    customer { id locale defaultPhoneNumber { phoneNumber marketingState } } \
    shippingAddress { countryCodeV2 provinceCode zip timeZone } } }";

async fn ask(bench: &Bench, token: &str, base: &str, query: &str, id: &str) -> Reply {
    let body = json!({ "query": query, "variables": { "id": format!("gid://shopify/Order/{id}") } }).to_string();
    let headers = [("x-shopify-access-token", token), ("content-type", "application/json")];
    call(bench.addr(), "POST", &format!("{base}/admin/api/2026-10/graphql.json"), &headers, &body).await
}

async fn order(bench: &Bench, id: &str) -> Value {
    let token = bench.stand_ins.shopify_token();
    let reply = ask(bench, &token, "/shopify", QUERY, id).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()["data"]["order"].clone()
}

#[tokio::test]
async fn an_unknown_order_is_a_plausible_one_in_the_shape_of_the_sample() {
    let bench = Bench::start().await;
    let reply = ask(&bench, "shpat_local", "/shopify", QUERY, "7024000000999").await;
    assert_eq!(reply.header("x-shopify-api-version"), Some("2026-10"));
    let answer = reply.json();
    assert_eq!(answer["data"]["order"]["id"], "gid://shopify/Order/7024000000999");
    assert_eq!(answer["data"]["order"]["displayFinancialStatus"], "PAID");
    assert_eq!(answer["data"]["order"]["customer"]["defaultPhoneNumber"]["marketingState"], "SUBSCRIBED");
    assert_eq!(answer["extensions"]["cost"]["throttleStatus"]["restoreRate"], 100.0);
    let sample = json!([
        "cancelReason",
        "cancelledAt",
        "customer",
        "displayFinancialStatus",
        "displayFulfillmentStatus",
        "fulfillments",
        "id",
        "name",
        "purchasingEntity",
        "retailLocation",
        "returnStatus",
        "shippingAddress",
        "sourceName",
        "tags",
        "test",
        "totalRefundedSet",
        "updatedAt",
    ]);
    let mut fields: Vec<&String> = answer["data"]["order"].as_object().unwrap().keys().collect();
    fields.sort_unstable();
    assert_eq!(json!(fields), sample);
    assert_eq!(ask(&bench, "shpat_local", "/shopify/north", QUERY, "1").await.status, 200, "a shop may be named");
}

#[tokio::test]
async fn an_order_is_what_it_was_said_to_be() {
    let bench = Bench::start().await;
    let say = |change: Value| {
        let bench = &bench;
        async move { bench.control("PUT", "/shopify/orders/77", &change).await.status }
    };
    let change = json!({
        "displayFinancialStatus": "PARTIALLY_REFUNDED", "totalRefunded": "29.0", "marketingState": "UNSUBSCRIBED",
        "timeZone": "Australia/Brisbane", "cancelledAt": "2026-11-01T00:00:00Z",
    });
    assert_eq!(say(change).await, 200);
    assert_eq!(say(json!({ "returnStatus": "RETURN_REQUESTED", "tags": ["vip"] })).await, 200, "and then also this");
    let changed = order(&bench, "77").await;
    assert_eq!(changed["displayFinancialStatus"], "PARTIALLY_REFUNDED");
    assert_eq!(changed["returnStatus"], "RETURN_REQUESTED");
    assert_eq!(changed["cancelledAt"], "2026-11-01T00:00:00Z");
    assert_eq!(changed["totalRefundedSet"]["shopMoney"], json!({ "amount": "29.0", "currencyCode": "AUD" }));
    assert_eq!(changed["customer"]["defaultPhoneNumber"]["marketingState"], "UNSUBSCRIBED");
    assert_eq!(changed["shippingAddress"]["timeZone"], "Australia/Brisbane");
    assert_eq!(order(&bench, "78").await["displayFinancialStatus"], "PAID", "the others are as they were");

    assert_eq!(say(json!({ "customer": null, "shippingAddress": null })).await, 200);
    assert_eq!(order(&bench, "77").await["customer"], Value::Null);
    assert_eq!(say(json!({ "missing": true })).await, 200);
    assert_eq!(order(&bench, "77").await, Value::Null);
    assert_eq!(bench.control("DELETE", "/shopify/orders/77", &Value::Null).await.status, 204);
    assert_eq!(order(&bench, "77").await["displayFinancialStatus"], "PAID");
    assert_eq!(say(json!(7)).await, 400);
}

#[tokio::test]
async fn tokens_are_checked_and_come_from_client_credentials() {
    let bench = Bench::start().await;
    let refused = ask(&bench, "shpat_wrong", "/shopify", QUERY, "1").await;
    assert_eq!(refused.status, 401);
    let form = "grant_type=client_credentials&client_id=id&client_secret=secret";
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let granted = call(bench.addr(), "POST", "/shopify/admin/oauth/access_token", &headers, form).await.json();
    assert_eq!(granted["expires_in"], 86_399);
    let token = granted["access_token"].as_str().unwrap();
    assert_eq!(ask(&bench, token, "/shopify", QUERY, "1").await.status, 200);
    bench.control("POST", "/shopify/revoke", &Value::Null).await;
    assert_eq!(ask(&bench, token, "/shopify", QUERY, "1").await.status, 401);
    assert_eq!(ask(&bench, "shpat_local", "/shopify", QUERY, "1").await.status, 401);
    bench.control("PUT", "/shopify", &json!({ "client_secret": "other" })).await;
    let refused = call(bench.addr(), "POST", "/shopify/admin/oauth/access_token", &headers, form).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_client")));
}

#[tokio::test]
async fn queries_are_held_to_the_schema() {
    let bench = Bench::start().await;
    let wrong =
        ask(&bench, "shpat_local", "/shopify", "{ order(id: \"gid://shopify/Order/1\") { fulfilledAt } }", "1").await;
    assert_eq!(wrong.status, 200);
    assert_eq!(wrong.json()["errors"][0]["extensions"]["code"], "undefinedField");
    let narrow = ask(&bench, "shpat_local", "/shopify", "query($id: ID!) { order(id: $id) { name } }", "1").await;
    assert_eq!(narrow.json()["data"]["order"].as_object().unwrap().len(), 1);
    let broken = ask(&bench, "shpat_local", "/shopify", "{ order(", "1").await;
    assert!(broken.json()["errors"][0]["message"].as_str().unwrap().contains("syntax"));
}

#[tokio::test]
async fn faults_can_name_an_order_and_leave_the_shop_out() {
    let bench = Bench::start().await;
    bench
        .fault(&json!({
            "match": { "provider": "shopify", "path_prefix": "/admin/api", "contains": "Order/77" },
            "times": "forever",
            "action": { "canned": "shopify_throttled_200" },
        }))
        .await;
    let throttled = ask(&bench, "shpat_local", "/shopify/north.myshopify.com", QUERY, "77").await;
    assert_eq!(throttled.json()["errors"][0]["extensions"]["code"], "THROTTLED");
    let cost = &throttled.json()["extensions"]["cost"];
    assert_eq!((&cost["actualQueryCost"], &cost["throttleStatus"]["currentlyAvailable"]), (&Value::Null, &json!(0)));
    assert_eq!(ask(&bench, "shpat_local", "/shopify", QUERY, "78").await.json().get("errors"), None);
}
