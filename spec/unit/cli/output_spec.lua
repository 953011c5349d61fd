-- SPDX-License-Identifier: MIT
-- What is written, byte by byte. On a terminal, and against the emulator:
-- spec/command/list_spec.lua.

local cli = require "spec.support.cli"
local core = require "lipsync.core"
local lipsync = require "lipsync"
local output = require "lipsync.cli.output"
local terminals = require "lipsync.terminal"

-- Marks what is painted.
local function paint(_, text, color)
  return color and "<" .. color .. ":" .. text .. ">" or text
end

local function terminal(columns)
  return cli.screen { is_terminal = true,
                      columns = function() return columns end }
end

local function written(given, columns, screen, ...)
  local objects = { ... }
  return cli.written(function()
    local write = output.writer(given, columns, screen)
    for _, object in ipairs(objects) do write(object) end
  end)
end

local three = { { "id", width = 10 }, { "status", width = 6, least = 6 },
                { "name" } }

describe("a table", function()
  local row = { id = "abcdefghijklmnop", status = "PROCESSING",
                name = ("x"):rep(40) }

  -- The cells of the only row, and how wide the line is.
  local function cells(columns)
    local text = written({}, three, terminal(columns), row)
    return text:match "\n(.*)\n$"
  end

  it("gives the last column what is left", function()
    assert.equal("abcdefghi…  PROCE…  " .. ("x"):rep(19) .. "…", cells(40))
    assert.equal("abcdefghi…  PROCE…  xxxxxxx…", cells(28))
    assert.equal("abcdefghi…  PROCE…  " .. ("x"):rep(40), cells(200))
  end)

  it("leaves columns out that do not fit", function()
    assert.equal("abcdefghi…  PROCESSING", cells(27))
    assert.equal("abcdefghi…  PROCE…", cells(18))
  end)

  it("cuts the first of two, down to 8", function()
    assert.equal("abcdefgh…  PROCE…", cells(17))
    assert.equal("abcdefg…  PROCE…", cells(16))
    assert.equal("abcdefg…  PROCE…", cells(5))
  end)

  it("has titles, which may be wider than what is below", function()
    assert.equal("A LONG TITLE  NAME\na             b\n",
      written({}, { { "a", title = "A LONG TITLE", width = 3 }, { "name" } },
        terminal(80), { a = "a", name = "b" }))
    assert.equal("outputURL\n", written({}, { { "x", title = "outputURL" } },
      terminal(80), { x = "" }):match "^[^\n]*\n")
  end)

  it("shows the minute, and paints titles and statuses", function()
    local screen = terminal(80)
    screen.paint = paint
    local generation = lipsync.generation('{"id":"a","status":"FAILED",'
      .. '"createdAt":"2026-08-25T10:07:59.000Z","model":"m"}')
    local text = written({}, output.generations, screen, generation, generation)
    local line = "a" .. (" "):rep(35) .. "  <red:FAILED    >  2026-08-25 10:07"
      .. "  m\n"
    assert.equal(("<bold:ID%s>  <bold:STATUS    >  <bold:CREATED (UTC)   >  "
      .. "<bold:MODEL>\n"):format((" "):rep(34)) .. line .. line, text)
    assert.matches("  yesterday  +m\n$", written({}, output.generations,
      terminal(80), { id = "a", createdAt = "yesterday", model = "m" }))
    assert.equal(("a%s  FAILED      2026-08-25 10:07  m%s  internal_error%s  "
      .. "n\n"):format((" "):rep(35), (" "):rep(17), (" "):rep(20)),
      written({}, output.generations, terminal(200), { id = "a",
        status = "FAILED", createdAt = "2026-08-25T10:07:59Z", model = "m",
        errorCode = "internal_error", outputFileName = "n" })
        :match "\n(.*)")
    assert.equal("ID STATUS CREATED (UTC) MODEL ERROR NAME\n",
      (written({}, output.generations, terminal(200), {}):match "^[^\n]*\n"
        :gsub(" +", " ")))
  end)
end)

describe("a name of --fields", function()
  -- What is said of these fields, of all that was asked for so far.
  local function complaint(fields, columns, ...)
    written({ json = true, fields = fields }, columns, cli.screen(), ...)
    return output.complaint()
  end

  local generation = lipsync.generation '{"id":"a","status":"FAILED"}'

  it("may be documented, although nothing has it", function()
    assert.is_nil(complaint({ "id", "status", "createdAt", "model",
      "errorCode", "outputFileName", "input", "error", "options",
      "outputDuration", "outputUrl", "segments", "segmentOutputUrl",
      "synthesizedAudioUrl", "webhookUrl", "projectId", "error_code",
      "outputMediaUrl" }, output.generations, generation))
  end)

  it("may be one that any has, of whatever was written", function()
    assert.is_nil(complaint({ "new" }, three))
    assert.is_nil(complaint({ "new" }, three, { id = "a" }, { new = false },
      { id = "b" }))
    assert.is_nil(complaint({ "newer" }, output.generations, generation,
      lipsync.generation '{"id":"b","newer":null}'))
  end)

  it("is told where nothing has it, with what there is", function()
    assert.equal('--fields: nothing that was written has a member "stats"; '
      .. 'did you mean "status"? Known: id, status.',
      complaint({ "stats" }, output.generations, generation))
    assert.equal('--fields: nothing that was written has a member "stats", '
      .. 'or "webhookUrl"; did you mean "staty"? Known: id, staty.',
      complaint({ "id", "webhookUrl" }, three, { id = "a", staty = 1 }))
    assert.equal('--fields: nothing that was written has a member "a0", or '
      .. '"stats", or "webhookUrl". Known: x.', complaint({ "a0" }, three,
      { x = 1 }))
  end)
end)

