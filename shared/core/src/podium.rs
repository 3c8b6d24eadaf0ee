//! Podium's events. Both pictures of Podium (design, section 7), old and new spellings, single events and batches become
//! one form here; what cannot be read becomes a reason, never a fault.
//!
//! Podium stops a webhook's whole line behind a delivery that is not answered 2xx, and in the end disables it. So this
//! reads leniently: a field of the wrong type is missing, an unknown event is kept and shown, and only what a message
//! means for a person is judged strictly, later, by its worker.

mod failure;
mod fields;
mod news;
mod read;
mod reviews;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_reviews;
mod widget;

pub use failure::{failure_kind, refused_for_opt_out};
pub use news::OptOutNews;
pub(crate) use news::stop_of;
pub use read::{Item, items, parse};
pub use reviews::{InviteLinkEvent, ReviewEvent};
pub use widget::{WidgetAttachment, WidgetMessage};

use crate::{
    contact::{OptOutFlag, OptOutSource},
    ids::{ConversationUid, EventId, GroupId, LocationUid, ProviderId},
    inbox::BodySha256,
    outbox::DeliveryNews,
    phone::{E164Phone, PhoneReject, Region},
    time::UnixMillis,
};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodiumEvent {
    /// What makes it unique.
    pub id: EventId,
    /// The sender's name for its kind, cut and cleaned; for people only.
    pub event_type: Option<String>,
    /// When it happened, if it says.
    pub occurred_at: Option<UnixMillis>,
    /// What it is.
    pub what: What,
}

impl PodiumEvent {
    /// When it happened. What says nothing happened when it arrived, and so did what comes from the future: nothing said
    /// later could be newer.
    #[must_use]
    pub fn happened_at(&self, received_at: UnixMillis) -> UnixMillis {
        self.occurred_at.unwrap_or(received_at).min(received_at)
    }

    /// Whether it is a message of the shop's own form: its id is made of what it says.
    #[must_use]
    pub fn is_from_widget(&self) -> bool {
        matches!(&self.what, What::Received(message) if message.from_widget)
    }

    /// What it says became of something sent to a customer, and by which ids that goes. `None` when it says nothing, or
    /// of nothing that has an id.
    #[must_use]
    pub fn delivery(&self) -> Option<(Vec<ProviderId>, DeliveryNews)> {
        let ids_of = |message: &Message| message.uid.iter().chain(&message.invitation).cloned().collect();
        let (mut ids, news): (Vec<ProviderId>, DeliveryNews) = match &self.what {
            What::Sent(message) => {
                // That a part of it failed says the event of its failure, if the whole did.
                let arrived = message.delivery == Some(DeliveryNews::Delivered);
                (ids_of(message), if arrived { DeliveryNews::Delivered } else { DeliveryNews::Sent })
            }
            What::Failed { message, reason } => {
                (ids_of(message), DeliveryNews::Failed(failure_kind(reason.as_deref())))
            }
            What::Invitation { invitation, news, .. } => (invitation.iter().cloned().collect(), *news),
            What::InviteLink(link) => (link.uid.iter().cloned().collect(), link.news?),
            What::Received(_) | What::Contact(_) | What::Review(_) | What::ReviewResponse { .. } | What::Other => {
                return None;
            }
        };
        ids.dedup();
        (!ids.is_empty()).then_some((ids, news))
    }
}

/// What an event is.
#[derive(Clone, PartialEq, Eq)]
pub enum What {
    /// A customer wrote.
    Received(Box<Message>),
    /// Somebody wrote to a customer.
    Sent(Box<Message>),
    /// A message to a customer failed.
    Failed {
        /// The message.
        message: Box<Message>,
        /// Podium's reason, free text.
        reason: Option<String>,
    },
    /// A contact was made, changed, merged or deleted.
    Contact(Box<ContactEvent>),
    /// A review was written or changed.
    Review(Box<ReviewEvent>),
    /// The shop answered a review.
    ReviewResponse {
        /// Which, if it says.
        review: Option<ProviderId>,
    },
    /// A link that asks for a review was made, sent or followed.
    InviteLink(Box<InviteLinkEvent>),
    /// What became of a review invitation (briefs' contract).
    Invitation {
        /// Which.
        invitation: Option<ProviderId>,
        /// To whom, if it says.
        phone: Option<String>,
        /// What became of it.
        news: DeliveryNews,
        /// Podium's reason for a failure.
        reason: Option<String>,
    },
    /// Anything else: kept, shown, and nothing to do.
    Other,
}

