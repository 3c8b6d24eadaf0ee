//! Podium's lists of what its webhooks should have told. Both contracts are asked in the same way: the briefs name no
//! list, and if their Podium has them at all, then where the published one has them.
//!
//! What is found is put into the published webhook's envelope. Its id is made of what it is and when it changed, so that
//! it is one event however often it is listed.

use std::collections::VecDeque;

use frontdesk_core::{
    ids::{EventId, ProviderId, short_hash},
    provider::{Backlog, CallFailure, Feed, Listed, Recovered},
    time::{Clock, UnixMillis},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Podium, Wire,
    contact::body_of,
    done,
    locations::page_of,
    messages::{self, Asked, Seen},
    present, unavailable,
};
use crate::{json, token::AccessTokens};

/// Of the envelope.
const VERSION: &str = "2021.04.01";
/// Of reviews and conversations; the most that Podium gives.
const PAGE: &str = "100";
/// Calls for one part of the list of messages. A token that is refused on the way costs one more.
const CALLS_MAX: usize = 24;
/// A conversation whose list does not end within so many pages goes in a circle.
const PAGES_OF_ONE_MAX: u32 = 500;
/// The same of the list of conversations.
const LISTS_MAX: u32 = 1_000;

impl<T: AccessTokens, C: Clock> Backlog for Podium<T, C> {
    async fn list(
        &self,
        feed: Feed,
        from: UnixMillis,
        to: UnixMillis,
        cursor: Option<&str>,
    ) -> Result<Listed, CallFailure> {
        let span = Span { from, to };
        match feed {
            Feed::PodiumReviews => self.wire.reviews(span, cursor).await,
            Feed::PodiumMessages => Walk::begin(&self.wire, span, cursor).part(cursor).await,
            Feed::ShopifyOrders => Ok(Listed::default()),
        }
    }
}

/// A stretch of time, both ends in it.
#[derive(Clone, Copy)]
struct Span {
    from: UnixMillis,
    to: UnixMillis,
}

impl Span {
    fn holds(self, at: UnixMillis) -> bool {
        self.from <= at && at <= self.to
    }
}

impl<T: AccessTokens, C: Clock> Wire<T, C> {
    /// One page of reviews by the time of their last change. The cursor is Podium's own.
    async fn reviews(&self, span: Span, cursor: Option<&str>) -> Result<Listed, CallFailure> {
        let mut url = self.base.at("/v4/reviews");
        match cursor {
            // Alone: Podium ignores everything that stands beside it.
            Some(cursor) => {
                url.query_pairs_mut().append_pair("cursor", cursor);
            }
            None => {
                let from = json::iso(json::whole_second(span.from));
                url.query_pairs_mut().append_pair("updatedAt[gte]", &from).append_pair("limit", PAGE);
            }
        }
        let (reviews, next) = page_of(body_of(&done(self.get(url).await?)?)?)?;
        let found = reviews.iter().filter_map(|review| recovered_review(review, span)).collect();
        Ok(Listed { found, next: next.filter(|next| Some(next.as_str()) != cursor) })
    }
}

/// A review as its webhook would have told it. One without a time is told once; one of another time is not asked for, and
/// comes from a Podium that does not know the filter.
fn recovered_review(review: &Value, span: Span) -> Option<Recovered> {
    let uid = id_of(review)?;
    let created = json::time(first(review, &["createdAt", "created_at"]));
    let updated = json::time(first(review, &["updatedAt", "updated_at"]));
    let at = updated.or(created);
    if at.is_some_and(|at| !span.holds(at)) {
        return None;
    }
    let topic = if updated.is_none() || updated == created { "review.created" } else { "review.updated" };
    let at = at.map_or_else(String::new, |at| at.get().to_string());
    recovered(topic, &format!("{topic}~{uid}~{at}"), review)
}

/// A walk through all conversations, in parts.
struct Walk<'a, T, C> {
    wire: &'a Wire<T, C>,
    span: Span,
    position: Position,
    found: Vec<Recovered>,
}

/// Where a walk stands between two parts. It holds uids and Podium's cursors, and nothing of the people.
#[derive(Default, Serialize, Deserialize)]
struct Position {
    conversations: Conversations,
    /// Pages of conversations so far.
    pages: u32,
    /// Conversations that are listed, but not read to their ends.
    unread: VecDeque<Unread>,
}

