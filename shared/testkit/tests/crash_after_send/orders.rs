//! Every order in which one request can be sent, delivered, failed, reviewed, refunded and opted out of, up to five
//! things, doubled webhooks and dying processes among them. The expectations are written from the rules, and know
//! nothing of the flows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::Mutex,
    time::Duration,
};

use frontdesk_core::{
    contact::{Contacts, Direction, Hold, HoldOutcome, Objection},
    flow::reviews::Thanks,
    hours::AllowedHours,
    ids::{EffectKey, OrderId, OrderKey},
    notice::{NoticeKey, NoticeKind},
    outbox::OutboxState,
    phone::E164Phone,
    request::RequestStatus,
    review::{Reminder, Template},
    time::{Clock, DAY, UnixMillis},
};
use frontdesk_testkit::{
    model::Tables,
    shop,
    world::{Brief, GENESIS, LinkOf, Plan, Review, World},
};

use super::{MIA, named, ready};

/// Longest sequence. `FRONTDESK_TEST_LENGTH` shortens a run.
const LENGTH: usize = 5;
/// So much time passes between two things: more than a permit is good for.
const BETWEEN: Duration = Duration::from_secs(61);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Thing {
    /// The sender takes the request up.
    Sender,
    /// Podium handed it on.
    Sent,
    /// It arrived.
    Delivered,
    /// A carrier filtered it.
    Carrier,
    /// The person had opted out at Podium.
    OptOut,
    /// The number is a landline.
    Landline,
    /// One star.
    One,
    /// Five stars, later.
    Five,
    /// STOP.
    Stop,
    /// The money goes back.
    Refund,
    /// The last webhook comes again, byte for byte.
    Again,
    /// The next process dies.
    Crash,
}

use Thing::{Again, Carrier, Crash, Delivered, Five, Landline, One, OptOut, Refund, Sender, Sent, Stop};

const THINGS: [Thing; 12] = [Sender, Sent, Delivered, Carrier, OptOut, Landline, One, Five, Stop, Refund, Again, Crash];

impl Thing {
    const fn is_news(self) -> bool {
        matches!(self, Sent | Delivered | Carrier | OptOut | Landline)
    }

    const fn is_of_the_text(self) -> bool {
        self.is_news() || matches!(self, One | Five)
    }
}

/// How a sequence is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mode {
    /// The briefs' contract: no link of one's own, and nobody can be asked whether something was sent.
    brief: bool,
    /// What is heard of the text before its sender is done is heard while the answer to its call is on its way; else even
    /// before the call.
    mid_call: bool,
}

/// What a played sequence came to, without times.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    /// Everything that decides or shows who is asked.
    asked: String,
    /// The state in the end, as far as the order of news must not matter.
    settled: String,
}

/// One sequence that says nothing new is left out: it begins with a repetition, dies twice before anything happens, or
/// runs the sender again that has long been done.
fn says_something(things: &[Thing]) -> bool {
    let first_webhook = things.iter().position(|t| !matches!(t, Sender | Crash | Again));
    let again = things.iter().position(|t| *t == Again);
    let early = again.is_some_and(|a| first_webhook.is_none_or(|w| a < w));
    let twice = things.windows(2).any(|w| w == [Crash, Crash]);
    let senders = things.iter().filter(|t| **t == Sender).count();
    let idle = senders > 1 && !things.contains(&Crash);
    !early && !twice && !idle
}

fn sequences(length: usize) -> Vec<Vec<Thing>> {
    let mut all: Vec<Vec<Thing>> = Vec::new();
    let mut longest: Vec<Vec<Thing>> = vec![Vec::new()];
    for _ in 0..=length {
        all.extend(longest.iter().filter(|s| says_something(s)).cloned());
        longest = longest.iter().flat_map(|s| THINGS.map(|t| [s.as_slice(), &[t]].concat())).collect();
    }
    all.retain(|s| s.len() <= length);
    all
}

fn key(id: u64) -> OrderKey {
    OrderKey { shop: shop::shop(), order: OrderId(id) }
}

