//! Chatwoot's API, as an agent bot or a user calls it.
//!
//! | what came back | for a post |
//! |---|---|
//! | no connection, no TLS | nothing left us |
//! | a 2xx with the message's id | it is there |
//! | 429, and the 422 that says "too many messages" | not now |
//! | 5xx | probably not there; a proxy may say it of one that is |
//! | 408, no answer, half an answer, a 2xx without an id | nobody knows |
//! | any other status | it is not there and will not be |
//!
//! A 401 that says that the token itself is wrong has the stored ones read again, once, and the call is made again if they
//! have changed. Other 401s are about what a token may do, and a bot's may not read messages.

mod post;
mod read;
mod setup;

use std::time::Duration;

use frontdesk_core::{
    chat::{Marker, Target},
    chatwoot::{Attachment, ConversationRef, Conversations, PostFailure, Posted, Standing, read_attachments},
    config::ChatwootApiConfig,
    gate::{ChatPermit, PermitExpired},
    outbound::Post,
    provider::{CallFailure, NotDone, Provider},
    signature::Secret,
    time::Clock,
};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::{
    BaseUrl, CredentialVault, Http, SetupError,
    http::{Answer, Lost, Notice, exchange},
    kept::{Kept, field},
    media,
};

/// Chatwoot shows so many messages at a time.
const PAGE: usize = 100;
const PAGES_MAX: usize = 5;

pub(crate) const URL: &str = "CHATWOOT_URL";
const TOKEN: &str = "api_access_token";

/// What Chatwoot knows us by. Stored as `{"api_token", "user_token"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatwootTokens {
    /// For what is done: of an agent bot, so that the shop's people see who wrote.
    pub api: Secret,
    /// For what is read: of a user, since bots may not read messages. Without one the other is tried.
    pub user: Option<Secret>,
}

impl ChatwootTokens {
    fn read(document: &Secret) -> Result<Self, &'static str> {
        let document: Value = serde_json::from_str(document.expose()).map_err(|_| "are not a JSON object")?;
        let api = field(&document, "api_token").ok_or("have no api_token")?;
        Ok(Self { api, user: field(&document, "user_token") })
    }

    fn of(&self, who: Who) -> &Secret {
        match who {
            Who::Bot => &self.api,
            Who::User => self.user.as_ref().unwrap_or(&self.api),
        }
    }
}

/// Whose token goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Bot,
    User,
}

/// Chatwoot's API.
#[derive(Debug)]
pub struct Chatwoot<V, C> {
    http: Http,
    base: BaseUrl,
    timeout: Duration,
    tokens: Kept<V, ChatwootTokens>,
    clock: C,
}

/// What keeps a call from having an answer.
enum Unmade<E> {
    /// There are no tokens.
    NoToken(String),
    /// It may not be made (any more).
    Withheld(E),
    Lost(Lost),
}

/// A call that nothing withholds.
enum Never {}

struct Call<'a> {
    notice: Notice,
    who: Who,
    method: Method,
    url: Url,
    body: Option<&'a Value>,
}

impl<V: CredentialVault, C: Clock> Chatwoot<V, C> {
    /// Takes the URL and the timeout from the settings. The vault holds [`ChatwootTokens`].
    ///
    /// # Errors
    /// [`SetupError`] when the URL cannot be used.
    pub fn new(http: Http, config: &ChatwootApiConfig, vault: V, clock: C) -> Result<Self, SetupError> {
        let base = BaseUrl::parse(URL, &config.url)?;
        Ok(Self { http, base, timeout: config.timeout, tokens: Kept::new(vault, ChatwootTokens::read), clock })
    }

    /// Makes a call; `may` is asked right before each attempt.
    async fn call<E>(&self, call: &Call<'_>, may: impl Fn() -> Result<(), E>) -> Result<Answer, Unmade<E>> {
        let tokens = self.tokens.get().await.map_err(|none| Unmade::NoToken(none.detail()))?;
        may().map_err(Unmade::Withheld)?;
        let answer = self.attempt(call, &tokens).await.map_err(Unmade::Lost)?;
        if !is_token_wrong(&answer) {
            return Ok(answer);
        }
        let Ok(Some(tokens)) = self.tokens.instead_of(&tokens).await else { return Ok(answer) };
        may().map_err(Unmade::Withheld)?;
        self.attempt(call, &tokens).await.map_err(Unmade::Lost)
    }

