//! The ledger: everything a customer would have noticed, in the order it happened.
//!
//! It is the judge in every test of "sent once", so an effect is written, and is on its way to the file, before anything
//! is answered. It outlives the process: a restart reads it again, and the look-ups that Podium offers work from it.
//!
//! Beside the effects it holds what the shop's people were told or shown, and each webhook that a provider sent or tried to
//! send. Those have lists of their own, so that whoever counts texts counts texts only; one numbering runs through all of them.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::requests::Provider;
use crate::say::warn;

/// What reached the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// A text or e-mail message.
    Message,
    /// A review invitation that the provider texts itself.
    ReviewInvitation,
    /// A message in a chat, in sight of the customer.
    Chat,
}

/// Which of the two pictures of Podium was spoken, if it was Podium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contract {
    /// Podium's own API 2021.04.01.
    Published,
    /// The API as the briefs describe it.
    Brief,
    /// Not Podium at all: Chatwoot's API.
    Chatwoot,
}

/// One effect that a customer noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Place in the ledger, counted from 1.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who sent it.
    pub provider: Provider,
    /// In which picture it was asked for.
    pub contract: Contract,
    /// What it was.
    pub kind: EffectKind,
    /// Who got it: a phone in E.164, or an e-mail address. Of a chat, the contact's phone, and empty without one.
    pub phone: String,
    /// Location it was sent from, where the caller named one.
    pub location: Option<String>,
    /// Text of the message; the whole request of an invitation.
    pub body: Option<String>,
    /// The review link in the text, if it is one of ours.
    pub invite_link: Option<String>,
    /// The invitation this is, or whose link it carries.
    pub invitation_id: Option<String>,
    /// The provider's id of the message.
    pub message_id: Option<String>,
    /// The conversation it went into; of a chat, account and number: `7/418`.
    pub conversation: String,
    /// Name the caller gave the recipient.
    pub contact_name: Option<String>,
    /// The recipient had opted out by then: this must not have been sent.
    #[serde(default)]
    pub to_opted_out: bool,
    /// Of a chat: `text`, `input_select`, `cards`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Of a chat: what it shows beside its text, and whatever else the caller put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_attributes: Option<serde_json::Value>,
    /// Of a chat: the conversation's status when this was posted. A bot speaks in `pending` ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_status: Option<String>,
    /// The call that caused it: `request_id` in the request log.
    pub request_id: String,
}

/// Something that the shop's people were told, or that was refused on the way to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Place in the ledger, counted from 1.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// By which way: `slack`, `webhook` or `sns`.
    pub channel: Provider,
    /// Path of the call as the receiver sees it: `/services/T0/B0/x`.
    pub path: String,
    /// Headers of the call, names in small letters.
    pub headers: BTreeMap<String, String>,
    /// Its body, as it came.
    pub body: String,
    /// What was answered: 200 is told, everything else is refused. A fault that answers something else afterwards does
    /// not change that people have read it.
    pub status: u16,
    /// The receiver's word for it: `ok`, `invalid_blocks`, or the id of the message.
    pub answer: String,
    /// The call that caused it: `request_id` in the request log.
    pub request_id: String,
}

/// One attempt of a provider's to tell of an event, or an event that was dropped without one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Place in the ledger, counted from 1.
    pub seq: u64,
    /// When the attempt ended, in milliseconds since 1970.
    pub at_ms: i64,
    /// Name of the webhook that it belongs to.
    pub hook: String,
    /// Where it went.
    pub url: String,
    /// `message.received`
    pub event_type: String,
    /// The event's own id; the same in every attempt.
    pub event_uid: String,
    /// The person it is about, where there is one.
    pub phone: Option<String>,
    /// Which attempt, counted from 1; 0 for a dropped event.
    pub attempt: u32,
    /// What was answered; none, if nothing was, or nothing was sent.
    pub status: Option<u16>,
    /// Why nothing was answered: `dropped`, or what became of the connection.
    pub problem: Option<String>,
    /// The signature's headers.
    pub headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    pub body: String,
}

/// A message that was exchanged elsewhere and put into a conversation of Podium's, for the shop's people to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Place in the ledger, counted from 1.
    pub seq: u64,
    /// When it was put there, in milliseconds since 1970.
    pub at_ms: i64,
    /// Whose conversation it is in: a phone in E.164, or an e-mail address.
    pub phone: String,
    /// Location it was for.
    pub location: String,
    /// Its text.
    pub body: String,
    /// The customer wrote it; else the shop did.
    pub inbound: bool,
    /// When it was written, in milliseconds since 1970.
    pub published_ms: i64,
    /// Podium's id of it.
    pub message_id: String,
    /// The conversation it went into.
    pub conversation: String,
    /// Name the caller gave the customer.
    pub contact_name: String,
    /// The call that caused it: `request_id` in the request log.
    pub request_id: String,
}

/// A line of the file that is no effect.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Aside {
    Notice(Notice),
    Webhook(Webhook),
    Import(Import),
}

