//! Who may come in: what browsers, proxies and other sites say about themselves.

use core::net::{IpAddr, Ipv4Addr};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::auth::cookie::{self as cookies, Channel};
use crate::auth::origin::{Claims, authority, is_own};
use crate::auth::proxy::Proxies;
use crate::auth::redirect as redirects;
use crate::auth::token::Key;
use crate::properties::{assert_plain, first_line};

const SECRET: [u8; 32] = [7; 32];

/// Tokens are what stands behind our name, and a cookie of ours is found among any others.
pub(crate) fn cookie(data: &[u8]) {
    let Ok(header) = std::str::from_utf8(data) else { return };
    let found: Vec<&str> = cookies::tokens(header).collect();
    for token in &found {
        assert!(!token.contains(';') && header.contains(&format!("runwisp_jwt={token}")));
    }
    let set = cookies::set("a.b-c_d", Channel::Https);
    let pair = set.split(';').next().expect("there is a first part");
    let header = format!("{header};{pair}");
    let more: Vec<&str> = cookies::tokens(&header).collect();
    assert_eq!(more, [&found[..], &["a.b-c_d"]].concat());
}

/// No text is a token without the key. With it, the first line as the header and the rest as the
/// claims, a token is good only before the end that it names.
pub(crate) fn token(data: &[u8]) {
    let Some((header, claims)) = first_line(data) else { return };
    let (key, now) = (Key::new(SECRET), Timestamp::from_second(1_000).expect("a good instant"));
    assert_eq!(key.verify(header, now), None);
    assert_eq!(key.verify(claims, now), None);
    let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let mac = Hmac::<Sha256>::new_from_slice(&SECRET).expect("a key may have any length");
    let signature = BASE64.encode(mac.chain_update(&signed).finalize().into_bytes());
    let token = format!("{signed}.{signature}");
    if let Some(until) = key.verify(&token, now) {
        assert!(until > now && token.len() <= 4096);
        assert!(header.contains("HS256") && claims.contains("exp"), "{header} {claims}");
        assert_eq!(key.verify(&token, until), None);
    }
    assert_eq!(Key::new([8; 32]).verify(&token, now), None);
    assert_eq!(key.verify(&token[..token.len() - 1], now), None);
}

/// Whatever the link says, the browser stays here.
pub(crate) fn redirect(data: &[u8]) {
    let text = std::str::from_utf8(data).ok();
    let path = redirects::local(text);
    assert!(path == "/" || Some(path) == text);
    assert!(path.starts_with('/') && !path.starts_with("//") && !path.contains('\\'));
    assert!(path.bytes().all(|byte| byte.is_ascii_graphic()));
}

/// `Host`, `Origin` and the published address. A page of another host is never ours.
pub(crate) fn origin(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let (host, origin) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let external = lines.next();
    let claims =
        Claims { fetch_sites: Vec::new(), origins: vec![origin], hosts: vec![host], external };
    if is_own(&claims) {
        let (_, named) = authority(origin).expect("what is ours has a host");
        let bare = |host: &str| {
            let host = host.strip_suffix(":80").or_else(|| host.strip_suffix(":443"));
            host.map(str::to_ascii_lowercase)
        };
        let same = |one: &str, other: &str| {
            let full = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
            full.0 == full.1 || bare(one) == Some(full.1) || bare(other) == Some(full.0)
        };
        let is_published =
            external.and_then(authority).is_some_and(|(_, external)| same(named, external));
        assert!(same(named, host) || is_published, "{host:?} {origin:?} {external:?}");
    }
    // The word of the browser counts more than both.
    for site in ["cross-site", "same-site"] {
        assert!(!is_own(&Claims { fetch_sites: vec![site], ..claims.clone() }));
    }
}

/// A list of proxies, the address that has connected, and lines of `X-Forwarded-For`.
pub(crate) fn proxy(data: &[u8]) {
    let Some((list, rest)) = first_line(data) else { return };
    let proxies = match Proxies::read(list.split(',')) {
        Ok(proxies) => proxies,
        Err(bad) => {
            assert_plain(&bad.to_string());
            return;
        }
    };
    let (peer, headers) = rest.split_once('\n').unwrap_or((rest, ""));
    let peer: IpAddr = peer.parse().unwrap_or(Ipv4Addr::LOCALHOST.into());
    let items = || list.split(',').map(str::trim).filter(|item| !item.is_empty());
    assert_eq!(proxies.trusts(peer), items().any(|item| contains(item, peer)), "{list} {peer}");
    let client = proxies.client(peer, headers.split('\n'));
    assert_eq!(client, client.to_canonical());
    if !proxies.trusts(peer) {
        assert_eq!(client, peer.to_canonical());
    }
    if !proxies.trusts(client) {
        // Whoever is the client cannot be somebody else by saying so first.
        let lies = ["192.0.2.1, 10.0.0.1", ""];
        assert_eq!(proxies.client(peer, lies.into_iter().chain(headers.split('\n'))), client);
    }
    let everybody = ["1.2.3.4", "200.1.1.1", "2001:db8::1", "fe80::1", "::1", "64.0.0.1"];
    let everybody = everybody.map(|it| it.parse().expect("an address"));
    assert!(!items().any(|item| everybody.iter().all(|&address| contains(item, address))));
}

/// Whether the first bits are the same, bit by bit.
fn contains(item: &str, address: IpAddr) -> bool {
    let (network, prefix) = item.split_once('/').unwrap_or((item, ""));
    let network: IpAddr = network.parse().expect("the list was read");
    let bits = |address: IpAddr| match address {
        IpAddr::V4(short) => short.to_ipv6_mapped().to_bits(),
        IpAddr::V6(long) => long.to_bits(),
    };
    let width = if network.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.parse().unwrap_or(width) + 128 - width;
    (0..prefix).all(|bit| (bits(network) ^ bits(address)) >> (127 - bit) & 1 == 0)
}
