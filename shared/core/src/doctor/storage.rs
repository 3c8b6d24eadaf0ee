//! Tables and queues.

use std::time::Duration;

use super::{Finding, Group, Looked};

/// A table as the template makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableNeed {
    /// Readiness's word for it.
    pub word: &'static str,
    /// Its indexes.
    pub indexes: &'static [&'static str],
    /// Whether its rows expire.
    pub expires: bool,
}

/// All tables.
pub const TABLES: [TableNeed; 10] = [
    TableNeed { word: "inbox", indexes: &["waiting"], expires: true },
    TableNeed { word: "contacts", indexes: &["mirror"], expires: false },
    TableNeed { word: "review-requests", indexes: &["due"], expires: true },
    TableNeed { word: "outbox", indexes: &["unresolved", "attention"], expires: true },
    TableNeed { word: "sessions", indexes: &["deadline"], expires: true },
    TableNeed { word: "chats", indexes: &[], expires: true },
    TableNeed { word: "forms", indexes: &[], expires: true },
    TableNeed { word: "reviews", indexes: &[], expires: false },
    TableNeed { word: "limits", indexes: &[], expires: true },
    TableNeed { word: "directory", indexes: &[], expires: false },
];

/// The attribute by which rows expire.
pub const TTL_ATTRIBUTE: &str = "expires_at";

/// What DynamoDB says of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFacts {
    /// `ACTIVE`, `UPDATING`, ...
    pub status: String,
    /// Its indexes, each with its status; empty where that is not told, as by the local emulator.
    pub indexes: Vec<(String, String)>,
    /// Whether it cannot be deleted by mistake.
    pub protected: bool,
    /// The attribute by which rows expire; none when they do not.
    pub ttl: Looked<Option<String>>,
    /// Whether it can be put back to any moment of the last weeks.
    pub recoverable: Looked<bool>,
}

/// Judges a table.
#[must_use]
pub fn judge_table(need: &TableNeed, name: &str, looked: &Looked<TableFacts>) -> Vec<Finding> {
    const GROUP: Group = Group::Tables;
    let absent = || {
        let what = format!("there is no table {name}");
        Finding::fail(
            GROUP,
            "table_missing",
            need.word,
            what,
            "Deploy the template again, or restore the table from its backup.",
        )
        .by("sam deploy")
    };
    let facts = match looked.or_finding(GROUP, need.word, absent) {
        Ok(facts) => facts,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    // While its description is changed, of an index for one, a table works as before.
    if !matches!(facts.status.as_str(), "ACTIVE" | "UPDATING") {
        let what = format!("the table {name} is {}", facts.status);
        findings.push(
            Finding::fail(
                GROUP,
                "table_not_active",
                need.word,
                what,
                "Wait while it is CREATING; else look at it in the console.",
            )
            .by(format!("aws dynamodb describe-table --table-name {name}")),
        );
    }
    for index in need.indexes {
        let status = facts.indexes.iter().find(|(known, _)| known == index).map(|(_, status)| status.as_str());
        if !matches!(status, Some("ACTIVE" | "UPDATING" | "")) {
            let what =
                format!("the index {index} of {name} is {}; what it finds is not found", status.unwrap_or("missing"));
            let remedy = "Wait while it is CREATING; if it is missing, deploy the template again.";
            findings.push(Finding::fail(GROUP, "index_missing", need.word, what, remedy).by("sam deploy"));
        }
    }
    if need.expires {
        match &facts.ttl {
            Looked::Seen(Some(attribute)) if attribute == TTL_ATTRIBUTE => {}
            Looked::Seen(other) => {
                let is = other.as_deref().map_or("off".to_owned(), |other| format!("by {other}"));
                let what =
                    format!("expiry of {name} is {is}, not by {TTL_ATTRIBUTE}: rows are kept, and paid for, for ever");
                let command = format!(
                    "aws dynamodb update-time-to-live --table-name {name} --time-to-live-specification Enabled=true,AttributeName={TTL_ATTRIBUTE}"
                );
                findings.push(Finding::warn(GROUP, "ttl_off", need.word, what, "Switch it on.").by(command));
            }
            Looked::Absent | Looked::Unknown(_) | Looked::Forbidden(_) => {
                findings.extend(unseen(&facts.ttl, need.word));
            }
        }
    }
    match &facts.recoverable {
        Looked::Seen(true) => {}
        Looked::Seen(false) => {
            let what = format!("{name} cannot be put back to an earlier moment: opt-outs that are lost are lost");
            let command = format!(
                "aws dynamodb update-continuous-backups --table-name {name} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
            );
            let remedy = "Switch point-in-time recovery on.";
            findings.push(Finding::warn(GROUP, "recovery_off", need.word, what, remedy).by(command));
        }
        Looked::Absent | Looked::Unknown(_) | Looked::Forbidden(_) => {
            findings.extend(unseen(&facts.recoverable, need.word));
        }
    }
    if !facts.protected {
        let what = format!("{name} can be deleted by mistake");
        let command = format!("aws dynamodb update-table --table-name {name} --deletion-protection-enabled");
        findings.push(
            Finding::warn(GROUP, "table_unprotected", need.word, what, "Switch deletion protection on.").by(command),
        );
    }
    or_ok(findings, GROUP, need.word, name)
}

/// The finding about a detail that could not be seen.
fn unseen<T>(looked: &Looked<T>, subject: &str) -> Option<Finding> {
    let nothing = || Finding::not_looked_at(Group::Tables, subject, "the table does not say");
    looked.or_finding(Group::Tables, subject, nothing).err()
}

fn or_ok(findings: Vec<Finding>, group: Group, subject: &str, what: &str) -> Vec<Finding> {
    if findings.is_empty() { vec![Finding::ok(group, subject, what)] } else { findings }
}

/// What SQS says of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFacts {
    /// Messages that wait.
    pub visible: u64,
    /// Messages that are being worked on.
    pub hidden: u64,
    /// Messages that are to appear later.
    pub delayed: u64,
    /// How long a message that is worked on is hidden.
    pub visibility: Duration,
    /// The ARN of the queue of what failed too often, and after how many attempts it goes there.
    pub dead_letters: Option<(String, u32)>,
}

