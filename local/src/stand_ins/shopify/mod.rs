//! Shopify's Admin API, as far as a review request needs it: a token, one order read again before the send, and the list of
//! orders that changed, for those whose webhooks were lost.

mod connection;
mod graphql;
pub(crate) mod orders;
mod rest;
mod setup;
pub(crate) mod tokens;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use self::graphql::{Field, Selection};
use super::app::App;
use crate::clock;

/// Restored points per second of a standard shop.
const RESTORE_RATE: f64 = 100.0;
/// Points a full bucket holds.
const BUCKET_POINTS: i64 = 2000;

/// The paths of a real shop, at the root and below a shop's name.
pub(super) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .route("/admin/api/{version}/graphql.json", post(at_root))
        .route("/{shop}/admin/api/{version}/graphql.json", post(at_shop))
        .route("/admin/oauth/access_token", post(tokens::access_token))
        .route("/{shop}/admin/oauth/access_token", post(tokens::access_token))
        .fallback(not_found)
        .with_state(Arc::clone(app))
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "errors": "Not Found" }))).into_response()
}

async fn at_root(app: State<Arc<App>>, Path(version): Path<String>, headers: HeaderMap, body: String) -> Response {
    answer(&app, &version, &headers, &body)
}

async fn at_shop(
    app: State<Arc<App>>,
    Path((_shop, version)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    answer(&app, &version, &headers, &body)
}

fn answer(app: &App, version: &str, headers: &HeaderMap, body: &str) -> Response {
    let token = headers.get("x-shopify-access-token").and_then(|value| value.to_str().ok());
    if !token.is_some_and(|token| app.lock().shopify_tokens.accepts(token, clock::now_ms())) {
        let errors = "[API] Invalid API key or access token (unrecognized login or wrong password)";
        return (StatusCode::UNAUTHORIZED, Json(json!({ "errors": errors }))).into_response();
    }
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    let Some(query) = request.get("query").and_then(Value::as_str) else {
        let errors = json!({ "errors": { "query": "Required parameter missing or invalid" } });
        return (StatusCode::BAD_REQUEST, Json(errors)).into_response();
    };
    let mut response = Json(execute(app, query, request.get("variables"))).into_response();
    // Shopify says which version answered; it falls forward when the one asked for is too old.
    if let Ok(version) = HeaderValue::from_str(version) {
        response.headers_mut().insert("x-shopify-api-version", version);
    }
    response
}

/// Runs a query: `order(id:)`, `orders(...)`, what is about the app itself, and nothing else. Errors come with status 200, as GraphQL has it.
fn execute(app: &App, query: &str, variables: Option<&Value>) -> Value {
    let root = match graphql::parse(query) {
        Ok(root) => root,
        Err(problem) => return json!({ "errors": [{ "message": format!("syntax error: {problem}") }] }),
    };
    let mut data = Map::new();
    for selection in &root {
        match selection {
            Selection::Field(field) => {
                let answer = match field.name.as_str() {
                    "order" => order(app, field, variables),
                    "orders" => connection::orders(app, field, variables),
                    other => setup::answer(app, field, variables)
                        .unwrap_or_else(|| Err(graphql::unknown_field("QueryRoot", other))),
                };
                match answer {
                    Ok(answer) => {
                        data.insert(field.key.clone(), answer);
                    }
                    Err(error) => return json!({ "errors": [error] }),
                }
            }
            Selection::On(..) | Selection::Named(_) => {
                return json!({ "errors": [{ "message": "no fragments on the root" }] });
            }
        }
    }
    json!({ "data": data, "extensions": { "cost": cost(Some(8), BUCKET_POINTS - 8) } })
}

fn order(app: &App, field: &Field, variables: Option<&Value>) -> Result<Value, Value> {
    let id = field.argument("id", variables);
    let id = id.as_str().ok_or_else(|| json!({ "message": "Field 'order' is missing required arguments: id" }))?;
    if !id.starts_with("gid://shopify/Order/") {
        return Err(json!({ "message": format!("Invalid global id '{id}'") }));
    }
    let found = app.lock().orders.get(id);
    match found {
        Some(order) => graphql::project(&order, "Order", &field.selection),
        None => Ok(Value::Null),
    }
}

/// `extensions.cost`; a throttled query has no actual cost.
pub(super) fn cost(actual: Option<i64>, available: i64) -> Value {
    json!({
        "requestedQueryCost": 9,
        "actualQueryCost": actual,
        "throttleStatus": {
            "maximumAvailable": 2000.0,
            "currentlyAvailable": available,
            "restoreRate": RESTORE_RATE,
        },
    })
}
