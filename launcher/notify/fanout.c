/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fanout.h"

#include <string.h>

#include "backoff.h"
#include "jsontext.h"
#include "pagereader.h"
#include "pgworker.h"

/* Somebody may have died with a job, or one may be due again. */
#define GLANCE 5000 /* ms */
#define LEASE "15 seconds"
/* The smallest half of a page, if it is to be slow. */
#define LEAST_HALF 100
#define MOST_WAIT (5 * 60 * G_TIME_SPAN_SECOND)
#define OF_REFUSED                                                             \
  "SELECT user_id, username, language FROM wishcast.notification_refused "     \
  "WHERE job = $1::uuid AND ($2::text IS NULL OR user_id > $2) "               \
  "ORDER BY user_id LIMIT $3::integer"

struct _Fanout {
  char *conninfo, *node, *public_url;
  const NoticeTexts *texts;
  guint max_rate;
  GPtrArray *deliveries;
  WishlistSource *(*make_source) (gpointer data);
  gpointer data;
  PgWorker *worker;
  GThread *thread;
  GCancellable *ending;

  /* of the thread */
  PgConnection *connection; /* NULL: to be opened */
  gboolean is_troubled;     /* told so */

  GMutex lock;
  GCond woken;
  /* with lock */
  gboolean has_news;
  char *job;              /* id of what is under way, or NULL */
  GCancellable *breaking; /* of the same: it is not ours any more */
  FanoutStats stats;
};

/* A leased job. */
typedef struct {
  NoticeJob notice;
  PgRows *rows; /* have the texts of it */
  char *watch_url;
  const char *cursor; /* or NULL */
  guint64 pages;
  gboolean is_retrying;
  guint failures;
} Job;

static void
job_free (Job *job)
{
  pg_rows_free (job->rows);
  g_free (job->watch_url);
  g_free (job);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Job, job_free)

/* --- The database ----------------------------------------------------------------*/

static PgRows *
query (Fanout *fanout, const char *sql, guint n, const char *const *values,
    GError **error)
{
  PgRows *rows = NULL;

  if (fanout->connection == NULL)
    fanout->connection = pg_connection_open (fanout->conninfo, error);
  if (fanout->connection != NULL)
    rows = pg_connection_query (fanout->connection, sql, n, values, error);
  if (rows == NULL && fanout->connection != NULL &&
      pg_connection_is_lost (fanout->connection))
    g_clear_pointer (&fanout->connection, pg_connection_free);
  return rows;
}

enum {
  COLUMN_ID,
  COLUMN_LINK,
  COLUMN_GAME,
  COLUMN_GAME_TITLE,
  COLUMN_TITLE,
  COLUMN_STARTED,
  COLUMN_CURSOR,
  COLUMN_PAGES,
  COLUMN_RETRYING,
  COLUMN_FAILURES,
};

/* NULL without an error: there is nothing to do. */
static Job *
lease_job (Fanout *fanout, GError **error)
{
  const char *values[] = {fanout->node, LEASE};
  g_autoptr (PgRows) rows = query (fanout,
      "SELECT j.id, j.link, g.id, g.title, b.title, "
      "wishcast.json_time (coalesce (b.started_at, j.created_at)), j.cursor, "
      "j.pages, j.retrying, j.failures "
      "FROM wishcast.lease_notification ($1, $2::interval) j "
      "JOIN wishcast.broadcast b ON b.link = j.link "
      "JOIN wishcast.game g ON g.id = j.game",
      G_N_ELEMENTS (values), values, error);
  Job *job;

  if (rows == NULL || pg_rows_count (rows) == 0)
    return NULL;
  job = g_new0 (Job, 1);
  job->watch_url = g_strdup_printf (
      "%s/watch/%s", fanout->public_url, pg_rows_get (rows, 0, COLUMN_LINK));
  job->notice = (NoticeJob){
      .broadcast = pg_rows_get (rows, 0, COLUMN_ID),
      .link = pg_rows_get (rows, 0, COLUMN_LINK),
      .game = pg_rows_get (rows, 0, COLUMN_GAME),
      .game_title = pg_rows_get (rows, 0, COLUMN_GAME_TITLE),
      .title = pg_rows_get (rows, 0, COLUMN_TITLE),
      .watch_url = job->watch_url,
      .source = fanout->public_url,
      .started_at = pg_rows_get (rows, 0, COLUMN_STARTED),
  };
  job->cursor = pg_rows_get (rows, 0, COLUMN_CURSOR);
  job->pages = g_ascii_strtoull (pg_rows_get (rows, 0, COLUMN_PAGES), NULL, 10);
  job->is_retrying = *pg_rows_get (rows, 0, COLUMN_RETRYING) == 't';
  job->failures = (guint)g_ascii_strtoull (
      pg_rows_get (rows, 0, COLUMN_FAILURES), NULL, 10);
  job->rows = g_steal_pointer (&rows);
  return job;
}

