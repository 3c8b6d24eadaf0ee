use frontdesk_core::{
    ids::{OwnerToken, Shard},
    notice::{HeldNotice, Notice, NoticeClaim, NoticeDue, NoticeEnd, NoticeKey, NoticeStep, Notices, Progress},
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

use super::ModelStore;

/// A notice's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// What to tell; gone once it is told, given up or erased.
    pub notice: Option<Notice>,
    /// How far it has come.
    pub progress: Progress,
    /// When it is due; absent when it has ended.
    pub due_at: Option<UnixMillis>,
    /// When somebody has to look at it: when it is due or, while it is held, when its holder is certainly dead.
    pub attention: Option<UnixMillis>,
    /// Who held it last.
    pub owner: Option<OwnerToken>,
    /// Until when it is held.
    pub lease_until: Option<UnixMillis>,
    /// How it ended; one that was erased says nothing.
    pub end: Option<NoticeEnd>,
}

impl NoticeRow {
    /// One that was just opened.
    pub(super) fn of(notice: &Notice) -> Self {
        Self {
            notice: Some(notice.clone()),
            progress: Progress::default(),
            due_at: Some(notice.opened_at),
            attention: Some(notice.opened_at),
            owner: None,
            lease_until: None,
            end: None,
        }
    }

    fn held_by(&self, lease: &Lease) -> bool {
        self.due_at.is_some() && self.lease_until.is_some() && self.owner.as_ref() == Some(&lease.owner)
    }
}

impl Notices for ModelStore {
    async fn open_notice(&self, notice: &Notice) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        if tables.notices.contains_key(&notice.key) {
            return Ok(false);
        }
        tables.notices.insert(notice.key.clone(), NoticeRow::of(notice));
        tables.writes += 1;
        Ok(true)
    }

    async fn claim_notice(&self, key: &NoticeKey, lease: &Lease) -> Result<NoticeClaim, StoreError> {
        let mut tables = self.lock();
        let Some(row) = tables.notices.get_mut(key) else { return Ok(NoticeClaim::Missing) };
        let (Some(due_at), Some(notice)) = (row.due_at, row.notice.clone()) else { return Ok(NoticeClaim::Ended) };
        if let Some(until) = row.lease_until
            && until > lease.now
            && !row.held_by(lease)
        {
            return Ok(NoticeClaim::Busy { until });
        }
        if due_at > lease.now {
            return Ok(NoticeClaim::NotDue { at: due_at });
        }
        row.owner = Some(lease.owner.clone());
        row.lease_until = Some(lease.until);
        row.attention = Some(lease.until);
        let held = HeldNotice { notice, progress: row.progress.clone() };
        tables.writes += 1;
        Ok(NoticeClaim::Acquired(Box::new(held)))
    }

    async fn step_notice(&self, key: &NoticeKey, lease: &Lease, step: &NoticeStep) -> Result<Fenced, StoreError> {
        let mut tables = self.lock();
        let Some(row) = tables.notices.get_mut(key) else { return Ok(Fenced::Lost) };
        if !row.held_by(lease) {
            // Our own earlier success, whose answer was lost.
            let ours = row.owner.as_ref() == Some(&lease.owner)
                && matches!(step, NoticeStep::End(end) if row.end == Some(*end));
            return Ok(if ours { Fenced::Written } else { Fenced::Lost });
        }
        match step {
            NoticeStep::Again { progress, at } => {
                row.progress = progress.clone();
                row.due_at = Some(*at);
                row.attention = row.due_at;
            }
            NoticeStep::End(end) => {
                row.end = Some(*end);
                row.notice = None;
                row.due_at = None;
                row.attention = None;
            }
        }
        row.lease_until = None;
        tables.writes += 1;
        Ok(Fenced::Written)
    }

    async fn notices_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<NoticeDue>, StoreError> {
        let tables = self.lock();
        let mut due: Vec<NoticeDue> = tables
            .notices
            .iter()
            .filter(|(key, _)| key.shard() == shard)
            .filter_map(|(key, row)| Some(NoticeDue { key: key.clone(), at: row.attention? }))
            .filter(|due| due.at <= before)
            .collect();
        due.sort_by_key(|due| due.at);
        due.truncate(usize::from(limit));
        Ok(due)
    }
}
