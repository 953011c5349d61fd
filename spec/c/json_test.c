/* SPDX-License-Identifier: MIT
**
** Unit tests of src/core/json.c: texts accepted and rejected, the errors'
** words, the same events however the input is cut, the ceilings to the byte,
** UTF-8 against a reference, and input made to be slow.
**
** Fixtures (argv[1], else spec/fixtures/json): y_* is accepted, n_<status>_*
** rejected with that status, i_y_* and i_n_<status>_* are left open by RFC
** 8259 and decided so by us.
*/

#include <dirent.h>

#include "scan.h"

static const struct {
  const char *word;
  enum json_status status;
} prefixes[] = {
  {"y_", JSON_END},           {"n_syntax_", JSON_E_SYNTAX},
  {"n_utf8_", JSON_E_UTF8},   {"n_cut_", JSON_E_CUT},
  {"n_depth_", JSON_E_DEPTH},
};

/* The status that a fixture's name asks for, or JSON_MORE. */
static enum json_status wanted_status (const char *name) {
  size_t i;
  if (strncmp(name, "i_", 2) == 0)
    name += 2;
  for (i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (strncmp(name, prefixes[i].word, strlen(prefixes[i].word)) == 0)
      return prefixes[i].status;
  return JSON_MORE;
}

static char *read_file (const char *path, size_t *length) {
  static char data[100000];
  FILE *f = fopen(path, "rb");
  if (f == NULL)
    return NULL;
  *length = fread(data, 1, sizeof data, f);
  fclose(f);
  return data;
}

static void test_fixture (const char *directory, const char *name) {
  char path[1000];
  size_t length = 0;
  char *data;
  struct record r;
  snprintf(path, sizeof path, "%s/%s", directory, name);
  data = read_file(path, &length);
  if (!CHECK_SAYS(data != NULL, "%s cannot be read", path))
    return;
  r = scan_all(name, JSON_LIST, &usual, data, length, 3);
  record_free(&r);
  r = scan_all(name, JSON_LINES, &usual, data, length, 3);
  record_free(&r);
  r = scan_all(name, JSON_SINGLE, &usual, data, length, 3);
  record_free(&r);
  r = scan_all(name, JSON_ANY, &usual, data, length, 10);
  CHECK_SAYS(r.status == wanted_status(name), "%s: status %d at %lu: %s", name,
             (int)r.status, (unsigned long)r.offset, r.error);
  if (r.status == JSON_END)
    CHECK_SAYS(r.elements == 1, "%s: %u elements", name, r.elements);
  record_free(&r);
}

static void test_fixtures (const char *directory) {
  DIR *d = opendir(directory);
  struct dirent *entry;
  unsigned n = 0;
  if (!CHECK_SAYS(d != NULL, "no directory %s", directory))
    return;
  while ((entry = readdir(d)) != NULL)
    if (strstr(entry->d_name, ".json") != NULL) {
      test_fixture(directory, entry->d_name);
      n++;
    }
  closedir(d);
  CHECK_SAYS(n > 200, "only %u fixtures", n);
}

/* ---- Errors and their words ---- */

static const struct {
  enum json_shape shape;
  const char *text;
  enum json_status status;
  unsigned offset;   /* of the byte that is wrong */
  unsigned elements; /* before it */
  const char *error; /* or what was found, for errors of shape */
} cases[] = {
  {JSON_LIST, "{}", JSON_E_SHAPE, 0, 0, "an object"},
  {JSON_LIST, " \"x\"", JSON_E_SHAPE, 1, 0, "a string"},
  {JSON_LIST, "null", JSON_E_SHAPE, 0, 0, "null"},
  {JSON_LIST, "true", JSON_E_SHAPE, 0, 0, "true"},
  {JSON_LIST, "false", JSON_E_SHAPE, 0, 0, "false"},
  {JSON_LIST, "-1", JSON_E_SHAPE, 0, 0, "a number"},
  {JSON_LIST, "7", JSON_E_SHAPE, 0, 0, "a number"},
  {JSON_SINGLE, "[]", JSON_E_SHAPE, 0, 0, "an array"},
  {JSON_SINGLE, "\n0", JSON_E_SHAPE, 1, 0, "a number"},
  {JSON_LIST, "<html>", JSON_E_SYNTAX, 0, 0, "no value where one should be"},
  {JSON_LIST, "\xEF\xBB\xBF[]", JSON_E_SYNTAX, 0, 0, "a byte order mark"},
  {JSON_LIST, "[{},[]]", JSON_E_ELEMENT, 4, 1, "an array"},
  {JSON_LIST, "[\"a\"]", JSON_E_ELEMENT, 1, 0, "a string"},
  {JSON_LIST, "[null]", JSON_E_ELEMENT, 1, 0, "null"},
  {JSON_LIST, "[{}, 12]", JSON_E_ELEMENT, 5, 1, "a number"},
  {JSON_LIST, "[{},]", JSON_E_SYNTAX, 4, 1, "no value where one should be"},
  {JSON_LIST, "[,{}]", JSON_E_SYNTAX, 1, 0, "no value where one should be"},
  {JSON_LIST, "[{} {}]", JSON_E_SYNTAX, 4, 1,
   "no comma or bracket behind an element"},
  {JSON_LIST, "[{}}", JSON_E_SYNTAX, 3, 1,
   "no comma or bracket behind an element"},
  {JSON_LIST, "[{}] []", JSON_E_SYNTAX, 5, 1,
   "more text behind the end of the document"},
  {JSON_SINGLE, "{} x", JSON_E_SYNTAX, 3, 1,
   "more text behind the end of the document"},
  {JSON_ANY, "1 1", JSON_E_SYNTAX, 2, 1,
   "more text behind the end of the document"},
  {JSON_ANY, "", JSON_E_CUT, 0, 0, "no text at all"},
  {JSON_LIST, "[{}", JSON_E_CUT, 3, 1,
   "text that ends before the document does"},
  {JSON_ANY, "[1}", JSON_E_SYNTAX, 2, 0, "no comma or bracket behind a value"},
  {JSON_ANY, "[1,]", JSON_E_SYNTAX, 3, 0, "a comma behind the last value"},
  {JSON_ANY, "{\"a\":]", JSON_E_SYNTAX, 5, 0, "no value where one should be"},
  {JSON_ANY, "{\"a\":1,}", JSON_E_SYNTAX, 7, 0,
   "a comma behind the last member"},
  {JSON_ANY, "{a:1}", JSON_E_SYNTAX, 1, 0, "a member without a quoted name"},
  {JSON_ANY, "{\"a\" 1}", JSON_E_SYNTAX, 5, 0,
   "no colon behind a member's name"},
  {JSON_ANY, "\"a\nb\"", JSON_E_SYNTAX, 2, 0,
   "a control character in a string"},
  {JSON_ANY, "\"\\x\"", JSON_E_SYNTAX, 2, 0, "an unknown escape in a string"},
  {JSON_ANY, "\"\\u00g0\"", JSON_E_SYNTAX, 5, 0,
   "an escape \\u without four hex digits"},
  {JSON_ANY, "[-012]", JSON_E_SYNTAX, 3, 0, "a number with a leading zero"},
  {JSON_ANY, "[-]", JSON_E_SYNTAX, 2, 0,
   "a number without a digit where one should be"},
  {JSON_ANY, "[1.]", JSON_E_SYNTAX, 3, 0,
   "a number without a digit where one should be"},
  {JSON_ANY, "[1e+]", JSON_E_SYNTAX, 4, 0,
   "a number without a digit where one should be"},
  {JSON_ANY, "trux", JSON_E_SYNTAX, 3, 0, "no value where one should be"},
  {JSON_ANY, "\"\xC3(\"", JSON_E_UTF8, 2, 0, "a string that is not UTF-8"},
  {JSON_LINES, "{}\n[]", JSON_E_ELEMENT, 3, 1, "an array"},
  {JSON_LINES, "7", JSON_E_ELEMENT, 0, 0, "a number"},
  {JSON_LINES, "{}\n,{}", JSON_E_SYNTAX, 3, 1, "no value where one should be"},
  {JSON_LINES, "{}}", JSON_E_SYNTAX, 2, 1, "no value where one should be"},
  {JSON_LINES, "{}\n{", JSON_E_CUT, 4, 1,
   "text that ends before the document does"},
  {JSON_LINES, "", JSON_END, 0, 0, "no error"},
  {JSON_LINES, "\n", JSON_END, 1, 0, "no error"},
  {JSON_LINES, "{\"a\":[{}]}\n{}\r\n \n{\"a\":1}", JSON_END, 24, 3, "no error"},
  {JSON_LIST, "[]", JSON_END, 2, 0, "no error"},
  {JSON_LIST, " [ ] ", JSON_END, 5, 0, "no error"},
  {JSON_LIST, "[{},{}]", JSON_END, 7, 2, "no error"},
  {JSON_SINGLE, "{} ", JSON_END, 3, 1, "no error"},
  {JSON_ANY, "12", JSON_END, 2, 1, "no error"},
};

static void test_cases (void) {
  size_t i;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct record r = scan_all(cases[i].text, cases[i].shape, &usual,
                               cases[i].text, strlen(cases[i].text), 2);
    int shape = r.status == JSON_E_SHAPE || r.status == JSON_E_ELEMENT;
    CHECK_SAYS(r.status == cases[i].status && r.offset == cases[i].offset
                 && r.elements == cases[i].elements
                 && strcmp(shape ? r.found : r.error, cases[i].error) == 0,
               "%s: status %d at %lu, %u elements: %s; %s", cases[i].text,
               (int)r.status, (unsigned long)r.offset, r.elements, r.error,
               r.found);
    record_free(&r);
  }
}

