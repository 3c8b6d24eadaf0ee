//! Opt-outs, told to Podium in three ways.

use frontdesk_core::{
    config::PodiumContract::{Brief, Published},
    ids::ProviderId,
    provider::{
        CallFailure, ContactBook, Mirrored, NotDone,
        OptOutMirror::{BriefPatch, CampaignOptOut, Tag},
    },
};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Seen, Server},
    world::{PHONE, phone, podium},
};

const TAGS: &str = "GET /v4/contact_tags";
const MAKE_TAG: &str = "POST /v4/contact_tags";
const CONTACT: &str = "GET /v4/contacts/%2B61491570156";
const FIND: &str = "GET /v4/contacts?phone=%2B61491570156";

fn on(uid: &str) -> String {
    format!("POST /v4/contacts/%2B61491570156/tags/{uid}")
}

fn off(uid: &str) -> String {
    format!("DELETE /v4/contacts/%2B61491570156/tags/{uid}")
}

fn line(seen: &Seen) -> String {
    format!("{} {}", seen.method, seen.target)
}

fn lines(server: &Server) -> Vec<String> {
    server.seen().iter().map(line).collect()
}

fn ok(data: &Value) -> Reply {
    Reply::json(200, &json!({ "data": data }))
}

fn tags(tags: &[(&str, &str)]) -> Reply {
    let tags: Vec<Value> = tags.iter().map(|(uid, label)| json!({ "uid": uid, "label": label })).collect();
    ok(&json!(tags))
}

fn absent() -> Reply {
    Reply::json(404, &json!({ "code": "resource_not_found" }))
}

fn uid(text: &str) -> ProviderId {
    ProviderId::try_from(text).unwrap()
}

#[tokio::test]
async fn a_tag_is_found_once_and_remembered() {
    let server = Server::start(|seen| match line(seen).as_str() {
        TAGS => tags(&[("t-9", "vip"), ("t-1", "Do-Not-Contact")]),
        _ => Reply::json(202, &json!({ "data": { "identifier": PHONE } })),
    })
    .await;
    let client = podium(Published, &server.url());
    for opted_out in [true, true, false] {
        assert_eq!(client.mirror(&phone(), None, Tag, opted_out).await, Ok(Mirrored::Told));
    }
    assert_eq!(lines(&server), [TAGS.to_owned(), on("t-1"), on("t-1"), off("t-1")]);
}

#[tokio::test]
async fn a_tag_that_is_not_there_is_made() {
    let server = Server::start(|seen| match line(seen).as_str() {
        TAGS => tags(&[("t-9", "vip")]),
        MAKE_TAG => ok(&json!({ "uid": "t-1", "label": "STOP list" })),
        _ => Reply::Status(202, "", String::new()),
    })
    .await;
    let client = podium(Published, &server.url()).with_opt_out_tag(" STOP list ").unwrap();
    assert_eq!(client.mirror(&phone(), None, Tag, true).await, Ok(Mirrored::Told));
    assert_eq!(lines(&server), [TAGS.to_owned(), MAKE_TAG.to_owned(), on("t-1")]);
    let made = server.seen()[1].json();
    assert_eq!(made["label"], "STOP list");
    assert!(made["description"].is_string());
    assert_eq!(podium(Published, "http://127.0.0.1:1").with_opt_out_tag(" ").unwrap_err().setting, "OPTOUT_TAG");
}

#[tokio::test]
async fn a_tag_on_a_later_page_is_found() {
    let server = Server::start(|seen| match line(seen).as_str() {
        TAGS => Reply::json(200, &json!({ "data": [], "metadata": { "nextCursor": "n2" } })),
        "GET /v4/contact_tags?cursor=n2" => tags(&[("t-1", "do-not-contact")]),
        _ => Reply::Status(202, "", String::new()),
    })
    .await;
    assert_eq!(podium(Published, &server.url()).mirror(&phone(), None, Tag, true).await, Ok(Mirrored::Told));
    assert_eq!(lines(&server)[2], on("t-1"));
}

