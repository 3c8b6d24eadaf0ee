use frontdesk_core::{
    contact::Cooldown,
    ids::{EffectKey, LocationUid, OwnerToken, ProviderId, Shard},
    outbox::{
        Begin, DELIVERY_WITHIN, DeliveryNews, Fact, FailureKind, Invite, NOT_SENT, Outbox, OutboxState, Resolved, Send,
        SendRow, Settlement, Testified, Testimonies, Testimony, Tracked, Unfinished, Unresolved,
    },
    phone::E164Phone,
    redrive::Decided,
    request::{FailReason, RequestEnd, RequestStatus},
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

use super::{ModelStore, Tables, contacts};

/// A send's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Whom it goes to; `None` once erased.
    pub phone: Option<E164Phone>,
    /// From which location.
    pub location: LocationUid,
    /// Where it stands.
    pub state: OutboxState,
    /// The link made for it.
    pub invite: Option<Invite>,
    /// Who began it last.
    pub owner: Option<OwnerToken>,
    /// When it was settled last.
    pub settled_at: Option<UnixMillis>,
    /// When it needs attention; absent: never.
    pub attention: Option<UnixMillis>,
    /// The weightiest that was said of it.
    pub news: Option<DeliveryNews>,
    /// Its person's data was erased.
    pub erased: bool,
    /// When it may be forgotten.
    pub expires_at: UnixMillis,
}

impl OutboxRow {
    fn pending(send: &Send) -> Self {
        Self {
            phone: Some(send.phone.clone()),
            location: send.location.clone(),
            state: OutboxState::Pending { invite: None },
            invite: None,
            owner: None,
            settled_at: None,
            attention: None,
            news: None,
            erased: false,
            expires_at: send.expires_at,
        }
    }
}

impl OutboxRow {
    /// The row as the port shows it.
    fn shown(&self) -> SendRow {
        SendRow {
            state: self.state.clone(),
            phone: self.phone.clone(),
            location: self.location.clone(),
            invite: self.invite.clone(),
            settled_at: self.settled_at,
            expires_at: self.expires_at,
        }
    }
}

/// What a failure or an arrival means for the cooldown of the person.
fn move_cooldown(tables: &mut Tables, key: &EffectKey, row: &OutboxRow, news: DeliveryNews, now: UnixMillis) {
    let Some(phone) = &row.phone else { return };
    match news {
        DeliveryNews::Failed(_) => {
            if let Some(contact) = tables.contacts.get_mut(phone)
                && contact.cooldown.as_ref().is_some_and(|c| c.holder == *key)
            {
                contact.cooldown = None;
            }
        }
        // Only what may have held it takes it back, and only after a failure.
        DeliveryNews::Delivered
            if key.requested_order().is_some() && matches!(row.state, OutboxState::Undelivered { .. }) =>
        {
            let contact = contacts::row(tables, phone);
            if contact.cooldown.is_none() {
                contact.cooldown = Some(Cooldown { at: row.settled_at.unwrap_or(now), holder: key.clone() });
            }
        }
        DeliveryNews::Delivered | DeliveryNews::Sent => {}
    }
}

impl Outbox for ModelStore {
    async fn outbox_state(&self, key: &EffectKey) -> Result<Option<OutboxState>, StoreError> {
        Ok(self.lock().outbox.get(key).map(|row| row.state.clone()))
    }

    async fn keep_invite(&self, send: &Send, invite: &Invite) -> Result<Invite, StoreError> {
        let mut tables = self.lock();
        let row = tables.outbox.entry(send.key.clone()).or_insert_with(|| OutboxRow::pending(send));
        if row.erased {
            // It will not be sent.
            return Ok(invite.clone());
        }
        let counts = row.invite.get_or_insert_with(|| invite.clone()).clone();
        if let OutboxState::Pending { invite } | OutboxState::Sending(Unfinished { invite, .. }) = &mut row.state {
            *invite = Some(counts.clone());
        }
        tables.writes += 1;
        Ok(counts)
    }

    async fn begin(&self, send: &Send, lease: &Lease) -> Result<Begin, StoreError> {
        let mut tables = self.lock();
        let row = tables.outbox.entry(send.key.clone()).or_insert_with(|| OutboxRow::pending(send));
        match &row.state {
            OutboxState::Pending { .. } => {}
            OutboxState::Sending(unfinished) if unfinished.owner == lease.owner => return Ok(Begin::Begun),
            other @ (OutboxState::Sending(_)
            | OutboxState::Accepted { .. }
            | OutboxState::Delivered { .. }
            | OutboxState::Undelivered { .. }
            | OutboxState::Failed { .. }
            | OutboxState::Unknown) => return Ok(Begin::Refused(other.clone())),
        }
        row.owner = Some(lease.owner.clone());
        row.phone = Some(send.phone.clone());
        row.location = send.location.clone();
        row.expires_at = send.expires_at;
        row.attention = Some(lease.now.plus(DELIVERY_WITHIN));
        row.state = OutboxState::Sending(Unfinished {
            owner: lease.owner.clone(),
            began_at: lease.now,
            invite: row.invite.clone(),
        });
        tables.writes += 1;
        Ok(Begin::Begun)
    }

    async fn send_row(&self, key: &EffectKey) -> Result<Option<SendRow>, StoreError> {
        Ok(self.lock().outbox.get(key).map(OutboxRow::shown))
    }

    async fn plan(&self, send: &Send, at: UnixMillis) -> Result<(), StoreError> {
        let mut tables = self.lock();
        if !tables.outbox.contains_key(&send.key) {
            tables.outbox.insert(send.key.clone(), OutboxRow { attention: Some(at), ..OutboxRow::pending(send) });
            tables.writes += 1;
        }
        Ok(())
    }

