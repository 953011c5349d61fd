-- SPDX-License-Identifier: MIT
--
-- A day on which everything goes wrong that may: for hosts, which run it where
-- they may wait, against an emulator that is told over HTTP what to spoil. Its
-- text says how each trouble ended. Nothing here waits inside pcall or an
-- iterator, because Lua 5.1 cannot.

local bad_days = {}

-- For the full disk: the program's own limit of a file (bytes).
local file_limit = 2 ^ 23

--- What goes before the command of a program that lives through it.
bad_days.before = ([[sh -c 'trap "" XFSZ; ulimit -f %d; exec "$@"' sh ]])
  :format(file_limit / 512)

-- One of the generations that the emulator may have been asked for.
local unknown_id = "00000000-0000-4000-8000-000000000000"

local function control(here, what, settings)
  assert(here.client:request("POST", "/_emulator/" .. what,
    { body = settings, send_key = false }))
end

local function fault(here, settings) control(here, "fault", settings) end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return text
end

-- ---- Creating ----

local prefix = "bad-day-"

local function request(name, file)
  return { model = "lipsync-2", outputFileName = prefix .. name, input = {
    { type = "video", file = file, url = not file
      and "https://media.example/v.mp4" or nil },
    { type = "audio", url = "https://media.example/a.wav" } } }
end

-- What became of a create: its status, or what an error says.
local function said(generation, err)
  if generation then return generation.status end
  local word = err.statusCode and ("%d"):format(err.statusCode) or err.kind
  return err.outcomeUnknown and word .. " unknown" or word
end

local creates = 0

-- Creates one whose requests meet these faults.
local function create(here, faults, file, options)
  for _, each in ipairs(faults) do
    each.route = "create"
    fault(here, each)
  end
  creates = creates + 1
  return said(here.client.generations:create(
    request(("%d"):format(creates), file), options))
end

local function unclear(tells_id)
  return { statusCode = 503, perform = true, tellId = tells_id,
           errorCode = "IDEMPOTENCY_OUTCOME_UNKNOWN", retryAfter = 0 }
end

local function full(code)
  return { statusCode = 429, errorCode = code, retryAfter = 0 }
end

-- ---- Downloading ----

-- Downloads a generation that has ended; how that went, and whether the bytes
-- are the right ones.
local function download(here, faults, options)
  for _, each in ipairs(faults) do
    each.route = "media"
    fault(here, each)
  end
  local path = here.folder .. "/bad.mp4"
  local result, err = here.client.generations:download(here.ended, path,
    options)
  local whole = read(path)
  os.remove(path)
  if not result then return err.kind .. " " .. tostring(whole) end
  return (result.resumed and "resumed " or "whole ")
    .. tostring(whole == here.film)
end

local function set(here, settings) control(here, "set", settings) end

-- ---- The day ----

