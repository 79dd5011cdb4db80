"""Logs in, makes some history, and writes the published document down as a strict one.

    prepare.py URL

To be started where the data directory of the daemon is. `openapi.json` is what the daemon
publishes, `strict.json` what it is tested against, `token` a token. What is published leaves room for later daemons; the daemon of
today has no need for it: no status that is not named, no field and no value that is not known, no
null in the place of an array."""

import hashlib
import json
import os
import pathlib
import sqlite3
import sys
import time
import urllib.request

url = sys.argv[1]
headers = {"Content-Type": "application/json"}


def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def log_in(password):
    nonce = ask("GET", "/api/auth/challenge")["nonce"]
    response = hashlib.sha256(f"{password}:{nonce}".encode()).hexdigest()
    token = ask("POST", "/api/auth", {"nonce": nonce, "response": response})["token"]
    headers["Authorization"] = f"Bearer {token}"
    return token


def make_history():
    """The names of all jobs and the ids of some runs, ended ones among them."""
    names = [task["name"] for task in ask("GET", "/api/tasks")]
    for name in ["hello", "hello", "fails", "nightly", "slow"]:
        ask("POST", f"/api/tasks/{name}/run", {})
    end = time.monotonic() + 15
    while ask("GET", "/api/runs?status=failed")["total"] < 2:
        assert time.monotonic() < end, "the runs do not end"
        time.sleep(0.05)
    return names, [run["id"] for run in ask("GET", "/api/runs")["runs"]]


def make_notifications():
    """The ids of some; they are written behind the daemon's back."""
    ids = ["01KA3RZ3NVKJ6TWKQ3YQ2K9V1B", "01KA3RZ3NVKJ6TWKQ3YQ2K9V1C"]
    at = "2026-05-07T14:30:22.118Z"
    row = ["0a1b", "run.failed", "error", "fails", ids[0], "fails failed", "exit 3", 1, json.dumps([at]), at, at]
    with sqlite3.connect("data/runwisp.db", timeout=10) as database:
        for id in ids:
            database.execute(f"INSERT INTO notifications VALUES (?{', ?' * 11}, NULL)", [id, *row])
    database.close()
    return ids


def close(schema):
    """Makes a schema and all within it strict."""
    if isinstance(schema, list):
        for part in schema:
            close(part)
    if not isinstance(schema, dict):
        return
    if "x-extensible-enum" in schema:
        schema["enum"] = schema.pop("x-extensible-enum")
    if schema.get("type") == ["array", "null"]:
        schema["type"] = "array"
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        schema.setdefault("additionalProperties", False)
    for part in schema.values():
        close(part)


def strict(document, names, ids):
    for path in document["paths"].values():
        for operation in path.values():
            del operation["responses"]["default"]
            for parameter in operation["parameters"]:
                if operation["operationId"] == "callHook" and parameter["name"] == "taskName":
                    # A token that fits no job counts as a wrong one, of which few are allowed.
                    parameter["schema"] = {"enum": ["hello", "web"]}
                if parameter["name"] == "cursor":
                    # Any other than one that the daemon gave out is refused.
                    parameter["schema"] = {"const": ""}
                if parameter["in"] == "query" and not parameter.get("required"):
                    # An empty value is the same as none.
                    parameter["schema"] = {"anyOf": [parameter["schema"], {"const": ""}]}
    schemas = document["components"]["schemas"]
    close(document)
    # Half of all names and ids are real ones.
    for schema, known in [("TaskName", names), ("Ulid", ids)]:
        any_other = schemas[schema]
        schemas[schema] = {"anyOf": [{"enum": known}, any_other], "examples": known[:3]}
    return document


token = log_in(os.environ["RUNWISP_PASSWORD"])
names, ids = make_history()
document = ask("GET", "/openapi.json")
for name, text in [
    ("token", token),
    ("openapi.json", json.dumps(document)),
    ("strict.json", json.dumps(strict(document, names, ids + make_notifications()))),
]:
    pathlib.Path(name).write_text(text)
