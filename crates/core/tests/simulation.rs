//! Thousands of days of an account's life in virtual time, checked against the invariants of the crate's README.
//!
//! `EVERTOKEN_SIM_SEED=7 cargo test -p evertoken-core --test simulation one_life -- --nocapture` shows one life,
//! `EVERTOKEN_SIM_DAYS=1000000` runs more of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![expect(clippy::print_stderr, reason = "a life that is looked at tells what happens")]

#[path = "simulation/agent.rs"]
mod agent;
#[path = "simulation/clock.rs"]
mod clock;
#[path = "simulation/exchange.rs"]
mod exchange;
#[path = "simulation/invariants.rs"]
mod invariants;
#[path = "simulation/jobs.rs"]
mod jobs;
#[path = "simulation/journal.rs"]
mod journal;
#[path = "simulation/keychain.rs"]
mod keychain;
#[path = "simulation/person.rs"]
mod person;
#[path = "simulation/random.rs"]
mod random;
#[path = "simulation/server.rs"]
mod server;
#[path = "simulation/setting.rs"]
mod setting;
#[path = "simulation/steps.rs"]
mod steps;
#[path = "simulation/trouble.rs"]
mod trouble;
#[path = "simulation/world.rs"]
mod world;

use clock::DAY;
use random::Random;
use server::Terms;
use setting::Setting;
use world::World;

/// The longest life of one account, in days.
const LONGEST: i64 = 50;
/// What one of the two halves lives through, in account-days.
const DAYS: i64 = 5_200;

#[expect(clippy::disallowed_methods, reason = "the only wish that a person can have here: which lives to see")]
fn wish(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn live(seed: u64, tracing: bool) -> World {
    let setting = Setting::random(&mut Random::new(seed), LONGEST * DAY);
    let mut world = World::new(seed, setting, tracing);
    world.live();
    world
}

fn live_many(first_seed: u64) {
    let days = wish("EVERTOKEN_SIM_DAYS").map_or(DAYS, |days| days.cast_signed() / 2);
    let (mut lived, mut lives, mut sum) = (0, 0, world::Counts::default());
    while lived < days * DAY {
        let world = live(first_seed + lives, false);
        lived += world.t;
        lives += 1;
        sum.sent += world.counts.sent;
        sum.handed_out += world.counts.handed_out;
        sum.kills += world.counts.kills;
        sum.told += world.counts.told;
        sum.logins += world.counts.logins;
        sum.flows += world.counts.flows;
    }
    eprintln!("{lives} lives, {} account-days: {sum:?}", lived / DAY);
    assert!(
        sum.handed_out > sum.told && sum.flows > 5_000 && sum.kills > 0 && sum.told > 0,
        "the simulation does not do its work: {sum:?}"
    );
}

#[test]
fn no_life_breaks_a_promise_first_half() {
    live_many(1);
}

#[test]
fn no_life_breaks_a_promise_second_half() {
    live_many(1_000_000);
}

#[test]
fn a_life_whose_keychain_gave_up_no_candidate_keeps_its_pace() {
    live(484, false);
}

#[test]
fn one_life() {
    live(wish("EVERTOKEN_SIM_SEED").unwrap_or(0), wish("EVERTOKEN_SIM_SEED").is_some());
}

#[test]
fn when_all_is_well_an_agent_hardly_wakes_and_hardly_asks() {
    let terms = Terms {
        lifetime: DAY,
        expires_in: "86400",
        refresh_lifetime: 30 * DAY,
        grace: 1,
        rotates: true,
        standard: false,
    };
    let setting =
        Setting { terms, agents: 1, drift: 20, pace: DAY, duration: 30 * DAY, troubled: false, restless: false };
    let mut world = World::new(1, setting, false);
    world.live();
    let counts = &world.counts;
    // One refresh at three quarters of a day, and callers who want more than is left.
    assert!(counts.wakeups <= 30 * 3, "{counts:?}");
    assert!(counts.sent <= 30 * 2 + counts.reasons, "{counts:?}");
    assert_eq!((counts.told, counts.kills, counts.logins), (0, 0, 1), "{counts:?}");
}
