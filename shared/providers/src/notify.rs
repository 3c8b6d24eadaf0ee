//! Tells notices to the shop's people: Slack, any HTTPS address, a topic.
//!
//! What an answer means for the next attempt:
//!
//! | what came back | Slack | any other address |
//! |---|---|---|
//! | 2xx | told, if the body is `ok`; else later | told |
//! | no connection, no answer, half an answer | later | later |
//! | 408, 429, 5xx | later | later |
//! | 409, 425 | never | later |
//! | any other 4xx, 3xx | never | never |
//!
//! "Never" is what waiting does not change: the address is gone, or what we send is not understood. An address is a secret:
//! whoever knows it can post. So it stands in no error and in no `Debug`.

mod slack;
mod topic;
mod webhook;
mod words;

use std::{fmt, time::Duration};

use frontdesk_core::{
    notice::{Channel, Channels, Notice, Untold},
    signature::Secret,
    time::Clock,
};
use reqwest::{
    RequestBuilder, Url,
    header::{CONTENT_TYPE, RETRY_AFTER},
};

use crate::{
    Http, SetupError,
    http::{self, Lost, address, exchange, head_of, is_loopback},
};

const SLACK_URL: &str = "NOTIFY_SLACK_SECRET_ARN";
const WEBHOOK_URL: &str = "NOTIFY_WEBHOOK_SECRET_ARN";
const TIMEOUT: &str = "NOTIFY_TIMEOUT_MS";
/// Where incoming webhooks live.
const SLACK_HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];

/// Where notices go.
#[derive(Clone, Debug)]
pub struct NotifyConfig {
    /// The address of a Slack incoming webhook.
    pub slack_url: Option<Secret>,
    /// The address that takes notices as JSON.
    pub webhook_url: Option<Secret>,
    /// Signs what goes to [`NotifyConfig::webhook_url`]; without it nothing is signed.
    pub webhook_secret: Option<Secret>,
    /// Longest wait for a whole answer of a channel; five seconds is enough for each.
    pub timeout: Duration,
}

/// A topic that others subscribe to.
pub trait Topic {
    /// Publishes a text. `subject` is one line of less than 100 characters.
    async fn publish(&self, subject: &str, text: &str) -> Result<(), Untold>;
}

impl<T: Topic> Topic for &T {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), Untold> {
        T::publish(self, subject, text).await
    }
}

/// A topic that may not be there.
impl<T: Topic> Topic for Option<T> {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), Untold> {
        match self {
            Some(topic) => topic.publish(subject, text).await,
            None => NoTopic.publish(subject, text).await,
        }
    }
}

/// No topic: nothing can be told there.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTopic;

impl Topic for NoTopic {
    async fn publish(&self, _: &str, _: &str) -> Result<(), Untold> {
        Err(not_set(Channel::Sns))
    }
}

/// Tells notices.
#[derive(Debug)]
pub struct Notifier<S, C> {
    http: Http,
    slack: Option<Address>,
    webhook: Option<Address>,
    webhook_secret: Option<Secret>,
    timeout: Duration,
    topic: S,
    clock: C,
}

/// An address that nobody is to see.
struct Address(Url);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(***)")
    }
}

impl<S: Topic, C: Clock> Notifier<S, C> {
    /// Takes the addresses from the settings. A channel without one tells nothing.
    ///
    /// # Errors
    /// [`SetupError`] when an address cannot be used, or the timeout is zero.
    pub fn new(http: Http, config: &NotifyConfig, topic: S, clock: C) -> Result<Self, SetupError> {
        let slack = config.slack_url.as_ref().map(slack_address).transpose()?;
        let webhook = config.webhook_url.as_ref().map(webhook_address).transpose()?;
        if config.timeout.is_zero() {
            return Err(SetupError::new(TIMEOUT, "must not be zero"));
        }
        let webhook_secret = config.webhook_secret.clone();
        Ok(Self { http, slack, webhook, webhook_secret, timeout: config.timeout, topic, clock })
    }

    async fn tell_slack(&self, notice: &Notice, link: Option<&str>) -> Result<(), Untold> {
        let Some(address) = &self.slack else { return Err(not_set(Channel::Slack)) };
        let request = self.post(address).json(&slack::message(notice, link));
        let answer = exchange(request).await.map_err(|lost| self.lost(address, lost))?;
        let body = answer.text();
        match answer.status {
            200..=299 => match body {
                Ok(body) if slack::is_taken(body) => Ok(()),
                Ok(_) => Err(later(None, format!("status {}, but not ok", answer.status))),
                Err(why) => Err(later(None, format!("status {}, but {why}", answer.status))),
            },
            status => {
                let word = body.ok().and_then(slack::error_word);
                let detail = word.map_or_else(|| format!("status {status}"), |word| format!("status {status}, {word}"));
                let passes = matches!(status, 408 | 429 | 500..=599);
                Err(self.refused(passes, answer.retry_after.as_deref(), detail))
            }
        }
    }

