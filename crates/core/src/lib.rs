//! Everything Evertoken decides, without a clock, a file, a socket or a secret in its state.
#![doc = include_str!("../README.md")]

pub mod access;
pub mod account;
pub mod api;
pub mod config;
pub mod diagnosis;
pub mod duration;
pub mod failure;
pub mod journal;
pub mod keychain;
pub mod login;
pub mod notice;
pub mod paths;
pub mod policy;
pub mod problem;
pub mod recovery;
pub mod rotation;
pub mod sentence;
pub mod session;
pub mod status;
pub mod token;
pub mod token_file;
pub mod token_request;
pub mod token_response;
pub mod tray;
pub mod view;
