//! What is asked of the providers, and what their answers mean for what we may do next.

use std::time::Duration;

use thiserror::Error;

use crate::{
    directory::KnownLocation,
    gate::Permit,
    ids::{ConversationUid, EventId, LocationUid, OrderId, ProviderId, ShopDomain},
    outbox::{DeliveryNews, Invite},
    phone::E164Phone,
    review::Platform,
    time::UnixMillis,
};

/// Whom we call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Messaging and reviews.
    Podium,
    /// The shop.
    Shopify,
    /// Conversations on the shop's own Chatwoot.
    Chatwoot,
    /// The model behind the assistant.
    Agent,
    /// Writes down voice messages.
    Speech,
    /// The catalogue.
    Catalogue,
    /// Storage for what customers send along.
    Uploads,
}

impl Provider {
    /// The name in keys and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Podium => "podium",
            Self::Shopify => "shopify",
            Self::Chatwoot => "chatwoot",
            Self::Agent => "agent",
            Self::Speech => "speech",
            Self::Catalogue => "catalogue",
            Self::Uploads => "uploads",
        }
    }
}

/// A call that certainly had no effect and may be made again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotDone {
    /// The provider wants to be left alone for a while (429, 503, a throttled query).
    #[error("{} asks to wait {} s", provider.as_str(), wait.as_secs())]
    Throttled {
        /// Who.
        provider: Provider,
        /// How long, already capped.
        wait: Duration,
    },
    /// It could not be reached, or we could not prove who we are.
    #[error("{} cannot be used: {detail}", provider.as_str())]
    Unavailable {
        /// Who.
        provider: Provider,
        /// What happened; never holds customers' data or credentials.
        detail: String,
    },
}

impl NotDone {
    /// A provider that cannot be used, and why; no word of the reason may come from a customer.
    #[must_use]
    pub fn unavailable(provider: Provider, detail: impl Into<String>) -> Self {
        Self::Unavailable { provider, detail: detail.into() }
    }

    /// Who cannot help.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        match self {
            Self::Throttled { provider, .. } | Self::Unavailable { provider, .. } => *provider,
        }
    }
}

/// A refusal that another attempt would not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The number is not one that can be texted.
    InvalidPhone,
    /// The provider's own cooldown.
    CooldownViolation,
    /// The person opted out at the provider.
    OptedOut,
    /// Any other 4xx.
    Other {
        /// The HTTP status.
        status: u16,
    },
}

/// What became of a call that a customer would notice.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendFailure {
    /// It certainly did not happen.
    #[error(transparent)]
    NotSent(#[from] NotDone),
    /// The permit ran out before the call was made; the gate has to be asked again.
    #[error("the permit ran out before the call was made")]
    PermitExpired,
    /// The provider refused, for good.
    #[error("the provider refused: {0:?}")]
    Refused(Refusal),
    /// The request left us and no usable answer came: nobody knows.
    #[error("no usable answer: {detail}")]
    Ambiguous {
        /// What happened; never holds customers' data.
        detail: String,
    },
}

/// A review request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewSend {
    /// From which location.
    pub location: LocationUid,
    /// Where the person is asked to review.
    pub platform: Platform,
    /// The link, where the contract has us send one ourselves.
    pub invite: Option<Invite>,
    /// The text, where the contract has us write it ourselves; empty otherwise.
    pub text: String,
    /// The order, for the provider's records.
    pub order: OrderId,
}

/// What to look for when nobody knows whether a message went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookUp {
    /// To whom it went, if it did.
    pub phone: E164Phone,
    /// From which location.
    pub location: LocationUid,
    /// The link that it holds, if the contract has us send one.
    pub invite: Option<Invite>,
    /// When it was begun.
    pub began_at: UnixMillis,
}

/// What the provider knows about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookUpAnswer {
    /// It went out.
    Sent {
        /// Its id.
        message: ProviderId,
    },
    /// It clearly did not.
    NotSent,
    /// This contract offers no way to tell.
    CannotTell,
}

