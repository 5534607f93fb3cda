require_relative '../../../puppet_x/weave/documented'

Puppet::Type.type(:weave_router).provide(:weave) do
  desc 'Launches and stops the router with the command `weave`.'
  commands weave: 'weave'
  include PuppetX::Weave::Documented

  def self.instances
    state = PuppetX::Weave::Command.status['state']
    router = state['router'] or return []
    values = ['kind', 'port', 'vni', 'mtu', 'underlay'].to_h { |field| [field.to_sym, router[field]] }
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
    fields = [:kind, :port, :vni, :mtu, :underlay]
    router = fields.to_h { |field| [field, resource[field]] }.compact
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
    else change['field'] == 'learning' ? :peers : change['field'].to_sym
    end
  end
end
