//! AWS clients as the functions make them, pointed at servers of this process.

use std::{collections::BTreeMap, time::Duration};

use frontdesk_aws::start::{Aws, Timing};
use frontdesk_core::config::Env;

/// Variables that only a test sees.
#[derive(Clone, Debug, Default)]
pub struct MapEnv(pub BTreeMap<String, String>);

impl MapEnv {
    /// These variables and no others.
    #[must_use]
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

impl Env for MapEnv {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// As in a function, but quick to try again.
pub const TIMING: Timing = Timing {
    connect: Duration::from_secs(2),
    attempt: Duration::from_secs(10),
    call: Duration::from_secs(20),
    attempts: 3,
    backoff: Duration::from_millis(5),
    idle: Duration::from_secs(60),
};

/// Clients that find all services at `url`.
#[must_use]
pub fn aws_at(url: &str) -> Aws {
    let env = MapEnv::of(&[
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", url),
    ]);
    Aws::from_env(&env, &TIMING).unwrap()
}
