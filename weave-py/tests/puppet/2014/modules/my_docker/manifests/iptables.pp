class my_docker::iptables {
  include weave::firewall::docker
  include weave::firewall::weave

  weave::firewall::listen_to_peer { 'weave_listen_to_peer_192.0.2.1': peer => '192.0.2.1' }
  weave::firewall::dnat_published_port { 'web':
      container_ip => $::docker_hosted_containers.dig('haproxy.example.com', 'NetworkSettings', 'IPAddress'),
    published_port => '80',
          protocol => 'tcp',
         public_ip => '192.0.2.2',
  }
}
