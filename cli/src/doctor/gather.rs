//! Asks everybody, and hands what they say to the judges.

use std::collections::BTreeMap;

use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    inspect::Inspector,
    process::{ProcessEnv, RandomIds, SystemClock},
    start::{Aws, Process},
};
use frontdesk_core::{
    config::{self, Env as _, Function, Loaded, Problems},
    directory::Locations as _,
    doctor::{
        Finding, Group, Looked,
        clock::{self, Reading},
        configuration::{self, Variables},
        functions, needs,
        providers::{judge_chatwoot, judge_podium, judge_shopify},
        secrets::{self, SecretFacts, SecretName},
        storage::{self, TABLES, WorkQueue},
        work::{self, Counted, WorkFacts},
    },
    flow::health::{Part, Report, What},
    ids::Shard,
    inbox::{Inbox as _, InboxStatus},
    record::{Records as _, Shelf, Sieve},
    store::StoreError,
    time::{Clock as _, UnixMillis},
};
use frontdesk_wiring::Wiring;

use super::cloud::{Cloud, Deployed};
use crate::failure::Failure;
use crate::installation::{HINT, Installation, Notes, ToolEnv, unusable};
use crate::reach::Reach;

/// Of a large table not all rows are looked at: forty pages are some forty megabytes.
const PAGES_MAX: usize = 40;
/// The oldest events of each partition that are looked at.
const OLDEST: u16 = 25;

/// What everybody is asked with.
struct House {
    env: ToolEnv,
    aws: Aws,
    process: Process<Notes>,
    inspector: Inspector,
    /// The store, or why there is none.
    store: Result<DynamoStore, String>,
    /// What readiness looks at.
    parts: Vec<Part>,
    /// The front door's address, without a slash at the end.
    door: Option<String>,
}

/// Looks at everything that is wanted.
pub(super) async fn findings(
    reach: &Reach,
    url: Option<&str>,
    wanted: &impl Fn(Group) -> bool,
) -> Result<Vec<Finding>, Failure> {
    let env = ToolEnv::of(reach).await?;
    let aws = env.aws()?;
    let cloud = Cloud::new(&env, &aws);
    let deployed = cloud.functions().await;
    if deployed.iter().all(|one| one.facts == Looked::Absent) {
        let (stack, region) = (env.stack(), env.get("AWS_REGION").unwrap_or_default());
        return Err(Failure::Config(format!("no stack called {stack} is deployed in {region}\n{HINT}")));
    }
    let told = |one: &Deployed| Some((one.function.as_str(), one.facts.seen()?.variables.clone()));
    let env = env.with_deployed(deployed.iter().filter_map(told).collect());
    let house = House::open(env, aws, &cloud, url).await?;

    let mut findings = Vec::new();
    let variables = |one: &Deployed| Some((one.function, Variables(one.facts.seen()?.variables.clone())));
    let variables: Vec<_> = deployed.iter().filter_map(variables).collect();
    findings.extend(configuration::judge(&variables));
    let queues = house.names(|what| match what {
        What::Queue(url) => Some(url),
        What::Table(_) | What::DeadLetters(_) | What::Secret { .. } => None,
    });
    for one in &deployed {
        findings.extend(functions::judge(one.function, &one.name, &one.facts, &queues));
    }
    if wanted(Group::Permissions) {
        findings.extend(house.permissions(&cloud, &deployed, &queues).await);
    }
    if wanted(Group::Tables) {
        findings.extend(house.tables().await);
    }
    if wanted(Group::Queues) {
        findings.extend(house.queues(&deployed).await);
    }
    if wanted(Group::Schedules) {
        let all = cloud.schedules().await;
        findings.extend(all.iter().map(|(task, name, facts)| functions::judge_schedule(task, name, facts)));
    }
    let secrets = house.secrets().await;
    findings.extend(secrets::judge(&secrets, house.now()));
    if wanted(Group::Podium) {
        findings.extend(house.podium().await);
    }
    if wanted(Group::Shopify) {
        findings.extend(house.shopify().await);
    }
    if wanted(Group::Chatwoot) {
        findings.extend(house.chatwoot(&secrets).await);
    }
    if wanted(Group::Clock) {
        findings.extend(house.clocks().await);
    }
    if wanted(Group::Work) {
        findings.extend(house.work().await);
    }
    if wanted(Group::FrontDoor) {
        findings.extend(house.front_door().await);
    }
    Ok(findings)
}