    async fn attempt(&self, call: &Call<'_>, tokens: &ChatwootTokens) -> Result<Answer, Lost> {
        let request = self.http.client(call.notice).request(call.method.clone(), call.url.clone());
        let request = request.timeout(self.timeout).header(TOKEN, tokens.of(call.who).expose());
        let request = match call.body {
            Some(body) => request.json(body),
            None => request,
        };
        exchange(request).await
    }

    /// Makes a call that no customer notices. Returns a 2xx, or a 4xx that means neither "wait" nor "not now".
    async fn quietly(&self, who: Who, method: Method, url: Url, body: Option<&Value>) -> Result<Answer, NotDone> {
        let call = Call { notice: Notice::Nobody, who, method, url, body };
        let answer = match self.call(&call, || Ok::<_, Never>(())).await {
            Ok(answer) => answer,
            Err(Unmade::NoToken(detail)) => return Err(unavailable(detail)),
            Err(Unmade::Lost(lost)) => return Err(unavailable(lost.detail())),
            Err(Unmade::Withheld(never)) => match never {},
        };
        match answer.status {
            200..=299 => Ok(answer),
            429 => Err(self.throttled(&answer)),
            408 => Err(unavailable("status 408")),
            400..=499 => Ok(answer),
            status => Err(unavailable(format!("status {status}"))),
        }
    }

    async fn get(&self, who: Who, url: Url) -> Result<Answer, NotDone> {
        self.quietly(who, Method::GET, url, None).await
    }

    /// Does something that may be done again. Returns the answer's JSON.
    async fn change(&self, at: ConversationRef, what: &str, body: &Value) -> Result<Value, CallFailure> {
        let url = self.conversation(at, what);
        let answer = done(self.quietly(Who::Bot, Method::POST, url, Some(body)).await?)?;
        Ok(answer.json().map_err(unavailable)?)
    }

    /// Posts a message once, over a new connection.
    async fn create(
        &self,
        at: ConversationRef,
        body: &Value,
        may: impl Fn() -> Result<(), PermitExpired>,
    ) -> Result<(), PostFailure> {
        let url = self.conversation(at, "/messages");
        let call = Call { notice: Notice::Customer, who: Who::Bot, method: Method::POST, url, body: Some(body) };
        let answer = match self.call(&call, may).await {
            Ok(answer) => answer,
            Err(Unmade::Withheld(PermitExpired)) => return Err(PostFailure::PermitExpired),
            Err(Unmade::NoToken(detail) | Unmade::Lost(Lost::BeforeSending(detail))) => {
                return Err(PostFailure::NotReached { detail });
            }
            Err(Unmade::Lost(Lost::AfterSending(detail))) => return Err(PostFailure::NoAnswer { detail }),
        };
        match answer.status {
            429 => Err(self.throttled(&answer).into()),
            status => post::judge(status, answer.json()),
        }
    }

    fn account(&self, account: u64, path: &str) -> Url {
        self.base.at(&format!("/api/v1/accounts/{account}{path}"))
    }

    fn conversation(&self, at: ConversationRef, path: &str) -> Url {
        self.account(at.account, &format!("/conversations/{}{path}", at.conversation))
    }

    fn messages(&self, at: ConversationRef, after: u64, before: Option<u64>) -> Url {
        let mut url = self.conversation(at, "/messages");
        url.query_pairs_mut().append_pair("after", &after.to_string());
        if let Some(before) = before {
            url.query_pairs_mut().append_pair("before", &before.to_string());
        }
        url
    }

    fn throttled(&self, answer: &Answer) -> NotDone {
        self.http.throttled(Provider::Chatwoot, answer.retry_after.as_deref(), self.clock.now())
    }

    /// What a bot's token can see of it: the conversation's newest messages.
    async fn posted_last(&self, at: ConversationRef, marker: &Marker, after: u64) -> Result<Posted, NotDone> {
        let answer = self.get(Who::Bot, self.conversation(at, "")).await?;
        if !answer.is_success() {
            return Ok(Posted::CannotTell);
        }
        Ok(read::newest_says(&answer.json().map_err(unavailable)?, marker, after))
    }
}

impl<V: CredentialVault, C: Clock> Conversations for Chatwoot<V, C> {
    async fn post(
        &self,
        permit: ChatPermit,
        at: ConversationRef,
        post: &Post,
        marker: &Marker,
    ) -> Result<(), PostFailure> {
        // Connecting takes time too, so the permit has to hold until the last moment at which the bytes can leave.
        let may = || permit.check(self.http.leaves_by(self.clock.now()));
        self.create(at, &post::message(post, marker), may).await
    }

    async fn note(&self, at: ConversationRef, text: &str, marker: &Marker) -> Result<(), PostFailure> {
        self.create(at, &post::note(text, marker), || Ok(())).await
    }

