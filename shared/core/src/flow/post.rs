//! Carries out the answer in flight of a chat, step by step, each at most once.
//!
//! A post has three attempts, one second and three seconds apart, and ten seconds at the end in which a late success may
//! still show (brief, section 4). Chatwoot knows no idempotency key, so each post carries a mark of ours: before a post is
//! repeated whose fate is not known, the mark is looked for.

use std::time::Duration;

use super::{paused, report_chat, respect, worker::WorkError};
use crate::{
    chat::{Chat, Chats, InFlight, Marker, Step, Target, Trying},
    chat_code::ChatCode,
    chatwoot::{ConversationRef, Conversations, PostFailure, Posted},
    contact::{Contacts, Objection},
    gate::{self, ChatPassage, ChatPermit},
    outbound::{Abilities, Outbound, Post, Show, render},
    provider::{CallFailure, Limits, NotDone, Provider},
    store::{Fenced, Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
    token::Pause,
};

/// Waits before the second and the third attempt.
pub const BACKOFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// How long after the last attempt a late success may still show.
pub const TERMINAL_WINDOW: Duration = Duration::from_secs(10);
/// How long a post is looked for before it counts as unknown.
const LOOK_FOR: Duration = Duration::from_secs(1_800);
/// How long a conversation rests in which too many messages were posted: they are counted by the minute.
const FLOOD_REST: Duration = Duration::from_secs(61);

/// By how much a lease is longer than its function may run. What does not fit in before that is not begun.
pub const LEASE_SPARE: Duration = Duration::from_secs(30);
/// How long it is remembered that somebody without a number asked for silence.
const SILENCE_KEPT: Duration = Duration::from_secs(400 * 86_400);

/// The bounds of posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostRules {
    /// How long a chat is remembered.
    pub keep: Duration,
    /// Whoever began a step may be in the middle of it for so long.
    pub lease: Duration,
    /// Longest wait for one answer of Chatwoot's.
    pub call: Duration,
    /// Whether open conversations of nobody are answered too.
    pub open_too: bool,
}

/// What a poster needs.
#[derive(Debug)]
pub struct Poster<'a, S, P, W, C, T> {
    /// The tables.
    pub store: &'a S,
    /// Chatwoot.
    pub desk: &'a P,
    /// Waits.
    pub pause: &'a W,
    /// Time.
    pub clock: &'a C,
    /// Reports.
    pub telemetry: &'a T,
    /// Bounds.
    pub rules: PostRules,
}

/// What became of the answer in flight.
#[derive(Debug)]
pub enum Landing {
    /// All of it is out.
    Done(Chat),
    /// A person has the conversation by now; the rest was dropped.
    TakenOver(Chat),
    /// The customer opted out meanwhile; the rest was dropped.
    Silent(Chat, Objection),
    /// It cannot be posted, or nobody knows whether it was. People have to be told, and then the rest is to be
    /// [dropped](Poster::give_up).
    Failed(Chat, ChatCode),
}

/// A step on its way.
struct Errand<'a> {
    at: ConversationRef,
    /// Our posts come after this message.
    after: u64,
    marker: Marker,
    lease: &'a Lease,
}

/// How a step ended.
enum Ended {
    Done,
    TakenOver,
    Silent(Objection),
    Failed(ChatCode),
}

/// What one call came to.
enum Tried {
    Out,
    Shut(Objection),
    Failed(PostFailure),
}

