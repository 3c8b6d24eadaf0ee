use frontdesk_core::{
    eligibility::Inputs,
    flow::promote::attention,
    ids::{OrderKey, OwnerToken, Shard},
    inbox::{EventEnd, InboxKey},
    request::{
        self, Committed, DueRow, Plan, Postpone, RequestChange, RequestClaim, RequestEnd, RequestStatus, Requests,
        ReviewRequest, Wait,
    },
    review::PlatformChoice,
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

use super::{ModelStore, Tables};

/// A request's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRow {
    /// Where it stands.
    pub status: RequestStatus,
    /// What it asks for; absent when it was skipped before there was a plan.
    pub plan: Option<Plan>,
    /// When it was first meant to be sent.
    pub first_send_after: Option<UnixMillis>,
    /// When it needs attention; absent when it has ended.
    pub due_at: Option<UnixMillis>,
    /// Who held it last.
    pub owner: Option<OwnerToken>,
    /// Until when it is held.
    pub lease_until: Option<UnixMillis>,
    /// How often the sender took it.
    pub attempts: u32,
    /// Since when a provider's trouble lasts.
    pub trouble_since: Option<UnixMillis>,
    /// The platform that was chosen.
    pub platform: Option<PlatformChoice>,
    /// How it ended.
    pub end: Option<RequestEnd>,
    /// What was known of the order when that was decided, or when it was planned.
    pub inputs: Option<Inputs>,
    /// When a review came of it.
    pub reviewed_at: Option<UnixMillis>,
}

impl RequestRow {
    fn held_by(&self, lease: &Lease) -> bool {
        !self.status.is_end() && self.lease_until.is_some() && self.owner.as_ref() == Some(&lease.owner)
    }

    fn move_to(&mut self, status: RequestStatus) {
        assert!(self.status <= status && !self.status.is_end(), "{:?} must not become {status:?}", self.status);
        self.status = status;
    }

    pub(super) fn end(&mut self, end: &RequestEnd) {
        self.move_to(end.status());
        self.end = Some(end.clone());
        self.due_at = None;
        self.lease_until = None;
    }
}

fn change(tables: &mut Tables, change: &RequestChange) -> bool {
    let row = tables.requests.get_mut(change.key());
    match (change, row) {
        (RequestChange::Schedule(new), None) => {
            let row = RequestRow {
                status: RequestStatus::Scheduled,
                plan: Some(new.plan.clone()),
                first_send_after: Some(new.plan.send_after),
                due_at: Some(attention(new.plan.send_after)),
                owner: None,
                lease_until: None,
                attempts: 0,
                trouble_since: None,
                platform: None,
                end: None,
                inputs: Some(new.inputs),
                reviewed_at: None,
            };
            tables.requests.insert(new.key.clone(), row);
            true
        }
        (RequestChange::Skip { key, reason, inputs, .. }, None) => {
            let row = RequestRow {
                status: RequestStatus::Skipped,
                plan: None,
                first_send_after: None,
                due_at: None,
                owner: None,
                lease_until: None,
                attempts: 0,
                trouble_since: None,
                platform: None,
                end: Some(RequestEnd::Skipped(*reason)),
                inputs: *inputs,
                reviewed_at: None,
            };
            tables.requests.insert(key.clone(), row);
            true
        }
        (RequestChange::Skip { reason, inputs, .. }, Some(row))
            if matches!(row.status, RequestStatus::Scheduled | RequestStatus::Queued) =>
        {
            row.end(&RequestEnd::Skipped(*reason));
            row.inputs = inputs.or(row.inputs);
            true
        }
        (RequestChange::Defer { until, planned_from, .. }, Some(row))
            if matches!(row.status, RequestStatus::Scheduled | RequestStatus::Queued)
                && row.first_send_after >= Some(*planned_from) =>
        {
            match row.plan.as_mut() {
                Some(plan) if plan.send_after < *until => {
                    plan.send_after = *until;
                    row.due_at = Some(attention(*until));
                    true
                }
                _ => false,
            }
        }
        (RequestChange::Retime { send_after, .. }, Some(row))
            if matches!(row.status, RequestStatus::Scheduled | RequestStatus::Queued) =>
        {
            match row.plan.as_mut() {
                Some(plan) => {
                    plan.send_after = *send_after;
                    row.due_at = Some(attention(*send_after));
                    true
                }
                None => false,
            }
        }
        _ => false,
    }
}

impl Requests for ModelStore {
    async fn commit(
        &self,
        event: &InboxKey,
        lease: &Lease,
        end: &EventEnd,
        wanted: &RequestChange,
    ) -> Result<Committed, StoreError> {
        let mut tables = self.lock();
        match tables.inbox.get(event) {
            Some(row) if row.held_by(lease) => {}
            Some(row) if row.owner.as_ref() == Some(&lease.owner) && row.outcome.is_some() => {
                return Ok(Committed::Written);
            }
            _ => return Ok(Committed::LeaseLost),
        }
        if !change(&mut tables, wanted) {
            return Ok(Committed::Refused);
        }
        tables.inbox.get_mut(event).unwrap().end(end);
        tables.writes += 1;
        Ok(Committed::Written)
    }