fn mia() -> E164Phone {
    E164Phone::parse_e164(MIA).unwrap()
}

/// Everything that happened before the request's hour: it is the same for all.
fn until_due() -> (Tables, UnixMillis) {
    let world = World::chatting(Plan::new());
    world.ships(1, MIA, 1);
    world.run_for(DAY * 4);
    let due = GENESIS.plus(DAY * 5);
    (world.store.tables(), due)
}

struct Player {
    world: World,
    mode: Mode,
}

impl Player {
    fn new(base: &(Tables, UnixMillis), mode: Mode) -> Self {
        let mut world = World::going_on(base.0.clone(), base.1);
        world.knows(1);
        world.podium.brief = mode.brief;
        world.can_look_up = !mode.brief;
        world.delivery_usually = None;
        let words = "Hi {first_name}, still {location_name}: {link} STOP to opt out";
        world.policy.reminder = Some(Reminder { after: DAY * 3, template: Template::parse(words).unwrap() });
        let hours = AllowedHours::parse("Mon-Sun 00:00-24:00").unwrap();
        world.thanks = Some(Thanks { text: "Thanks, {location_name}. STOP to opt out".into(), hours });
        Self { world, mode }
    }

    /// By how many steps the next process outlives its beginning: another number for every sequence, the same for one and
    /// five stars.
    fn life(things: &[Thing]) -> usize {
        let code = |t: &Thing| THINGS.iter().position(|o| o == if *t == One { &Five } else { t }).unwrap();
        things.iter().fold(7_usize, |hash, t| hash.wrapping_mul(31).wrapping_add(code(t))) % 17
    }

    /// Plays things; returns those that came to pass: of a text that was never sent nothing is heard while it is.
    fn play(&self, things: &[Thing]) -> Vec<Thing> {
        let sender = things.iter().position(|t| *t == Sender);
        let early = |n: usize, t: Thing| self.mode.mid_call && t.is_of_the_text() && sender.is_some_and(|s| n < s);
        let meanwhile: Vec<(usize, Thing)> =
            things.iter().copied().enumerate().filter(|(n, t)| early(*n, *t)).collect();
        for (n, thing) in things.iter().copied().enumerate() {
            self.world.clock.advance(BETWEEN);
            if meanwhile.contains(&(n, thing)) {
                continue;
            }
            match thing {
                Crash => self.world.dooms_the_next(Self::life(things)),
                Sender => {
                    if sender == Some(n) && !meanwhile.is_empty() {
                        let (news, brief) = (meanwhile.clone(), self.mode.brief);
                        self.world.while_the_answer_is_on_its_way(move |world| {
                            for (n, thing) in news {
                                hear(world, thing, n, brief);
                            }
                        });
                    }
                    self.world.sends_request(1);
                }
                Again => {
                    if let Some((n, thing)) = self.last_webhook(things, n, &meanwhile) {
                        hear(&self.world, thing, n, self.mode.brief);
                    }
                }
                Sent | Delivered | Carrier | OptOut | Landline | One | Five | Stop | Refund => {
                    hear(&self.world, thing, n, self.mode.brief);
                }
            }
        }
        self.world.run_for(DAY * 8);
        let unheard = |n: usize| self.world.still_to_be_texted() && meanwhile.iter().any(|(m, _)| *m == n);
        things.iter().copied().enumerate().filter(|(n, _)| !unheard(*n)).map(|(_, t)| t).collect()
    }

    fn last_webhook(&self, things: &[Thing], before: usize, heard_later: &[(usize, Thing)]) -> Option<(usize, Thing)> {
        let webhooks = things.iter().copied().enumerate().take(before);
        let webhooks = webhooks.filter(|(_, t)| !matches!(t, Sender | Crash | Again));
        // One that is heard later only cannot come again before.
        let sender = things.iter().position(|t| *t == Sender);
        let heard = sender.is_some_and(|s| s < before) && !self.world.still_to_be_texted();
        webhooks.filter(|w| heard || !heard_later.contains(w)).reduce(|_, last| last)
    }
}

