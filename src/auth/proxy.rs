//! Reverse proxies that are believed, and what they say about who asks (docs/security.md, Reverse
//! proxies). From anybody else forwarding headers mean nothing.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::base::sentence::quoted;

/// The variable that names the trusted proxies, and its newer name.
pub(crate) const VARIABLES: [&str; 2] = ["RUNWISP_TRUST_PROXY", "RUNWISP_TRUSTED_PROXIES"];

/// The networks whose word counts; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proxies(Vec<Network>);

/// Addresses that share their first bits. IPv4-mapped ones are IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    /// Without host bits.
    address: IpAddr,
    prefix: u32,
}

/// Why an item of the list is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadProxy {
    Everybody(String),
    Unreadable(String),
}

impl Proxies {
    /// Reads addresses and networks; blank items are nothing.
    pub(crate) fn read<'a>(items: impl IntoIterator<Item = &'a str>) -> Result<Proxies, BadProxy> {
        let items = items.into_iter().map(str::trim).filter(|item| !item.is_empty());
        items.map(Network::read).collect::<Result<_, _>>().map(Proxies)
    }

    /// What the variable says under its two names, if one of them is set; the error names it.
    pub(crate) fn of_variables(values: [Option<&str>; 2]) -> Result<Option<Proxies>, String> {
        let [name, alias] = VARIABLES;
        let (name, value) = match values.map(|value| value.filter(|text| !text.trim().is_empty())) {
            [None, None] => return Ok(None),
            [Some(first), Some(second)] if first != second => {
                return Err(format!(
                    "{name} and {alias} are the same setting and have different values; \
                     use only {name}"
                ));
            }
            [Some(value), _] => (name, value),
            [None, Some(value)] => (alias, value),
        };
        Proxies::read(value.split(',')).map(Some).map_err(|bad| format!("{name}: {bad}"))
    }

    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address.to_canonical()))
    }

    /// Who asks, given who has connected and all values of `X-Forwarded-For` in order: the
    /// rightmost address that is not one of ours. Who is not trusted asks for itself.
    pub(crate) fn client<'a>(
        &self,
        peer: IpAddr,
        forwarded_for: impl DoubleEndedIterator<Item = &'a str>,
    ) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        for entry in forwarded_for.rev().flat_map(|value| value.rsplit(',')) {
            // Behind something that is no address everything may be made up.
            let Some(address) = forwarded_address(entry) else { break };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        client
    }
}

impl Network {
    fn read(item: &str) -> Result<Network, BadProxy> {
        let unreadable = || BadProxy::Unreadable(item.to_owned());
        let (address, prefix) = match item.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (item, None),
        };
        let address: IpAddr = address.parse().map_err(|_| unreadable())?;
        let width = width(address);
        let prefix = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|prefix| *prefix <= width).ok_or_else(unreadable)?
            }
            Some(_) => return Err(unreadable()),
        };
        let network = Network { address: masked(address, prefix), prefix };
        if prefix == 0 || network.covers_all_of_ipv4() {
            return Err(BadProxy::Everybody(item.to_owned()));
        }
        // `::ffff:10.0.0.0/104` is `10.0.0.0/8`; a shorter one would have covered everything.
        let canonical = network.address.to_canonical();
        let cut = width - self::width(canonical);
        Ok(Network { address: canonical, prefix: prefix - cut })
    }

    fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }

    fn covers_all_of_ipv4(&self) -> bool {
        let mapped = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().into();
        self.address.is_ipv6() && self.prefix <= 96 && self.contains(mapped)
    }
}

/// Of a header that every proxy adds to, what the nearest one said.
pub(crate) fn last_value<'a>(values: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    values.last().and_then(|value| value.rsplit(',').next()).map(str::trim)
}

fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The first `prefix` bits.
fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(short) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            Ipv4Addr::from(u32::from(short) & mask).into()
        }
        IpAddr::V6(long) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            Ipv6Addr::from(u128::from(long) & mask).into()
        }
    }
}

