/* SPDX-License-Identifier: MIT
**
** result: how an exchange ended: judges libcurl's code for it by what else is
** known. Ends nothing itself.
*/

#include <string.h>

#include "exchange.h"
#include "socket.h"


/* What libcurl's errors are called here. */
static const struct {
  CURLcode code;
  enum http_result result;
} results[] = {
  {CURLE_COULDNT_RESOLVE_HOST, HTTP_RESOLVE},
  {CURLE_COULDNT_CONNECT, HTTP_CONNECT},
  {CURLE_OPERATION_TIMEDOUT, HTTP_CONNECT_TIMEOUT},
  {CURLE_COULDNT_RESOLVE_PROXY, HTTP_PROXY_RESOLVE},
  {CURLE_SEND_ERROR, HTTP_SEND},
  {CURLE_SEND_FAIL_REWIND, HTTP_RESEND}, /* it would have to read it again */
  {CURLE_GOT_NOTHING, HTTP_EMPTY},
  {CURLE_PEER_FAILED_VERIFICATION, HTTP_CERTIFICATE},
  {CURLE_SSL_ISSUER_ERROR, HTTP_CERTIFICATE},
  {CURLE_SSL_INVALIDCERTSTATUS, HTTP_CERTIFICATE},
  {CURLE_SSL_PINNEDPUBKEYNOTMATCH, HTTP_CERTIFICATE},
  {CURLE_SSL_CONNECT_ERROR, HTTP_HANDSHAKE},
  {CURLE_SSL_CIPHER, HTTP_HANDSHAKE},
  {CURLE_USE_SSL_FAILED, HTTP_HANDSHAKE},
  {CURLE_SSL_ENGINE_INITFAILED, HTTP_HANDSHAKE},
  {CURLE_SSL_CACERT_BADFILE, HTTP_CA_FILE},
  {CURLE_UNSUPPORTED_PROTOCOL, HTTP_NOT_HTTP},
  {CURLE_WEIRD_SERVER_REPLY, HTTP_NOT_HTTP},
  {CURLE_OUT_OF_MEMORY, HTTP_MEMORY},
  {CURLE_FAILED_INIT, HTTP_MEMORY},
};


/* Whether the response is complete although the request is not: a server that
** refuses a body hangs up on the rest of it, and libcurl takes that for a
** broken connection. Asked to do without Expect (417), libcurl would send it
** again. */
static int is_answered (const struct exchange *x) {
  curl_off_t announced = -1, received = 0, sent = 0;
  const struct body *b = x->pub.upload.body;
  if (b == NULL || x->pub.status == 0)
    return 0;
  if (x->pub.status == 417)
    return 1;
  curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  if ((uint64_t)sent == b->length)
    return 0;
  curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
  return x->pub.status >= 400 || received == announced;
}


/* The errors by which libcurl says that it, the resolver or OpenSSL could not
** open something, as well as what else they mean. */
static int needs_descriptors (CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_SSL_CACERT_BADFILE
         || code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT;
}


/* Whether the peer hung up inside a handshake, which is no matter of TLS.
** libcurl's words for a socket that failed, for an OpenSSL that gives no reason
** ("SSL_connect: SSL_ERROR_SYSCALL in connection to …") or calls it an error of
** its own, for GnuTLS and for Schannel. */
static int is_hang_up (const char *detail) {
  static const char *const words[] = {
    "Recv failure: ",
    "Send failure: ",
    " SSL_connect: ",
    "unexpected eof while reading",
    "non-properly terminated",
    "Error in the pull function",
    "schannel: failed to receive handshake",
    "schannel: failed to send ",
  };
  size_t i;
  for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (strstr(detail, words[i]) != NULL)
      return 1;
  return 0;
}


/* What an exchange's end means, beginning with what we know better than
** libcurl. What is left over broke the connection, at the latest here. */
static enum http_result to_result (const struct exchange *x, CURLcode code) {
  size_t i;
  if (x->pub.result != HTTP_OK) /* a callback of ours ended it */
    return x->pub.result;
  if (code == CURLE_OK) /* which a close inside the headers is to libcurl */
    return x->pub.status != 0 ? HTTP_OK : HTTP_CUT;
  if (is_answered(x))
    return HTTP_OK;
  if (code == CURLE_COULDNT_CONNECT && x->refused != HTTP_OK)
    return x->refused;
  if (code == CURLE_SSL_CONNECT_ERROR && is_hang_up(x->error))
    return HTTP_CUT;
  if (x->few != 0 && needs_descriptors(code))
    return HTTP_DESCRIPTORS;
  if (code == CURLE_COULDNT_RESOLVE_HOST
      && strstr(x->error, "thread failed to start") != NULL)
    return HTTP_THREAD;
  for (i = 0; i < sizeof(results) / sizeof(results[0]); i++)
    if (results[i].code == code)
      return results[i].result;
  return x->pub.sent ? HTTP_CUT : HTTP_CONNECT;
}


/* The same, seen from a request that goes through a proxy. Until it is sent all
** failures are those of the proxy, but for what can go wrong in a tunnel that
** stands. */
static enum http_result blame_proxy (const struct exchange *x, CURLcode code,
                                     enum http_result result) {
  if (x->pub.proxy == NULL || x->pub.sent || x->pub.result != HTTP_OK
      || result == HTTP_DESCRIPTORS || result == HTTP_THREAD
      || result == HTTP_MEMORY || result == HTTP_RESOLVE
      || result == HTTP_NOT_LOOPBACK)
    return result;
  if (code == CURLE_OPERATION_TIMEDOUT)
    return HTTP_PROXY_TIMEOUT;
  if (x->pub.proxy_status >= 300)
    return HTTP_PROXY_REFUSED;
  if (x->pub.proxy_status != 0 || result == HTTP_PROXY_RESOLVE)
    return result;
  return code == CURLE_COULDNT_CONNECT ? HTTP_PROXY_CONNECT : HTTP_PROXY;
}


/* Notes what the proxy said, and takes its password out of libcurl's words. */
static void note_proxy (struct exchange *x) {
  long status = 0;
  if (x->pub.proxy == NULL)
    return;
  curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &status);
  x->pub.proxy_status = (int)status;
  if (strstr(x->error, x->pub.session->proxy.address) != NULL)
    x->error[0] = '\0';
}


static int os_error_of (const struct exchange *x, CURLcode code) {
  long error = 0;
  if (x->pub.result == HTTP_FILE_UNREAD)
    return x->pub.upload.os_error;
  if (code == CURLE_COULDNT_CONNECT && x->no_socket != 0)
    return x->no_socket;
  curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &error);
  return socket_errno(error);
}


enum http_result result_of (struct exchange *x, CURLcode code) {
  enum http_result result;
  note_proxy(x);
  x->pub.os_error = os_error_of(x, code);
  result = blame_proxy(x, code, to_result(x, code));
  if (code != CURLE_OK && x->error[0] == '\0')
    strncpy(x->error, curl_easy_strerror(code), sizeof(x->error) - 1);
  return result;
}