/// A webhook arrives and is worked on.
fn hear(world: &World, thing: Thing, number: usize, brief: bool) {
    let event = format!("n{number}");
    // The ids that the first request gets, whenever it is sent.
    let of = LinkOf { message: "m1".into(), invite: (!brief).then(|| "i1".into()), phone: MIA.into() };
    let review = |stars: u8, minute: u64| Review {
        uid: "rev-1".into(),
        stars,
        text: "it was something".into(),
        changed_at: GENESIS.plus(DAY * 4 + super::minutes(minute)),
        invite: Some(if brief { "m1".into() } else { "i1".into() }),
    };
    match thing {
        Sent => world.says_of_text(&event, Brief::Sent, &of),
        Delivered => world.says_of_text(&event, Brief::Delivered, &of),
        Carrier => world.says_of_text(&event, Brief::Failed("carrier_filtered"), &of),
        OptOut => world.says_of_text(&event, Brief::Failed("recipient_optout"), &of),
        Landline => world.says_of_text(&event, Brief::Failed("landline"), &of),
        One => world.says_of_review(&event, &review(1, 1)),
        Five => world.says_of_review(&event, &review(5, 2)),
        Stop => world.says_stop(&event, MIA),
        Refund => world.refunds_now(1, &event),
        Sender | Again | Crash => {}
    }
    world.works();
}

/// What the rules say, worked out from the things alone and from whether the request was texted.
struct Expected {
    opted_out: bool,
    /// `None`: it depends on what was heard first.
    not_textable: Option<bool>,
    held: bool,
}

fn expected(things: &[Thing], texted: bool, unknown: bool) -> Expected {
    let has = |thing| things.contains(&thing);
    // What nobody can say to have been sent may have been, and nothing that is heard can be about it.
    let about = texted && !unknown;
    let failed = has(Carrier) || has(OptOut) || has(Landline);
    let held = if about { has(Delivered) || !failed } else { unknown };
    let not_textable = match (about && has(Landline), has(Crash)) {
        (false, _) => Some(false),
        // When we knew of the text is not known then.
        (true, true) => (!has(Delivered) && !has(OptOut)).then_some(true),
        (true, false) => Some(noted(things)),
    };
    Expected { opted_out: has(Stop) || has(OptOut), not_textable, held }
}

/// Whether it was noted that the number is a landline: each time that is said, unless the text is known to have arrived. Of
/// what is said before we know of the text only the weightiest is kept.
fn noted(things: &[Thing]) -> bool {
    let sender = things.iter().position(|t| *t == Sender).unwrap_or(things.len());
    let before = |end: usize, thing| things.iter().take(end).any(|t| *t == thing);
    let said = things.iter().enumerate().filter(|(_, t)| **t == Landline).map(|(n, _)| n);
    said.into_iter().any(|n| match n < sender {
        true => !before(sender, Delivered) && !before(sender, OptOut),
        false => !before(n, Delivered),
    })
}

