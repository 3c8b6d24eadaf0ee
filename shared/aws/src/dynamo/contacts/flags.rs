//! The opt-outs of a contact.
//!
//! A flag is five attributes beside each other, under the brief's name of it: its direction, when that was last said, the
//! proof, who said it, and a mark that names the write. What a change makes of a flag is the core's decision
//! ([`OptOutRecord::merged`]); it is written only over the very flag that it was made from.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    contact::{ByHand, ChangeOutcome, Direction, Evidence, OptOutChange, OptOutFlag, OptOutRecord, OptOutSource},
    store::StoreError,
    time::UnixMillis,
};

use super::{DUE, IN, change, shard};
use crate::dynamo::{
    Table,
    row::{Item, Row, millis, number, text},
    write::Change,
};

/// What concerns one flag.
struct FlagExpressions {
    at: &'static str,
    evidence: &'static str,
    said: &'static str,
    mark: &'static str,
    /// Only on a row where there is none yet.
    first_if: &'static str,
    /// Only over the one that was read.
    next_if: &'static str,
    /// Only over one that has no mark, as the one that was read has none.
    unmarked_if: &'static str,
    set: &'static str,
    /// The same for a flag that is flipped: Podium is to be told. The mark tells this from a later change.
    flip: &'static str,
}

macro_rules! set_flag {
    ($flag:literal) => {
        concat!(
            "SET ",
            $flag,
            " = :direction, ",
            $flag,
            "_at_ms = :at_ms, ",
            $flag,
            "_evidence = :evidence, ",
            $flag,
            "_said = :said, ",
            $flag,
            "_mark = :call, created_at_ms = if_not_exists(created_at_ms, :recorded_ms)"
        )
    };
}

macro_rules! tell {
    () => {
        ", mirror_state = :due, mirror_mark = :call, mirror_attempts = :zero, mirror_shard = :shard, \
         mirror_due_at_ms = :recorded_ms"
    };
}

