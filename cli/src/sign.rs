//! `frontdesk sign`: the headers a provider would send with a body, signed now.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::ValueEnum;
use frontdesk_aws::secrets::SecretVault;
use frontdesk_core::config::Env as _;
use frontdesk_core::doctor::secrets::SecretName;
use frontdesk_core::podium::{self, Channel, What};
use frontdesk_core::shopify;
use frontdesk_core::signature::{PodiumScheme, Secret, SignedHeaders, sign_chatwoot, sign_podium, sign_shopify};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::installation;
use crate::reach::{Output, Reach};
use crate::secrets::rotate::unwell;

/// Where `make run` listens.
const LOCAL: &str = "http://localhost:8787";
const SHOPIFY_API_VERSION: &str = "2026-10";
/// The shop of the sample events and of the local stack.
const SAMPLE_SHOP: &str = "harbour-lane-demo.myshopify.com";
/// Topics by which a file can be named, with `-` for their `/` and `_`, as in `orders-fulfilled-au.json`.
const TOPICS: [&str; 16] = [
    "orders/fulfilled",
    "orders/cancelled",
    "orders/updated",
    "refunds/create",
    "returns/request",
    "returns/approve",
    "returns/cancel",
    "returns/close",
    "returns/reopen",
    "fulfillment_events/create",
    "customers/merge",
    "app/uninstalled",
    "customers/data_request",
    "customers_marketing_consent/update",
    "customers/redact",
    "shop/redact",
];
/// Topics with an endpoint of their own; the rest share one.
const OWN_ENDPOINT: [&str; 4] = ["orders/fulfilled", "orders/cancelled", "orders/updated", "refunds/create"];

const EXAMPLES: &str = r#"Examples:
  export SHOPIFY_WEBHOOK_SECRET=example-client-secret-not-real
  frontdesk sign --provider shopify --body events/shopify/orders-fulfilled-au.json
  eval "$(frontdesk sign --provider shopify --body events/shopify/refunds-create.json --curl)"
  frontdesk sign --provider shopify --body order.json --curl https://shop.example/shopify/orders-fulfilled
  frontdesk sign --provider podium --body events/podium/published.message.received.webchat.json --curl
  frontdesk sign --provider podium --body events/podium/published.review.created.1star.json --curl
  frontdesk sign --provider podium --scheme brief_body --format invoke \
    --body events/podium/brief.webchat.stop.json > event.json
  cargo lambda invoke podium-webchat --data-file event.json
  frontdesk sign --provider chatwoot --secret-env BOT_SECRET --body - < message.json
  frontdesk --profile shop sign --provider podium --from-installation --curl \
    --body events/podium/published.message.received.webchat.json

The secret comes from the environment: SHOPIFY_WEBHOOK_SECRET, PODIUM_WEBHOOK_SECRET or
CHATWOOT_WEBHOOK_SECRET, unless --secret-env names another variable. --secret puts it on the command
line, where other users of the machine can see it: good for made-up secrets only. --from-installation reads it from
Secrets Manager, as the endpoint does, and sends to WEB_PUBLIC_URL if that is set: what is sent is taken for real.

A Shopify topic is known from a name like orders-cancelled.json; of any other file it is taken to be
orders/fulfilled. To try a duplicate delivery, say the same --webhook-id twice.

The signature covers the exact bytes of the file, and for Podium and Chatwoot the present time, so
use it soon and do not touch the file in between.

