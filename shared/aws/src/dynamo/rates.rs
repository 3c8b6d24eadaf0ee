//! Windows in which a client's requests are counted, in the table of limits.

use frontdesk_core::{
    rate::{Admission, RateKey, RateRule, RateWindows},
    store::StoreError,
    time::UnixMillis,
};

use super::{
    DynamoStore, Table,
    row::{Row, expiry, millis, number, text},
    write::{Change, Written},
};

/// The window runs and has room. Counting one and the same request twice is refused as long as nobody else has counted since.
const COUNT_IF: &str = "ends_at_ms > :now_ms AND hits < :limit AND last_write <> :call";
const COUNT: &str = "SET last_write = :call ADD hits :one";

/// No window runs. Of all who find that, one begins the next; the others count in it.
const BEGIN_IF: &str = "attribute_not_exists(pk) OR ends_at_ms <= :now_ms";
const BEGIN: &str = "SET hits = :one, ends_at_ms = :ends_ms, expires_at = :expires_at, last_write = :call";

/// A window that somebody else began is counted in at the second round. A third is for one whose row DynamoDB deletes in
/// between.
const ROUNDS: usize = 3;

impl RateWindows for DynamoStore {
    async fn admit(&self, key: &RateKey, rule: RateRule, now: UnixMillis) -> Result<Admission, StoreError> {
        let ends_at = now.plus(rule.window);
        if rule.limit == 0 {
            return Ok(Admission::Refused { until: ends_at });
        }
        let call = self.ids.draw();
        let values = || vec![(":call", text(call.as_str())), (":now_ms", millis(now)), (":one", number(1))];
        let change = |only_if, update, more: Vec<_>| {
            let values = values().into_iter().chain(more).collect();
            Change { table: Table::Limits, key: key.as_str().to_owned(), only_if: Some(only_if), update, values }
        };
        for _ in 0..ROUNDS {
            let counted = self.change(change(COUNT_IF, COUNT, vec![(":limit", number(rule.limit))])).await?;
            if counted.made_by(&call) {
                return Ok(Admission::Admitted);
            }
            if let Written::Refused(Some(item)) = &counted {
                let ends_at = Row::new(Table::Limits, item).millis("ends_at_ms")?;
                if ends_at > now {
                    return Ok(Admission::Refused { until: ends_at });
                }
            }
            let begin = vec![(":ends_ms", millis(ends_at)), (":expires_at", expiry(ends_at))];
            if self.change(change(BEGIN_IF, BEGIN, begin)).await?.made_by(&call) {
                return Ok(Admission::Admitted);
            }
        }
        Err(Table::Limits.unavailable("a window begins and ends too fast".to_owned()))
    }
}
