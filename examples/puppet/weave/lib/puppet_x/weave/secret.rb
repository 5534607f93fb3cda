module PuppetX
  module Weave
    # Values that nobody may read in logs and reports.
    module Secret
      SHOWN = '[redacted]'.freeze
      # Shorter pieces of a secret are in every second word.
      SHORTEST = 4

      module_function

      # The plain value, and the texts in it that were wrapped as Sensitive.
      def reveal(value, inside = false)
        case value
        when Puppet::Pops::Types::PSensitiveType::Sensitive then reveal(value.unwrap, true)
        when Hash
          pairs = value.map { |key, item| [reveal(key, inside), reveal(item, inside)] }
          [pairs.to_h { |key, item| [key[0], item[0]] }, pairs.flatten(1).flat_map(&:last)]
        when Array
          items = value.map { |item| reveal(item, inside) }
          [items.map(&:first), items.flat_map(&:last)]
        else [value, inside ? [value.to_s] : []]
        end
      end

      # All texts of a value.
      def texts(value)
        case value
        when Hash then value.flat_map { |key, item| texts(key) + texts(item) }
        when Array then value.flat_map { |item| texts(item) }
        else [value.to_s]
        end
      end

      # `text` without the secrets, and without what is left of them where they were taken apart.
      def hide(text, secrets)
        pieces = secrets + secrets.flat_map { |secret| secret.split(%r{[\s=,'"]+}) }
        pieces = pieces.select { |piece| piece.length >= SHORTEST }.uniq.sort_by { |piece| -piece.length }
        pieces.reduce(text) { |shown, piece| shown.gsub(piece, SHOWN) }
      end
    end
  end
end
