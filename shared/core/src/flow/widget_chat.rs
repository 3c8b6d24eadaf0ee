//! A visitor of the website asks, and the assistant answers in the same breath.
//!
//! Nothing is sent to anybody here: the answer is what the page gets. So there is no gate and no outbox, and whatever
//! breaks becomes an apology, because the widget shows nothing of an error. What is guarded is the other thing: that a
//! request that comes twice is thought about once, and that nobody reads on in somebody else's chat.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use serde_json::{Value, json};

use super::{
    answer::{AnswerRules, Answerer, NoAnswer},
    listen::as_said,
};
use crate::{
    agent::{Agent, Catalogue, Extras, Instructions, Turn, system},
    chat::{Chat, ChatKey, Chats, Who},
    contact_form::ContactForm,
    ids::{Ids, OwnerToken},
    notice::Notices,
    outbound::{Choice, Outbound, chosen, disclosed},
    provider::Limits,
    signature::LiveSecrets,
    store::{Fenced, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
    token::Pause,
    web::{Call, Purpose, Reply, Ticket, WebCode},
    widget::{FormOffer, Known, Said, render},
    wish::{self, ExtraWords, Wish},
};

/// What a visitor reads when something breaks: the brief's words.
pub const APOLOGY: &str = "I'm sorry, I'm experiencing technical difficulties. Please try again.";
/// Between two looks at what somebody else is working on.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How often a chat that others change is written again.
const SAVE_TRIES: usize = 16;
/// So much of the time is left for everything but the thinking.
const AROUND: Duration = Duration::from_secs(3);
/// Whoever works on a request says so this often, and counts as dead after [`DEAD_AFTER`] without a word: the visitor who
/// asks again after a crash need not wait for an answer that nobody works on.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
const DEAD_AFTER: Duration = Duration::from_secs(6);

/// The rules of the website's chat.
#[derive(Clone, Debug)]
pub struct WidgetChatRules {
    /// The longest prompt, in characters as people count them.
    pub prompt_chars_max: usize,
    /// Within so long there is an answer: the gateway waits 30 s and not longer.
    pub within: Duration,
    /// A request that comes again within so long after its answer gets the same.
    pub again_for: Duration,
    /// How long a chat is remembered after its last message.
    pub keep: Duration,
    /// How many turns of it the model is given.
    pub history: usize,
    /// The shop's own words for STOP.
    pub extra_words: ExtraWords,
    /// What the assistant says of itself with its first answer; `None`: nothing.
    pub disclosure: Option<String>,
    /// What a visitor reads whose question is for a person.
    pub hand_off_text: String,
    /// What a visitor reads who wants no more messages.
    pub stop_text: String,
    /// What the model is told.
    pub instructions: Instructions,
    /// What it may show besides.
    pub extras: Extras,
    /// The model's bounds.
    pub answer: AnswerRules,
    /// The form that it may show.
    pub form: FormRules,
}

/// Where a form is sent to.
#[derive(Clone, Debug)]
pub struct FormRules {
    /// The form.
    pub form: ContactForm,
    /// Base of our own addresses, without a slash at its end; `None`: that by which we were reached.
    pub public_url: Option<String>,
    /// How long a form can be sent after it was shown.
    pub life: Duration,
}

impl FormRules {
    /// Base of our own addresses; `None` when nobody says it.
    #[must_use]
    pub fn base<'a>(&'a self, call: &'a Call) -> Option<&'a str> {
        self.public_url.as_deref().or(call.own_url.as_deref())
    }

    /// The form with an address of its own below `base`. What it carries says whose chat it was shown in.
    #[must_use]
    pub fn offer(
        &self,
        base: &str,
        secrets: &LiveSecrets,
        chat: Option<&ChatKey>,
        nonce: &OwnerToken,
        now: UnixMillis,
    ) -> FormOffer {
        let data = chat.map(|key| key.as_str().to_owned()).unwrap_or_default();
        let ticket = Ticket { expires_at: now.plus(self.life), nonce: nonce.as_str().to_owned(), data };
        let token = ticket.issue(secrets, Purpose::Form);
        FormOffer { form: self.form.to_json(), submit_url: format!("{base}/contact-form?token={token}") }
    }
}

/// What the chat needs.
#[derive(Debug)]
pub struct WidgetChat<'a, S, P, W, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// The model and the catalogue.
    pub minds: &'a P,
    /// Waits.
    pub pause: &'a W,
    /// Time.
    pub clock: &'a C,
    /// Owners of what is in work.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// The shop's rules.
    pub rules: &'a WidgetChatRules,
    /// What forms' addresses are made with.
    pub secrets: &'a LiveSecrets,
    /// The request.
    pub call: &'a Call,
    /// When it came: what was done with it before is a part of the time that it has.
    pub came_at: UnixMillis,
}

