# @summary The router with its peers, and the host's own address on the network.
#
# What it says goes before what the class `weave` says of the same router. Nothing is declared where `weave::ensure` is
# absent.
#
# @param docker_host_weave_ip
#   This host's own address on the network.
# @param docker_cluster_peers
#   All hosts of the network, this one or not: a list, or one text separated by blanks.
# @param weave_manage_firewall
#   Whether weave keeps its rules in the packet filter.
# @param router
#   Further attributes of `weave_router`.
define weave::launch (
  Optional[String[1]] $docker_host_weave_ip = undef,
  Optional[Weave::Words] $docker_cluster_peers = undef,
  Optional[Weave::Switch] $weave_manage_firewall = undef,
  Hash[String[1], Data] $router = {},
) {
  include weave

  $firewall = $weave_manage_firewall ? {
    undef   => {},
    default => { 'firewall' => { 'manage' => "${weave_manage_firewall}" == 'true' } }, # lint:ignore:only_variable_string
  }
  $bridge = $router['bridge'] ? {
    undef   => 'weave',
    default => $router['bridge'],
  }

  $given = { 'peers' => $docker_cluster_peers } + $firewall + $router
  $said = $given.filter |$field, $value| { $field != 'bridge' and $value =~ NotUndef }

  if $weave::ensure == 'present' {
    if !defined(Weave_router[$bridge]) {
      weave_router { $bridge:
        * => $said,
      }
    } elsif $title == 'class weave' {
      # Another one came first, and goes before what the class says.
      $rest = $said.filter |$field, $_value| { Weave_router[$bridge][$field] =~ Undef }
      Weave_router <| title == $bridge |> { * => $rest }
    } else {
      Weave_router <| title == $bridge |> { * => $said }
    }
    if $docker_host_weave_ip and !defined(Weave_exposure[$docker_host_weave_ip]) {
      weave_exposure { $docker_host_weave_ip: }
    }
  }
}
