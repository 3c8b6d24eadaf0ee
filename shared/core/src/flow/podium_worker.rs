//! A Podium event out of the inbox: who wrote, to which location, and what follows.
//!
//! The order is fixed (design, section 6): opt-out words before anything that could go wrong, then location, phone,
//! attachments, contact, session, and only then perhaps an answer. Every step can be repeated, so an event that was
//! begun and not finished is simply worked on again.

use super::{
    count,
    ingest::report_opt_out,
    locations::{LocationRules, RefreshLocations},
    report_blocked, respect,
    say::{Said, Speaker, SpeakerRules, Utterance},
    sessions::{Called, after_call, note_of, report_damage},
    worker::{Shell, WorkError, WorkerRules},
};
use crate::{
    contact::{Contact, Contacts, Direction, Meeting, Objection, OptOutChange, OptOutFlag, OptOutRecord, PodiumLink},
    directory::{KnownLocation, LocationBook, Locations},
    ids::{ConversationUid, EffectKey, Ids, LocationUid},
    inbox::{EventEnd, Inbox, InboxKey, LeasedEvent, RejectReason},
    keyword::KeywordAnswers,
    outbox::Outbox,
    phone::E164Phone,
    podium::{
        self, Attachment, Channel, ClaimedSize, ContactChange, ContactEvent, LocationClaim, Message, OptOutNews,
        PodiumEvent, What,
    },
    provider::{
        Attachments, CallFailure, ContactBook, ContactHandle, Created, Desk, Limits, ListedContact, LocationList,
        Measured, Messages, NewContact, NotDone, Provider, Say, Tally,
    },
    session::{Session, SessionKey, SessionMessage, SessionRules, SessionStatus, Sessions},
    store::{Fenced, Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
    webchat::{AttachmentProblem, WebchatCode},
    wish::{self, ExtraWords, Wish},
};
use std::time::Duration;

/// How often Podium is asked again for a contact that it says exists and does not show.
const REFETCHES: u32 = 3;
/// How often a session is tried against somebody else's change.
const SESSION_TRIES: u32 = 6;
/// How many attachments of one message are looked at: each is a call to somebody's host.
const MEASURED_MAX: u32 = 10;
/// After so long no further one of a message is looked at; the function has other messages too.
const MEASURING_FOR: Duration = Duration::from_secs(8);
/// How long after its arrival a message waits for such a host.
const MEASURE_FOR: Duration = Duration::from_secs(900);
/// Within so long the row of our own send is written and found, whatever overtook it.
const OWN_ROW_WITHIN: Duration = Duration::from_secs(600);
/// Messages of a session that are answered by themselves.
const ANSWERED_MAX: u32 = 20;
/// Podium and carriers confirm an opt-out themselves, within minutes; that message is no breach of it.
const CONFIRMATION_SPAN: Duration = Duration::from_secs(300);

/// What is answered to a customer's message by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyMode {
    /// Nothing.
    Off,
    /// One confirmation a session.
    Confirmation,
    /// Answers by keyword; a confirmation where there is none.
    Agent(KeywordAnswers),
}

/// How large attachments may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttachmentRules {
    /// The limit in bytes.
    pub bytes_max: u64,
    /// Whether it is for all attachments of a message together; else for each.
    pub in_sum: bool,
}

/// Many rejected messages in a short time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BurstRules {
    /// So many.
    pub limit: u32,
    /// In so long.
    pub window: Duration,
}

/// The rules of the message flows.
#[derive(Clone, Debug)]
pub struct ChatRules {
    /// The shop's own words for STOP.
    pub extra_words: ExtraWords,
    /// Sessions.
    pub sessions: SessionRules,
    /// Attachments.
    pub attachments: AttachmentRules,
    /// The list of locations.
    pub locations: LocationRules,
    /// Rejections.
    pub burst: BurstRules,
    /// Answers.
    pub reply: ReplyMode,
    /// The confirmation; `{location_name}` is filled in.
    pub confirmation: String,
    /// How messages are sent.
    pub speaker: SpeakerRules,
}

