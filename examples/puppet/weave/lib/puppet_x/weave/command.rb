require 'json'
require 'open3'

module PuppetX
  module Weave
    # The command `weave`, which alone looks at a host and changes it. It is given JSON and answers in JSON.
    module Command
      @generation = 0

      class << self
        # Grows with everything that is changed: what was seen before counts no more.
        attr_reader :generation

        # Does an operation, or with `check` says what it would do. What is asked goes through stdin, where no list of
        # processes shows it.
        def call(operation, arguments = {}, check: false, secrets: [])
          Puppet.debug("weave call #{operation} - --json#{' --check' if check}")
          report = run(['call', operation, '-', '--json', *('--check' if check)], JSON.generate(arguments), secrets)
          warn(report, secrets) unless check
          report
        ensure
          # Something may have been done before it failed.
          @generation += 1 unless check
        end

        # Passes on what weave warns of.
        def warn(report, secrets = [])
          report.fetch('warnings').each { |text| Puppet.warning("weave #{report['operation']}: #{Secret.hide(text, secrets)}") }
        end

        # Everything that stands on this host; asked again only after a change.
        def status
          remember(:status) { run(['status', '--json']) }
        end

        # The containers of this host as the engine tells of them, values of their environment hidden.
        def facts
          remember(:facts) { run(['facts', '--json']) }
        end

        # Forgets what was seen: between two runs anybody may have changed the host.
        def forget
          @generation += 1
        end

        private

        def remember(what)
          @seen = { generation: @generation } unless @seen && @seen[:generation] == @generation
          @seen[what] ||= yield
        end

        def run(words, stdin = '', secrets = [])
          program = Puppet::Util.which('weave') or raise Puppet::Error, 'the command `weave` is not on PATH; install it first'
          stdout, stderr, = Open3.capture3(program, *words, stdin_data: stdin)
          report = parse(stdout) or raise Puppet::Error, Secret.hide(foreign(program, stdout + stderr), secrets)
          errors = report['failed'] ? [report['error']] : report.fetch('errors')
          return report if errors.empty?
          raise Puppet::Error, Secret.hide(errors.flat_map { |error| told(error) }.join("\n"), secrets)
        end

        def parse(text)
          report = JSON.parse(text)
          report if report.is_a?(Hash) && report.key?('operation')
        rescue JSON::ParserError
          nil
        end

        def foreign(program, text)
          "#{program} does not answer as weave does: #{text.strip.lines.last(3).join.strip}; " \
            'see that it is this weave, and no older than the module'
        end

        # An error with what it is about and what to do; a document has one for each thing that is wrong with it.
        def told(error)
          return error['findings'].reject { |finding| finding['level'] == 'warning' }.flat_map { |f| told(f) } if error['findings']
          text = [error['subject'], error['message']].compact.reject(&:empty?).join(': ')
          text = "weave #{error['op']}: #{text}" if error['op']
          text += "; #{error['hint']}" if error['hint']
          text += "; left behind: #{error['left'].join(', ')}" if error['left']
          [text]
        end
      end
    end
  end
end
