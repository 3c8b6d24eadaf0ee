//! Sending: every status in both contracts, and the permit.

use std::time::Duration;

use frontdesk_core::{
    config::PodiumContract::{Brief, Published},
    provider::{LookUp, LookUpAnswer, NotDone, Provider, Refusal, Reviews, SendFailure},
};
use serde_json::json;

use crate::{
    server::{Reply, Server},
    world::{
        DEFAULT_WAIT, LINK, LONGEST_WAIT, NOW, NoTokens, PHONE, TestClock, TestTokens, assert_discreet, hasty_podium,
        invite, location, permit, phone, podium, podium_with, review,
    },
};

/// What a failure is expected to be.
#[derive(Debug, PartialEq)]
pub(crate) enum Meaning {
    Wait(u64),
    NotSent,
    Refused(Refusal),
    Ambiguous,
}

pub(crate) fn meaning(failure: &SendFailure) -> Meaning {
    assert_discreet(failure);
    match failure {
        SendFailure::NotSent(NotDone::Throttled { provider: Provider::Podium, wait }) => Meaning::Wait(wait.as_secs()),
        SendFailure::NotSent(_) => Meaning::NotSent,
        SendFailure::Refused(refusal) => Meaning::Refused(*refusal),
        SendFailure::Ambiguous { .. } => Meaning::Ambiguous,
        SendFailure::PermitExpired => panic!("the permit holds"),
    }
}

fn other(status: u16) -> Meaning {
    Meaning::Refused(Refusal::Other { status })
}