describe("a line", function()
  it("is cut where a tab or a comma is", function()
    local object = lipsync.generation [[{"id":"a","n":1.5,"no":null,"of":[1]}]]
    local columns = { { "id" }, { "n" }, { "no" }, { "gone" }, { "of" } }
    assert.equal("a\t1.5\t\t\t[1]\n",
      written({}, columns, cli.screen(), object))
    assert.equal("id,n,no,gone,of\r\na,1.5,,,[1]\r\n",
      written({ csv = true }, columns, cli.screen(), object))
  end)

  it("of CSV has quotes where it must", function()
    for text, wanted in pairs { ["a b"] = "a b", ['a"b'] = '"a""b"',
        ["a,b"] = '"a,b"', ["a\nb"] = '"a\nb"', ["a\rb"] = '"a\rb"',
        [""] = "" } do
      assert.equal("x\r\n" .. wanted .. "\r\n", written({ csv = true },
        { { "x" } }, cli.screen(), { x = text }))
    end
  end)

  it("of JSON is one line", function()
    for _, text in ipairs { '{"id":"a","b":\n1}', '{"id":"a","b":\r1}' } do
      assert.equal('{"id":"a","b":1}\n', written({ json = true }, three,
        cli.screen(), lipsync.generation(text)))
    end
    assert.equal('{"id":"a", "b":1}\n', written({ json = true }, three,
      cli.screen(), lipsync.generation '{"id":"a", "b":1}'))
    assert.equal('{"b":null,"id":"a"}\n', written({ json = true,
      fields = { "b", "id" } }, three, cli.screen(), { id = "a" }))
  end)
end)

describe("a table of --fields", function()
  it("has these columns, known or not", function()
    assert.equal(("created%s  %s  who\n"):format((" "):rep(13), "ID"
      .. (" "):rep(34)), written({ fields = { "created", "id", "who" } },
        output.generations, terminal(200), { created = "", who = "" })
        :match "^[^\n]*\n")
    assert.equal("CREATED (UTC)\n2026-08-25 10:07\n",
      written({ fields = { "createdAt" } }, output.generations, terminal(200),
        { createdAt = "2026-08-25T10:07:59Z" }))
  end)
end)

describe("standard output", function()
  local stdout, die = io.stdout, terminals.die_of_pipe

  after_each(function()
    rawset(io, "stdout", stdout)
    terminals.die_of_pipe = die
  end)

  it("is written in large pieces where nobody looks on", function()
    local asked = {}
    rawset(io, "stdout", { setvbuf = function(_, ...) asked = { ... } end })
    output.open(terminal(80))
    assert.same({}, asked)
    output.open(cli.screen())
    assert.same({ "full", 65536 }, asked)
  end)

  it("that cannot be written ends the command", function()
    local died = 0
    function terminals.die_of_pipe() died = died + 1 end
    for _, name in ipairs { "write", "flush" } do
      for number, wanted in pairs { [28] = "1 standard output cannot be "
          .. "written: no room.", [32] = "0 stopped" } do
        rawset(io, "stdout", { [name] = function()
          return nil, "no room", number
        end })
        died = 0
        local ok, stop = pcall(output[name], "text")
        assert.is_false(ok)
        assert.equal(wanted, stop.status .. " " .. tostring(stop))
        assert.equal(number == 32 and 1 or 0, died)
      end
      rawset(io, "stdout", { [name] = function() return true end })
      output[name] "text"
    end
  end)
end)

describe("a record", function()
  it("has a line for each member", function()
    local object = lipsync.generation '{"id":"a\\tb","status":"FAILED"}'
    local function record(...)
      local arguments = { ... }
      return cli.written(function()
        output.record((table.unpack or unpack)(arguments))
      end)
    end
    assert.equal("id\ta b\nstatus\tFAILED\n", record(object, cli.screen()))
    local screen = terminal(80)
    screen.paint = paint
    assert.equal("<bold:id>" .. (" "):rep(18) .. "a b\n<bold:status>"
      .. (" "):rep(14) .. "<red:FAILED>\n", record(object, screen))
    local long = ("n"):rep(25)
    assert.equal(long .. " 1\nb" .. (" "):rep(19) .. "\n",
      record({ [long] = 1, b = core.null, c = 3 }, terminal(80),
        { long, "b", "gone" }))
  end)
end)
