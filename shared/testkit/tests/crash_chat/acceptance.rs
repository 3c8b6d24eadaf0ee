//! The acceptance checks of the Chatwoot brief, through the endpoint with real signatures and the worker.

use std::time::Duration;

use frontdesk_core::time::Clock;
use frontdesk_testkit::world::{Call, Kept, PostFault, Utterance, World};
use serde_json::json;

use super::{calm, play, secs};

fn outgoing(text: &str) -> Kept {
    Kept {
        id: 500,
        text: text.into(),
        incoming: false,
        private: false,
        marker: None,
        post: None,
        attachments: Vec::new(),
        at: calm().clock.now(),
        ours: true,
    }
}

#[test]
fn acceptance_1_a_customers_message_is_processed() {
    let world = play("1", calm(), |w| w.asks(1, "q1 do you deliver", Duration::ZERO));
    assert_eq!(world.chatwoot.posts(1), ["You are chatting with a machine.\n\nre: q1"]);
    assert_eq!(world.end_of_message(88_001).as_deref(), Some("answered"));
    let calls = world.chatwoot.calls();
    let typing = |on| calls.iter().position(|c| *c == Call::Typing(on)).unwrap();
    assert!(typing(true) < typing(false), "the indicator is shown and hidden again");
}

#[test]
fn acceptance_2_an_agents_message_is_ignored() {
    let world = play("2", calm(), |w| {
        for (kind, private) in [("user", false), ("agent", false), ("agent_bot", false), ("user", true)] {
            let kept = Kept { private, ..outgoing("q1 anybody") };
            w.chatwoot_delivers(&w.body("message_created", 1, &kept, &json!({"id": 3, "type": kind})), secs(1), true);
        }
        // Even if it claims to be incoming.
        let mut body = w.body("message_created", 1, &outgoing("q2"), &json!({"id": 3, "type": "user"}));
        body["message_type"] = json!("incoming");
        w.chatwoot_delivers(&body, secs(2), true);
        // Neither a greeting of Chatwoot's.
        let mut body = w.body("message_created", 1, &outgoing("q3"), &json!(null));
        body["message_type"] = json!("template");
        w.chatwoot_delivers(&body, secs(3), true);
    });
    assert!(world.chatwoot.posts(1).is_empty() && world.chatwoot.calls().is_empty());
    assert_eq!(*world.chatwoot.statuses.borrow(), [Some(200); 6]);
    assert!(world.store.tables().inbox.is_empty(), "nothing is kept of it");
}

#[test]
fn acceptance_3_missing_attachment_metadata_is_fetched() {
    for hidden in [true, false] {
        let picture = Utterance::file("image", "image/png", "https://chat.example.test/cat.png");
        let what = Utterance { hidden, untyped: true, ..picture };
        let world = play("3", calm(), |w| w.utters(1, what.clone(), Duration::ZERO));
        assert_eq!(world.chatwoot.count(|c| *c == Call::Attachments(88_001)), 1, "hidden: {hidden}");
        assert_eq!(world.chatwoot.count(|c| *c == Call::Load("https://chat.example.test/cat.png".into())), 1);
        assert_eq!(world.chatwoot.posts(1).len(), 1);
    }
}

#[test]
fn acceptance_4_a_voice_message_is_written_down_and_answered() {
    let world = play("4", calm(), |w| {
        w.chatwoot.transcripts.borrow_mut().push_back(Ok("q1 have you got boats".into()));
        w.utters(1, Utterance::file("audio", "audio/mpeg", "https://chat.example.test/v.mp3"), Duration::ZERO);
    });
    let calls = world.chatwoot.calls();
    let at = |like: &Call| calls.iter().position(|c| c == like).unwrap_or_else(|| panic!("{like:?} in {calls:?}"));
    assert!(at(&Call::Load("https://chat.example.test/v.mp3".into())) < at(&Call::Transcribe("audio/mpeg".into())));
    assert!(at(&Call::Transcribe("audio/mpeg".into())) < at(&Call::Think));
    assert!(world.chatwoot.posts(1)[0].contains("re: q1"), "the transcript is what was asked");
    let notes = world.chatwoot.conversation(1).notes().iter().map(|n| n.text.clone()).collect::<Vec<_>>();
    assert!(notes.len() == 1 && notes[0].contains("q1 have you got boats"), "people can read it: {notes:?}");
}

