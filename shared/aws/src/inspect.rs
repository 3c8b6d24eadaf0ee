//! Looks at tables, queues and secrets for a person who wants to know what is wrong with them. For the operator's tool alone: no
//! function may do any of this, and [`crate::probes`] is what the one that answers everybody has.
//!
//! Whatever cannot be asked is told as that: nothing here turns a missing answer into a good one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::types::{PointInTimeRecoveryStatus, TimeToLiveStatus};
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextRef, dyn_dispatch_hint},
        orchestrator::HttpResponse,
        result::SdkError,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{config_bag::ConfigBag, date_time::Format, error::metadata::ProvideErrorMetadata};
use frontdesk_core::{
    doctor::{
        Looked,
        secrets::{Fault, SecretFacts, SecretName},
        storage::{QueueFacts, TableFacts},
    },
    time::UnixMillis,
};

use crate::{
    failure::detail,
    secrets::{CURRENT, Form, PENDING, PREVIOUS, SecretError, SecretProblem, SecretVault, signing},
    start::Aws,
};

/// How AWS's services call something that is not there.
const ABSENT: [&str; 6] = [
    "ResourceNotFoundException",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "TableNotFoundException",
    "NoSuchEntity",
    "NoSuchEntityException",
];
/// How they say that somebody may not ask.
const FORBIDDEN: [&str; 5] =
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized"];

/// What became of a question to AWS.
pub fn looked<T, E: ProvideErrorMetadata>(asked: Result<T, SdkError<E, HttpResponse>>) -> Looked<T> {
    let error = match asked {
        Ok(answer) => return Looked::Seen(answer),
        Err(error) => error,
    };
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default().to_owned();
    if ABSENT.contains(&code.as_str()) {
        Looked::Absent
    } else if FORBIDDEN.contains(&code.as_str()) {
        Looked::Forbidden(detail(&error))
    } else {
        Looked::Unknown(detail(&error))
    }
}

/// Looks.
#[derive(Clone, Debug)]
pub struct Inspector {
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    secrets: aws_sdk_secretsmanager::Client,
}

impl Inspector {
    /// With these clients.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { dynamodb: aws.dynamodb(), sqs: aws.sqs(), secrets: aws.secrets() }
    }

    /// What a table is like.
    pub async fn table(&self, name: &str) -> Looked<TableFacts> {
        let described = self.dynamodb.describe_table().table_name(name).send();
        let expiry = self.dynamodb.describe_time_to_live().table_name(name).send();
        let backups = self.dynamodb.describe_continuous_backups().table_name(name).send();
        let (described, expiry, backups) = tokio::join!(described, expiry, backups);
        let ttl = looked(expiry).map(|answer| {
            let told = answer.time_to_live_description;
            let on = |status: Option<&TimeToLiveStatus>| {
                matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling))
            };
            told.filter(|told| on(told.time_to_live_status())).and_then(|told| told.attribute_name)
        });
        let recoverable = looked(backups).map(|answer| {
            let told = answer.continuous_backups_description.and_then(|told| told.point_in_time_recovery_description);
            told.and_then(|told| told.point_in_time_recovery_status) == Some(PointInTimeRecoveryStatus::Enabled)
        });
        let table = looked(described).and_then(|answer| match answer.table {
            Some(table) => Looked::Seen(table),
            None => Looked::Unknown("the answer describes no table".to_owned()),
        });
        let word = |status: Option<&str>| status.unwrap_or("in no known state").to_owned();
        table.map(|table| TableFacts {
            status: word(table.table_status().map(|status| status.as_str())),
            indexes: table
                .global_secondary_indexes()
                .iter()
                .map(|index| {
                    let name = index.index_name().unwrap_or_default().to_owned();
                    (name, index.index_status().map(|status| status.as_str()).unwrap_or_default().to_owned())
                })
                .collect(),
            protected: table.deletion_protection_enabled.unwrap_or_default(),
            ttl,
            recoverable,
        })
    }

    /// What a queue is like, and how much is in it.
    pub async fn queue(&self, url: &str) -> Looked<QueueFacts> {
        let asked = self.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
        looked(asked.send().await).and_then(|answer| queue_facts(&answer.attributes.unwrap_or_default()))
    }

    /// What a secret is like. Its value is read and looked at here, and goes no further.
    pub async fn secret(&self, name: SecretName, id: &str) -> Looked<SecretFacts> {
        let described = match looked(self.secrets.describe_secret().secret_id(id).send().await) {
            Looked::Seen(described) => described,
            Looked::Absent => return Looked::Absent,
            Looked::Unknown(why) => return Looked::Unknown(why),
            Looked::Forbidden(why) => return Looked::Forbidden(why),
        };
        let going = described.deleted_date().is_some();
        let vault = SecretVault::new(self.secrets.clone(), name.setting(), id.to_owned());
        let read = match going {
            true => Looked::Absent,
            false => value(&vault, name, has(&described, PREVIOUS)).await,
        };
        Looked::Seen(SecretFacts {
            two_count: read.seen().is_some_and(|read| matches!(read, Ok(true))),
            value: read.map(|read| read.map(|_| ())),
            pending: has(&described, PENDING),
            going,
            changed_at: described.last_changed_date().or(described.created_date()).and_then(|at| {
                let millis = at.fmt(Format::EpochSeconds).ok()?.parse::<f64>().ok()? * 1_000.0;
                // A date of this age has no fraction that matters.
                #[expect(clippy::cast_possible_truncation, reason = "milliseconds of our age fit")]
                Some(UnixMillis::new(millis as i64))
            }),
        })
    }

    /// AWS's time, from the head of an answer; and how long the answer took.
    pub async fn date(&self) -> Looked<String> {
        let heard = Heard::default();
        let asked = self.dynamodb.list_tables().limit(1).customize().interceptor(heard.clone()).send().await;
        let date = heard.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (date, asked) {
            // A clock that is off is refused, and the refusal has a date.
            (Some(date), _) => Looked::Seen(date),
            (None, Ok(_)) => Looked::Absent,
            (None, Err(error)) => Looked::Unknown(detail(&error)),
        }
    }
}

