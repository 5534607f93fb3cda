class docker_cluster::hosts::dockerhost002_example_com {
  include weave::expose_docker_host_to_weave
  weave::simple::run { 'haproxy': host_name => 'haproxy.example.com' }
  weave::simple::interface { 'legacy': host_name => 'legacy', ensure => 'present' }
  weave::firewall::listen_to_peer { 'the other': peer => '192.0.2.1' }
  weave::firewall::dnat_published_port { 'web': container_ip => '172.17.0.2', published_port => 80, protocol => 'tcp' }
}
