//! Reviews, invitations and deliveries: every sample of both contracts, and what nobody promised to send.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "this is test code: a panic is a failed test"
)]

use serde_json::{Value, json};

use super::*;
use crate::{
    outbox::FailureKind::{self, CarrierFiltered, InvalidPhone, Landline, OptedOut, Other},
    rating::{
        Rating,
        RatingClaim::{self, Rated, Unrated, Unusable},
    },
    wish::ExtraWords,
};

const NOW: UnixMillis = UnixMillis::new(1_795_132_800_000);
const INVITATION: &str = "c1aeea2d-e4d0-5939-97a0-7ab6ee1f1747";
const LOCATION: &str = "2402d60a-8fc7-58ed-8992-ee47f110175e";
const REVIEW: &str = "9ea9e8fa-7825-5acd-aeea-7fbdd77a2e60";

fn read(body: &Value) -> PodiumEvent {
    parse(body.to_string().as_bytes()).unwrap()
}

fn review(body: &Value) -> ReviewEvent {
    match read(body).what {
        What::Review(review) => *review,
        other => panic!("not a review: {other:?}"),
    }
}

/// What a review's data are read as.
fn of(data: &Value) -> ReviewEvent {
    review(&json!({"id": "e", "type": "review.received", "data": data}))
}

fn link(body: &Value) -> InviteLinkEvent {
    match read(body).what {
        What::InviteLink(link) => *link,
        other => panic!("not a link: {other:?}"),
    }
}

fn answered(body: &Value) -> Option<ProviderId> {
    match read(body).what {
        What::ReviewResponse { review } => review,
        other => panic!("not an answer: {other:?}"),
    }
}

fn id(text: &str) -> ProviderId {
    ProviderId::try_from(text).unwrap()
}

fn uid(text: &str) -> LocationUid {
    LocationUid::try_from(text).unwrap()
}

