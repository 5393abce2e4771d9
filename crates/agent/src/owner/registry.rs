//! Which accounts there are, what they are called, and what `config.toml` says of them. Every change of the configuration goes
//! through here.

use std::collections::BTreeMap;
use std::sync::Arc;

use evertoken_core::account::{Account, AccountId, AccountName, Sharing};
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{AccountChange, AccountSettings, NewAccount};
use evertoken_core::api::status::AccountStatus;
use evertoken_core::config::paths::Paths;
use evertoken_core::config::{Configuration, Edit, Settings, SettingsChange};
use evertoken_core::login::policy::Policy;
use evertoken_core::login::session::{Event, Phase, Recovered};
use evertoken_core::oauth::metadata::Metadata;
use evertoken_core::oauth::server::Server;
use tracing::warn;

use super::account::{ManagedAccount, Waiter};
use super::agent::{Agent, random_bits};
use super::jobs;
use crate::desktop::start_at_login;
use crate::login::resolve::{invalid, issuer_of, resolve};
use crate::request::{AccountRef, Reply};
use crate::store::config_file::ConfigurationFileError;
use crate::system::slow_disk::on_slow_disk;

impl Agent {
    /// Reads the file again, changes it, writes it, and follows it. Log-ins that the file lacks are written first.
    pub(super) fn apply(&mut self, edit: &Edit) -> Result<(), ConfigurationFileError> {
        self.write_log_ins();
        self.apply_alone(edit)
    }

    pub(super) fn apply_alone(&mut self, edit: &Edit) -> Result<(), ConfigurationFileError> {
        let configuration = self.file.edit(edit, &self.configuration)?;
        self.reading.outdate();
        self.adopt(configuration);
        Ok(())
    }

    /// Follows a configuration: new accounts are opened, removed ones are let go, changed and renamed ones change.
    pub(super) fn adopt(&mut self, configuration: Configuration) {
        self.adopt_settings(&configuration.settings);
        let known = |name: &AccountName| self.accounts.get(name).map(|managed| managed.id.clone());
        let missing = configuration.missing_ids(&self.paths.config, known);
        self.configuration = configuration;
        let mut before = self.accounts.take_all();
        let mut opened = Vec::new();
        for (name, account) in self.configuration.accounts.clone() {
            let Some(id) = account.id.clone().or_else(|| missing.get(&name).cloned()) else { continue };
            let managed = match before.remove(&id) {
                Some(mut managed) => {
                    managed.has_no_id = account.id.is_none();
                    if configure(&mut managed, account) {
                        opened.push(name.clone());
                    }
                    managed
                }
                None => {
                    opened.push(name.clone());
                    ManagedAccount::new(id, account)
                }
            };
            self.accounts.insert(name, managed);
        }
        for (name, managed) in before {
            // A log-in that the file does not tell of yet.
            if managed.is_ahead_of_file {
                self.accounts.insert(name, managed);
            } else {
                managed.waiting.into_iter().for_each(Waiter::account_is_gone);
            }
        }
        opened.iter().for_each(|name| self.open(name));
        self.review_those_who_ask();
    }

    fn adopt_settings(&mut self, now: &Settings) {
        let before = &self.configuration.settings;
        if (before.keychain, &before.keychain_file) != (now.keychain, &now.keychain_file) {
            warn!("the configuration names another keychain: it is used from the next start on");
        }
        if before.start_at_login != now.start_at_login
            && let Err(error) = start_at_login::set(&self.paths, now.start_at_login)
        {
            tracing::error!("whether the agent starts with the desktop could not be changed: {error}");
        }
        if let Some(tray) = &self.tray {
            tray.show_symbolic(now.symbolic_tray_icon);
        }
        self.policy = Policy::with(now.refresh);
    }

    /// The ids of accounts that were opened and that a person wrote without one, once no other account is to be opened: the whole
    /// file is written for each edit.
    pub(super) fn write_missing_ids(&mut self) {
        if self.openings.are_over() || self.rotations.are_ending() {
            self.write_missing_ids_of(|_| true);
        }
    }

