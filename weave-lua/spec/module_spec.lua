-- The module itself: no function of it is without its wrapper, and it gets on with the interpreter.

local weave = require "weave"
local lab = require "lab"

describe("the module", function()
  it("is its operations and its version, and no global", function()
    assert.matches("^weave %d+%.%d+%.%d+$", weave._VERSION)
    assert.is_nil(rawget(_G, "weave"))
    for name, value in pairs(weave) do
      assert.are.equal(name == "_VERSION" and "string" or "function", type(value), name)
    end
    assert.are.equal(weave._VERSION, "weave " .. weave.version().result.version)
  end)

  for name, operation in pairs(weave) do
    if type(operation) == "function" then
      it("raises a text and returns a table: " .. name, function()
        local fine, message = pcall(operation, 5)
        assert.is_false(fine)
        assert.matches("^" .. name .. ": takes one table, not a number; allowed: weave%." .. name .. " {", message)
        local same, raised = pcall(operation, { no_such_argument = print })
        assert.is_false(same)
        assert.matches("^" .. name .. ": no_such_argument: a function is no plain data", raised)
        local report, err = operation { no_such_argument = 1 }
        assert.is_nil(report)
        assert.are.same({ "invalid_spec", name, "no_such_argument" }, { err.kind, err.op, err.subject })
        assert.matches("^" .. name .. ": no_such_argument: ", tostring(err))
        -- What asks for check mode can be no argument of an operation.
        assert.is_nil((" " .. err.message .. ","):match("[ ,]check,"))
      end)
    end
  end

  it("returns what is absent as nil, never as a value that is true", function()
    local function walk(value)
      assert.are_not.equal("userdata", type(value))
      if type(value) == "table" then
        for key, item in pairs(value) do
          walk(key)
          walk(item)
        end
      end
    end
    local report = weave.version()
    walk(report)
    assert.is_nil(report.state)
    assert.are.same({}, report.changes)
    walk(weave.schema { document = "fleet" })
    walk { select(2, weave.launch { port = 0 }) }
  end)

  it("leaves its tables to the collector", function()
    local kept = setmetatable({}, { __mode = "v" })
    for _ = 1, 200 do
      kept.report = weave.schema { document = "fleet" }
      kept.err = select(2, weave.launch { port = 0 })
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(kept.report)
    assert.is_nil(kept.err)
    local before = collectgarbage("count")
    for _ = 1, 200 do
      weave.schema { document = "fleet" }
      pcall(weave.apply, { document = { print } })
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(collectgarbage("count") - before < 256)
  end)
end)

describe("on a host, the module", function()
  local made, host

  before_each(function()
    made = lab.new(1)
    host = made.hosts[1]
  end)

  after_each(function()
    lab.remove(made)
  end)

  it("works in coroutines, also where the one that loaded it is gone", function()
    local printed, code = host:lua [[
      local weave = coroutine.wrap(function()
        return (require "weave")
      end)()
      for _ = 1, 5000 do
        coroutine.create(function() end)
      end
      collectgarbage()
      local function work(number)
        local report = assert(weave.launch { peers = { "192.0.2.1" .. number }, check = true })
        coroutine.yield(#report.changes > 0)
        local _, err = weave.connect { peers = { "not/a/peer" } }
        coroutine.yield(err.subject == "peers[0]")
        local _, message = pcall(weave.apply, { document = print })
        return message:match("document: a function") ~= nil
      end
      for number = 1, 5 do
        local job = coroutine.wrap(work)
        assert(job(number))
        assert(job())
        collectgarbage()
        assert(job())
      end
      print("fine")
    ]]
    assert.are.same({ "fine\n", 0 }, { printed, code })
    assert.are.same({ "eth0", "lo" }, host:links())
  end)

  it("makes an error of a panic, and the program goes on", function()
    local printed, code = host:lua [[
      local weave = require "weave"
      -- Without a file descriptor to be had, there is no runtime to be made.
      local held, file = {}, io.open("/dev/null")
      while file do
        held[#held + 1], file = file, io.open("/dev/null")
      end
      local report, err = weave.status()
      for _, each in ipairs(held) do
        each:close()
      end
      io.write(tostring(report), "|", err.kind, "|", err.op, "|", tostring(err), "|", #err.left, "\n")
      assert(weave.status())
      print("goes on")
    ]]
    assert.are.equal(0, code, printed)
    assert.matches("nil|panic|status|status: no runtime: Too many open files", printed, 1, true)
    assert.matches("goes on\n$", printed)
  end)
end)
