//! What the shop's people see of a conversation.

use frontdesk_core::{
    ids::ConversationUid,
    provider::{CallFailure, Desk},
    time::Clock,
};
use reqwest::{Method, Url};
use serde_json::json;

use super::{Contract, Podium, Wire, done};
use crate::{http::segment, token::AccessTokens};

/// Who signs the notes.
const SENDER: &str = "Frontdesk";

impl<T: AccessTokens, C: Clock> Desk for Podium<T, C> {
    async fn note(&self, conversation: &ConversationUid, text: &str) -> Result<(), CallFailure> {
        let url = self.wire.conversation(conversation, "/notes")?;
        let body = json!({ "body": text, "senderName": SENDER });
        done(self.wire.call(Method::POST, url, Some(&body)).await?)?;
        Ok(())
    }

    async fn set_closed(&self, conversation: &ConversationUid, closed: bool) -> Result<(), CallFailure> {
        match &self.contract {
            Contract::Published(published) => published.set_closed(&self.wire, conversation, closed).await,
            Contract::Brief(brief) => brief.set_closed(&self.wire, conversation, closed).await,
        }
    }
}

impl<T, C> Wire<T, C> {
    /// The URL of something about a conversation. A uid that cannot stand in a path is the uid of none.
    pub(super) fn conversation(&self, uid: &ConversationUid, what: &str) -> Result<Url, CallFailure> {
        let uid = segment(uid.as_str()).ok_or(CallFailure::Refused { status: 404 })?;
        Ok(self.base.at(&format!("/v4/conversations/{uid}{what}")))
    }
}
