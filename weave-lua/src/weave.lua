-- What users of Lua see. It is Lua, so what is raised is a text with the place of the call.

local native = ...

-- A failure that one has to reckon with: returned, not raised.
local Error = { __name = "weave.Error" }

function Error.__tostring(err)
  local parts = {}
  for _, part in ipairs { err.op or "", err.subject, err.message } do
    if part ~= "" then
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, ": ")
end

function Error.__concat(left, right)
  return tostring(left) .. tostring(right)
end

-- A copy, so that a report whose first error it is does not contain itself.
local function failure(reported, report)
  local err = { left = {}, findings = {}, report = report }
  for name, value in pairs(reported) do
    err[name] = value
  end
  return setmetatable(err, Error)
end

local function operation(name)
  return function(...)
    local arguments = ...
    if select("#", ...) > 1 or arguments ~= nil and type(arguments) ~= "table" then
      local given = select("#", ...) > 1 and select("#", ...) .. " arguments" or "a " .. type(arguments)
      error(("%s: takes one table, not %s; allowed: weave.%s { name = value }"):format(name, given, name), 2)
    end
    local answer, wrong = native.call(name, arguments or {})
    if wrong then
      error(wrong, 2)
    elseif answer.error then
      return nil, failure(answer.error)
    elseif answer.errors[1] then
      return nil, failure(answer.errors[1], answer)
    end
    return answer
  end
end

local weave = { _VERSION = "weave " .. native.version }
for _, name in ipairs(native.operations) do
  weave[name] = operation(name)
end
return weave
