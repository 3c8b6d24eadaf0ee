//! Notices on their way to people: what every answer, and every broken connection, means for the next attempt.

use std::time::Duration;

use frontdesk_core::{
    notice::{Channel, Channels, Content, Notice, NoticeKey, NoticeKind, Untold},
    signature::{LiveSecrets, PodiumHeaders, PodiumScheme, ReplayWindow, Secret, StalePolicy, verify_podium},
    time::DAY,
};
use frontdesk_providers::{Http, NoTopic, Notifier, NotifyConfig, Topic};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    server::{Reply, Server},
    world::{DEFAULT_WAIT, LONGEST_WAIT, NOW, TestClock, hasty_http, http},
};

/// Part of every address; must stand in no error.
const SECRET_PATH: &str = "/services/T0/B0/hunter2";
/// A number in a notice's quote.
const NUMBER: &str = "0491 570 156";

fn notice() -> Notice {
    Notice {
        key: NoticeKey::new(NoticeKind::BadReview, "rev_1"),
        kind: NoticeKind::BadReview,
        content: Content {
            headline: "A bad review: 1 of 5 stars".into(),
            facts: vec![("Rating".into(), "1".into())],
            quote: Some(format!("Never arrived <!channel>, ring {NUMBER}")),
            link: Some("https://reviews.example/1".into()),
            action: "Answer within a day.".into(),
        },
        about: vec!["rev_1".into()],
        opened_at: NOW,
        expires_at: NOW.plus(DAY),
    }
}

fn secret(text: impl Into<String>) -> Secret {
    Secret::new("secret", text).unwrap()
}

fn config(url: &str, timeout: Duration) -> NotifyConfig {
    let url = format!("{url}{SECRET_PATH}");
    NotifyConfig {
        slack_url: Some(secret(url.clone())),
        webhook_url: Some(secret(format!("{url}?key=hunter2"))),
        webhook_secret: Some(secret("hush")),
        timeout,
    }
}

fn notifier(url: &str) -> Notifier<NoTopic, TestClock> {
    notifier_with(http(), url, Duration::from_secs(20))
}

fn notifier_with(http: Http, url: &str, timeout: Duration) -> Notifier<NoTopic, TestClock> {
    Notifier::new(http, &config(url, timeout), NoTopic, TestClock::new()).unwrap()
}

fn assert_silent(error: &Untold) {
    let text = format!("{error} {error:?}");
    for secret in ["hunter2", "127.0.0.1", "http:", "hush", "570", "Never"] {
        assert!(!text.replace("Never {", "").contains(secret), "{secret} in {text}");
    }
}

async fn told(channel: Channel, reply: Reply) -> Result<(), Untold> {
    let server = Server::always(reply).await;
    let answer = notifier(&server.url()).tell(channel, &notice()).await;
    if let Err(error) = &answer {
        assert_silent(error);
    }
    answer
}

fn later(wait: Option<Duration>, detail: &str) -> Result<(), Untold> {
    Err(Untold::Later { wait, detail: detail.into() })
}

fn never(detail: &str) -> Result<(), Untold> {
    Err(Untold::Never { detail: detail.into() })
}

fn ok() -> Reply {
    Reply::Status(200, "", "ok".into())
}

fn status(status: u16, body: &str) -> Reply {
    Reply::Status(status, "", body.to_owned())
}

/// The functions' runtime moves it.
#[tokio::test]
async fn a_call_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    let server = Server::always(Reply::Close).await;
    let notifier = notifier(&server.url());
    movable(notifier.tell(Channel::Slack, &notice()));
    movable(notifier.tell(Channel::Webhook, &notice()));
}

#[tokio::test]
async fn slack_as_it_is_told() {
    let server = Server::always(ok()).await;
    assert_eq!(notifier(&server.url()).tell(Channel::Slack, &notice()).await, Ok(()));
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", SECRET_PATH));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    let body = seen.json();
    assert_eq!(body["text"], "A bad review: 1 of 5 stars");
    assert_eq!(body["blocks"][0]["text"]["text"], "A bad review: 1 of 5 stars");
    assert_eq!((&body["unfurl_links"], &body["unfurl_media"]), (&json!(false), &json!(false)));
    assert!(!seen.body.contains("570") && !seen.body.contains("<!channel>"), "{}", seen.body);
}