    async fn tell_webhook(&self, notice: &Notice, link: Option<&str>) -> Result<(), Untold> {
        let Some(address) = &self.webhook else { return Err(not_set(Channel::Webhook)) };
        let body = webhook::document(notice, link).to_string().into_bytes();
        let request = self.post(address).header(CONTENT_TYPE, "application/json");
        let mut request = request.header(webhook::IDEMPOTENCY_KEY, webhook::idempotency_key(notice).as_ref());
        let secret = self.webhook_secret.as_ref();
        if let Some(signature) = secret.and_then(|secret| webhook::signature(secret, &body, self.clock.now())) {
            request = request.header(webhook::SIGNATURE, signature);
        }
        // The status says it all, so no body is waited for.
        let head = head_of(request.body(body)).await.map_err(|lost| self.lost(address, lost))?;
        match head.status {
            200..=299 => Ok(()),
            // 409: the same notice is being taken at this moment.
            status => {
                let passes = matches!(status, 408 | 409 | 425 | 429 | 500..=599);
                Err(self.refused(passes, head.text(RETRY_AFTER), format!("status {status}")))
            }
        }
    }

    /// People notice what is told twice, so the connection is a new one.
    fn post(&self, address: &Address) -> RequestBuilder {
        self.http.client(http::Notice::Customer).post(address.0.clone()).timeout(self.timeout)
    }

    fn refused(&self, passes: bool, wait: Option<&str>, detail: String) -> Untold {
        if passes {
            later(wait.map(|wait| self.http.wait(Some(wait), self.clock.now())), detail)
        } else {
            Untold::Never { detail }
        }
    }

    /// The root cause of a broken connection may name the host, which is half of the address.
    fn lost(&self, address: &Address, lost: Lost) -> Untold {
        let detail = lost.detail();
        let named = address.0.host_str().is_some_and(|host| detail.contains(host));
        later(None, if named { "no connection".to_owned() } else { detail })
    }
}

impl<S: Topic, C: Clock> Channels for Notifier<S, C> {
    async fn tell(&self, channel: Channel, notice: &Notice) -> Result<(), Untold> {
        let link = notice.content.link.as_deref().and_then(link);
        match channel {
            Channel::Slack => self.tell_slack(notice, link.as_deref()).await,
            Channel::Webhook => self.tell_webhook(notice, link.as_deref()).await,
            Channel::Sns => self.topic.publish(&topic::subject(notice), &topic::text(notice, link.as_deref())).await,
        }
    }
}

/// Anywhere else than at Slack a message in Slack's form would be lost, and the address shown to a stranger.
fn slack_address(url: &Secret) -> Result<Address, SetupError> {
    let url = address(SLACK_URL, url.expose())?;
    let host = url.host_str().unwrap_or_default();
    let is_slack = SLACK_HOSTS.contains(&host) || url.scheme() == "http" && is_loopback(host);
    if !is_slack {
        return Err(SetupError::new(SLACK_URL, "is not an address of Slack's, https://hooks.slack.com/services/…"));
    }
    Ok(Address(url))
}

fn webhook_address(url: &Secret) -> Result<Address, SetupError> {
    address(WEBHOOK_URL, url.expose()).map(Address)
}

/// An address that people may open: HTTPS, and nothing that looks like another host.
fn link(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    (plain && url.host_str().is_some_and(|host| !host.is_empty())).then(|| url.into())
}

fn not_set(channel: Channel) -> Untold {
    Untold::Never { detail: format!("nothing is set for the channel {}", channel.as_str()) }
}

fn later(wait: Option<Duration>, detail: impl Into<String>) -> Untold {
    Untold::Later { wait, detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use frontdesk_core::{
        notice::{Content, NoticeKey, NoticeKind},
        time::{DAY, UnixMillis},
    };

    use super::*;

    pub(super) fn notice() -> Notice {
        let fact = |label: &str, value: &str| (label.to_owned(), value.to_owned());
        let opened_at = UnixMillis::new(1_772_000_000_000);
        Notice {
            key: NoticeKey::new(NoticeKind::BadReview, "rev_1"),
            kind: NoticeKind::BadReview,
            content: Content {
                headline: "A bad review: 1 of 5 stars".into(),
                facts: vec![fact("Location", "Burleigh & Co"), fact("Rating", "1")],
                quote: Some("Never arrived".into()),
                link: None,
                action: "Answer within a day.".into(),
            },
            about: vec!["rev_1".into()],
            opened_at,
            expires_at: opened_at.plus(DAY),
        }
    }

    #[test]
    fn only_slack_is_slack() {
        let refused = |url: &str| slack_address(&Secret::new("url", url).unwrap()).err().map(|error| error.to_string());
        for good in [
            "https://hooks.slack.com/services/T/B/x",
            "https://hooks.slack-gov.com/services/T/B/x",
            "http://127.0.0.1:8788/slack/services/T/B/x",
        ] {
            assert_eq!(refused(good), None, "{good}");
        }
        for bad in [
            "https://hooks.slack.com.evil.example/services/T/B/hunter2",
            "https://evil.example/hunter2",
            "http://hooks.slack.com/hunter2",
            "https://a:hunter2@hooks.slack.com/",
            "hunter2",
        ] {
            let error = refused(bad).unwrap();
            assert!(error.starts_with("NOTIFY_SLACK_SECRET_ARN ") && !error.contains("hunter2"), "{bad}: {error}");
        }
    }

    #[test]
    fn only_web_pages_are_linked() {
        assert_eq!(link(" https://a.example/x?y=1 ").as_deref(), Some("https://a.example/x?y=1"));
        assert_eq!(link("https://a.example/<!here>").as_deref(), Some("https://a.example/%3C!here%3E"));
        for bad in ["http://a.example", "javascript:alert(1)", "https://a@b.example", "a.example", "", "https://"] {
            assert_eq!(link(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_address_is_not_shown() {
        let address = webhook_address(&Secret::new("url", "https://a.example/hunter2").unwrap()).unwrap();
        assert_eq!(format!("{address:?}"), "Address(***)");
    }
}
