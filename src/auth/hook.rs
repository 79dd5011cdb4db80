//! Hook tokens: what a caller without the password may do with one job (docs/security.md, Hook
//! tokens).

use super::same;
use crate::model::job::{Hook, Verb};

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    Granted,
    /// The token is right, but not for this.
    NotForThis,
    WrongToken,
}

/// Judges a token against those of a job. A token that stands there twice may do what either says.
pub(crate) fn judge(hooks: &[Hook], token: &str, verb: Option<Verb>) -> Permit {
    hooks.iter().fold(Permit::WrongToken, |permit, hook| {
        match same(hook.token.as_bytes(), token.as_bytes()) {
            true if verb.is_some_and(|verb| hook.allow.contains(&verb)) => Permit::Granted,
            true if permit == Permit::WrongToken => Permit::NotForThis,
            true | false => permit,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_what_it_allows() {
        let hook =
            |token: &str, allow: &[Verb]| Hook { token: token.to_owned(), allow: allow.to_vec() };
        let hooks = [
            hook("first", &[Verb::Run, Verb::Stop]),
            hook("second", &[Verb::Start]),
            hook("second", &[Verb::Restart]),
            hook("none", &[]),
        ];
        for (token, verb, permit) in [
            ("first", Some(Verb::Run), Permit::Granted),
            ("first", Some(Verb::Start), Permit::NotForThis),
            ("first", None, Permit::NotForThis),
            ("second", Some(Verb::Start), Permit::Granted),
            ("second", Some(Verb::Restart), Permit::Granted),
            ("none", Some(Verb::Run), Permit::NotForThis),
            ("firs", Some(Verb::Run), Permit::WrongToken),
            ("first ", Some(Verb::Run), Permit::WrongToken),
            ("", Some(Verb::Run), Permit::WrongToken),
        ] {
            assert_eq!(judge(&hooks, token, verb), permit, "{token} {verb:?}");
        }
        assert_eq!(judge(&[], "", Some(Verb::Run)), Permit::WrongToken);
    }

    #[test]
    fn a_token_is_never_shown() {
        let hook = Hook { token: "secret".to_owned(), allow: vec![Verb::Run] };
        assert_eq!(format!("{hook:?}"), "Hook(<hidden> for [Run])");
    }
}