/// The effects, and what stands beside them, in memory and, if a file was named, one JSON line each.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    effects: Vec<Effect>,
    notices: Vec<Notice>,
    webhooks: Vec<Webhook>,
    imports: Vec<Import>,
    last_seq: u64,
    file: Option<LineFile>,
}

impl Ledger {
    /// Opens or creates the file and reads what is in it. The last line may be half a line, left by a process that was
    /// killed while writing: nobody was answered for it, so it is cut off. A bad line elsewhere is an error, because a
    /// judge must not forget.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut ledger = Self::default();
        let mut length = 0_usize;
        for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if !line.ends_with(b"\n") {
                warn(format_args!("{}: dropped half a line at the end", path.display()));
                break;
            }
            ledger.take_in(line).map_err(|error| {
                let place = format!("{}:{}: {error}", path.display(), number + 1);
                io::Error::new(io::ErrorKind::InvalidData, place)
            })?;
            length += line.len();
        }
        let mut file = LineFile { file, length: u64::try_from(length).unwrap_or(u64::MAX) };
        file.cut()?;
        ledger.file = Some(file);
        Ok(ledger)
    }

    /// Reads a line of the file.
    fn take_in(&mut self, line: &[u8]) -> serde_json::Result<()> {
        let value: serde_json::Value = serde_json::from_slice(line)?;
        let aside = ["notice", "webhook", "import"].iter().any(|name| value.get(name).is_some());
        let seq = if aside {
            match serde_json::from_value(value)? {
                Aside::Notice(notice) => {
                    self.notices.push(notice);
                    self.notices.last().map(|last| last.seq)
                }
                Aside::Webhook(webhook) => {
                    self.webhooks.push(webhook);
                    self.webhooks.last().map(|last| last.seq)
                }
                Aside::Import(import) => {
                    self.imports.push(import);
                    self.imports.last().map(|last| last.seq)
                }
            }
        } else {
            self.effects.push(serde_json::from_value(value)?);
            self.effects.last().map(|last| last.seq)
        };
        self.last_seq = self.last_seq.max(seq.unwrap_or(0));
        Ok(())
    }

    /// Numbers the effect and writes it down.
    pub(super) fn record(&mut self, mut effect: Effect) -> io::Result<Effect> {
        effect.seq = self.last_seq + 1;
        self.append(&effect)?;
        self.last_seq = effect.seq;
        self.effects.push(effect.clone());
        Ok(effect)
    }

    /// Numbers what people were told and writes it down.
    pub(super) fn record_notice(&mut self, mut notice: Notice) -> io::Result<()> {
        notice.seq = self.last_seq + 1;
        let aside = Aside::Notice(notice);
        self.append(&aside)?;
        if let Aside::Notice(notice) = aside {
            self.last_seq = notice.seq;
            self.notices.push(notice);
        }
        Ok(())
    }

    /// Numbers an attempt of a webhook and writes it down.
    pub(super) fn record_webhook(&mut self, mut webhook: Webhook) -> io::Result<()> {
        webhook.seq = self.last_seq + 1;
        let aside = Aside::Webhook(webhook);
        self.append(&aside)?;
        if let Aside::Webhook(webhook) = aside {
            self.last_seq = webhook.seq;
            self.webhooks.push(webhook);
        }
        Ok(())
    }

    /// Numbers what the shop's people were shown and writes it down.
    pub(super) fn record_import(&mut self, mut import: Import) -> io::Result<()> {
        import.seq = self.last_seq + 1;
        let aside = Aside::Import(import);
        self.append(&aside)?;
        if let Aside::Import(import) = aside {
            self.last_seq = import.seq;
            self.imports.push(import);
        }
        Ok(())
    }

    fn append(&mut self, line: &impl Serialize) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.append(&serde_json::to_string(line)?),
            None => Ok(()),
        }
    }

    /// Forgets everything, in the file too. Numbers go on from where they were.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.length = 0;
            file.cut()?;
        }
        self.effects.clear();
        self.notices.clear();
        self.webhooks.clear();
        self.imports.clear();
        Ok(())
    }

    pub(super) fn effects(&self) -> &[Effect] {
        &self.effects
    }

    pub(super) fn notices(&self) -> &[Notice] {
        &self.notices
    }

    pub(super) fn webhooks(&self) -> &[Webhook] {
        &self.webhooks
    }

    pub(super) fn imports(&self) -> &[Import] {
        &self.imports
    }

    pub(super) fn of_phone<'a>(&'a self, phone: &'a str) -> impl Iterator<Item = &'a Effect> {
        self.effects.iter().filter(move |effect| effect.phone == phone)
    }

    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }
}

/// A file that holds whole lines only.
#[derive(Debug)]
struct LineFile {
    file: File,
    length: u64,
}

impl LineFile {
    /// One unbuffered write for each line: a killed process loses nothing that it acted on. What a full disk cut in half
    /// is taken back.
    fn append(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{line}\n");
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.cut()?;
            return Err(error);
        }
        self.length = self.length.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Drops everything behind the last whole line.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)
    }
}
