//! People who want to be forgotten: nothing of them is left in any table or queue, whatever goes wrong meanwhile, and who
//! said STOP is not written to again.

use std::time::Duration;

use frontdesk_core::{
    form::{Forms, Submission, SubmissionId},
    ids::{OrderId, OrderKey},
    inbox::{InboxStatus, Source},
    notice::{Channel, Content, Notice, NoticeKey, NoticeKind},
    phone::E164Phone,
    request::{RequestEnd, RequestStatus},
    review::{Reminder, SkipReason, Template},
    time::{Clock, DAY, UnixMillis},
};
use frontdesk_testkit::{
    model::Tables,
    shop,
    world::{Behaviour, Brief, Fault, Incoming, LinkOf, Plan, Review, World},
};
use serde_json::{Value, json};

use super::{MIA, NOAH, minutes, named, ready};

const CUSTOMER: u64 = 9_974_000_000_101;
/// The orders' ids are as long as Shopify's: a shorter one is easily the number of something else.
const fn order_id(n: u64) -> u64 {
    7_024_000_000_100 + n
}

const HOUR: Duration = Duration::from_secs(3_600);

/// Everything that is planted about one person. No other text of a world holds any of it.
const PLANTED: [&str; 17] = [
    "491570156",
    "quillanne",
    "zephyrine",
    "q.zephyrine@example.test",
    "alpha-word",
    "bravo-word",
    "charlie-word",
    "delta-word",
    "echo-word",
    "foxtrot-word",
    "golf-word",
    "rubicund lane",
    "r.example/1",
    "hotel-word",
    "india-word",
    "juliett-word",
    "kilo-word",
];
/// The same of a bystander, of whom nothing must go.
const BYSTANDER: [&str; 5] = ["491570157", "noahs-word", "noahs-review", "noahs-form", "bystander"];

/// An order as Shopify tells of it, with all that names its buyer.
fn order(world: &World, id: u64) -> Value {
    let mut order = shop::order(order_id(id), MIA, &world.now_iso());
    order["email"] = "Q.Zephyrine@Example.test".into();
    order["customer"] = json!({
        "id": CUSTOMER, "first_name": "Quillanne", "last_name": "Zephyrine", "phone": MIA,
        "email": "q.zephyrine@example.test",
    });
    order["shipping_address"] = json!({"country_code": "AU", "name": "Quillanne Zephyrine", "address1": "1 Rubicund Lane", "phone": "0491 570 156"});
    order
}

fn ships(world: &World, id: u64, event: &'static str) {
    world.knows(order_id(id));
    let order = order(world, id);
    world.shopify_posts(event, &order);
}

/// Somebody fills in the form on the shop's page. Its notice names the form and quotes `told`.
fn fills_in(world: &World, id: &'static str, email: &str, text: &str, told: &str) {
    let now = world.clock.now();
    let submission = Submission {
        id: SubmissionId::from_stored(id),
        fields: vec![("email".into(), email.into()), ("message".into(), text.into())],
        email: Some(email.into()),
        session: None,
        received_at: now,
        expires_at: now.plus(DAY * 90),
    };
    let (headline, action) = ("Somebody filled in the form".into(), "Answer them.".into());
    let content = Content { headline, facts: Vec::new(), quote: Some(told.into()), link: None, action };
    let notice = Notice { about: vec![id.to_owned()], ..Notice::new(NoticeKind::ContactForm, id, content, now) };
    assert_eq!(ready(world.store.submit(&submission, &notice)), Ok(true));
}

