//! What customers and Podium do, and the processes that answer to it.

use std::time::Duration;

use frontdesk_core::{
    contact::{Direction, MirrorState},
    directory::{LocationBook, Locations},
    flow::{
        batch::{self, Message},
        ingest::PodiumEndpoint,
        locations::{LocationRules, RefreshLocations},
        mirror::MirrorOptOuts,
        podium_worker::{AttachmentRules, BurstRules, ChatRules, PodiumWorker},
        reviews::ReviewRules,
        say::SpeakerRules,
        sessions::WatchSessions,
        worker::WorkerRules,
    },
    ids::{ConversationUid, EventId, ProviderId},
    inbox::{InboxKey, Source},
    phone::E164Phone,
    provider::OptOutMirror,
    retry::Backoff,
    session::{SessionDue, SessionRules},
    signature::{self, PodiumScheme, ReplayWindow, StalePolicy},
    time::{Clock, DAY, UnixMillis},
    wish::ExtraWords,
};
use serde_json::{Value, json};

use crate::{
    clock::{CountingIds, ManualClock},
    recorder::Recorder,
};

use super::{
    Delivery, KnownWish, Lined, Plan, PodiumContact, Role, SaidWish, World, Wrote,
    driver::{SWEEP_AFTER, ready},
    iso,
};

/// How long a customer may be silent before they are asked.
pub(super) const WARN_AFTER: Duration = Duration::from_secs(1_200);
/// How long before the session is closed.
pub(super) const CLOSE_AFTER: Duration = Duration::from_secs(1_800);
/// How often the list of locations is loaded.
const REFRESH_EVERY: Duration = Duration::from_secs(6 * 3_600);
/// How long a customer's message may lie in a conversation that is closed.
const STRANDED_AFTER: Duration = Duration::from_secs(600);

/// A message of a customer as Podium delivers it; change what is out of the ordinary.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The number as written; none by e-mail.
    pub phone: Option<String>,
    /// The address, where that is the channel.
    pub email: Option<String>,
    /// The location as written, if at all.
    pub location: Option<String>,
    /// The words.
    pub text: String,
    /// Whether it comes from a web page.
    pub webchat: bool,
    /// The first name, if it came along.
    pub name: Option<String>,
    /// Whose it is, where that is known; whom a wish in it is about.
    pub whose: String,
    /// What it wishes.
    pub wish: Option<Direction>,
    /// Whether the wish can be told to be theirs without asking Podium.
    pub at_once: bool,
    /// Whether it is usable: its words must then be found again.
    pub usable: bool,
    /// When it was written; else when it is sent.
    pub written_at: Option<UnixMillis>,
    /// Where something is attached of which the event does not say the size.
    pub attached: Option<String>,
}

impl Incoming {
    /// A message by a web page.
    #[must_use]
    pub fn webchat(phone: &str, location: &str, text: &str) -> Self {
        Self {
            phone: Some(phone.to_owned()),
            email: None,
            location: Some(location.to_owned()),
            text: text.to_owned(),
            webchat: true,
            name: Some("Mia".to_owned()),
            whose: phone.to_owned(),
            wish: None,
            at_once: true,
            usable: true,
            written_at: None,
            attached: None,
        }
    }

    /// A text.
    #[must_use]
    pub fn sms(phone: &str, location: &str, text: &str) -> Self {
        Self { webchat: false, ..Self::webchat(phone, location, text) }
    }

    /// STOP, as a text.
    #[must_use]
    pub fn stop(phone: &str) -> Self {
        Self { wish: Some(Direction::Out), usable: false, ..Self::sms(phone, "loc-1", "STOP") }
    }

    /// START, as a text.
    #[must_use]
    pub fn start(phone: &str) -> Self {
        Self { wish: Some(Direction::In), usable: false, ..Self::sms(phone, "loc-1", "START") }
    }
}

impl World {
    /// A world in which customers write.
    #[must_use]
    pub fn chatting(plan: Plan) -> Self {
        let mut world = Self::new(plan);
        world.chats = true;
        let locations = world.podium.locations.borrow().clone();
        let book = LocationBook { fetched_at: world.clock.now(), locations };
        ready(world.store.keep_locations(&book)).unwrap().unwrap();
        world.next_refresh.set(world.clock.now().plus(REFRESH_EVERY));
        world
    }

    /// A customer writes on a web page, `after` a while.
    pub fn writes(&self, phone: &str, location: &str, text: &str, after: Duration) {
        self.sends(vec![Incoming::webchat(phone, location, text)], after);
    }

    /// A customer texts, `after` a while.
    pub fn texts_in(&self, phone: &str, location: &str, text: &str, after: Duration) {
        self.sends(vec![Incoming::sms(phone, location, text)], after);
    }

