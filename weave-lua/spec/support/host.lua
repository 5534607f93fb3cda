-- Hosts that are network namespaces. What runs on one is a process of the interpreter that runs these tests.

local assert = require "luassert"
local json = require "dkjson"
local shell = require "shell"
local Space = require "space"

local Host = setmetatable({}, { __index = Space })
Host.__index = Host

local CALL = [[
local json, weave = require "dkjson", require "weave"
local asked = json.decode(arg[1])
local report, err = weave[asked.operation](asked.arguments)
io.write(json.encode { report = report, err = err, text = err and tostring(err) })
]]

-- What passes by itself: clocks of a bridge, the check of a new link's addresses, whether a bridge has a carrier.
local PASSING = { "_timer +[%d.]+", " tentative", "NO%-CARRIER,", ",LOWER_UP", " state %u+" }

local ASKED = {
  { "ip", "-d", "link" },
  { "ip", "address" },
  { "ip", "route" },
  { "bridge", "fdb" },
  { "nft", "list", "ruleset" },
}

-- The program that runs this.
local function interpreter()
  local at = 0
  while arg[at - 1] do
    at = at - 1
  end
  return arg[at]
end

function Host.new(name, directory)
  local host = setmetatable(Space.new(name), Host)
  host.directory, host.containers = directory, {}
  -- An engine on a slow disk keeps a question waiting while it starts or stops a container.
  host.env = { "WEAVE_RUN_DIR=" .. directory .. "/run", "WEAVE_ENGINE_TIMEOUT=300" }
  shell.run("mkdir", "-p", directory)
  return host
end

-- Makes a container on it.
function Host:container(name)
  local container = Space.new(("%s-%s"):format(self.name, name))
  self.containers[#self.containers + 1] = container
  return container
end

-- Runs a program as if this were its machine; returns what it printed, and its exit code.
function Host:run(...)
  local words = { "nsenter", "--net=/run/netns/" .. self.name, "env" }
  for _, list in ipairs { self.env, { ... } } do
    for _, word in ipairs(list) do
      words[#words + 1] = word
    end
  end
  return shell.try((table.unpack or unpack)(words))
end

-- Runs the text of a script on it.
function Host:lua(script, ...)
  local path = self.directory .. "/script.lua"
  shell.write(path, script)
  return self:run(interpreter(), path, ...)
end

-- Runs the script at `path` on it.
function Host:script(path, ...)
  return self:run(interpreter(), path, ...)
end

-- Calls an operation on it; returns the report, or nil, the error and its text.
function Host:call(operation, arguments)
  local printed, code = self:lua(CALL, json.encode { operation = operation, arguments = arguments or {} })
  assert.are.equal(0, code, printed)
  local answer = json.decode(printed, 1, nil, nil)
  return answer.report, answer.err, answer.text
end

-- Calls an operation that has to succeed.
function Host:must(operation, arguments)
  local report, _, text = self:call(operation, arguments)
  assert.is_nil(text)
  return report
end

local function fields(report)
  local names = {}
  for at, change in ipairs(report.changes) do
    names[at] = change.field
  end
  return names
end

-- Check, apply, check, apply: changed, changed, unchanged, unchanged, and a check touches nothing.
function Host:four(operation, arguments)
  local function run(check)
    local copy = { check = check }
    for name, value in pairs(arguments or {}) do
      copy[name] = value
    end
    return self:must(operation, copy)
  end
  local before = self:state()
  local would = run(true)
  assert.are.same({ true, true }, { would.changed, would.check })
  assert.are.same(before, self:state())
  local did = run(false)
  assert.are.same({ true, false }, { did.changed, did.check })
  assert.are.same(fields(would), fields(did))
  for _, check in ipairs { true, false } do
    local again = run(check)
    assert.are.same({ false, {}, {} }, { again.changed, again.changes, again.steps })
  end
  return did
end

-- All that an operation may touch, as the system's own programs print it.
function Host:state()
  local printed = {}
  for _, space in ipairs { self, (table.unpack or unpack)(self.containers) } do
    for _, words in ipairs(ASKED) do
      local text = space:sh((table.unpack or unpack)(words))
      for _, pattern in ipairs(PASSING) do
        text = text:gsub(pattern, "")
      end
      printed[#printed + 1] = text
    end
  end
  return printed
end

function Host:remove()
  if self.engine then
    self.engine:stop()
  end
  for _, container in ipairs(self.containers) do
    container:remove()
  end
  Space.remove(self)
end

return Host
