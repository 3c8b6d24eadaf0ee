//! `frontdesk reviews`: what is kept of reviews, who was told of bad ones, and an event of one brought in again.

mod replay;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use frontdesk_core::{
    ids::{OrderKey, ProviderId},
    notice::{NoticeKey, NoticeKind},
    rating::RatingClass,
    record::{Record, Records as _, Shelf, Sieve},
    request::Requests as _,
    reviews::{ReviewBook as _, ReviewRecord, Turn},
    store::StoreError,
};
use serde_json::{Value, json};

use crate::failure::{Failure, complain};
use crate::installation::{self, Installation};
use crate::people::{at, unanswered};
use crate::reach::Reach;
use crate::show::{self, Grid, Paint};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List reviews, the newest first.
    #[command(after_help = LIST_EXAMPLES)]
    List(List),
    /// Show one review: its classes so far, who was told of it and how, and the order whose request led to it.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(Show),
    /// Bring in a stored event of a review as if it came by webhook now; one whose escalation failed is told of again.
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::Replay),
}

const LIST_EXAMPLES: &str = r#"Examples:
  frontdesk reviews list --since 7d
  frontdesk reviews list --class escalate --untold --output human

The table is read from end to end. --untold leaves the bad reviews of which nobody was told (yet): `escalation` is
open (waiting to be told), given_up, or missing.

Exit codes: 0 done, 1 none found, 2 usage, configuration, or no answer."#;

const SHOW_EXAMPLES: &str = r#"Examples:
  frontdesk reviews show 018f4c6e-1111-7aaa-8bbb-000000000001

No words and no names are kept of a review; they are at Podium. `turns` are the classes that it had, each with the
event that said so and, for a bad one, the notice by which people were told.

Exit codes: 0 found, 1 not found, 2 usage, configuration, or no answer."#;

#[derive(clap::Args)]
pub(crate) struct List {
    /// Changed since: a span like 24h or 7d, or a time
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only these
    #[arg(long, value_enum)]
    class: Option<Class>,
    /// Only about this location, by Podium's uid of it
    #[arg(long, value_name = "UID")]
    location: Option<String>,
    /// Only bad ones of which nobody was told
    #[arg(long)]
    untold: bool,
}

#[derive(clap::Args)]
pub(crate) struct Show {
    /// Podium's uid of the review
    uid: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Class {
    Escalate,
    #[value(alias = "log_only")]
    Log,
    Thank,
    /// Without stars
    Unrated,
}

impl Class {
    const fn as_stored(self) -> Option<RatingClass> {
        match self {
            Self::Escalate => Some(RatingClass::Escalate),
            Self::Log => Some(RatingClass::Log),
            Self::Thank => Some(RatingClass::Thank),
            Self::Unrated => None,
        }
    }
}

pub(crate) fn run(reach: &Reach, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List(args) => list(reach, &args),
        Command::Show(args) => show_one(reach, &args),
        Command::Replay(args) => replay::run(reach, &args),
    }
}

/// Reviews are kept for as long as the installation lives; longer it has not.
const BACK_MAX: Duration = Duration::from_secs(3_650 * 86_400);

/// How far people were told of a bad review.
struct Escalation {
    key: NoticeKey,
    /// `open`, `told`, `given_up`; `missing` where there is no notice (any more).
    state: String,
    row: Option<Record>,
}

impl Escalation {
    fn is_told(&self) -> bool {
        self.state == "told"
    }

    fn json(&self) -> Value {
        let moment = |name| self.row.as_ref().and_then(|row| row.millis(name)).and_then(show::iso);
        json!({
            "notice": self.key.as_str(),
            "state": self.state,
            "told_over": self.row.as_ref().and_then(|row| row.text("told_over")),
            "opened_at": moment("opened_at_ms"),
            "ended_at": moment("ended_at_ms"),
        })
    }
}

fn notice_key(uid: &str, turn: u32) -> NoticeKey {
    NoticeKey::new(NoticeKind::BadReview, &format!("{uid}#{turn}"))
}

