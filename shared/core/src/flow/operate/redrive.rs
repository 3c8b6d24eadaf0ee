//! Sets many ended events going again, no faster than the workers and providers can bear.
//!
//! | dies | the row says | who brings it |
//! |---|---|---|
//! | before a row's write | as it ended | the same run again |
//! | after it, before the queue took its key | waiting | the sweeper |
//! | after that | waiting, or whatever its worker made of it | its worker |

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    ids::RunId,
    inbox::InboxKey,
    queue::{EventQueue, QueueError, Wake},
    redrive::{Decided, Redrives, Reopened, Reopening, Seen, Unfit},
    store::StoreError,
    time::{Clock, UnixMillis},
    token::Pause,
};

/// A queue takes so many at once.
const BATCH: usize = 10;
/// After so many batches in a row that the queue did not take, it is left alone: the sweeper would bring the rest at its own
/// speed.
const QUEUE_TRIES: u32 = 3;

/// What a redrive needs.
#[derive(Debug)]
pub struct Redrive<'a, S, Q, W, C> {
    /// The inbox.
    pub store: &'a S,
    /// The workers' queues.
    pub queue: &'a Q,
    /// Waits.
    pub pause: &'a W,
    /// Time.
    pub clock: &'a C,
}

/// What is wanted of a redrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orders {
    /// Its run: a row that it has set going once it leaves alone.
    pub run: RunId,
    /// Who wants it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// So many a second at most.
    pub rate: u32,
    /// How long a row is kept from now on.
    pub keep: Duration,
    /// The machine's answers are made once more.
    pub anew: bool,
}

/// How a redrive went, as far as it got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redriven {
    /// Rows that wait again.
    pub waiting: u64,
    /// Those of them whose key the queue did not take, as far as it said; the sweeper queues them.
    pub left_to_sweeper: u64,
    /// Rows that could not be set going, and why.
    pub unfit: Vec<(InboxKey, Unfit)>,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
}

/// Why a redrive stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The table.
    Store(StoreError),
    /// The queue, several times in a row.
    Queue(QueueError),
}

impl<S: Redrives, Q: EventQueue, W: Pause, C: Clock> Redrive<'_, S, Q, W, C> {
    /// Sets these rows going again, in this order, and says after each batch how far it is.
    pub async fn run(&self, rows: &[Seen], orders: &Orders, mut told: impl FnMut(u64)) -> Redriven {
        let mut done = Redriven::default();
        let rate = usize::try_from(orders.rate.max(1)).unwrap_or(usize::MAX);
        let began_at = self.clock.now();
        let (mut begun, mut refused) = (0_u64, 0);
        for batch in rows.chunks(BATCH.min(rate)) {
            self.wait_until(began_at.plus(span(begun, orders.rate))).await;
            let wakes = self.reopen(batch, orders, &mut done).await;
            match self.queue.enqueue(&wakes).await {
                Ok(()) => refused = 0,
                Err(error) => {
                    refused += 1;
                    // Some of them may have been taken; all are said to be left, since those too would only come twice.
                    done.left_to_sweeper += count(wakes.len());
                    if refused >= QUEUE_TRIES {
                        done.stopped.get_or_insert(Stopped::Queue(error));
                    }
                }
            }
            begun += count(batch.len());
            told(count(batch.len()));
            if done.stopped.is_some() {
                break;
            }
        }
        done
    }

    /// Opens the rows of a batch; what is to be queued, in their order.
    async fn reopen(&self, batch: &[Seen], orders: &Orders, done: &mut Redriven) -> Vec<Wake> {
        let at = self.clock.now();
        let wanted: Vec<Reopening> = batch.iter().map(|seen| reopening(seen, orders, at)).collect();
        let mut wakes = Vec::with_capacity(batch.len());
        for (seen, outcome) in batch.iter().zip(join_all(wanted.iter().map(|one| self.store.reopen(one))).await) {
            match outcome {
                Ok(Reopened::Waiting(wake)) => {
                    done.waiting += 1;
                    wakes.push(wake);
                }
                Ok(Reopened::Unfit(why)) => done.unfit.push((seen.key.clone(), why)),
                Err(error) => {
                    done.stopped.get_or_insert(Stopped::Store(error));
                }
            }
        }
        wakes
    }

    async fn wait_until(&self, at: UnixMillis) {
        let wait = at.since(self.clock.now());
        if !wait.is_zero() {
            self.pause.pause(wait).await;
        }
    }
}

fn reopening(seen: &Seen, orders: &Orders, at: UnixMillis) -> Reopening {
    let kept = at.plus(orders.keep);
    Reopening {
        seen: seen.clone(),
        run: orders.run.clone(),
        decided: Decided { by: orders.by.clone(), reason: orders.reason.clone(), at },
        // As long as one that comes now; nothing is forgotten earlier than it would have been.
        expires_at: seen.expires_at.map_or(kept, |at| at.max(kept)),
        anew: orders.anew,
    }
}

/// How long so many take at a rate.
fn span(begun: u64, rate: u32) -> Duration {
    Duration::from_millis(begun.saturating_mul(1_000) / u64::from(rate.max(1)))
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
