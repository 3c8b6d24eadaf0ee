//! Every sample, every filter, and what nobody promised to send.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code: a panic is a failed test"
)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::inbox::RejectReason;

fn sample(name: &str) -> Value {
    let path = format!("{}/../../events/chatwoot/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn incoming() -> Value {
    sample("message_created.incoming_text")
}

fn answered() -> Value {
    sample("message_updated.input_select_answered")
}

fn read(body: &Value) -> Result<Delivery, RejectReason> {
    parse(body.to_string().as_bytes())
}

fn message(body: &Value) -> ChatwootMessage {
    match read(body).unwrap() {
        Delivery::Message(message) => *message,
        Delivery::Ignored(reason) => panic!("ignored: {reason:?}"),
    }
}

fn ignored(body: &Value) -> IgnoreReason {
    match read(body).unwrap() {
        Delivery::Ignored(reason) => reason,
        Delivery::Message(message) => panic!("not ignored: {message:?}"),
    }
}

/// The incoming text with `value` at a JSON pointer whose parent exists.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[key] = value;
    body
}

fn without(mut body: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
    body
}

fn attached(body: &Value) -> Attached {
    message(body).attached
}

fn is_listed(body: &Value) -> bool {
    matches!(attached(body), Attached::Listed(_))
}

#[test]
fn every_sample_is_read_or_ignored_for_its_reason() {
    use IgnoreReason as R;
    let table: [(&str, Result<Kind, R>); 20] = [
        ("contact_updated", Err(R::OtherEvent)),
        ("conversation_created", Err(R::OtherEvent)),
        ("conversation_opened.agent_bot_only", Err(R::OtherEvent)),
        ("conversation_resolved.agent_bot_only", Err(R::OtherEvent)),
        ("conversation_status_changed", Err(R::OtherEvent)),
        ("conversation_typing_on", Err(R::OtherEvent)),
        ("conversation_updated.assigned", Err(R::OtherEvent)),
        ("webwidget_triggered", Err(R::OtherEvent)),
        ("message_created.attachment_without_mime_pre_4_13", Ok(Kind::Created)),
        ("message_created.incoming_audio", Ok(Kind::Created)),
        ("message_created.incoming_image", Ok(Kind::Created)),
        ("message_created.incoming_text", Ok(Kind::Created)),
        ("message_created.outgoing_agent", Err(R::SentByAgent)),
        ("message_created.outgoing_agent_bot", Err(R::SentByBot)),
        ("message_created.outgoing_agent_bot_input_select", Err(R::SentByBot)),
        ("message_created.private_note", Err(R::Private)),
        ("message_created.template_greeting", Err(R::Template)),
        ("message_updated.audio_transcribed_by_chatwoot", Ok(Kind::Transcribed)),
        ("message_updated.input_select_answered", Ok(Kind::Submitted)),
        ("message_updated.outgoing_delivery_failed", Err(R::NothingNew)),
    ];
    for (name, expected) in table {
        let found = match read(&sample(name)).unwrap() {
            Delivery::Message(message) => Ok(message.kind),
            Delivery::Ignored(reason) => Err(reason),
        };
        assert_eq!(found, expected, "{name}");
        assert_eq!(account_of(sample(name).to_string().as_bytes()), Some(7), "{name}");
    }
}

#[test]
fn a_message_is_read_whole() {
    let read = message(&incoming());
    assert_eq!(read.at, ConversationRef { account: 7, conversation: 418 });
    assert_eq!((read.id, read.inbox, read.channel), (88_120, Some(31), Channel::WebWidget));
    assert_eq!(read.text.as_deref(), Some("Do you have the brass desk lamp in stock?"));
    assert_eq!(read.attached, Attached::Listed(Vec::new()));
    assert_eq!(read.standing, Standing { status: Status::Pending, assignee: Assignee::Nobody });
    assert_eq!(read.created_at_ms, Some(1_780_300_000_371));
    assert_eq!((read.phone.as_deref(), read.event_id.as_deref()), (None, None));
    assert_eq!(read.event().as_str(), "message_created-7-88120");
}

