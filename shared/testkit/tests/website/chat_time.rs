//! The chat's time: the gateway gives up after 30 seconds, so whatever takes long ends in an answer before that.

use std::rc::Rc;

use frontdesk_core::{
    agent::{ModelFailure, Thought, ToolCall},
    notice::NoticeKind,
    telemetry::Metric,
};
use frontdesk_testkit::site::{End, Mishap, Mishaps, Play, Site, Thinks, at_step};
use serde_json::{Value, json};

use crate::desk::{APOLOGY, ask, ask_with, begin, millis, says, secs, site};

fn failing(failure: ModelFailure) -> Rc<Site> {
    let site = site();
    site.mind.does(move |_| Thinks::of(Err(failure.clone())));
    site
}

/// Every way in which a model can fail for a moment or for good.
fn failures() -> Vec<ModelFailure> {
    let detail = || "said by the provider".to_owned();
    vec![
        ModelFailure::MoneyGone { detail: detail() },
        ModelFailure::Throttled { wait: None },
        ModelFailure::Throttled { wait: Some(secs(2)) },
        ModelFailure::Throttled { wait: Some(secs(600)) },
        ModelFailure::Transient { detail: detail() },
        ModelFailure::Misconfigured { detail: detail() },
        ModelFailure::Refused { detail: detail() },
    ]
}

