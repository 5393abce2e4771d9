//! One machine, one account, one server, in virtual time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use evertoken_core::login::journal::Record;
use evertoken_core::login::notice::Notice;
use evertoken_core::login::policy::Policy;
use evertoken_core::login::session::{Effect, Event, StepInput};
use evertoken_core::oauth::server::Server as ServerSettings;

use super::agent::{Agent, Job};
use super::clock::{Clock, DAY, HOUR, MINUTE, SECOND};
use super::journal::Journal;
use super::keychain::Keychain;
use super::random::Random;
use super::server::{Fault, Server};
use super::setting::Setting;

/// The two servers that people use.
pub(crate) const HERE: &str = "here.example";
pub(crate) const ELSEWHERE: &str = "elsewhere.example";

/// Something that happens at an instant.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    Start,
    Timer {
        agent: usize,
        timer: u64,
    },
    Opened {
        agent: usize,
        life: u64,
    },
    ForgetAgain {
        agent: usize,
        life: u64,
    },
    StepDone {
        agent: usize,
        life: u64,
    },
    /// A person answers the question about another user.
    Answer {
        agent: usize,
        life: u64,
    },
    LateCommit(String),
    Caller,
    /// A program that asks every second, so often more.
    Poll(u32),
    Person,
    PersonLogsIn,
    Sleep,
    Wake,
    NetworkFails,
    NetworkReturns,
    Weather,
    WeatherClears,
    KeychainFails,
    KeychainRecovers,
    JournalFails,
    JournalRecovers,
    ClockIsSet,
    Kill,
    Restart {
        agent: usize,
        life: u64,
    },
}

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) t: i64,
    pub(crate) setting: Setting,
    pub(crate) random: Random,
    pub(crate) policy: Policy,
    pub(crate) clock: Clock,
    pub(crate) server: Server,
    pub(crate) keychain: Keychain,
    pub(crate) journal: Journal,
    pub(crate) agents: Vec<Agent>,
    /// The server that `config.toml` names.
    pub(crate) configured: ServerSettings,
    pub(crate) lock: Option<usize>,
    /// One step in so many kills its agent.
    pub(crate) kills_per_step: u64,
    pub(crate) asleep_until: Option<i64>,
    pub(crate) online: bool,
    pub(crate) weather: Fault,
    pub(crate) last_trouble: i64,
    pub(crate) ending: bool,
    /// The refresh token that must be in the keychain.
    pub(crate) must_hold: Option<String>,
    pub(crate) told: HashMap<(usize, String), u32>,
    pub(crate) excused: HashMap<String, u32>,
    pub(crate) counts: Counts,
    queue: BinaryHeap<Reverse<(i64, u64)>>,
    happenings: HashMap<u64, Happening>,
    serial: u64,
    tracing: bool,
}

/// What is counted over a life.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) wakeups: u64,
    pub(crate) handed_out: u64,
    pub(crate) logins: u64,
    /// Log-ins that were begun, whatever became of them.
    pub(crate) flows: u64,
    pub(crate) kills: u64,
    pub(crate) told: u64,
    /// Happenings after which one request more is in order.
    pub(crate) reasons: u64,
}

impl World {
    pub(crate) fn new(seed: u64, setting: Setting, tracing: bool) -> Self {
        let mut world = Self {
            seed,
            t: 0,
            random: Random::new(seed ^ 0x5eed),
            policy: Policy::default(),
            clock: Clock::new(setting.drift),
            server: Server::new(setting.terms.clone()),
            keychain: Keychain::new(),
            journal: Journal::new(),
            agents: (0..setting.agents).map(|_| Agent::new()).collect(),
            configured: ServerSettings::at(format!("https://{HERE}/token").parse().unwrap()),
            lock: None,
            kills_per_step: if setting.troubled { 80 } else { u64::MAX },
            asleep_until: None,
            online: true,
            weather: Fault::None,
            last_trouble: 0,
            ending: false,
            must_hold: None,
            told: HashMap::new(),
            excused: HashMap::new(),
            counts: Counts::default(),
            queue: BinaryHeap::new(),
            happenings: HashMap::new(),
            serial: 0,
            tracing,
            setting,
        };
        for i in 0..world.agents.len() {
            world.restart(i);
        }
        world.schedule(SECOND, Happening::PersonLogsIn);
        world.often(3 * HOUR, Happening::Caller);
        if world.setting.troubled {
            world.often(if world.setting.restless { HOUR } else { 2 * DAY }, Happening::Person);
            world.often(12 * HOUR, Happening::Sleep);
            world.often(DAY, Happening::NetworkFails);
            world.often(DAY, Happening::Weather);
            world.often(2 * DAY, Happening::KeychainFails);
            world.often(6 * DAY, Happening::JournalFails);
            world.often(4 * DAY, Happening::ClockIsSet);
            world.often(2 * DAY, Happening::Kill);
        }
        world
    }

