//! The yardstick: a Lambda function behind an HTTP API that takes an event, answers 200 and does nothing else.
//!
//! It starts as ours do, on one thread and with JSON logs, so that what it costs is what Lambda's runtime costs.

use lambda_http::{Error, Request, run, service_fn, tracing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    run(service_fn(async |_: Request| Ok::<_, Error>("accepted"))).await
}
