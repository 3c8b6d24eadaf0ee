//! What is paid for: the wires to DynamoDB, SQS and Secrets Manager, read as a bill.
//!
//! Units of DynamoDB are the ones that the service itself reports: each request is passed on with the wish for them. A write
//! that its condition refused reports none; it costs what the row has that stood in its way, at least one unit.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    ops::{Add, AddAssign, Sub},
};

use frontdesk_core::config::Function;
use serde_json::{Value, json};

use crate::wire::{Answer, Call, Fate, Wire};

/// What something cost. Amounts of the cloud that are billed by the piece, and how often who else was called.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bill {
    /// Requests at the gateway.
    pub gateway: u64,
    /// What each function did.
    pub runs: BTreeMap<Function, Runs>,
    /// DynamoDB's requests that write.
    pub writes: u64,
    /// Their units, those of indexes and of transactions included.
    pub write_units: u64,
    /// DynamoDB's requests that read.
    pub reads: u64,
    /// Their units, in halves: an eventually consistent read of a small row is one.
    pub read_halves: u64,
    /// SQS's requests: sent by us, fetched and deleted for the worker.
    pub sqs: u64,
    /// Calls to Secrets Manager.
    pub secrets: u64,
    /// Calls to others, by their names.
    pub providers: BTreeMap<&'static str, u64>,
    /// Lines that were logged, metrics among them.
    pub log_lines: u64,
}

/// How often a function ran, and for whom it waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Runs {
    /// How often it ran.
    pub times: u64,
    /// Its calls to services of the cloud.
    pub cloud_calls: u64,
    /// Its calls to others.
    pub other_calls: u64,
}

impl AddAssign for Runs {
    fn add_assign(&mut self, other: Self) {
        self.times += other.times;
        self.cloud_calls += other.cloud_calls;
        self.other_calls += other.other_calls;
    }
}

impl Bill {
    /// How often a function ran, whichever.
    #[must_use]
    pub fn all_runs(&self) -> u64 {
        self.runs.values().map(|runs| runs.times).sum()
    }

    /// Units read.
    #[must_use]
    pub fn read_units(&self) -> Units {
        Units(self.read_halves)
    }
}

/// Units of reading, which are counted in halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Units(u64);

impl Display for Units {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0 / 2, if self.0 % 2 == 1 { ".5" } else { "" })
    }
}

impl AddAssign<&Self> for Bill {
    fn add_assign(&mut self, other: &Self) {
        self.gateway += other.gateway;
        self.writes += other.writes;
        self.write_units += other.write_units;
        self.reads += other.reads;
        self.read_halves += other.read_halves;
        self.sqs += other.sqs;
        self.secrets += other.secrets;
        self.log_lines += other.log_lines;
        for (function, runs) in &other.runs {
            *self.runs.entry(*function).or_default() += *runs;
        }
        for (provider, n) in &other.providers {
            *self.providers.entry(provider).or_default() += n;
        }
    }
}

impl Add<&Self> for Bill {
    type Output = Self;
    fn add(mut self, other: &Self) -> Self {
        self += other;
        self
    }
}

impl Sub<&Self> for Bill {
    type Output = Self;
    /// What is left of it; a part that the other has more of is a mistake of the test's.
    fn sub(mut self, other: &Self) -> Self {
        self.gateway -= other.gateway;
        self.writes -= other.writes;
        self.write_units -= other.write_units;
        self.reads -= other.reads;
        self.read_halves -= other.read_halves;
        self.sqs -= other.sqs;
        self.secrets -= other.secrets;
        self.log_lines -= other.log_lines;
        for (function, runs) in &other.runs {
            let ours = self.runs.get_mut(function).expect("it ran here too");
            ours.times -= runs.times;
            ours.cloud_calls -= runs.cloud_calls;
            ours.other_calls -= runs.other_calls;
        }
        for (provider, n) in &other.providers {
            *self.providers.get_mut(provider).expect("they were called here too") -= n;
        }
        self.runs.retain(|_, runs| *runs != Runs::default());
        self.providers.retain(|_, n| *n > 0);
        self
    }
}

/// Lays a wire to DynamoDB that has every request report its units.
pub async fn metered(dynamodb: &str) -> Wire {
    Wire::to(dynamodb, |call| {
        if !is_write(&call.operation) && !is_read(&call.operation) {
            return Fate::Pass;
        }
        let mut body = call.json();
        body["ReturnConsumedCapacity"] = json!("TOTAL");
        Fate::PassAs(body.to_string().into_bytes())
    })
    .await
}

fn is_write(operation: &str) -> bool {
    matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems")
}

fn is_read(operation: &str) -> bool {
    matches!(operation, "GetItem" | "Query" | "Scan" | "TransactGetItems" | "BatchGetItem")
}

/// Adds to a bill what went over a metered wire.
pub fn read_meter(wire: &Wire, bill: &mut Bill) {
    let answers: BTreeMap<usize, Answer> = wire.answers().into_iter().map(|answer| (answer.number, answer)).collect();
    for call in wire.calls() {
        let halves = || answers.get(&call.number).map_or(0, |answer| halves(&call, answer));
        match &*call.operation {
            operation if is_write(operation) => {
                bill.writes += 1;
                let halves = halves();
                assert_eq!(halves % 2, 0, "a write has whole units");
                bill.write_units += halves / 2;
            }
            operation if is_read(operation) => {
                bill.reads += 1;
                bill.read_halves += halves();
            }
            // What a client opens its connection with, and descriptions, cost nothing.
            "" | "DescribeTable" => {}
            other => panic!("nobody said what {other} costs"),
        }
    }
}

/// The units of an answer, in halves.
fn halves(call: &Call, answer: &Answer) -> u64 {
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    if answer.status != 200 {
        return refused_halves(call, &body);
    }
    let consumed = &body["ConsumedCapacity"];
    let each = consumed.as_array().cloned().unwrap_or_else(|| vec![consumed.clone()]);
    let units: f64 = each.iter().map(|table| table["CapacityUnits"].as_f64().expect("units are reported")).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "halves, and few")]
    let halves = (units * 2.0).round() as u64;
    halves
}

/// A write that its condition refused: the row that stood in its way, or one unit; in a transaction twice, for each part.
fn refused_halves(call: &Call, body: &Value) -> u64 {
    let kind = body["__type"].as_str().unwrap_or_default();
    let units = |row: &Value| if row.is_object() { size(row).div_ceil(1024).max(1) } else { 1 };
    match kind.rsplit('#').next().unwrap_or_default() {
        "ConditionalCheckFailedException" => 2 * units(&body["Item"]),
        "TransactionCanceledException" => {
            let reasons = body["CancellationReasons"].as_array().cloned().unwrap_or_default();
            2 * 2 * reasons.iter().map(|reason| units(&reason["Item"])).sum::<u64>()
        }
        other => panic!("{} ended as {other}: {body}", call.operation),
    }
}

/// About how large a row is: the names and what is in them.
fn size(row: &Value) -> u64 {
    match row {
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() as u64 + size(value)).sum(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::String(text) => text.len() as u64,
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}
