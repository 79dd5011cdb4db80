//! The session cookie: read out of `Cookie`, written as `Set-Cookie` (RFC 6265;
//! docs/security.md, Sessions).

use super::token::LIFE;

const NAME: &str = "runwisp_jwt";

/// Whether the browser talks to us in a way that others cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Https,
    Plain,
}

/// The tokens in one `Cookie` header, in the order sent.
pub(crate) fn tokens(header: &str) -> impl Iterator<Item = &str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='));
    pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value)
}

/// `Set-Cookie` for a new session.
pub(crate) fn set(token: &str, channel: Channel) -> String {
    written(token, LIFE, channel)
}

/// `Set-Cookie` that ends the session in this browser.
pub(crate) fn cleared(channel: Channel) -> String {
    written("", 0, channel)
}

fn written(token: &str, seconds: i64, channel: Channel) -> String {
    let secure = match channel {
        Channel::Https => "; Secure",
        Channel::Plain => "",
    };
    format!("{NAME}={token}; Path=/api/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_are_found_among_other_cookies() {
        for (header, found) in [
            ("runwisp_jwt=a.b.c", &["a.b.c"][..]),
            ("theme=dark; runwisp_jwt=a.b.c; x=y", &["a.b.c"]),
            ("runwisp_jwt=1;runwisp_jwt=2", &["1", "2"]),
            ("runwisp_jwt=", &[""]),
            ("runwisp_jwt=a=b", &["a=b"]),
            ("RUNWISP_JWT=a; xrunwisp_jwt=b; runwisp_jwt =c; runwisp_jwt", &[]),
            ("", &[]),
            (";;=;", &[]),
        ] {
            assert!(tokens(header).eq(found.iter().copied()), "{header}");
        }
    }

    #[test]
    fn a_cookie_is_for_this_site_and_no_script() {
        assert_eq!(
            set("a.b.c", Channel::Plain),
            "runwisp_jwt=a.b.c; Path=/api/; Max-Age=86400; HttpOnly; SameSite=Strict"
        );
        assert_eq!(
            cleared(Channel::Https),
            "runwisp_jwt=; Path=/api/; Max-Age=0; HttpOnly; SameSite=Strict; Secure"
        );
    }

    proptest! {
        #[test]
        fn any_header_is_read(header in r"[a-z=; _\t\x00é]{0,40}|.{0,40}") {
            prop_assert!(tokens(&header).all(|token| !token.contains(';')));
        }

        #[test]
        fn a_token_is_found_wherever_it_stands(
            token in "[A-Za-z0-9_.-]{1,40}",
            before in "([a-z]{1,5}=[a-z]{0,5}; ){0,3}",
            after in "(; [a-z]{1,5}=[a-z]{0,5}){0,3}",
        ) {
            let header = format!("{before}runwisp_jwt={token}{after}");
            prop_assert_eq!(tokens(&header).collect::<Vec<_>>(), vec![token.as_str()]);
        }
    }
}
