//! WooCommerce: the open Store API, and REST v3 with a key.
//!
//! The two show the same products differently: prices in minor units with their currency, or as texts without one;
//! published products only, or whatever there is.

mod api;
pub(super) mod control;
mod pictures;
mod products;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::products::Product;
use super::app::App;
use super::podium::settings::changed;

/// `GET` and `PUT /_control/shop`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    currency: String,
    consumer_key: String,
    consumer_secret: String,
    /// The host drops `Authorization`: then only query parameters are a key.
    strips_authorization: bool,
}

/// What there is to buy.
#[derive(Debug)]
pub(super) struct Shop {
    settings: Settings,
    products: BTreeMap<u64, Product>,
    place: String,
}

impl Default for Shop {
    fn default() -> Self {
        Self {
            settings: Settings {
                currency: "AUD".to_owned(),
                consumer_key: "ck_local".to_owned(),
                consumer_secret: "cs_local".to_owned(),
                strips_authorization: false,
            },
            products: products::usual(),
            place: String::new(),
        }
    }
}

impl Shop {
    /// Says where it listens, for the products' links.
    pub(super) fn lives_at(&mut self, url: &str) {
        url.clone_into(&mut self.place);
    }

    pub(super) fn change(&mut self, change: &Value) -> Result<(), String> {
        self.settings = changed(&self.settings, change)?;
        Ok(())
    }

    /// Whether a product shows a picture of this name.
    fn has_picture(&self, name: &str) -> bool {
        self.products.values().any(|product| product.image.as_deref() == Some(name))
    }

    /// Changes a product, or adds one.
    pub(super) fn put(&mut self, id: u64, change: &Value) -> Result<(), String> {
        let known = self.products.get(&id).cloned().unwrap_or_else(|| Product::new(id));
        let product = changed(&known, change)?;
        if product.id != id {
            return Err("a product keeps its id".to_owned());
        }
        self.products.insert(id, product);
        Ok(())
    }
}

pub(super) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .route("/wp-json/wc/store/v1/products", get(api::store_products))
        .route("/wp-json/wc/store/v1/products/{id}", get(api::store_product))
        .route("/wp-json/wc/v3/products", get(api::rest_products))
        .route("/wp-json/wc/v3/products/{id}", get(api::rest_product))
        .route("/wp-json/wc/v3/settings/general/woocommerce_currency", get(api::currency))
        .route("/wp-content/uploads/{name}", get(pictures::picture))
        .fallback(no_route)
        .with_state(Arc::clone(app))
}

async fn no_route() -> Response {
    error(StatusCode::NOT_FOUND, "rest_no_route", "No route was found matching the URL and request method.")
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "code": code, "message": message, "data": { "status": status.as_u16() } });
    (status, Json(body)).into_response()
}

/// No key, or one that may not look.
pub(super) fn cannot_view() -> Response {
    error(StatusCode::UNAUTHORIZED, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
}

/// A page where JSON should be: security plugins do that.
pub(super) fn page() -> Response {
    let html =
        "<!DOCTYPE html>\n<html><head><title>Checking your browser</title></head><body>One moment.</body></html>\n";
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/html; charset=UTF-8")], html).into_response()
}
