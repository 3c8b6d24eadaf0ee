//! `frontdesk outbox list`.

use std::process::ExitCode;

use clap::ValueEnum;
use frontdesk_core::{
    ids::LocationUid,
    phone::E164Phone,
    record::{Record, Records as _, Shelf, Sieve},
    session::SessionKey,
};
use serde_json::{Value, json};

use crate::{
    events::{
        find::{BACK_MAX, unread},
        show::masked,
    },
    failure::Failure,
    installation::{self, Installation},
    reach::Reach,
    show::{self, Grid, Paint, Progress, iso},
};

pub(super) const EXAMPLES: &str = r#"Examples:
  frontdesk outbox list --unknown
  frontdesk outbox list --unknown --since 7d --output json
  frontdesk outbox list --state undelivered --since 24h

States: pending, sending, accepted (the provider took it), delivered, undelivered, failed (refused for good), unknown
(its answer was lost and the provider cannot tell). Look for an unknown one at Podium, in the person's conversation
at that location, around the time it began; then `frontdesk outbox resolve` says what was found.

JSON holds the whole number; the table for people shows its last four digits. The whole table is read.

Exit codes: 0 listed, 2 usage or configuration, or the table did not answer."#;

/// What is read of a row.
const WANTED: &[&str] =
    &["st", "phone_e164", "location_uid", "began_at_ms", "settled_at_ms", "message_id", "reason_code", "failure_kind"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Those that nobody can say of
    #[arg(long, required_unless_present = "state", conflicts_with = "state")]
    unknown: bool,
    /// Those in this state, of the states below
    #[arg(long, value_enum, hide_possible_values = true)]
    state: Option<State>,
    /// Begun since then: 30m, 24h, 3d, or 2026-11-18T00:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    Pending,
    Sending,
    Accepted,
    Delivered,
    Undelivered,
    Failed,
    Unknown,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// A send, and the conversation in which it would be.
struct Shown {
    row: Record,
    conversation: Option<String>,
}

pub(super) fn run(reach: &Reach, args: &Args) -> Result<ExitCode, Failure> {
    installation::run(reach, async |shop| {
        let sieve = Sieve {
            equals: vec![("st", vec![args.state.unwrap_or(State::Unknown).as_str().to_owned()])],
            since: match &args.since {
                Some(text) => Some(("began_at_ms", show::when(text, shop.now(), BACK_MAX)?)),
                None => None,
            },
            only: WANTED,
            ..Sieve::default()
        };
        let shown = find(&shop, &sieve).await?;
        let sends: Vec<Value> = shown.iter().map(document).collect();
        reach.show(&json!({ "sends": sends }), |paint| table(&shown, *paint))?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn find(shop: &Installation, sieve: &Sieve) -> Result<Vec<Shown>, Failure> {
    let mut progress = Progress::start("sends looked at", None);
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = shop.store.records(Shelf::Outbox, sieve, after.as_deref()).await.map_err(unread)?;
        progress.step(u64::try_from(page.looked_at).unwrap_or(u64::MAX));
        // Notices and the rows of ids are in this table, too.
        rows.extend(page.rows.into_iter().filter(|row| row.text("location_uid").is_some()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    progress.finish();
    rows.sort_by_key(|row| std::cmp::Reverse(row.millis("began_at_ms")));
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let conversation = conversation(shop, &row).await?;
        shown.push(Shown { row, conversation });
    }
    Ok(shown)
}

/// The conversation of the person's last chat at the location.
async fn conversation(shop: &Installation, row: &Record) -> Result<Option<String>, Failure> {
    let phone = row.text("phone_e164").and_then(|phone| E164Phone::parse_e164(phone).ok());
    let location = row.text("location_uid").and_then(|uid| LocationUid::try_from(uid).ok());
    let Some((phone, location)) = phone.zip(location) else { return Ok(None) };
    let key = SessionKey { phone, location }.to_key();
    let session = shop.store.record(Shelf::Sessions, &key).await.map_err(unread)?;
    Ok(session.and_then(|session| session.text("conversation_uid").map(str::to_owned)))
}

fn document(shown: &Shown) -> Value {
    let Shown { row, conversation } = shown;
    json!({
        "key": row.key,
        "state": row.text("st"),
        "phone": row.text("phone_e164"),
        "location": row.text("location_uid"),
        "began_at": row.millis("began_at_ms").and_then(iso),
        "settled_at": row.millis("settled_at_ms").and_then(iso),
        "message_id": row.text("message_id"),
        "reason": row.text("reason_code").or_else(|| row.text("failure_kind")),
        "conversation": conversation,
    })
}

fn table(shown: &[Shown], paint: Paint) -> String {
    if shown.is_empty() {
        return "There is no such send.\n".to_owned();
    }
    let mut grid = Grid::new(["BEGAN", "STATE", "PHONE", "LOCATION", "CONVERSATION", "KEY"]);
    for Shown { row, conversation } in shown {
        let state = row.text("st").unwrap_or("-");
        grid.row([
            row.millis("began_at_ms").and_then(iso).unwrap_or_else(|| "-".to_owned()),
            if state == State::Unknown.as_str() { paint.bad(state) } else { state.to_owned() },
            row.text("phone_e164").map_or_else(|| "erased".to_owned(), masked),
            row.text("location_uid").unwrap_or("-").to_owned(),
            conversation.clone().unwrap_or_else(|| "-".to_owned()),
            masked(&row.key),
        ]);
    }
    grid.to_string()
}