/* ---- The index ---- */

static void test_index (void) {
  static const char text[] =
    " [ {\"a\" : 1.5e3 ,\"b\":{\"a\":[1,{\"x\":2}]},\"\\u0061\": null, "
    "\"\":\"q\\\"}\"} , {} ]";
  struct json_scanner s;
  size_t used, at;
  json_open(&s, JSON_LIST, &usual);
  CHECK(json_feed(&s, text, sizeof text - 1, &used) == JSON_ELEMENT);
  CHECK(s.element == 3 && s.element_length == used - 3 && s.count == 4);
#define CHECK_MEMBER(i, key_, escaped, value_)                                 \
  CHECK(s.members[i].key_length == ((sizeof key_ - 1) | (escaped))             \
        && memcmp(text + 3 + s.members[i].key, key_, sizeof key_ - 1) == 0     \
        && s.members[i].value_length == sizeof value_ - 1                      \
        && memcmp(text + 3 + s.members[i].value, value_, sizeof value_ - 1)    \
             == 0)
  CHECK_MEMBER(0, "a", 0, "1.5e3");
  CHECK_MEMBER(1, "b", 0, "{\"a\":[1,{\"x\":2}]}");
  CHECK_MEMBER(2, "\\u0061", JSON_KEY_ESCAPED, "null");
  CHECK_MEMBER(3, "", 0, "\"q\\\"}\"");
  at = used;
  CHECK(json_feed(&s, text + at, sizeof text - 1 - at, &used) == JSON_ELEMENT);
  CHECK(s.count == 0 && s.element_length == 2 && s.element == at + 3);
  at += used;
  CHECK(json_feed(&s, text + at, sizeof text - 1 - at, &used) == JSON_END);
  CHECK(at + used == sizeof text - 1 && s.offset == sizeof text - 1);
  json_close(&s);
  json_close(&s);
  CHECK(s.members == NULL && s.count == 0);
}