Exit codes: 0 signed, 2 usage, no secret, or it cannot be read."#;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Whose signature to make
    #[arg(long, value_enum)]
    provider: Provider,
    /// The file to sign, or - for standard input
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// The environment variable that holds the secret
    #[arg(long, value_name = "NAME", conflicts_with = "secret")]
    secret_env: Option<String>,
    /// The secret itself
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    secret: Option<String>,
    /// Take the secret that the installation has for this provider, and send to its front door
    #[arg(long, conflicts_with_all = ["secret", "secret_env"])]
    from_installation: bool,
    /// Podium: published (the default), brief_body or brief_t_v1
    #[arg(long, value_name = "SCHEME", value_parser = scheme)]
    scheme: Option<PodiumScheme>,
    /// Shopify: the topic [default: what the file's name begins with]
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Shopify: the shop [default: the samples' shop]
    #[arg(long, value_name = "DOMAIN")]
    shop: Option<String>,
    /// Shopify, Chatwoot: the delivery's id [default: a new one each time]
    #[arg(long, value_name = "ID")]
    webhook_id: Option<String>,
    /// Where the request goes [default: its endpoint on the local stack]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Print a curl command, ready to paste; the same as --format curl
    #[arg(long, value_name = "URL", num_args = 0..=1, conflicts_with = "format")]
    curl: Option<Option<String>>,
    /// What to print [default: headers, or json with --output json]
    #[arg(long, value_enum, value_name = "headers|curl|json|invoke", hide_possible_values = true)]
    format: Option<Format>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Provider {
    Shopify,
    Podium,
    Chatwoot,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// The headers, one a line
    Headers,
    /// A curl command
    Curl,
    /// URL and headers
    Json,
    /// A whole Lambda event, for cargo lambda invoke and sam local invoke
    Invoke,
}

fn scheme(name: &str) -> Result<PodiumScheme, String> {
    let names = PodiumScheme::ALL.map(PodiumScheme::as_str);
    PodiumScheme::from_name(name).ok_or_else(|| format!("it must be one of {}", names.join(", ")))
}

/// Signs and prints; `setting` reads an environment variable.
pub(crate) fn run(
    reach: &Reach,
    args: &Args,
    now_ms: i64,
    setting: fn(&str) -> Option<String>,
) -> Result<ExitCode, Failure> {
    refuse_what_does_not_apply(args)?;
    let (secret, door) = if args.from_installation { installed(reach, args)? } else { (secret(args, setting)?, None) };
    let door = door.as_deref().unwrap_or(LOCAL);
    let body = read(&args.body)?;
    let headers = headers(args, &secret, &body, now_ms);
    if let Some((name, _)) = headers.iter().find(|(_, value)| !fits_a_header(value)) {
        return Err(Failure::Config(format!("the value for {name} is empty, or holds what no header can")));
    }
    let asked = args.curl.is_some().then_some(Format::Curl).or(args.format);
    let as_json = || if reach.asked_output() == Some(Output::Json) { Format::Json } else { Format::Headers };
    let mut text = String::new();
    match asked.unwrap_or_else(as_json) {
        Format::Headers => {
            for (name, value) in &headers {
                // Writing to a String cannot fail.
                writeln!(text, "{name}: {value}").ok();
            }
        }
        Format::Curl => text = curl(&args.body, &url(args, &body, door)?, &headers)? + "\n",
        Format::Invoke => {
            writeln!(text, "{:#}", invocation(args, &body, &headers, now_ms)?).ok();
        }
        Format::Json => {
            let fields: Map<_, _> =
                headers.iter().map(|(name, value)| ((*name).into(), Value::from(&**value))).collect();
            writeln!(text, "{:#}", json!({ "url": url(args, &body, door)?, "headers": fields })).ok();
        }
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// An option that would be ignored is a misunderstanding: better said than swallowed.
fn refuse_what_does_not_apply(args: &Args) -> Result<(), Failure> {
    let applies = |option, given: bool, to: &[Provider]| {
        if !given || to.contains(&args.provider) {
            return Ok(());
        }
        let name = args.provider.name();
        Err(Failure::Config(format!("{option} means nothing to --provider {name}")))
    };
    applies("--scheme", args.scheme.is_some(), &[Provider::Podium])?;
    applies("--topic", args.topic.is_some(), &[Provider::Shopify])?;
    applies("--shop", args.shop.is_some(), &[Provider::Shopify])?;
    applies("--webhook-id", args.webhook_id.is_some(), &[Provider::Shopify, Provider::Chatwoot])
}

impl Provider {
    fn name(self) -> &'static str {
        match self {
            Self::Shopify => "shopify",
            Self::Podium => "podium",
            Self::Chatwoot => "chatwoot",
        }
    }

    fn secret_name(self) -> SecretName {
        match self {
            Self::Shopify => SecretName::ShopifyWebhook,
            Self::Podium => SecretName::PodiumWebhook,
            Self::Chatwoot => SecretName::ChatwootWebhook,
        }
    }

    fn secret_variable(self) -> &'static str {
        match self {
            Self::Shopify => "SHOPIFY_WEBHOOK_SECRET",
            Self::Podium => "PODIUM_WEBHOOK_SECRET",
            Self::Chatwoot => "CHATWOOT_WEBHOOK_SECRET",
        }
    }
}

/// The newest secret that the installation has for a provider, and its front door's address if it knows it.
fn installed(reach: &Reach, args: &Args) -> Result<(Secret, Option<String>), Failure> {
    let name = args.provider.secret_name();
    let mut found = None;
    installation::run(reach, async |shop| {
        let id = shop.env.get(name.setting()).filter(|id| !id.trim().is_empty());
        let id = id.ok_or_else(|| Failure::Config(format!("{} is not set", name.setting())))?;
        let vault = SecretVault::new(shop.aws.secrets(), name.setting(), id);
        let live = vault.live(&shop.process.telemetry).await.map_err(|error| unwell(&error))?;
        let door = shop.env.get("WEB_PUBLIC_URL").map(|url| url.trim().trim_end_matches('/').to_owned());
        found = Some((live.newest().clone(), door.filter(|door| !door.is_empty())));
        Ok(ExitCode::SUCCESS)
    })?;
    found.ok_or_else(|| Failure::Config(format!("{} is not set", name.setting())))
}

fn secret(args: &Args, setting: fn(&str) -> Option<String>) -> Result<Secret, Failure> {
    let (name, value) = match &args.secret {
        Some(value) => ("--secret", value.clone()),
        None => {
            let name = args.secret_env.as_deref().unwrap_or(args.provider.secret_variable());
            let value = setting(name).ok_or_else(|| {
                Failure::Config(format!(
                    "the secret is missing: set the environment variable {name}, or name another with --secret-env"
                ))
            })?;
            (name, value)
        }
    };
    Secret::new(name, value).map_err(|empty| Failure::Config(empty.to_string()))
}

fn read(body: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = if is_stdin(body) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(body)
    };
    bytes.map_err(|error| Failure::Config(format!("cannot read {}: {error}", body.display())))
}

