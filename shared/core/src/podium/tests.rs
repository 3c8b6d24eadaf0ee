//! Every published and brief sample, and what nobody promised to send.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "this is test code: a panic is a failed test"
)]

use serde_json::{Value, json};

use super::*;
use crate::{
    contact::{Direction, OptOutChange, OptOutSource},
    directory::{KnownLocation, LocationBook},
    inbox::RejectReason,
    wish::ExtraWords,
};

const NOW: UnixMillis = UnixMillis::new(1_795_132_800_000);

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../events/podium/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn read(body: &Value) -> PodiumEvent {
    parse(body.to_string().as_bytes()).unwrap()
}

fn received(event: PodiumEvent) -> Message {
    match event.what {
        What::Received(message) => *message,
        other => panic!("not a message: {other:?}"),
    }
}

fn book() -> LocationBook {
    let at = |uid: &str, country: Option<&str>| KnownLocation {
        uid: LocationUid::try_from(uid).unwrap(),
        name: uid.to_owned(),
        country: country.map(|c| Region::try_from(c).unwrap()),
    };
    LocationBook { fetched_at: NOW, locations: vec![at("au", Some("AU")), at("us", Some("US")), at("nowhere", None)] }
}

fn news(body: &Value) -> OptOutNews {
    OptOutNews::of(&read(body), &ExtraWords::default(), Some(&book()), NOW)
}

fn changes(body: &Value) -> Vec<OptOutChange> {
    match news(body) {
        OptOutNews::Changes(changes) => changes,
        other => panic!("no changes: {other:?}"),
    }
}

#[test]
fn a_published_webchat_message_is_read_whole() {
    let event = parse(&sample("published.message.received.webchat")).unwrap();
    assert_eq!(event.id.as_str(), "6166af4a-6162-5295-829a-e0c362e5d5d2");
    assert_eq!(event.event_type.as_deref(), Some("message.received"));
    assert_eq!(event.occurred_at, Some(UnixMillis::new(1_770_080_769_000)));
    let message = received(event);
    assert_eq!(message.channel, Channel::Webchat);
    assert_eq!(message.phone.as_deref(), Some("+61491570156"));
    assert_eq!(message.text.as_deref(), Some("1"));
    assert_eq!((message.first_name.as_deref(), message.last_name.as_deref()), (Some("Tomas"), Some("Bell")));
    let location = LocationUid::try_from("2402d60a-8fc7-58ed-8992-ee47f110175e").unwrap();
    assert_eq!(message.location, LocationClaim::Named(location));
    assert_eq!(message.conversation.unwrap().as_str(), "1b4aa440-cb47-5d1e-a1b4-0b6987f1689a");
}

#[test]
fn a_brief_webchat_message_is_read_whole() {
    let event = parse(&sample("brief.webchat.message.received")).unwrap();
    assert_eq!((event.id.as_str(), event.occurred_at), ("evt_wc_0001", Some(UnixMillis::new(1_770_080_409_000))));
    let message = received(event);
    assert_eq!(message.channel, Channel::Webchat);
    assert_eq!(message.customer(None).unwrap().expose(), "+61491570156");
    assert_eq!(message.conversation.unwrap().as_str(), "sess-7001");
}

