class docker_cluster::hosts::dockerhost002_example_com {
  include weave::expose_docker_host_to_weave
  weave::simple::run { 'haproxy': host_name => 'haproxy.example.com' }
  weave::simple::interface { 'legacy': host_name => 'legacy', ensure => 'present' }
  include my_docker::iptables
}
