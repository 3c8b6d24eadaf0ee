//! Forms: kept once, each with one notice.

use frontdesk_core::{
    chat::ChatKey,
    erase::{Erasure, Place, Subject},
    form::{Forms, Submission, SubmissionId},
    ids::Shard,
    notice::{Channel, Content, Notice, NoticeClaim, NoticeEnd, NoticeKind, NoticeStep, Notices},
    time::{DAY, UnixMillis},
};
use frontdesk_tests::tables::Tables;
use serde_json::json;

use super::{
    T0, at, lease,
    races::{MANY, all_at_once, count},
};

pub(super) fn submission(id: &str, now: UnixMillis) -> Submission {
    Submission {
        id: SubmissionId::from_stored(id),
        fields: vec![
            ("name".into(), "Mia \"M\" Tennant".into()),
            ("email".into(), "Mia@Example.com".into()),
            ("message".into(), "planted-word\n\u{1f600}".into()),
        ],
        email: Some("Mia@Example.com".into()),
        session: Some(ChatKey::from_stored("web#abc")),
        received_at: now,
        expires_at: now.plus(DAY * 90),
    }
}

pub(super) fn notice(id: &str, now: UnixMillis) -> Notice {
    let content = Content {
        headline: "Somebody filled in the form".into(),
        facts: vec![("Form".into(), id.into())],
        quote: Some("planted-word".into()),
        link: None,
        action: "Answer them.".into(),
    };
    Notice { about: vec![id.to_owned()], ..Notice::new(NoticeKind::ContactForm, id, content, now) }
}

async fn told(store: &impl Notices, notice: &Notice, now: UnixMillis) {
    let mine = lease("a", now);
    assert!(matches!(store.claim_notice(&notice.key, &mine).await, Ok(NoticeClaim::Acquired(_))));
    let end = NoticeStep::End(NoticeEnd::Told(Channel::Slack));
    let _ = store.step_notice(&notice.key, &mine, &end).await.unwrap();
}

async fn due(store: &impl Notices, before: UnixMillis) -> usize {
    let mut due = 0;
    for shard in Shard::all() {
        due += store.notices_due(shard, before, 25).await.unwrap().len();
    }
    due
}

#[tokio::test]
async fn a_form_is_kept_once_and_comes_back_as_it_was() {
    let tables = Tables::start().await;
    let store = tables.store();
    let (form, its) = (submission("s1", T0), notice("s1", T0));
    assert_eq!(store.submission(&form.id, T0).await, Ok(None));
    assert_eq!(store.submit(&form, &its).await, Ok(true));
    let again = Submission { fields: Vec::new(), ..submission("s1", at(9)) };
    assert_eq!(store.submit(&again, &notice("s1", at(9))).await, Ok(false));
    assert_eq!(store.submission(&form.id, at(9)).await, Ok(Some(form.clone())));
    assert_eq!((tables.items("forms").len(), tables.items("outbox").len()), (1, 1));
    match store.claim_notice(&its.key, &lease("a", T0)).await {
        Ok(NoticeClaim::Acquired(held)) => assert_eq!(held.notice, its),
        other => panic!("{other:?}"),
    }
    let bare = Submission { email: None, session: None, fields: Vec::new(), ..submission("s2", T0) };
    assert_eq!(store.submit(&bare, &notice("s2", T0)).await, Ok(true));
    assert_eq!(store.submission(&bare.id, T0).await, Ok(Some(bare)));
}

