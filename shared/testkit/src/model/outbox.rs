use frontdesk_core::{
    ids::{EffectKey, OwnerToken, ProviderId},
    outbox::{Begin, Invite, Outbox, OutboxState, Send, Settlement, Unfinished},
    phone::E164Phone,
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

use super::ModelStore;

/// A send's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Whom it goes to.
    pub phone: E164Phone,
    /// Where it stands.
    pub state: OutboxState,
    /// The link made for it.
    pub invite: Option<Invite>,
    /// Who began it last.
    pub owner: Option<OwnerToken>,
}

impl Outbox for ModelStore {
    async fn outbox_state(&self, key: &EffectKey) -> Result<Option<OutboxState>, StoreError> {
        Ok(self.lock().outbox.get(key).map(|row| row.state.clone()))
    }

    async fn keep_invite(&self, send: &Send, invite: &Invite) -> Result<Invite, StoreError> {
        let mut tables = self.lock();
        let row = tables.outbox.entry(send.key.clone()).or_insert_with(|| OutboxRow {
            phone: send.phone.clone(),
            state: OutboxState::Pending { invite: None },
            invite: None,
            owner: None,
        });
        let counts = row.invite.get_or_insert_with(|| invite.clone()).clone();
        if let OutboxState::Pending { invite } | OutboxState::Sending(Unfinished { invite, .. }) = &mut row.state {
            *invite = Some(counts.clone());
        }
        tables.writes += 1;
        Ok(counts)
    }

    async fn begin(&self, send: &Send, lease: &Lease) -> Result<Begin, StoreError> {
        let mut tables = self.lock();
        let row = tables.outbox.entry(send.key.clone()).or_insert_with(|| OutboxRow {
            phone: send.phone.clone(),
            state: OutboxState::Pending { invite: None },
            invite: None,
            owner: None,
        });
        match &row.state {
            OutboxState::Pending { .. } => {}
            OutboxState::Sending(unfinished) if unfinished.owner == lease.owner => return Ok(Begin::Begun),
            other @ (OutboxState::Sending(_)
            | OutboxState::Accepted { .. }
            | OutboxState::Failed { .. }
            | OutboxState::Unknown) => return Ok(Begin::Refused(other.clone())),
        }
        row.owner = Some(lease.owner.clone());
        row.state = OutboxState::Sending(Unfinished {
            owner: lease.owner.clone(),
            began_at: lease.now,
            invite: row.invite.clone(),
        });
        tables.writes += 1;
        Ok(Begin::Begun)
    }

    async fn recipient_of(&self, id: &ProviderId) -> Result<Option<E164Phone>, StoreError> {
        let of = |row: &&OutboxRow| matches!(&row.state, OutboxState::Accepted { message } if message == id);
        Ok(self.lock().outbox.values().find(of).map(|row| row.phone.clone()))
    }

    async fn settle(
        &self,
        key: &EffectKey,
        owner: &OwnerToken,
        settlement: &Settlement,
        _now: UnixMillis,
    ) -> Result<Fenced, StoreError> {
        let mut tables = self.lock();
        let Some(row) = tables.outbox.get_mut(key) else { return Ok(Fenced::Lost) };
        if row.owner.as_ref() != Some(owner) {
            return Ok(Fenced::Lost);
        }
        let settled = match settlement {
            Settlement::Accepted { message } => OutboxState::Accepted { message: message.clone() },
            Settlement::NotSent => OutboxState::Pending { invite: row.invite.clone() },
            Settlement::Failed { reason } => OutboxState::Failed { reason: reason.clone() },
            Settlement::Unknown => OutboxState::Unknown,
        };
        if matches!(row.state, OutboxState::Sending(_)) {
            row.state = settled;
            tables.writes += 1;
            return Ok(Fenced::Written);
        }
        // Our own earlier success, whose answer was lost.
        Ok(if row.state == settled { Fenced::Written } else { Fenced::Lost })
    }
}
