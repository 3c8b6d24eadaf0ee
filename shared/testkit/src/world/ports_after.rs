//! The world's side of the tables that come after a send, or beside it: notices, forms, reviews, bookmarks, erasures.

use frontdesk_core::{
    directory::{Bookmark, Bookmarks, Installation},
    erase::{Erasure, KeptPage, Place},
    form::{Forms, Submission, SubmissionId},
    ids::{ProviderId, Shard},
    notice::{Notice, NoticeClaim, NoticeDue, NoticeKey, NoticeStep, Notices},
    provider::Feed,
    reviews::{ReviewBook, ReviewRecord},
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

use super::World;

impl Notices for World {
    async fn open_notice(&self, notice: &Notice) -> Result<bool, StoreError> {
        self.stored("outbox", self.store.open_notice(notice)).await
    }
    async fn claim_notice(&self, key: &NoticeKey, lease: &Lease) -> Result<NoticeClaim, StoreError> {
        self.stored("outbox", self.store.claim_notice(key, lease)).await
    }
    async fn step_notice(&self, key: &NoticeKey, lease: &Lease, step: &NoticeStep) -> Result<Fenced, StoreError> {
        self.stored("outbox", self.store.step_notice(key, lease, step)).await
    }
    async fn notices_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<NoticeDue>, StoreError> {
        self.store.notices_due(shard, before, limit).await
    }
}

impl Forms for World {
    async fn submit(&self, submission: &Submission, notice: &Notice) -> Result<bool, StoreError> {
        self.stored("forms", self.store.submit(submission, notice)).await
    }
    async fn submission(&self, id: &SubmissionId, now: UnixMillis) -> Result<Option<Submission>, StoreError> {
        self.stored("forms", self.store.submission(id, now)).await
    }
}

impl ReviewBook for World {
    async fn review(&self, uid: &ProviderId) -> Result<Option<ReviewRecord>, StoreError> {
        self.stored("reviews", self.store.review(uid)).await
    }
    async fn save_review(&self, record: &ReviewRecord) -> Result<Fenced, StoreError> {
        self.stored("reviews", self.store.save_review(record)).await
    }
}

impl Bookmarks for World {
    async fn bookmark(&self, feed: Feed) -> Result<Option<Bookmark>, StoreError> {
        self.stored("directory", self.store.bookmark(feed)).await
    }
    async fn keep_bookmark(&self, feed: Feed, bookmark: &Bookmark) -> Result<(), StoreError> {
        self.stored("directory", self.store.keep_bookmark(feed, bookmark)).await
    }
}

impl Installation for World {
    async fn uninstalled_at(&self) -> Result<Option<UnixMillis>, StoreError> {
        self.stored("directory", self.store.uninstalled_at()).await
    }
    async fn note_uninstalled(&self, at: UnixMillis) -> Result<(), StoreError> {
        self.stored("directory", self.store.note_uninstalled(at)).await
    }
    async fn note_installed(&self, at: UnixMillis) -> Result<(), StoreError> {
        self.stored("directory", self.store.note_installed(at)).await
    }
}

impl Erasure for World {
    async fn kept(&self, place: Place, after: Option<&str>) -> Result<KeptPage, StoreError> {
        self.stored(place.as_str(), self.store.kept(place, after)).await
    }
    async fn wipe(&self, place: Place, key: &str) -> Result<(), StoreError> {
        self.stored(place.as_str(), self.store.wipe(place, key)).await
    }
}
