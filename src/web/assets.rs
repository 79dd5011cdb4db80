//! The pages of the dashboard and what they need, embedded in the binary. An address that is no
//! file gets the page itself, which knows what to show for it; only below `/assets/` every name is
//! that of a file. Nothing here needs a session: no file holds data. Files are kept packed and sent
//! as they are kept; who does not say that gzip is fine gets them unpacked.

use crate::web::http::{Body, Method, Problem, Reply, Request, Whole};

/// A file as it is served.
#[derive(Debug)]
struct Asset {
    path: &'static str,
    kind: &'static str,
    /// Of what it contains; it stands in its entity tags.
    tag: &'static str,
    /// gzip, as build.rs writes it.
    packed: &'static [u8],
}

/// What stands before and behind the deflated bytes of gzip (RFC 1952).
const AROUND: (usize, usize) = (10, 8);

const FOLDER: &str = "/assets/";
const HTML: &str = "text/html; charset=utf-8";

// `ASSETS`, by path: every file of `static/`; and `EDITION`, the folder below [`FOLDER`] in which
// the page links them, named after what they contain (build.rs).
include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// It stands in for every address that has no file.
const PAGE: &str = "/index.html";

/// Scripts and styles come from files of ours only, text cannot become markup or script (Trusted
/// Types without any policy), and nobody may put the page into a frame (docs/security.md,
/// Headers).
const POLICY: &str = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; \
                      base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

const ALLOW: &str = "GET, HEAD, OPTIONS";

/// Answers whatever is not the API's.
pub(crate) fn answer(request: &Request) -> Result<Reply, Problem> {
    match request.method {
        Method::Get | Method::Head => {}
        Method::Options => return Ok(Whole::new(204).header("Allow", ALLOW).into()),
        Method::Post | Method::Delete | Method::Other => {
            let problem = Problem::new(405, format!("allowed here: {ALLOW}"));
            return Err(problem.header("Allow", ALLOW));
        }
    }
    let kept = request.path.strip_prefix(EDITION).map(|rest| format!("{FOLDER}{rest}"));
    let index = match place(kept.as_deref().unwrap_or(&request.path)) {
        Some(index) => index,
        None if request.path.starts_with(FOLDER) => {
            return Err(Problem::new(404, "no such file"));
        }
        None => place(PAGE).expect("the page is a file of `static/`"),
    };
    let asset = &ASSETS[index];
    let is_packed = takes_gzip(request);
    let tag = format!("\"{}{}\"", asset.tag, if is_packed { "-gzip" } else { "" });
    let whole = match (is_known(request, &tag), is_packed) {
        (true, _) => Whole::new(304),
        (false, true) => Whole { body: Body::Static(asset.packed), ..Whole::new(200) }
            .header("Content-Type", asset.kind)
            .header("Content-Encoding", "gzip"),
        (false, false) => Whole { body: Body::Owned(asset.unpacked()), ..Whole::new(200) }
            .header("Content-Type", asset.kind),
    };
    let caching = match kept {
        // It never changes: the next one has another address.
        Some(_) => "public, max-age=31536000, immutable",
        // Asked each time, answered by 304 mostly: an update of the daemon shows at once.
        None => "no-cache",
    };
    let whole = whole
        .header("ETag", tag)
        .header("Cache-Control", caching)
        .header("Vary", "Accept-Encoding");
    Ok(match asset.kind {
        HTML => whole.header("Content-Security-Policy", POLICY),
        _ => whole,
    }
    .into())
}

fn place(path: &str) -> Option<usize> {
    ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok()
}

