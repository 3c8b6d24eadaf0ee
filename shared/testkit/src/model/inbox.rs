use frontdesk_core::{
    body::StoredBody,
    contact::Direction,
    ids::{GroupId, OwnerToken, RunId, Shard},
    inbox::{
        Accepted, Attempt, BodySha256, EventEnd, Inbox, InboxClaim, InboxKey, InboxStatus, LeasedEvent, NewEvent,
        WaitingRow,
    },
    queue::Wake,
    redrive::{Redrives, Reopened, Reopening, Unfit},
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

use super::{ModelStore, chats, contacts};

/// An event's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxRow {
    /// Where it stands.
    pub status: InboxStatus,
    /// The body.
    pub body: StoredBody,
    /// Its hash.
    pub body_sha256: BodySha256,
    /// When it arrived.
    pub received_at: UnixMillis,
    /// When it may be forgotten.
    pub expires_at: UnixMillis,
    /// The write that made it.
    pub receipt: String,
    /// Who held it last.
    pub owner: Option<OwnerToken>,
    /// Until when it is held.
    pub lease_until: Option<UnixMillis>,
    /// How often it was claimed.
    pub attempts: u32,
    /// Since when it waits; absent when it has ended.
    pub waiting_since: Option<UnixMillis>,
    /// How it ended.
    pub outcome: Option<String>,
    /// The line in which it is worked on.
    pub group: Option<GroupId>,
    /// How often it was set going again.
    pub replays: u32,
    /// By which run last, and when.
    pub reopened: Option<(RunId, UnixMillis)>,
    /// At which time its answer was wanted anew.
    pub anew: u32,
}

/// A second body under a known id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MismatchRow {
    /// The body.
    pub body: StoredBody,
    /// Its hash.
    pub body_sha256: BodySha256,
    /// When it may be forgotten.
    pub expires_at: UnixMillis,
}

impl InboxRow {
    /// Whether `lease`'s owner holds it.
    pub(super) fn held_by(&self, lease: &Lease) -> bool {
        self.status == InboxStatus::Claimed && self.owner.as_ref() == Some(&lease.owner)
    }

    /// Ends it.
    pub(super) fn end(&mut self, end: &EventEnd) {
        let (status, outcome) = match end {
            EventEnd::Done(word) | EventEnd::Erased(word) => (InboxStatus::Done, (*word).to_owned()),
            EventEnd::Rejected(reason) => (InboxStatus::Rejected, reason.describe()),
            EventEnd::Parked(reason) => (InboxStatus::Parked, reason.describe()),
        };
        if let EventEnd::Erased(_) = end {
            self.body = StoredBody::Plain(Vec::new());
        }
        self.status = status;
        self.outcome = Some(outcome);
        self.waiting_since = None;
        self.lease_until = None;
        if status == InboxStatus::Parked {
            self.expires_at = UnixMillis::new(i64::MAX);
        }
    }
}

impl Inbox for ModelStore {
    async fn accept(&self, event: &NewEvent) -> Result<Accepted, StoreError> {
        let mut tables = self.lock();
        if let Some(old) = tables.inbox.get(&event.key)
            && old.expires_at > event.received_at
        {
            if old.receipt == event.receipt {
                return Ok(Accepted::Stored);
            }
            let same = old.body_sha256 == event.body_sha256;
            // A second STOP may have the very bytes of the first.
            if !same || event.key.event.is_of_body() {
                for change in event.opt_outs.iter().filter(|c| c.direction == Direction::Out) {
                    contacts::change(&mut tables, change);
                }
            }
            if same {
                return Ok(Accepted::Duplicate);
            }
            tables.writes += 1;
            let key = event.key.mismatch_key(&event.body_sha256);
            let (body, body_sha256) = (event.body.clone(), event.body_sha256.clone());
            let row = MismatchRow { body, body_sha256, expires_at: event.expires_at };
            // One that was wiped stays so, for as long as it is kept.
            if tables.mismatches.get(&key).is_none_or(|old| old.expires_at <= event.received_at) {
                tables.mismatches.insert(key, row);
            }
            return Ok(Accepted::Mismatch);
        }
        let row = InboxRow {
            status: if event.rejected.is_some() { InboxStatus::Rejected } else { InboxStatus::Waiting },
            body: event.body.clone(),
            body_sha256: event.body_sha256.clone(),
            received_at: event.received_at,
            expires_at: event.expires_at,
            receipt: event.receipt.clone(),
            owner: None,
            lease_until: None,
            attempts: 0,
            waiting_since: event.rejected.is_none().then_some(event.received_at),
            outcome: event.rejected.as_ref().map(|r| r.describe()),
            group: event.group.clone(),
            replays: 0,
            reopened: None,
            anew: 0,
        };
        for change in &event.opt_outs {
            contacts::change(&mut tables, change);
        }
        chats::mark(&mut tables, event);
        tables.writes += 1;
        tables.inbox.insert(event.key.clone(), row);
        Ok(Accepted::Stored)
    }

