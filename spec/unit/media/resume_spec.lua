-- SPDX-License-Identifier: MIT
local resume = require "lipsync.media.resume"

local function judge(want, answer)
  local action, facts = resume.judge(want, answer)
  return { action or "fail", facts }
end

describe("Content-Range", function()
  it("is read where it makes sense", function()
    for text, wanted in pairs {
        ["bytes 0-9/10"] = { first = 0, last = 9, total = 10 },
        ["Bytes 5-5/10"] = { first = 5, last = 5, total = 10 },
        ["bytes 5-9/*"] = { first = 5, last = 9 },
        ["bytes */10"] = { total = 10 },
        ["bytes */123456789012345"] = { total = 123456789012345 } } do
      assert.same(wanted, resume.content_range(text), text)
    end
    for _, text in ipairs { "", "0-9/10", "bytes 0-9", "bytes 9-0/10",
        "bytes 0-10/10", "bytes */*", "bytes -9/10", "bytes 0-/10",
        "bytes 0-9/1*", "bytes 0-9/10 ", "lines 0-9/10", "bytes 0-9,12-13/20",
        "bytes 5000-4999/5000", "bytes 0-9/-10",
        "bytes */1234567890123456", "bytes 0-99999999999999999999/*" } do
      assert.is_nil(resume.content_range(text), text)
    end
    assert.is_nil(resume.content_range(nil))
  end)
end)

describe("an entity tag", function()
  it("is strong or of no use", function()
    assert.equal('"a-1"', resume.strong '"a-1"')
    assert.equal('""', resume.strong '""')
    for _, etag in ipairs { 'W/"a"', "a", '"a', '"a"b"', "" } do
      assert.is_nil(resume.strong(etag), etag)
    end
    assert.is_nil(resume.strong(nil))
  end)
end)

describe("a file that was left behind", function()
  local function offset(change, id, size, boot_id)
    local note = { id = "g", etag = '"a"', total = 100, synced = 30,
                   boot_id = "b" }
    for name, value in pairs(change) do note[name] = value or nil end
    return resume.offset(note, id or "g", size or 60, boot_id or "b")
  end

  it("goes on where it ends", function()
    assert.equal(60, offset {})
    assert.equal(100, offset({}, "g", 100))
    assert.equal(0, offset({}, "g", 0))
  end)

  it("goes on from what was synced after another boot", function()
    assert.equal(30, offset({}, "g", 60, "c"))
    assert.equal(20, offset({}, "g", 20, "c"))
    assert.equal(30, resume.offset({ id = "g", etag = '"a"', total = 100,
      synced = 30, boot_id = "b" }, "g", 60, nil))
  end)

  it("is begun again if it is another's, or longer than the whole", function()
    assert.equal(0, resume.offset(nil, "g", 60, "b"))
    assert.equal(0, offset({}, "h"))
    assert.equal(0, offset { etag = false })
    assert.equal(0, offset({}, "g", 101))
  end)
end)

describe("the request for a file", function()
  it("names one open range, and the tag if it goes on", function()
    assert.same({ Range = "bytes=0-" }, resume.headers(0, '"a"'))
    assert.same({ Range = "bytes=5000000000-", ["If-Range"] = '"a"',
      ["If-Match"] = '"a"' }, resume.headers(5000000000, '"a"'))
    assert.same({ Range = "bytes=1-", ["If-Range"] = '"a"',
      ["If-Match"] = '"a"' }, resume.headers(1, '"a"'))
  end)
end)

