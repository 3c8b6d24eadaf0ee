//! Which of an order's numbers is the buyer's.
//!
//! A gift's shipping number belongs to somebody who never dealt with the shop and never agreed to a text; so a
//! shipping number counts only when the recipient is the buyer.

use super::body::{Address, OrderBody};
use crate::phone::{E164Phone, SmsCapability, normalize};
use crate::review::SkipReason;

/// Why no number can be texted, the most telling of the reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoUsablePhone(pub SkipReason);

/// Chooses the number to text: order, customer, billing address (the buyer's), shipping address (if the recipient is
/// the buyer), the customer's default address. The first that can get texts wins.
///
/// `home` is the country of the location that shipped the order: the region of a number that has neither a plus sign
/// nor an address.
///
/// # Errors
/// [`NoUsablePhone`] with the reason to record.
pub fn choose_phone(order: &OrderBody, home: &str) -> Result<E164Phone, NoUsablePhone> {
    let mut verdict = if withheld(order) { SkipReason::PiiWithheld } else { SkipReason::NoPhone };
    for (raw, region) in candidates(order, home) {
        match normalize(raw, Some(region)) {
            Ok(number) if number.number_type.sms() == SmsCapability::Send => return Ok(number.e164),
            Ok(_) => verdict = SkipReason::PhoneNotTextable,
            Err(_) if verdict != SkipReason::PhoneNotTextable => verdict = SkipReason::PhoneInvalid,
            Err(_) => {}
        }
    }
    Err(NoUsablePhone(verdict))
}

fn candidates<'a>(order: &'a OrderBody, home: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let customer = order.customer.as_ref();
    let billing = order.billing_address.as_ref();
    let shipping = order.shipping_address.as_ref();
    let address_book = customer.and_then(|c| c.default_address.as_ref());
    let buyer = buyer_name(order);

    let buyers = |a: &&Address| same_person(name_of(a).as_deref(), buyer.as_deref());
    let billing = billing.filter(|a| customer_is_unnamed(order) || buyers(a));
    let shipping = shipping.filter(buyers);
    // The first order of an address book may have been a present.
    let address_book = address_book.filter(|a| name_of(a).is_none() || buyers(a));
    // A number on the order or the customer has no country of its own: an address of the buyer's is the best witness.
    let buyers_region = [billing, address_book, shipping].into_iter().flatten().find_map(country).unwrap_or(home);
    let of_address = move |address: Option<&'a Address>| {
        address.and_then(|a| Some((a.phone.as_deref()?, country(a).unwrap_or(home))))
    };
    [
        order.phone.as_deref().map(|p| (p, buyers_region)),
        customer.and_then(|c| c.phone.as_deref()).map(|p| (p, buyers_region)),
        of_address(billing),
        of_address(shipping),
        of_address(address_book),
    ]
    .into_iter()
    .flatten()
    .filter(|(raw, _)| !raw.trim().is_empty())
}

fn country(address: &Address) -> Option<&str> {
    address.country_code.as_deref().filter(|c| c.len() == 2)
}

fn customer_is_unnamed(order: &OrderBody) -> bool {
    order.customer.as_ref().is_none_or(|c| full_name(c.first_name.as_deref(), c.last_name.as_deref()).is_none())
}

/// The buyer is the customer; on a guest's order, whoever pays.
fn buyer_name(order: &OrderBody) -> Option<String> {
    let customer = order.customer.as_ref().and_then(|c| full_name(c.first_name.as_deref(), c.last_name.as_deref()));
    customer.or_else(|| order.billing_address.as_ref().and_then(name_of))
}

fn name_of(address: &Address) -> Option<String> {
    full_name(address.first_name.as_deref(), address.last_name.as_deref())
        .or_else(|| full_name(address.name.as_deref(), None))
}

fn full_name(first: Option<&str>, last: Option<&str>) -> Option<String> {
    let joined = format!("{} {}", first.unwrap_or_default(), last.unwrap_or_default());
    let name = joined.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    (!name.is_empty()).then_some(name)
}

fn same_person(a: Option<&str>, b: Option<&str>) -> bool {
    a.is_some() && a == b
}

/// Apps without approval for personal data get null for every such field, which looks like a customer without a
/// number. The difference matters to the merchant: one is the customer's choice, the other an approval to apply for.
fn withheld(order: &OrderBody) -> bool {
    let Some(customer) = &order.customer else { return false };
    let hidden = |field: &Option<String>| field.as_deref().is_none_or(|text| text.trim().is_empty());
    let blank = |a: &Address| [&a.name, &a.first_name, &a.last_name, &a.phone, &a.address1].into_iter().all(hidden);
    let contact = [&order.phone, &order.email, &order.contact_email];
    let person = [&customer.first_name, &customer.last_name, &customer.phone, &customer.email];
    contact.into_iter().chain(person).all(hidden)
        && [&order.billing_address, &order.shipping_address, &customer.default_address].into_iter().flatten().all(blank)
}

#[cfg(test)]
mod tests {
    use super::super::body::{ShopifyEvent, parse};
    use super::*;

