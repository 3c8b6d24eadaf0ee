//! `frontdesk events redrive` and `replay`: ended events are set going again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use frontdesk_aws::{
    process::TimerPause,
    sqs::{RoutedEvents, SqsEvents},
};
use frontdesk_core::{
    flow::operate::redrive::{Orders, Redrive as Run, Redriven, Stopped},
    ids::RunId,
    inbox::{InboxKey, InboxStatus},
    record::{Record, Records as _, Shelf},
    redrive::{Seen, Unfit},
    trace,
};
use serde_json::{Value, json};

use super::{
    find::{Filters, seen, unread},
    show::body_of,
};
use crate::{
    failure::{Failure, complain},
    installation::{self, Installation},
    reach::Reach,
    show::{Paint, Progress},
};

pub(super) const EXAMPLES: &str = r#"Examples:
  frontdesk events redrive --dry-run                        # how many are parked, and why
  frontdesk events redrive --reason provider_no_help --yes
  frontdesk events redrive --source shopify --status rejected --reason malformed --rate 50
  frontdesk events redrive --run r1a2b3c4 --yes             # goes on with a run that was broken off

Each row goes back to `waiting` by one conditional write over the end that was seen, and then its key is queued,
the oldest first, in its line. If this dies in between, the sweeper queues it. A run sets a row going once: said
again with its name (--run), it leaves alone what it has set going, whatever became of that since.

What an event did is not done again: a request is written once for an order, a text is sent once for its name, an
opt-out counts once. Notes to the shop's people, and their look at who wrote, may be repeated.

Not set going: what has not ended, second bodies (mismatch), events of another shop, and what was erased.

Exit codes: 0 done, or nothing to do, 2 usage or configuration, or nothing was reached, 3 partly done: some are not
queued (the sweeper does it within minutes), or it was broken off; the same with --run goes on."#;

pub(super) const REPLAY_EXAMPLES: &str = r#"Examples:
  frontdesk events replay podium#8d2a5c1e-6e0b-4d0c-9a11-0c7a9c1f2b33 --yes
  frontdesk events replay podium#8d2a5c1e-6e0b-4d0c-9a11-0c7a9c1f2b33 --force --reason "the template was wrong"

What the event did is not done again: `redrive --help` says more.

--force makes the machine's answer to a customer's message of Podium's once more: its keyword answer, or its
confirmation of the session. It is named after this replay, so that answer is sent at most once for it; and it is sent
although the message may be hours old and its session closed. The gate is asked like any time: nobody who opted
out is written to, and no cooldown is touched. Never repeated, forced or not: review requests, reminders, thanks for
a review, what is shown at Podium of the shop's own form, answers in Chatwoot's chats.

Exit codes: 0 done, 1 one of them is not there or not fit for it, 2 usage or configuration, or nothing was reached,
3 partly done."#;

