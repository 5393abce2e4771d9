//! The screen of a desktop: what is on it, and the pointer.

use std::fs;
use std::process::Command;

use super::Desktop;
use super::deadline::eventually;
use super::process::Outcome;

/// A place on the screen, in pixels from the top left.
pub(crate) type Point = (u32, u32);

/// Where the pointer covers nothing and raises no tooltip.
pub(crate) const NOWHERE: Point = (500, 700);

/// A card's main button, in light and nothing else here (`--accent` of the page).
const BUTTON: &str = "#0b7a66";

/// The buttons of a mouse, as X11 counts them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Button {
    Left = 1,
    Middle = 2,
    Right = 3,
}

/// A part of the screen, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) left: u32,
    pub(crate) top: u32,
}

impl Area {
    pub(crate) fn centre(self) -> Point {
        (self.left + self.width / 2, self.top + self.height / 2)
    }
}

impl Desktop {
    pub(crate) async fn point_at(&self, (x, y): Point) {
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string()]).await;
    }

    /// Clicks there, and leaves the pointer.
    pub(crate) async fn click_at(&self, point: Point, button: Button) {
        self.point_at(point).await;
        self.xdotool(&["click", &(button as u8).to_string()]).await;
    }

    async fn xdotool(&self, arguments: &[&str]) {
        let mut command = self.on_screen("xdotool");
        command.args(arguments);
        Outcome::of(command, b"").await.succeeded();
    }

    /// A program on the X server, which is below sway.
    fn on_screen(&self, program: &str) -> Command {
        let mut command = self.environment.command(program);
        command.envs(self.display.as_ref().map(|display| ("DISPLAY", display.name())));
        command
    }

    /// The whole screen as PNG.
    pub(crate) async fn screenshot(&self, name: &str) -> Vec<u8> {
        let file = self.environment.path(format!("{name}.png"));
        let mut command = self.on_screen("import");
        // Without the dates, equal screens are equal bytes.
        command.args(["-window", "root", "-define", "png:exclude-chunks=date,time"]);
        command.arg(&file);
        Outcome::of(command, b"").await.succeeded();
        fs::read(file).unwrap()
    }

    /// Waits until the screen differs from what it was and two looks in a row are equal.
    pub(crate) async fn screen_settles(&self, before: &[u8]) -> Vec<u8> {
        let mut last = Vec::new();
        eventually("the screen changes and comes to rest", async || {
            let now = self.screenshot("now").await;
            let settled = now == last && now != before;
            last = now;
            settled.then(|| last.clone())
        })
        .await
    }

    /// The rectangle in which two screens differ below this line; `None` where they are equal.
    pub(crate) async fn change_below(&self, line: u32, before: &[u8], after: &[u8]) -> Option<Area> {
        let said = self.compare(&format!("+0+{line}"), before, after, &["-trim", "-format", "%w %h %X %Y"]).await;
        let numbers = said.split_whitespace().map(|word| word.trim_start_matches('+').parse());
        match numbers.collect::<Result<Vec<u32>, _>>().ok()?[..] {
            [width, height, left, top] if width > 1 => Some(Area { width, height, left, top }),
            _ => None,
        }
    }

    /// Whether two screens differ in most of an area.
    pub(crate) async fn differ_in(&self, area: Area, before: &[u8], after: &[u8]) -> bool {
        let Area { width, height, left, top } = area;
        let part = format!("{width}x{height}+{left}+{top}");
        let share = self.compare(&part, before, after, &["-threshold", "0", "-format", "%[fx:mean]"]).await;
        share.trim().parse::<f64>().unwrap() > 0.5
    }

    /// What ImageMagick says about the difference of two screens in a part of them.
    async fn compare(&self, part: &str, before: &[u8], after: &[u8], question: &[&str]) -> String {
        let (old, new) = (self.environment.path("old.png"), self.environment.path("new.png"));
        fs::write(&old, before).unwrap();
        fs::write(&new, after).unwrap();
        let mut command = self.environment.command("convert");
        command.args([&old, &new]).args(["-alpha", "off", "-compose", "difference", "-composite", "-crop", part]);
        command.args(question).arg("info:");
        Outcome::of(command, b"").await.stdout
    }

    /// Waits until a window of ours has drawn its cards, and comes to rest.
    pub(crate) async fn window_is_drawn(&self) -> Vec<u8> {
        eventually("the window draws its button", async || {
            let screen = self.screenshot("now").await;
            self.has_colour(BUTTON, &screen).await.then_some(())
        })
        .await;
        self.screen_settles(&[]).await
    }

    async fn has_colour(&self, colour: &str, screen: &[u8]) -> bool {
        let file = self.environment.path("looked-at.png");
        fs::write(&file, screen).unwrap();
        let mut command = self.environment.command("convert");
        command.arg(file).args([
            "-alpha",
            "off",
            "-fill",
            "black",
            "+opaque",
            colour,
            "-format",
            "%[fx:mean>0.001]",
            "info:",
        ]);
        Outcome::of(command, b"").await.stdout.trim() == "1"
    }
}