async fn escalation(shop: &Installation, key: NoticeKey) -> Result<Escalation, StoreError> {
    let row = shop.store.record(Shelf::Outbox, key.as_str()).await?;
    let state = row.as_ref().map_or("missing", |row| row.text("st").unwrap_or("missing")).to_owned();
    Ok(Escalation { key, state, row })
}

/// A row of the list.
struct Listed {
    row: Record,
    class: Option<String>,
    escalation: Option<Escalation>,
}

impl Listed {
    async fn of(shop: &Installation, row: Record) -> Result<Self, StoreError> {
        let turn = row.fields.get("turn_list").and_then(Value::as_array).and_then(|turns| turns.last());
        let class = turn.and_then(|turn| turn.get("rating_class")?.as_str()).map(str::to_owned);
        let number = turn.and_then(|turn| turn.get("turn_number")?.as_u64()).and_then(|n| u32::try_from(n).ok());
        let bad = class.as_deref() == Some(RatingClass::Escalate.as_str());
        let escalation = match number.filter(|_| bad) {
            Some(number) => Some(escalation(shop, notice_key(&row.key, number)).await?),
            None => None,
        };
        Ok(Self { row, class, escalation })
    }

    fn is_untold(&self) -> bool {
        self.escalation.as_ref().is_some_and(|escalation| !escalation.is_told())
    }

    fn json(&self) -> Value {
        json!({
            "uid": self.row.key,
            "rating": self.row.count("rating_stars"),
            "class": self.class,
            "platform": self.row.text("platform_name"),
            "location": self.row.text("location_uid"),
            "order": self.row.text("order_key"),
            "changed_at": self.row.millis("changed_at_ms").and_then(show::iso),
            "escalation": self.escalation.as_ref().map(|escalation| escalation.state.as_str()),
        })
    }
}

