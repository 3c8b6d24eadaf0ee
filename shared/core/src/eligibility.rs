//! What an answer about an order was based on, for the record.
//!
//! Whoever has to show that customers are not picked by how kind they will be can show these records: they hold all that
//! the rules can see. Every field is a number, a yes or no, or one of a few words; none says who the person is or what
//! they think of the shop.

use serde::Serialize;

use crate::{
    provider::{Financial, OrderNow, SmsConsent},
    request::Plan,
    review::{ReviewPolicy, SkipReason},
    shopify::{OrderBody, choose_phone},
    time::{DAY, UnixMillis},
};

/// The version of the rules, a date. To be changed whenever a rule or an input is.
pub const RULES: &str = "2026-11-20";

/// What is known about consent to texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Shopify was not asked: webhooks do not say.
    NotAsked,
    /// What the shop's record says about the number that would be texted.
    OnRecord(SmsConsent),
}

impl Consent {
    /// The recorded word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::OnRecord(SmsConsent::Subscribed) => "subscribed",
            Self::OnRecord(SmsConsent::Unsubscribed) => "unsubscribed",
            Self::OnRecord(SmsConsent::NotGiven) => "not_given",
        }
    }
}

/// What is known about the buyer's number; never the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneState {
    /// It can be texted.
    Usable,
    /// It is not a number.
    Invalid,
    /// It is one that cannot get texts.
    NotTextable,
    /// There is none that belongs to the buyer.
    Missing,
    /// Shopify withholds it.
    Withheld,
}

impl PhoneState {
    /// The recorded word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::Invalid => "invalid",
            Self::NotTextable => "not_textable",
            Self::Missing => "missing",
            Self::Withheld => "withheld",
        }
    }

    fn without(reason: SkipReason) -> Self {
        let known = [
            (SkipReason::PhoneInvalid, Self::Invalid),
            (SkipReason::PhoneNotTextable, Self::NotTextable),
            (SkipReason::PiiWithheld, Self::Withheld),
        ];
        known.into_iter().find(|(known, _)| *known == reason).map_or(Self::Missing, |(_, state)| state)
    }
}

/// Everything about an order that the rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Its money.
    pub financial: Financial,
    /// Everything is shipped.
    pub fulfillment: bool,
    /// Cancelled.
    pub cancelled: bool,
    /// A test order.
    pub test: bool,
    /// Sold over a counter.
    pub point_of_sale: bool,
    /// Bought by a company.
    pub b2b: bool,
    /// The order or its customer carries a tag that the shop excludes.
    pub tag_excluded: bool,
    /// Consent to texts.
    pub consent: Consent,
    /// The number to text.
    pub phone: PhoneState,
    /// The location that shipped it is one of Podium's.
    pub location_mapped: bool,
    /// Whole days since the newest shipment that succeeded; `None` before the first.
    pub age_days: Option<u64>,
    /// A return is asked for or on its way; `None` where Shopify was not asked.
    pub return_open: Option<bool>,
}

/// The record, its fields in the order in which they are written.
#[derive(Serialize)]
struct Record {
    rules: &'static str,
    financial: &'static str,
    fulfillment: bool,
    cancelled: bool,
    test: bool,
    point_of_sale: bool,
    b2b: bool,
    tag_excluded: bool,
    consent: &'static str,
    phone: &'static str,
    location_mapped: bool,
    age_days: Option<u64>,
    return_open: Option<bool>,
}

impl Inputs {
    /// What is known when the order's webhook comes in.
    #[must_use]
    pub fn of_webhook(order: &OrderBody, policy: &ReviewPolicy, now: UnixMillis) -> Self {
        let shipped = order.newest_fulfillment();
        let location = shipped.and_then(|(_, shipment)| policy.location_of(order.shipped_from(shipment)));
        // Without a location there is no region in which to read a number; one with a plus sign needs none.
        let home = location.map(|l| l.country.as_str()).unwrap_or_default();
        let phone = choose_phone(order, home).map_or_else(|why| PhoneState::without(why.0), |_| PhoneState::Usable);
        Self {
            financial: order.financial(),
            fulfillment: order.fulfillment_status.as_deref() == Some("fulfilled"),
            cancelled: order.cancelled_at.is_some(),
            test: order.test == Some(true),
            point_of_sale: order.is_point_of_sale(),
            b2b: order.company.is_some(),
            tag_excluded: policy.excludes(order.all_tags()),
            consent: Consent::NotAsked,
            phone,
            location_mapped: location.is_some(),
            age_days: shipped.map(|(at, _)| days(now, at)),
            return_open: None,
        }
    }

    /// What is known right before the send. The number was found usable when the request was planned.
    #[must_use]
    pub fn of_order_now(order: &OrderNow, plan: &Plan, policy: &ReviewPolicy, now: UnixMillis) -> Self {
        // Consent is given for a number; one that was given for another number is none for this. An opt-out is the
        // person's, whatever the number.
        let of_another = order.consent_phone.as_ref().is_some_and(|number| *number != plan.phone);
        let consent = match order.consent {
            SmsConsent::Subscribed if of_another => SmsConsent::NotGiven,
            said @ (SmsConsent::Subscribed | SmsConsent::Unsubscribed | SmsConsent::NotGiven) => said,
        };
        Self {
            financial: order.financial,
            fulfillment: order.fulfilled,
            cancelled: order.cancelled,
            test: order.test,
            point_of_sale: order.point_of_sale,
            b2b: order.b2b,
            tag_excluded: policy.excludes(order.tags.iter().map(String::as_str)),
            consent: Consent::OnRecord(consent),
            phone: PhoneState::Usable,
            location_mapped: policy.location(&plan.location).is_some(),
            age_days: order.fulfilled_at.map(|at| days(now, at)),
            return_open: Some(order.return_open),
        }
    }

    /// The record as JSON: always the same names in the same order, and no word that comes from outside.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Without `..`: who adds an input has to decide here how it is recorded, and to change RULES.
        let Self {
            financial,
            fulfillment,
            cancelled,
            test,
            point_of_sale,
            b2b,
            tag_excluded,
            consent,
            phone,
            location_mapped,
            age_days,
            return_open,
        } = *self;
        let record = Record {
            rules: RULES,
            financial: match financial {
                Financial::Settled => "settled",
                Financial::PartiallyRefunded => "partially_refunded",
                Financial::Refunded => "refunded",
                Financial::Voided => "voided",
            },
            fulfillment,
            cancelled,
            test,
            point_of_sale,
            b2b,
            tag_excluded,
            consent: consent.as_str(),
            phone: phone.as_str(),
            location_mapped,
            age_days,
            return_open,
        };
        // Words, numbers and switches under fixed names: there is nothing in it that could fail to be written.
        serde_json::to_string(&record).unwrap_or_default()
    }
}

fn days(now: UnixMillis, since: UnixMillis) -> u64 {
    now.since(since).as_secs() / DAY.as_secs()
}

#[cfg(test)]
mod tests;
