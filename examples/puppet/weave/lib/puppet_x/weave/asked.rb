require 'yaml'
require_relative 'values'

module PuppetX
  module Weave
    # What the other resources of a catalog ask for: none of it is a leftover that may be purged.
    module Asked
      # Where documents, and the data of 2014, have their containers.
      SECTIONS = ['containers', 'dockerhosts_dhcp', 'dockerhost_dhcp'].freeze

      class << self
        # Whether a container, or the document of a host, asks for an address of a container.
        def attachment?(catalog, container, ip, interface)
          own = [container, ip, interface]
          wanted(catalog, :weave_container).any? { |one| told(one[:name], one[:ips], one[:interface]).include?(own) } ||
            wanted(catalog, :weave_host).any? { |host| document(host).include?(own) }
        end

        # Peers as they are written, of resources and of the router.
        def peers(catalog)
          wanted(catalog, :weave_peer).map { |peer| peer[:peer] } |
            wanted(catalog, :weave_router).flat_map { |router| router[:peers] || [] }
        end

        private

        def wanted(catalog, type)
          catalog.resources.select { |other| other.type == type && other[:ensure] != :absent && !other.purging? }
        end

        def document(host)
          all = host[:file] ? YAML.safe_load(File.read(host[:file])) : host[:document]
          return [] unless all.is_a?(Hash)
          SECTIONS.flat_map { |section| all[section].is_a?(Hash) ? all[section].to_a : [] }.flat_map do |name, one|
            one.is_a?(Hash) && one['ensure'] != 'absent' ? told(name, one['ips'] || one['ip'], one['interface']) : []
          end
        rescue SystemCallError, Psych::Exception
          # What is wrong with the document is told where it is applied.
          []
        end

        def told(name, ips, interface)
          Values.list(ips).map { |ip| [Values.container('name', name), Values.cidr('ips', ip), interface || 'ethwe'] }
        rescue ArgumentError
          []
        end
      end
    end
  end
end