/// Asks people for reviews. Both Podium contracts stand behind this.
pub trait Reviews {
    /// Makes the link to send, where the contract needs one. Not noticed by the customer.
    async fn prepare(&self, permit: &Permit, location: &LocationUid) -> Result<Option<Invite>, SendFailure>;

    /// Sends the request to the permit's person. Consumes the permit: one permit, one message.
    async fn send(&self, permit: Permit, send: &ReviewSend) -> Result<ProviderId, SendFailure>;

    /// Asks whether an earlier send went out.
    async fn look_up(&self, what: &LookUp) -> Result<LookUpAnswer, NotDone>;
}

/// Shopify's view of the money of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Financial {
    /// Nothing against asking.
    Settled,
    /// Some of it went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
    /// The payment was voided or has expired.
    Voided,
}

/// Consent to marketing texts as the shop recorded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmsConsent {
    /// Given.
    Subscribed,
    /// Taken back: an opt-out.
    Unsubscribed,
    /// Never asked, pending, or not known.
    NotGiven,
}

/// An order as it is right before the send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderNow {
    /// A test order.
    pub test: bool,
    /// Cancelled.
    pub cancelled: bool,
    /// Its money.
    pub financial: Financial,
    /// A return is asked for or on its way.
    pub return_open: bool,
    /// Everything is shipped.
    pub fulfilled: bool,
    /// Bought by a company.
    pub b2b: bool,
    /// Sold over a counter.
    pub point_of_sale: bool,
    /// Consent to texts, for the number on the customer's record.
    pub consent: SmsConsent,
    /// The number that the consent is about; `None` when Shopify does not say.
    pub consent_phone: Option<E164Phone>,
    /// When Shopify last changed the order; dates the consent for want of better.
    pub updated_at: Option<UnixMillis>,
    /// When the newest shipment that succeeded was made.
    pub fulfilled_at: Option<UnixMillis>,
    /// When the newest shipment was delivered, as far as its carrier says; `None` while any is on its way or unknown.
    pub delivered_at: Option<UnixMillis>,
    /// The tags of the order and of its customer.
    pub tags: Vec<String>,
    /// When the newest refund was made.
    pub refunded_at: Option<UnixMillis>,
    /// The shipping address's country, two capitals.
    pub country: Option<String>,
    /// The shipping address's time zone, an IANA name.
    pub time_zone: Option<String>,
}

/// Reads orders.
pub trait Orders {
    /// The order as it is now; `None` when the shop has no such order (any more).
    async fn order(&self, shop: &ShopDomain, order: OrderId) -> Result<Option<OrderNow>, NotDone>;
}

/// What became of a call that no customer notices. There is no "nobody knows": such a call may always be made again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallFailure {
    /// It did not happen, or its answer was lost.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// The provider refused; asking again would not help.
    #[error("the provider refused with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
}

/// A message within a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Say {
    /// From which location.
    pub location: LocationUid,
    /// In which conversation, where the contract wants to know.
    pub conversation: Option<ConversationUid>,
    /// The words.
    pub text: String,
}

impl std::fmt::Debug for Say {
    /// Without the words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Say({} characters from {})", self.text.chars().count(), self.location)
    }
}

/// Sends plain messages.
pub trait Messages {
    /// Sends a message to the permit's person. Consumes the permit: one permit, one message.
    async fn say(&self, permit: Permit, what: &Say) -> Result<ProviderId, SendFailure>;

    /// Asks whether an earlier message went out: the same words to the same person, not before `began_at`.
    async fn look_up_said(&self, phone: &E164Phone, what: &Say, began_at: UnixMillis) -> Result<LookUpAnswer, NotDone>;
}

/// What the shop's people see of a conversation. A customer notices none of it, so it needs no permit.
pub trait Desk {
    /// Leaves a note for the people who answer.
    async fn note(&self, conversation: &ConversationUid, text: &str) -> Result<(), CallFailure>;

    /// Closes a conversation, or opens it again. One that is as wanted already stays so.
    async fn set_closed(&self, conversation: &ConversationUid, closed: bool) -> Result<(), CallFailure>;
}

