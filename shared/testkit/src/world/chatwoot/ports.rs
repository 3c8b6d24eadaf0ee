//! The world's side of the assistant's ports.

use std::time::Duration;

use frontdesk_core::{
    agent::{
        Agent, Catalogue, Listener, ModelFailure, ProductQuery, SEARCH_TOOL, Sound, Talk, Thought, ToolCall, Turn,
    },
    chat::{Chat, ChatKey, Chats, Marker, Target},
    chatwoot::{
        Assignee, Attachment, ConversationRef, Conversations, LoadFailure, Loaded, Media, PostFailure, Posted,
        Standing, Status, read_attachments,
    },
    gate::ChatPermit,
    outbound::{Post, Product, Show},
    provider::{CallFailure, NotDone, Provider},
    store::{Fenced, StoreError},
    time::{Clock, UnixMillis},
    token::Pause,
};
use serde_json::{Value, json};

use super::{
    super::{World, ports::Taken},
    Call, Kept, PostFault, Utterance,
};

/// A permit may be used for so long after the gate.
const OVERTAKEN_FOR: Duration = Duration::from_secs(60);

impl Chats for World {
    async fn chat(&self, key: &ChatKey, now: UnixMillis) -> Result<Chat, StoreError> {
        self.stored("chats", self.store.chat(key, now)).await
    }
    async fn save_chat(&self, chat: &Chat, keep: Duration, now: UnixMillis) -> Result<Fenced, StoreError> {
        self.stored("chats", self.store.save_chat(chat, keep, now)).await
    }
}

impl Pause for World {
    async fn pause(&self, span: Duration) {
        self.chatwoot.waits.borrow_mut().push(span);
        self.clock.advance(span);
        // Others go on meanwhile.
        if !self.nested.replace(true) {
            self.arrivals();
            self.nested.set(false);
        }
    }
}

impl World {
    fn logs(&self, call: Call) {
        self.chatwoot.calls.borrow_mut().push((self.clock.now(), call));
    }

    fn is_down(&self) -> bool {
        let now = self.clock.now();
        self.chatwoot.desk_down.borrow().iter().any(|(from, until)| *from <= now && now < *until)
    }

    /// A call of Chatwoot's that may be repeated.
    async fn desk_call<T>(&self, call: Call, apply: impl FnOnce() -> T) -> Result<T, CallFailure> {
        self.logs(call);
        let asked = self.step(async { (!self.is_down()).then(apply) });
        match asked.await {
            Taken::Answered(Some(answer)) => Ok(answer),
            Taken::Answered(None) | Taken::Silent => Err(Self::silent(Provider::Chatwoot).into()),
            Taken::Refused => Err(Self::throttled(Provider::Chatwoot).into()),
        }
    }

    /// A message of ours gets into the conversation, now.
    fn appears(&self, number: u64, text: &str, marker: &str, post: Option<Post>) {
        let (at, private) = (self.clock.now(), post.is_none());
        if !private
            && let Some(since) = self.chatwoot.silent_since.borrow().get(&number)
            && at >= since.plus(OVERTAKEN_FOR)
        {
            self.breaks(format!("G3: {text:?} was posted after a STOP"));
        }
        let messages = self.chatwoot.conversation(number).messages;
        if messages.iter().any(|m| m.marker.as_deref() == Some(marker)) {
            self.breaks(format!("G2: {text:?} was posted twice as {marker}"));
        }
        let kept = Kept {
            id: 0,
            text: text.to_owned(),
            incoming: false,
            private,
            marker: Some(marker.to_owned()),
            post,
            attachments: Vec::new(),
            at,
            ours: true,
        };
        let kept = self.keeps(number, kept);
        if self.chatwoot.echoes {
            let bot = json!({"id": 4, "name": "Assistant", "type": "agent_bot"});
            self.chatwoot_delivers(&self.body("message_created", number, &kept, &bot), Duration::ZERO, true);
        }
        if self.chatwoot.bot_customer && !private {
            self.sends_now(number, &Utterance::of("q0 thank you for writing"), &[Duration::from_secs(2)]);
        }
    }

