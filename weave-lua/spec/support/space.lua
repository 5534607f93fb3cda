-- Network namespaces, which play the containers; and what the system's own programs say of them.

local json = require "dkjson"
local shell = require "shell"

local Space = {}
Space.__index = Space

function Space.new(name)
  local space = setmetatable({ name = name, target = "netns:/run/netns/" .. name }, Space)
  shell.run("ip", "netns", "add", name)
  space:sh("ip", "link", "set", "lo", "up")
  return space
end

function Space:sh(...)
  return shell.run("ip", "netns", "exec", self.name, ...)
end

-- Asks `ip` for data.
function Space:ip(...)
  return assert(json.decode(self:sh("ip", "-j", "-d", ...)))
end

function Space:links()
  local names = {}
  for at, link in ipairs(self:ip("link", "show")) do
    names[at] = link.ifname
  end
  table.sort(names)
  return names
end

-- The global addresses of a link.
function Space:addresses(link)
  local found = {}
  for _, entry in ipairs(self:ip("address", "show", "dev", link)) do
    for _, address in ipairs(entry.addr_info or {}) do
      if address.scope == "global" then
        found[#found + 1] = ("%s/%d"):format(address["local"], address.prefixlen)
      end
    end
  end
  return found
end

-- Sends packets that fill a frame and must not be split, until one is answered.
function Space:pings(address)
  return (pcall(shell.wait, 300, "an answer of " .. address, function()
    local _, code = shell.try("ip", "netns", "exec", self.name, "ping", "-c1", "-W2", "-Mdo", "-s1300", address)
    return code == 0
  end))
end

function Space:remove()
  shell.try("ip", "netns", "delete", self.name)
end

return Space