#[tokio::test]
async fn what_slack_answers() {
    for (reply, expected) in [
        (ok(), Ok(())),
        (status(200, "ok\n"), Ok(())),
        (status(200, ""), later(None, "status 200, but not ok")),
        (status(200, "<html>sign in</html>"), later(None, "status 200, but not ok")),
        (status(200, &"x".repeat(2 * 1024 * 1024)), later(None, "status 200, but the answer is too large")),
        (status(202, "ok"), Ok(())),
        (status(400, "invalid_payload"), never("status 400, invalid_payload")),
        (status(400, "no_text"), never("status 400, no_text")),
        (status(400, "hunter2"), never("status 400")),
        (status(403, "action_prohibited"), never("status 403, action_prohibited")),
        (status(404, "no_service"), never("status 404, no_service")),
        (status(404, "channel_not_found"), never("status 404, channel_not_found")),
        (status(404, "no_team"), never("status 404, no_team")),
        (status(410, "channel_is_archived"), never("status 410, channel_is_archived")),
        (Reply::Status(302, "location: https://hooks.slack.com/\r\n", String::new()), never("status 302")),
        (status(401, ""), never("status 401")),
        (status(405, ""), never("status 405")),
        (status(409, ""), never("status 409")),
        (status(408, ""), later(None, "status 408")),
        (status(500, "rollup_error"), later(None, "status 500, rollup_error")),
        (status(503, ""), later(None, "status 503")),
        (Reply::Close, later(None, "the connection was lost before the answer")),
        (
            Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no".to_vec()),
            later(None, "status 200, but the answer was cut short"),
        ),
        (Reply::Raw(b"not http".to_vec()), later(None, "the connection was lost before the answer")),
    ] {
        assert_eq!(told(Channel::Slack, reply.clone()).await, expected, "{:.80}", format!("{reply:?}"));
    }
}

#[tokio::test]
async fn what_another_address_answers() {
    for (reply, expected) in [
        (ok(), Ok(())),
        (status(204, ""), Ok(())),
        (status(200, "<html>"), Ok(())),
        (status(200, &"x".repeat(2 * 1024 * 1024)), Ok(())),
        (status(410, ""), never("status 410")),
        (status(404, ""), never("status 404")),
        (status(401, ""), never("status 401")),
        (status(403, ""), never("status 403")),
        (status(400, "hunter2"), never("status 400")),
        (status(422, ""), never("status 422")),
        (Reply::Status(307, "location: https://elsewhere.example/\r\n", String::new()), never("status 307")),
        (status(408, ""), later(None, "status 408")),
        (status(409, ""), later(None, "status 409")),
        (status(425, ""), later(None, "status 425")),
        (status(500, ""), later(None, "status 500")),
        (Reply::Close, later(None, "the connection was lost before the answer")),
    ] {
        assert_eq!(told(Channel::Webhook, reply.clone()).await, expected, "{:.80}", format!("{reply:?}"));
    }
}

#[tokio::test]
async fn how_long_a_channel_wants_to_be_left_alone() {
    for (headers, wait) in [
        ("retry-after: 7\r\n", Some(Duration::from_secs(7))),
        ("retry-after: 0\r\n", Some(Duration::from_secs(1))),
        ("retry-after: 86400\r\n", Some(LONGEST_WAIT)),
        // Forty seconds after the test's now.
        ("retry-after: Wed, 25 Feb 2026 06:14:00 GMT\r\n", Some(Duration::from_secs(40))),
        ("retry-after: soon\r\n", Some(DEFAULT_WAIT)),
        ("", None),
    ] {
        for channel in [Channel::Slack, Channel::Webhook] {
            let reply = Reply::Status(429, headers, String::new());
            assert_eq!(told(channel, reply).await, later(wait, "status 429"), "{headers}");
        }
    }
    let busy = Reply::Status(503, "retry-after: 9\r\n", String::new());
    assert_eq!(told(Channel::Slack, busy).await, later(Some(Duration::from_secs(9)), "status 503"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Server::always(ok()).await;
    let redirect = format!("HTTP/1.1 307 X\r\nlocation: {}/x\r\ncontent-length: 0\r\n\r\n", target.url());
    for channel in [Channel::Slack, Channel::Webhook] {
        assert_eq!(told(channel, Reply::Raw(redirect.clone().into_bytes())).await, never("status 307"));
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn who_is_not_there_is_tried_again() {
    let gone = Server::always(ok()).await.stop().await;
    for channel in [Channel::Slack, Channel::Webhook] {
        let error = notifier(&gone).tell(channel, &notice()).await.unwrap_err();
        assert_silent(&error);
        assert!(
            matches!(&error, Untold::Later { wait: None, detail } if detail.starts_with("no connection")),
            "{error}"
        );
    }
}

/// Closed with the request unread, which resets the connection.
#[tokio::test]
async fn a_connection_that_is_reset_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
        }
    });
    for channel in [Channel::Slack, Channel::Webhook] {
        let lost = later(None, "the connection was lost before the answer");
        assert_eq!(notifier(&url).tell(channel, &notice()).await, lost);
    }
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    let server = Server::always(Reply::Stall(Vec::new())).await;
    let notifier = notifier_with(http(), &server.url(), Duration::from_millis(300));
    for channel in [Channel::Slack, Channel::Webhook] {
        let told = tokio::time::timeout(Duration::from_secs(5), notifier.tell(channel, &notice())).await;
        assert_eq!(told.unwrap(), later(None, "no answer in time"), "the notifier's own timeout ends it");
    }
}

