//! Forgetting a person: what is kept of them is found by looking at everything that is kept.
//!
//! Rows are not filed by person: an index of persons over every event would cost a write for each of them, for the few
//! times a year that somebody asks to be forgotten. So an erasure reads the tables from end to end, in pages.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    chat::{ChatKey, ChatState},
    chatwoot::ChatwootMessage,
    ids::{EffectKey, OrderId, OrderKey, ShopDomain},
    inbox::{InboxKey, Source},
    phone::E164Phone,
    store::StoreError,
};

/// A table that may hold something of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Webhooks' bodies.
    Inbox,
    /// Review requests.
    Requests,
    /// Sends, and the notices for the shop's people.
    Outbox,
    /// Conversations.
    Sessions,
    /// Chats with the assistant.
    Chats,
    /// Reviews; they hold no words, but name the order.
    Reviews,
    /// Forms that people filled in.
    Forms,
}

impl Place {
    /// All of them, in the order in which they are cleared: what leads to other rows goes last. Contacts are not among
    /// them: their key is the number, so they need not be looked for.
    pub const ALL: [Self; 7] =
        [Self::Inbox, Self::Sessions, Self::Chats, Self::Outbox, Self::Reviews, Self::Forms, Self::Requests];

    /// The name in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Requests => "review_requests",
            Self::Outbox => "outbox",
            Self::Sessions => "sessions",
            Self::Chats => "chats",
            Self::Reviews => "reviews",
            Self::Forms => "forms",
        }
    }
}

/// A row as an erasure sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptRow {
    /// Its key.
    pub key: String,
    /// Everything in it that may hold something of a person: its key, its texts, its unpacked body; one after the other.
    pub texts: Vec<String>,
    /// The number that it is about, where it is about one person.
    pub phone: Option<E164Phone>,
    /// The address of the one person who wrote it, where they gave it as theirs.
    pub email: Option<String>,
    /// A body in JSON, where the row has one.
    pub body: Option<Vec<u8>>,
    /// Ids of ours and of the providers' that it is about, by which rows without the person's number are found.
    pub ids: Vec<String>,
}

impl std::fmt::Debug for KeptRow {
    /// Without its content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeptRow({} texts, {} ids)", self.texts.len(), self.ids.len())
    }
}

impl KeptRow {
    /// Whether there is something of a person in it still. What was wiped says that there was something and how it ended.
    #[must_use]
    pub fn holds_something(&self, place: Place) -> bool {
        // Besides its own key; of a review it is the order that leads to somebody.
        let leads = place == Place::Reviews && self.ids.len() > 1;
        let body = self.body.as_ref().is_some_and(|body| !body.is_empty());
        leads || body || self.phone.is_some() || self.email.is_some() || self.texts.iter().any(|text| *text != self.key)
    }
}

/// A part of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptPage {
    /// The rows.
    pub rows: Vec<KeptRow>,
    /// Where the rest begins; `None` at the end.
    pub next: Option<String>,
}

/// Looks through tables and takes things out of them.
pub trait Erasure {
    /// A part of a table.
    async fn kept(&self, place: Place, after: Option<&str>) -> Result<KeptPage, StoreError>;

    /// Takes everything of a person out of a row: a body, a number, a name, words, a link. What is left says that there was
    /// something and how it ended, so that nothing is done twice for having been forgotten. An event or a request that was
    /// still to be worked on ends; a demand about personal data that is still open is left, because it ends by itself.
    /// Repeated, it changes nothing.
    async fn wipe(&self, place: Place, key: &str) -> Result<(), StoreError>;
}

/// Whom to forget.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// Numbers.
    pub phones: BTreeSet<E164Phone>,
    /// Addresses, in lower case.
    pub emails: BTreeSet<String>,
    /// Shopify's id of the customer.
    pub customer: Option<u64>,
    /// Orders.
    pub orders: BTreeSet<OrderId>,
    /// Ids of ours and the providers' that are about this person alone.
    pub ids: BTreeSet<String>,
    /// The whole shop: everything that came from Shopify, whoever it is about.
    pub shop: Option<ShopDomain>,
}

