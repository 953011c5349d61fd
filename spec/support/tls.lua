-- SPDX-License-Identifier: MIT
--
-- An nginx with TLS on 127.0.0.1, with certificates from its own CA: a port for
-- each valid or invalid certificate.

local http = require "lipsync.http"
local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"

local tls = {}

-- Makes a key and a certificate NAME.pem signed by the CA.
local SIGN = [[
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
  -keyout NAME.key -out NAME.csr -subj "/CN=spec NAME" \
  -addext "subjectAltName=NAMES" &&
openssl x509 -req -in NAME.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
  -copy_extensions copy -days DAYS -out NAME.pem
]]

local SELF = [[
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
  -keyout NAME.key -out NAME.pem -subj "/CN=spec NAME" -days 2 \
  -addext "subjectAltName=IP:127.0.0.1"
]]

local MINE = "IP:127.0.0.1,DNS:localhost"

local certificates = {
  { "ca", SELF },
  { "right", SIGN, MINE, "2" },
  { "wrong", SIGN, "DNS:other.example", "2" },
  { "expired", SIGN, MINE, "-1" },
  { "selfsigned", SELF },
}

local function make_certificates(folder)
  for _, each in ipairs(certificates) do
    local command = each[2]:gsub("NAMES", each[3] or "")
      :gsub("NAME", each[1]):gsub("DAYS", each[4] or "")
    local status = os.execute(("cd %s && { %s } >>openssl.log 2>&1")
      :format(launch.quote(folder), command))
    if status ~= true and status ~= 0 then
      error("openssl failed: " .. launch.read(folder .. "/openssl.log"), 0)
    end
  end
end

local SERVER = [[
  server {
    listen 127.0.0.1:%d ssl%s;
    ssl_certificate %s.pem;
    ssl_certificate_key %s.key;
    default_type application/json;
    keepalive_requests %d;
    location = /v2/generations { alias list.json; }
    location = /v2/errors { return 200 '[]'; }
    location ~ "^/v2/[a-z]+/?(?<id>.*)$" { return 200 '{"id":"$id"}'; }
  }
]]

local CONFIG = [[
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events { worker_connections 256; }
http {
  log_format spec '$connection $server_port $request_method $server_protocol '
                  '$http_x_api_key';
  access_log access.log spec;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;
  uwsgi_temp_path t4; scgi_temp_path t5;
%s
}
]]

--- Whether nginx and openssl are installed.
---@return boolean
function tls.can_run()
  return launch.find "nginx" ~= nil and launch.find "openssl" ~= nil
end

--- Whether this libcurl has HTTP/2.
---@return boolean
function tls.has_http2()
  return http.curl_version:find("nghttp2", 1, true) ~= nil
end

local Server = {}
Server.__index = Server

local function start(self, name, servers)
  local folder = self.folder
  launch.write(folder .. "/" .. name .. ".conf",
    (CONFIG:format(servers):gsub("nginx.pid", name .. ".pid")))
  local program = launch.start { folder = folder, command =
    ("%s -p %s -c %s.conf"):format(launch.find "nginx", folder, name) }
  program:await(function()
    return scripted.exchange(self.ports.mixed, "", 0.2) ~= nil
      and launch.read(folder .. "/" .. name .. ".pid") ~= ""
  end)
  return program
end

--- Starts it. The port "mixed" leads to two servers, of which one speaks
--- HTTP/2; "short" ends each connection after five requests, of HTTP/2 by a
--- GOAWAY. A response about an id contains that id.
---@param list string  the response to a listing
---@return table  ca_file; ports by certificate: right, wrong, expired,
---   selfsigned; and mixed, short; log(); stop()
function tls.start(list)
  local folder = launch.folder()
  make_certificates(folder)
  launch.write(folder .. "/list.json", list)
  local self = setmetatable({ folder = folder, ports = {},
                              ca_file = folder .. "/ca.pem" }, Server)
  local servers = {}
  for i = 2, #certificates do
    local name = certificates[i][1]
    self.ports[name] = launch.port()
    servers[#servers + 1] = SERVER:format(self.ports[name], " http2",
      name, name, 100000)
  end
  self.ports.short = launch.port()
  servers[#servers + 1] = SERVER:format(self.ports.short, " http2", "right",
    "right", 5)
  local mixed = launch.port()
  self.ports.mixed = mixed
  servers[#servers + 1] = SERVER:format(mixed, " http2 reuseport", "right",
    "right", 100000)
  self.program = start(self, "nginx", table.concat(servers))
  self.other = start(self, "other", SERVER:format(mixed, " reuseport", "right",
    "right", 100000))
  return self
end

--- The base URL of the port with a certificate.
---@param name string
---@return string
function Server:url(name)
  return "https://127.0.0.1:" .. self.ports[name]
end

--- A line for each request it served: number of the connection, port, method,
--- version, key.
---@return string
function Server:log()
  return launch.read(self.folder .. "/access.log")
end

function Server:stop()
  self.program:stop()
  self.other:stop()
  launch.remove(self.folder)
end

return tls
