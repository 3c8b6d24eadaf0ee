//! Finding events by a description.

use std::time::Duration;

use clap::ValueEnum;
use frontdesk_core::{
    ids::{GroupId, RunId, Shard},
    inbox::{Inbox as _, InboxKey, InboxStatus, Source},
    record::{Record, Records as _, Shelf, Sieve},
    redrive::Seen,
    time::UnixMillis,
};
use futures_util::future::join_all;

use crate::{
    failure::Failure,
    installation::Installation,
    show::{self, Progress},
};

/// What is read of a row that is looked for among many: not its body.
const WANTED: &[&str] = &[
    "st",
    "outcome",
    "received_at_ms",
    "ended_at_ms",
    "waiting_since_ms",
    "lease_until_ms",
    "attempts",
    "topic_header",
    "group_id",
    "expires_at",
    "replays",
    "replay_run",
    "replayed_at_ms",
];
/// Rows of the index `waiting` that are looked at, of each partition.
const WAITING_MAX: u16 = 1_000;
/// No row of any table is kept for longer, unless it is parked.
pub(crate) const BACK_MAX: Duration = Duration::from_secs(400 * 86_400);
/// Rows that are read at once.
const AT_ONCE: usize = 25;

/// Which events are meant.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Filters {
    /// Who sent it
    #[arg(long, value_enum, value_name = "SOURCE")]
    source: Option<Sender>,
    /// Where it stands: waiting, claimed, done, rejected, parked or mismatch; may be said several times
    #[arg(long, value_enum, value_name = "STATUS", hide_possible_values = true)]
    status: Vec<Status>,
    /// How its outcome begins, such as provider_no_help or ERR_WEBCHAT_002
    #[arg(long, value_name = "PREFIX")]
    reason: Option<String>,
    /// What arrived since then: 30m, 24h, 3d, or 2026-11-18T00:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sender {
    Shopify,
    Podium,
    Privacy,
    Chatwoot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Status {
    Waiting,
    Claimed,
    Done,
    Rejected,
    Parked,
    Mismatch,
}

impl Sender {
    const fn source(self) -> Source {
        match self {
            Self::Shopify => Source::Shopify,
            Self::Podium => Source::Podium,
            Self::Privacy => Source::Privacy,
            Self::Chatwoot => Source::Chatwoot,
        }
    }
}

impl Status {
    const fn status(self) -> InboxStatus {
        match self {
            Self::Waiting => InboxStatus::Waiting,
            Self::Claimed => InboxStatus::Claimed,
            Self::Done => InboxStatus::Done,
            Self::Rejected => InboxStatus::Rejected,
            Self::Parked => InboxStatus::Parked,
            Self::Mismatch => InboxStatus::Mismatch,
        }
    }
}

/// The same, read.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    source: Option<Source>,
    statuses: Vec<InboxStatus>,
    reason: Option<String>,
    since: Option<UnixMillis>,
}

/// What was found, and how many rows were looked at for it.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The rows, in no order.
    pub(crate) rows: Vec<Record>,
    /// How many answer to the description.
    pub(crate) matched: u64,
    pub(crate) looked_at: u64,
    /// There may be more that were not looked at.
    pub(crate) cut_off: bool,
}

impl Filters {
    /// Reads them; `statuses`: if none is said.
    pub(crate) fn read(&self, now: UnixMillis, statuses: &[InboxStatus]) -> Result<Wanted, Failure> {
        let said: Vec<InboxStatus> = self.status.iter().map(|status| status.status()).collect();
        Ok(Wanted {
            source: self.source.map(Sender::source),
            statuses: if said.is_empty() { statuses.to_vec() } else { said },
            reason: self.reason.clone(),
            since: self.since.as_deref().map(|text| show::when(text, now, BACK_MAX)).transpose()?,
        })
    }
}

impl Wanted {
    /// Finds the rows; the newest `most`, if only so many are wanted.
    pub(crate) async fn find(&self, shop: &Installation, most: Option<usize>) -> Result<Found, Failure> {
        let open = |status: &InboxStatus| matches!(status, InboxStatus::Waiting | InboxStatus::Claimed);
        match most {
            Some(most) if !self.statuses.is_empty() && self.statuses.iter().all(open) => {
                self.among_waiting(shop, most).await
            }
            _ => self.among_all(shop, most).await,
        }
    }

