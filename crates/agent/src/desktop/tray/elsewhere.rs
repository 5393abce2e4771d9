//! The tray of macOS and Windows, whose event loop must own the main thread. Written from the documentation of
//! `tray-icon` and `tao`, not yet run.

use std::collections::HashMap;

use evertoken_core::present::tray::{Action, Icon, MenuItem, Tray as Content};
use tao::event::Event;
use tao::event_loop::{ControlFlow, EventLoopBuilder, EventLoopProxy};
use tokio::sync::mpsc;
use tray_icon::menu::{IsMenuItem, Menu, MenuEvent, MenuId, PredefinedMenuItem, Submenu};
use tray_icon::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};

use super::Provider;
use super::picture::{Picture, pictures};

#[derive(Debug)]
enum UserEvent {
    Changed,
    Clicked,
    Chosen(MenuId),
}

/// The tray icon, from the other threads' side.
#[derive(Debug, Clone)]
pub struct Tray(EventLoopProxy<UserEvent>);

impl Tray {
    /// Something that the tray shows may have changed.
    pub fn refresh(&self) {
        let _ending = self.0.send_event(UserEvent::Changed);
    }

    /// macOS gives every icon its own colour, Windows none.
    pub(crate) fn show_symbolic(&self, _is_symbolic: bool) {}

    /// The same, for who has to do it later.
    pub(crate) fn refresher(&self) -> impl Fn() + Send + 'static {
        let tray = self.clone();
        move || tray.refresh()
    }
}

/// Both systems have a place for icons.
pub(crate) async fn is_there() -> bool {
    true
}

/// Shows the icon and sends what a person asks for in it, for ever. `started` gets the handle; the agent's own runtime
/// belongs on another thread.
pub fn run_on_main_thread(
    provider: &Provider,
    sender: &mpsc::UnboundedSender<Action>,
    started: impl FnOnce(Tray),
) -> ! {
    let event_loop = EventLoopBuilder::<UserEvent>::with_user_event().build();
    let proxy = event_loop.create_proxy();
    TrayIconEvent::set_event_handler(Some(move |event| {
        if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } = event {
            let _ending = proxy.send_event(UserEvent::Clicked);
        }
    }));
    let proxy = event_loop.create_proxy();
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        let _ending = proxy.send_event(UserEvent::Chosen(event.id));
    }));
    started(Tray(event_loop.create_proxy()));

    let mut icon: Option<TrayIcon> = None;
    let mut actions = HashMap::new();
    let (provider, sender) = (provider.clone(), sender.clone());
    event_loop.run(move |event, _target, control_flow| {
        *control_flow = ControlFlow::Wait;
        #[expect(clippy::wildcard_enum_match_arm, reason = "of the many events of tao, three matter")]
        let action = match event {
            Event::NewEvents(tao::event::StartCause::Init) | Event::UserEvent(UserEvent::Changed) => {
                let content = provider();
                actions.clear();
                let menu = menu(&content.menu, &mut actions);
                if icon.is_none() {
                    let builder = TrayIconBuilder::new().with_title("").with_menu_on_left_click(false);
                    icon = builder.build().inspect_err(|error| tracing::warn!(%error, "no tray")).ok();
                }
                if let Some(icon) = &icon
                    && let Err(error) = show(icon, &content, menu)
                {
                    tracing::debug!(%error, "the tray shows something else");
                }
                None
            }
            Event::UserEvent(UserEvent::Clicked) => Some(Action::OpenWindow),
            Event::UserEvent(UserEvent::Chosen(id)) => actions.get(&id).cloned(),
            _ => None,
        };
        if let Some(action) = action {
            let _ending = sender.send(action);
        }
    })
}

fn show(icon: &TrayIcon, content: &Content, menu: Menu) -> tray_icon::Result<()> {
    icon.set_menu(Some(Box::new(menu)));
    set_picture(icon, content.icon)?;
    icon.set_tooltip(Some(format!("{}\n{}", content.headline, content.tooltip)))
}

#[cfg(windows)]
fn set_picture(icon: &TrayIcon, state: Icon) -> tray_icon::Result<()> {
    icon.set_icon(pictures(state).pop().and_then(native))
}

/// The menu bar gives a silhouette its own colour, light or dark.
#[cfg(target_os = "macos")]
fn set_picture(icon: &TrayIcon, state: Icon) -> tray_icon::Result<()> {
    icon.set_icon_templated(pictures(state).pop().map(Picture::silhouette).and_then(native))
}

fn native(picture: Picture) -> Option<tray_icon::Icon> {
    tray_icon::Icon::from_rgba(picture.rgba, picture.width, picture.height).ok()
}

fn menu(items: &[MenuItem], actions: &mut HashMap<MenuId, Action>) -> Menu {
    let menu = Menu::new();
    for item in items {
        let _shown_without = menu.append(menu_item(item, actions).as_ref());
    }
    menu
}

fn menu_item(item: &MenuItem, actions: &mut HashMap<MenuId, Action>) -> Box<dyn IsMenuItem> {
    // An ampersand in a menu marks the letter after it as a shortcut.
    let escaped = |label: &str| label.replace('&', "&&");
    match item {
        MenuItem::Line(text) => Box::new(tray_icon::menu::MenuItem::new(escaped(text), false, None)),
        MenuItem::Item { label, enabled, action } => {
            let item = tray_icon::menu::MenuItem::new(escaped(label), *enabled, None);
            actions.insert(item.id().clone(), action.clone());
            Box::new(item)
        }
        MenuItem::Submenu { label, items } => {
            let submenu = Submenu::new(escaped(label), true);
            for item in items {
                let _shown_without = submenu.append(menu_item(item, actions).as_ref());
            }
            Box::new(submenu)
        }
        MenuItem::Separator => Box::new(PredefinedMenuItem::separator()),
    }
}
