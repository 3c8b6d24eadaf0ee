//! The shop's Chatwoot, and all that the assistant needs besides: what customers write, where files lie, what a model says.

mod checks;
mod ports;
mod work;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use frontdesk_core::{
    agent::{Extras, Instructions, ModelFailure, Thought},
    chat::{ChatKey, Target},
    chatwoot::{self, ConversationRef},
    flow::{
        answer::AnswerRules,
        chatwoot_worker::AssistantRules,
        listen::{ListenRules, Transcripts},
        post::PostRules,
    },
    inbox::Source,
    outbound::{Interactive, Post, Product, Stock},
    time::{Clock, DAY, UnixMillis},
    wish::ExtraWords,
};
use serde_json::{Value, json};

use super::{Delivery, Lined, Plan, World, iso};

/// The account of every conversation.
const ACCOUNT: u64 = 7;

/// A message as Chatwoot keeps it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its id; they rise.
    pub id: u64,
    /// The words.
    pub text: String,
    /// From the customer.
    pub incoming: bool,
    /// For the shop's people only.
    pub private: bool,
    /// Our mark.
    pub marker: Option<String>,
    /// What we posted.
    pub post: Option<Post>,
    /// What came with it.
    pub attachments: Vec<Value>,
    /// When.
    pub at: UnixMillis,
    /// The conversation was the assistant's.
    pub ours: bool,
}

/// A conversation as Chatwoot keeps it.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Chatwoot's word for the channel.
    pub channel: &'static str,
    /// Chatwoot's word for the status.
    pub status: &'static str,
    /// A person has it.
    pub person: bool,
    /// Whom it was given to.
    pub target: Option<Target>,
    /// The customer's number.
    pub phone: Option<String>,
    /// After which message it was put into people's hands, each time.
    pub opened_after: Vec<u64>,
    /// All messages.
    pub messages: Vec<Kept>,
}

impl Conversation {
    /// Our posts that the customer reads.
    #[must_use]
    pub fn posts(&self) -> Vec<&Kept> {
        self.messages.iter().filter(|m| m.marker.is_some() && !m.private).collect()
    }

    /// Our notes.
    #[must_use]
    pub fn notes(&self) -> Vec<&Kept> {
        self.messages.iter().filter(|m| m.marker.is_some() && m.private).collect()
    }
}

/// What somebody asked of Chatwoot, the model and the rest, once for every attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A post, by its mark.
    Post(String),
    /// A note, by its mark.
    Note(String),
    /// Whether a mark is there.
    Look(String),
    /// The attachments of a message.
    Attachments(u64),
    /// Where the conversation stands.
    Standing,
    /// Whether somebody is known.
    Knows,
    /// An assignment.
    Assign,
    /// The conversation to be opened.
    Open,
    /// The indicator.
    Typing(bool),
    /// A file.
    Load(String),
    /// A model's step.
    Think,
    /// A search for products.
    Search,
    /// A voice message to be written down.
    Transcribe(String),
}

impl Call {
    /// Its kind in a word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Post(_) => "post",
            Self::Note(_) => "note",
            Self::Look(_) => "look",
            Self::Attachments(_) => "attachments",
            Self::Standing => "standing",
            Self::Knows => "knows",
            Self::Assign => "assign",
            Self::Open => "open",
            Self::Typing(_) => "typing",
            Self::Load(_) => "load",
            Self::Think => "think",
            Self::Search => "search",
            Self::Transcribe(_) => "transcribe",
        }
    }
}

/// How a post or a note goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostFault {
    /// Well.
    Fine,
    /// This status, and nothing happened.
    Server(u16),
    /// This status, and it happened all the same.
    ServerDone(u16),
    /// No answer, and nothing happened.
    Lost,
    /// No answer, and it happened.
    Done,
    /// No answer, and it happens so much later.
    Late(Duration),
    /// No connection.
    NotReached,
    /// 429.
    Throttled,
    /// 422: too many messages.
    Flooded,
    /// This status, for good.
    Refused(u16),
}

