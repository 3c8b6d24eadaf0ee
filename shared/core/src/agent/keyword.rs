//! The assistant that needs no model: the shop's own words for its own questions.

use serde_json::{Value, json};

use super::{Agent, Extras, ModelFailure, SEARCH_TOOL, Talk, Thought, ToolCall, Turn};
use crate::{
    keyword::{KeywordAnswers, Reaction},
    outbound::{Choice, PRODUCTS_MAX},
};

/// Said above products whose rule says nothing.
const FOUND: &str = "Here is what I found:";
/// Said when there are none.
const NOTHING_FOUND: &str = "I found nothing that fits. Shall I pass you on to a person?";
/// Said above articles whose rule says nothing.
const READ_ON: &str = "This may help:";
/// Said above the form where its rule says nothing.
const WRITE_TO_US: &str = "You can write to us here:";

/// Answers by keyword. Needs no network, and says nothing that nobody wrote.
#[derive(Clone, Debug, Default)]
pub struct KeywordAgent {
    /// The rules.
    pub answers: KeywordAnswers,
}

impl Agent for KeywordAgent {
    async fn think(&self, talk: &Talk<'_>) -> Result<Thought, ModelFailure> {
        Ok(match talk.turns.last() {
            Some(Turn::Customer { text, pictures: _ }) => self.answer(text, talk),
            Some(Turn::Found { call: _, content }) => self.show(talk.turns, content),
            Some(Turn::Us(_) | Turn::Calls { .. }) | None => Thought::Empty,
        })
    }

    fn sees(&self) -> bool {
        false
    }
}

impl KeywordAgent {
    /// What is to be done about what a customer said; what was sent beside, such as `help.png`, is no word of theirs.
    fn reaction(&self, text: &str) -> Option<Reaction<'_>> {
        let said: Vec<&str> = text.lines().filter(|line| !is_description(line)).collect();
        self.answers.reaction(&said.join("\n"))
    }

    fn answer(&self, text: &str, talk: &Talk<'_>) -> Thought {
        match self.reaction(text) {
            None => hand_off("", "No keyword of the assistant's fits."),
            Some(Reaction::Answer(answer)) => said(answer, &[], &[]),
            Some(Reaction::Options { prompt, options }) => said(prompt, &[], options),
            Some(Reaction::HandOff(answer)) => hand_off(answer.unwrap_or_default(), "A keyword asks for a person."),
            Some(Reaction::Products { intro: _, search }) if talk.may_search => {
                let arguments = json!({"query": search, "in_stock": false, "price_max": null});
                let call = ToolCall { id: "search".to_owned(), tool: SEARCH_TOOL.to_owned(), arguments };
                Thought::Calls { calls: vec![call], raw: Value::Null }
            }
            Some(Reaction::Products { .. }) => {
                hand_off("", "The customer asks for products, which cannot be searched.")
            }
            Some(Reaction::Articles { intro, ids }) => read_on(intro, ids, talk.extras),
            Some(Reaction::Form(intro)) if talk.extras.form => {
                more(intro.unwrap_or(WRITE_TO_US), "form", &Value::Bool(true))
            }
            // The rule's sentence is about a form, and there is none.
            Some(Reaction::Form(_)) => hand_off("", "The customer wants to write to the shop's people."),
        }
    }

    /// Shows what was found for the customer's last words.
    fn show(&self, turns: &[Turn], content: &str) -> Thought {
        let Ok(Value::Array(found)) = serde_json::from_str(content) else {
            return hand_off("", "The search for products did not work.");
        };
        let ids: Vec<String> = found.iter().filter_map(id).take(PRODUCTS_MAX).collect();
        if ids.is_empty() {
            return said(NOTHING_FOUND, &[], &[]);
        }
        let asked = turns.iter().rev().find_map(|turn| match turn {
            Turn::Customer { text, pictures: _ } => Some(text),
            Turn::Us(_) | Turn::Calls { .. } | Turn::Found { .. } => None,
        });
        let intro = match asked.and_then(|text| self.reaction(text)) {
            Some(Reaction::Products { intro, search: _ }) => intro,
            Some(
                Reaction::Answer(_)
                | Reaction::Options { .. }
                | Reaction::Articles { .. }
                | Reaction::Form(_)
                | Reaction::HandOff(_),
            )
            | None => None,
        };
        said(intro.unwrap_or(FOUND), &ids, &[])
    }
}

