//! People who were erased, and what is kept of them: opt-outs and the time of the last request, under a keyed hash of the
//! number.
//!
//! Such a row is read only for a number that has no contact row. It is written by an erasure alone, which needs a contact
//! row for that; so a new contact row begins with what is remembered, and the transaction that writes it holds only if
//! that is still what is remembered. From then on the contact row alone counts: whatever is changed is changed there, and
//! the next erasure replaces what was remembered.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use frontdesk_core::{contact::OptOutFlag, phone::E164Phone, store::StoreError};

use super::{IN, IS_THERE, changing, flags};
use crate::dynamo::{
    DynamoStore, Table,
    pepper::missing,
    row::{Item, Row, text},
    write::{Guard, NewRow, Transacted, Written},
};

const NO_ROW: &str = "attribute_not_exists(pk)";
const NOTHING_REMEMBERED: &str = "attribute_not_exists(pk)";
const REMEMBERED_IF: &str = "last_write = :seen";

/// Who holds the cooldown of an erased person: no send, so nobody frees it.
const ERASED: &str = "erased";

/// How often a contact may change under an operation before that is trouble.
pub(super) const ROUNDS_MAX: u8 = 16;

/// What is remembered of a number without a contact row.
pub(in crate::dynamo) struct Remembered {
    key: String,
    item: Option<Item>,
}

impl Remembered {
    /// Whether there is anything.
    pub(super) const fn is_anything(&self) -> bool {
        self.item.is_some()
    }

    /// What a contact row begins with.
    pub(in crate::dynamo) fn row(&self) -> Item {
        let mut row = self.item.clone().unwrap_or_default();
        for own in ["pk", "last_write"] {
            row.remove(own);
        }
        row
    }

    /// That this is still what is remembered.
    fn still(&self) -> Guard {
        let seen = self.item.as_ref().map(|item| item.get("last_write").cloned().unwrap_or_else(|| text("")));
        Guard {
            table: Table::Contacts,
            key: self.key.clone(),
            only_if: if seen.is_some() { REMEMBERED_IF } else { NOTHING_REMEMBERED }.to_owned(),
            values: seen.into_iter().map(|seen| (":seen".to_owned(), seen)).collect(),
        }
    }
}

impl DynamoStore {
    /// Reads what is remembered of a number. For one that has no contact row.
    pub(in crate::dynamo) async fn remembered(&self, phone: &E164Phone) -> Result<Remembered, StoreError> {
        let key = self.erased_key(phone).await?;
        let item = self.get(Table::Contacts, &key, None).await?;
        Ok(Remembered { key, item })
    }

    async fn erased_key(&self, phone: &E164Phone) -> Result<String, StoreError> {
        let pepper = self.pepper.as_ref().ok_or_else(|| missing("this function was given none"))?;
        Ok(format!("suppressed#{}", pepper.hash(phone).await?))
    }

    /// The two parts of a transaction that write a new contact row.
    pub(in crate::dynamo) fn first_row(
        &self,
        phone: &E164Phone,
        remembered: &Remembered,
        mut row: Item,
    ) -> Result<[TransactWriteItem; 2], StoreError> {
        row.insert("pk".to_owned(), text(phone.expose()));
        let row = NewRow { table: Table::Contacts, item: row, only_if: NO_ROW, values: Vec::new() };
        Ok([self.put_part(row)?, self.check_part(remembered.still())?])
    }

    /// Writes a new contact row. `false`: there is one by now, or something else is remembered.
    pub(super) async fn begin_row(
        &self,
        phone: &E164Phone,
        remembered: &Remembered,
        row: Item,
    ) -> Result<bool, StoreError> {
        let parts = Vec::from(self.first_row(phone, remembered, row)?);
        Ok(matches!(self.transact(Table::Contacts, None, parts).await?, Transacted::Made))
    }

    /// Changes a contact's row by an update that any row admits, or begins one that `begin` completes. Returns it.
    pub(super) async fn change_or_begin(
        &self,
        phone: &E164Phone,
        update: &'static str,
        values: &[(&'static str, AttributeValue)],
        begin: impl Fn(&mut Item),
    ) -> Result<Item, StoreError> {
        for tried in 0..ROUNDS_MAX {
            self.step_aside(tried).await;
            if let Written::Made(row) =
                self.change(super::change(phone, Some(IS_THERE), update, values.to_vec())).await?
            {
                return Ok(row);
            }
            let remembered = self.remembered(phone).await?;
            let mut row = remembered.row();
            begin(&mut row);
            if self.begin_row(phone, &remembered, row.clone()).await? {
                return Ok(row);
            }
        }
        Err(changing())
    }

    pub(super) async fn erase(&self, phone: &E164Phone) -> Result<(), StoreError> {
        for tried in 0..ROUNDS_MAX {
            self.step_aside(tried).await;
            // Without a row there is nothing to erase, and what is remembered stays.
            let Some(row) = self.get(Table::Contacts, phone.expose(), None).await? else { return Ok(()) };
            let key = self.erased_key(phone).await?;
            let memory = match kept(&row) {
                Some(mut item) => {
                    item.insert("pk".to_owned(), text(key));
                    item.insert("last_write".to_owned(), text(self.ids.draw()));
                    self.put_part(NewRow { table: Table::Contacts, item, only_if: "", values: Vec::new() })?
                }
                None => {
                    let (only_if, values) = (String::new(), Item::new());
                    self.delete_part(Guard { table: Table::Contacts, key, only_if, values })?
                }
            };
            let parts = vec![self.delete_part(as_read(phone, &row))?, memory];
            // Otherwise somebody changed what is to be kept since it was read.
            if let Transacted::Made = self.transact(Table::Contacts, None, parts).await? {
                return Ok(());
            }
        }
        Err(changing())
    }
}

/// What is kept of a contact; `None` when nothing stands in anybody's way. It is copied as it is, so that what nobody can
/// read goes on shutting the gate.
fn kept(row: &Item) -> Option<Item> {
    let mut kept = Item::new();
    let read = Row::new(Table::Contacts, row);
    let mut counts = false;
    for flag in OptOutFlag::ALL.into_iter().filter(|flag| read.has(flag.as_str())) {
        counts |= read.text_if_any(flag.as_str()) != Some(IN);
        kept.extend(flags::without_message(row, flag));
    }
    if let Some(at) = row.get("cooldown_at_ms") {
        counts = true;
        kept.insert("cooldown_at_ms".to_owned(), at.clone());
        kept.insert("cooldown_holder".to_owned(), text(ERASED));
    }
    counts.then_some(kept)
}

/// That nothing of what is kept has changed since the row was read.
fn as_read(phone: &E164Phone, row: &Item) -> Guard {
    let mut values = Item::new();
    let mut conditions = vec![IS_THERE.to_owned()];
    let mut same = |name: &str| match row.get(name) {
        Some(value) => {
            let placeholder = format!(":{name}");
            conditions.push(format!("{name} = {placeholder}"));
            values.insert(placeholder, value.clone());
        }
        None => conditions.push(format!("attribute_not_exists({name})")),
    };
    for flag in OptOutFlag::ALL {
        same(flag.as_str());
        same(flags::mark_of(flag));
    }
    for name in ["cooldown_at_ms", "cooldown_holder"] {
        same(name);
    }
    Guard { table: Table::Contacts, key: phone.expose().to_owned(), only_if: conditions.join(" AND "), values }
}
