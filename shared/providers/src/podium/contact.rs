//! Contacts: looked up, believed only if they have the number, made if there is none.

use frontdesk_core::{
    ids::{LocationUid, ProviderId},
    phone::E164Phone,
    provider::{CallFailure, ContactBook, ContactHandle, Created, ListedContact, Mirrored, NewContact, OptOutMirror},
    time::Clock,
};
use serde_json::Value;

use super::{Contract, Podium, done, unavailable};
use crate::{
    http::{Answer, segment},
    json,
    token::AccessTokens,
};

/// The name of somebody who gave none. The published contract wants one, and the number would be no better.
const NAMELESS: &str = "Webchat visitor";
/// Channels whose identifier is the number that texts go to.
const PHONE_CHANNELS: [&str; 3] = ["phone", "sms", "text"];
/// Fields of the briefs' contact that say that this person wants no messages. Its fourth, about review requests alone,
/// does not.
const FLAGS: [&str; 4] = ["opted_out", "podium_keyword_optout", "marketing_sms_opt_out", "global_unsubscribe"];

impl<T: AccessTokens, C: Clock> ContactBook for Podium<T, C> {
    async fn find_contact(
        &self,
        phone: &E164Phone,
        location: Option<&LocationUid>,
    ) -> Result<Option<ListedContact>, CallFailure> {
        let shown = match &self.contract {
            Contract::Published(published) => published.find_contact(&self.wire, phone).await?.into_iter().collect(),
            Contract::Brief(brief) => brief.find_contacts(&self.wire, phone, location).await?,
        };
        let mut theirs = shown.iter().filter(|contact| phones(contact).contains(phone));
        let Some(first) = theirs.next() else { return Ok(None) };
        let mut contact = self.listed(first)?;
        // The same person twice: what was told to either of them holds.
        contact.opted_out |= theirs.any(|other| self.wants_silence(other));
        Ok(Some(contact))
    }

    async fn create_contact(&self, new: &NewContact) -> Result<Created, CallFailure> {
        match &self.contract {
            Contract::Published(published) => published.create_contact(&self.wire, new).await,
            Contract::Brief(brief) => brief.create_contact(&self.wire, new).await,
        }
    }

    async fn contact_of(&self, who: &ContactHandle) -> Result<Option<ListedContact>, CallFailure> {
        let shown = match &self.contract {
            Contract::Published(published) => published.contact_of(&self.wire, who).await?,
            Contract::Brief(brief) => brief.contact_of(&self.wire, who).await?,
        };
        shown.map(|contact| self.listed(&contact)).transpose()
    }

    async fn mirror(
        &self,
        phone: &E164Phone,
        uid: Option<&ProviderId>,
        how: OptOutMirror,
        opted_out: bool,
    ) -> Result<Mirrored, CallFailure> {
        match how {
            OptOutMirror::Tag => self.mirror_by_tag(phone, opted_out).await,
            OptOutMirror::CampaignOptOut => self.mirror_by_campaign(phone, opted_out).await,
            OptOutMirror::BriefPatch => self.mirror_by_patch(phone, uid, opted_out).await,
        }
    }
}

impl<T, C> Podium<T, C> {
    fn listed(&self, contact: &Value) -> Result<ListedContact, CallFailure> {
        let uid =
            json::id(contact.get("uid")).ok_or_else(|| unavailable("the answer shows a contact without a uid"))?;
        let (name, phones) = (name_in(contact), phones(contact));
        Ok(ListedContact { uid, name, phones, opted_out: self.wants_silence(contact) })
    }

    /// Whether the contact says, in either contract's way or by our tag, that this person wants no messages.
    fn wants_silence(&self, contact: &Value) -> bool {
        let by_channel = phone_channels(contact).any(|channel| is_set(channel.get("transactionalOptedOutAt")));
        let by_flag = FLAGS.iter().any(|flag| is_set(contact.get(flag)));
        let labels = json::items(contact, "tags").filter_map(|tag| tag.get("label")?.as_str());
        by_channel || by_flag || labels.into_iter().any(|label| self.tag.is(label))
    }
}

/// Anything but "no": what cannot be read is no licence to write to somebody.
fn is_set(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !["", "false", "0"].contains(&text.trim().to_ascii_lowercase().as_str()),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::Bool(true) | Value::Array(_) | Value::Object(_)) => true,
    }
}

fn phone_channels(contact: &Value) -> impl Iterator<Item = &Value> {
    json::items(contact, "channels").filter(|channel| {
        let kind = channel.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| PHONE_CHANNELS.iter().any(|known| kind.eq_ignore_ascii_case(known)))
    })
}

/// All numbers of a contact, in either contract's fields, each once.
fn phones(contact: &Value) -> Vec<E164Phone> {
    let own = ["phone", "phoneNumber"].into_iter().filter_map(|name| contact.get(name));
    let listed = json::items(contact, "phoneNumbers");
    let channels = phone_channels(contact).filter_map(|channel| channel.get("identifier"));
    let mut phones = Vec::new();
    for phone in own.chain(listed).chain(channels).filter_map(json::phone) {
        if !phones.contains(&phone) {
            phones.push(phone);
        }
    }
    phones
}

/// The path segment that asks for a contact; `None` for a name that cannot stand in one.
pub(super) fn segment_of(who: &ContactHandle) -> Option<String> {
    match who {
        ContactHandle::Email(address) => segment(address),
        ContactHandle::Conversation(uid) => segment(uid.as_str()),
    }
}

/// What became of making a contact: made whatever the answer looks like, with the uid that `read` finds in it.
pub(super) fn created(answer: Answer, read: impl FnOnce(&Value) -> Option<ProviderId>) -> Result<Created, CallFailure> {
    if answer.status == 409 {
        return Ok(Created::Exists);
    }
    Ok(Created::Made { uid: read(&done(answer)?.json().unwrap_or_default()) })
}

