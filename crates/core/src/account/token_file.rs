//! A file with an account's access token, for programs that can read nothing else.

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::oauth::token::AccessToken;

/// The variable of the `env` form.
const VARIABLE: &str = "VAULT_ACCESS_TOKEN";

/// Which file is kept, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    /// Where it is.
    pub path: TokenFilePath,
    /// How it is written.
    #[serde(default)]
    pub form: TokenFileForm,
}

/// An absolute path: the agent's own folder means nothing to a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^/.*[^/]$")))]
#[serde(try_from = "PathBuf", into = "PathBuf")]
pub struct TokenFilePath(PathBuf);

/// The path of a token file is relative, or names no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not an absolute path of a file: begin it with a slash, give the file a name, and use UTF-8")]
pub struct InvalidTokenFilePath;

impl TokenFilePath {
    /// The path itself.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl TryFrom<PathBuf> for TokenFilePath {
    type Error = InvalidTokenFilePath;

    fn try_from(path: PathBuf) -> Result<Self, Self::Error> {
        // A trailing slash names a folder; `file_name` overlooks it.
        let is_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        // Configuration and API are text.
        if path.is_absolute() && path.file_name().is_some() && path.to_str().is_some() && !is_folder {
            Ok(Self(path))
        } else {
            Err(InvalidTokenFilePath)
        }
    }
}

impl From<TokenFilePath> for PathBuf {
    fn from(path: TokenFilePath) -> Self {
        path.0
    }
}

/// How a token file is written. Each ends with a newline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TokenFileForm {
    /// The token alone.
    #[default]
    Raw,
    /// `VAULT_ACCESS_TOKEN=…`, for `EnvironmentFile=`, `--env-file` and direnv.
    Env,
    /// One object with `account`, `access_token`, `token_type` and `expires_at`.
    Json,
}

impl fmt::Display for TokenFileForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Env => "env",
            Self::Json => "json",
        })
    }
}

/// The token has characters that mean something else in an environment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access token has characters that this form cannot hold: use json")]
pub struct NotWritable;

#[derive(Serialize)]
struct JsonForm<'a> {
    account: &'a AccountName,
    access_token: &'a str,
    token_type: &'static str,
    expires_at: Timestamp,
}

impl TokenFileForm {
    /// What the file holds.
    ///
    /// # Errors
    /// [`NotWritable`] in the forms `raw` and `env`, for a token that is no `b64token` (RFC 6750 section 2.1).
    pub fn contents(
        self,
        account: &AccountName,
        token: &AccessToken,
        expires_at: Timestamp,
    ) -> Result<SecretString, NotWritable> {
        let access_token = token.expose();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        if self != Self::Json && !access_token.chars().all(is_plain) {
            return Err(NotWritable);
        }
        Ok(match self {
            Self::Raw => format!("{access_token}\n"),
            Self::Env => format!("{VARIABLE}={access_token}\n"),
            Self::Json => {
                let json = JsonForm { account, access_token, token_type: "Bearer", expires_at };
                serde_json::to_string(&json).map(|text| format!("{text}\n")).map_err(|_| NotWritable)?
            }
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use crate::absolute::absolute;
    use secrecy::ExposeSecret;

    const FORMS: [TokenFileForm; 3] = [TokenFileForm::Raw, TokenFileForm::Env, TokenFileForm::Json];

    fn contents(form: TokenFileForm, token: &str) -> Result<String, NotWritable> {
        let (account, token) = ("Production".parse().unwrap(), AccessToken::new(token.to_owned()));
        let end = "2026-11-23T08:00:00Z".parse().unwrap();
        form.contents(&account, &token, end).map(|text| text.expose_secret().to_owned())
    }

    #[test]
    fn each_form_is_what_its_readers_expect() {
        let [raw, env, json] = FORMS.map(|form| contents(form, "eyJ.a-b").unwrap());
        assert_eq!(raw, "eyJ.a-b\n");
        assert_eq!(env, "VAULT_ACCESS_TOKEN=eyJ.a-b\n");
        let line = r#"{"account":"Production","access_token":"eyJ.a-b","token_type":"Bearer","expires_at":"2026-11-23T08:00:00Z"}"#;
        assert_eq!(json, format!("{line}\n"));
    }

    #[test]
    fn a_token_cannot_bring_a_second_line_or_a_command_into_an_environment_file() {
        for odd in ["a\nLD_PRELOAD=x", "a b", "$(id)", "a'b", "\u{e9}"] {
            assert_eq!(contents(TokenFileForm::Raw, odd), Err(NotWritable));
            assert_eq!(contents(TokenFileForm::Env, odd), Err(NotWritable));
            let json = contents(TokenFileForm::Json, odd).unwrap();
            assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["access_token"], odd);
        }
    }

    #[test]
    fn a_path_is_absolute_and_names_a_file() {
        for bad in ["token", "./token", "~/token", "/", "/tmp/", ""] {
            assert!(TokenFilePath::try_from(PathBuf::from(bad)).is_err(), "{bad}");
        }
        #[cfg(unix)]
        {
            let not_utf8: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"/run/token\xff".to_vec());
            assert!(TokenFilePath::try_from(PathBuf::from(not_utf8)).is_err());
        }
        let good = PathBuf::from(absolute("/run/user/1000/token"));
        assert_eq!(TokenFilePath::try_from(good.clone()).map(PathBuf::from), Ok(good));
    }
}
