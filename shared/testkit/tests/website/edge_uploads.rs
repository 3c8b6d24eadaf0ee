//! Files: leave to put exactly one, and a second look at it before it counts.

use std::rc::Rc;

use frontdesk_core::{
    body::StoredBody,
    upload::UploadKey,
    web::{Purpose, Ticket},
};
use frontdesk_testkit::{
    model::Storage,
    site::{API, Mishap, Site, asked, at_step, posted, secrets},
    world::GENESIS,
};
use serde_json::{Value, json};

use crate::desk::{Answer, ask, ask_with, but, message, secs, sent, site, ticket};

fn picture() -> Value {
    json!({"name": "C:\\fakepath\\garden.png", "size": 1_234, "type": "image/png"})
}

/// Leave for a file: where it goes, and what says so later.
fn offered(site: &Rc<Site>, file: &Value) -> (UploadKey, String) {
    let answer = ask(site, &posted("/webchat/uploads", file));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let url = answer.body["upload"]["url"].as_str().unwrap();
    let key = url.strip_prefix("https://uploads.example.test/").unwrap().split('?').next().unwrap();
    (UploadKey::from_stored(key), answer.body["attachment"].as_str().unwrap().to_owned())
}

/// A file that arrived as it was announced.
fn uploaded(site: &Rc<Site>) -> (UploadKey, String) {
    let (key, ticket) = offered(site, &picture());
    site.storage.put(&key, 1_234, Some("image/png"));
    (key, ticket)
}

fn with_files(tickets: &[&str]) -> Value {
    but(message(), "attachments", tickets.to_vec())
}

/// The attachments of the one message that is stored.
fn stored(site: &Site) -> Vec<Value> {
    let tables = site.store.tables();
    assert_eq!(tables.inbox.len(), 1);
    let StoredBody::Plain(body) = &tables.inbox.values().next().unwrap().body else { panic!() };
    serde_json::from_slice::<Value>(body).unwrap()["data"]["attachments"].as_array().unwrap().clone()
}

fn assert_refused(site: &Rc<Site>, answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code(), answer.body["field"].clone()), (status, code, json!("attachments")));
    assert!(site.store.tables().inbox.is_empty(), "a message without its file is not sent");
}

#[test]
fn leave_is_given_for_one_file_of_that_length_and_type() {
    let site = site();
    let body = ask(&site, &posted("/webchat/uploads", &picture())).body;
    assert_eq!(body["upload"]["method"], "PUT");
    assert_eq!(body["upload"]["headers"], json!({"content-type": "image/png"}));
    assert!(body["upload"]["url"].as_str().unwrap().ends_with("?bytes=1234"), "{body}");
    assert_eq!(body["expires_in_seconds"], Storage::OFFERED_FOR.as_secs());
    assert!(!body["upload"]["url"].as_str().unwrap().contains("garden"), "its place says nothing of it");
    let (one, other) = (offered(&site, &picture()), offered(&site, &picture()));
    assert!(one.0 != other.0 && one.1 != other.1);
    let parameters = json!({"name": "a.png", "size": 5, "type": "Image/PNG; q=1"});
    assert_eq!(
        ask(&site, &posted("/webchat/uploads", &parameters)).body["upload"]["headers"]["content-type"],
        "image/png"
    );
}

#[test]
fn no_leave_for_what_is_too_large_or_of_another_kind() {
    let site = site();
    for (file, status, code) in [
        (json!({"name": "a.png", "size": 26_214_401, "type": "image/png"}), 413, "ERR_WEBCHAT_005"),
        (json!({"name": "a.png", "size": 0, "type": "image/png"}), 400, "ERR_WEBCHAT_005"),
        (json!({"name": "a.png", "size": "5", "type": "image/png"}), 400, "ERR_WEBCHAT_005"),
        (json!({"name": "a.html", "size": 5, "type": "text/html"}), 400, "ERR_WEBCHAT_015"),
        (json!({}), 400, "ERR_WEBCHAT_005"),
        (json!([picture()]), 400, "ERR_WEBCHAT_005"),
        (json!(null), 400, "ERR_WEBCHAT_005"),
    ] {
        let answer = ask(&site, &posted("/webchat/uploads", &file));
        assert_eq!((answer.status, answer.code()), (status, code), "{file}");
        assert_eq!(answer.body["attachment"], Value::Null);
    }
    let mut plain = Site::new();
    plain.storage = Storage::absent();
    let nowhere = Rc::new(plain);
    let answer = ask(&nowhere, &posted("/webchat/uploads", &picture()));
    assert_eq!((answer.status, answer.code()), (404, "ERR_WEB_007"));
    assert_eq!(ask(&nowhere, &asked("GET", "/webchat/config")).body["uploads"], false);
    assert_eq!(ask(&nowhere, &sent(&message())).status, 202, "a message needs no file");
}

