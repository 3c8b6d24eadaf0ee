//! Pauses and shared tokens.

use std::time::Duration;

use frontdesk_core::{
    provider::{Limits, Provider, Tally},
    signature::Secret,
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
    token::{AccessToken, RefreshClaim, Tokens},
};
use frontdesk_tests::{
    tables::{Tables, store_at},
    wire::{Fate, Wire},
};

use super::{T0, at, lease};

#[tokio::test]
async fn a_pause_is_for_its_provider_and_never_shortened() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.paused_until(Provider::Podium, T0).await, Ok(None));
    store.pause(Provider::Podium, at(60)).await.unwrap();
    store.pause(Provider::Podium, at(30)).await.unwrap();
    assert_eq!(store.paused_until(Provider::Podium, at(59)).await, Ok(Some(at(60))));
    assert_eq!(store.paused_until(Provider::Podium, at(60)).await, Ok(None), "it is over, although the row is there");
    assert_eq!(store.paused_until(Provider::Shopify, at(1)).await, Ok(None));
    store.pause(Provider::Podium, at(90)).await.unwrap();
    assert_eq!(store.paused_until(Provider::Podium, at(60)).await, Ok(Some(at(90))));
}

fn tally(what: &'static str, seconds: u64, limit: u32) -> Tally {
    Tally { what, now: at(seconds), window: Duration::from_secs(300), limit }
}

/// At T0 a window of five minutes has a hundred seconds left.
#[tokio::test]
async fn a_limit_is_told_once_in_a_window() {
    let tables = Tables::start().await;
    let store = tables.store();
    let mut told = Vec::new();
    for seconds in [0, 1, 1, 99, 100, 101, 102, 103] {
        told.push(store.tally(&tally("rejections", seconds, 3)).await.unwrap());
    }
    assert_eq!(told, [false, false, true, false, false, false, true, false]);
    assert_eq!(store.tally(&tally("stale", 0, 1)).await, Ok(true), "what is counted elsewhere does not count");
    assert_eq!(store.tally(&tally("stale", 0, 1)).await, Ok(false));
    assert_eq!(store.tally(&tally("often", 0, 0)).await, Ok(true));
}

#[tokio::test]
async fn a_counter_goes_when_the_next_window_is_over() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.tally(&tally("stale", 0, 1)).await.unwrap();
    let ends = u64::try_from(at(100).plus(Duration::from_secs(300)).as_secs_ceil()).unwrap();
    tables.expiry_clock.set(ends - 1);
    assert_eq!(tables.sweep_expired(), 0);
    tables.expiry_clock.set(ends + 1);
    assert_eq!(tables.sweep_expired(), 1);
}

/// Whoever counted and died before it was told leaves the telling to the next.
#[tokio::test]
async fn an_alarm_that_nobody_told_is_told_by_the_next() {
    let tables = Tables::start().await;
    let dying = Wire::to(&tables.url, |call| if call.number == 0 { Fate::Pass } else { Fate::LoseCall }).await;
    let error = store_at(&dying.url).tally(&tally("stale", 0, 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { table: "limits", .. }));
    let store = tables.store();
    assert_eq!(store.tally(&tally("stale", 1, 1)).await, Ok(true));
    assert_eq!(store.tally(&tally("stale", 2, 1)).await, Ok(false));
}

fn token(secret: &str, granted_at: UnixMillis) -> AccessToken {
    let secret = Secret::new("token", secret).unwrap();
    AccessToken { secret, expires_at: granted_at.plus(Duration::from_secs(3_600)), granted_at }
}

#[tokio::test]
async fn one_refreshes_and_all_use_what_it_got() {
    let tables = Tables::start().await;
    let (store, podium) = (tables.store(), Provider::Podium);
    assert!(store.token(podium).await.unwrap().is_none());
    let (first, second) = (lease("a", T0), lease("b", at(1)));
    assert_eq!(store.claim_refresh(podium, &first).await, Ok(RefreshClaim::Acquired));
    assert_eq!(store.claim_refresh(podium, &first).await, Ok(RefreshClaim::Acquired), "again");
    assert_eq!(store.claim_refresh(podium, &second).await, Ok(RefreshClaim::Busy));
    assert_eq!(store.claim_refresh(Provider::Shopify, &second).await, Ok(RefreshClaim::Acquired), "another provider");
    assert!(store.token(podium).await.unwrap().is_none(), "a first refresh on its way is no token yet");

    assert_eq!(store.share_token(podium, &first, &token("t1", at(2))).await, Ok(Fenced::Written));
    let shared = store.token(podium).await.unwrap().unwrap();
    assert_eq!(shared.secret.expose(), "t1");
    assert_eq!((shared.granted_at, shared.expires_at), (at(2), at(3_602)));
    assert_eq!(
        store.share_token(podium, &first, &token("t0", at(3))).await,
        Ok(Fenced::Lost),
        "the lease is given back"
    );
    assert_eq!(store.claim_refresh(podium, &second).await, Ok(RefreshClaim::Acquired));
    assert_eq!(store.abandon_refresh(podium, &first).await, Ok(Fenced::Lost));
    assert_eq!(store.abandon_refresh(podium, &second).await, Ok(Fenced::Written));
    assert_eq!(store.token(podium).await.unwrap().unwrap().secret.expose(), "t1", "the old one is still good");
}

#[tokio::test]
async fn a_refresher_that_died_is_succeeded_and_shares_nothing_any_more() {
    let tables = Tables::start().await;
    let (store, podium) = (tables.store(), Provider::Podium);
    let dead = lease("a", T0);
    store.claim_refresh(podium, &dead).await.unwrap();
    assert_eq!(store.claim_refresh(podium, &lease("b", at(59))).await, Ok(RefreshClaim::Busy));
    let next = Lease { owner: super::owner("b"), now: at(60), until: at(120) };
    assert_eq!(store.claim_refresh(podium, &next).await, Ok(RefreshClaim::Acquired));
    assert_eq!(store.share_token(podium, &dead, &token("old", at(1))).await, Ok(Fenced::Lost));
    assert_eq!(store.share_token(podium, &next, &token("new", at(61))).await, Ok(Fenced::Written));
    assert_eq!(store.token(podium).await.unwrap().unwrap().secret.expose(), "new");
}
