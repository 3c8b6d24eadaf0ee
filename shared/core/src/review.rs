//! Who is asked for a review, where, and in which words.
//!
//! Nothing in this module can see a rating, a sentiment or a complaint: asking only those who will be kind is review
//! gating, which Google forbids and courts have fined. [`SkipReason`] is closed for the same reason.

use std::time::Duration;

use crate::{
    contact::Objection,
    hours::{AllowedHours, Whereabouts, Zone},
    ids::LocationUid,
    phone::E164Phone,
    provider::{Financial, OrderNow, Refusal, SmsConsent},
    request::{Postpone, ReviewRequest, Wait},
    review_code::ReviewCode,
    time::{DAY, UnixMillis},
};

/// Why an order's customer is not asked. Neutral, fixed rules only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// A test order.
    TestOrder,
    /// Sold over a counter.
    PointOfSale,
    /// Bought by a company.
    B2b,
    /// Cancelled before the send.
    Cancelled,
    /// Refunded before the send.
    Refunded,
    /// Partly refunded before the send, where the shop chose to skip such orders.
    PartiallyRefunded,
    /// The payment was voided.
    Voided,
    /// No number on the order that belongs to the buyer.
    NoPhone,
    /// Shopify withholds personal data from this app.
    PiiWithheld,
    /// There is a number, but it is not one.
    PhoneInvalid,
    /// There is a number, but it cannot get texts.
    PhoneNotTextable,
    /// The location that shipped the order is not mapped to one of Podium's.
    UnmappedLocation,
    /// The person opted out, somewhere.
    OptedOut,
    /// Another request was made too recently.
    Cooldown,
    /// No consent to texts on record, where the shop requires it.
    NoConsent,
    /// The shop has no such order any more.
    OrderMissing,
    /// The order is not (or no longer) fulfilled.
    NotFulfilled,
    /// Shipped so long ago that asking now would be odd; also guards against old orders that are merely edited.
    TooOld,
    /// No hour is allowed in every time zone that the customer may be in.
    NoAllowedHour,
    /// The provider's own cooldown.
    ProviderCooldown,
    /// The order or the customer carries a tag that the shop excludes from requests.
    ExcludedTag,
    /// The app was uninstalled from the shop: nothing may be done in its name.
    AppUninstalled,
    /// The person's data was erased before the send.
    Erased,
}

impl SkipReason {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::TestOrder,
        Self::PointOfSale,
        Self::B2b,
        Self::Cancelled,
        Self::Refunded,
        Self::PartiallyRefunded,
        Self::Voided,
        Self::NoPhone,
        Self::PiiWithheld,
        Self::PhoneInvalid,
        Self::PhoneNotTextable,
        Self::UnmappedLocation,
        Self::OptedOut,
        Self::Cooldown,
        Self::NoConsent,
        Self::OrderMissing,
        Self::NotFulfilled,
        Self::TooOld,
        Self::NoAllowedHour,
        Self::ProviderCooldown,
        Self::ExcludedTag,
        Self::AppUninstalled,
        Self::Erased,
    ];

    /// The stored word, also the metric's dimension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TestOrder => "test_order",
            Self::PointOfSale => "point_of_sale",
            Self::B2b => "b2b",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Voided => "voided",
            Self::NoPhone => "no_phone",
            Self::PiiWithheld => "pii_withheld",
            Self::PhoneInvalid => "phone_invalid",
            Self::PhoneNotTextable => "phone_not_textable",
            Self::UnmappedLocation => "unmapped_location",
            Self::OptedOut => "opted_out",
            Self::Cooldown => "cooldown",
            Self::NoConsent => "no_consent",
            Self::OrderMissing => "order_missing",
            Self::NotFulfilled => "not_fulfilled",
            Self::TooOld => "too_old",
            Self::NoAllowedHour => "no_allowed_hour",
            Self::ProviderCooldown => "provider_cooldown",
            Self::ExcludedTag => "excluded_tag",
            Self::AppUninstalled => "app_uninstalled",
            Self::Erased => "erased",
        }
    }

    /// The documented error code, for the reasons that have one.
    #[must_use]
    pub const fn code(self) -> Option<ReviewCode> {
        match self {
            Self::Cooldown => Some(ReviewCode::CooldownViolation),
            Self::Refunded | Self::PartiallyRefunded | Self::Voided | Self::Cancelled => {
                Some(ReviewCode::RefundBlocked)
            }
            Self::OptedOut => Some(ReviewCode::OptOutBlocked),
            Self::PhoneInvalid => Some(ReviewCode::PhoneNotE164),
            Self::PhoneNotTextable => Some(ReviewCode::NotSmsCapable),
            Self::ProviderCooldown => Some(ReviewCode::ProviderCooldown),
            Self::TestOrder
            | Self::PointOfSale
            | Self::B2b
            | Self::NoPhone
            | Self::PiiWithheld
            | Self::UnmappedLocation
            | Self::NoConsent
            | Self::OrderMissing
            | Self::NotFulfilled
            | Self::TooOld
            | Self::NoAllowedHour
            | Self::ExcludedTag
            | Self::AppUninstalled
            | Self::Erased => None,
        }
    }
}

