//! The model store and DynamoDB answer alike: the same random operations on both, every outcome compared, and every row
//! that can be read back compared at the end. Without this the crash simulation would prove nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this is test code: a panic is a failed test"
)]

use std::time::Duration;

use frontdesk_core::{
    body::StoredBody,
    chat::{Chat, ChatKey, Chats, Heard, Who},
    chatwoot::ConversationRef,
    contact::{
        ByHand, Contacts, Direction, Evidence, Hold, Meeting, MirrorDue, MirrorOutcome, NotTextable, OptOutChange,
        OptOutFlag, OptOutSource, PodiumLink,
    },
    directory::{Bookmark, Bookmarks, Comparison, Installation, KnownLocation, LocationBook, Locations},
    eligibility::{Consent, Inputs, PhoneState},
    erase::{Erasure, KeptRow, Place},
    form::{Forms, Submission, SubmissionId},
    ids::{
        ConversationUid, EffectKey, EventId, GroupId, LocationUid, OrderId, OrderKey, OwnerToken, ProviderId, RunId,
        Shard,
    },
    inbox::{Attempt, BodySha256, EventEnd, Inbox, InboxKey, InboxStatus, NewEvent, RejectReason, Source},
    notice::{
        Channel, Content, Notice, NoticeDue, NoticeEnd, NoticeKey, NoticeKind, NoticeStep, Notices, Progress, Tries,
    },
    outbox::{DeliveryNews, Fact, FailureKind, Invite, Outbox, Send, Settlement, Testimonies, Testimony, Unresolved},
    phone::{E164Phone, Region},
    provider::{Feed, Financial, Limits, Provider, Tally},
    rate::{RateKey, RateRule, RateScope, RateWindows},
    rating::{Rating, RatingClass},
    redrive::{Decided, Redrives, Reopening, Seen},
    request::{FailReason, NewRequest, Plan, Postpone, RequestChange, RequestEnd, Requests, Wait},
    review::{Platform, PlatformChoice, PlatformRule, SkipReason},
    reviews::{ReviewBook, ReviewRecord, Turn},
    session::{Session, SessionKey, SessionMessage, SessionRules, Sessions},
    store::{Lease, StoreError},
    time::{DAY, UnixMillis},
};
use frontdesk_testkit::{dice::Dice, model::ModelStore, shop::shop};
use frontdesk_tests::tables::Tables;

/// Operations per sequence.
const LENGTH: usize = 600;

/// A generator of random operations over few keys, so that they meet.
struct Hand {
    dice: Dice,
    now: UnixMillis,
    owners: u32,
    last: Vec<Lease>,
    /// Sessions as they were read or written of late, some of them no longer the newest.
    sessions: Vec<Session>,
    /// Chats as they were read or written of late, some of them no longer the newest.
    chats: Vec<Chat>,
}

impl Hand {
    fn new(seed: u64) -> Self {
        let now = UnixMillis::new(1_795_132_800_000);
        Self { dice: Dice::seeded(seed), now, owners: 0, last: Vec::new(), sessions: Vec::new(), chats: Vec::new() }
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice.draw() % sides
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let n = self.roll(of.len() as u64);
        of[usize::try_from(n).unwrap()].clone()
    }

    fn event(&mut self) -> InboxKey {
        // The last is named after what it says, as an event without an id of its own is.
        let of_body = EventId::of_body(&BodySha256::of(b"one"));
        let id = self.pick(&["e1", "e2", "e3", of_body.as_str()]);
        InboxKey { source: Source::Shopify, event: EventId::try_from(id).unwrap() }
    }

    fn order(&mut self) -> OrderKey {
        OrderKey { shop: shop(), order: OrderId(1 + self.roll(3)) }
    }

    fn phone(&mut self) -> E164Phone {
        E164Phone::parse_e164(self.pick(&["+61491570156", "+61491570157"])).unwrap()
    }

    fn effect(&mut self) -> EffectKey {
        let order = self.order();
        EffectKey::review_request(&order)
    }

    /// Mostly a new lease; sometimes one of the last few again, as a repeated or late call would have it.
    fn lease(&mut self) -> Lease {
        if !self.last.is_empty() && self.roll(3) > 0 {
            return self.pick(&self.last.clone());
        }
        self.owners += 1;
        let owner = OwnerToken::try_from(format!("o{}", self.owners).as_str()).unwrap();
        let lease = Lease { owner, now: self.now, until: self.now.plus(Duration::from_secs(90)) };
        self.last.push(lease.clone());
        if self.last.len() > 4 {
            self.last.remove(0);
        }
        lease
    }

