-- SPDX-License-Identifier: MIT
--
-- decode FILE: what lua-cjson needs to decode a listing that is in memory, and
-- to read two fields of each generation.

local cjson = require "cjson"

local file = assert(io.open(arg[1], "rb"))
local text = file:read "*a"
file:close()

local start = os.clock()
local array = cjson.decode(text)
local decoded = os.clock() - start
local bytes = 0
for _, generation in ipairs(array) do
  bytes = bytes + #generation.id + #generation.status
end
local seconds = os.clock() - start
assert(bytes > #array)
io.write(("decode %.6f\nseconds %.6f\n"):format(decoded, seconds))