/// A person who bought, was asked, chatted, texted, wrote by e-mail, filled in a form and reviewed; and another one.
fn a_full_life(world: &World, stops: bool) {
    ships(world, 1, "order-1");
    world.later(minutes(2), |world| {
        // The same id with another body is kept beside it for people.
        world.shopify_posts("order-1", &order(world, 71));
        world.ships(order_id(2), NOAH, 1);
    });
    let number = Incoming {
        phone: Some("0491 570 156".into()),
        name: Some("Quillanne Zephyrine".into()),
        ..Incoming::webchat(MIA, "loc-1", "alpha-word, call me at (0491) 570-156")
    };
    world.sends(vec![number], HOUR);
    world.sends(vec![Incoming::sms(MIA, "loc-1", "bravo-word")], HOUR * 2);
    let mail = Incoming {
        phone: None,
        email: Some("q.zephyrine@example.test".into()),
        usable: false,
        at_once: false,
        ..Incoming::sms(MIA, "loc-1", "charlie-word")
    };
    world.sends(vec![mail], HOUR * 3);
    world.sends(vec![Incoming::webchat(NOAH, "loc-1", "noahs-word of a bystander")], HOUR * 3);
    // What others say about this person in their own conversation is theirs; the event that brought it is not.
    let about = Incoming::webchat("+61491570110", "loc-1", "delta-word: my wife is on 0491.570.156");
    world.sends(vec![about], HOUR * 4);
    world.later(DAY * 5 + HOUR * 2, |world| {
        let of = LinkOf { message: "m1".into(), invite: Some("i1".into()), phone: MIA.into() };
        world.says_of_text("delivered-1", Brief::Delivered, &of);
        let review = |uid: &str, stars, text: &str, invite: &str| Review {
            uid: uid.into(),
            stars,
            text: text.into(),
            changed_at: world.clock.now(),
            invite: Some(invite.into()),
        };
        world.says_of_review("rev-mia", &review("rev-mia", 1, "echo-word and foxtrot-word", "i1"));
        world.says_of_review("rev-noah", &review("rev-noah", 1, "noahs-review", "i2"));
    });
    // Told of to nobody yet: the channels are dead by then.
    world.later(DAY * 6 - HOUR, |world| {
        dead_channels(world);
        let review = Review {
            uid: "rev-mia".into(),
            stars: 3,
            text: "golf-word".into(),
            changed_at: world.clock.now(),
            invite: Some("i1".into()),
        };
        world.says_of_review("rev-mia-2", &review);
        let worse =
            Review { stars: 2, text: "hotel-word".into(), changed_at: world.clock.now().plus(minutes(1)), ..review };
        world.later(minutes(5), move |world| world.says_of_review("rev-mia-3", &worse));
    });
    world.later(DAY * 6 - HOUR / 2, |world| {
        // The notice holds no address: it is found by what it is about.
        fills_in(world, "form-mia", "Q.Zephyrine@Example.test", "india-word", "juliett-word");
        fills_in(world, "form-noah", "noah@example.test", "noahs-form", "noahs-form");
        fills_in(world, "form-about", "bob@example.test", "kilo-word, call my wife on 0491 570 156", "nothing");
    });
    world.later(DAY * 5 + HOUR * 3, |world| ships(world, 3, "order-3"));
    world.later(DAY * 6 - minutes(2), |world| ships(world, 4, "order-4"));
    if stops {
        world.stops(MIA, DAY * 5 + HOUR * 5);
    }
}

fn dead_channels(world: &World) {
    for channel in [Channel::Slack, Channel::Sns] {
        world.people.becomes(channel, Behaviour::Dead);
    }
}

/// The world at the moment of the demand.
fn lived(stops: bool) -> (Tables, UnixMillis) {
    let mut world = World::chatting(Plan::new());
    remind(&mut world);
    a_full_life(&world, stops);
    world.run_for(DAY * 6);
    let tables = world.store.tables();
    let dump = dump(&tables);
    for word in PLANTED.iter().chain(&BYSTANDER) {
        assert!(found(&dump, word).is_some(), "{word} is not even there before");
    }
    (tables, world.clock.now())
}

fn remind(world: &mut World) {
    let words = "Hi {first_name}, still {location_name}: {link} STOP to opt out";
    world.policy.reminder = Some(Reminder { after: DAY * 3, template: Template::parse(words).unwrap() });
}

