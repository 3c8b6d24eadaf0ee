//! Customers' files: from whom they are loaded, and how much of them.

use std::time::Duration;

use frontdesk_core::{
    chatwoot::{LoadFailure, Loaded, Media},
    config::ChatwootApiConfig,
};
use frontdesk_providers::MediaHosts;

use crate::{
    server::{Reply, Server},
    world::{TestClock, http},
};

const FILE: &str = "/rails/active_storage/blobs/redirect/signed/voice.ogg";

fn hosts(base: &str, list: &str, timeout: Duration) -> MediaHosts<TestClock> {
    let config = ChatwootApiConfig {
        url: base.into(),
        secret: "arn".into(),
        media_hosts: list.into(),
        timeout: Duration::from_secs(1),
    };
    MediaHosts::new(http(), &config, timeout, TestClock::new()).unwrap()
}

async fn load(server: &Server, list: &str, limit: usize) -> Result<Loaded, LoadFailure> {
    let hosts = hosts(&server.url(), list, Duration::from_secs(20));
    hosts.load(&format!("{}{FILE}", server.url()), limit).await
}

fn file(bytes: &str) -> Reply {
    Reply::Status(200, "content-type: Audio/OGG; codecs=opus\r\n", bytes.into())
}

fn to(place: &str) -> Reply {
    Reply::Raw(format!("HTTP/1.1 302 X\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n").into_bytes())
}

#[tokio::test]
async fn a_file_comes_with_its_type_and_nothing_of_ours_goes() {
    let server = Server::always(file("OggS")).await;
    let loaded = load(&server, "", 4).await.unwrap();
    assert_eq!((loaded.bytes.as_slice(), loaded.mime.as_deref()), (b"OggS".as_slice(), Some("audio/ogg")));
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", FILE));
    for private in ["api_access_token", "authorization", "cookie", "referer"] {
        assert_eq!(seen.header(private), None, "{private}");
    }
    let plain = Server::always(Reply::Status(200, "", "x".into())).await;
    assert_eq!(load(&plain, "", 4).await.unwrap().mime, None);
}

#[tokio::test]
async fn redirects_are_followed_to_hosts_of_the_list_and_carry_no_token() {
    let bucket = Server::always(file("OggS")).await;
    let place = format!("{}/bucket/voice?X-Signature=1", bucket.url());
    let front = Server::start(move |seen| if seen.target == FILE { to("/disk/voice") } else { to(&place) }).await;
    assert_eq!(load(&front, &bucket.url(), 99).await.unwrap().bytes, b"OggS");
    assert_eq!(front.targets(), [FILE, "/disk/voice"]);
    assert_eq!(bucket.targets(), ["/bucket/voice?X-Signature=1"]);
    for private in ["api_access_token", "authorization", "cookie", "referer"] {
        assert_eq!(bucket.seen()[0].header(private), None, "{private}");
    }
}

#[tokio::test]
async fn no_redirect_leads_out_of_the_list() {
    let stranger = Server::always(file("OggS")).await;
    for place in [
        format!("{}/voice", stranger.url()),
        "http://169.254.169.254/latest/meta-data".into(),
        "https://evil.example/voice".into(),
        "//evil.example/voice".into(),
        "file:///etc/passwd".into(),
        "http://[".into(),
    ] {
        let front = Server::always(to(&place)).await;
        let failure = load(&front, "*.example.com", 99).await.unwrap_err();
        assert!(matches!(&failure, LoadFailure::Refused { detail } if !detail.contains("evil")), "{place}: {failure}");
        assert_eq!(front.seen().len(), 1);
    }
    assert_eq!(stranger.connections(), 0);
    let endless = Server::always(to(FILE)).await;
    assert!(matches!(load(&endless, "", 99).await, Err(LoadFailure::Refused { .. })));
    assert_eq!(endless.seen().len(), 6);
}

