//! What the browser shows at the end of a sign-in: a few words, no script, no code, no token.

use evertoken_core::api::problem::{Problem, ProblemKind};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};

/// The address in the browser has the code in it: it goes nowhere, and nothing is loaded.
const HEADERS: [(HeaderName, &str); 7] = [
    (CACHE_CONTROL, "no-store"),
    (CONNECTION, "close"),
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (HeaderName::from_static("referrer-policy"), "no-referrer"),
    (
        HeaderName::from_static("content-security-policy"),
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    ),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The login is stored.
pub(super) fn done() -> Response<Full<Bytes>> {
    page(StatusCode::OK, "You are logged in", "Evertoken has stored the login. You can close this page.")
}

/// The answer has come, and what follows takes long.
pub(super) fn continues() -> Response<Full<Bytes>> {
    let text = "Evertoken has the server's answer and continues automatically; it will say how it went. You can close this page.";
    page(StatusCode::OK, "Not finished yet", text)
}

/// The login is not stored, or not yet.
pub(super) fn problem(problem: &Problem) -> Response<Full<Bytes>> {
    let is_open = [ProblemKind::AnotherUser, ProblemKind::Keychain].contains(&problem.kind);
    let title = if is_open { "Not finished yet" } else { "Not signed in" };
    page(StatusCode::OK, title, &format!("{} {} You can close this page.", problem.detail, problem.advice))
}

/// The server's answer is an error.
pub(super) fn failed(reason: &str) -> Response<Full<Bytes>> {
    let text = format!("Evertoken was told: {reason}. Nothing was changed. You can close this page.");
    page(StatusCode::OK, "Not signed in", &text)
}

/// A request that has no place here.
pub(super) fn refused(status: StatusCode, reason: &str) -> Response<Full<Bytes>> {
    page(status, "Refused", reason)
}

/// On to the server.
pub(super) fn redirect(location: &SecretString) -> Response<Full<Bytes>> {
    let mut response = page(StatusCode::SEE_OTHER, "Sign in", "Your browser goes on to the server.");
    match HeaderValue::try_from(location.expose_secret()) {
        Ok(mut value) => {
            value.set_sensitive(true);
            response.headers_mut().insert(LOCATION, value);
            response
        }
        Err(_) => failed("the server's address cannot be opened"),
    }
}

fn page(status: StatusCode, title: &str, text: &str) -> Response<Full<Bytes>> {
    let (title, text) = (escaped(title), escaped(text));
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" \
         content=\"light dark\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title} - Evertoken</title>\
         </head><body><h1>{title}</h1><p>{text}</p></body></html>\n"
    );
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut html, c| {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_control() => html.push(' '),
            c => html.push(c),
        }
        html
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_cannot_become_markup() {
        assert_eq!(escaped("<b a=\"'\">&\n"), "&lt;b a=&quot;&#39;&quot;&gt;&amp; ");
    }
}
