//! The clicks of one turn of a worker's event loop: written together, answered together.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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
pub struct Batch(Mutex<State>);

impl Batch {
    /// Tells everybody who waits.
    pub fn finish(&self, outcome: Result<(), NotKept>) {
        let wakers = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.outcome = Some(outcome);
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Waits until a batch is written.
pub struct Written(pub Arc<Batch>);

impl Future for Written {
    type Output = Result<(), NotKept>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.outcome {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                    state.wakers.push(context.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}