/// What the worker needs.
#[derive(Debug)]
pub struct PodiumWorker<'a, S, P, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// Podium.
    pub podium: &'a P,
    /// Time.
    pub clock: &'a C,
    /// Lease owners.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// The shop's rules.
    pub chat: &'a ChatRules,
    /// Limits.
    pub rules: WorkerRules,
}

/// An event in hand.
struct Held<'a> {
    key: &'a InboxKey,
    received_at: UnixMillis,
    event: &'a PodiumEvent,
}

/// What Podium says about a contact.
enum Found {
    Listed(ListedContact),
    Absent,
    CannotTell,
}

/// How an event ends, and what the audit line says about it.
enum End {
    Done(&'static str),
    Rejected(RejectReason),
}

/// Either a value to go on with, or the end of the road.
type Step<T> = Result<T, Stop>;

enum Stop {
    End(End),
    Error(WorkError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl From<WorkError> for Stop {
    fn from(error: WorkError) -> Self {
        Self::Error(error)
    }
}

impl<S, P, C, I, T> PodiumWorker<'_, S, P, C, I, T>
where
    S: Inbox + Contacts + Outbox + Limits + Locations + Sessions,
    P: ContactBook + LocationList + Desk + Messages + Attachments,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on the event of a key.
    ///
    /// # Errors
    /// When a table or Podium cannot be used; the message must come again.
    pub async fn handle(&self, key: &InboxKey) -> Result<(), WorkError> {
        self.shell().run(key, async |event, lease, body| self.work(event, lease, &body).await).await
    }

    fn shell(&self) -> Shell<'_, S, C, I, T> {
        let Self { store, clock, ids, telemetry, rules, .. } = *self;
        Shell { store, clock, ids, telemetry, rules }
    }

    async fn work(&self, row: &LeasedEvent, lease: &Lease, body: &[u8]) -> Result<(), WorkError> {
        let event = match podium::parse(body) {
            Ok(event) => event,
            Err(reason) => return self.shell().finish(&row.key, lease, &EventEnd::Rejected(reason)).await,
        };
        let held = Held { key: &row.key, received_at: row.received_at, event: &event };
        let end = match self.carry_out(&held).await {
            Ok(end) | Err(Stop::End(end)) => end,
            Err(Stop::Error(error)) => return Err(error),
        };
        self.audit(&held, &end);
        let end = match end {
            End::Done(word) => EventEnd::Done(word),
            End::Rejected(reason) => EventEnd::Rejected(reason),
        };
        self.shell().finish(&row.key, lease, &end).await
    }

    async fn carry_out(&self, held: &Held<'_>) -> Step<End> {
        let opted_out = self.opt_outs(held).await?;
        match &held.event.what {
            What::Received(_) if opted_out => Ok(End::Done("opted_out")),
            What::Received(message) => self.received(held, message).await,
            What::Sent(message) => self.sent(held, message).await,
            What::Failed { .. } | What::InvitationFailed { .. } if opted_out => Ok(End::Done("opted_out_by_provider")),
            What::Failed { .. } | What::InvitationFailed { .. } => Ok(End::Done("noted")),
            What::Contact(contact) => self.contact_changed(held, contact).await,
            What::Other => Ok(End::Done("nothing_to_do")),
        }
    }

    /// Writes down what the event says about opt-outs. The endpoint did, for all that it could attribute; doing it again
    /// changes nothing. Says whether somebody wants no more messages.
    async fn opt_outs(&self, held: &Held<'_>) -> Step<bool> {
        let mut news = OptOutNews::of(held.event, &self.chat.extra_words, None, held.received_at);
        if news == OptOutNews::NeedsLocations {
            let (book, certain) = self.book_for(held).await?;
            news = OptOutNews::of(held.event, &self.chat.extra_words, Some(&book), held.received_at);
            let says_out = |c: &OptOutChange| c.direction == Direction::Out;
            if !certain && matches!(&news, OptOutNews::Changes(changes) if changes.iter().any(says_out)) {
                // Those in question are left alone, and a person is told to look whether they are the right ones.
                self.report_unattributed(held);
            }
        }
        let changes = match news {
            OptOutNews::Nothing => return Ok(false),
            OptOutNews::Changes(changes) => changes,
            OptOutNews::NeedsLocations | OptOutNews::WithoutPhone => self.attribute(held).await?,
        };
        for change in &changes {
            self.store.record_opt_out(change).await?;
        }
        Ok(changes.iter().any(|c| c.direction == Direction::Out))
    }

