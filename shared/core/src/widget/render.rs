//! From what is to be said to the one response that says it.

use serde_json::{Map, Value, json};

use super::{FormOffer, Rendered};
use crate::outbound::{
    ARTICLES_SHOWN_MAX, Article, Choice, OPTIONS_MAX, Outbound, PRODUCTS_MAX, Product, attribute_in_words, cut,
    visible, web_address,
};

/// Characters of a title, and of what stands below it.
const TITLE_CHARS_MAX: usize = 150;
const DESCRIPTION_CHARS_MAX: usize = 300;
/// Characters of an option's title and of its value.
const OPTION_CHARS_MAX: usize = 150;
/// Characters of a price with its currency.
const PRICE_CHARS_MAX: usize = 45;
/// Between two entries of a list, where line ends collapse.
const BETWEEN: &str = " | ";
/// Stand in for words that nobody said: an empty heading would take the rest with it.
const CARDS_HEADING: &str = "This is what I found:";
const ARTICLES_HEADING: &str = "This may help:";
const REPLIES_HEADING: &str = "Please choose:";
const FORM_HEADING: &str = "You can write to us here:";
const NOTHING: &str = "Sorry, I have no answer to that.";
const UNNAMED: &str = "Product";

/// What a response shows beside words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Form,
    Cards,
    Articles,
    Replies,
    Words,
}

/// All that is to be shown beside words, in the widget's form.
#[derive(Default)]
struct Parts {
    asks_for_form: bool,
    cards: Vec<Value>,
    articles: Vec<Value>,
    replies: Vec<Choice>,
}

impl Parts {
    fn of(outbound: &[Outbound]) -> Self {
        let mut parts = Self::default();
        for said in outbound {
            match said {
                Outbound::Text(_) | Outbound::Error { .. } | Outbound::HandOff { .. } => {}
                Outbound::ProductCards { intro: _, products } => {
                    parts.cards.extend(products.iter().take(PRODUCTS_MAX).map(card));
                }
                Outbound::QuickReplies { prompt: _, options } => parts.replies.extend(shown_options(options)),
                Outbound::Articles { intro: _, articles } => {
                    parts.articles.extend(articles.iter().filter_map(item).take(ARTICLES_SHOWN_MAX));
                }
                Outbound::Form { intro: _ } => parts.asks_for_form = true,
            }
        }
        parts
    }
}

/// The one response that says all of this, in this order.
///
/// - A response shows one thing beside words: the form if there is one to show, else cards, else articles, else buttons. What
///   it does not show is named in its words.
/// - Links lead to web pages, others are left out. An article needs one, so without it goes too, unless nothing else is left.
/// - Words are plain and in one paragraph: line ends become spaces, and ` | ` between the entries of a list. Control and
///   invisible characters go; braces and brackets mean nothing there and stay.
/// - `content` is the heading. A form has a title of its own, so there the words go before its description too.
/// - Without `form`, asking for it leaves the sentence about it.
///
/// When nothing at all is said, a sentence says so: the widget would take silence for a fault.
#[must_use]
pub fn render(outbound: &[Outbound], form: Option<&FormOffer>) -> Rendered {
    let parts = Parts::of(outbound);
    let form = form.filter(|_| parts.asks_for_form).and_then(fillable);
    let kind = match (&form, parts.cards.is_empty(), parts.articles.is_empty(), parts.replies.is_empty()) {
        (Some(_), ..) => Kind::Form,
        (None, false, ..) => Kind::Cards,
        (None, true, false, _) => Kind::Articles,
        (None, true, true, false) => Kind::Replies,
        (None, true, true, true) => Kind::Words,
    };
    let said = joined(outbound.iter().map(|said| words(said, kind)));
    let or = |heading: &str| if said.is_empty() { heading.to_owned() } else { said.clone() };
    let body = match (kind, form) {
        (Kind::Form, Some(form)) => interactive("form", &or(FORM_HEADING), &json!({ "form": with_words(form, &said) })),
        (Kind::Cards, _) => interactive("card", &or(CARDS_HEADING), &json!({ "cards": { "cards": parts.cards } })),
        (Kind::Articles, _) => interactive("article", &or(ARTICLES_HEADING), &json!({ "items": parts.articles })),
        (Kind::Replies, _) => {
            let question = or(REPLIES_HEADING);
            let responses = json!({ "title": question, "responses": buttons(&parts.replies) });
            interactive("quick_reply", &question, &json!({ "responses": responses }))
        }
        (Kind::Form | Kind::Words, _) => json!({ "output": or(NOTHING) }),
    };
    Rendered { body, shows_words: kind != Kind::Replies }
}

