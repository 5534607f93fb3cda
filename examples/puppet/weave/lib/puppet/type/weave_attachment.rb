require 'puppet/parameter/boolean'
require_relative '../../puppet_x/weave/property'
require_relative '../../puppet_x/weave/order'

Puppet::Type.newtype(:weave_attachment) do
  @doc = <<~DOC
    @summary An address of a container on the network.

    The container may be run by anybody; with its last address it loses the interface. Addresses that are no resource
    stay, unless `resources { 'weave_attachment': purge => true }` says that these, the `ips` of a
    `weave_container`, and those in the document of a `weave_host` are all.

    @example
      weave_attachment { 'web 10.2.1.4/24': }
      weave_attachment { 'netns:blue 10.2.1.5/24 ethwe0': gateway => '10.2.1.1' }
  DOC

  ensurable do
    defaultvalues
    defaultto :present
  end

  newparam(:name, namevar: true) do
    desc <<~TEXT
      `CONTAINER ADDRESS` or `CONTAINER ADDRESS INTERFACE`. The container is a name or id, `netns:PATH`, `netns:NAME` or
      `pid:N`; the address has its prefix length; the interface in the container is `ethwe` where it is not given.
    TEXT

    validate { |value| PuppetX::Weave::Values.attachment('name', value) }
    munge { |value| PuppetX::Weave::Values.attachment('name', value) }
  end

  newproperty(:mtu, parent: PuppetX::Weave::Value) do
    desc "MTU of the interface in bytes, or `auto`: the network's."

    def form(value)
      PuppetX::Weave::Values.mtu('mtu', value)
    end
  end

  newproperty(:mac, parent: PuppetX::Weave::Value) do
    desc 'Hardware address of the interface; made from its first address where it is not given.'

    def form(value)
      PuppetX::Weave::Values.mac('mac', value)
    end
  end

  newproperty(:gateway, parent: PuppetX::Weave::Value) do
    desc "Next hop of the container's default route."

    def form(value)
      PuppetX::Weave::Values.ip('gateway', value)
    end
  end

  newproperty(:routes, parent: PuppetX::Weave::Value) do
    desc "Routes through the interface that there are at least: 'NETWORK', 'NETWORK via ADDRESS' or {'to' => …, 'via' => …}."

    def form(value)
      PuppetX::Weave::Values.routes('routes', value)
    end

    def insync?(is)
      is.is_a?(Array) && (should - is).empty?
    end
  end

  newproperty(:multicast, parent: PuppetX::Weave::Switch) do
    desc 'Whether 224.0.0.0/4 is routed to the network (true); `false` takes the route away.'
  end

  newparam(:probe, boolean: true, parent: Puppet::Parameter::Boolean) do
    desc 'Whether the network is asked first if somebody has the address (true).'
  end

  # The parts of the name.
  def parts
    container, ip, interface = self[:name].split
    [container, ip, interface || 'ethwe']
  end

  PuppetX::Weave::Order.after(self, :weave_host, :weave_router)
  autorequire(:weave_container) { parts.first }
end
