//! `frontdesk secrets rotate`.
//!
//! | what | how |
//! |---|---|
//! | credentials of Podium's, Shopify's or Chatwoot's API | written beside the current ones (AWSPENDING), tried at the provider, and only then made the current ones |
//! | what signs webhooks | both count from now on; `--finish` retires the old one once the provider is seen to have the new one |
//! | the rest | written; there is no way to try them without doing something |

use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use frontdesk_aws::{
    inspect::form,
    secrets::{SecretError, SecretProblem, SecretVault},
};
use frontdesk_core::{
    config::{self, Env as _, Function, PodiumContract},
    doctor::{
        Finding, Group, Level, Looked,
        providers::{PODIUM_ENDPOINTS, judge_chatwoot, judge_podium, judge_shopify},
        secrets::SecretName,
    },
};
use frontdesk_wiring::Wiring;
use serde_json::{Value, json};

use crate::failure::{Failure, complain};
use crate::installation::{Installation, unusable};
use crate::reach::Reach;

pub(super) const EXAMPLES: &str = r#"Examples:
  frontdesk secrets rotate podium-oauth --value-from podium.json     # tried at Podium before it counts
  jq -n '{client_id: env.ID, client_secret: env.SECRET}' | frontdesk secrets rotate shopify-admin --value-from - --yes
  frontdesk secrets rotate shopify-webhook --value-from secret.txt   # the old one counts, too, until ...
  frontdesk secrets rotate shopify-webhook --finish --force          # ... it is retired
  frontdesk secrets rotate podium-webhook --generate
  frontdesk secrets rotate podium-webhook --finish                   # Podium is asked whether it has the new one

NAME is a word that `frontdesk secrets check` shows: podium-oauth, shopify-admin, chatwoot-api (credentials);
podium-webhook, shopify-webhook, chatwoot-webhook (what signs webhooks); agent, speech, woocommerce,
notify-slack, notify-webhook, web. The pepper must never change, and is refused.

Credentials are written beside the current ones, tried at the provider, and then made the current ones; what the
provider refuses never counts (ERR_AUTH_013). If it does not answer, they wait: --resume tries them again.
Somebody else's open rotation is not disturbed (ERR_AUTH_014) unless --force says so.

A signing secret has two values from then on, and webhooks of either are taken. Change it at the provider, then
--finish. Podium is asked whether all our webhooks have the new one; of the others nobody can be asked: see that the
metric PreviousSecretUsed stays at 0, and say --force.

The file holds the value as docs/CONFIGURATION.md shows it; a line end after it does not count. No value is ever printed.

Exit codes: 0 done, or nothing was to be done, 1 refused: by the provider, or since a rotation is open, or since the
provider still has the old one; 2 usage or configuration, or somebody did not answer."#;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which secret
    #[arg(value_name = "NAME", value_parser = name)]
    name: SecretName,
    /// The file that holds the new value, or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["generate", "finish", "resume"])]
    value_from: Option<PathBuf>,
    /// Make a value: only of a secret whose value is ours to choose
    #[arg(long, conflicts_with_all = ["finish", "resume"])]
    generate: bool,
    /// Retire the value before this one
    #[arg(long, conflicts_with = "resume")]
    finish: bool,
    /// Try the credentials that wait, once more
    #[arg(long)]
    resume: bool,
    /// Whatever the checks say that nobody could answer, or that somebody else has begun
    #[arg(long)]
    force: bool,
    /// Show what would be done
    #[arg(long)]
    dry_run: bool,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
}

fn name(text: &str) -> Result<SecretName, String> {
    let known = || SecretName::ALL.map(SecretName::as_str).join(", ");
    SecretName::parse(text).ok_or_else(|| format!("it must be one of {}", known()))
}

/// Whose it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Podium,
    Shopify,
    Chatwoot,
}

/// What kind of secret it is, as far as a rotation goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of a provider's API: can be tried.
    Credentials(Whose),
    /// Signs webhooks: two count at once.
    Signing(Whose),
    /// Neither.
    Other,
}

impl Kind {
    const fn of(name: SecretName) -> Self {
        match name {
            SecretName::PodiumOauth => Self::Credentials(Whose::Podium),
            SecretName::ShopifyAdmin => Self::Credentials(Whose::Shopify),
            SecretName::ChatwootApi => Self::Credentials(Whose::Chatwoot),
            SecretName::PodiumWebhook => Self::Signing(Whose::Podium),
            SecretName::ShopifyWebhook => Self::Signing(Whose::Shopify),
            SecretName::ChatwootWebhook => Self::Signing(Whose::Chatwoot),
            SecretName::Agent
            | SecretName::Speech
            | SecretName::Woocommerce
            | SecretName::NotifySlack
            | SecretName::NotifyWebhook
            | SecretName::Web
            | SecretName::Pepper => Self::Other,
        }
    }