    /// Lives the whole life, and a quarter of an hour of calm at its end.
    pub(crate) fn live(&mut self) {
        self.run_until(self.setting.duration);
        while let Some(until) = self.asleep_until {
            self.run_until(until + 2);
        }
        self.calm();
        self.run_until(self.t.max(self.end_of_holds()) + 17 * MINUTE);
        self.check_liveness();
        self.check_count_of_requests();
    }

    fn run_until(&mut self, end: i64) {
        let mut burst = (0, 0);
        while let Some(Reverse((at, serial))) = self.queue.peek().copied() {
            if at > end {
                break;
            }
            self.queue.pop();
            self.t = self.t.max(at);
            let Some(happening) = self.happenings.remove(&serial) else { continue };
            burst = if self.t - burst.0 > SECOND { (self.t, 0) } else { (burst.0, burst.1 + 1) };
            if burst.1 > 500 {
                self.violated("I5", "a busy loop");
            }
            if self.is_troubled() {
                self.disturb();
            }
            self.happen(happening);
            self.check();
        }
        self.t = end;
    }

    fn happen(&mut self, happening: Happening) {
        if let (Some(until), true) = (self.asleep_until, of_the_machine(&happening)) {
            self.schedule(until - self.t + 1, happening);
            return;
        }
        if !matches!(happening, Happening::Start | Happening::StepDone { .. }) {
            self.trace(|| format!("{happening:?}"));
        }
        match happening.clone() {
            Happening::Start => self.start_jobs(),
            Happening::Timer { agent, timer } if self.agents[agent].timer == timer => self.timer(agent),
            Happening::Opened { agent, life } if self.agents[agent].life == life => self.opened(agent),
            Happening::StepDone { agent, life } if self.agents[agent].life == life => self.step_done(agent),
            Happening::Restart { agent, life } if self.agents[agent].life == life => self.restart(agent),
            Happening::ForgetAgain { agent, life } if self.agents[agent].life == life => {
                self.agents[agent].jobs.push_front(Job::Forget);
                self.start_jobs();
            }
            Happening::Answer { agent, life } if self.agents[agent].life == life => self.answer(),
            Happening::Timer { .. }
            | Happening::Answer { .. }
            | Happening::Opened { .. }
            | Happening::StepDone { .. }
            | Happening::Restart { .. }
            | Happening::ForgetAgain { .. } => {}
            Happening::LateCommit(token) => {
                self.server.exchange(&token, self.t);
                self.server.lose_children_under_way(&token);
            }
            Happening::Caller => self.call(),
            Happening::Poll(left) => self.poll(left),
            Happening::PersonLogsIn => self.person_logs_in(),
            Happening::Wake => self.wake(),
            Happening::NetworkReturns => self.network_returns(),
            Happening::WeatherClears => self.weather = Fault::None,
            Happening::KeychainRecovers => self.keychain_recovers(),
            Happening::JournalRecovers => self.journal.writable = true,
            Happening::Person
            | Happening::Sleep
            | Happening::NetworkFails
            | Happening::Weather
            | Happening::KeychainFails
            | Happening::JournalFails
            | Happening::ClockIsSet
            | Happening::Kill => {
                if !self.ending {
                    self.trouble(&happening);
                }
            }
        }
    }

    fn timer(&mut self, i: usize) {
        let now = self.clock.timestamp(self.t);
        if self.agents[i].deadline.is_some_and(|deadline| deadline <= now) {
            self.counts.wakeups += 1;
            self.feed(i, Event::TimeoutElapsed);
        } else {
            self.arm(i);
        }
    }