/// How the list of conversations goes on.
#[derive(Default, Serialize, Deserialize)]
enum Conversations {
    #[default]
    Begin,
    At(String),
    End,
}

#[derive(Serialize, Deserialize)]
struct Unread {
    uid: String,
    cursor: Option<String>,
    /// Of messages so far.
    pages: u32,
    /// The conversation itself; between two parts it is forgotten, and asked for again.
    #[serde(skip)]
    conversation: Option<Value>,
}

impl<'a, T: AccessTokens, C: Clock> Walk<'a, T, C> {
    /// A position that cannot be read is the beginning: what is listed twice is one event.
    fn begin(wire: &'a Wire<T, C>, span: Span, cursor: Option<&str>) -> Self {
        let mut position: Position = cursor.and_then(|cursor| serde_json::from_str(cursor).ok()).unwrap_or_default();
        // They become parts of paths.
        position.unread.retain(|unread| messages::is_uid(&unread.uid));
        Self { wire, span, position, found: Vec::new() }
    }

    async fn part(mut self, began_at: Option<&str>) -> Result<Listed, CallFailure> {
        let began_at = began_at.map_or_else(|| text_of(&Position::default()), |cursor| Ok(cursor.to_owned()))?;
        for _ in 0..CALLS_MAX {
            if self.position.is_end() {
                return Ok(Listed { found: self.found, next: None });
            }
            if let Err(failure) = self.step().await {
                // What was read until then is not lost: the next part begins with this failure, if it lasts.
                return match text_of(&self.position)? {
                    here if here == began_at => Err(failure),
                    here => Ok(Listed { found: self.found, next: Some(here) }),
                };
            }
        }
        let next = if self.position.is_end() { None } else { Some(text_of(&self.position)?) };
        Ok(Listed { found: self.found, next })
    }

    /// Makes one call. A failure leaves the position as it was.
    async fn step(&mut self) -> Result<(), CallFailure> {
        match self.position.unread.front_mut() {
            None => self.list_conversations().await,
            Some(Unread { conversation: Some(_), .. }) => self.read_messages().await,
            Some(unread) => {
                let url = self.wire.base.at(&format!("/v4/conversations/{}", unread.uid));
                let found = match present(self.wire.get(url).await?)? {
                    Some(answer) => body_of(&answer)?.get_mut("data").map(Value::take).filter(Value::is_object),
                    None => None,
                };
                unread.conversation = found;
                if unread.conversation.is_none() {
                    // Deleted since.
                    self.position.unread.pop_front();
                }
                Ok(())
            }
        }
    }

    async fn list_conversations(&mut self) -> Result<(), CallFailure> {
        if self.position.pages >= LISTS_MAX {
            return Err(unavailable("the list does not end").into());
        }
        let mut url = self.wire.base.at("/v4/conversations");
        let followed = match &self.position.conversations {
            Conversations::Begin => None,
            Conversations::At(cursor) => Some(cursor.clone()),
            Conversations::End => return Ok(()),
        };
        let (name, value) = followed.as_ref().map_or(("limit", PAGE), |cursor| ("cursor", cursor.as_str()));
        url.query_pairs_mut().append_pair(name, value);
        let (conversations, next) = page_of(body_of(&done(self.wire.get(url).await?)?)?)?;
        self.position.pages += 1;
        let touched = conversations.into_iter().filter(|conversation| is_touched(conversation, self.span.from));
        self.position.unread.extend(touched.filter_map(|conversation| {
            let uid = messages::uid(first(&conversation, &["uid", "id"]))?;
            Some(Unread { uid, cursor: None, pages: 0, conversation: Some(conversation) })
        }));
        self.position.conversations = match next {
            Some(next) if followed.as_ref() != Some(&next) => Conversations::At(next),
            Some(_) | None => Conversations::End,
        };
        Ok(())
    }

