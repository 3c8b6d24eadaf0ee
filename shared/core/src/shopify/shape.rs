//! Which of Shopify's bodies this is, by the names that it holds.
//!
//! The topic header is not signed, so it cannot say. Every rule below looks at names and at whether they hold anything,
//! never at what; only a body that fits a single rule is read as that rule's event.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// The shapes that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Any `orders/*` topic.
    Order,
    /// `refunds/create`.
    Refund,
    /// `fulfillment_events/create`.
    FulfillmentEvent,
    /// Any `returns/*` topic.
    Return,
    /// `customers_marketing_consent/update`.
    MarketingConsent,
    /// `customers/merge`.
    CustomersMerged,
    /// The shop itself: `app/uninstalled`.
    Shop,
    /// `customers/data_request`.
    DataRequest,
    /// `customers/redact`.
    RedactCustomer,
    /// `shop/redact`.
    RedactShop,
}

/// The names at the top of a body that tell shapes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Id,
    AdminGraphqlApiId,
    AdminGraphqlApiCustomerKeptId,
    AdminGraphqlApiCustomerDeletedId,
    Order,
    OrderId,
    Status,
    RefundLineItems,
    Transactions,
    FinancialStatus,
    FulfillmentStatus,
    LineItems,
    FulfillmentId,
    HappenedAt,
    Kind,
    Gateway,
    Amount,
    Phone,
    SmsMarketingConsent,
    MyshopifyDomain,
    Domain,
    PlanName,
    ShopOwner,
    ShopId,
    ShopDomain,
    Customer,
    OrdersRequested,
    DataRequest,
    OrdersToRedact,
    #[serde(other)]
    Other,
}

/// What a body holds at its top.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The names, whatever they hold.
    named: BTreeSet<Key>,
    /// The names that hold something other than null.
    held: BTreeSet<Key>,
    /// What `admin_graphql_api_id` says that this is, such as `Return`; empty when it says nothing that can be read.
    resource: Option<String>,
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Top;

        impl<'de> Visitor<'de> for Top {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Keys::default();
                while let Some(key) = map.next_key::<Key>()? {
                    // Of two values under one name another reader may take the other one.
                    if !keys.named.insert(key) && key != Key::Other {
                        return Err(A::Error::custom("a name stands twice"));
                    }
                    let held = if key == Key::AdminGraphqlApiId {
                        let gid = map.next_value::<Option<serde_json::Value>>()?;
                        keys.resource = gid.as_ref().map(|gid| resource_of(gid).unwrap_or_default().to_owned());
                        gid.is_some()
                    } else {
                        map.next_value::<Option<IgnoredAny>>()?.is_some()
                    };
                    if held {
                        keys.held.insert(key);
                    }
                }
                Ok(keys)
            }
        }

        deserializer.deserialize_map(Top)
    }
}

/// `Return` of `gid://shopify/Return/123`.
fn resource_of(gid: &serde_json::Value) -> Option<&str> {
    gid.as_str()?.strip_prefix("gid://shopify/")?.split('/').next()
}

/// A shape and what makes a body one of it.
type Rule = (Shape, fn(&Keys) -> bool);

/// The shapes that came after orders and refunds, each with its rule.
const RULES: [Rule; 8] = [
    (Shape::FulfillmentEvent, Keys::is_fulfillment_event),
    (Shape::Return, Keys::is_return),
    (Shape::MarketingConsent, Keys::is_marketing_consent),
    (Shape::CustomersMerged, Keys::is_customers_merged),
    (Shape::Shop, Keys::is_shop),
    (Shape::DataRequest, Keys::is_data_request),
    (Shape::RedactCustomer, Keys::is_redact_customer),
    (Shape::RedactShop, Keys::is_redact_shop),
];

