//! What the documents, the template and the code say about the same things is the same.
//!
//! `UPDATE_DOCS=1 cargo test -p frontdesk-tests --test docs_sync` writes the generated table into the document.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a panic is a failed test"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use frontdesk_core::{
    chat_code::ChatCode,
    chatwoot::IgnoreReason,
    config::{self, Env, FAMILIES, Function, SETTINGS, Setting, markdown},
    flow::widget_edge::Place,
    inbox::{RejectReason, Source},
    notice::{NoticeKey, NoticeKind},
    phone::PhoneReject,
    provider::{Feed, Provider},
    review::SkipReason,
    review_code::ReviewCode,
    telemetry::{Gauge, Metric},
    web::WebCode,
    webchat::{AttachmentProblem, WebchatCode},
};

const BEGIN: &str = "<!-- settings:begin -->";
const END: &str = "<!-- settings:end -->";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below a directory that end in `extension`, as paths from the root.
fn files(directory: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(directory)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{directory}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path, extension));
        } else if path.ends_with(extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn documents() -> Vec<String> {
    let mut all = files("docs", ".md");
    all.push("README.md".into());
    all
}

// ---- The table of settings

#[test]
fn the_table_in_the_configuration_is_the_codes() {
    let path = "docs/CONFIGURATION.md";
    let document = read(path);
    let (before, rest) = document.split_once(BEGIN).expect("the document has a place for the table");
    let (table, after) = rest.split_once(END).expect("the place for the table has an end");
    let wanted = format!("\n{}\n", markdown().trim());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join(path), format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
        return;
    }
    let stale = table.lines().zip(wanted.lines()).find(|(is, should)| is != should);
    assert_eq!(table, wanted, "{path} is stale, first at {stale:?}; UPDATE_DOCS=1 writes it anew");
}

/// A `|` or a line end in a meaning would break the table in every viewer.
#[test]
fn no_meaning_breaks_the_table() {
    for setting in SETTINGS {
        for text in [setting.meaning, setting.unit, setting.default.unwrap_or_default()] {
            assert!(!text.contains(['|', '\n']), "{}: {text}", setting.name);
        }
    }
}

struct Map(BTreeMap<String, String>);

