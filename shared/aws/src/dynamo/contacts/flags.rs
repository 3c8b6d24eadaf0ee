//! The opt-outs of a contact.
//!
//! A flag is four attributes beside each other, under the brief's name of it: its direction, when the person said so,
//! where that was said, and the proof.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    contact::{Direction, Evidence, OptOutChange, OptOutFlag, OptOutRecord, OptOutSource},
    store::StoreError,
};

use super::{DUE, IN, OUT, change, shard};
use crate::dynamo::{
    row::{Row, millis, number, text},
    write::Change,
};

/// What concerns one flag.
struct FlagExpressions {
    at: &'static str,
    evidence: &'static str,
    /// The newest change holds whatever the order of arrival; on a tie, out holds.
    out_if: &'static str,
    /// And an opt-out ends only by a wish from where it may be taken back. One that does not say where it came from is
    /// taken back by nobody.
    in_if: &'static str,
    set: &'static str,
}

macro_rules! flag_expressions {
    ($flag:literal) => {
        FlagExpressions {
            at: concat!($flag, "_at_ms"),
            evidence: concat!($flag, "_evidence"),
            out_if: concat!("attribute_not_exists(", $flag, ") OR ", $flag, "_at_ms <= :at_ms"),
            in_if: concat!(
                "attribute_not_exists(",
                $flag,
                ") OR (",
                $flag,
                "_at_ms < :at_ms AND (",
                $flag,
                " = :direction OR ",
                $flag,
                "_source IN (:from0, :from1, :from2, :from3, :from4, :from5, :from6, :from7, :from8)))"
            ),
            // Whatever changes, Podium is to be told again; the call's name tells this change from a later one.
            set: concat!(
                "SET ",
                $flag,
                " = :direction, ",
                $flag,
                "_at_ms = :at_ms, ",
                $flag,
                "_evidence = :evidence, ",
                $flag,
                "_source = :source, last_write = :call, created_at_ms = if_not_exists(created_at_ms, :recorded_ms), \
                 mirror_state = :due, mirror_mark = :call, mirror_attempts = :zero, mirror_shard = :shard, \
                 mirror_due_at_ms = :recorded_ms"
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

/// The operands of `IN`: a condition has a fixed number of them, so a shorter list is filled up with its own.
const FROM: [&str; OptOutSource::ALL.len()] =
    [":from0", ":from1", ":from2", ":from3", ":from4", ":from5", ":from6", ":from7", ":from8"];

/// The write of a change, alone or as a part of a transaction; `call` is its name in the row.
pub(in crate::dynamo) fn opt_out_change(wanted: &OptOutChange, call: &str) -> Change {
    let flag = expressions(wanted.flag);
    let (only_if, direction) = match wanted.direction {
        Direction::Out => (flag.out_if, OUT),
        Direction::In => (flag.in_if, IN),
    };
    let source = wanted.evidence.source;
    let mut values = vec![
        (":direction", text(direction)),
        (":at_ms", millis(wanted.at)),
        (":evidence", evidence_map(&wanted.evidence)),
        (":source", text(source.as_str())),
        (":recorded_ms", millis(wanted.evidence.recorded_at)),
        (":call", text(call)),
        (":due", text(DUE)),
        (":zero", number(0)),
        (":shard", text(shard(&wanted.phone))),
    ];
    if wanted.direction == Direction::In {
        let sources = source.may_reopen().iter().cycle();
        values.extend(FROM.into_iter().zip(sources).map(|(name, source)| (name, text(source.as_str()))));
    }
    change(&wanted.phone, Some(only_if), flag.set, values)
}

/// All flags that were ever changed.
pub(super) fn opt_outs(row: &Row<'_>) -> Result<Vec<(OptOutFlag, OptOutRecord)>, StoreError> {
    let changed = OptOutFlag::ALL.into_iter().filter(|flag| row.has(flag.as_str()));
    changed.map(|flag| Ok((flag, opt_out(row, flag)?))).collect()
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
    use super::{super::HOLD_IF, *};

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

    /// An operand too few would refuse a wish that counts; one too many would be an error at DynamoDB.
    #[test]
    fn every_source_has_an_operand_and_every_operand_a_source() {
        for flag in OptOutFlag::ALL {
            assert!(expressions(flag).in_if.contains(&format!("{}_source IN ({})", flag.as_str(), FROM.join(", "))));
        }
        assert!(OptOutSource::ALL.iter().all(|source| !source.may_reopen().is_empty()));
    }
}
