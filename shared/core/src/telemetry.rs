//! What may be written about our work: closed sets of metrics and messages, and fields that cannot hold a person's data.

use crate::phone::E164Phone;

/// Counted facts. Each is a metric of its own name; those marked "alarm" have one in `template.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// An event was stored.
    EventAccepted,
    /// An event came again.
    EventDuplicate,
    /// A known id came with another body (alarm).
    EventMismatch,
    /// A verified event was not usable; its source is a dimension.
    EventRejected,
    /// An event was worked on to its end; its source is a dimension.
    EventDone,
    /// A signed webhook names another shop than this installation serves: most likely a wrong setting (alarm).
    WrongShop,
    /// A request had no valid signature (alarm at 10 in 5 minutes).
    SignatureRejected,
    /// A request was signed with the previous secret: the rotation is not finished.
    PreviousSecretUsed,
    /// A body was too large to keep.
    BodyTooLarge,
    /// A row was stored but its key could not be queued; the sweeper will.
    QueueSendFailed,
    /// The sweeper put waiting rows into the queue again.
    EventRequeued,
    /// A row was given up after too many attempts (alarm).
    EventParked,
    /// An event was claimed again: an earlier attempt failed or died.
    EventRetried,
    /// A handler panicked on a record (alarm).
    RecordPanicked,
    /// A request was scheduled.
    RequestScheduled,
    /// A request was sent.
    RequestSent,
    /// A request was skipped; the reason is a dimension.
    RequestSkipped,
    /// A request failed (alarm).
    RequestFailed,
    /// A request's outcome is unknown (alarm).
    RequestUnknown,
    /// A request was put off.
    RequestPostponed,
    /// A provider asked to be left alone (alarm when it lasts).
    ProviderPaused,
    /// A provider's token could not be refreshed (alarm).
    TokenRefreshFailed,
    /// The platform was changed to one that the customer can certainly use.
    PlatformFallback,
    /// A timer could not finish within its bounds and goes on next time.
    TimerBacklog,
    /// A message met one of the ERR_WEBCHAT conditions; the code is a dimension (alarms on 010, 011, 012 and 014).
    WebchatCode,
    /// A customer's message went all the way.
    MessageIngested,
    /// Somebody asked for no more messages, or for messages again; the source is a dimension.
    OptOutRecorded,
    /// Somebody wants no more messages and the number could not be told (alarm).
    OptOutUnattributed,
    /// Podium was told of an opt-out.
    OptOutMirrored,
    /// Podium could not be told of an opt-out; it will be tried again (alarm).
    OptOutMirrorFailed,
    /// A message other than a review request was sent; its kind is a dimension.
    MessageSent,
    /// Nobody can say whether such a message was sent.
    MessageUnknown,
    /// An attachment's size could not be looked up.
    AttachmentUnchecked,
    /// A timer passed over a row that cannot be read (alarm).
    RowUnreadable,
    /// A message may be a wish for silence; nothing is answered by itself, and a note tells the staff (alarm).
    OptOutUnsure,
    /// A note with a customer's answers could not be left on the conversation.
    NoteRefused,
    /// A message that came in through the shop's own form is refused by Podium: its people do not see it there (alarm).
    MessageNotMirrored,
    /// The list of locations was loaded from Podium.
    LocationsRefreshed,
    /// A condition of the review flow; the code is a dimension (alarms on 009 and 014; 010 is `SignatureRejected`, too).
    ReviewCode,
    /// A review came into a class; the class is a dimension.
    ReviewReceived,
    /// A review's rating is no number of stars; people were told (alarm).
    ReviewUnreadable,
    /// A provider said what became of something that it took; what it said is a dimension.
    DeliveryLearned,
    /// People have something to be told; what about is a dimension.
    NoticeOpened,
    /// A channel took a notice; the channel is a dimension.
    NoticeTold,
    /// A notice was not told within its time (alarm).
    NoticeLate,
    /// A notice was never told (alarm).
    NoticeGivenUp,
    /// A provider's list knew of something that its webhook had not told; the list is a dimension (alarm).
    EventRecovered,
    /// A provider's list could not be compared (alarm when it lasts).
    ReconcileFailed,
    /// A reminder was sent or not; the outcome is a dimension.
    ReminderEnded,
    /// A person's or the shop's data was erased.
    PersonErased,
    /// The app was uninstalled from the shop; nothing is sent any more (alarm).
    AppUninstalled,
    /// A signed webhook needs no work; the reason is a dimension.
    EventIgnored,
    /// A chat met one of the ERR_CHAT conditions; the code is a dimension (alarms on 003, 004, 006 and 007).
    ChatCode,
    /// A chat got an answer; its kind is a dimension.
    ChatAnswered,
    /// A chat was handed over to people; the reason is a dimension.
    ChatHandedOver,
    /// A browser's request was refused; the code is a dimension.
    WebCode,
    /// A visitor's message in the website's chat was answered with an apology: the model, a table or a function failed (alarm).
    ChatApologised,
    /// A form came in; whether it was new is a dimension.
    FormSubmitted,
}

