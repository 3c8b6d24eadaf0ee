//! What the commands about people share: how somebody is named on a command line, and how they are shown.

use frontdesk_core::{
    config::{self, Function, PrivacyWorkerConfig},
    ids::{OrderId, OrderKey, ShopDomain},
    phone::E164Phone,
    time::UnixMillis,
    webchat::WebchatCode,
};

use crate::{failure::Failure, installation::Installation, setting, show};

/// A number, as it was typed.
#[derive(clap::Args)]
pub(crate) struct Phone {
    /// The number, as it was typed
    #[arg(long, allow_hyphen_values = true, value_name = "TEXT")]
    phone: String,
    /// The country of a number without a country code
    #[arg(long, value_name = "REGION")]
    default_country: Option<String>,
}

impl Phone {
    pub(crate) fn read(&self) -> Result<E164Phone, Failure> {
        show::phone(&self.phone, self.default_country.as_deref())
    }
}

/// Who changes something, as far as they can be known.
#[derive(clap::Args)]
pub(crate) struct Hand {
    /// Why, in a few words; kept with what is recorded
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who says so [default: the user of this machine]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// Longer reasons and names are cut nowhere, they are refused.
const WORDS_MAX: usize = 500;

impl Hand {
    /// Name and reason.
    pub(crate) fn read(&self) -> Result<(String, String), Failure> {
        let user = || setting("USER").or_else(|| setting("LOGNAME"));
        let by = self.by.clone().or_else(user).map(|by| by.trim().to_owned()).filter(|by| !by.is_empty());
        let by = by.ok_or_else(|| Failure::Config("nobody knows who you are: say so with --by".to_owned()))?;
        let reason = self.reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Failure::Config("--reason is empty; say why, in a few words".to_owned()));
        }
        if [&by, &reason].iter().any(|words| words.chars().count() > WORDS_MAX) {
            return Err(Failure::Config(format!("--reason and --by take {WORDS_MAX} characters at most")));
        }
        Ok((by, reason))
    }
}

/// Settings of the whole installation that orders are read with.
pub(crate) fn shop(installation: &Installation) -> Result<PrivacyWorkerConfig, Failure> {
    installation.settings(Function::PrivacyWorker, config::privacy_worker)
}

/// `--order`: Shopify's number of it, or `shop#number`. Another shop's is nobody's here.
pub(crate) fn order(text: &str, shop: &ShopDomain) -> Result<OrderKey, Failure> {
    let text = text.trim();
    let wrong = || {
        Failure::Config(format!(
            "--order {text:?} is neither the number that Shopify's API gives an order, like 5866000000001, nor {shop}#5866000000001"
        ))
    };
    let key = match text.parse::<u64>() {
        Ok(order) => OrderKey { shop: shop.clone(), order: OrderId(order) },
        Err(_) => OrderKey::parse(text).ok_or_else(wrong)?,
    };
    if key.shop != *shop {
        return Err(Failure::Config(format!("--order {text:?} is of another shop; this one is {shop}")));
    }
    Ok(key)
}

/// A table that did not answer has said nothing.
pub(crate) fn unread(error: impl std::error::Error) -> Failure {
    let code = WebchatCode::OptOutStoreUnreachable.as_str();
    Failure::Unreachable(vec![format!("{code}: our record was not read: {error}")])
}

/// The same of a table that has nothing to do with opt-outs.
pub(crate) fn unanswered(error: impl std::error::Error) -> Failure {
    Failure::Unreachable(vec![format!("not read: {error}")])
}

/// All but the last four digits hidden.
pub(crate) fn masked(phone: &E164Phone) -> String {
    let hidden = phone.expose().len() - 1 - phone.last4().len();
    format!("+{}{}", "*".repeat(hidden), phone.last4())
}

/// The same of a key that holds a number.
pub(crate) fn masked_key(key: &str) -> String {
    let phone = |part: &str| E164Phone::parse_e164(part).ok();
    let parts = key.split('#').map(|part| phone(part).map_or_else(|| part.to_owned(), |phone| masked(&phone)));
    parts.collect::<Vec<_>>().join("#")
}

/// A moment for people; a dash where there is none.
pub(crate) fn at(moment: Option<UnixMillis>) -> String {
    moment.and_then(show::iso).unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_its_number_alone_or_with_its_shop() {
        let shop = ShopDomain::try_from("a.myshopify.com").unwrap();
        let key = OrderKey { shop: shop.clone(), order: OrderId(7) };
        for text in ["7", " 7 ", "a.myshopify.com#7"] {
            assert_eq!(order(text, &shop).map_err(|_| ()), Ok(key.clone()), "{text}");
        }
        for text in ["", "#7", "-7", "b.myshopify.com#7", "a.myshopify.com#x", "A1001"] {
            assert!(order(text, &shop).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_are_shown_without_numbers() {
        assert_eq!(masked_key("+61491570156#loc"), "+*******0156#loc");
        assert_eq!(masked_key("review-request#a.b#7"), "review-request#a.b#7");
    }
}
