//! Chatwoot's deliveries, read and answered; and a model's answers, checked and shown.
//!
//! Promises: no body makes it panic; what is kept of a delivery is small and reads as the same message again; a message
//! that says STOP is always news; and whatever a model or a customer writes, no post holds Liquid, is empty, or links
//! anywhere but to the web.

use frontdesk_core::{
    agent::{Extras, read_answer},
    chatwoot::{Attached, Channel, ChatwootMessage, Delivery, Kind, TEXT_CHARS_MAX, parse},
    outbound::{Abilities, Article, Interactive, Product, Stock, chosen, render},
    podium::OptOutNews,
    time::UnixMillis,
    widget,
    wish::{ExtraWords, Wish},
};

use crate::{Samples, Target};

pub(crate) const TARGET: Target = Target {
    name: "chatwoot_payload",
    bytes_max: 12_000,
    words: &[
        "\"event\":",
        "\"message_created\"",
        "\"message_updated\"",
        "\"id\":",
        "\"event_id\":",
        "\"content\":",
        "\"content_attributes\":{",
        "\"submitted_values\":[",
        "\"message_type\":",
        "\"incoming\"",
        "\"outgoing\"",
        "\"private\":",
        "\"sender\":{",
        "\"type\":",
        "\"agent_bot\"",
        "\"account\":{",
        "\"inbox\":{",
        "\"conversation\":{",
        "\"meta\":{",
        "\"assignee\":",
        "\"status\":\"pending\"",
        "\"channel\":\"Channel::WebWidget\"",
        "\"attachments\":[",
        "\"file_type\":\"audio\"",
        "\"data_url\":",
        "\"transcribed_text\":",
        "\"phone_number\":\"+61491570156\"",
        "\"text\":",
        "\"product_ids\":[\"p1\"]",
        "\"options\":[",
        "\"title\":",
        "\"value\":",
        "\"handoff\":true",
        "\"summary\":",
        "\"STOP\"",
        "{{contact.email}}",
        "{% if %}",
        "[x](javascript:alert(1))",
        "https://shop.example/a",
        "\\u200b",
        "```",
        "null",
        "true",
        "{",
        "}",
        "[",
        "]",
    ],
    seeds,
    run,
};

/// 20 November 2026, 00:00 UTC.
const NOW: UnixMillis = UnixMillis::new(1_795_132_800_000);

fn seeds(samples: &Samples) -> Vec<Vec<u8>> {
    let written = [
        "{}",
        r#"{"text":"Two lamps","product_ids":["p1"],"options":[],"handoff":false,"summary":""}"#,
        r#"{"text":"Which?","product_ids":[],"options":[{"title":"A","value":"a"},{"title":"B","value":"b"}],"handoff":false,"summary":""}"#,
        r#"{"text":"Read on","product_ids":[],"article_ids":["a1"],"options":[],"form":false,"handoff":false,"summary":""}"#,
        r#"{"text":"","product_ids":[],"options":[],"handoff":true,"summary":"A refund of {{contact.name}}"}"#,
    ];
    samples.chatwoot.iter().cloned().chain(written.map(|text| text.as_bytes().to_vec())).collect()
}

fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(Delivery::Message(message)) = parse(data) {
        check(&message);
    }
    let product = Product {
        id: "p1".into(),
        title: text.chars().take(80).collect(),
        price: Some("129.95".into()),
        currency: "AUD".into(),
        price_from: false,
        stock: Stock::InStock,
        attributes: vec![(text.chars().rev().take(20).collect(), text.chars().take(20).collect())],
        url: text.chars().skip(3).take(200).collect(),
        image: None,
    };
    let article = Article {
        id: "a1".into(),
        title: text.chars().skip(1).take(80).collect(),
        description: text.chars().rev().take(80).collect(),
        link: text.chars().skip(5).take(200).collect(),
    };
    let extras = Extras { articles: vec![article], form: true };
    let Ok(answer) = read_answer(&text, &[product], &extras) else { return };
    assert!(!answer.outbound.is_empty(), "an answer of nothing");
    let shown = widget::render(&answer.outbound, None).body;
    assert!(shown["output"] != "" && shown["content"] != "", "the widget shows nothing of {shown}");
    for channel in [Channel::WebWidget, Channel::Whatsapp, Channel::Line, Channel::Other] {
        for outbound in &answer.outbound {
            for post in render(outbound, Abilities::of(channel, Interactive::Auto)) {
                assert!(!post.text.trim().is_empty(), "an empty post");
                let shown = serde_json::to_string(&post).unwrap();
                assert!(!shown.contains("{{") && !shown.contains("{%"), "Liquid: {shown}");
                assert!(!post.text.to_lowercase().contains("](javascript:"), "a link that is none");
            }
        }
    }
}

fn check(message: &ChatwootMessage) {
    let kept = serde_json::to_vec(message).unwrap();
    let again: ChatwootMessage = serde_json::from_slice(&kept).unwrap();
    assert_eq!(&again, message, "what is kept reads as something else");
    assert_eq!((again.event(), again.fingerprint()), (message.event(), message.fingerprint()));
    assert!(message.text.as_deref().unwrap_or_default().chars().count() <= TEXT_CHARS_MAX, "a text without end");
    let (Attached::Listed(attached) | Attached::Incomplete(attached)) = &message.attached;
    for attachment in attached {
        let _: (_, _, _) = (attachment.medium(), attachment.describe(), attachment.mime_or_suffix());
    }
    let _ = chosen(&message.submitted, message.text.as_deref().unwrap_or_default());
    let none = ExtraWords::default();
    if message.kind == Kind::Created && message.wish(&none) == Wish::Stop {
        let news = message.opt_outs(&none, NOW);
        assert!(matches!(news, OptOutNews::Changes(_) | OptOutNews::WithoutPhone), "a STOP that nobody hears");
        if let OptOutNews::Changes(changes) = news {
            assert!(changes.iter().all(|change| change.at <= NOW), "an opt-out from the future");
        }
    }
}
