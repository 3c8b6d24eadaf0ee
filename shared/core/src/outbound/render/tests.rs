//! What people read, to the letter, and what must never get through.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "this is test code")]

use proptest::prelude::*;

use super::*;

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

fn plain() -> Product {
    Product {
        price: None,
        stock: Stock::OutOfStock,
        attributes: Vec::new(),
        image: Some("javascript:x".into()),
        ..product("Shade", "https://shop.example/shade")
    }
}

fn options(titles: &[(&str, &str)]) -> Vec<Choice> {
    titles.iter().map(|(t, v)| Choice { title: (*t).to_owned(), value: (*v).to_owned() }).collect()
}

fn ask(titles: &[(&str, &str)], abilities: Abilities) -> Vec<Post> {
    render(&Outbound::QuickReplies { prompt: "More lamps?".into(), options: options(titles) }, abilities)
}

fn widget() -> Abilities {
    Abilities::of(Channel::WebWidget, Interactive::Auto)
}

fn whatsapp() -> Abilities {
    Abilities::of(Channel::Whatsapp, Interactive::Auto)
}

#[test]
fn each_channel_shows_what_it_can() {
    let shown = |channel, interactive| {
        let abilities = Abilities::of(channel, interactive);
        (abilities.select, abilities.cards)
    };
    let select_only = [Channel::Whatsapp, Channel::Telegram, Channel::Line, Channel::Facebook];
    for interactive in [Interactive::Auto, Interactive::ApiToo] {
        assert_eq!(shown(Channel::WebWidget, interactive), (true, true));
        assert_eq!(shown(Channel::Other, interactive), (false, false));
        for channel in select_only {
            assert_eq!(shown(channel, interactive), (true, false));
        }
    }
    assert_eq!(shown(Channel::Api, Interactive::Auto), (false, false));
    assert_eq!(shown(Channel::Api, Interactive::ApiToo), (true, true));
    for channel in select_only.into_iter().chain([Channel::WebWidget, Channel::Api, Channel::Other]) {
        let text_chars_max = Abilities::of(channel, Interactive::Auto).text_chars_max;
        assert_eq!(Abilities::of(channel, Interactive::Off), Abilities { text_chars_max, ..Abilities::WORDS });
    }
}

#[test]
fn products_are_listed_where_there_are_no_cards() {
    let backorder =
        Product { price_from: true, stock: Stock::OnBackorder, ..product("Lamp  two\n", "ftp://a.example/b") };
    let outbound = Outbound::ProductCards {
        intro: "These may suit:".into(),
        products: vec![product("Brass lamp", "https://shop.example/lamp"), plain(), backorder],
    };
    let [post] = render(&outbound, Abilities::WORDS).try_into().unwrap();
    let expected = "These may suit:\n\n\
        1. Brass lamp\n129.95 AUD · in stock · Colour: blue, red; Size: M\nhttps://shop.example/lamp\n\n\
        2. Shade\nprice on request · out of stock\nhttps://shop.example/shade\n\n\
        3. Lamp two\nfrom 129.95 AUD · on backorder · Colour: blue, red; Size: M";
    assert_eq!((post.text.as_str(), &post.show), (expected, &Show::Text));
}

#[test]
fn cards_follow_their_sentence_and_leave_nothing_out() {
    let outbound = |intro: &str, second: &str| Outbound::ProductCards {
        intro: intro.into(),
        products: vec![product("Brass lamp", "https://shop.example/lamp"), product("Odd", second)],
    };
    let posts = render(&outbound("Look:", "javascript:alert(1)"), widget());
    let [intro, cards, rest] = posts.as_slice() else { panic!("{posts:?}") };
    assert_eq!((intro.text.as_str(), &intro.show), ("Look:", &Show::Text));
    let Show::Cards(shown) = &cards.show else { panic!() };
    assert_eq!((shown.len(), shown[0].image.as_deref()), (1, Some("https://shop.example/lamp.jpg")));
    let list = "1. Brass lamp\n129.95 AUD · in stock · Colour: blue, red; Size: M\nhttps://shop.example/lamp";
    assert_eq!(cards.text, list);
    assert_eq!(rest.text, "1. Odd\n129.95 AUD · in stock · Colour: blue, red; Size: M");
    assert_eq!(render(&outbound(" ", "https://shop.example/odd"), widget()).len(), 1);
    let linkless = Outbound::ProductCards { intro: String::new(), products: vec![product("Odd", "/odd")] };
    assert!(matches!(render(&linkless, widget()).as_slice(), [Post { show: Show::Text, .. }]));
    let none = Outbound::ProductCards { intro: String::new(), products: Vec::new() };
    assert!(render(&none, widget()).is_empty() && render(&none, Abilities::WORDS).is_empty());
}

