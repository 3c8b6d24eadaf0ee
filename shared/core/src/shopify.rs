//! Shopify's webhooks: from signed bytes to what they mean for a review request.
//!
//! No header of a Shopify webhook is signed, the topic included, and all `orders/*` topics share one shape. So the body
//! alone decides: what shape it has, whether it is fulfilled, cancelled or refunded.

mod body;
mod consent;
mod decide;
mod news;
mod phone_choice;
mod privacy;
#[cfg(test)]
pub(crate) mod samples;
mod shape;
mod tags;

pub use body::{
    Address, Customer, Fulfillment, OrderBody, RefundBody, RefundLine, ShopifyEvent, Transaction, is_other_shop,
    is_privacy, parse,
};
pub use consent::opt_outs;
pub use decide::{Decision, decide, is_served};
pub use news::{ConsentState, ParcelStatus, ReturnStatus};
pub use phone_choice::{NoUsablePhone, choose_phone};
pub use privacy::{AskedBy, PrivacyDemand, PrivacyEvent, PrivacyPerson, redact_customer};
pub use tags::Tags;
