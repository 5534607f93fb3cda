require_relative 'command'
require_relative 'secret'

module PuppetX
  module Weave
    # A provider whose resource is a part of a document: weave itself compares it with the host. A provider says what
    # its `wish` is, how it is `removed`, which changes mean that it is not there at all (`missing?`), and to which
    # property a change belongs (`property_of`).
    module Documented
      # Everything that weave would change, for properties to tell: `{property => [change, …]}`. Where all is missing, or
      # something belongs to no property that was given, `ensure` tells everything: Puppet then asks no other.
      def differences
        return @differences if @generation == Command.generation
        given = resource.properties.map(&:name)
        changes = compare.fetch('changes').map { |change| shown(change) }
        @missing = missing?(changes)
        told = changes.group_by { |change| property_of(change) }
        @differences = @missing || !(told.keys - given).empty? ? { ensure: changes } : told
        @generation = Command.generation
        @differences
      end

      # `present`, `absent`, or `incomplete` where something is not so that no property tells of.
      def standing
        return @property_hash[:ensure] || :absent unless resource.catalog
        return removes? ? :present : :absent if resource[:ensure] == :absent
        told = differences
        return :absent if @missing
        told.key?(:ensure) ? :incomplete : :present
      end

      def create
        converge
      end

      def destroy
        operation, arguments = removed
        Command.call(operation, arguments, secrets: secrets)
      end

      def flush
        converge if @changed
      end

      # Setters only say that something is to be done: one call does it all.
      def changed!
        @changed = true
      end

      private

      # Puppet hides what a property with a secret tells; here it may be `ensure` that tells it.
      def shown(change)
        return change unless resource.property(property_of(change))&.sensitive
        change.merge(['before', 'after'].to_h { |side| [side, change[side].nil? ? nil : Secret::SHOWN] })
      end

      # Where nothing will be done, nothing else would tell the warnings.
      def compare
        report = Command.call('apply', in_check(wish), check: true, secrets: secrets)
        Command.warn(report, secrets) if resource.noop? || !report['changed']
        report
      end

      # What the check is given, where that is more than what is done.
      def in_check(wish)
        wish
      end

      def converge
        Command.call('apply', wish, secrets: secrets)
        @changed = false
      end

      def removes?
        operation, arguments = removed
        Command.call(operation, arguments, check: true, secrets: secrets).fetch('changed')
      end

      def secrets
        resource.properties.flat_map { |property| property.respond_to?(:secrets) ? property.secrets : [] }
      end

      # Other resources of the catalog that are there.
      def neighbours(type)
        return [] unless resource.catalog
        resource.catalog.resources.select { |other| other.type == type && other[:ensure] != :absent }
      end
    end
  end
end
