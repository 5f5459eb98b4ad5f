//! Who may write next: SQLite takes one writer at a time, so waiting writers are served by importance.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How soon a waiting writer is served; the first is the most urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Postbacks: a network waits for the answer.
    Postbacks,
    /// Pages and API: a person waits.
    Pages,
    /// The ingester: clicks are safe in the journal.
    Ingester,
    /// Everything that can wait.
    Maintenance,
}

const PRIORITIES: usize = 4;

#[derive(Default)]
struct Queue {
    is_taken: bool,
    waiting: [usize; PRIORITIES],
}

/// The gate itself, with what it guards.
pub struct WriteGate<T> {
    queue: Mutex<Queue>,
    changed: Condvar,
    inside: Mutex<T>,
}

/// The right to write; given back when dropped.
pub struct Turn<'a, T> {
    gate: &'a WriteGate<T>,
    inside: Option<MutexGuard<'a, T>>,
}

impl<T> WriteGate<T> {
    /// A gate around the one writing connection.
    pub fn new(inside: T) -> Self {
        Self { queue: Mutex::new(Queue::default()), changed: Condvar::new(), inside: Mutex::new(inside) }
    }

    /// Waits for a turn: until nobody writes and nobody more urgent waits.
    pub fn enter(&self, priority: Priority) -> Turn<'_, T> {
        let rank = priority as usize;
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |queue: &mut Queue, step: isize| {
            if let Some(waiting) = queue.waiting.get_mut(rank) {
                *waiting = waiting.saturating_add_signed(step);
            }
        };
        count(&mut queue, 1);
        while queue.is_taken || queue.waiting.iter().take(rank).any(|waiting| *waiting > 0) {
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        count(&mut queue, -1);
        queue.is_taken = true;
        drop(queue);
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        Turn { gate: self, inside: Some(inside) }
    }

    /// Whether anybody more urgent waits: a long writer ends its turn early then.
    pub fn is_wanted_before(&self, priority: Priority) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.waiting.iter().take(priority as usize).any(|waiting| *waiting > 0)
    }
}

impl<T> Turn<'_, T> {
    /// What the gate guards.
    pub fn get(&mut self) -> Option<&mut T> {
        self.inside.as_deref_mut()
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.inside = None;
        self.gate.queue.lock().unwrap_or_else(PoisonError::into_inner).is_taken = false;
        self.gate.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_more_urgent_goes_first_whoever_came_first() {
        let gate = Arc::new(WriteGate::new(Vec::new()));
        let first = gate.enter(Priority::Ingester);
        let mut threads = Vec::new();
        for (waiting, priority) in
            [Priority::Maintenance, Priority::Pages, Priority::Postbacks].into_iter().enumerate()
        {
            let other = Arc::clone(&gate);
            threads.push(std::thread::spawn(move || other.enter(priority).get().unwrap().push(priority)));
            while gate.queue.lock().unwrap().waiting.iter().sum::<usize>() <= waiting {
                std::thread::yield_now();
            }
        }
        assert!(gate.is_wanted_before(Priority::Ingester));
        drop(first);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let order = gate.enter(Priority::Maintenance).get().unwrap().clone();
        assert_eq!(order, [Priority::Postbacks, Priority::Pages, Priority::Maintenance]);
    }
}
