//! Requests around a body: headers that are missing, doubled or strange, base64, sizes, repetitions and old secrets.

use frontdesk_core::{
    body::{COMPRESS_ABOVE_BYTES, STORED_BYTES_MAX, StoredBody},
    flow::ingest::{Answer, ShopifyEndpoint},
    inbox::InboxStatus,
    signature::SignatureError,
    telemetry::{Level, Metric},
};
use frontdesk_testkit::shop;
use serde_json::{Value, json};

use crate::house::{AUSTRALIAN, BODY_BYTES_MAX, CURRENT, House, PREVIOUS, sample, signature};

fn body() -> Vec<u8> {
    sample("orders-fulfilled-au.json")
}

/// Nothing was written and nothing queued.
fn untouched(house: &House) -> bool {
    house.world.run();
    house.world.store.look(|tables| tables.writes == 0 && tables.inbox.is_empty())
}

#[test]
fn a_request_without_a_usable_signature_is_401_and_leaves_nothing() {
    let body = body();
    let right = signature(CURRENT, &body);
    let urlsafe = right.replace('+', "-").replace('/', "_");
    let hex: String = (0..32).map(|n| format!("{n:02x}")).collect();
    let cases: Vec<(&str, Vec<(&str, String)>)> = vec![
        ("none", vec![]),
        ("an empty one", vec![("x-shopify-hmac-sha256", String::new())]),
        ("white space", vec![("x-shopify-hmac-sha256", "   ".into())]),
        ("another's", vec![("x-shopify-hmac-sha256", signature("another secret", &body))]),
        ("of another body", vec![("x-shopify-hmac-sha256", signature(CURRENT, b"{}"))]),
        ("cut short", vec![("x-shopify-hmac-sha256", right[..40].to_owned())]),
        ("without its end", vec![("x-shopify-hmac-sha256", right.trim_end_matches('=').to_owned())]),
        ("with more behind it", vec![("x-shopify-hmac-sha256", format!("{right}="))]),
        ("with white space around", vec![("x-shopify-hmac-sha256", format!(" {right} "))]),
        ("twice, as the gateway joins it", vec![("x-shopify-hmac-sha256", format!("{right},{right}"))]),
        ("in the other alphabet", vec![("x-shopify-hmac-sha256", format!("-_{}", &urlsafe[2..]))]),
        ("in hex", vec![("x-shopify-hmac-sha256", hex)]),
        ("with a prefix", vec![("x-shopify-hmac-sha256", format!("sha256={right}"))]),
        ("not ASCII", vec![("x-shopify-hmac-sha256", "ñÿ→日本".into())]),
        ("with a NUL", vec![("x-shopify-hmac-sha256", format!("{right}\0"))]),
        ("of a megabyte", vec![("x-shopify-hmac-sha256", "A".repeat(1 << 20))]),
        ("under another name", vec![("x-shopify-hmac-sha512", right.clone())]),
        ("under the name of the newer API", vec![("shopify-hmac-sha256", right.clone())]),
        ("under another provider's", vec![("podium-signature", right.clone()), ("x-chatwoot-signature", right)]),
    ];
    for (name, headers) in cases {
        let house = House::new();
        let mut all: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        all.push(("x-shopify-webhook-id", "w"));
        let answer = house.receives(&all, &body);
        assert_eq!((answer.status_code, &*answer.body), (401, "bad signature"), "{name}");
        assert!(untouched(&house), "{name}");
        assert_eq!(house.count(Metric::SignatureRejected), 1, "{name}");
    }
}

