// Ids of runs: ULIDs, 48 bits of milliseconds and 80 of chance in Crockford's base32.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function ulid(at, dice) {
  let time = "";
  for (let rest = at, n = 0; n < 10; n += 1) {
    time = ALPHABET[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  const chance = Array.from({ length: 16 }, () => ALPHABET[dice.between(0, 31)]).join("");
  return time + chance;
}