fn check(things: &[Thing], player: &Player) -> Outcome {
    let (world, mode) = (&player.world, player.mode);
    world.assert_guarantees();
    world.assert_chats();
    let tables = world.store.tables();
    let effect = EffectKey::review_request(&key(1));
    let texts = world.texts();
    let texted = texts.iter().any(|t| t.effect == effect);
    let status = tables.requests[&key(1)].status;
    let unknown = status == RequestStatus::Unknown;
    assert!(texts.len() <= 1, "G2: {} texts for one request", texts.len());
    assert!(tables.contacts.len() <= 1 && tables.contacts.keys().all(|p| *p == mia()), "G6: more than one contact");
    let said = world.podium.said();
    let said_of = |kind: &str| said.iter().filter(|s| s.effect.as_str().starts_with(kind)).count();
    assert!(said_of("reminder#") <= 1 && said_of("thanks#") <= 1, "G2: {said:?}");
    assert!(tables.notices.values().all(|row| row.end.is_some()), "a notice is never told");

    let has = |thing| things.contains(&thing);
    let place = |thing| things.iter().position(|t| *t == thing).unwrap_or(things.len());
    if !has(Crash) {
        // Whatever speaks against it counts if it came before the sender.
        let refusal_first = mode.mid_call && place(OptOut) < place(Sender) && has(Sender);
        let against = [place(Stop), place(Refund), if refusal_first { things.len() } else { place(OptOut) }];
        let first = against.into_iter().min().unwrap();
        let expected = place(Sender) < first || first == things.len();
        assert_eq!(texted, expected, "texted, with {status:?}");
        assert!(!unknown, "nothing went wrong, and nobody knows");
    } else if !has(Stop) && !has(Refund) && !has(OptOut) {
        assert!(texted || unknown, "nothing speaks against it, and it was not sent");
    }

    let rules = expected(things, texted, unknown);
    let contact = tables.contacts.get(&mia());
    assert_eq!(contact.is_some_and(|c| c.opted_out().is_some()), rules.opted_out, "opted out");
    if let Some(not_textable) = rules.not_textable {
        assert_eq!(contact.is_some_and(|c| c.not_textable.is_some()), not_textable, "not textable");
    }
    let holder = contact.and_then(|c| c.cooldown.as_ref()).map(|c| c.holder.clone());
    assert_eq!(holder, rules.held.then(|| effect.clone()), "G4: the cooldown");

    if !has(Crash) {
        after_sends(things, player, texted, &rules);
    }
    outcome(&tables, world, has(Delivered) || has(OptOut))
}

/// What is said and told by itself, exactly, where nothing dies.
fn after_sends(things: &[Thing], player: &Player, texted: bool, rules: &Expected) {
    let (world, mode) = (&player.world, player.mode);
    let has = |thing| things.contains(&thing);
    let place = |thing| things.iter().position(|t| *t == thing).unwrap_or(things.len());
    let tables = world.store.tables();
    let told = |kind, about: &str| tables.notices.contains_key(&NoticeKey::new(kind, about));
    let effect = EffectKey::review_request(&key(1));

    // A bad review is told unless a later edit of it was heard before.
    assert_eq!(told(NoticeKind::BadReview, "rev-1#1"), has(One) && place(One) < place(Five), "told of a bad review");
    // That it was handed on says nothing about its arrival.
    let silent = !things.iter().any(|t| t.is_news() && *t != Sent);
    assert_eq!(told(NoticeKind::Unresolved, effect.as_str()), texted && silent, "told that nobody said anything");

    let reminded = world.podium.said().iter().any(|s| s.effect.as_str().starts_with("reminder#"));
    // A review that came before we knew of the text is nobody's.
    let reviewed = (has(One) && things.iter().rposition(|t| *t == One) > Some(place(Sender)))
        || (has(Five) && things.iter().rposition(|t| *t == Five) > Some(place(Sender)));
    let free = !rules.opted_out && rules.not_textable == Some(false) && rules.held && !has(Refund);
    let doubt = rules.not_textable.is_none() || things.contains(&Again);
    if !doubt {
        assert_eq!(reminded, texted && free && !reviewed && !mode.brief, "reminded");
    }
    let thanked = world.podium.said().iter().any(|s| s.effect.as_str().starts_with("thanks#"));
    let may = texted && place(Sender) < place(Five) && has(Five);
    let stopped = place(Stop).min(place(OptOut)) < place(Five) || place(Landline) < place(Five);
    if may && !stopped && !doubt {
        assert!(thanked, "nobody was thanked for five stars");
    }
    assert!(!thanked || has(Five), "thanked for nothing");
}