/// An address as proxies write it: perhaps with a port, perhaps in brackets.
fn forwarded_address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = match entry.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            (after.is_empty() || is_port(after.strip_prefix(':')?)).then_some(address)?
        }
        None => match entry.split_once(':') {
            // One colon is a port, more are IPv6.
            Some((address, port)) if is_port(port) => address,
            Some(_) | None => entry,
        },
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for BadProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadProxy::Everybody(item) => write!(
                f,
                "{} would trust every address; list your proxy's own address instead",
                quoted(item)
            ),
            BadProxy::Unreadable(item) => write!(
                f,
                "{} is not an address or a network, e.g. \"127.0.0.1\" or \"10.1.2.0/24\"",
                quoted(item)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies(list: &str) -> Proxies {
        Proxies::read(list.split(',')).unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_trusts_what_it_names() {
        for (list, trusted, others) in [
            ("", &[][..], &["127.0.0.1", "::1"][..]),
            (" 127.0.0.1/32 , ,::1/128", &["127.0.0.1", "::1", "::ffff:127.0.0.1"], &["127.0.0.2"]),
            ("10.1.2.3", &["10.1.2.3"], &["10.1.2.4"]),
            ("10.1.2.3/8", &["10.255.0.1"], &["11.0.0.1", "::a01:203"]),
            ("2001:db8::1/32", &["2001:db8:ffff::1"], &["2001:db9::1"]),
            ("::ffff:10.0.0.0/104", &["10.9.9.9"], &["11.0.0.0"]),
            ("::ffff:10.0.0.1", &["10.0.0.1"], &["10.0.0.2"]),
            ("128.0.0.0/1", &["192.0.2.1"], &["10.0.0.1"]),
        ] {
            let proxies = proxies(list);
            assert!(trusted.iter().all(|it| proxies.trusts(address(it))), "{list}");
            assert!(!others.iter().any(|it| proxies.trusts(address(it))), "{list}");
        }
    }

    #[test]
    fn a_range_that_would_trust_everybody_is_refused() {
        for item in
            ["0.0.0.0/0", "1.2.3.4/0", "::/0", "::ffff:0:0/96", "::/80", "::ffff:1.2.3.4/90"]
        {
            let message = Proxies::read([item]).unwrap_err().to_string();
            assert_eq!(
                message,
                format!(
                    "{item:?} would trust every address; list your proxy's own address instead"
                )
            );
        }
        for item in [
            "localhost",
            "10.0.0.0/33",
            "::1/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "10.0.0",
            "fe80::1%eth0",
            "[::1]",
            "127.0.0.1:80",
            "*",
            "10.0.0.0/ 8",
        ] {
            let message = Proxies::read(["127.0.0.1", item]).unwrap_err().to_string();
            assert!(message.starts_with(&format!("{item:?} is not an address")), "{message}");
        }
    }

    #[test]
    fn the_variable_has_two_names() {
        let of = Proxies::of_variables;
        assert_eq!(of([None, None]), Ok(None));
        assert_eq!(of([Some(""), Some(" ")]), Ok(None));
        assert_eq!(of([Some("10.0.0.1"), None]), Ok(Some(proxies("10.0.0.1"))));
        assert_eq!(of([None, Some("10.0.0.1")]), Ok(Some(proxies("10.0.0.1"))));
        assert_eq!(of([Some("10.0.0.1"), Some("10.0.0.1")]), Ok(Some(proxies("10.0.0.1"))));
        let both = of([Some("10.0.0.1"), Some("10.0.0.2")]).unwrap_err();
        assert!(VARIABLES.iter().all(|name| both.contains(name)), "{both}");
        assert_eq!(
            of([Some("0.0.0.0/0"), None]).unwrap_err(),
            "RUNWISP_TRUST_PROXY: \"0.0.0.0/0\" would trust every address; list your proxy's own \
             address instead"
        );
        let error = of([None, Some("x")]).unwrap_err();
        assert!(error.starts_with("RUNWISP_TRUSTED_PROXIES: \"x\" is not"), "{error}");
    }

    #[test]
    fn the_client_is_the_last_address_that_is_not_ours() {
        let ours = proxies("127.0.0.1,10.0.0.0/8,::1");
        for (peer, forwarded, client) in [
            ("192.0.2.9", &["203.0.113.7"][..], "192.0.2.9"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("::ffff:127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["6.6.6.6, 203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["6.6.6.6", "203.0.113.7, 10.0.0.1"], "203.0.113.7"),
            ("127.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("127.0.0.1", &["203.0.113.7, unknown, 10.0.0.2"], "10.0.0.2"),
            ("127.0.0.1", &["203.0.113.7,"], "127.0.0.1"),
            ("127.0.0.1", &[""], "127.0.0.1"),
            ("::1", &["203.0.113.7:4711"], "203.0.113.7"),
            ("::1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("::1", &["[2001:db8::1]"], "2001:db8::1"),
            ("::1", &["2001:db8::1"], "2001:db8::1"),
            ("::1", &["::ffff:203.0.113.7"], "203.0.113.7"),
            ("::1", &["[2001:db8::1"], "::1"),
            ("::1", &["[2001:db8::1]x"], "::1"),
            ("::1", &["203.0.113.7:"], "::1"),
        ] {
            let found = ours.client(address(peer), forwarded.iter().copied());
            assert_eq!(found, address(client), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn of_many_values_the_last_one_counts() {
        assert_eq!(last_value(["http", "http, https "].into_iter()), Some("https"));
        assert_eq!(last_value(["https,http"].into_iter()), Some("http"));
        assert_eq!(last_value([].into_iter()), None);
    }

    proptest! {
        #[test]
        fn any_list_is_read_or_refused(list in r"[0-9a-f.:/, \[\]%+]{0,40}|.{0,40}") {
            if let Ok(proxies) = Proxies::read(list.split(',')) {
                let everywhere = ["1.2.3.4", "200.1.2.3", "2001:db8::1", "fe80::1"];
                let all = everywhere.iter().all(|it| proxies.trusts(address(it)));
                prop_assert!(!all || proxies.0.len() > 1);
            }
        }

        #[test]
        fn any_header_is_walked(header in r"[0-9a-f.:, \[\]]{0,60}|.{0,60}") {
            let ours = proxies("10.0.0.0/8");
            let stranger = address("192.0.2.1");
            prop_assert_eq!(ours.client(stranger, [header.as_str()].into_iter()), stranger);
            ours.client(address("10.0.0.1"), [header.as_str()].into_iter());
        }

        #[test]
        fn what_a_client_sends_itself_changes_nothing(
            forged in r"[0-9a-f.:, \[\]]{0,40}",
            real: [u8; 4],
        ) {
            let real = IpAddr::from(real);
            let ours = proxies("127.0.0.1");
            prop_assume!(!ours.trusts(real));
            let appended = format!("{forged}, {real}");
            let found = ours.client(address("127.0.0.1"), [appended.as_str()].into_iter());
            prop_assert_eq!(found, real);
        }

        #[test]
        fn a_network_trusts_its_own_addresses(bits: u32, prefix in 1u32..=32, host: u32) {
            let item = format!("{}/{prefix}", Ipv4Addr::from(bits));
            let mask = u32::MAX << (32 - prefix);
            let inside = Ipv4Addr::from(bits & mask | host & !mask);
            prop_assert!(proxies(&item).trusts(inside.into()));
        }
    }
}
