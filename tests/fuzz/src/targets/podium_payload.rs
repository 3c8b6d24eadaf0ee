//! Podium's deliveries, taken apart and asked what they say about opt-outs.
//!
//! Promises: no body makes it panic; a delivery has at least one event, each with bytes of its own that read as the same
//! event again, in the order in which they happened; what is said about opt-outs is never from the future and names each
//! number and flag once; a message that says STOP, from a number that can be read, is always news; a rating is one to five
//! whole stars or none; and what became of something is said of something that has a name.

use std::collections::BTreeSet;

use frontdesk_core::{
    contact::Direction,
    directory::{KnownLocation, LocationBook},
    ids::LocationUid,
    phone::Region,
    podium::{OptOutNews, What, items, parse},
    rating::RatingClaim,
    time::UnixMillis,
    wish::{self, ExtraWords, Wish},
};

use crate::{Samples, Target};

pub(crate) const TARGET: Target = Target {
    name: "podium_payload",
    bytes_max: 12_000,
    words: &[
        "\"events\":[",
        "\"metadata\":{",
        "\"eventType\":",
        "\"event_type\":",
        "\"eventUid\":",
        "\"event_uid\":",
        "\"id\":",
        "\"type\":",
        "\"occurred_at\":",
        "\"data\":{",
        "\"before\":{",
        "\"after\":{",
        "\"from\":",
        "\"body\":",
        "\"country\":",
        "\"location_uid\":",
        "\"attachments\":[",
        "\"size_bytes\":",
        "\"items\":[",
        "\"conversation\":{",
        "\"channel\":{",
        "\"identifier\":",
        "\"channels\":[",
        "\"transactionalOptedOutAt\":",
        "\"marketingOptedInLocationUids\":",
        "\"phoneNumbers\":",
        "\"attributes\":",
        "\"opted_out\":",
        "\"global_unsubscribe\":",
        "\"failureReason\":",
        "\"message.received\"",
        "\"webchat.message.received\"",
        "\"message.failed\"",
        "\"contact.updated\"",
        "\"contact.merged\"",
        "\"review_invitation.failed\"",
        "\"review_invitation.delivered\"",
        "\"review.received\"",
        "\"review.created\"",
        "\"review.updated\"",
        "\"review.response_created\"",
        "\"review.invite_link_updated\"",
        "\"message.sent\"",
        "\"review\":{",
        "\"rating\":",
        "\"isRecommendation\":",
        "\"attributions\":[",
        "\"reviewInvitationUid\":",
        "\"deliveryStatus\":",
        "\"invitation_id\":",
        "\"delivered\"",
        "\"stop_keyword\"",
        "\"STOP\"",
        "\"start\"",
        "\"+61491570156\"",
        "\"0491 570 156\"",
        "\"AU\"",
        "\"loc-au\"",
        "\"2026-02-03T01:08:09Z\"",
        "1770080409",
        "1770080409123",
        "1e400",
        "-1",
        "null",
        "true",
        "\\u0000",
        "\\ud800",
        "{",
        "}",
        "[",
        "]",
    ],
    seeds,
    run,
};

/// 20 November 2026, 00:00 UTC.
const NOW: UnixMillis = UnixMillis::new(1_795_132_800_000);

fn seeds(samples: &Samples) -> Vec<Vec<u8>> {
    let written = ["{}", "[]", r#"{"events":[]}"#, r#"{"data":"Data for the test webhook event :)"}"#];
    samples.podium.iter().cloned().chain(written.map(|text| text.as_bytes().to_vec())).collect()
}

fn book() -> LocationBook {
    let at = |uid: &str, country: &str| KnownLocation {
        uid: LocationUid::try_from(uid).unwrap(),
        name: uid.to_owned(),
        country: Region::try_from(country).ok(),
    };
    LocationBook { fetched_at: NOW, locations: vec![at("loc-au", "AU"), at("loc-us", "US")] }
}

fn run(data: &[u8]) {
    let (book, extra) = (book(), ExtraWords::default());
    let items = items(data);
    assert!(!items.is_empty(), "a delivery without an event would not be kept");
    let mut latest = None;
    for item in &items {
        let range = data.as_ptr_range();
        assert!(range.contains(&item.body.as_ptr()) || item.body.is_empty(), "an event's bytes are not its own");
        let Ok(event) = &item.event else { continue };
        assert_eq!(parse(item.body).as_ref(), Ok(event), "an event reads differently from its own bytes");
        if let Some(at) = event.occurred_at {
            assert!(latest.is_none_or(|before| before <= at), "events out of order");
            latest = Some(at);
        }
        let without = OptOutNews::of(event, &extra, None, NOW);
        let with = OptOutNews::of(event, &extra, Some(&book), NOW);
        assert_ne!(with, OptOutNews::NeedsLocations, "asked for what was given");
        assert!(without == with || without == OptOutNews::NeedsLocations, "the list changed what was clear without it");
        if let OptOutNews::Changes(changes) = &with {
            assert!(!changes.is_empty() && changes.iter().all(|c| c.at <= NOW), "from the future, or nothing at all");
            let once: BTreeSet<_> = changes.iter().map(|c| (c.phone.clone(), c.flag)).collect();
            assert_eq!(once.len(), changes.len(), "a flag is changed twice at once");
        }
        if let Some((ids, _)) = event.delivery() {
            assert!(!ids.is_empty(), "news of nothing");
        }
        if let What::Review(review) = &event.what {
            if let RatingClaim::Rated(rating) = review.rating {
                assert!((1..=5).contains(&rating.stars()));
            }
            assert!(review.url.as_ref().is_none_or(|url| url.starts_with("https://")), "a link that is none");
            assert!(
                review.platform.as_ref().is_none_or(|p| p.len() <= 32 && p.is_ascii()),
                "a platform's name is text"
            );
        }
        if let What::Received(message) = &event.what
            && let Some(text) = &message.text
            && wish::read(text, &extra) == Wish::Stop
        {
            match &with {
                OptOutNews::Changes(changes) => assert!(changes.iter().all(|c| c.direction == Direction::Out)),
                OptOutNews::WithoutPhone => assert!(message.customer(None).is_err(), "a STOP without its number"),
                OptOutNews::Nothing | OptOutNews::NeedsLocations => panic!("a STOP is no news"),
            }
        }
    }
}
