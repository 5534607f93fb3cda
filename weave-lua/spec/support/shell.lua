-- Runs programs. Lua 5.1 does not tell how one ended, so a last line of its output does.

local shell = {}

local function quoted(words)
  local line = {}
  for at, word in ipairs(words) do
    line[at] = "'" .. tostring(word):gsub("'", "'\\''") .. "'"
  end
  return table.concat(line, " ")
end

-- Returns what the program printed, and its exit code.
function shell.try(...)
  local pipe = assert(io.popen(quoted { ... } .. ' </dev/null 2>&1; echo "|$?"'))
  local output = pipe:read("*a")
  pipe:close()
  local printed, code = output:match("^(.*)|(%d+)\n$")
  return printed, tonumber(code)
end

-- Returns what the program printed; it has to succeed.
function shell.run(...)
  local printed, code = shell.try(...)
  if code ~= 0 then
    error(("%s: %s"):format(table.concat({ ... }, " "), printed), 2)
  end
  return printed
end

-- Starts a program that goes on, and returns its process id.
function shell.start(log, ...)
  return shell.run("sh", "-c", 'log=$1; shift; "$@" >"$log" 2>&1 & echo $!', "sh", log, ...):match("%d+")
end

-- Asks again and again until `done` says yes, for `seconds`.
function shell.wait(seconds, what, done)
  for _ = 1, seconds * 10 do
    if done() then
      return
    end
    shell.run("sleep", "0.1")
  end
  error(("waited %d s for %s"):format(seconds, what), 2)
end

function shell.read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

function shell.write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

return shell
