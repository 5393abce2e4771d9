use std::process::Command;
use std::time::Duration;

use evertoken_agent::desktop::clipboard::{Clipboard, ClipboardProblem};
use evertoken_core::account::AccountId;
use evertoken_core::oauth::token::AccessToken;

use crate::desk::{Process, threads};

const LONG: Duration = Duration::from_mins(10);

fn account() -> AccountId {
    "0123456789abcdef".parse().unwrap()
}

fn token(text: &str) -> AccessToken {
    AccessToken::new(text.to_owned())
}

/// What another program pastes; `None` when the clipboard is empty.
fn pasted(target: &str) -> Option<String> {
    let arguments = ["-out", "-selection", "clipboard", "-target", target];
    let output = Command::new("xclip").args(arguments).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

desk_test!(with display: a_copied_token_is_pasted_and_kept_out_of_histories, |_desk| {
    let mut clipboard = Clipboard::new();
    clipboard.copy(&account(), &token("access-1"), LONG, false).await.unwrap();
    assert_eq!(pasted("UTF8_STRING").as_deref(), Some("access-1"));
    assert_eq!(pasted("x-kde-passwordManagerHint").as_deref(), Some("secret"));
    clipboard.clear_now().await;
    assert_eq!(pasted("UTF8_STRING"), None);
    clipboard.clear_now().await;
    clipboard.copy(&account(), &token("access-2"), LONG, false).await.unwrap();
    assert_eq!(pasted("UTF8_STRING").as_deref(), Some("access-2"));
});

desk_test!(with display: a_token_does_not_stay_on_the_clipboard_and_nothing_stays_in_the_agent, |_desk| {
    let mut clipboard = Clipboard::new();
    clipboard.copy(&account(), &token("access-1"), Duration::from_millis(100), false).await.unwrap();
    until(|| pasted("UTF8_STRING").is_none()).await;
    until(|| threads("clipboard") == 0).await;
    // The thread of the X connection has no name of its own: it has its maker's.
    clipboard.copy(&account(), &token("access-2"), Duration::from_millis(1), false).await.unwrap();
    clipboard.copy(&account(), &token("access-3"), LONG, false).await.unwrap();
    assert_eq!(pasted("UTF8_STRING").as_deref(), Some("access-3"));
});

desk_test!(with display: a_later_copy_is_not_cleared_by_the_earlier_ones_time, |_desk| {
    let mut clipboard = Clipboard::new();
    clipboard.copy(&account(), &token("access-1"), Duration::from_millis(50), false).await.unwrap();
    clipboard.copy(&account(), &token("access-2"), LONG, false).await.unwrap();
    let earlier_ones_time = tokio::time::Instant::now() + Duration::from_millis(100);
    until(|| {
        assert_eq!(pasted("UTF8_STRING").as_deref(), Some("access-2"));
        tokio::time::Instant::now() > earlier_ones_time
    })
    .await;
});

desk_test!(with display: what_another_program_copied_is_left_alone, |_desk| {
    let mut clipboard = Clipboard::new();
    clipboard.copy(&account(), &token("access-1"), Duration::from_millis(300), false).await.unwrap();
    let (_other, _) = Process::start("xclip", &["-in", "-selection", "clipboard", "-quiet"], "theirs");
    until(|| pasted("UTF8_STRING").as_deref() == Some("theirs")).await;
    until(|| threads("clipboard") == 0).await;
    assert_eq!(pasted("UTF8_STRING").as_deref(), Some("theirs"));
    clipboard.clear_now().await;
    assert_eq!(pasted("UTF8_STRING").as_deref(), Some("theirs"));
});

desk_test!(with display: what_is_pasted_once_is_gone, |_desk| {
    let mut clipboard = Clipboard::new();
    clipboard.copy(&account(), &token("access-1"), LONG, true).await.unwrap();
    assert!(pasted("TARGETS").unwrap().contains("UTF8_STRING"), "who only looks takes nothing");
    assert_eq!(pasted("UTF8_STRING").as_deref(), Some("access-1"));
    assert_eq!(pasted("UTF8_STRING"), None);
    clipboard.copy(&account(), &token("access-2"), LONG, true).await.unwrap();
    assert_eq!(pasted("UTF8_STRING").as_deref(), Some("access-2"));
});

desk_test!(with display: a_clipboard_history_gets_no_text_and_others_do, |desk| {
    let history = desk.program("xclip", "copyq");
    let mut clipboard = Clipboard::new();
    clipboard.copy(&account(), &token("access-1"), LONG, true).await.unwrap();
    let asked = |target: &str| {
        let arguments = ["-out", "-selection", "clipboard", "-target", target];
        String::from_utf8(Command::new(&history).args(arguments).output().unwrap().stdout).unwrap()
    };
    for target in ["UTF8_STRING", "STRING", "TEXT", "text/plain", "text/plain;charset=utf-8"] {
        assert_eq!(asked(target), "", "{target}");
    }
    let targets = asked("TARGETS");
    assert!(targets.contains("x-kde-passwordManagerHint") && !targets.contains("STRING"), "{targets}");
    assert_eq!(pasted("UTF8_STRING").as_deref(), Some("access-1"), "a person's paste is still there");
});

desk_test!(without display: without_a_display_the_person_is_told_so, |_desk| {
    let mut clipboard = Clipboard::new();
    let outcome = clipboard.copy(&account(), &token("access-1"), LONG, false).await;
    assert_eq!(outcome, Err(ClipboardProblem::Unavailable));
    assert_eq!(outcome.unwrap_err().to_string(), "there is no clipboard: the agent runs without a display");
    clipboard.clear_now().await;
});
