//! Many programs that want the token all the time.

use std::time::{Duration, Instant};

use crate::desktop::{Desktop, Outcome, Scene, built, effort, note, procfs};

/// Programs at once, and how often each asks: a thousand reads, and ten thousand with `--soak`.
const PROGRAMS: usize = 8;
const READS: (usize, usize) = (125, 1_250);
/// In KiB: what an allocator may keep of the busiest moment. A kilobyte lost for each read would be 1,000 at least.
const KEPT: u64 = 512;

/// Far beyond what it takes: two cores start about 250 programs a second.
const LONGEST: Duration = Duration::from_secs(300);

/// A program that asks that often, and says how often it got this token.
async fn asks(desktop: &Desktop, times: usize, token: &str) -> usize {
    let mut shell = desktop.environment.command("sh");
    let script = r#"i=0; got=0; while [ $i -lt "$1" ]; do
        if [ "$("$2" token)" = "$TOKEN" ]; then got=$((got+1)); fi; i=$((i+1)); done; echo $got"#;
    shell.args(["-c", script, "sh", &times.to_string()]).arg(built("evertoken")).env("TOKEN", token);
    let outcome = Outcome::within(LONGEST, shell, b"").await;
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    outcome.stdout.trim().parse().unwrap()
}

async fn all_ask(desktop: &Desktop, times: usize, token: &str) -> usize {
    let programs = (0..PROGRAMS).map(|_| asks(desktop, times, token));
    futures_util::future::join_all(programs).await.into_iter().sum()
}

fn files(pid: procfs::Pid) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_by_eight_programs_cost_no_request_no_memory_and_no_file() {
    let scene = Scene::logged_in("--expires-in 23h").await;
    let (desktop, pid) = (&scene.desktop, scene.agent.pid());
    let token = desktop.token().await;
    // The newest 1,000 accesses are remembered: that much memory is meant to be used.
    all_ask(desktop, 130, &token).await;
    let before = (procfs::anonymous_memory(pid), files(pid));

    let begin = Instant::now();
    let reads = effort(READS.0, READS.1);
    let got = all_ask(desktop, reads, &token).await;
    let took = begin.elapsed();

    assert_eq!(got, PROGRAMS * reads);
    assert_eq!(scene.sandbox.requests().await.len(), 1, "nothing but the login");
    // The last connections are closed a moment after their programs have ended.
    let open =
        crate::desktop::eventually("the files are closed", async || Some(files(pid)).filter(|open| *open <= before.1));
    let after = (procfs::anonymous_memory(pid), open.await);
    note(&format!(
        "{got} reads in {took:.1?}; {} KiB of its own before, {} KiB after; files {}",
        before.0, after.0, after.1
    ));
    assert!(after.0 <= before.0 + KEPT, "{} KiB before, {} KiB after", before.0, after.0);
}