    /// A customer texts STOP, `after` a while.
    pub fn stops(&self, phone: &str, after: Duration) {
        self.sends(vec![Incoming::stop(phone)], after);
    }

    /// A customer texts START, `after` a while.
    pub fn starts(&self, phone: &str, after: Duration) {
        self.sends(vec![Incoming::start(phone)], after);
    }

    /// Podium delivers messages, one alone or several as a batch, `after` a while.
    pub fn sends(&self, messages: Vec<Incoming>, after: Duration) {
        let at = self.clock.now().plus(after);
        self.later(after, move |world| {
            let delivery = world.posted(&messages, at);
            world.deliveries.borrow_mut().push(delivery);
        });
    }

    /// Podium delivers messages at this very moment, whatever else is going on.
    pub fn interrupts_with(&self, messages: &[Incoming]) {
        let delivery = self.posted(messages, self.clock.now());
        self.receive(delivery);
    }

    /// Somebody who does not know the secret delivers messages.
    pub fn forges(&self, messages: &[Incoming]) {
        let mut delivery = self.posted(messages, self.clock.now());
        delivery.signed = false;
        self.deliveries.borrow_mut().push(delivery);
    }

    fn posted(&self, messages: &[Incoming], at: UnixMillis) -> Delivery {
        let (mut events, mut ids, mut wishes) = (Vec::new(), Vec::new(), Vec::new());
        for message in messages {
            let id = self.next_id();
            let written_at = message.written_at.unwrap_or(at);
            let whose = E164Phone::parse_e164(&message.whose).unwrap();
            let place = message.location.as_deref().unwrap_or("nowhere");
            let conversation = format!("c-{}-{place}", message.whose.trim_start_matches('+'));
            let uid = ConversationUid::try_from(conversation.as_str()).unwrap();
            self.podium.conversations.borrow_mut().insert(uid.clone(), whose.clone());
            // Podium opens a conversation again in which somebody writes.
            self.podium.closed.borrow_mut().remove(&uid);
            let event = self.as_sent(message, &id, &conversation, written_at);
            self.books_message(&id, &event, written_at);
            events.push(event);
            if let Some(direction) = message.wish {
                let at_once = message.at_once;
                wishes.push(SaidWish { event: id.clone(), phone: whose.clone(), direction, at: written_at, at_once });
            }
            if message.usable && message.webchat {
                let text = message.text.clone();
                self.wrote.borrow_mut().push(Wrote { event: id.clone(), phone: whose, text });
            }
            ids.push(id);
        }
        let body = if let [event] = events.as_slice() { event.clone() } else { json!({ "events": events }) };
        let at = at.plus(self.transit.get());
        Delivery { sender: Source::Podium, at, ids, body: body.to_string().into(), signed: true, tries: 0, wishes }
    }

    fn as_sent(&self, message: &Incoming, id: &str, conversation: &str, at: UnixMillis) -> Value {
        if self.podium.brief {
            return json!({
                "id": id, "event_type": if message.webchat { "webchat.message.received" } else { "message.received" },
                "occurred_at": at.get(),
                "data": {
                    "conversation_uid": conversation, "message_uid": format!("w-{id}"), "from": message.phone,
                    "location_uid": message.location, "body": message.text, "first_name": message.name,
                    "attachments": message.attached.iter().map(|url| json!({"url": url})).collect::<Vec<_>>(),
                },
            });
        }
        let (kind, identifier) = match &message.email {
            Some(address) => ("email", Some(address)),
            None => ("phone", message.phone.as_ref()),
        };
        let written = iso(at);
        json!({
            "data": {
                "attachmentUrl": message.attached, "body": message.text, "contactName": message.name,
                "conversation": {"uid": conversation, "channel": {"identifier": identifier, "type": kind}},
                "createdAt": written, "items": [], "location": {"uid": message.location}, "uid": format!("w-{id}"),
                "webchatUrl": message.webchat.then_some("https://shop.example.test/contact"),
            },
            "metadata": {"eventType": "message.received", "eventUid": id, "version": "2021.04.01"},
        })
    }

    fn next_id(&self) -> String {
        self.news.set(self.news.get() + 1);
        format!("ev-{}", self.news.get())
    }

