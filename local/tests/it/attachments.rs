//! The file host: what it says about a file before sending it, and what it sends.

use serde_json::{Value, json};

use crate::wire::{Bench, Reply, bytes, call, reply};

async fn put(bench: &Bench, name: &str, fields: Value) {
    let put = bench.control("PUT", &format!("/podium/attachments/{name}"), &fields).await;
    assert_eq!(put.status, 204, "{}", put.body);
}

async fn get(bench: &Bench, name: &str, headers: &[(&str, &str)]) -> Reply {
    call(bench.addr(), "GET", &format!("/attachments/{name}"), headers, "").await
}

/// Only the head of an answer; its `content-length` is about a body that does not come.
async fn head(bench: &Bench, name: &str) -> (u16, Vec<String>) {
    let received = bytes(bench.addr(), "HEAD", &format!("/attachments/{name}"), &[], b"").await;
    let text = String::from_utf8(received).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "");
    let mut lines = head.lines().map(str::to_owned);
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    (status, lines.collect())
}

#[tokio::test]
async fn a_file_has_a_size_and_a_type() {
    let bench = Bench::start().await;
    put(&bench, "2026/photo.jpg", json!({ "size": 300_000, "content_type": "image/png" })).await;
    let whole = get(&bench, "2026/photo.jpg?signature=x", &[]).await;
    assert_eq!((whole.status, whole.body.len()), (200, 300_000));
    assert_eq!((whole.header("content-length"), whole.header("content-type")), (Some("300000"), Some("image/png")));
    let (status, headers) = head(&bench, "2026/photo.jpg").await;
    assert_eq!(status, 200);
    assert!(headers.contains(&"content-length: 300000".to_owned()), "{headers:?}");
    assert!(headers.contains(&"content-type: image/png".to_owned()), "{headers:?}");
    put(&bench, "2026/photo.jpg", json!({ "content_type": null, "size": 0 })).await;
    let empty = get(&bench, "2026/photo.jpg", &[]).await;
    assert_eq!((empty.status, empty.body.as_str(), empty.header("content-type")), (200, "", None));
    assert_eq!(get(&bench, "other.jpg", &[]).await.status, 404);
    assert_eq!(head(&bench, "other.jpg").await.0, 404);
    assert_eq!(bench.control("DELETE", "/podium/attachments/2026/photo.jpg", &Value::Null).await.status, 204);
    assert_eq!(get(&bench, "2026/photo.jpg", &[]).await.status, 404);
    for bad in [json!({ "size": -1 }), json!({ "colour": 1 }), json!({ "content_type": "a\nb" })] {
        assert_eq!(bench.control("PUT", "/podium/attachments/x", &bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn ranges_are_honoured_or_not() {
    let bench = Bench::start().await;
    put(&bench, "f", json!({ "size": 100 })).await;
    let whole = get(&bench, "f", &[]).await.body;
    for (range, expected, part) in [
        ("bytes=0-0", "bytes 0-0/100", 0..1),
        ("bytes=90-", "bytes 90-99/100", 90..100),
        ("bytes=-5", "bytes 95-99/100", 95..100),
        ("bytes=50-1000", "bytes 50-99/100", 50..100),
    ] {
        let answer = get(&bench, "f", &[("range", range)]).await;
        assert_eq!((answer.status, answer.header("content-range")), (206, Some(expected)), "{range}");
        assert_eq!(answer.body, whole[part], "{range}");
    }
    for range in ["bytes=5-2", "bytes=0-1,5-6", "lines=0-1", "bytes=x-"] {
        assert_eq!(get(&bench, "f", &[("range", range)]).await.status, 200, "{range}");
    }
    let beyond = get(&bench, "f", &[("range", "bytes=100-")]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */100")));

    put(&bench, "f", json!({ "ranges": false })).await;
    let ignored = get(&bench, "f", &[("range", "bytes=0-0")]).await;
    assert_eq!((ignored.status, ignored.header("content-length")), (200, Some("100")));
    assert_eq!((ignored.header("content-range"), ignored.header("accept-ranges")), (None, None));
}

#[tokio::test]
async fn a_host_can_refuse_to_say_how_long_a_file_is() {
    let bench = Bench::start().await;
    put(&bench, "f", json!({ "size": 100, "head": false, "length": false })).await;
    assert_eq!(head(&bench, "f").await.0, 405);
    let part = get(&bench, "f", &[("range", "bytes=0-0")]).await;
    assert_eq!((part.status, part.header("content-range")), (206, Some("bytes 0-0/*")));
    put(&bench, "f", json!({ "ranges": false })).await;
    let whole = get(&bench, "f", &[("range", "bytes=0-0")]).await;
    assert_eq!((whole.status, whole.header("content-length")), (200, None));
    assert_eq!(whole.header("transfer-encoding"), Some("chunked"));
    put(&bench, "f", json!({ "head": true })).await;
    let (status, headers) = head(&bench, "f").await;
    assert!(status == 200 && !headers.iter().any(|line| line.starts_with("content-length")), "{headers:?}");
    assert_eq!(call(bench.addr(), "POST", "/attachments/f", &[], "").await.status, 405);
}

/// A redirect leads to another host, which has no business with anybody's credentials; the log tells whether it got any.
#[tokio::test]
async fn redirects_and_every_call_are_logged() {
    let bench = Bench::start().await;
    let elsewhere = format!("http://localhost:{}/attachments/real", bench.addr().port());
    put(&bench, "moved", json!({ "redirect_to": elsewhere })).await;
    put(&bench, "real", json!({ "size": 5 })).await;
    let moved = get(&bench, "moved", &[("authorization", "Bearer x")]).await;
    assert_eq!((moved.status, moved.header("location")), (302, Some(elsewhere.as_str())));
    assert_eq!(get(&bench, "real", &[("range", "bytes=0-0")]).await.status, 206);
    head(&bench, "real").await;
    let logged = bench.control("GET", "/requests?provider=attachments", &Value::Null).await.json();
    assert_eq!(logged["count"], 3);
    let seen = |at: usize, field: &str| logged["requests"][at][field].clone();
    assert_eq!((seen(0, "path"), seen(0, "status"), seen(0, "authorized")), (json!("/moved"), json!(302), json!(true)));
    assert_eq!((seen(1, "range"), seen(1, "authorized")), (json!("bytes=0-0"), json!(false)));
    assert_eq!(seen(2, "method"), "HEAD");
    assert_eq!(bench.stand_ins.attachment_url("real"), format!("{}/attachments/real", bench.stand_ins.base_url()));
}

#[tokio::test]
async fn a_file_can_break_off() {
    let bench = Bench::start().await;
    put(&bench, "f", json!({ "size": 100 })).await;
    bench.fault(&json!({ "match": { "provider": "attachments" }, "action": { "truncate": true } })).await;
    let received = bytes(bench.addr(), "GET", "/attachments/f", &[], b"").await;
    let text = String::from_utf8(received).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-length: 100"), "{head}");
    assert_eq!(body.len(), 50);
    bench.fault(&json!({ "match": { "provider": "attachments" }, "action": { "status": 503 } })).await;
    assert_eq!(reply(&bytes(bench.addr(), "GET", "/attachments/f", &[], b"").await).status, 503);
}
