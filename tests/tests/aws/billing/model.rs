//! What a month costs: the counted units times list prices. Nothing in `docs/COSTS.md` between its marks is written by hand.
//!
//! `UPDATE_DOCS=1 cargo test -p frontdesk-tests --test aws billing` writes it anew.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use frontdesk_core::config::Function;
use frontdesk_tests::meter::Bill;

use super::events::{Counts, counts};

// ---- Prices, in US dollars: AWS's list for us-east-1, read in November 2026, without free tiers and discounts

/// A million requests at an HTTP API, up to 300 million.
const GATEWAY: f64 = 1.00;
/// A million runs of functions.
const RUNS: f64 = 0.20;
/// A GB-second of a function on arm64.
const GB_SECOND: f64 = 0.000_013_333_4;
/// A million units written, on demand.
const WRITES: f64 = 0.625;
/// A million units read, on demand.
const READS: f64 = 0.125;
/// A GB kept in a table for a month, and the same for being able to restore it.
const TABLE_GB: f64 = 0.25 + 0.20;
/// A million requests to queues: the dearer FIFO price for all.
const QUEUES: f64 = 0.50;
/// A million runs of schedules.
const SCHEDULES: f64 = 1.00;
/// A secret a month.
const SECRET: f64 = 0.40;
/// A million calls to Secrets Manager.
const SECRET_CALLS: f64 = 5.00;
/// A GB of logs taken in, and kept for three months.
const LOG_GB: f64 = 0.50 + 3.0 * 0.03;
/// An alarm on one metric a month.
const ALARM: f64 = 0.10;
/// A metric of our own a month, as long as it is written in every hour.
const METRIC: f64 = 0.30;
/// A dashboard a month.
const DASHBOARD: f64 = 3.00;
/// A million recorded traces.
const TRACES: f64 = 5.00;
/// A million transitions of a state machine.
const TRANSITIONS: f64 = 25.00;

// ---- What is assumed, and not measured here

/// A call to a service of the cloud takes so long, in ms.
const CLOUD_CALL_MS: f64 = 8.0;
/// A call to a provider.
const PROVIDER_CALL_MS: f64 = 250.0;
/// An access log's line, in bytes.
const ACCESS_LOG_BYTES: f64 = 250.0;
/// Of all runs so many are recorded.
const TRACED: f64 = 0.05;
/// An idle queue of a function is asked by five, for 20 s each time.
const POLLS: f64 = 5.0 * 3.0 * MINUTES;
/// Of a row in each of the tables about so many bytes stay, beside the body of its event: request, send, session, contact.
const KEPT_BESIDE: f64 = 700.0;
/// Bytes of a webhook's body: an order, and anything else.
const KEPT_BODIES: (f64, f64) = (9_400.0, 1_300.0);
const MINUTES: f64 = 30.0 * 24.0 * 60.0;

/// CPU of a warm run on a whole processor, in ms: measured by `make bench` (ADR 0003) for the four that it measures; of the
/// others what the most alike of them takes.
const fn cpu_ms(function: Function) -> f64 {
    match function {
        Function::ShopifyOrders
        | Function::ShopifyPrivacy
        | Function::PodiumWebchat
        | Function::PodiumSms
        | Function::PodiumContacts
        | Function::PodiumReviews
        | Function::Chatwoot
        | Function::ContactForm
        | Function::WidgetEdge
        | Function::Health => 0.40,
        Function::ShopifyWorker | Function::Notifier | Function::Chat => 0.68,
        Function::ReviewSender
        | Function::PodiumWorker
        | Function::ChatwootWorker
        | Function::PrivacyWorker
        | Function::FollowUp => 1.90,
        Function::Timers => 0.31,
    }
}

/// So much memory is a whole processor, in MB.
const WHOLE_PROCESSOR_MB: f64 = 1_769.0;

