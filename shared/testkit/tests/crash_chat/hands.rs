//! In whose hands a conversation is, and how it gets into people's; and what keeps the assistant from running on.

use std::time::Duration;

use frontdesk_core::{
    agent::{Extras, ModelFailure, Thought},
    chat::Target,
    outbound::Article,
};
use frontdesk_testkit::world::{Call, PostFault, World};
use serde_json::json;

use super::{calm, play, secs};

fn thinks(world: &World) -> usize {
    world.chatwoot.count(|c| *c == Call::Think)
}

#[test]
fn people_who_have_the_conversation_are_not_interrupted() {
    for (status, person) in
        [("open", true), ("open", false), ("pending", true), ("resolved", false), ("snoozed", false)]
    {
        // Before it was written; between its arrival and its answer.
        for after in [0, 2] {
            let mut world = calm();
            world.chatwoot.assistant.debounce = secs(4);
            let world = play(&format!("{status} {person} {after}"), world, |w| {
                w.later(secs(after), move |w| w.changes_hands(1, status, person));
                w.asks(1, "q1 hello", secs(1));
            });
            assert_eq!((world.chatwoot.posts(1).len(), thinks(&world)), (0, 0), "{status} {person} {after}");
            assert_eq!(world.end_of_message(88_001).as_deref(), Some("left_to_people"));
        }
    }
    // A conversation that is open and nobody's may be set to be answered.
    let mut world = calm();
    world.chatwoot.assistant.post.open_too = true;
    let world = play("open too", world, |w| {
        w.changes_hands(1, "open", false);
        w.asks(1, "q1 hello", secs(1));
    });
    assert_eq!(world.chatwoot.posts(1).len(), 1);
}

#[test]
fn an_answer_that_had_to_wait_is_dropped_when_people_took_over() {
    for fault in [PostFault::Throttled, PostFault::Flooded] {
        let world = play("took over", calm(), |w| {
            w.chatwoot.post_faults.borrow_mut().push_back(fault);
            w.asks(1, "q1 hello", Duration::ZERO);
            w.later(secs(20), |w| w.changes_hands(1, "open", true));
        });
        assert_eq!(world.chatwoot.posts(1).len(), 0, "{fault:?}");
        assert_eq!(world.end_of_message(88_001).as_deref(), Some("left_to_people"));
    }
}

#[test]
fn what_chatwoot_does_not_want_now_is_posted_later_and_once() {
    for fault in [PostFault::Throttled, PostFault::Flooded] {
        for may_read in [true, false] {
            let mut world = calm();
            world.chatwoot.may_read = may_read;
            let world = play("later", world, |w| {
                w.chatwoot.post_faults.borrow_mut().extend([fault, PostFault::Fine]);
                w.asks(1, "q1 hello", Duration::ZERO);
                w.asks(1, "q2 hello", secs(1));
            });
            let posts = world.chatwoot.posts(1);
            assert_eq!(
                posts.iter().map(|p| p.contains("q1")).collect::<Vec<_>>(),
                [true, false],
                "{fault:?} {posts:?}"
            );
            assert_eq!(world.chatwoot.conversation(1).status, "pending");
            assert!(world.chatwoot.waits.borrow().is_empty(), "nobody sleeps that long");
        }
    }
}

fn course(world: &World) -> Vec<&'static str> {
    let named = world.chatwoot.calls().iter().map(Call::name).collect::<Vec<_>>();
    named.into_iter().filter(|name| ["post", "note", "knows", "assign", "open"].contains(name)).collect()
}

type Script = Vec<Result<Thought, ModelFailure>>;

#[test]
fn a_hand_off_has_its_order() {
    let world = play("known", calm(), |w| w.asks(1, "q1 a person please", Duration::ZERO));
    assert_eq!(course(&world), ["knows", "assign", "post", "note", "open"]);
    let conversation = world.chatwoot.conversation(1);
    assert_eq!((conversation.status, conversation.target), ("open", Some(Target::Team(5))));

    let mut world = calm();
    world.chatwoot.assistant.target = Some(Target::Agent(99));
    let world = play("unknown", world, |w| w.asks(1, "q1 a person please", Duration::ZERO));
    assert_eq!(course(&world), ["post", "note", "knows", "open"], "an unknown one is never sent");

    let mut world = calm();
    world.chatwoot.assistant.target = Some(Target::Team(99));
    let world = play("unknown team", world, |w| w.asks(1, "q1 a person please", Duration::ZERO));
    assert_eq!(course(&world), ["knows", "post", "note", "open"]);

    // A person is named after the words: with an assignment Chatwoot may open the conversation.
    let mut world = calm();
    world.chatwoot.assistant.target = Some(Target::Agent(3));
    world.chatwoot.known.push(Target::Agent(3));
    let world = play("a person", world, |w| w.asks(1, "q1 a person please", Duration::ZERO));
    assert_eq!(course(&world), ["post", "note", "knows", "assign", "open"]);

    let mut world = calm();
    world.chatwoot.assistant.target = None;
    let world = play("nobody", world, |w| w.asks(1, "q1 a person please", Duration::ZERO));
    assert_eq!(course(&world), ["post", "note", "open"]);

    // What is theirs stays theirs; given back, it is answered again, and nothing is introduced twice.
    let world = play("given back", calm(), |w| {
        w.asks(1, "q1 a person please", Duration::ZERO);
        w.asks(1, "q2 hello", secs(60));
        w.later(secs(100), |w| w.changes_hands(1, "pending", false));
        w.asks(1, "q3 hello", secs(120));
    });
    let posts = world.chatwoot.posts(1);
    assert!(posts.len() == 2 && posts[1].contains("q3"), "{posts:?}");
}

