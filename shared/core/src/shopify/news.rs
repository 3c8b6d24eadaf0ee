//! The smaller bodies: shipments on their way, returns, consent, the shop itself.

use serde::Deserialize;

use super::body::ShopifyEvent;
use crate::{
    ids::OrderId,
    phone::{E164Phone, normalize},
    time::UnixMillis,
};

/// What a carrier says of a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParcelStatus {
    /// It was handed over.
    Delivered,
    /// Anything else: on its way, delayed, attempted, lost, or a word that Shopify has made up since.
    Other,
}

impl ParcelStatus {
    fn of(word: &str) -> Self {
        if word.trim().eq_ignore_ascii_case("delivered") { Self::Delivered } else { Self::Other }
    }
}

/// Whether a return is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnStatus {
    /// Asked for, agreed to, or opened again.
    Opened,
    /// Closed, cancelled or declined.
    Ended,
}

impl ReturnStatus {
    /// A word that is not known counts as open: then the request waits, and the check at the time of the send says what
    /// really is.
    fn of(word: &str) -> Self {
        let ended = ["closed", "canceled", "cancelled", "declined"];
        if ended.iter().any(|end| word.trim().eq_ignore_ascii_case(end)) { Self::Ended } else { Self::Opened }
    }
}

/// Shopify's record of consent to marketing texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentState {
    /// Given.
    Subscribed,
    /// Never given. Not an opt-out.
    NotSubscribed,
    /// Taken back: the one opt-out among these.
    Unsubscribed,
    /// Asked for, not confirmed.
    Pending,
    /// Erased with the person's data.
    Redacted,
    /// Not said, or in a word that is not known.
    Unknown,
}

impl ConsentState {
    fn of(word: &str) -> Self {
        let known = [
            ("subscribed", Self::Subscribed),
            ("not_subscribed", Self::NotSubscribed),
            ("unsubscribed", Self::Unsubscribed),
            ("pending", Self::Pending),
            ("redacted", Self::Redacted),
        ];
        known
            .into_iter()
            .find(|(name, _)| word.trim().eq_ignore_ascii_case(name))
            .map_or(Self::Unknown, |(_, state)| state)
    }
}

#[derive(Deserialize)]
pub(super) struct FulfillmentEventBody {
    order_id: u64,
    status: String,
    happened_at: Option<String>,
}

impl From<FulfillmentEventBody> for ShopifyEvent {
    fn from(body: FulfillmentEventBody) -> Self {
        Self::FulfillmentEvent {
            order: OrderId(body.order_id),
            status: ParcelStatus::of(&body.status),
            happened_at: body.happened_at.as_deref().and_then(moment),
        }
    }
}

/// Some of the topics write the order's id, others the order.
#[derive(Deserialize)]
pub(super) struct ReturnBody {
    order_id: Option<u64>,
    order: Option<Named>,
    status: String,
}

#[derive(Deserialize)]
struct Named {
    id: u64,
}

impl ReturnBody {
    /// `None` when the body names no order, or two.
    pub(super) fn event(self) -> Option<ShopifyEvent> {
        let Self { order_id, order, status } = self;
        let order = match (order_id, order) {
            (Some(flat), Some(Named { id })) if flat != id => return None,
            (flat, nested) => OrderId(flat.or(nested.map(|order| order.id))?),
        };
        Some(ShopifyEvent::Return { order, status: ReturnStatus::of(&status) })
    }
}

#[derive(Deserialize)]
pub(super) struct ConsentBody {
    phone: Option<String>,
    sms_marketing_consent: Option<Consent>,
}

#[derive(Deserialize)]
struct Consent {
    state: Option<String>,
    consent_updated_at: Option<String>,
}

impl From<ConsentBody> for ShopifyEvent {
    fn from(body: ConsentBody) -> Self {
        let (state, at) = body.sms_marketing_consent.map_or((None, None), |c| (c.state, c.consent_updated_at));
        Self::MarketingConsent {
            phone: body.phone.as_deref().and_then(written_in_full),
            state: state.as_deref().map_or(ConsentState::Unknown, ConsentState::of),
            consent_updated_at: at.as_deref().and_then(moment),
        }
    }
}

/// Shopify writes this number in E.164 form. One that no plan knows is kept as it is: if it cannot be texted, then to
/// know that it must not be does no harm.
fn written_in_full(raw: &str) -> Option<E164Phone> {
    let raw = raw.trim();
    normalize(raw, None).map(|n| n.e164).ok().or_else(|| E164Phone::parse_e164(raw).ok())
}

#[derive(Deserialize)]
pub(super) struct ShopBody {
    myshopify_domain: String,
    updated_at: Option<String>,
}

impl From<ShopBody> for ShopifyEvent {
    fn from(body: ShopBody) -> Self {
        Self::AppUninstalled { at: body.updated_at.as_deref().and_then(moment), shop_domain: body.myshopify_domain }
    }
}

/// A time of Shopify's, which carries the shop's UTC offset; `None` when it cannot be read.
pub(super) fn moment(iso: &str) -> Option<UnixMillis> {
    iso.parse::<jiff::Timestamp>().ok().map(|t| UnixMillis::new(t.as_millisecond()))
}
