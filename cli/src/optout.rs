//! `frontdesk optout`: whether Podium's record of an opt-out says the same as ours, and what a person writes down.
//!
//! Whoever did not answer has said nothing: two records are compared only when both answered.

mod compliance;
mod finding;
mod record;

use std::process::ExitCode;

use clap::Subcommand;
use frontdesk_core::{
    config::{self, Function},
    contact::Contacts as _,
    phone::E164Phone,
    provider::ContactBook as _,
    review_code::ReviewCode,
    webchat::WebchatCode,
};
use frontdesk_wiring::Wiring;

use self::finding::Finding;
use crate::failure::{Failure, complain};
use crate::installation::{self, Installation, unusable};
use crate::people::Phone;
use crate::reach::Reach;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Compare what is recorded of a phone here with what Podium says of it.
    #[command(after_help = EXAMPLES)]
    Audit(Audit),
    /// Show the four flags of a phone, whether they stop messages, and whether Podium's record contradicts them.
    #[command(after_help = compliance::EXAMPLES)]
    Compliance(compliance::Compliance),
    /// Write down that somebody wants no more messages.
    #[command(after_help = record::RECORD_EXAMPLES)]
    Record(record::Record),
    /// Write down that somebody wants messages again.
    #[command(after_help = record::CLEAR_EXAMPLES)]
    Clear(record::Clear),
}

const EXAMPLES: &str = r#"Examples:
  eval "$(make -s env)"                    # where the local stack is, while `make run` is up
  frontdesk optout audit --phone +61412345678
  frontdesk optout audit --phone "0412 345 678" --default-country AU --output human

It reads the contacts table and the secrets of Podium's API and of erased opt-outs, and shares access tokens
with the functions.

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
    #[command(flatten)]
    phone: Phone,
}

pub(crate) fn run(reach: &Reach, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Audit(args) => audit(reach, &args),
        Command::Compliance(args) => Ok(compliance::run(reach, &args)),
        Command::Record(args) => record::record(reach, &args),
        Command::Clear(args) => record::clear(reach, &args),
    }
}

fn audit(reach: &Reach, args: &Audit) -> Result<ExitCode, Failure> {
    let phone = args.phone.read()?;
    installation::run(reach, async |shop| {
        let finding = compare(&shop, &phone).await?;
        reach.show(&finding.json(), |_| finding.table())?;
        if finding.consistent() {
            return Ok(ExitCode::SUCCESS);
        }
        let codes = (WebchatCode::OptOutDrift.as_str(), ReviewCode::OptOutDrift.as_str());
        complain(&format!("{}: {} ({})", codes.0, finding.why, codes.1));
        Ok(ExitCode::FAILURE)
    })
}

async fn compare(shop: &Installation, phone: &E164Phone) -> Result<Finding, Failure> {
    let Installation { aws, process, store, .. } = shop;
    let config = shop.settings(Function::Timers, config::optout_audit)?;
    let wiring = Wiring::new(&config.http, aws, store, process).map_err(unusable)?;
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