fn rated(stars: u8) -> RatingClaim {
    Rated(Rating::new(stars).unwrap())
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A review as Podium writes it.
fn published(kind: &str, rating: &Value) -> Value {
    json!({
        "data": {
            "attributions": [{"apiClientUid": "10e7235d", "reviewInvitationUid": INVITATION, "userUid": null}],
            "author": {"id": "rev-author-1", "name": "Tomas Bell"},
            "createdAt": "2026-02-09T03:00:00Z",
            "isRecommendation": false,
            "locations": [{"uid": LOCATION}],
            "needsResponse": true,
            "responses": [],
            "review": {"body": "Parcel never arrived", "rating": rating, "siteName": "google",
                       "siteReviewId": "site-1", "url": "https://reviews.example.test/1"},
            "uid": REVIEW,
            "updatedAt": "2026-02-09T03:00:00Z",
        },
        "metadata": {"eventType": kind, "eventUid": "a7602a4e-686f-501b-aa9e-2c90c887265c", "version": "2021.04.01"},
    })
}

/// A link as Podium writes it.
fn invite(kind: &str, status: &str, clicked: bool, through: &str) -> Value {
    json!({
        "data": {
            "attributions": [],
            "channel": {"identifier": "+61491570156", "type": "phone"},
            "conversationItemUid": null,
            "createdAt": "2026-02-08T00:00:00Z",
            "customerName": "Tomas Bell",
            "deliveryStatus": status,
            "languages": ["EN"],
            "linkClicked": clicked,
            "linkClickedAt": if clicked { json!("2026-02-08T04:00:00Z") } else { json!(null) },
            "location": {"organizationUid": "8996bc8e", "uid": LOCATION},
            "sender": {"name": "external", "sentThrough": through, "type": "integration", "uid": "10e7235d"},
            "shortUrl": "https://pdm.example.test/x1",
            "test": false,
            "uid": INVITATION,
            "updatedAt": "2026-02-08T04:00:00Z",
            "url": "https://podium.example.test/r/x1",
        },
        "metadata": {"eventType": kind, "eventUid": "5d9a8d91", "version": "2021.04.01"},
    })
}

/// A message to a customer as Podium writes it.
fn sent(kind: &str, reason: Option<&str>, statuses: &[&str]) -> Value {
    let items: Vec<Value> =
        statuses.iter().map(|s| json!({"uid": "i", "sourceType": "outbound", "deliveryStatus": s})).collect();
    json!({
        "data": {
            "uid": "53133217", "body": "How was it?", "failureReason": reason, "items": items,
            "conversation": {"uid": "c", "channel": {"identifier": "+61491570006", "type": "phone"}},
            "createdAt": "2026-02-03T01:16:09Z",
        },
        "metadata": {"eventType": kind, "eventUid": "906bc7f2"},
    })
}

#[test]
fn the_briefs_reviews_are_read_whole() {
    let body = json!({"id": "evt_rv_0001", "type": "review.received", "data": {
        "id": "rev_1", "rating": 1, "platform": "google", "body": "Never arrived", "location_uid": "loc_burleigh"}});
    let expected = ReviewEvent {
        uid: Some(id("rev_1")),
        rating: rated(1),
        platform: text("google"),
        locations: vec![uid("loc_burleigh")],
        invitations: vec![],
        author: None,
        text: text("Never arrived"),
        url: None,
        changed_at: None,
        responded: false,
    };
    assert_eq!(review(&body), expected);
    assert_eq!((read(&body).id.as_str(), read(&body).delivery()), ("evt_rv_0001", None));
    for (rating, platform) in [(3, "facebook"), (5, "podium")] {
        let review = of(&json!({"id": "rev_2", "rating": rating, "platform": platform}));
        assert_eq!((review.rating, review.platform.as_deref()), (rated(rating), Some(platform)));
    }
}

#[test]
fn podiums_reviews_are_read_whole() {
    let expected = ReviewEvent {
        uid: Some(id(REVIEW)),
        rating: rated(1),
        platform: text("google"),
        locations: vec![uid(LOCATION)],
        invitations: vec![id(INVITATION)],
        author: text("Tomas Bell"),
        text: text("Parcel never arrived"),
        url: text("https://reviews.example.test/1"),
        changed_at: Some(UnixMillis::new(1_770_606_000_000)),
        responded: false,
    };
    for kind in ["review.created", "review.updated", " Review.Created ", "REVIEW.UPDATED"] {
        assert_eq!(review(&published(kind, &json!(1))), expected, "{kind}");
        assert_eq!(read(&published(kind, &json!(1))).occurred_at, expected.changed_at);
    }
    for (rating, claim) in [(json!(3), rated(3)), (json!(5), rated(5)), (json!(null), Unrated)] {
        assert_eq!(review(&published("review.created", &rating)).rating, claim);
    }
    let other = read(&published("review.purged", &json!(1)));
    assert_eq!(other.what, What::Other);
}

#[test]
fn a_review_given_as_one_part_and_in_other_spellings_is_read_alike() {
    let whole = published("review.created", &json!(2))["data"].clone();
    assert_eq!(of(&json!({"review": whole})), of(&whole));
    let flat = json!({"review": {"uid": "r", "rating": 2, "siteName": "Google", "body": "meh",
        "updated_at": "2026-02-09T03:00:00Z", "attributions": [{"review_invitation_uid": "i"}]}});
    let review = of(&flat);
    assert_eq!((review.uid, review.rating, review.platform), (Some(id("r")), rated(2), text("google")));
    assert_eq!((review.text, review.invitations), (text("meh"), vec![id("i")]));
    assert_eq!(review.changed_at, Some(UnixMillis::new(1_770_606_000_000)));

    let snake =
        of(&json!({"review_id": "r", "rating": 4, "site_name": "Yelp", "author_name": " Mara\n", "invitation_id": 7,
        "locationUid": "l", "review_url": "https://a.test/", "publish_date": 1_770_606_000}));
    assert_eq!((snake.uid, snake.platform, snake.author), (Some(id("r")), text("yelp"), text("Mara")));
    assert_eq!((snake.locations, snake.invitations), (vec![uid("l")], vec![id("7")]));
    assert_eq!((snake.url, snake.changed_at), (text("https://a.test/"), Some(UnixMillis::new(1_770_606_000_000))));
}

#[test]
fn only_one_to_five_whole_stars_are_a_rating() {
    let cases = [
        (json!(1), rated(1)),
        (json!(2), rated(2)),
        (json!(3), rated(3)),
        (json!(4), rated(4)),
        (json!(5), rated(5)),
        (json!(4.0), rated(4)),
        (json!("2"), rated(2)),
        (json!(" 5 "), rated(5)),
        (json!("1.0"), rated(1)),
        (json!(null), Unrated),
        (json!(""), Unrated),
        (json!("  "), Unrated),
        (json!(0), Unusable),
        (json!(-0.0), Unusable),
        (json!(6), Unusable),
        (json!(-1), Unusable),
        (json!(11), Unusable),
        (json!(257), Unusable),
        (json!(2.9), Unusable),
        (json!(0.999), Unusable),
        (json!(1e300), Unusable),
        (json!(u64::MAX), Unusable),
        (json!("2.9"), Unusable),
        (json!("abc"), Unusable),
        (json!("NaN"), Unusable),
        (json!("inf"), Unusable),
        (json!("."), Unusable),
        (json!("-5"), Unusable),
        (json!("5 stars"), Unusable),
        (json!("٥"), Unusable),
        (json!("５"), Unusable),
        (json!("★★★★★"), Unusable),
        (json!(true), Unusable),
        (json!([5]), Unusable),
        (json!({"value": 5}), Unusable),
    ];
    for (rating, claim) in cases {
        assert_eq!(of(&json!({"id": "r", "rating": rating})).rating, claim, "flat {rating}");
        assert_eq!(review(&published("review.created", &rating)).rating, claim, "nested {rating}");
        let attributed = json!({"type": "review.invite_link_updated", "data": {
            "uid": "i", "attributions": [{"reviewUid": "r", "reviewRating": rating}]}});
        assert_eq!(link(&attributed).reviews, [id("r")], "attributed {rating}");
    }
    assert_eq!(of(&json!({"id": "r"})).rating, Unrated);
    assert_eq!(of(&json!({"id": "r", "rating": 5, "review": {"rating": 1}})).rating, rated(1));
    assert_eq!(of(&json!({"id": "r", "rating": 5, "review": {"rating": null}})).rating, rated(5));
}

#[test]
fn a_recommendation_counts_as_five_or_one_if_it_says_which() {
    let cases = [
        (json!({"isRecommendation": true, "review": {"rating": 5}}), rated(5)),
        (json!({"is_recommendation": true, "rating": 1}), rated(1)),
        (json!({"isRecommendation": true, "review": {"rating": 1}, "recommended": true}), rated(1)),
        (json!({"isRecommendation": true, "review": {"rating": null, "recommended": true}}), rated(5)),
        (json!({"isRecommendation": true, "review": {"rating": null}, "recommends": false}), rated(1)),
        (json!({"isRecommendation": "True", "recommended": "no"}), rated(1)),
        (json!({"isRecommendation": true, "recommendationType": "Positive"}), rated(5)),
        (json!({"isRecommendation": true, "review": {"recommendation_type": "negative"}}), rated(1)),
        (json!({"isRecommendation": true, "recommendationType": "POSITIVE ", "recommended": null}), rated(5)),
        (json!({"isRecommendation": true, "recommended": "perhaps"}), Unrated),
        (json!({"isRecommendation": true, "recommended": 1}), Unrated),
        (json!({"isRecommendation": true}), Unrated),
        (json!({"isRecommendation": true, "rating": 0}), Unusable),
        // Stars that are there hold, whatever else is said.
        (json!({"isRecommendation": true, "rating": 2}), rated(2)),
        (json!({"isRecommendation": false, "recommended": false}), Unrated),
        (json!({"recommended": false}), Unrated),
    ];
    for (data, claim) in cases {
        assert_eq!(of(&data).rating, claim, "{data}");
    }
}

#[test]
fn a_platform_is_a_short_plain_word() {
    let platform = |name: Value| of(&json!({"id": "r", "platform": name})).platform;
    assert_eq!(platform(json!("Google\u{0}\n#🦀")), text("google"));
    assert_eq!(platform(json!("a_b.c-9 /<script>")), text("a_b.c-9script"));
    assert_eq!(platform(json!("🦀\u{1b}[")), None);
    assert_eq!(platform(json!("x".repeat(5_000))).map(|p| p.len()), Some(32));
    for odd in [json!(null), json!(true), json!([]), json!({"a": 1}), json!("")] {
        assert_eq!(platform(odd), None);
    }
    assert_eq!(of(&json!({"siteName": "🦀", "source": "yelp"})).platform, text("yelp"));
}

#[test]
fn an_address_is_kept_only_if_it_is_safe_to_show() {
    let url = |url: &str| of(&json!({"id": "r", "url": url})).url;
    for good in ["https://a.test/x?y=1&z=%20@b", "HTTPS://a.test"] {
        assert_eq!(url(good).as_deref(), Some(good));
    }
    let bad = [
        "http://a.test",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https://a.test/<b>",
        "https://a|b",
        "https://a b",
        "https://a\nb",
        "https://ä.test",
        "ｈttps://a.test",
        "//a.test",
        "https:/a.test",
        "é",
    ];
    for bad in bad {
        assert_eq!(url(bad), None, "{bad}");
    }
    assert_eq!(url(&format!("https://a.test/{}", "x".repeat(3_000))), None);
}

#[test]
fn attributions_may_be_anything() {
    for odd in [json!(null), json!([]), json!("x"), json!(["x", null, 7, [], {}]), json!({"reviewInvitationUid": "i"})]
    {
        assert_eq!(of(&json!({"id": "r", "attributions": odd})).invitations, [], "{odd}");
        let body = json!({"type": "review.invite_link_created", "data": {"uid": "i", "attributions": odd}});
        assert_eq!(link(&body).reviews, [], "{odd}");
    }
    let each =
        |n: usize| json!({"reviewInvitationUid": format!("i{n}"), "reviewUid": format!("r{n}"), "reviewRating": 5});
    let many: Vec<Value> = (0..10_000).map(each).collect();
    assert_eq!(of(&json!({"id": "r", "attributions": many})).invitations.len(), 100);
    let body = json!({"type": "review.invite_link_created", "data": {"uid": "i", "attributions": many}});
    assert_eq!(link(&body).reviews.len(), 100);
    let twice = json!([{"invitation_id": "i"}, {"reviewInvitationUid": "i"}, {"review_invitation_uid": "j"},
        {"reviewInvitationUid": "a#b", "invitation_id": "k"}]);
    assert_eq!(of(&json!({"attributions": twice})).invitations, [id("i"), id("j"), id("k")]);
}

#[test]
fn nothing_that_is_sent_makes_a_fault_in_a_review() {
    let deep = (0..100).fold(json!(1), |inner, _| json!({"review": inner}));
    let odd =
        [json!(7), json!("7"), json!(true), json!(null), json!([1]), json!({"a": 1}), json!(-1), json!(1e300), deep];
    let kinds = [
        "review.received",
        "review.created",
        "review.updated",
        "review.response_created",
        "review.response_updated",
        "review.invite_link_created",
        "review.invite_link_updated",
        "review_invitation.sent",
        "review_invitation.delivered",
        "review_invitation.failed",
    ];
    let fields = [
        "uid",
        "id",
        "review",
        "rating",
        "platform",
        "siteName",
        "locations",
        "location",
        "location_uid",
        "attributions",
        "author",
        "body",
        "url",
        "updatedAt",
        "createdAt",
        "responses",
        "response",
        "isRecommendation",
        "recommended",
        "deliveryStatus",
        "sender",
        "channel",
        "linkClicked",
        "failureReason",
        "phone",
        "invitation",
    ];
    for kind in kinds {
        for field in fields {
            for value in &odd {
                let mut data = published("x", &json!(3))["data"].clone();
                data[field] = value.clone();
                let event = read(&json!({"id": "e", "type": kind, "data": data}));
                assert_ne!(event.what, What::Other, "{kind} {field} = {value}");
                let _ = (event.delivery(), format!("{event:?}"));
            }
        }
        for data in &odd {
            assert_ne!(read(&json!({"id": "e", "type": kind, "data": data})).what, What::Other, "{kind} {data}");
        }
    }
}

#[test]
fn a_review_without_an_id_has_the_events() {
    let event = EventId::try_from("evt_1").unwrap();
    assert_eq!(of(&json!({"rating": 1})).name(&event), event);
    assert_eq!(of(&json!({"rating": 1, "uid": "has space"})).name(&event), event);
    assert_eq!(of(&json!({"rating": 1, "uid": "r"})).name(&event).as_str(), "r");
}

#[test]
fn events_without_an_id_are_told_apart_by_what_changed() {
    let name = |kind: &str, data: Value| read(&json!({"type": kind, "data": data})).id;
    let one = name("review.updated", json!({"uid": "r", "updatedAt": "t1", "createdAt": "t0"}));
    assert_eq!(one.as_str(), "review.updated~r~t1");
    assert_eq!(name("review.updated", json!({"review": {"uid": "r", "updatedAt": "t1"}})), one);
    assert_eq!(name("review.created", json!({"id": "r", "created_at": "t0"})).as_str(), "review.created~r~t0");
    // The time at which it was made would make all its changes one.
    let change = |rating: u8| name("review.updated", json!({"uid": "r", "createdAt": "t0", "rating": rating}));
    assert!(change(5).is_of_body());
    assert_ne!(change(5), change(1));
    assert!(name("review.received", json!({"id": "r", "rating": 1})).is_of_body());
}

#[test]
fn an_answer_names_its_review_in_either_shape() {
    let mut whole = published("review.response_created", &json!(1));
    whole["data"]["responses"] = json!([{"body": "Sorry - please call us.", "createdAt": "2026-02-09T05:00:00Z",
        "siteAuthorName": "Burleigh Vans"}]);
    assert_eq!(answered(&whole), Some(id(REVIEW)));
    whole["metadata"]["eventType"] = json!("review.updated");
    assert!(review(&whole).responded);

    let alone = |more: Value| {
        let mut data = json!({"body": "Sorry - please ring 02 5550 1234.", "isDeleted": false, "likeCount": 0,
            "publishDate": "2026-02-09T06:00:00Z", "siteAuthorName": "Burleigh Vans", "source": "google",
            "uid": "050e70a9-194d-5f8b-9f1a-ff2893385af5"});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"data": data, "metadata": {"eventType": "review.response_updated", "eventUid": "f9368be7"}})
    };
    assert_eq!(answered(&alone(json!({}))), None, "its own id is not the review's");
    assert_eq!(read(&alone(json!({}))).occurred_at, Some(UnixMillis::new(1_770_616_800_000)));
    assert_eq!(answered(&alone(json!({"reviewUid": "r"}))), Some(id("r")));
    assert_eq!(answered(&alone(json!({"review": {"uid": "r"}}))), Some(id("r")));
    assert_eq!(answered(&alone(json!({"review": {"rating": 1}}))), None);

    for (responses, responded) in [
        (json!([]), false),
        (json!(null), false),
        (json!("x"), false),
        (json!([null]), false),
        (json!([{"body": "a", "isDeleted": true}]), false),
        (json!([{"body": "a"}]), true),
    ] {
        assert_eq!(of(&json!({"responses": responses})).responded, responded, "{responses}");
    }
}

