//! Sizes of files on other people's hosts.

use frontdesk_core::{
    config::PodiumContract::Published,
    provider::{Attachments, Measured, NotDone, Provider},
};
use frontdesk_providers::{AttachmentHosts, Podium};

use crate::{
    server::{Reply, Seen, Server},
    world::{TestClock, TestTokens, hasty_podium, podium},
};

fn client(hosts: &str) -> Podium<TestTokens, TestClock> {
    podium(Published, "http://127.0.0.1:1").with_attachments(AttachmentHosts::parse(hosts).unwrap())
}

/// An answer without a body, whatever its headers say of one.
fn head(status: u16, headers: &str) -> Reply {
    Reply::Raw(format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}\r\n").into_bytes())
}

fn sized(bytes: u64) -> Reply {
    head(200, &format!("content-length: {bytes}\r\n"))
}

fn to(place: &str) -> Reply {
    head(302, &format!("location: {place}\r\ncontent-length: 0\r\n"))
}

async fn measure(replies: impl FnMut(&Seen) -> Reply + Send + 'static) -> (Result<Measured, NotDone>, Vec<Seen>) {
    let server = Server::start(replies).await;
    let measured = client(&server.url()).measure(&format!("{}/f/1.jpg?sig=x%2By", server.url())).await;
    (measured, server.seen())
}