impl std::fmt::Debug for Subject {
    /// Without the person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subject({} phones, {} orders, {} ids)", self.phones.len(), self.orders.len(), self.ids.len())
    }
}

impl Subject {
    /// Whether a row is the person's own: by its number, its address, its ids or its order. Such a row may lead to others.
    #[must_use]
    pub fn owns(&self, place: Place, row: &KeptRow) -> bool {
        self.is_the_shops(place, row)
            || row.phone.as_ref().is_some_and(|phone| self.phones.contains(phone))
            || row.email.as_ref().is_some_and(|email| self.emails.contains(&email.trim().to_lowercase()))
            || row.ids.iter().any(|id| self.ids.contains(id) || self.is_order(id))
    }

    /// Whether a row holds something of the person and is nobody else's. What somebody else said about them, in their own
    /// conversation, is that person's.
    #[must_use]
    pub fn is_in(&self, place: Place, row: &KeptRow) -> bool {
        self.owns(place, row)
            || (row.phone.is_none()
                && (row.texts.iter().any(|text| self.is_said(text))
                    || row.body.as_deref().is_some_and(|body| self.is_in_body(body))))
    }

    /// The order of a Shopify body that names this customer.
    #[must_use]
    pub fn order_of(&self, row: &KeptRow) -> Option<OrderId> {
        let value: Value = serde_json::from_slice(row.body.as_deref()?).ok()?;
        let number = |path: &str| value.pointer(path).and_then(Value::as_u64);
        let named = self.customer.is_some() && number("/customer/id") == self.customer;
        // Only an order's own body has both; a demand about personal data has no id of its own.
        number("/id").filter(|_| named && value.get("line_items").is_some()).map(OrderId)
    }

    fn is_the_shops(&self, place: Place, row: &KeptRow) -> bool {
        let Some(shop) = &self.shop else { return false };
        match place {
            Place::Inbox => row.key.starts_with("shopify#") || row.key.starts_with("privacy#"),
            Place::Requests => row.key.starts_with(shop.as_str()),
            Place::Outbox => row.key.contains(&format!("#{shop}#")),
            Place::Reviews | Place::Sessions | Place::Chats | Place::Forms => false,
        }
    }

    /// `shop#order`, or the name of what was sent for one.
    fn is_order(&self, id: &str) -> bool {
        let effect = EffectKey::from_stored(id);
        let order = effect.requested_order().or_else(|| effect.reminded_order()).or_else(|| OrderKey::parse(id));
        // Other names may look like an order's key; a shop's domain they do not hold.
        order.is_some_and(|key| key.shop.as_str().contains('.') && self.orders.contains(&key.order))
    }

    /// Whether a text mentions one of the numbers or addresses, however it is written.
    #[must_use]
    pub fn is_said(&self, text: &str) -> bool {
        let lower = || text.to_lowercase();
        (!self.emails.is_empty() && text.contains('@') && {
            let lower = lower();
            self.emails.iter().any(|e| is_address_in(e, &lower))
        }) || (!self.phones.is_empty()
            && runs_of_digits(text).any(|run| self.phones.iter().any(|p| is_number(p, &run))))
    }

    fn is_in_body(&self, body: &[u8]) -> bool {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => self.is_named(&value) || self.is_within(&value),
            // What is no JSON was refused as an event, and is kept for people to look at.
            Err(_) => self.is_said(&String::from_utf8_lossy(body)),
        }
    }

    /// Whether the fields that name a Shopify customer or order name this one.
    fn is_named(&self, value: &Value) -> bool {
        let number = |path: &str| value.pointer(path).and_then(Value::as_u64);
        let customer =
            self.customer.is_some() && ["/customer/id", "/customer_id"].into_iter().any(|p| number(p) == self.customer);
        // An order's own body has no field that only it has in every version; its id is the longest number there is.
        let order =
            ["/id", "/order_id", "/order/id"].into_iter().filter_map(number).any(|n| self.orders.contains(&OrderId(n)));
        customer || order
    }

    fn is_within(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.ids.contains(text) || self.is_said(text),
            Value::Number(number) => number.as_u64().is_some_and(|n| {
                let digits = n.to_string();
                self.phones.iter().any(|p| is_number(p, &digits))
            }),
            Value::Array(list) => list.iter().any(|v| self.is_within(v)),
            Value::Object(fields) => fields.values().any(|v| self.is_within(v)),
            Value::Null | Value::Bool(_) => false,
        }
    }
}

