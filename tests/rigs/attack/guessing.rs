//! Many who guess at once, from many addresses (docs/security.md, Login limit).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{CANARY, Wire, assert_well, password};
use crate::harness::daemon::PATIENCE;
use crate::harness::http::{Answer, free_port};
use crate::harness::{Daemon, Home, process, wait_until};
use crate::rigs::count;

/// The test itself is the proxy, so that it can be anybody.
fn behind_proxy(home: &Home) -> Daemon<'_> {
    let daemon = Daemon::launch(home, free_port(), |command| {
        command.env("RUNWISP_TRUST_PROXY", "127.0.0.1/32").args(["--log-level", "error"]);
    });
    daemon.wait_ready();
    daemon
}

/// One connection that comes from wherever it likes.
struct Guesser(Wire);

impl Guesser {
    fn ask(&mut self, from: &str, rest: &str) -> Answer {
        let (line, rest) = rest.split_once("\r\n").unwrap();
        self.0.say(format!("{line}\r\nHost: a\r\nX-Forwarded-For: {from}\r\n{rest}"));
        self.0.answer().unwrap()
    }

    fn challenge(&mut self, from: &str) -> Answer {
        self.ask(from, "GET /api/auth/challenge HTTP/1.1\r\n\r\n")
    }

    /// A whole login with a wrong password.
    fn guess(&mut self, from: &str) -> u16 {
        let challenge = self.challenge(from);
        if challenge.status != 200 {
            return challenge.status;
        }
        let nonce = challenge.json()["nonce"].as_str().unwrap().to_owned();
        let body = format!("{{\"nonce\":\"{nonce}\",\"response\":\"{}\"}}", "0".repeat(64));
        let length = body.len();
        let rest = format!(
            "POST /api/auth HTTP/1.1\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.ask(from, &rest).status
    }
}

/// 64 connections, each of which pretends to be all of eight addresses in turn.
#[test]
fn together_they_have_five_guesses_for_each_address() {
    let home = Home::new(CANARY);
    let daemon = behind_proxy(&home);
    let port = daemon.port;
    let (guessed, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..64 {
            let (guessed, refused) = (&guessed, &refused);
            scope.spawn(move || {
                let mut guesser = Guesser(Wire::open(port));
                for try_number in 0..count(8, 80) {
                    let from = format!("203.0.113.{}", (number + try_number) % 8);
                    match guesser.guess(&from) {
                        401 => guessed.fetch_add(1, Ordering::Relaxed),
                        429 => refused.fetch_add(1, Ordering::Relaxed),
                        other => panic!("{other}"),
                    };
                }
            });
        }
    });
    let (guessed, refused) = (guessed.into_inner(), refused.into_inner());
    // A nonce that others have pushed beyond the limit is refused with its answer.
    assert!(guessed <= 5 * 8, "{guessed} guesses, {refused} refused");
    assert_eq!(guessed + refused, 64 * count(8, 80));
    // Whoever is somewhere else gets in, and so does whoever has a session or the socket.
    let owner = [("X-Forwarded-For", "198.51.100.7")];
    assert_eq!(daemon.try_login(&password(&home), &owner).status, 200);
    let locked = [("X-Forwarded-For", "203.0.113.3")];
    let answer = daemon.try_login(&password(&home), &locked);
    assert_eq!(answer.status, 429, "the right password does not help there");
    assert_well(&daemon);
    daemon.stop_well();
}

/// As many addresses as somebody has who owns a network, each with one challenge.
#[test]
fn the_books_of_the_limit_do_not_grow_without_end() {
    let home = Home::new(CANARY);
    let daemon = behind_proxy(&home);
    let mut guesser = Guesser(Wire::open(daemon.port));
    let mut address = 0_u32;
    let mut flood = |guesser: &mut Guesser, many: usize| {
        for _ in 0..many / 100 {
            for _ in 0..100 {
                address += 1;
                let from = format!("2001:db8:{:x}:{:x}::1", address >> 16, address & 0xffff);
                let ask = format!(
                    "GET /api/auth/challenge HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {from}\r\n\r\n"
                );
                guesser.0.say(ask);
            }
            for _ in 0..100 {
                assert_eq!(guesser.0.answer().unwrap().status, 200);
            }
        }
    };
    // Beyond what is remembered: 4096 addresses, 1000 nonces.
    flood(&mut guesser, 5000);
    let before = process::kib(daemon.pid(), "VmRSS");
    flood(&mut guesser, count(2000, 40_000));
    let grown = process::kib(daemon.pid(), "VmRSS").saturating_sub(before);
    assert!(grown < 2048, "{grown} KiB more");
    // An address is forgotten for others only when it is quiet: who has just used up its tries has
    // still used them up.
    for _ in 0..5 {
        assert_eq!(guesser.guess("203.0.113.9"), 401);
    }
    flood(&mut guesser, 100);
    assert_eq!(guesser.guess("203.0.113.9"), 429);
    daemon.stop_well();
}

/// While others take challenges as fast as they can, the owner logs in.
#[test]
fn the_owner_gets_in_while_others_guess() {
    let home = Home::new(CANARY);
    let daemon = behind_proxy(&home);
    let port = daemon.port;
    let is_over = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..count(4, 64) {
            let is_over = &is_over;
            scope.spawn(move || {
                let mut guesser = Guesser(Wire::open(port));
                let mut round = 0;
                while is_over.load(Ordering::Relaxed) == 0 {
                    round += 1;
                    let address = (number << 20) + round;
                    let from = format!("2001:db8:{:x}:{:x}::1", address >> 16, address & 0xffff);
                    guesser.guess(&from);
                }
            });
        }
        let owner = [("X-Forwarded-For", "198.51.100.7")];
        let password = password(&home);
        wait_until("five logins in a row", PATIENCE, || {
            (0..5).all(|_| daemon.try_login(&password, &owner).status == 200)
        });
        is_over.store(1, Ordering::Relaxed);
    });
    daemon.stop_well();
}

/// The time of a refusal does not tell how much of a response, a ticket or a token was right: all
/// of it is compared. Measured in bulk, so that what is noise stays noise.
#[test]
fn refusals_take_the_same_time_wherever_the_first_difference_is() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let token = daemon.login().token;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = |letter: u8| if letter == b'A' { 'B' } else { 'A' };
    let first = format!("{signed}.{}{}", other(signature.as_bytes()[0]), &signature[1..]);
    // The last letter but one: the last one has bits that mean nothing.
    let (begin, end) = signature.split_at(signature.len() - 2);
    let last = format!("{signed}.{begin}{}{}", other(end.as_bytes()[0]), &end[1..]);
    let mut wire = Wire::open(daemon.port);
    let mut fastest = |token: &str| {
        let ask = format!(
            "GET /api/auth/status HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        let one = |_| {
            let begun = std::time::Instant::now();
            wire.say(&ask);
            assert_eq!(wire.answer().unwrap().json()["authenticated"], false);
            begun.elapsed()
        };
        (0..count(300, 5_000)).map(one).min().unwrap()
    };
    // One difference of a byte would be nanoseconds; this finds what is grossly wrong, such as a
    // database that is asked or a delay for one kind of mistake.
    let (early, late) = (fastest(&first), fastest(&last));
    let apart = early.abs_diff(late);
    assert!(apart < Duration::from_micros(200), "{early:?} and {late:?}");
    daemon.stop_well();
}
