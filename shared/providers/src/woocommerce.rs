//! Products of a WooCommerce shop: by its Store API, which needs no key and shows what everybody may see, or by its REST
//! API.
//!
//! The Store API looks for the whole query as one piece of a product's name. Nobody names products so, and a model asks
//! in several words; so when there is nothing by that piece, its words are looked for one by one, and what has most of
//! them comes first.

mod text;
mod words;

use std::time::Duration;

use frontdesk_core::{
    agent::{Catalogue, ProductQuery},
    config::{CatalogueConfig, CatalogueKind},
    outbound::{PRODUCTS_MAX, Product, Stock},
    provider::{NotDone, Provider},
    signature::Secret,
    time::{Clock, UnixMillis},
};
use reqwest::Url;
use serde_json::Value;

use self::text::plain;
use crate::{
    BaseUrl, CredentialVault, Http, SetupError,
    http::{Answer, Notice, exchange},
    json,
    kept::{Kept, field},
};

const URL: &str = "WOOCOMMERCE_URL";
/// Of a product, and of each of their lists of values.
const ATTRIBUTES_MAX: usize = 8;
const TITLE_CHARS_MAX: usize = 200;
const NAME_CHARS_MAX: usize = 60;
const VALUES_CHARS_MAX: usize = 200;
const URL_BYTES_MAX: usize = 1_000;
/// Longer queries are no queries.
const QUERY_CHARS_MAX: usize = 120;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Keys {
    key: Secret,
    secret: Secret,
}

impl Keys {
    fn read(document: &Secret) -> Result<Self, &'static str> {
        let document: Value = serde_json::from_str(document.expose()).map_err(|_| "are not a JSON object")?;
        let key = field(&document, "consumer_key").ok_or("have no consumer_key")?;
        Ok(Self { key, secret: field(&document, "consumer_secret").ok_or("have no consumer_secret")? })
    }
}

#[derive(Debug)]
enum Api<V> {
    Store,
    Rest { keys: Kept<V, Keys>, currency: String },
}

/// A WooCommerce shop.
#[derive(Debug)]
pub struct WooCommerce<V, C> {
    http: Http,
    base: BaseUrl,
    api: Api<V>,
    timeout: Duration,
    clock: C,
}

impl<V: CredentialVault, C: Clock> WooCommerce<V, C> {
    /// Takes URL, API and timeout from the settings. The REST API needs a vault, which holds
    /// `{"consumer_key", "consumer_secret"}`.
    ///
    /// # Errors
    /// [`SetupError`] when the URL cannot be used, or there is no vault for the API that needs one.
    pub fn new(http: Http, config: &CatalogueConfig, vault: Option<V>, clock: C) -> Result<Self, SetupError> {
        let base = BaseUrl::parse(URL, &config.url)?;
        let api = match (&config.kind, vault) {
            (CatalogueKind::StoreApi, _) => Api::Store,
            (CatalogueKind::Rest { currency, .. }, Some(vault)) => {
                Api::Rest { keys: Kept::new(vault, Keys::read), currency: currency.clone() }
            }
            (CatalogueKind::Rest { .. }, None) => {
                return Err(SetupError::new("WOOCOMMERCE_SECRET_ARN", "is needed for the REST API"));
            }
        };
        Ok(Self { http, base, api, timeout: config.timeout, clock })
    }

    /// What one search finds, with its prices checked.
    async fn find(&self, text: &str, query: &ProductQuery, until: UnixMillis) -> Result<Vec<Product>, NotDone> {
        let url = self.url(text, query, None);
        let found = self.list(url, until).await?;
        let fitting = |products: Vec<Product>| products.into_iter().filter(|product| fits(product, query)).collect();
        let fit: Vec<Product> = fitting(found.products);
        // In the Store API's query a price is so many of the currency's smallest unit, and only an answer says of which.
        match (query.price_max, found.decimals) {
            (Some(_), Some(decimals)) if fit.len() < found.listed && found.listed >= PRODUCTS_MAX => {
                let again = self.list(self.url(text, query, Some(decimals)), until).await?;
                Ok(fitting(again.products))
            }
            _ => Ok(fit),
        }
    }

    fn url(&self, text: &str, query: &ProductQuery, decimals: Option<u32>) -> Url {
        let price_max = |scale: u32| Some(query.price_max?.checked_mul(10_u64.checked_pow(scale)?)?.to_string());
        let per_page = PRODUCTS_MAX.to_string();
        let mut pairs: Vec<(&str, String)> = Vec::new();
        let path = match self.api {
            Api::Store => {
                // What a visitor's own search would show.
                pairs.push(("catalog_visibility", "search".into()));
                pairs.extend(query.in_stock.then(|| ("stock_status[]", "instock".into())));
                pairs.extend(decimals.and_then(price_max).map(|price| ("max_price", price)));
                "/wp-json/wc/store/v1/products"
            }
            Api::Rest { .. } => {
                // The default would show drafts.
                pairs.push(("status", "publish".into()));
                pairs.extend(query.in_stock.then(|| ("stock_status", "instock".into())));
                pairs.extend(price_max(0).map(|price| ("max_price", price)));
                "/wp-json/wc/v3/products"
            }
        };
        pairs.push(("per_page", per_page));
        pairs.extend((!text.is_empty()).then(|| ("search", text.to_owned())));
        let mut url = self.base.at(path);
        url.query_pairs_mut().extend_pairs(pairs);
        url
    }

