//! A Podium event out of the inbox: who wrote, to which location, and what follows.
//!
//! The order is fixed (design, section 6): opt-out words before anything that could go wrong, then location, phone,
//! attachments, contact, session, and only then perhaps an answer. Every step can be repeated, so an event that was
//! begun and not finished is simply worked on again.

use super::{
    delivery,
    import::{self, Importer},
    ingest::report_opt_out,
    locations::{LocationRules, RefreshLocations},
    opted_out_at_podium, paused, report, report_blocked, respect,
    reviews::{ReviewDesk, ReviewRules, Told},
    say::{Said, Speaker, SpeakerRules, Utterance},
    sessions::{Called, after_call, note_of, report_damage},
    worker::{Shell, WorkError, WorkerRules},
};
use crate::{
    contact::{Contact, Contacts, Direction, Meeting, Objection, OptOutChange, OptOutFlag, OptOutRecord, PodiumLink},
    directory::{KnownLocation, LocationBook, Locations},
    ids::{ConversationUid, EffectKey, Ids, LocationUid, ProviderId},
    inbox::{EventEnd, Inbox, InboxKey, LeasedEvent, RejectReason},
    keyword::KeywordAnswers,
    notice::{NoticeQueue, Notices},
    outbox::{Fact, Outbox},
    phone::E164Phone,
    podium::{
        self, Attachment, Channel, ClaimedSize, ContactChange, ContactEvent, InviteLinkEvent, LocationClaim, Message,
        OptOutNews, PodiumEvent, What,
    },
    provider::{
        Attachments, CallFailure, ContactBook, ContactHandle, Created, Desk, Imports, Limits, ListedContact,
        LocationList, Measured, Messages, NewContact, NotDone, Provider, Say, Tally,
    },
    request::Requests,
    review_code::ReviewCode,
    reviews::ReviewBook,
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
/// How long it is remembered that a message was worked on: longer than the 60 days that a comparison may look back.
const RECEIVED_KEPT: Duration = Duration::from_secs(62 * 86_400);
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
pub struct PodiumWorker<'a, S, P, N, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// Podium.
    pub podium: &'a P,
    /// The notifier's queue.
    pub notices: &'a N,
    /// Time.
    pub clock: &'a C,
    /// Lease owners.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// The shop's rules.
    pub chat: &'a ChatRules,
    /// What follows from reviews.
    pub reviews: &'a ReviewRules,
    /// Limits.
    pub rules: WorkerRules,
}

/// An event in hand.
struct Held<'a> {
    key: &'a InboxKey,
    received_at: UnixMillis,
    /// At which time a person wanted its answer made anew.
    anew: u32,
    event: &'a PodiumEvent,
}

/// What Podium says about a contact.
enum Found {
    Listed(ListedContact),
    Absent,
    CannotTell,
}

/// Either a value to go on with, or the end of the road.
type Step<T> = Result<T, Stop>;

enum Stop {
    End(EventEnd),
    Error(WorkError),
}

impl From<NotDone> for Stop {
    fn from(why: NotDone) -> Self {
        Self::Error(why.into())
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl<S, P, N, C, I, T> PodiumWorker<'_, S, P, N, C, I, T>
where
    S: Inbox + Contacts + Outbox + Limits + Locations + Sessions + Notices + ReviewBook + Requests,
    P: ContactBook + LocationList + Desk + Messages + Attachments + Imports,
    N: NoticeQueue,
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
        let held = Held { key: &row.key, received_at: row.received_at, anew: row.anew, event: &event };
        let end = match self.carry_out(&held).await {
            Ok(end) | Err(Stop::End(end)) => end,
            Err(Stop::Error(error)) => return Err(error),
        };
        if let What::Received(message) = &event.what
            && let Some(uid) = &message.uid
        {
            // What is marked here is not taken in a second time when Podium's list is compared with ours.
            self.store.track(uid, &Fact::Received, self.clock.now().plus(RECEIVED_KEPT)).await?;
        }
        self.audit(&held, &end);
        self.shell().finish(&row.key, lease, &end).await
    }

