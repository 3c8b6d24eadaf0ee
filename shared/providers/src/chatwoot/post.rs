//! Messages as Chatwoot takes them, and what it says to them. Pure.

use frontdesk_core::{
    chat::Marker,
    chatwoot::PostFailure,
    outbound::{Choice, Post, Product, Show, Stock},
};
use serde_json::{Map, Value, json};

/// A key that Chatwoot does not know and therefore keeps: what finds a post again whose answer was lost.
pub(super) const MARK: &str = "frontdesk";

/// A message to the customer.
pub(super) fn message(post: &Post, marker: &Marker) -> Value {
    let (kind, items) = match &post.show {
        Show::Text => ("text", Vec::new()),
        Show::Select(options) => ("input_select", options.iter().map(option).collect()),
        Show::Cards(products) => ("cards", products.iter().map(card).collect()),
    };
    body(&post.text, false, kind, items, marker)
}

/// A note for the shop's people.
pub(super) fn note(text: &str, marker: &Marker) -> Value {
    body(text, true, "text", Vec::new(), marker)
}

fn body(text: &str, private: bool, kind: &str, items: Vec<Value>, marker: &Marker) -> Value {
    let mut attributes = Map::from_iter([(MARK.to_owned(), Value::from(marker.as_str()))]);
    if !items.is_empty() {
        attributes.insert("items".to_owned(), Value::Array(items));
    }
    json!({
        "content": text,
        "message_type": "outgoing",
        "private": private,
        "content_type": kind,
        "content_attributes": attributes,
    })
}

// Of items, keys that Chatwoot does not know are refused.

fn option(choice: &Choice) -> Value {
    json!({ "title": choice.title, "value": choice.value })
}

fn card(product: &Product) -> Value {
    let mut card = json!({
        "title": product.title,
        "description": description(product),
        // A postback would only tell the page around the widget.
        "actions": [{ "type": "link", "text": "View", "uri": product.url }],
    });
    if let (Some(image), Some(card)) = (&product.image, card.as_object_mut()) {
        card.insert("media_url".to_owned(), Value::from(image.as_str()));
    }
    card
}

fn description(product: &Product) -> String {
    let price = product.price.as_ref().map(|price| {
        let from = if product.price_from { "From " } else { "" };
        format!("{from}{price} {}", product.currency)
    });
    let stock = match product.stock {
        Stock::InStock => "In stock",
        Stock::OnBackorder => "On backorder",
        Stock::OutOfStock => "Out of stock",
    };
    let attributes = product.attributes.iter().map(|(name, values)| format!("{name}: {values}"));
    price.into_iter().chain([stock.to_owned()]).chain(attributes).collect::<Vec<_>>().join(" · ")
}

/// What an answer to a post means; 429 is the caller's.
pub(super) fn judge(status: u16, body: Result<Value, &'static str>) -> Result<(), PostFailure> {
    match status {
        200..=299 => {
            let why = match body {
                Ok(body) if super::read::id(&body).is_some() => return Ok(()),
                Ok(_) => "the answer has no id",
                Err(why) => why,
            };
            Err(PostFailure::NoAnswer { detail: format!("status {status}, but {why}") })
        }
        408 => Err(PostFailure::NoAnswer { detail: "status 408".into() }),
        422 if body.is_ok_and(|body| is_flood(&body)) => Err(PostFailure::Flooded),
        500..=599 => Err(PostFailure::Server { status }),
        _ => Err(PostFailure::Refused { status }),
    }
}

fn is_flood(body: &Value) -> bool {
    let says = |name| body.get(name).and_then(Value::as_str).is_some_and(|text| text.contains("Too many messages"));
    says("error") || says("message")
}
