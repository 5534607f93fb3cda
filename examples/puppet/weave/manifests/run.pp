# @summary A container on the network, run with options of `docker run`.
#
# Nothing is declared where `weave::ensure` is absent.
#
# @example
#   weave::run { 'pg.example.com 10.0.1.16/29':
#     ip      => '10.0.1.16/29',
#     image   => 'pg.example.com',
#     options => '--name="pg.example.com" -h pg.example.com --memory=2g',
#   }
#
# @param ip
#   The address, or all addresses, with prefix lengths.
# @param image
#   The image, as `docker run` takes it.
# @param options
#   Options of `docker run`.
# @param host
#   The container's name; else what `--name` in the options says, else the first word of the title.
# @param command
#   What runs in it; the image's own command where nothing is said.
# @param ensure
#   `absent` removes the container.
define weave::run (
  Weave::Words $ip,
  String[1] $image,
  Weave::Options $options = '',
  Optional[String[1]] $host = undef,
  Optional[Weave::Words] $command = undef,
  Enum['present', 'latest', 'absent'] $ensure = 'present',
) {
  include weave

  # Only the name is taken from it.
  $plain = $options ? {
    Sensitive => $options.unwrap,
    default   => $options,
  }
  $line = $plain ? {
    Hash    => $plain['name'] ? { undef => '', default => "--name=${plain['name']}" },
    default => [$plain].flatten.filter |$word| { $word =~ String }.join(' '),
  }
  $named = $line.match(/(?:\A|\s)--name[=\s]\s*["']?([^"'\s]+)/)
  $container = $host ? {
    undef   => $named ? { undef => $title.split(' ')[0], default => $named[1] },
    default => $host,
  }

  if $weave::ensure == 'present' {
    weave_container { $container:
      ensure  => $ensure,
      ips     => $ip,
      image   => $image.strip,
      options => $options,
      command => $command,
    }
  }
}