    async fn carry_out(&self, held: &Held<'_>) -> Step<EventEnd> {
        let opted_out = self.opt_outs(held).await?;
        let ours = self.delivery(held).await?;
        match &held.event.what {
            What::Received(_) if opted_out => Ok(EventEnd::Done("opted_out")),
            What::Received(message) => self.received(held, message).await,
            What::Sent(_) if ours.is_some() => Ok(EventEnd::Done("delivery_noted")),
            What::Sent(message) => self.sent(held, message).await,
            What::Failed { .. } | What::Invitation { .. } | What::InviteLink(_) if opted_out => {
                Ok(EventEnd::Done("opted_out_by_provider"))
            }
            What::Failed { .. } | What::Invitation { .. } => {
                Ok(EventEnd::Done(if ours.is_some() { "delivery_noted" } else { "noted" }))
            }
            What::Contact(contact) => self.contact_changed(held, contact).await,
            What::Review(review) => {
                let told = Told {
                    key: held.key,
                    id: &held.event.id,
                    happened_at: held.event.happened_at(held.received_at),
                    received_at: held.received_at,
                };
                self.desk().handle(&told, review).await.map_err(Stop::Error)
            }
            What::InviteLink(link) => self.invite_link(held, link).await,
            What::ReviewResponse { .. } => Ok(EventEnd::Done("response_noted")),
            What::Other => Ok(EventEnd::Done("nothing_to_do")),
        }
    }

