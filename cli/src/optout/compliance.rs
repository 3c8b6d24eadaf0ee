//! `frontdesk optout compliance`: the four flags of a person, and whether Podium's record contradicts them.
//!
//! Drift is what lets somebody be written to who wants no messages, or the other way round: our record and Podium's say
//! different things of one person. Flags that differ among themselves are none: any of them stops every message (ADR 0005),
//! and each ends by its own rules.

use std::process::ExitCode;

use frontdesk_core::{
    contact::{ChangeOutcome, Contact, Contacts as _, Direction, Mirrors as _, OptOutChange, OptOutFlag, OptOutSource},
    phone::E164Phone,
    provider::{ListedContact, OptOutMirror},
    time::UnixMillis,
};
use serde_json::{Value, json};

use super::{compare, finding::Finding};
use crate::failure::{Failure, complain};
use crate::installation::{self, Installation};
use crate::people::{Phone, masked, unread};
use crate::reach::Reach;
use crate::show::Paint;

pub(super) const EXAMPLES: &str = r#"Examples:
  frontdesk optout compliance --phone +61412345678
  frontdesk optout compliance --phone +61412345678 --propagate --dry-run
  frontdesk optout compliance --phone +61412345678 --propagate --yes

Any flag that is set stops every message (`suppressed`). Drift is that Podium's record contradicts ours: it does not
know of an opt-out that it is to be told, or it knows of one that is not recorded here. Flags that differ among
themselves are no drift, and an opt-out from review requests alone is not Podium's to know.

--propagate brings the two together, toward fewer messages only. What only Podium knows is recorded here as Podium's
word; what Podium lacks becomes due to be told, which the timers do within a minute (OPTOUT_MIRROR says how). Nobody
is ever opened by it, and no flag is widened into another.

A number that neither record knows is contact_found: false, with nothing said of its flags.

Exit codes: 0 no drift, 1 drift and suppressed, 2 drift and not suppressed, 3 no such contact, no answer or
configuration (as the brief's script has them; a wrong option is 2, as everywhere)."#;

#[derive(clap::Args)]
pub(crate) struct Compliance {
    #[command(flatten)]
    phone: Phone,
    /// Bring the two records together, toward fewer messages only
    #[arg(long)]
    propagate: bool,
    /// Say what --propagate would do, and do nothing
    #[arg(long, requires = "propagate")]
    dry_run: bool,
    /// Do it without being asked
    #[arg(long, requires = "propagate")]
    yes: bool,
}

/// What brings two records together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Record here what only Podium knows.
    RecordHere,
    /// Podium is to be told.
    TellPodium,
}

impl Step {
    const fn as_str(self) -> &'static str {
        match self {
            Self::RecordHere => "record_here",
            Self::TellPodium => "tell_podium",
        }
    }

    const fn describe(self) -> &'static str {
        match self {
            Self::RecordHere => "record podium_keyword_optout here, as Podium's word",
            Self::TellPodium => "make it due now that Podium is told of the opt-out; the timers do it",
        }
    }
}

pub(super) fn run(reach: &Reach, args: &Compliance) -> ExitCode {
    // 2 would say that there is drift.
    checked(reach, args).unwrap_or_else(|failure| {
        failure.report();
        ExitCode::from(3)
    })
}

fn checked(reach: &Reach, args: &Compliance) -> Result<ExitCode, Failure> {
    let phone = args.phone.read()?;
    installation::run(reach, async |shop| {
        let mut finding = compare(&shop, &phone).await?;
        let mut propagated = None;
        if args.propagate {
            match plan(&finding) {
                Ok(step) if args.dry_run => propagated = Some(json!({ "plan": step.as_str(), "done": false })),
                Ok(step) => {
                    let plan = format!("{}: {}\n  {}", masked(&phone), finding.why, step.describe());
                    let done = reach.confirm(&plan, args.yes)? && carry_out(&shop, &phone, step).await?;
                    if done {
                        finding = compare(&shop, &phone).await?;
                    }
                    propagated = Some(json!({ "plan": step.as_str(), "done": done }));
                }
                Err(why) => {
                    complain(&format!("nothing to propagate: {why}"));
                    propagated = Some(json!({ "plan": null, "done": false, "why": why }));
                }
            }
        }
        let report = Report::of(&finding);
        reach.show(&report.json(propagated), |paint| report.text(*paint))?;
        Ok(report.exit())
    })
}

