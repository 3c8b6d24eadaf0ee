use frontdesk_core::{
    body::StoredBody,
    chat::ChatKey,
    erase::{Erasure, KeptPage, KeptRow, Place},
    flow::delivery::LOCATION_LINK,
    form::{Submission, SubmissionId},
    ids::{EffectKey, OrderKey, ProviderId},
    inbox::{EventEnd, InboxKey, InboxStatus, RejectReason, Source},
    notice::{NoticeEnd, NoticeKey},
    outbox::OutboxState,
    request::RequestEnd,
    review::SkipReason,
    session::SessionKey,
    store::StoreError,
};

use super::{ModelStore, Tables, chats};

/// So few that every look through a table takes several pages.
const PAGE: usize = 3;

fn kept(key: String) -> KeptRow {
    KeptRow { texts: vec![key.clone()], key, phone: None, email: None, body: None, ids: Vec::new() }
}

fn all(tables: &Tables, place: Place) -> Vec<KeptRow> {
    let mut rows: Vec<KeptRow> = match place {
        Place::Inbox => {
            let events = tables.inbox.iter().map(|(key, row)| (key.to_key(), &row.body));
            let all = events.chain(tables.mismatches.iter().map(|(key, row)| (key.clone(), &row.body)));
            all.map(|(key, body)| KeptRow { body: body.unpack(1 << 24).ok(), ..kept(key) }).collect()
        }
        Place::Requests => {
            let row = |(key, row): (&OrderKey, &super::RequestRow)| {
                let plan = row.plan.as_ref();
                let mut texts = vec![key.to_key()];
                texts.extend(plan.map(|p| p.phone.expose().to_owned()));
                texts.extend(plan.and_then(|p| p.first_name.clone()));
                let mut ids = vec![key.to_key()];
                if let Some(RequestEnd::Sent { message }) = &row.end {
                    ids.push(message.as_str().to_owned());
                }
                KeptRow { texts, phone: plan.map(|p| p.phone.clone()), ids, ..kept(key.to_key()) }
            };
            tables.requests.iter().map(row).collect()
        }
        Place::Outbox => outbox(tables),
        Place::Sessions => {
            let row = |(key, row): (&SessionKey, &super::SessionRow)| {
                let session = &row.session;
                let answers = session.answers.iter().chain(&session.kept).chain(&session.handed_back);
                let texts = [key.to_key()].into_iter().chain(answers.map(|a| a.text.clone())).collect();
                let conversation = session.conversation.as_ref().map(|c| c.as_str().to_owned());
                let ids = [session.id.clone()].into_iter().chain(conversation).collect();
                KeptRow { texts, phone: Some(key.phone.clone()), ids, ..kept(key.to_key()) }
            };
            tables.sessions.iter().map(row).collect()
        }
        Place::Chats => {
            let row = |(key, row): (&ChatKey, &super::ChatRow)| {
                let saved = row.saved.as_ref();
                let phone = saved.and_then(|saved| saved.phone.clone());
                let said = phone.as_ref().map(|phone| phone.expose().to_owned());
                let texts = [key.as_str().to_owned()].into_iter().chain(said).collect();
                let body = saved.and_then(|saved| serde_json::to_vec(&saved.state).ok());
                KeptRow { texts, phone, body, ids: vec![key.as_str().to_owned()], ..kept(key.as_str().to_owned()) }
            };
            tables.chats.iter().map(row).collect()
        }
        Place::Reviews => {
            let row = |(uid, row): (&ProviderId, &frontdesk_core::reviews::ReviewRecord)| {
                let order = row.order.as_ref().map(OrderKey::to_key);
                let ids = [uid.as_str().to_owned()].into_iter().chain(order).collect();
                KeptRow { ids, ..kept(uid.as_str().to_owned()) }
            };
            tables.reviews.iter().map(row).collect()
        }
        Place::Forms => {
            let row = |(id, form): (&SubmissionId, &Submission)| {
                let said = form.fields.iter().map(|(_, value)| value.clone());
                let texts = [id.as_str().to_owned()].into_iter().chain(said).chain(form.email.clone()).collect();
                let session = form.session.as_ref().map(|session| session.as_str().to_owned());
                let ids = [id.as_str().to_owned()].into_iter().chain(session).collect();
                KeptRow { texts, email: form.email.clone(), ids, ..kept(id.as_str().to_owned()) }
            };
            tables.forms.iter().map(row).collect()
        }
    };
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    rows
}