    fn new_event(&mut self) -> NewEvent {
        let key = self.event();
        let body: &[u8] = self.pick(&[b"one", b"two"]).as_slice();
        let rejected = (self.roll(4) == 0).then_some(RejectReason::UnknownShape);
        let mut opt_outs: Vec<OptOutChange> = Vec::new();
        for _ in 0..self.roll(4) {
            let change = self.opt_out();
            // Of several changes of one contact the real store writes all but the first alone, whatever becomes of the event.
            if !opt_outs.iter().any(|c| c.phone == change.phone) {
                opt_outs.push(change);
            }
        }
        let chat = self.chat_key();
        NewEvent {
            key,
            topic: None,
            body: StoredBody::pack(body).unwrap(),
            body_sha256: BodySha256::of(body),
            received_at: self.now,
            expires_at: self.now.plus(self.pick(&[Duration::from_secs(500), DAY])),
            receipt: format!("r{}", self.roll(1_000)),
            rejected,
            group: self.pick(&[None, Some(GroupId::of("a line"))]),
            opt_outs,
            chat: self.pick(&[None, Some(chat)]),
        }
    }

    fn chat_key(&mut self) -> ChatKey {
        ChatKey::chatwoot(ConversationRef { account: 7, conversation: 1 + self.roll(2) })
    }

    /// What somebody makes of a chat that they read, now or a while ago.
    fn next_chat(&mut self, known: Chat) -> Chat {
        let known = match self.roll(4) {
            0 => self.chats.iter().rev().find(|c| c.key == known.key).cloned().unwrap_or(known),
            _ => known,
        };
        let (phone, message, what) = (self.phone(), self.roll(9), self.roll(5));
        let text = self.pick(&["blue".to_owned(), "it \"broke\"\n".to_owned(), "é".repeat(700)]);
        let event = format!("e{message}");
        let mut next = known.changed(|state| match what {
            0 => state.say(Who::Customer, &text),
            1 => state.hear(Heard { event, message, text, pictures: Vec::new(), transcript: None }),
            2 => state.settle(&event),
            3 => state.silenced = true,
            _ => state.heard.clear(),
        });
        let known = next.phone.clone();
        next.phone = self.pick(&[None, Some(phone), known]);
        next
    }

    fn end(&mut self) -> EventEnd {
        self.pick(&[
            EventEnd::Done("scheduled"),
            EventEnd::Erased("customer_erased"),
            EventEnd::Rejected(RejectReason::UnreadableBody),
            EventEnd::Parked(RejectReason::TooManyAttempts { attempts: 8 }),
        ])
    }

    /// An end as somebody may have seen it, now or a while ago.
    fn reopening(&mut self, key: InboxKey) -> Reopening {
        let run = |name: &str| RunId::try_from(name).unwrap();
        let seen = Seen {
            key,
            status: self.pick(&InboxStatus::ALL),
            outcome: self.pick(&[None, Some(RejectReason::OtherShop.describe())]),
            received_at: self.now,
            expires_at: None,
            group: None,
            replays: u32::try_from(self.roll(3)).unwrap(),
            run: self.pick(&[None, Some(run("run-1"))]),
        };
        let decided = Decided { by: "Ines".into(), reason: "mended".into(), at: self.now };
        let name = self.pick(&["run-1", "run-2", "run-3"]);
        Reopening { seen, run: run(name), decided, expires_at: self.now.plus(DAY), anew: self.roll(2) == 0 }
    }

    fn testimony(&mut self, of: &EffectKey) -> Testimony {
        let message = self.pick(&[None, Some(message_of(of))]);
        self.pick(&[Testimony::NotSent, Testimony::Sent { message }])
    }

    fn change(&mut self) -> RequestChange {
        let key = self.order();
        match self.roll(4) {
            0 => {
                let send_after = self.now.plus(Duration::from_secs(self.roll(3_000)));
                let plan = Plan {
                    phone: self.phone(),
                    location: LocationUid::try_from("loc-1").unwrap(),
                    first_name: self.pick(&[None, Some("Mia".to_owned())]),
                    fulfilled_at: self.now,
                    send_after,
                    zones: self.pick(&[vec![], vec!["Australia/Perth".to_owned(), "+11:00".to_owned()]]),
                };
                let expires_at = self.now.plus(DAY * 400);
                RequestChange::Schedule(Box::new(NewRequest { key, plan, at: self.now, expires_at, inputs: inputs() }))
            }
            1 => {
                let reason = self.pick(&SkipReason::ALL);
                let inputs = self.pick(&[None, Some(inputs())]);
                RequestChange::Skip { key, reason, at: self.now, expires_at: self.now.plus(DAY * 400), inputs }
            }
            2 => {
                let send_after = self.now.plus(Duration::from_secs(self.roll(3_000)));
                RequestChange::Retime { key, send_after }
            }
            _ => {
                let until = self.now.plus(Duration::from_secs(self.roll(5_000)));
                RequestChange::Defer { key, until, planned_from: until.minus(Duration::from_secs(3_000)) }
            }
        }
    }

    fn request_end(&mut self) -> RequestEnd {
        self.pick(&[
            RequestEnd::Sent { message: ProviderId::try_from("m1").unwrap() },
            RequestEnd::Skipped(SkipReason::Cooldown),
            RequestEnd::Failed(FailReason::Refused { status: 403 }),
            RequestEnd::Unknown,
        ])
    }

