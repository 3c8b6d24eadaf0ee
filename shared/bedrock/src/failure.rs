//! What Bedrock's refusals mean.

use aws_sdk_bedrockruntime::{error::SdkError, operation::converse::ConverseError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::{metadata::ProvideErrorMetadata, operation::BuildError};
use frontdesk_core::agent::ModelFailure;

/// A failed call. Messages are read and never repeated: they may quote what was sent.
pub(crate) fn failure(error: &SdkError<ConverseError, HttpResponse>) -> ModelFailure {
    if let SdkError::ServiceError(refusal) = error {
        let code = refusal.err().code().unwrap_or("no code");
        return meaning(code, refusal.raw().status().as_u16(), refusal.err().message().unwrap_or_default());
    }
    let in_dispatch = matches!(error, SdkError::DispatchFailure(lost) if lost.is_timeout());
    let late = in_dispatch || matches!(error, SdkError::TimeoutError(_));
    transient(if late { "no answer in time" } else { "no connection, or no readable answer" })
}

/// A request that the SDK refuses to build.
pub(crate) fn unbuilt(error: &BuildError) -> ModelFailure {
    ModelFailure::Refused { detail: format!("the request could not be built: {error}") }
}

fn meaning(code: &str, status: u16, message: &str) -> ModelFailure {
    let detail = format!("{code} (status {status})");
    // It says so of this very request, and would of any other.
    let no_such_model = message.contains("model identifier") || message.contains("on-demand throughput");
    match (code, status) {
        ("ThrottlingException" | "ServiceQuotaExceededException" | "TooManyRequestsException", _) => {
            ModelFailure::Throttled { wait: None }
        }
        ("ModelNotReadyException" | "ModelTimeoutException" | "ModelErrorException", _) | (_, 500..=599) => {
            ModelFailure::Transient { detail }
        }
        ("ValidationException", _) if no_such_model => ModelFailure::Misconfigured { detail },
        ("UnrecognizedClientException" | "ExpiredTokenException", _) | (_, 401 | 403 | 404) => {
            ModelFailure::Misconfigured { detail }
        }
        (_, 408) => ModelFailure::Transient { detail },
        (_, 429) => ModelFailure::Throttled { wait: None },
        _ => ModelFailure::Refused { detail },
    }
}

fn transient(detail: &str) -> ModelFailure {
    ModelFailure::Transient { detail: detail.to_owned() }
}
