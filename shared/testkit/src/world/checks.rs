//! What must hold at the end of any run in which customers wrote, however it went.

use std::{collections::BTreeSet, time::Duration};

use frontdesk_core::{
    contact::{Contact, MirrorState},
    ids::EffectKey,
    inbox::InboxStatus,
    outbox::OutboxState,
    session::{Answer, Session, SessionStatus},
    time::Clock,
};

use super::{Role, World, chat::WARN_AFTER};

/// How long after the gate a message may still go out.
const OVERTAKEN_FOR: Duration = Duration::from_secs(60);

impl World {
    /// Checks the guarantees of the chats.
    ///
    /// # Panics
    /// When one is broken; the message says which.
    pub fn assert_chats(&self) {
        let broken = self.broken.borrow();
        assert!(broken.is_empty(), "{}", broken.join("; "));
        self.assert_every_message_once();
        self.assert_silence();
        self.assert_one_contact_each();
        self.assert_nothing_is_left_open();
        self.assert_words_are_kept();
        self.assert_forms();
    }

    fn assert_every_message_once(&self) {
        let said = self.podium.said.borrow();
        for (n, saying) in said.iter().enumerate() {
            for other in said.iter().skip(n + 1).filter(|o| o.phone == saying.phone) {
                assert!(other.effect != saying.effect, "G2: {:?} reached somebody twice", saying.effect);
                let same = saying.say == other.say && saying.effect.as_str().starts_with("keep-alive#");
                let soon = other.at.since(saying.at) < WARN_AFTER / 2;
                assert!(!(same && soon), "G2: two prompts in one idle spell");
            }
        }
    }

    fn assert_silence(&self) {
        let said = self.podium.said.borrow();
        let texts = self.texts.borrow();
        let all =
            said.iter().map(|s| (&s.phone, s.at, &s.effect)).chain(texts.iter().map(|t| (&t.phone, t.at, &t.effect)));
        for (phone, at, effect) in all {
            let silence = self.wants_silence(phone, at.minus(OVERTAKEN_FOR), at);
            assert!(!silence, "G3: {effect:?} went out after a STOP was acknowledged");
        }
        let now = self.clock.now();
        let phones: BTreeSet<_> = self.wishes.borrow().iter().map(|w| w.phone.clone()).collect();
        for phone in phones.iter().filter(|p| self.wants_silence(p, now, now)) {
            let out = self.store.look(|t| t.contacts.get(phone).is_some_and(|c| c.opted_out().is_some()));
            assert!(out, "G3: an opt-out of {phone} is not recorded any more");
        }
    }

    fn assert_one_contact_each(&self) {
        let contacts = self.podium.contacts.borrow();
        let phones: BTreeSet<_> = contacts.iter().map(|c| &c.phone).collect();
        assert_eq!(phones.len(), contacts.len(), "G6: two contacts of one number at Podium");
        assert_eq!(self.podium.names_overwritten(), 0, "a name that the shop's people gave was overwritten");
        self.store.look(|tables| {
            for (phone, row) in &tables.contacts {
                let there = contacts.iter().find(|c| c.phone == *phone);
                let told = matches!(row.mirror, MirrorState::Told { .. }) && row.opted_out_for_podium();
                if let Some(there) = there.filter(|_| told) {
                    assert!(there.opted_out, "Podium was not told that {phone} wants silence");
                }
                assert!(!matches!(row.mirror, MirrorState::Due { .. }), "an opt-out was never mirrored");
                let known = there.is_some() && row.opted_out_for_podium();
                assert!(!known || row.mirror != MirrorState::NoContact, "Podium has {phone} and was not told");
            }
        });
    }

    /// Checks that Podium's record of everybody agrees with ours, of those who came back too.
    ///
    /// # Panics
    /// When it does not.
    pub fn assert_podium_agrees(&self) {
        for there in self.podium.contacts.borrow().iter() {
            let phone = &there.phone;
            let out = self.store.look(|t| t.contacts.get(phone).is_some_and(Contact::opted_out_for_podium));
            assert_eq!(there.opted_out, out, "Podium was told the wrong thing of {phone}");
        }
    }