impl From<Objection> for SkipReason {
    fn from(objection: Objection) -> Self {
        match objection {
            Objection::OptedOut(_) => Self::OptedOut,
            Objection::NotTextable(_) => Self::PhoneNotTextable,
            Objection::CoolingDown { .. } => Self::Cooldown,
        }
    }
}

impl Refusal {
    /// The skip reason that a provider's refusal amounts to, if it is one that was to be expected.
    #[must_use]
    pub const fn as_skip(self) -> Option<SkipReason> {
        match self {
            Self::InvalidPhone => Some(SkipReason::PhoneNotTextable),
            Self::CooldownViolation => Some(SkipReason::ProviderCooldown),
            Self::OptedOut => Some(SkipReason::OptedOut),
            Self::Other { .. } => None,
        }
    }
}

/// Where a review can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Google; works for everybody.
    Google,
    /// Facebook; needs an account that is logged in on the customer's device.
    Facebook,
    /// Podium's own page.
    Podium,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Google, Self::Facebook, Self::Podium];

    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Facebook => "facebook",
            Self::Podium => "podium",
        }
    }

    /// Reads [`Platform::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == text)
    }
}

/// Which platform was chosen and by which rule; recorded on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformChoice {
    /// Where.
    pub platform: Platform,
    /// Why there.
    pub rule: PlatformRule,
}

/// The rule that chose the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlatformRule {
    /// The customer's own preference.
    Preference,
    /// The campaign's default.
    CampaignDefault,
    /// The default was Facebook and nobody knows whether the customer has it (ERR_REVIEW_012).
    Fallback,
}

impl PlatformRule {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preference => "preference",
            Self::CampaignDefault => "campaign_default",
            Self::Fallback => "fallback",
        }
    }
}

/// Chooses the platform: preference, then the campaign's default, but never Facebook on a guess (brief, section 5).
#[must_use]
pub fn choose_platform(preferred: Option<Platform>, has_facebook: bool, default: Platform) -> PlatformChoice {
    match (preferred, default) {
        (Some(platform), _) => PlatformChoice { platform, rule: PlatformRule::Preference },
        (None, Platform::Facebook) if !has_facebook => {
            PlatformChoice { platform: Platform::Google, rule: PlatformRule::Fallback }
        }
        (None, platform) => PlatformChoice { platform, rule: PlatformRule::CampaignDefault },
    }
}

/// What to do with an order of which a part was refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartialRefund {
    /// Do not ask (the brief's rule).
    Skip,
    /// Ask when it has settled: the safer reading of the rules on selective invitations.
    Defer,
}

/// What counts as consent to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentRule {
    /// The shop's record must say "subscribed".
    RequireSmsSubscribed,
    /// A notice at the checkout covers it; only "unsubscribed" forbids.
    CheckoutNotice,
}

/// One of the shop's locations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Podium's uid of it.
    pub uid: LocationUid,
    /// Its name, as customers know it.
    pub name: String,
    /// Its country, two capitals; the region in which its customers' numbers are read.
    pub country: String,
    /// Shopify's ids of the same place.
    pub shopify_ids: Vec<u64>,
    /// Where its reviews are written, if not behind a link that Podium makes for each person.
    pub review_link: Option<String>,
}

/// One more text to somebody who was asked and did not review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// How long after the request.
    pub after: Duration,
    /// The text.
    pub template: Template,
}

