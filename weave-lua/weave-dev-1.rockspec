rockspec_format = "3.0"
package = "weave"
version = "dev-1"

-- `luarocks make` builds the clone that it is run in; nothing is fetched from here.
source = { url = "git+file://." }

description = {
  summary = "Joins the Docker containers of many plain hosts to one private network, idempotently",
  detailed = [[
    The operations of weave as functions: each says what should be, looks, plans, does only what is missing, undoes what
    it did when a step fails, and returns a report as plain tables.
  ]],
  license = "MIT OR Apache-2.0",
}

supported_platforms = { "linux" }

dependencies = { "lua >= 5.1, < 5.5" }

-- cargo builds it, so that no further rock is needed for that.
build = {
  type = "command",
  install_command = "$(LUA) build.lua $(LIBDIR)",
}
