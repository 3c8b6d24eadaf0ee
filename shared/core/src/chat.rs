//! A chat as we remember it: what was said, what waits for an answer, and the answer that is on its way.
//!
//! The answer in flight is a part of the row, and so is its outbox: every step is written down as begun before it is made
//! and as done after it. The row is changed only by replacing the version that was read, so of two workers on one chat one
//! always notices the other (`docs/adr/0009`).

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    agent::Turn,
    chat_code::ChatCode,
    chatwoot::ConversationRef,
    ids::{EventId, OwnerToken, short_hash},
    outbound::{Choice, Post},
    phone::E164Phone,
    store::{Fenced, StoreError},
    time::UnixMillis,
    widget::{Sends, SessionId},
};

/// Turns that are kept; of more, the newest. A row of the table holds 400 KB at most: this many of this size, what waits
/// for an answer and the answer itself fit into it, whatever they are written in.
pub const TURNS_MAX: usize = 40;
/// Bytes kept of a turn.
pub const TURN_BYTES_MAX: usize = 3_000;
/// Messages that wait for one answer together; of more, the oldest become one.
pub const HEARD_MAX: usize = 12;
/// Bytes kept of a message that waits.
pub const HEARD_BYTES_MAX: usize = 6_000;
/// Pictures kept of a message that waits.
pub const PICTURES_MAX: usize = 4;
/// A longer address of a picture is none.
const ADDRESS_BYTES_MAX: usize = 1_500;
/// Messages that a chat remembers to have dealt with.
const SETTLED_MAX: usize = 300;
/// Times of answers that are remembered, to notice two programs that talk to each other.
const ANSWERED_AT_MAX: usize = 120;

/// Begins the key of a session on the website.
const SESSION: &str = "widget#session#";

/// Names a chat.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChatKey(String);

impl ChatKey {
    /// The chat of a Chatwoot conversation.
    #[must_use]
    pub fn chatwoot(at: ConversationRef) -> Self {
        Self(format!("chatwoot#{}#{}", at.account, at.conversation))
    }

    /// The chat of a visitor's session on the website. The id is anybody's to choose, so only its hash is kept.
    #[must_use]
    pub fn widget(session: &SessionId) -> Self {
        Self(format!("{SESSION}{}", short_hash(&format!("widget-session {}", session.expose()))))
    }

    /// That of a visitor without a session. There is no such chat: it is neither read nor kept.
    #[must_use]
    pub fn nobodys() -> Self {
        Self("widget#nobody".to_owned())
    }

    /// Whether it is [`ChatKey::widget`]'s.
    #[must_use]
    pub fn is_of_session(&self) -> bool {
        self.0.starts_with(SESSION)
    }

    /// Reads a stored key.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The customer.
    Customer,
    /// The assistant.
    Us,
}

/// Something that was said.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// By whom.
    pub who: Who,
    /// The words, cut to [`TURN_BYTES_MAX`].
    pub text: String,
}

impl fmt::Debug for Line {
    /// Without the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({:?}, {} characters)", self.who, self.text.chars().count())
    }
}

/// A picture that a customer sent. Kept as an address until the answer is made, and not a moment longer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPicture {
    /// Where it lies.
    pub url: String,
    /// Its type, if it is known.
    pub mime: Option<String>,
}

impl fmt::Debug for SeenPicture {
    /// Without the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SeenPicture({:?})", self.mime)
    }
}

/// A message that waits for its answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Its event.
    pub event: String,
    /// Its number; they rise.
    pub message: u64,
    /// The words, with what came besides described in them.
    pub text: String,
    /// Pictures.
    pub pictures: Vec<SeenPicture>,
    /// What was said in its voice messages, if the shop's people are to read that.
    pub transcript: Option<String>,
}

impl fmt::Debug for Heard {
    /// Without the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Heard({}, {} characters)", self.message, self.text.chars().count())
    }
}

/// Who is to go on with a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A team.
    Team(u64),
    /// A person.
    Agent(u64),
}

/// A step of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A message to the customer.
    Say(Post),
    /// A note for the shop's people.
    Note(String),
    /// The conversation goes to somebody. Repeated, it changes nothing.
    Assign(Target),
    /// The conversation goes into people's hands. Last of all: posting a message would take it off their list again.
    Open,
}

