require_relative '../../puppet_x/weave/property'
require_relative '../../puppet_x/weave/order'

Puppet::Type.newtype(:weave_router) do
  @doc = <<~DOC
    @summary What carries frames between hosts: a bridge and a tunnel in the kernel.

    What is not given stays as it is; where there is no router yet, weave's defaults hold.

    @example
      weave_router { 'weave': peers => ['192.0.2.1', '192.0.2.2'], mtu => 1400 }
  DOC

  newproperty(:ensure, parent: PuppetX::Weave::Standing) do
    desc '`absent` removes the tunnel; bridge, attachments and exposures stay. `weave_host` removes all.'
    defaultvalues
    defaultto :present
  end

  newparam(:bridge, namevar: true) do
    desc "The bridge's name, by default the title."
    validate { |value| PuppetX::Weave::Values.interface('bridge', value) }
  end

  newproperty(:kind, parent: PuppetX::Weave::Compared) do
    desc '`vxlan`, the only one.'

    def form(value)
      value.to_s == 'vxlan' ? 'vxlan' : PuppetX::Weave::Values.refuse('kind', value, 'is no router', 'allowed: vxlan')
    end
  end

  newproperty(:port, parent: PuppetX::Weave::Compared) do
    desc 'UDP port, the same on all hosts (6783).'

    def form(value)
      PuppetX::Weave::Values.number('port', value, 1..65_535)
    end
  end

  newproperty(:vni, parent: PuppetX::Weave::Compared) do
    desc 'VXLAN network identifier, the same on all hosts (6783).'

    def form(value)
      PuppetX::Weave::Values.number('vni', value, 1..16_777_215)
    end
  end

  newproperty(:mtu, parent: PuppetX::Weave::Compared) do
    desc 'MTU of the network in bytes, or `auto`: what the ways to the peers leave.'

    def form(value)
      PuppetX::Weave::Values.mtu('mtu', value)
    end
  end

  newproperty(:underlay, parent: PuppetX::Weave::Compared) do
    desc "This host's end of the tunnel: an address, an interface, a network such as 192.0.2.0/24, or `auto`."
  end

  newproperty(:peers, parent: PuppetX::Weave::Compared) do
    desc <<~TEXT
      All peers, but for those that are `weave_peer` resources themselves: a list, or one text separated by blanks. This
      host's own addresses are left out by themselves.
    TEXT

    def form(value)
      PuppetX::Weave::Values.list(value).map { |peer| PuppetX::Weave::Values.peer('peers', peer) }.uniq
    end
  end

  newproperty(:firewall, parent: PuppetX::Weave::Compared) do
    desc "Whether weave keeps its rules in the packet filter: `{'manage' => true}`."

    def form(value)
      valid = value.is_a?(Hash) && value.keys == ['manage'] && ['true', 'false'].include?(value['manage'].to_s)
      PuppetX::Weave::Values.refuse('firewall', value, 'is not understood', "allowed: {'manage' => true} or false") unless valid
      { 'manage' => value['manage'].to_s == 'true' }
    end
  end

  PuppetX::Weave::Order.after(self, :weave_host)
end
