use frontdesk_core::{
    directory::{Bookmark, Bookmarks, Installation, LocationBook, Locations},
    ids::ProviderId,
    provider::Feed,
    reviews::{ReviewBook, ReviewRecord},
    store::{Fenced, StoreError},
    time::UnixMillis,
};

use super::ModelStore;

/// The newest words about the app's installation, one of each kind; of two at one moment "uninstalled" holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstallationWords {
    /// That it is gone.
    pub uninstalled: Option<UnixMillis>,
    /// That it is there.
    pub installed: Option<UnixMillis>,
}

impl Locations for ModelStore {
    async fn locations(&self) -> Result<Option<LocationBook>, StoreError> {
        Ok(self.lock().locations.clone())
    }

    async fn keep_locations(&self, book: &LocationBook) -> Result<(), StoreError> {
        let mut tables = self.lock();
        if tables.locations.as_ref().is_none_or(|known| known.fetched_at <= book.fetched_at) {
            tables.locations = Some(book.clone());
            tables.writes += 1;
        }
        Ok(())
    }
}

impl Bookmarks for ModelStore {
    async fn bookmark(&self, feed: Feed) -> Result<Option<Bookmark>, StoreError> {
        Ok(self.lock().bookmarks.get(&feed).cloned())
    }

    async fn keep_bookmark(&self, feed: Feed, bookmark: &Bookmark) -> Result<(), StoreError> {
        let mut tables = self.lock();
        tables.bookmarks.insert(feed, bookmark.clone());
        tables.writes += 1;
        Ok(())
    }
}

impl Installation for ModelStore {
    async fn uninstalled_at(&self) -> Result<Option<UnixMillis>, StoreError> {
        let words = self.lock().installation;
        Ok(words.uninstalled.filter(|gone| words.installed.is_none_or(|installed| *gone >= installed)))
    }

    async fn note_uninstalled(&self, at: UnixMillis) -> Result<(), StoreError> {
        let mut tables = self.lock();
        tables.installation.uninstalled = tables.installation.uninstalled.max(Some(at));
        tables.writes += 1;
        Ok(())
    }

    async fn note_installed(&self, at: UnixMillis) -> Result<(), StoreError> {
        let mut tables = self.lock();
        tables.installation.installed = tables.installation.installed.max(Some(at));
        tables.writes += 1;
        Ok(())
    }
}

impl ReviewBook for ModelStore {
    async fn review(&self, uid: &ProviderId) -> Result<Option<ReviewRecord>, StoreError> {
        Ok(self.lock().reviews.get(uid).cloned())
    }

    async fn save_review(&self, record: &ReviewRecord) -> Result<Fenced, StoreError> {
        let mut tables = self.lock();
        let known = tables.reviews.get(&record.uid);
        // Our own earlier success, whose answer was lost.
        if known == Some(record) {
            return Ok(Fenced::Written);
        }
        if known.map_or(0, |k| k.version) + 1 != record.version {
            return Ok(Fenced::Lost);
        }
        tables.reviews.insert(record.uid.clone(), record.clone());
        tables.writes += 1;
        Ok(Fenced::Written)
    }
}
