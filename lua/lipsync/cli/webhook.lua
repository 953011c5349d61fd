-- SPDX-License-Identifier: MIT
-- lipsync webhook: whether the service sent what came, from standard input or
-- as it arrives.

local list = require "lipsync.cli.list"
local lipsync = require "lipsync"
local output = require "lipsync.cli.output"
local profile = require "lipsync.cli.profile"
local status = require "lipsync.cli.status"
local values = require "lipsync.cli.values"
local verifying = require "lipsync.webhook.verify"

-- The secrets, a line for each: there are several while one takes the place of
-- another. Never an option's value, as the key is none.
local function secrets_of(given)
  local text = profile.secrets(given.secret_file, "SYNC_WEBHOOK_SECRET")
  if not text then
    status.refuse("no secret: give --secret-file FILE, or set "
      .. "SYNC_WEBHOOK_SECRET.")
  end
  local secrets = {}
  for secret in text:gmatch "[^ \t-\r]+" do secrets[#secrets + 1] = secret end
  if #secrets == 0 then
    local where = given.secret_file or "SYNC_WEBHOOK_SECRET"
    status.refuse((where == "-" and "standard input" or where) .. " is empty.")
  end
  return secrets
end

local function as_rows(given)
  return given.json or given.csv or given.fields
end

local function verify(run, given)
  if not given.signature then status.refuse "give --signature." end
  if given.secret_file == "-" then
    status.refuse "standard input has the body; the secret is in a file."
  end
  local secrets = secrets_of(given)
  local object = run.check(run.try(function()
    return lipsync.webhook.verify(io.stdin:read "*a", given.signature,
      secrets, { tolerance = given.tolerance })
  end))
  if as_rows(given) then
    output.writer(given, output.generations, run.screen)(object)
  else
    output.record(object, run.screen)
  end
end

local function listen(run, given)
  return require("lipsync.cli.listen")(run, given, secrets_of(given))
end

local actions = { verify = verify, listen = listen }

-- Options that are for one of them.
local only = { signature = "verify", host = "listen", port = "listen",
               limit = "listen" }

return { {
  name = "webhook", summary = "Verify webhooks",
  text = "With `verify` it reads a body from standard input, byte for byte "
    .. "as it came, and shows what it tells of if the service has signed it. "
    .. "With `listen` it takes webhooks over HTTP until Ctrl-C, and writes "
    .. "each that the service has signed, once. It answers those by 200, "
    .. "others by 401 or 400, and says why. That needs the emulator's module. "
    .. "Neither needs a key.",
  arguments = { { "action", choices = { "verify", "listen" },
                  help = "verify or listen" } },
  options = list.join({
    { "--secret-file", value = "FILE", read = values.text,
      help = 'the secret of the organization; several, a line for each; "-" is '
      .. "standard input (default: $SYNC_WEBHOOK_SECRET)" },
    { "--signature", value = "TEXT", read = values.text,
      help = "verify: the header Sync-Signature (t=...,v1=...) as it came" },
    { "--tolerance", value = "SECONDS", read = values.seconds,
      help = "how old the signature may be (default: 5m)" },
    { "--port", value = "N", read = values.port,
      help = "listen: the port (default: any free one)" },
    { "--host", value = "ADDRESS", read = values.text,
      help = "listen: the address (default: 127.0.0.1, this machine alone)" },
    { "--limit", value = "N", read = values.integer,
      help = "listen: end after so many" },
  }, list.formats),
  run = function(run, given)
    for name, action in pairs(only) do
      if given[name] and action ~= given.action then
        status.refuse(("--%s is for webhook %s."):format(name, action))
      end
    end
    run.load(verifying.load)
    return actions[given.action](run, given)
  end,
} }