/// A step that somebody began and did not finish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trying {
    /// Who.
    pub owner: String,
    /// When, in milliseconds since the epoch.
    pub began_at_ms: i64,
}

/// An answer on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// The event whose worker made it. It names the answer's steps for ever.
    pub event: String,
    /// The newest message when it was made; our own posts come after it.
    pub after: u64,
    /// The word that ends its event.
    pub outcome: String,
    /// Its steps, in this order.
    pub steps: Vec<Step>,
    /// How many of them are done.
    pub done: usize,
    /// The next one is being tried.
    pub trying: Option<Trying>,
    /// What it says, as the history keeps it; empty for nothing.
    pub said: String,
    /// The options that it offers.
    pub offers: Vec<Choice>,
    /// The assistant introduces itself with it.
    pub discloses: bool,
    /// It hands the conversation over.
    pub hands_over: bool,
    /// The events of the messages that it answers.
    pub answers: Vec<String>,
    /// It cannot be carried out; people are to be told, and after that it is dropped.
    pub failed: Option<ChatCode>,
}

impl InFlight {
    /// The mark that a post of this answer carries. It shows neither the conversation nor the event.
    #[must_use]
    pub fn marker(&self, chat: &ChatKey, step: usize) -> Marker {
        Marker(format!("{}-{step}", short_hash(&format!("{}#{}", chat.as_str(), self.event))))
    }

    /// The step that is next.
    #[must_use]
    pub fn next(&self) -> Option<&Step> {
        self.steps.get(self.done)
    }
}

/// What one of our posts is known by at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker(String);

impl Marker {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The newest event of a chat: written with its inbox row, so that a worker knows of messages that are still on their way
/// to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// The event.
    pub event: EventId,
    /// When it came in.
    pub at: UnixMillis,
}

/// A chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// Its name.
    pub key: ChatKey,
    /// Counts the changes.
    pub version: u64,
    /// The newest event that came in for it.
    pub newest: Option<Newest>,
    /// The customer's number, if it is known.
    pub phone: Option<E164Phone>,
    /// Everything else.
    pub state: ChatState,
}

/// What is remembered of a chat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatState {
    /// What was said, oldest first.
    pub history: Vec<Line>,
    /// What waits for an answer, by message.
    pub heard: Vec<Heard>,
    /// The events that are dealt with: answered, or in need of no answer.
    pub settled: Vec<String>,
    /// The options that were offered last, until something else is said.
    pub offered: Vec<Choice>,
    /// The assistant has said that it is one.
    pub disclosed: bool,
    /// The customer wants no more messages, and their number is not known.
    pub silenced: bool,
    /// The message of the last wish for silence or for answers.
    pub wish_of: Option<u64>,
    /// It was handed over to people at this time, in milliseconds since the epoch; it is theirs until it is given back, or
    /// forgotten.
    pub handed_over_at_ms: Option<i64>,
    /// When answers were made, in milliseconds since the epoch.
    pub answered_at_ms: Vec<i64>,
    /// The answer on its way.
    pub in_flight: Option<InFlight>,
    /// On the website: what was asked a moment ago.
    #[serde(skip_serializing_if = "Sends::is_empty")]
    pub sends: Sends,
}

impl Chat {
    /// One that nobody has spoken in yet.
    #[must_use]
    pub fn new(key: ChatKey) -> Self {
        Self { key, version: 0, newest: None, phone: None, state: ChatState::default() }
    }

    /// With one more change; every write is made of this.
    #[must_use]
    pub fn changed(mut self, change: impl FnOnce(&mut ChatState)) -> Self {
        self.version += 1;
        change(&mut self.state);
        self
    }
}

impl ChatState {
    /// Whether an event needs nothing any more.
    #[must_use]
    pub fn is_settled(&self, event: &EventId) -> bool {
        self.settled.iter().any(|e| e == event.as_str())
    }

