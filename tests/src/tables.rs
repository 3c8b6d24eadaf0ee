//! All tables, in the process of the test, behind the wire protocol that the SDK speaks.

use dynoxide::{Database, server, storage_backend::ManualClock};
use frontdesk_aws::{dynamo::DynamoStore, process::RandomIds};
use frontdesk_core::{config::TableNames, ids::OrderKey, request::RequestStatus, signature::Secret};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{aws::aws_at, schema::SCHEMAS};

/// The tables of one test. They are gone when this is dropped.
pub struct Tables {
    /// Where they answer.
    pub url: String,
    /// The clock by which rows expire, in whole seconds.
    pub expiry_clock: ManualClock,
    database: Database,
    _stop: oneshot::Sender<()>,
}

impl Tables {
    /// Makes empty tables. The expiry clock stands at 0: nothing vanishes until it is turned and swept.
    pub async fn start() -> Self {
        let expiry_clock = ManualClock::new(0);
        let database = Database::memory_with_clock(expiry_clock.arc()).unwrap();
        for schema in SCHEMAS {
            database.create_table(serde_json::from_value(schema.create()).unwrap()).unwrap();
            if schema.expires {
                let ttl = json!({
                    "TableName": schema.name,
                    "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": true},
                });
                database.update_time_to_live(serde_json::from_value(ttl).unwrap()).unwrap();
            }
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = server::serve_with_shutdown(listener, database.clone(), async {
            let _ = stopped.await;
        });
        tokio::spawn(serving);
        Self { url, expiry_clock, database, _stop: stop }
    }

    /// The store over these tables.
    #[must_use]
    pub fn store(&self) -> DynamoStore {
        store_at(&self.url)
    }

    /// A row as DynamoDB holds it.
    #[must_use]
    pub fn item(&self, table: &str, key: &str) -> Option<Value> {
        let get = json!({"TableName": table, "Key": {"pk": {"S": key}}, "ConsistentRead": true});
        let got = self.database.get_item(serde_json::from_value(get).unwrap()).unwrap();
        serde_json::to_value(got).unwrap().get("Item").cloned()
    }

    /// Where a request stands.
    #[must_use]
    pub fn request_status(&self, key: &OrderKey) -> Option<RequestStatus> {
        let row = self.item("review_requests", &key.to_key())?;
        RequestStatus::parse(row["st"]["S"].as_str()?)
    }

    /// All rows of a table.
    #[must_use]
    pub fn items(&self, table: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut ask = json!({"TableName": table});
        loop {
            let scan = self.database.scan(serde_json::from_value(ask.clone()).unwrap()).unwrap();
            let mut scanned = serde_json::to_value(scan).unwrap();
            items.append(scanned["Items"].as_array_mut().unwrap_or(&mut Vec::new()));
            match scanned.get("LastEvaluatedKey").filter(|key| key.is_object()) {
                Some(key) => ask["ExclusiveStartKey"] = key.clone(),
                None => return items,
            }
        }
    }

    /// Writes a row as somebody else might have.
    pub fn put(&self, table: &str, item: &Value) {
        let put = json!({"TableName": table, "Item": item});
        self.database.put_item(serde_json::from_value(put).unwrap()).unwrap();
    }

    /// Deletes a row as somebody else might have.
    pub fn delete(&self, table: &str, key: &str) {
        let delete = json!({"TableName": table, "Key": {"pk": {"S": key}}});
        self.database.delete_item(serde_json::from_value(delete).unwrap()).unwrap();
    }

    /// Lets DynamoDB delete what has expired, as it does days later; says how many.
    #[must_use]
    pub fn sweep_expired(&self) -> usize {
        self.database.sweep_ttl().unwrap()
    }
}

/// The names of the tables here.
#[must_use]
pub fn names() -> TableNames {
    TableNames {
        inbox: "inbox".into(),
        contacts: "contacts".into(),
        requests: "review_requests".into(),
        outbox: "outbox".into(),
        limits: "limits".into(),
        directory: "directory".into(),
        sessions: "sessions".into(),
        reviews: "reviews".into(),
        chats: "chats".into(),
        forms: "forms".into(),
    }
}

/// The store over tables that are reached at `url`.
#[must_use]
pub fn store_at(url: &str) -> DynamoStore {
    store_without_pepper(url).with_pepper(Secret::new("pepper", PEPPER).unwrap())
}

/// The pepper of all stores here.
pub const PEPPER: &str = "a pepper that only tests have";

/// The same store as a function has it that has nothing to do with contacts.
#[must_use]
pub fn store_without_pepper(url: &str) -> DynamoStore {
    DynamoStore::new(aws_at(url).dynamodb(), names(), RandomIds::from_system().unwrap())
}
