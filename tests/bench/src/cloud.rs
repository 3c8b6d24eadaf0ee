//! What stands around the functions: DynamoDB, SQS and Secrets Manager over TLS 1.3, each on a port of its own so that no
//! connection serves two of them, and the providers over plain HTTP. All answers are canned, all calls are counted.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer, server::NoServerSessionStorage, version::TLS13};
use serde_json::{Value, json};

use crate::{
    http::{Answer, Request, serve},
    samples::{LINK, Samples},
};

/// How often each operation was called.
pub(crate) type Counts = BTreeMap<String, u64>;

type Shared = Arc<Mutex<Counts>>;

/// Where the services stand.
pub(crate) struct Cloud {
    counts: Shared,
    authority: PathBuf,
    dynamodb: u16,
    sqs: u16,
    secrets: u16,
    providers: u16,
}

impl Cloud {
    /// Starts everything. The certificate authority lives as long as this process; its certificate is put into `dir`.
    pub(crate) fn start(samples: &Samples, dir: &Path) -> io::Result<Self> {
        let counts = Shared::default();
        let (tls, authority) = certificates().map_err(io::Error::other)?;
        let path = dir.join("authority.pem");
        fs::write(&path, authority)?;
        let rows = Rows::of(samples);
        let (known, order) = (samples.secrets.clone(), samples.graphql_order.clone());
        let service = |answer: Service| serve(Some(Arc::clone(&tls)), counted(&counts, answer));
        Ok(Self {
            authority: path,
            dynamodb: service(Arc::new(move |operation, body| rows.answer(operation, body)))?,
            sqs: service(Arc::new(|_, _| json!({"MessageId": "m", "MD5OfMessageBody": "m"}).to_string()))?,
            secrets: service(Arc::new(move |_, body| secret(&known, body)))?,
            providers: serve(None, counted(&counts, Arc::new(move |path, _| provider(path, &order))))?,
            counts,
        })
    }

    /// The variables that lead a function here.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let local = |port| format!("https://localhost:{port}");
        let provider = format!("http://127.0.0.1:{}", self.providers);
        vec![
            ("AWS_CA_BUNDLE", self.authority.display().to_string()),
            ("AWS_ENDPOINT_URL_DYNAMODB", local(self.dynamodb)),
            ("AWS_ENDPOINT_URL_SQS", local(self.sqs)),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", local(self.secrets)),
            ("FRONTDESK_QUEUE_SHOPIFY_URL", format!("{}/000000000000/shopify", local(self.sqs))),
            ("FRONTDESK_QUEUE_REVIEWS_URL", format!("{}/000000000000/reviews", local(self.sqs))),
            ("FRONTDESK_QUEUE_PODIUM_URL", format!("{}/000000000000/podium.fifo", local(self.sqs))),
            ("SHOPIFY_API_URL", provider.clone()),
            ("PODIUM_API_URL", provider.clone()),
            ("PODIUM_TOKEN_URL", format!("{provider}/oauth/token")),
            ("SHOPIFY_WEBHOOK_SECRET_ARN", "SHOPIFY_WEBHOOK_SECRET_ARN".to_owned()),
            ("SHOPIFY_ADMIN_SECRET_ARN", "SHOPIFY_ADMIN_SECRET_ARN".to_owned()),
            ("PODIUM_WEBHOOK_SECRET_ARN", "PODIUM_WEBHOOK_SECRET_ARN".to_owned()),
            ("PODIUM_OAUTH_SECRET_ARN", "PODIUM_OAUTH_SECRET_ARN".to_owned()),
            ("FRONTDESK_TABLE_INBOX", "inbox".to_owned()),
            ("FRONTDESK_TABLE_CONTACTS", "contacts".to_owned()),
            ("FRONTDESK_TABLE_REQUESTS", "requests".to_owned()),
            ("FRONTDESK_TABLE_OUTBOX", "outbox".to_owned()),
            ("FRONTDESK_TABLE_LIMITS", "limits".to_owned()),
            ("FRONTDESK_TABLE_DIRECTORY", "directory".to_owned()),
            ("FRONTDESK_TABLE_SESSIONS", "sessions".to_owned()),
            ("FRONTDESK_TABLE_REVIEWS", "reviews".to_owned()),
            ("FRONTDESK_QUEUE_PRIVACY_URL", format!("{}/000000000000/privacy", local(self.sqs))),
            ("FRONTDESK_QUEUE_NOTICES_URL", format!("{}/000000000000/notices", local(self.sqs))),
            ("FRONTDESK_PEPPER_SECRET_ARN", "FRONTDESK_PEPPER_SECRET_ARN".to_owned()),
        ]
    }

    /// The calls since the last time that this was asked.
    pub(crate) fn take_counts(&self) -> Counts {
        std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// From an operation and a body to an answer's body.
type Service = Arc<dyn Fn(&str, &[u8]) -> String + Send + Sync>;

fn counted(counts: &Shared, service: Service) -> impl Fn(Request) -> Option<Answer> + Clone + Send + 'static {
    let counts = Arc::clone(counts);
    move |request| {
        // `DynamoDB_20120810.PutItem` is `PutItem`; what has no target is a knock or a provider's.
        let operation = match &request.target {
            Some(target) => target.rsplit('.').next().unwrap_or_default().to_owned(),
            None => format!("{} {}", request.method, request.path),
        };
        let answer = if operation == "GET /" { "healthy".to_owned() } else { service(&operation, &request.body) };
        *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(operation).or_default() += 1;
        Some(Answer::json(answer))
    }
}

