//! What may have come of an event, by names that its body gives: nothing is searched for.
//!
//! For the operator's tool alone.

use crate::{
    erase,
    ids::{EffectKey, EventId, OrderId, OrderKey, ProviderId, ShopDomain},
    inbox::{InboxKey, Source},
    podium::{self, LocationClaim, Message, What},
    record::Shelf,
    session::SessionKey,
    shopify::{self, ShopifyEvent},
};

/// How the key of a row about an id of a provider's begins.
const TRACKED: &str = "message#";

/// Rows that an event may have led to, some of which there may be.
#[must_use]
pub fn led_to(event: &InboxKey, body: &[u8], shop: Option<&ShopDomain>) -> Vec<(Shelf, String)> {
    match event.source {
        Source::Shopify => order_of(body).zip(shop).map_or_else(Vec::new, |(order, shop)| {
            let key = OrderKey { shop: shop.clone(), order };
            let sends = [EffectKey::review_request(&key), EffectKey::reminder(&key)];
            let sends = sends.map(|send| (Shelf::Outbox, send.as_str().to_owned()));
            [(Shelf::Requests, key.to_key())].into_iter().chain(sends).collect()
        }),
        Source::Podium => of_podium(body),
        Source::Chatwoot => {
            let chat = erase::chat_of(&event.to_key(), body);
            chat.into_iter().map(|chat| (Shelf::Chats, chat.as_str().to_owned())).collect()
        }
        // Whom it made us look for is in what it did.
        Source::Privacy => Vec::new(),
    }
}

/// The machine's confirmation of a session that an event belongs to.
#[must_use]
pub fn confirmation(session: &str) -> (Shelf, String) {
    (Shelf::Outbox, EffectKey::confirmation(session).as_str().to_owned())
}

/// Why the machine's answer to an event cannot be made anew; nothing: it can.
#[must_use]
pub fn not_anew(event: &InboxKey, body: &[u8]) -> Option<&'static str> {
    match event.source {
        Source::Podium => match podium::parse(body).map(|event| event.what) {
            Ok(What::Received(_)) => None,
            Ok(What::Review(_)) => {
                Some("the one thanks for a review is named after the review; write to the customer yourself")
            }
            Ok(
                What::Sent(_)
                | What::Failed { .. }
                | What::Contact(_)
                | What::ReviewResponse { .. }
                | What::InviteLink(_)
                | What::Invitation { .. }
                | What::Other,
            ) => Some("nothing is sent to a customer for it"),
            Err(_) => Some("it cannot be read as an event of Podium's"),
        },
        Source::Shopify => Some(
            "an order has one review request for ever, whatever its events say; if it is known not to have gone out, \
             write to the customer yourself",
        ),
        Source::Chatwoot => {
            Some("its answer is a part of its chat, which goes on meanwhile; answer in the conversation yourself")
        }
        Source::Privacy => Some("nothing is sent to a customer for it"),
    }
}

fn order_of(body: &[u8]) -> Option<OrderId> {
    match shopify::parse(body).ok()? {
        ShopifyEvent::Order(order) => Some(OrderId(order.id)),
        ShopifyEvent::Refund(refund) => Some(OrderId(refund.order_id)),
        ShopifyEvent::FulfillmentEvent { order, .. } | ShopifyEvent::Return { order, .. } => Some(order),
        ShopifyEvent::MarketingConsent { .. }
        | ShopifyEvent::CustomersMerged
        | ShopifyEvent::AppUninstalled { .. }
        | ShopifyEvent::Privacy(_) => None,
    }
}

fn of_podium(body: &[u8]) -> Vec<(Shelf, String)> {
    let Ok(event) = podium::parse(body) else { return Vec::new() };
    let tracked = |id: &ProviderId| (Shelf::Outbox, format!("{TRACKED}{id}"));
    match &event.what {
        What::Received(message) => of_message(&event.id, message),
        What::Sent(message) | What::Failed { message, .. } => message.uid.iter().map(tracked).collect(),
        What::Review(review) => {
            let uid = ProviderId::from(&review.name(&event.id));
            let thanks = EffectKey::thanks(&uid);
            vec![(Shelf::Reviews, uid.as_str().to_owned()), (Shelf::Outbox, thanks.as_str().to_owned())]
        }
        What::ReviewResponse { review } => review.iter().map(|r| (Shelf::Reviews, r.as_str().to_owned())).collect(),
        What::Invitation { invitation, .. } => invitation.iter().map(tracked).collect(),
        What::InviteLink(link) => link.uid.iter().map(tracked).collect(),
        What::Contact(contact) => {
            let snapshots = contact.before.iter().chain(contact.after.iter());
            let phones = snapshots.flat_map(|snapshot| snapshot.phones.iter());
            let mut rows: Vec<_> = phones.map(|phone| (Shelf::Contacts, phone.expose().to_owned())).collect();
            rows.sort_unstable();
            rows.dedup();
            rows
        }
        What::Other => Vec::new(),
    }
}

fn of_message(event: &EventId, message: &Message) -> Vec<(Shelf, String)> {
    let name = message.name(event);
    let mut rows = vec![(Shelf::Outbox, EffectKey::answer(&name).as_str().to_owned())];
    if message.from_widget {
        rows.push((Shelf::Outbox, EffectKey::import(&name).as_str().to_owned()));
    }
    if let Ok(phone) = message.customer(None) {
        rows.push((Shelf::Contacts, phone.expose().to_owned()));
        if let LocationClaim::Named(location) = &message.location {
            let key = SessionKey { phone, location: location.clone() };
            rows.push((Shelf::Sessions, key.to_key()));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(source: Source) -> InboxKey {
        InboxKey { source, event: EventId::try_from("e1").unwrap() }
    }

    const MESSAGE: &[u8] = br#"{"data":{"uid":"m-1","body":"hello","conversation":{"uid":"c-1","channel":{"type":"phone",
        "identifier":"+61491570156"}},"location":{"uid":"loc-1"}},"metadata":{"eventType":"message.received","eventUid":"e1"}}"#;

    #[test]
    fn a_message_leads_to_its_answer_its_person_and_its_session() {
        let rows = led_to(&event(Source::Podium), MESSAGE, None);
        let has = |shelf, key: &str| rows.iter().any(|row| *row == (shelf, key.to_owned()));
        assert!(has(Shelf::Outbox, "answer#m-1"), "{rows:?}");
        assert!(has(Shelf::Contacts, "+61491570156"), "{rows:?}");
        assert!(has(Shelf::Sessions, "+61491570156#loc-1"), "{rows:?}");
        assert_eq!(not_anew(&event(Source::Podium), MESSAGE), None);
    }

    #[test]
    fn an_order_leads_to_its_request_and_never_to_a_second_one() {
        let shop = ShopDomain::try_from("harbour-lane.myshopify.com").unwrap();
        let body = br#"{"id":1,"order_id":820982911946154508,"refund_line_items":[],"transactions":[],"created_at":"2026-11-20T00:00:00Z"}"#;
        let rows = led_to(&event(Source::Shopify), body, Some(&shop));
        assert!(rows.contains(&(Shelf::Requests, "harbour-lane.myshopify.com#820982911946154508".into())), "{rows:?}");
        assert!(led_to(&event(Source::Shopify), body, None).is_empty());
        assert!(not_anew(&event(Source::Shopify), body).is_some());
    }

    #[test]
    fn what_cannot_be_read_leads_nowhere_and_is_not_answered_anew() {
        for source in Source::ALL {
            assert!(led_to(&event(source), b"{", None).is_empty());
            assert!(not_anew(&event(source), b"{").is_some());
        }
    }
}
