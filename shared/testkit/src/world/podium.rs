//! Podium's conversations, contacts and locations, as far as our flows can tell.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use frontdesk_core::{
    directory::KnownLocation,
    gate::Permit,
    ids::{ConversationUid, EffectKey, LocationUid, ProviderId},
    phone::{E164Phone, Region},
    provider::{
        Attachments, CallFailure, ContactBook, ContactHandle, Created, Desk, ListedContact, LocationList, LookUpAnswer,
        Measured, Messages, Mirrored, NewContact, NotDone, OptOutMirror, Provider, Say, SendFailure,
    },
    time::{Clock, UnixMillis},
};

use super::{
    Role, World,
    imports::Importing,
    ports::{Taken, message_id},
};

/// A contact at Podium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodiumContact {
    /// Its uid.
    pub uid: ProviderId,
    /// Its number.
    pub phone: E164Phone,
    /// Its name, as Podium has it.
    pub name: Option<String>,
    /// Its address, where it writes by e-mail.
    pub email: Option<String>,
    /// Whether Podium was told that it wants no messages.
    pub opted_out: bool,
    /// How many look-ups do not show it yet.
    unseen: u32,
}

/// A note for the shop's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub conversation: ConversationUid,
    /// The words.
    pub text: String,
    /// When.
    pub at: UnixMillis,
    /// Who left it.
    pub by: Role,
}

/// A message that reached somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// To whom.
    pub phone: E164Phone,
    /// For which effect.
    pub effect: EffectKey,
    /// When.
    pub at: UnixMillis,
    /// The words and where.
    pub say: Say,
}

/// Podium.
#[derive(Debug)]
pub struct SimPodium {
    /// The briefs' contract: 409 for a contact that is there. Otherwise the published one, which overwrites its name.
    pub brief: bool,
    /// How many look-ups do not show a contact that was just made.
    pub unseen_for: u32,
    /// Whether what Podium is told about a contact comes back as a webhook.
    pub echoes: bool,
    /// The stretches in which it does not answer.
    pub down: RefCell<Vec<(UnixMillis, UnixMillis)>>,
    /// The stretches in which the hosts of attachments do not answer.
    pub hosts_down: RefCell<Vec<(UnixMillis, UnixMillis)>>,
    /// Its locations.
    pub locations: RefCell<Vec<KnownLocation>>,
    pub(super) contacts: RefCell<Vec<PodiumContact>>,
    pub(super) conversations: RefCell<BTreeMap<ConversationUid, E164Phone>>,
    /// Since when a conversation is closed.
    pub(super) closed: RefCell<BTreeMap<ConversationUid, UnixMillis>>,
    pub(super) notes: RefCell<Vec<Note>>,
    pub(super) said: RefCell<Vec<Saying>>,
    /// What it does with messages that are put into its conversations.
    pub imports: Importing,
    /// How often a name that somebody gave a contact was overwritten.
    pub(super) overwritten: Cell<usize>,
    made: Cell<usize>,
}

impl Default for SimPodium {
    fn default() -> Self {
        let location = |uid: &str, name: &str, country: &str| KnownLocation {
            uid: LocationUid::try_from(uid).unwrap(),
            name: name.into(),
            country: Some(Region::try_from(country).unwrap()),
        };
        Self {
            brief: false,
            unseen_for: 0,
            echoes: false,
            down: RefCell::default(),
            hosts_down: RefCell::default(),
            locations: RefCell::new(vec![
                location("loc-1", "Harbour Lane", "AU"),
                location("loc-2", "Mill Road", "GB"),
            ]),
            contacts: RefCell::default(),
            conversations: RefCell::default(),
            closed: RefCell::default(),
            notes: RefCell::default(),
            said: RefCell::default(),
            imports: Importing::default(),
            overwritten: Cell::new(0),
            made: Cell::new(0),
        }
    }
}

impl SimPodium {
    /// Whether nobody answers at `now`.
    #[must_use]
    pub fn is_down(&self, now: UnixMillis) -> bool {
        within(&self.down.borrow(), now)
    }

    /// Whether there was a stretch in which nobody answered.
    #[must_use]
    pub fn was_down(&self) -> bool {
        !self.down.borrow().is_empty()
    }

    /// Its contacts.
    #[must_use]
    pub fn contacts(&self) -> Vec<PodiumContact> {
        self.contacts.borrow().clone()
    }