/// The merchant's rules, all from settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewPolicy {
    /// From fulfilment to request.
    pub buffer: Duration,
    /// Between two requests to one person.
    pub cooldown: Duration,
    /// When texts may arrive, in the recipient's time.
    pub hours: AllowedHours,
    /// What to do with partly refunded orders.
    pub partial_refund: PartialRefund,
    /// Orders shipped longer ago than this are not asked about.
    pub max_age: Duration,
    /// How long a deferral waits for a refund or return to settle.
    pub settle: Duration,
    /// The longest that deferrals may add up to.
    pub settle_max: Duration,
    /// Skip test orders.
    pub skip_test: bool,
    /// Skip counter sales.
    pub skip_pos: bool,
    /// Skip companies' orders.
    pub skip_b2b: bool,
    /// What counts as consent.
    pub consent: ConsentRule,
    /// The campaign's platform.
    pub default_platform: Platform,
    /// The text.
    pub template: Template,
    /// The shop's locations.
    pub locations: Vec<Location>,
    /// The one location of a one-store shop; every fulfilment is its own.
    pub only_location: Option<LocationUid>,
    /// How long a request that ended is kept.
    pub keep: Duration,
    /// One reminder, where the shop wants one.
    pub reminder: Option<Reminder>,
    /// Orders with one of these tags, their own or their customer's, are not asked about. Upper and lower case and white
    /// space around a tag make no difference.
    pub exclude_tags: Vec<String>,
    /// From delivery to request, where the carrier tells of the delivery; it takes the place of the buffer then. `None`:
    /// deliveries change nothing.
    pub after_delivery: Option<Duration>,
}

impl ReviewPolicy {
    /// The location that a fulfilment's Shopify location stands for. `None` is a skip, never a default.
    #[must_use]
    pub fn location_of(&self, shopify_id: Option<u64>) -> Option<&Location> {
        match &self.only_location {
            Some(only) => self.location(only),
            None => shopify_id.and_then(|id| self.locations.iter().find(|l| l.shopify_ids.contains(&id))),
        }
    }

    /// A location by Podium's uid.
    #[must_use]
    pub fn location(&self, uid: &LocationUid) -> Option<&Location> {
        self.locations.iter().find(|l| l.uid == *uid)
    }

    /// Whether one of the tags is one that the shop excludes.
    #[must_use]
    pub fn excludes<'a>(&self, tags: impl IntoIterator<Item = &'a str>) -> bool {
        let plain = |tag: &str| tag.trim().to_lowercase();
        let excluded: Vec<_> = self.exclude_tags.iter().map(|tag| plain(tag)).filter(|tag| !tag.is_empty()).collect();
        !excluded.is_empty() && tags.into_iter().any(|tag| excluded.contains(&plain(tag)))
    }
}

/// What the send-time check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendDecision {
    /// Not to be asked.
    Skip(SkipReason),
    /// The shop's record says "unsubscribed": write that down as an opt-out, then skip.
    OptedOutAtShop {
        /// Whose opt-out it is: the number that the record names, else the request's own.
        phone: E164Phone,
        /// When, as far as Shopify says.
        at: UnixMillis,
    },
    /// Not yet.
    PutOff(Postpone),
    /// Ask now, if the gate lets us.
    Ask,
}

/// The whole of the send-time check but the gate: the order as Shopify has it now is the authority, whatever the
/// webhooks said.
#[must_use]
pub fn decide_send(
    request: &ReviewRequest,
    order: Option<&OrderNow>,
    policy: &ReviewPolicy,
    now: UnixMillis,
) -> SendDecision {
    let Some(order) = order else { return SendDecision::Skip(SkipReason::OrderMissing) };
    if let Some(reason) = refused_by_order(order, policy) {
        return SendDecision::Skip(reason);
    }
    if policy.location(&request.plan.location).is_none() {
        return SendDecision::Skip(SkipReason::UnmappedLocation);
    }
    if let Some(refused) = refused_by_consent(request, order, policy, now) {
        return refused;
    }
    let last = request.first_send_after.plus(policy.settle_max);
    let settled = settled_at(order, policy, now).min(last);
    if settled > now {
        return SendDecision::PutOff(Postpone { until: settled, why: Wait::Settling });
    }
    if !order.fulfilled {
        return SendDecision::Skip(SkipReason::NotFulfilled);
    }
    match next_allowed(request, order, policy, now) {
        Some(at) if at <= now => SendDecision::Ask,
        Some(at) => SendDecision::PutOff(Postpone { until: at, why: Wait::Clock }),
        // Look again tomorrow, by when somebody may have widened the hours; but not for ever.
        None if now < last => SendDecision::PutOff(Postpone { until: now.plus(DAY), why: Wait::Clock }),
        None => SendDecision::Skip(SkipReason::NoAllowedHour),
    }
}

