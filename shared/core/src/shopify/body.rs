//! The parts of Shopify's bodies that are used, read strictly where a wrong reading could text somebody.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::{ids::OrderId, inbox::RejectReason};

/// A verified body, told apart by its shape.
#[derive(Debug)]
pub enum ShopifyEvent {
    /// Any `orders/*` topic.
    Order(Box<OrderBody>),
    /// `refunds/create`.
    Refund(RefundBody),
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
}

impl OrderBody {
    /// The order's id.
    #[must_use]
    pub const fn order(&self) -> OrderId {
        OrderId(self.id)
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

/// What tells the shapes apart.
#[derive(Deserialize)]
struct Shape {
    order_id: Option<IgnoredAny>,
    refund_line_items: Option<IgnoredAny>,
    transactions: Option<IgnoredAny>,
    financial_status: Option<IgnoredAny>,
    fulfillment_status: Option<IgnoredAny>,
    line_items: Option<IgnoredAny>,
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
    let shape: Shape = serde_json::from_slice(body).map_err(|e| malformed(&e))?;
    if shape.order_id.is_some() && (shape.refund_line_items.is_some() || shape.transactions.is_some()) {
        return serde_json::from_slice(body).map(ShopifyEvent::Refund).map_err(|e| malformed(&e));
    }
    if shape.financial_status.is_some() || shape.fulfillment_status.is_some() || shape.line_items.is_some() {
        return serde_json::from_slice(body).map(|o| ShopifyEvent::Order(Box::new(o))).map_err(|e| malformed(&e));
    }
    Err(RejectReason::UnknownShape)
}

/// serde_json's own message may quote the value that it did not like; only the place is kept.
fn malformed(error: &serde_json::Error) -> RejectReason {
    RejectReason::Malformed { line: error.line(), column: error.column() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_told_apart_without_the_topic() {
        assert!(matches!(parse(br#"{"id":1,"order_id":2,"transactions":[]}"#), Ok(ShopifyEvent::Refund(_))));
        assert!(matches!(parse(br#" {"id":1,"financial_status":"paid"}"#), Ok(ShopifyEvent::Order(_))));
        for unknown in ["{}", "[]", "null", "1", "\"a\"", r#"{"shop_id":1}"#, r#"[1,null]"#] {
            assert_eq!(parse(unknown.as_bytes()).unwrap_err(), RejectReason::UnknownShape, "{unknown}");
        }
    }

    #[test]
    fn ids_beyond_two_to_the_53_stay_exact() {
        let body = br#"{"id":820982911946154508,"line_items":[]}"#;
        let Ok(ShopifyEvent::Order(order)) = parse(body) else { panic!("not an order") };
        assert_eq!(order.id, 820_982_911_946_154_508);
    }

    #[test]
    fn wrong_types_are_rejected_and_never_quoted() {
        for bad in [
            r#"{"id":"+61491570156","line_items":[]}"#,
            r#"{"id":1.5,"line_items":[]}"#,
            r#"{"id":-1,"line_items":[]}"#,
            r#"{"id":1e30,"line_items":[]}"#,
            r#"{"line_items":[]}"#,
            r#"{"id":1,"line_items":[],"cancelled_at":5}"#,
            r#"{"id":1,"line_items":[],"test":"yes"}"#,
            r#"{"id":1,"line_items":[],"phone":["+61491570156"]}"#,
            "{\"id\":1,",
            "\u{feff}{}",
            "",
        ] {
            let reason = parse(bad.as_bytes()).unwrap_err();
            assert!(matches!(reason, RejectReason::Malformed { .. }), "{bad}");
            assert!(!reason.describe().contains("491570156"));
        }
        let deep = format!("{{\"id\":1,\"line_items\":{}", "[".repeat(100_000));
        assert!(parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_refund_that_gives_nothing_back_changes_nothing() {
        let gives = |body: &str| match parse(body.as_bytes()) {
            Ok(ShopifyEvent::Refund(refund)) => refund.gives_back(),
            other => panic!("{other:?}"),
        };
        assert!(gives(r#"{"order_id":1,"transactions":[{"kind":"refund","status":"success"}]}"#));
        assert!(gives(r#"{"order_id":1,"transactions":[],"refund_line_items":[{}]}"#));
        assert!(!gives(
            r#"{"order_id":1,"transactions":[{"kind":"refund","status":"failure"}],"refund_line_items":[{}]}"#
        ));
        assert!(!gives(r#"{"order_id":1,"transactions":[],"refund_line_items":[]}"#));
        assert!(!gives(
            r#"{"order_id":1,"transactions":[],"refund_line_items":[{"restock_type":"cancel","subtotal":64.0}]}"#
        ));
        assert!(!gives(r#"{"order_id":1,"transactions":[{"kind":"refund","status":"success","amount":"0.00"}]}"#));
        assert!(gives(r#"{"order_id":1,"transactions":[{"kind":"refund","status":"pending","amount":"29.00"}]}"#));
    }
}
