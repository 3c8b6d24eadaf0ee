//! `frontdesk sessions scan`: who fell silent in a chat, and what the clock will do about it; or doing it now.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Subcommand;
use frontdesk_core::{
    config::{self, Function, TimersConfig},
    flow::{
        operate::sessions::{self, OpenSession, SessionScan, Silence},
        sessions::{WatchSessions, Watched},
    },
    ids::LocationUid,
    session::SessionDue,
};
use frontdesk_wiring::Wiring;
use serde_json::{Value, json};

use crate::failure::{Failure, complain};
use crate::installation::{self, Installation, unusable};
use crate::people::{at, masked, masked_key, unanswered};
use crate::reach::Reach;
use crate::show::{self, Grid, Paint};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Look at the chats that are open: who fell silent, and when they are asked or closed.
    #[command(after_help = EXAMPLES)]
    Scan(Scan),
}

const EXAMPLES: &str = r#"Examples:
  frontdesk sessions scan
  frontdesk sessions scan --location loc_burleigh --output human
  frontdesk sessions scan --run --yes         # what the clock does each minute, now

Without --run nothing is changed: `warned` counts those silent for WEBCHAT_WARN_SECONDS, `closed` those silent for
WEBCHAT_CLOSE_SECONDS, which the clock is about to close. With --run they count what this run asked and closed.
WARN and CLOSE lines are on standard error. `errors` counts rows that cannot be read; persist_failures names the
sessions whose answers cannot all be read back, or that should have been closed with their answers kept and were not.

Exit codes: 0 done, 2 persist failures, usage, configuration, or no answer."#;

#[derive(clap::Args)]
pub(crate) struct Scan {
    /// Only the chats with this location, by Podium's uid of it
    #[arg(long, value_name = "UID", conflicts_with = "run")]
    location: Option<String>,
    /// Ask and close what is due, as the clock does each minute
    #[arg(long)]
    run: bool,
    /// Do it without being asked
    #[arg(long, requires = "run")]
    yes: bool,
}

pub(crate) fn run(reach: &Reach, command: Command) -> Result<ExitCode, Failure> {
    let Command::Scan(args) = command;
    let wrong = |error| Failure::Config(format!("--location is no uid of a location: {error}"));
    let location = args.location.as_deref().map(|uid| LocationUid::try_from(uid).map_err(wrong)).transpose()?;
    installation::run(reach, async |shop| {
        let config = shop.settings(Function::Timers, config::timers)?;
        let before = look(&shop, location.as_ref(), &config).await?;
        for open in &before.open {
            tell(open);
        }
        let (scan, watched) = if args.run {
            let plan = format!(
                "ask {} who fell silent, close {} that are over",
                before.open.iter().filter(|open| open.due == SessionDue::Prompt).count(),
                before.open.iter().filter(|open| open.due == SessionDue::Close).count(),
            );
            if !reach.confirm(&plan, args.yes)? {
                return Ok(ExitCode::FAILURE);
            }
            let watched = watch(&shop, &config).await?;
            (look(&shop, None, &config).await?, Some(watched))
        } else {
            (before, None)
        };
        let report = Report { scan, watched };
        reach.show(&report.json(), |paint| report.text(*paint))?;
        let failed = report.persist_failures();
        if failed.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        complain(&format!("{} session(s) with answers that are not safely kept", failed.len()));
        Ok(ExitCode::from(2))
    })
}

async fn look(
    shop: &Installation,
    location: Option<&LocationUid>,
    config: &TimersConfig,
) -> Result<SessionScan, Failure> {
    sessions::scan(&shop.store, location, shop.now(), &config.watch.sessions).await.map_err(unanswered)
}

async fn watch(shop: &Installation, config: &TimersConfig) -> Result<Watched, Failure> {
    let Installation { aws, process, store, .. } = shop;
    let wiring = Wiring::new(&config.http, aws, store, process).map_err(unusable)?;
    let podium = wiring.podium(&config.podium).await.map_err(unusable)?;
    let watch = WatchSessions {
        store,
        podium: &podium,
        clock: &process.clock,
        ids: &process.ids,
        telemetry: &process.telemetry,
        sessions: config.watch.sessions,
        speaker: config.speaker,
        prompt: config.watch.prompt.as_deref(),
    };
    let partly = |error| Failure::Partly(format!("stopped on the way: {error}; the same command again goes on"));
    watch.run().await.map_err(partly)
}