    fn settlement(&mut self, of: &EffectKey) -> Settlement {
        self.pick(&[
            Settlement::Accepted { message: message_of(of) },
            Settlement::NotSent,
            Settlement::NotSent,
            Settlement::Failed { reason: "refused_403".into() },
            Settlement::Unknown,
        ])
    }

    fn send(&mut self) -> Send {
        let order = self.order();
        // An effect is always for the same person.
        let phone = E164Phone::parse_e164(["+61491570156", "+61491570157"][usize::from(order.order.0 > 1)]).unwrap();
        let key = self.pick(&[
            EffectKey::review_request(&order),
            EffectKey::review_request(&order),
            EffectKey::reminder(&order),
            EffectKey::thanks(&ProviderId::try_from(format!("rev-{}", order.order).as_str()).unwrap()),
        ]);
        Send { key, phone, location: LocationUid::try_from("loc-1").unwrap(), expires_at: self.now.plus(DAY) }
    }

    fn news(&mut self) -> DeliveryNews {
        let kind = self.pick(&FailureKind::ALL);
        self.pick(&[
            DeliveryNews::Sent,
            DeliveryNews::Delivered,
            DeliveryNews::Failed(kind),
            DeliveryNews::Failed(kind),
        ])
    }

    fn notice_key(&mut self) -> NoticeKey {
        if self.roll(3) == 0 {
            return NoticeKey::new(NoticeKind::ContactForm, self.form_id().as_str());
        }
        let about = self.pick(&["rev-1#1", "rev-2#1"]);
        NoticeKey::new(self.pick(&[NoticeKind::BadReview, NoticeKind::Unresolved]), about)
    }

    fn notice(&mut self) -> Notice {
        let key = self.notice_key();
        let content = Content {
            headline: "A sentence".into(),
            facts: vec![("Phone".into(), "ends in 0156".into())],
            quote: self.pick(&[None, Some("it \"broke\"\n".to_owned())]),
            link: self.pick(&[None, Some("https://r.example.test/1".to_owned())]),
            action: "Call".into(),
        };
        Notice {
            kind: key.kind().unwrap(),
            key,
            content,
            about: self.pick(&[vec![], vec!["rev-1".to_owned(), "shop#1".to_owned()]]),
            opened_at: self.now.minus(Duration::from_secs(self.roll(100))),
            expires_at: self.now.plus(DAY * 30),
        }
    }

    fn form_id(&mut self) -> SubmissionId {
        SubmissionId::from_stored(self.pick(&["form-1", "form-2"]))
    }

    /// Some are forgotten before they come again.
    fn submission(&mut self) -> (Submission, Notice) {
        let id = self.form_id();
        let (email, session) = (self.pick(&[None, Some("mia@example.com".to_owned())]), self.chat_key());
        let submission = Submission {
            fields: self.pick(&[vec![], vec![("message".to_owned(), "it \"broke\"\n".to_owned())]]),
            email,
            session: self.pick(&[None, Some(session)]),
            received_at: self.now,
            expires_at: self.now.plus(self.pick(&[Duration::from_secs(120), DAY])),
            id,
        };
        let (notice, key) = (self.notice(), NoticeKey::new(NoticeKind::ContactForm, submission.id.as_str()));
        let expires_at = self.now.plus(self.pick(&[Duration::from_secs(60), DAY * 30]));
        (submission, Notice { kind: NoticeKind::ContactForm, key, opened_at: self.now, expires_at, ..notice })
    }

    fn notice_step(&mut self) -> NoticeStep {
        let channel = self.pick(&Channel::ALL);
        let at = self.now.plus(Duration::from_secs(self.roll(200)));
        let tries = Tries {
            attempts: u32::try_from(self.roll(9)).unwrap(),
            not_before_ms: at.get(),
            hopeless: self.roll(2) == 0,
        };
        let progress = Progress { late: self.roll(2) == 0, ..Progress::default() }.with(channel, tries);
        self.pick(&[
            NoticeStep::Again { progress: progress.clone(), at },
            NoticeStep::Again { progress, at },
            NoticeStep::End(NoticeEnd::Told(channel)),
            NoticeStep::End(NoticeEnd::GivenUp),
        ])
    }

    /// A review as somebody might write it over what is known, or over what was.
    fn review(&mut self, known: Option<&ReviewRecord>, uid: &ProviderId) -> ReviewRecord {
        let version = known.map_or(0, |k| k.version) + self.pick(&[0, 1, 1, 1, 2]);
        let by = EventId::try_from(format!("e{}", self.roll(50)).as_str()).unwrap();
        let classes = RatingClass::ALL.map(Some);
        let class = self.pick(&[classes[0], classes[1], classes[2], None]);
        let (platform, location) = (self.pick(&[None, Some("google".to_owned())]), self.location());
        let order = self.order();
        ReviewRecord {
            uid: uid.clone(),
            version: version.max(1),
            rating: Rating::new(u8::try_from(self.roll(6)).unwrap()),
            changed_at: self.now,
            platform,
            location: self.pick(&[None, Some(location)]),
            order: self.pick(&[None, Some(order)]),
            turns: vec![Turn { number: 1 + u32::try_from(self.roll(9)).unwrap(), class, by }],
        }
    }

