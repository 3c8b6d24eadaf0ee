//! Everything that is kept of a person: found, shown and taken out by one and the same rule, whoever asks for it.

use std::collections::BTreeSet;

use crate::{
    contact::Contacts,
    erase::{Erasure, KeptRow, Place, Subject},
    ids::{EffectKey, OrderKey, ShopDomain},
    inbox::InboxKey,
    outbox::Outbox,
    phone::E164Phone,
    request::Requests,
    store::StoreError,
};

/// How often what was found may lead to more.
const ROUNDS_MAX: usize = 3;

/// Whose everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// By what their rows are known.
    pub subject: Subject,
    /// Whose contacts are theirs.
    pub customers: BTreeSet<E164Phone>,
}

/// Looks for a person, and forgets them.
#[derive(Debug)]
pub struct Forget<'a, S> {
    /// The tables.
    pub store: &'a S,
    /// The shop that this installation serves.
    pub shop: &'a ShopDomain,
}

impl<S: Contacts + Requests + Outbox + Erasure> Forget<'_, S> {
    /// Finds by which orders, ids and numbers else the person's rows are known, and whose contacts are theirs. Reads only.
    /// `looked` hears how many rows were looked at.
    ///
    /// # Errors
    /// When a table cannot be read: what was found until then may not be all.
    pub async fn find(&self, mut subject: Subject, mut looked: impl FnMut(usize)) -> Result<Found, StoreError> {
        let mut customers = BTreeSet::new();
        if subject.customer.is_some() {
            self.each(Place::Inbox, &mut looked, |row| subject.orders.extend(subject.order_of(row))).await?;
        }
        for order in subject.orders.clone() {
            let key = OrderKey { shop: self.shop.clone(), order };
            let plan = self.store.request(&key).await?.and_then(|r| r.plan);
            subject.phones.extend(plan.map(|p| p.phone));
            let sent = self.store.send_row(&EffectKey::review_request(&key)).await?;
            subject.phones.extend(sent.and_then(|s| s.phone));
        }
        for _ in 0..ROUNDS_MAX {
            let before = (subject.ids.len(), subject.phones.len());
            for place in [Place::Requests, Place::Outbox, Place::Sessions, Place::Chats, Place::Reviews, Place::Forms] {
                self.each(place, &mut looked, |row| {
                    if !subject.owns(place, row) {
                        return;
                    }
                    match subject.shop {
                        // Of a whole shop its rows go, not all that its customers ever wrote to anybody.
                        Some(_) => customers.extend(row.phone.clone()),
                        None => {
                            subject.phones.extend(row.phone.clone());
                            subject.ids.extend(row.ids.iter().cloned());
                        }
                    }
                })
                .await?;
            }
            if before == (subject.ids.len(), subject.phones.len()) {
                break;
            }
        }
        customers.extend(subject.phones.iter().cloned());
        Ok(Found { subject, customers })
    }

    /// Shows every row of the person's, in the order in which they would be cleared.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub async fn rows(
        &self,
        found: &Found,
        mut looked: impl FnMut(usize),
        mut show: impl FnMut(Place, &KeptRow),
    ) -> Result<(), StoreError> {
        for place in Place::ALL {
            self.each(place, &mut looked, |row| {
                if found.subject.is_in(place, row) {
                    show(place, row);
                }
            })
            .await?;
        }
        Ok(())
    }

    /// Takes the person out of every row, events first: what leads to them goes last. The demands' own rows are left. `wiped`
    /// hears of each row that is done. Begun anew after it died half way, it finds the rest.
    ///
    /// # Errors
    /// When a table cannot be used.
    pub async fn wipe(
        &self,
        found: &Found,
        own: &[InboxKey],
        mut wiped: impl FnMut(Place),
    ) -> Result<usize, StoreError> {
        let own: BTreeSet<String> = own.iter().map(InboxKey::to_key).collect();
        let mut done = 0;
        for place in Place::ALL {
            let mut after = None;
            loop {
                let page = self.store.kept(place, after.as_deref()).await?;
                for row in page.rows.iter().filter(|row| !own.contains(&row.key) && found.subject.is_in(place, row)) {
                    self.store.wipe(place, &row.key).await?;
                    done += 1;
                    wiped(place);
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(done)
    }

    /// Erases the contacts; their opt-outs stay as keyed hashes.
    ///
    /// # Errors
    /// When a table cannot be used.
    pub async fn erase_contacts(&self, found: &Found) -> Result<(), StoreError> {
        for phone in &found.customers {
            // Of the whole shop's customers those stay whom Podium knows as well: they are its own.
            let whole_shop = found.subject.shop.is_some();
            let stays = whole_shop && self.store.contact(phone).await?.is_some_and(|c| c.podium.is_some());
            if !stays {
                self.store.erase_contact(phone).await?;
            }
        }
        Ok(())
    }

    async fn each(
        &self,
        place: Place,
        looked: &mut impl FnMut(usize),
        mut look: impl FnMut(&KeptRow),
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.store.kept(place, after.as_deref()).await?;
            looked(page.rows.len());
            page.rows.iter().for_each(&mut look);
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
