-- SPDX-License-Identifier: MIT
-- lipsync create: makes a generation, and maybe waits for it and downloads it.

local output = require "lipsync.cli.output"
local status = require "lipsync.cli.status"
local values = require "lipsync.cli.values"
local waiting = require "lipsync.cli.waiting"

-- ---- The request ----

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local hex = "[0-9A-Fa-f]"
local uuid = "^" .. hex:rep(8) .. "%-" .. (hex:rep(4) .. "%-"):rep(3)
  .. hex:rep(12) .. "$"

-- A medium: an address, an asset, or else a file of this machine.
local function medium(kind, given)
  local item = { type = kind }
  if given:find "^[Hh][Tt][Tt][Pp][Ss]?://" then
    item.url = given
  elseif given:find "^asset:" then
    item.assetId = given:sub(7)
  elseif given:find(uuid) and not exists(given) then
    item.assetId = given
  else
    item.file = given
  end
  return item
end

-- A text and the voice that speaks it.
local function spoken(given)
  if not given.voice then status.refuse "--text needs a --voice." end
  local text = given.text == "-" and io.stdin:read "*a" or given.text
  return { type = "text", provider = { name = "elevenlabs",
    voiceId = given.voice, script = text } }
end

-- The service's options: "a.b=1" becomes { a = { b = 1 } }.
local function options_of(pairs_given)
  if #pairs_given == 0 then return nil end
  local all = {}
  for _, pair in ipairs(pairs_given) do
    local at = all
    for i = 1, #pair.path - 1 do
      local inner = at[pair.path[i]]
      if type(inner) ~= "table" then
        inner = {}
        at[pair.path[i]] = inner
      end
      at = inner
    end
    at[pair.path[#pair.path]] = pair.value
  end
  return all
end

local function request_of(given)
  local input = {}
  for _, kind in ipairs { "video", "image", "audio" } do
    if given[kind] then input[#input + 1] = medium(kind, given[kind]) end
  end
  if given.text then input[#input + 1] = spoken(given) end
  if given.voice and not given.text then
    status.refuse "--voice needs a --text."
  elseif not given.video and not given.image then
    status.refuse "give a --video, or an --image."
  end
  return { model = given.model or "lipsync-2", input = input,
           outputFileName = given.name, projectId = given.project,
           webhookUrl = given.webhook, options = options_of(given.option) }
end

-- ---- Making it ----

-- How to go on after an unknown outcome.
local function advice(given, key)
  if given.receipt then
    return "The same command goes on, and creates no second one."
  end
  return ("The same command with --idempotency-key %s goes on, and creates no "
    .. "second one."):format(key)
end

local function create(run, given)
  local key
  function run.on_event(event)
    if event.type == "request" then key = event.idempotencyKey or key end
  end
  local screen = run.screen
  local function call()
    return run.try(function()
      return run:client().generations:create(request_of(given), {
        idempotency_key = given.idempotency_key, receipt = given.receipt,
        on_progress = screen.shows and function(sent, total)
          screen:show(screen:bar("upload", sent, total, "bytes"))
        end or nil,
      })
    end)
  end
  local generation, err, unwritten = run:protect(call, function()
    return key and "interrupted; the generation may have been created. "
      .. advice(given, key)
  end)
  screen:clear()
  if not generation then
    run:complain(err)
    if err.outcomeUnknown and err.idempotencyKey then
      run:say("lipsync: " .. advice(given, err.idempotencyKey))
    end
    status.stop(status.of(err))
  end
  if unwritten then run:complain(unwritten) end
  return generation
end

-- Downloads into a folder, or as a file; with a receipt only once.
local function download(run, generation, path, receipt)
  local screen = run.screen
  local file = run:protect(function()
    return run.check(run.try(function()
      return run:client().generations:download(generation, path, {
        receipt = receipt, if_exists = receipt and "keep" or nil,
        on_progress = screen.shows and function(received, total)
          screen:show(screen:bar("download", received, total, "bytes"))
        end or nil,
      })
    end))
  end, ("interrupted; what is there stays. To go on: lipsync download %s -o %s")
    :format(generation.id, path))
  screen:clear()
  return file
end

local function run_create(run, given)
  local generation = create(run, given)
  -- At once, so that it is known whatever happens.
  if not given.json and not given.download then
    output.write(generation.id, "\n")
    output.flush()
  end
  local waits = given.wait or given.download
  if waits then generation = waiting.one(run, generation) end
  local problem = waits and waiting.problem(generation)
  local file = given.download and not problem
    and download(run, generation, given.download, given.receipt)
  if given.json then
    output.write(output.json(generation), "\n")
  elseif file then
    output.write(file.path, "\n")
  end
  if problem then
    run:complain(problem, "generation")
    return status.refused
  end
end

return { {
  name = "create", summary = "Create a generation",
  text = "A medium is an https: address, the id of an asset (or asset:ID), or "
    .. "a file, which is uploaded. Prints the id; with --download the path of "
    .. "the video. It is paid for once: the same command with the same "
    .. "--receipt, after a kill or a broken connection, goes on.",
  options = {
    { "--video", value = "MEDIUM", read = values.text,
      help = "the video to change" },
    { "--image", value = "MEDIUM", read = values.text,
      help = "an image in place of a video" },
    { "--audio", value = "MEDIUM", read = values.text,
      help = "the voice to hear" },
    { "--text", value = "TEXT", read = values.text,
      help = 'what the voice says, in place of audio; "-" is standard input' },
    { "--voice", value = "ID", read = values.text,
      help = "the ElevenLabs voice that speaks the text" },
    { "--model", value = "NAME", read = values.text,
      help = "the model (default: lipsync-2)" },
    { "--option", value = "NAME=VALUE", read = values.pair, many = true,
      help = "an option of the service: sync_mode=loop, temperature=0.5" },
    { "--name", value = "NAME", read = values.text,
      help = "the output's file name" },
    { "--project", value = "ID", read = values.text,
      help = "the project that it belongs to" },
    { "--webhook", value = "URL", read = values.text,
      help = "where the service reports the end" },
    { "--receipt", value = "FILE", read = values.text,
      help = "remember this create in a file, so that it is paid for once" },
    { "--idempotency-key", value = "KEY", read = values.text,
      help = "the key of an earlier try, to go on with" },
    { "--wait", help = "wait until it has ended" },
    { "--download", value = "PATH", read = values.text,
      help = "wait, and download into this folder or as this file" },
  },
  run = run_create,
} }