    /// Asks who it is that wants no more messages, when the event has no number that could be told.
    async fn attribute(&self, held: &Held<'_>) -> Step<Vec<OptOutChange>> {
        let phones = match &held.event.what {
            What::InvitationFailed { invitation: Some(id), .. } => {
                self.store.recipient_of(id).await?.into_iter().collect()
            }
            What::Received(message) | What::Failed { message, .. } => self.phones_of(message).await?,
            What::InvitationFailed { invitation: None, .. } | What::Sent(_) | What::Contact(_) | What::Other => {
                Vec::new()
            }
        };
        if phones.is_empty() {
            let too_soon = self.clock.now() < held.received_at.plus(OWN_ROW_WITHIN);
            if too_soon && matches!(held.event.what, What::InvitationFailed { .. }) {
                let detail = "the failed invitation is none that is on record yet".to_owned();
                return Err(Stop::Error(WorkError::Provider(NotDone::Unavailable {
                    provider: Provider::Podium,
                    detail,
                })));
            }
            self.report_unattributed(held);
            return Err(Stop::End(End::Rejected(RejectReason::UnattributedOptOut)));
        }
        let make = |phone: E164Phone| {
            let mut change = super::say::opted_out_at_podium(&phone, held.received_at);
            if let What::Received(message) = &held.event.what {
                change.evidence.source = message.channel.source();
                change.evidence.text_sha256 = message.text_sha256();
                change.evidence.message_id = message.uid.as_ref().map(|u| u.as_str().to_owned());
                change.at = held.event.occurred_at.unwrap_or(held.received_at).min(held.received_at);
            }
            report_opt_out(self.telemetry, held.key, &change);
            change
        };
        Ok(phones.into_iter().map(make).collect())
    }

    fn report_unattributed(&self, held: &Held<'_>) {
        self.telemetry.count(Metric::OptOutUnattributed, None);
        self.telemetry.line(
            Line::error("somebody wants no more messages, and it cannot be told for certain who; a person has to look")
                .code(WebchatCode::OptOutReceived.as_str())
                .id("event.id", &held.key.to_key()),
        );
    }

    /// The locations by which a number without its country is read, and whether they say so for certain: the location
    /// that the message names is one of them.
    async fn book_for(&self, held: &Held<'_>) -> Step<(LocationBook, bool)> {
        let named = match &held.event.what {
            What::Received(message) => match &message.location {
                LocationClaim::Named(uid) => Some(uid),
                LocationClaim::Missing | LocationClaim::Unreadable => None,
            },
            What::Sent(_) | What::Failed { .. } | What::Contact(_) | What::InvitationFailed { .. } | What::Other => {
                None
            }
        };
        let certain = |book: &LocationBook| named.is_some_and(|uid| book.get(uid).is_some_and(|l| l.country.is_some()));
        let book = self.store.locations().await?;
        if let Some(book) = book.as_ref().filter(|b| certain(b)) {
            return Ok((book.clone(), true));
        }
        let fresh = |at: UnixMillis| self.clock.now().since(at) < self.chat.locations.fresh_for;
        if let Some(book) = book.as_ref().filter(|b| fresh(b.fetched_at)) {
            return Ok((book.clone(), false));
        }
        // The endpoint had to guess without this list, and may have guessed wrong.
        let book = self.refresh().run().await?.map_err(WorkError::Provider)?;
        Ok((book, false))
    }

    fn refresh(&self) -> RefreshLocations<'_, S, P, C, T> {
        RefreshLocations {
            store: self.store,
            list: self.podium,
            clock: self.clock,
            telemetry: self.telemetry,
            rules: self.chat.locations,
        }
    }

    async fn phones_of(&self, message: &Message) -> Step<Vec<E164Phone>> {
        let handle = match (&message.conversation, &message.email) {
            (Some(conversation), _) => ContactHandle::Conversation(conversation.clone()),
            (None, Some(email)) => ContactHandle::Email(email.clone()),
            (None, None) => return Ok(Vec::new()),
        };
        self.not_paused().await?;
        match self.podium.contact_of(&handle).await {
            Ok(found) => Ok(found.map(|c| c.phones).unwrap_or_default()),
            Err(CallFailure::NotDone(why)) => Err(self.later(why).await?),
            Err(CallFailure::Refused { .. }) => Ok(Vec::new()),
        }
    }

