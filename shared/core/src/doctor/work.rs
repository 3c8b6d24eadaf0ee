//! What waits for somebody: events, sends, and the age of what is refreshed by the clock.

use std::time::Duration;

use super::{Finding, Group, Looked, span};
use crate::{
    directory::LocationBook,
    flow::health::{Found, Report, Verdict},
    time::UnixMillis,
};

/// An event that waits so long is late: the sweeper, which comes each minute, would have brought it.
pub const LATE: Duration = Duration::from_secs(900);

/// What was counted; of large tables not all rows are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// So many.
    pub rows: u64,
    /// Whether that is all.
    pub whole: bool,
}

/// What waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkFacts {
    /// Since when the oldest event waits; `None` when none does.
    pub oldest_waiting: Looked<Option<UnixMillis>>,
    /// Events that were given up and wait for a person.
    pub parked: Looked<Counted>,
    /// Sends of which nobody knows what became.
    pub unknown_sends: Looked<Counted>,
}

const GROUP: Group = Group::Work;

/// Judges what waits.
#[must_use]
pub fn judge(facts: &WorkFacts, now: UnixMillis) -> Vec<Finding> {
    vec![waiting(&facts.oldest_waiting, now), parked(&facts.parked), unknown_sends(&facts.unknown_sends)]
}

fn waiting(looked: &Looked<Option<UnixMillis>>, now: UnixMillis) -> Finding {
    let subject = "waiting events";
    match looked.or_finding(GROUP, subject, || Finding::ok(GROUP, subject, "none")) {
        Err(finding) => finding,
        Ok(None) => Finding::ok(GROUP, subject, "none"),
        Ok(Some(since)) if now.since(*since) < LATE => {
            Finding::ok(GROUP, subject, format!("the oldest waits for {}", span(now.since(*since))))
        }
        Ok(Some(since)) => {
            let what = format!(
                "the oldest event has waited for {}: its worker, its queue or the sweeper is at fault",
                span(now.since(*since))
            );
            let remedy = "See which it is, and what its row says; a provider that does not help lets events wait, too.";
            Finding::fail(GROUP, "events_late", subject, what, remedy).by("frontdesk events list --status waiting")
        }
    }
}

fn parked(looked: &Looked<Counted>) -> Finding {
    let subject = "parked events";
    match looked.or_finding(GROUP, subject, || Finding::ok(GROUP, subject, "none")) {
        Err(finding) => finding,
        Ok(counted) => some(*counted, subject, || {
            let what = format!("{} event(s) were given up and wait for a person", number(*counted));
            let remedy = "Each row says why. Mend the reason, then replay them.";
            Finding::fail(GROUP, "events_parked", subject, what, remedy).by("frontdesk events list --status parked")
        }),
    }
}

fn unknown_sends(looked: &Looked<Counted>) -> Finding {
    let subject = "unknown sends";
    match looked.or_finding(GROUP, subject, || Finding::ok(GROUP, subject, "none")) {
        Err(finding) => finding,
        Ok(counted) => some(*counted, subject, || {
            let what =
                format!("of {} send(s) nobody knows whether the customer got it; none is repeated", number(*counted));
            let remedy = "Look into the conversation at Podium, then say what you found.";
            Finding::fail(GROUP, "sends_unknown", subject, what, remedy).by("frontdesk outbox list --unknown")
        }),
    }
}

fn some(counted: Counted, subject: &str, wrong: impl FnOnce() -> Finding) -> Finding {
    match counted {
        Counted { rows: 0, whole: true } => Finding::ok(GROUP, subject, "none"),
        Counted { rows: 0, whole: false } => {
            Finding::not_looked_at(GROUP, subject, "none among the rows that were looked at; the table holds more")
        }
        Counted { rows: 1.., .. } => wrong(),
    }
}

fn number(counted: Counted) -> String {
    if counted.whole { counted.rows.to_string() } else { format!("at least {}", counted.rows) }
}

