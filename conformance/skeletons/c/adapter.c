/* Strongroom adapter: reads one request a line from stdin, writes one answer a line to stdout. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>

#define REJECT(code) "\"outcome\": \"reject\", \"error\": \"" code "\""
#define UNSUPPORTED "\"outcome\": \"unsupported\", \"feature\": \"operation\""
#define HELLO "\"outcome\": \"ok\", \"result\": {\"protocol\": 1, \"testing\": false, \"suites\": [1]," \
  " \"implementation\": {\"name\": \"my-reader\", \"version\": \"0.1.0\", \"language\": \"C\"}," \
  " \"roles\": [\"container-reader\"], \"features\": [\"container\"]}"
typedef struct { const char *at; size_t length; } Text;
static int is(Text a, const char *b) { return a.length == strlen(b) && memcmp(a.at, b, a.length) == 0; }

/* The first text member `name`, or nothing. Escapes stay as they are; for more than this take a library. */
static Text text(const char *json, const char *name) {
  int found = 0;
  for (const char *at = strchr(json, '"'), *end; at != NULL; at = strchr(end + 1, '"')) {
    for (end = ++at; *end != '"'; end += *end == '\\' ? 2 : 1)
      if (end[0] == '\0' || end[1] == '\0') return (Text){"", 0};
    if (found) return (Text){at, (size_t)(end - at)};
    found = is((Text){at, (size_t)(end - at)}, name) && end[1 + strspn(end + 1, " :")] == '"';
  }
  return (Text){"", 0};
}
static const char *container_open(const char *request) {
  Text object = text(request, "object");
  if (memcmp(object.at, "8953424f0d0a1a0a", object.length < 16 ? object.length : 16) != 0)
    return REJECT("not-an-object");
  /* Your reader goes on here. It appends content to the file `sink` as it releases it, and ends with the outcome
     "ok" and the result {"type": "blob", "contentLength": 5}, or REJECT. Until then, the honest answer: */
  return UNSUPPORTED;
}
int main(void) {
  static char *line = NULL;
  for (size_t size = 0; getline(&line, &size, stdin) >= 0; fflush(stdout)) {
    Text id = text(line, "id"), op = text(line, "op");
    printf("{\"id\": \"%.*s\", %s}\n", (int)id.length, id.at,
           is(op, "hello") ? HELLO : is(op, "container.open") ? container_open(line) : UNSUPPORTED);
  }
}
