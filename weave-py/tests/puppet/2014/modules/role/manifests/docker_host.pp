class role::docker_host { include profile::docker_weave }
