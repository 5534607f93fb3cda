//! Which host a machine is.

use weave_core::ErrorKind;
use weave_core::spec::fleet::Machine;

use super::fleet;

const FLEET: &str = "
hosts:
  alpha: {address: 192.0.2.1}
  beta.example.com: {address: 192.0.2.2}
  beta.example.net: {address: '2001:db8::2'}
  gamma.example.com: {address: gamma.example.com}
";

/// The host, or the words of the error.
type Expected = Result<&'static str, (ErrorKind, &'static str)>;

/// The name given, the machine's host name and addresses, and what is expected.
const CASES: &[(Option<&str>, &str, &[&str], Expected)] = &[
    (Some("alpha"), "", &[], Ok("alpha")),
    (Some("alpha"), "beta.example.com", &["192.0.2.2"], Ok("alpha")),
    (Some("ALPHA.example.org"), "", &[], Ok("alpha")),
    (Some("gamma"), "", &[], Ok("gamma.example.com")),
    (Some("gamma.example.org"), "", &[], Err((ErrorKind::NotFound, "`gamma.example.org` is none of the hosts"))),
    (Some("beta"), "", &[], Err((ErrorKind::Conflict, "`beta` may be any of beta.example.com, beta.example.net"))),
    (Some("aplha"), "", &[], Err((ErrorKind::NotFound, "allowed: alpha, beta.example.com, beta.example.net"))),
    (None, "alpha", &[], Ok("alpha")),
    (None, "alpha.example.com", &["127.0.0.1"], Ok("alpha")),
    (None, "beta.example.net", &[], Ok("beta.example.net")),
    (None, "localhost", &["127.0.0.1", "192.0.2.2"], Ok("beta.example.com")),
    (None, "localhost", &["2001:db8::2"], Ok("beta.example.net")),
    (None, "alpha", &["192.0.2.1"], Ok("alpha")),
    (
        None,
        "alpha",
        &["192.0.2.2"],
        Err((ErrorKind::Conflict, "by its name and by its address: alpha, beta.example.com")),
    ),
    (None, "x", &["192.0.2.1", "192.0.2.2"], Err((ErrorKind::Conflict, "by its addresses: alpha, beta.example.com"))),
    (None, "beta", &[], Err((ErrorKind::Conflict, "beta.example.com, beta.example.net"))),
    (None, "delta", &["198.51.100.7"], Err((ErrorKind::NotFound, "(host name `delta`, addresses 198.51.100.7)"))),
    (None, "delta", &["198.51.100.7"], Err((ErrorKind::NotFound, "none of them: alpha, beta.example.com"))),
];

#[test]
fn a_machine_is_found_by_the_name_given_by_its_own_name_or_by_its_address() {
    let fleet = fleet(FLEET);
    for (given, hostname, addresses, expected) in CASES {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let machine = Machine { hostname: (*hostname).to_owned(), addresses };
        match (fleet.choose(*given, &machine), expected) {
            (Ok(host), Ok(expected)) => assert_eq!(host, *expected),
            (Err(error), Err((kind, text))) => {
                assert!(error.kind() == *kind && error.message().contains(text), "{given:?} {machine:?}: {error:?}");
                assert!(error.next_step().is_some() || given.is_some_and(|given| given != "aplha"), "{error:?}");
            }
            (found, _) => panic!("{given:?} {machine:?}: {found:?}"),
        }
    }
}