#[tokio::test]
async fn a_host_that_tells_is_asked_once_and_gets_nothing_of_ours() {
    let (measured, seen) = measure(|_| sized(26_214_401)).await;
    assert_eq!(measured, Ok(Measured::Bytes(26_214_401)));
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("HEAD", "/f/1.jpg?sig=x%2By"));
    for private in ["authorization", "podium-version", "cookie", "referer"] {
        assert_eq!(seen[0].header(private), None, "{private}");
    }
    assert_eq!(seen[0].header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn a_host_that_does_not_tell_is_asked_for_the_first_byte() {
    for shy in [
        head(405, "content-length: 0\r\n"),
        head(501, ""),
        head(403, ""),
        head(200, ""),
        head(200, "content-length: 0\r\n"),
        head(200, "content-length: 77\r\ncontent-encoding: gzip\r\n"),
        head(204, ""),
    ] {
        let reply = shy.clone();
        let (measured, seen) = measure(move |seen| {
            if seen.method == "HEAD" {
                reply.clone()
            } else {
                Reply::Status(206, "content-range: bytes 0-0/4096\r\n", "x".into())
            }
        })
        .await;
        assert_eq!(measured, Ok(Measured::Bytes(4096)), "{shy:?}");
        assert_eq!(seen.len(), 2);
        assert_eq!((seen[1].method.as_str(), seen[1].header("range")), ("GET", Some("bytes=0-0")));
        assert_eq!(seen[1].header("authorization"), None);
    }
}

#[tokio::test]
async fn what_the_second_answer_says() {
    use Measured::{Bytes, Unknown};
    for (reply, expected) in [
        (head(206, "content-range: bytes 0-0/4096\r\ncontent-length: 1\r\n"), Bytes(4096)),
        (head(206, "content-range: bytes 0-0/*\r\ncontent-length: 1\r\n"), Unknown),
        (head(206, "content-length: 1\r\n"), Unknown),
        (head(206, "content-range: pages 0-0/3\r\n"), Unknown),
        (head(206, "content-range: bytes 0-0/-3\r\n"), Unknown),
        (head(206, "content-range: bytes 0-0/99999999999999999999999\r\n"), Unknown),
        (head(206, "content-range: bytes 0-0/4096\r\ncontent-encoding: gzip\r\n"), Unknown),
        (head(416, "content-range: bytes */0\r\n"), Bytes(0)),
        (head(416, ""), Unknown),
        (head(200, "content-length: 0\r\n"), Bytes(0)),
        (head(200, ""), Unknown),
        (head(204, ""), Unknown),
        (head(403, ""), Unknown),
        (head(405, ""), Unknown),
    ] {
        let given = reply.clone();
        let (measured, seen) =
            measure(move |seen| if seen.method == "HEAD" { head(405, "") } else { given.clone() }).await;
        assert_eq!(measured, Ok(expected), "{reply:?}");
        assert_eq!(seen.len(), 2);
    }
}

/// A file of a terabyte is not loaded to learn that it is one.
#[tokio::test]
async fn a_body_is_not_read() {
    let (measured, _) = measure(|seen| match seen.method.as_str() {
        "HEAD" => head(405, ""),
        _ => Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\nxxxx".to_vec()),
    })
    .await;
    assert_eq!(measured, Ok(Measured::Bytes(1 << 40)));
}

#[tokio::test]
async fn what_is_not_there_or_not_ours_is_unknown() {
    for status in [400, 401, 402, 404, 410, 418, 451, 300, 304] {
        let (measured, seen) = measure(move |_| head(status, "")).await;
        assert_eq!(measured, Ok(Measured::Unknown), "{status}");
        assert_eq!(seen.len(), 1, "{status}");
    }
}

/// Nor does a busy file host pause Podium.
#[tokio::test]
async fn trouble_is_a_reason_to_ask_again() {
    for reply in [
        head(429, "retry-after: 9\r\n"),
        head(408, ""),
        head(500, ""),
        head(502, ""),
        head(503, "retry-after: 9\r\n"),
        Reply::Close,
        Reply::Raw(b"hm".to_vec()),
    ] {
        let given = reply.clone();
        let (measured, seen) = measure(move |_| given.clone()).await;
        let Err(NotDone::Unavailable { provider: Provider::Podium, detail }) = measured else {
            panic!("{reply:?}: {measured:?}")
        };
        assert!(detail.starts_with("the host of an attachment: ") && !detail.contains("1.jpg"), "{detail}");
        assert_eq!(seen.len(), 1);
    }
    let gone = Server::always(Reply::Close).await.stop().await;
    let measured = client(&gone).measure(&format!("{gone}/1.jpg")).await;
    assert!(matches!(measured, Err(NotDone::Unavailable { .. })), "{measured:?}");
}

#[tokio::test]
async fn a_host_that_says_nothing_takes_no_longer_than_a_call() {
    let server = Server::always(Reply::Stall(vec![])).await;
    let client = hasty_podium(Published, "http://127.0.0.1:1");
    let client = client.with_attachments(AttachmentHosts::parse(&server.url()).unwrap());
    let Err(NotDone::Unavailable { detail, .. }) = client.measure(&format!("{}/1.jpg", server.url())).await else {
        panic!("a silent host")
    };
    assert_eq!(detail, "the host of an attachment: no answer in time");
}

#[tokio::test]
async fn other_hosts_are_not_asked() {
    let server = Server::always(sized(1)).await;
    let port = server.addr().port();
    let url = format!("{}/1.jpg", server.url());
    let nobody = podium(Published, "http://127.0.0.1:1");
    assert_eq!(nobody.measure(&url).await, Ok(Measured::Unknown));
    let client = client(&format!("*.example.com, http://localhost:{port}"));
    for url in [
        url,
        format!("http://user:pw@localhost:{port}/1.jpg"),
        format!("https://127.0.0.1:{port}/1.jpg"),
        format!("http://[::1]:{port}/1.jpg"),
        "http://169.254.169.254/latest/meta-data".into(),
        "1.jpg".into(),
        "http://".into(),
        String::new(),
    ] {
        assert_eq!(client.measure(&url).await, Ok(Measured::Unknown), "{url}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn redirects_are_followed_within_the_list() {
    let store = Server::always(sized(5)).await;
    let place = format!("{}/store/1.jpg", store.url());
    let front = Server::start(move |seen| match seen.target.as_str() {
        "/1.jpg" => to("/2.jpg?x#y"),
        "/2.jpg?x" => to(&place),
        other => panic!("{other}"),
    })
    .await;
    let both = client(&format!("{}, {}", front.url(), store.url()));
    assert_eq!(both.measure(&format!("{}/1.jpg", front.url())).await, Ok(Measured::Bytes(5)));
    assert_eq!(store.targets(), ["/store/1.jpg"]);
    assert_eq!(store.seen()[0].header("referer"), None);
    assert_eq!(store.seen()[0].header("authorization"), None);
    let front_only = client(&front.url());
    assert_eq!(front_only.measure(&format!("{}/1.jpg", front.url())).await, Ok(Measured::Unknown));
    assert_eq!(store.connections(), 1);
}

#[tokio::test]
async fn a_redirect_cannot_lead_out_of_the_list() {
    for place in [
        "http://169.254.169.254/latest/meta-data",
        "https://evil.example/1.jpg",
        "//evil.example/1.jpg",
        "file:///etc/passwd",
        "http://user@127.0.0.1/1.jpg",
        "http://[",
    ] {
        let (measured, seen) = measure(move |_| to(place)).await;
        assert_eq!(measured, Ok(Measured::Unknown), "{place}");
        assert_eq!(seen.len(), 1, "{place}");
    }
    let (measured, seen) = measure(|_| head(302, "content-length: 0\r\n")).await;
    assert_eq!((measured, seen.len()), (Ok(Measured::Unknown), 1));
}

#[tokio::test]
async fn redirects_end() {
    let (measured, seen) = measure(|_| to("/again.jpg")).await;
    assert_eq!((measured, seen.len()), (Ok(Measured::Unknown), 1 + 3));
    // The change to GET does not start the count again.
    let (measured, seen) = measure(|seen| if seen.method == "HEAD" { head(405, "") } else { to("/again.jpg") }).await;
    assert_eq!((measured, seen.len()), (Ok(Measured::Unknown), 1 + 1 + 3));
    let mut left = 3;
    let (measured, seen) = measure(move |_| {
        left -= 1;
        if left >= 0 { to("/again.jpg") } else { sized(9) }
    })
    .await;
    assert_eq!((measured, seen.len()), (Ok(Measured::Bytes(9)), 1 + 3));
}

#[test]
fn a_list_that_is_none_is_refused() {
    assert_eq!(AttachmentHosts::parse("https://files.example.com").unwrap_err().setting, "WEBCHAT_ATTACHMENT_HOSTS");
}
