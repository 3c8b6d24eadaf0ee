//! The two ways to ask for products.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::products::Product;
use super::{Shop, cannot_view, error};
use crate::stand_ins::app::App;

type Asked = Query<BTreeMap<String, String>>;

/// `GET /wp-json/wc/store/v1/products`: published and not hidden, with prices in minor units.
pub(super) async fn store_products(State(app): State<Arc<App>>, Query(asked): Asked) -> Response {
    let state = app.lock();
    let shop = &state.shop;
    let found = search(shop, &asked, |product| is_public(product) && within(product, &asked, 1));
    page(&asked, &found, |product| store(shop, product))
}

/// `GET /wp-json/wc/store/v1/products/{id}`
pub(super) async fn store_product(State(app): State<Arc<App>>, Path(id): Path<u64>) -> Response {
    let state = app.lock();
    match state.shop.products.get(&id).filter(|product| product.status == "publish") {
        Some(product) => Json(store(&state.shop, product)).into_response(),
        None => error(StatusCode::NOT_FOUND, "woocommerce_rest_product_invalid_id", "Invalid product ID."),
    }
}

/// `GET /wp-json/wc/v3/products`: of every status, unless one is asked for.
pub(super) async fn rest_products(State(app): State<Arc<App>>, headers: HeaderMap, Query(asked): Asked) -> Response {
    let state = app.lock();
    let shop = &state.shop;
    if !has_key(shop, &headers, &asked) {
        return cannot_view();
    }
    let status = asked.get("status").map_or("any", String::as_str);
    let found =
        search(shop, &asked, |product| (status == "any" || product.status == status) && within(product, &asked, 100));
    page(&asked, &found, |product| rest(shop, product))
}

/// `GET /wp-json/wc/v3/products/{id}`
pub(super) async fn rest_product(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    Query(asked): Asked,
) -> Response {
    let state = app.lock();
    match state.shop.products.get(&id) {
        _ if !has_key(&state.shop, &headers, &asked) => cannot_view(),
        Some(product) => Json(rest(&state.shop, product)).into_response(),
        None => error(StatusCode::NOT_FOUND, "woocommerce_rest_product_invalid_id", "Invalid ID."),
    }
}

/// `GET /wp-json/wc/v3/settings/general/woocommerce_currency`: the only place in REST v3 that says it.
pub(super) async fn currency(State(app): State<Arc<App>>, headers: HeaderMap, Query(asked): Asked) -> Response {
    let state = app.lock();
    if !has_key(&state.shop, &headers, &asked) {
        return cannot_view();
    }
    let value = &state.shop.settings.currency;
    Json(json!({ "id": "woocommerce_currency", "label": "Currency", "type": "select", "default": "USD", "value": value }))
        .into_response()
}

fn is_public(product: &Product) -> bool {
    product.status == "publish" && product.visibility != "hidden"
}

/// Basic, or in the query.
fn has_key(shop: &Shop, headers: &HeaderMap, asked: &BTreeMap<String, String>) -> bool {
    let settings = &shop.settings;
    let wanted = format!("{}:{}", settings.consumer_key, settings.consumer_secret);
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let basic = basic.and_then(|value| value.strip_prefix("Basic ")).filter(|_| !settings.strips_authorization);
    let basic = basic.and_then(|text| STANDARD.decode(text).ok()).is_some_and(|bytes| bytes == wanted.as_bytes());
    let is = |name: &str, value: &str| asked.get(name).is_some_and(|given| given == value);
    basic || (is("consumer_key", &settings.consumer_key) && is("consumer_secret", &settings.consumer_secret))
}

/// Prices in the query count `units` minor units each.
fn within(product: &Product, asked: &BTreeMap<String, String>, units: u64) -> bool {
    let price = |name: &str| {
        let text = asked.get(name).filter(|text| !text.is_empty())?;
        let (whole, cents) = text.split_once('.').unwrap_or((text, "0"));
        let cents = if units == 100 { format!("{cents:0<2}").get(..2)?.parse::<u64>().ok()? } else { 0 };
        whole.parse::<u64>().ok()?.checked_mul(units)?.checked_add(cents)
    };
    let own = product.price.unwrap_or(0);
    let dearest = product.price_max.unwrap_or(own);
    price("max_price").is_none_or(|max| own <= max) && price("min_price").is_none_or(|min| dearest >= min)
}

fn search<'a>(shop: &'a Shop, asked: &BTreeMap<String, String>, wanted: impl Fn(&Product) -> bool) -> Vec<&'a Product> {
    let words = asked.get("search").map_or("", String::as_str);
    let stocks: Vec<&String> =
        asked.iter().filter(|(name, _)| name.starts_with("stock_status")).map(|(_, value)| value).collect();
    let sku = asked.get("sku").filter(|sku| !sku.is_empty());
    let all = shop.products.values().filter(|product| product.has(words) && wanted(product));
    let all = all.filter(|product| {
        stocks.is_empty() || stocks.iter().any(|stock| stock.split(',').any(|one| one == product.stock))
    });
    all.filter(|product| sku.is_none_or(|sku| product.sku == *sku)).collect()
}

