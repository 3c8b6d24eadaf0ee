//! A shop's products: what is asked for, and what of the answer is shown.

use std::time::Duration;

use frontdesk_core::{
    agent::{Catalogue, ProductQuery},
    config::{CatalogueConfig, CatalogueKind},
    outbound::{PRODUCTS_MAX, Product, Stock},
    provider::{NotDone, Provider},
};
use frontdesk_providers::{AnyCatalogue, WooCommerce};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Server},
    world::{DEFAULT_WAIT, TestClock, TestVault, assert_discreet, http},
};

const JSON: &str = "content-type: application/json; charset=UTF-8\r\n";

fn listed(products: &Value) -> Reply {
    Reply::Status(200, JSON, products.to_string())
}

fn rest_kind() -> CatalogueKind {
    CatalogueKind::Rest { secret: "arn".into(), currency: "AUD".into() }
}

fn keys() -> TestVault {
    TestVault::holding(&json!({ "consumer_key": "ck_1", "consumer_secret": "cs-hush" }))
}

fn shop(kind: CatalogueKind, url: &str) -> WooCommerce<TestVault, TestClock> {
    let config = CatalogueConfig { url: url.into(), kind, timeout: Duration::from_secs(20) };
    WooCommerce::new(http(), &config, Some(keys()), TestClock::new()).unwrap()
}

fn store(server: &Server) -> WooCommerce<TestVault, TestClock> {
    shop(CatalogueKind::StoreApi, &server.url())
}

fn rest(server: &Server) -> WooCommerce<TestVault, TestClock> {
    shop(rest_kind(), &server.url())
}

fn query(text: &str) -> ProductQuery {
    ProductQuery { text: text.into(), in_stock: false, price_max: None }
}

async fn find(shop: &WooCommerce<TestVault, TestClock>, query: &ProductQuery) -> Vec<Product> {
    shop.search(query).await.unwrap().unwrap()
}

fn ids(products: &[Product]) -> Vec<&str> {
    products.iter().map(|product| product.id.as_str()).collect()
}

fn with(mut value: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!() };
    value.as_object_mut().unwrap().extend(changes);
    value
}

fn store_lamp() -> Value {
    json!({
        "id": 12,
        "name": "Rock &amp; Roll <em>lamp</em> &#8211; 7&Prime;",
        "permalink": "https://shop.example/product/lamp/",
        "prices": {
            "price": "12995", "regular_price": "15000", "currency_code": "AUD", "currency_minor_unit": 2, "price_range": null,
        },
        "is_in_stock": true, "is_on_backorder": false, "is_purchasable": true,
        "images": [{ "src": "https://shop.example/lamp.jpg", "thumbnail": "x" }],
        "attributes": [
            { "name": "Colour", "terms": [{ "name": "Caf&eacute; brown" }, { "name": "black" }] },
            { "name": "", "terms": [{ "name": "x" }] },
            { "name": "Empty", "terms": [] },
        ],
    })
}

fn rest_lamp() -> Value {
    json!({
        "id": 12, "name": "Desk lamp &amp; bulb", "status": "publish", "catalog_visibility": "visible", "type": "simple",
        "permalink": "https://shop.example/product/lamp/", "price": "129.9", "stock_status": "instock",
        "images": [], "attributes": [{ "name": "Size", "options": ["S", "M"] }],
    })
}

#[tokio::test]
async fn a_product_of_the_store_api() {
    let server = Server::always(listed(&json!([store_lamp()]))).await;
    let expected = Product {
        id: "12".into(),
        title: "Rock & Roll lamp – 7″".into(),
        price: Some("129.95".into()),
        currency: "AUD".into(),
        price_from: false,
        stock: Stock::InStock,
        attributes: vec![("Colour".into(), "Café brown, black".into())],
        url: "https://shop.example/product/lamp/".into(),
        image: Some("https://shop.example/lamp.jpg".into()),
    };
    assert_eq!(find(&store(&server), &query("  brass \n lamp & co")).await, [expected]);
    let seen = &server.seen()[0];
    assert_eq!(seen.header("authorization"), None);
    let asked = "/wp-json/wc/store/v1/products?catalog_visibility=search&per_page=10&search=brass+lamp+%26+co";
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", asked));
}

