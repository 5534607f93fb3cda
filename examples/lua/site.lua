-- A site that is computed, not written out: each host's addresses, its web server, and by which names that knows the
-- others come from the host's number. What is returned is a table like the one in examples/fleet.yaml.

local HOSTS = 3

local site = { hosts = {}, containers = {}, subnets = { "10.2.0.0/16" } }

local names = {}
for number = 1, HOSTS do
  names[number] = ("web%d:10.2.1.%d"):format(number, number)
end

local function web(host, number)
  local ip = ("10.2.1.%d/16"):format(number)
  local options = { restart = "always", add_host = names }
  return { host = host, ip = ip, image = "busybox", command = "httpd -f", options = options }
end

for number = 1, HOSTS do
  local host = ("dockerhost%03d"):format(number)
  site.hosts[host] = { address = "192.0.2." .. number, weave_ip = ("10.2.0.%d/16"):format(number) }
  site.containers["web" .. number] = web(host, number)
end

return site
