-- SPDX-License-Identifier: MIT
--
-- A target of darktable's export module, "sync.": makes each exported picture
-- speak. It submits the picture with the sound that was chosen, and saves the
-- video beside the picture's original when it is there. darktable goes on
-- meanwhile.
--
-- Copy this file to ~/.config/darktable/lua/, add the line
-- require "generations" to ~/.config/darktable/luarc, and start darktable with
-- the key in SYNC_API_KEY.

local dt = require "darktable"
local lipsync = require "lipsync"

local client = lipsync.new()

local sound = dt.new_widget "file_chooser_button" {
  title = "the sound", is_directory = false,
  value = dt.preferences.read("generations", "sound", "string"),
  changed_callback = function(self)
    dt.preferences.write("generations", "sound", "string", self.value or "")
  end,
}

-- A job of its own: a call waits in it, and other scripts go on.
local function submit(picture, target)
  local request = {
    model = "sync-3",
    input = { { type = "image", file = picture },
              { type = "audio", file = sound.value } },
  }
  local generation, err = client.generations:create(request)
  os.remove(picture)
  if generation then generation, err = generation:wait() end
  local saved
  if generation then saved, err = generation:download(target) end
  dt.print(saved and "saved as " .. saved.path or tostring(err))
end

local taken = 0

-- darktable removes what it has exported as soon as this is over.
local function store(_, image, _, exported)
  if not sound.value then return dt.print "sync.: choose a sound" end
  taken = taken + 1
  local picture = exported:gsub("%.%w+$", "-" .. taken .. "%0")
  local ok, problem = os.rename(exported, picture)
  if not ok then return dt.print(problem) end
  local name = image.filename:gsub("%.%w+$", "") .. ".mp4"
  dt.control.dispatch(submit, picture, image.path .. "/" .. name)
end

-- What the service takes for a picture.
local function supported(_, format)
  return ("image/jpeg image/png image/webp"):find(format.mime, 1, true) ~= nil
end

dt.register_storage("generations", "sync.", store, nil, supported, nil, sound)
