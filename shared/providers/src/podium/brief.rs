//! The briefs' Podium: one call, and Podium words the text and sends it itself.

use frontdesk_core::{
    gate::Permit,
    ids::ProviderId,
    phone::E164Phone,
    provider::{ReviewSend, SendFailure},
    time::Clock,
};
use serde_json::json;

use super::{Post, Wire};
use crate::{SetupError, http::Notice, json, token::AccessTokens};

#[derive(Debug)]
pub(super) struct Brief {
    campaign: String,
}

impl Brief {
    pub(super) fn new(campaign: Option<&str>) -> Result<Self, SetupError> {
        let campaign = campaign.map(str::trim).filter(|id| !id.is_empty());
        let campaign =
            campaign.ok_or_else(|| SetupError::new("PODIUM_CAMPAIGN_ID", "is needed when PODIUM_CONTRACT=brief"))?;
        Ok(Self { campaign: campaign.to_owned() })
    }

    pub(super) async fn send<T: AccessTokens, C: Clock>(
        &self,
        wire: &Wire<T, C>,
        permit: Permit,
        send: &ReviewSend,
    ) -> Result<ProviderId, SendFailure> {
        let body = |phone: &E164Phone| {
            json!({
                "campaign_id": self.campaign,
                "contact": { "phone": phone.expose() },
                "context": {
                    // As text: order numbers exceed what JavaScript holds in a number.
                    "order_id": send.order.to_string(),
                    "location_uid": send.location.as_str(),
                    "platform": send.platform.as_str(),
                },
            })
        };
        let post = Post { notice: Notice::Customer, path: "/v4/review-invitations", body: &body };
        let answer = wire.post(&permit, post).await?;
        json::id(answer.get("id")).ok_or_else(|| SendFailure::Ambiguous { detail: "the answer has no id".into() })
    }
}
