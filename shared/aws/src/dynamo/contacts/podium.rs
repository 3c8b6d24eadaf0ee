//! What a contact has to do with Podium: who it is there, and whether Podium has yet to be told of an opt-out.
//!
//! `mirror_mark` names the change that made the mirror due and is there only as long as it is due, so whoever settles a
//! mirror settles what it was asked to tell, and nothing that came later.

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    contact::{MirrorDue, MirrorOutcome, MirrorState, Mirrors, PodiumLink},
    ids::{ProviderId, Shard},
    phone::E164Phone,
    store::StoreError,
    time::UnixMillis,
};

use super::{DUE, IS_THERE, OUT, change, erased::ROUNDS_MAX, shard};
use crate::dynamo::{
    DynamoStore, Table,
    row::{Row, count, millis, number, text},
    write::{Change, Index, Written},
};

const TOLD: &str = "told";
const NO_CONTACT: &str = "no_contact";

/// Podium has to be told, or somebody wants no messages and there was nobody at Podium whom that could be told of. Who
/// just found nobody there must not have the last word.
macro_rules! untold {
    () => {
        "(mirror_state = :due OR mirror_state = :no_contact AND (podium_keyword_optout = :out OR marketing_sms_opt_out = :out \
         OR review_request_opt_out = :out OR global_unsubscribe = :out))"
    };
}
macro_rules! link {
    () => {
        "SET podium_known = :yes, created_at_ms = if_not_exists(created_at_ms, :now_ms)"
    };
}
macro_rules! with_uid {
    () => {
        ", podium_uid = :uid"
    };
}
/// The mirror is due as after a change.
macro_rules! tell {
    () => {
        ", mirror_state = :due, mirror_mark = :call, mirror_attempts = :zero, mirror_shard = :shard, \
         mirror_due_at_ms = :now_ms"
    };
}

const TELL_ANEW: &str = concat!("SET created_at_ms = if_not_exists(created_at_ms, :now_ms)", tell!());

/// One of these two holds where there is a row, always; so a mirror that ends in between is not overlooked.
const LINK_IF: &str = concat!("attribute_exists(pk) AND NOT ", untold!());
const LINK_AND_TELL_IF: &str = concat!("attribute_exists(pk) AND ", untold!());
const LINK: &str = link!();
const LINK_UID: &str = concat!(link!(), with_uid!());
const LINK_AND_TELL: &str = concat!(link!(), tell!());
const LINK_UID_AND_TELL: &str = concat!(link!(), with_uid!(), tell!());

/// A contact that was linked anew meanwhile keeps its link.
const UNLINK_IF: &str = "podium_uid = :uid";
const UNLINK: &str = "REMOVE podium_known, podium_uid";

/// A change since then has another mark, and an end none.
const SETTLE_IF: &str = "mirror_mark = :mark";
const END: &str = "SET mirror_state = :state REMOVE mirror_mark, mirror_attempts, mirror_shard, mirror_due_at_ms";
pub(super) const TELLING: &str = "SET mirrored_out = :yes";
const END_TOLD: &str = "SET mirror_state = :state, mirrored_out = :out \
     REMOVE mirror_mark, mirror_attempts, mirror_shard, mirror_due_at_ms";
const PUT_OFF: &str = "SET mirror_due_at_ms = :at_ms, mirror_attempts = :attempts";

const MIRROR: Index = Index {
    table: Table::Contacts,
    name: "mirror",
    condition: "mirror_shard = :shard AND mirror_due_at_ms <= :upto_ms",
};

impl Mirrors for DynamoStore {
    async fn tell_anew(&self, phone: &E164Phone, now: UnixMillis) -> Result<bool, StoreError> {
        let call = self.ids.draw();
        let values = vec![
            (":due", text(DUE)),
            (":call", text(call.as_str())),
            (":zero", number(0)),
            (":shard", text(shard(phone))),
            (":now_ms", millis(now)),
        ];
        // Its own repetition makes due what is due.
        match self.change(change(phone, Some(IS_THERE), TELL_ANEW, values)).await? {
            Written::Made(_) => Ok(true),
            Written::Refused(_) => Ok(false),
        }
    }
}

impl DynamoStore {
    pub(super) async fn link(&self, phone: &E164Phone, link: &PodiumLink, now: UnixMillis) -> Result<(), StoreError> {
        for tried in 0..ROUNDS_MAX {
            self.step_aside(tried).await;
            let mut there = true;
            for told_again in [false, true] {
                match self.change(self.link_change(phone, link, now, told_again)).await? {
                    Written::Made(_) => return Ok(()),
                    Written::Refused(row) => there = row.is_some(),
                }
                if !there {
                    break;
                }
            }
            if !there && self.begin_linked(phone, link, now).await? {
                return Ok(());
            }
        }
        Err(Table::Contacts.unavailable("a contact changed at every attempt to link it".to_owned()))
    }

