require 'socket'
require_relative '../../../puppet_x/weave/documented'

Puppet::Type.type(:weave_host).provide(:weave) do
  desc 'Applies documents with the command `weave`.'
  commands weave: 'weave'
  include PuppetX::Weave::Documented

  def self.instances
    state = PuppetX::Weave::Command.status['state']
    [new(name: Socket.gethostname, ensure: state['ensure'].to_sym, document: state)]
  end

  def self.prefetch(_resources)
    PuppetX::Weave::Command.forget
  end

  def get(property)
    @property_hash[property] || :absent
  end

  private

  def wish
    { document: resource[:document], file: resource[:file], host: resource[:host] }.compact
  end

  # Where the file is one of this catalog and not there yet, noop can only say that it would be applied.
  def compare
    file = resource[:file]
    return super unless file && resource.noop? && !File.exist?(file) && resource.catalog&.resource(:file, file)
    { 'changes' => [{ 'subject' => 'file', 'field' => file, 'before' => nil, 'after' => 'applied' }] }
  end

  def removed
    ['reset', {}]
  end

  def missing?(changes)
    !changes.empty? && PuppetX::Weave::Command.status['state']['ensure'] == 'absent'
  end

  def property_of(_change)
    resource[:file] ? :file : :document
  end
end