/// A thousand events of a shop, webhooks and visitors' requests, and what follows each of them.
const MIX: [(&str, f64, &[&str]); 16] = [
    ("order", 80.0, &["promote", "send"]),
    ("delivery", 80.0, &[]),
    ("order-update", 240.0, &[]),
    ("skipped-order", 80.0, &[]),
    ("first-message", 40.0, &[]),
    ("message", 130.0, &[]),
    ("staff-message", 150.0, &[]),
    ("stop", 2.0, &["mirror"]),
    ("good-review", 8.0, &[]),
    ("bad-review", 2.0, &[]),
    ("chatwoot", 100.0, &[]),
    ("chat", 60.0, &[]),
    ("page", 16.0, &[]),
    ("form", 4.0, &[]),
    ("widget-message", 8.0, &[]),
    ("alive", 0.0, &[]),
];

/// Events a month.
const SIZES: [(f64, &str); 3] = [(10_000.0, "10 k"), (1_000_000.0, "1 M"), (100_000_000.0, "100 M")];

// ---- The template

/// What a deployment has whether anything happens or not, as the template says.
#[derive(Debug)]
struct Fixed {
    alarms: f64,
    secrets: f64,
    dashboards: f64,
    /// Queues that a function is fed from.
    sources: f64,
    traced: bool,
    memory_mb: BTreeMap<Function, f64>,
}

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

impl Fixed {
    fn read() -> Self {
        let template = fs::read_to_string(root("template.yaml")).unwrap();
        let count = |text: &str| template.lines().filter(|line| line.trim() == text).count() as f64;
        let parameter = |name: &str| {
            let line = template.lines().find(|line| line.trim().starts_with(&format!("{name}: {{Type")));
            line.and_then(|line| line.split("Default: ").nth(1)?.split([',', '}']).next()).map(str::to_owned)
        };
        let memory = |function: Function| {
            let name = format!("FunctionName: !Sub \"${{AWS::StackName}}-{}\"", function.as_str());
            let below = template.split(&name).nth(1).unwrap_or_else(|| panic!("{name} is not in the template"));
            let line = below.lines().find(|line| line.trim().starts_with("MemorySize:")).unwrap();
            parameter(line.rsplit(' ').next().unwrap()).unwrap().parse().unwrap()
        };
        // An alarm on a calculation is paid for each metric in it.
        let calculated = count("MetricStat:") - count("Metrics:");
        Self {
            alarms: count("Type: AWS::CloudWatch::Alarm") + calculated.max(0.0),
            secrets: count("Type: AWS::SecretsManager::Secret"),
            dashboards: count("Type: AWS::CloudWatch::Dashboard"),
            sources: template
                .lines()
                .filter(|line| line.trim().trim_start_matches('{').starts_with("Type: SQS"))
                .count() as f64,
            traced: parameter("FunctionTracing").is_some_and(|default| default == "Active"),
            memory_mb: Function::ALL.into_iter().map(|function| (function, memory(function))).collect(),
        }
    }
}

// ---- The month

/// Amounts of a month.
#[derive(Clone, Debug, Default)]
struct Month {
    gateway: f64,
    runs: f64,
    gb_seconds: f64,
    write_units: f64,
    read_units: f64,
    queues: f64,
    schedules: f64,
    secret_calls: f64,
    log_bytes: f64,
    providers: BTreeMap<&'static str, f64>,
}

impl Month {
    /// Adds what was counted so many times.
    fn add(&mut self, bill: &Bill, times: f64, fixed: &Fixed, line_bytes: f64) {
        self.gateway += bill.gateway as f64 * times;
        self.runs += bill.all_runs() as f64 * times;
        self.write_units += bill.write_units as f64 * times;
        self.read_units += bill.read_halves as f64 / 2.0 * times;
        self.queues += bill.sqs as f64 * times;
        self.secret_calls += bill.secrets as f64 * times;
        self.log_bytes += (bill.log_lines as f64 * line_bytes + bill.gateway as f64 * ACCESS_LOG_BYTES) * times;
        for (function, runs) in &bill.runs {
            let memory_mb = fixed.memory_mb[function];
            let share = (memory_mb / WHOLE_PROCESSOR_MB).min(1.0);
            let cpu = runs.times as f64 * cpu_ms(*function) / share;
            let waits = runs.cloud_calls as f64 * CLOUD_CALL_MS + runs.other_calls as f64 * PROVIDER_CALL_MS;
            self.gb_seconds += (cpu + waits) / 1_000.0 * memory_mb / 1_024.0 * times;
        }
        for (provider, calls) in &bill.providers {
            *self.providers.entry(provider).or_default() += *calls as f64 * times;
        }
    }

