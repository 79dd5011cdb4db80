//! Values in paths and queries. A route declares its parameters once; the declaration checks what
//! comes in, all problems at once, and describes itself in the published schema. A handler only
//! ever sees values in their range.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use crate::model::run::RunId;
use crate::web::http::Detail;

/// One parameter of a query.
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
}

/// What a value may be. An empty value is the same as none.
#[derive(Debug)]
pub(crate) enum Kind {
    /// `min` to `max`, both included.
    Integer { min: i64, max: i64, default: Option<i64> },
    /// `true` or `false`; absent is `false`.
    Flag,
    /// At most so many characters; a longer one is refused.
    Text { longest: usize },
    /// 1 to so many characters; without it the request is refused.
    Needed { longest: usize },
    /// A longer one is cut.
    Cut { longest: usize },
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words, separated by commas.
    Words(&'static [&'static str]),
    /// RFC 3339, with a zone.
    Instant,
    /// The id of a run.
    Run,
}

/// The values of one request, each checked against its declaration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(Vec<(&'static str, String)>);

impl Values {
    /// Checks a raw query. Parameters that are not declared are ignored; of a repeated one the
    /// first value counts.
    pub(crate) fn read(query: &str, params: &[&'static Param]) -> Result<Values, Vec<Detail>> {
        let pairs = query.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name, Plus::Space)?;
            let param = params.iter().find(|param| param.name == name)?;
            Some((*param, decode(value, Plus::Space)))
        });
        Values::check(pairs, params)
    }

    /// Checks values of some of `params`; `None` is text that cannot be read.
    pub(crate) fn check<'a>(
        pairs: impl Iterator<Item = (&'static Param, Option<Cow<'a, str>>)>,
        params: &[&'static Param],
    ) -> Result<Values, Vec<Detail>> {
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for (param, value) in pairs {
            if values.iter().any(|(known, _)| *known == param.name) {
                continue;
            }
            match value {
                None => errors.push(param.wrong("expected UTF-8".to_owned(), None)),
                Some(value) if value.is_empty() => {}
                Some(value) => match param.check(&value) {
                    Ok(()) => values.push((param.name, value.into_owned())),
                    Err(message) => errors.push(param.wrong(message, Some(&value))),
                },
            }
        }
        for param in params {
            let is_given = values.iter().any(|(known, _)| *known == param.name)
                || errors.iter().any(|error: &Detail| error.location == param.location());
            if matches!(param.kind, Kind::Needed { .. }) && !is_given {
                errors.push(param.wrong(param.expected(), None));
            }
        }
        if errors.is_empty() { Ok(Values(values)) } else { Err(errors) }
    }

    pub(crate) fn text(&self, param: &Param) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| *name == param.name);
        found.map(|(_, value)| param.cut(value))
    }

    /// The value, or the default of its declaration.
    pub(crate) fn integer(&self, param: &Param) -> Option<i64> {
        let Kind::Integer { default, .. } = param.kind else { return None };
        self.text(param).and_then(|text| text.parse().ok()).or(default)
    }

    pub(crate) fn flag(&self, param: &Param) -> bool {
        self.text(param) == Some("true")
    }

    pub(crate) fn words(&self, param: &Param) -> Vec<&str> {
        self.text(param).map_or(Vec::new(), |text| text.split(',').map(str::trim).collect())
    }

    pub(crate) fn instant(&self, param: &Param) -> Option<Timestamp> {
        self.text(param).and_then(|text| text.parse().ok())
    }

    pub(crate) fn run(&self, param: &Param) -> Option<RunId> {
        self.text(param).and_then(|text| text.parse().ok())
    }
}

impl Param {
    /// What is allowed, if this is not.
    fn check(&self, value: &str) -> Result<(), String> {
        let is_good = match &self.kind {
            Kind::Integer { min, max, .. } => {
                value.parse().is_ok_and(|number: i64| (*min..=*max).contains(&number))
            }
            Kind::Flag => value == "true" || value == "false",
            Kind::Text { longest } | Kind::Needed { longest } => value.chars().count() <= *longest,
            Kind::Cut { .. } => true,
            Kind::Word(words) => words.contains(&value),
            Kind::Words(words) => value.split(',').all(|word| words.contains(&word.trim())),
            Kind::Instant => value.parse::<Timestamp>().is_ok(),
            Kind::Run => value.parse::<RunId>().is_ok(),
        };
        if is_good { Ok(()) } else { Err(self.expected()) }
    }

    fn expected(&self) -> String {
        match &self.kind {
            Kind::Integer { min: i64::MIN, max: i64::MAX, .. } => {
                "expected a whole number".to_owned()
            }
            Kind::Integer { min, max: i64::MAX, .. } => {
                format!("expected a whole number of at least {min}")
            }
            Kind::Integer { min, max, .. } => {
                format!("expected a whole number from {min} to {max}")
            }
            Kind::Flag => "expected true or false".to_owned(),
            Kind::Text { longest } | Kind::Cut { longest } => {
                format!("expected at most {longest} characters")
            }
            Kind::Needed { longest } => format!("expected 1 to {longest} characters"),
            Kind::Word(words) => format!("expected one of {}", words.join(", ")),
            Kind::Words(words) => {
                format!("expected one or more of {}, separated by commas", words.join(", "))
            }
            Kind::Instant => "expected an RFC 3339 instant such as 2026-05-07T14:30:22Z".to_owned(),
            Kind::Run => "expected a ULID of 26 characters".to_owned(),
        }
    }

