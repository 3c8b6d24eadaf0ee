//! `frontdesk requests show`: everything about one order's review request, and why it stands where it stands.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Subcommand;
use frontdesk_core::{
    contact::{Contact, Contacts as _},
    flow::operate::story::{Moment, timeline},
    ids::ProviderId,
    ids::{EffectKey, OrderKey},
    outbox::{Outbox as _, Tracked},
    phone::E164Phone,
    record::{Record, Records as _, Shelf, Sieve},
    store::StoreError,
};
use serde_json::{Value, json};

use crate::failure::{Failure, complain};
use crate::installation::{self, Installation};
use crate::people::{self, at, masked, unanswered};
use crate::reach::Reach;
use crate::show::{self, Grid, Paint};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show an order's review request: where it stands and why, when it is due, what was sent and what became of it.
    #[command(after_help = EXAMPLES)]
    Show(Show),
}

const EXAMPLES: &str = r#"Examples:
  frontdesk requests show --order 5866000000001
  frontdesk requests show --order harbour-lane.myshopify.com#5866000000001 --output json

`eligibility` is the record of what the rules looked at when it was decided (docs/ARCHITECTURE.md). `send` is the row
of the text itself: accepted is what Podium took, delivered and undelivered what it said became of it. `cooldown` is
the person's, and says whether this very request holds it.

An order that was never to be asked about (no fulfilment yet, or its event is not worked on) has no request; `frontdesk
export --order` looks everywhere. Its number is Shopify's id of the order, not the name that customers see.

Exit codes: 0 found, 1 not found, 2 usage, configuration, or no answer."#;

#[derive(clap::Args)]
pub(crate) struct Show {
    /// The order: Shopify's id of it, or shop#id
    #[arg(long, value_name = "ID")]
    order: String,
}

