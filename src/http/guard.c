/* SPDX-License-Identifier: MIT
**
** guard: see guard.h.
*/

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "guard.h"


int guard_is_to_api (const struct exchange *x) {
  const struct origin *api = &x->pub.session->origin;
  return x->origin == api || origin_is_same(x->origin, api);
}


/* Whether the program has named the host of 'x' as one for media. */
static int is_named (const struct exchange *x) {
  const struct curl_slist *name = x->pub.session->media_hosts;
  for (; name != NULL; name = name->next)
    if (curl_strequal(name->data, x->origin->name))
      return 1;
  return 0;
}


/* ---- Proxies ---- */

/* Whether a proxy may not be asked for the host of 'x'. */
static int is_barred (const struct exchange *x) {
  const struct origin *o = x->origin;
  enum address_kind kind = address_kind_of_text(o->name, strlen(o->name));
  return !is_named(x)
         && (o->is_http || kind == ADDRESS_LOOPBACK || kind == ADDRESS_SPECIAL);
}


/* libcurl gets what is decided here; in a session without a proxy its handles
** have none from the start. The agent is for the request to the proxy alone. */
static enum http_refusal set_proxy (struct exchange *x, const char *address) {
  const struct http_session *s = x->pub.session;
  CURLcode code = CURLE_OK;
  if (s->proxy.address == NULL)
    return HTTP_ACCEPTED;
  SET(CURLOPT_PROXY, address);
  SET(CURLOPT_USERAGENT, x->is_bare ? s->bare_agent : s->user_agent);
  return code == CURLE_OK ? HTTP_ACCEPTED : HTTP_NO_MEMORY;
}


enum http_refusal guard_prepare (struct exchange *x) {
  const struct proxy *proxy = proxy_of(&x->pub.session->proxy, x->origin);
  if (proxy == NULL)
    return set_proxy(x, "");
  if (!guard_is_to_api(x) && is_barred(x))
    return HTTP_ADDRESS_REFUSED;
  if (proxy->shown == NULL)
    return HTTP_PROXY_MALFORMED;
  x->pub.proxy = strdup(proxy->shown);
  return x->pub.proxy == NULL ? HTTP_NO_MEMORY : set_proxy(x, proxy->address);
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
  if (x->pub.proxy != NULL)
    return HTTP_OK; /* it is the proxy's */
  if (address_kind(address) == ADDRESS_LOOPBACK && s->is_local)
    return HTTP_OK;
  if (x->origin->is_http)
    return HTTP_MEDIA_HTTP;
  return address_kind(address) == ADDRESS_PUBLIC ? HTTP_OK : HTTP_MEDIA_ADDRESS;
}


void guard_note_peer (struct exchange *x, const char *peer) {
  if (guard_is_to_api(x))
    x->pub.session->is_local = x->pub.proxy == NULL
                               && address_kind_of_text(peer, strlen(peer))
                                    == ADDRESS_LOOPBACK;
}
