use std::collections::BTreeSet;

use frontdesk_core::{
    contact::{
        ChangeOutcome, Contact, Contacts, Cooldown, Direction, Hold, HoldOutcome, Meeting, MirrorDue, MirrorOutcome,
        MirrorState, NotTextable, OptOutChange, OptOutFlag, OptOutRecord, PodiumLink,
    },
    ids::{EffectKey, LocationUid, ProviderId, Shard},
    phone::E164Phone,
    store::StoreError,
    time::UnixMillis,
};

use super::{ModelStore, Tables};

/// What is known of somebody who wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// The first name that was given.
    pub first_name: Option<String>,
    /// The last name that came with it, or later.
    pub last_name: Option<String>,
    /// Where they wrote to.
    pub locations: BTreeSet<LocationUid>,
}

/// What is remembered of somebody whose data was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// The flags.
    pub opt_outs: Vec<(OptOutFlag, OptOutRecord)>,
    /// When they were last asked.
    pub asked_at: Option<UnixMillis>,
}

impl Erased {
    /// What is kept: of the proof of an opt-out not the message that said it.
    fn of(contact: Contact) -> Self {
        let mut opt_outs = contact.opt_outs;
        for (_, record) in &mut opt_outs {
            record.evidence.message_id = None;
            record.evidence.text_sha256 = None;
            record.evidence.by_hand = None;
        }
        Self { opt_outs, asked_at: contact.cooldown.map(|c| c.at) }
    }

    /// A contact that begins with what is remembered.
    fn contact(&self, phone: &E164Phone) -> Contact {
        let holder = || EffectKey::from_stored("erased");
        let cooldown = self.asked_at.map(|at| Cooldown { at, holder: holder() });
        Contact { opt_outs: self.opt_outs.clone(), cooldown, ..Contact::unknown(phone.clone()) }
    }
}

/// A contact as every operation sees it: its row, else what is remembered of an erased one.
fn seen(tables: &Tables, phone: &E164Phone) -> Option<Contact> {
    tables.contacts.get(phone).cloned().or_else(|| Some(tables.erased.get(phone)?.contact(phone)))
}

/// A contact's row; a new one begins with what is remembered.
pub(super) fn row<'t>(tables: &'t mut Tables, phone: &E164Phone) -> &'t mut Contact {
    let new = seen(tables, phone).unwrap_or_else(|| Contact::unknown(phone.clone()));
    tables.contacts.entry(phone.clone()).or_insert(new)
}

/// Writes a change if it wins; the same for a change alone and for one that comes with an event.
pub(super) fn change(tables: &mut Tables, change: &OptOutChange) -> ChangeOutcome {
    let contact = seen(tables, &change.phone).unwrap_or_else(|| Contact::unknown(change.phone.clone()));
    let known = contact.opt_outs.iter().find(|(flag, _)| *flag == change.flag);
    let merged = OptOutRecord::merged(known.map(|(_, record)| record), change, contact.mirrored_out);
    let outcome = merged.outcome(change);
    if !merged.changed {
        return outcome;
    }
    let (record, flipped) = (merged.record, merged.flipped);
    let contact = row(tables, &change.phone);
    contact.opt_outs.retain(|(flag, _)| *flag != change.flag);
    contact.opt_outs.push((change.flag, record));
    contact.opt_outs.sort_by_key(|(flag, _)| OptOutFlag::ALL.iter().position(|f| f == flag));
    if flipped {
        contact.mirror = MirrorState::Due { at: change.evidence.recorded_at, attempts: 0 };
        mark(tables, &change.phone);
    }
    tables.writes += 1;
    outcome
}

fn mark(tables: &mut Tables, phone: &E164Phone) {
    *tables.marks.entry(phone.clone()).or_default() += 1;
}

fn mark_of(tables: &Tables, phone: &E164Phone) -> String {
    tables.marks.get(phone).copied().unwrap_or_default().to_string()
}

impl Contacts for ModelStore {
    async fn contact(&self, phone: &E164Phone) -> Result<Option<Contact>, StoreError> {
        Ok(seen(&self.lock(), phone))
    }

    async fn record_opt_out(&self, wanted: &OptOutChange) -> Result<ChangeOutcome, StoreError> {
        Ok(change(&mut self.lock(), wanted))
    }