/* The calls around the text: nothing fed, fed after the end, or an error. */
static void test_protocol (void) {
  struct json_scanner s;
  size_t used = 9;
  json_open(&s, JSON_SINGLE, &usual);
  CHECK(json_feed(&s, NULL, 0, &used) == JSON_MORE && used == 0);
  CHECK(strcmp(json_found_text(&s), "nothing") == 0);
  CHECK(json_feed(&s, "{}", 2, &used) == JSON_ELEMENT && used == 2);
  CHECK(json_feed(&s, NULL, 0, &used) == JSON_END && used == 0);
  CHECK(json_feed(&s, " \n", 2, &used) == JSON_END && used == 2);
  CHECK(json_finish(&s) == JSON_END && json_finish(&s) == JSON_END);
  CHECK(json_feed(&s, " ,", 2, &used) == JSON_E_SYNTAX && used == 1);
  CHECK(json_feed(&s, " ", 1, &used) == JSON_E_SYNTAX && used == 0);
  CHECK(json_finish(&s) == JSON_E_SYNTAX && s.offset == 5);
  json_close(&s);
  json_open(&s, JSON_ANY, &usual);
  CHECK(json_feed(&s, "-12", 3, &used) == JSON_MORE && used == 3);
  CHECK(json_finish(&s) == JSON_ELEMENT && s.element_length == 3);
  CHECK(json_finish(&s) == JSON_END);
  json_close(&s);
}

/* What a caller has to keep: the element being read, else nothing. */
static void test_keep (void) {
  struct json_scanner s;
  size_t used;
  json_open(&s, JSON_LIST, &usual);
  CHECK(json_keep(&s) == 0);
  json_feed(&s, " [ ", 3, &used);
  CHECK(json_keep(&s) == 3);
  json_feed(&s, "{\"a\"", 4, &used);
  CHECK(json_keep(&s) == 3);
  CHECK(json_feed(&s, ":1},", 4, &used) == JSON_ELEMENT);
  CHECK(used == 3 && json_keep(&s) == 10);
  json_close(&s);
}

/* ---- Ceilings ---- */

static enum json_status status_under (const struct json_limits *limits,
                                      enum json_shape shape, const char *text,
                                      uint64_t *offset) {
  struct record r = scan_all("ceiling", shape, limits, text, strlen(text), 4);
  enum json_status status = r.status;
  *offset = r.offset;
  record_free(&r);
  return status;
}

