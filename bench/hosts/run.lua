-- SPDX-License-Identifier: MIT
--
-- run.lua ROWS: all figures about hosts, as Markdown on standard output.

local launch = require "spec.support.launch"
local loops = require "bench.hosts.loops"
local servers = require "bench.hosts.servers"
local service = require "bench.hosts.service"

local rows = tonumber(arg[1])

local Report = { names = {}, values = {} }
Report.__index = Report

--- Adds a figure of the column that is being filled.
function Report:row(name, value, unit)
  if not self.values[name] then
    self.names[#self.names + 1] = name
    self.values[name] = {}
  end
  self.values[name][self.column] = ("%.2f %s"):format(value, unit)
    :gsub("%.00 $", ""):gsub(" $", "")
end

local function step(what, fn, ...)
  io.stderr:write(what, "\n")
  local ok, problem = pcall(fn, ...)
  if not ok then io.stderr:write("  ", tostring(problem), "\n") end
end

local function fill(report, column, started, base_url)
  report.column = column
  if launch.find "nginx" then
    step("nginx " .. column, servers.nginx, report, started, base_url)
  end
  if launch.find "haproxy" then
    step("HAProxy " .. column, servers.haproxy, report, started, base_url)
  end
  for _, name in ipairs { "luv", "cqueues", "neovim" } do
    step(name .. " " .. column, loops.ticker, report, name, started, base_url)
  end
  if launch.find "love" then
    step("LÖVE " .. column, loops.love, report, started, base_url)
  end
  step("waiting " .. column, loops.waiting, report, started, base_url)
end

local started = service.start(rows)
fill(Report, "plain", started, started.plain)
fill(Report, "TLS", started, started.secure)
started.stop()

print "# What the client costs its hosts\n"
print(("Made by `make bench-hosts`: one run, loopback, a listing of %d "
  .. "generations; the\nserver, the load and the host share the machine's "
  .. "processors, so a tail shows\nthe machine's as well."):format(rows))
print "\n| figure | HTTP | TLS |\n|---|---|---|"
for _, name in ipairs(Report.names) do
  local of = Report.values[name]
  print(("| %s | %s | %s |"):format(name, of.plain or "", of.TLS or ""))
end
