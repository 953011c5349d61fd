-- SPDX-License-Identifier: MIT
-- Loads lipsync.http, with libcurl and its thirty libraries, in a thread, while
-- this one reads the Lua files, which takes as long. Meanwhile a stand-in is
-- what `require "lipsync.http"` gives; its first use waits for the library.

local loader = require "lipsync.loader"
local terminal = require "lipsync.terminal"

local name = "lipsync.http"

-- Puts all that the library has into the stand-in, which modules hold.
local function fill(stand_in)
  terminal.await_load()
  package.loaded[name] = nil
  local library = loader.binary(name)
  setmetatable(stand_in, nil)
  for key, value in pairs(library) do stand_in[key] = value end
  package.loaded[name] = stand_in
end

local ahead = {}

--- Begins. Where the library is missing or does not load, its first use says
--- so.
function ahead.begin()
  pcall(loader.binary, "lipsync.file")  -- which would wait for the thread
  terminal.load_ahead()
  package.loaded[name] = setmetatable({}, { __index = function(self, key)
    fill(self)
    return self[key]
  end })
end

--- Waits for the end of the thread: a program must not end in the middle.
function ahead.finish()
  terminal.await_load()
end

return ahead
