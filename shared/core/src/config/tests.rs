use std::collections::BTreeMap;

use super::*;
use crate::{
    agent::Extras,
    flow::podium_worker::{AttachmentRules, ReplyMode},
    keyword::KeywordAnswers,
    provider::OptOutMirror,
    signature::{PodiumScheme, StalePolicy},
};

struct Map(BTreeMap<&'static str, String>);

impl Env for Map {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().map(|k| (*k).to_owned()).collect()
    }
}

fn complete() -> Map {
    let mut map: BTreeMap<&'static str, String> =
        SETTINGS.iter().filter(|s| s.wired).map(|s| (s.name, format!("the-{}", s.name.to_lowercase()))).collect();
    map.insert("SHOPIFY_SHOP", "Harbour-Lane.myshopify.com".into());
    map.insert(
        "SHOPIFY_LOCATIONS",
        r#"[{"podium_location":"loc-1","name":"Harbour Lane","country":"AU","shopify_location_ids":[1]}]"#.into(),
    );
    Map(map)
}

#[test]
fn defaults_suffice_for_everything_that_has_one() {
    let env = complete();
    assert_eq!(shopify_endpoint(&env).unwrap().config.shop.as_str(), "harbour-lane.myshopify.com");
    assert_eq!(shopify_worker(&env).unwrap().config.policy.buffer.as_secs(), 5 * 86_400);
    assert_eq!(review_sender(&env).unwrap().config.shopify.url, "https://harbour-lane.myshopify.com");
    assert_eq!(timers(&env).unwrap().config.requeue_after.as_secs(), 300);
    assert_eq!(podium_endpoint(&env).unwrap().config.endpoint.schemes, PodiumScheme::ALL);
    let chat = podium_worker(&env).unwrap().config.chat;
    assert_eq!((chat.sessions.warn_after.as_secs(), chat.sessions.close_after.as_secs()), (1_200, 1_680));
    assert_eq!(chat.attachments, AttachmentRules { bytes_max: 25 << 20, in_sum: true });
    assert_eq!(chat.reply, ReplyMode::Off);
    assert_eq!(timers(&env).unwrap().config.mirror.how, None);
    assert_eq!(follow_up(&env).unwrap().config.reconcile.settle.as_secs(), 900);
}

#[test]
fn every_problem_is_reported_at_once_and_named() {
    let mut env = complete();
    for (name, value) in [
        ("REVIEW_BUFFER_SECONDS", "five days"),
        ("REVIEW_COOLDOWN_DAYS", "-1"),
        ("REVIEW_ALLOWED_HOURS", "always"),
        ("REVIEW_PARTIAL_REFUND", "maybe"),
        ("REVIEW_MESSAGE", "hello"),
        ("REVIEW_SKIP_POS", "yes"),
        ("SHOPIFY_LOCATIONS", "[]"),
        ("PODIUM_CONTRACT", "brief"),
        ("FRONTDESK_CALL_TIMEOUT_MS", "99999999999999999999"),
    ] {
        env.0.insert(name, value.into());
    }
    env.0.remove("FRONTDESK_TABLE_OUTBOX");
    env.0.insert("PODIUM_OAUTH_SECRET_ARN", "  ".into());
    let problems = review_sender(&env).unwrap_err();
    let names: Vec<&str> = problems.0.iter().map(|p| p.name).collect();
    for name in [
        "REVIEW_BUFFER_SECONDS",
        "REVIEW_COOLDOWN_DAYS",
        "REVIEW_ALLOWED_HOURS",
        "REVIEW_PARTIAL_REFUND",
        "REVIEW_MESSAGE",
        "REVIEW_SKIP_POS",
        "SHOPIFY_LOCATIONS",
        "PODIUM_CAMPAIGN_ID",
        "FRONTDESK_CALL_TIMEOUT_MS",
        "FRONTDESK_TABLE_OUTBOX",
        "PODIUM_OAUTH_SECRET_ARN",
    ] {
        assert!(names.contains(&name), "{name} is missing in {problems}");
    }
    assert_eq!(names.len(), 11, "{problems}");
    assert!(problems.to_string().contains("11 setting(s)"));
}

