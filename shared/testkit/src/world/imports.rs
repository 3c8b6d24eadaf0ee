//! Messages of the shop's own form: how they come in, what Podium is shown of them, and what it makes of that.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use frontdesk_core::{
    contact::Direction,
    ids::{ConversationUid, EffectKey, EventId, LocationUid, ProviderId},
    inbox::{InboxKey, InboxStatus, Source},
    outbox::OutboxState,
    phone::E164Phone,
    podium::WidgetMessage,
    provider::{CallFailure, Import, Imported, Imports},
    time::Clock,
};
use serde_json::{Value, json};

use super::{Delivery, SaidWish, World, Wrote, iso};

/// Whether Podium tells of what it was shown, as of anything that a customer wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Echoes {
    /// Never.
    #[default]
    Never,
    /// By a webhook that comes when whoever showed it has had the answer, or died.
    After,
    /// By one that is worked on while the answer is still on its way.
    Before,
}

/// What Podium does with messages that are put into its conversations.
#[derive(Debug)]
pub struct Importing {
    /// Whether it tells of them.
    pub echoes: Echoes,
    /// Whether its answer names the message.
    pub names: bool,
    /// The status with which it refuses them all.
    pub refuses: Option<u16>,
    shown: RefCell<Vec<Shown>>,
    visited: RefCell<Vec<Visit>>,
    visits: Cell<u32>,
}

impl Default for Importing {
    fn default() -> Self {
        Self {
            echoes: Echoes::Never,
            names: true,
            refuses: None,
            shown: RefCell::default(),
            visited: RefCell::default(),
            visits: Cell::new(0),
        }
    }
}

/// A message that Podium was shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its uid there.
    pub uid: String,
    /// What was shown.
    pub what: Import,
    /// By which step.
    pub step: usize,
    /// The step that came after it.
    pub next: usize,
}

/// A message of the form.
#[derive(Clone, Debug)]
struct Visit {
    id: EventId,
    phone: E164Phone,
    text: String,
    at: frontdesk_core::time::UnixMillis,
    is_stop: bool,
}

impl Importing {
    /// What Podium was shown.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        self.shown.borrow().clone()
    }

    /// What Podium was shown of a message: more than one is one too many.
    fn of(&self, visit: &Visit) -> Vec<Shown> {
        let shown = self.shown.borrow();
        let of =
            |s: &&Shown| s.what.phone == visit.phone && s.what.at == visit.at && s.what.text.starts_with(&visit.text);
        shown.iter().filter(of).cloned().collect()
    }

    /// Messages that Podium was shown more than once: for each, all its showings.
    #[must_use]
    pub fn doubled(&self) -> Vec<Vec<Shown>> {
        self.visited.borrow().iter().map(|visit| self.of(visit)).filter(|shown| shown.len() > 1).collect()
    }
}

impl World {
    /// A customer writes into the shop's own form, `after` a while.
    pub fn visits(&self, phone: &str, location: &str, text: &str, after: Duration) {
        let (phone, location) = (E164Phone::parse_e164(phone).unwrap(), LocationUid::try_from(location).unwrap());
        let text = text.to_owned();
        self.later(after, move |world| world.visit(phone, location, text));
    }

    /// The form's endpoint stores what it wrote in the same inbox and queues it for the same worker.
    fn visit(&self, phone: E164Phone, location: LocationUid, text: String) {
        let imports = &self.podium.imports;
        imports.visits.set(imports.visits.get() + 1);
        let id = EventId::try_from(format!("widget-{}", imports.visits.get()).as_str()).unwrap();
        let at = self.clock.now();
        let is_stop = text == "STOP";
        let event = id.as_str().to_owned();
        let wish =
            SaidWish { event: event.clone(), phone: phone.clone(), direction: Direction::Out, at, at_once: true };
        if !is_stop {
            let wrote = Wrote { event: event.clone(), phone: phone.clone(), text: text.clone() };
            self.wrote.borrow_mut().push(wrote);
        }
        let visit = Visit { id: id.clone(), phone: phone.clone(), text: text.clone(), at, is_stop };
        imports.visited.borrow_mut().push(visit);
        let written = WidgetMessage {
            id,
            at,
            phone,
            text: Some(text),
            location: Some(location),
            first_name: Some("Mia".into()),
            last_name: None,
            email: None,
            attachments: Vec::new(),
        };
        let (body, wishes) = (written.body(), is_stop.then_some(wish).into_iter().collect());
        let (sender, ids) = (Source::Podium, vec![event]);
        self.deliveries.borrow_mut().push(Delivery { sender, at, ids, body, signed: true, tries: 0, wishes });
    }

