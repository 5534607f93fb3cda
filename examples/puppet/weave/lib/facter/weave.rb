# What weave tells of this host's containers: one process for all facts, and no fact where there is no weave.
require 'json'

told = nil
tell = lambda do |fact|
  told ||= begin
    program = Facter::Core::Execution.which('weave')
    text = program && Facter::Core::Execution.execute("#{program} facts --json", timeout: 30, on_fail: nil)
    JSON.parse(text.to_s)['result'] || {}
  rescue JSON::ParserError
    {}
  end
  told[fact]
end

['docker_hosted_containers', 'weave_networked_containers', 'weave_router_ip_on_docker_bridge'].each do |fact|
  Facter.add(fact) do
    confine kernel: 'Linux'
    setcode { tell.call(fact) }
  end
end
