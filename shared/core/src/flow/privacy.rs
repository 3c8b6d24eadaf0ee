//! What a customer may ask of the shop about their data, by way of Shopify: to be told what is kept, and to be forgotten.
//!
//! An erasure looks through every table twice. First only to learn by which ids a person's rows without their number are
//! found (the link in a text, the message, the conversation); then it takes out what it found, events before the rows that
//! led to them, so that an erasure that dies half way finds the rest again. And it comes back once more when every process
//! that may have been in the middle of something has ended.

use std::time::Duration;

use super::{
    forget::Forget,
    open_notice,
    worker::{Shell, WorkError, WorkerRules},
};
use crate::{
    contact::Contacts,
    erase::{Erasure, Subject},
    ids::{Ids, OrderId, ShopDomain},
    inbox::{EventEnd, Inbox, InboxKey, LeasedEvent, RejectReason},
    notice::{Content, Notice, NoticeKind, Notices},
    outbox::Outbox,
    phone::{self, E164Phone},
    request::Requests,
    shopify::{self, AskedBy, PrivacyDemand, PrivacyPerson, ShopifyEvent},
    store::{Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::Clock,
};

/// When no process that was under way at the first erasure can still be: longer than any function may run.
pub const COME_BACK_AFTER: Duration = Duration::from_secs(1200);

/// What the worker needs.
#[derive(Debug)]
pub struct PrivacyWorker<'a, S, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// Time.
    pub clock: &'a C,
    /// Lease owners.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// The shop that this installation serves.
    pub shop: &'a ShopDomain,
    /// Countries in which a number without its country code is read.
    pub countries: &'a [String],
    /// Limits.
    pub rules: WorkerRules,
}

impl<S, C, I, T> PrivacyWorker<'_, S, C, I, T>
where
    S: Inbox + Contacts + Requests + Outbox + Erasure + Notices,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on the event of a key.
    ///
    /// # Errors
    /// When a table cannot be used; the message must come again.
    pub async fn handle(&self, key: &InboxKey) -> Result<(), WorkError> {
        self.shell().run(key, async |event, lease, body| self.work(event, lease, &body).await).await
    }

    fn shell(&self) -> Shell<'_, S, C, I, T> {
        let Self { store, clock, ids, telemetry, rules, .. } = *self;
        Shell { store, clock, ids, telemetry, rules }
    }

    async fn work(&self, row: &LeasedEvent, lease: &Lease, body: &[u8]) -> Result<(), WorkError> {
        let end = match shopify::parse(body) {
            Err(reason) => EventEnd::Rejected(reason),
            Ok(event) if shopify::is_other_shop(&event, self.shop) => EventEnd::Rejected(RejectReason::OtherShop),
            Ok(ShopifyEvent::Privacy(event)) => match event.demand {
                PrivacyDemand::DataRequest { request_id, person } => {
                    self.tell_of_request(row, request_id, &person).await?;
                    EventEnd::Done("data_request_noted")
                }
                PrivacyDemand::RedactCustomer { person, orders } => {
                    self.erase(row, lease, self.subject(&person, &orders), event.asked_by.as_ref()).await?;
                    EventEnd::Erased("customer_erased")
                }
                PrivacyDemand::RedactShop {} => {
                    let subject = Subject { shop: Some(self.shop.clone()), ..Subject::default() };
                    self.erase(row, lease, subject, None).await?;
                    EventEnd::Erased("shop_erased")
                }
            },
            Ok(_) => EventEnd::Done("nothing_to_do"),
        };
        self.shell().finish(&row.key, lease, &end).await
    }

    fn subject(&self, person: &PrivacyPerson, orders: &[OrderId]) -> Subject {
        Subject {
            phones: person.phone.as_deref().map(|raw| self.numbers(raw)).unwrap_or_default().into_iter().collect(),
            emails: person.email.iter().map(|e| e.trim().to_lowercase()).filter(|e| e.contains('@')).collect(),
            customer: person.customer_id,
            orders: orders.iter().copied().collect(),
            ..Subject::default()
        }
    }

    /// A number as it may be meant: with its country code, else in each of the shop's countries.
    fn numbers(&self, raw: &str) -> Vec<E164Phone> {
        let read = |country: Option<&str>| phone::normalize(raw, country).ok().map(|n| n.e164);
        let plain = E164Phone::parse_e164(raw.trim()).ok().or_else(|| read(None));
        match plain {
            Some(phone) => vec![phone],
            None => self.countries.iter().filter_map(|c| read(Some(c))).collect(),
        }
    }

    async fn erase(
        &self,
        row: &LeasedEvent,
        lease: &Lease,
        subject: Subject,
        asked_by: Option<&AskedBy>,
    ) -> Result<(), WorkError> {
        let forget = Forget { store: self.store, shop: self.shop };
        let found = forget.find(subject, |_| {}).await?;
        let wiped = forget.wipe(&found, std::slice::from_ref(&row.key), |_| {}).await?;
        forget.erase_contacts(&found).await?;
        self.telemetry.line(
            Line::info("a person's data was erased")
                .id("event.id", &row.key.to_key())
                .number("rows", i64::try_from(wiped).unwrap_or(i64::MAX)),
        );
        let settled_at = row.received_at.plus(COME_BACK_AFTER);
        if lease.now < settled_at {
            return Err(WorkError::NotBefore { at: settled_at });
        }
        self.telemetry.count(Metric::PersonErased, None);
        self.tell_of_erasure(row, found.subject.shop.is_some(), asked_by).await?;
        Ok(())
    }

    async fn tell_of_request(
        &self,
        row: &LeasedEvent,
        request_id: Option<u64>,
        person: &PrivacyPerson,
    ) -> Result<(), StoreError> {
        let shown = |id: Option<u64>| id.map_or_else(|| "not named".to_owned(), |id| id.to_string());
        let facts = vec![
            ("Request".into(), shown(request_id)),
            ("Customer".into(), shown(person.customer_id)),
            ("Event".into(), row.key.to_key()),
        ];
        self.tell(
            row,
            NoticeKind::DataRequest,
            "A customer wants to know what is kept about them",
            facts,
            "Answer within 30 days; the RUNBOOK says how to collect what is kept.",
        )
        .await
    }

    async fn tell_of_erasure(
        &self,
        row: &LeasedEvent,
        shop: bool,
        asked_by: Option<&AskedBy>,
    ) -> Result<(), StoreError> {
        let headline = if shop { "The shop's data was erased" } else { "A customer's data was erased" };
        let mut facts = vec![("Event".into(), row.key.to_key())];
        if let Some(AskedBy { by, reason }) = asked_by {
            facts.extend([("Asked by".into(), by.clone()), ("Reason".into(), reason.clone())]);
        }
        self.tell(
            row,
            NoticeKind::Erased,
            headline,
            facts,
            "Nothing. Opt-outs go on as keyed hashes: who said STOP is not written to.",
        )
        .await
    }

    async fn tell(
        &self,
        row: &LeasedEvent,
        kind: NoticeKind,
        headline: &str,
        facts: Vec<(String, String)>,
        action: &str,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let notice = Notice::new(
            kind,
            row.key.event.as_str(),
            Content { headline: headline.into(), facts, quote: None, link: None, action: action.into() },
            now,
        );
        open_notice(self.store, self.telemetry, &notice).await
    }
}
