//! `frontdesk reconcile`: what the providers' lists know and the inbox does not is taken in, as the clock does it each hour.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    process::{ProcessEnv, RandomIds, SystemClock},
    sqs::SqsEvents,
    start::{Aws, Process, Timing},
};
use frontdesk_core::{
    config::{self, FollowUpConfig, Function},
    directory::Bookmarks as _,
    flow::{
        ingest::{Endpoint, ShopifyEndpoint},
        reconcile::{Reconcile, Reconciled},
    },
    provider::{Backlog, Feed},
    time::UnixMillis,
};
use frontdesk_wiring::Wiring;
use serde_json::{Value, json};

use crate::failure::{Failure, complain};
use crate::installation::{self, Notes, unusable};

/// No list goes back further, and nobody has to be asked about what is older.
const BACK_MAX: Duration = Duration::from_secs(60 * 86_400);

const EXAMPLES: &str = r#"Examples:
  eval "$(make -s env)"                    # the settings of the local stack, while `make run` is up
  frontdesk reconcile podium               # from where the last comparison ended
  frontdesk reconcile podium --since 72h
  frontdesk reconcile shopify --since 2026-11-18T00:00:00Z --output human

The settings are those of the functions, under the same names; `follow-up` has all of them. Of AWS it needs
AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where there is one, AWS_SESSION_TOKEN.

It compares Podium's reviews and messages, or Shopify's orders, with what came in. What is missing is taken
in as if it had come by webhook, and worked on by the functions: once, however often this is said. It is what
the clock does each hour, with the clock's bookmark. What is younger than RECONCILE_SETTLE_SECONDS is left
to the next comparison, since its webhook may be on its way.

Exit codes: 0 nothing was missing, 1 something was missing and has been taken in, 2 usage or configuration,
or a list was not read to its end; the same command again, or the next hour, goes on."#;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Whose lists
    #[arg(value_enum)]
    provider: Provider,
    /// From when on: 24h, 3d, or 2026-11-18T00:00:00Z [default: where the last one ended]
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// For programs or for people
    #[arg(long, value_enum, default_value_t = Output::Json)]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Provider {
    Shopify,
    Podium,
}

impl Provider {
    const fn name(self) -> &'static str {
        match self {
            Self::Shopify => "shopify",
            Self::Podium => "podium",
        }
    }

    const fn feeds(self) -> &'static [Feed] {
        match self {
            Self::Shopify => &[Feed::ShopifyOrders],
            Self::Podium => &[Feed::PodiumReviews, Feed::PodiumMessages],
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Json,
    Human,
}

/// What came of one list.
struct Compared {
    feed: Feed,
    done: Reconciled,
}

pub(crate) fn run(args: &Args, now_ms: i64) -> Result<ExitCode, Failure> {
    let now = UnixMillis::new(now_ms);
    let since = args.since.as_deref().map(|text| moment(text, now)).transpose()?;
    let config = installation::settings(Function::FollowUp, config::follow_up)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unusable)?;
    let compared = runtime.block_on(compare(args.provider, since, config))?;
    let mut stdout = io::stdout().lock();
    match args.output {
        Output::Json => writeln!(stdout, "{:#}", document(args.provider, since, &compared))?,
        Output::Human => write!(stdout, "{}", table(&compared))?,
    }
    stdout.flush()?;
    let open: Vec<&str> = compared.iter().filter(|c| !c.done.complete).map(|c| c.feed.as_str()).collect();
    if !open.is_empty() {
        let sentence = format!("not read to the end: {}; the same command again goes on", open.join(", "));
        return Err(Failure::Unreachable(vec![sentence]));
    }
    let missing = compared.iter().any(|c| c.done.recovered > 0);
    Ok(if missing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A span back from now, or a time.
fn moment(text: &str, now: UnixMillis) -> Result<UnixMillis, Failure> {
    let wrong = |what: &str| Failure::Config(format!("--since {text:?} {what}"));
    let since = match span(text) {
        Some(span) => now.minus(span),
        None => {
            let time: jiff::Timestamp = text
                .parse()
                .map_err(|_| wrong("is neither a span like 24h or 3d nor a time like 2026-11-18T00:00:00Z"))?;
            UnixMillis::new(time.as_millisecond())
        }
    };
    if since >= now {
        return Err(wrong("is not in the past"));
    }
    if now.since(since) > BACK_MAX {
        return Err(wrong("is more than 60 days ago"));
    }
    Ok(since)
}

fn span(text: &str) -> Option<Duration> {
    let seconds = [('h', 3_600), ('d', 86_400)];
    let (number, unit) = seconds.into_iter().find_map(|(letter, s)| Some((text.strip_suffix(letter)?, s)))?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // One that is too large is told of as one that is too long ago.
    Some(Duration::from_secs(
        number.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(unit).min(BACK_MAX.as_secs() * 2),
    ))
}

async fn compare(
    provider: Provider,
    since: Option<UnixMillis>,
    config: FollowUpConfig,
) -> Result<Vec<Compared>, Failure> {
    let ids = RandomIds::from_system().map_err(unusable)?;
    let process = Process { env: ProcessEnv, telemetry: Notes::default(), clock: SystemClock, ids };
    let aws = Aws::from_env(&process.env, &Timing::default()).map_err(unusable)?;
    let store = DynamoStore::new(aws.dynamodb(), config.tables.clone(), process.ids.clone());
    let store = store.with_pepper(door::pepper(&aws, config.pepper_secret.clone()));
    let queue = match provider {
        Provider::Podium => SqsEvents::in_lines(aws.sqs(), config.podium_queue_url.clone(), process.ids.clone()),
        Provider::Shopify => SqsEvents::new(aws.sqs(), config.shopify_queue_url.clone()),
    };
    let wiring = Wiring::new(&config.http, &aws, &store, &process).map_err(unusable)?;
    let desk = Desk { store: &store, queue: &queue, process: &process, config: &config };
    match provider {
        Provider::Podium => {
            let podium = wiring.podium(&config.podium).await.map_err(unusable)?;
            desk.compare_all(&config.podium_events(), &podium, provider.feeds(), since).await
        }
        Provider::Shopify => {
            let shopify = wiring.shopify(&config.shop, &config.shopify).await.map_err(unusable)?;
            let endpoint = ShopifyEndpoint { shop: config.shop.clone() };
            desk.compare_all(&endpoint, &shopify, provider.feeds(), since).await
        }
    }
}

/// What a comparison works with.
struct Desk<'a> {
    store: &'a DynamoStore,
    queue: &'a SqsEvents,
    process: &'a Process<Notes>,
    config: &'a FollowUpConfig,
}

