//! For every answer of ours both generations of the widget show what was meant, and never their own words for trouble.

use std::rc::Rc;

use frontdesk_core::{
    agent::{ModelFailure, Thought},
    outbound::{Product, Stock},
};
use frontdesk_testkit::site::{Mishap, Mishaps, Site, Thinks, asked, at_step};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    clients::{Generation, NO_TEXT, Page, Shown, touched},
    desk::{APOLOGY, ask, says, secs, site, steps},
};

const RULES: &str = r#"[
    {"words": ["open"], "answer": "Mon-Sat\n9 to 5."},
    {"words": ["hello"], "answer": "What is it about?", "options": [{"title": "Lamps", "value": "lamps"}, {"title": "A person", "value": "human"}]},
    {"words": ["lamps"], "products": "lamp", "answer": "Look:"},
    {"words": ["returns"], "articles": ["returns"]},
    {"words": ["contact"], "form": true, "answer": "Write to us:"},
    {"words": ["human"], "handoff": true}
]"#;

fn lamp() -> Product {
    Product {
        id: "7".into(),
        title: "Brass lamp".into(),
        price: Some("129.95".into()),
        currency: "AUD".into(),
        price_from: true,
        stock: Stock::OnBackorder,
        attributes: Vec::new(),
        url: "https://www.shop.example/lamp".into(),
        image: None,
    }
}

fn by_keyword() -> Rc<Site> {
    let site = site();
    site.mind.answers_by_keyword(RULES);
    *site.mind.products.borrow_mut() = Some(vec![lamp()]);
    site
}

#[test]
fn each_content_type_is_drawn_by_both_generations() {
    for generation in Generation::ALL {
        let mut page = Page::new(generation, &by_keyword());
        page.session = Some("visitor-1".into());
        let Shown::Text(text) = page.says(" open? ") else { panic!() };
        assert!(text.ends_with("Mon-Sat 9 to 5."), "{text}");
        let buttons = page.says("hello");
        let pair = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(buttons, Shown::Buttons(vec![pair("Lamps", "lamps"), pair("A person", "human")]), "{generation:?}");
        let Shown::Cards(heading, cards) = page.says("lamps") else { panic!() };
        assert_eq!((heading.as_str(), cards[0][0].as_str()), ("Look:", "Brass lamp"));
        assert!(cards[0][2].contains("129.95") && cards[0][2].contains("AUD"), "{cards:?}");
        let Shown::Articles(_, items) = page.says("returns") else { panic!() };
        assert_eq!(items[0][2], "https://www.shop.example/returns");
        let form = page.says("contact");
        let Shown::Form(title, description, labels, Some(_)) = &form else { panic!() };
        assert!(title == "Contact Us" && description.contains("Write to us:") && labels.len() == 3, "{form:?}");
        let Shown::Text(text) = page.says("a human") else { panic!() };
        assert_eq!(text, page.site.chat.hand_off_text);
    }
}

#[test]
fn a_form_of_the_chat_is_sent_and_the_widget_says_so() {
    for generation in Generation::ALL {
        let mut page = Page::new(generation, &by_keyword());
        let form = page.says("contact");
        let fields = [("name", json!("Mia")), ("email", json!("mia@example.com"))];
        assert!(!page.submits(&form, &touched(&fields)), "an untouched field is missing");
        let all = touched(&[&fields[..], &[("message", json!("Hello?"))]].concat());
        assert!(page.submits(&form, &all));
        assert!(page.submits(&form, &all), "pressed again, it is thanked for again");
        assert_eq!(page.site.store.tables().forms.len(), 1, "{generation:?}");
    }
}

#[test]
fn whoever_sets_no_session_shares_none() {
    for generation in Generation::ALL {
        let site = site();
        let (mut one, mut other) = (Page::new(generation, &site), Page::new(generation, &site));
        one.says("my door code is 4711");
        other.says("what did I say?");
        let asked = site.mind.asked();
        assert!(!asked[1].all().contains("4711"), "{generation:?}: {}", asked[1].all());
    }
}

#[test]
fn a_token_of_ours_is_sent_in_either_spelling_and_none_is_needed() {
    for generation in Generation::ALL {
        let site = site();
        let token = ask(&site, &asked("GET", "/webchat/config")).body["csrf_token"].as_str().unwrap().to_owned();
        for (token, seen) in [(None, true), (Some(String::new()), true), (Some(token), true), (Some("x".into()), false)]
        {
            let mut page = Page::new(generation, &site);
            page.token = token.clone();
            assert_eq!(page.says("hi") != Shown::Trouble, seen, "{generation:?} with {token:?}");
        }
    }
}

#[test]
fn a_page_of_another_website_sees_nothing() {
    for generation in Generation::ALL {
        let site = site();
        let mut page = Page::new(generation, &site);
        page.origin = "https://evil.example";
        assert_eq!(page.says("hi"), Shown::Trouble);
        assert!(site.mind.asked().is_empty());
    }
}

