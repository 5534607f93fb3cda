-- What needs an engine: containers and images from data, and the example.

local json = require "dkjson"
local Engine = require "engine"
local lab = require "lab"

describe("with an #engine", function()
  local made, host, engine

  before_each(function()
    made = lab.new(1)
    host = made.hosts[1]
    engine = Engine.start(host)
  end)

  after_each(function()
    lab.remove(made)
  end)

  it("run, facts, remove", function()
    host:must("launch")
    host:four("run", {
      name = "web",
      image = "busybox",
      command = { "sleep", "1000000" },
      options = { env = { GREETING = "a word" }, network = "none", stop_signal = "SIGKILL" },
      ips = { "10.2.1.4/24" },
      routes = {},
    })
    assert.matches("10.2.1.4/24", engine:docker("exec", "web", "ip", "address", "show", "ethwe"), 1, true)
    assert.are.equal("a word\n", engine:docker("exec", "web", "sh", "-c", "echo $GREETING"))
    local hidden = host:must("facts").result
    local told = host:must("facts", { mask_env = false }).result
    assert.not_matches("a word", json.encode(hidden), 1, true)
    assert.matches("a word", json.encode(told), 1, true)
    host:four("remove", { name = "web" })
    assert.are.equal("", engine:docker("ps", "-aq"))
  end)

  it("build", function()
    local dockerfile = "FROM busybox\nARG WORD\nENV GREETING=$WORD\n"
    host:four("build", { tag = "site:1", content = dockerfile, build_args = { WORD = "hello" }, labels = {} })
    assert.matches("GREETING=hello", engine:docker("image", "inspect", "site:1"), 1, true)
  end)

  it("the example", function()
    local function apply(...)
      local printed, code = host:script("../examples/lua/apply.lua", "../examples/lua/site.lua", ...)
      assert.are.equal(0, code, printed)
      return printed
    end
    local usage, code = host:script("../examples/lua/apply.lua", "../examples/lua/site.lua", "--chek")
    assert.are.same({ "usage: lua5.4 apply.lua SITE.lua [--check]\n", 2 }, { usage, code })
    assert.are.equal("", engine:docker("ps", "-aq"))
    assert.matches("containers.web1\t", apply("--check"), 1, true)
    assert.are.equal("", engine:docker("ps", "-aq"))
    local did = apply()
    assert.matches("changed\n", did, 1, true)
    assert.not_matches("would change", did, 1, true)
    assert.matches("10.2.1.3\tweb3", engine:docker("exec", "web1", "cat", "/etc/hosts"), 1, true)
    assert.are.equal("unchanged\n", apply("--check"))
    assert.are.equal("unchanged\n", apply())
  end)
end)