#[tokio::test]
async fn a_product_of_the_rest_api() {
    let server = Server::always(listed(&json!([rest_lamp()]))).await;
    let expected = Product {
        id: "12".into(),
        title: "Desk lamp & bulb".into(),
        price: Some("129.90".into()),
        currency: "AUD".into(),
        price_from: false,
        stock: Stock::InStock,
        attributes: vec![("Size".into(), "S, M".into())],
        url: "https://shop.example/product/lamp/".into(),
        image: None,
    };
    let wanted = ProductQuery { text: "lamp".into(), in_stock: true, price_max: Some(130) };
    assert_eq!(find(&rest(&server), &wanted).await, [expected]);
    let seen = &server.seen()[0];
    // ck_1:cs-hush
    assert_eq!(seen.header("authorization"), Some("Basic Y2tfMTpjcy1odXNo"));
    let asked = "/wp-json/wc/v3/products?status=publish&stock_status=instock&max_price=130&per_page=10&search=lamp";
    assert_eq!(seen.target, asked);
}

#[tokio::test]
async fn prices_and_stock_are_what_the_shop_says() {
    let prices = |price: &str, minor: u32, range: Value| json!({ "prices": { "price": price, "currency_code": "JPY", "currency_minor_unit": minor, "price_range": range } });
    let range = |min: &str, max: &str| json!({ "min_amount": min, "max_amount": max });
    for (changes, price, from) in [
        (prices("1200", 0, Value::Null), Some("1200"), false),
        (prices("1234", 3, Value::Null), Some("1.234"), false),
        (prices("5", 2, Value::Null), Some("0.05"), false),
        (prices("9999", 2, range("1000", "9999")), Some("10.00"), true),
        (prices("1000", 2, range("1000", "1000")), Some("10.00"), false),
        (prices("0", 2, Value::Null), Some("0.00"), false),
        (with(prices("0", 2, Value::Null), json!({ "is_purchasable": false })), None, false),
        (prices("", 2, Value::Null), None, false),
    ] {
        let server = Server::always(listed(&json!([with(store_lamp(), changes.clone())]))).await;
        let found = find(&store(&server), &query("lamp")).await;
        assert_eq!((found[0].price.as_deref(), found[0].price_from), (price, from), "{changes}");
        assert_eq!(found[0].currency, "JPY");
    }
    for (changes, stock) in [
        (json!({ "is_in_stock": true, "is_on_backorder": true }), Stock::OnBackorder),
        (json!({ "is_in_stock": false }), Stock::OutOfStock),
    ] {
        let server = Server::always(listed(&json!([with(store_lamp(), changes)]))).await;
        assert_eq!(find(&store(&server), &query("lamp")).await[0].stock, stock);
    }
    for (changes, price, from, stock) in [
        (json!({ "price": "", "stock_status": "outofstock" }), None, false, Stock::OutOfStock),
        (
            json!({ "price": "10", "type": "variable", "stock_status": "onbackorder" }),
            Some("10"),
            true,
            Stock::OnBackorder,
        ),
        (json!({ "price": "1e3", "stock_status": "new" }), None, false, Stock::OutOfStock),
    ] {
        let server = Server::always(listed(&json!([with(rest_lamp(), changes)]))).await;
        let found = find(&rest(&server), &query("lamp")).await;
        assert_eq!((found[0].price.as_deref(), found[0].price_from, found[0].stock), (price, from, stock));
    }
}