    async fn track(&self, id: &ProviderId, fact: &Fact, _expires_at: UnixMillis) -> Result<Tracked, StoreError> {
        let mut tables = self.lock();
        tables.writes += 1;
        let known = tables.tracked.entry(id.clone()).or_default();
        match fact {
            Fact::Ours(effect) => known.effect = Some(effect.clone()),
            Fact::News(news) => known.news = known.news.max(Some(*news)),
            Fact::Received => known.received = true,
        }
        Ok(known.clone())
    }

    async fn tracked(&self, id: &ProviderId) -> Result<Tracked, StoreError> {
        Ok(self.lock().tracked.get(id).cloned().unwrap_or_default())
    }

    async fn resolve(
        &self,
        key: &EffectKey,
        news: DeliveryNews,
        now: UnixMillis,
    ) -> Result<Option<Resolved>, StoreError> {
        let mut tables = self.lock();
        let Some(row) = tables.outbox.get(key).cloned() else { return Ok(None) };
        let unchanged = Resolved { state: row.state.clone(), phone: row.phone.clone(), changed: false };
        let (OutboxState::Accepted { message }
        | OutboxState::Delivered { message }
        | OutboxState::Undelivered { message, .. }) = row.state.clone()
        else {
            return Ok(Some(unchanged));
        };
        if row.news >= Some(news) {
            return Ok(Some(unchanged));
        }
        let state = match news {
            // Handed on is not yet arrived.
            DeliveryNews::Sent => OutboxState::Accepted { message },
            DeliveryNews::Failed(kind) => OutboxState::Undelivered { message, kind },
            DeliveryNews::Delivered => OutboxState::Delivered { message },
        };
        move_cooldown(&mut tables, key, &row, news, now);
        let row = tables.outbox.get_mut(key).unwrap();
        row.state = state.clone();
        row.news = Some(news);
        if news != DeliveryNews::Sent {
            row.attention = None;
        }
        let phone = row.phone.clone();
        tables.writes += 1;
        Ok(Some(Resolved { state, phone, changed: true }))
    }

    async fn unresolved(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<Unresolved>, StoreError> {
        let tables = self.lock();
        let mut due: Vec<Unresolved> = tables
            .outbox
            .iter()
            .filter(|(key, _)| Shard::of(key.as_str()) == shard)
            .filter_map(|(key, row)| Some(Unresolved { key: key.clone(), at: row.attention? }))
            .filter(|due| due.at <= before)
            .collect();
        due.sort_by_key(|due| due.at);
        due.truncate(usize::from(limit));
        Ok(due)
    }

    async fn attend(&self, key: &EffectKey, next: Option<UnixMillis>) -> Result<(), StoreError> {
        let mut tables = self.lock();
        if let Some(row) = tables.outbox.get_mut(key) {
            row.attention = next;
            tables.writes += 1;
        }
        Ok(())
    }

    async fn settle(
        &self,
        key: &EffectKey,
        owner: &OwnerToken,
        settlement: &Settlement,
        now: UnixMillis,
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
            let waits = match settlement {
                Settlement::Accepted { .. } | Settlement::NotSent => key.awaits_delivery(),
                Settlement::Failed { .. } | Settlement::Unknown => false,
            };
            row.attention = waits.then(|| now.plus(DELIVERY_WITHIN));
            row.settled_at = Some(now);
            row.state = settled;
            tables.writes += 1;
            return Ok(Fenced::Written);
        }
        // Our own earlier success, whose answer was lost; what was said of it since changes nothing about that.
        let accepted = match (settlement, &row.state) {
            (
                Settlement::Accepted { message: ours },
                OutboxState::Delivered { message } | OutboxState::Undelivered { message, .. },
            ) => ours == message,
            _ => false,
        };
        Ok(if row.state == settled || accepted { Fenced::Written } else { Fenced::Lost })
    }
}

impl Testimonies for ModelStore {
    async fn testify(
        &self,
        key: &EffectKey,
        testimony: &Testimony,
        decided: &Decided,
    ) -> Result<Testified, StoreError> {
        let mut tables = self.lock();
        let Some(row) = tables.outbox.get_mut(key) else { return Ok(Testified::Missing) };
        if row.state != OutboxState::Unknown {
            return Ok(Testified::NotUnknown(row.state.clone()));
        }
        let (state, end) = match testimony {
            Testimony::Sent { message } => {
                let message = Testimony::message_of(key, message.as_ref()).unwrap();
                (OutboxState::Accepted { message: message.clone() }, RequestEnd::Sent { message })
            }
            Testimony::NotSent => {
                (OutboxState::Failed { reason: NOT_SENT.to_owned() }, RequestEnd::Failed(FailReason::NotSent))
            }
        };
        row.state = state;
        row.settled_at = Some(decided.at);
        if testimony.awaits_delivery(key) {
            row.attention = Some(decided.at.plus(DELIVERY_WITHIN));
        }
        let row = row.clone();
        if *testimony == Testimony::NotSent {
            move_cooldown(&mut tables, key, &row, DeliveryNews::Failed(FailureKind::Other), decided.at);
        }
        let request = key.requested_order().and_then(|order| tables.requests.get_mut(&order));
        if let Some(request) = request.filter(|request| request.status == RequestStatus::Unknown) {
            request.status = end.status();
            request.end = Some(end);
        }
        tables.writes += 1;
        Ok(Testified::Written(row.shown()))
    }
}
