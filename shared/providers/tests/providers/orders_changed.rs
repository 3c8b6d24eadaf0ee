//! Shopify's orders by the time of their last change, as their webhook would have told them.

use std::time::Duration;

use frontdesk_core::{
    config::ShopifyApiConfig,
    ids::OrderId,
    provider::{Backlog, CallFailure, Feed, Listed, NotDone},
    shopify::{OrderBody, ShopifyEvent, parse},
    time::DAY,
};
use frontdesk_providers::Shopify;
use serde_json::{Value, json};

use crate::{
    server::{Reply, Server},
    world::{NOW, TestClock, TestTokens, assert_discreet, http, shop},
};

type Answer = Result<Listed, CallFailure>;

async fn listed(server: &Server, cursor: Option<&str>) -> Answer {
    let config =
        ShopifyApiConfig { url: format!("{}/shopify", server.url()), version: "2026-10".into(), secret: "arn".into() };
    let clock = TestClock::new();
    let shopify = Shopify::new(http(), shop(), &config, TestTokens::new(&clock), clock).unwrap();
    let answer = shopify.list(Feed::ShopifyOrders, NOW.minus(DAY), NOW, cursor).await;
    if let Err(error) = &answer {
        assert_discreet(error);
    }
    answer
}

async fn asked(reply: Reply) -> Answer {
    listed(&Server::always(reply).await, None).await
}

fn address(name: &str, phone: &Value) -> Value {
    json!({
        "name": name, "firstName": "Mara", "lastName": "Quill", "phone": phone, "address1": "1 Jetty Road",
        "countryCodeV2": "AU", "provinceCode": "NSW",
    })
}

fn node() -> Value {
    json!({
        "id": "gid://shopify/Order/820982911946154508",
        "createdAt": "2026-02-20T06:13:20Z",
        "updatedAt": "2026-02-25T06:00:00Z",
        "cancelledAt": null,
        "test": false,
        "email": "mara@example.com",
        "phone": "+61491570156",
        "sourceName": "web",
        "tags": ["gift", "no-review"],
        "displayFinancialStatus": "PARTIALLY_REFUNDED",
        "displayFulfillmentStatus": "FULFILLED",
        "retailLocation": null,
        "purchasingEntity": { "__typename": "Customer" },
        "customer": {
            "id": "gid://shopify/Customer/7",
            "firstName": "Mara",
            "lastName": "Quill",
            "defaultEmailAddress": { "emailAddress": "mara@example.com" },
            "defaultPhoneNumber": { "phoneNumber": "+61491570157" },
            "defaultAddress": address("Mara Quill", &json!("0491 570 158")),
        },
        "billingAddress": address("Mara Quill", &Value::Null),
        "shippingAddress": address("Jo Quill", &json!("0491 570 159")),
        "fulfillments": [
            { "status": "SUCCESS", "createdAt": "2026-02-21T06:13:20Z", "location": { "id": "gid://shopify/Location/99" } },
            { "status": "CANCELLED", "createdAt": "2026-02-20T06:13:20Z", "location": null },
        ],
        "refunds": [{ "createdAt": "2026-02-22T06:13:20Z" }],
    })
}

fn page(nodes: &[Value], next: Option<&str>) -> Reply {
    let info = json!({ "hasNextPage": next.is_some(), "endCursor": next });
    Reply::json(200, &json!({ "data": { "orders": { "nodes": nodes, "pageInfo": info } } }))
}

/// The order that the core reads out of what is recovered.
async fn order(change: impl FnOnce(&mut Value)) -> Box<OrderBody> {
    let mut node = node();
    change(&mut node);
    let found = asked(page(&[node], None)).await.unwrap().found;
    match parse(&found[0].body) {
        Ok(ShopifyEvent::Order(order)) => order,
        other => panic!("{other:?}"),
    }
}

/// The functions' runtime moves it.
#[tokio::test]
async fn a_call_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    let server = Server::always(Reply::Close).await;
    movable(listed(&server, None));
}

#[tokio::test]
async fn the_query_as_it_is_sent() {
    let server = Server::always(page(&[], None)).await;
    assert_eq!(listed(&server, None).await, Ok(Listed::default()));
    assert_eq!(listed(&server, Some("c2")).await, Ok(Listed::default()));
    let seen = server.seen();
    assert_eq!(seen[0].target, "/shopify/admin/api/2026-10/graphql.json");
    let range = "updated_at:>='2026-02-24T06:13:20Z' updated_at:<='2026-02-25T06:13:20Z'";
    assert_eq!(seen[0].json()["variables"], json!({ "first": 50, "cursor": null, "query": range }));
    assert_eq!(seen[1].json()["variables"], json!({ "first": 50, "cursor": "c2", "query": range }));
    assert!(seen[0].json()["query"].as_str().unwrap().contains("sortKey: UPDATED_AT"));
}