    const fn is_signing(self) -> bool {
        matches!(self, Self::Signing(_))
    }

    const fn is_credentials(self) -> bool {
        matches!(self, Self::Credentials(_))
    }
}

pub(super) struct Rotation<'a> {
    reach: &'a Reach,
    shop: &'a Installation,
    args: &'a Args,
    vault: SecretVault,
    id: String,
}

impl<'a> Rotation<'a> {
    pub(super) fn of(reach: &'a Reach, shop: &'a Installation, args: &'a Args) -> Result<Self, Failure> {
        let (name, setting) = (args.name, args.name.setting());
        if name == SecretName::Pepper {
            let why = "the pepper must never change: the opt-outs of erased people are found by it alone";
            return Err(Failure::Config(why.to_owned()));
        }
        let given = usize::from(args.value_from.is_some()) + usize::from(args.generate);
        if given + usize::from(args.finish) + usize::from(args.resume) != 1 {
            return Err(Failure::Config("say one of --value-from, --generate, --finish and --resume".to_owned()));
        }
        let is_ours = matches!(name, SecretName::PodiumWebhook | SecretName::Web);
        if args.generate && !is_ours {
            let word = name.as_str();
            return Err(Failure::Config(format!(
                "--generate: the value of {word} is not ours to choose; its provider makes it"
            )));
        }
        if args.finish && !Kind::of(name).is_signing() {
            return Err(Failure::Config(format!("--finish: of {} only one value counts anyway", name.as_str())));
        }
        if args.resume && !Kind::of(name).is_credentials() {
            return Err(Failure::Config(format!("--resume: {} is not tried before it counts", name.as_str())));
        }
        let id = shop.env.get(setting).filter(|id| !id.trim().is_empty());
        let id = id.ok_or_else(|| Failure::Config(format!("{setting} is not set: there is no such secret here")))?;
        let vault = SecretVault::new(shop.aws.secrets(), setting, id.clone());
        Ok(Self { reach, shop, args, vault, id })
    }

    pub(super) async fn run(&self) -> Result<ExitCode, Failure> {
        if self.args.finish {
            return self.finish().await;
        }
        if self.args.resume {
            if !self.vault.is_rotating().await.map_err(|error| unwell(&error))? {
                complain("nothing waits to be tried");
                return Ok(ExitCode::FAILURE);
            }
            let plan =
                format!("The value that waits in {} is tried at the provider, and counts if it is taken.", self.word());
            if !self.agreed(&plan)? {
                return Ok(ExitCode::SUCCESS);
            }
            return match Kind::of(self.args.name) {
                Kind::Credentials(whose) => self.try_and_promote(whose).await,
                Kind::Signing(_) | Kind::Other => Ok(ExitCode::SUCCESS),
            };
        }
        let value = self.value()?;
        match Kind::of(self.args.name) {
            Kind::Credentials(whose) => self.credentials(whose, &value).await,
            Kind::Signing(whose) => self.signing(whose, &value).await,
            Kind::Other => self.other(&value).await,
        }
    }

