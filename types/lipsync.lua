---@meta lipsync
-- Made by scripts/types.lua of the annotations in lua/: make types

---@alias lipsync.ErrorCode "generation_unsupported_model"|"generation_pipeline_failed"|"generation_unknown_error"|"generation_input_validation_failed"|"generation_infra_storage_error"|"generation_infra_resource_exhausted"|"generation_infra_service_unavailable"|"generation_input_video_inaccessible"|"generation_input_audio_inaccessible"|"generation_input_image_inaccessible"|"generation_input_video_invalid"|"generation_input_audio_invalid"|"generation_input_segments_invalid"|"generation_input_trim_invalid"|"generation_input_face_selection_invalid"|"generation_input_resolution_unsupported"|"generation_input_duration_greater_than_max_duration"|"generation_model_duration_exceeded"|"generation_plan_duration_exceeded"|"dubbing_duration_exceeded"|"free_tier_generations_exhausted"|"plan_feature_unavailable"|"account_payment_required"|"account_on_hold"|"voice_clone_limit_reached"|"elevenlabs_quota_exceeded"|"generation_input_asset_type_mismatch"|"generation_input_too_many_visual"|"generation_input_dub_audio_conflict"|"concurrency_limit_reached"|"rate_limit_exceeded"|"generation_not_deletable_while_processing"|"invalid_generation_id"|"unsupported_generation_id_format"|"generation_not_found"|"generation_conflict"|"generation_media_probe_timeout"|"generation_media_probe_unavailable"|"controller_timeout"|"controller_unavailable"|"controller_dependency_error"|"internal_error"|"project_not_found"|"asset_not_found"|"asset_forbidden"|"invalid_asset_id_format"|"uploaded_file_not_found"|"file_not_in_org_storage"|"file_size_exceeds_plan_limit"|"voice_not_found"|"voice_sample_not_accessible"|"voice_sample_type_unsupported"|"voice_sample_upload_required"|"voice_sample_extraction_failed"|"voice_sample_source_too_large"|"voice_sample_too_short"|"voice_sample_invalid"|"voice_name_conflict"|"voice_clone_busy"|"elevenlabs_api_key_invalid"|"elevenlabs_service_unavailable"|"usage_dependency_unavailable"|"INVALID_IDEMPOTENCY_KEY"|"IDEMPOTENCY_KEY_CONFLICT"|"IDEMPOTENCY_IN_PROGRESS"|"IDEMPOTENCY_OUTCOME_UNKNOWN"|"invalid_speech_job_id"|"speech_job_not_found"|"invalid_transcription_id"|"transcription_not_found"|"invalid_dialogue_edit_id"|"dialogue_edit_not_found"|"cost_estimate_unavailable"|string

---@alias lipsync.ErrorKind "api"|"timeout"|"connection"|"tls"|"protocol" |"limit"|"file"|"invalid"|"signature"|"canceled"|"closed"

---@alias lipsync.Host "blocking"|"cqueues"|"darktable"|"haproxy"|"luv"|"nginx" |"task"|"vlc" |fun(session: table, target: lipsync.Target|nil, seconds: number)

---@alias lipsync.Status "PENDING"|"PROCESSING"|"COMPLETED"|"FAILED" |"REJECTED"|string

---@class lipsync.AssetChanges
---@field name string|nil
---@field visibility string|nil  USER or ORGANIZATION
---@field durationSeconds number|nil
---@field size integer|nil  bytes
---@field format string|nil
---@field width integer|nil
---@field height integer|nil
---@field extra table|nil  members that this version does not know
local AssetChanges = {}

---@class lipsync.AssetFilter
---@field projectId string|nil
---@field userId string|nil
---@field searchQuery string|nil  a part of the name
---@field sortBy string|nil  name, date, duration, size or kind, and then Asc or Desc: "dateDesc"
---@field types string|string[]|nil  VIDEO, AUDIO, IMAGE
---@field limit integer|nil  how many at most
---@field cursor string|nil  listing.cursor of a listing to go on with
---@field page_size integer|nil  1 to 100, default 100
---@field extra table|nil  parameters that this version does not know
local AssetFilter = {}

