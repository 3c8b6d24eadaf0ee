//! `POST /shopify/*`: a webhook is verified, kept once and answered; the worker does the rest.

use frontdesk_aws::lambda::webhook::Webhook;
use frontdesk_core::flow::ingest::ShopifyEndpoint;

/// The function with everything that it needs.
pub type ShopifyOrders<S, Q, V, C, I, T> = Webhook<ShopifyEndpoint, S, Q, V, C, I, T>;
