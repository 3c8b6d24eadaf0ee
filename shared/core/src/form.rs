//! Forms that people filled in on the shop's page: kept once, and told to the shop's people.

use std::fmt;

use crate::{chat::ChatKey, notice::Notice, store::StoreError, time::UnixMillis};

/// Names a submission: the same form sent again has the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubmissionId(String);

impl SubmissionId {
    /// Reads a stored one.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A form as somebody sent it.
#[derive(Clone, PartialEq, Eq)]
pub struct Submission {
    /// Its name.
    pub id: SubmissionId,
    /// Field and value, in the form's order.
    pub fields: Vec<(String, String)>,
    /// The e-mail address in it, by which an erasure finds it.
    pub email: Option<String>,
    /// The chat out of which it was sent.
    pub session: Option<ChatKey>,
    /// When it came.
    pub received_at: UnixMillis,
    /// When its row may be forgotten.
    pub expires_at: UnixMillis,
}

impl fmt::Debug for Submission {
    /// Without what was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Submission({:?}, {} fields)", self.id, self.fields.len())
    }
}

/// Where forms are kept.
pub trait Forms {
    /// Keeps a submission and opens its notice in one transaction, unless it is there (and not expired). Says whether it
    /// was new. A notice under the same key that is still to be told stays as it is; one that has ended is opened anew.
    async fn submit(&self, submission: &Submission, notice: &Notice) -> Result<bool, StoreError>;

    /// A submission, unless there is none or it has expired by `now`.
    async fn submission(&self, id: &SubmissionId, now: UnixMillis) -> Result<Option<Submission>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_wrote_is_in_no_debug_output() {
        let submission = Submission {
            id: SubmissionId::from_stored("s1"),
            fields: vec![("email".into(), "mia@example.com".into()), ("message".into(), "blue".into())],
            email: Some("mia@example.com".into()),
            session: Some(ChatKey::from_stored("session#1")),
            received_at: UnixMillis::new(1),
            expires_at: UnixMillis::new(2),
        };
        assert_eq!(format!("{submission:?}"), "Submission(SubmissionId(\"s1\"), 2 fields)");
    }
}
