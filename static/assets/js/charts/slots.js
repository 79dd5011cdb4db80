// What stands in the day band. Pure.

/**
 * What stands in each slot of the band: `{ from, to, good, failed, failures, expected }`. Failures
 * that are known by name are among those that were counted.
 */
export const slots = ({ from, to, bucket, counts, failures, upcoming }) => {
  const all = Array.from({ length: Math.max(1, Math.ceil((to - from) / bucket)) }, (_, index) => ({
    from: from + index * bucket, to: from + (index + 1) * bucket, good: 0, failed: 0, failures: [], expected: 0,
  }));
  const slot = (at) => all[Math.floor((at - from) / bucket)];
  for (const { at, count, failed } of counts) {
    const found = slot(at);
    if (!found) continue;
    found.good += count - failed;
    found.failed += failed;
  }
  for (const { at, count } of upcoming) {
    const found = slot(at);
    if (found) found.expected += count;
  }
  for (const failure of failures) {
    const found = slot(failure.at);
    if (found) found.failures.push(failure);
  }
  for (const found of all) found.failed = Math.max(found.failed, found.failures.length);
  return all;
};
