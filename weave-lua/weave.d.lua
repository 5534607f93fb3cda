---@meta weave

-- What editors with LuaLS know of `require "weave"`: add this file's directory to `workspace.library`.
-- An argument that is not given is not managed, or what stands in parentheses holds.

---One text, or several; in one text they stand apart by blanks or commas.
---@alias weave.Words string|string[]

---Options of `docker run`: a line, a list of words, or a map.
---@alias weave.Options string|string[]|table<string, any>

---A host's document or a whole fleet's, as in a file of YAML.
---@alias weave.Document table<string, any>

---@class weave.Change One difference between what was and what is.
---@field subject string What changes: `router`, `peers`, `containers.web`, …
---@field field string Which of its fields.
---@field before? any Absent where there was nothing.
---@field after? any Absent where nothing is left.

---@class weave.Report What an operation did, or with `check` would do.
---@field operation string
---@field check boolean Whether it stopped after the plan.
---@field changed boolean Whether anything was, or would be, changed.
---@field changes weave.Change[] What changed, in the words of a document.
---@field steps string[] What was done, each as the command line that it equals.
---@field warnings string[] What the operator should know.
---@field errors weave.Failure[] Containers that could not be served; then the report is that of an error.
---@field state? weave.Document The host afterwards, as far as it was looked at; `weave.apply` takes it.
---@field result? any What a reading operation read.

---@class weave.Finding One thing that is wrong with a document.
---@field level "error"|"warning"
---@field file? string Where the document came from a file.
---@field line? integer Counted from 1.
---@field column? integer Counted from 1.
---@field subject string The key, as the document's JSON has it: `containers.web.ips[0]` is the first of them.
---@field message string What is wrong, and what would be right.
---@field hint? string What to do about it.

---@class weave.Failure
---@field kind weave.Kind
---@field op? string The operation.
---@field subject string The field, container, link or file it is about. Lists of documents count from 0.
---@field message string The cause in words.
---@field errno? integer The kernel's error number.
---@field hint? string What to do about it.
---@field left? string[] What could not be put back.
---@field findings? weave.Finding[] All that is wrong with a document.

---@class weave.Error: weave.Failure `tostring` makes one line of it: the operation, the subject, the cause.
---@field left string[]
---@field findings weave.Finding[]
---@field report? weave.Report That of an operation of which a part succeeded; `report.errors` has all that failed.

---What sort of failure it was. `panic` is a fault of weave itself, or a process without files or threads left.
---@alias weave.Kind
---| "invalid_spec"
---| "not_found"
---| "conflict"
---| "permission_denied"
---| "container_not_running"
---| "kernel"
---| "docker"
---| "firewall"
---| "router"
---| "verify_failed"
---| "timeout"
---| "unsupported"
---| "panic"

local weave = {}

---@type string The module's version: `weave 0.1.0`.
weave._VERSION = ""

---@class weave.Apply
---@field document? weave.Document A host's document or a whole fleet's; this or `file`.
---@field file? string The path of a document.
---@field host? string Which of a fleet's hosts this one is, where its name and addresses do not tell.
---@field only? "all"|"network" Which part of the document: `network` runs and removes no container, and needs no engine (`all`).
---@field check? boolean Stop after the plan and touch nothing (false).

---Brings this host to what a document says of it.
---@param arguments weave.Apply
---@return weave.Report? report
---@return weave.Error? err
function weave.apply(arguments) end