/// A customer's message that came in elsewhere and is to be seen in the provider's conversation too.
#[derive(Clone, PartialEq, Eq)]
pub struct Import {
    /// Who wrote.
    pub phone: E164Phone,
    /// What the provider is to call them. Never empty.
    pub contact_name: String,
    /// To which location.
    pub location: LocationUid,
    /// The words.
    pub text: String,
    /// When they were written.
    pub at: UnixMillis,
}

impl std::fmt::Debug for Import {
    /// Without the words and the name; the number prints masked.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let characters = self.text.chars().count();
        write!(f, "Import({characters} characters of {} to {}, {})", self.phone, self.location, self.at.get())
    }
}

/// What the provider says of an import that it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The message's id there, if it was said.
    pub message: Option<ProviderId>,
    /// The conversation that shows it, if it was said.
    pub conversation: Option<ConversationUid>,
}

/// Shows the shop's people at the provider what a customer wrote elsewhere. Nobody is sent anything.
pub trait Imports {
    /// Puts the message into the customer's conversation. Repeated, it is there twice: no customer notices that, the shop's
    /// people do.
    async fn import(&self, what: &Import) -> Result<Imported, CallFailure>;
}

/// A contact as the provider shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct ListedContact {
    /// Its uid.
    pub uid: ProviderId,
    /// What the shop's people call it; `None` where there is no name, or only one that we made up.
    pub name: Option<String>,
    /// Its numbers.
    pub phones: Vec<E164Phone>,
    /// Whether the provider says that this person wants no messages.
    pub opted_out: bool,
}

impl std::fmt::Debug for ListedContact {
    /// Without the name; the numbers print masked.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListedContact")
            .field("uid", &self.uid)
            .field("phones", &self.phones)
            .field("opted_out", &self.opted_out)
            .finish_non_exhaustive()
    }
}

/// A contact to be made at the provider.
#[derive(Clone, PartialEq, Eq)]
pub struct NewContact {
    /// The number.
    pub phone: E164Phone,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// The location that was written to.
    pub location: LocationUid,
}

impl std::fmt::Debug for NewContact {
    /// Without the name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewContact({} at {})", self.phone, self.location)
    }
}

/// What became of [`ContactBook::create_contact`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// Made; the published contract does not say the uid.
    Made {
        /// Its uid, if it was said.
        uid: Option<ProviderId>,
    },
    /// There is one already (409).
    Exists,
}

/// What names a contact without its phone.
#[derive(Clone, PartialEq, Eq)]
pub enum ContactHandle {
    /// An e-mail address.
    Email(String),
    /// A conversation with it.
    Conversation(ConversationUid),
}

impl std::fmt::Debug for ContactHandle {
    /// Without the address.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Email(_) => f.write_str("Email(***)"),
            Self::Conversation(uid) => write!(f, "Conversation({uid})"),
        }
    }
}

/// How the provider is told of an opt-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptOutMirror {
    /// A tag on the contact.
    Tag,
    /// Out of all campaigns; Podium has to allow the app to do this.
    CampaignOptOut,
    /// A field of the contact, which only the briefs' contract has.
    BriefPatch,
}

/// What became of [`ContactBook::mirror`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirrored {
    /// The provider knows.
    Told,
    /// It has no such contact.
    NoContact,
}

/// The provider's contacts.
pub trait ContactBook {
    /// The contact with this very number. What the provider lists first is not believed: its numbers are compared.
    async fn find_contact(
        &self,
        phone: &E164Phone,
        location: Option<&LocationUid>,
    ) -> Result<Option<ListedContact>, CallFailure>;

    /// Makes a contact. Only for one that is not there: the provider would overwrite its name.
    async fn create_contact(&self, new: &NewContact) -> Result<Created, CallFailure>;

    /// The contact of somebody who wrote without a phone.
    async fn contact_of(&self, who: &ContactHandle) -> Result<Option<ListedContact>, CallFailure>;