impl Desk<'_> {
    async fn compare_all(
        &self,
        endpoint: &impl Endpoint,
        provider: &impl Backlog,
        feeds: &[Feed],
        since: Option<UnixMillis>,
    ) -> Result<Vec<Compared>, Failure> {
        let mut compared = Vec::new();
        for feed in feeds {
            compared.push(self.compare(endpoint, provider, *feed, since).await?);
        }
        Ok(compared)
    }

    /// Run after run, until the list is read to its end or a run gets no further.
    async fn compare(
        &self,
        endpoint: &impl Endpoint,
        provider: &impl Backlog,
        feed: Feed,
        since: Option<UnixMillis>,
    ) -> Result<Compared, Failure> {
        let Process { telemetry, clock, ids, .. } = self.process;
        let reconcile = Reconcile {
            endpoint,
            store: self.store,
            provider,
            queue: self.queue,
            clock,
            ids,
            telemetry,
            policy: &self.config.policy,
            shop: &self.config.shop,
            intake: self.config.intake,
            rules: self.config.reconcile,
        };
        let lost = |error| Failure::Unreachable(vec![format!("{}: {error}", feed.as_str())]);
        let (mut all, mut from) = (Reconciled::default(), since);
        loop {
            let before = self.store.bookmark(feed).await.map_err(lost)?;
            let done = reconcile.run(feed, from.take()).await.map_err(lost)?;
            all.listed += done.listed;
            all.recovered += done.recovered;
            all.complete = done.complete;
            complain(&format!("{}: {} listed, {} taken in", feed.as_str(), all.listed, all.recovered));
            let stands = self.store.bookmark(feed).await.map_err(lost)? == before;
            if done.complete || stands || telemetry.list_failed() {
                return Ok(Compared { feed, done: all });
            }
        }
    }
}

fn document(provider: Provider, since: Option<UnixMillis>, compared: &[Compared]) -> Value {
    let list = |c: &Compared| {
        json!({
            "list": c.feed.as_str(), "listed": c.done.listed, "recovered": c.done.recovered, "complete": c.done.complete,
        })
    };
    json!({
        "provider": provider.name(),
        "since": since.and_then(|at| jiff::Timestamp::from_millisecond(at.get()).ok()).map(|at| at.to_string()),
        "lists": compared.iter().map(list).collect::<Vec<_>>(),
    })
}

fn table(compared: &[Compared]) -> String {
    let mut out = String::new();
    for Compared { feed, done } in compared {
        let end = if done.complete { "read to the end" } else { "NOT read to the end" };
        // Writing to a String cannot fail.
        writeln!(out, "{:<16} {:>6} listed  {:>6} taken in  {end}", feed.as_str(), done.listed, done.recovered).ok();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_795_132_800_000);

    #[test]
    fn since_is_a_span_or_a_time_in_the_past() {
        let hours = |h: u64| NOW.minus(Duration::from_secs(h * 3_600));
        let read = |text: &str| moment(text, NOW).map_err(|_| ());
        assert_eq!(read("24h"), Ok(hours(24)));
        assert_eq!(read("3d"), Ok(hours(72)));
        assert_eq!(read("60d"), Ok(hours(1_440)));
        assert_eq!(read("2026-11-19T00:00:00Z"), Ok(hours(24)));
        assert_eq!(read("2026-11-19T11:00:00+11:00"), Ok(hours(24)));
        for wrong in [
            "",
            "h",
            "24",
            "-3h",
            "+3h",
            "1.5h",
            "24 h",
            "0h",
            "61d",
            "99999999999999999999d",
            "2026-11-21T00:00:00Z",
            "yesterday",
            "é",
        ] {
            assert_eq!(read(wrong), Err(()), "{wrong}");
        }
    }
}
