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
    return peer if self.class.peers.include?(peer)
    return unless PuppetX::Weave::Command.status['state']['router']
    operation, arguments = resource[:ensure] == :absent ? removed : made
    changes = PuppetX::Weave::Command.call(operation, arguments, check: true)['changes']
    would = changes.any? { |change| change['subject'] == 'peers' }
    peer if would == (resource[:ensure] == :absent)
  end

  def made
    ['connect', { peers: [resource[:peer]] }]
  end

  def removed
    ['forget', { peers: [resource[:peer]] }]
  end
end
