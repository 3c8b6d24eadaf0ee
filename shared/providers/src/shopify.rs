//! Shopify's Admin API: one order, read again right before its customer is texted, and the list of those that changed.
//!
//! Whatever cannot be read with certainty is no answer: an order whose state is not understood must not look fine.

mod backlog;
pub mod grant;
mod order;
mod setup;

use std::time::Duration;

use frontdesk_core::{
    config::ShopifyApiConfig,
    ids::{OrderId, ShopDomain},
    provider::{NotDone, OrderNow, Orders, Provider},
    time::Clock,
    token::AccessToken,
};
use reqwest::{RequestBuilder, Url, header::HeaderValue};
use serde_json::{Value, json};

pub use self::{backlog::ORDERS_QUERY, setup::SETUP_QUERY};
use crate::{
    BaseUrl, Http, SetupError,
    http::{Answer, Notice},
    token::{AccessTokens, authorized},
};

/// Everything that is asked about an order. Needs the scopes `read_orders` and `read_customers`; with `read_locations` it
/// also sees sales over a counter that another app than Shopify's own took.
///
/// | field | what it decides |
/// |---|---|
/// | `id` | that the answer is about the order that was asked for |
/// | `test` | a test order |
/// | `cancelledAt` | cancelled |
/// | `displayFinancialStatus` | paid, refunded, voided |
/// | `totalRefundedSet` | a refund that leaves the status at `PAID`, such as one of the shipping costs |
/// | `displayFulfillmentStatus` | everything is shipped |
/// | `returnStatus` | a return is asked for or on its way |
/// | `sourceName`, `retailLocation` | sold over a counter |
/// | `purchasingEntity` | bought by a company |
/// | `tags`, `customer.tags` | what the shop's people noted, such as not to ask |
/// | `customer.defaultPhoneNumber` | consent to marketing texts, and the number that it is about |
/// | `shippingAddress` | when it is day where the customer lives |
/// | `fulfillments` | the newest shipment, from which the buffer counts, and when all of it was delivered |
/// | `refunds` | the newest refund, from which a deferral counts |
/// | `updatedAt` | dates the consent, which has no time of its own here |
pub const ORDER_QUERY: &str = "query OrderNow($id: ID!) {
  order(id: $id) {
    id
    test
    cancelledAt
    displayFinancialStatus
    totalRefundedSet { shopMoney { amount } }
    displayFulfillmentStatus
    returnStatus
    sourceName
    retailLocation { id }
    purchasingEntity { __typename }
    tags
    customer { tags defaultPhoneNumber { phoneNumber marketingState } }
    shippingAddress { countryCodeV2 timeZone }
    fulfillments(first: 50) { status createdAt deliveredAt }
    refunds(first: 50) { createdAt }
    updatedAt
  }
}";

/// Shopify's name for a rejection by its own protection, told with a status of its own.
const SECURITY_REJECTION: u16 = 430;

/// Reads orders of one shop.
#[derive(Debug)]
pub struct Shopify<T, C> {
    http: Http,
    shop: ShopDomain,
    endpoint: Url,
    version: String,
    tokens: T,
    clock: C,
}

impl<T: AccessTokens, C: Clock> Shopify<T, C> {
    /// Takes the base URL and the version from the settings. `shop` is the one that the credentials are for.
    ///
    /// # Errors
    /// [`SetupError`] when the URL or the version cannot be used.
    pub fn new(
        http: Http,
        shop: ShopDomain,
        config: &ShopifyApiConfig,
        tokens: T,
        clock: C,
    ) -> Result<Self, SetupError> {
        let base = BaseUrl::parse("SHOPIFY_API_URL", &config.url)?;
        if !is_version(&config.version) {
            return Err(SetupError::new("SHOPIFY_API_VERSION", "is not a version like 2026-10"));
        }
        let endpoint = base.at(&format!("/admin/api/{}/graphql.json", config.version));
        Ok(Self { http, shop, endpoint, version: config.version.clone(), tokens, clock })
    }

    /// Asks a query. The body is that of a 200, and may still hold errors.
    async fn ask(&self, query: &Value) -> Result<Value, NotDone> {
        let make = |token: &AccessToken| self.request(query, token);
        match authorized(&self.tokens, Provider::Shopify, make).await? {
            Ok(answer) => self.body(&answer),
            Err(lost) => Err(unavailable(lost.detail())),
        }
    }

    fn request(&self, query: &Value, token: &AccessToken) -> Result<RequestBuilder, NotDone> {
        let mut header = HeaderValue::from_str(token.secret.expose())
            .map_err(|_| unavailable("the access token cannot stand in a header"))?;
        header.set_sensitive(true);
        let request = self.http.client(Notice::Nobody).post(self.endpoint.clone());
        Ok(request.header("x-shopify-access-token", header).json(query))
    }

    /// The body of a 200.
    fn body(&self, answer: &Answer) -> Result<Value, NotDone> {
        let detail = match answer.status {
            200..=299 => return answer.json().map_err(unavailable),
            429 | 503 | SECURITY_REJECTION => {
                return Err(self.http.throttled(Provider::Shopify, answer.retry_after.as_deref(), self.clock.now()));
            }
            402 | 423 => "the shop is frozen or locked".to_owned(),
            403 => "access denied: the app needs the scopes read_orders and read_customers".to_owned(),
            404 => {
                format!("no Admin API at this URL: check SHOPIFY_SHOP, SHOPIFY_API_URL and version {}", self.version)
            }
            status => format!("status {status}"),
        };
        Err(unavailable(detail))
    }

