//! The tables as `template.yaml` makes them. A test compares the two.

use serde_json::{Value, json};

/// A table of the template.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Its name here.
    pub name: &'static str,
    /// Its resource in the template.
    pub resource: &'static str,
    /// Its sparse indexes.
    pub indexes: &'static [Index],
    /// Whether rows expire.
    pub expires: bool,
}

/// A sparse index of a table.
#[derive(Clone, Copy, Debug)]
pub struct Index {
    /// Its name.
    pub name: &'static str,
    /// Its partition, a text.
    pub hash: &'static str,
    /// Its order, a number.
    pub range: Option<&'static str>,
    /// What it holds besides its keys.
    pub include: &'static [&'static str],
}

/// All tables.
pub const SCHEMAS: [Schema; 10] = [
    Schema {
        name: "inbox",
        resource: "InboxTable",
        indexes: &[Index {
            name: "waiting",
            hash: "waiting_shard",
            range: Some("waiting_since_ms"),
            include: &["group_id"],
        }],
        expires: true,
    },
    Schema {
        name: "contacts",
        resource: "ContactsTable",
        indexes: &[Index {
            name: "mirror",
            hash: "mirror_shard",
            range: Some("mirror_due_at_ms"),
            include: &["mirror_mark", "mirror_attempts"],
        }],
        expires: false,
    },
    Schema {
        name: "review_requests",
        resource: "ReviewRequestsTable",
        indexes: &[Index {
            name: "due",
            hash: "due_shard",
            range: Some("due_at_ms"),
            include: &["st", "send_after_ms"],
        }],
        expires: true,
    },
    Schema {
        name: "outbox",
        resource: "OutboxTable",
        indexes: &[
            Index { name: "unresolved", hash: "unresolved_shard", range: Some("since_ms"), include: &[] },
            Index { name: "attention", hash: "attention_shard", range: Some("attention_at_ms"), include: &[] },
        ],
        expires: true,
    },
    Schema {
        name: "sessions",
        resource: "SessionsTable",
        indexes: &[Index { name: "deadline", hash: "deadline_shard", range: Some("deadline_at_ms"), include: &[] }],
        expires: true,
    },
    Schema { name: "chats", resource: "ChatsTable", indexes: &[], expires: true },
    Schema { name: "reviews", resource: "ReviewsTable", indexes: &[], expires: false },
    Schema { name: "forms", resource: "FormsTable", indexes: &[], expires: true },
    Schema { name: "limits", resource: "LimitsTable", indexes: &[], expires: true },
    Schema { name: "directory", resource: "DirectoryTable", indexes: &[], expires: false },
];

impl Schema {
    /// The request that makes the table.
    #[must_use]
    pub fn create(&self) -> Value {
        let mut attributes = vec![attribute("pk", "S")];
        for index in self.indexes {
            attributes.push(attribute(index.hash, "S"));
            attributes.extend(index.range.map(|range| attribute(range, "N")));
        }
        let mut table = json!({
            "TableName": self.name,
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": true,
            "KeySchema": [key("pk", "HASH")],
            "AttributeDefinitions": attributes,
        });
        if !self.indexes.is_empty() {
            table["GlobalSecondaryIndexes"] = self.indexes.iter().map(Index::create).collect();
        }
        table
    }
}

impl Index {
    fn create(&self) -> Value {
        let mut keys = vec![key(self.hash, "HASH")];
        keys.extend(self.range.map(|range| key(range, "RANGE")));
        let projection = if self.include.is_empty() {
            json!({"ProjectionType": "KEYS_ONLY"})
        } else {
            json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": self.include})
        };
        json!({"IndexName": self.name, "KeySchema": keys, "Projection": projection})
    }
}

fn attribute(name: &str, kind: &str) -> Value {
    json!({"AttributeName": name, "AttributeType": kind})
}

fn key(name: &str, kind: &str) -> Value {
    json!({"AttributeName": name, "KeyType": kind})
}
