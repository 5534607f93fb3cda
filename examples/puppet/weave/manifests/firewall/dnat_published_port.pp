# @summary A port of the host that leads to a container of the network.
#
# As the 2014 module had it, without `to`, it has no meaning any more: the engine itself forwards the ports that a
# container publishes.
#
# @param published_port
#   The port.
# @param protocol
#   tcp or udp.
# @param to
#   Where it leads: a container of this host, or the address on the network of one on any host.
# @param port
#   The port there; the same, unless given.
# @param container_ip
#   The container's address on the engine's own bridge; manifests take it from a fact that may not have it yet.
# @param public_ip
#   The host's address on which it is published.
define weave::firewall::dnat_published_port (
  Variant[Integer[1, 65535], Pattern[/\A\d+\z/]] $published_port,
  Enum['tcp', 'udp'] $protocol,
  Optional[String[1]] $to = undef,
  Optional[Variant[Integer[1, 65535], Pattern[/\A\d+\z/]]] $port = undef,
  Optional[String] $container_ip = undef,
  Optional[String[1]] $public_ip = undef,
) {
  if $to =~ NotUndef {
    $before = $public_ip ? {
      undef   => '',
      /:/     => "[${public_ip}]:",
      default => "${public_ip}:",
    }
    weave_publication { "${before}${published_port}/${protocol}": to => $to, port => $port }
  } else {
    $publish = [$public_ip, $published_port, $published_port].filter |$part| { $part =~ NotUndef }.join(':')
    warning("weave::firewall::dnat_published_port: '${title}' is not used: the engine forwards the port itself, where the container has the option -p ${publish}/${protocol}; with `to` weave forwards it")
  }
}
