"""The JSON Schema of runwisp.toml: what the program accepts fits it, what it refuses does not.

The good files are the examples of the manual, which have one of nearly everything. Each of their
tables gets a key that nobody knows, and each value is replaced by one of another type; the schema
has to notice all of it.
"""

import copy
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import jsonschema

ROOT = pathlib.Path(__file__).parents[2]
BAD = [
    ("a word", '[tasks.t]\nrun = "1"\non_overlap = "wait"'),
    ("no command", '[tasks.t]\ncron = "@daily"'),
    ("a number out of range", '[services.s]\nrun = "1"\ninstances = 65'),
    ("a duration", '[tasks.t]\nrun = "1"\ntimeout = "5 minutes"'),
    ("a duration without a unit", '[defaults]\ntimeout = "30"'),
    ("a size", '[storage]\nmax_size = "5 gbs"'),
    ("a key of services on a task", '[tasks.t]\nrun = "1"\ninstances = 2'),
    ("a key of tasks on a service", '[services.s]\nrun = "1"\ncron = "@daily"'),
    ("catch_up", '[tasks.t]\nrun = "1"\ncatch_up = 10001'),
    ("keep_for", '[tasks.t]\nrun = "1"\nkeep_for = "for ever"'),
    ("run_on_start", '[tasks.t]\nrun = "1"\nrun_on_start = "yes"'),
    ("a type", '[[notifier]]\nid = "a"\ntype = "pigeon"'),
    ("a parameter", '[tasks.t]\nrun = "1"\nparams = [{ kind = "env" }]'),
    ("a health check", '[services.s]\nrun = "1"\nhealth_check = { url = "x" }'),
    ("a token", '[tasks.t]\nrun = "1"\nhook_tokens = [{ allow = ["run"] }]'),
    ("a blank entry", '[tasks.t]\nrun = "1"\nnotify_on_failure = [" "]'),
    ("containers", "[compose.x]"),
]
GOOD = [
    '[tasks.t]\nrun = "1"\ncron = "@daily"\ncatch_up = 3\nrun_on_start = "boot"\nkeep_for = "Unlimited"\n'
    'timeout = ""\nretry_delay = ".5h"\nlog_max_size = "1.5 GiB"\nalert_after = "3/1h"\n'
    'hook_tokens = ["0123456789abcdef0123456789abcdef"]\non_overlap = "kill"\nmax_concurrent = 2',
    '[defaults]\ntimeout = "${T:-1h}"\n[tasks.t]\nrun = "1"\ncron = "@daily"\ncatch_up = "${C:-skip}"',
    '[notifiers.a]\ntype = "ntfy"\ntopic = "x"',
    '[tasks.t]\nrun = "1"\nparams = [{ flag = "-v", default = true }, { arg = "a", default = 1.5 }]',
]


def examples():
    for page in sorted((ROOT / "docs").glob("*.md")):
        for example in re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL):
            yield example


def places(value, path=()):
    """Every value of a file, and how to get there."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key), inner
        if isinstance(inner, (dict, list)):
            yield from places(inner, (*path, key))


def changed(tree, path, value):
    tree = copy.deepcopy(tree)
    inner = tree
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return tree


def main(runwisp):
    schema = json.loads(subprocess.check_output([runwisp, "schema"]))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    count = 0
    for text in [*examples(), *GOOD]:
        tree = tomllib.loads(text)
        for error in validator.iter_errors(tree):
            sys.exit(f"{text}\n{error.json_path}: {error.message}")
        tables = [(path, inner) for path, inner in places(tree) if isinstance(inner, dict)]
        for path, _ in [((), tree), *tables]:
            # An example may hold a table that takes any value, such as none does now.
            if validator.is_valid(changed(tree, (*path, "zzz"), 1)):
                sys.exit(f"{text}\nan unknown key in {path} fits")
            count += 1
        for path, inner in places(tree):
            if path[-1] != "default" and validator.is_valid(changed(tree, path, 1.5)):
                sys.exit(f"{text}\na float as {path} fits")
            count += 1
    for name, text in BAD:
        if validator.is_valid(tomllib.loads(text)):
            sys.exit(f"{name} fits:\n{text}")
    print(f"{count} changes and {len(BAD)} bad files were noticed")


main(sys.argv[1])