    /// Remembers a message; one that is there already is replaced.
    pub fn hear(&mut self, mut heard: Heard) {
        heard.text = cut(&heard.text, HEARD_BYTES_MAX).to_owned();
        heard.transcript = heard.transcript.map(|words| cut(&words, TURN_BYTES_MAX).to_owned());
        heard.pictures.retain(|picture| picture.url.len() <= ADDRESS_BYTES_MAX);
        heard.pictures.truncate(PICTURES_MAX);
        self.heard.retain(|h| h.event != heard.event && h.message != heard.message);
        self.heard.push(heard);
        self.heard.sort_by_key(|h| h.message);
        while self.heard.len() > HEARD_MAX {
            // The two oldest become one: nothing that was said is dropped.
            let oldest = self.heard.remove(0);
            self.settle(&oldest.event);
            if let Some(next) = self.heard.first_mut() {
                next.text = cut(&format!("{}\n{}", oldest.text, next.text), HEARD_BYTES_MAX).to_owned();
                next.pictures.splice(0..0, oldest.pictures);
                next.pictures.truncate(PICTURES_MAX);
                let spoken = [oldest.transcript, next.transcript.take()].into_iter().flatten().collect::<Vec<_>>();
                next.transcript = (!spoken.is_empty()).then(|| cut(&spoken.join("\n"), TURN_BYTES_MAX).to_owned());
            }
        }
    }

    /// Remembers that an event needs nothing any more.
    pub fn settle(&mut self, event: &str) {
        if !self.settled.iter().any(|e| e == event) {
            self.settled.push(event.to_owned());
            let surplus = self.settled.len().saturating_sub(SETTLED_MAX);
            self.settled.drain(..surplus);
        }
    }

    /// Adds to the history.
    pub fn say(&mut self, who: Who, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.history.push(Line { who, text: cut(text, TURN_BYTES_MAX).to_owned() });
        let surplus = self.history.len().saturating_sub(TURNS_MAX);
        self.history.drain(..surplus);
    }

    /// The last `most` turns as a model gets them; what the customer said in one go is one.
    #[must_use]
    pub fn turns(&self, most: usize) -> Vec<Turn> {
        let skip = self.history.len().saturating_sub(most);
        let mut turns: Vec<Turn> = Vec::new();
        for line in self.history.iter().skip(skip) {
            match (line.who, turns.last_mut()) {
                (Who::Customer, Some(Turn::Customer { text, .. })) => {
                    text.push('\n');
                    text.push_str(&line.text);
                }
                (Who::Customer, _) => turns.push(Turn::Customer { text: line.text.clone(), pictures: Vec::new() }),
                (Who::Us, _) => turns.push(Turn::Us(line.text.clone())),
            }
        }
        turns
    }

    /// Everything of the answer in flight is done.
    pub fn land(&mut self, now: UnixMillis) {
        let Some(flight) = self.in_flight.take() else { return };
        self.answered(&flight);
        self.say(Who::Us, &flight.said);
        if !flight.answers.is_empty() {
            self.offered.clone_from(&flight.offers);
        }
        self.spoke(&flight, now);
    }

    /// The rest of the answer in flight is not carried out any more. What of it is out still counts.
    pub fn give_up(&mut self, now: UnixMillis) {
        let Some(flight) = self.in_flight.take() else { return };
        self.answered(&flight);
        if flight.done > 0 {
            self.say(Who::Us, &flight.said);
            self.spoke(&flight, now);
        }
    }

    fn spoke(&mut self, flight: &InFlight, now: UnixMillis) {
        self.disclosed |= flight.discloses;
        if flight.hands_over {
            self.handed_over_at_ms = Some(now.get());
        }
        self.answered_at_ms.push(now.get());
        let surplus = self.answered_at_ms.len().saturating_sub(ANSWERED_AT_MAX);
        self.answered_at_ms.drain(..surplus);
    }

    fn answered(&mut self, flight: &InFlight) {
        let (answered, waiting) = std::mem::take(&mut self.heard)
            .into_iter()
            .partition(|heard: &Heard| flight.answers.contains(&heard.event));
        self.heard = waiting;
        let answered: Vec<Heard> = answered;
        for heard in &answered {
            self.say(Who::Customer, &heard.text);
        }
        flight.answers.iter().for_each(|event| self.settle(event));
        self.settle(&flight.event);
    }

    /// How many answers were made since `since`.
    #[must_use]
    pub fn answered_since(&self, since: UnixMillis) -> usize {
        self.answered_at_ms.iter().filter(|at| **at >= since.get()).count()
    }
}

/// The beginning of a text, ending between two characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

impl Trying {
    /// Begun by `owner` at `now`.
    #[must_use]
    pub fn begun(owner: &OwnerToken, now: UnixMillis) -> Self {
        Self { owner: owner.as_str().to_owned(), began_at_ms: now.get() }
    }
}

