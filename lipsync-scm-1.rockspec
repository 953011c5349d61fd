rockspec_format = "3.0"
package = "lipsync"
version = "scm-1"
source = {
  url = "git+file://.",
}
description = {
  summary = "A streaming client for the sync.so lip-sync API",
  detailed = [[
Lists and deletes an organization's generations, as a stream and without
blocking the host: the same loop runs in a plain script, in nginx, in a game's
frame and in an editor.]],
  license = "MIT",
  labels = { "http", "client", "api", "video" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.1, < 5.5",
  "lua-cjson >= 2.1.0",
}
-- Only 'library': a 'header' is not found on multiarch systems.
external_dependencies = {
  CURL = { library = "curl" },
  ZLIB = { library = "z" },
}
build = {
  type = "builtin",
  modules = {
    ["lipsync.agenda"] = "lua/lipsync/agenda.lua",
    ["lipsync.backoff"] = "lua/lipsync/backoff.lua",
    ["lipsync.bucket"] = "lua/lipsync/bucket.lua",
    ["lipsync.call"] = "lua/lipsync/call.lua",
    ["lipsync.catalog"] = "lua/lipsync/catalog.lua",
    ["lipsync.check"] = "lua/lipsync/check.lua",
    ["lipsync.client"] = "lua/lipsync/client.lua",
    ["lipsync.clock"] = "lua/lipsync/clock.lua",
    ["lipsync.delete"] = "lua/lipsync/delete.lua",
    ["lipsync.delete_many"] = "lua/lipsync/delete_many.lua",
    ["lipsync.errors"] = "lua/lipsync/errors.lua",
    ["lipsync.events"] = "lua/lipsync/events.lua",
    ["lipsync.filter"] = "lua/lipsync/filter.lua",
    ["lipsync.generation"] = "lua/lipsync/generation.lua",
    ["lipsync.generations"] = "lua/lipsync/generations.lua",
    ["lipsync.heap"] = "lua/lipsync/heap.lua",
    ["lipsync.host.blocking"] = "lua/lipsync/host/blocking.lua",
    ["lipsync.host.cqueues"] = "lua/lipsync/host/cqueues.lua",
    ["lipsync.host.global"] = "lua/lipsync/host/global.lua",
    ["lipsync.host.haproxy"] = "lua/lipsync/host/haproxy.lua",
    ["lipsync.host"] = "lua/lipsync/host/init.lua",
    ["lipsync.host.luv"] = "lua/lipsync/host/luv.lua",
    ["lipsync.host.nginx"] = "lua/lipsync/host/nginx.lua",
    ["lipsync.host.raise"] = "lua/lipsync/host/raise.lua",
    ["lipsync.host.task"] = "lua/lipsync/host/task.lua",
    ["lipsync.host.timer"] = "lua/lipsync/host/timer.lua",
    ["lipsync.host.yields"] = "lua/lipsync/host/yields.lua",
    ["lipsync.hosted"] = "lua/lipsync/hosted.lua",
    ["lipsync.http_date"] = "lua/lipsync/http_date.lua",
    lipsync = "lua/lipsync/init.lua",
    ["lipsync.lanes"] = "lua/lipsync/lanes.lua",
    ["lipsync.listing"] = "lua/lipsync/listing.lua",
    ["lipsync.message"] = "lua/lipsync/message.lua",
    ["lipsync.nap"] = "lua/lipsync/nap.lua",
    ["lipsync.options"] = "lua/lipsync/options.lua",
    ["lipsync.pages"] = "lua/lipsync/pages.lua",
    ["lipsync.paging"] = "lua/lipsync/paging.lua",
    ["lipsync.queue"] = "lua/lipsync/queue.lua",
    ["lipsync.retry"] = "lua/lipsync/retry.lua",
    ["lipsync.retry_after"] = "lua/lipsync/retry_after.lua",
    ["lipsync.stream"] = "lua/lipsync/stream.lua",
    ["lipsync.task"] = "lua/lipsync/task.lua",
    ["lipsync.tasks"] = "lua/lipsync/tasks.lua",
    ["lipsync.text"] = "lua/lipsync/text.lua",
    ["lipsync.time"] = "lua/lipsync/time.lua",
    ["lipsync.turn"] = "lua/lipsync/turn.lua",
    ["lipsync.url"] = "lua/lipsync/url.lua",
    ["lipsync.verdict"] = "lua/lipsync/verdict.lua",
    ["lipsync.wakers"] = "lua/lipsync/wakers.lua",
    ["lipsync.core"] = {
      sources = {
        "src/answer.c",
        "src/buf.c",
        "src/core.c",
        "src/engine.c",
        "src/error.c",
        "src/exchange.c",
        "src/field.c",
        "src/generation.c",
        "src/header.c",
        "src/http.c",
        "src/inflate.c",
        "src/json.c",
        "src/json_value.c",
        "src/origin.c",
        "src/process.c",
        "src/request.c",
        "src/session.c",
        "src/transfer.c",
        "src/value.c",
      },
      defines = { "_GNU_SOURCE" },
      libraries = { "curl", "z", "pthread", "dl" },
      incdirs = { "$(CURL_INCDIR)", "$(ZLIB_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)", "$(ZLIB_LIBDIR)" },
    },
  },
}