/// Whether the client has these bytes already (RFC 9110, 13.1.2).
fn is_known(request: &Request, tag: &str) -> bool {
    let mut given =
        request.all("If-None-Match").flat_map(|header| header.split(',')).map(str::trim);
    given.any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

/// Whether the client says that it takes gzip (RFC 9110, 12.5.3).
fn takes_gzip(request: &Request) -> bool {
    let mut codings = request.all("Accept-Encoding").flat_map(|header| header.split(','));
    codings.any(|coding| {
        let (coding, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().trim_start_matches(['q', 'Q', '=']);
        coding.trim().eq_ignore_ascii_case("gzip") && !weight.trim_matches(['0', '.']).is_empty()
    })
}

impl Asset {
    fn unpacked(&self) -> Vec<u8> {
        let deflated = &self.packed[AROUND.0..self.packed.len() - AROUND.1];
        miniz_oxide::inflate::decompress_to_vec(deflated).expect("build.rs has packed it")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::web::http::Peer;

    fn ask(method: Method, path: &str, if_none_match: &str) -> Whole {
        ask_for(method, path, if_none_match, "")
    }

    fn ask_for(method: Method, path: &str, if_none_match: &str, codings: &str) -> Whole {
        let request = Request {
            method,
            path: path.to_owned(),
            query: String::new(),
            headers: vec![
                ("If-None-Match".to_owned(), if_none_match.to_owned()),
                ("Accept-Encoding".to_owned(), codings.to_owned()),
            ],
            body: Vec::new(),
            peer: Peer::Socket,
        };
        match answer(&request) {
            Ok(Reply::Whole(whole)) => whole,
            Ok(Reply::Later(_) | Reply::Flow(_)) => panic!("a file is whole"),
            Err(problem) => problem.into(),
        }
    }

    fn header<'a>(whole: &'a Whole, name: &str) -> Option<&'a str> {
        let found = whole.headers.iter().find(|(field, _)| *field == name);
        found.map(|(_, value)| value.as_str())
    }

    #[test]
    fn any_address_is_the_page_unless_a_file_is_meant() {
        let page = ASSETS[place(PAGE).unwrap()].unpacked();
        assert!(page.starts_with(b"<!doctype html>"));
        for path in ["/", "/index.html", "/runs", "/tasks/a.b.js", "/tasks/x/y", "/assets", "/api"]
        {
            let whole = ask(Method::Get, path, "");
            assert_eq!((whole.status, whole.body.bytes()), (200, &page[..]), "{path}");
            assert_eq!(header(&whole, "Content-Type"), Some(HTML));
            assert_eq!(header(&whole, "Content-Security-Policy"), Some(POLICY));
            assert_eq!(header(&whole, "Cache-Control"), Some("no-cache"));
        }
        let script = ask(Method::Get, "/assets/js/main.js", "");
        assert_eq!(header(&script, "Content-Type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(header(&script, "Content-Security-Policy"), None);
        let kept = ask(Method::Get, &format!("{EDITION}js/main.js"), "");
        assert_eq!((kept.status, kept.body.bytes()), (200, script.body.bytes()));
        assert!(header(&kept, "Cache-Control").unwrap().ends_with("immutable"));
        assert_eq!(header(&script, "Cache-Control"), Some("no-cache"));
        for path in [
            "/assets/",
            "/assets/none.js",
            "/assets/../index.html",
            "/assets/js/%6dain.js",
            "/assets/00000000/js/main.js",
            EDITION,
        ] {
            assert_eq!(ask(Method::Get, path, "").status, 404, "{path}");
        }
    }

    #[test]
    fn a_client_that_has_the_file_gets_no_body() {
        let whole = ask(Method::Get, "/", "");
        let tag = header(&whole, "ETag").unwrap().to_owned();
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let whole = ask(Method::Get, "/", &known);
            assert_eq!((whole.status, whole.body.bytes()), (304, b"".as_slice()), "{known}");
            assert_eq!(header(&whole, "ETag"), Some(tag.as_str()));
        }
        for other in ["", "\"x\"", tag.trim_matches('"')] {
            assert_eq!(ask(Method::Get, "/", other).status, 200, "{other}");
        }
    }

    #[test]
    fn a_client_that_takes_gzip_gets_the_same_packed() {
        let plain = ask(Method::Get, "/", "");
        for codings in ["gzip", "deflate, GZip;q=0.5, br", "gzip;q=1.0"] {
            let whole = ask_for(Method::Get, "/", "", codings);
            assert_eq!(header(&whole, "Content-Encoding"), Some("gzip"), "{codings}");
            assert_eq!(header(&whole, "Vary"), Some("Accept-Encoding"));
            assert!(whole.body.bytes().len() < plain.body.bytes().len() / 3);
            let tag = header(&whole, "ETag").unwrap();
            assert_ne!(Some(tag), header(&plain, "ETag"));
            assert_eq!(ask_for(Method::Get, "/", tag, codings).status, 304);
            assert_eq!(ask(Method::Get, "/", tag).status, 200, "it has other bytes");
        }
        for codings in ["", "br", "gzip;q=0", "gzip; q=0.000", "identity, notgzip"] {
            let whole = ask_for(Method::Get, "/", "", codings);
            assert_eq!(header(&whole, "Content-Encoding"), None, "{codings}");
            assert_eq!(whole, plain, "{codings}");
        }
    }

    #[test]
    fn files_are_only_read() {
        for (method, status) in [
            (Method::Head, 200),
            (Method::Options, 204),
            (Method::Post, 405),
            (Method::Delete, 405),
            (Method::Other, 405),
        ] {
            let whole = ask(method, "/", "");
            assert_eq!(whole.status, status, "{method:?}");
            let allow = (status > 200).then_some(ALLOW);
            assert_eq!(header(&whole, "Allow"), allow, "{method:?}");
        }
    }

    /// The modules that a module names behind `from "` or `import("`.
    fn imports(module: &Path, word: &str) -> Vec<PathBuf> {
        let text = std::fs::read_to_string(module).unwrap();
        let named = text.split(word).skip(1).filter_map(|rest| rest.split('"').next());
        let paths = named.filter(|name| name.starts_with('.')).map(|name| {
            let path = module.parent().unwrap().join(name);
            path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        });
        paths.collect()
    }

    /// All modules that come with these.
    fn with_imports(mut modules: Vec<PathBuf>) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        while let Some(module) = modules.pop() {
            modules.extend(imports(&module, "from \""));
            found.insert(module);
            modules.retain(|module| !found.contains(module));
        }
        found
    }

    #[test]
    fn the_page_links_what_it_begins_with_and_every_file_is_of_use() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("static").canonicalize().unwrap();
        let name = |path: &PathBuf| format!("/{}", path.strip_prefix(&folder).unwrap().display());
        let main = folder.join("assets/js/main.js");
        let first = with_imports(vec![main.clone()]);
        let later = with_imports(imports(&main, "import(\""));
        let page = include_str!("../../static/index.html");
        let linked: BTreeSet<String> =
            page.split('"').filter(|text| text.starts_with(FOLDER)).map(str::to_owned).collect();
        let modules: BTreeSet<String> = first.iter().map(name).collect();
        assert!(modules.is_subset(&linked), "late: {:?}", modules.difference(&linked));
        let used: BTreeSet<String> = linked.into_iter().chain(later.iter().map(name)).collect();
        let served = ASSETS.iter().map(|asset| asset.path.to_owned());
        assert_eq!(used, served.filter(|path| path != PAGE).collect());
        assert!(!page.contains("style=") && !page.contains("<script>"), "the policy forbids it");
    }

    #[test]
    fn the_dashboard_stays_small() {
        let total: usize = ASSETS.iter().map(|asset| asset.packed.len()).sum();
        assert!(total <= 120 * 1024, "{total} bytes");
    }
}