    async fn hold(&self, hold: &Hold) -> Result<HoldOutcome, StoreError> {
        let mut tables = self.lock();
        if let Some(objection) = seen(&tables, &hold.phone).and_then(|c| c.objection(hold)) {
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

    async fn flag_for_review(&self, phone: &E164Phone, now: UnixMillis) -> Result<(), StoreError> {
        let mut tables = self.lock();
        row(&mut tables, phone).flagged_at.get_or_insert(now);
        tables.writes += 1;
        Ok(())
    }

    async fn meet(&self, meeting: &Meeting) -> Result<Contact, StoreError> {
        let mut tables = self.lock();
        let met = tables.met.entry(meeting.phone.clone()).or_default();
        met.first_name = met.first_name.take().or_else(|| meeting.first_name.clone());
        met.last_name = met.last_name.take().or_else(|| meeting.last_name.clone());
        met.locations.insert(meeting.location.clone());
        tables.writes += 1;
        Ok(row(&mut tables, &meeting.phone).clone())
    }

    async fn link_podium(&self, phone: &E164Phone, link: &PodiumLink, now: UnixMillis) -> Result<(), StoreError> {
        let mut tables = self.lock();
        let contact = row(&mut tables, phone);
        if contact.podium.is_none() || link.uid.is_some() {
            contact.podium = Some(link.clone());
        }
        let untold = match contact.mirror {
            MirrorState::Due { .. } => true,
            MirrorState::NoContact => contact.opted_out().is_some(),
            MirrorState::Nothing | MirrorState::Told { .. } => false,
        };
        if untold {
            contact.mirror = MirrorState::Due { at: now, attempts: 0 };
            mark(&mut tables, phone);
        }
        tables.writes += 1;
        Ok(())
    }

    async fn unlink_podium(&self, phone: &E164Phone, uid: &ProviderId) -> Result<(), StoreError> {
        let mut tables = self.lock();
        let theirs = |link: &PodiumLink| link.uid.as_ref() == Some(uid);
        if let Some(contact) = tables.contacts.get_mut(phone)
            && contact.podium.as_ref().is_some_and(theirs)
        {
            contact.podium = None;
            tables.writes += 1;
        }
        Ok(())
    }

    async fn mirrors_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<MirrorDue>, StoreError> {
        let tables = self.lock();
        let mut due: Vec<MirrorDue> = tables
            .contacts
            .values()
            .filter(|contact| Shard::of(contact.phone.expose()) == shard)
            .filter_map(|contact| match contact.mirror {
                MirrorState::Due { at, attempts } if at <= before => {
                    let phone = contact.phone.clone();
                    Some(MirrorDue { mark: mark_of(&tables, &phone), phone, at, attempts })
                }
                MirrorState::Nothing | MirrorState::Due { .. } | MirrorState::Told { .. } | MirrorState::NoContact => {
                    None
                }
            })
            .collect();
        due.sort_by_key(|due| (due.at, due.phone.clone()));
        due.truncate(usize::from(limit));
        Ok(due)
    }

    async fn note_telling(&self, phone: &E164Phone) -> Result<(), StoreError> {
        let mut tables = self.lock();
        let contact = row(&mut tables, phone);
        contact.mirrored_out = true;
        if let MirrorState::Told { out } = &mut contact.mirror {
            *out = true;
        }
        tables.writes += 1;
        Ok(())
    }

    async fn erase_contact(&self, phone: &E164Phone) -> Result<(), StoreError> {
        let mut tables = self.lock();
        tables.met.remove(phone);
        if let Some(contact) = tables.contacts.remove(phone) {
            let erased = Erased::of(contact);
            if erased.asked_at.is_some() || erased.opt_outs.iter().any(|(_, r)| r.direction == Direction::Out) {
                tables.erased.insert(phone.clone(), erased);
            } else {
                tables.erased.remove(phone);
            }
            tables.writes += 1;
        }
        Ok(())
    }

    async fn settle_mirror(&self, due: &MirrorDue, outcome: &MirrorOutcome) -> Result<(), StoreError> {
        let mut tables = self.lock();
        if mark_of(&tables, &due.phone) != due.mark {
            return Ok(());
        }
        if let Some(contact) = tables.contacts.get_mut(&due.phone)
            && matches!(contact.mirror, MirrorState::Due { .. })
        {
            if let MirrorOutcome::Told { out } = outcome {
                contact.mirrored_out = *out;
            }
            contact.mirror = match outcome {
                MirrorOutcome::Told { out } => MirrorState::Told { out: *out },
                MirrorOutcome::NoContact => MirrorState::NoContact,
                MirrorOutcome::Later { at } => MirrorState::Due { at: *at, attempts: due.attempts.saturating_add(1) },
            };
            tables.writes += 1;
        }
        Ok(())
    }
}
