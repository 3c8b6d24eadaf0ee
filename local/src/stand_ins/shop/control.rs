//! The part of the control API that is about the shop.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::stand_ins::app::App;
use crate::stand_ins::control::{Controlled, Problem, found, read};

pub(in crate::stand_ins) const HELP: &str = "\
  GET, PUT    /_control/shop                   currency, consumer_key, consumer_secret, strips_authorization
  GET    /_control/shop/products               what there is to buy
  PUT    /_control/shop/products/{id}          name (HTML), slug, kind, status, visibility, sku, description,
                                               price (minor units, null: none), price_max, on_sale_from,
                                               stock (instock, outofstock, onbackorder), stock_quantity, category,
                                               attributes [[name, [values]]], image; adds what is not there
  DELETE the same
";

pub(in crate::stand_ins) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/_control/shop", get(settings).put(change))
        .route("/_control/shop/products", get(products))
        .route("/_control/shop/products/{id}", put(put_product).delete(remove_product))
}

async fn settings(State(app): Controlled) -> Json<Value> {
    Json(json!(app.lock().shop.settings))
}

async fn change(State(app): Controlled, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut state = app.lock();
    state.shop.change(&read(&body)?)?;
    Ok(Json(json!(state.shop.settings)))
}

async fn products(State(app): Controlled) -> Json<Value> {
    let products: Vec<Value> = app.lock().shop.products.values().map(|product| json!(product)).collect();
    Json(json!({ "count": products.len(), "products": products }))
}

async fn put_product(State(app): Controlled, Path(id): Path<u64>, body: Bytes) -> Result<StatusCode, Problem> {
    app.lock().shop.put(id, &read(&body)?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_product(State(app): Controlled, Path(id): Path<u64>) -> StatusCode {
    found(app.lock().shop.products.remove(&id).is_some())
}
