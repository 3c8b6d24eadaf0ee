//! What Shopify demands about a person's data: to be shown it, or to have it erased.
//!
//! Nothing here decides what is done. A body is read as a demand to erase only where it says so by name; nobody's data
//! is erased on a guess.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{OrderId, ShopDomain};

/// A demand about personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivacyEvent {
    /// The shop's `*.myshopify.com` domain, as the signed body names it.
    pub shop_domain: Option<String>,
    /// What is demanded.
    pub demand: PrivacyDemand,
    /// Who at the shop asked for it, and why; `None` where Shopify did.
    pub asked_by: Option<AskedBy>,
}

/// Somebody at the shop who asks for an erasure.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedBy {
    /// Who.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
}

impl fmt::Debug for AskedBy {
    /// Without the words, which may name somebody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AskedBy({:?})", self.by)
    }
}

/// A demand to erase somebody that a person at the shop makes, in Shopify's form.
#[must_use]
pub fn redact_customer(shop: &ShopDomain, person: &PrivacyPerson, orders: &[OrderId], asked_by: &AskedBy) -> String {
    let orders: Vec<u64> = orders.iter().map(|order| order.0).collect();
    let PrivacyPerson { customer_id, email, phone } = person;
    let body = serde_json::json!({
        "shop_domain": shop.as_str(),
        "customer": { "id": customer_id, "email": email, "phone": phone },
        "orders_to_redact": orders,
        "asked_by": asked_by,
    });
    body.to_string()
}

/// What is demanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivacyDemand {
    /// `customers/data_request`: somebody wants to know what is held about them; the shop has to be told.
    DataRequest {
        /// Shopify's number of the demand.
        request_id: Option<u64>,
        /// Who.
        person: PrivacyPerson,
    },
    /// `customers/redact`: a person's data is to be erased.
    RedactCustomer {
        /// Whose.
        person: PrivacyPerson,
        /// The orders of theirs that are to be erased.
        orders: Vec<OrderId>,
    },
    /// `shop/redact`, 48 hours after the app was uninstalled: all of the shop's data is to be erased.
    RedactShop {},
}

/// Whom a demand is about. Any of the three may be missing.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
pub struct PrivacyPerson {
    /// Shopify's number of the customer.
    #[serde(rename = "id")]
    pub customer_id: Option<u64>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The phone as written; usually, but not surely, E.164.
    pub phone: Option<String>,
}

impl fmt::Debug for PrivacyPerson {
    /// Which of the three are there, not what they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { customer_id, email, phone } = self;
        let there = [("customer_id", customer_id.is_some()), ("email", email.is_some()), ("phone", phone.is_some())];
        let names: Vec<_> = there.into_iter().filter_map(|(name, there)| there.then_some(name)).collect();
        write!(f, "PrivacyPerson(has {})", if names.is_empty() { "nothing".to_owned() } else { names.join(", ") })
    }
}

#[derive(Deserialize)]
pub(super) struct DataRequestBody {
    shop_domain: Option<String>,
    customer: PrivacyPerson,
    data_request: Option<Numbered>,
}

#[derive(Deserialize)]
struct Numbered {
    id: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct RedactCustomerBody {
    shop_domain: Option<String>,
    customer: PrivacyPerson,
    orders_to_redact: Vec<u64>,
    asked_by: Option<AskedBy>,
}

#[derive(Deserialize)]
pub(super) struct RedactShopBody {
    /// Checked to be a number, and not used.
    #[serde(rename = "shop_id")]
    _shop_id: u64,
    shop_domain: String,
}

impl From<DataRequestBody> for PrivacyEvent {
    fn from(body: DataRequestBody) -> Self {
        let DataRequestBody { shop_domain, customer: person, data_request } = body;
        let request_id = data_request.and_then(|request| request.id);
        Self { shop_domain, demand: PrivacyDemand::DataRequest { request_id, person }, asked_by: None }
    }
}

impl From<RedactCustomerBody> for PrivacyEvent {
    fn from(body: RedactCustomerBody) -> Self {
        let RedactCustomerBody { shop_domain, customer: person, orders_to_redact, asked_by } = body;
        let orders = orders_to_redact.into_iter().map(OrderId).collect();
        Self { shop_domain, demand: PrivacyDemand::RedactCustomer { person, orders }, asked_by }
    }
}

impl From<RedactShopBody> for PrivacyEvent {
    fn from(body: RedactShopBody) -> Self {
        Self { shop_domain: Some(body.shop_domain), demand: PrivacyDemand::RedactShop {}, asked_by: None }
    }
}
