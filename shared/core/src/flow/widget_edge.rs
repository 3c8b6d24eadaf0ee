//! The shop's own webchat form: a page asks what it needs to know, checks what somebody types, uploads files, and sends.
//!
//! What is sent goes the way of Podium's own webchats: into the inbox, under the same source, to the same worker. What is
//! different is who hears of a fault: here a person waits, so everything is checked first and answered with a sentence.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    ingest::{Answer, Endpoint as _, IngestRules, Intake, PodiumEndpoint, Request, SecretSource, report_opt_out},
    report_blocked,
    web::{Admitted, report},
    widget_chat::FormRules,
};
use crate::{
    contact::{ChangeOutcome, Contacts, Objection},
    directory::{LocationBook, Locations},
    ids::{EventId, Ids, short_hash},
    inbox::{Inbox, InboxKey, Source},
    phone::{CallingCode, E164Phone},
    podium::{self, OptOutNews, WidgetAttachment, WidgetMessage},
    provider::NotDone,
    queue::EventQueue,
    store::StoreError,
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
    upload::{UploadKey, Uploads},
    visitor::{
        Checked, Code, Draft, FileRules, Given, NAME_CHARS_MAX, NamedFile, OpeningHours, Problem, TEXT_CHARS_MAX,
        check, location_json, phone_json, refusal,
    },
    web::{Purpose, Reply, Ticket, WebCode},
    webchat::WebchatCode,
    wish::{self, Wish},
};

/// How long a CSRF token counts.
const CSRF_LIFE: Duration = Duration::from_secs(2 * 3_600);
/// How long a file that was uploaded can be attached to a message.
const UPLOAD_LIFE: Duration = Duration::from_secs(3_600);
/// Without an id of its own the same message is the same one for so long.
const SAME_FOR_MS: i64 = 60_000;
/// The path under which files are given to the shop's people.
const FILES: &str = "/webchat/files/";

/// The rules of the form.
#[derive(Clone, Debug)]
pub struct WidgetEdgeRules {
    /// Files.
    pub files: FileRules,
    /// When people answer.
    pub hours: Option<OpeningHours>,
    /// The contact form that a page may show.
    pub form: FormRules,
    /// How long the shop's people can load a file; the storage keeps it as long.
    pub files_kept: Duration,
    /// How a message is read by whoever takes it in; the shop's own words for STOP.
    pub endpoint: PodiumEndpoint,
    /// Limits of the inbox.
    pub ingest: IngestRules,
}

/// What the edge needs.
#[derive(Debug)]
pub struct WidgetEdge<'a, S, Q, U, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// The worker's queue.
    pub queue: &'a Q,
    /// Where files lie.
    pub uploads: &'a U,
    /// Time.
    pub clock: &'a C,
    /// Names of files, nonces.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// The shop's rules.
    pub rules: &'a WidgetEdgeRules,
}

/// The addresses of this function, as the path says them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// What a page needs to know.
    Config,
    /// Checks what somebody types.
    Check,
    /// Leave to upload a file.
    Uploads,
    /// Sends.
    Messages,
    /// A file for the shop's people.
    File,
    /// Nothing.
    Nowhere,
}

impl Place {
    /// The address at a path.
    #[must_use]
    pub fn at(path: &str) -> Self {
        match below_base(path.trim_end_matches('/')) {
            "/webchat/config" => Self::Config,
            "/webchat/check" => Self::Check,
            "/webchat/uploads" => Self::Uploads,
            "/webchat/messages" => Self::Messages,
            other if other.strip_prefix(FILES).is_some_and(|token| !token.is_empty()) => Self::File,
            _ => Self::Nowhere,
        }
    }

    /// What it takes, as a preflight says it.
    #[must_use]
    pub const fn methods(self) -> &'static str {
        match self {
            Self::Config | Self::File => "GET, OPTIONS",
            Self::Check | Self::Uploads | Self::Messages => "POST, OPTIONS",
            Self::Nowhere => "GET, POST, OPTIONS",
        }
    }
}

/// A path without what stands before our own part of it: the gateway's stage, or where a domain has us.
fn below_base(path: &str) -> &str {
    path.find("/webchat/").and_then(|at| path.get(at..)).unwrap_or(path)
}

