-- SPDX-License-Identifier: MIT
-- Files of the service on disk: the output of a generation, or many into a
-- folder; the file of another object.

local download = require "lipsync.media.download"
local each = require "lipsync.bulk.each"
local errors = require "lipsync.error"
local file = require "lipsync.file"
local load = require "lipsync.host.load"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local place = require "lipsync.media.place"
local schema = require "lipsync.base.schema"

local downloads = {}

---@class lipsync.DownloadOptions : lipsync.CallOptions
---@field timeout number|nil  seconds for the whole download; default none
---@field if_exists string|nil  "refuse" (default): an error. "keep": the file
---   that is there is taken if it is as long. "overwrite"
---@field on_progress nil|fun(received: integer, total: integer|nil)
---@field allow_unknown_length boolean|nil  true: takes a file although the
---   server does not say how long it is
---@field receipt string|nil  of generations: path of the receipt of its create,
---   which then says that nothing is left to do
local one = schema.join(operation.options, download.options,
  { on_progress = schema.callable() })

local one_generation = schema.join(one, { receipt = schema.text })

---@class lipsync.DownloadManyOptions : lipsync.CallOptions
---@field timeout number|nil  seconds for each download; default none
---@field if_exists string|nil  as for one, but the default is "keep"
---@field allow_unknown_length boolean|nil
---@field concurrency integer|nil  downloads under way at once; default 4
---@field max integer|nil  the most downloads
---@field dry_run boolean|nil  true: fetches nothing, only counts what would be
---   downloaded
---@field when nil|fun(item: lipsync.Generation|string, stop: fun()): any
---@field on_result nil|fun(id: string, outcome: string,
---   result: lipsync.Downloaded|nil, err: lipsync.Error|nil, stop: fun())
---   outcome: "downloaded", "existing", "skipped" or "failed"
---@field on_progress nil|fun(done: integer, total: integer|nil, stop: fun())
---@field receipts string|nil  a folder with receipts of their creates, which
---   then say that nothing is left to do
local many = schema.join(operation.options, download.options, each.options,
  { receipts = schema.text })

-- The address of a generation's output, or nil and why there is none.
local function read(generation)
  local status, address = generation:get "status", generation:get "outputUrl"
  if status ~= "COMPLETED" then
    return nil, ("it is %s, and %s"):format(tostring(status),
      generation:is_terminal() and "so has no output"
        or "can be downloaded once it is COMPLETED")
  elseif type(address) ~= "string" or address == "" then
    return nil, "it has no outputUrl"
  end
  return address
end

local function name_of(generation)
  local name = generation:get "outputFileName"
  return type(name) == "string" and name or nil
end

-- What a download needs to know about a generation.
local function to_subject(resource, spec, given)
  local id, generation = operation.identify(given, spec)
  return {
    id = id, object = generation, action = "download " .. spec.noun,
    noun = spec.noun, read = read, name = name_of,
    ask = function(options, own)
      return operation.prepare(resource, spec, id, options, own)
    end,
  }
end

-- With the beginning of the id in the file's name, as many may have one name.
local function to_one_of_many(resource, spec, given)
  local subject = to_subject(resource, spec, given)
  subject.more = "-" .. subject.id:sub(1, 8)
  return subject
end

local function check_path(path, name)
  if type(path) ~= "string" or path == "" then
    misuse.raise(("%s must be a path, got %s"):format(name, misuse.show(path)))
  end
end

-- What a download needs to know about an object that has a row for its file's
-- address.
local function to_located(resource, specs, given, name)
  local spec = specs.get
  local id, object = operation.identify(given, spec)
  local function by(row)
    return function(options, own)
      return operation.prepare(resource, row, id, options, own)
    end
  end
  return {
    id = id, object = object, action = "download " .. spec.noun,
    noun = spec.noun, name = name, ask = by(spec),
    locate = by(specs.download_url),
  }
end

--- Downloads the file of an object that has a row for its address.
---@param resource table
---@param specs table  of its rows, with `get` and `download_url`
---@param given string|table
---@param path string
---@param options lipsync.DownloadOptions|nil
---@param name fun(object: table): string|nil  what the file may be called
---@return lipsync.Downloaded|nil
---@return lipsync.Error|nil err
function downloads.located(resource, specs, given, path, options, name)
  check_path(path, "path")
  options = schema.read(one, options, "options")
  return download.new(resource.client, to_located(resource, specs, given, name),
    path, options):run()
end

-- The file of an earlier download to this path, if it is there and nothing
-- else is wanted.
local function earlier(note, path, options)
  if options.if_exists ~= "keep" or note.asked ~= path then return nil end
  local info = file.info(note.path)
  if not info or info.type ~= "file" or info.size ~= note.bytes then
    return nil
  end
  return { path = note.path, bytes = note.bytes, resumed = false,
           existing = true, type = note.type }
end

-- What a receipt says of a finished download to `path`.
local function members_of(this, path)
  local result = this.value
  return { asked = path, path = result.path, bytes = result.bytes,
           type = result.type }
end