#[tokio::test]
async fn other_hosts_are_not_asked() {
    let server = Server::always(file("OggS")).await;
    let port = server.addr().port();
    let hosts = hosts("https://chat.example", "files.example.com", Duration::from_secs(20));
    for url in [
        format!("{}/x", server.url()),
        format!("http://user:pw@127.0.0.1:{port}/x"),
        "http://chat.example/x".into(),
        "https://chat.example:8443/x".into(),
        "https://user@chat.example/x".into(),
        "https://x.files.example.com/x".into(),
        "data:,x".into(),
        String::new(),
    ] {
        assert!(matches!(hosts.load(&url, 9).await, Err(LoadFailure::Refused { .. })), "{url}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_address_without_a_host_is_chatwoots() {
    let server = Server::always(file("OggS")).await;
    let hosts = hosts(&server.url(), "", Duration::from_secs(20));
    assert_eq!(hosts.load(&format!("http://https{FILE}?disposition=inline"), 9).await.unwrap().bytes, b"OggS");
    assert_eq!(server.targets(), [format!("{FILE}?disposition=inline")]);
}

#[tokio::test]
async fn no_more_is_read_than_may_be() {
    let large = LoadFailure::TooLarge { limit: 4 };
    let server = Server::always(file("OggS!")).await;
    assert_eq!(load(&server, "", 4).await, Err(large.clone()));
    // Said and not sent, sent and not said, sent in pieces.
    let claims = b"HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\nO".to_vec();
    let silent = b"HTTP/1.1 200 OK\r\n\r\nOggS!".to_vec();
    let pieces = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nOgg\r\n3\r\nS!!\r\n".to_vec();
    for bytes in [claims, silent, pieces] {
        let server = Server::always(Reply::Stall(bytes)).await;
        assert_eq!(load(&server, "", 4).await, Err(large.clone()));
    }
    let packed = Server::always(Reply::Status(200, "content-encoding: gzip\r\n", "x".into())).await;
    assert!(matches!(load(&packed, "", 4).await, Err(LoadFailure::Refused { .. })));
}

#[tokio::test]
async fn every_failure_says_whether_to_try_again() {
    let server = Server::always(Reply::Status(404, "", String::new())).await;
    assert_eq!(load(&server, "", 9).await, Err(LoadFailure::NotThere));
    for status in [408, 429, 500, 502, 503, 504] {
        let server = Server::always(Reply::Status(status, "", String::new())).await;
        let detail = format!("status {status}");
        assert_eq!(load(&server, "", 9).await, Err(LoadFailure::Transient { detail }));
    }
    for status in [204, 206, 304, 401, 403, 410] {
        let server = Server::always(Reply::Status(status, "", String::new())).await;
        let detail = format!("status {status}");
        assert_eq!(load(&server, "", 9).await, Err(LoadFailure::Refused { detail }));
    }
    for reply in [Reply::Close, Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".to_vec())] {
        let server = Server::always(reply).await;
        assert!(matches!(load(&server, "", 9).await, Err(LoadFailure::Transient { .. })));
    }
}

#[tokio::test]
async fn a_host_that_stalls_takes_no_longer_than_it_may() {
    for bytes in [b"".to_vec(), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".to_vec()] {
        let server = Server::always(Reply::Stall(bytes)).await;
        let hosts = hosts(&server.url(), "", Duration::from_millis(300));
        let failure = hosts.load(&format!("{}{FILE}", server.url()), 9).await.unwrap_err();
        assert!(matches!(&failure, LoadFailure::Transient { detail } if detail.contains("in time")), "{failure}");
    }
}

#[test]
fn a_list_that_is_none_is_refused() {
    let config = ChatwootApiConfig {
        url: "https://chat.example".into(),
        secret: "arn".into(),
        media_hosts: "https://files.example.com".into(),
        timeout: Duration::from_secs(1),
    };
    let error = MediaHosts::new(http(), &config, Duration::from_secs(1), TestClock::new()).unwrap_err();
    assert_eq!(error.setting, "CHATWOOT_MEDIA_HOSTS");
}

/// The functions' runtime moves them.
#[test]
fn loading_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    movable(hosts("https://chat.example", "", Duration::from_secs(1)).load("x", 1));
}