#[test]
fn the_nested_messages_are_never_read() {
    let bare = message(&incoming());
    let other = json!([{"id": 1, "content": "STOP", "message_type": 1, "conversation_id": 9, "private": true,
        "sender_type": "AgentBot", "attachments": [{"id": 4, "file_type": "file"}]}]);
    assert_eq!(message(&with(incoming(), "/conversation/messages", other.clone())), bare);
    let silent = with(with(incoming(), "/content", Value::Null), "/conversation/messages", other);
    assert_eq!(message(&silent).text, None);
    assert_eq!(message(&silent).attached, Attached::Incomplete(Vec::new()));
}

#[test]
fn each_filter_names_its_reason() {
    use IgnoreReason as R;
    let cases = [
        (json!({"private": true}), R::Private),
        (json!({"private": "true"}), R::Private),
        (json!({"private": 1, "message_type": "template"}), R::Private),
        (json!({"message_type": "Template"}), R::Template),
        (json!({"message_type": 3}), R::Template),
        (json!({"message_type": "ACTIVITY", "sender": {"type": "user"}}), R::Activity),
        (json!({"message_type": 2}), R::Activity),
        (json!({"sender": {"type": "user"}}), R::SentByAgent),
        (json!({"sender": {"type": "Agent"}, "message_type": "outgoing"}), R::SentByAgent),
        (json!({"sender": {"type": "agent_bot"}}), R::SentByBot),
        (json!({"sender_type": "AgentBot"}), R::SentByBot),
        (json!({"sender_type": "bot", "sender": null}), R::SentByBot),
        (json!({"sender": {"type": "system"}}), R::SentByBot),
        (json!({"sender": {"type": "captain_assistant"}}), R::SentByCaptain),
        (json!({"sender_type": "Captain::Assistant"}), R::SentByCaptain),
        (json!({"sender": {"type": "robot"}}), R::SentByOther),
        (json!({"sender": {"type": 7}}), R::SentByOther),
        (json!({"sender": "agent"}), R::SentByOther),
        (json!({"message_type": "outgoing"}), R::Outgoing),
        (json!({"message_type": "Outgoing", "sender": null}), R::Outgoing),
        (json!({"message_type": 1}), R::Outgoing),
        (json!({"message_type": "sideways"}), R::Outgoing),
        (json!({"message_type": null}), R::Outgoing),
        (json!({"message_type": 17}), R::Outgoing),
        (json!({"message_type": ["incoming"]}), R::Outgoing),
        (json!({"content_attributes": {"external_echo": true}}), R::Echo),
        (json!({"content_attributes": {"frontdesk": "abc-0"}}), R::Echo),
        (json!({"content_attributes": {"automation_rule_id": 4}}), R::Echo),
        (json!({"sender": {"blocked": true}}), R::Blocked),
        (json!({"content_attributes": {"deleted": true}}), R::NothingNew),
        (json!({"content_attributes": {"email": {"auto_reply": true}}}), R::SentByBot),
        (json!({"event": "conversation_created"}), R::OtherEvent),
        (json!({"event": "automation_event.message_created"}), R::OtherEvent),
        (json!({"event": "macro.executed"}), R::OtherEvent),
        (json!({"event": "MESSAGE"}), R::OtherEvent),
    ];
    for (changes, expected) in cases {
        let mut body = incoming();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(ignored(&body), expected, "{changes}");
    }
}

#[test]
fn customers_are_heard_however_oddly_they_are_written() {
    for changes in [
        json!({"message_type": "INCOMING"}),
        json!({"message_type": 0}),
        json!({"message_type": "0"}),
        json!({"message_type": null, "direction": "inbound"}),
        json!({"sender": null}),
        json!({"sender": {"type": "Contact"}}),
        json!({"sender": {"type": null}}),
        json!({"sender_type": "Contact"}),
        json!({"private": "false"}),
        json!({"private": null}),
        json!({"content_attributes": null}),
        json!({"content_attributes": {"external_echo": false, "in_reply_to": 3}}),
        json!({"account": 7}),
        json!({"account": null, "account_id": "7"}),
        json!({"id": "88120"}),
    ] {
        let mut body = incoming();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let read = message(&body);
        assert_eq!((read.id, read.at.account, read.kind), (88_120, 7, Kind::Created), "{changes}");
    }
}