/// The one step that helps, or why none does.
fn plan(finding: &Finding) -> Result<Step, &'static str> {
    if finding.consistent() {
        return Err("the two records do not contradict each other");
    }
    let suppressed = finding.ours().is_some_and(|contact| contact.opted_out().is_some());
    match finding.ours() {
        Some(_) if suppressed && finding.how().is_none() => {
            Err("Podium is not told of opt-outs, since OPTOUT_MIRROR is none")
        }
        Some(_) if suppressed && finding.how() == Some(OptOutMirror::CampaignOptOut) => {
            Err("OPTOUT_MIRROR=campaign_opt_out changes Podium's campaigns, and not the record that is looked at")
        }
        Some(_) if suppressed => Ok(Step::TellPodium),
        Some(contact) if contact.mirrored_out => Err(
            "Podium says what it was told by us, and the person is back; the timers tell it, this never opens anybody",
        ),
        Some(_) | None => Ok(Step::RecordHere),
    }
}

/// Whether it was done.
async fn carry_out(shop: &Installation, phone: &E164Phone, step: Step) -> Result<bool, Failure> {
    let now = shop.now();
    match step {
        Step::RecordHere => {
            let (flag, source) = (OptOutFlag::Keyword, OptOutSource::Podium);
            let change = OptOutChange::on_record(phone.clone(), flag, source, now, now);
            let applied = shop.store.record_opt_out(&change).await.map_err(unread)? == ChangeOutcome::Applied;
            if !applied {
                complain("something newer is recorded here; Podium's word was not taken");
            }
            Ok(applied)
        }
        Step::TellPodium => {
            let due = shop.store.tell_anew(phone, now).await.map_err(unread)?;
            if !due {
                complain("this person was erased here: what is remembered of them is told to nobody");
            }
            Ok(due)
        }
    }
}

/// What is said of a person.
struct Report<'f> {
    finding: &'f Finding,
    ours: Option<&'f Contact>,
    theirs: Option<&'f ListedContact>,
    drift: bool,
}

impl<'f> Report<'f> {
    fn of(finding: &'f Finding) -> Self {
        Self { finding, ours: finding.ours(), theirs: finding.theirs(), drift: !finding.consistent() }
    }

    fn found(&self) -> bool {
        self.ours.is_some() || self.theirs.is_some()
    }

    fn suppressed(&self) -> bool {
        self.ours.is_some_and(|contact| contact.opted_out().is_some())
    }

    /// Whether a flag is set; nothing where nobody knows the number.
    fn flag(&self, wanted: OptOutFlag) -> Option<bool> {
        let out = |contact: &Contact| {
            contact.opt_outs.iter().any(|(flag, record)| *flag == wanted && record.direction == Direction::Out)
        };
        self.found().then(|| self.ours.is_some_and(out))
    }

    fn since(&self) -> Vec<(OptOutFlag, Direction, OptOutSource, UnixMillis)> {
        let records = self.ours.map(|contact| contact.opt_outs.as_slice()).unwrap_or_default();
        records.iter().map(|(flag, record)| (*flag, record.direction, record.evidence.source, record.at)).collect()
    }

    fn json(&self, propagated: Option<Value>) -> Value {
        let mut document = json!({
            "phone": self.finding.phone().expose(),
            "contact_found": self.found(),
            "contact_id": self.theirs.map(|contact| contact.uid.as_str()),
            "suppressed": self.found().then(|| self.suppressed()),
            "drift_detected": self.drift,
            "drift_reason": self.drift.then_some(&self.finding.why),
            "podium_opted_out": self.theirs.map(|contact| contact.opted_out),
            "mirror": self.finding.mirror_json(),
        });
        if let Some(fields) = document.as_object_mut() {
            fields.extend(OptOutFlag::ALL.map(|flag| (flag.as_str().to_owned(), json!(self.flag(flag)))));
            fields.extend(propagated.map(|propagated| ("propagated".to_owned(), propagated)));
        }
        document
    }

    fn text(&self, paint: Paint) -> String {
        let mut text = format!("phone       {}\n", masked(self.finding.phone()));
        if !self.found() {
            return text + "found       NO: neither our record nor Podium's knows this number\n";
        }
        for (flag, direction, source, at) in self.since() {
            let word = if direction == Direction::Out { paint.bad("out") } else { paint.good("back in") };
            let when = crate::people::at(Some(at));
            text.push_str(&format!("{:<24}{word} by {} since {when}\n", flag.as_str(), source.as_str()));
        }
        let suppressed = if self.suppressed() { paint.bad("YES, no messages") } else { paint.good("no") };
        let drift = if self.drift { paint.bad("YES") } else { paint.good("no") };
        text + &format!("suppressed  {suppressed}\ndrift       {drift}: {}\n", self.finding.why)
    }

    fn exit(&self) -> ExitCode {
        ExitCode::from(match (self.found(), self.drift, self.suppressed()) {
            (false, ..) => 3,
            (true, false, _) => 0,
            (true, true, true) => 1,
            (true, true, false) => 2,
        })
    }
}
