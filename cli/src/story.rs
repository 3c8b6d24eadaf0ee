//! `frontdesk export` and `frontdesk erase`: all that is kept of a person or an order, shown or taken out.
//!
//! Both ask one rule what that is ([`Forget`](frontdesk_core::flow::forget::Forget)), which is also what Shopify's demands about
//! personal data are carried out by.

pub(crate) mod erase;
pub(crate) mod export;

use frontdesk_core::{config::PrivacyWorkerConfig, erase::Subject, phone::E164Phone};

use crate::failure::Failure;
use crate::people;
use crate::show;

/// Whose everything is.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Whose {
    /// The number, as it was typed
    #[arg(long, allow_hyphen_values = true, value_name = "TEXT")]
    phone: Option<String>,
    /// An order: Shopify's id of it, or shop#id; leads to the person who ordered
    #[arg(long, value_name = "ID")]
    order: Option<String>,
}

/// What else is known of them.
#[derive(clap::Args)]
pub(crate) struct More {
    /// The country of a number without a country code
    #[arg(long, value_name = "REGION")]
    default_country: Option<String>,
    /// An e-mail address of theirs, by which forms are found; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    email: Vec<String>,
}

/// Somebody, as they were named.
pub(crate) struct Named {
    pub(crate) subject: Subject,
    pub(crate) phone: Option<E164Phone>,
}

impl Named {
    pub(crate) fn read(whose: &Whose, more: &More, config: &PrivacyWorkerConfig) -> Result<Self, Failure> {
        let country = more.default_country.as_deref();
        let phone = whose.phone.as_deref().map(|text| show::phone(text, country)).transpose()?;
        let order = whose.order.as_deref().map(|text| people::order(text, &config.shop)).transpose()?;
        let address = |email: &String| {
            let email = email.trim().to_lowercase();
            let wrong = || Failure::Config("--email takes an address like mia@example.com".to_owned());
            if email.contains('@') { Ok(email) } else { Err(wrong()) }
        };
        let subject = Subject {
            phones: phone.iter().cloned().collect(),
            emails: more.email.iter().map(address).collect::<Result<_, _>>()?,
            orders: order.iter().map(|key| key.order).collect(),
            ..Subject::default()
        };
        Ok(Self { subject, phone })
    }

    /// Without the person.
    pub(crate) fn masked(&self) -> String {
        let orders = self.subject.orders.iter().map(|order| format!("order {order}"));
        let phone = self.phone.as_ref().map(people::masked);
        phone.into_iter().chain(orders).collect::<Vec<_>>().join(", ")
    }
}