fn article(title: &str, description: &str, link: &str) -> Article {
    Article { id: "a".into(), title: title.into(), description: description.into(), link: link.into() }
}

#[test]
fn articles_are_listed_and_lead_to_their_pages() {
    let outbound = |articles: &[Article]| Outbound::Articles { intro: "Read on:".into(), articles: articles.to_vec() };
    let articles = [
        article("Returns", "How to send\nsomething back.", "https://shop.example/returns"),
        article("{{Delivery}}", "[Times](javascript:alert(1)) and prices", "https://shop.example/(delivery)"),
        article("Odd", "", "javascript:alert(1)"),
        article(" ", "\u{200b}", "https://shop.example/nothing"),
    ];
    let expected = "Read on:\n\n\
        1. Returns\nHow to send something back.\nhttps://shop.example/returns\n\n\
        2. { {Delivery} }\nTimes and prices\nhttps://shop.example/%28delivery%29\n\n\
        3. Odd";
    // No channel shows more than words of them.
    for abilities in [Abilities::WORDS, widget(), whatsapp()] {
        assert_eq!(render(&outbound(&articles), abilities), [Post { text: expected.into(), show: Show::Text }]);
    }
    let long =
        article(&"title ".repeat(90), &"word ".repeat(200), &format!("https://shop.example/{}", "x".repeat(900)));
    let said = texts(&outbound(&vec![long; 12]), limited(1_000));
    assert!(said.len() == 20 && said.iter().all(|t| t.chars().count() <= 1_000), "{said:?}");
    assert_eq!(said.iter().filter(|t| t.ends_with(&"x".repeat(900))).count(), 10);
    assert_eq!(texts(&outbound(&[]), Abilities::WORDS), ["Read on:"]);
}

#[test]
fn a_form_is_the_sentence_about_it() {
    let form = |intro: &str| texts(&Outbound::Form { intro: intro.into() }, widget());
    assert_eq!(form(" Write {{to}} us. "), ["Write { {to} } us."]);
    assert!(form(" ").is_empty());
}

#[test]
fn a_long_list_goes_on_in_the_next_post() {
    let long = Product {
        attributes: vec![("a".into(), "b ".repeat(900))],
        ..product(&"Lamp ".repeat(90), &format!("https://shop.example/{}", "x".repeat(900)))
    };
    let posts = render(&Outbound::ProductCards { intro: "x".into(), products: vec![long; 10] }, Abilities::WORDS);
    assert!(posts.len() > 1 && posts.iter().all(|p| p.text.chars().count() <= 4_000));
    let all = posts.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join("\n");
    assert_eq!(all.matches("https://shop.example/x").count(), 10);
    assert!(all.contains("\n10. Lamp"));
}

#[test]
fn a_question_has_buttons_or_numbers() {
    let two = [("Yes, show more", "show_more"), ("No thanks", "no_thanks")];
    let [shown] = ask(&two, widget()).try_into().unwrap();
    assert_eq!((shown.text.as_str(), shown.show), ("More lamps?", Show::Select(options(&two))));
    let [listed] = ask(&two, Abilities::WORDS).try_into().unwrap();
    let expected = "More lamps?\n\n1. Yes, show more [show_more]\n2. No thanks [no_thanks]\n\nReply with a number.";
    assert_eq!((listed.text.as_str(), listed.show), (expected, Show::Text));
    let [bare] = ask(&[("", "a"), ("B [x]", ""), (" ", "")], Abilities::WORDS).try_into().unwrap();
    assert_eq!(bare.text, "More lamps?\n\n1. a [a]\n2. B [x] [B |x|]\n\nReply with a number.");
    let [unasked] =
        render(&Outbound::QuickReplies { prompt: " ".into(), options: options(&two) }, widget()).try_into().unwrap();
    assert_eq!(unasked.text, "Please choose:");
    assert_eq!(ask(&[], widget()), [Post { text: "More lamps?".into(), show: Show::Text }]);
}