impl Keys {
    /// The one shape that fits. A body that fits two of the newer ones is read as neither: the two would do different
    /// things, and one of them may erase.
    pub(super) fn shape(&self) -> Option<Shape> {
        if self.is_refund() {
            return Some(Shape::Refund);
        }
        if self.is_order() {
            return Some(Shape::Order);
        }
        let mut fitting = RULES.into_iter().filter(|(_, fits)| fits(self)).map(|(shape, _)| shape);
        let shape = fitting.next();
        if fitting.next().is_some() { None } else { shape }
    }

    fn holds(&self, key: Key) -> bool {
        self.held.contains(&key)
    }

    fn holds_all(&self, keys: &[Key]) -> bool {
        keys.iter().all(|key| self.held.contains(key))
    }

    fn holds_any(&self, keys: &[Key]) -> bool {
        keys.iter().any(|key| self.held.contains(key))
    }

    fn is_refund(&self) -> bool {
        self.holds(Key::OrderId) && self.holds_any(&[Key::RefundLineItems, Key::Transactions])
    }

    fn is_order(&self) -> bool {
        self.holds_any(&[Key::FinancialStatus, Key::FulfillmentStatus, Key::LineItems])
    }

    fn is_fulfillment_event(&self) -> bool {
        self.holds_all(&[Key::FulfillmentId, Key::OrderId, Key::Status])
    }

    /// Much that belongs to an order is written as `{id, order_id, status}`: payments and disputes (which have an amount),
    /// what happens to a shipment. Where Shopify says what it is, that decides.
    fn is_return(&self) -> bool {
        let others = [Key::FulfillmentId, Key::HappenedAt, Key::Kind, Key::Gateway, Key::Amount];
        self.holds_all(&[Key::Id, Key::Status])
            && self.holds_any(&[Key::Order, Key::OrderId])
            && self.resource.as_deref().is_none_or(|resource| resource == "Return")
            && !others.iter().any(|key| self.named.contains(key))
    }

    /// Both of these may be null: a customer without a number, a number that was never asked about.
    fn is_marketing_consent(&self) -> bool {
        self.holds(Key::Id) && self.named.contains(&Key::Phone) && self.named.contains(&Key::SmsMarketingConsent)
    }

    fn is_customers_merged(&self) -> bool {
        self.holds_all(&[Key::AdminGraphqlApiCustomerKeptId, Key::AdminGraphqlApiCustomerDeletedId])
    }

    fn is_shop(&self) -> bool {
        self.holds_all(&[Key::Id, Key::MyshopifyDomain])
            && self.holds_any(&[Key::Domain, Key::PlanName, Key::ShopOwner])
            && !self.holds_any(&[Key::Order, Key::OrderId])
    }

    fn is_about_a_customer(&self) -> bool {
        self.holds_any(&[Key::ShopId, Key::ShopDomain]) && self.holds(Key::Customer)
    }

    fn is_data_request(&self) -> bool {
        self.is_about_a_customer()
            && self.holds_any(&[Key::OrdersRequested, Key::DataRequest])
            && !self.named.contains(&Key::OrdersToRedact)
    }

    fn is_redact_customer(&self) -> bool {
        self.is_about_a_customer()
            && self.holds(Key::OrdersToRedact)
            && !self.named.contains(&Key::OrdersRequested)
            && !self.named.contains(&Key::DataRequest)
    }