    async fn read_messages(&mut self) -> Result<(), CallFailure> {
        let Some(mut unread) = self.position.unread.pop_front() else { return Ok(()) };
        let asked = messages::page(self.wire, &unread.uid, unread.cursor.as_deref()).await;
        let page = match asked {
            Ok(Asked::Page(page)) => page,
            // Deleted since.
            Ok(Asked::NoSuch) => return Ok(()),
            Ok(Asked::Odd) => {
                self.position.unread.push_front(unread);
                return Err(unavailable("the answer is no list").into());
            }
            Err(failure) => {
                self.position.unread.push_front(unread);
                return Err(failure.into());
            }
        };
        let is_past = page.is_past(self.span.from);
        let conversation = unread.conversation.as_ref().unwrap_or(&Value::Null);
        let span = self.span;
        let found = page.messages.into_iter().filter_map(|message| recovered_message(message, conversation, span));
        self.found.extend(found);
        unread.pages += 1;
        let next = page.next.filter(|next| unread.cursor.as_ref() != Some(next));
        if next.is_some() && !is_past && unread.pages < PAGES_OF_ONE_MAX {
            self.position.unread.push_front(Unread { cursor: next, ..unread });
        }
        Ok(())
    }
}

impl Position {
    fn is_end(&self) -> bool {
        self.unread.is_empty() && matches!(self.conversations, Conversations::End)
    }
}

fn text_of(position: &Position) -> Result<String, CallFailure> {
    serde_json::to_string(position).map_err(|_| unavailable("the position cannot be written down").into())
}

/// Whether something may have been written in it since. One that does not say when may have been.
fn is_touched(conversation: &Value, from: UnixMillis) -> bool {
    let last = first(conversation, &["lastItemAt", "last_item_at", "updatedAt", "updated_at"]);
    json::time(last).is_none_or(|at| at >= from)
}

/// A customer's message as its webhook would have told it. One without a time is left out: it would come back for ever,
/// and longer than anybody remembers having had it.
fn recovered_message(mut message: Value, conversation: &Value, span: Span) -> Option<Recovered> {
    let uid = id_of(&message)?;
    let seen = Seen::of(&message);
    let says = first(&message, &["direction", "sourceType"]).and_then(Value::as_str);
    let is_inbound = seen.is_inbound || !seen.is_outbound && says == Some("inbound");
    let at = seen.at.or_else(|| json::time(message.get("created_at")))?;
    if !is_inbound || !span.holds(at) {
        return None;
    }
    let fields = message.as_object_mut()?;
    let place = part(fields, "conversation");
    fill(place, "uid", first(conversation, &["uid", "id"]));
    fill(place, "channel", conversation.get("channel"));
    fill(place, "startedAt", conversation.get("createdAt"));
    let location =
        first(conversation, &["locationUid", "location_uid"]).or_else(|| conversation.pointer("/location/uid"));
    // A location that is named in another way stays as it is.
    if location.is_some() && fields.get("location").is_none_or(|named| named.is_null() || named.is_object()) {
        fill(part(fields, "location"), "uid", location);
    }
    recovered("message.received", &format!("message.received~{uid}"), &message)
}

/// An object within a message; whatever else stands there makes room for one.
fn part<'a>(fields: &'a mut Map<String, Value>, name: &str) -> &'a mut Value {
    let part = fields.entry(name).or_insert(Value::Null);
    if !part.is_object() {
        *part = json!({});
    }
    part
}

/// Writes what is not there yet.
fn fill(part: &mut Value, name: &str, known: Option<&Value>) {
    let missing = part.get(name).is_none_or(Value::is_null);
    if let (true, Some(known), Some(fields)) = (missing, known, part.as_object_mut()) {
        fields.insert(name.to_owned(), known.clone());
    }
}

fn recovered(topic: &str, what: &str, data: &Value) -> Option<Recovered> {
    let uid = format!("reconcile-{}", short_hash(what));
    let id = EventId::try_from(uid.as_str()).ok()?;
    let body = json!({ "data": data, "metadata": { "eventType": topic, "eventUid": uid, "version": VERSION } });
    Some(Recovered { id, topic: topic.to_owned(), body: body.to_string().into_bytes() })
}

fn id_of(value: &Value) -> Option<ProviderId> {
    ["uid", "id"].into_iter().find_map(|name| json::id(value.get(name)))
}

/// The first of several fields that is there and not null.
fn first<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| value.get(name).filter(|found| !found.is_null()))
}
