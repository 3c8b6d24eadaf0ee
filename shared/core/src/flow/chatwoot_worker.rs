//! A customer's message out of Chatwoot: heard, thought about, answered once, or put into people's hands.
//!
//! The order is fixed: an answer that is on its way goes first, then opt-out words, then the question whose conversation
//! it is, then what came with the message, and only then the model. A message that is not the newest of its chat waits for
//! the newest, which answers for all.

use std::time::Duration;

use super::{
    answer::{AnswerRules, Answerer, NoAnswer},
    ingest::report_opt_out,
    listen::{Deaf, Ear, ListenRules, Said, Transcripts},
    open_notice, paused,
    post::{LEASE_SPARE, Landing, PostRules, Poster},
    report_blocked, report_chat, wake,
    worker::{Shell, WorkError, WorkerRules},
};
use crate::{
    agent::{Agent, Answer, Catalogue, Extras, Instructions, Listener, Turn, system},
    chat::{Chat, ChatKey, Chats, HEARD_MAX, Heard, InFlight, PICTURES_MAX, Step, Target, Who},
    chat_code::ChatCode,
    chatwoot::{ChatwootMessage, ConversationRef, Conversations, Media, Standing, Status},
    contact::{Contacts, Objection},
    gate::{self, ChatPassage},
    ids::{EventId, Ids},
    inbox::{EventEnd, Inbox, InboxKey, LeasedEvent, RejectReason},
    notice::{Content, Notice, NoticeKind, NoticeQueue, Notices},
    outbound::{Abilities, Choice, Interactive, Outbound, disclosed, neutralise, render},
    podium::OptOutNews,
    provider::{CallFailure, Limits, NotDone, Provider},
    queue::DelaySeconds,
    store::{Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, DAY, UnixMillis},
    token::Pause,
    wish::{self, ExtraWords, Wish},
};

/// How long after its arrival a message whose attachment cannot be had for the moment is tried again.
const DEAF_FOR: Duration = Duration::from_secs(600);
/// Between those tries.
const DEAF_WAIT: Duration = Duration::from_secs(60);
/// Bounds of the wait after a table did not answer; in between it grows with the event's age.
const OUTAGE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(900));
/// How long Chatwoot may take to write a voice message down.
const WRITTEN_WITHIN: Duration = Duration::from_secs(150);
/// The stretch in which answers are counted.
const HOUR: Duration = Duration::from_secs(3_600);
/// What a customer reads whose attachment will be tried again.
const TRYING_AGAIN: &str = "Sorry, I could not open what you sent just now. I will try again in a moment.";
/// What a customer reads whose attachment is beyond us.
const CANNOT_OPEN: &str = "Sorry, I cannot open what you sent. Could you type it instead?";

/// The rules of the assistant's chats.
#[derive(Clone, Debug)]
pub struct AssistantRules {
    /// The shop's own words for STOP.
    pub extra_words: ExtraWords,
    /// Messages that come within so long of each other get one answer; zero: each its own.
    pub debounce: Duration,
    /// Buttons and cards.
    pub interactive: Interactive,
    /// Who goes on with what is handed over; `None`: whoever is there.
    pub target: Option<Target>,
    /// What a customer reads then.
    pub hand_off_text: String,
    /// What the assistant says of itself with its first answer; `None`: nothing.
    pub disclosure: Option<String>,
    /// Attachments.
    pub listen: ListenRules,
    /// More answers in a chat within an hour are not made.
    pub answers_per_hour: u32,
    /// How many turns of the conversation the model is given.
    pub history: usize,
    /// What the model is told.
    pub instructions: Instructions,
    /// The model's bounds.
    pub answer: AnswerRules,
    /// What an answer may hold beside words, products and options; a chat shows no form.
    pub extras: Extras,
    /// Posting.
    pub post: PostRules,
}

/// What the worker needs.
#[derive(Debug)]
pub struct ChatwootWorker<'a, S, P, N, W, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// Chatwoot, the model, the catalogue, and who writes down voice messages.
    pub desk: &'a P,
    /// The notifier's queue.
    pub notices: &'a N,
    /// Waits.
    pub pause: &'a W,
    /// Time.
    pub clock: &'a C,
    /// Lease owners.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// The shop's rules.
    pub assistant: &'a AssistantRules,
    /// Limits.
    pub rules: WorkerRules,
}

/// A message in hand.
struct Held<'a> {
    row: &'a LeasedEvent,
    lease: &'a Lease,
    message: &'a ChatwootMessage,
    event: EventId,
}