    /// There is no row, so nothing is due to be told: the row begins with the link.
    async fn begin_linked(&self, phone: &E164Phone, link: &PodiumLink, now: UnixMillis) -> Result<bool, StoreError> {
        let remembered = self.remembered(phone).await?;
        let mut row = remembered.row();
        row.insert("podium_known".to_owned(), AttributeValue::Bool(true));
        row.insert("created_at_ms".to_owned(), millis(now));
        if let Some(uid) = &link.uid {
            row.insert("podium_uid".to_owned(), text(uid.as_str()));
        }
        self.begin_row(phone, &remembered, row).await
    }

    fn link_change(&self, phone: &E164Phone, link: &PodiumLink, now: UnixMillis, told_again: bool) -> Change {
        let mut values = vec![
            (":no_contact", text(NO_CONTACT)),
            (":out", text(OUT)),
            (":yes", AttributeValue::Bool(true)),
            (":now_ms", millis(now)),
        ];
        values.extend(link.uid.as_ref().map(|uid| (":uid", text(uid.as_str()))));
        values.push((":due", text(DUE)));
        if told_again {
            values.extend([(":call", text(self.ids.draw())), (":zero", number(0)), (":shard", text(shard(phone)))]);
        }
        let (only_if, update) = match (told_again, &link.uid) {
            (false, None) => (LINK_IF, LINK),
            (false, Some(_)) => (LINK_IF, LINK_UID),
            (true, None) => (LINK_AND_TELL_IF, LINK_AND_TELL),
            (true, Some(_)) => (LINK_AND_TELL_IF, LINK_UID_AND_TELL),
        };
        change(phone, Some(only_if), update, values)
    }

    pub(super) async fn unlink(&self, phone: &E164Phone, uid: &ProviderId) -> Result<(), StoreError> {
        self.change(change(phone, Some(UNLINK_IF), UNLINK, vec![(":uid", text(uid.as_str()))])).await.map(|_| ())
    }

    pub(super) async fn due_mirrors(
        &self,
        shard: Shard,
        before: UnixMillis,
        limit: u16,
    ) -> Result<Vec<MirrorDue>, StoreError> {
        let items = self.page(&MIRROR, shard, before, limit).await?;
        let read = items.iter().filter_map(|item| {
            let row = Row::new(Table::Contacts, item);
            Some(MirrorDue {
                phone: E164Phone::parse_e164(row.text_if_any("pk")?).ok()?,
                mark: row.text_if_any("mirror_mark")?.to_owned(),
                at: row.millis_if_any("mirror_due_at_ms")?,
                attempts: row.count("mirror_attempts").ok()?,
            })
        });
        Ok(read.collect())
    }

    pub(super) async fn end_mirror(&self, due: &MirrorDue, outcome: &MirrorOutcome) -> Result<(), StoreError> {
        let mut values = vec![(":mark", text(due.mark.as_str()))];
        let update = match outcome {
            MirrorOutcome::Told { out } => {
                values.extend([(":state", text(TOLD)), (":out", AttributeValue::Bool(*out))]);
                END_TOLD
            }
            MirrorOutcome::NoContact => {
                values.push((":state", text(NO_CONTACT)));
                END
            }
            MirrorOutcome::Later { at } => {
                let attempts = u64::from(due.attempts.saturating_add(1));
                values.extend([(":at_ms", millis(*at)), (":attempts", count(attempts))]);
                PUT_OFF
            }
        };
        self.change(change(&due.phone, Some(SETTLE_IF), update, values)).await.map(|_| ())
    }
}

/// Whether the last that we told Podium is that this person opted out.
pub(super) fn mirrored_out(row: &Row<'_>) -> bool {
    row.flag("mirrored_out")
}

/// Whether Podium has to be told.
pub(super) fn mirror(row: &Row<'_>) -> Result<MirrorState, StoreError> {
    if !row.has("mirror_state") {
        return Ok(MirrorState::Nothing);
    }
    match row.text("mirror_state")? {
        DUE => Ok(MirrorState::Due { at: row.millis("mirror_due_at_ms")?, attempts: row.count("mirror_attempts")? }),
        TOLD => Ok(MirrorState::Told { out: mirrored_out(row) }),
        NO_CONTACT => Ok(MirrorState::NoContact),
        _ => Err(row.corrupt("mirror_state")),
    }
}

/// Who this is at Podium.
pub(super) fn link_of(row: &Row<'_>) -> Result<Option<PodiumLink>, StoreError> {
    if !row.flag("podium_known") {
        return Ok(None);
    }
    let known = row.has("podium_uid");
    let uid = known.then(|| row.parsed("podium_uid", |uid| ProviderId::try_from(uid).ok())).transpose()?;
    Ok(Some(PodiumLink { uid }))
}
