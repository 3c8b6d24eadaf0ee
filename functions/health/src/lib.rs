//! `GET /health`: whether this installation lives, and with `?ready=1` whether what it needs is there.

use frontdesk_aws::lambda::http::{self, HttpAnswer, HttpEvent, HttpParts};
use frontdesk_core::{
    flow::health::{Probes, Readiness, Report},
    telemetry::Telemetry,
    time::Clock,
    token::Pause,
};

/// The methods that are answered. `HEAD` is `GET` without the body, status included.
const ALLOWED: &str = "GET, HEAD";

/// The function with everything that it needs.
#[derive(Debug)]
pub struct Health<P, W, C, T>(pub Readiness<P, W, C, T>);

impl<P: Probes, W: Pause, C: Clock, T: Telemetry> Health<P, W, C, T> {
    /// Answers one request. Whatever is asked, there is an answer.
    pub async fn handle(&self, event: HttpEvent) -> HttpAnswer {
        let HttpParts { method, query, .. } = http::parts(event);
        match method.as_str() {
            "GET" => self.report(&query).await,
            "HEAD" => HttpAnswer { body: "".into(), ..self.report(&query).await },
            _ => refused(),
        }
    }

    async fn report(&self, query: &[(String, String)]) -> HttpAnswer {
        let report = if asks_for_more(query) { self.0.report().await } else { self.0.alive() };
        answer(&report)
    }
}

/// Whether readiness is asked for. Other parameters and other values mean nothing: monitors like to add some.
fn asks_for_more(query: &[(String, String)]) -> bool {
    query.iter().any(|(name, value)| name == "ready" && (value == "1" || value.eq_ignore_ascii_case("true")))
}

fn answer(report: &Report) -> HttpAnswer {
    // Words and numbers are always JSON.
    let body = serde_json::to_string(report).unwrap_or_default();
    HttpAnswer::new(report.http_status(), headers(), body)
}

fn refused() -> HttpAnswer {
    let mut headers = headers();
    headers.push(("allow", ALLOWED.to_owned()));
    HttpAnswer::new(405, headers, r#"{"error":"Method not allowed"}"#.to_owned())
}

/// Nobody between us and who asks may keep an answer for longer than we do.
fn headers() -> Vec<(&'static str, String)> {
    vec![("content-type", "application/json".to_owned()), ("cache-control", "no-store".to_owned())]
}