fn outcome(tables: &Tables, world: &World, doubt: bool) -> Outcome {
    let mut asked = String::new();
    let row = &tables.requests[&key(1)];
    let contact = tables.contacts.get(&mia());
    let texts: Vec<_> = world.texts().iter().map(|t| t.effect.clone()).collect();
    let reminded = world.podium.said().iter().any(|s| s.effect.as_str().starts_with("reminder#"));
    let holder = contact.and_then(|c| c.cooldown.as_ref()).map(|c| c.holder.as_str().to_owned());
    let flags: Vec<_> = contact
        .iter()
        .flat_map(|c| &c.opt_outs)
        .filter(|(_, r)| r.direction == Direction::Out)
        .map(|(f, _)| *f)
        .collect();
    let textable = contact.and_then(|c| c.not_textable);
    write!(asked, "{:?} {:?} {texts:?} {reminded} {holder:?} {flags:?} {textable:?}", row.status, row.end).unwrap();

    let state = tables.outbox.get(&EffectKey::review_request(&key(1))).map(|r| r.state.clone());
    let state = match state {
        Some(OutboxState::Undelivered { kind, .. }) => format!("undelivered {kind:?}"),
        Some(OutboxState::Delivered { .. }) => "delivered".into(),
        other => format!("{other:?}"),
    };
    let reviews: Vec<_> = tables.reviews.values().map(|r| (r.uid.clone(), r.rating, r.class())).collect();
    // That a number cannot be texted is noted only if that was heard before it arrived, and before we knew of the text only
    // if nothing weightier was heard.
    let textable = textable.filter(|_| !doubt);
    let settled = format!("{:?} {:?} {state} {holder:?} {flags:?} {textable:?} {reviews:?}", row.status, row.end);
    Outcome { asked, settled }
}

/// Whether the gate would have the same person be asked for another order, and the same once more with what is heard of the
/// old text after that.
fn probe(things: &[Thing], player: &Player, outcome: &Outcome) {
    let world = &player.world;
    let texted = !world.texts().is_empty();
    let unknown = outcome.asked.starts_with("Unknown");
    let rules = expected(things, texted, unknown);
    let intent = EffectKey::review_request(&key(2));
    let hold = Hold { phone: mia(), intent: intent.clone(), now: world.clock.now(), window: DAY * 30 };
    let answer = ready(world.store.hold(&hold)).unwrap();
    let expected = match (rules.opted_out, rules.not_textable, rules.held) {
        (true, _, _) => matches!(answer, HoldOutcome::Refused(Objection::OptedOut(_))),
        (false, Some(true), _) => matches!(answer, HoldOutcome::Refused(Objection::NotTextable(_))),
        (false, Some(false), true) => matches!(answer, HoldOutcome::Refused(Objection::CoolingDown { .. })),
        (false, None, _) => answer != HoldOutcome::Held,
        (false, Some(false), false) => answer == HoldOutcome::Held,
    };
    assert!(expected, "G4: a second order gets {answer:?}");
    if answer != HoldOutcome::Held {
        return;
    }
    for (n, late) in [Carrier, Landline, Delivered, Sent].into_iter().enumerate() {
        hear(world, late, 100 + n, player.mode.brief);
        let holder = world.store.look(|t| t.contacts[&mia()].cooldown.as_ref().map(|c| c.holder.clone()));
        assert_eq!(holder.as_ref(), Some(&intent), "G4: {late:?} of the old request took the new one's hold");
    }
}

/// A second order of the same person, all the way.
fn second_order(things: &[Thing], player: &Player, outcome: &Outcome) {
    let world = &player.world;
    let rules = expected(things, !world.texts().is_empty(), outcome.asked.starts_with("Unknown"));
    world.ships(2, MIA, 1);
    world.run_for(DAY * 7);
    let asked = world.texts().iter().any(|t| t.effect == EffectKey::review_request(&key(2)));
    let free = !rules.opted_out && !rules.held && rules.not_textable != Some(true);
    assert_eq!(asked, free, "G4: the second order was asked about: {:?}", world.end_of(2));
}

fn play_one(base: &(Tables, UnixMillis), things: &[Thing], mode: Mode) -> Outcome {
    named(&format!("{things:?} {mode:?}"), || {
        let player = Player::new(base, mode);
        let heard = player.play(things);
        let outcome = check(&heard, &player);
        if things.len() <= 3 {
            let other = Player::new(base, mode);
            other.play(things);
            second_order(&heard, &other, &outcome);
        }
        probe(&heard, &player, &outcome);
        outcome
    })
}