---@class weave.Launch
---@field peers? weave.Words Peers to connect to, besides those it has: addresses or names, with `:port` where it is another.
---@field kind? "vxlan"|"image" How frames are carried (`vxlan`).
---@field port? integer Port of the router (6783).
---@field vni? integer VXLAN network identifier, 1 to 16777215 (6783).
---@field mtu? integer|"auto" MTU of the network in bytes (`auto`: what the ways to the peers leave).
---@field underlay? string The host's address for the tunnel: address, interface or network; needed where several would do (`auto`).
---@field bridge? string The name of the bridge (`weave`).
---@field image? string Kind `image`: the router's image, such as `weaveworks/weave:2.8.1`.
---@field name? string Kind `image`: the name of the router's container (`weave`).
---@field args? string|string[] Kind `image`: further arguments of the router (none).
---@field docker_options? weave.Options Kind `image`: options of `docker run` for the router's container (none).
---@field password_file? string Kind `image`: absolute path of the file with the network's password (none: nothing is encrypted).
---@field nickname? string Kind `image`: what the host is called in the router's reports (the host's name).
---@field peer_name? string Kind `image`: the name of the router among its peers (the bridge's MAC).
---@field trusted_subnets? weave.Words Kind `image`: networks of the underlay where nothing is encrypted (none).
---@field ipalloc_range? string Kind `image`: the IPv4 network to allocate addresses from, the same on all hosts (none).
---@field ipalloc_default_subnet? string Kind `image`: the part of it that `net:default` means (all of it).
---@field discovery? boolean Kind `image`: whether peers are connected to that others tell of (true).
---@field control_port? integer Kind `image`: TCP port on 127.0.0.1 where the router takes orders (6784).
---@field pull? "missing"|"always"|"never" Kind `image`: when its image is fetched (`missing`).
---@field firewall? { manage: boolean } Who looks after the packet filter (`{ manage = true }`: weave does).
---@field check? boolean Stop after the plan and touch nothing (false).

---Launches the router, and connects it to `peers`.
---@param arguments? weave.Launch
---@return weave.Report? report
---@return weave.Error? err
function weave.launch(arguments) end

---@class weave.Stop
---@field check? boolean Stop after the plan and touch nothing (false).

---Stops carrying frames between hosts. Attachments stay.
---@param arguments? weave.Stop
---@return weave.Report? report
---@return weave.Error? err
function weave.stop(arguments) end

---@class weave.Reset
---@field check? boolean Stop after the plan and touch nothing (false).

---Removes everything that weave made on this host, and nothing else.
---@param arguments? weave.Reset
---@return weave.Report? report
---@return weave.Error? err
function weave.reset(arguments) end

---@class weave.Units
---@field file? string The path of the document, of this host or of a fleet (`/etc/weave/host.yaml`).
---@field host? string Which of a fleet's hosts this one is, where its name and addresses do not tell.
---@field program? string The absolute path of the command `weave` (the one on `PATH`).
---@field enable? boolean Whether the next boot starts the units (true).
---@field start? boolean Whether they are started now, and anew where they changed (true).
---@field state? "present"|"absent" Whether they should be there at all (`present`).
---@field check? boolean Stop after the plan and touch nothing (false).

---Has systemd apply a document at each boot, and watch over it.
---@param arguments? weave.Units
---@return weave.Report? report
---@return weave.Error? err
function weave.install_units(arguments) end

---@class weave.Connect
---@field peers weave.Words Peers to add: addresses or names, with `:port` where it is another.
---@field replace? boolean Whether they are all that the router has (false).
---@field check? boolean Stop after the plan and touch nothing (false).

---Adds peers to the router.
---@param arguments weave.Connect
---@return weave.Report? report
---@return weave.Error? err
function weave.connect(arguments) end

---@class weave.Forget
---@field peers weave.Words Peers to take away.
---@field check? boolean Stop after the plan and touch nothing (false).

---Takes peers from the router.
---@param arguments weave.Forget
---@return weave.Report? report
---@return weave.Error? err
function weave.forget(arguments) end

---@class weave.Attach
---@field container string Name or id of the container, `netns:PATH`, or `pid:N`.
---@field ips weave.Words Addresses to add, each with its prefix: `10.2.1.4/24`; or requests for one that the router allocates: `net:default`, `net:10.2.1.0/24`.
---@field interface? string The interface in the container (`ethwe`).
---@field mtu? integer|"auto" MTU of the interface in bytes (the network's).
---@field mac? string Hardware address (made from the first address).
---@field gateway? string Next hop of the container's default route (none).
---@field routes? weave.Words Further routes through the interface, such as `10.9.0.0/16 via 10.2.1.2` (none).
---@field multicast? boolean Whether IPv4 multicast, 224.0.0.0/4, goes to the network (true).
---@field probe? boolean Whether the network is asked first if somebody has the addresses already (true).
---@field check? boolean Stop after the plan and touch nothing (false).

---Gives a container an interface on the network, and addresses.
---@param arguments weave.Attach
---@return weave.Report? report
---@return weave.Error? err
function weave.attach(arguments) end

---@class weave.Detach
---@field container string Name or id of the container, `netns:PATH`, or `pid:N`.
---@field ips? weave.Words Addresses to remove (all of them); an empty list is refused.
---@field interface? string The interface in the container (`ethwe`).
---@field check? boolean Stop after the plan and touch nothing (false).

---Takes addresses from a container; with the last one goes the interface.
---@param arguments weave.Detach
---@return weave.Report? report
---@return weave.Error? err
function weave.detach(arguments) end

---@class weave.Announce
---@field container? string Name or id of the container, `netns:PATH`, or `pid:N`; this or `ips`, or both.
---@field ips? weave.Words Addresses to announce (all of the container); without one, wherever on this host they are.
---@field check? boolean Stop after the plan and touch nothing (false).

---Tells the network again where addresses are, and forgets the connections that this host remembers of them.
---@param arguments weave.Announce
---@return weave.Report? report
---@return weave.Error? err
function weave.announce(arguments) end

---@class weave.Run
---@field name string The container's name.
---@field image? string Its image, with its tag, digest or registry.
---@field command? weave.Words What it runs, as a line or word by word (the image's).
---@field options? weave.Options Options of `docker run` (none).
---@field ips? weave.Words Addresses on the network, each with its prefix, or requests such as `net:default` (none).
---@field ip? weave.Words The same as `ips`, of which one is given.
---@field state? "running"|"stopped"|"created" What it should be doing (`running`).
---@field on_change? "recreate"|"report"|"ignore" What happens to one that was made with other settings (`recreate`).
---@field pull? "missing"|"always"|"never" When the image is fetched (`missing`).
---@field ensure? "present"|"absent"|"latest" Whether it should be there, and with the newest image (`present`).
---@field attach? "after_start"|"before_start" When it gets its interface (`after_start`).
---@field interface? string The interface in the container (`ethwe`).
---@field mtu? integer|"auto" MTU of the interface in bytes (the network's).
---@field mac? string Hardware address (made from the first address).
---@field gateway? string Next hop of the container's default route (none).
---@field routes? weave.Words Further routes through the interface (none).
---@field multicast? boolean Whether IPv4 multicast goes to the network (true).
---@field probe? boolean Whether the network is asked first if somebody has the addresses already (true).
---@field check? boolean Stop after the plan and touch nothing (false).

---Runs a container and attaches it. One that is there is compared with what is asked, option by option, and changed in
---place or made anew; its volumes and addresses stay.
---@param arguments weave.Run
---@return weave.Report? report
---@return weave.Error? err
function weave.run(arguments) end

---@class weave.Remove
---@field name string The container's name.
---@field check? boolean Stop after the plan and touch nothing (false).

---Removes a container that weave made. Its volumes stay.
---@param arguments weave.Remove
---@return weave.Report? report
---@return weave.Error? err
function weave.remove(arguments) end

---@class weave.Expose
---@field ips weave.Words Addresses for the host, each with its prefix.
---@field masquerade? boolean Whether packets between the network and everything else take the host's address (true).
---@field check? boolean Stop after the plan and touch nothing (false).

---Gives the host itself addresses on the network.
---@param arguments weave.Expose
---@return weave.Report? report
---@return weave.Error? err
function weave.expose(arguments) end

---@class weave.Hide
---@field ips? weave.Words Addresses to remove (all of them); an empty list is refused.
---@field check? boolean Stop after the plan and touch nothing (false).

---Takes addresses of the host from the network.
---@param arguments? weave.Hide
---@return weave.Report? report
---@return weave.Error? err
function weave.hide(arguments) end

---@class weave.Publish
---@field host_port integer Port of the host.
---@field to string A container's name, or its address on the network, on whichever host it is.
---@field port? integer Port there (`host_port`).
---@field protocol? "tcp"|"udp"|"sctp" What runs over it (`tcp`).
---@field host_ip? string The address of the host that it is published on (all of them).
---@field masquerade? boolean Whether the container sees the host's address in the place of its client's (true).
---@field check? boolean Stop after the plan and touch nothing (false).

---Passes a port of this host on to a container, on this host or another.
---@param arguments weave.Publish
---@return weave.Report? report
---@return weave.Error? err
function weave.publish(arguments) end

---@class weave.Unpublish
---@field host_port integer Port of the host.
---@field protocol? "tcp"|"udp"|"sctp" What runs over it (`tcp`).
---@field host_ip? string Only where it is published on this address of the host (wherever it is).
---@field to? string Not compared.
---@field port? integer Not compared.
---@field masquerade? boolean Not compared.
---@field check? boolean Stop after the plan and touch nothing (false).

---Takes a published port back.
---@param arguments weave.Unpublish
---@return weave.Report? report
---@return weave.Error? err
function weave.unpublish(arguments) end

---@class weave.Migrate
---@field name string The container's name.
---@field from? string The engine that it comes from, to this host: `ssh://root@HOST`, `tcp://HOST:2376`; this or `to`.
---@field to? string The engine that it goes to, from this host.
---@field tls? string Directory of `ca.pem`, `cert.pem` and `key.pem` for an engine behind TCP (none).
---@field insecure? boolean Whether an engine behind TCP may be asked without TLS (false).
---@field volumes? boolean Whether the files of volumes are copied (true).
---@field binds? boolean Whether directories and files of the host that it has are copied, too (false).
---@field changes? boolean Whether what it has written outside of its volumes keeps it from being moved (true); else that is lost.
---@field live_copy? boolean Whether files are copied once while it runs, and then only what changed (true).
---@field timeout? integer Seconds until the container is killed that was asked to stop (its own, or 10).
---@field remove_source? boolean Whether it goes from where it was (true); else it stays, stopped, as `NAME.weave-moved`.
---@field undo? boolean Whether a move that was begun is given up instead (false).
---@field check? boolean Stop after the plan and touch nothing (false).

---Moves a container between this host and another one, with its image, files and addresses.
---@param arguments weave.Migrate
---@return weave.Report? report
---@return weave.Error? err
function weave.migrate(arguments) end

---@class weave.Build
---@field tag string The image's name: `app:1.2`, `registry.example.com/app`.
---@field context? string The directory that is sent to the engine, without what its `.dockerignore` leaves out.
---@field dockerfile? string The Dockerfile, as a path in the context (`Dockerfile`).
---@field content? string The text of a Dockerfile that stands nowhere; then no context is needed.
---@field build_args? weave.Words|table<string, any> Values for the `ARG`s: `A=b`, or `A` for the caller's variable of that name.
---@field target? string The stage to stop after, in a Dockerfile with several (the last).
---@field platform? string The platform, such as `linux/arm64` (the engine's).
---@field pull? boolean Whether registries are asked for newer base images (false).
---@field no_cache? boolean Whether layers of earlier builds are left unused (false).
---@field labels? weave.Words|table<string, any> Labels of the image (none).
---@field check? boolean Stop after the plan and touch nothing (false).

---Builds an image, unless what it is built from is as it was.
---@param arguments weave.Build
---@return weave.Report? report
---@return weave.Error? err
function weave.build(arguments) end

---@class weave.Preflight

---Looks whether this host is fit; `result.findings` has what was found.
---@param arguments? weave.Preflight
---@return weave.Report? report
---@return weave.Error? err
function weave.preflight(arguments) end

---@class weave.Status
---@field latest? boolean Whether the registry is asked for the newest image of a router in a container (false).

---Tells what the network is like on this host; `state` reads like a document.
---@param arguments? weave.Status
---@return weave.Report? report
---@return weave.Error? err
function weave.status(arguments) end

---@class weave.Ps
---@field containers? weave.Words Only these; `weave:expose` is the host itself (everything).

---Lists the attachments of this host as `result`: id, hardware address and addresses of each.
---@param arguments? weave.Ps
---@return weave.Report? report
---@return weave.Error? err
function weave.ps(arguments) end

---@class weave.Facts
---@field mask_env? boolean Whether values of environment variables are hidden (true).

---Tells everything about the containers of this host as `result`.
---@param arguments? weave.Facts
---@return weave.Report? report
---@return weave.Error? err
function weave.facts(arguments) end

---@class weave.Schema
---@field document? "host"|"fleet" Of which document (`host`).

---Returns the JSON Schema of a document as `result`.
---@param arguments? weave.Schema
---@return weave.Report? report
---@return weave.Error? err
function weave.schema(arguments) end

---@class weave.Version

---Tells versions as `result`: of weave, and of what it speaks.
---@param arguments? weave.Version
---@return weave.Report? report
---@return weave.Error? err
function weave.version(arguments) end

return weave
