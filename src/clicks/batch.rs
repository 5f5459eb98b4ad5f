//! The clicks of one turn of a worker's event loop: written together, answered together. All of it lives on that
//! worker's thread.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The record could not be kept: no id may be handed out for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotKept;

#[derive(Default)]
struct State {
    outcome: Option<Result<(), NotKept>>,
    wakers: Vec<Waker>,
}

/// A group of records that is kept or lost as one.
#[derive(Default)]
pub(super) struct Batch(RefCell<State>);

impl Batch {
    /// Tells everybody who waits.
    pub(super) fn finish(&self, outcome: Result<(), NotKept>) {
        let wakers = {
            let mut state = self.0.borrow_mut();
            state.outcome = Some(outcome);
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Waits until a batch is written.
pub struct Written {
    batch: Rc<Batch>,
    /// Its place among those who wait, once it does.
    place: Option<usize>,
}

impl Written {
    pub(super) const fn new(batch: Rc<Batch>) -> Self {
        Self { batch, place: None }
    }
}

impl Future for Written {
    type Output = Result<(), NotKept>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let own = self.get_mut();
        let mut state = own.batch.0.borrow_mut();
        if let Some(outcome) = state.outcome {
            return Poll::Ready(outcome);
        }
        match own.place.and_then(|place| state.wakers.get_mut(place)) {
            Some(known) => known.clone_from(context.waker()),
            None => {
                own.place = Some(state.wakers.len());
                state.wakers.push(context.waker().clone());
            }
        }
        Poll::Pending
    }
}
