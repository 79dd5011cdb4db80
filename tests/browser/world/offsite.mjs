// What the offsite backup printed: the night when the vault was full, and other nights.

const ESC = "\x1b[";
const RESET = `${ESC}0m`;
const bold = (text) => `${ESC}1m${text}${RESET}`;
const dim = (text) => `${ESC}2m${text}${RESET}`;
const red = (text) => `${ESC}31m${text}${RESET}`;
const green = (text) => `${ESC}32m${text}${RESET}`;
const yellow = (text) => `${ESC}33m${text}${RESET}`;
const blue = (text) => `${ESC}34m${text}${RESET}`;
const violet = (text) => `${ESC}35m${text}${RESET}`;
const cyan = (text) => `${ESC}36m${text}${RESET}`;
const link = (text) => `${ESC}4m${text}${RESET}`;

/** Packs that are looked through before anything is sent. */
const CHECKED = 381;

/** 403 lines that end in `FATAL`, over so many milliseconds. */
export function fullVault(dice, took) {
  const late = took - 184_000; // The lines below were timed in a run of 3m 4s.
  const after = (clock) => Math.max(0, clock * 1000 + late);
  return [
    ...checks(dice, CHECKED),
    ...start(dice),
    [after(41), "stdout", `${blue("send")}   [########............]  41%   1.6 GB   44.1 MB/s   eta 0:52`],
    [
      after(62),
      "stdout",
      `${yellow("warn")}   link slowed to ${yellow("1.2 MB/s")}, reducing to 2 connections`,
    ],
    [after(90), "stdout", `${blue("send")}   [############........]  63%   2.4 GB    9.7 MB/s   eta 2:24`],
    [after(118), "stderr", "retry pack 7f3e90c1: connection reset by peer (1 of 3, waiting 1.2s)"],
    [after(123), "stderr", "retry pack 7f3e90c1: connection reset by peer (2 of 3, waiting 4.8s)"],
    [after(128), "stdout", `${green("ok")}     pack ${violet("7f3e90c1")} stored on third try`],
    [after(151), "stdout", `${blue("send")}   [################....]  82%   3.1 GB   18.0 MB/s   eta 0:38`],
    [after(177), "stdout", `${blue("send")}   [##################..]  91%   3.5 GB   16.2 MB/s   eta 0:21`],
    [after(181), "stderr", "store pack c20b77d4: server answered 507 Insufficient Storage"],
    [after(181), "stderr", "store pack e8810f3a: server answered 507 Insufficient Storage"],
    [
      after(182),
      "stderr",
      `${bold(red("error"))}  vault is full: ${bold("0 B")} free of ${bold("500 GB")}, quota reached by host larch`,
    ],
    [
      after(182),
      "stderr",
      `       ${dim("hint:")} ${link("offsite.sh prune --keep-daily 14")} ${dim("would free about 61 GB")}`,
    ],
    [after(183), "stdout", `${yellow("warn")}   snapshot not written, 388 packs stay behind as unreferenced`],
    [after(183), "stdout", dim("lock released")],
    [after(184), "stderr", `${ESC}1;97;41m FATAL ${RESET} cannot save snapshot: 507 Insufficient Storage`],
  ];
}

export function savedSnapshot(dice, took) {
  const part = (share) => Math.round(took * share);
  return [
    ...start(dice),
    [part(0.3), "stdout", `${blue("send")}   [########............]  41%   1.6 GB   44.1 MB/s   eta 0:52`],
    [part(0.6), "stdout", `${blue("send")}   [################....]  82%   3.1 GB   48.0 MB/s   eta 0:21`],
    [part(0.95), "stdout", `${blue("send")}   [####################] 100%   3.8 GB   47.2 MB/s`],
    [part(0.99), "stdout", `${green("ok")}     snapshot ${violet(dice.hex(8))} saved`],
    [took, "stdout", dim("lock released")],
  ];
}

function checks(dice, count) {
  return Array.from({ length: count }, () => {
    const size = (dice.between(40, 168) / 10).toFixed(1).padStart(5);
    return [
      0,
      "stdout",
      `${green("ok")}     pack ${violet(dice.hex(8))}  ${size} MB  ${dim("blobs")} ${dice.between(20, 400)}`,
    ];
  });
}

function start(dice) {
  return [
    [
      0,
      "stdout",
      `${dim("+")} ${bold("offsite.sh")} --vault ${cyan("sftp://vault.brno.example:22/larch")} --exclude-from ${cyan("/etc/offsite.exclude")}`,
    ],
    [1000, "stdout", `${green("ok")}     lock taken, repository ${bold("4f1c0a9e")} opened`],
    [2000, "stdout", `${green("ok")}     parent snapshot ${violet(dice.hex(8))}`],
    [2000, "stdout", `${blue("scan")}   /srv/data             ${bold("31 204")} files   118.4 GB`],
    [4000, "stdout", `${blue("scan")}   /srv/photos           ${bold("16 988")} files    94.3 GB`],
    [4000, "stdout", `${blue("scan")}   /var/lib/shop/media       ${bold("19")} files     0.1 GB`],
    [5000, "stdout", dim("diff   48 211 files, 412 changed, 37 new, 4 removed, 3.8 GB to send")],
  ];
}
