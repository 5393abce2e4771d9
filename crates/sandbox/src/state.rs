//! The model as the connections share it: change it, read it, wait for it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::model::Model;

/// A handle to the one model. Whoever waits is woken by every change.
#[derive(Clone)]
pub(crate) struct Shared(Arc<watch::Sender<Model>>);

impl Shared {
    pub(crate) fn new(model: Model) -> Self {
        Self(Arc::new(watch::Sender::new(model)))
    }

    /// The server's own clock.
    pub(crate) fn now(&self) -> Timestamp {
        now(&self.0.borrow())
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Model, Timestamp) -> T) -> T {
        let model = self.0.borrow();
        read(&model, now(&model))
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Model, Timestamp) -> T) -> T {
        let mut changed = None;
        // The closure runs exactly once; `send_modify` has no way to hand its result out.
        self.0.send_modify(|model| {
            let now = now(model);
            changed = Some(change(model, now));
        });
        changed.unwrap_or_else(|| unreachable!("send_modify calls its closure"))
    }

    pub(crate) async fn wait_until(&self, condition: impl FnMut(&Model) -> bool) {
        // An error would mean that the sender is gone, which this handle holds.
        let _ = self.0.subscribe().wait_for(condition).await;
    }

    /// Waits at a gate until it is released.
    pub(crate) async fn pass(&self, gate: &str) {
        let mut changes = self.0.subscribe();
        self.change(|model, _| model.gates.arrive(gate));
        while !self.0.send_if_modified(|model| model.gates.pass(gate)) {
            let _ = changes.changed().await;
        }
    }
}

fn now(model: &Model) -> Timestamp {
    model.skew.apply(Timestamp::now())
}
