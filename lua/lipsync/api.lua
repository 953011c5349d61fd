-- SPDX-License-Identifier: MIT
-- Every operation of the service, as data. operation.lua makes a method of each
-- row, shape.lua reads the response, error/message.lua takes words from here.
--
-- A resource has `type`, the type of its objects (see core.object_type),
-- `noun`, the word for one of them, and its operations by their methods' names.
-- One whose objects end has `ends`, the statuses in which they have (but those
-- that webhooks bring, without a client, are in resources/generation.lua and
-- batch.lua); one whose objects may have no id has `always`, a member that each
-- has; one whose objects can be asked for by more than an id has `names`, the
-- members with it.
--
-- A call that consists of several has no row: `download`, `upload`, `wait` and
-- the like are functions in compound/, made of rows that are steps (`is_step`)
-- or methods of their own. What they decide between their requests, such as
-- where a file goes on or what an early answer means, is no property of a
-- request and no data; what is one is in the rows: how to wait (`poll`), what
-- an outcome leaves unknown, what may be repeated. So the contract loop tests
-- methods, and the spec of each such call tests the rest.
--
-- A row of an operation has
--
--   method, path  as sent; {id} in the path is the method's first argument
--   other         its next argument: the id of another object, or the object,
--                 which has `name`, `noun` and `type`; {NAME} in the path, or
--                 else the body's only member
--   key           false: sent without the API key
--   action        the beginning of an error's sentence
--   query         the filter: names in the order of the query, and `fields`,
--                 the type of each (base/schema.lua)
--   checked       the filters that each object of a list must match, because a
--                 service that ignored one would feed a loop that deletes:
--                 { filter, member of the object }; `is_id`: letter case does
--                 not matter; `may_lack`: an object without it matches, too
--   paging        "token": the response names the cursor of the next page;
--                 "none": all comes in one response, and a limit is not sent;
--                 default: the cursor is an id
--   takes         the type of the request's body (base/schema.lua): its next
--                 argument
--   makes_id      true: the body's `id` is a UUID that the client makes unless
--                 it was given, so a repetition creates nothing more
--   returns       the shape of a good response (shape.lua): "object",
--                 "created", "removed", "done", "data", "address", "count",
--                 "objects", "items", "entries", "list" or "secret"
--   items         the member with the objects of such a list or page; default
--                 "items"
--   retry         "safe": changes nothing. "idempotent": a repetition changes
--                 nothing more. "keyed": neither, by its Idempotency-Key.
--                 "never": repeated only if nothing was done
--   later         the errorCodes that mean "not yet": asked again as long as
--                 the call's timeout allows
--   unsettled     the errorCodes after which it is unknown what was done, each
--                 with true, or the name of the error's member that has the id
--                 of what an earlier attempt has made
--   secret        the form of a secret in responses, as a pattern
--   members       of each of its entries; the first one is always there. Of
--                 data: the one that is always there; the id, if it was asked
--                 by id
--   poll          of `get`, how to wait until its object has ended: the seconds
--                 from one look to the next, where the service does not say; or
--                 "long": the service answers when it has, or after some time
--   is_step       true: a part of another call, and no method
--   removes       true: the object is gone afterwards
--   unknown       what may have happened if the outcome is unknown
--   advice        what to do about an error, by errorCode or status
--
-- Facts: the service's documentation of its API, version 2.

local schema = require "lipsync.base.schema"

local api = {}

local text, json = schema.text, schema.anything

local project_id = schema.id "Project"

-- A boolean in a query.
local function flag(value, name)
  return tostring(schema.boolean(value, name))
end

local not_there = "It was deleted before, or belongs to another organization"

-- Of what nobody can delete.
local unknown_id = "Check the id; it may belong to another organization"

-- The filters of lists and counts of generations.
local generations = {
  "status", "ids", "source", "projectId",
  fields = { status = schema.strings, ids = schema.set,
             source = schema.strings, projectId = project_id },
}

