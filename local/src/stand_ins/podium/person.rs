//! One person, as Podium has them on record.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::clock::iso;
use crate::stand_ins::app::derived_uid;

/// The opt-out flags that the briefs' contacts carry beside `opted_out`.
pub(crate) const BRIEF_FLAGS: [&str; 4] =
    ["marketing_sms_opt_out", "review_request_opt_out", "global_unsubscribe", "podium_keyword_optout"];

/// A person, by phone (or e-mail address).
#[derive(Clone, Debug, Default)]
pub(crate) struct Contact {
    /// Follows from the phone unless it was said otherwise, so it is the same after a restart.
    pub(crate) uid: String,
    pub(crate) phone: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) locations: BTreeSet<String>,
    /// Uids of tags.
    pub(crate) tags: BTreeSet<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) opted_out_ms: Option<i64>,
    /// Those of [`BRIEF_FLAGS`] that are set.
    pub(crate) flags: BTreeSet<String>,
    /// Locations whose campaigns this person gets; all of theirs, until a campaign opt-out.
    pub(crate) campaigns: Option<BTreeSet<String>>,
    /// How many look-ups by phone, e-mail or conversation will still miss this contact.
    pub(crate) hidden_lookups: u64,
}

impl Contact {
    pub(crate) fn new(phone: &str, now_ms: i64) -> Self {
        Self {
            uid: derived_uid(&["contact", phone]),
            phone: phone.to_owned(),
            created_ms: now_ms,
            updated_ms: now_ms,
            ..Self::default()
        }
    }

    /// Whether any flag of either contract says no. A campaign opt-out does not: it is about campaigns only.
    pub(crate) fn opted_out(&self) -> bool {
        self.opted_out_ms.is_some() || !self.flags.is_empty()
    }

    /// No more campaigns, from any location.
    pub(crate) fn leave_campaigns(&mut self) {
        self.campaigns = Some(BTreeSet::new());
    }

    /// Campaigns of this location again.
    pub(crate) fn join_campaigns(&mut self, location: &str) {
        self.locations.insert(location.to_owned());
        if let Some(joined) = &mut self.campaigns {
            joined.insert(location.to_owned());
        }
    }

    /// Sets or clears `opted_out` or one of the briefs' flags; false, if it is none of these.
    pub(crate) fn set_flag(&mut self, flag: &str, set: bool, now_ms: i64) -> bool {
        if flag == "opted_out" {
            self.opted_out_ms = set.then_some(self.opted_out_ms.unwrap_or(now_ms));
        } else if !BRIEF_FLAGS.contains(&flag) {
            return false;
        } else if set {
            self.flags.insert(flag.to_owned());
        } else {
            self.flags.remove(flag);
        }
        true
    }

    /// Sets one field as the control API names it.
    pub(super) fn steer(&mut self, field: &str, value: &Value, now_ms: i64) -> Result<(), String> {
        let known = match (field, value) {
            ("uid", Value::String(uid)) => {
                self.uid.clone_from(uid);
                true
            }
            ("name", Value::String(name)) => {
                self.name = Some(name.clone());
                true
            }
            ("email", Value::String(email)) => {
                self.email = Some(email.clone());
                true
            }
            ("location", Value::String(location)) => {
                self.locations.insert(location.clone());
                true
            }
            ("hidden_lookups", Value::Number(count)) => {
                self.hidden_lookups = count.as_u64().ok_or("hidden_lookups is a count")?;
                true
            }
            (flag, Value::Bool(set)) => self.set_flag(flag, *set, now_ms),
            _ => false,
        };
        if known { Ok(()) } else { Err(format!("a contact has no such field: {field} = {value}")) }
    }

    /// For the control API: what is known, in no provider's shape.
    pub(super) fn report(&self, conversations: &[&str]) -> Value {
        json!({
            "uid": self.uid,
            "phone": self.phone,
            "name": self.name,
            "email": self.email,
            "opted_out": self.opted_out(),
            "opted_out_at": self.opted_out_ms.map(iso),
            "flags": self.flags,
            "campaigns": self.campaigns,
            "locations": self.locations,
            "tags": self.tags,
            "conversations": conversations,
            "hidden_lookups": self.hidden_lookups,
        })
    }
}