/// How this function says no.
#[must_use]
pub fn refuse(code: WebCode) -> Reply {
    let sentence = match code {
        WebCode::OriginNotAllowed => "This page may not send messages here.",
        WebCode::CsrfInvalid => "Invalid CSRF token",
        WebCode::RateLimited => "Too many requests, please try again later.",
        WebCode::BodyTooLarge => "Request too large",
        WebCode::InvalidJson => "Invalid JSON",
        WebCode::MethodNotAllowed => "Method not allowed",
        WebCode::Unavailable => "We cannot take this at the moment. Please try again in a minute.",
        WebCode::LinkInvalid => "This link is not valid, or has expired.",
        WebCode::UploadNotFound => "A file did not arrive. Please attach it again.",
        WebCode::FieldInvalid => "A field is not valid.",
        WebCode::NotFound => "Not found",
    };
    refusal(&[Problem::web(code, "", sentence)])
}

/// What it answers when something of ours breaks.
#[must_use]
pub fn broken() -> Reply {
    refuse(WebCode::Unavailable).with("retry-after", "5")
}

/// Why a request comes to nothing.
enum Stop {
    /// The person can mend it.
    Problems(Vec<Problem>),
    /// Something of ours does not work.
    Broken(String),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<NotDone> for Stop {
    fn from(why: NotDone) -> Self {
        Self::Broken(why.to_string())
    }
}

impl From<Vec<Problem>> for Stop {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Problems(problems)
    }
}

