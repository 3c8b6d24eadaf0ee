//! What must hold at the end of any run in which customers chatted, however it went.

use std::collections::{BTreeMap, BTreeSet};

use frontdesk_core::inbox::InboxStatus;

use super::{super::World, ports::questions};

/// People see a question that is not answered before so many more messages.
const OPENED_WITHIN: u64 = 150;

impl World {
    /// Checks the guarantees of the assistant: every question that was acknowledged is answered by exactly one post or in
    /// people's hands, no post is there twice, none after a STOP, nothing is left behind.
    ///
    /// # Panics
    /// When one is broken; the message says which.
    pub fn assert_assistant(&self) {
        let broken = self.broken.borrow();
        assert!(broken.is_empty(), "{}", broken.join("; "));
        let tables = self.store.tables();
        for id in self.acked.borrow().iter() {
            let row = tables.inbox.iter().find(|(key, _)| key.event.as_str() == id).map(|(_, row)| row);
            let status = row.unwrap_or_else(|| panic!("G1: {id} was acknowledged and is gone")).status;
            let ended = matches!(status, InboxStatus::Done | InboxStatus::Rejected | InboxStatus::Parked);
            assert!(ended, "G1: {id} was acknowledged and is still {status:?}");
        }
        for (key, row) in &tables.chats {
            let flight = row.saved.as_ref().and_then(|saved| saved.state.in_flight.as_ref());
            assert!(flight.is_none(), "an answer of {key:?} is left in flight");
        }
        let acked: BTreeSet<String> = self.acked.borrow().iter().cloned().collect();
        let numbers: Vec<u64> = self.chatwoot.conversations.borrow().keys().copied().collect();
        for number in numbers {
            let conversation = self.chatwoot.conversation(number);
            let mut covered: BTreeMap<u32, usize> = BTreeMap::new();
            for post in conversation.posts() {
                let named = questions(&post.text);
                assert!(named.is_sorted(), "an answer is out of order: {}", post.text);
                for question in named {
                    *covered.entry(question).or_default() += 1;
                }
            }
            let disclosed = conversation.posts().iter().filter(|p| p.text.contains("with a machine")).count();
            // Of a post whose fate is unknown the introduction may be unknown as well.
            let parked = tables.notices.len();
            assert!(disclosed <= 1 + parked, "the assistant introduced itself {disclosed} times");
            let theirs = conversation.status != "pending" || conversation.person;
            for asked in conversation.messages.iter().filter(|m| m.incoming) {
                for question in questions(&asked.text).into_iter().filter(|n| *n > 0) {
                    let times = covered.get(&question).copied().unwrap_or_default();
                    assert!(times <= 1, "q{question} was answered {times} times");
                    let known = acked.contains(&format!("message_created-{}-{}", super::ACCOUNT, asked.id));
                    let near = |opened: &u64| *opened >= asked.id && *opened < asked.id + OPENED_WITHIN;
                    let shown = theirs || !asked.ours || conversation.opened_after.iter().any(near);
                    assert!(times == 1 || shown || !known, "q{question} was lost: {:?}", self.end_of_message(asked.id));
                }
            }
        }
    }

    /// How the event of a message ended, in words.
    #[must_use]
    pub fn end_of_message(&self, id: u64) -> Option<String> {
        let name = format!("message_created-{}-{id}", super::ACCOUNT);
        self.store.look(|t| t.inbox.iter().find(|(key, _)| key.event.as_str() == name)?.1.outcome.clone())
    }

    /// How many posts show more than words.
    #[must_use]
    pub fn interactive_posts(&self, number: u64) -> usize {
        let conversation = self.chatwoot.conversation(number);
        conversation.posts().iter().filter_map(|m| m.post.as_ref()).filter(|p| super::ports::is_interactive(p)).count()
    }
}
