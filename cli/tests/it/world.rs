//! An installation: tables in this process, secrets and queues that answer as they are told to, and the providers.

use frontdesk_core::{
    config,
    config::OperatorConfig,
    telemetry::{Gauge, Line, Metric, Telemetry},
};
use frontdesk_local::StandIns;
use frontdesk_tests::{
    tables::Tables,
    wire::{Call, Fate, Wire},
};
use serde_json::{Value, json};

use crate::{Run, frontdesk};

/// Nobody listens there.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";
pub(crate) const CREDENTIALS: &str = r#"{"client_id": "ci", "client_secret": "cs-hush", "refresh_token": "rt-hush"}"#;
const LOCATIONS: &str =
    r#"[{"podium_location":"loc-1","name":"Harbour Lane","country":"AU","shopify_location_ids":[88110022001]}]"#;

/// An installation whose parts a test may replace.
pub(crate) struct World {
    pub(crate) tables: Tables,
    pub(crate) secrets: Wire,
    pub(crate) queues: Wire,
    pub(crate) providers: StandIns,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self {
            tables: Tables::start().await,
            secrets: Wire::nowhere(|_| Fate::Answer(200, json!({ "SecretString": CREDENTIALS }))).await,
            queues: Wire::nowhere(|_| Fate::Answer(200, json!({ "MessageId": "m-1" }))).await,
            providers: StandIns::start("127.0.0.1:0").await.unwrap(),
        }
    }

    /// The same, and secrets are answered like this.
    pub(crate) async fn with_secrets(answer: impl Fn(&Call) -> Fate + Send + Sync + 'static) -> Self {
        Self { secrets: Wire::nowhere(answer).await, ..Self::start().await }
    }

    /// The same, and queues are answered like this.
    pub(crate) async fn with_queues(answer: impl Fn(&Call) -> Fate + Send + Sync + 'static) -> Self {
        Self { queues: Wire::nowhere(answer).await, ..Self::start().await }
    }

    /// Those of the functions, as their template gives them, and where everything is.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        // Lists of the template's own parts are read by one function alone, which the tool is not.
        let wired = config::SETTINGS.iter().filter(|s| s.wired && !s.name.starts_with("HEALTH_"));
        let named = wired.map(|s| {
            let table = s.name.strip_prefix("FRONTDESK_TABLE_").map(|table| match table {
                "REQUESTS" => "review_requests".to_owned(),
                table => table.to_lowercase(),
            });
            (s.name, table.unwrap_or_else(|| format!("{NOWHERE}/{}", s.name.to_lowercase())))
        });
        let named: Vec<(&str, String)> = named.collect();
        let own = |name, value: &str| (name, value.to_owned());
        [
            named,
            vec![
                own("AWS_REGION", "eu-central-1"),
                own("AWS_ACCESS_KEY_ID", "AKIDTEST"),
                own("AWS_SECRET_ACCESS_KEY", "test"),
                own("AWS_ENDPOINT_URL", NOWHERE),
                own("AWS_ENDPOINT_URL_DYNAMODB", &self.tables.url),
                own("AWS_ENDPOINT_URL_SECRETS_MANAGER", &self.secrets.url),
                own("AWS_ENDPOINT_URL_SQS", &self.queues.url),
                own("PODIUM_API_URL", &self.providers.podium_url()),
                own("PODIUM_TOKEN_URL", &self.providers.podium_token_url()),
                own("SHOPIFY_API_URL", &self.providers.shopify_url()),
                own("SHOPIFY_SHOP", "harbour-lane-demo.myshopify.com"),
                own("SHOPIFY_LOCATIONS", LOCATIONS),
                own("RECONCILE_SETTLE_SECONDS", "0"),
            ],
        ]
        .concat()
    }

    /// Runs the tool on it. What `more` sets counts; an empty value is none.
    pub(crate) fn run(&self, args: &[&str], more: &[(&str, &str)]) -> Run {
        let variables = self.variables();
        let mut env: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        env.extend(more);
        // Tables and providers go on answering meanwhile.
        tokio::task::block_in_place(|| frontdesk(args, &env, b""))
    }
}

/// Reports nothing.
pub(crate) struct Silent;

impl Telemetry for Silent {
    fn count(&self, _: Metric, _: Option<&'static str>) {}
    fn measure(&self, _: Gauge, _: u64) {}
    fn line(&self, _: Line) {}
}

/// The document that a run printed.
pub(crate) fn printed(run: &Run) -> Value {
    serde_json::from_slice(&run.stdout).map_err(|error| format!("{error}: {} {}", run.text(), run.stderr)).unwrap()
}

/// What the tool reads of its own is the functions' too, so whoever has their variables has all that is needed.
#[test]
fn no_setting_is_needed_that_no_function_has() {
    let wired: Vec<(&str, &str)> = config::SETTINGS.iter().filter(|s| s.wired).map(|s| (s.name, "a-name")).collect();
    let env = frontdesk_tests::aws::MapEnv::of(&wired);
    let OperatorConfig { tables, .. } = config::operator(&env).unwrap().config;
    assert_eq!(tables.inbox, "a-name");
    assert!(config::optout_audit(&env).is_ok());
}

/// Without variables the deployed functions are asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployed_stack_says_where_everything_is() {
    let world = World::start().await;
    let variables: serde_json::Map<String, Value> = world
        .variables()
        .into_iter()
        .filter(|(name, _)| !name.starts_with("AWS_"))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let told = json!({ "FunctionName": "f", "Environment": { "Variables": variables } });
    let lambda = Wire::nowhere(move |_| Fate::Answer(200, told.clone())).await;
    let all = world.variables();
    let aws: Vec<(&str, &str)> =
        all.iter().filter(|(name, _)| name.starts_with("AWS_")).map(|(name, value)| (*name, value.as_str())).collect();
    let args = ["reconcile", "podium", "--since", "24h"];
    let asked = [&aws[..], &[("AWS_ENDPOINT_URL_LAMBDA", lambda.url.as_str())]].concat();
    let run = tokio::task::block_in_place(|| frontdesk(&args, &asked, b""));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(lambda.calls().len(), config::Function::ALL.len());

    // Nobody there: no answer.
    let run = tokio::task::block_in_place(|| frontdesk(&args, &aws, b""));
    assert_eq!((run.code, run.text()), (2, ""));
    assert!(run.stderr.contains("the settings of frontdesk-"), "{}", run.stderr);

    // No such stack.
    let nothing = json!({ "__type": "ResourceNotFoundException", "Message": "not found" });
    let empty = Wire::nowhere(move |_| Fate::Answer(404, nothing.clone())).await;
    let asked = [&aws[..], &[("AWS_ENDPOINT_URL_LAMBDA", empty.url.as_str())]].concat();
    let run = tokio::task::block_in_place(|| frontdesk(&[&args[..], &["--stack", "shop-2"]].concat(), &asked, b""));
    assert_eq!((run.code, run.text()), (2, ""));
    assert!(run.stderr.contains("no stack called shop-2 is deployed in eu-central-1"), "{}", run.stderr);
}

#[test]
fn without_credentials_it_says_how_to_give_some() {
    let nobody = [("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", "/nonexistent")];
    let run = frontdesk(&["reconcile", "shopify", "--profile", "shop"], &nobody, b"");
    assert_eq!((run.code, run.text()), (2, ""));
    for word in ["no credentials of the profile shop", "--profile", "make -s env"] {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
}