    async fn list(&self, url: Url, until: UnixMillis) -> Result<Found, NotDone> {
        let answer = self.ask(&url, until).await?;
        let is_json = answer.content_type.as_deref().is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
        match answer.status {
            200..=299 if is_json => {}
            200..=299 => return Err(unavailable("a page instead of products: is something in front of the API?")),
            429 | 503 => {
                let now = self.clock.now();
                return Err(self.http.throttled(Provider::Catalogue, answer.retry_after.as_deref(), now));
            }
            status => return Err(unavailable(format!("status {status}"))),
        }
        let body = answer.json().map_err(unavailable)?;
        let listed = body.as_array().ok_or_else(|| unavailable("the answer is no list"))?;
        let product = |value| match &self.api {
            Api::Store => store_product(value),
            Api::Rest { currency, .. } => rest_product(value, currency),
        };
        let decimals = listed.iter().find_map(|value| decimals(value.get("prices")?));
        Ok(Found { listed: listed.len(), decimals, products: listed.iter().filter_map(product).collect() })
    }

    async fn ask(&self, url: &Url, until: UnixMillis) -> Result<Answer, NotDone> {
        let keys = match &self.api {
            Api::Store => None,
            Api::Rest { keys, .. } => Some((keys, keys.get().await.map_err(|none| unavailable(none.detail()))?)),
        };
        let answer = self.attempt(url, keys.as_ref().map(|(_, keys)| keys), until).await?;
        match keys {
            Some((kept, used)) if answer.status == 401 => match kept.instead_of(&used).await {
                Ok(Some(fresh)) => self.attempt(url, Some(&fresh), until).await,
                Ok(None) | Err(_) => Ok(answer),
            },
            _ => Ok(answer),
        }
    }

    async fn attempt(&self, url: &Url, keys: Option<&Keys>, until: UnixMillis) -> Result<Answer, NotDone> {
        let left = until.since(self.clock.now());
        if left.is_zero() {
            return Err(unavailable("no answer in time"));
        }
        let mut request = self.http.client(Notice::Nobody).get(url.clone()).timeout(left);
        if let Some(keys) = keys {
            request = request.basic_auth(keys.key.expose(), Some(keys.secret.expose()));
        }
        exchange(request).await.map_err(|lost| unavailable(lost.detail()))
    }
}

impl<V: CredentialVault, C: Clock> Catalogue for WooCommerce<V, C> {
    async fn search(&self, query: &ProductQuery) -> Result<Option<Vec<Product>>, NotDone> {
        let until = self.clock.now().plus(self.timeout);
        let text: String = query.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text: String = text.chars().take(QUERY_CHARS_MAX).collect();
        let mut products = self.find(&text, query, until).await?;
        if products.is_empty() {
            let words = words::of(&text);
            // A single word that was looked for already is not looked for again.
            for word in words.iter().filter(|word| **word != text.to_lowercase()) {
                let found = match self.find(word, query, until).await {
                    Ok(found) => found,
                    Err(error) if products.is_empty() => return Err(error),
                    // Something was found, and that is better than nothing.
                    Err(_) => break,
                };
                for product in found {
                    if !products.iter().any(|known: &Product| known.id == product.id) {
                        products.push(product);
                    }
                }
            }
            products.sort_by_key(|product| std::cmp::Reverse(words::in_title(&words, &product.title)));
        }
        products.truncate(PRODUCTS_MAX);
        Ok(Some(products))
    }

    fn is_open(&self) -> bool {
        true
    }
}

/// A shop, or none.
#[derive(Debug)]
pub enum AnyCatalogue<V, C> {
    /// There is no shop to ask.
    None,
    /// A WooCommerce shop.
    WooCommerce(Box<WooCommerce<V, C>>),
}

impl<V: CredentialVault, C: Clock> Catalogue for AnyCatalogue<V, C> {
    async fn search(&self, query: &ProductQuery) -> Result<Option<Vec<Product>>, NotDone> {
        match self {
            Self::None => Ok(None),
            Self::WooCommerce(shop) => shop.search(query).await,
        }
    }

    fn is_open(&self) -> bool {
        match self {
            Self::None => false,
            Self::WooCommerce(shop) => shop.is_open(),
        }
    }
}

