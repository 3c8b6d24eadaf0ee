//! The targets, one module each.

pub(crate) mod body_codec;
pub(crate) mod chatwoot_payload;
pub(crate) mod phone;
pub(crate) mod podium_payload;
pub(crate) mod shopify_payload;
pub(crate) mod signature_headers;
pub(crate) mod sqs_envelope;
pub(crate) mod website;
