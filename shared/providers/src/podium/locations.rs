//! The list of locations, and lists in general: page after page, each named by a cursor.

use std::collections::BTreeSet;

use frontdesk_core::{
    directory::KnownLocation,
    ids::LocationUid,
    phone::Region,
    provider::{CallFailure, LocationList},
    time::Clock,
};
use serde_json::Value;

use super::{Contract, Podium, Wire, contact::body_of, done, unavailable};
use crate::token::AccessTokens;

/// Five thousand locations.
const PAGES_MAX: usize = 50;

/// What people write into an address, in small letters, where it is not two letters already.
const COUNTRIES: [(&str, &str); 25] = [
    ("aus", "AU"),
    ("australia", "AU"),
    ("can", "CA"),
    ("canada", "CA"),
    ("deutschland", "DE"),
    ("germany", "DE"),
    ("england", "GB"),
    ("gbr", "GB"),
    ("great britain", "GB"),
    ("northern ireland", "GB"),
    ("scotland", "GB"),
    ("uk", "GB"),
    ("united kingdom", "GB"),
    ("wales", "GB"),
    ("ireland", "IE"),
    ("irl", "IE"),
    ("new zealand", "NZ"),
    ("nzl", "NZ"),
    ("aotearoa", "NZ"),
    ("singapore", "SG"),
    ("united states", "US"),
    ("united states of america", "US"),
    ("usa", "US"),
    ("south africa", "ZA"),
    ("zaf", "ZA"),
];

impl<T: AccessTokens, C: Clock> LocationList for Podium<T, C> {
    async fn list_locations(&self) -> Result<Vec<KnownLocation>, CallFailure> {
        let first = match self.contract {
            Contract::Published(_) => "/v4/locations?limit=100",
            Contract::Brief(_) => "/v4/locations",
        };
        let mut known = BTreeSet::new();
        let listed = self.wire.list(first, PAGES_MAX).await?;
        Ok(listed.iter().filter_map(location).filter(|location| known.insert(location.uid.clone())).collect())
    }
}

impl<T: AccessTokens, C: Clock> Wire<T, C> {
    /// Everything in a list, from its first page on. A list that does not end is not known, and so not returned in part:
    /// what is missing would count as not there.
    pub(super) async fn list(&self, first: &str, pages_max: usize) -> Result<Vec<Value>, CallFailure> {
        let (path, query) = first.split_once('?').unwrap_or((first, ""));
        let start = self.base.at(path);
        let mut url = start.clone();
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        let (mut all, mut followed) = (Vec::new(), BTreeSet::new());
        for _ in 0..pages_max {
            let (page, next) = page_of(body_of(&done(self.get(url).await?)?)?)?;
            all.extend(page);
            // A cursor that was followed already leads to what was read already.
            let Some(cursor) = next.filter(|cursor| followed.insert(cursor.clone())) else { return Ok(all) };
            // Alone: Podium ignores everything that stands beside it.
            url = start.clone();
            url.query_pairs_mut().append_pair("cursor", &cursor);
        }
        Err(unavailable("the list does not end").into())
    }
}

/// A page of a list, and the cursor of the next.
pub(super) fn page_of(mut body: Value) -> Result<(Vec<Value>, Option<String>), CallFailure> {
    let Some(Value::Array(page)) = body.get_mut("data").map(Value::take) else {
        return Err(unavailable("the answer is no list").into());
    };
    match body.pointer("/metadata/nextCursor") {
        None | Some(Value::Null) => Ok((page, None)),
        Some(Value::String(cursor)) => Ok((page, Some(cursor.clone()).filter(|cursor| !cursor.is_empty()))),
        Some(_) => Err(unavailable("the list goes on in a way that is not known").into()),
    }
}

/// A location in use. One that is archived, or that no message could name, is none.
fn location(listed: &Value) -> Option<KnownLocation> {
    let archived = listed.get("archived") == Some(&Value::Bool(true));
    if archived || listed.get("archivedAt").is_some_and(|at| !at.is_null()) {
        return None;
    }
    let uid = LocationUid::try_from(listed.get("uid")?.as_str()?).ok()?;
    let text = |at: &str| listed.pointer(at)?.as_str().map(str::trim).filter(|text| !text.is_empty());
    let name = text("/displayName").or_else(|| text("/name")).unwrap_or_else(|| uid.as_str()).to_owned();
    let country = text("/addressDetails/country").or_else(|| text("/country")).and_then(country);
    Some(KnownLocation { uid, name, country })
}

/// The country that a text means. A wrong one would read customers' numbers wrongly, so there is no guessing.
fn country(text: &str) -> Option<Region> {
    let plain: String = text.chars().filter(|c| *c != '.').collect::<String>().to_lowercase();
    let code = COUNTRIES.iter().find(|(name, _)| *name == plain).map(|(_, code)| (*code).to_owned());
    let code = code.unwrap_or_else(|| plain.to_ascii_uppercase());
    Region::try_from(code.as_str()).ok().filter(|region| region.is_known())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_as_people_write_them() {
        for (text, expected) in [
            ("AU", Some("AU")),
            ("au", Some("AU")),
            ("Australia", Some("AU")),
            ("U.S.A.", Some("US")),
            ("US", Some("US")),
            ("United States", Some("US")),
            ("UK", Some("GB")),
            ("England", Some("GB")),
            ("New Zealand", Some("NZ")),
            ("CANADA", Some("CA")),
            ("FR", Some("FR")),
            ("XX", None),
            ("Austria-Hungary", None),
            ("A", None),
            ("Ünited", None),
            ("", None),
        ] {
            let found = country(text);
            assert_eq!(found.as_ref().map(Region::as_str), expected, "{text}");
        }
    }
}