#[test]
fn header_values_that_are_no_text_are_a_bad_signature_or_none() {
    let body = body();
    let right = signature(CURRENT, &body);
    let house = House::new();
    assert_eq!(
        house.raw(&[("x-shopify-hmac-sha256", b"\xff\xfe\x00")], &body),
        Answer::BadSignature(SignatureError::BadFormat)
    );
    assert!(untouched(&house));

    // Id, topic and shop are for people; what cannot be read counts as not sent.
    let strange: [(&str, &[u8]); 4] = [
        ("x-shopify-hmac-sha256", right.as_bytes()),
        ("x-shopify-webhook-id", b"\xff\xfe"),
        ("x-shopify-topic", b"orders/\xc3\x28"),
        ("x-shopify-shop-domain", b"\xff"),
    ];
    assert_eq!(house.raw(&strange, &body), Answer::Accepted);
    let id = house.world.store.look(|tables| tables.inbox.keys().next().unwrap().event.to_string());
    assert!(id.starts_with("sha256-"), "{id}: without a usable id the body's hash is the id");
}

#[test]
fn the_case_of_a_headers_name_does_not_matter() {
    let body = body();
    for (n, name) in
        ["x-shopify-hmac-sha256", "X-Shopify-Hmac-Sha256", "X-SHOPIFY-HMAC-SHA256", "x-sHoPiFy-hMaC-sHa256"]
            .iter()
            .enumerate()
    {
        let house = House::new();
        let id = ["x-shopify-webhook-id", "X-Shopify-Webhook-Id", "X-SHOPIFY-WEBHOOK-ID", "x-Shopify-Webhook-ID"][n];
        let answer = house.receives(&[(*name, &signature(CURRENT, &body)), (id, "w")], &body);
        assert_eq!(answer.body, "accepted", "{name}");
        assert!(house.row("w").is_some(), "{id}");
    }
}

/// The first counts; that the other is wrong does not help whoever sent both.
#[test]
fn of_two_headers_the_first_counts() {
    let body = body();
    let right = signature(CURRENT, &body);
    let wrong = signature("another secret", &body);
    let name = "x-shopify-hmac-sha256";
    let house = House::new();
    assert_eq!(
        house.raw(&[(name, wrong.as_bytes()), (name, right.as_bytes())], &body).status::<ShopifyEndpoint>(),
        401
    );
    assert!(untouched(&house));
    assert_eq!(house.raw(&[(name, right.as_bytes()), (name, wrong.as_bytes())], &body), Answer::Accepted);
}