#[test]
fn without_an_answer_people_are_asked() {
    let said = |text: &str| Ok(Thought::Said(text.to_owned()));
    let unknown = json!({"text": "this one", "product_ids": ["77"]}).to_string();
    let scripts: Vec<(&str, Script, usize)> = vec![
        ("refused", vec![Ok(Thought::Refused)], 1),
        ("empty", vec![Ok(Thought::Empty)], 1),
        ("says nothing", vec![said(r#"{"text": ""}"#)], 1),
        ("cut off", vec![Ok(Thought::CutOff)], 1),
        ("no form", vec![said("hello"), said("hello again")], 2),
        ("invented products", vec![said(&unknown), said(&unknown)], 2),
        ("a form and no words", vec![said(r#"{"text": "", "form": true}"#)], 1),
        ("fails", (0..3).map(|_| Err(ModelFailure::Transient { detail: "503".into() })).collect(), 3),
        ("filtered", vec![Err(ModelFailure::Refused { detail: "filter".into() })], 1),
    ];
    for (name, script, steps) in scripts {
        let world = play(name, calm(), |w| {
            w.chatwoot.thoughts.borrow_mut().extend(script.clone());
            w.asks(1, "q1 hello", Duration::ZERO);
        });
        assert_eq!(
            (thinks(&world), course(&world)),
            (steps, vec!["knows", "assign", "post", "note", "open"]),
            "{name}"
        );
        assert!(world.chatwoot.posts(1)[0].contains("passing you on to a person"), "{name}");
    }
    // One slip is forgiven, and so is a moment's failure.
    for slip in [said("not json"), Err(ModelFailure::Transient { detail: "503".into() })] {
        let world = play("a slip", calm(), |w| {
            w.chatwoot.thoughts.borrow_mut().push_back(slip.clone());
            w.chatwoot.thoughts.borrow_mut().push_back(said(r#"{"text": "re: q1"}"#));
            w.asks(1, "q1 hello", Duration::ZERO);
        });
        assert!(world.chatwoot.posts(1)[0].contains("re: q1"));
    }
}

/// Nobody can fill in a form in a chat, whatever the model says.
#[test]
fn articles_are_posted_in_words_and_a_form_is_not_known() {
    let returns = Article {
        id: "returns".into(),
        title: "Returns".into(),
        description: "How to send something back.".into(),
        link: "https://shop.example.test/returns".into(),
    };
    let mut world = calm();
    world.chatwoot.assistant.extras = Extras { articles: vec![returns], form: false };
    let world = play("articles", world, |w| {
        let said = json!({"text": "re: q1", "article_ids": ["returns", "gone"], "form": true}).to_string();
        w.chatwoot.thoughts.borrow_mut().push_back(Ok(Thought::Said(said)));
        w.asks(1, "q1 hello", Duration::ZERO);
    });
    let posts = world.chatwoot.posts(1);
    let shown = "re: q1\n\n1. Returns\nHow to send something back.\nhttps://shop.example.test/returns";
    assert!(posts.len() == 1 && posts[0].ends_with(shown), "{posts:?}");
    assert_eq!(world.end_of_message(88_001).as_deref(), Some("answered"));
}

#[test]
fn without_money_the_model_is_left_alone_for_a_while() {
    let world = play("no money", calm(), |w| {
        let gone = ModelFailure::MoneyGone { detail: "insufficient_quota".into() };
        w.chatwoot.thoughts.borrow_mut().push_back(Err(gone));
        for n in 2..=4 {
            w.opens_chat(n, "Channel::WebWidget", None);
        }
        w.asks(1, "q1 hello", Duration::ZERO);
        w.asks(2, "q1 hello", secs(10));
        w.asks(3, "q1 hello", secs(290));
        w.asks(4, "q1 hello", secs(310));
    });
    assert_eq!(thinks(&world), 2, "the first, and the one after the breaker's time");
    let statuses: Vec<&str> = (1..=4).map(|n| world.chatwoot.conversation(n).status).collect();
    assert_eq!(statuses, ["open", "open", "open", "pending"]);
    assert!(world.chatwoot.posts(4)[0].contains("re: q1"));
    assert!(world.people.told().iter().any(|t| t.notice.content.headline.contains("no money")));
    assert_eq!(world.store.tables().notices.len(), 1, "told once a day");
}

#[test]
fn its_own_messages_end_at_once() {
    let world = play("loop", calm(), |w| {
        w.asks(1, "q1 show me lamps", Duration::ZERO);
        w.asks(1, "q2 a person please", secs(60));
    });
    let conversation = world.chatwoot.conversation(1);
    let ours = conversation.posts().len() + conversation.notes().len();
    assert!(ours >= 4, "each came back as a webhook");
    assert_eq!(world.chatwoot.statuses.borrow().len(), ours + 2);
    assert_eq!(world.store.tables().inbox.len(), 2, "and none of them got any further");
}

#[test]
fn two_programs_that_talk_to_each_other_are_stopped() {
    for debounce in [0, 2] {
        let mut world = calm();
        world.chatwoot.bot_customer = true;
        world.chatwoot.assistant.answers_per_hour = 20;
        world.chatwoot.assistant.debounce = secs(debounce);
        let world = play("two programs", world, |w| w.asks(1, "q1 hello", Duration::ZERO));
        assert_eq!(world.chatwoot.posts(1).len(), 21, "twenty answers and a hand-off");
        assert_eq!(world.chatwoot.conversation(1).status, "open");
    }
}