static char *
make_refused_json (const DeliveryResult *result)
{
  GString *json = g_string_new ("[");

  for (guint i = 0; result->refusals != NULL && i < result->refusals->len;
       i++) {
    const DeliveryRefusal *refusal = g_ptr_array_index (result->refusals, i);

    g_string_append (json, i > 0 ? ",{\"user_id\":" : "{\"user_id\":");
    json_text_append (json, refusal->user->id);
    g_string_append (json, ",\"username\":");
    json_text_append (json, refusal->user->name);
    g_string_append (json, ",\"language\":");
    json_text_append (json, refusal->user->language);
    g_string_append (json, ",\"reason\":");
    json_text_append (json, refusal->reason);
    g_string_append_c (json, '}');
  }
  g_string_append_c (json, ']');
  return g_string_free (json, FALSE);
}

/* FALSE without an error: the job is not ours any more. */
static gboolean
advance (Fanout *fanout, Job *job, const WishlistPage *page,
    const DeliveryResult *result, GError **error)
{
  g_autofree char *pages = g_strdup_printf ("%" G_GUINT64_FORMAT, job->pages);
  g_autofree char *sent = g_strdup_printf ("%" G_GUINT64_FORMAT, result->sent);
  g_autofree char *refused = make_refused_json (result);
  const char *values[] = {job->notice.broadcast, fanout->node, pages,
      page->cursor, sent, refused, LEASE,
      page->cursor == NULL ? "true" : "false"};
  g_autoptr (PgRows) rows = query (fanout,
      "SELECT wishcast.advance_notification ($1::uuid, $2, $3::bigint, $4, "
      "$5::bigint, $6::jsonb, $7::interval, $8::boolean)",
      G_N_ELEMENTS (values), values, error);

  if (rows == NULL || *pg_rows_get (rows, 0, 0) != 't')
    return FALSE;
  job->pages++;
  g_mutex_lock (&fanout->lock);
  fanout->stats.sent += result->sent;
  fanout->stats.refused += result->refusals != NULL ? result->refusals->len : 0;
  g_mutex_unlock (&fanout->lock);
  return TRUE;
}

/* What is wrong, for programs; NULL: @why says it all. */
static const char *
get_problem_code (Fanout *fanout, const GError *why)
{
  if (why->domain == WISHLIST_ERROR)
    return "store";
  if (why->domain == PG_ERROR)
    return "database";
  for (guint i = 0; i < fanout->deliveries->len; i++) {
    const Delivery *delivery = g_ptr_array_index (fanout->deliveries, i);

    if (*delivery->problem != '\0')
      return delivery->problem;
  }
  return NULL;
}

/* Where the database is away too, the lease runs out by itself. */
static void
postpone (Fanout *fanout, const Job *job, const GError *why, gint64 wait)
{
  g_autofree char *interval =
      g_strdup_printf ("%" G_GINT64_FORMAT " microseconds", wait);
  const char *give_up =
      g_error_matches (why, DELIVERY_ERROR, DELIVERY_ERROR_DISABLED)
          ? "disabled"
          : NULL;
  const char *values[] = {job->notice.broadcast, fanout->node, why->message,
      interval, give_up, get_problem_code (fanout, why)};
  g_autoptr (PgRows) rows = NULL;
  g_autoptr (GError) error = NULL;

  g_message ("The notices of %s %s: %s", job->notice.link,
      give_up != NULL ? "are given up" : "have to wait", why->message);
  rows = query (fanout,
      "SELECT wishcast.postpone_notification ($1::uuid, $2, $3, $4::interval, "
      "$5, $6)",
      G_N_ELEMENTS (values), values, &error);
  g_mutex_lock (&fanout->lock);
  fanout->stats.failures++;
  g_mutex_unlock (&fanout->lock);
}

/* Somebody else need not wait for the lease to run out. */
static void
release (Fanout *fanout, const Job *job)
{
  const char *values[] = {job->notice.broadcast, fanout->node};
  g_autoptr (PgRows) rows =
      query (fanout, "SELECT wishcast.release_notification ($1::uuid, $2)",
          G_N_ELEMENTS (values), values, NULL);
}

