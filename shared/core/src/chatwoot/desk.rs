//! What is asked of Chatwoot.

use thiserror::Error;

use super::{Attachment, ConversationRef, Standing};
use crate::{
    chat::{Marker, Target},
    gate::ChatPermit,
    outbound::Post,
    provider::{CallFailure, NotDone},
};

/// Why a post did not (or may not have) come about.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PostFailure {
    /// Chatwoot asks to be left alone (429): tried again later, not now.
    #[error(transparent)]
    Throttled(#[from] NotDone),
    /// Too many messages in this conversation within a minute (422): tried again later, not now.
    #[error("too many messages in this conversation")]
    Flooded,
    /// A 5xx. It should mean that nothing happened; a proxy in front of Chatwoot may say it all the same.
    #[error("the server failed with {status}")]
    Server {
        /// The status.
        status: u16,
    },
    /// Nothing left us: no connection. Tried again like a timeout.
    #[error("no connection: {detail}")]
    NotReached {
        /// What happened.
        detail: String,
    },
    /// No usable answer in time. It may have happened.
    #[error("no answer: {detail}")]
    NoAnswer {
        /// What happened.
        detail: String,
    },
    /// Any other status: it did not happen and will not.
    #[error("refused with {status}")]
    Refused {
        /// The status.
        status: u16,
    },
    /// The permit ran out before the call was made; the gate has to be asked again.
    #[error("the permit ran out before the call was made")]
    PermitExpired,
}

/// Whether one of our posts is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It is.
    Yes,
    /// It clearly is not.
    No,
    /// With these tokens nobody can tell.
    CannotTell,
}

/// Chatwoot's side of a conversation.
pub trait Conversations {
    /// Posts a message to the customer. Consumes the permit: one permit, one message. One call, never repeated in here.
    async fn post(
        &self,
        permit: ChatPermit,
        at: ConversationRef,
        post: &Post,
        marker: &Marker,
    ) -> Result<(), PostFailure>;

    /// Posts a note that only the shop's people see. One call, never repeated in here.
    async fn note(&self, at: ConversationRef, text: &str, marker: &Marker) -> Result<(), PostFailure>;

    /// Whether a post with this mark is among the messages after message `after`.
    async fn posted(&self, at: ConversationRef, marker: &Marker, after: u64) -> Result<Posted, NotDone>;

    /// The attachments of a message as Chatwoot has them now; `None` when there is no such message, or these tokens may not
    /// read it.
    async fn attachments(&self, at: ConversationRef, message: u64) -> Result<Option<Vec<Attachment>>, CallFailure>;

    /// Where the conversation stands now; `None` when these tokens may not read it.
    async fn standing(&self, at: ConversationRef) -> Result<Option<Standing>, CallFailure>;

    /// Whether a conversation can be given to somebody. An unknown one would clear the assignment.
    async fn knows(&self, account: u64, target: Target) -> Result<bool, CallFailure>;

    /// Gives the conversation to somebody. Repeated, it changes nothing.
    async fn assign(&self, at: ConversationRef, target: Target) -> Result<(), CallFailure>;

    /// Puts the conversation into people's hands. Repeated, it changes nothing.
    async fn open(&self, at: ConversationRef) -> Result<(), CallFailure>;

    /// Shows or hides that somebody is writing.
    async fn typing(&self, at: ConversationRef, on: bool) -> Result<(), CallFailure>;
}

/// A loaded file.
#[derive(Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The type that the host says, in lower case, without parameters.
    pub mime: Option<String>,
}

impl std::fmt::Debug for Loaded {
    /// Without the bytes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Loaded({} bytes, {:?})", self.bytes.len(), self.mime)
    }
}

/// Why a file could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LoadFailure {
    /// 404: the upload may still be under way.
    #[error("it is not there (yet)")]
    NotThere,
    /// A timeout or a 5xx: it may work in a moment.
    #[error("it may work in a moment: {detail}")]
    Transient {
        /// What happened; never holds the address.
        detail: String,
    },
    /// Larger than is loaded.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// Its host is not on the list, or it refuses.
    #[error("it cannot be loaded: {detail}")]
    Refused {
        /// What happened; never holds the address.
        detail: String,
    },
}

/// Loads what customers sent.
pub trait Media {
    /// Loads a file from a host that is allowed, following redirects to such hosts only. No token goes with it anywhere.
    async fn load(&self, url: &str, limit: usize) -> Result<Loaded, LoadFailure>;
}
