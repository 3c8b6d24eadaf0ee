//! From Shopify's words about an order to ours.

use frontdesk_core::{
    phone,
    provider::{Financial, OrderNow, SmsConsent},
    time::UnixMillis,
};
use serde::Deserialize;
use serde_json::Value;

use crate::json;

/// The answer to [`super::ORDER_QUERY`], with the types that the schema gives. A missing field is an error, unlike null.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    id: String,
    test: bool,
    #[serde(deserialize_with = "Option::deserialize")]
    cancelled_at: Option<Value>,
    #[serde(deserialize_with = "Option::deserialize")]
    display_financial_status: Option<String>,
    total_refunded_set: MoneyBag,
    display_fulfillment_status: String,
    return_status: String,
    source_name: Option<String>,
    retail_location: Option<Value>,
    #[serde(deserialize_with = "Option::deserialize")]
    purchasing_entity: Option<PurchasingEntity>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    customer: Option<Customer>,
    shipping_address: Option<Address>,
    #[serde(default)]
    fulfillments: Vec<Fulfillment>,
    #[serde(default)]
    refunds: Vec<Refund>,
    updated_at: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MoneyBag {
    shop_money: Money,
}

#[derive(Deserialize)]
struct Money {
    amount: String,
}

#[derive(Deserialize)]
struct PurchasingEntity {
    #[serde(rename = "__typename")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Customer {
    #[serde(default)]
    tags: Vec<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    default_phone_number: Option<PhoneNumber>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhoneNumber {
    phone_number: Option<String>,
    marketing_state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    country_code_v2: Option<String>,
    time_zone: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fulfillment {
    status: String,
    created_at: Option<Value>,
    delivered_at: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refund {
    created_at: Option<Value>,
}

/// Reads the order with the id `gid`.
///
/// # Errors
/// What is not understood, in words that hold nothing of the customer's.
pub(super) fn read(value: &Value, gid: &str) -> Result<OrderNow, String> {
    let order = Order::deserialize(value).map_err(|_| "the order has another shape than asked for".to_owned())?;
    if order.id != gid {
        return Err("the answer is about another order".into());
    }
    let address = order.shipping_address;
    let shipped = || order.fulfillments.iter().filter(|fulfillment| fulfillment.status == "SUCCESS");
    let (of_customer, number) =
        order.customer.map(|customer| (customer.tags, customer.default_phone_number)).unwrap_or_default();
    Ok(OrderNow {
        test: order.test,
        cancelled: order.cancelled_at.is_some(),
        financial: financial(order.display_financial_status.as_deref(), &order.total_refunded_set.shop_money.amount)?,
        return_open: return_open(&order.return_status)?,
        fulfilled: fulfilled(&order.display_fulfillment_status)?,
        b2b: b2b(order.purchasing_entity.as_ref().map(|entity| entity.kind.as_str()))?,
        point_of_sale: order.source_name.as_deref() == Some("pos") || order.retail_location.is_some(),
        consent: consent(number.as_ref().map(|number| number.marketing_state.as_str()))?,
        consent_phone: number
            .and_then(|number| number.phone_number)
            .and_then(|number| phone::normalize(&number, None).ok())
            .map(|number| number.e164),
        updated_at: json::time(order.updated_at.as_ref()),
        fulfilled_at: newest(shipped().map(|fulfillment| &fulfillment.created_at)),
        delivered_at: newest_of_all(shipped().map(|fulfillment| &fulfillment.delivered_at)),
        tags: order.tags.into_iter().chain(of_customer).collect(),
        refunded_at: newest(order.refunds.iter().map(|refund| &refund.created_at)),
        country: address.as_ref().and_then(|address| address.country_code_v2.clone()),
        time_zone: address.and_then(|address| address.time_zone).filter(|zone| !zone.is_empty()),
    })
}

fn newest<'v>(times: impl Iterator<Item = &'v Option<Value>>) -> Option<UnixMillis> {
    times.filter_map(|time| json::time(time.as_ref())).max()
}

/// The newest of times that are all there.
fn newest_of_all<'v>(times: impl Iterator<Item = &'v Option<Value>>) -> Option<UnixMillis> {
    let all: Option<Vec<UnixMillis>> = times.map(|time| json::time(time.as_ref())).collect();
    all?.into_iter().max()
}

fn financial(status: Option<&str>, refunded: &str) -> Result<Financial, String> {
    let some_refunded = match refunded.parse::<f64>() {
        Ok(amount) if amount.is_finite() => amount > 0.0,
        _ => return Err("the refunded amount is not a number".into()),
    };
    match status {
        Some("REFUNDED") => Ok(Financial::Refunded),
        Some("VOIDED" | "EXPIRED") => Ok(Financial::Voided),
        Some("PARTIALLY_REFUNDED") => Ok(Financial::PartiallyRefunded),
        Some("PAID" | "AUTHORIZED" | "PARTIALLY_PAID" | "PENDING") => {
            Ok(if some_refunded { Financial::PartiallyRefunded } else { Financial::Settled })
        }
        other => Err(unknown("displayFinancialStatus", other)),
    }
}

/// `RETURNED` and `RETURN_FAILED` are over: what they left behind shows in the money.
fn return_open(status: &str) -> Result<bool, String> {
    match status {
        "RETURN_REQUESTED" | "IN_PROGRESS" | "INSPECTION_COMPLETE" => Ok(true),
        "NO_RETURN" | "RETURNED" | "RETURN_FAILED" => Ok(false),
        other => Err(unknown("returnStatus", Some(other))),
    }
}

/// Only `FULFILLED` means that everything was shipped; `IN_PROGRESS` is work at the warehouse.
fn fulfilled(status: &str) -> Result<bool, String> {
    match status {
        "FULFILLED" => Ok(true),
        "IN_PROGRESS"
        | "ON_HOLD"
        | "OPEN"
        | "PARTIALLY_FULFILLED"
        | "PENDING_FULFILLMENT"
        | "REQUEST_DECLINED"
        | "RESTOCKED"
        | "SCHEDULED"
        | "UNFULFILLED" => Ok(false),
        other => Err(unknown("displayFulfillmentStatus", Some(other))),
    }
}

fn b2b(kind: Option<&str>) -> Result<bool, String> {
    match kind {
        Some("PurchasingCompany") => Ok(true),
        Some("Customer") | None => Ok(false),
        Some(_) => Err("purchasingEntity has an unknown type".into()),
    }
}

/// `REDACTED` is somebody who had their data erased, which leaves no doubt that they do not want to hear from the shop.
fn consent(state: Option<&str>) -> Result<SmsConsent, String> {
    match state {
        Some("SUBSCRIBED") => Ok(SmsConsent::Subscribed),
        Some("UNSUBSCRIBED" | "REDACTED") => Ok(SmsConsent::Unsubscribed),
        Some("NOT_SUBSCRIBED" | "PENDING") | None => Ok(SmsConsent::NotGiven),
        other => Err(unknown("marketingState", other)),
    }
}

fn unknown(field: &str, value: Option<&str>) -> String {
    match value.map(word) {
        None => format!("{field} is null"),
        Some(Some(value)) => format!("{field} has the unknown value {value}"),
        Some(None) => format!("{field} has an unknown value"),
    }
}

/// A short SCREAMING_SNAKE word, which can only be a name of the schema's.
pub(super) fn word(text: &str) -> Option<&str> {
    let plain = text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    (plain && (1..=40).contains(&text.len())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GID: &str = "gid://shopify/Order/1";

    fn with(place: &str, value: Value) -> Result<OrderNow, String> {
        let mut order = json!({
            "id": GID, "test": false, "cancelledAt": null,
            "displayFinancialStatus": "PAID", "totalRefundedSet": { "shopMoney": { "amount": "0.0" } },
            "displayFulfillmentStatus": "FULFILLED", "returnStatus": "NO_RETURN",
            "sourceName": "web", "retailLocation": null, "purchasingEntity": { "__typename": "Customer" },
            "tags": ["gift"],
            "customer": { "tags": ["vip", "no-review"], "defaultPhoneNumber": { "phoneNumber": "+61491570156", "marketingState": "SUBSCRIBED" } },
            "shippingAddress": { "countryCodeV2": "AU", "timeZone": "Australia/Sydney" }, "refunds": [],
            "fulfillments": [
                { "status": "CANCELLED", "createdAt": "2026-02-25T07:10:00Z" },
                { "status": "SUCCESS", "createdAt": "2026-02-25T06:10:00Z", "deliveredAt": "2026-02-25T06:13:20Z" },
            ],
            "updatedAt": "2026-02-25T06:13:20Z",
        });
        if !place.is_empty() {
            *order.pointer_mut(place).unwrap() = value;
        }
        read(&order, GID)
    }

    #[test]
    fn a_plain_order() {
        let expected = OrderNow {
            test: false,
            cancelled: false,
            financial: Financial::Settled,
            return_open: false,
            fulfilled: true,
            b2b: false,
            point_of_sale: false,
            consent: SmsConsent::Subscribed,
            consent_phone: phone::E164Phone::parse_e164("+61491570156").ok(),
            updated_at: Some(UnixMillis::new(1_772_000_000_000)),
            fulfilled_at: Some(UnixMillis::new(1_771_999_800_000)),
            delivered_at: Some(UnixMillis::new(1_772_000_000_000)),
            tags: vec!["gift".into(), "vip".into(), "no-review".into()],
            refunded_at: None,
            country: Some("AU".into()),
            time_zone: Some("Australia/Sydney".into()),
        };
        assert_eq!(with("", Value::Null), Ok(expected));
    }

    #[test]
    fn money() {
        let status = |word: &str| with("/displayFinancialStatus", json!(word)).map(|order| order.financial);
        for settled in ["PAID", "AUTHORIZED", "PARTIALLY_PAID", "PENDING"] {
            assert_eq!(status(settled), Ok(Financial::Settled), "{settled}");
        }
        assert_eq!(status("PARTIALLY_REFUNDED"), Ok(Financial::PartiallyRefunded));
        assert_eq!(status("REFUNDED"), Ok(Financial::Refunded));
        assert_eq!(status("VOIDED"), Ok(Financial::Voided));
        assert_eq!(status("EXPIRED"), Ok(Financial::Voided));
        let refunded =
            |amount: &str| with("/totalRefundedSet/shopMoney/amount", json!(amount)).map(|order| order.financial);
        assert_eq!(refunded("9.95"), Ok(Financial::PartiallyRefunded));
        assert_eq!(refunded("0"), Ok(Financial::Settled));
        assert!(refunded("NaN").is_err() && refunded("").is_err());
    }

    #[test]
    fn every_other_state() {
        for (status, open) in [
            ("NO_RETURN", false),
            ("RETURN_REQUESTED", true),
            ("IN_PROGRESS", true),
            ("INSPECTION_COMPLETE", true),
            ("RETURNED", false),
            ("RETURN_FAILED", false),
        ] {
            assert_eq!(with("/returnStatus", json!(status)).unwrap().return_open, open, "{status}");
        }
        for status in ["IN_PROGRESS", "PARTIALLY_FULFILLED", "RESTOCKED", "UNFULFILLED", "SCHEDULED", "ON_HOLD"] {
            assert!(!with("/displayFulfillmentStatus", json!(status)).unwrap().fulfilled, "{status}");
        }
        for (state, consent) in [
            ("UNSUBSCRIBED", SmsConsent::Unsubscribed),
            ("REDACTED", SmsConsent::Unsubscribed),
            ("NOT_SUBSCRIBED", SmsConsent::NotGiven),
            ("PENDING", SmsConsent::NotGiven),
        ] {
            assert_eq!(
                with("/customer/defaultPhoneNumber/marketingState", json!(state)).unwrap().consent,
                consent,
                "{state}"
            );
        }
        assert!(with("/cancelledAt", json!("2026-02-25T06:13:20Z")).unwrap().cancelled);
        assert!(with("/test", json!(true)).unwrap().test);
        assert!(with("/sourceName", json!("pos")).unwrap().point_of_sale);
        assert!(with("/retailLocation", json!({ "id": "gid://shopify/Location/1" })).unwrap().point_of_sale);
        assert!(with("/purchasingEntity/__typename", json!("PurchasingCompany")).unwrap().b2b);
    }

    #[test]
    fn delivered_is_what_was_delivered_whole() {
        let delivered = |parcels: Value| with("/fulfillments", parcels).unwrap().delivered_at;
        let parcel = |status: &str, at: Value| json!({ "status": status, "createdAt": null, "deliveredAt": at });
        let (early, late) = (json!("2026-02-25T06:10:00Z"), json!("2026-02-25T06:13:20Z"));
        let newest = Some(UnixMillis::new(1_772_000_000_000));
        let two = |first: &Value, second: &Value| {
            json!([parcel("SUCCESS", first.clone()), parcel("SUCCESS", second.clone())])
        };
        assert_eq!(delivered(two(&early, &late)), newest);
        assert_eq!(delivered(two(&late, &early)), newest);
        for unknown in [json!(null), json!("soon")] {
            assert_eq!(delivered(two(&late, &unknown)), None, "{unknown}");
        }
        // What was called off is not on its way.
        assert_eq!(delivered(json!([parcel("SUCCESS", late), parcel("CANCELLED", json!(null))])), newest);
        assert_eq!(delivered(json!([])), None);
    }

    #[test]
    fn tags_of_the_order_and_of_its_customer() {
        assert_eq!(with("/tags", json!([])).unwrap().tags, ["vip", "no-review"]);
        assert_eq!(with("/customer", Value::Null).unwrap().tags, ["gift"]);
        assert!(with("/tags", json!("gift")).is_err());
    }

    #[test]
    fn what_may_be_null_is_no_obstacle() {
        for place in ["/sourceName", "/purchasingEntity", "/shippingAddress", "/shippingAddress/timeZone", "/updatedAt"]
        {
            assert!(with(place, Value::Null).is_ok(), "{place}");
        }
        for place in ["/customer", "/customer/defaultPhoneNumber"] {
            let order = with(place, Value::Null).unwrap();
            assert_eq!((order.consent, order.consent_phone), (SmsConsent::NotGiven, None), "{place}");
        }
    }

    #[test]
    fn what_is_not_known_is_never_fine() {
        for place in [
            "/displayFinancialStatus",
            "/displayFulfillmentStatus",
            "/returnStatus",
            "/customer/defaultPhoneNumber/marketingState",
        ] {
            let field = place.rsplit('/').next().unwrap();
            assert_eq!(with(place, json!("BRAND_NEW")), Err(format!("{field} has the unknown value BRAND_NEW")));
            assert_eq!(with(place, json!("+61491570156")), Err(format!("{field} has an unknown value")));
        }
        assert_eq!(with("/displayFinancialStatus", Value::Null), Err("displayFinancialStatus is null".into()));
        assert!(with("/purchasingEntity/__typename", json!("Robot")).is_err());
        assert_eq!(with("/id", json!("gid://shopify/Order/2")), Err("the answer is about another order".into()));
        assert!(read(&json!({ "id": GID }), GID).is_err());
        assert!(read(&json!("an order"), GID).is_err());
    }

    /// A field that the answer leaves out must not read as "nothing there".
    #[test]
    fn what_is_missing_is_not_null() {
        for field in [
            "cancelledAt",
            "displayFinancialStatus",
            "totalRefundedSet",
            "returnStatus",
            "customer",
            "purchasingEntity",
            "test",
        ] {
            let mut order = json!({
                "id": GID, "test": false, "cancelledAt": null, "displayFinancialStatus": "PAID",
                "totalRefundedSet": { "shopMoney": { "amount": "0.0" } }, "displayFulfillmentStatus": "FULFILLED",
                "returnStatus": "NO_RETURN", "purchasingEntity": null, "customer": null,
            });
            assert!(read(&order, GID).is_ok());
            order.as_object_mut().unwrap().remove(field);
            assert!(read(&order, GID).is_err(), "{field}");
        }
    }
}