/// What the shop's people call a contact, in either contract's fields. What stands for no name, here or in an import, is none.
fn name_in(contact: &Value) -> Option<String> {
    let word = |field: &str| contact.get(field).and_then(Value::as_str);
    let fields = if word("name").is_some() { ["name"].as_slice() } else { ["first_name", "last_name"].as_slice() };
    let words: Vec<&str> = fields.iter().filter_map(|field| word(field)).flat_map(str::split_whitespace).collect();
    let name = words.join(" ");
    let made_up = name.is_empty() || name == NAMELESS || E164Phone::parse_e164(&name).is_ok();
    (!made_up).then_some(name)
}

/// Whether a contact is the one that was asked for. One that lists addresses (or conversations), and not this one, is
/// somebody else's.
pub(super) fn is_of(contact: &Value, who: &ContactHandle) -> bool {
    let texts: Vec<&str> = match who {
        ContactHandle::Email(_) => {
            let channels = json::items(contact, "channels").filter_map(|channel| channel.get("identifier"));
            let all = json::items(contact, "emails").chain(channels).chain(contact.get("email"));
            all.filter_map(Value::as_str).filter(|text| text.contains('@')).collect()
        }
        ContactHandle::Conversation(_) => {
            json::items(contact, "conversations").filter_map(|one| one.get("uid")?.as_str()).collect()
        }
    };
    let is_asked = |text: &&str| match who {
        ContactHandle::Email(address) => text.trim().eq_ignore_ascii_case(address.trim()),
        ContactHandle::Conversation(uid) => *text == uid.as_str(),
    };
    texts.is_empty() || texts.iter().any(is_asked)
}

/// The body of a good answer.
pub(super) fn body_of(answer: &Answer) -> Result<Value, CallFailure> {
    Ok(answer.json().map_err(unavailable)?)
}

/// First and last name on one line, or what stands for none.
pub(super) fn name_of(new: &NewContact) -> String {
    let parts = [&new.first_name, &new.last_name].into_iter().flatten();
    let words: Vec<&str> = parts.flat_map(|part| part.split_whitespace()).collect();
    if words.is_empty() { NAMELESS.to_owned() } else { words.join(" ") }
}

/// A uid as Podium makes them, and not a phone number.
pub(super) fn uuid(value: &Value) -> Option<ProviderId> {
    let text = value.as_str()?;
    let lengths = text.split('-').map(str::len);
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    (hex && lengths.eq([8, 4, 4, 4, 12])).then(|| ProviderId::try_from(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_come_from_all_places_that_hold_numbers() {
        let contact = json!({
            "phone": "+61 491 570 156",
            "phoneNumbers": ["+61491570156", "0491 570 157", null, "+61491570158"],
            "channels": [
                { "type": "phone", "identifier": "+61491570159" },
                { "type": "email", "identifier": "+61491570110@example.com" },
                { "type": "whatsapp", "identifier": "+61491570111" },
                "phone",
            ],
        });
        let found: Vec<String> = phones(&contact).iter().map(|p| p.expose().to_owned()).collect();
        assert_eq!(found, ["+61491570156", "+61491570158", "+61491570159"]);
    }

    #[test]
    fn only_a_clear_no_is_no_opt_out() {
        for set in [json!(true), json!("2026-02-25T06:13:20Z"), json!("true"), json!(1), json!({}), json!("yes")] {
            assert!(is_set(Some(&set)), "{set}");
        }
        for unset in [json!(null), json!(false), json!("false"), json!("False "), json!(0), json!("")] {
            assert!(!is_set(Some(&unset)), "{unset}");
        }
        assert!(!is_set(None));
    }

    #[test]
    fn a_name_is_one_line_and_never_made_of_the_number() {
        let name = |first: Option<&str>, last: Option<&str>| {
            name_of(&NewContact {
                phone: E164Phone::parse_e164("+61491570156").unwrap(),
                first_name: first.map(str::to_owned),
                last_name: last.map(str::to_owned),
                location: LocationUid::try_from("loc-1").unwrap(),
            })
        };
        assert_eq!(name(Some("Jo"), Some("de la Cruz")), "Jo de la Cruz");
        assert_eq!(name(Some(" Jo\nAnn "), None), "Jo Ann");
        assert_eq!(name(None, Some("Cruz")), "Cruz");
        assert_eq!(name(None, None), "Webchat visitor");
        assert_eq!(name(Some(" "), Some("\t")), "Webchat visitor");
    }

    #[test]
    fn a_name_that_we_made_up_is_none() {
        for (contact, name) in [
            (json!({ "name": " Mia  Tennant " }), Some("Mia Tennant")),
            (json!({ "name": null, "first_name": "Mia", "last_name": "Tennant" }), Some("Mia Tennant")),
            (json!({ "first_name": null, "last_name": "Tennant" }), Some("Tennant")),
            (json!({ "name": "Webchat visitor" }), None),
            (json!({ "name": "+61491570156" }), None),
            (json!({ "name": " " }), None),
            (json!({ "name": 7 }), None),
            (json!({}), None),
        ] {
            assert_eq!(name_in(&contact).as_deref(), name, "{contact}");
        }
    }

    #[test]
    fn an_identifier_is_a_uid_only_if_it_looks_like_one() {
        assert!(uuid(&json!("0a1b2c3d-0000-4000-8000-00aabbccddee")).is_some());
        for other in [json!("+61491570156"), json!("a@example.com"), json!("0a1b2c3d"), json!(7), json!("----")] {
            assert_eq!(uuid(&other), None, "{other}");
        }
    }
}