/// Who works on a request.
enum Begun {
    Ours(Box<Chat>),
    Theirs(Value),
}

/// An answer as it is remembered.
struct Thought {
    body: Value,
    said: String,
    offers: Vec<Choice>,
    discloses: bool,
}

impl<S, P, W, C, I, T> WidgetChat<'_, S, P, W, C, I, T>
where
    S: Chats + Limits + Notices,
    P: Agent + Catalogue,
    W: Pause,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Answers a request with what the page gets.
    ///
    /// # Guarantees
    /// There is an answer within [`WidgetChatRules::within`]. A request that comes again while it is in work, or a moment
    /// after, gets the very same answer and is not thought about twice. Without a session nothing is remembered for anybody
    /// else.
    pub async fn answer(&self, said: &Said) -> Value {
        let until = self.came_at.plus(self.rules.within);
        let work = pin!(self.work(said, until));
        let end = pin!(self.pause.pause(until.since(self.clock.now())));
        match select(work, end).await {
            Either::Left((Ok(body), _)) => body,
            Either::Left((Err(error), _)) => {
                let line = Line::error("a table cannot be used; the visitor reads an apology").detail(&error);
                self.apologise("table", line)
            }
            Either::Right(_) => self.apologise("time", Line::error("no answer in time; the visitor reads an apology")),
        }
    }

    fn apologise(&self, why: &'static str, line: Line) -> Value {
        self.telemetry.count(Metric::ChatApologised, Some(why));
        self.telemetry.line(line);
        json!({ "output": APOLOGY })
    }

    async fn work(&self, said: &Said, until: UnixMillis) -> Result<Value, StoreError> {
        let Some(session) = &said.session else {
            // Nothing is known of this visitor, and nothing is kept: who shares an address or a made-up id shares nothing else.
            let nobodys = Chat::new(ChatKey::nobodys());
            return Ok(match self.think(&nobodys, said, until).await? {
                Ok(thought) => thought.body,
                Err(why) => self.no_answer(why),
            });
        };
        let key = ChatKey::widget(session);
        let owner = self.ids.owner();
        let chat = match self.begin(&key, said, &owner).await? {
            Begun::Ours(chat) => *chat,
            Begun::Theirs(body) => return Ok(body),
        };
        let thought = match self.think_aloud(&chat, said, &owner, until).await {
            Ok(Ok(thought)) => thought,
            Ok(Err(why)) => {
                self.drop_it(chat, said, &owner).await;
                return Ok(self.no_answer(why));
            }
            Err(error) => {
                self.drop_it(chat, said, &owner).await;
                return Err(error);
            }
        };
        if let Err(error) = self.remember(chat, said, &owner, &thought).await {
            // The visitor has waited for it; that it is forgotten is the smaller evil.
            self.telemetry.line(Line::error("an answer could not be remembered").detail(&error));
        }
        Ok(thought.body)
    }

    fn no_answer(&self, why: NoAnswer) -> Value {
        self.telemetry.count(Metric::ChatHandedOver, Some(why.as_str()));
        self.apologise("model", Line::warn("the model has no answer; the visitor reads an apology"))
    }

    /// Marks the request as in work; of one that is already, waits for what comes of it.
    async fn begin(&self, key: &ChatKey, said: &Said, owner: &OwnerToken) -> Result<Begun, StoreError> {
        loop {
            let now = self.clock.now();
            let chat = self.store.chat(key, now).await?;
            match chat.state.sends.of(&said.prompt, now) {
                Known::Answered(body) => {
                    self.telemetry.count(Metric::ChatAnswered, Some("again"));
                    let body = serde_json::from_str(body).unwrap_or_else(|_| json!({ "output": APOLOGY }));
                    return Ok(Begun::Theirs(body));
                }
                Known::InWork => self.pause.pause(LOOK_AGAIN).await,
                Known::New => {
                    let ours = chat.changed(|state| state.sends.begin(&said.prompt, owner, now, now.plus(DEAD_AFTER)));
                    match self.save(&ours).await {
                        Ok(Fenced::Written) => return Ok(Begun::Ours(Box::new(ours))),
                        Ok(Fenced::Lost) => {}
                        Err(error) => {
                            // It may be marked all the same, and nobody works on it.
                            self.drop_it(ours, said, owner).await;
                            return Err(error);
                        }
                    }
                }
            }
        }
    }

    async fn save(&self, chat: &Chat) -> Result<Fenced, StoreError> {
        self.store.save_chat(chat, self.rules.keep, self.clock.now()).await
    }

    /// Thinks, and shows meanwhile that somebody does.
    async fn think_aloud(
        &self,
        chat: &Chat,
        said: &Said,
        owner: &OwnerToken,
        until: UnixMillis,
    ) -> Result<Result<Thought, NoAnswer>, StoreError> {
        let thinking = pin!(self.think(chat, said, until));
        let living = pin!(self.show_life(chat.clone(), said, owner));
        match select(thinking, living).await {
            Either::Left((thought, _)) => thought,
            Either::Right(((), thinking)) => thinking.await,
        }
    }

    /// Ends when it is no use any more. That a sign cannot be written costs at most a second thought by somebody else.
    async fn show_life(&self, mut chat: Chat, said: &Said, owner: &OwnerToken) {
        for _ in 0..self.rules.within.as_secs() / SIGN_OF_LIFE.as_secs() {
            self.pause.pause(SIGN_OF_LIFE).await;
            for _ in 0..SAVE_TRIES {
                let now = self.clock.now();
                if !chat.state.sends.is_of(&said.prompt, owner) {
                    return;
                }
                let alive = chat.changed(|state| state.sends.alive(&said.prompt, now.plus(DEAD_AFTER)));
                match self.save(&alive).await {
                    Ok(Fenced::Written) => {
                        chat = alive;
                        break;
                    }
                    Ok(Fenced::Lost) => match self.store.chat(&alive.key, now).await {
                        Ok(newer) => chat = newer,
                        Err(_) => return,
                    },
                    Err(_) => return,
                }
            }
        }
    }

    async fn think(
        &self,
        chat: &Chat,
        said: &Said,
        until: UnixMillis,
    ) -> Result<Result<Thought, NoAnswer>, StoreError> {
        if wish::read(&said.prompt, &self.rules.extra_words) == Wish::Stop {
            // Nobody's number is known here, so there is nothing that could be recorded.
            self.telemetry.count(Metric::OptOutUnattributed, None);
            return Ok(Ok(self.spell_out(chat, vec![Outbound::Text(self.rules.stop_text.clone())])));
        }
        let mut turns = chat.state.turns(self.rules.history);
        let text = chosen(&chat.state.offered, &said.prompt).map_or_else(|| said.prompt.clone(), as_said);
        turns.push(Turn::Customer { text, pictures: Vec::new() });
        let left = until.since(self.clock.now()).saturating_sub(AROUND);
        let answerer = Answerer {
            store: self.store,
            minds: self.minds,
            pause: self.pause,
            clock: self.clock,
            telemetry: self.telemetry,
            rules: AnswerRules { budget: self.rules.answer.budget.min(left), ..self.rules.answer },
            extras: &self.rules.extras,
        };
        let searches = self.minds.is_open() && self.rules.answer.searches_max > 0;
        let system = system(&self.rules.instructions, searches, &self.rules.extras);
        Ok(answerer.answer(&system, turns).await?.map(|answer| self.spell_out(chat, answer.outbound)))
    }

    fn spell_out(&self, chat: &Chat, outbound: Vec<Outbound>) -> Thought {
        for outbound in &outbound {
            self.telemetry.count(Metric::ChatAnswered, Some(outbound.kind()));
        }
        let outbound: Vec<Outbound> = outbound.into_iter().map(|said| self.with_our_words(said)).collect();
        let offers = outbound.iter().find_map(|said| match said {
            Outbound::QuickReplies { options, .. } => Some(options.clone()),
            Outbound::Text(_)
            | Outbound::ProductCards { .. }
            | Outbound::Articles { .. }
            | Outbound::Form { .. }
            | Outbound::Error { .. }
            | Outbound::HandOff { .. } => None,
        });
        let said = outbound.iter().map(Outbound::in_short).collect::<Vec<_>>().join("\n");
        let (outbound, placed) = match self.rules.disclosure.as_deref().filter(|_| !chat.state.disclosed) {
            Some(disclosure) => disclosed(disclosure, outbound),
            None => (outbound, false),
        };
        let asks_by_form = outbound.iter().any(|said| matches!(said, Outbound::Form { .. }));
        let form = self.rules.form.base(self.call).filter(|_| asks_by_form).map(|base| {
            let session = Some(&chat.key).filter(|key| key.is_of_session());
            self.rules.form.offer(base, self.secrets, session, &self.ids.owner(), self.clock.now())
        });
        let rendered = render(&outbound, form.as_ref());
        // Words that this kind of answer does not show are said with the next.
        Thought {
            body: rendered.body,
            said,
            offers: offers.unwrap_or_default(),
            discloses: placed && rendered.shows_words,
        }
    }

    /// A hand-off always says something.
    fn with_our_words(&self, outbound: Outbound) -> Outbound {
        match outbound {
            Outbound::HandOff { text, summary } => {
                self.telemetry.count(Metric::ChatHandedOver, Some("agent"));
                let text = text.filter(|text| !text.trim().is_empty());
                Outbound::HandOff { text: Some(text.unwrap_or_else(|| self.rules.hand_off_text.clone())), summary }
            }
            Outbound::Text(_)
            | Outbound::ProductCards { .. }
            | Outbound::QuickReplies { .. }
            | Outbound::Articles { .. }
            | Outbound::Form { .. }
            | Outbound::Error { .. } => outbound,
        }
    }

    /// Adds what was said to the chat, on top of what others said meanwhile.
    async fn remember(
        &self,
        mut chat: Chat,
        said: &Said,
        owner: &OwnerToken,
        thought: &Thought,
    ) -> Result<(), StoreError> {
        for _ in 0..SAVE_TRIES {
            let now = self.clock.now();
            if !chat.state.sends.is_of(&said.prompt, owner) {
                return Ok(());
            }
            let done = chat.changed(|state| {
                state.sends.answered(&said.prompt, &thought.body.to_string(), now, self.rules.again_for);
                state.say(Who::Customer, &said.prompt);
                state.say(Who::Us, &thought.said);
                state.offered.clone_from(&thought.offers);
                state.disclosed |= thought.discloses;
            });
            if self.save(&done).await? == Fenced::Written {
                return Ok(());
            }
            chat = self.store.chat(&done.key, self.clock.now()).await?;
        }
        self.telemetry.line(Line::error("a chat changes too fast; an answer is not remembered"));
        Ok(())
    }

    /// Nothing came of it: whoever sends it again need not wait. That this cannot be written costs them that wait.
    async fn drop_it(&self, mut chat: Chat, said: &Said, owner: &OwnerToken) {
        for _ in 0..SAVE_TRIES {
            if !chat.state.sends.is_of(&said.prompt, owner) {
                return;
            }
            let dropped = chat.changed(|state| state.sends.dropped(&said.prompt));
            match self.save(&dropped).await {
                Ok(Fenced::Written) | Err(_) => return,
                Ok(Fenced::Lost) => match self.store.chat(&dropped.key, self.clock.now()).await {
                    Ok(newer) => chat = newer,
                    Err(_) => return,
                },
            }
        }
    }
}

/// How this function says no: in the brief's words, which the widget shows to nobody.
#[must_use]
pub fn refuse(code: WebCode) -> Reply {
    let error = match code {
        WebCode::OriginNotAllowed => "Origin not allowed",
        WebCode::CsrfInvalid => "Invalid CSRF token",
        WebCode::RateLimited => "Too many chat requests, please try again later.",
        WebCode::BodyTooLarge => "Request too large",
        WebCode::InvalidJson => "Invalid JSON",
        WebCode::MethodNotAllowed => "Method not allowed",
        WebCode::NotFound => "Not found",
        WebCode::Unavailable | WebCode::LinkInvalid | WebCode::UploadNotFound | WebCode::FieldInvalid => {
            return broken();
        }
    };
    Reply::json(code.status(), json!({ "error": error }))
}

/// What it answers when something of ours breaks: a 200, because of anything else the widget would show its own words.
#[must_use]
pub fn broken() -> Reply {
    Reply::json(200, json!({ "output": APOLOGY }))
}
