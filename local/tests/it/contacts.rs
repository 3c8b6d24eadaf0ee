//! Contacts in both contracts: who is on record, once, and under which name.

use serde_json::{Value, json};

use crate::wire::{Bench, LOCATION, PHONE, Reply, call, message};

const ESCAPED: &str = "%2B61491570156";
const OTHER_PHONE: &str = "+61491570157";

fn published() -> Value {
    json!({ "name": "Mara Quill", "phoneNumber": PHONE, "locations": [LOCATION] })
}

fn brief() -> Value {
    json!({ "phone": PHONE, "location_uid": "loc_sydney", "first_name": "Mara", "last_name": "Quill" })
}

fn refused(reply: &Reply, status: u16, code: &str, what: &str) {
    let body = reply.json();
    let said = body.get("code").or_else(|| body.get("error")).cloned().unwrap_or_default();
    assert_eq!((reply.status, said.as_str().unwrap()), (status, code), "{what}: {}", reply.body);
}

async fn get(bench: &Bench, path: &str) -> Reply {
    bench.podium("GET", path, &Value::Null).await
}

async fn look_up(bench: &Bench) -> Vec<Value> {
    let found = get(bench, &format!("/v4/contacts?phone={ESCAPED}&location_uid=loc_sydney")).await;
    assert_eq!(found.status, 200);
    found.json()["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_upsert_overwrites_the_name_and_makes_no_second_contact() {
    let bench = Bench::start().await;
    for name in ["Mara Quill", "+61491570156"] {
        let mut asked = published();
        asked["name"] = json!(name);
        let answer = bench.podium("POST", "/v4/contacts", &asked).await;
        assert_eq!((answer.status, &answer.json()["data"]), (202, &json!({ "identifier": PHONE })));
    }
    let known = bench.stand_ins.contacts_of(PHONE);
    assert_eq!((known.len(), &known[0]["name"]), (1, &json!(PHONE)), "the good name is gone");
    let mut by_email = published();
    by_email["email"] = json!("mara@example.test");
    bench.podium("POST", "/v4/contacts", &by_email).await;
    let only_email = json!({ "name": "M", "email": "mara@example.test", "locations": [LOCATION] });
    assert_eq!(bench.podium("POST", "/v4/contacts", &only_email).await.status, 202);
    let all = bench.control("GET", "/podium/contacts", &Value::Null).await.json();
    assert_eq!((&all["count"], &all["contacts"][0]["name"]), (&json!(1), &json!("M")));
}

#[tokio::test]
async fn an_upsert_is_held_to_the_description() {
    let bench = Bench::start().await;
    for (field, value) in [
        ("name", Value::Null),
        ("name", json!("  ")),
        ("locations", json!([])),
        ("locations", json!(LOCATION)),
        ("locations", json!(["ef8020a5-0000-5000-8000-000000000000"])),
        ("phoneNumber", json!("0491 570 156")),
        ("phoneNumber", json!("+0491570156")),
        ("phoneNumber", json!("+61 491 570 156")),
        ("phoneNumber", json!(61_491_570_156_u64)),
        ("email", json!("mara@example")),
        ("tags", json!(["no-such-tag"])),
        ("opted_out", json!(true)),
        ("firstName", json!("Mara")),
    ] {
        let mut asked = published();
        asked[field] = value.clone();
        let answer = bench.podium("POST", "/v4/contacts", &asked).await;
        refused(&answer, 400, "invalid_request_values", &format!("{field}: {value}"));
    }
    for missing in ["name", "locations", "phoneNumber"] {
        let mut asked = published();
        asked.as_object_mut().unwrap().remove(missing);
        let answer = bench.podium("POST", "/v4/contacts", &asked).await;
        refused(&answer, 400, "invalid_request_values", missing);
    }
    assert!(bench.stand_ins.contacts_of(PHONE).is_empty());
}

/// An unescaped plus is a plus in a path and a space in a query.
#[tokio::test]
async fn a_plus_means_one_thing_in_a_path_and_another_in_a_query() {
    let bench = Bench::start().await;
    bench.podium("POST", "/v4/contacts", &published()).await;
    for path in [ESCAPED, "+61491570156", "%2b61491570156"] {
        assert_eq!(get(&bench, &format!("/v4/contacts/{path}")).await.status, 200, "{path}");
    }
    for path in ["%2061491570156", "61491570156"] {
        refused(&get(&bench, &format!("/v4/contacts/{path}")).await, 404, "resource_not_found", path);
    }
    for (query, found) in [(ESCAPED, 1), ("+61491570156", 0), ("61491570156", 0)] {
        let answer = get(&bench, &format!("/v4/contacts?phone={query}")).await.json();
        assert_eq!(answer["data"].as_array().unwrap().len(), found, "{query}");
    }
    let uid = bench.stand_ins.contacts_of(PHONE)[0]["uid"].as_str().unwrap().to_owned();
    refused(&get(&bench, &format!("/v4/contacts/{uid}")).await, 404, "resource_not_found", "a uid is no identifier");
}

#[tokio::test]
async fn a_change_names_what_changes_and_a_deletion_forgets() {
    let bench = Bench::start().await;
    bench.podium("POST", "/v4/contacts", &published()).await;
    let path = format!("/v4/contacts/{ESCAPED}");
    let uid = get(&bench, &path).await.json()["data"]["uid"].clone();
    let change = json!({ "name": "Mara", "email": "mara@example.test", "locations": ["loc_sydney"] });
    let changed = bench.podium("PATCH", &path, &change).await;
    assert_eq!((changed.status, &changed.json()["data"]), (202, &json!({ "identifier": PHONE })));
    let found = get(&bench, "/v4/contacts/mara@example.test").await.json();
    assert_eq!((&found["data"]["name"], &found["data"]["uid"]), (&json!("Mara"), &uid));
    assert_eq!(found["data"]["locations"], json!([{ "uid": LOCATION }, { "uid": "loc_sydney" }]));

    for bad in [json!({}), json!({ "phoneNumber": "x" }), json!({ "name": "" }), json!({ "locations": ["nowhere"] })] {
        let answer = bench.podium("PATCH", &path, &bad).await;
        refused(&answer, 400, "invalid_request_values", &bad.to_string());
    }
    let nobody = bench.podium("PATCH", "/v4/contacts/%2B61491570999", &change).await;
    refused(&nobody, 404, "resource_not_found", "nobody");
    bench.stand_ins.set_contact(OTHER_PHONE, &json!({ "name": "Ola" })).unwrap();
    let taken = bench.podium("PATCH", &path, &json!({ "phoneNumber": OTHER_PHONE })).await;
    refused(&taken, 400, "invalid_request_values", "taken");
    assert_eq!(bench.podium("PATCH", &path, &json!({ "phoneNumber": "+61491570158" })).await.status, 202);
    assert_eq!(get(&bench, &path).await.status, 404);
    let moved = bench.stand_ins.contacts_of("+61491570158");
    assert_eq!((moved.len(), &moved[0]["uid"]), (1, &uid), "a new number and the same person");

    assert_eq!(bench.podium("DELETE", "/v4/contacts/%2B61491570158", &Value::Null).await.status, 202);
    let again = bench.podium("DELETE", "/v4/contacts/%2B61491570158", &Value::Null).await;
    refused(&again, 404, "resource_not_found", "deleted twice");
}

/// Taken in is not done yet: whoever creates and looks at once sees nothing, in either contract.
#[tokio::test]
async fn lookups_after_a_create_can_be_empty_for_a_while() {
    for (asked, status) in [(published(), 202), (brief(), 201)] {
        let bench = Bench::start().await;
        bench.control("PUT", "/podium", &json!({ "lookups_empty_after_create": 2 })).await;
        assert_eq!(bench.podium("POST", "/v4/contacts", &asked).await.status, status);
        assert_eq!(get(&bench, "/v4/contacts").await.json()["data"], json!([]), "nor in the list");
        assert!(look_up(&bench).await.is_empty());
        assert_eq!(get(&bench, &format!("/v4/contacts/{ESCAPED}")).await.status, 404);
        assert_eq!(look_up(&bench).await.len(), 1);
        assert_eq!(get(&bench, &format!("/v4/contacts/{ESCAPED}")).await.status, 200);
        assert_eq!(bench.stand_ins.contacts_of(PHONE).len(), 1);
    }
}

/// The race that the briefs tell of: seen by nobody, created by somebody else, and not yet visible to the loser.
#[tokio::test]
async fn a_lost_race_conflicts_before_the_winner_can_be_seen() {
    let bench = Bench::start().await;
    bench.stand_ins.set_contact(PHONE, &json!({ "uid": "c-1", "name": "Mara", "hidden_lookups": 2 })).unwrap();
    assert!(look_up(&bench).await.is_empty());
    refused(&bench.podium("POST", "/v4/contacts", &brief()).await, 409, "contact_already_exists", "somebody was first");
    assert!(look_up(&bench).await.is_empty());
    let found = look_up(&bench).await;
    assert_eq!((found.len(), &found[0]["uid"], &found[0]["first_name"]), (1, &json!("c-1"), &json!("Mara")));
}

#[tokio::test]
async fn a_lookup_can_name_somebody_else_first() {
    let bench = Bench::start().await;
    bench.control("PUT", "/podium", &json!({ "wrong_contact_first": true })).await;
    let alone = look_up(&bench).await;
    assert_eq!(alone.len(), 1, "a stranger, where nobody should be");
    assert_ne!(alone[0]["phone"], PHONE);
    bench.podium("POST", "/v4/contacts", &brief()).await;
    bench.stand_ins.set_contact(OTHER_PHONE, &json!({ "name": "Ola Nord" })).unwrap();
    let phones: Vec<Value> = look_up(&bench).await.iter().map(|contact| contact["phone"].clone()).collect();
    assert_eq!(phones, [OTHER_PHONE, PHONE]);
}

/// A Podium without a unique phone, so that a test which counts contacts can fail.
#[tokio::test]
async fn duplicates_are_counted() {
    let bench = Bench::start().await;
    bench.control("PUT", "/podium", &json!({ "duplicate_contacts": true })).await;
    for _ in 0..2 {
        assert_eq!(bench.podium("POST", "/v4/contacts", &brief()).await.status, 201);
    }
    let seeded = bench.control("POST", "/podium/contacts", &json!({ "phone": PHONE, "uid": "c-3" })).await;
    assert_eq!((seeded.status, seeded.json()), (201, json!({ "uid": "c-3" })));
    let counted = bench.control("GET", "/podium/contacts/+61491570156", &Value::Null).await.json();
    assert_eq!(counted["count"], 3);
    let uids: Vec<Value> = look_up(&bench).await.iter().map(|contact| contact["uid"].clone()).collect();
    assert!(uids.len() == 3 && uids[0] != uids[1] && uids[2] == "c-3", "{uids:?}");
    assert_eq!(bench.control("DELETE", "/podium/contacts/+61491570156", &Value::Null).await.status, 204);
    assert_eq!(bench.stand_ins.contacts_of(PHONE).len(), 2);
}

#[tokio::test]
async fn an_opt_out_reaches_the_briefs_contact_by_its_uid() {
    let bench = Bench::start().await;
    let uid = bench.podium("POST", "/v4/contacts", &brief()).await.json()["uid"].as_str().unwrap().to_owned();
    let path = format!("/v4/contacts/{uid}");
    let out = bench.podium("PATCH", &path, &json!({ "opted_out": true })).await;
    assert_eq!((out.status, &out.json()["opted_out"]), (200, &json!(true)));
    let published = get(&bench, &format!("/v4/contacts/{ESCAPED}")).await.json();
    let at = published["data"]["channels"][0]["transactionalOptedOutAt"].clone();
    assert!(at.is_string(), "the other contract shows the same person");
    let back = bench.podium("PATCH", &path, &json!({ "opted_out": false })).await;
    assert_eq!((back.status, &back.json()["opted_out"]), (200, &json!(false)));
    let flag = bench.podium("PATCH", &path, &json!({ "review_request_opt_out": true })).await;
    assert_eq!((&flag.json()["opted_out"], &flag.json()["review_request_opt_out"]), (&json!(true), &json!(true)));

    for bad in [json!({ "opted_out": "true" }), json!({ "opted_out": true, "phone": PHONE })] {
        refused(&bench.podium("PATCH", &path, &bad).await, 400, "invalid_request", &bad.to_string());
    }
    let by_phone = bench.podium("PATCH", &format!("/v4/contacts/{ESCAPED}"), &json!({ "opted_out": true })).await;
    refused(&by_phone, 404, "contact_not_found", "the uid, not the phone");
}

#[tokio::test]
async fn seeds_are_checked_and_can_come_with_a_conversation() {
    let bench = Bench::start().await;
    let seed = json!({
        "phone": PHONE, "uid": "c-1", "name": "Mara", "email": "mara@example.test", "opted_out": true,
        "conversation": "conv-1", "location": "loc_sydney",
    });
    assert_eq!(bench.control("POST", "/podium/contacts", &seed).await.status, 201);
    let known = bench.control("GET", "/podium/contacts?phone=+61491570156", &Value::Null).await.json();
    let contact = &known["contacts"][0];
    assert_eq!((&contact["opted_out"], &contact["conversations"]), (&json!(true), &json!(["conv-1"])));
    assert_eq!(get(&bench, "/v4/contacts/conv-1").await.json()["data"]["uid"], "c-1");
    for bad in [
        json!({ "name": "nobody" }),
        json!({ "phone": OTHER_PHONE, "uid": "c-1" }),
        json!({ "phone": OTHER_PHONE, "conversation": "conv-1" }),
        json!({ "phone": OTHER_PHONE, "opted_out": "yes" }),
        json!({ "phone": OTHER_PHONE, "shoe_size": 43 }),
        json!({ "phone": OTHER_PHONE, "hidden_lookups": -1 }),
    ] {
        assert_eq!(bench.control("POST", "/podium/contacts", &bad).await.status, 400, "{bad}");
    }
    assert!(bench.stand_ins.contacts_of(OTHER_PHONE).is_empty());
}

#[tokio::test]
async fn tags_are_made_once_and_put_on_people() {
    let bench = Bench::start().await;
    let stop = json!({ "label": "do not contact", "description": "" });
    let made = bench.podium("POST", "/v4/contact_tags", &stop).await;
    assert_eq!((made.status, &made.json()["data"]["label"]), (200, &json!("do not contact")));
    let uid = made.json()["data"]["uid"].as_str().unwrap().to_owned();
    let listed = get(&bench, "/v4/contact_tags").await.json();
    assert_eq!(listed["data"][0], made.json()["data"]);
    for bad in [json!({ "label": "x" }), json!({ "label": "", "description": "" }), json!({ "label": 5 })] {
        let answer = bench.podium("POST", "/v4/contact_tags", &bad).await;
        refused(&answer, 400, "invalid_request_values", &bad.to_string());
    }

    bench.podium("POST", "/v4/contacts", &published()).await;
    let path = format!("/v4/contacts/{ESCAPED}/tags/{uid}");
    for _ in 0..2 {
        let put = bench.podium("POST", &path, &Value::Null).await;
        assert_eq!((put.status, &put.json()["data"]), (202, &json!({ "identifier": PHONE })));
    }
    let tags = get(&bench, &format!("/v4/contacts/{ESCAPED}")).await.json()["data"]["tags"].clone();
    assert_eq!(tags, json!([{ "uid": uid, "label": "do not contact", "description": "" }]));
    for nowhere in [format!("/v4/contacts/{ESCAPED}/tags/none"), format!("/v4/contacts/none/tags/{uid}")] {
        refused(&bench.podium("POST", &nowhere, &Value::Null).await, 404, "resource_not_found", &nowhere);
    }
    assert_eq!(bench.podium("DELETE", &path, &Value::Null).await.status, 202);
    refused(&bench.podium("DELETE", &path, &Value::Null).await, 404, "resource_not_found", "not tagged");
}

#[tokio::test]
async fn campaigns_can_be_left_by_integrations_on_the_list() {
    let bench = Bench::start().await;
    let channel = json!({ "type": "PHONE", "identifier": PHONE });
    let (out, back) = ("/v4/contacts/campaigns/opt_out", "/v4/contacts/campaigns/opt_in");
    let opt_out = json!({ "channel": channel });
    let opt_in = json!({ "channel": channel, "locationUid": "loc_sydney", "name": "Mara" });
    refused(&bench.podium("POST", out, &opt_out).await, 404, "resource_not_found", "not on record");
    bench.podium("POST", "/v4/contacts", &published()).await;
    let left = bench.podium("POST", out, &opt_out).await;
    assert_eq!(left.status, 200);
    let channels = left.json()["data"]["channels"].clone();
    assert_eq!(channels[0]["marketingOptedInLocationUids"], json!([]));
    assert_eq!(channels[0]["transactionalOptedOutAt"], Value::Null, "campaigns only");
    let joined = bench.podium("POST", back, &opt_in).await;
    assert_eq!(joined.json()["data"]["channels"][0]["marketingOptedInLocationUids"], json!(["loc_sydney"]));
    for (path, bad) in [
        (out, json!({ "channel": { "type": "phone", "identifier": PHONE } })),
        (out, json!({ "channel": { "type": "PHONE", "identifier": "0491570156" } })),
        (out, json!({})),
        (back, opt_out.clone()),
        (back, json!({ "channel": channel, "locationUid": "nowhere" })),
    ] {
        refused(&bench.podium("POST", path, &bad).await, 400, "invalid_request_values", &bad.to_string());
    }
    bench.control("PUT", "/podium", &json!({ "campaigns_allowed": false })).await;
    for (path, asked) in [(out, &opt_out), (back, &opt_in)] {
        refused(&bench.podium("POST", path, asked).await, 403, "unauthorized", path);
    }
}

#[tokio::test]
async fn a_body_must_be_declared_as_json() {
    let bench = Bench::start().await;
    let bearer = format!("Bearer {}", bench.stand_ins.podium_token());
    for (kind, status) in
        [("text/plain", 400), ("application/x-www-form-urlencoded", 400), ("Application/JSON; a=b", 202)]
    {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let answer = call(bench.addr(), "POST", "/podium/v4/contacts", &headers, &published().to_string()).await;
        assert_eq!(answer.status, status, "{kind}: {}", answer.body);
    }
}

/// Podium's own contract does not say that it refuses, so the ledger says that it should never have been asked.
#[tokio::test]
async fn a_text_to_somebody_who_opted_out_is_marked() {
    let bench = Bench::start().await;
    bench.podium("POST", "/v4/messages", &message(PHONE, "before")).await;
    bench.stand_ins.set_contact(PHONE, &json!({ "opted_out": true })).unwrap();
    bench.podium("POST", "/v4/messages", &message(PHONE, "after")).await;
    bench.podium("POST", "/v4/messages", &message(OTHER_PHONE, "somebody else")).await;
    let marked: Vec<bool> = bench.stand_ins.ledger().iter().map(|effect| effect.to_opted_out).collect();
    assert_eq!(marked, [false, true, false]);
    let seen = bench.control("GET", "/ledger", &Value::Null).await.json();
    assert_eq!(seen["effects"][1]["to_opted_out"], true);
}
