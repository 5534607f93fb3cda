define my_docker::container ( $host_name ) {
  $container_name = $host_name
  $dhcp = hiera('dockerhost_dhcp')
  $ip = $dhcp[$host_name]['ip']
  $image = $dhcp[$host_name]['image']
  $build_options = hiera($image)
  $options = regsubst(join($build_options['docker_run_opts'] + $build_options['attach_volumes'], ' '), 'DOMAIN', $host_name, 'G')

  weave::run { "weave run $host_name at $ip":
       host => $container_name,
         ip => $ip,
      image => $image,
    options => $options
  }
}