fn interactive(kind: &str, content: &str, attributes: &Value) -> Value {
    json!({ "content": content, "content_type": kind, "content_attributes": attributes })
}

/// The words of a part, in a response that shows this kind.
fn words(said: &Outbound, kind: Kind) -> String {
    match said {
        Outbound::Text(text) | Outbound::Error { text, retryable: _ } => paragraph(text),
        Outbound::HandOff { text, summary: _ } => paragraph(text.as_deref().unwrap_or_default()),
        Outbound::Form { intro } => paragraph(intro),
        Outbound::ProductCards { intro, products } => {
            let named = products.iter().take(PRODUCTS_MAX).map(product_in_words);
            joined([paragraph(intro), listed(named.filter(|_| kind != Kind::Cards))])
        }
        Outbound::Articles { intro, articles } => {
            let named = articles.iter().take(ARTICLES_SHOWN_MAX).map(|article| article_in_words(article, kind));
            joined([paragraph(intro), listed(named.filter(|_| kind != Kind::Articles))])
        }
        Outbound::QuickReplies { prompt, options } => {
            let titles = listed(shown_options(options).into_iter().map(|option| option.title));
            let hint = if titles.is_empty() { titles } else { format!("You can also write: {titles}") };
            joined([paragraph(prompt), if kind == Kind::Replies { String::new() } else { hint }])
        }
    }
}

// ---- Cards

fn card(product: &Product) -> Value {
    let title = product_title(product);
    let stock = capitalised(product.stock.in_words());
    let attributes = attributes(product);
    let mut card = Map::new();
    let mut put = |name: &str, value: String| card.insert(name.to_owned(), value.into());
    if let Some(image) = product.image.as_deref().and_then(web_address) {
        put("image", image);
        put("imageAlt", title.clone());
    }
    if let Some(link) = web_address(&product.url) {
        put("link", link);
    }
    put("title", title);
    // There has to be one.
    put("description", if attributes.is_empty() { stock.clone() } else { attributes });
    put("badge", stock);
    put("price", price(product));
    card.into()
}

fn product_title(product: &Product) -> String {
    let title = line(&product.title, TITLE_CHARS_MAX);
    if title.is_empty() { UNNAMED.to_owned() } else { title }
}

fn attributes(product: &Product) -> String {
    let attributes = product
        .attributes
        .iter()
        .map(|(name, values)| (line(name, DESCRIPTION_CHARS_MAX), line(values, DESCRIPTION_CHARS_MAX)));
    let named =
        attributes.filter(|(_, values)| !values.is_empty()).map(|(name, values)| attribute_in_words(&name, &values));
    cut(&named.collect::<Vec<_>>().join("; "), DESCRIPTION_CHARS_MAX)
}

fn price(product: &Product) -> String {
    line(&product.price_in_words(), PRICE_CHARS_MAX)
}

