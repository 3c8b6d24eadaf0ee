//! The clock of the sessions: one prompt when somebody falls silent, and a clean end with the answers kept.

use std::time::Duration;

use super::{
    lease, paused,
    promote::{PAGE, PAGES_MAX},
    report, report_blocked, respect,
    say::{Said, Speaker, SpeakerRules, Utterance},
    unreadable,
};
use crate::{
    contact::{Contacts, Objection},
    directory::{LocationBook, Locations},
    ids::{ConversationUid, EffectKey, Ids, Shard},
    notice::Notices,
    outbox::Outbox,
    provider::{CallFailure, Desk, Limits, Messages, NotDone, Provider, Say},
    session::{Answer, Session, SessionDue, SessionKey, SessionRules, Sessions},
    store::{Fenced, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::Clock,
    webchat::WebchatCode,
};

/// A conversation that cannot be closed at the provider for so long is closed here alone. Its answers are kept either way.
const CLOSE_ALONE_AFTER: Duration = Duration::from_secs(3_600);

/// What the timer needs.
#[derive(Debug)]
pub struct WatchSessions<'a, S, P, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// The messaging provider.
    pub podium: &'a P,
    /// Time.
    pub clock: &'a C,
    /// Lease owners.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// When a session is asked about and closed.
    pub sessions: SessionRules,
    /// How messages are sent.
    pub speaker: SpeakerRules,
    /// What is asked; `{location_name}` is filled in. `None`: nobody is asked.
    pub prompt: Option<&'a str>,
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Sessions whose prompt is settled: out, or not to be sent.
    pub prompted: usize,
    /// Sessions closed.
    pub closed: usize,
}

impl<S, P, C, I, T> WatchSessions<'_, S, P, C, I, T>
where
    S: Sessions + Contacts + Outbox + Limits + Locations + Notices,
    P: Messages + Desk,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Looks after all sessions whose deadline is past.
    ///
    /// # Errors
    /// When a table cannot be used; the next run goes on where this one stopped.
    pub async fn run(&self) -> Result<Watched, StoreError> {
        let mut watched = Watched::default();
        let mut book = None;
        for shard in Shard::all() {
            let mut full = false;
            for _ in 0..PAGES_MAX {
                let now = self.clock.now();
                let due = self.store.sessions_due(shard, now, PAGE).await?;
                full = due.len() >= usize::from(PAGE);
                let before = watched;
                for key in &due {
                    if let Err(error) = self.look_after(key, &mut book, &mut watched).await {
                        unreadable(self.telemetry, &error)?;
                    }
                }
                if !full || before == watched {
                    break;
                }
            }
            if full {
                self.telemetry.count(Metric::TimerBacklog, Some("sessions"));
            }
        }
        Ok(watched)
    }

    async fn look_after(
        &self,
        key: &SessionKey,
        book: &mut Option<LocationBook>,
        watched: &mut Watched,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Some(session) = self.store.session(key, now).await? else { return Ok(()) };
        report_damage(self.telemetry, &session);
        match session.due(now, &self.sessions) {
            SessionDue::Nothing => Ok(()),
            SessionDue::Prompt => {
                if book.is_none() {
                    *book = self.store.locations().await?;
                }
                let name = book.as_ref().and_then(|b| b.get(&key.location)).map_or("", |l| l.name.as_str());
                watched.prompted += usize::from(self.prompt(session, name).await?);
                Ok(())
            }
            SessionDue::Close => {
                watched.closed += usize::from(self.close(session).await?);
                Ok(())
            }
        }
    }

    /// Asks once in this idle spell. The prompt's name holds the spell, so that two clocks, or one that died half-way,
    /// ask once between them.
    async fn prompt(&self, session: Session, location_name: &str) -> Result<bool, StoreError> {
        let Some(prompt) = self.prompt else { return self.prompted(session).await };
        let what = Utterance {
            key: EffectKey::keep_alive(&session.id, session.spell),
            phone: session.key.phone.clone(),
            say: Say {
                location: session.key.location.clone(),
                conversation: session.conversation.clone(),
                text: prompt.replace("{location_name}", location_name),
            },
            kind: "keep_alive",
        };
        let speaker = Speaker {
            store: self.store,
            messages: self.podium,
            clock: self.clock,
            ids: self.ids,
            telemetry: self.telemetry,
            rules: self.speaker,
        };
        match speaker.say(&what).await? {
            Said::Out => {
                let line = about(&session, Line::info("somebody fell silent and was asked once"));
                report(self.telemetry, WebchatCode::SessionWarned, line);
            }
            Said::Silent(objection @ (Objection::OptedOut(_) | Objection::NotTextable(_))) => {
                report_blocked(self.telemetry, &session.key.phone, "keep_alive", &objection);
            }
            Said::Silent(Objection::CoolingDown { .. }) | Said::Refused | Said::Unknown => {}
            Said::Later(_) | Said::Pending => return Ok(false),
        }
        self.prompted(session).await
    }

    async fn prompted(&self, session: Session) -> Result<bool, StoreError> {
        // Lost: the person wrote meanwhile, which begins another spell.
        Ok(self.save(&session.with_prompt_out()).await? == Fenced::Written)
    }

    /// Leaves the answers as a note, closes the conversation, and keeps the answers for the next message. Whoever dies in
    /// between leaves the answers where they are; the next clock goes on behind the last step that was written down.
    async fn close(&self, session: Session) -> Result<bool, StoreError> {
        let held = lease(self.clock, self.ids, self.speaker.lease);
        let Some(mut session) = session.with_closing_begun(held.owner, held.now, held.until) else { return Ok(false) };
        if self.save(&session).await? == Fenced::Lost {
            return Ok(false);
        }
        let alone = held.now > session.last_at.plus(self.sessions.close_after + CLOSE_ALONE_AFTER);
        let conversation = session.conversation.clone().filter(|_| !alone);
        if let Some(conversation) = &conversation {
            if paused(self.store, self.clock, Provider::Podium).await?.is_some() {
                return Ok(false);
            }
            if !session.answers.is_empty() && session.closing.as_ref().is_some_and(|c| !c.noted) {
                let note = note_of(
                    "This chat was closed because the customer fell silent. Their answers so far:",
                    &session.answers,
                );
                if !self.done(self.podium.note(conversation, &note).await).await? {
                    return Ok(false);
                }
                session = session.with_note_posted();
                if self.save(&session).await? == Fenced::Lost {
                    return Ok(false);
                }
            }
            if !self.done(self.podium.set_closed(conversation, true).await).await? {
                return Ok(false);
            }
        }
        let session = session.closed();
        if self.save(&session).await? == Fenced::Lost {
            return self.reopen(conversation.as_ref(), &session).await;
        }
        let kept = i64::try_from(session.kept.len()).unwrap_or(i64::MAX);
        let line = about(&session, Line::info("a session was closed").number("answers_kept", kept));
        report(self.telemetry, WebchatCode::SessionClosed, line);
        Ok(true)
    }

    /// The person wrote while we closed: their message must not lie in a closed conversation.
    async fn reopen(&self, conversation: Option<&ConversationUid>, session: &Session) -> Result<bool, StoreError> {
        if let Some(conversation) = conversation {
            self.done(self.podium.set_closed(conversation, false).await).await?;
        }
        self.telemetry.line(about(session, Line::info("somebody came back while their session was closed")));
        Ok(false)
    }

    async fn save(&self, session: &Session) -> Result<Fenced, StoreError> {
        self.store.save_session(session, &self.sessions, self.clock.now()).await
    }

    /// Whether a call that nobody notices is over, for good or ill.
    async fn done(&self, outcome: Result<(), CallFailure>) -> Result<bool, StoreError> {
        let called = after_call(self.store, self.telemetry, self.clock, outcome).await?;
        Ok(match called {
            Called::Done | Called::Refused => true,
            Called::Later(_) => false,
        })
    }
}