#[test]
fn a_file_that_arrived_goes_with_the_message() {
    let site = site();
    let (_, ticket) = uploaded(&site);
    assert_eq!(ask(&site, &sent(&with_files(&[&ticket]))).status, 202);
    let attachments = stored(&site);
    let file = &attachments[0];
    assert_eq!(
        (file["name"].clone(), file["size_bytes"].clone(), file["type"].clone()),
        (json!("garden.png"), json!(1_234), json!("image/png"))
    );
    let url = file["url"].as_str().unwrap();
    let link = ask(&site, &asked("GET", url.strip_prefix(API).unwrap()));
    assert_eq!((link.status, link.body.clone()), (302, Value::Null));
    assert!(link.header("location").unwrap().contains("name=garden.png"));
    site.pass(site.edge.files_kept - secs(1));
    assert_eq!(ask(&site, &asked("GET", url.strip_prefix(API).unwrap())).status, 302);
    site.pass(secs(1));
    assert_eq!(
        ask(&site, &asked("GET", url.strip_prefix(API).unwrap())).code(),
        "ERR_WEB_008",
        "as long as it is kept"
    );
}

#[test]
fn words_are_not_needed_beside_a_file_but_one_of_both_is() {
    let site = site();
    let (_, ticket) = uploaded(&site);
    for text in [Value::Null, json!(""), json!(" ")] {
        let answer = ask(&site, &sent(&but(with_files(&[]), "text", text.clone())));
        assert_eq!((answer.status, answer.code()), (400, "ERR_WEB_010"), "{text}");
        assert_eq!(ask(&site, &sent(&but(with_files(&[&ticket]), "text", text))).status, 202);
    }
}

#[test]
fn a_file_is_looked_at_where_it_lies() {
    for (bytes, mime) in [
        (1_235, Some("image/png")),
        (1_233, Some("image/png")),
        (0, Some("image/png")),
        (26_214_401, Some("image/png")),
        (1_234, Some("image/jpeg")),
        (1_234, Some("text/html")),
        (1_234, Some("IMAGE/PNG")),
        (1_234, None),
    ] {
        let site = site();
        let (key, ticket) = offered(&site, &picture());
        site.storage.put(&key, bytes, mime);
        let answer = ask(&site, &sent(&with_files(&[&ticket])));
        assert!([400, 413].contains(&answer.status), "{bytes} bytes of {mime:?}: {}", answer.body);
        assert_refused(&site, &answer, answer.status, answer.code());
    }
    let site = site();
    let (_, ticket) = offered(&site, &picture());
    assert_refused(&site, &ask(&site, &sent(&with_files(&[&ticket]))), 400, "ERR_WEB_009");
    let (_, good) = uploaded(&site);
    assert_refused(&site, &ask(&site, &sent(&with_files(&[&good, &ticket]))), 400, "ERR_WEB_009");
}

