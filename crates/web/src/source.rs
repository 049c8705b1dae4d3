//! Where a request came from: the peer, or what trusted proxies say about it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;

use crate::Shared;
use crate::connections::Peer;

/// The header in which each proxy notes who sent it the request.
pub(crate) const FORWARDED_FOR: &str = "x-forwarded-for";
/// How much of an IPv6 address counts: one network usually has all addresses of a /64.
const V6_PREFIX: u8 = 64;

/// The proxies whose `X-Forwarded-For` is believed: addresses and networks, separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

impl FromStr for Proxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let network = |part: &str| {
            let network = part.parse::<IpNet>().ok();
            let network = network.or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from));
            network.ok_or_else(|| {
                format!("'{part}' is not an address or a network such as 10.0.0.0/8")
            })
        };
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl Proxies {
    fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who sent a request that came from this peer. Each proxy adds the address that it was called
    /// from at the end, so what stands before the first one that is not trusted may be made up.
    fn source(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut source = peer.to_canonical();
        let named = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let named: Vec<&str> = named.flat_map(|value| value.split(',')).collect();
        for address in named.into_iter().rev() {
            if !self.has(source) {
                break;
            }
            let Some(before) = address_of(address) else { break };
            source = before;
        }
        source
    }
}

/// An address as a proxy notes it, with or without a port.
pub(crate) fn address_of(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// Where a request came from, as it is counted: an IPv4 address or an IPv6 network.
#[derive(Clone, Debug)]
pub(crate) struct Source(pub(crate) String);

impl Source {
    fn of(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(_) => IpNet::new(address, V6_PREFIX)
                .map_or_else(|_| address.to_string(), |network| network.trunc().to_string()),
        })
    }
}

impl FromRequestParts<Shared> for Source {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Shared,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<Peer>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
        Ok(Self::of(shared.proxies.source(peer, &parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_say_who_sent_a_request() {
        let proxies: Proxies = "127.0.0.1, 10.0.0.0/8".parse().unwrap();
        let headers = |values: &[&str]| {
            let pairs = values.iter().map(|value| {
                (FORWARDED_FOR.parse::<axum::http::HeaderName>().unwrap(), value.parse().unwrap())
            });
            pairs.collect::<HeaderMap>()
        };
        for (peer, values, source) in [
            ("9.9.9.9", &["1.2.3.4"][..], "9.9.9.9"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["1.2.3.4"], "1.2.3.4"),
            ("::ffff:127.0.0.1", &["1.2.3.4:5678"], "1.2.3.4"),
            ("127.0.0.1", &["6.6.6.6, 1.2.3.4, 10.1.1.1"], "1.2.3.4"),
            ("127.0.0.1", &["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
            ("127.0.0.1", &["6.6.6.6, unknown"], "127.0.0.1"),
        ] {
            let found = proxies.source(peer.parse().unwrap(), &headers(values));
            assert_eq!(found.to_string(), source, "{peer} {values:?}");
        }
        let nobody =
            Proxies::default().source("127.0.0.1".parse().unwrap(), &headers(&["1.2.3.4"]));
        assert_eq!(nobody.to_string(), "127.0.0.1");
        assert!("10.0.0.0/8 x".parse::<Proxies>().unwrap_err().contains("10.0.0.0/8 x"));
        assert_eq!(Source::of("2001:db8::1:2:3:4".parse().unwrap()).0, "2001:db8::/64");
        assert_eq!(Source::of("1.2.3.4".parse().unwrap()).0, "1.2.3.4");
    }
}