    fn word(&self) -> &'static str {
        self.args.name.as_str()
    }

    /// The new value, which could be used as far as can be seen.
    fn value(&self) -> Result<String, Failure> {
        let value = match &self.args.value_from {
            Some(path) => read(path)?,
            None => format!("{}{}", self.shop.process.ids.draw(), self.shop.process.ids.draw()),
        };
        let value = value.trim_end_matches(['\r', '\n']).to_owned();
        let refused = |problem: SecretProblem| Failure::Config(format!("the new value of {} {problem}", self.word()));
        form(self.args.name).examine(&value).map_err(refused)?;
        Ok(value)
    }

    /// Whether a plan may be carried out; one that is only to be shown may not.
    fn agreed(&self, plan: &str) -> Result<bool, Failure> {
        if self.args.dry_run {
            let document = json!({ "secret": self.word(), "dry_run": true, "plan": plan });
            self.reach.show(&document, |_| plan.to_owned())?;
            return Ok(false);
        }
        self.reach.confirm(plan, self.args.yes)
    }

    fn done(&self, what: &str, more: &[(&str, Value)], next: &str) -> Result<ExitCode, Failure> {
        let mut document = json!({ "secret": self.word(), "done": what, "next": next });
        if let Some(fields) = document.as_object_mut() {
            fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        self.reach.show(&document, |paint| {
            let mut text = format!("{} {}: {what}\n", paint.good("done"), self.word());
            if !next.is_empty() {
                // Writing to a String cannot fail.
                writeln!(text, "{next}").ok();
            }
            text
        })?;
        Ok(ExitCode::SUCCESS)
    }

    // ---- Credentials

    async fn credentials(&self, whose: Whose, value: &str) -> Result<ExitCode, Failure> {
        if self.current().await?.as_deref().is_some_and(|current| same(current, value)) {
            return Err(Failure::Config(format!("{} holds this value already", self.word())));
        }
        if self.vault.is_rotating().await.map_err(|error| unwell(&error))? && !self.args.force {
            let word = self.word();
            complain(&format!(
                "ERR_AUTH_014 a value waits in {word} already: somebody is rotating it, or did not end. --resume tries that one, \
                 --force takes its place"
            ));
            return Ok(ExitCode::FAILURE);
        }
        let plan = format!(
            "{} ({}): the new value is written beside the current one, tried at the provider, and counts if it is taken. The current \
             one stays readable as AWSPREVIOUS.",
            self.word(),
            self.id
        );
        if !self.agreed(&plan)? {
            return Ok(ExitCode::SUCCESS);
        }
        self.vault.pending().write(value).await.map_err(|error| unwell(&error))?;
        self.try_and_promote(whose).await
    }

    async fn try_and_promote(&self, whose: Whose) -> Result<ExitCode, Failure> {
        let findings = self.trial(whose).await?;
        let worst = |level: Level| findings.iter().find(|finding| finding.level == level);
        if let Some(refused) = worst(Level::Fail) {
            self.vault.withdraw().await.map_err(|error| unwell(&error))?;
            complain(&format!("ERR_AUTH_013 the new value does not count: {}. The current one stays", refused.what));
            return Ok(ExitCode::FAILURE);
        }
        if let Some(silent) = worst(Level::Unknown) {
            // Podium may have exchanged the refresh token meanwhile, and what waits is all there is of the new one.
            return Err(Failure::Unreachable(vec![format!(
                "{}: {}. The new value waits, and the current one counts: --resume tries again",
                self.word(),
                silent.what
            )]));
        }
        self.vault.promote().await.map_err(|error| unwell(&error))?;
        let health = findings.first().map(|finding| finding.what.clone()).unwrap_or_default();
        let next = "Functions use it with their next access token; `frontdesk secrets check` says whether all is well.";
        self.done("the new value was taken by the provider and counts now", &[("health", health.into())], next)
    }

    /// What the provider says of the value that waits.
    async fn trial(&self, whose: Whose) -> Result<Vec<Finding>, Failure> {
        let Installation { aws, process, store, .. } = self.shop;
        let tried = self.vault.pending();
        let about_credentials = |findings: Vec<Finding>| {
            let credentials = |finding: &Finding| ["api", "api_token", "user_token"].contains(&&*finding.subject);
            findings.into_iter().filter(credentials).collect()
        };
        Ok(about_credentials(match whose {
            Whose::Podium => {
                let reach = self.shop.settings(Function::Timers, config::podium_reach)?;
                let wiring = Wiring::new(&reach.http, aws, store, process).map_err(unusable)?;
                let facts = wiring.try_podium(&reach.podium, tried).map_err(unusable)?.setup().await;
                judge_podium(&facts, None, &[])
            }
            Whose::Shopify => {
                let reach = self.shop.settings(Function::FollowUp, config::shopify_reach)?;
                let wiring = Wiring::new(&reach.http, aws, store, process).map_err(unusable)?;
                let client = wiring.try_shopify(&reach.shop, &reach.shopify, tried).map_err(unusable)?;
                judge_shopify(reach.shop.as_str(), &client.setup().await, None)
            }
            Whose::Chatwoot => {
                let reach = self.shop.settings(Function::ChatwootWorker, config::chatwoot_reach)?;
                let wiring = Wiring::new(&reach.http, aws, store, process).map_err(unusable)?;
                let asked = wiring.try_chatwoot(&reach.chatwoot, tried).map_err(unusable)?.setup().await;
                match asked {
                    Ok(facts) => judge_chatwoot(Some(&facts), None),
                    Err(why) => vec![Finding::unknown(Group::Chatwoot, "api_token", &why, "")],
                }
            }
        }))
    }

    /// The current value, if there is one that was filled in.
    async fn current(&self) -> Result<Option<String>, Failure> {
        match self.vault.read().await {
            Ok(current) => Ok(Some(current)),
            Err(error) => unfilled(&error).map(|()| None),
        }
    }

    // ---- What signs webhooks

    async fn signing(&self, whose: Whose, value: &str) -> Result<ExitCode, Failure> {
        let stored = self.current().await?;
        let live = match self.vault.live(&self.shop.process.telemetry).await {
            Ok(live) => Some(live),
            Err(error) => unfilled(&error).map(|()| None)?,
        };
        let document = if is_document(value) {
            value.to_owned()
        } else if stored.as_deref().is_some_and(is_list) {
            return Err(Failure::Config(format!(
                "{} holds a list of secrets, one for each account: give the whole new list by --value-from",
                self.word()
            )));
        } else {
            match &live {
                Some(live) if live.newest().expose() == value => {
                    return Err(Failure::Config(format!("{} holds this value already", self.word())));
                }
                Some(live) => json!({ "current": value, "previous": live.newest().expose() }).to_string(),
                None => json!({ "current": value }).to_string(),
            }
        };
        if stored.as_deref() == Some(document.as_str()) {
            return Err(Failure::Config(format!("{} holds this value already", self.word())));
        }
        let both = live.is_some();
        let counts = if both { "The current one goes on counting beside it until --finish." } else { "" };
        let plan = format!("{} ({}): the new value counts from now on. {counts}", self.word(), self.id);
        if live.as_ref().is_some_and(|live| live.previous().is_some()) && !is_document(value) && !self.args.force {
            complain(&format!(
                "ERR_AUTH_014 two values of {} count already: end that rotation with --finish, or say --force, and the oldest one \
                 counts no more",
                self.word()
            ));
            return Ok(ExitCode::FAILURE);
        }
        if !self.agreed(plan.trim_end())? {
            return Ok(ExitCode::SUCCESS);
        }
        self.vault.write(&document).await.map_err(|error| unwell(&error))?;
        let next = if both { self.paste(whose) } else { String::new() };
        self.done("the new value counts", &[("two_count", both.into())], &next)
    }

    /// What a person has to do at the provider.
    fn paste(&self, whose: Whose) -> String {
        let read = format!("aws secretsmanager get-secret-value --secret-id {} --query SecretString", self.id);
        let finish = format!("Then: frontdesk secrets rotate {} --finish", self.word());
        match whose {
            Whose::Podium => {
                let paths: Vec<&str> = PODIUM_ENDPOINTS.iter().map(|need| need.path).collect();
                format!(
                    "Now give it to each webhook at Podium ({}): PUT /v4/webhooks/{{uid}} {{\"secret\": ...}}. To see it: {read} (field \
                     current).\n{finish}",
                    paths.join(", ")
                )
            }
            Whose::Shopify => format!(
                "Now revoke the old client secret in the app's settings at Shopify: it signs with the oldest that is not revoked, and \
                 may take an hour to change.\n{finish} --force, once PreviousSecretUsed stays at 0"
            ),
            Whose::Chatwoot => format!(
                "Chatwoot made the new one itself, so nothing is to be pasted there.\n{finish} --force, once PreviousSecretUsed stays at 0"
            ),
        }
    }

    async fn finish(&self) -> Result<ExitCode, Failure> {
        if self.current().await?.as_deref().is_some_and(is_list) {
            return Err(Failure::Config(format!(
                "{} holds a list: leave the old one out of it, by --value-from",
                self.word()
            )));
        }
        let live = self.vault.live(&self.shop.process.telemetry).await.map_err(|error| unwell(&error))?;
        if live.previous().is_none() {
            return self.done("nothing was to be done: only one value counts", &[], "");
        }
        let seen = match self.seen_at_provider(live.newest().expose()).await {
            Looked::Seen(old) if old.is_empty() => "Podium has the new one at all our webhooks",
            Looked::Seen(old) => {
                complain(&format!(
                    "the old one is not retired: at Podium these webhooks do not have the new one: {}",
                    old.join(", ")
                ));
                return Ok(ExitCode::FAILURE);
            }
            Looked::Absent if self.args.force => "nobody could be asked, and --force was said",
            Looked::Absent => {
                complain(
                    "the old one is not retired: nobody can be asked whether the provider has the new one. See that the metric \
                     PreviousSecretUsed stays at 0 while webhooks come in, then say --force",
                );
                return Ok(ExitCode::FAILURE);
            }
            Looked::Unknown(_) | Looked::Forbidden(_) if self.args.force => {
                "Podium was not heard, and --force was said"
            }
            Looked::Unknown(why) | Looked::Forbidden(why) => {
                return Err(Failure::Unreachable(vec![format!(
                    "the old one is not retired: {why}. --force retires it all the same"
                )]));
            }
        };
        let plan = format!(
            "{} ({}): webhooks that the old value signed are answered 401 from now on ({seen}).",
            self.word(),
            self.id
        );
        if !self.agreed(&plan)? {
            return Ok(ExitCode::SUCCESS);
        }
        // The version before this one stays readable, and a document without `previous` says that it does not count.
        let document = json!({ "current": live.newest().expose() }).to_string();
        self.vault.write(&document).await.map_err(|error| unwell(&error))?;
        self.done("the old value counts no more", &[("seen", seen.into())], "")
    }

    /// The webhooks at Podium that do not have the new value; `Absent` where nobody can be asked.
    async fn seen_at_provider(&self, newest: &str) -> Looked<Vec<String>> {
        if self.args.name != SecretName::PodiumWebhook {
            return Looked::Absent;
        }
        let Installation { aws, process, store, .. } = self.shop;
        let reach = match self.shop.settings(Function::Timers, config::podium_reach) {
            Ok(reach) if reach.podium.contract == PodiumContract::Published => reach,
            Ok(_) => return Looked::Absent,
            Err(_) => return Looked::Unknown("Podium's settings are wrong".to_owned()),
        };
        let client = match Wiring::new(&reach.http, aws, store, process) {
            Ok(wiring) => wiring.podium(&reach.podium).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let listed = match client {
            Ok(client) => client.webhook_secrets().await.map_err(|why| why.to_string()),
            Err(why) => Err(why),
        };
        match listed {
            Ok(hooks) => {
                let ours: Vec<_> = hooks.iter().filter(|(url, _)| url.contains("/podium/")).collect();
                if ours.is_empty() {
                    return Looked::Unknown("Podium lists no webhook of ours with a secret".to_owned());
                }
                let old = ours.into_iter().filter(|(_, secret)| secret.expose() != newest);
                Looked::Seen(old.map(|(url, _)| url.clone()).collect())
            }
            Err(why) => Looked::Unknown(why),
        }
    }

    // ---- The rest

    async fn other(&self, value: &str) -> Result<ExitCode, Failure> {
        if self.current().await?.as_deref() == Some(value) {
            return Err(Failure::Config(format!("{} holds this value already", self.word())));
        }
        let after = if self.args.name == SecretName::Web {
            "What was sealed with the current one still counts; with the one before that, no more."
        } else {
            "There is no way to try it without doing something. The current one stays readable as AWSPREVIOUS."
        };
        let plan = format!("{} ({}): the new value counts from now on. {after}", self.word(), self.id);
        if !self.agreed(&plan)? {
            return Ok(ExitCode::SUCCESS);
        }
        self.vault.write(value).await.map_err(|error| unwell(&error))?;
        self.done("the new value counts, and was not tried", &[], "")
    }
}

fn read(path: &PathBuf) -> Result<String, Failure> {
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|error| Failure::Config(format!("cannot read {}: {error}", path.display())))
}

