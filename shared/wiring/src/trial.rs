//! Access tokens of credentials that are only tried.

use std::sync::{Mutex, PoisonError};

use frontdesk_core::{
    provider::{NotDone, Provider},
    time::Clock,
    token::{AccessToken, Grant},
};
use frontdesk_providers::AccessTokens;

/// Grants one token and shares it with nobody: whoever tries credentials wants to know what these do, not what a token does
/// that somebody got with others.
#[derive(Debug)]
pub struct Trial<G, C = frontdesk_aws::process::SystemClock> {
    provider: Provider,
    grant: G,
    clock: C,
    granted: Mutex<Option<AccessToken>>,
}

impl<G: Grant, C: Clock> Trial<G, C> {
    pub(crate) const fn of(provider: Provider, grant: G, clock: C) -> Self {
        Self { provider, grant, clock, granted: Mutex::new(None) }
    }

    fn known(&self) -> Option<AccessToken> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<G: Grant, C: Clock> AccessTokens for Trial<G, C> {
    async fn token(&self, _refused: Option<&AccessToken>) -> Result<AccessToken, NotDone> {
        // One that was granted a moment ago and is refused will not get better by another.
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let granted = self.grant.grant().await;
        let granted = granted.map_err(|error| NotDone::unavailable(self.provider, error.to_string()))?;
        let now = self.clock.now();
        let token = AccessToken { secret: granted.secret, expires_at: now.plus(granted.expires_in), granted_at: now };
        *self.granted.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }
}
