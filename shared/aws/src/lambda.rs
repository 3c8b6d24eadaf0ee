//! Events and answers of the Lambda runtime.
//!
//! The events' types are ours, with the few fields that are read: the usual crates' types fail the whole invocation, or
//! panic, over fields that nobody here looks at.

pub mod http;
pub mod queue;
pub mod web;
pub mod webhook;

use std::{convert::Infallible, fmt::Display};

use frontdesk_core::{config::Env, time::UnixMillis};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde::{Serialize, de::DeserializeOwned};

use crate::start::StartError;

/// An event and the moment at which Lambda ends the function.
#[derive(Clone, Debug)]
pub struct Invocation<E> {
    /// The event.
    pub event: E,
    /// The end.
    pub deadline: UnixMillis,
}

/// What the runtime needs to know of its surroundings; it panics when one is missing.
const NEEDED: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Takes one event after the other, for as long as the process lives. An error, like a panic, fails its own invocation.
///
/// # Errors
/// When this is no Lambda function, or the runtime ends.
pub async fn run<E, A, X>(env: &impl Env, handle: impl AsyncFn(Invocation<E>) -> Result<A, X>) -> Result<(), StartError>
where
    E: DeserializeOwned,
    A: Serialize,
    X: Display,
{
    for name in NEEDED {
        if env.get(name).is_none() {
            let problem =
                "is not set: this program is started by AWS Lambda, or by something that speaks its runtime API";
            return Err(StartError::Environment { name, problem: problem.to_owned() });
        }
    }
    let handle = &handle;
    let service = service_fn(async |received: LambdaEvent<E>| {
        let deadline = UnixMillis::new(i64::try_from(received.context.deadline).unwrap_or(i64::MAX));
        handle(Invocation { event: received.payload, deadline }).await.map_err(|error| error.to_string())
    });
    Runtime::new(service).run().await.map_err(|error| StartError::Runtime(error.to_string()))
}

/// What a function that has an answer to everything returns.
///
/// # Errors
/// None.
pub const fn always<A>(answer: A) -> Result<A, Infallible> {
    Ok(answer)
}
