-- A site as it is computed, not written out: every host gets its address, its web server and its neighbours' names
-- from its number. A table like that of examples/fleet.yaml comes out of it.

local HOSTS = 3

local hosts, containers = {}, {}

local function web()
  local names = {}
  for other = 1, HOSTS do
    names[other] = ("web%d:10.2.1.%d"):format(other, other)
  end
  return { image = "busybox", command = "httpd -f", options = { restart = "always", add_host = names } }
end

for number = 1, HOSTS do
  local name = ("dockerhost%03d"):format(number)
  hosts[name] = { address = "192.0.2." .. number, weave_ip = ("10.2.0.%d/16"):format(number) }
  containers["web" .. number] = web()
  containers["web" .. number].host = name
  containers["web" .. number].ip = ("10.2.1.%d/16"):format(number)
end

return { hosts = hosts, containers = containers, subnets = { "10.2.0.0/16" } }
