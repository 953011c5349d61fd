-- SPDX-License-Identifier: MIT
--
-- What is measured against: an nginx that serves a listing as a file and
-- passes everything else to the emulator, where each count takes 300 ms; over
-- plain HTTP and over TLS, with a certificate made for the occasion.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"

local service = {}

local config = [[
daemon off; pid PID; error_log stderr; worker_processes 1; user root;
events { worker_connections 2048; }
http {
  access_log off; sendfile on; default_type application/json;
  keepalive_requests 1000000;
  ssl_certificate DIR/cert.pem; ssl_certificate_key DIR/key.pem;
  client_body_temp_path DIR/t1; proxy_temp_path DIR/t2;
  fastcgi_temp_path DIR/t3; uwsgi_temp_path DIR/t4; scgi_temp_path DIR/t5;
  upstream emulator { server EMULATOR; keepalive 256; }
  server {
    listen 127.0.0.1:PLAIN; listen 127.0.0.1:SECURE ssl http2;
    location = /v2/generations { alias DIR/list.json; }
    location /v2/ {
      proxy_pass http://emulator; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $host;
    }
  }
}
]]

local function make_files(folder, rows)
  assert(os.execute(("lua5.4 bench/make_data.lua %d %s/list.json")
    :format(rows, folder)))
  assert(os.execute(("openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
    .. "-keyout %s/key.pem -out %s/cert.pem -subj /CN=127.0.0.1 "
    .. "-addext subjectAltName=IP:127.0.0.1 2>/dev/null")
    :format(folder, folder)))
end

--- Starts it.
---@param rows integer  of the listing
---@return table  plain and secure (addresses), ca_file, folder; stop()
function service.start(rows)
  local folder = launch.folder()
  make_files(folder, rows)
  local counts = emulator.start { generations = 100 }
  counts:fault { route = "count", delay = 0.3, times = 0 }
  counts:fault { route = "get", delay = 20, times = 0 }
  local ports = { PLAIN = launch.port(), SECURE = launch.port(),
    DIR = folder, PID = folder .. "/service.pid",
    EMULATOR = counts.base_url:match "//(.*)" }
  launch.write(folder .. "/service.conf", (config:gsub("%u%u%u+", ports)))
  local server = launch.start { folder = folder, command = "nginx -p "
    .. folder .. " -c " .. folder .. "/service.conf" }
  return {
    folder = folder, key = counts.key, ca_file = folder .. "/cert.pem",
    plain = "http://127.0.0.1:" .. ports.PLAIN,
    secure = "https://127.0.0.1:" .. ports.SECURE,
    stop = function()
      server:stop()
      counts:stop()
      launch.remove(folder)
    end,
  }
end

return service