/// A customer's file.
#[derive(Clone, Debug)]
pub struct File {
    /// So many loads more find nothing.
    pub not_there_for: u32,
    /// So many loads more fail.
    pub failing_for: u32,
    /// Its type, as its host says.
    pub mime: &'static str,
}

/// What a customer sends.
#[derive(Clone, Debug, Default)]
pub struct Utterance {
    /// The words.
    pub text: Option<String>,
    /// What comes with it, as Chatwoot keeps it.
    pub attachments: Vec<Value>,
    /// The webhook shows no attachments.
    pub hidden: bool,
    /// The webhook says no types.
    pub untyped: bool,
}

impl Utterance {
    /// Words.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self { text: Some(text.to_owned()), ..Self::default() }
    }

    /// A file.
    #[must_use]
    pub fn file(kind: &str, mime: &str, url: &str) -> Self {
        let one = json!({"id": 1, "file_type": kind, "content_type": mime, "data_url": url, "file_size": 9});
        Self { attachments: vec![one], ..Self::default() }
    }
}

/// What the simulated Chatwoot and the model do.
#[derive(Debug)]
pub struct SimChatwoot {
    /// The shop's rules of the assistant.
    pub assistant: AssistantRules,
    /// Whether the tokens may list messages and read conversations.
    pub may_read: bool,
    /// Whether posts come back as webhooks.
    pub echoes: bool,
    /// Whether every message of ours is answered by the customer's own program.
    pub bot_customer: bool,
    /// Who can be given conversations.
    pub known: Vec<Target>,
    /// Until when no worker takes anything.
    pub workers_dead_until: Cell<UnixMillis>,
    /// How the next posts and notes go; fine, after that.
    pub post_faults: RefCell<VecDeque<PostFault>>,
    /// How the next loads of a conversation's state, assignments and openings go: a status that is not there is no answer.
    pub desk_down: RefCell<Vec<(UnixMillis, UnixMillis)>>,
    /// What the model says next; after that, what it always says.
    pub thoughts: RefCell<VecDeque<Result<Thought, ModelFailure>>>,
    /// What the next voice messages say; after that, the words of their name.
    pub transcripts: RefCell<VecDeque<Result<String, ModelFailure>>>,
    /// Files by their address.
    pub files: RefCell<BTreeMap<String, File>>,
    /// The shop's products.
    pub products: Vec<Product>,
    /// All conversations.
    pub conversations: RefCell<BTreeMap<u64, Conversation>>,
    /// All calls, in their order.
    pub calls: RefCell<Vec<(UnixMillis, Call)>>,
    /// All waits, in their order.
    pub waits: RefCell<Vec<Duration>>,
    /// What the endpoint answered, in its order.
    pub statuses: RefCell<Vec<Option<u16>>>,
    pub(super) last_id: Cell<u64>,
    pub(super) lines: RefCell<Vec<Lined>>,
    pub(super) silent_since: RefCell<BTreeMap<u64, UnixMillis>>,
}