#[test]
fn every_sample_is_an_event_of_the_expected_kind() {
    let directory = format!("{}/../../events/podium", env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(case) = name.strip_suffix(".json").filter(|n| *n != "signature_vectors") else { continue };
        let body = sample(case);
        let event = items(&body).remove(0).event.unwrap();
        assert_eq!(event.event_type.is_none(), case.contains("send_test") || case.contains("flat"), "{case}");
        let kind = match event.what {
            What::Received(_) => "message.received",
            What::Sent(_) => "message.sent",
            What::Failed { .. } => "message.failed",
            What::Contact(_) => "contact",
            What::Review(_) => "review",
            What::ReviewResponse { .. } => "review response",
            What::InviteLink(_) => "invite link",
            What::Invitation { .. } => "review_invitation",
            What::Other => "other",
        };
        let expected = if case.starts_with("brief.webchat") || case.contains("message.received") {
            "message.received"
        } else if case.contains("message.sent") {
            "message.sent"
        } else if case.contains("message.failed") {
            "message.failed"
        } else if case.contains(".contact.") {
            "contact"
        } else if case.contains("review_invitation.") {
            "review_invitation"
        } else if case.contains("review.received") || case.contains("review.created") {
            "review"
        } else if case.contains("review.response_") {
            "review response"
        } else if case.contains("review.invite_link_") {
            "invite link"
        } else {
            "other"
        };
        assert_eq!(kind, expected, "{case}");
    }
}

#[test]
fn ids_are_found_in_every_spelling_and_made_where_there_is_none() {
    let cases = [
        (json!({"metadata": {"eventUid": "a", "eventType": "x.y"}, "data": {"uid": "d"}}), "a"),
        (json!({"metadata": {"event_uid": "b"}, "data": {"uid": "d"}}), "b"),
        (json!({"id": "c", "type": "x.y", "data": {"id": "d"}}), "c"),
        (json!({"event_id": 77, "type": "x.y"}), "77"),
        (
            json!({"type": "x.y", "data": {"uid": "d", "updatedAt": "2026-01-01T00:00:00Z"}}),
            "x.y~d~2026-01-01T00:00:00Z",
        ),
        // A blank or a `#` inside cannot be part of a key.
        (json!({"metadata": {"eventUid": "has space"}, "id": "fallback"}), "fallback"),
        (json!({"id": " trimmed "}), "trimmed"),
    ];
    for (body, id) in cases {
        assert_eq!(read(&body).id.as_str(), id, "{body}");
    }
    let sent = json!({"type": "message.sent", "data": {"uid": "m", "createdAt": "t"}});
    let failed = json!({"type": "message.failed", "data": {"uid": "m", "createdAt": "t"}});
    assert_ne!(read(&sent).id, read(&failed).id, "a message and its failure share the data's uid");
    assert!(read(&json!({"data": "Data for the test webhook event :)"})).id.as_str().starts_with("sha256-"));
}

#[test]
fn a_batch_is_taken_apart_in_the_order_of_its_events() {
    let item =
        |id: &str, at: Value| json!({"id": id, "type": "webchat.message.received", "occurred_at": at, "data": {}});
    let batch = json!({"events": [
        item("late", json!(1_770_080_500)), item("iso", json!("2026-02-03T01:00:00Z")), 7, item("ms", json!(1_770_080_400_000_i64)),
    ]});
    let body = batch.to_string().into_bytes();
    let items = items(&body);
    let ids: Vec<String> =
        items.iter().map(|i| i.event.as_ref().map_or("?".to_owned(), |e| e.id.as_str().to_owned())).collect();
    assert_eq!(ids, ["iso", "?", "ms", "late"], "an item without a time stays behind the one before it");
    assert_eq!(items[1].event.as_ref().unwrap_err(), &RejectReason::UnknownShape);
    for item in &items {
        assert!(body.windows(item.body.len()).any(|w| w == item.body), "an item's bytes are its own");
    }
}