    fn shows(&self, what: &Import, step: usize) -> Result<Imported, CallFailure> {
        let imports = &self.podium.imports;
        if let Some(status) = imports.refuses {
            return Err(CallFailure::Refused { status });
        }
        let conversation = format!("c-{}-{}", what.phone.expose().trim_start_matches('+'), what.location);
        let conversation = ConversationUid::try_from(conversation.as_str()).unwrap();
        // Podium does not open a conversation for what is put into it; from now on it lies there unseen.
        let is_new = self.podium.conversations.borrow_mut().insert(conversation.clone(), what.phone.clone()).is_none();
        let mut closed = self.podium.closed.borrow_mut();
        if is_new || closed.contains_key(&conversation) {
            closed.insert(conversation.clone(), self.clock.now());
        }
        drop(closed);
        self.podium.renames(&what.phone, &what.contact_name);
        let (uid, next) = (format!("imp-{}", imports.shown.borrow().len() + 1), self.steps());
        imports.shown.borrow_mut().push(Shown { uid: uid.clone(), what: what.clone(), step, next });
        let echo = self.echo_of(&uid, what, &conversation);
        self.books_message(&uid, &echo, what.at);
        let (ids, at) = (vec![format!("echo-{uid}")], self.clock.now());
        let (sender, body, wishes) = (Source::Podium, echo.to_string().into_bytes(), Vec::new());
        let delivery = Delivery { sender, at, ids, body, signed: true, tries: 0, wishes };
        match imports.echoes {
            Echoes::Never => {}
            Echoes::After => self.deliveries.borrow_mut().push(delivery),
            Echoes::Before => {
                self.receive(delivery);
                self.works_on(&format!("echo-{uid}"));
            }
        }
        if let Some(shown) = imports.shown.borrow_mut().iter_mut().find(|shown| shown.uid == uid) {
            shown.next = self.steps();
        }
        let message = imports.names.then(|| ProviderId::try_from(uid.as_str()).unwrap());
        Ok(Imported { message, conversation: Some(conversation) })
    }

    /// What Podium says of it: a text of the number's owner.
    fn echo_of(&self, uid: &str, what: &Import, conversation: &ConversationUid) -> Value {
        let (phone, id) = (what.phone.expose(), format!("echo-{uid}"));
        if self.podium.brief {
            return json!({
                "id": id, "event_type": "message.received", "occurred_at": what.at.get(),
                "data": {
                    "conversation_uid": conversation.as_str(), "message_uid": uid, "from": phone,
                    "location_uid": what.location.as_str(), "body": what.text,
                },
            });
        }
        json!({
            "data": {
                "body": what.text, "contactName": what.contact_name,
                "conversation": {"uid": conversation.as_str(), "channel": {"identifier": phone, "type": "phone"}},
                "createdAt": iso(what.at), "items": [], "location": {"uid": what.location.as_str()}, "uid": uid,
                "webchatUrl": null,
            },
            "metadata": {"eventType": "message.received", "eventUid": id, "version": "2021.04.01"},
        })
    }

    /// Every message of the form that was taken in is at Podium unless it was refused there, and nothing that Podium tells of
    /// it is taken for another message.
    pub(super) fn assert_forms(&self) {
        let imports = &self.podium.imports;
        let acked = self.acked.borrow();
        self.store.look(|tables| {
            for visit in imports.visited.borrow().iter().filter(|v| acked.iter().any(|id| id == v.id.as_str())) {
                let shown = imports.of(visit).len();
                let state = tables.outbox.get(&EffectKey::import(&visit.id)).map(|row| row.state.clone());
                if visit.is_stop {
                    assert!(shown == 0 && state.is_none(), "a wish for silence was shown as a message");
                    continue;
                }
                match (&state, imports.refuses) {
                    (Some(OutboxState::Accepted { .. }), None) => {
                        assert!(shown > 0, "{} is recorded as shown and was not", visit.id);
                    }
                    (Some(OutboxState::Failed { .. }), Some(_)) => assert_eq!(shown, 0),
                    (state, _) => panic!("{} was shown {shown} times, and its row says {state:?}", visit.id),
                }
            }
            for shown in imports.shown.borrow().iter() {
                let uid = EventId::try_from(shown.uid.as_str()).unwrap();
                let seen = tables.sessions.values().any(|row| row.session.seen.contains(&uid));
                assert!(!seen, "{uid} is a message of its own in a session");
                let answered = self.podium.said.borrow().iter().any(|s| s.effect == EffectKey::answer(&uid));
                assert!(!answered, "{uid} was answered as a message of its own");
                let echo = EventId::try_from(format!("echo-{uid}").as_str()).unwrap();
                let row = tables.inbox.get(&InboxKey { source: Source::Podium, event: echo });
                let outcome = row.filter(|row| row.status == InboxStatus::Done).map(|row| row.outcome.clone());
                let is_known = outcome.is_none_or(|word| word.as_deref() == Some("own_import"));
                assert!(is_known, "the echo {uid} ended otherwise");
            }
        });
    }
}

impl Imports for World {
    async fn import(&self, what: &Import) -> Result<Imported, CallFailure> {
        let step = self.steps();
        self.called(|| self.shows(what, step)).await?
    }
}
