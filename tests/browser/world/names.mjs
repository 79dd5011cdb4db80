// Names of jobs as people give them, as many as are wanted, none of them twice.

const VERBS =
  "backup sync import export rotate prune check rebuild send fetch compress verify publish refresh archive report".split(
    " ",
  );
const THINGS =
  "orders invoices photos mailboxes sessions certificates catalogue prices stock access-logs thumbnails feeds ledger snapshots wiki metrics".split(
    " ",
  );

/** Up to 256. */
export function* names() {
  for (let n = 0; n < VERBS.length * THINGS.length; n += 1) {
    const shift = Math.floor(n / THINGS.length);
    yield `${VERBS[(n + shift) % VERBS.length]}-${THINGS[n % THINGS.length]}`;
  }
}