impl std::fmt::Debug for What {
    /// Without numbers; and without reasons, which are free text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Received(message) => f.debug_tuple("Received").field(message).finish(),
            Self::Sent(message) => f.debug_tuple("Sent").field(message).finish(),
            Self::Failed { message, reason } => {
                let kind = failure_kind(reason.as_deref());
                f.debug_struct("Failed").field("message", message).field("kind", &kind).finish_non_exhaustive()
            }
            Self::Contact(event) => f.debug_tuple("Contact").field(event).finish(),
            Self::Review(review) => f.debug_tuple("Review").field(review).finish(),
            Self::ReviewResponse { review } => f.debug_struct("ReviewResponse").field("review", review).finish(),
            Self::InviteLink(link) => f.debug_tuple("InviteLink").field(link).finish(),
            Self::Invitation { invitation, news, .. } => {
                f.debug_struct("Invitation").field("invitation", invitation).field("news", news).finish_non_exhaustive()
            }
            Self::Other => f.write_str("Other"),
        }
    }
}

/// Through which channel a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A website's chat.
    Webchat,
    /// A text.
    Sms,
    /// E-mail and the social networks: no phone.
    Other,
}

impl Channel {
    /// The source of an opt-out that comes this way.
    #[must_use]
    pub const fn source(self) -> OptOutSource {
        match self {
            Self::Webchat => OptOutSource::Webchat,
            Self::Sms => OptOutSource::Sms,
            Self::Other => OptOutSource::Email,
        }
    }
}

/// Which location a message claims to be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocationClaim {
    /// None.
    Missing,
    /// Something that cannot be a location's uid.
    Unreadable,
    /// This one; whether it exists is another question.
    Named(LocationUid),
}

/// A message, from or to a customer.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub uid: Option<ProviderId>,
    /// Its words.
    pub text: Option<String>,
    /// The customer's number, as written.
    pub phone: Option<String>,
    /// The customer's e-mail address, where that is the channel, or where the shop's own form asked for it.
    pub email: Option<String>,
    /// The country that the message says it is from.
    pub country: Option<String>,
    /// How it came.
    pub channel: Channel,
    /// The location.
    pub location: LocationClaim,
    /// The conversation.
    pub conversation: Option<ConversationUid>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// What is attached.
    pub attachments: Vec<Attachment>,
    /// When it was written, if it says.
    pub at: Option<UnixMillis>,
    /// What it says about its delivery, if it is one to a customer.
    pub delivery: Option<DeliveryNews>,
    /// The review invitation that it carries, if it is one to a customer and says so.
    pub invitation: Option<ProviderId>,
    /// It came in through the shop's own form, which writes [`WidgetMessage::body`]: Podium does not have it yet, and whose
    /// number was typed there is not proved.
    pub from_widget: bool,
}

impl std::fmt::Debug for Message {
    /// Without words, names and numbers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("uid", &self.uid)
            .field("channel", &self.channel)
            .field("location", &self.location)
            .field("conversation", &self.conversation)
            .field("attachments", &self.attachments.len())
            .field("at", &self.at)
            .field("delivery", &self.delivery)
            .field("invitation", &self.invitation)
            .field("from_widget", &self.from_widget)
            .finish_non_exhaustive()
    }
}

impl Message {
    /// The source of an opt-out that it holds.
    #[must_use]
    pub const fn source(&self) -> OptOutSource {
        if self.from_widget { OptOutSource::Widget } else { self.channel.source() }
    }

    /// The customer's number, read with the country that the message names, else with the location's.
    ///
    /// # Errors
    /// Why it is none; `None` when there is none at all.
    pub fn customer(&self, location_country: Option<Region>) -> Result<E164Phone, Option<PhoneReject>> {
        let raw = self.phone.as_deref().ok_or(None)?;
        let own = self.country.as_deref().filter(|c| Region::try_from(*c).is_ok_and(Region::is_known));
        let country = own.or(location_country.as_ref().map(Region::as_str));
        crate::phone::normalize(raw, country).map(|n| n.e164).map_err(Some)
    }