#[test]
fn titles_are_cut_to_what_the_channel_takes() {
    let titles = |titles: &[(&str, &str)], abilities| match ask(titles, abilities).remove(0).show {
        Show::Select(options) => Some(options.into_iter().map(|o| o.title).collect::<Vec<_>>()),
        Show::Text => None,
        Show::Cards(_) => panic!(),
    };
    let long = ("The very long title of an option", "a");
    assert_eq!(titles(&[long, ("B", "b")], whatsapp()).unwrap(), ["The very long title…", "B"]);
    let four = [long, ("B", "b"), ("C", "c"), ("D", "d")];
    assert_eq!(titles(&four, whatsapp()).unwrap()[0], "The very long title of…");
    // Two that look alike after the cut, or before it.
    assert_eq!(titles(&[long, ("The very long title of another", "b")], whatsapp()), None);
    assert_eq!(titles(&[("A", "a"), ("a", "b")], widget()), None);
    assert_eq!(titles(&[("A", "a"), ("B", "a")], widget()), None);
    // More than fit, or a value that does not.
    let eleven: Vec<(String, String)> = (0..11).map(|n| (format!("t{n}"), format!("v{n}"))).collect();
    let eleven: Vec<(&str, &str)> = eleven.iter().map(|(t, v)| (t.as_str(), v.as_str())).collect();
    assert_eq!(titles(&eleven, whatsapp()), None);
    assert!(titles(&eleven, Abilities::of(Channel::Facebook, Interactive::Auto)).is_some());
    let wide = "v".repeat(70);
    let wide = [("A", wide.as_str()), ("B", "b")];
    assert_eq!(titles(&wide, Abilities::of(Channel::Telegram, Interactive::Auto)), None);
    assert!(titles(&wide, whatsapp()).is_some());
    let prompt = Outbound::QuickReplies { prompt: "x ".repeat(600), options: options(&four) };
    assert_eq!(render(&prompt, whatsapp())[0].show, Show::Text);
}

#[test]
fn what_is_shown_in_words_is_understood_when_it_comes_back() {
    let offered = options(&[("Yes, show {{more}}", "show_more"), ("No thanks", "no_thanks")]);
    let outbound = Outbound::QuickReplies { prompt: "?".into(), options: offered.clone() };
    let text = render(&outbound, Abilities::WORDS).remove(0).text;
    for (line, expected) in text.lines().skip(2).zip(&offered) {
        assert_eq!(super::super::chosen(&offered, line), Some(expected), "{line}");
    }
}

#[test]
fn the_other_kinds_are_words() {
    let post = |text: &str| vec![Post { text: text.into(), show: Show::Text }];
    assert_eq!(render(&Outbound::Text(" Hello\r\nyou ".into()), widget()), post("Hello\nyou"));
    assert_eq!(render(&Outbound::Error { text: "Sorry.".into(), retryable: true }, widget()), post("Sorry."));
    let hand_off = |text: Option<&str>| Outbound::HandOff { text: text.map(Into::into), summary: "s".into() };
    assert_eq!(render(&hand_off(Some("One moment.")), widget()), post("One moment."));
    assert_eq!(render(&hand_off(None), widget()), []);
    assert_eq!(render(&Outbound::Text(" \u{200b}\u{7} ".into()), widget()), []);
}

fn limited(text_chars_max: usize) -> Abilities {
    Abilities { text_chars_max, ..Abilities::WORDS }
}

fn texts(outbound: &Outbound, abilities: Abilities) -> Vec<String> {
    render(outbound, abilities).into_iter().map(|post| post.text).collect()
}

#[test]
fn a_text_takes_what_the_channel_takes() {
    for (channel, max) in [
        (Channel::WebWidget, 4_000),
        (Channel::Whatsapp, 4_000),
        (Channel::Telegram, 4_000),
        (Channel::Line, 4_000),
        (Channel::Api, 4_000),
        (Channel::Facebook, 2_000),
        (Channel::Other, 1_000),
    ] {
        for interactive in [Interactive::Auto, Interactive::Off, Interactive::ApiToo] {
            let abilities = Abilities::of(channel, interactive);
            let text = "word ".repeat(max / 5 + 1);
            let hand_off = Outbound::HandOff { text: Some(text.clone()), summary: String::new() };
            let error = Outbound::Error { text: text.clone(), retryable: false };
            for outbound in [Outbound::Text(text.clone()), hand_off, error] {
                let said = texts(&outbound, abilities);
                assert_eq!(said.iter().map(|t| t.chars().count()).collect::<Vec<_>>(), [max - 1, 4], "{channel:?}");
            }
        }
    }
}

