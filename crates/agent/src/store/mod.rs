//! What the agent keeps on disk and in the keychain.

pub(crate) mod account_lock;
pub(crate) mod config_file;
pub(crate) mod journal_file;
pub mod keychain;
mod old_entries;
pub(crate) mod token_file;
pub(crate) mod token_store;
mod turn;
