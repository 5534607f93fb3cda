# @summary This host's own address on the network, from the list of all hosts in the hierarchy.
#
# @return the address, or nothing where this host is not listed
function weave::own_ip() >> Optional[String] {
  $names = [$trusted['certname'], $facts['networking']['fqdn'], $facts['networking']['hostname']]
  $hosts = lookup('docker_hosts_weave_dhcp', Array[Hash], 'first', [])
  # Hosts of several domains may share the first word of their names: the whole name is the stronger.
  $own = $hosts.filter |$host| { $host['hostname'] in $names }
    + $hosts.filter |$host| { $host['hostname'].split('[.]')[0] in $names }
  $own.empty ? {
    true    => undef,
    default => $own[0]['ip'],
  }
}
