//! A deployed installation that is well: Lambda, IAM, the scheduler, SQS, Secrets Manager and the front door behind one wire, the
//! tables in this process, and the providers' stand-ins. A test breaks one thing and looks what is said.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "helpers of tests; a fault in them is a failure")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use frontdesk_core::config::{Function, SETTINGS};
use frontdesk_core::doctor::{
    functions::SCHEDULES,
    needs,
    providers::{PODIUM_ENDPOINTS, SHOPIFY_TOPICS},
};
use frontdesk_local::StandIns;
use frontdesk_tests::{
    tables::Tables,
    wire::{Call, Fate, Wire},
};
use serde_json::{Value, json};

use crate::{Run, frontdesk};

/// The credentials that the stand-ins take.
pub(crate) const PODIUM: &str = r#"{"client_id": "ci", "client_secret": "cs-hush", "refresh_token": "rt-hush"}"#;
const SHOPIFY: &str = r#"{"access_token": "shpat_local"}"#;
const LOCATIONS: &str =
    r#"[{"podium_location":"loc_sydney","name":"Harbour Lane","country":"AU","shopify_location_ids":[88110022001]}]"#;
const SHOP: &str = "harbour-lane-demo.myshopify.com";
pub(crate) const ORIGIN: &str = "https://shop.example";
const TABLES: [&str; 10] =
    ["inbox", "contacts", "review_requests", "outbox", "sessions", "chats", "forms", "reviews", "limits", "directory"];
const QUEUES: [&str; 7] = ["shopify", "review-requests", "podium", "podium-reviews", "chatwoot", "notices", "privacy"];
/// What the settings call those queues; `podium-reviews` is `podium` of the reviews' endpoint.
const QUEUE_SETTINGS: [(&str, &str); 6] = [
    ("FRONTDESK_QUEUE_SHOPIFY_URL", "shopify"),
    ("FRONTDESK_QUEUE_PODIUM_URL", "podium"),
    ("FRONTDESK_QUEUE_CHATWOOT_URL", "chatwoot"),
    ("FRONTDESK_QUEUE_REVIEWS_URL", "review-requests"),
    ("FRONTDESK_QUEUE_PRIVACY_URL", "privacy"),
    ("FRONTDESK_QUEUE_NOTICES_URL", "notices"),
];

/// A secret: its values by stage.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) current: String,
    pub(crate) previous: Option<String>,
    pub(crate) pending: Option<String>,
    pub(crate) going: bool,
}

/// What AWS says, and what a test changes of it.
#[derive(Debug)]
pub(crate) struct Cloud {
    /// By name.
    pub(crate) functions: BTreeMap<String, Value>,
    pub(crate) reserved: BTreeMap<String, u32>,
    /// By function.
    pub(crate) mappings: BTreeMap<String, Vec<Value>>,
    /// By name: the state.
    pub(crate) schedules: BTreeMap<String, &'static str>,
    /// By name: attributes.
    pub(crate) queues: BTreeMap<String, BTreeMap<&'static str, String>>,
    pub(crate) secrets: BTreeMap<String, Kept>,
    /// Tables that cannot be put back.
    pub(crate) unrecoverable: Vec<&'static str>,
    /// Actions that no role allows.
    pub(crate) denied: Vec<&'static str>,
    /// What `GET /health?ready=1` answers.
    pub(crate) health: (u16, Value),
    /// Who may call `/chat`.
    pub(crate) allowed: Option<String>,
    /// What AWS's clock says, if another than this machine's.
    pub(crate) date: Option<String>,
    /// Operations that are answered with this error and status 400 or 403.
    pub(crate) refused: BTreeMap<&'static str, &'static str>,
}

pub(crate) struct House {
    pub(crate) tables: Tables,
    pub(crate) providers: StandIns,
    pub(crate) cloud: Arc<Mutex<Cloud>>,
    pub(crate) wire: Wire,
}

impl House {
    pub(crate) async fn start() -> Self {
        let tables = Tables::start().await;
        let providers = StandIns::start("127.0.0.1:0").await.unwrap();
        let cloud = Arc::new(Mutex::new(Cloud::well()));
        let answering = Arc::clone(&cloud);
        let wire = Wire::to(&tables.url, move |call| answering.lock().unwrap().answer(call)).await;
        let house = Self { tables, providers, cloud, wire };
        house.settle();
        house.run(&["locations", "refresh"]);
        house
    }

