// Chance that falls the same way every time, so that two worlds of one day look alike.

/** mulberry32, and what one asks of dice. */
export class Dice {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, not including, 1. */
  roll() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  isLucky(chance) {
    return this.roll() < chance;
  }

  /** A whole number, both ends included. */
  between(low, high) {
    return low + Math.floor(this.roll() * (high - low + 1));
  }

  pick(list) {
    return list[Math.floor(this.roll() * list.length)];
  }

  /** Around `usual`, mostly within `spread` (a part of it), seldom far above. */
  around(usual, spread) {
    const bell = (this.roll() + this.roll() + this.roll()) / 1.5 - 1;
    const outlier = this.isLucky(0.02) ? 1 + this.roll() : 1;
    return Math.max(1, Math.round(usual * (1 + bell * spread) * outlier));
  }

  hex(length) {
    return Array.from({ length }, () => this.between(0, 15).toString(16)).join("");
  }
}
