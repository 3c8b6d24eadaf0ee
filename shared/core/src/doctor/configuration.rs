//! The functions' variables, each read by its function's own reader, and then side by side: what two of them read has to be the
//! same, and what contradicts itself across functions is seen by none of them.

use std::collections::BTreeMap;

use super::{Finding, Group};
use crate::config::{self, Env, Function, Loaded, SETTINGS};

/// The variables of a deployed function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(pub BTreeMap<String, String>);

impl Env for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

impl Variables {
    /// A value that says something, or the default.
    fn value(&self, name: &str) -> Option<String> {
        let set = self.0.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        set.or_else(|| SETTINGS.iter().find(|s| s.name == name)?.default.map(str::to_owned))
    }
}

/// Settings that two functions have otherwise on purpose: each of Podium's endpoints hands over to the queue of its own line.
const DIFFER: [&str; 1] = ["FRONTDESK_QUEUE_PODIUM_URL"];

const GROUP: Group = Group::Configuration;

/// Judges the variables of all functions that could be read.
#[must_use]
pub fn judge(deployed: &[(Function, Variables)]) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        deployed.iter().flat_map(|(function, variables)| of_one(*function, variables)).collect();
    findings.extend(SETTINGS.iter().filter_map(|setting| differing(setting.name, setting.functions, deployed)));
    findings.extend(contradictions(deployed));
    findings
}

fn of_one(function: Function, variables: &Variables) -> Vec<Finding> {
    let problems = match config::check(function, variables) {
        Ok(unknown) => {
            let nobodys = |name: &String| {
                let what = format!("{name} looks like a setting, and nothing reads it: is it misspelt?");
                let remedy = "Compare it with docs/CONFIGURATION.md, then take it away.";
                Finding::warn(GROUP, "setting_unknown", function.as_str(), what, remedy)
            };
            let found: Vec<Finding> = unknown.iter().map(nobodys).collect();
            if found.is_empty() {
                return vec![Finding::ok(GROUP, function.as_str(), format!("{} variables", variables.0.len()))];
            }
            return found;
        }
        Err(problems) => problems,
    };
    let told = |problem: &config::Problem| {
        let wired = SETTINGS.iter().any(|setting| setting.name == problem.name && setting.wired);
        let remedy = match wired {
            true => "The template sets it from its own resources: deploy it again.".to_owned(),
            false => format!("Set the parameter {}; docs/CONFIGURATION.md describes it.", parameter(problem.name)),
        };
        Finding::fail(GROUP, "setting_wrong", function.as_str(), format!("{} {}", problem.name, problem.what), remedy)
            .by("sam deploy --guided")
    };
    problems.0.iter().map(told).collect()
}

/// `REVIEW_BUFFER_SECONDS` is the parameter `ReviewBufferSeconds`.
fn parameter(setting: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        format!("{first}{}", rest.to_ascii_lowercase())
    };
    setting.split('_').map(word).collect()
}

fn differing(name: &'static str, readers: &[Function], deployed: &[(Function, Variables)]) -> Option<Finding> {
    if DIFFER.contains(&name) {
        return None;
    }
    let mut by_value: BTreeMap<Option<String>, Vec<&str>> = BTreeMap::new();
    for (function, variables) in deployed.iter().filter(|(function, _)| readers.contains(function)) {
        by_value.entry(variables.value(name)).or_default().push(function.as_str());
    }
    if by_value.len() < 2 {
        return None;
    }
    let shown = |(value, functions): (&Option<String>, &Vec<&str>)| {
        let value = value.as_deref().map_or("not set".to_owned(), |value| format!("{:?}", shortened(value)));
        format!("{value} in {}", functions.join(", "))
    };
    let what = format!("{name} differs: {}", by_value.iter().map(shown).collect::<Vec<_>>().join("; "));
    let remedy = "One was changed by hand. Deploy the template again, which sets all of them.";
    Some(Finding::fail(GROUP, "setting_differs", name, what, remedy).by("sam deploy"))
}

/// Long values are lists and texts; their beginning tells them apart, or their length does.
fn shortened(value: &str) -> String {
    const MOST: usize = 60;
    let short: String = value.chars().take(MOST).collect();
    if short.len() < value.len() { format!("{short}… ({} characters)", value.chars().count()) } else { short }
}