    fn desk(&self) -> ReviewDesk<'_, S, P, N, C, I, T> {
        let Self { store, podium: messages, notices, clock, ids, telemetry, reviews: rules, .. } = *self;
        ReviewDesk { store, messages, notices, clock, ids, telemetry, rules }
    }

    fn importer(&self) -> Importer<'_, S, P, N, C, I, T> {
        let Self { store, podium, notices, clock, ids, telemetry, chat, .. } = *self;
        Importer { store, podium, notices, clock, ids, telemetry, rules: chat.speaker }
    }

    /// What the event says about the fate of a message or an invitation. Returns what it was, if it was ours.
    async fn delivery(&self, held: &Held<'_>) -> Step<Option<EffectKey>> {
        let Some((ids, news)) = held.event.delivery() else { return Ok(None) };
        let times = (self.clock.now(), held.event.happened_at(held.received_at));
        Ok(delivery::learned(self.store, self.telemetry, &ids, news, times).await?)
    }

    /// A link that led to a review needs no reminder.
    async fn invite_link(&self, held: &Held<'_>, link: &InviteLinkEvent) -> Step<EventEnd> {
        if !link.reviews.is_empty()
            && let Some(order) = self.desk().order_of(link.uid.as_slice()).await?
        {
            self.store.note_reviewed(&order, held.event.happened_at(held.received_at)).await?;
            return Ok(EventEnd::Done("reviewed"));
        }
        Ok(EventEnd::Done(if link.clicked { "link_clicked" } else { "link_noted" }))
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
            What::Invitation { invitation: Some(id), .. } => self.recipient_of(id).await?,
            What::InviteLink(link) => match &link.uid {
                Some(id) => self.recipient_of(id).await?,
                None => Vec::new(),
            },
            What::Received(message) | What::Failed { message, .. } => self.phones_of(message).await?,
            What::Invitation { invitation: None, .. }
            | What::Sent(_)
            | What::Contact(_)
            | What::Review(_)
            | What::ReviewResponse { .. }
            | What::Other => Vec::new(),
        };
        if phones.is_empty() {
            let too_soon = self.clock.now() < held.received_at.plus(OWN_ROW_WITHIN);
            if too_soon && matches!(held.event.what, What::Invitation { .. } | What::InviteLink(_)) {
                return Err(unclear("the failed invitation is none that is on record yet"));
            }
            self.report_unattributed(held);
            return Err(rejected(RejectReason::UnattributedOptOut));
        }
        let change = |phone: E164Phone| match &held.event.what {
            What::Received(message) => {
                podium::stop_of(phone, message, held.event.happened_at(held.received_at), held.received_at)
            }
            What::Sent(_)
            | What::Failed { .. }
            | What::Contact(_)
            | What::Invitation { .. }
            | What::Review(_)
            | What::ReviewResponse { .. }
            | What::InviteLink(_)
            | What::Other => {
                let at = held.event.happened_at(held.received_at);
                OptOutChange { at, ..opted_out_at_podium(&phone, held.received_at) }
            }
        };
        let changes: Vec<OptOutChange> = phones.into_iter().map(change).collect();
        for change in &changes {
            report_opt_out(self.telemetry, held.key, change);
        }
        Ok(changes)
    }

    /// Whom the message or invitation of that id went to, if it is one of ours.
    async fn recipient_of(&self, id: &ProviderId) -> Result<Vec<E164Phone>, StoreError> {
        let Some(effect) = self.store.tracked(id).await?.effect else { return Ok(Vec::new()) };
        Ok(self.store.send_row(&effect).await?.and_then(|row| row.phone).into_iter().collect())
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
            What::Sent(_)
            | What::Failed { .. }
            | What::Contact(_)
            | What::Invitation { .. }
            | What::Review(_)
            | What::ReviewResponse { .. }
            | What::InviteLink(_)
            | What::Other => None,
        };
        let certain = |book: &LocationBook| named.is_some_and(|uid| book.get(uid).is_some_and(|l| l.country.is_some()));
        let (book, on_record) = self.book(certain).await?;
        // Without the list of today the endpoint had to guess, and may have guessed wrong.
        let certain = on_record && certain(&book);
        Ok((book, certain))
    }

    /// The list of locations: the one on record if it has what is wanted, or is too fresh to be asked for again; else a
    /// new one. Says whether it was on record.
    async fn book(&self, has_what_is_wanted: impl Fn(&LocationBook) -> bool) -> Step<(LocationBook, bool)> {
        let fresh_from = self.clock.now().minus(self.chat.locations.fresh_for);
        let will_do = |book: &LocationBook| has_what_is_wanted(book) || book.fetched_at > fresh_from;
        match self.store.locations().await?.filter(will_do) {
            Some(book) => Ok((book, true)),
            None => Ok((self.refresh().run().await??, false)),
        }
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

    async fn received(&self, held: &Held<'_>, message: &Message) -> Step<EventEnd> {
        let now = self.clock.now();
        if let Some(echoed) = import::echoed(self.store, message, now).await? {
            echoed.learn(self.store, message, (now, now.plus(self.chat.speaker.keep))).await?;
            return Ok(EventEnd::Done("own_import"));
        }
        let location = self.location(message).await?;
        let phone = match message.customer(location.country) {
            Ok(phone) => phone,
            // E-mail and the social networks: Podium's inbox has it, and nothing of ours is about it.
            Err(None) if message.channel == Channel::Other => return Ok(EventEnd::Done("no_phone_channel")),
            Err(None) => return Err(rejected(RejectReason::MissingPhone)),
            Err(Some(why)) => return Err(rejected(RejectReason::InvalidPhone(why))),
        };
        self.attachments(held, &message.attachments).await?;
        let contact = self.contact(held, message, &phone, &location).await?;
        let shown;
        let message = if message.from_widget {
            let at = held.event.happened_at(held.received_at);
            let name = message.name(&held.event.id);
            shown = self.importer().mirror(&name, message, (&phone, &location.uid), at).await.map_err(Stop::Error)?;
            &shown
        } else {
            message
        };
        let unsure = wish::read(message.text.as_deref().unwrap_or_default(), &self.chat.extra_words) == Wish::Unsure;
        // What comes so late, by a list or after an outage, is for the staff: nobody waits for a machine's answer any more,
        // and it may be night. Unless a person wants that very answer.
        let late = self.clock.now().since(held.event.happened_at(held.received_at)) > self.chat.sessions.close_after;
        let session = self.session(held, message, &phone, &location, unsure || late).await?;
        if let Some(objection @ Objection::OptedOut(_)) = contact.closed_to_messages() {
            report_blocked(self.telemetry, &phone, "answer", &objection);
            return Ok(EventEnd::Done("kept_for_staff"));
        }
        if unsure {
            self.ask_staff(held, message).await?;
        } else if !late || held.anew > 0 {
            self.answer(held, message, &phone, &location, session.as_ref()).await?;
        }
        self.telemetry.count(Metric::MessageIngested, None);
        Ok(EventEnd::Done("ingested"))
    }

    /// The location: required, known, never guessed. One that is not on the list makes us load the list again, once.
    async fn location(&self, message: &Message) -> Step<KnownLocation> {
        let uid = match &message.location {
            LocationClaim::Named(uid) => uid,
            LocationClaim::Missing => return Err(self.misrouted(RejectReason::MissingLocation).await?),
            LocationClaim::Unreadable => return Err(self.misrouted(RejectReason::UnknownLocation).await?),
        };
        // Without an answer of Podium's the location is neither known nor unknown: the message waits.
        let (book, _) = self.book(|book| book.get(uid).is_some()).await?;
        let Some(known) = book.get(uid) else {
            return Err(self.misrouted(RejectReason::UnknownLocation).await?);
        };
        self.refresh().report_if_stale(Some(&book)).await?;
        Ok(known.clone())
    }

    async fn misrouted(&self, reason: RejectReason) -> Result<Stop, StoreError> {
        let BurstRules { limit, window } = self.chat.burst;
        let tally = Tally { what: "location_rejections", now: self.clock.now(), window, limit };
        if self.store.tally(&tally).await? {
            let line = Line::error("many messages name no usable location; is a page's widget set up wrongly?")
                .number("rejections", i64::from(limit))
                .number("window_s", i64::try_from(window.as_secs()).unwrap_or(i64::MAX));
            report(self.telemetry, WebchatCode::LocationRejectionBurst, line);
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
                        Err(why) => return Err(why.into()),
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
                    let change = opted_out_at_podium(phone, held.received_at);
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
        let line = Line::error("Podium says that a contact exists and does not show it").phone(&meeting.phone);
        report(self.telemetry, WebchatCode::ContactConflict, line);
        Ok(None)
    }

    /// Adds the message to its session. Against somebody else's change it is tried again on top of that.
    async fn session(
        &self,
        held: &Held<'_>,
        message: &Message,
        phone: &E164Phone,
        location: &KnownLocation,
        quiet: bool,
    ) -> Step<Option<Session>> {
        let key = SessionKey { phone: phone.clone(), location: location.uid.clone() };
        let what = SessionMessage {
            event: message.name(&held.event.id),
            text: message.text.clone(),
            at: held.event.happened_at(held.received_at),
            conversation: message.conversation.clone(),
            webchat: message.channel == Channel::Webchat,
            now: self.clock.now(),
            quiet,
            imported: message.from_widget,
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
            Called::Later(why) => Err(why.into()),
        }
    }

    async fn reopen(&self, session: Session, conversation: &ConversationUid) -> Step<Session> {
        self.not_paused().await?;
        let outcome = self.podium.set_closed(conversation, false).await;
        if let Called::Later(why) = after_call(self.store, self.telemetry, self.clock, outcome).await? {
            return Err(why.into());
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
        let is_open = |s: &&Session| s.status == SessionStatus::Open || held.anew > 0;
        let Some(session) = session.filter(is_open) else { return Ok(()) };
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
            key: key.anew(&held.event.id, held.anew),
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
            Said::Later(why) => return Err(why.into()),
            // Whether it is out is asked at the next attempt; nothing of this event is done twice by that.
            Said::Pending => return Err(unclear("it is not clear yet whether an answer was sent")),
            Said::Out | Said::Refused | Said::Unknown => {}
        }
        Ok(())
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
            Called::Later(why) => Err(why.into()),
        }
    }

    /// Somebody wrote to a customer: if they had opted out before, the shop should know.
    async fn sent(&self, held: &Held<'_>, message: &Message) -> Step<EventEnd> {
        let Some(phone) = message.phone.as_deref().and_then(|p| E164Phone::parse_e164(p.trim()).ok()) else {
            return Ok(EventEnd::Done("noted"));
        };
        let at = held.event.happened_at(held.received_at);
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
            return Ok(EventEnd::Done("noted"));
        }
        let line = Line::error("somebody was written to after they opted out; not by us, so look who did")
            .id("event.id", &held.key.to_key())
            .phone(&phone);
        let same = ReviewCode::OptOutDrift.as_str();
        self.telemetry.count(Metric::ReviewCode, Some(same));
        report(self.telemetry, WebchatCode::OptOutDrift, line.word("review_code", same));
        Ok(EventEnd::Done("sent_after_opt_out"))
    }

    async fn contact_changed(&self, held: &Held<'_>, event: &ContactEvent) -> Step<EventEnd> {
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
        Ok(EventEnd::Done("contact_noted"))
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
        paused(self.store, self.clock, Provider::Podium).await?.map_or(Ok(()), |why| Err(why.into()))
    }

    async fn later(&self, why: NotDone) -> Result<Stop, StoreError> {
        respect(self.store, self.telemetry, self.clock.now(), &why).await?;
        Ok(why.into())
    }

    /// The audit line: what became of an event, without anything that it said.
    fn audit(&self, held: &Held<'_>, end: &EventEnd) {
        let waited = self.clock.now().since(held.received_at).as_millis();
        let (action, code) = match end {
            EventEnd::Done(word) | EventEnd::Erased(word) => (*word, None),
            EventEnd::Rejected(reason) | EventEnd::Parked(reason) => ("rejected", reason.webchat_code()),
        };
        let mut line = Line::info("audit")
            .word("action", action)
            .id("event_id", held.event.id.as_str())
            .number("latency_ms", i64::try_from(waited).unwrap_or(i64::MAX));
        if let What::Received(message) | What::Sent(message) | What::Failed { message, .. } = &held.event.what {
            if let LocationClaim::Named(uid) = &message.location {
                line = line.id("location_uid", uid.as_str());
            }
            if let Some(tail) = message.phone_last4() {
                line = line.id("phone_last4", &tail);
            }
        }
        match code {
            Some(code) => report(self.telemetry, code, line),
            None => self.telemetry.line(line),
        }
    }
}

const fn gone(change: ContactChange) -> bool {
    match change {
        ContactChange::Merged | ContactChange::Deleted => true,
        ContactChange::Created | ContactChange::Updated | ContactChange::Unchanged => false,
    }
}

fn rejected(reason: RejectReason) -> Stop {
    Stop::End(EventEnd::Rejected(reason))
}

/// What Podium did is not known yet; the event waits until it can be.
fn unclear(what: &str) -> Stop {
    NotDone::unavailable(Provider::Podium, what).into()
}
