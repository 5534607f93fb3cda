define my_docker::network::interface ( $host_name, $ensure ) {
  $dhcp = hiera('dockerhost_dhcp')
  $ip = $dhcp[$host_name]['ip']

  weave::interface { "Ensure ethwe (bound to $ip) $ensure on $host_name":
       ensure => $ensure,
           ip => $ip,
    container => $host_name,
  }
}
