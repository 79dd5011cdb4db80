//! The bytes of the two companions of a log: offsets of every 1024th line, and when lines
//! came (docs/logs.md, Files). Both only save work: a log can be read without them.

use memchr::memchr_iter;

/// Lines from one index entry to the next.
pub(super) const STRIDE: u64 = 1024;
/// Bytes of one record of the times.
pub(super) const TIME_RECORD: usize = 12;
/// A line that comes so many milliseconds after the last record gets a record of its own.
const TIME_STEP: i64 = 1000;

/// Lines in a row as they go to the end of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch<'a> {
    /// Segment number of the first line.
    pub(super) first: u64,
    /// How many lines.
    pub(super) count: u64,
    /// Offset of the first line in the segment.
    pub(super) start: u64,
    /// Bytes of the first line that come before `body`.
    pub(super) head: u64,
    pub(super) body: &'a [u8],
}

impl Batch<'_> {
    /// The multiples of [`STRIDE`] among the lines.
    fn strides(&self) -> impl Iterator<Item = u64> + use<> {
        (self.first.next_multiple_of(STRIDE)..self.first + self.count).step_by(STRIDE as usize)
    }

    /// The index entries of the lines. The file begins with line 1024, then with two entries.
    pub(super) fn offsets(&self) -> Vec<u8> {
        let mut entries = Vec::new();
        let mut ends = memchr_iter(b'\n', self.body);
        let mut line = self.first;
        for wanted in self.strides().filter(|&wanted| wanted > 0) {
            if wanted == STRIDE {
                entries.extend(0u64.to_le_bytes());
            }
            let offset = match wanted - line {
                0 => self.start,
                newlines => {
                    let end =
                        ends.nth(newlines as usize - 1).expect("`count` newlines are in `body`");
                    self.start + self.head + end as u64 + 1
                }
            };
            line = wanted;
            entries.extend(offset.to_le_bytes());
        }
        entries
    }
}

/// The valid entries at the front of an index: increasing from 0, none past the end of the log.
pub(super) fn read_offsets(bytes: &[u8], log_size: u64) -> Vec<u64> {
    let mut offsets: Vec<u64> = Vec::with_capacity(bytes.len() / 8);
    for entry in bytes.chunks_exact(8) {
        let offset = u64::from_le_bytes(entry.try_into().expect("chunks of 8"));
        let follows = offsets.last().map_or(offset == 0, |&last| offset > last);
        if !follows || offset > log_size {
            break;
        }
        offsets.push(offset);
    }
    offsets
}

/// Which lines of a segment get a record of their time.
#[derive(Debug)]
pub(super) struct Times {
    /// Unix milliseconds of the last record, or of the start of the run before the first one.
    last: i64,
    begun: bool,
}

impl Times {
    /// `start`: lines without a record before them came at this time.
    pub(super) fn new(start: i64) -> Times {
        Times { last: start, begun: false }
    }

    /// The records of a batch that came at `now`; none before the first full second. A clock
    /// that is set back repeats the last time.
    pub(super) fn records(&mut self, now: i64, batch: &Batch) -> Vec<u8> {
        let mut records = Vec::new();
        let is_due = now.saturating_sub(self.last) >= TIME_STEP;
        if !self.begun && !is_due {
            return records;
        }
        let first = (!batch.first.is_multiple_of(STRIDE) && is_due).then_some(batch.first);
        self.begun = true;
        for line in first.into_iter().chain(batch.strides()) {
            self.push(line, now, &mut records);
        }
        records
    }

    /// The record at the end of a segment of so many lines, if there is any record.
    pub(super) fn last_record(&mut self, now: i64, lines: u64) -> Vec<u8> {
        let mut records = Vec::new();
        if self.begun {
            self.push(lines, now, &mut records);
        }
        records
    }

