require_relative '../../../puppet_x/weave/asked'
require_relative '../../../puppet_x/weave/listed'

Puppet::Type.type(:weave_attachment).provide(:weave) do
  desc 'Attaches and detaches with the command `weave`.'
  commands weave: 'weave'
  include PuppetX::Weave::Listed

  def self.instances
    PuppetX::Weave::Command.status['result']['attachments'].flat_map do |told|
      words = told['interface'] == 'ethwe' ? [] : [told['interface']]
      told['ips'].map { |ip| new(name: [told['container'], ip, *words].join(' '), ensure: :present) }
    end
  end

  def self.prefetch(_resources)
    PuppetX::Weave::Command.forget
  end

  [:mtu, :mac, :gateway, :routes, :multicast].each do |field|
    define_method(field) { value(field) }
    define_method(:"#{field}=") { |_value| changed! }
  end

  private

  def parts
    resource.parts
  end

  def found
    container, ip, interface = parts
    return if resource.purging? && PuppetX::Weave::Asked.attachment?(resource.catalog, container, ip, interface)
    PuppetX::Weave::Command.status['result']['attachments'].find do |told|
      named = told['container'] == container || (!told['id'].empty? && container.start_with?(told['id']))
      named && told['interface'] == interface && told['ips'].include?(ip)
    end
  end

  # What is, unless weave would leave it as it is: attaching takes no address away.
  def value(field)
    told = described(field)
    wanted = resource[field]
    wanted.nil? || resource[:ensure] == :absent || told == wanted || !agrees? ? told : wanted
  end

  # What the status says of the interface. It describes one interface of each container.
  def described(field)
    told = found
    return told['mac'] if field == :mac
    all = PuppetX::Weave::Command.status['state']['containers'][told['container']] || {}
    return :absent unless (all['interface'] || 'ethwe') == told['interface']
    value = all.fetch(field.to_s, { mtu: 'auto', gateway: :absent, routes: [], multicast: true }[field])
    [true, false].include?(value) ? value.to_s.to_sym : value
  end

  def agrees?
    plan['changes'].none? { |change| change['subject'].start_with?('containers.') }
  end

  def made
    container, ip, interface = parts
    given = [:mtu, :mac, :gateway, :routes, :probe].to_h { |field| [field, resource[field]] }.compact
    given[:multicast] = resource[:multicast] == :true if resource[:multicast]
    ['attach', { container: container, ips: [ip], interface: interface }.merge(given)]
  end

  def removed
    container, ip, interface = parts
    ['detach', { container: container, ips: [ip], interface: interface }]
  end
end
