//! Access tokens that many Lambdas share: one of them refreshes, the others use what it got.
//!
//! Podium may hand out a new refresh token with every refresh and forget the old one. Two refreshes at once would each
//! hold half of a pair, so the refresh runs under a lease in the directory table, and a rotated refresh token is
//! persisted by the [`Grant`] before the access token that came with it is used.

use std::time::Duration;

use thiserror::Error;

use crate::{
    ids::Ids,
    provider::{NotDone, Provider},
    signature::Secret,
    store::{Fenced, Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
};

/// A token and how long it may be used.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token itself.
    pub secret: Secret,
    /// When the provider stops taking it.
    pub expires_at: UnixMillis,
    /// When it was granted; with `expires_at` this gives the margin for refreshing early.
    pub granted_at: UnixMillis,
}

impl AccessToken {
    /// From when on it should be replaced although it is still good: ten minutes before its end, or a tenth of its
    /// life when that is less. A fixed margin would refresh for ever where tokens live shorter than it.
    #[must_use]
    pub fn refresh_from(&self) -> UnixMillis {
        let life = self.expires_at.since(self.granted_at);
        self.expires_at.minus((life / 10).min(Duration::from_secs(600)))
    }
}

/// What became of the wish to refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshClaim {
    /// The asker refreshes.
    Acquired,
    /// Somebody else does.
    Busy,
}

/// The directory rows that hold tokens, one per provider.
pub trait Tokens {
    /// Reads the shared token, strongly consistent.
    async fn token(&self, provider: Provider) -> Result<Option<AccessToken>, StoreError>;

    /// Takes the lease to refresh.
    async fn claim_refresh(&self, provider: Provider, lease: &Lease) -> Result<RefreshClaim, StoreError>;

    /// Shares a new token and gives the lease back.
    async fn share_token(&self, provider: Provider, lease: &Lease, token: &AccessToken) -> Result<Fenced, StoreError>;

    /// Gives the lease back without a token.
    async fn abandon_refresh(&self, provider: Provider, lease: &Lease) -> Result<Fenced, StoreError>;
}

/// Why no token was granted. Never holds credentials.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct GrantError(pub String);

/// What a grant yields.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The access token.
    pub secret: Secret,
    /// How long it lives.
    pub expires_in: Duration,
}

/// Gets a new access token from the provider.
pub trait Grant {
    /// Reads the stored credentials, asks the provider, and, if the answer holds a new refresh token, persists that
    /// before it returns.
    async fn grant(&self) -> Result<Granted, GrantError>;
}

/// Waits: for another caller's token never longer than a second in sum, or for the end of somebody's patience.
pub trait Pause {
    /// Sleeps.
    async fn pause(&self, span: Duration);
}

/// How often, and how long each time, a caller without a usable token waits for the one who refreshes.
const WAITS: u32 = 4;
const WAIT: Duration = Duration::from_millis(240);

/// How long one refresh may take before another caller may try.
pub const REFRESH_LEASE: Duration = Duration::from_secs(40);

/// Gives out access tokens of one provider.
#[derive(Debug)]
pub struct TokenKeeper<S, G, C, I, T, P> {
    /// Whose tokens.
    pub provider: Provider,
    /// The directory.
    pub store: S,
    /// Where new ones come from.
    pub grant: G,
    /// Time.
    pub clock: C,
    /// Lease owners.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// Waiting.
    pub pause: P,
}

impl<S: Tokens, G: Grant, C: Clock, I: Ids, T: Telemetry, P: Pause> TokenKeeper<S, G, C, I, T, P> {
    /// A usable token. `refused` is one that the provider has just answered 401 to: it is not given out again.
    ///
    /// # Errors
    /// [`NotDone`] when there is none and none can be had now.
    pub async fn token(&self, refused: Option<&AccessToken>) -> Result<AccessToken, NotDone> {
        for _ in 0..=WAITS {
            let now = self.clock.now();
            let shared = self.store.token(self.provider).await.map_err(|e| self.unavailable(&e))?;
            let usable = shared.filter(|t| t.expires_at > now && refused.is_none_or(|r| r.secret != t.secret));
            if let Some(token) = usable.as_ref().filter(|t| now < t.refresh_from()) {
                return Ok(token.clone());
            }
            let lease = Lease { owner: self.ids.owner(), now, until: now.plus(REFRESH_LEASE) };
            match self.store.claim_refresh(self.provider, &lease).await.map_err(|e| self.unavailable(&e))? {
                RefreshClaim::Acquired => return self.refresh(&lease, usable).await,
                RefreshClaim::Busy => {}
            }
            // It still works, and somebody is already getting the next one.
            if let Some(token) = usable {
                return Ok(token);
            }
            self.pause.pause(WAIT).await;
        }
        Err(NotDone::Unavailable {
            provider: self.provider,
            detail: "its access token is being refreshed elsewhere".into(),
        })
    }

    async fn refresh(&self, lease: &Lease, usable: Option<AccessToken>) -> Result<AccessToken, NotDone> {
        match self.grant.grant().await {
            Ok(granted) => {
                let now = self.clock.now();
                let token =
                    AccessToken { secret: granted.secret, expires_at: now.plus(granted.expires_in), granted_at: now };
                // Whether or not the lease still stands, this token is good; losing it only costs another refresh.
                let _: Fenced =
                    self.store.share_token(self.provider, lease, &token).await.map_err(|e| self.unavailable(&e))?;
                Ok(token)
            }
            Err(error) => {
                self.telemetry.count(Metric::TokenRefreshFailed, Some(self.provider.as_str()));
                self.telemetry.line(
                    Line::error("the provider granted no access token")
                        .word("provider", self.provider.as_str())
                        .detail(&error),
                );
                let _: Fenced =
                    self.store.abandon_refresh(self.provider, lease).await.map_err(|e| self.unavailable(&e))?;
                usable.ok_or_else(|| self.unavailable(&error))
            }
        }
    }

    fn unavailable(&self, error: &impl std::fmt::Display) -> NotDone {
        NotDone::Unavailable { provider: self.provider, detail: error.to_string() }
    }
}
