//! Looks at tables, queues and secrets without reading what is in them.
//!
//! Whoever asks for readiness is not known to us, so the function that answers has no permission to read anything. Of a secret it
//! may have the description (`secretsmanager:DescribeSecret`) and not the value (`GetSecretValue`), which would be the key to
//! all providers at once in the one function that answers everybody. The description suffices to know that the placeholder
//! of the template is gone: a value that was replaced stays listed as the previous one (`AWSPREVIOUS`), and a secret that still
//! holds what it was made with has none. What it cannot tell is whether the new value is a good one, or holds a second
//! placeholder; the functions that use it look at that when they start.

use aws_sdk_dynamodb::types::TableStatus;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_sqs::types::QueueAttributeName;
use frontdesk_core::flow::health::{Probes, SecretValue, Unreachable, WITHIN};

use crate::{
    failure,
    secrets::{CURRENT, PREVIOUS},
    start::{Aws, Timing},
};

/// A message is in one of these states, and still there in each.
const MESSAGES: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];

/// Asks AWS.
#[derive(Clone, Debug)]
pub struct AwsProbes {
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    secrets: aws_sdk_secretsmanager::Client,
}

impl AwsProbes {
    /// With clients that were made with [`AwsProbes::timing`].
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { dynamodb: aws.dynamodb(), sqs: aws.sqs(), secrets: aws.secrets() }
    }

    /// No call outlasts the patience of whoever asks; what fails at once is tried once more.
    #[must_use]
    pub fn timing() -> Timing {
        Timing { attempt: WITHIN, call: WITHIN, attempts: 2, ..Timing::default() }
    }
}

impl Probes for AwsProbes {
    async fn table(&self, name: &str) -> Result<(), Unreachable> {
        let described = self.dynamodb.describe_table().table_name(name).send().await;
        let described = described.map_err(|error| Unreachable(failure::detail(&error)))?;
        match described.table().and_then(|table| table.table_status()) {
            // While its description is changed, of an index for one, a table works as before.
            Some(TableStatus::Active | TableStatus::Updating) => Ok(()),
            other => {
                Err(Unreachable(format!("the table is {}", other.map_or("in no known state", TableStatus::as_str))))
            }
        }
    }

    async fn queue(&self, url: &str) -> Result<u64, Unreachable> {
        messages(&self.sqs, url).await
    }

    async fn secret(&self, id: &str) -> Result<SecretValue, Unreachable> {
        let described = self.secrets.describe_secret().secret_id(id).send().await;
        let described = described.map_err(|error| Unreachable(failure::detail(&error)))?;
        if described.deleted_date().is_some() {
            return Err(Unreachable("the secret is about to be deleted".to_owned()));
        }
        match (has(&described, CURRENT), has(&described, PREVIOUS)) {
            (true, true) => Ok(SecretValue::Changed),
            (true, false) => Ok(SecretValue::First),
            (false, _) => Err(Unreachable("the secret has no value".to_owned())),
        }
    }
}

/// How many messages a queue holds, whoever has them just now.
pub(crate) async fn messages(sqs: &aws_sdk_sqs::Client, url: &str) -> Result<u64, Unreachable> {
    let asked = sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(MESSAGES.to_vec()));
    let told = asked.send().await.map_err(|error| Unreachable(failure::detail(&error)))?;
    let count = |state| told.attributes()?.get(state)?.parse::<u64>().ok();
    let counts: Option<Vec<u64>> = MESSAGES.iter().map(count).collect();
    let counts = counts.ok_or_else(|| Unreachable("the queue does not say how many messages it holds".to_owned()))?;
    Ok(counts.into_iter().fold(0, u64::saturating_add))
}

/// Whether one of the secret's values stands at a stage.
fn has(described: &DescribeSecretOutput, stage: &str) -> bool {
    let versions = described.version_ids_to_stages().into_iter().flatten();
    versions.flat_map(|(_, stages)| stages).any(|one| one == stage)
}
