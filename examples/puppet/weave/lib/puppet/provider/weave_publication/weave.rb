require_relative '../../../puppet_x/weave/listed'

Puppet::Type.type(:weave_publication).provide(:weave) do
  desc 'Publishes ports with the command `weave`.'
  commands weave: 'weave'
  include PuppetX::Weave::Listed

  # Every published port by the name that it has here; of both families of addresses it may be one.
  def self.ports
    told = PuppetX::Weave::Command.status['result']['publications']
    told.map { |one| PuppetX::Weave::Values.side(one.values_at('host_ip', 'host_port', 'protocol')) }.uniq
  end

  def self.instances
    ports.map { |name| new(name: name, ensure: :present) }
  end

  def self.prefetch(_resources)
    PuppetX::Weave::Command.forget
  end

  private

  # Where a container's name leads, and whether that is so already, only weave knows.
  def found
    name = resource[:name]
    return unless self.class.ports.include?(name)
    return name if resource[:ensure] == :absent || resource[:to].nil?
    operation, arguments = made
    name if PuppetX::Weave::Command.call(operation, arguments, check: true)['changes'].empty?
  end

  def made
    given = { to: resource[:to], port: resource[:port] }
    given[:masquerade] = resource[:masquerade] == :true if resource[:masquerade]
    ['publish', side.merge(given).compact]
  end

  def removed
    ['unpublish', side]
  end

  def side
    host_ip, host_port, protocol = PuppetX::Weave::Values.sides(resource[:name])
    { host_ip: host_ip, host_port: host_port, protocol: protocol }.compact
  end
end