/// Whether a line is all that stands for an attachment, such as `[picture: help.png, image/png, 20 kB]`. There are no
/// brackets within ([`Attachment::describe`](crate::chatwoot::Attachment::describe)).
fn is_description(line: &str) -> bool {
    let inner = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| !inner.contains(['[', ']']))
}

fn id(product: &Value) -> Option<String> {
    match product.get("id")? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn read_on(intro: Option<&str>, ids: &[String], extras: &Extras) -> Thought {
    if ids.iter().any(|id| extras.articles.iter().any(|article| article.id == *id)) {
        return more(intro.unwrap_or(READ_ON), "article_ids", &json!(ids));
    }
    hand_off("", "The customer asks for help articles, and there are none.")
}

/// Words with one of the extras.
fn more(text: &str, name: &str, value: &Value) -> Thought {
    let answer = json!({
        "text": text, "product_ids": [], "options": [], "handoff": false, "summary": "", name: value,
    });
    Thought::Said(answer.to_string())
}

fn said(text: &str, product_ids: &[String], options: &[Choice]) -> Thought {
    let answer = json!({"text": text, "product_ids": product_ids, "options": options, "handoff": false, "summary": ""});
    Thought::Said(answer.to_string())
}

fn hand_off(text: &str, summary: &str) -> Thought {
    let answer = json!({"text": text, "product_ids": [], "options": [], "handoff": true, "summary": summary});
    Thought::Said(answer.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::{
        agent::{read_answer, read_search},
        outbound::{Article, Outbound, Product, Stock},
    };

    fn agent() -> KeywordAgent {
        let answers = KeywordAnswers::parse(
            r#"[{"words":["open"],"answer":"9 to 5"},
                {"words":["help"],"answer":"What about?","options":[{"title":"Lamps","value":"lamps"},{"title":"A person","value":"human"}]},
                {"words":["find"],"products":true,"answer":"Look:"},
                {"words":["lamps"],"products":"brass lamp"},
                {"words":["returns"],"articles":["returns","gone"],"answer":"Read on:"},
                {"words":["refunds"],"articles":["returns"]},
                {"words":["lost"],"articles":["gone"]},
                {"words":["write"],"form":true,"answer":"Write to us:"},
                {"words":["address"],"form":true},
                {"words":["human"],"handoff":true,"answer":"One moment."}]"#,
        );
        KeywordAgent { answers: answers.unwrap() }
    }

    fn extras() -> Extras {
        let returns = Article {
            id: "returns".into(),
            title: "Returns".into(),
            description: "How to.".into(),
            link: "https://shop.example/returns".into(),
        };
        Extras { articles: vec![returns], form: true }
    }

    fn customer(text: &str) -> Turn {
        Turn::Customer { text: text.to_owned(), pictures: Vec::new() }
    }

    fn think(turns: &[Turn], may_search: bool) -> Thought {
        think_with(turns, may_search, &extras())
    }

    fn think_with(turns: &[Turn], may_search: bool, extras: &Extras) -> Thought {
        let timeout = Duration::from_secs(1);
        let talk = Talk { system: "", turns, may_search, extras, timeout, tokens_max: 1 };
        agent().think(&talk).now_or_never().unwrap().unwrap()
    }

    fn product(id: usize) -> Product {
        Product {
            id: id.to_string(),
            title: "Lamp".into(),
            price: None,
            currency: "AUD".into(),
            price_from: false,
            stock: Stock::InStock,
            attributes: Vec::new(),
            url: "https://shop.example/lamp".into(),
            image: None,
        }
    }

    fn outbound(thought: Thought) -> Vec<Outbound> {
        let known: Vec<Product> = (1..=12).map(product).collect();
        let Thought::Said(json) = thought else { panic!("{thought:?}") };
        read_answer(&json, &known, &extras()).unwrap().outbound
    }

    fn hand_off_with(text: Option<&str>, thought: Thought) {
        let outbound = outbound(thought);
        let [Outbound::HandOff { text: said, summary }] = outbound.as_slice() else { panic!("{outbound:?}") };
        assert_eq!((said.as_deref(), summary.is_empty()), (text, false));
    }

    #[test]
    fn rules_become_answers_of_the_agreed_form() {
        assert_eq!(outbound(think(&[customer("Open?")], true)), [Outbound::Text("9 to 5".into())]);
        let asked = outbound(think(&[Turn::Us("Hi".into()), customer("help")], false));
        assert!(matches!(asked.as_slice(), [Outbound::QuickReplies { options, .. }] if options.len() == 2));
        hand_off_with(Some("One moment."), think(&[customer("A person (human)")], true));
        hand_off_with(None, think(&[customer("What is the meaning of life?")], true));
        hand_off_with(None, think(&[customer("")], true));
        hand_off_with(None, think(&[customer("find lamps")], false));
        assert_eq!(think(&[], true), Thought::Empty);
        assert_eq!(think(&[Turn::Us("Hi".into())], true), Thought::Empty);
        assert!(!agent().sees());
    }

    #[test]
    fn what_was_sent_beside_is_no_word_of_theirs() {
        for sent in ["[picture: help.png, image/png, 20 kB]", "[file: open]", " [location: lamps, human] ", "[video]"] {
            hand_off_with(None, think(&[customer(sent)], true));
            hand_off_with(None, think(&[customer(&format!("What is this?\n{sent}\n[file: find.pdf]"))], true));
            let said = think(&[customer(&format!("{sent}\nOpen?"))], true);
            assert_eq!(outbound(said), [Outbound::Text("9 to 5".into())], "{sent}");
        }
        let text = "[picture: open.png]\nFind a vase";
        let Thought::Calls { calls, .. } = think(&[customer(text)], true) else { panic!() };
        assert_eq!(read_search(&calls[0].arguments).unwrap().text, "a vase");
        let found = Turn::Found { call: "search".into(), content: r#"[{"id":"1"}]"#.into() };
        let shown = outbound(think(&[customer(text), found], true));
        assert!(matches!(shown.as_slice(), [Outbound::ProductCards { intro, .. }] if intro == "Look:"));
        for theirs in ["[picture: x.png] open?", "open [now]", "[a] open [b]"] {
            assert_eq!(outbound(think(&[customer(theirs)], true)), [Outbound::Text("9 to 5".into())], "{theirs}");
        }
    }

    #[test]
    fn products_are_searched_for_and_shown() {
        for (text, query, intro) in
            [("Find a blue vase", "a blue vase", "Look:"), ("Lamps (lamps)", "brass lamp", "Here is what I found:")]
        {
            let Thought::Calls { calls, raw } = think(&[customer(text)], true) else { panic!("{text}") };
            assert_eq!((calls.len(), calls[0].tool.as_str()), (1, SEARCH_TOOL));
            assert_eq!(read_search(&calls[0].arguments).unwrap().text, query);
            let found: Vec<Value> = (1..=12).map(|n| json!({"id": n.to_string(), "title": "Lamp"})).collect();
            let content = Value::from(found).to_string();
            let found = Turn::Found { call: calls[0].id.clone(), content };
            let shown = outbound(think(&[customer(text), Turn::Calls { calls, raw }, found], false));
            let [Outbound::ProductCards { intro: said, products }] = shown.as_slice() else { panic!("{shown:?}") };
            assert_eq!((said.as_str(), products.len()), (intro, PRODUCTS_MAX));
        }
    }

    #[test]
    fn articles_and_the_form_are_shown_where_there_are_any() {
        let articles = |intro: &str| Outbound::Articles { intro: intro.into(), articles: extras().articles };
        let form = |intro: &str| Outbound::Form { intro: intro.into() };
        for (text, expected) in [
            ("returns?", articles("Read on:")),
            ("refunds?", articles("This may help:")),
            ("May I write?", form("Write to us:")),
            ("my address", form("You can write to us here:")),
        ] {
            assert_eq!(outbound(think(&[customer(text)], true)), [expected], "{text}");
            hand_off_with(None, think_with(&[customer(text)], true, &Extras::default()));
        }
        hand_off_with(None, think(&[customer("lost")], true));
    }

    #[test]
    fn what_is_not_found_is_said() {
        let found = |content: &str| {
            let found = Turn::Found { call: "search".into(), content: content.into() };
            think(&[customer("find a boat"), found], true)
        };
        assert_eq!(outbound(found("[]")), [Outbound::Text(NOTHING_FOUND.into())]);
        assert_eq!(outbound(found("[{\"title\":\"x\"}]")), [Outbound::Text(NOTHING_FOUND.into())]);
        hand_off_with(None, found("The search failed."));
    }
}