-- Each trouble: its name, what is to come of it, and a function.
local troubles = {
  { "an answer that is lost", "PENDING", function(here)
    return create(here, { { reset = true, perform = true } })
  end },
  { "an answer that is cut", "PENDING", function(here)
    return create(here, { { cut = 20 } })
  end },
  { "a connection that is reset before", "PENDING", function(here)
    return create(here, { { reset = true } })
  end },
  { "files whose answer is lost", "PENDING", function(here)
    return create(here, { { reset = true, perform = true } }, here.clip)
  end },
  { "503 with the id", "PENDING", function(here)
    return create(here, { unclear(true) })
  end },
  { "503 without it", "PENDING", function(here)
    return create(here, { unclear(false) })
  end },
  { "500 and both 429", "PENDING", function(here)
    return create(here, { { statusCode = 500 }, full "rate_limit_exceeded",
                          full "concurrency_limit_reached" })
  end },
  { "409 in progress", "PENDING", function(here)
    return create(here, { { statusCode = 409, retryAfter = 0,
                            errorCode = "IDEMPOTENCY_IN_PROGRESS" } })
  end },
  { "409 conflict", "409", function(here)
    return create(here, { { statusCode = 409,
                            errorCode = "IDEMPOTENCY_KEY_CONFLICT" } })
  end },
  { "402", "402", function(here)
    return create(here, { { statusCode = 402 } })
  end },
  { "422", "422", function(here)
    return create(here, { { statusCode = 422 } })
  end },
  { "a page of a proxy", "403", function(here)
    return create(here, { { statusCode = 403, body = "<html>",
      headers = { ["Content-Type"] = "text/html" } } })
  end },
  { "413 before the body", "413", function(here)
    return create(here, { { statusCode = 413, early = true } }, here.clip)
  end },
  { "no file", "file", function(here)
    return create(here, {}, here.folder .. "/none.mp4")
  end },
  { "a folder", "file", function(here)
    return create(here, {}, here.folder)
  end },
  { "an empty file", "file", function(here)
    write(here.folder .. "/empty.mp4", "")
    return create(here, {}, here.folder .. "/empty.mp4")
  end },
  { "a file that shrinks", "invalid", function(here)
    local short = here.folder .. "/short.mp4"
    write(short, ("s"):rep(2 ^ 22))
    return create(here, {}, short, { on_progress = function()
      write(short, "s")
    end })
  end },
  { "two with one receipt", "PENDING once", function(here)
    local client, seen, tasks = here.client, {}, {}
    for i = 1, 2 do
      tasks[i] = client:spawn(function()
        return client.generations:create(request "both",
          { receipt = here.folder .. "/both.json" })
      end)
    end
    for i = 1, 2 do
      local generation, err = tasks[i]:wait()
      assert(generation, tostring(err))
      seen[generation.id] = generation.status
    end
    local id, status = next(seen)
    return status .. (next(seen, id) and " twice" or " once")
  end },

  { "one that is REJECTED", "REJECTED", function(here)
    fault(here, { route = "create", outcome = "REJECTED" })
    local generation = assert(here.client.generations:create(
      request "rejected"))
    control(here, "advance", { seconds = 3600 })
    return said(generation:wait())
  end },
  { "one that is not there", "404", function(here)
    return said(here.client.generations:wait(unknown_id))
  end },
  { "one that is listed no more", "404", function(here)
    local _, ended, err = here.client.generations:wait_many({ unknown_id })
      :next()
    return said(ended, err)
  end },
  { "a wait that takes too long", "timeout PENDING", function(here)
    local generation = assert(here.client.generations:create(request "slow"))
    local _, err = generation:wait { timeout = 0.3 }
    return err.kind .. " " .. err.generation.status
  end },

  { "a download that is cut", "resumed true", function(here)
    return download(here, { { cut = 1000 }, { cut = 1000 } })
  end },
  { "an address that has expired", "whole true", function(here)
    return download(here, { { statusCode = 403 } })
  end },
  { "one that expires in the middle", "resumed true", function(here)
    return download(here, { { cut = 1000 }, { statusCode = 410 } })
  end },
  { "a media host that fails once", "whole true", function(here)
    return download(here, { { statusCode = 500 } })
  end },
  { "another file in the middle", "whole true", function(here)
    return download(here, { { cut = 1000 }, { statusCode = 412 } })
  end },
  { "a redirect to a private address", "invalid nil", function(here)
    set(here, { media_redirect = "https://10.0.0.1" })
    local how = download(here, {})
    set(here, { media_redirect = "" })
    return how
  end },
  { "a target that exists", "file film", function(here)
    write(here.folder .. "/bad.mp4", "film")
    return download(here, {})
  end },
  { "a full disk", "file part", function(here)
    set(here, { media_size = 2 * file_limit })
    local path = here.folder .. "/full.mp4"
    local _, err = here.client.generations:download(here.ended, path)
    set(here, { media_size = #here.film })
    local part = read(path .. ".part")
    return err.kind .. (part and #part == file_limit
      and not read(path) and " part" or " else")
  end },
}

-- How many were created, each once; or which was created again.
local function count(here)
  local seen, listing = {}, here.client.generations:list()
  local generation, err = listing:next()
  while generation do
    local name = generation.outputFileName
    if name and name:find(prefix, 1, true) == 1 then
      seen[name] = (seen[name] or 0) + 1
    end
    generation, err = listing:next()
  end
  assert(not err, tostring(err))
  local names = 0
  for name, times in pairs(seen) do
    names = names + 1
    if times > 1 then return name .. " twice" end
  end
  return names .. " once each"
end

--- How the day is to end.
---@return string
function bad_days.expected()
  local lines = {}
  for i, trouble in ipairs(troubles) do
    lines[i] = trouble[1] .. ": " .. trouble[2]
  end
  return table.concat(lines, "\n") .. "\nall: 12 once each"
end

--- Lives through it. Called where the host may wait, in a program that was
--- started with `before`.
---@param client table
---@param folder string  for its files
---@return string
function bad_days.run(client, folder)
  local here = { client = client, folder = folder,
                 clip = folder .. "/clip.mp4" }
  require "lipsync.compound.wait_many".interval = function() return 0 end
  creates = 0
  write(here.clip, ("v"):rep(2 ^ 21))
  here.ended = assert(client.generations:create(request "ended")).id
  control(here, "advance", { seconds = 3600 })
  local path = folder .. "/good.mp4"
  assert(client.generations:download(here.ended, path))
  here.film = read(path)
  local lines = {}
  for i, trouble in ipairs(troubles) do
    lines[i] = trouble[1] .. ": " .. tostring(trouble[3](here))
  end
  lines[#lines + 1] = "all: " .. count(here)
  return table.concat(lines, "\n")
end

return bad_days