#[test]
fn a_long_text_is_parted_where_it_pauses() {
    let said = |text: &str| texts(&Outbound::Text(text.into()), limited(200));
    let (a, b) = ("a ".repeat(60), "b ".repeat(60));
    for (between, first, second) in
        [("\n\n", "", ""), ("c\nc", "c", "c"), ("c. c", "c.", "c"), ("c? c", "c?", "c"), ("。", "。", "")]
    {
        let text = format!("{a}{between}{b}");
        let expected = [format!("{a}{first}").trim().to_owned(), format!("{second}{b}").trim().to_owned()];
        let more = format!("{text}\n\n{text}");
        assert_eq!(said(&text), expected, "{between:?}");
        assert_eq!(said(&more).len(), 4, "{between:?}");
    }
    // A paragraph rather than a sentence, a word rather than an item's number; a text of one word anywhere.
    assert_eq!(said(&format!("{a}\n\nOne. Two. {b}"))[1], format!("One. Two. {b}").trim());
    assert!(said(&format!("{a}1. {b}"))[0].chars().count() > 190);
    assert_eq!(said(&"é".repeat(450)).iter().map(|t| t.chars().count()).collect::<Vec<_>>(), [200, 200, 50]);
}

#[test]
fn six_posts_hold_what_they_can() {
    let said = |text: &str| texts(&Outbound::Text(text.into()), limited(1_000));
    // As long as a model's answer may be, with its pauses at the worst places.
    let paragraph = format!("{}end.\n\n", "word ".repeat(101));
    let whole = said(&paragraph.repeat(8));
    assert!(whole.len() <= 6 && !whole.concat().contains('…'), "{whole:?}");
    assert_eq!(whole.concat().matches("end.").count(), 8);
    let cut = said(&"word ".repeat(2_000));
    assert!(cut.len() == 6 && cut[5].ends_with("word…") && cut[..5].iter().all(|t| t.ends_with("word")));
    assert_eq!(texts(&Outbound::Text("x".repeat(90_000)), widget()).len(), 6);
}

#[test]
fn lists_go_on_between_two_of_their_items() {
    let products = vec![product("Brass lamp", "https://shop.example/lamp"); 10];
    let said = texts(&Outbound::ProductCards { intro: "Look. ".repeat(60), products: products.clone() }, limited(300));
    assert!(said.iter().all(|t| t.chars().count() <= 300));
    assert!(said[0].starts_with("Look. ") && said.iter().skip(1).all(|t| t.ends_with("/lamp")), "{said:?}");
    assert_eq!(said.concat().matches("Brass lamp\n129.95 AUD · in stock").count(), 10);
    // A link that fits nowhere is left out rather than cut; one that fits alone stands alone.
    let linked = |length: usize| {
        let url = format!("https://shop.example/{}", "x".repeat(length - 21));
        texts(&Outbound::ProductCards { intro: String::new(), products: vec![product("Lamp", &url)] }, limited(1_000))
    };
    let head = "1. Lamp\n129.95 AUD · in stock · Colour: blue, red; Size: M";
    let one = format!("{head}\nhttps://shop.example/");
    assert!(linked(900).len() == 1 && linked(900)[0].starts_with(&one));
    assert_eq!(linked(1_000).iter().map(|t| t.chars().count()).collect::<Vec<_>>(), [head.chars().count(), 1_000]);
    assert_eq!(linked(1_001), [head]);
    let titles: Vec<String> = (0..10).map(|n| format!("{n} {}", "title ".repeat(12))).collect();
    let many: Vec<(&str, &str)> = titles.iter().map(|t| (t.as_str(), "value")).collect();
    let said = texts(&Outbound::QuickReplies { prompt: "Which? ".repeat(60), options: options(&many) }, limited(300));
    assert!(said.iter().all(|t| t.chars().count() <= 300) && said.len() > 3);
    let lines: Vec<&str> = said.iter().flat_map(|t| t.lines()).filter(|l| l.ends_with("[value]")).collect();
    assert!(lines.len() == 10 && lines[9].starts_with("10. 9 title"), "{said:?}");
    assert!(said.last().unwrap().ends_with("[value]\n\nReply with a number."));
}