#[test]
fn nothing_that_is_sent_makes_a_fault() {
    let bodies: [&[u8]; 14] = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"7",
        b"\"x\"",
        b"{\"events\":[]}",
        b"{\"events\":{}}",
        b"{\"events\":[null,[],\"x\"]}",
        b"\xff\xfe",
        b"{\"data\":",
        b"[[[[",
        b"{\"data\":[1,2]}",
        b"{\"metadata\":7,\"data\":null,\"type\":[]}",
    ];
    for body in bodies {
        assert!(!items(body).is_empty());
    }
    let odd = [json!(7), json!("7"), json!(true), json!(null), json!([1]), json!({"a": 1}), json!(-1), json!(1e300)];
    for field in
        ["from", "body", "location_uid", "attachments", "country", "conversation", "occurred_at", "items", "name"]
    {
        for value in &odd {
            let mut data = json!({"from": "0491 570 156", "country": "AU", "location_uid": "au", "body": "hi"});
            data[field] = value.clone();
            let event = read(&json!({"id": "e", "type": "webchat.message.received", "data": data}));
            assert!(matches!(event.what, What::Received(_)), "{field} = {value}");
        }
    }
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(items(deep.as_bytes())[0].event.is_err());
}

#[test]
fn locations_are_named_missing_or_unreadable() {
    let claim = |location: Value| {
        received(read(&json!({"type": "message.received", "data": {"from": "+61491570156", "location_uid": location}})))
            .location
    };
    assert_eq!(claim(json!(null)), LocationClaim::Missing);
    assert_eq!(claim(json!("  ")), LocationClaim::Missing);
    assert_eq!(claim(json!({"uid": "au"})), LocationClaim::Unreadable);
    assert_eq!(claim(json!("a#b")), LocationClaim::Unreadable);
    assert_eq!(claim(json!([])), LocationClaim::Unreadable);
    assert_eq!(claim(json!(" au ")), LocationClaim::Named(LocationUid::try_from("au").unwrap()));
    // A path is a name like any other here: nothing is ever a file of ours.
    assert!(matches!(claim(json!("../../evil")), LocationClaim::Named(_)));
}

#[test]
fn attachments_of_every_kind() {
    let of = |data: Value| received(read(&json!({"type": "message.received", "data": data}))).attachments;
    let sizes = |data: Value| of(data).iter().map(|a| a.size).collect::<Vec<_>>();
    use ClaimedSize::{Absent, Bytes, Unusable};
    assert_eq!(
        sizes(json!({"attachments": [
            {"size_bytes": 5}, {"size_bytes": -1}, {"size_bytes": "5"}, {"size_bytes": 5.5}, {"size_bytes": true}, {}, 7,
            {"size_bytes": null, "url": "https://a.test/x"}, {"size_bytes": 1e30},
        ]})),
        [Bytes(5), Unusable, Unusable, Unusable, Unusable, Absent, Unusable, Absent, Unusable]
    );
    assert_eq!(sizes(json!({"attachments": "x"})), [Unusable]);
    assert_eq!(sizes(json!({"attachments": null})), []);
    let published = received(parse(&sample("published.message.received.attachment")).unwrap()).attachments;
    assert_eq!(published.len(), 1, "the deprecated field repeats the item's");
    assert_eq!(published[0].url.as_deref(), Some("https://attachments.example.test/a/8f1c.jpg"));
}

#[test]
fn flat_bodies_are_messages_if_they_look_like_one() {
    let flat =
        json!({"conversation": {"uid": "c", "channel": {"type": "phone", "identifier": "+61491570156"}}, "body": "hi"});
    let message = received(read(&flat));
    assert_eq!((message.phone.as_deref(), message.text.as_deref()), (Some("+61491570156"), Some("hi")));
    assert_eq!(read(&json!({"foo": 1})).what, What::Other);
}

