require_relative '../../../puppet_x/weave/documented'

Puppet::Type.type(:weave_router).provide(:weave) do
  desc 'Launches and stops the router with the command `weave`.'
  commands weave: 'weave'
  include PuppetX::Weave::Documented

  # What a document says of a router, besides the bridge.
  FIELDS = [
    :kind, :port, :vni, :mtu, :underlay, :image, :name, :args, :docker_options, :password_file, :nickname, :peer_name,
    :trusted_subnets, :ipalloc_range, :ipalloc_default_subnet, :discovery, :control_port, :pull
  ].freeze
  # Properties that could not have the name of their field: every resource has a name already.
  PROPERTIES = { name: :container_name }.freeze

  def self.instances
    state = PuppetX::Weave::Command.status['state']
    router = state['router'] or return []
    values = FIELDS.to_h { |field| [PROPERTIES.fetch(field, field), router[field.to_s]] }
    values[:discovery] = values[:discovery].to_s.to_sym unless values[:discovery].nil?
    [new(name: router['bridge'], ensure: :present, peers: state['peers'], firewall: state['firewall'], **values)]
  end

  def self.prefetch(_resources)
    PuppetX::Weave::Command.forget
  end

  def get(property)
    @property_hash[property] || :absent
  end

  private

  def wish
    router = FIELDS.to_h { |field| [field, resource[PROPERTIES.fetch(field, field)]] }.compact
    router[:discovery] = router[:discovery] == :true if router.key?(:discovery)
    { document: { router: router.merge(bridge: resource[:bridge]), peers: peers, firewall: resource[:firewall] }.compact }
  end

  # Who is a resource of this catalog is a peer, too.
  def peers
    resource[:peers] && (resource[:peers] | neighbours(:weave_peer).map { |peer| peer[:peer] })
  end

  def removed
    ['stop', {}]
  end

  def missing?(changes)
    changes.any? { |change| change.values_at('subject', 'field', 'after') == ['router', 'state', 'running'] }
  end

  def property_of(change)
    case change['subject']
    when 'peers', 'firewall' then change['subject'].to_sym
    else change['field'] == 'learning' ? :peers : PROPERTIES.fetch(change['field'].to_sym, change['field'].to_sym)
    end
  end
end