#[test]
fn buttons_that_are_refused_fit_in_one_post_of_words() {
    let wide = "v".repeat(150);
    let titles: Vec<String> = (0..6).map(|n| format!("{n}{wide}")).collect();
    let six: Vec<(&str, &str)> = titles.iter().map(|t| (t.as_str(), t.as_str())).collect();
    let facebook = Abilities::of(Channel::Facebook, Interactive::Auto);
    let asked = |prompt: &str, options: &[(&str, &str)]| {
        render(&Outbound::QuickReplies { prompt: prompt.into(), options: self::options(options) }, facebook)
    };
    assert!(matches!(asked("Which?", &six[..3]).as_slice(), [Post { show: Show::Select(_), .. }]));
    let said = asked(&"word ".repeat(300), &six);
    assert!(said.len() > 1 && said.iter().all(|p| p.show == Show::Text && p.text.chars().count() <= 2_000));
}

#[test]
fn neither_liquid_nor_foreign_links_get_through() {
    for (text, expected) in [
        ("{{contact.email}}", "{ {contact.email} }"),
        ("`{{a}}`", "`{ {a} }`"),
        ("{% if a %}b{% endif %}", "{ % if a % }b{ % endif % }"),
        ("{\u{200b}{a}\u{feff}}", "{ {a} }"),
        ("{\u{200d}%", "{\u{200d} %"),
        ("{\u{0}{", "{ {"),
        ("{{{", "{ { {"),
        ("{[](x:y){", "{ {"),
        ("{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": 1} }"),
        ("100% {of} it", "100% {of} it"),
        ("[our page](https://shop.example/a_(b)) is", "[our page](https://shop.example/a_(b)) is"),
        ("[click](javascript:alert(1)) it", "click it"),
        ("[click]( <javascript:alert(1)> \"t\")", "click"),
        ("[click](java&#115;cript:alert(1))", "click"),
        ("[click](/relative)", "click"),
        ("[click](HTTP://shop.example)", "[click](HTTP://shop.example)"),
        ("[click](https://)", "click"),
        ("![eye](data:image/png;base64,AAAA)", "eye"),
        ("[write](mailto:a@shop.example)", "write"),
        ("[[a](x:b)](y:c)", "a"),
        ("][](x:y)(javascript:alert(1))", "] "),
        ("[a](javascript:alert(1", "[a] (alert(1"),
        ("mailto:a@shop.example or tel:+61491570156", "a@shop.example or +61491570156"),
        ("javascript:javascript:alert(1)", "alert(1)"),
        ("java[](x:y)script:alert(1)", "alert(1)"),
        ("<vbscript:a> <foo:bar> <https://shop.example>", "<a> <bar> <https://shop.example>"),
        ("ftp://a.example/b and shop.https://c.example", "a.example/b and shop.https://c.example"),
        ("[a]: javascript:alert(1)", "[a] : alert(1)"),
        ("[a]: https://shop.example", "[a]: https://shop.example"),
        ("Data: 5. Note: see file: above, at 10:30", "Data: 5. Note: see file: above, at 10:30"),
        ("https://a.example/x?u=mailto:b@c.example&v=ftp://d", "https://a.example/x?u=mailto:b@c.example&v=ftp://d"),
        ("<b onclick=\"x\">bold</b> & so", "<b onclick=\"x\">bold</b> & so"),
        ("a\tb\u{202e}c\u{7f}", "a bc"),
        ("👩\u{200d}🔧 ❤\u{fe0f}", "👩\u{200d}🔧 ❤\u{fe0f}"),
    ] {
        assert_eq!(neutralise(text), expected, "{text:?}");
    }
}

/// Whether Liquid could begin or end here, whatever invisible stands between.
fn has_liquid(text: &str) -> bool {
    let bare: String = text
        .chars()
        .filter(|c| (*c == '\n' || !c.is_control()) && !"\u{200b}\u{200c}\u{200d}\u{feff}".contains(*c))
        .collect();
    ["{{", "{%", "}}", "%}"].iter().any(|mark| bare.contains(mark))
}

/// Whether a link of a known form leads elsewhere than to a web page.
fn has_foreign_link(text: &str) -> bool {
    let targets = text.match_indices("](").map(|(at, _)| text[at + 2..].trim_start().trim_start_matches('<'));
    let web = |t: &str| ["http://", "https://"].iter().any(|s| t.to_ascii_lowercase().starts_with(s));
    let lower = text.to_ascii_lowercase();
    let bare = lower.match_indices("javascript:").any(|(at, s)| {
        let alone = !lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "+-".contains(c));
        let token = lower[..at].rsplit(|c: char| c.is_whitespace() || "<>()[]{}\"'".contains(c)).next().unwrap();
        alone && !web(token) && lower[at + s.len()..].starts_with(|c: char| !c.is_whitespace())
    });
    bare || targets.into_iter().any(|t| !web(t))
}

