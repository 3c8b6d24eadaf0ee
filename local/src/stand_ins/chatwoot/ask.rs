//! What a call to the API is made of, and who may make it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Query, Request};
use axum::http::header;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::Chatwoot;
use super::book::{At, Sender};
use super::refusal::Refusal;
use crate::stand_ins::app::App;
use crate::stand_ins::multipart::{self, Part};
use crate::stand_ins::pipeline::RequestId;

/// What a handler returns.
pub(super) type Answer = Result<Response, Refusal>;

/// Whether bots may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bots {
    Allowed,
    Refused,
}

/// A call, read.
pub(super) struct Ask {
    pub(super) app: Arc<App>,
    pub(super) request_id: String,
    pub(super) query: BTreeMap<String, String>,
    /// The fields, of whatever form they came in.
    pub(super) body: Map<String, Value>,
    /// `attachments[]` of a form.
    pub(super) files: Vec<Part>,
    token: Option<String>,
}

impl FromRequest<Arc<App>> for Ask {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        let id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id.clone());
        let Query(query) = Query::try_from_uri(&parts.uri).map_err(|_| Refusal::bad_request("Bad Request"))?;
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        // The pipeline has read the body within its limit already.
        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let declared = text(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let mut ask = Self {
            app: Arc::clone(app),
            request_id: id.unwrap_or_default(),
            query,
            body: Map::new(),
            files: Vec::new(),
            token: text("api_access_token"),
        };
        if declared.starts_with("application/json") && !bytes.is_empty() {
            let value: Value = serde_json::from_slice(&bytes).map_err(|_| Refusal::bad_request("Bad Request"))?;
            ask.body = value.as_object().cloned().unwrap_or_default();
        } else if declared.starts_with("multipart/") {
            let form = multipart::read(&declared, &bytes).ok_or_else(|| Refusal::bad_request("Bad Request"))?;
            for part in form {
                if part.file_name.is_some() {
                    ask.files.push(part);
                } else {
                    ask.body.insert(part.name.clone(), json!(part.text()));
                }
            }
        }
        // Anything else is no parameter to Rails: it sees an empty body.
        Ok(ask)
    }
}

impl Ask {
    /// A field that is a text, or can be read as one.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        match self.body.get(field)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A field as Ruby's `to_i` reads it: leading digits, or zero.
    pub(super) fn number(&self, field: &str) -> u64 {
        to_i(&self.text(field).unwrap_or_default())
    }

    pub(super) fn is_true(&self, field: &str) -> bool {
        self.text(field).is_some_and(|text| text == "true" || text == "1")
    }

    /// Who is calling, if they may. In Chatwoot's order: token, bot, account.
    pub(super) fn caller(&self, chatwoot: &Chatwoot, account: &str, bots: Bots) -> Result<Sender, Refusal> {
        let settings = &chatwoot.settings;
        let token = self.token.as_deref().ok_or_else(Refusal::no_token)?;
        let bot = token == settings.bot_token;
        if !bot && token != settings.user_token {
            return Err(Refusal::unauthorized("Invalid Access Token"));
        }
        if bot && bots == Bots::Refused {
            return Err(Refusal::unauthorized("Access to this endpoint is not authorized for bots"));
        }
        let account = settings.account(to_i(account)).ok_or_else(Refusal::not_found)?;
        if bot && !account.bot {
            return Err(Refusal::unauthorized("Bot is not authorized to access this account"));
        }
        if !bot && !account.user {
            return Err(Refusal::unauthorized("You are not authorized to do this action"));
        }
        if settings.suspended {
            return Err(Refusal::unauthorized("Account is suspended"));
        }
        Ok(if bot { Sender::Bot } else { Sender::User(settings.user_id) })
    }

    /// The same for a conversation.
    pub(super) fn enter(
        &self,
        chatwoot: &Chatwoot,
        (account, id): &(String, String),
        bots: Bots,
    ) -> Result<(At, Sender), Refusal> {
        let caller = self.caller(chatwoot, account, bots)?;
        let at = (to_i(account), to_i(id));
        chatwoot.book.get(at).map(|_| (at, caller)).ok_or_else(Refusal::not_found)
    }
}

fn to_i(text: &str) -> u64 {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