#[test]
fn what_breaks_is_told_in_our_words_and_not_in_the_widgets() {
    let call = says("visitor-1", "hi");
    for generation in Generation::ALL {
        for mishap in Mishap::FAULTS.into_iter().chain([Mishap::Panics]) {
            for step in 0..steps(site, &call) {
                let site = site();
                let mut page = Page::new(generation, &site);
                page.session = Some("visitor-1".into());
                page.troubles = vec![at_step(step, mishap)];
                let shown = page.says("hi");
                let Shown::Text(text) = &shown else { panic!("{generation:?}, {mishap:?} at {step}: {shown:?}") };
                assert!(text == APOLOGY || text.ends_with("You said: hi"), "{text}");
                assert_ne!(text, generation.error_text());
                assert_eq!(page.troubles, Vec::<Mishaps>::new(), "and it is asked once");
            }
        }
        for failure in [
            ModelFailure::MoneyGone { detail: "x".into() },
            ModelFailure::Transient { detail: "x".into() },
            ModelFailure::Refused { detail: "x".into() },
        ] {
            let site = site();
            site.mind.does(move |_| Thinks::of(Err(failure.clone())));
            assert_eq!(Page::new(generation, &site).says("hi"), Shown::Text(APOLOGY.into()), "{generation:?}");
        }
        let slow = site();
        slow.mind.does(|_| Thinks { heeds_its_time: false, ..Thinks::says("late").after(secs(90)) });
        assert_eq!(Page::new(generation, &slow).says("hi"), Shown::Text(APOLOGY.into()));
    }
}

#[test]
fn after_a_servers_death_the_newer_one_asks_again_by_itself() {
    let call = says("visitor-1", "hi");
    for crash in Mishap::CRASHES {
        for step in 0..steps(site, &call) {
            let site = site();
            let mut page = Page::new(Generation::Newer, &site);
            page.session = Some("visitor-1".into());
            page.troubles = vec![at_step(step, crash)];
            let shown = page.says("hi");
            assert!(matches!(shown, Shown::Text(_)), "{crash:?} at {step}: {shown:?}");
            let mut page = Page::new(Generation::Published, &site);
            page.session = Some("visitor-1".into());
            page.troubles = vec![at_step(step, crash)];
            assert_eq!(page.says("hello?"), Shown::Trouble, "a dead server tells nobody anything");
            site.pass(secs(2));
            assert!(matches!(page.says("hello?"), Shown::Text(text) if text.ends_with("hello?")));
        }
    }
}

#[test]
fn only_what_the_widget_never_sends_by_itself_is_shown_as_trouble() {
    for generation in Generation::ALL {
        let mut page = Page::new(generation, &site());
        assert_eq!(page.says(&"x".repeat(1_001)), Shown::Trouble, "the brief wants a 400, whose text nobody sees");
        page.session = Some("x".repeat(201));
        assert_eq!(page.says("hi"), Shown::Trouble);
        let mut plain = Site::new();
        plain.guard.rate.limit = 1;
        let mut page = Page::new(generation, &Rc::new(plain));
        assert_ne!(page.says("hi"), Shown::Trouble);
        assert_eq!(page.says("hi again"), Shown::Trouble, "the brief wants a 429");
    }
}

/// Answers as a model makes them: of the agreed form, and with anything in them.
fn answers() -> impl Strategy<Value = Value> {
    let text = prop_oneof![any::<String>(), "[ -~\\n\\t*#|\\[\\](){}]{0,60}", Just(String::new()), Just("null".into())];
    let option = (text.clone(), text.clone()).prop_map(|(title, value)| json!({"title": title, "value": value}));
    let ids =
        |known: &'static str| proptest::collection::vec(prop_oneof![Just(known.to_owned()), any::<String>()], 0..3);
    (
        text.clone(),
        ids("7"),
        proptest::collection::vec(option, 0..5),
        ids("returns"),
        any::<bool>(),
        any::<bool>(),
        text,
    )
        .prop_map(|(text, products, options, articles, form, handoff, summary)| {
            json!({"text": text, "product_ids": products, "options": options, "article_ids": articles, "form": form,
                "handoff": handoff, "summary": summary})
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn whatever_a_model_says_both_generations_show_something_that_was_meant(
        first in answers(), second in answers(), searches in any::<bool>(), disclosed in any::<bool>(), title in any::<String>(),
    ) {
        for generation in Generation::ALL {
            let mut plain = Site::new();
            plain.chat.disclosure = plain.chat.disclosure.filter(|_| disclosed);
            let site = Rc::new(plain);
            *site.mind.products.borrow_mut() = Some(vec![Product { title: title.clone(), url: title.clone(), ..lamp() }]);
            let said = [first.to_string(), second.to_string()];
            site.mind.does(move |asked| {
                let found = asked.turns.iter().any(|turn| matches!(turn, frontdesk_core::agent::Turn::Found { .. }));
                if searches && !found {
                    let call = frontdesk_core::agent::ToolCall {
                        id: "c".into(), tool: "search_products".into(), arguments: json!({"query": "lamp"}),
                    };
                    return Thinks::of(Ok(Thought::Calls { calls: vec![call], raw: Value::Null }));
                }
                Thinks::of(Ok(Thought::Said(said[usize::from(asked.last() != "hi")].clone())))
            });
            let mut page = Page::new(generation, &site);
            page.session = Some("visitor-1".into());
            for prompt in ["hi", "go on"] {
                let shown = page.says(prompt);
                prop_assert!(!matches!(shown, Shown::Trouble | Shown::Nonsense(_)), "{:?}: {:?} of {} {}", generation, shown, first, second);
                prop_assert!(!shown.words().trim().is_empty());
                prop_assert_ne!(shown, Shown::Text(NO_TEXT.into()));
            }
        }
    }
}
