//! What jobs report to the owner, each with the id of the account that it belongs to.

use std::path::PathBuf;

use evertoken_core::account::{AccountId, AccountName};
use evertoken_core::api::problem::Problem;
use evertoken_core::api::requests::{AccountChange, AccountSettings, CopyAnswer, LogoutAnswer};
use evertoken_core::api::status::AccountStatus;
use evertoken_core::config::Configuration;
use evertoken_core::keychain::KeychainProblem;
use evertoken_core::login::session::{Recovered, RequestId};
use evertoken_core::login::token_store::{LogIn, StoredRefreshToken};
use evertoken_core::oauth::metadata::Metadata;
use evertoken_core::oauth::revocation::Revocation;
use evertoken_core::oauth::server::Server;
use evertoken_core::oauth::token::{AccessToken, Fingerprint};

use super::account::CopyRequest;
use super::log_ins::LogInNumber;
use crate::login::LogInReport;
use crate::request::Reply;
use crate::rotation::Rotated;
use crate::store::config_file::ConfigurationFileError;
use crate::store::token_file::TokenFileError;

/// A job's report.
pub(crate) struct Finished {
    pub(super) account: Option<AccountId>,
    /// Was this the job's last report?
    pub(super) last: bool,
    /// `None`: nothing that anybody has to know.
    pub(super) result: Option<Box<JobResult>>,
}

impl Finished {
    /// A report of a job that goes on.
    pub(super) fn so_far(account: AccountId, result: JobResult) -> Self {
        Self { account: Some(account), last: false, result: Some(Box::new(result)) }
    }

    /// A report of work that nobody waits for at the end.
    pub(super) fn unasked(result: JobResult) -> Self {
        Self { account: None, last: false, result: Some(Box::new(result)) }
    }
}

/// What a job came to.
#[expect(clippy::large_enum_variant, reason = "each is read at once")]
pub(super) enum JobResult {
    Opened(Result<Box<Opened>, KeychainProblem>),
    StoreDelayed(RequestId, KeychainProblem),
    Refreshed(RequestId, Rotated),
    LogIn(LogInNumber, LogInReport),
    /// A log-in that made an account, and died before the configuration told of it.
    Unfinished(LogIn, Option<Fingerprint>),
    Discovered(AccountName, AccountSettings, Result<Metadata, Problem>, Reply<AccountStatus>),
    ServerMayChange(Box<(Server, AccountChange)>, Result<(), Problem>, Reply<AccountStatus>),
    /// The tokens are deleted; the server has yet to hear of it.
    SignedOut,
    Forgotten {
        remove: bool,
        result: Result<Option<Revocation>, Problem>,
        reply: ForgetReply,
    },
    Copied(Option<CopyRequest>, Result<CopyAnswer, Problem>),
    TokenFileKept(PathBuf, Result<(), TokenFileError>),
    /// `None`: the file is gone.
    ConfigurationRead(Result<Option<Configuration>, ConfigurationFileError>),
}

/// What a start found.
pub(super) struct Opened {
    pub(super) recovered: Recovered,
    pub(super) access_token: Option<AccessToken>,
    /// A log-in that the configuration does not tell of yet, and the token that it ended with.
    pub(super) unfinished: Option<(LogIn, Fingerprint)>,
    /// A login of another user that waits for a person's answer.
    pub(super) waiting: Option<StoredRefreshToken>,
    /// It was read under the account's lock, and what an earlier version left was taken over.
    pub(super) is_settled: bool,
}

/// Who hears that an account's tokens are gone.
pub(super) enum ForgetReply {
    LoggedOut(Reply<LogoutAnswer>),
    Removed(Reply<()>),
}