/// Everything in every table, as text, by where it stands. Of an erased number only a keyed hash is in the real table, so
/// that one is left out; and so is what exists in the model only.
fn dump(tables: &Tables) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |place: &str, text: String| all.push((place.to_owned(), text));
    for (key, row) in &tables.inbox {
        add("inbox", key.to_key());
        add("inbox", format!("{:?} {:?}", row.outcome, row.group));
        add("inbox", String::from_utf8_lossy(&row.body.unpack(1 << 24).unwrap()).into_owned());
    }
    for (key, row) in &tables.mismatches {
        add("mismatches", key.clone());
        add("mismatches", String::from_utf8_lossy(&row.body.unpack(1 << 24).unwrap()).into_owned());
    }
    for phone in tables.contacts.keys().chain(tables.met.keys()) {
        add("contacts", phone.expose().to_owned());
    }
    for met in tables.met.values() {
        add("contacts", format!("{:?} {:?}", met.first_name, met.last_name));
    }
    for contact in tables.contacts.values() {
        add("contacts", format!("{:?}", contact.podium));
    }
    for (key, row) in &tables.requests {
        add("requests", format!("{} {:?}", key.to_key(), row.end));
        if let Some(plan) = &row.plan {
            add("requests", format!("{} {:?} {:?}", plan.phone.expose(), plan.first_name, plan.zones));
        }
    }
    for (key, row) in &tables.outbox {
        add("outbox", format!("{} {:?} {:?}", key.as_str(), row.state, row.invite));
        add("outbox", row.phone.as_ref().map(|p| p.expose().to_owned()).unwrap_or_default());
    }
    for (id, tracked) in &tables.tracked {
        add("tracked", format!("{id} {tracked:?}"));
    }
    for (key, row) in &tables.notices {
        add("notices", key.as_str().to_owned());
        if let Some(notice) = &row.notice {
            let content = &notice.content;
            add("notices", format!("{:?} {:?} {:?}", content.headline, content.facts, notice.about));
            add("notices", format!("{:?} {:?} {:?}", content.quote, content.link, content.action));
        }
    }
    for record in tables.reviews.values() {
        add("reviews", format!("{record:?}"));
    }
    for form in tables.forms.values() {
        add("forms", format!("{} {:?} {:?} {:?}", form.id.as_str(), form.fields, form.email, form.session));
    }
    for (key, row) in &tables.sessions {
        add("sessions", format!("{} {:?} {:?}", key.to_key(), row.session.conversation, row.session.id));
        let session = &row.session;
        for answer in session.answers.iter().chain(&session.kept).chain(&session.handed_back) {
            add("sessions", answer.text.clone());
        }
    }
    all
}

/// Where a planted value stands, however it is written.
fn found<'d>(dump: &'d [(String, String)], word: &str) -> Option<&'d (String, String)> {
    let number = word.chars().all(|c| c.is_ascii_digit());
    dump.iter().find(|(_, text)| {
        let digits = || text.chars().filter(char::is_ascii_digit).collect::<String>();
        if number { digits().contains(word) } else { text.to_lowercase().contains(word) }
    })
}

fn demand() -> Value {
    shop::redact_customer(CUSTOMER, "Q.Zephyrine@example.test", MIA, &[1, 3, 4, 71].map(order_id))
}

fn going_on(base: &(Tables, UnixMillis), plan: &Plan) -> World {
    let mut world = World::going_on(base.0.clone(), base.1);
    remind(&mut world);
    let world = world.going_wrong(plan.clone());
    for id in [1, 2, 3, 4, 71] {
        world.knows(order_id(id));
    }
    world
}

