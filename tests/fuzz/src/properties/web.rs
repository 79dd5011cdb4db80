//! What comes over a connection: heads, paths, queries, bodies.

use serde_json::Value;

use crate::properties::first_line;
use crate::web::api::bulk::{Selection, Selector};
use crate::web::api::session::Login;
use crate::web::api::tasks::Empty;
use crate::web::gate::head::{self, Head, LARGEST, LONGEST};
use crate::web::http::{Method, Peer, Problem, Request, Whole};
use crate::web::params::{Kind, Plus, Values, decode};
use crate::web::router::{Call, Matched, body as read_body};
use crate::web::routes::routes;

/// A head is found at the same place however its bytes come, and what is passed on is read as the
/// same by the next reader.
pub(crate) fn head(data: &[u8]) {
    let whole = head::length(data, 0);
    let (mut seen, mut found) = (0, Ok(None));
    for end in [data.len() / 3, data.len() / 2, data.len().saturating_sub(1), data.len()] {
        found = head::length(&data[..end], seen);
        if found != Ok(None) {
            break;
        }
        seen = end;
    }
    assert_eq!(found, whole, "it depends on how the bytes come");
    let Ok(Some(length)) = whole else { return };
    assert!(length <= LONGEST && data[..length].ends_with(b"\r\n\r\n"));
    let head = match Head::parse(&data[..length]) {
        Ok(head) => head,
        Err(wrong) => {
            assert!([400, 411, 413].contains(&wrong.status));
            return;
        }
    };
    assert!(head.length <= LARGEST);
    let mut text = String::new();
    head.write(&mut text);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines.len(), head.fields.len() + 2, "a field has made a line of its own");
    assert!(lines.iter().all(|line| line.bytes().all(|byte| (b' '..=b'~').contains(&byte))));
    assert!(head.fields.iter().filter(|(name, _)| *name == "Host").count() <= 1);
    if head.fields.iter().any(|(name, _)| *name == "Host") {
        text.push_str("\r\n");
        let next = Head::parse(text.as_bytes()).expect("what we write can be read");
        assert_eq!((next.method, next.target), (head.method, head.target));
        assert_eq!((next.fields, next.length), (head.fields, 0));
    }
}

/// The first byte names a route; the rest is its query. What comes through is in its range.
pub(crate) fn query(data: &[u8]) {
    let Some((&number, rest)) = data.split_first() else { return };
    let Ok(query) = std::str::from_utf8(rest) else { return };
    let all = || routes().map(|(_, route)| route).filter(|route| !route.params.is_empty());
    let route = all().nth(usize::from(number) % all().count()).expect("it is counted");
    match Values::read(query, route.params) {
        Ok(values) => {
            for param in route.params {
                match &param.kind {
                    Kind::Integer { min, max, .. } => {
                        let value = values.integer(param);
                        assert!(value.is_none_or(|value| (*min..=*max).contains(&value)));
                    }
                    Kind::Text { longest } | Kind::Needed { longest } | Kind::Cut { longest } => {
                        let length = values.text(param).map_or(0, |text| text.chars().count());
                        assert!(length <= *longest);
                        assert!(length > 0 || !matches!(param.kind, Kind::Needed { .. }));
                    }
                    Kind::Word(words) => {
                        assert!(values.text(param).is_none_or(|word| words.contains(&word)));
                    }
                    Kind::Words(words) => {
                        assert!(values.words(param).iter().all(|word| words.contains(word)));
                    }
                    Kind::Flag => _ = values.flag(param),
                    Kind::Instant => {
                        assert_eq!(values.instant(param).is_some(), values.text(param).is_some());
                    }
                    Kind::Run => {
                        assert_eq!(values.run(param).is_some(), values.text(param).is_some());
                    }
                }
            }
        }
        Err(errors) => assert_told(Problem::invalid(errors), "query."),
    }
    let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    assert_eq!(decode(&encoded, Plus::Itself).as_deref(), Some(query));
    assert!(decode(query, Plus::Space).is_none_or(|text| text.len() <= query.len()));
}

/// A method, a path and a query find a route whose segments are good, or are told why not.
pub(crate) fn request(data: &[u8]) {
    let Some((method, target)) = first_line(data) else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request {
        method: Method::parse(method),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        peer: Peer::Socket,
    };
    let found = Matched::find(&request);
    let Some((route, segments)) = &found.route else {
        assert!(!found.allowed.contains(&request.method));
        return;
    };
    assert!(found.allowed.contains(&request.method) && route.answers(request.method));
    assert!(segments.iter().all(|(_, text)| !text.is_empty() && !text.contains('/')));
    match Call::checked(&request, route, segments, None) {
        Ok(call) => {
            for (name, _) in segments {
                let text = call.segment(name);
                match *name {
                    // Names become paths.
                    "taskName" => assert!(!text.contains('/') && !text.starts_with('.')),
                    "runId" | "id" => assert_eq!(call.id(name).to_string(), text),
                    _ => {}
                }
            }
        }
        Err(problem) => assert_told(problem, ""),
    }
}

/// The bodies that some route takes. A wrong one is told in JSON, with the place.
pub(crate) fn body(data: &[u8]) {
    let Some((&kind, body)) = data.split_first() else { return };
    let read = match kind % 3 {
        0 => read_body::<Empty>(body).map(drop),
        1 => read_body::<Login>(body).map(drop),
        _ => read_body::<Selector>(body).and_then(|selector| {
            match Selection::read(selector)? {
                Selection::Each(ids) => {
                    assert!((1..=1000).contains(&ids.len()));
                    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
                }
                Selection::All { except, .. } => assert!(except.len() <= 1000),
            }
            Ok(())
        }),
    };
    if let Err(problem) = read {
        match problem.status {
            400 => assert!(!problem.detail.is_empty()),
            _ => assert_told(problem, "body"),
        }
    }
}

/// A 422 names what is wrong, and where.
fn assert_told(problem: Problem, place: &str) {
    assert_eq!(problem.status, 422);
    assert!(!problem.errors.is_empty());
    for error in &problem.errors {
        let location = error.location.as_deref().expect("a place");
        assert!(location.starts_with(place), "{location}");
        assert!(!error.message.is_empty());
    }
    let whole = Whole::from(problem);
    let value: Value = serde_json::from_slice(whole.body.bytes()).expect("our documents are JSON");
    assert_eq!(value["status"], 422);
}
