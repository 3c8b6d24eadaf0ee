//! WooCommerce, open and with a key.

use serde_json::{Value, json};

use crate::wire::{Bench, Reply, call};

async fn get(bench: &Bench, path: &str, headers: &[(&str, &str)]) -> Reply {
    call(bench.addr(), "GET", &format!("/shop/wp-json/wc/{path}"), headers, "").await
}

fn ids(reply: &Reply) -> Vec<u64> {
    reply.json().as_array().unwrap().iter().map(|product| product["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn the_open_api_shows_what_is_published() {
    let bench = Bench::start().await;
    let lamps = get(&bench, "store/v1/products?search=lamp", &[]).await;
    assert_eq!(ids(&lamps), [101, 102, 103, 104, 109]);
    assert_eq!(lamps.header("x-wp-total"), Some("5"));
    let lamps = lamps.json();
    assert_eq!(lamps[0]["prices"]["price"], "12995");
    assert_eq!(lamps[0]["prices"]["currency_code"], "AUD");
    assert_eq!(lamps[2]["prices"]["price_range"], json!({ "min_amount": "8950", "max_amount": "13950" }));
    assert!(lamps[1]["name"].as_str().unwrap().contains("&amp;"));
    assert_eq!(get(&bench, "store/v1/products?per_page=101", &[]).await.status, 400);
}

#[tokio::test]
async fn the_other_api_wants_a_key_and_shows_drafts() {
    let bench = Bench::start().await;
    let refused = get(&bench, "v3/products", &[]).await;
    assert_eq!((refused.status, &refused.json()["code"]), (401, &json!("woocommerce_rest_cannot_view")));
    // ck_local:cs_local
    let key = [("authorization", "Basic Y2tfbG9jYWw6Y3NfbG9jYWw=")];
    let all = get(&bench, "v3/products?search=lamp", &key).await;
    assert!(ids(&all).contains(&108) && ids(&all).contains(&107));
    assert!(!ids(&get(&bench, "v3/products?search=lamp&status=publish", &key).await).contains(&108));
    let unpriced = &get(&bench, "v3/products/109", &key).await.json()["price"];
    assert_eq!(unpriced, "");
    let currency = get(&bench, "v3/settings/general/woocommerce_currency", &key).await.json();
    assert_eq!(currency["value"], "AUD");
    bench.stand_ins.set_product(101, &json!({ "stock": "outofstock" })).unwrap();
    assert_eq!(get(&bench, "v3/products/101", &key).await.json()["stock_status"], "outofstock");
    bench.fault(&json!({ "match": { "provider": "shop" }, "action": { "canned": "shop_html" } })).await;
    assert!(get(&bench, "store/v1/products", &[]).await.header("content-type").unwrap().starts_with("text/html"));
    let help = bench.control("GET", "", &Value::Null).await.body;
    assert!(["/_control/shop", "/_control/ai", "/_control/chatwoot/inbound"].iter().all(|path| help.contains(path)));
}

#[tokio::test]
async fn a_product_has_a_picture_that_a_page_can_show() {
    let bench = Bench::start().await;
    let lamps = get(&bench, "store/v1/products?search=lamp", &[]).await.json();
    let src = lamps[0]["images"][0]["src"].as_str().unwrap();
    let path = src.strip_prefix(&bench.stand_ins.base_url()).unwrap();
    let picture = call(bench.addr(), "GET", path, &[], "").await;
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/svg+xml")));
    assert!(picture.body.starts_with("<svg "));
    let nothing = call(bench.addr(), "GET", "/shop/wp-content/uploads/another.jpg", &[], "").await;
    assert_eq!(nothing.status, 404);
}
