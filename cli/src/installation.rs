//! The installation that a command works on: its settings, its tables, and what its clients report meanwhile.
//!
//! Settings are the functions' own. Variables that are set count; what they lack is read from the deployed functions, by
//! their names `<stack>-<function>`.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationError;
use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    process::{ProcessEnv, RandomIds, SystemClock},
    start::{Aws, Process, Timing, http_client},
};
use frontdesk_core::{
    config::{self, Env, Function, Loaded, OperatorConfig, Problems},
    telemetry::{Gauge, Level, Line, Metric, Telemetry, Value},
    time::{Clock as _, UnixMillis},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    failure::{Failure, complain},
    reach::Reach,
};

/// The stack's name, unless somebody says another.
const STACK: &str = "frontdesk";
/// Functions that are asked for at once: the API takes some fifteen a second.
const AT_ONCE: usize = 6;
/// Variables of the tool and of the local stack, which an operator's shell may hold.
const OF_THE_TOOLS: [&str; 2] = ["FRONTDESK_STACK", "FRONTDESK_OUTPUT"];

/// A deployed installation, as its operator reaches it.
pub(crate) struct Installation {
    /// Its settings.
    pub(crate) env: ToolEnv,
    /// AWS's clients.
    pub(crate) aws: Aws,
    /// What the shared clients stand on.
    pub(crate) process: Process<Notes>,
    /// All tables.
    pub(crate) store: DynamoStore,
    /// Where everything is.
    pub(crate) config: OperatorConfig,
}

/// Opens the installation and works on it.
pub(crate) fn run<F>(reach: &Reach, work: F) -> Result<ExitCode, Failure>
where
    F: AsyncFnOnce(Installation) -> Result<ExitCode, Failure>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unusable)?;
    runtime.block_on(async { work(Installation::open(reach).await?).await })
}

impl Installation {
    /// Finds it, and reads where everything is.
    pub(crate) async fn open(reach: &Reach) -> Result<Self, Failure> {
        let mut env = ToolEnv::of(reach).await?;
        let aws = env.aws()?;
        // The wired names never have defaults, so whoever has them all has been told everything.
        match config::operator(&env) {
            Ok(Loaded { unknown, .. }) => {
                for name in unknown.iter().filter(|name| !is_of_the_tools(name)) {
                    complain(&format!("{name} looks like a setting, and nothing reads it"));
                }
            }
            Err(_) => env.deployed = deployed(&aws, &env).await?,
        }
        let config = env.settings(Function::Timers, config::operator)?;
        let ids = RandomIds::from_system().map_err(unusable)?;
        let process = Process { env: ProcessEnv, telemetry: Notes::default(), clock: SystemClock, ids };
        let store = DynamoStore::new(aws.dynamodb(), config.tables.clone(), process.ids.clone());
        let store = store.with_pepper(door::pepper(&aws, config.pepper_secret.clone()));
        Ok(Self { env, aws, process, store, config })
    }

    /// The settings of a function, or everything that is wrong with them.
    pub(crate) fn settings<S>(
        &self,
        whose: Function,
        read: impl FnOnce(&Variables) -> Result<Loaded<S>, Problems>,
    ) -> Result<S, Failure> {
        self.env.settings(whose, read)
    }

    /// The present moment.
    pub(crate) fn now(&self) -> UnixMillis {
        self.process.clock.now()
    }
}

/// Where the tool's settings come from, in this order: its options, its environment, the deployed functions.
#[derive(Debug, Default)]
pub(crate) struct ToolEnv {
    asked: BTreeMap<String, String>,
    stack: String,
    deployed: BTreeMap<&'static str, BTreeMap<String, String>>,
}

/// The same as one function sees it: its own variables come before the others'.
#[derive(Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl ToolEnv {
    pub(crate) async fn of(reach: &Reach) -> Result<Self, Failure> {
        let stack = reach.stack.clone().or_else(|| given("FRONTDESK_STACK")).unwrap_or_else(|| STACK.to_owned());
        let mut env = Self { asked: BTreeMap::new(), stack, deployed: BTreeMap::new() };
        let asked = [("AWS_REGION", &reach.region), ("AWS_ENDPOINT_URL", &reach.endpoint_url)];
        env.asked.extend(asked.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))));
        if reach.profile.is_some() || given("AWS_ACCESS_KEY_ID").is_none() || given("AWS_SECRET_ACCESS_KEY").is_none() {
            env.take_profile(reach).await?;
        }
        Ok(env)
    }

    /// Credentials and region as the other tools of AWS find them: profiles, single sign-on, a machine's role.
    async fn take_profile(&mut self, reach: &Reach) -> Result<(), Failure> {
        let client = http_client(self, &Timing::default()).map_err(unusable)?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(client);
        if let Some(region) = &reach.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &reach.profile {
            loader = loader.profile_name(profile);
        }
        let loaded = loader.load().await;
        let provider = loaded.credentials_provider();
        let found = match &provider {
            Some(provider) => provider.provide_credentials().await.map_err(|error| error.to_string()),
            None => Err("none are set up".to_owned()),
        };
        let credentials = found.map_err(|why| {
            let whose = reach.profile.as_deref().map(|name| format!(" of the profile {name}")).unwrap_or_default();
            Failure::Config(format!("no credentials{whose} for AWS ({why})\n{HINT}"))
        })?;
        let mut set = |name: &str, value: &str| self.asked.insert(name.to_owned(), value.to_owned());
        set("AWS_ACCESS_KEY_ID", credentials.access_key_id());
        set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key());
        // An empty one hides that of other credentials.
        set("AWS_SESSION_TOKEN", credentials.session_token().unwrap_or_default());
        if let Some(region) = loaded.region() {
            set("AWS_REGION", region.as_ref());
        }
        Ok(())
    }

    /// The name of the deployed stack.
    pub(crate) fn stack(&self) -> &str {
        &self.stack
    }

    /// The same, and what the deployed functions were told, as somebody found it.
    pub(crate) fn with_deployed(self, deployed: BTreeMap<&'static str, BTreeMap<String, String>>) -> Self {
        Self { deployed, ..self }
    }

    /// AWS's clients.
    pub(crate) fn aws(&self) -> Result<Aws, Failure> {
        Aws::from_env(self, &Timing::default()).map_err(|error| Failure::Config(format!("{error}\n{HINT}")))
    }

    /// The settings of a function, or everything that is wrong with them.
    pub(crate) fn settings<S>(
        &self,
        whose: Function,
        read: impl FnOnce(&Variables) -> Result<Loaded<S>, Problems>,
    ) -> Result<S, Failure> {
        match read(&self.function(whose)) {
            Ok(loaded) => Ok(loaded.config),
            Err(problems) => Err(Failure::Config(format!("{problems}\n{HINT}"))),
        }
    }

    /// The variables as a function has them.
    pub(crate) fn function(&self, whose: Function) -> Variables {
        let own = self.deployed.get(whose.as_str());
        let value = |name: &String| {
            let own = || own.and_then(|own| own.get(name).cloned());
            self.said(name).or_else(own).or_else(|| self.get(name))
        };
        Variables(self.names().into_iter().filter_map(|name| Some((name.clone(), value(&name)?))).collect())
    }

    fn said(&self, name: &str) -> Option<String> {
        self.asked.get(name).cloned().or_else(|| given(name))
    }
}

