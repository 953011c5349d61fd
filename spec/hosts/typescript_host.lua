-- SPDX-License-Identifier: MIT
--
-- The emulator behind the service's TypeScript SDK, which knows nothing of this
-- project: what it offers works, and what it sends is understood.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"
local lipsync = require "lipsync"

local it_runs = it
local found = io.popen "scripts/sdk"
local modules = found:read "*l"
found:close()
if not modules then
  it_runs = function(name)
    pending(name .. ": the TypeScript SDK is not here")
  end
end

local row = '{"request_id":"r%d","endpoint":"/v2/generate","payload":'
  .. '{"model":"lipsync-2","input":[{"type":"video","url":'
  .. '"https://example.com/v.mp4"},{"type":"audio","url":'
  .. '"https://example.com/a.wav"}]}}\n'

local expected = {
  'create "PENDING" 2',
  'files "PENDING" ["video","audio"]',
  'mixed ["audio","video"]',
  'estimate 1 "number"',
  "get true",
  "list 3",
  "models true",
  "assets 1 true",
  "asset true",
  'dry_run "VALIDATED"',
  "batch 20",
  "batches [true] true",
  'error 400 "invalid_generation_id"',
}

describe("the TypeScript SDK", function()
  local service, client, folder

  before_each(function()
    folder = launch.folder()
    service = emulator.start { generations = 0 }
    client = lipsync.new { base_url = service.base_url, api_key = service.key }
  end)

  after_each(function()
    client:close()
    service:stop()
    launch.remove(folder)
  end)

  local function write(name, text)
    local path = folder .. "/" .. name
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    return path
  end

  it_runs("creates, looks and lists by the emulator", function()
    local video, audio = write("clip.mp4", ("v"):rep(300000)),
      write("voice.wav", ("a"):rep(5000))
    local rows = {}
    for i = 1, 20 do rows[i] = row:format(i) end
    local asset = assert(client.assets:upload(video))
    local program = launch.start { folder = folder,
      command = table.concat({ "node spec/hosts/typescript.js", video, audio,
        write("rows.jsonl", table.concat(rows)), asset.id }, " "),
      env = { NODE_PATH = modules, SYNC_BASE_URL = service.base_url,
              SYNC_API_KEY = service.key } }
    local status, log = program:finish()
    local lines = {}
    for line in log:gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.same(expected, lines)
    assert.equal(0, status)
    -- By this client's own eyes: three created, twenty by the batch.
    assert.equal(23, assert(client.generations:count()))
  end)
end)