    async fn received(&self, held: &Held<'_>, message: &Message) -> Step<End> {
        let location = self.location(message).await?;
        let phone = match message.customer(location.country) {
            Ok(phone) => phone,
            // E-mail and the social networks: Podium's inbox has it, and nothing of ours is about it.
            Err(None) if message.channel == Channel::Other => return Ok(End::Done("no_phone_channel")),
            Err(None) => return Err(rejected(RejectReason::MissingPhone)),
            Err(Some(why)) => return Err(rejected(RejectReason::InvalidPhone(why))),
        };
        self.attachments(held, &message.attachments).await?;
        let contact = self.contact(held, message, &phone, &location).await?;
        let session = self.session(held, message, &phone, &location).await?;
        if let Some(objection @ Objection::OptedOut(_)) = contact.closed_to_messages() {
            report_blocked(self.telemetry, &phone, "answer", &objection);
            return Ok(End::Done("kept_for_staff"));
        }
        if self.wish(message) == Wish::Unsure {
            self.ask_staff(held, message).await?;
        } else {
            self.answer(held, message, &phone, &location, session.as_ref()).await?;
        }
        self.telemetry.count(Metric::MessageIngested, None);
        Ok(End::Done("ingested"))
    }

    /// The location: required, known, never guessed. One that is not on the list makes us load the list again, once.
    async fn location(&self, message: &Message) -> Step<KnownLocation> {
        let uid = match &message.location {
            LocationClaim::Named(uid) => uid,
            LocationClaim::Missing => return Err(self.misrouted(RejectReason::MissingLocation).await?),
            LocationClaim::Unreadable => return Err(self.misrouted(RejectReason::UnknownLocation).await?),
        };
        let book = self.store.locations().await?;
        if let Some(known) = book.as_ref().and_then(|b| b.get(uid)) {
            self.refresh().report_if_stale(book.as_ref()).await?;
            return Ok(known.clone());
        }
        let fresh = |at: UnixMillis| self.clock.now().since(at) < self.chat.locations.fresh_for;
        if !book.as_ref().is_some_and(|b| fresh(b.fetched_at)) {
            // Without an answer the location is neither known nor unknown: the message waits.
            let book = self.refresh().run().await?.map_err(WorkError::Provider)?;
            if let Some(known) = book.get(uid) {
                return Ok(known.clone());
            }
        }
        Err(self.misrouted(RejectReason::UnknownLocation).await?)
    }

    async fn misrouted(&self, reason: RejectReason) -> Result<Stop, StoreError> {
        let BurstRules { limit, window } = self.chat.burst;
        let tally = Tally { what: "location_rejections", now: self.clock.now(), window, limit };
        if self.store.tally(&tally).await? {
            let code = WebchatCode::LocationRejectionBurst;
            count(self.telemetry, code);
            self.telemetry.line(
                Line::error("many messages name no usable location; is a page's widget set up wrongly?")
                    .code(code.as_str())
                    .number("rejections", i64::from(limit))
                    .number("window_s", i64::try_from(window.as_secs()).unwrap_or(i64::MAX)),
            );
        }
        Ok(rejected(reason))
    }

