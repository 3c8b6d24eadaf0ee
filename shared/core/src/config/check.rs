//! Each function's variables read by its own reader, for whoever looks at all functions.

use super::{
    Env, Function, Loaded, Problems, chatwoot_endpoint, chatwoot_worker, contact_form, follow_up, health, notifier,
    podium_endpoint, podium_worker, privacy_worker, review_sender, shopify_endpoint, shopify_worker, timers,
    website_chat, widget_edge,
};

/// Reads a function's settings as it would itself at its start. Returns the names that look like settings and that nothing reads.
///
/// # Errors
/// All that would keep it from starting.
pub fn check(function: Function, env: &impl Env) -> Result<Vec<String>, Problems> {
    fn names<T>(loaded: Loaded<T>) -> Vec<String> {
        loaded.unknown
    }
    match function {
        Function::ShopifyOrders | Function::ShopifyPrivacy => shopify_endpoint(env).map(names),
        Function::ShopifyWorker => shopify_worker(env).map(names),
        Function::ReviewSender => review_sender(env).map(names),
        Function::PodiumWebchat | Function::PodiumSms | Function::PodiumContacts | Function::PodiumReviews => {
            podium_endpoint(env).map(names)
        }
        Function::PodiumWorker => podium_worker(env).map(names),
        Function::PrivacyWorker => privacy_worker(env).map(names),
        Function::Notifier => notifier(env).map(names),
        Function::Chatwoot => chatwoot_endpoint(env).map(names),
        Function::ChatwootWorker => chatwoot_worker(env).map(names),
        Function::Chat => website_chat(env).map(names),
        Function::ContactForm => contact_form(env).map(names),
        Function::WidgetEdge => widget_edge(env).map(names),
        Function::Timers => timers(env).map(names),
        Function::FollowUp => follow_up(env).map(names),
        Function::Health => health(env).map(names),
    }
}
