//! The order that is read again before the send.

use serde_json::{Value, json};

use crate::wire::{Bench, PHONE, Reply, call};

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

async fn listed(bench: &Bench, arguments: &str, variables: &Value) -> Value {
    let query = format!(
        "query Changed($first: Int!, $after: String, $query: String) {{ orders({arguments}) {{ edges {{ cursor node {{ id }} }} \
         nodes {{ id name test email phone createdAt updatedAt cancelledAt sourceName tags displayFinancialStatus \
         displayFulfillmentStatus customer {{ id firstName lastName email phone tags \
         defaultPhoneNumber {{ phoneNumber }} defaultAddress {{ phone countryCodeV2 }} }} \
         billingAddress {{ name phone countryCodeV2 }} shippingAddress {{ firstName lastName phone countryCodeV2 timeZone }} \
         purchasingEntity {{ __typename ... on PurchasingCompany {{ company {{ id }} }} }} retailLocation {{ id }} \
         fulfillments(first: 10) {{ status createdAt deliveredAt location {{ id }} }} refunds(first: 10) {{ createdAt }} }} \
         pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    let body = json!({ "query": query, "variables": variables }).to_string();
    let headers = [("x-shopify-access-token", "shpat_local"), ("content-type", "application/json")];
    let reply = call(bench.addr(), "POST", "/shopify/admin/api/2026-10/graphql.json", &headers, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

fn numbers(answer: &Value) -> Vec<String> {
    let nodes = answer["data"]["orders"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    nodes.iter().map(|order| order["id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn orders_are_listed_by_when_they_changed() {
    let bench = Bench::start().await;
    for (number, day) in [(11, 5), (12, 3), (13, 4), (14, 1), (15, 4)] {
        let said = json!({ "updatedAt": format!("2026-11-0{day}T00:00:00Z"), "tags": ["t"] });
        bench.control("PUT", &format!("/shopify/orders/{number}"), &said).await;
    }
    bench.control("PUT", "/shopify/orders/12", &json!({ "missing": true })).await;
    let arguments = "first: $first, after: $after, sortKey: UPDATED_AT, query: $query";
    let since = "updated_at:>='2026-11-04T00:00:00Z'";
    let mut all = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = listed(&bench, arguments, &json!({ "first": 2, "after": after, "query": since })).await;
        all.push(numbers(&page));
        let orders = &page["data"]["orders"];
        assert_eq!(orders["edges"][0]["node"]["id"], orders["nodes"][0]["id"]);
        after = orders["pageInfo"]["endCursor"].clone();
        if orders["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(all, [vec!["13", "15"], vec!["11"]], "oldest change first");
    let newest = listed(&bench, "first: 1, sortKey: UPDATED_AT, reverse: true", &json!({})).await;
    assert_eq!(numbers(&newest), ["11"]);
    let inline = "first: 9, sortKey: UPDATED_AT, query: \"updated_at:<='2026-11-01T00:00:00Z'\"";
    assert_eq!(numbers(&listed(&bench, inline, &json!({})).await), ["14"]);
    let none = listed(&bench, arguments, &json!({ "first": 2, "query": "updated_at:>'2027-01-01T00:00:00Z'" })).await;
    assert_eq!(none["data"]["orders"]["pageInfo"], json!({ "hasNextPage": false, "endCursor": null }));
    for bad in [
        "sortKey: UPDATED_AT",
        "first: 0",
        "first: 251",
        "first: 5, after: \"nonsense\"",
        "first: 5, query: \"changed:>1\"",
        "first: 5, sortKey: MOOD",
        "last: 5",
    ] {
        assert!(listed(&bench, bad, &json!({})).await["errors"][0]["message"].is_string(), "{bad}");
    }
}

#[tokio::test]
async fn an_order_put_in_by_rest_is_answered_in_graphqls_words() {
    let bench = Bench::start().await;
    let order_now = json!({
        "id": 7_024_000_000_101_u64, "name": "#HL2101", "test": false, "email": "mia@example.com", "phone": "+61491570156",
        "created_at": "2026-11-07T18:22:31+11:00", "updated_at": "2026-11-09T09:41:08+11:00", "cancelled_at": null,
        "financial_status": "partially_refunded", "fulfillment_status": "fulfilled", "source_name": "web",
        "tags": "vip, wholesale", "location_id": null, "company": { "id": 5, "location_id": 6 },
        "billing_address": { "name": "Mia Tennant", "phone": "0491 570 156", "country_code": "AU" },
        "customer": { "id": 99, "first_name": "Mia", "last_name": "Tennant", "email": "mia@example.com", "phone": null,
            "default_address": { "phone": "0491 570 156", "country_code": "AU" } },
        "fulfillments": [{ "id": 1, "status": "success", "shipment_status": "delivered", "location_id": 88_110_022_001_u64,
            "created_at": "2026-11-08T22:41:07Z", "updated_at": "2026-11-09T00:00:00Z" }],
        "refunds": [{ "id": 2, "created_at": "2026-11-09T00:00:01Z" }],
    });
    let put = bench.control("POST", "/shopify/orders", &order_now).await;
    assert_eq!((put.status, &put.json()["id"]), (201, &json!("7024000000101")));
    let found = listed(&bench, "first: 5, sortKey: UPDATED_AT", &json!({})).await["data"]["orders"]["nodes"][0].clone();
    assert_eq!(
        found,
        json!({
            "id": "gid://shopify/Order/7024000000101", "name": "#HL2101", "test": false, "email": "mia@example.com",
            "phone": "+61491570156", "createdAt": "2026-11-07T07:22:31Z", "updatedAt": "2026-11-08T22:41:08Z",
            "cancelledAt": null, "sourceName": "web", "tags": ["vip", "wholesale"],
            "displayFinancialStatus": "PARTIALLY_REFUNDED", "displayFulfillmentStatus": "FULFILLED",
            "customer": {
                "id": "gid://shopify/Customer/99", "firstName": "Mia", "lastName": "Tennant", "email": "mia@example.com",
                "phone": null, "tags": [], "defaultPhoneNumber": { "phoneNumber": null },
                "defaultAddress": { "phone": "0491 570 156", "countryCodeV2": "AU" },
            },
            "billingAddress": { "name": "Mia Tennant", "phone": "0491 570 156", "countryCodeV2": "AU" },
            "shippingAddress": null,
            "purchasingEntity": { "__typename": "PurchasingCompany", "company": { "id": "gid://shopify/Company/5" } },
            "retailLocation": null,
            "fulfillments": [{
                "status": "SUCCESS", "createdAt": "2026-11-08T22:41:07Z", "deliveredAt": "2026-11-09T00:00:00Z",
                "location": { "id": "gid://shopify/Location/88110022001" },
            }],
            "refunds": [{ "createdAt": "2026-11-09T00:00:01Z" }],
        })
    );
    let mut guest = order_now.clone();
    guest["customer"] = Value::Null;
    bench.control("POST", "/shopify/orders", &guest).await;
    let all = bench.control("GET", "/shopify/orders", &Value::Null).await.json();
    assert_eq!((&all["count"], &all["orders"][0]["customer"]), (&json!(1), &Value::Null));
    assert_eq!(bench.control("POST", "/shopify/orders", &json!({ "name": "#1" })).await.status, 400);
    assert_eq!(
        bench.control("PUT", "/shopify/orders/77", &json!({ "orderPhone": PHONE })).await.json()["order"]["phone"],
        PHONE
    );
}

/// Every order that the samples have can be found after its webhook was lost.
#[tokio::test]
async fn the_sample_orders_can_be_put_in() {
    let bench = Bench::start().await;
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/shopify");
    let mut count = 0;
    for entry in std::fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_string_lossy().starts_with("orders-") {
            continue;
        }
        let sample: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let number = bench.stand_ins.put_rest_order(&sample).unwrap();
        count += 1;
        let order = order(&bench, &number).await;
        assert_eq!(order["name"], sample["name"], "{}", path.display());
        assert_eq!(order["shippingAddress"].is_null(), sample["shipping_address"].is_null());
        let amount: f64 = order["totalRefundedSet"]["shopMoney"]["amount"].as_str().unwrap().parse().unwrap();
        assert_eq!(amount > 0.0, !sample["refunds"].as_array().unwrap().is_empty(), "{}", path.display());
    }
    assert!(count > 0);
    let listed = listed(&bench, "first: 250, sortKey: UPDATED_AT", &json!({})).await;
    let mut numbers = numbers(&listed);
    numbers.sort();
    numbers.dedup();
    assert_eq!(json!(numbers.len()), bench.control("GET", "/shopify/orders", &Value::Null).await.json()["count"]);
}

#[tokio::test]
async fn the_app_is_told_of_its_shop_its_rights_and_its_webhooks() {
    let bench = Bench::start().await;
    let subscriptions = json!({ "ORDERS_FULFILLED": "https://door.example/shopify/orders-fulfilled" });
    bench
        .stand_ins
        .set_shopify(&json!({ "scope": "read_orders, write_customers", "subscriptions": subscriptions }))
        .unwrap();
    let query = "{ shop { myshopifyDomain } currentAppInstallation { accessScopes { handle } } \
        publicApiVersions { handle supported } webhookSubscriptions(first: 9) { nodes { topic uri } } }";
    let answer = ask(&bench, "shpat_local", "/shopify", query, "").await.json();
    let data = &answer["data"];
    assert_eq!(data["shop"], json!({ "myshopifyDomain": "harbour-lane-demo.myshopify.com" }));
    let scopes = json!([{ "handle": "read_orders" }, { "handle": "write_customers" }]);
    assert_eq!(data["currentAppInstallation"]["accessScopes"], scopes);
    let node = json!({ "topic": "ORDERS_FULFILLED", "uri": subscriptions["ORDERS_FULFILLED"] });
    assert_eq!(data["webhookSubscriptions"]["nodes"], json!([node]));
    assert!(data["publicApiVersions"].as_array().unwrap().contains(&json!({ "handle": "2026-10", "supported": true })));
    for wrong in ["{ webhookSubscriptions { nodes { topic } } }", "{ shop { moneyInBank } }"] {
        assert!(ask(&bench, "shpat_local", "/shopify", wrong, "").await.json()["errors"].is_array(), "{wrong}");
    }
}