#[tokio::test]
async fn an_order_as_its_webhook_would_have_told_it() {
    let found = asked(page(&[node()], Some("c2"))).await.unwrap();
    assert_eq!(found.next.as_deref(), Some("c2"));
    let one = &found.found[0];
    assert_eq!(one.topic, "orders/updated");
    assert!(one.id.as_str().starts_with("reconcile-"), "{}", one.id);
    let body: Value = serde_json::from_slice(&one.body).unwrap();
    assert_eq!(body["tags"], "gift, no-review");
    assert_eq!(body["updated_at"], "2026-02-25T06:00:00Z");
    assert_eq!(body["admin_graphql_api_id"], "gid://shopify/Order/820982911946154508");
    assert!(body.get("company").is_none());

    let order = order(|_| {}).await;
    assert_eq!(order.order(), OrderId(820_982_911_946_154_508));
    assert_eq!(order.phone.as_deref(), Some("+61491570156"));
    assert_eq!((order.email.as_deref(), order.test), (Some("mara@example.com"), Some(false)));
    assert_eq!(order.financial_status.as_deref(), Some("partially_refunded"));
    assert_eq!(order.fulfillment_status.as_deref(), Some("fulfilled"));
    assert_eq!((order.source_name.as_deref(), order.location_id), (Some("web"), None));
    assert_eq!((order.cancelled_at, order.created_at.as_deref()), (None, Some("2026-02-20T06:13:20Z")));
    let customer = order.customer.unwrap();
    assert_eq!((customer.first_name.as_deref(), customer.phone.as_deref()), (Some("Mara"), Some("+61491570157")));
    assert_eq!(customer.default_address.unwrap().phone.as_deref(), Some("0491 570 158"));
    let shipping = order.shipping_address.unwrap();
    assert_eq!((shipping.name.as_deref(), shipping.phone.as_deref()), (Some("Jo Quill"), Some("0491 570 159")));
    assert_eq!((shipping.country_code.as_deref(), shipping.province_code.as_deref()), (Some("AU"), Some("NSW")));
    assert_eq!(order.billing_address.unwrap().phone, None);
    let shipments = order.fulfillments.unwrap();
    assert_eq!((shipments[0].status.as_deref(), shipments[0].location_id), (Some("success"), Some(99)));
    assert_eq!((shipments[1].status.as_deref(), shipments[1].location_id), (Some("cancelled"), None));
    assert_eq!(order.refunds.unwrap()[0].created_at.as_deref(), Some("2026-02-22T06:13:20Z"));
    assert!(order.company.is_none());
}

#[tokio::test]
async fn orders_of_other_kinds() {
    let company = order(|node| node["purchasingEntity"] = json!({ "__typename": "PurchasingCompany" })).await;
    assert!(company.company.is_some());
    let counter = order(|node| {
        node["sourceName"] = json!("pos");
        node["retailLocation"] = json!({ "id": "gid://shopify/Location/5" });
        for absent in ["customer", "billingAddress", "shippingAddress", "phone", "email"] {
            node[absent] = Value::Null;
        }
    })
    .await;
    assert_eq!((counter.source_name.as_deref(), counter.location_id), (Some("pos"), Some(5)));
    assert!(counter.customer.is_none() && counter.phone.is_none());
    let cancelled = order(|node| node["cancelledAt"] = json!("2026-02-25T06:00:00Z")).await;
    assert!(cancelled.cancelled_at.is_some());
    for (shown, told) in [
        ("PARTIALLY_FULFILLED", Some("partial")),
        ("RESTOCKED", Some("restocked")),
        ("IN_PROGRESS", None),
        ("UNFULFILLED", None),
    ] {
        let order = order(|node| node["displayFulfillmentStatus"] = json!(shown)).await;
        assert_eq!(order.fulfillment_status.as_deref(), told, "{shown}");
    }
    let unpaid = order(|node| {
        node["displayFinancialStatus"] = Value::Null;
        node["displayFulfillmentStatus"] = json!("UNFULFILLED");
    })
    .await;
    assert_eq!(unpaid.financial_status, None);
}

