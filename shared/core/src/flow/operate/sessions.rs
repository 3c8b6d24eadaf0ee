//! A look at the sessions that are open: who fell silent, and what the clock will do about it.

use std::time::Duration;

use crate::{
    ids::LocationUid,
    record::{Records, Shelf, Sieve},
    session::{Session, SessionDue, SessionKey, SessionRules, SessionStatus, Sessions},
    store::StoreError,
    time::UnixMillis,
};

/// How long somebody has been silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Silence {
    /// Not long.
    None,
    /// Long enough to be asked.
    Warned,
    /// So long that the session is over.
    Over,
}

impl Silence {
    /// The word that is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "active",
            Self::Warned => "warned",
            Self::Over => "over",
        }
    }
}

/// A session that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// It.
    pub session: Session,
    /// For how long nobody wrote.
    pub idle: Duration,
    /// What that means.
    pub silence: Silence,
    /// What is due now.
    pub due: SessionDue,
    /// When it is looked at next.
    pub due_at: Option<UnixMillis>,
}

/// All sessions that are open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionScan {
    /// Those that can be read, the longest silent first.
    pub open: Vec<OpenSession>,
    /// Keys of those that cannot.
    pub unreadable: Vec<String>,
}

/// Looks at all sessions that are open, or at those with one location. Changes nothing.
///
/// # Errors
/// When the table does not answer. A single row that cannot be read is told of, and keeps nobody from the others.
pub async fn scan<S: Records + Sessions>(
    store: &S,
    location: Option<&LocationUid>,
    now: UnixMillis,
    rules: &SessionRules,
) -> Result<SessionScan, StoreError> {
    let mut scan = SessionScan::default();
    for key in open_keys(store).await? {
        let Some(parsed) = SessionKey::parse(&key) else {
            scan.unreadable.push(key);
            continue;
        };
        if location.is_some_and(|location| *location != parsed.location) {
            continue;
        }
        match store.session(&parsed, now).await {
            Ok(Some(session)) if session.status == SessionStatus::Open => scan.open.push(look(session, now, rules)),
            // It ended, or its time was over, since the table was looked through.
            Ok(_) => {}
            Err(StoreError::Corrupt { .. }) => scan.unreadable.push(key),
            Err(error @ StoreError::Unavailable { .. }) => return Err(error),
        }
    }
    scan.open.sort_by_key(|open| std::cmp::Reverse(open.idle));
    Ok(scan)
}

fn look(session: Session, now: UnixMillis, rules: &SessionRules) -> OpenSession {
    let silence = if now >= session.last_at.plus(rules.close_after) {
        Silence::Over
    } else if now >= session.last_at.plus(rules.warn_after) {
        Silence::Warned
    } else {
        Silence::None
    };
    OpenSession {
        idle: now.since(session.last_at),
        silence,
        due: session.due(now, rules),
        due_at: session.deadline(rules),
        session,
    }
}

async fn open_keys(store: &impl Records) -> Result<Vec<String>, StoreError> {
    let open = SessionStatus::Open.as_str().to_owned();
    let sieve = Sieve { equals: vec![("st", vec![open])], only: &["st"], ..Sieve::default() };
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = store.records(Shelf::Sessions, &sieve, after.as_deref()).await?;
        keys.extend(page.rows.into_iter().map(|row| row.key));
        after = page.next;
        if after.is_none() {
            return Ok(keys);
        }
    }
}
