//! Named gates at which requests wait until somebody lets them through.

use std::collections::BTreeMap;

/// Each release of a name lets one request through, whether it is waiting already or comes later.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    releases: BTreeMap<String, u32>,
    waiting: Vec<String>,
}

impl Gates {
    pub(crate) fn arrive(&mut self, name: &str) {
        self.waiting.push(name.into());
    }

    /// Whether one that has arrived may go on. Uses up one release.
    pub(crate) fn pass(&mut self, name: &str) -> bool {
        let Some(releases) = self.releases.get_mut(name).filter(|releases| **releases > 0) else {
            return false;
        };
        *releases -= 1;
        if let Some(index) = self.waiting.iter().position(|waiting| waiting == name) {
            self.waiting.remove(index);
        }
        true
    }

    pub(crate) fn release(&mut self, name: &str) {
        *self.releases.entry(name.into()).or_default() += 1;
    }

    pub(crate) fn is_waiting(&self, name: &str) -> bool {
        self.waiting.iter().any(|waiting| waiting == name)
    }

    /// In the order in which they arrived.
    pub(crate) fn waiting(&self) -> &[String] {
        &self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_lets_one_through() {
        let mut gates = Gates::default();
        gates.arrive("a");
        gates.arrive("a");
        assert!(!gates.pass("a"));
        gates.release("b");
        assert!(!gates.pass("a"), "another name");
        gates.release("a");
        assert!(gates.pass("a"));
        assert!(!gates.pass("a"), "used up");
        assert_eq!(gates.waiting(), ["a"]);
    }

    #[test]
    fn a_release_may_come_first() {
        let mut gates = Gates::default();
        gates.release("a");
        gates.arrive("a");
        assert!(gates.is_waiting("a"));
        assert!(gates.pass("a"));
        assert!(!gates.is_waiting("a"));
    }
}