    fn invite(&mut self) -> Invite {
        let n = self.roll(100);
        Invite { uid: ProviderId::try_from(format!("i{n}").as_str()).unwrap(), url: format!("https://r.example/{n}") }
    }

    fn opt_out(&mut self) -> OptOutChange {
        let at = self.now.minus(Duration::from_secs(self.roll(3) * 60));
        OptOutChange {
            phone: self.phone(),
            flag: self.pick(&OptOutFlag::ALL),
            direction: self.pick(&[Direction::In, Direction::In, Direction::Out]),
            at,
            evidence: Evidence {
                source: self.pick(&OptOutSource::ALL),
                message_id: self.pick(&[None, Some("msg".to_owned())]),
                text_sha256: self.pick(&[None, Some("ab".repeat(32))]),
                recorded_at: self.now,
                by_hand: self.pick(&[None, Some(ByHand { by: "mia".to_owned(), reason: "she called".to_owned() })]),
            },
        }
    }

    fn location(&mut self) -> LocationUid {
        LocationUid::try_from(self.pick(&["loc-1", "loc-2"])).unwrap()
    }

    fn uid(&mut self) -> ProviderId {
        ProviderId::try_from(self.pick(&["c1", "c2"])).unwrap()
    }

    fn book(&mut self) -> LocationBook {
        let fetched_at = self.now.minus(Duration::from_secs(self.roll(300)));
        let country = self.pick(&[None, Some(Region::try_from("AU").unwrap())]);
        let location = KnownLocation { uid: self.location(), name: "Harbour Lane".into(), country };
        let locations = self.pick(&[vec![], vec![location]]);
        LocationBook { fetched_at, locations }
    }

    fn session_key(&mut self) -> SessionKey {
        SessionKey { phone: self.phone(), location: self.location() }
    }

    /// A short life, so that some are over when the next message comes.
    fn session_rules(&mut self) -> SessionRules {
        let keep = self.pick(&[Duration::from_secs(120), DAY]);
        SessionRules { warn_after: Duration::from_secs(60), close_after: Duration::from_secs(90), keep }
    }

    fn message(&mut self) -> SessionMessage {
        let conversation = ConversationUid::try_from("conversation-1").unwrap();
        SessionMessage {
            event: EventId::try_from(format!("w{}", self.roll(50)).as_str()).unwrap(),
            text: self.pick(&[None, Some("blue".to_owned()), Some("size nine".to_owned())]),
            at: self.now.minus(Duration::from_secs(self.roll(3) * 30)),
            conversation: self.pick(&[None, Some(conversation)]),
            webchat: self.roll(3) > 0,
            now: self.now,
            quiet: self.roll(4) == 0,
            imported: self.roll(4) == 0,
        }
    }

    /// What somebody makes of a session that they read, now or a while ago.
    fn next_session(&mut self, key: &SessionKey, known: Option<Session>) -> Option<Session> {
        let lease = self.lease();
        let known = match self.roll(4) {
            0 => self.sessions.iter().rev().find(|s| s.key == *key).cloned().or(known),
            _ => known,
        };
        match (self.roll(9), known) {
            (8, Some(session)) => Some(session.reopened()),
            (2, Some(session)) => Some(session.with_prompt_out()),
            (3, Some(session)) => session.with_closing_begun(lease.owner, lease.now, lease.until),
            (4, Some(session)) => Some(session.with_note_posted()),
            (5, Some(session)) => Some(session.closed()),
            (6, Some(session)) => session.clone().with_hand_back_noted(&session.handed_back),
            (7, Some(_)) => Session::after(None, key, &self.message()),
            (_, known) => Session::after(known, key, &self.message()),
        }
    }
}

const fn inputs() -> Inputs {
    Inputs {
        financial: Financial::Settled,
        fulfillment: true,
        cancelled: false,
        test: false,
        point_of_sale: false,
        b2b: false,
        tag_excluded: false,
        consent: Consent::NotAsked,
        phone: PhoneState::Usable,
        location_mapped: true,
        age_days: Some(1),
        return_open: None,
    }
}

fn message_of(effect: &EffectKey) -> ProviderId {
    ProviderId::try_from(effect.as_str().replace('#', "-").as_str()).unwrap()
}

/// Runs the same call on both and compares the outcomes, which show no row of either store but its meaning.
macro_rules! both {
    ($pair:ident, [$($shown:ident),*] $store:ident.$call:ident($($argument:expr),*)) => {{
        $pair.trail.push(format!("{} {:?}", stringify!($call), ($(&$shown,)*)));
        let expected = { let $store = &$pair.model; $store.$call($($argument),*).await };
        let actual = { let $store = &$pair.real; $store.$call($($argument),*).await };
        let trail = $pair.trail.join("\n");
        assert!(expected == actual, "{trail}\n  model:    {expected:?}\n  DynamoDB: {actual:?}");
        expected
    }};
}

struct Pair<R> {
    model: ModelStore,
    real: R,
    trail: Vec<String>,
    /// Mirrors that were due at some time, as either store named them.
    due: Vec<(MirrorDue, MirrorDue)>,
}

