/* SPDX-License-Identifier: MIT
**
** Unit tests of src/core/json_write.c: strings escaped and checked, numbers
** that read as the same ones in any locale, the ceiling to the byte, what
** happens without memory, and text made compact. The scanner is the judge.
*/

#include <float.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "hook.h"
#include "json.h"
#include "json_write.h"
#include "platform.h"

/* A second copy of the functions: without SIMD, and with a buffer and a system
** that fail on demand. */
#define json_write_text       plain_text
#define json_write_string     plain_string
#define json_write_integer    plain_integer
#define json_write_number     plain_number
#define json_compact          plain_compact
#define buf_append            hooked_append
#define buf_reserve           hooked_reserve
#define platform_write_number hooked_format
#ifndef JSON_NO_SIMD
#define JSON_NO_SIMD
#endif

enum json_written plain_text (struct buf *b, const char *text, size_t length);
enum json_written plain_string (struct buf *b, const char *text, size_t length);
enum json_written plain_integer (struct buf *b, int64_t n);
enum json_written plain_number (struct buf *b, double x);
size_t plain_compact (const char *text, size_t length, char *out);

static size_t hooked_format (char *text, size_t size, int digits, double x);
static enum buf_status hooked_append (struct buf *b, const void *data,
                                      size_t n);
static enum buf_status hooked_reserve (struct buf *b, size_t n, char **room);

#include "../../src/core/json_write.c"

#undef json_write_text
#undef json_write_string
#undef json_write_integer
#undef json_write_number
#undef json_compact
#undef buf_append
#undef buf_reserve
#undef platform_write_number

static size_t hooked_format (char *text, size_t size, int digits, double x) {
  return hook_allows() ? platform_write_number(text, size, digits, x) : 0;
}

static enum buf_status hooked_append (struct buf *b, const void *data,
                                      size_t n) {
  return hook_allows() ? buf_append(b, data, n) : BUF_MEMORY;
}

static enum buf_status hooked_reserve (struct buf *b, size_t n, char **room) {
  return hook_allows() ? buf_reserve(b, n, room) : BUF_MEMORY;
}

