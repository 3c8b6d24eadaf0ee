//! A webchat session: one conversation of one phone with one location, and the answers given in it.
//!
//! Podium forgets a webchat after some 30 idle minutes. Before that we ask once whether the person is still there, and
//! then close it ourselves, with the answers kept; the next message gets them back. The row is changed only by
//! replacing the version that was read, so that a message and the clock cannot undo each other's work.

use std::{fmt, time::Duration};

use crate::{
    ids::{ConversationUid, EventId, LocationUid, OwnerToken, Shard, short_hash},
    phone::E164Phone,
    store::{Fenced, StoreError},
    time::UnixMillis,
};

/// Answers that are kept; of more, the newest.
pub const ANSWERS_MAX: usize = 30;
/// Characters kept of an answer.
pub const ANSWER_CHARS_MAX: usize = 500;
/// Events that a session remembers to have seen, so that one delivered twice counts once.
const SEEN_MAX: usize = 60;

/// Whose session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// The person.
    pub phone: E164Phone,
    /// The location.
    pub location: LocationUid,
}

impl SessionKey {
    /// The text under which the row is stored, `phone#location`.
    #[must_use]
    pub fn to_key(&self) -> String {
        format!("{}#{}", self.phone.expose(), self.location)
    }

    /// Reads back what [`SessionKey::to_key`] wrote.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let (phone, location) = key.split_once('#')?;
        Some(Self { phone: E164Phone::parse_e164(phone).ok()?, location: LocationUid::try_from(location).ok()? })
    }

    /// The partition of the `deadline` index.
    #[must_use]
    pub fn shard(&self) -> Shard {
        Shard::of(&self.to_key())
    }
}

/// Something a customer wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The words, cut to [`ANSWER_CHARS_MAX`].
    pub text: String,
    /// When.
    pub at: UnixMillis,
}

impl fmt::Debug for Answer {
    /// Without the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({} characters)", self.text.chars().count())
    }
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// The person may write any moment.
    Open,
    /// Ended; its answers wait for the next message.
    Closed,
}

impl SessionStatus {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// Reads [`SessionStatus::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Closed].into_iter().find(|s| s.as_str() == text)
    }
}

/// Who closes a session at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The holder.
    pub owner: OwnerToken,
    /// Until when at the latest.
    pub until: UnixMillis,
    /// Whether the note with the answers is on the conversation already.
    pub noted: bool,
}

/// A session as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub key: SessionKey,
    /// Its own name: new for each opening, and no phone can be read off it.
    pub id: String,
    /// Counts the changes.
    pub version: u64,
    /// Where it stands.
    pub status: SessionStatus,
    /// The provider's conversation, once known.
    pub conversation: Option<ConversationUid>,
    /// When the customer last wrote.
    pub last_at: UnixMillis,
    /// Counts the idle spells: one more with each message.
    pub spell: u32,
    /// Whether this spell's prompt is out (or may not go out).
    pub prompted: bool,
    /// What was answered in this session.
    pub answers: Vec<Answer>,
    /// What was answered in an earlier one and is not given back yet.
    pub kept: Vec<Answer>,
    /// What was given back, while its note is not on the conversation yet.
    pub handed_back: Vec<Answer>,
    /// Events that are in it.
    pub seen: Vec<EventId>,
    /// Who closes it.
    pub closing: Option<Closing>,
    /// It was opened again, or has a message that we put there, and the provider's conversation may still be closed.
    pub reopen: bool,
    /// Some of the answers could not be read back; what could is here. Said once and then forgotten.
    pub damaged: bool,
}

/// When a session is asked about and closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRules {
    /// Idle for so long: one prompt.
    pub warn_after: Duration,
    /// Idle for so long: closed.
    pub close_after: Duration,
    /// How long a closed session's answers are kept.
    pub keep: Duration,
}

/// A customer's message, as far as a session cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionMessage {
    /// The event that brought it.
    pub event: EventId,
    /// Its words, if it has any.
    pub text: Option<String>,
    /// When it was written.
    pub at: UnixMillis,
    /// The conversation, if it says.
    pub conversation: Option<ConversationUid>,
    /// Whether it came through a web page. Only such a message opens a session; any other keeps one alive.
    pub webchat: bool,
    /// When it is worked on: who wrote an hour ago and was not heard until now has not been idle for an hour.
    pub now: UnixMillis,
    /// Whether it may be a wish for silence: then this spell has no prompt.
    pub quiet: bool,
    /// Whether it is in the conversation because we put it there: the provider does not open one for that.
    pub imported: bool,
}

/// What time it is for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionDue {
    /// Nothing to do yet, or any more.
    Nothing,
    /// Ask whether the person is still there.
    Prompt,
    /// Close it.
    Close,
}

