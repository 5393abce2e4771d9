//! What the local API carries: requests, status, problems.

mod account_settings;
pub mod diagnosis;
pub mod login_problem;
pub mod metrics;
pub mod problem;
pub mod requests;
pub mod status;
pub mod unknown_account;
