//! `frontdesk dlq`: messages that a queue gave up on.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use frontdesk_aws::dead_letters::SqsLetters;
use frontdesk_core::{
    config::{self, Function},
    dead_letter::{DeadLetters as _, Fate, Letter, Named, Standing},
    flow::{
        health::What,
        operate::letters::{self, Emptied, Read},
    },
    ids::GroupId,
    inbox::InboxStatus,
    queue::QueueError,
    record::{Records as _, Shelf},
    request::RequestStatus,
    store::StoreError,
};
use serde_json::{Value, json};

use crate::{
    failure::{Failure, complain},
    installation::{self, Installation},
    reach::Reach,
    show::{Grid, Paint, Progress, iso},
};

/// How a dead-letter queue is called after the queue whose messages it holds.
const SUFFIX: &str = "-dlq";
/// How long a message is hidden that is only looked at; it is shown again at once.
const LOOK: Duration = Duration::from_secs(30);

const LIST_EXAMPLES: &str = r#"Examples:
  frontdesk dlq list
  frontdesk dlq list --peek 3 --output json

A message is a row's key. `peek` are some of them with what their rows say, and what a redrive would do: back into
its queue (its row is open), answered (deleted; nothing is left to do) or stays. They are shown again at once. The
oldest age is that of the messages looked at.

Exit codes: 0 all queues are empty, 1 there are messages, 2 usage or configuration, or one did not answer."#;

const REDRIVE_EXAMPLES: &str = r#"Examples:
  frontdesk dlq redrive --dry-run            # how many there are
  frontdesk dlq redrive --yes
  frontdesk dlq redrive podium --yes

The row that a message names decides:
  an open event, request or notice    its key goes back into its queue; then the message is deleted
  one that has ended                  the message is deleted: it is answered
  a parked event                      stays: mend the cause, then `frontdesk events replay`
  a run of the clock's                deleted: the clock has started the same again since
  no row, or nothing that is known    stays

Messages that stay are shown again when the command ends, or by themselves after five minutes.

Exit codes: 0 done, 2 usage or configuration, or nothing was reached, 3 some could not be seen to; the same command
again goes on."#;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show what is in each dead-letter queue.
    #[command(after_help = LIST_EXAMPLES)]
    List(List),
    /// Empty them: back with what is open, away with what has ended.
    #[command(after_help = REDRIVE_EXAMPLES)]
    Redrive(Redrive),
}

#[derive(clap::Args)]
pub(crate) struct List {
    /// So many messages of each are looked at
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=10))]
    peek: u8,
}

#[derive(clap::Args)]
pub(crate) struct Redrive {
    /// Of one queue only, such as podium or review-requests
    queue: Option<String>,
    /// Count only
    #[arg(long)]
    dry_run: bool,
    /// Carry out the plan without asking
    #[arg(long)]
    yes: bool,
}

/// A dead-letter queue, and the one whose messages it holds, if they come from a queue.
struct Drawer {
    name: String,
    letters: SqsLetters,
    back_to: Option<SqsLetters>,
}

pub(crate) fn run(reach: &Reach, command: Command) -> Result<ExitCode, Failure> {
    installation::run(reach, async |shop| match command {
        Command::List(args) => list(reach, &shop, &args).await,
        Command::Redrive(args) => redrive(reach, &shop, &args).await,
    })
}

/// All of them, by the list that readiness looks at.
fn drawers(shop: &Installation) -> Result<Vec<Drawer>, Failure> {
    let parts = shop.settings(Function::Health, config::health)?.parts;
    let queue = |url: &str| SqsLetters::new(shop.aws.sqs(), url.to_owned(), shop.process.ids.clone());
    let source = |name: &str| {
        parts.iter().find_map(|part| match &part.what {
            What::Queue(url) if part.name == name => Some(queue(url)),
            What::Queue(_) | What::Table(_) | What::DeadLetters(_) | What::Secret { .. } => None,
        })
    };
    let drawer = |part: &frontdesk_core::flow::health::Part| match &part.what {
        What::DeadLetters(url) => {
            let name = part.name.strip_suffix(SUFFIX).unwrap_or(&part.name).to_owned();
            Some(Drawer { letters: queue(url), back_to: source(&name), name })
        }
        What::Queue(_) | What::Table(_) | What::Secret { .. } => None,
    };
    Ok(parts.iter().filter_map(drawer).collect())
}