/// Checks that nothing is left of the person, and everything of the other one.
fn check(world: &World) {
    let tables = world.store.tables();
    let dump = [dump(&tables), world.queued().into_iter().map(|q| ("queues".to_owned(), q)).collect()].concat();
    let others = |(place, text): &(String, String)| place == "sessions" && text.contains("delta-word");
    assert!(dump.iter().any(others), "somebody else's conversation is gone");
    let dump: Vec<_> = dump.iter().filter(|entry| !others(entry)).cloned().collect();
    for word in PLANTED {
        if let Some((place, text)) = found(&dump, word) {
            panic!("{word} is left in {place}: {text}");
        }
    }
    for word in BYSTANDER {
        // What people were told goes by itself.
        assert!(word == "noahs-review" || found(&dump, word).is_some(), "{word} of a bystander is gone");
    }
    let demand = tables.inbox.iter().find(|(key, _)| key.source == Source::Privacy).map(|(_, row)| row).unwrap();
    assert_eq!((demand.status, demand.outcome.as_deref()), (InboxStatus::Done, Some("customer_erased")));
    for (key, row) in &tables.inbox {
        assert!(row.outcome.is_some(), "{} is never done with", key.to_key());
    }
    for (key, row) in &tables.requests {
        assert!(row.status.is_end(), "{key:?} is left as {:?}", row.status);
    }
    for (key, row) in &tables.outbox {
        assert!(row.attention.is_none(), "{key:?} is never done with: {row:?}");
    }
    let status =
        |id| tables.requests.get(&OrderKey { shop: shop::shop(), order: OrderId(order_id(id)) }).map(|r| r.status);
    assert_eq!(status(1), Some(RequestStatus::Sent), "what was done is forgotten");
    assert!(!world.texts().iter().any(|t| t.phone.expose() == MIA), "somebody forgotten was written to");
    assert!(!world.podium.said().iter().any(|s| s.phone.expose() == MIA), "somebody forgotten was written to");
}

fn play(base: &(Tables, UnixMillis), plan: &Plan) -> World {
    let world = going_on(base, plan);
    world.later(minutes(1), |world| world.shopify_posts("redact", &demand()));
    world.run_for(DAY * 20);
    world
}

#[test]
fn nothing_of_a_person_is_left() {
    for stops in [true, false] {
        let base = lived(stops);
        let world = play(&base, &Plan::new());
        named(&format!("after a STOP: {stops}"), || check(&world));
        assert!(!world.store.tables().contacts.contains_key(&E164Phone::parse_e164(MIA).unwrap()));

        // They buy again, and are not asked: for their STOP, or for having been asked not long ago.
        ships(&world, 50, "order-50");
        world.run_for(DAY * 12);
        let reason = if stops { SkipReason::OptedOut } else { SkipReason::Cooldown };
        assert_eq!(world.end_of(order_id(50)), Some(RequestEnd::Skipped(reason)));
        assert!(world.texts().iter().all(|t| t.phone.expose() != MIA));

        // Long after, only the STOP counts.
        world.run_for(DAY * 20);
        world.clock.advance(DAY * 30);
        ships(&world, 51, "order-51");
        world.run_for(DAY * 12);
        let asked = world.texts().iter().any(|t| t.phone.expose() == MIA);
        assert_eq!(asked, !stops, "{:?}", world.end_of(order_id(51)));
    }
}

/// A notice that was told is empty as well, so nobody can be told of any here.
#[test]
fn a_form_takes_its_notice_along_wherever_the_erasure_dies() {
    let base = lived(false);
    let play = |plan: &Plan| {
        let world = going_on(&base, plan);
        dead_channels(&world);
        world.later(minutes(1), |world| world.shopify_posts("redact", &demand()));
        world.run_for(HOUR);
        world
    };
    let waits =
        |tables: &Tables, form: &str| tables.notices[&NoticeKey::new(NoticeKind::ContactForm, form)].notice.is_some();
    assert!(waits(&base.0, "form-mia") && waits(&base.0, "form-noah"));
    for step in 0..play(&Plan::new()).steps() {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let tables = play(&Plan::from([(step, fault)])).store.tables();
            let forms: Vec<&str> = tables.forms.keys().map(SubmissionId::as_str).collect();
            assert_eq!(forms, ["form-noah"], "{fault:?} at step {step}");
            let waiting = ["form-mia", "form-noah"].map(|form| waits(&tables, form));
            assert_eq!(waiting, [false, true], "{fault:?} at step {step}");
        }
    }
}