/// Judges the list of locations that is kept. `interval`: between two refreshes.
#[must_use]
pub fn judge_locations(looked: &Looked<LocationBook>, interval: Duration, now: UnixMillis) -> Finding {
    let (group, subject) = (Group::Podium, "locations");
    let absent = || {
        let what = "the list of locations was never loaded: every message waits, since none can be attributed";
        let remedy = "Load it; if that fails it says why.";
        Finding::fail(group, "locations_missing", subject, what, remedy).by("frontdesk locations refresh")
    };
    match looked.or_finding(group, subject, absent) {
        Err(finding) => finding,
        Ok(book) if book.is_stale(now, interval) => {
            let age = span(now.since(book.fetched_at));
            let what = format!(
                "ERR_WEBCHAT_014 the list of locations is {age} old, more than twice its interval of {}",
                span(interval)
            );
            let remedy = "Load it; if that fails it says why. Is the schedule `locations` enabled?";
            Finding::fail(group, "locations_stale", subject, what, remedy).by("frontdesk locations refresh")
        }
        Ok(book) => {
            let what = format!("{} listed, {} old", book.locations.len(), span(now.since(book.fetched_at)));
            Finding::ok(group, subject, what)
        }
    }
}

/// What an address answered to `GET /health?ready=1`.
#[must_use]
pub fn judge_front_door(url: &str, looked: &Looked<(u16, Option<Report>)>) -> Vec<Finding> {
    let group = Group::FrontDoor;
    let absent = || {
        let what = "the front door's address is not known: neither WEB_PUBLIC_URL nor the stack's output FrontDoorUrl names it";
        Finding::not_looked_at(group, "front door", what)
    };
    let (status, report) = match looked.or_finding(group, url, absent) {
        Ok((status, report)) => (*status, report.as_ref()),
        // Unlike a table, this has no other reason: providers do not get through either.
        Err(Finding { level: super::Level::Unknown, what, .. }) => {
            let remedy = "Is the address right, and the stack deployed? Providers get no further than this.";
            return vec![
                Finding::fail(group, "front_door_silent", url, what, remedy)
                    .by(format!("curl -i {url}/health?ready=1")),
            ];
        }
        Err(finding) => return vec![finding],
    };
    let Some(report) = report else {
        let what = format!("it answers /health?ready=1 with status {status}, and not with a report");
        let remedy = "Is this the front door of Frontdesk? See the log of the function health.";
        return vec![
            Finding::fail(group, "front_door_wrong", url, what, remedy).by(format!("curl -i {url}/health?ready=1")),
        ];
    };
    let told = report.checks.iter().flatten().filter(|check| check.found != Found::Ok);
    let told: Vec<String> = told.map(|check| format!("{} {}", check.kind.as_str(), check.name)).collect();
    match report.status {
        Verdict::Ok => vec![Finding::ok(group, url, "ready")],
        // What it says stands above already, with what to do.
        Verdict::Attention => {
            vec![Finding::ok(group, url, format!("ready; a person should look at {}", told.join(", ")))]
        }
        Verdict::Unavailable => {
            let what = format!("it answers that it is not ready: {}", told.join(", "));
            vec![Finding::fail(
                group,
                "front_door_not_ready",
                url,
                what,
                "Each of these stands above, with what to do.",
            )]
        }
    }
}

