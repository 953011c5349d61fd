-- SPDX-License-Identifier: MIT
-- The manual pages, as roff reads them. As man shows them:
-- spec/command/shell_spec.lua.

local core = require "lipsync.core"
local manual = require "lipsync.cli.manual"

local function title(name)
  return ('.TH %s 1 "" "lipsync %s" "User Commands"\n.SH NAME\n'):format(name,
    core._VERSION)
end

describe("the page of lipsync-emulator", function()
  it("has what the program says of itself", function()
    local help = "Usage: lipsync-emulator\n\nServes it\n.here, 'or\n'not "
      .. "\\.\n\n  --port N, --to N      the port: 5-9\n" .. (" "):rep(20)
      .. "of this machine\n  --log               log it\n"
      .. "  -x  y\n\nNo option.\n" .. (" "):rep(19) .. "nor this\n"
    assert.equal(title "LIPSYNC\\-EMULATOR" .. [[
lipsync\-emulator \- the sync. generations API on this machine, for tests
.SH SYNOPSIS
]] .. "\\fBlipsync\\-emulator\\fR [\\fIoption\\fR ...] [\\fB\\-\\-\\fR "
  .. "\\fIcommand\\fR [\\fIargument\\fR ...]]\n" .. [[
.SH DESCRIPTION
Serves it
\&.here, 'or
\&'not \e.
.SH OPTIONS
.TP
\fB\-\-port N, \-\-to N\fR
The port: 5\-9 of this machine.
.TP
\fB\-\-log\fR
Log it.
.TP
\fB\-x\fR
Y.
.SH "SEE ALSO"
\fBlipsync\fR(1)
]], manual.emulator(help))
  end)
end)

describe("the page of lipsync", function()
  if not pcall(require, "argparse") then
    pending("argparse is missing")
    return
  end

  local page = manual.lipsync()

  local function has(text)
    assert.is_truthy(page:find(text, 1, true), text)
  end

  it("begins with its name, and ends with the other one", function()
    local head = title "LIPSYNC" .. [[
lipsync \- list, make, download and delete generations of the sync. API
.SH SYNOPSIS
\fBlipsync\fR [\fIoption\fR ...] \fIcommand\fR [\fIargument\fR ...]
.SH DESCRIPTION
]]
    assert.equal(head, page:sub(1, #head))
    local last = '.SH "SEE ALSO"\n\\fBlipsync\\-emulator\\fR(1)\n'
    assert.equal(last, page:sub(-#last))
  end)

  it("has each command, with its arguments and options", function()
    has ".SS \\fBget\\fR [\\fIoption\\fR ...] \\fIID\\fR ...\nShow generations"
    has ".SS \\fBerrors\\fR [\\fIoption\\fR ...] [\\fICODE\\fR]\nExplain"
    has ".SS \\fBdelete\\fR [\\fIoption\\fR ...] [\\fIID\\fR ...]\nDelete gen"
    has ".SS \\fBhelp\\fR [\\fICOMMAND\\fR]\nShow what there is.\nAll commands,"
    has ".SS \\fBlist\\fR [\\fIoption\\fR ...]\nList generations.\nWithout "
    has ".TP\n\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIPATH\\fR\nThe folder, or "
    has ".TP\n\\fB\\-\\-all\\-completed\\fR\nAll that are COMPLETED.\n"
  end)

  it("has a heading for each part", function()
    local headings = {}
    for text in page:gmatch "\n%.SH ([^\n]*)" do
      headings[#headings + 1] = text
    end
    assert.same({ "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS",
                  '"EXIT STATUS"', "ENVIRONMENT", "FILES", '"SEE ALSO"' },
      headings)
    has ".SH OPTIONS\nThey may stand before or after the command.\n.TP\n"
  end)

  it("has no options where a command has none", function()
    has ".SS \\fBcompletion\\fR \\fISHELL\\fR\nWrite what completes"
    has ".SS \\fBhelp\\fR [\\fICOMMAND\\fR]\nShow what there is.\n"
    has ".SS \\fBcreate\\fR [\\fIoption\\fR ...]\nCreate a generation"
    has ".SS \\fBmodels\\fR [\\fIoption\\fR ...]\nList the models"
  end)

  it("has the exit statuses, the environment and the file", function()
    has '.SH "EXIT STATUS"\n.TP\n\\fB0\\fR\nAll was done.\n.TP\n\\fB1\\fR\nThe '
    for _, name in ipairs { "SYNC_API_KEY", "SYNC_BASE_URL",
        "SYNC_WEBHOOK_SECRET", "NO_COLOR", "SYNC_LOG",
        "https_proxy, no_proxy" } do
      has(".TP\n\\fB" .. name .. "\\fR\n")
    end
    has ".SH FILES\n.TP\n\\fI~/.config/lipsync/profiles\\fR\nOr "
  end)
end)