impl Metric {
    /// All of them, for the documentation's and template's tests.
    pub const ALL: [Self; 58] = [
        Self::EventAccepted,
        Self::EventDuplicate,
        Self::EventMismatch,
        Self::EventRejected,
        Self::EventDone,
        Self::WrongShop,
        Self::SignatureRejected,
        Self::PreviousSecretUsed,
        Self::BodyTooLarge,
        Self::QueueSendFailed,
        Self::EventRequeued,
        Self::EventParked,
        Self::EventRetried,
        Self::RecordPanicked,
        Self::RequestScheduled,
        Self::RequestSent,
        Self::RequestSkipped,
        Self::RequestFailed,
        Self::RequestUnknown,
        Self::RequestPostponed,
        Self::ProviderPaused,
        Self::TokenRefreshFailed,
        Self::PlatformFallback,
        Self::TimerBacklog,
        Self::WebchatCode,
        Self::MessageIngested,
        Self::OptOutRecorded,
        Self::OptOutUnattributed,
        Self::OptOutMirrored,
        Self::OptOutMirrorFailed,
        Self::MessageSent,
        Self::MessageUnknown,
        Self::AttachmentUnchecked,
        Self::RowUnreadable,
        Self::OptOutUnsure,
        Self::NoteRefused,
        Self::MessageNotMirrored,
        Self::LocationsRefreshed,
        Self::ReviewCode,
        Self::ReviewReceived,
        Self::ReviewUnreadable,
        Self::DeliveryLearned,
        Self::NoticeOpened,
        Self::NoticeTold,
        Self::NoticeLate,
        Self::NoticeGivenUp,
        Self::EventRecovered,
        Self::ReconcileFailed,
        Self::ReminderEnded,
        Self::PersonErased,
        Self::AppUninstalled,
        Self::EventIgnored,
        Self::ChatCode,
        Self::ChatAnswered,
        Self::ChatHandedOver,
        Self::WebCode,
        Self::ChatApologised,
        Self::FormSubmitted,
    ];

    /// The metric's name in CloudWatch.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventAccepted => "EventAccepted",
            Self::EventDuplicate => "EventDuplicate",
            Self::EventMismatch => "EventMismatch",
            Self::EventRejected => "EventRejected",
            Self::EventDone => "EventDone",
            Self::WrongShop => "WrongShop",
            Self::SignatureRejected => "SignatureRejected",
            Self::PreviousSecretUsed => "PreviousSecretUsed",
            Self::BodyTooLarge => "BodyTooLarge",
            Self::QueueSendFailed => "QueueSendFailed",
            Self::EventRequeued => "EventRequeued",
            Self::EventParked => "EventParked",
            Self::EventRetried => "EventRetried",
            Self::RecordPanicked => "RecordPanicked",
            Self::RequestScheduled => "RequestScheduled",
            Self::RequestSent => "RequestSent",
            Self::RequestSkipped => "RequestSkipped",
            Self::RequestFailed => "RequestFailed",
            Self::RequestUnknown => "RequestUnknown",
            Self::RequestPostponed => "RequestPostponed",
            Self::ProviderPaused => "ProviderPaused",
            Self::TokenRefreshFailed => "TokenRefreshFailed",
            Self::PlatformFallback => "PlatformFallback",
            Self::TimerBacklog => "TimerBacklog",
            Self::WebchatCode => "WebchatCode",
            Self::MessageIngested => "MessageIngested",
            Self::OptOutRecorded => "OptOutRecorded",
            Self::OptOutUnattributed => "OptOutUnattributed",
            Self::OptOutMirrored => "OptOutMirrored",
            Self::OptOutMirrorFailed => "OptOutMirrorFailed",
            Self::MessageSent => "MessageSent",
            Self::MessageUnknown => "MessageUnknown",
            Self::AttachmentUnchecked => "AttachmentUnchecked",
            Self::RowUnreadable => "RowUnreadable",
            Self::OptOutUnsure => "OptOutUnsure",
            Self::NoteRefused => "NoteRefused",
            Self::MessageNotMirrored => "MessageNotMirrored",
            Self::LocationsRefreshed => "LocationsRefreshed",
            Self::ReviewCode => "ReviewCode",
            Self::ReviewReceived => "ReviewReceived",
            Self::ReviewUnreadable => "ReviewUnreadable",
            Self::DeliveryLearned => "DeliveryLearned",
            Self::NoticeOpened => "NoticeOpened",
            Self::NoticeTold => "NoticeTold",
            Self::NoticeLate => "NoticeLate",
            Self::NoticeGivenUp => "NoticeGivenUp",
            Self::EventRecovered => "EventRecovered",
            Self::ReconcileFailed => "ReconcileFailed",
            Self::ReminderEnded => "ReminderEnded",
            Self::PersonErased => "PersonErased",
            Self::AppUninstalled => "AppUninstalled",
            Self::EventIgnored => "EventIgnored",
            Self::ChatCode => "ChatCode",
            Self::ChatAnswered => "ChatAnswered",
            Self::ChatHandedOver => "ChatHandedOver",
            Self::WebCode => "WebCode",
            Self::ChatApologised => "ChatApologised",
            Self::FormSubmitted => "FormSubmitted",
        }
    }
}

