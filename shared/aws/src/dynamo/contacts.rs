//! Contacts: opt-outs and the cooldown, on one row so that one condition is the whole gate.

mod erased;
mod flags;
mod podium;

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    contact::{
        ChangeOutcome, Contact, Contacts, Cooldown, Hold, HoldOutcome, Meeting, MirrorDue, MirrorOutcome, NotTextable,
        OptOutChange, PodiumLink,
    },
    ids::{EffectKey, ProviderId, Shard},
    phone::E164Phone,
    review::Platform,
    store::StoreError,
    time::UnixMillis,
};

use super::{
    DynamoStore, Table,
    row::{Item, Row, millis, text},
    write::{Change, Written},
};
use erased::ROUNDS_MAX;
pub(super) use flags::{OptOutBegin, OptOutWrite, opt_out_begin, opt_out_write};

/// A row is never made by an update: one that begins has to begin with what is remembered of an erased person.
const IS_THERE: &str = "attribute_exists(pk)";

/// The gate: nobody opted out in any way, the number can be texted, and the cooldown is free, over, or this send's own.
/// A flag that is there and does not say "in" shuts it, whatever it says.
const HOLD_IF: &str = "attribute_exists(pk) \
     AND (attribute_not_exists(podium_keyword_optout) OR podium_keyword_optout = :in) \
     AND (attribute_not_exists(marketing_sms_opt_out) OR marketing_sms_opt_out = :in) \
     AND (attribute_not_exists(review_request_opt_out) OR review_request_opt_out = :in) \
     AND (attribute_not_exists(global_unsubscribe) OR global_unsubscribe = :in) \
     AND attribute_not_exists(not_textable) \
     AND (attribute_not_exists(cooldown_at_ms) OR cooldown_holder = :intent OR cooldown_at_ms <= :cutoff_ms)";
const HOLD: &str = "SET cooldown_at_ms = :now_ms, cooldown_holder = :intent, \
     created_at_ms = if_not_exists(created_at_ms, :now_ms)";

/// A failure frees the cooldown that it set, never a later one.
const RELEASE_IF: &str = "cooldown_holder = :intent";
const RELEASE: &str = "SET last_write = :call REMOVE cooldown_at_ms, cooldown_holder";

const NOT_TEXTABLE: &str = "SET not_textable = :why, not_textable_at_ms = :now_ms, \
     created_at_ms = if_not_exists(created_at_ms, :now_ms)";

/// The first time is the one that counts: a person may have looked since.
const FLAG: &str = "SET flagged_at_ms = if_not_exists(flagged_at_ms, :now_ms), \
     created_at_ms = if_not_exists(created_at_ms, :now_ms)";

/// Somebody who wrote is known from then on, by the first name that was ever given.
macro_rules! meet {
    ($names:literal) => {
        concat!("SET created_at_ms = if_not_exists(created_at_ms, :now_ms)", $names, " ADD location_uids :location")
    };
}
const MEET: &str = meet!("");
const MEET_FIRST: &str = meet!(", first_name = if_not_exists(first_name, :first)");
const MEET_LAST: &str = meet!(", last_name = if_not_exists(last_name, :last)");
const MEET_BOTH: &str =
    meet!(", first_name = if_not_exists(first_name, :first), last_name = if_not_exists(last_name, :last)");

/// How often a change of an opt-out is tried against others of the same person. Who has nothing new to say after the
/// change that was in the way ends there, so of many who meet in no particular order about half are left after each: a
/// hundred need seven tries. All the pauses between them last less than two seconds; who sent the event waits for five.
pub(super) const OPT_OUT_TRIES: u8 = 16;
/// Before the second try less than twice this is waited; it doubles from try to try, up to a limit.
const STEP_ASIDE: Duration = Duration::from_millis(5);
const STEP_ASIDE_DOUBLINGS: u8 = 5;

const OUT: &str = "out";
const IN: &str = "in";
/// Podium has yet to be told.
const DUE: &str = "due";

impl Contacts for DynamoStore {
    async fn contact(&self, phone: &E164Phone) -> Result<Option<Contact>, StoreError> {
        if let Some(item) = self.get(Table::Contacts, phone.expose(), None).await? {
            return contact(phone, &item).map(Some);
        }
        let remembered = self.remembered(phone).await?;
        remembered.is_anything().then(|| contact(phone, &remembered.row())).transpose()
    }

