//! What became of a message after it was taken: told by whoever steers, per message, or beforehand per phone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::stand_ins::ledger::{Effect, EffectKind};

/// Podium's words for it, the same in both pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Pending,
    Sent,
    Delivered,
    Failed,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delivery {
    pub(crate) status: Status,
    /// `P0005`, `carrier_filtered`; for a failed one only.
    #[serde(default)]
    pub(crate) failure_reason: Option<String>,
}

impl Delivery {
    const SENT: Self = Self { status: Status::Sent, failure_reason: None };

    /// Reads it as the control API takes it.
    pub(crate) fn read(value: &Value) -> Result<Self, String> {
        let delivery: Self = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        if delivery.failure_reason.is_some() && delivery.status != Status::Failed {
            return Err("failure_reason is for failed ones".to_owned());
        }
        Ok(delivery)
    }
}

/// Deliveries by the id of the message or the invitation, and what is to become of the next ones to a phone.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    told: BTreeMap<String, Delivery>,
    outcomes: BTreeMap<String, Delivery>,
}

impl Deliveries {
    /// How it ended, or `sent` as long as nobody said.
    pub(crate) fn of(&self, effect: &Effect) -> Delivery {
        let id = id_of(effect).unwrap_or_default();
        self.told.get(id).cloned().unwrap_or(Delivery::SENT)
    }

    pub(crate) fn tell(&mut self, id: &str, delivery: Delivery) {
        self.told.insert(id.to_owned(), delivery);
    }

    /// What was planned for a phone.
    pub(crate) fn outcome(&self, phone: &str) -> Option<&Delivery> {
        self.outcomes.get(phone)
    }

    pub(crate) fn outcomes(&self) -> &BTreeMap<String, Delivery> {
        &self.outcomes
    }

    pub(crate) fn plan(&mut self, phone: &str, delivery: Delivery) {
        self.outcomes.insert(phone.to_owned(), delivery);
    }

    pub(crate) fn forget_plan(&mut self, phone: &str) -> bool {
        self.outcomes.remove(phone).is_some()
    }
}

/// Under which id its delivery is asked for.
pub(crate) fn id_of(effect: &Effect) -> Option<&str> {
    match effect.kind {
        EffectKind::Message => effect.message_id.as_deref(),
        EffectKind::ReviewInvitation => effect.invitation_id.as_deref(),
        EffectKind::Chat => None,
    }
}
