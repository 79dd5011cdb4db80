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