    /// Dollars by what they are paid for.
    fn dollars(&self) -> Vec<(&'static str, f64)> {
        let millions = |n: f64, price: f64| n / 1e6 * price;
        vec![
            ("DynamoDB, written", millions(self.write_units, WRITES)),
            ("DynamoDB, read", millions(self.read_units, READS)),
            ("Lambda, runs", millions(self.runs, RUNS)),
            ("Lambda, GB-seconds", self.gb_seconds * GB_SECOND),
            ("SQS", millions(self.queues, QUEUES)),
            ("HTTP API", millions(self.gateway, GATEWAY)),
            ("Logs", self.log_bytes / 1e9 * LOG_GB),
            ("Schedules", millions(self.schedules, SCHEDULES)),
            ("Secrets Manager, calls", millions(self.secret_calls, SECRET_CALLS)),
        ]
    }
}

/// What `n` events cause, and nothing else.
fn of_events(counts: &Counts, n: f64, fixed: &Fixed) -> Month {
    let mut month = Month::default();
    for (event, of_thousand, follows) in MIX {
        for name in [&[event], follows].concat() {
            month.add(counts.of(name), n / 1_000.0 * of_thousand, fixed, counts.line_bytes());
        }
    }
    month
}

/// What a month costs in which nothing happens: the clock, monitors, and functions' empty queues.
fn of_nothing(counts: &Counts, fixed: &Fixed) -> Month {
    let mut month = Month::default();
    for idle in &counts.clock {
        let runs = idle.runs as f64;
        month.add(&idle.bill, runs, fixed, counts.line_bytes());
        month.schedules += runs;
    }
    month.add(counts.of("alive"), MINUTES, fixed, counts.line_bytes());
    month.add(counts.of("ready"), MINUTES / 5.0, fixed, counts.line_bytes());
    month.queues += POLLS * fixed.sources;
    month
}

/// Bytes in tables when as many come as go, with the default times to keep: events 14 days, sends 90, requests 400, contacts
/// a year.
fn kept_gb(n: f64) -> f64 {
    let per_event = |name: &str| match name {
        "order" | "order-update" | "skipped-order" => KEPT_BODIES.0,
        "chat" | "page" | "form" | "alive" => 0.0,
        _ => KEPT_BODIES.1,
    };
    let months = |days: f64| days / 30.0;
    let events: f64 = MIX.iter().map(|(name, n, _)| n * per_event(name) * months(14.0)).sum();
    let of = |name: &str| MIX.iter().find(|(mixed, ..)| *mixed == name).unwrap().1;
    let beside = of("order") * (months(400.0) + months(90.0))
        + of("delivery") * months(90.0)
        + (of("first-message") + of("order")) * months(365.0);
    n / 1_000.0 * (events + beside * KEPT_BESIDE) / 1e9
}

fn money(dollars: f64) -> String {
    match dollars {
        d if d >= 100.0 => format!("{:.0}", d),
        d if d >= 0.01 => format!("{d:.2}"),
        d if d > 0.0 => "< 0.01".to_owned(),
        _ => "0".to_owned(),
    }
}

/// 12345678 as 12.3 M.
fn amount(n: f64) -> String {
    match n {
        n if n >= 1e9 => format!("{:.1} G", n / 1e9),
        n if n >= 1e6 => format!("{:.1} M", n / 1e6),
        n if n >= 1e3 => format!("{:.1} k", n / 1e3),
        n => format!("{n:.1}"),
    }
}

// ---- The tables

