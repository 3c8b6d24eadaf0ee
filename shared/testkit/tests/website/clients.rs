//! Both generations of the chat widget, as code: what they send, what they do with an answer, and what their visitor sees.
//!
//! The published one is 0.6.4; the newer one stands on its main branch and was never published. What is written here was
//! observed of the real ones in a browser (reference, sections 1 to 4).

use std::rc::Rc;

use frontdesk_core::web::Call;
use frontdesk_testkit::site::{API, Mishaps, SHOP, Server, Site, asked};
use serde_json::{Map, Value, json};

use crate::desk::{Answer, millis, secs, serve};

/// A generation of the widget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// 0.6.4.
    Published,
    /// Its successor.
    Newer,
}

impl Generation {
    pub(crate) const ALL: [Self; 2] = [Self::Published, Self::Newer];

    pub(crate) const fn error_text(self) -> &'static str {
        match self {
            Self::Published => "Sorry, I'm having trouble processing your message. Please try again later.",
            Self::Newer => "Sorry, something went wrong.",
        }
    }
}

pub(crate) const NO_TEXT: &str = "Sorry, I couldn't process that.";
const CHOOSE: &str = "Choose an option below or type your own message:";

/// What a visitor sees of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shown {
    /// The widget's own words for whatever went wrong.
    Trouble,
    /// A bubble of text. Line ends are gone.
    Text(String),
    /// A heading, and articles with title, description and link.
    Articles(String, Vec<[String; 3]>),
    /// A heading, and cards with title, description, price and badge.
    Cards(String, Vec<[String; 4]>),
    /// Buttons with text and value. The question is not shown.
    Buttons(Vec<[String; 2]>),
    /// A title, a description, labels, and where it is sent to.
    Form(String, String, Vec<String>, Option<String>),
    /// "Interactive content: …", or an empty bubble with the time.
    Nonsense(String),
}

impl Shown {
    /// All the words that are on the screen.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Trouble => String::new(),
            Self::Text(text) | Self::Nonsense(text) => text.clone(),
            Self::Articles(heading, items) => format!("{heading} {}", items.concat().concat()),
            Self::Cards(heading, cards) => format!("{heading} {}", cards.concat().concat()),
            Self::Buttons(buttons) => format!("{CHOOSE} {}", buttons.concat().concat()),
            Self::Form(title, description, labels, _) => format!("{title} {description} {}", labels.concat()),
        }
    }
}

/// A page with the widget in it.
pub(crate) struct Page {
    pub(crate) generation: Generation,
    pub(crate) site: Rc<Site>,
    /// What the page sets; `None`: nothing.
    pub(crate) session: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) origin: &'static str,
    /// What happens to each server that is asked, one after the other; none when they are used up.
    pub(crate) troubles: Vec<Mishaps>,
}

impl Page {
    pub(crate) fn new(generation: Generation, site: &Rc<Site>) -> Self {
        Self { generation, site: Rc::clone(site), session: None, token: None, origin: SHOP, troubles: Vec::new() }
    }

    /// The visitor types something, or clicks a button with this value.
    pub(crate) fn says(&mut self, prompt: &str) -> Shown {
        let call = self.chat_call(prompt.trim());
        let mut answer = self.fetch(&call);
        if self.generation == Generation::Newer && Self::failed(answer.as_ref()) {
            self.site.pass(millis(150));
            answer = self.fetch(&call);
        }
        // A person reads before they go on.
        self.site.pass(secs(4));
        match answer {
            Some(answer) if (200..300).contains(&answer.status) => show(&answer.body),
            Some(_) | None => Shown::Trouble,
        }
    }

    /// The visitor fills in these fields of a form, and leaves the others untouched. Whether the widget says that it was sent.
    pub(crate) fn submits(&mut self, form: &Shown, touched: &Value) -> bool {
        let Shown::Form(_, _, _, Some(url)) = form else {
            // Without an address the widget thanks and sends nothing.
            return matches!(form, Shown::Form(..));
        };
        // Anything else is an address on the shop's own pages, where nobody takes forms.
        let Some(address) = url.strip_prefix(API) else { return false };
        // No session, no token: the widget sends the fields and nothing else.
        let call = Call { body: touched.to_string().into_bytes(), ..self.request("POST", address) };
        self.fetch(&call).is_some_and(|answer| (200..300).contains(&answer.status))
    }

    fn request(&self, method: &str, address: &str) -> Call {
        let headers = vec![
            ("origin".to_owned(), self.origin.as_bytes().to_vec()),
            ("content-type".to_owned(), b"application/json".to_vec()),
        ];
        Call { headers, ..asked(method, address) }
    }

    fn chat_call(&self, prompt: &str) -> Call {
        let (session, header, token) = match self.generation {
            Generation::Published => {
                let session = self.session.clone().unwrap_or_else(|| "sample_session".into());
                (json!(session), "x-csrftoken", Some(self.token.clone().unwrap_or_default()))
            }
            Generation::Newer => (json!(self.session), "x-csrf-token", self.token.clone()),
        };
        let mut call = self.request("POST", "/chat");
        call.body = json!({"prompt": prompt, "session_id": session}).to_string().into_bytes();
        call.headers.extend(token.map(|token| (header.to_owned(), token.into_bytes())));
        call
    }

    fn failed(answer: Option<&Answer>) -> bool {
        answer.is_none_or(|answer| !(200..300).contains(&answer.status))
    }

