//! A server's side of every port: one step each, and what can go wrong with it.

use std::{
    future::{Future, pending, poll_fn},
    task::Poll,
    time::Duration,
};

use frontdesk_core::{
    agent::{Agent, Catalogue, ModelFailure, ProductQuery, Talk, Thought},
    chat::{Chat, ChatKey, Chats},
    contact::{
        ChangeOutcome, Contact, Contacts, Hold, HoldOutcome, Meeting, MirrorDue, MirrorOutcome, NotTextable,
        OptOutChange, PodiumLink,
    },
    directory::{LocationBook, Locations},
    flow::ingest::SecretSource,
    form::{Forms, Submission, SubmissionId},
    ids::{EffectKey, Ids, OwnerToken, ProviderId, Shard},
    inbox::{Accepted, Attempt, EventEnd, Inbox, InboxClaim, InboxKey, NewEvent, WaitingRow},
    notice::{Notice, NoticeClaim, NoticeDue, NoticeKey, NoticeQueue, NoticeStep, Notices},
    outbound::Product,
    phone::E164Phone,
    provider::{Limits, NotDone, Provider, Tally},
    queue::{DelaySeconds, EventQueue, QueueError, Wake},
    rate::{Admission, RateKey, RateRule, RateWindows},
    signature::LiveSecrets,
    store::{Fenced, Lease, StoreError},
    telemetry::{Gauge, Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
    token::Pause,
    upload::{UploadKey, UploadOffer, UploadedFile, Uploads},
};

use super::{Mishap, Server, Site};

/// A moment that somebody waits for; nobody does any more when it is dropped.
struct Timer<'a> {
    site: &'a Site,
    number: u64,
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.site.timers.borrow_mut().remove(&self.number);
    }
}

