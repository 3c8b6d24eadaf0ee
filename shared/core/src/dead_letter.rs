//! Messages that a queue gave up on: what each names, and what is to become of it.
//!
//! A message is a row's key, so nothing is lost with it: the row says what is left to do. Open rows come back by the sweeper
//! or the `due` index anyway; a dead letter is what says that something failed five times.

use std::time::Duration;

use crate::{
    ids::{GroupId, OrderKey},
    inbox::{InboxKey, InboxStatus},
    notice::NoticeKey,
    queue::QueueError,
    request::RequestStatus,
    time::UnixMillis,
};

/// A message in a dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What it says.
    pub body: String,
    /// By which its queue knows it, until it is shown to somebody else.
    pub receipt: String,
    /// When it was first sent, if the queue says so.
    pub sent_at: Option<UnixMillis>,
    /// The line that it stood in.
    pub group: Option<GroupId>,
}

/// What a message names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// An event.
    Event(InboxKey),
    /// A review request.
    Request(OrderKey),
    /// Something that people have to be told.
    Notice(NoticeKey),
    /// A run of the clock's, by the word of its task.
    Task(String),
    /// Nothing that this version knows.
    Nothing,
}

impl Named {
    /// Reads a message.
    #[must_use]
    pub fn read(body: &str) -> Self {
        if let Some(key) = InboxKey::parse(body) {
            return Self::Event(key);
        }
        if let Some(key) = NoticeKey::parse(body) {
            return Self::Notice(key);
        }
        if let Some(key) = OrderKey::parse(body) {
            return Self::Request(key);
        }
        let task = serde_json::from_str::<serde_json::Value>(body).ok();
        let task = task.as_ref().and_then(|json| json.get("task")?.as_str());
        // Shown to people, so it has to look like a task's word.
        let is_word = |word: &&str| word.len() <= 40 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        task.filter(is_word).map_or(Self::Nothing, |word| Self::Task(word.to_owned()))
    }

    /// Its kind, for reports.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::Request(_) => "request",
            Self::Notice(_) => "notice",
            Self::Task(_) => "task",
            Self::Nothing => "unreadable",
        }
    }
}

/// Where that stands which a message names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An event.
    Event(InboxStatus),
    /// A review request.
    Request(RequestStatus),
    /// A notice: whether anything of it is still to be done.
    Notice {
        /// It is to be told.
        open: bool,
    },
    /// A run of the clock's.
    Task,
    /// There is no such row, or none that can be read.
    Unknown,
    /// The message names nothing.
    Nothing,
}

/// What is to become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Back into the queue that it died in; its row is open.
    Back,
    /// Deleted: there is nothing left to do.
    Answered(&'static str),
    /// It stays where it is.
    Stays(&'static str),
}

impl Standing {
    /// What is to become of a message that names this.
    #[must_use]
    pub const fn fate(&self) -> Fate {
        match self {
            Self::Event(InboxStatus::Waiting | InboxStatus::Claimed)
            | Self::Request(RequestStatus::Scheduled | RequestStatus::Queued | RequestStatus::Sending)
            | Self::Notice { open: true } => Fate::Back,
            Self::Event(InboxStatus::Done | InboxStatus::Rejected) => Fate::Answered("its event has ended"),
            Self::Event(InboxStatus::Mismatch) => Fate::Answered("nobody works on a second body"),
            Self::Event(InboxStatus::Parked) => {
                Fate::Stays("its event is parked: mend the cause, then `frontdesk events replay`")
            }
            Self::Request(
                RequestStatus::Sent | RequestStatus::Skipped | RequestStatus::Failed | RequestStatus::Unknown,
            ) => Fate::Answered("its request has ended"),
            Self::Notice { open: false } => Fate::Answered("people were told, or it was given up"),
            Self::Task => Fate::Answered("the clock has started the same task again since"),
            Self::Unknown => Fate::Stays("its row is not there, or cannot be read"),
            Self::Nothing => Fate::Stays("it names nothing that this version knows"),
        }
    }
}

/// A dead-letter queue.
pub trait DeadLetters {
    /// About how many messages are in it, those that somebody holds included.
    async fn count(&self) -> Result<u64, QueueError>;

    /// Takes some messages, ten at most, and hides them from others for `hold`. None: it is empty, or others hold the rest.
    async fn take(&self, hold: Duration) -> Result<Vec<Letter>, QueueError>;

    /// Shows messages to others again, at once.
    async fn put_back(&self, letters: &[Letter]) -> Result<(), QueueError>;

    /// Deletes a message.
    async fn delete(&self, letter: &Letter) -> Result<(), QueueError>;
}

/// The queue that messages died in.
pub trait SendAgain {
    /// Puts a message into it as it was, in this line if the queue keeps lines.
    async fn send_again(&self, body: &str, line: Option<&GroupId>) -> Result<(), QueueError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::NoticeKind;

    #[test]
    fn every_queue_s_messages_are_told_apart() {
        let event = Named::read("podium#evt-1");
        assert!(matches!(&event, Named::Event(key) if key.to_key() == "podium#evt-1"));
        let request = Named::read("harbour-lane.myshopify.com#5001");
        assert!(matches!(&request, Named::Request(key) if key.to_key() == "harbour-lane.myshopify.com#5001"));
        let notice = NoticeKey::new(NoticeKind::BadReview, "rev-1#1");
        assert_eq!(Named::read(notice.as_str()), Named::Notice(notice));
        assert_eq!(Named::read(r#"{"task":"reconcile-reviews"}"#), Named::Task("reconcile-reviews".into()));
        for odd in ["", "hello", "stripe#x", r#"{"task":"+61412345678"}"#, r#"{"task":1}"#, "{}", "a#b#c"] {
            assert_eq!(Named::read(odd), Named::Nothing, "{odd}");
        }
    }

    #[test]
    fn only_what_is_open_goes_back_and_what_is_parked_or_unknown_stays() {
        let goes_back = |standing: Standing| standing.fate() == Fate::Back;
        for status in InboxStatus::ALL {
            let open = matches!(status, InboxStatus::Waiting | InboxStatus::Claimed);
            assert_eq!(goes_back(Standing::Event(status)), open, "{status:?}");
        }
        for status in RequestStatus::ALL {
            assert_eq!(goes_back(Standing::Request(status)), !status.is_end(), "{status:?}");
        }
        for stays in [Standing::Event(InboxStatus::Parked), Standing::Unknown, Standing::Nothing] {
            assert!(matches!(stays.fate(), Fate::Stays(_)), "{stays:?}");
        }
    }
}
