//! The shop's people are told, whatever becomes of the channels, the notifier and its queue.

use std::time::Duration;

use frontdesk_core::{
    notice::{Channel, NoticeEnd, NoticeKey, NoticeKind},
    telemetry::Metric,
    time::{Clock, DAY},
};
use frontdesk_testkit::{
    dice::Dice,
    world::{Behaviour, Fault, GENESIS, Plan, Review, World},
};

use super::{minutes, named};

const SECOND: Duration = Duration::from_secs(1);

fn bad_review(world: &World) {
    let review =
        Review { uid: "rev-1".into(), stars: 1, text: "it broke".into(), changed_at: world.clock.now(), invite: None };
    let body = world.review_body("ev-bad", &review);
    world.podium_says("ev-bad", body, Duration::ZERO);
}

fn key() -> NoticeKey {
    NoticeKey::new(NoticeKind::BadReview, "rev-1#1")
}

fn world(plan: &Plan, slack: Behaviour, sns: Behaviour) -> World {
    let world = World::chatting(plan.clone());
    world.people.becomes(Channel::Slack, slack);
    world.people.becomes(Channel::Sns, sns);
    bad_review(&world);
    world
}

fn played(slack: Behaviour, sns: Behaviour) -> World {
    let world = world(&Plan::new(), slack, sns);
    world.run_for(DAY * 3);
    world
}

/// How the one notice ended; only what a channel took counts as told.
fn end(world: &World) -> NoticeEnd {
    let row = world.store.look(|t| t.notices.get(&key()).cloned()).expect("nobody wrote the notice down");
    assert!(row.notice.is_none() && row.due_at.is_none(), "a notice is never done with");
    let end = row.end.expect("a notice never ended");
    let told = world.people.told();
    match end {
        NoticeEnd::Told(channel) => {
            assert!(told.iter().any(|t| t.key == key() && t.channel == channel), "told by {channel:?}, which was not");
        }
        NoticeEnd::GivenUp => assert!(told.is_empty(), "given up and told"),
    }
    assert!(told.iter().all(|t| t.notice.content.quote.as_deref().is_some_and(|q| q.starts_with("it broke"))));
    end
}

fn told_at(world: &World) -> Duration {
    world.people.told()[0].at.since(GENESIS)
}

#[test]
fn a_dead_slack_costs_a_minute_and_is_counted() {
    for slack in [Behaviour::Dead, Behaviour::TooSlow(SECOND * 10), Behaviour::TooSlow(SECOND * 70)] {
        let world = played(slack, Behaviour::Fine);
        assert_eq!(end(&world), NoticeEnd::Told(Channel::Sns), "{slack:?}");
        assert_eq!(world.people.told().len(), 1);
        // The world's clock goes by minutes, so the second channel's turn is up to one later than it is due.
        let at = told_at(&world);
        assert!(at >= minutes(1) && at <= minutes(2) + SECOND * 20, "{slack:?}: told after {at:?}");
        assert!(world.recorder.count_of(Metric::NoticeLate) >= 1, "{slack:?}");
        assert_eq!(world.recorder.count_of(Metric::NoticeTold), 1);
    }
    let world = played(Behaviour::Slow(SECOND * 8), Behaviour::Fine);
    assert_eq!((end(&world), world.people.told().len()), (NoticeEnd::Told(Channel::Slack), 1));
    assert_eq!(world.recorder.count_of(Metric::NoticeLate), 0);
}

#[test]
fn a_channel_that_wants_to_be_left_alone_is() {
    for wait in [SECOND * 30, SECOND * 90, SECOND * 600] {
        let world = played(Behaviour::Busy(wait), Behaviour::Dead);
        let slack: Vec<_> =
            world.people.tries().into_iter().filter(|(c, _)| *c == Channel::Slack).map(|(_, at)| at).collect();
        assert!(slack.len() > 2, "it was given up at once");
        assert!(slack.windows(2).all(|w| w[1].since(w[0]) >= wait), "{wait:?}: tried at {slack:?}");
        assert_eq!(end(&world), NoticeEnd::GivenUp);

        let world = played(Behaviour::Busy(wait), Behaviour::Fine);
        assert_eq!(end(&world), NoticeEnd::Told(Channel::Sns));
        assert!(told_at(&world) <= minutes(2), "{wait:?}: the other channel waited too");
    }
}

