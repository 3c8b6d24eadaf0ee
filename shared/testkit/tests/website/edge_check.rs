//! What a page learns before anything is sent: the settings, and what is wrong with each field.

use std::rc::Rc;

use frontdesk_core::telemetry::Metric;
use frontdesk_testkit::site::{Site, asked, posted};
use serde_json::{Value, json};

use crate::desk::{Answer, ask, site};

fn check(site: &Rc<Site>, body: &Value) -> Answer {
    ask(site, &posted("/webchat/check", body))
}

/// A refusal's shape: the first problem in its own words, and all in a list.
fn assert_refusal(answer: &Answer) {
    let body = &answer.body;
    let problems = body["problems"].as_array().unwrap();
    assert!(!problems.is_empty() && body["ok"] == false, "{body}");
    for name in ["code", "name", "field", "error"] {
        assert_eq!(body[name], problems[0][name], "{name}: {body}");
    }
    for problem in problems {
        let (code, sentence) = (problem["code"].as_str().unwrap(), problem["error"].as_str().unwrap());
        assert!(code.starts_with("ERR_WEBCHAT_0") || code.starts_with("ERR_WEB_0"), "{problem}");
        assert!(sentence.len() > 8 && sentence.ends_with('.'), "a sentence for a person: {sentence}");
    }
}

#[test]
fn a_page_learns_what_it_needs() {
    let site = site();
    let body = ask(&site, &asked("GET", "/webchat/config")).body;
    let limits = &body["limits"];
    assert_eq!(
        (limits["attachment_bytes_max"].clone(), limits["attachments_max"].clone()),
        (json!(26_214_400), json!(5))
    );
    assert_eq!((limits["text_chars_max"].clone(), limits["name_chars_max"].clone()), (json!(4_000), json!(80)));
    assert!(limits["attachment_types"].as_array().unwrap().contains(&json!("image/jpeg")));
    assert_eq!(body["locations"][0], json!({"uid": "syd", "name": "Sydney", "country": "AU"}));
    assert_eq!(body["locations"][2]["country"], Value::Null);
    assert_eq!(body["countries"], json!([{"code": "AU", "calling_code": "+61"}, {"code": "US", "calling_code": "+1"}]));
    assert_eq!((body["hours"].clone(), body["uploads"].clone()), (Value::Null, json!(true)));
    assert_eq!(
        (body["csrf_expires_in_seconds"].clone(), body["contact_form"]["expires_in_seconds"].clone()),
        (json!(7_200), json!(3_600))
    );
    assert_eq!(body["contact_form"]["form"]["fields"][0]["id"], "name");
    let other = ask(&site, &asked("GET", "/webchat/config/")).body;
    assert_ne!(body["csrf_token"], other["csrf_token"]);
    assert_ne!(body["contact_form"]["submit_url"], other["contact_form"]["submit_url"]);
}

#[test]
fn a_local_number_is_shown_back_as_it_is_dialled() {
    let site = site();
    for (body, e164, country, kind, can_text) in [
        (json!({"phone": "0491 570 156", "country": "AU"}), "+61491570156", "AU", "mobile", true),
        (json!({"phone": "0491 570 156", "country": "au"}), "+61491570156", "AU", "mobile", true),
        (json!({"phone": "0491570156", "location_uid": "syd"}), "+61491570156", "AU", "mobile", true),
        (json!({"phone": "+61 491 570 156"}), "+61491570156", "AU", "mobile", true),
        (json!({"phone": "(02) 5550 0123", "country": "AU"}), "+61255500123", "AU", "fixed_line", false),
        (json!({"phone": "(415) 555-0132", "location_uid": "sfo"}), "+14155550132", "US", "fixed_line_or_mobile", true),
        // The country that somebody chose counts before the store's.
        (
            json!({"phone": "(415) 555-0132", "location_uid": "syd", "country": "US"}),
            "+14155550132",
            "US",
            "fixed_line_or_mobile",
            true,
        ),
        // What is no country is none; the store's is left.
        (json!({"phone": "0491 570 156", "location_uid": "syd", "country": 5}), "+61491570156", "AU", "mobile", true),
        (
            json!({"phone": "0491 570 156", "location_uid": "syd", "country": "Australia"}),
            "+61491570156",
            "AU",
            "mobile",
            true,
        ),
    ] {
        let answer = check(&site, &body);
        let expected = json!({"e164": e164, "country": country, "type": kind, "can_text": can_text});
        assert_eq!((answer.status, answer.body["phone"].clone()), (200, expected), "{body}");
    }
}

