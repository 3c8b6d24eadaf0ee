//! Shopify's orders by the time of their last change: what its webhooks should have told.
//!
//! An order of the list is written as its webhook would have written it, as far as anybody reads it. What stands nowhere in
//! the list is missing in it, and a field that Shopify withholds is null, as in the webhook.

use frontdesk_core::{
    ids::{EventId, short_hash},
    provider::{Backlog, CallFailure, Feed, Listed, Recovered},
    time::{Clock, UnixMillis},
};
use serde_json::{Map, Value, json};

use super::{Shopify, is, unavailable};
use crate::{json, token::AccessTokens};

/// The list. Needs the scopes `read_orders`, `read_customers` and `read_locations`: without the last nobody knows from
/// where an order was shipped, and a wrong location would write to the customer. Orders older than 60 days are shown to
/// apps with `read_all_orders` only.
///
/// Variables: `first`, `cursor` and `query`.
pub const ORDERS_QUERY: &str = "query OrdersChanged($first: Int!, $cursor: String, $query: String!) {
  orders(first: $first, after: $cursor, sortKey: UPDATED_AT, query: $query) {
    nodes {
      id
      createdAt
      updatedAt
      cancelledAt
      test
      email
      phone
      sourceName
      tags
      displayFinancialStatus
      displayFulfillmentStatus
      retailLocation { id }
      purchasingEntity { __typename }
      customer {
        id
        firstName
        lastName
        defaultEmailAddress { emailAddress }
        defaultPhoneNumber { phoneNumber }
        defaultAddress { ...Place }
      }
      billingAddress { ...Place }
      shippingAddress { ...Place }
      fulfillments(first: 20) { status createdAt location { id } }
      refunds(first: 20) { createdAt }
    }
    pageInfo { hasNextPage endCursor }
  }
}
fragment Place on MailingAddress { name firstName lastName phone address1 countryCodeV2 provinceCode }";

const TOPIC: &str = "orders/updated";
/// So many orders at once. A query may cost 1000 points, and what this one costs is for Shopify to say: if it is too much,
/// fewer are asked for.
const PAGES: [u32; 2] = [50, 10];

impl<T: AccessTokens, C: Clock> Backlog for Shopify<T, C> {
    async fn list(
        &self,
        feed: Feed,
        from: UnixMillis,
        to: UnixMillis,
        cursor: Option<&str>,
    ) -> Result<Listed, CallFailure> {
        match feed {
            Feed::ShopifyOrders => {}
            Feed::PodiumReviews | Feed::PodiumMessages => return Ok(Listed::default()),
        }
        let body = self.orders(&changed_within(from, to), cursor).await?;
        let (Some(nodes), Some(page)) = (
            body.pointer("/data/orders/nodes").and_then(Value::as_array),
            body.pointer("/data/orders/pageInfo").filter(|page| page.is_object()),
        ) else {
            return Err(unavailable("the answer is no list of orders").into());
        };
        let found: Option<Vec<Recovered>> = nodes.iter().map(recovered).collect();
        let found = found.ok_or_else(|| unavailable("an order in the list has another shape than asked for"))?;
        let next = match page.get("hasNextPage") {
            Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => match page.get("endCursor").and_then(Value::as_str) {
                Some(end) if Some(end) != cursor => Some(end.to_owned()),
                Some(_) | None => return Err(unavailable("the list goes on, and does not say where").into()),
            },
            _ => return Err(unavailable("the list does not say whether it goes on").into()),
        };
        Ok(Listed { found, next })
    }
}

impl<T: AccessTokens, C: Clock> Shopify<T, C> {
    async fn orders(&self, query: &str, cursor: Option<&str>) -> Result<Value, CallFailure> {
        let mut sizes = PAGES.into_iter().peekable();
        while let Some(first) = sizes.next() {
            let variables = json!({ "first": first, "cursor": cursor, "query": query });
            let body = self.ask(&json!({ "query": ORDERS_QUERY, "variables": variables })).await?;
            let too_dear = json::items(&body, "errors").any(|error| is(error, "MAX_COST_EXCEEDED"));
            if !too_dear || sizes.peek().is_none() {
                self.refused(&body)?;
                return Ok(body);
            }
        }
        Err(unavailable("the list costs too much").into())
    }
}

/// Shopify shows and compares whole seconds, so both ends are rounded outwards.
fn changed_within(from: UnixMillis, to: UnixMillis) -> String {
    let end = UnixMillis::new(to.as_secs_ceil().saturating_mul(1000));
    let (from, to) = (json::iso(json::whole_second(from)), json::iso(end));
    format!("updated_at:>='{from}' updated_at:<='{to}'")
}

