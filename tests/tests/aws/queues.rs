//! Messages.

use std::{collections::BTreeSet, time::Duration};

use frontdesk_aws::{
    process::RandomIds,
    sqs::{DoorQueue, RoutedEvents, SqsEvents, SqsNotices, SqsSends},
};
use frontdesk_core::{
    ids::{EventId, GroupId, OrderId, OrderKey, ShopDomain, short_hash},
    inbox::{InboxKey, Source},
    notice::{NoticeKey, NoticeKind, NoticeQueue},
    queue::{DelaySeconds, EventQueue, SendQueue, Wake},
};
use frontdesk_tests::{
    aws::aws_at,
    wire::{Call, Fate, Wire},
};
use serde_json::{Value, json};

fn wake(source: Source, event: &str, group: Option<&str>) -> Wake {
    let key = InboxKey { source, event: EventId::try_from(event).unwrap() };
    Wake { key, group: group.map(GroupId::of) }
}

fn wakes(many: usize) -> Vec<Wake> {
    (0..many).map(|n| wake(Source::Shopify, &format!("e{n}"), None)).collect()
}

#[tokio::test]
async fn a_send_waits_as_long_as_it_is_told() {
    let wire = Wire::nowhere(|_| Fate::Answer(200, json!({"MessageId": "m"}))).await;
    let queue = SqsSends::new(aws_at(&wire.url).sqs(), "https://sqs.example/1/sends".into());
    let key =
        OrderKey { shop: ShopDomain::try_from("a.myshopify.com").unwrap(), order: OrderId(820_982_911_946_154_508) };
    let delay = DelaySeconds::covering(Duration::from_millis(61_001)).unwrap();
    queue.enqueue_send(&key, delay).await.unwrap();
    queue.enqueue_send(&key, DelaySeconds::ZERO).await.unwrap();
    let bodies: Vec<_> = wire.calls().iter().map(Call::json).collect();
    let message = |delay: u16| json!({"QueueUrl": "https://sqs.example/1/sends", "MessageBody": "a.myshopify.com#820982911946154508", "DelaySeconds": delay});
    assert_eq!(bodies, [message(62), message(0)]);
}

#[tokio::test]
async fn trouble_is_told_by_its_code_and_opening_sends_nothing() {
    let refusal =
        json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."});
    let wire = Wire::nowhere(move |_| Fate::Answer(400, refusal.clone())).await;
    let queue = SqsEvents::new(aws_at(&wire.url).sqs(), "https://sqs.example/1/events".into());
    assert_eq!(queue.open().await, Ok(()), "whatever is answered, the connection stands");
    assert_eq!((wire.calls()[0].method.as_str(), wire.calls()[0].operation.as_str()), ("GET", ""));
    for many in [1, 2] {
        let error = queue.enqueue(&wakes(many)).await.unwrap_err();
        assert_eq!(error.queue, "events");
        assert_eq!(error.detail, "QueueDoesNotExist (status 400): The specified queue does not exist.");
    }
}

/// Takes what comes, but of a batch not the messages with these ids.
fn taking_but(refused: &'static [&'static str]) -> impl Fn(&Call) -> Fate + Send + Sync {
    move |call| match call.operation.as_str() {
        "SendMessage" => Fate::Answer(200, json!({"MessageId": "m"})),
        _ => {
            let sent = call.json();
            let ids = sent["Entries"].as_array().unwrap().iter().map(|entry| entry["Id"].as_str().unwrap());
            let (failed, taken): (Vec<&str>, Vec<&str>) = ids.partition(|id| refused.contains(id));
            let taken: Vec<Value> = taken.iter().map(|id| json!({"Id": id, "MessageId": "m"})).collect();
            let failed: Vec<Value> = failed
                .iter()
                .map(|id| json!({"Id": id, "Code": "InternalError", "Message": "shopify#e1", "SenderFault": false}))
                .collect();
            Fate::Answer(200, json!({"Successful": taken, "Failed": failed}))
        }
    }
}

