use frontdesk_core::{
    ids::Shard,
    session::{Session, SessionKey, SessionRules, SessionStatus, Sessions},
    store::{Fenced, StoreError},
    time::UnixMillis,
};

use super::ModelStore;

/// A session's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The session.
    pub session: Session,
    /// When it has to be looked at; absent once it is closed.
    pub deadline: Option<UnixMillis>,
    /// When it may be forgotten.
    pub expires_at: UnixMillis,
}

impl Sessions for ModelStore {
    async fn session(&self, key: &SessionKey, now: UnixMillis) -> Result<Option<Session>, StoreError> {
        Ok(self.lock().sessions.get(key).filter(|row| row.expires_at > now).map(|row| row.session.clone()))
    }

    async fn save_session(
        &self,
        session: &Session,
        rules: &SessionRules,
        now: UnixMillis,
    ) -> Result<Fenced, StoreError> {
        let mut tables = self.lock();
        let first = session.version == 1;
        let may = match tables.sessions.get(&session.key) {
            Some(row) => row.session.version + 1 == session.version || (first && row.expires_at <= now),
            None => first,
        };
        if !may {
            return Ok(Fenced::Lost);
        }
        let expires_at = match session.status {
            SessionStatus::Open => session.last_at.plus(rules.close_after).plus(rules.keep),
            SessionStatus::Closed => now.plus(rules.keep),
        };
        let row = SessionRow { session: session.clone(), deadline: session.deadline(rules), expires_at };
        tables.sessions.insert(session.key.clone(), row);
        tables.writes += 1;
        Ok(Fenced::Written)
    }

    async fn sessions_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<SessionKey>, StoreError> {
        let tables = self.lock();
        let mut due: Vec<(UnixMillis, SessionKey)> = tables
            .sessions
            .iter()
            .filter(|(key, _)| key.shard() == shard)
            .filter_map(|(key, row)| Some((row.deadline.filter(|at| *at <= before)?, key.clone())))
            .collect();
        due.sort();
        due.truncate(usize::from(limit));
        Ok(due.into_iter().map(|(_, key)| key).collect())
    }
}
