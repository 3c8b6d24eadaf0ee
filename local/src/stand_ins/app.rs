//! Everything the stand-ins know, behind one lock.
//!
//! One lock, held for one short piece of work and never across an await, makes every call atomic against every other: an
//! effect, the conversation it belongs to and its ledger line appear together or not at all.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ai::Ai;
use super::chatwoot::Chatwoot;
use super::faults::Faults;
use super::ledger::{Effect, EffectKind, Ledger};
use super::podium::attachments::Attachments;
use super::podium::book::Book;
use super::podium::oauth::Podium;
use super::podium::webhooks::Webhooks;
use super::requests::RequestLog;
use super::shop::Shop;
use super::shopify::orders::Orders;
use super::shopify::tokens::Tokens;
use crate::clock;

/// Shared by all handlers of one pair of stand-ins.
#[derive(Debug)]
pub(super) struct App {
    state: Mutex<State>,
}

/// The state of one pair of stand-ins.
#[derive(Debug)]
pub(super) struct State {
    pub(super) faults: Faults,
    pub(super) requests: RequestLog,
    pub(super) ledger: Ledger,
    pub(super) book: Book,
    pub(super) podium: Podium,
    pub(super) webhooks: Webhooks,
    pub(super) attachments: Attachments,
    pub(super) orders: Orders,
    pub(super) shopify_tokens: Tokens,
    pub(super) chatwoot: Chatwoot,
    pub(super) ai: Ai,
    pub(super) shop: Shop,
    pub(super) ids: Ids,
}

impl App {
    /// Reads the ledger, if one is named, and rebuilds what Podium would still know from it.
    pub(super) fn open(ledger: Option<&Path>) -> io::Result<Self> {
        let ledger = ledger.map_or_else(|| Ok(Ledger::default()), Ledger::open)?;
        let mut book = Book::default();
        // In the order in which they happened: the last to name somebody names them.
        let mut imports = ledger.imports().iter().peekable();
        for effect in ledger.effects().iter().filter(|effect| effect.kind != EffectKind::Chat) {
            while let Some(import) = imports.next_if(|import| import.seq < effect.seq) {
                book.remember_import(import);
            }
            book.remember(effect);
        }
        imports.for_each(|import| book.remember_import(import));
        let webhooks = Webhooks::default();
        let chatwoot = Chatwoot::new(webhooks.changed(), ledger.effects());
        let ids = Ids::new(clock::now_ms(), ledger.last_seq());
        let state = State {
            faults: Faults::default(),
            requests: RequestLog::default(),
            ledger,
            book,
            podium: Podium::default(),
            webhooks,
            attachments: Attachments::default(),
            orders: Orders::default(),
            shopify_tokens: Tokens::default(),
            chatwoot,
            ai: Ai::default(),
            shop: Shop::default(),
            ids,
        };
        Ok(Self { state: Mutex::new(state) })
    }

    /// A handler that panicked left at most its own call half done: the others go on.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Writes an effect down and lets the look-ups find it. When the ledger cannot be written, nothing has happened.
    pub(super) fn effect(&mut self, effect: Effect) -> io::Result<Effect> {
        let effect = self.ledger.record(effect)?;
        // Podium knows nothing of what is said in chats.
        if effect.kind != EffectKind::Chat {
            self.book.remember(&effect);
        }
        Ok(effect)
    }
}

/// Ids that do not repeat, not even after a restart on the same ledger.
#[derive(Debug)]
pub(super) struct Ids {
    stamp: u64,
    last: u64,
}

impl Ids {
    fn new(now_ms: i64, last_seq: u64) -> Self {
        Self { stamp: now_ms.unsigned_abs(), last: last_seq << 20 }
    }

    /// A UUID in form: the start of this process, and a counter.
    pub(super) fn uid(&mut self) -> String {
        self.last += 1;
        let (stamp, count) = (self.stamp, self.last);
        let (high, middle) = ((stamp >> 16) & 0xffff_ffff, stamp & 0xffff);
        format!("{high:08x}-{middle:04x}-4000-8000-{count:012x}")
    }

    /// `req-18c0ffee-2a`
    pub(super) fn request(&mut self) -> String {
        self.last += 1;
        format!("req-{:x}-{:x}", self.stamp, self.last)
    }
}

/// A UUID in form that follows from its parts: the same contact or conversation has the same uid after a restart.
pub(super) fn derived_uid(parts: &[&str]) -> String {
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    let (a, b, c) = (hash >> 96, (hash >> 80) & 0xffff, (hash >> 64) & 0xfff);
    let (d, e) = ((hash >> 48) & 0xfff, hash & 0xffff_ffff_ffff);
    format!("{a:08x}-{b:04x}-5{c:03x}-8{d:03x}-{e:012x}")
}
