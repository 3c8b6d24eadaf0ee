//! What the providers know of us: whether their APIs let us in, with which rights, and whom they tell of what happens.

use std::collections::BTreeSet;

use super::{Finding, Group, Looked};

/// A webhook as Podium lists it. Its secret is not here, only that there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodiumWebhook {
    /// Podium's id of it.
    pub uid: String,
    /// Where it goes.
    pub url: String,
    /// Whether Podium has switched it off.
    pub disabled: bool,
    /// What it tells of.
    pub event_types: Vec<String>,
    /// Whether what it brings is signed.
    pub signed: bool,
}

/// An endpoint of ours and the events that only it is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodiumEndpointNeed {
    /// Where.
    pub path: &'static str,
    /// What it has to be told of.
    pub events: &'static [&'static str],
    /// What more is good to know; who does without loses little.
    pub useful: &'static [&'static str],
}

/// All of them, as docs/CONFIGURATION.md lists them. `/podium/sms` is for a Podium that tells of texts apart.
pub const PODIUM_ENDPOINTS: [PodiumEndpointNeed; 3] = [
    PodiumEndpointNeed {
        path: "/podium/webchat",
        events: &["message.received", "message.sent", "message.failed"],
        useful: &[],
    },
    PodiumEndpointNeed {
        path: "/podium/contacts",
        events: &["contact.updated"],
        useful: &["contact.created", "contact.deleted", "contact.merged"],
    },
    PodiumEndpointNeed {
        path: "/podium/reviews",
        events: &["review.created", "review.updated"],
        useful: &[
            "review.response_created",
            "review.response_updated",
            "review.invite_link_created",
            "review.invite_link_updated",
        ],
    },
];

/// Our paths, beside those.
const PODIUM_SMS: &str = "/podium/sms";

/// What Podium's API was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodiumFacts {
    /// Whether a list of locations could be had with our credentials, and how many are on it.
    pub locations: Looked<Vec<String>>,
    /// What a token may read: the right, and whether a call that needs it was let through.
    pub rights: Vec<(&'static str, Looked<bool>)>,
    /// The webhooks; `Absent` for the briefs' Podium, which has no list of them.
    pub webhooks: Looked<Vec<PodiumWebhook>>,
}

const PODIUM: Group = Group::Podium;

/// Judges what Podium said. `door`: our front door's address, without a slash at the end; `served`: the locations that the
/// settings name.
#[must_use]
pub fn judge_podium(facts: &PodiumFacts, door: Option<&str>, served: &[String]) -> Vec<Finding> {
    let mut findings = vec![podium_api(&facts.locations)];
    if let Looked::Seen(listed) = &facts.locations {
        findings.extend(served.iter().filter(|uid| !listed.contains(uid)).map(|uid| {
            let what = format!("SHOPIFY_LOCATIONS names the location {uid}, which Podium does not list: its customers are not asked for reviews");
            let remedy = "Put the uid that `frontdesk locations refresh` shows into ShopifyLocations.";
            Finding::fail(PODIUM, "location_unknown", uid, what, remedy).by("frontdesk locations refresh")
        }));
    }
    for (right, looked) in &facts.rights {
        match looked {
            Looked::Seen(true) => findings.push(Finding::ok(PODIUM, *right, "the token may")),
            Looked::Seen(false) => {
                let what = format!("the token may not {right}: Podium answers 403");
                let remedy =
                    "Add the scope to the app at Podium, then authorize it again and put the new refresh token in.";
                let finding = Finding::fail(PODIUM, "scope_missing", *right, what, remedy);
                findings.push(finding.by("frontdesk secrets rotate podium-oauth --value-from FILE"));
            }
            Looked::Absent => {}
            // Nothing answers when the token cannot be had, and that is told once.
            Looked::Unknown(_) | Looked::Forbidden(_) if facts.locations.seen().is_none() => {}
            Looked::Unknown(why) | Looked::Forbidden(why) => {
                findings.push(Finding::unknown(PODIUM, *right, why, "Say the same command again."));
            }
        }
    }
    findings.extend(podium_webhooks(facts, door));
    findings
}