#[tokio::test]
async fn a_tag_that_somebody_else_just_made_is_theirs() {
    let mut asked = 0;
    let server = Server::start(move |seen| match line(seen).as_str() {
        TAGS => {
            asked += 1;
            if asked == 1 { tags(&[]) } else { tags(&[("t-1", "do-not-contact")]) }
        }
        MAKE_TAG => Reply::json(409, &json!({ "error": "exists" })),
        _ => Reply::Status(202, "", String::new()),
    })
    .await;
    assert_eq!(podium(Published, &server.url()).mirror(&phone(), None, Tag, true).await, Ok(Mirrored::Told));
}

#[tokio::test]
async fn a_tag_that_can_neither_be_found_nor_made_is_tried_again_later() {
    for reply in [Reply::json(200, &json!({ "data": {} })), Reply::Status(200, "", "no".into())] {
        let server = Server::start(move |seen| if line(seen) == TAGS { tags(&[]) } else { reply.clone() }).await;
        let failure = podium(Published, &server.url()).mirror(&phone(), None, Tag, true).await.unwrap_err();
        assert!(matches!(failure, CallFailure::NotDone(NotDone::Unavailable { .. })), "{failure:?}");
    }
}

#[tokio::test]
async fn who_is_not_there_cannot_be_tagged() {
    let server = Server::start(|seen| match line(seen).as_str() {
        TAGS => tags(&[("t-1", "do-not-contact")]),
        _ => absent(),
    })
    .await;
    let client = podium(Published, &server.url());
    assert_eq!(client.mirror(&phone(), None, Tag, true).await, Ok(Mirrored::NoContact));
    assert_eq!(client.mirror(&phone(), None, Tag, false).await, Ok(Mirrored::NoContact));
}

#[tokio::test]
async fn a_tag_that_was_deleted_at_podium_is_made_again() {
    let mut deleted = false;
    let server = Server::start(move |seen| {
        let line = line(seen);
        if line == TAGS {
            if deleted { tags(&[]) } else { tags(&[("t-1", "do-not-contact")]) }
        } else if line == MAKE_TAG {
            ok(&json!({ "uid": "t-2" }))
        } else if line == on("t-1") && deleted {
            absent()
        } else {
            deleted = true;
            Reply::Status(202, "", String::new())
        }
    })
    .await;
    let client = podium(Published, &server.url());
    assert_eq!(client.mirror(&phone(), None, Tag, true).await, Ok(Mirrored::Told));
    assert_eq!(client.mirror(&phone(), None, Tag, true).await, Ok(Mirrored::Told));
    assert_eq!(client.mirror(&phone(), None, Tag, true).await, Ok(Mirrored::Told));
    let seen = lines(&server);
    assert_eq!(seen[2..], [on("t-1"), TAGS.into(), MAKE_TAG.into(), on("t-2"), on("t-2")]);
}

#[tokio::test]
async fn what_is_not_tagged_need_not_be_untagged() {
    let contact = json!({ "uid": "c-1", "phoneNumbers": [PHONE] });
    let server = Server::start(move |seen| match line(seen).as_str() {
        TAGS => tags(&[("t-1", "do-not-contact")]),
        CONTACT => ok(&contact),
        _ => absent(),
    })
    .await;
    assert_eq!(podium(Published, &server.url()).mirror(&phone(), None, Tag, false).await, Ok(Mirrored::Told));
    assert_eq!(lines(&server), [TAGS.to_owned(), off("t-1"), CONTACT.to_owned()]);
    // Without the tag nobody has it, and it is not made to be removed.
    let server = Server::always(tags(&[])).await;
    assert_eq!(podium(Published, &server.url()).mirror(&phone(), None, Tag, false).await, Ok(Mirrored::Told));
    assert_eq!(lines(&server), [TAGS]);
}