/// Status, headers, body, meaning.
pub(crate) fn answers() -> Vec<(u16, &'static str, &'static str, Meaning)> {
    use Meaning::{Ambiguous, Refused, Wait};
    let default = DEFAULT_WAIT.as_secs();
    vec![
        // Try again later, for certain.
        (429, "", "", Wait(default)),
        (429, "retry-after: 7\r\n", r#"{"error":"rate_limited"}"#, Wait(7)),
        (429, "retry-after: 2.5\r\n", "", Wait(2)),
        (429, "retry-after: 900\r\n", "", Wait(LONGEST_WAIT.as_secs())),
        (429, "retry-after: 0\r\n", "", Wait(1)),
        (429, "retry-after: Wed, 25 Feb 2026 06:14:00 GMT\r\n", "", Wait(40)),
        (429, "retry-after: soon\r\n", "", Wait(default)),
        (503, "retry-after: 3\r\n", "<html>", Wait(3)),
        (400, "", r#"{"error":"quota_exhausted"}"#, Wait(default)),
        (403, "", r#"{"code":"rate_limit","message":"m"}"#, Wait(default)),
        // Never again.
        (400, "", r#"{"error":"invalid_phone"}"#, Refused(Refusal::InvalidPhone)),
        (400, "", r#"{"error":"invalid_phone_format"}"#, Refused(Refusal::InvalidPhone)),
        (422, "", r#"{"code":"invalid_phone"}"#, Refused(Refusal::InvalidPhone)),
        (
            400,
            "",
            r#"{"code":"invalid_request_values","message":"phoneNumber is invalid"}"#,
            Refused(Refusal::InvalidPhone),
        ),
        (400, "", r#"{"code":400,"message":"Must be a valid phone number"}"#, Refused(Refusal::InvalidPhone)),
        (
            400,
            "",
            r#"{"code":"bad_request","message":"channel.identifier is not valid."}"#,
            Refused(Refusal::InvalidPhone),
        ),
        (422, "", r#"{"message":"Attempted to send SMS to a landline."}"#, Refused(Refusal::InvalidPhone)),
        (400, "", r#"{"message":"The location has no valid phone: invalid"}"#, other(400)),
        (409, "", r#"{"error":"cooldown_violation"}"#, Refused(Refusal::CooldownViolation)),
        (409, "", r#"{"error":"contact_already_exists"}"#, other(409)),
        (451, "", "", Refused(Refusal::OptedOut)),
        (403, "", r#"{"error":"contact_opted_out"}"#, Refused(Refusal::OptedOut)),
        (400, "", r#"{"code":"bad_request","message":"The contact has opted out."}"#, Refused(Refusal::OptedOut)),
        (400, "", "not json", other(400)),
        (400, "", "[]", other(400)),
        (403, "", r#"{"code":"unauthorized","message":"no scope"}"#, other(403)),
        (404, "", r#"{"code":"resource_not_found"}"#, other(404)),
        (413, "", "", other(413)),
        (418, "", "", other(418)),
        // Nobody knows.
        (408, "", "", Ambiguous),
        (500, "", r#"{"code":"internal_server_error"}"#, Ambiguous),
        (502, "", "", Ambiguous),
        (504, "", "", Ambiguous),
        (520, "", "", Ambiguous),
        (303, "location: /elsewhere\r\n", "", Ambiguous),
        (200, "", "", Ambiguous),
        (200, "", "thanks", Ambiguous),
        (200, "", "{}", Ambiguous),
        (200, "", r#"{"data":{"uid":null},"id":null}"#, Ambiguous),
        (200, "", r#"{"data":{"uid":"a b"},"id":"a b"}"#, Ambiguous),
    ]
}

#[tokio::test]
async fn every_answer_to_a_send_means_one_thing() {
    for contract in [Published, Brief] {
        for (status, headers, body, expected) in answers() {
            let server = Server::always(Reply::Status(status, headers, body.to_owned())).await;
            let failure = podium(contract, &server.url()).send(permit().await, &review()).await.unwrap_err();
            assert_eq!(meaning(&failure), expected, "{contract:?}: {status} {headers}{body}");
            assert_eq!(server.seen().len(), 1, "{contract:?}: {status} {body}: one call, whatever the answer");
        }
    }
}

#[tokio::test]
async fn a_broken_connection_after_the_request_leaves_it_open_whether_it_was_sent() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":{\"uid\":\"m-1\"}";
    let broken =
        [Reply::Close, Reply::Raw(half.to_vec()), Reply::Raw(b"HTTP/1.1 200".to_vec()), Reply::Raw(b"hm".to_vec())];
    for contract in [Published, Brief] {
        for reply in broken.clone() {
            let server = Server::always(reply.clone()).await;
            let failure = podium(contract, &server.url()).send(permit().await, &review()).await.unwrap_err();
            assert_eq!(meaning(&failure), Meaning::Ambiguous, "{contract:?}: {reply:?}");
            assert_eq!(server.seen().len(), 1, "{contract:?}: {reply:?}: never sent twice");
        }
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_or_does_not_end_leaves_it_open_too() {
    let endless = Server::always(Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec())).await;
    for (server, detail) in [
        (Server::always(Reply::Stall(vec![])).await, "no answer in time"),
        (endless, "status 200, but the answer did not end in time"),
    ] {
        let failure = hasty_podium(Published, &server.url()).send(permit().await, &review()).await.unwrap_err();
        assert_eq!(failure, SendFailure::Ambiguous { detail: detail.into() });
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_huge_answer_is_not_read_to_its_end() {
    let huge = format!(
        "{{\"data\":{{\"uid\":\"m-1\"}},\"x\":\"{}\"}}",
        "x".repeat(2 * frontdesk_providers::http::MAX_ANSWER_BYTES)
    );
    let server = Server::always(Reply::Status(200, "", huge)).await;
    let failure = podium(Published, &server.url()).send(permit().await, &review()).await.unwrap_err();
    assert_eq!(failure, SendFailure::Ambiguous { detail: "status 200, but the answer is too large".into() });
}

#[tokio::test]
async fn the_published_call_as_podium_documents_it() {
    let server = Server::always(Reply::json(200, &json!({ "data": { "uid": "m-1" }, "metadata": {} }))).await;
    let base = format!("{}/podium/", server.url());
    let message = podium(Published, &base).send(permit().await, &review()).await.unwrap();
    assert_eq!(message.as_str(), "m-1");
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/podium/v4/messages"));
    assert_eq!(seen.header("authorization"), Some("Bearer at-1"));
    assert_eq!(seen.header("podium-version"), Some("2021.04.01"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert!(seen.header("user-agent").unwrap().starts_with("frontdesk/"));
    let channel = json!({ "type": "phone", "identifier": PHONE });
    assert_eq!(seen.json(), json!({ "body": review().text, "channel": channel, "locationUid": "loc-1" }));
}

#[tokio::test]
async fn the_briefs_call_as_the_brief_has_it() {
    let server = Server::always(Reply::json(201, &json!({ "id": 77 }))).await;
    let client = podium(Brief, &server.url());
    assert_eq!(client.prepare(&permit().await, &location()).await, Ok(None));
    assert_eq!(client.send(permit().await, &review()).await.unwrap().as_str(), "77");
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v4/review-invitations"));
    assert_eq!(seen.header("podium-version"), None);
    let context = json!({ "order_id": "820982911946154508", "location_uid": "loc-1", "platform": "google" });
    assert_eq!(seen.json(), json!({ "campaign_id": "camp-1", "contact": { "phone": PHONE }, "context": context }));
    let what = LookUp { phone: phone(), location: location(), invite: Some(invite()), began_at: NOW };
    assert_eq!(client.look_up(&what).await, Ok(LookUpAnswer::CannotTell));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_link_is_made_and_its_short_form_preferred() {
    let data = json!({ "uid": "inv-1", "url": "https://reviews.example.com/long", "shortUrl": LINK });
    let server = Server::always(Reply::json(200, &json!({ "data": data }))).await;
    let made = podium(Published, &server.url()).prepare(&permit().await, &location()).await;
    assert_eq!(made, Ok(Some(invite())));
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v4/reviews/invites"));
    assert_eq!(seen.json(), json!({ "locationUid": "loc-1", "phoneNumber": PHONE }));
}

#[tokio::test]
async fn a_link_that_is_none_or_a_refusal_is_told_like_a_sends() {
    for (status, body, expected) in [
        (200, r#"{"data":{"uid":"inv-1","url":"javascript:alert(1)"}}"#, Meaning::Ambiguous),
        (500, "", Meaning::Ambiguous),
        (
            400,
            r#"{"code":"invalid_request_values","message":"phoneNumber is not valid."}"#,
            Meaning::Refused(Refusal::InvalidPhone),
        ),
        (429, "", Meaning::Wait(DEFAULT_WAIT.as_secs())),
    ] {
        let server = Server::always(Reply::Status(status, "", body.to_owned())).await;
        let failure = podium(Published, &server.url()).prepare(&permit().await, &location()).await.unwrap_err();
        assert_eq!(meaning(&failure), expected, "{status} {body}");
    }
}

#[tokio::test]
async fn a_text_that_could_not_be_found_again_does_not_go_out() {
    let server = Server::always(Reply::Close).await;
    let client = podium(Published, &server.url());
    for unfit in [
        frontdesk_core::provider::ReviewSend { invite: None, ..review() },
        frontdesk_core::provider::ReviewSend { text: "How did we do?".into(), ..review() },
    ] {
        let failure = client.send(permit().await, &unfit).await.unwrap_err();
        assert_eq!(meaning(&failure), Meaning::NotSent);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let accepted = Reply::json(200, &json!({ "data": { "uid": "m-1" }, "id": "m-1" }));
    let refused = Reply::json(401, &json!({ "code": "unauthenticated" }));
    for contract in [Published, Brief] {
        let server = Server::script([refused.clone(), accepted.clone()]).await;
        assert_eq!(podium(contract, &server.url()).send(permit().await, &review()).await.unwrap().as_str(), "m-1");
        let used: Vec<_> = server.seen().iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
        assert_eq!(used, ["Bearer at-1", "Bearer at-2"]);
    }
}

#[tokio::test]
async fn two_refused_tokens_are_the_end_of_the_attempt() {
    let server = Server::always(Reply::Status(401, "", String::new())).await;
    let clock = TestClock::new();
    let tokens = TestTokens::new(&clock);
    let client = podium_with(Published, &server.url(), &clock, tokens.clone());
    let failure = client.send(permit().await, &review()).await.unwrap_err();
    assert_eq!(meaning(&failure), Meaning::NotSent);
    assert_eq!(server.seen().len(), 2);
    assert_eq!(tokens.refusals.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_second_try_is_judged_like_the_first() {
    let server = Server::script([Reply::Status(401, "", String::new()), Reply::Close]).await;
    let failure = podium(Published, &server.url()).send(permit().await, &review()).await.unwrap_err();
    assert_eq!(meaning(&failure), Meaning::Ambiguous);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let server = Server::always(Reply::Close).await;
    let client = podium_with(Published, &server.url(), &TestClock::new(), NoTokens);
    let failure = client.send(permit().await, &review()).await.unwrap_err();
    assert_eq!(meaning(&failure), Meaning::NotSent);
    assert_eq!(server.connections(), 0);
}

/// The permit lasts 60 s from the gate on; connecting may take 5 s, which it has to outlast as well.
#[tokio::test]
async fn an_old_permit_opens_no_connection() {
    for contract in [Published, Brief] {
        for (age_ms, holds) in [(0, true), (54_999, true), (55_000, false), (60_000, false), (3_600_000, false)] {
            let server = Server::always(Reply::json(200, &json!({ "data": { "uid": "m-1" }, "id": "m-1" }))).await;
            let clock = TestClock::new();
            let client = podium_with(contract, &server.url(), &clock, TestTokens::new(&clock));
            let permit = permit().await;
            clock.advance(Duration::from_millis(age_ms));
            let outcome = client.send(permit, &review()).await;
            assert_eq!(outcome.is_ok(), holds, "{age_ms}");
            assert_eq!(server.connections(), usize::from(holds), "{age_ms}");
            if !holds {
                assert_eq!(outcome, Err(SendFailure::PermitExpired));
            }
        }
    }
}

#[tokio::test]
async fn a_permit_that_ends_while_a_token_is_fetched_opens_no_connection() {
    let server = Server::always(Reply::Close).await;
    let clock = TestClock::new();
    let tokens = TestTokens { first_takes: Duration::from_secs(60), ..TestTokens::new(&clock) };
    let client = podium_with(Published, &server.url(), &clock, tokens);
    assert_eq!(client.send(permit().await, &review()).await, Err(SendFailure::PermitExpired));
    assert_eq!(client.prepare(&permit().await, &location()).await, Err(SendFailure::PermitExpired));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_permit_that_ends_while_a_refused_token_is_replaced_is_not_used_again() {
    let server = Server::always(Reply::Status(401, "", String::new())).await;
    let clock = TestClock::new();
    let tokens = TestTokens { second_takes: Duration::from_secs(60), ..TestTokens::new(&clock) };
    let client = podium_with(Brief, &server.url(), &clock, tokens);
    assert_eq!(client.send(permit().await, &review()).await, Err(SendFailure::PermitExpired));
    assert_eq!(server.seen().len(), 1);
}

/// A pooled connection may have died unnoticed, and then nobody knows whether what was written to it arrived.
#[tokio::test]
async fn a_text_always_goes_over_a_new_connection() {
    let server = Server::always(Reply::json(200, &json!({ "data": { "uid": "m-1", "url": LINK } }))).await;
    let client = podium(Published, &server.url());
    client.prepare(&permit().await, &location()).await.unwrap();
    client.prepare(&permit().await, &location()).await.unwrap();
    assert_eq!(server.connections(), 1);
    client.send(permit().await, &review()).await.unwrap();
    client.send(permit().await, &review()).await.unwrap();
    assert_eq!(server.connections(), 3);
}

#[test]
fn nothing_of_the_client_shows_a_credential() {
    let clock = TestClock::new();
    let client = podium_with(Published, "http://127.0.0.1:1", &clock, TestTokens::new(&clock));
    assert!(!format!("{client:?}").contains("at-1"));
}

/// The functions' runtime moves them.
#[test]
fn calls_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    let client = podium(Published, "http://127.0.0.1:1");
    movable(async {
        let _ = client.prepare(&permit().await, &location()).await;
        let _ = client.send(permit().await, &review()).await;
    });
    let what = LookUp { phone: phone(), location: location(), invite: None, began_at: NOW };
    movable(client.look_up(&what));
}