#[test]
fn a_wrapped_message_is_read_like_a_bare_one() {
    let mut inner = incoming();
    let object = inner.as_object_mut().unwrap();
    let mut outer = json!({"event": object.remove("event"), "event_id": "evt-1", "id": "evt-1"});
    for key in ["conversation", "account", "inbox", "sender"] {
        outer[key] = object.remove(key).unwrap();
    }
    outer["message"] = inner;
    let read = message(&outer);
    assert_eq!(read.event().as_str(), "event-evt-1");
    assert_eq!(ChatwootMessage { event_id: None, ..read }, message(&incoming()));
    outer["sender"]["type"] = json!("user");
    assert_eq!(ignored(&outer), IgnoreReason::SentByAgent);
}

#[test]
fn what_names_no_message_or_conversation_is_of_no_known_shape() {
    for pointer in ["/id", "/conversation", "/conversation/id", "/event"] {
        assert_eq!(read(&without(incoming(), pointer)), Err(RejectReason::UnknownShape), "{pointer}");
    }
    for (pointer, value) in [
        ("/id", json!("x")),
        ("/id", json!(-4)),
        ("/id", json!(0)),
        ("/id", json!("+4")),
        ("/id", json!({})),
        ("/conversation", json!(418)),
        ("/conversation/id", json!(null)),
        ("/conversation/id", json!("four")),
        ("/event", json!(null)),
        ("/event", json!(5)),
        ("/event", json!(" ")),
    ] {
        assert_eq!(
            read(&with(incoming(), pointer, value.clone())),
            Err(RejectReason::UnknownShape),
            "{pointer} {value}"
        );
    }
    let nowhere = without(without(incoming(), "/account"), "/conversation/account");
    assert_eq!(read(&nowhere), Err(RejectReason::UnknownShape));
    assert_eq!(account_of(nowhere.to_string().as_bytes()), None);
    let nested = without(incoming(), "/account");
    assert_eq!(message(&nested).at.account, 7);
    for body in ["[]", "4", "null", "\"message_created\"", "{}"] {
        assert_eq!(parse(body.as_bytes()), Err(RejectReason::UnknownShape), "{body}");
    }
    for body in ["", "{", "not json", "\u{feff}{}"] {
        assert!(matches!(parse(body.as_bytes()), Err(RejectReason::Malformed { .. })), "{body}");
        assert_eq!(account_of(body.as_bytes()), None);
    }
    assert!(matches!(parse("[".repeat(100_000).as_bytes()), Err(RejectReason::Malformed { .. })));
}

#[test]
fn event_ids_are_taken_when_they_are_ids() {
    for (said, expected) in [
        (json!("evt-9"), Some("evt-9")),
        (json!(9), Some("9")),
        (json!(" "), None),
        (json!(null), None),
        (json!({}), None),
        (json!("x".repeat(5_000)), None),
    ] {
        assert_eq!(message(&with(incoming(), "/event_id", said)).event_id.as_deref(), expected);
    }
}

#[test]
fn times_are_read_in_both_forms() {
    for (said, expected) in [
        (json!("2026-06-01T07:46:40.371Z"), Some(1_780_300_000_371)),
        (json!("2026-06-01T17:46:40+10:00"), Some(1_780_300_000_000)),
        (json!(1_780_300_000), Some(1_780_300_000_000)),
        (json!(1_780_300_000.4), Some(1_780_300_000_000)),
        (json!("1780300000"), Some(1_780_300_000_000)),
        (json!(1_780_300_000_371_i64), Some(1_780_300_000_371)),
        (json!(0), None),
        (json!(-1), None),
        (json!(i64::MAX), None),
        (json!("yesterday"), None),
        (json!(null), None),
    ] {
        assert_eq!(message(&with(incoming(), "/created_at", said.clone())).created_at_ms, expected, "{said}");
    }
}

#[test]
fn the_conversation_tells_where_it_stands() {
    let nobody = json!(null);
    for (status, kind, assignee, expected) in [
        ("pending", json!(null), &nobody, (Status::Pending, Assignee::Nobody)),
        ("OPEN", json!("User"), &json!({"id": 1}), (Status::Open, Assignee::Person)),
        ("resolved", json!("AgentBot"), &json!({"id": 1}), (Status::Resolved, Assignee::Bot)),
        ("snoozed", json!(null), &json!({"id": 1, "type": "agent_bot"}), (Status::Snoozed, Assignee::Bot)),
        ("asleep", json!(null), &json!({"id": 1, "type": "user"}), (Status::Unknown, Assignee::Person)),
        ("open", json!("AgentBot"), &nobody, (Status::Open, Assignee::Nobody)),
    ] {
        let mut body = with(incoming(), "/conversation/status", json!(status));
        body["conversation"]["meta"]["assignee"] = assignee.clone();
        body["conversation"]["meta"]["assignee_type"] = kind;
        assert_eq!(message(&body).standing, Standing { status: expected.0, assignee: expected.1 });
    }
    let unknown = Standing { status: Status::Unknown, assignee: Assignee::Nobody };
    let bare = with(incoming(), "/conversation", json!({"id": 418, "status": 4}));
    assert_eq!(message(&bare).standing, unknown);
    assert_eq!((message(&bare).channel, message(&bare).inbox), (Channel::Other, Some(31)));
}

