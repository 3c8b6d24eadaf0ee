//! Webchat sessions. A row is only ever replaced as a whole, by the next version of what was read.

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    ids::{ConversationUid, EventId, OwnerToken, Shard},
    session::{Answer, Closing, Session, SessionKey, SessionRules, SessionStatus, Sessions},
    store::{Fenced, StoreError},
    time::UnixMillis,
};

use super::{
    DynamoStore, Table,
    row::{Item, Row, count, expiry, millis, past_second, text},
    write::{Index, NewRow},
};

/// The first version comes where there is none, or one whose time is over. DynamoDB deletes days late.
const FIRST_IF: &str = "attribute_not_exists(pk) OR expires_at <= :now_s";
/// Every other replaces the very one that it was made from.
const NEXT_IF: &str = "version_number = :earlier";

const DEADLINE: Index = Index {
    table: Table::Sessions,
    name: "deadline",
    condition: "deadline_shard = :shard AND deadline_at_ms <= :upto_ms",
};

impl Sessions for DynamoStore {
    async fn session(&self, key: &SessionKey, now: UnixMillis) -> Result<Option<Session>, StoreError> {
        let Some(item) = self.get(Table::Sessions, &key.to_key(), None).await? else { return Ok(None) };
        let row = Row::new(Table::Sessions, &item);
        if row.has_expired(now) {
            return Ok(None);
        }
        session(key, &row).map(Some)
    }

    async fn save_session(
        &self,
        session: &Session,
        rules: &SessionRules,
        now: UnixMillis,
    ) -> Result<Fenced, StoreError> {
        let call = self.ids.draw();
        let (only_if, values) = match session.version {
            0 | 1 => (FIRST_IF, vec![(":now_s", past_second(now))]),
            later => (NEXT_IF, vec![(":earlier", count(later - 1))]),
        };
        let item = session_row(session, rules, now, &call);
        let written = self.put(NewRow { table: Table::Sessions, item, only_if, values }).await?;
        Ok(written.fenced(&call))
    }

    async fn sessions_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<SessionKey>, StoreError> {
        let items = self.page(&DEADLINE, shard, before, limit).await?;
        let keys = items.iter().filter_map(|item| Row::new(Table::Sessions, item).text_if_any("pk"));
        Ok(keys.filter_map(SessionKey::parse).collect())
    }
}

fn session_row(session: &Session, rules: &SessionRules, now: UnixMillis, call: &str) -> Item {
    let expires_at = match session.status {
        SessionStatus::Open => session.last_at.plus(rules.close_after + rules.keep),
        SessionStatus::Closed => now.plus(rules.keep),
    };
    let mut item = Item::with_capacity(20);
    item.insert("pk".into(), text(session.key.to_key()));
    item.insert("session_id".into(), text(session.id.as_str()));
    item.insert("version_number".into(), count(session.version));
    item.insert("st".into(), text(session.status.as_str()));
    item.insert("last_at_ms".into(), millis(session.last_at));
    item.insert("spell".into(), count(u64::from(session.spell)));
    item.insert("prompted".into(), AttributeValue::Bool(session.prompted));
    item.insert("reopen".into(), AttributeValue::Bool(session.reopen));
    item.insert("answers".into(), answers_list(&session.answers));
    item.insert("kept".into(), answers_list(&session.kept));
    item.insert("handed_back".into(), answers_list(&session.handed_back));
    item.insert("seen".into(), AttributeValue::L(session.seen.iter().map(|event| text(event.as_str())).collect()));
    item.insert("expires_at".into(), expiry(expires_at));
    item.insert("last_write".into(), text(call));
    if let Some(conversation) = &session.conversation {
        item.insert("conversation_uid".into(), text(conversation.as_str()));
    }
    if let Some(closing) = &session.closing {
        item.insert("owner_token".into(), text(closing.owner.as_str()));
        item.insert("lease_until_ms".into(), millis(closing.until));
        item.insert("noted".into(), AttributeValue::Bool(closing.noted));
    }
    if let Some(deadline) = session.deadline(rules) {
        item.insert("deadline_shard".into(), text(session.key.shard().to_key()));
        item.insert("deadline_at_ms".into(), millis(deadline));
    }
    item
}

/// Reads a session. Without its state it is not one; of what was said in it, whatever can be read is better than nothing.
fn session(key: &SessionKey, row: &Row<'_>) -> Result<Session, StoreError> {
    let (answers, answers_whole) = answers_of(row, "answers");
    let (kept, kept_whole) = answers_of(row, "kept");
    let (handed_back, handed_back_whole) = answers_of(row, "handed_back");
    let seen = row.list("seen").unwrap_or_default().iter();
    let closing = if row.has("owner_token") {
        Some(Closing {
            owner: row.parsed("owner_token", |owner| OwnerToken::try_from(owner).ok())?,
            until: row.millis("lease_until_ms")?,
            noted: row.flag("noted"),
        })
    } else {
        None
    };
    Ok(Session {
        key: key.clone(),
        id: row.text("session_id")?.to_owned(),
        version: row.count("version_number")?,
        status: row.parsed("st", SessionStatus::parse)?,
        conversation: row.text_if_any("conversation_uid").and_then(|uid| ConversationUid::try_from(uid).ok()),
        last_at: row.millis("last_at_ms")?,
        spell: row.count("spell")?,
        prompted: row.flag("prompted"),
        reopen: row.flag("reopen"),
        answers,
        kept,
        handed_back,
        seen: seen.filter_map(|event| EventId::try_from(event.as_s().ok()?.as_str()).ok()).collect(),
        closing,
        damaged: !(answers_whole && kept_whole && handed_back_whole),
    })
}

fn answers_list(answers: &[Answer]) -> AttributeValue {
    let entry = |answer: &Answer| {
        let pairs = [("text", text(answer.text.as_str())), ("at_ms", millis(answer.at))];
        AttributeValue::M(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    AttributeValue::L(answers.iter().map(entry).collect())
}

/// The answers that can be read, and whether those are all.
fn answers_of(row: &Row<'_>, name: &str) -> (Vec<Answer>, bool) {
    let Some(list) = row.list(name) else { return (Vec::new(), false) };
    let read = list.iter().filter_map(|value| {
        let entry = Row::new(Table::Sessions, value.as_m().ok()?);
        Some(Answer { text: entry.text_if_any("text")?.to_owned(), at: entry.millis_if_any("at_ms")? })
    });
    let answers: Vec<Answer> = read.collect();
    let whole = answers.len() == list.len();
    (answers, whole)
}
