//! A day on which our endpoints do not answer for eight hours, and nothing is sent again, ends like one without.

use std::{collections::BTreeSet, fmt::Write, time::Duration};

use frontdesk_core::{contact::Direction, request::RequestStatus, time::DAY};
use frontdesk_testkit::world::{Fault, GENESIS, Incoming, Plan, Review, World};

use super::{MIA, NOAH, minutes, named};

const ZOE: &str = "+61491570158";
const PIA: &str = "+61491570159";
const HOUR: Duration = Duration::from_secs(3_600);
/// When the day begins.
const DAWN: Duration = Duration::from_secs(6 * 86_400);

fn at(hours: u32, minute: u64) -> Duration {
    DAWN + HOUR * hours + minutes(minute)
}

fn review(world: &World, uid: &'static str, stars: u8, invite: Option<&'static str>, after: Duration) {
    world.later(after, move |world| {
        let review = Review {
            uid: uid.into(),
            stars,
            text: format!("what {uid} thinks"),
            changed_at: GENESIS.plus(after),
            invite: invite.map(str::to_owned),
        };
        world.books_review(&review);
        world.says_of_review(&format!("hook-{uid}"), &review);
    });
}

/// What happens on the day: everything between one and nine o'clock is not told us.
fn a_day(world: &World) {
    // Asked on the fifth day; the review comes while we are away.
    world.ships(1, PIA, 1);
    world.later(at(0, 10), |world| world.ships(2, MIA, 1));
    world.later(at(2, 0), |world| world.ships(3, NOAH, 1));
    world.refunds(2, at(2, 30));
    world.sends(vec![Incoming::webchat(ZOE, "loc-1", "do you have kayaks")], at(3, 0));
    world.sends(vec![Incoming::webchat(ZOE, "loc-1", "blue ones")], at(3, 5));
    world.later(at(3, 30), |world| world.ships(4, ZOE, 2));
    world.stops(NOAH, at(4, 0));
    review(world, "rev-pia", 2, Some("i1"), at(5, 0));
    review(world, "rev-other", 5, None, at(5, 30));
    review(world, "rev-third", 3, None, at(6, 0));
    review(world, "rev-bad", 1, None, at(8, 59));
    world.stops(PIA, at(7, 0));
    // And after it.
    world.later(at(10, 0), |world| world.ships(5, "+61491570110", 1));
    review(world, "rev-late", 1, None, at(11, 0));
}

fn world(outage: bool, plan: &Plan) -> World {
    let world = World::chatting(plan.clone());
    if outage {
        world.outages.borrow_mut().push((GENESIS.plus(at(1, 0)), GENESIS.plus(at(9, 0))));
    }
    world.reconciles_from(GENESIS.plus(at(0, 0)), GENESIS.plus(at(16, 0)));
    a_day(&world);
    world
}

/// Everything that has to be the same, whatever way it was heard.
fn state(world: &World) -> String {
    let tables = world.store.tables();
    let mut state = String::new();
    for (key, row) in &tables.requests {
        writeln!(state, "{} {:?} {:?} {}", key.order, row.status, row.end, row.reviewed_at.is_some()).unwrap();
    }
    for (phone, contact) in &tables.contacts {
        let out: Vec<_> =
            contact.opt_outs.iter().filter(|(_, r)| r.direction == Direction::Out).map(|(f, _)| f).collect();
        let held = contact.cooldown.as_ref().map(|c| &c.holder);
        writeln!(state, "{} {out:?} {held:?} {}", phone.expose(), contact.podium.is_some()).unwrap();
    }
    for (uid, record) in &tables.reviews {
        writeln!(state, "{uid} {:?} {:?} {:?}", record.rating, record.order, record.changed_at).unwrap();
    }
    let notices: BTreeSet<_> = tables.notices.keys().map(|k| k.as_str().to_owned()).collect();
    writeln!(state, "{notices:?}").unwrap();
    for (key, row) in &tables.sessions {
        let answers = row.session.answers.iter().chain(&row.session.kept).map(|a| a.text.clone());
        let answers: Vec<_> = answers.collect();
        writeln!(state, "{} {:?} {answers:?}", key.phone.expose(), row.session.status).unwrap();
    }
    let texted: BTreeSet<_> = world.texts().iter().map(|t| (t.phone.clone(), t.effect.clone())).collect();
    writeln!(state, "{texted:?}").unwrap();
    state
}