pub(crate) fn run(reach: &Reach, command: Command) -> Result<ExitCode, Failure> {
    let Command::Show(args) = command;
    installation::run(reach, async |shop| {
        let key = people::order(&args.order, &people::shop(&shop)?.shop)?;
        let Some(found) = Found::of(&shop, &key).await.map_err(unanswered)? else {
            complain(&format!("the order {} has no review request", key.to_key()));
            return Ok(ExitCode::FAILURE);
        };
        reach.show(&found.json(), |paint| found.text(*paint))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// All about a request.
struct Found {
    key: OrderKey,
    request: Record,
    send: Option<Record>,
    reminder: Option<Record>,
    /// What is known of the message's id.
    news: Option<Tracked>,
    contact: Option<Contact>,
    reviews: Vec<Record>,
}

impl Found {
    async fn of(shop: &Installation, key: &OrderKey) -> Result<Option<Self>, StoreError> {
        let store = &shop.store;
        let Some(request) = store.record(Shelf::Requests, &key.to_key()).await? else { return Ok(None) };
        let send = store.record(Shelf::Outbox, EffectKey::review_request(key).as_str()).await?;
        let reminder = store.record(Shelf::Outbox, EffectKey::reminder(key).as_str()).await?;
        let message = send.as_ref().or(Some(&request)).and_then(|row| row.text("message_id"));
        let news = match message.and_then(|id| ProviderId::try_from(id).ok()) {
            Some(id) => Some(store.tracked(&id).await?),
            None => None,
        };
        let phone = [Some(&request), send.as_ref()].into_iter().flatten().find_map(|row| row.text("phone_e164"));
        let contact = match phone.and_then(|phone| E164Phone::parse_e164(phone).ok()) {
            Some(phone) => Some(store.contact(&phone).await?.unwrap_or_else(|| Contact::unknown(phone))),
            None => None,
        };
        let mut reviews = Vec::new();
        // Only of one that came of it: this reads the table from end to end.
        if request.fields.contains_key("reviewed_at_ms") {
            let sieve = Sieve { equals: vec![("order_key", vec![key.to_key()])], ..Sieve::default() };
            let mut after = None;
            loop {
                let page = store.records(Shelf::Reviews, &sieve, after.as_deref()).await?;
                reviews.extend(page.rows);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(Some(Self { key: key.clone(), request, send, reminder, news, contact, reviews }))
    }

    fn own(&self) -> EffectKey {
        EffectKey::review_request(&self.key)
    }

    fn timeline(&self) -> Vec<Moment> {
        let rows = [Some(&self.request), self.send.as_ref(), self.reminder.as_ref()].into_iter().flatten();
        let rows: Vec<Record> = rows.chain(&self.reviews).cloned().collect();
        timeline(&rows)
    }

    /// What the rules looked at.
    fn eligibility(&self) -> Value {
        let json = self.request.text("eligibility").and_then(|json| serde_json::from_str(json).ok());
        json.or_else(|| self.request.fields.get("eligibility").cloned()).unwrap_or(Value::Null)
    }

    fn json(&self) -> Value {
        let row = &self.request;
        let moment = |name| row.millis(name).and_then(show::iso);
        let cooldown = self.contact.as_ref().and_then(|contact| contact.cooldown.as_ref());
        let moments = self.timeline();
        let told = |moment: &Moment| json!({ "at": show::iso(moment.at), "what": moment.what, "row": moment.key });
        let review = |row: &Record| json!({ "uid": row.key, "rating": row.count("rating_stars") });
        json!({
            "order": self.key.to_key(),
            "status": row.text("st"),
            "reason": row.text("reason_code"),
            "phone": self.contact.as_ref().map(|contact| contact.phone.expose()),
            "location": row.text("location_uid"),
            "platform": row.text("platform_chosen"),
            "platform_rule": row.text("platform_rule"),
            "planned_at": moment("created_at_ms"),
            "fulfilled_at": moment("fulfilled_at_ms"),
            "first_due_at": moment("first_send_after_ms"),
            "due_at": moment("send_after_ms"),
            "next_look_at": moment("due_at_ms"),
            "trouble_since": moment("trouble_since_ms"),
            "ended_at": moment("ended_at_ms"),
            "reviewed_at": moment("reviewed_at_ms"),
            "attempts": row.count("attempts"),
            "zones": row.fields.get("zone_names"),
            "eligibility": self.eligibility(),
            "send": self.send.as_ref().map(send_json),
            "delivery": self.news.as_ref().and_then(|news| news.news).map(|news| news.as_str()),
            "reminder": self.reminder.as_ref().map(send_json),
            "cooldown": cooldown.map(|cooldown| json!({
                "since": show::iso(cooldown.at),
                "held_by": cooldown.holder.as_str(),
                "held_by_this": cooldown.holder == self.own(),
            })),
            "suppressed_by": self.contact.as_ref().and_then(Contact::opted_out).map(|flag| flag.as_str()),
            "reviews": self.reviews.iter().map(review).collect::<Vec<_>>(),
            "timeline": moments.iter().map(told).collect::<Vec<_>>(),
        })
    }

    fn text(&self, paint: Paint) -> String {
        let row = &self.request;
        let status = row.text("st").unwrap_or("?");
        let shown = match status {
            "sent" => paint.good(status),
            "failed" | "unknown" => paint.bad(status),
            _ => paint.warn(status),
        };
        let reason = row.text("reason_code").map(|reason| format!(" ({reason})")).unwrap_or_default();
        let phone = self.contact.as_ref().map_or_else(|| "-".to_owned(), |contact| masked(&contact.phone));
        let mut text = format!(
            "{}\nstatus    {shown}{reason}\nphone     {phone}\nlocation  {}\ndue       {} (first {})\n",
            paint.bold(self.key.to_key()),
            row.text("location_uid").unwrap_or("-"),
            at(row.millis("send_after_ms")),
            at(row.millis("first_send_after_ms")),
        );
        for (name, send) in [("send", &self.send), ("reminder", &self.reminder)] {
            if let Some(send) = send {
                let more = ["failure_kind", "reason_code", "message_id"].into_iter().filter_map(|name| send.text(name));
                let more: String = more.map(|word| format!("  {word}")).collect();
                writeln!(text, "{name:<9} {}{more}", send.text("st").unwrap_or("?")).ok();
            }
        }
        if let Some(news) = self.news.as_ref().and_then(|news| news.news) {
            writeln!(text, "delivery  {}", news.as_str()).ok();
        }
        if let Some(contact) = &self.contact {
            let cooldown = contact.cooldown.as_ref().map_or_else(
                || "free".to_owned(),
                |held| {
                    let whose = if held.holder == self.own() { "this request" } else { held.holder.as_str() };
                    format!("held by {whose} since {}", at(Some(held.at)))
                },
            );
            writeln!(text, "cooldown  {cooldown}").ok();
            if let Some(flag) = contact.opted_out() {
                writeln!(text, "opt-out   {}", paint.bad(flag.as_str())).ok();
            }
        }
        if let Some(inputs) = self.eligibility().as_object() {
            let words = inputs.iter().map(|(name, value)| format!("{name}={}", value.to_string().trim_matches('"')));
            writeln!(text, "rules saw {}", words.collect::<Vec<_>>().join(" ")).ok();
        }
        let mut grid = Grid::new(["WHEN", "WHAT"]);
        for moment in self.timeline() {
            grid.row([at(Some(moment.at)), moment.what]);
        }
        text + "\n" + &grid.to_string()
    }
}

fn send_json(row: &Record) -> Value {
    let moment = |name| row.millis(name).and_then(show::iso);
    json!({
        "status": row.text("st"),
        "reason": row.text("reason_code"),
        "failure_kind": row.text("failure_kind"),
        "message_id": row.text("message_id"),
        "began_at": moment("began_at_ms"),
        "settled_at": moment("settled_at_ms"),
        "resolved_at": moment("resolved_at_ms"),
        "looked_after_at": moment("since_ms"),
        "invite_url": row.text("invite_url"),
        "erased": row.fields.get("erased").is_some_and(|erased| erased == &Value::Bool(true)),
    })
}
