-- What is returned beside nil, and what it says.

local weave = require "weave"
local lab = require "lab"
local shell = require "shell"

describe("an error", function()
  local report, err

  before_each(function()
    report, err = weave.connect { peers = { "192.0.2.1", "not/a/peer" } }
  end)

  it("comes after nil, with what is known and without what is not", function()
    assert.is_nil(report)
    assert.are.equal("invalid_spec", err.kind)
    assert.are.equal("connect", err.op)
    assert.are.equal("peers[1]", err.subject)
    assert.matches("`not/a/peer` is neither an address nor a host name; allowed: ", err.message, 1, true)
    assert.are.same({ nil, nil, nil }, { err.errno, err.hint, err.report })
    assert.are.same({ {}, {} }, { err.left, err.findings })
  end)

  it("reads as one line", function()
    assert.are.equal("connect: peers[1]: " .. err.message, tostring(err))
    assert.are.equal("no: " .. tostring(err) .. "!", "no: " .. err .. "!")
  end)

  it("passes through error and pcall", function()
    local fine, same = pcall(error, err)
    assert.is_false(fine)
    assert.are.equal(err, same)
    assert.are.equal("connect", same.op)
  end)

  it("passes through the coroutine it is raised in", function()
    local job = coroutine.create(function()
      local _, mine = weave.connect { peers = coroutine.yield() }
      error(mine)
    end)
    assert.is_true(coroutine.resume(job))
    local fine, raised = coroutine.resume(job, { "not/a/peer" })
    assert.is_false(fine)
    assert.are.equal("peers[0]", raised.subject)
  end)
end)

describe("on a host, an error", function()
  local made, host

  before_each(function()
    made = lab.new(1)
    host = made.hosts[1]
  end)

  after_each(function()
    lab.remove(made)
  end)

  it("ends a script that asserts, and tells why", function()
    local word = [[local weave = require "weave" ]]
    local plain, code = host:lua(word .. [[assert(weave.launch { port = 70000 })]])
    assert.are.equal(1, code)
    local named, again = host:lua(word .. [[
      local report, err = weave.launch { port = 70000 }
      assert(report, tostring(err))
    ]])
    assert.are.equal(1, again)
    assert.matches("launch: port: 70000 is out of range", named, 1, true)
    -- Lua's own assert takes nothing but texts there before 5.3.
    if _VERSION ~= "Lua 5.2" and (_VERSION ~= "Lua 5.1" or rawget(_G, "jit")) then
      assert.matches("launch: port: 70000 is out of range", plain, 1, true)
    end
  end)

  it("of what is not there has a next step", function()
    host:must("launch")
    local report, err, text = host:call("attach", { container = "netns:/run/netns/nobody", ips = "10.2.1.4/24" })
    assert.is_nil(report)
    assert.are.same({ "not_found", "netns:/run/netns/nobody" }, { err.kind, err.subject })
    assert.is_string(err.hint)
    assert.are.equal(("attach: %s: %s"):format(err.subject, err.message), text)
  end)

  it("of something foreign leaves the host as it was", function()
    host:must("launch")
    local web = host:container("web")
    web:sh("ip", "link", "add", "ethwe", "type", "bridge")
    local before = host:state()
    local _, err = host:call("attach", { container = web.target, ips = { "10.2.1.4/24" } })
    assert.are.equal("conflict", err.kind)
    assert.matches("ethwe that weave did not make", err.message, 1, true)
    assert.are.same(before, host:state())
  end)

  it("of a file has the kernel's number", function()
    local _, err = host:call("apply", { file = made.directory .. "/nothing.yaml" })
    assert.are.same({ "not_found", 2 }, { err.kind, err.errno })
  end)

  it("of a document that was done in part has the report", function()
    local web = host:container("web")
    local containers = {
      [web.target] = { ips = { "10.2.1.4/24" } },
      ["netns:/run/netns/nobody"] = { ip = "10.2.1.5/24" },
    }
    local report, err = host:call("apply", { document = { peers = { "192.0.2.2" }, containers = containers } })
    assert.is_nil(report)
    assert.are.same({ "not_found", "netns:/run/netns/nobody" }, { err.kind, err.subject })
    assert.is_true(err.report.changed)
    assert.are.equal(1, #err.report.errors)
    assert.is_nil(err.report.errors[1].report)
    assert.are.same({ "10.2.1.4/24" }, web:addresses("ethwe"))
  end)

  it("of a document has all that is wrong with it", function()
    local file = made.directory .. "/host.yaml"
    shell.write(file, "peers: [192.0.2.300]\ncontainers:\n  web: {ip: 10.2.1.4}\n")
    local _, err = host:call("apply", { file = file })
    local found = {}
    for at, finding in ipairs(err.findings) do
      found[at] = { finding.file, finding.line }
    end
    assert.are.same({ { file, 1 }, { file, 3 } }, found)
    local _, both = host:call("apply", { file = file, document = {} })
    assert.matches("one of the two", both.message, 1, true)
  end)
end)