impl Default for SimChatwoot {
    fn default() -> Self {
        let lamp = |id: &str| Product {
            id: id.to_owned(),
            title: format!("Brass lamp {id}"),
            price: Some("129.95".into()),
            currency: "AUD".into(),
            price_from: false,
            stock: Stock::InStock,
            attributes: vec![("Colour".into(), "brass".into())],
            url: format!("https://shop.example.test/product/lamp-{id}"),
            image: None,
        };
        Self {
            assistant: AssistantRules {
                extra_words: ExtraWords::default(),
                debounce: Duration::ZERO,
                interactive: Interactive::Auto,
                target: Some(Target::Team(5)),
                hand_off_text: "I am passing you on to a person.".into(),
                disclosure: Some("You are chatting with a machine.".into()),
                listen: ListenRules {
                    transcripts: Transcripts::Ours,
                    note: true,
                    audio_bytes_max: 1 << 20,
                    image_bytes_max: 1 << 20,
                    load: Duration::from_secs(10),
                    write_down: Duration::from_secs(25),
                },
                answers_per_hour: 60,
                history: 20,
                instructions: Instructions { shop: "Saltbush".into(), own: String::new() },
                answer: AnswerRules {
                    budget: Duration::from_secs(45),
                    searches_max: 3,
                    tokens_max: 2_000,
                    breaker: Duration::from_secs(300),
                },
                extras: Extras::default(),
                post: PostRules { keep: DAY * 30, lease: LEASE, call: Duration::from_secs(10), open_too: false },
            },
            may_read: true,
            echoes: true,
            bot_customer: false,
            known: vec![Target::Team(5)],
            workers_dead_until: Cell::new(UnixMillis::new(0)),
            post_faults: RefCell::default(),
            desk_down: RefCell::default(),
            thoughts: RefCell::default(),
            transcripts: RefCell::default(),
            files: RefCell::default(),
            products: vec![lamp("11"), lamp("12")],
            conversations: RefCell::default(),
            calls: RefCell::default(),
            waits: RefCell::default(),
            statuses: RefCell::default(),
            last_id: Cell::new(88_000),
            lines: RefCell::default(),
            silent_since: RefCell::default(),
        }
    }
}

/// How long a chat's worker holds its event.
pub(super) const LEASE: Duration = Duration::from_secs(330);

impl SimChatwoot {
    /// All calls, in their order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls.borrow().iter().map(|(_, call)| call.clone()).collect()
    }

    /// How many calls are like this.
    pub fn count(&self, like: impl Fn(&Call) -> bool) -> usize {
        self.calls.borrow().iter().filter(|(_, call)| like(call)).count()
    }

    /// A conversation as it is now.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn conversation(&self, number: u64) -> Conversation {
        self.conversations.borrow().get(&number).unwrap().clone()
    }

    /// The texts of our posts in a conversation.
    #[must_use]
    pub fn posts(&self, number: u64) -> Vec<String> {
        self.conversation(number).posts().iter().map(|m| m.text.clone()).collect()
    }
}

/// The chat of a conversation.
fn key_of(number: u64) -> ChatKey {
    ChatKey::chatwoot(ConversationRef { account: ACCOUNT, conversation: number })
}

impl World {
    /// A world in which conversation 1 is the assistant's, by the widget, of somebody whose number is known.
    #[must_use]
    pub fn assisting(plan: Plan) -> Self {
        let mut world = Self::new(plan);
        world.lease = LEASE;
        world.visibility = Duration::from_secs(400);
        world.opens_chat(1, "Channel::WebWidget", Some("+61491570156"));
        world
    }

    /// A conversation begins that is the assistant's.
    pub fn opens_chat(&self, number: u64, channel: &'static str, phone: Option<&str>) {
        let phone = phone.map(str::to_owned);
        let conversation = Conversation {
            channel,
            status: "pending",
            person: false,
            target: None,
            phone,
            messages: Vec::new(),
            opened_after: Vec::new(),
        };
        self.chatwoot.conversations.borrow_mut().insert(number, conversation);
    }

    /// A conversation changes hands, at this very moment.
    pub fn changes_hands(&self, number: u64, status: &'static str, person: bool) {
        let mut conversations = self.chatwoot.conversations.borrow_mut();
        let conversation = conversations.get_mut(&number).unwrap();
        (conversation.status, conversation.person) = (status, person);
    }

    /// A customer asks something, `after` a while.
    pub fn asks(&self, number: u64, text: &str, after: Duration) {
        self.utters(number, Utterance::of(text), after);
    }

    /// A customer sends something, `after` a while.
    pub fn utters(&self, number: u64, what: Utterance, after: Duration) {
        self.later(after, move |world| {
            world.sends_now(number, &what, &[Duration::ZERO]);
        });
    }