fn page(asked: &BTreeMap<String, String>, found: &[&Product], shown: impl Fn(&Product) -> Value) -> Response {
    let number = |name: &str, usual: usize| match asked.get(name) {
        None => Some(usual),
        Some(text) => text.parse::<usize>().ok().filter(|number| *number > 0),
    };
    let (Some(per_page), Some(place)) = (number("per_page", 10).filter(|number| *number <= 100), number("page", 1))
    else {
        return error(StatusCode::BAD_REQUEST, "rest_invalid_param", "Invalid parameter(s): per_page");
    };
    let listed: Vec<Value> =
        found.iter().skip((place - 1).saturating_mul(per_page)).take(per_page).map(|product| shown(product)).collect();
    let mut response = Json(listed).into_response();
    for (name, value) in [("x-wp-total", found.len()), ("x-wp-totalpages", found.len().div_ceil(per_page))] {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response
}

fn link(shop: &Shop, product: &Product) -> String {
    format!("{}/product/{}/", shop.place, product.slug)
}

fn images(shop: &Shop, product: &Product) -> Vec<Value> {
    let image = product.image.as_ref().map(|image| {
        let src = format!("{}/wp-content/uploads/{image}", shop.place);
        json!({ "id": product.id + 5_000, "src": src, "thumbnail": src, "name": product.slug, "alt": "" })
    });
    image.into_iter().collect()
}

fn store(shop: &Shop, product: &Product) -> Value {
    let minor = |price: u64| price.to_string();
    let price = product.price.map_or_else(String::new, minor);
    let range = product.price.zip(product.price_max);
    let range = range.map(|(low, high)| json!({ "min_amount": minor(low), "max_amount": minor(high) }));
    let attributes: Vec<Value> = product
        .attributes
        .iter()
        .map(|(name, values)| {
            let terms: Vec<Value> = values.iter().map(|value| json!({ "id": 0, "name": value })).collect();
            json!({ "id": 0, "name": name, "taxonomy": null, "has_variations": range.is_some(), "terms": terms })
        })
        .collect();
    json!({
        "id": product.id,
        "name": product.name,
        "slug": product.slug,
        "type": product.kind,
        "permalink": link(shop, product),
        "sku": product.sku,
        "short_description": product.description,
        "description": product.description,
        "on_sale": product.on_sale_from.is_some(),
        "prices": {
            "price": price,
            "regular_price": product.on_sale_from.or(product.price).map_or_else(String::new, minor),
            "sale_price": price,
            "price_range": range,
            "currency_code": shop.settings.currency,
            "currency_symbol": "$",
            "currency_minor_unit": 2,
            "currency_decimal_separator": ".",
            "currency_thousand_separator": ",",
            "currency_prefix": "$",
            "currency_suffix": "",
        },
        "images": images(shop, product),
        "categories": [{ "id": 15, "name": product.category, "slug": product.category.to_lowercase() }],
        "attributes": attributes,
        "variations": [],
        "has_options": range.is_some(),
        "is_purchasable": product.price.is_some(),
        "is_in_stock": product.stock != "outofstock",
        "is_on_backorder": product.stock == "onbackorder",
        "low_stock_remaining": product.stock_quantity.filter(|left| (1..=2).contains(left)),
    })
}

fn rest(shop: &Shop, product: &Product) -> Value {
    let decimal = |price: u64| format!("{}.{:02}", price / 100, price % 100);
    let price = product.price.map_or_else(String::new, decimal);
    let regular = product.on_sale_from.or(product.price).map_or_else(String::new, decimal);
    let attributes: Vec<Value> = product
        .attributes
        .iter()
        .map(|(name, values)| json!({ "id": 0, "name": name, "visible": true, "options": values }))
        .collect();
    let mut shown = json!({
        "id": product.id,
        "name": product.name,
        "slug": product.slug,
        "permalink": link(shop, product),
        "type": product.kind,
        "status": product.status,
        "catalog_visibility": product.visibility,
        "description": product.description,
        "short_description": product.description,
        "sku": product.sku,
        "price": price,
        "regular_price": if product.kind == "variable" { String::new() } else { regular },
        "sale_price": if product.on_sale_from.is_some() { price.clone() } else { String::new() },
        "on_sale": product.on_sale_from.is_some(),
        "purchasable": product.price.is_some(),
    });
    let rest = json!({
        "price_html": format!("<span class=\"woocommerce-Price-amount amount\">&#36;{price}</span>"),
        "manage_stock": product.stock_quantity.is_some(),
        "stock_quantity": product.stock_quantity,
        "stock_status": product.stock,
        "backorders": if product.stock == "onbackorder" { "notify" } else { "no" },
        "categories": [{ "id": 15, "name": product.category, "slug": product.category.to_lowercase() }],
        "images": images(shop, product),
        "attributes": attributes,
        "variations": [],
    });
    if let (Some(shown), Some(rest)) = (shown.as_object_mut(), rest.as_object()) {
        shown.extend(rest.clone());
    }
    shown
}
