//! The installation that a command works on: its settings, and what its clients report while it does.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use frontdesk_aws::process::ProcessEnv;
use frontdesk_core::{
    config::{Env as _, Function, Loaded, Problem, Problems},
    telemetry::{Level, Line, Metric, Telemetry, Value},
};

use crate::failure::{Failure, complain};

/// The settings, or everything that is wrong with them, and with the variables that AWS is reached by. `whose`: the function
/// that has all of them.
pub(crate) fn settings<S>(
    whose: Function,
    read: impl FnOnce(&ProcessEnv) -> Result<Loaded<S>, Problems>,
) -> Result<S, Failure> {
    let env = ProcessEnv;
    let is_set = |name: &str| env.get(name).is_some_and(|value| !value.trim().is_empty());
    let of_aws: [(&'static str, &[&str]); 3] = [
        ("AWS_REGION", &["AWS_REGION", "AWS_DEFAULT_REGION"]),
        ("AWS_ACCESS_KEY_ID", &["AWS_ACCESS_KEY_ID"]),
        ("AWS_SECRET_ACCESS_KEY", &["AWS_SECRET_ACCESS_KEY"]),
    ];
    let lacking = of_aws.into_iter().filter(|(_, names)| !names.iter().any(|name| is_set(name)));
    let lacking: Vec<_> = lacking.map(|(name, _)| Problem { name, what: "is not set".to_owned() }).collect();
    let problems = match read(&env) {
        Ok(Loaded { config, unknown }) if lacking.is_empty() => {
            for name in unknown.iter().filter(|name| !is_of_the_tools(name)) {
                complain(&format!("{name} looks like a setting, and nothing reads it"));
            }
            return Ok(config);
        }
        Ok(_) => Problems(lacking),
        Err(Problems(mut problems)) => {
            problems.extend(lacking);
            Problems(problems)
        }
    };
    let hint = format!(
        "For the local stack, while `make run` is up: eval \"$(make -s env)\". On AWS: the variables of the function \
         `{}`, and `aws configure export-credentials --format env`.",
        whose.as_str()
    );
    Err(Failure::Config(format!("{problems}\n{hint}")))
}

/// Variables of `frontdesk sign` and of the local stack, which an operator's shell may hold.
fn is_of_the_tools(name: &str) -> bool {
    name.starts_with("FRONTDESK_LOCAL_") || name.ends_with("_WEBHOOK_SECRET")
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
