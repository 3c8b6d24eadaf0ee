//! Reviews, answers to them, and the links and invitations that ask for them, of both contracts.

use serde_json::Value;

use super::{
    What,
    failure::failure_kind,
    fields::{as_text, at, list, moment, text, truth},
    read::{MANY, failure_reason, tidy},
};
use crate::{
    ids::{EventId, LocationUid, ProviderId},
    outbox::DeliveryNews,
    rating::{Rating, RatingClaim},
    time::UnixMillis,
};

/// Longer names of platforms are cut.
const PLATFORM_CHARS_MAX: usize = 32;
/// Longer addresses are none that anybody could open.
const URL_CHARS_MAX: usize = 2_000;

/// A review that somebody wrote or changed.
#[derive(Clone, PartialEq, Eq)]
pub struct ReviewEvent {
    /// Its id; without one, see [`ReviewEvent::name`].
    pub uid: Option<ProviderId>,
    /// Its stars.
    pub rating: RatingClaim,
    /// Where it was written: a short word in lower case, of letters, digits, `_`, `.` and `-` only.
    pub platform: Option<String>,
    /// The locations that it is about.
    pub locations: Vec<LocationUid>,
    /// The invitations that it follows from.
    pub invitations: Vec<ProviderId>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Its words.
    pub text: Option<String>,
    /// Where it can be read; an `https` address.
    pub url: Option<String>,
    /// When it was last changed, if it says.
    pub changed_at: Option<UnixMillis>,
    /// Whether the shop answered it already.
    pub responded: bool,
}

impl std::fmt::Debug for ReviewEvent {
    /// Without its words, its author and where to find both.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReviewEvent")
            .field("uid", &self.uid)
            .field("rating", &self.rating)
            .field("platform", &self.platform)
            .field("locations", &self.locations)
            .field("invitations", &self.invitations)
            .field("changed_at", &self.changed_at)
            .field("responded", &self.responded)
            .finish_non_exhaustive()
    }
}

impl ReviewEvent {
    /// Names the review for ever: its own id, else that of the event that told of it.
    #[must_use]
    pub fn name(&self, event: &EventId) -> EventId {
        let own = self.uid.as_ref().and_then(|uid| EventId::try_from(uid.as_str()).ok());
        own.unwrap_or_else(|| event.clone())
    }
}

/// A link by which somebody is asked for a review was made, sent or followed.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteLinkEvent {
    /// Its id.
    pub uid: Option<ProviderId>,
    /// Whose it is, as written.
    pub phone: Option<String>,
    /// What became of it, if Podium sends it. Of a link that was only made Podium's word is no proof of anything.
    pub news: Option<DeliveryNews>,
    /// Whether it was followed.
    pub clicked: bool,
    /// The reviews that came of it.
    pub reviews: Vec<ProviderId>,
}

impl std::fmt::Debug for InviteLinkEvent {
    /// Without the number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InviteLinkEvent")
            .field("uid", &self.uid)
            .field("news", &self.news)
            .field("clicked", &self.clicked)
            .field("reviews", &self.reviews)
            .finish_non_exhaustive()
    }
}

/// Reads an event that has to do with reviews; `kind` is in lower case.
pub(super) fn read(kind: &str, data: &Value) -> Option<What> {
    match kind {
        "review.received" | "review.created" | "review.updated" => Some(What::Review(Box::new(review(data)))),
        "review.response_created" | "review.response_updated" => Some(What::ReviewResponse { review: answered(data) }),
        "review.invite_link_created" | "review.invite_link_updated" => {
            Some(What::InviteLink(Box::new(invite_link(data))))
        }
        "review_invitation.sent" => Some(invitation(data, DeliveryNews::Sent, None)),
        "review_invitation.delivered" => Some(invitation(data, DeliveryNews::Delivered, None)),
        "review_invitation.failed" => {
            let reason = failure_reason(data);
            Some(invitation(data, DeliveryNews::Failed(failure_kind(reason.as_deref())), reason))
        }
        _ => None,
    }
}

/// The invitation that something names as its own.
pub(super) fn invitation_of(value: &Value) -> Option<ProviderId> {
    one(value, &INVITATION)
}

const UID: [&str; 2] = ["uid", "id"];
const INVITATION: [&str; 6] = [
    "reviewInvitationUid",
    "review_invitation_uid",
    "invitation_uid",
    "invitationUid",
    "invitation_id",
    "invitationId",
];
const REVIEW: [&str; 4] = ["reviewUid", "review_uid", "reviewId", "review_id"];

