//! `frontdesk cooldown check`: whether somebody may be asked for a review now. The answer is the gate's own.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use frontdesk_core::{
    config::{self, Function},
    contact::{Contact, Contacts as _, Hold, Objection},
    ids::EffectKey,
    phone::E164Phone,
    time::{DAY, UnixMillis},
};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::installation;
use crate::people::{Phone, at, masked, unread};
use crate::reach::Reach;
use crate::show::Paint;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say when somebody was last asked for a review, and whether they may be asked now.
    #[command(after_help = EXAMPLES)]
    Check(Check),
}

const EXAMPLES: &str = r#"Examples:
  frontdesk cooldown check --phone +61412345678
  frontdesk cooldown check --phone "0412 345 678" --default-country AU --cooldown-days 60

The answer is what the gate in front of every review request would say: last_contact_at is when the last one was
reserved (seconds since 1970, null: never), cooldown_days_remaining counts down from REVIEW_COOLDOWN_DAYS or
--cooldown-days. can_send is false for an opt-out and for a number that cannot get texts as well; `why` says
which: cooldown, opted_out:<flag>, not_textable:<reason>.

Exit codes: 0 can send, 1 cannot, 2 usage, configuration, or no answer (never taken for "can send")."#;

#[derive(clap::Args)]
pub(crate) struct Check {
    #[command(flatten)]
    phone: Phone,
    /// How many days lie between two requests [default: the installation's REVIEW_COOLDOWN_DAYS]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=3_650))]
    cooldown_days: Option<u32>,
}

pub(crate) fn run(reach: &Reach, command: Command) -> Result<ExitCode, Failure> {
    let Command::Check(args) = command;
    let phone = args.phone.read()?;
    installation::run(reach, async |shop| {
        let window = match args.cooldown_days {
            Some(days) => DAY * days,
            None => shop.settings(Function::ReviewSender, config::cooldown)?,
        };
        let contact = shop.store.contact(&phone).await.map_err(unread)?;
        let answer = Answer::of(phone, contact, window, shop.now());
        reach.show(&answer.json(), |paint| answer.text(*paint))?;
        Ok(if answer.objection.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

struct Answer {
    phone: E164Phone,
    last: Option<(UnixMillis, EffectKey)>,
    remaining: Duration,
    objection: Option<Objection>,
}

impl Answer {
    fn of(phone: E164Phone, contact: Option<Contact>, window: Duration, now: UnixMillis) -> Self {
        let contact = contact.unwrap_or_else(|| Contact::unknown(phone.clone()));
        let hold = Hold { phone: phone.clone(), intent: EffectKey::from_stored("cooldown-check"), now, window };
        let objection = contact.objection(&hold);
        let last = contact.cooldown.map(|cooldown| (cooldown.at, cooldown.holder));
        let remaining = last.as_ref().map_or(Duration::ZERO, |(at, _)| at.plus(window).since(now));
        Self { phone, last, remaining, objection }
    }

    /// In tenths of a day, rounded up: what is not over is never nothing.
    fn days(&self) -> f64 {
        let tenths = self.remaining.as_millis().div_ceil(DAY.as_millis() / 10);
        f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
    }

    fn why(&self) -> Option<String> {
        self.objection.map(|objection| match objection {
            Objection::OptedOut(flag) => format!("opted_out:{}", flag.as_str()),
            Objection::NotTextable(why) => format!("not_textable:{}", why.as_str()),
            Objection::CoolingDown { .. } => "cooldown".to_owned(),
        })
    }

    fn json(&self) -> Value {
        json!({
            "phone": self.phone.expose(),
            "last_contact_at": self.last.as_ref().map(|(at, _)| seconds(*at)),
            "cooldown_days_remaining": self.days(),
            "can_send": self.objection.is_none(),
            "why": self.why(),
            "held_by": self.last.as_ref().map(|(_, holder)| holder.as_str()),
        })
    }

    fn text(&self, paint: Paint) -> String {
        let can = if self.objection.is_none() { paint.good("yes") } else { paint.bad("NO") };
        let why = self.why().map(|why| format!(" ({why})")).unwrap_or_default();
        let held = self.last.as_ref().map(|(_, holder)| format!(" by {}", holder.as_str())).unwrap_or_default();
        format!(
            "phone       {}\nlast asked  {}{held}\nremaining   {:.1} days\ncan send    {can}{why}\n",
            masked(&self.phone),
            at(self.last.as_ref().map(|(at, _)| *at)),
            self.days(),
        )
    }
}

/// Seconds since 1970, as the brief's script prints them.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into a double until the year 287396")]
fn seconds(at: UnixMillis) -> f64 {
    at.get() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use frontdesk_core::contact::Cooldown;

    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_795_132_800_000);

    fn asked(ago: Duration) -> Answer {
        let phone = E164Phone::parse_e164("+61491570156").unwrap();
        let cooldown = Some(Cooldown { at: NOW.minus(ago), holder: EffectKey::from_stored("x") });
        let contact = Contact { cooldown, ..Contact::unknown(phone.clone()) };
        Answer::of(phone, Some(contact), DAY * 30, NOW)
    }

    #[test]
    fn what_is_left_is_never_nothing_while_nobody_may_send() {
        for (ago, left, can) in [
            (Duration::ZERO, 30.0, false),
            (DAY * 6 + Duration::from_secs(14 * 3_600), 23.5, false),
            (DAY * 30 - Duration::from_millis(1), 0.1, false),
            (DAY * 30, 0.0, true),
            (DAY * 300, 0.0, true),
        ] {
            let answer = asked(ago);
            assert_eq!((answer.days(), answer.objection.is_none()), (left, can), "{ago:?}");
        }
    }
}
