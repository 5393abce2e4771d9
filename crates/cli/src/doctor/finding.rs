use evertoken_core::account::AccountName;
use serde::Serialize;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// Works, with something missing that a person may want.
    Warn,
    /// Does not work, or is not safe.
    Fail,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Finding {
    /// The check's name: stable, scripts may look for it.
    pub(crate) check: &'static str,
    /// Whose finding it is, where it concerns one account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<AccountName>,
    /// How it came out.
    pub(crate) verdict: Verdict,
    /// What is so, in a sentence.
    pub(crate) what: String,
    /// What to do about it, in a sentence; nothing when all is well.
    pub(crate) cure: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, account: None, verdict: Verdict::Ok, what: what.into(), cure: None }
    }

    pub(super) fn warn(check: &'static str, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { check, account: None, verdict: Verdict::Warn, what: what.into(), cure: Some(cure.into()) }
    }

    pub(super) fn fail(check: &'static str, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { check, account: None, verdict: Verdict::Fail, what: what.into(), cure: Some(cure.into()) }
    }

    pub(super) fn of(self, account: &AccountName) -> Self {
        Self { account: Some(account.clone()), ..self }
    }
}

/// The verdict on the whole.
pub(crate) fn worst(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_is_enough() {
        let findings = [Finding::ok("a", "."), Finding::fail("b", ".", "."), Finding::warn("c", ".", ".")];
        assert_eq!(worst(&findings), Verdict::Fail);
        assert_eq!(worst(&findings[..1]), Verdict::Ok);
    }
}