#[test]
fn a_number_without_a_country_has_to_name_its_own_and_the_sentence_says_so() {
    let site = site();
    for body in [
        json!({"phone": "0491 570 156"}),
        json!({"phone": "0491 570 156", "country": ""}),
        json!({"phone": "0491 570 156", "country": "XX"}),
        json!({"phone": "0491 570 156", "location_uid": "sea"}),
    ] {
        let answer = check(&site, &body);
        assert_refusal(&answer);
        assert_eq!(
            (answer.status, answer.code(), answer.body["field"].clone()),
            (400, "ERR_WEBCHAT_001", json!("phone"))
        );
        assert!(answer.error().contains("begin the number with +"), "{body}: {}", answer.error());
    }
}

#[test]
fn each_field_has_its_own_code() {
    let site = site();
    let file = |size: Value, kind: &str| json!({"attachments": [{"name": "a.png", "size": size, "type": kind}]});
    let png = "image/png";
    for (body, status, codes) in [
        (json!({}), 200, vec![]),
        (json!({"phone": ""}), 400, vec!["ERR_WEBCHAT_001"]),
        (json!({"phone": null}), 400, vec!["ERR_WEBCHAT_001"]),
        (json!({"phone": 491_570_156, "country": "AU"}), 400, vec!["ERR_WEBCHAT_001"]),
        (json!({"phone": "call me", "country": "AU"}), 400, vec!["ERR_WEBCHAT_001"]),
        (json!({"phone": "12", "country": "AU"}), 400, vec!["ERR_WEBCHAT_001"]),
        (json!({"phone": "9".repeat(60_000), "country": "AU"}), 400, vec!["ERR_WEBCHAT_001"]),
        (json!({"location_uid": ""}), 400, vec!["ERR_WEBCHAT_002"]),
        (json!({"location_uid": null}), 400, vec!["ERR_WEBCHAT_002"]),
        (json!({"location_uid": "mel"}), 400, vec!["ERR_WEBCHAT_003"]),
        (json!({"location_uid": "SYD"}), 400, vec!["ERR_WEBCHAT_003"]),
        (json!({"location_uid": 1}), 400, vec!["ERR_WEBCHAT_003"]),
        (json!({"location_uid": "syd"}), 200, vec![]),
        (file(json!(26_214_400), png), 200, vec![]),
        (file(json!(26_214_401), png), 413, vec!["ERR_WEBCHAT_005"]),
        (file(json!(27_262_976), png), 413, vec!["ERR_WEBCHAT_005"]),
        (file(json!(u64::MAX), png), 413, vec!["ERR_WEBCHAT_005"]),
        (file(json!(0), png), 400, vec!["ERR_WEBCHAT_005"]),
        (file(json!(-5), png), 400, vec!["ERR_WEBCHAT_005"]),
        (file(json!(1.5), png), 400, vec!["ERR_WEBCHAT_005"]),
        (file(Value::Null, png), 400, vec!["ERR_WEBCHAT_005"]),
        (file(json!(5), "text/html"), 400, vec!["ERR_WEBCHAT_015"]),
        (file(json!(5), ""), 400, vec!["ERR_WEBCHAT_015"]),
        (file(json!(99_999_999), "image/svg+xml"), 400, vec!["ERR_WEBCHAT_005", "ERR_WEBCHAT_015"]),
        (json!({"text": "x".repeat(4_001)}), 400, vec!["ERR_WEB_010"]),
        (json!({"text": "e\u{301}".repeat(4_000)}), 200, vec![]),
        (json!({"email": "nobody"}), 400, vec!["ERR_WEB_010"]),
        (
            json!({"location_uid": "mel", "phone": "12", "attachments": [{"name": "a", "size": 99_999_999, "type": "x/y"}]}),
            400,
            vec!["ERR_WEBCHAT_003", "ERR_WEBCHAT_001", "ERR_WEBCHAT_005", "ERR_WEBCHAT_015"],
        ),
    ] {
        let answer = check(&site, &body);
        assert_eq!(answer.status, status, "{}: {}", &body.to_string()[..body.to_string().len().min(90)], answer.body);
        if status == 200 {
            assert_eq!(answer.body["ok"], true);
            continue;
        }
        assert_refusal(&answer);
        let found: Vec<&str> =
            answer.body["problems"].as_array().unwrap().iter().map(|p| p["code"].as_str().unwrap()).collect();
        assert_eq!(found, codes);
    }
}

