-- Hosts that reach each other over a wire of their own.

local shell = require "shell"
local Host = require "host"
local Space = require "space"

local lab = {}

-- Makes `count` hosts, with the addresses 192.0.2.1, 192.0.2.2, …
function lab.new(count)
  assert(shell.run("id", "-u") == "0\n", "these tests make network namespaces: run them as root")
  local directory = shell.run("mktemp", "-d", "/run/weave-lua.XXXXXX"):match("%S+")
  local mark = "wlua" .. directory:match("%w+$")
  local made = { directory = directory, hosts = {} }
  made.wire = Space.new(mark .. "-wire")
  made.wire:sh("ip", "link", "add", "wire", "type", "bridge")
  made.wire:sh("ip", "link", "set", "wire", "up")
  for number = 1, count do
    local name, port = ("%s-h%d"):format(mark, number), "p" .. number
    local host = Host.new(name, ("%s/%d"):format(directory, number))
    made.wire:sh("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
    made.wire:sh("ip", "link", "set", port, "master", "wire", "up")
    host:sh("ip", "address", "add", ("192.0.2.%d/24"):format(number), "dev", "eth0")
    host:sh("ip", "link", "set", "eth0", "up")
    -- Its own address comes when the kernel has noticed the carrier, and is checked for a while.
    shell.wait(300, "the address of eth0", function()
      local own = host:sh("ip", "-6", "address", "show", "dev", "eth0", "scope", "link")
      return own:find("fe80", 1, true) and not own:find("tentative", 1, true)
    end)
    made.hosts[number] = host
  end
  return made
end

function lab.remove(made)
  for _, host in ipairs(made.hosts) do
    host:remove()
  end
  made.wire:remove()
  shell.run("rm", "-rf", made.directory)
end

return lab
