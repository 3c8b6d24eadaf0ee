//! The organisation's stores.

use axum::extract::Path;

use super::envelope::{Answer, Ask, Refusal};
use super::page::Page;
use super::settings::Settings;
use super::view;

/// `GET /v4/locations`, the archived ones too.
pub(super) async fn list(ask: Ask) -> Answer {
    let page = Page::of(&ask, None)?;
    let locations = ask.app.lock().podium.settings.locations.clone();
    let items = locations.iter().map(|location| (location.uid.clone(), view::location(location))).collect();
    page.cut(&ask, items)
}

/// `GET /v4/locations/{uid}`
pub(super) async fn one(Path(uid): Path<String>, ask: Ask) -> Answer {
    let found = ask.app.lock().podium.settings.location(&uid).map(view::location);
    found.map(|location| ask.ok(&location)).ok_or_else(Refusal::not_found)
}

/// The `locationUid` of a body, which must name one of them.
pub(super) fn named<'a>(ask: &'a Ask, settings: &Settings) -> Result<&'a str, Refusal> {
    let uid = ask.required("locationUid")?;
    let known = settings.location(uid).map(|_| uid);
    known.ok_or_else(|| Refusal::invalid("locationUid names no location."))
}