/// The chat that an event of Chatwoot's belongs to: what was said in it before the number was known is found by that.
#[must_use]
pub fn chat_of(event: &str, body: &[u8]) -> Option<ChatKey> {
    let event = InboxKey::parse(event).filter(|key| key.source == Source::Chatwoot);
    event
        .and_then(|_| serde_json::from_slice::<ChatwootMessage>(body).ok())
        .map(|message| ChatKey::chatwoot(message.at))
}

/// What stays of a chat: nothing that anybody said, and no answer that was on its way. Which events are dealt with stays, and
/// what waited for an answer is dealt with now, so that nothing is answered for having been forgotten; so does who has the
/// conversation, and whether the customer wants silence.
#[must_use]
pub fn forgotten(chat: &ChatState) -> ChatState {
    let mut kept = ChatState {
        settled: chat.settled.clone(),
        disclosed: chat.disclosed,
        silenced: chat.silenced,
        wish_of: chat.wish_of,
        handed_over_at_ms: chat.handed_over_at_ms,
        answered_at_ms: chat.answered_at_ms.clone(),
        ..ChatState::default()
    };
    let flight = chat.in_flight.iter().flat_map(|flight| flight.answers.iter().chain([&flight.event]));
    for event in flight.chain(chat.heard.iter().map(|heard| &heard.event)) {
        kept.settle(event);
    }
    kept
}

/// Whether an address stands in a text by itself, not as the end of a longer one. Both in lower case.
fn is_address_in(address: &str, text: &str) -> bool {
    let part_of_one = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    text.match_indices(address).any(|(at, found)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(part_of_one) && !after.is_some_and(|c| c.is_alphanumeric() || c == '-')
    })
}

/// Runs of digits as people write numbers: with spaces, dashes, dots, slashes and brackets in between.
fn runs_of_digits(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !(c.is_numeric() || c.is_whitespace() || matches!(c, '+' | '-' | '.' | '(' | ')' | '/')))
        .map(|run| run.chars().filter_map(|c| c.to_digit(10)).filter_map(|d| char::from_digit(d, 10)).collect())
        .filter(|digits: &String| digits.len() >= 7)
}

