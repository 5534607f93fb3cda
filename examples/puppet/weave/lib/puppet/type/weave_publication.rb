require_relative '../../puppet_x/weave/values'
require_relative '../../puppet_x/weave/order'

Puppet::Type.newtype(:weave_publication) do
  @doc = <<~DOC
    @summary A port of the host that leads to a container of the network, on this host or another.

    The host needs an address in the container's network (`weave_exposure`).

    @example
      weave_publication { '8080': to => 'web', port => 80 }
      weave_publication { '192.0.2.1:53/udp': to => '10.2.1.9' }
  DOC

  ensurable do
    defaultvalues
    defaultto :present
  end

  newparam(:name, namevar: true) do
    desc 'The port of the host, where it is needed with its protocol (tcp) and the one address of the host (all).'
    validate { |value| PuppetX::Weave::Values.published('name', value) }
    munge { |value| PuppetX::Weave::Values.published('name', value) }
  end

  newparam(:to) do
    desc "Where it leads: a container of this host, or the address on the network of one on any host."
    validate { |value| PuppetX::Weave::Values.destination('to', value) }
  end

  newparam(:port) do
    desc 'The port there (that of the host).'
    munge { |value| PuppetX::Weave::Values.number('port', value, 1..65_535) }
  end

  newparam(:masquerade) do
    desc "Whether the container sees the host's address in the place of its client's (true)."
    newvalues(:true, :false)
  end

  validate do
    if self[:ensure] != :absent && self[:to].nil? && !catalog.nil?
      raise ArgumentError, 'to: is missing; allowed: a container, or an address of the network'
    end
  end

  PuppetX::Weave::Order.after(self, :weave_host, :weave_router, :weave_exposure, :weave_container, :weave_attachment)
end
