//! Notices: opened once, held by one, brought back, and gone when they were told.

use frontdesk_core::{
    ids::Shard,
    notice::{
        Channel, Content, HeldNotice, Notice, NoticeClaim, NoticeDue, NoticeEnd, NoticeKey, NoticeKind, NoticeStep,
        Notices, Progress, Tries,
    },
    store::Fenced,
    time::{DAY, UnixMillis},
};
use frontdesk_tests::tables::Tables;

use super::{
    T0, at, lease,
    races::{MANY, all_at_once, count},
};

pub(super) fn notice(about: &str) -> Notice {
    Notice {
        key: NoticeKey::new(NoticeKind::BadReview, about),
        kind: NoticeKind::BadReview,
        content: Content {
            headline: "One star".into(),
            facts: vec![("Review".into(), about.into())],
            quote: Some("never again".into()),
            link: Some("https://podium.example/r".into()),
            action: "Call them.".into(),
        },
        about: vec![about.into(), "shop#1".into()],
        opened_at: T0,
        expires_at: T0.plus(DAY * 30),
    }
}

fn key() -> NoticeKey {
    notice("rev_1").key
}

async fn due(store: &impl Notices, before: UnixMillis) -> Vec<NoticeDue> {
    let mut due = Vec::new();
    for shard in Shard::all() {
        due.extend(store.notices_due(shard, before, 25).await.unwrap());
    }
    due
}

fn held(progress: Progress) -> NoticeClaim {
    NoticeClaim::Acquired(Box::new(HeldNotice { notice: notice("rev_1"), progress }))
}

#[tokio::test]
async fn a_notice_is_opened_once_and_comes_back_as_it_was() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.claim_notice(&key(), &lease("a", T0)).await, Ok(NoticeClaim::Missing));
    assert_eq!(tables.items("outbox").len(), 0);
    assert_eq!(store.open_notice(&notice("rev_1")).await, Ok(true));
    let other = Notice { opened_at: at(9), ..notice("rev_1") };
    assert_eq!(store.open_notice(&other).await, Ok(false));
    assert_eq!(due(&store, T0).await, [NoticeDue { key: key(), at: T0 }], "at once");
    assert_eq!(store.claim_notice(&key(), &lease("a", T0)).await, Ok(held(Progress::default())));

    let bare = Notice {
        content: Content { quote: None, link: None, ..notice("rev_2").content },
        about: Vec::new(),
        ..notice("rev_2")
    };
    store.open_notice(&bare).await.unwrap();
    let claimed = NoticeClaim::Acquired(Box::new(HeldNotice { notice: bare.clone(), progress: Progress::default() }));
    assert_eq!(store.claim_notice(&bare.key, &lease("a", T0)).await, Ok(claimed));
}

#[tokio::test]
async fn one_holds_it_and_should_that_one_die_it_comes_back() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.open_notice(&notice("rev_1")).await.unwrap();
    let early = lease("a", UnixMillis::new(T0.get() - 1));
    assert_eq!(store.claim_notice(&key(), &early).await, Ok(NoticeClaim::NotDue { at: T0 }));
    let mine = lease("a", at(1));
    for again in [mine.clone(), lease("a", at(2))] {
        assert_eq!(store.claim_notice(&key(), &again).await, Ok(held(Progress::default())), "again by its owner");
    }
    let busy = NoticeClaim::Busy { until: at(62) };
    assert_eq!(store.claim_notice(&key(), &lease("b", at(61))).await, Ok(busy));
    assert_eq!(due(&store, at(61)).await, []);
    assert_eq!(due(&store, at(62)).await, [NoticeDue { key: key(), at: at(62) }]);
    assert_eq!(store.claim_notice(&key(), &lease("b", at(62))).await, Ok(held(Progress::default())));
    let step = NoticeStep::End(NoticeEnd::GivenUp);
    assert_eq!(store.step_notice(&key(), &mine, &step).await, Ok(Fenced::Lost), "it was taken over");
}

