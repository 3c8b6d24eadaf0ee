//! From what is to be said to what a channel shows.

use std::collections::BTreeSet;

use super::{
    ARTICLE_DESCRIPTION_CHARS_MAX, ARTICLE_TITLE_CHARS_MAX, ARTICLES_SHOWN_MAX, Article, Choice, OPTIONS_MAX, Outbound,
    PRODUCTS_MAX, Post, Product, Show, Stock,
    address::web_address,
    neutral,
    split::{packed, split},
};
use crate::chatwoot::Channel;

/// Longest text of a post where a channel takes as much; WhatsApp and Telegram take 4,096.
const TEXT_CHARS_MAX: usize = 4_000;
/// Longest text of a post in Messenger.
const FACEBOOK_CHARS_MAX: usize = 2_000;
/// Longest text of a post on a channel that is not known: Instagram takes the fewest, 1,000 (text messages: 1,600).
const OTHER_CHARS_MAX: usize = 1_000;
/// A limit below this is taken for it: no channel has one, and nothing of use fits in less.
const TEXT_CHARS_LEAST: usize = 200;
/// The lengths that channels cut titles of options to.
pub(super) const TITLE_CUTS: [usize; 3] = [20, 24, 60];
/// Characters of a product's name, of its attributes together, of its price.
const PRODUCT_TITLE_CHARS_MAX: usize = 150;
const PRODUCT_FACTS_CHARS_MAX: usize = 240;
const PRICE_CHARS_MAX: usize = 30;
/// Characters of an option in a list.
const OPTION_CHARS_MAX: usize = 150;
/// So much room is left, one after the other, for what a cut makes longer.
const CUT_SLACKS: [usize; 6] = [0, 4, 16, 64, 256, 1_024];
/// Stands in for a question that nobody asked.
const DEFAULT_PROMPT: &str = "Please choose:";

/// Whether buttons and cards are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interactive {
    /// Where the channel is known to show them.
    Auto,
    /// Nowhere: everything in words.
    Off,
    /// Also through an API channel, whose program shows what it likes.
    ApiToo,
}

/// What a channel shows beside words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Buttons.
    pub select: bool,
    /// Cards.
    pub cards: bool,
    /// Most options of a question.
    pub options_max: usize,
    /// Longest title of up to three options, in characters: those are buttons.
    pub title_chars_max: usize,
    /// Longest title of more options, in characters: those are a list.
    pub row_chars_max: usize,
    /// Longest value, in bytes.
    pub value_bytes_max: usize,
    /// Longest question above buttons, in characters.
    pub prompt_chars_max: usize,
    /// Longest text of a post, in characters; below 200 it is taken for 200.
    pub text_chars_max: usize,
}

/// So many options are buttons where a channel knows both buttons and lists.
const BUTTONS_MAX: usize = 3;

impl Abilities {
    /// Words only, where posts may be long.
    pub const WORDS: Self = Self {
        select: false,
        cards: false,
        options_max: OPTIONS_MAX,
        title_chars_max: 60,
        row_chars_max: 60,
        value_bytes_max: 500,
        prompt_chars_max: TEXT_CHARS_MAX,
        text_chars_max: TEXT_CHARS_MAX,
    };

    /// What a channel shows. The limits are the providers': Chatwoot passes on what it gets, and the message fails there.
    #[must_use]
    pub const fn of(channel: Channel, interactive: Interactive) -> Self {
        let text_chars_max = match channel {
            Channel::WebWidget | Channel::Whatsapp | Channel::Telegram | Channel::Line | Channel::Api => TEXT_CHARS_MAX,
            Channel::Facebook => FACEBOOK_CHARS_MAX,
            Channel::Other => OTHER_CHARS_MAX,
        };
        let words = Self { text_chars_max, ..Self::WORDS };
        let select = Self { select: true, ..words };
        let all = Self { cards: true, ..select };
        match (interactive, channel) {
            (Interactive::Off, _) => words,
            (Interactive::Auto | Interactive::ApiToo, Channel::WebWidget) => all,
            (Interactive::Auto | Interactive::ApiToo, Channel::Whatsapp) => {
                Self { title_chars_max: 20, row_chars_max: 24, value_bytes_max: 200, prompt_chars_max: 1_024, ..select }
            }
            (Interactive::Auto | Interactive::ApiToo, Channel::Telegram) => Self { value_bytes_max: 64, ..select },
            (Interactive::Auto | Interactive::ApiToo, Channel::Line) => {
                // A template of buttons.
                Self {
                    options_max: 4,
                    title_chars_max: 20,
                    row_chars_max: 20,
                    value_bytes_max: 300,
                    prompt_chars_max: 160,
                    ..select
                }
            }
            (Interactive::Auto | Interactive::ApiToo, Channel::Facebook) => Self {
                options_max: 13,
                title_chars_max: 20,
                row_chars_max: 20,
                prompt_chars_max: FACEBOOK_CHARS_MAX,
                ..select
            },
            (Interactive::ApiToo, Channel::Api) => all,
            (Interactive::Auto, Channel::Api) | (Interactive::Auto | Interactive::ApiToo, Channel::Other) => words,
        }
    }