#[test]
fn channels_and_inboxes_and_numbers_are_found() {
    for (said, expected) in [
        ("Channel::WebWidget", Channel::WebWidget),
        ("Channel::Whatsapp", Channel::Whatsapp),
        ("Channel::Telegram", Channel::Telegram),
        ("Channel::Line", Channel::Line),
        ("Channel::FacebookPage", Channel::Facebook),
        ("Channel::Api", Channel::Api),
        ("Channel::TwilioSms", Channel::Other),
        ("Channel::Email", Channel::Other),
        ("", Channel::Other),
    ] {
        assert_eq!(message(&with(incoming(), "/conversation/channel", json!(said))).channel, expected, "{said}");
    }
    assert_eq!(message(&without(incoming(), "/inbox")).inbox, Some(31));
    let theirs = with(incoming(), "/conversation/meta/sender/phone_number", json!("+61491570156"));
    assert_eq!(message(&theirs).e164().unwrap().expose(), "+61491570156");
    let both = with(theirs, "/sender/phone_number", json!("+61491570157"));
    assert_eq!(message(&both).e164().unwrap().expose(), "+61491570157");
}

#[test]
fn texts_are_bounded_and_blank_ones_are_none() {
    assert_eq!(message(&with(incoming(), "/content", json!("  \n "))).text, None);
    assert_eq!(message(&with(incoming(), "/content", json!(["x"]))).text, None);
    let long = message(&with(incoming(), "/content", json!("é".repeat(150_000)))).text.unwrap();
    assert_eq!(long.chars().count(), TEXT_CHARS_MAX);
}

#[test]
fn of_a_mail_only_what_is_new_is_read() {
    let mail = |email: Value| {
        let body = with(incoming(), "/content_type", json!("incoming_email"));
        message(&with(body, "/content_attributes", json!({ "email": email }))).text.unwrap()
    };
    let whole = "Yes please\n\nOn Monday you wrote:\n> Reply STOP to end this";
    assert_eq!(mail(json!({"text_content": {"full": whole, "reply": whole, "quoted": "Yes please"}})), "Yes please");
    assert_eq!(mail(json!({"text_content": {"reply": "Yes", "quoted": ""}})), "Yes");
    assert_eq!(mail(json!({"text_content": {}, "html_content": {"quoted": "Ja"}})), "Ja");
    assert_eq!(mail(json!({})), "Do you have the brass desk lamp in stock?");
    let other = with(incoming(), "/content_attributes", json!({"email": {"text_content": {"quoted": "no"}}}));
    assert_eq!(message(&other).text.as_deref(), Some("Do you have the brass desk lamp in stock?"));
}

#[test]
fn what_was_chosen_or_filled_in_is_read() {
    let submitted = |attributes: Value| {
        let read = message(&with(answered(), "/content_attributes", attributes));
        assert_eq!((read.kind, read.text, read.attached), (Kind::Submitted, None, Attached::Listed(Vec::new())));
        read.submitted.into_iter().map(|c| (c.title, c.value)).collect::<Vec<_>>()
    };
    let pair = |title: &str, value: &str| (title.to_owned(), value.to_owned());
    assert_eq!(submitted(answered()["content_attributes"].clone()), [pair("Yes, show more", "show_more")]);
    // Our own mark is on our own question.
    let marked = json!({"frontdesk": "abc-0", "submitted_values": [{"title": "Yes"}]});
    assert_eq!(submitted(marked), [pair("Yes", "Yes")]);
    let form = json!({"submitted_values": [{"name": "email", "value": "a@b.example"}, {"name": "age", "value": 4},
        {"name": "news", "value": true}, 7, {"value": {}}, null]});
    let filled = [pair("email", "a@b.example"), pair("age", "4"), pair("news", "yes"), pair("7", "7")];
    assert_eq!(submitted(form), filled);
    assert_eq!(submitted(json!({"submitted_values": {"colour": "blue"}})), [pair("colour", "blue")]);
    assert_eq!(submitted(json!({"submitted_email": "a@b.example"})), [pair("email", "a@b.example")]);
    let many = json!({"submitted_values": vec![json!({"name": "a", "value": "b".repeat(9_000)}); 900]});
    let many = submitted(many);
    assert!(many.len() == 50 && many.iter().all(|(_, value)| value.len() == 2_000));
}