#[test]
fn ids_that_no_key_may_hold_give_way_to_the_bodys_hash() {
    let body = body();
    let long = "w".repeat(256);
    for id in ["", " ", "a b", "a#b", "a\nb", "a\tb", "a\u{0}b", "a\u{2028}b", long.as_str()] {
        let house = House::new();
        let headers = [("x-shopify-hmac-sha256", signature(CURRENT, &body)), ("x-shopify-webhook-id", id.to_owned())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(house.receives(&headers, &body).body, "accepted", "{id:?}");
        assert_eq!(house.receives(&headers, &body).body, "duplicate", "{id:?}");
        let key = house.world.store.look(|tables| tables.inbox.keys().next().unwrap().event.to_string());
        assert!(key.starts_with("sha256-"), "{id:?} became {key:?}");
    }
    let house = House::new();
    assert_eq!(house.delivered(&"w".repeat(255), &body).body, "accepted");
    assert!(house.row(&"w".repeat(255)).is_some());
}

#[test]
fn base64_of_the_gateway_is_undone_before_anything_else() {
    let body = body();
    let text = String::from_utf8(body.clone()).unwrap();
    let event = |body: Value, encoded: Value| json!({"headers": {"x-shopify-hmac-sha256": signature(CURRENT, text.as_bytes())}, "body": body, "isBase64Encoded": encoded});
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let cases = [
        ("as text", event(json!(text), json!(false)), 200),
        ("in base64", event(json!(STANDARD.encode(&body)), json!(true)), 200),
        ("in base64, said to be text", event(json!(STANDARD.encode(&body)), json!(false)), 401),
        // What cannot be base64 is taken for what it is; here that is the very text that was signed.
        ("as text, said to be base64", event(json!(text), json!(true)), 200),
        ("in broken base64", event(json!(format!("{}====", STANDARD.encode(&body))), json!(true)), 401),
        ("not at all", event(Value::Null, json!(true)), 401),
    ];
    for (name, event, status) in cases {
        let house = House::new();
        assert_eq!(house.gateway(event).status_code, status, "{name}");
        assert_eq!(untouched(&house), status != 200, "{name}");
    }
}

#[test]
fn a_body_of_no_bytes_can_be_signed_and_is_rejected() {
    let house = House::new();
    assert_eq!(house.delivered("w", b"").body, "rejected");
    assert_eq!(house.row("w").unwrap().outcome, "malformed: unreadable at line 1 column 0");
}

/// A valid order, padded with white space to a length.
fn padded(length: usize) -> Vec<u8> {
    let mut body = sample("raw/orders-fulfilled-au-wire.bin");
    body.resize(length, b' ');
    body
}

#[test]
fn a_body_may_have_exactly_the_bytes_allowed() {
    let house = House::new();
    assert_eq!(house.delivered("one-over", &padded(BODY_BYTES_MAX + 1)).status_code, 413);
    assert!(untouched(&house));
    assert_eq!(house.count(Metric::BodyTooLarge), 1);
    house.world.knows(AUSTRALIAN);
    assert_eq!(house.delivered("exactly", &padded(BODY_BYTES_MAX)).status_code, 200);
    house.world.run();
    assert_eq!(house.row("exactly").unwrap().outcome, "scheduled");
    assert_eq!(house.world.texts().len(), 1);
}

/// Too large is said before anything is computed over the body, signed or not.
#[test]
fn a_body_over_the_limit_is_refused_unread() {
    let house = House::new();
    let answer = house.receives(&[], &vec![b'{'; BODY_BYTES_MAX + 1]);
    assert_eq!((answer.status_code, &*answer.body), (413, "body too large"));
    assert_eq!(house.count(Metric::SignatureRejected), 0);
}

#[test]
fn both_sides_of_32_kib_come_back_byte_for_byte() {
    for length in [COMPRESS_ABOVE_BYTES - 1, COMPRESS_ABOVE_BYTES, COMPRESS_ABOVE_BYTES + 1] {
        let house = House::new();
        let body = padded(length);
        house.delivered("w", &body);
        let stored = house.world.store.look(|tables| tables.inbox.values().next().unwrap().body.clone());
        assert_eq!(matches!(stored, StoredBody::Plain(_)), length <= COMPRESS_ABOVE_BYTES, "{length}");
        assert_eq!(stored.unpack(BODY_BYTES_MAX).unwrap(), body);
        house.world.run();
        assert_eq!(house.row("w").unwrap().outcome, "scheduled", "{length}");
    }
}

#[test]
fn what_does_not_fit_into_a_row_even_compressed_is_413_and_leaves_nothing() {
    let mut state = 7_u64;
    let noise: String = (0..STORED_BYTES_MAX * 2)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from(state >> 57).unwrap() % 90).to_ascii_lowercase()
        })
        .filter(|c| !matches!(c, '"' | '\\'))
        .collect();
    let body = json!({"id": 1, "line_items": [], "note": noise}).to_string();
    assert!(body.len() < BODY_BYTES_MAX);
    let house = House::new();
    assert_eq!(house.delivered("w", body.as_bytes()).status_code, 413);
    assert!(untouched(&house));
    assert_eq!(house.count(Metric::BodyTooLarge), 1);
}

#[test]
fn a_webhook_that_comes_again_is_a_duplicate_for_as_long_as_its_row_lives() {
    let house = House::new();
    assert_eq!(house.delivered("w", &body()).body, "accepted");
    assert_eq!(house.delivered("w", &body()).body, "duplicate");
    house.world.run();
    let answer = house.delivered("w", &body());
    assert_eq!((answer.status_code, &*answer.body), (200, "duplicate"));
    assert_eq!(house.count(Metric::EventDuplicate), 2);
    assert_eq!(house.row("w").unwrap().attempts, 1);
}

