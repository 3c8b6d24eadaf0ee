//! A form that a visitor filled in: kept, and told to the shop's people, once.
//!
//! The row and the notice are written together, so nothing that was kept is told to nobody. The same form with the same
//! words is the same submission, however often a finger or a browser sends it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    ingest::SecretSource,
    wake,
    web::{Admitted, report},
};
use crate::{
    chat::ChatKey,
    contact_form::{ContactForm, Entry},
    form::{Forms, Submission, SubmissionId},
    inbox::BodySha256,
    notice::{Content, Notice, NoticeKind, NoticeQueue},
    queue::DelaySeconds,
    telemetry::{Line, Metric, Telemetry},
    time::UnixMillis,
    web::{Purpose, Reply, Ticket, WebCode},
};

/// The brief's answer to a form that came in.
const THANKS: &str = "Thank you! We received your message and will respond soon.";
/// The brief's answer when it could not be kept.
const FAILED: &str = "Failed to submit form. Please try again.";
/// What a visitor reads whose form is too old, or not ours.
const EXPIRED: &str = "This form has expired. Please ask for it again.";
/// Characters of a quotation to the shop's people.
const QUOTE_CHARS_MAX: usize = 6_000;

/// The rules of forms.
#[derive(Clone, Debug)]
pub struct SubmissionRules {
    /// The form.
    pub form: ContactForm,
    /// The field that only programs fill in.
    pub honeypot: String,
    /// How long a submission is kept.
    pub keep: Duration,
}

/// What the desk needs.
#[derive(Debug)]
pub struct FormDesk<'a, S, N, T> {
    /// The table of forms and notices.
    pub store: &'a S,
    /// The notifier's queue.
    pub notices: &'a N,
    /// Reports.
    pub telemetry: &'a T,
    /// The shop's rules.
    pub rules: &'a SubmissionRules,
}

/// How this function says no.
#[must_use]
pub fn refuse(code: WebCode) -> Reply {
    let error = match code {
        WebCode::OriginNotAllowed => "Origin not allowed",
        WebCode::CsrfInvalid => "Invalid CSRF token",
        WebCode::RateLimited => "Too many requests, please try again later.",
        WebCode::BodyTooLarge => "Request too large",
        WebCode::InvalidJson => "Invalid JSON",
        WebCode::MethodNotAllowed => "Method not allowed",
        WebCode::LinkInvalid => EXPIRED,
        WebCode::NotFound => "Not found",
        WebCode::Unavailable | WebCode::UploadNotFound | WebCode::FieldInvalid => FAILED,
    };
    Reply::json(code.status(), json!({ "error": error }))
}

/// What it answers when something of ours breaks.
#[must_use]
pub fn broken() -> Reply {
    Reply::json(500, json!({ "error": FAILED }))
}

impl<S: Forms, N: NoticeQueue, T: Telemetry> FormDesk<'_, S, N, T> {
    /// Takes in a form.
    ///
    /// # Guarantees
    /// After a success it is kept, and people will be told; sent again it is neither kept nor told twice.
    pub async fn submit<V: SecretSource>(&self, request: &Admitted<'_, V>) -> Reply {
        let Admitted { call, body, tickets, now } = request;
        let now = *now;
        let token = call.asked("token").unwrap_or_default();
        let Ok(ticket) = tickets.read(token, Purpose::Form, now).await else {
            report(self.telemetry, WebCode::LinkInvalid, call);
            return refuse(WebCode::LinkInvalid);
        };
        let entry = match self.rules.form.read(body) {
            Ok(entry) => entry,
            Err(bad) => return Reply::json(400, json!({ "error": bad.to_string() })),
        };
        if self.is_a_programs(body) {
            // Whoever fills in what nobody sees learns nothing from the answer.
            self.telemetry.count(Metric::FormSubmitted, Some("honeypot"));
            return thanks();
        }
        let (submission, notice) = self.written(&ticket, entry, now);
        match self.store.submit(&submission, &notice).await {
            Ok(new) => {
                self.telemetry.count(Metric::FormSubmitted, Some(if new { "new" } else { "again" }));
                let line = Line::info("a form came in").id("submission", submission.id.as_str());
                self.telemetry.line(line.word("new", if new { "yes" } else { "no" }));
                if new {
                    self.telemetry.count(Metric::NoticeOpened, Some(notice.kind.as_str()));
                    wake(self.notices, self.telemetry, &notice.key, DelaySeconds::ZERO).await;
                }
                thanks()
            }
            Err(error) => {
                self.telemetry.count(Metric::FormSubmitted, Some("failed"));
                self.telemetry.line(Line::error("a form could not be kept").detail(&error));
                broken()
            }
        }
    }

    fn is_a_programs(&self, body: &Value) -> bool {
        let filled = |value: &Value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.trim().is_empty(),
            Value::Bool(true) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
        };
        body.get(&self.rules.honeypot).is_some_and(filled)
    }

    fn written(&self, ticket: &Ticket, entry: Entry, now: UnixMillis) -> (Submission, Notice) {
        let named = json!([ticket.nonce, entry.fields]).to_string();
        let id = SubmissionId::from_stored(BodySha256::of(named.as_bytes()).as_str());
        let mut quote = String::new();
        for (field, value) in &entry.fields {
            let label = self.rules.form.label(field).unwrap_or(field);
            quote.push_str(&format!("{label}: {value}\n"));
        }
        let content = Content {
            headline: "A message from the website".into(),
            facts: vec![("Form".into(), self.rules.form.title.clone())],
            quote: Some(quote.trim_end().chars().take(QUOTE_CHARS_MAX).collect()),
            link: None,
            action: "Answer by the address that they left.".into(),
        };
        let about = vec![id.as_str().to_owned()];
        let notice = Notice { about, ..Notice::new(NoticeKind::ContactForm, id.as_str(), content, now) };
        let submission = Submission {
            id,
            fields: entry.fields,
            email: entry.email,
            session: Some(ChatKey::from_stored(&ticket.data)).filter(ChatKey::is_of_session),
            received_at: now,
            expires_at: now.plus(self.rules.keep),
        };
        (submission, notice)
    }
}

fn thanks() -> Reply {
    Reply::json(200, json!({ "success": true, "message": THANKS }))
}
