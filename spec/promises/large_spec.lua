-- SPDX-License-Identifier: MIT
-- Uploads whose memory does not grow with the file: 256 MiB here, and
-- LIPSYNC_LARGE MiB, as "make large" has it, which is as much as the service
-- takes. The file has holes; the server throws away what it gets.

local launch = require "spec.support.launch"
local media = require "spec.support.media"
local proc = require "spec.support.proc"
local program = require "spec.support.program"

local size = tonumber(os.getenv "LIPSYNC_LARGE") or 256

local it_measures = proc.is_here and not os.getenv "LIPSYNC_SANITIZED" and it
  or pending

describe("an upload", function()
  local folder

  before_each(function() folder = launch.folder() end)
  after_each(function() launch.remove(folder) end)

  -- The peak memory (KiB) of a process that creates from a file of so many MiB.
  local function peak(mib)
    local text = media.shell(([[
      cd %s && truncate -s %dM clip.mp4 && rm -f hold port && mkfifo hold
      %s/build/bench/sink <hold >port &
      exec 9>hold
      until [ -s port ]; do sleep 0.05; done
      cd %s && %s bench/upload.lua http://127.0.0.1:$(cat %s/port) \
        %s/clip.mp4 2>&1]]):format(folder, mib, launch.root, launch.root,
      "env LUA_PATH='" .. package.path .. "' LUA_CPATH='" .. package.cpath
        .. "' " .. program.vm, folder, folder))
    local found = tonumber(text:match "peak (%d+)")
    assert.is_truthy(found, text)
    return found
  end

  it_measures("takes no memory by the length of its file", function()
    local small = peak(1)
    local large = peak(size)
    assert.is_true(large - small < 2048, large - small)
  end)
end)