#[tokio::test]
async fn what_was_learned_of_its_channels_is_there_at_the_next_try() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.open_notice(&notice("rev_1")).await.unwrap();
    let progress = Progress { late: true, ..Progress::default() }
        .with(Channel::Sns, Tries { attempts: 2, not_before_ms: at(99).get(), hopeless: false })
        .with(Channel::Slack, Tries { attempts: 1, not_before_ms: 0, hopeless: true });
    let again = NoticeStep::Again { progress: progress.clone(), at: at(30) };
    let mine = lease("a", at(1));
    assert_eq!(store.step_notice(&key(), &mine, &again).await, Ok(Fenced::Lost), "nobody holds it");
    store.claim_notice(&key(), &mine).await.unwrap();
    assert_eq!(store.step_notice(&key(), &lease("b", at(1)), &again).await, Ok(Fenced::Lost));
    assert_eq!(store.step_notice(&key(), &mine, &again).await, Ok(Fenced::Written));
    assert_eq!(store.step_notice(&key(), &mine, &again).await, Ok(Fenced::Lost), "it was given back");
    assert_eq!(store.claim_notice(&key(), &lease("a", at(29))).await, Ok(NoticeClaim::NotDue { at: at(30) }));
    assert_eq!(due(&store, at(30)).await, [NoticeDue { key: key(), at: at(30) }]);
    assert_eq!(store.claim_notice(&key(), &lease("b", at(30))).await, Ok(held(progress)));
}

#[tokio::test]
async fn an_ended_notice_says_that_there_was_one_and_how_it_ended_and_nothing_else() {
    for (end, word) in [(NoticeEnd::Told(Channel::Slack), "told"), (NoticeEnd::GivenUp, "given_up")] {
        let tables = Tables::start().await;
        let store = tables.store();
        store.open_notice(&notice("rev_1")).await.unwrap();
        let mine = lease("a", at(1));
        store.claim_notice(&key(), &mine).await.unwrap();
        let step = NoticeStep::End(end);
        for _ in 0..2 {
            assert_eq!(store.step_notice(&key(), &mine, &step).await, Ok(Fenced::Written), "its own success too");
        }
        assert_eq!(store.step_notice(&key(), &lease("b", at(1)), &step).await, Ok(Fenced::Lost));
        let other = NoticeStep::End(NoticeEnd::Told(Channel::Sns));
        assert_eq!(store.step_notice(&key(), &mine, &other).await, Ok(Fenced::Lost));
        assert_eq!(store.claim_notice(&key(), &lease("b", at(999))).await, Ok(NoticeClaim::Ended));
        assert_eq!(store.open_notice(&notice("rev_1")).await, Ok(false), "it was told, and is not told again");
        assert_eq!(due(&store, at(9_999)).await, []);
        let row = tables.item("outbox", key().as_str()).unwrap();
        let mut names: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let kept =
            ["ended_at_ms", "expires_at", "last_write", "notice_kind", "opened_at_ms", "owner_token", "pk", "st"];
        let kept: Vec<&str> = kept.into_iter().chain((word == "told").then_some("told_over")).collect();
        assert_eq!(names, kept);
        assert_eq!(row["st"]["S"], word);
        assert!(!row.to_string().contains("never again"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_open_and_claim_at_once_one_does() {
    let tables = Tables::start().await;
    let outcomes = all_at_once(&tables, MANY, |store, n| async move {
        let opened = store.open_notice(&notice("rev_1")).await.unwrap();
        let claim = store.claim_notice(&key(), &lease(&format!("w{n}"), at(1))).await.unwrap();
        (opened, matches!(claim, NoticeClaim::Acquired(_)))
    })
    .await;
    assert_eq!(count(&outcomes, |(opened, _)| *opened), 1);
    assert_eq!(count(&outcomes, |(_, held)| *held), 1);
}

/// Sends and notices are in one table, and neither is taken for the other.
#[tokio::test]
async fn a_notice_is_no_send() {
    use frontdesk_core::outbox::Outbox;
    let tables = Tables::start().await;
    let store = tables.store();
    store.open_notice(&notice("rev_1")).await.unwrap();
    store.plan(&super::outbox::send(1), T0).await.unwrap();
    assert_eq!(due(&store, at(9)).await.len(), 1);
    let mut sends = 0;
    for shard in Shard::all() {
        sends += store.unresolved(shard, at(9), 25).await.unwrap().len();
    }
    assert_eq!(sends, 1);
}
