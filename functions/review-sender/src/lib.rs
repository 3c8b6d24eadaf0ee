//! Works off the delay queue: passes the gate once more, reads the order again, and sends one review request.

use std::time::Duration;

use frontdesk_aws::lambda::{
    Invocation,
    queue::{self, QueueAnswer, QueueEvent, Unnamed},
};
use frontdesk_core::{
    contact::Contacts,
    directory::Installation,
    flow::send::{Sender, SenderRules},
    ids::{Ids, OrderKey},
    notice::Notices,
    outbox::Outbox,
    provider::{Limits, Orders, Reviews},
    request::Requests,
    review::ReviewPolicy,
    telemetry::Telemetry,
    time::Clock,
};

/// No request is begun later than this before the end: two providers are called, each perhaps for a token first.
const MARGIN: Duration = Duration::from_secs(20);

/// The function with everything that it needs.
#[derive(Debug)]
pub struct ReviewSender<S, O, R, C, I, T> {
    /// The tables.
    pub store: S,
    /// Shopify.
    pub orders: O,
    /// Podium.
    pub reviews: R,
    /// Time.
    pub clock: C,
    /// Lease owners.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// The merchant's rules.
    pub policy: ReviewPolicy,
    /// Limits.
    pub rules: SenderRules,
}

impl<S, O, R, C, I, T> ReviewSender<S, O, R, C, I, T>
where
    S: Requests + Contacts + Outbox + Limits + Notices + Installation,
    O: Orders,
    R: Reviews,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on a batch of keys and names those that must come again.
    ///
    /// # Errors
    /// When the whole batch must come again.
    pub async fn handle(&self, batch: Invocation<QueueEvent>) -> Result<QueueAnswer, Unnamed> {
        let sender = Sender {
            store: &self.store,
            orders: &self.orders,
            reviews: &self.reviews,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.telemetry,
            policy: &self.policy,
            rules: self.rules,
        };
        let handle = async |key: OrderKey| sender.handle(&key).await;
        queue::work(batch, MARGIN, &self.clock, &self.telemetry, OrderKey::parse, handle).await
    }
}