    fn choose(json: &serde_json::Value) -> Result<String, SkipReason> {
        let Ok(ShopifyEvent::Order(order)) = parse(json.to_string().as_bytes()) else { panic!("not an order: {json}") };
        choose_phone(&order, "AU").map(|p| p.expose().to_owned()).map_err(|e| e.0)
    }

    fn order(extra: &serde_json::Value) -> serde_json::Value {
        let mut order = serde_json::json!({"id": 1, "line_items": [], "email": "a@example.com",
            "customer": {"first_name": "Mia", "last_name": "Tennant", "phone": null}});
        order.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        order
    }

    #[test]
    fn the_order_of_choice() {
        let all = serde_json::json!({
            "phone": "+61491570156",
            "customer": {"first_name": "Mia", "last_name": "Tennant", "phone": "+61491570157", "default_address": {"phone": "0491570110", "country_code": "AU"}},
            "billing_address": {"name": "mia  TENNANT", "phone": "0491 570 158", "country_code": "AU"},
            "shipping_address": {"name": "Mia Tennant", "phone": "0491 570 159", "country_code": "AU"},
        });
        let mut json = order(&all);
        let expected = ["+61491570156", "+61491570157", "+61491570158", "+61491570159", "+61491570110"];
        let erase: [&[&str]; 5] = [
            &["phone"],
            &["customer", "phone"],
            &["billing_address", "phone"],
            &["shipping_address", "phone"],
            &["customer", "default_address"],
        ];
        for (want, path) in expected.iter().zip(erase) {
            assert_eq!(choose(&json).as_deref(), Ok(*want));
            let mut at = &mut json;
            for key in path {
                at = &mut at[*key];
            }
            *at = serde_json::Value::Null;
        }
        assert_eq!(choose(&json), Err(SkipReason::NoPhone));
    }

    #[test]
    fn a_gifts_recipient_is_never_texted() {
        let gift = serde_json::json!({"shipping_address": {"name": "Noah Grieve", "phone": "0491 570 156", "country_code": "AU"}});
        assert_eq!(choose(&order(&gift)), Err(SkipReason::NoPhone));
        let unnamed = serde_json::json!({"id": 1, "line_items": [], "customer": null, "email": "a@example.com",
            "shipping_address": {"name": "Noah Grieve", "phone": "0491 570 156", "country_code": "AU"}});
        assert_eq!(choose(&unnamed), Err(SkipReason::NoPhone));
        let other_payer = serde_json::json!({"billing_address": {"name": "Noah Grieve", "phone": "0491 570 156", "country_code": "AU"}});
        assert_eq!(choose(&order(&other_payer)), Err(SkipReason::NoPhone));
    }

    #[test]
    fn a_gift_in_the_address_book_is_still_a_gift() {
        let book = serde_json::json!({"customer": {"first_name": "Mia", "last_name": "Tennant",
            "default_address": {"name": "Noah Grieve", "phone": "0491 570 157", "country_code": "AU"}}});
        assert_eq!(choose(&order(&book)), Err(SkipReason::NoPhone));
    }

    #[test]
    fn a_gifts_country_does_not_read_the_buyers_number() {
        let abroad = serde_json::json!({"phone": "021 234 567", "shipping_address": {"name": "Noah Grieve", "country_code": "NZ"}});
        assert_ne!(choose(&order(&abroad)).as_deref(), Ok("+6421234567"));
    }

    #[test]
    fn a_guest_who_pays_is_the_buyer() {
        let guest = serde_json::json!({"customer": null,
            "billing_address": {"name": "Noah Grieve", "phone": "0491 570 156", "country_code": "AU"}});
        assert_eq!(choose(&order(&guest)).as_deref(), Ok("+61491570156"));
    }

    #[test]
    fn the_region_is_the_addresss_own() {
        let us = serde_json::json!({"billing_address": {"name": "Mia Tennant", "phone": "(512) 555-0143", "country_code": "US"}});
        assert_eq!(choose(&order(&us)).as_deref(), Ok("+15125550143"));
        let local = serde_json::json!({"phone": "0491 570 156"});
        assert_eq!(choose(&order(&local)).as_deref(), Ok("+61491570156"));
    }

    #[test]
    fn reasons_tell_no_number_from_a_bad_one_from_a_landline_from_withheld() {
        assert_eq!(choose(&order(&serde_json::json!({"phone": "555-555-SHIP"}))), Err(SkipReason::PhoneInvalid));
        assert_eq!(choose(&order(&serde_json::json!({"phone": "+61 2 9374 4000"}))), Err(SkipReason::PhoneNotTextable));
        assert_eq!(choose(&order(&serde_json::json!({"phone": "  "}))), Err(SkipReason::NoPhone));
        let withheld = serde_json::json!({"id": 1, "line_items": [], "email": null, "customer": {"id": 5, "first_name": null, "last_name": null},
            "shipping_address": {"name": null, "address1": null, "country_code": "AU"}});
        assert_eq!(choose(&withheld), Err(SkipReason::PiiWithheld));
        assert_eq!(choose(&serde_json::json!({"id": 1, "line_items": [], "customer": null})), Err(SkipReason::NoPhone));
    }
}