impl<S, Q, U, C, I, T> WidgetEdge<'_, S, Q, U, C, I, T>
where
    S: Inbox + Contacts + Locations,
    Q: EventQueue,
    U: Uploads,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Answers a request that passed the guard.
    pub async fn answer<V: SecretSource>(&self, request: &Admitted<'_, V>) -> Reply {
        let outcome = match Place::at(&request.call.path) {
            Place::Config => self.config(request).await,
            Place::Check => self.check(&request.body).await,
            Place::Uploads => self.offer(request).await,
            Place::Messages => self.send(request).await,
            Place::File => self.file(request).await,
            Place::Nowhere => Ok(refuse(WebCode::NotFound)),
        };
        match outcome {
            Ok(reply) => reply,
            Err(Stop::Problems(problems)) => {
                for problem in &problems {
                    self.refused(problem);
                }
                refusal(&problems)
            }
            Err(Stop::Broken(detail)) => {
                self.telemetry.line(Line::error("a visitor's request could not be served").id("why", &detail));
                broken()
            }
        }
    }

    fn refused(&self, problem: &Problem) {
        let line = Line::info("what a visitor typed was not taken").word("field", problem.field);
        match problem.code {
            Code::Webchat(code) => super::report(self.telemetry, code, line),
            Code::Web(code) => {
                self.telemetry.count(Metric::WebCode, Some(code.as_str()));
                self.telemetry.line(line.code(code.as_str()));
            }
        }
    }

    /// The list as Podium gave it last. Without one nothing can be routed, and nothing is guessed.
    async fn book(&self) -> Result<LocationBook, Stop> {
        let book = self.store.locations().await?;
        book.ok_or_else(|| Stop::Broken("the list of locations was never loaded from Podium".into()))
    }

    async fn config<V: SecretSource>(&self, request: &Admitted<'_, V>) -> Result<Reply, Stop> {
        let WidgetEdgeRules { files, hours, form, .. } = self.rules;
        let book = self.book().await?;
        let countries: Vec<Value> = book
            .countries()
            .into_iter()
            .filter_map(|region| {
                let code = CallingCode::of_region(region)?;
                Some(json!({ "code": region.as_str(), "calling_code": format!("+{code}") }))
            })
            .collect();
        let nonce = self.ids.owner();
        let csrf =
            Ticket { expires_at: request.now.plus(CSRF_LIFE), nonce: nonce.as_str().to_owned(), data: String::new() };
        let offer =
            form.base(request.call).map(|base| form.offer(base, request.tickets.live(), None, &nonce, request.now));
        let contact_form = offer.map(|offer| {
            json!({
                "submit_url": offer.submit_url,
                "expires_in_seconds": form.life.as_secs(),
                "form": offer.form,
            })
        });
        Ok(Reply::json(
            200,
            json!({
                "limits": {
                    "attachment_bytes_max": files.bytes_max,
                    "attachments_max": files.count_max,
                    "attachments_in_sum": files.in_sum,
                    "attachment_types": files.mimes,
                    "text_chars_max": TEXT_CHARS_MAX,
                    "name_chars_max": NAME_CHARS_MAX,
                },
                "locations": book.locations.iter().map(location_json).collect::<Vec<_>>(),
                "countries": countries,
                "hours": hours.as_ref().map(|hours| hours.to_json(request.now)),
                "uploads": self.uploads.is_open(),
                "csrf_token": csrf.issue(request.tickets.live(), Purpose::Csrf),
                "csrf_expires_in_seconds": CSRF_LIFE.as_secs(),
                "contact_form": contact_form,
            }),
        ))
    }

    async fn check(&self, body: &Value) -> Result<Reply, Stop> {
        let Checked { location, phone, files } =
            check(&Draft::read(body), false, &self.book().await?, &self.rules.files)?;
        let files = files.map(|files| {
            let bytes: u64 = files.iter().filter_map(|file| file.bytes).sum();
            json!({ "count": files.len(), "bytes": bytes })
        });
        let parts = [
            ("ok", Some(json!(true))),
            ("phone", phone.as_ref().map(phone_json)),
            ("location", location.as_ref().map(location_json)),
            ("attachments", files),
        ];
        let answer: serde_json::Map<String, Value> =
            parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Ok(Reply::json(200, answer.into()))
    }

    async fn offer<V: SecretSource>(&self, request: &Admitted<'_, V>) -> Result<Reply, Stop> {
        if !self.uploads.is_open() {
            let sentence = "Files cannot be sent here.";
            return Ok(refusal(&[Problem {
                status: 404,
                ..Problem::web(WebCode::Unavailable, "attachments", sentence)
            }]));
        }
        let file = NamedFile::read(&request.body);
        self.rules.files.check(std::slice::from_ref(&file))?;
        let bytes = file.bytes.unwrap_or_default();
        let key = UploadKey::from_stored(&format!("uploads/{}", self.ids.owner()));
        let offer = self.uploads.offer(&key, bytes, &file.mime, request.now).await?;
        let headers: serde_json::Map<String, Value> =
            offer.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        Ok(Reply::json(
            200,
            json!({
                "upload": { "url": offer.url, "method": "PUT", "headers": headers },
                "attachment": self.ticket(request, Purpose::Upload, UPLOAD_LIFE, &key, &file),
                "attachment_expires_in_seconds": UPLOAD_LIFE.as_secs(),
                "expires_in_seconds": offer.expires_at.since(request.now).as_secs(),
            }),
        ))
    }

    fn ticket<V: SecretSource>(
        &self,
        request: &Admitted<'_, V>,
        purpose: Purpose,
        life: Duration,
        key: &UploadKey,
        file: &NamedFile,
    ) -> String {
        let data = json!([key.as_str(), file.name, file.bytes, file.mime]).to_string();
        // Its name is random already.
        Ticket { expires_at: request.now.plus(life), nonce: String::new(), data }.issue(request.tickets.live(), purpose)
    }

    /// The files of a message, looked at where they lie: what was announced is not believed.
    async fn arrived<V: SecretSource>(
        &self,
        request: &Admitted<'_, V>,
        tickets: &[String],
    ) -> Result<Vec<(UploadKey, NamedFile)>, Stop> {
        let lost =
            || Problem::web(WebCode::UploadNotFound, "attachments", "A file did not arrive. Please attach it again.");
        let mut files = Vec::new();
        // More than are possible are refused below without being looked at.
        for ticket in tickets.iter().take(self.rules.files.count_max + 1) {
            let read = request.tickets.read(ticket, Purpose::Upload, request.now).await;
            let read = read.ok().and_then(|ticket| announced(&ticket));
            let (key, file) = read.ok_or_else(|| vec![lost()])?;
            if files.iter().all(|(known, _)| *known != key) {
                files.push((key, file));
            }
        }
        let named: Vec<NamedFile> = files.iter().map(|(_, file)| file.clone()).collect();
        self.rules.files.check(&named)?;
        let mut found = Vec::with_capacity(named.len());
        // At once: each may take as long as a person waits for all of them.
        let looks = join_all(files.iter().map(|(key, _)| self.uploads.look(key))).await;
        for ((_, file), there) in files.iter().zip(looks) {
            let there = there?.ok_or_else(|| vec![lost()])?;
            let mime = there.mime.unwrap_or_default();
            found.push(NamedFile { bytes: Some(there.bytes), mime, ..file.clone() });
        }
        self.rules.files.check(&found)?;
        let same = found.iter().zip(&named).all(|(there, said)| there.bytes == said.bytes && there.mime == said.mime);
        if same { Ok(files) } else { Err(vec![lost()].into()) }
    }

    async fn send<V: SecretSource>(&self, request: &Admitted<'_, V>) -> Result<Reply, Stop> {
        let draft = Draft::read_message(&request.body);
        let wish = wish::read(draft.text.text().unwrap_or_default(), &self.rules.endpoint.extra_words);
        if wish == Wish::Stop {
            return self.stop(request, &draft).await;
        }
        let book = self.book().await?;
        let checked = check(&draft, true, &book, &self.rules.files)?;
        let (Some(location), Some(phone)) = (checked.location, checked.phone) else {
            return Err(Stop::Broken("a whole message has a location and a phone".into()));
        };
        let files = self.arrived(request, &draft.uploads).await?;
        // Asked before the message is kept: without an answer nothing is promised.
        let objection = self.store.contact(&phone.e164).await?.and_then(|contact| contact.opted_out());
        let (first_name, last_name) = draft.names();
        let attached = |(key, file): &(UploadKey, NamedFile)| {
            Ok(WidgetAttachment {
                url: self.file_url(request, key, file)?,
                bytes: file.bytes.unwrap_or_default(),
                name: file.name.clone(),
                mime: file.mime.clone(),
            })
        };
        let attachments = files.iter().map(attached).collect::<Result<Vec<_>, Stop>>()?;
        let message = WidgetMessage {
            id: self.name(&draft, &phone.e164, request.now)?,
            at: request.now,
            phone: phone.e164.clone(),
            text: draft.text.text().map(str::to_owned),
            location: Some(location.uid.clone()),
            first_name,
            last_name,
            email: draft.email.text().map(str::to_lowercase),
            attachments,
        };
        let status = if self.take_in(&message, request.now).await? { "accepted" } else { "duplicate" };
        if let Some(flag) = objection {
            report_blocked(self.telemetry, &phone.e164, "answer", &Objection::OptedOut(flag));
            return Ok(opted_out());
        }
        Ok(Reply::json(202, json!({ "ok": true, "status": status, "phone": phone.e164.expose() })))
    }

    /// Before anything else of a message is judged: no other fault of it can lose a STOP.
    async fn stop<V: SecretSource>(&self, request: &Admitted<'_, V>, draft: &Draft) -> Result<Reply, Stop> {
        // Without a list a number that names its own country will do.
        let empty = || LocationBook { fetched_at: request.now, locations: Vec::new() };
        let book = &self.store.locations().await?.unwrap_or_else(empty);
        let named = book.locations.iter().find(|location| draft.location.text() == Some(location.uid.as_str()));
        let asked = Draft {
            phone: if draft.phone == Given::Absent { Given::Empty } else { draft.phone.clone() },
            country: draft.country.clone(),
            location: named.map_or(Given::Absent, |_| draft.location.clone()),
            ..Draft::default()
        };
        let Some(phone) = check(&asked, false, book, &self.rules.files)?.phone else {
            return Err(Stop::Broken("a phone that was asked for was not judged".into()));
        };
        let message = WidgetMessage {
            id: self.name(draft, &phone.e164, request.now)?,
            at: request.now,
            phone: phone.e164,
            text: draft.text.text().map(str::to_owned),
            location: named.map(|location| location.uid.clone()),
            first_name: None,
            last_name: None,
            email: None,
            attachments: Vec::new(),
        };
        if !self.take_in(&message, request.now).await? {
            self.say_again(&message, request.now).await?;
        }
        Ok(Reply::json(200, json!({ "ok": true, "status": "opted_out" })))
    }

    /// A STOP that was said before may have been taken back since; now it holds again.
    async fn say_again(&self, message: &WidgetMessage, now: UnixMillis) -> Result<(), Stop> {
        let event = podium::parse(&message.body()).map_err(|reason| Stop::Broken(reason.describe()))?;
        let OptOutNews::Changes(changes) = self.rules.endpoint.opt_outs(&event, None, now) else {
            return Err(Stop::Broken("a STOP with a number was not read as one".into()));
        };
        let key = InboxKey { source: Source::Podium, event: message.id.clone() };
        for change in &changes {
            if self.store.record_opt_out(change).await? == ChangeOutcome::Applied {
                report_opt_out(self.telemetry, &key, change);
            }
        }
        Ok(())
    }

    /// Names a message. With an id of its page's own it is the same however often it is sent, unless its words change; without
    /// one, the same within a minute of the clock.
    fn name(&self, draft: &Draft, phone: &E164Phone, now: UnixMillis) -> Result<EventId, Stop> {
        let Draft { location, text, email, first_name, last_name, name, uploads, .. } = draft;
        let parts = [location, text, email, first_name, last_name, name].map(Given::text);
        let what = match draft.message_id.text() {
            // The files of a repetition may have been uploaded anew.
            Some(own) => json!([own, phone.expose(), parts]),
            None => json!([now.get().div_euclid(SAME_FOR_MS), phone.expose(), parts, uploads]),
        };
        let id = format!("widget-{}", short_hash(&what.to_string()));
        EventId::try_from(id.as_str()).map_err(|_| Stop::Broken("a hash is a name".into()))
    }

    /// Stores a message; says whether it was new.
    async fn take_in(&self, message: &WidgetMessage, now: UnixMillis) -> Result<bool, Stop> {
        let WidgetEdgeRules { endpoint, ingest, .. } = self.rules;
        let Self { store, queue, ids, telemetry, .. } = *self;
        let intake = Intake { endpoint, store, queue, ids, telemetry, rules: *ingest };
        let body = message.body();
        match intake.take_in(&Request { headers: &[], body: &body }, now).await {
            Answer::Accepted => Ok(true),
            Answer::Duplicate | Answer::Mismatch => Ok(false),
            Answer::TooLarge => {
                Err(vec![Problem::web(WebCode::BodyTooLarge, "text", "This message is too long.")].into())
            }
            Answer::Rejected | Answer::Ignored(_) | Answer::BadSignature(_) => {
                Err(Stop::Broken("a message of our own form could not be read".into()))
            }
            Answer::NotStored => Err(Stop::Broken("a message could not be stored".into())),
        }
    }

    fn file_url<V: SecretSource>(
        &self,
        request: &Admitted<'_, V>,
        key: &UploadKey,
        file: &NamedFile,
    ) -> Result<String, Stop> {
        let token = self.ticket(request, Purpose::File, self.rules.files_kept, key, file);
        let base = self.rules.form.base(request.call);
        base.map(|base| format!("{base}{FILES}{token}"))
            .ok_or_else(|| Stop::Broken("neither WEB_PUBLIC_URL nor the gateway says our own address".into()))
    }

    async fn file<V: SecretSource>(&self, request: &Admitted<'_, V>) -> Result<Reply, Stop> {
        let token = below_base(&request.call.path).strip_prefix(FILES).unwrap_or_default();
        let ticket = request.tickets.read(token, Purpose::File, request.now).await;
        let Some((key, file)) = ticket.ok().and_then(|ticket| announced(&ticket)) else {
            report(self.telemetry, WebCode::LinkInvalid, request.call);
            return Ok(refuse(WebCode::LinkInvalid));
        };
        let url = self.uploads.link(&key, &file.name, request.now).await?;
        Ok(Reply::empty(302).with("location", url))
    }
}

/// What a ticket of ours says of a file.
fn announced(ticket: &Ticket) -> Option<(UploadKey, NamedFile)> {
    let (key, name, bytes, mime): (String, String, Option<u64>, String) = serde_json::from_str(&ticket.data).ok()?;
    Some((UploadKey::from_stored(&key), NamedFile { name, bytes, mime }))
}

/// The message is with the shop's people; what cannot be is an answer by text.
fn opted_out() -> Reply {
    let sentence = "Your message has reached us. This number has asked for no texts, so we cannot text you back: \
                    text START to us from it first, or ask us to answer by e-mail.";
    let problem = Problem {
        code: Code::Webchat(WebchatCode::OptOutBlocked),
        field: "phone",
        sentence: sentence.into(),
        status: 451,
    };
    let mut reply = refusal(&[problem]);
    if let Some(Value::Object(body)) = &mut reply.body {
        body.insert("stored".to_owned(), json!(true));
    }
    reply
}
