//! What can go wrong in a chat, by its stable code (the table is in `docs/ERRORS.md`).

use serde::{Deserialize, Serialize};

/// The codes of the chat flows. Each is counted as [`Metric::ChatCode`](crate::telemetry::Metric) under its own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatCode {
    /// An attachment could not be loaded.
    AttachmentFailed,
    /// A voice message could not be written down.
    TranscriptionFailed,
    /// An answer could not be posted, at the third attempt.
    NotPosted,
    /// Nobody can say whether an answer was posted. It is not repeated.
    PostUnknown,
    /// The model could not be used; a person was asked to answer.
    AgentUnavailable,
    /// The model's account has no money left; nothing is asked of it for a while.
    AgentMoneyGone,
    /// The model is set up wrongly: its name or its key.
    AgentMisconfigured,
    /// The model gave no usable answer: it refused, said nothing, or not in the agreed form.
    AgentNoAnswer,
    /// A team or a person that a conversation was to go to is not known.
    TargetUnknown,
    /// So many answers within an hour that it looks like two programs talking to each other.
    TooManyAnswers,
    /// Products could not be searched.
    CatalogueFailed,
}

impl ChatCode {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::AttachmentFailed,
        Self::TranscriptionFailed,
        Self::NotPosted,
        Self::PostUnknown,
        Self::AgentUnavailable,
        Self::AgentMoneyGone,
        Self::AgentMisconfigured,
        Self::AgentNoAnswer,
        Self::TargetUnknown,
        Self::TooManyAnswers,
        Self::CatalogueFailed,
    ];

    /// The code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AttachmentFailed => "ERR_CHAT_001",
            Self::TranscriptionFailed => "ERR_CHAT_002",
            Self::NotPosted => "ERR_CHAT_003",
            Self::PostUnknown => "ERR_CHAT_004",
            Self::AgentUnavailable => "ERR_CHAT_005",
            Self::AgentMoneyGone => "ERR_CHAT_006",
            Self::AgentMisconfigured => "ERR_CHAT_007",
            Self::AgentNoAnswer => "ERR_CHAT_008",
            Self::TargetUnknown => "ERR_CHAT_009",
            Self::TooManyAnswers => "ERR_CHAT_010",
            Self::CatalogueFailed => "ERR_CHAT_011",
        }
    }

    /// The code's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AttachmentFailed => "attachment_unavailable",
            Self::TranscriptionFailed => "transcription_failed",
            Self::NotPosted => "answer_not_posted",
            Self::PostUnknown => "answer_outcome_unknown",
            Self::AgentUnavailable => "agent_unavailable",
            Self::AgentMoneyGone => "agent_out_of_credit",
            Self::AgentMisconfigured => "agent_misconfigured",
            Self::AgentNoAnswer => "agent_no_usable_answer",
            Self::TargetUnknown => "handoff_target_unknown",
            Self::TooManyAnswers => "too_many_answers",
            Self::CatalogueFailed => "product_search_failed",
        }
    }

    /// Code and name, as rows show them.
    #[must_use]
    pub fn described(self) -> String {
        format!("{} {}", self.as_str(), self.name())
    }
}
