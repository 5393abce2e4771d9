//! What an earlier version wrote, laid down as it was written.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::desktop::{Desktop, Entry, Grant, Keyring, fingerprint, source};

const CONFIGURATION: &str = "config.toml";
const KEYCHAIN: &str = "keychain.json";
/// Where the old sandboxes listened.
pub(super) const VAULT: &str = "http://127.0.0.1:8787";
pub(super) const OFFICE: &str = "http://127.0.0.1:8788";

/// The files of one folder, by their names in it.
pub(super) struct Recording(BTreeMap<PathBuf, Vec<u8>>);

impl Recording {
    pub(super) fn of(name: &str) -> Self {
        let folder = source().join("tests/earlier_version").join(name);
        let mut files = BTreeMap::new();
        for place in [folder.clone(), folder.join("state")] {
            for file in fs::read_dir(place).unwrap().flatten().filter(|file| file.file_type().unwrap().is_file()) {
                let name = file.path().strip_prefix(&folder).unwrap().to_owned();
                files.insert(name, fs::read(file.path()).unwrap());
            }
        }
        Self(files)
    }

    pub(super) fn text(&self, name: &str) -> &str {
        str::from_utf8(&self.0[Path::new(name)]).unwrap()
    }

    pub(super) fn configuration(&self) -> &str {
        self.text(CONFIGURATION)
    }

    pub(super) fn journal(&self, account: &str) -> &str {
        self.text(&format!("state/{account}.journal"))
    }

    /// Puts one text in the place of another, wherever it was written.
    pub(super) fn replace(&mut self, recorded: &str, now: &str) {
        for bytes in self.0.values_mut() {
            if let Ok(text) = str::from_utf8(bytes) {
                *bytes = text.replace(recorded, now).into_bytes();
            }
        }
    }

    /// What an entry of the keychain holds.
    pub(super) fn entry(&self, user: &str) -> Value {
        let entries = self.entries();
        let entry = entries.iter().find(|entry| entry.attributes["username"] == user).unwrap();
        serde_json::from_str(&entry.secret).unwrap()
    }

    /// Puts a refresh token that a server takes in the place of one that it does not know.
    pub(super) fn refresh_token_is(&mut self, user: &str, token: &str) {
        let recorded = self.entry(user)["refresh_token"].as_str().unwrap().to_owned();
        self.replace(&recorded, token);
        self.replace(&fingerprint(&recorded), &fingerprint(token));
    }

    /// Puts an access token of today in the place of a recorded one, with its times.
    pub(super) fn access_token_is(&mut self, user: &str, grant: &Grant) {
        let recorded = self.entry(user);
        let now = Timestamp::now();
        let end = now + SignedDuration::from_secs(grant.expires_in.try_into().unwrap());
        let fields = [
            ("access_token", grant.access_token.clone()),
            ("issued_at", now.to_string()),
            ("expires_at", end.to_string()),
        ];
        for (field, text) in fields {
            self.replace(recorded[field].as_str().unwrap(), &text);
        }
    }

    /// Lays everything down where the earlier version had it.
    pub(super) async fn lay_down(&self, desktop: &Desktop) {
        let environment = &desktop.environment;
        environment.configure(self.configuration());
        fs::DirBuilder::new().mode(0o700).create(environment.path("state/evertoken")).unwrap();
        for (name, bytes) in self.0.iter().filter(|(name, _)| name.starts_with("state")) {
            let place = environment.path("state/evertoken").join(name.file_name().unwrap());
            write_private(&place, bytes);
        }
        let entries = self.entries();
        if !entries.is_empty() {
            Keyring::put(desktop, &entries).await;
        }
    }

    /// Lays the key of the keychain file down, as the service manager does.
    pub(super) fn lay_down_key(&self, desktop: &mut Desktop) {
        let folder = desktop.environment.path("credentials");
        fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        write_private(&folder.join("evertoken-key"), self.text("evertoken-key").as_bytes());
        desktop.environment.set("CREDENTIALS_DIRECTORY", &folder.display().to_string());
    }

    fn entries(&self) -> Vec<Entry> {
        self.0.get(Path::new(KEYCHAIN)).map(|bytes| serde_json::from_slice(bytes).unwrap()).unwrap_or_default()
    }
}

fn write_private(place: &Path, bytes: &[u8]) {
    let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(place).unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
}