fn one(value: &Value, paths: &[&str]) -> Option<ProviderId> {
    super::fields::id(value, paths)
}

/// A review as Podium writes it has a part `review` of its own; some senders write the whole as that part, and the
/// brief has no parts at all. Each place where a field may stand, the outermost first.
struct Places<'a>(Vec<&'a Value>);

impl<'a> Places<'a> {
    fn of(data: &'a Value) -> Self {
        let part = |value: &'a Value| value.get("review").filter(|v| v.is_object());
        let inner = part(data);
        Self([Some(data), inner, inner.and_then(part)].into_iter().flatten().collect())
    }

    /// The first of the names that says something anywhere.
    fn outer<T>(&self, names: &[&str], read: impl Fn(&'a Value, &[&str]) -> Option<T>) -> Option<T> {
        names.iter().find_map(|name| self.0.iter().find_map(|place| read(place, &[name])))
    }

    /// The same, the innermost place first: what is said of the review itself.
    fn inner<T>(&self, names: &[&str], read: impl Fn(&'a Value, &[&str]) -> Option<T>) -> Option<T> {
        names.iter().find_map(|name| self.0.iter().rev().find_map(|place| read(place, &[name])))
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().flat_map(move |place| list(place, &[name]).iter()).take(MANY)
    }
}

fn review(data: &Value) -> ReviewEvent {
    let places = Places::of(data);
    ReviewEvent {
        uid: places.outer(&UID, one).or_else(|| places.outer(&REVIEW, one)),
        rating: rating(&places),
        platform: places.inner(&["siteName", "site_name", "platform", "source"], |v, p| platform(&text(v, p)?)),
        locations: locations(&places),
        invitations: invitations(&places),
        author: author(&places),
        text: places.inner(&["body", "text", "comment"], text),
        url: places.inner(&["url", "reviewUrl", "review_url"], |v, p| address(&text(v, p)?)),
        changed_at: places
            .outer(&["updatedAt", "updated_at", "createdAt", "created_at", "publishDate", "publish_date"], moment),
        responded: responded(&places),
    }
}

fn rating(places: &Places<'_>) -> RatingClaim {
    let said = places.inner(&["rating"], |v, p| at(v, p)).map_or(RatingClaim::Unrated, stars);
    if matches!(said, RatingClaim::Rated(_)) {
        return said;
    }
    let flag = ["isRecommendation", "is_recommendation"];
    let recommendation = places.outer(&flag, |v, p| truth(at(v, p)?)) == Some(true);
    let words = ["recommended", "recommends", "recommendationType", "recommendation_type"];
    let recommended = || places.inner(&words, |v, p| recommended(at(v, p)?));
    match recommendation.then(recommended).flatten().and_then(|yes| Rating::new(if yes { 5 } else { 1 })) {
        Some(rating) => RatingClaim::Rated(rating),
        None => said,
    }
}

/// A number of stars, as a number or in quotes.
fn stars(value: &Value) -> RatingClaim {
    let number = match value {
        Value::Null => return RatingClaim::Unrated,
        Value::Number(number) => number.as_f64(),
        Value::String(word) => match word.trim() {
            "" => return RatingClaim::Unrated,
            word if word.chars().all(|c| c.is_ascii_digit() || c == '.') => word.parse().ok(),
            _ => None,
        },
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    // A whole number is written without a fraction, and only five of them can be read back.
    let stars = number.and_then(|n: f64| Rating::new(n.to_string().parse().ok()?));
    stars.map_or(RatingClaim::Unusable, RatingClaim::Rated)
}

/// Whether somebody recommends the shop; only what says so clearly.
fn recommended(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "positive" | "recommended" => Some(true),
            "false" | "no" | "negative" | "not_recommended" => Some(false),
            _ => None,
        },
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn platform(name: &str) -> Option<String> {
    let kept = name.chars().map(|c| c.to_ascii_lowercase());
    let kept = kept.filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-'));
    Some(kept.take(PLATFORM_CHARS_MAX).collect()).filter(|word: &String| !word.is_empty())
}

fn locations(places: &Places<'_>) -> Vec<LocationUid> {
    let uid = |value: &Value| LocationUid::try_from(as_text(value)?.trim()).ok();
    let listed = places.list("locations").filter_map(|l| super::fields::id(l, &UID).or_else(|| uid(l)));
    let named = places.outer(&["location_uid", "locationUid", "location.uid", "location"], |v, p| uid(at(v, p)?));
    once(listed.chain(named))
}

fn invitations(places: &Places<'_>) -> Vec<ProviderId> {
    let listed = places.list("attributions").filter_map(invitation_of);
    once(listed.chain(places.outer(&INVITATION, one)))
}

/// Each once, in their order. They are few: [`MANY`] caps every list.
fn once<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(Vec::new(), |mut found, next| {
        if !found.contains(&next) {
            found.push(next);
        }
        found
    })
}

fn author(places: &Places<'_>) -> Option<String> {
    let names = ["author.name", "author", "authorName", "author_name", "reviewer.name", "reviewer_name"];
    places.outer(&names, |v, p| Some(tidy(&text(v, p)?)).filter(|n| !n.is_empty()))
}

/// Something that may be shown as a link: nothing in it can end one and begin something else.
fn address(url: &str) -> Option<String> {
    let url = url.trim();
    let host = url.get(..8).filter(|start| start.eq_ignore_ascii_case("https://")).and_then(|_| url.get(8..))?;
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '|' | '`' | '\\');
    let named = host.starts_with(|c: char| c.is_ascii_alphanumeric());
    (named && url.len() <= URL_CHARS_MAX && url.chars().all(plain)).then(|| url.to_owned())
}

fn responded(places: &Places<'_>) -> bool {
    let stands = |answer: &Value| {
        let deleted = at(answer, &["isDeleted", "is_deleted"]).and_then(truth);
        answer.is_object() && deleted != Some(true)
    };
    places.list("responses").any(stands) || places.outer(&["response"], |v, p| at(v, p)).is_some_and(stands)
}

/// The review that an answer belongs to. What is told is the review with its answers, or the answer alone, whose own id
/// is not the review's.
fn answered(data: &Value) -> Option<ProviderId> {
    let alone = at(data, &["isDeleted", "is_deleted", "siteAuthorName", "site_author_name"]).is_some();
    let review = at(data, &["review"]).is_some_and(Value::is_object) || at(data, &["responses"]).is_some();
    one(data, &REVIEW)
        .or_else(|| one(data, &["review.uid", "review.id"]))
        .or_else(|| if review && !alone { one(data, &UID) } else { None })
}

fn invite_link(data: &Value) -> InviteLinkEvent {
    let phone = text(data, &["channel.identifier", "phoneNumber", "phone_number", "phone"]);
    let mut reviews: Vec<ProviderId> = Vec::new();
    for uid in list(data, &["attributions"]).iter().take(MANY).filter_map(|a| one(a, &REVIEW)) {
        if !reviews.contains(&uid) {
            reviews.push(uid);
        }
    }
    let clicked = at(data, &["linkClicked", "link_clicked"]).and_then(truth);
    InviteLinkEvent {
        uid: one(data, &UID),
        phone: phone.filter(|p| !p.contains('@')),
        news: delivery_status(data, failure_reason(data).as_deref()).filter(|_| !only_made(data)),
        clicked: clicked.unwrap_or_else(|| text(data, &["linkClickedAt", "link_clicked_at"]).is_some()),
        reviews,
    }
}

/// Whether Podium made the link and did not send it: what it says about its delivery is then about nothing.
fn only_made(data: &Value) -> bool {
    let names = ["sender.sentThrough", "sender.sent_through", "sentThrough", "sent_through"];
    text(data, &names).is_some_and(|through| through.trim().eq_ignore_ascii_case("generated_link_only"))
}

/// What `deliveryStatus` says.
pub(super) fn delivery_status(value: &Value, reason: Option<&str>) -> Option<DeliveryNews> {
    match text(value, &["deliveryStatus", "delivery_status"])?.trim().to_ascii_lowercase().as_str() {
        "sent" => Some(DeliveryNews::Sent),
        "delivered" => Some(DeliveryNews::Delivered),
        "failed" => Some(DeliveryNews::Failed(failure_kind(reason))),
        _ => None,
    }
}

fn invitation(data: &Value, news: DeliveryNews, reason: Option<String>) -> What {
    What::Invitation {
        invitation: one(data, &["invitation_id", "invitationId", "invitation.id", "uid", "id"]),
        phone: text(data, &["phone", "contact.phone", "recipient.phone", "channel.identifier"]),
        news,
        reason,
    }
}