/// What each function may well have, and the house as a whole may not.
fn contradictions(deployed: &[(Function, Variables)]) -> Vec<Finding> {
    let of = |function| deployed.iter().find(|(known, _)| *known == function).map(|(_, variables)| variables);
    let mut findings = Vec::new();
    let contradict = |name: &'static str, what: &str, remedy: &str| {
        Finding::fail(GROUP, "settings_contradict", name, what, remedy).by("sam deploy --guided")
    };
    if let Some(worker) = of(Function::PodiumWorker)
        && brief(worker)
        && worker.value("REVIEW_THANKS").is_some_and(|on| on.eq_ignore_ascii_case("on"))
    {
        let what = "REVIEW_THANKS=on needs PODIUM_CONTRACT=published: the briefs' Podium answers in conversations only, so nobody is thanked";
        findings.push(contradict("REVIEW_THANKS", what, "Set ReviewThanks to off, or PodiumContract to published."));
    }
    if let Some(sender) = of(Function::FollowUp)
        && brief(sender)
        && sender.value("REVIEW_REMINDER_DAYS").is_some_and(|days| days != "0")
    {
        let what = "REVIEW_REMINDER_DAYS needs PODIUM_CONTRACT=published: there is no link to tell who reviewed, so nobody is reminded";
        findings.push(contradict(
            "REVIEW_REMINDER_DAYS",
            what,
            "Set ReviewReminderDays to 0, or PodiumContract to published.",
        ));
    }
    if let Some(notifier) = of(Function::Notifier)
        && let Ok(Loaded { config, .. }) = config::notifier(notifier)
        && config.rules.channels.is_empty()
    {
        let what = "no channel to the shop's people is set up: every notice, a bad review's too, is given up at once";
        let remedy = "Set NotifyEmail, NotifySnsTopicArn, NotifySlackSecretArn or NotifyWebhookSecretArn; NOTIFY_CHANNELS has to name it.";
        findings.push(contradict("NOTIFY_CHANNELS", what, remedy));
    }
    findings.extend(of(Function::WidgetEdge).into_iter().flat_map(origins));
    findings
}

fn brief(variables: &Variables) -> bool {
    variables.value("PODIUM_CONTRACT").is_some_and(|contract| contract.eq_ignore_ascii_case("brief"))
}

