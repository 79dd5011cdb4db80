//! Where a browser goes after a login by link: a path of ours and nowhere else, whatever the
//! link says.

const HOME: &str = "/";

/// The path, or `/` where it could lead to another site.
pub(crate) fn local(path: Option<&str>) -> &str {
    // Browsers read `\` as `/`, and drop tabs and newlines before they look for a host.
    let is_local = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains('\\')
            // A header carries ASCII; a browser's own links are percent-encoded.
            && path.bytes().all(|byte| byte.is_ascii_graphic())
    };
    path.filter(is_local).unwrap_or(HOME)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_redirect_never_leaves_the_site() {
        for path in ["/", "/runs", "/tasks/a.b?x=1#y", "/a//b", "/tasks/caf%C3%A9"] {
            assert_eq!(local(Some(path)), path);
        }
        for evil in [
            "",
            "runs",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x=1",
            " /runs",
            "/\u{e9}",
        ] {
            assert_eq!(local(Some(evil)), "/", "{evil:?}");
        }
        assert_eq!(local(None), "/");
    }

    proptest! {
        #[test]
        fn whatever_comes_back_is_a_plain_path(path in r"[/\\a:\t\n .é]{0,8}") {
            let safe = local(Some(&path));
            prop_assert!(safe.starts_with('/') && !safe.starts_with("//"));
            prop_assert!(safe.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'));
        }
    }
}
