//! What a person configures of one account: its name, its server, and who may have its tokens.

pub mod approval;
pub mod id;
pub mod name;
pub mod order;
pub mod settings;
pub mod token_file;

pub use id::{AccountId, InvalidAccountId};
pub use name::{AccountName, InvalidAccountName};
pub use settings::{Account, DEFAULT_ACCOUNT_PLACEHOLDER, Preset, Sharing};