impl Env for Map {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// Variables that every function starts with, and these on top.
fn variables(more: &[(&str, &str)]) -> Map {
    let mut map: BTreeMap<String, String> =
        SETTINGS.iter().filter(|s| s.wired).map(|s| (s.name.to_owned(), "a-name".to_owned())).collect();
    // Several names in one variable, each with a word.
    let lists = SETTINGS.iter().filter(|s| s.wired && s.unit == "list");
    map.extend(lists.map(|s| (s.name.to_owned(), "word=a-name".to_owned())));
    map.insert("SHOPIFY_SHOP".into(), "harbour-lane.myshopify.com".into());
    map.insert(
        "SHOPIFY_LOCATIONS".into(),
        r#"[{"podium_location":"loc-1","name":"Harbour Lane","country":"AU"}]"#.into(),
    );
    map.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Map(map)
}

/// The blocks of code in a document, with the language they are said to be in.
fn blocks(document: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = document.split("```").collect();
    parts
        .iter()
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').unwrap())
        .map(|(l, b)| (l.to_owned(), b.to_owned()))
        .collect()
}

#[test]
fn the_examples_of_settings_are_accepted() {
    let mut tried = 0;
    // Other documents show rules of the assistant only.
    let others = ["README.md", "docs/RUNBOOK.md"].iter().flat_map(|path| blocks(&read(path)));
    let rules = others.filter(|(language, block)| language == "json" && block.contains("\"words\""));
    for (language, block) in blocks(&read("docs/CONFIGURATION.md")).into_iter().chain(rules) {
        let mut set: Vec<(&str, &str)> = Vec::new();
        if language == "json" {
            set.push((if block.contains("\"words\"") { "AGENT_KEYWORDS" } else { "SHOPIFY_LOCATIONS" }, &block));
        }
        set.extend(block.lines().filter_map(|line| line.split_once('=')).filter(|(name, _)| is_variable(name)));
        if set.is_empty() {
            continue;
        }
        tried += 1;
        let env = variables(&set);
        config::shopify_worker(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::review_sender(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::podium_endpoint(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::podium_worker(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::timers(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::follow_up(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::notifier(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::privacy_worker(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::chatwoot_endpoint(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::chatwoot_worker(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::website_chat(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::contact_form(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::widget_edge(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        config::health(&env).unwrap_or_else(|problems| panic!("{block}: {problems}"));
        assert!(set.iter().all(|(name, _)| known(name)), "{set:?}");
    }
    assert!(tried >= 3, "{tried}");
}

#[test]
fn the_example_of_wrong_settings_is_what_is_said() {
    let env = variables(&[("REVIEW_COOLDOWN_DAYS", "a month"), ("SHOPIFY_ONLY_LOCATION", "loc-2")]);
    let problems = config::shopify_worker(&env).unwrap_err().to_string();
    let document = read("docs/CONFIGURATION.md");
    for line in problems.lines() {
        assert!(document.contains(line), "the document does not show {line:?}");
    }
}

// ---- The template

/// A parameter of the template.
#[derive(Debug)]
struct Parameter {
    default: Option<String>,
    description: String,
}

/// The fields of a one-line mapping such as `{Type: String, Default: "a, b", AllowedValues: [a, b]}`, lists as their text.
fn fields(mapping: &str) -> BTreeMap<String, String> {
    let inner = mapping
        .trim()
        .strip_prefix('{')
        .and_then(|m| m.strip_suffix('}'))
        .unwrap_or_else(|| panic!("not one line: {mapping}"));
    let (mut parts, mut part, mut quoted, mut depth) = (Vec::new(), String::new(), false, 0);
    let mut characters = inner.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted => part.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted && depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {
                depth += match c {
                    '[' | '{' if !quoted => 1,
                    ']' | '}' if !quoted => -1,
                    _ => 0,
                };
                part.push(c);
            }
        }
    }
    parts.push(part);
    let pair =
        |part: &String| part.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    parts.iter().map(|part| pair(part).unwrap_or_else(|| panic!("no field: {part}"))).collect()
}

/// The indented lines under a heading, up to the next line that is not indented deeper than it.
fn section<'t>(text: &'t str, heading: &str) -> Vec<&'t str> {
    let depth = heading.len() - heading.trim_start().len();
    let indented = |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > depth;
    text.lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(indented)
        .filter(|line| !line.trim().is_empty())
        .collect()
}

fn parameters() -> BTreeMap<String, Parameter> {
    let template = read("template.yaml");
    section(&template, "Parameters:")
        .into_iter()
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(|line| {
            let (name, mapping) = line.split_once(':').unwrap();
            let fields = fields(mapping);
            let description = fields.get("Description").cloned().unwrap_or_default();
            (name.trim().to_owned(), Parameter { default: fields.get("Default").cloned(), description })
        })
        .collect()
}

/// `REVIEW_BUFFER_SECONDS` is `ReviewBufferSeconds` there.
fn parameter_name(variable: &str) -> String {
    let capitalised = |word: &str| word[..1].to_owned() + &word[1..].to_lowercase();
    variable.split('_').map(capitalised).collect()
}

#[test]
fn every_setting_that_can_be_tuned_is_a_parameter_with_its_default_and_meaning() {
    let parameters = parameters();
    assert!(parameters.len() > 40, "{}", parameters.len());
    for Setting { name, default, meaning, .. } in SETTINGS.iter().filter(|s| !s.wired) {
        let parameter =
            parameters.get(&parameter_name(name)).unwrap_or_else(|| panic!("{name} is no parameter of the template"));
        assert_eq!(parameter.description, *meaning, "the template describes {name} otherwise");
        match default {
            Some(default) => {
                assert_eq!(parameter.default.as_deref(), Some(*default), "{name} has another default in the template");
            }
            // An empty parameter is no value; one that must be set has no default at all, so that the deployment asks.
            None if meaning.ends_with("Must be set.") => {
                assert_eq!(parameter.default, None, "{name} must be asked for");
            }
            None => assert_eq!(parameter.default.as_deref(), Some(""), "{name} may be left empty"),
        }
    }
}

/// Secrets, and the topic, are made by the template, or named by a person; either way they are described as in the table.
#[test]
fn every_secret_is_a_parameter_that_may_be_left_empty() {
    let parameters = parameters();
    for setting in SETTINGS.iter().filter(|s| s.name.ends_with("_ARN")) {
        let parameter = &parameters[&parameter_name(setting.name)];
        assert!(
            parameter.description.starts_with(setting.meaning),
            "the template describes {} otherwise",
            setting.name
        );
        assert_eq!(parameter.default.as_deref(), Some(""), "{}", setting.name);
    }
}

/// The logical resources of a type, each with its lines.
fn resources<'t>(template: &'t str, kind: &str) -> BTreeMap<&'t str, Vec<&'t str>> {
    let names =
        template.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ") && line.contains(':'));
    names
        .filter_map(|line| {
            let heading = line.split(" #").next().unwrap().trim_end();
            let below = section(template, line);
            let is_kind = below.iter().any(|l| l.trim() == format!("Type: {kind}"));
            is_kind.then(|| (heading.trim().trim_end_matches(':'), below))
        })
        .collect()
}

#[test]
fn every_function_gets_exactly_the_variables_that_it_reads() {
    let template = read("template.yaml");
    let functions = resources(&template, "AWS::Serverless::Function");
    let mut seen = BTreeSet::new();
    for (logical, lines) in functions {
        let code =
            lines.iter().find_map(|l| l.trim().strip_prefix("CodeUri: functions/")).unwrap().trim_end_matches('/');
        let function =
            Function::ALL.into_iter().find(|f| f.as_str() == code).unwrap_or_else(|| panic!("{logical}: {code}"));
        seen.insert(function);
        // What is indented deeper belongs to a variable that is composed of several names.
        let below = section(&lines.join("\n"), "        Variables:")
            .iter()
            .filter_map(|line| line.strip_prefix("          "))
            .filter(|line| !line.starts_with(' '))
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let given: BTreeSet<&str> = below.iter().map(|line| line.split(':').next().unwrap()).collect();
        let read: BTreeSet<&str> =
            SETTINGS.iter().filter(|s| s.functions.contains(&function)).map(|s| s.name).collect();
        let lacking: Vec<_> = read.difference(&given).collect();
        let useless: Vec<_> = given.difference(&read).collect();
        assert!(lacking.is_empty() && useless.is_empty(), "{logical} lacks {lacking:?} and does not read {useless:?}");
        // Those are named after what they are; of the composed ones local/check_template.py knows what has to be in them.
        let single = |line: &&String| !line.starts_with("HEALTH_") || line.starts_with("HEALTH_CACHE_");
        for line in below
            .iter()
            .filter(|line| !line.starts_with("FRONTDESK_TABLE_") && !line.starts_with("FRONTDESK_QUEUE_"))
            .filter(single)
        {
            let (name, value) = line.split_once(':').unwrap();
            assert!(value.contains(&parameter_name(name)), "{logical} gets {name} from {value}");
        }
    }
    assert_eq!(seen, Function::ALL.into_iter().collect(), "a function has no part in the template");
}

/// A table or queue has one name in every function, so that none works on another's.
#[test]
fn every_table_and_queue_is_given_under_its_own_name() {
    let template = read("template.yaml");
    let mut given: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (logical, lines) in resources(&template, "AWS::Serverless::Function") {
        for line in lines {
            let Some((name, resource)) = line.trim().split_once(": !Ref ") else { continue };
            if name.starts_with("FRONTDESK_TABLE_") || name.starts_with("FRONTDESK_QUEUE_") {
                // The endpoint of the reviews' webhook hands over to a queue of its own, which the same worker empties.
                let own_queue = logical == "PodiumReviewsFunction" && name == "FRONTDESK_QUEUE_PODIUM_URL";
                let name = if own_queue { format!("{name} of {logical}") } else { name.to_owned() };
                given.entry(name).or_default().insert(resource.to_owned());
            }
        }
    }
    let wanted = [
        ("FRONTDESK_QUEUE_CHATWOOT_URL", "ChatwootQueue"),
        ("FRONTDESK_QUEUE_NOTICES_URL", "NoticesQueue"),
        ("FRONTDESK_QUEUE_PODIUM_URL", "PodiumEventsQueue"),
        ("FRONTDESK_QUEUE_PODIUM_URL of PodiumReviewsFunction", "PodiumReviewEventsQueue"),
        ("FRONTDESK_QUEUE_PRIVACY_URL", "PrivacyQueue"),
        ("FRONTDESK_QUEUE_REVIEWS_URL", "ReviewDeferredQueue"),
        ("FRONTDESK_QUEUE_SHOPIFY_URL", "ShopifyEventsQueue"),
        ("FRONTDESK_TABLE_CHATS", "ChatsTable"),
        ("FRONTDESK_TABLE_CONTACTS", "ContactsTable"),
        ("FRONTDESK_TABLE_DIRECTORY", "DirectoryTable"),
        ("FRONTDESK_TABLE_FORMS", "FormsTable"),
        ("FRONTDESK_TABLE_INBOX", "InboxTable"),
        ("FRONTDESK_TABLE_LIMITS", "LimitsTable"),
        ("FRONTDESK_TABLE_OUTBOX", "OutboxTable"),
        ("FRONTDESK_TABLE_REQUESTS", "ReviewRequestsTable"),
        ("FRONTDESK_TABLE_REVIEWS", "ReviewsTable"),
        ("FRONTDESK_TABLE_SESSIONS", "SessionsTable"),
    ];
    let wanted = wanted.map(|(name, resource)| (name.to_owned(), BTreeSet::from([resource.to_owned()])));
    assert_eq!(given, BTreeMap::from(wanted));
    let used: BTreeSet<&str> = given.values().flatten().map(String::as_str).collect();
    let queues = resources(&template, "AWS::SQS::Queue").into_keys().filter(|name| !name.ends_with("DeadLetters"));
    let made: BTreeSet<&str> = resources(&template, "AWS::DynamoDB::Table").into_keys().chain(queues).collect();
    assert_eq!(made, used, "a table or queue that no function knows");
}

/// What wakes a function is what its program reads: a request, a queue's messages, or a schedule's task.
#[test]
fn every_function_is_woken_by_what_its_program_reads() {
    let template = read("template.yaml");
    for (logical, lines) in resources(&template, "AWS::Serverless::Function") {
        let code = lines.iter().find_map(|l| l.trim().strip_prefix("CodeUri: ")).unwrap().trim_end_matches('/');
        let program: String = files(&format!("{code}/src"), ".rs").iter().map(|path| read(path)).collect();
        let reads = |words: &[&str]| words.iter().any(|word| program.contains(word));
        let woken = |kind: &str| lines.iter().any(|l| l.contains(kind));
        let by = [woken("Type: HttpApi,"), woken("Type: SQS"), woken("Type: ScheduleV2")];
        assert_eq!(by, [reads(&["door::serve", "HttpEvent"]), reads(&["QueueEvent"]), reads(&["Tick"])], "{logical}");
        assert_eq!(by.iter().filter(|is| **is).count(), 1, "{logical}");
    }
}

/// Addresses that people paste into the providers' consoles and pages are those at which the front door answers.
#[test]
fn every_address_in_the_documents_is_a_route_and_every_route_is_in_the_documents() {
    let template = read("template.yaml");
    let paths = template.lines().filter_map(|line| line.split_once("Type: HttpApi,")?.1.split_once("Path: "));
    let routes: BTreeSet<&str> = paths.map(|(_, path)| path.trim_matches(['"', '}', ' '])).collect();
    // Of the one that ends in whatever follows, the function says what there is.
    let (proxies, routes): (BTreeSet<_>, BTreeSet<_>) = routes.into_iter().partition(|path| path.contains("{proxy+"));
    assert_eq!(proxies, BTreeSet::from(["/webchat/{proxy+"]));
    let families: BTreeSet<&str> = routes.iter().map(|path| path[1..].split('/').next().unwrap()).collect();
    let mut named = BTreeSet::new();
    for path in documents() {
        let text = read(&path);
        for (at, _) in text.match_indices('/') {
            let before = text[..at].chars().next_back();
            let address: String =
                text[at..].chars().take_while(|c| c.is_ascii_lowercase() || matches!(c, '/' | '-')).collect();
            let address = address.trim_end_matches('/');
            let family = address.get(1..).and_then(|rest| rest.split('/').next()).unwrap_or_default();
            // What stands by itself, as code or after a method; not a part of a longer address or of a file's path.
            if !matches!(before, Some('`' | ' ')) || !(families.contains(family) || family == "webchat") {
                continue;
            }
            if family == "webchat" {
                let whole = if address == "/webchat/files" { "/webchat/files/x" } else { address };
                assert!(address == "/webchat" || Place::at(whole) != Place::Nowhere, "{path} names {address}");
            } else {
                let there = routes.contains(address) || families.contains(&address[1..]);
                assert!(there, "{path} names {address}, where nobody answers");
                named.insert(address.to_owned());
            }
        }
    }
    let silent: Vec<_> = routes.iter().filter(|route| !named.contains(**route)).collect();
    assert!(silent.is_empty(), "no document says what {silent:?} is for");
}

/// Settings that are free text, or whose form somebody else judges: the clients of the providers, at the start too.
const ANY_TEXT: [&str; 24] = [
    "REVIEW_EXCLUDE_TAGS",
    "SHOPIFY_API_URL",
    "SHOPIFY_API_VERSION",
    "PODIUM_API_URL",
    "PODIUM_API_VERSION",
    "PODIUM_TOKEN_URL",
    "PODIUM_CAMPAIGN_ID",
    "OPTOUT_TAG",
    "CHATWOOT_URL",
    "CHATWOOT_HANDOFF_TEXT",
    "AGENT_MODEL",
    "AGENT_URL",
    "AGENT_EFFORT",
    "AGENT_SHOP_NAME",
    "AGENT_INSTRUCTIONS",
    "AGENT_DISCLOSURE_TEXT",
    "SPEECH_MODEL",
    "SPEECH_URL",
    "WOOCOMMERCE_URL",
    "WOOCOMMERCE_CURRENCY",
    "CHAT_HANDOFF_TEXT",
    "CHAT_STOP_TEXT",
    "FORM_HONEYPOT",
    "WEBCHAT_TIME_ZONE",
];

/// Ways to reach people, and what the assistant may do without: each may be missing.
const MAY_BE_MISSING: [&str; 7] = [
    "NOTIFY_SLACK_SECRET_ARN",
    "NOTIFY_WEBHOOK_SECRET_ARN",
    "NOTIFY_SNS_TOPIC_ARN",
    "AGENT_SECRET_ARN",
    "SPEECH_SECRET_ARN",
    "WOOCOMMERCE_SECRET_ARN",
    "WEBCHAT_UPLOAD_BUCKET",
];

/// What the function itself says it needs is what the table says it reads.
#[test]
fn a_function_starts_with_the_variables_of_the_table_and_misses_each_that_has_no_default() {
    type Start = fn(&Map) -> Result<(), config::Problems>;
    let starts: [(Function, Start); 19] = [
        (Function::ShopifyOrders, |e| config::shopify_endpoint(e).map(drop)),
        (Function::ShopifyPrivacy, |e| config::shopify_endpoint(e).map(drop)),
        (Function::ShopifyWorker, |e| config::shopify_worker(e).map(drop)),
        (Function::ReviewSender, |e| config::review_sender(e).map(drop)),
        (Function::PodiumWebchat, |e| config::podium_endpoint(e).map(drop)),
        (Function::PodiumSms, |e| config::podium_endpoint(e).map(drop)),
        (Function::PodiumContacts, |e| config::podium_endpoint(e).map(drop)),
        (Function::PodiumReviews, |e| config::podium_endpoint(e).map(drop)),
        (Function::PodiumWorker, |e| config::podium_worker(e).map(drop)),
        (Function::Notifier, |e| config::notifier(e).map(drop)),
        (Function::PrivacyWorker, |e| config::privacy_worker(e).map(drop)),
        (Function::Chatwoot, |e| config::chatwoot_endpoint(e).map(drop)),
        (Function::ChatwootWorker, |e| config::chatwoot_worker(e).map(drop)),
        (Function::Chat, |e| config::website_chat(e).map(drop)),
        (Function::ContactForm, |e| config::contact_form(e).map(drop)),
        (Function::WidgetEdge, |e| config::widget_edge(e).map(drop)),
        (Function::Timers, |e| config::timers(e).map(drop)),
        (Function::FollowUp, |e| config::follow_up(e).map(drop)),
        (Function::Health, |e| config::health(e).map(drop)),
    ];
    assert_eq!(BTreeSet::from(Function::ALL), starts.iter().map(|(function, _)| *function).collect());
    for (function, start) in starts {
        let own = |setting: &&Setting| setting.functions.contains(&function);
        let only_own = || {
            let mut env = variables(&[]);
            env.0.retain(|name, _| SETTINGS.iter().filter(own).any(|s| s.name == name));
            env
        };
        start(&only_own())
            .unwrap_or_else(|problems| panic!("{} reads what the table does not say: {problems}", function.as_str()));
        for setting in SETTINGS.iter().filter(own) {
            let mut env = only_own();
            // Wrong as a number, a word, a list, and as something to be filled into a text.
            let wrong = if setting.wired { " " } else { "{\u{1F4A5}}" };
            env.0.insert(setting.name.to_owned(), wrong.to_owned());
            let named = start(&env).is_err_and(|problems| problems.0.iter().any(|p| p.name == setting.name));
            let excused = ANY_TEXT.contains(&setting.name) || MAY_BE_MISSING.contains(&setting.name);
            assert!(named || excused, "{} does not read {}", function.as_str(), setting.name);
        }
    }
}

/// A word that only the function understands would be found out when the clock first sends it.
#[test]
fn every_task_has_its_schedule_and_every_schedule_a_task_of_its_function() {
    let template = read("template.yaml");
    let functions = resources(&template, "AWS::Serverless::Function");
    let sent = |logical: &str| -> Vec<String> {
        functions[logical].iter().filter_map(|l| l.trim().strip_prefix("Input: ")).map(str::to_owned).collect()
    };
    let tick = |task: &str| format!("'{{\"task\":\"{task}\"}}'");
    assert_eq!(sent("TimersFunction"), timers::Task::ALL.map(|task| tick(task.as_str())));
    assert_eq!(sent("FollowUpFunction"), follow_up::Task::ALL.map(|task| tick(task.as_str())));
    let all: usize = functions.keys().map(|logical| sent(logical).len()).sum();
    assert_eq!(all, timers::Task::ALL.len() + follow_up::Task::ALL.len());
}

/// Where the setting takes one of a few words, the deployment refuses any other before it begins.
#[test]
fn words_that_a_setting_takes_are_those_that_the_template_allows() {
    let template = read("template.yaml");
    let lines = section(&template, "Parameters:");
    for name in [
        "OPTOUT_MIRROR",
        "WEBCHAT_KEEP_ALIVE",
        "WEBCHAT_REPLY",
        "WEBCHAT_ATTACHMENT_LIMIT",
        "PODIUM_STALE",
        "PODIUM_CONTRACT",
        "REVIEW_THANKS",
        "CHATWOOT_ANSWER_OPEN",
        "CHATWOOT_INTERACTIVE",
        "CHATWOOT_TRANSCRIPT_NOTE",
        "AGENT_PROVIDER",
        "AGENT_VISION",
        "AGENT_DISCLOSURE",
        "SPEECH_PROVIDER",
        "WOOCOMMERCE_API",
    ] {
        let setting = SETTINGS.iter().find(|s| s.name == name).unwrap();
        let line = lines.iter().find(|l| l.trim_start().starts_with(&format!("{}:", parameter_name(name)))).unwrap();
        let allowed = &fields(line.split_once(':').unwrap().1)["AllowedValues"];
        assert_eq!(*allowed, format!("[{}]", setting.unit), "{name}");
    }
}

/// The directory holds the access tokens of both providers; nobody gets at a row that they have no business with.
#[test]
fn each_role_gets_at_its_own_rows_of_the_directory_only() {
    let template = read("template.yaml");
    // What each role reads, and what it writes too.
    let mut seen: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    let open = "Condition: {\"ForAllValues:StringEquals\": {\"dynamodb:LeadingKeys\": [";
    for (logical, lines) in resources(&template, "AWS::IAM::Role") {
        for line in lines.iter().filter(|line| line.contains("!GetAtt DirectoryTable.Arn")) {
            if line.trim_start().starts_with("- !GetAtt") {
                // Who only sees that the table is there sees no row.
                continue;
            }
            let keys =
                line.split_once(open).unwrap_or_else(|| panic!("{logical}: {line}")).1.split(']').next().unwrap();
            let (reads, writes) = seen.entry(logical.to_owned()).or_default();
            let only_read = line.contains("Action: dynamodb:GetItem,");
            let keys = keys.split(", ").map(|key| key.trim_matches('"').to_owned());
            if only_read { reads.extend(keys) } else { writes.extend(keys) }
        }
    }
    let token = |provider: Provider| format!("token#{}", provider.as_str());
    let (podium, shopify) = (token(Provider::Podium), token(Provider::Shopify));
    let feeds: Vec<String> = Feed::ALL.iter().map(|feed| format!("reconcile#{}", feed.as_str())).collect();
    let bookmarks: Vec<&str> = feeds.iter().map(String::as_str).collect();
    let (podium, shopify) = (podium.as_str(), shopify.as_str());
    let rows = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<String>>();
    let endpoint = (rows(&["locations"]), rows(&[]));
    let wanted = [
        ("FollowUpRole", (rows(&["installation", "locations"]), rows(&[&[podium, shopify], &bookmarks[..]].concat()))),
        ("PodiumContactsRole", endpoint.clone()),
        ("PodiumReviewsRole", endpoint.clone()),
        ("PodiumSmsRole", endpoint.clone()),
        ("PodiumWebchatRole", endpoint.clone()),
        ("PodiumWorkerRole", (rows(&[]), rows(&[podium, "locations"]))),
        ("ReviewSenderRole", (rows(&["installation"]), rows(&[podium, shopify]))),
        ("ShopifyWorkerRole", (rows(&[]), rows(&["installation"]))),
        ("TimersRole", (rows(&[]), rows(&[podium, "locations"]))),
        ("WidgetEdgeRole", endpoint),
    ];
    let wanted: BTreeMap<String, _> = wanted.into_iter().map(|(role, rows)| (role.to_owned(), rows)).collect();
    assert_eq!(seen, wanted);
    // The names that the tables' code gives these rows.
    let said = |path: &str, what: &str| assert!(read(path).contains(what), "{path} does not say {what}");
    said("shared/aws/src/dynamo/locations.rs", "const KEY: &str = \"locations\";");
    said("shared/aws/src/dynamo/tokens.rs", "format!(\"token#{}\", provider.as_str())");
    said("shared/aws/src/dynamo/installation.rs", "const KEY: &str = \"installation\";");
    said("shared/aws/src/dynamo/bookmarks.rs", "format!(\"reconcile#{}\", feed.as_str())");
}

/// Rows of the outbox are texts to customers but for the notices, and whoever only tells people gets at those alone.
#[test]
fn who_only_tells_people_gets_at_notices_only() {
    let template = read("template.yaml");
    let roles = resources(&template, "AWS::IAM::Role");
    for (logical, action) in [
        ("NotifierRole", "dynamodb:UpdateItem"),
        ("ShopifyWorkerRole", "dynamodb:PutItem"),
        ("PrivacyWorkerRole", "dynamodb:PutItem"),
        ("ChatwootWorkerRole", "dynamodb:PutItem"),
        ("ChatRole", "dynamodb:PutItem"),
        ("ContactFormRole", "dynamodb:PutItem"),
    ] {
        let only = format!(
            "Action: {action}, Resource: !GetAtt OutboxTable.Arn, Condition: \
             {{\"ForAllValues:StringLike\": {{\"dynamodb:LeadingKeys\": [\"notice#*\"]}}}}"
        );
        let lines: Vec<_> = roles[logical].iter().filter(|l| l.contains("Resource: !GetAtt OutboxTable.Arn")).collect();
        assert!(lines.len() == 1 && lines[0].contains(&only), "{logical}: {lines:?}");
    }
    assert!(NoticeKey::new(NoticeKind::Erased, "1").as_str().starts_with("notice#"));
}

// ---- Metrics and alarms

#[test]
fn alarms_watch_metrics_that_are_counted() {
    let template = read("template.yaml");
    let (mut watched, mut of_aws, mut codes_watched) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let counted: Vec<&str> = Metric::ALL.map(Metric::as_str).into_iter().chain(Gauge::ALL.map(Gauge::as_str)).collect();
    for (logical, lines) in resources(&template, "AWS::CloudWatch::Alarm") {
        let metric = lines.iter().find_map(|l| l.trim().strip_prefix("MetricName: ")).unwrap();
        if lines.iter().any(|l| l.trim() == "Namespace: Frontdesk") {
            assert!(counted.contains(&metric), "{logical} watches {metric}, which nobody counts");
            watched.insert(metric.to_owned());
            if [Metric::WebchatCode, Metric::ReviewCode, Metric::ChatCode].map(Metric::as_str).contains(&metric) {
                let kind = lines.iter().find_map(|l| l.split_once("{Name: kind, Value: ")).unwrap().1;
                codes_watched.insert(kind.split('}').next().unwrap().to_owned());
            }
        } else {
            of_aws.insert(metric.to_owned());
        }
    }
    use WebchatCode::{LocationRejectionBurst, LocationsStale, OptOutDrift, OptOutStoreUnreachable};
    let urgent = [OptOutStoreUnreachable, OptOutDrift, LocationRejectionBurst, LocationsStale].map(WebchatCode::as_str);
    // A bad signature is counted as a metric of its own too, and that one has the alarms (below).
    let of_reviews = [ReviewCode::DeliveryUnresolved, ReviewCode::EscalationFailed].map(ReviewCode::as_str);
    use ChatCode::{AgentMisconfigured, AgentMoneyGone, NotPosted, PostUnknown};
    let of_chats = [NotPosted, PostUnknown, AgentMoneyGone, AgentMisconfigured].map(ChatCode::as_str);
    assert_eq!(codes_watched, urgent.into_iter().chain(of_reviews).chain(of_chats).map(str::to_owned).collect());
    // The code marks the metrics that must have one.
    let source = read("shared/core/src/telemetry.rs");
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let marked = lines.windows(2).filter(|pair| pair[0].starts_with("///") && pair[0].contains("(alarm"));
    let marked: BTreeSet<String> = marked.map(|pair| pair[1].trim_end_matches(',').to_owned()).collect();
    assert!(marked.len() > 5, "{marked:?}");
    let silent: Vec<_> = marked.difference(&watched).collect();
    assert!(silent.is_empty(), "no alarm watches {silent:?}");
    // Whoever is woken finds what to do.
    let runbook = read("docs/RUNBOOK.md");
    let rows: Vec<&str> = runbook.lines().filter(|line| line.starts_with("| `")).collect();
    for metric in watched.union(&of_aws) {
        assert!(rows.iter().any(|row| row.starts_with(&format!("| `{metric}`"))), "docs/RUNBOOK.md lacks {metric}");
    }
    for code in codes_watched {
        assert!(rows.iter().any(|row| row.contains(&format!("`{code}`"))), "docs/RUNBOOK.md lacks {code}");
    }
}

/// Whoever takes in webhooks rings at the tenth bad signature in five minutes (brief, section 7).
#[test]
fn ten_bad_signatures_in_five_minutes_ring_at_every_endpoint() {
    let template = read("template.yaml");
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    let functions = resources(&template, "AWS::Serverless::Function");
    // Who has a secret that webhooks are signed with, among those that are called from outside.
    let takes_in = |lines: &&Vec<&str>| {
        lines.iter().any(|l| l.contains("HttpApi")) && lines.iter().any(|l| l.contains("_WEBHOOK_SECRET_ARN:"))
    };
    let endpoints: Vec<_> = functions.iter().filter(|(_, lines)| takes_in(lines)).collect();
    assert_eq!(endpoints.len(), 7);
    for (logical, _) in endpoints {
        let rings = |lines: &&Vec<&str>| {
            let wanted = [
                "MetricName: SignatureRejected",
                &format!("Dimensions: [{{Name: function, Value: !Ref {logical}}}]"),
                "Statistic: Sum",
                "Period: 300",
                "EvaluationPeriods: 1",
                "Threshold: 9",
                "ComparisonOperator: GreaterThanThreshold",
            ];
            wanted.iter().all(|wanted| lines.iter().any(|line| line.trim() == *wanted))
        };
        assert_eq!(alarms.values().filter(rings).count(), 1, "{logical}");
    }
}

/// The oversized are told apart from Shopify's, and each endpoint of Podium and of Chatwoot has an alarm of its own.
#[test]
fn a_message_that_is_too_large_rings_wherever_it_came_in() {
    let template = read("template.yaml");
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    for (function, source) in [
        ("PodiumWebchatFunction", Source::Podium),
        ("PodiumSmsFunction", Source::Podium),
        ("PodiumContactsFunction", Source::Podium),
        ("PodiumReviewsFunction", Source::Podium),
        ("ChatwootFunction", Source::Chatwoot),
    ] {
        let dimensions = format!(
            "Dimensions: [{{Name: function, Value: !Ref {function}}}, {{Name: kind, Value: {}}}]",
            source.as_str()
        );
        let rings = |lines: &Vec<&str>| {
            lines.iter().any(|l| l.trim() == "MetricName: BodyTooLarge") && lines.iter().any(|l| l.trim() == dimensions)
        };
        assert!(alarms.values().any(rings), "{function}");
    }
}

/// What a queue waits for and what its worker waits for is one number: the rest of a burst.
#[test]
fn the_queue_of_chats_waits_as_long_as_its_worker_thinks() {
    let template = read("template.yaml");
    let queue = &resources(&template, "AWS::SQS::Queue")["ChatwootQueue"];
    assert!(
        queue.iter().any(|line| line.trim().starts_with("DelaySeconds: !Ref ChatwootDebounceSeconds")),
        "{queue:?}"
    );
    let worker = &resources(&template, "AWS::Serverless::Function")["ChatwootWorkerFunction"];
    assert!(worker.iter().any(|line| line.trim() == "CHATWOOT_DEBOUNCE_SECONDS: !Ref ChatwootDebounceSeconds"));
}

// ---- Names and codes in the documents

/// The words of a text that are written like variables.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
}

fn is_variable(word: &str) -> bool {
    FAMILIES.iter().any(|family| word.starts_with(family)) && !word.ends_with('_')
}

fn known(word: &str) -> bool {
    // Of the local stack and its tests, and of the operator's tool, which are no settings of a function.
    SETTINGS.iter().any(|s| s.name == word)
        || word.starts_with("FRONTDESK_LOCAL_")
        || word.starts_with("FRONTDESK_TEST_")
        || ["FRONTDESK_STACK", "FRONTDESK_OUTPUT"].contains(&word)
        || word.ends_with("_WEBHOOK_SECRET")
}

#[test]
fn documents_name_no_variable_that_nothing_reads() {
    for path in documents() {
        let text = read(&path);
        let unknown: BTreeSet<&str> = words(&text).filter(|word| is_variable(word) && !known(word)).collect();
        assert!(unknown.is_empty(), "{path} names {unknown:?}");
    }
}

/// A test that was renamed would leave a promise with nothing behind it.
#[test]
fn the_tests_that_the_guarantees_name_exist() {
    let named: Vec<String> = read("docs/GUARANTEES.md")
        .split('`')
        .filter(|word| word.matches('_').count() >= 3)
        .filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
        .map(str::to_owned)
        .collect();
    assert!(named.len() > 10, "{named:?}");
    let mut sources: Vec<String> = ["shared", "tests"].iter().flat_map(|d| files(d, ".rs")).map(|p| read(&p)).collect();
    sources.retain(|source| source.contains("fn "));
    for test in named {
        let found = sources.iter().any(|source| source.contains(&format!("fn {test}(")));
        assert!(found, "docs/GUARANTEES.md names {test}, and there is no such test");
    }
}

#[test]
fn documents_lead_to_files_that_exist() {
    for path in documents() {
        let text = read(&path);
        let directory = Path::new(&path).parent().unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = link.is_empty() || link.contains("://") || link.starts_with("mailto:");
            assert!(outside || root().join(directory).join(link).exists(), "{path} leads to {link}");
        }
    }
}

/// `ERR_` and what follows, where it is a whole code.
fn codes(text: &str) -> BTreeSet<String> {
    let code = |word: &&str| {
        let parts: Vec<&str> = word.split('_').collect();
        parts.len() == 3 && parts[0] == "ERR" && parts[2].len() == 3 && parts[2].bytes().all(|b| b.is_ascii_digit())
    };
    words(text).filter(code).map(str::to_owned).collect()
}

#[test]
fn every_code_is_in_the_table_and_every_code_of_the_table_is_in_the_code() {
    let mut used = BTreeMap::new();
    for directory in ["shared", "functions", "cli/src", "local/src"] {
        for path in files(directory, ".rs").into_iter().filter(|path| !path.contains("/tests")) {
            for code in codes(&read(&path)) {
                used.entry(code).or_insert(path.clone());
            }
        }
    }
    let document = read("docs/ERRORS.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `ERR_"));
    let listed: Vec<String> = rows.map(|row| format!("ERR_{}", row.split('`').next().unwrap())).collect();
    let once: BTreeSet<&String> = listed.iter().collect();
    assert_eq!(once.len(), listed.len(), "a code has two rows");
    let missing: Vec<_> = used.iter().filter(|(code, _)| !once.contains(code)).collect();
    assert!(missing.is_empty(), "docs/ERRORS.md lacks {missing:?}");
    let gone: Vec<_> = once.iter().filter(|code| !used.contains_key(**code)).collect();
    assert!(gone.is_empty(), "nothing in the code says {gone:?} any more");
    for path in documents() {
        let unknown: Vec<_> = codes(&read(&path)).into_iter().filter(|code| !used.contains_key(code)).collect();
        assert!(unknown.is_empty(), "{path} names {unknown:?}");
    }
}

#[test]
fn every_reason_is_in_the_table_with_its_code() {
    let document = read("docs/ERRORS.md");
    let row = |word: &str| document.lines().find(|line| line.starts_with(&format!("| `{word}` |"))).map(str::to_owned);
    for reason in SkipReason::ALL {
        let row = row(reason.as_str()).unwrap_or_else(|| panic!("docs/ERRORS.md lacks {}", reason.as_str()));
        let code = reason.code().map_or_else(|| "–".to_owned(), |code| format!("`{}`", code.as_str()));
        assert_eq!(row.split('|').nth(2).map(str::trim), Some(code.as_str()), "{}", reason.as_str());
    }
    let rejected = [
        RejectReason::Malformed { line: 1, column: 1 },
        RejectReason::UnknownShape,
        RejectReason::OtherShop,
        RejectReason::UnreadableBody,
        RejectReason::TooLarge { bytes: 1 },
        RejectReason::RatingUnusable,
        RejectReason::Erased,
        RejectReason::ProviderNoHelp,
        RejectReason::TooManyAttempts { attempts: 1 },
    ];
    for reason in rejected {
        let described = reason.describe();
        let word = described.split(':').next().unwrap();
        assert!(row(word).is_some(), "docs/ERRORS.md lacks {word}");
    }
}

/// The words in a call, whatever decides between them.
fn words_in_calls<'s>(source: &'s str, call: &str) -> BTreeSet<&'s str> {
    let arguments = source.split(call).skip(1).map(|rest| {
        let mut open = 1;
        let end = rest.find(|c| {
            open += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            open == 0
        });
        &rest[..end.unwrap_or(rest.len())]
    });
    arguments.flat_map(|a| a.split('"').skip(1).step_by(2)).filter(|word| !word.is_empty()).collect()
}

/// The words in the first column of the table under a heading.
fn listed_under<'d>(document: &'d str, heading: &str) -> BTreeSet<&'d str> {
    let table = document.split(heading).nth(1).unwrap_or_else(|| panic!("no {heading}"));
    let rows = table.split("\n## ").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap()).collect()
}

/// How an event of Podium's can end, as its row and the audit line say it.
#[test]
fn every_outcome_of_a_podium_event_is_in_the_table_and_none_else() {
    let sources = [read("shared/core/src/flow/podium_worker.rs"), read("shared/core/src/flow/reviews.rs")];
    let used: BTreeSet<&str> = sources.iter().flat_map(|source| words_in_calls(source, "End::Done(")).collect();
    assert!(used.len() > 10, "{used:?}");
    assert_eq!(listed_under(&read("docs/ERRORS.md"), "## What became of a Podium event"), used);
}

/// The same of Shopify's, but for those that end as a skipped request, whose words have a table of their own.
#[test]
fn every_outcome_of_a_shopify_event_is_in_the_table_and_none_else() {
    let worker = read("shared/core/src/flow/shopify_worker.rs");
    let (decide, privacy) = (read("shared/core/src/shopify/decide.rs"), read("shared/core/src/flow/privacy.rs"));
    let mut used = words_in_calls(&worker, "End::Done(");
    used.extend(words_in_calls(&worker, "self.commit(event, lease, "));
    used.extend(words_in_calls(&decide, "Decision::Ignore("));
    used.extend(words_in_calls(&privacy, "End::Done("));
    used.extend(words_in_calls(&privacy, "End::Erased("));
    assert!(used.len() > 12, "{used:?}");
    assert_eq!(listed_under(&read("docs/ERRORS.md"), "## What became of a Shopify event"), used);
}

/// How a message of a chat can end: by the worker's own word, or by one that it leaves on the answer.
#[test]
fn every_outcome_of_a_chat_message_is_in_the_table_and_none_else() {
    let worker = read("shared/core/src/flow/chatwoot_worker.rs");
    let calls = [
        "EventEnd::Done(",
        "self.nothing_to_say(",
        "self.spell_out(",
        "Ours::No(",
        "(plan.outcome, plan.hands_over) = (",
    ];
    let mut used: BTreeSet<&str> = calls.iter().flat_map(|call| words_in_calls(&worker, call)).collect();
    used.extend(worker.split("Plan::of(").skip(1).filter_map(first_word));
    used.extend(worker.split("self.show_staff(held, chat, ").skip(1).filter_map(first_word));
    assert!(used.len() >= 9, "{used:?}");
    assert_eq!(listed_under(&read("docs/ERRORS.md"), "## What became of a chat message"), used);
}

/// The word with which a text begins, if it begins with one.
fn first_word(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix('"')?.split('"').next()
}

#[test]
fn every_reason_to_ignore_a_webhook_is_in_the_table_and_none_else() {
    let words: BTreeSet<&str> = IgnoreReason::ALL.into_iter().map(IgnoreReason::as_str).collect();
    assert_eq!(listed_under(&read("docs/ERRORS.md"), "## Why a webhook needs no work"), words);
}

/// Each code of the chats: its row says the name under which rows and people know it.
#[test]
fn every_chat_code_has_its_line() {
    let document = read("docs/ERRORS.md");
    for code in ChatCode::ALL {
        let begin = format!("| `{}` | ", code.as_str());
        let row = document.lines().find(|line| line.starts_with(&begin));
        let row = row.unwrap_or_else(|| panic!("docs/ERRORS.md lacks {}", code.described()));
        assert!(row.contains(code.name()), "{row} does not say {}", code.name());
        assert!(RejectReason::Unanswered(code).describe().starts_with(&code.described()));
    }
}

/// Each code of the website: its row says the name and the status that a page gets.
#[test]
fn every_web_code_has_its_line() {
    let document = read("docs/ERRORS.md");
    for code in WebCode::ALL {
        let begin = format!("| `{}` | `{}`: {}", code.as_str(), code.name(), code.status());
        let rows = document.lines().filter(|line| line.starts_with(&begin)).count();
        assert_eq!(rows, 1, "docs/ERRORS.md has {rows} lines that begin with {begin}");
    }
}

/// Each code of the review flow has its line.
#[test]
fn every_review_code_has_its_line() {
    let document = read("docs/ERRORS.md");
    for code in ReviewCode::ALL {
        let rows = document.lines().filter(|line| line.starts_with(&format!("| `{}` | ", code.as_str()))).count();
        assert_eq!(rows, 1, "docs/ERRORS.md has {rows} lines of {}", code.as_str());
    }
}

/// What people can be told of is what the runbook says they are.
#[test]
fn every_kind_of_notice_is_in_the_runbook() {
    let runbook = read("docs/RUNBOOK.md");
    for kind in NoticeKind::ALL {
        assert!(runbook.contains(&format!("| `{}` |", kind.as_str())), "docs/RUNBOOK.md lacks {}", kind.as_str());
    }
}

/// Each code of the message flows: its row says the name under which rows and people know it.
#[test]
fn every_webchat_code_has_its_line() {
    let document = read("docs/ERRORS.md");
    for code in WebchatCode::ALL {
        let begin = format!("| `{}` | ", code.as_str());
        let row = document.lines().find(|line| line.starts_with(&begin));
        let row = row.unwrap_or_else(|| panic!("docs/ERRORS.md lacks {}", code.described()));
        assert!(row.contains(code.name()), "{row} does not say {}", code.name());
    }
    // What a row says begins with the same words.
    let shown = [
        RejectReason::InvalidPhone(PhoneReject::TooShort),
        RejectReason::MissingPhone,
        RejectReason::MissingLocation,
        RejectReason::UnknownLocation,
        RejectReason::Attachment(AttachmentProblem::NoSize),
        RejectReason::UnattributedOptOut,
    ];
    for reason in shown {
        let code = reason.webchat_code().unwrap();
        assert!(reason.describe().starts_with(&code.described()), "{}", reason.describe());
    }
}

// ---- What is promised, and where it is described

/// The words between backticks that could be the name of a test or of a scenario.
fn names_in(text: &str) -> BTreeSet<&str> {
    let is_name = |word: &&str| {
        word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '…')
    };
    text.split('`').skip(1).step_by(2).filter(is_name).collect()
}