    /// Tells the functions where everything is, and the providers of us.
    fn settle(&self) {
        let door = self.wire.url.clone();
        let mut cloud = self.cloud.lock().unwrap();
        for function in Function::ALL {
            let variables = variables(function, &door, &self.providers);
            cloud.functions.insert(name(function), deployed(function, &variables));
        }
        for need in PODIUM_ENDPOINTS {
            let events: Vec<&str> = need.events.iter().chain(need.useful).copied().collect();
            let hook = json!({ "url": format!("{door}{}", need.path), "secret": "whsec-hush", "event_types": events });
            self.providers.set_webhook(need.path.rsplit('/').next().unwrap(), &hook).unwrap();
        }
        let topics: BTreeMap<&str, String> =
            SHOPIFY_TOPICS.iter().map(|(topic, path)| (*topic, format!("{door}{path}"))).collect();
        self.providers.set_shopify(&json!({ "subscriptions": topics })).unwrap();
    }

    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIDTEST".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_ENDPOINT_URL", self.wire.url.clone()),
        ]
    }

    /// Runs the tool, which knows nothing but where AWS is.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, &[], b"")
    }

    pub(crate) fn run_with(&self, args: &[&str], more: &[(&str, &str)], stdin: &[u8]) -> Run {
        let own = self.environment();
        let mut env: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        env.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        env.extend(more);
        // Everybody who is asked goes on answering meanwhile.
        tokio::task::block_in_place(|| frontdesk(args, &env, stdin))
    }

    pub(crate) fn change<R>(&self, with: impl FnOnce(&mut Cloud) -> R) -> R {
        with(&mut self.cloud.lock().unwrap())
    }

    /// A variable of all functions that read it.
    pub(crate) fn set(&self, name: &str, value: &str) {
        let readers = SETTINGS.iter().find(|setting| setting.name == name).unwrap().functions;
        for function in readers {
            self.set_in(*function, name, Some(value));
        }
    }

    /// A variable of one function.
    pub(crate) fn set_in(&self, function: Function, variable: &str, value: Option<&str>) {
        self.change(|cloud| {
            let told = cloud.functions.get_mut(&name(function)).unwrap();
            let variables = told["Environment"]["Variables"].as_object_mut().unwrap();
            match value {
                Some(value) => variables.insert(variable.to_owned(), json!(value)),
                None => variables.remove(variable),
            };
        });
    }
}

pub(crate) fn name(function: Function) -> String {
    format!("frontdesk-{}", function.as_str())
}

fn queue_url(word: &str) -> String {
    format!("https://sqs.eu-central-1.amazonaws.com/123456789012/frontdesk-{word}")
}

fn arn(secret: &str) -> String {
    format!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:{secret}")
}

