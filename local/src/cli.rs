//! The program: starts what it is told to, says where it listens, and stops on Ctrl-C or SIGTERM.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::front_door::{FrontDoor, FrontDoorConfig, RouteTable};
use crate::say::say;
use crate::site::{Site, SiteConfig};
use crate::stand_ins::{StandIns, StandInsConfig};

/// The front door, the provider stand-ins and the shop's page of the local stack.
#[derive(Debug, Parser)]
#[command(name = "frontdesk-local", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the front door, the stand-ins, the shop's page, or several of them, until Ctrl-C or SIGTERM.
    Serve(Serve),
}

#[derive(Debug, Args)]
struct Serve {
    /// Where the front door listens, like 127.0.0.1:8787.
    #[arg(long, value_name = "ADDR", requires = "routes", requires = "lambda_endpoint")]
    front_door: Option<String>,
    /// JSON file with the routes: [{"method": "POST", "path": "/podium/webchat", "function": "podium-webchat"}].
    #[arg(long, value_name = "FILE")]
    routes: Option<PathBuf>,
    /// Base URL of the Lambda API, like http://127.0.0.1:4566.
    #[arg(long, value_name = "URL")]
    lambda_endpoint: Option<String>,
    /// Region the functions were deployed in.
    #[arg(long, value_name = "NAME", default_value = "us-east-1")]
    region: String,
    /// Access key the functions were deployed with.
    #[arg(long, value_name = "KEY", default_value = "test")]
    access_key: String,
    /// How long a function may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout_s: u64,
    /// Print a line for every request at the front door.
    #[arg(long)]
    verbose: bool,
    /// Where the stand-ins listen, like 127.0.0.1:8788.
    #[arg(long, value_name = "ADDR")]
    stand_ins: Option<String>,
    /// File that keeps the ledger over restarts; without it, the ledger lives in memory.
    #[arg(long, value_name = "FILE", requires = "stand_ins")]
    ledger: Option<PathBuf>,
    /// Where the shop's page is served, like 127.0.0.1:8790.
    #[arg(long, value_name = "ADDR", requires = "site_root", requires = "api")]
    site: Option<String>,
    /// Folder with the page's files.
    #[arg(long, value_name = "DIR")]
    site_root: Option<PathBuf>,
    /// What the page takes for the front desk, like http://127.0.0.1:8787.
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// Where the page may put its uploads to, like http://127.0.0.1:4566; may be given again.
    #[arg(long, value_name = "URL", requires = "site")]
    upload_host: Vec<String>,
    /// Where the page may show pictures from by plain http; may be given again.
    #[arg(long, value_name = "URL", requires = "site")]
    image_host: Vec<String>,
}

/// Why the program ended with a failure.
#[derive(Debug)]
pub enum CliError {
    /// The command line was wrong, or asked for help.
    Usage(clap::Error),
    /// Something could not be opened, read or bound.
    Start(String, io::Error),
    /// The command line names no part.
    NothingToDo,
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => write!(f, "{error}"),
            Self::Start(what, error) => write!(f, "{what}: {error}"),
            Self::NothingToDo => {
                f.write_str("nothing to serve: give --front-door, --stand-ins, --site, or several of them")
            }
        }
    }
}

impl std::error::Error for CliError {}

/// Runs the program with these arguments until it is told to stop.
///
/// # Errors
/// When the arguments are wrong, or a part cannot be started.
pub async fn run<I, T>(arguments: I) -> Result<(), CliError>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let Cli { command: Command::Serve(serve) } = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // Help and version are not failures, and clap knows where to print them.
        Err(error) if !error.use_stderr() => {
            say(format_args!("{error}"));
            return Ok(());
        }
        Err(error) => return Err(CliError::Usage(error)),
    };
    if serve.front_door.is_none() && serve.stand_ins.is_none() && serve.site.is_none() {
        return Err(CliError::NothingToDo);
    }
    // Before anything listens, so that a stop during the start is not lost.
    let stop = stop_signal().map_err(|error| CliError::Start("signals".to_owned(), error))?;
    let stand_ins = start_stand_ins(&serve).await?;
    let front_door = start_front_door(&serve).await?;
    let site = start_site(&serve).await?;
    say("ready; Ctrl-C stops");
    stop.await;
    say("stopping");
    if let Some(site) = site {
        site.stop().await;
    }
    if let Some(front_door) = front_door {
        front_door.stop().await;
    }
    if let Some(stand_ins) = stand_ins {
        stand_ins.stop().await;
    }
    Ok(())
}

