//! The list of locations: whole, or not at all.

use frontdesk_core::{
    config::PodiumContract::{Brief, Published},
    directory::KnownLocation,
    ids::LocationUid,
    phone::Region,
    provider::{CallFailure, LocationList, NotDone},
};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Seen, Server},
    world::podium,
};

fn page(locations: &[Value], next: &Value) -> Reply {
    Reply::json(200, &json!({ "data": locations, "metadata": { "nextCursor": next } }))
}

fn place(uid: &str) -> Value {
    json!({ "uid": uid, "name": uid, "archived": false, "addressDetails": { "country": "AU" } })
}

async fn uids(replies: impl FnMut(&Seen) -> Reply + Send + 'static) -> (Result<Vec<String>, CallFailure>, Vec<String>) {
    let server = Server::start(replies).await;
    let listed = podium(Published, &server.url()).list_locations().await;
    (listed.map(|all| all.iter().map(|l| l.uid.as_str().to_owned()).collect()), server.targets())
}

#[tokio::test]
async fn locations_with_their_names_and_countries() {
    let server = Server::always(page(
        &[
            json!({ "uid": "a", "displayName": "Burleigh", "name": "HL-01", "addressDetails": { "country": "Australia" } }),
            json!({ "uid": "b", "displayName": " ", "name": "Austin", "addressDetails": { "country": "us" } }),
            json!({ "uid": "c", "addressDetails": null, "archivedAt": null }),
            json!({ "uid": "d", "name": "Gone", "archived": true }),
            json!({ "uid": "e", "name": "Gone too", "archived": false, "archivedAt": "2026-01-01T00:00:00Z" }),
            json!({ "uid": "not a uid", "name": "No message can name it" }),
            json!({ "name": "Nor this" }),
            json!({ "uid": "a", "name": "Twice" }),
            json!({ "uid": "f", "name": "Far", "addressDetails": { "country": "Ruritania" } }),
        ],
        &json!(null),
    ))
    .await;
    let known = |uid: &str, name: &str, country: Option<&str>| KnownLocation {
        uid: LocationUid::try_from(uid).unwrap(),
        name: name.to_owned(),
        country: country.map(|c| Region::try_from(c).unwrap()),
    };
    let expected = vec![
        known("a", "Burleigh", Some("AU")),
        known("b", "Austin", Some("US")),
        known("c", "c", None),
        known("f", "Far", None),
    ];
    assert_eq!(podium(Published, &server.url()).list_locations().await, Ok(expected));
}

#[tokio::test]
async fn page_after_page_with_the_cursor_alone() {
    let (listed, targets) = uids(|seen| match seen.target.as_str() {
        "/v4/locations?limit=100" => page(&[place("a")], &json!("n/2+=&limit=1")),
        "/v4/locations?cursor=n%2F2%2B%3D%26limit%3D1" => page(&[], &json!("n3")),
        "/v4/locations?cursor=n3" => page(&[place("b")], &json!("")),
        other => panic!("{other}"),
    })
    .await;
    assert_eq!(listed.unwrap(), ["a", "b"]);
    assert_eq!(targets.len(), 3);
}

#[tokio::test]
async fn a_cursor_that_comes_again_ends_the_list() {
    let (listed, targets) = uids(|seen| {
        let uid = if seen.target.contains("cursor") { "b" } else { "a" };
        page(&[place(uid)], &json!("again"))
    })
    .await;
    assert_eq!(listed.unwrap(), ["a", "b"]);
    assert_eq!(targets.len(), 2);
}

/// What is not listed is refused when a message names it, so part of a list is worse than the old list.
#[tokio::test]
async fn pages_without_end_are_no_list() {
    let mut number = 0;
    let (listed, targets) = uids(move |_| {
        number += 1;
        page(&[place("a")], &json!(number.to_string()))
    })
    .await;
    assert!(matches!(listed, Err(CallFailure::NotDone(NotDone::Unavailable { .. }))), "{listed:?}");
    assert_eq!(targets.len(), 50);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_no_list() {
    for broken in [
        Reply::Close,
        Reply::Status(500, "", String::new()),
        Reply::Status(200, "", "not json".into()),
        Reply::json(200, &json!({ "data": {} })),
        Reply::json(200, &json!([])),
        Reply::json(200, &json!({ "data": [], "metadata": { "nextCursor": 3 } })),
    ] {
        let reply = broken.clone();
        let (listed, _) =
            uids(
                move |seen| {
                    if seen.target.contains("cursor") { reply.clone() } else { page(&[place("a")], &json!("n2")) }
                },
            )
            .await;
        assert!(matches!(listed, Err(CallFailure::NotDone(NotDone::Unavailable { .. }))), "{broken:?}: {listed:?}");
    }
}

#[tokio::test]
async fn the_briefs_list_is_asked_for_as_the_brief_does() {
    let server = Server::always(Reply::json(200, &json!({ "data": [{ "uid": "loc_sydney", "country": "AU" }] }))).await;
    let listed = podium(Brief, &server.url()).list_locations().await.unwrap();
    assert_eq!((listed[0].uid.as_str(), listed[0].name.as_str()), ("loc_sydney", "loc_sydney"));
    assert_eq!(listed[0].country, Region::try_from("AU").ok());
    assert_eq!(server.targets(), ["/v4/locations"]);
}