impl<S, P, W, C, T> Poster<'_, S, P, W, C, T>
where
    S: Chats + Contacts + Limits,
    P: Conversations,
    W: Pause,
    C: Clock,
    T: Telemetry,
{
    /// Writes an answer down and carries it out.
    ///
    /// # Errors
    /// See [`Poster::carry_out`].
    pub async fn begin(
        &self,
        chat: Chat,
        at: ConversationRef,
        flight: InFlight,
        lease: &Lease,
    ) -> Result<Landing, WorkError> {
        let now = self.clock.now();
        let trying = flight.next().filter(|step| is_posted(step)).map(|_| Trying::begun(&lease.owner, now));
        let chat = chat.changed(|state| state.in_flight = Some(InFlight { trying, ..flight }));
        self.save(&chat).await?;
        self.carry_out(chat, at, lease).await
    }

    /// Carries out what is left of the answer in flight.
    ///
    /// # Guarantees
    /// No message is posted twice, and none to somebody who opted out, whoever dies when.
    ///
    /// # Errors
    /// When a table cannot be used, when somebody else is at it, or when Chatwoot asks to be left alone: later.
    pub async fn carry_out(&self, mut chat: Chat, at: ConversationRef, lease: &Lease) -> Result<Landing, WorkError> {
        loop {
            let Some(flight) = chat.state.in_flight.clone() else { return Ok(Landing::Done(chat)) };
            if let Some(code) = flight.failed {
                return Ok(Landing::Failed(chat, code));
            }
            let Some(step) = flight.next().cloned() else {
                chat = self.land(chat).await?;
                continue;
            };
            let ended = match &step {
                Step::Say(_) | Step::Note(_) => self.post_step(&mut chat, at, &flight, &step, lease).await?,
                Step::Assign(target) => self.assign(at, *target, lease).await?,
                Step::Open => self.open(at, lease).await?,
            };
            match ended {
                Ended::Done => chat = self.advance(chat, lease).await?,
                Ended::TakenOver => return Ok(Landing::TakenOver(self.give_up(chat).await?)),
                Ended::Silent(why) => return Ok(Landing::Silent(self.give_up(chat).await?, why)),
                Ended::Failed(code) => return Ok(Landing::Failed(self.fail(chat, code).await?, code)),
            }
        }
    }

    async fn post_step(
        &self,
        chat: &mut Chat,
        at: ConversationRef,
        flight: &InFlight,
        step: &Step,
        lease: &Lease,
    ) -> Result<Ended, WorkError> {
        let errand = Errand { at, after: flight.after, marker: flight.marker(&chat.key, flight.done), lease };
        let ours = flight.trying.as_ref().is_some_and(|t| t.owner == lease.owner.as_str());
        if !ours {
            if let Some(trying) = &flight.trying {
                // Whoever began it may still be at it; after that, only the mark tells.
                let until = UnixMillis::new(trying.began_at_ms).plus(self.rules.lease);
                if self.clock.now() < until {
                    return Err(WorkError::NotBefore { at: until });
                }
                let began = UnixMillis::new(trying.began_at_ms);
                let looked = match self.look(&errand).await {
                    // What cannot be looked at for so long keeps everything behind it.
                    Err(WorkError::Provider(_)) if self.clock.now() > began.plus(LOOK_FOR) => Posted::CannotTell,
                    looked => looked?,
                };
                match looked {
                    Posted::Yes => return Ok(Ended::Done),
                    Posted::No => {}
                    Posted::CannotTell => return Ok(self.over(step, ChatCode::PostUnknown)),
                }
            }
            if let Some(why) = paused(self.store, self.clock, Provider::Chatwoot).await? {
                return Err(why.into());
            }
            // It may have waited for long: is it still ours to speak?
            let speaks = flight.steps.iter().any(|step| matches!(step, Step::Say(_)));
            if speaks && flight.done == 0 && !self.is_ours(at).await {
                return Ok(Ended::TakenOver);
            }
            *chat = self.try_on(chat.clone(), lease).await?;
        }
        let mut doubt = false;
        let ended = self.attempts(chat, &errand, step, &mut doubt).await;
        if !doubt && ended.is_err() {
            // It certainly is not out: whoever comes next need not ask.
            let given_back = chat.clone().changed(|state| {
                if let Some(flight) = &mut state.in_flight {
                    flight.trying = None;
                }
            });
            self.save(&given_back).await?;
        }
        ended
    }

    async fn attempts(
        &self,
        chat: &Chat,
        errand: &Errand<'_>,
        step: &Step,
        doubt: &mut bool,
    ) -> Result<Ended, WorkError> {
        let Errand { at, after, marker, lease } = errand;
        let mut step = step.clone();
        let mut attempt = 0;
        loop {
            self.room(lease, self.rules.call)?;
            let failure = match self.call(chat, errand, &step).await? {
                Tried::Out => return Ok(Ended::Done),
                Tried::Shut(objection) => return Ok(Ended::Silent(objection)),
                Tried::Failed(failure) => failure,
            };
            attempt += 1;
            let line = Line::warn("an answer could not be posted").number("attempt", i64::from(attempt));
            self.telemetry.line(line.id("marker", marker.as_str()).detail(&failure));
            let ambiguous = match failure {
                PostFailure::Throttled(why) => {
                    respect(self.store, self.telemetry, self.clock.now(), &why).await?;
                    return Err(why.into());
                }
                PostFailure::Flooded => return Err(WorkError::NotBefore { at: self.clock.now().plus(FLOOD_REST) }),
                // What Chatwoot cannot show is said in words; that it refused the other form is certain.
                PostFailure::Refused { status: 422 } if has_more_than_words(&step) => {
                    step = in_words(step);
                    attempt -= 1;
                    continue;
                }
                PostFailure::Refused { .. } => return Ok(self.over(&step, ChatCode::NotPosted)),
                PostFailure::PermitExpired => {
                    attempt -= 1;
                    continue;
                }
                PostFailure::NotReached { .. } => None,
                PostFailure::Server { .. } => Some(false),
                PostFailure::NoAnswer { .. } => Some(true),
            };
            let last = BACKOFF.get(attempt as usize - 1).is_none();
            let wait = BACKOFF.get(attempt as usize - 1).copied().unwrap_or(TERMINAL_WINDOW);
            if last && ambiguous.is_none() {
                return Ok(self.over(&step, ChatCode::NotPosted));
            }
            *doubt |= ambiguous.is_some();
            self.room(lease, wait + self.rules.call)?;
            self.pause.pause(wait).await;
            let Some(silent) = ambiguous else { continue };
            match self.desk.posted(*at, marker, *after).await {
                Ok(Posted::Yes) => return Ok(Ended::Done),
                Ok(Posted::No) if last => return Ok(self.over(&step, ChatCode::NotPosted)),
                Ok(Posted::No) => *doubt = false,
                Err(why @ NotDone::Throttled { .. }) => {
                    respect(self.store, self.telemetry, self.clock.now(), &why).await?;
                    return Err(why.into());
                }
                // It may be seen later: whoever comes next looks first.
                Err(why) if silent => return Err(why.into()),
                Ok(Posted::CannotTell) if silent => return Ok(self.over(&step, ChatCode::PostUnknown)),
                // A server that says that it failed is believed; silence is not.
                Ok(Posted::CannotTell) | Err(_) if last => return Ok(self.over(&step, ChatCode::NotPosted)),
                Ok(Posted::CannotTell) | Err(_) => {}
            }
        }
    }

    /// Whether there is time for something that takes so long. What is cut off in the middle costs more than what waits.
    ///
    /// # Errors
    /// [`WorkError::NotBefore`] when there is not.
    pub fn room(&self, lease: &Lease, span: Duration) -> Result<(), WorkError> {
        let now = self.clock.now();
        if now.plus(span) < lease.until.minus(LEASE_SPARE) { Ok(()) } else { Err(WorkError::NotBefore { at: now }) }
    }

    /// One call.
    async fn call(&self, chat: &Chat, errand: &Errand<'_>, step: &Step) -> Result<Tried, StoreError> {
        let Errand { at, marker, lease, .. } = errand;
        let outcome = match step {
            Step::Say(post) => {
                let permit = match self.permit(chat, lease).await? {
                    Ok(permit) => permit,
                    Err(objection) => return Ok(Tried::Shut(objection)),
                };
                self.desk.post(permit, *at, post, marker).await
            }
            Step::Note(text) => self.desk.note(*at, text, marker).await,
            Step::Assign(_) | Step::Open => Ok(()),
        };
        Ok(match outcome {
            Ok(()) => Tried::Out,
            Err(failure) => Tried::Failed(failure),
        })
    }

    async fn permit(&self, chat: &Chat, lease: &Lease) -> Result<Result<ChatPermit, Objection>, StoreError> {
        let passage = gate::pass_chat(self.store, chat, self.clock.now(), lease.until).await;
        match passage {
            Ok(ChatPassage::Open(permit)) => Ok(Ok(permit)),
            Ok(ChatPassage::Shut(objection)) => Ok(Err(objection)),
            Err(error) => {
                super::report_unreadable(self.telemetry, &error);
                Err(error)
            }
        }
    }

    /// An unknown team or person would clear the assignment, so it is asked for first. A conversation that nobody got goes
    /// to everybody: that is no reason not to open it.
    async fn assign(&self, at: ConversationRef, target: Target, lease: &Lease) -> Result<Ended, WorkError> {
        match self.again(lease, async || self.desk.knows(at.account, target).await).await? {
            Ok(true) => {}
            Ok(false) => {
                let line = Line::error("the team or person that chats are handed to is not known to Chatwoot");
                report_chat(self.telemetry, ChatCode::TargetUnknown, line);
                return Ok(Ended::Done);
            }
            Err(error) => {
                self.left_out("a conversation could not be assigned", &error);
                return Ok(Ended::Done);
            }
        }
        if let Err(error) = self.again(lease, async || self.desk.assign(at, target).await).await? {
            self.left_out("a conversation could not be assigned", &error);
        }
        Ok(Ended::Done)
    }

    async fn open(&self, at: ConversationRef, lease: &Lease) -> Result<Ended, WorkError> {
        match self.again(lease, async || self.desk.open(at).await).await? {
            Ok(()) => Ok(Ended::Done),
            Err(error) => {
                self.left_out("a conversation could not be put into people's hands", &error);
                Ok(Ended::Failed(ChatCode::NotPosted))
            }
        }
    }

    /// A call that changes nothing when it is made twice, with the same three attempts.
    ///
    /// # Errors
    /// When Chatwoot asks to be left alone, or no time is left: later.
    pub async fn again<R>(
        &self,
        lease: &Lease,
        call: impl AsyncFn() -> Result<R, CallFailure>,
    ) -> Result<Result<R, CallFailure>, WorkError> {
        let mut waits = BACKOFF.iter();
        loop {
            self.room(lease, self.rules.call)?;
            let failure = match call().await {
                Ok(done) => return Ok(Ok(done)),
                Err(failure) => failure,
            };
            match (&failure, waits.next()) {
                (CallFailure::NotDone(why @ NotDone::Throttled { .. }), _) => {
                    respect(self.store, self.telemetry, self.clock.now(), why).await?;
                    return Err(why.clone().into());
                }
                (CallFailure::NotDone(NotDone::Unavailable { .. }), Some(wait)) => self.pause.pause(*wait).await,
                (CallFailure::NotDone(_) | CallFailure::Refused { .. }, _) => return Ok(Err(failure)),
            }
        }
    }

    async fn look(&self, errand: &Errand<'_>) -> Result<Posted, WorkError> {
        match self.desk.posted(errand.at, &errand.marker, errand.after).await {
            Ok(posted) => Ok(posted),
            Err(why) => {
                respect(self.store, self.telemetry, self.clock.now(), &why).await?;
                Err(why.into())
            }
        }
    }

    /// Where nobody may look, what the webhook said counts.
    async fn is_ours(&self, at: ConversationRef) -> bool {
        match self.desk.standing(at).await {
            Ok(Some(standing)) => standing.is_ours(self.rules.open_too),
            Ok(None) | Err(_) => true,
        }
    }

    /// A note that is not there is a pity; a message that is not there is a failure.
    fn over(&self, step: &Step, code: ChatCode) -> Ended {
        match step {
            Step::Note(_) => {
                self.left_out("a note for the shop's people could not be left", &code.described());
                Ended::Done
            }
            Step::Say(_) | Step::Assign(_) | Step::Open => Ended::Failed(code),
        }
    }

    fn left_out(&self, what: &'static str, why: &impl std::fmt::Display) {
        self.telemetry.count(Metric::NoteRefused, None);
        self.telemetry.line(Line::warn(what).detail(why));
    }

    async fn try_on(&self, chat: Chat, lease: &Lease) -> Result<Chat, WorkError> {
        let now = self.clock.now();
        let chat = chat.changed(|state| {
            if let Some(flight) = &mut state.in_flight {
                flight.trying = Some(Trying::begun(&lease.owner, now));
            }
        });
        self.save(&chat).await?;
        Ok(chat)
    }

    /// One step further, and the next one begun in the same write.
    async fn advance(&self, chat: Chat, lease: &Lease) -> Result<Chat, WorkError> {
        let now = self.clock.now();
        let chat = chat.changed(|state| {
            let Some(flight) = &mut state.in_flight else { return };
            flight.done += 1;
            flight.trying = flight.next().filter(|step| is_posted(step)).map(|_| Trying::begun(&lease.owner, now));
            if flight.next().is_none() {
                state.land(now);
            }
        });
        self.save(&chat).await?;
        Ok(chat)
    }

    async fn land(&self, chat: Chat) -> Result<Chat, WorkError> {
        let now = self.clock.now();
        let chat = chat.changed(|state| state.land(now));
        self.save(&chat).await?;
        Ok(chat)
    }

    /// Written down before anybody is told, so that whoever comes next tells it too and does not try again.
    async fn fail(&self, chat: Chat, code: ChatCode) -> Result<Chat, WorkError> {
        let chat = chat.changed(|state| {
            if let Some(flight) = &mut state.in_flight {
                flight.failed = Some(code);
            }
        });
        self.save(&chat).await?;
        Ok(chat)
    }

    /// The rest of the answer is not carried out any more.
    ///
    /// # Errors
    /// When the table cannot be used, or somebody else has changed the chat.
    pub async fn give_up(&self, chat: Chat) -> Result<Chat, WorkError> {
        let now = self.clock.now();
        let chat = chat.changed(|state| state.give_up(now));
        self.save(&chat).await?;
        Ok(chat)
    }

    /// Writes a version of a chat; somebody else's change sends us back to the queue.
    ///
    /// # Errors
    /// When the table cannot be used, or somebody else has changed the chat.
    pub async fn save(&self, chat: &Chat) -> Result<(), WorkError> {
        let now = self.clock.now();
        let keep = if chat.state.silenced { SILENCE_KEPT } else { self.rules.keep };
        match self.store.save_chat(chat, keep, now).await? {
            Fenced::Written => Ok(()),
            Fenced::Lost => Err(WorkError::NotBefore { at: now }),
        }
    }
}

const fn is_posted(step: &Step) -> bool {
    matches!(step, Step::Say(_) | Step::Note(_))
}

const fn has_more_than_words(step: &Step) -> bool {
    matches!(step, Step::Say(Post { show: Show::Select(_) | Show::Cards(_), .. }))
}

/// The same in words alone.
fn in_words(step: Step) -> Step {
    let Step::Say(Post { text, show }) = step else { return step };
    let post = match show {
        Show::Select(options) => {
            let question = Outbound::QuickReplies { prompt: text.clone(), options };
            render(&question, Abilities::WORDS).into_iter().next()
        }
        // Their words are the list already.
        Show::Text | Show::Cards(_) => None,
    };
    Step::Say(post.unwrap_or(Post { text, show: Show::Text }))
}
