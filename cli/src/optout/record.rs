//! `frontdesk optout record` and `frontdesk optout clear`: what a person at the shop writes down.
//!
//! Both go through the one record (ADR 0005), which decides what holds: a person at the shop may take back anything that was
//! said before, and nothing that was said after.

use std::process::ExitCode;

use clap::ValueEnum;
use frontdesk_core::{
    contact::{
        ByHand, ChangeOutcome, Contact, Contacts as _, Direction, MirrorState, OptOutChange, OptOutFlag, OptOutRecord,
        OptOutSource,
    },
    phone::E164Phone,
    store::StoreError,
    time::{DAY, UnixMillis},
};
use serde_json::{Value, json};

use crate::failure::{Failure, complain};
use crate::installation::{self, Installation};
use crate::people::{Hand, Phone, at, masked, unread};
use crate::reach::Reach;
use crate::show::{self, Paint};

pub(super) const RECORD_EXAMPLES: &str = r#"Examples:
  frontdesk optout record --phone +61412345678 --reason "asked at the counter"
  frontdesk optout record --phone "0412 345 678" --default-country AU --reason "complaint 4711" --flag review

Recorded is who says so, when and why. Without --flag it is global_unsubscribe: nothing at all is sent any more.
It is written at once, since it can only stop messages. START by text does not take it back; `optout clear` does.
The timers tell Podium within a minute, where OPTOUT_MIRROR says how; `optout audit` shows whether they have.

Exit codes: 0 it holds, 1 it does not (something newer is recorded), 2 usage, configuration, or no answer."#;

pub(super) const CLEAR_EXAMPLES: &str = r#"Examples:
  frontdesk optout clear --phone +61412345678 --reason "wrote to us that she wants texts again" --dry-run
  frontdesk optout clear --phone +61412345678 --reason "wrote to us that she wants texts again" --yes

Opens what is shut, whoever shut it, so have the person's own words for it. Without --flag all flags that are out
are taken back. What was said later than --said-at stays, and the refusal names it. Podium is told by the timers
that somebody is back only if it was told by us that they had gone.

Exit codes: 0 all of it holds, 1 some of it was refused or there was nothing to take back, 2 usage, configuration,
or no answer."#;

#[derive(clap::Args)]
pub(crate) struct Record {
    #[command(flatten)]
    phone: Phone,
    #[command(flatten)]
    hand: Hand,
    /// Which; may be repeated
    #[arg(long, value_enum)]
    flag: Vec<Flag>,
    /// When they said so: a span like 3h, or a time [default: now]
    #[arg(long, value_name = "WHEN")]
    said_at: Option<String>,
    /// Say what would be recorded, and record nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args)]
pub(crate) struct Clear {
    #[command(flatten)]
    wish: Record,
    /// Do it without being asked
    #[arg(long)]
    yes: bool,
}

/// No wish that is older is written down by hand.
const BACK_MAX_DAYS: u32 = 3_650;

/// The flags by short names, and by the brief's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Flag {
    /// Nothing at all
    #[value(alias = "global_unsubscribe")]
    Global,
    /// STOP or its like
    #[value(alias = "podium_keyword_optout")]
    Keyword,
    /// Marketing texts
    #[value(alias = "marketing_sms_opt_out")]
    Marketing,
    /// Review requests
    #[value(alias = "review_request_opt_out")]
    Review,
}

impl From<Flag> for OptOutFlag {
    fn from(flag: Flag) -> Self {
        match flag {
            Flag::Global => Self::Global,
            Flag::Keyword => Self::Keyword,
            Flag::Marketing => Self::MarketingSms,
            Flag::Review => Self::ReviewRequest,
        }
    }
}

/// What is to be written.
struct Wish {
    phone: E164Phone,
    direction: Direction,
    by_hand: ByHand,
    said_at: UnixMillis,
    now: UnixMillis,
}

pub(super) fn record(reach: &Reach, args: &Record) -> Result<ExitCode, Failure> {
    run(reach, args, Direction::Out, true)
}

pub(super) fn clear(reach: &Reach, args: &Clear) -> Result<ExitCode, Failure> {
    run(reach, &args.wish, Direction::In, args.yes)
}