fn podium_api(locations: &Looked<Vec<String>>) -> Finding {
    let none = || {
        let what = "it answers, and lists no location: the token sees none, so every message waits";
        let remedy = "Authorize the app for the organization, not for one person, with the scope read_locations.";
        Finding::fail(PODIUM, "locations_none", "api", what, remedy)
    };
    match locations {
        Looked::Seen(listed) if listed.is_empty() => none(),
        Looked::Seen(listed) => {
            Finding::ok(PODIUM, "api", format!("it answers, and lists {} location(s)", listed.len()))
        }
        Looked::Absent => none(),
        Looked::Forbidden(why) => {
            let remedy = "Put working credentials in; they are tried before they take the others' place.";
            Finding::fail(PODIUM, "podium_refuses", "api", format!("it does not let us in: {why}"), remedy)
                .by("frontdesk secrets rotate podium-oauth --value-from FILE")
        }
        Looked::Unknown(why) => {
            Finding::unknown(PODIUM, "api", why, "Say the same command again; is PODIUM_API_URL right?")
        }
    }
}

fn podium_webhooks(facts: &PodiumFacts, door: Option<&str>) -> Vec<Finding> {
    let hooks = match &facts.webhooks {
        Looked::Seen(hooks) => hooks,
        Looked::Absent => {
            let what =
                "the briefs' Podium has no list of its webhooks: see in its console whether they are there and enabled";
            return vec![Finding::not_looked_at(PODIUM, "webhooks", what)];
        }
        // Told once, by the API's own finding.
        Looked::Unknown(_) | Looked::Forbidden(_) if facts.locations.seen().is_none() => return Vec::new(),
        Looked::Unknown(why) | Looked::Forbidden(why) => {
            return vec![Finding::unknown(
                PODIUM,
                "webhooks",
                why,
                "See in Podium's console whether they are there and enabled.",
            )];
        }
    };
    let Some(door) = door else {
        let what = "our front door's address is not known, so it cannot be told which webhooks are ours";
        return vec![Finding::not_looked_at(PODIUM, "webhooks", what)];
    };
    let at = |path: &str| format!("{door}{path}");
    let is_ours = |hook: &&PodiumWebhook| {
        PODIUM_ENDPOINTS
            .iter()
            .map(|need| need.path)
            .chain([PODIUM_SMS])
            .any(|path| hook.url.trim_end_matches('/') == at(path))
    };
    let ours: Vec<&PodiumWebhook> = hooks.iter().filter(is_ours).collect();
    let mut findings: Vec<Finding> = ours.iter().flat_map(|hook| podium_hook(hook)).collect();
    findings.extend(hooks.iter().filter(|hook| !is_ours(hook)).filter_map(|hook| misdirected(hook, door)));
    for need in PODIUM_ENDPOINTS {
        findings.extend(podium_endpoint(&need, &at(need.path), &ours));
    }
    findings
}

/// What is wrong with a webhook of ours by itself.
fn podium_hook(hook: &PodiumWebhook) -> Vec<Finding> {
    let mut findings = Vec::new();
    if hook.disabled {
        let what = format!(
            "the webhook {} is disabled: Podium keeps its events for about ten days, then they are lost",
            hook.uid
        );
        let remedy = "See why its deliveries failed (alarms, the endpoint's log), then enable it: PUT /v4/webhooks/{uid} {\"disabled\": false}.";
        findings.push(
            Finding::fail(PODIUM, "webhook_disabled", &*hook.url, what, remedy)
                .by("frontdesk reconcile podium --since 72h"),
        );
    }
    if !hook.signed {
        let what = format!(
            "the webhook {} has no secret: it is not signed, and everything it brings is answered 401",
            hook.uid
        );
        let remedy = "Give it the secret that podium-webhook holds: PUT /v4/webhooks/{uid} {\"secret\": ...}.";
        findings.push(Finding::fail(PODIUM, "webhook_unsigned", &*hook.url, what, remedy));
    }
    findings
}

/// A webhook with our paths and somebody else's address: most likely ours of a former deployment.
fn misdirected(hook: &PodiumWebhook, door: &str) -> Option<Finding> {
    let paths = PODIUM_ENDPOINTS.iter().map(|need| need.path).chain([PODIUM_SMS]);
    let path = paths.into_iter().find(|path| hook.url.trim_end_matches('/').ends_with(path))?;
    let what = format!("the webhook {} goes to {}, which is not our front door", hook.uid, hook.url);
    let remedy = format!(
        "If it is meant for this installation, point it to {door}{path}: PUT /v4/webhooks/{{uid}} {{\"url\": ...}}."
    );
    Some(Finding::warn(PODIUM, "webhook_elsewhere", &*hook.url, what, remedy))
}

