//! Families of tokens: one login and everything it was rotated into.
//!
//! Rotation and replay detection follow RFC 9700 section 4.14.2, the grace FAPI 2.0: a client that lost the
//! answer may present the token it spent last once more.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::fingerprint::Fingerprint;
use crate::grant::Grant;
use crate::period::Period;
use crate::token::{AccessToken, Claims, RefreshToken, Seed};
use crate::verdict::{Access, AccessRefusal, Inspection, Kind, Refusal, Rotation, State};

/// Lengths that were asked for, in bytes; `None` makes tokens of the usual length.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TokenBytes {
    pub(crate) access_token: Option<usize>,
    pub(crate) refresh_token: Option<usize>,
}

/// What a login starts with.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    pub(crate) user_id: String,
    /// Lifetime of every access token of this login.
    pub(crate) expires_in: Period,
    /// Lifetime of the login. A rotated refresh token ends when the first one would have, so that a login has
    /// an end however often it is refreshed.
    pub(crate) refresh_expires_in: Period,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Live,
    Spent,
    Revoked,
}

#[derive(Debug)]
struct Token {
    family: usize,
    kind: Kind,
    /// A refresh token's is its family's.
    expires_at: Timestamp,
    used: Use,
}

#[derive(Debug)]
struct Family {
    login: SignIn,
    refresh_expires_at: Timestamp,
    /// The pair that was issued last; none once the family has been revoked.
    current: Option<(Fingerprint, Fingerprint)>,
    last_spent: Option<Fingerprint>,
    /// How often `last_spent` has been presented again.
    replays: u32,
}

/// All logins and all tokens, by fingerprint.
#[derive(Debug, Default)]
pub(crate) struct Families {
    families: Vec<Family>,
    tokens: BTreeMap<Fingerprint, Token>,
}

impl Families {
    pub(crate) fn sign_in(&mut self, login: SignIn, bytes: TokenBytes, seed: &Seed, now: Timestamp) -> Grant {
        let refresh_expires_at = login.refresh_expires_in.after(now);
        self.families.push(Family { login, refresh_expires_at, current: None, last_spent: None, replays: 0 });
        self.issue(self.families.len() - 1, bytes, seed, now)
    }

    /// Presents a refresh token: spends it and issues its successor, or says why not.
    pub(crate) fn rotate(
        &mut self,
        presented: Fingerprint,
        grace: u32,
        bytes: TokenBytes,
        seed: &Seed,
        now: Timestamp,
    ) -> Rotation {
        let Some(token) = self.tokens.get_mut(&presented).filter(|token| token.kind == Kind::RefreshToken) else {
            return Rotation::Refused(Refusal::Unknown);
        };
        let index = token.family;
        let family = &mut self.families[index];
        let is_revoked = family.current.is_none();
        if is_revoked {
            return Rotation::Refused(Refusal::Revoked);
        }
        if family.refresh_expires_at <= now {
            return Rotation::Refused(Refusal::Expired { at: family.refresh_expires_at });
        }
        match token.used {
            Use::Live => {
                token.used = Use::Spent;
                family.last_spent = Some(presented);
                family.replays = 0;
                Rotation::Granted(self.issue(index, bytes, seed, now))
            }
            Use::Spent if family.last_spent == Some(presented) && family.replays < grace => {
                family.replays += 1;
                self.revoke_lost_pair(index);
                Rotation::ReplayedWithinGrace(self.issue(index, bytes, seed, now))
            }
            // A revoked token of a living family is one whose delivery was reported lost: two parties hold
            // tokens of this login, and one of them should not.
            Use::Spent | Use::Revoked => {
                self.revoke(index);
                Rotation::Refused(Refusal::Replayed)
            }
        }
    }

    /// Whether a resource may be given for this access token (RFC 6750).
    pub(crate) fn access(&self, presented: Fingerprint, now: Timestamp) -> Result<Access, AccessRefusal> {
        let token = self
            .tokens
            .get(&presented)
            .filter(|token| token.kind == Kind::AccessToken && token.used == Use::Live)
            .ok_or(AccessRefusal::Invalid)?;
        if token.expires_at <= now {
            return Err(AccessRefusal::Expired { at: token.expires_at });
        }
        Ok(Access {
            user_id: self.families[token.family].login.user_id.clone(),
            expires_in: token.expires_at.duration_since(now).as_secs(),
        })
    }

    /// Ends every refresh token now; access tokens keep their lifetime. Returns how many logins it ended.
    pub(crate) fn expire(&mut self, now: Timestamp) -> usize {
        let mut ended = 0;
        for family in self.families.iter_mut().filter(|family| family.refresh_expires_at > now) {
            family.refresh_expires_at = now;
            ended += 1;
        }
        ended
    }