    async fn record_opt_out(&self, wanted: &OptOutChange) -> Result<ChangeOutcome, StoreError> {
        for tried in 0..OPT_OUT_TRIES {
            self.step_aside(tried).await;
            let call = self.ids.draw();
            let Some(known) = self.get(Table::Contacts, wanted.phone.expose(), None).await? else {
                let remembered = self.remembered(&wanted.phone).await?;
                match opt_out_begin(remembered.row(), wanted, &call) {
                    OptOutBegin::Nothing(outcome) => return Ok(outcome),
                    OptOutBegin::Row(row, outcome) => {
                        if self.begin_row(&wanted.phone, &remembered, *row).await? {
                            return Ok(outcome);
                        }
                    }
                }
                continue;
            };
            let (write, outcome) = match opt_out_write(&known, wanted, &call) {
                OptOutWrite::Write(write, outcome) => (*write, outcome),
                OptOutWrite::Nothing(outcome) => return Ok(outcome),
            };
            match self.change(write).await? {
                Written::Made(_) => return Ok(outcome),
                Written::Refused(now) if flags::written_by(now.as_ref(), wanted.flag, &call) => return Ok(outcome),
                // Somebody else's change came in between; it is looked at anew.
                Written::Refused(_) => {}
            }
        }
        Err(changing())
    }

    async fn hold(&self, hold: &Hold) -> Result<HoldOutcome, StoreError> {
        for tried in 0..ROUNDS_MAX {
            self.step_aside(tried).await;
            let values = vec![
                (":in", text(IN)),
                (":intent", text(hold.intent.as_str())),
                (":now_ms", millis(hold.now)),
                (":cutoff_ms", millis(hold.now.minus(hold.window))),
            ];
            match self.change(change(&hold.phone, Some(HOLD_IF), HOLD, values)).await? {
                Written::Made(_) => return Ok(HoldOutcome::Held),
                Written::Refused(Some(old)) => {
                    let objection = contact(&hold.phone, &old)?.objection(hold);
                    // A refusal that nothing readable explains is still a refusal.
                    return objection
                        .map(HoldOutcome::Refused)
                        .ok_or_else(|| Row::new(Table::Contacts, &old).corrupt("gate"));
                }
                Written::Refused(None) => {}
            }
            let remembered = self.remembered(&hold.phone).await?;
            let mut row = remembered.row();
            if let Some(objection) = contact(&hold.phone, &row)?.objection(hold) {
                return Ok(HoldOutcome::Refused(objection));
            }
            row.insert("cooldown_at_ms".to_owned(), millis(hold.now));
            row.insert("cooldown_holder".to_owned(), text(hold.intent.as_str()));
            row.insert("created_at_ms".to_owned(), millis(hold.now));
            if self.begin_row(&hold.phone, &remembered, row).await? {
                return Ok(HoldOutcome::Held);
            }
        }
        Err(changing())
    }

    async fn release_hold(&self, phone: &E164Phone, intent: &EffectKey) -> Result<bool, StoreError> {
        let call = self.ids.draw();
        let values = vec![(":intent", text(intent.as_str())), (":call", text(call.as_str()))];
        self.change(change(phone, Some(RELEASE_IF), RELEASE, values)).await.map(|written| written.made_by(&call))
    }

    async fn mark_not_textable(&self, phone: &E164Phone, why: NotTextable, now: UnixMillis) -> Result<(), StoreError> {
        let values = [(":why", text(why.as_str())), (":now_ms", millis(now))];
        let begin = |row: &mut Item| {
            row.insert("not_textable".to_owned(), text(why.as_str()));
            row.insert("not_textable_at_ms".to_owned(), millis(now));
            row.insert("created_at_ms".to_owned(), millis(now));
        };
        self.change_or_begin(phone, NOT_TEXTABLE, &values, begin).await.map(|_| ())
    }

    async fn flag_for_review(&self, phone: &E164Phone, now: UnixMillis) -> Result<(), StoreError> {
        let begin = |row: &mut Item| {
            row.insert("flagged_at_ms".to_owned(), millis(now));
            row.insert("created_at_ms".to_owned(), millis(now));
        };
        self.change_or_begin(phone, FLAG, &[(":now_ms", millis(now))], begin).await.map(|_| ())
    }