    /// From end to end.
    async fn among_all(&self, shop: &Installation, most: Option<usize>) -> Result<Found, Failure> {
        let mut found = Found::default();
        let mut progress = Progress::start("events looked at", None);
        let mut after = None;
        loop {
            let page = shop.store.records(Shelf::Inbox, &self.sieve(), after.as_deref()).await.map_err(unread)?;
            let looked_at = u64::try_from(page.looked_at).unwrap_or(u64::MAX);
            progress.step(looked_at);
            found.looked_at += looked_at;
            found.matched += u64::try_from(page.rows.len()).unwrap_or(u64::MAX);
            found.rows.extend(page.rows);
            // Of a million rows only those are kept in hand that will be shown.
            if let Some(most) = most.filter(|most| found.rows.len() > most.saturating_mul(4)) {
                newest(&mut found.rows, most);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        progress.finish();
        if let Some(most) = most {
            newest(&mut found.rows, most);
        }
        Ok(found)
    }

    /// By the index of what waits: no row is read that does not.
    async fn among_waiting(&self, shop: &Installation, most: usize) -> Result<Found, Failure> {
        let mut found = Found::default();
        let mut hints = Vec::new();
        for shard in Shard::all() {
            // What a worker put off stands ahead of the present.
            let ahead = shop.now().plus(Duration::from_secs(86_400));
            let page = shop.store.waiting(shard, ahead, WAITING_MAX).await.map_err(unread)?;
            found.cut_off |= page.len() >= usize::from(WAITING_MAX);
            hints.extend(page);
        }
        hints.sort_by_key(|hint| std::cmp::Reverse(hint.since));
        for some in hints.chunks(AT_ONCE) {
            let keys: Vec<String> = some.iter().map(|hint| hint.key.to_key()).collect();
            let rows = join_all(keys.iter().map(|key| shop.store.record(Shelf::Inbox, key))).await;
            for row in rows {
                found.looked_at += 1;
                found.rows.extend(row.map_err(unread)?.filter(|row| self.admits(row)));
            }
            if found.rows.len() >= most {
                found.cut_off |= hints.len() > most;
                break;
            }
        }
        found.matched = u64::try_from(found.rows.len()).unwrap_or(u64::MAX);
        newest(&mut found.rows, most);
        Ok(found)
    }

    fn sieve(&self) -> Sieve {
        let statuses: Vec<String> = self.statuses.iter().map(|status| status.as_str().to_owned()).collect();
        let source = self.source.map(|source| ("pk", format!("{}#", source.as_str())));
        let reason = self.reason.clone().map(|reason| ("outcome", reason));
        Sieve {
            equals: if statuses.is_empty() { Vec::new() } else { vec![("st", statuses)] },
            begins: source.into_iter().chain(reason).collect(),
            since: self.since.map(|since| ("received_at_ms", since)),
            only: WANTED,
        }
    }

    /// The same of a row that was found another way.
    fn admits(&self, row: &Record) -> bool {
        let stands = row.text("st").and_then(InboxStatus::parse);
        let begins = |text: Option<&str>, with: &str| text.is_some_and(|text| text.starts_with(with));
        (self.statuses.is_empty() || stands.is_some_and(|status| self.statuses.contains(&status)))
            && self.source.is_none_or(|source| begins(Some(&row.key), &format!("{}#", source.as_str())))
            && self.reason.as_deref().is_none_or(|reason| begins(row.text("outcome"), reason))
            && self.since.is_none_or(|since| row.millis("received_at_ms").is_some_and(|at| at >= since))
    }
}

fn newest(rows: &mut Vec<Record>, most: usize) {
    rows.sort_by_key(|row| std::cmp::Reverse((row.millis("received_at_ms"), row.key.clone())));
    rows.truncate(most);
}

/// A row as its redrive has to know it; `None`: it is none of ours, or of another version's.
pub(crate) fn seen(row: &Record) -> Option<Seen> {
    Some(Seen {
        key: InboxKey::parse(&row.key)?,
        status: row.text("st").and_then(InboxStatus::parse)?,
        outcome: row.text("outcome").map(str::to_owned),
        received_at: row.millis("received_at_ms")?,
        expires_at: row.millis("expires_at"),
        group: row.text("group_id").map(GroupId::from_stored),
        replays: u32::try_from(row.count("replays").unwrap_or_default()).ok()?,
        run: row.text("replay_run").and_then(|run| RunId::try_from(run).ok()),
    })
}

pub(crate) fn unread(error: impl std::error::Error) -> Failure {
    Failure::Unreachable(vec![format!("no answer: {error}")])
}
