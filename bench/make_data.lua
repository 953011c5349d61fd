-- SPDX-License-Identifier: MIT
--
-- make_data ROWS FILE: writes a listing of so many generations, of about
-- 1.1 KB each, as the service sends it. The same bytes on every machine and VM.

local rows, path = tonumber(arg[1]), arg[2]

local MODELS = { "lipsync-2", "lipsync-2-pro", "react-1", "sync-3" }
local STATUSES = { "COMPLETED", "COMPLETED", "COMPLETED", "FAILED",
                   "REJECTED", "PROCESSING", "PENDING" }

-- 31 bits of a linear congruence, exact in the doubles of every VM.
local state = 1
local function random(n)
  state = (state * 48271) % 2147483647
  return state % n
end

local function hex(digits)
  local out = {}
  for i = 1, digits do out[i] = ("%x"):format(random(16)) end
  return table.concat(out)
end

local function uuid()
  return table.concat({ hex(8), hex(4), "4" .. hex(3), "a" .. hex(3), hex(12) },
    "-")
end

local function pick(list)
  return list[random(#list) + 1]
end

local ROW = [[{"id":"%s","createdAt":"2026-%02d-%02dT%02d:%02d:%02d.%03dZ",]]
  .. [["input":[{"type":"video","url":"https://media.example.com/in/%s.mp4",]]
  .. [["refId":"speaker-%d"},{"type":"text","provider":{"name":"elevenlabs",]]
  .. [["voiceId":"%s","script":"Good morning \u2014 caf\u00e9 number %d, ]]
  .. [[\"please\" wait."}}],"model":"%s","status":"%s","error":null,]]
  .. [["errorCode":null,"options":{"sync_mode":"cut_off","temperature":0.%d,]]
  .. [["occlusion_detection_enabled":false,"active_speaker_detection":]]
  .. [[{"auto_detect":true,"frame_number":%d,"coordinates":[%d,%d]}},]]
  .. [["outputDuration":%d.%d,"outputUrl":"https://media.example.com/out/]]
  .. [[%s.mp4?signature=%s&expires=%d","outputFileName":"take_%d",]]
  .. [["segments":[{"startTime":0,"endTime":4.5,"audioInput":{"refId":"a"}}],]]
  .. [["segmentOutputUrl":null,"synthesizedAudioUrl":"https://media.example]]
  .. [[.com/tts/%s.wav","webhookUrl":"https://hooks.example.com/sync/%s",]]
  .. [["projectId":"%s"}]]

local function row(n)
  return ROW:format(uuid(), random(12) + 1, random(28) + 1, random(24),
    random(60), random(60), random(1000), hex(32), random(9), hex(20), n,
    pick(MODELS), pick(STATUSES), random(10), random(900), random(1920),
    random(1080), random(90), random(100), hex(32), hex(64), random(1000000),
    n, hex(32), hex(12), uuid())
end

local file = assert(io.open(path, "wb"))
file:write "["
for n = 1, rows do
  file:write(n > 1 and "," or "", row(n))
end
file:write "]"
file:close()
