//! Podium, in both of its pictures: the published API and the briefs' one.
//!
//! The two differ in what is called; what an answer means for the next attempt is the same, and stands here:
//!
//! | what came back | for a text to a customer |
//! |---|---|
//! | no connection, no TLS | certainly not sent |
//! | 401 | one new token and one more try; then certainly not sent |
//! | 429, 503, any 4xx whose code says "too many" | certainly not sent, wait |
//! | any other 4xx but 408 | refused for good |
//! | 408, 500, 502, 504, 3xx, no answer, half an answer, a 2xx without an id | nobody knows |
//!
//! What no customer notices may be made again, so there are only "done", "refused" (a 4xx) and "not now" (all else).

mod backlog;
mod brief;
mod contact;
mod delivery;
mod desk;
pub mod grant;
mod import;
mod locations;
mod messages;
mod mirror;
mod published;
mod refusal;
mod setup;

use std::borrow::Cow;

use frontdesk_core::{
    config::{PodiumConfig, PodiumContract},
    gate::{Permit, PermitExpired},
    ids::{LocationUid, ProviderId},
    outbox::Invite,
    phone::E164Phone,
    provider::{
        Attachments, CallFailure, LookUp, LookUpAnswer, Measured, Messages, NotDone, Provider, ReviewSend, Reviews,
        Say, SendFailure,
    },
    time::{Clock, UnixMillis},
};
use reqwest::{Method, RequestBuilder, Url, header::HeaderValue};
use serde_json::Value;

use self::{brief::Brief, mirror::OptOutTag, published::Published, refusal::Problem};
use crate::{
    AttachmentHosts, BaseUrl, Http, SetupError,
    http::{Answer, Lost, Notice},
    token::{AccessTokens, authorized},
};

/// Which calls are made.
#[derive(Debug)]
enum Contract {
    Published(Published),
    Brief(Brief),
}

/// Podium's API, and the hosts of the files that its messages point to.
#[derive(Debug)]
pub struct Podium<T, C> {
    wire: Wire<T, C>,
    contract: Contract,
    tag: OptOutTag,
    attachments: AttachmentHosts,
}

/// What both contracts use.
#[derive(Debug)]
struct Wire<T, C> {
    http: Http,
    base: BaseUrl,
    tokens: T,
    clock: C,
    /// Sent with every call, if the contract has one.
    version: Option<HeaderValue>,
}

impl<T: AccessTokens, C: Clock> Podium<T, C> {
    /// Takes the contract and everything about it from the settings.
    ///
    /// # Errors
    /// [`SetupError`] when the URL, the version or the campaign cannot be used.
    pub fn new(http: Http, config: &PodiumConfig, tokens: T, clock: C) -> Result<Self, SetupError> {
        let base = BaseUrl::parse("PODIUM_API_URL", &config.url)?;
        let (contract, version) = match config.contract {
            PodiumContract::Published => {
                let version = HeaderValue::from_str(&config.version);
                let version = version.map_err(|_| SetupError::new("PODIUM_API_VERSION", "cannot stand in a header"))?;
                (Contract::Published(Published), Some(version))
            }
            PodiumContract::Brief => (Contract::Brief(Brief::new(config.campaign.as_deref())?), None),
        };
        let wire = Wire { http, base, tokens, clock, version };
        Ok(Self { wire, contract, tag: OptOutTag::default(), attachments: AttachmentHosts::default() })
    }

    /// Allows these hosts to be asked about attachments. Without this none is.
    #[must_use]
    pub fn with_attachments(self, hosts: AttachmentHosts) -> Self {
        Self { attachments: hosts, ..self }
    }

    /// Marks opt-outs with the tag of this label instead of `do-not-contact`.
    ///
    /// # Errors
    /// [`SetupError`] for a blank label.
    pub fn with_opt_out_tag(self, label: &str) -> Result<Self, SetupError> {
        Ok(Self { tag: OptOutTag::new(label)?, ..self })
    }
}

impl<T: AccessTokens, C: Clock> Reviews for Podium<T, C> {
    async fn prepare(&self, permit: &Permit, location: &LocationUid) -> Result<Option<Invite>, SendFailure> {
        match &self.contract {
            Contract::Published(published) => published.prepare(&self.wire, permit, location).await.map(Some),
            Contract::Brief(_) => Ok(None),
        }
    }

    async fn send(&self, permit: Permit, send: &ReviewSend) -> Result<ProviderId, SendFailure> {
        match &self.contract {
            Contract::Published(published) => published.send(&self.wire, permit, send).await,
            Contract::Brief(brief) => brief.send(&self.wire, permit, send).await,
        }
    }

    async fn look_up(&self, what: &LookUp) -> Result<LookUpAnswer, NotDone> {
        match &self.contract {
            Contract::Published(published) => published.look_up(&self.wire, what).await,
            // The briefs know no way to find an invitation without its id, and the id is what was lost.
            Contract::Brief(_) => Ok(LookUpAnswer::CannotTell),
        }
    }
}

impl<T: AccessTokens, C: Clock> Messages for Podium<T, C> {
    async fn say(&self, permit: Permit, what: &Say) -> Result<ProviderId, SendFailure> {
        match &self.contract {
            Contract::Published(published) => published.say(&self.wire, permit, what).await,
            Contract::Brief(brief) => brief.say(&self.wire, permit, what).await,
        }
    }