/// Looks at the secrets, and asks the providers whether they know what is in them.
pub(crate) async fn secret_findings(shop: Installation) -> Vec<Finding> {
    let Installation { env, aws, process, store, .. } = shop;
    let (inspector, store) = (Inspector::new(&aws), Ok(store));
    let house = House { env, aws, process, inspector, store, parts: Vec::new(), door: None };
    let secrets = house.secrets().await;
    let mut findings = secrets::judge(&secrets, house.now());
    let usable = |wanted: SecretName| {
        let fine =
            |looked: &Looked<SecretFacts>| looked.seen().is_some_and(|facts| facts.value == Looked::Seen(Ok(())));
        secrets.iter().any(|(name, looked)| *name == wanted && fine(looked))
    };
    // A provider is asked only with credentials that could be right; what is wrong with others stands above.
    if usable(SecretName::PodiumOauth) {
        findings.extend(house.podium().await);
    }
    if usable(SecretName::ShopifyAdmin) {
        findings.extend(house.shopify().await);
    }
    if usable(SecretName::ChatwootApi) {
        findings.extend(house.chatwoot(&secrets).await);
    }
    let about_credentials = |finding: &Finding| {
        finding.group == Group::Secrets || ["api", "api_token", "user_token"].contains(&&*finding.subject)
    };
    findings.into_iter().filter(about_credentials).collect()
}

