//! Contacts: opt-outs and the cooldown, on one row so that one condition is the whole gate.
//!
//! A flag is three attributes beside each other, under the brief's name of it: its direction, when the person said so,
//! and the proof.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    contact::{
        ChangeOutcome, Contact, Contacts, Cooldown, Direction, Evidence, Hold, HoldOutcome, NotTextable, OptOutChange,
        OptOutFlag, OptOutRecord, OptOutSource,
    },
    ids::EffectKey,
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

/// What concerns one flag.
struct FlagExpressions {
    at: &'static str,
    evidence: &'static str,
    /// The newest change holds whatever the order of arrival; on a tie, out holds.
    out_if: &'static str,
    in_if: &'static str,
    set: &'static str,
}

macro_rules! flag_expressions {
    ($flag:literal) => {
        FlagExpressions {
            at: concat!($flag, "_at_ms"),
            evidence: concat!($flag, "_evidence"),
            out_if: concat!("attribute_not_exists(", $flag, ") OR ", $flag, "_at_ms <= :at_ms"),
            in_if: concat!("attribute_not_exists(", $flag, ") OR ", $flag, "_at_ms < :at_ms"),
            set: concat!(
                "SET ",
                $flag,
                " = :direction, ",
                $flag,
                "_at_ms = :at_ms, ",
                $flag,
                "_evidence = :evidence, last_write = :call, created_at_ms = if_not_exists(created_at_ms, :recorded_ms)"
            ),
        }
    };
}

const fn expressions(flag: OptOutFlag) -> FlagExpressions {
    match flag {
        OptOutFlag::Keyword => flag_expressions!("podium_keyword_optout"),
        OptOutFlag::MarketingSms => flag_expressions!("marketing_sms_opt_out"),
        OptOutFlag::ReviewRequest => flag_expressions!("review_request_opt_out"),
        OptOutFlag::Global => flag_expressions!("global_unsubscribe"),
    }
}

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

const OUT: &str = "out";
const IN: &str = "in";

impl Contacts for DynamoStore {
    async fn contact(&self, phone: &E164Phone) -> Result<Option<Contact>, StoreError> {
        let item = self.get(Table::Contacts, phone.expose(), None).await?;
        item.map(|item| contact(phone, &item)).transpose()
    }

    async fn record_opt_out(&self, wanted: &OptOutChange) -> Result<ChangeOutcome, StoreError> {
        let call = self.ids.draw();
        let flag = expressions(wanted.flag);
        let (only_if, direction) = match wanted.direction {
            Direction::Out => (flag.out_if, OUT),
            Direction::In => (flag.in_if, IN),
        };
        let values = vec![
            (":direction", text(direction)),
            (":at_ms", millis(wanted.at)),
            (":evidence", evidence_map(&wanted.evidence)),
            (":recorded_ms", millis(wanted.evidence.recorded_at)),
            (":call", text(call.as_str())),
        ];
        let written = self.change(change(&wanted.phone, Some(only_if), flag.set, values)).await?;
        Ok(if written.made_by(&call) { ChangeOutcome::Applied } else { ChangeOutcome::Superseded })
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
}

fn change(
    phone: &E164Phone,
    only_if: Option<&'static str>,
    update: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
) -> Change {
    Change { table: Table::Contacts, key: phone.expose().to_owned(), only_if, update, values }
}

fn contact(phone: &E164Phone, item: &Item) -> Result<Contact, StoreError> {
    let row = Row::new(Table::Contacts, item);
    let mut opt_outs = Vec::new();
    for flag in OptOutFlag::ALL {
        if row.has(flag.as_str()) {
            opt_outs.push((flag, opt_out(&row, flag)?));
        }
    }
    let cooldown = match row.millis_if_any("cooldown_at_ms") {
        Some(at) => Some(Cooldown { at, holder: EffectKey::from_stored(row.text("cooldown_holder")?) }),
        None => None,
    };
    let not_textable =
        if row.has("not_textable") { Some(row.parsed("not_textable", NotTextable::parse)?) } else { None };
    Ok(Contact {
        phone: phone.clone(),
        opt_outs,
        cooldown,
        not_textable,
        // A preference of a platform that only a newer version knows is none to this one.
        preferred_platform: row.text_if_any("preferred_platform").and_then(Platform::parse),
        has_facebook: row.flag("has_facebook"),
    })
}

fn opt_out(row: &Row<'_>, flag: OptOutFlag) -> Result<OptOutRecord, StoreError> {
    let names = expressions(flag);
    let direction = row.parsed(flag.as_str(), |word| match word {
        OUT => Some(Direction::Out),
        IN => Some(Direction::In),
        _ => None,
    })?;
    let proof = row.map(names.evidence).ok_or_else(|| row.corrupt(names.evidence))?;
    let evidence = Evidence {
        source: proof.parsed("source", OptOutSource::parse)?,
        message_id: proof.text_if_any("message_id").map(str::to_owned),
        text_sha256: proof.text_if_any("text_sha256").map(str::to_owned),
        recorded_at: proof.millis("recorded_at_ms")?,
    };
    Ok(OptOutRecord { direction, at: row.millis(names.at)?, evidence })
}

fn evidence_map(evidence: &Evidence) -> AttributeValue {
    let mut map = HashMap::with_capacity(4);
    map.insert("source".to_owned(), text(evidence.source.as_str()));
    map.insert("recorded_at_ms".to_owned(), millis(evidence.recorded_at));
    if let Some(id) = &evidence.message_id {
        map.insert("message_id".to_owned(), text(id.as_str()));
    }
    if let Some(hash) = &evidence.text_sha256 {
        map.insert("text_sha256".to_owned(), text(hash.as_str()));
    }
    AttributeValue::M(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flag that the gate does not ask about would be an opt-out without effect.
    #[test]
    fn the_gate_asks_about_every_flag_by_the_name_under_which_it_is_written() {
        for flag in OptOutFlag::ALL {
            let name = flag.as_str();
            assert!(HOLD_IF.contains(&format!("(attribute_not_exists({name}) OR {name} = :in)")), "{name}");
            assert!(
                expressions(flag).set.starts_with(&format!("SET {name} = :direction, {name}_at_ms = :at_ms")),
                "{name}"
            );
            assert_eq!(expressions(flag).at, format!("{name}_at_ms"));
            assert_eq!(expressions(flag).evidence, format!("{name}_evidence"));
        }
    }
}