    async fn posted(&self, at: ConversationRef, marker: &Marker, after: u64) -> Result<Posted, NotDone> {
        let mut from = after;
        for _ in 0..PAGES_MAX {
            let answer = self.get(Who::User, self.messages(at, from, None)).await?;
            match answer.status {
                200..=299 => {}
                401 | 403 => return self.posted_last(at, marker, after).await,
                _ => return Ok(Posted::CannotTell),
            }
            let body = answer.json().map_err(unavailable)?;
            let Some(messages) = read::messages(&body) else { return Ok(Posted::CannotTell) };
            if messages.iter().any(|message| read::is_marked(message, marker)) {
                return Ok(Posted::Yes);
            }
            if messages.len() < PAGE {
                return Ok(Posted::No);
            }
            match messages.iter().filter_map(read::id).max().filter(|last| *last > from) {
                Some(last) => from = last,
                None => break,
            }
        }
        Ok(Posted::CannotTell)
    }

    async fn attachments(&self, at: ConversationRef, message: u64) -> Result<Option<Vec<Attachment>>, CallFailure> {
        let url = self.messages(at, message, Some(message.saturating_add(1)));
        let answer = self.get(Who::User, url).await?;
        if matches!(answer.status, 401 | 403) {
            return Ok(None);
        }
        let body = done(answer)?.json().map_err(unavailable)?;
        let mut messages = read::messages(&body).into_iter().flatten();
        let found = messages.find(|found| read::id(found) == Some(message)).map(read_attachments);
        Ok(found.map(|attachments| attachments.into_iter().map(|one| media::mended(&self.base, one)).collect()))
    }

    async fn standing(&self, at: ConversationRef) -> Result<Option<Standing>, CallFailure> {
        // A user's token may read it in every version of Chatwoot, a bot's in newer ones only.
        let answer = self.get(Who::User, self.conversation(at, "")).await?;
        if matches!(answer.status, 401 | 403) {
            return Ok(None);
        }
        let body = done(answer)?.json().map_err(unavailable)?;
        Ok(Some(read::standing(&body)))
    }

    async fn knows(&self, account: u64, target: Target) -> Result<bool, CallFailure> {
        let (path, id) = match target {
            Target::Team(id) => ("/teams", id),
            Target::Agent(id) => ("/agents", id),
        };
        let answer = done(self.get(Who::User, self.account(account, path)).await?)?;
        let body = answer.json().map_err(unavailable)?;
        let listed = body.as_array().ok_or_else(|| unavailable("the answer is no list"))?;
        Ok(listed.iter().any(|one| read::id(one) == Some(id)))
    }

    async fn assign(&self, at: ConversationRef, target: Target) -> Result<(), CallFailure> {
        let (field, id) = match target {
            Target::Team(id) => ("team_id", id),
            Target::Agent(id) => ("assignee_id", id),
        };
        let taken = self.change(at, "/assignments", &json!({ field: id })).await?;
        if taken.is_null() {
            // This is how Chatwoot says that it knows nobody of that number.
            return Err(CallFailure::Refused { status: 404 });
        }
        if read::id(&taken) == Some(id) { Ok(()) } else { Err(unavailable("somebody else has it").into()) }
    }

    async fn open(&self, at: ConversationRef) -> Result<(), CallFailure> {
        let answer = self.change(at, "/toggle_status", &json!({ "status": "open" })).await?;
        // `success` is null for a bot although it worked.
        let now = answer.pointer("/payload/current_status").and_then(Value::as_str);
        if now == Some("open") { Ok(()) } else { Err(unavailable("the conversation is not open after all").into()) }
    }

    async fn typing(&self, at: ConversationRef, on: bool) -> Result<(), CallFailure> {
        let body = json!({ "typing_status": if on { "on" } else { "off" } });
        let url = self.conversation(at, "/toggle_typing_status");
        done(self.quietly(Who::Bot, Method::POST, url, Some(&body)).await?).map(|_| ())
    }
}

fn done(answer: Answer) -> Result<Answer, CallFailure> {
    if answer.is_success() { Ok(answer) } else { Err(CallFailure::Refused { status: answer.status }) }
}

/// Whether the token itself is refused, and not what was to be done with it.
fn is_token_wrong(answer: &Answer) -> bool {
    let says = |body: Value| body.get("error").and_then(Value::as_str) == Some("Invalid Access Token");
    answer.status == 401 && answer.json().is_ok_and(says)
}

fn unavailable(detail: impl Into<String>) -> NotDone {
    NotDone::unavailable(Provider::Chatwoot, detail)
}