/// Measured facts: each is a metric of its own name, whose highest value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gauge {
    /// How long ago the oldest event came in that the sweeper found waiting; 0 if none waits (alarm at an hour).
    OldestWaitingSeconds,
}

impl Gauge {
    /// All of them, for the documentation's and template's tests.
    pub const ALL: [Self; 1] = [Self::OldestWaitingSeconds];

    /// The metric's name in CloudWatch.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OldestWaitingSeconds => "OldestWaitingSeconds",
        }
    }

    /// Its unit in CloudWatch.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::OldestWaitingSeconds => "Seconds",
        }
    }
}

/// How loud a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The course of things.
    Info,
    /// Somebody should know, nobody has to act at once.
    Warn,
    /// Somebody has to act.
    Error,
}

/// A field's value. There is no variant for free text from outside: names, phones and messages cannot be logged by
/// accident. `Detail` is for errors of our own clients, which are built without customers' data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A word of ours.
    Word(&'static str),
    /// A number.
    Number(i64),
    /// An identifier of a row or event.
    Id(String),
    /// What one of our clients reported.
    Detail(String),
}

/// One line: a message that can be read alone, and fields that can be searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How loud.
    pub level: Level,
    /// What happened.
    pub message: &'static str,
    /// The stable code, where there is one.
    pub code: Option<&'static str>,
    /// The rest.
    pub fields: Vec<(&'static str, Value)>,
}

impl Line {
    /// A line of the given level.
    #[must_use]
    pub const fn new(level: Level, message: &'static str) -> Self {
        Self { level, message, code: None, fields: Vec::new() }
    }

    /// A line at info level.
    #[must_use]
    pub const fn info(message: &'static str) -> Self {
        Self::new(Level::Info, message)
    }

    /// A line at warn level.
    #[must_use]
    pub const fn warn(message: &'static str) -> Self {
        Self::new(Level::Warn, message)
    }

    /// A line at error level.
    #[must_use]
    pub const fn error(message: &'static str) -> Self {
        Self::new(Level::Error, message)
    }

    /// Adds the stable code.
    #[must_use]
    pub const fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Adds a word of ours.
    #[must_use]
    pub fn word(mut self, name: &'static str, word: &'static str) -> Self {
        self.fields.push((name, Value::Word(word)));
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, number: i64) -> Self {
        self.fields.push((name, Value::Number(number)));
        self
    }

    /// Adds an identifier.
    #[must_use]
    pub fn id(mut self, name: &'static str, id: &str) -> Self {
        self.fields.push((name, Value::Id(id.to_owned())));
        self
    }

    /// Adds the last four digits of a number, which is all that may be shown of it.
    #[must_use]
    pub fn phone(mut self, phone: &E164Phone) -> Self {
        self.fields.push(("phone_last4", Value::Id(phone.last4().to_owned())));
        self
    }

    /// Adds what one of our clients reported.
    #[must_use]
    pub fn detail(mut self, error: &impl std::fmt::Display) -> Self {
        self.fields.push(("error.detail", Value::Detail(error.to_string())));
        self
    }
}

/// Where lines and counts go.
pub trait Telemetry {
    /// Counts a fact once, with an optional word that tells its kinds apart (a skip reason).
    fn count(&self, metric: Metric, kind: Option<&'static str>);

    /// Notes what a fact measures now.
    fn measure(&self, gauge: Gauge, value: u64);

    /// Writes a line.
    fn line(&self, line: Line);
}
