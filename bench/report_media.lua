-- SPDX-License-Identifier: MIT
--
-- report_media SAMPLES FILE SIZE RUNS VM…: the medians of bench/media against
-- their goals, as a table on standard output and in FILE.

local figures = require "bench.figures"

local samples_path, report_path, size, runs = arg[1], arg[2],
  tonumber(arg[3]), arg[4]
local vms = {}
for i = 5, #arg do vms[#vms + 1] = arg[i] end

local taken = figures.open(samples_path, vms)
local median = taken.median

local list = {
  { ("upload %d MiB as multipart, against `curl -F`"):format(size), most = 1.1,
    of = function(vm)
      return taken:ratio(vm .. ".upload.seconds", "curl.upload.seconds")
    end,
    beside = function(each)
      return "curl " .. taken:seconds "curl.upload.seconds"
        .. each ".upload.seconds"
    end },
  { ("peak memory of uploading %d MiB against 1 MiB, MB more"):format(size),
    most = 2,
    of = function(vm)
      return taken:difference(vm .. ".upload.peak", vm .. ".small.peak",
        1 / 1024)
    end },
  { ("download %d MiB to disk, against `curl -o` and `sync`"):format(size),
    most = 1.1,
    of = function(vm)
      return taken:ratio(vm .. ".download.seconds", "curl.download.seconds")
    end,
    beside = function(each)
      return "curl " .. taken:seconds "curl.download.seconds"
        .. each ".download.seconds"
    end },
  { "peak memory of downloading it, MB more than of uploading 1 MiB",
    most = 2,
    of = function(vm)
      return taken:difference(vm .. ".download.peak", vm .. ".small.peak",
        1 / 1024)
    end },
  { "instructions of a create against raw libcurl's", most = 2,
    of = function(vm)
      return taken:ratio(vm .. ".create.instructions",
        "raw_create.instructions")
    end,
    beside = function(each)
      local raw = median "raw_create.instructions"
      return raw and "raw libcurl " .. figures.thousands(raw)
        .. each(".create.instructions", "%d") or "not counted"
    end },
  { "longest step of 2 ms beside 8 downloads and 2 uploads, processor's ms",
    most = 2.5,
    of = function(vm)
      local value = median(vm .. ".frames.longest")
      return value and value * 1e3
    end,
    beside = function(each)
      return "steps" .. each(".frames.steps", "%d")
        .. "; above 2.5 ms" .. each(".frames.over", "%d")
        .. "; longest by the wall" .. each ".frames.wall"
        .. ("; the same loop without the client: longest %.2f ms, %d of %d "
          .. "above 2.5 ms"):format(1e3 * median "raw.frames.longest",
            median "raw.frames.over", median "raw.frames.steps")
    end },
  { "longest step of 2 ms beside 1,000 tasks that wait, processor's ms",
    most = 2.5,
    of = function(vm)
      local value = median(vm .. ".waiting.longest")
      return value and value * 1e3
    end,
    beside = function(each)
      return "a heap of 200 MB; steps" .. each(".waiting.steps", "%d")
        .. "; above 2.5 ms" .. each(".waiting.over", "%d")
        .. "; requests" .. each(".waiting.requests", "%d")
        .. "; where 2 ms of each frame only read the clock, longest"
        .. each ".waiting.clock.longest" .. "; above 2.5 ms"
        .. each(".waiting.clock.over", "%d")
        .. "; where the program makes tables alone, longest"
        .. each ".waiting.idle.longest" .. "; steps"
        .. each(".waiting.idle.steps", "%d") .. "; above 2.5 ms"
        .. each(".waiting.idle.over", "%d")
    end },
  { ("peak memory of the TypeScript SDK uploading %g MiB, MB"):format(size / 4),
    shared = true,
    of = function()
      local value = median "sdk.peak"
      return value and value / 1024
    end,
    beside = function(each)
      return ("ours, of %d MiB:%s"):format(size,
        each(".upload.peak", "%.0f KiB"))
    end },
}

taken:report(report_path, "Results of `make bench-media`",
  ("medians of %s interleaved runs; nginx serves the downloads, a server that "
    .. "throws its input away takes the uploads."):format(runs), list)