/// Whether a conversation is the assistant's; if not, how its event ends.
enum Ours {
    Yes(Chat),
    No(Chat, &'static str),
}

/// What is to be said, ready to be posted.
struct Plan {
    outcome: &'static str,
    steps: Vec<Step>,
    said: String,
    offers: Vec<Choice>,
    discloses: bool,
    hands_over: bool,
}

impl<S, P, N, W, C, I, T> ChatwootWorker<'_, S, P, N, W, C, I, T>
where
    S: Inbox + Contacts + Chats + Limits + Notices,
    P: Conversations + Media + Agent + Catalogue + Listener,
    N: NoticeQueue,
    W: Pause,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on the event of a key.
    ///
    /// # Errors
    /// When a table or Chatwoot cannot be used; the message must come again.
    pub async fn handle(&self, key: &InboxKey) -> Result<(), WorkError> {
        let work = async |event: &LeasedEvent, lease: &Lease, body: Vec<u8>| {
            let now = self.clock.now();
            let waited = now.since(event.received_at);
            match self.work(event, lease, &body).await {
                // It waits outside of its line: there, its message would keep the whole conversation until it shows again.
                // What goes on for a day is no outage; that takes the way of the dead letters.
                Err(WorkError::Store(error @ StoreError::Unavailable { .. })) if waited < DAY => {
                    self.telemetry.line(Line::error("a table did not answer; the event waits").detail(&error));
                    Err(WorkError::NotBefore { at: now.plus((waited / 4).clamp(OUTAGE.0, OUTAGE.1)) })
                }
                outcome => outcome,
            }
        };
        self.shell().run(key, work).await
    }

