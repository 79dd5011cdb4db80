"""Reads /metrics from stdin with Prometheus' own parser, which is strict."""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

families = {family.name: family for family in text_string_to_metric_families(sys.stdin.read())}
labels = {tuple(sample.labels) for sample in families["runwisp_task_active_runs"].samples}
assert labels == {("task", "kind")}, labels
runs = {sample.labels["status"]: sample.value for sample in families["runwisp_runs"].samples}
assert runs.keys() == {"success", "failed"} and sum(runs.values()) > 0, runs
assert families["runwisp_task_runs"].type == "counter"
assert families["runwisp_build"].samples[0].name == "runwisp_build_info"
print(f"/metrics: {len(families)} families")
