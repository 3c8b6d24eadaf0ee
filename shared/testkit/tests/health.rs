//! Readiness: whatever one part does, the others are told of; and nobody can have anything looked at often.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a panic is a failed test"
)]

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use frontdesk_core::{
    flow::health::{Found, Made, Part, Readiness, Report, SecretValue, Seen, Verdict, What},
    telemetry::{Level, Value},
    time::UnixMillis,
    token::Pause,
};
use frontdesk_testkit::{
    clock::ManualClock,
    parts::{Condition, ModelParts, Patience},
    recorder::Recorder,
};

const NOW: UnixMillis = UnixMillis::new(1_795_217_760_000);
const FRESH: Duration = Duration::from_secs(15);

type Installation<W = Patience> = Readiness<ModelParts, W, ManualClock, Recorder>;

/// Two of each kind, all well. A part is found at `at/` and its word.
fn parts() -> Vec<Part> {
    let part = |name: &str, what: fn(String) -> What| Part { name: name.into(), what: what(format!("at/{name}")) };
    let dead = What::DeadLetters;
    let mut parts = vec![part("inbox", What::Table), part("contacts", What::Table)];
    parts.extend([part("podium", What::Queue), part("chatwoot", What::Queue)]);
    parts.extend([part("podium-dlq", dead), part("chatwoot-dlq", dead)]);
    parts.extend([secret("pepper", Made::Whole), secret("podium-oauth", Made::ToFill)]);
    parts
}

fn secret(name: &str, made: Made) -> Part {
    Part { name: name.into(), what: What::Secret { id: format!("at/{name}"), made } }
}

fn installation_of(parts: Vec<Part>) -> Installation {
    let model = ModelParts::default();
    for part in &parts {
        match &part.what {
            What::Table(at) => model.set(at, Condition::Works),
            What::Queue(at) => model.set(at, Condition::Holds(7)),
            What::DeadLetters(at) => model.set(at, Condition::Holds(0)),
            What::Secret { id, made: Made::Whole } => model.set(id, Condition::Value(SecretValue::First)),
            What::Secret { id, made: Made::ToFill | Made::Optional } => {
                model.set(id, Condition::Value(SecretValue::Changed));
            }
        }
    }
    Readiness {
        probes: model,
        pause: Patience::default(),
        clock: ManualClock::at(NOW),
        telemetry: Recorder::default(),
        parts,
        fresh: FRESH,
        seen: Seen::default(),
    }
}

fn installation() -> Installation {
    installation_of(parts())
}

/// What comes of something that waits for nobody; `None` as long as it waits.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn report(installation: &Installation<impl Pause>) -> Report {
    at_once(installation.report()).expect("nobody is waited for")
}

fn found(report: &Report, name: &str) -> Option<Found> {
    let checks = report.checks.as_ref().unwrap();
    checks.iter().find(|check| check.name == name).map(|check| check.found)
}

#[test]
fn all_is_well_and_everything_is_shown_in_its_order() {
    let house = installation();
    let report = report(&house);
    assert_eq!((report.status, report.http_status()), (Verdict::Ok, 200));
    let shown: Vec<(&str, &str, Found)> =
        report.checks.as_ref().unwrap().iter().map(|c| (c.kind.as_str(), c.name.as_str(), c.found)).collect();
    let expected = [
        ("table", "inbox"),
        ("table", "contacts"),
        ("queue", "podium"),
        ("queue", "chatwoot"),
        ("dlq", "podium-dlq"),
        ("dlq", "chatwoot-dlq"),
        ("secret", "pepper"),
        ("secret", "podium-oauth"),
    ];
    assert_eq!(shown, expected.map(|(kind, name)| (kind, name, Found::Ok)));
    assert_eq!(report.timestamp, "2026-11-20T23:36:00.000Z");
    assert_eq!(house.telemetry.lines(), []);
}

#[test]
fn life_is_told_without_a_look_at_anything() {
    let house = installation();
    assert_eq!(house.alive(), Report::alive(NOW));
    assert_eq!(house.probes.asked(), Vec::<String>::new());
}

#[test]
fn what_waits_in_dead_letters_and_what_is_empty_wants_attention_and_nothing_more() {
    let house = installation();
    house.probes.set("at/chatwoot-dlq", Condition::Holds(3));
    house.probes.set("at/podium-oauth", Condition::Value(SecretValue::First));
    let report = report(&house);
    assert_eq!((report.status, report.http_status()), (Verdict::Attention, 200));
    assert_eq!(found(&report, "chatwoot-dlq"), Some(Found::Waiting { messages: 3 }));
    assert_eq!(found(&report, "podium-oauth"), Some(Found::Empty));
    assert_eq!(found(&report, "chatwoot"), Some(Found::Ok), "work that waits for its worker is no trouble");
    assert_eq!(found(&report, "pepper"), Some(Found::Ok), "it was made with its value");
}