/* --- One job ----------------------------------------------------------------------*/

static void
write_total (Fanout *fanout, const Job *job, WishlistSource *source)
{
  gint64 n = wishlist_source_count (source, job->notice.game, fanout->ending);
  g_autofree char *total = g_strdup_printf ("%" G_GINT64_FORMAT, n);
  const char *values[] = {job->notice.broadcast, total};
  g_autoptr (PgRows) rows = NULL;

  if (n >= 0)
    rows = query (fanout,
        "UPDATE wishcast.notification_job SET total = $2::bigint "
        "WHERE id = $1::uuid",
        G_N_ELEMENTS (values), values, NULL);
}

static PageReader *
make_reader (Fanout *fanout, const Job *job, const NoticeForm *form)
{
  guint half = fanout->max_rate == 0
                   ? FANOUT_HALF
                   : CLAMP (fanout->max_rate, LEAST_HALF, FANOUT_HALF);
  WishlistSource *source;

  if (job->is_retrying)
    return page_reader_new (wishlist_sql_new (fanout->conninfo, OF_REFUSED),
        job->notice.broadcast, job->cursor, half, form);
  source = fanout->make_source (fanout->data);
  if (job->pages == 0)
    write_total (fanout, job, source);
  return page_reader_new (source, job->notice.game, job->cursor, half, form);
}

/* Whether pages are begun ahead: where there are several ways, one that fails must
 * not find that the others have told the same page already, each time anew. */
static gboolean
is_ahead (const Fanout *fanout)
{
  const Delivery *only = g_ptr_array_index (fanout->deliveries, 0);

  return fanout->deliveries->len == 1 && only->class->begin != NULL;
}

static gboolean
begin (Fanout *fanout, const NoticeForm *form, const WishlistPage *page,
    GCancellable *cancellable, GError **error)
{
  Delivery *delivery = g_ptr_array_index (fanout->deliveries, 0);

  return !is_ahead (fanout) ||
         delivery->class->begin (delivery, form, page, cancellable, error);
}

static gboolean
deliver (Fanout *fanout, const Job *job, const NoticeForm *form,
    const WishlistPage *page, DeliveryResult *result, GCancellable *cancellable,
    GError **error)
{
  for (guint i = 0; i < fanout->deliveries->len; i++) {
    Delivery *delivery = g_ptr_array_index (fanout->deliveries, i);

    /* By several ways, each user counts once. */
    result->sent = 0;
    if (!is_ahead (fanout) && delivery->class->begin != NULL &&
        !delivery->class->begin (delivery, form, page, cancellable, error))
      return FALSE;
    if (!delivery->class->deliver (
            delivery, form, job->pages, page, result, cancellable, error))
      return FALSE;
  }
  return TRUE;
}

static void
drop (Fanout *fanout)
{
  for (guint i = 0; i < fanout->deliveries->len; i++) {
    Delivery *delivery = g_ptr_array_index (fanout->deliveries, i);

    if (delivery->class->drop != NULL)
      delivery->class->drop (delivery);
  }
}

/* Waits so that no more than the rate have been told since @begun. */
static void
pace (Fanout *fanout, guint64 n, gint64 begun, GCancellable *cancellable)
{
  GPollFD fd;
  gint64 wait;

  if (fanout->max_rate == 0)
    return;
  wait = begun + (gint64)(n * G_TIME_SPAN_SECOND / fanout->max_rate) -
         g_get_monotonic_time ();
  if (wait > 0 && g_cancellable_make_pollfd (cancellable, &fd)) {
    g_poll (&fd, 1, (int)(wait / G_TIME_SPAN_MILLISECOND));
    g_cancellable_release_fd (cancellable);
  }
}

/* What is under way of a job. */
typedef struct {
  PageReader *reader;
  NoticeForm *form;
  WishlistPage *page; /* that is begun: half a page */
  WishlistPage *next; /* that is begun too, or NULL */
} Course;

static void
course_clear (Course *course)
{
  g_clear_pointer (&course->page, wishlist_page_free);
  g_clear_pointer (&course->next, wishlist_page_free);
  page_reader_free (course->reader);
  notice_form_free (course->form);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Course, course_clear)

/* Waits for what is read next. */
static gboolean
begin_page (
    Fanout *fanout, Course *course, GCancellable *cancellable, GError **error)
{
  course->page = page_reader_next (course->reader, cancellable, error);
  return course->page != NULL &&
         begin (fanout, course->form, course->page, cancellable, error);
}

