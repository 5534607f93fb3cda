require_relative '../../puppet_x/weave/property'
require_relative '../../puppet_x/weave/order'

Puppet::Type.newtype(:weave_exposure) do
  @doc = <<~DOC
    @summary An address of the host itself on the network.

    @example
      weave_exposure { '10.2.0.1/16': masquerade => false }
  DOC

  ensurable do
    defaultvalues
    defaultto :present
  end

  newparam(:ip, namevar: true) do
    desc 'The address with its prefix length, by default the title.'
    validate { |value| PuppetX::Weave::Values.cidr('ip', value) }
    munge { |value| PuppetX::Weave::Values.cidr('ip', value) }
  end

  newproperty(:masquerade, parent: PuppetX::Weave::Switch) do
    desc "Whether packets between the network and everything else take the host's address (true, for a new one)."
  end

  PuppetX::Weave::Order.after(self, :weave_host, :weave_router)
end