#[test]
fn whatever_the_model_does_wrong_the_visitor_reads_an_apology_in_time() {
    let call = ToolCall { id: "c".into(), tool: "search_products".into(), arguments: json!({"query": "lamp"}) };
    let thoughts = [
        Thought::Refused,
        Thought::Empty,
        Thought::CutOff,
        Thought::Said(String::new()),
        Thought::Said("plain words".into()),
        Thought::Said("{}".into()),
        Thought::Said("[1]".into()),
        Thought::Said(r#"{"text": 5}"#.into()),
        Thought::Said(r#"{"text":"", "product_ids":["7"]}"#.into()),
        Thought::Calls { calls: vec![call], raw: Value::Null },
        Thought::Calls { calls: Vec::new(), raw: Value::Null },
    ];
    let results = failures().into_iter().map(Err).chain(thoughts.into_iter().map(Ok));
    for result in results {
        for takes in [0, 4, 30] {
            let site = site();
            let result_each_time = result.clone();
            site.mind.does(move |_| Thinks::of(result_each_time.clone()).after(secs(takes)));
            let (end, _) = ask_with(&site, Mishaps::new(), &says("s", "hi"));
            let End::Answered { with, after } = end else { panic!() };
            assert_eq!((with.status, with.output()), (200, Some(APOLOGY)), "{result:?} after {takes} s");
            assert!(after <= secs(26), "{result:?} after {takes} s: {after:?}");
            assert_eq!(site.recorder.count_of(Metric::ChatApologised), 1);
        }
    }
}

#[test]
fn what_fails_for_a_moment_is_tried_again_within_the_time() {
    for failure in [ModelFailure::Throttled { wait: Some(secs(3)) }, ModelFailure::Transient { detail: "503".into() }] {
        let site = site();
        let left = std::cell::Cell::new(2);
        site.mind.does(move |_| {
            if left.get() == 0 {
                return Thinks::says("There you are.");
            }
            left.set(left.get() - 1);
            Thinks::of(Err(failure.clone()))
        });
        assert!(ask(&site, &says("s", "hi")).output().unwrap().ends_with("There you are."));
    }
}

#[test]
fn a_model_without_money_or_key_is_left_alone_and_people_are_told_once() {
    for failure in failures() {
        let lasts = matches!(failure, ModelFailure::MoneyGone { .. } | ModelFailure::Misconfigured { .. });
        let site = failing(failure.clone());
        ask(&site, &says("s", "hi"));
        let tried = site.mind.asked().len();
        ask(&site, &says("t", "hello"));
        assert_eq!(site.mind.asked().len() == tried, lasts, "{failure:?}");
        let notices = site.store.tables().notices;
        assert_eq!(
            notices.keys().filter(|key| key.kind() == Some(NoticeKind::AssistantDown)).count(),
            usize::from(lasts)
        );
    }
}

#[test]
fn a_model_that_forgets_the_time_is_not_waited_for() {
    let site = site();
    site.mind.does(|_| Thinks { heeds_its_time: false, ..Thinks::says("at last").after(secs(600)) });
    let (end, _) = ask_with(&site, Mishaps::new(), &says("s", "hi"));
    let End::Answered { with, after } = end else { panic!() };
    assert_eq!((with.output(), after), (Some(APOLOGY), secs(26)));
    // Nobody works on it any more, which shows by the silence; other words need not wait for that.
    site.mind.does(|_| Thinks::says("at once"));
    for (prompt, most) in [("hello", secs(1)), ("hi", secs(7))] {
        let (end, _) = ask_with(&site, Mishaps::new(), &says("s", prompt));
        let End::Answered { with, after } = end else { panic!() };
        assert!(with.output().unwrap().ends_with("at once") && after < most, "{prompt}: {after:?}");
    }
}

#[test]
fn the_model_is_told_how_much_time_is_left() {
    let site = site();
    ask(&site, &says("s", "hi"));
    assert_eq!(site.mind.asked()[0].timeout, secs(23), "three seconds are for everything else");
    // The steps before it take their share.
    for (step, slow, left) in [(1, secs(4), secs(19)), (2, secs(9), secs(14)), (0, secs(5), secs(18))] {
        let site = self::site();
        let (end, _) = ask_with(&site, at_step(step, Mishap::Slow(slow)), &says("s", "hi"));
        end.answer();
        assert_eq!(site.mind.asked()[0].timeout, left, "step {step} took {slow:?}");
    }
    // Each of the model's own steps leaves less for the next.
    let site = self::site();
    *site.mind.products.borrow_mut() = Some(Vec::new());
    site.mind.does(|_| {
        let call = ToolCall { id: "c".into(), tool: "search_products".into(), arguments: json!({"query": "lamp"}) };
        Thinks::of(Ok(Thought::Calls { calls: vec![call], raw: Value::Null })).after(secs(6))
    });
    assert_eq!(ask(&site, &says("s", "hi")).output(), Some(APOLOGY));
    let timeouts: Vec<u64> = site.mind.asked().iter().map(|asked| asked.timeout.as_secs()).collect();
    assert_eq!(timeouts, [23, 17, 11, 5]);
    // A shop's own shorter budget holds.
    let mut site = Site::new();
    site.chat.answer.budget = secs(8);
    let site = Rc::new(site);
    ask(&site, &says("s", "hi"));
    assert_eq!(site.mind.asked()[0].timeout, secs(8));
}

#[test]
fn the_time_runs_from_the_requests_arrival_on() {
    // The count of requests takes its time, and so does every other step; the gateway's patience began before them.
    for (limits, chat) in [(8, 0), (8, 6), (12, 12), (0, 20), (25, 0)] {
        let site = site();
        site.mind.does(|_| Thinks { heeds_its_time: false, ..Thinks::says("late").after(secs(60)) });
        let plan = Mishaps::from([(0, Mishap::Slow(secs(limits))), (1, Mishap::Slow(secs(chat)))]);
        let (end, _) = ask_with(&site, plan, &says("s", "hi"));
        let End::Answered { with, after } = end else { panic!() };
        assert_eq!(with.output(), Some(APOLOGY));
        assert!(after <= secs(26), "{limits} s and {chat} s before it: {after:?}");
    }
}

#[test]
fn who_waits_for_the_same_question_is_answered_in_their_own_time() {
    let site = site();
    site.mind.does(|_| Thinks { heeds_its_time: false, ..Thinks::says("late").after(secs(600)) });
    let mut play = Play::on(&site);
    begin(&mut play, &site, &says("s", "hi"));
    for _ in 0..4 {
        let now = frontdesk_core::time::Clock::now(&site.clock);
        play.run_until(now.plus(secs(7)));
        begin(&mut play, &site, &says("s", "hi"));
    }
    for end in play.run() {
        let End::Answered { with, after } = end else { panic!() };
        assert!(with.output().is_some() && after <= secs(26) + millis(1), "{after:?}");
    }
}
