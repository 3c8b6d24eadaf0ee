//! The parts of Shopify's bodies that are used, read strictly where a wrong reading could text somebody.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{
    news::{ConsentBody, ConsentState, FulfillmentEventBody, ParcelStatus, ReturnBody, ReturnStatus, ShopBody, moment},
    privacy::{DataRequestBody, PrivacyEvent, RedactCustomerBody, RedactShopBody},
    shape::{Keys, Shape},
    tags::Tags,
};
use crate::{
    ids::{OrderId, ShopDomain},
    inbox::RejectReason,
    phone::E164Phone,
    provider::Financial,
    time::UnixMillis,
};

/// A verified body, told apart by its shape.
#[derive(Debug)]
pub enum ShopifyEvent {
    /// Any `orders/*` topic.
    Order(Box<OrderBody>),
    /// `refunds/create`.
    Refund(RefundBody),
    /// `fulfillment_events/create`: a carrier's news of one shipment.
    FulfillmentEvent {
        /// The order that the shipment belongs to.
        order: OrderId,
        /// What the carrier says.
        status: ParcelStatus,
        /// When it happened; `None` when the body does not say it readably.
        happened_at: Option<UnixMillis>,
    },
    /// Any `returns/*` topic.
    Return {
        /// The order of which something goes back.
        order: OrderId,
        /// Whether it is under way.
        status: ReturnStatus,
    },
    /// `customers_marketing_consent/update`: what the shop's record says about marketing texts.
    MarketingConsent {
        /// Whose; `None` when the record has no number, or one that cannot be told.
        phone: Option<E164Phone>,
        /// What it says.
        state: ConsentState,
        /// Since when; `None` when the body does not say it readably.
        consent_updated_at: Option<UnixMillis>,
    },
    /// `customers/merge`. Nothing of ours is kept under a customer's number, so it is only noted.
    CustomersMerged,
    /// `app/uninstalled`, whose body is the shop as it is. So is the body of `shop/update`, and the topic is not signed:
    /// an installation that reads this must not ask Shopify for that topic.
    AppUninstalled {
        /// When the shop was last changed, the one time in the body: not after the end, and possibly long before it.
        at: Option<UnixMillis>,
        /// The shop's `*.myshopify.com` domain, as the signed body names it.
        shop_domain: String,
    },
    /// A demand about personal data.
    Privacy(PrivacyEvent),
}

impl ShopifyEvent {
    /// The shop that the signed body names; most bodies name none.
    #[must_use]
    pub fn shop_domain(&self) -> Option<&str> {
        match self {
            Self::AppUninstalled { shop_domain, .. } => Some(shop_domain),
            Self::Privacy(event) => event.shop_domain.as_deref(),
            Self::Order(_)
            | Self::Refund(_)
            | Self::FulfillmentEvent { .. }
            | Self::Return { .. }
            | Self::MarketingConsent { .. }
            | Self::CustomersMerged => None,
        }
    }
}

/// Whether the signed body names another shop than this installation serves. Such an event stops or erases nothing
/// here.
#[must_use]
pub fn is_other_shop(event: &ShopifyEvent, shop: &ShopDomain) -> bool {
    event.shop_domain().is_some_and(|named| !named.trim().eq_ignore_ascii_case(shop.as_str()))
}

/// Whether this is a demand about personal data, which has a worker of its own.
#[must_use]
pub const fn is_privacy(event: &ShopifyEvent) -> bool {
    matches!(event, ShopifyEvent::Privacy(_))
}

