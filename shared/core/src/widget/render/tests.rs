//! Responses to the letter, and that the widget shows whatever is said.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "this is test code")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::outbound::{Stock, disclosed};

fn product(title: &str, url: &str) -> Product {
    Product {
        id: "12".into(),
        title: title.into(),
        price: Some("129.95".into()),
        currency: "AUD".into(),
        price_from: false,
        stock: Stock::InStock,
        attributes: vec![("Colour".into(), "blue, red".into()), ("Size".into(), "M".into())],
        url: url.into(),
        image: Some("https://shop.example/lamp.jpg".into()),
    }
}

fn article(title: &str, description: &str, link: &str) -> Article {
    Article { id: "a".into(), title: title.into(), description: description.into(), link: link.into() }
}

fn returns() -> Article {
    article("Returns", "How to send something back.", "https://shop.example/returns")
}

fn cards(intro: &str, products: &[Product]) -> Outbound {
    Outbound::ProductCards { intro: intro.into(), products: products.to_vec() }
}

fn articles(intro: &str, articles: &[Article]) -> Outbound {
    Outbound::Articles { intro: intro.into(), articles: articles.to_vec() }
}

fn ask(prompt: &str, options: &[(&str, &str)]) -> Outbound {
    let options = options.iter().map(|(t, v)| Choice { title: (*t).to_owned(), value: (*v).to_owned() }).collect();
    Outbound::QuickReplies { prompt: prompt.into(), options }
}

fn text(text: &str) -> Outbound {
    Outbound::Text(text.into())
}

fn form(intro: &str) -> Outbound {
    Outbound::Form { intro: intro.into() }
}

const YES_NO: [(&str, &str); 2] = [("Yes", "yes"), ("No", "no")];
const SUBMIT: &str = "https://api.example/contact-form?token=abc.def";

fn offer(form: Value) -> FormOffer {
    FormOffer { form, submit_url: SUBMIT.into() }
}

fn contact() -> Value {
    json!({
        "title": "Write to us",
        "description": "We answer within a day.",
        "submitLabel": "Send",
        "fields": [{"id": "email", "type": "email", "label": "E-mail", "required": true}],
    })
}

fn body(outbound: &[Outbound]) -> Value {
    render(outbound, None).body
}

fn output(outbound: &[Outbound]) -> String {
    let Rendered { body, shows_words } = render(outbound, None);
    assert!(shows_words && body.as_object().unwrap().len() == 1, "{body}");
    body["output"].as_str().unwrap().to_owned()
}

#[test]
fn words_are_one_plain_paragraph() {
    for (said, expected) in [
        (" Hello\r\n\r\nyou  there\t!", "Hello you there !"),
        ("We are open:\n- Mon 9 to 5\n- Tue 9 to 5\n\nSee you!", "We are open: Mon 9 to 5 | Tue 9 to 5 | See you!"),
        ("1. Lamps\n2) Vases\n  of glass\n\n10. Cups", "1. Lamps | 2) Vases of glass | 10. Cups"),
        ("* a\n• b\n\n– c\nand so on", "a | b | c and so on"),
        ("In 2024. Then\n1999 was 3.5 better", "In 2024. Then 1999 was 3.5 better"),
        ("a-b\n-c\n2.5\n123. d", "a-b -c 2.5 123. d"),
        // Nothing renders Liquid or Markdown there.
        ("{{contact.name}} {% if %} [a](javascript:x)", "{{contact.name}} {% if %} [a](javascript:x)"),
        ("<b>bold</b> &amp;", "<b>bold</b> &amp;"),
        ("a\u{0}\u{200b}b\u{202e}c\u{7}", "abc"),
    ] {
        assert_eq!(output(&[text(said)]), expected, "{said:?}");
    }
}

#[test]
fn what_is_only_words_is_said_together() {
    let error = Outbound::Error { text: "Sorry,\nagain.".into(), retryable: true };
    let hand_off = |text: Option<&str>| Outbound::HandOff { text: text.map(Into::into), summary: "secret".into() };
    assert_eq!(output(&[error]), "Sorry, again.");
    assert_eq!(output(&[hand_off(Some("One moment."))]), "One moment.");
    assert_eq!(output(&[text("Hi."), text(" "), hand_off(Some("One moment."))]), "Hi. One moment.");
    assert_eq!(output(&[form("Write to us.")]), "Write to us.");
    assert_eq!(output(&[ask("Which?", &[])]), "Which?");
    for nothing in [vec![], vec![text(" \u{200b}\n")], vec![hand_off(None)], vec![form("")], vec![cards("", &[])]] {
        assert_eq!(output(&nothing), NOTHING);
    }
}