/// The brief's lines.
fn tell(open: &OpenSession) {
    let word = match open.silence {
        Silence::None => return,
        Silence::Warned => "WARN",
        Silence::Over => "CLOSE",
    };
    let (key, idle) = (&open.session.key, open.idle.as_secs());
    complain(&format!("{word} {} at {}: silent for {idle} s", masked(&key.phone), key.location));
}

struct Report {
    scan: SessionScan,
    /// What was done, if anything was to be.
    watched: Option<Watched>,
}

impl Report {
    fn count(&self, silence: Silence) -> usize {
        self.scan.open.iter().filter(|open| open.silence == silence).count()
    }

    /// Sessions whose answers are not safe: they cannot be read, or they were to be kept by now.
    fn persist_failures(&self) -> Vec<(&OpenSession, &'static str)> {
        let why = |open: &OpenSession| {
            if open.session.damaged {
                Some("some of its answers cannot be read")
            } else if self.watched.is_some() && open.silence == Silence::Over {
                Some("it was to be closed and is still open")
            } else {
                None
            }
        };
        self.scan.open.iter().filter_map(|open| Some((open, why(open)?))).collect()
    }

    fn json(&self) -> Value {
        let session = |open: &OpenSession| {
            json!({
                "phone": open.session.key.phone.expose(),
                "location": open.session.key.location.as_str(),
                "session_id": open.session.id,
                "state": open.silence.as_str(),
                "idle_seconds": open.idle.as_secs(),
                "last_at": show::iso(open.session.last_at),
                "asked": open.session.prompted,
                "answers": open.session.answers.len(),
                "due": match open.due {
                    SessionDue::Nothing => "nothing",
                    SessionDue::Prompt => "prompt",
                    SessionDue::Close => "close",
                },
                "due_at": open.due_at.and_then(show::iso),
            })
        };
        let failure = |(open, why): &(&OpenSession, &str)| {
            let key = &open.session.key;
            json!({ "phone": key.phone.expose(), "location": key.location.as_str(), "why": why })
        };
        let (warned, closed) = match self.watched {
            Some(watched) => (watched.prompted, watched.closed),
            None => (self.count(Silence::Warned), self.count(Silence::Over)),
        };
        json!({
            "scanned": self.scan.open.len() + self.scan.unreadable.len() + self.watched.map_or(0, |w| w.closed),
            "active": self.count(Silence::None),
            "warned": warned,
            "closed": closed,
            "errors": self.scan.unreadable.len(),
            "persist_failures": self.persist_failures().iter().map(failure).collect::<Vec<_>>(),
            "ran": self.watched.is_some(),
            "unreadable": self.scan.unreadable,
            "sessions": self.scan.open.iter().map(session).collect::<Vec<_>>(),
        })
    }

    fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        if let Some(watched) = self.watched {
            writeln!(text, "asked {}, closed {}", watched.prompted, watched.closed).ok();
        }
        let mut grid = Grid::new(["PHONE", "LOCATION", "SILENT", "STATE", "ASKED", "ANSWERS", "NEXT LOOK"]);
        for open in &self.scan.open {
            let state = match open.silence {
                Silence::None => paint.good("active"),
                Silence::Warned => paint.warn("warned"),
                Silence::Over => paint.bad("over"),
            };
            let seconds = open.idle.as_secs();
            grid.row([
                masked(&open.session.key.phone),
                open.session.key.location.as_str().to_owned(),
                format!("{}m{:02}s", seconds / 60, seconds % 60),
                state,
                if open.session.prompted { "yes" } else { "no" }.to_owned(),
                open.session.answers.len().to_string(),
                at(open.due_at),
            ]);
        }
        if self.scan.open.is_empty() {
            text.push_str("no chat is open\n");
        } else {
            text.push_str(&grid.to_string());
        }
        for key in &self.scan.unreadable {
            writeln!(text, "{}", paint.bad(format!("cannot be read: {}", masked_key(key)))).ok();
        }
        for (open, why) in self.persist_failures() {
            let key = &open.session.key;
            let line = format!("answers not safely kept: {} at {}: {why}", masked(&key.phone), key.location);
            writeln!(text, "{}", paint.bad(line)).ok();
        }
        text
    }
}
