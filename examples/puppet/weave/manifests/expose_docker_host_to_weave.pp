# @summary The host's own address on the network.
#
# @param ip
#   The address; by default that of the class `weave`.
class weave::expose_docker_host_to_weave (
  Optional[String[1]] $ip = undef,
) {
  include weave

  $given = [$ip, $weave::expose_ip, $weave::docker_host_weave_ip, weave::own_ip()].filter |$one| { $one =~ NotUndef }
  if $given.empty {
    fail('weave::expose_ip: is missing; allowed: an address such as 10.0.0.1/16')
  }
  if $weave::ensure == 'present' and !defined(Weave_exposure[$given[0]]) {
    weave_exposure { $given[0]: }
  }
}