    /// Longest text of a post, in characters.
    fn text_max(&self) -> usize {
        self.text_chars_max.max(TEXT_CHARS_LEAST)
    }
}

/// Text from a model or a shop as a channel may get it.
///
/// Chatwoot renders what it is given as Liquid and shows it as Markdown: here neither can be written. Braces that would
/// begin or end Liquid are parted by a space (`{ {`), links that do not lead to a web page lose their target and keep their
/// words, control and invisible characters go. HTML stays what it is, text. Applied again, it changes nothing.
#[must_use]
pub fn neutralise(text: &str) -> String {
    neutral::neutralise(text)
}

/// The posts that say something on a channel, in this order. None when there is nothing to say.
///
/// What a channel cannot show comes in words, with nothing lost:
/// - A product is a numbered line with its name, a line `price · stock · attributes` (the last part only where there are
///   any), and its page on a line of its own.
/// - An article is a numbered line with its title, what it says, and its page on a line of its own.
/// - A form is the sentence about it: nobody can fill one in here.
/// - An option is a line `<number>. <title> [<value>]`, numbers from 1. The value stands in the last square brackets of the
///   line and holds none itself, so `^(\d+)\. (.*) \[([^\[\]]*)\]$` reads it; [`chosen`](super::chosen) understands what
///   comes back.
///
/// No text is longer than the channel takes. Words go on in the next post at the end of a paragraph, a line, a sentence or a
/// word; only what six posts do not hold is left out, and the last one ends with `…` then. Lists go on in the next post
/// between two products or two options.
#[must_use]
pub fn render(outbound: &Outbound, abilities: Abilities) -> Vec<Post> {
    match outbound {
        Outbound::Text(text) | Outbound::Error { text, retryable: _ } => posts(words(text, abilities)),
        Outbound::ProductCards { intro, products } => product_posts(intro, products, abilities),
        Outbound::QuickReplies { prompt, options } => question(prompt, options, abilities),
        Outbound::Articles { intro, articles } => {
            let entries = articles.iter().filter_map(Entry::article).take(ARTICLES_SHOWN_MAX);
            posts(listed(intro, entries, abilities))
        }
        Outbound::Form { intro } => posts(words(intro, abilities)),
        Outbound::HandOff { text, summary: _ } => posts(words(text.as_deref().unwrap_or_default(), abilities)),
    }
}

/// Posts of nothing but words.
fn posts(texts: Vec<String>) -> Vec<Post> {
    texts.into_iter().map(|text| Post { text, show: Show::Text }).collect()
}

/// Words in so many texts as they need; none of blanks.
fn words(text: &str, abilities: Abilities) -> Vec<String> {
    split(neutralise(text).trim(), abilities.text_max())
}

fn product_posts(intro: &str, products: &[Product], abilities: Abilities) -> Vec<Post> {
    let products: Vec<Product> = products.iter().take(PRODUCTS_MAX).map(neutral_product).collect();
    let (linked, others): (Vec<Product>, Vec<Product>) = products.iter().cloned().partition(|p| !p.url.is_empty());
    if !abilities.cards || linked.is_empty() {
        return posts(listed(intro, products.iter().map(Entry::product), abilities));
    }
    let mut said = posts(words(intro, abilities));
    let text = listed("", linked.iter().map(Entry::product), abilities).into_iter().next().unwrap_or_default();
    said.push(Post { text, show: Show::Cards(linked) });
    // A card has to lead somewhere, and beside cards the widget shows no words.
    said.extend(posts(listed("", others.iter().map(Entry::product), abilities)));
    said
}

/// A line of a list, and where it leads.
struct Entry {
    words: String,
    /// May be empty.
    link: String,
}

