//! A topic of SNS: a channel over which the shop's people are told.

use std::time::Duration;

use aws_sdk_sns::{Client, operation::publish::PublishError};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use frontdesk_core::notice::Untold;

use crate::failure;

/// SNS takes no longer subject.
const SUBJECT_CHARS_MAX: usize = 100;

/// A topic.
#[derive(Clone, Debug)]
pub struct SnsTopic {
    client: Client,
    arn: String,
}

impl SnsTopic {
    /// The topic of this ARN.
    #[must_use]
    pub const fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }

    /// Publishes a message. The subject is for e-mail and is cut to what SNS takes.
    ///
    /// # Errors
    /// Whether it may work later.
    pub async fn publish(&self, subject: &str, text: &str) -> Result<(), Untold> {
        let request = self.client.publish().topic_arn(&self.arn).message(text);
        let sent = request.set_subject(printable(subject)).send().await;
        sent.map(|_| ()).map_err(|error| untold(&error))
    }
}

fn untold(error: &SdkError<PublishError, HttpResponse>) -> Untold {
    let detail = failure::detail(error);
    let refusal = error.as_service_error();
    if refusal.is_some_and(is_final) { Untold::Never { detail } } else { Untold::Later { wait: wait(error), detail } }
}

/// Whether another attempt would be refused in the same way: the topic is gone, or was never ours to publish to.
fn is_final(refusal: &PublishError) -> bool {
    matches!(
        refusal,
        PublishError::NotFoundException(_)
            | PublishError::AuthorizationErrorException(_)
            | PublishError::InvalidParameterException(_)
            | PublishError::InvalidParameterValueException(_)
    )
}

/// How long the service wants to be left alone, if it says.
fn wait(error: &SdkError<PublishError, HttpResponse>) -> Option<Duration> {
    let seconds = error.raw_response()?.headers().get("retry-after")?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// A subject is one line of ASCII and begins with no space; one of which nothing is left is none.
fn printable(subject: &str) -> Option<String> {
    let plain = subject.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' });
    let line: String = plain.collect::<String>().trim().chars().take(SUBJECT_CHARS_MAX).collect();
    Some(line).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_line_of_at_most_a_hundred_ascii_characters() {
        assert_eq!(printable(" One star:\n\u{1f61e} Caf\u{e9} ").as_deref(), Some("One star:?? Caf?"));
        assert_eq!(printable(&"x".repeat(300)).map(|line| line.len()), Some(100));
        assert_eq!(printable(" "), None);
    }
}