    pub(crate) fn inspect(&self, fingerprint: Fingerprint, now: Timestamp) -> Inspection {
        let Some(token) = self.tokens.get(&fingerprint) else {
            return Inspection { state: State::Unknown, kind: None, family: None, expires_at: None };
        };
        let expires_at = match token.kind {
            Kind::AccessToken => token.expires_at,
            Kind::RefreshToken => self.families[token.family].refresh_expires_at,
        };
        let state = match token.used {
            Use::Revoked => State::Revoked,
            Use::Spent => State::Spent,
            Use::Live if expires_at <= now => State::Expired,
            Use::Live => State::Live,
        };
        Inspection { state, kind: Some(token.kind), family: Some(token.family + 1), expires_at: Some(expires_at) }
    }

    /// Ends the login that a token belongs to (RFC 7009 section 2.1).
    pub(crate) fn revoke_login_of(&mut self, presented: Fingerprint) {
        if let Some(token) = self.tokens.get(&presented) {
            self.revoke(token.family);
        }
    }

    fn issue(&mut self, index: usize, bytes: TokenBytes, seed: &Seed, now: Timestamp) -> Grant {
        let family = &mut self.families[index];
        let login = &family.login;
        let claims = |expires_at| Claims { user_id: &login.user_id, issued_at: now, expires_at };
        let expires_at = login.expires_in.after(now);
        let grant = Grant {
            access_token: AccessToken::mint(seed, &claims(expires_at), bytes.access_token),
            refresh_token: RefreshToken::mint(seed, &claims(family.refresh_expires_at), bytes.refresh_token),
            expires_in: login.expires_in.as_secs(),
            user_id: login.user_id.clone(),
        };
        let pair = (grant.access_token.fingerprint(), grant.refresh_token.fingerprint());
        family.current = Some(pair);
        let token = |kind, expires_at| Token { family: index, kind, expires_at, used: Use::Live };
        self.tokens.insert(pair.0, token(Kind::AccessToken, expires_at));
        self.tokens.insert(pair.1, token(Kind::RefreshToken, family.refresh_expires_at));
        grant
    }

    fn revoke_lost_pair(&mut self, index: usize) {
        if let Some((access_token, refresh_token)) = self.families[index].current {
            for fingerprint in [access_token, refresh_token] {
                if let Some(token) = self.tokens.get_mut(&fingerprint) {
                    token.used = Use::Revoked;
                }
            }
        }
    }

