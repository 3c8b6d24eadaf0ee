//! Secrets: whether they were filled in, and with something that can be used. No value comes this far.

use std::time::Duration;

use super::{Finding, Group, Looked, span};
use crate::{flow::health::Made, time::UnixMillis};

/// A secret, by readiness's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretName {
    /// Signs Shopify's webhooks.
    ShopifyWebhook,
    /// Of Shopify's Admin API.
    ShopifyAdmin,
    /// Signs Podium's webhooks.
    PodiumWebhook,
    /// Of Podium's API.
    PodiumOauth,
    /// Signs Chatwoot's webhooks.
    ChatwootWebhook,
    /// Of Chatwoot's API.
    ChatwootApi,
    /// Of the model.
    Agent,
    /// Of the service that writes down voice messages.
    Speech,
    /// Of the shop's catalogue.
    Woocommerce,
    /// The address of a Slack webhook.
    NotifySlack,
    /// The address of another webhook.
    NotifyWebhook,
    /// Seals what travels through browsers.
    Web,
    /// The key of the hashes of erased people.
    Pepper,
}

impl SecretName {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::ShopifyWebhook,
        Self::ShopifyAdmin,
        Self::PodiumWebhook,
        Self::PodiumOauth,
        Self::ChatwootWebhook,
        Self::ChatwootApi,
        Self::Agent,
        Self::Speech,
        Self::Woocommerce,
        Self::NotifySlack,
        Self::NotifyWebhook,
        Self::Web,
        Self::Pepper,
    ];

    /// Readiness's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShopifyWebhook => "shopify-webhook",
            Self::ShopifyAdmin => "shopify-admin",
            Self::PodiumWebhook => "podium-webhook",
            Self::PodiumOauth => "podium-oauth",
            Self::ChatwootWebhook => "chatwoot-webhook",
            Self::ChatwootApi => "chatwoot-api",
            Self::Agent => "agent",
            Self::Speech => "speech",
            Self::Woocommerce => "woocommerce",
            Self::NotifySlack => "notify-slack",
            Self::NotifyWebhook => "notify-webhook",
            Self::Web => "web",
            Self::Pepper => "pepper",
        }
    }

    /// Reads [`SecretName::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// The setting that names it.
    #[must_use]
    pub const fn setting(self) -> &'static str {
        match self {
            Self::ShopifyWebhook => "SHOPIFY_WEBHOOK_SECRET_ARN",
            Self::ShopifyAdmin => "SHOPIFY_ADMIN_SECRET_ARN",
            Self::PodiumWebhook => "PODIUM_WEBHOOK_SECRET_ARN",
            Self::PodiumOauth => "PODIUM_OAUTH_SECRET_ARN",
            Self::ChatwootWebhook => "CHATWOOT_WEBHOOK_SECRET_ARN",
            Self::ChatwootApi => "CHATWOOT_API_SECRET_ARN",
            Self::Agent => "AGENT_SECRET_ARN",
            Self::Speech => "SPEECH_SECRET_ARN",
            Self::Woocommerce => "WOOCOMMERCE_SECRET_ARN",
            Self::NotifySlack => "NOTIFY_SLACK_SECRET_ARN",
            Self::NotifyWebhook => "NOTIFY_WEBHOOK_SECRET_ARN",
            Self::Web => "WEB_SECRET_ARN",
            Self::Pepper => "FRONTDESK_PEPPER_SECRET_ARN",
        }
    }

    /// How the template makes it, where no other is named.
    #[must_use]
    pub const fn made(self) -> Made {
        match self {
            Self::ShopifyWebhook | Self::ShopifyAdmin | Self::PodiumWebhook | Self::PodiumOauth => Made::ToFill,
            Self::ChatwootWebhook | Self::ChatwootApi => Made::Optional,
            Self::Agent
            | Self::Speech
            | Self::Woocommerce
            | Self::NotifySlack
            | Self::NotifyWebhook
            | Self::Web
            | Self::Pepper => Made::Whole,
        }
    }

    /// What belongs together: its word up to the first hyphen.
    fn family(self) -> &'static str {
        self.as_str().split('-').next().unwrap_or_default()
    }
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// As the template made it.
    Placeholder,
    /// White space only.
    Empty,
    /// Not of the form that its reader wants; what it wants. Never a part of the value.
    Form(String),
}

