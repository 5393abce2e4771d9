//! What a person must hear of, and when: the kinds of notifications.

use jiff::Timestamp;

use crate::account::approval::Program;
use crate::config::NotificationSettings;

/// What a person must know about one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The endpoint refused the refresh token.
    LoginRequired {
        /// When the login expired, if the endpoint said so, UTC.
        expired_at: Option<Timestamp>,
        /// Until when the access token still works, UTC.
        access_token_until: Option<Timestamp>,
    },
    /// The access token ends soon, or has ended, and refreshing keeps failing.
    NotRenewed {
        /// Why refreshing fails: the start of a sentence, such as "no connection".
        cause: String,
        /// Since when, UTC.
        since: Timestamp,
        /// When the access token ends or ended, UTC.
        access_token_until: Timestamp,
    },
    /// A rotated token could not be stored.
    KeychainRefused,
    /// A program wants an access token for the first time.
    ApprovalRequired {
        /// Which.
        program: Program,
    },
}

/// The kinds of [`Notice`]: one of each kind is shown for an account at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// [`Notice::LoginRequired`].
    LoginRequired,
    /// [`Notice::NotRenewed`].
    NotRenewed,
    /// [`Notice::KeychainRefused`].
    KeychainRefused,
    /// [`Notice::ApprovalRequired`].
    ApprovalRequired,
}

impl NoticeKind {
    /// Does the person want to see this kind?
    #[must_use]
    pub const fn is_wanted(self, settings: NotificationSettings) -> bool {
        match self {
            Self::LoginRequired => settings.login,
            Self::NotRenewed => settings.not_renewed,
            Self::KeychainRefused => settings.keychain,
            Self::ApprovalRequired => settings.approval,
        }
    }
}

impl Notice {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> NoticeKind {
        match self {
            Self::LoginRequired { .. } => NoticeKind::LoginRequired,
            Self::NotRenewed { .. } => NoticeKind::NotRenewed,
            Self::KeychainRefused => NoticeKind::KeychainRefused,
            Self::ApprovalRequired { .. } => NoticeKind::ApprovalRequired,
        }
    }
}