/// What a page of one of the shop's origins is answered when it asks whether it may.
#[must_use]
pub fn judge_origin(url: &str, origin: &str, allowed: &Looked<Option<String>>) -> Finding {
    let group = Group::FrontDoor;
    match allowed
        .or_finding(group, origin, || Finding::not_looked_at(group, origin, "there is no chat at the front door"))
    {
        Err(finding) => finding,
        Ok(Some(allowed)) if allowed == origin || allowed == "*" => Finding::ok(group, origin, "may call"),
        Ok(allowed) => {
            let what = format!(
                "a page of {origin} is answered that {} may call: browsers keep it from chat and forms",
                allowed.as_deref().unwrap_or("nobody")
            );
            let remedy = "WEB_ORIGINS must list it as the browser sends it: scheme, host and port, no path, no slash at the end.";
            let command =
                format!("curl -i -X OPTIONS -H 'Origin: {origin}' -H 'Access-Control-Request-Method: POST' {url}/chat");
            Finding::fail(group, "origin_refused", origin, what, remedy).by(command)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        doctor::Level,
        flow::health::{Check, Kind},
    };

    const NOW: UnixMillis = UnixMillis::new(1_795_217_760_000);

    fn facts() -> WorkFacts {
        let none = || Looked::Seen(Counted { rows: 0, whole: true });
        WorkFacts { oldest_waiting: Looked::Seen(None), parked: none(), unknown_sends: none() }
    }

    #[test]
    fn each_thing_that_waits_too_long_is_found_alone() {
        let wrong = |facts: &WorkFacts| {
            let found = judge(facts, NOW).into_iter().filter(|finding| finding.level != Level::Ok);
            found.map(|finding| (finding.check, finding.level)).collect::<Vec<_>>()
        };
        assert_eq!(wrong(&facts()), []);
        let since = |seconds| Looked::Seen(Some(NOW.minus(Duration::from_secs(seconds))));
        let counted = |rows, whole| Looked::Seen(Counted { rows, whole });
        for (planted, expected) in [
            (WorkFacts { oldest_waiting: since(899), ..facts() }, vec![]),
            (WorkFacts { oldest_waiting: since(900), ..facts() }, vec![("events_late", Level::Fail)]),
            (WorkFacts { parked: counted(1, true), ..facts() }, vec![("events_parked", Level::Fail)]),
            (WorkFacts { parked: counted(0, false), ..facts() }, vec![("not_looked_at", Level::NotLookedAt)]),
            (WorkFacts { unknown_sends: counted(2, false), ..facts() }, vec![("sends_unknown", Level::Fail)]),
            (WorkFacts { parked: Looked::Unknown("x".into()), ..facts() }, vec![("unknown", Level::Unknown)]),
        ] {
            assert_eq!(wrong(&planted), expected);
        }
    }

    #[test]
    fn a_list_of_locations_that_is_old_or_missing_is_found() {
        let book = |seconds| {
            Looked::Seen(LocationBook { fetched_at: NOW.minus(Duration::from_secs(seconds)), locations: Vec::new() })
        };
        let judged = |looked| judge_locations(&looked, Duration::from_secs(300), NOW).check;
        assert_eq!([judged(book(0)), judged(book(600))], ["ok", "ok"]);
        assert_eq!([judged(book(601)), judged(Looked::Absent)], ["locations_stale", "locations_missing"]);
        assert_eq!(judged(Looked::Unknown("x".into())), "unknown");
    }

    #[test]
    fn a_front_door_that_is_silent_wrong_or_not_ready_is_found() {
        let checks = |found| vec![Check { kind: Kind::Queue, name: "podium".into(), found }];
        let report = |status, found| Report { status, timestamp: String::new(), checks: Some(checks(found)) };
        let judged = |looked| judge_front_door("https://door", &looked).remove(0);
        assert_eq!(judged(Looked::Seen((200, Some(report(Verdict::Ok, Found::Ok))))).check, "ok");
        let waiting = report(Verdict::Attention, Found::Waiting { messages: 1 });
        assert_eq!(judged(Looked::Seen((200, Some(waiting)))).check, "ok");
        let lost = judged(Looked::Seen((503, Some(report(Verdict::Unavailable, Found::Unreachable)))));
        assert!(lost.check == "front_door_not_ready" && lost.what.contains("queue podium"), "{lost:?}");
        assert_eq!(judged(Looked::Seen((404, None))).check, "front_door_wrong");
        assert_eq!(judged(Looked::Unknown("refused".into())).check, "front_door_silent");
        assert_eq!(judged(Looked::Absent).level, Level::NotLookedAt);
    }

    #[test]
    fn an_origin_that_may_not_call_is_found() {
        let judged = |looked| judge_origin("https://door", "https://shop.example", &looked).check;
        assert_eq!(judged(Looked::Seen(Some("https://shop.example".into()))), "ok");
        assert_eq!(judged(Looked::Seen(Some("https://shop.example/".into()))), "origin_refused");
        assert_eq!(judged(Looked::Seen(None)), "origin_refused");
        assert_eq!(judged(Looked::Unknown("x".into())), "unknown");
    }
}