#[test]
fn products_are_cards() {
    let bare = Product {
        price: Some(" \u{200b}".into()),
        currency: String::new(),
        stock: Stock::OutOfStock,
        attributes: vec![("\u{200b}".into(), " ".into())],
        image: Some("javascript:x".into()),
        ..product(" \u{200b}", "javascript:alert(1)")
    };
    let several = Product {
        price_from: true,
        stock: Stock::OnBackorder,
        image: None,
        ..product("{{Vase}}", "http://b.example/{1}")
    };
    let lamp = product("Brass\nlamp", "https://shop.example/lamp");
    let expected = json!({
        "content": "Look: these fit.",
        "content_type": "card",
        "content_attributes": {"cards": {"cards": [
            {
                "title": "Brass lamp",
                "description": "Colour: blue, red; Size: M",
                "image": "https://shop.example/lamp.jpg",
                "imageAlt": "Brass lamp",
                "link": "https://shop.example/lamp",
                "badge": "In stock",
                "price": "129.95 AUD",
            },
            {"title": "Product", "description": "Out of stock", "badge": "Out of stock", "price": "price on request"},
            {
                "title": "{{Vase}}",
                "description": "Colour: blue, red; Size: M",
                "link": "http://b.example/%7B1%7D",
                "badge": "On backorder",
                "price": "from 129.95 AUD",
            },
        ]}},
    });
    let said = [cards("Look:\nthese fit.", &[lamp, bare, several])];
    assert_eq!(render(&said, None), Rendered { body: expected, shows_words: true });
    let many = body(&[cards("", &vec![product("Lamp", ""); 12])]);
    assert_eq!(many["content"], CARDS_HEADING);
    assert_eq!(many["content_attributes"]["cards"]["cards"].as_array().unwrap().len(), PRODUCTS_MAX);
    let long = Product { attributes: vec![("a".into(), "b ".repeat(900))], ..product(&"Lamp ".repeat(90), "") };
    let card = &body(&[cards("", &[long])])["content_attributes"]["cards"]["cards"][0];
    let length = |name: &str| card[name].as_str().unwrap().chars().count();
    assert!(length("title") <= 150 && length("description") <= 300);
}

#[test]
fn articles_lead_to_their_pages() {
    let said = [articles(
        "Read on:",
        &[
            returns(),
            article("", "Sizes\nand\u{7} fits", "https://shop.example/sizes"),
            article("Care", " ", "https://shop.example/care"),
            article("Odd", "Leads nowhere.", "/odd"),
            article(" ", "\u{200b}", "https://shop.example/nothing"),
        ],
    )];
    let expected = json!({
        "content": "Read on:",
        "content_type": "article",
        "content_attributes": {"items": [
            {"title": "Returns", "description": "How to send something back.", "link": "https://shop.example/returns"},
            {"title": "Sizes and fits", "description": "Sizes and fits", "link": "https://shop.example/sizes"},
            {"title": "Care", "description": "Care", "link": "https://shop.example/care"},
        ]},
    });
    assert_eq!(render(&said, None), Rendered { body: expected, shows_words: true });
    let many = body(&[articles("", &vec![returns(); 12])]);
    assert_eq!(many["content"], ARTICLES_HEADING);
    assert_eq!(many["content_attributes"]["items"].as_array().unwrap().len(), ARTICLES_SHOWN_MAX);
    let nowhere = [article("Returns", "How to.", "javascript:alert(1)"), article("Care", "", "ftp://a.example")];
    assert_eq!(output(&[articles("Read on:", &nowhere)]), "Read on: Returns: How to. | Care");
}