    /// The notes that were left.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        self.notes.borrow().clone()
    }

    /// The messages that reached people, review requests not among them.
    #[must_use]
    pub fn said(&self) -> Vec<Saying> {
        self.said.borrow().clone()
    }

    /// How often a name was overwritten that somebody had given a contact.
    #[must_use]
    pub fn names_overwritten(&self) -> usize {
        self.overwritten.get()
    }

    /// Adds a contact that the shop's people made.
    ///
    /// # Panics
    /// When the number is none.
    pub fn has(&self, phone: &str, name: &str, email: Option<&str>) -> ProviderId {
        let uid = self.new_uid();
        self.contacts.borrow_mut().push(PodiumContact {
            uid: uid.clone(),
            phone: E164Phone::parse_e164(phone).unwrap(),
            name: Some(name.to_owned()),
            email: email.map(str::to_owned),
            opted_out: false,
            unseen: 0,
        });
        uid
    }

    fn new_uid(&self) -> ProviderId {
        self.made.set(self.made.get() + 1);
        ProviderId::try_from(format!("contact-{}", self.made.get()).as_str()).unwrap()
    }

    fn find(&self, fits: impl Fn(&PodiumContact) -> bool) -> Option<ListedContact> {
        let mut contacts = self.contacts.borrow_mut();
        let found = contacts.iter_mut().find(|c| fits(c))?;
        if found.unseen > 0 {
            found.unseen -= 1;
            return None;
        }
        Some(ListedContact {
            uid: found.uid.clone(),
            name: found.name.clone(),
            phones: vec![found.phone.clone()],
            opted_out: found.opted_out,
        })
    }

    /// An import may name the contact anew.
    pub(super) fn renames(&self, phone: &E164Phone, name: &str) {
        if let Some(there) = self.contacts.borrow_mut().iter_mut().find(|c| c.phone == *phone) {
            if there.name.as_deref().is_some_and(|known| known != name) {
                self.overwritten.set(self.overwritten.get() + 1);
            }
            there.name = Some(name.to_owned());
        }
    }

    fn create(&self, new: &NewContact) -> Created {
        let mut contacts = self.contacts.borrow_mut();
        if let Some(there) = contacts.iter_mut().find(|c| c.phone == new.phone) {
            if self.brief {
                return Created::Exists;
            }
            if there.name.is_some() && there.name != new.first_name {
                self.overwritten.set(self.overwritten.get() + 1);
            }
            there.name.clone_from(&new.first_name);
            return Created::Made { uid: None };
        }
        let uid = self.new_uid();
        contacts.push(PodiumContact {
            uid: uid.clone(),
            phone: new.phone.clone(),
            name: new.first_name.clone(),
            email: None,
            opted_out: false,
            unseen: self.unseen_for,
        });
        Created::Made { uid: self.brief.then_some(uid) }
    }
}

impl World {
    /// One call of Podium.
    pub(super) async fn called<T>(&self, apply: impl FnOnce() -> T) -> Result<T, NotDone> {
        let now = || self.clock.now();
        let call = self.step(async { if self.podium.is_down(now()) { None } else { Some(apply()) } });
        match call.await {
            Taken::Answered(Some(answer)) => Ok(answer),
            Taken::Answered(None) | Taken::Silent => Err(Self::silent(Provider::Podium)),
            Taken::Refused => Err(Self::throttled(Provider::Podium)),
        }
    }
}

impl ContactBook for World {
    async fn find_contact(
        &self,
        phone: &E164Phone,
        _location: Option<&LocationUid>,
    ) -> Result<Option<ListedContact>, CallFailure> {
        Ok(self.called(|| self.podium.find(|c| c.phone == *phone)).await?)
    }

    async fn create_contact(&self, new: &NewContact) -> Result<Created, CallFailure> {
        Ok(self.called(|| self.podium.create(new)).await?)
    }

    async fn contact_of(&self, who: &ContactHandle) -> Result<Option<ListedContact>, CallFailure> {
        let found = self.called(|| match who {
            ContactHandle::Email(address) => self.podium.find(|c| c.email.as_deref() == Some(address)),
            ContactHandle::Conversation(uid) => {
                let phone = self.podium.conversations.borrow().get(uid).cloned()?;
                self.podium.find(|c| c.phone == phone)
            }
        });
        Ok(found.await?)
    }

