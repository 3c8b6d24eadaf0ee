//! What Chatwoot's answers say. Pure.

use frontdesk_core::{
    chat::Marker,
    chatwoot::{Assignee, Posted, Standing, Status},
};
use serde_json::Value;

use super::post::MARK;

/// The messages of a page.
pub(super) fn messages(body: &Value) -> Option<&Vec<Value>> {
    body.get("payload")?.as_array()
}

/// The id of a message, a team, a person.
pub(super) fn id(value: &Value) -> Option<u64> {
    value.get("id")?.as_u64()
}

/// Whether a message is the post with this mark. The attributes may come as JSON within a text.
pub(super) fn is_marked(message: &Value, marker: &Marker) -> bool {
    let says = |attributes: &Value| attributes.get(MARK).and_then(Value::as_str) == Some(marker.as_str());
    match message.get("content_attributes") {
        Some(Value::String(text)) => serde_json::from_str(text).is_ok_and(|attributes| says(&attributes)),
        Some(attributes) => says(attributes),
        None => false,
    }
}

/// What a conversation's own answer, which shows its newest messages only, says of a post.
pub(super) fn newest_says(conversation: &Value, marker: &Marker, after: u64) -> Posted {
    let shown = || crate::json::items(conversation, "messages");
    // Notes about what happened do not hide it there.
    let last = conversation.get("last_non_activity_message").filter(|message| message.is_object());
    if shown().chain(last).any(|message| is_marked(message, marker)) {
        return Posted::Yes;
    }
    let newest = last.and_then(id).or_else(|| shown().filter_map(id).max());
    match newest {
        Some(newest) if newest <= after => Posted::No,
        Some(_) | None => Posted::CannotTell,
    }
}

/// In whose hands a conversation is.
pub(super) fn standing(conversation: &Value) -> Standing {
    let status = match conversation.get("status").and_then(Value::as_str) {
        Some("pending") => Status::Pending,
        Some("open") => Status::Open,
        Some("resolved") => Status::Resolved,
        Some("snoozed") => Status::Snoozed,
        Some(_) | None => Status::Unknown,
    };
    Standing { status, assignee: assignee(conversation) }
}

/// Older versions do not say of what kind it is; theirs are people.
fn assignee(conversation: &Value) -> Assignee {
    let Some(assignee) = conversation.pointer("/meta/assignee").filter(|assignee| !assignee.is_null()) else {
        return Assignee::Nobody;
    };
    let kind = conversation.pointer("/meta/assignee_type").or_else(|| assignee.get("type")).and_then(Value::as_str);
    match kind {
        Some("AgentBot" | "agent_bot") => Assignee::Bot,
        Some(_) | None => Assignee::Person,
    }
}
