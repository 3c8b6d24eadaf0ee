//! The parts of an installation as readiness sees them, to be broken one by one; and somebody's patience.

use std::{
    collections::BTreeMap,
    future::{pending, poll_fn},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use frontdesk_core::{
    flow::health::{Probes, SecretValue, Unreachable},
    token::Pause,
};

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A table that works.
    Works,
    /// A queue with so many messages.
    Holds(u64),
    /// A secret with this value.
    Value(SecretValue),
    /// Gone, or nobody may ask about it.
    Gone,
    /// Whoever asks gets no answer.
    Silent,
}

/// The parts by where they are. What is not listed is gone.
#[derive(Debug, Default)]
pub struct ModelParts {
    conditions: Mutex<BTreeMap<String, Condition>>,
    asked: Mutex<Vec<String>>,
}

impl ModelParts {
    /// Lets a part be like that from now on.
    pub fn set(&self, place: &str, condition: Condition) {
        self.conditions.lock().unwrap().insert(place.to_owned(), condition);
    }

    /// What was asked about, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn condition(&self, place: &str) -> Result<Condition, Unreachable> {
        self.asked.lock().unwrap().push(place.to_owned());
        let condition = self.conditions.lock().unwrap().get(place).copied().unwrap_or(Condition::Gone);
        match condition {
            Condition::Silent => pending().await,
            Condition::Gone => Err(gone(place)),
            Condition::Works | Condition::Holds(_) | Condition::Value(_) => Ok(condition),
        }
    }
}

/// As a client of AWS's would say it, with the name and the account.
fn gone(place: &str) -> Unreachable {
    Unreachable(format!("ResourceNotFoundException (status 400): arn:aws:any:eu-test-1:123456789012:{place} is gone"))
}

impl Probes for ModelParts {
    async fn table(&self, name: &str) -> Result<(), Unreachable> {
        match self.condition(name).await? {
            Condition::Works => Ok(()),
            Condition::Holds(_) | Condition::Value(_) | Condition::Gone | Condition::Silent => Err(gone(name)),
        }
    }

    async fn queue(&self, url: &str) -> Result<u64, Unreachable> {
        match self.condition(url).await? {
            Condition::Holds(messages) => Ok(messages),
            Condition::Works | Condition::Value(_) | Condition::Gone | Condition::Silent => Err(gone(url)),
        }
    }

    async fn secret(&self, id: &str) -> Result<SecretValue, Unreachable> {
        match self.condition(id).await? {
            Condition::Value(value) => Ok(value),
            Condition::Works | Condition::Holds(_) | Condition::Gone | Condition::Silent => Err(gone(id)),
        }
    }
}

/// Patience without end, until a test ends it.
#[derive(Debug, Default)]
pub struct Patience(AtomicBool);

impl Patience {
    /// Ends it, for all who wait and all who come after them.
    pub fn end(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Pause for Patience {
    async fn pause(&self, _: Duration) {
        // Whoever polls does so again by itself: there is no runtime to wake it.
        poll_fn(|_| if self.0.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}
