//! Where the window stood, and where it may stand now. In physical pixels, as the desktop counts.

use serde::{Deserialize, Serialize};

/// A window's place and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Geometry {
    /// From the left of the desktop.
    pub(crate) x: i32,
    /// From its top.
    pub(crate) y: i32,
    /// Without the frame.
    pub(crate) width: u32,
    /// Without the frame.
    pub(crate) height: u32,
}

/// How much of a window's top must be on a screen, so that a person can take hold of it.
const GRIP: i32 = 48;

impl Geometry {
    /// The same window on the screens there are now; `None` when none of them shows enough of it.
    pub(crate) fn on(self, screens: &[Geometry]) -> Option<Self> {
        let screen = screens.iter().find(|screen| screen.shows_the_grip_of(self))?;
        Some(Self { width: self.width.min(screen.width), height: self.height.min(screen.height), ..self })
    }

    fn shows_the_grip_of(&self, window: Self) -> bool {
        let (right, bottom) = (end(self.x, self.width), end(self.y, self.height));
        let overlap = end(window.x, window.width).min(right).saturating_sub(window.x.max(self.x));
        overlap >= GRIP && window.y >= self.y && window.y <= bottom.saturating_sub(GRIP)
    }
}

fn end(begin: i32, length: u32) -> i32 {
    begin.saturating_add_unsigned(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Geometry = Geometry { x: 0, y: 0, width: 1920, height: 1080 };
    const WINDOW: Geometry = Geometry { x: 100, y: 80, width: 440, height: 640 };

    #[test]
    fn a_window_comes_back_where_it_was() {
        assert_eq!(WINDOW.on(&[SCREEN]), Some(WINDOW));
        let second = Geometry { x: 1920, ..SCREEN };
        let there = Geometry { x: 2000, ..WINDOW };
        assert_eq!(there.on(&[SCREEN, second]), Some(there));
    }

    #[test]
    fn a_window_is_not_lost_on_a_screen_that_was_unplugged() {
        for (x, y) in [(2000, 80), (1900, 80), (-420, 80), (100, 1070), (100, -200), (i32::MAX, i32::MAX)] {
            assert_eq!(Geometry { x, y, ..WINDOW }.on(&[SCREEN]), None, "{x}, {y}");
        }
        assert_eq!(WINDOW.on(&[]), None);
    }

    #[test]
    fn a_window_is_not_larger_than_its_screen() {
        let large = Geometry { width: 5000, height: 5000, ..WINDOW };
        assert_eq!(large.on(&[SCREEN]), Some(Geometry { width: 1920, height: 1080, ..WINDOW }));
    }
}