/// Everything both stores promise.
trait Store:
    Inbox
    + Contacts
    + Requests
    + Outbox
    + Limits
    + Sessions
    + Locations
    + Notices
    + ReviewBook
    + Bookmarks
    + Installation
    + Erasure
    + Chats
    + Forms
    + RateWindows
    + Redrives
    + Testimonies
{
}
impl<S> Store for S where
    S: Inbox
        + Contacts
        + Requests
        + Outbox
        + Limits
        + Sessions
        + Locations
        + Notices
        + ReviewBook
        + Bookmarks
        + Installation
        + Erasure
        + Chats
        + Forms
        + RateWindows
        + Redrives
        + Testimonies
{
}

async fn on_events<R: Store>(pair: &mut Pair<R>, dice: &mut Hand) {
    let (event, lease, end, now) = (dice.event(), dice.lease(), dice.end(), dice.now);
    for _ in 0..dice.roll(6) {
        let wish = dice.reopening(event.clone());
        let _ = both!(pair, [wish] s.reopen(&wish));
    }
    match dice.roll(8) {
        0..=2 => {
            let new = dice.new_event();
            let _ = both!(pair, [new] s.accept(&new));
            if let Some(key) = &new.chat {
                let _ = both!(pair, [key, now] s.chat(key, now));
            }
            for change in &new.opt_outs {
                let _ = both!(pair, [change] s.contact(&change.phone));
            }
        }
        3..=4 => {
            let _ = both!(pair, [event, lease] s.claim(&event, &lease));
        }
        5 => {
            let _ = both!(pair, [event, lease, end] s.finish(&event, &lease, &end));
        }
        6 => {
            let since = now.minus(Duration::from_secs(dice.roll(200)));
            let attempt = dice.pick(&[Attempt::Counts, Attempt::Forgiven, Attempt::PutOff { since }]);
            let _ = both!(pair, [event, lease, attempt] s.release(&event, &lease, attempt));
        }
        _ => {
            let shard = Shard::of(&event.to_key());
            for row in both!(pair, [shard, now] s.waiting(shard, now, 25)).unwrap() {
                let _ = both!(pair, [row, now] s.requeue(&row, now));
                let later = now.plus(Duration::from_millis(1));
                let _ = both!(pair, [row, later] s.requeue(&row, later));
            }
        }
    }
}

async fn on_requests<R: Store>(pair: &mut Pair<R>, dice: &mut Hand) {
    let (event, order, lease, now) = (dice.event(), dice.order(), dice.lease(), dice.now);
    match dice.roll(10) {
        0..=3 => {
            let (end, change) = (dice.end(), dice.change());
            let _ = both!(pair, [event, lease, end, change] s.commit(&event, &lease, &end, &change));
        }
        4 => {
            let shard = Shard::of(&order.to_key());
            for row in both!(pair, [shard, now] s.due(shard, now, 25)).unwrap() {
                let next = now.plus(Duration::from_secs(300));
                let _ = both!(pair, [row, next] s.mark_queued(&row, next));
            }
        }
        5..=6 => {
            let _ = both!(pair, [order, lease] s.claim_request(&order, &lease));
        }
        7 => {
            let choice = PlatformChoice { platform: Platform::Google, rule: PlatformRule::Fallback };
            let _ = both!(pair, [order, lease] s.begin_sending(&order, &lease, &choice));
        }
        8 => {
            let until = now.plus(Duration::from_secs(dice.roll(600)));
            let put_off = Postpone { until, why: dice.pick(&[Wait::Clock, Wait::Settling, Wait::Trouble]) };
            let _ = both!(pair, [order, lease, put_off] s.postpone(&order, &lease, &put_off));
        }
        _ => {
            let end = dice.request_end();
            let inputs = dice.pick(&[None, Some(inputs())]);
            let _ = both!(pair, [order, lease, end] s.end_request(&order, &lease, &end, inputs.as_ref()));
        }
    }
    if dice.roll(6) == 0 {
        let _ = both!(pair, [order, now] s.note_reviewed(&order, now));
    }
    let _ = both!(pair, [order] s.request(&order));
}