fn outbox(tables: &Tables) -> Vec<KeptRow> {
    let sends = tables.outbox.iter().map(|(key, row)| {
        let message = match &row.state {
            OutboxState::Accepted { message }
            | OutboxState::Delivered { message }
            | OutboxState::Undelivered { message, .. } => Some(message),
            OutboxState::Pending { .. }
            | OutboxState::Sending(_)
            | OutboxState::Failed { .. }
            | OutboxState::Unknown => None,
        };
        // A link that is not a person's own leads to everybody.
        let link = row.invite.as_ref().map(|i| &i.uid).filter(|uid| uid.as_str() != LOCATION_LINK);
        let ids = [key.as_str()].into_iter().chain(message.into_iter().chain(link).map(ProviderId::as_str));
        let texts = [key.as_str()].into_iter().chain(row.phone.as_ref().map(|p| p.expose()));
        KeptRow {
            phone: row.phone.clone(),
            ids: ids.map(str::to_owned).collect(),
            texts: texts.chain(row.invite.as_ref().map(|i| i.url.as_str())).map(str::to_owned).collect(),
            ..kept(key.as_str().to_owned())
        }
    });
    let notices = tables.notices.iter().map(|(key, row)| {
        let content = row.notice.as_ref().map(|n| &n.content);
        let facts = content.into_iter().flat_map(|c| c.facts.iter().map(|(_, value)| value.clone()));
        let words = content.into_iter().flat_map(|c| [c.quote.clone(), c.link.clone()].into_iter().flatten());
        let texts = [key.as_str().to_owned()].into_iter().chain(facts).chain(words).collect();
        let ids = row.notice.as_ref().map(|n| n.about.clone()).unwrap_or_default();
        KeptRow { texts, ids, ..kept(key.as_str().to_owned()) }
    });
    let tracked = tables.tracked.iter().map(|(id, tracked)| {
        let effect = tracked.effect.as_ref().map(|e| e.as_str().to_owned());
        let ids = [id.as_str().to_owned()].into_iter().chain(effect).collect();
        KeptRow { ids, ..kept(format!("message#{id}")) }
    });
    sends.chain(notices).chain(tracked).collect()
}

fn wipe(tables: &mut Tables, place: Place, key: &str) {
    match place {
        Place::Inbox => {
            if let Some(row) = tables.mismatches.get_mut(key) {
                row.body = StoredBody::Plain(Vec::new());
            }
            let parsed = InboxKey::parse(key);
            let demand = parsed.as_ref().is_some_and(|key| key.source == Source::Privacy);
            let row = parsed.and_then(|key| tables.inbox.get_mut(&key));
            let open = |status| matches!(status, InboxStatus::Waiting | InboxStatus::Claimed);
            if let Some(row) = row.filter(|row| !(demand && open(row.status))) {
                row.body = StoredBody::Plain(Vec::new());
                row.group = None;
                if open(row.status) {
                    row.end(&EventEnd::Rejected(RejectReason::Erased));
                    row.owner = None;
                }
            }
        }
        Place::Requests => {
            if let Some(row) = OrderKey::parse(key).and_then(|key| tables.requests.get_mut(&key)) {
                row.plan = None;
                if !row.status.is_end() {
                    row.end(&RequestEnd::Skipped(SkipReason::Erased));
                    row.owner = None;
                }
            }
        }
        Place::Outbox => {
            if let Some(row) = NoticeKey::parse(key).and_then(|key| tables.notices.get_mut(&key)) {
                if row.due_at.is_some() {
                    row.end = Some(NoticeEnd::GivenUp);
                    row.owner = None;
                }
                row.notice = None;
                row.due_at = None;
                row.attention = None;
                row.lease_until = None;
            } else if let Some(row) = tables.outbox.get_mut(&EffectKey::from_stored(key)) {
                row.phone = None;
                row.invite = None;
                row.erased = true;
                match &mut row.state {
                    OutboxState::Pending { .. } => {
                        row.state = OutboxState::Failed { reason: SkipReason::Erased.as_str().to_owned() };
                        row.attention = None;
                        row.owner = None;
                    }
                    // Only its timer can still say something of it.
                    OutboxState::Sending(unfinished) => unfinished.invite = None,
                    OutboxState::Accepted { .. }
                    | OutboxState::Delivered { .. }
                    | OutboxState::Undelivered { .. }
                    | OutboxState::Failed { .. }
                    | OutboxState::Unknown => {}
                }
            }
        }
        // The key itself is the number.
        Place::Sessions => {
            SessionKey::parse(key).and_then(|key| tables.sessions.remove(&key));
        }
        Place::Chats => chats::wipe(tables, key),
        Place::Reviews => {
            if let Some(row) = ProviderId::try_from(key).ok().and_then(|uid| tables.reviews.get_mut(&uid)) {
                row.order = None;
            }
        }
        Place::Forms => {
            tables.forms.remove(&SubmissionId::from_stored(key));
        }
    }
    tables.writes += 1;
}

impl Erasure for ModelStore {
    async fn kept(&self, place: Place, after: Option<&str>) -> Result<KeptPage, StoreError> {
        let tables = self.lock();
        let mut rows = all(&tables, place);
        rows.retain(|row| after.is_none_or(|after| row.key.as_str() > after));
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next = more.then(|| rows.last().map(|row| row.key.clone())).flatten();
        Ok(KeptPage { rows, next })
    }

    async fn wipe(&self, place: Place, key: &str) -> Result<(), StoreError> {
        wipe(&mut self.lock(), place, key);
        Ok(())
    }
}
