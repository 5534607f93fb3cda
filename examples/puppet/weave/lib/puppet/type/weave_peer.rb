require_relative '../../puppet_x/weave/values'
require_relative '../../puppet_x/weave/order'

Puppet::Type.newtype(:weave_peer) do
  @doc = <<~DOC
    @summary Another host of the network.

    Peers that are no resource stay, unless the router has `peers`, which are all then, or
    `resources { 'weave_peer': purge => true }` says so, however a peer is written: by name, or with the router's own
    port. This host's own addresses are left out by themselves.

    @example
      weave_peer { ['192.0.2.2', '192.0.2.3:7000', 'docker4.example.com']: }
  DOC

  ensurable do
    defaultvalues
    defaultto :present
  end

  newparam(:peer, namevar: true) do
    desc 'An address or a name, with or without a port, by default the title.'
    validate { |value| PuppetX::Weave::Values.peer('peer', value) }
    munge { |value| PuppetX::Weave::Values.peer('peer', value) }
  end

  PuppetX::Weave::Order.after(self, :weave_host, :weave_router)
end