fn list(reach: &Reach, args: &List) -> Result<ExitCode, Failure> {
    installation::run(reach, async |shop| {
        let since = args.since.as_deref().map(|text| show::when(text, shop.now(), BACK_MAX)).transpose()?;
        let sieve = Sieve {
            equals: args.location.iter().map(|uid| ("location_uid", vec![uid.clone()])).collect(),
            since: since.map(|since| ("changed_at_ms", since)),
            ..Sieve::default()
        };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = shop.store.records(Shelf::Reviews, &sieve, after.as_deref()).await.map_err(unanswered)?;
            for row in page.rows {
                found.push(Listed::of(&shop, row).await.map_err(unanswered)?);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let is_class = |listed: &Listed| {
            args.class.is_none_or(|class| class.as_stored().map(RatingClass::as_str) == listed.class.as_deref())
        };
        found.retain(|listed| is_class(listed) && (!args.untold || listed.is_untold()));
        found.sort_by_key(|listed| std::cmp::Reverse(listed.row.millis("changed_at_ms")));
        let document = json!({ "reviews": found.iter().map(Listed::json).collect::<Vec<_>>() });
        reach.show(&document, |paint| table(&found, *paint))?;
        Ok(if found.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    })
}

fn table(found: &[Listed], paint: Paint) -> String {
    if found.is_empty() {
        return "no such review\n".to_owned();
    }
    let mut grid = Grid::new(["CHANGED", "STARS", "CLASS", "ESCALATION", "PLATFORM", "LOCATION", "UID"]);
    for listed in found {
        let text = |name| listed.row.text(name).unwrap_or("-").to_owned();
        let escalation = listed.escalation.as_ref().map_or_else(
            || "-".to_owned(),
            |one| if one.is_told() { paint.good(&one.state) } else { paint.bad(&one.state) },
        );
        grid.row([
            at(listed.row.millis("changed_at_ms")),
            listed.row.count("rating_stars").map_or_else(|| "-".to_owned(), |stars| stars.to_string()),
            listed.class.clone().unwrap_or_else(|| "unrated".to_owned()),
            escalation,
            text("platform_name"),
            text("location_uid"),
            listed.row.key.clone(),
        ]);
    }
    grid.to_string()
}

fn show_one(reach: &Reach, args: &Show) -> Result<ExitCode, Failure> {
    let wrong = |error| Failure::Config(format!("this is no uid of a review: {error}"));
    let uid = ProviderId::try_from(args.uid.trim()).map_err(wrong)?;
    installation::run(reach, async |shop| {
        let Some(record) = shop.store.review(&uid).await.map_err(unanswered)? else {
            complain(&format!("no review {} is on record", uid.as_str()));
            return Ok(ExitCode::FAILURE);
        };
        let shown = Shown::of(&shop, record).await.map_err(unanswered)?;
        reach.show(&shown.json(), |paint| shown.text(*paint))?;
        Ok(ExitCode::SUCCESS)
    })
}

struct Shown {
    record: ReviewRecord,
    turns: Vec<(Turn, Option<Escalation>)>,
    /// The order's request: where it stands.
    request: Option<(OrderKey, Option<&'static str>)>,
}

impl Shown {
    async fn of(shop: &Installation, record: ReviewRecord) -> Result<Self, StoreError> {
        let mut turns = Vec::new();
        for turn in &record.turns {
            let key = notice_key(record.uid.as_str(), turn.number);
            let told = match turn.class {
                Some(RatingClass::Escalate) => Some(escalation(shop, key).await?),
                Some(RatingClass::Log | RatingClass::Thank) | None => None,
            };
            turns.push((turn.clone(), told));
        }
        let request = match &record.order {
            Some(order) => {
                let row = shop.store.request(order).await?;
                Some((order.clone(), row.map(|row| row.status.as_str())))
            }
            None => None,
        };
        Ok(Self { record, turns, request })
    }

    fn class(&self) -> &'static str {
        self.record.class().map_or("unrated", RatingClass::as_str)
    }

    fn json(&self) -> Value {
        let turn = |(turn, told): &(Turn, Option<Escalation>)| {
            json!({
                "number": turn.number,
                "class": turn.class.map(RatingClass::as_str),
                "event": turn.by.as_str(),
                "escalation": told.as_ref().map(Escalation::json),
            })
        };
        let request = |(order, status): &(OrderKey, Option<&'static str>)| json!({ "order": order.to_key(), "request_status": status });
        json!({
            "uid": self.record.uid.as_str(),
            "rating": self.record.rating.map(frontdesk_core::rating::Rating::stars),
            "class": self.class(),
            "platform": self.record.platform,
            "location": self.record.location.as_ref().map(|uid| uid.as_str()),
            "changed_at": show::iso(self.record.changed_at),
            "order": self.request.as_ref().map(request),
            "turns": self.turns.iter().map(turn).collect::<Vec<_>>(),
        })
    }

    fn text(&self, paint: Paint) -> String {
        let record = &self.record;
        let stars = record.rating.map_or_else(|| "no stars".to_owned(), |rating| format!("{} of 5", rating.stars()));
        let location = record.location.as_ref().map_or("-", |uid| uid.as_str());
        let mut text = format!(
            "review    {}\nrating    {stars} ({})\nplatform  {}\nlocation  {location}\nchanged   {}\n",
            record.uid.as_str(),
            self.class(),
            record.platform.as_deref().unwrap_or("-"),
            at(Some(record.changed_at)),
        );
        if let Some((order, status)) = &self.request {
            writeln!(text, "order     {} (request: {})", order.to_key(), status.unwrap_or("not on record")).ok();
        }
        for (turn, told) in &self.turns {
            let class = turn.class.map_or("unrated", RatingClass::as_str);
            let told = told.as_ref().map(|one| {
                let over = one.row.as_ref().and_then(|row| row.text("told_over")).map(|over| format!(" over {over}"));
                let state = format!("{}{}", one.state, over.unwrap_or_default());
                format!(", people: {}", if one.is_told() { paint.good(state) } else { paint.bad(state) })
            });
            writeln!(text, "turn {}    {class} by {}{}", turn.number, turn.by.as_str(), told.unwrap_or_default()).ok();
        }
        text
    }
}
