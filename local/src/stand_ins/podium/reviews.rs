//! Review requests: a link to be sent by the caller (published), or an invitation that Podium texts itself (briefs); and
//! the reviews that came of them, or of nothing.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use super::book::Invite;
use super::envelope::{Answer, Ask, Refusal};
use super::messages::{Sending, is_e164, put, refuse_opted_out};
use super::page::Page;
use super::review::Review;
use super::{locations, view};
use crate::clock::{self, iso, parse_iso};
use crate::stand_ins::ledger::{Contract, EffectKind};

/// `POST /v4/reviews/invites`: makes a link and tells nobody.
pub(super) async fn create_invite(ask: Ask) -> Answer {
    let phone = ask.text("/phoneNumber");
    if phone.is_some_and(|phone| !is_e164(phone)) {
        return Err(Refusal::invalid("phoneNumber is not valid."));
    }
    let identifier = phone.or_else(|| ask.text("/email"));
    let identifier = identifier.ok_or_else(|| Refusal::invalid("phoneNumber or email is required."))?;
    let mut state = ask.app.lock();
    let location = locations::named(&ask, &state.podium.settings)?;
    let invite = Invite {
        uid: state.ids.uid(),
        phone: identifier.to_owned(),
        location: Some(location.to_owned()),
        created_ms: clock::now_ms(),
    };
    let answer = view::invite(&invite, &state.book);
    state.book.add_invite(invite);
    Ok(ask.ok(&answer))
}

/// `GET /v4/reviews/invites?createdAt[gte]=&updatedAt[gte]=`, newest first.
pub(super) async fn invites(ask: Ask) -> Answer {
    let page = Page::of(&ask, None)?;
    let mut since_ms = i64::MIN;
    for name in ["createdAt[gte]", "updatedAt[gte]"] {
        if let Some(text) = page.parameter(name) {
            let at = parse_iso(text).ok_or_else(|| Refusal::invalid(format!("{name} is not a time.")))?;
            since_ms = since_ms.max(at);
        }
    }
    let items = {
        let state = ask.app.lock();
        let found = state.book.invites().filter(|invite| invite.created_ms >= since_ms);
        found.map(|invite| (invite.uid.clone(), view::invite(invite, &state.book))).collect()
    };
    page.cut(&ask, items)
}

/// `GET /v4/reviews/invites/{uid}`
pub(super) async fn invite(Path(uid): Path<String>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    let found = state.book.invite(&uid).map(|invite| view::invite(invite, &state.book));
    found.map(|invite| ask.ok(&invite)).ok_or_else(Refusal::not_found)
}

/// `POST /v4/review-invitations {campaign_id, contact: {phone}, context}`: the customer gets a text.
pub(super) async fn send_invitation(ask: Ask) -> Answer {
    let bad = |error| Refusal::brief(StatusCode::BAD_REQUEST, error);
    ask.text("/campaign_id").ok_or_else(|| bad("invalid_campaign_id"))?;
    let phone = ask.text("/contact/phone").filter(|phone| is_e164(phone)).ok_or_else(|| bad("invalid_phone"))?;
    let places = ["/location_uid", "/context/location_uid"];
    let mut state = ask.app.lock();
    refuse_opted_out(&state, phone)?;
    let sending = Sending {
        contract: Contract::Brief,
        kind: EffectKind::ReviewInvitation,
        phone,
        location: places.iter().find_map(|place| ask.text(place)),
        body: &ask.body.to_string(),
        contact_name: ask.text("/contact/name"),
        conversation: None,
    };
    let effect = put(&mut state, &ask, sending)?;
    Ok(Json(json!({ "id": effect.invitation_id })).into_response())
}

/// `GET /v4/review-invitations/{id}`: what the briefs' sweep asks for invitations that it heard nothing of.
pub(super) async fn invitation(Path(id): Path<String>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    let mut effects = state.ledger.effects().iter();
    let found = effects.find(|effect| {
        effect.kind == EffectKind::ReviewInvitation && effect.invitation_id.as_deref() == Some(id.as_str())
    });
    let effect = found.ok_or_else(|| Refusal::brief(StatusCode::NOT_FOUND, "invitation_not_found"))?;
    let delivery = state.book.deliveries.of(effect);
    let answer = json!({
        "id": effect.invitation_id,
        "status": delivery.status.as_str(),
        "failure_reason": delivery.failure_reason,
        "contact": { "phone": effect.phone },
        "created_at": iso(effect.at_ms),
    });
    Ok(Json(answer).into_response())
}

/// `GET /v4/reviews?createdAt[gte]=&updatedAt[lte]=`, newest first.
pub(super) async fn list(ask: Ask) -> Answer {
    let page = Page::of(&ask, None)?;
    let created = Bounds::of(&page, "createdAt")?;
    let updated = Bounds::of(&page, "updatedAt")?;
    let items = {
        let state = ask.app.lock();
        let now_ms = clock::now_ms();
        let found = state.book.reviews().into_iter().filter(|review| {
            created.hold(review.created_ms)
                && updated.hold(review.updated_ms)
                && state.podium.settings.shows(review.put_ms, now_ms)
        });
        found.map(|review| (review.uid.clone(), review.view())).collect()
    };
    page.cut(&ask, items)
}

/// `GET /v4/reviews/{uid}`
pub(super) async fn one(Path(uid): Path<String>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    let found = state.book.review(&uid).map(Review::view);
    found.map(|review| ask.ok(&review)).ok_or_else(Refusal::not_found)
}

/// What `[gt]`, `[gte]`, `[lt]` and `[lte]` leave of a time.
struct Bounds {
    from_ms: i64,
    to_ms: i64,
}

impl Bounds {
    fn of(page: &Page, field: &str) -> Result<Self, Refusal> {
        let mut bounds = Self { from_ms: i64::MIN, to_ms: i64::MAX };
        for (word, lower, beside_ms) in [("gte", true, 0), ("gt", true, 1), ("lte", false, 0), ("lt", false, -1)] {
            let name = format!("{field}[{word}]");
            let Some(text) = page.parameter(&name) else { continue };
            let at_ms = parse_iso(text).ok_or_else(|| Refusal::invalid(format!("{name} is not a time.")))?;
            let at_ms = at_ms.saturating_add(beside_ms);
            if lower {
                bounds.from_ms = bounds.from_ms.max(at_ms);
            } else {
                bounds.to_ms = bounds.to_ms.min(at_ms);
            }
        }
        Ok(bounds)
    }

    fn hold(&self, at_ms: i64) -> bool {
        (self.from_ms..=self.to_ms).contains(&at_ms)
    }
}