#[test]
fn a_stop_is_found_whatever_else_is_wrong() {
    let stop = |from: Value, more: Value| {
        let mut data = json!({"from": from, "body": "Stop!", "message_uid": "m1", "attachments": 7});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"id": "e", "type": "webchat.message.received", "occurred_at": 1_770_080_409, "data": data})
    };
    let phone = |body: &Value| changes(body).iter().map(|c| c.phone.expose().to_owned()).collect::<Vec<_>>();
    assert_eq!(phone(&stop(json!("+61 491 570 156"), json!({}))), ["+61491570156"]);
    assert_eq!(phone(&stop(json!("0491 570 156"), json!({"country": "AU"}))), ["+61491570156"]);
    assert_eq!(phone(&stop(json!("0491 570 156"), json!({"location_uid": "au"}))), ["+61491570156"]);
    assert_eq!(phone(&stop(json!("0491 570 156"), json!({"location_uid": "gone"}))), ["+61491570156"]);
    assert_eq!(phone(&stop(json!("0491 570 156"), json!({"location_uid": {"a": 1}}))), ["+61491570156"]);
    // Shaped like a number, known to no plan: it is believed all the same.
    assert_eq!(phone(&stop(json!("+61491570"), json!({}))), ["+61491570"]);
    assert_eq!(news(&stop(json!("12"), json!({"country": "AU"}))), OptOutNews::WithoutPhone);
    assert_eq!(news(&stop(json!(null), json!({}))), OptOutNews::WithoutPhone);
    let event = read(&stop(json!("0491 570 156"), json!({})));
    assert_eq!(OptOutNews::of(&event, &ExtraWords::default(), None, NOW), OptOutNews::NeedsLocations);
    let change = &changes(&stop(json!("+61491570156"), json!({})))[0];
    assert_eq!((change.direction, change.evidence.source), (Direction::Out, OptOutSource::Webchat));
    assert_eq!(change.at, UnixMillis::new(1_770_080_409_000));
    assert_eq!(change.evidence.message_id.as_deref(), Some("m1"));
    assert_eq!(change.evidence.text_sha256.as_ref().map(String::len), Some(64));
}

#[test]
fn a_stop_from_the_future_happened_now() {
    let body = json!({"id": "e", "type": "message.received", "occurred_at": 4_000_000_000_u64, "data": {"from": "+61491570156", "body": "START"}});
    assert_eq!(changes(&body)[0].at, NOW, "else no later STOP could win over it");
}

#[test]
fn a_start_counts_for_a_number_beyond_doubt_only() {
    let start = |from: &str| json!({"id": "e", "type": "message.received", "data": {"from": from, "body": "start"}});
    assert_eq!(changes(&start("+61491570156"))[0].direction, Direction::In);
    // 202 555 0143 is a number in the US and could be one elsewhere; with one candidate it is clear.
    assert_eq!(changes(&start("0491 570 156"))[0].phone.expose(), "+61491570156");
    let mail = json!({"id": "e", "type": "message.received", "data": {
        "conversation": {"channel": {"type": "email", "identifier": "a@example.test"}}, "body": "START"}});
    assert_eq!(news(&mail), OptOutNews::Nothing);
}

#[test]
fn a_stop_by_mail_needs_somebody_to_be_asked() {
    let mail = json!({"id": "e", "type": "message.received", "data": {
        "conversation": {"uid": "c", "channel": {"type": "email", "identifier": "a@example.test"}}, "body": "unsubscribe"}});
    assert_eq!(news(&mail), OptOutNews::WithoutPhone);
    let message = received(read(&mail));
    assert_eq!(
        (message.channel, message.phone, message.email.as_deref()),
        (Channel::Other, None, Some("a@example.test"))
    );
}