#[test]
fn acceptance_5_products_are_a_clickable_list_where_there_are_no_cards() {
    for (channel, cards) in [("Channel::Sms", 0), ("Channel::Whatsapp", 0), ("Channel::WebWidget", 1)] {
        let world = play(channel, calm(), |w| {
            w.opens_chat(1, channel, None);
            w.asks(1, "q1 show me lamps", Duration::ZERO);
        });
        assert_eq!(world.interactive_posts(1), cards, "{channel}");
        let all = world.chatwoot.posts(1).join("\n");
        for part in ["Brass lamp 11", "129.95 AUD", "in stock", "brass", "https://shop.example.test/product/lamp-12"] {
            assert!(all.contains(part), "{channel}: {part:?} is not in {all:?}");
        }
    }
    // Where cards are refused after all, the list follows at once.
    let world = play("refused cards", calm(), |w| {
        let fine = PostFault::Fine;
        w.chatwoot.post_faults.borrow_mut().extend([fine, PostFault::Refused(422)]);
        w.asks(1, "q1 show me lamps", Duration::ZERO);
    });
    let posts = world.chatwoot.posts(1);
    assert!(posts.len() == 2 && posts[1].contains("lamp-12"), "{posts:?}");
    assert_eq!(world.interactive_posts(1), 0);
}

fn posts_tried(world: &World) -> usize {
    world.chatwoot.count(|c| matches!(c, Call::Post(_)))
}

fn waits(world: &World) -> Vec<u64> {
    world.chatwoot.waits.borrow().iter().map(Duration::as_secs).collect()
}

fn posting(faults: &[PostFault]) -> World {
    play(&format!("{faults:?}"), calm(), |w| {
        w.chatwoot.post_faults.borrow_mut().extend(faults);
        w.asks(1, "q1 do you deliver", Duration::ZERO);
    })
}

#[test]
fn acceptance_6_a_post_is_tried_again_after_one_and_three_seconds() {
    let world = posting(&[PostFault::Server(502), PostFault::Lost, PostFault::Fine]);
    assert_eq!((waits(&world), posts_tried(&world), world.chatwoot.posts(1).len()), (vec![1, 3], 3, 1));
    let course: Vec<&str> = world.chatwoot.calls().iter().map(Call::name).collect();
    let course: Vec<&str> = course.into_iter().filter(|name| ["post", "look"].contains(name)).collect();
    assert_eq!(course, ["post", "look", "post", "look", "post"], "looked for before it is repeated");

    for done in [PostFault::Done, PostFault::ServerDone(502), PostFault::Late(secs(1))] {
        let world = posting(&[PostFault::Server(502), done]);
        assert_eq!((waits(&world), posts_tried(&world), world.chatwoot.posts(1).len()), (vec![1, 3], 2, 1), "{done:?}");
    }
    // The last one shows within the terminal window.
    for done in [PostFault::Done, PostFault::Late(secs(8))] {
        let world = posting(&[PostFault::Server(500), PostFault::Server(503), done]);
        assert_eq!((waits(&world), posts_tried(&world)), (vec![1, 3, 10], 3), "{done:?}");
        assert_eq!(world.end_of_message(88_001).as_deref(), Some("answered"), "{done:?}");
    }
    for gone in [PostFault::Lost, PostFault::Server(502)] {
        let world = posting(&[gone; 3]);
        assert_eq!((waits(&world), posts_tried(&world)), (vec![1, 3, 10], 3), "{gone:?}");
        let end = world.end_of_message(88_001).unwrap();
        assert!(end.starts_with("ERR_CHAT_003"), "{end}");
        assert_eq!(world.chatwoot.conversation(1).status, "open");
        assert!(world.people.told().iter().any(|t| t.notice.content.headline.contains("no answer")));
        assert_eq!(world.store.tables().notices.len(), 1);
    }
    // Nothing that a fourth attempt would change.
    for status in [400, 401, 404, 422] {
        let world = posting(&[PostFault::Refused(status)]);
        assert_eq!((waits(&world), posts_tried(&world), world.chatwoot.conversation(1).status), (vec![], 1, "open"));
    }
}