/// How a run is wanted.
#[derive(clap::Args)]
struct How {
    /// Count only
    #[arg(long)]
    dry_run: bool,
    /// Carry out the plan without asking
    #[arg(long)]
    yes: bool,
    /// So many a second at most
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rate: u32,
    /// The name of a run that was begun, to go on with it
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Your name, for the record [default: USER]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct Redrive {
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    how: How,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct Replay {
    /// Their keys
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
    #[command(flatten)]
    how: How,
    /// Make the machine's answer once more, although one is on record
    #[arg(long, requires = "reason")]
    force: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// What is to be set going, and what cannot be.
#[derive(Debug, Default)]
struct Plan {
    fit: Vec<Seen>,
    unfit: Vec<(String, &'static str, &'static str)>,
    /// What is fit, by source, status and the first word of the outcome.
    groups: BTreeMap<(String, String, String), u64>,
}

impl Plan {
    fn add(&mut self, row: &Record, run: &RunId) {
        let Some(seen) = seen(row) else {
            self.unfit.push((row.key.clone(), "unreadable", "this version cannot read its row"));
            return;
        };
        if let Some(why) = seen.unfit(run) {
            self.refuse(&row.key, why);
            return;
        }
        let word = seen.outcome.as_deref().unwrap_or_default().split([':', ' ']).next().unwrap_or_default();
        let group = (seen.key.source.as_str().to_owned(), seen.status.as_str().to_owned(), word.to_owned());
        *self.groups.entry(group).or_default() += 1;
        self.fit.push(seen);
    }

    fn refuse(&mut self, key: &str, why: Unfit) {
        self.unfit.push((key.to_owned(), why.as_str(), why.sentence()));
    }

    fn count(&self) -> u64 {
        self.fit.len() as u64
    }

    fn text(&self, how: &How, run: &RunId) -> String {
        let mut text = format!("{} to be set going again", events(self.count()));
        if self.count() > 0 {
            let seconds = self.count().div_ceil(u64::from(how.rate));
            write!(text, ", {} a second (about {seconds} s), as run {}", how.rate, run.as_str()).ok();
        }
        for ((source, status, word), count) in &self.groups {
            write!(text, "\n  {count:>8}  {source} {status} {word}").ok();
        }
        let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
        for (_, _, sentence) in &self.unfit {
            *refused.entry(sentence).or_default() += 1;
        }
        for (sentence, count) in refused {
            write!(text, "\n  {count:>8}  left alone: {sentence}").ok();
        }
        text
    }

    fn document(&self, run: &RunId, dry_run: bool) -> Value {
        let group = |((source, status, reason), count): (&(String, String, String), &u64)| json!({ "source": source, "status": status, "reason": reason, "count": count });
        json!({
            "run": run.as_str(),
            "dry_run": dry_run,
            "count": self.count(),
            "groups": self.groups.iter().map(group).collect::<Vec<_>>(),
            "left_alone": self.unfit.iter().map(left_alone).collect::<Vec<_>>(),
        })
    }
}

fn left_alone((key, why, sentence): &(String, &'static str, &'static str)) -> Value {
    json!({ "key": key, "why": why, "sentence": sentence })
}

pub(super) fn redrive(reach: &Reach, args: Redrive) -> Result<ExitCode, Failure> {
    let Redrive { filters, how, because } = args;
    installation::run(reach, async |shop| {
        let run = run_id(&shop, &how)?;
        let wanted = filters.read(shop.now(), &[InboxStatus::Parked])?;
        let mut plan = Plan::default();
        for row in &wanted.find(&shop, None).await?.rows {
            plan.add(row, &run);
        }
        let orders = orders(&shop, &how, run, because.as_deref(), false);
        // What a run of this name has done is what it is to leave alone; that is no fault of anybody's.
        plan.unfit.retain(|(_, why, _)| *why != Unfit::InThisRun.as_str());
        carry_out(reach, &shop, plan, &how, &orders).await
    })
}

pub(super) fn replay(reach: &Reach, args: Replay) -> Result<ExitCode, Failure> {
    let Replay { mut keys, how, force, reason } = args;
    if force && reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Failure::Config("--force needs a --reason that says something".to_owned()));
    }
    // A row is set going once, however often it is named.
    keys.sort_unstable();
    keys.dedup();
    installation::run(reach, async |shop| {
        let run = run_id(&shop, &how)?;
        let mut plan = Plan::default();
        for key in &keys {
            let Some(row) = shop.store.record(Shelf::Inbox, key).await.map_err(unread)? else {
                plan.refuse(key, Unfit::Gone);
                continue;
            };
            match anew_refused(&row, force) {
                Some(sentence) => plan.unfit.push((row.key.clone(), "not_forced", sentence)),
                None => plan.add(&row, &run),
            }
        }
        let orders = orders(&shop, &how, run, reason.as_deref(), force);
        let unfit = !plan.unfit.is_empty();
        let code = carry_out(reach, &shop, plan, &how, &orders).await?;
        Ok(if unfit && code == ExitCode::SUCCESS { ExitCode::FAILURE } else { code })
    })
}

/// Why an event's answer cannot be forced, if that is wanted.
fn anew_refused(row: &Record, force: bool) -> Option<&'static str> {
    if !force {
        return None;
    }
    match (InboxKey::parse(&row.key), body_of(row)) {
        (Some(key), Some(body)) => trace::not_anew(&key, &body),
        _ => Some("its body cannot be read"),
    }
}

fn run_id(shop: &Installation, how: &How) -> Result<RunId, Failure> {
    let drawn = || format!("r{}", shop.process.ids.draw().get(..8).unwrap_or_default());
    let name = how.run.clone().unwrap_or_else(drawn);
    RunId::try_from(name.as_str()).map_err(|error| Failure::Config(format!("--run {name:?}: {error}")))
}

fn orders(shop: &Installation, how: &How, run: RunId, reason: Option<&str>, anew: bool) -> Orders {
    Orders {
        run,
        by: by(how.by.as_deref()),
        reason: reason.unwrap_or("none was given").to_owned(),
        rate: how.rate,
        keep: shop.config.inbox_keep,
        anew,
    }
}