#[test]
fn an_only_location_must_be_listed() {
    let mut env = complete();
    env.0.insert("SHOPIFY_ONLY_LOCATION", "loc-2".into());
    assert_eq!(shopify_worker(&env).unwrap_err().0[0].name, "SHOPIFY_ONLY_LOCATION");
    env.0.insert("SHOPIFY_ONLY_LOCATION", "loc-1".into());
    assert!(shopify_worker(&env).is_ok());
}

/// What a setting says when this is its value.
fn said(read: impl Fn(&Map) -> Option<Problems>, name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut env = complete();
    env.0.insert(name, value.into());
    read(&env).map(|problems| problems.0.into_iter().map(|p| (p.name, p.what)).collect()).unwrap_or_default()
}

fn worker_says(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    said(|env| podium_worker(env).err(), name, value)
}

fn endpoint_says(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    said(|env| podium_endpoint(env).err(), name, value)
}

fn follow_up_says(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    said(|env| follow_up(env).err(), name, value)
}

fn timers_say(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    said(|env| timers(env).err(), name, value)
}

#[test]
fn signatures_that_count_are_named_and_an_empty_list_is_refused() {
    let mut env = complete();
    env.0.insert("PODIUM_SIGNATURE_SCHEMES", " Published , published".into());
    env.0.insert("PODIUM_STALE", "reject".into());
    let endpoint = podium_endpoint(&env).unwrap().config.endpoint;
    assert_eq!(endpoint.schemes, [PodiumScheme::Published]);
    assert_eq!((endpoint.window.window_s, endpoint.window.stale), (36_000, StalePolicy::Reject));
    for (value, word) in [(",", "nobody could prove"), ("published, any", "\"any\""), ("brief", "brief_body")] {
        let problems = endpoint_says("PODIUM_SIGNATURE_SCHEMES", value);
        assert!(problems.len() == 1 && problems[0].1.contains(word), "{value}: {problems:?}");
    }
}

