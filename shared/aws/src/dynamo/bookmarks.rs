//! How far the providers' lists have been compared, a row for each.

use frontdesk_core::{
    directory::{Bookmark, Bookmarks, Comparison},
    provider::Feed,
    store::StoreError,
};

use super::{
    DynamoStore, Table,
    row::{Row, millis, text},
    write::Change,
};

/// The last one to write wins, so whatever is there is replaced.
const REST: &str = "SET done_to_ms = :done_ms REMOVE compared_from_ms, compared_to_ms, list_cursor";
const BEGIN: &str =
    "SET done_to_ms = :done_ms, compared_from_ms = :from_ms, compared_to_ms = :to_ms REMOVE list_cursor";
const GO_ON: &str =
    "SET done_to_ms = :done_ms, compared_from_ms = :from_ms, compared_to_ms = :to_ms, list_cursor = :cursor";

impl Bookmarks for DynamoStore {
    async fn bookmark(&self, feed: Feed) -> Result<Option<Bookmark>, StoreError> {
        let Some(item) = self.get(Table::Directory, &key(feed), None).await? else { return Ok(None) };
        let row = Row::new(Table::Directory, &item);
        let under_way = if row.has("compared_from_ms") {
            Some(Comparison {
                from: row.millis("compared_from_ms")?,
                to: row.millis("compared_to_ms")?,
                cursor: row.text_if_any("list_cursor").map(str::to_owned),
            })
        } else {
            None
        };
        Ok(Some(Bookmark { done_to: row.millis("done_to_ms")?, under_way }))
    }

    async fn keep_bookmark(&self, feed: Feed, bookmark: &Bookmark) -> Result<(), StoreError> {
        let mut values = vec![(":done_ms", millis(bookmark.done_to))];
        let update = match &bookmark.under_way {
            None => REST,
            Some(comparison) => {
                values.extend([(":from_ms", millis(comparison.from)), (":to_ms", millis(comparison.to))]);
                match &comparison.cursor {
                    None => BEGIN,
                    Some(cursor) => {
                        values.push((":cursor", text(cursor.as_str())));
                        GO_ON
                    }
                }
            }
        };
        let keep = Change { table: Table::Directory, key: key(feed), only_if: None, update, values };
        self.change(keep).await.map(|_| ())
    }
}

fn key(feed: Feed) -> String {
    format!("reconcile#{}", feed.as_str())
}