    /// Steps an agent's session, checks the step, and does what it asks for.
    pub(crate) fn feed(&mut self, i: usize, event: Event) {
        if !self.agents[i].alive {
            return;
        }
        let moment = StepInput { now: self.clock.timestamp(self.t), chance: self.random.chance() };
        let before = self.agents[i].session.clone();
        let (after, effects) = before.clone().step(event.clone(), moment, &self.policy);
        self.trace(|| format!("agent {i}: {event:?}\n    -> {:?}\n    {effects:?}", after.phase()));
        self.agents[i].session = after;
        self.check_step(i, &before, &event, &effects, moment.now);
        for effect in effects {
            match effect {
                Effect::OpenTokens => self.agents[i].jobs.push_back(Job::Open),
                Effect::DropFromMemory => self.agents[i].jobs.push_back(Job::Forget),
                Effect::RequestToken(id) => {
                    self.agents[i].requests.push(id);
                    self.agents[i].jobs.push_back(Job::Refresh(id));
                }
                Effect::Notify(notice) => self.notify(i, &notice),
                Effect::Update(_) | Effect::Withdraw(_) => {}
            }
        }
        if !self.agents[i].jobs.is_empty() {
            self.schedule(0, Happening::Start);
        }
        self.arm(i);
    }

    fn notify(&mut self, i: usize, notice: &Notice) {
        if let Notice::LoginRequired { .. } = notice {
            let Some(token) = self.check_told(i) else { return };
            self.counts.told += 1;
            let told = Record::Told {
                fingerprint: evertoken_core::oauth::token::Fingerprint::of(&token),
                boot: String::new(),
            };
            let dies = self.random.one_in(self.kills_per_step);
            if dies || !self.journal.append(self.clock.timestamp(self.t), told, true, &mut self.random) {
                *self.excused.entry(token).or_default() += 1;
            }
            if dies {
                self.kill(i);
            }
            self.person_comes_back();
        }
    }

    fn arm(&mut self, i: usize) {
        let now = self.clock.timestamp(self.t);
        let agent = &mut self.agents[i];
        agent.timer += 1;
        let timer = agent.timer;
        agent.deadline = agent.session.next_wakeup(now, &self.policy).map(|(at, _)| at).filter(|_| agent.alive);
        if let Some(at) = agent.deadline {
            let after = self.clock.reaches(self.t, at) - self.t;
            self.schedule(after, Happening::Timer { agent: i, timer });
        }
    }

    pub(crate) fn often(&mut self, mean: i64, happening: Happening) {
        let mean = (mean as f64 * self.setting.pace as f64 / DAY as f64) as i64;
        let after = self.random.until_next(mean);
        self.schedule(after, happening);
    }

    pub(crate) fn schedule(&mut self, after: i64, happening: Happening) {
        self.serial += 1;
        self.happenings.insert(self.serial, happening);
        self.queue.push(Reverse((self.t.saturating_add(after), self.serial)));
    }

    pub(crate) fn schedule_for(&mut self, i: usize, after: i64, happening: impl Fn(usize, u64) -> Happening) {
        let life = self.agents[i].life;
        self.schedule(after, happening(i, life));
    }

    pub(crate) fn trace(&self, text: impl FnOnce() -> String) {
        if self.tracing {
            eprintln!("[{:>9.3} h] {}", self.t as f64 / HOUR as f64, text());
        }
    }
}

/// What waits while the machine sleeps.
fn of_the_machine(happening: &Happening) -> bool {
    match happening {
        Happening::Wake
        | Happening::LateCommit(_)
        | Happening::NetworkFails
        | Happening::NetworkReturns
        | Happening::Weather
        | Happening::WeatherClears
        | Happening::JournalFails
        | Happening::JournalRecovers => false,
        Happening::Start
        | Happening::Timer { .. }
        | Happening::Opened { .. }
        | Happening::ForgetAgain { .. }
        | Happening::StepDone { .. }
        | Happening::Answer { .. }
        | Happening::Caller
        | Happening::Poll(_)
        | Happening::Person
        | Happening::PersonLogsIn
        | Happening::Sleep
        | Happening::KeychainFails
        | Happening::KeychainRecovers
        | Happening::ClockIsSet
        | Happening::Kill
        | Happening::Restart { .. } => true,
    }
}
