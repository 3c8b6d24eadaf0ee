//! The storage: what is asked of it, what its answers mean, and that an address takes the one file that it is for.

use std::time::Duration;

use frontdesk_aws::{
    process::SystemClock,
    start::{Aws, Timing},
    uploads::S3Uploads,
};
use frontdesk_core::{
    provider::{NotDone, Provider},
    time::{Clock, UnixMillis},
    upload::{UploadKey, UploadedFile, Uploads},
};
use frontdesk_tests::aws::MapEnv;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

const TIMING: Timing = Timing {
    connect: Duration::from_secs(2),
    attempt: Duration::from_millis(300),
    call: Duration::from_secs(2),
    attempts: 3,
    backoff: Duration::from_millis(1),
    idle: Duration::from_secs(60),
};

fn bucket_at(url: &str) -> S3Uploads {
    bucket(url, &TIMING)
}

fn bucket(url: &str, timing: &Timing) -> S3Uploads {
    let env = MapEnv::of(&[
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "s3cr3t"),
        ("AWS_SESSION_TOKEN", "a/token"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ENDPOINT_URL_S3", url),
    ]);
    Aws::from_env(&env, timing).unwrap().uploads(Some("files"))
}

fn key() -> UploadKey {
    UploadKey::from_stored("uploads/1")
}

/// Answers one question with each of these heads, and the rest not at all; gives back where, and what was asked.
async fn s3(heads: &[&'static str]) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, questions) = mpsc::unbounded_channel();
    let heads = heads.to_vec();
    tokio::spawn(async move {
        let (mut heads, mut silent) = (heads.into_iter(), Vec::new());
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") && stream.read_buf(&mut read).await.unwrap_or_default() > 0 {}
            let _ = asked.send(String::from_utf8(read).unwrap());
            match heads.next() {
                Some(head) => {
                    let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                None => silent.push(stream),
            }
        }
    });
    (url, questions)
}

fn not_now(detail: &str) -> NotDone {
    NotDone::unavailable(Provider::Uploads, detail)
}

#[tokio::test]
async fn what_lies_there_is_asked_by_a_signed_question() {
    let (url, mut asked) = s3(&["200 OK\r\nContent-Length: 26214400\r\nContent-Type: image/png"]).await;
    let found = bucket_at(&url).look(&key()).await;
    assert_eq!(found, Ok(Some(UploadedFile { bytes: 26_214_400, mime: Some("image/png".into()) })));
    let question = asked.recv().await.unwrap();
    assert!(
        question.starts_with("HEAD /files/uploads/1?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDTEST%2F")
    );
    for part in ["%2Feu-central-1%2Fs3%2Faws4_request", "X-Amz-Expires=60&", "X-Amz-Security-Token=a%2Ftoken"] {
        assert!(question.contains(part), "{part}: {question}");
    }
    let host = url.trim_start_matches("http://");
    assert!(question.to_ascii_lowercase().contains(&format!("\r\nhost: {host}\r\n")), "{question}");
}

#[tokio::test]
async fn what_is_not_there_is_nothing_and_what_is_not_said_is_trouble() {
    let cases: [(&'static str, Result<Option<UploadedFile>, NotDone>); 6] = [
        ("404 Not Found\r\ncontent-length: 0", Ok(None)),
        ("200 OK\r\ncontent-length: 7", Ok(Some(UploadedFile { bytes: 7, mime: None }))),
        ("403 Forbidden\r\ncontent-length: 0", Err(not_now("status 403"))),
        ("301 Moved\r\ncontent-length: 0", Err(not_now("status 301"))),
        ("200 OK\r\ncontent-type: image/png", Err(not_now("an answer without a length"))),
        ("200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked", Err(not_now("an answer without a length"))),
    ];
    for (head, expected) in cases {
        let (url, mut asked) = s3(&[head, "500 X\r\ncontent-length: 0"]).await;
        assert_eq!(bucket_at(&url).look(&key()).await, expected, "{head}");
        assert!(asked.recv().await.is_some() && asked.try_recv().is_err(), "{head}: asked once");
    }
}

#[tokio::test]
async fn a_question_that_fails_is_asked_three_times() {
    let down = "503 Slow Down\r\ncontent-length: 0";
    let (url, _asked) = s3(&[down, "500 X\r\ncontent-length: 0", "200 OK\r\ncontent-length: 7"]).await;
    assert_eq!(bucket_at(&url).look(&key()).await, Ok(Some(UploadedFile { bytes: 7, mime: None })));

    let (url, mut asked) = s3(&[down; 4]).await;
    assert_eq!(bucket_at(&url).look(&key()).await, Err(not_now("status 503")));
    let mut questions = 0;
    while asked.try_recv().is_ok() {
        questions += 1;
    }
    assert_eq!(questions, 3);
}

#[tokio::test]
async fn storage_that_does_not_answer_is_given_up_in_time() {
    let (url, mut asked) = s3(&[]).await;
    let given_up = tokio::time::timeout(Duration::from_secs(5), bucket_at(&url).look(&key())).await;
    assert_eq!(given_up.unwrap(), Err(not_now("no answer in time")));
    for _ in 0..3 {
        assert!(asked.try_recv().is_ok());
    }
    // However often it may be tried, all of it has one limit.
    let patient = Timing { attempts: u32::MAX, call: Duration::from_millis(700), ..TIMING };
    let given_up = tokio::time::timeout(Duration::from_secs(5), bucket(&url, &patient).look(&key())).await;
    assert_eq!(given_up.unwrap(), Err(not_now("no answer in time")));
    let nobody = bucket_at("http://127.0.0.1:9").look(&key()).await.unwrap_err();
    assert!(nobody.to_string().contains("Connection refused"), "{nobody}");
    assert!(!nobody.to_string().contains("X-Amz"), "an address is as good as the file: {nobody}");
}

// ---- Against an emulator of S3 that checks signatures

/// A request as a browser makes it; the answer's status, its head in lower case, and its body.
async fn ask(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String, Vec<u8>) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    let head = String::from_utf8(answer).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body)
}