api.generations = {
  type = "Generation", noun = "generation",
  list = {
    method = "GET", path = "/v2/generations", action = "list generations",
    query = generations, returns = "list", retry = "safe",
    checked = { { "ids", "id", is_id = true }, { "status", "status" },
                { "projectId", "projectId", is_id = true, may_lack = true } },
  },
  get = {
    method = "GET", path = "/v2/generate/{id}", action = "get generation",
    returns = "object", retry = "safe", poll = "long",
    advice = { [404] = not_there },
  },
  create = {
    method = "POST", path = "/v2/generate", action = "create generation",
    takes = schema.record({
      model = text, outputFileName = text, webhookUrl = text,
      projectId = project_id,
      input = schema.array(schema.record({
        type = text, url = text, assetId = text, file = text, refId = text,
        provider = json,
      }, { "type" })),
      options = json, segments = json, dubParams = json, dialogueEdit = json,
    }, { "model", "input" }),
    returns = "created", retry = "keyed",
    later = { concurrency_limit_reached = true,
              IDEMPOTENCY_IN_PROGRESS = true },
    unsettled = { IDEMPOTENCY_IN_PROGRESS = true,
                  IDEMPOTENCY_OUTCOME_UNKNOWN = "generationId" },
    unknown = "The generation may have been created; the same request with "
      .. "the same idempotency_key creates no second one",
    advice = {
      concurrency_limit_reached = "It can be created once another generation "
        .. "of the organization has ended",
      IDEMPOTENCY_KEY_CONFLICT = "This idempotency_key was used for another "
        .. "request before",
    },
  },
  estimate = {
    method = "POST", path = "/v2/generations/estimate",
    action = "estimate cost",
    takes = schema.record({
      model = text, duration = schema.seconds, fps = schema.positive,
      reasoningEnabled = schema.boolean, workflow = text,
    }, { "model", "duration" }),
    returns = "data", members = { "estimatedGenerationCost" }, retry = "safe",
  },
  costs = {
    method = "GET", path = "/v2/generate/{id}/costs",
    action = "get costs of generation", returns = "data",
    members = { "generationId" }, retry = "safe",
    advice = { [404] = not_there },
  },
  count = {
    method = "GET", path = "/v2/generations/count",
    action = "count generations", query = generations, returns = "count",
    retry = "safe",
  },
  delete = {
    method = "DELETE", path = "/v2/generations/{id}",
    action = "delete generation", returns = "removed", removes = true,
    retry = "idempotent", unknown = "The generation may have been deleted",
    advice = {
      [404] = not_there,
      generation_not_deletable_while_processing = "It can be deleted once it "
        .. "is COMPLETED, FAILED or REJECTED; the API has no cancel",
    },
  },
}

api.assets = {
  type = "Asset", noun = "asset",
  list = {
    method = "GET", path = "/v2/assets", action = "list assets",
    query = {
      "projectId", "userId", "searchQuery", "sortBy", "types",
      fields = { projectId = project_id, userId = text, searchQuery = text,
                 sortBy = text, types = schema.strings },
    },
    paging = "token", returns = "list", retry = "safe",
  },
  get = {
    method = "GET", path = "/v2/assets/{id}", action = "get asset",
    returns = "object", retry = "safe", advice = { [404] = not_there },
  },
  get_many = {
    method = "POST", path = "/v2/assets/batch", action = "get assets",
    takes = schema.record({ ids = schema.strings }, { "ids" }),
    returns = "items", retry = "safe",
  },
  download_url = {
    method = "GET", path = "/v2/assets/{id}/download",
    action = "get the address of asset", returns = "address", retry = "safe",
    advice = { [404] = not_there },
  },
  upload_url = {
    method = "POST", path = "/v2/assets/upload", action = "upload asset",
    is_step = true, returns = "data", members = { "uploadUrl" },
    retry = "safe",
  },
  create = {
    method = "POST", path = "/v2/assets", action = "create asset",
    takes = schema.record({
      url = text, type = text, name = text, visibility = text,
      projectId = project_id,
    }, { "url", "type" }),
    returns = "created", retry = "never",
    unknown = "The asset may have been created; client.assets:list shows it",
  },
  update = {
    method = "PATCH", path = "/v2/assets/{id}", action = "update asset",
    takes = schema.record({
      name = text, visibility = text, durationSeconds = schema.positive,
      size = schema.integer(), format = text, width = schema.integer(),
      height = schema.integer(),
    }, {}),
    returns = "object", retry = "idempotent",
    unknown = "The asset may have been changed", advice = { [404] = not_there },
  },
  delete = {
    method = "DELETE", path = "/v2/assets/{id}", action = "delete asset",
    returns = "removed", removes = true, retry = "idempotent",
    unknown = "The asset may have been deleted",
    advice = { [404] = not_there },
  },
}