    fn shell(&self) -> Shell<'_, S, C, I, T> {
        let Self { store, clock, ids, telemetry, rules, .. } = *self;
        Shell { store, clock, ids, telemetry, rules }
    }

    fn poster(&self) -> Poster<'_, S, P, W, C, T> {
        let Self { store, desk, pause, clock, telemetry, assistant, .. } = *self;
        Poster { store, desk, pause, clock, telemetry, rules: assistant.post }
    }

    fn ear(&self, lease: &Lease) -> Ear<'_, P, W, C, T> {
        let Self { desk, pause, clock, telemetry, assistant, .. } = *self;
        Ear { desk, pause, clock, telemetry, rules: assistant.listen, until: lease.until.minus(LEASE_SPARE) }
    }

    async fn work(&self, row: &LeasedEvent, lease: &Lease, body: &[u8]) -> Result<(), WorkError> {
        let end = match serde_json::from_slice::<ChatwootMessage>(body) {
            Ok(message) => {
                let event = message.event();
                self.carry_out(&Held { row, lease, message: &message, event }).await?
            }
            Err(_) => EventEnd::Rejected(RejectReason::UnreadableBody),
        };
        self.shell().finish(&row.key, lease, &end).await
    }

    async fn carry_out(&self, held: &Held<'_>) -> Result<EventEnd, WorkError> {
        let message = held.message;
        // The endpoint wrote it already; twice changes nothing.
        if let OptOutNews::Changes(changes) = message.opt_outs(&self.assistant.extra_words, held.row.received_at) {
            for change in &changes {
                self.store.record_opt_out(change).await?;
            }
        }
        let key = ChatKey::chatwoot(message.at);
        let mut chat = self.store.chat(&key, self.clock.now()).await?;
        chat.phone = message.e164().or(chat.phone);
        let wish = message.wish(&self.assistant.extra_words);
        // An older wish that comes late takes no newer one back.
        let holds = chat.state.wish_of.is_none_or(|of| message.id > of);
        if holds && matches!(wish, Wish::Stop | Wish::Start) {
            // Before anything else is said: an answer that is on its way meets a gate that is shut.
            // Of a number that is known the contact says it, in every channel.
            let nobody = chat.phone.is_none();
            chat = chat.changed(|state| {
                state.wish_of = Some(message.id);
                state.silenced = wish == Wish::Stop && nobody;
            });
            self.poster().save(&chat).await?;
        }
        if let Some(flight) = chat.state.in_flight.clone() {
            let landing = self.poster().carry_out(chat, message.at, held.lease).await?;
            chat = match self.landed(held, landing).await? {
                (_, None) if flight.event == held.event.as_str() => {
                    return Ok(EventEnd::Done(word_of(&flight.outcome)));
                }
                (chat, None) => chat,
                (_, Some(end)) => return Ok(end),
            };
        }
        if chat.state.is_settled(&held.event) {
            return Ok(EventEnd::Done("dealt_with"));
        }
        match wish {
            Wish::Stop if holds || message.e164().is_some() => return self.fall_silent(held, chat).await,
            Wish::Stop => return self.nothing_to_say(chat, held, "dealt_with").await,
            Wish::Unsure => return self.ask_staff(held, chat).await,
            Wish::Start | Wish::Help | Wish::None => {}
        }
        if chat.state.is_settled(&message.created()) && self.assistant.listen.transcripts != Transcripts::Nobody {
            // What Chatwoot has written down was dealt with. Others may wait for it to be answered too.
            chat = chat.changed(|state| state.settle(held.event.as_str()));
            self.poster().save(&chat).await?;
            if chat.state.heard.is_empty() {
                return Ok(EventEnd::Done("dealt_with"));
            }
            return self.answer(held, chat).await;
        }
        if !self.is_ours(message.standing) {
            return match chat.state.heard.is_empty() {
                true => Ok(EventEnd::Done("left_to_people")),
                // What waited for this one is theirs as well.
                false => self.nothing_to_say(chat, held, "left_to_people").await,
            };
        }
        self.not_paused().await?;
        if held.row.attempts >= self.rules.attempts_max {
            return self.last_resort(held, chat).await;
        }
        let created = message.created();
        if !chat.state.heard.iter().any(|heard| heard.event == created.as_str()) {
            match self.ear(held.lease).hear(&chat, message).await {
                Ok(Said { heard, spoken, submitted }) => {
                    match (
                        wish::read(&spoken, &self.assistant.extra_words),
                        wish::read(&submitted, &self.assistant.extra_words),
                    ) {
                        (Wish::Stop, _) => return self.spoken_stop(held, chat).await,
                        // A button or a form may mean anything by such a word.
                        (Wish::Unsure, _) | (_, Wish::Stop | Wish::Unsure) => return self.ask_staff(held, chat).await,
                        _ => {}
                    }
                    chat.state.hear(heard);
                    if !spoken.is_empty() {
                        // It was hard to hear; should the time not suffice, it is not heard again.
                        chat = chat.changed(|_| {});
                        self.poster().save(&chat).await?;
                    }
                }
                // Those before it may wait for it to be answered too.
                Err(Deaf::Empty) if !chat.state.heard.is_empty() => {}
                Err(Deaf::Empty) => return self.nothing_to_say(chat, held, "empty").await,
                Err(Deaf::NotYetWritten) => {
                    let at = held.row.received_at.plus(WRITTEN_WITHIN);
                    return match self.clock.now() < at {
                        true => Err(WorkError::NotBefore { at }),
                        false => self.deaf(held, chat, false).await,
                    };
                }
                Err(Deaf::NoTime) if self.clock.now() < held.row.received_at.plus(DEAF_FOR) => {
                    return Err(WorkError::NotBefore { at: self.clock.now() });
                }
                Err(Deaf::NoTime) => return self.deaf(held, chat, false).await,
                Err(Deaf::Failed { transient }) => return self.deaf(held, chat, transient).await,
            }
        }
        if self.waits_for_the_newest(held, &chat) {
            self.poster().save(&chat.changed(|_| {})).await?;
            return Ok(EventEnd::Done("merged"));
        }
        self.answer(held, chat).await
    }

    /// Whether a later message has come in and will answer for this one as well.
    fn waits_for_the_newest(&self, held: &Held<'_>, chat: &Chat) -> bool {
        let newest = chat.newest.as_ref().filter(|n| n.event != held.event && !chat.state.is_settled(&n.event));
        // Of one that is as old as this, nobody knows what became of it.
        let comes = |at: UnixMillis| at >= held.row.received_at && self.clock.now() < at.plus(DEAF_FOR);
        // A full list is answered now.
        !self.assistant.debounce.is_zero() && chat.state.heard.len() < HEARD_MAX && newest.is_some_and(|n| comes(n.at))
    }

    async fn answer(&self, held: &Held<'_>, chat: Chat) -> Result<EventEnd, WorkError> {
        let chat = match self.is_still_ours(held, chat).await? {
            Ours::Yes(chat) => chat,
            Ours::No(chat, outcome) => return self.nothing_to_say(chat, held, outcome).await,
        };
        if let ChatPassage::Shut(objection) = self.gate(held, &chat).await? {
            return self.silent(held, chat, &objection).await;
        }
        let since = self.clock.now().minus(HOUR);
        if chat.state.answered_since(since) >= self.assistant.answers_per_hour as usize {
            let line =
                Line::error("so many answers within an hour that it looks like two programs talking to each other");
            report_chat(self.telemetry, ChatCode::TooManyAnswers, line.id("event.id", &held.row.key.to_key()));
            return self
                .hand_over(held, chat, "too_many_answers", "The assistant made too many answers in an hour.")
                .await;
        }
        self.typing(held.message.at, true).await;
        let end = self.think(held, chat).await;
        self.typing(held.message.at, false).await;
        end
    }

    /// Asked before anything is thought of; each post asks again.
    async fn gate(&self, held: &Held<'_>, chat: &Chat) -> Result<ChatPassage, StoreError> {
        gate::pass_chat(self.store, chat, self.clock.now(), held.lease.until).await
    }

    /// Whether the assistant may speak in it at this moment. The webhook tells of an earlier one.
    async fn is_still_ours(&self, held: &Held<'_>, mut chat: Chat) -> Result<Ours, WorkError> {
        let message = held.message;
        let standing = match self.desk.standing(message.at).await {
            Ok(Some(now)) => Some(now),
            Ok(None) | Err(CallFailure::NotDone(NotDone::Unavailable { .. })) => None,
            Err(CallFailure::NotDone(why)) => return Err(self.later(why).await?),
            Err(CallFailure::Refused { status: 404 }) => {
                self.telemetry.line(Line::warn("a conversation is gone").id("event.id", &held.row.key.to_key()));
                return Ok(Ours::No(chat, "conversation_gone"));
            }
            // A wrong setting would show in the post.
            Err(error @ CallFailure::Refused { .. }) => {
                self.telemetry.line(Line::warn("a conversation could not be looked at").detail(&error));
                None
            }
        };
        let handed_over = chat.state.handed_over_at_ms.is_some();
        let ours = match standing {
            // What was handed over is people's until it is pending again, and that is known only of the present.
            Some(now) if handed_over && now.status != Status::Pending => false,
            Some(now) => {
                chat.state.handed_over_at_ms = None;
                self.is_ours(now)
            }
            None => !self.is_handed_over(&chat, message),
        };
        Ok(if ours { Ours::Yes(chat) } else { Ours::No(chat, "left_to_people") })
    }

    async fn think(&self, held: &Held<'_>, chat: Chat) -> Result<EventEnd, WorkError> {
        self.poster().room(held.lease, self.assistant.answer.budget + self.assistant.post.call)?;
        let turns = match self.turns(held, &chat).await {
            Ok(turns) => turns,
            Err(transient) => return self.deaf(held, chat, transient).await,
        };
        let answerer = Answerer {
            store: self.store,
            minds: self.desk,
            pause: self.pause,
            clock: self.clock,
            telemetry: self.telemetry,
            rules: self.assistant.answer,
            extras: &self.assistant.extras,
        };
        let searches = self.desk.is_open() && self.assistant.answer.searches_max > 0;
        let system = system(&self.assistant.instructions, searches, &self.assistant.extras);
        let answer = answerer.answer(&system, turns).await?;
        // A person may have answered meanwhile.
        let chat = match self.is_still_ours(held, chat).await? {
            Ours::Yes(chat) => chat,
            Ours::No(chat, outcome) => return self.nothing_to_say(chat, held, outcome).await,
        };
        match answer {
            Ok(answer) => {
                if answer.outbound.iter().any(|outbound| matches!(outbound, Outbound::HandOff { .. })) {
                    self.telemetry.count(Metric::ChatHandedOver, Some("agent"));
                }
                let plan = self.plan(&chat, held.message, &answer);
                self.begin(held, chat, plan).await
            }
            Err(why) => self.hand_over(held, chat, why.as_str(), summary_of(why)).await,
        }
    }

    /// The conversation as the model gets it; else whether what the message shows may be had later.
    async fn turns(&self, held: &Held<'_>, chat: &Chat) -> Result<Vec<Turn>, bool> {
        let mut turns = chat.state.turns(self.assistant.history);
        let (mut pictures, own) = (Vec::new(), held.message.created());
        // Thinking and saying have to fit in after it.
        let mut ear = self.ear(held.lease);
        ear.until = ear.until.minus(self.assistant.answer.budget + self.assistant.post.call);
        for heard in chat.state.heard.iter().rev().filter(|_| self.desk.sees()) {
            let room = PICTURES_MAX.saturating_sub(pictures.len());
            match ear.pictures(heard, room).await {
                Ok(mut loaded) => pictures.append(&mut loaded),
                Err(transient) if heard.event == own.as_str() => return Err(transient),
                // An earlier message's; its description is there.
                Err(_) => {}
            }
        }
        let words: Vec<&str> = chat.state.heard.iter().map(|h| h.text.as_str()).collect();
        turns.push(Turn::Customer { text: words.join("\n"), pictures });
        Ok(turns)
    }

    /// The steps of an answer on the conversation's channel.
    fn plan(&self, chat: &Chat, message: &ChatwootMessage, answer: &Answer) -> Plan {
        for outbound in &answer.outbound {
            self.telemetry.count(Metric::ChatAnswered, Some(outbound.kind()));
        }
        self.spell_out(chat, message, "answered", answer.outbound.clone())
    }

    fn spell_out(
        &self,
        chat: &Chat,
        message: &ChatwootMessage,
        outcome: &'static str,
        outbound: Vec<Outbound>,
    ) -> Plan {
        let abilities = Abilities::of(message.channel, self.assistant.interactive);
        let outbound: Vec<Outbound> = outbound.into_iter().map(|outbound| self.with_our_words(outbound)).collect();
        let mut plan = Plan::of(outcome, []);
        plan.said = outbound.iter().map(Outbound::in_short).collect::<Vec<_>>().join("\n");
        // The assistant says what it is with the first words that it says.
        let disclosure = self.assistant.disclosure.as_deref().filter(|_| !chat.state.disclosed);
        let outbound = match disclosure {
            Some(disclosure) => {
                let (outbound, placed) = disclosed(disclosure, outbound);
                plan.discloses = placed;
                outbound
            }
            None => outbound,
        };
        for outbound in &outbound {
            let say = render(outbound, abilities).into_iter().map(Step::Say);
            match outbound {
                Outbound::HandOff { summary, .. } => {
                    let steps = self.hand_off_steps(say.collect(), summary);
                    plan.steps.extend(steps);
                    (plan.outcome, plan.hands_over) = ("handed_over", true);
                    continue;
                }
                Outbound::QuickReplies { options, .. } => plan.offers.clone_from(options),
                Outbound::Text(_)
                | Outbound::ProductCards { .. }
                | Outbound::Articles { .. }
                | Outbound::Form { .. }
                | Outbound::Error { .. } => {}
            }
            plan.steps.extend(say);
        }
        plan.with_notes(chat)
    }

    /// A hand-off always says something.
    fn with_our_words(&self, outbound: Outbound) -> Outbound {
        match outbound {
            Outbound::HandOff { text, summary } => {
                let text = text.filter(|text| !text.trim().is_empty());
                Outbound::HandOff { text: Some(text.unwrap_or_else(|| self.assistant.hand_off_text.clone())), summary }
            }
            Outbound::Text(_)
            | Outbound::ProductCards { .. }
            | Outbound::QuickReplies { .. }
            | Outbound::Articles { .. }
            | Outbound::Form { .. }
            | Outbound::Error { .. } => outbound,
        }
    }

    /// To somebody, with a word to the customer and one to the people; into their hands last.
    fn hand_off_steps(&self, say: Vec<Step>, summary: &str) -> Vec<Step> {
        let note = Step::Note(neutralise(&format!("Handed over by the assistant. {summary}")));
        // To give it to a person may open it, and a message after that would take it off the list of those who wait.
        let (first, last) = match self.assistant.target {
            Some(team @ Target::Team(_)) => (Some(Step::Assign(team)), None),
            Some(person @ Target::Agent(_)) => (None, Some(Step::Assign(person))),
            None => (None, None),
        };
        first.into_iter().chain(say).chain([note]).chain(last).chain([Step::Open]).collect()
    }

    async fn hand_over(
        &self,
        held: &Held<'_>,
        chat: Chat,
        reason: &'static str,
        summary: &str,
    ) -> Result<EventEnd, WorkError> {
        self.telemetry.count(Metric::ChatHandedOver, Some(reason));
        let outbound = Outbound::HandOff { text: None, summary: summary.to_owned() };
        let plan = self.spell_out(&chat, held.message, "handed_over", vec![outbound]);
        self.begin(held, chat, plan).await
    }

    /// A note and an open conversation, without a word to the customer.
    async fn show_staff(
        &self,
        held: &Held<'_>,
        chat: Chat,
        outcome: &'static str,
        note: &str,
    ) -> Result<EventEnd, WorkError> {
        let mut plan = Plan::of(outcome, [Step::Note(note.to_owned()), Step::Open]);
        plan.hands_over = true;
        self.begin(held, chat, plan).await
    }

    async fn begin(&self, held: &Held<'_>, chat: Chat, plan: Plan) -> Result<EventEnd, WorkError> {
        let (event, outcome) = (held.event.as_str().to_owned(), plan.outcome);
        let answers = chat.state.heard.iter().map(|h| h.event.clone()).collect();
        let landing = self.launch(held, chat, plan, event, answers).await?;
        match self.landed(held, landing).await? {
            (_, Some(end)) => Ok(end),
            (_, None) => Ok(EventEnd::Done(outcome)),
        }
    }

    async fn launch(
        &self,
        held: &Held<'_>,
        chat: Chat,
        plan: Plan,
        event: String,
        answers: Vec<String>,
    ) -> Result<Landing, WorkError> {
        let after =
            chat.state.heard.iter().map(|h| h.message).chain([held.message.id]).max().unwrap_or(held.message.id);
        let flight = InFlight {
            event,
            after,
            outcome: plan.outcome.to_owned(),
            steps: plan.steps,
            done: 0,
            trying: None,
            said: plan.said,
            offers: plan.offers,
            discloses: plan.discloses,
            hands_over: plan.hands_over,
            answers,
            failed: None,
        };
        self.poster().begin(chat, held.message.at, flight, held.lease).await
    }

    /// What follows from the end of an answer; with the end of the event, if it was the event's own.
    async fn landed(&self, held: &Held<'_>, landing: Landing) -> Result<(Chat, Option<EventEnd>), WorkError> {
        let settled = |chat: &Chat| chat.state.is_settled(&held.event);
        match landing {
            Landing::Done(chat) => Ok((chat, None)),
            Landing::TakenOver(chat) => {
                let end = settled(&chat).then_some(EventEnd::Done("left_to_people"));
                Ok((chat, end))
            }
            Landing::Silent(chat, objection) => {
                self.blocked(&chat, &objection);
                let end = settled(&chat).then_some(EventEnd::Done("opted_out"));
                Ok((chat, end))
            }
            Landing::Failed(chat, code) => {
                self.give_to_people(held, code).await?;
                let chat = self.poster().give_up(chat).await?;
                let end = settled(&chat).then_some(EventEnd::Parked(RejectReason::Unanswered(code)));
                if end.is_some() {
                    self.telemetry.count(Metric::EventParked, Some(held.row.key.source.as_str()));
                }
                Ok((chat, end))
            }
        }
    }

    /// The customer waits for an answer that did not get through: people are told, here and there.
    async fn give_to_people(&self, held: &Held<'_>, code: ChatCode) -> Result<(), WorkError> {
        let at = held.message.at;
        let line = Line::error("an answer did not get through; the chat is given to people");
        report_chat(self.telemetry, code, line.id("event.id", &held.row.key.to_key()));
        let now = self.clock.now();
        let notice = Notice {
            about: vec![ChatKey::chatwoot(at).as_str().to_owned()],
            ..Notice::new(
                NoticeKind::ChatUnanswered,
                held.event.as_str(),
                Content {
                    headline: "A customer's chat has no answer".into(),
                    facts: vec![
                        ("Account".into(), at.account.to_string()),
                        ("Conversation".into(), at.conversation.to_string()),
                        ("Code".into(), code.described()),
                    ],
                    quote: None,
                    link: None,
                    action: "Open the conversation in Chatwoot and answer it.".into(),
                },
                now,
            )
        };
        open_notice(self.store, self.telemetry, &notice).await?;
        wake(self.notices, self.telemetry, &notice.key, DelaySeconds::ZERO).await;
        if let Err(error) = self.poster().again(held.lease, async || self.desk.open(at).await).await? {
            self.telemetry.line(Line::warn("a conversation could not be put into people's hands").detail(&error));
        }
        Ok(())
    }

    /// The same, said aloud: the endpoint could not hear it.
    async fn spoken_stop(&self, held: &Held<'_>, chat: Chat) -> Result<EventEnd, WorkError> {
        if let Some(change) = held.message.stopped_aloud(held.row.received_at) {
            self.store.record_opt_out(&change).await?;
            report_opt_out(self.telemetry, &held.row.key, &change);
        } else {
            self.telemetry.count(Metric::OptOutUnattributed, None);
        }
        self.fall_silent(held, chat).await
    }

    /// The customer asked for no more messages. Nothing of what they said before is answered any more.
    async fn fall_silent(&self, held: &Held<'_>, chat: Chat) -> Result<EventEnd, WorkError> {
        match held.message.opt_outs(&self.assistant.extra_words, held.row.received_at) {
            OptOutNews::WithoutPhone => self.telemetry.count(Metric::OptOutUnattributed, None),
            // The endpoint has said so already.
            OptOutNews::Changes(_) | OptOutNews::Nothing | OptOutNews::NeedsLocations => {}
        }
        let known = chat.phone.is_some();
        let chat = chat.changed(|state| {
            state.silenced |= !known;
            state.wish_of = state.wish_of.max(Some(held.message.id));
            state.heard.clear();
            state.offered.clear();
        });
        self.poster().save(&chat).await?;
        let note = if known {
            "The customer asked for no more messages; that is recorded for their number. Please do not write to them."
        } else {
            "The customer asked for no more messages. Their number is not known, so this conversation falls silent. Please \
             do not write to them."
        };
        self.show_staff(held, chat, "opted_out", note).await
    }

    /// Somebody may want no more messages, and did not say so clearly. A machine does not decide that in its own favour.
    async fn ask_staff(&self, held: &Held<'_>, chat: Chat) -> Result<EventEnd, WorkError> {
        self.telemetry.count(Metric::OptOutUnsure, None);
        self.telemetry.line(
            Line::warn("a message may be a wish for silence; it is left to a person")
                .id("event.id", &held.row.key.to_key()),
        );
        if !self.is_ours(held.message.standing) {
            return Ok(EventEnd::Done("left_to_people"));
        }
        let note = "The customer's last message may mean that they want no more messages. Please read it, and answer it \
                    or opt them out.";
        self.show_staff(held, chat, "left_to_a_person", note).await
    }

    /// They opted out and write all the same: nothing is answered by itself, and people see it.
    async fn silent(&self, held: &Held<'_>, chat: Chat, objection: &Objection) -> Result<EventEnd, WorkError> {
        self.blocked(&chat, objection);
        let note = "The customer has opted out of messages, so the assistant does not answer. A person may.";
        self.show_staff(held, chat, "opted_out", note).await
    }

    fn blocked(&self, chat: &Chat, objection: &Objection) {
        if let Some(phone) = &chat.phone {
            report_blocked(self.telemetry, phone, "chat", objection);
        }
    }

    /// Something that came with a message cannot be had. The customer is told once; what may work later is tried again, and
    /// what else was said is answered.
    async fn deaf(&self, held: &Held<'_>, mut chat: Chat, transient: bool) -> Result<EventEnd, WorkError> {
        let told = format!("{}~error", held.event);
        chat = match self.is_still_ours(held, chat).await? {
            Ours::Yes(chat) => chat,
            Ours::No(chat, outcome) => return self.nothing_to_say(chat, held, outcome).await,
        };
        if let ChatPassage::Shut(objection) = self.gate(held, &chat).await? {
            return self.silent(held, chat, &objection).await;
        }
        let was_told = chat.state.settled.contains(&told);
        let again = transient && self.clock.now() < held.row.received_at.plus(DEAF_FOR);
        if was_told && !again {
            let summary = "Something that the customer sent could not be opened.";
            return self.hand_over(held, with_a_word(chat, held), "attachment_failed", summary).await;
        }
        let line = Line::warn("something that came with a message could not be had");
        let line = line.id("event.id", &held.row.key.to_key()).word("retryable", if again { "yes" } else { "no" });
        self.telemetry.line(line);
        if !was_told {
            let text = if again { TRYING_AGAIN } else { CANNOT_OPEN };
            let outbound = Outbound::Error { text: text.to_owned(), retryable: again };
            self.telemetry.count(Metric::ChatAnswered, Some(outbound.kind()));
            let plan = Plan {
                // The error is told beside the conversation; what is said in it goes on.
                said: String::new(),
                ..self.spell_out(&chat, held.message, "attachment_failed", vec![outbound])
            };
            let landing = self.launch(held, chat, plan, told, Vec::new()).await?;
            chat = match self.landed(held, landing).await? {
                (chat, None) => chat,
                (_, Some(end)) => return Ok(end),
            };
        }
        if again {
            return Err(WorkError::NotBefore { at: self.clock.now().plus(DEAF_WAIT) });
        }
        if held.message.text.is_some() {
            chat = with_a_word(chat, held);
        }
        chat.state.heard.iter_mut().for_each(|heard| heard.pictures.clear());
        if chat.state.heard.is_empty() {
            return self.nothing_to_say(chat, held, "attachment_failed").await;
        }
        Box::pin(self.answer(held, chat)).await
    }

    /// The last attempt: whatever keeps failing, a person can still answer.
    async fn last_resort(&self, held: &Held<'_>, chat: Chat) -> Result<EventEnd, WorkError> {
        let chat = match self.is_still_ours(held, chat).await? {
            Ours::Yes(chat) => chat,
            Ours::No(chat, outcome) => return self.nothing_to_say(chat, held, outcome).await,
        };
        if let ChatPassage::Shut(objection) = self.gate(held, &chat).await? {
            return self.silent(held, chat, &objection).await;
        }
        let line = Line::error("a chat could not be answered at any attempt; it is handed over");
        report_chat(self.telemetry, ChatCode::AgentNoAnswer, line.id("event.id", &held.row.key.to_key()));
        self.hand_over(held, with_a_word(chat, held), "too_many_attempts", "The assistant failed on this message.")
            .await
    }

    async fn nothing_to_say(&self, chat: Chat, held: &Held<'_>, outcome: &'static str) -> Result<EventEnd, WorkError> {
        let chat = chat.changed(|state| {
            let mut heard = std::mem::take(&mut state.heard);
            if outcome == "empty" {
                state.heard = std::mem::take(&mut heard);
            }
            for heard in heard {
                state.say(Who::Customer, &heard.text);
                state.settle(&heard.event);
            }
            state.settle(held.event.as_str());
        });
        self.poster().save(&chat).await?;
        Ok(EventEnd::Done(outcome))
    }

    fn is_ours(&self, standing: Standing) -> bool {
        standing.is_ours(self.assistant.post.open_too)
    }

    /// Written before it was handed over, or known only by a webhook that may be older than that.
    fn is_handed_over(&self, chat: &Chat, message: &ChatwootMessage) -> bool {
        chat.state.handed_over_at_ms.is_some_and(|at| {
            message.standing.status != Status::Pending || message.created_at_ms.is_none_or(|written| written <= at)
        })
    }

    /// A courtesy: that it cannot be shown is nobody's trouble.
    async fn typing(&self, at: ConversationRef, on: bool) {
        if let Err(error) = self.desk.typing(at, on).await {
            self.telemetry.line(Line::info("the typing indicator could not be set").detail(&error));
        }
    }

    async fn not_paused(&self) -> Result<(), WorkError> {
        paused(self.store, self.clock, Provider::Chatwoot).await?.map_or(Ok(()), |why| Err(why.into()))
    }

    async fn later(&self, why: NotDone) -> Result<WorkError, WorkError> {
        super::respect(self.store, self.telemetry, self.clock.now(), &why).await?;
        Ok(why.into())
    }
}

