require_relative '../../../puppet_x/weave/documented'

Puppet::Type.type(:weave_container).provide(:weave) do
  desc 'Runs containers with the command `weave`.'
  commands weave: 'weave'
  include PuppetX::Weave::Documented

  # Those that weave made. How they were asked for cannot be told from what they became.
  def self.instances
    containers = PuppetX::Weave::Command.facts['result']['docker_hosted_containers'].select { |_, told| told.is_a?(Hash) }
    own = containers.select { |_, told| (told.dig('Config', 'Labels') || {}).then { |of| of['weave.made'] && !of['weave.holds'] } }
    attached = PuppetX::Weave::Command.status['state']['containers'] || {}
    own.map do |name, told|
      state = told.dig('State', 'Running') ? 'running' : 'stopped'
      ips = (attached[name] || {})['ips']
      new(name: name, ensure: :present, image: told['Config']['Image'], command: told['Config']['Cmd'], state: state, ips: ips)
    end
  end

  def self.prefetch(_resources)
    PuppetX::Weave::Command.forget
  end

  def get(property)
    @property_hash[property] || :absent
  end

  private

  def wish
    names = [:image, :command, :options, :state, :on_change, :pull, :attach, :interface, :mtu, :mac, :gateway, :routes, :multicast, :probe]
    fields = names.to_h { |field| [field, resource[field]] }
    fields[:ensure] = 'latest' if resource[:ensure] == :latest
    { document: { containers: { resource[:name] => fields.merge(ips: ips).compact } } }
  end

  # Addresses that are resources of this catalog are its own, too.
  def ips
    return unless resource[:ips]
    own = [resource[:name], resource[:interface] || 'ethwe']
    others = neighbours(:weave_attachment).map(&:parts).select { |container, _, interface| [container, interface] == own }
    resource[:ips] | others.map { |_, ip, _| ip }
  end

  # Where there is no network yet, a container cannot be compared with what it would be on it.
  def in_check(wish)
    return wish if PuppetX::Weave::Command.status['result']['router']
    wish[:document][:containers].each_value { |container| container.reject! { |field, _| [:ips, :attach].include?(field) } }
    wish
  end

  def compare
    report = super
    subject = "containers.#{resource[:name]}"
    own = report['changes'].select { |change| change['subject'] == subject || change['subject'].start_with?('images.') }
    if resource[:ips] && !resource[:ips].empty? && PuppetX::Weave::Command.status['result']['router'].nil?
      own += [{ 'subject' => subject, 'field' => 'ips', 'before' => nil, 'after' => resource[:ips] }]
    end
    { 'changes' => own }
  end

  def removed
    ['remove', { name: resource[:name] }]
  end

  def missing?(changes)
    changes.any? { |change| change['field'] == 'image' && change['before'].nil? }
  end

  def property_of(change)
    field = change['field']
    return :image if change['subject'].start_with?('images.')
    return field.to_sym if ['image', 'command', 'state', 'ips'].include?(field)
    ['interface', 'mtu', 'mac', 'gateway', 'routes', 'multicast', 'leftover'].include?(field) ? :ips : :options
  end
end
