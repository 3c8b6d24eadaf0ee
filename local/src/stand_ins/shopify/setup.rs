//! What Shopify knows of the app itself: the shop, the app's rights, the versions of the API, and what the app subscribed.

use serde_json::{Value, json};

use super::graphql::{self, Field};
use crate::stand_ins::app::App;

/// The shop of the sample events.
pub(super) const SHOP: &str = "harbour-lane-demo.myshopify.com";
/// The versions of a November, newest first; the last is answered as the one before it.
const VERSIONS: [(&str, bool); 6] = [
    ("2027-01", false),
    ("2026-10", true),
    ("2026-07", true),
    ("2026-04", true),
    ("2026-01", true),
    ("unstable", false),
];

/// Answers a field of the root that is about the app; `None` when it is not.
pub(super) fn answer(app: &App, field: &Field, variables: Option<&Value>) -> Option<Result<Value, Value>> {
    let state = app.lock();
    let settings = &state.shopify_tokens;
    let (kind, value) = match field.name.as_str() {
        "shop" => ("Shop", json!({ "name": "Harbour Lane", "myshopifyDomain": settings.shop() })),
        "currentAppInstallation" => {
            let scopes: Vec<Value> = settings.scopes().map(|handle| json!({ "handle": handle })).collect();
            ("AppInstallation", json!({ "accessScopes": scopes }))
        }
        "publicApiVersions" => {
            let version = |(handle, supported): &(&str, bool)| json!({ "handle": handle, "supported": supported });
            ("ApiVersion", VERSIONS.iter().map(version).collect())
        }
        "webhookSubscriptions" => {
            if field.argument("first", variables).as_u64().is_none() {
                let message = "you must provide one of first or last";
                return Some(Err(json!({ "message": message, "extensions": { "code": "BAD_REQUEST" } })));
            }
            let node = |(topic, uri): (&String, &String)| json!({ "id": "gid://shopify/WebhookSubscription/1", "topic": topic, "uri": uri, "format": "JSON" });
            let nodes: Vec<Value> = settings.subscriptions().map(node).collect();
            ("WebhookSubscriptionConnection", json!({ "nodes": nodes }))
        }
        _ => return None,
    };
    Some(graphql::project(&value, kind, &field.selection))
}
