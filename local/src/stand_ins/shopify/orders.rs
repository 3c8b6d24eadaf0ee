//! What the shop's orders look like at send time.
//!
//! Every order there could be is there when it is asked for by its id. A list has those that somebody spoke of.
//!
//! An order that nobody spoke of is a plausible one that may be asked for a review: paid, fulfilled, delivered, its buyer
//! subscribed. Tests and the demo change what they need.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::rest;

use crate::clock::{iso, now_ms};

const DAY_MS: i64 = 86_400_000;

/// Overrides by order number.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    overrides: BTreeMap<String, Map<String, Value>>,
}

/// `7024000000101`, from that or from `gid://shopify/Order/7024000000101`.
fn number(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

impl Orders {
    /// Lays `change` over what was said of this order before.
    pub(crate) fn merge(&mut self, id: &str, change: Value) -> Result<(), String> {
        let Value::Object(change) = change else {
            return Err("an order's state is an object".to_owned());
        };
        let known = self.overrides.entry(number(id).to_owned()).or_default();
        for (field, value) in change {
            merge_field(known, field, value);
        }
        Ok(())
    }

    /// Puts an order in as its webhook has it: what REST says is said in GraphQL's words. Returns the order's number.
    pub(crate) fn merge_rest(&mut self, order: &Value) -> Result<String, String> {
        let (number, change) = rest::said(order)?;
        self.merge(&number, change)?;
        Ok(number)
    }

    /// Those that somebody spoke of, and that are not missing.
    pub(crate) fn all(&self) -> Vec<Value> {
        self.overrides.keys().filter_map(|number| self.get(number)).collect()
    }

    /// Forgets what was said of an order; it is a plausible one again.
    pub(crate) fn forget(&mut self, id: &str) -> bool {
        self.overrides.remove(number(id)).is_some()
    }

    /// What was said of an order.
    pub(crate) fn said(&self, id: &str) -> Value {
        self.overrides.get(number(id)).map_or(Value::Null, |fields| Value::Object(fields.clone()))
    }

    /// The order as GraphQL has it; `None` when it is said to be missing.
    pub(crate) fn get(&self, id: &str) -> Option<Value> {
        let number = number(id);
        let mut order = plausible(number);
        if let Some(overrides) = self.overrides.get(number) {
            if overrides.get("missing") == Some(&Value::Bool(true)) {
                return None;
            }
            for (field, value) in overrides {
                apply(&mut order, field, value);
            }
        }
        Some(Value::Object(order))
    }
}

/// The names that are easier to say than their place in the answer; everything else is a field of the order itself.
fn apply(order: &mut Map<String, Value>, field: &str, value: &Value) {
    let place = match field {
        "missing" => return,
        "marketingState" => json!({ "customer": { "defaultPhoneNumber": { "marketingState": value } } }),
        "phone" => json!({ "customer": { "defaultPhoneNumber": { "phoneNumber": value } } }),
        "orderPhone" => json!({ "phone": value }),
        "timeZone" => json!({ "shippingAddress": { "timeZone": value } }),
        "totalRefunded" => {
            let amount = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            json!({ "totalRefundedSet": { "shopMoney": { "amount": amount } } })
        }
        _ => json!({ field: value }),
    };
    if let Value::Object(place) = place {
        for (field, value) in place {
            merge_field(order, field, value);
        }
    }
}

/// Objects are merged, everything else is replaced; null is a value like any other.
fn merge_field(target: &mut Map<String, Value>, field: String, value: Value) {
    match (target.get_mut(&field), value) {
        (Some(Value::Object(known)), Value::Object(change)) => {
            for (field, value) in change {
                merge_field(known, field, value);
            }
        }
        (_, value) => {
            target.insert(field, value);
        }
    }
}

fn address() -> Value {
    json!({
        "firstName": "Mia",
        "lastName": "Tennant",
        "name": "Mia Tennant",
        "company": null,
        "address1": "12 Fictional Parade",
        "address2": null,
        "city": "Marrickville",
        "country": "Australia",
        "countryCodeV2": "AU",
        "province": "New South Wales",
        "provinceCode": "NSW",
        "zip": "2204",
        // Nothing that could be texted.
        "phone": null,
        "timeZone": "Australia/Sydney",
    })
}

fn customer(tail: &str, now: i64) -> Value {
    json!({
        "__typename": "Customer",
        "id": format!("gid://shopify/Customer/997{tail}000101"),
        "legacyResourceId": format!("997{tail}000101"),
        "locale": "en-AU",
        "tags": [],
        "firstName": "Mia",
        "lastName": "Tennant",
        "displayName": "Mia Tennant",
        "email": null,
        "phone": null,
        "defaultEmailAddress": null,
        "defaultAddress": null,
        "createdAt": iso(now - 200 * DAY_MS),
        "updatedAt": iso(now - 8 * DAY_MS),
        "defaultPhoneNumber": {
            // The webhook's number is not known here, and consent given for another number is none.
            "phoneNumber": null,
            "marketingState": "SUBSCRIBED",
            "marketingOptInLevel": "SINGLE_OPT_IN",
            "marketingUpdatedAt": iso(now - 8 * DAY_MS),
        },
    })
}

fn plausible(number: &str) -> Map<String, Value> {
    let now = now_ms();
    let tail: String = number.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    let order = json!({
        "__typename": "Order",
        "id": format!("gid://shopify/Order/{number}"),
        "legacyResourceId": number,
        "name": format!("#HL{tail}"),
        "test": false,
        "createdAt": iso(now - 8 * DAY_MS),
        "processedAt": iso(now - 8 * DAY_MS),
        "updatedAt": iso(now - 3 * DAY_MS),
        "cancelledAt": null,
        "cancelReason": null,
        "closedAt": null,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "FULFILLED",
        "returnStatus": "NO_RETURN",
        "sourceName": "web",
        "tags": [],
        "phone": null,
        "email": null,
        "note": null,
        "confirmed": true,
        "currencyCode": "AUD",
        "customerLocale": "en-AU",
        "totalRefundedSet": { "shopMoney": { "amount": "0.0", "currencyCode": "AUD" } },
        "purchasingEntity": { "__typename": "Customer" },
        "retailLocation": null,
        "refunds": [],
        "fulfillments": [{
            "id": format!("gid://shopify/Fulfillment/6{tail}000000101"),
            "status": "SUCCESS",
            "displayStatus": "DELIVERED",
            // Longer ago than any buffer that a trial sets, or the re-read would put the order off.
            "createdAt": iso(now - 40 * DAY_MS),
            "updatedAt": iso(now - 3 * DAY_MS),
            "deliveredAt": iso(now - 3 * DAY_MS),
            "location": { "id": "gid://shopify/Location/88110022001", "name": "Burleigh Heads" },
        }],
        "customer": customer(&tail, now),
        "billingAddress": address(),
        "shippingAddress": address(),
    });
    if let Value::Object(fields) = order { fields } else { Map::new() }
}