fn is_stdin(body: &Path) -> bool {
    body.as_os_str() == "-"
}

fn headers(args: &Args, secret: &Secret, body: &[u8], now_ms: i64) -> SignedHeaders {
    let mut headers: SignedHeaders = vec![("content-type", "application/json".to_owned())];
    let id = || args.webhook_id.clone().unwrap_or_else(random_uuid);
    match args.provider {
        Provider::Shopify => {
            headers.push(("x-shopify-topic", topic(args)));
            headers.extend(sign_shopify(secret, body));
            headers.push(("x-shopify-shop-domain", args.shop.clone().unwrap_or_else(|| SAMPLE_SHOP.to_owned())));
            headers.push(("x-shopify-api-version", SHOPIFY_API_VERSION.to_owned()));
            headers.push(("x-shopify-webhook-id", id()));
            headers.push(("x-shopify-event-id", random_uuid()));
            if let Ok(now) = jiff::Timestamp::from_millisecond(now_ms) {
                headers.push(("x-shopify-triggered-at", now.to_string()));
            }
        }
        Provider::Podium => {
            headers.extend(sign_podium(secret, args.scheme.unwrap_or(PodiumScheme::Published), body, now_ms));
        }
        Provider::Chatwoot => {
            headers.push(("x-chatwoot-delivery", id()));
            headers.extend(sign_chatwoot(secret, body, now_ms));
        }
    }
    headers
}

fn topic(args: &Args) -> String {
    if let Some(topic) = &args.topic {
        return topic.clone();
    }
    let name = args.body.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let named = TOPICS.into_iter().find(|topic| name.starts_with(&topic.replace(['/', '_'], "-")));
    named.unwrap_or("orders/fulfilled").to_owned()
}

fn url(args: &Args, body: &[u8], door: &str) -> Result<String, Failure> {
    let after_curl = args.curl.as_ref().and_then(Option::as_ref);
    let url = match (&args.url, after_curl) {
        (Some(_), Some(_)) => return Err(Failure::Config("the URL is given twice, by --url and by --curl".to_owned())),
        (Some(url), None) | (None, Some(url)) => url.clone(),
        (None, None) => format!("{door}{}", path(args, body)),
    };
    if !(url.starts_with("http://") || url.starts_with("https://")) || !fits_a_header(&url) {
        return Err(Failure::Config(format!("not a URL that starts with http:// or https://: {url:?}")));
    }
    Ok(url)
}

