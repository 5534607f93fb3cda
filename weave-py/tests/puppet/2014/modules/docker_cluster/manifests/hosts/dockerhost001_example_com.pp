class docker_cluster::hosts::dockerhost001_example_com {
  include docker_cluster::db_servers::pg
  my_docker::container { 'weave_run s01.example.com': host_name => 's01.example.com' }
  my_docker::network::interface { 's01.example.com ethwe interface':
    host_name => 's01.example.com',
       ensure => 'present',
  }
}