#[tokio::test]
async fn an_order_has_another_name_when_it_has_changed() {
    let named = async |updated: &str| {
        let mut node = node();
        node["updatedAt"] = json!(updated);
        asked(page(&[node], None)).await.unwrap().found[0].id.clone()
    };
    let first = named("2026-02-25T06:00:00Z").await;
    assert_eq!(named("2026-02-25T17:00:00+11:00").await, first);
    assert_ne!(named("2026-02-25T06:00:01Z").await, first);
}

#[tokio::test]
async fn throttling_waits_and_a_missing_scope_is_named() {
    let errors = json!([{ "message": "Throttled", "extensions": { "code": "THROTTLED" } }]);
    let status = json!({ "currentlyAvailable": 10.0, "restoreRate": 100.0 });
    let cost = json!({ "requestedQueryCost": 1009, "throttleStatus": status });
    let answer = asked(Reply::json(200, &json!({ "errors": errors, "extensions": { "cost": cost } }))).await;
    match answer {
        Err(CallFailure::NotDone(NotDone::Throttled { wait, .. })) => assert_eq!(wait, Duration::from_secs(10)),
        other => panic!("{other:?}"),
    }
    let denied = |path: Value| {
        let access = json!({ "code": "ACCESS_DENIED", "requiredAccess": "`read_locations` access scope." });
        let errors = json!([{ "message": "Access denied", "path": path, "extensions": access }]);
        let orders = json!({ "nodes": [node()], "pageInfo": { "hasNextPage": false, "endCursor": null } });
        Reply::json(200, &json!({ "data": { "orders": orders }, "errors": errors }))
    };
    assert_eq!(asked(denied(json!(["orders", "nodes", 0, "retailLocation"]))).await.unwrap().found.len(), 1);
    for place in [json!(["orders", "nodes", 0, "fulfillments", 0, "location"]), json!(["orders"])] {
        let error = asked(denied(place)).await.unwrap_err();
        assert!(error.to_string().ends_with("access denied: the app needs the scope read_locations"), "{error}");
    }
}

#[tokio::test]
async fn a_query_that_costs_too_much_is_asked_for_less() {
    let dear = json!({ "errors": [{ "message": "m", "extensions": { "code": "MAX_COST_EXCEEDED" } }] });
    let server = Server::script([Reply::json(200, &dear), page(&[node()], None)]).await;
    assert_eq!(listed(&server, None).await.unwrap().found.len(), 1);
    let sizes: Vec<Value> = server.seen().iter().map(|seen| seen.json()["variables"]["first"].clone()).collect();
    assert_eq!(sizes, [50, 10]);
    let error = asked(Reply::json(200, &dear)).await.unwrap_err();
    assert!(error.to_string().ends_with("the query is refused: MAX_COST_EXCEEDED"), "{error}");
}

#[tokio::test]
async fn what_is_no_list_is_no_end() {
    let orders = |orders: Value| Reply::json(200, &json!({ "data": { "orders": orders } }));
    let end = json!({ "hasNextPage": false, "endCursor": null });
    for reply in [
        Reply::json(200, &json!({ "data": null })),
        orders(json!(null)),
        orders(json!({ "nodes": [] })),
        orders(json!({ "nodes": {}, "pageInfo": end })),
        orders(json!({ "nodes": [], "pageInfo": { "endCursor": null } })),
        orders(json!({ "nodes": [], "pageInfo": { "hasNextPage": true, "endCursor": null } })),
        orders(json!({ "nodes": [{ "id": "gid://shopify/Order/1" }], "pageInfo": end })),
        orders(json!({ "nodes": ["+61491570156"], "pageInfo": end })),
        Reply::Status(200, "", "<html>".into()),
        Reply::Status(500, "", String::new()),
        Reply::Close,
    ] {
        let error = asked(reply.clone()).await.unwrap_err();
        assert!(matches!(error, CallFailure::NotDone(NotDone::Unavailable { .. })), "{reply:?}: {error:?}");
    }
    let circle = Server::always(page(&[node()], Some("c2"))).await;
    assert!(listed(&circle, Some("c2")).await.is_err());
}

#[tokio::test]
async fn another_providers_lists_are_empty() {
    let server = Server::always(Reply::Close).await;
    let config = ShopifyApiConfig { url: server.url(), version: "2026-10".into(), secret: "arn".into() };
    let clock = TestClock::new();
    let shopify = Shopify::new(http(), shop(), &config, TestTokens::new(&clock), clock).unwrap();
    for feed in [Feed::PodiumReviews, Feed::PodiumMessages] {
        assert_eq!(shopify.list(feed, NOW.minus(DAY), NOW, None).await, Ok(Listed::default()));
    }
    assert_eq!(server.connections(), 0);
}