    async fn claim(&self, key: &InboxKey, lease: &Lease) -> Result<InboxClaim, StoreError> {
        let mut tables = self.lock();
        let Some(row) = tables.inbox.get_mut(key) else { return Ok(InboxClaim::Missing) };
        match row.status {
            InboxStatus::Waiting => {}
            InboxStatus::Claimed => {
                let until = row.lease_until.unwrap_or(lease.now);
                if until > lease.now && row.owner.as_ref() != Some(&lease.owner) {
                    return Ok(InboxClaim::Busy { until });
                }
            }
            ended @ (InboxStatus::Done | InboxStatus::Rejected | InboxStatus::Parked | InboxStatus::Mismatch) => {
                return Ok(InboxClaim::Ended(ended));
            }
        }
        // A repeated call by the same owner is the same attempt.
        if !row.held_by(lease) {
            row.attempts += 1;
        }
        row.status = InboxStatus::Claimed;
        row.owner = Some(lease.owner.clone());
        row.lease_until = Some(lease.until);
        let event = LeasedEvent {
            key: key.clone(),
            body: row.body.clone(),
            received_at: row.received_at,
            attempts: row.attempts,
            reopened_at: row.reopened.as_ref().map(|(_, at)| *at),
            anew: row.anew,
        };
        tables.writes += 1;
        Ok(InboxClaim::Acquired(Box::new(event)))
    }

    async fn finish(&self, key: &InboxKey, lease: &Lease, end: &EventEnd) -> Result<Fenced, StoreError> {
        let mut tables = self.lock();
        match tables.inbox.get_mut(key) {
            Some(row) if row.held_by(lease) => {
                row.end(end);
                tables.writes += 1;
                Ok(Fenced::Written)
            }
            // Our own earlier success, whose answer was lost.
            Some(row) if row.owner.as_ref() == Some(&lease.owner) && row.outcome.is_some() => Ok(Fenced::Written),
            _ => Ok(Fenced::Lost),
        }
    }

    async fn release(&self, key: &InboxKey, lease: &Lease, attempt: Attempt) -> Result<Fenced, StoreError> {
        let mut tables = self.lock();
        match tables.inbox.get_mut(key) {
            Some(row) if row.held_by(lease) => {
                row.status = InboxStatus::Waiting;
                row.lease_until = None;
                match attempt {
                    Attempt::Counts => {}
                    Attempt::Forgiven => row.attempts -= 1,
                    Attempt::PutOff { since } => {
                        row.attempts -= 1;
                        row.waiting_since = Some(since);
                    }
                }
                tables.writes += 1;
                Ok(Fenced::Written)
            }
            _ => Ok(Fenced::Lost),
        }
    }

    async fn waiting(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<WaitingRow>, StoreError> {
        let tables = self.lock();
        let mut rows: Vec<WaitingRow> = tables
            .inbox
            .iter()
            .filter(|(key, _)| key.shard() == shard)
            .filter_map(|(key, row)| {
                Some(WaitingRow { key: key.clone(), since: row.waiting_since?, group: row.group.clone() })
            })
            .filter(|row| row.since <= before)
            .collect();
        rows.sort_by_key(|row| row.since);
        rows.truncate(usize::from(limit));
        Ok(rows)
    }

    async fn requeue(&self, row: &WaitingRow, now: UnixMillis) -> Result<Option<UnixMillis>, StoreError> {
        let mut tables = self.lock();
        match tables.inbox.get_mut(&row.key) {
            Some(stored) if stored.waiting_since == Some(row.since) => {
                stored.waiting_since = Some(now);
                let received_at = stored.received_at;
                tables.writes += 1;
                Ok(Some(received_at))
            }
            _ => Ok(None),
        }
    }
}

impl Redrives for ModelStore {
    async fn reopen(&self, what: &Reopening) -> Result<Reopened, StoreError> {
        let Reopening { seen, run, decided, expires_at, anew } = what;
        if let Some(unfit) = seen.unfit(run) {
            return Ok(Reopened::Unfit(unfit));
        }
        let mut tables = self.lock();
        let Some(row) = tables.inbox.get_mut(&seen.key) else { return Ok(Reopened::Unfit(Unfit::Gone)) };
        let (as_seen, in_this_run) = (
            row.status == seen.status && row.replays == seen.replays,
            row.reopened.as_ref().is_some_and(|(last, _)| last == run),
        );
        let wordless = row.body.unpack(1 << 24).is_ok_and(|body| body.is_empty());
        if in_this_run || !as_seen || wordless {
            let why = if in_this_run {
                Unfit::InThisRun
            } else if as_seen {
                Unfit::Wordless
            } else {
                Unfit::Changed
            };
            return Ok(Reopened::Unfit(why));
        }
        row.status = InboxStatus::Waiting;
        row.attempts = 0;
        row.waiting_since = Some(decided.at);
        row.expires_at = *expires_at;
        row.replays += 1;
        row.reopened = Some((run.clone(), decided.at));
        if *anew {
            row.anew = row.replays;
        }
        row.owner = None;
        row.lease_until = None;
        row.outcome = None;
        tables.writes += 1;
        Ok(Reopened::Waiting(Wake { key: seen.key.clone(), group: seen.group.clone() }))
    }
}
