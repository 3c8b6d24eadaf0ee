//! `frontdesk outbox resolve`.

use std::process::ExitCode;

use clap::ValueEnum;
use frontdesk_core::{
    flow::operate::testimony,
    ids::{EffectKey, ProviderId},
    outbox::{Outbox as _, OutboxState, SendRow, Testified, Testimony},
    redrive::Decided,
};
use serde_json::json;

use crate::{
    events::{redrive::by, show::masked},
    failure::{Failure, complain},
    installation,
    reach::Reach,
};

pub(super) const EXAMPLES: &str = r#"Examples:
  frontdesk outbox resolve review-request#harbour-lane.myshopify.com#5001 --as sent --reason "seen in the conversation"
  frontdesk outbox resolve review-request#harbour-lane.myshopify.com#5001 --as sent --message-id m-8d2a --reason "seen"
  frontdesk outbox resolve answer#m-77 --as not-sent --reason "not in the conversation, asked Podium" --yes

  --as sent       the send counts as accepted; its review request ends as sent, and the cooldown stays. With the id that
                  Podium has for it, what Podium said of its delivery is looked at, now and later
  --as not-sent   the send has failed, its review request too, and the cooldown is freed if this send holds it

Nothing is sent by this, and nothing that follows from it sends anything: a request that was not sent is over. Write to
the customer yourself if they are to hear from you. A reminder is not planned either.

Exit codes: 0 written down, 1 no such send, or somebody can say of it by now, 2 usage or configuration, or a table did
not answer."#;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The send's key, as `outbox list` shows it in JSON
    key: String,
    /// What you found
    #[arg(long = "as", value_enum)]
    found: Found,
    /// Podium's id of the message, if you found it
    #[arg(long, value_name = "ID")]
    message_id: Option<String>,
    /// How you know
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Your name, for the record [default: USER]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Show what would be written, only
    #[arg(long)]
    dry_run: bool,
    /// Write it down without asking
    #[arg(long)]
    yes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Found {
    Sent,
    NotSent,
}

impl Args {
    fn testimony(&self) -> Result<Testimony, Failure> {
        let wrong = |what: String| Err(Failure::Config(what));
        match (self.found, &self.message_id) {
            (Found::NotSent, Some(_)) => wrong("what was not sent has no --message-id".to_owned()),
            (Found::NotSent, None) => Ok(Testimony::NotSent),
            (Found::Sent, None) => Ok(Testimony::Sent { message: None }),
            (Found::Sent, Some(id)) => match ProviderId::try_from(id.as_str()) {
                Ok(message) => Ok(Testimony::Sent { message: Some(message) }),
                Err(error) => wrong(format!("--message-id: {error}")),
            },
        }
    }

    fn plan(&self, row: &SendRow) -> String {
        let to = row.phone.as_ref().map_or("somebody who was erased".to_owned(), |phone| format!("…{}", phone.last4()));
        let becomes = match self.found {
            Found::Sent => "counts as sent; a cooldown that it holds stays",
            Found::NotSent => "counts as not sent; a cooldown that it holds is freed",
        };
        format!("{} to {to} from {}: {becomes}. Nothing is sent.", masked(&self.key), row.location)
    }
}

pub(super) fn run(reach: &Reach, args: &Args) -> Result<ExitCode, Failure> {
    let testimony = args.testimony()?;
    if args.reason.trim().is_empty() {
        return Err(Failure::Config("--reason has to say something".to_owned()));
    }
    let key = EffectKey::from_stored(&args.key);
    installation::run(reach, async |shop| {
        let Some(row) = shop.store.send_row(&key).await.map_err(unread)? else { return Ok(missing(args)) };
        let said_before = matches!((&row.state, &testimony),
            (OutboxState::Accepted { message }, Testimony::Sent { message: Some(said) }) if message == said);
        if row.state != OutboxState::Unknown && !said_before {
            return Ok(known(args, &row.state));
        }
        if args.dry_run {
            let plan = args.plan(&row);
            reach.show(&json!({ "key": args.key, "dry_run": true, "plan": plan }), |_| plan.clone())?;
            return Ok(ExitCode::SUCCESS);
        }
        if !reach.confirm(&args.plan(&row), args.yes)? {
            return Ok(ExitCode::SUCCESS);
        }
        let decided = Decided { by: by(args.by.as_deref()), reason: args.reason.clone(), at: shop.now() };
        let telemetry = &shop.process.telemetry;
        let said = testimony::testify(&shop.store, telemetry, &key, &testimony, &decided).await.map_err(unread)?;
        let state = match said {
            Testified::Written(row) => row.state,
            Testified::NotUnknown(state) if said_before => state,
            Testified::NotUnknown(state) => return Ok(known(args, &state)),
            Testified::Missing => return Ok(missing(args)),
        };
        let document = json!({ "key": args.key, "state": word(&state), "by": decided.by, "reason": decided.reason });
        reach.show(&document, |paint| paint.good(format!("{} is {} now", masked(&args.key), word(&state))))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn missing(args: &Args) -> ExitCode {
    complain(&format!("there is no send {}", masked(&args.key)));
    ExitCode::FAILURE
}

fn known(args: &Args, state: &OutboxState) -> ExitCode {
    let key = masked(&args.key);
    complain(&format!("{key} is {}: only of what is unknown a person has to say something", word(state)));
    ExitCode::FAILURE
}

const fn word(state: &OutboxState) -> &'static str {
    match state {
        OutboxState::Pending { .. } => "pending",
        OutboxState::Sending(_) => "sending",
        OutboxState::Accepted { .. } => "accepted",
        OutboxState::Delivered { .. } => "delivered",
        OutboxState::Undelivered { .. } => "undelivered",
        OutboxState::Failed { .. } => "failed",
        OutboxState::Unknown => "unknown",
    }
}

fn unread(error: impl std::error::Error) -> Failure {
    Failure::Unreachable(vec![format!("no answer, so nothing can be said: {error}; the same again goes on")])
}