fn podium_endpoint(need: &PodiumEndpointNeed, url: &str, ours: &[&PodiumWebhook]) -> Vec<Finding> {
    let told =
        |hooks: &[&&PodiumWebhook], event: &str| hooks.iter().any(|hook| hook.event_types.iter().any(|e| e == event));
    let all: Vec<&&PodiumWebhook> = ours.iter().collect();
    let mut findings = Vec::new();
    // Each endpoint takes any event, so one that comes by another of ours is not lost.
    let lost: Vec<&str> = need.events.iter().copied().filter(|event| !told(&all, event)).collect();
    if !lost.is_empty() {
        let there = ours.iter().any(|hook| hook.url.trim_end_matches('/') == url);
        let (check, what) = match there {
            false if lost.len() == need.events.len() => {
                ("webhook_missing", format!("no webhook goes to {url}: nobody tells of {}", lost.join(", ")))
            }
            _ => ("event_missing", format!("nobody tells {url} of {}", lost.join(", "))),
        };
        let remedy = "Subscribe it at Podium, with the secret that podium-webhook holds: docs/CONFIGURATION.md, Podium's webhooks.";
        findings.push(Finding::fail(PODIUM, check, url, what, remedy));
    }
    let missed: Vec<&str> = need.useful.iter().copied().filter(|event| !told(&all, event)).collect();
    if !missed.is_empty() && lost.is_empty() {
        let what = format!("nobody tells {url} of {}", missed.join(", "));
        findings.push(Finding::warn(
            PODIUM,
            "event_useful",
            url,
            what,
            "Subscribe them too: docs/CONFIGURATION.md, Podium's webhooks.",
        ));
    }
    let all_events = need.events.iter().chain(need.useful);
    let twice: Vec<&str> = all_events
        .copied()
        .filter(|event| {
            ours.iter().filter(|hook| !hook.disabled && hook.event_types.iter().any(|e| e == event)).count() > 1
        })
        .collect();
    if !twice.is_empty() {
        let what = format!("two webhooks tell of {}: each is worked on twice, though answered once", twice.join(", "));
        findings.push(Finding::warn(PODIUM, "event_twice", url, what, "Subscribe each event at one address only."));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(PODIUM, url, "told of what it needs"));
    }
    findings
}

/// A webhook subscription as Shopify's Admin API lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopifySubscription {
    /// `ORDERS_FULFILLED`
    pub topic: String,
    /// Where it goes.
    pub uri: String,
}

/// What Shopify's Admin API was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopifyFacts {
    /// The shop that answered: its `myshopify.com` domain.
    pub shop: String,
    /// The version that was asked for, and whether Shopify still supports it; `None` when it does not say.
    pub version: (String, Option<bool>),
    /// What the app may do.
    pub scopes: Vec<String>,
    /// What the app subscribed through the API.
    pub subscriptions: Vec<ShopifySubscription>,
}

/// What the app must be allowed.
pub const SHOPIFY_SCOPES: [&str; 5] =
    ["read_orders", "read_customers", "read_fulfillments", "read_returns", "read_locations"];

/// The topics that somebody has to tell us of, and where: `orders/fulfilled` in the words of GraphQL.
pub const SHOPIFY_TOPICS: [(&str, &str); 14] = [
    ("ORDERS_FULFILLED", "/shopify/orders-fulfilled"),
    ("ORDERS_CANCELLED", "/shopify/orders-cancelled"),
    ("ORDERS_UPDATED", "/shopify/orders-updated"),
    ("REFUNDS_CREATE", "/shopify/refunds-create"),
    ("RETURNS_REQUEST", "/shopify/webhooks"),
    ("RETURNS_APPROVE", "/shopify/webhooks"),
    ("RETURNS_CANCEL", "/shopify/webhooks"),
    ("RETURNS_CLOSE", "/shopify/webhooks"),
    ("RETURNS_REOPEN", "/shopify/webhooks"),
    ("FULFILLMENT_EVENTS_CREATE", "/shopify/webhooks"),
    ("CUSTOMERS_MARKETING_CONSENT_UPDATE", "/shopify/webhooks"),
    ("CUSTOMERS_MERGE", "/shopify/webhooks"),
    ("APP_UNINSTALLED", "/shopify/webhooks"),
    ("SHOP_REDACT", "/shopify/privacy"),
];

