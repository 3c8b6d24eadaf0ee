//! Wires the function that says whether all is well. It opens no connection ahead: life is told without any.

use std::{convert::Infallible, process::ExitCode};

use frontdesk_aws::{
    lambda::{self, Invocation},
    probes::AwsProbes,
    process::TimerPause,
    start::{self, Aws},
};
use frontdesk_core::{
    config,
    flow::health::{Readiness, Seen},
};
use health::Health;

fn main() -> ExitCode {
    start::main("health", async |process| {
        let config::HealthConfig { parts, fresh } = process.settings(config::health)?;
        let probes = AwsProbes::new(&Aws::from_env(&process.env, &AwsProbes::timing())?);
        let (clock, telemetry, pause, seen) = (process.clock, process.telemetry, TimerPause, Seen::default());
        let function = Health(Readiness { probes, pause, clock, telemetry, parts, fresh, seen });
        lambda::run(&process.env, async |i: Invocation<_>| Ok::<_, Infallible>(function.handle(i.event).await)).await
    })
}
