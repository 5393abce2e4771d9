//! A person looks at the window.

use std::sync::Arc;

use tokio::sync::Notify;

/// Rings when a person looks at the window again.
#[derive(Debug, Default, Clone)]
pub(crate) struct Attention(Arc<Notify>);

impl Attention {
    /// A person looks.
    pub(crate) fn again(&self) {
        self.0.notify_one();
    }

    /// Returns when a person looks again.
    pub(crate) async fn next(&self) {
        self.0.notified().await;
    }
}
