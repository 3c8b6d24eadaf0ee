//! `frontdesk erase`: what the privacy worker does for Shopify's `customers/redact`, asked for by a person at the shop.
//!
//! The demand is stored first, like Shopify's, so that it is carried out whatever becomes of this process: the worker looks
//! through everything as well, and once more when whatever was under way has ended. What is done here is the same work, at
//! once and in sight.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use frontdesk_aws::sqs::{DoorQueue, SqsEvents};
use frontdesk_core::{
    config::{self, Function, PrivacyWorkerConfig},
    erase::Place,
    flow::{
        forget::{Forget, Found},
        ingest::{Answer, Intake, Request, ShopifyEndpoint},
        privacy::COME_BACK_AFTER,
    },
    ids::{EventId, Ids as _, OrderId},
    inbox::{InboxKey, Source},
    record::{Records as _, Shelf},
    shopify::{AskedBy, PrivacyPerson, redact_customer},
};
use serde_json::{Value, json};

use super::{More, Named, Whose};
use crate::failure::{Failure, complain};
use crate::installation::{self, Installation};
use crate::people::{self, Hand, at, unanswered};
use crate::reach::Reach;
use crate::show::{self, Paint, Progress};

pub(crate) const EXAMPLES: &str = r#"Examples:
  frontdesk erase --phone +61412345678 --reason "asked by letter, 3 March" --dry-run
  frontdesk erase --phone +61412345678 --email mia@example.com --reason "asked by letter, 3 March" --yes
  frontdesk erase --order 5866000000001 --reason "asked by letter, 3 March" --yes

Takes a person out of everything that is kept, as Shopify's customers/redact does: bodies, numbers, names, words and
links go; that there was something and how it ended stays. Their opt-outs and the time of the last request stay as a
keyed hash of the number (ADR 0008), so that who said STOP is not written to. --order leads to the person who ordered.
What Podium, Shopify and Chatwoot keep is theirs to erase.

The demand is stored first. Should this stop half way, the privacy worker goes on with it, and so does the same
command again. It looks once more after twenty minutes, and then people are told.

Exit codes: 0 done, 1 nothing is kept (or you said no), 2 usage, configuration, or no answer, 3 partly done."#;

#[derive(clap::Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    more: More,
    #[command(flatten)]
    hand: Hand,
    /// Say what would be erased, and erase nothing
    #[arg(long)]
    dry_run: bool,
    /// Do it without being asked
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(reach: &Reach, args: &Erase) -> Result<ExitCode, Failure> {
    let (by, reason) = args.hand.read()?;
    installation::run(reach, async |shop| {
        let config = people::shop(&shop)?;
        let named = Named::read(&args.whose, &args.more, &config)?;
        let forget = Forget { store: &shop.store, shop: &config.shop };
        let (found, plan) = Plan::make(&shop, &forget, &named).await?;
        if plan.is_empty() {
            let under_way = match plan.demands {
                0 => String::new(),
                demands => {
                    format!(" but {demands} demand(s) to erase it, which empty themselves when they are carried out")
                }
            };
            complain(&format!("nothing is kept of {}{under_way}", named.masked()));
            return Ok(ExitCode::FAILURE);
        }
        if args.dry_run {
            reach.show(&plan.json(None), |paint| plan.text(&named, *paint))?;
            return Ok(ExitCode::SUCCESS);
        }
        if !reach.confirm(&plan.text(&named, reach.paint()), args.yes)? {
            return Ok(ExitCode::FAILURE);
        }
        let demands = demand(&shop, &config, &found, &AskedBy { by, reason }).await?;
        let looked_again_at = shop.now().plus(COME_BACK_AFTER);
        let mut progress = Progress::start("rows erased", u64::try_from(plan.rows()).ok());
        let wiped = forget.wipe(&found, &demands, |_| progress.step(1)).await;
        progress.finish();
        let contacts = match wiped {
            Ok(_) => forget.erase_contacts(&found).await,
            Err(error) => Err(error),
        };
        contacts.map_err(|error| {
            let left = "the demand is stored, so the privacy worker goes on; so does the same command again";
            Failure::Partly(format!("stopped on the way: {error}; {left}"))
        })?;
        let done = json!({
            "demands": demands.iter().map(InboxKey::to_key).collect::<Vec<_>>(),
            "looked_again_at": show::iso(looked_again_at),
        });
        reach.show(&plan.json(Some(&done)), |paint| {
            format!(
                "{}; it is looked again at {}, and then people are told\n",
                paint.good(format!("{} is erased", named.masked())),
                at(Some(looked_again_at))
            )
        })?;
        Ok(ExitCode::SUCCESS)
    })
}

/// What is to be erased, by table.
struct Plan {
    rows: BTreeMap<Place, usize>,
    contacts: usize,
    opted_out: usize,
    /// Demands to erase the same person that are under way.
    demands: usize,
}

