//! What Shopify knows of us: for whoever looks whether all is set up.

use frontdesk_core::{
    doctor::{
        Looked,
        providers::{ShopifyFacts, ShopifySubscription},
    },
    time::Clock,
};
use serde_json::{Value, json};

use super::Shopify;
use crate::token::{AccessTokens, is_refusal};

/// Asks for the shop, what the app may do, which versions of the API there are, and what the app subscribed through it. Needs no
/// scope.
pub const SETUP_QUERY: &str = "query Setup {
  shop { myshopifyDomain }
  currentAppInstallation { accessScopes { handle } }
  publicApiVersions { handle supported }
  webhookSubscriptions(first: 250) { nodes { topic uri } }
}";

impl<T: AccessTokens, C: Clock> Shopify<T, C> {
    /// What the Admin API says of our credentials and of the app's webhooks. Changes nothing.
    pub async fn setup(&self) -> Looked<ShopifyFacts> {
        let body = match self.ask(&json!({ "query": SETUP_QUERY })).await {
            Ok(body) => body,
            Err(why) => {
                let why = why.to_string();
                return if is_refusal(&why) || why.contains("status 401") || why.contains("access denied") {
                    Looked::Forbidden(why)
                } else {
                    Looked::Unknown(why)
                };
            }
        };
        if let Err(why) = self.refused(&body) {
            return Looked::Unknown(why.to_string());
        }
        match facts(&body, &self.version) {
            Some(facts) => Looked::Seen(facts),
            None => Looked::Unknown("the answer has another shape than asked for".to_owned()),
        }
    }
}

fn facts(body: &Value, version: &str) -> Option<ShopifyFacts> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let list = |place: &str| body.pointer(place).and_then(Value::as_array);
    let versions = list("/data/publicApiVersions")?.iter();
    let mut versions = versions.filter(|known| text(known, "handle").as_deref() == Some(version));
    // A version that is not on the list is one that is no more.
    let supported = Some(versions.next().is_some_and(|known| known.get("supported") == Some(&Value::Bool(true))));
    let scopes = list("/data/currentAppInstallation/accessScopes")?.iter();
    let subscriptions = list("/data/webhookSubscriptions/nodes")?.iter();
    Some(ShopifyFacts {
        shop: body.pointer("/data/shop/myshopifyDomain")?.as_str()?.to_owned(),
        version: (version.to_owned(), supported),
        scopes: scopes.filter_map(|scope| text(scope, "handle")).collect(),
        subscriptions: subscriptions
            .filter_map(|node| Some(ShopifySubscription { topic: text(node, "topic")?, uri: text(node, "uri")? }))
            .collect(),
    })
}
