//! `frontdesk optout audit`: whether Podium's record of an opt-out says the same as ours.
//!
//! Whoever did not answer has said nothing: the two are compared only when both did.

mod finding;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    process::{ProcessEnv, RandomIds, SystemClock},
    start::{Aws, Process, Timing},
};
use frontdesk_core::{
    config::{self, OptOutAuditConfig},
    contact::Contacts as _,
    phone::{E164Phone, normalize},
    provider::ContactBook as _,
    review_code::ReviewCode,
    webchat::WebchatCode,
};
use frontdesk_wiring::Wiring;

use self::finding::Finding;
use crate::failure::{Failure, complain};
use crate::installation::{self, Notes, unusable};
use crate::phone::{mention_unknown, refusal};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Compare what is recorded of a phone here with what Podium says of it.
    #[command(after_help = EXAMPLES)]
    Audit(Audit),
}

const EXAMPLES: &str = r#"Examples:
  eval "$(make -s env)"                    # the settings of the local stack, while `make run` is up
  frontdesk optout audit --phone +61412345678
  frontdesk optout audit --phone "0412 345 678" --default-country AU --output human

The settings are those of the functions, under the same names; `timers` has all of them. Of AWS it needs
AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where there is one, AWS_SESSION_TOKEN. It reads
the contacts table and the secrets of Podium's API and of erased opt-outs, and shares access tokens with
the functions.

The two agree when both say the same, when Podium has no contact of the number, and when the person opted
out of review requests only, which is not told to Podium. `mirror` says how far Podium was told:
  nothing      there was nothing to tell
  due          to be told at due_at (seconds since 1970), after so many vain attempts
  told         told
  no_contact   there was nobody to tell of; told when Podium has a contact
  off          it waits since due_at, and OPTOUT_MIRROR=none

JSON holds the whole number; the table for people shows its last four digits.

Exit codes: 0 they agree, 1 they differ (ERR_WEBCHAT_011), 2 usage or configuration, or one of them did not answer."#;

#[derive(clap::Args)]
pub(crate) struct Audit {
    /// The number, as it was typed
    #[arg(long, allow_hyphen_values = true, value_name = "TEXT")]
    phone: String,
    /// The country of a number without a country code
    #[arg(long, value_name = "REGION")]
    default_country: Option<String>,
    /// For programs or for people
    #[arg(long, value_enum, default_value_t = Output::Json)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Json,
    Human,
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    let Command::Audit(args) = command;
    let country = args.default_country.as_deref();
    mention_unknown(country);
    let number = normalize(&args.phone, country).map_err(|reject| Failure::Config(refusal(reject, country)))?;
    let config = installation::settings(config::Function::Timers, config::optout_audit)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unusable)?;
    let finding = runtime.block_on(compare(&number.e164, config))?;
    let mut stdout = io::stdout().lock();
    match args.output {
        Output::Json => writeln!(stdout, "{:#}", finding.json())?,
        Output::Human => write!(stdout, "{}", finding.table())?,
    }
    stdout.flush()?;
    if finding.consistent() {
        return Ok(ExitCode::SUCCESS);
    }
    let codes = (WebchatCode::OptOutDrift.as_str(), ReviewCode::OptOutDrift.as_str());
    complain(&format!("{}: {} ({})", codes.0, finding.why, codes.1));
    Ok(ExitCode::FAILURE)
}

async fn compare(phone: &E164Phone, config: OptOutAuditConfig) -> Result<Finding, Failure> {
    let ids = RandomIds::from_system().map_err(unusable)?;
    let process = Process { env: ProcessEnv, telemetry: Notes::default(), clock: SystemClock, ids };
    let aws = Aws::from_env(&process.env, &Timing::default()).map_err(unusable)?;
    let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone());
    let store = store.with_pepper(door::pepper(&aws, config.pepper_secret));
    let wiring = Wiring::new(&config.http, &aws, &store, &process).map_err(unusable)?;
    // Its record may be the tag, so it has to be asked by whoever knows the tag's label.
    let podium = wiring.podium_with_tag(&config.podium, &config.mirror.tag).await.map_err(unusable)?;
    let code = WebchatCode::OptOutStoreUnreachable.as_str();
    match tokio::join!(store.contact(phone), podium.find_contact(phone, None)) {
        (Ok(ours), Ok(theirs)) => Ok(Finding::of(phone.clone(), ours, theirs, config.mirror.how)),
        (ours, theirs) => {
            let ours = ours.err().map(|error| format!("{code}: our record was not read: {error}"));
            let theirs = theirs.err().map(|error| format!("Podium's record was not read: {error}"));
            Err(Failure::Unreachable(ours.into_iter().chain(theirs).collect()))
        }
    }
}