impl Session {
    /// The session after a message; `None` when the message changes nothing: it is in the session already, or it is a
    /// text and there is no session that it could belong to.
    ///
    /// A message of a live session adds to its answers and wipes none. The first message after a close gets the kept
    /// answers back; from then on they are nobody's any more.
    #[must_use]
    pub fn after(earlier: Option<Self>, key: &SessionKey, message: &SessionMessage) -> Option<Self> {
        let mut session = match earlier {
            None if message.webchat => Self::opened(key, message),
            None => return None,
            Some(known) if known.seen.contains(&message.event) => return None,
            Some(known) => known,
        };
        match session.status {
            SessionStatus::Open => {}
            SessionStatus::Closed => {
                if !message.webchat && session.kept.is_empty() {
                    return None;
                }
                session.handed_back.append(&mut session.kept);
                keep_newest(&mut session.handed_back);
                if message.webchat {
                    session.status = SessionStatus::Open;
                    session.id = session_id(key, message);
                    session.answers.clear();
                    session.spell = 0;
                    session.reopen = true;
                }
            }
        }
        session.version += 1;
        session.spell = session.spell.saturating_add(1);
        session.prompted = message.quiet;
        session.closing = None;
        session.damaged = false;
        session.last_at = session.last_at.max(message.at).max(message.now);
        session.conversation = message.conversation.clone().or(session.conversation);
        session.reopen |= message.imported;
        session.seen.push(message.event.clone());
        let surplus = session.seen.len().saturating_sub(SEEN_MAX);
        session.seen.drain(..surplus);
        if session.status == SessionStatus::Open
            && let Some(text) = message.text.as_deref().map(str::trim).filter(|t| !t.is_empty())
        {
            session.answers.push(Answer { text: text.chars().take(ANSWER_CHARS_MAX).collect(), at: message.at });
            keep_newest(&mut session.answers);
        }
        Some(session)
    }

    fn opened(key: &SessionKey, message: &SessionMessage) -> Self {
        Self {
            key: key.clone(),
            id: session_id(key, message),
            version: 0,
            status: SessionStatus::Open,
            conversation: None,
            last_at: message.at,
            spell: 0,
            prompted: false,
            answers: Vec::new(),
            kept: Vec::new(),
            handed_back: Vec::new(),
            seen: Vec::new(),
            closing: None,
            reopen: false,
            damaged: false,
        }
    }

    /// What is due at `now`. A prompt that comes too late is not made: after `close_after` the session is closed, however
    /// long it waited to be looked at.
    #[must_use]
    pub fn due(&self, now: UnixMillis, rules: &SessionRules) -> SessionDue {
        match self.status {
            SessionStatus::Closed => SessionDue::Nothing,
            SessionStatus::Open if now >= self.last_at.plus(rules.close_after) => SessionDue::Close,
            SessionStatus::Open if !self.prompted && now >= self.last_at.plus(rules.warn_after) => SessionDue::Prompt,
            SessionStatus::Open => SessionDue::Nothing,
        }
    }

    /// When it has to be looked at next; `None` once it is closed.
    #[must_use]
    pub fn deadline(&self, rules: &SessionRules) -> Option<UnixMillis> {
        match self.status {
            SessionStatus::Closed => None,
            SessionStatus::Open if self.prompted => Some(self.last_at.plus(rules.close_after)),
            SessionStatus::Open => Some(self.last_at.plus(rules.warn_after)),
        }
    }

    /// After the prompt of this spell.
    #[must_use]
    pub fn with_prompt_out(mut self) -> Self {
        self.version += 1;
        self.prompted = true;
        self
    }

    /// Held by somebody who closes it; `None` when somebody else does and may still be alive.
    #[must_use]
    pub fn with_closing_begun(mut self, owner: OwnerToken, now: UnixMillis, until: UnixMillis) -> Option<Self> {
        let held = self.closing.as_ref().is_some_and(|c| c.owner != owner && now < c.until);
        let noted = self.closing.as_ref().is_some_and(|c| c.noted);
        if held {
            return None;
        }
        self.version += 1;
        self.closing = Some(Closing { owner, until, noted });
        Some(self)
    }

    /// With the note on the conversation.
    #[must_use]
    pub fn with_note_posted(mut self) -> Self {
        self.version += 1;
        if let Some(closing) = &mut self.closing {
            closing.noted = true;
        }
        self
    }

    /// Closed, with its answers kept.
    #[must_use]
    pub fn closed(mut self) -> Self {
        self.version += 1;
        self.status = SessionStatus::Closed;
        self.kept = std::mem::take(&mut self.answers);
        self.closing = None;
        self
    }