/// A line that says whose session it is about.
fn about(session: &Session, line: Line) -> Line {
    let SessionKey { phone, location } = &session.key;
    line.id("session.id", &session.id).id("location_uid", location.as_str()).phone(phone)
}

/// What became of a call at the staff's side.
pub(super) enum Called {
    Done,
    Refused,
    Later(NotDone),
}

/// Says what became of a call at the staff's side, and leaves the provider alone if it asked for that.
pub(super) async fn after_call(
    store: &impl Limits,
    telemetry: &impl Telemetry,
    clock: &impl Clock,
    outcome: Result<(), CallFailure>,
) -> Result<Called, StoreError> {
    match outcome {
        Ok(()) => Ok(Called::Done),
        Err(CallFailure::NotDone(why)) => {
            respect(store, telemetry, clock.now(), &why).await?;
            telemetry.line(Line::warn("a conversation could not be updated and will be again").detail(&why));
            Ok(Called::Later(why))
        }
        Err(refused @ CallFailure::Refused { .. }) => {
            telemetry.count(Metric::NoteRefused, None);
            telemetry.line(Line::error("a conversation cannot be updated").detail(&refused));
            Ok(Called::Refused)
        }
    }
}

/// Says that a session's answers could not all be read back.
pub(super) fn report_damage(telemetry: &impl Telemetry, session: &Session) {
    if session.damaged {
        let line = Line::error("kept answers cannot be read; the chat goes on without");
        report(telemetry, WebchatCode::HydrationFailed, line);
    }
}

/// A note for the people who answer.
pub(super) fn note_of(head: &str, answers: &[Answer]) -> String {
    let mut note = head.to_owned();
    for (number, answer) in answers.iter().enumerate() {
        note.push_str(&format!("\n{}. {}", number + 1, answer.text.replace(['\r', '\n'], " ")));
    }
    note
}
