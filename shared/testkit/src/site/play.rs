//! Runs servers side by side, one step at a time, and lets time pass when all of them wait.

use std::{
    future::Future,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use frontdesk_core::time::{Clock, UnixMillis};

use super::{Server, Site};
use crate::dice::Dice;

/// The end of a future that never has to wait for anybody.
///
/// # Panics
/// When it does.
pub(super) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a table of the model waits"),
    }
}

/// How a server's work ended.
#[derive(Debug)]
pub enum End<T> {
    /// With an answer.
    Answered {
        /// Which.
        with: T,
        /// How long it took.
        after: Duration,
    },
    /// It died; nobody was answered.
    Died,
}

impl<T> End<T> {
    /// The answer.
    ///
    /// # Panics
    /// When there was none.
    pub fn answer(self) -> T {
        match self {
            Self::Answered { with, after: _ } => with,
            Self::Died => panic!("the server died"),
        }
    }
}

struct Act<'a, T> {
    server: Server,
    began: UnixMillis,
    future: Option<Pin<Box<dyn Future<Output = T> + 'a>>>,
    end: Option<End<T>>,
}

/// Servers at work.
pub struct Play<'a, T> {
    site: Rc<Site>,
    acts: Vec<Act<'a, T>>,
}

impl<T> std::fmt::Debug for Play<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Play({} acts)", self.acts.len())
    }
}

impl<'a, T> Play<'a, T> {
    /// Nobody works yet.
    #[must_use]
    pub fn on(site: &Rc<Site>) -> Self {
        Self { site: Rc::clone(site), acts: Vec::new() }
    }

    /// A server takes up some work, and has not begun with it. Says which of them it is.
    pub fn begin(&mut self, server: &Server, work: impl Future<Output = T> + 'a) -> usize {
        let (server, began) = (server.clone(), self.site.clock.now());
        self.acts.push(Act { server, began, future: Some(Box::pin(work)), end: None });
        self.acts.len() - 1
    }

    /// One of them goes on until so many of its steps are done and it stands before the next, or has to wait, or has ended.
    pub fn walk(&mut self, which: usize, steps: usize) {
        while self.acts[which].end.is_none() && self.acts[which].server.walked.borrow().len() < steps && self.go(which)
        {
        }
    }

    /// How many steps one of them has taken.
    #[must_use]
    pub fn steps(&self, which: usize) -> usize {
        self.acts[which].server.walked.borrow().len()
    }

    /// Whether one of them has ended.
    #[must_use]
    pub fn has_ended(&self, which: usize) -> bool {
        self.acts[which].end.is_some()
    }

    /// All of them go on in turn until this moment, or until all have ended.
    ///
    /// # Panics
    /// When somebody waits for ever.
    pub fn run_until(&mut self, moment: UnixMillis) {
        for _ in 0..200_000 {
            let mut moved = false;
            for which in 0..self.acts.len() {
                moved |= self.go(which);
            }
            if self.acts.iter().all(|act| act.end.is_some()) {
                return;
            }
            if !moved && !self.time_passes(moment) {
                return;
            }
        }
        panic!("there is no end to it");
    }

    /// All of them go on in turn until all have ended.
    ///
    /// # Panics
    /// When somebody waits for ever.
    #[must_use]
    pub fn run(mut self) -> Vec<End<T>> {
        self.run_until(UnixMillis::new(i64::MAX));
        self.ends()
    }

    /// All of them go on by chance until all have ended.
    ///
    /// # Panics
    /// When somebody waits for ever.
    #[must_use]
    pub fn run_by_chance(mut self, dice: &mut Dice) -> Vec<End<T>> {
        let mut idle = 0;
        for _ in 0..200_000 {
            let open: Vec<usize> = (0..self.acts.len()).filter(|n| self.acts[*n].end.is_none()).collect();
            if open.is_empty() {
                return self.ends();
            }
            idle = if self.go(open[dice.roll(open.len())]) { 0 } else { idle + 1 };
            // Everybody had a turn, most likely; who had none is only late.
            if idle > 8 * open.len() {
                assert!(self.time_passes(UnixMillis::new(i64::MAX)), "somebody waits for ever");
                idle = 0;
            }
        }
        panic!("there is no end to it");
    }

    fn ends(self) -> Vec<End<T>> {
        self.acts.into_iter().map(|act| act.end.expect("somebody waits for ever")).collect()
    }

    /// One of them goes on to its next step. Says whether anything happened.
    fn go(&mut self, which: usize) -> bool {
        let act = &mut self.acts[which];
        let Some(future) = act.future.as_mut() else { return false };
        let before = self.site.moves.get();
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(with) => {
                let after = self.site.clock.now().since(act.began);
                act.end = Some(End::Answered { with, after });
            }
            Poll::Pending if act.server.is_dead() => act.end = Some(End::Died),
            Poll::Pending => return self.site.moves.get() != before,
        }
        // What a process had in memory is gone, and so is what it waited for.
        act.future = None;
        true
    }

    /// To the next moment that somebody waits for, if it is not after `end`.
    fn time_passes(&self, end: UnixMillis) -> bool {
        let next = self.site.timers.borrow().values().min().copied();
        match next {
            Some(next) if next <= end => {
                self.site.clock.advance_to(next);
                true
            }
            Some(_) => {
                self.site.clock.advance_to(end);
                false
            }
            None => panic!("somebody waits for ever"),
        }
    }
}

impl Site {
    /// A server does some work alone.
    pub fn runs<T>(self: &Rc<Self>, server: &Server, work: impl Future<Output = T>) -> End<T> {
        let mut play = Play::on(self);
        play.begin(server, work);
        play.run().remove(0)
    }
}