#[tokio::test]
async fn one_hint_is_a_message_and_several_are_batches_of_ten_in_their_order() {
    for (many, operations) in [
        (0, &[][..]),
        (1, &["SendMessage"]),
        (2, &["SendMessageBatch"]),
        (10, &["SendMessageBatch"]),
        (11, &["SendMessageBatch", "SendMessage"]),
        (25, &["SendMessageBatch", "SendMessageBatch", "SendMessageBatch"]),
    ] {
        let wire = Wire::nowhere(taking_but(&[])).await;
        let queue = SqsEvents::new(aws_at(&wire.url).sqs(), "https://sqs.example/1/events".into());
        assert_eq!(queue.enqueue(&wakes(many)).await, Ok(()));
        assert_eq!(wire.operations(), operations);
        let mut bodies = Vec::new();
        for call in wire.calls() {
            let sent = call.json();
            assert!(!sent.to_string().contains("MessageGroupId") && !sent.to_string().contains("Dedup"), "{sent}");
            match sent["Entries"].as_array() {
                Some(entries) => bodies.extend(entries.iter().map(|entry| entry["MessageBody"].clone())),
                None => bodies.push(sent["MessageBody"].clone()),
            }
        }
        assert_eq!(bodies, (0..many).map(|n| json!(format!("shopify#e{n}"))).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_hint_that_a_batch_lost_is_trouble_and_told_without_its_key() {
    let wire = Wire::nowhere(taking_but(&["1", "3"])).await;
    let queue = SqsEvents::new(aws_at(&wire.url).sqs(), "https://sqs.example/1/events".into());
    let error = queue.enqueue(&wakes(4)).await.unwrap_err();
    assert_eq!((error.queue, error.detail.as_str()), ("events", "2 of 4 were not taken: InternalError"));
}

#[tokio::test]
async fn a_queue_with_lines_gets_each_hint_into_its_own_and_takes_none_for_a_repetition() {
    let wire = Wire::nowhere(taking_but(&[])).await;
    let ids = RandomIds::from_system().unwrap();
    let queue = SqsEvents::in_lines(aws_at(&wire.url).sqs(), "https://sqs.example/1/podium.fifo".into(), ids);
    let (talk, alone) = (wake(Source::Podium, "e1", Some("conv-1")), wake(Source::Podium, "e2", None));
    for hints in [vec![talk.clone()], vec![alone.clone()], vec![talk.clone(), alone.clone(), talk], vec![alone]] {
        queue.enqueue(&hints).await.unwrap();
    }
    let mut messages = Vec::new();
    for call in wire.calls() {
        let sent = call.json();
        messages.extend(sent["Entries"].as_array().cloned().unwrap_or_else(|| vec![sent]));
    }
    let lines: Vec<(&str, &str)> =
        messages.iter().map(|m| (m["MessageBody"].as_str().unwrap(), m["MessageGroupId"].as_str().unwrap())).collect();
    let (talk, alone) = (GroupId::of("conv-1"), short_hash("podium#e2"));
    let (talk, alone) = (("podium#e1", talk.as_str()), ("podium#e2", alone.as_str()));
    assert_eq!(lines, [talk, alone, talk, alone, talk, alone]);
    let names: BTreeSet<&str> = messages.iter().map(|m| m["MessageDeduplicationId"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 6);
}

/// SQS took it, and its answer was lost: the same message again, and SQS knows it.
#[tokio::test]
async fn a_repetition_of_ones_own_is_a_repetition() {
    let wire = Wire::nowhere(|call| match call.number {
        0 => Fate::LoseCall,
        _ => Fate::Answer(200, json!({"MessageId": "m"})),
    })
    .await;
    let ids = RandomIds::from_system().unwrap();
    let queue = SqsEvents::in_lines(aws_at(&wire.url).sqs(), "https://sqs.example/1/podium.fifo".into(), ids);
    queue.enqueue(&[wake(Source::Podium, "e1", None)]).await.unwrap();
    let sent: Vec<Value> = wire.calls().iter().map(Call::json).collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
}

#[tokio::test]
async fn each_providers_events_go_to_its_own_queue_whatever_becomes_of_the_others() {
    for broken in ["none", "shopify", "podium", "privacy", "chatwoot"] {
        let wire = Wire::nowhere(move |call| {
            let sent = call.json();
            if sent["QueueUrl"].as_str().is_some_and(|url| url.contains(broken)) {
                return Fate::Answer(400, json!({"__type": "AccessDeniedException", "message": "no"}));
            }
            taking_but(&[])(call)
        })
        .await;
        let client = aws_at(&wire.url).sqs();
        let ids = RandomIds::from_system().unwrap();
        let queues = RoutedEvents {
            shopify: SqsEvents::new(client.clone(), "https://sqs.example/1/shopify".into()),
            podium: SqsEvents::in_lines(client.clone(), "https://sqs.example/1/podium.fifo".into(), ids.clone()),
            privacy: SqsEvents::new(client.clone(), "https://sqs.example/1/privacy".into()),
            chatwoot: SqsEvents::in_lines(client, "https://sqs.example/1/chatwoot.fifo".into(), ids),
        };
        let all = [
            wake(Source::Podium, "e1", None),
            wake(Source::Chatwoot, "e4", None),
            wake(Source::Privacy, "e3", None),
            wake(Source::Shopify, "e2", None),
        ];
        assert_eq!(queues.enqueue(&all).await.is_ok(), broken == "none");
        let mut sent: Vec<(String, String)> = wire
            .calls()
            .iter()
            .map(Call::json)
            .map(|m| (m["QueueUrl"].as_str().unwrap().to_owned(), m["MessageBody"].as_str().unwrap().to_owned()))
            .collect();
        sent.sort();
        let expected = [
            ("https://sqs.example/1/chatwoot.fifo", "chatwoot#e4"),
            ("https://sqs.example/1/podium.fifo", "podium#e1"),
            ("https://sqs.example/1/privacy", "privacy#e3"),
            ("https://sqs.example/1/shopify", "shopify#e2"),
        ];
        assert_eq!(sent, expected.map(|(url, body)| (url.to_owned(), body.to_owned())));
    }
}

#[tokio::test]
async fn a_notice_waits_as_long_as_it_is_told() {
    let wire = Wire::nowhere(|_| Fate::Answer(200, json!({"MessageId": "m"}))).await;
    let queue = SqsNotices::new(aws_at(&wire.url).sqs(), "https://sqs.example/1/notices".into());
    let key = NoticeKey::new(NoticeKind::Unresolved, "review-request#a.myshopify.com#1");
    for delay in [DelaySeconds::ZERO, DelaySeconds::covering(DelaySeconds::MAX).unwrap()] {
        queue.enqueue_notice(&key, delay).await.unwrap();
    }
    let bodies: Vec<_> = wire.calls().iter().map(Call::json).collect();
    let message = |delay: u16| json!({"QueueUrl": "https://sqs.example/1/notices", "MessageBody": key.as_str(), "DelaySeconds": delay});
    assert_eq!(bodies, [message(0), message(900)]);
    assert_eq!(queue.open().await, Ok(()));

    let refusal = json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "gone"});
    let wire = Wire::nowhere(move |_| Fate::Answer(400, refusal.clone())).await;
    let queue = SqsNotices::new(aws_at(&wire.url).sqs(), "https://sqs.example/1/notices".into());
    assert_eq!(queue.enqueue_notice(&key, DelaySeconds::ZERO).await.unwrap_err().queue, "notices");
}

/// Who asks what is kept of them has a worker of their own, whichever of the shop's webhooks brings it.
#[tokio::test]
async fn an_endpoints_hints_go_to_the_workers_that_have_to_see_them() {
    for broken in ["none", "orders", "privacy"] {
        let wire = Wire::nowhere(move |call| {
            if call.json()["QueueUrl"].as_str().is_some_and(|url| url.contains(broken)) {
                return Fate::Answer(400, json!({"__type": "AccessDeniedException", "message": "no"}));
            }
            taking_but(&[])(call)
        })
        .await;
        let client = aws_at(&wire.url).sqs();
        let door = DoorQueue::Shopify {
            shopify: SqsEvents::new(client.clone(), "https://sqs.example/1/orders".into()),
            privacy: SqsEvents::new(client.clone(), "https://sqs.example/1/privacy".into()),
        };
        let both = [wake(Source::Privacy, "e1", None), wake(Source::Shopify, "e2", None)];
        assert_eq!(door.enqueue(&both).await.is_ok(), broken == "none");
        let mut sent: Vec<String> =
            wire.calls().iter().map(|call| call.json()["MessageBody"].as_str().unwrap().to_owned()).collect();
        sent.sort();
        assert_eq!(sent, ["privacy#e1", "shopify#e2"], "trouble of one keeps nothing else back");
        for some in &both {
            wire.forget();
            let _ = door.enqueue(std::slice::from_ref(some)).await;
            assert_eq!(wire.operations(), ["SendMessage"], "one event is one message");
        }

        let podium = DoorQueue::Podium(SqsEvents::new(client.clone(), "https://sqs.example/1/podium".into()));
        wire.forget();
        podium.enqueue(&[wake(Source::Podium, "e3", None)]).await.unwrap();
        assert_eq!(wire.calls()[0].json()["MessageBody"], "podium#e3");

        let url = "https://sqs.example/1/chatwoot.fifo".into();
        let lines = SqsEvents::in_lines(client, url, RandomIds::from_system().unwrap());
        wire.forget();
        let line = GroupId::of("a conversation");
        let hint = wake(Source::Chatwoot, "e4", Some("a conversation"));
        DoorQueue::Chatwoot(lines).enqueue(&[hint]).await.unwrap();
        let sent = wire.calls()[0].json();
        assert_eq!((&sent["MessageBody"], &sent["MessageGroupId"]), (&"chatwoot#e4".into(), &line.as_str().into()));
    }
    let wire = Wire::nowhere(|_| Fate::Answer(200, json!({}))).await;
    let some = || SqsEvents::new(aws_at(&wire.url).sqs(), "https://sqs.example/1/some".into());
    for door in [
        DoorQueue::Podium(some()),
        DoorQueue::Chatwoot(some()),
        DoorQueue::Shopify { shopify: some(), privacy: some() },
    ] {
        assert_eq!(door.open().await, Ok(()));
    }
    assert!(wire.calls().iter().all(|call| call.method == "GET"), "nothing is sent");
}
