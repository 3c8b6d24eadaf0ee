//! Podium's tokens by refresh token.
//!
//! Podium may answer with a new refresh token and forget the old one. From then on the new one is all there is, so it is
//! written to the vault before the access token is handed out.
//!
//! When it cannot be written, the grant fails (ERR_AUTH_006) although an access token is at hand: it would hide for hours
//! that the stored refresh token may be dead already. The new one is not thrown away: this process remembers it and writes
//! it before anything else at its next try. If the process ends before, and Podium did forget the old one, the next refresh
//! says ERR_AUTH_001 and the app has to be authorized again.

use std::sync::{Mutex, PoisonError};

use frontdesk_core::{
    config::{PodiumConfig, TokenBody},
    signature::Secret,
    token::{Grant, GrantError, Granted},
};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::{
    BaseUrl, Http, SetupError,
    http::Notice,
    token::{CredentialVault, Credentials, ask},
};

const REFRESH_TOKEN: &str = "refresh_token";
/// How often the new refresh token is written before the grant fails.
const WRITES: u32 = 2;

/// Refreshes Podium's access token. The vault holds `{"client_id", "client_secret", "refresh_token"}`.
#[derive(Debug)]
pub struct PodiumGrant<V> {
    http: Http,
    token_url: BaseUrl,
    body: TokenBody,
    vault: V,
    unsaved: Mutex<Option<Rotation>>,
}

/// A refresh token that has replaced another.
#[derive(Debug)]
struct Rotation {
    used: Secret,
    fresh: Secret,
}

impl<V: CredentialVault> PodiumGrant<V> {
    /// Takes the token URL and the body's style from the settings.
    ///
    /// # Errors
    /// [`SetupError`] when the token URL cannot be used.
    pub fn new(http: Http, config: &PodiumConfig, vault: V) -> Result<Self, SetupError> {
        let token_url = BaseUrl::parse("PODIUM_TOKEN_URL", &config.token_url)?;
        Ok(Self { http, token_url, body: config.token_body, vault, unsaved: Mutex::new(None) })
    }

    fn request(&self, stored: &Credentials, refresh_token: &Secret) -> Result<RequestBuilder, GrantError> {
        let (client_id, client_secret) = (stored.field("client_id")?, stored.field("client_secret")?);
        let fields = json!({
            "client_id": client_id.expose(),
            "client_secret": client_secret.expose(),
            "grant_type": REFRESH_TOKEN,
            REFRESH_TOKEN: refresh_token.expose(),
        });
        // Never over a connection that may have been closed: an answer that is lost may hold the only refresh token.
        let request = self.http.client(Notice::Customer).post(self.token_url.itself());
        Ok(match self.body {
            TokenBody::Json => request.json(&fields),
            TokenBody::Form => request.form(&fields),
        })
    }

    /// Writes the new refresh token, unless another one was stored meanwhile: by a process that refreshed later than this
    /// one, or by a person who authorized the app again. Theirs is the newer.
    async fn save(&self, rotation: Rotation) -> Result<(), GrantError> {
        let written = self.try_save(&rotation).await;
        if written.is_err() {
            *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner) = Some(rotation);
        }
        written
    }

    async fn try_save(&self, rotation: &Rotation) -> Result<(), GrantError> {
        let failed = |why: String| GrantError(format!("ERR_AUTH_006 the new refresh token is not persisted: {why}"));
        let mut stored = Credentials::read(&self.vault).await.map_err(|error| failed(error.to_string()))?;
        if stored.optional(REFRESH_TOKEN).is_some_and(|now| now != rotation.used) {
            return Ok(());
        }
        stored.set(REFRESH_TOKEN, &rotation.fresh);
        let mut last = String::new();
        for _ in 0..WRITES {
            match stored.write(&self.vault).await {
                Ok(()) => return Ok(()),
                Err(error) => last = error.to_string(),
            }
        }
        Err(failed(last))
    }

    fn take_unsaved(&self) -> Option<Rotation> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<V: CredentialVault> Grant for PodiumGrant<V> {
    async fn grant(&self) -> Result<Granted, GrantError> {
        if let Some(rotation) = self.take_unsaved() {
            self.save(rotation).await?;
        }
        let stored = Credentials::read(&self.vault).await?;
        let used = stored.field(REFRESH_TOKEN)?;
        let reply = ask(self.request(&stored, &used)?).await?;
        if let Some(fresh) = reply.refresh.filter(|fresh| *fresh != used) {
            self.save(Rotation { used, fresh }).await?;
        }
        Ok(Granted { secret: reply.access, expires_in: reply.life })
    }
}
