//! The house that bad input comes to, and what must be true of it afterwards.

use std::{
    cell::Cell,
    fs,
    future::Future,
    path::{Path, PathBuf},
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use frontdesk_aws::lambda::http::{self, HttpAnswer, HttpEvent};
use frontdesk_core::{
    flow::ingest::{Answer, Ingest, IngestRules, Request, ShopifyEndpoint},
    ids::{Ids, LocationUid, OrderId, OwnerToken},
    inbox::InboxStatus,
    request::RequestStatus,
    review::{Location, ReviewPolicy},
    signature::{Secret, sign_shopify},
    telemetry::Metric,
    time::DAY,
};
use frontdesk_testkit::{
    shop,
    world::{Plan, World},
};
use serde_json::{Value, json};

/// Bodies over this are refused in this house.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// The order of the Australian sample.
pub(crate) const AUSTRALIAN: u64 = 7_024_000_000_101;

/// The secret that signs, and the one before it; the world's own.
pub(crate) const CURRENT: &str = "the-current-secret";
pub(crate) const PREVIOUS: &str = "the-previous-secret";

/// The end of a future that never has to wait for anybody.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a flow waits although nothing makes it wait"),
    }
}

pub(crate) fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// A sample of Shopify's.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    fs::read(events().join("shopify").join(name)).unwrap()
}

/// Receipts that no owner of the world's own has.
#[derive(Debug, Default)]
pub(crate) struct Receipts(Cell<u32>);

impl Ids for Receipts {
    fn owner(&self) -> OwnerToken {
        self.0.set(self.0.get() + 1);
        OwnerToken::try_from(format!("receipt-{}", self.0.get()).as_str()).unwrap()
    }
}

/// A shop with the samples' three locations, open around the clock.
pub(crate) fn policy() -> ReviewPolicy {
    let location = |uid: &str, country: &str, id: u64| Location {
        uid: LocationUid::try_from(uid).unwrap(),
        name: format!("Harbour Lane {uid}"),
        country: country.into(),
        shopify_ids: vec![id],
        review_link: None,
    };
    let locations = vec![
        location("burleigh", "AU", 88_110_022_001),
        location("sydney", "AU", 88_110_022_002),
        location("austin", "US", 88_110_022_003),
    ];
    ReviewPolicy { locations, ..shop::policy() }
}

/// How an event's row ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) status: InboxStatus,
    pub(crate) outcome: String,
    pub(crate) attempts: u32,
}