async fn start_stand_ins(serve: &Serve) -> Result<Option<StandIns>, CliError> {
    let Some(addr) = &serve.stand_ins else { return Ok(None) };
    let config = StandInsConfig { ledger: serve.ledger.clone() };
    let started = StandIns::start_with(addr.as_str(), config).await;
    let stand_ins = started.map_err(|error| CliError::Start(format!("stand-ins on {addr}"), error))?;
    say(format_args!("stand-ins   {}", stand_ins.base_url()));
    say(format_args!("  podium    {}", stand_ins.podium_url()));
    say(format_args!("  shopify   {}", stand_ins.shopify_url()));
    say(format_args!("  chatwoot  {}", stand_ins.chatwoot_url()));
    say(format_args!("  ai        {}", stand_ins.ai_url()));
    say(format_args!("  shop      {}", stand_ins.shop_url()));
    say(format_args!("  slack     {}", stand_ins.slack_url()));
    say(format_args!("  webhook   {}", stand_ins.webhook_url()));
    say(format_args!("  sns       {}", stand_ins.sns_url()));
    say(format_args!("  control   {}/_control", stand_ins.base_url()));
    match &serve.ledger {
        Some(file) => say(format_args!("  ledger    {} ({} effects so far)", file.display(), stand_ins.ledger().len())),
        None => say("  ledger    in memory"),
    }
    Ok(Some(stand_ins))
}

async fn start_front_door(serve: &Serve) -> Result<Option<FrontDoor>, CliError> {
    let (Some(addr), Some(routes), Some(lambda)) = (&serve.front_door, &serve.routes, &serve.lambda_endpoint) else {
        return Ok(None);
    };
    let named = |error| CliError::Start(format!("routes {}", routes.display()), error);
    let text = std::fs::read_to_string(routes).map_err(named)?;
    let table =
        RouteTable::from_json(&text).map_err(|problem| named(io::Error::new(io::ErrorKind::InvalidData, problem)))?;
    let count = table.routes().len();
    let config = FrontDoorConfig {
        region: serve.region.clone(),
        access_key: serve.access_key.clone(),
        integration_timeout: Duration::from_secs(serve.timeout_s),
        verbose: serve.verbose,
        ..FrontDoorConfig::new(table, lambda)
    };
    let started = FrontDoor::start(addr.as_str(), config).await;
    let front_door = started.map_err(|error| CliError::Start(format!("front door on {addr}"), error))?;
    say(format_args!("front door  {} ({count} routes, functions at {lambda})", front_door.base_url()));
    Ok(Some(front_door))
}

async fn start_site(serve: &Serve) -> Result<Option<Site>, CliError> {
    let (Some(addr), Some(root), Some(api)) = (&serve.site, &serve.site_root, &serve.api) else {
        return Ok(None);
    };
    let config = SiteConfig {
        root: root.clone(),
        api: api.clone(),
        upload_hosts: serve.upload_host.clone(),
        image_hosts: serve.image_host.clone(),
    };
    let started = Site::start(addr.as_str(), config).await;
    let site = started.map_err(|error| CliError::Start(format!("site on {addr}"), error))?;
    say(format_args!("site        {} ({}, front desk at {api})", site.base_url(), root.display()));
    Ok(Some(site))
}

/// Resolves at the first Ctrl-C or SIGTERM.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
