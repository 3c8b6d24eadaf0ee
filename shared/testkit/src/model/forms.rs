use frontdesk_core::{
    form::{Forms, Submission, SubmissionId},
    notice::Notice,
    store::StoreError,
    time::UnixMillis,
};

use super::{ModelStore, notices::NoticeRow};

impl Forms for ModelStore {
    async fn submit(&self, submission: &Submission, notice: &Notice) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        let now = submission.received_at;
        if tables.forms.get(&submission.id).is_some_and(|known| !has_expired(known.expires_at, now)) {
            return Ok(false);
        }
        tables.forms.insert(submission.id.clone(), submission.clone());
        let told = tables.notices.get(&notice.key);
        let waits = told.and_then(|row| row.notice.as_ref()).is_some_and(|known| !has_expired(known.expires_at, now));
        if !waits {
            tables.notices.insert(notice.key.clone(), NoticeRow::of(notice));
        }
        tables.writes += 1;
        Ok(true)
    }

    async fn submission(&self, id: &SubmissionId, now: UnixMillis) -> Result<Option<Submission>, StoreError> {
        Ok(self.lock().forms.get(id).filter(|form| !has_expired(form.expires_at, now)).cloned())
    }
}

/// An expiry is stored in whole seconds.
fn has_expired(at: UnixMillis, now: UnixMillis) -> bool {
    at.as_secs_ceil() <= now.get().div_euclid(1000)
}
