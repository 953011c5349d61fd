-- SPDX-License-Identifier: MIT
--
-- Neovim (0.7 or later): `:Generations [STATUS]…` lists generations into a
-- buffer that fills while the response arrives; the editor never waits. In it
--   dd  deletes the generation under the cursor, after asking
--   R   lists again
-- Closing the buffer stops the listing. Copy this file to
-- ~/.config/nvim/plugin/, or try it:
--   nvim --cmd "set runtimepath+=examples/neovim" -c Generations

local api = vim.api
local namespace = api.nvim_create_namespace "generations"
local client  -- made by the first :Generations, not when Neovim starts

-- Also where a task dies, so an error in this file is seen, too.
local function report(err)
  vim.notify(tostring(err), vim.log.levels.ERROR)
end

-- Only this plugin may change the buffer.
local function set_lines(buffer, first, last, lines)
  vim.bo[buffer].modifiable = true
  api.nvim_buf_set_lines(buffer, first, last, false, lines)
  vim.bo[buffer].modifiable = false
end

-- The id comes first: that is how dd finds it.
local function line(generation)
  return ("%-36s  %-10s  %s  %-18s  %s"):format(generation.id,
    generation.status, generation.createdAt:sub(1, 16), generation.model,
    generation.errorCode or generation.outputFileName or "")
end

local function show_state(buffer, text)
  vim.b[buffer].generations = text
  vim.cmd "redrawstatus!"
end

-- A task: next() waits, and meanwhile the editor goes on.
local function fill(buffer, filter)
  local listing = client.generations:list(filter)
  local generation, err = listing:next()
  while generation do
    -- An empty buffer has one empty line, which the first one replaces.
    set_lines(buffer, listing.delivered == 1 and 0 or -1, -1,
      { line(generation) })
    if listing.delivered % 100 == 0 then
      show_state(buffer, listing.delivered .. " so far")
    end
    generation, err = listing:next()
  end
  show_state(buffer, listing.delivered .. (err and ", then it broke" or ""))
  if err then report(err) end
end

-- A task. The mark knows where the line is when the response comes.
local function delete(buffer, id, mark)
  local _, err = client.generations:delete(id)
  if not api.nvim_buf_is_valid(buffer) then return end
  local row = api.nvim_buf_get_extmark_by_id(buffer, namespace, mark, {})[1]
  api.nvim_buf_del_extmark(buffer, namespace, mark)
  if err then return report(err) end
  set_lines(buffer, row, row + 1, {})
end

local function delete_under_cursor()
  local buffer = api.nvim_get_current_buf()
  local id = api.nvim_get_current_line():match "^%S+"
  if not id or vim.fn.confirm("Delete generation " .. id .. "?",
                              "&Yes\n&No", 2) ~= 1 then return end
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local mark = api.nvim_buf_set_extmark(buffer, namespace, row, 0,
    { virt_text = { { "deleting", "WarningMsg" } } })
  client:spawn(delete, buffer, id, mark)
end

local function colour()
  vim.cmd [[
    syntax match Comment  /^\S\+/
    syntax match String   /\<COMPLETED\>/
    syntax match Error    /\<FAILED\>\|\<REJECTED\>/
    syntax match Todo     /\<PENDING\>\|\<PROCESSING\>/
  ]]
end

-- A new buffer in this window, in place of an older one of the same name.
local function open(name)
  local older = vim.fn.bufnr("^" .. name .. "$")
  local buffer = api.nvim_create_buf(true, true)
  api.nvim_win_set_buf(0, buffer)
  if older > 0 and api.nvim_buf_is_valid(older) then  -- hidden means wiped
    api.nvim_buf_delete(older, { force = true })
  end
  api.nvim_buf_set_name(buffer, name)
  vim.bo[buffer].bufhidden = "wipe"
  vim.bo[buffer].undolevels = -1
  vim.bo[buffer].modifiable = false
  vim.wo.wrap, vim.wo.cursorline = false, true
  vim.wo.statusline = "%f: %{get(b:, 'generations', '')}%=dd delete, R again"
  colour()
  return buffer
end

local function generations(statuses)
  client = client
    or assert(require "lipsync".new { on_task_error = report })
  local buffer = open("generations://" .. table.concat(statuses, ","))
  show_state(buffer, "listing")
  local task = client:spawn(fill, buffer, {
    status = #statuses > 0 and statuses or nil,
  })
  api.nvim_create_autocmd("BufWipeout", { buffer = buffer,
    callback = function() task:cancel() end })
  local function map(key, fn)
    vim.keymap.set("n", key, fn, { buffer = buffer, nowait = true })
  end
  map("dd", delete_under_cursor)
  map("R", function() generations(statuses) end)
end

api.nvim_create_user_command("Generations", function(command)
  generations(command.fargs)
end, {
  nargs = "*", desc = "List the generations of sync.",
  complete = function()
    return { "COMPLETED", "FAILED", "PENDING", "PROCESSING", "REJECTED" }
  end,
})

-- What is under way ends with the editor, not after it.
api.nvim_create_autocmd("VimLeavePre", {
  callback = function() if client then client:close() end end,
})