#[test]
fn a_link_that_was_only_made_proves_no_delivery() {
    let link_of = |status: &str, clicked: bool, through: &str| {
        link(&invite("review.invite_link_updated", status, clicked, through))
    };
    let made = link(&invite("review.invite_link_created", "pending", false, "generated_link_only"));
    let expected = InviteLinkEvent {
        uid: Some(id(INVITATION)),
        phone: text("+61491570156"),
        news: None,
        clicked: false,
        reviews: vec![],
    };
    assert_eq!(made, expected);
    assert_eq!(link_of("sent", true, "generated_link_only"), InviteLinkEvent { clicked: true, ..expected });
    for status in ["failed", "sent", "delivered", "pending", "DELIVERED", "x"] {
        assert_eq!(link_of(status, false, "generated_link_only").news, None);
        assert_eq!(link_of(status, false, " Generated_Link_Only ").news, None);
    }
    let news = |status: &str| link_of(status, false, "sms").news;
    assert_eq!(news("failed"), Some(DeliveryNews::Failed(Other)));
    assert_eq!(news(" Delivered "), Some(DeliveryNews::Delivered));
    assert_eq!(news("sent"), Some(DeliveryNews::Sent));
    assert_eq!(news("pending"), None);
    let mut failed = invite("review.invite_link_updated", "failed", false, "sms");
    failed["data"]["failureReason"] = json!("landline");
    assert_eq!(read(&failed).delivery(), Some((vec![id(INVITATION)], DeliveryNews::Failed(Landline))));
    let bare = json!({"type": "review.invite_link_updated", "data": {
        "channel": {"identifier": "a@example.test"}, "linkClickedAt": "2026-02-08T04:00:00Z", "delivery_status": "sent",
        "attributions": [{"review_id": "r", "reviewRating": 2}, {"reviewUid": "r"}, {"reviewUid": "s"}]}});
    let bare_link = link(&bare);
    assert_eq!((&bare_link.phone, bare_link.clicked), (&None, true));
    assert_eq!(bare_link.reviews, [id("r"), id("s")]);
    assert_eq!(read(&bare).delivery(), None, "news of nothing that has an id");
}

