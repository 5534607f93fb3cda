-- Brings this host to what a site says of it: lua5.4 apply.lua site.lua [--check]

local weave = require "weave"

-- A word that is misspelt must not do for real what was only to be checked.
if not arg[1] or #arg > 2 or arg[2] and arg[2] ~= "--check" then
  io.stderr:write("usage: lua5.4 apply.lua SITE.lua [--check]\n")
  os.exit(2)
end

local report, err = weave.apply { document = dofile(arg[1]), check = arg[2] == "--check" }
if not report then
  io.stderr:write(tostring(err), "\n", err.hint and "  " .. err.hint .. "\n" or "")
  report = err.report
end

for _, change in ipairs(report and report.changes or {}) do
  print(change.subject, change.field, report.check and "would change" or "changed")
end
if report and not report.changed then
  print("unchanged")
end
os.exit(err and 1 or 0)