    async fn attachments(&self, held: &Held<'_>, attached: &[Attachment]) -> Step<()> {
        let AttachmentRules { bytes_max, in_sum } = self.chat.attachments;
        let (mut sum, mut asked) = (0_u64, 0);
        // A host that stays away must not hold up what the customer wrote.
        let began_at = self.clock.now();
        let patient = began_at < held.received_at.plus(MEASURE_FOR);
        for attachment in attached {
            let bytes = match (attachment.size, &attachment.url) {
                (ClaimedSize::Bytes(bytes), _) => bytes,
                (ClaimedSize::Unusable, _) | (ClaimedSize::Absent, None) => {
                    return Err(rejected(RejectReason::Attachment(AttachmentProblem::NoSize)));
                }
                (ClaimedSize::Absent, Some(url)) => {
                    asked += 1;
                    let enough = asked > MEASURED_MAX || self.clock.now() > began_at.plus(MEASURING_FOR);
                    let measured =
                        if enough || !patient { Ok(Measured::Unknown) } else { self.podium.measure(url).await };
                    match measured {
                        Ok(Measured::Bytes(bytes)) => bytes,
                        Err(why) => return Err(Stop::Error(WorkError::Provider(why))),
                        Ok(Measured::Unknown) => {
                            // Podium took it, so it is within Podium's limit; only we cannot tell.
                            self.telemetry.count(Metric::AttachmentUnchecked, None);
                            self.telemetry.line(Line::warn("an attachment's size could not be looked up"));
                            0
                        }
                    }
                }
            };
            if bytes > bytes_max {
                return Err(rejected(RejectReason::Attachment(AttachmentProblem::OneTooLarge { bytes })));
            }
            sum = sum.saturating_add(bytes);
        }
        if in_sum && sum > bytes_max {
            return Err(rejected(RejectReason::Attachment(AttachmentProblem::SumTooLarge { bytes: sum })));
        }
        Ok(())
    }

    /// One row here, then one contact there. Podium is asked only while it is not known to have one.
    async fn contact(
        &self,
        held: &Held<'_>,
        message: &Message,
        phone: &E164Phone,
        location: &KnownLocation,
    ) -> Step<Contact> {
        let meeting = Meeting {
            phone: phone.clone(),
            first_name: message.first_name.clone(),
            last_name: message.last_name.clone(),
            location: location.uid.clone(),
            now: self.clock.now(),
        };
        let mut contact = self.store.meet(&meeting).await?;
        if contact.podium.is_some() {
            return Ok(contact);
        }
        self.not_paused().await?;
        let link = match self.find(phone, Some(&location.uid)).await? {
            Found::Listed(found) => {
                let never_said = !contact.opt_outs.iter().any(|(flag, _)| *flag == OptOutFlag::Keyword);
                if found.opted_out && never_said {
                    // They told Podium before we were there.
                    let change = super::say::opted_out_at_podium(phone, held.received_at);
                    self.store.record_opt_out(&change).await?;
                    report_opt_out(self.telemetry, held.key, &change);
                    contact.opt_outs.push((change.flag, OptOutRecord::of(&change)));
                }
                Some(PodiumLink { uid: Some(found.uid) })
            }
            Found::Absent => self.create(&meeting, location).await?,
            // Made blindly, it might be one that is there, and lose its name.
            Found::CannotTell => None,
        };
        if let Some(link) = link {
            self.store.link_podium(phone, &link, self.clock.now()).await?;
        }
        Ok(contact)
    }

    async fn find(&self, phone: &E164Phone, location: Option<&LocationUid>) -> Step<Found> {
        match self.podium.find_contact(phone, location).await {
            Ok(found) => Ok(found.map_or(Found::Absent, Found::Listed)),
            Err(CallFailure::NotDone(why)) => Err(self.later(why).await?),
            Err(refused @ CallFailure::Refused { .. }) => {
                self.telemetry.line(Line::warn("Podium does not show a contact").phone(phone).detail(&refused));
                Ok(Found::CannotTell)
            }
        }
    }

    /// Makes the contact; when somebody else just did, theirs is the one.
    async fn create(&self, meeting: &Meeting, location: &KnownLocation) -> Step<Option<PodiumLink>> {
        let new = NewContact {
            phone: meeting.phone.clone(),
            first_name: meeting.first_name.clone(),
            last_name: meeting.last_name.clone(),
            location: location.uid.clone(),
        };
        match self.podium.create_contact(&new).await {
            Ok(Created::Made { uid }) => return Ok(Some(PodiumLink { uid })),
            Ok(Created::Exists) => {}
            Err(CallFailure::NotDone(why)) => return Err(self.later(why).await?),
            Err(refused @ CallFailure::Refused { .. }) => {
                self.telemetry
                    .line(Line::warn("Podium does not take a contact").phone(&meeting.phone).detail(&refused));
                return Ok(None);
            }
        }
        for _ in 0..REFETCHES {
            // At whichever location.
            if let Found::Listed(found) = self.find(&meeting.phone, None).await? {
                return Ok(Some(PodiumLink { uid: Some(found.uid) }));
            }
        }
        // The message goes on without; the next one of this person tries again.
        let code = WebchatCode::ContactConflict;
        count(self.telemetry, code);
        self.telemetry.line(
            Line::error("Podium says that a contact exists and does not show it")
                .code(code.as_str())
                .phone(&meeting.phone),
        );
        Ok(None)
    }