#[test]
fn texts_hold_only_what_is_filled_in_and_are_not_too_long() {
    for fine in ["Still there?", "{location_name} and {location_name}"] {
        assert_eq!(timers_say("WEBCHAT_PROMPT", fine), [], "{fine}");
        assert_eq!(worker_says("WEBCHAT_CONFIRMATION", fine), [], "{fine}");
    }
    let long = "x".repeat(481);
    for bad in ["Hi {first_name}", "Hi {location_name", "Hi {}", &long] {
        assert_eq!(timers_say("WEBCHAT_PROMPT", bad).len(), 1, "{bad}");
        assert_eq!(worker_says("WEBCHAT_CONFIRMATION", bad).len(), 1, "{bad}");
    }
    let answers = |answer: &str| format!(r#"[{{"words":["open"],"answer":"{answer}"}}]"#);
    assert_eq!(worker_says("AGENT_KEYWORDS", &answers("{location_name} is open")), []);
    assert_eq!(worker_says("AGENT_KEYWORDS", &answers("Hi {name}")).len(), 1);
    assert_eq!(worker_says("AGENT_KEYWORDS", "[{}]").len(), 1);
}

fn assistant_says(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    said(|env| chatwoot_worker(env).err(), name, value)
}

const ARTICLES: &str =
    r#"[{"id":"returns","title":"Returns","description":"How to.","link":"https://shop.example/returns"}]"#;

#[test]
fn articles_that_rules_name_are_listed() {
    let mut env = complete();
    assert_eq!(chatwoot_worker(&env).unwrap().config.assistant.extras, Extras::default());
    env.0.insert("AGENT_ARTICLES", ARTICLES.into());
    let extras = chatwoot_worker(&env).unwrap().config.assistant.extras;
    assert_eq!((extras.articles[0].id.as_str(), extras.articles.len(), extras.form), ("returns", 1, false));
    let rules = r#"[{"words":["back"],"articles":["returns"]},{"words":["write"],"form":true}]"#;
    env.0.insert("AGENT_KEYWORDS", rules.into());
    assert!(chatwoot_worker(&env).is_ok());
    // One that is not listed is found whatever thinks.
    env.0.insert("AGENT_KEYWORDS", r#"[{"words":["back"],"articles":["returns","refunds"]}]"#.into());
    for provider in ["keyword", "bedrock"] {
        env.0.extend([("AGENT_PROVIDER", provider.to_owned()), ("AGENT_MODEL", "m".to_owned())]);
        let problems = chatwoot_worker(&env).unwrap_err().0;
        assert!(problems.len() == 1 && problems[0].name == "AGENT_KEYWORDS", "{problems:?}");
        assert!(problems[0].what.contains("\"refunds\"") && problems[0].what.contains("AGENT_ARTICLES"));
    }
    assert_eq!(assistant_says("AGENT_KEYWORDS", rules)[0].0, "AGENT_KEYWORDS");
    // A list that is wrong is the only problem: what it would hold is not known.
    env.0.insert("AGENT_ARTICLES", ARTICLES.replace("https", "ftp"));
    let problems = chatwoot_worker(&env).unwrap_err().0;
    assert!(problems.len() == 1 && problems[0].name == "AGENT_ARTICLES", "{problems:?}");
    assert!(problems[0].what.contains("\"returns\""), "{problems:?}");
    assert_eq!(assistant_says("AGENT_ARTICLES", "[]").len(), 1);
}

/// The list of rules is shared, that of articles is not: what has no words says nothing there.
#[test]
fn rules_with_more_than_words_are_taken_where_there_are_only_words() {
    let mut env = complete();
    let rules = r#"[{"words":["back"],"articles":["returns"],"answer":"Read on:"},{"words":["write"],"form":true}]"#;
    env.0.extend([("AGENT_KEYWORDS", rules.to_owned()), ("WEBCHAT_REPLY", "agent".to_owned())]);
    let ReplyMode::Agent(answers) = podium_worker(&env).unwrap().config.chat.reply else { panic!() };
    assert_eq!((answers.find("back"), answers.find("May I write?")), (None, None));
}

/// An agent without words of its own answers with the confirmation; that is no mistake.
#[test]
fn an_agent_may_have_no_answers() {
    let mut env = complete();
    env.0.insert("WEBCHAT_REPLY", "agent".into());
    env.0.insert("AGENT_KEYWORDS", "[]".into());
    assert_eq!(podium_worker(&env).unwrap().config.chat.reply, ReplyMode::Agent(KeywordAnswers::default()));
}

#[test]
fn hosts_of_attachments_are_names() {
    for fine in ["*.podium.com", "files.example.com, *.example.org", "http://127.0.0.1:8788,*.podium.com"] {
        assert_eq!(worker_says("WEBCHAT_ATTACHMENT_HOSTS", fine), [], "{fine}");
    }
    for bad in [
        "*",
        "*.com",
        "https://podium.com",
        "a.example.com,",
        "podium.com/x",
        "a..b",
        "http://10.0.0.1:80",
        "*.*.example.com",
    ] {
        assert_eq!(worker_says("WEBCHAT_ATTACHMENT_HOSTS", bad).len(), 1, "{bad}");
    }
}

#[test]
fn settings_that_depend_on_each_other_are_compared() {
    assert_eq!(worker_says("WEBCHAT_CLOSE_SECONDS", "1200")[0].0, "WEBCHAT_CLOSE_SECONDS");
    assert_eq!(timers_say("WEBCHAT_WARN_SECONDS", "1680")[0].0, "WEBCHAT_CLOSE_SECONDS");
    assert_eq!(worker_says("PODIUM_LOCATIONS_FRESH_SECONDS", "301")[0].0, "PODIUM_LOCATIONS_FRESH_SECONDS");
    assert_eq!(timers_say("OPTOUT_MIRROR_RETRY_SECONDS", "3601")[0].0, "OPTOUT_MIRROR_RETRY_SECONDS");
    for say in [timers_say, follow_up_says] {
        assert_eq!(say("PODIUM_LOOKUP_AFTER_SECONDS", "86400")[0].0, "PODIUM_LOOKUP_AFTER_SECONDS");
        assert_eq!(say("FRONTDESK_OUTBOX_KEEP_DAYS", "1")[0].0, "FRONTDESK_OUTBOX_KEEP_DAYS");
    }
    assert_eq!(worker_says("FRONTDESK_OUTBOX_KEEP_DAYS", "1")[0].0, "FRONTDESK_OUTBOX_KEEP_DAYS");
}

#[test]
fn a_way_to_tell_podium_of_opt_outs_has_to_exist_in_its_contract() {
    assert_eq!(timers_say("OPTOUT_MIRROR", "tag"), []);
    assert_eq!(timers_say("OPTOUT_MIRROR", "brief_patch")[0].0, "OPTOUT_MIRROR");
    let mut env = complete();
    env.0.extend(
        [("OPTOUT_MIRROR", "brief_patch"), ("PODIUM_CONTRACT", "brief"), ("PODIUM_CAMPAIGN_ID", "c-1")]
            .map(|(n, v)| (n, v.to_owned())),
    );
    assert_eq!(timers(&env).unwrap().config.mirror.how, Some(OptOutMirror::BriefPatch));
}

/// It may run longer than the workers, so a shop that sets their lease does not shorten its own.
#[test]
fn the_follow_ups_lease_is_its_own() {
    let mut env = complete();
    env.0.insert("FRONTDESK_LEASE_SECONDS", "15".into());
    assert_eq!(timers(&env).unwrap().config.speaker.lease.as_secs(), 15);
    assert_eq!(follow_up(&env).unwrap().config.speaker.lease.as_secs(), 330);
}

#[test]
fn names_that_nothing_reads_are_warned_about() {
    let mut env = complete();
    for name in ["WEBCHAT_WARN", "OPTOUT_WORDS", "AGENT_KEYWORD"] {
        env.0.insert(name, "x".into());
    }
    env.0.insert("FRONTDESK_TABEL_INBOX", "x".into());
    env.0.insert("REVIEW_COOLDOWN", "7".into());
    env.0.insert("PATH", "/bin".into());
    assert_eq!(
        timers(&env).unwrap().unknown,
        ["AGENT_KEYWORD", "FRONTDESK_TABEL_INBOX", "OPTOUT_WORDS", "REVIEW_COOLDOWN", "WEBCHAT_WARN"]
    );
}

#[test]
fn the_table_has_no_name_twice_and_says_something_about_each() {
    let names: std::collections::BTreeSet<&str> = SETTINGS.iter().map(|s| s.name).collect();
    assert_eq!(names.len(), SETTINGS.len());
    assert!(SETTINGS.iter().all(|s| s.meaning.len() > 15 && s.meaning.ends_with('.') && !s.functions.is_empty()));
}

#[test]
fn only_channels_that_are_set_up_are_tried_in_the_order_that_is_wished() {
    use crate::notice::Channel::{Slack, Sns, Webhook};
    let mut env = complete();
    assert_eq!(notifier(&env).unwrap().config.rules.channels, [Slack, Webhook, Sns]);
    env.0.insert("NOTIFY_CHANNELS", "SNS, slack, sns".into());
    assert_eq!(notifier(&env).unwrap().config.rules.channels, [Sns, Slack]);
    env.0.insert("NOTIFY_SLACK_SECRET_ARN", String::new());
    assert_eq!(notifier(&env).unwrap().config.rules.channels, [Sns]);
    let problems = said(|env| notifier(env).err(), "NOTIFY_CHANNELS", "pigeon");
    assert!(problems.len() == 1 && problems[0].1.contains("pigeon"), "{problems:?}");
}

#[test]
fn what_is_optional_about_reviews_is_off_until_it_is_switched_on() {
    let mut env = complete();
    let policy = shopify_worker(&env).unwrap().config.policy;
    assert_eq!((policy.reminder, policy.after_delivery, policy.exclude_tags), (None, None, Vec::<String>::new()));
    assert!(podium_worker(&env).unwrap().config.reviews.thanks.is_none());
    env.0.insert("REVIEW_REMINDER_DAYS", "7".into());
    env.0.insert("REVIEW_AFTER_DELIVERY_SECONDS", "172800".into());
    env.0.insert("REVIEW_EXCLUDE_TAGS", " Wholesale, no-review ,".into());
    env.0.insert("REVIEW_THANKS", "on".into());
    let policy = shopify_worker(&env).unwrap().config.policy;
    assert_eq!(policy.reminder.map(|r| r.after.as_secs()), Some(7 * 86_400));
    assert_eq!(policy.after_delivery.map(|d| d.as_secs()), Some(172_800));
    assert_eq!(policy.exclude_tags, ["wholesale", "no-review"]);
    assert!(podium_worker(&env).unwrap().config.reviews.thanks.is_some());
}

#[test]
fn a_review_link_is_one_that_a_text_can_carry() {
    let with = |link: &str| {
        let location = format!(r#"[{{"podium_location":"loc-1","name":"H","country":"AU","review_link":"{link}"}}]"#);
        said(|env| shopify_worker(env).err(), "SHOPIFY_LOCATIONS", &location)
    };
    assert_eq!(with("https://g.page/r/abc/review"), []);
    for bad in ["http://g.page/r", "g.page/r", "https://", "https://g.page/a b", "javascript:alert(1)"] {
        assert_eq!(with(bad).len(), 1, "{bad}");
    }
}

/// As the template writes it: secrets that are not set up leave an empty place between two commas.
const LOOKED_AT: [(&str, &str); 5] = [
    ("HEALTH_TABLES", "inbox=s-InboxTable-1AB,review-requests=s-ReviewRequestsTable-2CD"),
    ("HEALTH_QUEUES_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/"),
    ("HEALTH_QUEUES", "chatwoot=s-chatwoot.fifo"),
    ("HEALTH_DEAD_LETTERS", "chatwoot-dlq=s-chatwoot-dead-letters.fifo"),
    ("HEALTH_SECRETS", "pepper=arn:p,shopify-admin*=arn:a,chatwoot-api?=arn:c,,,assistant=name=with=signs,"),
];

fn looked_at() -> Map {
    let mut env = complete();
    env.0.extend(LOOKED_AT.map(|(name, value)| (name, value.to_owned())));
    env
}

#[test]
fn what_health_looks_at_is_listed_in_five_variables() {
    use crate::flow::health::{
        Made::{Optional, ToFill, Whole},
        Part, What,
    };
    let config = health(&looked_at()).unwrap().config;
    let part = |name: &str, what: What| Part { name: name.into(), what };
    let secret = |id: &str, made| What::Secret { id: id.into(), made };
    let at = |name: &str| format!("https://sqs.eu-central-1.amazonaws.com/123456789012/{name}");
    assert_eq!(
        config.parts,
        [
            part("inbox", What::Table("s-InboxTable-1AB".into())),
            part("review-requests", What::Table("s-ReviewRequestsTable-2CD".into())),
            part("chatwoot", What::Queue(at("s-chatwoot.fifo"))),
            part("chatwoot-dlq", What::DeadLetters(at("s-chatwoot-dead-letters.fifo"))),
            part("pepper", secret("arn:p", Whole)),
            part("shopify-admin", secret("arn:a", ToFill)),
            part("chatwoot-api", secret("arn:c", Optional)),
            part("assistant", secret("name=with=signs", Whole)),
        ]
    );
    assert_eq!(config.fresh.as_secs(), 15);
}

#[test]
fn what_health_looks_at_has_words_that_may_be_shown() {
    let say = |name, value: &str| {
        let mut env = looked_at();
        env.0.insert(name, value.into());
        health(&env).err().map(|problems| problems.0).unwrap_or_default()
    };
    for name in ["HEALTH_TABLES", "HEALTH_QUEUES", "HEALTH_DEAD_LETTERS", "HEALTH_SECRETS"] {
        assert_eq!(say(name, " a=b , c-1=d,,"), [], "{name}");
        let long = format!("{}=x", "a".repeat(41));
        for wrong in [
            "inbox",
            "inbox=",
            "=x",
            ",,",
            "a=1,a=2",
            "Inbox=x",
            "a b=x",
            "arn:aws:x=y",
            "123456789012=x",
            "a**=x",
            &long,
        ] {
            let problems = say(name, wrong);
            assert!(problems.len() == 1 && problems[0].name == name, "{name}={wrong}: {problems:?}");
        }
    }
    for (name, wrong) in [("HEALTH_TABLES", "a*=x"), ("HEALTH_QUEUES", "a?=x"), ("HEALTH_CACHE_SECONDS", "0")] {
        assert_eq!(say(name, wrong).len(), 1, "{name}={wrong}");
    }
    assert_eq!(health(&complete()).unwrap_err().0.len(), 4, "every list at once");
}
