//! Messages.

use std::time::Duration;

use frontdesk_aws::sqs::{SqsEvents, SqsSends};
use frontdesk_core::{
    ids::{EventId, OrderId, OrderKey, ShopDomain},
    inbox::{InboxKey, Source},
    queue::{DelaySeconds, EventQueue, SendQueue},
};
use frontdesk_tests::{
    aws::aws_at,
    wire::{Fate, Wire},
};
use serde_json::json;

#[tokio::test]
async fn a_send_waits_as_long_as_it_is_told() {
    let wire = Wire::nowhere(|_| Fate::Answer(200, json!({"MessageId": "m"}))).await;
    let queue = SqsSends::new(aws_at(&wire.url).sqs(), "https://sqs.example/1/sends".into());
    let key =
        OrderKey { shop: ShopDomain::try_from("a.myshopify.com").unwrap(), order: OrderId(820_982_911_946_154_508) };
    let delay = DelaySeconds::covering(Duration::from_millis(61_001)).unwrap();
    queue.enqueue_send(&key, delay).await.unwrap();
    queue.enqueue_send(&key, DelaySeconds::ZERO).await.unwrap();
    let bodies: Vec<_> = wire.calls().iter().map(frontdesk_tests::wire::Call::json).collect();
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
    let key = InboxKey { source: Source::Shopify, event: EventId::try_from("e1").unwrap() };
    let error = queue.enqueue(&key).await.unwrap_err();
    assert_eq!(error.queue, "events");
    assert_eq!(error.detail, "QueueDoesNotExist (status 400): The specified queue does not exist.");
}