#[test]
fn every_step_goes_wrong_in_every_way() {
    let mut runs = 0;
    for stops in [true, false] {
        let base = lived(stops);
        let steps = {
            let world = going_on(&base, &Plan::new());
            world.later(minutes(1), |world| world.shopify_posts("redact", &demand()));
            world.run_for(HOUR);
            world.steps() + 20
        };
        let stride = if stops { 1 } else { 3 };
        for step in (0..steps).step_by(stride) {
            for fault in Fault::ALL {
                let plan = Plan::from([(step, fault)]);
                let world = play(&base, &plan);
                named(&format!("{plan:?}, after a STOP: {stops}"), || check(&world));
                runs += 1;
            }
        }
    }
    println!("{runs} erasures with a fault");
}

/// While a person is being forgotten, more is heard of them.
#[test]
fn what_comes_in_meanwhile_is_forgotten_too() {
    let base = lived(true);
    let probe = going_on(&base, &Plan::new());
    probe.later(minutes(1), |world| world.shopify_posts("redact", &demand()));
    probe.run_for(minutes(15));
    let steps = probe.steps();
    let mut runs = 0;
    for step in 0..steps {
        for late in 0..3 {
            let world = going_on(&base, &Plan::new());
            world.later(minutes(1), |world| world.shopify_posts("redact", &demand()));
            world.interrupt(step, move |world| {
                let of = LinkOf { message: "m1".into(), invite: Some("i1".into()), phone: MIA.into() };
                match late {
                    0 => world.says_of_text("late-news", Brief::Failed("carrier_filtered"), &of),
                    1 => world.says_stop("late-stop", MIA),
                    _ => ships(world, 60, "order-60"),
                }
                world.works();
            });
            world.run_for(DAY * 20);
            named(&format!("{late} at step {step}"), || check(&world));
            runs += 1;
        }
    }
    println!("{runs} erasures with late news");
}

#[test]
fn the_whole_shop_is_forgotten() {
    let base = lived(true);
    let steps = {
        let world = going_on(&base, &Plan::new());
        world.later(minutes(1), |world| world.shopify_posts("redact-shop", &shop::redact_shop()));
        world.run_for(HOUR);
        world.steps() + 10
    };
    let mut plans = vec![Plan::new()];
    plans.extend((0..steps).map(|step| Plan::from([(step, Fault::ALL[step % 6])])));
    for plan in plans {
        named(&format!("{plan:?}"), || {
            let world = going_on(&base, &plan);
            world.later(minutes(1), |world| world.shopify_posts("redact-shop", &shop::redact_shop()));
            world.run_for(DAY * 20);
            let tables = world.store.tables();
            for (key, row) in &tables.inbox {
                let shops = matches!(key.source, Source::Shopify | Source::Privacy);
                let empty = row.body.unpack(1 << 24).unwrap().is_empty();
                assert!(!shops || empty, "{} still has its body", key.to_key());
            }
            assert!(tables.requests.values().all(|r| r.plan.is_none() && r.status.is_end()));
            let requests = tables.outbox.iter().filter(|(key, _)| key.requested_order().is_some());
            assert!(requests.into_iter().all(|(_, row)| row.phone.is_none() && row.invite.is_none()));
            let dump = dump(&tables);
            for word in ["zephyrine@", "rubicund lane"] {
                // What somebody wrote by e-mail or in the shop's own form did not come from Shopify.
                let theirs = |text: &str| ["charlie-word", "india-word"].iter().any(|word| text.contains(word));
                let left = found(&dump, word).filter(|(_, text)| !theirs(text));
                assert!(left.is_none(), "{word} is left: {left:?}");
            }
        });
    }
}
