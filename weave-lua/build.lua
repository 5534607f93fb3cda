-- What luarocks runs: builds the module for the Lua that this is, and puts it into the directory that is named.
-- WEAVE_PROFILE is cargo's profile (release).
local directory = assert(arg[1], "usage: lua build.lua DIRECTORY")
local profile = os.getenv("WEAVE_PROFILE") or "release"
local abi = rawget(_G, "jit") and "luajit" or (_VERSION:lower():gsub("[ .]", ""))
local target = os.getenv("CARGO_TARGET_DIR") or "../target"

local function quoted(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function run(words)
  for at, word in ipairs(words) do
    words[at] = quoted(word)
  end
  local line = table.concat(words, " ")
  local done = os.execute(line)
  -- 5.1 returns the exit code, and newer ones whether it was 0.
  assert(done == true or done == 0, line .. " failed")
end

local features = { "--no-default-features", "--features", abi }
run { "cargo", "build", "--locked", "--profile", profile, "-p", "weave-lua", (table.unpack or unpack)(features) }
local library = ("%s/%s/libweave_lua.so"):format(target, profile == "dev" and "debug" or profile)
run { "install", "-D", library, directory .. "/weave.so" }
