require 'ipaddr'

module PuppetX
  module Weave
    # Values of documents, in the one form that weave prints them in, so that they can be compared.
    module Values
      CIDR = 'allowed: an address and a prefix length such as 10.2.1.4/24 or fd00::4/64'.freeze
      CONTAINER = "allowed: a container's name or id, netns:PATH, netns:NAME, or pid:NUMBER".freeze
      INTERFACE = 'allowed: 1 to 15 letters without blanks, quotes, `/`, `:`, `%`, `*`, `+`'.freeze
      MAC = 'allowed: six pairs of hex digits such as 0a:57:0a:02:01:04'.freeze
      PEER = 'allowed: an address or a name, with or without a port: 192.0.2.2, 192.0.2.2:6783, [2001:db8::2]:6783, db2'.freeze
      REQUEST = 'allowed: net:default, or net: and a network (net:10.2.1.0/24)'.freeze
      PUBLISHED = 'allowed: 8080, 8080/udp, 192.0.2.1:8080/tcp, [2001:db8::1]:8080'.freeze
      ROUTE = 'allowed: `10.9.0.0/16` or `10.9.0.0/16 via 10.2.1.1`'.freeze

      module_function

      # An address with the length of its prefix.
      def cidr(field, value)
        text = value.to_s.strip.sub(%r{\Aip:}, '')
        ip, prefix, more = text.split('/', 3)
        found = address(ip)
        refuse(field, value, 'is no address', CIDR) unless found && more.nil?
        refuse(field, value, 'has no prefix length', CIDR) unless prefix
        longest = found.ipv4? ? 32 : 128
        unless prefix.match?(%r{\A\d+\z}) && prefix.to_i.between?(1, longest)
          refuse(field, value, "has no prefix length of 1 to #{longest}", CIDR)
        end
        "#{found}/#{prefix.to_i}"
      end

      # One of the addresses of a container, or a request for one.
      def wanted(field, value)
        text = value.to_s.strip
        return cidr(field, value) unless text.start_with?('net:')
        return text if text == 'net:default'
        network = text.delete_prefix('net:')
        masked = "#{IPAddr.new(cidr(field, network))}/#{network.split('/')[1]}"
        refuse(field, value, "has bits set behind its prefix (the network is #{masked})", REQUEST) unless network == masked
        text
      end

      # An address alone.
      def ip(field, value)
        found = address(value.to_s)
        refuse(field, value, 'is no address', 'allowed: an address such as 10.2.1.1 or fd00::1') unless found
        found.to_s
      end

      # Another host: an address or a name, with or without a port.
      def peer(field, value)
        text = value.to_s.strip
        found = address(text.delete_prefix('[').delete_suffix(']'))
        return found.to_s if found
        host, port = text.match(%r{\A(\[[^\]]+\]|[^:]+)(?::(\d+))?\z})&.captures
        refuse(field, value, 'is no peer', PEER) unless host&.match?(%r{\A(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)\z})
        refuse(field, value, 'has no port of 1 to 65535', PEER) if port && !port.to_i.between?(1, 65_535)
        found = address(host.delete_prefix('[').delete_suffix(']'))
        host = found.ipv6? ? "[#{found}]" : found.to_s if found
        port ? "#{host}:#{port.to_i}" : host
      end

      # A container's name or id, or a bare network namespace.
      def container(field, value)
        text = value.to_s
        case text
        when %r{\Anetns:(.+)\z}
          path = Regexp.last_match(1)
          path = "/run/netns/#{path}" unless path.include?('/')
          refuse(field, value, 'has a path that is not absolute', CONTAINER) unless path.start_with?('/')
          "netns:#{path}"
        when %r{\Apid:[1-9]\d*\z}, %r{\A/?[A-Za-z0-9][A-Za-z0-9_.-]*\z}
          text.delete_prefix('/')
        else
          refuse(field, value, 'is no container', CONTAINER)
        end
      end

      def interface(field, value)
        valid = value.to_s.match?(%r{\A[!-~&&[^/:%"'\\*+]]{1,15}\z}) && !['.', '..', 'lo'].include?(value.to_s)
        refuse(field, value, 'is no name of an interface', INTERFACE) unless valid
        value.to_s
      end

      def mac(field, value)
        pairs = value.to_s.downcase.split(%r{[:-]}, -1)
        valid = pairs.length == 6 && pairs.all? { |pair| pair.match?(%r{\A[0-9a-f]{2}\z}) }
        refuse(field, value, 'is no Ethernet address', MAC) unless valid
        refuse(field, value, 'is a multicast address, which no interface may have', MAC) if pairs[0].hex.odd?
        refuse(field, value, 'is all zero, which no interface may have', MAC) if pairs.all?('00')
        pairs.join(':')
      end

      # A container, an address and perhaps an interface.
      def attachment(field, value)
        container, ip, interface, more = value.to_s.split
        refuse(field, value, 'is no attachment', 'allowed: CONTAINER ADDRESS [INTERFACE], such as `web 10.2.1.4/24`') unless ip && more.nil?
        words = [container(field, container), cidr(field, ip)]
        words << interface(field, interface) unless interface.nil? || interface == 'ethwe'
        words.join(' ')
      end

      # A port of the host, in one form: its protocol always, and before it the address where there is one.
      def published(field, value)
        host_ip, port, protocol = sides(value)
        number = port if port && port.between?(1, 65_535)
        refuse(field, value, 'is no port of the host', PUBLISHED) unless number && (host_ip.nil? || address(host_ip))
        side([host_ip && address(host_ip).to_s, number, protocol])
      end

      # Address, port and protocol of it; nothing where it is none.
      def sides(value)
        parts = value.to_s.strip.match(%r{\A(?:(?:\[([^\]]+)\]|([\d.]+)):)?(\d{1,5})(?:/(tcp|udp|sctp))?\z}i)&.captures
        parts && [parts[0] || parts[1], parts[2].to_i, (parts[3] || 'tcp').downcase]
      end

      # The same as one text.
      def side(parts)
        host_ip, port, protocol = parts
        before = host_ip && (host_ip.include?(':') ? "[#{host_ip}]:" : "#{host_ip}:")
        "#{before}#{port}/#{protocol || 'tcp'}"
      end

      # A container, or an address.
      def destination(field, value)
        valid = address(value.to_s) || value.to_s.match?(%r{\A(/?[A-Za-z0-9][A-Za-z0-9_.-]*|netns:.+|pid:[1-9]\d*)\z})
        refuse(field, value, 'is neither an address nor a container', "#{CONTAINER}, or 10.2.1.4") unless valid
      end

      # A number of bytes, or `auto`.
      def mtu(field, value)
        return 'auto' if value.to_s == 'auto'
        number(field, value, 68..65_535, 'auto, or 68 to 65535')
      end

      def number(field, value, range, allowed = nil)
        valid = value.to_s.match?(%r{\A\d+\z}) && range.cover?(value.to_i)
        refuse(field, value, 'is out of range or no whole number', "allowed: #{allowed || "#{range.first} to #{range.last}"}") unless valid
        value.to_i
      end

      # A network and perhaps the next hop towards it, as a text or as `{to: …, via: …}`.
      def route(field, value)
        text = value.is_a?(Hash) ? value.values_at('to', 'via').compact.join(' via ') : value.to_s
        to, word, via, more = text.split
        refuse(field, value, 'is no route', ROUTE) unless to && more.nil? && (word.nil? || (word == 'via' && via))
        network = cidr(field, to)
        masked = "#{IPAddr.new(network)}/#{network.split('/')[1]}"
        refuse(field, value, "has bits set behind its prefix (the network is #{masked})", ROUTE) unless network == masked
        via ? "#{network} via #{ip(field, via)}" : network
      end

      # Lists may be one text, separated by blanks or commas.
      def list(value)
        Array(value).flat_map { |item| item.is_a?(String) ? item.split(%r{[\s,]+}) : [item] }.reject { |item| item == '' }
      end

      # Routes have blanks of their own.
      def routes(field, value)
        items = Array(value.is_a?(Hash) ? [value] : value)
        items.flat_map { |item| item.is_a?(String) ? item.split(',').map(&:strip) : [item] }.map { |item| route(field, item) }
      end

      def address(text)
        # IPAddr takes a prefix, a zone and brackets, too.
        return if text.nil? || text.match?(%r{[/%\[\]]})
        IPAddr.new(text)
      rescue IPAddr::Error
        nil
      end

      def refuse(field, value, why, allowed)
        raise ArgumentError, "#{field}: `#{value}` #{why}; #{allowed}"
      end
    end
  end
end
