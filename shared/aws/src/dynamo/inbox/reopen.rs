//! Setting an ended event going again.

use frontdesk_core::{
    inbox::InboxStatus,
    queue::Wake,
    redrive::{Redrives, Reopened, Reopening, Seen, Unfit},
    store::StoreError,
};

use super::status;
use crate::dynamo::{
    DynamoStore, Table,
    row::{Item, Row, bytes, expiry, millis, number, text},
    write::{Change, Written},
};

/// Over the very end that was seen, with words to work on, and once in a run.
const FIRST_IF: &str = "st = :seen AND attribute_not_exists(replays) AND body_bytes <> :nothing";
const NEXT_IF: &str = "st = :seen AND replays = :known AND replay_run <> :run AND body_bytes <> :nothing";
/// It waits from now on, as if it had just come, and nobody holds it. What it had ended as stays on record.
macro_rules! reopen {
    ($more:literal) => {
        concat!(
            "SET st = :waiting, attempts = :zero, waiting_shard = :shard, waiting_since_ms = :now_ms, \
             expires_at = :expires_at, replays = :next, replay_run = :run, replayed_at_ms = :now_ms, \
             replayed_by = :by, replay_reason = :reason, replayed_from = :from, last_write = :call",
            $more,
            " REMOVE owner_token, lease_until_ms, outcome, ended_at_ms"
        )
    };
}
const REOPEN: &str = reopen!("");
/// The same, and what is answered to it has another name from now on.
const REOPEN_ANEW: &str = reopen!(", anew = :next");

impl Redrives for DynamoStore {
    async fn reopen(&self, what: &Reopening) -> Result<Reopened, StoreError> {
        let Reopening { seen, run, .. } = what;
        if let Some(unfit) = seen.unfit(run) {
            return Ok(Reopened::Unfit(unfit));
        }
        let call = self.ids.draw();
        let written = self.change(reopening(what, &call)).await?;
        if written.made_by(&call) {
            return Ok(Reopened::Waiting(Wake { key: seen.key.clone(), group: seen.group.clone() }));
        }
        let (Written::Made(item) | Written::Refused(Some(item))) = written else {
            return Ok(Reopened::Unfit(Unfit::Gone));
        };
        refusal(&item, what).map(Reopened::Unfit)
    }
}

fn reopening(what: &Reopening, call: &str) -> Change {
    let Reopening { seen, run, decided, expires_at, anew } = what;
    let Seen { key, replays, .. } = seen;
    let mut values = vec![
        (":seen", text(seen.status.as_str())),
        (":waiting", text(InboxStatus::Waiting.as_str())),
        (":zero", number(0)),
        (":shard", text(key.shard().to_key())),
        (":now_ms", millis(decided.at)),
        (":expires_at", expiry(*expires_at)),
        (":next", number(replays.saturating_add(1))),
        (":run", text(run.as_str())),
        (":by", text(decided.by.as_str())),
        (":reason", text(decided.reason.as_str())),
        (":from", text(seen.ended())),
        (":nothing", bytes(Vec::new())),
        (":call", text(call)),
    ];
    let only_if = if *replays == 0 {
        FIRST_IF
    } else {
        values.push((":known", number(*replays)));
        NEXT_IF
    };
    let update = if *anew { REOPEN_ANEW } else { REOPEN };
    Change { table: Table::Inbox, key: key.to_key(), only_if: Some(only_if), update, values }
}

/// What was in the way.
fn refusal(item: &Item, what: &Reopening) -> Result<Unfit, StoreError> {
    let row = Row::new(Table::Inbox, item);
    if row.text_if_any("replay_run") == Some(what.run.as_str()) {
        return Ok(Unfit::InThisRun);
    }
    let as_seen = status(&row)? == what.seen.status && row.count_or_none::<u32>("replays")? == what.seen.replays;
    Ok(if as_seen { Unfit::Wordless } else { Unfit::Changed })
}
