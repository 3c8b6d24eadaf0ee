//! One review, as somebody left it on some site.

use serde_json::{Map, Value, json};

use crate::clock::{iso, parse_iso};
use crate::stand_ins::app::derived_uid;

/// A review. Of the rating nothing is asked: a provider can send anything there.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub(crate) uid: String,
    rating: Value,
    body: Option<String>,
    author: Option<String>,
    site: String,
    url: Option<String>,
    pub(crate) location: Option<String>,
    /// The invitation that led to it.
    pub(crate) invitation: Option<String>,
    recommendation: bool,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    /// When Podium learned of it: look-ups may lag behind that.
    pub(crate) put_ms: i64,
}

impl Review {
    pub(crate) fn new(uid: &str, now_ms: i64) -> Self {
        Self {
            uid: uid.to_owned(),
            rating: Value::Null,
            body: None,
            author: None,
            site: "google".to_owned(),
            url: None,
            location: None,
            invitation: None,
            recommendation: false,
            created_ms: whole(now_ms),
            updated_ms: whole(now_ms),
            put_ms: now_ms,
        }
    }

    /// Lays the fields over the review. It is updated now, unless `updated_at` says otherwise.
    pub(crate) fn steer(&mut self, fields: &Map<String, Value>, now_ms: i64) -> Result<(), String> {
        self.updated_ms = whole(now_ms).max(self.created_ms);
        self.put_ms = now_ms;
        for (field, value) in fields {
            let text = value.as_str().map(str::to_owned);
            let good = text.is_some() || value.is_null();
            match field.as_str() {
                "rating" => self.rating = value.clone(),
                "body" if good => self.body = text,
                "author" if good => self.author = text,
                "url" if good => self.url = text,
                "location" if good => self.location = text,
                "invitation" if good => self.invitation = text,
                "site" => self.site = text.ok_or("site is a text")?,
                "recommendation" => self.recommendation = value.as_bool().ok_or("recommendation is true or false")?,
                "created_at" => {
                    self.created_ms = time(value)?;
                    if !fields.contains_key("updated_at") {
                        self.updated_ms = self.created_ms;
                    }
                }
                "updated_at" => self.updated_ms = time(value)?,
                _ => return Err(format!("a review has no such field: {field} = {value}")),
            }
        }
        Ok(())
    }

    /// The published shape.
    pub(crate) fn view(&self) -> Value {
        let locations: Vec<Value> = self.location.iter().map(|uid| json!({ "uid": uid })).collect();
        let attributions: Vec<Value> = self
            .invitation
            .iter()
            .map(|uid| json!({ "reviewInvitationUid": uid, "userUid": null, "apiClientUid": null }))
            .collect();
        json!({
            "uid": self.uid,
            "createdAt": iso(self.created_ms),
            "updatedAt": iso(self.updated_ms),
            "isRecommendation": self.recommendation,
            "needsResponse": true,
            "author": { "id": derived_uid(&["author", &self.uid]), "name": self.author },
            "locations": locations,
            "review": {
                "rating": self.rating,
                "body": self.body,
                "siteName": self.site,
                "siteReviewId": derived_uid(&["site", &self.uid]),
                "url": self.url,
            },
            "responses": [],
            "attributions": attributions,
        })
    }

    /// What the invitation that led to it shows of it.
    pub(crate) fn attribution(&self) -> Value {
        json!({
            "reviewUid": self.uid,
            "reviewRating": self.rating,
            "reviewBody": self.body,
            "reviewAuthor": self.author,
            "reviewPublishedAt": iso(self.created_ms),
            "siteName": self.site,
        })
    }

    /// What the briefs' event carries.
    pub(crate) fn brief(&self) -> Value {
        let mut view = json!({
            "id": self.uid,
            "rating": self.rating,
            "platform": self.site,
            "body": self.body,
            "location_uid": self.location,
        });
        if let (Some(fields), Some(id)) = (view.as_object_mut(), &self.invitation) {
            fields.insert("invitation_id".to_owned(), json!(id));
        }
        view
    }
}

/// Times have whole seconds, or a list would leave out what it shows as being within its bounds.
fn whole(at_ms: i64) -> i64 {
    at_ms.div_euclid(1000) * 1000
}

fn time(value: &Value) -> Result<i64, String> {
    value.as_str().and_then(parse_iso).map(whole).ok_or_else(|| format!("{value} is not a time"))
}
