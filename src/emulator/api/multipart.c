/* SPDX-License-Identifier: MIT
**
** multipart: see multipart.h.
*/

#include "multipart.h"

#include <string.h>

#define BLANKS     " \t"
#define NAME_ENDS  "=;\" \t\r\n"
#define VALUE_ENDS ";\" \t\r\n" /* more than a token: "a=b" is seen unquoted */

/* Whether two texts begin with the same 'n' bytes but for their case, which is
** that of ASCII and not of the locale. */
static int same (const char *a, const char *b, size_t n) {
  for (; n > 0; a++, b++, n--) {
    int x = *a >= 'A' && *a <= 'Z' ? *a + 32 : *a;
    int y = *b >= 'A' && *b <= 'Z' ? *b + 32 : *b;
    if (x != y || x == '\0')
      return x == y;
  }
  return 1;
}

/* The same of whole texts. */
static int same_text (const char *a, const char *b) {
  return same(a, b, strlen(a) + 1);
}

/* ---- Headers: "form-data; name=x" ---- */

static const char *skip_blanks (const char *at) {
  return at + strspn(at, " \t\r\n");
}

/* Reads a quoted string whose quote 'at' follows. Backslashes before others
** than a quote or a backslash stay: browsers once sent whole Windows paths. */
static const char *read_quoted (const char *at, char *out, size_t room) {
  size_t n = 0;
  for (; *at != '\0' && *at != '"'; at++) {
    if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
      at++;
    if (n + 1 >= room)
      return NULL;
    out[n++] = *at;
  }
  out[n] = '\0';
  return *at == '"' ? at + 1 : NULL;
}

static const char *read_word (const char *at, const char *ends, char *out,
                              size_t room) {
  size_t n = strcspn(at, ends);
  if (n == 0 || n >= room)
    return NULL;
  memcpy(out, at, n);
  out[n] = '\0';
  return at + n;
}

/* Finds a parameter in what follows a header's first word. Returns 1 and its
** value, 0 where it is missing, -1 where the parameters are malformed or the
** value does not fit. */
static int parameter (const char *at, const char *name, char *out,
                      size_t room) {
  char key[64], value[HEADERS_MAX];
  int found = 0;
  for (at = skip_blanks(at); *at == ';'; at = skip_blanks(at)) {
    at = skip_blanks(at + 1);
    if (*at == '\0')
      break; /* one semicolon too many is common */
    at = read_word(at, NAME_ENDS, key, sizeof(key));
    if (at == NULL || *(at = skip_blanks(at)) != '=')
      return -1;
    at = skip_blanks(at + 1);
    at = *at == '"' ? read_quoted(at + 1, value, sizeof(value))
                    : read_word(at, VALUE_ENDS, value, sizeof(value));
    if (at == NULL)
      return -1;
    if (!same_text(key, name))
      continue;
    if (found || strlen(value) >= room)
      return -1;
    strcpy(out, value);
    found = 1;
  }
  return *at == '\0' ? found : -1;
}

/* Whether a header's value begins with a word; 'at' is then what follows. */
static int begins_with (const char **at, const char *word) {
  const char *value = skip_blanks(*at);
  size_t n = strlen(word);
  if (!same(value, word, n)
      || (value[n] != '\0' && strchr("; \t\r\n", value[n]) == NULL))
    return 0;
  *at = value + n;
  return 1;
}

int multipart_boundary (const char *type, char out[BOUNDARY_MAX + 1],
                        const char **why) {
  static const char others[] = "'()+_,-./:=? ";
  size_t n;
  *why = NULL;
  if (type == NULL || !begins_with(&type, "multipart/form-data"))
    return 0;
  *why = "Content-Type needs one boundary of at most 70 characters";
  if (parameter(type, "boundary", out, BOUNDARY_MAX + 1) != 1)
    return 0;
  *why = "the boundary of Content-Type is not one of RFC 2046";
  for (n = 0; out[n] != '\0'; n++)
    if (strchr(others, out[n]) == NULL && (out[n] < '0' || out[n] > '9')
        && ((out[n] | 32) < 'a' || (out[n] | 32) > 'z'))
      return 0;
  return n > 0 && out[n - 1] != ' ';
}

