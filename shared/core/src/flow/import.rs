//! A message that came in through the shop's own form is shown at Podium too, where the shop's people work.
//!
//! No customer notices it, so it may be done again; but each time puts the same words before the shop's people. So it goes
//! through the outbox like a send, begun before the call and settled after it:
//!
//! | dies | the row says | the next attempt |
//! |---|---|---|
//! | before the call, in it, or before its end is written down | sending | once the lease is over: shows it (again) |
//! | after that | accepted, or failed | goes on behind it |
//!
//! Podium may tell us of it like of anything that a customer wrote. Such an echo is no second message: worked on like one it
//! would be in the session twice, and a keyword in it answered twice, since answers have the message's name and the echo has
//! another. It is known by the uid that the import's answer named. It also comes before that uid is known, or when it never
//! will be: the answer was lost, or its reader died. So what is shown leaves its words' mark before the call, and a message of
//! the same person in the same words is the echo while the uid is not known for certain. That one also says what the lost
//! answer would have: the message is there, and is not shown again.

use super::{open_notice, paused, respect, say::SpeakerRules, wake, worker::WorkError};
use crate::{
    ids::{ConversationUid, EffectKey, EventId, Ids, LocationUid, OwnerToken, ProviderId},
    inbox::BodySha256,
    notice::{Content, Notice, NoticeKind, NoticeQueue, Notices},
    outbox::{Begin, Fact, Outbox, OutboxState, Send, Settlement},
    phone::E164Phone,
    podium::{Attachment, ClaimedSize, Message},
    provider::{CallFailure, ContactBook, Import, Imported, Imports, Limits, NotDone, Provider},
    queue::DelaySeconds,
    store::{Fenced, Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, DAY, UnixMillis},
};

/// How long words are taken for an echo whose uid is not known. Podium repeats a webhook for some eight hours, and its list is
/// compared each hour.
const ECHO_WITHIN: std::time::Duration = DAY;
/// Between the two parts of what an import's row keeps as its id.
const BEHIND: char = '~';

/// What shows messages at Podium.
#[derive(Debug)]
pub(super) struct Importer<'a, S, P, N, C, I, T> {
    pub(super) store: &'a S,
    pub(super) podium: &'a P,
    pub(super) notices: &'a N,
    pub(super) clock: &'a C,
    pub(super) ids: &'a I,
    pub(super) telemetry: &'a T,
    pub(super) rules: SpeakerRules,
}

