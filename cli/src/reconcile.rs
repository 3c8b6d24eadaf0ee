//! `frontdesk reconcile`: what the providers' lists know and the inbox does not is taken in, as the clock does it each hour.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use frontdesk_aws::{dynamo::DynamoStore, sqs::SqsEvents, start::Process};
use frontdesk_core::{
    config::{self, FollowUpConfig, Function},
    directory::Bookmarks as _,
    flow::{
        ingest::{Endpoint, ShopifyEndpoint},
        reconcile::{Reconcile, Reconciled},
    },
    provider::{Backlog, Feed},
    time::{DAY, UnixMillis},
};
use frontdesk_wiring::Wiring;
use serde_json::{Value, json};

use crate::failure::{Failure, complain};
use crate::installation::{self, Installation, Notes, unusable};
use crate::reach::Reach;
use crate::show;

/// No list goes back further, and nobody has to be asked about what is older.
const BACK_MAX: Duration = DAY.saturating_mul(60);

const EXAMPLES: &str = r#"Examples:
  eval "$(make -s env)"                    # where the local stack is, while `make run` is up
  frontdesk reconcile podium               # from where the last comparison ended
  frontdesk reconcile podium --since 72h
  frontdesk reconcile shopify --since 2026-11-18T00:00:00Z --output human

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

/// What came of one list.
struct Compared {
    feed: Feed,
    done: Reconciled,
}

pub(crate) fn run(reach: &Reach, args: &Args, now_ms: i64) -> Result<ExitCode, Failure> {
    let now = UnixMillis::new(now_ms);
    let since = args.since.as_deref().map(|text| show::when(text, now, BACK_MAX)).transpose()?;
    installation::run(reach, async |shop| {
        let compared = compare(&shop, args.provider, since).await?;
        reach.show(&document(args.provider, since, &compared), |_| table(&compared))?;
        let open: Vec<&str> = compared.iter().filter(|c| !c.done.complete).map(|c| c.feed.as_str()).collect();
        if !open.is_empty() {
            let sentence = format!("not read to the end: {}; the same command again goes on", open.join(", "));
            return Err(Failure::Unreachable(vec![sentence]));
        }
        let missing = compared.iter().any(|c| c.done.recovered > 0);
        Ok(if missing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    })
}

async fn compare(shop: &Installation, provider: Provider, since: Option<UnixMillis>) -> Result<Vec<Compared>, Failure> {
    let Installation { aws, process, store, .. } = shop;
    let config = shop.settings(Function::FollowUp, config::follow_up)?;
    let queue = match provider {
        Provider::Podium => SqsEvents::in_lines(aws.sqs(), config.podium_queue_url.clone(), process.ids.clone()),
        Provider::Shopify => SqsEvents::new(aws.sqs(), config.shopify_queue_url.clone()),
    };
    let wiring = Wiring::new(&config.http, aws, store, process).map_err(unusable)?;
    let desk = Desk { store, queue: &queue, process, config: &config };
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
        "since": since.and_then(show::iso),
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
