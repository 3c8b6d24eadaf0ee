//! Forms that people filled in, each with the notice that tells the shop's people of it.

use frontdesk_core::{
    chat::ChatKey,
    form::{Forms, Submission, SubmissionId},
    notice::Notice,
    store::StoreError,
    time::UnixMillis,
};

use super::{
    DynamoStore, Table, notices,
    row::{Item, Row, expiry, millis, past_second, text},
    write::{NewRow, Transacted, Written},
};

/// A form is taken once in its row's life. The expiry is compared, since DynamoDB deletes days late.
const KEEP_IF: &str = "attribute_not_exists(pk) OR expires_at <= :now_s";

impl Forms for DynamoStore {
    async fn submit(&self, submission: &Submission, notice: &Notice) -> Result<bool, StoreError> {
        let call = self.ids.draw();
        let told = self.put_part(notices::opened_anew(notice, &call, submission.received_at)?)?;
        let parts = vec![self.put_part(form(submission, &call)?)?, told];
        match self.transact(Table::Forms, Some(call.clone()), parts).await? {
            Transacted::Made => Ok(true),
            Transacted::Refused(refused) => match refused.into_iter().next().flatten() {
                // It may be there by this very call, at an attempt whose answer was lost.
                Some(known) => Ok(Written::Refused(Some(known)).made_by(&call)),
                // Only its notice is, and is still to be told.
                None => self.put(form(submission, &call)?).await.map(|kept| kept.made_by(&call)),
            },
        }
    }

    async fn submission(&self, id: &SubmissionId, now: UnixMillis) -> Result<Option<Submission>, StoreError> {
        let Some(item) = self.get(Table::Forms, id.as_str(), None).await? else { return Ok(None) };
        let row = Row::new(Table::Forms, &item);
        if row.has_expired(now) {
            return Ok(None);
        }
        Ok(Some(Submission {
            id: id.clone(),
            fields: row.parsed("fields_json", |json| serde_json::from_str(json).ok())?,
            email: email(&row),
            session: row.text_if_any("session_key").map(ChatKey::from_stored),
            received_at: row.millis("received_at_ms")?,
            expires_at: row.expires_at()?,
        }))
    }
}

fn form(submission: &Submission, call: &str) -> Result<NewRow, StoreError> {
    let fields = serde_json::to_string(&submission.fields).map_err(|e| Table::Forms.unavailable(e.to_string()))?;
    let mut item = Item::with_capacity(7);
    item.insert("pk".into(), text(submission.id.as_str()));
    item.insert("fields_json".into(), text(fields));
    item.insert("received_at_ms".into(), millis(submission.received_at));
    item.insert("expires_at".into(), expiry(submission.expires_at));
    item.insert("last_write".into(), text(call));
    if let Some(email) = &submission.email {
        item.insert("email".into(), text(email));
    }
    if let Some(session) = &submission.session {
        item.insert("session_key".into(), text(session.as_str()));
    }
    let values = vec![(":now_s", past_second(submission.received_at))];
    Ok(NewRow { table: Table::Forms, item, only_if: KEEP_IF, values })
}

/// The address of who wrote it.
pub(super) fn email(row: &Row<'_>) -> Option<String> {
    row.text_if_any("email").map(str::to_owned)
}

/// What somebody wrote in a form.
pub(super) fn said(row: &Row<'_>) -> Vec<String> {
    let Some(json) = row.text_if_any("fields_json") else { return email(row).into_iter().collect() };
    let written = match serde_json::from_str::<Vec<(String, String)>>(json) {
        Ok(fields) => fields.into_iter().map(|(_, value)| value).collect(),
        Err(_) => vec![json.to_owned()],
    };
    written.into_iter().chain(email(row)).collect()
}