    /// A customer sends something at this very moment; its webhook arrives so often and so late. Returns its id.
    pub fn sends_now(&self, number: u64, what: &Utterance, arrivals: &[Duration]) -> u64 {
        let message = Kept {
            id: 0,
            text: what.text.clone().unwrap_or_default(),
            incoming: true,
            private: false,
            marker: None,
            post: None,
            attachments: what.attachments.clone(),
            at: self.clock.now(),
            ours: true,
        };
        let message = self.keeps(number, message);
        let mut body = self.body("message_created", number, &message, &json!({"id": 1, "name": "Mia", "type": null}));
        if what.hidden {
            body.as_object_mut().unwrap().remove("attachments");
        }
        if what.untyped
            && let Some(Value::Array(listed)) = body.get_mut("attachments")
        {
            listed.iter_mut().for_each(|a| a["content_type"] = Value::Null);
        }
        for after in arrivals {
            self.chatwoot_delivers(&body, *after, true);
        }
        message.id
    }

    /// Chatwoot stores a message under the next id.
    pub(super) fn keeps(&self, number: u64, message: Kept) -> Kept {
        self.chatwoot.last_id.set(self.chatwoot.last_id.get() + 1);
        let mut conversations = self.chatwoot.conversations.borrow_mut();
        let conversation = conversations.get_mut(&number).unwrap();
        let ours = conversation.status == "pending" && !conversation.person;
        let message = Kept { id: self.chatwoot.last_id.get(), ours, ..message };
        conversation.messages.push(message.clone());
        message
    }

    /// Chatwoot's webhook of a message.
    #[must_use]
    pub fn body(&self, event: &str, number: u64, message: &Kept, sender: &Value) -> Value {
        let conversation = self.chatwoot.conversation(number);
        let phone = conversation.phone.clone();
        let contact = json!({"id": 1, "name": "Mia", "phone_number": phone, "blocked": false});
        let sender = if message.incoming { contact.clone() } else { sender.clone() };
        let mark = message.marker.as_ref().map(|m| json!({ "frontdesk": m }));
        let assignee = conversation.person.then(|| json!({"id": 3, "name": "Ann", "type": "user"}));
        let mut body = json!({
            "event": event, "id": message.id, "content_type": "text",
            "content": (!message.text.is_empty()).then_some(&message.text),
            "content_attributes": mark.unwrap_or_else(|| json!({})),
            "message_type": if message.incoming { "incoming" } else { "outgoing" },
            "private": message.private, "created_at": iso(message.at), "source_id": null, "sender": sender,
            "account": {"id": ACCOUNT, "name": "Saltbush"}, "inbox": {"id": 31, "name": "Widget"},
            "conversation": {
                "id": number, "inbox_id": 31, "status": conversation.status, "channel": conversation.channel,
                "meta": {"sender": contact, "assignee": assignee, "assignee_type": conversation.person.then_some("User")},
                "messages": [],
            },
        });
        if !message.attachments.is_empty() {
            let listed = Value::Array(message.attachments.clone());
            body.as_object_mut().unwrap().insert("attachments".into(), listed);
        }
        body
    }

    /// Chatwoot delivers a webhook `after` a while.
    pub fn chatwoot_delivers(&self, body: &Value, after: Duration, signed: bool) {
        let at = self.clock.now().plus(after);
        let body = body.to_string().into_bytes();
        let ids = match chatwoot::parse(&body) {
            Ok(chatwoot::Delivery::Message(message)) => vec![message.event().as_str().to_owned()],
            Ok(chatwoot::Delivery::Ignored(_)) | Err(_) => Vec::new(),
        };
        let delivery = Delivery { sender: Source::Chatwoot, at, ids, body, signed, tries: 0, wishes: Vec::new() };
        self.deliveries.borrow_mut().push(delivery);
    }
}
