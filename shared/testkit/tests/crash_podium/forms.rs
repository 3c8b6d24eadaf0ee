//! Messages of the shop's own form: each is at Podium once, in the session once, and answered once, whatever goes wrong while
//! it is shown there, and whatever Podium says of it afterwards.

use std::time::Duration;

use frontdesk_core::{
    flow::podium_worker::ReplyMode, ids::EffectKey, inbox::InboxStatus, keyword::KeywordAnswers, outbox::OutboxState,
    telemetry::Metric, time::Clock,
};
use frontdesk_testkit::{
    dice::Dice,
    world::{Echoes, Fault, Incoming, Plan, World},
};

use super::{HERE, KINDS, Kind, MIA, NOAH, Scenario, USUAL, minutes, run, spread};

/// How Podium takes what it is shown.
#[derive(Clone, Copy, Debug)]
struct Manner {
    echoes: Echoes,
    names: bool,
}

const MANNERS: [Manner; 4] = [
    Manner { echoes: Echoes::Never, names: true },
    Manner { echoes: Echoes::After, names: true },
    Manner { echoes: Echoes::Before, names: true },
    Manner { echoes: Echoes::After, names: false },
];

/// Somebody new asks what a keyword answers.
fn a_question(world: &World) {
    world.visits(MIA, HERE, "do you have kayaks", Duration::ZERO);
}

/// Two messages of one person, who is known to the shop's people by another name.
fn two_questions(world: &World) {
    world.podium.has(MIA, "Mia from the workshop", None);
    world.visits(MIA, HERE, "do you have kayaks", Duration::ZERO);
    world.visits(MIA, HERE, "and red kayaks", minutes(6));
}

/// A message of somebody silent is kept for the staff, who see it at Podium; START in a form changes nothing.
fn somebody_silent(world: &World) {
    world.stops(MIA, Duration::ZERO);
    world.visits(MIA, HERE, "START", minutes(2));
    world.visits(MIA, HERE, "do you have kayaks", minutes(4));
}

/// STOP in a form.
fn a_stop(world: &World) {
    world.visits(MIA, HERE, "hello there", Duration::ZERO);
    world.visits(MIA, HERE, "STOP", minutes(3));
    world.visits(MIA, HERE, "do you have kayaks", minutes(6));
}

/// A conversation goes on by text, is closed for silence, and begins anew in the form.
fn forms_and_texts(world: &World) {
    world.visits(MIA, HERE, "do you have kayaks", Duration::ZERO);
    world.texts_in(MIA, HERE, "red ones if you can", minutes(4));
    world.visits(MIA, HERE, "me again", minutes(70));
}

/// Podium does not answer for two hours.
fn two_hours_without_podium(world: &World) {
    let now = world.clock.now();
    world.podium.down.borrow_mut().push((now.plus(minutes(2)), now.plus(minutes(122))));
    world.visits(MIA, HERE, "before", Duration::ZERO);
    world.visits(NOAH, HERE, "during kayaks", minutes(10));
    world.visits(MIA, HERE, "meanwhile", minutes(60));
}

const SCENARIOS: [Scenario; 6] = [
    ("a question", a_question),
    ("two questions", two_questions),
    ("somebody silent", somebody_silent),
    ("a stop", a_stop),
    ("forms and texts", forms_and_texts),
    ("two hours without Podium", two_hours_without_podium),
];

