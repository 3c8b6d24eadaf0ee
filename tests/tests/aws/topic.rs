//! The topic: what is sent, and whether trouble passes by itself. SNS speaks forms and XML, so its answers stand here as text.

use std::time::Duration;

use frontdesk_aws::topic::SnsTopic;
use frontdesk_core::notice::Untold;
use frontdesk_tests::aws::aws_at;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

const ARN: &str = "arn:aws:sns:eu-west-1:123456789012:people";

/// Answers every call alike; gives back where it does so, and what was asked.
async fn sns(status: u16, headers: &'static str, body: String) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, questions) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (asked, body) = (asked.clone(), body.clone());
            tokio::spawn(async move {
                let mut read = Vec::new();
                loop {
                    let mut some = [0; 4096];
                    let n = stream.read(&mut some).await.unwrap_or_default();
                    read.extend_from_slice(&some[..n]);
                    let text = String::from_utf8_lossy(&read).into_owned();
                    let whole = text.split_once("\r\n\r\n").is_some_and(|(head, sent)| {
                        let length = head.to_lowercase();
                        let length =
                            length.split("content-length: ").nth(1).and_then(|l| l.lines().next()?.parse().ok());
                        length.is_none_or(|length: usize| sent.len() >= length)
                    });
                    if whole || n == 0 {
                        break;
                    }
                }
                let text = String::from_utf8_lossy(&read).into_owned();
                let _ = asked.send(text.split_once("\r\n\r\n").unwrap_or_default().1.to_owned());
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: text/xml\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (url, questions)
}

fn topic(url: &str) -> SnsTopic {
    SnsTopic::new(aws_at(url).sns(), ARN.to_owned())
}

fn refusal(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>about {ARN} and never again</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    )
}

#[tokio::test]
async fn a_message_goes_to_the_topic_with_a_subject_that_sns_takes() {
    let taken = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>m</MessageId>\
                 </PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>";
    let (url, mut asked) = sns(200, "", taken.to_owned()).await;
    topic(&url).publish("One star:\nCaf\u{e9}", "Caf\u{e9}: never again").await.unwrap();
    let form = asked.recv().await.unwrap();
    assert!(form.contains("Action=Publish") && form.contains("TopicArn=arn%3Aaws%3Asns"), "{form}");
    assert!(form.contains("Subject=One%20star%3A%3FCaf%3F"), "{form}");
    assert!(form.contains("Message=Caf%C3%A9%3A%20never%20again"), "{form}");
    topic(&url).publish("", "text").await.unwrap();
    assert!(!asked.recv().await.unwrap().contains("Subject"));
    topic(&url).publish(&"y".repeat(300), "text").await.unwrap();
    let form = asked.recv().await.unwrap();
    assert_eq!(form.matches('y').count(), 100, "{form}");
}

#[tokio::test]
async fn a_topic_that_is_gone_or_refused_is_hopeless_and_all_other_trouble_passes() {
    let cases = [
        (404, "NotFound", false),
        (403, "AuthorizationError", false),
        (400, "InvalidParameter", false),
        (400, "ParameterValueInvalid", false),
        (400, "Throttled", true),
        (400, "Throttling", true),
        (500, "InternalError", true),
        (403, "ExpiredToken", true),
    ];
    for (status, code, later) in cases {
        let (url, _asked) = sns(status, "", refusal(code)).await;
        let untold = topic(&url).publish("s", "never again").await.unwrap_err();
        assert_eq!(matches!(untold, Untold::Later { .. }), later, "{untold:?}");
        let text = untold.to_string();
        assert!(text.contains(code) && !text.contains(ARN) && !text.contains("never again"), "{text}");
    }
}

#[tokio::test]
async fn a_topic_says_how_long_it_wants_to_be_left_alone() {
    let (url, _asked) = sns(429, "retry-after: 7\r\n", refusal("Throttled")).await;
    match topic(&url).publish("s", "t").await {
        Err(Untold::Later { wait, .. }) => assert_eq!(wait, Some(Duration::from_secs(7))),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_topic_that_does_not_answer_may_do_so_later() {
    let untold = topic("http://127.0.0.1:9").publish("s", "t").await.unwrap_err();
    assert!(matches!(&untold, Untold::Later { wait: None, .. }), "{untold:?}");
}