    /// A file that cannot be written does without: the ids are the same at every start.
    fn write_missing_ids_of(&mut self, is_meant: impl Fn(&AccountName) -> bool) {
        let accounts = self.accounts.iter().filter(|(name, _)| is_meant(name));
        let lacking = accounts.filter(|(_, managed)| managed.has_no_id && managed.is_settled);
        let ids: BTreeMap<_, _> = lacking.map(|(name, managed)| (name.clone(), managed.id.clone())).collect();
        let Some(first) = ids.keys().next().cloned() else { return };
        let accounts = ids.len();
        if let Err(error) = self.apply(&Edit::AssignIds(ids)) {
            warn!(account = %first, accounts, "no id could be written down for one or more accounts: {error}");
        }
    }

    pub(super) fn create(&mut self, new: NewAccount, reply: Reply<AccountStatus>) {
        let NewAccount { name, settings } = new;
        match issuer_of(&settings) {
            Ok(Some(issuer)) => {
                let id = AccountId::random(random_bits());
                self.start(&id, jobs::discover_for(issuer, name, settings, reply));
            }
            Ok(None) => drop(reply.send(self.create_at(name, settings, None))),
            Err(problem) => drop(reply.send(Err(problem))),
        }
    }

    pub(super) fn create_at(
        &mut self,
        name: AccountName,
        settings: AccountSettings,
        metadata: Option<Metadata>,
    ) -> Result<AccountStatus, Problem> {
        self.refuse_taken(&name)?;
        let server = resolve("No account was made", None, settings, metadata, false)?;
        let id = AccountId::random(random_bits());
        let account = Account { id: Some(id), ..Account::of(server) };
        self.apply(&Edit::PutAccount(name.clone(), Box::new(account)))?;
        // Nothing in the keychain can belong to an id that is new.
        self.step(&name, Event::Opened(Recovered::default()));
        self.status_of(&name)
    }

    pub(super) fn change(&mut self, account: AccountRef, change: AccountChange, reply: Reply<AccountStatus>) {
        let prepared = self.resolve(account).and_then(|name| {
            // What may be refused comes first: then nothing was changed.
            if let Some(to) = change.name.as_ref().filter(|to| **to != name) {
                self.refuse_taken(to)?;
            }
            let server = change.settings.clone().map(|settings| self.changed_server(&name, settings)).transpose()?;
            Ok((name, server.flatten()))
        });
        match prepared {
            Ok((name, None)) => drop(reply.send(self.apply_change(&name, change))),
            Ok((name, Some(server))) => {
                let Some(context) = self.context(&name) else { return };
                self.start(&context.id.clone(), jobs::may_change_server(context, server, change, reply));
            }
            Err(problem) => drop(reply.send(Err(problem))),
        }
    }

    /// The server that is asked for, if it is another than the account's. It changes only while nothing secret belongs to it.
    fn changed_server(&self, name: &AccountName, settings: AccountSettings) -> Result<Option<Server>, Problem> {
        let managed = self.accounts.get(name).ok_or_else(|| self.unknown_account(name))?;
        let before = &*managed.account().server;
        if settings.issuer.is_some() {
            return Err(invalid(
                "Nothing was changed: an issuer is asked at a log-in.",
                "Use `evertoken login ACCOUNT --issuer URL`.",
            ));
        }
        let bare = Server { headers: BTreeMap::new(), client_id: None, ..before.clone() };
        let server = resolve("Nothing was changed", Some(&bare), settings, None, false)?;
        if server == *before {
            return Ok(None);
        }
        let is_free = matches!(managed.session.phase(), Phase::SignedOut) && before.login_command.is_empty();
        if is_free { Ok(Some(server)) } else { Err(jobs::server_is_fixed(name, before)) }
    }

    /// Nothing secret belongs to the account: its server may change.
    pub(super) fn server_may_change(
        &mut self,
        name: &AccountName,
        server: Server,
        change: AccountChange,
    ) -> Result<AccountStatus, Problem> {
        self.change_sharing(name, &change)?;
        self.apply(&Edit::SetServer(name.clone(), Arc::new(server)))?;
        self.apply_change(name, change)
    }

    fn apply_change(&mut self, name: &AccountName, change: AccountChange) -> Result<AccountStatus, Problem> {
        // What may be refused comes first.
        self.change_sharing(name, &change)?;
        if change.default {
            self.apply(&Edit::SetDefault(name.clone()))?;
        }
        match change.name {
            Some(to) if to != *name => self.rename(name, to),
            Some(_) | None => self.status_of(name),
        }
    }

