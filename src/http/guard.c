/* SPDX-License-Identifier: MIT
**
** guard: see guard.h.
*/

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "guard.h"


int guard_is_to_api (const struct exchange *x) {
  const struct origin *api = &x->pub.session->origin;
  return x->origin == api || origin_is_same(x->origin, api);
}


/* Whether the program has named the host of 'x' as one for media. */
static int is_named (const struct exchange *x) {
  const struct curl_slist *name = x->pub.session->media_hosts;
  size_t n = origin_host_length(x->origin);
  for (; name != NULL; name = name->next)
    if (strlen(name->data) == n
        && strncasecmp(name->data, x->origin->host, n) == 0)
      return 1;
  return 0;
}


/* ---- Proxies ---- */

static const char *variable (const char *name) {
  const char *value = getenv(name);
  return value == NULL || *value == '\0' ? NULL : value;
}


/* The one that libcurl would take from the environment for https:. */
static const char *environment_proxy (void) {
  static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
                                      "ALL_PROXY"};
  const char *value = NULL;
  size_t i;
  for (i = 0; value == NULL && i < sizeof(names) / sizeof(names[0]); i++)
    value = variable(names[i]);
  return value;
}


/* Whether one word of no_proxy means the host: the same name, or the end of it
** after a dot. */
static int means (const char *word, size_t n, const char *host, size_t length) {
  if (n > 0 && *word == '.') {
    word++;
    n--;
  }
  return n > 0 && n <= length && strncasecmp(host + length - n, word, n) == 0
         && (n == length || host[length - n - 1] == '.');
}


/* Whether the environment says that the host of 'o' needs no proxy. */
static int is_bypassed (const struct origin *o) {
  static const char separators[] = ", \t";
  const char *list = variable("no_proxy");
  if (list == NULL)
    list = variable("NO_PROXY");
  while (list != NULL && *list != '\0') {
    size_t n = strcspn(list, separators);
    if ((n == 1 && *list == '*')
        || means(list, n, o->host, origin_host_length(o)))
      return 1;
    list += n;
    list += strspn(list, separators);
  }
  return 0;
}


/* None for this machine, and none for http: unless asked for by name, because
** the key would pass it in clear. NULL: the environment's. */
static const char *proxy_of (const struct exchange *x) {
  const struct http_session *s = x->pub.session;
  const struct origin *o = x->origin;
  if (o->is_loopback || (o->is_http && (s->proxy == NULL || !s->allow_http)))
    return "";
  return s->proxy;
}


static int is_used (const char *proxy) {
  return proxy == NULL ? environment_proxy() != NULL : *proxy != '\0';
}


/* Whether a proxy may not be asked for the host of 'x'. */
static int is_barred (const struct exchange *x) {
  const struct origin *o = x->origin;
  enum address_kind kind = address_kind_of_text(o->host, origin_host_length(o));
  return !is_named(x)
         && (o->is_http || kind == ADDRESS_LOOPBACK || kind == ADDRESS_SPECIAL);
}


enum http_refusal guard_prepare (struct exchange *x) {
  CURLcode code = CURLE_OK;
  const char *proxy = proxy_of(x), *without = NULL;
  x->via_proxy = is_used(proxy);
  if (!guard_is_to_api(x)) {
    x->via_proxy = x->via_proxy && !is_bypassed(x->origin);
    if (x->via_proxy && is_barred(x))
      return HTTP_ADDRESS_REFUSED;
    without = x->via_proxy ? "" : "*"; /* as it is decided here */
  }
  SET(CURLOPT_PROXY, proxy);
  SET(CURLOPT_NOPROXY, without);
  return code == CURLE_OK ? HTTP_ACCEPTED : HTTP_NO_MEMORY;
}


/* ---- Addresses ---- */

enum http_result guard_judge (const struct exchange *x,
                              const struct sockaddr *address) {
  const struct http_session *s = x->pub.session;
  int is_api = guard_is_to_api(x), is_here = address_is_loopback(address);
  if (is_api || is_named(x)) {
    if (!x->origin->is_http || s->allow_http || is_here)
      return HTTP_OK;
    return is_api ? HTTP_NOT_LOOPBACK : HTTP_MEDIA_HTTP;
  }
  if (x->via_proxy)
    return HTTP_OK; /* it is the proxy's */
  if (address_kind(address) == ADDRESS_LOOPBACK && s->is_local)
    return HTTP_OK;
  if (x->origin->is_http)
    return HTTP_MEDIA_HTTP;
  return address_kind(address) == ADDRESS_PUBLIC ? HTTP_OK : HTTP_MEDIA_ADDRESS;
}


void guard_note_peer (struct exchange *x, const char *peer) {
  if (guard_is_to_api(x))
    x->pub.session->is_local = !x->via_proxy
                               && address_kind_of_text(peer, strlen(peer))
                                    == ADDRESS_LOOPBACK;
}
