# @summary A container on the network, with everything else from the hierarchy.
#
# `dockerhosts_dhcp` has its `ip` and `image`, and a key of the image's name has `ports`, `docker_run_opts` and
# `attach_volumes`; `DOMAIN` in them stands for the container's name.
#
# @param host_name
#   The container's name.
define weave::simple::run (
  String[1] $host_name = $title,
) {
  $entry = weave::container($host_name)
  $image = $entry['image']
  unless $image =~ String[1] {
    fail("image: ${host_name} has none in dockerhosts_dhcp; allowed: an image as docker run takes it")
  }
  # Quoted, since a point would lead into a hash: the key is all of `postgres:9.6`.
  $build = lookup("'${image.strip}'", Optional[Hash], 'deep', undef)
  unless $build =~ Hash {
    fail("image: the hierarchy has no key '${image.strip}' with the options of ${host_name}; allowed: a map with ports, docker_run_opts and attach_volumes, or an empty one")
  }
  $lines = ['ports', 'docker_run_opts', 'attach_volumes'].map |$key| { $build[$key] }
  $options = $lines.flatten.filter |$line| { $line =~ String[1] }.map |$line| { $line.regsubst('DOMAIN', $host_name, 'G') }

  weave::run { "weave run ${host_name} at ${entry['ip']}":
    host    => $host_name,
    ip      => $entry['ip'],
    image   => $image,
    options => $options.join(' '),
  }
}