impl<S, P, N, C, I, T> Importer<'_, S, P, N, C, I, T>
where
    S: Outbox + Limits + Notices,
    P: Imports + ContactBook,
    N: NoticeQueue,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Shows Podium a message that it does not have yet, unless it is shown already or was refused. Returns the message with the
    /// conversation that shows it, if that is known.
    ///
    /// # Errors
    /// When it is not certain yet, or Podium or a table cannot be used; then it must be asked for again.
    pub(super) async fn mirror(
        &self,
        name: &EventId,
        message: &Message,
        (phone, location): (&E164Phone, &LocationUid),
        at: UnixMillis,
    ) -> Result<Message, WorkError> {
        let what = Import {
            phone: phone.clone(),
            contact_name: name_of(message, phone),
            location: location.clone(),
            text: text_of(message),
            at,
        };
        let shown_in = self.show(name, what).await?;
        Ok(Message { conversation: shown_in.or_else(|| message.conversation.clone()), ..message.clone() })
    }

    /// The shop's people get the words another way.
    async fn tell(&self, name: &EventId, what: &Import, status: u16) -> Result<(), StoreError> {
        let content = Content {
            headline: "A message from the website that Podium does not take".into(),
            facts: vec![
                ("Location".into(), what.location.as_str().to_owned()),
                ("Podium's answer".into(), format!("status {status}")),
            ],
            quote: Some(format!("{}\n{}\n{}", what.contact_name, what.phone.expose(), what.text)),
            link: None,
            action: "Answer it yourself: it is not in Podium's inbox.".into(),
        };
        let notice = Notice::new(NoticeKind::ContactForm, name.as_str(), content, self.clock.now());
        open_notice(self.store, self.telemetry, &notice).await?;
        wake(self.notices, self.telemetry, &notice.key, DelaySeconds::ZERO).await;
        Ok(())
    }

    async fn show(&self, name: &EventId, what: Import) -> Result<Option<ConversationUid>, WorkError> {
        let key = EffectKey::import(name);
        let left_behind = match self.store.outbox_state(&key).await? {
            None | Some(OutboxState::Pending { .. }) => None,
            Some(OutboxState::Sending(unfinished)) => {
                // Whoever began it may be in the middle of the call until its lease is over.
                let until = unfinished.began_at.plus(self.rules.lease);
                if self.clock.now() < until {
                    return Err(WorkError::NotBefore { at: until });
                }
                Some(unfinished.owner)
            }
            Some(settled) => return Ok(conversation_of(&settled)),
        };
        if let Some(why) = paused(self.store, self.clock, Provider::Podium).await? {
            return Err(why.into());
        }
        let what = Import { contact_name: self.contact_name(&what).await?, ..what };
        let now = self.clock.now();
        self.store.track(&words(&what.phone, &what.text), &Fact::Ours(key.clone()), now.plus(ECHO_WITHIN)).await?;
        let (owner, repeated) = match left_behind {
            // The row goes on as it was begun: that an earlier attempt may have shown it must not be forgotten.
            Some(owner) => (owner, true),
            None => match self.begin(&key, &what).await? {
                Ok(owner) => (owner, false),
                Err(OutboxState::Sending(unfinished)) => {
                    return Err(WorkError::NotBefore { at: unfinished.began_at.plus(self.rules.lease) });
                }
                Err(settled) => return Ok(conversation_of(&settled)),
            },
        };
        match self.podium.import(&what).await {
            Ok(imported) => self.shown(name, &owner, imported, repeated).await,
            Err(CallFailure::NotDone(why)) => {
                respect(self.store, self.telemetry, self.clock.now(), &why).await?;
                if matches!(why, NotDone::Throttled { .. }) && !repeated {
                    // That is certain: nobody need wait for the lease.
                    self.settle(&key, &owner, Settlement::NotSent).await?;
                }
                Err(why.into())
            }
            Err(CallFailure::Refused { status }) => {
                // Told before it is over: the customer heard that their message was taken.
                self.tell(name, &what, status).await?;
                self.settle(&key, &owner, Settlement::Failed { reason: format!("refused_{status}") }).await?;
                self.telemetry.count(Metric::MessageNotMirrored, None);
                self.telemetry.line(
                    Line::error("Podium refuses a message of the shop's own form; its people do not see it there")
                        .id("effect.key", key.as_str())
                        .number("status", i64::from(status))
                        .phone(&what.phone),
                );
                Ok(None)
            }
        }
    }

    /// The name that Podium has for the person already, else the one that they gave: an import may rename a contact, and what
    /// anybody typed into a form is no reason to.
    async fn contact_name(&self, what: &Import) -> Result<String, WorkError> {
        match self.podium.find_contact(&what.phone, Some(&what.location)).await {
            Ok(found) => Ok(found.and_then(|contact| contact.name).unwrap_or_else(|| what.contact_name.clone())),
            Err(CallFailure::NotDone(why)) => {
                respect(self.store, self.telemetry, self.clock.now(), &why).await?;
                Err(why.into())
            }
            // The worker has said so when it looked for the contact.
            Err(CallFailure::Refused { .. }) => Ok(what.contact_name.clone()),
        }
    }

    /// Begins it; what it is already, if it cannot be begun.
    async fn begin(&self, key: &EffectKey, what: &Import) -> Result<Result<OwnerToken, OutboxState>, StoreError> {
        let now = self.clock.now();
        let (phone, location) = (what.phone.clone(), what.location.clone());
        let send = Send { key: key.clone(), phone, location, expires_at: now.plus(self.rules.keep) };
        let lease = Lease { owner: self.ids.owner(), now, until: now.plus(self.rules.lease) };
        Ok(match self.store.begin(&send, &lease).await? {
            Begin::Begun => Ok(lease.owner),
            Begin::Refused(state) => Err(state),
        })
    }

    /// Podium took it. Its uid is written down first: the echo may be here any moment.
    async fn shown(
        &self,
        name: &EventId,
        owner: &OwnerToken,
        imported: Imported,
        repeated: bool,
    ) -> Result<Option<ConversationUid>, WorkError> {
        let key = EffectKey::import(name);
        let Imported { message, conversation } = imported;
        if let Some(uid) = &message {
            let expires_at = self.clock.now().plus(self.rules.keep);
            self.store.track(uid, &Fact::Ours(key.clone()), expires_at).await?;
        }
        // Shown twice it has two uids, and one of them nobody knows.
        let certain = message.filter(|_| !repeated);
        let message = receipt(name, certain.as_ref(), conversation.as_ref());
        self.settle(&key, owner, Settlement::Accepted { message }).await?;
        Ok(conversation)
    }

    /// Lost: its echo, or somebody who took over, said so before.
    async fn settle(&self, key: &EffectKey, owner: &OwnerToken, end: Settlement) -> Result<(), StoreError> {
        let _: Fenced = self.store.settle(key, owner, &end, self.clock.now()).await?;
        Ok(())
    }
}

