//! The icon in the notification area, its tooltip, and what its menu's entries do. A click does not open the menu here: Wine
//! does not say where an icon is (`Shell_NotifyIconGetRect`), and without that tray-icon takes no notice of clicks.

use super::logged_in;
use crate::desktop::{Desktop, eventually};

/// Where Wine's taskbar draws an icon, what it shows beside it, and the agent's own window behind both.
const ICON: &str = "__wine_tray_icon";
const TOOLTIP: &str = "tooltips_class32";
const AGENT: &str = "tray_icon_app";

/// The middle of the icon, once it is on the screen.
async fn place_of_the_icon(desktop: &Desktop) -> (u32, u32) {
    eventually("the icon", async || {
        let said = desktop.at_the_desk(&["rect", ICON]).await;
        let numbers: Vec<u32> = said.stdout.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        let [x, y, width, height] = numbers[..] else { return None };
        (width > 0 && height > 0).then_some((x + width / 2, y + height / 2))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_icon_says_how_the_login_is_and_an_entry_of_its_menu_ends_the_agent() {
    let mut scene = logged_in("--expires-in 1h").await;
    let (x, y) = place_of_the_icon(&scene.desktop).await;

    eventually("the tooltip", async || {
        // A hand is never quite still.
        scene.desktop.point_at((x - 1, y)).await;
        scene.desktop.point_at((x, y)).await;
        let said = scene.desktop.at_the_desk(&["text", TOOLTIP]).await;
        (said.stdout.starts_with("default ") && said.stdout.contains(" valid until ")).then_some(())
    })
    .await;

    // One after the other; the last one is Quit.
    scene.desktop.at_the_desk(&["choose", AGENT]).await.succeeded();
    assert!(scene.agent.ended().await.success());
}
