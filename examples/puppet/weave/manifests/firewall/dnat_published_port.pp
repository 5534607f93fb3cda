# @summary Has no meaning any more: the engine itself forwards the ports that a container publishes.
#
# @param container_ip
#   The container's address on the engine's own bridge.
# @param published_port
#   The port.
# @param protocol
#   tcp or udp.
# @param public_ip
#   The host's address on which it is published.
define weave::firewall::dnat_published_port (
  String[1] $container_ip,
  Variant[Integer[1, 65535], Pattern[/\A\d+\z/]] $published_port,
  Enum['tcp', 'udp'] $protocol,
  Optional[String[1]] $public_ip = undef,
) {
  $publish = [$public_ip, $published_port, $published_port].filter |$part| { $part =~ NotUndef }.join(':')
  warning("weave::firewall::dnat_published_port: '${title}' is not used: the engine forwards the port to ${container_ip} itself, where the container has the option -p ${publish}/${protocol}")
}