/// What is known of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFacts {
    /// Whether its value can be used. `Forbidden`: whoever asked may not read it.
    pub value: Looked<Result<(), Fault>>,
    /// Of a secret that signs: whether two values count.
    pub two_count: bool,
    /// Whether a value waits to become the current one.
    pub pending: bool,
    /// Whether it is about to be deleted.
    pub going: bool,
    /// When its value changed last.
    pub changed_at: Option<UnixMillis>,
}

/// A refresh token of Podium's may die when it is not used for 90 days; from here on somebody is to know (ERR_AUTH_008).
const DECAY: Duration = Duration::from_secs(60 * 86_400);

const GROUP: Group = Group::Secrets;

/// Judges all secrets that an installation names. What belongs to something that nobody has begun to set up is not looked at.
#[must_use]
pub fn judge(secrets: &[(SecretName, Looked<SecretFacts>)], now: UnixMillis) -> Vec<Finding> {
    let begun = |family: &str| {
        let filled =
            |looked: &Looked<SecretFacts>| matches!(looked.seen().map(|f| &f.value), Some(Looked::Seen(Ok(()))));
        secrets.iter().any(|(name, looked)| name.family() == family && filled(looked))
    };
    let one = |(name, looked): &(SecretName, Looked<SecretFacts>)| {
        let untouched = matches!(looked.seen().map(|f| &f.value), Some(Looked::Seen(Err(Fault::Placeholder))));
        if untouched && name.made() == Made::Optional && !begun(name.family()) {
            return vec![Finding::not_looked_at(
                GROUP,
                name.as_str(),
                "not filled in, like all of its kind: it is not used",
            )];
        }
        judge_one(*name, looked, now)
    };
    secrets.iter().flat_map(one).collect()
}

fn judge_one(name: SecretName, looked: &Looked<SecretFacts>, now: UnixMillis) -> Vec<Finding> {
    let word = name.as_str();
    let absent = || {
        let what = format!("{} names a secret that does not exist, or has no value", name.setting());
        let remedy = "Deploy the template again, or name another one; then fill it in.";
        Finding::fail(GROUP, "secret_missing", word, what, remedy).by(rotate(name))
    };
    let facts = match looked.or_finding(GROUP, word, absent) {
        Ok(facts) => facts,
        Err(finding) => return vec![finding],
    };
    if facts.going {
        let what = "it is about to be deleted";
        let command = format!("aws secretsmanager restore-secret --secret-id <{}>", name.setting());
        return vec![Finding::fail(GROUP, "secret_going", word, what, "Restore it.").by(command)];
    }
    let mut findings = Vec::new();
    match &facts.value {
        Looked::Seen(Ok(())) => {}
        Looked::Seen(Err(Fault::Placeholder)) => {
            let what = "it still holds the template's placeholder REPLACE_ME: who needs it does not start";
            findings.push(
                Finding::fail(GROUP, "secret_placeholder", word, what, "Put the real value into it.").by(rotate(name)),
            );
        }
        Looked::Seen(Err(Fault::Empty)) => {
            let remedy = "Put the real value into it.";
            findings.push(Finding::fail(GROUP, "secret_empty", word, "it is empty", remedy).by(rotate(name)));
        }
        Looked::Seen(Err(Fault::Form(wanted))) => {
            let remedy = "Put the value into it in the form that docs/CONFIGURATION.md shows.";
            findings.push(Finding::fail(GROUP, "secret_form", word, wanted.clone(), remedy).by(rotate(name)));
        }
        Looked::Absent => return vec![absent()],
        Looked::Unknown(why) => findings.push(Finding::unknown(GROUP, word, why, "Say the same command again.")),
        Looked::Forbidden(why) => {
            let what = format!("it is there; whether it is filled in was not looked at ({why})");
            findings.push(Finding::not_looked_at(GROUP, word, what));
        }
    }
    if facts.pending {
        let what = "a value waits to take its place: a rotation was begun and not ended";
        findings.push(
            Finding::warn(GROUP, "rotation_open", word, what, "Rotate it again, or look who is at it.")
                .by(rotate(name)),
        );
    }
    if facts.two_count {
        let what = "its value before this one still counts: a rotation was not finished";
        let command = format!("frontdesk secrets rotate {word} --finish");
        let remedy = "Once the provider signs with the new one, retire the old one.";
        findings.push(Finding::warn(GROUP, "rotation_unfinished", word, what, remedy).by(command));
    }
    let age = facts.changed_at.map(|at| now.since(at));
    if let Some(age) = age.filter(|age| name == SecretName::PodiumOauth && *age > DECAY) {
        let what =
            format!("ERR_AUTH_008 its refresh token was last changed {} ago, and one may die after 90 d", span(age));
        let remedy = "If Podium refuses it one day: authorize the app again, and put the new refresh token in.";
        findings.push(Finding::warn(GROUP, "secret_old", word, what, remedy).by("frontdesk secrets check"));
    }
    if findings.is_empty() {
        let since = age.map_or("filled in".to_owned(), |age| format!("filled in, changed {} ago", span(age)));
        findings.push(Finding::ok(GROUP, word, since));
    }
    findings
}

