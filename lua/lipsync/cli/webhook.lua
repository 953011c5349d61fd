-- SPDX-License-Identifier: MIT
-- lipsync webhook: whether the service sent what came.

local lipsync = require "lipsync"
local output = require "lipsync.cli.output"
local status = require "lipsync.cli.status"
local values = require "lipsync.cli.values"

-- The secrets in a file, a line for each: there are several while one takes the
-- place of another.
local function secrets_of(path)
  local file, problem = io.open(path, "rb")
  if not file then
    status.refuse(("%s cannot be read: %s."):format(path,
      (problem:gsub("^.*: ", ""))))
  end
  local secrets = {}
  for line in file:lines() do
    local secret = line:match "[^ \t-\r]+"
    if secret then secrets[#secrets + 1] = secret end
  end
  file:close()
  if #secrets == 0 then status.refuse(path .. " is empty.") end
  return secrets
end

return { {
  name = "webhook", summary = "Verify a webhook",
  text = "Reads the body from standard input, byte for byte as it came, and "
    .. "shows what it tells of if the service has signed it. Needs no key.",
  arguments = { { "action", choices = { "verify" }, help = "verify" } },
  options = {
    { "--secret-file", value = "FILE", read = values.text,
      help = "the secret of the organization; several, a line for each" },
    { "--signature", value = "TEXT", read = values.text,
      help = "the header Sync-Signature (t=...,v1=...) as it came" },
    { "--tolerance", value = "SECONDS", read = values.seconds,
      help = "how old the signature may be (default: 5m)" },
  },
  run = function(run, given)
    if not given.secret_file or not given.signature then
      status.refuse "give --secret-file and --signature."
    end
    local secrets = secrets_of(given.secret_file)
    local object = run.check(run.try(function()
      return lipsync.webhook.verify(io.stdin:read "*a", given.signature,
        secrets, { tolerance = given.tolerance })
    end))
    if given.json then
      output.write(output.json(object), "\n")
    else
      output.record(object, run.screen)
    end
  end,
} }