#[test]
fn a_channel_that_is_gone_costs_no_time() {
    let world = played(Behaviour::Gone, Behaviour::Fine);
    assert_eq!((end(&world), told_at(&world)), (NoticeEnd::Told(Channel::Sns), Duration::ZERO));
    assert_eq!(world.recorder.count_of(Metric::NoticeLate), 0);

    let world = played(Behaviour::Gone, Behaviour::Gone);
    assert_eq!(end(&world), NoticeEnd::GivenUp);
    assert_eq!(world.recorder.count_of(Metric::NoticeGivenUp), 1);

    let world = played(Behaviour::Dead, Behaviour::Dead);
    assert_eq!(end(&world), NoticeEnd::GivenUp);
    assert!(world.people.tries().iter().all(|(_, at)| at.since(GENESIS) < DAY));
    assert!(world.people.tries().len() > 100, "both were tried all day: {}", world.people.tries().len());
}

#[test]
fn a_dead_notifier_is_heard_of_and_made_good() {
    let world = world(&Plan::new(), Behaviour::Fine, Behaviour::Fine);
    world.people.notifier_dead.set(true);
    world.run_for(minutes(10));
    assert!(world.people.told().is_empty());
    let late = world.recorder.count_of(Metric::NoticeLate);
    assert!((7..=10).contains(&late), "counted {late} times in ten minutes");
    world.people.notifier_dead.set(false);
    world.run_for(DAY);
    assert_eq!((end(&world), world.people.told().len()), (NoticeEnd::Told(Channel::Slack), 1));
}

const KINDS: [(Behaviour, Behaviour); 6] = [
    (Behaviour::Fine, Behaviour::Fine),
    (Behaviour::Dead, Behaviour::Fine),
    (Behaviour::Gone, Behaviour::Fine),
    (Behaviour::TooSlow(Duration::from_secs(15)), Behaviour::Fine),
    (Behaviour::Busy(Duration::from_secs(20)), Behaviour::Fine),
    (Behaviour::Gone, Behaviour::Gone),
];

fn play(kind: (Behaviour, Behaviour), plan: &Plan, disorder: u64) -> World {
    named(&format!("{kind:?} with {plan:?}, disorder {disorder}"), || {
        let world = world(plan, kind.0, kind.1);
        *world.people.disorder.borrow_mut() = Dice(disorder);
        world.run_for(DAY * 3);
        let end = end(&world);
        let hopeless = kind == (Behaviour::Gone, Behaviour::Gone);
        assert_eq!(matches!(end, NoticeEnd::GivenUp), hopeless, "{end:?}");
        let told = world.people.told().len();
        assert!(hopeless || (1..=1 + plan.len()).contains(&told), "told {told} times");
        world.assert_chats();
        world
    })
}

#[test]
fn every_step_goes_wrong_in_every_way() {
    let (mut runs, mut twice) = (0, 0);
    for kind in KINDS {
        let steps = play(kind, &Plan::new(), 0).steps() + 10;
        for step in 0..steps.min(80) {
            for fault in Fault::ALL {
                let world = play(kind, &Plan::from([(step, fault)]), 0);
                twice += usize::from(world.people.told().len() > 1);
                play(kind, &Plan::from([(step, fault)]), 1 + runs);
                runs += 2;
            }
        }
    }
    println!("{runs} runs of the notifier with one fault, told twice in {twice}");
    assert!(twice > 0, "no run died between the channel and the record");
}

#[test]
fn two_steps_go_wrong() {
    let mut runs = 0_usize;
    for kind in [KINDS[0], KINDS[1], KINDS[2]] {
        let steps = play(kind, &Plan::new(), 0).steps().min(40) + 5;
        for first in 0..steps {
            for second in first + 1..steps {
                let turn = first * 5 + second;
                let (a, b) = (Fault::ALL[turn % 6], Fault::ALL[(turn / 6 + first) % 6]);
                play(kind, &Plan::from([(first, a), (second, b)]), 0);
                runs += 1;
            }
        }
    }
    println!("{runs} runs of the notifier with two faults");
}

#[test]
fn two_notifiers_at_once_tell_once() {
    for kind in KINDS {
        let steps = play(kind, &Plan::new(), 0).steps() + 2;
        for step in 0..steps.min(80) {
            named(&format!("{kind:?}, a second notifier at step {step}"), || {
                let world = world(&Plan::new(), kind.0, kind.1);
                world.interrupt(step, World::notifies_as_well);
                world.run_for(DAY * 3);
                end(&world);
                assert!(world.people.told().len() <= 1, "told {} times", world.people.told().len());
            });
        }
    }
}