/// What the template sets, and a shop beside it.
fn variables(function: Function, door: &str, providers: &StandIns) -> BTreeMap<String, String> {
    let list = |words: &[&str], of: fn(&str) -> String| {
        words.iter().map(|word| format!("{}={}", word.replace('_', "-"), of(word))).collect::<Vec<_>>().join(",")
    };
    let value = |name: &str| -> Option<String> {
        if let Some(table) = name.strip_prefix("FRONTDESK_TABLE_") {
            return Some(if table == "REQUESTS" { "review_requests".to_owned() } else { table.to_lowercase() });
        }
        if let Some((_, word)) = QUEUE_SETTINGS.iter().find(|(setting, _)| *setting == name) {
            let reviews = function == Function::PodiumReviews && *word == "podium";
            return Some(queue_url(if reviews { "podium-reviews" } else { word }));
        }
        Some(match name {
            "SHOPIFY_SHOP" => SHOP.to_owned(),
            "SHOPIFY_LOCATIONS" => LOCATIONS.to_owned(),
            "SHOPIFY_API_URL" => providers.shopify_url(),
            "PODIUM_API_URL" => providers.podium_url(),
            "PODIUM_TOKEN_URL" => providers.podium_token_url(),
            "CHATWOOT_URL" => providers.chatwoot_url(),
            "NOTIFY_SNS_TOPIC_ARN" => "arn:aws:sns:eu-central-1:123456789012:people".to_owned(),
            "WEB_ORIGINS" => ORIGIN.to_owned(),
            "WEB_PUBLIC_URL" => door.to_owned(),
            "HEALTH_TABLES" => list(&TABLES, str::to_owned),
            "HEALTH_QUEUES_URL" => queue_url("").trim_end_matches("frontdesk-").to_owned(),
            "HEALTH_QUEUES" => list(&QUEUES, |word| format!("frontdesk-{word}")),
            "HEALTH_DEAD_LETTERS" => {
                let dead = QUEUES.map(|word| format!("{word}-dlq"));
                list(&dead.each_ref().map(String::as_str), |word| format!("frontdesk-{word}"))
            }
            "HEALTH_SECRETS" => "podium-oauth*=x".to_owned(),
            "NOTIFY_SLACK_SECRET_ARN"
            | "NOTIFY_WEBHOOK_SECRET_ARN"
            | "AGENT_SECRET_ARN"
            | "SPEECH_SECRET_ARN"
            | "WOOCOMMERCE_SECRET_ARN" => return None,
            name if name.ends_with("_SECRET_ARN") => arn(&name.to_lowercase()),
            _ => return None,
        })
    };
    let read = SETTINGS.iter().filter(|setting| setting.functions.contains(&function));
    read.filter_map(|setting| Some((setting.name.to_owned(), value(setting.name)?))).collect()
}

fn deployed(function: Function, variables: &BTreeMap<String, String>) -> Value {
    json!({
        "FunctionName": name(function),
        "FunctionArn": format!("arn:aws:lambda:eu-central-1:123456789012:function:{}", name(function)),
        "Role": format!("arn:aws:iam::123456789012:role/{}", name(function)),
        "Timeout": 60,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Environment": { "Variables": variables },
    })
}

