//! What goes to standard output: lines and JSON.

use std::fmt::Display;
use std::io::{self, Write};

use evertoken_core::api::problem::{Problem, ProblemKind};
use serde::Serialize;

use crate::failure::Failure;
pub(crate) use crate::style::{Colour, Style, local, plain};

/// Writes a line.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    // At the end of the process a full disk would go unnoticed.
    Ok(stdout.flush()?)
}

/// Writes a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| {
        Problem::new(
            ProblemKind::Failed,
            format!("The answer cannot be written as JSON: {error}."),
            "Leave out --json.",
        )
    })?;
    line(text)
}
