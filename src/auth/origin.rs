//! Requests that another site made a browser send (docs/security.md, Requests from other sites).
//! Browsers say where a request comes from; whoever says nothing is no browser, and has no cookie
//! that another site could abuse.

/// What a request says about where it comes from and where it goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims<'a> {
    /// All values of `Sec-Fetch-Site`.
    pub(crate) fetch_sites: Vec<&'a str>,
    /// All values of `Origin`.
    pub(crate) origins: Vec<&'a str>,
    /// What counts as ourselves, each a host with its port unless that is the default:
    /// `Host`, and what a trusted proxy was asked for.
    pub(crate) hosts: Vec<&'a str>,
    /// `[daemon] external_url`.
    pub(crate) external: Option<&'a str>,
}

/// Whether a request that changes something comes from our own page or from no page.
pub(crate) fn is_own(claims: &Claims<'_>) -> bool {
    if !claims.fetch_sites.is_empty() {
        return claims.fetch_sites.iter().all(|site| matches!(*site, "same-origin" | "none"));
    }
    claims.origins.iter().all(|origin| {
        let Some((scheme, authority)) = authority(origin) else { return false };
        let external = claims.external.and_then(self::authority);
        claims.hosts.iter().any(|host| same_host(authority, bare(scheme, host)))
            || external.is_some_and(|(_, external)| same_host(authority, external))
    })
}

/// Scheme and host of an origin or a URL, without the port where it is the scheme's own.
pub(crate) fn authority(url: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (Scheme::Https, rest),
        (None, Some(rest)) => (Scheme::Http, rest),
        (None, None) => return None,
    };
    let host = bare(scheme, rest.split('/').next().unwrap_or_default());
    (!host.is_empty()).then_some((scheme, host))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

fn bare(scheme: Scheme, host: &str) -> &str {
    let default = match scheme {
        Scheme::Http => ":80",
        Scheme::Https => ":443",
    };
    host.strip_suffix(default).unwrap_or(host)
}

fn same_host(one: &str, other: &str) -> bool {
    !other.is_empty() && one.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_s_own_word_counts_first() {
        for (sites, is_good) in [
            (&["same-origin"][..], true),
            (&["none"], true),
            (&["same-site"], false),
            (&["cross-site"], false),
            (&["same-origin", "cross-site"], false),
            (&["Same-Origin"], false),
            (&[""], false),
        ] {
            let claims = Claims {
                fetch_sites: sites.to_vec(),
                origins: vec!["http://box:9477"],
                hosts: vec!["box:9477"],
                external: None,
            };
            assert_eq!(is_own(&claims), is_good, "{sites:?}");
        }
    }

    #[test]
    fn else_the_origin_must_be_the_host() {
        for (origin, host, is_good) in [
            ("http://box:9477", "box:9477", true),
            ("http://BOX:9477", "box:9477", true),
            ("http://box", "box", true),
            ("http://box:80", "box", true),
            ("http://box", "box:80", true),
            ("https://box", "box:443", true),
            ("https://box:443", "box", true),
            ("http://[::1]:9477", "[::1]:9477", true),
            ("http://box:9477", "box", false),
            ("http://box", "box:443", false),
            ("http://box:9478", "box:9477", false),
            ("http://evil.example", "box", false),
            ("http://box.evil.example", "box", false),
            ("http://evil.example/box", "box", false),
            ("null", "box", false),
            ("", "", false),
            ("http://", "", false),
            ("file://", "box", false),
            ("box", "box", false),
        ] {
            let claims = Claims { origins: vec![origin], hosts: vec![host], ..Claims::default() };
            assert_eq!(is_own(&claims), is_good, "{origin} {host}");
        }
        let two = Claims {
            origins: vec!["http://box", "http://evil.example"],
            hosts: vec!["box"],
            ..Claims::default()
        };
        assert!(!is_own(&two));
    }

    #[test]
    fn the_published_address_is_ours_too() {
        let claims = |origin| Claims {
            origins: vec![origin],
            hosts: vec!["127.0.0.1:9477"],
            external: Some("https://jobs.example.org/runwisp"),
            ..Claims::default()
        };
        assert!(is_own(&claims("https://jobs.example.org")));
        assert!(is_own(&claims("https://jobs.example.org:443")));
        assert!(!is_own(&claims("https://jobs.example.org:8443")));
    }

    #[test]
    fn who_is_no_browser_passes() {
        assert!(is_own(&Claims { hosts: vec!["box"], ..Claims::default() }));
    }
}
