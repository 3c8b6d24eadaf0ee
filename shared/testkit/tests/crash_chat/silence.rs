//! Who wants no messages gets none, whoever dies when; and what may mean that is left to people.

use std::time::Duration;

use frontdesk_testkit::world::{Call, Fault, Plan, PostFault, Utterance, World};

use super::{calm, play, secs};

fn stopping(phone: Option<&str>, plan: &Plan, at: Option<usize>) -> World {
    let mut world = World::assisting(plan.clone());
    world.chatwoot.assistant.debounce = secs(0);
    let phone = phone.map(str::to_owned);
    play(&format!("a stop of {phone:?} at {at:?} with {plan:?}"), world, move |w| {
        w.opens_chat(1, "Channel::WebWidget", phone.as_deref());
        w.asks(1, "q1 show me lamps", Duration::ZERO);
        match at {
            Some(step) => w.interrupt(step, |w| {
                w.sends_now(1, &Utterance::of("STOP"), &[Duration::ZERO]);
            }),
            None => w.asks(1, "STOP", secs(1)),
        }
        // Somebody answered them, and gave the conversation back.
        w.later(secs(3_600), |w| w.changes_hands(1, "pending", false));
        w.asks(1, "q2 still there", secs(4_000));
    })
}

/// The last question came long after the STOP.
fn is_silent(world: &World, name: &str) {
    let stop_known = world.store.look(|t| {
        t.contacts.values().any(|c| c.opted_out().is_some())
            || t.chats.values().any(|row| row.saved.as_ref().is_some_and(|saved| saved.state.silenced))
    });
    // One that comes while the last question is being answered may be overtaken; the world itself looks at the times.
    let messages = world.chatwoot.conversation(1).messages;
    let at = |text: &str| messages.iter().position(|m| m.incoming && m.text.contains(text));
    let stop_known = stop_known && at("STOP") < at("q2");
    let answered = world.chatwoot.posts(1).iter().any(|post| post.contains("q2"));
    assert!(!(stop_known && answered), "{name}: answered after a STOP");
}

#[test]
fn after_a_stop_nothing_is_posted() {
    let mut runs = 0;
    for phone in [Some("+61491570156"), None] {
        let world = stopping(phone, &Plan::new(), None);
        is_silent(&world, "calm");
        let conversation = world.chatwoot.conversation(1);
        assert_eq!(conversation.status, "open", "people see it");
        assert!(conversation.notes().len() >= 2, "that somebody asked for silence, and that they wrote again");
        let steps = world.steps() + 4;
        for step in 0..steps {
            for fault in Fault::ALL {
                let world = stopping(phone, &Plan::from([(step, fault)]), None);
                is_silent(&world, &format!("{phone:?} {step} {fault:?}"));
                runs += 1;
            }
            // It arrives between any two steps.
            let world = stopping(phone, &Plan::new(), Some(step));
            is_silent(&world, &format!("{phone:?} at {step}"));
            let world = stopping(phone, &Plan::from([(step + 1, Fault::CrashAfter)]), Some(step));
            is_silent(&world, &format!("{phone:?} at {step}, and a crash"));
            runs += 2;
        }
    }
    println!("{runs} runs with a STOP");
}

#[test]
fn a_stop_between_attempts_ends_them() {
    let world = play("between", calm(), |w| {
        w.chatwoot.post_faults.borrow_mut().extend([PostFault::Server(502), PostFault::Fine]);
        w.asks(1, "q1 do you deliver", Duration::ZERO);
        w.asks(1, "STOP", Duration::from_millis(500));
    });
    assert!(world.chatwoot.posts(1).is_empty(), "{:?}", world.chatwoot.posts(1));
    assert_eq!(world.chatwoot.count(|c| matches!(c, Call::Post(_))), 1);
}

#[test]
fn a_start_ends_the_silence() {
    for phone in [Some("+61491570156"), None] {
        let world = play("start", calm(), |w| {
            w.opens_chat(1, "Channel::WebWidget", phone);
            w.asks(1, "STOP", Duration::ZERO);
            w.asks(1, "q1 hello", secs(60));
            w.later(secs(100), |w| w.changes_hands(1, "pending", false));
            w.asks(1, "START", secs(120));
            w.asks(1, "q2 hello again", secs(180));
        });
        let posts = world.chatwoot.posts(1);
        assert!(
            posts.iter().any(|p| p.contains("q2")) && !posts.iter().any(|p| p.contains("q1")),
            "{phone:?}: {posts:?}"
        );
    }
}

#[test]
fn an_unclear_wish_is_left_to_people() {
    for text in ["stop it already", "leave me alone you bot", "no more please"] {
        let world = play(text, calm(), |w| w.asks(1, text, Duration::ZERO));
        let conversation = world.chatwoot.conversation(1);
        assert!(conversation.posts().is_empty(), "{text}: {:?}", world.chatwoot.posts(1));
        assert_eq!((conversation.status, conversation.notes().len()), ("open", 1), "{text}");
    }
}

#[test]
fn whoever_opted_out_before_is_not_answered() {
    let world = play("before", calm(), |w| {
        w.opts_out("+61491570156", Duration::ZERO);
        w.asks(1, "q1 hello", secs(100));
    });
    let conversation = world.chatwoot.conversation(1);
    assert_eq!((conversation.posts().len(), conversation.notes().len(), conversation.status), (0, 1, "open"));
    assert_eq!(world.chatwoot.count(|c| *c == Call::Think), 0);
}