impl Env for ToolEnv {
    fn get(&self, name: &str) -> Option<String> {
        let deployed = || self.deployed.values().find_map(|variables| variables.get(name).cloned());
        self.said(name).or_else(deployed)
    }

    fn names(&self) -> Vec<String> {
        let deployed = self.deployed.values().flat_map(BTreeMap::keys).cloned();
        let mut names: Vec<String> = self.asked.keys().cloned().chain(ProcessEnv.names()).chain(deployed).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Env for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

pub(crate) const HINT: &str = "On AWS: --profile, --region, and --stack unless the stack is called frontdesk. For the local stack, while \
     `make run` is up: eval \"$(make -s env)\".";

fn given(name: &str) -> Option<String> {
    ProcessEnv.get(name).filter(|value| !value.trim().is_empty())
}

/// Variables of `frontdesk sign`, of the tool, and of the local stack.
fn is_of_the_tools(name: &str) -> bool {
    name.starts_with("FRONTDESK_LOCAL_") || name.ends_with("_WEBHOOK_SECRET") || OF_THE_TOOLS.contains(&name)
}

/// What the deployed functions were told, by function. One that is not there (yet) was told nothing.
async fn deployed(aws: &Aws, env: &ToolEnv) -> Result<BTreeMap<&'static str, BTreeMap<String, String>>, Failure> {
    let endpoint = env.said("AWS_ENDPOINT_URL_LAMBDA").or_else(|| env.said("AWS_ENDPOINT_URL"));
    let lambda = aws_sdk_lambda::Client::new(&aws.sdk(endpoint));
    let (lambda, stack) = (&lambda, &env.stack);
    let told: Vec<_> = stream::iter(Function::ALL)
        .map(|function| async move {
            let name = format!("{stack}-{}", function.as_str());
            match lambda.get_function_configuration().function_name(&name).send().await {
                Ok(found) => {
                    let variables = found.environment.and_then(|environment| environment.variables);
                    Ok(variables.map(|variables| (function.as_str(), variables.into_iter().collect())))
                }
                Err(error) => match error.as_service_error() {
                    Some(GetFunctionConfigurationError::ResourceNotFoundException(_)) => Ok(None),
                    _ => Err(Failure::Unreachable(vec![format!(
                        "the settings of {name} could not be read: {}",
                        frontdesk_aws::detail(&error)
                    )])),
                },
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let told: BTreeMap<_, _> = told.into_iter().flatten().collect();
    if told.is_empty() {
        let region = env.said("AWS_REGION").or_else(|| env.said("AWS_DEFAULT_REGION")).unwrap_or_default();
        return Err(Failure::Config(format!(
            "no stack called {stack} is deployed in {region} (there is no function {stack}-{})\n{HINT}",
            Function::Timers.as_str()
        )));
    }
    Ok(told)
}

pub(crate) fn unusable(error: impl std::error::Error) -> Failure {
    Failure::Config(error.to_string())
}

/// What the shared clients report: warnings are for whoever looks, on standard error; counts are the functions' own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    list_failed: Arc<AtomicBool>,
}

impl Notes {
    /// Whether a provider's list could not be read.
    pub(crate) fn list_failed(&self) -> bool {
        self.list_failed.load(Ordering::Relaxed)
    }
}

impl Telemetry for Notes {
    fn count(&self, metric: Metric, _: Option<&'static str>) {
        if metric == Metric::ReconcileFailed {
            self.list_failed.store(true, Ordering::Relaxed);
        }
    }

    /// The clock's functions measure; a command of a person's says what it found.
    fn measure(&self, _: Gauge, _: u64) {}

    fn line(&self, line: Line) {
        if line.level == Level::Info {
            return;
        }
        let fields = line.fields.iter().map(|(name, value)| match value {
            Value::Word(word) => format!(", {name}: {word}"),
            Value::Number(number) => format!(", {name}: {number}"),
            Value::Id(text) | Value::Detail(text) => format!(", {name}: {text}"),
        });
        complain(&format!("{}{}", line.message, fields.collect::<String>()));
    }
}