#[test]
fn a_link_refused_for_an_opt_out_is_one() {
    let mut failed = invite("review.invite_link_updated", "failed", false, "sms");
    failed["data"]["failureReason"] = json!("recipient_optout");
    let news = |body: &Value| OptOutNews::of(&read(body), &ExtraWords::default(), None, NOW);
    assert!(matches!(news(&failed), OptOutNews::Changes(c) if c[0].phone.expose() == "+61491570156"));
    failed["data"]["channel"] = json!(null);
    assert_eq!(news(&failed), OptOutNews::WithoutPhone);
}

#[test]
fn the_briefs_invitations_say_what_became_of_them() {
    let event = |kind: &str, data: Value| read(&json!({"id": "evt_in", "type": kind, "data": data}));
    let delivered = event("review_invitation.delivered", json!({"invitation_id": "inv_9001"}));
    assert_eq!(delivered.delivery(), Some((vec![id("inv_9001")], DeliveryNews::Delivered)));
    let expected =
        What::Invitation { invitation: Some(id("inv_9001")), phone: None, news: DeliveryNews::Delivered, reason: None };
    assert_eq!(delivered.what, expected);
    let sent = event("Review_Invitation.Sent", json!({"invitation": {"id": "inv_9001"}}));
    assert_eq!(sent.delivery(), Some((vec![id("inv_9001")], DeliveryNews::Sent)));
    let nothing = OptOutNews::Nothing;
    let opt_outs = |event: &PodiumEvent| OptOutNews::of(event, &ExtraWords::default(), None, NOW);
    for (reason, kind, news) in [
        ("carrier_filtered", CarrierFiltered, nothing.clone()),
        ("recipient_optout", OptedOut, OptOutNews::WithoutPhone),
        ("undeliverable", Other, nothing.clone()),
        ("invalid_phone", InvalidPhone, nothing.clone()),
    ] {
        let data = json!({"invitation_id": "inv_9002", "failure_reason": reason});
        let failed = event("review_invitation.failed", data.clone());
        assert_eq!(failed.delivery(), Some((vec![id("inv_9002")], DeliveryNews::Failed(kind))), "{reason}");
        assert_eq!(opt_outs(&failed), news, "{reason}");
        assert_eq!(opt_outs(&event("review_invitation.delivered", data)), nothing, "{reason}");
    }
    assert_eq!(event("review_invitation.failed", json!({"failure_reason": "x"})).delivery(), None);
    for other in ["review_invitation.opened", "review_invitation.", "review_invitation"] {
        assert_eq!(event(other, json!({"invitation_id": "inv_9001"})).what, What::Other);
    }
}