#[test]
fn contacts_opt_out_by_channel_list_flag_and_merge() {
    let out = parse(&sample("published.contact.updated.optout")).unwrap();
    let OptOutNews::Changes(found) = OptOutNews::of(&out, &ExtraWords::default(), None, NOW) else { panic!() };
    let flags: Vec<_> = found.iter().map(|c| (c.flag, c.direction)).collect();
    assert_eq!(flags, [(OptOutFlag::Keyword, Direction::Out), (OptOutFlag::MarketingSms, Direction::Out)]);
    assert!(found.iter().all(|c| c.evidence.source == OptOutSource::Podium));

    for quiet in ["published.contact.created", "published.contact.unchanged", "published.contact.deleted"] {
        let event = parse(&sample(quiet)).unwrap();
        assert_eq!(OptOutNews::of(&event, &ExtraWords::default(), None, NOW), OptOutNews::Nothing, "{quiet}");
    }

    let person = |phone: &str, out: Value| {
        json!({"uid": "c", "updatedAt": "2026-02-03T02:00:00Z", "phoneNumbers": [phone],
               "channels": [{"type": "phone", "identifier": phone, "transactionalOptedOutAt": out}]})
    };
    let event = |kind: &str, before: Value, after: Value| json!({"metadata": {"eventType": format!("contact.{kind}"), "eventUid": "e"}, "data": {"before": before, "after": after}});
    let back =
        event("updated", person("+61491570156", json!("2026-02-01T00:00:00Z")), person("+61491570156", json!(null)));
    assert_eq!(changes(&back)[0].direction, Direction::In);
    let same = event("updated", person("+61491570156", json!(null)), person("+61491570156", json!(null)));
    assert_eq!(news(&same), OptOutNews::Nothing, "not opted out is not opted in");

    let merged =
        event("merged", person("+61491570156", json!("2026-02-01T00:00:00Z")), person("+61491570006", json!(null)));
    let mut phones: Vec<_> = changes(&merged).into_iter().map(|c| (c.phone.expose().to_owned(), c.direction)).collect();
    phones.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(phones, [("+61491570006".to_owned(), Direction::Out), ("+61491570156".to_owned(), Direction::Out)]);

    for (name, word) in
        [("global_unsubscribe", json!("True")), ("review_request_opt_out", json!(1)), ("opted_out", json!(true))]
    {
        let mut contact = person("+61491570156", json!(null));
        contact[name] = word.clone();
        assert_eq!(changes(&event("updated", json!(null), contact))[0].direction, Direction::Out, "{name}");
        let mut contact = person("+61491570156", json!(null));
        contact["attributes"] = json!([{"label": name, "value": word}]);
        assert_eq!(
            changes(&event("created", json!(null), contact))[0].direction,
            Direction::Out,
            "{name} as attribute"
        );
    }
    let flat =
        json!({"id": "e", "type": "contact.updated", "data": {"uid": "c", "phone": "+61491570156", "opted_out": true}});
    assert_eq!(changes(&flat)[0].flag, OptOutFlag::Keyword);
}

#[test]
fn a_failure_says_that_somebody_opted_out() {
    for reason in
        ["recipient_optout", "stop_keyword", "Recipient has opted out.", "contact_opted_out", "Unsubscribed recipient"]
    {
        assert!(refused_for_opt_out(reason), "{reason}");
    }
    for reason in ["carrier_filtered", "P0005", "landline", "undeliverable", "Attempted to send SMS to a landline.", ""]
    {
        assert!(!refused_for_opt_out(reason), "{reason}");
    }
    let failed = json!({"metadata": {"eventType": "message.failed", "eventUid": "e"}, "data": {
        "uid": "m", "failureReason": "stop_keyword", "conversation": {"channel": {"type": "phone", "identifier": "+61491570156"}}}});
    assert_eq!(changes(&failed)[0].evidence.source, OptOutSource::Podium);
    let invitation = parse(&sample("brief.review_invitation.failed.optout")).unwrap();
    assert_eq!(OptOutNews::of(&invitation, &ExtraWords::default(), None, NOW), OptOutNews::WithoutPhone);
}

#[test]
fn spellings_of_one_number_share_a_line_and_strangers_hardly_ever() {
    let group = |from: &str| {
        let event = read(&json!({"id": from, "type": "message.received", "data": {"from": from, "body": "x"}}));
        let id = event.id.clone();
        received(event).group(&id)
    };
    assert_eq!(group("0491 570 156"), group("+61 491 570 156"));
    assert_ne!(group("0491 570 156"), group("0491 570 157"));
    assert_ne!(group("12"), group("13"), "what is too short to be a number waits for nobody");
}
