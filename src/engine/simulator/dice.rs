//! Chance that can be repeated: one seed, one world. SplitMix64 (Steele, Lea, Flood 2014).

use std::time::Duration;

#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// 0 to `sides` - 1.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    /// True in `percent` of 100 throws.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len() as u64) as usize].clone()
    }

    /// Between the two, short ones as likely as long ones: each doubling has the same chance.
    pub(super) fn span(&mut self, least: Duration, most: Duration) -> Duration {
        let doublings = (most.as_secs_f64() / least.as_secs_f64()).log2();
        let share = self.roll(1 << 32) as f64 / (1u64 << 32) as f64;
        Duration::from_millis((least.as_secs_f64() * 1000.0 * (doublings * share).exp2()) as u64)
    }

    pub(super) fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.roll(most + 1))
    }
}
