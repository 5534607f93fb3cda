# @summary This host's part of the network: the router, the host's own address, and what runs on it.
#
# It takes the data of the 2014 module as they are, and more. The command `weave` has to be on PATH, or to be
# brought by `source`.
#
# @example With data in the hierarchy
#   include weave
#
# @example With parameters
#   class { 'weave':
#     docker_cluster_peers => ['192.0.2.1', '192.0.2.2'],
#     docker_host_weave_ip => '10.0.0.1/16',
#     router               => { 'mtu' => 1400 },
#     attachments          => { 'web 10.0.1.4/16' => {} },
#   }
#
# @param ensure
#   `absent` removes everything that weave made on this host, and `purged` is the same. Containers go on running,
#   without their interfaces. The command stays: only it can tell that nothing is left.
# @param docker_cluster_peers
#   All hosts of the network, this one or not: a list, or one text separated by blanks.
# @param docker_cluster_peers_array
#   The same under its other name.
# @param docker_host_weave_ip
#   This host's own address on the network; where it is not given, what `docker_hosts_weave_dhcp` in the hierarchy has
#   for this host's name.
# @param expose_ip
#   The same, and the stronger of the two.
# @param manage_firewall
#   Whether weave keeps its rules in the packet filter.
# @param weave_manage_firewall
#   The same under its other name.
# @param router
#   Further attributes of the router, as `weave_router` has them: port, mtu, kind, image … All layers are merged.
# @param containers
#   Containers that weave runs, each with the attributes of `weave_container`. All layers are merged.
# @param attachments
#   Addresses of other containers, each with the attributes of `weave_attachment`. All layers are merged.
# @param source
#   Where the command is copied from, such as `puppet:///modules/profile/weave`; where nothing is said, the command is
#   not managed.
# @param script
#   Where the command is copied to (`/usr/local/bin/weave`).
# @param weave
#   The same under its other name.
# @param docker
#   Has no meaning any more: weave talks to the engine itself.
# @param container
#   Has no meaning any more: no router runs in a container.
# @param weave_container
#   Has no meaning any more.
# @param image
#   Has no meaning any more: no router runs from an image.
# @param weave_image
#   Has no meaning any more.
# @param weave_image_tag
#   Has no meaning any more.
class weave (
  Weave::Ensure $ensure = 'present',
  Optional[Weave::Words] $docker_cluster_peers = undef,
  Optional[Weave::Words] $docker_cluster_peers_array = undef,
  Optional[String[1]] $docker_host_weave_ip = undef,
  Optional[String[1]] $expose_ip = undef,
  Optional[Weave::Switch] $manage_firewall = undef,
  Optional[Weave::Switch] $weave_manage_firewall = undef,
  Hash[String[1], Data] $router = {},
  Hash[String[1], Hash] $containers = {},
  Hash[String[1], Hash] $attachments = {},
  Optional[String[1]] $source = undef,
  Optional[Weave::Path] $script = undef,
  Optional[Weave::Path] $weave = undef,
  Optional[Weave::Path] $docker = undef,
  Optional[String[1]] $container = undef,
  Optional[String[1]] $weave_container = undef,
  Optional[String[1]] $image = undef,
  Optional[String[1]] $weave_image = undef,
  Optional[String[1]] $weave_image_tag = undef,
) {
  contain weave::install

  if $ensure == 'present' {
    $own = [$expose_ip, $docker_host_weave_ip, weave::own_ip()].filter |$ip| { $ip =~ NotUndef }
    $peers = [$docker_cluster_peers, $docker_cluster_peers_array].filter |$list| { $list =~ NotUndef }
    $filter = [$manage_firewall, $weave_manage_firewall].filter |$switch| { $switch =~ NotUndef }

    weave::launch { 'class weave':
      docker_host_weave_ip  => $own[0],
      docker_cluster_peers  => $peers[0],
      weave_manage_firewall => $filter[0],
      router                => $router,
      require               => Class['weave::install'],
    }
    create_resources('weave_container', $containers)
    create_resources('weave_attachment', $attachments)
  } else {
    weave_host { 'weave':
      ensure  => absent,
      require => Class['weave::install'],
    }
  }
}