/* The other half of a page goes out before this one is answered for and
 * committed, so that neither waits for the other; but not faster than it may. */
static gboolean
begin_ahead (
    Fanout *fanout, Course *course, GCancellable *cancellable, GError **error)
{
  if (fanout->max_rate > 0 || course->page->cursor == NULL ||
      !is_ahead (fanout))
    return TRUE;
  /* If it cannot be read, begin_page() tries once more, and says so. */
  course->next = page_reader_next (course->reader, cancellable, NULL);
  return course->next == NULL ||
         begin (fanout, course->form, course->next, cancellable, error);
}

static gboolean
finish_page (Fanout *fanout, Job *job, Course *course,
    GCancellable *cancellable, GError **error)
{
  g_auto (DeliveryResult) result = {0};

  if (!deliver (fanout, job, course->form, course->page, &result, cancellable,
          error) ||
      !advance (fanout, job, course->page, &result, error))
    return FALSE;
  wishlist_page_free (course->page);
  course->page = g_steal_pointer (&course->next);
  return TRUE;
}

/* FALSE: with @error what stopped it, without if it is not ours any more. */
static gboolean
run_pages (Fanout *fanout, Job *job, GCancellable *cancellable, GError **error)
{
  g_auto (Course)
      course = {.form = notice_form_new (fanout->texts, &job->notice)};
  gint64 begun = g_get_monotonic_time ();
  guint64 n = 0;
  gboolean is_last = FALSE;

  course.reader = make_reader (fanout, job, course.form);
  while (!is_last) {
    if ((course.page == NULL &&
            !begin_page (fanout, &course, cancellable, error)) ||
        !begin_ahead (fanout, &course, cancellable, error))
      break;
    is_last = course.page->cursor == NULL;
    n += course.page->users->len;
    if (!finish_page (fanout, job, &course, cancellable, error)) {
      is_last = FALSE;
      break;
    }
    if (!is_last)
      pace (fanout, n, begun, cancellable);
  }
  if (!is_last)
    drop (fanout);
  return is_last;
}

static gint64
get_wait (Fanout *fanout, const Job *job)
{
  Backoff backoff = {G_TIME_SPAN_SECOND, MOST_WAIT, job->failures};
  gint64 wait = backoff_next (&backoff, g_random_double ());

  for (guint i = 0; i < fanout->deliveries->len; i++) {
    const Delivery *delivery = g_ptr_array_index (fanout->deliveries, i);

    wait = MAX (wait, delivery->retry_after);
  }
  return wait;
}

static void
set_job (Fanout *fanout, const Job *job, GCancellable *cancellable)
{
  g_mutex_lock (&fanout->lock);
  g_free (fanout->job);
  fanout->job = job != NULL ? g_strdup (job->notice.broadcast) : NULL;
  g_set_object (&fanout->breaking, cancellable);
  fanout->stats.is_busy = job != NULL;
  g_mutex_unlock (&fanout->lock);
}

/* What was wrong with other jobs is not with this one. */
static void
forget_problems (Fanout *fanout)
{
  for (guint i = 0; i < fanout->deliveries->len; i++) {
    Delivery *delivery = g_ptr_array_index (fanout->deliveries, i);

    delivery->problem[0] = '\0';
  }
}

static void
on_ending (GCancellable *ending, gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

static void
run_job (Fanout *fanout, Job *job)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gulong handler = g_cancellable_connect (
      fanout->ending, G_CALLBACK (on_ending), cancellable, NULL);
  guint64 first = job->pages;
  g_autoptr (GError) error = NULL;

  set_job (fanout, job, cancellable);
  forget_problems (fanout);
  if (run_pages (fanout, job, cancellable, &error)) {
    g_message ("All who wait for %s have been told of %s", job->notice.game,
        job->notice.link);
  } else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
             error == NULL) {
    g_message ("The notices of %s were broken off", job->notice.link);
    release (fanout, job);
  } else {
    if (job->pages > first)
      job->failures = 0;
    postpone (fanout, job, error, get_wait (fanout, job));
  }
  g_cancellable_disconnect (fanout->ending, handler);
  set_job (fanout, NULL, NULL);
}

/* --- The threads ------------------------------------------------------------------*/

static void
wait_for_news (Fanout *fanout)
{
  gint64 until = g_get_monotonic_time () + GLANCE * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&fanout->lock);
  while (!fanout->has_news && !g_cancellable_is_cancelled (fanout->ending) &&
         g_cond_wait_until (&fanout->woken, &fanout->lock, until))
    ;
  fanout->has_news = FALSE;
  g_mutex_unlock (&fanout->lock);
}