    /// Podium makes one of two contacts, `after` a while. The webhook says of the loser what Podium's record says.
    ///
    /// # Panics
    /// When Podium does not have them, at that time.
    pub fn contact_merged(&self, loser: &str, winner: &str, after: Duration) {
        let phones = [loser, winner].map(|p| E164Phone::parse_e164(p).unwrap());
        self.later(after, move |world| {
            let now = world.clock.now();
            let [loser, winner] = &phones;
            let silent = world.store.look(|t| t.contacts.get(loser).is_some_and(|c| c.opted_out().is_some()));
            let (before, after, told) = {
                let mut contacts = world.podium.contacts.borrow_mut();
                let lost = contacts.iter().position(|c| c.phone == *loser).expect("Podium has the loser");
                let lost = contacts.remove(lost);
                let won = contacts.iter().find(|c| c.phone == *winner).expect("Podium has the winner");
                (shown(&lost, &[loser], now), shown(won, &[winner, loser], now), lost.opted_out)
            };
            let about = silent.then(|| (winner.clone(), told));
            world.changed("contact.merged", &before, &after, about);
        });
    }

    /// Podium tells of a contact that it changed because we told it so.
    pub(super) fn echo(&self, contact: &PodiumContact) {
        let now = self.clock.now();
        let mut before = contact.clone();
        before.opted_out = !before.opted_out;
        let phones = [&contact.phone];
        self.changed("contact.updated", &shown(&before, &phones, now), &shown(contact, &phones, now), None);
    }

    /// `about`: whose silence follows from it, and whether the event itself says so.
    fn changed(&self, kind: &str, before: &Value, after: &Value, about: Option<(E164Phone, bool)>) {
        let id = self.next_id();
        let body = json!({
            "data": {"before": before, "after": after},
            "metadata": {"eventType": kind, "eventUid": id, "version": "2021.04.01"},
        });
        let at = self.clock.now();
        let wish = |(phone, at_once)| SaidWish { event: id.clone(), phone, direction: Direction::Out, at, at_once };
        let wishes = about.map(wish).into_iter().collect();
        let (at, ids, body) = (at.plus(self.transit.get()), vec![id], body.to_string().into());
        let delivery = Delivery { sender: Source::Podium, at, ids, body, signed: true, tries: 0, wishes };
        self.deliveries.borrow_mut().push(delivery);
    }

    /// The endpoint of Podium's webhooks.
    pub(super) fn take_in_podium(&self, delivery: &Delivery) -> Option<u16> {
        // A wish for messages counts from when it may first have been written down, acknowledged or not.
        for wish in delivery.wishes.iter().filter(|w| delivery.tries == 0 && w.direction == Direction::In) {
            self.wish_is_known(wish);
        }
        let scheme = if self.podium.brief { PodiumScheme::BriefBody } else { PodiumScheme::Published };
        let mut signed = signature::sign_podium(self.secrets.newest(), scheme, &delivery.body, self.clock.now().get());
        if !delivery.signed {
            signed.iter_mut().for_each(|(_, value)| *value = value.chars().rev().collect());
        }
        let headers: Vec<(&str, &[u8])> = signed.iter().map(|(n, v)| (*n, v.as_bytes())).collect();
        let endpoint = PodiumEndpoint {
            schemes: PodiumScheme::ALL.to_vec(),
            window: ReplayWindow { window_s: 300, stale: StalePolicy::Accept },
            extra_words: ExtraWords::default(),
        };
        self.take_in(&endpoint, &headers, &delivery.body)
    }

    /// A sender of webhooks heard 2xx: from now on we answer for what it said.
    pub(super) fn acknowledged(&self, delivery: Delivery) {
        for wish in delivery.wishes {
            if wish.direction == Direction::In {
                continue;
            }
            if wish.at_once {
                self.wish_is_known(&wish);
            } else {
                self.unclear_wishes.borrow_mut().push(wish);
            }
        }
        self.acked.borrow_mut().extend(delivery.ids);
    }

    fn wish_is_known(&self, wish: &SaidWish) {
        let SaidWish { phone, direction, at, .. } = wish.clone();
        let acked_at = self.clock.now();
        self.wishes.borrow_mut().push(KnownWish { phone, direction, at, acked_at });
        let silent = self.store.look(|t| t.contacts.get(&wish.phone).is_some_and(|c| c.opted_out().is_some()));
        if self.wants_silence(&wish.phone, acked_at, acked_at) && !silent {
            self.breaks("G3: a STOP was acknowledged and is not recorded".into());
        }
    }

    /// Whether anybody wished for messages.
    #[must_use]
    pub fn wished_in(&self) -> bool {
        self.wishes.borrow().iter().any(|w| w.direction == Direction::In)
    }