fn refused_by_order(order: &OrderNow, policy: &ReviewPolicy) -> Option<SkipReason> {
    if order.cancelled {
        return Some(SkipReason::Cancelled);
    }
    match (order.financial, policy.partial_refund) {
        (Financial::Refunded, _) => return Some(SkipReason::Refunded),
        (Financial::Voided, _) => return Some(SkipReason::Voided),
        (Financial::PartiallyRefunded, PartialRefund::Skip) => return Some(SkipReason::PartiallyRefunded),
        (Financial::PartiallyRefunded, PartialRefund::Defer) | (Financial::Settled, _) => {}
    }
    [
        (order.test && policy.skip_test, SkipReason::TestOrder),
        (order.point_of_sale && policy.skip_pos, SkipReason::PointOfSale),
        (order.b2b && policy.skip_b2b, SkipReason::B2b),
        (policy.excludes(order.tags.iter().map(String::as_str)), SkipReason::ExcludedTag),
    ]
    .into_iter()
    .find_map(|(applies, reason)| applies.then_some(reason))
}

/// Consent is given for a number. One that was given for another number is none for this; one that was taken back for
/// another number is still that person's wish.
fn refused_by_consent(
    request: &ReviewRequest,
    order: &OrderNow,
    policy: &ReviewPolicy,
    now: UnixMillis,
) -> Option<SendDecision> {
    let number = order.consent_phone.as_ref().unwrap_or(&request.plan.phone);
    let given = match order.consent {
        SmsConsent::Unsubscribed => {
            let (phone, at) = (number.clone(), order.updated_at.unwrap_or(now).min(now));
            return Some(SendDecision::OptedOutAtShop { phone, at });
        }
        SmsConsent::Subscribed => *number == request.plan.phone,
        SmsConsent::NotGiven => false,
    };
    (!given && policy.consent == ConsentRule::RequireSmsSubscribed).then_some(SendDecision::Skip(SkipReason::NoConsent))
}

/// When everything about the order will have been settled for long enough, as it looks now: the buffer after the newest
/// shipment (the order may have been shipped again) or, where the shop wants that and the carrier tells, the wait after
/// its delivery; a while after a part refund, and as long as a return is open or something is not shipped.
fn settled_at(order: &OrderNow, policy: &ReviewPolicy, now: UnixMillis) -> UnixMillis {
    let delivered = policy.after_delivery.zip(order.delivered_at).map(|(span, at)| at.plus(span));
    let shipped = delivered.or_else(|| order.fulfilled_at.map(|at| at.plus(policy.buffer)));
    let refunded = (order.financial == Financial::PartiallyRefunded)
        .then(|| order.refunded_at.or(order.updated_at).unwrap_or(now).plus(policy.settle));
    let returned = order.return_open.then(|| now.plus(policy.settle));
    let unshipped = (!order.fulfilled).then(|| now.plus(DAY));
    [shipped, refunded, returned, unshipped].into_iter().flatten().max().unwrap_or(now)
}

fn next_allowed(
    request: &ReviewRequest,
    order: &OrderNow,
    policy: &ReviewPolicy,
    now: UnixMillis,
) -> Option<UnixMillis> {
    let Some(zone) = order.time_zone.as_deref() else {
        return policy.hours.next_open(now, &Zone::parse_all(&request.plan.zones));
    };
    let (country, phone) = (order.country.as_deref(), &request.plan.phone);
    let place = Whereabouts { time_zone: Some(zone), country, province: None, phone, shop_offset: None };
    policy.hours.opening(now, place).map(|(at, _)| at)
}

/// The text of a request, from a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

/// Why a text is not usable as a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// Without the link there is nothing to ask for.
    #[error("it lacks {{link}}, where the review link goes")]
    NoLink,
    /// The sender must be named.
    #[error("it lacks {{location_name}}, which tells the customer who is writing")]
    NoLocation,
    /// Every request must say how to stop.
    #[error("it lacks the word STOP: every request must say how to opt out, e.g. \"Reply STOP to opt out.\"")]
    NoStop,
    /// A placeholder that nothing fills.
    #[error("it holds the unknown placeholder {{{0}}}; known are first_name, location_name and link")]
    Unknown(String),
    /// Too long for the budget of segments.
    #[error("it is longer than {0} characters")]
    TooLong(usize),
}