/// Whether a test function begins with this: an attribute that says so stands right before it.
fn is_a_test(source: &str, begins: &str) -> bool {
    source.match_indices(begins).any(|(at, _)| {
        let line = source[..at].rfind('\n').unwrap_or(0);
        let before = source[..line].lines().rev().take(4).map(str::trim);
        before.take_while(|line| !line.is_empty()).any(|line| line.starts_with("#[") && line.contains("test"))
    })
}

/// Every test and scenario that is named as showing a guarantee is there, and is one: none was renamed or deleted without a word here.
#[test]
fn every_test_that_is_named_as_showing_a_guarantee_is_there() {
    let document = read("docs/GUARANTEES.md");
    let promised = document.split("## How the crash simulation works").next().unwrap();
    let paths: Vec<String> =
        ["shared", "functions", "tests", "cli", "local"].iter().flat_map(|directory| files(directory, ".rs")).collect();
    let sources: Vec<String> = paths.iter().filter(|path| !path.contains("/target/")).map(|path| read(path)).collect();
    let mut names = names_in(promised);
    assert!(names.len() > 100, "{}", names.len());
    // Of the rest the long ones: what is not promised may name a test, too, and other words are short.
    names.extend(names_in(&document).into_iter().filter(|name| name.matches('_').count() > 3));
    let missing: Vec<&str> = names
        .into_iter()
        .filter(|name| {
            let (start, whole) = match name.strip_suffix('…') {
                Some(start) => (start, false),
                None => (*name, true),
            };
            let function = if whole { format!("fn {start}(") } else { format!("fn {start}") };
            // As the list of scenarios has it.
            let scenario = if whole { format!(", {start})") } else { format!(", {start}") };
            let file = |path: &String| path.contains(&format!("/tests/{start}"));
            // A long name is a test's; a short one may be what a promise is given by, or a word that is written down.
            let is_long = name.matches('_').count() > 2;
            let word = format!("\"{start}\"");
            let short = |source: &String| source.contains(&function) || source.contains(&word);
            let shown = |source: &String| if is_long { is_a_test(source, &function) } else { short(source) };
            !sources.iter().any(|source| shown(source) || source.contains(&scenario)) && !paths.iter().any(file)
        })
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "docs/GUARANTEES.md names what is not there");
}