#[test]
fn acceptance_6_where_nobody_may_look_silence_is_not_repeated() {
    let blind = || {
        let mut world = calm();
        world.chatwoot.may_read = false;
        world
    };
    for (faults, posts, code) in [
        (vec![PostFault::Lost], 0, Some("ERR_CHAT_004")),
        (vec![PostFault::Done], 1, Some("ERR_CHAT_004")),
        (vec![PostFault::Server(502), PostFault::Fine], 1, None),
        (vec![PostFault::Server(502); 3], 0, Some("ERR_CHAT_003")),
        (vec![PostFault::NotReached, PostFault::NotReached], 1, None),
        (vec![PostFault::NotReached; 3], 0, Some("ERR_CHAT_003")),
    ] {
        let world = play(&format!("blind {faults:?}"), blind(), |w| {
            w.chatwoot.post_faults.borrow_mut().extend(faults.clone());
            w.asks(1, "q1 do you deliver", Duration::ZERO);
        });
        assert_eq!(world.chatwoot.posts(1).len(), posts, "{faults:?}");
        let end = world.end_of_message(88_001).unwrap();
        assert!(code.map_or(end == "answered", |code| end.starts_with(code)), "{faults:?}: {end}");
        assert_eq!(world.chatwoot.conversation(1).status == "open", code.is_some(), "{faults:?}");
    }
}

#[test]
fn acceptance_7_a_duplicate_is_skipped() {
    let world = play("7", calm(), |w| {
        w.sends_now(1, &Utterance::of("q1 hello"), &[Duration::ZERO, Duration::ZERO, secs(2), secs(3_600 * 23)]);
    });
    assert_eq!(world.chatwoot.posts(1).len(), 1);
    assert_eq!(world.chatwoot.count(|c| *c == Call::Think), 1);
    // Two ids of the sender's, one message.
    let world = play("event ids", calm(), |w| {
        let id = w.sends_now(1, &Utterance::of("q1 hello"), &[]);
        let message = w.chatwoot.conversation(1).messages.into_iter().find(|m| m.id == id).unwrap();
        for after in [0, 5] {
            let mut body = w.body("message_created", 1, &message, &json!(null));
            body["event_id"] = json!("ev-1");
            w.chatwoot_delivers(&body, secs(after), true);
        }
    });
    assert_eq!((world.chatwoot.posts(1).len(), world.store.tables().inbox.len()), (1, 1));
}

#[test]
fn acceptance_8_without_a_valid_signature_nothing_is_processed() {
    let world = play("8", calm(), |w| {
        let id = w.sends_now(1, &Utterance::of("q1 hello"), &[]);
        let message = w.chatwoot.conversation(1).messages.into_iter().find(|m| m.id == id).unwrap();
        w.chatwoot_delivers(&w.body("message_created", 1, &message, &json!(null)), secs(1), false);
    });
    assert_eq!(*world.chatwoot.statuses.borrow(), [Some(401)]);
    let tables = world.store.tables();
    assert!(tables.inbox.is_empty() && tables.chats.is_empty() && tables.writes == 0, "not even a mark of it");
    assert!(world.chatwoot.calls().is_empty());
}
