//! The bytes of server-sent events (docs/api.md, Streams). Pure: whoever calls writes them out.

use serde::Serialize;

/// The first bytes of every stream: a client waits so many milliseconds before it comes back.
pub(crate) const RETRY: &[u8] = b"retry: 2000\n\n";
/// After so long without anything else a client hears that the stream still stands, lest somebody
/// in between takes the connection for dead: every 15 s, and a second early so that a thread that
/// runs late is still in time (docs/api.md, Streams).
pub(crate) const KEEPALIVE: std::time::Duration = std::time::Duration::from_secs(14);
/// How often a silent stream looks whether its client is still there: one that has gone holds its
/// place among the streams until it is noticed (docs/security.md, Connections).
pub(crate) const LOOK: std::time::Duration = std::time::Duration::from_secs(2);

/// Headers of every stream. The last one keeps nginx from collecting events.
pub(crate) fn headers() -> Vec<(&'static str, String)> {
    vec![
        ("Content-Type", "text/event-stream".to_owned()),
        ("Cache-Control", "no-store".to_owned()),
        ("X-Accel-Buffering", "no".to_owned()),
    ]
}

/// Adds one event; its data is one line, because JSON has no raw newlines.
pub(crate) fn event(out: &mut Vec<u8>, id: Option<u64>, name: &str, data: &impl Serialize) {
    if let Some(id) = id {
        out.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    for part in ["event: ", name, "\ndata: "] {
        out.extend_from_slice(part.as_bytes());
    }
    serde_json::to_writer(&mut *out, data).expect("our events have text keys only");
    out.extend_from_slice(b"\n\n");
}

/// Adds a number without an event: a client that comes back names it as the last one it saw
/// (HTML Living Standard, 9.2.6).
pub(crate) fn position(out: &mut Vec<u8>, id: u64) {
    out.extend_from_slice(format!("id: {id}\n\n").as_bytes());
}

/// Adds a line that clients ignore.
pub(crate) fn comment(out: &mut Vec<u8>, text: &str) {
    for part in [": ", text, "\n\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_id_name_and_one_line_of_data() {
        let mut out = Vec::new();
        event(&mut out, Some(7), "line", &serde_json::json!({"text": "a\nb"}));
        event(&mut out, None, "ping", &serde_json::json!({}));
        comment(&mut out, "ping");
        let expected = "id: 7\nevent: line\ndata: {\"text\":\"a\\nb\"}\n\n\
                        event: ping\ndata: {}\n\n: ping\n\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