/// A REST order, the fields that matter. Unknown fields are ignored: every API version adds and drops some.
#[derive(Debug, Deserialize)]
pub struct OrderBody {
    /// Up to 8e17, beyond what a float can hold.
    pub id: u64,
    /// The contact number given at the checkout.
    pub phone: Option<String>,
    /// The contact e-mail; only its presence matters.
    pub email: Option<String>,
    /// The same, newer.
    pub contact_email: Option<String>,
    /// Null on anonymous counter sales.
    pub customer: Option<Customer>,
    /// Missing on counter sales.
    pub billing_address: Option<Address>,
    /// Missing on counter sales.
    pub shipping_address: Option<Address>,
    /// `paid`, `refunded` and so on.
    pub financial_status: Option<String>,
    /// `fulfilled` once everything is shipped.
    pub fulfillment_status: Option<String>,
    /// When it was cancelled.
    pub cancelled_at: Option<String>,
    /// When it was made, with the shop's UTC offset.
    pub created_at: Option<String>,
    /// A test order.
    pub test: Option<bool>,
    /// `web`, `pos` or an app.
    pub source_name: Option<String>,
    /// The till's location on counter sales.
    pub location_id: Option<u64>,
    /// The shipments; there is no top-level `fulfilled_at`.
    pub fulfillments: Option<Vec<Fulfillment>>,
    /// The refunds so far.
    pub refunds: Option<Vec<RefundStamp>>,
    /// Present on companies' orders only.
    pub company: Option<IgnoredAny>,
    /// The order's tags.
    #[serde(default)]
    pub tags: Tags,
}

impl OrderBody {
    /// The order's id.
    #[must_use]
    pub const fn order(&self) -> OrderId {
        OrderId(self.id)
    }

    /// The tags of the order and of its customer.
    pub fn all_tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().chain(self.customer.iter().flat_map(|customer| customer.tags.iter()))
    }

    /// Whether it was sold over a counter.
    #[must_use]
    pub fn is_point_of_sale(&self) -> bool {
        self.source_name.as_deref() == Some("pos")
    }

    /// Its money. A word that is not known counts as nothing against asking: the check at the time of the send refuses
    /// what it does not know.
    #[must_use]
    pub fn financial(&self) -> Financial {
        match self.financial_status.as_deref() {
            Some("refunded") => Financial::Refunded,
            Some("voided" | "expired") => Financial::Voided,
            Some("partially_refunded") => Financial::PartiallyRefunded,
            Some(_) | None => Financial::Settled,
        }
    }

    /// The newest shipment that succeeded; there is no `fulfilled_at`.
    #[must_use]
    pub fn newest_fulfillment(&self) -> Option<(UnixMillis, &Fulfillment)> {
        let shipped =
            self.fulfillments.as_deref().unwrap_or_default().iter().filter(|f| f.status.as_deref() == Some("success"));
        shipped.filter_map(|f| Some((f.created_at.as_deref().and_then(moment)?, f))).max_by_key(|(at, _)| *at)
    }

    /// Shopify's id of the place that a shipment left from. The till of a counter sale is where it was handed over;
    /// elsewhere the order's own location means nothing.
    #[must_use]
    pub fn shipped_from(&self, fulfillment: &Fulfillment) -> Option<u64> {
        fulfillment.location_id.or(self.location_id.filter(|_| self.is_point_of_sale()))
    }
}

/// The buyer.
#[derive(Debug, Deserialize)]
pub struct Customer {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Often null even when an address has a number.
    pub phone: Option<String>,
    /// Only its presence matters.
    pub email: Option<String>,
    /// From the customer's address book.
    pub default_address: Option<Address>,
    /// The customer's tags; gone since the API of 2025-01.
    #[serde(default)]
    pub tags: Tags,
}

/// A postal address.
#[derive(Debug, Deserialize)]
pub struct Address {
    /// The recipient.
    pub name: Option<String>,
    /// The recipient's first name.
    pub first_name: Option<String>,
    /// The recipient's last name.
    pub last_name: Option<String>,
    /// Free text, as typed.
    pub phone: Option<String>,
    /// Street; only its presence matters.
    pub address1: Option<String>,
    /// Two capitals.
    pub country_code: Option<String>,
    /// Shopify's code of the state or province.
    pub province_code: Option<String>,
}

/// A shipment.
#[derive(Debug, Deserialize)]
pub struct Fulfillment {
    /// `success` when it counts.
    pub status: Option<String>,
    /// When it was packed and labelled, with the shop's UTC offset.
    pub created_at: Option<String>,
    /// Which of the shop's locations shipped it.
    pub location_id: Option<u64>,
}

/// When a refund inside an order was made.
#[derive(Debug, Deserialize)]
pub struct RefundStamp {
    /// With the shop's UTC offset.
    pub created_at: Option<String>,
}