/// Something that never answers is given up, and everybody else's answer is there all the same.
#[test]
fn what_hangs_is_given_up_and_hides_nothing_else() {
    let house = installation();
    house.probes.set("at/contacts", Condition::Silent);
    house.probes.set("at/podium-dlq", Condition::Holds(1));
    let mut asking = pin!(house.report());
    let mut poll = || asking.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll().is_pending());
    assert_eq!(house.probes.asked().len(), parts().len(), "all were asked at once, and nobody waited for the one");
    house.pause.end();
    let Poll::Ready(report) = poll() else { panic!("patience has an end") };
    assert_eq!((report.status, report.http_status()), (Verdict::Unavailable, 503));
    assert_eq!(found(&report, "contacts"), Some(Found::Unreachable));
    assert_eq!(found(&report, "podium-dlq"), Some(Found::Waiting { messages: 1 }));
    let lines = house.telemetry.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].fields.contains(&("part.name", Value::Id("contacts".into()))), "{lines:?}");
    assert!(lines[0].fields.contains(&("error.detail", Value::Detail("no answer within 2 s".into()))), "{lines:?}");
}

/// An answer that comes with the last of our patience counts.
#[test]
fn who_answers_in_time_is_not_given_up() {
    let house = installation();
    house.pause.end();
    assert_eq!(report(&house).status, Verdict::Ok);
}