#[test]
fn messages_say_what_became_of_them() {
    let news = |kind: &str, reason: Option<&str>, statuses: &[&str]| read(&sent(kind, reason, statuses)).delivery();
    let of = |news: DeliveryNews| Some((vec![id("53133217")], news));
    assert_eq!(news("message.sent", None, &["sent"]), of(DeliveryNews::Sent));
    assert_eq!(news("message.sent", None, &[]), of(DeliveryNews::Sent));
    assert_eq!(news("message.sent", None, &["sent", "delivered"]), of(DeliveryNews::Delivered));
    assert_eq!(news("message.sent", None, &["failed"]), of(DeliveryNews::Sent));
    assert_eq!(news("message.failed", Some("P0005"), &["sent"]), of(DeliveryNews::Failed(CarrierFiltered)));
    assert_eq!(news("message.failed", None, &["delivered"]), of(DeliveryNews::Failed(Other)));
    let reason = "Attempted to send SMS to a landline.";
    assert_eq!(news("message.failed", Some(reason), &[]), of(DeliveryNews::Failed(Landline)));
    assert_eq!(news("message.received", None, &["delivered"]), None);

    let delivery = |data: Value| match read(&json!({"type": "message.sent", "data": data})).what {
        What::Sent(message) => message.delivery,
        other => panic!("{other:?}"),
    };
    assert_eq!(delivery(json!({"uid": "m"})), None);
    assert_eq!(delivery(json!({"delivery_status": "delivered"})), Some(DeliveryNews::Delivered));
    let failed =
        json!({"failureReason": "landline", "items": [{"deliveryStatus": "failed"}, {"deliveryStatus": "sent"}]});
    assert_eq!(delivery(failed), Some(DeliveryNews::Failed(Landline)));
    assert_eq!(delivery(json!({"items": [{"deliveryStatus": "delivered", "sourceType": "inbound"}]})), None);
    for odd in
        [json!(null), json!("x"), json!([7, null, "x", {"deliveryStatus": []}]), json!({"deliveryStatus": "sent"})]
    {
        assert_eq!(delivery(json!({"items": odd})), None);
    }
    let both = read(&json!({"type": "message.sent", "data": {"uid": "m", "review_invitation_uid": "i"}}));
    assert_eq!(both.delivery(), Some((vec![id("m"), id("i")], DeliveryNews::Sent)));
    let same = read(&json!({"type": "message.sent", "data": {"uid": "m", "invitation_id": "m"}}));
    assert_eq!(same.delivery(), Some((vec![id("m")], DeliveryNews::Sent)));
    assert_eq!(read(&json!({"type": "message.sent", "data": {}})).delivery(), None);
}