fn run(reach: &Reach, args: &Record, direction: Direction, yes: bool) -> Result<ExitCode, Failure> {
    let phone = args.phone.read()?;
    let (by, reason) = args.hand.read()?;
    installation::run(reach, async |shop| {
        let now = shop.now();
        let said_at = args.said_at.as_deref().map(|text| said_at(text, now)).transpose()?.unwrap_or(now);
        let wish = Wish { phone, direction, by_hand: ByHand { by, reason }, said_at, now };
        let known = read(&shop, &wish.phone).await?;
        let flags = wish.flags(&args.flag, known.as_ref());
        let mut written: Vec<Written> = flags.into_iter().map(|flag| wish.expected(flag, known.as_ref())).collect();
        if written.is_empty() {
            let nothing = wish.document(&[], known.as_ref(), args.dry_run);
            reach.show(&nothing, |_| format!("{}: no flag is out\n", masked(&wish.phone)))?;
            return Ok(ExitCode::FAILURE);
        }
        let mut after = known;
        if !args.dry_run {
            // A record only stops messages, and is not asked about.
            if direction == Direction::In && !reach.confirm(&wish.plan(&written), yes)? {
                return Ok(ExitCode::FAILURE);
            }
            for one in &mut written {
                *one = wish.write(&shop, one.flag, after.as_ref()).await?;
            }
            after = read(&shop, &wish.phone).await?;
        }
        reach.show(&wish.document(&written, after.as_ref(), args.dry_run), |paint| {
            wish.text(&written, after.as_ref(), args.dry_run, *paint)
        })?;
        let refused = written.iter().any(|one| one.outcome == ChangeOutcome::Superseded);
        for why in written.iter().filter_map(|one| one.why.as_deref()) {
            complain(why);
        }
        Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    })
}

fn said_at(text: &str, now: UnixMillis) -> Result<UnixMillis, Failure> {
    show::when(text, now, DAY * BACK_MAX_DAYS).map_err(|failure| match failure {
        Failure::Config(sentence) => Failure::Config(sentence.replacen("--since", "--said-at", 1)),
        other @ (Failure::Unreachable(_) | Failure::Partly(_) | Failure::Output(_)) => other,
    })
}

async fn read(shop: &Installation, phone: &E164Phone) -> Result<Option<Contact>, Failure> {
    shop.store.contact(phone).await.map_err(|error| match error {
        // A flag that nobody can read is opened by nobody.
        StoreError::Corrupt { .. } => Failure::Unreachable(vec![format!(
            "{error}; no message is sent to this number until the row is mended by hand (docs/RUNBOOK.md)"
        )]),
        StoreError::Unavailable { .. } => unread(error),
    })
}

/// What became, or would become, of one flag.
struct Written {
    flag: OptOutFlag,
    outcome: ChangeOutcome,
    before: Option<OptOutRecord>,
    after: Direction,
    /// Why it was refused.
    why: Option<String>,
}

impl Wish {
    fn flags(&self, asked: &[Flag], known: Option<&Contact>) -> Vec<OptOutFlag> {
        let mut flags: Vec<OptOutFlag> = asked.iter().map(|flag| OptOutFlag::from(*flag)).collect();
        flags.sort_unstable();
        flags.dedup();
        if !flags.is_empty() {
            return flags;
        }
        match self.direction {
            Direction::Out => vec![OptOutFlag::Global],
            Direction::In => {
                let records = known.map(|contact| contact.opt_outs.as_slice()).unwrap_or_default();
                let out = records.iter().filter(|(_, record)| record.direction == Direction::Out);
                out.map(|(flag, _)| *flag).collect()
            }
        }
    }

    fn change(&self, flag: OptOutFlag) -> OptOutChange {
        let what = (flag, self.direction);
        OptOutChange::by_hand(self.phone.clone(), what, self.said_at, self.now, self.by_hand.clone())
    }

    /// What the record makes of it, by the rule that the table applies as well.
    fn expected(&self, flag: OptOutFlag, known: Option<&Contact>) -> Written {
        let records = known.map(|contact| contact.opt_outs.as_slice()).unwrap_or_default();
        let before = records.iter().find(|(known, _)| *known == flag).map(|(_, record)| record.clone());
        let change = self.change(flag);
        let merged = OptOutRecord::merged(before.as_ref(), &change, known.is_some_and(|contact| contact.mirrored_out));
        let outcome = merged.outcome(&change);
        let refused = outcome == ChangeOutcome::Superseded;
        let why = refused.then(|| self.refusal(flag, &merged.record));
        Written { flag, outcome, before, after: merged.record.direction, why }
    }