    /// Adds the message to its session. Against somebody else's change it is tried again on top of that.
    async fn session(
        &self,
        held: &Held<'_>,
        message: &Message,
        phone: &E164Phone,
        location: &KnownLocation,
    ) -> Step<Option<Session>> {
        let key = SessionKey { phone: phone.clone(), location: location.uid.clone() };
        let at = held.event.occurred_at.unwrap_or(held.received_at).min(held.received_at);
        let what = SessionMessage {
            event: message.name(&held.event.id),
            text: message.text.clone(),
            at,
            conversation: message.conversation.clone(),
            webchat: message.channel == Channel::Webchat,
            now: self.clock.now(),
            quiet: self.wish(message) == Wish::Unsure,
        };
        for _ in 0..SESSION_TRIES {
            let now = self.clock.now();
            let earlier = self.store.session(&key, now).await?;
            if let Some(earlier) = &earlier {
                report_damage(self.telemetry, earlier);
            }
            let Some(session) = Session::after(earlier.clone(), &key, &what) else {
                return match earlier {
                    Some(session) => self.settle_session(session).await,
                    None => Ok(None),
                };
            };
            if self.store.save_session(&session, &self.chat.sessions, now).await? == Fenced::Written {
                return self.settle_session(session).await;
            }
        }
        let detail = "the session was changed by others at every try".to_owned();
        Err(StoreError::Unavailable { table: "sessions", detail }.into())
    }

    /// Opens the conversation again that was closed for silence, and tells the agent what the person had answered before.
    async fn settle_session(&self, session: Session) -> Step<Option<Session>> {
        let Some(conversation) = session.conversation.clone() else { return Ok(Some(session)) };
        let session = if session.reopen { self.reopen(session, &conversation).await? } else { session };
        if session.handed_back.is_empty() {
            return Ok(Some(session));
        }
        self.not_paused().await?;
        let note = note_of("The customer is back. Their answers in the chat before:", &session.handed_back);
        let outcome = self.podium.note(&conversation, &note).await;
        match after_call(self.store, self.telemetry, self.clock, outcome).await? {
            Called::Done => self.noted(session).await,
            // The answers stay; the next message tries to hand them over again.
            Called::Refused => Ok(Some(session)),
            Called::Later(why) => Err(Stop::Error(WorkError::Provider(why))),
        }
    }

    async fn reopen(&self, session: Session, conversation: &ConversationUid) -> Step<Session> {
        self.not_paused().await?;
        let outcome = self.podium.set_closed(conversation, false).await;
        if let Called::Later(why) = after_call(self.store, self.telemetry, self.clock, outcome).await? {
            return Err(Stop::Error(WorkError::Provider(why)));
        }
        let open = session.clone().reopened();
        match self.store.save_session(&open, &self.chat.sessions, self.clock.now()).await? {
            Fenced::Written => Ok(open),
            // Somebody else's change; whoever sees the mark next opens it once more, which changes nothing.
            Fenced::Lost => Ok(session),
        }
    }

    async fn noted(&self, session: Session) -> Step<Option<Session>> {
        let noted = session.handed_back.clone();
        let mut session = session;
        for _ in 0..SESSION_TRIES {
            let Some(done) = session.clone().with_hand_back_noted(&noted) else { return Ok(Some(session)) };
            let now = self.clock.now();
            if self.store.save_session(&done, &self.chat.sessions, now).await? == Fenced::Written {
                return Ok(Some(done));
            }
            // The clock or another message changed it meanwhile.
            match self.store.session(&session.key, now).await? {
                Some(newer) => session = newer,
                None => return Ok(None),
            }
        }
        Ok(Some(session))
    }