---@class lipsync.AssetRequest
---@field url string|nil  public; it is fetched later, so it has to stay. Needed to create one
---@field type string|nil  VIDEO, AUDIO or IMAGE; needed to create one
---@field name string|nil
---@field visibility string|nil  USER (the service's default) or ORGANIZATION
---@field projectId string|table|nil  or a project
---@field extra table|nil  members that this version does not know
local AssetRequest = {}

---@class lipsync.Assets
---@field list fun(self, filter: lipsync.AssetFilter|nil, options: lipsync.CallOptions|nil): lipsync.TableListing  in pages
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil
---@field download_url fun(self, id: string|table, options: lipsync.CallOptions|nil): string|nil, lipsync.Error|nil  signed: who has it can read the file for a while
---@field update fun(self, id: string|table, request: lipsync.AssetChanges, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil
---@field delete fun(self, id: string|table, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil, string|nil
local Assets = {}

--- Makes an asset of a public URL. After an unknown outcome it looks for the
--- asset before it asks again.
---@param request lipsync.AssetRequest
---@param options lipsync.CallOptions|nil
---@return table|nil asset
---@return lipsync.Error|nil err
function Assets:create(request, options) end

--- Deletes many assets, as client.generations:delete_many does. A listing is
--- read to its end first, because its pages depend on the assets before them.
---@param items (string|table)[]|lipsync.Listing
---@param options lipsync.DeleteManyOptions|nil
---@return lipsync.Deleted|nil result
---@return lipsync.Error|nil err  why it stopped early
---@return lipsync.Deleted|nil so_far  what was done until then
function Assets:delete_many(items, options) end

--- Downloads the file of an asset, as client.generations:download does.
---@param id string|table
---@param path string  of the file; or of a folder, where it is named after the asset, or its id
---@param options lipsync.DownloadOptions|nil
---@return lipsync.Downloaded|nil
---@return lipsync.Error|nil err
function Assets:download(id, path, options) end

--- Many assets by their ids, a hundred with each request.
---@param items (string|table)[]  ids and assets
---@param options lipsync.CallOptions|nil  its timeout is for all of it
---@return table[]|nil assets  in the order of the ids, each once
---@return lipsync.Error|nil err
---@return string[]|nil missing  the ids that there are no assets of
function Assets:get_many(items, options) end

--- Uploads a file and makes an asset of it. The file is read from disk while it
--- is sent; one that changes meanwhile is never completed.
---@param path string
---@param options lipsync.UploadOptions|nil
---@return table|nil asset
---@return lipsync.Error|nil err
function Assets:upload(path, options) end

---@class lipsync.Batch  every member of the JSON is a field
---@field id string
---@field created_at string  ISO 8601
---@field status string  PENDING, JOBS_CREATED, PROCESSING, COMPLETED (also with failures among its generations), FAILED, or a newer one
---@field metrics table  total_generations, success_count, failed_count, pending_count
---@field outputUrl string|nil  where its results are: see `results`
---@field webhookUrl string|nil
---@field is_terminal fun(self): boolean  whether it is COMPLETED or FAILED
---@field wait fun(self, options: lipsync.BatchWaitOptions|nil): lipsync.Batch|nil, lipsync.Error|nil
---@field results fun(self, options: lipsync.ResultsOptions|nil): lipsync.Results
local Batch = {}

---@class lipsync.BatchFilter
---@field status string|nil  one of those above
---@field created_after string|nil  ISO 8601
---@field created_before string|nil
---@field limit integer|nil  how many at most
---@field extra table|nil  parameters that this version does not know
local BatchFilter = {}

---@class lipsync.BatchListing : lipsync.Listing
---@field next fun(self): lipsync.Batch|nil, lipsync.Error|nil
---@overload fun(): lipsync.Batch|nil
local BatchListing = {}

---@class lipsync.BatchOptions : lipsync.CallOptions
---@field webhook_url string|nil  is told when the batch has ended
---@field dry_run boolean|nil  true: the service only checks the rows
---@field timeout number|nil  seconds; default 600
---@field answer_timeout number|nil  seconds from the last byte of the request to the first of the response; default 300
---@field queue boolean|nil  false: an organization with as much under way as it may have is an error at once; default true: waits within the timeout
---@field on_progress nil|fun(sent: integer, total: integer)  bytes of a file of rows
local BatchOptions = {}

---@class lipsync.BatchRow
---@field request_id string  a name for the row, which no other one has
---@field endpoint string|nil  "/v2/generate"
---@field payload lipsync.CreateRequest  without files
local BatchRow = {}

---@class lipsync.BatchWaitOptions : lipsync.WaitOptions
---@field on_progress nil|fun(percent: number, batch: lipsync.Batch)  after each look
local BatchWaitOptions = {}

---@class lipsync.Batches
---@field list fun(self, filter: lipsync.BatchFilter|nil, options: lipsync.CallOptions|nil): lipsync.BatchListing  newest first
---@field get fun(self, id: string|lipsync.Batch, options: lipsync.CallOptions|nil): lipsync.Batch|nil, lipsync.Error|nil
---@field wait fun(self, id: string|lipsync.Batch, options: lipsync.BatchWaitOptions|nil): lipsync.Batch|nil, lipsync.Error|nil  until it is COMPLETED or FAILED
local Batches = {}

--- Creates a batch of 20 to 500 generations. `requests` is an array of requests
--- as of client.generations:create, or of rows with a name each; a function
--- that returns one after the other; or the path of a file with such rows, one
--- in a line, which is sent as it is. All are checked before anything is sent.
--- Raises for misuse; what is wrong in a file is returned.
---@param requests (lipsync.CreateRequest|lipsync.BatchRow)[]|string|fun(): lipsync.CreateRequest|lipsync.BatchRow|nil
---@param options lipsync.BatchOptions|nil
---@return lipsync.Batch|nil batch  with `dry_run` only { status = "VALIDATED" }
---@return lipsync.Error|nil err  `outcomeUnknown`: the batch may exist; then `candidates` are those that it may be
---@return string|nil note  "found": the response was lost, and the batch was found in the list
function Batches:create(requests, options) end

--- The results of a batch that has ended, as `for request_id, generation, err
--- in …`, in the order of the service. A row that became no generation comes as
--- `request_id, nil, err`; a generation may be FAILED. Asks for the batch first
--- where only its id is given, or where it had not ended.
---@param batch string|lipsync.Batch
---@param options lipsync.ResultsOptions|nil
---@return lipsync.Results
function Batches:results(batch, options) end

---@class lipsync.CallOptions
---@field timeout number|nil  seconds for the whole call with its retries; default the client's, none for a listing
---@field stall_timeout number|nil  seconds without a byte; default the client's
---@field max_attempts integer|nil  default the client's
---@field headers table<string, string>|nil  added to the client's
---@field tag any  returned in events and errors
local CallOptions = {}

---@class lipsync.CatalogEntry
---@field code string
---@field message string|nil
---@field suggestion string|nil
---@field scope string|nil  what would have to change: "request", what was sent; "account", plan, limits or payments; "object", that which it is about; "service", nothing on this side
---@field retryable boolean|nil  whether the same may succeed later
local CatalogEntry = {}

---@class lipsync.Client
---@field assets lipsync.Assets
---@field batches lipsync.Batches
---@field generations lipsync.Generations
---@field models lipsync.Models
---@field projects lipsync.Projects
---@field speech lipsync.Speech
---@field transcriptions lipsync.Transcriptions
---@field dialogue_edits lipsync.DialogueEdits
---@field usage lipsync.UsageRecords
---@field voices lipsync.Voices
---@field webhooks lipsync.Webhooks
---@field errors lipsync.ErrorCodes
local Client = {}

--- Closes every connection. Pending calls end with an error of kind `closed`;
--- later calls raise. Idempotent.
function Client:close() end

--- Has the program's own loop make the steps of this client's tasks, by one
--- watcher of its descriptor and one timer, which exist only while there are
--- tasks. Without `watch` the timer looks, every few milliseconds. A later call
--- replaces the loop.
---@param loop lipsync.Loop
function Client:drive(loop) end

--- The single descriptor for a program's own loop to watch for reading.
---@return integer|nil  nil if there is none: then use timeout and step
function Client:fd() end

--- The number of tasks that have not ended; in nginx, of this request.
---@return integer
function Client:pending() end

--- Makes one request that this version has no method for. The path follows
--- base_url and begins with "/v2/". A status of 400 or more is an error, as in
--- every call. Never repeated unless the method is GET, HEAD or OPTIONS, or
--- `retry` or `idempotency_key` says so.
---@param method string  GET, HEAD, OPTIONS, POST, PUT, PATCH or DELETE
---@param path string  percent-encoded, without the query
---@param options lipsync.RequestOptions|nil
---@return lipsync.Response|nil
---@return lipsync.Error|nil err
function Client:request(method, path, options) end

--- Makes steps, and waits in between as the host waits, until no task is left.
--- Raises inside a task, which would wait for itself.
function Client:run() end

--- Sleeps as the host sleeps: in a task others go on, in a plain script it
--- blocks. Ends at once when its task is canceled or the client is closed.
---@param seconds number  0: lets others run once
---@return boolean|nil  true
---@return lipsync.Error|nil err  of kind `canceled` or `closed`
function Client:sleep(seconds) end

--- Makes a task: a coroutine that may wait wherever the program may. It first
--- runs in the next step. In nginx and in a cqueues controller it is a
--- coroutine of the host and needs no steps; nginx starts it at once, cqueues
--- when the controller comes to it. If it dies, its calls end with it, and
--- `on_task_error` is called.
---@param fn function
---@param ... any  its arguments
---@return lipsync.Task
function Client:spawn(fn, ...) end

--- Does what can be done without waiting, and resumes the tasks whose targets
--- are ready, at least one. Reading keeps the budget to a fraction of a
--- millisecond, also in a listing with more to give; what a task does between
--- two waits is not limited. (New TLS connections take longer: see `warm`.)
---@param budget number|nil  seconds after which to stop although more is ready; default 0.002
---@return integer  how many transfers became ready
function Client:step(budget) end

--- Seconds until `step` must be called even if the descriptor is silent.
---@return number|nil  nil: no need
function Client:timeout() end

--- Connects, and pays the first TLS cost, when the host can afford it. Fetches
--- the error catalog, which needs no key. Loads all resources, so that nothing
--- is loaded later.
---@param options lipsync.CallOptions|nil
---@return boolean|nil  true
---@return lipsync.Error|nil err
function Client:warm(options) end

---@class lipsync.CloneRequest
---@field name string
---@field provider string  "elevenlabs"
---@field file string|nil  path of a sample, which is uploaded as an asset; this or one of the next two
---@field assetId string|table|nil
---@field url string|nil  of a file in the service's storage
---@field extra table|nil  members that this version does not know
local CloneRequest = {}

---@class lipsync.CostsOptions : lipsync.CallOptions
---@field wait boolean|nil  false: gives what is known now; default true
local CostsOptions = {}

---@class lipsync.CreateManyOptions : lipsync.CreateOptions  without idempotency_key and receipt: each request has its own
---@field concurrency integer|nil  requests under way at once; default 8
---@field timeout number|nil  seconds for each; default none, because it may have to wait for the generations before it
---@field receipts string|nil  a folder for a receipt of each, by their indexes
---@field on_progress nil|fun(sent: integer, total: integer, index: integer)
local CreateManyOptions = {}

---@class lipsync.CreateOptions : lipsync.CallOptions
---@field idempotency_key string|nil  1 to 128 of A-Z a-z 0-9 . _ ~ -; default a random one. The same key with the same request returns the generation that it made before
---@field queue boolean|nil  false: an organization that already has as many generations under way as it may is an error at once; default true: waits, as long as the timeout allows
---@field timeout number|nil  seconds; a request with files has none unless it is given here
---@field answer_timeout number|nil  seconds from the last byte of the request to the first of the response; default 300 with files, else stall_timeout
---@field upload string|nil  "multipart" (default): files are sent with the request; "asset": each is uploaded as an asset before
---@field on_progress nil|fun(sent: integer, total: integer)  bytes of the request with files, or of the file that is uploaded; begins anew with each attempt
---@field repeat_for number|nil  seconds for which a request is repeated under its key after its outcome became unknown; default 600
---@field receipt string|nil  path of a file that remembers this create, so that it is not paid for twice when the process is killed; see receipt.lua
---@field on_unknown string|nil  "create": sends the request anew where a receipt is older than repeat_for and nothing is found; default "error"
local CreateOptions = {}

---@class lipsync.CreateRequest  the API's own body
---@field model string
---@field input lipsync.InputItem[]
---@field outputFileName string|nil
---@field webhookUrl string|nil
---@field projectId string|nil
---@field options table|nil
---@field segments table[]|nil
---@field dubParams table|nil
---@field dialogueEdit table|nil
---@field extra table|nil  members that this version does not know
local CreateRequest = {}

---@class lipsync.Creates
---@overload fun(): integer|nil, lipsync.Generation|nil, lipsync.Error|nil
---@field open { index: integer, idempotencyKey: string }[]  requests that were begun and whose outcome is not known
---@field next fun(self): integer|nil, lipsync.Generation|nil, lipsync.Error|nil
---@field close fun(self)
local Creates = {}

---@class lipsync.DeleteManyOptions : lipsync.CallOptions
---@field concurrency integer|nil  deletions under way at once; default 8
---@field everything boolean|nil  true: also a listing without a filter
---@field max integer|nil  the most deletions
---@field dry_run boolean|nil  true: deletes nothing, only counts what would be deleted
---@field when nil|fun(item: table|string, stop: fun()): any gets an item of the listing or the array; false or nil: skip it. stop() begins no more deletions
---@field on_result nil|fun(id: string, outcome: string, object: table|nil, err: lipsync.Error|nil, stop: fun()) outcome: "deleted", "gone", "skipped" or "failed"
---@field on_progress nil|fun(done: integer, total: integer|nil, stop: fun()) `total` is nil for a listing that is read meanwhile
---@field receipts string|nil  of generations: a folder with receipts of their creates, which then say that nothing is left to do
local DeleteManyOptions = {}

---@class lipsync.DeleteOptions : lipsync.CallOptions
---@field receipt string|nil  path of the receipt of its create, which then says that nothing is left to do
local DeleteOptions = {}

---@class lipsync.DeleteWhenDoneOptions : lipsync.GenerationWaitOptions
---@field download string|nil  where to download the output first: a path as of download
---@field if_exists string|nil  as of download
---@field discard boolean|nil  true: the output is not wanted
---@field receipt string|nil  as of download and delete
local DeleteWhenDoneOptions = {}

---@class lipsync.Deleted
---@field deleted integer  deleted by this call
---@field gone integer  no longer there: 404, or gone after an unknown outcome
---@field skipped integer  refused by `when`, or an id given twice
---@field failed integer  not deleted; see `errors`
---@field errors lipsync.Error[]  of the failed ones, and of receipts that could not be written, in the order of their end; at most 100, with at most 1 KiB of each body
local Deleted = {}

---@class lipsync.DialogueEditRequest
---@field sourceVideoUrl string
---@field transcript table  of a transcription
---@field edits table[]  { kind = "change", wordId, replacement, pronunciation } or { kind = "remove", wordIds }
---@field projectId string|table|nil
---@field voiceId string|nil
---@field rerunOfJobId string|table|nil  the id of an earlier edit, or that
---@field extra table|nil  members that this version does not know
local DialogueEditRequest = {}

---@class lipsync.DialogueEdits
---@field create fun(self, request: lipsync.DialogueEditRequest, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  never repeated once it may have been carried out
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil
---@field wait fun(self, id: string|table, options: lipsync.WaitOptions|nil): table|nil, lipsync.Error|nil  until it is COMPLETED, COMPLETED_PARTIAL or FAILED
local DialogueEdits = {}

---@class lipsync.DownloadManyOptions : lipsync.CallOptions
---@field timeout number|nil  seconds for each download; default none
---@field if_exists string|nil  as for one, but the default is "keep"
---@field allow_unknown_length boolean|nil
---@field concurrency integer|nil  downloads under way at once; default 4
---@field max integer|nil  the most downloads
---@field dry_run boolean|nil  true: fetches nothing, only counts what would be downloaded
---@field when nil|fun(item: lipsync.Generation|string, stop: fun()): any
---@field on_result nil|fun(id: string, outcome: string, result: lipsync.Downloaded|nil, err: lipsync.Error|nil, stop: fun()) outcome: "downloaded", "existing", "skipped" or "failed"
---@field on_progress nil|fun(done: integer, total: integer|nil, stop: fun())
---@field receipts string|nil  a folder with receipts of their creates, which then say that nothing is left to do
local DownloadManyOptions = {}

---@class lipsync.DownloadOptions : lipsync.CallOptions
---@field timeout number|nil  seconds for the whole download; default none
---@field if_exists string|nil  "refuse" (default): an error. "keep": the file that is there is taken if it is as long. "overwrite"
---@field on_progress nil|fun(received: integer, total: integer|nil)
---@field allow_unknown_length boolean|nil  true: takes a file although the server does not say how long it is
---@field receipt string|nil  of generations: path of the receipt of its create, which then says that nothing is left to do
local DownloadOptions = {}

---@class lipsync.Downloaded
---@field path string
---@field bytes integer  of the whole file
---@field resumed boolean  whether a part of it was here before the last request
---@field type string|nil  media type
---@field existing boolean|nil  true: it was there already
---@field verified boolean|nil  false: its length was not known
local Downloaded = {}

---@class lipsync.DownloadedMany
---@field downloaded integer  by this call
---@field existing integer  were there already
---@field skipped integer  refused by `when`, or an id given twice
---@field failed integer  see `errors`
---@field errors lipsync.Error[]  of the failed ones, in the order of their end; at most 100
local DownloadedMany = {}

---@class lipsync.Error
---@field kind lipsync.ErrorKind
---@field message string  the service's, or our description
---@field errorCode lipsync.ErrorCode|nil  stable; what to branch on
---@field statusCode integer|nil
---@field suggestion string|nil  the service's
---@field field string|nil  the wrong part of the request
---@field requestId string|nil  for the service's support
---@field retryable boolean  whether a later attempt may succeed
---@field scope string|nil  of a known errorCode: what would have to change, "request", "account", "object" or "service"
---@field retryAfter number|nil  seconds the service asks to wait
---@field attempts integer  requests made
---@field seconds number  waited in the call
---@field method string|nil
---@field path string|nil  without the query; of an error about a file, the file's
---@field os_error integer|nil  of an error about a file: the system's number
---@field proxy string|nil  the proxy that failed: "http://host:port"
---@field proxyStatus integer|nil  its response to a CONNECT
---@field body string|nil  of the response, at most 64 KiB
---@field delivered integer|nil  objects a listing delivered before it broke
---@field outcomeUnknown boolean|nil  true: the request may have been done
---@field idempotencyKey string|nil  of a create, to go on with
---@field object table|nil  the last state that a wait saw
---@field generation lipsync.Generation|nil  the same, if that is one
---@field candidates table[]|nil  of a create or a batch whose outcome is unknown: those that it may be
---@field details table  further members of the API's own body
---@field cause lipsync.Error|nil  the error that led to this one
---@field tag any  the call's option
local Error = {}

---@class lipsync.ErrorCodes
local ErrorCodes = {}

--- What a code means and what to do about it. Never retries and waits at most
--- 5 s, since it is only help.
---@param code string|lipsync.Error|lipsync.Generation|nil
---@param of lipsync.Error|lipsync.Generation|nil  the owner of the code, if `code` is nil
---@return lipsync.CatalogEntry|nil  nil if the code is not in the catalog
---@return lipsync.Error|nil err  if the catalog could not be fetched
function ErrorCodes:explain(code, of) end

--- What is known of a code, by the catalog if it was fetched, and without a
--- request otherwise: then there are neither message nor suggestion.
---@param code string|lipsync.Error|lipsync.Generation|nil
---@return lipsync.CatalogEntry|nil  nil for a code that is not known
function ErrorCodes:known(code) end

--- All entries of the catalog. Fetched once; the array is a copy.
---@param options lipsync.CallOptions|nil
---@return lipsync.CatalogEntry[]|nil
---@return lipsync.Error|nil err
function ErrorCodes:list(options) end

---@class lipsync.EstimateRequest
---@field model string
---@field duration number  seconds
---@field fps number|nil  default 30
---@field reasoningEnabled boolean|nil
---@field workflow string|nil  "lipsync" or "translate-and-dub"
---@field extra table|nil  members that this version does not know
local EstimateRequest = {}

---@class lipsync.Event
---@field type string  request, response, retry or queued. A listing in one response reports `response` at its first object, and once more, with `err`, if it breaks later
---@field method string
---@field path string  without the query
---@field attempt integer  from 1
---@field statusCode integer|nil  of a response
---@field seconds number|nil  waited since the request was sent
---@field bytes integer|nil  received so far
---@field delay number|nil  seconds until the retry
---@field err lipsync.Error|nil  what went wrong
---@field requestId string|nil
---@field idempotencyKey string|nil  of a create
---@field tag any  the call's option
local Event = {}

---@class lipsync.Filter
---@field status string|string[]|nil  PENDING, PROCESSING, COMPLETED, FAILED, REJECTED; other words are sent unchanged
---@field ids string|string[]|nil  made unique; a request takes 100
---@field source string|string[]|nil  labels such as "api"
---@field projectId string|table|nil  or a project
---@field limit integer|nil  how many at most
---@field cursor string|nil  id of the generation to begin after; needs limit or page_size
---@field page_size integer|nil  1 to 100; lists in pages
---@field extra table|nil  parameters that this version does not know
local Filter = {}

---@class lipsync.Generation  every member of the JSON is a field; null and absent ones are nil; the documented ones are listed here
---@field id string
---@field createdAt string  ISO 8601
---@field input table[]
---@field model string
---@field status lipsync.Status  a newer one is possible
---@field error string|nil
---@field errorCode lipsync.ErrorCode|nil  stable; also sent as error_code
---@field options table|nil
---@field outputDuration number|nil  seconds
---@field outputUrl string|nil  signed; use it unchanged; also sent as outputMediaUrl
---@field outputFileName string|nil
---@field segments table[]|nil
---@field segmentOutputUrl string|nil
---@field synthesizedAudioUrl string|nil
---@field webhookUrl string|nil
---@field projectId string|nil
---@field get fun(self, name: string): any  a member of any name
---@field has fun(self, name: string): boolean  true also for null
---@field json fun(self, options: { compact: boolean }|nil): string  the exact bytes; compact: on one line
---@field decode fun(self): table  a plain table; null is lipsync.null
---@field fields fun(self): fun(): string, any  iterator over name and value
local Generation = {}

--- When it was created. A createdAt with only a date means its first moment.
---@param unit string|nil  "seconds": without the fraction, for os.date
---@return number|nil  seconds since 1970 UTC with fraction; a whole number is an integer where the VM has them; nil if createdAt is missing or no time
function Generation:created_at(unit) end

--- Deletes it: client.generations:delete of the client it came from.
---@param options lipsync.CallOptions|nil
---@return lipsync.Generation|nil deleted
---@return lipsync.Error|nil err
---@return string|nil note  "already_gone"
function Generation:delete(options) end

--- Downloads its output: client.generations:download of its client.
---@param path string
---@param options lipsync.DownloadOptions|nil
---@return lipsync.Downloaded|nil
---@return lipsync.Error|nil err
function Generation:download(path, options) end

--- Whether it has ended, so it can be deleted. An unknown status counts as one
--- that goes on.
---@return boolean
function Generation:is_terminal() end

--- Waits until it has ended: client.generations:wait of its client.
---@param options lipsync.GenerationWaitOptions|nil
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
function Generation:wait(options) end

---@class lipsync.GenerationWaitOptions : lipsync.WaitOptions
---@field on_progress nil|fun(percent: number, generation: lipsync.Generation) polls for the progress instead of using long polls
local GenerationWaitOptions = {}

---@class lipsync.Generations
---@field list fun(self, filter: lipsync.Filter|nil, options: lipsync.CallOptions|nil): lipsync.Listing  as a stream. Checks the filter at once; the first step sends the request. A `for` raises the error object; `listing:next()` returns it, and also works where a `for` cannot yield. No timeout unless given here
---@field get fun(self, id: string|lipsync.Generation, options: lipsync.CallOptions|nil): lipsync.Generation|nil, lipsync.Error|nil
---@field count fun(self, filter: lipsync.Filter|nil, options: lipsync.CallOptions|nil): integer|nil, lipsync.Error|nil  the filter without limit, cursor and page_size
---@field estimate fun(self, request: lipsync.EstimateRequest, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  what a generation would cost: an object with estimatedGenerationCost (USD), estimatedFrameCount and estimatedCredits
local Generations = {}

--- All generations of a listing in an array.
---@param filter lipsync.Filter|nil
---@param options lipsync.CallOptions|nil
---@return lipsync.Generation[]|nil
---@return lipsync.Error|nil err
function Generations:all(filter, options) end

--- What a generation has cost: an object with totalCostUsd (text, nil until it
--- is known), knownSubtotalUsd, availability and components. While that is
--- pending it is asked for again when the service says, as long as the timeout
--- allows; then it is given as it is.
---@param id string|lipsync.Generation
---@param options lipsync.CostsOptions|nil
---@return table|nil
---@return lipsync.Error|nil err
function Generations:costs(id, options) end

--- Creates a generation. Every request of the call carries the same
--- Idempotency-Key and the same bytes, so it is repeated like a read and makes
--- one generation; 10 minutes after an unknown outcome it is not repeated any
--- more, because the service forgets keys. Then `err.outcomeUnknown` is true,
--- and `err.idempotencyKey` given as `idempotency_key`, with the same request,
--- goes on. Waits where the organization has as many generations under way as
--- it may. Raises for wrong or unknown members of the request.
---@param request lipsync.CreateRequest
---@param options lipsync.CreateOptions|nil
---@return lipsync.Generation|nil  as it is now: not PENDING if it was created by an earlier call with the key
---@return lipsync.Error|nil err
function Generations:create(request, options) end

--- Creates many generations, several at a time. Gives each when it is
--- accepted, as `for index, generation, err in …` or by `iterator:next()`: one
--- that cannot be created comes as `index, nil, err`, and nothing of a request
--- is raised.
--- Each is created as `create` does it, and waits for its turn where the
--- organization has as many under way as it may.
---@param requests lipsync.CreateRequest[]|fun(): lipsync.CreateRequest|nil
---@param options lipsync.CreateManyOptions|nil
---@return lipsync.Creates
function Generations:create_many(requests, options) end

--- Deletes a generation; only if it is COMPLETED, FAILED or REJECTED.
---@param id string|lipsync.Generation
---@param options lipsync.DeleteOptions|nil
---@return lipsync.Generation|nil deleted
---@return lipsync.Error|nil err
---@return string|nil note  "already_gone": it is gone, after an attempt with an unknown outcome, or one of an earlier run of which the receipt knows
---@return lipsync.Error|nil problem  of a receipt that could not be written
function Generations:delete(id, options) end

--- Deletes many generations, several at once, while it reads the listing. Goes
--- on after a failed one, but not after a broken listing, a rejected key (401),
--- a 429 that does not end, or a closed client. An error raised in a callback
--- stops it too; that is the `cause` of the error returned with the result.
--- Raises for a listing, or an array of `all`, without a filter.
---@param items (string|lipsync.Generation)[]|lipsync.Listing
---@param options lipsync.DeleteManyOptions|nil
---@return lipsync.Deleted|nil result
---@return lipsync.Error|nil err  why it stopped early
---@return lipsync.Deleted|nil so_far  what was done until then
function Generations:delete_many(items, options) end

--- Waits as `wait` does, downloads the output if it should, and deletes. With
--- `download` nothing is deleted before the file is complete and on the disk:
--- not after a failed download, and not if it has ended without an output.
---@param id string|lipsync.Generation
---@param options lipsync.DeleteWhenDoneOptions
---@return lipsync.Generation|nil deleted
---@return lipsync.Error|nil err  `err.generation` is the last state seen
---@return string|nil note  as of delete
---@return lipsync.Downloaded|nil file
---@return lipsync.Error|nil problem  of a receipt that could not be written
function Generations:delete_when_done(id, options) end

--- Downloads the output of a generation. Writes to PATH.part, which a later
--- call goes on with after an error, and renames it once it is complete and on
--- the disk. Asks for the generation first where only its id is given, or where
--- it was not COMPLETED; and again if the address of its output has expired.
---@param id string|lipsync.Generation
---@param path string  of the file; or of a folder, where it is named after outputFileName, or its id
---@param options lipsync.DownloadOptions|nil
---@return lipsync.Downloaded|nil
---@return lipsync.Error|nil err  of kind `file` for what the disk refuses; `err.generation` is the last state seen
---@return lipsync.Error|nil problem  of a receipt that could not be written
function Generations:download(id, path, options) end

--- Downloads many outputs into a folder, several at once, while it reads the
--- listing. Each file is named after outputFileName, or the id, and the first 8
--- characters of the id. Goes on after a failed one, but not after a broken
--- listing, a rejected key (401), a 429 that does not end, a closed client or a
--- full disk. Called again it goes on: files that are there already are kept.
---@param items (string|lipsync.Generation)[]|lipsync.Listing
---@param folder string  is there already
---@param options lipsync.DownloadManyOptions|nil
---@return lipsync.DownloadedMany|nil result
---@return lipsync.Error|nil err  why it stopped early
---@return lipsync.DownloadedMany|nil so_far  what was done until then
function Generations:download_many(items, folder, options) end

--- Waits until a generation has ended; COMPLETED, FAILED and REJECTED are
--- values, not errors. Waits as the host waits, so other tasks go on. Goes on
--- after a temporary error, such as a broken connection, but not after a 404.
---@param id string|lipsync.Generation
---@param options lipsync.GenerationWaitOptions|nil
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err  `err.generation` is the last state seen
function Generations:wait(id, options) end

--- Waits for many generations at once. Gives each when it has ended, as
--- `for id, generation, err in …` or by `iterator:next()`: one that cannot be
--- waited for comes as `id, nil, err`. Asks in rounds of one request for each
--- hundred, every 2 s at first and up to 15 s apart later.
---@param items (string|lipsync.Generation)[]|lipsync.Listing
---@param options lipsync.WaitManyOptions|nil
---@return lipsync.Waits
function Generations:wait_many(items, options) end

---@class lipsync.InputItem
---@field type string  video, audio, image or text
---@field url string|nil  of the medium: this, or one of the next two
---@field assetId string|nil
---@field file string|nil  path of a file on this machine
---@field refId string|nil  its name in segments
---@field provider table|nil  of a text: the voice that speaks it
---@field extra table|nil  members that this version does not know
local InputItem = {}

---@class lipsync.KeyedOptions : lipsync.CallOptions
---@field idempotency_key string|nil  1 to 128 of A-Z a-z 0-9 . _ ~ -; default a random one
local KeyedOptions = {}

---@class lipsync.Listing
---@field delivered integer  objects delivered so far
---@field cursor string|nil  of a listing in pages: the `cursor` for another listing that goes on after this one; nil: from the top
---@field bytes integer  received so far, headers included
---@overload fun(): lipsync.Generation|nil
local Listing = {}

--- Stops at once and closes the connection. A coroutine that waits in the
--- listing, or a later call, gets an error of kind `canceled`. Idempotent; does
--- nothing after the end of the listing.
function Listing:close() end

--- The next object. Waits for it as the host waits.
---@return lipsync.Generation|nil object  nil at the end
---@return lipsync.Error|nil err  why it ended too early; the same error on each further call
function Listing:next() end

---@class lipsync.Loop
---@field watch nil|fun(fd: integer, fn: function): any  calls `fn` whenever the descriptor can be read, until `unwatch`; returns a handle
---@field unwatch nil|fun(handle: any)
---@field after fun(seconds: number, fn: function): any  calls `fn` once, after so many seconds; returns a handle
---@field cancel nil|fun(handle: any)  of `after`; without it `fn` is called in vain
local Loop = {}

---@class lipsync.Models
---@field list fun(self, options: lipsync.CallOptions|nil): table[]|nil, lipsync.Error|nil  an array of models: id, name, type, version, and description and deprecatedAt if the service sent them
local Models = {}

---@class lipsync.NginxWebhookOptions
---@field secret string|string[]  whsec_…; several while one takes the place of another
---@field seen string  the name of a lua_shared_dict: what was taken, for all workers
---@field on_generation nil|fun(generation: lipsync.Generation)  called in a timer, after the answer, once for each id and status
---@field on_batch nil|fun(batch: lipsync.Batch)  likewise; one of the two must be there, and what the other would get is dropped
---@field tolerance number|false|nil  as for verify
---@field max_body number|nil  bytes; default 1 MiB
---@field remember number|nil  seconds for which a repeat is recognized; default a day
local NginxWebhookOptions = {}

---@class lipsync.Options
---@field api_key string|false|nil  default $SYNC_API_KEY; false and "": none
---@field base_url string|nil  default $SYNC_BASE_URL, then the service; without /v2
---@field timeout number|nil  seconds for a whole call with its retries; default 60; a listing has none unless its own call gives one
---@field connect_timeout number|nil  seconds; default 10
---@field stall_timeout number|nil  seconds without a byte during a wait; default 30
---@field max_attempts integer|nil  default 4
---@field max_in_flight integer|nil  requests whose response has not begun; default 8
---@field max_transfers integer|nil  files under way at a time; default 8
---@field max_waits integer|nil  long polls at a time; default 32
---@field max_generation integer|nil  bytes of one generation; default 1 MiB
---@field max_response integer|nil  bytes of an answer read whole; default 16 MiB
---@field ca_file string|nil  certificates to trust; default $CURL_CA_BUNDLE, then $SSL_CERT_FILE, then libcurl's own
---@field proxy string|nil  default libcurl's environment variables, never for loopback; "": none
---@field headers table<string, string>|nil  added to each request
---@field user_agent string|nil  appended to ours
---@field host lipsync.Host|nil  how to wait; default: detected at each wait
---@field on_event fun(event: lipsync.Event)|nil
---@field on_task_error fun(err: any, task: lipsync.Task)|nil
---@field allow_http boolean|nil  http: to other machines; default false
---@field media_hosts string|string[]|nil  hosts of files that may have an address that is not public
---@field strict boolean|nil  true: takes nothing from the environment, neither key nor address nor proxy nor ca_file; default false
local Options = {}

---@class lipsync.ProjectFilter
---@field searchQuery string|nil  a part of the name
---@field sortBy string|nil  updatedAt or name
---@field limit integer|nil  how many at most
---@field cursor string|nil  listing.cursor of a listing to go on with
---@field page_size integer|nil  1 to 100, default 100
---@field extra table|nil  parameters that this version does not know
local ProjectFilter = {}

---@class lipsync.ProjectRequest
---@field id string|nil  a UUID; default a random one
---@field name string|nil  up to 255 characters; needed to create one
---@field description string|nil
---@field visibility string|nil  USER or ORGANIZATION
---@field mode string|nil  CREATOR or DEVELOPER
---@field defaultWorkflow string|nil  lipsync, translate_and_dub, change_appearance, image_to_video, edit_dialogue, assistant or timeline
---@field extra table|nil  members that this version does not know
local ProjectRequest = {}

---@class lipsync.Projects
---@field list fun(self, filter: lipsync.ProjectFilter|nil, options: lipsync.CallOptions|nil): lipsync.TableListing  in pages
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil
---@field create fun(self, request: lipsync.ProjectRequest, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  repeated like a read, because a request with the same id creates no second one
---@field update fun(self, id: string|table, request: lipsync.ProjectRequest, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  changes the members that are given, but not the id
---@field delete fun(self, id: string|table, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil, string|nil
---@field attach fun(self, id: string|table, asset: string|table, options: lipsync.CallOptions|nil): boolean|nil, lipsync.Error|nil
---@field detach fun(self, id: string|table, asset: string|table, options: lipsync.CallOptions|nil): boolean|nil, lipsync.Error|nil
local Projects = {}

---@class lipsync.RequestOptions : lipsync.CallOptions
---@field query table|string|nil  names and values, or the text after the "?"
---@field body any  a string is sent as it is, any other value as JSON
---@field idempotency_key string|nil  sent as Idempotency-Key; the request is then repeated with the same bytes, as a create is
---@field retry boolean|nil  true: it may be repeated although it may have been carried out; default only for GET, HEAD and OPTIONS
---@field send_key boolean|nil  false: sent without the API key; default true
local RequestOptions = {}

---@class lipsync.Response
---@field statusCode integer  200 to 299
---@field headers table<string, string>  by their names in lower case
---@field requestId string|nil  for the service's support
---@field body any  decoded JSON with lipsync.null for null; a string if it is no JSON; nil if there is none
local Response = {}

---@class lipsync.Results
---@field delivered integer  results delivered so far
---@field next fun(self): string|nil, lipsync.Generation|nil, lipsync.Error|nil, table|nil
---@field close fun(self)
local Results = {}

---@class lipsync.ResultsOptions : lipsync.CallOptions
---@field timeout number|nil  seconds for all of it; default none
---@field allow_unknown_length boolean|nil  true: takes results although the server does not say how long they are
local ResultsOptions = {}

---@class lipsync.SecretFilter
---@field masked boolean|nil  false: the secret itself; default what the service shows of it
local SecretFilter = {}

---@class lipsync.Speech
---@field create fun(self, request: lipsync.SpeechRequest, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  id, url and duration (seconds); never repeated once it may have been made
---@field start fun(self, request: lipsync.SpeechRequest, options: lipsync.KeyedOptions|nil): table|nil, lipsync.Error|nil  a job, which is begun once for each idempotency key
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil
---@field wait fun(self, id: string|table, options: lipsync.WaitOptions|nil): table|nil, lipsync.Error|nil  until it is SUCCESS or FAILED
local Speech = {}

---@class lipsync.SpeechRequest
---@field script string  1 to 5000 characters
---@field voiceId string
---@field provider string|nil  "elevenlabs"
---@field stability number|nil  0 to 1
---@field similarityBoost number|nil  0 to 1
---@field extra table|nil  members that this version does not know
local SpeechRequest = {}

---@class lipsync.TableListing : lipsync.Listing
---@field next fun(self): table|nil, lipsync.Error|nil
---@overload fun(): table|nil
local TableListing = {}

---@class lipsync.Target  what a host function waits for
---@field ready fun(self): boolean
local Target = {}

---@class lipsync.Task
local Task = {}

--- Ends the task: closes its connections and does not resume it any more. In
--- the task itself this takes effect at its next wait. Idempotent.
function Task:cancel() end

--- Whether the task has ended.
---@return boolean
function Task:is_over() end

--- Waits until the task has ended: as the host waits, or, outside of tasks, by
--- making steps. Raises in the task itself.
---@param seconds number|nil  how long at most; default: as long as it takes
---@return any ...  what its function returned; or nil and an error: the error object that it died with, or one of kind `canceled` whose `cause` is what it raised; `canceled` without a cause if it was canceled; `timeout`
function Task:wait(seconds) end

---@class lipsync.TranscriptionRequest
---@field sourceVideoUrl string|nil  this, or the next one
---@field sourceAudioUrl string|nil
---@field startMs integer|nil  milliseconds: a part of at most 60 minutes
---@field endMs integer|nil
---@field maxSourceSeconds number|nil
---@field projectId string|table|nil
---@field extra table|nil  members that this version does not know
local TranscriptionRequest = {}

---@class lipsync.Transcriptions
---@field create fun(self, request: lipsync.TranscriptionRequest, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  repeated like a read, because the same source gives the same transcription
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil
---@field wait fun(self, id: string|table, options: lipsync.WaitOptions|nil): table|nil, lipsync.Error|nil  until it is COMPLETED or FAILED
local Transcriptions = {}

---@class lipsync.UploadOptions : lipsync.CallOptions
---@field name string|nil  default the file's own
---@field content_type string|nil  default by the file's suffix
---@field type string|nil  VIDEO, AUDIO or IMAGE; default by the content type
---@field visibility string|nil  USER (the service's default) or ORGANIZATION
---@field projectId string|nil
---@field timeout number|nil  seconds for the whole upload; default none
---@field answer_timeout number|nil  seconds from the file's last byte to the first of the response; default 300
---@field on_progress nil|fun(sent: integer, total: integer)  bytes of the file; begins anew with each attempt
local UploadOptions = {}

---@class lipsync.UsageFilter
---@field startTime string|nil  "2026-08-25T00:00:00Z": ended then or later
---@field endTime string|nil  ended before
---@field limit integer|nil  how many at most
---@field cursor string|nil  listing.cursor of a listing to go on with
---@field page_size integer|nil  1 to 100, default 100
---@field extra table|nil  parameters that this version does not know
local UsageFilter = {}

---@class lipsync.UsageRecords
---@field list fun(self, filter: lipsync.UsageFilter|nil, options: lipsync.CallOptions|nil): lipsync.TableListing  in pages, the oldest first; of each generation generationId, totalCostUsd (text, nil until it is known), knownSubtotalUsd, availability and components
local UsageRecords = {}

---@class lipsync.VoiceFilter
---@field provider string|nil  "elevenlabs"
---@field extra table|nil  parameters that this version does not know
local VoiceFilter = {}

---@class lipsync.Voices
---@field list fun(self, filter: lipsync.VoiceFilter|nil, options: lipsync.CallOptions|nil): table[]|nil, lipsync.Error|nil  an array; a voice that nobody has cloned may have no id
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil
---@field delete fun(self, id: string|table, options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil, string|nil
local Voices = {}

--- Clones a voice from a sample. The request is sent once: after an unknown
--- outcome the voice is looked for by its name, among those that were not there
--- before, and never cloned a second time.
---@param request lipsync.CloneRequest
---@param options lipsync.CallOptions|nil  `timeout` is for all of it; without one the upload of a file has none
---@return table|nil voice
---@return lipsync.Error|nil err
function Voices:clone(request, options) end

---@class lipsync.WaitManyOptions : lipsync.CallOptions
---@field timeout number|nil  seconds for the whole wait; default 3600; math.huge: no limit
---@field on_change nil|fun(generation: lipsync.Generation)  called when the status of one has changed
local WaitManyOptions = {}

---@class lipsync.WaitOptions : lipsync.CallOptions
---@field timeout number|nil  seconds for the whole wait; default 3600; math.huge: no limit
---@field on_change nil|fun(object: table)  called when the status has changed
local WaitOptions = {}

---@class lipsync.Waits
---@overload fun(): string|nil, lipsync.Generation|nil, lipsync.Error|nil
---@field waiting integer  how many have not ended yet, as far as is known
---@field next fun(self): string|nil, lipsync.Generation|nil, lipsync.Error|nil
---@field saw fun(self, generation: lipsync.Generation): boolean
---@field close fun(self)
local Waits = {}

---@class lipsync.Webhook
local Webhook = {}

--- Makes a function for content_by_lua. Call it where nginx begins, in
--- init_by_lua: then wrong options stop nginx, and libcrypto is there.
---@param options lipsync.NginxWebhookOptions
---@return fun()
function Webhook.nginx(options) end

--- What a webhook says, if the service signed it. Nothing of the body is read
--- before that is known.
---@param body string  the bytes as they came
---@param signature string|table|nil  the header Sync-Signature (earlier X-Signature-Primary); all values of it, in an array; or all headers of the request by name
---@param secret string|string[]  whsec_…; several while one takes the place of another
---@param options lipsync.WebhookOptions|nil
---@return lipsync.Generation|lipsync.Batch|nil  what has `metrics` is a batch
---@return lipsync.Error|nil err  of kind `signature`: it is not to be trusted; of kind `protocol`: it is signed, but no generation and no batch
function Webhook.verify(body, signature, secret, options) end

---@class lipsync.WebhookOptions
---@field tolerance number|false|nil  seconds that the signature's time may differ from now, either way; default 300; false: any
---@field now number|nil  seconds since 1970; default os.time()
local WebhookOptions = {}

---@class lipsync.Webhooks
---@field secret fun(self, filter: lipsync.SecretFilter|nil, options: lipsync.CallOptions|nil): string|nil, lipsync.Error|nil  the text for lipsync.webhook.verify: "whsec_…"
local Webhooks = {}

---@class lipsync
---@field webhook lipsync.Webhook
---@field null lightuserdata  a JSON null, where nil cannot stand
---@field _VERSION string
local lipsync = {}

--- Marks a table as an array; an empty one needs this to be written as `[]`.
---@param elements table
---@return table  the same
function lipsync.array(elements) end

--- As Lua's assert, for what the calls of this library return. Raises the error
--- object; where no Lua code can catch it, its sentence, because a program in C
--- can show only that.
---@param value any
---@param err any
---@param ... any
---@return any ...  all of them, if `value` is neither nil nor false
function lipsync.assert(value, err, ...) end

--- JSON text of a Lua value: nil-free arrays, tables with string keys, UTF-8
--- strings, numbers, booleans, lipsync.null, and generations, which keep their
--- bytes. The text is the same on every VM and in every locale, because members
--- are sorted by name. An empty table is `{}`, unless lipsync.array or a
--- decoded array made it.
---@param value any
---@return string|nil
---@return lipsync.Error|nil err  of kind `invalid`; says which part of the value cannot be written
function lipsync.encode(value) end

--- A Generation from JSON text, such as a webhook's body or a file.
---@param json string
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
function lipsync.generation(json) end

--- Whether `value` is an error object of this library.
---@param value any
---@return boolean
function lipsync.is_error(value) end

--- Makes a client. Sends nothing. A missing key, or a key or header that cannot
--- be sent, is reported by the calls that need it; other errors are raised. The
--- first client loads the rest of the library.
---@param options lipsync.Options|nil
---@return lipsync.Client
function lipsync.new(options) end

--- Seconds since 1970 UTC of an ISO 8601 text with `Z` or an offset.
---@param text string  "2026-08-25T10:00:00.250Z"
---@return number|nil
---@return lipsync.Error|nil err  of kind `invalid` for any other text
function lipsync.time(text) end

return lipsync