/* Every element is taken at its own length, refused one byte below, at the
** first byte that is too much. */
static void test_size (void) {
  static const char *const elements[] = {
    "{\"a\":\"0123456789012345678901234567890123456789\"}",
    "{\"key\":[1,2,{\"x\":\"\\u00e9\xE2\x82\xAC\"}],\"b\":-1.5e-3}",
    "{ \n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n}", "{}"};
  size_t i;
  for (i = 0; i < sizeof elements / sizeof *elements; i++) {
    struct json_limits limits = {0, 9, 9};
    size_t n = strlen(elements[i]);
    char text[200];
    uint64_t offset;
    snprintf(text, sizeof text, "[%s, {}]", elements[i]);
    for (; limits.element < n; limits.element++) {
      enum json_status status = status_under(&limits, JSON_LIST, text, &offset);
      CHECK_SAYS(status == JSON_E_SIZE && offset == 1 + limits.element,
                 "%s: %lu: %d at %lu", text, (unsigned long)limits.element,
                 (int)status, (unsigned long)offset);
    }
    CHECK(status_under(&limits, JSON_LIST, text, &offset) == JSON_END);
  }
}

/* A number at the top level ends only where the next byte shows it. */
static void test_size_of_number (void) {
  struct json_limits limits = {3, 9, 9};
  uint64_t offset;
  CHECK(status_under(&limits, JSON_ANY, "123", &offset) == JSON_END);
  CHECK(status_under(&limits, JSON_ANY, "123 ", &offset) == JSON_END);
  CHECK(status_under(&limits, JSON_ANY, "1.5\n", &offset) == JSON_END);
  CHECK(status_under(&limits, JSON_ANY, "1e5 ", &offset) == JSON_END);
  CHECK(status_under(&limits, JSON_ANY, "1234", &offset) == JSON_E_SIZE);
  CHECK(status_under(&limits, JSON_ANY, "123.", &offset) == JSON_E_SIZE);
  CHECK(status_under(&limits, JSON_ANY, "12.", &offset) == JSON_E_CUT);
  CHECK(status_under(&limits, JSON_ANY, "12.5", &offset) == JSON_E_SIZE);
  CHECK(status_under(&limits, JSON_ANY, "123x", &offset) == JSON_E_SYNTAX);
  CHECK(status_under(&limits, JSON_ANY, "null", &offset) == JSON_E_SIZE);
}

/* An endless element is given up at its ceiling, fed one byte at a time. */
static void test_endless (void) {
  static const char *const starts[] = {"[{\"", "[{\"a\":\"", "[{\"a\":1",
                                       "[{",   "[{\"a\":[",  "[{\"a\":\""};
  static const char fill[] = {'k', 'x', '9', ' ', '\n', '\\'};
  struct json_limits limits = {1000, 256, 1024};
  size_t i;
  for (i = 0; i < sizeof fill; i++) {
    struct json_scanner s;
    size_t used, n = 0;
    enum json_status status;
    json_open(&s, JSON_LIST, &limits);
    status = json_feed(&s, starts[i], strlen(starts[i]), &used);
    while (status == JSON_MORE && n++ < 2000)
      status = json_feed(&s, &fill[i], 1, &used);
    CHECK(status == JSON_E_SIZE && s.offset == 1 + 1000);
    json_close(&s);
  }
}

/* 'n' times 'one', between 'before' and 'behind'. */
static char *repeat (const char *before, const char *one, size_t n,
                     const char *behind, size_t *length) {
  size_t a = strlen(before), b = strlen(one), c = strlen(behind), i;
  char *text = malloc(a + n * b + c + 1);
  memcpy(text, before, a);
  for (i = 0; i < n; i++)
    memcpy(text + a + i * b, one, b);
  memcpy(text + a + n * b, behind, c + 1);
  *length = a + n * b + c;
  return text;
}

static void test_depth (void) {
  struct json_limits limits = {1 << 20, 3, 9}, none = {1 << 20, 0, 9};
  struct json_limits huge = {SIZE_MAX, 100000, 100000};
  uint64_t offset;
  size_t n;
  char *text;
  CHECK(status_under(&limits, JSON_ANY, "[{\"a\":[]}]", &offset) == JSON_END);
  CHECK(status_under(&limits, JSON_ANY, "[{\"a\":[[]]}]", &offset)
          == JSON_E_DEPTH
        && offset == 7);
  CHECK(status_under(&limits, JSON_LIST, "[{\"a\":[]}]", &offset) == JSON_END);
  CHECK(status_under(&limits, JSON_LIST, "[{},{\"a\":[{}]}]", &offset)
          == JSON_E_DEPTH
        && offset == 10);
  CHECK(status_under(&none, JSON_LIST, "[]", &offset) == JSON_E_DEPTH);
  CHECK(status_under(&none, JSON_SINGLE, "{}", &offset) == JSON_E_DEPTH);
  CHECK(status_under(&none, JSON_ANY, "1", &offset) == JSON_END);
  text = repeat("", "[", 1000, "", &n);
  CHECK(status_under(&huge, JSON_ANY, text, &offset) == JSON_E_DEPTH
        && offset == JSON_DEPTH_MAX);
  free(text);
}