    /// Whether the newest wish of `phone` of which we knew is for silence; `out` and `back` say until when each kind of
    /// wish must have been acknowledged to count.
    pub(super) fn wants_silence(&self, phone: &E164Phone, out: UnixMillis, back: UnixMillis) -> bool {
        let wishes = self.wishes.borrow();
        let known = wishes.iter().filter(|w| w.phone == *phone).filter(|w| match w.direction {
            Direction::Out => w.acked_at <= out,
            Direction::In => w.acked_at <= back,
        });
        known.max_by_key(|w| (w.at, w.direction == Direction::Out)).is_some_and(|w| w.direction == Direction::Out)
    }

    /// Wishes that had to be asked about count from the moment when their event is done.
    pub(super) fn clear_wishes(&self) {
        let cleared: Vec<SaidWish> = {
            let done = |wish: &SaidWish| {
                let key = InboxKey { source: Source::Podium, event: EventId::try_from(wish.event.as_str()).unwrap() };
                self.store.look(|t| t.inbox.get(&key).is_some_and(|row| row.outcome.is_some()))
            };
            self.unclear_wishes.borrow_mut().extract_if(.., |wish| done(wish)).collect()
        };
        for wish in &cleared {
            self.wish_is_known(wish);
        }
    }

    /// Notes that a guarantee is broken, for the end of the run.
    pub(super) fn breaks(&self, what: String) {
        self.broken.borrow_mut().push(what);
    }

    fn session_rules() -> SessionRules {
        SessionRules { warn_after: WARN_AFTER, close_after: CLOSE_AFTER, keep: DAY * 90 }
    }

    fn location_rules() -> LocationRules {
        LocationRules { interval: REFRESH_EVERY, fresh_for: Duration::from_secs(300) }
    }

    pub(super) fn speaker_rules(&self) -> SpeakerRules {
        SpeakerRules { lease: self.lease, settle: self.settle, look_up_for: DAY, keep: DAY * 90 }
    }

    fn chat_rules(&self) -> ChatRules {
        ChatRules {
            extra_words: ExtraWords::default(),
            sessions: Self::session_rules(),
            attachments: AttachmentRules { bytes_max: 1 << 20, in_sum: false },
            locations: Self::location_rules(),
            burst: BurstRules { limit: 5, window: Duration::from_secs(300) },
            reply: self.reply.clone(),
            confirmation: "Thanks for your message to {location_name}. Reply STOP to opt out.".into(),
            speaker: self.speaker_rules(),
        }
    }

    /// The workers of Podium's events take what their queue hands out, until it hands out nothing.
    pub(super) fn work_on_podium(&self) -> bool {
        let batch = self.take_batch();
        if batch.is_empty() {
            return false;
        }
        let messages: Vec<Message> = batch
            .iter()
            .map(|m| Message { id: m.id.to_string(), body: m.key.to_key(), group: Some(m.group.clone()) })
            .collect();
        let (chat, reviews) = (self.chat_rules(), self.review_rules());
        let worker = self.podium_worker(&chat, &reviews);
        let role = self.role.replace(Role::Worker);
        let stop_at = self.clock.now().plus(self.lease / 2);
        let done = ready(batch::run(&messages, stop_at, &self.clock, &self.recorder, InboxKey::parse, async |key| {
            worker.handle(&key).await
        }));
        self.role.set(role);
        self.process_ends();
        // A process that died deleted none of its messages.
        if let Some(failed) = done {
            let done = |m: &Lined| batch.iter().any(|b| b.id == m.id) && !failed.contains(&m.id.to_string());
            self.lines.borrow_mut().retain(|m| !done(m));
        }
        self.clear_wishes();
        true
    }

    /// Another worker takes up an event at this very moment, whatever its line is waiting for.
    pub(super) fn works_on(&self, event: &str) {
        let key = InboxKey { source: Source::Podium, event: EventId::try_from(event).unwrap() };
        let (chat, reviews) = (self.chat_rules(), self.review_rules());
        let worker = self.podium_worker(&chat, &reviews);
        let role = self.role.replace(Role::Worker);
        let _: Option<_> = ready(worker.handle(&key));
        self.role.set(role);
        self.process_ends();
    }