fn path(args: &Args, body: &[u8]) -> String {
    match args.provider {
        // By what it is, as the endpoints read it: its name is not signed.
        Provider::Shopify if shopify::parse(body).is_ok_and(|event| shopify::is_privacy(&event)) => {
            "/shopify/privacy".to_owned()
        }
        Provider::Shopify => match topic(args) {
            topic if OWN_ENDPOINT.contains(&&*topic) => format!("/shopify/{}", topic.replace('/', "-")),
            _ => "/shopify/webhooks".to_owned(),
        },
        Provider::Podium => podium_path(body).to_owned(),
        Provider::Chatwoot => "/chatwoot".to_owned(),
    }
}

/// The endpoint that a webhook with this event would be pointed at. Each takes any of Podium's events.
fn podium_path(body: &[u8]) -> &'static str {
    let first = podium::items(body).into_iter().next().and_then(|item| item.event.ok());
    match first.map(|event| event.what) {
        Some(What::Received(message) | What::Sent(message) | What::Failed { message, .. }) => match message.channel {
            Channel::Webchat => "/podium/webchat",
            Channel::Sms | Channel::Other => "/podium/sms",
        },
        Some(What::Contact(_)) => "/podium/contacts",
        Some(What::Review(_) | What::ReviewResponse { .. } | What::InviteLink(_) | What::Invitation { .. }) => {
            "/podium/reviews"
        }
        Some(What::Other) | None => "/podium/webchat",
    }
}

/// The event with which a gateway would call the function, for `cargo lambda invoke` and `sam local invoke`.
fn invocation(args: &Args, body: &[u8], headers: &SignedHeaders, now_ms: i64) -> Result<Value, Failure> {
    let url = url(args, body, LOCAL)?;
    let path = url.splitn(4, '/').nth(3).map_or("/".to_owned(), |rest| format!("/{rest}"));
    let route = format!("POST {path}");
    let (text, encoded) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (BASE64.encode(body), true),
    };
    let fields: Map<_, _> = headers.iter().map(|(name, value)| ((*name).into(), Value::from(&**value))).collect();
    Ok(json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": fields,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "frontdesk"},
            "requestId": random_uuid(),
            "routeKey": route,
            "stage": "$default",
            "timeEpoch": now_ms,
        },
        "body": text,
        "isBase64Encoded": encoded,
    }))
}

/// Printable ASCII only: a line end in a header would be a second header.
fn fits_a_header(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
}

/// One line, each argument quoted, so that it survives being pasted whatever is in the names.
fn curl(body: &Path, url: &str, headers: &SignedHeaders) -> Result<String, Failure> {
    if is_stdin(body) {
        return Err(Failure::Config(
            "curl needs a file to send the very bytes that were signed: name one with --body".to_owned(),
        ));
    }
    let file = body
        .to_str()
        .ok_or_else(|| Failure::Config(format!("this file's name cannot be printed: {}", body.display())))?;
    let mut line = format!("curl --silent --show-error --include --data-binary {}", quoted(&format!("@{file}")));
    for (name, value) in headers {
        write!(line, " --header {}", quoted(&format!("{name}: {value}"))).ok();
    }
    Ok(line + " " + &quoted(url))
}

/// An argument as a POSIX shell reads it back.
fn quoted(argument: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&b);
    if !argument.is_empty() && argument.bytes().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// A version 4 UUID. The standard library seeds its hash maps with the system's randomness, and a delivery id for a
/// test needs no better.
fn random_uuid() -> String {
    let random = || u128::from(RandomState::new().build_hasher().finish());
    let bits = random() << 64 | random();
    let bits = bits & !(0xf << 76) | 4 << 76;
    let bits = bits & !(0b11 << 62) | 0b10 << 62;
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_for_the_shell() {
        assert_eq!(quoted("@events/shopify/orders-fulfilled-au.json"), "@events/shopify/orders-fulfilled-au.json");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's; $(rm -rf) `x` \"y\" \n"), "'it'\\''s; $(rm -rf) `x` \"y\" \n'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("é"), "'é'");
    }

    #[test]
    fn uuids_are_version_4_and_differ() {
        let (a, b) = (random_uuid(), random_uuid());
        assert_ne!(a, b);
        for id in [a, b] {
            assert_eq!(id.len(), 36, "{id}");
            assert_eq!(&id[14..15], "4", "{id}");
            assert!("89ab".contains(&id[19..20]), "{id}");
        }
    }
}