#[test]
fn an_update_without_news_is_nothing() {
    use IgnoreReason as R;
    for (attributes, expected) in [
        (json!({}), R::NothingNew),
        (json!({"submitted_values": []}), R::NothingNew),
        (json!({"submitted_values": "x"}), R::NothingNew),
        (json!({"submitted_values": [{}]}), R::NothingNew),
        (json!({"submitted_email": null}), R::NothingNew),
        (json!({"deleted": true, "submitted_values": [{"title": "a", "value": "b"}]}), R::NothingNew),
    ] {
        assert_eq!(ignored(&with(answered(), "/content_attributes", attributes.clone())), expected, "{attributes}");
    }
    assert_eq!(ignored(&with(answered(), "/message_type", json!("template"))), R::Template);
    assert_eq!(ignored(&with(answered(), "/private", json!(true))), R::Private);
    assert_eq!(ignored(&with(answered(), "/conversation/meta/sender/blocked", json!(true))), R::Blocked);
    assert_eq!(ignored(&with(incoming(), "/event", json!("message_updated"))), R::NothingNew);
    let heard = || sample("message_updated.audio_transcribed_by_chatwoot");
    assert_eq!(ignored(&with(heard(), "/attachments/0/transcribed_text", json!(" "))), R::NothingNew);
    assert_eq!(ignored(&with(heard(), "/sender/type", json!("user"))), R::NothingNew);
    assert_eq!(ignored(&with(heard(), "/sender/blocked", json!(true))), R::Blocked);
    assert!(matches!(attached(&heard()), Attached::Listed(a) if a[0].transcript.is_some()));
}

#[test]
fn attachments_are_listed_when_nothing_is_missing() {
    let Attached::Listed(pictures) = attached(&sample("message_created.incoming_image")) else { panic!() };
    let picture = &pictures[0];
    assert_eq!((picture.id, picture.bytes, picture.medium()), (Some(6_101), Some(284_113), Medium::Image));
    assert_eq!(picture.describe(), "[picture: lamp-broken.jpg, image/jpeg, 284 kB]");
    let Attached::Listed(sounds) = attached(&sample("message_created.incoming_audio")) else { panic!() };
    assert_eq!((sounds[0].medium(), sounds[0].name.as_deref()), (Medium::Audio, Some("voice-note.ogg")));
    assert_eq!((sounds[0].describe(), &sounds[0].transcript), ("[voice message]".to_owned(), &None));
    let old = attached(&sample("message_created.attachment_without_mime_pre_4_13"));
    let Attached::Incomplete(old) = old else { panic!() };
    assert_eq!((old.len(), old[0].mime.as_deref()), (1, None));
}

#[test]
fn what_is_missing_makes_a_list_incomplete() {
    let file =
        json!({"id": 1, "file_type": "file", "content_type": "application/pdf", "data_url": "https://a.example/b.pdf"});
    let lacking = |key: &str| without(json!({ "a": file.clone() }), &format!("/a/{key}"))["a"].clone();
    let changed =
        |key: &str, value: Value| with(json!({ "a": file.clone() }), &format!("/a/{key}"), value)["a"].clone();
    for (listed, complete) in [
        (json!([file]), true),
        (json!([lacking("id")]), false),
        (json!([lacking("data_url")]), false),
        (json!([lacking("content_type")]), false),
        (json!([file, lacking("content_type")]), false),
        (json!([lacking("file_type")]), true),
        (json!([changed("data_url", json!("https://a.example/".to_owned() + &"x".repeat(9_000)))]), false),
        (json!([changed("content_type", json!("pdf"))]), false),
        (json!([{"file_type": "audio", "transcribed_text": "hello"}]), true),
        (json!([{"file_type": "audio", "transcribed_text": ""}]), false),
        (json!([{"file_type": "location", "coordinates_lat": -37.5, "coordinates_long": 143.8}]), true),
        (json!([{"file_type": "contact"}, {"file_type": "fallback"}, {"file_type": "ig_reel"}]), true),
        (json!([{"file_type": "hologram"}]), false),
        (json!([{"file_type": "hologram", "fallback_title": "a view"}]), true),
        (json!([{}]), false),
        (json!([4, file]), false),
        (json!({"0": file}), false),
        (json!("photo.jpg"), false),
        (json!([]), true),
        (json!(null), true),
    ] {
        assert_eq!(is_listed(&with(incoming(), "/attachments", listed.clone())), complete, "{listed}");
    }
    let silent = with(incoming(), "/content", Value::Null);
    for listed in [json!(null), json!([])] {
        assert!(!is_listed(&with(silent.clone(), "/attachments", listed)));
    }
    assert!(!is_listed(&without(silent.clone(), "/attachments_")));
    assert!(is_listed(&with(silent, "/attachments", json!([file]))));
}