    /// Errors that come with status 200, which is how GraphQL tells nearly all of them.
    fn refused(&self, body: &Value) -> Result<(), NotDone> {
        let errors = match body.get("errors") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Array(errors)) => errors,
            Some(_) => return Err(unavailable("the query is refused")),
        };
        if errors.iter().any(|error| is(error, "THROTTLED")) {
            return Err(self.http.throttled_for(Provider::Shopify, restored_in(body)));
        }
        match errors.iter().find(|error| !is_dispensable(error)) {
            None => Ok(()),
            Some(error) if is(error, "ACCESS_DENIED") => {
                Err(unavailable(format!("access denied: the app needs the scope {}", scopes(error))))
            }
            Some(error) => {
                let code = error.pointer("/extensions/code").and_then(Value::as_str).and_then(order::word);
                Err(unavailable(format!("the query is refused: {}", code.unwrap_or("no code given"))))
            }
        }
    }
}

impl<T: AccessTokens, C: Clock> Orders for Shopify<T, C> {
    async fn order(&self, shop: &ShopDomain, order: OrderId) -> Result<Option<OrderNow>, NotDone> {
        // The token is good for one shop, and would answer about another shop's order of the same number.
        if *shop != self.shop {
            return Err(unavailable("the order is of another shop than the one that is served"));
        }
        let gid = format!("gid://shopify/Order/{order}");
        let body = self.ask(&json!({ "query": ORDER_QUERY, "variables": { "id": gid } })).await?;
        self.refused(&body)?;
        match body.pointer("/data/order") {
            // Beside an error, even one that does not matter otherwise, null may mean "not for you".
            Some(Value::Null) if !has_errors(&body) => Ok(None),
            Some(found @ Value::Object(_)) => order::read(found, &gid).map(Some).map_err(unavailable),
            _ => Err(unavailable("the answer holds no order, and does not say that there is none")),
        }
    }
}

/// Whether an error is of the kind that `code` names.
fn is(error: &Value, code: &str) -> bool {
    error.pointer("/extensions/code").and_then(Value::as_str) == Some(code)
}

/// Only `retailLocation` needs the scope `read_locations`. `sourceName` tells Shopify's own point of sale without it, so
/// the lack of the scope must not stop every review request.
fn is_dispensable(error: &Value) -> bool {
    let place: Vec<&Value> = error.get("path").and_then(Value::as_array).into_iter().flatten().collect();
    let field = match place.as_slice() {
        [order, field, ..] if *order == "order" => field,
        // Of one of a list: its place in the list stands in between.
        [orders, nodes, _, field, ..] if *orders == "orders" && *nodes == "nodes" => field,
        _ => return false,
    };
    is(error, "ACCESS_DENIED") && *field == "retailLocation"
}

fn has_errors(body: &Value) -> bool {
    body.get("errors").is_some_and(|errors| !errors.is_null() && errors.as_array().is_none_or(|all| !all.is_empty()))
}

/// Until the query's cost is restored.
fn restored_in(body: &Value) -> Option<Duration> {
    let number = |place: &str| body.pointer(&format!("/extensions/cost/{place}")).and_then(Value::as_f64);
    let missing = number("requestedQueryCost")? - number("throttleStatus/currentlyAvailable")?;
    let seconds = missing / number("throttleStatus/restoreRate").filter(|rate| *rate > 0.0)?;
    Duration::try_from_secs_f64(seconds.max(0.0).ceil()).ok()
}

/// The scopes that an error names, such as `read_orders`. Nothing else of its text is taken over.
fn scopes(error: &Value) -> String {
    let text = error.pointer("/extensions/requiredAccess").or_else(|| error.get("message")).and_then(Value::as_str);
    let is_scope = |word: &&str| {
        let plain = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        plain && word.len() <= 40 && (word.starts_with("read_") || word.starts_with("write_"))
    };
    let named: Vec<&str> =
        text.unwrap_or_default().split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).filter(is_scope).collect();
    if named.is_empty() { "that its settings lack (it does not say which)".to_owned() } else { named.join(" ") }
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str, len: usize| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
    text == "unstable" || text.split_once('-').is_some_and(|(year, month)| digits(year, 4) && digits(month, 2))
}

fn unavailable(detail: impl Into<String>) -> NotDone {
    NotDone::unavailable(Provider::Shopify, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(cost: &Value) -> Option<u64> {
        restored_in(&json!({ "extensions": { "cost": cost } })).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_throttled_query_waits_until_its_cost_is_restored() {
        let cost = |requested: f64, available: f64, rate: f64| {
            let throttle = json!({ "currentlyAvailable": available, "restoreRate": rate });
            wait(&json!({ "requestedQueryCost": requested, "throttleStatus": throttle }))
        };
        assert_eq!(cost(9.0, 0.0, 100.0), Some(1));
        assert_eq!(cost(1000.0, 1.0, 100.0), Some(10));
        assert_eq!(cost(9.0, 50.0, 100.0), Some(0));
        assert_eq!(cost(9.0, 0.0, 0.0), None);
        assert_eq!(cost(9.0, 0.0, -1.0), None);
        assert_eq!(wait(&json!({ "requestedQueryCost": 9 })), None);
        assert_eq!(wait(&json!("dear")), None);
    }

    #[test]
    fn an_error_yields_scopes_and_nothing_else_of_its_text() {
        let named = |text: &str| scopes(&json!({ "extensions": { "requiredAccess": text } }));
        assert_eq!(named("`read_orders` access scope."), "read_orders");
        assert_eq!(
            named("`read_orders` access scope or `read_marketplace_orders` access scope."),
            "read_orders read_marketplace_orders"
        );
        assert!(named("call +61491570156").starts_with("that its settings lack"));
    }

    #[test]
    fn versions_are_quarters() {
        for good in ["2026-10", "unstable"] {
            assert!(is_version(good));
        }
        for bad in ["", "2026", "2026-1", "2026-10/../..", "latest"] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
