//! `frontdesk sign`.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use frontdesk_core::signature::{
    LiveSecrets, PodiumHeaders, PodiumScheme, ReplayWindow, Secret, StalePolicy, verify_chatwoot, verify_podium,
    verify_shopify,
};
use serde_json::Value;

use crate::{Run, frontdesk, root};

const ORDER: &str = "events/shopify/orders-fulfilled-au.json";
const REVIEW: &str = "events/podium/brief.review.received.5star.json";
const CHAT: &str = "events/podium/published.message.received.webchat.json";
const TEXT: &str = "events/podium/published.message.received.stop.json";
const MESSAGE: &str = "events/chatwoot/wire/message_created.incoming_text.body";
const KEY: &str = "a secret of ours";
const MINUTE: ReplayWindow = ReplayWindow { window_s: 60, stale: StalePolicy::Reject };

fn secrets() -> LiveSecrets {
    LiveSecrets::rotating(Secret::new("KEY", KEY).unwrap(), None)
}

fn sign(args: &[&str]) -> Run {
    frontdesk(&[&["sign", "--secret", KEY], args].concat(), &[], b"")
}

#[expect(clippy::disallowed_methods, reason = "the tool signs with the time of the machine")]
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

fn body(path: &str) -> Vec<u8> {
    std::fs::read(root().join(path)).unwrap()
}

/// The value of a header printed as `name: value`.
fn header(run: &Run, name: &str) -> Option<String> {
    let line = run.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.map(str::to_owned)
}

