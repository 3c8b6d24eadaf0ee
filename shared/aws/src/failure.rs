//! What an AWS client reported, as text that may stand in a log.
//!
//! An SDK error's own `Debug` holds the whole answer, and some messages of DynamoDB quote values. So only the parts that
//! cannot hold a row's content are taken: the kind of failure, the code, the status, and for the few codes that are
//! about permissions and names the message too.

use std::error::Error;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Codes whose messages name resources and permissions only; without them nobody finds what is not set up.
const EXPLAINED: [&str; 6] = [
    "AccessDeniedException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
    "ExpiredTokenException",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
];

/// Longer texts are cut.
const CHARS_MAX: usize = 400;

/// Describes a failed call.
pub fn detail<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    let text = match error {
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(error) => chain(error),
            None => "the request could not be sent".to_owned(),
        },
        SdkError::ResponseError(answer) => format!("an unreadable answer with status {}", answer.raw().status()),
        SdkError::ServiceError(refusal) => {
            let code = refusal.err().code().unwrap_or("no code");
            let status = refusal.raw().status();
            match refusal.err().message().filter(|_| EXPLAINED.contains(&code)) {
                Some(message) => format!("{code} (status {status}): {message}"),
                None => format!("{code} (status {status})"),
            }
        }
        SdkError::ConstructionFailure(_) | _ => "the request could not be built".to_owned(),
    };
    text.chars().take(CHARS_MAX).collect()
}

/// An error and its causes, outermost first.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
