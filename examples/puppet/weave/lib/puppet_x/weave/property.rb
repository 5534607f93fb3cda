require_relative 'secret'
require_relative 'values'

module PuppetX
  module Weave
    # What stands in a document: a value that is taken as a whole, a hash and a list too.
    class Value < Puppet::Property
      # Says what is allowed, and brings the value into its one form.
      def form(value)
        value
      end

      def should=(value)
        plain, @revealed = Secret.reveal(value)
        self.sensitive = true unless @revealed.empty?
        @should = [form(plain)]
      rescue ArgumentError => e
        # Puppet names resource and attribute itself.
        raise ArgumentError, e.message.sub(%r{\A#{name}: }, '')
      end

      def should
        @should && @should.first
      end

      # The texts of it that nobody may see: those wrapped as Sensitive, or all of it where it was wrapped as a whole.
      def secrets
        return @revealed if @revealed && !@revealed.empty?
        sensitive ? Secret.texts(should) : []
      end

      def insync?(is)
        is == should
      end
    end

    # Yes or no. Puppet takes a wanted `false` for nothing wanted, so it is a word.
    class Switch < Value
      def form(value)
        return value.to_s.to_sym if ['true', 'false'].include?(value.to_s)
        Values.refuse(name, value, 'is neither', 'allowed: true, false')
      end
    end

    # One that weave compares: what differs stands for the value that is.
    class Compared < Value
      # Without a catalog nothing is wanted, and what is there is listed.
      def retrieve
        return provider.get(name) unless resource.catalog
        # What goes is compared with nothing: that could fail where going does not.
        return should if resource[:ensure] == :absent
        provider.differences.key?(name) ? Differs.new(provider.differences[name]) : should
      end

      def insync?(is)
        !is.is_a?(Differs)
      end

      def is_to_s(value) # rubocop:disable Naming/PredicateName
        value.is_a?(Differs) ? value.before : super
      end

      # Noop and the report tell what would be, change by change.
      def should_to_s(value)
        differs = provider.differences[name]
        differs ? Differs.new(differs).after : super
      end

      def change_to_s(is, should)
        is.is_a?(Differs) ? "changed #{is.both}" : super
      end

      def set(_value)
        provider.changed!
      end
    end

    # Changes of a report as people read them.
    class Differs
      def initialize(changes)
        @changes = changes
      end

      def before
        tell { |change| text(change['before']) }
      end

      def after
        tell { |change| text(change['after']) }
      end

      def both
        tell { |change| "#{text(change['before'])} to #{text(change['after'])}" }
      end

      private

      def tell
        @changes.map { |change| "#{change['subject']}.#{change['field']} #{yield(change)}" }.join(', ')
      end

      def text(value)
        value.nil? ? 'nothing' : value.is_a?(String) ? value : JSON.generate(value)
      end
    end

    # `ensure` of what is a part of a document.
    class Standing < Puppet::Property::Ensure
      # What is missing is kept: once it is there, nobody knows what it was.
      def retrieve
        standing = provider.standing
        @missing = provider.differences[:ensure] if resource.catalog && should != :absent
        standing
      end

      # What is done; Puppet 8 asks it for what would be, too.
      def change_to_s(is, should)
        return super if @missing.nil? || @missing.empty?
        is == :incomplete ? "completed: #{Differs.new(@missing).both}" : "#{super}: #{Differs.new(@missing).after}"
      end

      def should_to_s(value)
        @missing ? "#{value} (#{Differs.new(@missing).after})" : super
      end
    end
  end
end