    fn push(&mut self, line: u64, now: i64, records: &mut Vec<u8>) {
        self.last = self.last.max(now);
        // After four thousand million lines the last recorded time stands for the rest.
        if let Ok(line) = u32::try_from(line) {
            records.extend(line.to_le_bytes());
            records.extend(self.last.to_le_bytes());
        }
    }
}

/// Segment line and Unix milliseconds of a record.
pub(super) fn read_time(record: [u8; TIME_RECORD]) -> (u64, i64) {
    let [a, b, c, d, time @ ..] = record;
    (u32::from_le_bytes([a, b, c, d]).into(), i64::from_le_bytes(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(first: u64, count: u64, start: u64, head: u64, body: &[u8]) -> Batch<'_> {
        Batch { first, count, start, head, body }
    }

    fn numbers(bytes: &[u8]) -> Vec<u64> {
        bytes.chunks(8).map(|entry| u64::from_le_bytes(entry.try_into().unwrap())).collect()
    }

    fn times(bytes: &[u8]) -> Vec<(u64, i64)> {
        bytes.chunks(TIME_RECORD).map(|record| read_time(record.try_into().unwrap())).collect()
    }

    #[test]
    fn the_index_begins_with_line_1024() {
        let body = "x\n".repeat(3000);
        let offsets = |first, count, start, head| {
            numbers(
                &batch(first, count, start, head, &body.as_bytes()[..2 * count as usize]).offsets(),
            )
        };
        assert_eq!(offsets(0, 1024, 0, 0), [0; 0]);
        assert_eq!(offsets(1024, 1, 2048, 0), [0, 2048]);
        assert_eq!(offsets(1024, 1, 2048, 5), [0, 2048], "the line begins with its head");
        assert_eq!(offsets(1023, 2, 2046, 0), [0, 2048]);
        assert_eq!(offsets(1023, 2, 2046, 5), [0, 2053]);
        assert_eq!(offsets(0, 3000, 0, 0), [0, 2048, 4096]);
        assert_eq!(offsets(1025, 1023, 2050, 0), [0; 0]);
        assert_eq!(offsets(1025, 1024, 2050, 0), [4096]);
    }

    #[test]
    fn a_broken_index_is_used_up_to_the_break() {
        let bytes =
            |entries: &[u64]| entries.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
        for (entries, size, valid) in [
            (&[][..], 9, &[][..]),
            (&[0, 5, 9], 9, &[0, 5, 9]),
            (&[0, 5, 10], 9, &[0, 5]),
            (&[0, 5, 5, 9], 9, &[0, 5]),
            (&[0, 5, 4, 9], 9, &[0, 5]),
            (&[1, 5], 9, &[]),
        ] {
            assert_eq!(read_offsets(&bytes(entries), size), valid);
            let torn = [bytes(entries), vec![7; 3]].concat();
            assert_eq!(read_offsets(&torn, size), valid);
        }
    }

    #[test]
    fn times_begin_after_a_second_and_never_decrease() {
        let lines = |first, count| batch(first, count, 0, 0, b"");
        let mut log = Times::new(5_000);
        let mut see = |now, first, count| times(&log.records(now, &lines(first, count)));
        assert_eq!(see(5_000, 0, 2000), []);
        assert_eq!(see(5_999, 2000, 100), []);
        assert_eq!(see(6_000, 2100, 5), [(2100, 6_000)]);
        assert_eq!(see(6_999, 2105, 5), []);
        assert_eq!(see(7_000, 2110, 3000), [(2110, 7_000), (3072, 7_000), (4096, 7_000)]);
        assert_eq!(see(1_000, 5110, 2000), [(5120, 7_000), (6144, 7_000)]);
        assert_eq!(see(8_000, 7168, 1), [(7168, 8_000)]);
        assert_eq!(times(&log.last_record(8_001, 7169)), [(7169, 8_001)]);
        assert_eq!(times(&Times::new(5_000).last_record(9_000, 3)), []);
    }
}