    /// Tells the provider that somebody wants no messages, or wants them again.
    async fn mirror(
        &self,
        phone: &E164Phone,
        uid: Option<&ProviderId>,
        how: OptOutMirror,
        opted_out: bool,
    ) -> Result<Mirrored, CallFailure>;
}

/// The provider's locations.
pub trait LocationList {
    /// All that are not archived.
    async fn list_locations(&self) -> Result<Vec<KnownLocation>, CallFailure>;
}

/// How large an attachment is, as its host says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// So many bytes.
    Bytes(u64),
    /// The host is not one that may be asked, or does not say, or has it no more.
    Unknown,
}

/// Looks at attachments without loading them.
pub trait Attachments {
    /// The size of what lies at `url`, from hosts that are allowed only.
    async fn measure(&self, url: &str) -> Result<Measured, NotDone>;
}

/// What to ask the provider about something that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryLookUp {
    /// To whom it went.
    pub phone: E164Phone,
    /// The provider's id of it.
    pub message: ProviderId,
    /// When it was taken.
    pub accepted_at: UnixMillis,
}

/// Says what became of what was sent.
pub trait Deliveries {
    /// What the provider knows of it; `None` when it does not know (yet), or has no way to say.
    async fn delivery(&self, what: &DeliveryLookUp) -> Result<Option<DeliveryNews>, NotDone>;
}

/// A list in which a provider shows what it should have told us by webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feed {
    /// Podium's reviews, by the time of their last change.
    PodiumReviews,
    /// Podium's messages, by conversation.
    PodiumMessages,
    /// Shopify's orders, by the time of their last change.
    ShopifyOrders,
}

impl Feed {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PodiumReviews, Self::PodiumMessages, Self::ShopifyOrders];

    /// The name in keys and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PodiumReviews => "podium-reviews",
            Self::PodiumMessages => "podium-messages",
            Self::ShopifyOrders => "shopify-orders",
        }
    }

    /// Whose list it is.
    #[must_use]
    pub const fn provider(self) -> Provider {
        match self {
            Self::PodiumReviews | Self::PodiumMessages => Provider::Podium,
            Self::ShopifyOrders => Provider::Shopify,
        }
    }
}

/// Something out of a provider's list, in the form in which its webhook would have brought it.
#[derive(Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Its id: made of what it is and when it changed, so that it is the same whenever it is listed.
    pub id: EventId,
    /// The kind of event.
    pub topic: String,
    /// What the webhook's body would have been.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Recovered {
    /// Without the body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recovered({}, {} bytes)", self.id, self.body.len())
    }
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// What is in it, in the list's order.
    pub found: Vec<Recovered>,
    /// Where the rest begins; `None` at the end of the list.
    pub next: Option<String>,
}

/// Lists what providers know.
pub trait Backlog {
    /// A part of what changed from `from` on and up to `to`.
    async fn list(
        &self,
        feed: Feed,
        from: UnixMillis,
        to: UnixMillis,
        cursor: Option<&str>,
    ) -> Result<Listed, CallFailure>;
}

/// How often something happened in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// What is counted, a word of ours.
    pub what: &'static str,
    /// When it happened.
    pub now: UnixMillis,
    /// The stretch; all counting within one shares a counter.
    pub window: Duration,
    /// So many are one too many.
    pub limit: u32,
}

/// Times until which a provider is left alone, and counters.
pub trait Limits {
    /// Counts one, and says whether the limit is reached by now and nobody has been told in this stretch yet: `true` once.
    async fn tally(&self, tally: &Tally) -> Result<bool, crate::store::StoreError>;

    /// Pauses a provider for everybody, at least until `until`; never shortens a longer pause.
    async fn pause(&self, provider: Provider, until: UnixMillis) -> Result<(), crate::store::StoreError>;

    /// Until when the provider is paused, if it is at `now`.
    async fn paused_until(
        &self,
        provider: Provider,
        now: UnixMillis,
    ) -> Result<Option<UnixMillis>, crate::store::StoreError>;
}
