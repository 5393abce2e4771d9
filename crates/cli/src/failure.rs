use std::io::{self, Write};
use std::process::ExitCode;

use evertoken_core::api::problem::{Problem, ProblemKind};

use crate::secret_arguments::secret_among_arguments;
use crate::style::{Colour, Style, local};

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something that a person or a script must know.
    Problem(Problem),
    /// A program that was to take our place cannot be run.
    NotRun {
        /// Why, and what to do.
        problem: Problem,
        /// The exit code that a shell would end with.
        code: u8,
    },
    /// Whoever read our output has had enough (`| head`): no failure.
    ReaderGone,
}

impl Failure {
    /// Says it on standard error: what happened, and what to do.
    pub(crate) fn report(self, as_json: bool) -> ExitCode {
        let (problem, code) = match self {
            Self::ReaderGone => return ExitCode::SUCCESS,
            Self::NotRun { problem, code } => (problem, code),
            Self::Problem(problem) => {
                let problem = without_secret(problem);
                let code = problem.kind.exit_code() as u8;
                (problem, code)
            }
        };
        let stderr = io::stderr();
        let text = if as_json {
            serde_json::to_string(&problem).unwrap_or_default()
        } else {
            let error = Style::of(&stderr).paint(Colour::Red, "error:");
            format!("{error} {}\n{}", local(&problem.detail), local(&problem.advice))
        };
        // The exit code says it too when standard error is closed.
        let _ = writeln!(stderr.lock(), "{text}");
        ExitCode::from(code)
    }
}

/// The name that no account has may be a token that was given in its place.
fn without_secret(problem: Problem) -> Problem {
    let is_of_a_name = problem.kind == ProblemKind::UnknownAccount;
    let secret = is_of_a_name.then(secret_among_arguments).flatten();
    secret.unwrap_or(problem)
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<io::Error> for Failure {
    /// Of writing to standard output.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        let detail = format!("Standard output cannot be written: {error}.");
        Self::Problem(Problem::new(ProblemKind::Failed, detail, "Your login is untouched; run it again."))
    }
}
