//! Tokens: what is asked, what is kept, and in which order.

use std::{
    sync::{Mutex, atomic::Ordering},
    time::Duration,
};

use frontdesk_core::{
    config::{PodiumContract::Published, ShopifyApiConfig, TokenBody},
    ids::{Ids, OwnerToken},
    provider::{Provider, Reviews},
    store::{Fenced, Lease, StoreError},
    telemetry::{Gauge, Line, Metric, Telemetry},
    token::{AccessToken, Grant, GrantError, Granted, Pause, RefreshClaim, TokenKeeper, Tokens},
};
use frontdesk_providers::{PodiumGrant, ShopifyGrant};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Server},
    world::{TestClock, TestVault, assert_discreet, http, permit, podium_config, podium_with, review},
};

fn vault() -> TestVault {
    TestVault::holding(
        &json!({ "client_id": "ci", "client_secret": "cs-hush", "refresh_token": "rt-1", "note": "ours" }),
    )
}

fn podium_grant(server: &Server, vault: &TestVault, body: TokenBody) -> PodiumGrant<TestVault> {
    let config = frontdesk_core::config::PodiumConfig { token_body: body, ..podium_config(Published, &server.url()) };
    PodiumGrant::new(http(), &config, vault.clone()).unwrap()
}

fn granted(more: &Value) -> Reply {
    let mut body = json!({ "access_token": "at-2" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Reply::json(200, &body)
}

async fn grant_with(reply: Reply, vault: &TestVault) -> Result<Granted, GrantError> {
    let server = Server::always(reply).await;
    podium_grant(&server, vault, TokenBody::Json).grant().await
}

#[tokio::test]
async fn the_refresh_as_json_and_as_a_form() {
    let server = Server::always(granted(&json!({ "expires_in": 36000 }))).await;
    for body in [TokenBody::Json, TokenBody::Form] {
        let granted = podium_grant(&server, &vault(), body).grant().await.unwrap();
        assert_eq!((granted.secret.expose(), granted.expires_in), ("at-2", Duration::from_secs(36000)));
    }
    let [as_json, as_form] = server.seen().try_into().unwrap();
    assert_eq!(as_json.target, "/oauth/token");
    let fields = json!({ "client_id": "ci", "client_secret": "cs-hush", "grant_type": "refresh_token", "refresh_token": "rt-1" });
    assert_eq!(as_json.json(), fields);
    assert_eq!(as_form.header("content-type"), Some("application/x-www-form-urlencoded"));
    let mut pairs: Vec<&str> = as_form.body.split('&').collect();
    pairs.sort_unstable();
    assert_eq!(pairs, ["client_id=ci", "client_secret=cs-hush", "grant_type=refresh_token", "refresh_token=rt-1"]);
}

#[tokio::test]
async fn a_life_that_is_not_said_is_an_hour() {
    for (said, seconds) in
        [(json!({ "expires_in": "600" }), 600), (json!({}), 3600), (json!({ "expires_in": null }), 3600)]
    {
        let granted = grant_with(granted(&said), &vault()).await.unwrap();
        assert_eq!(granted.expires_in, Duration::from_secs(seconds), "{said}");
    }
}

#[tokio::test]
async fn a_rotated_refresh_token_is_kept_with_everything_else() {
    let vault = vault();
    grant_with(granted(&json!({ "refresh_token": "rt-2" })), &vault).await.unwrap();
    assert_eq!(vault.notes(), ["written"]);
    assert_eq!(
        (vault.field("refresh_token"), vault.field("client_secret"), vault.field("note")),
        ("rt-2".into(), "cs-hush".into(), "ours".into())
    );
}

#[tokio::test]
async fn the_same_refresh_token_is_not_written_again() {
    for said in [
        json!({}),
        json!({ "refresh_token": "rt-1" }),
        json!({ "refresh_token": null }),
        json!({ "refresh_token": "" }),
    ] {
        let vault = vault();
        grant_with(granted(&said), &vault).await.unwrap();
        assert!(vault.notes().is_empty(), "{said}");
        assert_eq!(vault.field("refresh_token"), "rt-1");
    }
}

#[tokio::test]
async fn one_failed_write_is_repeated() {
    let vault = vault();
    vault.failing_writes.store(1, Ordering::SeqCst);
    grant_with(granted(&json!({ "refresh_token": "rt-2" })), &vault).await.unwrap();
    assert_eq!(vault.notes(), ["write failed", "written"]);
}

/// The first refresh gets `rt-2` and cannot keep it; the second keeps it before it asks, and asks with it.
#[tokio::test]
async fn a_refresh_token_that_could_not_be_kept_is_kept_first_the_next_time() {
    let vault = vault();
    vault.failing_writes.store(2, Ordering::SeqCst);
    let shared = vault.clone();
    let server = Server::start(move |seen| {
        shared.note(&format!("asked with {}", seen.json()["refresh_token"].as_str().unwrap()));
        granted(&json!({ "refresh_token": "rt-2" }))
    })
    .await;
    let grant = podium_grant(&server, &vault, TokenBody::Json);
    let error = grant.grant().await.unwrap_err();
    assert_discreet(&error);
    assert!(error.0.starts_with("ERR_AUTH_006"), "{error}");
    grant.grant().await.unwrap();
    assert_eq!(vault.notes(), ["asked with rt-1", "write failed", "write failed", "written", "asked with rt-2"]);
}

/// Somebody authorized the app again while the refresh was on its way: theirs counts.
#[tokio::test]
async fn a_newer_refresh_token_is_not_overwritten() {
    let vault = vault();
    let shared = vault.clone();
    let server = Server::start(move |_| {
        *shared.document.lock().unwrap() = json!({ "refresh_token": "rt-new" }).to_string();
        granted(&json!({ "refresh_token": "rt-2" }))
    })
    .await;
    podium_grant(&server, &vault, TokenBody::Json).grant().await.unwrap();
    assert_eq!(vault.field("refresh_token"), "rt-new");
}

#[tokio::test]
async fn a_refused_grant_says_its_code_and_nothing_else() {
    let described = |code: &str| json!({ "error": code, "error_description": "rt-1 of cs-hush" });
    for (reply, start) in [
        (Reply::json(400, &described("invalid_grant")), "ERR_AUTH_001"),
        (Reply::json(401, &described("invalid_client")), "ERR_AUTH_002"),
        (Reply::json(401, &described("invalid_token")), "ERR_AUTH_003"),
        (Reply::json(403, &described("insufficient_scope")), "ERR_AUTH_004"),
        (Reply::json(400, &described("invalid_scope")), "ERR_AUTH_004"),
        (Reply::Status(429, "retry-after: 5\r\n", String::new()), "ERR_AUTH_005"),
        (Reply::json(400, &described("rt-1")), "the token endpoint answered 400"),
        (Reply::Status(502, "", "rt-1".into()), "the token endpoint answered 502"),
        (Reply::Status(200, "", "rt-1".into()), "the token endpoint: the answer is not JSON"),
        (Reply::json(200, &json!({ "token": "at-1" })), "the token endpoint granted no access_token"),
        (Reply::json(200, &json!({ "access_token": " " })), "the token endpoint granted no access_token"),
        (Reply::Close, "the token endpoint: the connection was lost"),
    ] {
        let error = grant_with(reply.clone(), &vault()).await.unwrap_err();
        assert_discreet(&error);
        assert!(error.0.starts_with(start), "{reply:?}: {error}");
    }
}

#[tokio::test]
async fn credentials_that_are_not_there_are_named() {
    for (document, problem) in [
        (json!({ "client_id": "ci", "client_secret": "cs-hush" }), "the stored credentials have no refresh_token"),
        (json!({ "client_id": "ci", "refresh_token": "rt-1" }), "the stored credentials have no client_secret"),
        (json!("rt-1"), "the stored credentials are not a JSON object"),
    ] {
        let server = Server::always(Reply::Close).await;
        let error = podium_grant(&server, &TestVault::holding(&document), TokenBody::Json).grant().await.unwrap_err();
        assert_eq!(error.0, problem);
        assert_eq!(server.connections(), 0);
    }
    let server = Server::always(Reply::Close).await;
    let error = podium_grant(&server, &TestVault::default(), TokenBody::Json).grant().await.unwrap_err();
    assert_eq!(error.0, "the stored credentials cannot be read: there is nothing");
}

fn shopify_grant(server: &Server, document: &Value) -> ShopifyGrant<TestVault> {
    let config =
        ShopifyApiConfig { url: format!("{}/shopify", server.url()), version: "2026-10".into(), secret: "arn".into() };
    ShopifyGrant::new(http(), &config, TestVault::holding(document)).unwrap()
}

#[tokio::test]
async fn shopifys_client_credentials() {
    let server = Server::always(granted(&json!({ "expires_in": 86399, "scope": "read_orders" }))).await;
    let grant = shopify_grant(&server, &json!({ "client_id": "ci", "client_secret": "cs-hush" }));
    let granted = grant.grant().await.unwrap();
    assert_eq!((granted.secret.expose(), granted.expires_in), ("at-2", Duration::from_secs(86399)));
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/shopify/admin/oauth/access_token"));
    assert_eq!(seen.body, "grant_type=client_credentials&client_id=ci&client_secret=cs-hush");
}

#[tokio::test]
async fn shopifys_permanent_token_needs_no_call() {
    let server = Server::always(Reply::Close).await;
    let granted = shopify_grant(&server, &json!({ "access_token": "at-1" })).grant().await.unwrap();
    assert_eq!(granted.secret.expose(), "at-1");
    assert_eq!(server.connections(), 0);
    let error = shopify_grant(&server, &json!({})).grant().await.unwrap_err();
    assert_eq!(error.0, "the stored credentials have no client_id");
}

/// The directory's one row.
#[derive(Default)]
struct OneToken(Mutex<Option<AccessToken>>);

impl Tokens for OneToken {
    async fn token(&self, _: Provider) -> Result<Option<AccessToken>, StoreError> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn claim_refresh(&self, _: Provider, _: &Lease) -> Result<RefreshClaim, StoreError> {
        Ok(RefreshClaim::Acquired)
    }

    async fn share_token(&self, _: Provider, _: &Lease, token: &AccessToken) -> Result<Fenced, StoreError> {
        *self.0.lock().unwrap() = Some(token.clone());
        Ok(Fenced::Written)
    }

    async fn abandon_refresh(&self, _: Provider, _: &Lease) -> Result<Fenced, StoreError> {
        Ok(Fenced::Written)
    }
}

struct Nothing;

impl Ids for Nothing {
    fn owner(&self) -> OwnerToken {
        OwnerToken::try_from("me").unwrap()
    }
}

impl Telemetry for Nothing {
    fn count(&self, _: Metric, _: Option<&str>) {}
    fn measure(&self, _: Gauge, _: u64) {}
    fn line(&self, _: Line) {}
}

impl Pause for Nothing {
    async fn pause(&self, _: Duration) {}
}

/// The whole way: the shared token is refused, the keeper refreshes, the rotated refresh token is written, and only then
/// is the new access token used.
#[tokio::test]
async fn a_rotated_refresh_token_is_kept_before_its_access_token_is_used() {
    let vault = vault();
    let journal = vault.clone();
    let server = Server::start(move |seen| {
        let token = seen.header("authorization").unwrap_or_default();
        journal.note(&format!("{} {token}", seen.target));
        match (seen.target.as_str(), token) {
            ("/oauth/token", _) => granted(&json!({ "refresh_token": "rt-2", "expires_in": 36000 })),
            (_, "Bearer at-2") => Reply::json(200, &json!({ "data": { "uid": "m-1" } })),
            _ => Reply::Status(401, "", String::new()),
        }
    })
    .await;
    let clock = TestClock::new();
    let now = frontdesk_core::time::Clock::now(&clock);
    let old = AccessToken {
        secret: frontdesk_core::signature::Secret::new("t", "at-1").unwrap(),
        expires_at: now.plus(Duration::from_secs(3600)),
        granted_at: now,
    };
    let keeper = TokenKeeper {
        provider: Provider::Podium,
        store: OneToken(Mutex::new(Some(old))),
        grant: podium_grant(&server, &vault, TokenBody::Json),
        clock: clock.clone(),
        ids: Nothing,
        telemetry: Nothing,
        pause: Nothing,
    };
    let client = podium_with(Published, &server.url(), &clock, &keeper);
    assert_eq!(client.send(permit().await, &review()).await.unwrap().as_str(), "m-1");
    let expected = ["/v4/messages Bearer at-1", "/oauth/token ", "written", "/v4/messages Bearer at-2"];
    assert_eq!(vault.notes(), expected);
}
