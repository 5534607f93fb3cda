require_relative '../../puppet_x/weave/property'
require_relative '../../puppet_x/weave/order'

Puppet::Type.newtype(:weave_host) do
  @doc = <<~DOC
    @summary This host's whole part of the network, from a document of weave.

    A document is exact for what it names and silent about what it does not. It may be one host's, or a fleet's, from
    which this host's part is cut. `puppet resource weave_host` prints this host as one.

    @example A document in the manifest
      weave_host { 'docker1':
        document => {
          'router'     => {},
          'peers'      => ['192.0.2.1', '192.0.2.2'],
          'containers' => { 'web' => { 'ips' => '10.2.1.4/24' } },
        },
      }

    @example A file that holds the document of a fleet
      weave_host { 'docker1': file => '/etc/weave/fleet.yaml', host => 'docker1' }

    @example Everything that weave made goes
      weave_host { 'docker1': ensure => absent }
  DOC

  newproperty(:ensure, parent: PuppetX::Weave::Standing) do
    desc '`present`: as the document says. `absent`, also written `purged`: everything that weave made is removed.'
    defaultvalues
    defaultto :present
    aliasvalue(:purged, :absent)
  end

  newparam(:name, namevar: true) do
    desc 'Any name: there is one host.'
  end

  newproperty(:document, parent: PuppetX::Weave::Compared) do
    desc 'The document, as a hash. Values in it may be Sensitive.'

    def form(value)
      return value if value.is_a?(Hash)
      raise ArgumentError, "document: is a #{value.class}; allowed: a hash such as {'router' => {}}, or `file` instead"
    end
  end

  newproperty(:file, parent: PuppetX::Weave::Compared) do
    desc 'The path of a file on this host that holds the document, YAML or JSON.'

    def form(value)
      return value if value.is_a?(String) && Puppet::Util.absolute_path?(value)
      raise ArgumentError, "file: `#{value}` is no path; allowed: an absolute path such as /etc/weave/host.yaml"
    end
  end

  newparam(:host) do
    desc "Which of a fleet's hosts this one is; by its name or address where it is not given."
  end

  validate do
    next unless catalog
    given = [:document, :file].select { |field| self[field] }
    if self[:ensure] == :present && given.empty?
      raise Puppet::Error, 'document: is missing; allowed: it, or the `file` that it stands in'
    end
    raise Puppet::Error, 'file: there is a `document`, too; allowed: one of the two' if given.length == 2
  end

  PuppetX::Weave::Order.after(self)
  autorequire(:file) { self[:file] }
end
