-- SPDX-License-Identifier: MIT
--
-- run.lua ROWS RUNS: all figures about hosts, as Markdown on standard output.

local driven = require "bench.hosts.driven"
local launch = require "spec.support.launch"
local loops = require "bench.hosts.loops"
local report = require "bench.hosts.report"
local servers = require "bench.hosts.servers"
local service = require "bench.hosts.service"

local rows, runs = tonumber(arg[1]), tonumber(arg[2])

local function step(what, fn, ...)
  io.stderr:write(what, "\n")
  local ok, problem = pcall(fn, ...)
  if not ok then io.stderr:write("  ", tostring(problem), "\n") end
end

local function fill(into, column, started, base_url)
  into.column = column
  if launch.find "nginx" then
    step("nginx " .. column, servers.nginx, into, started, base_url)
  end
  if launch.find "haproxy" then
    step("HAProxy " .. column, servers.haproxy, into, started, base_url)
  end
  for _, name in ipairs { "luv", "cqueues", "neovim" } do
    step(name .. " " .. column, loops.ticker, into, name, started, base_url)
  end
  driven.each(step, into, started, base_url)
  if launch.find "love" then
    step("LÖVE " .. column, loops.love, into, started, base_url)
  end
end

-- What else the machine had to do when this began.
local function load_average()
  return tonumber(launch.read "/proc/loadavg":match "^[%d.]+") or 0
end

local others = load_average()
local found, started = report.new(), service.start(rows)
for _ = 1, runs do
  fill(found, "plain", started, started.plain)
  fill(found, "TLS", started, started.secure)
end
for column, base_url in pairs { plain = started.plain, TLS = started.secure } do
  found.column = column
  step("waiting " .. column, loops.waiting, found, started, base_url)
end
started.stop()

print "# What the client costs its hosts\n"
print(([[
Made by `make bench-hosts`: %s, loopback, a listing of %d
generations; the machine's load before them was %.1f. %s
`proxy_pass` and HAProxy's own backend beside the same load say how much of a
tail is the machine's, and so does the longest time by the processor's clock
(CPU), the same ticker beside a call that only sleeps, and frames of LÖVE's that
only spin for as long as a step may take. LuaJIT's compiler makes the system
change the protection of its code at least twice a trace; with the compiler off
that is missing. A ticker in cqueues can be first in one round of its controller
and last in the next, and so see two turns of the client's. Except in the rows
that name it, the first connection is made before anything is measured.
]]):format(runs == 1 and "one run" or ("medians of %d runs"):format(runs),
  rows, others, os.getenv "HOST_PIN"
    and "The host has a\nprocessor of its own, the server and the load have "
    .. "the others." or "The host\nshares its processors with the server and "
    .. "the load."))
print(found:text())