describe("the response to it", function()
  local first = { offset = 0 }
  local rest = { offset = 40, etag = '"a"', total = 100 }

  -- Columns: the request, the answer's status, its fields, what to do, facts.
  local function answer(status, fields)
    local made = { status = status, is_chunked = false }
    for name, value in pairs(fields) do made[name] = value end
    return made
  end

  local rows = {
    -- the whole
    { first, 206, { content_range = "bytes 0-99/100", etag = '"a"' },
      "append", { etag = '"a"', total = 100, last = 99 } },
    { first, 206, { content_range = "bytes 0-49/100", etag = 'W/"a"' },
      "append", { total = 100, last = 49 } },
    { first, 206, { content_range = "bytes 1-99/100" }, "fail",
      "media_range" },
    { first, 206, {}, "fail", "media_range" },
    { first, 206, { content_range = "bytes 0-99/100", content_length = "99" },
      "fail", "media_range" },
    { first, 206, { content_range = "bytes 0-99/*" }, "fail",
      "media_length" },
    { first, 206, { content_range = "bytes 0-99/100",
        content_encoding = "gzip" }, "fail", "media_encoding" },
    { first, 200, { content_length = "100", etag = '"a"' },
      "rewrite", { etag = '"a"', total = 100 } },
    { first, 200, { is_chunked = true }, "rewrite", {} },
    { first, 200, { content_length = "100", content_encoding = "Identity" },
      "rewrite", { total = 100 } },
    { first, 200, {}, "fail", "media_length" },
    { first, 200, { content_length = "-5" }, "fail", "media_length" },
    { first, 200, { content_length = "0" }, "fail", "media_empty" },
    { first, 200, { content_length = "100", content_encoding = "gzip" },
      "fail", "media_encoding" },
    { first, 416, { content_range = "bytes */0" }, "fail", "media_empty" },
    { first, 416, {}, "fail", "media_range" },
    { { offset = 0, allow_unknown = true }, 200, {}, "rewrite", {} },
    { { offset = 0, allow_unknown = true }, 206,
      { content_range = "bytes 0-99/*" }, "append", { last = 99 } },

    -- the rest
    { rest, 206, { content_range = "bytes 40-99/100", etag = '"a"',
        content_length = "60" },
      "append", { etag = '"a"', total = 100, last = 99 } },
    { rest, 206, { content_range = "bytes 40-49/*", etag = '"a"' },
      "append", { etag = '"a"', total = 100, last = 49 } },
    { { offset = 40, etag = '"a"' }, 206,
      { content_range = "bytes 40-99/100", etag = '"a"' },
      "append", { etag = '"a"', total = 100, last = 99 } },
    { rest, 206, { content_range = "bytes 39-99/100", etag = '"a"' },
      "again", "media_range" },
    { rest, 206, { content_range = "bytes 0-99/100", etag = '"a"' },
      "again", "media_range" },
    { rest, 206, { etag = '"a"' }, "again", "media_range" },
    { rest, 206, { content_range = "bytes 40-99/100", etag = '"a"',
        content_length = "61" }, "again", "media_range" },
    { rest, 206, { content_range = "bytes 40-99/*", etag = '"a"' },
      "append", { etag = '"a"', total = 100, last = 99 } },
    { rest, 206, { content_range = "bytes 40-100/*", etag = '"a"' },
      "again", "media_changed" },
    { rest, 206, { content_range = "bytes 40-199/200", etag = '"a"' },
      "again", "media_changed" },
    { rest, 206, { content_range = "bytes 40-199/*", etag = '"a"' },
      "again", "media_changed" },
    { rest, 206, { content_range = "bytes 40-99/100", etag = '"b"' },
      "again", "media_changed" },
    { rest, 206, { content_range = "bytes 40-99/100", etag = 'W/"a"' },
      "again", "media_changed" },
    { rest, 206, { content_range = "bytes 40-99/100" },
      "again", "media_changed" },
    { rest, 206, { content_range = "bytes 40-99/100", etag = '"a"',
        content_encoding = "gzip" }, "again", "media_encoding" },
    { rest, 200, { content_length = "100", etag = '"a"' },
      "rewrite", { etag = '"a"', total = 100 } },
    { rest, 200, { content_length = "70", etag = '"b"' },
      "rewrite", { etag = '"b"', total = 70 } },
    { rest, 412, {}, "again", "media_changed" },
    { { offset = 1, etag = '"a"' }, 412, {}, "again", "media_changed" },
    { { offset = 1, etag = '"a"' }, 206, {}, "again", "media_range" },
    { { offset = 1, etag = '"a"', total = 100 }, 206,
      { content_range = "bytes 1-99/*", etag = '"a"' },
      "append", { etag = '"a"', total = 100, last = 99 } },
    { { offset = 0, total = 100 }, 206, { content_range = "bytes 0-99/*" },
      "fail", "media_length" },

    -- nothing is missing
    { rest, 416, { content_range = "bytes */40" }, "done" },
    { rest, 416, { content_range = "bytes */40", etag = '"a"' }, "done" },
    { rest, 416, { content_range = "bytes */40", etag = '"b"' },
      "again", "media_changed" },
    { rest, 416, { content_range = "bytes */100" },
      "again", "media_changed" },
    { rest, 416, {}, "probe" },
    { rest, 416, { content_range = "nonsense" }, "probe" },
  }

  for _, row in ipairs(rows) do
    local want, status, fields = row[1], row[2], row[3]
    local words = {}
    for field, value in pairs(fields) do
      words[#words + 1] = field .. "=" .. tostring(value)
    end
    table.sort(words)
    it(("at %d, %d with %s: %s"):format(want.offset, status,
      table.concat(words, ", "), row[4]), function()
      assert.is_true(resume.decides(status, want.offset))
      assert.same({ row[4], row[5] }, judge(want, answer(status, fields)))
    end)
  end

  it("of another status is the server's word", function()
    for _, status in ipairs { 201, 204, 301, 400, 403, 404, 410, 500 } do
      assert.is_false(resume.decides(status, 40))
    end
    assert.is_false(resume.decides(412, 0))
  end)

  it("to a request for the first byte tells the length", function()
    local function length(status, fields)
      return { resume.length(answer(status, fields)) }
    end
    assert.same({ 100, '"a"' }, length(206,
      { content_range = "bytes 0-0/100", etag = '"a"' }))
    assert.same({ 0 }, length(416, { content_range = "bytes */0" }))
    assert.same({ 100 }, length(200, { content_length = "100" }))
    assert.same({}, length(200, { content_length = "100",
      content_encoding = "gzip" }))
    assert.same({}, length(206, { content_range = "bytes 0-0/*" }))
    assert.same({}, length(206, { content_range = "bytes 1-1/100" }))
    assert.same({}, length(416, {}))
  end)
end)
