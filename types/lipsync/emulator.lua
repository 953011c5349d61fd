---@meta lipsync.emulator
-- The Lua module of the emulator, see docs/emulator.md. A spec holds the names
-- here to those that the module takes.

---@class lipsync.emulator.Settings
---@field keys table<string, string>|nil  accept KEY of the organization ORG; repeatable; the first gets the samples
---@field now string|number|nil  let the clock stand at TIME until it is advanced
---@field log boolean|nil  write a line per request to standard error
---@field gone_cursor "error"|"empty"|"position"|nil  what a cursor gives whose generation was deleted: error, empty, or position: goes on
---@field hang_up_after integer|nil  seconds: close on readers that pause longer; 0 is never
---@field ignore_status_filter boolean|nil  listings show every status, whatever is asked
---@field allow_unknown_members boolean|nil  add what the service does not document, too
---@field pending_seconds number|nil  how long a generation is PENDING
---@field processing_seconds number|nil  how long it is PROCESSING after that
---@field concurrency_limit integer|nil  generations that an organization may have PENDING and PROCESSING; 0 is any number
---@field voice_limit integer|nil  voices that an organization may have cloned
---@field create_seconds number|nil  how long a create takes
---@field idempotency_seconds number|nil  how long an Idempotency-Key is remembered
---@field download_refusal 409|404|422|nil  answers a download of what has no output: 409, 404 or 422
---@field replay_ok boolean|nil  answer a repeated create with 200, not 201
---@field replay_deleted "error"|"answer"|"create"|nil  what it gives if the generation was deleted: error, answer: the first, create: another
---@field webhook_secret string|nil  what webhooks are signed with
---@field webhook_attempts integer|nil  how often a webhook is sent until it is taken
---@field webhook_copies integer|nil  sends each webhook so many times
---@field webhook_timeout number|nil  seconds: how long a receiver of webhooks may take
---@field webhook_rejected boolean|nil  send webhooks of REJECTED generations, too
---@field webhook_newest_first boolean|nil  of webhooks that wait send the newest first
---@field webhook_old_header boolean|nil  sign webhooks in X-Signature-Primary
---@field webhook_signature "right"|"wrong"|"late"|"doubled"|"none"|nil  signature of webhooks: wrong, late, doubled or none, too
---@field file_limit integer|nil  bytes: largest file that may be uploaded
---@field body_limit integer|nil  bytes: largest request with files
---@field upload_lifetime integer|nil  seconds: how long an asset may be put at its URL
---@field media_lifetime integer|nil  seconds: how long the URL of an output is good
---@field media_size integer|nil  bytes: size of each output
---@field media_version integer|nil  another number gives outputs other bytes
---@field media_etag "strong"|"weak"|"none"|nil  entity tag of outputs: weak or none, too
---@field media_ignore_range boolean|nil  send outputs whole, whatever range is asked for
---@field media_chunked boolean|nil  send outputs without Content-Length
---@field media_redirect string|nil  redirect requests for outputs: PREFIX, a URL or /moved, goes before their path
---@field batch_order "sent"|"mixed"|nil  of the results of a batch: mixed, too
---@field batch_errors integer|nil  every Nth row of a batch fails, and its result is an error; 0: none

---@class lipsync.emulator.Options : lipsync.emulator.Settings
---@field port integer|nil  port to listen on; 0 is any free one
---@field host string|nil  address to listen on, or its name
---@field database string|nil  keep all data in FILE
---@field generations integer|nil  samples for a new database (60; 0 with --import)
---@field random_seed integer|nil  another number makes other samples
---@field import string|nil  fill a new database from a JSON file
---@field export string|nil  write all data to a JSON file at the end

---@class lipsync.emulator.Fault
---@field route string|nil  "list", "get"…; default "*"
---@field skip integer|nil
---@field times integer|nil
---@field statusCode integer|nil
---@field errorCode lipsync.ErrorCode|nil
---@field outcome "COMPLETED"|"FAILED"|"REJECTED"|nil
---@field body any
---@field retryAfter number|string|nil
---@field headers table<string, string>|nil
---@field delay number|nil  seconds
---@field drip number|nil  bytes a second
---@field cut integer|nil  bytes
---@field reset boolean|nil
---@field early boolean|nil
---@field perform boolean|nil
---@field tellId boolean|nil

---@class lipsync.emulator.Request
---@field method string
---@field path string
---@field headers table<string, string>  names in lower case
---@field statusCode integer  0: no answer

---@class lipsync.emulator.SentWebhook
---@field kind "generation"|"batch"
---@field id string
---@field url string
---@field statusCode integer  0: no answer
---@field problem string|nil

---@class lipsync.Emulator
---@field base_url string
---@field key string
local Emulator = {}

--- Puts in a generation, an array of them, or JSON text of either.
---@param generation table|string
---@return string|string[] id  for an array one of ids
function Emulator:add(generation) end

---@return lipsync.emulator.Request[]
function Emulator:requests() end

---@return lipsync.emulator.SentWebhook[]
function Emulator:webhooks() end

---@param fault lipsync.emulator.Fault
function Emulator:fault(fault) end

---@param settings lipsync.emulator.Settings
function Emulator:set(settings) end

---@param seconds number
function Emulator:advance(seconds) end

function Emulator:reset() end

--- Idempotent.
---@return boolean|nil
---@return string|nil reason  why the export was not written
function Emulator:stop() end

---@class lipsync.emulator.ReceiveOptions
---@field host string|nil  address to listen on, or its name; default 127.0.0.1
---@field port integer|nil  0, the default, is any free one
---@field max_body integer|nil  bytes; default 1 MiB

---@class lipsync.emulator.Received
---@field method string
---@field path string
---@field headers table<string, string|string[]>  names in lower case; an array where one came more than once
---@field body string|nil  nil: it is longer than max_body

---@class lipsync.emulator.Receiver
---@field url string
local Receiver = {}

--- The request that has waited longest. It waits until it is answered; what was not is answered by 500 when this is called again.
---@param seconds number  how long to wait for one
---@return lipsync.emulator.Received|nil
function Receiver:next(seconds) end

--- Answers what next gave, by an empty response.
---@param status integer
function Receiver:answer(status) end

--- Answers all that wait by 503. Idempotent.
function Receiver:stop() end

---@class lipsync.emulator
---@field _VERSION string
local emulator = {}

---@param options lipsync.emulator.Options|nil
---@return lipsync.Emulator|nil
---@return string|nil reason
function emulator.start(options) end

--- Takes webhooks, or any requests, for this program.
---@param options lipsync.emulator.ReceiveOptions|nil
---@return lipsync.emulator.Receiver|nil
---@return string|nil reason
function emulator.receive(options) end

return emulator