/// An import that a message is the echo of.
pub(super) struct Echoed {
    key: EffectKey,
    /// Who began the import and did not say how it ended.
    open: Option<OwnerToken>,
}

impl Echoed {
    /// Whether there is nothing to learn from it: how the import ended is known.
    pub(super) const fn is_known(&self) -> bool {
        self.open.is_none()
    }

    /// Writes down what the echo says: the message is there, and under which id.
    pub(super) async fn learn(
        &self,
        store: &impl Outbox,
        echo: &Message,
        (now, expires_at): (UnixMillis, UnixMillis),
    ) -> Result<(), StoreError> {
        if let Some(uid) = &echo.uid {
            store.track(uid, &Fact::Ours(self.key.clone()), expires_at).await?;
        }
        if let (Some(owner), Some(name)) = (&self.open, self.key.imported()) {
            // Whoever began it may yet wake up and show it under another uid.
            let message = receipt(&name, None, echo.conversation.as_ref());
            let _: Fenced = store.settle(&self.key, owner, &Settlement::Accepted { message }, now).await?;
        }
        Ok(())
    }
}

/// The import of ours that a message of Podium's is the echo of, if it is one.
pub(super) async fn echoed(
    store: &impl Outbox,
    message: &Message,
    now: UnixMillis,
) -> Result<Option<Echoed>, StoreError> {
    if message.from_widget {
        return Ok(None);
    }
    if let Some(uid) = &message.uid
        && let Some(key) = store.tracked(uid).await?.effect.filter(|effect| effect.imported().is_some())
    {
        return Ok(Some(Echoed { key, open: None }));
    }
    let (Some(text), Ok(phone)) = (&message.text, message.customer(None)) else { return Ok(None) };
    let Some(key) = store.tracked(&words(&phone, text)).await?.effect else { return Ok(None) };
    let (Some(name), Some(row)) = (key.imported(), store.send_row(&key).await?) else { return Ok(None) };
    let is_fresh = row.settled_at.is_none_or(|at| now < at.plus(ECHO_WITHIN));
    Ok(match row.state {
        OutboxState::Sending(unfinished) => Some(Echoed { key, open: Some(unfinished.owner) }),
        // Of one whose uid is known for certain the echo has that; the same words under another are the person's own.
        OutboxState::Accepted { message } if is_fresh && parts(&message).0 == name.as_str() => {
            Some(Echoed { key, open: None })
        }
        OutboxState::Accepted { .. }
        | OutboxState::Delivered { .. }
        | OutboxState::Undelivered { .. }
        | OutboxState::Pending { .. }
        | OutboxState::Failed { .. }
        | OutboxState::Unknown => None,
    })
}

/// The mark that the words of an import leave. A hash, because an id shows in logs.
fn words(phone: &E164Phone, text: &str) -> ProviderId {
    // White space is what is changed on the way, if anything is.
    let plain: Vec<&str> = text.split_whitespace().collect();
    let marked = format!("import#{}#{}", phone.expose(), plain.join(" "));
    ProviderId::from(&EventId::of_body(&BodySha256::of(marked.as_bytes())))
}

