module PuppetX
  module Weave
    # What comes before what, without anybody having to say so.
    module Order
      # The command, and the engine whose containers it works on.
      NEEDED = {
        package: ['weave', 'docker', 'docker.io', 'docker-ce', 'docker-engine', 'nftables'],
        service: ['docker'],
        file: ['/usr/local/bin/weave', '/usr/bin/weave'],
      }.freeze

      # Resources of `type` come after all of the types `earlier`, but for those that take something away.
      def self.after(type, *earlier)
        NEEDED.each { |needed, names| type.autorequire(needed) { names } }
        # Classes are of the type `component` here.
        type.autorequire(:component) { catalog.resources.select { |other| other.ref == 'Class[Docker]' } }
        earlier.each do |name|
          type.autorequire(name) do
            catalog.resources.select { |other| other.type == name && other[:ensure] != :absent }
          end
        end
      end
    end
  end
end
