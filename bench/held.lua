-- SPDX-License-Identifier: MIT
--
-- held FILE: how much memory a Generation holds, as a ratio to its JSON: of
-- 2,000 generations that are alive, as the VM counts it.

local lipsync = require "lipsync"

-- In a function, so that nothing of the file outlives it.
local function read_texts()
  local texts, bytes = {}, 0
  local file = assert(io.open(arg[1], "rb"))
  for text in file:read "*a":sub(2):gmatch "%b{}" do
    if #texts == 2000 then break end
    texts[#texts + 1] = text
    bytes = bytes + #text
  end
  file:close()
  return texts, bytes
end

-- KiB in use after several collections: one only calls finalizers, and LuaJIT
-- gives its buffers back by halves.
local function count()
  for _ = 1, 12 do collectgarbage() end
  return collectgarbage "count"
end

local texts, bytes = read_texts()
local kept = {}
for i = 1, #texts do kept[i] = false end
local before = count()
for i, text in ipairs(texts) do kept[i] = lipsync.generation(text) end
local held = (count() - before) * 1024
assert(#kept == #texts and kept[1].id)
io.write(("ratio %.4f\n"):format(held / bytes))
