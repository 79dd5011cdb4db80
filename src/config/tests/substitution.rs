//! `${…}` in values (docs/configuration.md, Substitution).

use super::{good, job, problems, task, with_task};

#[test]
fn values_take_in_variables_and_files() {
    for (written, value) in [
        ("${SET}", "value"),
        ("a ${SET}-${SET} b", "a value-value b"),
        ("${EMPTY}", ""),
        ("${EMPTY:-x}", "x"),
        ("${NONE:-x y:-z}", "x y:-z"),
        ("${NONE:-}", ""),
        ("${SET:-x}", "value"),
        ("${file:token}", "s3cret ${SET}"),
        ("<${file:~/hook}>", "<0123456789abcdef0123456789abcdef>"),
        ("$${SET}", "${SET}"),
        ("$$${SET}", "$${SET}"),
        ("$SET $ {x} $1 $$", "$SET $ {x} $1 $$"),
        ("${TRICK}", "${SET} $${"),
    ] {
        let config = good(&with_task(&format!("description = {written:?}")));
        assert_eq!(job(&config, "t").description, value, "{written}");
    }
}

#[test]
fn scripts_keys_and_files_of_variables_are_left_alone() {
    let config = good(
        "[tasks.t]\nrun = \"echo ${NONE}\"\nenv = { run = \"${SET}\", B = \"${SET}\" }\n\
         secrets = { C = \"${file:token}\" }\nparams = [{ arg = \"a\", choices = [\"${SET}\"] }]\n\
         [tasks.env]\nrun = \"${NONE}\"\n\
         [services.run]\nrun = \"${\"\nhealth_check = { run = \"${NONE}\" }\n",
    );
    let job = job(&config, "t");
    assert_eq!(&*job.run, "echo ${NONE}");
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(*job.process.env, [pair("run", "value"), pair("B", "value")]);
    assert_eq!(*job.process.secrets, [pair("C", "s3cret ${SET}")]);
    assert_eq!(task(&config, "t").params[0].choices, ["value"]);
}

#[test]
fn what_cannot_be_replaced_is_said_once_and_in_its_place() {
    for (line, start, fact) in [
        (
            "cron = \"${NONE}\"",
            "3:8: tasks.t.cron: ",
            "environment variable NONE is not set; set it or write ${NONE:-text}",
        ),
        ("timeout = \"${SET\"", "3:11: tasks.t.timeout: ", "\"${\" has no \"}\""),
        ("timeout = \"${}\"", "3:11: tasks.t.timeout: ", "\"${}\" is not a variable"),
        ("timeout = \"${a b}\"", "3:11: ", "\"${a b}\" is not a variable"),
        ("timeout = \"${file:}\"", "3:11: ", "names no file"),
        ("timeout = \"${file:none}\"", "3:11: ", "cannot read \"/etc/rw/none\": no such file"),
        ("hook_tokens = [\"${NONE}\"]", "3:16: tasks.t.hook_tokens[0]: ", "NONE is not set"),
        ("env = { \"A\" = \"${NONE}\" }", "3:15: tasks.t.env.A: ", "NONE is not set"),
    ] {
        let found = problems(&with_task(line));
        assert_eq!(found.len(), 1, "{line} {found:?}");
        assert!(found[0].starts_with(start) && found[0].contains(fact), "{line}\n{}", found[0]);
    }
}

#[test]
fn what_is_wrong_with_a_value_is_said_of_what_it_became() {
    let found = problems(&with_task("cron = \"${CRON}\" # here"));
    assert!(found[0].starts_with("3:8: tasks.t.cron: \"0 25 * * *\": "), "{found:?}");
    let found = problems(&with_task("hook_tokens = [\"${file:token}\"]"));
    assert!(found[0].contains("<hidden>") && !found[0].contains("s3cret"), "{found:?}");
}