#[tokio::test]
async fn out_of_campaigns_and_never_back_in() {
    let server = Server::always(ok(&json!({}))).await;
    let client = podium(Published, &server.url());
    assert_eq!(client.mirror(&phone(), None, CampaignOptOut, false).await, Ok(Mirrored::Told));
    assert_eq!(server.connections(), 0);
    assert_eq!(client.mirror(&phone(), None, CampaignOptOut, true).await, Ok(Mirrored::Told));
    assert_eq!(lines(&server), ["POST /v4/contacts/campaigns/opt_out"]);
    assert_eq!(server.seen()[0].json(), json!({ "channel": { "type": "PHONE", "identifier": PHONE } }));
    let server = Server::always(absent()).await;
    let told = podium(Published, &server.url()).mirror(&phone(), None, CampaignOptOut, true).await;
    assert_eq!(told, Ok(Mirrored::NoContact));
    let server = Server::always(Reply::json(403, &json!({ "code": "unauthorized" }))).await;
    let told = podium(Published, &server.url()).mirror(&phone(), None, CampaignOptOut, true).await;
    assert_eq!(told, Err(CallFailure::Refused { status: 403 }));
}

#[tokio::test]
async fn the_briefs_field_of_a_known_contact() {
    let server = Server::always(Reply::json(200, &json!({ "uid": "c-1" }))).await;
    let client = podium(Brief, &server.url());
    for opted_out in [true, false] {
        assert_eq!(client.mirror(&phone(), Some(&uid("c-1")), BriefPatch, opted_out).await, Ok(Mirrored::Told));
        let seen = server.seen().pop().unwrap();
        assert_eq!(line(&seen), "PATCH /v4/contacts/c-1");
        assert_eq!(seen.json(), json!({ "opted_out": opted_out }));
    }
}

#[tokio::test]
async fn the_briefs_field_of_a_contact_that_is_looked_up() {
    let people = json!([{ "uid": "c-9", "phone": "+61491570110" }, { "uid": "c-1", "phone": PHONE }]);
    let server = Server::start(move |seen| match line(seen).as_str() {
        FIND => ok(&people),
        "PATCH /v4/contacts/c-1" => Reply::json(200, &json!({})),
        _ => absent(),
    })
    .await;
    let client = podium(Brief, &server.url());
    assert_eq!(client.mirror(&phone(), None, BriefPatch, true).await, Ok(Mirrored::Told));
    assert_eq!(lines(&server), [FIND, "PATCH /v4/contacts/c-1"]);
    // One that was merged into another since its uid was learned.
    assert_eq!(client.mirror(&phone(), Some(&uid("c-0")), BriefPatch, true).await, Ok(Mirrored::Told));
    assert_eq!(lines(&server)[2..], ["PATCH /v4/contacts/c-0", FIND, "PATCH /v4/contacts/c-1"]);
}

#[tokio::test]
async fn the_briefs_field_of_nobody() {
    let server = Server::start(|seen| if line(seen) == FIND { ok(&json!([])) } else { absent() }).await;
    let client = podium(Brief, &server.url());
    assert_eq!(client.mirror(&phone(), None, BriefPatch, true).await, Ok(Mirrored::NoContact));
    assert_eq!(client.mirror(&phone(), Some(&uid("c-1")), BriefPatch, true).await, Ok(Mirrored::NoContact));
}

/// It would take the field, and ignore it.
#[tokio::test]
async fn the_published_podium_has_no_such_field() {
    let server = Server::always(Reply::Status(202, "", String::new())).await;
    let failure =
        podium(Published, &server.url()).mirror(&phone(), Some(&uid("c-1")), BriefPatch, true).await.unwrap_err();
    assert!(matches!(failure, CallFailure::NotDone(NotDone::Unavailable { .. })), "{failure:?}");
    assert_eq!(server.connections(), 0);
}