async fn list(reach: &Reach, shop: &Installation, args: &List) -> Result<ExitCode, Failure> {
    let mut shown = Vec::new();
    for drawer in drawers(shop)? {
        let count = drawer.letters.count().await.map_err(|error| silent(&drawer, &error))?;
        let peeked =
            if count > 0 && args.peek > 0 { peek(shop, &drawer, usize::from(args.peek)).await? } else { Vec::new() };
        shown.push((drawer, count, peeked));
    }
    let now = shop.now();
    let queues: Vec<Value> = shown
        .iter()
        .map(|(drawer, count, peeked)| {
            let oldest = peeked.iter().filter_map(|(letter, _)| letter.sent_at).min();
            json!({
                "queue": drawer.name,
                "count": count,
                "oldest_sent_at": oldest.and_then(iso),
                "oldest_age_seconds": oldest.map(|at| now.since(at).as_secs()),
                "peek": peeked.iter().map(|(letter, read)| letter_json(letter, read)).collect::<Vec<_>>(),
            })
        })
        .collect();
    reach.show(&json!({ "queues": queues }), |paint| tables(&queues, *paint))?;
    let any = shown.iter().any(|(_, count, _)| *count > 0);
    Ok(if any { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn peek(shop: &Installation, drawer: &Drawer, most: usize) -> Result<Vec<(Letter, Read)>, Failure> {
    let taken = drawer.letters.take(LOOK).await.map_err(|error| silent(drawer, &error))?;
    let mut peeked = Vec::new();
    for letter in taken.iter().take(most) {
        match read(shop, letter).await {
            Ok(read) => peeked.push((letter.clone(), read)),
            Err(error) => {
                // What was taken is shown again in any case; if not by this, in half a minute.
                drawer.letters.put_back(&taken).await.ok();
                return Err(Failure::Unreachable(vec![format!("no answer: {error}")]));
            }
        }
    }
    drawer.letters.put_back(&taken).await.map_err(|error| silent(drawer, &error))?;
    Ok(peeked)
}

fn letter_json(letter: &Letter, read: &Read) -> Value {
    let (verdict, why) = match read.standing.fate() {
        Fate::Back => ("back", None),
        Fate::Answered(why) => ("answered", Some(why)),
        Fate::Stays(why) => ("stays", Some(why)),
    };
    json!({
        "names": read.named.kind(),
        // What is none of ours is not repeated.
        "key": if read.named == Named::Nothing { None } else { Some(&letter.body) },
        "status": status(&read.standing),
        "sent_at": letter.sent_at.and_then(iso),
        "redrive": verdict,
        "why": why,
    })
}

const fn status(standing: &Standing) -> &'static str {
    match standing {
        Standing::Event(status) => status.as_str(),
        Standing::Request(status) => status.as_str(),
        Standing::Notice { open: true } => "open",
        Standing::Notice { open: false } => "ended",
        Standing::Task => "over",
        Standing::Unknown => "missing",
        Standing::Nothing => "unreadable",
    }
}

fn tables(queues: &[Value], paint: Paint) -> String {
    let word = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let mut all = Grid::new(["QUEUE", "MESSAGES", "OLDEST"]);
    let mut page = String::new();
    for queue in queues {
        let count = queue.get("count").and_then(Value::as_u64).unwrap_or_default();
        let count = if count > 0 { paint.bad(count) } else { paint.good(count) };
        all.row([word(queue, "queue"), count, word(queue, "oldest_sent_at")]);
        for letter in queue.get("peek").and_then(Value::as_array).into_iter().flatten() {
            let (key, why) = (word(letter, "key"), word(letter, "why"));
            let line = format!(
                "{}: {key}, {}: {} ({why})",
                word(queue, "queue"),
                word(letter, "status"),
                word(letter, "redrive")
            );
            writeln!(page, "{line}").ok();
        }
    }
    format!("{all}{page}")
}

async fn redrive(reach: &Reach, shop: &Installation, args: &Redrive) -> Result<ExitCode, Failure> {
    let mut drawers = drawers(shop)?;
    if let Some(name) = &args.queue {
        let names: Vec<String> = drawers.iter().map(|drawer| drawer.name.clone()).collect();
        drawers.retain(|drawer| drawer.name == name.strip_suffix(SUFFIX).unwrap_or(name));
        if drawers.is_empty() {
            return Err(Failure::Config(format!("there is no queue {name:?}; there are {}", names.join(", "))));
        }
    }
    let mut counted = Vec::new();
    for drawer in drawers {
        let count = drawer.letters.count().await.map_err(|error| silent(&drawer, &error))?;
        counted.push((drawer, count));
    }
    counted.retain(|(_, count)| *count > 0);
    let total = counted.iter().map(|(_, count)| count).sum::<u64>();
    let plan: Vec<String> = counted.iter().map(|(drawer, count)| format!("  {count:>8}  {}", drawer.name)).collect();
    let plan = format!("{total} messages to be looked through\n{}", plan.join("\n"));
    if args.dry_run || counted.is_empty() {
        let queues: Vec<Value> =
            counted.iter().map(|(drawer, count)| json!({ "queue": drawer.name, "count": count })).collect();
        reach.show(&json!({ "dry_run": args.dry_run, "count": total, "queues": queues }), |_| plan.clone())?;
        return Ok(ExitCode::SUCCESS);
    }
    if !reach.confirm(plan.trim_end(), args.yes)? {
        return Ok(ExitCode::SUCCESS);
    }
    let mut progress = Progress::start("messages", Some(total));
    let mut done = Vec::new();
    for (drawer, _) in counted {
        let read = async |letter: &Letter| read(shop, letter).await;
        let emptied = letters::empty(&drawer.letters, drawer.back_to.as_ref(), read, |more| progress.step(more)).await;
        done.push((drawer.name, emptied));
    }
    progress.finish();
    let queues: Vec<Value> = done.iter().map(|(name, emptied)| emptied_json(name, emptied)).collect();
    reach.show(&json!({ "queues": queues }), |paint| emptied_text(&done, *paint))?;
    exit(&done)
}

fn emptied_json(name: &str, emptied: &Emptied) -> Value {
    let stays = emptied.stays.iter().map(|(letter, named, why)| {
        json!({ "names": named.kind(), "key": if *named == Named::Nothing { None } else { Some(&letter.body) }, "why": why })
    });
    json!({
        "queue": name,
        "back": emptied.back,
        "answered": emptied.answered,
        "stays": stays.collect::<Vec<_>>(),
        "failed": emptied.failed,
        "trouble": emptied.trouble,
    })
}

fn emptied_text(done: &[(String, Emptied)], paint: Paint) -> String {
    let mut grid = Grid::new(["QUEUE", "BACK", "ANSWERED", "STAY", "FAILED"]);
    let mut page = String::new();
    for (name, emptied) in done {
        let failed = if emptied.failed > 0 { paint.bad(emptied.failed) } else { emptied.failed.to_string() };
        let counts = [emptied.back, emptied.answered, emptied.stays.len() as u64].map(|count| count.to_string());
        let [back, answered, stay] = counts;
        grid.row([name.clone(), back, answered, stay, failed]);
        for (letter, named, why) in &emptied.stays {
            let key = if *named == Named::Nothing { "unreadable" } else { letter.body.as_str() };
            writeln!(page, "stays: {key}: {why}").ok();
        }
    }
    format!("{grid}{page}")
}

fn exit(done: &[(String, Emptied)]) -> Result<ExitCode, Failure> {
    let troubles: Vec<String> = done
        .iter()
        .filter_map(|(name, emptied)| emptied.trouble.as_ref().map(|trouble| format!("{name}: {trouble}")))
        .collect();
    if troubles.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    if done.iter().all(|(_, emptied)| emptied.back + emptied.answered == 0) {
        return Err(Failure::Unreachable(troubles));
    }
    troubles.iter().for_each(|trouble| complain(trouble));
    let failed: u64 = done.iter().map(|(_, emptied)| emptied.failed).sum();
    Err(Failure::Partly(format!("{failed} messages could not be seen to; the same command again goes on")))
}

/// Where that stands which a message names. A row that cannot be read is as good as none: its message stays.
async fn read(shop: &Installation, letter: &Letter) -> Result<Read, StoreError> {
    let named = Named::read(&letter.body);
    let mut line = None;
    let standing = match &named {
        Named::Event(key) => {
            let row = shop.store.record(Shelf::Inbox, &key.to_key()).await?;
            line = row.as_ref().and_then(|row| row.text("group_id")).map(GroupId::from_stored);
            let status = row.as_ref().and_then(|row| row.text("st")).and_then(InboxStatus::parse);
            status.map_or(Standing::Unknown, Standing::Event)
        }
        Named::Request(key) => {
            let row = shop.store.record(Shelf::Requests, &key.to_key()).await?;
            let status = row.as_ref().and_then(|row| row.text("st")).and_then(RequestStatus::parse);
            status.map_or(Standing::Unknown, Standing::Request)
        }
        Named::Notice(key) => match shop.store.record(Shelf::Outbox, key.as_str()).await? {
            Some(row) => Standing::Notice { open: row.text("st") == Some("open") },
            None => Standing::Unknown,
        },
        Named::Task(_) => Standing::Task,
        Named::Nothing => Standing::Nothing,
    };
    Ok(Read { named, standing, line })
}

fn silent(drawer: &Drawer, error: &QueueError) -> Failure {
    Failure::Unreachable(vec![format!("the dead letters of {}: {error}", drawer.name)])
}
