//! `frontdesk events show`.

use std::fmt::Write as _;
use std::process::ExitCode;

use frontdesk_core::config::Env as _;
use frontdesk_core::{
    ids::ShopDomain,
    inbox::InboxKey,
    record::{Record, Records as _, Shelf},
    trace,
};
use serde_json::{Value, json};

use super::{find::unread, list};
use crate::{
    failure::{Failure, complain},
    installation::{self, Installation},
    reach::Reach,
    show::{Paint, iso},
};

pub(super) const EXAMPLES: &str = r#"Examples:
  frontdesk events show podium#8d2a5c1e-6e0b-4d0c-9a11-0c7a9c1f2b33
  frontdesk events show shopify#b54557e4-bdd9-4b37-8a5f-bf7d70bcd043 --output json | jq .body

`led_to` are the rows that its body names: the request and sends of an order, the answer to a message and its
session, a review, a chat. A phone in it is shown whole: it is what the shop was told.

Exit codes: 0 shown, 1 no such event, 2 usage or configuration, or a table did not answer."#;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its key, such as podium#… or shopify#…
    key: String,
}

pub(super) fn run(reach: &Reach, args: &Args) -> Result<ExitCode, Failure> {
    installation::run(reach, async |shop| {
        let Some(row) = shop.store.record(Shelf::Inbox, &args.key).await.map_err(unread)? else {
            complain(&format!("there is no event {}", args.key));
            return Ok(ExitCode::FAILURE);
        };
        let led_to = rows_of(&shop, &row).await?;
        let mut document = list::event(&row);
        if let Value::Object(fields) = &mut document {
            for name in ["replayed_by", "replay_reason", "replayed_from", "body_sha256", "group_id", "anew"] {
                fields.insert(name.to_owned(), row.fields.get(name).cloned().unwrap_or_default());
            }
            fields.insert("expires_at".to_owned(), row.millis("expires_at").and_then(iso).into());
            fields.insert("body".to_owned(), row.fields.get("body").cloned().unwrap_or_default());
            fields.insert("led_to".to_owned(), led_to.iter().map(lead).collect::<Vec<_>>().into());
        }
        reach.show(&document, |paint| page(&document, &row, *paint))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// What there is of all that it may have led to.
async fn rows_of(shop: &Installation, row: &Record) -> Result<Vec<Record>, Failure> {
    let (Some(key), Some(body)) = (InboxKey::parse(&row.key), body_of(row)) else { return Ok(Vec::new()) };
    let domain = shop.env.get("SHOPIFY_SHOP").and_then(|shop| ShopDomain::try_from(shop.trim()).ok());
    let mut wanted = trace::led_to(&key, &body, domain.as_ref());
    let mut rows = Vec::new();
    while let Some((shelf, key)) = wanted.pop() {
        let Some(found) = shop.store.record(shelf, &key).await.map_err(unread)? else { continue };
        if shelf == Shelf::Sessions {
            wanted.extend(found.text("session_id").map(trace::confirmation));
        }
        rows.push(found);
    }
    rows.sort_by(|a, b| (a.shelf, &a.key).cmp(&(b.shelf, &b.key)));
    Ok(rows)
}

/// A body as it came, but for the spaces in it.
pub(super) fn body_of(row: &Record) -> Option<Vec<u8>> {
    let body = row.fields.get("body")?;
    body.as_str().map_or_else(|| serde_json::to_vec(body).ok(), |text| Some(text.as_bytes().to_vec()))
}

fn lead(row: &Record) -> Value {
    let at = |name: &str| row.millis(name).and_then(iso);
    json!({
        "table": row.shelf.as_str(),
        "key": row.key,
        "status": row.text("st"),
        "reason": row.text("reason_code"),
        "message_id": row.text("message_id"),
        "began_at": at("began_at_ms"),
        "settled_at": at("settled_at_ms"),
        "due_at": at("due_at_ms"),
        "ended_at": at("ended_at_ms"),
    })
}

fn page(document: &Value, row: &Record, paint: Paint) -> String {
    let mut page = String::new();
    let mut line = |name: &str, value: &str| {
        writeln!(page, "{:<14}{value}", name.replace('_', " ")).ok();
    };
    line("key", &paint.bold(&row.key));
    line("status", &list::status(row.text("st").unwrap_or("-"), paint));
    for name in [
        "outcome",
        "topic",
        "received_at",
        "ended_at",
        "waiting_since_at",
        "lease_until_at",
        "attempts",
        "replays",
        "replayed_at",
        "replayed_by",
        "replay_reason",
        "replayed_from",
        "expires_at",
    ] {
        match document.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => line(name, text),
            Some(other) => line(name, &other.to_string()),
        }
    }
    for lead in document.get("led_to").and_then(Value::as_array).into_iter().flatten() {
        let word = |name: &str| lead.get(name).and_then(Value::as_str).unwrap_or_default();
        let about = [word("status"), word("reason"), word("message_id")];
        let about: Vec<&str> = about.into_iter().filter(|word| !word.is_empty()).collect();
        line("led to", &format!("{} {}  {}", word("table"), masked(word("key")), about.join(" ")));
    }
    match document.get("body") {
        None | Some(Value::Null) => writeln!(page, "\n{}", paint.dim("No body is kept.")).ok(),
        Some(Value::String(text)) if text.is_empty() => writeln!(page, "\n{}", paint.dim("No body is kept.")).ok(),
        Some(Value::String(text)) => writeln!(page, "\n{text}").ok(),
        Some(body) => writeln!(page, "\n{body:#}").ok(),
    };
    page
}

/// A key without the number in it.
pub(crate) fn masked(key: &str) -> String {
    let part = |part: &str| match frontdesk_core::phone::E164Phone::parse_e164(part) {
        Ok(phone) => format!("…{}", phone.last4()),
        Err(_) => part.to_owned(),
    };
    key.split('#').map(part).collect::<Vec<_>>().join("#")
}