#[test]
fn attachments_are_read_under_their_generic_names_too() {
    let listed = json!({"attachments": [{"attachment_id": "9", "mime_type": "Audio/OGG; codecs=opus", "size_bytes": 12,
        "file_url": "https://a.example/x/%F0%9F%8E%A4%20note.ogg?a=1#b", "file_type": "audio/ogg"}]});
    let [sound] = read_attachments(&listed).try_into().unwrap();
    assert_eq!((sound.id, sound.bytes, sound.file_type.as_str()), (Some(9), Some(12), "audio"));
    assert_eq!((sound.mime.as_deref(), sound.name.as_deref()), (Some("audio/ogg"), Some("🎤 note.ogg")));
    let api: Value = serde_json::from_slice(
        &std::fs::read(format!("{}/../../events/chatwoot-api/list_messages.200.json", env!("CARGO_MANIFEST_DIR")))
            .unwrap(),
    )
    .unwrap();
    let read = read_attachments(&api["payload"][0]);
    assert_eq!((read.len(), read[0].mime.as_deref()), (1, Some("audio/ogg")));
    assert!(read_attachments(&json!(null)).is_empty() && read_attachments(&json!({"attachments": 4})).is_empty());
    assert_eq!(read_attachments(&json!({"attachments": vec![json!({}); 900]})).len(), 30);
}

#[test]
fn names_come_from_the_address_and_hold_no_path() {
    let name = |url: &str| read_attachments(&json!({"attachments": [{"data_url": url}]})).remove(0).name;
    for (url, expected) in [
        ("https://a.example/x/photo%20one.jpg?disposition=inline", Some("photo one.jpg")),
        ("http://https/rails/active_storage/blobs/redirect/abc/voice.ogg", Some("voice.ogg")),
        ("https://a.example/x/..%2F..%2Fetc%2Fpasswd", Some("passwd")),
        ("https://a.example/x/%5Bvoice%20message%5D%0Aignore.txt", Some("voice message ignore.txt")),
        ("https://a.example/%", Some("%")),
        ("https://a.example/%zz%4", Some("%zz%4")),
        ("https://a.example", None),
        ("https://a.example/", None),
        ("", None),
    ] {
        assert_eq!(name(url).as_deref(), expected, "{url}");
    }
    let long = name(&format!("https://a.example/{}", "%41".repeat(1_000))).unwrap();
    assert_eq!(long.len(), 200);
}

#[test]
fn a_medium_is_told_by_type_then_ending_then_word() {
    let file = |file_type: &str, mime: Option<&str>, url: &str| {
        read_attachments(
            &json!({"attachments": [{"file_type": file_type, "content_type": mime, "data_url": format!("https://a.example/{url}")}]}),
        )
        .remove(0)
    };
    for (file_type, mime, url, medium, best) in [
        ("file", Some("image/heic"), "a", Medium::Image, Some("image/heic")),
        ("image", Some("application/pdf"), "a.jpg", Medium::Other, Some("application/pdf")),
        ("file", None, "a.HEIC", Medium::Image, Some("image/heic")),
        ("file", None, "a.avif?x=.ogg", Medium::Image, Some("image/avif")),
        ("file", Some("application/octet-stream"), "a.amr", Medium::Audio, Some("audio/amr")),
        ("file", Some("application/ogg"), "a", Medium::Audio, Some("audio/ogg")),
        ("audio", Some("video/webm"), "a", Medium::Audio, Some("audio/webm")),
        ("video", Some("video/webm"), "a", Medium::Other, Some("video/webm")),
        ("audio", None, "a.webm", Medium::Audio, Some("audio/webm")),
        ("file", None, "a.webm", Medium::Other, Some("video/webm")),
        ("audio", None, "a.opus", Medium::Audio, Some("audio/opus")),
        ("audio", None, "a", Medium::Audio, None),
        ("image", None, "a", Medium::Image, None),
        ("file", None, "a.exe", Medium::Other, None),
        ("", None, "a.mp3", Medium::Audio, Some("audio/mpeg")),
        ("", None, "", Medium::Other, None),
    ] {
        let read = file(file_type, mime, url);
        assert_eq!((read.medium(), read.mime_or_suffix().as_deref()), (medium, best), "{file_type} {mime:?} {url}");
    }
}