impl Entry {
    /// A neutral product.
    fn product(product: &Product) -> Self {
        Self { words: format!("{}\n{}", product.title, product.facts()), link: product.url.clone() }
    }

    /// `None` when there is nothing to read in it.
    fn article(article: &Article) -> Option<Self> {
        let title = line(&article.title, ARTICLE_TITLE_CHARS_MAX);
        let description = line(&article.description, ARTICLE_DESCRIPTION_CHARS_MAX);
        let words = format!("{title}\n{description}").trim().to_owned();
        let link = web_address(&article.link).unwrap_or_default();
        (!words.is_empty()).then_some(Self { words, link })
    }
}

/// A list in words. What is too long for one post goes on in the next, between two entries.
fn listed(intro: &str, entries: impl Iterator<Item = Entry>, abilities: Abilities) -> Vec<String> {
    let max = abilities.text_max();
    let mut parts: Vec<(&str, String)> = words(intro, abilities).into_iter().map(|text| ("\n\n", text)).collect();
    for (at, Entry { words, link }) in entries.enumerate() {
        let head = format!("{}. {words}", at + 1);
        let whole = if link.is_empty() { head.clone() } else { format!("{head}\n{link}") };
        // What was put together must not make what its parts were not.
        let whole = neutralise(&whole);
        if whole.chars().count() <= max {
            parts.push(("\n\n", whole));
            continue;
        }
        parts.push(("\n\n", fitted(&head, max, cut_at_word)));
        // A cut link would lead nowhere.
        if !link.is_empty() && link.chars().count() <= max {
            parts.push(("\n", link));
        }
    }
    packed(parts, max)
}

fn neutral_product(product: &Product) -> Product {
    let title = line(&product.title, PRODUCT_TITLE_CHARS_MAX);
    let price = product.price.as_deref().map(|p| line(p, PRICE_CHARS_MAX)).filter(|p| !p.is_empty());
    let attributes = product.attributes.iter();
    Product {
        id: product.id.clone(),
        title: if title.is_empty() { "Product".to_owned() } else { title },
        price,
        currency: line(&product.currency, 10),
        price_from: product.price_from,
        stock: product.stock,
        attributes: attributes
            .map(|(name, values)| (line(name, PRODUCT_FACTS_CHARS_MAX), line(values, PRODUCT_FACTS_CHARS_MAX)))
            .filter(|(_, values)| !values.is_empty())
            .collect(),
        url: web_address(&product.url).unwrap_or_default(),
        image: product.image.as_deref().and_then(web_address),
    }
}

impl Stock {
    /// The words for it, such as `in stock`.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::InStock => "in stock",
            Self::OnBackorder => "on backorder",
            Self::OutOfStock => "out of stock",
        }
    }
}

impl Product {
    /// What there is to know of it beside its name, in one line: `129.95 AUD · in stock · Colour: blue, red; Size: M`.
    #[must_use]
    pub fn facts(&self) -> String {
        let attributes = self.attributes.iter().map(|(name, values)| attribute_in_words(name, values));
        let attributes = line(&attributes.collect::<Vec<_>>().join("; "), PRODUCT_FACTS_CHARS_MAX);
        let head = format!("{} · {}", neutralise(&self.price_in_words()), self.stock.in_words());
        if attributes.is_empty() { head } else { format!("{head} · {attributes}") }
    }

    /// Its price, as it is: `from 129.95 AUD`, or `price on request`.
    pub(crate) fn price_in_words(&self) -> String {
        match self.price.as_deref().map(str::trim).filter(|p| !neutral::visible(p).trim().is_empty()) {
            None => "price on request".to_owned(),
            Some(price) => {
                let from = if self.price_from { "from " } else { "" };
                format!("{from}{price} {}", self.currency).trim_end().to_owned()
            }
        }
    }
}

/// An attribute, as it is: `Colour: blue, red`.
pub(crate) fn attribute_in_words(name: &str, values: &str) -> String {
    if name.is_empty() { values.to_owned() } else { format!("{name}: {values}") }
}

fn question(prompt: &str, options: &[Choice], abilities: Abilities) -> Vec<Post> {
    let options: Vec<Choice> = options.iter().filter_map(neutral_choice).collect();
    if options.is_empty() {
        return posts(words(prompt, abilities));
    }
    let prompt = neutralise(prompt).trim().to_owned();
    let prompt = if prompt.is_empty() { DEFAULT_PROMPT.to_owned() } else { prompt };
    let listed = in_words(&prompt, &options, abilities);
    // Where the buttons are refused, the same stands in one post of words.
    let shown = if listed.len() == 1 { select(&prompt, &options, abilities) } else { None };
    shown.map_or_else(|| posts(listed), |show| vec![Post { text: prompt, show }])
}

