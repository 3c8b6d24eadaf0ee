//! How each provider is reached, by itself: whoever looks whether all is set up has to reach one although the settings of another
//! are wrong.

use super::{
    ChatwootApiConfig, Env, HttpConfig, Loaded, PodiumConfig, Problems, ShopifyApiConfig, chat, http, podium,
    podium_api,
    reader::{Reader, read},
    shop, shopify_api,
};
use crate::{flow::locations::LocationRules, ids::ShopDomain};

/// How Podium is reached.
#[derive(Clone, Debug)]
pub struct PodiumReach {
    /// Podium.
    pub podium: PodiumConfig,
    /// How anybody is asked.
    pub http: HttpConfig,
    /// When its list of locations is loaded.
    pub locations: LocationRules,
}

/// How Shopify is reached.
#[derive(Clone, Debug)]
pub struct ShopifyReach {
    /// The shop.
    pub shop: ShopDomain,
    /// Its Admin API.
    pub shopify: ShopifyApiConfig,
    /// How anybody is asked.
    pub http: HttpConfig,
}

/// How Chatwoot is reached.
#[derive(Clone, Debug)]
pub struct ChatwootReach {
    /// Chatwoot.
    pub chatwoot: ChatwootApiConfig,
    /// How anybody is asked.
    pub http: HttpConfig,
}

/// Reads how Podium is reached.
///
/// # Errors
/// All problems at once.
pub fn podium_reach(env: &impl Env) -> Result<Loaded<PodiumReach>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(PodiumReach {
        podium: podium_api(&mut r),
        http: http(&mut r),
        locations: podium::location_rules(&mut r)
    });
    r.finish(config)
}

/// Reads how Shopify is reached.
///
/// # Errors
/// All problems at once.
pub fn shopify_reach(env: &impl Env) -> Result<Loaded<ShopifyReach>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(ShopifyReach { shop: shop(&mut r), shopify: shopify_api(&mut r), http: http(&mut r) });
    r.finish(config)
}

/// Reads how Chatwoot is reached.
///
/// # Errors
/// All problems at once.
pub fn chatwoot_reach(env: &impl Env) -> Result<Loaded<ChatwootReach>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(ChatwootReach { chatwoot: chat::chatwoot_api(&mut r), http: http(&mut r) });
    r.finish(config)
}