    /// Entries, journal and lock go by the account's id, so a rename is one line of the configuration.
    fn rename(&mut self, name: &AccountName, to: AccountName) -> Result<AccountStatus, Problem> {
        self.write_missing_ids_of(|account| account == name);
        self.refuse_taken(&to)?;
        if self.accounts.get(name).is_some_and(|managed| managed.has_no_id) {
            return Err(Problem::new(
                ProblemKind::Configuration,
                "The account has no id in config.toml yet; nothing was changed.",
                "Make the file writable and end what holds the account's lock (`evertoken doctor`), or give it an id there.",
            ));
        }
        self.apply(&Edit::RenameAccount { from: name.clone(), to: to.clone() })?;
        self.status_of(&to)
    }

    pub(super) fn change_sharing(&mut self, name: &AccountName, change: &AccountChange) -> Result<(), Problem> {
        if change.token_file.is_none() && change.require_approval.is_none() {
            return Ok(());
        }
        self.edit_sharing(name, |sharing| {
            if let Some(file) = &change.token_file {
                sharing.token_file.clone_from(file);
            }
            sharing.require_approval = change.require_approval.unwrap_or(sharing.require_approval);
        })?;
        self.token_files.try_again();
        Ok(())
    }

    /// Nothing is changed when the file cannot be.
    pub(super) fn edit_sharing(&mut self, name: &AccountName, edit: impl Fn(&mut Sharing)) -> Result<(), Problem> {
        let managed = self.accounts.get(name).ok_or_else(|| self.unknown_account(name))?;
        let mut sharing = managed.account().sharing.clone();
        edit(&mut sharing);
        Ok(self.apply(&Edit::SetSharing(name.clone(), Box::new(sharing)))?)
    }

    pub(super) fn remove(&mut self, name: &AccountName) -> Result<(), Problem> {
        if let Some(id) = self.id_of(name) {
            self.log_ins.end_of(&id);
        }
        Ok(self.apply(&Edit::RemoveAccount(name.clone()))?)
    }

    pub(super) fn change_settings(&mut self, change: SettingsChange) -> Result<Settings, Problem> {
        // Also when it is set so already: the desktop may have another entry than the last that was made here.
        if let Some(wanted) = change.start_at_login {
            start_at_login::set(&self.paths, wanted).map_err(|error| autostart_refused(&error))?;
        }
        self.apply(&Edit::ChangeSettings(change))?;
        Ok(in_effect(self.configuration.settings.clone(), &self.paths))
    }

    /// The desktop's own entry counts, on a disk that may hang.
    pub(super) fn settings_in_effect(&self, reply: Reply<Settings>) {
        let (settings, paths) = (self.configuration.settings.clone(), self.paths.clone());
        tokio::spawn(async move {
            let settings = on_slow_disk(move || in_effect(settings, &paths)).await;
            drop(reply.send(settings.ok_or_else(no_autostart_folder)));
        });
    }

    pub(super) fn account_settings(&self, account: AccountRef) -> Result<AccountSettings, Problem> {
        let name = self.resolve(account)?;
        let managed = self.accounts.get(&name).ok_or_else(|| self.unknown_account(&name))?;
        Ok(AccountSettings::from(&*managed.account().server))
    }
}

fn in_effect(settings: Settings, paths: &Paths) -> Settings {
    Settings { start_at_login: start_at_login::is_on(paths, settings.start_at_login), ..settings }
}

fn no_autostart_folder() -> Problem {
    Problem::new(
        ProblemKind::Failed,
        "Whether Evertoken starts with the desktop cannot be read: the disk of the desktop's autostart folder does not answer.",
        "Try again when the disk answers. No login is affected.",
    )
}

fn autostart_refused(error: &std::io::Error) -> Problem {
    Problem::new(
        ProblemKind::Failed,
        format!("Nothing was changed: {error}."),
        "Whether Evertoken starts with the desktop is decided by that file; change it, or move it away and try again.",
    )
}

/// Must the account's tokens be read anew?
fn configure(managed: &mut ManagedAccount, account: Account) -> bool {
    let before = managed.account().server.clone();
    // What a log-in has made of the account counts until the file tells of it.
    let account = if managed.is_ahead_of_file { Account { server: before.clone(), ..account } } else { account };
    let changed = account.server != before;
    managed.configure(account);
    if changed {
        managed.session = managed.session.clone().reopened();
        managed.access_token = None;
    }
    changed
}