/// A worker's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkQueue<'a> {
    /// Readiness's word for it.
    pub word: &'a str,
    /// Its address.
    pub url: &'a str,
    /// How long the function that works on it may run, if that is known.
    pub timeout: Option<Duration>,
    /// What SQS says.
    pub facts: Looked<QueueFacts>,
}

/// Judges a worker's queue. `dead_letters`: the names of the queues of what failed too often.
#[must_use]
pub fn judge_queue(queue: &WorkQueue<'_>, dead_letters: &[&str]) -> Vec<Finding> {
    const GROUP: Group = Group::Queues;
    let facts = match queue.facts.or_finding(GROUP, queue.word, || queue_missing(queue.word, queue.url)) {
        Ok(facts) => facts,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    match &facts.dead_letters {
        None => {
            let what = "it has no queue for what fails too often: a poisonous message comes again for fourteen days";
            let remedy = "Deploy the template again; it sets RedrivePolicy.";
            findings.push(Finding::fail(GROUP, "redrive_missing", queue.word, what, remedy).by("sam deploy"));
        }
        Some((arn, _)) if !dead_letters.iter().any(|name| arn.rsplit(':').next() == Some(name)) => {
            let what = format!("what fails too often goes to {arn}, which nobody watches");
            let remedy = "Deploy the template again; it sets RedrivePolicy.";
            findings.push(Finding::fail(GROUP, "redrive_elsewhere", queue.word, what, remedy).by("sam deploy"));
        }
        Some(_) => {}
    }
    if let Some(timeout) = queue.timeout
        && facts.visibility < timeout * 6
    {
        let what = format!(
            "a message is hidden for {} s, less than six times the {} s that its function may run: it may be worked on twice at once",
            facts.visibility.as_secs(),
            timeout.as_secs()
        );
        let remedy = "Raise WorkerVisibilitySeconds to six times WorkerTimeoutSeconds.";
        findings.push(Finding::warn(GROUP, "visibility_short", queue.word, what, remedy).by("sam deploy --guided"));
    }
    let waits = facts.visible + facts.hidden + facts.delayed;
    or_ok(findings, GROUP, queue.word, &format!("{waits} message(s)"))
}

/// Judges a queue of what failed too often.
#[must_use]
pub fn judge_dead_letters(word: &str, url: &str, looked: &Looked<QueueFacts>) -> Finding {
    const GROUP: Group = Group::Queues;
    let facts = match looked.or_finding(GROUP, word, || queue_missing(word, url)) {
        Ok(facts) => facts,
        Err(finding) => return finding,
    };
    match facts.visible + facts.hidden + facts.delayed {
        0 => Finding::ok(GROUP, word, "empty"),
        waits => {
            let what = format!("{waits} message(s) failed too often and wait for a person");
            let remedy = "See what they are about, mend the reason, then put them back.";
            Finding::fail(GROUP, "dead_letters_waiting", word, what, remedy).by("frontdesk dlq list")
        }
    }
}

fn queue_missing(word: &str, url: &str) -> Finding {
    let what = format!("there is no queue at {url}: what is put there is lost to its worker until the sweeper comes");
    Finding::fail(Group::Queues, "queue_missing", word, what, "Deploy the template again.").by("sam deploy")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    fn table() -> TableFacts {
        TableFacts {
            status: "ACTIVE".into(),
            indexes: vec![("waiting".into(), "ACTIVE".into())],
            protected: true,
            ttl: Looked::Seen(Some("expires_at".into())),
            recoverable: Looked::Seen(true),
        }
    }

    /// Each thing that can be wrong with a table, and nothing beside it.
    #[test]
    fn each_fault_of_a_table_is_found_alone() {
        let judged = |looked| judge_table(&TABLES[0], "stack-Inbox", &looked);
        assert_eq!(judged(Looked::Seen(table()))[0].level, Level::Ok);
        let plant = |change: fn(&mut TableFacts)| {
            let mut facts = table();
            change(&mut facts);
            Looked::Seen(facts)
        };
        for (looked, check, level) in [
            (Looked::Absent, "table_missing", Level::Fail),
            (plant(|t| t.status = "ARCHIVED".into()), "table_not_active", Level::Fail),
            (plant(|t| t.indexes.clear()), "index_missing", Level::Fail),
            (plant(|t| t.indexes[0].1 = "CREATING".into()), "index_missing", Level::Fail),
            (plant(|t| t.ttl = Looked::Seen(None)), "ttl_off", Level::Warn),
            (plant(|t| t.ttl = Looked::Seen(Some("ttl".into()))), "ttl_off", Level::Warn),
            (plant(|t| t.recoverable = Looked::Seen(false)), "recovery_off", Level::Warn),
            (plant(|t| t.protected = false), "table_unprotected", Level::Warn),
            (Looked::Unknown("no answer".into()), "unknown", Level::Unknown),
            (plant(|t| t.ttl = Looked::Unknown("no answer".into())), "unknown", Level::Unknown),
            (plant(|t| t.recoverable = Looked::Forbidden("not allowed".into())), "unknown", Level::Unknown),
        ] {
            let found: Vec<_> = judged(looked).into_iter().map(|finding| (finding.check, finding.level)).collect();
            assert_eq!(found, [(check, level)]);
        }
        // A table whose rows stay is not asked whether they expire.
        let stays = TableFacts { ttl: Looked::Seen(None), ..table() };
        assert_eq!(judge_table(&TABLES[9], "d", &Looked::Seen(stays))[0].level, Level::Ok);
    }

    #[test]
    fn each_fault_of_a_queue_is_found_alone() {
        let facts = || QueueFacts {
            visibility: Duration::from_secs(360),
            dead_letters: Some(("arn:aws:sqs:x:1:shopify-dead".into(), 5)),
            ..QueueFacts::default()
        };
        let judged = |facts| {
            let (word, url, timeout) = ("shopify", "https://sqs/shopify", Some(Duration::from_secs(60)));
            judge_queue(&WorkQueue { word, url, timeout, facts }, &["shopify-dead"])
        };
        assert_eq!(judged(Looked::Seen(QueueFacts { visible: 7, ..facts() }))[0].level, Level::Ok, "work is no fault");
        for (looked, check) in [
            (Looked::Absent, "queue_missing"),
            (Looked::Seen(QueueFacts { dead_letters: None, ..facts() }), "redrive_missing"),
            (Looked::Seen(QueueFacts { dead_letters: Some(("arn:other".into(), 5)), ..facts() }), "redrive_elsewhere"),
            (Looked::Seen(QueueFacts { visibility: Duration::from_secs(359), ..facts() }), "visibility_short"),
            (Looked::Unknown("no answer".into()), "unknown"),
        ] {
            let found: Vec<_> = judged(looked).into_iter().map(|finding| finding.check).collect();
            assert_eq!(found, [check]);
        }
        let dead = |facts| judge_dead_letters("shopify-dlq", "https://sqs/dead", &facts);
        assert_eq!(dead(Looked::Seen(QueueFacts::default())).level, Level::Ok);
        for waits in [
            QueueFacts { visible: 1, ..QueueFacts::default() },
            QueueFacts { hidden: 1, ..QueueFacts::default() },
            QueueFacts { delayed: 1, ..QueueFacts::default() },
        ] {
            assert_eq!(dead(Looked::Seen(waits)).check, "dead_letters_waiting");
        }
        assert_eq!(dead(Looked::Absent).check, "queue_missing");
    }
}
