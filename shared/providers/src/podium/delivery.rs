//! What became of what was sent. The published contract shows it in the message itself, the briefs' in the invitation.

use std::time::Duration;

use frontdesk_core::{
    ids::ProviderId,
    outbox::DeliveryNews,
    podium::failure_kind,
    provider::{Deliveries, DeliveryLookUp, NotDone},
    time::Clock,
};
use serde_json::Value;

use super::{
    Contract, Podium, Wire,
    messages::{self, Asked, Contact, PAGES_MAX},
    unavailable,
};
use crate::{http::segment, json, token::AccessTokens};

/// How far Podium's clock may be behind ours.
const CLOCK_MARGIN: Duration = Duration::from_secs(300);

impl<T: AccessTokens, C: Clock> Deliveries for Podium<T, C> {
    async fn delivery(&self, what: &DeliveryLookUp) -> Result<Option<DeliveryNews>, NotDone> {
        match self.contract {
            Contract::Published(_) => self.wire.news_of_message(what).await,
            Contract::Brief(_) => self.wire.news_of_invitation(what).await,
        }
    }
}

impl<T: AccessTokens, C: Clock> Wire<T, C> {
    /// Looks for the very message among the person's. A message that is there was handed on at least.
    async fn news_of_message(&self, what: &DeliveryLookUp) -> Result<Option<DeliveryNews>, NotDone> {
        let Contact::Conversations(conversations) = messages::conversations(self, &what.phone).await? else {
            return Ok(None);
        };
        let earliest = what.accepted_at.minus(CLOCK_MARGIN);
        let mut left = PAGES_MAX;
        for conversation in conversations {
            let mut cursor = None;
            while left > 0 {
                left -= 1;
                let asked = messages::page(self, &conversation, cursor.as_deref()).await?;
                let Asked::Page(page) = asked else { break };
                let is_it = |message: &&Value| json::id(message.get("uid")).as_ref() == Some(&what.message);
                if let Some(message) = page.messages.iter().find(is_it) {
                    return Ok(of_message(message));
                }
                cursor = page.next.clone().filter(|_| !page.is_past(earliest));
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(None)
    }

    /// The briefs name the call and its `status`, but not its shape; like their other answers it is bare, or in `data`.
    async fn news_of_invitation(&self, what: &DeliveryLookUp) -> Result<Option<DeliveryNews>, NotDone> {
        let Some(id) = segment(what.message.as_str()) else { return Ok(None) };
        let answer = self.get(self.base.at(&format!("/v4/review-invitations/{id}"))).await?;
        match answer.status {
            200..=299 => {}
            404 => return Ok(None),
            status => return Err(unavailable(format!("status {status}"))),
        }
        let body = answer.json().map_err(unavailable)?;
        let invitation = body.get("data").filter(|data| data.is_object()).unwrap_or(&body);
        let names = ["id", "invitation_id", "uid"].into_iter().filter_map(|name| json::id(invitation.get(name)));
        let names: Vec<ProviderId> = names.collect();
        if !names.is_empty() && !names.contains(&what.message) {
            return Ok(None);
        }
        Ok(news(word(invitation, &["status", "delivery_status"]), reason(invitation)))
    }
}

/// What a message says of itself: it has parts, each with a status, and one reason for all. The weightiest holds.
fn of_message(message: &Value) -> Option<DeliveryNews> {
    let whole = reason(message);
    let parts = json::items(message, "items").map(|part| (part, reason(part).or(whole)));
    let parts: Vec<(&Value, Option<&str>)> = parts.chain([(message, whole)]).collect();
    let told = parts.iter().filter_map(|(part, why)| news(word(part, &["deliveryStatus"]), *why)).max();
    let waits = || parts.iter().any(|(part, _)| word(part, &["deliveryStatus"]).is_some_and(is_pending));
    told.or_else(|| (!waits()).then_some(DeliveryNews::Sent))
}

/// Podium has it and has not handed it on, which after a day is no news at all.
fn is_pending(status: &str) -> bool {
    ["pending", "queued"].iter().any(|word| status.eq_ignore_ascii_case(word))
}

/// What a status means. A reason for a failure is one, whatever the status is.
fn news(status: Option<&str>, reason: Option<&str>) -> Option<DeliveryNews> {
    match status.map(str::to_ascii_lowercase).as_deref() {
        Some("delivered" | "read") => Some(DeliveryNews::Delivered),
        Some("failed" | "undelivered" | "undeliverable" | "rejected") => {
            Some(DeliveryNews::Failed(failure_kind(reason)))
        }
        _ if reason.is_some() => Some(DeliveryNews::Failed(failure_kind(reason))),
        Some("sent") => Some(DeliveryNews::Sent),
        Some(_) | None => None,
    }
}

fn reason(part: &Value) -> Option<&str> {
    word(part, &["failureReason", "failure_reason"])
}

fn word<'a>(part: &'a Value, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| part.get(name)?.as_str().map(str::trim).filter(|word| !word.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontdesk_core::outbox::FailureKind;
    use serde_json::json;

    #[test]
    fn a_message_and_its_parts() {
        let failed = DeliveryNews::Failed;
        for (message, expected) in [
            (json!({ "items": [{ "deliveryStatus": "delivered" }] }), DeliveryNews::Delivered),
            (json!({ "items": [{ "deliveryStatus": "Delivered" }], "failureReason": "" }), DeliveryNews::Delivered),
            (json!({ "items": [{ "deliveryStatus": "sent" }] }), DeliveryNews::Sent),
            (json!({ "items": [{ "deliveryStatus": null }] }), DeliveryNews::Sent),
            (json!({ "items": [] }), DeliveryNews::Sent),
            (json!({}), DeliveryNews::Sent),
            (json!({ "items": [{ "deliveryStatus": "failed" }] }), failed(FailureKind::Other)),
            (
                json!({ "items": [{ "deliveryStatus": "failed" }], "failureReason": "P0005" }),
                failed(FailureKind::CarrierFiltered),
            ),
            (
                json!({ "items": [{ "deliveryStatus": "sent" }], "failureReason": "Attempted to send SMS to a landline." }),
                failed(FailureKind::Landline),
            ),
            (json!({ "items": [], "failureReason": "stop_keyword" }), failed(FailureKind::OptedOut)),
            // What arrived did arrive.
            (
                json!({ "items": [{ "deliveryStatus": "failed" }, { "deliveryStatus": "delivered" }] }),
                DeliveryNews::Delivered,
            ),
        ] {
            assert_eq!(of_message(&message), Some(expected), "{message}");
        }
        assert_eq!(of_message(&json!({ "items": [{ "deliveryStatus": "pending" }] })), None);
    }
}