    async fn due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<DueRow>, StoreError> {
        let tables = self.lock();
        let mut rows: Vec<DueRow> = tables
            .requests
            .iter()
            .filter(|(key, _)| Shard::of(&key.to_key()) == shard)
            .filter_map(|(key, row)| {
                let send_after = row.plan.as_ref()?.send_after;
                Some(DueRow { key: key.clone(), status: row.status, due_at: row.due_at?, send_after })
            })
            .filter(|row| row.due_at <= before)
            .collect();
        rows.sort_by_key(|row| row.due_at);
        rows.truncate(usize::from(limit));
        Ok(rows)
    }

    async fn mark_queued(&self, seen: &DueRow, next_attention: UnixMillis) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        match tables.requests.get_mut(&seen.key) {
            Some(row) if row.status == seen.status && row.due_at == Some(seen.due_at) => {
                row.due_at = Some(next_attention);
                row.move_to(row.status.max(RequestStatus::Queued));
                tables.writes += 1;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn claim_request(&self, key: &OrderKey, lease: &Lease) -> Result<RequestClaim, StoreError> {
        let mut tables = self.lock();
        let Some(row) = tables.requests.get_mut(key) else { return Ok(RequestClaim::Missing) };
        if row.status.is_end() {
            return Ok(RequestClaim::Ended(row.status));
        }
        let ours = row.held_by(lease);
        if let Some(until) = row.lease_until
            && until > lease.now
            && !ours
        {
            return Ok(RequestClaim::Busy { until });
        }
        let plan = row.plan.clone().expect("a request that has not ended has a plan");
        if plan.send_after > lease.now {
            return Ok(RequestClaim::NotDue { at: plan.send_after });
        }
        if !ours {
            row.attempts += 1;
        }
        row.owner = Some(lease.owner.clone());
        row.lease_until = Some(lease.until);
        row.due_at = Some(lease.until);
        let request = ReviewRequest {
            key: key.clone(),
            status: row.status,
            plan,
            attempts: row.attempts,
            first_send_after: row.first_send_after.expect("set with the plan"),
            trouble_since: row.trouble_since,
        };
        tables.writes += 1;
        Ok(RequestClaim::Acquired(Box::new(request)))
    }

    async fn begin_sending(
        &self,
        key: &OrderKey,
        lease: &Lease,
        choice: &PlatformChoice,
    ) -> Result<Fenced, StoreError> {
        let still_due = |row: &RequestRow| row.plan.as_ref().is_some_and(|p| p.send_after <= lease.now);
        self.fenced(key, lease, |row| {
            if still_due(row) {
                row.move_to(RequestStatus::Sending);
                row.platform = Some(*choice);
            }
            still_due(row)
        })
    }

    async fn postpone(&self, key: &OrderKey, lease: &Lease, postpone: &Postpone) -> Result<Fenced, StoreError> {
        self.fenced(key, lease, |row| {
            if let Some(plan) = row.plan.as_mut() {
                plan.send_after = postpone.until;
            }
            row.due_at = Some(attention(postpone.until));
            row.lease_until = None;
            row.trouble_since = match postpone.why {
                Wait::Trouble => row.trouble_since.or(Some(lease.now)),
                Wait::Clock | Wait::Settling => None,
            };
            true
        })
    }

    async fn end_request(
        &self,
        key: &OrderKey,
        lease: &Lease,
        end: &RequestEnd,
        inputs: Option<&Inputs>,
    ) -> Result<Fenced, StoreError> {
        {
            let tables = self.lock();
            let row = tables.requests.get(key);
            // Our own earlier success, whose answer was lost.
            if row.is_some_and(|r| r.status == end.status() && r.owner.as_ref() == Some(&lease.owner)) {
                return Ok(Fenced::Written);
            }
        }
        self.fenced(key, lease, |row| {
            row.end(end);
            row.inputs = inputs.copied().or(row.inputs);
            true
        })
    }

    async fn request(&self, key: &OrderKey) -> Result<Option<request::RequestRow>, StoreError> {
        Ok(self.lock().requests.get(key).map(|row| request::RequestRow {
            status: row.status,
            plan: row.plan.clone(),
            first_send_after: row.first_send_after,
            reviewed_at: row.reviewed_at,
        }))
    }

    async fn note_reviewed(&self, key: &OrderKey, at: UnixMillis) -> Result<(), StoreError> {
        let mut tables = self.lock();
        if let Some(row) = tables.requests.get_mut(key) {
            row.reviewed_at.get_or_insert(at);
            tables.writes += 1;
        }
        Ok(())
    }
}

impl ModelStore {
    /// Writes if `lease`'s owner holds the row and `write` finds nothing against it.
    fn fenced(
        &self,
        key: &OrderKey,
        lease: &Lease,
        write: impl FnOnce(&mut RequestRow) -> bool,
    ) -> Result<Fenced, StoreError> {
        let mut tables = self.lock();
        let written = tables.requests.get_mut(key).is_some_and(|row| row.held_by(lease) && write(row));
        tables.writes += u64::from(written);
        Ok(if written { Fenced::Written } else { Fenced::Lost })
    }
}