static unsigned next_random (uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

/* A block of exactly these bytes, so that no read goes past them. */
static char *exact (const char *text, size_t length) {
  char *block = malloc(length > 0 ? length : 1);
  memcpy(block, text, length);
  return block;
}

static int holds (const struct buf *b, const char *text, size_t length) {
  return b->length == length && memcmp(buf_data(b), text, length) == 0;
}

/* What the scanner says of a text that is one value. */
static enum json_status judge (const char *text, size_t length) {
  static const struct json_limits limits = {1 << 20, JSON_DEPTH_MAX, 1024};
  struct json_scanner s;
  size_t used = 0;
  enum json_status status;
  json_open(&s, JSON_ANY, &limits);
  status = json_feed(&s, text, length, &used);
  while (status == JSON_MORE || (status == JSON_ELEMENT && used == length))
    status = json_finish(&s);
  json_close(&s);
  return status;
}

/* ---- Strings ---- */

#define STRING(text, written)                                                  \
  { text, sizeof text - 1, "\"" written "\"" }

static const struct {
  const char *text;
  size_t length;
  const char *written;
} strings[] = {
  STRING("", ""),
  STRING("plain / text", "plain / text"),
  STRING("\"\\\b\f\n\r\t", "\\\"\\\\\\b\\f\\n\\r\\t"),
  STRING("\0\1\v\x1F \x7F", "\\u0000\\u0001\\u000b\\u001f \x7F"),
  STRING("caf\xC3\xA9", "caf\xC3\xA9"),
  STRING("\xE2\x82\xAC\xF0\x9F\x98\x80", "\xE2\x82\xAC\xF0\x9F\x98\x80"),
  STRING("\xE2\x80\xA8\xE2\x80\xA9", "\xE2\x80\xA8\xE2\x80\xA9"),
  STRING("\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF",
         "\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"),
  STRING("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF",
         "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"),
  STRING("\n\xC3\xA9\n", "\\n\xC3\xA9\\n"),
};

static void test_strings (void) {
  size_t i;
  for (i = 0; i < sizeof strings / sizeof *strings; i++) {
    size_t length = strings[i].length, n = strlen(strings[i].written);
    char *text = exact(strings[i].text, length);
    struct buf a, b;
    buf_init(&a, 100);
    buf_init(&b, 100);
    CHECK_SAYS(json_write_string(&a, text, length) == JSON_W_OK
                 && holds(&a, strings[i].written, n),
               "%s", strings[i].written);
    CHECK_SAYS(plain_string(&b, text, length) == JSON_W_OK
                 && holds(&b, strings[i].written, n),
               "%s, by the plain copy", strings[i].written);
    buf_free(&a);
    buf_free(&b);
    free(text);
  }
}

/* Reads a written string back: whether it is 'text'. */
static int reads_back (const struct buf *b, const char *text, size_t length) {
  char *out = malloc(b->length);
  size_t n = json_decode(buf_data(b) + 1, b->length - 2, out);
  int same = n == length && memcmp(out, text, length) == 0;
  free(out);
  return same;
}

/* What the scanner says of the text, the ASCII of which is made plain. */
static enum json_status judge_string (const char *text, size_t length) {
  char *quoted = malloc(length + 2);
  size_t i;
  enum json_status status;
  for (i = 0; i < length; i++)
    quoted[i + 1] = (unsigned char)text[i] < 0x80 ? 'x' : text[i];
  quoted[0] = quoted[length + 1] = '"';
  status = judge(quoted, length + 2);
  free(quoted);
  return status;
}

/* Whether both copies write the text as it should be, or both refuse it. */
static int is_written (const char *text, size_t length) {
  char *block = exact(text, length);
  struct buf a, b;
  enum json_written status, plain;
  int good;
  buf_init(&a, SIZE_MAX);
  buf_init(&b, SIZE_MAX);
  status = json_write_string(&a, block, length);
  plain = plain_string(&b, block, length);
  good = status == plain && holds(&a, buf_data(&b), b.length);
  if (judge_string(text, length) == JSON_END)
    good = good && status == JSON_W_OK && reads_back(&a, text, length)
           && judge(buf_data(&a), a.length) == JSON_END;
  else
    good = good && status == JSON_W_UTF8;
  buf_free(&a);
  buf_free(&b);
  free(block);
  return good;
}

/* Every sequence of up to two bytes, and of three and four where the lead byte
** has a rule of its own; each also before more text. */
static void test_utf8 (void) {
  static const unsigned char tails[] = {0x00, 0x22, 0x41, 0x7F, 0x80, 0x8F,
                                        0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
  char p[12] = {0};
  int first, second, wrong = 0;
  size_t i, j;
  CHECK(is_written("", 0));
  for (first = 0; first < 256; first++)
    for (second = 0; second < 256; second++) {
      p[0] = (char)first;
      p[1] = (char)second;
      memcpy(p + 2, "and more", 8);
      wrong += !is_written(p, 1) + !is_written(p, 2) + !is_written(p, 10);
      for (i = 0; first >= 0xE0 && i < sizeof tails; i++) {
        p[2] = (char)tails[i];
        wrong += !is_written(p, 3);
        for (j = 0; first >= 0xF0 && j < sizeof tails; j++) {
          p[3] = (char)tails[j];
          wrong += !is_written(p, 4);
        }
      }
    }
  CHECK_SAYS(wrong == 0, "%d sequences", wrong);
}

/* Random pieces, so that each comes at every place in a block. */
static void test_pieces (void) {
  static const char *const pieces[] = {
    "a",    "0123456789", "\"",           "\\",
    "\n",   "\x01",       "\xC3\xA9",     "\xE2\x82\xAC",
    "\x7F", "/",          "0123456789ab", "\xF0\x9F\x98\x80"};
  static const char *const broken[] = {"\xC3", "\xE2\x82", "\xF0\x9F\x98",
                                       "\xA9", "\xFF",     "\xED\xA0\x80"};
  uint32_t seed = 11;
  unsigned round, wrong = 0;
  for (round = 0; round < 20000; round++) {
    char text[300];
    size_t length = 0;
    unsigned n = next_random(&seed) % 20, i;
    unsigned bad = next_random(&seed) % 60;
    for (i = 0; i < n; i++) {
      const char *piece = i == bad ? broken[next_random(&seed) % 6]
                                   : pieces[next_random(&seed) % 12];
      memcpy(text + length, piece, strlen(piece));
      length += strlen(piece);
    }
    wrong += !is_written(text, length);
  }
  CHECK_SAYS(wrong == 0, "%u texts", wrong);
}

/* ---- Numbers ---- */

static const struct {
  int64_t n;
  const char *written;
} integers[] = {
  {0, "0"},
  {-1, "-1"},
  {1000000000000000, "1000000000000000"},
  {INT64_C(9007199254740993), "9007199254740993"},
  {INT64_MAX, "9223372036854775807"},
  {INT64_MIN, "-9223372036854775808"},
};

static const struct {
  double x;
  const char *written;
} doubles[] = {
  {0.0, "0"},
  {-0.0, "0"},
  {3.0, "3"},
  {-1e15, "-1000000000000000"},
  {9007199254740991.0, "9007199254740991"},
  {-9007199254740991.0, "-9007199254740991"},
  {9007199254740992.0, "9007199254740992"},
  {0x1p56, "7.205759403792794e+16"},
  {0.5, "0.5"},
  {-42.75, "-42.75"},
  {0.1, "0.1"},
  {0x1.3333333333334p-2, "0.30000000000000004"},
  {0.0001, "0.0001"},
  {0.00001, "1e-05"},
  {1e21, "1e+21"},
  {0x1.52d02c7e14af6p76, "1e+23"},
  {0x1p-1074, "4.94065645841247e-324"},
  {0x1p-1022, "2.2250738585072014e-308"},
  {DBL_MAX, "1.7976931348623157e+308"},
};

/* Whether the number is written, and reads as itself; as 'text', if given. */
static int number_is (double x, const char *text) {
  struct buf b;
  int64_t integer = 0;
  double number = 0;
  int good, kind;
  buf_init(&b, 24); /* the longest: -2.2250738585072014e-308 */
  good = json_write_number(&b, x) == JSON_W_OK
         && judge(buf_data(&b), b.length) == JSON_END;
  kind = json_number(buf_data(&b), b.length, &integer, &number);
  good = good && (kind == 1 ? (double)integer == x : kind == 0 && number == x);
  good = good && (text == NULL || holds(&b, text, strlen(text)));
  buf_free(&b);
  return good;
}

static double random_double (uint32_t *seed) {
  uint64_t bits = (uint64_t)next_random(seed) << 48
                  ^ (uint64_t)next_random(seed) << 24 ^ next_random(seed);
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static void test_numbers (void) {
  uint32_t seed = 5;
  unsigned round, wrong = 0;
  size_t i;
  for (i = 0; i < sizeof integers / sizeof *integers; i++) {
    struct buf b;
    buf_init(&b, 20);
    CHECK_SAYS(json_write_integer(&b, integers[i].n) == JSON_W_OK
                 && holds(&b, integers[i].written, strlen(integers[i].written)),
               "%s", integers[i].written);
    buf_free(&b);
  }
  for (i = 0; i < sizeof doubles / sizeof *doubles; i++)
    CHECK_SAYS(number_is(doubles[i].x, doubles[i].written), "%s",
               doubles[i].written);
  for (round = 0; round < 50000; round++) {
    double x = random_double(&seed);
    if (isfinite(x))
      wrong += !number_is(x, NULL);
    wrong += !number_is((double)next_random(&seed) / 1000, NULL);
  }
  CHECK_SAYS(wrong == 0, "%u numbers", wrong);
}

static void test_no_numbers (void) {
  struct buf b;
  buf_init(&b, 100);
  CHECK(json_write_number(&b, (double)INFINITY) == JSON_W_NUMBER);
  CHECK(json_write_number(&b, -(double)INFINITY) == JSON_W_NUMBER);
  CHECK(json_write_number(&b, (double)NAN) == JSON_W_NUMBER);
  CHECK(b.length == 0);
}

/* The numbers again where the comma is the decimal point, if there is such a
** locale here, the process's or the thread's; it stays what it was. */
static void test_comma_locale (void) {
  static const char *const names[] = {
    "tr_TR.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8", "es_ES.UTF-8",
    "it_IT.UTF-8", "nl_NL.UTF-8", "pl_PL.UTF-8"};
  size_t i;
  for (i = 0; i < sizeof names / sizeof *names; i++)
    if (setlocale(LC_ALL, names[i]) != NULL
        && strcmp(localeconv()->decimal_point, ",") == 0) {
      locale_t comma = newlocale(LC_ALL_MASK, names[i], (locale_t)0);
      test_numbers();
      CHECK(strcmp(localeconv()->decimal_point, ",") == 0);
      setlocale(LC_ALL, "C");
      uselocale(comma);
      test_numbers();
      CHECK(uselocale(LC_GLOBAL_LOCALE) == comma);
      freelocale(comma);
      return;
    }
  setlocale(LC_ALL, "C");
  printf("skipped: numbers in a comma locale, none is installed\n");
}

/* ---- Ceiling and memory ---- */

/* Under each ceiling there is either all of it or JSON_W_FULL. */
static void test_ceiling (void) {
  static const char text[] = "a\n\xC3\xA9 and \x01";
  size_t ceiling, needed = 0;
  for (ceiling = 0; needed == 0 && ceiling < 100; ceiling++) {
    struct buf b;
    enum json_written status;
    buf_init(&b, ceiling);
    status = json_write_string(&b, text, sizeof text - 1);
    CHECK(status == JSON_W_OK || status == JSON_W_FULL);
    CHECK(b.length <= ceiling);
    if (status == JSON_W_OK)
      needed = ceiling;
    buf_free(&b);
  }
  CHECK(needed == strlen("\"a\\n\xC3\xA9 and \\u0001\""));
}

static enum json_written write_some (struct buf *b) {
  enum json_written status = plain_string(b, "a\nb", 3);
  if (status == JSON_W_OK)
    status = plain_integer(b, 7);
  if (status == JSON_W_OK)
    status = plain_number(b, 0x1.3333333333334p-2);
  return status == JSON_W_OK ? plain_text(b, "[]", 2) : status;
}

/* Each failing resource fails the call, and nothing else does. */
static void test_memory (void) {
  static const char written[] = "\"a\\nb\"70.30000000000000004[]";
  int allowed;
  for (allowed = 0; allowed < 20; allowed++) {
    struct buf b;
    enum json_written status;
    buf_init(&b, 100);
    hook_left = allowed;
    status = write_some(&b);
    hook_left = HOOK_ENDLESS;
    /* four appends of the string, one of each other, three locales */
    CHECK_SAYS(status == (allowed < 10 ? JSON_W_MEMORY : JSON_W_OK), "%d: %d",
               allowed, (int)status);
    CHECK(status != JSON_W_OK || holds(&b, written, sizeof written - 1));
    buf_free(&b);
  }
}

/* ---- Compact text ---- */

static const struct {
  const char *text, *compact;
} texts[] = {
  {"{}", "{}"},
  {" [ ] ", "[]"},
  {"\t\r\n 1 ", "1"},
  {"\"a b\"", "\"a b\""},
  {"{ \"a b\" : [ 1 , -2.5e+3 , null , true ] }",
   "{\"a b\":[1,-2.5e+3,null,true]}"},
  {"[ \"a \\\" b\" , \" \\\\\" , \" \" ]", "[\"a \\\" b\",\" \\\\\",\" \"]"},
  {"[\"\\u00e9 \",\n\"/\"]", "[\"\\u00e9 \",\"/\"]"},
};

static int compacts (const char *text, size_t length, const char *compact) {
  char *block = exact(text, length), *out = malloc(length + 1);
  size_t n = strlen(compact);
  int good = json_compact(block, length, out) == n
             && memcmp(out, compact, n) == 0;
  good = good && json_compact(block, length, block) == n
         && memcmp(block, compact, n) == 0;
  free(out);
  free(block);
  return good;
}

static void test_compact (void) {
  size_t i, n;
  for (i = 0; i < sizeof texts / sizeof *texts; i++) {
    CHECK_SAYS(compacts(texts[i].text, strlen(texts[i].text), texts[i].compact),
               "%s", texts[i].text);
    CHECK_SAYS(
      compacts(texts[i].compact, strlen(texts[i].compact), texts[i].compact),
      "%s", texts[i].compact);
    /* cut it is no JSON, but it is not read past its end */
    for (n = 0; n < strlen(texts[i].text); n++) {
      char *block = exact(texts[i].text, n);
      CHECK(json_compact(block, n, block) <= n);
      free(block);
    }
  }
}

int main (void) {
  test_strings();
  test_utf8();
  test_pieces();
  test_numbers();
  test_no_numbers();
  test_comma_locale();
  test_ceiling();
  test_memory();
  test_compact();
  return check_end();
}
