-- For every Lua from 5.1 on.
std = "max"
cache = false
files["spec"] = { std = "max+busted" }
-- Functions without a body, and a line for each field.
files["weave.d.lua"] = { ignore = { "212", "631" } }
