//! What the page can ask for. No answer contains a token.

use evertoken_client::environment::wall_clock;
use evertoken_client::{Client, connect_or_start};
use evertoken_core::account::order::Step;
use evertoken_core::account::{AccountName, Preset};
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{AccountChange, AccountSettings, LoginRequest, RefreshRequest, SignInRequest};
use evertoken_core::config::SettingsChange;
use evertoken_core::config::paths::Paths;
use evertoken_core::oauth::server::SignInMethod;
use evertoken_core::oauth::token::Fingerprint;
use evertoken_core::present::said::Said;
use evertoken_core::present::sentence::with_local_times;
use evertoken_core::present::window::{
    History, HistorySpan, Recognised, Trouble, View, Waiting, logged_in as after_log_in, moved, recognise,
};
use jiff::Timestamp;
use serde::Serialize;
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager, State, command};
use tokio::sync::watch;

use crate::about::About;
use crate::arguments::Arguments;
use crate::display::DesktopTheme;
use crate::follow::AgentView;
use crate::place::{AccountForm, FieldTroubles, Place, preset};
use crate::preferences::{Preferences, ThemeChoice};
use crate::settings::{SettingsForm, SettingsTroubles};
use crate::sign_in::CurrentSignIn;
use crate::window::{LABEL, LaunchIntent};
use crate::{present, sandbox, sign_in};

/// What the page needs for its first picture.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Start {
    view: View,
    /// What the window was opened for.
    wanted: Arguments,
    /// The account that was open in the list.
    open: Option<String>,
}

#[command]
pub(crate) fn start(
    app: AppHandle,
    known: State<'_, watch::Sender<AgentView>>,
    opening: State<'_, LaunchIntent>,
) -> Start {
    Start { view: present::view(&known.borrow()).0, wanted: opening.take(), open: Preferences::of(&app).open() }
}

#[command]
pub(crate) fn recognised(credential: &str) -> Recognised {
    recognise(credential)
}

#[command]
pub(crate) fn check(account: &str, place: Place) -> FieldTroubles {
    FieldTroubles::of(account, &place)
}

#[command]
pub(crate) async fn log_in(
    agent: Agent<'_>,
    account: &str,
    credential: String,
    place: Option<Place>,
    endpoint: Option<String>,
) -> Result<(), Trouble> {
    let client = call(&agent).await?;
    let (account, settings) = to_log_in(&client, account, place).await?;
    let login =
        LoginRequest { credential, settings, client_secret: None, replace_user: false, expected_endpoint: endpoint };
    client.login(Some(&account), &login).await.map_err(local)?;
    Ok(())
}

/// `false`: the sign-in was given up.
#[command]
pub(crate) async fn sign_in(
    agent: Agent<'_>,
    under_way: State<'_, CurrentSignIn>,
    account: &str,
    way: SignInMethod,
    place: Option<Place>,
    endpoint: Option<String>,
    page: Channel<Waiting>,
) -> Result<bool, Trouble> {
    let signed_in = async {
        let client = call(&agent).await?;
        let (account, settings) = to_log_in(&client, account, place).await?;
        let request = SignInRequest { settings, client_secret: None, replace_user: false, expected_endpoint: endpoint };
        sign_in::follow(client.sign_in(Some(&account), way, &request).await?, &page).await?;
        Ok(())
    };
    under_way.unless_ended(signed_in).await
}

/// Where the browser on another machine ended.
#[command]
pub(crate) async fn bring_callback(agent: Agent<'_>, account: &str, url: &str) -> Result<(), Trouble> {
    call(&agent).await?.sign_in_callback(Some(&name(account)?), url).await?;
    Ok(())
}

#[command]
#[expect(clippy::needless_pass_by_value, reason = "a command gets its own handle")]
pub(crate) fn end_sign_in(under_way: State<'_, CurrentSignIn>) {
    under_way.end();
}

#[command]
pub(crate) async fn replace_user(agent: Agent<'_>, account: &str, login: String) -> Result<(), Trouble> {
    let login = Fingerprint::try_from(login).map_err(|error| invalid(&error))?;
    call(&agent).await?.replace_user(Some(&name(account)?), login).await?;
    Ok(())
}

#[command]
pub(crate) async fn try_sandbox(agent: Agent<'_>, account: &str) -> Result<(), Trouble> {
    let name = name(account)?;
    let login = LoginRequest {
        credential: sandbox::sign_in().await?,
        settings: Some(preset(Preset::Sandbox)),
        client_secret: None,
        replace_user: false,
        expected_endpoint: None,
    };
    call(&agent).await?.login(Some(&name), &login).await?;
    Ok(())
}

/// What is said after a log-in.
#[command]
pub(crate) async fn logged_in(agent: Agent<'_>, account: &str, is_new: bool) -> Result<String, Trouble> {
    Ok(after_log_in(&name(account)?, is_new, &call(&agent).await?.status().await?))
}

#[command]
pub(crate) async fn copy(agent: Agent<'_>, account: &str) -> Result<String, Trouble> {
    let name = name(account)?;
    let answer = call(&agent).await?.copy(Some(&name)).await.map_err(local)?;
    Ok(Said::of_copy(&name, &Ok(answer), Timestamp::now(), &wall_clock()).to_string())
}

#[command]
pub(crate) async fn refresh(agent: Agent<'_>, account: &str) -> Result<String, Trouble> {
    let answer = call(&agent).await?.refresh(Some(&name(account)?), RefreshRequest::default()).await.map_err(local)?;
    Ok(Said::of_refresh(&Ok(answer), Timestamp::now(), &wall_clock()).to_string())
}

