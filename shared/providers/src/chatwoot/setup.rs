//! What Chatwoot knows of us: for whoever looks whether all is set up.

use frontdesk_core::{
    doctor::{Looked, providers::ChatwootFacts},
    time::Clock,
};
use reqwest::Method;
use serde_json::Value;

use super::{Call, Chatwoot, ChatwootTokens, Who, is_token_wrong};
use crate::{
    CredentialVault,
    http::{Answer, Notice},
};

impl<V: CredentialVault, C: Clock> Chatwoot<V, C> {
    /// What its API says of our tokens and, if one is an administrator's, of its webhooks. Changes nothing.
    ///
    /// # Errors
    /// When the tokens cannot be read.
    pub async fn setup(&self) -> Result<ChatwootFacts, String> {
        let tokens = self.tokens.get().await.map_err(super::super::kept::NoKey::detail)?;
        // Whoever is not known hears so before anything else is looked at; the account need not be ours for that.
        let knock = "/api/v1/accounts/1/conversations/1";
        let api_token = known(self.read(&tokens, Who::Bot, knock).await);
        let user_token = match &tokens.user {
            Some(_) => known(self.read(&tokens, Who::User, knock).await),
            None => Looked::Absent,
        };
        let webhooks = match (&tokens.user, &user_token) {
            (Some(_), Looked::Seen(true)) => self.webhooks(&tokens).await,
            _ => Looked::Forbidden("there is no such token".to_owned()),
        };
        Ok(ChatwootFacts { api_token, user_token, webhooks })
    }

    async fn read(&self, tokens: &ChatwootTokens, who: Who, path: &str) -> Result<Answer, String> {
        let url = self.base.at(path);
        let call = Call { notice: Notice::Nobody, who, method: Method::GET, url, body: None };
        self.attempt(&call, tokens).await.map_err(super::super::http::Lost::detail)
    }

    /// Where the bots of the token's accounts are told, and the accounts' own webhooks.
    async fn webhooks(&self, tokens: &ChatwootTokens) -> Looked<Vec<String>> {
        let profile = match self.json(tokens, "/api/v1/profile").await {
            Looked::Seen(profile) => profile,
            Looked::Absent => return Looked::Unknown("it shows no profile".to_owned()),
            Looked::Unknown(why) => return Looked::Unknown(why),
            Looked::Forbidden(why) => return Looked::Forbidden(why),
        };
        let accounts = profile.get("accounts").and_then(Value::as_array).into_iter().flatten();
        let mut urls = Vec::new();
        for account in accounts.filter_map(|account| account.get("id")?.as_u64()) {
            let bots = self.json(tokens, &format!("/api/v1/accounts/{account}/agent_bots")).await;
            let own = self.json(tokens, &format!("/api/v1/accounts/{account}/webhooks")).await;
            let (bots, own) = match (bots, own) {
                (Looked::Seen(bots), Looked::Seen(own)) => (bots, own),
                (Looked::Forbidden(why), _) | (_, Looked::Forbidden(why)) => return Looked::Forbidden(why),
                (Looked::Unknown(why), _) | (_, Looked::Unknown(why)) => return Looked::Unknown(why),
                (Looked::Absent, _) | (_, Looked::Absent) => return Looked::Unknown("it lists no webhooks".to_owned()),
            };
            let bots = bots.as_array().into_iter().flatten().filter_map(|bot| bot.get("outgoing_url"));
            let own = own.pointer("/payload/webhooks").and_then(Value::as_array).into_iter().flatten();
            let own = own.filter_map(|hook| hook.get("url"));
            urls.extend(bots.chain(own).filter_map(|url| url.as_str().map(str::to_owned)));
        }
        Looked::Seen(urls)
    }

    async fn json(&self, tokens: &ChatwootTokens, path: &str) -> Looked<Value> {
        match self.read(tokens, Who::User, path).await {
            Ok(answer) if answer.is_success() => {
                answer.json().map_or_else(|why| Looked::Unknown(why.into()), Looked::Seen)
            }
            Ok(answer) if answer.status == 404 => Looked::Absent,
            Ok(answer) if matches!(answer.status, 401 | 403) => Looked::Forbidden(format!("status {}", answer.status)),
            Ok(answer) => Looked::Unknown(format!("status {}", answer.status)),
            Err(why) => Looked::Unknown(why),
        }
    }
}

/// Whether a token is one of Chatwoot's, by an answer to whatever it asked.
fn known(asked: Result<Answer, String>) -> Looked<bool> {
    match asked {
        Ok(answer) if is_token_wrong(&answer) => Looked::Seen(false),
        // What a token may not do, and what is not there, is told to those who are known.
        Ok(answer) if answer.is_success() || matches!(answer.status, 401 | 403 | 404) => Looked::Seen(true),
        Ok(answer) => Looked::Unknown(format!("status {}", answer.status)),
        Err(why) => Looked::Unknown(why),
    }
}