fn product_in_words(product: &Product) -> String {
    let facts = format!("{} · {} · {}", product_title(product), price(product), product.stock.in_words());
    web_address(&product.url).map_or_else(|| facts.clone(), |link| format!("{facts} · {link}"))
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

// ---- Articles

/// `None` when it leads nowhere, or says nothing.
fn item(article: &Article) -> Option<Value> {
    let (title, description) = article_texts(article)?;
    let link = web_address(&article.link)?;
    Some(json!({ "title": title, "description": description, "link": link }))
}

/// Both have to be there, so each stands in for the other.
fn article_texts(article: &Article) -> Option<(String, String)> {
    let title = line(&article.title, TITLE_CHARS_MAX);
    let description = line(&article.description, DESCRIPTION_CHARS_MAX);
    match (title.is_empty(), description.is_empty()) {
        (true, true) => None,
        (true, false) => Some((cut(&description, TITLE_CHARS_MAX), description)),
        (false, true) => Some((title.clone(), title)),
        (false, false) => Some((title, description)),
    }
}

/// Where it leads, or what it says; beside something else one that leads nowhere is left out.
fn article_in_words(article: &Article, kind: Kind) -> String {
    let Some((title, description)) = article_texts(article) else { return String::new() };
    match web_address(&article.link) {
        Some(link) => format!("{title}: {link}"),
        None if kind != Kind::Words => String::new(),
        None if title == description => title,
        None => format!("{title}: {description}"),
    }
}

// ---- Buttons

/// Options of which something can be read.
fn shown_options(options: &[Choice]) -> Vec<Choice> {
    let shown = options.iter().filter_map(|option| {
        let (title, value) = (line(&option.title, OPTION_CHARS_MAX), line(&option.value, OPTION_CHARS_MAX));
        match (title.is_empty(), value.is_empty()) {
            (true, true) => None,
            (true, false) => Some(Choice { title: value.clone(), value }),
            (false, true) => Some(Choice { value: title.clone(), title }),
            (false, false) => Some(Choice { title, value }),
        }
    });
    shown.take(OPTIONS_MAX).collect()
}

/// Ids are for the widget, which tells the buttons apart by them.
fn buttons(options: &[Choice]) -> Vec<Value> {
    let button = |(at, option): (usize, &Choice)| json!({ "id": (at + 1).to_string(), "text": option.title, "value": option.value });
    options.iter().enumerate().map(button).collect()
}

// ---- The form

/// The form with its address; `None` when nobody could fill it in, or it would be sent nowhere.
fn fillable(offer: &FormOffer) -> Option<Map<String, Value>> {
    let Value::Object(mut form) = without_nulls(&offer.form) else { return None };
    let has_fields = form.get("fields").and_then(Value::as_array).is_some_and(|fields| !fields.is_empty());
    web_address(&offer.submit_url).filter(|_| has_fields)?;
    form.insert("submitUrl".to_owned(), offer.submit_url.clone().into());
    Some(form)
}

/// Under a title of the form's own the heading is not shown, so there its words begin the description.
fn with_words(mut form: Map<String, Value>, said: &str) -> Value {
    let text = |name: &str| form.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let (title, description) = (text("title"), text("description"));
    if title.is_empty() {
        form.remove("title");
    } else if !said.is_empty() {
        form.insert("description".to_owned(), joined([said.to_owned(), description]).into());
    }
    form.into()
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            fields.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        Value::Array(values) => values.iter().filter(|value| !value.is_null()).map(without_nulls).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

// ---- Words

/// One line of so many characters at most.
fn line(text: &str, max: usize) -> String {
    cut(&visible(text).split_whitespace().collect::<Vec<_>>().join(" "), max)
}

/// What is not empty, one after the other.
fn joined(texts: impl IntoIterator<Item = String>) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What is not empty, as a list.
fn listed(texts: impl IntoIterator<Item = String>) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(BETWEEN)
}

/// All in one paragraph. A list is parted from what comes after an empty line; its bullets go, its numbers stay.
fn paragraph(text: &str) -> String {
    let mut paragraph = String::new();
    let (mut in_list, mut after_gap) = (false, false);
    for line in visible(text).lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            after_gap = true;
            continue;
        }
        let entry = entry(&line);
        if !paragraph.is_empty() {
            let parted = in_list && (entry.is_some() || after_gap);
            paragraph.push_str(if parted { BETWEEN } else { " " });
        }
        paragraph.push_str(entry.unwrap_or(&line));
        in_list = entry.is_some() || (in_list && !after_gap);
        after_gap = false;
    }
    paragraph
}

/// What an entry of a list says, if a line is one.
fn entry(line: &str) -> Option<&str> {
    let bullet = ["- ", "* ", "• ", "– "].iter().find_map(|bullet| line.strip_prefix(bullet));
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered =
        (1..=2).contains(&(line.len() - digits.len())) && (digits.starts_with(". ") || digits.starts_with(") "));
    bullet.or_else(|| is_numbered.then_some(line))
}

#[cfg(test)]
mod tests;
