-- SPDX-License-Identifier: MIT
--
-- A script of WeeChat: "/generations [STATUS]" lists into the current buffer,
-- which goes on meanwhile. WeeChat's loop makes the steps of the tasks.
--
-- Copy this file to ~/.local/share/weechat/lua/, start WeeChat with the key in
-- SYNC_API_KEY, and type "/lua load generations.lua".

local weechat = weechat

weechat.register("generations", "lipsync", "1", "MIT",
  "lists the generations of sync.", "", "")

local lipsync = require "lipsync"
local client = lipsync.new()

-- WeeChat calls functions by their names, with a text of ours.
local callbacks, last = {}, 0

local function keep(fn)
  last = last + 1
  callbacks[tostring(last)] = fn
  return tostring(last)
end

function generations_call(number)
  callbacks[number]()
  return weechat.WEECHAT_RC_OK
end

client:drive {
  watch = function(fd, fn)
    return weechat.hook_fd(fd, 1, 0, 0, "generations_call", keep(fn))
  end,
  unwatch = weechat.unhook,
  after = function(seconds, fn)
    local milliseconds = math.max(1, math.ceil(seconds * 1000))
    local number
    number = keep(function()
      callbacks[number] = nil
      fn()
    end)
    return weechat.hook_timer(milliseconds, 0, 1, "generations_call", number)
  end,
  cancel = weechat.unhook,
}

function generations_command(_, buffer, status)
  client:spawn(function()
    local filter = { status = status ~= "" and status or nil }
    local listing, n = client.generations:list(filter), 0
    local generation, err = listing:next()
    while generation do
      n = n + 1
      weechat.print(buffer, generation.id .. "\t" .. generation.status)
      generation, err = listing:next()
    end
    weechat.print(buffer, err and tostring(err) or n .. " generations")
  end)
  return weechat.WEECHAT_RC_OK
end

weechat.hook_command("generations", "lists generations", "[STATUS]", "", "",
  "generations_command", "")
