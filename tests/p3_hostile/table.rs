//! The answers, each with what has to come of it.

use crate::desktop::Behaviour::{self, Closes, Drips, Hangs, Resets, Says, SpeaksFirst};
use crate::desktop::wire::answer;

/// What a log-in was granted before the endpoint went wrong, and what a wrong endpoint grants, if it does.
pub(super) const FIRST: (&str, &str) = ("at-canary-1", "rt-canary-1");
pub(super) const SECOND: (&str, &str) = ("at-canary-2", "rt-canary-2");

/// One answer.
pub(super) struct Row {
    /// Also the name of its account.
    pub(super) name: &'static str,
    pub(super) server: Server,
    pub(super) expected: Expected,
}

/// Where it comes from.
pub(super) enum Server {
    /// Plain HTTP on loopback.
    Plain(Behaviour),
    /// TLS with a certificate that is wrong, or right, in this way.
    Tls(Certificate),
    /// An endpoint that is not there.
    Elsewhere(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Certificate {
    Good,
    OtherHost,
    Expired,
    SelfSigned,
    /// No TLS at all behind an https endpoint.
    None,
}

/// What a person and a script see.
pub(super) enum Expected {
    /// Exit code 4 and these words; the tokens from before stay.
    Fails(&'static str),
    /// The same with exit code 1: somebody has to mend the account's settings.
    RefusesTheClient(&'static str),
    /// Tokens that live this many seconds; this refresh token is presented next.
    Renews(i64, &'static str),
    /// Exit code 4 and no access token that can be used; the refresh token that came along is presented next.
    KeepsTheLogin,
    /// Exit code 3 and these words: the only ones that may ask for a log-in.
    AsksForLogin(&'static str),
}
use Expected::{AsksForLogin, Fails, KeepsTheLogin, RefusesTheClient, Renews};

const HTML: &str = "Content-Type: text/html\r\n";
const JSON: &str = "Content-Type: application/json\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const PORTAL: &str = "<html><body>Welcome to the airport. Please sign in.</body></html>";
/// The body that asks for a log-in, when it comes with a 401.
const DOCUMENTED_REFUSAL: &str = r#"{"status":"UNAUTHORIZED","message":"The Token has expired on 2025-01-01T00:00:00.000Z","traceId":"TraceId unavailable","errors":[]}"#;

const UNREADABLE: &str = "the endpoint's answer cannot be read";
const BROKEN: &str = "the connection broke before the answer";
const SILENT: &str = "the endpoint did not answer in time";
const CERTIFICATE: &str = "the endpoint's certificate is not trusted";
const PAGE: &str = "a web page came instead of the endpoint's answer";

/// Seconds: what [`granting`] says, and what is usual for an answer that says nothing usable.
const HOUR: i64 = 3600;

/// The answers. `trap` is another server's address, which must never hear of us.
pub(super) fn rows(trap: &str, gzipped: Vec<u8>, gzip_bomb: Vec<u8>) -> Vec<Row> {
    let mut rows = statuses(trap);
    rows.extend(compressed(&gzipped));
    rows.extend(unreadable(gzip_bomb));
    rows.extend(broken_http());
    rows.extend(broken_connections());
    rows.extend(odd_grants());
    rows.extend(unusable_access_tokens());
    rows.extend(verdicts());
    rows.extend(lifetimes());
    rows
}

fn row(name: &'static str, says: Vec<u8>, expected: Expected) -> Row {
    Row { name, server: Server::Plain(Says(says)), expected }
}

fn statuses(trap: &str) -> Vec<Row> {
    let to_trap = format!("Location: {trap}\r\n");
    let redirect = |name, status, words| row(name, answer(status, &to_trap, PORTAL), Fails(words));
    let html = |name, status, words| row(name, answer(status, HTML, PORTAL), Fails(words));
    let json = |name, status, body: &str, words| row(name, answer(status, JSON, body), Fails(words));
    let wait = |name, status, after: &str, words| {
        row(name, answer(status, &format!("Retry-After: {after}\r\n"), "busy"), Fails(words))
    };
    vec![
        row(
            "documented-401",
            answer("401 Unauthorized", JSON, DOCUMENTED_REFUSAL),
            AsksForLogin("expired on 1 Jan 2025 at 00:00"),
        ),
        html("portal-200", "200 OK", PAGE),
        redirect("portal-302", "302 Found", "answer (HTTP 302): a proxy"),
        redirect("redirect-301", "301 Moved Permanently", "answer (HTTP 301): a proxy"),
        redirect("redirect-303", "303 See Other", "answer (HTTP 303): a proxy"),
        redirect("redirect-307", "307 Temporary Redirect", "answer (HTTP 307): a proxy"),
        redirect("redirect-308", "308 Permanent Redirect", "answer (HTTP 308): a proxy"),
        html("portal-401", "401 Unauthorized", "answer (HTTP 401): a proxy"),
        json("other-json-401", "401 Unauthorized", r#"{"status":"NOT_FOUND","message":"no"}"#, "unexpected (HTTP 401)"),
        row(
            "invalid-client-401",
            answer("401 Unauthorized", JSON, r#"{"error":"invalid_client"}"#),
            RefusesTheClient("client id or the client secret (invalid_client)"),
        ),
        row(
            "invalid-client-403",
            answer("403 Forbidden", JSON, r#"{"error":"invalid_client"}"#),
            RefusesTheClient("client id or the client secret (invalid_client)"),
        ),
        json("empty-401", "401 Unauthorized", "", "unexpected (HTTP 401)"),
        json("list-401", "401 Unauthorized", r#"["UNAUTHORIZED"]"#, "unexpected (HTTP 401)"),
        json("list-400", "400 Bad Request", r#"["invalid_grant"]"#, "unexpected (HTTP 400)"),
        json("half-a-verdict", "400 Bad Request", r#"{"error":"invalid_grant""#, "unexpected (HTTP 400)"),
        json("verdict-407", "407 Proxy Authentication Required", r#"{"error":"invalid_grant"}"#, "a proxy before"),
        json("busy-400", "400 Bad Request", r#"{"error":"temporarily_unavailable"}"#, "try again later (HTTP 400)"),
        json("vault-error-400", "400 Bad Request", r#"{"error":"COMMON","errorId":0}"#, "unexpected (HTTP 400)"),
        json("refusal-400", "400 Bad Request", DOCUMENTED_REFUSAL, "unexpected (HTTP 400)"),
        json("refusal-403", "403 Forbidden", DOCUMENTED_REFUSAL, "unexpected (HTTP 403)"),
        html("blocked-403", "403 Forbidden", "answer (HTTP 403): a proxy"),
        html("proxy-407", "407 Proxy Authentication Required", "a proxy before the endpoint wants a user name"),
        html("moved-404", "404 Not Found", "answer (HTTP 404): a proxy"),
        json("empty-204", "204 No Content", "", "unexpected (HTTP 204)"),
        json("refusal-200", "200 OK", DOCUMENTED_REFUSAL, UNREADABLE),
        json("refusal-500", "500 Internal Server Error", DOCUMENTED_REFUSAL, "the endpoint failed (HTTP 500)"),
        html("plain-503", "503 Service Unavailable", "the endpoint failed (HTTP 503)"),
        wait("seconds-503", "503 Service Unavailable", "3", "try again later (HTTP 503)"),
        wait("seconds-429", "429 Too Many Requests", "3", "try again later (HTTP 429)"),
        wait("date-429", "429 Too Many Requests", &in_a_minute(), "try again later (HTTP 429)"),
        wait("nonsense-429", "429 Too Many Requests", "soon", "try again later (HTTP 429)"),
    ]
}

/// About when the other rows are through with their failures.
fn in_a_minute() -> String {
    let date = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(1);
    date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Nobody asked for it, and what was granted counts all the same.
fn compressed(gzipped: &[u8]) -> Vec<Row> {
    let gzip = |name, coding: &str, body: &[u8]| {
        row(name, answer("200 OK", &format!("{JSON}Content-Encoding: {coding}\r\n"), body), Renews(HOUR, SECOND.1))
    };
    // Its length and its checksum.
    const TRAILER: usize = 8;
    let without_end = &gzipped[..gzipped.len() - TRAILER];
    vec![gzip("gzip", "gzip", gzipped), gzip("x-gzip", "x-gzip", gzipped), gzip("gzip-cut-off", "gzip", without_end)]
}

fn unreadable(gzip_bomb: Vec<u8>) -> Vec<Row> {
    let gzip = format!("{JSON}Content-Encoding: gzip\r\n");
    let ok = |name, body: Vec<u8>| row(name, answer("200 OK", JSON, body), Fails(UNREADABLE));
    let huge = format!(r#"{{"access_token":"{}"}}"#, "a".repeat(10 << 20)).into_bytes();
    let chunks = b"10000\r\n".iter().chain(&[b'['; 0x10000]).chain(b"\r\n").copied().collect::<Vec<u8>>().repeat(160);
    let endless = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(), chunks].concat();
    vec![
        row("gzip-bomb", answer("200 OK", &gzip, gzip_bomb), Fails(UNREADABLE)),
        ok("ten-mebibytes", huge),
        row("ten-mebibytes-in-chunks", endless, Fails(UNREADABLE)),
        ok("deep-nesting", vec![b'['; 900_000]),
        ok("empty-200", vec![]),
        ok("half-json", br#"{"access_token":"at-canary-2","refresh_token":"rt-can"#.to_vec()),
        ok("invalid-utf8", vec![0xff, 0xfe, 0x00, 0x80]),
        ok("token-with-a-line-break", br#"{"access_token":"a\r\nX-Evil: 1"}"#.to_vec()),
    ]
}

fn broken_http() -> Vec<Row> {
    let raw = |name, bytes: Vec<u8>| row(name, bytes, Fails(UNREADABLE));
    let head = b"HTTP/1.1 200 OK\r\n";
    let many: Vec<u8> = (0..20_000).flat_map(|n| format!("X-{n}: {n}\r\n").into_bytes()).collect();
    // SETTINGS, then GOAWAY with HTTP_1_1_REQUIRED (RFC 9113 section 6.8): HTTP/1.1 is all that Evertoken speaks.
    let settings: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    let goaway: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];
    let http2 = [settings, goaway].concat();
    vec![
        raw("many-headers", [head.as_slice(), &many, b"\r\n{}"].concat()),
        raw("long-header", [head.as_slice(), b"X-Long: ", &vec![b'x'; 1 << 20], b"\r\n\r\n{}"].concat()),
        raw("http-0.9", PORTAL.as_bytes().to_vec()),
        raw("http-2", http2.clone()),
        // Whether the bytes or the break is noticed first is chance: both sentences speak of the answer.
        Row { name: "http-2-unasked", server: Server::Plain(SpeaksFirst(http2)), expected: Fails("answer") },
        raw("chunked-garbage", [head.as_slice(), b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"].concat()),
        raw("two-lengths", [head.as_slice(), b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"].concat()),
        raw("negative-length", [head.as_slice(), b"Content-Length: -2\r\n\r\n{}"].concat()),
        row("informational-flood", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(50_000), Fails(BROKEN)),
    ]
}

fn broken_connections() -> Vec<Row> {
    let plain = |name, behaviour, words| Row { name, server: Server::Plain(behaviour), expected: Fails(words) };
    let tls = |name, certificate| Row { name, server: Server::Tls(certificate), expected: Fails(CERTIFICATE) };
    let grant = granting("", "");
    vec![
        plain("closed-unread", Closes, BROKEN),
        plain("closed-after-reading", Says(vec![]), BROKEN),
        plain("reset", Resets, BROKEN),
        plain("half-a-head", Says(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()), BROKEN),
        plain("half-a-body", Says(grant[..grant.len() - 40].to_vec()), BROKEN),
        plain("slow-head", Drips(grant.clone()), SILENT),
        plain("slow-body", Drips(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n".to_vec()), SILENT),
        plain("silence", Hangs, SILENT),
        tls("tls-other-host", Certificate::OtherHost),
        Row {
            name: "tls-expired",
            server: Server::Tls(Certificate::Expired),
            expected: Fails("the endpoint's certificate has expired"),
        },
        tls("tls-self-signed", Certificate::SelfSigned),
        tls("tls-not-at-all", Certificate::None),
        Row { name: "tls-good", server: Server::Tls(Certificate::Good), expected: Renews(HOUR, SECOND.1) },
        Row {
            name: "no-such-host",
            server: Server::Elsewhere("https://vault.invalid/token"),
            expected: Fails("the endpoint's name cannot be resolved"),
        },
        Row {
            name: "nobody-listens",
            server: Server::Elsewhere("http://127.0.0.1:1/token"),
            expected: Fails("no connection"),
        },
    ]
}

/// The body of a grant of [`SECOND`], with these fields instead of the documented lifetime, and more after it.
fn granted(fields: &str, refresh_token: &str) -> String {
    let (access_token, _) = SECOND;
    let mut body = format!(r#"{{"access_token":"{access_token}""#);
    for field in [refresh_token, fields] {
        if !field.is_empty() {
            body = format!("{body},{field}");
        }
    }
    format!("{body}}}")
}

const ROTATED: &str = r#""refresh_token":"rt-canary-2""#;
const AN_HOUR: &str = r#""expires_in":3600"#;

/// A grant with other header lines, and with more after the body.
pub(super) fn granting(headers: &str, after: &str) -> Vec<u8> {
    [answer("200 OK", headers, granted(AN_HOUR, ROTATED)), after.as_bytes().to_vec()].concat()
}

fn odd_grants() -> Vec<Row> {
    let (_, first) = FIRST;
    let (_, second) = SECOND;
    let ok = |name, body: Vec<u8>, next| row(name, answer("200 OK", JSON, body), Renews(HOUR, next));
    let refresh = |name, field, next| ok(name, granted(AN_HOUR, field).into_bytes(), next);
    let other = |name, field: &str| ok(name, granted(&format!("{AN_HOUR},{field}"), ROTATED).into_bytes(), second);
    let body = granted(AN_HOUR, ROTATED);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x};why=not\r\n{body}\r\n0\r\nX-Trailer: 1\r\n\r\n",
        body.len()
    );
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(1_000).into_bytes();
    let in_scope = |bytes: &[u8]| {
        let text = granted(&format!(r#"{AN_HOUR},"scope":"?""#), ROTATED);
        let (before, after) = text.split_once('?').unwrap();
        [before.as_bytes(), bytes, after.as_bytes()].concat()
    };
    let too_long = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len() + 1);
    let no_last_chunk = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len());
    // Everything that counts, and then something that breaks the JSON.
    let in_front_of = |rest: &str| format!("{},\"x\":{rest}", body.trim_end_matches('}')).into_bytes();
    let form = "access_token=at-canary-2&token_type=bearer&expires_in=3600&refresh_token=rt-canary-2&scope=a+b";
    let nested = format!(r#""errors":{}1{}"#, "[".repeat(100_000), "]".repeat(100_000));
    vec![
        refresh("no-refresh-token", "", first),
        refresh("empty-refresh-token", r#""refresh_token":"""#, first),
        refresh("same-refresh-token", r#""refresh_token":"rt-canary-1""#, first),
        refresh("refresh-token-null", r#""refresh_token":null"#, first),
        refresh("duplicate-keys", r#""refresh_token":"rt-canary-0","refresh_token":"rt-canary-2""#, second),
        other("unknown-token-type", r#""token_type":"mac""#),
        other("scope-of-numbers", r#""scope":[1,2]"#),
        other("deep-nesting-beside", &nested),
        other("number-too-large-beside", r#""user_id":1e999"#),
        other("half-a-surrogate-beside", r#""user_id":"\ud800""#),
        ok("byte-order-mark", format!("\u{feff}{body}").into_bytes(), second),
        ok("invalid-utf8-beside", in_scope(&[0xff, 0xc3]), second),
        row("wrong-content-type", granting(HTML, ""), Renews(HOUR, second)),
        ok("a-byte-behind", format!("{body}\0").into_bytes(), second),
        ok("a-page-behind", format!("{body}{PORTAL}").into_bytes(), second),
        ok("no-json-behind", in_front_of("NaN"), second),
        ok("broken-off-behind", in_front_of("\"half"), second),
        row("length-too-long", too_long.into_bytes(), Renews(HOUR, second)),
        row("no-last-chunk", no_last_chunk.into_bytes(), Renews(HOUR, second)),
        row("status-201", answer("201 Created", JSON, &body), Renews(HOUR, second)),
        row("status-203", answer("203 Non-Authoritative Information", JSON, &body), Renews(HOUR, second)),
        row("form-encoded", answer("200 OK", FORM, form), Renews(HOUR, second)),
        row("form-encoded-as-text", answer("200 OK", "Content-Type: text/plain\r\n", form), Renews(HOUR, second)),
        row(
            "two-answers",
            granting(JSON, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"),
            Renews(HOUR, second),
        ),
        row("chunks-with-trailer", chunked.into_bytes(), Renews(HOUR, second)),
        row("informational-answers-first", [hints, granting(JSON, "")].concat(), Renews(HOUR, second)),
    ]
}

/// Whatever the access token is, the refresh token beside it is the login.
fn unusable_access_tokens() -> Vec<Row> {
    let ok = |name, body: String| row(name, answer("200 OK", JSON, body), KeepsTheLogin);
    let instead = |name, field: &str| ok(name, format!("{{{field}{ROTATED},{AN_HOUR}}}"));
    // Its exp is in 2020.
    let jwt = r#""access_token":"e30.eyJleHAiOjE1Nzc4MzY4MDB9.c2ln","#;
    vec![
        instead("no-access-token", ""),
        instead("access-token-null", r#""access_token":null,"#),
        instead("access-token-empty", r#""access_token":"","#),
        instead("access-token-of-a-number", r#""access_token":7,"#),
        instead("access-token-in-a-list", r#""access_token":["a"],"#),
        instead("access-token-with-a-blank", r#""access_token":"at canary","#),
        instead("access-token-with-a-line-break", r#""access_token":"a\r\nX-Evil: 1","#),
        ok("access-token-of-ten-mebibytes", format!(r#"{{{ROTATED},"access_token":"{}"}}"#, "a".repeat(10 << 20))),
        ok("expired-jwt", format!("{{{jwt}{ROTATED}}}")),
        ok("expires-in-zero", granted(r#""expires_in":0"#, ROTATED)),
        ok("expires-in-zero-string", granted(r#""expires_in":"0""#, ROTATED)),
        ok("expires-in-negative", granted(r#""expires_in":-5"#, ROTATED)),
        ok("expires-in-half-a-second", granted(r#""expires_in":0.5"#, ROTATED)),
    ]
}

/// The end of a login in the words of many servers.
fn verdicts() -> Vec<Row> {
    let json = |name, status, body: &str, words| row(name, answer(status, JSON, body), AsksForLogin(words));
    let form = "error=bad_refresh_token&error_description=The+refresh+token+passed+is+incorrect+or+expired.";
    let description = r#"{"error":"invalid_grant","error_description":"Token\u009b2J\u202e revoked: rt-canary-1"}"#;
    vec![
        json(
            "invalid-grant-400",
            "400 Bad Request",
            r#"{"error":"invalid_grant"}"#,
            "refused the login (invalid_grant)",
        ),
        json("invalid-grant-401", "401 Unauthorized", r#"{"error":"invalid_grant"}"#, "(invalid_grant)"),
        json("invalid-grant-403", "403 Forbidden", r#"{"error":"invalid_grant"}"#, "(invalid_grant)"),
        json("described", "400 Bad Request", description, "(invalid_grant: Token2J revoked: …)"),
        json("bad-refresh-token-200", "200 OK", r#"{"error":"bad_refresh_token"}"#, "(bad_refresh_token)"),
        row(
            "bad-refresh-token-form",
            answer("200 OK", FORM, form),
            AsksForLogin("(bad_refresh_token: The refresh token passed is incorrect or expired)"),
        ),
        json("interaction-required", "400 Bad Request", r#"{"error":"interaction_required"}"#, "sign in there again"),
        json("consent-required", "403 Forbidden", r#"{"error":"consent_required"}"#, "(consent_required)"),
        json("login-required", "401 Unauthorized", r#"{"error":"login_required"}"#, "(login_required)"),
        json("unauthorized-client", "400 Bad Request", r#"{"error":"unauthorized_client"}"#, "(unauthorized_client)"),
    ]
}

fn lifetimes() -> Vec<Row> {
    let (_, second) = SECOND;
    let lives = |name, field: &str, seconds| {
        row(name, answer("200 OK", JSON, granted(field, ROTATED)), Renews(seconds, second))
    };
    vec![
        lives("expires-in-string", r#""expires_in":"3600""#, HOUR),
        lives("expires-in-float", r#""expires_in":3600.9"#, HOUR),
        lives("expires-in-1e18", r#""expires_in":1000000000000000000"#, HOUR),
        lives("expires-in-1e999", r#""expires_in":1e999"#, HOUR),
        lives("expires-in-missing", "", HOUR),
    ]
}
