use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use frontdesk_core::{
    provider::{NotDone, Provider},
    time::UnixMillis,
    upload::{UploadKey, UploadOffer, UploadedFile, Uploads},
};

/// Files in memory.
#[derive(Debug)]
pub struct Storage {
    open: bool,
    objects: Mutex<BTreeMap<UploadKey, UploadedFile>>,
    broken: Mutex<bool>,
}

impl Default for Storage {
    fn default() -> Self {
        Self { open: true, objects: Mutex::default(), broken: Mutex::default() }
    }
}

impl Storage {
    /// How long an offer stands.
    pub const OFFERED_FOR: Duration = Duration::from_secs(900);

    /// An installation without one.
    #[must_use]
    pub fn absent() -> Self {
        Self { open: false, ..Self::default() }
    }

    /// Puts a file, as a browser that was offered it would; or as one would that does not keep to what it was offered.
    pub fn put(&self, key: &UploadKey, bytes: u64, mime: Option<&str>) {
        let file = UploadedFile { bytes, mime: mime.map(str::to_owned) };
        self.objects.lock().unwrap().insert(key.clone(), file);
    }

    /// Does not answer any more, or answers again.
    pub fn set_broken(&self, broken: bool) {
        *self.broken.lock().unwrap() = broken;
    }

    fn usable(&self) -> Result<(), NotDone> {
        if !self.open {
            return Err(NotDone::unavailable(Provider::Uploads, "not set up"));
        }
        if *self.broken.lock().unwrap() {
            return Err(NotDone::unavailable(Provider::Uploads, "no answer in time"));
        }
        Ok(())
    }
}

impl Uploads for Storage {
    fn is_open(&self) -> bool {
        self.open
    }

    async fn offer(&self, key: &UploadKey, bytes: u64, mime: &str, now: UnixMillis) -> Result<UploadOffer, NotDone> {
        self.usable()?;
        Ok(UploadOffer {
            url: format!("https://uploads.example.test/{}?bytes={bytes}", key.as_str()),
            headers: vec![("content-type".to_owned(), mime.to_owned())],
            expires_at: now.plus(Self::OFFERED_FOR),
        })
    }

    async fn look(&self, key: &UploadKey) -> Result<Option<UploadedFile>, NotDone> {
        self.usable()?;
        Ok(self.objects.lock().unwrap().get(key).cloned())
    }

    async fn link(&self, key: &UploadKey, file_name: &str, now: UnixMillis) -> Result<String, NotDone> {
        self.usable()?;
        Ok(format!("https://uploads.example.test/{}?name={file_name}&at={}", key.as_str(), now.get()))
    }
}