#[command]
pub(crate) async fn log_out(agent: Agent<'_>, account: &str) -> Result<(), Trouble> {
    call(&agent).await?.logout(Some(&name(account)?)).await?;
    Ok(())
}

#[command]
pub(crate) async fn remove(agent: Agent<'_>, account: &str) -> Result<(), Trouble> {
    Ok(call(&agent).await?.remove_account(Some(&name(account)?)).await?)
}

#[command]
pub(crate) async fn history(agent: Agent<'_>, account: &str, span: Option<HistorySpan>) -> Result<History, Trouble> {
    let name = name(account)?;
    let journal = call(&agent).await?.history(Some(&name)).await?;
    Ok(History::of(&name, &journal.entries, span, Timestamp::now(), &wall_clock()))
}

#[command]
pub(crate) async fn account(agent: Agent<'_>, account: &str) -> Result<AccountForm, Trouble> {
    let (name, client) = (name(account)?, call(&agent).await?);
    let place = client.account_settings(Some(&name)).await?.into();
    let default = client.status().await?.accounts.iter().any(|account| account.name == name && account.default);
    Ok(AccountForm { name, default, place })
}

#[command]
pub(crate) async fn change_account(agent: Agent<'_>, account: &str, form: AccountForm) -> Result<(), Trouble> {
    let AccountForm { name: new_name, default, place } = form;
    let change =
        AccountChange { name: Some(new_name), default, settings: Some(place.into()), ..AccountChange::default() };
    call(&agent).await?.change_account(Some(&name(account)?), &change).await?;
    Ok(())
}

/// Moves an account by one place, where people see the accounts.
#[command]
pub(crate) async fn move_account(agent: Agent<'_>, account: &str, step: Step) -> Result<String, Trouble> {
    let (name, client) = (name(account)?, call(&agent).await?);
    let report = client.status().await?;
    let accounts: Vec<&AccountName> = report.accounts.iter().map(|account| &account.name).collect();
    let order = report.account_order.moved(&accounts, &name, step);
    let words = moved(&name, &order);
    client.change_settings(&SettingsChange { account_order: Some(order), ..SettingsChange::default() }).await?;
    Ok(words)
}

#[command]
pub(crate) async fn about(agent: Agent<'_>) -> Result<About, Trouble> {
    let client = call(&agent).await?;
    let (report, diagnosis) = (client.status().await?, client.diagnosis().await?);
    Ok(About::of(&report, &diagnosis, |name| std::env::var(name).unwrap_or_else(|_| "?".to_owned())))
}

#[command]
pub(crate) async fn settings(app: AppHandle, agent: Agent<'_>) -> Result<SettingsForm, Trouble> {
    let settings = call(&agent).await?.settings().await?;
    Ok(SettingsForm::of(&settings, Preferences::of(&app).theme()))
}

#[command]
pub(crate) fn check_settings(form: SettingsForm) -> SettingsTroubles {
    SettingsTroubles::of(&form)
}

#[command]
pub(crate) async fn change_settings(
    app: AppHandle,
    agent: Agent<'_>,
    form: SettingsForm,
    opened: SettingsForm,
) -> Result<(), Trouble> {
    let client = call(&agent).await?;
    let change = form.change(&opened, &client.settings().await?).map_err(|error| invalid(&error))?;
    client.change_settings(&change).await?;
    Preferences::of(&app).set_theme(form.theme);
    show_theme(app, form.theme);
    Ok(())
}

#[command]
#[expect(clippy::needless_pass_by_value, reason = "a command gets its own handle")]
pub(crate) fn show_theme(app: AppHandle, theme: ThemeChoice) {
    let theme = theme.on(*app.state::<DesktopTheme>());
    if let Some(window) = app.get_webview_window(LABEL) {
        // A desktop that refuses a theme keeps its own.
        let _ = window.set_theme(theme);
    }
}

#[command]
pub(crate) fn remember_open(app: AppHandle, account: Option<String>) {
    Preferences::of(&app).set_open(account);
}

#[command]
pub(crate) async fn start_agent(agent: Agent<'_>) -> Result<(), Trouble> {
    call(&agent).await.map(drop)
}

/// Where the agent is.
type Agent<'a> = State<'a, Paths>;

async fn call(paths: &Paths) -> Result<Client, Trouble> {
    Ok(connect_or_start(paths).await?)
}

/// An account that is there, or with a place a new one: a log-in to a new account changes none that is there.
async fn to_log_in(
    client: &Client,
    account: &str,
    place: Option<Place>,
) -> Result<(AccountName, Option<AccountSettings>), Trouble> {
    let name = name(account)?;
    if place.is_some() && client.status().await?.accounts.iter().any(|account| account.name == name) {
        let detail = format!("There is an account {name} already; nothing was changed.");
        return Err(Problem::new(ProblemKind::AccountExists, detail, "Choose another name, or log in there.").into());
    }
    Ok((name, place.map(Into::into)))
}

/// With its instants in local time.
fn local(problem: Problem) -> Trouble {
    let told = |sentence: &str| with_local_times(sentence, Timestamp::now(), &wall_clock());
    let (detail, advice) = (told(&problem.detail), told(&problem.advice));
    Problem { detail, advice, ..problem }.into()
}

fn name(text: &str) -> Result<AccountName, Trouble> {
    text.trim().parse().map_err(|error| invalid(&error))
}

/// What was typed cannot be used; the error says what can.
fn invalid(error: &impl std::error::Error) -> Trouble {
    Problem::new(ProblemKind::InvalidInput, format!("{error}."), "").into()
}