/// Sequences whose news may have come in any order must have ended alike.
fn same_news(things: &[Thing], mode: Mode) -> Option<BTreeMap<Thing, usize>> {
    let sender = things.iter().position(|t| *t == Sender);
    let early_refusal = things.iter().position(|t| *t == OptOut) < sender || sender.is_none();
    let refused = things.contains(&OptOut) && early_refusal && !mode.mid_call;
    let refused = refused || (things.contains(&OptOut) && sender.is_none());
    if refused || things.iter().any(|t| matches!(t, Stop | Refund | Crash)) {
        return None;
    }
    let mut counted = BTreeMap::new();
    for thing in things.iter().filter(|t| !matches!(t, Again | Sender)) {
        *counted.entry(*thing).or_default() += 1;
    }
    Some(counted)
}

type Outcomes = BTreeMap<Vec<Thing>, Outcome>;

fn play_all(all: &[Vec<Thing>], mode: Mode) -> Outcomes {
    let base = until_due();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let outcomes = Mutex::new(Outcomes::new());
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (base, outcomes) = (&base, &outcomes);
            scope.spawn(move || {
                let mine = all.iter().skip(thread).step_by(threads);
                let played: Vec<_> = mine.map(|s| (s.clone(), play_one(base, s, mode))).collect();
                outcomes.lock().unwrap().extend(played);
            });
        }
    });
    outcomes.into_inner().unwrap()
}

fn length() -> usize {
    std::env::var("FRONTDESK_TEST_LENGTH").ok().and_then(|s| s.parse().ok()).unwrap_or(LENGTH)
}

fn compare(outcomes: &Outcomes, mode: Mode) -> (usize, usize) {
    // G10: whatever the stars, the same people are asked.
    let mut pairs = 0;
    for (things, outcome) in outcomes.iter().filter(|(things, _)| things.contains(&One)) {
        let kind: Vec<Thing> = things.iter().map(|t| if *t == One { Five } else { *t }).collect();
        let other = &outcomes[&kind];
        assert_eq!(outcome.asked, other.asked, "G10: {things:?} {mode:?}: stars decide");
        pairs += 1;
    }
    let mut groups: BTreeMap<BTreeMap<Thing, usize>, (&Vec<Thing>, &Outcome)> = BTreeMap::new();
    for (things, outcome) in outcomes {
        let Some(news) = same_news(things, mode) else { continue };
        let (first, known) = groups.entry(news).or_insert((things, outcome));
        assert_eq!(known.settled, outcome.settled, "{first:?} and {things:?} {mode:?} end otherwise");
    }
    (pairs, groups.len())
}

fn every_order(mode: Mode, length: usize) {
    let all = sequences(length);
    let outcomes = play_all(&all, mode);
    let (pairs, groups) = compare(&outcomes, mode);
    let ends: BTreeSet<_> = outcomes.values().map(|o| o.settled.clone()).collect();
    println!(
        "{mode:?}: {} sequences up to length {length}, {pairs} pairs of stars, {groups} sets of news, {} ends",
        outcomes.len(),
        ends.len()
    );
}

#[test]
fn every_order_of_what_is_heard_of_a_request() {
    every_order(Mode { brief: false, mid_call: false }, length());
}

#[test]
fn every_order_with_the_news_before_the_answer() {
    every_order(Mode { brief: false, mid_call: true }, length().min(4));
}

#[test]
fn every_order_under_the_briefs_contract() {
    every_order(Mode { brief: true, mid_call: false }, length().min(4));
    every_order(Mode { brief: true, mid_call: true }, length().min(4));
}

