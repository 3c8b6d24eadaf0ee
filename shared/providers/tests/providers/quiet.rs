//! The calls that no customer notices: every status means the same for all of them.

use frontdesk_core::{
    config::{
        PodiumContract,
        PodiumContract::{Brief, Published},
    },
    ids::ProviderId,
    provider::{
        CallFailure, ContactBook, ContactHandle, Desk, Imports, LocationList, Messages, NewContact, NotDone,
        OptOutMirror, Provider,
    },
};

use crate::{
    server::{Reply, Server},
    world::{
        DEFAULT_WAIT, NOW, NoTokens, TestClock, assert_discreet, conversation, hasty_podium, import, location, phone,
        podium, podium_with, words,
    },
};

/// All the calls, each as one that makes its failure comparable.
const CALLS: [&str; 11] =
    ["note", "close", "open", "find", "create", "contact_of", "locations", "tag", "campaign", "patch", "import"];

async fn make(client: &(impl Desk + ContactBook + LocationList + Imports), call: &str) -> Result<(), CallFailure> {
    let uid = ProviderId::try_from("c-1").unwrap();
    let new = NewContact { phone: phone(), first_name: Some("Jo".into()), last_name: None, location: location() };
    match call {
        "note" => client.note(&conversation(), "n").await,
        "close" => client.set_closed(&conversation(), true).await,
        "open" => client.set_closed(&conversation(), false).await,
        "find" => client.find_contact(&phone(), Some(&location())).await.map(|_| ()),
        "create" => client.create_contact(&new).await.map(|_| ()),
        "contact_of" => client.contact_of(&ContactHandle::Conversation(conversation())).await.map(|_| ()),
        "locations" => client.list_locations().await.map(|_| ()),
        "tag" => client.mirror(&phone(), None, OptOutMirror::Tag, true).await.map(|_| ()),
        "campaign" => client.mirror(&phone(), None, OptOutMirror::CampaignOptOut, true).await.map(|_| ()),
        "patch" => client.mirror(&phone(), Some(&uid), OptOutMirror::BriefPatch, true).await.map(|_| ()),
        "import" => client.import(&import()).await.map(|_| ()),
        other => panic!("{other}"),
    }
}

/// What a failure is expected to be.
#[derive(Debug, PartialEq)]
enum Meaning {
    Wait(u64),
    NotNow,
    Refused(u16),
}

fn meaning(failure: &CallFailure) -> Meaning {
    assert_discreet(failure);
    match failure {
        CallFailure::NotDone(NotDone::Throttled { provider: Provider::Podium, wait }) => Meaning::Wait(wait.as_secs()),
        CallFailure::NotDone(_) => Meaning::NotNow,
        CallFailure::Refused { status } => Meaning::Refused(*status),
    }
}

fn made(contract: PodiumContract) -> impl Iterator<Item = &'static str> {
    CALLS.into_iter().filter(move |call| *call != "patch" || contract == Brief)
}