/* Undoes the three escapes that HTML's forms put into names. */
static void unescape (char *text) {
  static const char *const escapes[] = {"%22", "%0D", "%0A"};
  char *out = text;
  int i;
  while (*text != '\0') {
    for (i = 0; i < 3 && !same(text, escapes[i], 3); i++)
      ;
    *out++ = i < 3 ? "\"\r\n"[i] : *text;
    text += i < 3 ? 3 : 1;
  }
  *out = '\0';
}

/* ---- A part's headers ---- */

static int bad (struct multipart *m, const char *why) {
  m->state = MULTIPART_BAD;
  m->why = why;
  return 0;
}

/* The value of one of a part's headers, or NULL. They end in an empty line,
** which is cut off; folded lines are lines of their own that begin with a
** blank. */
static const char *find_header (const struct multipart *m, const char *name) {
  const char *line = m->headers;
  size_t n = strlen(name);
  while (!same(line, name, n) || line[n + strspn(line + n, BLANKS)] != ':') {
    line = strchr(line, '\n');
    if (line == NULL)
      return NULL;
    line++;
  }
  return strchr(line + n, ':') + 1;
}

/* Copies a header's value up to the end of its last line, without blanks
** around. Returns 0 where it is missing. */
static int copy_header (const struct multipart *m, const char *name,
                        char out[HEADERS_MAX]) {
  const char *value = find_header(m, name);
  size_t n = 0;
  if (value == NULL)
    return 0;
  value += strspn(value, BLANKS);
  while (value[n] != '\0'
         && (value[n] != '\n' || strchr(BLANKS, value[n + 1]) != NULL))
    n++;
  while (n > 0 && strchr(" \t\r\n", value[n - 1]) != NULL)
    n--;
  memcpy(out, value, n);
  out[n] = '\0';
  return 1;
}

/* Whether the data comes as it is. */
static int is_plain (const struct multipart *m) {
  char encoding[HEADERS_MAX];
  return !copy_header(m, "Content-Transfer-Encoding", encoding)
         || same_text(encoding, "binary") || same_text(encoding, "8bit")
         || same_text(encoding, "7bit");
}

/* Begins the part whose headers are complete. */
static int begin_part (struct multipart *m) {
  char value[HEADERS_MAX], name[HEADERS_MAX], file[HEADERS_MAX];
  char type[HEADERS_MAX];
  struct multipart_part part = {name, NULL, NULL};
  const char *at = value;
  int has_file;
  m->headers[m->used] = '\0';
  if (strlen(m->headers) < m->used)
    return bad(m, "a part's headers hold a NUL");
  if (!copy_header(m, "Content-Disposition", value)
      || !begins_with(&at, "form-data"))
    return bad(m, "a part has no Content-Disposition of form-data");
  if (parameter(at, "name", name, sizeof(name)) != 1)
    return bad(m, "a part's Content-Disposition has no name");
  has_file = parameter(at, "filename", file, sizeof(file));
  if (has_file == 0)
    has_file = parameter(at, "filename*", file, sizeof(file));
  if (has_file < 0)
    return bad(m, "a part's Content-Disposition is malformed");
  if (!is_plain(m))
    return bad(m, "a part's Content-Transfer-Encoding is not binary");
  unescape(name);
  if (has_file) {
    unescape(file);
    part.file_name = file;
  }
  if (copy_header(m, "Content-Type", type))
    part.type = type;
  m->matched = m->before = 2; /* data may be missing, its line's end too */
  m->state = m->reader->begin(m->arg, &part) ? MULTIPART_DATA
                                             : MULTIPART_STOPPED;
  return m->state == MULTIPART_DATA;
}

/* Takes one byte of the headers. An empty line ends them; it may be the first,
** as then there is none. */
static int read_header (struct multipart *m, char byte) {
  if (m->used + 1 >= HEADERS_MAX)
    return bad(m, "a part's headers are too long");
  m->headers[m->used++] = byte;
  if (byte != '\n' || m->used < 2 || m->headers[m->used - 2] != '\r'
      || (m->used > 2
          && (m->used < 4 || memcmp(m->headers + m->used - 4, "\r\n", 2) != 0)))
    return 1;
  m->used -= 2;
  return begin_part(m);
}

