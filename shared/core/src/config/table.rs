//! The table of all settings: the one source of `docs/CONFIGURATION.md`, of the template's parameters and of the defaults.

use super::function::Function;

/// One setting: an environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The variable's name.
    pub name: &'static str,
    /// Its default; `None` when it must be set or may be absent (the meaning says which).
    pub default: Option<&'static str>,
    /// What the value is counted in, or its form.
    pub unit: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// Who reads it.
    pub functions: &'static [Function],
    /// Set by the template from its own resources, not by a person.
    pub wired: bool,
}

use Function::{
    FollowUp, Notifier, PodiumContacts, PodiumReviews, PodiumSms, PodiumWebchat, PodiumWorker, PrivacyWorker,
    ReviewSender, ShopifyOrders, ShopifyPrivacy, ShopifyWorker, Timers,
};

/// Who needs the merchant's rules: the follow-up for reminders, and to see what a list has that is not known.
const POLICY: &[Function] = &[ShopifyWorker, ReviewSender, FollowUp];
const SENDER: &[Function] = &[ReviewSender];
/// Who asks Shopify.
const SHOPIFY_CALLERS: &[Function] = &[ReviewSender, FollowUp];
/// Who takes in webhooks.
const ENDPOINTS: &[Function] =
    &[ShopifyOrders, ShopifyPrivacy, PodiumWebchat, PodiumSms, PodiumContacts, PodiumReviews];
/// Who takes in Shopify's.
const SHOPIFY_ENDPOINTS: &[Function] = &[ShopifyOrders, ShopifyPrivacy];
/// Who takes in Podium's.
const PODIUM_ENDPOINTS: &[Function] = &[PodiumWebchat, PodiumSms, PodiumContacts, PodiumReviews];
/// Who takes events in, also from lists.
const INTAKES: &[Function] =
    &[ShopifyOrders, ShopifyPrivacy, PodiumWebchat, PodiumSms, PodiumContacts, PodiumReviews, FollowUp];
/// Who works on events.
const WORKERS: &[Function] = &[ShopifyWorker, PodiumWorker, PrivacyWorker];
/// Who looks into contacts, or writes them.
const CONTACTS: &[Function] = &[
    ShopifyOrders,
    ShopifyPrivacy,
    ShopifyWorker,
    ReviewSender,
    PodiumWebchat,
    PodiumSms,
    PodiumContacts,
    PodiumReviews,
    PodiumWorker,
    PrivacyWorker,
    Timers,
    FollowUp,
];
/// Who makes calls of any kind.
const HTTP: &[Function] = &[ReviewSender, PodiumWorker, Timers, FollowUp, Notifier];
/// Who follows reviews up.
const REVIEWERS: &[Function] = &[PodiumWorker, FollowUp, PrivacyWorker];
const NOTIFIER: &[Function] = &[Notifier];
/// Who calls Podium.
const CALLERS: &[Function] = &[ReviewSender, PodiumWorker, Timers, FollowUp];
/// Who writes within conversations.
const TALKERS: &[Function] = &[PodiumWorker, Timers];
const PODIUM_WORKER: &[Function] = &[PodiumWorker];
const TIMERS: &[Function] = &[Timers];
const FOLLOW_UP: &[Function] = &[FollowUp];

const fn wired(name: &'static str, meaning: &'static str, functions: &'static [Function]) -> Setting {
    Setting { name, default: None, unit: "name", meaning, functions, wired: true }
}

const fn tuned(
    name: &'static str,
    default: Option<&'static str>,
    unit: &'static str,
    meaning: &'static str,
    functions: &'static [Function],
) -> Setting {
    Setting { name, default, unit, meaning, functions, wired: false }
}

