//! The conditions of the review flow, by their stable codes (brief "Podium Review Request Automation"; the table is in
//! `docs/ERRORS.md`).

/// Each is counted as [`Metric::ReviewCode`](crate::telemetry::Metric) under its own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewCode {
    /// A request within the cooldown of an earlier one; not sent.
    CooldownViolation,
    /// The order was refunded, voided or cancelled; not sent.
    RefundBlocked,
    /// The person opted out; not sent.
    OptOutBlocked,
    /// The order's phone is none.
    PhoneNotE164,
    /// The number cannot get texts.
    NotSmsCapable,
    /// Podium's own cooldown refused the request.
    ProviderCooldown,
    /// A carrier did not deliver the request.
    FailedAtCarrier,
    /// The request was not delivered because the person had opted out.
    FailedOptOut,
    /// Nobody said within a day whether the request arrived.
    DeliveryUnresolved,
    /// A webhook without a valid signature.
    SignatureMismatch,
    /// An event came again.
    Replay,
    /// The platform fell back to one that works for everybody.
    PlatformFallback,
    /// Podium's record of opt-outs differs from ours, or somebody was written to after they opted out.
    OptOutDrift,
    /// A bad review did not reach a person in time.
    EscalationFailed,
}

impl ReviewCode {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::CooldownViolation,
        Self::RefundBlocked,
        Self::OptOutBlocked,
        Self::PhoneNotE164,
        Self::NotSmsCapable,
        Self::ProviderCooldown,
        Self::FailedAtCarrier,
        Self::FailedOptOut,
        Self::DeliveryUnresolved,
        Self::SignatureMismatch,
        Self::Replay,
        Self::PlatformFallback,
        Self::OptOutDrift,
        Self::EscalationFailed,
    ];

    /// The code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CooldownViolation => "ERR_REVIEW_001",
            Self::RefundBlocked => "ERR_REVIEW_002",
            Self::OptOutBlocked => "ERR_REVIEW_003",
            Self::PhoneNotE164 => "ERR_REVIEW_004",
            Self::NotSmsCapable => "ERR_REVIEW_005",
            Self::ProviderCooldown => "ERR_REVIEW_006",
            Self::FailedAtCarrier => "ERR_REVIEW_007",
            Self::FailedOptOut => "ERR_REVIEW_008",
            Self::DeliveryUnresolved => "ERR_REVIEW_009",
            Self::SignatureMismatch => "ERR_REVIEW_010",
            Self::Replay => "ERR_REVIEW_011",
            Self::PlatformFallback => "ERR_REVIEW_012",
            Self::OptOutDrift => "ERR_REVIEW_013",
            Self::EscalationFailed => "ERR_REVIEW_014",
        }
    }
}