fn recovered(node: &Value) -> Option<Recovered> {
    let id = number(node.get("id"))?;
    let updated = node.get("updatedAt").and_then(Value::as_str)?;
    let updated = json::time(node.get("updatedAt")).map_or_else(|| updated.to_owned(), |at| at.get().to_string());
    let body = order(node, id);
    let id = EventId::try_from(format!("reconcile-{}", short_hash(&format!("{id}~{updated}"))).as_str()).ok()?;
    Some(Recovered { id, topic: TOPIC.to_owned(), body: body.to_string().into_bytes() })
}

/// The order as a webhook's body.
fn order(node: &Value, id: u64) -> Value {
    let same = |name: &str| node.get(name).cloned().unwrap_or_default();
    let tags: Vec<&str> = json::items(node, "tags").filter_map(Value::as_str).collect();
    let mut order = json!({
        "id": id,
        "admin_graphql_api_id": same("id"),
        "created_at": same("createdAt"),
        "updated_at": same("updatedAt"),
        "cancelled_at": same("cancelledAt"),
        "test": same("test"),
        "email": same("email"),
        "contact_email": same("email"),
        "phone": same("phone"),
        "source_name": same("sourceName"),
        "tags": tags.join(", "),
        "financial_status": lower(node.get("displayFinancialStatus")),
        "fulfillment_status": fulfillment_status(node.get("displayFulfillmentStatus")),
        "location_id": number(node.pointer("/retailLocation/id")),
        "customer": customer(node.get("customer")),
        "billing_address": address(node.get("billingAddress")),
        "shipping_address": address(node.get("shippingAddress")),
        "fulfillments": json::items(node, "fulfillments").map(fulfillment).collect::<Vec<_>>(),
        "refunds": json::items(node, "refunds").map(|refund| json!({ "created_at": refund.get("createdAt") })).collect::<Vec<_>>(),
        // By them, too, a body is known for an order's. What was bought is nobody's business here.
        "line_items": [],
    });
    // On no other order it is there at all.
    if let (Some(fields), Some("PurchasingCompany")) =
        (order.as_object_mut(), node.pointer("/purchasingEntity/__typename").and_then(Value::as_str))
    {
        fields.insert("company".into(), Value::Object(Map::new()));
    }
    order
}

fn customer(customer: Option<&Value>) -> Value {
    let Some(customer) = customer.filter(|customer| customer.is_object()) else { return Value::Null };
    json!({
        "id": number(customer.get("id")),
        "first_name": customer.get("firstName"),
        "last_name": customer.get("lastName"),
        "email": customer.pointer("/defaultEmailAddress/emailAddress"),
        "phone": customer.pointer("/defaultPhoneNumber/phoneNumber"),
        "default_address": address(customer.get("defaultAddress")),
    })
}

fn address(address: Option<&Value>) -> Value {
    let Some(address) = address.filter(|address| address.is_object()) else { return Value::Null };
    json!({
        "name": address.get("name"),
        "first_name": address.get("firstName"),
        "last_name": address.get("lastName"),
        "phone": address.get("phone"),
        "address1": address.get("address1"),
        "country_code": address.get("countryCodeV2"),
        "province_code": address.get("provinceCode"),
    })
}

fn fulfillment(shipment: &Value) -> Value {
    json!({
        "status": lower(shipment.get("status")),
        "created_at": shipment.get("createdAt"),
        "location_id": number(shipment.pointer("/location/id")),
    })
}

/// The webhook's words are fewer than the list's: work at the warehouse is none of them.
fn fulfillment_status(status: Option<&Value>) -> Option<&'static str> {
    match status.and_then(Value::as_str) {
        Some("FULFILLED") => Some("fulfilled"),
        Some("PARTIALLY_FULFILLED") => Some("partial"),
        Some("RESTOCKED") => Some("restocked"),
        Some(_) | None => None,
    }
}

fn lower(word: Option<&Value>) -> Option<String> {
    word.and_then(Value::as_str).map(str::to_ascii_lowercase)
}

/// The number at the end of `gid://shopify/Order/1`, which is the id that webhooks have.
fn number(gid: Option<&Value>) -> Option<u64> {
    let (kind, number) = gid?.as_str()?.strip_prefix("gid://shopify/")?.split_once('/')?;
    // Some end with a query.
    let digits = number.split('?').next().filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok().filter(|_| !kind.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_whole_seconds_and_never_shorter() {
        assert_eq!(
            changed_within(UnixMillis::new(1_772_000_000_999), UnixMillis::new(1_772_000_060_001)),
            "updated_at:>='2026-02-25T06:13:20Z' updated_at:<='2026-02-25T06:14:21Z'"
        );
    }

    #[test]
    fn ids_are_the_webhooks_numbers() {
        let number = |gid: &str| number(Some(&json!(gid)));
        assert_eq!(number("gid://shopify/Order/820982911946154508"), Some(820_982_911_946_154_508));
        assert_eq!(number("gid://shopify/MailingAddress/1?model_name=Address"), Some(1));
        for bad in
            ["gid://shopify/Order/", "gid://shopify/Order/-1", "gid://shopify//1", "7", "", "gid://shopify/Order/1e3"]
        {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
