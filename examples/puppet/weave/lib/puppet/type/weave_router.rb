require_relative '../../puppet_x/weave/property'
require_relative '../../puppet_x/weave/order'

Puppet::Type.newtype(:weave_router) do
  @doc = <<~DOC
    @summary What carries frames between hosts: a bridge and a tunnel in the kernel, or a router in a container.

    What is not given stays as it is; where there is no router yet, weave's defaults hold.

    @example
      weave_router { 'weave': peers => ['192.0.2.1', '192.0.2.2'], mtu => 1400 }

    @example
      weave_router { 'weave': kind => 'image', image => 'weaveworks/weave:2.8.1', password_file => '/etc/weave/password' }
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
    desc '`vxlan`: the kernel carries frames; `image`: a router in a container.'

    def form(value)
      return value.to_s if ['vxlan', 'image'].include?(value.to_s)
      PuppetX::Weave::Values.refuse('kind', value, 'is no router', 'allowed: vxlan, image')
    end
  end

  newproperty(:port, parent: PuppetX::Weave::Compared) do
    desc 'Port of the router, the same on all hosts (6783).'

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

  # Weave itself says what is allowed of them.
  { image: "The router's image, such as weaveworks/weave:2.8.1. This and the following are of kind `image`.",
    args: 'Further arguments of the router: a line, or a list of words.',
    docker_options: "Options of `docker run` for the router's container: a line, a list, or a hash.",
    nickname: "What the host is called in the router's reports (the host's name).",
    ipalloc_range: 'The IPv4 network that addresses are allocated from, the same on all hosts (none).',
    ipalloc_default_subnet: 'The part of it that `net:default` means (all of it).' }
    .each { |field, text| newproperty(field, parent: PuppetX::Weave::Compared) { desc text } }

  newproperty(:container_name, parent: PuppetX::Weave::Compared) do
    desc "The name of the router's container (`weave`); `name` in documents."

    def form(value)
      return value.to_s if value.to_s.match?(%r{\A[A-Za-z0-9][A-Za-z0-9_.-]*\z})
      PuppetX::Weave::Values.refuse('container_name', value, 'is no name of a container', 'allowed: letters, digits, `_`, `.` and `-`')
    end
  end

  newproperty(:password_file, parent: PuppetX::Weave::Compared) do
    desc "The file on the host that holds the network's password; with one the router encrypts all that it carries."

    def form(value)
      return value.to_s if value.to_s.match?(%r{\A/.*[^/]\z})
      PuppetX::Weave::Values.refuse('password_file', value, 'is no absolute path', 'allowed: such as /etc/weave/password')
    end
  end

  newproperty(:peer_name, parent: PuppetX::Weave::Compared) do
    desc "The name of the router among its peers (the bridge's MAC)."

    def form(value)
      PuppetX::Weave::Values.mac('peer_name', value)
    end
  end

  newproperty(:trusted_subnets, parent: PuppetX::Weave::Compared) do
    desc 'Networks of the underlay where nothing is encrypted in spite of a password: a list, or one text.'

    def form(value)
      PuppetX::Weave::Values.list(value)
    end
  end

  newproperty(:discovery, parent: PuppetX::Weave::Compared) do
    desc 'Whether peers are connected to that others tell of (true).'

    # Puppet takes a wanted `false` for nothing wanted, so it is a word.
    def form(value)
      return value.to_s.to_sym if ['true', 'false'].include?(value.to_s)
      PuppetX::Weave::Values.refuse('discovery', value, 'is neither', 'allowed: true, false')
    end
  end

  newproperty(:control_port, parent: PuppetX::Weave::Compared) do
    desc 'TCP port on 127.0.0.1 where the router takes orders (6784).'

    def form(value)
      PuppetX::Weave::Values.number('control_port', value, 1..65_535)
    end
  end

  newproperty(:pull, parent: PuppetX::Weave::Compared) do
    desc 'When its image is fetched: `missing` (default), `always` or `never`.'

    def form(value)
      return value.to_s if ['missing', 'always', 'never'].include?(value.to_s)
      PuppetX::Weave::Values.refuse('pull', value, 'is not known', 'allowed: missing, always, never')
    end
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
