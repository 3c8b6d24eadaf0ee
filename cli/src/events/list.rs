//! `frontdesk events list`.

use std::process::ExitCode;

use frontdesk_core::{inbox::InboxStatus, record::Record};
use serde_json::{Value, json};

use super::find::{Filters, Found};
use crate::{
    failure::{Failure, complain},
    installation,
    reach::Reach,
    show::{Grid, Paint, iso},
};

pub(super) const EXAMPLES: &str = r#"Examples:
  frontdesk events list --since 24h
  frontdesk events list --status parked
  frontdesk events list --source podium --status rejected --reason ERR_WEBCHAT_002
  frontdesk events list --status waiting --status claimed        # by an index; everything else reads the whole table

Statuses: waiting, claimed (a worker has it), done, rejected (not usable; its outcome says why), parked (given up;
a person has to look), mismatch (a second body under a known id).

Exit codes: 0 listed, 2 usage or configuration, or the table did not answer."#;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    filters: Filters,
    /// So many at most, the newest
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
}

pub(super) fn run(reach: &Reach, args: &Args) -> Result<ExitCode, Failure> {
    installation::run(reach, async |shop| {
        let wanted = args.filters.read(shop.now(), &[])?;
        let found = wanted.find(&shop, Some(usize::from(args.limit))).await?;
        reach.show(&document(&found), |paint| table(&found, *paint))?;
        if found.cut_off || found.matched > u64::from(args.limit) {
            complain(&format!("there are more; the newest {} are shown", found.rows.len()));
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn document(found: &Found) -> Value {
    let events: Vec<Value> = found.rows.iter().map(event).collect();
    json!({
        "events": events,
        "matched": found.matched,
        "looked_at": found.looked_at,
        "more": found.cut_off || found.matched > events.len() as u64,
    })
}

/// An event without its body.
pub(super) fn event(row: &Record) -> Value {
    let at = |name: &str| row.millis(name).and_then(iso);
    json!({
        "key": row.key,
        "source": row.key.split('#').next(),
        "received_at": at("received_at_ms"),
        "status": row.text("st"),
        "outcome": row.text("outcome"),
        "ended_at": at("ended_at_ms"),
        "waiting_since_at": at("waiting_since_ms"),
        "lease_until_at": at("lease_until_ms"),
        "attempts": row.count("attempts"),
        "topic": row.text("topic_header"),
        "replays": row.count("replays").unwrap_or_default(),
        "replayed_at": at("replayed_at_ms"),
        "replay_run": row.text("replay_run"),
    })
}

fn table(found: &Found, paint: Paint) -> String {
    if found.rows.is_empty() {
        return format!("No event answers to that ({} looked at).\n", found.looked_at);
    }
    let mut grid = Grid::new(["RECEIVED", "STATUS", "ATTEMPTS", "TOPIC", "KEY", "OUTCOME"]);
    for row in &found.rows {
        let text = |name: &str| row.text(name).unwrap_or("-").to_owned();
        grid.row([
            row.millis("received_at_ms").and_then(iso).unwrap_or_default(),
            status(row.text("st").unwrap_or("-"), paint),
            row.count("attempts").unwrap_or_default().to_string(),
            text("topic_header"),
            row.key.clone(),
            text("outcome"),
        ]);
    }
    grid.to_string()
}

pub(super) fn status(word: &str, paint: Paint) -> String {
    match InboxStatus::parse(word) {
        Some(InboxStatus::Done) => paint.good(word),
        Some(InboxStatus::Parked | InboxStatus::Mismatch) => paint.bad(word),
        Some(InboxStatus::Rejected) => paint.warn(word),
        Some(InboxStatus::Waiting | InboxStatus::Claimed) | None => word.to_owned(),
    }
}
