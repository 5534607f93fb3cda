# All hosts and their containers; ../../fleet.yaml has every field.

weave:
  hosts:
    dockerhost001: {address: 192.0.2.1, weave_ip: 10.0.0.1/16}
    dockerhost002: {address: 192.0.2.2, weave_ip: 10.0.0.2/16}
  containers:
    db.example.com:
      host: dockerhost001
      ip: 10.0.1.21/16
      image: busybox
      command: /bin/busybox sleep 86400
      options: '--init -h db.example.com --memory=64m'
    web.example.com:
      host: dockerhost002
      ip: 10.0.1.31/16
      image: busybox
      command: /bin/busybox sleep 86400
      options: {init: true, hostname: web.example.com}
