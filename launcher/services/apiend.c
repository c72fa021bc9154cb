/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apiend.h"

#include <string.h>

#include "apianswer.h"

/* How long an answer waits for the row of a broadcast to say "ended". */
#define PATIENCE 3000 /* ms */
/* Requests under way. */
#define MAX_OPEN 64

struct _ApiEnds {
  ApiGate *gate;
  Catalogue *catalogue;
  ApiQueries *queries;    /* NULL while it is freed */
  Broadcasts *broadcasts; /* or NULL */
  GMainContext *context;
  GPtrArray *open; /* of End, owned */
  GThreadPool *pool;
};

typedef enum {
  END_DECIDES, /* asks the database */
  END_STOPS,   /* the pool ends it on this node */
  END_WAITS,   /* for its row */
} EndState;

/* One request that is not answered. */
typedef struct {
  ApiEnds *ends;
  EndState state;
  SoupServerMessage *message; /* held */
  char *link;
  char *game; /* that the key is for; NULL: the operator */
  GSource *timer;
  gboolean was_here; /* the answer of the pool */
} End;

static void
end_free (gpointer data)
{
  End *end = data;

  if (end->timer != NULL) {
    g_source_destroy (end->timer);
    g_source_unref (end->timer);
  }
  api_release (end->message);
  g_free (end->link);
  g_free (end->game);
  g_free (end);
}

/* Sends the answer that was set, and is done with it. */
static void
finish (End *end)
{
  g_ptr_array_remove_fast (end->ends->open, end);
}

static void
finish_problem (End *end, guint status, const char *detail)
{
  api_answer_problem (end->message, status, detail);
  finish (end);
}

static void
finish_accepted (End *end)
{
  /* No character of a link needs an escape. */
  api_answer (end->message, SOUP_STATUS_ACCEPTED, API_JSON, API_NO_STORE,
      g_strdup_printf ("{\"link\": \"%s\", \"state\": \"ending\"}", end->link));
  finish (end);
}

static void
set_timer (End *end, guint interval, GSourceFunc func)
{
  end->timer = g_timeout_source_new (interval);
  g_source_set_callback (end->timer, func, end, NULL);
  g_source_attach (end->timer, end->ends->context);
}

/* --- Ending ----------------------------------------------------------------*/

static const char *
describe (const GError *error)
{
  return error->domain == G_IO_ERROR ? error->message
                                     : "The database cannot be asked now";
}

static void
finish_later (End *end, const GError *error)
{
  g_autofree char *text = g_strdup_printf ("%s.", describe (error));

  api_answer_later (end->message, 2, text);
  finish (end);
}

static void
on_requested (const PgRows *rows, const GError *error, gpointer data)
{
  End *end = data;

  if (rows == NULL)
    finish_later (end, error);
  else if (g_strcmp0 (pg_rows_get (rows, 0, 0), "t") == 0)
    finish_accepted (end);
  else
    finish_problem (
        end, SOUP_STATUS_CONFLICT, "This broadcast has ended already.");
}

static gboolean
on_out_of_patience (gpointer data)
{
  finish_accepted (data);
  return G_SOURCE_REMOVE;
}

/* TRUE: it was answered. */
static gboolean
finish_if_ended (End *end)
{
  Catalogue *catalogue = end->ends->catalogue;
  g_autofree char *game = NULL;
  g_autofree char *json = NULL;
  gboolean is_ended;

  if (!catalogue_look_up (catalogue, end->link, &game, &is_ended) || !is_ended)
    return FALSE;
  json = catalogue_get (catalogue, end->link);
  /* It may have become too old for memory in between. */
  if (json == NULL)
    return FALSE;
  api_answer (end->message, SOUP_STATUS_OK, API_JSON, API_NO_STORE,
      g_steal_pointer (&json));
  finish (end);
  return TRUE;
}

static gboolean
on_stopped (gpointer data)
{
  End *end = data;
  const char *values[] = {end->link};

  if (end->ends->queries == NULL) {
    finish (end);
    return G_SOURCE_REMOVE;
  }
  if (!end->was_here) {
    end->state = END_DECIDES;
    api_queries_run (end->ends->queries, "SELECT wishcast.request_end ($1)",
        G_N_ELEMENTS (values), values, on_requested, end);
    return G_SOURCE_REMOVE;
  }
  end->state = END_WAITS;
  if (finish_if_ended (end))
    return G_SOURCE_REMOVE;
  if (catalogue_get_stale_since (end->ends->catalogue) != 0)
    finish_accepted (end);
  else
    set_timer (end, PATIENCE, on_out_of_patience);
  return G_SOURCE_REMOVE;
}

