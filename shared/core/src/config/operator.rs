//! Settings of the operator's tool: where everything is. All of them are functions' settings too.

use std::time::Duration;

use super::{
    Env, Loaded, Problems, TableNames,
    reader::{Reader, read},
};

/// What the operator's tool works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorConfig {
    /// All tables.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// The queues that wake the workers.
    pub queues: QueueUrls,
    /// How long an event is kept.
    pub inbox_keep: Duration,
}

/// The URLs of the queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueUrls {
    /// Shopify's events.
    pub shopify: String,
    /// Podium's events, in lines.
    pub podium: String,
    /// What customers ask about their data.
    pub privacy: String,
    /// Chatwoot's events, in lines.
    pub chatwoot: String,
    /// Due review requests.
    pub sends: String,
    /// What people have to be told.
    pub notices: String,
}

/// Reads the settings of the operator's tool.
///
/// # Errors
/// All problems at once.
pub fn operator(env: &impl Env) -> Result<Loaded<OperatorConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(OperatorConfig {
        tables: tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        queues: read!(QueueUrls {
            shopify: r.required("FRONTDESK_QUEUE_SHOPIFY_URL"),
            podium: r.required("FRONTDESK_QUEUE_PODIUM_URL"),
            privacy: r.required("FRONTDESK_QUEUE_PRIVACY_URL"),
            chatwoot: r.required("FRONTDESK_QUEUE_CHATWOOT_URL"),
            sends: r.required("FRONTDESK_QUEUE_REVIEWS_URL"),
            notices: r.required("FRONTDESK_QUEUE_NOTICES_URL"),
        }),
        inbox_keep: r.days("FRONTDESK_INBOX_KEEP_DAYS", 1..=365),
    });
    r.finish(config)
}

fn tables(r: &mut Reader<'_>) -> Option<TableNames> {
    read!(TableNames {
        inbox: r.required("FRONTDESK_TABLE_INBOX"),
        contacts: r.required("FRONTDESK_TABLE_CONTACTS"),
        requests: r.required("FRONTDESK_TABLE_REQUESTS"),
        outbox: r.required("FRONTDESK_TABLE_OUTBOX"),
        limits: r.required("FRONTDESK_TABLE_LIMITS"),
        directory: r.required("FRONTDESK_TABLE_DIRECTORY"),
        sessions: r.required("FRONTDESK_TABLE_SESSIONS"),
        reviews: r.required("FRONTDESK_TABLE_REVIEWS"),
        chats: r.required("FRONTDESK_TABLE_CHATS"),
        forms: r.required("FRONTDESK_TABLE_FORMS"),
    })
}
