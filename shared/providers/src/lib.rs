//! Podium, Shopify, Chatwoot, models and shops over HTTP, and the channels to the shop's own people, behind the ports of `frontdesk-core`.
//!
//! What these clients owe their callers is less the calls than the meaning of what comes back. For everything that a
//! customer would notice, one question decides: is it certain that the call did not happen? Only then may it be made
//! again. [`http`] answers it for the wire, [`podium`] for the statuses.
//!
//! Nothing is logged here, and no error holds a credential, a phone number or a body.

pub mod agent;
pub mod attachments;
pub mod chatwoot;
pub mod glance;
pub mod http;
pub mod media;
pub mod notify;
pub mod podium;
pub mod shopify;
pub mod speech;
pub mod token;
pub mod woocommerce;

mod hosts;
mod json;
mod kept;
mod model;

use thiserror::Error;

pub use agent::{Anthropic, AnyAgent, Compatible, NoOther, OpenAi};
pub use attachments::AttachmentHosts;
pub use chatwoot::{Chatwoot, ChatwootTokens};
pub use glance::Glance;
pub use http::{BaseUrl, Http};
pub use media::MediaHosts;
pub use notify::{NoTopic, Notifier, NotifyConfig, Topic};
pub use podium::{Podium, grant::PodiumGrant};
pub use shopify::{Shopify, grant::ShopifyGrant};
pub use speech::Speech;
pub use token::{AccessTokens, CredentialVault, VaultError};
pub use woocommerce::{AnyCatalogue, WooCommerce};

/// A client cannot be built from its settings. Found at start, so that it stops the function there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{setting} {problem}")]
pub struct SetupError {
    /// Which setting.
    pub setting: &'static str,
    /// What is wrong with it. Does not repeat the value, which may hold a credential.
    pub problem: String,
}

impl SetupError {
    fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self { setting, problem: problem.into() }
    }
}
