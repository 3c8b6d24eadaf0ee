//! Requests that come twice, that overlap, that meet a server's death, or whose steps fail.

use std::{collections::BTreeSet, rc::Rc};

use frontdesk_core::{
    agent::{ModelFailure, Thought},
    chat::{ChatKey, Who},
    time::Clock,
};
use frontdesk_testkit::{
    dice::Dice,
    site::{End, Mishap, Mishaps, Play, Server, Site, Thinks, at_step},
};
use serde_json::Value;

use crate::desk::{APOLOGY, Answer, ask, ask_with, begin, millis, says, secs, serve, site, steps};

/// A site whose model takes so long.
fn thinking_for(seconds: u64) -> Rc<Site> {
    let site = site();
    site.mind.does(move |asked| Thinks::says(&format!("You said: {}", asked.last())).after(secs(seconds)));
    site
}

/// Every pair of customer's words and ours in the one session that there is.
fn exchanges(site: &Site) -> Vec<(String, String)> {
    let tables = site.store.tables();
    let mut sessions = tables.chats.iter().filter(|(key, _)| ChatKey::is_of_session(key));
    let (_, row) = sessions.next().expect("a session");
    assert!(sessions.next().is_none(), "one session");
    let history = row.saved.as_ref().map(|saved| saved.state.history.clone()).unwrap_or_default();
    let pair = |pair: &[frontdesk_core::chat::Line]| {
        assert_eq!((pair[0].who, pair[1].who), (Who::Customer, Who::Us));
        (pair[0].text.clone(), pair[1].text.clone())
    };
    history.chunks(2).map(pair).collect()
}

/// To a step, however much time passes until it.
fn walk_in_time(play: &mut Play<'_, Answer>, site: &Rc<Site>, which: usize, steps: usize) {
    for _ in 0..120 {
        play.walk(which, steps);
        if play.steps(which) >= steps || play.has_ended(which) {
            return;
        }
        play.run_until(site.clock.now().plus(millis(250)));
    }
    panic!("it never comes to step {steps}");
}

fn in_time(end: End<Answer>) -> Answer {
    match end {
        End::Answered { with, after } => {
            assert!(after <= secs(26), "answered after {after:?}");
            assert_eq!(with.status, 200);
            assert!(with.output().is_some_and(|text| !text.trim().is_empty()), "{}", with.body);
            with
        }
        End::Died => panic!("the server died"),
    }
}

#[test]
fn a_request_that_comes_again_is_thought_about_once_whenever_it_comes() {
    let call = says("s", "yes");
    for thinks in [0, 1, 7, 15, 22] {
        // While it is thought about there are signs of life, each of them a step.
        for at in 0..=steps(move || thinking_for(thinks), &call) {
            let site = thinking_for(thinks);
            let mut play = Play::on(&site);
            let first = begin(&mut play, &site, &call);
            walk_in_time(&mut play, &site, first, at);
            for _ in 0..2 {
                begin(&mut play, &site, &call);
            }
            let answers: Vec<Answer> = play.run().into_iter().map(in_time).collect();
            assert_eq!(site.mind.asked().len(), 1, "{thinks} s, again at step {at}");
            assert!(answers.iter().all(|answer| answer.body == answers[0].body), "step {at}");
            assert_ne!(answers[0].output(), Some(APOLOGY));
            assert_eq!(exchanges(&site).len(), 1, "and said once");
        }
    }
}

#[test]
fn however_five_clicks_interleave_they_are_one_question() {
    for seed in 1..=400 {
        let (site, mut dice) = (thinking_for(seed % 3), Dice::seeded(seed));
        let mut play = Play::on(&site);
        for _ in 0..5 {
            begin(&mut play, &site, &says("s", "yes"));
        }
        let answers: BTreeSet<String> =
            play.run_by_chance(&mut dice).into_iter().map(|end| in_time(end).body.to_string()).collect();
        assert_eq!((answers.len(), site.mind.asked().len()), (1, 1), "seed {seed}");
    }
}

