-- Every operation that changes the network, four times, with the kernel as the witness.

local json = require "dkjson"
local lab = require "lab"
local shell = require "shell"

-- Whom frames are flooded to.
local function flood(host)
  local found = {}
  for _, entry in ipairs(json.decode(host:sh("bridge", "-j", "fdb", "show"))) do
    if entry.mac == "00:00:00:00:00:00" and entry.dst then
      found[#found + 1] = entry.dst
    end
  end
  table.sort(found)
  return found
end

describe("on the #network, the operation", function()
  local made, host

  before_each(function()
    made = lab.new(2)
    host = made.hosts[1]
  end)

  after_each(function()
    lab.remove(made)
  end)

  it("launch, connect, forget, stop, reset", function()
    local before = host:state()
    host:four("launch", { peers = { "192.0.2.2", "192.0.2.3" }, mtu = 1400 })
    assert.are.same({ "192.0.2.2", "192.0.2.3" }, flood(host))
    assert.are.equal(1400, host:ip("link", "show", "weave")[1].mtu)
    host:four("connect", { peers = "192.0.2.4" })
    assert.are.same({ "192.0.2.2", "192.0.2.3", "192.0.2.4" }, flood(host))
    host:four("connect", { peers = { "192.0.2.4", "192.0.2.5" }, replace = true })
    assert.are.same({ "192.0.2.4", "192.0.2.5" }, flood(host))
    host:four("forget", { peers = { "192.0.2.5" } })
    assert.are.same({ "192.0.2.4" }, flood(host))
    host:four("stop")
    assert.are.same({}, flood(host))
    host:four("reset")
    assert.are.same(before, host:state())
  end)

  it("attach, detach", function()
    local web = host:container("web")
    host:must("launch")
    host:four("attach", {
      container = web.target,
      ips = { "10.2.1.4/24", "10.2.2.4/24" },
      gateway = "10.2.1.1",
      routes = { "10.9.0.0/16 via 10.2.1.2" },
      mac = "02:00:00:00:00:09",
      multicast = false,
    })
    assert.are.same({ "10.2.1.4/24", "10.2.2.4/24" }, web:addresses("ethwe"))
    assert.are.equal("02:00:00:00:00:09", web:ip("link", "show", "ethwe")[1].address)
    assert.matches("default via 10.2.1.1", web:sh("ip", "route"), 1, true)
    assert.not_matches("224.0.0.0/4", web:sh("ip", "route"), 1, true)
    local rows = {}
    for _, row in ipairs(host:must("ps").result) do
      rows[row.id] = row.ips
    end
    assert.are.same({ ["weave:expose"] = {}, [web.target] = { "10.2.1.4/24", "10.2.2.4/24" } }, rows)
    local told = host:must("announce", { container = web.target, ips = { "10.2.2.4/24" } })
    assert.are.same({ "10.2.2.4/24" }, told.result.announced[1].ips)
    host:four("detach", { container = web.target, ips = { "10.2.2.4/24" } })
    assert.are.same({ "10.2.1.4/24" }, web:addresses("ethwe"))
    host:four("detach", { container = web.target })
    assert.are.same({ "lo" }, web:links())
  end)

  it("expose, hide", function()
    host:must("launch")
    host:four("expose", { ips = "10.2.1.1/24", masquerade = false })
    assert.are.same({ "10.2.1.1/24" }, host:addresses("weave"))
    host:four("hide")
    assert.are.same({}, host:addresses("weave"))
  end)

  it("publish, unpublish", function()
    host:sh("sysctl", "-qw", "net.ipv4.ip_forward=1")
    host:must("launch")
    host:must("expose", { ips = "10.2.1.1/24" })
    host:four("publish", { host_port = 8080, to = "10.2.1.4", port = 80 })
    assert.are.same({ { host_port = 8080, to = "10.2.1.4", port = 80 } }, host:must("status").state.publish)
    host:four("unpublish", { host_port = 8080 })
    assert.are.same({}, host:must("status").state.publish)
  end)

  it("apply, with a fleet that is a table", function()
    local other = made.hosts[2]
    local web, db = host:container("web"), other:container("db")
    local fleet = {
      hosts = {
        one = { address = "192.0.2.1", weave_ip = "10.2.0.1/16" },
        other = { address = "192.0.2.2", weave_ip = "10.2.0.2/16" },
      },
      containers = {
        [web.target] = { host = "one", ip = "10.2.1.4/16" },
        [db.target] = { host = "other", ip = "10.2.1.5/16" },
      },
    }
    host:four("apply", { document = fleet })
    other:four("apply", { document = fleet, host = "other" })
    assert.is_true(web:pings("10.2.1.5"))
    assert.is_true(db:pings("10.2.1.4"))
    assert.is_true(host:pings("10.2.0.2"))
    -- What status tells is a document, too.
    assert.is_false(host:must("apply", { document = host:must("status").state }).changed)
  end)

  it("apply, with tables that are empty: each is what its field is", function()
    local web = host:container("web")
    local containers = { [web.target] = { ips = "10.2.1.4/24", routes = {} } }
    host:four("apply", { document = { router = {}, firewall = {}, peers = {}, expose = {}, containers = containers } })
    assert.are.same({ "10.2.1.4/24" }, web:addresses("ethwe"))
  end)

  it("apply, with a file", function()
    local web = host:container("web")
    local file = made.directory .. "/host.yaml"
    shell.write(file, ('peers: [192.0.2.2]\ncontainers:\n  "%s": {ip: 10.2.1.4/24}\n'):format(web.target))
    host:four("apply", { file = file })
    assert.are.same({ "10.2.1.4/24" }, web:addresses("ethwe"))
  end)

  it("preflight, status, ps, facts, schema, version: they tell, and change nothing", function()
    local before = host:state()
    assert.are.equal(6783, host:must("version").result.port)
    assert.is_table(host:must("facts").result)
    assert.is_table(host:must("status").state)
    assert.are.equal("weave:expose", (host:must("ps").result[1] or { id = "weave:expose" }).id)
    for _, finding in ipairs(host:must("preflight").result.findings) do
      assert.matches("^[ofw][kai][a-z]*$", finding.level)
    end
    for _, document in ipairs { "host", "fleet" } do
      local file = ("../weave-core/schemas/%s.schema.json"):format(document)
      local expected = json.decode(shell.read(file), 1, nil, nil)
      assert.are.same(expected, host:must("schema", { document = document }).result)
    end
    assert.are.same(before, host:state())
  end)
end)