fn units_table(counts: &Counts) -> String {
    let mut table = String::from(
        "| | functions run | writes (units) | reads (units) | SQS | providers |\n|---|---|---|---|---|---|\n",
    );
    for event in &counts.events {
        let Bill { gateway: _, runs, writes, write_units, reads, sqs, secrets, providers, .. } = &event.bill;
        let functions: Vec<String> =
            runs.iter().filter(|(_, runs)| runs.times > 0).map(|(f, _)| f.as_str().into()).collect();
        let mut calls: Vec<String> = providers.iter().map(|(name, n)| format!("{name} {n}")).collect();
        if *secrets > 0 {
            calls.push(format!("Secrets Manager {secrets}"));
        }
        let or_dash = |list: &[String]| if list.is_empty() { "–".to_owned() } else { list.join(", ") };
        let read = event.bill.read_units();
        writeln!(
            table,
            "| {} | {} | {writes} ({write_units}) | {reads} ({read}) | {sqs} | {} |",
            event.what,
            or_dash(&functions),
            or_dash(&calls),
        )
        .unwrap();
    }
    table
}

fn clock_table(counts: &Counts) -> String {
    let mut table =
        String::from("| task | runs a month | reads (units) | writes (units) | providers |\n|---|---|---|---|---|\n");
    for idle in &counts.clock {
        let Bill { writes, write_units, reads, providers, .. } = &idle.bill;
        let calls: Vec<String> = providers.iter().map(|(name, n)| format!("{name} {n}")).collect();
        let calls = if calls.is_empty() { "–".to_owned() } else { calls.join(", ") };
        let (task, runs, read) = (idle.task, idle.runs, idle.bill.read_units());
        writeln!(table, "| `{task}` | {runs} | {reads} ({read}) | {writes} ({write_units}) | {calls} |").unwrap();
    }
    table
}

fn fixed_table(counts: &Counts, fixed: &Fixed) -> String {
    let nothing = of_nothing(counts, fixed);
    let rows = [
        (format!("{} alarms", fixed.alarms), fixed.alarms * ALARM),
        (format!("{} metrics of our own that such a day writes", counts.metrics), counts.metrics as f64 * METRIC),
        (format!("{} secrets", fixed.secrets), fixed.secrets * SECRET),
        (format!("{} dashboard(s)", fixed.dashboards), fixed.dashboards * DASHBOARD),
        (format!("{} queues that functions wait at", fixed.sources), POLLS * fixed.sources / 1e6 * QUEUES),
        ("the clock, and `/health` each minute, `/health?ready=1` each five".to_owned(), {
            let all: f64 = nothing.dollars().iter().map(|(_, dollars)| dollars).sum();
            all - POLLS * fixed.sources / 1e6 * QUEUES
        }),
    ];
    let sum: f64 = rows.iter().map(|(_, dollars)| dollars).sum();
    let mut table = String::from("| | US$ a month |\n|---|---|\n");
    for (what, dollars) in rows {
        writeln!(table, "| {what} | {} |", money(dollars)).unwrap();
    }
    writeln!(table, "| **whether anything happens or not** | **{}** |", money(sum)).unwrap();
    table
}

fn fixed_dollars(fixed: &Fixed, counts: &Counts) -> f64 {
    fixed.alarms * ALARM + counts.metrics as f64 * METRIC + fixed.secrets * SECRET + fixed.dashboards * DASHBOARD
}

fn month_table(counts: &Counts, fixed: &Fixed) -> String {
    let nothing = of_nothing(counts, fixed);
    let months: Vec<(f64, Month)> = SIZES.iter().map(|(n, _)| (*n, of_events(counts, *n, fixed))).collect();
    let mut table = format!(
        "| US$ a month | {} |\n|---|---|---|---|\n",
        SIZES.map(|(_, name)| format!("{name} events")).join(" | ")
    );
    let mut sums = [0.0; 3];
    let mut row = |name: &str, each: [f64; 3]| {
        sums = [0, 1, 2].map(|i| sums[i] + each[i]);
        writeln!(table, "| {name} | {} |", each.map(money).join(" | ")).unwrap();
    };
    for (at, (name, idle)) in nothing.dollars().into_iter().enumerate() {
        row(name, [0, 1, 2].map(|i| months[i].1.dollars()[at].1 + idle));
    }
    row("DynamoDB, kept and restorable", [0, 1, 2].map(|i| kept_gb(months[i].0) * TABLE_GB));
    if fixed.traced {
        row("X-Ray", [0, 1, 2].map(|i| (months[i].1.runs + nothing.runs) * TRACED / 1e6 * TRACES));
    }
    row("Alarms, metrics, secrets, dashboard", [fixed_dollars(fixed, counts); 3]);
    let shown = sums.map(money).join("** | **");
    writeln!(table, "| **together** | **{shown}** |").unwrap();
    let per_thousand = [0, 1, 2].map(|i| format!("{:.3}", sums[i] / months[i].0 * 1_000.0)).join(" | ");
    writeln!(table, "| for each 1000 events | {per_thousand} |").unwrap();
    table
}

