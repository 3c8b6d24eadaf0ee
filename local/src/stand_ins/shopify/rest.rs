//! One order, said by REST as its webhook has it and answered by GraphQL: the same thing in other words.

use serde_json::{Map, Value, json};

/// The order's number, and what GraphQL says of it.
pub(super) fn said(order: &Value) -> Result<(String, Value), String> {
    let fields = order.as_object().ok_or("an order is an object")?;
    let number = fields.get("id").and_then(Value::as_u64).ok_or("an order has an id")?.to_string();
    let mut said = Map::new();
    for (from, to) in [
        ("name", "name"),
        ("test", "test"),
        ("email", "email"),
        ("phone", "orderPhone"),
        ("note", "note"),
        ("created_at", "createdAt"),
        ("processed_at", "processedAt"),
        ("updated_at", "updatedAt"),
        ("closed_at", "closedAt"),
        ("cancelled_at", "cancelledAt"),
        ("source_name", "sourceName"),
        ("customer_locale", "customerLocale"),
        ("currency", "currencyCode"),
    ] {
        if let Some(value) = fields.get(from) {
            let is_time = to.ends_with("At") && value.is_string();
            said.insert(to.to_owned(), if is_time { in_utc(value) } else { value.clone() });
        }
    }
    if let Some(reason) = fields.get("cancel_reason") {
        said.insert("cancelReason".to_owned(), upper(reason));
    }
    if let Some(status) = fields.get("financial_status") {
        said.insert("displayFinancialStatus".to_owned(), upper(status));
    }
    if let Some(status) = fields.get("fulfillment_status") {
        let display = match status.as_str() {
            None => "UNFULFILLED".to_owned(),
            Some("partial") => "PARTIALLY_FULFILLED".to_owned(),
            Some(other) => other.to_uppercase(),
        };
        said.insert("displayFulfillmentStatus".to_owned(), json!(display));
    }
    if let Some(tags) = fields.get("tags").and_then(Value::as_str) {
        said.insert("tags".to_owned(), list(tags));
    }
    // What REST leaves out is not there.
    said.insert("billingAddress".to_owned(), address(fields.get("billing_address")));
    said.insert("shippingAddress".to_owned(), address(fields.get("shipping_address")));
    said.insert("customer".to_owned(), customer(fields.get("customer")));
    let company = fields.get("company").filter(|company| !company.is_null());
    let entity = match company {
        Some(company) => {
            json!({ "__typename": "PurchasingCompany", "company": { "id": gid("Company", company.get("id")) } })
        }
        None => json!({ "__typename": "Customer" }),
    };
    said.insert("purchasingEntity".to_owned(), entity);
    let location = fields.get("location_id").filter(|id| !id.is_null());
    said.insert(
        "retailLocation".to_owned(),
        location.map_or(Value::Null, |id| json!({ "id": gid("Location", Some(id)) })),
    );
    said.insert("fulfillments".to_owned(), each(fields.get("fulfillments"), fulfillment));
    said.insert("refunds".to_owned(), each(fields.get("refunds"), refund));
    said.insert("totalRefunded".to_owned(), json!(refunded(fields.get("refunds"))));
    Ok((number, Value::Object(said)))
}

/// What went back to the buyer in all: `29.0`.
fn refunded(refunds: Option<&Value>) -> String {
    let refunds = refunds.and_then(Value::as_array).into_iter().flatten();
    let transactions = refunds.filter_map(|refund| refund.get("transactions")?.as_array()).flatten();
    let is =
        |transaction: &Value, field: &str, word: &str| transaction.get(field).and_then(Value::as_str) == Some(word);
    let amounts = transactions
        .filter(|one| is(one, "kind", "refund") && is(one, "status", "success"))
        .filter_map(|one| one.get("amount")?.as_str()?.parse::<f64>().ok());
    format!("{:?}", (amounts.fold(0.0, |sum, amount| sum + amount) * 100.0).round() / 100.0)
}

/// GraphQL's times are in UTC, REST's in the shop's offset.
fn in_utc(value: &Value) -> Value {
    let at = value.as_str().and_then(crate::clock::parse_iso);
    at.map_or_else(|| value.clone(), |at| json!(crate::clock::iso(at)))
}

fn upper(value: &Value) -> Value {
    value.as_str().map_or(Value::Null, |text| json!(text.to_uppercase()))
}

/// `"vip, wholesale"`
fn list(tags: &str) -> Value {
    tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(Value::from).collect()
}

fn gid(kind: &str, id: Option<&Value>) -> Value {
    let id = id.filter(|id| !id.is_null());
    id.map_or(Value::Null, |id| json!(format!("gid://shopify/{kind}/{id}")))
}

fn each(list: Option<&Value>, item: fn(&Value) -> Value) -> Value {
    list.and_then(Value::as_array).map_or_else(|| json!([]), |list| list.iter().map(item).collect())
}

fn fulfillment(from: &Value) -> Value {
    let field = |name: &str| from.get(name).cloned().unwrap_or_default();
    let delivered = from.get("shipment_status").and_then(Value::as_str) == Some("delivered");
    let location = from.get("location_id").filter(|id| !id.is_null());
    json!({
        "id": gid("Fulfillment", from.get("id")),
        "status": upper(&field("status")),
        "displayStatus": upper(&field("shipment_status")),
        "createdAt": in_utc(&field("created_at")),
        "updatedAt": in_utc(&field("updated_at")),
        "deliveredAt": if delivered { in_utc(&field("updated_at")) } else { Value::Null },
        "location": location.map_or(Value::Null, |id| json!({ "id": gid("Location", Some(id)), "name": null })),
    })
}

fn refund(from: &Value) -> Value {
    let created = from.get("created_at").map_or(Value::Null, in_utc);
    json!({ "id": gid("Refund", from.get("id")), "createdAt": created, "note": from.get("note") })
}

/// Everything an address has, so that nothing of the plausible one shows through.
fn address(from: Option<&Value>) -> Value {
    let Some(from) = from.and_then(Value::as_object) else { return Value::Null };
    let field = |name: &str| from.get(name).cloned().unwrap_or_default();
    json!({
        "firstName": field("first_name"),
        "lastName": field("last_name"),
        "name": field("name"),
        "company": field("company"),
        "address1": field("address1"),
        "address2": field("address2"),
        "city": field("city"),
        "country": field("country"),
        "countryCodeV2": field("country_code"),
        "province": field("province"),
        "provinceCode": field("province_code"),
        "zip": field("zip"),
        "phone": field("phone"),
        // REST does not say.
        "timeZone": null,
    })
}

fn customer(from: Option<&Value>) -> Value {
    let Some(from) = from.and_then(Value::as_object) else { return Value::Null };
    let field = |name: &str| from.get(name).cloned().unwrap_or_default();
    let names: Vec<&str> = ["first_name", "last_name"].iter().filter_map(|name| from.get(*name)?.as_str()).collect();
    let email = field("email");
    let mut said = json!({
        "id": gid("Customer", from.get("id")),
        "legacyResourceId": field("id").to_string(),
        "firstName": field("first_name"),
        "lastName": field("last_name"),
        "displayName": names.join(" "),
        "email": email,
        "phone": field("phone"),
        "defaultEmailAddress": if email.is_null() { Value::Null } else { json!({ "emailAddress": email }) },
        "defaultAddress": address(from.get("default_address")),
        "defaultPhoneNumber": { "phoneNumber": field("phone") },
    });
    let tags = from.get("tags").and_then(Value::as_str);
    if let (Some(fields), Some(tags)) = (said.as_object_mut(), tags) {
        fields.insert("tags".to_owned(), list(tags));
    }
    said
}
