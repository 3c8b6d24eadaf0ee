//! The ledger: everything a customer would have noticed, in the order it happened.
//!
//! It is the judge in every test of "sent once", so an effect is written, and is on its way to the file, before anything
//! is answered. It outlives the process: a restart reads it again, and the look-ups that Podium offers work from it.

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
}

/// Which of the two pictures of Podium was spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contract {
    /// Podium's own API 2021.04.01.
    Published,
    /// The API as the briefs describe it.
    Brief,
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
    /// Who got it: a phone in E.164, or an e-mail address.
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
    /// The conversation it went into.
    pub conversation: String,
    /// Name the caller gave the recipient.
    pub contact_name: Option<String>,
    /// The recipient had opted out by then: this must not have been sent.
    #[serde(default)]
    pub to_opted_out: bool,
    /// The call that caused it: `request_id` in the request log.
    pub request_id: String,
}

/// The effects, in memory and, if a file was named, one JSON line each.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    effects: Vec<Effect>,
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
        let mut effects: Vec<Effect> = Vec::new();
        let mut length = 0_usize;
        for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if !line.ends_with(b"\n") {
                warn(format_args!("{}: dropped half a line at the end", path.display()));
                break;
            }
            let effect = serde_json::from_slice(line).map_err(|error| {
                let place = format!("{}:{}: {error}", path.display(), number + 1);
                io::Error::new(io::ErrorKind::InvalidData, place)
            })?;
            effects.push(effect);
            length += line.len();
        }
        let mut file = LineFile { file, length: u64::try_from(length).unwrap_or(u64::MAX) };
        file.cut()?;
        let last_seq = effects.iter().map(|effect| effect.seq).max().unwrap_or(0);
        Ok(Self { effects, last_seq, file: Some(file) })
    }

    /// Numbers the effect and writes it down.
    pub(super) fn record(&mut self, mut effect: Effect) -> io::Result<Effect> {
        effect.seq = self.last_seq + 1;
        if let Some(file) = &mut self.file {
            file.append(&serde_json::to_string(&effect)?)?;
        }
        self.last_seq = effect.seq;
        self.effects.push(effect.clone());
        Ok(effect)
    }

    /// Forgets everything, in the file too. Numbers go on from where they were.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.length = 0;
            file.cut()?;
        }
        self.effects.clear();
        Ok(())
    }

    pub(super) fn effects(&self) -> &[Effect] {
        &self.effects
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