async fn on_sends<R: Store>(pair: &mut Pair<R>, dice: &mut Hand) {
    let (send, lease, now) = (dice.send(), dice.lease(), dice.now);
    let message = message_of(&send.key);
    match dice.roll(10) {
        9 => {
            let testimony = dice.testimony(&send.key);
            let decided = Decided { by: "Ines".into(), reason: "looked".into(), at: now };
            let _ = both!(pair, [send, testimony] s.testify(&send.key, &testimony, &decided));
            let _ = both!(pair, [send] s.contact(&send.phone));
            if let Some(order) = send.key.requested_order() {
                let _ = both!(pair, [order] s.request(&order));
            }
        }
        0 => {
            let made = dice.invite();
            let _ = both!(pair, [send, made] s.keep_invite(&send, &made));
        }
        1..=2 => {
            let _ = both!(pair, [send, lease] s.begin(&send, &lease));
        }
        3 => {
            let at = now.plus(Duration::from_secs(dice.roll(300)));
            let _ = both!(pair, [send, at] s.plan(&send, at));
        }
        4..=5 => {
            let news = dice.news();
            let _ = both!(pair, [send, news] s.resolve(&send.key, news, now));
            let _ = both!(pair, [send] s.contact(&send.phone));
        }
        6 => {
            let news = dice.news();
            let fact = dice.pick(&[Fact::Ours(send.key.clone()), Fact::News(news), Fact::News(news), Fact::Received]);
            let _ = both!(pair, [message, fact] s.track(&message, &fact, send.expires_at));
        }
        _ => {
            let (owner, settlement) = (lease.owner, dice.settlement(&send.key));
            let _ = both!(pair, [send, owner, settlement] s.settle(&send.key, &owner, &settlement, now));
        }
    }
    let _ = both!(pair, [send] s.outbox_state(&send.key));
    let _ = both!(pair, [send] s.send_row(&send.key));
    let _ = both!(pair, [message] s.tracked(&message));
    attention(pair, dice, &send.key).await;
}

/// Rows of one moment may come in any order.
async fn attention<R: Store>(pair: &mut Pair<R>, dice: &mut Hand, key: &EffectKey) {
    let (shard, before) = (Shard::of(key.as_str()), dice.now.plus(DAY * u32::try_from(dice.roll(3)).unwrap()));
    pair.trail.push(format!("unresolved {shard:?} {before:?}"));
    let sorted = |found: Result<Vec<Unresolved>, StoreError>| {
        let mut found = found.unwrap();
        found.sort_by_key(|u| (u.at, u.key.as_str().to_owned()));
        found
    };
    let expected = sorted(pair.model.unresolved(shard, before, 100).await);
    let actual = sorted(pair.real.unresolved(shard, before, 100).await);
    assert!(expected == actual, "{}\n  model: {expected:?}\n  DynamoDB: {actual:?}", pair.trail.join("\n"));
    if dice.roll(6) == 0 {
        let at = dice.now.plus(Duration::from_secs(dice.roll(300)));
        let next = dice.pick(&[None, Some(at)]);
        let _ = both!(pair, [key, next] s.attend(key, next));
    }
}

async fn on_notices<R: Store>(pair: &mut Pair<R>, dice: &mut Hand) {
    let (key, lease, now) = (dice.notice_key(), dice.lease(), dice.now);
    match dice.roll(6) {
        0..=1 => {
            let notice = dice.notice();
            let _ = both!(pair, [notice] s.open_notice(&notice));
        }
        2..=3 => {
            let _ = both!(pair, [key, lease] s.claim_notice(&key, &lease));
        }
        _ => {
            let step = dice.notice_step();
            let _ = both!(pair, [key, lease, step] s.step_notice(&key, &lease, &step));
        }
    }
    for shard in Shard::all() {
        let sorted = |found: Result<Vec<NoticeDue>, StoreError>| {
            let mut found = found.unwrap();
            found.sort_by_key(|n| (n.at, n.key.clone()));
            found
        };
        let expected = sorted(pair.model.notices_due(shard, now, 100).await);
        let actual = sorted(pair.real.notices_due(shard, now, 100).await);
        assert!(expected == actual, "{}\n  model: {expected:?}\n  DynamoDB: {actual:?}", pair.trail.join("\n"));
    }
}

async fn on_forms<R: Store>(pair: &mut Pair<R>, dice: &mut Hand) {
    let now = dice.now;
    if dice.roll(2) == 0 {
        let client = dice.pick(&["192.0.2.1", "2001:db8::1"]).parse().unwrap();
        let (key, window) = (RateKey::of(dice.pick(&RateScope::ALL), client), Duration::from_secs(1 + dice.roll(300)));
        let rule = RateRule { limit: u32::try_from(dice.roll(5)).unwrap(), window };
        for _ in 0..dice.roll(5) {
            let _ = both!(pair, [key, rule, now] s.admit(&key, rule, now));
        }
        return;
    }
    let (submission, notice) = dice.submission();
    let _ = both!(pair, [submission, notice] s.submit(&submission, &notice));
    let _ = both!(pair, [submission, now] s.submission(&submission.id, now));
}

async fn on_reviews<R: Store>(pair: &mut Pair<R>, dice: &mut Hand) {
    let now = dice.now;
    match dice.roll(6) {
        0 => {
            let at = now.minus(Duration::from_secs(dice.roll(100)));
            if dice.roll(2) == 0 {
                let _ = both!(pair, [at] s.note_uninstalled(at));
            } else {
                let _ = both!(pair, [at] s.note_installed(at));
            }
            let _ = both!(pair, [] s.uninstalled_at());
        }
        1 => {
            let feed = dice.pick(&Feed::ALL);
            let cursor = dice.pick(&[None, Some("page 2".to_owned())]);
            let under_way = dice.pick(&[None, Some(Comparison { from: now.minus(DAY), to: now, cursor })]);
            let bookmark = Bookmark { done_to: now, under_way };
            let _ = both!(pair, [feed, bookmark] s.keep_bookmark(feed, &bookmark));
            for feed in Feed::ALL {
                let _ = both!(pair, [feed] s.bookmark(feed));
            }
        }
        _ => {
            let uid = ProviderId::try_from(dice.pick(&["rev-1", "rev-2"])).unwrap();
            let known = both!(pair, [uid] s.review(&uid)).unwrap();
            let record = dice.review(known.as_ref(), &uid);
            let _ = both!(pair, [record] s.save_review(&record));
            if dice.roll(3) == 0 {
                let _ = both!(pair, [record] s.save_review(&record));
            }
            let _ = both!(pair, [uid] s.review(&uid));
        }
    }
}