/// The emulator of the local stack, with a bucket `files` that a page at `http://localhost:8790` may put into. The test's
/// variables are those of a function.
#[tokio::test]
#[ignore = "needs the emulator: `local/check.py uploads` starts it"]
async fn an_address_takes_the_one_file_that_it_is_for() {
    let env = frontdesk_aws::process::ProcessEnv;
    let files = Aws::from_env(&env, &Timing::default()).unwrap().uploads(Some("files"));
    let now = SystemClock.now();
    let key = |name: &str| UploadKey::from_stored(&format!("uploads/{name}-{}", now.get()));
    let picture: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let length = picture.len().to_string();
    let put = async |key: &UploadKey, at: UnixMillis, mime: &str, length: &str, body: &[u8]| {
        let offer = files.offer(key, 70_000, "image/png", at).await.unwrap();
        let headers = [("content-type", mime), ("content-length", length), ("origin", "http://localhost:8790")];
        ask("PUT", &offer.url, &headers, body).await
    };

    let good = key("a picture \u{fc}");
    assert_eq!(files.look(&good).await, Ok(None), "nothing lies there yet");
    let (status, head, body) = put(&good, now, "image/png", &length, &picture).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    assert!(head.contains("access-control-allow-origin: http://localhost:8790\r\n"), "{head}");
    assert_eq!(files.look(&good).await, Ok(Some(UploadedFile { bytes: 70_000, mime: Some("image/png".into()) })));

    let link = files.link(&good, "Caf\u{e9} 1.png", now).await.unwrap();
    let (status, head, body) = ask("GET", &link, &[], &[]).await;
    assert_eq!((status, body == picture), (200, true), "{head}");
    let disposition =
        "content-disposition: attachment; filename=\"caf_ 1.png\"; filename*=utf-8''caf%c3%a9%201.png\r\n";
    assert!(head.contains(disposition), "{head}");
    assert_eq!(ask("GET", &link.replace("Caf", "Dog"), &[], &[]).await.0, 403, "the name is signed too");

    let long: Vec<u8> = picture.iter().copied().chain([0]).collect();
    let early = now.minus(Duration::from_secs(901));
    let forged = "<Code>SignatureDoesNotMatch</Code>";
    for (name, at, mime, body, code) in [
        ("a longer one", now, "image/png", &long[..], forged),
        ("a shorter one", now, "image/png", &picture[1..], forged),
        ("another type", now, "text/html", &picture[..], forged),
        ("too late", early, "image/png", &picture[..], "<Code>AccessDenied</Code>"),
    ] {
        let (status, _, answer) = put(&key(name), at, mime, &body.len().to_string(), body).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(status == 403 && answer.contains(code), "{name}: {status} {answer}");
        assert_eq!(files.look(&key(name)).await, Ok(None), "{name}");
    }
    let offer = files.offer(&key("here"), 70_000, "image/png", now).await.unwrap();
    let headers = [("content-type", "image/png"), ("content-length", length.as_str())];
    let there = offer.url.replace("/here-", "/there-");
    assert_eq!(ask("PUT", &there, &headers, &picture).await.0, 403, "another key");

    for (origin, allowed) in [("http://localhost:8790", true), ("http://evil.example", false)] {
        let wish = [
            ("origin", origin),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "content-type"),
        ];
        let (status, head, _) = ask("OPTIONS", &offer.url, &wish, &[]).await;
        let answered = head.contains(&format!("access-control-allow-origin: {origin}\r\n"));
        assert_eq!((status == 200, answered), (allowed, allowed), "{origin}: {head}");
    }
}