#[test]
fn options_are_buttons_and_their_question_is_not_read() {
    let said = [ask("More\nlamps?", &[("Yes, {{please}}", "yes"), ("", "no"), ("Maybe", " "), (" ", "\u{200b}")])];
    let expected = json!({
        "content": "More lamps?",
        "content_type": "quick_reply",
        "content_attributes": {"responses": {"title": "More lamps?", "responses": [
            {"id": "1", "text": "Yes, {{please}}", "value": "yes"},
            {"id": "2", "text": "no", "value": "no"},
            {"id": "3", "text": "Maybe", "value": "Maybe"},
        ]}},
    });
    assert_eq!(render(&said, None), Rendered { body: expected, shows_words: false });
    assert_eq!(body(&[ask(" ", &YES_NO)])["content"], REPLIES_HEADING);
    // What is disclosed before a question would not be read.
    let (said, placed) = disclosed("I am a bot.", vec![ask("More?", &YES_NO)]);
    let shown = render(&said, None);
    assert!(placed && !shown.shows_words && shown.body["content"] == "I am a bot. More?", "{}", shown.body);
    // Two questions are one, whose buttons can be told apart.
    let two = body(&[ask("A?", &YES_NO), ask("B?", &YES_NO)]);
    let buttons = two["content_attributes"]["responses"]["responses"].as_array().unwrap();
    assert_eq!(buttons.iter().map(|button| button["id"].as_str().unwrap()).collect::<Vec<_>>(), ["1", "2", "3", "4"]);
    assert_eq!(two["content"], "A? B?");
}

#[test]
fn the_form_keeps_its_title_and_says_the_words_below() {
    let shown = |intro: &str, form_object: Value| {
        let Rendered { body, shows_words } = render(&[form(intro)], Some(&offer(form_object)));
        assert!(shows_words && body["content_type"] == "form", "{body}");
        (body["content"].as_str().unwrap().to_owned(), body["content_attributes"]["form"].clone())
    };
    let (content, object) = shown("Gladly.", contact());
    let mut expected = contact();
    expected["description"] = json!("Gladly. We answer within a day.");
    expected["submitUrl"] = json!(SUBMIT);
    assert_eq!((content.as_str(), &object), ("Gladly.", &expected));
    // Nothing is said: the form is what the shop made it.
    let (content, object) = shown(" ", contact());
    assert_eq!((content.as_str(), &object["description"]), (FORM_HEADING, &json!("We answer within a day.")));
    let mut bare = contact();
    bare["description"] = Value::Null;
    bare["fields"][0]["placeholder"] = Value::Null;
    let (_, object) = shown("Gladly.", bare.clone());
    assert_eq!((&object["description"], object["fields"][0].as_object().unwrap().len()), (&json!("Gladly."), 4));
    assert!(shown("", bare.clone()).1.get("description").is_none());
    // Without a title the words are the heading, and said once.
    bare["title"] = json!(" ");
    let (content, object) = shown("Gladly.", bare);
    assert_eq!((content.as_str(), object.get("title"), object.get("description")), ("Gladly.", None, None));
}

#[test]
fn a_form_that_cannot_be_filled_in_is_words() {
    let mut empty = contact();
    empty["fields"] = json!([]);
    let bad = [offer(json!({})), offer(Value::Null), offer(empty), offer(json!([contact()]))];
    let nowhere =
        ["", "/contact-form", "javascript:x"].map(|url| FormOffer { submit_url: url.into(), form: contact() });
    for offer in bad.iter().chain(&nowhere) {
        assert_eq!(render(&[form("Write to us.")], Some(offer)).body, json!({"output": "Write to us."}));
    }
    // Nobody asked for it.
    assert_eq!(render(&[text("Hi.")], Some(&offer(contact()))).body, json!({"output": "Hi."}));
}

#[test]
fn of_several_one_is_shown_and_the_others_are_named() {
    let lamp = product("Lamp", "https://shop.example/lamp");
    let (look, read, more) = (cards("Look:", &[lamp]), articles("Read:", &[returns()]), ask("More?", &YES_NO));
    let odd = articles("And this:", &[article("Odd", "x", "/odd"), returns()]);
    for (said, kind, content) in [
        (vec![look.clone(), more.clone()], "card", "Look: More? You can also write: Yes | No"),
        (vec![read.clone(), more.clone()], "article", "Read: More? You can also write: Yes | No"),
        (vec![look.clone(), read.clone()], "card", "Look: Read: Returns: https://shop.example/returns"),
        (vec![look.clone(), odd], "card", "Look: And this: Returns: https://shop.example/returns"),
        (vec![text("Hi."), more.clone()], "quick_reply", "Hi. More?"),
        (vec![look.clone(), text("Bye.")], "card", "Look: Bye."),
        (vec![cards("", &[]), more.clone()], "quick_reply", "More?"),
    ] {
        let body = body(&said);
        assert_eq!((body["content_type"].as_str(), body["content"].as_str()), (Some(kind), Some(content)));
    }
    let all = [form("Write to us."), look, read, more];
    let shown = render(&all, Some(&offer(contact()))).body;
    let words = "Write to us. Look: Lamp · 129.95 AUD · in stock · https://shop.example/lamp \
                 Read: Returns: https://shop.example/returns More? You can also write: Yes | No";
    assert_eq!((shown["content_type"].as_str(), shown["content"].as_str()), (Some("form"), Some(words)));
    // Without a form to show, the next best is.
    assert_eq!(body(&all)["content_type"], "card");
}