-- What a project is made of.
local project = {
  name = text, description = schema.string, visibility = text, mode = text,
  defaultWorkflow = text,
}

local an_asset = { name = "assetId", noun = "asset", type = "Asset" }

api.projects = {
  type = "Project", noun = "project",
  list = {
    method = "GET", path = "/v2/projects", action = "list projects",
    query = { "searchQuery", "sortBy",
              fields = { searchQuery = text, sortBy = text } },
    paging = "token", returns = "list", retry = "safe",
  },
  get = {
    method = "GET", path = "/v2/projects/{id}", action = "get project",
    returns = "object", retry = "safe", advice = { [404] = not_there },
  },
  create = {
    method = "POST", path = "/v2/projects", action = "create project",
    takes = schema.record(schema.join(project, { id = text }), { "name" }),
    makes_id = true, returns = "created", retry = "idempotent",
    unknown = "The project may have been created; the same request with this "
      .. "id creates no second one",
    advice = { [409] = "Its id belongs to another organization, or to a "
      .. "project that was deleted" },
  },
  update = {
    method = "PATCH", path = "/v2/projects/{id}", action = "update project",
    takes = schema.record(project, {}), returns = "object",
    retry = "idempotent", unknown = "The project may have been changed",
    advice = { [404] = not_there },
  },
  delete = {
    method = "DELETE", path = "/v2/projects/{id}", action = "delete project",
    returns = "removed", removes = true, retry = "idempotent",
    unknown = "The project may have been deleted",
    advice = { [404] = not_there },
  },
  attach = {
    method = "POST", path = "/v2/projects/{id}/assets", other = an_asset,
    action = "attach an asset to project", returns = "done",
    retry = "idempotent", unknown = "The asset may have been attached",
  },
  detach = {
    method = "DELETE", path = "/v2/projects/{id}/assets/{assetId}",
    other = an_asset, action = "detach an asset from project",
    returns = "done", retry = "idempotent",
    unknown = "The asset may have been detached",
  },
}

api.voices = {
  type = "Voice", noun = "voice", always = "provider",
  names = { "id", "voiceId" },
  list = {
    method = "GET", path = "/v2/voices", action = "list voices",
    query = { "provider", fields = { provider = text } },
    returns = "items", items = "voices", retry = "safe",
  },
  get = {
    method = "GET", path = "/v2/voices/{id}", action = "get voice",
    returns = "object", retry = "safe", advice = { [404] = not_there },
  },
  clone = {
    method = "POST", path = "/v2/voices", action = "clone voice",
    takes = schema.record({ name = text, provider = text, url = text,
      assetId = schema.id "Asset", file = text }, { "name", "provider" }),
    is_step = true, returns = "created", retry = "never",
    unknown = "The voice may have been cloned",
  },
  delete = {
    method = "DELETE", path = "/v2/voices/{id}", action = "delete voice",
    returns = "removed", removes = true, retry = "idempotent",
    unknown = "The voice may have been deleted",
    advice = { [404] = not_there },
  },
}

local spoken = schema.record({
  script = text, voiceId = text, provider = text, stability = schema.number,
  similarityBoost = schema.number,
}, { "script", "voiceId" })

api.speech = {
  type = "SpeechJob", noun = "speech job",
  ends = { SUCCESS = true, FAILED = true },
  create = {
    method = "POST", path = "/v2/tts", action = "create speech", takes = spoken,
    type = "Speech", noun = "speech", returns = "created", retry = "never",
    unknown = "The speech may have been made",
  },
  start = {
    method = "POST", path = "/v2/tts/jobs", action = "start speech job",
    takes = spoken, returns = "created", retry = "keyed",
    later = { IDEMPOTENCY_IN_PROGRESS = true },
    unsettled = { IDEMPOTENCY_IN_PROGRESS = true },
    unknown = "The job may have been started; the same request with the same "
      .. "idempotency_key starts no second one",
    advice = { IDEMPOTENCY_KEY_CONFLICT = "This idempotency_key was used for "
      .. "another request before" },
  },
  get = {
    method = "GET", path = "/v2/tts/jobs/{id}", action = "get speech job",
    returns = "object", retry = "safe", poll = 3,
    advice = { [404] = unknown_id },
  },
}

