//! A clock that stands until it is turned, and names that count up.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use frontdesk_core::{
    ids::{Ids, OwnerToken},
    time::{Clock, UnixMillis},
};

/// A clock that only a test moves.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: UnixMillis) -> Self {
        Self(AtomicI64::new(now.get()))
    }

    /// Turns it on by `span`.
    pub fn advance(&self, span: Duration) {
        self.0.store(self.now().plus(span).get(), Ordering::SeqCst);
    }

    /// Turns it to `moment`, never back.
    pub fn advance_to(&self, moment: UnixMillis) {
        self.0.fetch_max(moment.get(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis::new(self.0.load(Ordering::SeqCst))
    }
}

/// Owners `o1`, `o2` and so on.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn owner(&self) -> OwnerToken {
        let n = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        OwnerToken::try_from(format!("o{n}").as_str()).unwrap()
    }
}
