//! Queues as SQS would have them, as far as the tool goes: what is sent, taken, shown again and deleted.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "helpers of tests; a fault in them is a failure")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use frontdesk_tests::wire::{Call, Fate};
use serde_json::{Value, json};

/// A message in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) body: String,
    pub(crate) group: Option<String>,
    hidden: bool,
    receipt: String,
}

/// All queues, by the last part of their URLs.
#[derive(Clone, Default)]
pub(crate) struct Queues(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    messages: BTreeMap<String, Vec<Message>>,
    drawn: u64,
    /// Bodies that no queue takes.
    refused: Vec<String>,
    /// Bodies that no queue deletes.
    kept: Vec<String>,
}

impl Queues {
    pub(crate) fn put(&self, queue: &str, body: &str, group: Option<&str>) {
        self.0.lock().unwrap().add(queue, body, group.map(str::to_owned));
    }

    pub(crate) fn bodies(&self, queue: &str) -> Vec<String> {
        self.all(queue).into_iter().map(|message| message.body).collect()
    }

    /// In the order in which they came.
    pub(crate) fn all(&self, queue: &str) -> Vec<Message> {
        self.0.lock().unwrap().messages.get(queue).cloned().unwrap_or_default()
    }

    pub(crate) fn len(&self, queue: &str) -> usize {
        self.0.lock().unwrap().messages.get(queue).map_or(0, Vec::len)
    }

    pub(crate) fn hidden(&self, queue: &str) -> usize {
        self.all(queue).iter().filter(|message| message.hidden).count()
    }

    pub(crate) fn refuse(&self, body: &str) {
        self.0.lock().unwrap().refused.push(body.to_owned());
    }

    pub(crate) fn keep(&self, body: &str) {
        self.0.lock().unwrap().kept.push(body.to_owned());
    }

    pub(crate) fn mend(&self) {
        let mut inner = self.0.lock().unwrap();
        inner.refused.clear();
        inner.kept.clear();
    }

    pub(crate) fn answer(&self, call: &Call) -> Fate {
        let asked = call.json();
        let queue = asked["QueueUrl"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        let mut inner = self.0.lock().unwrap();
        match call.operation.as_str() {
            "SendMessage" => {
                if inner.take(&queue, &asked) {
                    return Fate::Answer(200, json!({ "MessageId": "m" }));
                }
                Fate::Answer(400, json!({ "__type": "com.amazonaws.sqs#InvalidMessageContents", "message": "no" }))
            }
            "SendMessageBatch" => {
                let entries = asked["Entries"].as_array().unwrap().clone();
                let (taken, failed): (Vec<Value>, Vec<Value>) =
                    entries.into_iter().partition(|entry| inner.take(&queue, entry));
                let id = |entry: &Value| entry["Id"].clone();
                let taken: Vec<Value> =
                    taken.iter().map(|e| json!({ "Id": id(e), "MessageId": "m", "MD5OfMessageBody": "x" })).collect();
                let failed: Vec<Value> = failed
                    .iter()
                    .map(|e| json!({ "Id": id(e), "Code": "InternalError", "SenderFault": false }))
                    .collect();
                Fate::Answer(200, json!({ "Successful": taken, "Failed": failed }))
            }
            "GetQueueAttributes" => {
                let all = inner.messages.entry(queue).or_default();
                let hidden = all.iter().filter(|message| message.hidden).count();
                let attributes = json!({
                    "ApproximateNumberOfMessages": (all.len() - hidden).to_string(),
                    "ApproximateNumberOfMessagesNotVisible": hidden.to_string(),
                    "ApproximateNumberOfMessagesDelayed": "0",
                });
                Fate::Answer(200, json!({ "Attributes": attributes }))
            }
            "ReceiveMessage" => Fate::Answer(200, inner.receive(&queue)),
            "DeleteMessage" => {
                let kept = inner.kept.clone();
                let all = inner.messages.entry(queue).or_default();
                let at = all.iter().position(|message| asked["ReceiptHandle"] == message.receipt.as_str());
                match at {
                    Some(at) if kept.contains(&all[at].body) => Fate::Answer(
                        400,
                        json!({ "__type": "com.amazonaws.sqs#ReceiptHandleIsInvalid", "message": "no" }),
                    ),
                    Some(at) => {
                        all.remove(at);
                        Fate::Answer(200, json!({}))
                    }
                    None => Fate::Answer(200, json!({})),
                }
            }
            "ChangeMessageVisibilityBatch" => {
                let all = inner.messages.entry(queue).or_default();
                let entries = asked["Entries"].as_array().unwrap();
                for entry in entries {
                    assert_eq!(entry["VisibilityTimeout"], 0);
                    let shown = all.iter_mut().find(|message| entry["ReceiptHandle"] == message.receipt.as_str());
                    shown.unwrap().hidden = false;
                }
                let done: Vec<Value> = entries.iter().map(|entry| json!({ "Id": entry["Id"] })).collect();
                Fate::Answer(200, json!({ "Successful": done, "Failed": [] }))
            }
            other => panic!("{other}"),
        }
    }
}

impl Inner {
    fn add(&mut self, queue: &str, body: &str, group: Option<String>) {
        self.drawn += 1;
        let message = Message { body: body.to_owned(), group, hidden: false, receipt: format!("r{}", self.drawn) };
        self.messages.entry(queue.to_owned()).or_default().push(message);
    }

    /// Takes what is sent, unless it is refused.
    fn take(&mut self, queue: &str, entry: &Value) -> bool {
        let body = entry["MessageBody"].as_str().unwrap().to_owned();
        let group = entry["MessageGroupId"].as_str().map(str::to_owned);
        assert_eq!(group.is_some(), entry["MessageDeduplicationId"].is_string(), "a line's messages have names");
        let refused = self.refused.contains(&body);
        if !refused {
            self.add(queue, &body, group);
        }
        !refused
    }

    fn receive(&mut self, queue: &str) -> Value {
        let all = self.messages.entry(queue.to_owned()).or_default();
        let mut shown = Vec::new();
        for message in all.iter_mut().filter(|message| !message.hidden).take(10) {
            message.hidden = true;
            let mut attributes = json!({ "SentTimestamp": "1795132800000" });
            if let Some(group) = &message.group {
                attributes["MessageGroupId"] = group.as_str().into();
            }
            shown.push(json!({
                "MessageId": "m", "ReceiptHandle": message.receipt, "Body": message.body, "Attributes": attributes,
            }));
        }
        json!({ "Messages": shown })
    }
}