    fn podium_worker<'a>(
        &'a self,
        chat: &'a ChatRules,
        reviews: &'a ReviewRules,
    ) -> PodiumWorker<'a, Self, Self, Self, ManualClock, CountingIds, Recorder> {
        PodiumWorker {
            store: self,
            podium: self,
            notices: self,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.recorder,
            chat,
            reviews,
            rules: WorkerRules {
                lease: self.lease,
                attempts_max: 8,
                body_bytes_max: 1 << 22,
                sweep_after: SWEEP_AFTER,
            },
        }
    }

    /// What an ordered queue hands out: of each line from its head, nothing of a line whose head is still out.
    fn take_batch(&self) -> Vec<Lined> {
        let now = self.clock.now();
        let mut blocked: Vec<String> = Vec::new();
        let mut taken: Vec<Lined> = Vec::new();
        self.lines.borrow_mut().retain_mut(|message| {
            if message.visible_at > now || blocked.contains(&message.group) || taken.len() >= 10 {
                blocked.push(message.group.clone());
                return true;
            }
            if message.receives >= self.receives_max {
                self.dead_letters.borrow_mut().push(message.key.to_key());
                return false;
            }
            message.receives += 1;
            message.visible_at = now.plus(self.visibility);
            taken.push(message.clone());
            true
        });
        taken
    }

    /// The schedules of the chats fire.
    pub(super) fn tick_chats(&self) {
        let now = self.clock.now();
        let role = self.role.replace(Role::Timer);
        let sessions = WatchSessions {
            store: self,
            podium: self,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.recorder,
            sessions: Self::session_rules(),
            speaker: self.speaker_rules(),
            prompt: Some("Are you still there? {location_name} is. Reply STOP to opt out."),
        };
        let _: Option<_> = ready(sessions.run());
        self.process_ends();
        let mirror = MirrorOptOuts {
            store: self,
            contacts: self,
            clock: &self.clock,
            telemetry: &self.recorder,
            how: Some(OptOutMirror::BriefPatch),
            backoff: Backoff { base: Duration::from_secs(60), cap: Duration::from_secs(3_600) },
        };
        let _: Option<_> = ready(mirror.run());
        self.process_ends();
        if self.next_refresh.get() <= now {
            self.next_refresh.set(now.plus(REFRESH_EVERY));
            let refresh = RefreshLocations {
                store: self,
                list: self,
                clock: &self.clock,
                telemetry: &self.recorder,
                rules: Self::location_rules(),
            };
            let _: Option<_> = ready(refresh.run());
            self.process_ends();
        }
        self.role.set(role);
        self.look_for_the_stranded();
    }

    /// A customer's message must not lie in a conversation that is closed.
    fn look_for_the_stranded(&self) {
        let now = self.clock.now();
        let stranded = self.store.look(|tables| {
            tables.sessions.values().any(|row| {
                let closed = self.podium.closed.borrow();
                let since = row.session.conversation.as_ref().and_then(|c| closed.get(c));
                // One that is still to be opened waits as long as each attempt may fail.
                let patience = if row.session.reopen { STRANDED_AFTER * 4 } else { STRANDED_AFTER };
                row.deadline.is_some()
                    && row.session.closing.is_none()
                    && row.session.due(now, &Self::session_rules()) != SessionDue::Close
                    && since.is_some_and(|since| now >= since.plus(patience))
            })
        });
        if stranded {
            self.breaks("a customer's message lies in a conversation that is closed".into());
        }
    }

    /// When the chats need attention next.
    pub(super) fn next_of_chats(&self) -> Option<UnixMillis> {
        if !self.chats {
            return None;
        }
        let lined = {
            let lines = self.lines.borrow();
            let mut seen: Vec<&str> = Vec::new();
            let heads = lines.iter().filter(|m| {
                let head = !seen.contains(&m.group.as_str());
                seen.push(&m.group);
                head
            });
            heads.map(|m| m.visible_at).min()
        };
        let (deadline, mirror) = self.store.look(|tables| {
            let mirrors = tables.contacts.values().filter_map(|c| match c.mirror {
                MirrorState::Due { at, .. } => Some(at),
                MirrorState::Nothing | MirrorState::Told { .. } | MirrorState::NoContact => None,
            });
            (tables.sessions.values().filter_map(|row| row.deadline).min(), mirrors.min())
        });
        [lined, deadline, mirror].into_iter().flatten().min()
    }

    /// The Podium contact's uid of a number, for scenarios that need it.
    #[must_use]
    pub fn podium_uid(&self, phone: &str) -> Option<ProviderId> {
        self.podium.contacts.borrow().iter().find(|c| c.phone.expose() == phone).map(|c| c.uid.clone())
    }
}

fn shown(contact: &PodiumContact, phones: &[&E164Phone], at: UnixMillis) -> Value {
    let numbers: Vec<&str> = phones.iter().map(|p| p.expose()).collect();
    let out = contact.opted_out.then(|| iso(at));
    let channels: Vec<Value> = numbers
        .iter()
        .filter(|n| **n == contact.phone.expose())
        .map(|n| json!({"identifier": n, "type": "phone", "transactionalOptedOutAt": out}))
        .collect();
    json!({"uid": contact.uid.as_str(), "phoneNumbers": numbers, "channels": channels, "updatedAt": iso(at)})
}
