//! Asks the functions as a gateway does, and reads their answers as a browser does.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chat::Chat;
use contact_form::ContactForm;
use frontdesk_aws::lambda::http::{HttpAnswer, HttpEvent};
use frontdesk_core::{
    time::Clock,
    web::{Call, Purpose, Ticket},
};
use frontdesk_testkit::site::{API, End, Mishaps, Play, Server, Site, asked, posted};
use serde_json::{Value, json};
use widget_edge::WidgetEdge;

pub(crate) const APOLOGY: &str = "I'm sorry, I'm experiencing technical difficulties. Please try again.";

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What a browser gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<&'static str, String>,
    /// `Null`: no body.
    pub(crate) body: Value,
}

impl Answer {
    fn of(answer: HttpAnswer) -> Self {
        let HttpAnswer { status_code, headers, body, is_base64_encoded } = answer;
        assert!(!is_base64_encoded);
        let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
        Self { status: status_code, headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The chat's words; `None` when it shows something else.
    pub(crate) fn output(&self) -> Option<&str> {
        self.body["output"].as_str()
    }

    /// The sentence of a refusal.
    pub(crate) fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// A request as the gateway writes it down. Its body is in base64, as the gateway does with what it takes for binary.
pub(crate) fn event(call: &Call) -> HttpEvent {
    let headers: BTreeMap<&str, String> =
        call.headers.iter().map(|(n, v)| (n.as_str(), String::from_utf8_lossy(v).into_owned())).collect();
    let query = call.query.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&");
    let address = call.client.map(|client| client.to_string());
    let host = call.own_url.as_deref().and_then(|url| url.strip_prefix("https://"));
    let event = json!({
        "version": "2.0",
        "rawPath": call.path,
        "rawQueryString": query,
        "headers": headers,
        "body": BASE64.encode(&call.body),
        "isBase64Encoded": true,
        "requestContext": {
            "http": {"method": call.method, "sourceIp": address}, "domainName": host, "stage": "$default",
        },
    });
    serde_json::from_value(event).unwrap()
}

/// The function behind a request's path answers it.
pub(crate) async fn serve(server: Server, call: Call) -> Answer {
    let site = Rc::clone(server.site());
    let s = || server.clone();
    let guard = site.guard.clone();
    let event = event(&call);
    Answer::of(match call.path.as_str() {
        "/chat" => {
            let rules = site.chat.clone();
            let (store, minds, secrets, pause) = (s(), s(), s(), s());
            let (clock, ids, telemetry) = (s(), s(), s());
            Chat { store, minds, secrets, pause, clock, ids, telemetry, guard, rules }.handle(event).await
        }
        "/contact-form" => {
            let (store, notices, secrets, clock, telemetry, rules) = (s(), s(), s(), s(), s(), site.form.clone());
            ContactForm { store, notices, secrets, clock, telemetry, guard, rules }.handle(event).await
        }
        _ => {
            let (store, queue, uploads, secrets, clock) = (s(), s(), s(), s(), s());
            let (ids, telemetry, rules) = (s(), s(), site.edge.clone());
            WidgetEdge { store, queue, uploads, secrets, clock, ids, telemetry, guard, rules }.handle(event).await
        }
    })
}

/// A server to which this happens answers; says how it ended, and the server.
pub(crate) fn ask_with(site: &Rc<Site>, plan: Mishaps, call: &Call) -> (End<Answer>, Server) {
    let server = Server::of(site, plan);
    (site.runs(&server, serve(server.clone(), call.clone())), server)
}

/// A server in good health answers.
pub(crate) fn ask(site: &Rc<Site>, call: &Call) -> Answer {
    ask_with(site, Mishaps::new(), call).0.answer()
}

/// Begins with a request and does not wait for its answer.
pub(crate) fn begin(play: &mut Play<'_, Answer>, site: &Rc<Site>, call: &Call) -> usize {
    let server = Server::of(site, Mishaps::new());
    play.begin(&server, serve(server.clone(), call.clone()))
}

/// How many steps a request takes when nothing goes wrong, on a site like this.
pub(crate) fn steps(make: impl Fn() -> Rc<Site>, call: &Call) -> usize {
    let (end, server) = ask_with(&make(), Mishaps::new(), call);
    end.answer();
    server.walked().len()
}

pub(crate) fn site() -> Rc<Site> {
    Rc::new(Site::new())
}

// ---- The chat

/// A message to the chat.
pub(crate) fn says(session: impl Into<Value>, prompt: &str) -> Call {
    posted("/chat", &json!({"prompt": prompt, "session_id": session.into()}))
}

// ---- Forms

/// The address of a form that was just shown, below our own.
pub(crate) fn form_address(site: &Rc<Site>) -> String {
    let config = ask(site, &asked("GET", "/webchat/config"));
    let url = config.body["contact_form"]["submit_url"].as_str().unwrap();
    url.strip_prefix(API).unwrap().to_owned()
}

/// A form, sent to that address.
pub(crate) fn sends(address: &str, body: &Value) -> Call {
    Call { body: body.to_string().into_bytes(), ..asked("POST", address) }
}

/// A form filled in as it should be.
pub(crate) fn filled_in() -> Value {
    json!({"name": "Mia Tennant", "email": "Mia@Example.com", "message": "Do you have kayaks?"})
}

/// A ticket of ours, made by hand.
pub(crate) fn ticket(site: &Site, purpose: Purpose, life: Duration, data: &str) -> String {
    let expires_at = site.clock.now().plus(life);
    Ticket { expires_at, nonce: "by-hand".into(), data: data.into() }.issue(&site.secrets.borrow(), purpose)
}

// ---- The webchat form

/// A message through the webchat form that nothing is wrong with.
pub(crate) fn message() -> Value {
    json!({
        "name": "Mia Tennant", "phone": "0491 570 156", "email": "mia@example.com", "location_uid": "syd",
        "text": "Do you have kayaks?", "message_id": "m-1",
    })
}

/// The same with another field; `null` as the value takes it out.
pub(crate) fn but(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    let fields = body.as_object_mut().unwrap();
    match value.into() {
        Value::Null => fields.remove(name),
        value @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            fields.insert(name.to_owned(), value)
        }
    };
    body
}

pub(crate) fn sent(body: &Value) -> Call {
    posted("/webchat/messages", body)
}
