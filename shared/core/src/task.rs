//! What a schedule asks of a function of the clock, and what it hears.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::store::StoreError;

/// What a schedule sends.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Tick {
    /// The task's name.
    #[serde(default)]
    pub task: String,
}

impl Tick {
    /// Which of a function's tasks it names.
    ///
    /// # Errors
    /// [`TaskError::Unknown`].
    pub fn which<T: Copy>(&self, tasks: &[T], name: fn(T) -> &'static str) -> Result<T, TaskError> {
        let found = tasks.iter().copied().find(|task| name(*task) == self.task);
        found.ok_or_else(|| TaskError::Unknown {
            named: self.task.chars().take(40).collect(),
            known: tasks.iter().map(|task| format!("{:?}", name(*task))).collect::<Vec<_>>().join(", "),
        })
    }
}

/// What a task did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Done {
    /// How many rows it saw to.
    pub handled: usize,
}

/// Why a task did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TaskError {
    /// The schedule names no task of the function's.
    #[error("there is no task {named:?}; the tasks are {known}")]
    Unknown {
        /// What it names.
        named: String,
        /// The tasks that there are.
        known: String,
    },
    /// A table could not be used; the next tick goes on.
    #[error(transparent)]
    Store(#[from] StoreError),
}
