//! Where this machine's packages come from.

use anyhow::{Context as _, Result};

use crate::command::{command, output};

/// The archive that this machine's apt uses.
pub(crate) fn mirror() -> Result<String> {
    let format = "$(ORIGIN) $(LABEL) $(SITE)";
    let targets = output(command("apt-get").args(["indextargets", "--format", format, "Created-By: Packages"]))?;
    debian_site(&targets).context("apt on this machine does not use an archive of Debian; run `apt-get update`?")
}

fn debian_site(targets: &str) -> Option<String> {
    targets.lines().find_map(|line| line.strip_prefix("Debian Debian ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_the_one_that_apt_uses() {
        let targets = "Debian Debian-Security http://a.example/security\nDebian Debian http://a.example/debian\n";
        assert_eq!(debian_site(targets).as_deref(), Some("http://a.example/debian"));
        assert_eq!(debian_site("Ubuntu Ubuntu http://a.example/ubuntu\n"), None);
    }
}