const SHOPIFY: Group = Group::Shopify;

/// Judges what Shopify said.
#[must_use]
pub fn judge_shopify(shop: &str, looked: &Looked<ShopifyFacts>, door: Option<&str>) -> Vec<Finding> {
    let facts = match looked {
        Looked::Seen(facts) => facts,
        Looked::Forbidden(why) => {
            let remedy = "Put working credentials in; they are tried before they take the others' place.";
            let finding =
                Finding::fail(SHOPIFY, "shopify_refuses", "api", format!("it does not let us in: {why}"), remedy);
            return vec![finding.by("frontdesk secrets rotate shopify-admin --value-from FILE")];
        }
        Looked::Absent => return vec![Finding::not_looked_at(SHOPIFY, "api", "no shop is set")],
        Looked::Unknown(why) => {
            let remedy = "Say the same command again; are SHOPIFY_SHOP and SHOPIFY_API_VERSION right?";
            return vec![Finding::unknown(SHOPIFY, "api", why, remedy)];
        }
    };
    let mut findings = Vec::new();
    if !facts.shop.eq_ignore_ascii_case(shop) {
        let what = format!(
            "the credentials are for {}, and SHOPIFY_SHOP is {shop}: its webhooks are kept and not acted on",
            facts.shop
        );
        findings.push(Finding::fail(
            SHOPIFY,
            "shop_differs",
            "api",
            what,
            "Set ShopifyShop, or put the other shop's credentials in.",
        ));
    } else {
        findings.push(Finding::ok(SHOPIFY, "api", format!("it answers for {}", facts.shop)));
    }
    if facts.version.1 == Some(false) {
        let what =
            format!("the version {} is supported no longer: Shopify answers as the oldest that is", facts.version.0);
        let remedy = "Read what changed, then set ShopifyApiVersion to a version that is.";
        findings.push(Finding::warn(SHOPIFY, "version_old", "version", what, remedy).by("sam deploy --guided"));
    }
    // A right to write holds the right to read.
    let has = |scope: &&str| {
        let write = scope.replacen("read_", "write_", 1);
        facts.scopes.iter().any(|held| held == *scope || *held == write)
    };
    findings.extend(SHOPIFY_SCOPES.iter().filter(|scope| !has(scope)).map(|scope| {
        let what = format!("the app lacks the scope {scope}");
        let remedy = "Add it to the app's configuration, release a version of the app, and let the shop approve it.";
        Finding::fail(SHOPIFY, "scope_missing", *scope, what, remedy)
    }));
    findings.extend(shopify_subscriptions(facts, door));
    findings
}

fn shopify_subscriptions(facts: &ShopifyFacts, door: Option<&str>) -> Vec<Finding> {
    const FILE: &str =
        "A subscription in the app's configuration file, or made in the shop's admin, does not show in this list";
    let Some(door) = door else {
        return vec![Finding::not_looked_at(SHOPIFY, "webhooks", "our front door's address is not known")];
    };
    let mut findings = Vec::new();
    let wrong = |subscription: &&ShopifySubscription| {
        let uri = subscription.uri.trim_end_matches('/');
        uri.contains("/shopify/") && !uri.starts_with(&format!("{door}/"))
    };
    findings.extend(facts.subscriptions.iter().filter(wrong).map(|subscription| {
        let what = format!("{} is told to {}, which is not our front door", subscription.topic, subscription.uri);
        let remedy = format!("Point it to {door}, or take it away if another installation is meant.");
        Finding::fail(SHOPIFY, "webhook_elsewhere", &*subscription.topic, what, remedy)
    }));
    let told: BTreeSet<&str> = facts
        .subscriptions
        .iter()
        .filter(|subscription| subscription.uri.starts_with(&format!("{door}/shopify/")))
        .map(|subscription| subscription.topic.as_str())
        .collect();
    // What is told of people's data is never in the list.
    let needed = SHOPIFY_TOPICS.iter().map(|(topic, _)| *topic).filter(|topic| *topic != "SHOP_REDACT");
    let missing: Vec<&str> = needed.filter(|topic| !told.contains(topic)).collect();
    if told.is_empty() {
        let what = format!("none was subscribed through the API. {FILE}: see there that all topics are named");
        findings.push(Finding::not_looked_at(SHOPIFY, "webhooks", what));
    } else if missing.is_empty() {
        findings.push(Finding::ok(SHOPIFY, "webhooks", format!("{} topics are told", told.len())));
    } else {
        let what = format!("nobody tells of {} as far as the API shows. {FILE}", missing.join(", "));
        let remedy =
            "Subscribe them where the others are, unless the file does: docs/CONFIGURATION.md, Shopify's webhooks.";
        findings.push(Finding::warn(SHOPIFY, "topic_missing", "webhooks", what, remedy));
    }
    let what = "customers/data_request, customers/redact and shop/redact are named in the app's configuration only, and no API shows them";
    findings.push(Finding::not_looked_at(SHOPIFY, "privacy webhooks", what));
    findings
}