fn tricky() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "{",
        "{",
        "%",
        "}",
        "}",
        "`",
        "[",
        "]",
        "(",
        ")",
        "](",
        "!",
        "<",
        ">",
        ":",
        "//",
        "\n",
        "\n\n",
        " ",
        "\t",
        "\u{200b}",
        "\u{200d}",
        "\u{0}",
        "javascript:",
        "java",
        "script:",
        "https://a.example",
        "http:",
        "mailto:",
        "data:",
        "x",
        "é",
        "1.",
        "word",
        ".",
        "\\",
        "…",
        "[a]:",
        "\u{fe0f}",
    ]);
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

fn check(posts: &[Post], max: usize) -> Result<(), TestCaseError> {
    for post in posts {
        prop_assert!(!post.text.trim().is_empty() && post.text.chars().count() <= max);
        if let Show::Select(options) = &post.show {
            let question = Outbound::QuickReplies { prompt: post.text.clone(), options: options.clone() };
            let listed = texts(&question, Abilities::WORDS);
            prop_assert!(listed.len() == 1 && listed[0].chars().count() <= max, "{listed:?}");
        }
        prop_assert!(!has_liquid(&post.text), "{:?}", post.text);
        prop_assert!(!has_foreign_link(&post.text), "{:?}", post.text);
        let shown: Vec<String> = match &post.show {
            Show::Text => Vec::new(),
            Show::Select(options) => options.iter().flat_map(|o| [o.title.clone(), o.value.clone()]).collect(),
            Show::Cards(products) => {
                prop_assert!(products.iter().all(|p| p.url.starts_with("http")));
                products.iter().flat_map(|p| [p.title.clone(), p.facts(), p.url.clone()]).collect()
            }
        };
        for text in shown {
            prop_assert!(!text.is_empty() && !has_liquid(&text) && !has_foreign_link(&text), "{text:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn neutral_text_stays_neutral(text in prop_oneof![tricky(), ".{0,60}"]) {
        let once = neutralise(&text);
        prop_assert!(!has_liquid(&once), "{once:?}");
        prop_assert!(!has_foreign_link(&once), "{once:?}");
        prop_assert_eq!(neutralise(&once), once);
    }

    #[test]
    fn nothing_gets_through_in_any_place(
        texts in prop::collection::vec(tricky(), 6),
        long in any::<bool>(),
        cards in any::<bool>(),
        max in prop_oneof![Just(0_usize), 1..200_usize, 200..1_200_usize, Just(4_000)],
    ) {
        let abilities = Abilities { text_chars_max: max, ..if cards { widget() } else { Abilities::WORDS } };
        let max = max.max(200);
        let text = if long { texts[0].repeat(400) } else { texts[0].clone() };
        let odd = Product {
            price: Some(texts[2].clone()),
            currency: texts[3].clone(),
            attributes: vec![(texts[4].clone(), texts[5].clone())],
            ..product(&texts[1], &format!("https://shop.example/{}", texts[5]))
        };
        check(&render(&Outbound::Text(text.clone()), abilities), max)?;
        check(&render(&Outbound::ProductCards { intro: text.clone(), products: vec![odd.clone(), odd] }, abilities), max)?;
        let article = article(&texts[1], &texts[2], &format!("https://shop.example/{}", texts[3]));
        let articles = vec![article.clone(), article];
        check(&render(&Outbound::Articles { intro: text.clone(), articles }, abilities), max)?;
        check(&render(&Outbound::Form { intro: text.clone() }, abilities), max)?;
        let options = options(&[(&texts[1], &texts[2]), (&texts[3], &texts[4])]);
        check(&render(&Outbound::QuickReplies { prompt: text, options }, abilities), max)?;
    }

    #[test]
    fn nothing_is_lost_while_six_posts_hold_it(
        words in prop::collection::vec("[a-z]{1,12}[.!?,]?", 1..120),
        gaps in prop::collection::vec(prop::sample::select(vec![" ", "\n", "\n\n", "  "]), 120),
        max in 200..400_usize,
    ) {
        let text: String = words.iter().zip(gaps).flat_map(|(word, gap)| [word.as_str(), gap]).collect();
        let said = texts(&Outbound::Text(text.clone()), limited(max));
        prop_assert!(said.len() <= 6 && said.iter().all(|t| t.chars().count() <= max));
        let read = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
        if text.chars().count() <= max * 3 {
            prop_assert_eq!(read(&said.join(" ")), read(&text));
        }
    }
}
