require_relative '../../../puppet_x/weave/asked'
require_relative '../../../puppet_x/weave/listed'

Puppet::Type.type(:weave_peer).provide(:weave) do
  desc 'Connects and forgets peers with the command `weave`.'
  commands weave: 'weave'
  include PuppetX::Weave::Listed

  def self.peers
    PuppetX::Weave::Command.status['state']['peers'] || []
  end

  def self.instances
    peers.map { |peer| new(name: peer, ensure: :present) }
  end

  def self.prefetch(_resources)
    PuppetX::Weave::Command.forget
  end

  private

  # A name, an own address, and a port that is the router's are not in the list as they are written: weave knows.
  def found
    peer = resource[:peer]
    return if resource.purging? && asked_for?
    return peer if self.class.peers.include?(peer)
    return unless PuppetX::Weave::Command.status['state']['router']
    operation, arguments = resource[:ensure] == :absent ? removed : made
    changes = PuppetX::Weave::Command.call(operation, arguments, check: true)['changes']
    would = changes.any? { |change| change['subject'] == 'peers' }
    peer if would == (resource[:ensure] == :absent)
  end

  # Whether it is another spelling of a peer of this catalog: those that would be forgotten with all of these.
  def asked_for?
    asked = PuppetX::Weave::Asked.peers(resource.catalog)
    return false if asked.empty?
    changes = PuppetX::Weave::Command.call('forget', { peers: asked }, check: true)['changes']
    changes.any? { |change| change['subject'] == 'peers' && !Array(change['after']).include?(resource[:peer]) }
  end

  def made
    ['connect', { peers: [resource[:peer]] }]
  end

  def removed
    ['forget', { peers: [resource[:peer]] }]
  end
end
