-- A Docker engine of a host's own, with one image that is made of the machine's busybox.

local shell = require "shell"

local Engine = {}
Engine.__index = Engine

-- Makes the image's root directory.
local function make_root(root)
  for _, name in ipairs { "bin", "proc", "sys", "dev", "etc", "tmp" } do
    shell.run("mkdir", "-p", root .. "/" .. name)
  end
  shell.run("cp", shell.run("sh", "-c", "command -v busybox"):match("%S+"), root .. "/bin/busybox")
  shell.run("chroot", root, "/bin/busybox", "--install", "-s", "/bin")
end

-- Whether a process goes on; one that ended may still be listed, where nobody collects it.
local function alive(pid)
  local stat = io.open(("/proc/%s/stat"):format(pid))
  local state = stat and (stat:read("*l") or ""):match("%) (%a)")
  if stat then
    stat:close()
  end
  return state and state ~= "Z"
end

local function ended(pid)
  return pcall(shell.wait, 300, "the end of process " .. pid, function()
    return not alive(pid)
  end)
end

function Engine.start(host)
  local directory = host.directory .. "/engine"
  local function path(name)
    return directory .. "/" .. name
  end
  local engine = setmetatable({ host = host, processes = {} }, Engine)
  host.engine = engine
  make_root(path("root"))
  shell.write(path("containerd.toml"), ([[
version = 2
root = "%s"
state = "%s"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "%s"
[plugins."io.containerd.internal.v1.opt"]
  path = "%s"
]]):format(path("containerd"), path("containerd-run"), path("containerd.sock"), path("opt")))
  -- Engines up to 22 write a key into the machine's own configuration.
  local old = tonumber(shell.run("dockerd", "--version"):match("version (%d+)")) < 23
  shell.write(path("daemon.json"), old and ('{"deprecated-key-path": "%s"}'):format(path("key.json")) or "{}")
  engine:spawn(path("containerd.log"), "containerd", "--config", path("containerd.toml"))
  engine:spawn(path("dockerd.log"), "dockerd", "--config-file", path("daemon.json"), "--data-root", path("docker"),
    "--exec-root", path("docker-run"), "--pidfile", path("docker.pid"), "--host", "unix://" .. path("docker.sock"),
    "--containerd", path("containerd.sock"), "--storage-driver", "vfs", "--exec-opt", "native.cgroupdriver=cgroupfs",
    "--cgroup-parent", "/" .. host.name, "--iptables=false", "--bridge=none")
  host.env[#host.env + 1] = "DOCKER_HOST=unix://" .. path("docker.sock")
  host.env[#host.env + 1] = "DOCKER_CONFIG=" .. path("config")
  shell.wait(300, "dockerd to answer", function()
    assert(alive(engine.processes[1]), shell.read(path("dockerd.log")))
    local _, code = host:run("docker", "version")
    return code == 0
  end)
  shell.run("tar", "-C", path("root"), "-cf", path("image.tar"), ".")
  engine:docker("import", path("image.tar"), "busybox:latest")
  return engine
end

-- Starts a daemon on the host; the last one is the first to end.
function Engine:spawn(log, ...)
  table.insert(self.processes, 1, shell.start(log, "nsenter", "--net=/run/netns/" .. self.host.name, ...))
end

-- Runs the docker command; it has to succeed.
function Engine:docker(...)
  local printed, code = self.host:run("docker", ...)
  assert(code == 0, printed)
  return printed
end

-- Ends it and its containers; nothing of them is left, also after a failure.
function Engine:stop()
  for id in self.host:run("docker", "ps", "-aq"):gmatch("%S+") do
    self.host:run("docker", "rm", "-f", "-v", id)
  end
  for _, pid in ipairs(self.processes) do
    shell.try("kill", pid)
    if not ended(pid) then
      shell.run("kill", "-9", pid)
      assert(ended(pid))
    end
  end
  local groups = shell.run("find", "/sys/fs/cgroup", "-maxdepth", "2", "-name", self.host.name)
  for group in groups:gmatch("%S+") do
    shell.run("find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";")
  end
end

return Engine
