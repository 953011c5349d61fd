-- SPDX-License-Identifier: MIT
--
-- A folder for the receipts of a spec's creates, and what their servers do.

local core = require "lipsync.core"
local file = require "lipsync.file"
local launch = require "spec.support.launch"
local service = require "spec.support.service"

local receipts = {}

-- What a server does with a create: makes g1, or closes without a word.
receipts.created = service.answer(201, service.generation("g1", "PENDING"))
receipts.cut = { { read = true }, { close = true } }

--- An error of the service, which may be tried again at once.
---@param status integer
---@param code string
---@return table  for scripted.start
function receipts.says(status, code)
  return service.answer(status, ('{"message":"Words.","statusCode":%d,'
    .. '"errorCode":"%s"}'):format(status, code), { ["Retry-After"] = "0" })
end

--- The idempotency key of each request, or what was asked for without one.
---@param server table
---@return string[]
function receipts.keys(server)
  local all = {}
  for i, each in ipairs(server:requests()) do
    all[i] = each.headers["idempotency-key"] or each.target
  end
  return all
end

--- Makes a folder before each test and removes it afterwards.
---@param before_each function  busted's
---@param after_each function
---@return table  folder; path: of a receipt in it; request(more): one to create
---   from, with further members; note(): what the receipt says, and its text;
---   rewrite(members): changes that on disk
function receipts.fixture(before_each, after_each)
  local own = {}

  before_each(function()
    own.folder = launch.folder()
    own.path = own.folder .. "/one.json"
  end)

  after_each(function() launch.remove(own.folder) end)

  function own.request(more)
    local all = { model = "lipsync-2", outputFileName = "one",
      input = { { type = "video", url = "https://media.example/v.mp4" },
                { type = "audio", assetId = "a1" } } }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  function own.note()
    local opened = assert(file.open(own.path, "read"))
    local bytes = opened:read(opened:size())
    opened:close()
    return core.decode(bytes), bytes
  end

  function own.rewrite(members)
    local note = own.note()
    for name, value in pairs(members) do note[name] = value end
    assert(file.replace(own.path, core.encode(note)))
  end

  return own
end

return receipts