    async fn answer(
        &self,
        held: &Held<'_>,
        message: &Message,
        phone: &E164Phone,
        location: &KnownLocation,
        session: Option<&Session>,
    ) -> Step<()> {
        let Some(session) = session.filter(|s| s.status == SessionStatus::Open) else { return Ok(()) };
        let text = message.text.as_deref().unwrap_or_default();
        let (key, words, kind) = match &self.chat.reply {
            ReplyMode::Off => return Ok(()),
            // Whose number it is that somebody typed into a page is not proved; it is not to be flooded.
            ReplyMode::Agent(_) if session.spell > ANSWERED_MAX => return Ok(()),
            ReplyMode::Agent(answers) if let Some(words) = answers.find(text) => {
                (EffectKey::answer(&message.name(&held.event.id)), words, "answer")
            }
            ReplyMode::Confirmation | ReplyMode::Agent(_) => {
                (EffectKey::confirmation(&session.id), self.chat.confirmation.as_str(), "confirmation")
            }
        };
        let what = Utterance {
            key,
            phone: phone.clone(),
            say: Say {
                location: location.uid.clone(),
                conversation: session.conversation.clone(),
                text: words.replace("{location_name}", &location.name),
            },
            kind,
        };
        let speaker = Speaker {
            store: self.store,
            messages: self.podium,
            clock: self.clock,
            ids: self.ids,
            telemetry: self.telemetry,
            rules: self.chat.speaker,
        };
        match speaker.say(&what).await? {
            Said::Silent(objection) => report_blocked(self.telemetry, phone, kind, &objection),
            Said::Later(why) => return Err(Stop::Error(WorkError::Provider(why))),
            // Whether it is out is asked at the next attempt; nothing of this event is done twice by that.
            Said::Pending => {
                let detail = "it is not clear yet whether an answer was sent".to_owned();
                return Err(Stop::Error(WorkError::Provider(NotDone::Unavailable {
                    provider: Provider::Podium,
                    detail,
                })));
            }
            Said::Out | Said::Refused | Said::Unknown => {}
        }
        Ok(())
    }

    fn wish(&self, message: &Message) -> Wish {
        wish::read(message.text.as_deref().unwrap_or_default(), &self.chat.extra_words)
    }

    /// Somebody may want no more messages, and did not say so clearly. A machine does not decide that in its own favour.
    async fn ask_staff(&self, held: &Held<'_>, message: &Message) -> Step<()> {
        self.telemetry.count(Metric::OptOutUnsure, None);
        self.telemetry.line(
            Line::warn("a message may be a wish for silence; it is left to a person")
                .id("event.id", &held.key.to_key()),
        );
        let Some(conversation) = &message.conversation else { return Ok(()) };
        self.not_paused().await?;
        let note = "The customer's last message may mean that they want no more messages. Please read it; if it does, \
                    opt them out. Nothing is sent by itself until they write again.";
        let outcome = self.podium.note(conversation, note).await;
        match after_call(self.store, self.telemetry, self.clock, outcome).await? {
            Called::Done | Called::Refused => Ok(()),
            Called::Later(why) => Err(Stop::Error(WorkError::Provider(why))),
        }
    }

    /// Somebody wrote to a customer: if they had opted out before, the shop should know.
    async fn sent(&self, held: &Held<'_>, message: &Message) -> Step<End> {
        let Some(phone) = message.phone.as_deref().and_then(|p| E164Phone::parse_e164(p.trim()).ok()) else {
            return Ok(End::Done("noted"));
        };
        let at = held.event.occurred_at.unwrap_or(held.received_at);
        let contact = self.store.contact(&phone).await?;
        let breached = contact.is_some_and(|c| {
            c.opt_outs.iter().any(|(flag, record)| {
                // Who left the marketing only is still answered.
                matches!(flag, OptOutFlag::Keyword | OptOutFlag::Global)
                    && record.direction == Direction::Out
                    && at > record.at.plus(CONFIRMATION_SPAN)
            })
        });
        if !breached {
            return Ok(End::Done("noted"));
        }
        let code = WebchatCode::OptOutDrift;
        count(self.telemetry, code);
        self.telemetry.line(
            Line::error("somebody was written to after they opted out; not by us, so look who did")
                .code(code.as_str())
                .id("event.id", &held.key.to_key())
                .phone(&phone),
        );
        Ok(End::Done("sent_after_opt_out"))
    }