/// Whether a value of a signing secret says itself what counts.
fn is_document(value: &str) -> bool {
    serde_json::from_str::<Value>(value).is_ok_and(|value| value.is_object())
}

fn is_list(value: &str) -> bool {
    serde_json::from_str::<Value>(value).is_ok_and(|value| value.get("secrets").is_some())
}

/// Whether two documents say the same.
fn same(one: &str, other: &str) -> bool {
    match (serde_json::from_str::<Value>(one), serde_json::from_str::<Value>(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// A secret that nobody has filled in yet is no reason to stop: somebody is about to.
fn unfilled(error: &SecretError) -> Result<(), Failure> {
    match error.problem {
        SecretProblem::Placeholder | SecretProblem::Empty | SecretProblem::Missing | SecretProblem::Incomplete(_) => {
            Ok(())
        }
        SecretProblem::NotText | SecretProblem::Unreadable(_) | SecretProblem::Unwritten(_) => Err(unwell(error)),
    }
}

pub(crate) fn unwell(error: &SecretError) -> Failure {
    match error.problem {
        SecretProblem::Unreadable(_) | SecretProblem::Unwritten(_) => Failure::Unreachable(vec![error.to_string()]),
        SecretProblem::Missing
        | SecretProblem::Empty
        | SecretProblem::Placeholder
        | SecretProblem::Incomplete(_)
        | SecretProblem::NotText => Failure::Config(error.to_string()),
    }
}
