//! The tables. Each port operation is one conditional write, one transaction or one bounded query. A change of an opt-out
//! reads before it the flag that it changes, is written over that very flag, and tried again over another.
//!
//! Conditions stand as constants beside the invariant that they keep. Three habits run through all of them:
//!
//! * A refused write returns the row as it is (`ALL_OLD`), so that the reason needs no second look, which would see
//!   another moment.
//! * The SDK repeats a write whose answer was lost. The row then shows who wrote it: the owner of a lease, a receipt, the mark
//!   of a flag, or `last_write`, a name drawn for every call that has no other. A refusal by our own earlier success is a success.
//! * Attributes that put a row into a sparse index are removed when it ends, so every query comes to an end.
//!
//! A row's key is `pk` in every table; times are in milliseconds but for `expires_at`, which DynamoDB wants in seconds.

mod bookmarks;
mod chats;
mod contacts;
mod erase;
mod forms;
mod inbox;
mod installation;
mod limits;
mod locations;
mod notices;
mod outbox;
mod pepper;
mod rates;
mod records;
mod requests;
pub(crate) mod retry;
mod reviews;
mod row;
mod sessions;
mod tokens;
mod write;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use frontdesk_core::{config::TableNames, store::StoreError};

pub use pepper::Pepper;

use crate::{
    knock::{self, Knock},
    process::RandomIds,
};

/// The tables of one installation.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    client: Client,
    tables: TableNames,
    ids: RandomIds,
    pepper: Option<Pepper>,
}

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Inbox,
    Contacts,
    Requests,
    Outbox,
    Limits,
    Directory,
    Sessions,
    Reviews,
    Chats,
    Forms,
}

impl Table {
    /// The name in errors, which is not the deployed one.
    const fn label(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Contacts => "contacts",
            Self::Requests => "review_requests",
            Self::Outbox => "outbox",
            Self::Limits => "limits",
            Self::Directory => "directory",
            Self::Sessions => "sessions",
            Self::Reviews => "reviews",
            Self::Chats => "chats",
            Self::Forms => "forms",
        }
    }

    fn unavailable(self, detail: String) -> StoreError {
        StoreError::Unavailable { table: self.label(), detail }
    }
}

impl DynamoStore {
    /// The store over these tables. A function names only those that it may use.
    #[must_use]
    pub fn new(client: Client, tables: TableNames, ids: RandomIds) -> Self {
        Self { client, tables, ids, pepper: None }
    }

    /// The same for a function that has to do with contacts. Without a pepper, whatever concerns a number that has no
    /// contact row is an error: nobody could tell then whether its owner was erased and had opted out.
    #[must_use]
    pub fn with_pepper(self, pepper: impl Into<Pepper>) -> Self {
        Self { pepper: Some(pepper.into()), ..self }
    }

    /// Opens the connection before the first event needs it. Reads and writes nothing.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn open(&self) -> Result<(), String> {
        // Any table's name will do: it is never looked at. The widest write is the one that an event needs first.
        let knock = self.client.put_item().table_name("knock").item("pk", AttributeValue::S("knock".to_owned()));
        knock::answered(knock.customize().interceptor(Knock).send().await)
    }

    fn name(&self, table: Table) -> &str {
        match table {
            Table::Inbox => &self.tables.inbox,
            Table::Contacts => &self.tables.contacts,
            Table::Requests => &self.tables.requests,
            Table::Outbox => &self.tables.outbox,
            Table::Limits => &self.tables.limits,
            Table::Directory => &self.tables.directory,
            Table::Sessions => &self.tables.sessions,
            Table::Reviews => &self.tables.reviews,
            Table::Chats => &self.tables.chats,
            Table::Forms => &self.tables.forms,
        }
    }
}
