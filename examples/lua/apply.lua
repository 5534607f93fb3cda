-- Brings this host to what a site says of it: lua5.4 apply.lua site.lua [--check]

local weave = require "weave"

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