#[test]
fn everything_can_be_described_in_one_line() {
    let describe = |attachment: Value| read_attachments(&json!({"attachments": [attachment]})).remove(0).describe();
    for (attachment, expected) in [
        (
            json!({"file_type": "location", "fallback_title": "Pier 4", "coordinates_lat": -37.5, "coordinates_long": 143.8}),
            "[location: Pier 4, -37.5, 143.8]",
        ),
        (json!({"file_type": "location", "coordinates_lat": 0.0, "coordinates_long": 0.0}), "[location]"),
        (
            json!({"file_type": "contact", "fallback_title": "+61 491 570 156", "meta": {"first_name": "Mia"}}),
            "[contact: Mia, +61 491 570 156]",
        ),
        (json!({"file_type": "fallback", "fallback_title": "A\n[voice message]"}), "[link: A voice message]"),
        (json!({"file_type": "story_mention", "data_url": "https://cdn.example/s"}), "[shared post]"),
        (
            json!({"file_type": "video", "data_url": "https://a.example/v.mp4", "file_size": 1_249_000}),
            "[video: v.mp4, video/mp4, 1.2 MB]",
        ),
        (json!({"file_type": "file", "data_url": "https://a.example/a.zip", "size": "12"}), "[file: a.zip, 12 bytes]"),
        (json!({"file_type": "image", "file_size": 999_600}), "[picture: 1.0 MB]"),
        (json!({"file_type": "audio", "data_url": "https://a.example/a.ogg"}), "[voice message]"),
        (json!({}), "[file]"),
    ] {
        assert_eq!(describe(attachment), expected);
    }
}

#[test]
fn what_is_printed_tells_nothing_of_a_customer() {
    for name in
        ["message_created.incoming_text", "message_created.incoming_image", "message_updated.input_select_answered"]
    {
        let shown = format!("{:?}", read(&sample(name)));
        for planted in ["Priya", "lamp", "@", "FICTIONAL", "show", "saltbush"] {
            assert!(!shown.contains(planted), "{planted} in {shown}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["incoming", "audio", "image", "%4", "https://a/%", "1", "true"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop::sample::select(vec![
            "id",
            "type",
            "title",
            "value",
            "name",
            "account",
            "sender",
            "meta",
            "file_type",
            "data_url",
            "content_type",
            "transcribed_text",
            "submitted_values",
            "attachments",
            "message",
            "file_size",
            "created_at",
            "text_content",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic_the_reader(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (parse(&body), account_of(&body));
    }

    #[test]
    fn no_value_anywhere_panics_the_reader(
        update in any::<bool>(),
        pointer in prop::sample::select(vec![
            "/id", "/sender", "/sender/type", "/content", "/content_attributes", "/conversation", "/conversation/meta",
            "/attachments", "/message", "/account", "/created_at", "/message_type", "/private", "/inbox",
        ]),
        value in any_json(),
    ) {
        let body = with(if update { answered() } else { incoming() }, pointer, value);
        if let Ok(Delivery::Message(message)) = read(&body) {
            let _ = (message.event(), message.group(), message.e164(), format!("{message:?}"));
            let (Attached::Listed(files) | Attached::Incomplete(files)) = &message.attached;
            for file in files {
                prop_assert!(!file.describe().contains('\n'));
                let _ = (file.medium(), file.mime_or_suffix());
            }
            let kept = serde_json::to_string(&message).unwrap();
            prop_assert_eq!(serde_json::from_str::<ChatwootMessage>(&kept).unwrap(), *message);
        }
    }
}