    /// With the provider's conversation open again.
    #[must_use]
    pub fn reopened(mut self) -> Self {
        self.version += 1;
        self.reopen = false;
        self
    }

    /// With these returned answers noted for the agent; `None` when they are marked as noted already.
    #[must_use]
    pub fn with_hand_back_noted(mut self, noted: &[Answer]) -> Option<Self> {
        if noted.is_empty() || !self.handed_back.starts_with(noted) {
            return None;
        }
        self.version += 1;
        self.handed_back.drain(..noted.len());
        Some(self)
    }
}

fn session_id(key: &SessionKey, message: &SessionMessage) -> String {
    short_hash(&format!("{}#{}", key.to_key(), message.event))
}

fn keep_newest(answers: &mut Vec<Answer>) {
    let surplus = answers.len().saturating_sub(ANSWERS_MAX);
    answers.drain(..surplus);
}

/// The sessions table.
pub trait Sessions {
    /// Reads a session, strongly consistent; `None` when there is none or it has expired at `now`.
    async fn session(&self, key: &SessionKey, now: UnixMillis) -> Result<Option<Session>, StoreError>;

    /// Writes a session in place of the version before it (`session.version - 1`; none, for the first). Its deadline and
    /// expiry follow from `rules`.
    async fn save_session(
        &self,
        session: &Session,
        rules: &SessionRules,
        now: UnixMillis,
    ) -> Result<Fenced, StoreError>;

    /// Sessions of one partition whose deadline is before `before`, oldest first, `limit` at most.
    async fn sessions_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<SessionKey>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis::new(1_795_132_800_000);
    const RULES: SessionRules = SessionRules {
        warn_after: Duration::from_secs(1_200),
        close_after: Duration::from_secs(1_680),
        keep: Duration::from_secs(604_800),
    };

    fn key() -> SessionKey {
        SessionKey {
            phone: E164Phone::parse_e164("+61491570156").unwrap(),
            location: LocationUid::try_from("loc_burleigh").unwrap(),
        }
    }

    fn message(event: &str, text: &str, minute: u64, webchat: bool) -> SessionMessage {
        SessionMessage {
            event: EventId::try_from(event).unwrap(),
            text: Some(text.to_owned()),
            at: START.plus(Duration::from_secs(60 * minute)),
            conversation: None,
            webchat,
            now: START.plus(Duration::from_secs(60 * minute)),
            quiet: false,
            imported: false,
        }
    }

    fn texts(answers: &[Answer]) -> Vec<&str> {
        answers.iter().map(|a| a.text.as_str()).collect()
    }

    fn minute(minute: u64) -> UnixMillis {
        START.plus(Duration::from_secs(60 * minute))
    }

    #[test]
    fn a_second_message_wipes_nothing() {
        let first = Session::after(None, &key(), &message("e1", "1", 0, true)).unwrap();
        let second = Session::after(Some(first.clone()), &key(), &message("e2", "blue", 3, true)).unwrap();
        assert_eq!(texts(&second.answers), ["1", "blue"]);
        assert_eq!((second.version, &second.id), (2, &first.id));
        assert_eq!(Session::after(Some(second), &key(), &message("e1", "1", 0, true)), None, "delivered twice");
    }

    #[test]
    fn one_prompt_a_spell_and_a_close_with_everything_kept() {
        let session = Session::after(None, &key(), &message("e1", "1", 0, true)).unwrap();
        assert_eq!(session.due(minute(19), &RULES), SessionDue::Nothing);
        assert_eq!((session.due(minute(20), &RULES), session.deadline(&RULES)), (SessionDue::Prompt, Some(minute(20))));
        let session = session.with_prompt_out();
        for scan in 20..28 {
            assert_eq!(session.due(minute(scan), &RULES), SessionDue::Nothing, "minute {scan}");
        }
        assert_eq!((session.due(minute(28), &RULES), session.deadline(&RULES)), (SessionDue::Close, Some(minute(28))));
        // The person answers: another spell, with a prompt of its own.
        let awake = Session::after(Some(session.clone()), &key(), &message("e2", "2", 25, true)).unwrap();
        assert_eq!(awake.due(minute(45), &RULES), SessionDue::Prompt);
        assert_ne!(awake.spell, session.spell);
        let closed = session.closed();
        assert_eq!((texts(&closed.kept), closed.deadline(&RULES)), (vec!["1"], None));
        assert_eq!(closed.due(minute(500), &RULES), SessionDue::Nothing);
    }

    #[test]
    fn who_was_looked_at_too_late_is_not_prompted_any_more() {
        let session = Session::after(None, &key(), &message("e1", "1", 0, true)).unwrap();
        assert_eq!(session.due(minute(300), &RULES), SessionDue::Close);
    }

