//! Reviews that are edited, told of twice and in any order, by workers that die.

use std::time::Duration;

use frontdesk_core::{
    flow::reviews::Thanks,
    hours::AllowedHours,
    ids::{OrderId, OrderKey, ProviderId},
    notice::{NoticeKey, NoticeKind},
    rating::{Rating, RatingClass},
    time::{Clock, DAY, UnixMillis},
};
use frontdesk_testkit::{
    dice::Dice,
    model::Tables,
    shop,
    world::{Fault, Plan, Review, World},
};

use super::{MIA, minutes, named};

/// A shop that asked one person, by the link `i1`.
fn asked() -> (Tables, UnixMillis) {
    let world = World::chatting(Plan::new());
    world.ships(1, MIA, 1);
    world.run_for(DAY * 8);
    assert_eq!(world.texts().len(), 1);
    (world.store.tables(), world.clock.now())
}

/// One state of the review, as it was edited.
struct Edit {
    stars: u8,
    minute: u64,
}

fn play(base: &(Tables, UnixMillis), seed: u64) {
    let mut dice = Dice::seeded(seed);
    let mut world = World::going_on(base.0.clone(), base.1);
    world.knows(1);
    let hours = AllowedHours::parse("Mon-Sun 00:00-24:00").unwrap();
    world.thanks = Some(Thanks { text: "Thanks, {location_name}. STOP to opt out".into(), hours });
    let plan: Plan = (0..dice.roll(4)).map(|_| (dice.roll(60), Fault::ALL[dice.roll(6)])).collect();
    let world = world.going_wrong(plan.clone());

    let edits: Vec<Edit> = (0..1 + dice.roll(4))
        .map(|n| Edit { stars: [1, 2, 3, 4, 5][dice.roll(5)], minute: u64::try_from(n).unwrap() })
        .collect();
    // Each is told of once to three times, by events of their own or by the same again, at any time.
    let mut told: Vec<(String, usize, u64)> = Vec::new();
    for n in 0..edits.len() {
        for again in 0..1 + dice.roll(3) {
            let event = if dice.roll(3) == 0 { format!("rev-{n}-{again}") } else { format!("rev-{n}") };
            told.push((event, n, 10 + u64::try_from(dice.roll(60)).unwrap()));
        }
    }
    let linked = dice.roll(4) > 0;
    for (event, n, minute) in &told {
        let review = Review {
            uid: "rev-1".into(),
            stars: edits[*n].stars,
            text: format!("edit {n}"),
            changed_at: base.1.plus(minutes(edits[*n].minute)),
            invite: linked.then(|| "i1".into()),
        };
        let body = world.review_body(event, &review);
        world.podium_says(event, body, minutes(*minute));
    }
    let stop = (dice.roll(3) == 0).then(|| minutes(5 + u64::try_from(dice.roll(40)).unwrap()));
    if let Some(after) = stop {
        world.stops(MIA, after);
    }
    world.run_for(DAY * 3);

    let shown: Vec<_> = edits.iter().map(|e| e.stars).collect();
    named(&format!("seed {seed}: stars {shown:?}, told {told:?}, STOP {stop:?}, with {plan:?}"), || {
        check(&world, &edits, linked);
    });
}

fn check(world: &World, edits: &[Edit], linked: bool) {
    let tables = world.store.tables();
    let uid = ProviderId::try_from("rev-1").unwrap();
    let record = &tables.reviews[&uid];
    let last = edits.iter().max_by_key(|e| e.minute).unwrap();
    assert_eq!(record.rating, Rating::new(last.stars), "the newest state does not hold");
    assert_eq!(record.class(), record.rating.map(Rating::class));
    assert!(record.turns.windows(2).all(|w| w[0].class != w[1].class && w[0].number + 1 == w[1].number));

    let order = OrderKey { shop: shop::shop(), order: OrderId(1) };
    assert_eq!(record.order.as_ref(), linked.then_some(&order));
    assert_eq!(tables.requests[&order].reviewed_at.is_some(), linked, "the request's review");

    let bad = |number: u32| NoticeKey::new(NoticeKind::BadReview, &format!("rev-1#{number}"));
    for turn in &record.turns {
        let escalated = turn.class == Some(RatingClass::Escalate);
        assert_eq!(tables.notices.contains_key(&bad(turn.number)), escalated, "turn {turn:?}");
    }
    let turns: Vec<NoticeKey> = record.turns.iter().map(|t| bad(t.number)).collect();
    let told = world.people.told();
    for key in tables.notices.keys().filter(|k| k.kind() == Some(NoticeKind::BadReview)) {
        assert!(turns.contains(key), "{key:?} is of no turn");
        assert!(told.iter().any(|t| t.key == *key), "{key:?} was never told");
    }
    for telling in told.iter().filter(|t| t.key.kind() == Some(NoticeKind::BadReview)) {
        let headline = &telling.notice.content.headline;
        assert!(headline.starts_with("1-star") || headline.starts_with("2-star"), "told of as bad: {headline}");
    }
    let thanks = world.podium.said().iter().filter(|s| s.effect.as_str().starts_with("thanks#")).count();
    let good = record.turns.iter().any(|t| t.class == Some(RatingClass::Thank));
    assert!(thanks <= usize::from(good && linked), "thanked {thanks} times");
    let silent = tables.contacts.values().any(|c| c.opted_out().is_some());
    // One that was edited before its thanks could be sent is not thanked for.
    let only_good = record.turns.iter().all(|t| t.class == Some(RatingClass::Thank));
    assert!(thanks == 1 || silent || !(only_good && linked), "nobody was thanked");
}

#[test]
fn edits_in_any_order_are_acted_on_once_each() {
    let seed: u64 = std::env::var("FRONTDESK_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_261_120);
    let base = asked();
    for seed in seed..seed + 4_000 {
        play(&base, seed);
    }
    println!("4000 reviews, edited, doubled, shuffled and interrupted");
}

/// A review's first state is told of by a worker that dies at each step in turn; the edit comes before it is done.
#[test]
fn an_edit_overtakes_a_worker_that_died() {
    let base = asked();
    let mut runs = 0;
    for (first, second) in [(1, 5), (5, 1), (3, 1), (1, 3), (4, 5), (2, 1)] {
        for step in 0..60 {
            for fault in Fault::ALL {
                let world = World::going_on(base.0.clone(), base.1).going_wrong(Plan::from([(step, fault)]));
                world.knows(1);
                let edits = [Edit { stars: first, minute: 0 }, Edit { stars: second, minute: 1 }];
                for (n, edit) in edits.iter().enumerate() {
                    let review = Review {
                        uid: "rev-1".into(),
                        stars: edit.stars,
                        text: format!("edit {n}"),
                        changed_at: base.1.plus(minutes(edit.minute)),
                        invite: Some("i1".into()),
                    };
                    let event = format!("rev-{n}");
                    let body = world.review_body(&event, &review);
                    world.podium_says(&event, body, minutes(2 + 2 * edit.minute) + Duration::from_secs(1));
                }
                world.run_for(DAY * 3);
                named(&format!("{first} then {second} stars with {fault:?} at {step}"), || {
                    let tables = world.store.tables();
                    let record = &tables.reviews[&ProviderId::try_from("rev-1").unwrap()];
                    let bad = record.turns.iter().filter(|t| t.class == Some(RatingClass::Escalate)).count();
                    let notices = tables.notices.keys().filter(|k| k.kind() == Some(NoticeKind::BadReview)).count();
                    assert_eq!(notices, bad);
                });
                runs += 1;
            }
        }
    }
    println!("{runs} edits of a review whose worker went wrong");
}