-- A download that is noted in the receipt of the create. Where an earlier one
-- was, nothing is asked of the service, which may have deleted it meanwhile.
local function with_receipt(client, spec, subject, path, options)
  local receipt = load.module "lipsync.compound.receipt"
  local note, err = receipt.read(client, spec, options, subject.id)
  if not note then return nil, err end
  local result = earlier(note, path, options)
  if result then return result end
  local this = download.new(client, subject, path, options)
  result, err = this:run()
  if not result then return nil, err end
  return result, nil, select(2, receipt.finish(client, spec, options,
    subject.id, this.object, members_of(this, path)))
end

--- See client.generations:download.
---@param resource table
---@param spec table  of the row `get`
---@param given string|lipsync.Generation
---@param path string
---@param options lipsync.DownloadOptions|nil
---@return lipsync.Downloaded|nil
---@return lipsync.Error|nil err
---@return lipsync.Error|nil problem  of a receipt that could not be written
function downloads.one(resource, spec, given, path, options)
  check_path(path, "path")
  options = schema.read(one_generation, options, "options")
  local client, subject = resource.client, to_subject(resource, spec, given)
  if options.receipt then
    return with_receipt(client, spec, subject, path, options)
  end
  return download.new(client, subject, path, options):run()
end

-- ---- Many ----

local function outcome_of(this)
  if not this.value then return "failed" end
  return this.value.existing and "existing" or "downloaded"
end

-- The outcome that an item would have.
local function foresee(folder, subject)
  local generation = subject.object
  if not generation then return "downloaded" end
  local address = read(generation)
  if not address then return "failed" end
  local found = place.find(folder, { id = subject.id, url = address,
    name = name_of(generation), more = subject.more })
  return found and found.info and "existing" or "downloaded"
end

local whole = "download generations"

-- What the errors of all report.
local function about_of(client, options)
  local about = client:about()
  about.action, about.tag = whole, options.tag
  return about
end

-- The error for a folder that is none. The first download would say it, too,
-- but only after it has asked for a generation.
local function check_folder(client, folder, options)
  local about = about_of(client, options)
  if folder:find("\0", 1, true) then
    return errors.new("invalid", "the folder's path has a NUL character",
      about, "folder")
  end
  local info, failure = file.info(folder)
  if info and info.type == "folder" then return nil end
  if info or failure.code == "file_missing" then
    failure = { code = "no_folder", path = folder }
  end
  return errors.from_failure(failure, about)
end

-- ---- Many with receipts ----

-- The receipts of each generation, by the ids; nil and an error if their folder
-- is none.
local function receipts_of(client, options)
  if not options.receipts then return {} end
  return load.module "lipsync.compound.receipt".folder(client,
    options.receipts, about_of(client, options))
end

local none = {}

-- A download that an earlier run has made, in the form of one.
local function made(result)
  return { over = true, value = result,
           advance = function() return true end, cancel = function() end }
end

-- The numbers of a full disk, a read-only one and a used up quota (on Linux,
-- then elsewhere): all further downloads would fail too.
local full = { [28] = true, [30] = true, [122] = true, [69] = true }

--- See client.generations:download_many.
---@param resource table
---@param spec table  of the row `get`
---@param items (string|lipsync.Generation)[]|lipsync.Listing
---@param folder string
---@param options lipsync.DownloadManyOptions|nil
---@return table|nil result
---@return lipsync.Error|nil err
---@return table|nil so_far
function downloads.many(resource, spec, items, folder, options)
  local client = resource.client
  check_path(folder, "folder")
  options = schema.read(many, options, "options")
  local own = setmetatable({ if_exists = options.if_exists or "keep",
    on_progress = false }, { __index = options })
  local path, receipts = folder .. "/", nil
  -- What is known of a file that is there from an earlier run.
  local function known(id)
    for _, receipt in ipairs(receipts[id] or none) do
      local result = earlier(receipt.note, path, own)
      if result then return result end
    end
    return nil
  end
  local work = {
    action = whole, noun = spec.noun, list = "client.generations:list { … }",
    outcome_of = outcome_of, concurrency = 4,
    tally = { downloaded = 0, existing = 0, skipped = 0, failed = 0,
              errors = {} },
    prepare = function(item, group)
      local subject = to_one_of_many(resource, spec, item)
      local result = known(subject.id)
      if result then return made(result) end
      return download.new(client, subject, path, own,
        { group = group, clock = group.clock:lap() })
    end,
    finish = function(this, item)
      local receipt = receipts[operation.identify(item, spec)]
      if not receipt or not this.subject then return nil end
      return load.module "lipsync.compound.receipt".finish_all(client, spec,
        options, receipt, this.object, members_of(this, path))
    end,
    identify = function(item)
      return (operation.identify(item, spec))
    end,
    foresee = function(item)
      local subject = to_one_of_many(resource, spec, item)
      return known(subject.id) and "existing" or foresee(folder, subject)
    end,
    is_hopeless = function(err)
      return err.kind == "file" and (full[err.os_error]
        or check_folder(client, folder, options) ~= nil)
    end,
  }
  each.items(client, items, work)  -- raises what is wrong with them
  local err = check_folder(client, folder, options)
  if not err then receipts, err = receipts_of(client, options) end
  if err then return nil, err, work.tally end
  return each.run(client, items, options, work)
end

return downloads
