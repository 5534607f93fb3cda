require_relative 'command'

module PuppetX
  module Weave
    # A provider whose resources stand in the status of the host, where they are looked up. A provider says which one
    # is its own (`found`), and which operation makes it (`made`) and takes it away (`removed`).
    module Listed
      def exists?
        !found.nil?
      end

      def create
        converge
      end

      def destroy
        operation, arguments = removed
        Command.call(operation, arguments)
      end

      def flush
        converge if @changed
      end

      # A setter only says that something is to be done: one call does it all. Whether it can be done is known before
      # anything is said to be changed.
      def changed!
        @report ||= plan
        @changed = true
      end

      private

      def plan
        operation, arguments = made
        Command.call(operation, arguments, check: true)
      end

      def converge
        operation, arguments = made
        Command.call(operation, arguments)
        @changed = false
      end
    end
  end
end