/// What Chatwoot was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatwootFacts {
    /// Whether it knows the token that posts.
    pub api_token: Looked<bool>,
    /// Whether it knows the token that reads; `Absent` when there is none.
    pub user_token: Looked<bool>,
    /// Where its bots' and accounts' webhooks go; `Forbidden` without an administrator's token.
    pub webhooks: Looked<Vec<String>>,
}

/// Judges what Chatwoot said; `None` when it is not set up.
#[must_use]
pub fn judge_chatwoot(facts: Option<&ChatwootFacts>, door: Option<&str>) -> Vec<Finding> {
    const GROUP: Group = Group::Chatwoot;
    let Some(facts) = facts else {
        return vec![Finding::not_looked_at(
            GROUP,
            "api",
            "not set up: its secrets hold their placeholders, or CHATWOOT_URL is empty",
        )];
    };
    let mut findings = Vec::new();
    for (which, looked) in [("api_token", &facts.api_token), ("user_token", &facts.user_token)] {
        findings.push(match looked {
            Looked::Seen(true) => Finding::ok(GROUP, which, "Chatwoot knows it"),
            Looked::Seen(false) => {
                let remedy = "Copy the bot's (api_token) or the person's (user_token) access token again.";
                let finding =
                    Finding::fail(GROUP, "chatwoot_refuses", which, "Chatwoot does not know this token", remedy);
                finding.by("frontdesk secrets rotate chatwoot-api --value-from FILE")
            }
            Looked::Absent if which == "user_token" => {
                let what =
                    "there is none: an answer whose fate is not known goes to people, as nothing can be looked up";
                let remedy = "Add the token of a person who is a member of the inboxes.";
                Finding::warn(GROUP, "user_token_missing", which, what, remedy)
            }
            Looked::Absent => Finding::not_looked_at(GROUP, which, "there is none"),
            Looked::Unknown(why) | Looked::Forbidden(why) => {
                Finding::unknown(GROUP, which, why, "Say the same command again; is CHATWOOT_URL right?")
            }
        });
    }
    let webhook = match (&facts.webhooks, door) {
        (Looked::Seen(urls), Some(door))
            if urls.iter().any(|url| url.trim_end_matches('/') == format!("{door}/chatwoot")) =>
        {
            Finding::ok(GROUP, "webhook", "a bot's or an account's webhook goes to our front door")
        }
        (Looked::Seen(urls), Some(door)) => {
            let what = format!("none of its {} webhook(s) goes to {door}/chatwoot: no chat comes here", urls.len());
            let remedy =
                "Settings, Bots: the bot's webhook URL. Of an inbox of the API kind it is the inbox's webhook URL.";
            Finding::fail(GROUP, "webhook_missing", "webhook", what, remedy)
        }
        (Looked::Forbidden(why) | Looked::Unknown(why), _) => {
            let what =
                format!("its webhooks' addresses were not looked at ({why}): only an administrator's token lists them");
            Finding::not_looked_at(GROUP, "webhook", what)
        }
        (Looked::Absent | Looked::Seen(_), _) => {
            Finding::not_looked_at(GROUP, "webhook", "our front door's address is not known")
        }
    };
    findings.push(webhook);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    const DOOR: &str = "https://door.example";

    fn hook(need: &PodiumEndpointNeed) -> PodiumWebhook {
        let events = need.events.iter().chain(need.useful);
        PodiumWebhook {
            uid: format!("wh-{}", need.path.rsplit('/').next().unwrap()),
            url: format!("{DOOR}{}", need.path),
            disabled: false,
            event_types: events.map(|event| (*event).to_owned()).collect(),
            signed: true,
        }
    }

    fn podium() -> PodiumFacts {
        PodiumFacts {
            locations: Looked::Seen(vec!["loc-1".into()]),
            rights: vec![("read_contacts", Looked::Seen(true))],
            webhooks: Looked::Seen(PODIUM_ENDPOINTS.iter().map(hook).collect()),
        }
    }

    fn of_podium(facts: &PodiumFacts) -> Vec<(&'static str, Level)> {
        let found = judge_podium(facts, Some(DOOR), &["loc-1".to_owned()]).into_iter();
        found.filter(|finding| finding.level != Level::Ok).map(|finding| (finding.check, finding.level)).collect()
    }

    #[test]
    fn each_fault_at_podium_is_found_alone() {
        assert_eq!(of_podium(&podium()), []);
        let hooks = |change: fn(&mut Vec<PodiumWebhook>)| {
            let mut hooks: Vec<PodiumWebhook> = PODIUM_ENDPOINTS.iter().map(hook).collect();
            change(&mut hooks);
            PodiumFacts { webhooks: Looked::Seen(hooks), ..podium() }
        };
        for (facts, check, level) in [
            (hooks(|h| h[0].disabled = true), "webhook_disabled", Level::Fail),
            (hooks(|h| h[1].signed = false), "webhook_unsigned", Level::Fail),
            (hooks(|h| drop(h.remove(2))), "webhook_missing", Level::Fail),
            (hooks(|h| h[0].event_types.retain(|e| e != "message.failed")), "event_missing", Level::Fail),
            (hooks(|h| h[1].event_types.retain(|e| e != "contact.merged")), "event_useful", Level::Warn),
            (hooks(|h| h[1].event_types.push("message.received".into())), "event_twice", Level::Warn),
            (
                PodiumFacts { locations: Looked::Seen(vec!["loc-9".into()]), ..podium() },
                "location_unknown",
                Level::Fail,
            ),
            (
                PodiumFacts { rights: vec![("read_contacts", Looked::Seen(false))], ..podium() },
                "scope_missing",
                Level::Fail,
            ),
            (PodiumFacts { webhooks: Looked::Unknown("no answer".into()), ..podium() }, "unknown", Level::Unknown),
            (PodiumFacts { webhooks: Looked::Absent, ..podium() }, "not_looked_at", Level::NotLookedAt),
        ] {
            assert_eq!(of_podium(&facts), [(check, level)]);
        }
    }

    #[test]
    fn a_webhook_of_a_former_address_is_found_beside_the_one_that_is_missing() {
        let mut facts = podium();
        if let Looked::Seen(hooks) = &mut facts.webhooks {
            hooks[0].url = "https://old.example/podium/webchat".into();
        }
        assert_eq!(of_podium(&facts), [("webhook_elsewhere", Level::Warn), ("webhook_missing", Level::Fail)]);
    }

    /// One webhook with everything loses nothing; that its line is shared is for the documents to say.
    #[test]
    fn an_event_that_comes_by_another_webhook_of_ours_is_not_missed() {
        let mut one = hook(&PODIUM_ENDPOINTS[0]);
        one.event_types =
            PODIUM_ENDPOINTS.iter().flat_map(|n| n.events.iter().chain(n.useful)).map(|e| (*e).to_owned()).collect();
        assert_eq!(of_podium(&PodiumFacts { webhooks: Looked::Seen(vec![one]), ..podium() }), []);
    }

    #[test]
    fn a_podium_that_does_not_answer_is_told_of_once() {
        let silent = |looked: Looked<Vec<String>>| PodiumFacts {
            locations: looked,
            rights: vec![("read_contacts", Looked::Unknown("no answer".into()))],
            webhooks: Looked::Unknown("no answer".into()),
        };
        assert_eq!(of_podium(&silent(Looked::Unknown("no answer".into()))), [("unknown", Level::Unknown)]);
        assert_eq!(of_podium(&silent(Looked::Forbidden("ERR_AUTH_001".into()))), [("podium_refuses", Level::Fail)]);
    }

    fn shopify() -> ShopifyFacts {
        let subscription = |(topic, path): &(&str, &str)| ShopifySubscription {
            topic: (*topic).to_owned(),
            uri: format!("{DOOR}{path}"),
        };
        ShopifyFacts {
            shop: "harbour-lane.myshopify.com".into(),
            version: ("2026-10".into(), Some(true)),
            scopes: SHOPIFY_SCOPES.map(str::to_owned).to_vec(),
            subscriptions: SHOPIFY_TOPICS.iter().map(subscription).collect(),
        }
    }

    fn of_shopify(looked: &Looked<ShopifyFacts>) -> Vec<(&'static str, Level)> {
        let found = judge_shopify("harbour-lane.myshopify.com", looked, Some(DOOR)).into_iter();
        // That no API shows the privacy topics is always told.
        let found = found.filter(|finding| finding.level != Level::Ok && finding.subject != "privacy webhooks");
        found.map(|finding| (finding.check, finding.level)).collect()
    }

    #[test]
    fn each_fault_at_shopify_is_found_alone() {
        assert_eq!(of_shopify(&Looked::Seen(shopify())), []);
        let plant = |change: fn(&mut ShopifyFacts)| {
            let mut facts = shopify();
            change(&mut facts);
            Looked::Seen(facts)
        };
        for (looked, check, level) in [
            (plant(|f| f.shop = "other.myshopify.com".into()), "shop_differs", Level::Fail),
            (plant(|f| f.version.1 = Some(false)), "version_old", Level::Warn),
            (plant(|f| f.scopes.retain(|scope| scope != "read_returns")), "scope_missing", Level::Fail),
            (plant(|f| f.subscriptions.retain(|s| s.topic != "REFUNDS_CREATE")), "topic_missing", Level::Warn),
            (plant(|f| f.subscriptions.clear()), "not_looked_at", Level::NotLookedAt),
            (Looked::Unknown("no answer".into()), "unknown", Level::Unknown),
            (Looked::Forbidden("ERR_AUTH_002".into()), "shopify_refuses", Level::Fail),
        ] {
            assert_eq!(of_shopify(&looked), [(check, level)]);
        }
        let elsewhere = plant(|f| f.subscriptions[0].uri = "https://old.example/shopify/orders-fulfilled".into());
        assert_eq!(of_shopify(&elsewhere), [("webhook_elsewhere", Level::Fail), ("topic_missing", Level::Warn)]);
        let writes = plant(|f| f.scopes.iter_mut().for_each(|scope| *scope = scope.replace("read_", "write_")));
        assert_eq!(of_shopify(&writes), []);
    }

    #[test]
    fn each_fault_at_chatwoot_is_found_alone() {
        let chatwoot = || ChatwootFacts {
            api_token: Looked::Seen(true),
            user_token: Looked::Seen(true),
            webhooks: Looked::Seen(vec![format!("{DOOR}/chatwoot")]),
        };
        let judged = |facts: &ChatwootFacts| {
            let found =
                judge_chatwoot(Some(facts), Some(DOOR)).into_iter().filter(|finding| finding.level != Level::Ok);
            found.map(|finding| (finding.check, finding.level)).collect::<Vec<_>>()
        };
        assert_eq!(judged(&chatwoot()), []);
        for (facts, check, level) in [
            (ChatwootFacts { api_token: Looked::Seen(false), ..chatwoot() }, "chatwoot_refuses", Level::Fail),
            (ChatwootFacts { user_token: Looked::Absent, ..chatwoot() }, "user_token_missing", Level::Warn),
            (ChatwootFacts { webhooks: Looked::Seen(Vec::new()), ..chatwoot() }, "webhook_missing", Level::Fail),
            (
                ChatwootFacts { webhooks: Looked::Forbidden("401".into()), ..chatwoot() },
                "not_looked_at",
                Level::NotLookedAt,
            ),
            (ChatwootFacts { api_token: Looked::Unknown("no answer".into()), ..chatwoot() }, "unknown", Level::Unknown),
        ] {
            assert_eq!(judged(&facts), [(check, level)]);
        }
        assert_eq!(judge_chatwoot(None, Some(DOOR))[0].level, Level::NotLookedAt);
    }
}