    async fn write(&self, shop: &Installation, flag: OptOutFlag, known: Option<&Contact>) -> Result<Written, Failure> {
        let expected = self.expected(flag, known);
        let outcome = shop.store.record_opt_out(&self.change(flag)).await.map_err(unread)?;
        if outcome == expected.outcome {
            return Ok(expected);
        }
        // Somebody changed it meanwhile.
        let now = read(shop, &self.phone).await?;
        Ok(Written { outcome, before: expected.before, ..self.expected(flag, now.as_ref()) })
    }

    /// Who overrules it.
    fn refusal(&self, flag: OptOutFlag, standing: &OptOutRecord) -> String {
        let may = OptOutSource::Manual.may_reopen();
        let stronger = standing.said.iter().filter(|((source, direction), when)| {
            let later = if self.direction == Direction::In { **when >= self.said_at } else { **when > self.said_at };
            *direction != self.direction && (later || !may.contains(source))
        });
        let named = stronger.max_by_key(|(_, when)| **when).map(|((source, _), when)| {
            let word = if self.direction == Direction::In {
                "said that they want no messages"
            } else {
                "said that they are back"
            };
            format!("{} {word} at {}, which is not before {}", source.as_str(), at(Some(*when)), at(Some(self.said_at)))
        });
        let why = named.unwrap_or_else(|| "something newer is recorded".to_owned());
        format!("{} was not changed: {why}", flag.as_str())
    }

    fn plan(&self, written: &[Written]) -> String {
        let mut plan = format!("{}, by {}:", masked(&self.phone), self.by_hand.by);
        for one in written {
            let stands = one.before.as_ref().map_or_else(
                || "never set".to_owned(),
                |record| {
                    let word = if record.direction == Direction::Out { "out" } else { "in" };
                    format!("{word} by {} since {}", record.evidence.source.as_str(), at(Some(record.at)))
                },
            );
            let becomes = if one.after == Direction::Out { "stays out" } else { "is taken back" };
            plan.push_str(&format!("\n  {}: {stands}; {becomes}", one.flag.as_str()));
        }
        plan
    }

    fn document(&self, written: &[Written], after: Option<&Contact>, dry_run: bool) -> Value {
        let flag = |one: &Written| {
            let outcome = if one.outcome == ChangeOutcome::Applied { "applied" } else { "refused" };
            let before = one.before.as_ref();
            json!({
                "flag": one.flag.as_str(),
                "outcome": outcome,
                "before": before.map(|record| record.direction.as_str()),
                "before_source": before.map(|record| record.evidence.source.as_str()),
                "after": one.after.as_str(),
                "why": one.why,
            })
        };
        let mirror = after.map_or(MirrorState::Nothing, |contact| contact.mirror);
        json!({
            "phone": self.phone.expose(),
            "action": if self.direction == Direction::Out { "record" } else { "clear" },
            "dry_run": dry_run,
            "source": OptOutSource::Manual.as_str(),
            "recorded_by": self.by_hand.by,
            "reason": self.by_hand.reason,
            "said_at": show::iso(self.said_at),
            "recorded_at": show::iso(self.now),
            "flags": written.iter().map(flag).collect::<Vec<_>>(),
            "suppressed": after.is_some_and(|contact| contact.opted_out().is_some()),
            "podium_to_be_told": matches!(mirror, MirrorState::Due { .. }),
        })
    }

    fn text(&self, written: &[Written], after: Option<&Contact>, dry_run: bool, paint: Paint) -> String {
        let would = if dry_run { "would be " } else { "" };
        let mut text = format!("{}\n", masked(&self.phone));
        for one in written {
            let outcome = match (one.outcome, self.direction) {
                (ChangeOutcome::Applied, Direction::Out) => paint.good(format!("{would}recorded")),
                (ChangeOutcome::Applied, Direction::In) => paint.good(format!("{would}taken back")),
                (ChangeOutcome::Superseded, _) => paint.bad(format!("{would}refused")),
            };
            text.push_str(&format!("  {:<24}{outcome}\n", one.flag.as_str()));
        }
        if let Some(contact) = after {
            if let Some(flag) = contact.opted_out().filter(|_| !dry_run) {
                text.push_str(&format!("no messages are sent ({})\n", flag.as_str()));
            }
            if matches!(contact.mirror, MirrorState::Due { .. }) {
                text.push_str("Podium is still to be told; the timers do that where OPTOUT_MIRROR says how\n");
            }
        }
        text
    }
}
