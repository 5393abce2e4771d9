//! What the tray says after a click in it, and for how long.

use evertoken_core::present::said::Said;
use evertoken_core::present::tray::{ANSWER_FOR, Answer, CHECK_MARK_FOR};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::desktop::tray::Tray;

pub(super) struct TrayAnswers {
    shown: watch::Sender<Option<Answer>>,
    /// Takes the last one away.
    timer: Option<AbortHandle>,
}

impl TrayAnswers {
    pub(super) const fn new(shown: watch::Sender<Option<Answer>>) -> Self {
        Self { shown, timer: None }
    }

    /// Answers in the tray, in place of an answer that is still there.
    pub(super) fn show(&mut self, said: Said, tray: &Tray) {
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
        let (shown, refresh) = (self.shown.clone(), tray.refresher());
        let say = move |answer: Option<Answer>| {
            shown.send_replace(answer);
            refresh();
        };
        say(Some(Answer { said: said.clone(), is_new: true }));
        let timer = tokio::spawn(async move {
            tokio::time::sleep(CHECK_MARK_FOR).await;
            say(Some(Answer { said, is_new: false }));
            tokio::time::sleep(ANSWER_FOR - CHECK_MARK_FOR).await;
            say(None);
        });
        self.timer = Some(timer.abort_handle());
    }
}