/* ---- Data ---- */

static int give (struct multipart *m, const char *data, size_t size) {
  if (size == 0 || m->state == MULTIPART_PREAMBLE
      || m->reader->data(m->arg, data, size))
    return 1;
  m->state = MULTIPART_STOPPED;
  return 0;
}

/* A delimiter ends a part, or the preamble. */
static int end_part (struct multipart *m) {
  int had_part = m->state == MULTIPART_DATA;
  m->state = MULTIPART_LINE;
  m->matched = 0;
  if (!had_part || m->reader->end(m->arg))
    return 1;
  m->state = MULTIPART_STOPPED;
  return 0;
}

/* Reads data up to a delimiter. Where bytes turn out to be the beginning of
** none, only a CR can begin another: there is no CR within a delimiter. Sets
** how much was read. */
static int read_data (struct multipart *m, const char *data, size_t size,
                      size_t *used) {
  size_t i = 0;
  while (i < size) {
    if (m->matched == 0) {
      const char *cr = memchr(data + i, '\r', size - i);
      size_t n = cr != NULL ? (size_t)(cr - data) - i : size - i;
      if (!give(m, data + i, n))
        return 0;
      i += n;
      m->before = 0;
      m->matched = cr != NULL;
      i += cr != NULL;
    }
    else if (data[i] == m->delimiter[m->matched]) {
      i++;
      if (++m->matched == m->length) {
        *used = i;
        return end_part(m);
      }
    }
    else {
      size_t n = m->matched - m->before;
      const char *kept = m->delimiter + m->before;
      m->matched = m->before = 0;
      if (!give(m, kept, n))
        return 0;
    }
  }
  *used = size;
  return 1;
}

/* ---- All of it ---- */

void multipart_open (struct multipart *m, const char *boundary,
                     const struct multipart_reader *reader, void *arg) {
  memset(m, 0, sizeof(*m));
  m->reader = reader;
  m->arg = arg;
  memcpy(m->delimiter, "\r\n--", 4);
  strcpy(m->delimiter + 4, boundary);
  m->length = 4 + strlen(boundary);
  m->matched = m->before = 2; /* it may begin with a delimiter's second line */
}

/* Takes one byte outside of data. */
static int read_byte (struct multipart *m, char byte) {
  switch (m->state) {
    case MULTIPART_LINE:
      if (byte == '-')
        m->state = MULTIPART_CLOSING;
      else if (byte == '\r')
        m->state = MULTIPART_LF;
      else if (byte != ' ' && byte != '\t')
        return bad(m, "a boundary is not at the end of its line");
      return 1;
    case MULTIPART_CLOSING:
      if (byte != '-')
        return bad(m, "a boundary is not at the end of its line");
      m->state = MULTIPART_EPILOGUE;
      return 1;
    case MULTIPART_LF:
      if (byte != '\n')
        return bad(m, "a boundary is not at the end of its line");
      m->state = MULTIPART_HEADERS;
      m->used = 0;
      return 1;
    case MULTIPART_HEADERS: return read_header(m, byte);
    default: return m->state == MULTIPART_EPILOGUE;
  }
}

int multipart_feed (struct multipart *m, const char *data, size_t size) {
  int good = m->state < MULTIPART_STOPPED;
  while (good && size > 0 && m->state != MULTIPART_EPILOGUE) {
    size_t used = 1;
    if (m->state == MULTIPART_DATA || m->state == MULTIPART_PREAMBLE)
      good = read_data(m, data, size, &used);
    else
      good = read_byte(m, *data);
    data += used;
    size -= used;
  }
  return good;
}

int multipart_finish (struct multipart *m) {
  if (m->state < MULTIPART_EPILOGUE)
    return bad(m, "the body ends before its last boundary");
  return m->state == MULTIPART_EPILOGUE;
}