/// Whoever does it, as they say or as their machine knows them.
pub(crate) fn by(said: Option<&str>) -> String {
    let known = || crate::setting("USER").filter(|name| !name.is_empty());
    said.map(str::to_owned).or_else(known).unwrap_or_else(|| "unknown".to_owned())
}

async fn carry_out(
    reach: &Reach,
    shop: &Installation,
    mut plan: Plan,
    how: &How,
    orders: &Orders,
) -> Result<ExitCode, Failure> {
    if how.dry_run || plan.fit.is_empty() {
        let document = plan.document(&orders.run, how.dry_run);
        reach.show(&document, |_| plan.text(how, &orders.run))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !reach.confirm(&plan.text(how, &orders.run), how.yes)? {
        return Ok(ExitCode::SUCCESS);
    }
    plan.fit.sort_by(|a, b| (a.received_at, &a.key).cmp(&(b.received_at, &b.key)));
    let queue = queues(shop);
    let run = Run { store: &shop.store, queue: &queue, pause: &TimerPause, clock: &shop.process.clock };
    let mut progress = Progress::start("events set going", Some(plan.count()));
    let done = run.run(&plan.fit, orders, |more| progress.step(more)).await;
    progress.finish();
    let document = result(&plan, orders, &done);
    reach.show(&document, |paint| summary(&plan, orders, &done, *paint))?;
    exit(orders, &done)
}

/// The workers' queues, each event to its own.
fn queues(shop: &Installation) -> RoutedEvents {
    let (queues, ids) = (&shop.config.queues, &shop.process.ids);
    let plain = |url: &String| SqsEvents::new(shop.aws.sqs(), url.clone());
    let in_lines = |url: &String| SqsEvents::in_lines(shop.aws.sqs(), url.clone(), ids.clone());
    RoutedEvents {
        shopify: plain(&queues.shopify),
        podium: in_lines(&queues.podium),
        privacy: plain(&queues.privacy),
        chatwoot: in_lines(&queues.chatwoot),
    }
}

fn result(plan: &Plan, orders: &Orders, done: &Redriven) -> Value {
    let mut document = plan.document(&orders.run, false);
    if let Value::Object(fields) = &mut document {
        fields.insert("redriven".to_owned(), done.waiting.into());
        fields.insert("left_to_sweeper".to_owned(), done.left_to_sweeper.into());
        let late = done.unfit.iter().map(|(key, why)| left_alone(&(key.to_key(), why.as_str(), why.sentence())));
        if let Some(all) = fields.get_mut("left_alone").and_then(Value::as_array_mut) {
            all.extend(late);
        }
        fields.insert("complete".to_owned(), done.stopped.is_none().into());
    }
    document
}

fn summary(plan: &Plan, orders: &Orders, done: &Redriven, paint: Paint) -> String {
    let mut text = paint.good(format!("{} set going again, as run {}", events(done.waiting), orders.run.as_str()));
    if done.left_to_sweeper > 0 {
        let left =
            format!("\n{} of them are left to the sweeper, which queues them within minutes", done.left_to_sweeper);
        text.push_str(&paint.warn(left));
    }
    let early = plan.unfit.iter().map(|(key, _, why)| (key.clone(), *why));
    for (key, why) in early.chain(done.unfit.iter().map(|(key, why)| (key.to_key(), why.sentence()))) {
        write!(text, "\nleft alone: {key}: {why}").ok();
    }
    text
}

fn exit(orders: &Orders, done: &Redriven) -> Result<ExitCode, Failure> {
    let again = format!("the same with --run {} goes on", orders.run.as_str());
    match &done.stopped {
        Some(Stopped::Store(error)) if done.waiting == 0 => {
            Err(Failure::Unreachable(vec![format!("nothing was changed: {error}")]))
        }
        Some(Stopped::Store(error)) => Err(Failure::Partly(format!("broken off: {error}; {again}"))),
        Some(Stopped::Queue(error)) => {
            let left = format!("{} wait for the sweeper", events(done.left_to_sweeper));
            Err(Failure::Partly(format!("broken off: {error}; {left}; {again}")))
        }
        None if done.left_to_sweeper > 0 => {
            let left = events(done.left_to_sweeper);
            Err(Failure::Partly(format!("{left} could not be queued; the sweeper does it within minutes")))
        }
        None => {
            for (key, why) in &done.unfit {
                complain(&format!("{}: {}", key.to_key(), why.sentence()));
            }
            Ok(if done.unfit.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

fn events(count: u64) -> String {
    format!("{count} event{}", if count == 1 { "" } else { "s" })
}