#[test]
fn for_two_seconds_after_it_the_answer_is_given_again_and_then_it_is_a_new_question() {
    let site = thinking_for(3);
    let first = ask(&site, &says("s", "yes"));
    let answered_at = site.clock.now();
    for _ in 0..2 {
        site.pass(millis(999));
        assert_eq!(ask(&site, &says("s", " yes ")).body, first.body);
    }
    assert_eq!(site.clock.now().since(answered_at), millis(1_998));
    assert_eq!(site.mind.asked().len(), 1);
    site.pass(millis(2));
    ask(&site, &says("s", "yes"));
    assert_eq!(site.mind.asked().len(), 2, "a genuine second yes");
    assert_eq!(site.mind.asked()[1].all().matches("customer: yes").count(), 2, "which the model sees as such");
    assert_eq!(exchanges(&site).len(), 2);
}

#[test]
fn other_words_or_another_session_are_another_question_at_once() {
    let site = site();
    for (n, call) in [says("s", "yes"), says("s", "Yes"), says("s", "yes!"), says("t", "yes")].iter().enumerate() {
        ask(&site, call);
        assert_eq!(site.mind.asked().len(), n + 1);
    }
}

#[test]
fn questions_that_overlap_are_all_answered_and_all_remembered() {
    for seed in 1..=300 {
        let (site, mut dice) = (thinking_for(seed % 4 * 2), Dice::seeded(seed));
        let mut play = Play::on(&site);
        let count = 2 + dice.roll(9);
        for n in 0..count {
            begin(&mut play, &site, &says("s", &format!("question {n}")));
        }
        for (n, end) in play.run_by_chance(&mut dice).into_iter().enumerate() {
            let answer = in_time(end);
            assert!(answer.output().unwrap().ends_with(&format!("You said: question {n}")), "{}", answer.body);
        }
        assert_eq!(site.mind.asked().len(), count, "seed {seed}");
        let said: BTreeSet<(String, String)> = exchanges(&site).into_iter().collect();
        let expected = (0..count).map(|n| (format!("question {n}"), format!("You said: question {n}")));
        assert_eq!(said, expected.collect(), "seed {seed}, {count} questions");
    }
}

#[test]
fn what_a_session_keeps_is_bounded_however_much_is_asked_at_once() {
    let site = thinking_for(9);
    site.mind.does(|_| Thinks::says(&"x".repeat(3_900)).after(secs(9)));
    let mut play = Play::on(&site);
    for n in 0..100 {
        begin(&mut play, &site, &says("s", &format!("question {n}")));
    }
    for end in play.run() {
        in_time(end);
    }
    for row in site.store.tables().chats.values() {
        let size = serde_json::to_string(&row.saved.as_ref().unwrap().state).unwrap().len();
        assert!(size < 300_000, "{size} bytes; a row of the table holds 400 KB");
    }
}

#[test]
fn after_a_servers_death_the_next_same_request_is_answered_soon() {
    let call = says("s", "yes");
    for crash in Mishap::CRASHES {
        for step in 0..steps(|| thinking_for(7), &call) {
            for later in [millis(0), millis(150), secs(2), secs(10), secs(60)] {
                let site = thinking_for(7);
                let (end, server) = ask_with(&site, at_step(step, crash), &call);
                assert!(matches!(end, End::Died) && server.is_dead());
                site.pass(later);
                let (end, _) = ask_with(&site, Mishaps::new(), &call);
                let End::Answered { with, after } = end else { panic!() };
                let what = format!("{crash:?} of {} {later:?} before", server.walked()[step]);
                assert!(with.output().is_some_and(|text| text.ends_with("You said: yes")), "{what}: {}", with.body);
                // Six seconds without a sign of life, and the thinking itself.
                assert!(after < secs(14), "{what}: {after:?}");
                // What died with its work done had its answer noted down: later the question is a new one.
                let noted = step + 1 == server.walked().len() && exchanges(&site).len() == 2 && later >= secs(2);
                assert!(noted || exchanges(&site).len() == 1, "{what}");
            }
        }
    }
}

#[test]
fn who_waits_for_a_server_that_dies_is_answered_all_the_same() {
    let call = says("s", "yes");
    for crash in Mishap::CRASHES {
        for step in 0..steps(|| thinking_for(7), &call) {
            let site = thinking_for(7);
            let mut play = Play::on(&site);
            let server = Server::of(&site, at_step(step, crash));
            let dying = play.begin(&server, serve(server.clone(), call.clone()));
            walk_in_time(&mut play, &site, dying, step.max(1));
            begin(&mut play, &site, &call);
            let answer = in_time(play.run().remove(1));
            assert!(answer.output().unwrap().ends_with("You said: yes"), "{crash:?} at {step}: {}", answer.body);
            assert!(site.mind.asked().len() <= 2);
        }
    }
}

