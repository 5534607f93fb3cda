-- What is raised: values that no document can hold, with their place. Nothing here gets as far as the host.

local weave = require "weave"

local function raised(operation, ...)
  local fine, message = pcall(weave[operation], ...)
  assert.is_false(fine)
  assert.is_string(message)
  return message
end

describe("a call", function()
  it("takes one table", function()
    local message = raised("attach", "web")
    assert.are.equal("attach: takes one table, not a string; allowed: weave.attach { name = value }", message)
    assert.matches("takes one table, not 2 arguments", raised("attach", "web", "10.2.1.4/24"))
    assert.matches("takes one table, not 2 arguments", raised("attach", weave, {}))
    assert.matches("attach: a list is no arguments", raised("attach", { "web", "10.2.1.4/24" }))
    assert.is_table(weave.version().result)
    assert.is_table(weave.version(nil).result)
    assert.is_table(weave.version({}).result)
  end)

  it("raises where it stands", function()
    local _, message = pcall(function()
      weave.attach "web"
    end)
    assert.matches("arguments_spec.lua:%d+: attach: takes one table", message)
    local _, inner = pcall(function()
      weave.apply { document = print }
    end)
    assert.matches("arguments_spec.lua:%d+: apply: document: a function", inner)
  end)

  it("names the value that is no data", function()
    local function document(value)
      return raised("apply", { document = value })
    end
    assert.matches("^apply: document.peers%[2%]: a function is no plain data", document { peers = { "a", print } })
    assert.matches("document.a.b: a thread", document { a = { b = coroutine.create(function() end) } })
    assert.matches("document: a userdata", document(io.stdout))
    assert.matches("document.mtu: nan is no number", document({ mtu = 0 / 0 }):lower())
    assert.matches("document.mtu: inf is no number", document { mtu = 1 / 0 })
    assert.matches("document.a: this text is not in UTF%-8", document { a = "\255" })
    assert.matches("document: this text is not in UTF%-8", document { ["\255"] = 1 })
  end)

  if rawget(_G, "jit") then
    it("names what only LuaJIT has", function()
      local number = require("ffi").new("int64_t", 1400)
      assert.matches("^launch: mtu: a cdata is no plain data", raised("launch", { mtu = number }))
    end)
  end

  it("names a table that is neither list nor map", function()
    local function peers(value)
      return raised("apply", { document = { peers = value } })
    end
    assert.matches("document.peers: with the key 3 this is neither a list nor a map", peers { "a", nil, "b" })
    assert.matches("document.peers: with the key 1 this is neither", peers { "a", x = "b" })
    assert.matches("document.peers: with the key 0 this is neither", peers { [0] = "a" })
    assert.matches("document.peers: with the key 1.5 this is neither", peers { [1.5] = "a" })
    assert.matches("document.peers: with the key true this is neither", peers { [true] = "a" })
    assert.matches("attach: with the key 1 this is neither", raised("attach", { "web", ips = "10.2.1.4/24" }))
    local round = {}
    round[1] = round
    assert.matches("does one contain itself", peers(round))
  end)

  it("takes check as true or false", function()
    assert.matches('^attach: check: "yes" does not fit; allowed: true, false', raised("attach", { check = "yes" }))
    assert.matches("^attach: check: 1 does not fit", raised("attach", { check = 1 }))
  end)

  it("leaves its table as it was", function()
    local arguments = { peers = { "not/a/peer" }, check = true }
    assert.is_nil(weave.connect(arguments))
    assert.are.same({ peers = { "not/a/peer" }, check = true }, arguments)
  end)

  it("counts in whole numbers, also where Lua has none", function()
    local _, err = weave.launch { port = 70000.0 }
    assert.matches("70000 ", err.message .. " ", 1, true)
    local _, other = weave.launch { mtu = 1400.5 }
    assert.matches("`1400.5` is no MTU", other.message, 1, true)
  end)
end)
