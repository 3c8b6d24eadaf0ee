//! Amazon SNS, its query API: one action, `Publish`. Signatures are not looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Form, FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::{NotKept, Told};
use crate::stand_ins::app::App;
use crate::stand_ins::requests::Provider;

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";
/// SNS's limits.
const SUBJECT_MAX_CHARS: usize = 100;
const MESSAGE_MAX_BYTES: usize = 262_144;

/// A client may put the slash behind the endpoint or not.
pub(in crate::stand_ins) fn routes(app: &Arc<App>) -> Router {
    Router::new().route("/", post(act)).route("/{*rest}", post(act)).with_state(Arc::clone(app))
}

/// An endpoint without a path.
pub(in crate::stand_ins) fn at_root(app: &Arc<App>) -> Router {
    Router::new().route("/", post(act)).with_state(Arc::clone(app))
}

async fn act(told: Told) -> Result<Response, NotKept> {
    let outcome = publish(&told).await;
    let (status, answer) = match &outcome {
        Ok(id) => (StatusCode::OK, id.as_str()),
        Err((code, _)) => (StatusCode::BAD_REQUEST, *code),
    };
    told.note(Provider::Sns, status, answer)?;
    Ok(match outcome {
        Ok(id) => {
            let result = format!("<PublishResult><MessageId>{id}</MessageId></PublishResult>");
            let metadata = format!("<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata>", told.request_id);
            xml(StatusCode::OK, &format!("<PublishResponse xmlns=\"{NAMESPACE}\">{result}{metadata}</PublishResponse>"))
        }
        Err((code, message)) => error(status, code, message),
    })
}

/// The new message's id, or SNS's code and words for what is wrong.
async fn publish(told: &Told) -> Result<String, (&'static str, &'static str)> {
    let malformed = ("MalformedQueryString", "The query string is malformed");
    let request = Request::post("/")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(told.body.clone()));
    let form = Form::<BTreeMap<String, String>>::from_request(request.map_err(|_| malformed)?, &()).await;
    let Form(fields) = form.map_err(|_| malformed)?;
    let field = |name: &str| fields.get(name).map(String::as_str).filter(|text| !text.is_empty());
    if field("Action") != Some("Publish") {
        return Err(("InvalidAction", "The action is not valid for this endpoint"));
    }
    if !["TopicArn", "TargetArn"].iter().any(|name| field(name).is_some_and(|arn| arn.starts_with("arn:aws"))) {
        return Err(("InvalidParameter", "Invalid parameter: TopicArn"));
    }
    let message = field("Message").ok_or(("InvalidParameter", "Invalid parameter: Empty message"))?;
    if message.len() > MESSAGE_MAX_BYTES {
        return Err(("InvalidParameter", "Invalid parameter: Message too long"));
    }
    // One line of ASCII, not beginning with a space.
    if let Some(subject) = fields.get("Subject") {
        let printable = subject.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
        let fits = (1..=SUBJECT_MAX_CHARS).contains(&subject.len()) && !subject.starts_with(' ');
        if !printable || !fits {
            return Err(("InvalidParameter", "Invalid parameter: Subject"));
        }
    }
    Ok(told.app.lock().ids.uid())
}

/// An error as SNS writes it. The caller is to blame below 500.
pub(in crate::stand_ins) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let kind = if status.is_server_error() { "Receiver" } else { "Sender" };
    let error = format!("<Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    let body = format!("<ErrorResponse xmlns=\"{NAMESPACE}\">{error}<RequestId>req-local</RequestId></ErrorResponse>");
    xml(status, &body)
}

fn xml(status: StatusCode, body: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/xml")], body.to_owned()).into_response()
}