#[tokio::test]
async fn what_nobody_should_see_or_could_open_is_left_out() {
    for changes in [
        json!({ "permalink": "/product/lamp" }),
        json!({ "permalink": "javascript:alert(1)" }),
        json!({ "permalink": "https://user:pw@shop.example/" }),
        json!({ "permalink": null }),
        json!({ "name": "<b></b>" }),
        json!({ "id": null }),
        json!({ "prices": {} }),
    ] {
        let server = Server::always(listed(&json!([with(store_lamp(), changes.clone()), "odd", null]))).await;
        assert_eq!(find(&store(&server), &query("")).await, [], "{changes}");
    }
    for changes in
        [json!({ "status": "draft" }), json!({ "status": "private" }), json!({ "catalog_visibility": "hidden" })]
    {
        let server = Server::always(listed(&json!([with(rest_lamp(), changes.clone())]))).await;
        assert_eq!(find(&rest(&server), &query("")).await, [], "{changes}");
    }
    let bad_image = with(store_lamp(), json!({ "images": [{ "src": "data:image/png;base64,AA" }] }));
    let server = Server::always(listed(&json!([bad_image]))).await;
    assert_eq!(find(&store(&server), &query("lamp")).await[0].image, None);
}

#[tokio::test]
async fn there_are_never_too_many() {
    let many: Vec<Value> = (0..40).map(|id| with(store_lamp(), json!({ "id": id }))).collect();
    let server = Server::always(listed(&json!(many))).await;
    assert_eq!(find(&store(&server), &query("lamp")).await.len(), PRODUCTS_MAX);
}

/// A price in the Store API's query is so many cents, and whether there are cents only an answer says.
#[tokio::test]
async fn a_highest_price_is_kept_to_the_cent() {
    let priced = |id: u64, price: u64| {
        let prices = json!({ "price": price.to_string(), "currency_code": "AUD", "currency_minor_unit": 2 });
        with(store_lamp(), json!({ "id": id, "prices": prices }))
    };
    let wanted = ProductQuery { text: "lamp".into(), in_stock: true, price_max: Some(100) };
    let few = Server::always(listed(&json!([priced(1, 10_000), priced(2, 10_001), priced(3, 99)]))).await;
    assert_eq!(ids(&find(&store(&few), &wanted).await), ["1", "3"]);
    assert_eq!(few.seen().len(), 1);
    let dear: Vec<Value> = (0..10).map(|id| priced(id, 10_001)).collect();
    let many = Server::script([listed(&json!(dear)), listed(&json!([priced(77, 500)]))]).await;
    assert_eq!(ids(&find(&store(&many), &wanted).await), ["77"]);
    assert!(many.targets()[1].contains("stock_status%5B%5D=instock&max_price=10000&"), "{:?}", many.targets());
}

