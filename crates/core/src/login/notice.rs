//! What a person must hear of, and when: the kinds of notifications.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::approval::Program;
use crate::config::NotificationSettings;

/// What a person must know about one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The endpoint refused the refresh token.
    LoginRequired {
        /// When the login expired, if the endpoint said so, UTC.
        expired_at: Option<Timestamp>,
        /// When the access token expires or expired, UTC; `None` when there is none.
        access_token_until: Option<Timestamp>,
    },
    /// The login ends soon, whatever is refreshed until then.
    LoginEnds {
        /// When, UTC.
        at: Timestamp,
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
        /// Why the person's last answer could not be kept, as sentences.
        not_kept: Option<String>,
    },
    /// The person asked for a copy in the tray: the answer.
    Copied {
        /// Is the token on the clipboard?
        succeeded: bool,
        /// What they are told.
        text: String,
    },
    /// The person has logged in for the first time, and the desktop shows no icons: how to get one.
    NoTray,
}

/// The kinds of [`Notice`]: one of each kind is shown for an account at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// [`Notice::LoginRequired`].
    LoginRequired,
    /// [`Notice::LoginEnds`].
    LoginEnds,
    /// [`Notice::NotRenewed`].
    NotRenewed,
    /// [`Notice::KeychainRefused`].
    KeychainRefused,
    /// [`Notice::ApprovalRequired`].
    ApprovalRequired,
    /// [`Notice::Copied`].
    Copied,
    /// [`Notice::NoTray`].
    NoTray,
}

impl NoticeKind {
    /// Is it an answer that goes by itself, rather than something that a person must see?
    #[must_use]
    pub const fn is_transient(self) -> bool {
        match self {
            Self::Copied => true,
            Self::LoginRequired
            | Self::LoginEnds
            | Self::NotRenewed
            | Self::KeychainRefused
            | Self::ApprovalRequired
            | Self::NoTray => false,
        }
    }

    /// Does the person want to see this kind?
    #[must_use]
    pub const fn is_wanted(self, settings: NotificationSettings) -> bool {
        match self {
            Self::LoginRequired | Self::LoginEnds => settings.login,
            Self::NotRenewed => settings.not_renewed,
            Self::KeychainRefused => settings.keychain,
            Self::ApprovalRequired => settings.approval,
            Self::Copied => settings.copied,
            // Once in a life.
            Self::NoTray => true,
        }
    }
}

impl Notice {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> NoticeKind {
        match self {
            Self::LoginRequired { .. } => NoticeKind::LoginRequired,
            Self::LoginEnds { .. } => NoticeKind::LoginEnds,
            Self::NotRenewed { .. } => NoticeKind::NotRenewed,
            Self::KeychainRefused => NoticeKind::KeychainRefused,
            Self::ApprovalRequired { .. } => NoticeKind::ApprovalRequired,
            Self::Copied { .. } => NoticeKind::Copied,
            Self::NoTray => NoticeKind::NoTray,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_notification_is_switched_off_by_its_own_setting() {
        let all = NotificationSettings { login: true, not_renewed: true, keychain: true, approval: true, copied: true };
        let none =
            NotificationSettings { login: false, not_renewed: false, keychain: false, approval: false, copied: false };
        for (kind, without) in [
            (NoticeKind::LoginRequired, NotificationSettings { login: false, ..all }),
            (NoticeKind::LoginEnds, NotificationSettings { login: false, ..all }),
            (NoticeKind::NotRenewed, NotificationSettings { not_renewed: false, ..all }),
            (NoticeKind::KeychainRefused, NotificationSettings { keychain: false, ..all }),
            (NoticeKind::ApprovalRequired, NotificationSettings { approval: false, ..all }),
            (NoticeKind::Copied, NotificationSettings { copied: false, ..all }),
        ] {
            assert!(kind.is_wanted(all) && !kind.is_wanted(without) && !kind.is_wanted(none), "{kind:?}");
            assert_eq!(kind.is_transient(), kind == NoticeKind::Copied, "{kind:?}");
        }
        assert!(NoticeKind::NoTray.is_wanted(none) && !NoticeKind::NoTray.is_transient(), "once in a life");
    }
}