    /// What a browser lets the page see: nothing, unless the preflight and the answer allow it.
    fn fetch(&mut self, call: &Call) -> Option<Answer> {
        let names: Vec<&str> =
            call.headers.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "origin").collect();
        let mut preflight = self.request("OPTIONS", &call.path);
        preflight.headers.retain(|(name, _)| name == "origin");
        preflight.headers.push(("access-control-request-method".into(), call.method.clone().into_bytes()));
        preflight.headers.push(("access-control-request-headers".into(), names.join(",").into_bytes()));
        let allowed = self.answer(&preflight, Mishaps::new())?;
        let list = |name: &str| allowed.header(name).unwrap_or_default().to_lowercase();
        let lists = |name: &str, wanted: &str| list(name).split(',').any(|known| known.trim() == wanted.to_lowercase());
        let passes = (200..300).contains(&allowed.status)
            && allowed.header("access-control-allow-origin") == Some(self.origin)
            && lists("access-control-allow-methods", &call.method)
            && names.iter().all(|name| lists("access-control-allow-headers", name));
        if !passes {
            return None;
        }
        let plan = if self.troubles.is_empty() { Mishaps::new() } else { self.troubles.remove(0) };
        let answer = self.answer(call, plan)?;
        (answer.header("access-control-allow-origin") == Some(self.origin)).then_some(answer)
    }

    /// A server that dies is a gateway's 5xx, which names no origin: to a page it is a broken network.
    fn answer(&self, call: &Call, plan: Mishaps) -> Option<Answer> {
        let server = Server::of(&self.site, plan);
        match self.site.runs(&server, serve(server.clone(), call.clone())) {
            frontdesk_testkit::site::End::Answered { with, after: _ } => Some(with),
            frontdesk_testkit::site::End::Died => None,
        }
    }
}

/// What both generations make of a body.
fn show(body: &Value) -> Shown {
    let filled = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    if let (Some(kind), Some(content)) = (filled("content_type"), filled("content")) {
        return interactive(kind, content, &body["content_attributes"]);
    }
    let text = filled("output").or_else(|| filled("message")).unwrap_or(NO_TEXT);
    Shown::Text(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn interactive(kind: &str, content: &str, attributes: &Value) -> Shown {
    let drawn = match kind {
        "article" => articles(content, &attributes["items"]),
        "card" => cards(content, &attributes["cards"]),
        "quick_reply" | "canned_response" => buttons(&attributes["responses"]["responses"]),
        "form" => form(content, &attributes["form"]),
        _ => return Shown::Nonsense(format!("Interactive content: {content}")),
    };
    drawn.unwrap_or_else(|| Shown::Nonsense(String::new()))
}

/// A text that has to be there.
fn word(of: &Value, name: &str) -> Option<String> {
    of[name].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn link(of: &Value, name: &str) -> Option<String> {
    word(of, name).filter(|url| url.starts_with("https://") || url.starts_with("http://"))
}

fn listed(values: &Value) -> Option<&Vec<Value>> {
    values.as_array().filter(|list| !list.is_empty())
}

fn articles(content: &str, items: &Value) -> Option<Shown> {
    let article = |item: &Value| Some([word(item, "title")?, word(item, "description")?, link(item, "link")?]);
    Some(Shown::Articles(content.to_owned(), listed(items)?.iter().map(article).collect::<Option<_>>()?))
}

fn cards(content: &str, attributes: &Value) -> Option<Shown> {
    let card = |card: &Value| {
        // A link or a picture is optional, and one that is there has to be one.
        for optional in ["link", "image"] {
            if card.get(optional).is_some() {
                link(card, optional)?;
            }
        }
        let optional = |name: &str| card[name].as_str().unwrap_or_default().to_owned();
        Some([word(card, "title")?, word(card, "description")?, optional("price"), optional("badge")])
    };
    let heading = word(attributes, "title").unwrap_or_else(|| content.to_owned());
    Some(Shown::Cards(heading, listed(&attributes["cards"])?.iter().map(card).collect::<Option<_>>()?))
}

fn buttons(responses: &Value) -> Option<Shown> {
    let mut ids: Vec<String> = Vec::new();
    let mut button = |response: &Value| {
        let id = word(response, "id").filter(|id| !ids.contains(id))?;
        ids.push(id);
        let text = word(response, "text")?;
        Some([text.clone(), word(response, "value").unwrap_or(text)])
    };
    Some(Shown::Buttons(listed(responses)?.iter().map(&mut button).collect::<Option<_>>()?))
}

const KINDS: [&str; 7] = ["text", "email", "tel", "textarea", "select", "checkbox", "radio"];

fn form(content: &str, form: &Value) -> Option<Shown> {
    let field = |field: &Value| {
        word(field, "id")?;
        let kind = word(field, "type").filter(|kind| KINDS.contains(&kind.as_str()))?;
        let chooses = kind == "select" || kind == "radio";
        (!chooses || listed(&field["options"]).is_some()).then_some(())?;
        word(field, "label")
    };
    let labels = listed(&form["fields"])?.iter().map(field).collect::<Option<Vec<_>>>()?;
    let title = word(form, "title").unwrap_or_else(|| content.to_owned());
    let description = form["description"].as_str().unwrap_or_default().to_owned();
    Some(Shown::Form(title, description, labels, word(form, "submitUrl")))
}

/// The fields that a visitor touched, as the widget sends them.
pub(crate) fn touched(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Map<_, _>>())
}
