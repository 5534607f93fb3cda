# @summary The address that the hierarchy has for a container, whoever runs it.
#
# @param host_name
#   The container's name, a key of `dockerhosts_dhcp`.
# @param ensure
#   `absent` takes the address away.
define weave::simple::interface (
  String[1] $host_name = $title,
  Enum['present', 'absent'] $ensure = 'present',
) {
  $entry = weave::container($host_name)

  weave::interface { "Ensure ethwe (bound to ${entry['ip']}) ${ensure} on ${host_name}":
    ensure    => $ensure,
    ip        => $entry['ip'],
    container => $host_name,
  }
}
