//! Access tokens that all functions share, and who may get the next one.

use frontdesk_core::{
    provider::Provider,
    signature::Secret,
    store::{Fenced, Lease, StoreError},
    token::{AccessToken, RefreshClaim, Tokens},
};

use super::{
    DynamoStore, Table,
    row::{Row, millis, text},
    write::{Change, Written},
};

/// One refresh at a time: two would each hold half of a rotated pair.
const CLAIM_IF: &str = "attribute_not_exists(owner_token) OR lease_until_ms <= :now_ms OR owner_token = :me";
const CLAIM: &str = "SET owner_token = :me, lease_until_ms = :until_ms";

const HELD: &str = "owner_token = :me";
const SHARE: &str = "SET access_token = :token, token_expires_at_ms = :expires_ms, granted_at_ms = :granted_ms, \
     last_write = :call REMOVE owner_token, lease_until_ms";
const ABANDON: &str = "SET last_write = :call REMOVE owner_token, lease_until_ms";

impl Tokens for DynamoStore {
    async fn token(&self, provider: Provider) -> Result<Option<AccessToken>, StoreError> {
        let Some(item) = self.get(Table::Directory, &key(provider), None).await? else { return Ok(None) };
        let row = Row::new(Table::Directory, &item);
        // A row without a token is a first refresh on its way.
        let Some(token) = row.text_if_any("access_token") else { return Ok(None) };
        Ok(Some(AccessToken {
            secret: Secret::new("access_token", token).map_err(|_| row.corrupt("access_token"))?,
            expires_at: row.millis("token_expires_at_ms")?,
            granted_at: row.millis("granted_at_ms")?,
        }))
    }

    async fn claim_refresh(&self, provider: Provider, lease: &Lease) -> Result<RefreshClaim, StoreError> {
        let values = vec![
            (":me", text(lease.owner.as_str())),
            (":now_ms", millis(lease.now)),
            (":until_ms", millis(lease.until)),
        ];
        let claim =
            Change { table: Table::Directory, key: key(provider), only_if: Some(CLAIM_IF), update: CLAIM, values };
        Ok(match self.change(claim).await? {
            Written::Made(_) => RefreshClaim::Acquired,
            Written::Refused(_) => RefreshClaim::Busy,
        })
    }

    async fn share_token(&self, provider: Provider, lease: &Lease, token: &AccessToken) -> Result<Fenced, StoreError> {
        let call = self.ids.draw();
        let values = vec![
            (":me", text(lease.owner.as_str())),
            (":call", text(call.as_str())),
            (":token", text(token.secret.expose())),
            (":expires_ms", millis(token.expires_at)),
            (":granted_ms", millis(token.granted_at)),
        ];
        let share = Change { table: Table::Directory, key: key(provider), only_if: Some(HELD), update: SHARE, values };
        self.change(share).await.map(|written| written.fenced(&call))
    }

    async fn abandon_refresh(&self, provider: Provider, lease: &Lease) -> Result<Fenced, StoreError> {
        let call = self.ids.draw();
        let values = vec![(":me", text(lease.owner.as_str())), (":call", text(call.as_str()))];
        let give_up =
            Change { table: Table::Directory, key: key(provider), only_if: Some(HELD), update: ABANDON, values };
        self.change(give_up).await.map(|written| written.fenced(&call))
    }
}

fn key(provider: Provider) -> String {
    format!("token#{}", provider.as_str())
}