/// The reminder is a send of its own: whatever its sender dies of, it goes out once, and what is said of it is found.
#[test]
fn a_reminder_goes_out_once_whatever_goes_wrong() {
    let base = until_due();
    let mode = Mode { brief: false, mid_call: false };
    let sent = || {
        let player = Player::new(&base, mode);
        player.world.sends_request(1);
        let of = LinkOf { message: "m1".into(), invite: Some("i1".into()), phone: MIA.into() };
        player.world.says_of_text("n0", Brief::Delivered, &of);
        player.world.works();
        player.world.run_for(DAY * 3 - Duration::from_secs(120));
        player.world
    };
    let (first, last) = {
        let world = sent();
        let first = world.steps();
        world.run_for(DAY * 5);
        (first, world.steps() + 10)
    };
    let mut runs = 0;
    for step in first..last {
        for fault in frontdesk_testkit::world::Fault::ALL {
            for news in [Brief::Sent, Brief::Delivered, Brief::Failed("landline")] {
                let world = sent().going_wrong(Plan::from([(step, fault)]));
                named(&format!("{fault:?} at step {step}, then {news:?}"), || {
                    // Ten minutes after it is due; it has its id by then, recorded or not.
                    world.later(DAY / 48, move |world| {
                        let of = LinkOf { message: "m10001".into(), invite: None, phone: MIA.into() };
                        world.says_of_text("n1", news, &of);
                    });
                    world.run_for(DAY * 8);
                    world.assert_chats();
                    let said = world.podium.said();
                    assert_eq!(said.len(), 1, "{said:?}");
                    let key = EffectKey::reminder(&key(1));
                    let state = world.store.look(|t| t.outbox[&key].state.clone());
                    let right = match news {
                        Brief::Sent => matches!(state, OutboxState::Accepted { .. }),
                        Brief::Delivered => matches!(state, OutboxState::Delivered { .. }),
                        Brief::Failed(_) => matches!(state, OutboxState::Undelivered { .. }),
                    };
                    assert!(right, "the reminder is {state:?}");
                });
                runs += 1;
            }
        }
    }
    println!("{runs} reminders that went wrong");
}

/// Nobody says anything for a day: the provider is asked until it answers, and people are told only if it does not.
#[test]
fn a_silent_provider_is_asked_again_for_a_day() {
    let base = until_due();
    for (hours, told) in [(0, false), (6, false), (20, false), (60, true)] {
        let mut player = Player::new(&base, Mode { brief: false, mid_call: false });
        player.world.delivery_usually = Some(frontdesk_core::outbox::DeliveryNews::Delivered);
        player.world.policy.reminder = None;
        let world = player.world;
        let silent_from = world.clock.now().plus(DAY - Duration::from_secs(3_600));
        world.podium.down.borrow_mut().push((silent_from, silent_from.plus(Duration::from_secs(3_600 * (hours + 1)))));
        world.sends_request(1);
        world.run_for(DAY * 6);
        let tables = world.store.tables();
        let effect = EffectKey::review_request(&key(1));
        let notice = NoticeKey::new(NoticeKind::Unresolved, effect.as_str());
        assert_eq!(tables.notices.contains_key(&notice), told, "silent for {hours} hours");
        let delivered = matches!(tables.outbox[&effect].state, OutboxState::Delivered { .. });
        assert_eq!(delivered, !told, "silent for {hours} hours: {:?}", tables.outbox[&effect].state);
        let tellings = world.people.told().iter().filter(|t| t.key == notice).count();
        assert_eq!(tellings, usize::from(told), "told once");
    }
}

/// Whoever's cooldown was freed may be asked for another order by now, so their reminder stays away.
#[test]
fn nobody_is_reminded_whose_cooldown_is_anothers_or_free() {
    let base = until_due();
    for freed in [false, true] {
        let world = Player::new(&base, Mode { brief: false, mid_call: false }).world;
        world.sends_request(1);
        world.run_for(DAY);
        if freed {
            assert!(ready(world.store.release_hold(&mia(), &EffectKey::review_request(&key(1)))).unwrap());
        }
        world.run_for(DAY * 8);
        assert_eq!(world.podium.said().len(), usize::from(!freed), "{:?}", world.podium.said());
    }
}
