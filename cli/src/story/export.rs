//! `frontdesk export`: one document with everything that is kept of a person or an order.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use frontdesk_core::{
    contact::{Contact, Direction},
    flow::operate::story::{self, Moment, Story, timeline},
    record::Record,
};
use serde_json::{Value, json};

use super::{More, Named, Whose};
use crate::failure::{Failure, complain};
use crate::installation;
use crate::people::{self, at, masked_key, unanswered};
use crate::reach::Reach;
use crate::show::{self, Grid, Progress};

pub(crate) const EXAMPLES: &str = r#"Examples:
  frontdesk export --phone +61412345678 --out mia.json
  frontdesk export --phone "0412 345 678" --default-country AU --email mia@example.com
  frontdesk export --order 5866000000001 --output human

For a complaint, or for somebody who wants to know what is kept of them. Every table that may hold something of a
person is read from end to end, the same rows that an erasure would empty; `records` are these rows as they are
stored, `timeline` is what happened, in its order. --order leads to the person who ordered; --email to forms.
With --out the document goes into a file that only you can read, and a summary is shown.

A table that does not answer, or a row that cannot be read, is an error: no part of a story is printed as if it
were all of it. It holds personal data whole; keep it as such.

Exit codes: 0 done, 1 nothing is kept, 2 usage, configuration, or no answer."#;

#[derive(clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    more: More,
    /// Write the document into this new file, and show a summary
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(reach: &Reach, args: &Export) -> Result<ExitCode, Failure> {
    if let Some(out) = args.out.as_deref().filter(|out| out.exists()) {
        return Err(Failure::Config(format!("{} is there already", out.display())));
    }
    installation::run(reach, async |shop| {
        let config = people::shop(&shop)?;
        let named = Named::read(&args.whose, &args.more, &config)?;
        let mut progress = Progress::start("rows looked at", None);
        let looked = |rows: usize| progress.step(u64::try_from(rows).unwrap_or(u64::MAX));
        let story = story::collect(&shop.store, &config.shop, named.subject.clone(), looked).await;
        progress.finish();
        let story = story.map_err(unanswered)?;
        if story.is_empty() {
            complain(&format!("nothing is kept of {}", named.masked()));
            return Ok(ExitCode::FAILURE);
        }
        let document = document(&story, show::iso(shop.now()).as_deref());
        let summary = summary(&named, &story);
        match &args.out {
            None => reach.show(&document, |_| summary)?,
            Some(out) => {
                write(out, &document)?;
                let counts = document.get("counts").cloned().unwrap_or_default();
                let done = json!({ "out": out.display().to_string(), "counts": counts });
                reach.show(&done, |_| format!("{summary}\nwritten to {}\n", out.display()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn document(story: &Story, exported_at: Option<&str>) -> Value {
    let subject = &story.found.subject;
    let record =
        |record: &Record| json!({ "table": record.shelf.as_str(), "key": record.key, "fields": record.fields });
    let moment = |moment: &Moment| {
        let table = moment.shelf.as_str();
        json!({ "at": show::iso(moment.at), "table": table, "key": moment.key, "what": moment.what })
    };
    let counts = story.counts().into_iter().map(|(shelf, count)| (shelf.as_str().to_owned(), json!(count)));
    json!({
        "exported_at": exported_at,
        "about": {
            "phones": subject.phones.iter().map(|phone| phone.expose()).collect::<Vec<_>>(),
            "emails": subject.emails,
            "orders": subject.orders.iter().map(|order| order.0).collect::<Vec<_>>(),
            "ids": subject.ids,
        },
        "counts": counts.collect::<serde_json::Map<_, _>>(),
        "timeline": timeline(&story.records).iter().map(moment).collect::<Vec<_>>(),
        "records": story.records.iter().map(record).collect::<Vec<_>>(),
        "remembered_of_erased": story.remembered.iter().map(remembered).collect::<Vec<_>>(),
    })
}

/// What is kept of an erased person: that they want no messages, and when they were last asked.
fn remembered(contact: &Contact) -> Value {
    let out = contact.opt_outs.iter().filter(|(_, record)| record.direction == Direction::Out);
    let flag = out.map(|(flag, record)| json!({ "flag": flag.as_str(), "since": show::iso(record.at) }));
    json!({
        "phone": contact.phone.expose(),
        "opt_outs": flag.collect::<Vec<_>>(),
        "last_asked_at": contact.cooldown.as_ref().and_then(|cooldown| show::iso(cooldown.at)),
    })
}

fn summary(named: &Named, story: &Story) -> String {
    let mut text = format!("kept of {}:\n", named.masked());
    for (shelf, count) in story.counts() {
        writeln!(text, "  {:<16}{count}", shelf.as_str()).ok();
    }
    for contact in &story.remembered {
        writeln!(text, "  of an erased person: opted out {}", if contact.opted_out().is_some() { "yes" } else { "no" })
            .ok();
    }
    let mut grid = Grid::new(["WHEN", "TABLE", "WHAT", "ROW"]);
    for moment in timeline(&story.records) {
        grid.row([at(Some(moment.at)), moment.shelf.as_str().to_owned(), moment.what, masked_key(&moment.key)]);
    }
    text + "\n" + &grid.to_string()
}

/// A new file that nobody else can read. One that is there is somebody's, and stays.
fn write(out: &Path, document: &Value) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Config(format!("cannot write {}: {error}", out.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(failed)?;
    let written = writeln!(file, "{document:#}").and_then(|()| file.sync_all());
    if written.is_err() {
        // A part would look like the whole.
        fs::remove_file(out).ok();
    }
    written.map_err(failed)
}