#[tokio::test]
async fn a_form_whose_time_is_over_is_a_new_one_and_told_of_anew() {
    let tables = Tables::start().await;
    let store = tables.store();
    let form = Submission { expires_at: at(100), ..submission("s1", T0) };
    assert_eq!(store.submit(&form, &notice("s1", T0)).await, Ok(true));
    told(&store, &notice("s1", T0), T0).await;
    assert_eq!(store.submit(&submission("s1", at(99)), &notice("s1", at(99))).await, Ok(false));
    assert_eq!((due(&store, at(999)).await, store.submission(&form.id, at(100)).await), (0, Ok(None)));
    assert_eq!(store.submit(&submission("s1", at(100)), &notice("s1", at(100))).await, Ok(true));
    assert_eq!(due(&store, at(999)).await, 1);
    match store.claim_notice(&notice("s1", T0).key, &lease("b", at(100))).await {
        Ok(NoticeClaim::Acquired(held)) => {
            assert_eq!(held.notice, notice("s1", at(100)), "nothing is left of the first");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_notice_that_is_still_to_be_told_stays_as_it_is() {
    let tables = Tables::start().await;
    let store = tables.store();
    let first = notice("s1", T0);
    assert_eq!(store.open_notice(&first).await, Ok(true));
    store.claim_notice(&first.key, &lease("a", T0)).await.unwrap();
    assert_eq!(store.submit(&submission("s1", at(9)), &notice("s1", at(9))).await, Ok(true));
    assert_eq!(store.submit(&submission("s1", at(9)), &notice("s1", at(9))).await, Ok(false));
    let end = NoticeStep::End(NoticeEnd::GivenUp);
    let stepped = store.step_notice(&first.key, &lease("a", T0), &end).await;
    assert_eq!(stepped, Ok(frontdesk_core::store::Fenced::Written), "its holder has it still");

    // One that nobody told in its whole life makes room.
    let tables = Tables::start().await;
    let store = tables.store();
    store.open_notice(&Notice { expires_at: at(5), ..notice("s1", T0) }).await.unwrap();
    assert_eq!(store.submit(&submission("s1", at(9)), &notice("s1", at(9))).await, Ok(true));
    match store.claim_notice(&first.key, &lease("a", at(9))).await {
        Ok(NoticeClaim::Acquired(held)) => assert_eq!(held.notice, notice("s1", at(9))),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_submissions_at_once_one_is_new_and_one_notice_is_told() {
    for many in [2, MANY] {
        let tables = Tables::start().await;
        let outcomes = all_at_once(&tables, many, |store, _| async move {
            store.submit(&submission("s1", T0), &notice("s1", T0)).await.unwrap()
        })
        .await;
        assert_eq!(count(&outcomes, |new| *new), 1);
        assert_eq!((tables.items("forms").len(), tables.items("outbox").len()), (1, 1));
        assert_eq!(due(&tables.store(), T0).await, 1);
    }
}

#[tokio::test]
async fn a_form_is_found_by_its_writer_and_goes_as_a_whole() {
    let tables = Tables::start().await;
    let store = tables.store();
    let form = submission("s1", T0);
    store.submit(&form, &notice("s1", T0)).await.unwrap();
    let page = store.kept(Place::Forms, None).await.unwrap();
    let [row] = page.rows.as_slice() else { panic!("{page:?}") };
    assert_eq!(row.texts, ["s1", "Mia \"M\" Tennant", "Mia@Example.com", "planted-word\n\u{1f600}", "Mia@Example.com"]);
    assert_eq!((row.email.as_deref(), &row.phone, &row.body), (Some("Mia@Example.com"), &None, &None));
    assert_eq!(row.ids, ["s1", "web#abc"], "its notice and its chat are found by it");
    let mia = Subject { emails: ["mia@example.com".to_owned()].into(), ..Subject::default() };
    assert!(mia.owns(Place::Forms, row));
    let bob = Subject { emails: ["bob@example.com".to_owned()].into(), ..Subject::default() };
    assert!(!bob.is_in(Place::Forms, row));

    for _ in 0..2 {
        store.wipe(Place::Forms, "s1").await.unwrap();
        assert_eq!(tables.items("forms").len(), 0);
    }
    // Whoever was erased and writes again is heard.
    store.wipe(Place::Outbox, notice("s1", T0).key.as_str()).await.unwrap();
    assert_eq!(store.submit(&form, &notice("s1", T0)).await, Ok(true));
    assert_eq!(due(&store, T0).await, 1);
}

#[tokio::test]
async fn a_form_that_nobody_can_read_is_told_and_still_found() {
    let tables = Tables::start().await;
    let store = tables.store();
    let mia = Subject { emails: ["mia@example.com".to_owned()].into(), ..Subject::default() };
    let row = |fields: serde_json::Value| {
        let (received, expires) = (json!({"N": "1"}), json!({"N": "9999999999"}));
        json!({"pk": {"S": "s1"}, "fields_json": fields, "received_at_ms": received, "expires_at": expires})
    };
    tables.put("forms", &row(json!({"S": "[[\"to mia@example.com\"]]"})));
    let told = store.submission(&SubmissionId::from_stored("s1"), T0).await.unwrap_err();
    assert!(told.to_string().contains("fields_json") && !told.to_string().contains("mia"), "{told}");
    let page = store.kept(Place::Forms, None).await.unwrap();
    assert!(mia.is_in(Place::Forms, &page.rows[0]));
    let mut bare = row(json!({"N": "1"}));
    bare["email"] = json!({"S": "mia@example.com"});
    tables.put("forms", &bare);
    let page = store.kept(Place::Forms, None).await.unwrap();
    assert!(mia.owns(Place::Forms, &page.rows[0]));
}