/* On a thread of the pool: stopping a pipeline takes its time. */
static void
stop (gpointer data, gpointer user_data)
{
  End *end = data;
  ApiEnds *ends = user_data;

  end->was_here = broadcasts_end (ends->broadcasts, end->link,
      end->game != NULL ? "developer" : "operator");
  g_main_context_invoke (ends->context, on_stopped, end);
}

static void
decide (End *end, const char *game, gboolean is_ended)
{
  if (end->game != NULL && strcmp (end->game, game) != 0) {
    finish_problem (
        end, SOUP_STATUS_FORBIDDEN, "This stream key is for another game.");
  } else if (is_ended) {
    finish_problem (
        end, SOUP_STATUS_CONFLICT, "This broadcast has ended already.");
  } else if (end->ends->broadcasts != NULL) {
    end->state = END_STOPS;
    g_thread_pool_push (end->ends->pool, end, NULL);
  } else {
    on_stopped (end);
  }
}

static void
on_found (const PgRows *rows, const GError *error, gpointer data)
{
  End *end = data;

  if (rows == NULL)
    finish_later (end, error);
  else if (pg_rows_count (rows) == 0)
    finish_problem (
        end, SOUP_STATUS_NOT_FOUND, "There is no broadcast with this link.");
  else
    decide (end, pg_rows_get (rows, 0, 0),
        g_strcmp0 (pg_rows_get (rows, 0, 1), "t") == 0);
}

/* The game of a broadcast of this node that the database does not know yet.
 * (transfer full) */
static char *
find_here (ApiEnds *ends, const char *link)
{
  g_autoptr (GPtrArray) list = NULL;

  if (ends->broadcasts == NULL)
    return NULL;
  list = broadcasts_list (ends->broadcasts);
  for (guint i = 0; i < list->len; i++) {
    const BroadcastStatus *status = g_ptr_array_index (list, i);

    if (strcmp (status->link, link) == 0)
      return g_strdup (status->game);
  }
  return NULL;
}

static void
look_up (End *end)
{
  const char *values[] = {end->link};
  g_autofree char *game = NULL;
  gboolean is_ended;

  if (catalogue_look_up (end->ends->catalogue, end->link, &game, &is_ended)) {
    decide (end, game, is_ended);
    return;
  }
  game = find_here (end->ends, end->link);
  if (game != NULL)
    decide (end, game, FALSE);
  else
    api_queries_run (end->ends->queries,
        "SELECT game, state = 'ended' FROM wishcast.broadcast WHERE link = $1",
        G_N_ELEMENTS (values), values, on_found, end);
}

/* --- Public ----------------------------------------------------------------*/

static End *
end_new (ApiEnds *ends, SoupServerMessage *message, const char *link)
{
  End *end = g_new0 (End, 1);

  end->ends = ends;
  end->message = api_hold (message);
  end->link = g_strdup (link);
  g_ptr_array_add (ends->open, end);
  return end;
}

void
api_ends_request (ApiEnds *ends, SoupServerMessage *message, const char *link)
{
  g_autoptr (KeyOwner) owner = NULL;
  End *end;

  if (!api_gate_let_in (
          ends->gate, message, API_GATE_DEVELOPER | API_GATE_OPERATOR, &owner))
    return;
  if (ends->open->len >= MAX_OPEN) {
    api_answer_too_many (message);
    return;
  }
  end = end_new (ends, message, link);
  if (owner != NULL)
    end->game = g_steal_pointer (&owner->game);
  look_up (end);
}

void
api_ends_wake (ApiEnds *ends)
{
  /* Backwards, as what is finished leaves its place to the last one. */
  for (guint i = ends->open->len; i > 0; i--) {
    End *end = g_ptr_array_index (ends->open, i - 1);

    if (end->state == END_WAITS)
      finish_if_ended (end);
  }
}

ApiEnds *
api_ends_new (Broadcasts *broadcasts, ApiGate *gate, Catalogue *catalogue,
    ApiQueries *queries, GMainContext *context)
{
  ApiEnds *ends = g_new0 (ApiEnds, 1);

  ends->gate = gate;
  ends->catalogue = catalogue;
  ends->queries = queries;
  ends->broadcasts = broadcasts;
  ends->context = context;
  ends->open = g_ptr_array_new_with_free_func (end_free);
  ends->pool = g_thread_pool_new (stop, ends, 2, FALSE, NULL);
  return ends;
}

void
api_ends_free (ApiEnds *ends)
{
  if (ends == NULL)
    return;
  ends->queries = NULL;
  g_thread_pool_free (ends->pool, FALSE, TRUE);
  /* What the pool has sent to this thread. */
  while (g_main_context_iteration (ends->context, FALSE))
    ;
  g_ptr_array_unref (ends->open);
  g_free (ends);
}
