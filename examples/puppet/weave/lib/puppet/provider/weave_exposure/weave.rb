require_relative '../../../puppet_x/weave/listed'

Puppet::Type.type(:weave_exposure).provide(:weave) do
  desc 'Exposes and hides the host with the command `weave`.'
  commands weave: 'weave'
  include PuppetX::Weave::Listed

  # Every exposure as a pair of its address and whether it is masqueraded.
  def self.exposures
    told = PuppetX::Weave::Command.status['result']['exposures']
    told.to_h { |one| one.is_a?(Hash) ? one.values_at('ip', 'masquerade') : [one, true] }
  end

  def self.instances
    exposures.keys.map { |ip| new(name: ip, ensure: :present) }
  end

  def self.prefetch(_resources)
    PuppetX::Weave::Command.forget
  end

  def masquerade
    found.last.to_s.to_sym
  end

  def masquerade=(_value)
    changed!
  end

  private

  def found
    self.class.exposures.assoc(resource[:ip])
  end

  def made
    given = resource[:masquerade] ? { masquerade: resource[:masquerade] == :true } : {}
    ['expose', { ips: [resource[:ip]] }.merge(given)]
  end

  def removed
    ['hide', { ips: [resource[:ip]] }]
  end
end
