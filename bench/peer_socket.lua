-- SPDX-License-Identifier: MIT
--
-- peer_socket BASE_URL: what a Lua user writes today, with luasocket and
-- lua-cjson; prints the same as list.lua. The first generation comes with the
-- last one.

local http = require "socket.http"
local ltn12 = require "ltn12"
local cjson = require "cjson"
local now = require "socket".gettime
local peak = require "bench.peak"

local start = now()
local chunks = {}
local _, status = http.request {
  url = arg[1] .. "/v2/generations", sink = ltn12.sink.table(chunks),
  headers = { ["x-api-key"] = "bench" },
}
assert(status == 200, status)
local generations = cjson.decode(table.concat(chunks))
local first = now() - start
local rows, bytes = 0, 0
for _, generation in ipairs(generations) do
  rows = rows + 1
  bytes = bytes + #generation.id + #generation.status
end
local seconds = now() - start
assert(bytes > rows)
io.write(("seconds %.6f\nfirst %.6f\nrows %d\npeak %d\n"):format(seconds,
  first, rows, peak()))