#[test]
fn shopify_headers_verify() {
    let run = sign(&["--provider", "shopify", "--body", ORDER]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let signature = header(&run, "x-shopify-hmac-sha256").unwrap();
    assert!(verify_shopify(&secrets(), Some(signature.as_bytes()), &body(ORDER)).is_ok());
    assert_eq!(header(&run, "x-shopify-topic").unwrap(), "orders/fulfilled");
    assert_eq!(header(&run, "content-type").unwrap(), "application/json");
    assert!(header(&run, "x-shopify-triggered-at").unwrap().ends_with('Z'));
    let again = sign(&["--provider", "shopify", "--body", ORDER]);
    assert_ne!(header(&run, "x-shopify-webhook-id"), header(&again, "x-shopify-webhook-id"));
}

#[test]
fn shopify_options_and_topics_named_by_files_are_used() {
    let run = sign(&[
        "--provider",
        "shopify",
        "--body",
        ORDER,
        "--topic",
        "orders/updated",
        "--shop",
        "x.myshopify.com",
        "--webhook-id",
        "the-same-id",
    ]);
    assert_eq!(header(&run, "x-shopify-topic").unwrap(), "orders/updated");
    assert_eq!(header(&run, "x-shopify-shop-domain").unwrap(), "x.myshopify.com");
    assert_eq!(header(&run, "x-shopify-webhook-id").unwrap(), "the-same-id");
    let vectors: Value = serde_json::from_slice(&body("events/shopify/signature_vectors.json")).unwrap();
    for (file, vector) in vectors["files"].as_object().unwrap() {
        let run = sign(&["--provider", "shopify", "--body", &format!("events/shopify/{file}")]);
        assert_eq!(header(&run, "x-shopify-topic").as_deref(), vector["topic"].as_str(), "{file}");
    }
}

#[test]
fn podium_headers_verify_under_each_scheme() {
    for scheme in PodiumScheme::ALL {
        let run = sign(&["--provider", "podium", "--body", REVIEW, "--scheme", scheme.as_str()]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        let values = ["podium-timestamp", "podium-signature", "x-podium-signature"].map(|name| header(&run, name));
        let [timestamp, signature, x_signature] = values.each_ref().map(|value| value.as_deref().map(str::as_bytes));
        let headers = PodiumHeaders { timestamp, signature, x_signature };
        let verified = verify_podium(&secrets(), &[scheme], MINUTE, headers, &body(REVIEW), now_ms());
        assert_eq!(verified.unwrap().scheme, scheme);
    }
    let run = sign(&["--provider", "podium", "--body", REVIEW]);
    assert!(header(&run, "podium-signature").is_some(), "the published scheme is the default");
}

/// What `cargo lambda invoke` takes, good at the time that it was made.
#[test]
fn a_podium_invocation_verifies_now_under_each_scheme_over_the_body_it_carries() {
    for scheme in PodiumScheme::ALL {
        for (file, path) in [
            (CHAT, "/podium/webchat"),
            (TEXT, "/podium/sms"),
            ("events/podium/brief.webchat.batch.json", "/podium/webchat"),
            (REVIEW, "/podium/reviews"),
            ("events/podium/published.review.created.1star.json", "/podium/reviews"),
            ("events/podium/brief.review_invitation.failed.optout.json", "/podium/reviews"),
            ("events/podium/published.contact.updated.optout.json", "/podium/contacts"),
        ] {
            let args = ["--provider", "podium", "--body", file, "--scheme", scheme.as_str(), "--format", "invoke"];
            let run = sign(&args);
            assert_eq!((run.code, run.stderr.as_str()), (0, ""));
            let event: Value = serde_json::from_slice(&run.stdout).unwrap();
            assert_eq!((&event["rawPath"], &event["isBase64Encoded"]), (&Value::from(path), &Value::from(false)));
            let carried = event["body"].as_str().unwrap().as_bytes();
            assert!(carried == body(file), "{file}");
            let value = |name: &str| event["headers"][name].as_str().map(str::as_bytes);
            let headers = PodiumHeaders {
                timestamp: value("podium-timestamp"),
                signature: value("podium-signature"),
                x_signature: value("x-podium-signature"),
            };
            let verified = verify_podium(&secrets(), &[scheme], MINUTE, headers, carried, now_ms());
            assert_eq!(verified.unwrap().scheme, scheme);
        }
    }
}

/// Where a webhook goes is told by what it is, whatever its file is called.
#[test]
fn shopify_bodies_go_to_the_endpoint_of_their_kind() {
    for (file, path) in [
        (ORDER, "/shopify/orders-fulfilled"),
        ("events/shopify/refunds-create.json", "/shopify/refunds-create"),
        ("events/shopify/returns-request.json", "/shopify/webhooks"),
        ("events/shopify/app-uninstalled.json", "/shopify/webhooks"),
        ("events/shopify/fulfillment-events-create-delivered.json", "/shopify/webhooks"),
        ("events/shopify/customers-marketing-consent-update-unsubscribed.json", "/shopify/webhooks"),
        ("events/shopify/customers-data-request.json", "/shopify/privacy"),
        ("events/shopify/customers-redact.json", "/shopify/privacy"),
        ("events/shopify/shop-redact.json", "/shopify/privacy"),
        ("events/shopify/raw/customers-redact-wire.bin", "/shopify/privacy"),
    ] {
        let run = sign(&["--provider", "shopify", "--body", file, "--output", "json"]);
        let printed: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(printed["url"], format!("http://localhost:8787{path}"), "{file}");
    }
}

#[test]
fn chatwoot_headers_verify() {
    let run = sign(&["--provider", "chatwoot", "--body", MESSAGE]);
    let timestamp = header(&run, "x-chatwoot-timestamp").unwrap();
    let signature = header(&run, "x-chatwoot-signature").unwrap();
    let verified = verify_chatwoot(
        &secrets(),
        MINUTE,
        Some(timestamp.as_bytes()),
        Some(signature.as_bytes()),
        &body(MESSAGE),
        now_ms(),
    );
    assert!(verified.is_ok());
    assert!(header(&run, "x-chatwoot-delivery").is_some());
}

#[test]
fn the_body_may_come_on_standard_input_and_the_secret_from_the_environment() {
    let odd = b"\xff\0 \r\n{}";
    for (args, name) in [
        (&["sign", "--provider", "shopify", "--body", "-"][..], "SHOPIFY_WEBHOOK_SECRET"),
        (&["sign", "--provider", "shopify", "--body", "-", "--secret-env", "OTHER"], "OTHER"),
    ] {
        let run = frontdesk(args, &[(name, KEY)], odd);
        let signature = header(&run, "x-shopify-hmac-sha256").unwrap();
        assert!(verify_shopify(&secrets(), Some(signature.as_bytes()), odd).is_ok());
    }
}

#[test]
fn a_missing_or_empty_secret_is_exit_code_2_and_named() {
    for (provider, name) in [
        ("shopify", "SHOPIFY_WEBHOOK_SECRET"),
        ("podium", "PODIUM_WEBHOOK_SECRET"),
        ("chatwoot", "CHATWOOT_WEBHOOK_SECRET"),
    ] {
        let args = ["sign", "--provider", provider, "--body", ORDER];
        for env in [&[][..], &[(name, "")], &[(name, " \n")]] {
            let run = frontdesk(&args, env, b"");
            assert_eq!((run.code, run.text()), (2, ""));
            assert!(run.stderr.contains(name), "{}", run.stderr);
        }
    }
    let run = frontdesk(&["sign", "--provider", "shopify", "--body", ORDER, "--secret-env", "NONE_SUCH"], &[], b"");
    assert!(run.code == 2 && run.stderr.contains("NONE_SUCH"), "{}", run.stderr);
}

#[test]
fn what_cannot_be_done_is_exit_code_2_and_a_sentence() {
    for (args, word) in [
        (&["--provider", "shopify", "--body", "no/such/file"][..], "no/such/file"),
        (&["--provider", "podium", "--body", REVIEW, "--scheme", "v2"], "brief_t_v1"),
        (&["--provider", "shopify", "--body", ORDER, "--scheme", "published"], "--scheme"),
        (&["--provider", "podium", "--body", REVIEW, "--topic", "orders/paid"], "--topic"),
        (&["--provider", "podium", "--body", REVIEW, "--webhook-id", "1"], "--webhook-id"),
        (&["--provider", "chatwoot", "--body", MESSAGE, "--shop", "x"], "--shop"),
        (&["--provider", "shopify", "--body", ORDER, "--topic", "a\r\nx-evil: 1"], "x-shopify-topic"),
        (&["--provider", "shopify", "--body", ORDER, "--shop", ""], "x-shopify-shop-domain"),
        (&["--provider", "shopify", "--body", "-", "--curl"], "file"),
        (&["--provider", "shopify", "--body", ORDER, "--curl", "--url", "file:///etc/passwd"], "http"),
        (&["--provider", "shopify", "--body", ORDER, "--curl", "http://a", "--url", "http://b"], "twice"),
    ] {
        let run = sign(args);
        assert_eq!((run.code, run.text()), (2, ""), "{args:?}");
        assert!(run.stderr.contains(word), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn json_holds_url_and_headers() {
    let run = sign(&["--provider", "shopify", "--body", ORDER, "--output", "json"]);
    let printed: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(printed["url"], "http://localhost:8787/shopify/orders-fulfilled");
    let signature = printed["headers"]["x-shopify-hmac-sha256"].as_str().unwrap();
    assert!(verify_shopify(&secrets(), Some(signature.as_bytes()), &body(ORDER)).is_ok());
}

#[test]
fn the_url_of_curl_can_be_given_in_three_ways() {
    for args in [
        &["--curl", "--url", "https://shop.example/hook?x=1&y=2"][..],
        &["--curl", "https://shop.example/hook?x=1&y=2"],
        &["--format", "curl", "--url", "https://shop.example/hook?x=1&y=2"],
    ] {
        let run = sign(&[&["--provider", "shopify", "--body", ORDER], args].concat());
        assert!(run.text().trim_end().ends_with(" 'https://shop.example/hook?x=1&y=2'"), "{}", run.text());
        assert_eq!(run.text().lines().count(), 1);
    }
    let run = sign(&["--provider", "shopify", "--body", "events/shopify/shop-redact.json", "--curl"]);
    assert!(run.text().trim_end().ends_with(" http://localhost:8787/shopify/privacy"), "{}", run.text());
}

/// A shell that pastes the line hands curl these very arguments, whatever is in the names.
#[test]
fn the_curl_line_survives_a_shell() {
    let dir = std::env::temp_dir().join(format!("frontdesk sign's $(test) {}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("a \"body\".json");
    std::fs::write(&file, b"{}").unwrap();
    let file = file.to_str().unwrap();
    let run = sign(&["--provider", "podium", "--body", file, "--curl"]);
    // A function stands in for the program and prints its arguments one by one.
    let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{}", run.text());
    let shell = Command::new("sh").args(["-c", &script]).output().unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    let printed = String::from_utf8(shell.stdout).unwrap();
    let args: Vec<&str> = printed.lines().collect();
    assert!(args.contains(&format!("@{file}").as_str()), "{args:?}");
    assert!(args.iter().any(|arg| arg.starts_with("podium-signature: ")), "{args:?}");
    assert_eq!(args.last(), Some(&"http://localhost:8787/podium/webchat"));
}