fn rotate(name: SecretName) -> String {
    format!("frontdesk secrets rotate {} --value-from FILE", name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    const NOW: UnixMillis = UnixMillis::new(1_795_217_760_000);

    fn facts() -> SecretFacts {
        let value = Looked::Seen(Ok(()));
        SecretFacts { value, two_count: false, pending: false, going: false, changed_at: Some(NOW) }
    }

    fn judged(name: SecretName, looked: Looked<SecretFacts>) -> Vec<(&'static str, Level)> {
        judge(&[(name, looked)], NOW).into_iter().map(|finding| (finding.check, finding.level)).collect()
    }

    #[test]
    fn each_fault_of_a_secret_is_found_alone() {
        use SecretName::{PodiumOauth, PodiumWebhook};
        assert_eq!(judged(PodiumOauth, Looked::Seen(facts())), [("ok", Level::Ok)]);
        let value = |value| Looked::Seen(SecretFacts { value, ..facts() });
        let fault = |fault| value(Looked::Seen(Err(fault)));
        let old = NOW.minus(Duration::from_secs(61 * 86_400));
        for (name, looked, check, level) in [
            (PodiumOauth, Looked::Absent, "secret_missing", Level::Fail),
            (PodiumOauth, value(Looked::Absent), "secret_missing", Level::Fail),
            (PodiumOauth, Looked::Seen(SecretFacts { going: true, ..facts() }), "secret_going", Level::Fail),
            (PodiumOauth, fault(Fault::Placeholder), "secret_placeholder", Level::Fail),
            (PodiumOauth, fault(Fault::Empty), "secret_empty", Level::Fail),
            (PodiumOauth, fault(Fault::Form("is no JSON".into())), "secret_form", Level::Fail),
            (PodiumOauth, value(Looked::Unknown("no answer".into())), "unknown", Level::Unknown),
            (PodiumOauth, value(Looked::Forbidden("may not".into())), "not_looked_at", Level::NotLookedAt),
            (PodiumOauth, Looked::Unknown("no answer".into()), "unknown", Level::Unknown),
            (PodiumOauth, Looked::Seen(SecretFacts { pending: true, ..facts() }), "rotation_open", Level::Warn),
            (
                PodiumWebhook,
                Looked::Seen(SecretFacts { two_count: true, ..facts() }),
                "rotation_unfinished",
                Level::Warn,
            ),
            (PodiumOauth, Looked::Seen(SecretFacts { changed_at: Some(old), ..facts() }), "secret_old", Level::Warn),
            (PodiumWebhook, Looked::Seen(SecretFacts { changed_at: Some(old), ..facts() }), "ok", Level::Ok),
        ] {
            assert_eq!(judged(name, looked), [(check, level)]);
        }
    }

    #[test]
    fn what_nobody_has_begun_to_set_up_is_left_alone() {
        use SecretName::{ChatwootApi, ChatwootWebhook};
        let empty = || Looked::Seen(SecretFacts { value: Looked::Seen(Err(Fault::Placeholder)), ..facts() });
        let levels = |secrets: &[_]| judge(secrets, NOW).into_iter().map(|f| f.level).collect::<Vec<_>>();
        let none = [(ChatwootApi, empty()), (ChatwootWebhook, empty())];
        assert_eq!(levels(&none), [Level::NotLookedAt, Level::NotLookedAt]);
        let half = [(ChatwootApi, Looked::Seen(facts())), (ChatwootWebhook, empty())];
        assert_eq!(levels(&half), [Level::Ok, Level::Fail]);
    }

    #[test]
    fn words_and_settings_are_each_others() {
        for name in SecretName::ALL {
            assert_eq!(SecretName::parse(name.as_str()), Some(name));
            assert!(crate::config::SETTINGS.iter().any(|setting| setting.name == name.setting()), "{name:?}");
        }
        let named = crate::config::SETTINGS.iter().filter(|setting| setting.name.ends_with("_SECRET_ARN"));
        assert_eq!(named.count(), SecretName::ALL.len(), "each secret that a setting names is here");
    }
}