impl Plan {
    async fn make(
        shop: &Installation,
        forget: &Forget<'_, frontdesk_aws::dynamo::DynamoStore>,
        named: &Named,
    ) -> Result<(Found, Self), Failure> {
        let mut progress = Progress::start("rows looked at", None);
        let mut looked = |rows: usize| progress.step(u64::try_from(rows).unwrap_or(u64::MAX));
        let found = forget.find(named.subject.clone(), &mut looked).await.map_err(unanswered)?;
        let (mut rows, mut demands) = (BTreeMap::new(), 0);
        let count = |place: Place, row: &frontdesk_core::erase::KeptRow| {
            let is_demand = InboxKey::parse(&row.key).is_some_and(|key| key.source == Source::Privacy);
            demands += usize::from(place == Place::Inbox && is_demand && row.holds_something(place));
            // What was emptied before is found and left.
            if row.holds_something(place) && !is_demand {
                *rows.entry(place).or_default() += 1;
            }
        };
        forget.rows(&found, &mut looked, count).await.map_err(unanswered)?;
        progress.finish();
        let (mut contacts, mut opted_out) = (0, 0);
        for phone in &found.customers {
            let row = shop.store.record(Shelf::Contacts, phone.expose()).await.map_err(unanswered)?;
            let Some(row) = row else { continue };
            contacts += 1;
            let flags = frontdesk_core::contact::OptOutFlag::ALL;
            opted_out += usize::from(flags.iter().any(|flag| row.text(flag.as_str()).is_some_and(|word| word != "in")));
        }
        Ok((found, Self { rows, contacts, opted_out, demands }))
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.contacts == 0
    }

    fn rows(&self) -> usize {
        self.rows.values().sum()
    }

    fn json(&self, done: Option<&Value>) -> Value {
        let mut counts: serde_json::Map<String, Value> =
            self.rows.iter().map(|(place, count)| (place.as_str().to_owned(), json!(count))).collect();
        counts.insert("contacts".to_owned(), json!(self.contacts));
        json!({ "dry_run": done.is_none(), "rows": counts, "opt_outs_kept": self.opted_out, "done": done })
    }

    fn text(&self, named: &Named, paint: Paint) -> String {
        let mut text = format!("to be erased of {}:\n", named.masked());
        for (place, count) in &self.rows {
            writeln!(text, "  {:<16}{count}", place.as_str()).ok();
        }
        writeln!(text, "  {:<16}{}", "contacts", self.contacts).ok();
        let kept = format!("kept as a keyed hash: {} opt-out(s), and when they were last asked", self.opted_out);
        writeln!(text, "{}", paint.dim(kept)).ok();
        text.trim_end().to_owned()
    }
}

/// Stores the demand, as Shopify's would be, for the worker to carry out as well. One of Shopify's names one number and one
/// address, so there are as many as it takes to name all.
async fn demand(
    shop: &Installation,
    config: &PrivacyWorkerConfig,
    found: &Found,
    asked_by: &AskedBy,
) -> Result<Vec<InboxKey>, Failure> {
    let Installation { aws, process, store, .. } = shop;
    let rules = shop.settings(Function::ShopifyPrivacy, config::shopify_endpoint)?.rules;
    let queues = &shop.config.queues;
    let queue = DoorQueue::Shopify {
        shopify: SqsEvents::new(aws.sqs(), queues.shopify.clone()),
        privacy: SqsEvents::new(aws.sqs(), queues.privacy.clone()),
    };
    let endpoint = ShopifyEndpoint { shop: config.shop.clone() };
    let (ids, telemetry) = (&process.ids, &process.telemetry);
    let intake = Intake { endpoint: &endpoint, store, queue: &queue, ids, telemetry, rules };
    let subject = &found.subject;
    let (mut phones, mut emails) = (subject.phones.iter(), subject.emails.iter());
    let mut stored = Vec::new();
    for _ in 0..subject.phones.len().max(subject.emails.len()).max(1) {
        let own = format!("operator-{}", ids.owner().as_str());
        let event = EventId::try_from(own.as_str()).map_err(installation::unusable)?;
        let person = PrivacyPerson {
            customer_id: subject.customer,
            email: emails.next().cloned(),
            phone: phones.next().map(|phone| phone.expose().to_owned()),
        };
        let orders: Vec<OrderId> = subject.orders.iter().copied().collect();
        let body = redact_customer(&config.shop, &person, &orders, asked_by);
        let headers = [
            ("x-shopify-webhook-id", own.as_bytes()),
            ("x-shopify-topic", b"customers/redact".as_slice()),
            ("x-shopify-shop-domain", config.shop.as_str().as_bytes()),
        ];
        match intake.take_in(&Request { headers: &headers, body: body.as_bytes() }, shop.now()).await {
            Answer::Accepted => stored.push(InboxKey { source: Source::Privacy, event }),
            answer @ (Answer::Duplicate
            | Answer::Mismatch
            | Answer::Rejected
            | Answer::Ignored(_)
            | Answer::BadSignature(_)
            | Answer::TooLarge
            | Answer::NotStored) => {
                let sentence = format!("nothing was erased: the demand was not stored ({})", answer.text());
                return Err(Failure::Unreachable(vec![sentence]));
            }
        }
    }
    Ok(stored)
}