/// The question with buttons; `None` when the channel would refuse it or nobody could tell the buttons apart.
fn select(prompt: &str, options: &[Choice], abilities: Abilities) -> Option<Show> {
    let title_max = if options.len() <= BUTTONS_MAX { abilities.title_chars_max } else { abilities.row_chars_max };
    let fits = abilities.select
        && options.len() <= abilities.options_max
        && prompt.chars().count() <= abilities.prompt_chars_max
        && options.iter().all(|o| o.value.len() <= abilities.value_bytes_max);
    let shown: Vec<Choice> =
        options.iter().map(|o| Choice { title: cut_neutral(&o.title, title_max), value: o.value.clone() }).collect();
    let titles: BTreeSet<String> = shown.iter().map(|o| o.title.to_lowercase()).collect();
    let values: BTreeSet<&str> = shown.iter().map(|o| o.value.as_str()).collect();
    let distinct = titles.len() == shown.len() && values.len() == shown.len();
    (fits && distinct).then_some(Show::Select(shown))
}

/// The question as a numbered list, all of it in one text if it fits.
fn in_words(prompt: &str, options: &[Choice], abilities: Abilities) -> Vec<String> {
    const END: &str = "\n\nReply with a number.";
    let max = abilities.text_max();
    let mut lines: Vec<String> = options.iter().enumerate().map(|(at, o)| option_line(at + 1, o)).collect();
    let whole = neutralise(&format!("{prompt}\n\n{}{END}", lines.join("\n")));
    if whole.chars().count() <= max {
        return vec![whole];
    }
    if let Some(last) = lines.last_mut() {
        last.push_str(END);
    }
    let mut parts: Vec<(&str, String)> = words(prompt, abilities).into_iter().map(|text| ("\n\n", text)).collect();
    for (at, line) in lines.iter().enumerate() {
        parts.push((if at == 0 { "\n\n" } else { "\n" }, fitted(line, max, cut_at_word)));
    }
    packed(parts, max)
}

fn option_line(number: usize, option: &Choice) -> String {
    let value: String = option.value.chars().map(|c| if "[]".contains(c) { '|' } else { c }).collect();
    format!("{number}. {} [{}]", cut_neutral(&option.title, OPTION_CHARS_MAX), value.trim())
}

fn neutral_choice(option: &Choice) -> Option<Choice> {
    let (title, value) = (line(&option.title, OPTION_CHARS_MAX), line(&option.value, OPTION_CHARS_MAX));
    match (title.is_empty(), value.is_empty()) {
        (true, true) => None,
        (true, false) => Some(Choice { title: value.clone(), value }),
        (false, true) => Some(Choice { value: title.clone(), title }),
        (false, false) => Some(Choice { title, value }),
    }
}

/// One line, neutralised, of so many characters at most.
fn line(text: &str, max: usize) -> String {
    // Cut first, for speed; then again, as parting braces makes it longer.
    let short: String = text.chars().take(max * 4).collect();
    let line = neutralise(&short).split_whitespace().collect::<Vec<_>>().join(" ");
    // Line ends that became spaces may have put a scheme before its colon.
    cut_neutral(&neutralise(&line), max)
}

/// Neutral text of so many characters at most, neutral again.
fn cut_neutral(text: &str, max: usize) -> String {
    fitted(text, max, cut)
}

/// Cut to so many characters and neutral: what a cut leaves of a link may have to be taken apart, which makes it longer.
pub(super) fn fitted(text: &str, max: usize, cut: fn(&str, usize) -> String) -> String {
    let attempts = CUT_SLACKS.iter().map(|slack| neutralise(&cut(text, max.saturating_sub(*slack))));
    attempts.into_iter().find(|short| short.chars().count() <= max).unwrap_or_else(|| "…".to_owned())
}

/// So many characters at most; what is cut ends with `…`.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// So many characters at most, cut between two words if there is a gap in the last fifth.
pub(super) fn cut_at_word(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    let gap = kept.rfind(char::is_whitespace).filter(|at| *at >= kept.len() / 5 * 4);
    let kept = gap.and_then(|at| kept.get(..at)).unwrap_or(&kept);
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests;