/// All settings.
pub const SETTINGS: &[Setting] = &[
    wired(
        "FRONTDESK_TABLE_INBOX",
        "Table of the events that were taken in.",
        &[
            ShopifyOrders,
            ShopifyPrivacy,
            ShopifyWorker,
            PodiumWebchat,
            PodiumSms,
            PodiumContacts,
            PodiumReviews,
            PodiumWorker,
            PrivacyWorker,
            Timers,
            FollowUp,
        ],
    ),
    wired("FRONTDESK_TABLE_CONTACTS", "Table of the contacts, with opt-outs and cooldowns.", CONTACTS),
    wired(
        "FRONTDESK_TABLE_REQUESTS",
        "Table of the review requests.",
        &[ShopifyWorker, ReviewSender, PodiumWorker, PrivacyWorker, Timers, FollowUp],
    ),
    wired(
        "FRONTDESK_TABLE_OUTBOX",
        "Table of the sends, and of what people have to be told.",
        &[ShopifyWorker, ReviewSender, PodiumWorker, PrivacyWorker, Notifier, Timers, FollowUp],
    ),
    wired("FRONTDESK_TABLE_LIMITS", "Table of the providers' pauses, and of what is counted.", CALLERS),
    wired(
        "FRONTDESK_TABLE_DIRECTORY",
        "Table of the shared access tokens, the list of locations, and how far lists were compared.",
        &[
            ShopifyWorker,
            ReviewSender,
            PodiumWebchat,
            PodiumSms,
            PodiumContacts,
            PodiumReviews,
            PodiumWorker,
            Timers,
            FollowUp,
        ],
    ),
    wired("FRONTDESK_TABLE_SESSIONS", "Table of the webchat sessions.", &[PodiumWorker, PrivacyWorker, Timers]),
    wired(
        "FRONTDESK_QUEUE_SHOPIFY_URL",
        "Queue of Shopify's events.",
        &[ShopifyOrders, ShopifyPrivacy, Timers, FollowUp],
    ),
    wired("FRONTDESK_QUEUE_REVIEWS_URL", "Delay queue of due review requests.", TIMERS),
    wired(
        "FRONTDESK_QUEUE_PODIUM_URL",
        "Queue of Podium's events, in order for each conversation.",
        &[PodiumWebchat, PodiumSms, PodiumContacts, PodiumReviews, Timers, FollowUp],
    ),
    wired("FRONTDESK_TABLE_REVIEWS", "Table of what is kept of reviews.", REVIEWERS),
    wired(
        "FRONTDESK_QUEUE_PRIVACY_URL",
        "Queue of what customers ask about their data.",
        &[ShopifyOrders, ShopifyPrivacy, Timers],
    ),
    wired("FRONTDESK_QUEUE_NOTICES_URL", "Queue of what people have to be told.", &[PodiumWorker, Notifier, Timers]),
    wired(
        "FRONTDESK_PEPPER_SECRET_ARN",
        "Secret under whose hash the opt-outs of erased people are kept. Made with the stack; it must never change.",
        CONTACTS,
    ),
    wired(
        "NOTIFY_SLACK_SECRET_ARN",
        "Secret that holds the address of a Slack incoming webhook; empty: no Slack.",
        NOTIFIER,
    ),
    wired(
        "NOTIFY_WEBHOOK_SECRET_ARN",
        "Secret for any other webhook, JSON: {\"url\", \"signing_secret\"}; empty: none. The signing secret may be left out.",
        NOTIFIER,
    ),
    wired("NOTIFY_SNS_TOPIC_ARN", "SNS topic for notices; empty: none.", NOTIFIER),
    wired(
        "SHOPIFY_WEBHOOK_SECRET_ARN",
        "Secret that signs Shopify's webhooks: the app's client secret, as plain text. Its previous version stays valid.",
        SHOPIFY_ENDPOINTS,
    ),
    wired(
        "SHOPIFY_ADMIN_SECRET_ARN",
        "Secret for Shopify's Admin API, JSON: {\"access_token\"} or {\"client_id\",\"client_secret\"}.",
        SHOPIFY_CALLERS,
    ),
    wired(
        "PODIUM_WEBHOOK_SECRET_ARN",
        "Secret that signs Podium's webhooks, as plain text: the secret that they were created with. Its previous version stays valid.",
        PODIUM_ENDPOINTS,
    ),
    wired(
        "PODIUM_OAUTH_SECRET_ARN",
        "Secret for Podium's API, JSON: {\"client_id\",\"client_secret\",\"refresh_token\"}. Rewritten when Podium rotates the refresh token.",
        CALLERS,
    ),
    tuned(
        "FRONTDESK_SECRET_TTL_SECONDS",
        Some("900"),
        "seconds",
        "How long a webhook secret that was read is used before it is read again. A signature that does not match looks again at once, at most every 30 s.",
        ENDPOINTS,
    ),
    tuned(
        "FRONTDESK_BODY_BYTES_MAX",
        Some("4194304"),
        "bytes",
        "Larger webhook bodies are not kept: Shopify hears 413, Podium 200, and a row says so. Lambda itself ends at 6 MB.",
        &[
            ShopifyOrders,
            ShopifyPrivacy,
            ShopifyWorker,
            PodiumWebchat,
            PodiumSms,
            PodiumContacts,
            PodiumReviews,
            PodiumWorker,
            PrivacyWorker,
            FollowUp,
        ],
    ),
    tuned(
        "FRONTDESK_INBOX_KEEP_DAYS",
        Some("14"),
        "days",
        "How long an event is kept and recognised as a duplicate. Podium can deliver ten days late, so not below that without need.",
        INTAKES,
    ),
    tuned(
        "FRONTDESK_LEASE_SECONDS",
        Some("90"),
        "seconds",
        "How long a worker holds a row. Must exceed the workers' timeout (60 s in the template) by the difference of two hosts' clocks, so that an expired lease means a dead worker.",
        &[ShopifyWorker, ReviewSender, PodiumWorker, Timers],
    ),
    tuned(
        "FRONTDESK_ATTEMPTS_MAX",
        Some("8"),
        "attempts",
        "After so many failed attempts an event is parked for a person.",
        WORKERS,
    ),
    tuned(
        "FRONTDESK_SWEEP_AFTER_SECONDS",
        Some("180"),
        "seconds",
        "An event that waits longer is put into the queue again.",
        &[ShopifyWorker, PodiumWorker, PrivacyWorker, Timers],
    ),
    tuned(
        "FRONTDESK_REQUEUE_AFTER_SECONDS",
        Some("300"),
        "seconds",
        "A queued request that did not end this long after its time is put into the queue again.",
        TIMERS,
    ),
    tuned(
        "FRONTDESK_CONNECT_TIMEOUT_MS",
        Some("3000"),
        "milliseconds",
        "Longest wait for a connection to a provider.",
        HTTP,
    ),
    tuned(
        "FRONTDESK_CALL_TIMEOUT_MS",
        Some("10000"),
        "milliseconds",
        "Longest wait for a provider's whole answer.",
        HTTP,
    ),
    tuned(
        "FRONTDESK_RETRY_AFTER_DEFAULT_SECONDS",
        Some("60"),
        "seconds",
        "How long a provider is left alone that asks for it without saying how long.",
        HTTP,
    ),
    tuned(
        "FRONTDESK_RETRY_AFTER_MAX_SECONDS",
        Some("120"),
        "seconds",
        "The longest that a provider's wish to be left alone is believed.",
        HTTP,
    ),
    tuned(
        "FRONTDESK_OUTBOX_KEEP_DAYS",
        Some("90"),
        "days",
        "How long a message that was sent is remembered.",
        &[PodiumWorker, Timers, FollowUp],
    ),
    tuned(
        "SHOPIFY_SHOP",
        None,
        "domain",
        "The shop that is served, e.g. harbour-lane.myshopify.com. Must be set.",
        &[ShopifyOrders, ShopifyPrivacy, ShopifyWorker, ReviewSender, PrivacyWorker, FollowUp],
    ),
    tuned(
        "SHOPIFY_LOCATIONS",
        None,
        "JSON",
        "The shop's locations: [{\"podium_location\", \"name\", \"country\", \"shopify_location_ids\": [..], \"review_link\"}]. The name stands in the text, the country reads local numbers; an optional review_link (https) takes the place of the link that Podium would make for each person. Must be set.",
        &[ShopifyWorker, ReviewSender, PrivacyWorker, FollowUp],
    ),
    tuned(
        "SHOPIFY_ONLY_LOCATION",
        None,
        "uid",
        "For a shop with one location: its podium_location; every fulfilment counts as its own. Without it, a fulfilment from a Shopify location that is not listed is skipped (unmapped_location).",
        POLICY,
    ),
    tuned(
        "SHOPIFY_API_URL",
        None,
        "URL",
        "Base of the Admin API. Empty: https:// and the shop's domain.",
        SHOPIFY_CALLERS,
    ),
    tuned(
        "SHOPIFY_API_VERSION",
        Some("2026-10"),
        "version",
        "Pinned version of the Admin API; each lives at least a year.",
        SHOPIFY_CALLERS,
    ),
    tuned(
        "REVIEW_BUFFER_SECONDS",
        Some("432000"),
        "seconds",
        "From the newest successful fulfilment to the request: time for a refund. Default 5 days.",
        POLICY,
    ),
    tuned("REVIEW_COOLDOWN_DAYS", Some("30"), "days", "Between two requests to one phone, whatever the order.", POLICY),
    tuned(
        "REVIEW_ALLOWED_HOURS",
        Some("Mon-Sat 10:00-17:00"),
        "hours",
        "When a request may arrive, in the recipient's local time; several parts separated by ';'. Outside, it waits for the next opening.",
        &[ShopifyWorker, ReviewSender, PodiumWorker, FollowUp],
    ),
    tuned(
        "REVIEW_PARTIAL_REFUND",
        Some("skip"),
        "skip, defer",
        "What happens to a partly refunded order: not asked, or asked once it has settled.",
        POLICY,
    ),
    tuned(
        "REVIEW_SETTLE_DAYS",
        Some("7"),
        "days",
        "How long a deferred request waits for a refund or return to settle.",
        POLICY,
    ),
    tuned(
        "REVIEW_SETTLE_MAX_DAYS",
        Some("30"),
        "days",
        "The longest that such waits add up to; then the customer is asked like everybody else.",
        POLICY,
    ),
    tuned(
        "REVIEW_MAX_AGE_DAYS",
        Some("60"),
        "days",
        "Orders shipped longer ago are not asked about. Shopify shows an app 60 days of orders unless it has read_all_orders.",
        POLICY,
    ),
    tuned("REVIEW_SKIP_TEST", Some("true"), "true, false", "Skip test orders.", POLICY),
    tuned("REVIEW_SKIP_POS", Some("true"), "true, false", "Skip sales over the counter.", POLICY),
    tuned("REVIEW_SKIP_B2B", Some("true"), "true, false", "Skip companies' orders.", POLICY),
    tuned(
        "REVIEW_CONSENT",
        Some("require_sms_subscribed"),
        "require_sms_subscribed, checkout_notice",
        "What counts as consent to a text: the shop's record says \"subscribed\", or a notice at your checkout covers it. A record that says \"unsubscribed\" forbids in both cases.",
        POLICY,
    ),
    tuned(
        "REVIEW_PLATFORM",
        Some("google"),
        "google, facebook, podium",
        "Where customers are asked to review. Facebook becomes Google unless the customer is known to have it.",
        POLICY,
    ),
    tuned(
        "REVIEW_MESSAGE",
        Some("Hi {first_name}, thanks for shopping with {location_name}! How did we do? {link} Reply STOP to opt out."),
        "text",
        "The text (PODIUM_CONTRACT=published). Must hold {link}, {location_name} and STOP; may hold {first_name}.",
        POLICY,
    ),
    tuned(
        "REVIEW_EXCLUDE_TAGS",
        None,
        "tags",
        "Orders with one of these tags, their own or their customer's, are not asked about; separated by commas.",
        POLICY,
    ),
    tuned(
        "REVIEW_AFTER_DELIVERY_SECONDS",
        None,
        "seconds",
        "From delivery to request, where the carrier tells of it; takes the place of REVIEW_BUFFER_SECONDS then. Empty: deliveries change nothing.",
        POLICY,
    ),
    tuned(
        "REVIEW_REMINDER_DAYS",
        Some("0"),
        "days",
        "One reminder so long after the request (7 is usual), unless a review or an opt-out came; 0: none. Needs PODIUM_CONTRACT=published and the link that Podium makes for each person: behind a location's review_link nobody can tell who reviewed.",
        POLICY,
    ),
    tuned(
        "REVIEW_REMINDER_MESSAGE",
        Some(
            "Hi {first_name}, a short reminder from {location_name}: we would still like to hear how we did. {link} Reply STOP to opt out.",
        ),
        "text",
        "The reminder. Must hold {link}, {location_name} and STOP; may hold {first_name}.",
        POLICY,
    ),
    tuned(
        "REVIEW_THANKS",
        Some("off"),
        "off, on",
        "Whether a review of 4 or 5 stars that came of a request is thanked for with a text. It asks for nothing. Needs PODIUM_CONTRACT=published: the briefs' Podium answers in conversations only.",
        PODIUM_WORKER,
    ),
    tuned(
        "REVIEW_THANKS_MESSAGE",
        Some("Thank you for your review! {location_name}. Reply STOP to opt out."),
        "text",
        "The thank-you. May hold {location_name}; 480 characters at most.",
        PODIUM_WORKER,
    ),
    tuned(
        "RECONCILE_BACK_HOURS",
        Some("24"),
        "hours",
        "How far back the first comparison with the providers' lists looks.",
        FOLLOW_UP,
    ),
    tuned(
        "RECONCILE_SETTLE_SECONDS",
        Some("900"),
        "seconds",
        "What is younger may still come by webhook and is left to the next comparison.",
        FOLLOW_UP,
    ),
    tuned(
        "NOTIFY_CHANNELS",
        Some("slack,webhook,sns"),
        "slack, webhook, sns",
        "The order in which channels are tried, separated by commas; those that are not set up are passed over.",
        NOTIFIER,
    ),
    tuned(
        "NOTIFY_WITHIN_SECONDS",
        Some("60"),
        "seconds",
        "Within so long a notice is to be told; then the next channel is tried and an alarm rings.",
        &[Notifier, Timers],
    ),
    tuned(
        "NOTIFY_GIVE_UP_HOURS",
        Some("24"),
        "hours",
        "After so long a notice that no channel takes is given up.",
        NOTIFIER,
    ),
    tuned(
        "NOTIFY_RETRY_SECONDS",
        Some("5"),
        "seconds",
        "Wait after the first vain attempt on a channel; doubles each time.",
        NOTIFIER,
    ),
    tuned("NOTIFY_RETRY_MAX_SECONDS", Some("300"), "seconds", "The longest such wait.", NOTIFIER),
    tuned("NOTIFY_TIMEOUT_MS", Some("4000"), "milliseconds", "Longest wait for a channel's answer.", NOTIFIER),
    tuned("REVIEW_KEEP_DAYS", Some("400"), "days", "How long an ended request is kept.", POLICY),
    tuned(
        "REVIEW_RETRY_SECONDS",
        Some("60"),
        "seconds",
        "Wait after the first attempt that a provider's trouble made vain; doubles each time.",
        SENDER,
    ),
    tuned("REVIEW_RETRY_MAX_SECONDS", Some("3600"), "seconds", "The longest such wait.", SENDER),
    tuned(
        "REVIEW_GIVE_UP_HOURS",
        Some("72"),
        "hours",
        "After so long without Shopify's or Podium's help a request fails, and an alarm rings.",
        SENDER,
    ),
    tuned(
        "PODIUM_CONTRACT",
        Some("published"),
        "published, brief",
        "Which Podium is called: the published API, or the one that the briefs describe (review invitations, other paths and bodies).",
        CALLERS,
    ),
    tuned("PODIUM_API_URL", Some("https://api.podium.com"), "URL", "Base of Podium's API.", CALLERS),
    tuned("PODIUM_API_VERSION", Some("2021.04.01"), "version", "Pinned version of Podium's API.", CALLERS),
    tuned(
        "PODIUM_TOKEN_URL",
        Some("https://api.podium.com/oauth/token"),
        "URL",
        "Where Podium grants tokens; some apps use https://accounts.podium.com/oauth/token.",
        CALLERS,
    ),
    tuned("PODIUM_TOKEN_BODY", Some("json"), "json, form", "How the token request is written.", CALLERS),
    tuned("PODIUM_CAMPAIGN_ID", None, "id", "The review campaign. Must be set when PODIUM_CONTRACT=brief.", CALLERS),
    tuned(
        "PODIUM_LOOKUP_AFTER_SECONDS",
        Some("120"),
        "seconds",
        "How long a message may take to show up at Podium: a send whose answer was lost is looked up after this, and \"not there\" then means \"not sent\".",
        CALLERS,
    ),
    tuned(
        "PODIUM_LOOKUP_HOURS",
        Some("24"),
        "hours",
        "How long such a look-up is tried before the message ends as unknown.",
        CALLERS,
    ),
    tuned(
        "PODIUM_SIGNATURE_SCHEMES",
        Some("published,brief_body,brief_t_v1"),
        "published, brief_body, brief_t_v1",
        "Signatures that count, separated by commas; any other is none. Name the one that your webhooks carry, once you know it.",
        PODIUM_ENDPOINTS,
    ),
    tuned(
        "PODIUM_REPLAY_WINDOW_SECONDS",
        Some("36000"),
        "seconds",
        "How far a signed time may be from ours. Podium repeats a delivery for 8 hours, perhaps with its first time.",
        PODIUM_ENDPOINTS,
    ),
    tuned(
        "PODIUM_STALE",
        Some("accept"),
        "accept, reject",
        "What becomes of a rightly signed delivery outside of that window: taken unless it was here before, or answered 401.",
        PODIUM_ENDPOINTS,
    ),
    tuned(
        "PODIUM_LOCATIONS_SECONDS",
        Some("300"),
        "seconds",
        "Between two refreshes of the list of locations, as LocationsSchedule of the template makes them; a list twice as old is reported (ERR_WEBCHAT_014).",
        TALKERS,
    ),
    tuned(
        "PODIUM_LOCATIONS_FRESH_SECONDS",
        Some("30"),
        "seconds",
        "A message that names an unknown location has the list loaded again, unless it is younger than this.",
        TALKERS,
    ),
    tuned(
        "OPTOUT_EXTRA_WORDS",
        None,
        "words",
        "Your own words for STOP, separated by commas, beside the built-in ones. A message counts when it says nothing else.",
        &[PodiumWebchat, PodiumSms, PodiumContacts, PodiumReviews, PodiumWorker, FollowUp],
    ),
    tuned(
        "OPTOUT_MIRROR",
        Some("none"),
        "none, tag, campaign_opt_out, brief_patch",
        "How Podium is told of opt-outs: not at all, by a tag on the contact, out of all campaigns (Podium must allow your app that), or by the field that the briefs describe.",
        TIMERS,
    ),
    tuned("OPTOUT_TAG", Some("do-not-contact"), "label", "The tag's label, with OPTOUT_MIRROR=tag.", TIMERS),
    tuned(
        "OPTOUT_MIRROR_RETRY_SECONDS",
        Some("60"),
        "seconds",
        "Wait after the first vain attempt to tell Podium of an opt-out; doubles each time.",
        TIMERS,
    ),
    tuned("OPTOUT_MIRROR_RETRY_MAX_SECONDS", Some("3600"), "seconds", "The longest such wait.", TIMERS),
    tuned(
        "WEBCHAT_WARN_SECONDS",
        Some("1200"),
        "seconds",
        "A customer who has been silent for so long in a webchat is asked once whether they are still there.",
        TALKERS,
    ),
    tuned(
        "WEBCHAT_CLOSE_SECONDS",
        Some("1680"),
        "seconds",
        "Silent for so long, the chat is closed with its answers kept. Podium itself forgets a chat after some 1800 s.",
        TALKERS,
    ),
    tuned(
        "WEBCHAT_KEEP_DAYS",
        Some("7"),
        "days",
        "How long a closed chat's answers wait for the customer's next message.",
        TALKERS,
    ),
    tuned(
        "WEBCHAT_KEEP_ALIVE",
        Some("on"),
        "on, off",
        "Whether a silent customer is asked once if they are still there.",
        TIMERS,
    ),
    tuned(
        "WEBCHAT_PROMPT",
        Some("{location_name}: are you still there? Send any message to continue. Reply STOP to opt out."),
        "text",
        "What a silent customer is asked. May hold {location_name}; 480 characters at most.",
        TIMERS,
    ),
    tuned(
        "WEBCHAT_REPLY",
        Some("off"),
        "off, confirmation, agent",
        "What answers a webchat by itself: nothing, one confirmation a chat, or answers by keyword with the confirmation where no keyword fits.",
        PODIUM_WORKER,
    ),
    tuned(
        "WEBCHAT_CONFIRMATION",
        Some(
            "Thanks for writing to {location_name}! We have your message and will answer it here. Reply STOP to opt out.",
        ),
        "text",
        "The confirmation. May hold {location_name}; 480 characters at most.",
        PODIUM_WORKER,
    ),
    tuned(
        "AGENT_KEYWORDS",
        Some("[]"),
        "JSON",
        "Answers by keyword, with WEBCHAT_REPLY=agent: [{\"words\": [..], \"answer\"}], the first that fits. An answer may hold {location_name}.",
        PODIUM_WORKER,
    ),
    tuned(
        "WEBCHAT_ATTACHMENT_BYTES_MAX",
        Some("26214400"),
        "bytes",
        "A message with larger attachments is rejected (ERR_WEBCHAT_005). Podium's own limit is 25 MiB.",
        PODIUM_WORKER,
    ),
    tuned(
        "WEBCHAT_ATTACHMENT_LIMIT",
        Some("sum"),
        "sum, each",
        "Whether that is the limit of all attachments of a message together, or of each.",
        PODIUM_WORKER,
    ),
    tuned(
        "WEBCHAT_ATTACHMENT_HOSTS",
        Some("*.podium.com"),
        "hosts",
        "Hosts that may be asked how large an attachment is, separated by commas; *. stands for any subdomain. An attachment of any other host counts as within the limit.",
        PODIUM_WORKER,
    ),
    tuned(
        "WEBCHAT_REJECTION_BURST",
        Some("10"),
        "messages",
        "So many messages without a usable location raise one alarm (ERR_WEBCHAT_012).",
        PODIUM_WORKER,
    ),
    tuned(
        "WEBCHAT_REJECTION_BURST_SECONDS",
        Some("300"),
        "seconds",
        "The stretch of time in which they are counted.",
        PODIUM_WORKER,
    ),
];