/// The rows that DynamoDB answers with, whatever was written before.
struct Rows {
    inbox: Value,
    request: Value,
    outbox: Value,
    token: Value,
}

impl Rows {
    fn of(samples: &Samples) -> Self {
        let (text, number) = (|s: &str| json!({"S": s}), |n: i64| json!({"N": n.to_string()}));
        let (shipped, far) = (1_794_177_667_000, 4_000_000_000_000);
        Self {
            inbox: json!({
                "pk": text(&samples.event_key), "st": text("claimed"), "topic_header": text("orders/fulfilled"),
                "body_form": text("plain"), "body_bytes": {"B": STANDARD.encode(&samples.order)},
                "body_sha256": text(&"0".repeat(64)), "receipt": text(&"0".repeat(32)),
                "owner_token": text(&"0".repeat(32)), "attempts": number(1), "received_at_ms": number(shipped),
                "lease_until_ms": number(far), "expires_at": number(far / 1000),
            }),
            request: json!({
                "pk": text(&samples.request_key), "st": text("queued"), "st_rank": number(1), "attempts": number(1),
                "deferrals": number(0), "phone_e164": text("+61491570156"), "first_name": text("Ava"),
                "location_uid": text("loc_burleigh"), "zone_names": {"L": [text("Australia/Sydney")]},
                "fulfilled_at_ms": number(shipped), "first_send_after_ms": number(shipped),
                "send_after_ms": number(shipped), "due_at_ms": number(far), "created_at_ms": number(shipped),
                "owner_token": text(&"0".repeat(32)), "lease_until_ms": number(far), "expires_at": number(far / 1000),
            }),
            outbox: json!({"st": text("pending"), "invite_uid": text("invite"), "invite_url": text(LINK)}),
            token: json!({
                "access_token": text("token"), "token_expires_at_ms": number(far), "granted_at_ms": number(shipped),
            }),
        }
    }

    fn answer(&self, operation: &str, body: &[u8]) -> String {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let table = body["TableName"].as_str().unwrap_or_default();
        match (operation, table) {
            ("UpdateItem", "inbox") => json!({"Attributes": self.inbox}),
            ("UpdateItem", "requests") => json!({"Attributes": self.request}),
            ("UpdateItem", "outbox") => json!({"Attributes": self.outbox}),
            ("GetItem", "directory") => json!({"Item": self.token}),
            ("Query", _) => json!({"Items": [], "Count": 0, "ScannedCount": 0}),
            _ => json!({}),
        }
        .to_string()
    }
}

fn secret(known: &Value, body: &[u8]) -> String {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let secret = &known[asked["SecretId"].as_str().unwrap_or_default()];
    let value = secret.as_str().map_or_else(|| secret.to_string(), str::to_owned);
    json!({"Name": "secret", "SecretString": value}).to_string()
}

fn provider(call: &str, order: &str) -> String {
    match call {
        "POST /v4/reviews/invites" => json!({"data": {"uid": "invite", "shortUrl": LINK}}).to_string(),
        "POST /v4/messages" => json!({"data": {"uid": "message"}}).to_string(),
        _ => order.to_owned(),
    }
}

/// An authority, and a server of its certificate for `localhost`.
fn certificates() -> Result<(Arc<ServerConfig>, String), Box<dyn std::error::Error + Send + Sync>> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    // All stand-ins have one name. A ticket of one would spare the handshake with the next, which AWS would not.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok((Arc::new(config), authority.pem()))
}
