//! What a process has that a test replaces: its variables, its clock, its randomness and its patience.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use frontdesk_core::{
    config::Env,
    ids::{Ids, OwnerToken},
    time::{Clock, UnixMillis},
    token::Pause,
};
use sha2::{Digest, Sha256};

/// The environment variables of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnv;

impl Env for ProcessEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn names(&self) -> Vec<String> {
        std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is given")]
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis::new(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Names that nobody can guess and that no other process has: the hash of a secret and a counter, 128 bits each.
///
/// The secret comes from the system once, at the start, where a failure can be told; after that nothing can fail, and
/// no name says anything about another.
#[derive(Clone)]
pub struct RandomIds(Arc<Seed>);

struct Seed {
    secret: [u8; 32],
    drawn: AtomicU64,
}

impl RandomIds {
    /// Draws the secret.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn from_system() -> io::Result<Self> {
        let mut secret = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut secret)?;
        Ok(Self(Arc::new(Seed { secret, drawn: AtomicU64::new(0) })))
    }

    /// A new name, 32 hexadecimal digits.
    #[must_use]
    pub fn draw(&self) -> String {
        self.bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// A part of this span, less than the whole.
    #[must_use]
    pub fn part_of(&self, span: Duration) -> Duration {
        let [high, low, ..] = self.bytes();
        span * u32::from(u16::from_be_bytes([high, low])) / (1 << 16)
    }

    fn bytes(&self) -> [u8; 32] {
        let number = self.0.drawn.fetch_add(1, Ordering::Relaxed);
        Sha256::new().chain_update(self.0.secret).chain_update(number.to_be_bytes()).finalize().into()
    }
}

impl fmt::Debug for RandomIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RandomIds")
    }
}

impl Ids for RandomIds {
    #[expect(clippy::expect_used, reason = "32 hexadecimal digits make a token")]
    fn owner(&self) -> OwnerToken {
        OwnerToken::try_from(self.draw().as_str()).expect("hexadecimal digits make a token")
    }
}

/// Waiting on the runtime's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimerPause;

impl Pause for TimerPause {
    async fn pause(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_comes_twice_from_one_process_or_from_two() {
        let (one, two) = (RandomIds::from_system().unwrap(), RandomIds::from_system().unwrap());
        let names: HashSet<String> = (0..500).flat_map(|_| [one.draw(), two.draw(), one.clone().draw()]).collect();
        assert_eq!(names.len(), 1_500);
        assert!(names.iter().all(|n| n.len() == 32 && n.bytes().all(|b| b.is_ascii_hexdigit())));
    }

    #[test]
    fn a_part_of_a_span_is_any_but_the_whole() {
        let (ids, span) = (RandomIds::from_system().unwrap(), Duration::from_millis(160));
        let parts: Vec<Duration> = (0..1_000).map(|_| ids.part_of(span)).collect();
        assert!(parts.iter().all(|part| *part < span));
        assert!(parts.iter().any(|part| *part < span / 4) && parts.iter().any(|part| *part > span / 4 * 3));
    }
}