fn world(kind: Kind, manner: Manner, plan: &Plan) -> World {
    let mut world = super::world(kind, plan);
    world.reply = ReplyMode::Agent(KeywordAnswers::parse(r#"[{"words":["kayaks"],"answer":"Many."}]"#).unwrap());
    world.podium.imports.echoes = manner.echoes;
    world.podium.imports.names = manner.names;
    world
}

fn play(scenario: Scenario, kind: Kind, manner: Manner, plan: &Plan) -> World {
    run(&format!("{} ({manner:?})", scenario.0), kind, plan, world(kind, manner, plan), scenario.1)
}

fn shown(world: &World) -> Vec<String> {
    // Each says in its last line that it comes from the form.
    let words = |text: String| text.rsplit_once("\n[website form; ").map(|(words, _)| words.to_owned());
    world.podium.imports.shown().into_iter().filter_map(|shown| words(shown.what.text)).collect()
}

fn answers(world: &World) -> usize {
    world.podium.said().iter().filter(|s| s.effect.as_str().starts_with("answer#")).count()
}

fn outcomes(world: &World, word: &str) -> usize {
    world.store.look(|t| t.inbox.values().filter(|row| row.outcome.as_deref() == Some(word)).count())
}

#[test]
fn without_faults_a_form_is_at_podium_once_and_answered_once() {
    for scenario in SCENARIOS {
        for kind in KINDS {
            for manner in MANNERS {
                let world = play(scenario, kind, manner, &Plan::new());
                assert!(world.podium.imports.doubled().is_empty(), "{} {kind:?} {manner:?}", scenario.0);
                let echoes = if manner.echoes == Echoes::Never { 0 } else { shown(&world).len() };
                assert_eq!(outcomes(&world, "own_import"), echoes, "{} {kind:?} {manner:?}", scenario.0);
            }
        }
    }
    let world = play(SCENARIOS[0], USUAL, MANNERS[1], &Plan::new());
    assert_eq!((shown(&world), answers(&world)), (vec!["do you have kayaks".to_owned()], 1));
    let key = EffectKey::import(&"widget-1".try_into().unwrap());
    let receipt = world.store.look(|t| t.outbox[&key].state.clone());
    assert!(format!("{receipt:?}").contains("imp-1~c-61491570156-loc-1"), "{receipt:?}");
    let world = play(SCENARIOS[1], USUAL, MANNERS[0], &Plan::new());
    assert_eq!(world.podium.names_overwritten(), 0, "the name that the shop's people gave stays");
    let world = play(SCENARIOS[2], USUAL, MANNERS[1], &Plan::new());
    assert_eq!(shown(&world), ["START", "do you have kayaks"]);
    assert!(world.podium.said().is_empty(), "neither the form nor its echo opens the way to somebody silent");
    assert_eq!(outcomes(&world, "kept_for_staff"), 2);
    let world = play(SCENARIOS[3], USUAL, MANNERS[0], &Plan::new());
    assert_eq!(shown(&world), ["hello there", "do you have kayaks"], "a wish for silence is none of the messages");
    assert_eq!((outcomes(&world, "opted_out"), answers(&world)), (1, 0));
}

/// Mirrored at least once (the world checks it), and a second time only if something went wrong between the call and the end
/// that is written down about it; never in the session twice, never answered twice.
#[test]
fn every_step_of_a_form_goes_wrong_in_every_way() {
    let (mut runs, mut doubled) = (0, 0);
    for scenario in SCENARIOS {
        for kind in KINDS {
            for manner in MANNERS {
                let steps = play(scenario, kind, manner, &Plan::new()).steps() + 10;
                for step in spread(steps, 60) {
                    for fault in Fault::ALL {
                        let plan = Plan::from([(step, fault)]);
                        let world = play(scenario, kind, manner, &plan);
                        let why = format!("{} in {kind:?} {manner:?} with {plan:?}", scenario.0);
                        assert!(answers(&world) <= 2, "{why}: {} answers", answers(&world));
                        for showings in world.podium.imports.doubled() {
                            // The call itself, what its answer says, and the end.
                            let window =
                                |shown: &frontdesk_testkit::world::Shown| shown.step <= step && step <= shown.next + 1;
                            assert!(showings.len() == 2 && showings.iter().any(window), "{why}: shown {showings:?}");
                            doubled += 1;
                        }
                        runs += 1;
                    }
                }
            }
        }
    }
    println!("{runs} runs with one fault, {doubled} messages shown twice");
    assert!(doubled > 0, "a death in the window is played");
}

/// Whoever died after the call left nothing but the echo to say that the message is there.
#[test]
fn an_echo_says_what_a_lost_answer_would_have() {
    let usual = |manner| play(SCENARIOS[0], USUAL, manner, &Plan::new());
    for fault in [Fault::ReplyLost, Fault::CrashAfter] {
        let step = usual(MANNERS[1]).podium.imports.shown()[0].step;
        let plan = Plan::from([(step, fault)]);
        let without = play(SCENARIOS[0], USUAL, MANNERS[0], &plan);
        assert_eq!(shown(&without).len(), 2, "{fault:?}: nobody knew that it was there");
        if fault == Fault::ReplyLost {
            let with = play(SCENARIOS[0], USUAL, MANNERS[1], &plan);
            assert_eq!((shown(&with).len(), answers(&with)), (1, 1), "{fault:?}: its echo came first");
        }
        let early = play(SCENARIOS[0], USUAL, MANNERS[2], &plan);
        assert_eq!((shown(&early).len(), answers(&early)), (1, 1), "{fault:?}: its echo was there already");
    }
}

/// What somebody texts in the words of their own form is theirs: at Podium the form's message says that it is one.
#[test]
fn the_same_words_by_text_are_another_message() {
    for manner in MANNERS {
        let world = world(USUAL, manner, &Plan::new());
        world.visits(MIA, HERE, "do you have kayaks", Duration::ZERO);
        let text = Incoming { usable: false, ..Incoming::sms(MIA, HERE, "do you have kayaks") };
        world.sends(vec![text.clone()], minutes(3));
        // Of somebody else they never were.
        world.sends(vec![Incoming { phone: Some(NOAH.to_owned()), whose: NOAH.to_owned(), ..text }], minutes(4));
        world.run();
        assert_eq!((outcomes(&world, "ingested"), answers(&world)), (3, 2), "{manner:?}");
    }
}

/// A Podium that takes no imports costs its people the sight of the message, and the customer nothing.
#[test]
fn a_refusal_stops_nothing_else() {
    for kind in KINDS {
        for status in [400, 403, 404] {
            let mut world = world(kind, MANNERS[0], &Plan::new());
            world.podium.imports.refuses = Some(status);
            let world = run("a refusal", kind, &Plan::new(), world, a_question);
            assert_eq!(outcomes(&world, "ingested"), 1, "{kind:?}");
            // The briefs' Podium is answered through a conversation, which only the import would have named.
            assert_eq!(answers(&world), 1, "{kind:?}");
            let counted = world.recorder.count_of(Metric::MessageNotMirrored);
            assert_eq!(counted, 1, "{kind:?}: told once");
        }
    }
}

/// Whether a message was shown to the shop's people is no question of whether a customer got one: nobody is told that a text
/// is missing. That its event came to no end has an alarm of its own.
#[test]
fn an_import_that_is_left_behind_is_no_text_that_is_missing() {
    let step = play(SCENARIOS[0], USUAL, MANNERS[0], &Plan::new()).podium.imports.shown()[0].step;
    let world = world(USUAL, MANNERS[0], &Plan::from([(step, Fault::ReplyLost)]));
    world.interrupt(step + 1, |world| {
        let now = world.clock.now();
        world.podium.down.borrow_mut().push((now, now.plus(minutes(60 * 30))));
    });
    a_question(&world);
    world.run();
    let key = EffectKey::import(&"widget-1".try_into().unwrap());
    world.store.look(|tables| {
        let row = &tables.outbox[&key];
        assert!(matches!(row.state, OutboxState::Sending(_)) && row.attention.is_none(), "{row:?}");
        assert!(tables.inbox.values().all(|row| row.status == InboxStatus::Parked));
        assert!(tables.notices.is_empty(), "{:?}", tables.notices);
    });
    assert_eq!(world.recorder.count_of(Metric::MessageUnknown), 0);
    assert_eq!(shown(&world).len(), 1);
}

/// Podium's list shows what we put there. It is nothing that a webhook did not tell.
#[test]
fn the_comparison_of_lists_knows_what_was_shown() {
    for manner in MANNERS {
        let plan = |step: Option<usize>| step.map(|step| (step, Fault::ReplyLost)).into_iter().collect::<Plan>();
        let first = play(SCENARIOS[0], USUAL, manner, &Plan::new()).podium.imports.shown()[0].step;
        for lost in [None, Some(first)] {
            let world = world(USUAL, manner, &plan(lost));
            let now = world.clock.now();
            world.reconciles_from(now.plus(minutes(20)), now.plus(minutes(300)));
            let world = run("a comparison", USUAL, &plan(lost), world, a_question);
            assert_eq!(world.recorder.count_of(Metric::EventRecovered), 0, "{manner:?}, lost: {lost:?}");
            assert_eq!(answers(&world), 1);
        }
    }
}

#[test]
fn seeded_triples_among_forms_and_texts() {
    let base: u64 = std::env::var("FRONTDESK_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_261_121);
    for seed in base..base + 1_000 {
        let mut dice = Dice::seeded(seed);
        let plan: Plan = (0..3).map(|_| (dice.roll(160), Fault::ALL[dice.roll(6)])).collect();
        let (kind, manner) = (KINDS[dice.roll(4)], MANNERS[dice.roll(4)]);
        let busy = move |world: &World| {
            let mut dice = Dice(seed.wrapping_mul(37) | 1);
            for n in 0..5 {
                let phone = [MIA, NOAH][dice.roll(2)];
                let after = minutes(u64::try_from(dice.roll(70)).unwrap());
                match dice.roll(6) {
                    0 => world.stops(phone, after),
                    1 => world.starts(phone, after),
                    2 => world.texts_in(phone, HERE, &format!("text {n} of {seed}"), after),
                    3 => world.writes(phone, HERE, &format!("chat {n} of {seed}"), after),
                    _ => world.visits(phone, [HERE, "loc-2"][dice.roll(2)], &format!("kayaks {n} of {seed}"), after),
                }
            }
        };
        let name = format!("seed {seed} {manner:?}");
        run(&name, kind, &plan, world(kind, manner, &plan), busy);
    }
}
