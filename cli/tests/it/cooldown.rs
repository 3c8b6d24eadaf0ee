//! `frontdesk cooldown check`.

use std::time::Duration;

use frontdesk_core::{
    contact::{Contacts as _, Direction, Evidence, Hold, OptOutChange, OptOutFlag, OptOutSource},
    ids::EffectKey,
    phone::E164Phone,
    time::{DAY, UnixMillis},
};
use serde_json::json;

use crate::{now, shop::Shop, world::printed};

const PHONE: &str = "+61491570156";
const CHECK: [&str; 4] = ["cooldown", "check", "--phone", PHONE];

fn phone() -> E164Phone {
    E164Phone::parse_e164(PHONE).unwrap()
}

async fn asked(shop: &Shop, ago: Duration) -> UnixMillis {
    let at = now().minus(ago);
    let intent = EffectKey::from_stored("review-request#a.b#7");
    shop.tables.store().hold(&Hold { phone: phone(), intent, now: at, window: DAY }).await.unwrap();
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_was_asked_lately_is_not_asked_again() {
    let shop = Shop::start().await;
    let at = asked(&shop, DAY * 6 + Duration::from_secs(3_600)).await;
    let run = shop.run(&CHECK);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    let seconds = f64::from(i32::try_from(at.get() / 1_000).unwrap()) + f64::from((at.get() % 1_000) as i32) / 1_000.0;
    let expected = json!({
        "phone": PHONE, "last_contact_at": seconds, "cooldown_days_remaining": 24.0, "can_send": false, "why": "cooldown",
        "held_by": "review-request#a.b#7",
    });
    assert_eq!(printed(&run), expected);
    // Another window than the installation's.
    let run = shop.run(&[&CHECK[..], &["--cooldown-days", "6"]].concat());
    assert_eq!((run.code, &printed(&run)["cooldown_days_remaining"]), (0, &json!(0.0)));
    shop.set("REVIEW_COOLDOWN_DAYS", "6");
    assert_eq!(shop.run(&CHECK).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_unknown_can_be_asked_and_somebody_who_opted_out_cannot() {
    let shop = Shop::start().await;
    let run = shop.run(&CHECK);
    let expected = json!({
        "phone": PHONE, "last_contact_at": null, "cooldown_days_remaining": 0.0, "can_send": true, "why": null,
        "held_by": null,
    });
    assert_eq!((run.code, printed(&run)), (0, expected));

    let (source, at) = (OptOutSource::Sms, now());
    let evidence = Evidence { source, message_id: None, text_sha256: None, recorded_at: at, by_hand: None };
    let (flag, direction) = (OptOutFlag::ReviewRequest, Direction::Out);
    let change = OptOutChange { phone: phone(), flag, direction, at, evidence };
    shop.tables.store().record_opt_out(&change).await.unwrap();
    let run = shop.run(&CHECK);
    assert_eq!((run.code, &printed(&run)["why"]), (1, &json!("opted_out:review_request_opt_out")));

    // Erased people are remembered.
    shop.tables.store().erase_contact(&phone()).await.unwrap();
    assert_eq!(shop.run(&CHECK).code, 1);
    let run = shop.run(&[&CHECK[..], &["--output", "human"]].concat());
    assert!(run.text().contains("can send    NO") && !run.text().contains("9157015"), "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_never_can_send() {
    let shop = Shop::start().await;
    shop.assert_unreachable(&CHECK, 2);
    // A row that nobody can read may well be an opt-out.
    shop.tables.put("contacts", &json!({ "pk": { "S": PHONE }, "global_unsubscribe": { "S": "out" } }));
    let run = shop.run(&CHECK);
    assert_eq!((run.code, run.text()), (2, ""));
    let run = shop.run(&["cooldown", "check", "--phone", "0491 570 156"]);
    assert!(run.code == 2 && run.stderr.contains("--default-country"), "{}", run.stderr);
}