impl Plan {
    fn of(outcome: &'static str, steps: impl IntoIterator<Item = Step>) -> Self {
        let steps = steps.into_iter().collect();
        Self { outcome, steps, said: String::new(), offers: Vec::new(), discloses: false, hands_over: false }
    }

    /// What was said in voice messages, for the people; before the conversation is opened, which comes last.
    fn with_notes(mut self, chat: &Chat) -> Self {
        let notes = chat.state.heard.iter().filter_map(|h| h.transcript.as_deref());
        let notes = notes.map(|words| Step::Note(neutralise(&format!("Transcript of a voice message:\n{words}"))));
        let before = self.steps.iter().position(|step| *step == Step::Open).unwrap_or(self.steps.len());
        self.steps.splice(before..before, notes.collect::<Vec<_>>());
        self
    }
}

/// The word that ends the event of an answer that somebody else has begun.
fn word_of(outcome: &str) -> &'static str {
    let words = ["answered", "handed_over", "opted_out", "left_to_a_person", "attachment_failed"];
    words.into_iter().find(|word| *word == outcome).unwrap_or("dealt_with")
}

/// A message that could not be heard still has to be counted among those that the answer is for.
fn with_a_word(mut chat: Chat, held: &Held<'_>) -> Chat {
    chat.state.hear(Heard {
        event: held.message.created().as_str().to_owned(),
        message: held.message.id,
        text: held.message.text.clone().unwrap_or_else(|| "[something that could not be opened]".to_owned()),
        pictures: Vec::new(),
        transcript: None,
    });
    chat
}

const fn summary_of(why: NoAnswer) -> &'static str {
    match why {
        NoAnswer::Unavailable => "Its model cannot be used at the moment.",
        NoAnswer::MoneyGone => "Its model's account has no money left.",
        NoAnswer::Misconfigured => "Its model is set up wrongly.",
        NoAnswer::Refused => "Its model did not want to answer this.",
        NoAnswer::Empty => "Its model had nothing to say.",
        NoAnswer::Budget => "Its model took too long.",
        NoAnswer::Unusable => "Its model's answer was not usable.",
    }
}