/// The Store API looks for the whole query in one piece.
#[tokio::test]
async fn what_is_not_found_in_one_piece_is_looked_for_by_its_words() {
    let named = |id: u64, name: &str| with(store_lamp(), json!({ "id": id, "name": name }));
    let server = Server::start(move |seen| match seen.target.rsplit('=').next().unwrap() {
        "lamp" => listed(&json!([named(1, "Floor lamp"), named(2, "Brass lamp")])),
        "brass" => listed(&json!([named(3, "Brass bell"), named(2, "Brass lamp")])),
        _ => listed(&json!([])),
    })
    .await;
    assert_eq!(ids(&find(&store(&server), &query("Brass lamps")).await), ["2", "3", "1"]);
    let searched: Vec<String> =
        server.targets().iter().map(|target| target.rsplit('=').next().unwrap().to_owned()).collect();
    assert_eq!(searched, ["Brass+lamps", "brass", "lamp"]);
    assert_eq!(find(&store(&server), &query("sofa")).await, []);
    let found = listed(&json!([store_lamp()]));
    let half = Server::script([listed(&json!([])), found, Reply::Status(500, "", String::new())]).await;
    assert_eq!(ids(&find(&store(&half), &query("Brass lamps")).await), ["12"]);
    let none = Server::script([listed(&json!([])), Reply::Status(500, "", String::new())]).await;
    assert!(store(&none).search(&query("Brass lamps")).await.is_err());
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn every_failure_is_a_reason_to_do_without() {
    let not_now = |detail: &str| NotDone::unavailable(Provider::Catalogue, detail);
    let throttled = |wait| NotDone::Throttled { provider: Provider::Catalogue, wait };
    let page = "a page instead of products: is something in front of the API?";
    for (reply, expected) in [
        (Reply::Status(429, "", String::new()), throttled(DEFAULT_WAIT)),
        (Reply::Status(503, "retry-after: 7\r\n", String::new()), throttled(Duration::from_secs(7))),
        (Reply::Status(500, JSON, "{}".into()), not_now("status 500")),
        (Reply::Status(404, JSON, r#"{"code":"rest_no_route"}"#.into()), not_now("status 404")),
        (Reply::Status(401, JSON, r#"{"code":"woocommerce_rest_cannot_view"}"#.into()), not_now("status 401")),
        (Reply::Status(301, "location: /x\r\n", String::new()), not_now("status 301")),
        (Reply::Status(200, "content-type: text/html\r\n", "[]".into()), not_now(page)),
        (Reply::Status(200, "", "[]".into()), not_now(page)),
        (Reply::Status(200, JSON, "<html>".into()), not_now("the answer is not JSON")),
        (Reply::Status(200, JSON, "{}".into()), not_now("the answer is no list")),
        (Reply::Close, not_now("the connection was lost before the answer")),
    ] {
        let server = Server::always(reply.clone()).await;
        for shop in [store(&server), rest(&server)] {
            let failure = shop.search(&query("lamp")).await.unwrap_err();
            assert_discreet(&failure);
            assert_eq!(failure, expected, "{reply:?}");
        }
    }
    let server = Server::always(Reply::Stall(vec![])).await;
    let config =
        CatalogueConfig { url: server.url(), kind: CatalogueKind::StoreApi, timeout: Duration::from_millis(300) };
    let hasty = WooCommerce::<TestVault, _>::new(http(), &config, None, TestClock::new()).unwrap();
    assert_eq!(hasty.search(&query("lamp")).await, Err(not_now("no answer in time")));
}

#[tokio::test]
async fn keys_that_were_replaced_are_read_again() {
    let server = Server::start(|seen| match seen.header("authorization") {
        // ck_2:cs-hush
        Some("Basic Y2tfMjpjcy1odXNo") => listed(&json!([rest_lamp()])),
        _ => Reply::Status(401, JSON, "{}".into()),
    })
    .await;
    let vault = keys();
    let config = CatalogueConfig { url: server.url(), kind: rest_kind(), timeout: Duration::from_secs(20) };
    let shop = WooCommerce::new(http(), &config, Some(vault.clone()), TestClock::new()).unwrap();
    assert!(shop.search(&query("lamp")).await.is_err());
    assert_eq!(server.seen().len(), 1);
    *vault.document.lock().unwrap() = json!({ "consumer_key": "ck_2", "consumer_secret": "cs-hush" }).to_string();
    assert_eq!(find(&shop, &query("lamp")).await.len(), 1);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn without_a_shop_nothing_is_found_and_nobody_is_asked() {
    let none: AnyCatalogue<TestVault, TestClock> = AnyCatalogue::None;
    assert_eq!((none.search(&query("lamp")).await, none.is_open()), (Ok(None), false));
    let server = Server::always(listed(&json!([]))).await;
    let one = AnyCatalogue::WooCommerce(Box::new(store(&server)));
    assert_eq!((one.search(&query("lamp")).await, one.is_open()), (Ok(Some(Vec::new())), true));
}

#[test]
fn settings_that_cannot_work_are_named() {
    let refused = |url: &str, kind| {
        let config = CatalogueConfig { url: url.into(), kind, timeout: Duration::from_secs(1) };
        WooCommerce::<TestVault, _>::new(http(), &config, None, TestClock::new()).unwrap_err().setting
    };
    assert_eq!(refused("http://shop.example", CatalogueKind::StoreApi), "WOOCOMMERCE_URL");
    assert_eq!(refused("https://shop.example", rest_kind()), "WOOCOMMERCE_SECRET_ARN");
}

/// The functions' runtime moves them.
#[test]
fn searching_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    movable(shop(rest_kind(), "http://127.0.0.1:1").search(&query("lamp")));
}