    /// Everything of a shop is to be erased: this must be the whole of what the body says. A null customer is one that
    /// could not be named, not a shop.
    fn is_redact_shop(&self) -> bool {
        self.holds_all(&[Key::ShopId, Key::ShopDomain]) && self.named.len() == 2
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{self, BODIES};
    use super::*;

    fn keys(body: &serde_json::Value) -> Keys {
        serde_json::from_value(body.clone()).unwrap()
    }

    fn fitting(keys: &Keys) -> Vec<Shape> {
        let old: [Rule; 2] = [(Shape::Order, Keys::is_order), (Shape::Refund, Keys::is_refund)];
        old.into_iter().chain(RULES).filter(|(_, fits)| fits(keys)).map(|(shape, _)| shape).collect()
    }

    #[test]
    fn every_known_body_fits_one_rule_only() {
        for (name, body) in BODIES {
            let keys: Keys = serde_json::from_str(body).unwrap();
            let shape = keys.shape().unwrap_or_else(|| panic!("{name} has no shape"));
            assert_eq!(fitting(&keys), [shape], "{name}");
            assert_eq!(samples::shape_named(name), format!("{shape:?}"), "{name}");
        }
    }

    #[test]
    fn a_body_that_lost_a_name_is_the_same_or_nothing() {
        for (name, body) in BODIES {
            let whole: serde_json::Value = serde_json::from_str(body).unwrap();
            let shape = keys(&whole).shape();
            for lost in whole.as_object().unwrap().keys() {
                for null in [false, true] {
                    let mut rest = whole.clone();
                    if null {
                        rest[lost] = serde_json::Value::Null;
                    } else {
                        rest.as_object_mut().unwrap().remove(lost);
                    }
                    let left = keys(&rest).shape();
                    assert!(left.is_none() || left == shape, "{name} without {lost} is taken for {left:?}");
                }
            }
        }
    }

    #[test]
    fn other_things_of_an_order_are_not_returns() {
        for other in [
            r#"{"id":1,"order_id":2,"status":"success","kind":"sale","gateway":"bogus","amount":"1.00"}"#,
            r#"{"id":1,"order_id":2,"status":"needs_response","type":"chargeback","amount":"11.50"}"#,
            r#"{"id":1,"order_id":2,"status":"open","admin_graphql_api_id":"gid://shopify/FulfillmentOrder/1"}"#,
            r#"{"id":1,"order_id":2,"status":"open","admin_graphql_api_id":7}"#,
            r#"{"id":1,"order_id":2,"status":"delivered","happened_at":"2026-11-11T14:20:00+11:00"}"#,
        ] {
            assert_eq!(serde_json::from_str::<Keys>(other).unwrap().shape(), None, "{other}");
        }
    }

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        for twice in [
            r#"{"shop_id":1,"shop_domain":"a","shop_domain":"b"}"#,
            r#"{"id":1,"id":2,"line_items":[]}"#,
            r#"{"id":1,"admin_graphql_api_id":"gid://shopify/Return/1","admin_graphql_api_id":"gid://shopify/Return/1"}"#,
        ] {
            assert!(serde_json::from_str::<Keys>(twice).is_err(), "{twice}");
        }
        assert!(serde_json::from_str::<Keys>(r#"{"note":1,"note":2,"line_items":[]}"#).is_ok());
    }

    fn two_bodies() -> impl Strategy<Value = (usize, usize)> {
        (0..BODIES.len(), 0..BODIES.len())
    }

    proptest! {
        #[test]
        fn no_mixture_is_taken_for_two(
            (one, two) in two_bodies(),
            keep in prop::collection::vec(any::<bool>(), 200),
        ) {
            let parts = [BODIES[one].1, BODIES[two].1]
                .map(|body| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(body).unwrap());
            let all = parts.into_iter().flatten().zip(keep).filter(|(_, keep)| *keep).map(|(pair, _)| pair);
            let mixed = serde_json::Value::Object(all.collect());
            let keys = keys(&mixed);
            let fitting = fitting(&keys);
            let shape = keys.shape();
            match fitting.as_slice() {
                [] => prop_assert_eq!(shape, None),
                [only] => prop_assert_eq!(shape, Some(*only)),
                // As ever: a refund that mentions an order's money is a refund, and an order is an order.
                several if several.contains(&Shape::Refund) => prop_assert_eq!(shape, Some(Shape::Refund)),
                several if several.contains(&Shape::Order) => prop_assert_eq!(shape, Some(Shape::Order)),
                _ => prop_assert_eq!(shape, None),
            }
            // What erases or stops is never read out of a mixture that mentions an order's affairs.
            if keys.is_redact_shop() {
                prop_assert_eq!(mixed.as_object().unwrap().len(), 2);
            }
        }
    }
}
