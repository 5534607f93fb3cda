class profile::docker_weave {
  # The name that the certificate has is the host's own: all hosts of a lab are on one machine.
  $fqdn_normalized = regsubst($trusted['certname'],'\.','_',"G")
  include docker
  include my_docker
  include weave
  include "docker_cluster::hosts::${fqdn_normalized}"
}
