//! The functions, what hands work to them, and what the clock starts.

use std::{collections::BTreeMap, time::Duration};

use super::{Finding, Group, Looked, needs};
use crate::config::Function;

/// What Lambda says of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionFacts {
    /// `Active`, `Pending`, `Inactive`, `Failed`.
    pub state: String,
    /// `Successful`, `InProgress`, `Failed`.
    pub last_update: String,
    /// Why it is in that state, or why the last update failed.
    pub reason: String,
    /// Its own ARN.
    pub arn: String,
    /// The ARN of its role.
    pub role: String,
    /// How long it may run.
    pub timeout: Duration,
    /// How many of it may run at once, if that is limited for it.
    pub reserved: Option<u32>,
    /// Its variables.
    pub variables: BTreeMap<String, String>,
    /// What hands work to it.
    pub mappings: Looked<Vec<Mapping>>,
}

/// An event source mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The name of the queue.
    pub queue: String,
    /// `Enabled`, `Disabled`, `Creating`, ...
    pub state: String,
    /// Its id, for the command.
    pub id: String,
    /// Whether single messages of a batch may fail.
    pub single_failures: bool,
}

/// Judges a function. `queues`: the name of each worker's queue, by readiness's word.
#[must_use]
pub fn judge(
    function: Function,
    name: &str,
    looked: &Looked<FunctionFacts>,
    queues: &BTreeMap<String, String>,
) -> Vec<Finding> {
    const GROUP: Group = Group::Functions;
    let subject = function.as_str();
    let absent = || {
        let what = format!("there is no function {name}");
        Finding::fail(
            GROUP,
            "function_missing",
            subject,
            what,
            "Deploy the template; is --stack the name of its stack?",
        )
        .by("sam deploy")
    };
    let facts = match looked.or_finding(GROUP, subject, absent) {
        Ok(facts) => facts,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    let because = |reason: &str| if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    // One that nobody called for weeks is `Inactive` and wakes with the first call.
    if !matches!(facts.state.as_str(), "Active" | "Inactive" | "") {
        let what = format!("it is {}{}", facts.state, because(&facts.reason));
        let remedy = "Wait while it is Pending; if it Failed, deploy the template again.";
        findings.push(Finding::fail(GROUP, "function_not_active", subject, what, remedy).by(configuration(name)));
    }
    if facts.last_update == "Failed" {
        let what = format!("its last update failed{}: the code or settings before it run", because(&facts.reason));
        findings.push(Finding::fail(GROUP, "update_failed", subject, what, "Deploy again.").by(configuration(name)));
    }
    if facts.reserved == Some(0) {
        let what = "its reserved concurrency is 0: somebody switched it off";
        let command = format!("aws lambda delete-function-concurrency --function-name {name}");
        findings.push(Finding::fail(GROUP, "function_switched_off", subject, what, "Take the limit away.").by(command));
    }
    findings.extend(judge_mappings(function, name, &facts.mappings, queues));
    if findings.is_empty() {
        findings.push(Finding::ok(GROUP, subject, name));
    }
    findings
}

fn configuration(name: &str) -> String {
    format!("aws lambda get-function-configuration --function-name {name}")
}

fn judge_mappings(
    function: Function,
    name: &str,
    looked: &Looked<Vec<Mapping>>,
    queues: &BTreeMap<String, String>,
) -> Vec<Finding> {
    const GROUP: Group = Group::Functions;
    let subject = function.as_str();
    let words = needs::sources(function);
    if words.is_empty() {
        return Vec::new();
    }
    let mappings = match looked.or_finding(GROUP, subject, || missing(subject, &words.join(", "))) {
        Ok(mappings) => mappings,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    for word in words {
        let queue = queues.get(word).map_or(word, String::as_str);
        let Some(mapping) = mappings.iter().find(|mapping| mapping.queue == queue) else {
            findings.push(missing(subject, queue));
            continue;
        };
        if !matches!(mapping.state.as_str(), "Enabled" | "Enabling" | "Updating" | "Creating") {
            let what = format!("the queue {queue} hands it no work: its event source mapping is {}", mapping.state);
            let command = format!("aws lambda update-event-source-mapping --uuid {} --enabled", mapping.id);
            findings.push(Finding::fail(GROUP, "mapping_disabled", subject, what, "Enable it.").by(command));
        }
        if !mapping.single_failures {
            let what =
                format!("one message of {queue} that fails brings its whole batch back, with what was done already");
            let command = format!(
                "aws lambda update-event-source-mapping --uuid {} --function-response-types ReportBatchItemFailures",
                mapping.id
            );
            let remedy = format!("Let {name} report the messages that failed.");
            findings.push(Finding::fail(GROUP, "mapping_fails_whole", subject, what, remedy).by(command));
        }
    }
    findings
}

fn missing(subject: &str, queue: &str) -> Finding {
    let what = format!("nothing hands it the work of the queue {queue}: it has no event source mapping");
    Finding::fail(Group::Functions, "mapping_missing", subject, what, "Deploy the template again.").by("sam deploy")
}

/// A schedule as the template makes it: the task's name, which its own name ends with.
pub const SCHEDULES: [&str; 10] = [
    "promote",
    "sweep",
    "sessions",
    "locations",
    "mirror",
    "notices",
    "sends",
    "reconcile-reviews",
    "reconcile-messages",
    "reconcile-orders",
];

/// What the scheduler says of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleFacts {
    /// `ENABLED` or `DISABLED`.
    pub state: String,
    /// Whether runs that could not be started are kept.
    pub dead_letters: bool,
}

/// Judges a schedule.
#[must_use]
pub fn judge_schedule(task: &str, name: &str, looked: &Looked<ScheduleFacts>) -> Finding {
    const GROUP: Group = Group::Schedules;
    let absent = || {
        let what = format!("there is no schedule {name}: nothing starts the task");
        Finding::fail(GROUP, "schedule_missing", task, what, "Deploy the template again.").by("sam deploy")
    };
    match looked.or_finding(GROUP, task, absent) {
        Err(finding) => finding,
        Ok(facts) if facts.state != "ENABLED" => {
            let what = format!("the schedule {name} is {}: nothing starts the task", facts.state);
            let remedy = "Enable it in the console (EventBridge, Schedules), or deploy the template again.";
            Finding::fail(GROUP, "schedule_disabled", task, what, remedy)
                .by(format!("aws scheduler get-schedule --name {name}"))
        }
        Ok(facts) if !facts.dead_letters => {
            let what = format!("a run of {name} that cannot be started leaves no trace");
            Finding::warn(GROUP, "schedule_without_dead_letters", task, what, "Deploy the template again.")
                .by("sam deploy")
        }
        Ok(_) => Finding::ok(GROUP, task, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    fn worker() -> FunctionFacts {
        let mapping =
            Mapping { queue: "events".into(), state: "Enabled".into(), id: "uuid-1".into(), single_failures: true };
        FunctionFacts {
            state: "Active".into(),
            last_update: "Successful".into(),
            reason: String::new(),
            arn: "arn:aws:lambda:x:1:function:worker".into(),
            role: "arn:aws:iam::1:role/worker".into(),
            timeout: Duration::from_secs(60),
            reserved: None,
            variables: BTreeMap::new(),
            mappings: Looked::Seen(vec![mapping]),
        }
    }

    fn judged(looked: &Looked<FunctionFacts>) -> Vec<(&'static str, Level)> {
        let queues = BTreeMap::from([("shopify".to_owned(), "events".to_owned())]);
        let found = judge(Function::ShopifyWorker, "frontdesk-shopify-worker", looked, &queues);
        found.into_iter().map(|finding| (finding.check, finding.level)).collect()
    }

    #[test]
    fn each_fault_of_a_function_is_found_alone() {
        assert_eq!(judged(&Looked::Seen(worker())), [("ok", Level::Ok)]);
        let plant = |change: fn(&mut FunctionFacts)| {
            let mut facts = worker();
            change(&mut facts);
            judged(&Looked::Seen(facts))
        };
        let mapping = |change: fn(&mut Mapping)| {
            let mut facts = worker();
            if let Looked::Seen(mappings) = &mut facts.mappings {
                mappings.iter_mut().for_each(change);
            }
            judged(&Looked::Seen(facts))
        };
        for (found, check) in [
            (judged(&Looked::Absent), "function_missing"),
            (plant(|f| f.state = "Failed".into()), "function_not_active"),
            (plant(|f| f.last_update = "Failed".into()), "update_failed"),
            (plant(|f| f.reserved = Some(0)), "function_switched_off"),
            (plant(|f| f.mappings = Looked::Seen(Vec::new())), "mapping_missing"),
            (mapping(|m| m.queue = "another".into()), "mapping_missing"),
            (mapping(|m| m.state = "Disabled".into()), "mapping_disabled"),
            (mapping(|m| m.single_failures = false), "mapping_fails_whole"),
        ] {
            assert_eq!(found, [(check, Level::Fail)]);
        }
        assert_eq!(plant(|f| f.mappings = Looked::Forbidden("x".into())), [("unknown", Level::Unknown)]);
        assert_eq!(judged(&Looked::Unknown("no answer".into())), [("unknown", Level::Unknown)]);
        assert_eq!(plant(|f| f.reserved = Some(5)), [("ok", Level::Ok)]);
    }

    #[test]
    fn who_is_called_needs_nothing_that_hands_it_work() {
        let facts = FunctionFacts { mappings: Looked::Unknown("not asked".into()), ..worker() };
        let found = judge(Function::Chat, "frontdesk-chat", &Looked::Seen(facts), &BTreeMap::new());
        assert_eq!(found[0].level, Level::Ok);
    }

    #[test]
    fn each_fault_of_a_schedule_is_found() {
        let judged = |looked: &Looked<ScheduleFacts>| judge_schedule("sweep", "frontdesk-sweep", looked).check;
        let facts = |state: &str, dead_letters| Looked::Seen(ScheduleFacts { state: state.into(), dead_letters });
        assert_eq!(judged(&facts("ENABLED", true)), "ok");
        assert_eq!(judged(&facts("DISABLED", true)), "schedule_disabled");
        assert_eq!(judged(&facts("ENABLED", false)), "schedule_without_dead_letters");
        assert_eq!(judged(&Looked::Absent), "schedule_missing");
        assert_eq!(judged(&Looked::Unknown("x".into())), "unknown");
    }
}
