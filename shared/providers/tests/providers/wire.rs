//! What certainly did not happen: calls that never got a connection.

use frontdesk_core::{
    config::PodiumContract::{Brief, Published},
    provider::{NotDone, Provider, Reviews, SendFailure},
};
use frontdesk_providers::{Podium, Shopify};
use tokio::net::TcpListener;

use crate::{
    server::{Reply, Server},
    world::{TestClock, TestTokens, assert_discreet, hasty_podium, http, permit, podium, podium_config, review, shop},
};

async fn assert_not_sent(url: &str) {
    for contract in [Published, Brief] {
        let failure = podium(contract, url).send(permit().await, &review()).await.unwrap_err();
        assert_discreet(&failure);
        match failure {
            SendFailure::NotSent(NotDone::Unavailable { detail, .. }) => {
                assert!(detail.starts_with("no connection: "), "{detail}");
                assert!(!detail.contains("127.0.0.1"), "{detail}");
            }
            other @ (SendFailure::NotSent(_)
            | SendFailure::PermitExpired
            | SendFailure::Refused(_)
            | SendFailure::Ambiguous { .. }) => panic!("{url}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_refused_connection() {
    let gone = Server::always(Reply::Close).await.stop().await;
    assert_not_sent(&gone).await;
}

#[tokio::test]
async fn a_name_that_does_not_resolve() {
    assert_not_sent("https://podium.invalid").await;
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    assert_not_sent(&format!("https://{addr}")).await;
}

/// The connect timeout ends this, not the whole call's: it is certain that nothing was sent.
#[tokio::test]
async fn a_tls_handshake_that_is_never_answered() {
    let server = Server::always(Reply::Close).await;
    let client = hasty_podium(Published, &format!("https://{}", server.addr()));
    let failure = client.send(permit().await, &review()).await.unwrap_err();
    let detail = "no connection: operation timed out".into();
    assert_eq!(failure, SendFailure::NotSent(NotDone::Unavailable { provider: Provider::Podium, detail }));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Server::always(Reply::json(200, &serde_json::json!({ "data": { "uid": "m-1" } }))).await;
    let redirect = format!("HTTP/1.1 307 X\r\nlocation: {}/v4/messages\r\ncontent-length: 0\r\n\r\n", target.url());
    let server = Server::always(Reply::Raw(redirect.into_bytes())).await;
    let failure = podium(Published, &server.url()).send(permit().await, &review()).await.unwrap_err();
    assert_eq!(failure, SendFailure::Ambiguous { detail: "status 307".into() });
    assert_eq!(target.connections(), 0);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let clock = TestClock::new();
    let tokens = || TestTokens::new(&clock);
    let refused = |change: fn(&mut frontdesk_core::config::PodiumConfig), contract| {
        let mut config = podium_config(contract, "https://api.podium.com");
        change(&mut config);
        Podium::new(http(), &config, tokens(), clock.clone()).unwrap_err().setting
    };
    assert_eq!(refused(|c| c.url = "http://api.podium.com".into(), Published), "PODIUM_API_URL");
    assert_eq!(refused(|c| c.version = "2021\n04".into(), Published), "PODIUM_API_VERSION");
    assert_eq!(refused(|c| c.campaign = None, Brief), "PODIUM_CAMPAIGN_ID");
    assert_eq!(refused(|c| c.campaign = Some(" ".into()), Brief), "PODIUM_CAMPAIGN_ID");
    let shopify = |url: &str, version: &str| {
        let config =
            frontdesk_core::config::ShopifyApiConfig { url: url.into(), version: version.into(), secret: "arn".into() };
        Shopify::new(http(), shop(), &config, tokens(), clock.clone()).unwrap_err().setting
    };
    assert_eq!(shopify("http://harbour-lane.myshopify.com", "2026-10"), "SHOPIFY_API_URL");
    assert_eq!(shopify("https://harbour-lane.myshopify.com", "newest"), "SHOPIFY_API_VERSION");
}
