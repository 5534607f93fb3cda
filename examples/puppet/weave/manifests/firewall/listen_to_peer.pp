# @summary A host that may reach the router's port: a peer.
#
# weave's own table lets only peers through. A packet filter that drops what comes in has to let UDP 6783 of the peers
# pass besides.
#
# @param peer
#   The host's address.
define weave::firewall::listen_to_peer (
  String[1] $peer = $title,
) {
  include weave

  if $weave::ensure == 'present' and !defined(Weave_peer[$peer]) {
    weave_peer { $peer: }
  }
}