/// Compares states by their lines.
fn same(world: &World, calm: &str) {
    same_but(world, calm, |_| true);
}

/// The same where the words of a conversation may be in a note instead: that none is lost is checked for itself.
fn same_but_for_words(world: &World, calm: &str) {
    same_but(world, calm, |line| !line.contains("Closed"));
}

fn same_but(world: &World, calm: &str, counts: impl Fn(&str) -> bool) {
    let kept = |state: &str| state.lines().filter(|l| counts(l)).fold(String::new(), |all, l| all + l + "\n");
    let (state, calm) = (kept(&state(world)), &kept(calm));
    let only =
        |a: &str, b: &str| a.lines().filter(|l| !b.lines().any(|m| m == *l)).map(str::to_owned).collect::<Vec<_>>();
    let (here, there) = (only(&state, calm), only(calm, &state));
    assert!(here.is_empty() && there.is_empty(), "the day ended as\n{here:#?}\ninstead of\n{there:#?}");
}

fn play(outage: bool, plan: &Plan) -> World {
    named(&format!("outage {outage} with {plan:?}"), || {
        let world = world(outage, plan);
        world.run();
        world.assert_guarantees();
        world.assert_chats();
        world
    })
}

#[test]
fn a_day_with_an_outage_ends_like_one_without() {
    let calm = state(&play(false, &Plan::new()));
    for line in ["2 Skipped", "3 Skipped", "4 Sent", "rev-bad", "kayaks", "5 Sent"] {
        assert!(calm.contains(line), "the day itself lacks {line}: {calm}");
    }
    let world = world(true, &Plan::new());
    // The comparison ends a request whose money went back; it does not wait for the hour of the send.
    world.later(at(10, 30), |world| assert_eq!(world.status_of(2), Some(RequestStatus::Skipped)));
    world.run();
    assert!(world.refused() > 8, "only {} webhooks were refused", world.refused());
    same(&world, &calm);
    // What comes late after all changes nothing.
    let (texts, said, told) = (world.texts().len(), world.podium.said().len(), world.people.told().len());
    world.refused_come_late();
    world.run();
    same(&world, &calm);
    assert_eq!((world.texts().len(), world.podium.said().len()), (texts, said), "somebody was written to again");
    assert_eq!(world.people.told().len(), told, "people were told again");
}

#[test]
fn without_the_comparison_the_day_is_lost() {
    let calm = state(&play(false, &Plan::new()));
    let world = world(true, &Plan::new());
    world.reconciles_from(GENESIS.plus(DAY * 100), GENESIS);
    world.run();
    assert_ne!(state(&world), calm, "the outage is none");
}

#[test]
fn every_step_goes_wrong_in_every_way() {
    let calm = state(&play(false, &Plan::new()));
    let begin = {
        let world = world(true, &Plan::new());
        world.run_for(at(8, 50));
        world.steps()
    };
    let end = {
        let world = world(true, &Plan::new());
        world.run_for(at(12, 0));
        world.steps() + 10
    };
    let mut runs = 0;
    for step in begin..end {
        // All of them at the steps of the first comparison, one in turn at the later ones.
        for fault in Fault::ALL {
            let plan = Plan::from([(step, fault)]);
            let world = play(true, &plan);
            named(&format!("{plan:?}"), || same_but_for_words(&world, &calm));
            runs += 1;
        }
    }
    println!("{runs} runs of a day with an outage and a fault");
}

#[test]
fn two_comparisons_at_once_take_in_once() {
    let calm = state(&play(false, &Plan::new()));
    let begin = {
        let world = world(true, &Plan::new());
        world.run_for(at(8, 50));
        world.steps()
    };
    for step in begin..begin + 120 {
        named(&format!("a second comparison at step {step}"), || {
            let world = world(true, &Plan::new());
            world.interrupt(step, World::reconciles);
            world.run();
            world.assert_guarantees();
            world.assert_chats();
            same_but_for_words(&world, &calm);
        });
    }
}