/// The body of `refunds/create`: no customer and no phone, only the order's id.
#[derive(Debug, Deserialize)]
pub struct RefundBody {
    /// The order it belongs to.
    pub order_id: u64,
    /// When it was made, with the shop's UTC offset.
    pub created_at: Option<String>,
    /// The money that moved.
    pub transactions: Option<Vec<Transaction>>,
    /// The goods that it is about.
    pub refund_line_items: Option<Vec<RefundLine>>,
}

/// One movement of money.
#[derive(Debug, Deserialize)]
pub struct Transaction {
    /// `refund`, or what cancels a payment that was not taken yet: `void`.
    pub kind: Option<String>,
    /// `success`, `pending`, `failure` or `error`.
    pub status: Option<String>,
    /// How much; Shopify writes money as text.
    pub amount: Option<String>,
}

/// Goods of a refund.
#[derive(Debug, Deserialize)]
pub struct RefundLine {
    /// `no_restock`, `return`, or `cancel` for what was never shipped.
    pub restock_type: Option<String>,
    /// What they cost; here Shopify writes a number.
    pub subtotal: Option<f64>,
}

impl RefundBody {
    /// Whether anything was given back: money that moved or is about to, or, where no money is mentioned, shipped goods
    /// that cost something. A body without either (a restock after an edit, a refund that failed) changes nothing here;
    /// the check at the time of the send sees what is left of the order.
    #[must_use]
    pub fn gives_back(&self) -> bool {
        let transactions = self.transactions.as_deref().unwrap_or_default();
        let lines = self.refund_line_items.as_deref().unwrap_or_default();
        transactions.iter().any(Transaction::moves_money)
            || (transactions.is_empty() && lines.iter().any(RefundLine::came_back))
    }
}

impl Transaction {
    fn moves_money(&self) -> bool {
        let counts = matches!(self.status.as_deref(), Some("success" | "pending") | None);
        // An amount that cannot be read is not taken for nothing.
        let some = self.amount.as_deref().is_none_or(|a| a.parse::<f64>().map_or(true, |a| a > 0.0));
        counts && some && matches!(self.kind.as_deref(), Some("refund" | "void"))
    }
}

impl RefundLine {
    fn came_back(&self) -> bool {
        self.restock_type.as_deref() != Some("cancel") && self.subtotal.is_none_or(|s| s > 0.0)
    }
}

/// Reads a verified body.
///
/// # Errors
/// A [`RejectReason`] that names a place in the body but none of its content.
pub fn parse(body: &[u8]) -> Result<ShopifyEvent, RejectReason> {
    // `from_slice` of a struct would also take an array of its fields' values, which no webhook is.
    if body.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        return match serde_json::from_slice::<IgnoredAny>(body) {
            Ok(_) => Err(RejectReason::UnknownShape),
            Err(error) => Err(malformed(&error)),
        };
    }
    let keys: Keys = serde_json::from_slice(body).map_err(|e| malformed(&e))?;
    match keys.shape().ok_or(RejectReason::UnknownShape)? {
        Shape::Refund => read(body).map(ShopifyEvent::Refund),
        Shape::Order => read(body).map(|order| ShopifyEvent::Order(Box::new(order))),
        Shape::FulfillmentEvent => read::<FulfillmentEventBody>(body).map(Into::into),
        Shape::Return => read::<ReturnBody>(body)?.event().ok_or(RejectReason::UnknownShape),
        Shape::MarketingConsent => read::<ConsentBody>(body).map(Into::into),
        Shape::CustomersMerged => Ok(ShopifyEvent::CustomersMerged),
        Shape::Shop => read::<ShopBody>(body).map(Into::into),
        Shape::DataRequest => read::<DataRequestBody>(body).map(|b| ShopifyEvent::Privacy(b.into())),
        Shape::RedactCustomer => read::<RedactCustomerBody>(body).map(|b| ShopifyEvent::Privacy(b.into())),
        Shape::RedactShop => read::<RedactShopBody>(body).map(|b| ShopifyEvent::Privacy(b.into())),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, RejectReason> {
    serde_json::from_slice(body).map_err(|e| malformed(&e))
}

/// serde_json's own message may quote the value that it did not like; only the place is kept.
fn malformed(error: &serde_json::Error) -> RejectReason {
    RejectReason::Malformed { line: error.line(), column: error.column() }
}

#[cfg(test)]
mod tests;
