//! Everything Evertoken decides, without a clock, a file, a socket or a secret in its state.
#![doc = include_str!("../README.md")]

#[cfg(test)]
mod absolute;
pub mod account;
pub mod api;
pub mod config;
pub mod keychain;
pub mod login;
pub mod oauth;
pub mod present;
