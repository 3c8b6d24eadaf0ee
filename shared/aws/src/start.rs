//! How every function starts: read the settings, make the clients, open their connections, and only then ask for events.
//!
//! What can fail without an event fails here and is told in one message: a function that starts is able to work. What
//! can be done ahead is done here too, since Lambda gives a starting function a whole processor.

use std::{future::Future, io, process::ExitCode, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::{
    behavior_version::BehaviorVersion,
    http::{SharedHttpClient, SharedHttpConnector, http_client_fn},
    stalled_stream_protection::StalledStreamProtectionConfig,
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};
use frontdesk_core::{
    config::{Env, Loaded, Problems},
    telemetry::{Line, Telemetry},
};
use thiserror::Error;

use crate::{
    connector,
    dynamo::retry::RetryTransactionConflicts,
    process::{ProcessEnv, RandomIds, SystemClock},
    secrets::SecretError,
    telemetry::StdoutTelemetry,
    uploads::{S3Uploads, Storage},
};

/// How long AWS is waited for.
///
/// A webhook needs two calls and its sender waits five seconds, so a call gives up well before that; then the answer is
/// 503 and the sender comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a connection.
    pub connect: Duration,
    /// For one attempt's whole answer.
    pub attempt: Duration,
    /// For all attempts of a call together.
    pub call: Duration,
    /// How often a call is tried.
    pub attempts: u32,
    /// Before the second attempt, at most; doubles after that.
    pub backoff: Duration,
    /// A connection unused for so long is not used again: AWS closes such ones, and a frozen function notices late.
    pub idle: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(1_000),
            attempt: Duration::from_millis(2_000),
            call: Duration::from_millis(5_000),
            attempts: 3,
            backoff: Duration::from_millis(100),
            idle: Duration::from_secs(60),
        }
    }
}