/// A replay under a new id gets past the inbox, since no header is signed; the order's own key stops it.
#[test]
fn a_replay_under_another_id_texts_nobody_again() {
    let house = House::new();
    house.world.knows(AUSTRALIAN);
    for n in 0..5 {
        assert_eq!(house.delivered(&format!("w{n}"), &body()).body, "accepted");
        house.world.run();
    }
    assert_eq!(house.world.texts().len(), 1);
    assert_eq!(house.row("w4").unwrap().outcome, "nothing_to_change");
}

#[test]
fn an_id_that_comes_again_with_another_body_is_kept_and_rings() {
    let house = House::new();
    house.delivered("w", &body());
    for other in ["orders-cancelled.json", "refunds-create.json"] {
        let answer = house.delivered("w", &sample(other));
        assert_eq!((answer.status_code, &*answer.body), (200, "mismatch"), "{other}");
    }
    // Rubbish under a known id is a mismatch too, not a rejection that would hide it.
    assert_eq!(house.delivered("w", b"{").body, "mismatch");
    assert_eq!(house.count(Metric::EventMismatch), 3);
    assert_eq!(house.world.store.look(|tables| (tables.inbox.len(), tables.mismatches.len())), (1, 3));
    let loud = house.world.recorder.lines().into_iter().filter(|line| line.level == Level::Error).count();
    assert_eq!(loud, 3);
    house.world.run();
    assert_eq!(house.row("w").unwrap().outcome, "scheduled", "the first one is worked on all the same");
}

#[test]
fn the_previous_secret_still_signs_and_is_counted() {
    let house = House::new();
    let body = body();
    let headers = [("x-shopify-hmac-sha256", signature(PREVIOUS, &body)), ("x-shopify-webhook-id", "w".into())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(house.receives(&headers, &body).body, "accepted");
    assert_eq!(house.count(Metric::PreviousSecretUsed), 1);
    assert_eq!(house.delivered("w2", &body).body, "accepted");
    assert_eq!(house.count(Metric::PreviousSecretUsed), 1);
}

#[test]
fn another_shops_webhook_is_rejected_whatever_it_holds() {
    let own = shop::shop();
    let (loud, spaced) = (own.as_str().to_uppercase(), format!(" {own} "));
    let cases = [
        ("other-shop.myshopify.com", "rejected"),
        ("", "rejected"),
        ("harbour-lane-demo.myshopify.com.evil.example", "rejected"),
        ("harbour-lane-demo.myshopify.com,other-shop.myshopify.com", "rejected"),
        ("hárbour-lane-demo.myshopify.com", "rejected"),
        (own.as_str(), "accepted"),
        (loud.as_str(), "accepted"),
        (spaced.as_str(), "accepted"),
    ];
    for (shop, answer) in cases {
        let house = House::new();
        let body = body();
        let signed = signature(CURRENT, &body);
        let headers = [
            ("x-shopify-hmac-sha256", signed.as_str()),
            ("x-shopify-webhook-id", "w"),
            ("x-shopify-shop-domain", shop),
        ];
        assert_eq!(house.receives(&headers, &body).body, answer, "{shop:?}");
        house.world.run();
        let row = house.row("w").unwrap();
        assert_eq!(row.status == InboxStatus::Rejected, answer == "rejected", "{shop:?}");
        assert!(answer == "accepted" || row.outcome.starts_with("other_shop"), "{shop:?}: {row:?}");
        assert_eq!(house.world.store.look(|tables| tables.requests.is_empty()), answer == "rejected", "{shop:?}");
    }
}

/// The topic is for people: an order said to be a refund is still an order.
#[test]
fn the_topic_decides_nothing() {
    for topic in ["refunds/create", "orders/cancelled", "", "\u{1F4A5}", &"x".repeat(10_000)] {
        let house = House::new();
        house.world.knows(AUSTRALIAN);
        let body = body();
        let signed = signature(CURRENT, &body);
        let headers =
            [("x-shopify-hmac-sha256", signed.as_str()), ("x-shopify-webhook-id", "w"), ("x-shopify-topic", topic)];
        assert_eq!(house.receives(&headers, &body).body, "accepted", "{topic:?}");
        house.world.run();
        assert_eq!(house.world.texts().len(), 1, "{topic:?}");
    }
}