impl Cloud {
    fn well() -> Self {
        let queue = |word: &str, dead: bool| {
            let mut attributes = BTreeMap::from([
                ("ApproximateNumberOfMessages", "0".to_owned()),
                ("ApproximateNumberOfMessagesNotVisible", "0".to_owned()),
                ("ApproximateNumberOfMessagesDelayed", "0".to_owned()),
                ("VisibilityTimeout", "360".to_owned()),
            ]);
            if !dead {
                let target = format!("arn:aws:sqs:eu-central-1:123456789012:frontdesk-{word}-dlq");
                let policy = json!({ "deadLetterTargetArn": target, "maxReceiveCount": 5 });
                attributes.insert("RedrivePolicy", policy.to_string());
            }
            let name = if dead { format!("frontdesk-{word}-dlq") } else { format!("frontdesk-{word}") };
            (name, attributes)
        };
        let mapping = |word: &&str| {
            json!({
                "UUID": format!("uuid-{word}"),
                "State": "Enabled",
                "EventSourceArn": format!("arn:aws:sqs:eu-central-1:123456789012:frontdesk-{word}"),
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
            })
        };
        let kept = |(setting, value): (&str, &str)| {
            let previous = Some("REPLACE_ME".to_owned());
            (arn(setting), Kept { current: value.to_owned(), previous, ..Kept::default() })
        };
        Self {
            functions: BTreeMap::new(),
            reserved: BTreeMap::new(),
            mappings: Function::ALL.map(|f| (name(f), needs::sources(f).iter().map(mapping).collect())).into(),
            schedules: SCHEDULES.map(|task| (format!("frontdesk-{task}"), "ENABLED")).into(),
            queues: QUEUES.iter().flat_map(|word| [queue(word, false), queue(word, true)]).collect(),
            secrets: [
                ("shopify_webhook_secret_arn", "shopify-hush"),
                ("shopify_admin_secret_arn", SHOPIFY),
                ("podium_webhook_secret_arn", "whsec-hush"),
                ("podium_oauth_secret_arn", PODIUM),
                ("chatwoot_webhook_secret_arn", r#"{"placeholder":"REPLACE_ME"}"#),
                ("chatwoot_api_secret_arn", r#"{"api_token":"REPLACE_ME"}"#),
                ("web_secret_arn", "web-hush"),
                ("frontdesk_pepper_secret_arn", "pepper-hush"),
            ]
            .map(kept)
            .into(),
            unrecoverable: Vec::new(),
            denied: Vec::new(),
            health: (200, json!({ "status": "ok", "timestamp": "2026-11-21T00:00:00.000Z", "checks": [] })),
            allowed: Some(ORIGIN.to_owned()),
            date: None,
            refused: BTreeMap::new(),
        }
    }

    pub(crate) fn secret(&mut self, setting: &str) -> &mut Kept {
        self.secrets.get_mut(&arn(&setting.to_lowercase())).unwrap()
    }

    fn answer(&mut self, call: &Call) -> Fate {
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let action = form_field(&call.body, "Action");
        let operation =
            if call.operation.is_empty() { operation_of(call, path, action) } else { call.operation.as_str() };
        if let Some(code) = self.refused.get(operation).filter(|_| action.is_some()) {
            let body =
                format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>");
            return Fate::Say(403, vec![("content-type", "text/xml".to_owned())], body);
        }
        if let Some(code) = self.refused.get(operation) {
            let body = json!({ "__type": code, "message": format!("{operation} is refused") });
            return Fate::Say(403, vec![("x-amzn-errortype", (*code).to_owned())], body.to_string());
        }
        match operation {
            "GetFunctionConfiguration" => found(self.functions.get(segment(path, 3)).cloned()),
            "GetFunctionConcurrency" => {
                let reserved = self.reserved.get(segment(path, 3));
                Fate::Answer(200, reserved.map_or(json!({}), |most| json!({ "ReservedConcurrentExecutions": most })))
            }
            "ListEventSourceMappings" => {
                let function = query.split('&').find_map(|pair| pair.strip_prefix("FunctionName=")).unwrap_or_default();
                Fate::Answer(200, json!({ "EventSourceMappings": self.mappings.get(function) }))
            }
            "GetSchedule" => {
                let state = self.schedules.get(segment(path, 2)).copied();
                let target = json!({ "Arn": "a", "RoleArn": "r", "DeadLetterConfig": { "Arn": "d" } });
                found(state.map(|state| json!({ "Name": segment(path, 2), "State": state, "Target": target })))
            }
            "SimulatePrincipalPolicy" => self.simulate(&call.body),
            "GetQueueAttributes" => {
                let url = call.json()["QueueUrl"].as_str().unwrap_or_default().to_owned();
                match self.queues.get(url.rsplit('/').next().unwrap_or_default()) {
                    Some(attributes) => Fate::Answer(200, json!({ "Attributes": attributes })),
                    None => refusal("QueueDoesNotExist"),
                }
            }
            "DescribeSecret" | "GetSecretValue" | "PutSecretValue" | "UpdateSecretVersionStage" => {
                self.keep(operation, &call.json())
            }
            "DescribeContinuousBackups" => {
                let table = call.json()["TableName"].as_str().unwrap_or_default().to_owned();
                let status = if self.unrecoverable.contains(&&*table) { "DISABLED" } else { "ENABLED" };
                let recovery = json!({ "PointInTimeRecoveryStatus": status });
                let told = json!({ "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery });
                Fate::Answer(200, json!({ "ContinuousBackupsDescription": told }))
            }
            "ListTables" => {
                let date = self.date.clone().map(|date| ("date", date));
                let now = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                let headers =
                    vec![("content-type", "application/x-amz-json-1.0".to_owned()), date.unwrap_or(("date", now))];
                Fate::Say(200, headers, r#"{"TableNames": []}"#.to_owned())
            }
            "health" => Fate::Answer(self.health.0, self.health.1.clone()),
            "chat" => {
                let allowed = self.allowed.clone().map(|origin| ("access-control-allow-origin", origin));
                Fate::Say(204, allowed.into_iter().collect(), String::new())
            }
            _ => Fate::Pass,
        }
    }

    fn keep(&mut self, operation: &str, asked: &Value) -> Fate {
        let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
        let Some(kept) = self.secrets.get_mut(&text("SecretId")) else { return refusal("ResourceNotFoundException") };
        let stages = |kept: &Kept| {
            let mut stages = json!({ "v-current": ["AWSCURRENT"] });
            if kept.previous.is_some() {
                stages["v-previous"] = json!(["AWSPREVIOUS"]);
            }
            if kept.pending.is_some() {
                stages["v-pending"] = json!(["AWSPENDING"]);
            }
            stages
        };
        match operation {
            "DescribeSecret" => {
                let mut told = json!({ "VersionIdsToStages": stages(kept), "CreatedDate": 1_795_000_000.5 });
                if kept.going {
                    told["DeletedDate"] = json!(1_795_000_000);
                }
                Fate::Answer(200, told)
            }
            "GetSecretValue" => {
                let value = match text("VersionStage").as_str() {
                    "AWSPREVIOUS" => kept.previous.clone(),
                    "AWSPENDING" => kept.pending.clone(),
                    _ => Some(kept.current.clone()),
                };
                value.map_or(refusal("ResourceNotFoundException"), |value| {
                    Fate::Answer(200, json!({ "SecretString": value }))
                })
            }
            "PutSecretValue" => {
                let value = text("SecretString");
                if asked["VersionStages"] == json!(["AWSPENDING"]) {
                    kept.pending = Some(value);
                } else {
                    kept.previous = Some(std::mem::replace(&mut kept.current, value));
                }
                Fate::Answer(200, json!({}))
            }
            _ => {
                match (text("VersionStage").as_str(), text("MoveToVersionId").as_str()) {
                    ("AWSCURRENT", "v-pending") => {
                        let pending = kept.pending.clone().unwrap();
                        kept.previous = Some(std::mem::replace(&mut kept.current, pending));
                    }
                    ("AWSPENDING", "") => kept.pending = None,
                    other => panic!("{other:?}"),
                }
                Fate::Answer(200, json!({}))
            }
        }
    }

    fn simulate(&self, body: &[u8]) -> Fate {
        let text = String::from_utf8_lossy(body);
        let actions = text.split('&').filter_map(|pair| pair.strip_prefix("ActionNames.member."));
        let actions = actions.filter_map(|pair| pair.split_once('=')).map(|(_, action)| action.replace("%3A", ":"));
        let member = |action: String| {
            let decision = if self.denied.contains(&&*action) { "implicitDeny" } else { "allowed" };
            format!("<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision></member>")
        };
        let members: String = actions.map(member).collect();
        let body = format!(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulatePrincipalPolicyResult>\
             <EvaluationResults>{members}</EvaluationResults><IsTruncated>false</IsTruncated>\
             </SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        );
        Fate::Say(200, vec![("content-type", "text/xml".to_owned())], body)
    }
}

/// What a call without a target asks for.
fn operation_of<'a>(call: &Call, path: &'a str, action: Option<&'static str>) -> &'a str {
    if let Some(action) = action {
        return action;
    }
    match (call.method.as_str(), path) {
        (_, path) if path.ends_with("/configuration") => "GetFunctionConfiguration",
        (_, path) if path.ends_with("/concurrency") => "GetFunctionConcurrency",
        (_, path) if path.contains("/event-source-mappings") => "ListEventSourceMappings",
        (_, path) if path.starts_with("/schedules/") => "GetSchedule",
        ("GET", "/health") => "health",
        ("OPTIONS", "/chat") => "chat",
        _ => "",
    }
}

fn form_field(body: &[u8], name: &str) -> Option<&'static str> {
    let text = std::str::from_utf8(body).ok()?;
    let value = text.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    (value == "SimulatePrincipalPolicy").then_some("SimulatePrincipalPolicy")
}

fn segment(path: &str, at: usize) -> &str {
    path.split('/').nth(at).unwrap_or_default()
}

fn found(told: Option<Value>) -> Fate {
    told.map_or(refusal("ResourceNotFoundException"), |told| Fate::Answer(200, told))
}

fn refusal(code: &str) -> Fate {
    let body = json!({ "__type": code, "message": "there is no such thing" }).to_string();
    Fate::Say(404, vec![("x-amzn-errortype", code.to_owned())], body)
}
