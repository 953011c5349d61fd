-- SPDX-License-Identifier: MIT
--
-- studio VOICE OUT CLIP…: gives each clip the same voice. The finished videos
-- go to the folder OUT, under the clips' names; what was rendered is deleted
-- from the service. It may be stopped at any moment, also by kill -9 or a power
-- loss, and started again: each clip is paid for once, and those that are
-- done are not touched. With another voice or changed clips use another OUT.
-- One that failed is not paid for anew before its receipt is removed.

local lipsync = require "lipsync"

local voice, out = arg[1], arg[2]
local clips = { select(3, ...) }
if not clips[1] then
  io.stderr:write("usage: lua studio.lua VOICE OUT CLIP…\n")
  os.exit(1)
end

local client = lipsync.new()  -- all from the environment
local done = 0

-- From clip to video. Each step can be repeated: the receipt remembers the
-- generation, and where its file is, and the download goes on where it stopped.
local function render(name, clip, say)
  local video = ("%s/%s.mp4"):format(out, name)
  local receipt = ("%s/%s.receipt"):format(out, name)
  local generation, err = client.generations:create({
    model = "lipsync-2", outputFileName = name,
    input = { { type = "video", file = clip },
              { type = "audio", file = voice } },
  }, { receipt = receipt })
  if not generation then return nil, err end
  generation, err = generation:wait { on_change = function(now)
    say(now.status:lower())
  end }
  if not generation then return nil, err end
  if generation.status ~= "COMPLETED" then
    return nil, ("%s To try again, remove %s."):format(
      generation.error or generation.status .. ".", receipt)
  end
  local file
  file, err = generation:download(video, { if_exists = "keep",
                                           receipt = receipt })
  if not file then return nil, err end
  say(("%d bytes"):format(file.bytes))
  return generation:delete { receipt = receipt }
end

-- The name of each clip's video. Two clips must not have the same.
local names, clip_of = {}, {}
for i, clip in ipairs(clips) do
  local name = clip:match "([^/]+)%.[^./]*$" or clip:match "[^/]*$"
  if clip_of[name] then
    io.stderr:write(("%s and %s would both become %s/%s.mp4.\n"):format(
      clip_of[name], clip, out, name))
    os.exit(1)
  end
  names[i], clip_of[name] = name, clip
end

-- A task for each clip. How many render at once the service decides: those
-- that are too many wait until it takes them.
for i, clip in ipairs(clips) do
  local name = names[i]
  local function say(text) print(("%-20s %s"):format(name, text)) end
  client:spawn(function()
    local ok, err = render(name, clip, say)
    if ok then done = done + 1 else say(tostring(err)) end
  end)
end
client:run()
client:close()
print(("%d of %d done."):format(done, #clips))
os.exit(done == #clips and 0 or 1)
