//! `params` of tasks (docs/configuration.md, Parameters).

use super::{good, problems, task, with_service, with_task};
use crate::model::param::{Param, ParamKind};

fn params(lines: &str) -> Vec<Param> {
    task(&good(&with_task(lines)), "t").params.to_vec()
}

#[test]
fn each_kind_has_its_attributes() {
    let found = params(
        "[[tasks.t.params]]\nenv = \"TARGET\"\ndefault = \"staging\"\n\
         choices = [\"staging\", \"live\"]\ndescription = \"where to\"\n\
         [[tasks.t.params]]\narg = \"file\"\nrequired = true\n\
         [[tasks.t.params]]\noption = \"--level=\"\ntype = \"number\"\ndefault = 1e21\n\
         choices = [\"1\", \"2\"]\nallow_custom = true\n\
         [[tasks.t.params]]\nflag = \"-v\"\ndefault = \"TRUE\"\n",
    );
    let text = |text: &str| Some(text.to_owned());
    let list = |words: [&str; 2]| words.map(str::to_owned).to_vec();
    assert_eq!(
        found,
        [
            Param {
                default: text("staging"),
                choices: list(["staging", "live"]),
                description: "where to".to_owned(),
                ..Param::plain(ParamKind::Env, "TARGET")
            },
            Param { required: true, ..Param::plain(ParamKind::Arg, "file") },
            Param {
                is_number: true,
                default: text("1000000000000000000000"),
                choices: list(["1", "2"]),
                allow_custom: true,
                ..Param::plain(ParamKind::Option, "--level=")
            },
            Param { default: text("true"), ..Param::plain(ParamKind::Flag, "-v") },
        ]
    );
}

#[test]
fn a_default_is_kept_as_text() {
    for (written, kept) in [
        ("0x10", "16"),
        ("-3", "-3"),
        ("1.50", "1.5"),
        ("0.000001", "0.000001"),
        ("true", "true"),
        ("\"\"", ""),
    ] {
        let found = params(&format!("params = [{{ arg = \"a\", default = {written} }}]"));
        assert_eq!(found[0].default.as_deref(), Some(kept), "{written}");
    }
    for (written, kept) in [("1", "true"), ("\"False\"", "false"), ("false", "false")] {
        let found = params(&format!("params = [{{ flag = \"-a\", default = {written} }}]"));
        assert_eq!(found[0].default.as_deref(), Some(kept), "{written}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (param, start, fact) in [
        ("default = 1", "3:11: tasks.t.params[0]: ", "one is required of env, arg, option, flag"),
        ("env = \"A\", arg = \"b\"", "3:24: tasks.t.params[0] (A).arg: ", "only one of env, arg"),
        ("env = \"A-B\"", "3:19: tasks.t.params[0] (A-B).env: ", "not a variable name"),
        ("env = \"A\"", "3:19: tasks.t.params[0] (A).env: ", "is a variable of env or secrets"),
        ("env = \"B\"", "3:19: tasks.t.params[0] (B).env: ", "is a variable of env or secrets"),
        ("option = \"x\"", "3:22: tasks.t.params[0] (x).option: ", "must start with \"-\""),
        ("flag = \"x\"", "3:20: tasks.t.params[0] (x).flag: ", "must start with \"-\""),
        ("arg = \"a b\"", "3:19: ", "must not contain blanks"),
        ("arg = \"\"", "3:19: ", "blank"),
        ("flag = \"-x\", required = true", "3:26: ", "required makes no sense on a flag"),
        ("flag = \"-x\", default = 2", "3:36: ", "a flag is true, false, 1 or 0"),
        ("arg = \"x\", default = 2020-01-01", "3:34: ", "expected string, number or boolean"),
        ("arg = \"x\", default = nan", "3:34: ", "not a number"),
        ("arg = \"x\", type = \"number\", default = \"x\"", "3:51: ", "\"x\" is not a number"),
        ("arg = \"x\", type = \"int\"", "3:31: ", "must be one of string, number"),
        ("arg = \"x\", type = \"number\", choices = [\"1\", \"x\"]", "3:57: ", "not a number"),
        ("arg = \"x\", choices = [\"a\"], default = \"b\"", "3:51: ", "\"b\" is not in choices"),
        ("arg = \"x\", choices = []", "3:34: ", "choices is empty"),
        ("arg = \"x\", allow_custom = true", "3:24: ", "allow_custom needs choices"),
        ("arg = \"x\", color = 1", "3:24: ", "unknown key"),
        (
            "arg = \"x\" }, { arg = \"x\"",
            "3:26: tasks.t.params[1] (x): ",
            "first defined at line 3",
        ),
    ] {
        let text =
            with_task(&format!("params = [{{ {param} }}]\nenv = {{ A = \"\" }}\nsecrets.B = \"\""));
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{param} {found:#?}");
        assert!(found[0].starts_with(start) && found[0].contains(fact), "{param}\n{}", found[0]);
    }
    let found = problems(&with_service("params = []"));
    assert!(found[0].contains("params is only valid on [tasks.*]"), "{found:?}");
}

#[test]
fn what_starts_by_itself_needs_a_default_for_what_is_required() {
    for (line, count) in [
        ("", 0),
        ("cron = \"@daily\"", 1),
        ("run_on_start = true", 1),
        ("run_on_start = false", 0),
        ("cron = \"\"", 0),
    ] {
        let param = "params = [{ arg = \"x\", required = true }]";
        let found = problems(&with_task(&format!("{param}\n{line}")));
        assert_eq!(found.len(), count, "{line} {found:?}");
        let param = "params = [{ arg = \"x\", required = true, default = 1 }]";
        assert_eq!(problems(&with_task(&format!("{param}\n{line}"))), [""; 0]);
    }
}