macro_rules! flag_expressions {
    ($flag:literal) => {
        FlagExpressions {
            at: concat!($flag, "_at_ms"),
            evidence: concat!($flag, "_evidence"),
            said: concat!($flag, "_said"),
            mark: concat!($flag, "_mark"),
            first_if: concat!("attribute_exists(pk) AND attribute_not_exists(", $flag, ")"),
            next_if: concat!($flag, "_mark = :seen"),
            unmarked_if: concat!("attribute_exists(pk) AND attribute_not_exists(", $flag, "_mark)"),
            set: set_flag!($flag),
            flip: concat!(set_flag!($flag), tell!()),
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

/// What a change of an opt-out comes to.
pub(in crate::dynamo) enum OptOutWrite {
    /// This write, over the flag as it was read; and what comes of the change by it.
    Write(Box<Change>, ChangeOutcome),
    /// Nothing to write; and what holds.
    Nothing(ChangeOutcome),
}

/// What a change of an opt-out comes to for a number without a contact row.
pub(in crate::dynamo) enum OptOutBegin {
    /// This row; and what comes of the change by it.
    Row(Box<Item>, ChangeOutcome),
    /// Nothing to write; and what holds.
    Nothing(ChangeOutcome),
}

/// What a flag is to say.
struct Word {
    after: OptOutRecord,
    flipped: bool,
    outcome: ChangeOutcome,
}

/// What a change makes of the flag as it was read; `Err`: nothing, and what holds.
///
/// A flag that cannot be read is opened by nobody, and it stops nobody from opting out: any word but "in" shuts the gate
/// already, and over that one "out" is written.
fn word(known: &Item, wanted: &OptOutChange) -> Result<Word, ChangeOutcome> {
    let row = Row::new(Table::Contacts, known);
    let word = wanted.flag.as_str();
    let before = match row.has(word).then(|| opt_out(&row, wanted.flag)).transpose() {
        Ok(before) => before,
        Err(_) if wanted.direction == Direction::In => return Err(ChangeOutcome::Superseded),
        Err(_) if row.text_if_any(word) != Some(IN) => return Err(ChangeOutcome::Applied),
        Err(_) => None,
    };
    let merged = OptOutRecord::merged(before.as_ref(), wanted, super::podium::mirrored_out(&row));
    let outcome = merged.outcome(wanted);
    if !merged.changed {
        return Err(outcome);
    }
    Ok(Word { after: merged.record, flipped: merged.flipped, outcome })
}

/// The write of a change over the contact as it was read, alone or as a part of a transaction; `call` is its name in the row.
pub(in crate::dynamo) fn opt_out_write(known: &Item, wanted: &OptOutChange, call: &str) -> OptOutWrite {
    let Word { after, flipped, outcome } = match word(known, wanted) {
        Ok(word) => word,
        Err(outcome) => return OptOutWrite::Nothing(outcome),
    };
    let flag = expressions(wanted.flag);
    let is_there = known.contains_key(wanted.flag.as_str());
    let mut values = vec![
        (":direction", text(after.direction.as_str())),
        (":at_ms", millis(after.at)),
        (":evidence", evidence_map(&after.evidence)),
        (":said", said_set(&after)),
        (":recorded_ms", millis(wanted.evidence.recorded_at)),
        (":call", text(call)),
    ];
    if flipped {
        values.extend([(":due", text(DUE)), (":zero", number(0)), (":shard", text(shard(&wanted.phone)))]);
    }
    let only_if = match known.get(flag.mark).filter(|_| is_there) {
        Some(seen) => {
            values.push((":seen", seen.clone()));
            flag.next_if
        }
        None if is_there => flag.unmarked_if,
        None => flag.first_if,
    };
    let update = if flipped { flag.flip } else { flag.set };
    OptOutWrite::Write(Box::new(change(&wanted.phone, Some(only_if), update, values)), outcome)
}

/// The row of a contact that begins with this change, and with what is remembered of an erased one.
pub(in crate::dynamo) fn opt_out_begin(mut row: Item, wanted: &OptOutChange, call: &str) -> OptOutBegin {
    let Word { after, flipped, outcome } = match word(&row, wanted) {
        Ok(word) => word,
        Err(outcome) => return OptOutBegin::Nothing(outcome),
    };
    let names = expressions(wanted.flag);
    let recorded_at = || millis(wanted.evidence.recorded_at);
    let mut set = vec![
        (wanted.flag.as_str(), text(after.direction.as_str())),
        (names.at, millis(after.at)),
        (names.evidence, evidence_map(&after.evidence)),
        (names.said, said_set(&after)),
        (names.mark, text(call)),
        ("created_at_ms", recorded_at()),
    ];
    if flipped {
        set.extend([
            ("mirror_state", text(DUE)),
            ("mirror_mark", text(call)),
            ("mirror_attempts", number(0)),
            ("mirror_shard", text(shard(&wanted.phone))),
            ("mirror_due_at_ms", recorded_at()),
        ]);
    }
    row.extend(set.into_iter().map(|(name, value)| (name.to_owned(), value)));
    OptOutBegin::Row(Box::new(row), outcome)
}

fn said_set(record: &OptOutRecord) -> AttributeValue {
    let words = record
        .said
        .iter()
        .map(|((source, direction), at)| format!("{} {} {}", source.as_str(), direction.as_str(), at.get()));
    AttributeValue::Ss(words.collect())
}

/// The attribute that names a flag's last write.
pub(super) const fn mark_of(flag: OptOutFlag) -> &'static str {
    expressions(flag).mark
}

/// A flag as it stands, without what leads to the message that turned it.
pub(super) fn without_message(row: &Item, flag: OptOutFlag) -> Vec<(String, AttributeValue)> {
    let names = expressions(flag);
    let as_it_is = [flag.as_str(), names.at, names.said];
    let mut copy: Vec<(String, AttributeValue)> =
        as_it_is.into_iter().filter_map(|name| Some((name.to_owned(), row.get(name)?.clone()))).collect();
    if let Some(proof) = row.get(names.evidence).and_then(|value| value.as_m().ok()) {
        let proof = ["source", "recorded_at_ms"].into_iter().filter_map(|name| Some((name, proof.get(name)?)));
        let proof = proof.map(|(name, value)| (name.to_owned(), value.clone())).collect();
        copy.push((names.evidence.to_owned(), AttributeValue::M(proof)));
    }
    copy
}

/// Whether the flag is as the call of this name wrote it.
pub(super) fn written_by(item: Option<&Item>, flag: OptOutFlag, call: &str) -> bool {
    item.is_some_and(|item| Row::new(Table::Contacts, item).text_if_any(expressions(flag).mark) == Some(call))
}

/// All flags that were ever changed.
pub(super) fn opt_outs(row: &Row<'_>) -> Result<Vec<(OptOutFlag, OptOutRecord)>, StoreError> {
    let changed = OptOutFlag::ALL.into_iter().filter(|flag| row.has(flag.as_str()));
    changed.map(|flag| Ok((flag, opt_out(row, flag)?))).collect()
}

fn opt_out(row: &Row<'_>, flag: OptOutFlag) -> Result<OptOutRecord, StoreError> {
    let names = expressions(flag);
    let direction = row.parsed(flag.as_str(), Direction::parse)?;
    let proof = row.map(names.evidence).ok_or_else(|| row.corrupt(names.evidence))?;
    let evidence = Evidence {
        source: proof.parsed("source", OptOutSource::parse)?,
        message_id: proof.text_if_any("message_id").map(str::to_owned),
        text_sha256: proof.text_if_any("text_sha256").map(str::to_owned),
        recorded_at: proof.millis("recorded_at_ms")?,
        by_hand: proof
            .text_if_any("recorded_by")
            .map(|by| ByHand { by: by.to_owned(), reason: proof.text_if_any("reason").unwrap_or_default().to_owned() }),
    };
    let at = row.millis(names.at)?;
    // Whoever is not known here may be somebody whom nobody overrules.
    let said = row.set(names.said)?.iter().map(|words| said(words).ok_or_else(|| row.corrupt(names.said)));
    let mut said = said.collect::<Result<BTreeMap<_, _>, _>>()?;
    if said.is_empty() {
        said.insert((evidence.source, direction), at);
    }
    Ok(OptOutRecord { direction, at, evidence, said })
}

/// One thing that was said: who, which way, when.
fn said(words: &str) -> Option<((OptOutSource, Direction), UnixMillis)> {
    let mut words = words.split(' ');
    let said = (OptOutSource::parse(words.next()?)?, Direction::parse(words.next()?)?);
    Some((said, UnixMillis::new(words.next()?.parse().ok()?)))
}

fn evidence_map(evidence: &Evidence) -> AttributeValue {
    let mut map = HashMap::with_capacity(6);
    map.insert("source".to_owned(), text(evidence.source.as_str()));
    map.insert("recorded_at_ms".to_owned(), millis(evidence.recorded_at));
    if let Some(id) = &evidence.message_id {
        map.insert("message_id".to_owned(), text(id.as_str()));
    }
    if let Some(hash) = &evidence.text_sha256 {
        map.insert("text_sha256".to_owned(), text(hash.as_str()));
    }
    if let Some(ByHand { by, reason }) = &evidence.by_hand {
        map.insert("recorded_by".to_owned(), text(by.as_str()));
        map.insert("reason".to_owned(), text(reason.as_str()));
    }
    AttributeValue::M(map)
}

#[cfg(test)]
mod tests {
    use super::{super::HOLD_IF, *};

    /// A flag that the gate does not ask about would be an opt-out without effect.
    #[test]
    fn the_gate_asks_about_every_flag_by_the_name_under_which_it_is_written() {
        for flag in OptOutFlag::ALL {
            let name = flag.as_str();
            assert!(HOLD_IF.contains(&format!("(attribute_not_exists({name}) OR {name} = :in)")), "{name}");
            for set in [expressions(flag).set, expressions(flag).flip] {
                assert!(set.starts_with(&format!("SET {name} = :direction, {name}_at_ms = :at_ms")), "{name}");
            }
            assert_eq!(expressions(flag).at, format!("{name}_at_ms"));
            assert_eq!(expressions(flag).evidence, format!("{name}_evidence"));
            assert_eq!(expressions(flag).said, format!("{name}_said"));
            assert_eq!(expressions(flag).mark, format!("{name}_mark"));
        }
    }
}