fn amounts_table(counts: &Counts, fixed: &Fixed) -> String {
    let month = of_events(counts, 1_000_000.0, fixed);
    let rows = [
        ("units written", month.write_units),
        ("units read", month.read_units),
        ("runs of functions", month.runs),
        ("GB-seconds", month.gb_seconds),
        ("requests to queues", month.queues),
        ("bytes logged", month.log_bytes),
    ];
    let mut table = String::from("| of a million events | |\n|---|---|\n");
    for (name, n) in rows {
        writeln!(table, "| {name} | {} |", amount(n)).unwrap();
    }
    for (provider, n) in &month.providers {
        writeln!(table, "| calls to {provider} | {} |", amount(*n)).unwrap();
    }
    table
}

/// What the wait of five days costs for a million orders, each way.
fn wait_table(counts: &Counts, fixed: &Fixed) -> String {
    let promote = counts.of("promote");
    let gb_ms = |function: Function, ms: f64| ms / 1_000.0 * fixed.memory_mb[&function] / 1_024.0 * GB_SECOND * 1e6;
    // The row's entry in the index, when it is scheduled, and what `promote` does with it. Whatever sends to the queue, it is
    // one message; it is fetched and deleted in each case.
    let index = (promote.write_units as f64 + 1.0) * WRITES
        + promote.sqs as f64 * QUEUES
        + gb_ms(Function::Timers, promote.runs[&Function::Timers].cloud_calls as f64 * CLOUD_CALL_MS);
    let ticks = {
        let idle = counts.clock.iter().find(|idle| idle.task == "promote").unwrap();
        let mut month = Month::default();
        month.add(&idle.bill, idle.runs as f64, fixed, counts.line_bytes());
        month.schedules += idle.runs as f64;
        month.dollars().iter().map(|(_, dollars)| dollars).sum::<f64>()
    };
    let hops = 5.0 * 24.0 * 4.0;
    let hop = 3.0 * QUEUES + RUNS + gb_ms(Function::ReviewSender, CLOUD_CALL_MS);
    let rows = [
        ("due index, `promote` each minute, delay queue", index, ticks),
        ("EventBridge Scheduler, one schedule an order, into the queue", SCHEDULES + QUEUES, 0.0),
        ("hops of 900 s from queue to queue", hops * hop, 0.0),
        ("Step Functions, a wait state: two transitions", 2.0 * TRANSITIONS, 0.0),
    ];
    let mut table =
        String::from("| the wait of five days | US$ a million orders | US$ a month beside that |\n|---|---|---|\n");
    for (what, each, always) in rows {
        writeln!(table, "| {what} | {} | {} |", money(each), money(always)).unwrap();
    }
    table
}

/// What would be saved for each million events if the largest of a month were half.
fn lever(counts: &Counts, fixed: &Fixed) -> String {
    let month = of_events(counts, 1_000_000.0, fixed);
    let (name, dollars) = month.dollars().into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    let all: f64 = month.dollars().iter().map(|(_, dollars)| dollars).sum();
    let mut by_event: Vec<(&str, f64)> = MIX
        .iter()
        .map(|(event, n, follows)| {
            let names = [&[*event], *follows].concat();
            (*event, n * names.iter().map(|name| counts.of(name).write_units as f64).sum::<f64>())
        })
        .collect();
    by_event.sort_by(|a, b| b.1.total_cmp(&a.1));
    let units: f64 = by_event.iter().map(|(_, units)| units).sum();
    let largest: Vec<String> =
        by_event.iter().take(4).map(|(event, n)| format!("`{event}` {:.0} %", n / units * 100.0)).collect();
    format!(
        "{name} is {:.0} % of what events cause: ${} of ${} for a million. Of the units written: {}.\n",
        dollars / all * 100.0,
        money(dollars),
        money(all),
        largest.join(", "),
    )
}

