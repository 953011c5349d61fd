-- SPDX-License-Identifier: MIT
--
-- nginx and HAProxy: how fast a second location answers while calls of 300 ms
-- and a listing are under way in the first.

local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"

local servers = {}

-- What puts a host on the processor that run-hosts keeps for it.
local pin = (os.getenv "HOST_PIN" or "") .. " "

local client = [[require "lipsync".new { base_url = "%s", ca_file = "%s",
  api_key = "%s", max_in_flight = 1000 }]]

local nginx = [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
daemon off; pid DIR/nginx.pid; error_log stderr; worker_processes 1;
user root;
events { worker_connections 2048; }
http {
  access_log off; keepalive_requests 1000000;
  client_body_temp_path DIR/n1; proxy_temp_path DIR/n2;
  fastcgi_temp_path DIR/n3; uwsgi_temp_path DIR/n4; scgi_temp_path DIR/n5;
  lua_package_path "ROOT/lua/?.lua;ROOT/lua/?/init.lua;;";
  lua_package_cpath "ROOT/build/luajit/?.so;;";
  init_by_lua_block { client = CLIENT }
  server {
    listen 127.0.0.1:PORT;
    location = /fast { content_by_lua_block { ngx.say "fast" } }
    location = /warm { content_by_lua_block {
      local now = require "lipsync.core".now
      local from = now()
      assert(client:warm())
      ngx.say((now() - from) * 1000)
    } }
    location = /call { content_by_lua_block {
      ngx.say(assert(client.generations:count()))
    } }
    location = /list { content_by_lua_block {
      local n = 0
      for _ in client.generations:list() do n = n + 1 end
      ngx.say(n)
    } }
    location = /proxy {
      proxy_pass SCHEME://service/v2/generations/count;
      proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host 127.0.0.1; proxy_set_header x-api-key KEY;
    }
  }
  upstream service { server SERVICE; keepalive 256; }
}
]]

local haproxy = [[
global
  maxconn 2000
  lua-prepend-path ROOT/lua/?.lua
  lua-prepend-path ROOT/lua/?/init.lua
  lua-prepend-path ROOT/build/lua5.3/?.so cpath
  lua-load DIR/services.lua
defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
frontend bench
  bind 127.0.0.1:PORT
  http-request use-service lua.fast if { path /fast }
  http-request use-service lua.call if { path /call }
  http-request use-service lua.list if { path /list }
  http-request use-service lua.warm if { path /warm }
  http-request set-header x-api-key KEY
  http-request set-path /v2/generations/count
  default_backend service
backend service
  server service SERVICE TLS
]]