    #[test]
    fn kept_answers_come_back_exactly_once() {
        let first = Session::after(None, &key(), &message("e1", "1", 0, true)).unwrap().closed();
        let back = Session::after(Some(first.clone()), &key(), &message("e2", "2", 60, true)).unwrap();
        assert_eq!((texts(&back.handed_back), texts(&back.answers)), (vec!["1"], vec!["2"]));
        assert!(back.kept.is_empty() && back.reopen && !back.clone().reopened().reopen);
        assert_ne!(back.id, first.id);
        let noted = back.clone().with_hand_back_noted(&back.handed_back).unwrap();
        assert_eq!(noted.clone().with_hand_back_noted(&back.handed_back), None, "noted already");
        let again = Session::after(Some(noted.closed()), &key(), &message("e3", "3", 120, true)).unwrap();
        assert_eq!(texts(&again.handed_back), ["2"], "the first answer is not given back a second time");
    }

    #[test]
    fn a_text_keeps_a_session_alive_and_opens_none() {
        assert_eq!(Session::after(None, &key(), &message("e1", "hi", 0, false)), None);
        let open = Session::after(None, &key(), &message("e1", "1", 0, true)).unwrap();
        let alive = Session::after(Some(open.clone()), &key(), &message("e2", "2", 10, false)).unwrap();
        assert_eq!((texts(&alive.answers), alive.last_at), (vec!["1", "2"], minute(10)));
        let closed = alive.closed();
        let back = Session::after(Some(closed), &key(), &message("e3", "3", 60, false)).unwrap();
        assert_eq!((back.status, texts(&back.handed_back)), (SessionStatus::Closed, vec!["1", "2"]));
        assert_eq!(Session::after(Some(back), &key(), &message("e4", "4", 61, false)), None);
    }

    #[test]
    fn what_we_put_into_a_conversation_is_no_reason_for_it_to_be_open() {
        let ours = |event: &str, minute| SessionMessage { imported: true, ..message(event, event, minute, true) };
        let session = Session::after(None, &key(), &ours("e1", 0)).unwrap();
        assert!(session.reopen);
        let session = Session::after(Some(session.reopened()), &key(), &message("e2", "2", 1, true)).unwrap();
        assert!(!session.reopen, "a message of the provider's own has opened it");
        assert!(Session::after(Some(session), &key(), &ours("e3", 2)).unwrap().reopen);
    }

    #[test]
    fn a_late_message_does_not_turn_the_clock_back() {
        let session = Session::after(None, &key(), &message("e2", "2", 10, true)).unwrap();
        let session = Session::after(Some(session), &key(), &message("e1", "1", 5, true)).unwrap();
        assert_eq!(session.last_at, minute(10));
    }

    #[test]
    fn who_was_heard_late_was_not_idle_meanwhile() {
        let late = SessionMessage { now: minute(90), ..message("e1", "1", 0, true) };
        let session = Session::after(None, &key(), &late).unwrap();
        assert_eq!(session.due(minute(100), &RULES), SessionDue::Nothing);
    }

    #[test]
    fn who_may_want_silence_is_not_prompted() {
        let unsure = SessionMessage { quiet: true, ..message("e1", "enough", 0, true) };
        let session = Session::after(None, &key(), &unsure).unwrap();
        assert_eq!(session.due(minute(25), &RULES), SessionDue::Nothing);
        let clear = Session::after(Some(session), &key(), &message("e2", "how much?", 26, true)).unwrap();
        assert_eq!(clear.due(minute(46), &RULES), SessionDue::Prompt);
    }

    #[test]
    fn of_two_who_close_one_has_it_until_the_lease_is_over() {
        let owner = |name: &str| OwnerToken::try_from(name).unwrap();
        let session = Session::after(None, &key(), &message("e1", "1", 0, true)).unwrap();
        let held = session.with_closing_begun(owner("a"), minute(28), minute(30)).unwrap().with_note_posted();
        assert_eq!(held.clone().with_closing_begun(owner("b"), minute(29), minute(31)), None);
        let taken = held.with_closing_begun(owner("b"), minute(30), minute(32)).unwrap();
        assert!(taken.closing.unwrap().noted, "the note is not posted again");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut session = None;
        for n in 0..200 {
            let long = "x".repeat(2_000);
            session = Session::after(session, &key(), &message(&format!("e{n}"), &long, n, true));
        }
        let session = session.unwrap();
        assert_eq!((session.answers.len(), session.seen.len()), (ANSWERS_MAX, SEEN_MAX));
        assert!(session.answers.iter().all(|a| a.text.len() == ANSWER_CHARS_MAX));
    }
}
