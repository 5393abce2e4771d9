//! Secrets among the arguments: who tells of wrong usage repeats what was given, and must not repeat those.

use evertoken_core::api::problem::{Problem, ProblemKind};

/// The shortest run of a token's characters that is taken for one. Names of accounts and options are shorter, or have no
/// digit; paths and addresses have other characters too.
const TOKEN_LENGTH: usize = 40;
/// How a JSON object begins in Base64: the first part of a JWT (RFC 7519).
const JWT: &str = "eyJ";
const JWT_LENGTH: usize = 20;

/// What to say instead of anything that would repeat an argument. `None`: none of them looks like a secret.
pub(crate) fn secret_among_arguments() -> Option<Problem> {
    // What follows is another program's.
    let mut ours = std::env::args_os().skip(1).take_while(|argument| argument != "--");
    ours.any(|argument| may_be_secret(&argument.to_string_lossy())).then(|| {
        Problem::new(
            ProblemKind::InvalidInput,
            "An argument looks like a token or a password; nothing was done with it.",
            "Other programs can read arguments, and the shell may keep them: replace this secret if it still works. \
             `evertoken login` asks for the token or reads it from standard input.",
        )
    })
}

fn may_be_secret(argument: &str) -> bool {
    let mut runs = argument.split(|c: char| !is_of_a_token(c));
    let is_jwt = |run: &str| run.starts_with(JWT) && run.len() >= JWT_LENGTH;
    let is_opaque = |run: &str| {
        run.len() >= TOKEN_LENGTH && run.contains(char::is_numeric) && run.contains(|c: char| c.is_ascii_alphabetic())
    };
    let is_path = argument.contains('/');
    runs.any(|run| is_jwt(run) || (is_opaque(run) && !is_path))
        || argument.to_ascii_lowercase().contains("bearer ")
        || argument
            .split_once("://")
            .is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|host| host.contains('@')))
}

fn is_of_a_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+=".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_known_by_its_look() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";
        let opaque = "8f14e45fceea167a5a36dedd4bea2543c9f0f895";
        for secret in [
            jwt.to_owned(),
            opaque.to_owned(),
            format!("--token={jwt}"),
            format!("refresh_token={opaque}"),
            format!("\"{jwt}\""),
            format!("Authorization: Bearer {}", &opaque[..8]),
            "https://me:pw@server.example/token".to_owned(),
        ] {
            assert!(may_be_secret(&secret), "{secret}");
        }
        for other in [
            "login",
            "production",
            "--endpoint",
            "https://api.vault.ist/v2.0/reference/gettoken",
            "/home/me/2026-11-27/a-folder-with-a-long-name-of-its-own/response.json",
            "https://server.example/path/me@home",
            "eyJ",
            "an-account-whose-name-is-longer-than-anybody-would-type-it-by-hand",
            "--min-valid=5m",
        ] {
            assert!(!may_be_secret(other), "{other}");
        }
    }
}