/// Everything of a place, page by page.
async fn everything(store: &impl Erasure, place: Place) -> Vec<KeptRow> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = store.kept(place, after.as_deref()).await.unwrap();
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for row in &mut rows {
        row.ids.sort();
        row.texts.sort();
        // Of a row without a body and of one whose body was taken out nothing can be found alike.
        row.body = row.body.take().filter(|body| !body.is_empty());
    }
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    rows
}

async fn on_erasures<R: Store>(pair: &mut Pair<R>, dice: &mut Hand) {
    let place = dice.pick(&Place::ALL);
    let expected = everything(&pair.model, place).await;
    let actual = everything(&pair.real, place).await;
    let show = |rows: &[KeptRow]| {
        let row = |r: &KeptRow| format!("{} {:?} {:?} {:?} {:?} {:?}", r.key, r.texts, r.phone, r.email, r.body, r.ids);
        rows.iter().map(row).collect::<Vec<_>>().join("\n    ")
    };
    let trail = pair.trail.join("\n");
    let (shown, other) = (show(&expected), show(&actual));
    assert!(expected == actual, "{trail}\n{place:?}\n  model:\n    {shown}\n  DynamoDB:\n    {other}");
    if dice.roll(3) > 0 {
        return;
    }
    if !expected.is_empty() && dice.roll(3) > 0 {
        let key = dice.pick(&expected).key;
        let _ = both!(pair, [place, key] s.wipe(place, &key));
    } else {
        let phone = dice.phone();
        let _ = both!(pair, [phone] s.erase_contact(&phone));
        let _ = both!(pair, [phone] s.contact(&phone));
    }
}

async fn on_sessions<R: Store>(pair: &mut Pair<R>, dice: &mut Hand) {
    let (key, now, rules) = (dice.session_key(), dice.now, dice.session_rules());
    match dice.roll(8) {
        0 => {
            let shard = key.shard();
            let _ = both!(pair, [shard, now] s.sessions_due(shard, now, 25));
        }
        1 => {
            let book = dice.book();
            let _ = both!(pair, [book] s.keep_locations(&book));
            let _ = both!(pair, [] s.locations());
        }
        _ => {
            let known = both!(pair, [key, now] s.session(&key, now)).unwrap();
            if let Some(next) = dice.next_session(&key, known) {
                let _ = both!(pair, [next, rules, now] s.save_session(&next, &rules, now));
                dice.sessions.push(next);
                if dice.sessions.len() > 6 {
                    dice.sessions.remove(0);
                }
            }
            let _ = both!(pair, [key, now] s.session(&key, now));
        }
    }
}

async fn on_chats<R: Store>(pair: &mut Pair<R>, dice: &mut Hand) {
    // Some are forgotten before the next message comes; a mark alone counts for three days.
    let late = dice.pick(&[Duration::ZERO, Duration::ZERO, DAY * 2, DAY * 4]);
    let (key, now) = (dice.chat_key(), dice.now);
    let known = both!(pair, [key, now] s.chat(&key, now)).unwrap();
    let next = dice.next_chat(known);
    let keep = dice.pick(&[Duration::from_secs(120), DAY * 5]);
    for _ in 0..1 + dice.roll(2) {
        let _ = both!(pair, [next, keep, now] s.save_chat(&next, keep, now));
    }
    let then = now.plus(late);
    let _ = both!(pair, [key, then] s.chat(&key, then));
    dice.chats.push(next);
    if dice.chats.len() > 6 {
        dice.chats.remove(0);
    }
}

