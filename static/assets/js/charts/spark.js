// A line of ink for a figure that changes all the time, with a dot at now.

import { fill, svg } from "../dom.js";
import { dot, path, round } from "./shapes.js";

const TOP = 2.5;

/** The points of the line; the newest value is at the right edge, less than a pixel apart is one. */
export const sparkPath = (values, max, width, height) => {
  const step = (width - 4) / Math.max(values.length - 1, 1);
  const ground = height - 2.5;
  const points = values.map((value, index) => {
    const share = max > 0 ? Math.min(Math.max(value / max, 0), 1) : 0;
    return [round(1 + index * step), round(ground - share * (ground - TOP))];
  });
  const every = Math.ceil(1 / step);
  return points.filter((_, index) => (points.length - 1 - index) % every === 0);
};

export const spark = ({ width = 72, height = 20 } = {}) => {
  const element = svg("svg.chart.spark", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const ground = path("g-line", `M0 ${height - 0.5}H${width}`);
  element.append(ground);
  return {
    element,
    /** Values from 0 to `max`, oldest first. */
    update(values, max) {
      const points = sparkPath(values, max, width, height);
      fill(element, ground, points.length > 0 && [path("s-ink", `M${points.join("L")}`), path("f-now", dot(...points.at(-1), 2.25))]);
    },
  };
};
