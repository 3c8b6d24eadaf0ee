//! What can be wrong with a message, by its stable code (brief "Podium Webchat Handler"; the table is in `docs/ERRORS.md`).

use std::fmt;

/// The codes of the message flows. Each is counted as [`Metric::WebchatCode`](crate::telemetry::Metric) under its own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WebchatCode {
    /// The phone is no number, or a local one of no known country.
    InvalidPhone,
    /// No location was named, and there is no default.
    MissingLocation,
    /// The location is not one of Podium's list, which was loaded again to be sure.
    UnknownLocation,
    /// Podium says that a contact exists and does not show it.
    ContactConflict,
    /// An attachment is too large or has no usable size.
    AttachmentTooLarge,
    /// A session was closed because nobody wrote any more.
    SessionClosed,
    /// A person was asked whether they are still there.
    SessionWarned,
    /// Somebody wants no more messages.
    OptOutReceived,
    /// A message was not sent because of an opt-out.
    OptOutBlocked,
    /// The opt-outs could not be read or written; nothing was sent.
    OptOutStoreUnreachable,
    /// Somebody was written to after they opted out, or Podium's record differs from ours.
    OptOutDrift,
    /// Many messages in a short time name no usable location: a page's widget is set up wrongly.
    LocationRejectionBurst,
    /// Kept answers could not be read; the conversation goes on without.
    HydrationFailed,
    /// The list of locations could not be refreshed for two intervals.
    LocationsStale,
    /// An attachment is of a kind that is not taken.
    AttachmentType,
}

impl WebchatCode {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::InvalidPhone,
        Self::MissingLocation,
        Self::UnknownLocation,
        Self::ContactConflict,
        Self::AttachmentTooLarge,
        Self::SessionClosed,
        Self::SessionWarned,
        Self::OptOutReceived,
        Self::OptOutBlocked,
        Self::OptOutStoreUnreachable,
        Self::OptOutDrift,
        Self::LocationRejectionBurst,
        Self::HydrationFailed,
        Self::LocationsStale,
        Self::AttachmentType,
    ];

    /// The code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidPhone => "ERR_WEBCHAT_001",
            Self::MissingLocation => "ERR_WEBCHAT_002",
            Self::UnknownLocation => "ERR_WEBCHAT_003",
            Self::ContactConflict => "ERR_WEBCHAT_004",
            Self::AttachmentTooLarge => "ERR_WEBCHAT_005",
            Self::SessionClosed => "ERR_WEBCHAT_006",
            Self::SessionWarned => "ERR_WEBCHAT_007",
            Self::OptOutReceived => "ERR_WEBCHAT_008",
            Self::OptOutBlocked => "ERR_WEBCHAT_009",
            Self::OptOutStoreUnreachable => "ERR_WEBCHAT_010",
            Self::OptOutDrift => "ERR_WEBCHAT_011",
            Self::LocationRejectionBurst => "ERR_WEBCHAT_012",
            Self::HydrationFailed => "ERR_WEBCHAT_013",
            Self::LocationsStale => "ERR_WEBCHAT_014",
            Self::AttachmentType => "ERR_WEBCHAT_015",
        }
    }

    /// The code's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidPhone => "invalid_phone_format",
            Self::MissingLocation => "missing_location_uid",
            Self::UnknownLocation => "unknown_location_uid",
            Self::ContactConflict => "contact_upsert_conflict_unresolved",
            Self::AttachmentTooLarge => "attachment_too_large",
            Self::SessionClosed => "session_idle_close",
            Self::SessionWarned => "session_idle_warn",
            Self::OptOutReceived => "optout_keyword_received",
            Self::OptOutBlocked => "optout_blocked_outbound",
            Self::OptOutStoreUnreachable => "optout_store_unreachable",
            Self::OptOutDrift => "optout_attempt_after_block_detected",
            Self::LocationRejectionBurst => "location_routing_rejection_burst",
            Self::HydrationFailed => "partial_state_hydration_failure",
            Self::LocationsStale => "locations_refresh_stale",
            Self::AttachmentType => "attachment_type_not_allowed",
        }
    }

    /// Code and name, as rows show them.
    #[must_use]
    pub fn described(self) -> String {
        format!("{} {}", self.as_str(), self.name())
    }
}

/// What is wrong with an event's attachments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentProblem {
    /// One of them is larger than allowed.
    OneTooLarge {
        /// Its size.
        bytes: u64,
    },
    /// Together they are larger than allowed.
    SumTooLarge {
        /// Their size.
        bytes: u64,
    },
    /// A size that is no number of bytes, or none and nowhere to look it up.
    NoSize,
}

impl fmt::Display for AttachmentProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneTooLarge { bytes } => write!(f, "one attachment has {bytes} bytes"),
            Self::SumTooLarge { bytes } => write!(f, "the attachments have {bytes} bytes together"),
            Self::NoSize => f.write_str("an attachment has no usable size"),
        }
    }
}
