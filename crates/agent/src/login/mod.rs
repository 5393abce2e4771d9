//! Logging in: one task for each log-in, whatever the credential is and wherever it comes from.

mod browser;
mod command;
mod context;
mod device;
mod driver;
mod dropped;
mod listener;
mod obtain;
pub(crate) mod resolve;
mod spent;

pub(crate) use self::browser::Pasted;
pub(crate) use self::driver::{LogInJob, LogInReport, LoggedIn, PersonsAnswer, drive};
pub(crate) use self::listener::Listener;
pub(crate) use self::spent::OtherAccount;