    async fn post_once(
        &self,
        permit: Option<ChatPermit>,
        at: ConversationRef,
        text: &str,
        marker: &Marker,
        post: Option<Post>,
    ) -> Result<(), PostFailure> {
        let number = at.conversation;
        let marker = marker.as_str().to_owned();
        let posted = self.step(async {
            if permit.is_some_and(|permit| permit.check(self.clock.now()).is_err()) {
                return Err(PostFailure::PermitExpired);
            }
            let fault = self.chatwoot.post_faults.borrow_mut().pop_front().unwrap_or(PostFault::Fine);
            let fault = if fault == PostFault::Fine && self.is_down() { PostFault::NotReached } else { fault };
            if matches!(fault, PostFault::Fine | PostFault::ServerDone(_) | PostFault::Done) {
                self.appears(number, text, &marker, post.clone());
            }
            match fault {
                PostFault::Fine => Ok(()),
                PostFault::Server(status) | PostFault::ServerDone(status) => Err(PostFailure::Server { status }),
                PostFault::Lost | PostFault::Done => Err(PostFailure::NoAnswer { detail: "timeout".into() }),
                PostFault::Late(span) => {
                    let (text, marker, post) = (text.to_owned(), marker.clone(), post.clone());
                    self.later(span, move |world| world.appears(number, &text, &marker, post));
                    Err(PostFailure::NoAnswer { detail: "timeout".into() })
                }
                PostFault::NotReached => Err(PostFailure::NotReached { detail: "refused".into() }),
                PostFault::Throttled => Err(PostFailure::Throttled(Self::throttled(Provider::Chatwoot))),
                PostFault::Flooded => Err(PostFailure::Flooded),
                PostFault::Refused(status) => Err(PostFailure::Refused { status }),
            }
        });
        match posted.await {
            Taken::Answered(answer) => answer,
            Taken::Silent => Err(PostFailure::NoAnswer { detail: "no answer".into() }),
            Taken::Refused => Err(PostFailure::Throttled(Self::throttled(Provider::Chatwoot))),
        }
    }
}

impl Conversations for World {
    async fn post(
        &self,
        permit: ChatPermit,
        at: ConversationRef,
        post: &Post,
        marker: &Marker,
    ) -> Result<(), PostFailure> {
        self.logs(Call::Post(marker.as_str().to_owned()));
        self.post_once(Some(permit), at, &post.text, marker, Some(post.clone())).await
    }

    async fn note(&self, at: ConversationRef, text: &str, marker: &Marker) -> Result<(), PostFailure> {
        self.logs(Call::Note(marker.as_str().to_owned()));
        self.post_once(None, at, text, marker, None).await
    }

    async fn posted(&self, at: ConversationRef, marker: &Marker, after: u64) -> Result<Posted, NotDone> {
        if !self.chatwoot.may_read {
            return Ok(Posted::CannotTell);
        }
        let looked = self.desk_call(Call::Look(marker.as_str().to_owned()), || {
            let there = self.chatwoot.conversation(at.conversation).messages;
            there.iter().any(|m| m.id > after && m.marker.as_deref() == Some(marker.as_str()))
        });
        match looked.await {
            Ok(true) => Ok(Posted::Yes),
            Ok(false) => Ok(Posted::No),
            Err(CallFailure::NotDone(why)) => Err(why),
            Err(CallFailure::Refused { .. }) => Ok(Posted::CannotTell),
        }
    }

    async fn attachments(&self, at: ConversationRef, message: u64) -> Result<Option<Vec<Attachment>>, CallFailure> {
        self.desk_call(Call::Attachments(message), || {
            let messages = self.chatwoot.conversation(at.conversation).messages;
            let found = messages.into_iter().find(|m| m.id == message).filter(|_| self.chatwoot.may_read)?;
            Some(read_attachments(&json!({ "attachments": found.attachments })))
        })
        .await
    }

    async fn standing(&self, at: ConversationRef) -> Result<Option<Standing>, CallFailure> {
        self.desk_call(Call::Standing, || {
            let conversation = self.chatwoot.conversation(at.conversation);
            let status = match conversation.status {
                "pending" => Status::Pending,
                "open" => Status::Open,
                "resolved" => Status::Resolved,
                "snoozed" => Status::Snoozed,
                _ => Status::Unknown,
            };
            let assignee = if conversation.person { Assignee::Person } else { Assignee::Nobody };
            self.chatwoot.may_read.then_some(Standing { status, assignee })
        })
        .await
    }

    async fn knows(&self, _account: u64, target: Target) -> Result<bool, CallFailure> {
        self.desk_call(Call::Knows, || self.chatwoot.known.contains(&target)).await
    }

    async fn assign(&self, at: ConversationRef, target: Target) -> Result<(), CallFailure> {
        if !self.chatwoot.known.contains(&target) {
            self.breaks("an unknown team was sent".into());
        }
        self.desk_call(Call::Assign, || {
            let mut conversations = self.chatwoot.conversations.borrow_mut();
            conversations.get_mut(&at.conversation).unwrap().target = Some(target);
        })
        .await
    }

    async fn open(&self, at: ConversationRef) -> Result<(), CallFailure> {
        self.desk_call(Call::Open, || {
            let mut conversations = self.chatwoot.conversations.borrow_mut();
            let conversation = conversations.get_mut(&at.conversation).unwrap();
            if conversation.status == "pending" {
                conversation.status = "open";
                conversation.opened_after.push(self.chatwoot.last_id.get());
            }
        })
        .await
    }

    async fn typing(&self, _at: ConversationRef, on: bool) -> Result<(), CallFailure> {
        self.desk_call(Call::Typing(on), || ()).await
    }
}

