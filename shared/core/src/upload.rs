//! Files that a browser puts into the shop's own storage, by addresses that allow one file each.

use std::fmt;

use crate::{provider::NotDone, time::UnixMillis};

/// Names a file, `uploads/random`. Nobody can guess one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadKey(String);

impl UploadKey {
    /// Reads a stored one.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UploadKey {
    /// Without the name: who has it may ask for the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadKey(***)")
    }
}

/// Leave to put one file.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadOffer {
    /// Where to put it, with `PUT`. Whoever has the address may do so.
    pub url: String,
    /// The headers to send. `content-length` is not among them: the browser sets it, and it must be the length that was
    /// asked for.
    pub headers: Vec<(String, String)>,
    /// Until when.
    pub expires_at: UnixMillis,
}

impl fmt::Debug for UploadOffer {
    /// Without the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UploadOffer({} headers, until {})", self.headers.len(), self.expires_at.get())
    }
}

/// A file as the storage knows it, whatever was said when it was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedFile {
    /// Its length.
    pub bytes: u64,
    /// Its type, as it was put.
    pub mime: Option<String>,
}

/// The storage.
pub trait Uploads {
    /// Whether there is one; without it nothing is offered, and everything else fails.
    fn is_open(&self) -> bool;

    /// Leave to put a file of exactly this length and type, for some minutes.
    async fn offer(&self, key: &UploadKey, bytes: u64, mime: &str, now: UnixMillis) -> Result<UploadOffer, NotDone>;

    /// What lies there; `None` when nothing does.
    async fn look(&self, key: &UploadKey) -> Result<Option<UploadedFile>, NotDone>;

    /// An address from which the file can be loaded for some minutes, under this name. A browser saves it and never shows
    /// it in the page.
    async fn link(&self, key: &UploadKey, file_name: &str, now: UnixMillis) -> Result<String, NotDone>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_key_nor_an_address_is_in_any_debug_output() {
        assert_eq!(format!("{:?}", UploadKey::from_stored("uploads/1")), "UploadKey(***)");
        let offer = UploadOffer {
            url: "https://b.example/uploads/1?X-Amz-Signature=2".into(),
            headers: vec![("content-type".into(), "image/png".into())],
            expires_at: UnixMillis::new(7),
        };
        assert_eq!(format!("{offer:?}"), "UploadOffer(1 headers, until 7)");
    }
}
