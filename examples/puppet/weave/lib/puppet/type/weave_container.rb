require_relative '../../puppet_x/weave/property'
require_relative '../../puppet_x/weave/order'

Puppet::Type.newtype(:weave_container) do
  @doc = <<~DOC
    @summary A container that weave runs, and its addresses on the network.

    One that is there is compared with what is asked, option by option, and changed in place or made anew; its volumes
    and addresses stay. A container that weave did not make is never changed or removed.

    @example
      weave_container { 'pg.example.com':
        ips     => '10.0.1.21/24',
        image   => 'postgres:16',
        options => {
          'memory'  => '2g',
          'publish' => ['5432:5432'],
          'env'     => { 'POSTGRES_PASSWORD' => Sensitive('secret') },
        },
      }
  DOC

  newproperty(:ensure, parent: PuppetX::Weave::Standing) do
    desc '`present`; `latest` takes the newest image that its registry has; `absent` removes the container, its volumes stay.'
    defaultvalues
    defaultto :present
    newvalue(:latest) { provider.create }

    def insync?(is)
      should == :latest ? is == :present : super
    end
  end

  newparam(:name, namevar: true) do
    desc "The container's name."
    validate do |value|
      next if value.match?(%r{\A[A-Za-z0-9][A-Za-z0-9_.-]*\z})
      PuppetX::Weave::Values.refuse('name', value, 'is no name of a container', 'allowed: letters, digits, `_`, `.` and `-`')
    end
  end

  newproperty(:image, parent: PuppetX::Weave::Compared) do
    desc 'The image, as `docker run` takes it.'
  end

  newproperty(:command, parent: PuppetX::Weave::Compared) do
    desc "A line, or a list of words; the image's own where it is not given."
  end

  newproperty(:options, parent: PuppetX::Weave::Compared) do
    desc <<~TEXT
      Options of `docker run`: a line, a list of lines, or a hash such as `{'memory' => '2g'}`. All of it or values in it
      may be Sensitive; values of environment variables are never shown.
    TEXT
  end

  newproperty(:ips, parent: PuppetX::Weave::Compared) do
    desc <<~TEXT
      All addresses it has, but for those that are `weave_attachment` resources themselves, or requests for one that a
      router in a container allocates, such as `net:default`; an empty list detaches.
    TEXT

    def form(value)
      PuppetX::Weave::Values.list(value).map { |ip| PuppetX::Weave::Values.wanted('ips', ip) }.uniq
    end
  end

  newproperty(:state, parent: PuppetX::Weave::Compared) do
    desc '`running` (default), `stopped`, or `created`: whether it runs is left alone.'

    def form(value)
      return value.to_s if ['running', 'stopped', 'created'].include?(value.to_s)
      PuppetX::Weave::Values.refuse('state', value, 'is no state', 'allowed: running, stopped, created')
    end
  end

  { on_change: [['recreate', 'report', 'ignore'], 'What is done where it differs: `recreate` (default), `report` or `ignore`.'],
    pull: [['missing', 'always', 'never'], 'When the image is fetched: `missing` (default), `always` or `never`.'],
    attach: [['after_start', 'before_start'], 'Whether its interface is there before its process starts (`after_start`).'],
    multicast: [['true', 'false'], 'Whether 224.0.0.0/4 is routed to the network (true).'],
    probe: [['true', 'false'], 'Whether the network is asked first if somebody has the addresses (true).'] }
    .each do |field, (values, text)|
      newparam(field) do
        desc text
        newvalues(*values)
        munge { |value| ['true', 'false'].include?(value.to_s) ? value.to_s == 'true' : value.to_s }
      end
    end

  { interface: [:interface, 'The interface in the container (`ethwe`).'],
    mtu: [:mtu, "MTU of the interface in bytes, or `auto`: the network's."],
    mac: [:mac, 'Hardware address of the interface; made from the first address where it is not given.'],
    gateway: [:ip, "Next hop of the container's default route (none)."],
    routes: [:routes, "Further routes: a list of 'NETWORK', 'NETWORK via ADDRESS' or {'to' => …, 'via' => …}."] }
    .each do |field, (form, text)|
      newparam(field) do
        desc text
        validate { |value| PuppetX::Weave::Values.public_send(form, field, value) }
        munge { |value| PuppetX::Weave::Values.public_send(form, field, value) }
      end
    end

  validate do
    if catalog && self[:ensure] != :absent && self[:image].nil?
      raise Puppet::Error, 'image: is missing; allowed: an image as `docker run` takes it, such as postgres:16'
    end
  end

  PuppetX::Weave::Order.after(self, :weave_host, :weave_router)
end