/// Longest template, in characters. A text of two SMS segments holds about 300; this leaves room for other scripts.
pub const TEMPLATE_CHARS_MAX: usize = 480;

impl Template {
    /// Checks a template.
    ///
    /// # Errors
    /// [`BadTemplate`] says what is missing.
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        if text.chars().count() > TEMPLATE_CHARS_MAX {
            return Err(BadTemplate::TooLong(TEMPLATE_CHARS_MAX));
        }
        if !text.contains("{link}") {
            return Err(BadTemplate::NoLink);
        }
        if !text.contains("{location_name}") {
            return Err(BadTemplate::NoLocation);
        }
        if !text.split(|c: char| !c.is_ascii_alphabetic()).any(|w| w == "STOP") {
            return Err(BadTemplate::NoStop);
        }
        for rest in text.split('{').skip(1) {
            let name = rest.split('}').next().unwrap_or_default();
            if !["first_name", "location_name", "link"].contains(&name) {
                return Err(BadTemplate::Unknown(name.chars().take(40).collect()));
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The text for one customer. An unknown first name becomes "there".
    #[must_use]
    pub fn render(&self, first_name: Option<&str>, location_name: &str, link: &str) -> String {
        // One pass over the template, so that a name which looks like a placeholder stays a name.
        let mut text = String::with_capacity(self.0.len() + 120);
        let mut rest = self.0.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            text.push_str(match name {
                "first_name" => first_name.unwrap_or("there"),
                "location_name" => location_name,
                _ => link,
            });
            rest = tail;
        }
        text.push_str(rest);
        text
    }
}

/// A first name as it may stand in a text: letters of any script, spaces, hyphens and apostrophes, 40 characters at
/// most. Anything else (a link, an emoji wall, a template) is somebody playing with us, and the text goes without.
#[must_use]
pub fn presentable_name(raw: &str) -> Option<String> {
    let name = raw.trim();
    let fit = !name.is_empty()
        && name.chars().count() <= 40
        && name.chars().next().is_some_and(char::is_alphabetic)
        && name.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '’' | '.') || is_combining(c))
        && !name.contains("..")
        && !looks_like_host(name);
    fit.then(|| name.to_owned())
}

fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}')
}