#[test]
fn reasons_for_failures_fall_into_few_kinds() {
    let cases: &[(&str, FailureKind)] = &[
        ("recipient_optout", OptedOut),
        ("stop_keyword", OptedOut),
        ("contact_opted_out", OptedOut),
        ("Recipient has opted out.", OptedOut),
        ("Recipient has opted-out of SMS", OptedOut),
        ("OPT OUT", OptedOut),
        ("optedOut", OptedOut),
        ("Attempt to send to unsubscribed recipient", OptedOut),
        ("Carrier rejected: recipient opted out", OptedOut),
        ("landline", Landline),
        ("LANDLINE ", Landline),
        ("land-line", Landline),
        ("Attempted to send SMS to a landline.", Landline),
        ("fixed line", Landline),
        ("FIXED_LINE", Landline),
        ("invalid number: landline", Landline),
        ("invalid_phone", InvalidPhone),
        ("invalid_phone_format", InvalidPhone),
        ("Invalid phone number", InvalidPhone),
        ("invalid number", InvalidPhone),
        ("Invalid 'To' number", InvalidPhone),
        ("is not a valid phone number", InvalidPhone),
        ("To number is not a valid mobile number", InvalidPhone),
        ("The phone number is invalid.", InvalidPhone),
        ("No such number", InvalidPhone),
        ("Unallocated number", InvalidPhone),
        ("carrier_filtered", CarrierFiltered),
        ("P0005", CarrierFiltered),
        ("error p0005.", CarrierFiltered),
        ("carrier rejected", CarrierFiltered),
        ("Rejected by the carrier", CarrierFiltered),
        ("blocked by carrier", CarrierFiltered),
        ("Message blocked by the recipient's carrier", CarrierFiltered),
        ("spam", CarrierFiltered),
        ("Flagged as SPAM!", CarrierFiltered),
        ("Message filtered", CarrierFiltered),
        ("10DLC", CarrierFiltered),
        ("Unregistered 10-DLC number", CarrierFiltered),
        ("30007", CarrierFiltered),
        ("ERR_30007: carrier violation", CarrierFiltered),
        ("undeliverable", Other),
        ("unknown", Other),
        ("", Other),
        ("   ", Other),
        ("Unreachable handset", Other),
        ("Landline or unreachable carrier", Other),
        ("carrier unreachable", Other),
        ("P00051", Other),
        // Digits within somebody's number are no code.
        ("+61430007123 did not answer", Other),
        ("From number is not a valid phone number", Other),
        ("crisp ambiguous", Other),
        ("stop", Other),
        ("🦀🦀🦀", Other),
        ("ｌａｎｄｌｉｎｅ", Other),
        ("\u{0}\u{202e}\n", Other),
    ];
    assert!(cases.len() >= 40);
    for (reason, kind) in cases {
        assert_eq!(failure_kind(Some(reason)), *kind, "{reason}");
        assert_eq!(refused_for_opt_out(reason), *kind == OptedOut, "{reason}");
        assert_eq!(failure_kind(Some(&format!("  \u{feff}{reason}\u{301}\r\n"))), *kind, "{reason}, with noise");
    }
    assert_eq!(failure_kind(None), Other);
    assert_eq!(failure_kind(Some(&format!("{}landline", "x".repeat(5_000)))), Other, "so far nobody reads");
    assert_eq!(failure_kind(Some(&"é".repeat(1_000_000))), Other);
    assert_eq!(failure_kind(Some(&"spam\u{10ffff} ".repeat(100_000))), CarrierFiltered);
}

#[test]
fn nothing_of_a_customer_is_in_what_is_shown_of_an_event() {
    let mut failed = invite("review.invite_link_updated", "failed", false, "sms");
    failed["data"]["failureReason"] = json!("+61491570156 of Tomas");
    let invitation = json!({"id": "e", "type": "review_invitation.failed", "data": {
        "invitation_id": "i", "phone": "+61491570156", "failure_reason": "+61491570156 of Tomas is gone"}});
    let message = sent("message.failed", Some("+61491570006 of Tomas: How was it"), &[]);
    for body in [published("review.created", &json!(1)), failed, invitation, message] {
        let shown = format!("{:?} {:#?}", read(&body), read(&body).what);
        for hidden in ["Tomas", "Parcel", "reviews.example.test", "+61491", "157", "How was it"] {
            assert!(!shown.contains(hidden), "{hidden} in {shown}");
        }
    }
}
