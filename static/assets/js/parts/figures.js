// The row of figures beside the overview's sentence: what runs, how much succeeds, how busy the
// host is.

import { get } from "../api.js";
import { spark } from "../charts/spark.js";
import { el, fill, say, set } from "../dom.js";
import { bytes, percent } from "../format.js";
import { isFailure, outcomeOf } from "../marks.js";
import { all } from "../signal.js";

/** Points of a sparkline; fast samples push old ones out. */
const POINTS = 90;

const figure = (name, ...value) => {
  const term = el("dt", name);
  return { term, element: el("div.figure", term, el("dd", ...value)) };
};

/** Successes among the ended runs that were good or bad. Pure. */
export const successRate = (runs) => {
  const ended = runs.filter(({ status }) => status === "ended");
  const good = ended.filter(({ end_reason: reason }) => reason === "success").length;
  const bad = ended.filter((run) => isFailure(outcomeOf(run))).length;
  return { good, bad, share: good + bad ? good / (good + bad) : null };
};

export const figures = ({ store }) => {
  const running = el("span");
  const rate = el("span");
  const of = el("small");
  const cpu = spark({});
  const memory = spark({});
  const cpuNow = el("span", "–");
  const memoryNow = el("span", "–");
  const memoryOf = el("small");
  const parts = [
    figure("running now", running), figure("success rate", rate, of),
    figure("cpu", cpu.element, cpuNow), figure("memory", memory.element, memoryNow, memoryOf),
  ];
  const element = el("dl.figures", parts.map((part) => part.element));
  let samples = [];

  const draw = () => {
    const active = [...store.active.values()].filter(({ status }) => status === "running").length;
    say(running, String(active));
    const { good, bad, share } = successRate(store.recent);
    say(rate, share === null ? "–" : percent(share));
    say(of, share === null ? "" : `of ${good + bad}`);
    set(parts[1].element, "title", share === null ? "No run has ended yet" : `${good} succeeded, ${bad} failed, of the newest runs`);
    rate.parentNode.classList.toggle("figure-bad", share !== null && share < 0.5);
  };

  const drawHost = () => {
    cpu.update(samples.map((sample) => sample.cpu), 100);
    memory.update(samples.map((sample) => sample.mem), 100);
  };

  const sample = (host) => {
    samples = [...samples, { cpu: host.cpu_usage, mem: host.mem_usage }].slice(-POINTS);
    say(parts[2].term, `cpu, ${host.cpu_cores} core${host.cpu_cores === 1 ? "" : "s"}`);
    say(cpuNow, percent(host.cpu_usage / 100));
    const [used, unit] = bytes(host.mem_used).split(" ");
    const total = bytes(host.mem_total);
    say(memoryNow, total.endsWith(unit) ? used : `${used} ${unit}`);
    say(memoryOf, `/ ${total}`);
    drawHost();
  };

  const read = async () => {
    const history = await get("/api/system/history", { window: "1h" });
    samples = history.slice(-POINTS).map(({ cpu: load, mem }) => ({ cpu: load, mem }));
    if (store.system) sample(store.system);
    else drawHost();
  };
  fill(running, "–");
  read().catch(() => {});
  return { element, update: draw, end: all(store.onSample(sample), store.onStale(() => read().catch(() => {}))) };
};