#[tokio::test]
async fn every_status_means_one_thing_for_all_of_them() {
    let default = DEFAULT_WAIT.as_secs();
    for (status, headers, body, expected) in [
        (429, "", "", Meaning::Wait(default)),
        (429, "retry-after: 7\r\n", r#"{"error":"rate_limited"}"#, Meaning::Wait(7)),
        (429, "retry-after: Wed, 25 Feb 2026 06:14:00 GMT\r\n", "", Meaning::Wait(40)),
        (503, "retry-after: 3\r\n", "<html>", Meaning::Wait(3)),
        (400, "", r#"{"error":"quota_exhausted"}"#, Meaning::Wait(default)),
        (403, "", r#"{"code":"rate_limit"}"#, Meaning::Wait(default)),
        (408, "", "", Meaning::NotNow),
        (500, "", r#"{"code":"internal_server_error","message":"+61491570156"}"#, Meaning::NotNow),
        (502, "", "", Meaning::NotNow),
        (504, "", "", Meaning::NotNow),
        (302, "location: /elsewhere\r\n", "", Meaning::NotNow),
        (401, "", "", Meaning::NotNow),
        (403, "", r#"{"code":"unauthorized","message":"at-1 +61491570156"}"#, Meaning::Refused(403)),
        (413, "", "", Meaning::Refused(413)),
        (422, "", r#"{"message":"+61491570156 is bad"}"#, Meaning::Refused(422)),
        (451, "", r#"{"error":"contact_opted_out"}"#, Meaning::Refused(451)),
    ] {
        for contract in [Published, Brief] {
            for call in made(contract) {
                let server = Server::always(Reply::Status(status, headers, body.to_owned())).await;
                let failure = make(&podium(contract, &server.url()), call).await.unwrap_err();
                assert_eq!(meaning(&failure), expected, "{contract:?} {call}: {status} {headers}{body}");
                let calls = if status == 401 { 2 } else { 1 };
                assert_eq!(server.seen().len(), calls, "{contract:?} {call}: {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_broken_connection_is_a_reason_to_try_again() {
    for contract in [Published, Brief] {
        for call in made(contract) {
            for reply in [Reply::Close, Reply::Raw(b"hm".to_vec())] {
                let server = Server::always(reply).await;
                let failure = make(&podium(contract, &server.url()), call).await.unwrap_err();
                assert_eq!(meaning(&failure), Meaning::NotNow, "{contract:?} {call}");
            }
            let gone = Server::always(Reply::Close).await.stop().await;
            let failure = make(&podium(contract, &gone), call).await.unwrap_err();
            assert_eq!(meaning(&failure), Meaning::NotNow, "{contract:?} {call}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_reason_to_try_again() {
    let server = Server::always(Reply::Stall(vec![])).await;
    let failure = make(&hasty_podium(Published, &server.url()), "note").await.unwrap_err();
    assert_eq!(meaning(&failure), Meaning::NotNow);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let refused = Reply::Status(401, "", String::new());
    for contract in [Published, Brief] {
        let server = Server::script([refused.clone(), Reply::json(200, &serde_json::json!({}))]).await;
        podium(contract, &server.url()).note(&conversation(), "n").await.unwrap();
        let used: Vec<_> = server.seen().iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
        assert_eq!(used, ["Bearer at-1", "Bearer at-2"]);
        assert_eq!(server.seen()[1].json()["body"], "n");
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_called() {
    let server = Server::always(Reply::Close).await;
    for contract in [Published, Brief] {
        let client = podium_with(contract, &server.url(), &TestClock::new(), NoTokens);
        for call in made(contract) {
            assert_eq!(meaning(&make(&client, call).await.unwrap_err()), Meaning::NotNow, "{call}");
        }
    }
    assert_eq!(server.connections(), 0);
}

/// A proxy's page, or a path that is not Podium's, must not look like a Podium that knows nobody.
#[tokio::test]
async fn a_wrong_url_is_not_an_empty_podium() {
    for body in [r#"{"code":"route_not_found","message":"m"}"#, "<html>Not Found</html>", "[]"] {
        for contract in [Published, Brief] {
            for call in made(contract).filter(|call| matches!(*call, "find" | "campaign" | "patch")) {
                let server = Server::always(Reply::Status(404, "", body.to_owned())).await;
                let failure = make(&podium(contract, &server.url()), call).await.unwrap_err();
                assert_eq!(meaning(&failure), Meaning::NotNow, "{contract:?} {call}: {body}");
            }
        }
    }
}

/// The functions' runtime moves them.
#[test]
fn calls_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    let client = podium(Published, "http://127.0.0.1:1");
    movable(client.note(&conversation(), "n"));
    movable(client.set_closed(&conversation(), true));
    let phone = phone();
    movable(client.find_contact(&phone, None));
    movable(client.contact_of(&ContactHandle::Conversation(conversation())));
    movable(client.mirror(&phone, None, OptOutMirror::Tag, true));
    movable(client.list_locations());
    movable(client.look_up_said(&phone, &words(), NOW));
    movable(frontdesk_core::provider::Attachments::measure(&client, "https://files.example.com"));
}