    fn revoke(&mut self, index: usize) {
        self.families[index].current = None;
        for token in self.tokens.values_mut().filter(|token| token.family == index) {
            token.used = Use::Revoked;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

    use super::*;

    const GRACE: u32 = 1;

    /// One login (access tokens 100 s, the login 1,000 s) and a clock that a test moves.
    struct World {
        families: Families,
        now: i64,
        seeds: u8,
    }

    impl World {
        fn new() -> (Self, Grant) {
            let mut world = Self { families: Families::default(), now: 0, seeds: 0 };
            let grant = world.sign_in();
            (world, grant)
        }

        fn seed(&mut self) -> Seed {
            self.seeds += 1;
            Seed::of(self.seeds)
        }

        fn at(&self, second: i64) -> Timestamp {
            Timestamp::from_second(second).unwrap()
        }

        fn sign_in(&mut self) -> Grant {
            let login = SignIn {
                user_id: "usr:1".into(),
                expires_in: Period::from_secs(100),
                refresh_expires_in: Period::from_secs(1_000),
            };
            let (seed, now) = (self.seed(), self.at(self.now));
            self.families.sign_in(login, TokenBytes::default(), &seed, now)
        }

        fn present(&mut self, grant: &Grant) -> Rotation {
            let (seed, now) = (self.seed(), self.at(self.now));
            let presented = grant.refresh_token.fingerprint();
            self.families.rotate(presented, GRACE, TokenBytes::default(), &seed, now)
        }

        fn granted(&mut self, grant: &Grant) -> Grant {
            match self.present(grant) {
                Rotation::Granted(grant) | Rotation::ReplayedWithinGrace(grant) => grant,
                Rotation::Refused(refusal) => panic!("{refusal:?}"),
            }
        }

        fn refused(&mut self, grant: &Grant) -> Refusal {
            match self.present(grant) {
                Rotation::Refused(refusal) => refusal,
                Rotation::Granted(_) | Rotation::ReplayedWithinGrace(_) => panic!("granted"),
            }
        }

        fn states(&self, grant: &Grant) -> (State, State) {
            let state = |fingerprint| self.families.inspect(fingerprint, self.at(self.now)).state;
            (state(grant.access_token.fingerprint()), state(grant.refresh_token.fingerprint()))
        }
    }

    #[test]
    fn a_refresh_token_rotates_and_the_old_access_token_stays_good() {
        let (mut world, first) = World::new();
        let second = world.granted(&first);
        assert_eq!(world.states(&first), (State::Live, State::Spent));
        assert_eq!(world.states(&second), (State::Live, State::Live));
        assert_eq!(second.user_id, "usr:1");
        assert_eq!(second.expires_in, 100);
    }

    #[test]
    fn a_retry_after_a_lost_answer_gets_a_new_pair_and_the_lost_one_is_revoked() {
        let (mut world, first) = World::new();
        let lost = world.granted(&first);
        assert!(matches!(world.present(&first), Rotation::ReplayedWithinGrace(_)));
        assert_eq!(world.states(&lost), (State::Revoked, State::Revoked));
    }

    #[test]
    fn a_revoked_login_is_over_for_all_its_tokens_and_another_one_is_not() {
        let (mut world, first) = World::new();
        let other = world.sign_in();
        let second = world.granted(&first);
        world.families.revoke_login_of(Fingerprint::of("unknown"));
        assert_eq!(world.states(&second), (State::Live, State::Live));
        world.families.revoke_login_of(second.refresh_token.fingerprint());
        assert_eq!(world.states(&second), (State::Revoked, State::Revoked));
        assert_eq!(world.refused(&second), Refusal::Revoked);
        assert_eq!(world.states(&other), (State::Live, State::Live));
    }

    #[test]
    fn the_grace_is_counted_anew_for_each_token() {
        let (mut world, first) = World::new();
        let _lost = world.granted(&first);
        let second = world.granted(&first);
        let _lost = world.granted(&second);
        assert!(matches!(world.present(&second), Rotation::ReplayedWithinGrace(_)));
    }

    #[test]
    fn beyond_the_grace_the_whole_family_is_revoked() {
        let (mut world, first) = World::new();
        let other = world.sign_in();
        world.granted(&first);
        let last = world.granted(&first);
        assert_eq!(world.refused(&first), Refusal::Replayed);
        assert_eq!(world.states(&last), (State::Revoked, State::Revoked));
        assert_eq!(world.states(&first), (State::Revoked, State::Revoked));
        assert_eq!(world.refused(&last), Refusal::Revoked);
        assert_eq!(world.states(&other), (State::Live, State::Live), "another login is untouched");
    }

    #[test]
    fn a_token_older_than_the_last_spent_one_has_no_grace() {
        let (mut world, first) = World::new();
        let second = world.granted(&first);
        let third = world.granted(&second);
        assert_eq!(world.refused(&first), Refusal::Replayed);
        assert_eq!(world.refused(&third), Refusal::Revoked);
    }

    #[test]
    fn a_lost_pair_that_turns_up_after_all_revokes_the_family() {
        let (mut world, first) = World::new();
        let lost = world.granted(&first);
        let current = world.granted(&first);
        assert_eq!(world.refused(&lost), Refusal::Replayed);
        assert_eq!(world.states(&current), (State::Revoked, State::Revoked));
    }

    #[test]
    fn a_login_ends_when_it_was_to_end_however_often_it_rotated() {
        let (mut world, first) = World::new();
        world.now = 999;
        let second = world.granted(&first);
        world.now = 1_000;
        assert_eq!(world.refused(&second), Refusal::Expired { at: world.at(1_000) });
        assert_eq!(world.states(&second), (State::Live, State::Expired));
    }

    #[test]
    fn expiring_ends_refresh_tokens_and_leaves_access_tokens() {
        let (mut world, first) = World::new();
        world.now = 7;
        let now = world.at(7);
        assert_eq!(world.families.expire(now), 1);
        assert_eq!(world.families.expire(now), 0);
        assert_eq!(world.refused(&first), Refusal::Expired { at: now });
        assert_eq!(world.states(&first), (State::Live, State::Expired));
    }

    #[test]
    fn an_access_token_is_good_until_its_last_second() {
        let (mut world, first) = World::new();
        let presented = first.access_token.fingerprint();
        world.now = 99;
        let access = world.families.access(presented, world.at(99)).unwrap();
        assert_eq!((access.user_id.as_str(), access.expires_in), ("usr:1", 1));
        let at = world.at(100);
        assert_eq!(world.families.access(presented, at), Err(AccessRefusal::Expired { at }));
    }

    #[test]
    fn a_token_of_the_other_kind_is_no_token() {
        let (mut world, first) = World::new();
        let now = world.at(0);
        let swapped = Grant { refresh_token: RefreshToken::new(first.access_token.expose().into()), ..first.clone() };
        assert_eq!(world.refused(&swapped), Refusal::Unknown);
        assert_eq!(world.families.access(first.refresh_token.fingerprint(), now), Err(AccessRefusal::Invalid));
        assert_eq!(world.families.inspect(Fingerprint::of("?"), now).state, State::Unknown);
    }
}
