//! Contacts: opt-outs and the cooldown, on one row so that one condition is the whole gate.

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
pub(super) use flags::{OptOutWrite, opt_out_write};

/// The gate: nobody opted out in any way, the number can be texted, and the cooldown is free, over, or this send's own.
/// A flag that is there and does not say "in" shuts it, whatever it says.
const HOLD_IF: &str = "(attribute_not_exists(podium_keyword_optout) OR podium_keyword_optout = :in) \
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
        let item = self.get(Table::Contacts, phone.expose(), None).await?;
        item.map(|item| contact(phone, &item)).transpose()
    }

    async fn record_opt_out(&self, wanted: &OptOutChange) -> Result<ChangeOutcome, StoreError> {
        for tried in 0..OPT_OUT_TRIES {
            self.step_aside(tried).await;
            let call = self.ids.draw();
            let known = self.get(Table::Contacts, wanted.phone.expose(), None).await?;
            let (write, outcome) = match opt_out_write(known.as_ref(), wanted, &call) {
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
        let values = vec![
            (":in", text(IN)),
            (":intent", text(hold.intent.as_str())),
            (":now_ms", millis(hold.now)),
            (":cutoff_ms", millis(hold.now.minus(hold.window))),
        ];
        match self.change(change(&hold.phone, Some(HOLD_IF), HOLD, values)).await? {
            Written::Made(_) => Ok(HoldOutcome::Held),
            Written::Refused(old) => {
                let old = old.unwrap_or_default();
                let objection = contact(&hold.phone, &old)?.objection(hold);
                // A refusal that nothing readable explains is still a refusal.
                objection.map(HoldOutcome::Refused).ok_or_else(|| Row::new(Table::Contacts, &old).corrupt("gate"))
            }
        }
    }

    async fn release_hold(&self, phone: &E164Phone, intent: &EffectKey) -> Result<bool, StoreError> {
        let call = self.ids.draw();
        let values = vec![(":intent", text(intent.as_str())), (":call", text(call.as_str()))];
        self.change(change(phone, Some(RELEASE_IF), RELEASE, values)).await.map(|written| written.made_by(&call))
    }

    async fn mark_not_textable(&self, phone: &E164Phone, why: NotTextable, now: UnixMillis) -> Result<(), StoreError> {
        let values = vec![(":why", text(why.as_str())), (":now_ms", millis(now))];
        self.change(change(phone, None, NOT_TEXTABLE, values)).await.map(|_| ())
    }

    async fn meet(&self, meeting: &Meeting) -> Result<Contact, StoreError> {
        let update = match (&meeting.first_name, &meeting.last_name) {
            (None, None) => MEET,
            (Some(_), None) => MEET_FIRST,
            (None, Some(_)) => MEET_LAST,
            (Some(_), Some(_)) => MEET_BOTH,
        };
        let location = AttributeValue::Ss(vec![meeting.location.as_str().to_owned()]);
        let mut values = vec![(":now_ms", millis(meeting.now)), (":location", location)];
        values.extend(meeting.first_name.as_ref().map(|name| (":first", text(name.as_str()))));
        values.extend(meeting.last_name.as_ref().map(|name| (":last", text(name.as_str()))));
        match self.change(change(&meeting.phone, None, update, values)).await? {
            Written::Made(item) => contact(&meeting.phone, &item),
            Written::Refused(old) => contact(&meeting.phone, &old.unwrap_or_default()),
        }
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
        self.change(change(phone, None, podium::TELLING, vec![(":yes", AttributeValue::Bool(true))])).await.map(|_| ())
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

fn change(
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
        // A preference of a platform that only a newer version knows is none to this one.
        preferred_platform: row.text_if_any("preferred_platform").and_then(Platform::parse),
        has_facebook: row.flag("has_facebook"),
        podium: podium::link_of(&row)?,
        mirror: podium::mirror(&row)?,
        mirrored_out: podium::mirrored_out(&row),
    })
}