    fn assert_nothing_is_left_open(&self) {
        self.store.look(|tables| {
            for (key, row) in &tables.outbox {
                // A message of which nobody knows whether it is out is looked up when it would be sent again. To somebody who
                // wants silence, in another idle spell, or after the session was closed, it would not be.
                let contact = row.phone.as_ref().and_then(|phone| tables.contacts.get(phone));
                let silent = contact.is_some_and(|c| c.closed_to_messages().is_some());
                let over = tables.sessions.values().all(|s| {
                    let spell = s.session.status == SessionStatus::Open;
                    let current =
                        [EffectKey::keep_alive(&s.session.id, s.session.spell), EffectKey::confirmation(&s.session.id)];
                    !spell || !current.contains(key)
                });
                let of_a_session = ["keep-alive#", "confirmation#"].iter().any(|kind| key.as_str().starts_with(kind));
                let left = silent || (over && (of_a_session || self.podium.was_down()));
                // The timer settles what nobody asks about again.
                assert!(!matches!(row.state, OutboxState::Sending(_)), "{key:?} is left behind as sending");
                let unknown = row.state == OutboxState::Unknown;
                assert!(!unknown || left || !self.can_look_up, "{key:?} is unknown although it can be looked up");
                assert!(row.attention.is_none(), "{key:?} is never done with");
                if key.imported().is_some() {
                    // Checked with the messages of the form.
                    continue;
                }
                let out = self.podium.said.borrow().iter().any(|s| s.effect == *key)
                    || self.texts.borrow().iter().any(|t| t.effect == *key);
                match row.state {
                    OutboxState::Accepted { .. } | OutboxState::Delivered { .. } | OutboxState::Undelivered { .. } => {
                        assert!(out, "{key:?} is recorded as sent and was not");
                    }
                    OutboxState::Pending { .. } | OutboxState::Failed { .. } => {
                        assert!(!out, "{key:?} is recorded as not sent and was");
                    }
                    OutboxState::Sending(_) | OutboxState::Unknown => {}
                }
            }
            for row in tables.sessions.values() {
                assert_eq!(row.session.status, SessionStatus::Closed, "a session was never closed");
                assert!(row.session.handed_back.is_empty(), "answers were given back to nobody");
            }
            for (key, row) in &tables.inbox {
                assert!(row.status != InboxStatus::Parked, "{} is parked", key.to_key());
            }
        });
        assert!(self.unclear_wishes.borrow().is_empty(), "a STOP was never attributed");
    }

    /// Every word that a customer wrote in a chat is with exactly one holder: a session, what is kept of it, or a note to
    /// whoever answers the next message. Notes are written at least once: one whose answer was lost is written again.
    fn assert_words_are_kept(&self) {
        let acked = self.acked.borrow();
        let notes = self.podium.notes.borrow();
        for wrote in self.wrote.borrow().iter().filter(|w| acked.contains(&w.event)) {
            let holds = |answers: &[Answer]| answers.iter().filter(|a| a.text == wrote.text).count();
            let count = |of: fn(&Session) -> &[Answer]| -> usize {
                self.store.look(|t| {
                    let theirs = t.sessions.iter().filter(|(key, _)| key.phone == wrote.phone);
                    theirs.map(|(_, row)| holds(of(&row.session))).sum()
                })
            };
            let (open, kept, back) = (count(|s| &s.answers), count(|s| &s.kept), count(|s| &s.handed_back));
            let noted = notes.iter().filter(|n| n.by == Role::Worker && n.text.contains(&wrote.text)).count();
            let places = open + kept + back + usize::from(noted > 0);
            assert_eq!(
                places, 1,
                "what a customer wrote is in {places} places: {open} open, {kept} kept, {back} on the way, {noted} noted"
            );
            let closing = notes.iter().filter(|n| n.by == Role::Timer && n.text.contains(&wrote.text)).count();
            let most = 1 + self.faults_met.get();
            assert!(noted <= most && closing <= most, "noted {noted} times, {closing} at the close");
        }
    }
}
