//! The icon in the notification area, its tooltip and its menu, as Wine's taskbar shows them.

use super::logged_in;
use crate::desktop::{Clipboard, Desktop, eventually};

/// Where the taskbar of Wine draws an icon, what it shows beside it, and every menu that is open.
const ICON: &str = "__wine_tray_icon";
const TOOLTIP: &str = "tooltips_class32";
const MENU: &str = "#32768";

const RIGHT: &str = "3";

/// The middle of what is on the screen, once it is there.
async fn middle_of(desktop: &Desktop, class: &str) -> (u32, u32) {
    eventually(class, async || {
        let said = desktop.at_the_desk(&["rect", class]).await;
        let numbers: Vec<u32> = said.stdout.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        let [x, y, width, height] = numbers[..] else { return None };
        (width > 0 && height > 0).then_some((x + width / 2, y + height / 2))
    })
    .await
}

async fn click_on_the_icon(desktop: &Desktop, button: &str) {
    let place = middle_of(desktop, ICON).await;
    desktop.point_at(place).await;
    desktop.xdotool(&["click", button]).await;
}

/// Keys choose in a menu that is open: Wine shows no program the words in another one's.
async fn choose(desktop: &Desktop, keys: &[&str]) {
    click_on_the_icon(desktop, RIGHT).await;
    middle_of(desktop, MENU).await;
    for key in keys {
        desktop.xdotool(&["key", key]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_icon_says_how_the_login_is_and_its_menu_does_what_it_offers() {
    let mut scene = logged_in("--expires-in 1h").await;
    let desktop = &scene.desktop;
    let place = middle_of(desktop, ICON).await;

    eventually("the tooltip", async || {
        // A hand is never quite still.
        desktop.point_at((place.0 - 1, place.1)).await;
        desktop.point_at(place).await;
        let said = desktop.at_the_desk(&["text", TOOLTIP]).await;
        (said.stdout.starts_with("default ") && said.stdout.contains(" valid until ")).then_some(())
    })
    .await;

    choose(desktop, &["Down", "Return"]).await;
    let token = desktop.token().await;
    Clipboard::of(desktop).until("the token is on the clipboard", |text| text == token).await;

    choose(desktop, &["Up", "Return"]).await;
    assert!(scene.agent.ended().await.success(), "the last entry ends the agent");
}