    /// Names the message for ever: two webhooks that both tell of it have ids of their own.
    #[must_use]
    pub fn name(&self, event: &EventId) -> EventId {
        let own = self.uid.as_ref().and_then(|uid| EventId::try_from(uid.as_str()).ok());
        own.unwrap_or_else(|| event.clone())
    }

    /// SHA-256 of its words, in hex: the proof of what was said.
    #[must_use]
    pub fn text_sha256(&self) -> Option<String> {
        self.text.as_ref().map(|t| BodySha256::of(t.as_bytes()).as_str().to_owned())
    }

    /// The last four digits of the customer's number, for audit lines, even of one that is no number.
    #[must_use]
    pub fn phone_last4(&self) -> Option<String> {
        let digits: Vec<char> = self.phone.as_deref()?.chars().filter(char::is_ascii_digit).collect();
        // Of a short one, four would be all there is.
        digits
            .len()
            .checked_sub(4)
            .filter(|hidden| *hidden >= 4)
            .and_then(|hidden| Some(digits.get(hidden..)?.iter().collect()))
    }

    /// The line in which it is to be worked on: the customer's, however the number is written.
    #[must_use]
    pub fn group(&self, event: &EventId) -> GroupId {
        let digits: String = self.phone.iter().flat_map(|p| p.chars()).filter(char::is_ascii_digit).collect();
        // National and international spellings of a number end alike. Strangers who share a line only wait for each other.
        let tail = digits.get(digits.len().saturating_sub(8)..).filter(|t| t.len() == 8);
        let conversation = self.conversation.as_ref().map(ConversationUid::as_str);
        GroupId::of(tail.or(conversation).unwrap_or(event.as_str()))
    }
}

/// Something attached to a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// What the event says about its size.
    pub size: ClaimedSize,
    /// Where it lies.
    pub url: Option<String>,
    /// What the customer calls it.
    pub name: Option<String>,
    /// What kind of file it is: `image/png`.
    pub mime: Option<String>,
}

impl Attachment {
    /// One of which no more is known than its size and where it lies.
    pub(crate) const fn of(size: ClaimedSize, url: Option<String>) -> Self {
        Self { size, url, name: None, mime: None }
    }
}

impl std::fmt::Debug for Attachment {
    /// Without its name, and without the address, which opens it to anybody.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attachment({:?})", self.size)
    }
}

/// What an event says about an attachment's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimedSize {
    /// So many bytes.
    Bytes(u64),
    /// Something that is no number of bytes.
    Unusable,
    /// Nothing.
    Absent,
}

/// What happened to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactChange {
    /// Made.
    Created,
    /// Changed.
    Updated,
    /// Two became one.
    Merged,
    /// Deleted.
    Deleted,
    /// A write that changed nothing, or something that this version does not know.
    Unchanged,
}

/// A change of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactEvent {
    /// What happened.
    pub change: ContactChange,
    /// The contact before; the loser, when two became one.
    pub before: Option<Snapshot>,
    /// The contact after.
    pub after: Option<Snapshot>,
}

/// A contact at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Its uid.
    pub uid: Option<ProviderId>,
    /// Its numbers, those of its channels included.
    pub phones: Vec<E164Phone>,
    /// When texts to one of its numbers were opted out of; by number.
    pub opted_out: Vec<(E164Phone, UnixMillis)>,
    /// Numbers whose channel is shown without an opt-out.
    pub not_opted_out: Vec<E164Phone>,
    /// The locations that may send marketing, by number. Only numbers whose list is shown.
    pub marketing: Vec<(E164Phone, Vec<String>)>,
    /// The contact's locations.
    pub locations: Vec<String>,
    /// The flags that a field or attribute of the contact spells out.
    pub flags: Vec<(OptOutFlag, bool)>,
    /// When it was last changed.
    pub updated_at: Option<UnixMillis>,
}
