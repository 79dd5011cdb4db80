//! What a run of a task may be given (docs/configuration.md, Parameters).

use std::sync::Arc;

use crate::base::words::as_words;

/// One `[[tasks.NAME.params]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) kind: ParamKind,
    /// The name of a variable or of an argument, or the option or flag itself. Unique in its task.
    pub(crate) key: String,
    pub(crate) is_number: bool,
    pub(crate) required: bool,
    /// `true` or `false` for flags.
    pub(crate) default: Option<String>,
    pub(crate) choices: Vec<String>,
    /// Other values than `choices` are taken too.
    pub(crate) allow_custom: bool,
    pub(crate) description: String,
}

/// How it reaches the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParamKind {
    /// As a variable.
    Env,
    /// As an argument.
    Arg,
    /// As an argument behind its name.
    Option,
    /// As its name, or not at all.
    Flag,
}

as_words!(ParamKind);

impl ParamKind {
    pub(crate) const ALL: [ParamKind; 4] =
        [ParamKind::Env, ParamKind::Arg, ParamKind::Option, ParamKind::Flag];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ParamKind::Env => "env",
            ParamKind::Arg => "arg",
            ParamKind::Option => "option",
            ParamKind::Flag => "flag",
        }
    }
}

/// What a run was given: keys of its task's parameters and their values, in the order of the
/// file, all of them; `None` leaves the parameter out.
pub(crate) type Given = Arc<[(String, Option<String>)]>;

/// What a run gets that nobody gave anything.
pub(crate) fn defaults(params: &[Param]) -> Given {
    params.iter().map(|param| (param.key.clone(), param.default.clone())).collect()
}

/// What a run gets that was given `given`: keys and values, `None` leaves a parameter out. What is
/// not given is the default. An error says what is wrong with which key.
pub(crate) fn settle(
    params: &[Param],
    given: &[(String, Option<String>)],
) -> Result<Given, (String, String)> {
    let find = |key: &str| given.iter().find(|(known, _)| known == key).map(|(_, value)| value);
    if let Some((key, _)) = given.iter().find(|(key, _)| !params.iter().any(|it| it.key == *key)) {
        let known: Vec<&str> = params.iter().map(|param| param.key.as_str()).collect();
        let allowed = match known.is_empty() {
            true => "the task takes no parameters".to_owned(),
            false => format!("the task takes {}", known.join(", ")),
        };
        return Err((key.clone(), format!("unknown parameter; {allowed}")));
    }
    let value = |param: &Param| {
        let value = find(&param.key).unwrap_or(&param.default).clone();
        param.check(value.as_deref()).map_err(|flaw| (param.key.clone(), flaw))?;
        Ok((param.key.clone(), value))
    };
    params.iter().map(value).collect()
}

impl Param {
    /// Whether this may be its value.
    pub(crate) fn check(&self, value: Option<&str>) -> Result<(), String> {
        let Some(value) = value else {
            return match self.required {
                true => Err("a value is required".to_owned()),
                false => Ok(()),
            };
        };
        if value.contains('\0') {
            return Err("the value contains a NUL byte".to_owned());
        }
        if value.len() > VALUE_LIMIT {
            return Err(format!("the value is longer than {VALUE_LIMIT} bytes"));
        }
        if self.kind == ParamKind::Flag && !matches!(value, "true" | "false") {
            return Err("must be true or false".to_owned());
        }
        if self.is_number && !is_number(value) {
            return Err("must be a number".to_owned());
        }
        let is_listed = self.choices.is_empty() || self.choices.iter().any(|it| it == value);
        if !is_listed && !self.allow_custom {
            return Err(format!("must be one of {}", self.choices.join(", ")));
        }
        Ok(())
    }
}

/// docs/configuration.md, Environment: no value is longer.
const VALUE_LIMIT: usize = 32 * 1024;

/// Digits with perhaps a sign and a fraction; nothing that a shell tool would read otherwise.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    are_digits(whole) && are_digits(fraction)
}

#[cfg(test)]
impl Param {
    /// One that says nothing about its values, for tests to alter.
    pub(crate) fn plain(kind: ParamKind, key: &str) -> Param {
        Param {
            kind,
            key: key.to_owned(),
            is_number: false,
            required: false,
            default: None,
            choices: Vec::new(),
            allow_custom: false,
            description: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_fits_or_is_named() {
        let sizes = ["small", "large"].map(str::to_owned).to_vec();
        let params = [
            Param { required: true, ..Param::plain(ParamKind::Env, "TARGET") },
            Param {
                default: Some("small".into()),
                choices: sizes,
                ..Param::plain(ParamKind::Arg, "size")
            },
            Param { is_number: true, ..Param::plain(ParamKind::Option, "--depth") },
            Param { default: Some("false".into()), ..Param::plain(ParamKind::Flag, "-v") },
        ];
        let settle = |given: &[(&str, Option<&str>)]| {
            let given: Vec<_> =
                given.iter().map(|(k, v)| ((*k).to_owned(), v.map(str::to_owned))).collect();
            settle(&params, &given)
                .map(|given| given.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>())
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            settle(&[("TARGET", Some("")), ("--depth", Some("-1.5")), ("size", None)]),
            Ok(vec![text(""), None, text("-1.5"), text("false")])
        );
        for (given, key, flaw) in [
            (&[][..], "TARGET", "a value is required"),
            (&[("TARGET", None)], "TARGET", "a value is required"),
            (
                &[("TARGET", Some("x")), ("size", Some("huge"))],
                "size",
                "must be one of small, large",
            ),
            (&[("TARGET", Some("x")), ("--depth", Some("1e3"))], "--depth", "must be a number"),
            (&[("TARGET", Some("x")), ("-v", Some("yes"))], "-v", "must be true or false"),
            (&[("TARGET", Some("x\0"))], "TARGET", "the value contains a NUL byte"),
            (
                &[("TARGET", Some("x")), ("nope", None)],
                "nope",
                "unknown parameter; the task takes TARGET, size, --depth, -v",
            ),
        ] {
            assert_eq!(settle(given), Err((key.to_owned(), flaw.to_owned())), "{given:?}");
        }
    }
}