/// What an import's row keeps as its id: Podium's uid, or the message's own name where that is not certain; behind it the
/// conversation, so that a death right after loses none of it.
fn receipt(name: &EventId, uid: Option<&ProviderId>, conversation: Option<&ConversationUid>) -> ProviderId {
    let id = uid.filter(|uid| !uid.as_str().contains(BEHIND)).cloned().unwrap_or_else(|| ProviderId::from(name));
    let both = conversation.and_then(|at| ProviderId::try_from(format!("{id}{BEHIND}{at}").as_str()).ok());
    both.unwrap_or(id)
}

fn parts(receipt: &ProviderId) -> (&str, Option<ConversationUid>) {
    match receipt.as_str().split_once(BEHIND) {
        Some((id, conversation)) => (id, ConversationUid::try_from(conversation).ok()),
        None => (receipt.as_str(), None),
    }
}

/// The conversation that shows what was settled, if that is known.
fn conversation_of(state: &OutboxState) -> Option<ConversationUid> {
    match state {
        OutboxState::Accepted { message }
        | OutboxState::Delivered { message }
        | OutboxState::Undelivered { message, .. } => parts(message).1,
        OutboxState::Pending { .. } | OutboxState::Sending(_) | OutboxState::Failed { .. } | OutboxState::Unknown => {
            None
        }
    }
}

/// What Podium is to call somebody whom it does not know: the name that they gave, else the number, by which its people find
/// them.
fn name_of(message: &Message, phone: &E164Phone) -> String {
    let parts = [&message.first_name, &message.last_name].into_iter().flatten();
    let names: Vec<&str> = parts.flat_map(|part| part.split_whitespace()).collect();
    if names.is_empty() { phone.expose().to_owned() } else { names.join(" ") }
}

/// What is shown of a message: its words, a line for each attachment, and what Podium does not know of it. Its own text is that
/// of the number's owner; this one somebody typed into a page, with a number that may be anybody's.
fn text_of(message: &Message) -> String {
    let words = message.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let files = message.attachments.iter().map(line_of);
    let email = message.email.as_deref().map(|email| format!("[e-mail] {email}"));
    let origin = "[website form; the number is not verified]".to_owned();
    words.map(str::to_owned).into_iter().chain(files).chain(email).chain([origin]).collect::<Vec<_>>().join("\n")
}

fn line_of(attachment: &Attachment) -> String {
    let name = attachment.name.as_deref().unwrap_or("file");
    let size = match attachment.size {
        ClaimedSize::Bytes(bytes) => Some(size_of(bytes)),
        ClaimedSize::Unusable | ClaimedSize::Absent => None,
    };
    let about: Vec<&str> = attachment.mime.as_deref().into_iter().chain(size.as_deref()).collect();
    let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
    let url = attachment.url.as_deref().map(|url| format!(": {url}")).unwrap_or_default();
    format!("[attachment] {name}{about}{url}")
}