/// Why a function does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Settings are wrong.
    #[error(transparent)]
    Settings(#[from] Problems),
    /// A variable that Lambda sets is missing or unusable.
    #[error("{name} {problem}")]
    Environment {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The system refused something basic.
    #[error("the system does not give what every program needs: {0}")]
    System(#[from] io::Error),
    /// Something of this function's own.
    #[error("{0}")]
    Other(Box<dyn std::error::Error + Send + Sync>),
    /// The Lambda runtime ended.
    #[error("the Lambda runtime ended: {0}")]
    Runtime(String),
}

/// What every function starts with. `T`: where it reports to.
#[derive(Debug)]
pub struct Process<T = StdoutTelemetry> {
    /// The environment.
    pub env: ProcessEnv,
    /// Reports.
    pub telemetry: T,
    /// Time.
    pub clock: SystemClock,
    /// Names.
    pub ids: RandomIds,
}

impl<T: Telemetry> Process<T> {
    /// Reads this function's settings and warns about names that nothing reads.
    ///
    /// # Errors
    /// All problems at once.
    pub fn settings<S>(&self, read: impl FnOnce(&ProcessEnv) -> Result<Loaded<S>, Problems>) -> Result<S, StartError> {
        let loaded = read(&self.env)?;
        for name in &loaded.unknown {
            self.telemetry
                .line(Line::warn("a variable looks like a setting, and nothing reads it").id("setting", name));
        }
        Ok(loaded.config)
    }

    /// Notes which connections could not be opened ahead; the first event will try again.
    pub fn opened<const N: usize>(&self, outcomes: [(&'static str, Result<(), String>); N]) {
        for (service, outcome) in outcomes {
            if let Err(error) = outcome {
                let line = Line::warn("a connection could not be opened ahead").word("service", service);
                self.telemetry.line(line.detail(&error));
            }
        }
    }
}

/// Runs a function: `work` prepares it and hands over to [`crate::lambda`]. Ends only when something is wrong.
///
/// One thread is enough, because Lambda hands over one event at a time, and costs a third less than several.
pub fn main<F, Fut>(function: &str, work: F) -> ExitCode
where
    F: FnOnce(Process) -> Fut,
    Fut: Future<Output = Result<(), StartError>>,
{
    // A panic's text can quote what it was working on, a phone for one. The place is enough to find it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("panicked at {place}");
    }));
    let outcome =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::System).and_then(
            |runtime| {
                let env = ProcessEnv;
                let ids = RandomIds::from_system()?;
                let process = Process { env, telemetry: StdoutTelemetry::new(&env), clock: SystemClock, ids };
                runtime.block_on(work(process))
            },
        );
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{function} cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the AWS clients. Only those that a function asks for end up in its binary.
#[derive(Debug)]
pub struct Aws {
    shared: SdkConfig,
    dynamodb: Option<String>,
    sqs: Option<String>,
    sns: Option<String>,
    secrets: Option<String>,
    bedrock: Option<String>,
    storage: Storage,
}

impl Aws {
    /// Reads region, credentials and endpoints from the variables that Lambda sets. Credentials live as long as the
    /// process that got them, so they are read once.
    ///
    /// # Errors
    /// When a variable is missing, or `AWS_CA_BUNDLE` names a file that cannot be used.
    pub fn from_env(env: &impl Env, timing: &Timing) -> Result<Self, StartError> {
        Self::with_connector(env, timing, connector(env, timing)?)
    }

    /// The same over another connector.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn with_connector(env: &impl Env, timing: &Timing, connector: SharedHttpConnector) -> Result<Self, StartError> {
        let region = set(env, "AWS_REGION").or_else(|| set(env, "AWS_DEFAULT_REGION"));
        let region = region.ok_or_else(|| missing("AWS_REGION"))?;
        let key = set(env, "AWS_ACCESS_KEY_ID").ok_or_else(|| missing("AWS_ACCESS_KEY_ID"))?;
        let secret = set(env, "AWS_SECRET_ACCESS_KEY").ok_or_else(|| missing("AWS_SECRET_ACCESS_KEY"))?;
        let credentials = Credentials::new(key, secret, set(env, "AWS_SESSION_TOKEN"), None, "environment");
        let timeouts =
            TimeoutConfig::builder().operation_attempt_timeout(timing.attempt).operation_timeout(timing.call).build();
        let retries = RetryConfig::standard()
            .with_max_attempts(timing.attempts)
            .with_initial_backoff(timing.backoff)
            .with_max_backoff(timing.attempt);
        let endpoint = |name| set(env, name).or_else(|| set(env, "AWS_ENDPOINT_URL"));
        let storage = Storage {
            endpoint: endpoint("AWS_ENDPOINT_URL_S3"),
            region: region.clone(),
            credentials: credentials.clone(),
            connector: connector.clone(),
            timing: *timing,
        };
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .timeout_config(timeouts)
            .retry_config(retries)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            // An attempt has a time limit, which covers a stalled answer too.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Ok(Self {
            shared,
            dynamodb: endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
            sqs: endpoint("AWS_ENDPOINT_URL_SQS"),
            sns: endpoint("AWS_ENDPOINT_URL_SNS"),
            secrets: endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            bedrock: endpoint("AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
            storage,
        })
    }

    /// The client of DynamoDB.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.shared);
        config.set_endpoint_url(self.dynamodb.clone());
        aws_sdk_dynamodb::Client::from_conf(config.retry_classifier(RetryTransactionConflicts).build())
    }

    /// The client of SQS.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.shared);
        config.set_endpoint_url(self.sqs.clone());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// The client of SNS.
    #[must_use]
    pub fn sns(&self) -> aws_sdk_sns::Client {
        let mut config = aws_sdk_sns::config::Builder::from(&self.shared);
        config.set_endpoint_url(self.sns.clone());
        aws_sdk_sns::Client::from_conf(config.build())
    }

    /// The client of Secrets Manager.
    #[must_use]
    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        let mut config = aws_sdk_secretsmanager::config::Builder::from(&self.shared);
        config.set_endpoint_url(self.secrets.clone());
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }

    /// The storage of a bucket; none without a name.
    #[must_use]
    pub fn uploads(&self, bucket: Option<&str>) -> S3Uploads {
        S3Uploads::new(self.storage.clone(), bucket, SystemClock)
    }

    /// What a client of Bedrock is made of. It is made where it is used: its SDK is in no other function.
    #[must_use]
    pub fn bedrock(&self) -> SdkConfig {
        self.sdk(self.bedrock.clone())
    }

    /// What the client of a service is made of that is none of the functions'. `endpoint`: of its own, or AWS's.
    #[must_use]
    pub fn sdk(&self, endpoint: Option<String>) -> SdkConfig {
        let mut config = self.shared.clone().into_builder();
        config.set_endpoint_url(endpoint);
        config.build()
    }
}

/// The HTTP client of all AWS's clients, for whoever makes one without credentials.
///
/// # Errors
/// When `AWS_CA_BUNDLE` names a file that cannot be used.
pub fn http_client(env: &impl Env, timing: &Timing) -> Result<SharedHttpClient, StartError> {
    let connector = connector(env, timing)?;
    Ok(http_client_fn(move |_, _| connector.clone()))
}

fn connector(env: &impl Env, timing: &Timing) -> Result<SharedHttpConnector, StartError> {
    let wrong = |problem| StartError::Environment { name: "AWS_CA_BUNDLE", problem };
    let bundle = match set(env, "AWS_CA_BUNDLE") {
        Some(path) => {
            Some(std::fs::read(&path).map_err(|e| wrong(format!("names {path}, which cannot be read: {e}")))?)
        }
        None => None,
    };
    connector::connector(bundle.as_deref(), timing).map_err(wrong)
}

fn set(env: &impl Env, name: &str) -> Option<String> {
    env.get(name).filter(|value| !value.trim().is_empty())
}

fn missing(name: &'static str) -> StartError {
    StartError::Environment { name, problem: "is not set; Lambda sets it".to_owned() }
}