/// Slack's answer is its body; of another address the status is enough.
#[tokio::test]
async fn an_answer_that_does_not_end() {
    let server = Server::always(Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no".to_vec())).await;
    let notifier = notifier_with(hasty_http(), &server.url(), Duration::from_millis(300));
    let cut = later(None, "status 200, but the answer did not end in time");
    assert_eq!(notifier.tell(Channel::Slack, &notice()).await, cut);
    assert_eq!(notifier.tell(Channel::Webhook, &notice()).await, Ok(()));
}

#[tokio::test]
async fn another_address_as_it_is_told() {
    let server = Server::always(ok()).await;
    assert_eq!(notifier(&server.url()).tell(Channel::Webhook, &notice()).await, Ok(()));
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", format!("{SECRET_PATH}?key=hunter2").as_str()));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("idempotency-key"), Some("notice#bad_review#rev_1"));
    let body: Value = seen.json();
    assert_eq!((&body["version"], &body["id"]), (&json!(1), &json!("notice#bad_review#rev_1")));
    assert_eq!(body["opened_at"], "2026-02-25T06:13:20Z");
    assert_eq!(body["link"], "https://reviews.example/1");
    assert_eq!(body["quote"], "Never arrived <!channel>, ring ***0156");
    // Checked over the bytes that arrived, by the check that the other side of this form has.
    let x_signature = seen.header("x-frontdesk-signature").map(str::as_bytes);
    let secrets = LiveSecrets::rotating(secret("hush"), None);
    let headers = PodiumHeaders { x_signature, ..PodiumHeaders::default() };
    let window = ReplayWindow { window_s: 300, stale: StalePolicy::Reject };
    let checked = verify_podium(&secrets, &[PodiumScheme::BriefTV1], window, headers, seen.body.as_bytes(), NOW.get());
    assert!(checked.is_ok(), "{checked:?}");
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed() {
    let server = Server::always(ok()).await;
    let config = NotifyConfig { webhook_secret: None, ..config(&server.url(), Duration::from_secs(5)) };
    let notifier = Notifier::new(http(), &config, NoTopic, TestClock::new()).unwrap();
    let mut notice = notice();
    notice.key = NoticeKey::new(NoticeKind::BadReview, "rév");
    assert_eq!(notifier.tell(Channel::Webhook, &notice).await, Ok(()));
    let seen = &server.seen()[0];
    assert_eq!(seen.header("x-frontdesk-signature"), None);
    assert_eq!(seen.header("idempotency-key"), Some("notice%23bad_review%23r%C3%A9v"));
}

#[tokio::test]
async fn a_channel_that_is_not_set_tells_nothing() {
    let config =
        NotifyConfig { slack_url: None, webhook_url: None, webhook_secret: None, timeout: Duration::from_secs(5) };
    let notifier = Notifier::new(http(), &config, None::<NoTopic>, TestClock::new()).unwrap();
    for channel in Channel::ALL {
        let expected = never(&format!("nothing is set for the channel {}", channel.as_str()));
        assert_eq!(notifier.tell(channel, &notice()).await, expected);
    }
}

/// Keeps what it is given.
#[derive(Default)]
struct Board(std::sync::Mutex<Vec<(String, String)>>);

impl Topic for Board {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), Untold> {
        self.0.lock().unwrap().push((subject.to_owned(), text.to_owned()));
        Ok(())
    }
}

#[tokio::test]
async fn a_topic_is_told_in_words() {
    let board = Board::default();
    let config = config("http://127.0.0.1:1", Duration::from_secs(5));
    let notifier = Notifier::new(http(), &config, &board, TestClock::new()).unwrap();
    assert_eq!(notifier.tell(Channel::Sns, &notice()).await, Ok(()));
    let told = board.0.lock().unwrap().clone();
    let (subject, text) = &told[0];
    assert_eq!(subject, "A bad review: 1 of 5 stars");
    assert!(text.contains("> Never arrived") && text.contains("notice#bad_review#rev_1"), "{text}");
    assert!(!text.contains(NUMBER), "{text}");
}

#[test]
fn settings_that_cannot_work_are_named_and_not_shown() {
    let refused = |change: fn(&mut NotifyConfig)| {
        let mut config = config("http://127.0.0.1:1", Duration::from_secs(5));
        change(&mut config);
        let error = Notifier::new(http(), &config, NoTopic, TestClock::new()).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        error.setting
    };
    assert_eq!(refused(|c| c.slack_url = Some(secret("https://example.com/hunter2"))), "NOTIFY_SLACK_SECRET_ARN");
    assert_eq!(refused(|c| c.webhook_url = Some(secret("http://example.com/hunter2"))), "NOTIFY_WEBHOOK_SECRET_ARN");
    assert_eq!(refused(|c| c.timeout = Duration::ZERO), "NOTIFY_TIMEOUT_MS");
    let shown = format!("{:?}", notifier("http://127.0.0.1:1"));
    assert!(!shown.contains("hunter2") && !shown.contains("hush"), "{shown}");
}
