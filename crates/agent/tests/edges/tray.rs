use std::sync::{Arc, Mutex};

use evertoken_agent::desktop::tray::{Provider, Tray};
use evertoken_core::present::tray::{Action, Icon, MenuItem, Tray as Content};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::zvariant::Structure;
use zbus::{MatchRule, MessageStream};

use crate::panel::Panel;

fn content(line: &str, icon: Icon) -> Content {
    let item = |label: &str, enabled, action| MenuItem::Item { label: label.to_owned(), enabled, action };
    let copy = |name: &str| item(name, true, Action::Copy(name.parse().unwrap()));
    Content {
        icon,
        headline: "team_eu · valid until 14:32".to_owned(),
        tooltip: String::new(),
        menu: vec![
            MenuItem::Line(line.to_owned()),
            MenuItem::Separator,
            MenuItem::Submenu { label: "Copy access token".to_owned(), items: vec![copy("a"), copy("b")] },
            item("Refresh now", false, Action::Refresh("a".parse().unwrap())),
            item("Quit", true, Action::Quit),
        ],
    }
}

/// What the tray shows is what was last put in here.
fn changing(first: Content) -> (Arc<Mutex<Content>>, Provider) {
    let content = Arc::new(Mutex::new(first));
    let shown = Arc::clone(&content);
    (content, Arc::new(move || shown.lock().unwrap().clone()))
}

desk_test!(without display: a_person_sees_the_state_and_what_they_choose_is_done, |desk| {
    let _bus = desk.session_bus();
    let mut panel = Panel::start().await;
    let (shown, provider) = changing(content("team_eu · valid, 2 h 0 min left", Icon::Valid));
    let (sender, mut actions) = mpsc::unbounded_channel();
    let tray = Tray::start(provider, sender);
    let icon = panel.icon().await;

    icon.left_click().await;
    assert_eq!(actions.recv().await, Some(Action::OpenWindow));
    icon.middle_click().await;
    assert_eq!(actions.recv().await, Some(Action::CopyDefault));
    let menu = icon.open_menu().await;
    let lines: Vec<(&str, bool)> = menu.iter().map(|(_, label, enabled)| (label.as_str(), *enabled)).collect();
    assert_eq!(
        lines,
        [
            ("team__eu · valid, 2 h 0 min left", false),
            ("Copy access token", true),
            ("a", true),
            ("b", true),
            ("Refresh now", false),
            ("Quit", true),
        ]
    );
    icon.choose("b").await;
    assert_eq!(actions.recv().await, Some(Action::Copy("b".parse().unwrap())));
    icon.choose("Quit").await;
    assert_eq!(actions.recv().await, Some(Action::Quit));
    let tooltip = Structure::try_from(icon.property("ToolTip").await).unwrap();
    assert!(format!("{tooltip:?}").contains("team_eu · valid until 14:32"));
    assert_eq!(String::try_from(icon.property("Status").await).unwrap(), "Active");

    // Nobody says that time has passed; the menu is right all the same when it opens.
    shown.lock().unwrap().menu = content("team_eu · valid, 1 h 59 min left", Icon::Valid).menu;
    assert_eq!(icon.open_menu().await[0].1, "team__eu · valid, 1 h 59 min left");

    let rule = MatchRule::builder().interface("org.kde.StatusNotifierItem").unwrap().member("NewStatus").unwrap();
    let mut status = MessageStream::for_match_rule(rule.build(), &panel.connection, None).await.unwrap();
    *shown.lock().unwrap() = content("team_eu · log in again", Icon::LoginRequired);
    tray.refresh();
    let status = status.next().await.unwrap().unwrap();
    assert_eq!(status.body().deserialize::<&str>().unwrap(), "NeedsAttention");
    assert_eq!(icon.open_menu().await[0].1, "team__eu · log in again");
});

desk_test!(without display: the_icon_comes_with_every_panel_and_every_bus, |desk| {
    let (_shown, provider) = changing(content("a", Icon::Valid));
    let (sender, mut actions) = mpsc::unbounded_channel();
    let _tray = Tray::start(provider, sender);
    tokio::task::yield_now().await;
    let bus = desk.session_bus();
    crate::desk::listened_for(&zbus::Connection::session().await.unwrap(), crate::panel::WATCHER).await;

    let mut panel = Panel::start().await;
    panel.icon().await.left_click().await;
    assert_eq!(actions.recv().await, Some(Action::OpenWindow));
    panel.connection.close().await.unwrap();
    let mut panel = Panel::start().await;
    panel.icon().await.left_click().await;
    assert_eq!(actions.recv().await, Some(Action::OpenWindow));

    drop(bus);
    let _bus = desk.session_bus();
    let mut panel = Panel::start().await;
    panel.icon().await.left_click().await;
    assert_eq!(actions.recv().await, Some(Action::OpenWindow));
});

desk_test!(without display: the_icon_goes_with_the_tray, |desk| {
    let _bus = desk.session_bus();
    let mut panel = Panel::start().await;
    let (_shown, provider) = changing(content("a", Icon::Valid));
    let (sender, _actions) = mpsc::unbounded_channel();
    let tray = Tray::start(provider, sender);
    let icon = panel.icon().await;
    let bus = zbus::fdo::DBusProxy::new(&panel.connection).await.unwrap();
    let mut owners = bus.receive_name_owner_changed_with_args(&[(0, icon.name())]).await.unwrap();
    drop(tray);
    assert!(owners.next().await.unwrap().args().unwrap().new_owner().is_none());
});

desk_test!(without display: a_panel_that_colours_icons_itself_is_told_their_names_and_any_other_has_the_pictures, |desk| {
    let _bus = desk.session_bus();
    let mut panel = Panel::start().await;
    let (shown, provider) = changing(content("a · valid", Icon::Valid));
    let tray = Tray::start(provider, mpsc::unbounded_channel().0);
    let icon = panel.icon().await;
    let name = async |property| String::try_from(icon.property(property).await).unwrap();
    assert_eq!([name("IconName").await, name("AttentionIconName").await], ["", ""], "unless it is asked for");
    let rule = MatchRule::builder().interface("org.kde.StatusNotifierItem").unwrap().member("NewIcon").unwrap();
    let mut changes = MessageStream::for_match_rule(rule.build(), &panel.connection, None).await.unwrap();

    tray.show_symbolic(true);
    changes.next().await.unwrap().unwrap();
    assert_eq!([name("IconName").await, name("AttentionIconName").await], ["evertoken-valid-symbolic", ""]);
    assert!(format!("{:?}", icon.property("IconPixmap").await).len() > 1000, "where the theme has no such icon");

    *shown.lock().unwrap() = content("a · log in again", Icon::LoginRequired);
    tray.refresh();
    changes.next().await.unwrap().unwrap();
    let expected = "evertoken-login-required-symbolic";
    assert_eq!([name("IconName").await, name("AttentionIconName").await], [expected, expected]);

    tray.show_symbolic(false);
    changes.next().await.unwrap().unwrap();
    assert_eq!([name("IconName").await, name("AttentionIconName").await], ["", ""]);
});