#[test]
fn the_limit_is_for_all_files_together_and_there_may_be_five() {
    let site = site();
    let files = |sizes: &[u64]| {
        let files: Vec<Value> =
            sizes.iter().map(|size| json!({"name": "a", "size": size, "type": "image/png"})).collect();
        json!({"attachments": files})
    };
    let mb = 1 << 20;
    let five = check(&site, &files(&[5 * mb; 5]));
    assert_eq!(five.body["attachments"], json!({"count": 5, "bytes": 25 * mb}));
    assert_eq!(check(&site, &files(&[13 * mb, 13 * mb])).status, 413);
    assert_eq!(check(&site, &files(&[u64::MAX, u64::MAX])).status, 413);
    let six = check(&site, &files(&[1; 6]));
    assert_eq!((six.status, six.code()), (400, "ERR_WEBCHAT_005"));
    assert!(six.error().contains("5 files"), "{}", six.error());
    let mut each = Site::new();
    each.edge.files.in_sum = false;
    assert_eq!(check(&Rc::new(each), &files(&[13 * mb, 13 * mb])).status, 200);
}

/// A gateway takes six megabytes of an answer and no more, and a log line costs money.
#[test]
fn a_refusal_is_small_whatever_was_sent() {
    let site = site();
    for body in [
        json!({"attachments": vec![json!({}); 20_000]}),
        json!({"attachments": vec![json!(0); 30_000]}),
        json!({"attachments": vec![json!({"name": "\u{1F600}".repeat(120), "size": 99_999_999}); 100]}),
        json!({"attachments": [{"name": "x".repeat(60_000)}]}),
        json!({"phone": "x".repeat(60_000), "location_uid": "x".repeat(5_000)}),
    ] {
        let before = site.recorder.lines().len();
        for path in ["/webchat/check", "/webchat/messages", "/webchat/uploads"] {
            let answer = ask(&site, &posted(path, &body));
            assert_eq!(answer.status, 400, "{path}");
            assert!(answer.body.to_string().len() < 20_000, "{path}: {} bytes", answer.body.to_string().len());
        }
        assert!(site.recorder.lines().len() - before < 60, "{} lines", site.recorder.lines().len() - before);
    }
}

#[test]
fn what_was_typed_is_not_reported() {
    let site = site();
    check(
        &site,
        &json!({"phone": "0491 570", "country": "AU", "email": "mia", "location_uid": "mel", "attachments": [{"name": "me.png", "size": 0, "type": "x/y"}]}),
    );
    let reported = format!("{:?}", site.recorder.lines());
    assert!(!reported.contains("0491") && !reported.contains("mia") && !reported.contains("me.png"), "{reported}");
    assert_eq!(site.recorder.count_of(Metric::WebchatCode), 4);
}

#[test]
fn there_is_nothing_at_other_addresses() {
    let site = site();
    for path in
        ["/webchat", "/webchat/", "/webchat/other", "/webchat/files", "/webchat/files/", "/", "/webchat/config/x"]
    {
        for call in [asked("GET", path), posted(path, &json!({}))] {
            let answer = ask(&site, &call);
            assert_eq!((answer.status, answer.code(), answer.error()), (404, "ERR_WEB_011", "Not found"), "{path}");
        }
    }
    for path in ["/stage/webchat/config", "/webchat/config/"] {
        assert_eq!(ask(&site, &asked("GET", path)).status, 200, "{path}: below the base of our own address");
    }
}
