//! Failing on command.
//!
//! A rule says which calls it is for and what happens to them. The interesting failures are the ones in which the provider
//! *acts* and the caller never learns of it, so every action says clearly on which side of the act it happens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::requests::Provider;

/// Which calls a rule is for. Everything given must hold; an empty match is for every provider call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// `podium`, `shopify`, `attachments`, `slack`, `webhook`, `sns`, `chatwoot`, `ai` or `shop`.
    pub provider: Option<Provider>,
    /// `POST`; upper or lower case.
    pub method: Option<String>,
    /// Start of the path as the provider sees it: `/v4/messages`, `/admin/oauth`. The mount point may be given too.
    pub path_prefix: Option<String>,
    /// The person the call is about, in E.164: from the body, the query, the path, or the conversation in the path.
    pub phone: Option<String>,
    /// Text that the path, query or body must contain: an order id, a campaign.
    pub contains: Option<String>,
    /// First matching call to act on, counted from 1.
    pub nth: Option<u64>,
}

/// How often a rule acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// This often, then the rule is spent.
    Count(u64),
    /// Until it is deleted: the word `forever`.
    Forever(Forever),
}

/// The word `forever`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forever {
    /// `"forever"`
    Forever,
}

impl Times {
    /// Until the rule is deleted.
    pub const FOREVER: Self = Self::Forever(Forever::Forever);
}

impl Default for Times {
    fn default() -> Self {
        Self::Count(1)
    }
}

/// Provider answers with a fixed shape that would be tedious to spell out in every rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Canned {
    /// GraphQL's usual throttling: status 200 and `errors[].extensions.code == "THROTTLED"`.
    #[serde(rename = "shopify_throttled_200")]
    ShopifyThrottled200,
    /// The other form: status 429 with `Retry-After: 2.0`.
    #[serde(rename = "shopify_throttled_429")]
    ShopifyThrottled429,
    /// `ACCESS_DENIED` with `data.order: null`, status 200.
    ShopifyAccessDenied,
    /// Podium's published 429: no `Retry-After`.
    PodiumRateLimit,
    /// The briefs' 429: `{"error": "rate_limited"}` with `Retry-After: 2`.
    PodiumRateLimitBrief,
    /// Slack's 429: `rate_limited` with `Retry-After: 1`.
    SlackRateLimited,
    /// 410: somebody archived the channel.
    SlackChannelIsArchived,
    /// 404: the webhook was removed.
    SlackNoService,
    /// 500 `rollup_error`.
    SlackServerError,
    /// 404 `NotFound`: there is no such topic.
    SnsNotFound,
    /// 403 `AuthorizationError`.
    SnsAuthorizationError,
    /// 400 `Throttling`.
    SnsThrottled,
    /// 500 `InternalError`.
    SnsInternalError,
    /// 429 of the one that counts requests before Chatwoot: text, and no `Retry-After`.
    ChatwootRateLimited,
    /// 422: too many messages in this conversation within a minute.
    ChatwootFlood,
    /// 502 of a proxy before Chatwoot, in HTML.
    ChatwootBadGateway,
    /// 500 in HTML, as Rails writes it.
    ChatwootServerError,
    /// OpenAI's 429 for want of money: `credit_balance_exhausted`.
    OpenaiMoneyGone,
    /// OpenAI's 429 `rate_limit_exceeded` with `Retry-After: 1`.
    OpenaiRateLimited,
    /// OpenAI's 500.
    OpenaiServerError,
    /// OpenAI's 404 `model_not_found`.
    OpenaiModelNotFound,
    /// Anthropic's 402 `billing_error`.
    AnthropicMoneyGone,
    /// Anthropic's 429 with `enforced_spend_limit_reached`.
    AnthropicSpendLimit,
    /// Anthropic's 429 `rate_limit_error` with `retry-after: 1`.
    AnthropicRateLimited,
    /// Anthropic's 529 `overloaded_error`.
    AnthropicOverloaded,
    /// Bedrock's 429 `ThrottlingException`.
    BedrockThrottled,
    /// 401 `woocommerce_rest_cannot_view`.
    ShopCannotView,
    /// 200, and a web page instead of JSON: a security plugin's.
    ShopHtml,
}

/// What happens to a call. Delays combine with anything; of the rest, at most one may be given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Action {
    /// Waits before anything else. The call still acts if its caller has left by then.
    pub delay_ms: u64,
    /// Acts first, then waits before answering.
    pub reply_delay_ms: u64,
    /// Answers this instead of acting.
    pub status: Option<u16>,
    /// Headers of that answer.
    pub headers: BTreeMap<String, String>,
    /// Body of that answer: a string as it is, anything else as JSON.
    pub body: Option<Value>,
    /// Answers one of the providers' own refusals instead of acting.
    pub canned: Option<Canned>,
    /// With `status` or `canned`: acts first, and answers that all the same.
    pub after_acting: bool,
    /// Acts, writes the ledger, and closes the connection without a byte of answer.
    pub drop_reply_after_acting: bool,
    /// Closes the connection without acting.
    pub close_before_acting: bool,
    /// Acts, promises the whole answer, and closes after half of it.
    pub truncate: bool,
}

/// One rule: for these calls, this often, do this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Which calls.
    #[serde(rename = "match", default)]
    pub matching: Match,
    /// How often; once, unless given.
    #[serde(default)]
    pub times: Times,
    /// What happens to them.
    pub action: Action,
}