/// Whatever is deployed has a walkthrough: a row of the table says which, and there is such a heading.
#[test]
fn every_function_has_a_walkthrough() {
    let document = read("docs/ARCHITECTURE.md");
    let headings: BTreeSet<&str> = document.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    for function in Function::ALL {
        let begin = format!("| `{}` | ", function.as_str());
        let row = document.lines().find(|line| line.starts_with(&begin));
        let row = row.unwrap_or_else(|| panic!("docs/ARCHITECTURE.md says nothing of {}", function.as_str()));
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let named: Vec<&str> = cells[2].trim().trim_end_matches('|').split(';').map(str::trim).collect();
        for name in named {
            assert!(
                headings.iter().any(|heading| heading.trim_start_matches("Walkthrough: ").starts_with(name)),
                "{row}: there is no walkthrough that begins with {name:?}"
            );
        }
    }
}

/// Whatever the build needs of others is named in the README, with a word on what for.
#[test]
fn every_dependency_has_its_reason() {
    let readme = read("README.md");
    let reasons = readme.split("## Dependencies, and why each").nth(1).expect("there is such a part");
    let named: BTreeSet<&str> = reasons.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c))).collect();
    let manifests: Vec<String> = ["shared", "functions", "cli", "local", "tests"]
        .iter()
        .flat_map(|directory| files(directory, "Cargo.toml"))
        .filter(|path| !path.contains("/fuzz/") && !path.contains("/target/"))
        .chain(["Cargo.toml".to_owned()])
        .collect();
    let mut looked_at = 0;
    for path in &manifests {
        let manifest = read(path);
        let mut in_dependencies = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                in_dependencies = line.trim_end_matches(']').ends_with("dependencies");
            } else if let Some((name, rest)) = line.split_once(['.', ' ', '=']).filter(|_| in_dependencies)
                && !line.starts_with('#')
                && !rest.contains("path =")
                && !name.starts_with("frontdesk-")
            {
                looked_at += 1;
                assert!(named.contains(name), "{path} needs {name}, and README.md does not say what for");
            }
        }
    }
    assert!(looked_at > 100, "{looked_at}");
}

/// Whoever is paged with a code finds in the runbook what to type.
#[test]
fn every_code_is_in_the_runbook() {
    let (errors, runbook) = (read("docs/ERRORS.md"), read("docs/RUNBOOK.md"));
    let commands = runbook.split("## With one command").nth(1).expect("there is such a part");
    let codes: BTreeSet<&str> =
        errors.lines().filter_map(|line| line.strip_prefix("| `ERR_")?.split('`').next()).collect();
    assert!(codes.len() > 50, "{}", codes.len());
    let missing: Vec<&&str> = codes.iter().filter(|code| !commands.contains(&format!("`ERR_{code}`"))).collect();
    assert!(missing.is_empty(), "docs/RUNBOOK.md has no command for {missing:?}");
}