local services = [[
local client = CLIENT
local function serve(name, fn)
  core.register_service(name, "http", function(applet)
    local text = tostring(fn())
    applet:set_status(200)
    applet:add_header("content-length", tostring(#text))
    applet:start_response()
    applet:send(text)
  end)
end
serve("fast", function() return "fast" end)
serve("call", function() return assert(client.generations:count()) end)
serve("list", function()
  local n = 0
  for _ in client.generations:list() do n = n + 1 end
  return n
end)
serve("warm", function()
  local now = require "lipsync.core".now
  local from = now()
  assert(client:warm())
  return (now() - from) * 1000
end)
]]

-- Milliseconds of n requests one after the other: mean, median, p99.
local function times(folder, url, n)
  local _, log = launch.run { folder = folder, seconds = 300,
    command = ("curl -s -o /dev/null -w '%%{http_code} %%{time_total}\\n' "
      .. "'%s?[1-%d]'"):format(url, n) }
  local all, sum = {}, 0
  for status, word in log:gmatch "(%d+) ([%d.]+)" do
    if status ~= "200" then error(url .. " answered with " .. status) end
    all[#all + 1] = tonumber(word) * 1000
    sum = sum + all[#all]
  end
  table.sort(all)
  return { mean = sum / #all, median = all[math.ceil(#all / 2)],
           p99 = all[math.ceil(#all * 0.99)] }
end

-- The second location's times while `load` is under way.
local function beside(folder, base, load, n)
  local other = launch.start { folder = folder, command = load }
  scripted.sleep(1)
  local result = times(folder, base .. "/fast", n)
  local over = other:status()
  other:stop()
  if over then
    error(("the load ended before the measurement (status %d): %s"):format(over,
      load))
  end
  return result
end

-- So many requests at any moment, for as long as needed.
local function many(url, n)
  return ("curl -sZ --parallel-max %d --parallel-immediate -o /dev/null "
    .. "'%s?[1-1000000]'"):format(n, url)
end

-- What a URL answers with.
local function ask(folder, url)
  local _, text = launch.run { folder = folder, command = "curl -s " .. url }
  return text
end

-- `most`: the goals, by how many calls there are.
local function measure(report, name, folder, base, most)
  report:row(name .. ": first connection (client:warm)",
    assert(tonumber(ask(folder, base .. "/warm"))), "ms")
  ask(folder, base .. "/proxy")
  local idle = times(folder, base .. "/fast", 3000).p99
  report:row(name .. ": second location, idle", idle, "ms p99")
  for _, n in ipairs { 20, 200 } do
    local text = ("%s: beside %d calls of 300 ms"):format(name, n)
    report:row(text, beside(folder, base, many(base .. "/call", n), 3000).p99,
      "ms p99", { above = idle, goal = most[n] })
    report:row(text .. " by its own proxy",
      beside(folder, base, many(base .. "/proxy", n), 3000).p99,
      "ms p99", { above = idle })
  end
  local listing = beside(folder, base, ("sh -c 'while curl -s %s/list; do :; "
    .. "done'"):format(base), 1000)
  report:row(name .. ": beside a listing that streams", listing.p99,
    "ms p99", { goal = most.list })
  report:row(name .. ": beside eight listings that stream",
    beside(folder, base, many(base .. "/list", 8), 1000).p99, "ms p99")
  local proxied = times(folder, base .. "/proxy", 12).mean
  report:row(name .. ": a call of 300 ms, above its own proxy",
    times(folder, base .. "/call", 12).mean - proxied, "ms mean",
    { goal = most.call })
end

local function start(service, base_url, binary, text, vm)
  local port = launch.port()
  local scheme, address = base_url:match "^(%a+)://(.*)"
  local values = { ROOT = launch.root, DIR = service.folder, PORT = port,
    KEY = service.key, SERVICE = address, SCHEME = scheme,
    TLS = scheme == "https" and "ssl verify none" or "",
    CLIENT = client:format(base_url, service.ca_file, service.key) }
  launch.write(service.folder .. "/services.lua",
    (services:gsub("%u%u%u+", values)))
  launch.write(service.folder .. "/server.conf",
    (text:gsub("%u%u%u+", values)))
  local folder = service.folder
  local server = launch.start { folder = folder, vm = vm,
    command = pin .. binary:format(folder .. "/server.conf") }
  scripted.sleep(1)
  return server, "http://127.0.0.1:" .. port
end

-- Measures, and ends the server in any case.
local function run(server, ...)
  local ok, problem = pcall(measure, ...)
  server:stop()
  if not ok then error(problem, 0) end
end

--- nginx.
function servers.nginx(report, service, base_url)
  local server, base = start(service, base_url,
    "nginx -p " .. service.folder .. " -c %s", nginx, "luajit")
  run(server, report, "nginx", service.folder, base,
    { [20] = 0.2, [200] = 1.5, list = 5, call = 3 })
end

--- HAProxy.
function servers.haproxy(report, service, base_url)
  local server, base = start(service, base_url, "haproxy -f %s", haproxy,
    "lua5.3")
  run(server, report, "HAProxy", service.folder, base,
    { [20] = 0.5, [200] = 3 })
end

return servers
