//! The few bytes in front of a stored line that tell its stream (docs/logs.md, Files).

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
    /// Written by runwisp itself.
    System,
}

const STDERR: &[u8] = b"[ERR] ";
const SYSTEM: &[u8] = b"[SYSTEM] ";
/// Length of `2026-05-07 14:30:22`: the shortest text in brackets that counts as a time.
const TIME: usize = 19;

impl Stream {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
            Stream::System => "system",
        }
    }

    pub(super) fn prefix(self) -> &'static [u8] {
        match self {
            Stream::Stdout => b"",
            Stream::Stderr => STDERR,
            Stream::System => SYSTEM,
        }
    }
}

/// Splits a stored line, without its newline, into stream and text.
pub(super) fn split(line: &[u8]) -> (Stream, &[u8]) {
    if let Some(text) = line.strip_prefix(STDERR) {
        return (Stream::Stderr, text);
    }
    match line.strip_prefix(SYSTEM).or_else(|| after_time(line)) {
        Some(text) => (Stream::System, text),
        None => (Stream::Stdout, line),
    }
}

/// The text of `[2026-05-07 14:30:22] [SYSTEM] text`.
fn after_time(line: &[u8]) -> Option<&[u8]> {
    let inside = line.strip_prefix(b"[")?;
    let end = memchr::memchr(b']', inside).filter(|&end| end >= TIME)?;
    inside[end + 1..].strip_prefix(b" ")?.strip_prefix(SYSTEM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_known_prefixes_tell_a_stream() {
        for (line, stream, text) in [
            ("", Stream::Stdout, ""),
            ("plain", Stream::Stdout, "plain"),
            ("[ERR] x", Stream::Stderr, "x"),
            ("[ERR] ", Stream::Stderr, ""),
            ("[ERR]", Stream::Stdout, "[ERR]"),
            ("[err] x", Stream::Stdout, "[err] x"),
            (" [ERR] x", Stream::Stdout, " [ERR] x"),
            ("[SYSTEM] x", Stream::System, "x"),
            ("[ERR] [SYSTEM] x", Stream::Stderr, "[SYSTEM] x"),
            ("[SYSTEM] [ERR] x", Stream::System, "[ERR] x"),
            ("[2026-05-07 14:30:22] [SYSTEM] x", Stream::System, "x"),
            ("[2026-05-07T14:30:22.118Z] [SYSTEM] x", Stream::System, "x"),
            ("[2026-05-07 14:30:2] [SYSTEM] x", Stream::Stdout, "[2026-05-07 14:30:2] [SYSTEM] x"),
            ("[2026-05-07 14:30:22] [ERR] x", Stream::Stdout, "[2026-05-07 14:30:22] [ERR] x"),
        ] {
            assert_eq!(split(line.as_bytes()), (stream, text.as_bytes()), "{line}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for stream in [Stream::Stdout, Stream::Stderr, Stream::System] {
            let stored = [stream.prefix(), b"text \xff\x00"].concat();
            assert_eq!(split(&stored), (stream, &b"text \xff\x00"[..]));
        }
    }
}