    fn wrong(&self, message: String, value: Option<&str>) -> Detail {
        let value = value.map(|value| match value.parse::<i64>() {
            Ok(number) => Value::from(number),
            Err(_) => Value::from(value),
        });
        Detail { location: self.location(), message, value }
    }

    fn location(&self) -> Option<String> {
        Some(format!("query.{}", self.name))
    }

    fn cut<'a>(&self, value: &'a str) -> &'a str {
        let Kind::Cut { longest } = self.kind else { return value };
        value.char_indices().nth(longest).map_or(value, |(end, _)| &value[..end])
    }
}

/// What `+` means: a blank in queries, itself in paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plus {
    Space,
    Itself,
}

/// Percent-decoding (RFC 3986, 2.1). `None`: a `%` without two digits, or not UTF-8.
pub(crate) fn decode(text: &str, plus: Plus) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let (high, low) = (rest.next().and_then(digit)?, rest.next().and_then(digit)?);
                high << 4 | low
            }
            b'+' if plus == Plus::Space => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    static LIMIT: Param = Param {
        name: "limit",
        about: "",
        kind: Kind::Integer { min: 1, max: 1000, default: Some(50) },
    };
    static SEARCH: Param = Param { name: "search", about: "", kind: Kind::Cut { longest: 3 } };
    static STATUS: Param = Param { name: "status", about: "", kind: Kind::Words(&["a", "b"]) };
    static RETRIES: Param = Param { name: "retries_only", about: "", kind: Kind::Flag };
    static AFTER: Param = Param { name: "after", about: "", kind: Kind::Instant };
    static ALL: [&Param; 5] = [&LIMIT, &SEARCH, &STATUS, &RETRIES, &AFTER];

    #[test]
    fn values_in_their_range_come_through() {
        let values = Values::read(
            "limit=7&search=%c3%a4+cd&x=%ff&status=a,b&limit=9&retries_only=true&after=2026-05-07T14:30:22Z",
            &ALL,
        )
        .unwrap();
        assert_eq!(values.integer(&LIMIT), Some(7));
        assert_eq!(values.text(&SEARCH), Some("ä c"));
        assert_eq!(values.words(&STATUS), ["a", "b"]);
        assert!(values.flag(&RETRIES));
        assert!(values.instant(&AFTER).is_some());
        let none = Values::read("limit=&status", &ALL).unwrap();
        assert_eq!(none.integer(&LIMIT), Some(50));
        assert_eq!((none.text(&SEARCH), none.words(&STATUS).len()), (None, 0));
    }

    #[test]
    fn every_value_that_is_wrong_is_named() {
        let query = "limit=5000&status=a,c&retries_only=yes&after=today&search=%f";
        let errors = Values::read(query, &ALL).unwrap_err();
        let named: Vec<_> = errors.iter().map(|error| error.location.as_deref().unwrap()).collect();
        assert_eq!(
            named,
            ["query.limit", "query.status", "query.retries_only", "query.after", "query.search"]
        );
        assert_eq!(errors[0].message, "expected a whole number from 1 to 1000");
        assert_eq!(errors[0].value, Some(Value::from(5000)));
    }

    #[test]
    fn a_value_that_is_needed_is_missed() {
        static Q: Param = Param { name: "q", about: "", kind: Kind::Needed { longest: 3 } };
        for query in ["", "q", "q=", "q=abcd", "q=%ff"] {
            let errors = Values::read(query, &[&Q, &LIMIT]).unwrap_err();
            assert_eq!(errors.len(), 1, "{query}: {errors:?}");
            assert_eq!(errors[0].location.as_deref(), Some("query.q"));
        }
        assert_eq!(Values::read("q=abc", &[&Q]).unwrap().text(&Q), Some("abc"));
    }

    #[test]
    fn a_path_keeps_its_plus() {
        assert_eq!(decode("a+b%2Fc", Plus::Itself).as_deref(), Some("a+b/c"));
        for broken in ["%", "%4", "%zz", "%ff", "%+1"] {
            assert_eq!(decode(broken, Plus::Itself), None, "{broken}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_encoded_is_decoded(text in ".{0,40}") {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let decoded = decode(&encoded, Plus::Space);
            proptest::prop_assert_eq!(decoded.as_deref(), Some(&*text));
        }

        #[test]
        fn a_query_is_read_or_refused_whatever_it_is(
            query in "(limit|search|status|retries_only|after|x|[=&%+,0-9a-fTZ:.é -]){0,30}",
        ) {
            match Values::read(&query, &ALL) {
                Ok(values) => {
                    let limit = values.integer(&LIMIT).expect("it has a default");
                    proptest::prop_assert!((1..=1000).contains(&limit));
                    proptest::prop_assert!(values.text(&SEARCH).is_none_or(|text| text.chars().count() <= 3));
                    proptest::prop_assert!(values.words(&STATUS).iter().all(|word| ["a", "b"].contains(word)));
                }
                Err(errors) => {
                    let is_ours = |name: &str| ALL.iter().any(|param| name == format!("query.{}", param.name));
                    proptest::prop_assert!(errors.iter().all(|error| error.location.as_deref().is_some_and(is_ours)));
                }
            }
        }
    }
}