/// A page of products.
struct Found {
    /// So many were on it, whatever came of them.
    listed: usize,
    /// Of the currency, where the products say.
    decimals: Option<u32>,
    products: Vec<Product>,
}

/// The shop's own filters are asked for too; prices with their taxes, and shops with their caches, are checked here.
fn fits(product: &Product, query: &ProductQuery) -> bool {
    let stocked = !query.in_stock || product.stock == Stock::InStock;
    let price = product.price.as_deref();
    stocked && query.price_max.is_none_or(|max| price.is_some_and(|price| text::at_most(price, max)))
}

fn store_product(value: &Value) -> Option<Product> {
    let prices = value.get("prices")?;
    let decimals = decimals(prices)?;
    let range = prices.get("price_range").filter(|range| range.is_object());
    let bound = |name| range.and_then(|range| range.get(name)).and_then(minor);
    let from = bound("min_amount").is_some() && bound("min_amount") != bound("max_amount");
    let amount = bound("min_amount").or_else(|| prices.get("price").and_then(minor));
    let is = |name| value.get(name).and_then(Value::as_bool).unwrap_or(false);
    // A product without a price costs "0" there, and cannot be bought.
    let amount = amount.filter(|amount| *amount > 0 || is("is_purchasable"));
    let stock = match (is("is_on_backorder"), is("is_in_stock")) {
        (true, _) => Stock::OnBackorder,
        (false, true) => Stock::InStock,
        (false, false) => Stock::OutOfStock,
    };
    let attributes = json::items(value, "attributes").filter_map(|attribute| {
        let values = json::items(attribute, "terms").filter_map(|term| term.get("name")?.as_str());
        pair(attribute, values)
    });
    Some(Product {
        id: id(value)?,
        title: title(value)?,
        price: amount.map(|amount| text::major(amount, decimals)),
        currency: currency(prices.get("currency_code")?.as_str()?)?,
        price_from: from,
        stock,
        attributes: attributes.take(ATTRIBUTES_MAX).collect(),
        url: link(value.get("permalink"))?,
        image: image(value),
    })
}

fn rest_product(value: &Value, code: &str) -> Option<Product> {
    let word = |name| value.get(name).and_then(Value::as_str);
    let shown = matches!(word("status"), None | Some("publish")) && word("catalog_visibility") != Some("hidden");
    if !shown {
        return None;
    }
    let stock = match word("stock_status") {
        Some("instock") => Stock::InStock,
        Some("onbackorder") => Stock::OnBackorder,
        Some(_) | None => Stock::OutOfStock,
    };
    let attributes = json::items(value, "attributes")
        .filter_map(|attribute| pair(attribute, json::items(attribute, "options").filter_map(Value::as_str)));
    Some(Product {
        id: id(value)?,
        title: title(value)?,
        price: word("price").and_then(text::decimal),
        currency: currency(code)?,
        // What is shown of these is the lowest.
        price_from: matches!(word("type"), Some("variable" | "grouped")),
        stock,
        attributes: attributes.take(ATTRIBUTES_MAX).collect(),
        url: link(value.get("permalink"))?,
        image: image(value),
    })
}

fn id(value: &Value) -> Option<String> {
    value.get("id")?.as_u64().map(|id| id.to_string())
}

fn title(value: &Value) -> Option<String> {
    let title = plain(value.get("name")?.as_str()?, TITLE_CHARS_MAX);
    (!title.is_empty()).then_some(title)
}

fn currency(code: &str) -> Option<String> {
    (code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())).then(|| code.to_owned())
}

fn decimals(prices: &Value) -> Option<u32> {
    let decimals = prices.get("currency_minor_unit")?.as_u64()?;
    u32::try_from(decimals).ok().filter(|decimals| *decimals <= 6)
}

/// An amount in the currency's smallest unit: digits in a text, or a number.
fn minor(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn pair<'a>(attribute: &Value, values: impl Iterator<Item = &'a str>) -> Option<(String, String)> {
    let name = plain(attribute.get("name")?.as_str()?, NAME_CHARS_MAX);
    let values: Vec<String> = values.map(|value| plain(value, NAME_CHARS_MAX)).filter(|v| !v.is_empty()).collect();
    let values: String = values.join(", ").chars().take(VALUES_CHARS_MAX).collect();
    (!name.is_empty() && !values.is_empty()).then_some((name, values))
}

fn image(value: &Value) -> Option<String> {
    link(value.pointer("/images/0/src"))
}

/// An absolute address of a page or a picture.
fn link(value: Option<&Value>) -> Option<String> {
    let url = Url::parse(value?.as_str()?.trim()).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.host_str().is_some();
    let text = String::from(url.clone());
    (plain && matches!(url.scheme(), "http" | "https") && text.len() <= URL_BYTES_MAX).then_some(text)
}

fn unavailable(detail: impl Into<String>) -> NotDone {
    NotDone::unavailable(Provider::Catalogue, detail)
}