fn mix_table(counts: &Counts) -> String {
    let mut table = String::from("| of 1000 events | |\n|---|---|\n");
    for (name, n, follows) in MIX.iter().filter(|(_, n, _)| *n > 0.0) {
        let what = counts.events.iter().find(|event| event.name == *name).unwrap().what;
        let then = if follows.is_empty() { String::new() } else { format!("; then {}", follows.join(", ")) };
        writeln!(table, "| {n} | `{name}`: {what}{then} |").unwrap();
    }
    table
}

fn prices_table() -> String {
    let rows = [
        ("DynamoDB on demand, a million units written, read", format!("{WRITES}, {READS}")),
        ("DynamoDB, a GB a month kept, and restorable (PITR)", "0.25, 0.20".to_owned()),
        ("Lambda, a million runs; a GB-second on arm64", format!("{RUNS:.2}, {GB_SECOND}")),
        ("SQS, a million requests (FIFO; standard is 0.40)", format!("{QUEUES:.2}")),
        ("HTTP API, a million requests", format!("{GATEWAY:.2}")),
        ("EventBridge Scheduler, a million", format!("{SCHEDULES:.2}")),
        ("Secrets Manager, a secret a month; a million calls", format!("{SECRET:.2}, {SECRET_CALLS:.2}")),
        ("CloudWatch: a GB of logs taken in; kept a month", "0.50, 0.03".to_owned()),
        (
            "CloudWatch: an alarm, a metric of one's own, a dashboard, a month",
            format!("{ALARM:.2}, {METRIC:.2}, {DASHBOARD:.2}"),
        ),
        ("X-Ray, a million recorded traces", format!("{TRACES:.2}")),
        ("Step Functions, a million transitions", format!("{TRANSITIONS:.2}")),
    ];
    let mut table = String::from("| us-east-1, list, November 2026 | US$ |\n|---|---|\n");
    for (what, price) in rows {
        writeln!(table, "| {what} | {price} |").unwrap();
    }
    table
}

/// Each part of the page between its marks.
#[test]
fn the_page_says_what_was_counted() {
    let (counts, fixed) = (counts(), Fixed::read());
    let parts = [
        ("units", units_table(counts)),
        ("clock", clock_table(counts)),
        ("mix", mix_table(counts)),
        ("month", month_table(counts, &fixed)),
        ("amounts", amounts_table(counts, &fixed)),
        ("fixed", fixed_table(counts, &fixed)),
        ("lever", lever(counts, &fixed)),
        ("wait", wait_table(counts, &fixed)),
        ("prices", prices_table()),
    ];
    let path = root("docs/COSTS.md");
    let mut page = fs::read_to_string(&path).unwrap();
    let before = page.clone();
    for (name, wanted) in parts {
        let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
        let from = page.find(&begin).unwrap_or_else(|| panic!("the page has no place for {name}")) + begin.len();
        let to = page.find(&end).unwrap_or_else(|| panic!("the place for {name} has no end"));
        page.replace_range(from..to, &wanted);
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page).unwrap();
        return;
    }
    let stale = before.lines().zip(page.lines()).find(|(is, should)| is != should);
    assert_eq!(before, page, "docs/COSTS.md is stale, first at {stale:?}; UPDATE_DOCS=1 writes it anew");
}

#[test]
fn the_mix_is_of_a_thousand_events_that_are_counted() {
    let counts = counts();
    assert!((MIX.iter().map(|(_, n, _)| n).sum::<f64>() - 1_000.0).abs() < 1e-9);
    for (name, _, follows) in MIX {
        counts.of(name);
        follows.iter().for_each(|name| {
            counts.of(name);
        });
    }
}