api.transcriptions = {
  type = "Transcription", noun = "transcription",
  ends = { COMPLETED = true, FAILED = true },
  create = {
    method = "POST", path = "/v2/transcriptions",
    action = "create transcription",
    takes = schema.record({ sourceVideoUrl = text, sourceAudioUrl = text,
      startMs = schema.number, endMs = schema.number,
      maxSourceSeconds = schema.positive, projectId = project_id }, {}),
    -- The same source gives the same job.
    returns = "created", retry = "idempotent",
    unknown = "The transcription may have been started; the same request "
      .. "gives the same one",
  },
  get = {
    method = "GET", path = "/v2/transcriptions/{id}",
    action = "get transcription", returns = "object", retry = "safe", poll = 3,
    advice = { [404] = unknown_id },
  },
}

api.dialogue_edits = {
  type = "DialogueEdit", noun = "dialogue edit",
  ends = { COMPLETED = true, COMPLETED_PARTIAL = true, FAILED = true },
  create = {
    method = "POST", path = "/v2/dialogue-edits",
    action = "create dialogue edit",
    takes = schema.record({ sourceVideoUrl = text, transcript = json,
      edits = schema.array(json), projectId = project_id, voiceId = text,
      rerunOfJobId = schema.id "DialogueEdit" },
      { "sourceVideoUrl", "transcript", "edits" }),
    returns = "created", retry = "never",
    unknown = "The edit may have been started",
  },
  get = {
    method = "GET", path = "/v2/dialogue-edits/{id}",
    action = "get dialogue edit", returns = "object", retry = "safe", poll = 3,
    advice = { [404] = unknown_id },
  },
}

api.usage = {
  type = "Usage", noun = "cost",
  list = {
    method = "GET", path = "/v2/usage/generations", action = "list usage",
    query = { "startTime", "endTime",
              fields = { startTime = text, endTime = text } },
    paging = "token", returns = "list", retry = "safe",
  },
}

api.webhooks = {
  noun = "secret",
  secret = {
    method = "GET", path = "/v2/organizations/webhook/secret",
    action = "get webhook secret", query = { "masked",
      fields = { masked = flag } },
    returns = "secret", members = { "secret" },
    secret = "whsec_[^ \t-\r\"'<>]*",
    retry = "safe",
  },
}

api.batches = {
  type = "Batch", noun = "batch",
  list = {
    method = "GET", path = "/v2/batch", action = "list batches",
    query = { "status", "created_after", "created_before",
              fields = { status = schema.word, created_after = text,
                         created_before = text } },
    checked = { { "status", "status" } }, paging = "none", returns = "list",
    retry = "safe",
  },
  get = {
    method = "GET", path = "/v2/batch/{id}", action = "get batch",
    returns = "object", retry = "safe", poll = 5,
    advice = { [404] = unknown_id },
  },
  create = {
    method = "POST", path = "/v2/batch", action = "create batch",
    is_step = true, returns = "created", retry = "never",
    later = { concurrency_limit_reached = true },
    unknown = "The batch may have been created; client.batches:list "
      .. '{ created_after = "%s" } shows it',
    advice = {
      concurrency_limit_reached = "It can be created once other generations "
        .. "of the organization have ended",
    },
  },
  check = {
    method = "POST", path = "/v2/batch", action = "check batch",
    is_step = true, returns = "data", members = { "status" }, retry = "safe",
  },
}

api.errors = {
  noun = "error code",
  list = {
    method = "GET", path = "/v2/errors", key = false,
    action = "list error codes", returns = "entries",
    members = { "code", "message", "suggestion", "scope", "retryable" },
    retry = "safe",
  },
}

api.models = {
  type = "Model", noun = "model",
  list = {
    method = "GET", path = "/v2/models", action = "list models",
    returns = "objects", retry = "safe",
  },
}

return api
