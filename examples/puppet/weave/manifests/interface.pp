# @summary An address of a container, whoever runs it.
#
# Nothing is declared where `weave::ensure` is absent.
#
# @param ip
#   The address with its prefix length.
# @param container
#   The container's name.
# @param ensure
#   `absent` takes the address away, and the interface with the last one.
define weave::interface (
  String[1] $ip,
  String[1] $container,
  Enum['present', 'absent'] $ensure = 'present',
) {
  include weave

  if $weave::ensure == 'present' {
    weave_attachment { "${container} ${ip}":
      ensure => $ensure,
    }
  }
}