impl House {
    async fn open(env: ToolEnv, aws: Aws, cloud: &Cloud, url: Option<&str>) -> Result<Self, Failure> {
        let ids = RandomIds::from_system().map_err(unusable)?;
        let process = Process { env: ProcessEnv, telemetry: Notes::default(), clock: SystemClock, ids };
        let store = config::operator(&env).map(|Loaded { config, .. }| {
            let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone());
            store.with_pepper(door::pepper(&aws, config.pepper_secret))
        });
        let parts = config::health(&env.function(Function::Health)).map(|loaded| loaded.config.parts);
        let door = match url.map(str::to_owned).or_else(|| env.get("WEB_PUBLIC_URL")) {
            Some(url) if !url.trim().is_empty() => Some(url),
            _ => cloud.front_door(&format!("{}-health", env.stack())).await.seen().cloned(),
        };
        Ok(Self {
            inspector: Inspector::new(&aws),
            store: store.map_err(|problems| wrong_settings(&problems)),
            // What is wrong with them is told among the settings.
            parts: parts.unwrap_or_default(),
            door: door.map(|door| door.trim().trim_end_matches('/').to_owned()),
            env,
            aws,
            process,
        })
    }

    fn now(&self) -> UnixMillis {
        self.process.clock.now()
    }

    /// The names of the parts of a kind, by readiness's words for them: what stands behind the last slash or colon.
    fn names(&self, of: impl Fn(&What) -> Option<&String>) -> BTreeMap<String, String> {
        let name = |part: &Part| Some((part.name.clone(), of(&part.what)?.rsplit('/').next()?.to_owned()));
        self.parts.iter().filter_map(name).collect()
    }

    async fn permissions(
        &self,
        cloud: &Cloud,
        deployed: &[Deployed],
        queues: &BTreeMap<String, String>,
    ) -> Vec<Finding> {
        let asked = cloud.permissions(deployed, queues).await;
        // What the tool's own credentials can do says nothing of the roles, and whoever reads this should not think so.
        let own = "What the tool itself could read stands in the other groups; that says nothing about the roles.";
        needs::judge(&asked, own)
    }

    async fn tables(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for need in &TABLES {
            let named = self.parts.iter().find_map(|part| match &part.what {
                What::Table(name) if part.name == need.word => Some(name),
                What::Table(_) | What::Queue(_) | What::DeadLetters(_) | What::Secret { .. } => None,
            });
            match named {
                Some(name) => findings.extend(storage::judge_table(need, name, &self.inspector.table(name).await)),
                None => findings.push(unnamed(Group::Tables, need.word, "HEALTH_TABLES")),
            }
        }
        findings
    }

    async fn queues(&self, deployed: &[Deployed]) -> Vec<Finding> {
        let dead = self.names(|what| match what {
            What::DeadLetters(url) => Some(url),
            What::Table(_) | What::Queue(_) | What::Secret { .. } => None,
        });
        let dead: Vec<&str> = dead.values().map(String::as_str).collect();
        let mut findings = Vec::new();
        for part in &self.parts {
            match &part.what {
                What::Queue(url) => {
                    let works = |one: &&Deployed| needs::sources(one.function).contains(&part.name.as_str());
                    let timeout =
                        deployed.iter().find(works).and_then(|one| one.facts.seen()).map(|facts| facts.timeout);
                    let facts = self.inspector.queue(url).await;
                    findings.extend(storage::judge_queue(&WorkQueue { word: &part.name, url, timeout, facts }, &dead));
                }
                What::DeadLetters(url) => {
                    findings.push(storage::judge_dead_letters(&part.name, url, &self.inspector.queue(url).await));
                }
                What::Table(_) | What::Secret { .. } => {}
            }
        }
        if findings.is_empty() {
            findings.push(unnamed(Group::Queues, "queues", "HEALTH_QUEUES"));
        }
        findings
    }

    async fn secrets(&self) -> Vec<(SecretName, Looked<SecretFacts>)> {
        let mut secrets = Vec::new();
        for name in SecretName::ALL {
            if let Some(id) = self.env.get(name.setting()).filter(|id| !id.trim().is_empty()) {
                secrets.push((name, self.inspector.secret(name, &id).await));
            }
        }
        secrets
    }

    async fn podium(&self) -> Vec<Finding> {
        let group = Group::Podium;
        let reach = match config::podium_reach(&self.env.function(Function::Timers)) {
            Ok(loaded) => loaded.config,
            Err(problems) => return vec![Finding::unknown(group, "api", &wrong_settings(&problems), SETTINGS_FIRST)],
        };
        let store = match &self.store {
            Ok(store) => store,
            Err(why) => return vec![Finding::unknown(group, "api", why, SETTINGS_FIRST)],
        };
        let kept = match store.locations().await {
            Ok(Some(book)) => Looked::Seen(book),
            Ok(None) => Looked::Absent,
            Err(error) => Looked::Unknown(error.to_string()),
        };
        let mut findings = vec![work::judge_locations(&kept, reach.locations.interval, self.now())];
        let client = match Wiring::new(&reach.http, &self.aws, store, &self.process) {
            Ok(wiring) => wiring.podium_beside_other_work(&reach.podium).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match client {
            Ok(client) => findings.extend(judge_podium(&client.setup().await, self.door.as_deref(), &self.served())),
            Err(why) => findings.push(Finding::unknown(group, "api", &why, SETTINGS_FIRST)),
        }
        findings
    }

    /// The locations that the shop's own list names.
    fn served(&self) -> Vec<String> {
        let policy = config::shopify_worker(&self.env.function(Function::ShopifyWorker));
        let locations = policy.map(|loaded| loaded.config.policy.locations).unwrap_or_default();
        locations.iter().map(|location| location.uid.to_string()).collect()
    }

    async fn shopify(&self) -> Vec<Finding> {
        let group = Group::Shopify;
        let reach = match config::shopify_reach(&self.env.function(Function::FollowUp)) {
            Ok(loaded) => loaded.config,
            Err(problems) => return vec![Finding::unknown(group, "api", &wrong_settings(&problems), SETTINGS_FIRST)],
        };
        let store = match &self.store {
            Ok(store) => store,
            Err(why) => return vec![Finding::unknown(group, "api", why, SETTINGS_FIRST)],
        };
        let client = match Wiring::new(&reach.http, &self.aws, store, &self.process) {
            Ok(wiring) => {
                wiring.shopify_beside_other_work(&reach.shop, &reach.shopify).await.map_err(|e| e.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match client {
            Ok(client) => judge_shopify(reach.shop.as_str(), &client.setup().await, self.door.as_deref()),
            Err(why) => vec![Finding::unknown(group, "api", &why, SETTINGS_FIRST)],
        }
    }

    async fn chatwoot(&self, secrets: &[(SecretName, Looked<SecretFacts>)]) -> Vec<Finding> {
        let group = Group::Chatwoot;
        let filled = |(name, looked): &(SecretName, Looked<SecretFacts>)| {
            *name == SecretName::ChatwootApi && looked.seen().is_some_and(|facts| facts.value == Looked::Seen(Ok(())))
        };
        if !secrets.iter().any(filled) {
            return judge_chatwoot(None, self.door.as_deref());
        }
        let reach = match config::chatwoot_reach(&self.env.function(Function::ChatwootWorker)) {
            Ok(loaded) => loaded.config,
            Err(problems) => return vec![Finding::unknown(group, "api", &wrong_settings(&problems), SETTINGS_FIRST)],
        };
        let store = match &self.store {
            Ok(store) => store,
            Err(why) => return vec![Finding::unknown(group, "api", why, SETTINGS_FIRST)],
        };
        let asked = match Wiring::new(&reach.http, &self.aws, store, &self.process) {
            Ok(wiring) => match wiring.chatwoot(&reach.chatwoot).await {
                Ok(client) => client.setup().await,
                Err(error) => Err(error.to_string()),
            },
            Err(error) => Err(error.to_string()),
        };
        match asked {
            Ok(facts) => judge_chatwoot(Some(&facts), self.door.as_deref()),
            Err(why) => vec![Finding::unknown(group, "api", &why, "Say the same command again.")],
        }
    }

    async fn clocks(&self) -> Vec<Finding> {
        let mut findings = vec![clock::judge(&self.reading("AWS", None).await)];
        for (whose, setting) in [("Podium", "PODIUM_API_URL"), ("Shopify", "SHOPIFY_API_URL")] {
            if let Some(url) = self.address(setting) {
                findings.push(clock::judge(&self.reading(whose, Some(&url)).await));
            }
        }
        findings
    }

    /// Where a provider is.
    fn address(&self, setting: &str) -> Option<String> {
        let env = self.env.function(Function::FollowUp);
        match setting {
            "PODIUM_API_URL" => config::podium_reach(&env).ok().map(|loaded| loaded.config.podium.url),
            _ => config::shopify_reach(&env).ok().map(|loaded| loaded.config.shopify.url),
        }
    }

    /// What a clock says; AWS's without an address.
    async fn reading(&self, whose: &str, url: Option<&str>) -> Reading {
        let before = self.now();
        let said = match url {
            None => self.inspector.date().await,
            Some(url) => match self.wiring(|wiring| wiring.http().clone()) {
                Ok(http) => http.glance(url).await.and_then(|glance| glance.date.map_or(Looked::Absent, Looked::Seen)),
                Err(why) => Looked::Unknown(why),
            },
        };
        let ours = before.plus(self.now().since(before) / 2);
        let theirs = said.and_then(|date| match clock::date(&date) {
            Some(at) => Looked::Seen(at),
            None => Looked::Unknown(format!("its date cannot be read: {date:?}")),
        });
        Reading { whose: whose.to_owned(), theirs, ours }
    }

    /// Something that the providers' clients stand on.
    fn wiring<R>(&self, with: impl FnOnce(&Wiring<'_, Notes>) -> R) -> Result<R, String> {
        let reach = config::podium_reach(&self.env.function(Function::Timers));
        let http = reach.map_err(|problems| wrong_settings(&problems))?.config.http;
        let store = self.store.as_ref().map_err(Clone::clone)?;
        Wiring::new(&http, &self.aws, store, &self.process).map(|w| with(&w)).map_err(|error| error.to_string())
    }

    async fn work(&self) -> Vec<Finding> {
        let store = match &self.store {
            Ok(store) => store,
            Err(why) => return vec![Finding::unknown(Group::Work, "waiting events", why, SETTINGS_FIRST)],
        };
        let facts = WorkFacts {
            oldest_waiting: seen(self.oldest_waiting(store).await),
            parked: seen(count(store, Shelf::Inbox, InboxStatus::Parked.as_str()).await),
            unknown_sends: seen(count(store, Shelf::Outbox, "unknown").await),
        };
        work::judge(&facts, self.now())
    }

    /// A row that the sweeper queues again stands in the index as if it were new, so its own time counts.
    async fn oldest_waiting(&self, store: &DynamoStore) -> Result<Option<UnixMillis>, StoreError> {
        let mut oldest: Option<UnixMillis> = None;
        for shard in Shard::all() {
            for row in store.waiting(shard, self.now(), OLDEST).await? {
                let record = store.record(Shelf::Inbox, &row.key.to_key()).await?;
                let Some(record) = record.filter(|record| is_open(record.text("st"))) else { continue };
                let since = record.millis("received_at_ms").unwrap_or(row.since);
                oldest = Some(oldest.map_or(since, |known| known.min(since)));
            }
        }
        Ok(oldest)
    }

    async fn front_door(&self) -> Vec<Finding> {
        let Some(door) = &self.door else {
            return work::judge_front_door("", &Looked::Absent);
        };
        let http = match self.wiring(|wiring| wiring.http().clone()) {
            Ok(http) => http,
            Err(why) => return vec![Finding::unknown(Group::FrontDoor, &**door, &why, SETTINGS_FIRST)],
        };
        let answered = http.glance(&format!("{door}/health?ready=1")).await;
        let answered = answered.map(|glance| (glance.status, serde_json::from_slice::<Report>(&glance.body).ok()));
        let mut findings = work::judge_front_door(door, &answered);
        // A door that is shut says nothing about who may come in.
        if answered.seen().is_some_and(|(_, report)| report.is_some()) {
            let origins = self.env.get("WEB_ORIGINS").unwrap_or_default();
            for origin in origins.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
                let allowed = http.ask_as_page(&format!("{door}/chat"), origin).await;
                let allowed = allowed.and_then(|glance| match glance.status {
                    404 => Looked::Absent,
                    _ => Looked::Seen(glance.allowed_origin),
                });
                findings.push(work::judge_origin(door, origin, &allowed));
            }
        }
        findings
    }
}

const SETTINGS_FIRST: &str = "Mend the settings first: they stand above.";

fn wrong_settings(problems: &Problems) -> String {
    let names: Vec<&str> = problems.0.iter().map(|problem| problem.name).collect();
    format!("settings are wrong: {}", names.join(", "))
}

fn unnamed(group: Group, subject: &str, setting: &str) -> Finding {
    Finding::unknown(group, subject, &format!("{setting} of the function health does not name it"), SETTINGS_FIRST)
}

fn seen<T>(asked: Result<T, StoreError>) -> Looked<T> {
    asked.map_or_else(|error| Looked::Unknown(error.to_string()), Looked::Seen)
}

fn is_open(status: Option<&str>) -> bool {
    [InboxStatus::Waiting, InboxStatus::Claimed].iter().any(|open| status == Some(open.as_str()))
}

/// Rows with a status, as far as the table is looked through.
async fn count(store: &DynamoStore, shelf: Shelf, status: &str) -> Result<Counted, StoreError> {
    let sieve = Sieve { equals: vec![("st", vec![status.to_owned()])], only: &["st"], ..Sieve::default() };
    let mut counted = Counted { rows: 0, whole: false };
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let page = store.records(shelf, &sieve, after.as_deref()).await?;
        counted.rows += u64::try_from(page.rows.len()).unwrap_or(u64::MAX);
        after = page.next;
        if after.is_none() {
            return Ok(Counted { whole: true, ..counted });
        }
    }
    Ok(counted)
}