/// Whether digits are this number, with or without its country code, its trunk zero or an exit code.
fn is_number(phone: &E164Phone, digits: &str) -> bool {
    let whole = phone.expose().trim_start_matches('+');
    let national = digits.trim_start_matches('0');
    // Fewer would be the end of somebody else's number as well.
    national.len() >= 7 && (whole.ends_with(national) || national.ends_with(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mia() -> Subject {
        Subject {
            phones: [E164Phone::parse_e164("+61491570156").unwrap()].into(),
            emails: ["mia@example.com".to_owned()].into(),
            customer: Some(207_119_551),
            orders: [OrderId(450_789_469)].into(),
            ..Subject::default()
        }
    }

    #[test]
    fn a_number_is_found_however_it_is_written() {
        for text in [
            "+61491570156",
            "call 0491 570 156 please",
            "(0491) 570-156",
            "0061 491.570.156",
            "61491570156",
            "\u{ff10}491 570 156",
            "mail MIA@Example.com",
        ] {
            assert!(mia().is_said(text), "{text}");
        }
        for text in
            ["+61491570157", "0156", "570156", "order 1491570156000", "mia@example.org", "lamia@example.com", ""]
        {
            assert!(!mia().is_said(text), "{text}");
        }
    }

    #[test]
    fn bodies_are_found_by_what_names_the_person_and_by_nothing_else() {
        let found = |body: &str| {
            let row = KeptRow {
                key: "shopify#1".into(),
                texts: Vec::new(),
                phone: None,
                email: None,
                body: Some(body.as_bytes().to_vec()),
                ids: Vec::new(),
            };
            mia().is_in(Place::Inbox, &row)
        };
        for body in [
            r#"{"id":450789469,"line_items":[]}"#,
            r#"{"id":9,"order_id":450789469}"#,
            r#"{"order":{"id":450789469},"status":"open"}"#,
            r#"{"id":1,"customer":{"id":207119551}}"#,
            r#"{"data":{"conversation":{"channel":{"identifier":"+61491570156"}}}}"#,
            r#"{"data":{"from":61491570156}}"#,
            r#"{"a":[{"b":"mia@example.com"}]}"#,
            "not json, but 0491 570 156",
        ] {
            assert!(found(body), "{body}");
        }
        for body in
            [r#"{"id":1,"customer":{"id":2}}"#, r#"{"quantity":450789469}"#, r#"{"from":"+61491570157"}"#, "null"]
        {
            assert!(!found(body), "{body}");
        }
    }

    #[test]
    fn an_order_is_found_by_its_own_key_only() {
        let row = |id: &str| KeptRow {
            key: "k".into(),
            texts: Vec::new(),
            phone: None,
            email: None,
            body: None,
            ids: vec![id.into()],
        };
        for id in ["a.myshopify.com#450789469", "review-request#a.myshopify.com#450789469", "reminder#a.b#450789469"] {
            assert!(mia().owns(Place::Outbox, &row(id)), "{id}");
        }
        for id in
            ["keep-alive#s1#450789469", "import#450789469", "a.myshopify.com#450789468", "s1#450789469", "450789469"]
        {
            assert!(!mia().owns(Place::Outbox, &row(id)), "{id}");
        }
    }

    #[test]
    fn what_somebody_else_said_of_a_person_is_theirs() {
        let mut bob = KeptRow {
            key: "+61491570158#loc".into(),
            texts: vec!["my wife is 0491 570 156".into()],
            phone: E164Phone::parse_e164("+61491570158").ok(),
            email: None,
            body: None,
            ids: Vec::new(),
        };
        assert!(!mia().is_in(Place::Sessions, &bob));
        bob.phone = None;
        assert!(mia().is_in(Place::Sessions, &bob) && !mia().owns(Place::Sessions, &bob));
    }

    #[test]
    fn a_form_is_its_writers_by_the_address_and_anybodys_whom_it_mentions() {
        let form = |email: Option<&str>, text: &str| KeptRow {
            key: "s1".into(),
            texts: vec!["s1".into(), text.into()],
            phone: None,
            email: email.map(str::to_owned),
            body: None,
            ids: vec!["s1".into()],
        };
        let mias = form(Some(" Mia@Example.com"), "blue");
        assert!(mia().owns(Place::Forms, &mias) && mia().is_in(Place::Forms, &mias));
        let about_her = form(Some("bob@example.com"), "call 0491 570 156");
        assert!(!mia().owns(Place::Forms, &about_her) && mia().is_in(Place::Forms, &about_her));
        for bobs in [form(Some("bob@example.com"), "blue"), form(None, "blue")] {
            assert!(!mia().is_in(Place::Forms, &bobs));
        }
        let shop = Subject { shop: ShopDomain::try_from("a.myshopify.com").ok(), ..Subject::default() };
        assert!(!shop.is_in(Place::Forms, &mias), "it did not come from Shopify");
    }

    #[test]
    fn the_whole_shop_is_what_came_from_it() {
        let shop = ShopDomain::try_from("a.myshopify.com").unwrap();
        let all = Subject { shop: Some(shop), ..Subject::default() };
        let row = |key: &str| KeptRow {
            key: key.into(),
            texts: Vec::new(),
            phone: None,
            email: None,
            body: None,
            ids: Vec::new(),
        };
        assert!(all.is_in(Place::Inbox, &row("shopify#1")));
        assert!(!all.is_in(Place::Inbox, &row("podium#1")));
        assert!(all.is_in(Place::Requests, &row("a.myshopify.com#1")));
        assert!(all.is_in(Place::Outbox, &row("review-request#a.myshopify.com#1")));
        assert!(!all.is_in(Place::Outbox, &row("answer#1")));
    }
}
