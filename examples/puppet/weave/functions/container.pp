# @summary What the hierarchy says of a container.
#
# @param name
#   The container's name, a key of `dockerhosts_dhcp`, also written `dockerhost_dhcp`.
#
# @return its entry, which has at least an `ip`
function weave::container(String[1] $name) >> Hash {
  $all = ['dockerhosts_dhcp', 'dockerhost_dhcp'].reduce({}) |$known, $key| { lookup($key, Hash, 'deep', {}) + $known }
  $entry = $all[$name]
  unless $entry =~ Hash and $entry['ip'] =~ String[1] {
    fail("host_name: '${name}' has no entry with an ip in dockerhosts_dhcp; allowed: ${all.keys.join(', ')}")
  }
  $entry
}