/// The clients' own words name ARNs and accounts. They are for the log.
#[test]
fn the_answer_holds_no_word_but_ours_and_the_log_says_why() {
    let house = installation();
    for part in parts() {
        house.probes.set(&format!("at/{}", part.name), Condition::Gone);
    }
    let report = report(&house);
    let text = serde_json::to_string(&report).unwrap();
    for word in ["at/", "arn", "1234", "gone", "Exception"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    let lines = house.telemetry.lines();
    assert_eq!(lines.len(), parts().len());
    let says_why = |value: &Value| matches!(value, Value::Detail(why) if why.contains("ResourceNotFoundException"));
    assert!(lines.iter().all(|line| line.level == Level::Warn && line.fields.iter().any(|(_, v)| says_why(v))));
}

#[test]
fn an_answer_is_given_again_until_it_is_old() {
    let house = installation();
    let first = report(&house);
    let asked = house.probes.asked().len();
    house.probes.set("at/inbox", Condition::Gone);
    house.clock.advance(FRESH - Duration::from_millis(1));
    assert_eq!(report(&house), first, "and it says when things stood so");
    assert_eq!(house.probes.asked().len(), asked);

    house.clock.advance(Duration::from_millis(1));
    let second = report(&house);
    assert_eq!((second.status, second.timestamp.as_str()), (Verdict::Unavailable, "2026-11-20T23:36:15.000Z"));
    assert_eq!(house.probes.asked().len(), 2 * asked);

    // Bad news are kept as long, or an outage would be asked about with every call.
    house.probes.set("at/inbox", Condition::Works);
    assert_eq!(report(&house), second);
    house.clock.advance(FRESH);
    assert_eq!(report(&house).status, Verdict::Ok);
}

#[test]
fn a_clock_that_was_put_back_does_not_keep_an_answer_for_years() {
    let mut house = installation();
    report(&house);
    house.clock = ManualClock::at(UnixMillis::new(NOW.get() - 1));
    house.probes.set("at/inbox", Condition::Gone);
    assert_eq!(report(&house).status, Verdict::Unavailable);
}

/// A look takes time; what was seen is fresh from its end on.
#[test]
fn a_look_that_takes_long_is_kept_as_long_as_any() {
    let house = installation();
    house.probes.set("at/contacts", Condition::Silent);
    let mut asking = pin!(house.report());
    assert!(asking.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    house.clock.advance(Duration::from_secs(2));
    house.pause.end();
    let seen = at_once(asking).unwrap();
    assert_eq!(seen.timestamp, "2026-11-20T23:36:02.000Z");
    house.clock.advance(FRESH - Duration::from_secs(1));
    assert_eq!(report(&house), seen);
}

/// The secrets of something that a shop does not use: as they were made, for ever.
#[test]
fn what_is_not_set_up_is_not_mentioned_and_what_is_half_set_up_is() {
    let first = Condition::Value(SecretValue::First);
    let changed = Condition::Value(SecretValue::Changed);
    let mut all = parts();
    all.extend([secret("chatwoot-webhook", Made::Optional), secret("chatwoot-api", Made::Optional)]);
    for (webhook, api, status, shown) in [
        (first, first, Verdict::Ok, (None, None)),
        (changed, first, Verdict::Attention, (Some(Found::Ok), Some(Found::Empty))),
        (first, changed, Verdict::Attention, (Some(Found::Empty), Some(Found::Ok))),
        (changed, changed, Verdict::Ok, (Some(Found::Ok), Some(Found::Ok))),
        (Condition::Gone, first, Verdict::Unavailable, (Some(Found::Unreachable), None)),
    ] {
        let house = installation_of(all.clone());
        house.probes.set("at/chatwoot-webhook", webhook);
        house.probes.set("at/chatwoot-api", api);
        let report = report(&house);
        assert_eq!(report.status, status, "{webhook:?} {api:?}");
        assert_eq!((found(&report, "chatwoot-webhook"), found(&report, "chatwoot-api")), shown, "{webhook:?} {api:?}");
    }
    // Named by its ARN, the one is somebody's own: whoever does that uses Chatwoot.
    let mut all = parts();
    all.extend([secret("chatwoot-webhook", Made::Whole), secret("chatwoot-api", Made::Optional)]);
    let house = installation_of(all);
    house.probes.set("at/chatwoot-api", first);
    let report = report(&house);
    assert_eq!((report.status, found(&report, "chatwoot-api")), (Verdict::Attention, Some(Found::Empty)));
    assert_eq!(found(&report, "chatwoot"), Some(Found::Ok), "a queue of that name fills no secret in");
}

const CONDITIONS: [Condition; 7] = [
    Condition::Works,
    Condition::Holds(0),
    Condition::Holds(2),
    Condition::Value(SecretValue::First),
    Condition::Value(SecretValue::Changed),
    Condition::Gone,
    Condition::Silent,
];

/// What a part is to be found as, from the rules and from nothing of the code.
fn expected(part: &Part, condition: Condition) -> Found {
    match (&part.what, condition) {
        (What::Table(_), Condition::Works) => Found::Ok,
        (What::Queue(_), Condition::Holds(_)) | (What::DeadLetters(_), Condition::Holds(0)) => Found::Ok,
        (What::DeadLetters(_), Condition::Holds(messages)) => Found::Waiting { messages },
        (What::Secret { made: Made::Whole, .. }, Condition::Value(_)) => Found::Ok,
        (What::Secret { .. }, Condition::Value(SecretValue::Changed)) => Found::Ok,
        (What::Secret { .. }, Condition::Value(SecretValue::First)) => Found::Empty,
        (What::Table(_) | What::Queue(_) | What::DeadLetters(_) | What::Secret { .. }, _) => Found::Unreachable,
    }
}

/// In whatever state the parts are: each is told as it is, none is missing, and there is an end to it.
#[test]
fn every_combination_is_told_part_by_part() {
    // One of each kind, and a secret of either sort.
    let parts: Vec<Part> =
        parts().into_iter().enumerate().filter(|(n, _)| n % 2 == 0 || *n == 7).map(|(_, p)| p).collect();
    assert_eq!(parts.len(), 5);
    let mut tried = 0;
    for number in 0..CONDITIONS.len().pow(5) {
        let conditions: Vec<Condition> =
            (0..5).map(|place| CONDITIONS[number / CONDITIONS.len().pow(place) % CONDITIONS.len()]).collect();
        let house = installation_of(parts.clone());
        for (part, condition) in parts.iter().zip(&conditions) {
            house.probes.set(&format!("at/{}", part.name), *condition);
        }
        house.pause.end();
        let report = report(&house);
        let told: Vec<Found> = report.checks.as_ref().unwrap().iter().map(|check| check.found).collect();
        let expected: Vec<Found> = parts.iter().zip(&conditions).map(|(part, c)| expected(part, *c)).collect();
        assert_eq!(told, expected, "{conditions:?}");
        let lost = told.iter().filter(|found| **found == Found::Unreachable).count();
        assert_eq!(house.telemetry.lines().len(), lost);
        assert_eq!(report.http_status() == 503, lost > 0);
        tried += 1;
    }
    assert_eq!(tried, 16_807);
}