/// The website's pages, if there are any.
fn origins(variables: &Variables) -> Option<Finding> {
    let Some(origins) = variables.value("WEB_ORIGINS") else {
        let what = "WEB_ORIGINS is empty: no page may ask, so the website's chat and forms are off";
        return Some(Finding::not_looked_at(GROUP, "WEB_ORIGINS", what));
    };
    let plain = |origin: &&str| {
        let host = origin.strip_prefix("http://").unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        origin.starts_with("http://") && !matches!(host, "localhost" | "127.0.0.1")
    };
    let plain: Vec<&str> = origins.split(',').map(str::trim).filter(plain).collect();
    if plain.is_empty() {
        return None;
    }
    let what =
        format!("WEB_ORIGINS lists {}, over which whoever is in between reads what visitors write", plain.join(", "));
    Some(Finding::warn(
        GROUP,
        "origin_unsafe",
        "WEB_ORIGINS",
        what,
        "List the https:// origin, and redirect the other to it.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Diagnosis, Level, Verdict};

    /// Every function with what it reads, as the template would set it.
    fn whole() -> Vec<(Function, Variables)> {
        let locations =
            r#"[{"podium_location":"loc-1","name":"Harbour Lane","country":"AU","shopify_location_ids":[1]}]"#;
        let value = |name: &str| match name {
            "SHOPIFY_SHOP" => Some("harbour-lane.myshopify.com".to_owned()),
            "SHOPIFY_LOCATIONS" => Some(locations.to_owned()),
            "WEB_ORIGINS" => Some("https://shop.example".to_owned()),
            "NOTIFY_SNS_TOPIC_ARN" => Some("arn:aws:sns:x:1:people".to_owned()),
            "HEALTH_TABLES" | "HEALTH_QUEUES" | "HEALTH_DEAD_LETTERS" | "HEALTH_SECRETS" => {
                Some("word=name".to_owned())
            }
            _ => None,
        };
        let variables = |function: Function| {
            let read = SETTINGS.iter().filter(|setting| setting.functions.contains(&function));
            let set = read.filter_map(|setting| {
                let wired = setting.wired.then(|| format!("the-{}", setting.name.to_lowercase()));
                Some((setting.name.to_owned(), value(setting.name).or(wired)?))
            });
            Variables(set.collect())
        };
        Function::ALL.into_iter().map(|function| (function, variables(function))).collect()
    }

    fn wrong(deployed: &[(Function, Variables)]) -> Vec<(&'static str, String)> {
        let found = judge(deployed).into_iter().filter(|f| !matches!(f.level, Level::Ok | Level::NotLookedAt));
        found.map(|finding| (finding.check, finding.subject)).collect()
    }

    fn with(name: &str, value: Option<&str>, functions: &[Function]) -> Vec<(Function, Variables)> {
        let mut deployed = whole();
        for (function, variables) in &mut deployed {
            if functions.contains(function) {
                match value {
                    Some(value) => variables.0.insert(name.to_owned(), value.to_owned()),
                    None => variables.0.remove(name),
                };
            }
        }
        deployed
    }

    fn everywhere(name: &str, value: &str) -> Vec<(Function, Variables)> {
        let readers = SETTINGS.iter().find(|setting| setting.name == name).unwrap().functions;
        with(name, Some(value), readers)
    }

    #[test]
    fn a_whole_configuration_has_no_finding() {
        assert_eq!(wrong(&whole()), []);
        assert_eq!(Diagnosis::of(judge(&whole())).verdict(), Verdict::Well);
    }

    #[test]
    fn a_missing_variable_is_found_in_the_function_that_lacks_it() {
        let deployed = with("FRONTDESK_TABLE_OUTBOX", None, &[Function::ReviewSender]);
        let found = wrong(&deployed);
        assert_eq!(found[0], ("setting_wrong", "review-sender".to_owned()));
        assert_eq!(found[1], ("setting_differs", "FRONTDESK_TABLE_OUTBOX".to_owned()), "the others have it");
    }

    #[test]
    fn all_problems_are_told_at_once_with_the_parameter_that_mends_them() {
        let mut deployed = everywhere("REVIEW_BUFFER_SECONDS", "five days");
        for (_, variables) in &mut deployed {
            if variables.0.contains_key("SHOPIFY_SHOP") {
                variables.0.insert("SHOPIFY_SHOP".into(), "nowhere".into());
            }
        }
        let findings = judge(&deployed);
        let worker: Vec<_> = findings.iter().filter(|f| f.subject == "shopify-worker").collect();
        assert_eq!(worker.len(), 2, "{worker:?}");
        assert!(worker.iter().any(|f| f.what.contains("\"five days\"") && f.remedy.contains("ReviewBufferSeconds")));
    }

    #[test]
    fn a_value_that_one_function_has_otherwise_is_found() {
        for (name, value) in [("REVIEW_COOLDOWN_DAYS", "7"), ("SHOPIFY_SHOP", "other.myshopify.com")] {
            assert_eq!(
                wrong(&with(name, Some(value), &[Function::ShopifyWorker])),
                [("setting_differs", name.to_owned())]
            );
        }
        // Not set is the default.
        assert_eq!(wrong(&with("REVIEW_COOLDOWN_DAYS", Some("30"), &[Function::ShopifyWorker])), []);
        assert_eq!(wrong(&with("FRONTDESK_QUEUE_PODIUM_URL", Some("other"), &[Function::PodiumReviews])), []);
    }

    #[test]
    fn names_that_nothing_reads_are_found() {
        let deployed = with("REVIEW_COOLDOWN_DAY", Some("7"), &[Function::ShopifyWorker]);
        assert_eq!(wrong(&deployed), [("setting_unknown", "shopify-worker".to_owned())]);
    }

    #[test]
    fn settings_that_contradict_each_other_are_found() {
        let both = |first: (&str, &str), second: (&str, &str)| {
            let mut deployed = everywhere(first.0, first.1);
            for (function, variables) in &mut deployed {
                let readers = SETTINGS.iter().find(|setting| setting.name == second.0).unwrap().functions;
                if readers.contains(function) {
                    variables.0.insert(second.0.into(), second.1.into());
                }
                if readers.contains(function) || variables.0.contains_key(first.0) {
                    variables.0.insert("PODIUM_CAMPAIGN_ID".into(), "campaign".into());
                }
            }
            wrong(&deployed)
        };
        let contradicts = |name: &str| vec![("settings_contradict", name.to_owned())];
        assert_eq!(both(("PODIUM_CONTRACT", "brief"), ("REVIEW_THANKS", "on")), contradicts("REVIEW_THANKS"));
        assert_eq!(
            both(("PODIUM_CONTRACT", "brief"), ("REVIEW_REMINDER_DAYS", "7")),
            contradicts("REVIEW_REMINDER_DAYS")
        );
        let mut nobody_told = whole();
        for (_, variables) in &mut nobody_told {
            for channel in ["NOTIFY_SLACK_SECRET_ARN", "NOTIFY_WEBHOOK_SECRET_ARN", "NOTIFY_SNS_TOPIC_ARN"] {
                variables.0.remove(channel);
            }
        }
        assert_eq!(wrong(&nobody_told), contradicts("NOTIFY_CHANNELS"));
        let unsafe_origin = everywhere("WEB_ORIGINS", "https://shop.example,http://shop.example");
        assert_eq!(wrong(&unsafe_origin), [("origin_unsafe", "WEB_ORIGINS".to_owned())]);
        assert_eq!(wrong(&everywhere("WEB_ORIGINS", "http://localhost:8790")), []);
    }

    #[test]
    fn a_setting_is_called_as_its_parameter_is() {
        assert_eq!(parameter("REVIEW_BUFFER_SECONDS"), "ReviewBufferSeconds");
        assert_eq!(parameter("FRONTDESK_CONNECT_TIMEOUT_MS"), "FrontdeskConnectTimeoutMs");
    }
}