    async fn mirror(
        &self,
        phone: &E164Phone,
        uid: Option<&ProviderId>,
        _how: OptOutMirror,
        opted_out: bool,
    ) -> Result<Mirrored, CallFailure> {
        let told = self.called(|| {
            let mut contacts = self.podium.contacts.borrow_mut();
            let theirs = |c: &&mut PodiumContact| uid.map_or(c.phone == *phone, |uid| c.uid == *uid);
            let Some(contact) = contacts.iter_mut().find(theirs) else { return (Mirrored::NoContact, None) };
            let before = std::mem::replace(&mut contact.opted_out, opted_out);
            (Mirrored::Told, (before != opted_out).then(|| contact.clone()))
        });
        let (answer, changed) = told.await?;
        // No two calls end in the same moment.
        self.clock.advance(std::time::Duration::from_millis(1));
        if let Some(contact) = changed.filter(|_| self.podium.echoes) {
            self.echo(&contact);
        }
        Ok(answer)
    }
}

impl LocationList for World {
    async fn list_locations(&self) -> Result<Vec<KnownLocation>, CallFailure> {
        Ok(self.called(|| self.podium.locations.borrow().clone()).await?)
    }
}

impl Desk for World {
    async fn note(&self, conversation: &ConversationUid, text: &str) -> Result<(), CallFailure> {
        let left = self.called(|| {
            self.podium.notes.borrow_mut().push(Note {
                conversation: conversation.clone(),
                text: text.to_owned(),
                at: self.clock.now(),
                by: self.role.get(),
            });
        });
        Ok(left.await?)
    }

    async fn set_closed(&self, conversation: &ConversationUid, closed: bool) -> Result<(), CallFailure> {
        let set = self.called(|| {
            let mut all = self.podium.closed.borrow_mut();
            if closed {
                all.entry(conversation.clone()).or_insert_with(|| self.clock.now());
            } else {
                all.remove(conversation);
            }
        });
        Ok(set.await?)
    }
}

impl Messages for World {
    async fn say(&self, permit: Permit, what: &Say) -> Result<ProviderId, SendFailure> {
        let said = self.step(async {
            let now = self.clock.now();
            let phone = permit.recipient(now).map_err(|_| SendFailure::PermitExpired)?.clone();
            if self.podium.is_down(now) {
                return Err(SendFailure::NotSent(Self::silent(Provider::Podium)));
            }
            if let Some(refusal) = self.refusals.borrow().get(&phone) {
                return Err(SendFailure::Refused(*refusal));
            }
            let mut said = self.podium.said.borrow_mut();
            said.push(Saying { phone, effect: permit.effect().clone(), at: now, say: what.clone() });
            Ok(message_id(10_000 + said.len()))
        });
        match said.await {
            Taken::Answered(result) => result,
            Taken::Silent => Err(SendFailure::Ambiguous { detail: "no answer".into() }),
            Taken::Refused => Err(SendFailure::NotSent(Self::throttled(Provider::Podium))),
        }
    }

    async fn look_up_said(&self, phone: &E164Phone, what: &Say, began_at: UnixMillis) -> Result<LookUpAnswer, NotDone> {
        if !self.can_look_up {
            return Ok(LookUpAnswer::CannotTell);
        }
        let found = self.called(|| {
            // What was sent a moment ago does not show yet.
            let visible = self.clock.now().minus(self.shows_after);
            let said = self.podium.said.borrow();
            let same = |s: &Saying| s.phone == *phone && s.say == *what && s.at >= began_at && s.at <= visible;
            said.iter().position(same).map(|n| message_id(10_001 + n))
        });
        Ok(found.await?.map_or(LookUpAnswer::NotSent, |message| LookUpAnswer::Sent { message }))
    }
}

impl Attachments for World {
    async fn measure(&self, _url: &str) -> Result<Measured, NotDone> {
        let down = || within(&self.podium.hosts_down.borrow(), self.clock.now());
        match self.called(|| (!down()).then_some(Measured::Bytes(1_000))).await? {
            Some(measured) => Ok(measured),
            None => Err(Self::silent(Provider::Podium)),
        }
    }
}

pub(super) fn within(stretches: &[(UnixMillis, UnixMillis)], now: UnixMillis) -> bool {
    stretches.iter().any(|(from, until)| *from <= now && now < *until)
}