static void
tell (Fanout *fanout, const GError *error)
{
  if (error != NULL && !fanout->is_troubled)
    g_message ("Notices wait for the database: %s", error->message);
  else if (error == NULL && fanout->is_troubled)
    g_message ("Notices need not wait for the database any more");
  fanout->is_troubled = error != NULL;
}

static gpointer
run (gpointer data)
{
  Fanout *fanout = data;

  while (!g_cancellable_is_cancelled (fanout->ending)) {
    g_autoptr (GError) error = NULL;
    g_autoptr (Job) job = lease_job (fanout, &error);

    tell (fanout, error);
    if (job != NULL)
      run_job (fanout, job);
    else
      wait_for_news (fanout);
  }
  g_clear_pointer (&fanout->connection, pg_connection_free);
  return NULL;
}

static void
wake (Fanout *fanout)
{
  g_mutex_lock (&fanout->lock);
  fanout->has_news = TRUE;
  g_cond_broadcast (&fanout->woken);
  g_mutex_unlock (&fanout->lock);
}

static gboolean
on_connected (PgConnection *connection, gpointer data, GError **error)
{
  wake (data);
  return TRUE;
}

static gboolean
on_notified (PgConnection *connection, const char *channel, const char *payload,
    gpointer data, GError **error)
{
  wake (data);
  return TRUE;
}

/* A receiver may take longer for a page than the lease lasts. On the worker's
 * thread. */
static gboolean
renew (PgConnection *connection, gpointer data, GError **error)
{
  Fanout *fanout = data;
  g_autofree char *job = NULL;
  g_autoptr (GCancellable) breaking = NULL;
  g_autoptr (PgRows) rows = NULL;

  g_mutex_lock (&fanout->lock);
  job = g_strdup (fanout->job);
  if (fanout->breaking != NULL)
    breaking = g_object_ref (fanout->breaking);
  g_mutex_unlock (&fanout->lock);
  if (job == NULL)
    return TRUE;
  rows = pg_connection_query (connection,
      "UPDATE wishcast.notification_job SET "
      "lease_until = now () + $3::interval "
      "WHERE id = $1::uuid AND node = $2 AND state = 'running' RETURNING 1",
      3, (const char *[]){job, fanout->node, LEASE}, error);
  if (rows == NULL)
    return FALSE;
  if (pg_rows_count (rows) == 0)
    g_cancellable_cancel (breaking);
  return TRUE;
}

Fanout *
fanout_new (const FanoutSettings *settings)
{
  /* A job may have come before the row of its broadcast. */
  static const char *const channels[] = {
      "wishcast_jobs", "wishcast_events", NULL};
  const PgWorkerEvents events = {
      .connected = on_connected, .notified = on_notified};
  Fanout *fanout = g_new0 (Fanout, 1);

  fanout->conninfo = g_strdup (settings->conninfo);
  fanout->node = g_strdup (settings->node);
  fanout->public_url = g_strdup (settings->public_url);
  fanout->texts = settings->texts;
  fanout->max_rate = settings->max_rate;
  fanout->deliveries = g_ptr_array_ref (settings->deliveries);
  fanout->make_source = settings->make_source;
  fanout->data = settings->data;
  fanout->ending = g_cancellable_new ();
  g_mutex_init (&fanout->lock);
  g_cond_init (&fanout->woken);
  fanout->worker =
      pg_worker_new ("notifier", fanout->conninfo, channels, &events, fanout);
  pg_worker_add_timer (fanout->worker, GLANCE, renew, fanout);
  fanout->thread = g_thread_new ("notifier", run, fanout);
  return fanout;
}

void
fanout_free (Fanout *fanout)
{
  if (fanout == NULL)
    return;
  g_cancellable_cancel (fanout->ending);
  wake (fanout);
  g_thread_join (fanout->thread);
  pg_worker_free (fanout->worker, 0);
  g_ptr_array_unref (fanout->deliveries);
  g_object_unref (fanout->ending);
  g_mutex_clear (&fanout->lock);
  g_cond_clear (&fanout->woken);
  g_free (fanout->conninfo);
  g_free (fanout->node);
  g_free (fanout->public_url);
  g_free (fanout);
}

void
fanout_get_stats (Fanout *fanout, FanoutStats *stats)
{
  g_mutex_lock (&fanout->lock);
  *stats = fanout->stats;
  g_mutex_unlock (&fanout->lock);
}
