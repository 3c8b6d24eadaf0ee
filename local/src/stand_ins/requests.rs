//! A bounded log of every provider call, for counting what would be billed and for seeing what a client really sent.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How many calls are kept. The total goes on counting.
const KEPT_MAX: usize = 10_000;

/// Who a call was meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Podium, in either contract.
    Podium,
    /// Shopify's Admin API.
    Shopify,
    /// The host of message attachments.
    Attachments,
    /// Slack's incoming webhooks.
    Slack,
    /// Some other webhook that tells people.
    Webhook,
    /// Amazon SNS.
    Sns,
    /// Chatwoot: its API and its files.
    Chatwoot,
    /// Models, of whatever vendor.
    Ai,
    /// WooCommerce.
    Shop,
}

impl Provider {
    /// Where its stand-in is mounted.
    pub(super) fn mount(self) -> &'static str {
        match self {
            Self::Podium => "/podium",
            Self::Shopify => "/shopify",
            Self::Attachments => "/attachments",
            Self::Slack => "/slack",
            Self::Webhook => "/webhook",
            Self::Sns => "/sns",
            Self::Chatwoot => "/chatwoot",
            Self::Ai => "/ai",
            Self::Shop => "/shop",
        }
    }
}

/// One provider call and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestRecord {
    /// Name of this call; the ledger refers to it.
    pub request_id: String,
    /// When it arrived, in milliseconds since 1970.
    pub at_ms: i64,
    /// Whom it was for.
    pub provider: Provider,
    /// `POST`
    pub method: String,
    /// Path as the provider sees it: `/v4/messages`.
    pub path: String,
    /// Query string, undecoded.
    pub query: String,
    /// The person it was about, if it named one.
    pub phone: Option<String>,
    /// The `podium-version` header.
    pub podium_version: Option<String>,
    /// The `range` header.
    pub range: Option<String>,
    /// Whether it carried an `authorization` header, good or not.
    pub authorized: bool,
    /// Whether it carried an `api_access_token` header, good or not.
    pub api_access_token: bool,
    /// The chat it was about, if its path named one: `7/418`.
    pub conversation: Option<String>,
    /// Status answered; none while it runs, and none if the connection was closed without one.
    pub status: Option<u16>,
    /// The fault rule that acted on it.
    pub fault: Option<u64>,
}

/// The last calls, oldest first.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    records: VecDeque<RequestRecord>,
    total: u64,
}

impl RequestLog {
    pub(super) fn begin(&mut self, record: RequestRecord) {
        if self.records.len() == KEPT_MAX {
            self.records.pop_front();
        }
        self.total += 1;
        self.records.push_back(record);
    }

    /// Notes how a call ended. It may have been pushed out or cleared meanwhile.
    pub(super) fn end(&mut self, request_id: &str, status: Option<u16>) {
        if let Some(record) = self.records.iter_mut().rev().find(|record| record.request_id == request_id) {
            record.status = status;
        }
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &RequestRecord> {
        self.records.iter()
    }

    /// Calls since the start or the last clearing, kept or not.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.total = 0;
    }
}