impl Media for World {
    async fn load(&self, url: &str, _limit: usize) -> Result<Loaded, LoadFailure> {
        self.logs(Call::Load(url.to_owned()));
        let loaded = self.step(async {
            let mut files = self.chatwoot.files.borrow_mut();
            let Some(file) = files.get_mut(url) else {
                return Ok(Loaded { bytes: b"bytes".to_vec(), mime: None });
            };
            if file.not_there_for > 0 {
                file.not_there_for -= 1;
                return Err(LoadFailure::NotThere);
            }
            if file.failing_for > 0 {
                file.failing_for -= 1;
                return Err(LoadFailure::Transient { detail: "502".into() });
            }
            Ok(Loaded { bytes: b"bytes".to_vec(), mime: Some(file.mime.to_owned()) })
        });
        match loaded.await {
            Taken::Answered(answer) => answer,
            Taken::Silent | Taken::Refused => Err(LoadFailure::Transient { detail: "no answer".into() }),
        }
    }
}

impl Agent for World {
    async fn think(&self, talk: &Talk<'_>) -> Result<Thought, ModelFailure> {
        self.logs(Call::Think);
        let thought = self.step(async {
            let scripted = self.chatwoot.thoughts.borrow_mut().pop_front();
            scripted.unwrap_or_else(|| Ok(usual(talk)))
        });
        match thought.await {
            Taken::Answered(answer) => answer,
            Taken::Silent => Err(ModelFailure::Transient { detail: "no answer".into() }),
            Taken::Refused => Err(ModelFailure::Throttled { wait: None }),
        }
    }

    fn sees(&self) -> bool {
        true
    }
}

/// What the model says when nobody told it otherwise: the names of what it answers, in their order.
fn usual(talk: &Talk<'_>) -> Thought {
    let (said, found) = match talk.turns.last() {
        Some(Turn::Found { content, .. }) => (String::new(), serde_json::from_str(content).unwrap_or_default()),
        Some(Turn::Customer { text, .. }) => (text.clone(), Vec::<Value>::new()),
        Some(Turn::Us(_) | Turn::Calls { .. }) | None => return Thought::Empty,
    };
    let asked = talk.turns.iter().rev().find_map(|t| match t {
        Turn::Customer { text, .. } => Some(text.as_str()),
        Turn::Us(_) | Turn::Calls { .. } | Turn::Found { .. } => None,
    });
    let asked = asked.unwrap_or_default();
    if said.contains("lamps") && talk.may_search {
        let arguments = json!({"query": "lamps", "in_stock": false, "price_max": null});
        let call = ToolCall { id: "c1".into(), tool: SEARCH_TOOL.into(), arguments };
        return Thought::Calls { calls: vec![call], raw: Value::Null };
    }
    let ids: Vec<&Value> = found.iter().filter_map(|p| p.get("id")).collect();
    let names = questions(asked).iter().map(|n| format!("q{n}")).collect::<Vec<_>>().join(" ");
    let options = if asked.contains("choose") {
        json!([{"title": "Brass", "value": "brass"}, {"title": "Steel", "value": "steel"}])
    } else {
        json!([])
    };
    let answer = json!({
        "text": format!("re: {names}"), "product_ids": ids, "options": options,
        "handoff": asked.contains("person"), "summary": "wants a person",
    });
    Thought::Said(answer.to_string())
}

/// The numbers of the questions that a text names (`q1`), in its order.
pub(super) fn questions(text: &str) -> Vec<u32> {
    let named = text.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| word.strip_prefix('q'));
    named.filter_map(|n| n.parse().ok()).collect()
}

impl Catalogue for World {
    async fn search(&self, _query: &ProductQuery) -> Result<Option<Vec<Product>>, NotDone> {
        self.logs(Call::Search);
        match self.step(async { self.chatwoot.products.clone() }).await {
            Taken::Answered(products) => Ok(Some(products)),
            Taken::Silent => Err(Self::silent(Provider::Catalogue)),
            Taken::Refused => Err(Self::throttled(Provider::Catalogue)),
        }
    }

    fn is_open(&self) -> bool {
        true
    }
}

impl Listener for World {
    async fn transcribe(&self, sound: &Sound<'_>) -> Result<String, ModelFailure> {
        self.logs(Call::Transcribe(sound.mime.to_owned()));
        let name = sound.name.split('.').next().unwrap_or_default().to_owned();
        let written = self.step(async {
            let scripted = self.chatwoot.transcripts.borrow_mut().pop_front();
            scripted.unwrap_or(Ok(name))
        });
        match written.await {
            Taken::Answered(answer) => answer,
            Taken::Silent => Err(ModelFailure::Transient { detail: "no answer".into() }),
            Taken::Refused => Err(ModelFailure::Throttled { wait: None }),
        }
    }
}

/// Whether a post shows more than words.
pub(super) const fn is_interactive(post: &Post) -> bool {
    !matches!(post.show, Show::Text)
}