impl FaultRule {
    /// Reads a rule as the control API takes it.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type, or the actions exclude each other.
    pub fn from_json(value: Value) -> Result<Self, String> {
        let rule: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        rule.check()?;
        Ok(rule)
    }

    /// Refuses rules that do nothing or two things at once: a test with such a rule would prove something else.
    pub(super) fn check(&self) -> Result<(), String> {
        let action = &self.action;
        let ends = [
            action.status.is_some(),
            action.canned.is_some(),
            action.drop_reply_after_acting,
            action.close_before_acting,
            action.truncate,
        ];
        let count = ends.iter().filter(|given| **given).count();
        let answers = action.status.is_some() || action.canned.is_some();
        if count > 1 {
            return Err("give one of status, canned, drop_reply_after_acting, close_before_acting, truncate".to_owned());
        }
        if count == 0 && action.delay_ms == 0 && action.reply_delay_ms == 0 {
            return Err("the action does nothing".to_owned());
        }
        if action.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return Err("status must be 200 to 599".to_owned());
        }
        if action.status.is_none() && (action.body.is_some() || !action.headers.is_empty()) {
            return Err("headers and body need a status".to_owned());
        }
        if action.after_acting && !answers {
            return Err("after_acting needs status or canned".to_owned());
        }
        if self.matching.nth == Some(0) {
            return Err("nth counts from 1".to_owned());
        }
        Ok(())
    }
}

/// What the matcher sees of a call.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) provider: Provider,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) body: &'a str,
    pub(super) phone: Option<&'a str>,
}

impl Match {
    fn fits(&self, call: &Call<'_>) -> bool {
        let prefix = self.path_prefix.as_deref().unwrap_or_default();
        let prefix = prefix.strip_prefix(call.provider.mount()).unwrap_or(prefix);
        let text = self.contains.as_deref().unwrap_or_default();
        self.provider.is_none_or(|provider| provider == call.provider)
            && self.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(call.method))
            && call.path.starts_with(prefix)
            && (self.phone.is_none() || self.phone.as_deref() == call.phone)
            && [call.path, call.query, call.body].iter().any(|part| part.contains(text))
    }
}

/// A rule as it stands: how many calls it saw, how many it acted on.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Standing {
    pub(super) id: u64,
    pub(super) seen: u64,
    pub(super) fired: u64,
    #[serde(flatten)]
    rule: FaultRule,
}

impl Standing {
    fn ready(&self) -> bool {
        let left = match self.rule.times {
            Times::Count(times) => self.fired < times,
            Times::Forever(_) => true,
        };
        left && self.seen >= self.rule.matching.nth.unwrap_or(1)
    }
}

/// All rules, oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Standing>,
    last_id: u64,
}

impl Faults {
    pub(super) fn add(&mut self, rule: FaultRule) -> u64 {
        self.last_id += 1;
        self.rules.push(Standing { id: self.last_id, seen: 0, fired: 0, rule });
        self.last_id
    }

    pub(super) fn list(&self) -> &[Standing] {
        &self.rules
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(super) fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|standing| standing.id != id);
        self.rules.len() < before
    }

    /// Counts the call on every rule that it fits, and picks the oldest that is ready to act.
    pub(super) fn take(&mut self, call: &Call<'_>) -> Option<(u64, Action)> {
        let mut taken = None;
        for standing in self.rules.iter_mut().filter(|standing| standing.rule.matching.fits(call)) {
            standing.seen += 1;
            if taken.is_none() && standing.ready() {
                standing.fired += 1;
                taken = Some((standing.id, standing.rule.action.clone()));
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call<'a>(method: &'a str, path: &'a str, phone: Option<&'a str>) -> Call<'a> {
        Call { provider: Provider::Podium, method, path, query: "", body: "order 77", phone }
    }

    fn fired(rule: Value, calls: &[Call<'_>]) -> Vec<bool> {
        let mut faults = Faults::default();
        faults.add(FaultRule::from_json(rule).unwrap());
        calls.iter().map(|call| faults.take(call).is_some()).collect()
    }

    #[test]
    fn a_rule_is_for_what_it_names() {
        let calls = [
            call("POST", "/v4/messages", Some("+61491570156")),
            call("POST", "/v4/messages", Some("+61491570157")),
            call("GET", "/v4/messages", Some("+61491570156")),
            call("POST", "/v4/contacts", Some("+61491570156")),
        ];
        let rule = json!({
            "match": {"method": "post", "path_prefix": "/podium/v4/messages", "phone": "+61491570156", "contains": "77"},
            "times": "forever",
            "action": {"status": 500},
        });
        assert_eq!(fired(rule, &calls), [true, false, false, false]);
    }

    #[test]
    fn nth_says_where_to_start_and_times_how_often() {
        let calls: Vec<_> = (0..5).map(|_| call("POST", "/v4/messages", None)).collect();
        let rule = json!({"match": {"nth": 2}, "times": 2, "action": {"close_before_acting": true}});
        assert_eq!(fired(rule, &calls), [false, true, true, false, false]);
    }

    #[test]
    fn rules_that_prove_nothing_are_refused() {
        for action in [
            json!({}),
            json!({"status": 500, "truncate": true}),
            json!({"body": {}}),
            json!({"after_acting": true, "delay_ms": 5}),
            json!({"status": 99}),
            json!({"stauts": 500}),
        ] {
            assert!(FaultRule::from_json(json!({"action": action})).is_err(), "{action}");
        }
    }
}
