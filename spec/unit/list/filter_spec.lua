-- SPDX-License-Identifier: MIT
local api = require "lipsync.api"
local filter = require "lipsync.list.filter"

local query = api.generations.list.query

local function read(given) return filter.read(query, given) end

local function target(own, more)
  return filter.target(query, "/p", own, more)
end

local function raises(given, pattern)
  local ok, message = pcall(function()
    read(given)
    return nil
  end)
  assert.is_false(ok)
  assert.match("filter_spec%.lua:%d+: ", message)
  assert.match(pattern, message)
end

local function ids(n)
  local list = {}
  for i = 1, n do list[i] = "id" .. i end
  return list
end

describe("filter", function()
  it("accepts no filter as everything", function()
    local own = read(nil)
    assert.is_false(own.nothing)
    assert.is_false(own.paged)
    assert.equal("/p", target(own, {}))
  end)

  it("reads strings and arrays alike", function()
    local a = read { status = "COMPLETED, FAILED" }
    local b = read { status = { "COMPLETED", "FAILED" } }
    assert.same(a.status, b.status)
    assert.equal("/p?status=COMPLETED,FAILED", target(a, {}))
  end)

  it("encodes the query in a fixed order", function()
    local own = read { source = { "a b", "ä&" }, projectId = "x/y",
                       status = "NEW", limit = 5, cursor = "c d" }
    assert.equal("/p?status=NEW&source=a%20b,%C3%A4%26&projectId=x%2Fy"
      .. "&limit=5&cursor=c%20d",
      target(own, { limit = own.limit, cursor = own.cursor }))
  end)

  it("copies its argument", function()
    local given = { status = { "FAILED" } }
    local own = read(given)
    given.status[1] = "COMPLETED"
    assert.same({ "FAILED" }, own.status)
  end)

  it("makes an empty array a request for nothing", function()
    assert.is_true(read { ids = {} }.nothing)
    assert.is_true(read { status = {} }.nothing)
    assert.is_true(read { source = {}, status = "FAILED" }.nothing)
  end)

  it("raises for an empty filter", function()
    raises({ status = "" }, "status is an empty string")
    raises({ status = "  " }, "status is an empty string")
    raises({ ids = { "" } }, "ids holds an empty string")
    raises({ ids = "a,,b" }, "ids holds an empty string")
    raises({ projectId = "" }, "projectId is an empty string")
    raises({ limit = 5, cursor = "" }, "cursor is an empty string")
  end)

  it("raises for an element with a comma", function()
    raises({ status = { "COMPLETED,FAILED" } }, "an element with a comma")
    raises({ ids = { "a", "b,c" } }, "an element with a comma")
  end)

  it("raises for wrong types", function()
    raises("FAILED", 'filter must be a table, got string "FAILED"')
    -- Which would be read as none, and so as everything.
    raises(setmetatable({}, { __index = { status = "FAILED" } }),
      "filter must be a table without a metatable")
    raises({ status = 5 }, "status must be a string or an array")
    raises({ status = { 5 } }, "status must hold strings, got number 5")
    raises({ status = { a = "b" } }, "without holes or names")
    raises({ projectId = {} }, "projectId must be a string, got table")
  end)

  it("raises for numbers out of range", function()
    for _, limit in ipairs { 0, -1, 1.5, 0 / 0, math.huge, "10", true } do
      raises({ limit = limit }, "limit must be a whole number")
    end
    for _, size in ipairs { 0, 101, 2.5, "10" } do
      raises({ page_size = size }, "page_size must be a whole number from 1 "
        .. "to 100")
    end
  end)

  it("raises for unknown names", function()
    raises({ project_id = "x" }, 'unknown filter "project_id", did you mean '
      .. '"projectId"%? Known: cursor, extra, ids, limit, page_size, '
      .. "projectId, source, status%.")
    raises({ "FAILED" }, "unknown filter %[1%]")
  end)

  it("raises for fields that exclude each other", function()
    raises({ cursor = "a" }, "cursor needs a limit or a page_size")
    for name, value in pairs { limit = 5, page_size = 5 } do
      raises({ ids = ids(101), [name] = value },
        name .. " does not go with more than 100 ids, got 101")
    end
  end)

  it("takes a limit with as many ids as one request has", function()
    assert.equal(100, #read { ids = ids(100), limit = 5 }.ids)
    assert.equal(100, #read { ids = ids(100), page_size = 5 }.ids)
  end)

  it("pages with page_size or a limit above 100", function()
    assert.is_false(read { limit = 100 }.paged)
    assert.is_true(read { limit = 101 }.paged)
    assert.is_true(read { page_size = 1 }.paged)
  end)

  it("makes ids unique and groups them by a hundred", function()
    local list = ids(250)
    list[251] = "id1"
    local groups = filter.groups(read { ids = list })
    assert.equal(3, #groups)
    assert.equal(100, #groups[1])
    assert.equal(50, #groups[3])
    assert.equal("id101", groups[2][1])
    assert.same({ false }, filter.groups(read {}))
    assert.equal("/p?status=FAILED&ids=id1,id2", target(read { ids = list,
      status = "FAILED" }, { ids = ids(2) }))
  end)

  it("takes no pages for a count", function()
    for name, value in pairs { limit = 5, cursor = "a", page_size = 5 } do
      assert.has_error(function()
        filter.read_count(query, { [name] = value })
      end)
    end
    assert.has_error(function() filter.read_count(query, "FAILED") end)
    local _, message = pcall(filter.read_count, query, { statuss = "x" })
    assert.match("Known: extra, ids, projectId, source, status%.", message)
    assert.same({ "FAILED" },
      filter.read_count(query, { status = "FAILED" }).status)
  end)

  it("sends what it does not know after the rest, in order", function()
    local own = read { extra = { z = "a b", ["a="] = 1.5, m = { "x", "y" },
                                 b = false }, status = "FAILED" }
    assert.equal("/p?status=FAILED&limit=5&a%3D=1.5&b=false&m=x,y&z=a%20b",
      target(own, { limit = 5 }))
    own = read { extra = {} }
    assert.is_false(own.nothing)
    assert.equal("/p", target(own, {}))
  end)

  it("selects by what leaves rows out, and by nothing else", function()
    for name, value in pairs { status = "FAILED", ids = { "a" }, source = "api",
                               projectId = "p" } do
      assert.is_true(read { [name] = value }.selects, name)
    end
    for _, given in ipairs { {}, { limit = 5 }, { page_size = 5 },
                             { limit = 5, cursor = "a" } } do
      assert.is_false(read(given).selects)
    end
    assert.is_false(filter.read(query, nil).selects)
    assert.is_false(filter.read_count(query, nil).selects)
    local sorted = { "sortBy", "name", fields = {
      sortBy = query.fields.projectId, name = query.fields.projectId } }
    assert.is_false(filter.read(sorted, { sortBy = "nameAsc" }).selects)
    assert.is_true(filter.read(sorted, { sortBy = "nameAsc",
                                         name = "n" }).selects)
  end)

  it("selects nothing by what it does not know", function()
    assert.is_false(read { extra = { a = "b" } }.selects)
  end)

  it("raises for what cannot be sent as such", function()
    raises({ extra = 5 }, "extra must be a table, got number 5")
    raises({ extra = { [1] = "x" } }, "a name in extra must be a string")
    raises({ extra = { a = "" } }, "extra.a is an empty string")
    raises({ extra = { a = print } }, "extra.a must be a string, a number, a "
      .. "boolean or an array of strings, got function")
  end)

  it("takes a project for its id", function()
    local core = require "lipsync.core"
    core.object_type { name = "Project", has_id = true }
    local project = core.object("Project", '{"id":"p1"}')
    assert.equal("/p?projectId=p1", target(read { projectId = project }, {}))
    raises({ projectId = {} }, "projectId must be a string, got table")
  end)
end)
