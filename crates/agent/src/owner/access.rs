//! Who may have access tokens, and who asked.

use evertoken_core::account::AccountName;
use evertoken_core::account::approval::{Access, AccessOutcome, Caller, Permission, Program};
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{AccessAnswer, Approval};
use evertoken_core::api::status::AccountStatus;
use evertoken_core::login::notice::{Notice, NoticeKind};
use evertoken_core::login::session::Effect;
use jiff::SignedDuration;

use super::account::ManagedAccount;
use super::agent::Agent;
use crate::request::AccountRef;

/// More programs at once than a person could tell apart; the others hear that they have to wait, and ask again.
const MOST_ASKING: usize = 16;
/// A program that asks every second does not bring back at once what a person has waved away.
const REST: SignedDuration = SignedDuration::from_secs(10);

impl Agent {
    /// May the caller have the account's token? What an admitted caller gets is taken note of by `note_answer`.
    pub(super) fn admit(&mut self, name: &AccountName, caller: &Caller) -> Result<(), Problem> {
        let managed = self.account(name).ok_or_else(|| self.unknown_account(name))?;
        let permission = managed.permission(caller);
        if permission == Permission::Allowed { Ok(()) } else { Err(self.refused(name, caller, permission)) }
    }

    /// Takes note of a caller that was not let in. Nobody has decided about it yet: a person is asked.
    pub(super) fn refused(&mut self, name: &AccountName, caller: &Caller, permission: Permission) -> Problem {
        let program = caller.program.as_ref();
        if permission == Permission::Undecided {
            self.note(name, caller.clone(), AccessOutcome::Asked, None);
            program.into_iter().for_each(|program| self.ask_a_person(name, program.clone()));
            return approval_required(name, program);
        }
        self.note(name, caller.clone(), AccessOutcome::Denied, None);
        denied(name, program)
    }

    /// Takes note of what a caller got that was let in.
    pub(super) fn note_answer<T>(&mut self, name: &AccountName, caller: Caller, answer: &Result<T, Problem>) {
        match answer {
            Ok(_) => self.note(name, caller, AccessOutcome::Granted, None),
            Err(problem) => self.note(name, caller, AccessOutcome::Unavailable, Some(problem.detail.clone())),
        }
    }

    fn note(&mut self, name: &AccountName, caller: Caller, outcome: AccessOutcome, reason: Option<String>) {
        self.accesses.record(Access { at: self.clock.now(), account: name.clone(), caller, outcome, reason });
    }

    fn ask_a_person(&mut self, name: &AccountName, program: Program) {
        let now = self.clock.now();
        let Some(managed) = self.accounts.get_mut(name) else { return };
        let is_new = !managed.asking.contains(&program) && managed.asking.len() < MOST_ASKING;
        if is_new {
            managed.asking.push(program);
        }
        let rests = managed.question_gone_at.is_some_and(|gone| now.duration_since(gone).abs() < REST);
        if !managed.is_question_put && (is_new || !rests) {
            self.put_the_next_question(name, None);
        }
    }

    /// It has left the screen unanswered, and is put again when a program asks again after a rest.
    pub(super) fn question_is_gone(&mut self, name: &AccountName) {
        let now = self.clock.now();
        if let Some(managed) = self.accounts.get_mut(name) {
            managed.is_question_put = false;
            managed.question_gone_at = Some(now);
        }
    }

    /// A person has answered beside a program that waits. What cannot be kept is told, and asked again.
    pub(super) fn answered(&mut self, name: &AccountName, approval: &Approval) {
        if let Err(problem) = self.decide(name, approval) {
            tracing::warn!(account = %name, "the decision could not be kept: {problem}");
            self.say_problem_in_the_tray(&problem);
            let is_next = |managed: &ManagedAccount| managed.asking.first() == Some(&approval.program);
            if self.account(name).is_some_and(is_next) {
                self.put_the_next_question(name, Some(format!("{} {}", problem.detail, problem.advice)));
            }
        }
    }

    /// One question at a time: a click can only mean the program that the person has read.
    fn put_the_next_question(&mut self, name: &AccountName, not_kept: Option<String>) {
        let Some(managed) = self.accounts.get_mut(name) else { return };
        let next = managed.asking.first().cloned();
        managed.is_question_put = next.is_some();
        if let Some(program) = next {
            self.effect(name, Effect::Notify(Notice::ApprovalRequired { program, not_kept }));
        }
    }

    pub(super) fn approve(&mut self, account: AccountRef, approval: &Approval) -> Result<AccountStatus, Problem> {
        let name = self.resolve(account)?;
        let asks = self.account(&name).is_some_and(|managed| managed.account().sharing.require_approval);
        if !approval.allow && !asks {
            return Err(asks_nobody(&name));
        }
        self.decide(&name, approval)?;
        self.status_of(&name)
    }

    /// Writes the decision down, and asks about the next program.
    pub(super) fn decide(&mut self, name: &AccountName, approval: &Approval) -> Result<(), Problem> {
        let Approval { program, allow } = approval;
        self.edit_sharing(name, |sharing| sharing.decide(program, *allow))?;
        tracing::info!(account = %name, %program, allow, "a person decided");
        self.stop_asking(name, |asking| asking != program);
        Ok(())
    }

    /// Forgets the questions that `still_open` does not keep.
    fn stop_asking(&mut self, name: &AccountName, still_open: impl Fn(&Program) -> bool) {
        let Some(managed) = self.accounts.get_mut(name) else { return };
        let first = managed.asking.first().cloned();
        managed.asking.retain(still_open);
        if managed.asking.first() != first.as_ref() {
            self.effect(name, Effect::Withdraw(NoticeKind::ApprovalRequired));
            self.put_the_next_question(name, None);
        }
    }

    /// Follows the settings: whoever is decided about does not wait any more.
    pub(super) fn review_those_who_ask(&mut self) {
        let names: Vec<AccountName> = self.accounts.keys().cloned().collect();
        for name in names {
            let Some(sharing) = self.accounts.get(&name).map(|managed| managed.account().sharing.clone()) else {
                continue;
            };
            self.stop_asking(&name, |program| sharing.permission(Some(program)) == Permission::Undecided);
        }
    }

    pub(super) fn accesses(&self) -> AccessAnswer {
        AccessAnswer { accesses: self.accesses.iter().cloned().collect() }
    }
}

fn in_words(program: Option<&Program>) -> &str {
    program.map_or("A program that the system does not name", Program::as_str)
}

fn approval_required(name: &AccountName, program: Option<&Program>) -> Problem {
    Problem::new(
        ProblemKind::ApprovalRequired,
        format!("{} has not been allowed to read access tokens of {name} yet; a person is asked.", in_words(program)),
        "Allow it in the notification or with `evertoken approve`, then try again; or wait for it with --wait 2m.",
    )
}

fn asks_nobody(name: &AccountName) -> Problem {
    Problem::new(
        ProblemKind::InvalidInput,
        format!("Not denied: {name} gives access tokens to every program of yours and does not ask."),
        format!("Make it ask first: `evertoken account set {name} --require-approval on`."),
    )
}

fn denied(name: &AccountName, program: Option<&Program>) -> Problem {
    Problem::new(
        ProblemKind::AccessDenied,
        format!("{} is not allowed to read access tokens of {name}.", in_words(program)),
        "If that was a mistake: `evertoken approve PROGRAM`.",
    )
}