impl Site {
    async fn sleep(&self, span: Duration) {
        let until = self.clock.now().plus(span);
        self.timed.set(self.timed.get() + 1);
        let timer = Timer { site: self, number: self.timed.get() };
        self.timers.borrow_mut().insert(timer.number, until);
        // Whoever joins several futures polls only those that woke it.
        poll_fn(|context| {
            if self.clock.now() >= until {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.moved();
    }

    fn moved(&self) {
        self.moves.set(self.moves.get() + 1);
    }
}

impl Server {
    /// Takes one step, in the way that the plan has for it; `None`: it failed, and whether it took effect the caller cannot
    /// know.
    async fn step<T>(&self, name: &'static str, apply: impl Future<Output = T>) -> Option<T> {
        // Others may go on meanwhile.
        let mut stopped = false;
        poll_fn(|context| {
            if std::mem::replace(&mut stopped, true) {
                return Poll::Ready(());
            }
            self.site.moved();
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        let number = self.walked.borrow().len();
        self.walked.borrow_mut().push(name);
        match self.plan.get(&number) {
            None => Some(apply.await),
            Some(Mishap::NotApplied) => None,
            Some(Mishap::ReplyLost) => {
                apply.await;
                None
            }
            Some(Mishap::CrashBefore) => self.die().await,
            Some(Mishap::CrashAfter) => {
                apply.await;
                self.die().await
            }
            Some(Mishap::Slow(span)) => {
                self.site.sleep(*span).await;
                Some(apply.await)
            }
            Some(Mishap::Hangs) => pending().await,
            Some(Mishap::Panics) => panic!("a bug at {name}"),
        }
    }

    async fn die<T>(&self) -> T {
        self.dead.set(true);
        pending().await
    }

    async fn stored<T>(
        &self,
        name: &'static str,
        apply: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let silent = || StoreError::Unavailable { table: name, detail: "no answer".into() };
        self.step(name, apply).await.unwrap_or_else(|| Err(silent()))
    }

    async fn at_the_storage<T>(
        &self,
        name: &'static str,
        apply: impl Future<Output = Result<T, NotDone>>,
    ) -> Result<T, NotDone> {
        let silent = || NotDone::unavailable(Provider::Uploads, "no answer");
        self.step(name, apply).await.unwrap_or_else(|| Err(silent()))
    }
}

impl Ids for Server {
    fn owner(&self) -> OwnerToken {
        self.site.ids.owner()
    }
}

impl Telemetry for Server {
    fn count(&self, metric: Metric, kind: Option<&'static str>) {
        self.site.recorder.count(metric, kind);
    }

    fn measure(&self, gauge: Gauge, value: u64) {
        self.site.recorder.measure(gauge, value);
    }

    fn line(&self, line: Line) {
        self.site.recorder.line(line);
    }
}

impl Pause for Server {
    async fn pause(&self, span: Duration) {
        self.site.sleep(span).await;
    }
}

impl SecretSource for Server {
    async fn live(&self) -> LiveSecrets {
        self.known.borrow().clone()
    }

    async fn look_again(&self) -> Option<LiveSecrets> {
        if self.looked.replace(true) {
            return None;
        }
        self.known.replace(self.site.secrets.borrow().clone());
        Some(self.known.borrow().clone())
    }
}

impl Agent for Server {
    async fn think(&self, talk: &Talk<'_>) -> Result<Thought, ModelFailure> {
        let silent = || Err(ModelFailure::Transient { detail: "no answer".into() });
        let thinks = self.step("think", async {
            let thinks = self.site.mind.thinks(talk, self.site.clock.now()).await;
            if thinks.heeds_its_time && thinks.for_so_long > talk.timeout {
                self.site.sleep(talk.timeout).await;
                return Err(ModelFailure::Transient { detail: "no answer in time".into() });
            }
            if thinks.for_so_long > Duration::ZERO {
                self.site.sleep(thinks.for_so_long).await;
            }
            thinks.result
        });
        thinks.await.unwrap_or_else(silent)
    }

    fn sees(&self) -> bool {
        false
    }
}

impl Catalogue for Server {
    async fn search(&self, _query: &ProductQuery) -> Result<Option<Vec<Product>>, NotDone> {
        let silent = || Err(NotDone::unavailable(Provider::Catalogue, "no answer"));
        let found = self.step("search", async { self.site.mind.products.borrow().clone() }).await;
        found.map_or_else(silent, Ok)
    }

    fn is_open(&self) -> bool {
        self.site.mind.products.borrow().is_some()
    }
}

impl RateWindows for Server {
    async fn admit(&self, key: &RateKey, rule: RateRule, now: UnixMillis) -> Result<Admission, StoreError> {
        self.stored("admit", self.site.store.admit(key, rule, now)).await
    }
}

impl Chats for Server {
    async fn chat(&self, key: &ChatKey, now: UnixMillis) -> Result<Chat, StoreError> {
        self.stored("chat", self.site.store.chat(key, now)).await
    }

    async fn save_chat(&self, chat: &Chat, keep: Duration, now: UnixMillis) -> Result<Fenced, StoreError> {
        self.stored("save_chat", self.site.store.save_chat(chat, keep, now)).await
    }
}

impl Limits for Server {
    async fn tally(&self, tally: &Tally) -> Result<bool, StoreError> {
        self.stored("tally", self.site.store.tally(tally)).await
    }

    async fn pause(&self, provider: Provider, until: UnixMillis) -> Result<(), StoreError> {
        self.stored("pause", self.site.store.pause(provider, until)).await
    }

    async fn paused_until(&self, provider: Provider, now: UnixMillis) -> Result<Option<UnixMillis>, StoreError> {
        self.stored("paused_until", self.site.store.paused_until(provider, now)).await
    }
}

impl Notices for Server {
    async fn open_notice(&self, notice: &Notice) -> Result<bool, StoreError> {
        self.stored("open_notice", self.site.store.open_notice(notice)).await
    }

    async fn claim_notice(&self, key: &NoticeKey, lease: &Lease) -> Result<NoticeClaim, StoreError> {
        self.stored("claim_notice", self.site.store.claim_notice(key, lease)).await
    }

    async fn step_notice(&self, key: &NoticeKey, lease: &Lease, step: &NoticeStep) -> Result<Fenced, StoreError> {
        self.stored("step_notice", self.site.store.step_notice(key, lease, step)).await
    }

    async fn notices_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<NoticeDue>, StoreError> {
        self.stored("notices_due", self.site.store.notices_due(shard, before, limit)).await
    }
}

impl Forms for Server {
    async fn submit(&self, submission: &Submission, notice: &Notice) -> Result<bool, StoreError> {
        self.stored("submit", self.site.store.submit(submission, notice)).await
    }

    async fn submission(&self, id: &SubmissionId, now: UnixMillis) -> Result<Option<Submission>, StoreError> {
        self.stored("submission", self.site.store.submission(id, now)).await
    }
}

impl NoticeQueue for Server {
    async fn enqueue_notice(&self, key: &NoticeKey, _delay: DelaySeconds) -> Result<(), QueueError> {
        let put = self.step("enqueue_notice", async { self.site.notices.borrow_mut().push(key.clone()) }).await;
        put.ok_or_else(|| QueueError { queue: "notices", detail: "no answer".into() })
    }
}

impl EventQueue for Server {
    async fn enqueue(&self, wakes: &[Wake]) -> Result<(), QueueError> {
        let put = self.step("enqueue", async { self.site.wakes.borrow_mut().extend_from_slice(wakes) }).await;
        put.ok_or_else(|| QueueError { queue: "podium", detail: "no answer".into() })
    }
}

impl Uploads for Server {
    fn is_open(&self) -> bool {
        Uploads::is_open(&self.site.storage)
    }

    async fn offer(&self, key: &UploadKey, bytes: u64, mime: &str, now: UnixMillis) -> Result<UploadOffer, NotDone> {
        self.at_the_storage("offer", self.site.storage.offer(key, bytes, mime, now)).await
    }

    async fn look(&self, key: &UploadKey) -> Result<Option<UploadedFile>, NotDone> {
        self.at_the_storage("look", self.site.storage.look(key)).await
    }

    async fn link(&self, key: &UploadKey, file_name: &str, now: UnixMillis) -> Result<String, NotDone> {
        self.at_the_storage("link", self.site.storage.link(key, file_name, now)).await
    }
}

impl Locations for Server {
    async fn locations(&self) -> Result<Option<LocationBook>, StoreError> {
        self.stored("locations", self.site.store.locations()).await
    }

    async fn keep_locations(&self, book: &LocationBook) -> Result<(), StoreError> {
        self.stored("keep_locations", self.site.store.keep_locations(book)).await
    }
}

impl Inbox for Server {
    async fn accept(&self, event: &NewEvent) -> Result<Accepted, StoreError> {
        self.stored("accept", self.site.store.accept(event)).await
    }

    async fn claim(&self, key: &InboxKey, lease: &Lease) -> Result<InboxClaim, StoreError> {
        self.stored("claim", self.site.store.claim(key, lease)).await
    }

    async fn finish(&self, key: &InboxKey, lease: &Lease, end: &EventEnd) -> Result<Fenced, StoreError> {
        self.stored("finish", self.site.store.finish(key, lease, end)).await
    }

    async fn release(&self, key: &InboxKey, lease: &Lease, attempt: Attempt) -> Result<Fenced, StoreError> {
        self.stored("release", self.site.store.release(key, lease, attempt)).await
    }

    async fn waiting(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<WaitingRow>, StoreError> {
        self.stored("waiting", self.site.store.waiting(shard, before, limit)).await
    }

    async fn requeue(&self, row: &WaitingRow, now: UnixMillis) -> Result<Option<UnixMillis>, StoreError> {
        self.stored("requeue", self.site.store.requeue(row, now)).await
    }
}

/// Of contacts a browser's request reads one, and records an opt-out. What else there is belongs to others.
impl Contacts for Server {
    async fn contact(&self, phone: &E164Phone) -> Result<Option<Contact>, StoreError> {
        self.stored("contact", self.site.store.contact(phone)).await
    }

    async fn record_opt_out(&self, change: &OptOutChange) -> Result<ChangeOutcome, StoreError> {
        self.stored("record_opt_out", self.site.store.record_opt_out(change)).await
    }

    async fn hold(&self, hold: &Hold) -> Result<HoldOutcome, StoreError> {
        self.site.store.hold(hold).await
    }

    async fn release_hold(&self, phone: &E164Phone, intent: &EffectKey) -> Result<bool, StoreError> {
        self.site.store.release_hold(phone, intent).await
    }

    async fn mark_not_textable(&self, phone: &E164Phone, why: NotTextable, now: UnixMillis) -> Result<(), StoreError> {
        self.site.store.mark_not_textable(phone, why, now).await
    }

    async fn flag_for_review(&self, phone: &E164Phone, now: UnixMillis) -> Result<(), StoreError> {
        self.site.store.flag_for_review(phone, now).await
    }

    async fn meet(&self, meeting: &Meeting) -> Result<Contact, StoreError> {
        self.site.store.meet(meeting).await
    }

    async fn link_podium(&self, phone: &E164Phone, link: &PodiumLink, now: UnixMillis) -> Result<(), StoreError> {
        self.site.store.link_podium(phone, link, now).await
    }

    async fn unlink_podium(&self, phone: &E164Phone, uid: &ProviderId) -> Result<(), StoreError> {
        self.site.store.unlink_podium(phone, uid).await
    }

    async fn mirrors_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<MirrorDue>, StoreError> {
        self.site.store.mirrors_due(shard, before, limit).await
    }

    async fn note_telling(&self, phone: &E164Phone) -> Result<(), StoreError> {
        self.site.store.note_telling(phone).await
    }

    async fn erase_contact(&self, phone: &E164Phone) -> Result<(), StoreError> {
        self.site.store.erase_contact(phone).await
    }

    async fn settle_mirror(&self, due: &MirrorDue, outcome: &MirrorOutcome) -> Result<(), StoreError> {
        self.site.store.settle_mirror(due, outcome).await
    }
}