#[test]
fn nobodys_words_are_in_what_is_traced() {
    let shown = render(&[form("Write to us.")], Some(&offer(contact())));
    assert_eq!(format!("{shown:?} {:?}", offer(contact())), "Rendered(form) FormOffer");
    assert_eq!(format!("{:?}", render(&[text("My secret")], None)), "Rendered(text)");
}

// ---- Whatever is said, the widget shows it

/// What the client makes of a response, by its own rules; an error where it would show an empty bubble, an error of its own
/// or a link that runs.
#[derive(Debug)]
struct Shown {
    kind: String,
    words: String,
}

fn client(body: &Value) -> Result<Shown, String> {
    let some = |value: &Value, name: &str| match value[name].as_str() {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        other => Err(format!("{name} is {other:?}")),
    };
    let all = |value: &Value, names: &[&str]| names.iter().try_for_each(|name| some(value, name).map(drop));
    let uri = |value: &Value, name: &str, needed: bool| match value.get(name) {
        None if !needed => Ok(()),
        found => {
            let found = found.and_then(Value::as_str).unwrap_or_default().to_lowercase();
            let host = found.strip_prefix("https://").or_else(|| found.strip_prefix("http://")).unwrap_or_default();
            let plain = !host.is_empty() && !host.starts_with('/') && !host.contains(char::is_whitespace);
            if plain { Ok(()) } else { Err(format!("{name} leads to {found:?}")) }
        }
    };
    let list = |value: &Value| match value.as_array() {
        Some(list) if !list.is_empty() => Ok(list.clone()),
        other => Err(format!("an empty list: {other:?}")),
    };
    if has_null(body) {
        return Err("a null".into());
    }
    let (Ok(kind), Ok(content)) = (some(body, "content_type"), some(body, "content")) else {
        return Ok(Shown { kind: "text".into(), words: some(body, "output")? });
    };
    let attributes = &body["content_attributes"];
    let words = match kind.as_str() {
        "article" => {
            for item in list(&attributes["items"])? {
                all(&item, &["title", "description"])?;
                uri(&item, "link", true)?;
            }
            content
        }
        "card" => {
            let cards = &attributes["cards"];
            for card in list(&cards["cards"])? {
                all(&card, &["title", "description", "price", "badge"])?;
                uri(&card, "link", false)?;
                uri(&card, "image", false)?;
            }
            some(cards, "title").unwrap_or(content)
        }
        "quick_reply" => {
            let responses = list(&attributes["responses"]["responses"])?;
            let mut ids = BTreeSet::new();
            for response in &responses {
                all(response, &["text", "value"])?;
                if !ids.insert(some(response, "id")?) {
                    return Err("an id twice".into());
                }
            }
            // Neither the content nor the title.
            String::new()
        }
        "form" => {
            let form = &attributes["form"];
            for field in list(&form["fields"])? {
                all(&field, &["id", "type", "label"])?;
            }
            uri(form, "submitUrl", true)?;
            let heading = some(form, "title").unwrap_or(content);
            format!("{heading} {}", form["description"].as_str().unwrap_or_default())
        }
        other => return Err(format!("nothing renders {other}")),
    };
    Ok(Shown { kind, words })
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn words_of_any_kind() -> impl Strategy<Value = String> {
    let odd = ["", " ", "\n", "\u{200b}", "\u{0}\u{7}", "- a\n- b", "{{x}}", "\u{feff}\r\n", "null", "<b>"];
    prop_oneof![prop::sample::select(odd.to_vec()).prop_map(ToOwned::to_owned), ".{0,20}", "[a-c \n.-]{0,12}"]
}

fn address() -> impl Strategy<Value = String> {
    let addresses =
        ["", "/a", "javascript:alert(1)", "https://", "https://a b", "ftp://a.example", "http://b.example/{x}"];
    prop_oneof![
        prop::sample::select(addresses.to_vec()).prop_map(ToOwned::to_owned),
        "https?://[a-z]{1,5}\\.example/[a-z(){}]{0,5}",
        ".{0,12}",
    ]
}

fn any_product() -> impl Strategy<Value = Product> {
    let words = || words_of_any_kind();
    let stock = prop::sample::select(vec![Stock::InStock, Stock::OnBackorder, Stock::OutOfStock]);
    let price = (prop::option::of(words()), words(), any::<bool>());
    let facts = (stock, prop::collection::vec((words(), words()), 0..3));
    (words(), price, facts, address(), prop::option::of(address())).prop_map(|(title, price, facts, url, image)| {
        Product {
            id: "1".into(),
            title,
            price: price.0,
            currency: price.1,
            price_from: price.2,
            stock: facts.0,
            attributes: facts.1,
            url,
            image,
        }
    })
}

fn any_outbound() -> impl Strategy<Value = Outbound> {
    let words = || words_of_any_kind();
    let article = (words(), words(), address()).prop_map(|(title, text, link)| article(&title, &text, &link));
    let option = (words(), words()).prop_map(|(title, value)| Choice { title, value });
    prop_oneof![
        words().prop_map(Outbound::Text),
        (words(), any::<bool>()).prop_map(|(text, retryable)| Outbound::Error { text, retryable }),
        prop::option::of(words()).prop_map(|text| Outbound::HandOff { text, summary: "s".into() }),
        words().prop_map(|intro| Outbound::Form { intro }),
        (words(), prop::collection::vec(any_product(), 0..4))
            .prop_map(|(intro, products)| Outbound::ProductCards { intro, products }),
        (words(), prop::collection::vec(article, 0..4))
            .prop_map(|(intro, articles)| Outbound::Articles { intro, articles }),
        (words(), prop::collection::vec(option, 0..4))
            .prop_map(|(prompt, options)| Outbound::QuickReplies { prompt, options }),
    ]
}

fn any_offer() -> impl Strategy<Value = Option<FormOffer>> {
    let text = || prop::option::of(words_of_any_kind());
    let made = (text(), text(), any::<bool>(), address()).prop_map(|(title, description, whole, url)| {
        let fields = if whole { contact()["fields"].clone() } else { json!([]) };
        let submit_url = if whole { SUBMIT.to_owned() } else { url };
        FormOffer { form: json!({"title": title, "description": description, "fields": fields}), submit_url }
    });
    prop::option::of(made)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_widget_shows_whatever_is_said(
        outbound in prop::collection::vec(any_outbound(), 0..4),
        offer in any_offer(),
    ) {
        let Rendered { body, shows_words } = render(&outbound, offer.as_ref());
        let shown = client(&body);
        prop_assert!(shown.is_ok(), "{shown:?} of {body}");
        prop_assert_eq!(shown.unwrap().kind == "quick_reply", !shows_words);
    }

    #[test]
    fn what_is_disclosed_is_read_where_words_are_shown(
        outbound in prop::collection::vec(any_outbound(), 0..4),
        offer in any_offer(),
    ) {
        let (said, placed) = disclosed("I am a bot.", outbound);
        let Rendered { body, shows_words } = render(&said, offer.as_ref());
        let shown = client(&body).map_err(TestCaseError::fail)?;
        if placed && shows_words {
            prop_assert!(shown.words.contains("I am a bot."), "{shown:?} of {body}");
        }
    }

    #[test]
    fn words_lose_nothing_that_can_be_read(words in prop::collection::vec("[a-z]{1,8}", 1..30), gaps in prop::collection::vec(
        prop::sample::select(vec![" ", "\n", "\n\n", "\r\n", "\t", "\n- ", "\n1. "]), 30)) {
        let said: String = words.iter().zip(gaps).flat_map(|(word, gap)| [word.as_str(), gap]).collect();
        let shown = output(&[text(&said)]);
        let read: Vec<&str> = shown.split(' ').filter(|word| word.chars().all(|c| c.is_ascii_lowercase())).collect();
        prop_assert_eq!(read, words);
        prop_assert!(!shown.contains(['\n', '\t']) && !shown.contains("  "));
    }
}