/// The names of changes are each store's own; everything else about a mirror is compared.
async fn on_mirrors<R: Store>(pair: &mut Pair<R>, dice: &mut Hand) {
    let (phone, now) = (dice.phone(), dice.now);
    let shard = Shard::of(phone.expose());
    pair.trail.push(format!("mirrors_due {shard:?} {now:?}"));
    let mut due =
        [pair.model.mirrors_due(shard, now, 25).await.unwrap(), pair.real.mirrors_due(shard, now, 25).await.unwrap()];
    for found in &mut due {
        found.sort_by_key(|d| (d.at, d.phone.clone()));
    }
    let [model, real] = due;
    let bare = |d: &MirrorDue| (d.phone.clone(), d.at, d.attempts);
    let (expected, actual): (Vec<_>, Vec<_>) = (model.iter().map(bare).collect(), real.iter().map(bare).collect());
    assert!(expected == actual, "{}\n  model: {expected:?}\n  DynamoDB: {actual:?}", pair.trail.join("\n"));
    pair.due.extend(model.into_iter().zip(real));
    let surplus = pair.due.len().saturating_sub(6);
    pair.due.drain(..surplus);
    if pair.due.is_empty() || dice.roll(3) == 0 {
        return;
    }
    let (ours, theirs) = dice.pick(&pair.due);
    let at = now.plus(Duration::from_secs(dice.roll(200)));
    let outcome = dice.pick(&[
        MirrorOutcome::Told { out: true },
        MirrorOutcome::Told { out: false },
        MirrorOutcome::NoContact,
        MirrorOutcome::Later { at },
    ]);
    pair.trail.push(format!("settle_mirror {ours:?} {outcome:?}"));
    if dice.roll(2) == 0 {
        pair.model.note_telling(&ours.phone).await.unwrap();
        pair.real.note_telling(&ours.phone).await.unwrap();
    }
    pair.model.settle_mirror(&ours, &outcome).await.unwrap();
    pair.real.settle_mirror(&theirs, &outcome).await.unwrap();
    let phone = ours.phone;
    let _ = both!(pair, [phone] s.contact(&phone));
}

async fn on_contacts<R: Store>(pair: &mut Pair<R>, dice: &mut Hand) {
    let (phone, intent, now) = (dice.phone(), dice.effect(), dice.now);
    match dice.roll(19) {
        18 => {
            let _ = both!(pair, [phone, now] s.flag_for_review(&phone, now));
        }
        12..=13 => {
            let meeting = Meeting {
                phone: phone.clone(),
                first_name: dice.pick(&[None, Some("Mia".to_owned()), Some("Maria".to_owned())]),
                last_name: dice.pick(&[None, Some("Tennant".to_owned())]),
                location: dice.location(),
                now,
            };
            let _ = both!(pair, [meeting] s.meet(&meeting));
        }
        14..=15 => {
            let uid = dice.uid();
            let link = PodiumLink { uid: dice.pick(&[None, Some(uid)]) };
            let _ = both!(pair, [phone, link] s.link_podium(&phone, &link, now));
        }
        16 => {
            let uid = dice.uid();
            let _ = both!(pair, [phone, uid] s.unlink_podium(&phone, &uid));
        }
        17 => {
            let (what, limit) = dice.pick(&[("location_rejections", 3), ("locations_stale", 1)]);
            let tally = Tally { what, now, window: Duration::from_secs(300), limit };
            let _ = both!(pair, [tally] s.tally(&tally));
        }
        0..=3 => {
            let change = dice.opt_out();
            let _ = both!(pair, [change] s.record_opt_out(&change));
        }
        4..=7 => {
            let window = dice.pick(&[Duration::ZERO, Duration::from_secs(100), DAY]);
            let hold = Hold { phone: phone.clone(), intent, now, window };
            let _ = both!(pair, [hold] s.hold(&hold));
        }
        8..=9 => {
            let _ = both!(pair, [phone, intent] s.release_hold(&phone, &intent));
        }
        10 if dice.roll(5) == 0 => {
            let why = dice.pick(&[NotTextable::InvalidPhone, NotTextable::Landline]);
            let _ = both!(pair, [phone, why] s.mark_not_textable(&phone, why, now));
        }
        _ => {
            let provider = dice.pick(&[Provider::Podium, Provider::Shopify]);
            let until = now.plus(Duration::from_secs(dice.roll(300)));
            let _ = both!(pair, [provider, until] s.pause(provider, until));
            let _ = both!(pair, [provider, now] s.paused_until(provider, now));
        }
    }
    let _ = both!(pair, [phone] s.contact(&phone));
}

#[tokio::test]
async fn the_model_and_dynamodb_answer_alike() {
    let base: u64 = std::env::var("FRONTDESK_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    for seed in base..base + 15 {
        let tables = Tables::start().await;
        let mut pair = Pair {
            model: ModelStore::default(),
            real: tables.store(),
            trail: vec![format!("seed {seed}")],
            due: vec![],
        };
        let mut dice = Hand::new(seed);
        for _ in 0..LENGTH {
            if dice.roll(4) == 0 {
                dice.now = dice.now.plus(Duration::from_secs(dice.roll(120)));
            }
            match dice.roll(16) {
                12..=13 => on_chats(&mut pair, &mut dice).await,
                14..=15 => on_forms(&mut pair, &mut dice).await,
                0 => on_events(&mut pair, &mut dice).await,
                1 => on_requests(&mut pair, &mut dice).await,
                2..=4 => on_sends(&mut pair, &mut dice).await,
                5 => on_sessions(&mut pair, &mut dice).await,
                6 => on_mirrors(&mut pair, &mut dice).await,
                7 => on_notices(&mut pair, &mut dice).await,
                8 => on_reviews(&mut pair, &mut dice).await,
                9 => on_erasures(&mut pair, &mut dice).await,
                _ => on_contacts(&mut pair, &mut dice).await,
            }
        }
    }
}