#[test]
fn only_a_ticket_of_ours_names_a_file() {
    let site = site();
    let (key, good) = uploaded(&site);
    let data = json!([key.as_str(), "garden.png", 1_234, "image/png"]).to_string();
    let (said, _) = good.split_once('.').unwrap();
    let stranger = Ticket { expires_at: GENESIS.plus(secs(600)), nonce: String::new(), data: data.clone() };
    for bad in [
        json!(""),
        json!("x"),
        json!(key.as_str()),
        json!(said),
        json!(format!("{good}x")),
        json!(5),
        json!(null),
        json!({"ticket": good}),
        json!([good]),
        json!(stranger.issue(&secrets("a stranger's", None), Purpose::Upload)),
        json!(ticket(&site, Purpose::File, secs(60), &data)),
        json!(ticket(&site, Purpose::Form, secs(60), &data)),
        json!(ticket(&site, Purpose::Upload, secs(0), &data)),
        json!(ticket(&site, Purpose::Upload, secs(60), "[]")),
        json!(ticket(&site, Purpose::Upload, secs(60), "not json")),
        json!("A".repeat(5_000)),
    ] {
        let answer = ask(&site, &sent(&but(message(), "attachments", json!([good, bad]))));
        assert_refused(&site, &answer, 400, "ERR_WEB_009");
    }
    // What is no list holds no file; the words are sent.
    site.pass(secs(3_599));
    assert_eq!(ask(&site, &sent(&with_files(&[&good]))).status, 202, "for an hour");
    site.pass(secs(1));
    let late = ask(&site, &sent(&but(with_files(&[&good]), "message_id", "late")));
    assert_eq!((late.status, late.code()), (400, "ERR_WEB_009"));
}

#[test]
fn one_file_named_twice_is_one_file_and_may_go_with_two_messages() {
    let site = site();
    let (_, ticket) = uploaded(&site);
    assert_eq!(ask(&site, &sent(&with_files(&[&ticket, &ticket, &ticket]))).status, 202);
    assert_eq!(stored(&site).len(), 1);
    let answer = ask(&site, &sent(&but(with_files(&[&ticket]), "text", "and the same again")));
    assert_eq!((answer.status, answer.body["status"].clone()), (202, json!("accepted")));
}

#[test]
fn more_files_than_a_message_may_have_are_refused_by_what_they_are() {
    let site = site();
    let tickets: Vec<String> = (0..6).map(|_| uploaded(&site).1).collect();
    let all: Vec<&str> = tickets.iter().map(String::as_str).collect();
    let answer = ask(&site, &sent(&with_files(&all)));
    assert_refused(&site, &answer, 400, "ERR_WEBCHAT_005");
    assert_eq!(ask(&site, &sent(&with_files(&all[..5]))).status, 202);
    assert_eq!(stored(&site).len(), 5);
    let mut plain = Site::new();
    plain.edge.files.bytes_max = 2_000;
    let small = Rc::new(plain);
    let (one, other) = (uploaded(&small).1, uploaded(&small).1);
    assert_refused(&small, &ask(&small, &sent(&with_files(&[&one, &other]))), 413, "ERR_WEBCHAT_005");
}

#[test]
fn a_file_is_given_to_whoever_holds_its_link_and_to_nobody_else() {
    let site = site();
    let data = json!(["uploads/o1", "a.png", 5, "image/png"]).to_string();
    let good = ticket(&site, Purpose::File, secs(60), &data);
    for bad in [
        "x".to_owned(),
        format!("{good}x"),
        format!("{good}/"),
        format!("{good}/.."),
        "uploads/o1".into(),
        ticket(&site, Purpose::Upload, secs(60), &data),
        ticket(&site, Purpose::File, secs(0), &data),
        ticket(&site, Purpose::File, secs(60), "[]"),
    ] {
        let answer = ask(&site, &asked("GET", &format!("/webchat/files/{bad}")));
        assert_eq!((answer.status, answer.header("location")), (403, None), "{bad}");
    }
    assert_eq!(ask(&site, &asked("GET", &format!("/webchat/files/{good}"))).status, 302);
    site.storage.set_broken(true);
    let away = ask(&site, &asked("GET", &format!("/webchat/files/{good}")));
    assert_eq!((away.status, away.header("retry-after")), (503, Some("5")));
}

#[test]
fn a_storage_that_is_away_makes_nothing_up() {
    let site = site();
    let (_, good) = uploaded(&site);
    let call = sent(&with_files(&[&good]));
    let (_, healthy) = ask_with(&self::site(), frontdesk_testkit::site::Mishaps::new(), &call);
    let look = healthy.walked().iter().position(|step| *step == "look").unwrap();
    let (end, _) = ask_with(&site, at_step(look, Mishap::NotApplied), &call);
    assert_eq!(end.answer().status, 503);
    assert!(site.store.tables().inbox.is_empty());
    assert_eq!(ask(&site, &call).status, 202, "later it works");
    let (end, _) = ask_with(&site, at_step(1, Mishap::NotApplied), &posted("/webchat/uploads", &picture()));
    assert_eq!(end.answer().status, 503);
}