/// The chats table.
pub trait Chats {
    /// Reads a chat, strongly consistent; a new one when there is none or it has expired at `now`.
    async fn chat(&self, key: &ChatKey, now: UnixMillis) -> Result<Chat, StoreError>;

    /// Writes a chat in place of the version before it (`chat.version - 1`; none or an expired one, for the first). It is
    /// forgotten `keep` after `now`. [`Chat::newest`] is not written: that is the inbox's
    /// ([`NewEvent::chat`](crate::inbox::NewEvent)). A repetition of the same write succeeds again.
    async fn save_chat(&self, chat: &Chat, keep: Duration, now: UnixMillis) -> Result<Fenced, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(message: u64) -> Heard {
        Heard {
            event: format!("e{message}"),
            message,
            text: format!("question {message}"),
            pictures: Vec::new(),
            transcript: None,
        }
    }

    fn flight(answers: &[&str]) -> InFlight {
        InFlight {
            event: "e2".into(),
            after: 2,
            outcome: "answered".into(),
            steps: vec![Step::Note("n".into())],
            done: 1,
            trying: None,
            said: "hello".into(),
            offers: Vec::new(),
            discloses: true,
            hands_over: false,
            answers: answers.iter().map(|event| (*event).to_owned()).collect(),
            failed: None,
        }
    }

    #[test]
    fn messages_are_kept_in_their_order_and_once() {
        let mut state = ChatState::default();
        for message in [3, 1, 2, 3, 1] {
            state.hear(heard(message));
        }
        assert_eq!(state.heard.iter().map(|h| h.message).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn of_more_messages_than_are_kept_the_oldest_become_one() {
        let mut state = ChatState::default();
        for message in 1..=30 {
            state.hear(heard(message));
        }
        assert_eq!(state.heard.len(), HEARD_MAX);
        let said: Vec<&str> = state.heard.iter().flat_map(|h| h.text.lines()).collect();
        assert_eq!(said, (1..=30).map(|n| format!("question {n}")).collect::<Vec<_>>());
    }

    #[test]
    fn an_answer_that_landed_settles_what_it_answers_and_nothing_else() {
        let mut state = ChatState::default();
        for message in 1..=3 {
            state.hear(heard(message));
        }
        state.in_flight = Some(flight(&["e1", "e2"]));
        state.land(UnixMillis::new(5));
        assert_eq!(state.heard, [heard(3)]);
        assert_eq!(state.settled, ["e1", "e2"]);
        assert_eq!(state.history.len(), 3);
        assert!(state.disclosed && state.in_flight.is_none() && state.answered_since(UnixMillis::new(5)) == 1);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut state = ChatState::default();
        for message in 0..1_000 {
            let url = format!("https://chat.example/{}", "p".repeat(1_400));
            let pictures = vec![SeenPicture { url, mime: Some("image/jpeg".into()) }; 9];
            let transcript = Some("\u{1F600}".repeat(9_000));
            state.hear(Heard { text: "\u{1F600}".repeat(9_000), pictures, transcript, ..heard(message) });
            state.say(Who::Us, &"\u{4f60}".repeat(9_000));
            state.settle(&format!("message_created-123456789-{message}"));
        }
        assert_eq!((state.heard.len(), state.history.len(), state.settled.len()), (HEARD_MAX, TURNS_MAX, SETTLED_MAX));
        assert!(state.history.iter().all(|line| line.text.len() == TURN_BYTES_MAX));
        let room_for_the_answer = 60_000;
        assert!(serde_json::to_string(&state).unwrap().len() + room_for_the_answer < 400_000);
    }

    #[test]
    fn a_marker_names_chat_event_and_step_and_shows_none_of_them() {
        let (a, b) = (ChatKey::from_stored("chatwoot#1#2"), ChatKey::from_stored("chatwoot#1#3"));
        let flight = flight(&[]);
        assert_eq!(flight.marker(&a, 0), flight.marker(&a, 0));
        assert_ne!(flight.marker(&a, 0), flight.marker(&a, 1));
        assert_ne!(flight.marker(&a, 0), flight.marker(&b, 0));
        assert!(!flight.marker(&a, 0).as_str().contains("chatwoot"));
    }
}
