//! Shopify's record of consent, as changes of our own record of opt-outs.

use super::{body::ShopifyEvent, news::ConsentState};
use crate::{
    contact::{Direction, Evidence, OptOutChange, OptOutFlag, OptOutSource},
    time::UnixMillis,
};

/// What an event says about opt-outs. Only "unsubscribed" is one, and only "subscribed" takes it back; a record that
/// names no number says nothing about anybody.
///
/// The proof names no customer: a number of Shopify's would have to be erased with the person, the opt-out must not.
#[must_use]
pub fn opt_outs(event: &ShopifyEvent, received_at: UnixMillis) -> Vec<OptOutChange> {
    let ShopifyEvent::MarketingConsent { phone: Some(phone), state, consent_updated_at } = event else {
        return Vec::new();
    };
    // The future is somebody's wrong clock; it must not outlast what is said later.
    let said_at = consent_updated_at.map(|at| at.min(received_at));
    let (direction, at) = match state {
        ConsentState::Unsubscribed => (Direction::Out, said_at.unwrap_or(received_at)),
        // Without its time it may be older than the opt-out that it would take back.
        ConsentState::Subscribed => match said_at {
            Some(at) => (Direction::In, at),
            None => return Vec::new(),
        },
        ConsentState::NotSubscribed | ConsentState::Pending | ConsentState::Redacted | ConsentState::Unknown => {
            return Vec::new();
        }
    };
    let evidence = Evidence {
        source: OptOutSource::Shopify,
        message_id: None,
        text_sha256: None,
        recorded_at: received_at,
        by_hand: None,
    };
    vec![OptOutChange { phone: phone.clone(), flag: OptOutFlag::MarketingSms, direction, at, evidence }]
}

#[cfg(test)]
mod tests {
    use super::super::{body::parse, news::moment, samples};
    use super::*;

    const RECEIVED: &str = "2026-11-10T00:00:00Z";

    fn changes(body: &str) -> Vec<OptOutChange> {
        opt_outs(&parse(body.as_bytes()).unwrap(), moment(RECEIVED).unwrap())
    }

    fn consent(state: &str, at: &str) -> String {
        format!(
            r#"{{"id":1,"phone":"+61491570156","sms_marketing_consent":{{"state":{state},"consent_updated_at":{at}}}}}"#
        )
    }

    #[test]
    fn unsubscribed_is_an_opt_out_from_when_shopify_says() {
        let [change] = changes(samples::UNSUBSCRIBED).try_into().unwrap();
        assert_eq!((change.flag, change.direction), (OptOutFlag::MarketingSms, Direction::Out));
        assert_eq!(change.phone.expose(), "+61491570156");
        assert_eq!(Some(change.at), moment("2026-11-09T20:00:00Z"));
        let evidence = Evidence {
            source: OptOutSource::Shopify,
            message_id: None,
            text_sha256: None,
            recorded_at: moment(RECEIVED).unwrap(),
            by_hand: None,
        };
        assert_eq!(change.evidence, evidence);
    }

    #[test]
    fn subscribed_is_the_way_back() {
        let [change] = changes(&consent(r#""Subscribed""#, r#""2026-11-09T20:00:00Z""#)).try_into().unwrap();
        assert_eq!((change.direction, Some(change.at)), (Direction::In, moment("2026-11-09T20:00:00Z")));
    }

    #[test]
    fn nothing_is_said_in_the_future() {
        for state in [r#""unsubscribed""#, r#""subscribed""#] {
            let [change] = changes(&consent(state, r#""2031-01-01T00:00:00Z""#)).try_into().unwrap();
            assert_eq!(Some(change.at), moment(RECEIVED), "{state}");
        }
    }

    #[test]
    fn without_a_time_it_counts_from_now_or_not_at_all() {
        for unreadable in ["null", r#""yesterday""#] {
            let [change] = changes(&consent(r#""unsubscribed""#, unreadable)).try_into().unwrap();
            assert_eq!((change.direction, Some(change.at)), (Direction::Out, moment(RECEIVED)));
            assert_eq!(changes(&consent(r#""subscribed""#, unreadable)), []);
        }
    }

    #[test]
    fn the_other_states_say_nothing() {
        for state in ["not_subscribed", "pending", "redacted", "something new", ""] {
            assert_eq!(changes(&consent(&format!("{state:?}"), r#""2026-11-09T20:00:00Z""#)), [], "{state}");
        }
        assert_eq!(changes(&consent("null", "null")), []);
    }

    #[test]
    fn nobody_is_opted_out_without_a_number() {
        for phone in ["null", r#""""#, r#""0491 570 156""#, r#""SHIP""#] {
            let body = samples::UNSUBSCRIBED.replace(r#""+61491570156""#, phone);
            assert_eq!(changes(&body), [], "{phone}");
        }
        for (name, body) in samples::BODIES.iter().filter(|(name, _)| *name != "consent/unsubscribed") {
            assert_eq!(changes(body), [], "{name}");
        }
    }
}
