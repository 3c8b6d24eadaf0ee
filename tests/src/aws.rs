//! AWS clients as the functions make them, pointed at servers of this process.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

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
///
/// All clients of a region in one process have one budget of retries between them, which the losses of many tests would
/// use up. So each has a region of its own.
#[must_use]
pub fn aws_at(url: &str) -> Aws {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let region = format!("eu-test-{}", MADE.fetch_add(1, Ordering::Relaxed));
    let env = MapEnv::of(&[
        ("AWS_REGION", region.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", url),
    ]);
    Aws::from_env(&env, &TIMING).unwrap()
}
