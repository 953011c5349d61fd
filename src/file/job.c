/* SPDX-License-Identifier: MIT
**
** job: see job.h. The queue and the thread are the process's, for all Lua
** states. In a forked child the thread is gone, and what the queue had is the
** parent's.
*/

#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "platform.h"

#define STACK_SIZE (256 * 1024) /* it needs some paths' worth */

struct job {
  struct job *next; /* in the queue */
  struct job_plan plan;
  enum job_state state;
  unsigned forks; /* when it was begun */
  int references; /* one of the caller's, one of the queue or the thread */
  enum file_status status;
  int os_error;
  const char *failed; /* a path of the plan */
  char copies[1];     /* of the plan's texts */
};

static struct platform_lock lock = PLATFORM_LOCK;
static struct platform_condition ended = PLATFORM_CONDITION;
static struct job *first = NULL, **last = &first;
static int has_thread = 0;
static int is_prepared = 0;
static unsigned forks = 0;


/* ---- Making and freeing ---- */

static size_t size_of (const char *text) {
  return text == NULL ? 0 : strlen(text) + 1;
}


static const char *copy (char **at, const char *text, size_t n) {
  char *to = *at;
  if (text == NULL)
    return NULL;
  memcpy(to, text, n);
  *at += n;
  return to;
}


struct job *job_new (const struct job_plan *plan) {
  size_t n = plan->length + size_of(plan->path) + size_of(plan->replace)
             + size_of(plan->remove) + size_of(plan->from) + size_of(plan->to);
  struct job *j = (struct job *)calloc(1, sizeof(*j) + n);
  char *at;
  if (j == NULL)
    return NULL;
  at = j->copies;
  j->plan = *plan;
  j->plan.bytes = copy(&at, plan->bytes, plan->length);
  j->plan.path = copy(&at, plan->path, size_of(plan->path));
  j->plan.replace = copy(&at, plan->replace, size_of(plan->replace));
  j->plan.remove = copy(&at, plan->remove, size_of(plan->remove));
  j->plan.from = copy(&at, plan->from, size_of(plan->from));
  j->plan.to = copy(&at, plan->to, size_of(plan->to));
  j->references = 1;
  return j;
}


/* With the lock held. */
static void drop (struct job *j) {
  if (--j->references == 0)
    free(j);
}


/* ---- Doing it ---- */

static int is_done (struct job *j, enum file_status status, const char *path) {
  j->status = status;
  j->failed = path;
  return status == FILE_OK;
}


static int sync_file (struct job *j) {
  struct file f;
  enum file_status status;
  if (j->plan.fd < 0)
    return 1;
  f.fd = j->plan.fd;
  f.os_error = 0;
  status = file_sync(&f, j->plan.all);
  j->os_error = f.os_error;
  return is_done(j, status, j->plan.path);
}


static void perform (struct job *j) {
  const struct job_plan *p = &j->plan;
  int *error = &j->os_error;
  if (!sync_file(j))
    return;
  if (p->replace != NULL
      && !is_done(j, file_replace(p->replace, p->bytes, p->length, error),
                  p->replace))
    return;
  if (p->remove != NULL
      && !is_done(j, file_remove(p->remove, error), p->remove))
    return;
  if (p->from != NULL)
    is_done(j, file_place(p->from, p->to, p->overwrite, error), p->to);
}


/* ---- The thread ---- */

static struct job *take_first (void) {
  struct job *j = first;
  if (j == NULL)
    return NULL;
  first = j->next;
  if (first == NULL)
    last = &first;
  return j;
}


static void work (void) {
  struct job *j;
  platform_lock(&lock);
  while ((j = take_first()) != NULL) {
    j->state = JOB_RUNNING;
    platform_unlock(&lock);
    perform(j);
    platform_lock(&lock);
    if (j->plan.fd >= 0) /* with the lock, so that a fork sees both or none */
      file_drop(j->plan.fd);
    j->state = JOB_OVER;
    drop(j);
    platform_wake_all(&ended);
  }
  has_thread = 0;
  platform_unlock(&lock);
}


static void before_fork (void) {
  platform_lock(&lock);
}


static void in_parent (void) {
  platform_unlock(&lock);
}


static void in_child (void) {
  static const struct platform_condition fresh = PLATFORM_CONDITION;
  forks++;
  first = NULL;
  last = &first;
  has_thread = 0;
  ended = fresh;
  platform_unlock(&lock);
}


/* With the lock held. */
static int ensure_thread (void) {
  if (!is_prepared)
    is_prepared = platform_on_fork(before_fork, in_parent, in_child);
  if (is_prepared && !has_thread)
    has_thread = platform_start_thread(work, STACK_SIZE);
  return is_prepared && has_thread;
}


/* Whether the thread has it. It gets a descriptor of its own, because the
** caller may close the file meanwhile. */
static int give (struct job *j) {
  int own = j->plan.fd, given = 0;
  if (own >= 0) {
    j->plan.fd = file_share(own);
    if (j->plan.fd < 0) {
      j->plan.fd = own;
      return 0;
    }
  }
  platform_lock(&lock);
  j->forks = forks;
  if (ensure_thread()) {
    given = 1;
    j->references++;
    *last = j;
    last = &j->next;
  }
  platform_unlock(&lock);
  if (!given && own >= 0) {
    file_drop(j->plan.fd);
    j->plan.fd = own;
  }
  return given;
}


/* ---- For the caller ---- */

void job_begin (struct job *j, int here) {
  if (!here && give(j))
    return;
  perform(j);
  j->forks = forks;
  j->state = JOB_OVER;
}


static enum job_state state_of (const struct job *j) {
  return j->forks == forks || j->state == JOB_OVER ? j->state : JOB_FORKED;
}


enum job_state job_state (const struct job *j) {
  enum job_state state;
  platform_lock(&lock);
  state = state_of(j);
  platform_unlock(&lock);
  return state;
}


/* Takes 'j' out of the queue. */
static void take_back (struct job *j) {
  struct job **at = &first;
  while (*at != j)
    at = &(*at)->next;
  *at = j->next;
  if (*at == NULL)
    last = at;
  if (j->plan.fd >= 0)
    file_drop(j->plan.fd);
  j->state = JOB_OVER;
  j->references--;
}


enum job_state job_stop (struct job *j) {
  enum job_state state;
  platform_lock(&lock);
  state = state_of(j);
  if (state == JOB_QUEUED)
    take_back(j);
  while (state == JOB_RUNNING) {
    platform_wait(&ended, &lock);
    state = state_of(j);
  }
  platform_unlock(&lock);
  return state;
}


enum file_status job_result (const struct job *j, int *os_error,
                             const char **path) {
  *os_error = j->os_error;
  *path = j->failed;
  return j->status;
}


/* In a child the thread's reference, and its descriptor, are nobody's. */
void job_release (struct job *j) {
  platform_lock(&lock);
  if (state_of(j) == JOB_FORKED) {
    if (j->plan.fd >= 0)
      file_drop(j->plan.fd);
    j->references = 1;
  }
  drop(j);
  platform_unlock(&lock);
}