/// A size for people: whole bytes, or one decimal of the unit that fits.
fn size_of(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    let in_units = |unit: u64, name: &str| format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        MIB.. => in_units(MIB, "MiB"),
        KIB.. => in_units(KIB, "KiB"),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::podium::{What, WidgetAttachment, WidgetMessage, parse};
    use crate::wish::{self, ExtraWords, Wish};

    fn name() -> EventId {
        EventId::try_from("widget-9f3c").unwrap()
    }

    fn conversation() -> ConversationUid {
        ConversationUid::try_from("c-1").unwrap()
    }

    fn message(text: Option<&str>, attachments: Vec<WidgetAttachment>) -> Message {
        let written = WidgetMessage {
            id: name(),
            at: UnixMillis::new(1_795_132_800_000),
            phone: E164Phone::parse_e164("+61491570156").unwrap(),
            text: text.map(str::to_owned),
            location: Some(LocationUid::try_from("loc-1").unwrap()),
            first_name: None,
            last_name: None,
            email: None,
            attachments,
        };
        let What::Received(message) = parse(&written.body()).unwrap().what else { panic!("not a message") };
        *message
    }

    fn attached(name: &str, bytes: u64) -> WidgetAttachment {
        let (url, mime) = ("https://shop.example.test/f/1".to_owned(), "image/png".to_owned());
        WidgetAttachment { url, bytes, name: name.to_owned(), mime }
    }

    const FORM: &str = "[website form; the number is not verified]";

    fn shown(message: &Message) -> String {
        text_of(message)
    }

    #[test]
    fn words_come_first_and_each_attachment_has_a_line() {
        let both = message(Some(" see here "), vec![attached("a.png", 123), attached("b\n\u{7}.png", 5_400_000)]);
        assert_eq!(
            shown(&both),
            format!(
                "see here\n[attachment] a.png (image/png, 123 bytes): https://shop.example.test/f/1\n\
                 [attachment] b.png (image/png, 5.1 MiB): https://shop.example.test/f/1\n{FORM}"
            )
        );
        assert_eq!(shown(&message(None, vec![attached("", 2_048)])).lines().count(), 2);
        assert!(shown(&message(None, vec![attached("", 2_048)])).starts_with("[attachment] file (image/png, 2.0 KiB)"));
        assert_eq!(shown(&message(None, Vec::new())), FORM);
        let by_mail = Message { email: Some("mia@example.test".into()), ..message(Some("hi"), Vec::new()) };
        assert_eq!(shown(&by_mail), format!("hi\n[e-mail] mia@example.test\n{FORM}"));
        let bare =
            Message { attachments: vec![Attachment::of(ClaimedSize::Absent, None)], ..message(None, Vec::new()) };
        assert_eq!(shown(&bare), format!("[attachment] file\n{FORM}"));
    }

    /// Podium's webhook of it would be a text of the number's owner.
    #[test]
    fn nothing_that_is_shown_asks_for_messages() {
        for start in ["START", " start. ", "Unstop!", "subscribe"] {
            let text = shown(&message(Some(start), Vec::new()));
            assert!(text.contains(start.trim()), "{text}");
            assert_eq!(wish::read(&text, &ExtraWords::default()), Wish::None, "{text}");
        }
    }

    #[test]
    fn a_person_without_a_name_is_called_by_their_number() {
        let phone = E164Phone::parse_e164("+61491570156").unwrap();
        let mut named = message(None, Vec::new());
        assert_eq!(name_of(&named, &phone), "+61491570156");
        named.last_name = Some(" de la  Cruz".into());
        assert_eq!(name_of(&named, &phone), "de la Cruz");
        named.first_name = Some("Jo".into());
        assert_eq!(name_of(&named, &phone), "Jo de la Cruz");
    }

    #[test]
    fn a_receipt_keeps_what_is_certain() {
        let uid = |text: &str| ProviderId::try_from(text).unwrap();
        let (name, here) = (name(), conversation());
        for (given, id) in [(Some("m-1"), "m-1"), (None, "widget-9f3c"), (Some("m~1"), "widget-9f3c")] {
            let given = given.map(uid);
            let kept = receipt(&name, given.as_ref(), Some(&here));
            assert_eq!(parts(&kept), (id, Some(here.clone())));
            assert_eq!(conversation_of(&OutboxState::Accepted { message: kept }), Some(here.clone()));
            assert_eq!(parts(&receipt(&name, given.as_ref(), None)), (id, None));
        }
        // Too long for both: the id is the one that counts.
        let long = uid(&"x".repeat(254));
        assert_eq!(receipt(&name, Some(&long), Some(&here)), long);
    }

    #[test]
    fn white_space_makes_no_other_words_and_another_person_does() {
        let phone = |text: &str| E164Phone::parse_e164(text).unwrap();
        let mia = words(&phone("+61491570156"), "do you\nhave kayaks");
        assert_eq!(mia, words(&phone("+61491570156"), " do you have  kayaks\r\n"));
        assert_ne!(mia, words(&phone("+61491570156"), "do you have kayak"));
        assert_ne!(mia, words(&phone("+61491570157"), "do you have kayaks"));
        assert!(!mia.as_str().contains("91570156"));
    }
}