    async fn meet(&self, meeting: &Meeting) -> Result<Contact, StoreError> {
        let update = match (&meeting.first_name, &meeting.last_name) {
            (None, None) => MEET,
            (Some(_), None) => MEET_FIRST,
            (None, Some(_)) => MEET_LAST,
            (Some(_), Some(_)) => MEET_BOTH,
        };
        let location = AttributeValue::Ss(vec![meeting.location.as_str().to_owned()]);
        let mut values = vec![(":now_ms", millis(meeting.now)), (":location", location.clone())];
        values.extend(meeting.first_name.as_ref().map(|name| (":first", text(name.as_str()))));
        values.extend(meeting.last_name.as_ref().map(|name| (":last", text(name.as_str()))));
        let begin = |row: &mut Item| {
            row.insert("created_at_ms".to_owned(), millis(meeting.now));
            row.insert("location_uids".to_owned(), location.clone());
            let names = [("first_name", &meeting.first_name), ("last_name", &meeting.last_name)];
            let given = names.into_iter().filter_map(|(name, value)| Some((name.to_owned(), text(value.as_deref()?))));
            row.extend(given);
        };
        contact(&meeting.phone, &self.change_or_begin(&meeting.phone, update, &values, begin).await?)
    }

    async fn link_podium(&self, phone: &E164Phone, link: &PodiumLink, now: UnixMillis) -> Result<(), StoreError> {
        self.link(phone, link, now).await
    }

    async fn unlink_podium(&self, phone: &E164Phone, uid: &ProviderId) -> Result<(), StoreError> {
        self.unlink(phone, uid).await
    }

    async fn mirrors_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<MirrorDue>, StoreError> {
        self.due_mirrors(shard, before, limit).await
    }

    async fn note_telling(&self, phone: &E164Phone) -> Result<(), StoreError> {
        let yes = || AttributeValue::Bool(true);
        let begin = |row: &mut Item| {
            row.insert("mirrored_out".to_owned(), yes());
        };
        self.change_or_begin(phone, podium::TELLING, &[(":yes", yes())], begin).await.map(|_| ())
    }

    async fn erase_contact(&self, phone: &E164Phone) -> Result<(), StoreError> {
        self.erase(phone).await
    }

    async fn settle_mirror(&self, due: &MirrorDue, outcome: &MirrorOutcome) -> Result<(), StoreError> {
        self.end_mirror(due, outcome).await
    }
}

impl DynamoStore {
    /// Lets others by after `tried` tries in vain. For how long is left to chance: who met once would meet again.
    pub(super) async fn step_aside(&self, tried: u8) {
        if tried > 0 {
            let window = STEP_ASIDE * (1 << tried.min(STEP_ASIDE_DOUBLINGS));
            tokio::time::sleep(self.ids.part_of(window)).await;
        }
    }
}

pub(super) fn change(
    phone: &E164Phone,
    only_if: Option<&'static str>,
    update: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
) -> Change {
    Change { table: Table::Contacts, key: phone.expose().to_owned(), only_if, update, values }
}

/// Nothing was written, because others wrote at every try.
pub(super) fn changing() -> StoreError {
    Table::Contacts.unavailable("a contact's opt-outs changed at every try".to_owned())
}

/// The partition of the `mirror` index that a contact belongs to.
fn shard(phone: &E164Phone) -> String {
    Shard::of(phone.expose()).to_key()
}

fn contact(phone: &E164Phone, item: &Item) -> Result<Contact, StoreError> {
    let row = Row::new(Table::Contacts, item);
    let cooldown = match row.millis_if_any("cooldown_at_ms") {
        Some(at) => Some(Cooldown { at, holder: EffectKey::from_stored(row.text("cooldown_holder")?) }),
        None => None,
    };
    let not_textable =
        if row.has("not_textable") { Some(row.parsed("not_textable", NotTextable::parse)?) } else { None };
    Ok(Contact {
        phone: phone.clone(),
        opt_outs: flags::opt_outs(&row)?,
        cooldown,
        not_textable,
        flagged_at: row.millis_if_any("flagged_at_ms"),
        // A preference of a platform that only a newer version knows is none to this one.
        preferred_platform: row.text_if_any("preferred_platform").and_then(Platform::parse),
        has_facebook: row.flag("has_facebook"),
        podium: podium::link_of(&row)?,
        mirror: podium::mirror(&row)?,
        mirrored_out: podium::mirrored_out(&row),
    })
}