static void test_members (void) {
  struct json_limits limits = {1 << 20, 9, 3};
  struct json_limits huge = {SIZE_MAX, 100000, 100000};
  uint64_t offset;
  size_t n;
  char *text;
  CHECK(status_under(&limits, JSON_SINGLE, "{\"a\":1,\"a\":2,\"a\":3}", &offset)
        == JSON_END);
  CHECK(status_under(&limits, JSON_SINGLE, "{\"a\":1,\"a\":2,\"a\":3,\"a\":4}",
                     &offset)
          == JSON_E_MEMBERS
        && offset == 19);
  CHECK(status_under(&limits, JSON_LIST,
                     "[{\"a\":1,\"b\":2},{\"c\":3,\"d\":4}]", &offset)
        == JSON_END);
  text = repeat("{\"k\":0", ",\"k\":{\"k\":1}", JSON_MEMBERS_MAX - 1, "}", &n);
  CHECK(status_under(&huge, JSON_SINGLE, text, &offset) == JSON_END);
  free(text);
  text = repeat("{\"k\":0", ",\"k\":[1]", JSON_MEMBERS_MAX, "}", &n);
  CHECK(status_under(&huge, JSON_SINGLE, text, &offset) == JSON_E_MEMBERS);
  free(text);
  /* inner objects have no such ceiling: they are not indexed */
  text = repeat("{\"k\":{\"k\":0", ",\"k\":[1]", 3000, "}}", &n);
  CHECK(status_under(&limits, JSON_SINGLE, text, &offset) == JSON_END);
  free(text);
}

/* ---- Memory ---- */

/* The index grows 32, 64 … 1024: each of the six allocations fails once. */
static void test_memory (void) {
  size_t n, used;
  char *text = repeat("{\"k\":0", ",\"k\":1", 1000, "}", &n);
  int allowed;
  for (allowed = 0; allowed <= 6; allowed++) {
    struct json_scanner s;
    enum json_status status;
    plain_open(&s, JSON_SINGLE, &usual);
    hook_left = allowed;
    status = plain_feed(&s, text, n, &used);
    hook_left = HOOK_ENDLESS;
    CHECK(status == (allowed < 6 ? JSON_E_MEMORY : JSON_ELEMENT));
    if (status == JSON_E_MEMORY) {
      CHECK(s.count == (allowed == 0 ? 0u : 16u << allowed));
      CHECK(plain_feed(&s, text, n, &used) == JSON_E_MEMORY && used == 0);
      CHECK(strcmp(plain_error_text(&s), "not enough memory") == 0);
    }
    plain_close(&s);
  }
  free(text);
}

/* ---- Strings ---- */

