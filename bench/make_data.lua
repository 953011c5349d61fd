-- SPDX-License-Identifier: MIT
--
-- make_data ROWS FILE [SIZE [KIND]]: writes a listing of so many generations
-- as the service sends it, the same bytes on every machine and VM. SIZE:
-- about how many bytes a generation has; below and above 1,100 the text of the
-- script makes the difference. KIND: of what that text is (mixed, ascii,
-- escaped, unicode).

local rows, path = tonumber(arg[1]), arg[2]
local size, kind = tonumber(arg[3] or 1100), arg[4] or "mixed"

-- Of more rows than this the rest repeats the first ones.
local DIFFERENT = 10000

local MODELS = { "lipsync-2", "lipsync-2-pro", "react-1", "sync-3" }
local STATUSES = { "COMPLETED", "COMPLETED", "COMPLETED", "FAILED",
                   "REJECTED", "PROCESSING", "PENDING" }
local TEXTS = {
  mixed = [[Good morning \u2014 caf\u00e9 number one, \"please\" wait. ]],
  ascii = "The quick brown fox jumps over the lazy dog, once more. ",
  escaped = [[\u0041\n\"\\\/\t\u00e9\ud83d\ude00]],
  unicode = "h\195\169\227\129\147\240\159\152\128",
}

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

local SHORT = [[{"id":"%s","createdAt":"2026-%02d-%02dT%02d:%02d:%02d.%03dZ",]]
  .. [["model":"%s","status":"%s","error":null,"script":"%s"}]]

local LONG = [[{"id":"%s","createdAt":"2026-%02d-%02dT%02d:%02d:%02d.%03dZ",]]
  .. [["model":"%s","status":"%s","error":null,"errorCode":null,]]
  .. [["input":[{"type":"video","url":"https://media.example.com/in/%s.mp4",]]
  .. [["refId":"speaker-%d"},{"type":"text","provider":{"name":"elevenlabs",]]
  .. [["voiceId":"%s","script":"%s"}}],]]
  .. [["options":{"sync_mode":"cut_off","temperature":0.%d,]]
  .. [["occlusion_detection_enabled":false,"active_speaker_detection":]]
  .. [[{"auto_detect":true,"frame_number":%d,"coordinates":[%d,%d]}},]]
  .. [["outputDuration":%d.%d,"outputUrl":"https://media.example.com/out/]]
  .. [[%s.mp4?signature=%s&expires=%d","outputFileName":"take_%d",]]
  .. [["segments":[{"startTime":0,"endTime":4.5,"audioInput":{"refId":"a"}}],]]
  .. [["segmentOutputUrl":null,"synthesizedAudioUrl":"https://media.example]]
  .. [[.com/tts/%s.wav","webhookUrl":"https://hooks.example.com/sync/%s",]]
  .. [["projectId":"%s"}]]

local function date()
  return random(12) + 1, random(28) + 1, random(24), random(60), random(60),
    random(1000)
end

local function short(text)
  local month, day, hour, minute, second, ms = date()
  return SHORT:format(uuid(), month, day, hour, minute, second, ms,
    pick(MODELS), pick(STATUSES), text)
end

local function long(text, n)
  local month, day, hour, minute, second, ms = date()
  return LONG:format(uuid(), month, day, hour, minute, second, ms,
    pick(MODELS), pick(STATUSES), hex(32), random(9), hex(20), text,
    random(10), random(900), random(1920), random(1080), random(90),
    random(100), hex(32), hex(64), random(1000000), n, hex(32), hex(12),
    uuid())
end

-- A generation without a script, to measure its length.
local make = size >= 1000 and long or short
local times = math.floor((size - #make("", 1)) / #TEXTS[kind])
local text = TEXTS[kind]:rep(math.max(1, times))

state = 1
local different = {}
for n = 1, math.min(rows, DIFFERENT) do different[n] = make(text, n) end

local file = assert(io.open(path, "wb"))
file:write "["
for n = 1, rows do
  file:write(n > 1 and "," or "", different[(n - 1) % #different + 1])
end
file:write "]"
file:close()