/// "evil.com" is made of letters and a dot: phones would make it a link.
fn looks_like_host(name: &str) -> bool {
    name.split(' ').any(|word| word.trim_end_matches('.').contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facebook_is_never_a_guess() {
        use PlatformRule::{CampaignDefault, Fallback, Preference};
        let cases = [
            (Some(Platform::Facebook), false, Platform::Google, Platform::Facebook, Preference),
            (None, false, Platform::Facebook, Platform::Google, Fallback),
            (None, true, Platform::Facebook, Platform::Facebook, CampaignDefault),
            (None, false, Platform::Podium, Platform::Podium, CampaignDefault),
        ];
        for (preferred, has_facebook, default, platform, rule) in cases {
            assert_eq!(choose_platform(preferred, has_facebook, default), PlatformChoice { platform, rule });
        }
    }

    #[test]
    fn templates_must_name_the_sender_the_link_and_the_way_out() {
        let good = "Hi {first_name}, {location_name} here. {link} Reply STOP to opt out.";
        assert_eq!(
            Template::parse(good).unwrap().render(None, "Harbour Lane", "https://x.example/r"),
            "Hi there, Harbour Lane here. https://x.example/r Reply STOP to opt out."
        );
        assert_eq!(Template::parse("{link} {location_name}"), Err(BadTemplate::NoStop));
        assert_eq!(Template::parse("{link} {location_name} UNSTOPPABLE"), Err(BadTemplate::NoStop));
        assert_eq!(Template::parse("{location_name} STOP"), Err(BadTemplate::NoLink));
        assert_eq!(Template::parse("{link} STOP"), Err(BadTemplate::NoLocation));
        assert_eq!(Template::parse("{link} {location_name} {name} STOP"), Err(BadTemplate::Unknown("name".into())));
    }

    #[test]
    fn a_name_that_looks_like_a_placeholder_stays_a_name() {
        let template = Template::parse("{first_name} {location_name} {link} STOP").unwrap();
        assert_eq!(template.render(Some("{link}"), "L", "U"), "{link} L U STOP");
    }

    #[test]
    fn only_names_are_presented_as_names() {
        for good in ["Mia", "Anne-Marie", "O’Neil", "José", "李", "J. R.", "नेहा"] {
            assert_eq!(presentable_name(good).as_deref(), Some(good));
        }
        for bad in ["", " ", "evil.com", "http://x", "Mia\nSTOP", "💥", "x".repeat(41).as_str(), "{link}", "1234", "-"]
        {
            assert_eq!(presentable_name(bad), None, "{bad:?}");
        }
    }

    mod at_the_send {
        use super::super::*;
        use crate::{
            ids::{OrderId, OrderKey, ShopDomain},
            request::RequestStatus,
            shopify::samples,
        };

        const SHIPPED: UnixMillis = UnixMillis::new(1_794_000_000_000);

        fn decided(order: &OrderNow, policy: &ReviewPolicy, now: UnixMillis) -> SendDecision {
            let plan = samples::plan(SHIPPED);
            let request = ReviewRequest {
                key: OrderKey { shop: ShopDomain::try_from("a.myshopify.com").unwrap(), order: OrderId(1) },
                status: RequestStatus::Queued,
                first_send_after: plan.send_after,
                plan,
                attempts: 1,
                trouble_since: None,
            };
            decide_send(&request, Some(order), policy, now)
        }

        fn put_off(until: UnixMillis) -> SendDecision {
            SendDecision::PutOff(Postpone { until, why: Wait::Settling })
        }

        #[test]
        fn an_excluded_tag_that_came_later_counts() {
            let now = SHIPPED.plus(DAY * 5);
            let mut order = samples::order_now(SHIPPED);
            order.tags = vec!["repeat".into(), " VIP ".into()];
            assert_eq!(decided(&order, &samples::policy(), now), SendDecision::Ask);
            let policy = ReviewPolicy { exclude_tags: vec!["vip".into()], ..samples::policy() };
            assert_eq!(decided(&order, &policy, now), SendDecision::Skip(SkipReason::ExcludedTag));
            order.tags = vec!["vips".into()];
            assert_eq!(decided(&order, &policy, now), SendDecision::Ask);
        }

        #[test]
        fn a_known_delivery_takes_the_place_of_the_buffer() {
            let policy = ReviewPolicy { after_delivery: Some(DAY * 3), ..samples::policy() };
            let mut order = samples::order_now(SHIPPED);
            // Not delivered, or nobody knows: the buffer after the shipment, as without the setting.
            assert_eq!(decided(&order, &policy, SHIPPED.plus(DAY * 4)), put_off(SHIPPED.plus(DAY * 5)));
            assert_eq!(decided(&order, &policy, SHIPPED.plus(DAY * 5)), SendDecision::Ask);
            // Delivered late: later than the buffer.
            order.delivered_at = Some(SHIPPED.plus(DAY * 4));
            assert_eq!(decided(&order, &policy, SHIPPED.plus(DAY * 5)), put_off(SHIPPED.plus(DAY * 7)));
            assert_eq!(decided(&order, &samples::policy(), SHIPPED.plus(DAY * 5)), SendDecision::Ask);
            // Delivered early: earlier than it.
            order.delivered_at = Some(SHIPPED.plus(DAY));
            assert_eq!(decided(&order, &policy, SHIPPED.plus(DAY * 4)), SendDecision::Ask);
        }

        #[test]
        fn a_delivery_settles_neither_a_return_nor_the_rest_of_the_order() {
            let policy = ReviewPolicy { after_delivery: Some(DAY), ..samples::policy() };
            let now = SHIPPED.plus(DAY * 5);
            let delivered = OrderNow { delivered_at: Some(SHIPPED), ..samples::order_now(SHIPPED) };
            let returned = OrderNow { return_open: true, ..delivered.clone() };
            assert_eq!(decided(&returned, &policy, now), put_off(now.plus(policy.settle)));
            let partly = OrderNow { fulfilled: false, ..delivered };
            assert_eq!(decided(&partly, &policy, now), put_off(now.plus(DAY)));
        }
    }
}
