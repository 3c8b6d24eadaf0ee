//! What a test may change about Podium: tokens, rotation, locations, page size, how far its look-ups can be trusted.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `GET` and `PUT /_control/podium`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Gives a new refresh token with every refresh, and refuses the old one from then on.
    pub(crate) rotate_refresh_tokens: bool,
    /// Life of new access tokens, in seconds.
    pub(crate) expires_in: u64,
    /// The only client there is; any, while null.
    pub(crate) client_id: Option<String>,
    /// Its secret; any, while null.
    pub(crate) client_secret: Option<String>,
    /// Refresh tokens that are good besides the ones given out here; any, while null.
    pub(crate) refresh_tokens: Option<Vec<String>>,
    /// Access tokens that are good for ever, besides the ones given out here.
    pub(crate) access_tokens: Vec<String>,
    /// Length of a page when the caller does not say.
    pub(crate) page_size: usize,
    /// How long a message, and a contact that came with it, stays out of the look-ups: a provider's own reads lag too.
    pub(crate) visible_after_ms: i64,
    /// How many look-ups miss a contact after it was created: a Podium that has not caught up with itself, in calls
    /// instead of time.
    pub(crate) lookups_empty_after_create: u64,
    /// The briefs' look-up by phone puts another person's contact before the right one.
    pub(crate) wrong_contact_first: bool,
    /// The briefs' create makes a second contact for a phone instead of answering 409.
    pub(crate) duplicate_contacts: bool,
    /// Tells by webhook of what was imported from a customer, as if they had written it here.
    pub(crate) echo_imports: bool,
    /// Podium has put the integration on its list for campaign opt-outs.
    pub(crate) campaigns_allowed: bool,
    /// The organisation's locations. Others are refused.
    pub(crate) locations: Vec<Location>,
}

/// One store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Location {
    pub(crate) uid: String,
    pub(crate) name: String,
    /// Two letters; what a bare phone number is read by.
    #[serde(default)]
    pub(crate) country: Option<String>,
    #[serde(default)]
    pub(crate) archived: bool,
    /// Has no address at all, so not even an empty country.
    #[serde(default)]
    pub(crate) addressless: bool,
}

impl Default for Settings {
    /// Podium's documented values, and the locations that the sample events come from.
    fn default() -> Self {
        let stores = [
            ("34dc3207-f0e7-5b39-bf15-36b47e50111f", "Burleigh Heads Outlet", "AU"),
            ("2402d60a-8fc7-58ed-8992-ee47f110175e", "Sydney Outlet", "AU"),
            ("loc_burleigh", "Burleigh Heads", "AU"),
            ("loc_sydney", "Sydney", "AU"),
            ("loc_austin", "Austin", "US"),
        ];
        let locations = stores.map(|(uid, name, country)| Location {
            uid: uid.to_owned(),
            name: name.to_owned(),
            country: Some(country.to_owned()),
            archived: false,
            addressless: false,
        });
        Self {
            rotate_refresh_tokens: false,
            expires_in: 36_000,
            client_id: None,
            client_secret: None,
            refresh_tokens: None,
            access_tokens: Vec::new(),
            page_size: 10,
            visible_after_ms: 0,
            lookups_empty_after_create: 0,
            wrong_contact_first: false,
            duplicate_contacts: false,
            echo_imports: false,
            campaigns_allowed: true,
            locations: locations.to_vec(),
        }
    }
}

impl Settings {
    /// Whether look-ups show by now what came into being at `at_ms`.
    pub(crate) fn shows(&self, at_ms: i64, now_ms: i64) -> bool {
        at_ms.saturating_add(self.visible_after_ms) <= now_ms
    }

    pub(crate) fn location(&self, uid: &str) -> Option<&Location> {
        self.locations.iter().find(|location| location.uid == uid)
    }

    /// Changes a location, or adds one that is named after its uid until somebody says better.
    pub(crate) fn put_location(&mut self, uid: &str, change: &Value) -> Result<(), String> {
        let unknown = || Location {
            uid: uid.to_owned(),
            name: uid.to_owned(),
            country: None,
            archived: false,
            addressless: false,
        };
        let location = changed(&self.location(uid).cloned().unwrap_or_else(unknown), change)?;
        if location.uid != uid {
            return Err("a location keeps its uid".to_owned());
        }
        match self.locations.iter_mut().find(|known| known.uid == uid) {
            Some(known) => *known = location,
            None => self.locations.push(location),
        }
        Ok(())
    }

    /// Forgets a location; false, if there was none.
    pub(crate) fn remove_location(&mut self, uid: &str) -> bool {
        let before = self.locations.len();
        self.locations.retain(|location| location.uid != uid);
        self.locations.len() < before
    }
}

/// Lays the fields of `change` over `current`.
///
/// # Errors
/// When a field is unknown or of the wrong type; then nothing changes.
pub(crate) fn changed<T>(current: &T, change: &Value) -> Result<T, String>
where
    T: Serialize + for<'de> Deserialize<'de>,
{
    let mut merged = serde_json::to_value(current).map_err(|error| error.to_string())?;
    match (merged.as_object_mut(), change.as_object()) {
        (Some(merged), Some(change)) => merged.extend(change.clone()),
        _ => return Err("settings are an object".to_owned()),
    }
    serde_json::from_value(merged).map_err(|error| error.to_string())
}
