//! What the ports to the tables have in common.
//!
//! Every operation is one conditional write, one transaction, or one bounded query, so that each is a single crash
//! point. The SDK retries writes whose answer was lost, therefore each write carries a token of its caller and an
//! implementation must recognise its own earlier success instead of reporting a conflict.

use thiserror::Error;

use crate::{ids::OwnerToken, time::UnixMillis};

/// A table could not be used. Never says that a condition failed: that is a decision, not an error.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The table did not answer, or not in time; the write may or may not have happened.
    #[error("table {table} did not answer: {detail}")]
    Unavailable {
        /// Which table.
        table: &'static str,
        /// What the client reported; never holds row content.
        detail: String,
    },
    /// A row does not hold what this version wrote or can read.
    #[error("table {table} holds a row that cannot be read: {what}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which attribute is wrong.
        what: &'static str,
    },
}

/// The wish to hold a row alone until a time.
///
/// `until` must lie beyond the function's own time limit plus the clocks' difference: then whoever finds it expired
/// knows that the holder is dead and not slow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who asks.
    pub owner: OwnerToken,
    /// The present moment, against which an older lease is judged.
    pub now: UnixMillis,
    /// When the lease ends.
    pub until: UnixMillis,
}

/// The end of a write that only the lease's holder may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Fenced {
    /// Written.
    Written,
    /// Not written: the lease belongs to somebody else by now, or the row has ended.
    Lost,
}