/// Front door, workers, timers and sender over the model.
pub(crate) struct House {
    pub(crate) world: World,
    receipts: Receipts,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(policy())
    }

    pub(crate) fn with(policy: ReviewPolicy) -> Self {
        let mut world = World::new(Plan::new());
        world.policy = policy;
        Self { world, receipts: Receipts::default() }
    }

    fn ingest<T>(
        &self,
        take: impl FnOnce(
            &Ingest<
                '_,
                ShopifyEndpoint,
                World,
                World,
                World,
                frontdesk_testkit::clock::ManualClock,
                Receipts,
                frontdesk_testkit::recorder::Recorder,
            >,
        ) -> T,
    ) -> T {
        let endpoint = ShopifyEndpoint { shop: shop::shop() };
        take(&Ingest {
            endpoint: &endpoint,
            store: &self.world,
            queue: &self.world,
            secrets: &self.world,
            clock: &self.world.clock,
            ids: &self.receipts,
            telemetry: &self.world.recorder,
            rules: IngestRules { body_bytes_max: BODY_BYTES_MAX, keep: DAY * 60 },
        })
    }

    /// A request as the gateway describes it.
    pub(crate) fn gateway(&self, event: Value) -> HttpAnswer {
        let event: HttpEvent = serde_json::from_value(event).unwrap();
        self.ingest(|ingest| ready(http::ingest(ingest, event)))
    }

    /// A request as the core sees it, for header values that no gateway's JSON can hold.
    pub(crate) fn raw(&self, headers: &[(&str, &[u8])], body: &[u8]) -> Answer {
        self.ingest(|ingest| ready(ingest.handle(&Request { headers, body })))
    }

    /// A request with these headers; the body travels in base64, as the gateway does with what it takes for binary.
    pub(crate) fn receives(&self, headers: &[(&str, &str)], body: &[u8]) -> HttpAnswer {
        let headers: serde_json::Map<String, Value> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), json!(v))).collect();
        self.gateway(
            json!({"version": "2.0", "headers": headers, "body": BASE64.encode(body), "isBase64Encoded": true}),
        )
    }

    /// A webhook rightly signed.
    pub(crate) fn delivered(&self, id: &str, body: &[u8]) -> HttpAnswer {
        self.receives(&[("x-shopify-hmac-sha256", &signature(CURRENT, body)), ("x-shopify-webhook-id", id)], body)
    }

    /// The row of a webhook.
    pub(crate) fn row(&self, id: &str) -> Option<Row> {
        self.world.store.look(|tables| {
            let (_, row) = tables.inbox.iter().find(|(key, _)| key.event.as_str() == id)?;
            Some(Row { status: row.status, outcome: row.outcome.clone().unwrap_or_default(), attempts: row.attempts })
        })
    }

    pub(crate) fn count(&self, metric: Metric) -> usize {
        self.world.recorder.count_of(metric)
    }

    /// Delivers a signed body to a fresh house, lets forty days pass, and checks what must be true of any body.
    ///
    /// The shop knows the order that the body names, in good health, so that nothing but the body stands against a text.
    pub(crate) fn sees_through(policy: ReviewPolicy, body: &[u8]) -> (Self, Row) {
        let house = Self::with(policy);
        // What `Value` cannot hold where nobody looks (1e400, half a surrogate) is a change of the Australian sample.
        let content: Value =
            serde_json::from_slice(body).unwrap_or_else(|_| json!({"id": AUSTRALIAN, "phone": "+61491570156"}));
        let order = content["id"].as_u64().unwrap_or_default();
        house.world.knows(order);
        let answer = house.delivered("w", body);
        house.world.run();
        let row = house.row("w").unwrap_or_else(|| panic!("a verified body left no row: {answer:?}"));
        let shown = || String::from_utf8_lossy(body.get(..400).unwrap_or(body)).into_owned();

        assert_eq!(answer.status_code, 200, "{answer:?} for {}", shown());
        match &*answer.body {
            "accepted" => {
                assert!(matches!(row.status, InboxStatus::Done | InboxStatus::Rejected), "{row:?} for {}", shown());
            }
            "rejected" => assert_eq!(row.status, InboxStatus::Rejected, "{row:?} for {}", shown()),
            other => panic!("{other} for {}", shown()),
        }
        assert!(!row.outcome.is_empty(), "a row without an outcome for {}", shown());
        assert!(row.attempts <= 1, "{row:?} for {}", shown());
        for metric in [
            Metric::EventRetried,
            Metric::EventParked,
            Metric::RecordPanicked,
            Metric::QueueSendFailed,
            Metric::RequestFailed,
        ] {
            assert_eq!(house.count(metric), 0, "{} for {}", metric.as_str(), shown());
        }
        let texts = house.world.texts();
        assert!(texts.len() <= 1, "two texts for {}", shown());
        for text in texts {
            let key = format!("review-request#{}#{}", shop::shop(), OrderId(order));
            assert_eq!(text.effect.as_str(), key, "a text about another order for {}", shown());
            let digits = text.phone.expose_national();
            let theirs = buyers_digits(&content);
            assert!(theirs.iter().any(|number| number.contains(digits)), "a text to somebody else for {}", shown());
            assert_eq!(house.world.status_of(order), Some(RequestStatus::Sent));
        }
        (house, row)
    }
}

/// The base64 signature of a body.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let signed = sign_shopify(&Secret::new("test", secret).unwrap(), body);
    signed.into_iter().next().unwrap().1
}

/// The digits of every number on an order that is the buyer's own, found without the code under test.
fn buyers_digits(order: &Value) -> Vec<String> {
    let joined = |parts: &[&Value]| {
        let words = parts.iter().filter_map(|part| part.as_str()).flat_map(str::split_whitespace);
        words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    };
    let person = |who: &Value| joined(&[&who["first_name"], &who["last_name"]]);
    let recipient = |address: &Value| {
        let name = person(address);
        if name.is_empty() { joined(&[&address["name"]]) } else { name }
    };
    let (customer, billing, shipping) = (&order["customer"], &order["billing_address"], &order["shipping_address"]);
    let book = &customer["default_address"];
    let unnamed = person(customer).is_empty();
    let buyer = if unnamed { recipient(billing) } else { person(customer) };
    let buyers = |address: &Value| !buyer.is_empty() && recipient(address) == buyer;
    let owners = [
        (order, true),
        (customer, true),
        (billing, unnamed || buyers(billing)),
        (shipping, buyers(shipping)),
        (book, recipient(book).is_empty() || buyers(book)),
    ];
    let digits = |owner: &Value| owner["phone"].as_str().map(|p| p.chars().filter(char::is_ascii_digit).collect());
    owners.into_iter().filter(|(_, own)| *own).filter_map(|(owner, _)| digits(owner)).collect()
}

/// How long a message that failed stays hidden in the queue.
pub(crate) const VISIBILITY: Duration = Duration::from_secs(360);