    async fn contact_changed(&self, held: &Held<'_>, event: &ContactEvent) -> Step<End> {
        let now = self.clock.now();
        if event.change == ContactChange::Merged {
            self.unite(held, event).await?;
        }
        for snapshot in event.before.iter().filter(|_| gone(event.change)) {
            if let Some(uid) = &snapshot.uid {
                for phone in &snapshot.phones {
                    self.store.unlink_podium(phone, uid).await?;
                }
            }
        }
        for snapshot in event.after.iter() {
            if let Some(uid) = &snapshot.uid {
                for phone in &snapshot.phones {
                    self.store.link_podium(phone, &PodiumLink { uid: Some(uid.clone()) }, now).await?;
                }
            }
        }
        Ok(End::Done("contact_noted"))
    }

    /// Two contacts became one: an opt-out of any of their numbers holds for all of them.
    async fn unite(&self, held: &Held<'_>, event: &ContactEvent) -> Step<()> {
        let mut phones: Vec<E164Phone> =
            event.before.iter().chain(&event.after).flat_map(|s| s.phones.iter().cloned()).collect();
        phones.sort_unstable();
        phones.dedup();
        let mut out: Vec<OptOutChange> = Vec::new();
        for phone in &phones {
            for (flag, record) in self.store.contact(phone).await?.map(|c| c.opt_outs).unwrap_or_default() {
                if record.direction == Direction::Out {
                    let evidence = crate::contact::Evidence { recorded_at: held.received_at, ..record.evidence };
                    out.push(OptOutChange {
                        phone: phone.clone(),
                        flag,
                        direction: Direction::Out,
                        at: record.at,
                        evidence,
                    });
                }
            }
        }
        for change in &out {
            for phone in phones.iter().filter(|p| **p != change.phone) {
                let change = OptOutChange { phone: phone.clone(), ..change.clone() };
                self.store.record_opt_out(&change).await?;
                report_opt_out(self.telemetry, held.key, &change);
            }
        }
        Ok(())
    }

    async fn not_paused(&self) -> Step<()> {
        let now = self.clock.now();
        match self.store.paused_until(Provider::Podium, now).await? {
            None => Ok(()),
            Some(until) => {
                let why = NotDone::Throttled { provider: Provider::Podium, wait: until.since(now) };
                Err(Stop::Error(WorkError::Provider(why)))
            }
        }
    }

    async fn later(&self, why: NotDone) -> Result<Stop, StoreError> {
        respect(self.store, self.telemetry, self.clock.now(), &why).await?;
        Ok(Stop::Error(WorkError::Provider(why)))
    }

    /// The audit line: what became of an event, without anything that it said.
    fn audit(&self, held: &Held<'_>, end: &End) {
        let waited = self.clock.now().since(held.received_at).as_millis();
        let mut line = match end {
            End::Done(word) => Line::info("audit").word("action", word),
            End::Rejected(reason) => {
                let line = Line::info("audit").word("action", "rejected");
                match reason.webchat_code() {
                    Some(code) => {
                        count(self.telemetry, code);
                        line.code(code.as_str())
                    }
                    None => line,
                }
            }
        };
        line =
            line.id("event_id", held.event.id.as_str()).number("latency_ms", i64::try_from(waited).unwrap_or(i64::MAX));
        if let What::Received(message) | What::Sent(message) | What::Failed { message, .. } = &held.event.what {
            if let LocationClaim::Named(uid) = &message.location {
                line = line.id("location_uid", uid.as_str());
            }
            if let Some(tail) = message.phone_last4() {
                line = line.id("phone_last4", &tail);
            }
        }
        self.telemetry.line(line);
    }
}

const fn gone(change: ContactChange) -> bool {
    match change {
        ContactChange::Merged | ContactChange::Deleted => true,
        ContactChange::Created | ContactChange::Updated | ContactChange::Unchanged => false,
    }
}

fn rejected(reason: RejectReason) -> Stop {
    Stop::End(End::Rejected(reason))
}
