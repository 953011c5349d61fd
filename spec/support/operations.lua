-- SPDX-License-Identifier: MIT
--
-- Every operation of the service, and the calls of the client that make it:
-- the one list that spec/contract and spec/promises loop over. A new operation
-- is a row and a sample; then it is tested as all others are.
--
-- `rows` has the facts of an operation that hold for any call. A sample has
-- what the client's tables do not know: how to call it, and the service's
-- responses. An operation may have several, such as a listing in one response
-- and in pages. Needs no module, so the torture program can load it too.

local operations = {}

-- The id of what is created with an id.
local ID = "0f0e0d0c-0b0a-4908-8706-050403020100"

-- Whether a response says nothing more than that it was done.
local function is_bare(status, body)
  return status == 204
    or status == 200 and (body == "" or body == "{}" or body == "true")
end

--- Documents that the emulator is given, all with one id, before an operation
--- is tried there: their kinds, or more of their members.
operations.kinds = {
  "generation", { kind = "asset", url = "https://media.example/a.wav" },
  "project", "voice", "speech_job", "transcription", "dialogue_edit",
  "batch",
}

--- By name:
---   action   how sentences of errors begin; the id follows if the path has one
---   method, path, key (whether it is sent)
---   expects  what the response must be, in words
---   accepts  of (status, body): what other good response this is, or nil
---   retry    "safe", "idempotent" or "keyed": as often as the call may;
---            "never"
---   unknown  the sentence after an unknown outcome, or nil
---   advice   the advice after some statuses
---   status   of the service's good response; default 200
operations.rows = {
  ["generations.list"] = {
    action = "list generations", method = "GET", path = "/v2/generations",
    key = true, expects = "a JSON array", retry = "safe",
  },
  ["generations.get"] = {
    action = "get generation", method = "GET", path = "/v2/generate/{id}",
    key = true, expects = "a generation", retry = "safe",
    advice = { [404] =
      "It was deleted before, or belongs to another organization." },
  },
  ["generations.create"] = {
    action = "create generation", method = "POST", path = "/v2/generate",
    key = true, expects = "a generation", retry = "keyed", status = 201,
    unknown = "The generation may have been created; the same request with "
      .. "the same idempotency_key creates no second one.",
  },
  ["generations.estimate"] = {
    action = "estimate cost", method = "POST",
    path = "/v2/generations/estimate", key = true, retry = "safe",
    expects = "a JSON object with estimatedGenerationCost",
  },
  ["generations.costs"] = {
    action = "get costs of generation", method = "GET",
    path = "/v2/generate/{id}/costs", key = true, retry = "safe",
    expects = "a JSON object with generationId",
    advice = { [404] =
      "It was deleted before, or belongs to another organization." },
  },
  ["generations.count"] = {
    action = "count generations", method = "GET",
    path = "/v2/generations/count", key = true, expects = '{"count": n}',
    retry = "safe",
  },
  ["generations.delete"] = {
    action = "delete generation", method = "DELETE",
    path = "/v2/generations/{id}", key = true, retry = "idempotent",
    expects = "a generation",
    accepts = is_bare,
    unknown = "The generation may have been deleted.",
    advice = {
      [404] = "It was deleted before, or belongs to another organization.",
      [409] = "It can be deleted once it is COMPLETED, FAILED or REJECTED; "
        .. "the API has no cancel.",
    },
  },
  ["assets.list"] = {
    action = "list assets", method = "GET", path = "/v2/assets", key = true,
    expects = '{"items": [assets]}', retry = "safe",
  },
  ["assets.get"] = {
    action = "get asset", method = "GET", path = "/v2/assets/{id}", key = true,
    expects = "an asset", retry = "safe", advice = { [404] =
      "It was deleted before, or belongs to another organization." },
  },
  ["assets.get_many"] = {
    action = "get assets", method = "POST", path = "/v2/assets/batch",
    key = true, expects = '{"items": [assets]}', retry = "safe",
  },
  ["assets.download_url"] = {
    action = "get the address of asset", method = "GET",
    path = "/v2/assets/{id}/download", key = true, retry = "safe",
    expects = "the address of a file",
    accepts = function(status, body)
      return status == 200 and body:find "^https://" ~= nil
    end,
    advice = { [404] =
      "It was deleted before, or belongs to another organization." },
  },
  ["assets.create"] = {
    action = "create asset", method = "POST", path = "/v2/assets", key = true,
    expects = "an asset", retry = "never", status = 201, unknown = "The asset "
      .. "may have been created; client.assets:list shows it.",
  },
  ["assets.update"] = {
    action = "update asset", method = "PATCH", path = "/v2/assets/{id}",
    key = true, expects = "an asset", retry = "idempotent",
    unknown = "The asset may have been changed.", advice = { [404] =
      "It was deleted before, or belongs to another organization." },
  },
  ["assets.delete"] = {
    action = "delete asset", method = "DELETE", path = "/v2/assets/{id}",
    key = true, expects = "an asset", retry = "idempotent",
    accepts = is_bare,
    unknown = "The asset may have been deleted.",
    advice = { [404] =
      "It was deleted before, or belongs to another organization." },
  },
  ["projects.list"] = {
    action = "list projects", method = "GET", path = "/v2/projects", key = true,
    expects = '{"items": [projects]}', retry = "safe",
  },
  ["projects.get"] = {
    action = "get project", method = "GET", path = "/v2/projects/{id}",
    key = true, expects = "a project", retry = "safe", advice = { [404] =
      "It was deleted before, or belongs to another organization." },
  },
  ["projects.create"] = {
    action = "create project", method = "POST", path = "/v2/projects",
    key = true, retry = "idempotent", status = 201,
    expects = "a project",
    unknown = "The project may have been created; the same request with this "
      .. "id creates no second one.",
    advice = { [409] = "Its id belongs to another organization, or to a "
      .. "project that was deleted." },
  },
  ["projects.update"] = {
    action = "update project", method = "PATCH", path = "/v2/projects/{id}",
    key = true, expects = "a project", retry = "idempotent",
    unknown = "The project may have been changed.", advice = { [404] =
      "It was deleted before, or belongs to another organization." },
  },
  ["projects.delete"] = {
    action = "delete project", method = "DELETE", path = "/v2/projects/{id}",
    key = true, expects = "a project", retry = "idempotent", accepts = is_bare,
    unknown = "The project may have been deleted.", advice = { [404] =
      "It was deleted before, or belongs to another organization." },
  },
  ["projects.attach"] = {
    action = "attach an asset to project", method = "POST",
    path = "/v2/projects/{id}/assets", key = true, expects = "nothing",
    retry = "idempotent", accepts = is_bare, status = 204,
    unknown = "The asset may have been attached.",
  },
  ["projects.detach"] = {
    action = "detach an asset from project", method = "DELETE",
    path = "/v2/projects/{id}/assets/{assetId}", key = true,
    expects = "nothing", retry = "idempotent", accepts = is_bare, status = 204,
    unknown = "The asset may have been detached.",
  },
  ["voices.list"] = {
    action = "list voices", method = "GET", path = "/v2/voices", key = true,
    expects = '{"voices": [voices]}', retry = "safe",
  },
  ["voices.get"] = {
    action = "get voice", method = "GET", path = "/v2/voices/{id}", key = true,
    expects = "a voice", retry = "safe", advice = { [404] =
      "It was deleted before, or belongs to another organization." },
  },
  ["voices.delete"] = {
    action = "delete voice", method = "DELETE", path = "/v2/voices/{id}",
    key = true, expects = "a voice", retry = "idempotent", accepts = is_bare,
    unknown = "The voice may have been deleted.", advice = { [404] =
      "It was deleted before, or belongs to another organization." },
  },
  ["speech.create"] = {
    action = "create speech", method = "POST", path = "/v2/tts", key = true,
    expects = "a speech", retry = "never",
    unknown = "The speech may have been made.",
  },
  ["speech.start"] = {
    action = "start speech job", method = "POST", path = "/v2/tts/jobs",
    key = true, expects = "a speech job", retry = "keyed", status = 202,
    unknown = "The job may have been started; the same request with the same "
      .. "idempotency_key starts no second one.",
  },
  ["speech.get"] = {
    action = "get speech job", method = "GET", path = "/v2/tts/jobs/{id}",
    key = true, expects = "a speech job", retry = "safe", advice = { [404] =
      "Check the id; it may belong to another organization." },
  },
  ["transcriptions.create"] = {
    action = "create transcription", method = "POST",
    path = "/v2/transcriptions", key = true, expects = "a transcription",
    retry = "idempotent", status = 201,
    unknown = "The transcription may have been started; the same request "
      .. "gives the same one.",
  },
  ["transcriptions.get"] = {
    action = "get transcription", method = "GET",
    path = "/v2/transcriptions/{id}", key = true, expects = "a transcription",
    retry = "safe", advice = { [404] =
      "Check the id; it may belong to another organization." },
  },
  ["dialogue_edits.create"] = {
    action = "create dialogue edit", method = "POST",
    path = "/v2/dialogue-edits", key = true, expects = "a dialogue edit",
    retry = "never", status = 201, unknown = "The edit may have been started.",
  },
  ["dialogue_edits.get"] = {
    action = "get dialogue edit", method = "GET",
    path = "/v2/dialogue-edits/{id}", key = true, expects = "a dialogue edit",
    retry = "safe", advice = { [404] =
      "Check the id; it may belong to another organization." },
  },
  ["usage.list"] = {
    action = "list usage", method = "GET", path = "/v2/usage/generations",
    key = true, expects = '{"items": [costs]}', retry = "safe",
  },
  ["webhooks.secret"] = {
    action = "get webhook secret", method = "GET",
    path = "/v2/organizations/webhook/secret", key = true,
    expects = '{"secret": text}', retry = "safe",
  },
  ["batches.list"] = {
    action = "list batches", method = "GET", path = "/v2/batch", key = true,
    expects = "a JSON array", retry = "safe",
  },
  ["batches.get"] = {
    action = "get batch", method = "GET", path = "/v2/batch/{id}", key = true,
    expects = "a batch", retry = "safe", advice = { [404] =
      "Check the id; it may belong to another organization." },
  },
  ["models.list"] = {
    action = "list models", method = "GET", path = "/v2/models", key = true,
    expects = "a JSON array", retry = "safe",
  },
  ["errors.list"] = {
    action = "list error codes", method = "GET", path = "/v2/errors",
    key = false, expects = "an array of error codes", retry = "safe",
  },
}

