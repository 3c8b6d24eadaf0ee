//! The ways to reach the shop's people, each with its own credentials: one that is set up wrongly must not silence the others.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use frontdesk_aws::{process::SystemClock, secrets::SecretVault, start::Aws, topic::SnsTopic};
use frontdesk_core::{
    config::NotifierConfig,
    notice::{Channel, Channels, Notice, Untold},
    signature::Secret,
    time::{Clock as _, UnixMillis},
};
use frontdesk_providers::{Http, Notifier, NotifyConfig, Topic};
use serde::Deserialize;

/// The channels that are set up.
#[derive(Debug)]
pub struct NoticeChannels {
    http: Http,
    slack: Option<Kept>,
    webhook: Option<Kept>,
    topic: Option<People>,
    timeout: Duration,
    clock: SystemClock,
    /// Until when a channel wants to be left alone, by every notice that this process tells.
    paused: Mutex<BTreeMap<Channel, UnixMillis>>,
}

impl NoticeChannels {
    pub(crate) fn new(http: Http, aws: &Aws, clock: SystemClock, config: &NotifierConfig) -> Self {
        let kept = |setting, secret: &Option<String>| {
            let vault = |secret: &String| Kept::new(SecretVault::new(aws.secrets(), setting, secret.clone()));
            secret.as_ref().map(vault)
        };
        Self {
            http,
            slack: kept("NOTIFY_SLACK_SECRET_ARN", &config.slack_secret),
            webhook: kept("NOTIFY_WEBHOOK_SECRET_ARN", &config.webhook_secret),
            topic: config.topic.clone().map(|arn| People(SnsTopic::new(aws.sns(), arn))),
            timeout: config.timeout,
            clock,
            paused: Mutex::default(),
        }
    }

    fn paused_for(&self, channel: Channel) -> Option<Duration> {
        let until = self.paused.lock().unwrap_or_else(PoisonError::into_inner).get(&channel).copied()?;
        let now = self.clock.now();
        (until > now).then(|| until.since(now))
    }

    fn note_pause(&self, channel: Channel, told: &Result<(), Untold>) {
        if let Err(Untold::Later { wait: Some(wait), .. }) = told {
            let until = self.clock.now().plus(*wait);
            self.paused.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, until);
        }
    }

    async fn try_once(&self, channel: Channel, notice: &Notice) -> Result<(), Untold> {
        let none = NotifyConfig { slack_url: None, webhook_url: None, webhook_secret: None, timeout: self.timeout };
        let config = match (channel, &self.slack, &self.webhook) {
            (Channel::Slack, Some(kept), _) => NotifyConfig { slack_url: Some(kept.read().await?), ..none },
            (Channel::Webhook, _, Some(kept)) => {
                let WebhookSecret { url, signing_secret } = WebhookSecret::parse(&kept.read().await?)?;
                NotifyConfig { webhook_url: Some(url), webhook_secret: signing_secret, ..none }
            }
            (Channel::Slack | Channel::Webhook | Channel::Sns, _, _) => none,
        };
        self.tell_with(&config, channel, notice).await
    }

    async fn tell_with(&self, config: &NotifyConfig, channel: Channel, notice: &Notice) -> Result<(), Untold> {
        let notifier = Notifier::new(self.http.clone(), config, self.topic.as_ref(), self.clock);
        // The address may be mended within the day for which a notice is tried.
        let notifier = notifier.map_err(|error| later(error.to_string()))?;
        notifier.tell(channel, notice).await
    }
}

impl Channels for NoticeChannels {
    async fn tell(&self, channel: Channel, notice: &Notice) -> Result<(), Untold> {
        if let Some(wait) = self.paused_for(channel) {
            return Err(Untold::Later { wait: Some(wait), detail: "it asked to be left alone".into() });
        }
        let kept = match channel {
            Channel::Slack => self.slack.as_ref(),
            Channel::Webhook => self.webhook.as_ref(),
            Channel::Sns => None,
        };
        let known = kept.is_some_and(Kept::is_known);
        let told = self.try_once(channel, notice).await;
        self.note_pause(channel, &told);
        let (Err(untold), Some(kept)) = (&told, kept) else { return told };
        // It may have been changed since it was read.
        kept.forget();
        match untold {
            Untold::Never { .. } if known => self.try_once(channel, notice).await,
            Untold::Never { .. } | Untold::Later { .. } => told,
        }
    }
}

/// A secret that is read when it is first needed.
#[derive(Debug)]
struct Kept {
    vault: SecretVault,
    value: Mutex<Option<Secret>>,
}

impl Kept {
    const fn new(vault: SecretVault) -> Self {
        Self { vault, value: Mutex::new(None) }
    }

    async fn read(&self) -> Result<Secret, Untold> {
        if let Some(known) = self.value.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(known);
        }
        let text = self.vault.read().await.map_err(|error| later(error.to_string()))?;
        let secret = Secret::new("a channel's secret", text.trim()).map_err(|error| later(error.to_string()))?;
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = Some(secret.clone());
        Ok(secret)
    }

    fn is_known(&self) -> bool {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn forget(&self) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The document of `NOTIFY_WEBHOOK_SECRET_ARN`.
struct WebhookSecret {
    url: Secret,
    signing_secret: Option<Secret>,
}

impl WebhookSecret {
    fn parse(document: &Secret) -> Result<Self, Untold> {
        #[derive(Deserialize)]
        struct Document {
            url: String,
            signing_secret: Option<String>,
        }
        let wrong = || later("NOTIFY_WEBHOOK_SECRET_ARN names a secret that is not a JSON object with a url");
        let Document { url, signing_secret } = serde_json::from_str(document.expose()).map_err(|_| wrong())?;
        let given = signing_secret.filter(|text| !text.trim().is_empty());
        Ok(Self {
            url: Secret::new("url", url.trim()).map_err(|_| wrong())?,
            signing_secret: given.map(|text| Secret::new("signing_secret", text)).transpose().map_err(|_| wrong())?,
        })
    }
}

/// A topic of SNS as a channel.
#[derive(Debug)]
struct People(SnsTopic);

impl Topic for People {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), Untold> {
        self.0.publish(subject, text).await
    }
}

fn later(detail: impl Into<String>) -> Untold {
    Untold::Later { wait: None, detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(document: &str) -> Result<(String, Option<String>), String> {
        let read = WebhookSecret::parse(&Secret::new("test", document).unwrap());
        let shown = |secret: &Secret| secret.expose().to_owned();
        read.map(|s| (shown(&s.url), s.signing_secret.as_ref().map(shown))).map_err(|untold| untold.to_string())
    }

    #[test]
    fn the_webhooks_secret_may_do_without_a_signing_secret_and_not_without_an_address() {
        let address = "https://ops.example/hook".to_owned();
        let whole = parsed(r#"{"url": " https://ops.example/hook ", "signing_secret": "hush"}"#);
        assert_eq!(whole, Ok((address.clone(), Some("hush".to_owned()))));
        for without in
            [r#"{"url": "https://ops.example/hook"}"#, r#"{"url":"https://ops.example/hook","signing_secret":""}"#]
        {
            assert_eq!(parsed(without), Ok((address.clone(), None)), "{without}");
        }
        for wrong in ["https://ops.example/hook", "{}", r#"{"url":""}"#, r#"{"url":7}"#] {
            let said = parsed(wrong).unwrap_err();
            assert!(said.contains("NOTIFY_WEBHOOK_SECRET_ARN") && !said.contains("ops.example"), "{said}");
        }
    }
}
