//! Empties a dead-letter queue: what is open goes back, what has ended is deleted, the rest stays.
//!
//! A message is deleted only after its key is back in its queue, so whoever dies in between leaves it in both: its row is
//! worked on once. Until then it is hidden, and shown again when the run is over, or by itself after [`HOLD`].

use std::time::Duration;

use crate::{
    dead_letter::{DeadLetters, Fate, Letter, Named, SendAgain, Standing},
    ids::GroupId,
    queue::QueueError,
    store::StoreError,
};

/// How long a message is hidden that is being seen to. Long enough for the batches behind it.
pub const HOLD: Duration = Duration::from_secs(300);

/// What a message names, where that stands, and the line that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// What it names.
    pub named: Named,
    /// Where that stands.
    pub standing: Standing,
    /// The line of its row.
    pub line: Option<GroupId>,
}

/// How emptying went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emptied {
    /// Messages that are back in their queue, and gone from here.
    pub back: u64,
    /// Messages that were deleted, since nothing is left to do.
    pub answered: u64,
    /// Messages that stay, and why.
    pub stays: Vec<(Letter, Named, &'static str)>,
    /// Messages that could not be sent back or deleted; the same again tries once more.
    pub failed: u64,
    /// The first trouble.
    pub trouble: Option<String>,
}

/// Empties a queue. `read` says where that stands which a message names; `back_to` is the queue that it died in, if there is
/// one.
pub async fn empty(
    letters: &impl DeadLetters,
    back_to: Option<&impl SendAgain>,
    read: impl AsyncFn(&Letter) -> Result<Read, StoreError>,
    mut told: impl FnMut(u64),
) -> Emptied {
    let mut done = Emptied::default();
    let mut kept: Vec<Letter> = Vec::new();
    loop {
        let batch = match letters.take(HOLD).await {
            Ok(batch) => batch,
            Err(error) => {
                done.trouble.get_or_insert(error.to_string());
                break;
            }
        };
        if batch.is_empty() {
            break;
        }
        told(u64::try_from(batch.len()).unwrap_or(u64::MAX));
        let mut unreachable = false;
        for letter in batch {
            let one = match read(&letter).await {
                Ok(one) => one,
                Err(error) => {
                    done.trouble.get_or_insert(error.to_string());
                    done.failed += 1;
                    unreachable = true;
                    kept.push(letter);
                    continue;
                }
            };
            match see_to(letters, back_to, &letter, &one).await {
                Ok(Fate::Back) => done.back += 1,
                Ok(Fate::Answered(_)) => done.answered += 1,
                Ok(Fate::Stays(why)) => {
                    done.stays.push((letter.clone(), one.named, why));
                    kept.push(letter);
                }
                Err(error) => {
                    done.trouble.get_or_insert(error.to_string());
                    done.failed += 1;
                    kept.push(letter);
                }
            }
        }
        if unreachable {
            break;
        }
    }
    if let Err(error) = letters.put_back(&kept).await {
        // They show themselves again after a while.
        done.trouble.get_or_insert(error.to_string());
    }
    done
}

async fn see_to(
    letters: &impl DeadLetters,
    back_to: Option<&impl SendAgain>,
    letter: &Letter,
    read: &Read,
) -> Result<Fate, QueueError> {
    let fate = read.standing.fate();
    match (fate, back_to) {
        (Fate::Back, Some(queue)) => {
            queue.send_again(&letter.body, read.line.as_ref().or(letter.group.as_ref())).await?;
            letters.delete(letter).await?;
        }
        (Fate::Back, None) => return Ok(Fate::Stays("it is not known in which queue it died")),
        (Fate::Answered(_), _) => letters.delete(letter).await?,
        (Fate::Stays(_), _) => {}
    }
    Ok(fate)
}
