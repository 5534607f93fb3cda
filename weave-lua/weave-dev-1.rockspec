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

build_dependencies = { "luarocks-build-rust-mlua" }

build = {
  type = "rust-mlua",
  -- Which Lua it is for comes from luarocks.
  default_features = false,
  target_path = "../target",
  modules = { weave = "weave_lua" },
}