local function generation(id)
  return ('{"id":"%s","createdAt":"2026-08-25T10:00:00.000Z","input":[],'
    .. '"model":"lipsync-2","status":"COMPLETED"}'):format(id)
end

local g1, g2, g3 = generation "g1", generation "g2", generation "g3"

-- Reads a listing: all its objects, or the error that ended it.
local function read_listing(listing)
  local found = {}
  while true do
    local item, err = listing:next()
    if err then return nil, err end
    if not item then return found end
    found[#found + 1] = item
  end
end

local list_misuse = {
  { 5, "filter must be a table, got number 5" },
  { { project_id = "x" }, 'unknown filter "project_id", did you mean '
    .. '"projectId"? Known: cursor, extra, ids, limit, page_size, projectId, '
    .. "source, status." },
  { { status = true }, "status must be a string or an array of strings, got "
    .. "boolean true" },
  { { limit = "5" }, 'limit must be a whole number of at least 1, got string '
    .. '"5"' },
}

-- All text filters.
local function filters(text)
  return { { status = { text } }, { source = text }, { source = { text } },
           { ids = { text } }, { projectId = text },
           { limit = 1, cursor = text } }
end

local id_misuse = {
  { 5, "id must be a string or a generation, got number 5" },
  { {}, "id must be a string or a generation, got table" },
  { true, "id must be a string or a generation, got boolean true" },
}

local function itself(text) return { text } end

-- The same for another resource.
local function misuse_of(noun)
  local copy = {}
  for i, each in ipairs(id_misuse) do
    copy[i] = { each[1], (each[2]:gsub("a generation", noun)) }
  end
  return copy
end

local function batch(id)
  return ('{"id":"%s","created_at":"2026-08-25T10:00:00.000Z",'
    .. '"status":"COMPLETED","metrics":{},"outputUrl":""}'):format(id)
end

local function asset(id)
  return ('{"id":"%s","name":"voice.wav","type":"AUDIO"}'):format(id)
end

-- What is sent to create a generation, with the given address of its video.
local function to_create(url)
  return { model = "lipsync-2", input = {
    { type = "video", url = url },
    { type = "audio", url = "https://media.example/a.wav" } } }
end

local function voice(id)
  return ('{"id":"%s","name":"Me","provider":"elevenlabs"}'):format(id)
end

local function job(status)
  return ('{"id":"g1","status":"%s"}'):format(status)
end

local to_speak = { script = "Hello.", voiceId = "v1", provider = "elevenlabs",
                   stability = 0.5 }
local spoken = '{"provider":"elevenlabs","script":"Hello.","stability":0.5,'
  .. '"voiceId":"v1"}'

local speech_misuse = {
  { 5, "request must be a table, got number 5" },
  { { script = "x" }, "request.voiceId is missing" },
  { { script = "x", voice_id = "y" }, 'unknown member "voice_id" of request, '
    .. 'did you mean "voiceId"?' },
}

local function speeches(text)
  return { { script = text, voiceId = "v1" }, { script = "a", voiceId = text } }
end

local function to_edit(url)
  return { sourceVideoUrl = url,
           transcript = { segments = { { words = { { id = "w1" } } } } },
           edits = { { kind = "remove", wordIds = { "w1" } } } }
end

local costs = '{"generationId":"g1","totalCostUsd":"1.50"}'
local estimate = '{"estimatedFrameCount":75,"estimatedGenerationCost":0.15}'

local catalog = '[{"code":"a","message":"A.","suggestion":"Do a."},'
  .. '{"code":"b","message":"B.","suggestion":null}]'

--- In the order in which they are tried:
---   name       unique, one word
---   of         the operation's row
---   call       its code after "client."; "warm" is client:warm
---   arguments  those before the options; "g1" for an id in the path
---   others     which of the arguments, after the first, are ids too: by their
---              numbers, the fields of errors
---   id         at the end of the action, where the path has none
---   most       attempts that all its calls get: more make other requests
---   exchanges  query of each request, and the body of its response
--   body       of the request; default none
---   value      the call's value, in the form of operations.plain
---   read       makes value and error of what the call returns
---   misuse     wrong first arguments, and what is raised
---   texts      first arguments with a text from outside
---   spares     of (status, body): whether this error response is a success of
---              the call; body nil: one of the service's own
---   streams    whether it delivers the beginning of a response that breaks
---   keeps      whether a client requests it once and keeps the response
local samples = {
  { name = "list", of = "generations.list", call = "generations:list",
    arguments = { {} }, exchanges = { { "", "[" .. g1 .. "," .. g2 .. ","
      .. g3 .. "]" } },
    read = read_listing, value = { g1, g2, g3 }, streams = true,
    misuse = list_misuse, texts = filters },
  { name = "get", of = "generations.get", call = "generations:get",
    arguments = { "g1" }, exchanges = { { "", g1 } }, value = g1,
    misuse = id_misuse, texts = itself },
  { name = "create", of = "generations.create", call = "generations:create",
    arguments = { to_create "https://media.example/v.mp4" },
    exchanges = { { "", g1 } }, value = g1,
    body = '{"input":[{"type":"video","url":"https://media.example/v.mp4"},'
      .. '{"type":"audio","url":"https://media.example/a.wav"}],'
      .. '"model":"lipsync-2"}',
    misuse = {
      { 5, "request must be a table, got number 5" },
      { {}, "request.model is missing" },
      { { modle = "x" }, 'unknown member "modle" of request, did you mean '
        .. '"model"? Known: dialogueEdit, dubParams, extra, input, model, '
        .. "options, outputFileName, projectId, segments, webhookUrl." },
      { { model = "x", input = { { type = "video", ulr = "x" } } },
        'unknown member "ulr" of request.input[1], did you mean "url"?' },
    },
    texts = function(text)
      return { { model = text, input = to_create "https://a".input },
               to_create("https://a/" .. text) }
    end },
  { name = "estimate", of = "generations.estimate",
    call = "generations:estimate",
    arguments = { { model = "lipsync-2", duration = 3 } },
    exchanges = { { "", estimate } }, value = estimate,
    body = '{"duration":3,"model":"lipsync-2"}',
    misuse = {
      { { model = "x" }, "request.duration is missing" },
      { { model = "x", duration = 0 }, "request.duration must be a number of "
        .. "seconds above 0, got number 0" },
    },
    texts = function(text) return { { model = text, duration = 1 } } end },
  { name = "costs", of = "generations.costs", call = "generations:costs",
    arguments = { "g1" }, exchanges = { { "", costs } }, value = costs,
    misuse = id_misuse, texts = itself },
  { name = "count", of = "generations.count", call = "generations:count",
    arguments = { { status = { "FAILED", "REJECTED" } } },
    exchanges = { { "?status=FAILED,REJECTED", '{"count":7}' } }, value = 7,
    misuse = { list_misuse[1],
      { { statuss = "x" }, 'unknown filter "statuss", did you mean "status"? '
        .. "Known: extra, ids, projectId, source, status." },
      { { limit = 5 }, "limit does not go with count, which counts all" } },
    texts = function(text)
      return { { source = text }, { ids = { text } }, { projectId = text } }
    end },
  { name = "delete", of = "generations.delete", call = "generations:delete",
    arguments = { "g1" }, exchanges = { { "", g1 } }, value = g1,
    misuse = id_misuse, texts = itself },
  { name = "delete_many", of = "generations.delete",
    call = "generations:delete_many",
    arguments = { { "g1" } }, exchanges = { { "", g1 } },
    read = function(result, err)
      if result and result.errors[1] then return nil, result.errors[1] end
      return result, err
    end,
    value = { deleted = 1, gone = 0, skipped = 0, failed = 0, errors = {} },
    misuse = {
      { 5, "items must be an array of ids or generations, or a listing, got "
        .. "number 5" },
      { { status = "FAILED" }, "items must be an array of ids or generations, "
        .. "or a listing: pass client.generations:list { … } for a filter" },
      { { true }, "id must be a string or a generation, got boolean true" },
    },
    texts = function(text) return { { text } } end,
    spares = function(status, body)
      return status == 404 and body == nil
    end },
  { name = "list_pages", of = "generations.list", call = "generations:list",
    arguments = { { page_size = 2 } }, exchanges = {
      { "?limit=2", "[" .. g1 .. "," .. g2 .. "]" },
      { "?limit=2&cursor=g2", "[" .. g3 .. "]" },
      { "?limit=2&cursor=g3", "[]" } },
    read = read_listing, value = { g1, g2, g3 },
    misuse = { { { page_size = 101 },
      "page_size must be a whole number from 1 to 100, got number 101" } },
    texts = function(text)
      return { { page_size = 2, source = text } }
    end },
  { name = "all", of = "generations.list", call = "generations:all",
    arguments = { { status = "COMPLETED" } },
    exchanges = { { "?status=COMPLETED", "[" .. g1 .. "]" } },
    value = { g1 }, misuse = list_misuse, texts = filters },
  { name = "assets", of = "assets.list", call = "assets:list",
    arguments = { { types = { "AUDIO", "VIDEO" }, page_size = 2 } },
    exchanges = {
      { "?types=AUDIO,VIDEO&limit=2", '{"items":[' .. asset "a1" .. ","
        .. asset "a2" .. '],"nextCursor":"t/1"}' },
      { "?types=AUDIO,VIDEO&limit=2&cursor=t%2F1", '{"items":['
        .. asset "a3" .. '],"nextCursor":null}' } },
    read = read_listing, value = { asset "a1", asset "a2", asset "a3" },
    misuse = { list_misuse[1],
      { { typess = "x" }, 'unknown filter "typess", did you mean "types"? '
        .. "Known: cursor, extra, limit, page_size, projectId, searchQuery, "
        .. "sortBy, types, userId." } },
    texts = function(text)
      return { { types = { text } }, { searchQuery = text },
               { cursor = text } }
    end },
  { name = "asset", of = "assets.get", call = "assets:get",
    arguments = { "g1" }, exchanges = { { "", asset "g1" } },
    value = asset "g1", misuse = misuse_of "an asset", texts = itself },
  { name = "assets_many", of = "assets.get_many", call = "assets:get_many",
    arguments = { { "g2", "g1", "g2" } },
    exchanges = { { "", '{"items":[' .. asset "g1" .. "," .. asset "g2"
      .. "]}" } },
    value = { asset "g2", asset "g1" }, body = '{"ids":["g2","g1"]}',
    misuse = {
      { 5, "items must be an array of ids or assets, got number 5" },
      { { 5 }, "id must be a string or an asset, got number 5" },
    },
    texts = function(text) return { { text } } end },
  { name = "asset_url", of = "assets.download_url",
    call = "assets:download_url", arguments = { "g1" },
    exchanges = { { "", "https://media.example/a.wav?signed=1" } },
    value = "https://media.example/a.wav?signed=1",
    misuse = misuse_of "an asset", texts = itself },
  { name = "create_asset", of = "assets.create", call = "assets:create",
    arguments = { { url = "https://media.example/a.wav", type = "AUDIO" } },
    most = 1, exchanges = { { "", asset "g1" } }, value = asset "g1",
    body = '{"type":"AUDIO","url":"https://media.example/a.wav"}',
    misuse = { { {}, "request.url is missing" },
               { { url = "x" }, "request.type is missing" } },
    texts = function(text)
      return { { url = "https://a", type = text },
               { url = "https://a/" .. text, type = "AUDIO" } }
    end },
  { name = "update_asset", of = "assets.update", call = "assets:update",
    arguments = { "g1", { name = "Voice", durationSeconds = 1.5 } },
    exchanges = { { "", asset "g1" } }, value = asset "g1",
    body = '{"durationSeconds":1.5,"name":"Voice"}',
    misuse = misuse_of "an asset", texts = itself },
  { name = "delete_asset", of = "assets.delete", call = "assets:delete",
    arguments = { "g1" }, exchanges = { { "", asset "g1" } },
    value = asset "g1", misuse = misuse_of "an asset", texts = itself },
  { name = "projects", of = "projects.list", call = "projects:list",
    arguments = { { searchQuery = "a b" } },
    exchanges = { { "?searchQuery=a%20b&limit=100",
      '{"items":[{"id":"p1","name":"Clips"}],"nextCursor":null}' } },
    read = read_listing, value = { '{"id":"p1","name":"Clips"}' },
    misuse = { list_misuse[1] },
    texts = function(text)
      return { { searchQuery = text }, { cursor = text },
               { extra = { a = text } } }
    end },
  { name = "project", of = "projects.get", call = "projects:get",
    arguments = { "g1" }, exchanges = { { "", '{"id":"g1"}' } },
    value = '{"id":"g1"}', misuse = misuse_of "a project", texts = itself },
  { name = "create_project", of = "projects.create", call = "projects:create",
    arguments = { { name = "Clips", id = ID } }, id = ID,
    exchanges = { { "", '{"id":"' .. ID .. '"}' } },
    value = '{"id":"' .. ID .. '"}',
    body = '{"id":"' .. ID .. '","name":"Clips"}',
    misuse = { { {}, "request.name is missing" } },
    texts = function(text) return { { id = ID, name = text } } end },
  { name = "update_project", of = "projects.update", call = "projects:update",
    arguments = { "g1", { name = "Clips", extra = { ["new"] = 1 } } },
    exchanges = { { "", '{"id":"g1"}' } }, value = '{"id":"g1"}',
    body = '{"name":"Clips","new":1}', misuse = misuse_of "a project",
    texts = itself },
  { name = "delete_project", of = "projects.delete", call = "projects:delete",
    arguments = { "g1" }, exchanges = { { "", '{"id":"g1"}' } },
    value = '{"id":"g1"}', misuse = misuse_of "a project", texts = itself },
  { name = "attach", of = "projects.attach", call = "projects:attach",
    arguments = { "g1", "g2" }, others = { [2] = "assetId" },
    exchanges = { { "", "" } }, value = true, body = '{"assetId":"g2"}',
    misuse = misuse_of "a project", texts = itself },
  { name = "detach", of = "projects.detach", call = "projects:detach",
    arguments = { "g1", "g1" }, others = { [2] = "assetId" },
    exchanges = { { "", "" } }, value = true, misuse = misuse_of "a project",
    texts = itself },
  { name = "voices", of = "voices.list", call = "voices:list",
    arguments = { { provider = "elevenlabs" } },
    exchanges = { { "?provider=elevenlabs", '[{"provider":"elevenlabs"},'
      .. voice "v2" .. "]" } },
    value = { '{"provider":"elevenlabs"}', voice "v2" },
    misuse = { list_misuse[1],
      { { limit = 1 }, 'unknown filter "limit". Known: extra, provider.' } },
    texts = function(text)
      return { { provider = text }, { extra = { a = text } } }
    end },
  { name = "voice", of = "voices.get", call = "voices:get",
    arguments = { "g1" }, exchanges = { { "", voice "g1" } },
    value = voice "g1", misuse = misuse_of "a voice", texts = itself },
  { name = "delete_voice", of = "voices.delete", call = "voices:delete",
    arguments = { "g1" }, exchanges = { { "", "true" } },
    value = '{"id":"g1"}', misuse = misuse_of "a voice", texts = itself },
  { name = "speak", of = "speech.create", call = "speech:create",
    arguments = { to_speak }, exchanges = { { "", '{"id":"g1","url":"u"}' } },
    value = '{"id":"g1","url":"u"}', body = spoken, misuse = speech_misuse,
    texts = speeches },
  { name = "start_speech", of = "speech.start", call = "speech:start",
    arguments = { to_speak }, exchanges = { { "", job "PENDING" } },
    value = job "PENDING", body = spoken, misuse = speech_misuse,
    texts = speeches },
  { name = "speech", of = "speech.get", call = "speech:get",
    arguments = { "g1" }, exchanges = { { "", job "SUCCESS" } },
    value = job "SUCCESS", misuse = misuse_of "a speech job", texts = itself },
  { name = "transcribe", of = "transcriptions.create",
    call = "transcriptions:create",
    arguments = { { sourceVideoUrl = "https://a/v.mp4", startMs = 0 } },
    exchanges = { { "", job "PENDING" } }, value = job "PENDING",
    body = '{"sourceVideoUrl":"https://a/v.mp4","startMs":0}',
    misuse = { { 5, "request must be a table, got number 5" },
      { { startMs = "0" }, 'request.startMs must be a number, got string "0"' },
      { { sourceUrl = "x" }, 'unknown member "sourceUrl" of request' } },
    texts = function(text) return { { sourceAudioUrl = text } } end },
  { name = "transcription", of = "transcriptions.get",
    call = "transcriptions:get",
    arguments = { "g1" }, exchanges = { { "", job "COMPLETED" } },
    value = job "COMPLETED", misuse = misuse_of "a transcription",
    texts = itself },
  { name = "edit_dialogue", of = "dialogue_edits.create",
    call = "dialogue_edits:create",
    arguments = { to_edit "https://a/v.mp4" },
    exchanges = { { "", job "PENDING" } }, value = job "PENDING",
    body = '{"edits":[{"kind":"remove","wordIds":["w1"]}],'
      .. '"sourceVideoUrl":"https://a/v.mp4","transcript":{"segments":'
      .. '[{"words":[{"id":"w1"}]}]}}',
    misuse = { { {}, "request.sourceVideoUrl is missing" },
      { { sourceVideoUrl = "x", transcript = {}, edits = {} },
        "request.edits is empty" } },
    texts = function(text) return { to_edit(text) } end },
  { name = "dialogue_edit", of = "dialogue_edits.get",
    call = "dialogue_edits:get",
    arguments = { "g1" }, exchanges = { { "", job "COMPLETED_PARTIAL" } },
    value = job "COMPLETED_PARTIAL", misuse = misuse_of "a dialogue edit",
    texts = itself },
  { name = "usage", of = "usage.list", call = "usage:list",
    arguments = { { startTime = "2026-08-25T00:00:00Z", page_size = 1 } },
    exchanges = {
      { "?startTime=2026-08-25T00%3A00%3A00Z&limit=1",
        '{"items":[' .. costs .. '],"nextCursor":"2"}' },
      { "?startTime=2026-08-25T00%3A00%3A00Z&limit=1&cursor=2",
        '{"items":[' .. costs .. '],"nextCursor":null}' } },
    read = read_listing, value = { costs, costs },
    misuse = { list_misuse[1],
      { { starttime = "x" }, 'unknown filter "starttime", did you mean '
        .. '"startTime"?' } },
    texts = function(text)
      return { { startTime = text }, { endTime = text }, { cursor = text } }
    end },
  { name = "secret", of = "webhooks.secret", call = "webhooks:secret",
    arguments = { { masked = false } },
    exchanges = { { "?masked=false", '{"secret":"whsec_1"}' } },
    value = "whsec_1",
    misuse = { list_misuse[1],
      { { masked = "no" }, 'masked must be a boolean, got string "no"' } },
    texts = function(text) return { { extra = { a = text } } } end },
  { name = "batches", of = "batches.list", call = "batches:list",
    arguments = { { status = "COMPLETED", created_after = "2026-08-25" } },
    exchanges = { { "?status=COMPLETED&created_after=2026-08-25",
      "[" .. batch "b1" .. "," .. batch "b2" .. "]" } },
    read = read_listing, value = { batch "b1", batch "b2" }, streams = true,
    misuse = { list_misuse[1],
      { { page_size = 1 }, 'unknown filter "page_size". Known: '
        .. "created_after, created_before, extra, limit, status." },
      { { status = { "FAILED" } }, "status must be a string, got table" } },
    texts = function(text)
      return { { status = text }, { created_after = text },
               { created_before = text } }
    end },
  { name = "batch", of = "batches.get", call = "batches:get",
    arguments = { "g1" }, exchanges = { { "", batch "g1" } },
    value = batch "g1", misuse = misuse_of "a batch", texts = itself },
  { name = "models", of = "models.list", call = "models:list",
    arguments = {}, exchanges = { { "", '[{"id":"m1"},{"id":"m2"}]' } },
    value = { '{"id":"m1"}', '{"id":"m2"}' } },
  { name = "errors", of = "errors.list", call = "errors:list",
    arguments = {}, exchanges = { { "", catalog } },
    value = { { code = "a", message = "A.", suggestion = "Do a." },
              { code = "b", message = "B." } }, keeps = true },
  { name = "warm", of = "errors.list", call = "warm",
    arguments = {}, exchanges = { { "", catalog } }, value = true,
    -- Any response at all shows that there is a connection.
    spares = function(status) return status >= 400 end },
}

local unpack = table.unpack or unpack

local Operation = {}
Operation.__index = Operation

--- The object of the method.
---@param client table
---@return table
function Operation:object(client)
  return self.member and client[self.member] or client
end

--- Makes the call.
---@param client table
---@param options table|nil
---@param arguments any[]|nil  in place of the sample's first ones
---@return any ...  what it returns: of a listing the listing
function Operation:begin(client, options, arguments)
  local object, given = self:object(client), {}
  for i, value in ipairs(self.arguments) do given[i] = value end
  for i, value in ipairs(arguments or {}) do given[i] = value end
  if self.most then
    local own = { max_attempts = self.most }
    for name, value in pairs(options or {}) do
      own[name] = own[name] or value
    end
    options = own
  end
  given[#given + 1] = options
  return object[self.method_name](object, unpack(given))
end

--- The arguments with another id in place of each.
---@param id string
---@return any[]
function Operation:about(id)
  if not self.has_id then return {} end
  local arguments = { self.texts(id)[1] }
  for i in pairs(self.others) do arguments[i] = id end
  return arguments
end

--- Makes the call and reads its whole result.
---@param client table
---@param options table|nil
---@param arguments any[]|nil
---@return any value
---@return table|nil err
function Operation:run(client, options, arguments)
  local value, err = self:begin(client, options, arguments)
  if self.read then return self.read(value, err) end
  return value, err
end

--- The value in a form that can be compared: the service's objects as their
--- bytes.
---@param value any
---@return any
function operations.plain(value)
  if type(value) == "userdata" then return value:json() end
  if type(value) ~= "table" then return value end
  local copy = {}
  for name, each in pairs(value) do copy[name] = operations.plain(each) end
  return copy
end

local function never() return false end
local function none() return {} end

-- Joins a sample with its row.
local function join(sample)
  local row = operations.rows[sample.of]
    or error("no row for the sample " .. sample.name)
  local self = setmetatable(sample, Operation)
  self.member, self.method_name = sample.call:match "^(.-):?([%a_]+)$"
  if self.member == "" then self.member = nil end
  self.row = row
  self.method, self.key, self.expects = row.method, row.key, row.expects
  self.status, self.body = row.status or 200, sample.body or ""
  self.path = row.path:gsub("{%w+}", "g1")
  self.has_id, self.others = self.path ~= row.path, sample.others or {}
  local id = self.has_id and "g1" or sample.id
  self.action = row.action .. (id and " " .. id or "")
  self.written = (self.member and "client." or "client:") .. self.call
  self.misuse, self.texts = sample.misuse or {}, sample.texts or none
  self.spares, self.accepts = sample.spares or never, row.accepts or never
  return self
end

--- All of them, in order.
operations.list = {}

--- The same by name.
operations.by_name = {}

for i, sample in ipairs(samples) do
  operations.list[i] = join(sample)
  operations.by_name[sample.name] = operations.list[i]
end

return operations
