//! Shopify's webhooks: from signed bytes to what they mean for a review request.
//!
//! No header of a Shopify webhook is signed, the topic included, and all `orders/*` topics share one shape. So the body
//! alone decides: what shape it has, whether it is fulfilled, cancelled or refunded.

mod body;
mod decide;
mod phone_choice;

pub use body::{Address, Customer, Fulfillment, OrderBody, RefundBody, RefundLine, ShopifyEvent, Transaction, parse};
pub use decide::{Decision, decide, is_served};
pub use phone_choice::{NoUsablePhone, choose_phone};