#[test]
fn whatever_step_fails_the_visitor_reads_something_and_the_next_request_is_answered() {
    for (call, thinks) in [(says("s", "yes"), 0), (says("s", "yes"), 7), (says(Value::Null, "yes"), 7)] {
        let mishaps = Mishap::FAULTS.into_iter().chain([Mishap::Panics, Mishap::Hangs, Mishap::Slow(secs(4))]);
        for mishap in mishaps {
            for step in 0..steps(|| thinking_for(thinks), &call) {
                if step == 0 && mishap == Mishap::Hangs {
                    // The count of requests; its client has a time limit of its own.
                    continue;
                }
                let site = thinking_for(thinks);
                let (end, server) = ask_with(&site, at_step(step, mishap), &call);
                let (first, what) = (in_time(end), server.walked()[step]);
                site.pass(millis(150));
                let (end, _) = ask_with(&site, Mishaps::new(), &call);
                let second = in_time(end);
                let good = second.output().unwrap().ends_with("You said: yes");
                assert!(good, "{mishap:?} of {what} at {step}: {} then {}", first.body, second.body);
            }
        }
    }
}

#[test]
fn a_sign_of_life_that_fails_costs_nobody_their_answer() {
    let call = says("s", "yes");
    let count = steps(|| thinking_for(20), &call);
    for mishap in Mishap::FAULTS {
        // After the signs come three steps in which the answer is noted down.
        for step in 5..count - 3 {
            let site = thinking_for(20);
            let answer = in_time(ask_with(&site, at_step(step, mishap), &call).0);
            assert!(answer.output().unwrap().ends_with("You said: yes"), "{mishap:?} at {step}: {}", answer.body);
            assert_eq!(exchanges(&site).len(), 1, "{mishap:?} at {step}");
        }
    }
}

#[test]
fn whichever_two_steps_fail_there_is_an_answer() {
    let call = says("s", "yes");
    let count = steps(|| thinking_for(3), &call) + 2;
    for (one, other) in (0..count).flat_map(|one| (one + 1..count).map(move |other| (one, other))) {
        for (first, second) in Mishap::FAULTS.iter().flat_map(|a| Mishap::FAULTS.iter().map(move |b| (*a, *b))) {
            let site = thinking_for(3);
            in_time(ask_with(&site, Mishaps::from([(one, first), (other, second)]), &call).0);
            site.pass(millis(150));
            let again = in_time(ask_with(&site, Mishaps::new(), &call).0);
            assert_ne!(again.output(), Some(APOLOGY), "{first:?} at {one}, {second:?} at {other}");
        }
    }
}

#[test]
fn what_came_to_nothing_may_be_asked_again_at_once() {
    let site = site();
    let refused = || Thinks::of(Ok(Thought::Refused));
    site.mind.does(move |_| refused());
    assert_eq!(ask(&site, &says("s", "yes")).output(), Some(APOLOGY));
    site.mind.does(|_| Thinks::says("Yes what?"));
    let (end, _) = ask_with(&site, Mishaps::new(), &says("s", "yes"));
    let End::Answered { with, after } = end else { panic!() };
    assert!(with.output().unwrap().ends_with("Yes what?") && after < secs(1));
    assert_eq!(exchanges(&site).len(), 1, "an apology is nobody's word");
}

#[test]
fn who_waits_for_what_comes_to_nothing_tries_it_themselves() {
    let call = says("s", "yes");
    for at in 0..=steps(site, &call) {
        let site = site();
        let first = std::cell::Cell::new(true);
        site.mind.does(move |_| match first.replace(false) {
            true => Thinks::of(Err(ModelFailure::Refused { detail: "400".into() })).after(secs(2)),
            false => Thinks::says("Yes what?"),
        });
        let mut play = Play::on(&site);
        let one = begin(&mut play, &site, &call);
        play.walk(one, at);
        begin(&mut play, &site, &call);
        let answers: Vec<Answer> = play.run().into_iter().map(in_time).collect();
        let good = answers.iter().filter(|answer| answer.output() != Some(APOLOGY)).count();
        assert!(good >= 1 && site.mind.asked().len() == 2, "step {at}: {answers:?}");
    }
}
