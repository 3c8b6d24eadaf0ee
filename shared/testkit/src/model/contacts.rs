use frontdesk_core::{
    contact::{
        ChangeOutcome, Contact, Contacts, Cooldown, Direction, Hold, HoldOutcome, NotTextable, OptOutChange,
        OptOutFlag, OptOutRecord,
    },
    ids::EffectKey,
    phone::E164Phone,
    store::StoreError,
    time::UnixMillis,
};

use super::{ModelStore, Tables};

fn row<'t>(tables: &'t mut Tables, phone: &E164Phone) -> &'t mut Contact {
    tables.contacts.entry(phone.clone()).or_insert_with(|| Contact {
        phone: phone.clone(),
        opt_outs: Vec::new(),
        cooldown: None,
        not_textable: None,
        preferred_platform: None,
        has_facebook: false,
    })
}

impl Contacts for ModelStore {
    async fn contact(&self, phone: &E164Phone) -> Result<Option<Contact>, StoreError> {
        Ok(self.lock().contacts.get(phone).cloned())
    }

    async fn record_opt_out(&self, change: &OptOutChange) -> Result<ChangeOutcome, StoreError> {
        let mut tables = self.lock();
        let known = tables.contacts.get(&change.phone).and_then(|c| c.opt_outs.iter().find(|(f, _)| *f == change.flag));
        let wins = known.is_none_or(|(_, old)| match change.direction {
            Direction::Out => old.at <= change.at,
            Direction::In => old.at < change.at,
        });
        if !wins {
            return Ok(ChangeOutcome::Superseded);
        }
        let contact = row(&mut tables, &change.phone);
        let record = OptOutRecord { direction: change.direction, at: change.at, evidence: change.evidence.clone() };
        contact.opt_outs.retain(|(flag, _)| *flag != change.flag);
        contact.opt_outs.push((change.flag, record));
        contact.opt_outs.sort_by_key(|(flag, _)| OptOutFlag::ALL.iter().position(|f| f == flag));
        tables.writes += 1;
        Ok(ChangeOutcome::Applied)
    }

    async fn hold(&self, hold: &Hold) -> Result<HoldOutcome, StoreError> {
        let mut tables = self.lock();
        if let Some(objection) = tables.contacts.get(&hold.phone).and_then(|c| c.objection(hold)) {
            return Ok(HoldOutcome::Refused(objection));
        }
        row(&mut tables, &hold.phone).cooldown = Some(Cooldown { at: hold.now, holder: hold.intent.clone() });
        tables.writes += 1;
        Ok(HoldOutcome::Held)
    }

    async fn release_hold(&self, phone: &E164Phone, intent: &EffectKey) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        match tables.contacts.get_mut(phone) {
            Some(contact) if contact.cooldown.as_ref().is_some_and(|c| c.holder == *intent) => {
                contact.cooldown = None;
                tables.writes += 1;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn mark_not_textable(&self, phone: &E164Phone, why: NotTextable, _now: UnixMillis) -> Result<(), StoreError> {
        let mut tables = self.lock();
        row(&mut tables, phone).not_textable = Some(why);
        tables.writes += 1;
        Ok(())
    }
}
