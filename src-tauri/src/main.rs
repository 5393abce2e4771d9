//! Evertoken's window: a client of the agent like any other. It ends when the window is closed.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod about;
mod arguments;
mod attention;
mod commands;
mod display;
mod follow;
mod geometry;
#[cfg(test)]
mod page;
mod place;
mod preferences;
mod present;
mod sandbox;
mod settings;
mod sign_in;
#[cfg(test)]
mod types;
mod window;

use std::process::ExitCode;

use evertoken_core::config::paths::Paths;
use evertoken_core::oauth::token::Fingerprint;
use tauri::{Manager, RunEvent};

use arguments::Arguments;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => return complain(&error.to_string(), arguments::USAGE, 2),
    };
    if let Err(error) = display::open() {
        return complain(&error.to_string(), "Without a display, use the command line: evertoken status", 1);
    }
    let paths = match evertoken_client::environment::client_paths() {
        Ok(paths) => paths,
        Err(error) => return complain(&error.to_string(), "", 1),
    };
    match run(paths, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("the window could not be opened: {error}"), "", 1),
    }
}

fn run(paths: Paths, arguments: Arguments) -> tauri::Result<()> {
    // The agent is asked while GTK and WebKit start.
    let known = follow::begin(paths.clone());
    tauri::Builder::default()
        .plugin(single_instance(&paths))
        .plugin(tauri_plugin_store::Builder::new().build())
        .manage(window::LaunchIntent::new(arguments))
        .manage(paths)
        .manage(known)
        .manage(attention::Attention::default())
        .manage(sign_in::CurrentSignIn::default())
        .setup(|app| {
            window::open(app)?;
            present::begin(app.handle());
            Ok(())
        })
        .invoke_handler(tauri::generate_handler![
            commands::start,
            commands::recognised,
            commands::check,
            commands::log_in,
            commands::sign_in,
            commands::bring_callback,
            commands::end_sign_in,
            commands::replace_user,
            commands::try_sandbox,
            commands::logged_in,
            commands::copy,
            commands::refresh,
            commands::log_out,
            commands::remove,
            commands::history,
            commands::account,
            commands::change_account,
            commands::move_account,
            commands::about,
            commands::settings,
            commands::check_settings,
            commands::change_settings,
            commands::show_theme,
            commands::remember_open,
            commands::start_agent,
        ])
        .build(tauri::generate_context!())?
        .run(|app, event| {
            if let RunEvent::WindowEvent { event, .. } = event {
                window::on_event(app.app_handle(), &event);
            }
        });
    Ok(())
}

/// A second start shows the window that is open; one window for each agent.
fn single_instance(paths: &Paths) -> tauri::plugin::TauriPlugin<tauri::Wry> {
    let agent = Fingerprint::of(&paths.socket.to_string_lossy());
    tauri_plugin_single_instance::Builder::new()
        .dbus_id(format!("org.evertoken.desktop.agent{agent}"))
        .callback(|app, arguments, _folder| window::show_again(app, arguments))
        .build()
}

#[expect(clippy::print_stderr, reason = "there is no window to say it in")]
fn complain(what: &str, advice: &str, code: u8) -> ExitCode {
    eprintln!("Error: {what}.");
    if !advice.is_empty() {
        eprintln!("{advice}");
    }
    ExitCode::from(code)
}