/* Whether 'p' is UTF-8: decoded, and compared with the shortest encoding. */
static int is_utf8 (const unsigned char *p, size_t length) {
  static const unsigned least[] = {0, 0x80, 0x800, 0x10000};
  while (length > 0) {
    size_t more = *p < 0x80   ? 0
                  : *p < 0xC0 ? 9
                  : *p < 0xE0 ? 1
                  : *p < 0xF0 ? 2
                  : *p < 0xF8 ? 3
                              : 9,
           i;
    unsigned c = *p;
    if (more >= length || more > 3)
      return 0;
    if (more > 0)
      c &= 0x3Fu >> more;
    for (i = 1; i <= more; i++) {
      if ((p[i] & 0xC0) != 0x80)
        return 0;
      c = c << 6 | (p[i] & 0x3Fu);
    }
    if (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
      return 0;
    p += more + 1;
    length -= more + 1;
  }
  return 1;
}

static void check_utf8 (const unsigned char *p, size_t length,
                        unsigned *wrong) {
  char text[8];
  struct json_scanner s;
  size_t used;
  enum json_status status;
  text[0] = '"';
  memcpy(text + 1, p, length);
  text[length + 1] = '"';
  json_open(&s, JSON_ANY, &usual);
  status = json_feed(&s, text, length + 2, &used);
  if (status != (is_utf8(p, length) ? JSON_ELEMENT : JSON_E_UTF8))
    ++*wrong;
  json_close(&s);
}

/* Every pair of bytes, and every lead with bytes at the borders after it. */
static void test_utf8 (void) {
  static const unsigned char borders[] = {'a',  0x7F, 0x80, 0x8F, 0x90,
                                          0x9F, 0xA0, 0xBF, 0xC2, 0xFF};
  const size_t n = sizeof borders;
  unsigned wrong = 0, a;
  size_t i;
  for (a = 0x80; a < 0x100; a++) {
    unsigned char p[4];
    unsigned b;
    p[0] = (unsigned char)a;
    for (b = 0x80; b < 0x100; b++) {
      p[1] = (unsigned char)b;
      check_utf8(p, 2, &wrong);
    }
    for (i = 0; i < n * n * n; i++) {
      p[1] = borders[i % n];
      p[2] = borders[i / n % n];
      p[3] = borders[i / n / n];
      check_utf8(p, 3, &wrong);
      check_utf8(p, 4, &wrong);
    }
  }
  CHECK_SAYS(wrong == 0, "%u of the sequences", wrong);
}

/* Each kind of byte that stops the skipping, at each place of a block. */
static void test_positions (void) {
  static const char *const odd[] = {
    "\"",   "\\n",  "\\u0041", "\\\"", "\xC3\xA9", "\xF0\x9F\x98\x80",
    "\x1F", "\xFF", "\x7F",    "\\x",  " "};
  size_t place, i;
  for (place = 0; place < 140; place++)
    for (i = 0; i < sizeof odd / sizeof *odd; i++) {
      char text[300];
      struct record r;
      memset(text, 'a', place + 2);
      text[0] = '[';
      text[1] = '"';
      snprintf(text + 2 + place, 100, "%s%s", odd[i],
               "bcdefghijklmnopqrstuvwxyz\"]");
      r = scan_all("position", JSON_ANY, &usual, text, strlen(text), 0);
      CHECK((r.status == JSON_END) == (i != 0 && (i < 6 || i == 8 || i == 10)));
      record_free(&r);
    }
}

/* ---- Damage ---- */

/* Texts with a few bytes changed: both scanners say the same of them, whole
** and cut. */
static void test_damage (void) {
  static const char original[] =
    "[{\"id\":\"6533643b\",\"n\":[1,-2.5e+10,0],\"o\":{\"k\":null,\"t\":true}"
    ",\"s\":\"\\u00e9\\n\xE2\x82\xAC and more plain text\"} , {\"f\":false}]";
  static const char bits[] =
    "[]{}\",:\\u0eE+-.tn \x1F\xE2\x82\xFF"
    "a";
  uint32_t seed = 99;
  unsigned round;
  for (round = 0; round < 4000; round++) {
    char text[sizeof original];
    unsigned changes = 1 + next_random(&seed) % 3;
    struct record r;
    memcpy(text, original, sizeof original);
    while (changes-- > 0)
      text[next_random(&seed) % (sizeof original - 1)] =
        bits[next_random(&seed) % (sizeof bits - 1)];
    r = scan_all(text, round % 2 ? JSON_LIST : JSON_ANY, &usual, text,
                 sizeof original - 1, 0);
    record_free(&r);
  }
}

/* ---- Slow input ---- */

/* Megabytes of the worst, in pieces of 1 to 16 bytes: it would take hours if
** any of it were read more than once. */
static void test_slow (void) {
  static const struct {
    const char *before, *one, *behind;
  } texts[] = {{"[{\"a\":\"", "\\\\", "\"}]"},
               {"[{\"", "k", "\":1}]"},
               {"[{\"a\":[0", ",[[[[[[]]]]]]", "]}]"},
               {"[{\"a\":", " ", "1}]"},
               {"[{\"a\":1", "0", "}]"},
               {"[{\"a\":\"", "\xC3\xA9", "\"}]"},
               {"[{}", ",{}", "]"},
               {"[", " ", "]"},
               {"[{\"a\":\"", "\\ud83d", "\"}]"},
               {"[{\"a\":{\"b\":0", ",\"\\u0061\":0", "}}]"}};
  struct json_limits limits = {8 << 20, 256, 1024};
  size_t i, n;
  for (i = 0; i < sizeof texts / sizeof *texts; i++) {
    char *text = repeat(texts[i].before, texts[i].one,
                        2000000 / strlen(texts[i].one), texts[i].behind, &n);
    struct json_scanner s;
    size_t at = 0, piece = 1, used, fed = 0;
    enum json_status status = JSON_MORE;
    json_open(&s, JSON_LIST, &limits);
    while (at < n && status < JSON_E_SYNTAX) {
      status = json_feed(&s, text + at, piece < n - at ? piece : n - at, &used);
      at += used;
      fed++;
      piece = piece % 16 + 1;
    }
    CHECK(json_finish(&s) == JSON_END && s.offset == n);
    CHECK(fed <= n);
    json_close(&s);
    free(text);
  }
}

/* ---- Guesses ---- */

#define KEYS                                                                   \
  "{\"id\":\"a\",\"input\":[{\"type\":\"video\",\"url\":null},{\"type\":1}],"  \
  "\"options\":{\"sync_mode\":2},\"\":3,\"occlusion_detection_enabled\":{},"   \
  "\"a_name_that_is_longer_than_a_guess\":[],\"\xC3\xA9\":true,\"e\\u0041\":"  \
  "0}"

/* An element whose keys are as those before but for one byte, each in turn,
** in all the ways that are wrong or another key: as without a guess. */
static void test_other_byte (void) {
  static const char odd[] = "x\"\\:,{}\n\x80";
  static const size_t n = sizeof KEYS - 1;
  size_t i, j;
  for (i = 0; i < n; i++)
    for (j = 0; j < sizeof odd - 1; j++) {
      char text[3 * sizeof KEYS + 10];
      struct record r;
      snprintf(text, sizeof text, "[%s,%s,%s]", KEYS, KEYS, KEYS);
      text[n + 2 + i] = odd[j];
      r = scan_all(text, JSON_LIST, &usual, text, strlen(text), 0);
      CHECK(r.elements >= 1);
      record_free(&r);
    }
}

/* Elements that lack members, have more, or have them in another order. */
static void test_other_keys (void) {
  static const char *const texts[] = {
    "[{\"aa\":1,\"bb\":2,\"cc\":3},{\"aa\":1,\"cc\":3,\"dd\":\"" KEYS
    "\"},{\"bb\":1,\"aa\":2,\"cc\":3,\"aa\":4,\"dd\":5}]",
    "[{\"\":1,\"\":{\"\":[]},\"a\":1},{\"\":1,\"\":{\"\":[]},\"\":"
    "\"01234567890123"
    "4567890123456789\"}]",
    "[" KEYS ",{}," KEYS ",{\"k\":" KEYS "},{\"input\" :1,\"id\": 2}," KEYS "]",
    "[{\"\":\"0123456789012345678901234567890123456789\",\"\":"
    "\"0123456789012345"
    "678901234567890123456789\",\"id\":1}]"};
  static const unsigned elements[] = {3, 2, 6, 1};
  size_t i;
  for (i = 0; i < sizeof texts / sizeof *texts; i++) {
    const char *text = texts[i];
    struct record r = scan_all(text, JSON_LIST, &usual, text, strlen(text), 9);
    if (i > 0)
      CHECK(r.status == JSON_END && r.elements == elements[i]);
    record_free(&r);
  }
}

/* More keys than there are guesses. */
static void test_many_keys (void) {
  char one[3000], text[3 * sizeof one + 10];
  size_t n = 0, i;
  struct record r;
  for (i = 0; i < 3 * GUESSES; i++)
    n += (size_t)snprintf(one + n, sizeof one - n, ",\"key%u\":%u", (unsigned)i,
                          (unsigned)i);
  one[0] = '{';
  snprintf(text, sizeof text, "[%s},%s},%s}]", one, one, one);
  r = scan_all("many", JSON_LIST, &usual, text, strlen(text), 9);
  CHECK(r.status == JSON_END && r.elements == 3);
  record_free(&r);
}

/* What is a guess, the 'n' keys in 'names' and no further one. */
static void check_guesses (const struct json_scanner *s,
                           const char *const *names, unsigned n) {
  unsigned i;
  for (i = 0; i < n; i++) {
    const struct json_guess *g = &s->guesses[i];
    CHECK_SAYS(g->length == strlen(names[i])
                 && memcmp(g->text, names[i], g->length) == 0,
               "guess %u is %.*s", i, (int)g->length, g->text);
  }
  CHECK(s->guesses[n].length == 2);
}

/* Those that fit are: at all depths, whole and without an escape. They stay
** where a member is missing, and are found again after it. One that another key
** came in place of is that one. */
static void test_guesses (void) {
  static const char *const names[] = {
    "id\":",        "input\":", "type\":",
    "url\":",       "type\":",  "options\":",
    "sync_mode\":", "\":",      "occlusion_detection_enabled\":",
    "\xC3\xA9\":"};
  static const char *const others[] = {"id\":", "other\":"};
  static const char first[] = "[" KEYS ",";
  static const char without[] =
    "{\"id\":0,\"url\":\"so long that a whole guess can be compared\"},";
  static const char other[] =
    "{\"id\":0,\"other\":\"so long that a whole guess can be compared\"},";
  struct json_scanner s;
  size_t used;
  plain_open(&s, JSON_LIST, &usual);
  plain_feed(&s, first, sizeof first - 1, &used);
  check_guesses(&s, names, 10);
  plain_feed(&s, first + used, sizeof first - 1 - used, &used);
  CHECK(plain_feed(&s, without, sizeof without - 1, &used) == JSON_ELEMENT);
  check_guesses(&s, names, 10);
  CHECK(s.guess == &s.guesses[4]);
  plain_feed(&s, without + used, sizeof without - 1 - used, &used);
  CHECK(plain_feed(&s, other, sizeof other - 1, &used) == JSON_ELEMENT);
  CHECK(s.guess == &s.guesses[2]);
  s.guesses[2].length = 2; /* so that there is an end to look for */
  check_guesses(&s, others, 2);
  plain_close(&s);
}

/* A key that was cut is none: its first bytes may be gone. */
static void test_cut_guess (void) {
  static const char *const names[] = {"b\":"};
  struct json_scanner s;
  size_t used;
  plain_open(&s, JSON_LINES, &usual);
  CHECK(plain_feed(&s, "{\"aa", 4, &used) == JSON_MORE);
  CHECK(plain_feed(&s, "aa\":1,\"b\":2}", 13, &used) == JSON_ELEMENT);
  check_guesses(&s, names, 1);
  plain_close(&s);
}

/* Without memory for guesses all is read; a single document has none. */
static void test_without_guesses (void) {
  static const char text[] = "[{\"a\":1},{\"a\":1}]";
  struct json_scanner s;
  size_t used;
  plain_open(&s, JSON_LIST, &usual);
  hook_left = 1;
  CHECK(plain_feed(&s, text, sizeof text - 1, &used) == JSON_ELEMENT);
  hook_left = HOOK_ENDLESS;
  CHECK(s.guesses == NULL && s.count == 1);
  CHECK(plain_feed(&s, text + used, sizeof text - 1 - used, &used)
        == JSON_ELEMENT);
  CHECK(s.guesses == NULL && s.count == 1);
  plain_close(&s);
  plain_open(&s, JSON_ANY, &usual);
  CHECK(plain_feed(&s, text, sizeof text - 1, &used) == JSON_ELEMENT);
  CHECK(s.guesses == NULL);
  plain_close(&s);
}

/* ---- Room that is lent ---- */

/* A scanner takes the room it has, allocates nothing, and ends where there are
** more members than that. */
static void test_lend (void) {
  static const char text[] = "{\"a\":1,\"b\":{\"c\":2},\"d\":3}";
  unsigned n;
  for (n = 1; n <= 4; n++) {
    struct json_member room[4];
    struct json_scanner s;
    enum json_status status;
    size_t used;
    json_open(&s, JSON_SINGLE, &usual);
    json_lend(&s, room, n);
    status = json_feed(&s, text, sizeof text - 1, &used);
    CHECK(status == (n < 3 ? JSON_E_MEMBERS : JSON_ELEMENT));
    CHECK(s.members == room && s.count == (n < 3 ? n : 3));
  }
}

/* ---- Memory after a piece ---- */

/* The scanner ignores memory after a piece, even bytes that would matter. */
static void test_behind (void) {
  static const char text[] = "[{\"key\":\"value\"}]";
  static const char odd[] = "\\\"\x80\x1F}";
  size_t cut, i, used;
  for (cut = 1; cut < sizeof text - 1; cut++)
    for (i = 0; i < sizeof odd - 1; i++) {
      char piece[sizeof text + 16];
      struct json_scanner s;
      memset(piece, odd[i], sizeof piece);
      memcpy(piece, text, cut);
      json_open(&s, JSON_LIST, &usual);
      if (json_feed(&s, piece, cut, &used) == JSON_MORE) {
        CHECK(used == cut && s.offset == cut);
        CHECK(json_feed(&s, text + cut, sizeof text - 1 - cut, &used)
              == JSON_ELEMENT);
      }
      CHECK(s.count == 1 && s.members[0].key_length == 3);
      CHECK(s.members[0].value_length == 7);
      json_close(&s);
    }
}

int main (int argc, char **argv) {
  test_fixtures(argc > 1 ? argv[1] : "spec/fixtures/json");
  test_cases();
  test_index();
  test_protocol();
  test_keep();
  test_size();
  test_size_of_number();
  test_endless();
  test_depth();
  test_members();
  test_memory();
  test_utf8();
  test_positions();
  test_damage();
  test_slow();
  test_other_byte();
  test_other_keys();
  test_many_keys();
  test_guesses();
  test_cut_guess();
  test_without_guesses();
  test_lend();
  test_behind();
  return check_end();
}