/// Whether a value can be used; of one that signs, also whether the one before it counts.
async fn value(vault: &SecretVault, name: SecretName, changed: bool) -> Looked<Result<bool, Fault>> {
    let current = match vault.stage(CURRENT).await {
        Ok(Some(current)) => current,
        Ok(None) => return Looked::Absent,
        Err(error) => return unread(error),
    };
    let examined = form(name).examine(&current);
    let judged = match (examined, form(name)) {
        (Err(problem), _) => Err(fault(problem)),
        (Ok(()), Form::Signing) => {
            let before = match changed {
                true => vault.stage(PREVIOUS).await.ok().flatten(),
                false => None,
            };
            signing(name.setting(), &current, before).map(|live| live.previous().is_some()).map_err(fault)
        }
        (Ok(()), Form::Fields(..) | Form::Text) => Ok(false),
    };
    Looked::Seen(judged)
}

/// The form that the readers of a secret want.
#[must_use]
pub const fn form(name: SecretName) -> Form {
    match name {
        SecretName::ShopifyWebhook | SecretName::PodiumWebhook | SecretName::ChatwootWebhook => Form::Signing,
        SecretName::ShopifyAdmin => Form::SHOPIFY,
        SecretName::PodiumOauth => Form::PODIUM,
        SecretName::ChatwootApi => Form::CHATWOOT,
        SecretName::NotifyWebhook => {
            Form::Fields(&[&["url"]], "url, and signing_secret if what is sent is to be signed")
        }
        SecretName::Woocommerce => {
            Form::Fields(&[&["consumer_key", "consumer_secret"]], "consumer_key and consumer_secret")
        }
        SecretName::Agent | SecretName::Speech | SecretName::NotifySlack | SecretName::Web | SecretName::Pepper => {
            Form::Text
        }
    }
}

fn fault(problem: SecretProblem) -> Fault {
    match problem {
        SecretProblem::Placeholder => Fault::Placeholder,
        SecretProblem::Empty => Fault::Empty,
        other @ (SecretProblem::Missing
        | SecretProblem::Incomplete(_)
        | SecretProblem::NotText
        | SecretProblem::Unreadable(_)
        | SecretProblem::Unwritten(_)) => Fault::Form(format!("it {other}")),
    }
}

fn unread(error: SecretError) -> Looked<Result<bool, Fault>> {
    match error.problem {
        SecretProblem::Unreadable(why) if FORBIDDEN.iter().any(|code| why.contains(code)) => Looked::Forbidden(why),
        SecretProblem::Unreadable(why) => Looked::Unknown(why),
        problem @ (SecretProblem::Missing
        | SecretProblem::Empty
        | SecretProblem::Placeholder
        | SecretProblem::Incomplete(_)
        | SecretProblem::NotText
        | SecretProblem::Unwritten(_)) => Looked::Seen(Err(fault(problem))),
    }
}

fn queue_facts(attributes: &HashMap<QueueAttributeName, String>) -> Looked<QueueFacts> {
    let number = |name: QueueAttributeName| attributes.get(&name)?.parse::<u64>().ok();
    let counts = || {
        Some((
            number(QueueAttributeName::ApproximateNumberOfMessages)?,
            number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)?,
            number(QueueAttributeName::ApproximateNumberOfMessagesDelayed)?,
        ))
    };
    let Some((visible, hidden, delayed)) = counts() else {
        return Looked::Unknown("the queue does not say how many messages it holds".to_owned());
    };
    let redrive = attributes.get(&QueueAttributeName::RedrivePolicy);
    let redrive = redrive.and_then(|policy| serde_json::from_str::<serde_json::Value>(policy).ok());
    let dead_letters = redrive.and_then(|policy| {
        let arn = policy.get("deadLetterTargetArn")?.as_str()?.to_owned();
        // A number, or a number as text.
        let attempts = policy.get("maxReceiveCount")?;
        let attempts = attempts.as_u64().or_else(|| attempts.as_str()?.parse().ok())?;
        Some((arn, u32::try_from(attempts).ok()?))
    });
    let visibility = Duration::from_secs(number(QueueAttributeName::VisibilityTimeout).unwrap_or_default());
    Looked::Seen(QueueFacts { visible, hidden, delayed, visibility, dead_letters })
}

/// Whether one of the secret's values stands at a stage.
fn has(described: &DescribeSecretOutput, stage: &str) -> bool {
    let versions = described.version_ids_to_stages().into_iter().flatten();
    // A value that became the current one keeps the mark of having waited for it.
    versions
        .filter(|(_, stages)| stage != PENDING || !stages.iter().any(|one| one == CURRENT))
        .any(|(_, stages)| stages.iter().any(|one| one == stage))
}

/// Hears what time the other side has.
#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Option<String>>>);

#[dyn_dispatch_hint]
impl Intercept for Heard {
    fn name(&self) -> &'static str {
        "Heard"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").map(str::to_owned);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}
