class docker_cluster::db_servers::pg {

  $domain = 'pg.example.com'
  $image = $domain
  $ip = '10.0.1.16/24'
  $ports = '-p 5432:5432'
  $docker_run_opts = '--memory=64m --restart=always --net=bridge'
  $config = "-v ${lookup('volumes', String, 'first', '/data/')}etc/postgresql/$domain:/etc/postgresql"
  $attach = "$config"
  $options = "--name=\"$domain\" -h $domain $docker_run_opts $ports $attach "

  weave::run { "$domain $ip":
         ip => $ip,
      image => $image,
    options => $options,
  }

}
