//! Whether the app is installed: the newest word of each of the two kinds. Both are maxima, so neither the order of arrival
//! nor repetition makes a difference; on a tie "uninstalled" holds.

use frontdesk_core::{directory::Installation, store::StoreError, time::UnixMillis};

use super::{
    DynamoStore, Table,
    row::{Row, millis},
    write::Change,
};

const KEY: &str = "installation";

/// An older word changes nothing.
const UNINSTALLED_IF: &str = "attribute_not_exists(uninstalled_at_ms) OR uninstalled_at_ms < :at_ms";
const UNINSTALLED: &str = "SET uninstalled_at_ms = :at_ms";
const INSTALLED_IF: &str = "attribute_not_exists(installed_at_ms) OR installed_at_ms < :at_ms";
const INSTALLED: &str = "SET installed_at_ms = :at_ms";

impl Installation for DynamoStore {
    async fn uninstalled_at(&self) -> Result<Option<UnixMillis>, StoreError> {
        let Some(item) = self.get(Table::Directory, KEY, None).await? else { return Ok(None) };
        let row = Row::new(Table::Directory, &item);
        let word = |name| row.has(name).then(|| row.millis(name)).transpose();
        let installed = word("installed_at_ms")?;
        Ok(word("uninstalled_at_ms")?.filter(|gone| installed.is_none_or(|installed| *gone >= installed)))
    }

    async fn note_uninstalled(&self, at: UnixMillis) -> Result<(), StoreError> {
        self.note(at, UNINSTALLED_IF, UNINSTALLED).await
    }

    async fn note_installed(&self, at: UnixMillis) -> Result<(), StoreError> {
        self.note(at, INSTALLED_IF, INSTALLED).await
    }
}

impl DynamoStore {
    async fn note(&self, at: UnixMillis, only_if: &'static str, update: &'static str) -> Result<(), StoreError> {
        let values = vec![(":at_ms", millis(at))];
        let note = Change { table: Table::Directory, key: KEY.to_owned(), only_if: Some(only_if), update, values };
        self.change(note).await.map(|_| ())
    }
}
