-- What editors are told is what there is: every operation, and every field of each.

local weave = require "weave"
local shell = require "shell"

local text = shell.read("weave.d.lua")

-- Name and meaning of each field of a class.
local function fields_of(class)
  local block = text:match("\n%-%-%-@class " .. class:gsub("%.", "%%.") .. "[^\n]*\n(.-)\n\n")
  local fields = {}
  for line in ((block or "") .. "\n"):gmatch("%-%-%-@field ([^\n]*)\n") do
    local name, rest = line:match("^([%w_]+)%??%s+(.*)$")
    fields[name] = rest
  end
  return fields
end

-- Those that an operation names where it is given another.
local function fields_of_operation(name)
  local _, err = weave[name] { no_such_argument = 1 }
  local fields = {}
  for field in err.message:match("allowed: (.*)$"):gmatch("[%l_]+") do
    fields[field] = true
  end
  return fields
end

local READS = { preflight = true, status = true, ps = true, facts = true, schema = true, version = true }

describe("the annotations", function()
  it("name each function, and no other", function()
    local named = {}
    for name in text:gmatch("\nfunction weave%.([%w_]+)%(arguments%) end") do
      named[name] = "function"
    end
    named._VERSION = text:match("\nweave%._VERSION = ") and "string"
    local there = {}
    for name, value in pairs(weave) do
      there[name] = type(value)
    end
    assert.are.same(there, named)
    assert.is_function(assert(loadfile("weave.d.lua")))
  end)

  for name, operation in pairs(weave) do
    if type(operation) == "function" then
      it("name each field of " .. name .. ", and what it means", function()
        local meaning, class = text:match("\n%-%-%-([^@\n]+%.)\n%-%-%-@param arguments%?? (weave%.%u%l+)\n"
          .. "%-%-%-@return weave%.Report%? report\n%-%-%-@return weave%.Error%? err\nfunction weave%." .. name .. "%(")
        assert.is_string(meaning)
        local expected, named = fields_of_operation(name), {}
        expected.check = not READS[name] or nil
        -- The document of a container has its name before it.
        expected.name = expected.name or name == "run" or nil
        for field, words in pairs(fields_of(class)) do
          named[field] = true
          assert.matches("^%S.* %u.*[.]$", words, field)
        end
        assert.are.same(expected, named)
      end)
    end
  end

  it("name the parts of a report and of an error", function()
    local function keys(value)
      local names = {}
      for name in pairs(value) do
        names[name] = true
      end
      return names
    end
    local report = fields_of("weave.Report")
    for name in pairs(keys(weave.version())) do
      assert.is_string(report[name], name)
    end
    local failure, own = fields_of("weave.Failure"), fields_of("weave.Error")
    for name in pairs(keys(select(2, weave.launch { port = 0 }))) do
      assert.is_string(failure[name] or own[name], name)
    end
  end)
end)
