//! What a test may change about Chatwoot: tokens, people, limits, and the versions that behave differently.

use serde::{Deserialize, Serialize};

/// `GET` and `PUT /_control/chatwoot`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The bot's token.
    pub(crate) bot_token: String,
    /// A person's token.
    pub(crate) user_token: String,
    /// That person.
    pub(crate) user_id: u64,
    /// An agent and no administrator: then opening a conversation also takes it over.
    pub(crate) user_is_agent: bool,
    /// Where files are said to lie, and where their redirect leads; the stand-in's own address, while null.
    pub(crate) base_url: Option<String>,
    /// Where redirects of files lead, instead of the disk service on the same host.
    pub(crate) storage_url: Option<String>,
    /// Bots may read a conversation: since 4.14.2.
    pub(crate) bot_reads_conversation: bool,
    /// Assigning a bot makes a conversation pending, and assigning a person opens one of a bot's: since 4.15.
    pub(crate) assigning_changes_status: bool,
    /// A bot's webhook that fails leaves its conversation pending.
    pub(crate) keep_pending_on_bot_failure: bool,
    /// New conversations belong to a bot: pending, not open.
    pub(crate) bot_connected: bool,
    /// The account is suspended.
    pub(crate) suspended: bool,
    /// Messages that a conversation may get within a minute.
    pub(crate) flood_max: usize,
    /// Every account there is; control adds others that it is told of.
    pub(crate) accounts: Vec<Account>,
    /// The bot.
    pub(crate) bot: Bot,
    /// People of the shop's.
    pub(crate) agents: Vec<Agent>,
    /// Their teams.
    pub(crate) teams: Vec<Team>,
    /// Inboxes; control adds others that it is told of.
    pub(crate) inboxes: Vec<Inbox>,
}

/// A company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// The bot may act in it.
    #[serde(default = "yes")]
    pub(crate) bot: bool,
    /// The person may act in it.
    #[serde(default = "yes")]
    pub(crate) user: bool,
}

fn yes() -> bool {
    true
}

/// The bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bot {
    pub(crate) id: u64,
    pub(crate) name: String,
}

/// Somebody who answers chats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agent {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) available_name: String,
    pub(crate) email: String,
    #[serde(default = "agent")]
    pub(crate) role: String,
}

fn agent() -> String {
    "agent".to_owned()
}

/// Several of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Team {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) description: String,
}

/// A way by which customers come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inbox {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) channel: String,
}

impl Default for Settings {
    /// The people of the samples.
    fn default() -> Self {
        let person = |id, name: &str, short: &str, role: &str| Agent {
            id,
            name: name.to_owned(),
            available_name: short.to_owned(),
            email: format!("{}@saltbush.example", short.to_lowercase()),
            role: role.to_owned(),
        };
        let team =
            |id, name: &str, description: &str| Team { id, name: name.to_owned(), description: description.to_owned() };
        Self {
            bot_token: "cw-bot-token".to_owned(),
            user_token: "cw-user-token".to_owned(),
            user_id: 13,
            user_is_agent: false,
            base_url: None,
            storage_url: None,
            bot_reads_conversation: true,
            assigning_changes_status: true,
            keep_pending_on_bot_failure: false,
            bot_connected: true,
            suspended: false,
            flood_max: 200,
            accounts: vec![Account { id: 7, name: "Saltbush Homewares".to_owned(), bot: true, user: true }],
            bot: Bot { id: 4, name: "Saltbush Assistant".to_owned() },
            agents: vec![person(12, "Tom Okafor", "Tom", "agent"), person(13, "Mei Lindqvist", "Mei", "administrator")],
            teams: vec![team(5, "sales", "Sales team"), team(6, "support", "Support team")],
            inboxes: vec![Inbox { id: 31, name: "Website chat".to_owned(), channel: "Channel::WebWidget".to_owned() }],
        }
    }
}

impl Settings {
    pub(crate) fn account(&self, id: u64) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    pub(crate) fn agent(&self, id: u64) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.id == id)
    }

    pub(crate) fn team(&self, id: u64) -> Option<&Team> {
        self.teams.iter().find(|team| team.id == id)
    }

    pub(crate) fn inbox(&self, id: u64) -> Option<&Inbox> {
        self.inboxes.iter().find(|inbox| inbox.id == id)
    }

    /// Adds what control speaks of and nobody knows yet.
    pub(crate) fn know(&mut self, account: u64, inbox: u64, channel: &str) {
        if self.account(account).is_none() {
            self.accounts.push(Account { id: account, name: format!("Account {account}"), bot: true, user: true });
        }
        if self.inbox(inbox).is_none() {
            self.inboxes.push(Inbox { id: inbox, name: format!("Inbox {inbox}"), channel: channel.to_owned() });
        }
    }
}