    async fn look_up_said(&self, phone: &E164Phone, what: &Say, began_at: UnixMillis) -> Result<LookUpAnswer, NotDone> {
        match &self.contract {
            Contract::Published(published) => published.look_up_said(&self.wire, phone, what, began_at).await,
            Contract::Brief(brief) => brief.look_up_said(&self.wire, what, began_at).await,
        }
    }
}

impl<T: AccessTokens, C: Clock> Attachments for Podium<T, C> {
    async fn measure(&self, url: &str) -> Result<Measured, NotDone> {
        self.attachments.measure(&self.wire.http, &self.wire.clock, url).await
    }
}

impl<T: AccessTokens, C: Clock> Wire<T, C> {
    /// Posts something about the permit's person, and returns the JSON of a 2xx.
    async fn post(&self, permit: &Permit, post: Post<'_>) -> Result<Value, SendFailure> {
        let url = self.base.at(&post.path);
        let make = |token: &_| {
            let phone = self.recipient(permit)?;
            Ok::<_, SendFailure>(self.request(post.notice, Method::POST, url.clone(), token).json(&(post.body)(phone)))
        };
        match authorized(&self.tokens, Provider::Podium, make).await? {
            Ok(answer) => self.judge(&answer),
            Err(Lost::BeforeSending(detail)) => Err(unavailable(detail).into()),
            Err(Lost::AfterSending(detail)) => Err(SendFailure::Ambiguous { detail }),
        }
    }

    /// Asked after the token was got and right before the call. Connecting takes time too, so the permit has to hold
    /// until the last moment at which the bytes can leave.
    fn recipient<'a>(&self, permit: &'a Permit) -> Result<&'a E164Phone, SendFailure> {
        let latest = self.http.leaves_by(self.clock.now());
        permit.recipient(latest).map_err(|PermitExpired| SendFailure::PermitExpired)
    }

    fn judge(&self, answer: &Answer) -> Result<Value, SendFailure> {
        let status = answer.status;
        match status {
            200..=299 => {
                answer.json().map_err(|why| SendFailure::Ambiguous { detail: format!("status {status}, but {why}") })
            }
            429 | 503 => Err(self.throttled(answer).into()),
            408 => Err(SendFailure::Ambiguous { detail: "status 408".into() }),
            400..=499 => {
                let problem = Problem::of(answer);
                Err(if problem.is_throttling() {
                    self.throttled(answer).into()
                } else {
                    SendFailure::Refused(problem.refusal())
                })
            }
            _ => Err(SendFailure::Ambiguous { detail: format!("status {status}") }),
        }
    }

    /// Reads something. What a 4xx means is the caller's to understand.
    async fn get(&self, url: Url) -> Result<Answer, NotDone> {
        self.call(Method::GET, url, None).await
    }

    /// Makes a call that no customer notices. Returns a 2xx, or a 4xx that means neither "wait" nor "not now".
    async fn call(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Answer, NotDone> {
        let make = |token: &_| {
            let request = self.request(Notice::Nobody, method.clone(), url.clone(), token);
            Ok::<_, NotDone>(match body {
                Some(body) => request.json(body),
                None => request,
            })
        };
        let answer = match authorized(&self.tokens, Provider::Podium, make).await? {
            Ok(answer) => answer,
            Err(lost) => return Err(unavailable(lost.detail())),
        };
        match answer.status {
            200..=299 => Ok(answer),
            429 | 503 => Err(self.throttled(&answer)),
            408 => Err(unavailable("status 408")),
            400..=499 if Problem::of(&answer).is_throttling() => Err(self.throttled(&answer)),
            400..=499 => Ok(answer),
            status => Err(unavailable(format!("status {status}"))),
        }
    }

    fn request(
        &self,
        notice: Notice,
        method: Method,
        url: Url,
        token: &frontdesk_core::token::AccessToken,
    ) -> RequestBuilder {
        let request = self.http.client(notice).request(method, url).bearer_auth(token.secret.expose());
        match &self.version {
            Some(version) => request.header("podium-version", version),
            None => request,
        }
    }

    fn throttled(&self, answer: &Answer) -> NotDone {
        self.http.throttled(Provider::Podium, answer.retry_after.as_deref(), self.clock.now())
    }
}

/// A call about a person whose number only the permit gives out.
struct Post<'a> {
    notice: Notice,
    path: Cow<'static, str>,
    body: &'a (dyn Fn(&E164Phone) -> Value + Sync),
}

/// The answer to a call that was to be carried out.
fn done(answer: Answer) -> Result<Answer, CallFailure> {
    if answer.is_success() { Ok(answer) } else { Err(CallFailure::Refused { status: answer.status }) }
}

/// The answer to a call about something; `None` when there is no such thing.
fn present(answer: Answer) -> Result<Option<Answer>, CallFailure> {
    if Problem::of(&answer).is_absence() {
        return Ok(None);
    }
    if answer.status == 404 {
        return Err(unavailable("status 404, and not from Podium's API: is the URL right?").into());
    }
    done(answer).map(Some)
}

fn unavailable(detail: impl Into<String>) -> NotDone {
    NotDone::unavailable(Provider::Podium, detail)
}
