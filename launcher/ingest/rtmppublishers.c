/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmppublishers.h"

#include <openssl/rand.h>
#include <string.h>

#include "floodgate.h"

/* What the floodgate remembers; about 100 bytes each. */
#define MOST_ADDRESSES 4096
/* Answers held back; whoever comes beyond that is refused at once. Each is a
 * connection of nginx to us, and one of a client to nginx. */
#define MOST_KNOCKS 256
/* Pipelines that start or stop at the same time, so that one with a stalled
 * disk does not keep other publishers waiting. */
#define MOST_JOBS 32
/* nginx waits for an answer for 10 s. The pull needs some 50 ms. */
#define PULL_PATIENCE (3 * G_TIME_SPAN_SECOND)
#define RIVAL_PATIENCE (6 * G_TIME_SPAN_SECOND)
/* Updates come once a second. */
#define UPDATE_PATIENCE (10 * G_TIME_SPAN_SECOND)
#define SILENT_UPDATES 2
/* How long the last frames of one who has left may take through the pull. */
#define DRAIN_PATIENCE (1 * G_TIME_SPAN_SECOND)
#define SWEEP_SECONDS 2
#define TICKET_BYTES 16

typedef struct _Publisher Publisher;

/* An on_publish that is not answered yet. It belongs to the table of knocks;
 * hook thread only. */
typedef struct {
  RtmpPublishers *publishers;
  RtmpCall call;
  SoupServerMessage *message; /* paused */
  gulong finished_id, disconnected_id;
  gboolean finished; /* nothing can be answered any more */
  GSource *timer;    /* or NULL */
  Publisher *owner;  /* for whom it waits, or NULL */
} Knock;

struct _RtmpPublishers {
  Broadcasts *broadcasts;
  char *pull;
  char *app; /* last part of @pull */
  char *control;
  GMainContext *context;
  GThreadPool *jobs;

  /* Hook thread only. */
  SoupSession *session;
  Floodgate *gate;
  GSource *sweep;
  gboolean stopped;
  GHashTable *knocks;  /* number of the client -> Knock */
  GHashTable *clients; /* number of the client -> Publisher */
  GHashTable *tickets; /* ticket -> Publisher */
  GHashTable *keys;    /* hash of the key -> Publisher, until it has ended */
};

/* One whom we let in. Counted references, as jobs and drops hold one. */
struct _Publisher {
  RtmpPublishers *publishers;
  char *ticket;
  char *client;
  char *app;
  char *key; /* SHA-256, in hex */
  char key_id[STREAM_KEY_ID_LENGTH + 1];

  /* Hook thread only. */
  Knock *knock;   /* its own, until it is answered */
  Knock *rival;   /* another with this key, who waits for the end of this */
  guint updates;  /* since the rival came */
  gint64 updated; /* monotonic us, 0 for never */
  gint64 time;    /* of its media, as nginx told last */
  guint silent;   /* updates in a row without new media */
  GSource *drain; /* after it left, while the last frames come; or NULL */
  gboolean gone;

  /* Held while the publication is started and ended. */
  GMutex lock;
  Publication *publication;
  gboolean over;
};

static void consider (Knock *knock);
static void publisher_leave (Publisher *publisher);

/* --- Publishers ---------------------------------------------------------- */

static char *
make_ticket (void)
{
  guint8 bytes[TICKET_BYTES];
  GString *text = g_string_new (NULL);

  if (RAND_bytes (bytes, sizeof bytes) != 1)
    g_error ("There are no random bytes to be had");
  for (guint i = 0; i < sizeof bytes; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  return g_string_free (text, FALSE);
}

static Publisher *
publisher_new (RtmpPublishers *publishers, const RtmpCall *call)
{
  Publisher *publisher = g_atomic_rc_box_new0 (Publisher);
  char buffer[STREAM_KEY_ID_LENGTH + 1];

  publisher->publishers = publishers;
  publisher->ticket = make_ticket ();
  publisher->client = g_strdup (call->client);
  publisher->app = g_strdup (call->app);
  publisher->key =
      g_compute_checksum_for_string (G_CHECKSUM_SHA256, call->name, -1);
  g_strlcpy (publisher->key_id, stream_key_redact (call->name, buffer),
      sizeof publisher->key_id);
  publisher->time = -1;
  g_mutex_init (&publisher->lock);
  return publisher;
}

static void
publisher_clear (gpointer data)
{
  Publisher *publisher = data;

  g_assert (!publisher->publication && !publisher->knock && !publisher->rival &&
            !publisher->drain);
  g_mutex_clear (&publisher->lock);
  g_free (publisher->ticket);
  g_free (publisher->client);
  g_free (publisher->app);
  g_free (publisher->key);
}

static void
publisher_unref (gpointer publisher)
{
  g_atomic_rc_box_release_full (publisher, publisher_clear);
}

/* --- Knocks -------------------------------------------------------------- */

static void
on_finished (SoupServerMessage *message, gpointer data)
{
  ((Knock *)data)->finished = TRUE;
}

static Knock *
knock_new (
    RtmpPublishers *publishers, SoupServerMessage *message, RtmpCall *call)
{
  Knock *knock = g_new0 (Knock, 1);

  knock->publishers = publishers;
  knock->call = *call;
  memset (call, 0, sizeof *call);
  knock->message = g_object_ref (message);
  knock->finished_id =
      g_signal_connect (message, "finished", G_CALLBACK (on_finished), knock);
  knock->disconnected_id = g_signal_connect (
      message, "disconnected", G_CALLBACK (on_finished), knock);
  soup_server_message_pause (message);
  g_hash_table_replace (publishers->knocks, knock->call.client, knock);
  return knock;
}

static void
knock_stop_waiting (Knock *knock)
{
  if (knock->timer) {
    g_source_destroy (knock->timer);
    g_clear_pointer (&knock->timer, g_source_unref);
  }
  if (!knock->owner)
    return;
  if (knock->owner->knock == knock)
    knock->owner->knock = NULL;
  if (knock->owner->rival == knock)
    knock->owner->rival = NULL;
  knock->owner = NULL;
}

/* Frees it. */
static void
knock_answer (Knock *knock, guint status, const char *location)
{
  knock_stop_waiting (knock);
  g_hash_table_remove (knock->publishers->knocks, knock->call.client);
  g_signal_handler_disconnect (knock->message, knock->finished_id);
  g_signal_handler_disconnect (knock->message, knock->disconnected_id);
  /* libsoup takes it badly to go on with one that is over. */
  if (!knock->finished) {
    soup_server_message_set_status (knock->message, status, NULL);
    if (location)
      soup_message_headers_replace (
          soup_server_message_get_response_headers (knock->message), "Location",
          location);
    soup_server_message_unpause (knock->message);
  }
  g_object_unref (knock->message);
  rtmp_call_clear (&knock->call);
  g_free (knock);
}

static void
knock_wait (Knock *knock, gint64 time, GSourceFunc function)
{
  knock->timer = g_timeout_source_new ((guint)(time / 1000));
  g_source_set_callback (knock->timer, function, knock, NULL);
  g_source_attach (knock->timer, knock->publishers->context);
}

static gboolean
on_refusal_due (gpointer data)
{
  knock_answer (data, SOUP_STATUS_FORBIDDEN, NULL);
  return G_SOURCE_REMOVE;
}

/* Takes @knock. */
static void
refuse (Knock *knock, const char *reason)
{
  RtmpPublishers *publishers = knock->publishers;
  const char *address = knock->call.address;
  gint64 now = g_get_monotonic_time ();
  gint64 delay = floodgate_get_delay (publishers->gate, address, now);
  char buffer[STREAM_KEY_ID_LENGTH + 1];

  floodgate_refused (publishers->gate, address, now);
  knock_stop_waiting (knock);
  /* A flood is not worth a line for each. */
  g_log (G_LOG_DOMAIN, delay ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_MESSAGE,
      "rtmp: refused %s with key %s: %s", address,
      stream_key_redact (knock->call.name, buffer), reason);
  if (delay && g_hash_table_size (publishers->knocks) <= MOST_KNOCKS)
    knock_wait (knock, delay, on_refusal_due);
  else
    knock_answer (knock, SOUP_STATUS_FORBIDDEN, NULL);
}

/* --- Starting and ending pipelines, on threads of the pool --------------- */

typedef struct {
  Publisher *publisher;
  gboolean end;
} Job;

typedef struct {
  Publisher *publisher;
  char *text; /* of an error, of a reason, or NULL */
} News;

static void
news_free (gpointer data)
{
  News *news = data;

  publisher_unref (news->publisher);
  g_free (news->text);
  g_free (news);
}

/* Has @function called on the hook thread. @publisher and @text (transfer
 * full) */
static void
tell (Publisher *publisher, char *text, GSourceFunc function)
{
  News *news = g_new0 (News, 1);
  g_autoptr (GSource) source = g_idle_source_new ();

  news->publisher = publisher;
  news->text = text;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, function, news, news_free);
  g_source_attach (source, publisher->publishers->context);
}

static gboolean
on_start_failed (gpointer data)
{
  News *news = data;

  if (!news->publisher->gone)
    g_message ("rtmp: the broadcast of key %s does not start: %s",
        news->publisher->key_id, news->text);
  publisher_leave (news->publisher);
  return G_SOURCE_REMOVE;
}

static gboolean
on_ended (gpointer data)
{
  Publisher *publisher = ((News *)data)->publisher;
  RtmpPublishers *publishers = publisher->publishers;
  Knock *rival = publisher->rival;

  if (g_hash_table_lookup (publishers->keys, publisher->key) == publisher)
    g_hash_table_remove (publishers->keys, publisher->key);
  if (rival) {
    knock_stop_waiting (rival);
    consider (rival);
  }
  return G_SOURCE_REMOVE;
}

static void
start_publication (Publisher *publisher)
{
  g_autofree char *pull = g_strescape (publisher->publishers->pull, NULL);
  g_autofree char *source =
      g_strdup_printf ("rtmp2src location=\"%s/%s\" ! flvdemux name=source",
          pull, publisher->ticket);
  g_autoptr (GError) error = NULL;
  gboolean started;

  g_mutex_lock (&publisher->lock);
  /* The publisher may have left before we came to this. */
  started = publisher->over ||
            publication_start (publisher->publication, source, &error);
  g_mutex_unlock (&publisher->lock);
  if (!started)
    tell (g_atomic_rc_box_acquire (publisher), g_strdup (error->message),
        on_start_failed);
}

static void
end_publication (Publisher *publisher)
{
  g_mutex_lock (&publisher->lock);
  publisher->over = TRUE;
  publication_end (publisher->publication);
  publisher->publication = NULL;
  g_mutex_unlock (&publisher->lock);
  tell (g_atomic_rc_box_acquire (publisher), NULL, on_ended);
}

static void
do_job (gpointer data, gpointer user_data)
{
  Job *job = data;

  if (job->end)
    end_publication (job->publisher);
  else
    start_publication (job->publisher);
  publisher_unref (job->publisher);
  g_free (job);
}

static void
push_job (Publisher *publisher, gboolean end)
{
  Job *job = g_new0 (Job, 1);

  job->publisher = g_atomic_rc_box_acquire (publisher);
  job->end = end;
  g_thread_pool_push (publisher->publishers->jobs, job, NULL);
}

/* --- The life of a publisher --------------------------------------------- */

/* What comes of it does not matter: if nginx does not hear this, it is told with
 * the next update. */
static void
drop_publisher (Publisher *publisher)
{
  RtmpPublishers *publishers = publisher->publishers;
  g_autofree char *app = g_uri_escape_string (publisher->app, NULL, FALSE);
  g_autofree char *url = NULL;
  g_autoptr (SoupMessage) message = NULL;

  if (!publishers->control)
    return;
  url = g_strdup_printf ("%s/drop/publisher?app=%s&name=%s",
      publishers->control, app, publisher->ticket);
  message = soup_message_new (SOUP_METHOD_GET, url);
  if (message)
    soup_session_send_and_read_async (
        publishers->session, message, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}

static gboolean
on_dropped (gpointer data)
{
  News *news = data;

  if (news->publisher->gone)
    return G_SOURCE_REMOVE;
  /* Of one who has left already, this is the end of what came. */
  if (!news->publisher->drain) {
    g_message ("rtmp: letting go of the publisher with key %s: %s",
        news->publisher->key_id, news->text);
    drop_publisher (news->publisher);
  }
  publisher_leave (news->publisher);
  return G_SOURCE_REMOVE;
}

/* On any thread. */
static void
publication_dropped (
    Publication *publication, const char *reason, gpointer data)
{
  tell (g_atomic_rc_box_acquire (data), g_strdup (reason), on_dropped);
}

/* It is no publisher of nginx's any more, or not for long. */
static void
publisher_leave (Publisher *publisher)
{
  RtmpPublishers *publishers = publisher->publishers;

  if (publisher->gone)
    return;
  publisher->gone = TRUE;
  if (publisher->drain) {
    g_source_destroy (publisher->drain);
    g_clear_pointer (&publisher->drain, g_source_unref);
  }
  if (publisher->knock)
    knock_answer (publisher->knock, SOUP_STATUS_FORBIDDEN, NULL);
  push_job (publisher, TRUE);
  /* The table of the keys holds a reference until it has ended. */
  g_hash_table_remove (publishers->clients, publisher->client);
  g_hash_table_remove (publishers->tickets, publisher->ticket);
}

static gboolean
on_drained (gpointer data)
{
  publisher_leave (data);
  return G_SOURCE_REMOVE;
}

/* nginx tells this when it still has frames for the pull, which then ends by
 * itself: that is told as a drop. */
static void
publisher_drain (Publisher *publisher)
{
  if (publisher->knock) {
    publisher_leave (publisher); /* It has sent nothing. */
  } else if (!publisher->drain) {
    publisher->drain = g_timeout_source_new ((guint)(DRAIN_PATIENCE / 1000));
    g_source_set_callback (publisher->drain, on_drained, publisher, NULL);
    g_source_attach (publisher->drain, publisher->publishers->context);
  }
}

/* nginx does not say that somebody plays. Then frames before the pull are lost,
 * up to the second key frame. */
static gboolean
on_pull_overdue (gpointer data)
{
  Knock *knock = data;

  knock_answer (knock, SOUP_STATUS_FOUND, knock->owner->ticket);
  return G_SOURCE_REMOVE;
}

/* Takes @publisher and @knock. */
static void
let_in (Publisher *publisher, Knock *knock)
{
  RtmpPublishers *publishers = publisher->publishers;

  floodgate_admitted (publishers->gate, knock->call.address);
  g_hash_table_replace (publishers->clients, publisher->client, publisher);
  g_hash_table_replace (publishers->tickets, publisher->ticket, publisher);
  g_hash_table_replace (publishers->keys, publisher->key, publisher);
  g_atomic_rc_box_acquire (publisher);
  g_atomic_rc_box_acquire (publisher);
  publisher->knock = knock;
  knock->owner = publisher;
  knock_wait (knock, PULL_PATIENCE, on_pull_overdue);
  push_job (publisher, FALSE);
}

static gboolean
on_rival_overdue (gpointer data)
{
  refuse (data, "the key is publishing already");
  return G_SOURCE_REMOVE;
}

/* Who lost the network without a word comes back while nginx still takes the
 * old connection for alive, and OBS, once refused, does not try again. So
 * someone with a key that is in use waits for a few updates on the one who uses
 * it. FALSE: there is nothing to wait for. */
static gboolean
wait_as_rival (Knock *knock, const char *key)
{
  Publisher *owner = g_hash_table_lookup (knock->publishers->keys, key);

  if (!owner || owner->rival)
    return FALSE;
  owner->rival = knock;
  owner->updates = 0;
  knock->owner = owner;
  knock_wait (knock, RIVAL_PATIENCE, on_rival_overdue);
  return TRUE;
}

/* Takes @knock. */
static void
consider (Knock *knock)
{
  RtmpPublishers *publishers = knock->publishers;
  Publisher *publisher = publisher_new (publishers, &knock->call);
  g_autofree char *reason = NULL;
  Admission admission = broadcasts_admit (publishers->broadcasts,
      knock->call.name, "rtmp", knock->call.address, publication_dropped,
      publisher, &publisher->publication, &reason);

  if (admission == ADMISSION_OK) {
    let_in (publisher, knock);
    return;
  }
  if (admission != ADMISSION_BUSY || !wait_as_rival (knock, publisher->key))
    refuse (knock, reason);
  publisher_unref (publisher);
}

/* --- What nginx asks ----------------------------------------------------- */

void
rtmp_publishers_publish (
    RtmpPublishers *publishers, SoupServerMessage *message, RtmpCall *call)
{
  Publisher *former = g_hash_table_lookup (publishers->clients, call->client);
  Knock *knock = g_hash_table_lookup (publishers->knocks, call->client);

  /* Numbers begin anew with nginx: whoever had it is gone. */
  if (knock)
    knock_answer (knock, SOUP_STATUS_FORBIDDEN, NULL);
  if (former)
    publisher_leave (former);
  knock = knock_new (publishers, message, call);
  if (publishers->stopped)
    knock_answer (knock, SOUP_STATUS_SERVICE_UNAVAILABLE, NULL);
  else if (strcmp (knock->call.app, publishers->app) == 0)
    consider (knock);
  else
    refuse (knock, "the address has another application than is pulled");
}

guint
rtmp_publishers_publish_done (RtmpPublishers *publishers, const RtmpCall *call)
{
  Publisher *publisher =
      g_hash_table_lookup (publishers->clients, call->client);
  Knock *knock = g_hash_table_lookup (publishers->knocks, call->client);

  if (publisher)
    publisher_drain (publisher);
  else if (knock)
    knock_answer (knock, SOUP_STATUS_FORBIDDEN, NULL);
  return SOUP_STATUS_OK;
}

guint
rtmp_publishers_play (RtmpPublishers *publishers, const RtmpCall *call)
{
  Publisher *publisher = g_hash_table_lookup (publishers->tickets, call->name);

  if (!publisher)
    return SOUP_STATUS_FORBIDDEN;
  if (publisher->knock)
    knock_answer (publisher->knock, SOUP_STATUS_FOUND, publisher->ticket);
  return SOUP_STATUS_OK;
}

/* @publisher's media has come to @time. */
static void
judge_rival (Publisher *publisher, gint64 time)
{
  if (time >= 0 && time == publisher->time)
    publisher->silent++;
  else
    publisher->silent = 0;
  publisher->time = time;
  if (!publisher->rival)
    return;
  publisher->updates++;
  if (publisher->silent >= SILENT_UPDATES) {
    g_message ("rtmp: the publisher with key %s is silent and gives way to a "
               "new connection",
        publisher->key_id);
    drop_publisher (publisher);
    publisher_leave (publisher);
  } else if (publisher->updates > 1 && publisher->silent == 0) {
    /* The first one may be about the time before the rival came. */
    refuse (publisher->rival, "the key is publishing already");
  }
}

/* Any but 200 has nginx disconnect that client. */
guint
rtmp_publishers_update (RtmpPublishers *publishers, const RtmpCall *call)
{
  Publisher *publisher;

  if (strcmp (call->call, "update_play") == 0)
    return g_hash_table_contains (publishers->tickets, call->name)
               ? SOUP_STATUS_OK
               : SOUP_STATUS_FORBIDDEN;
  /* They begin before the answer to on_publish. */
  if (g_hash_table_contains (publishers->knocks, call->client))
    return SOUP_STATUS_OK;
  publisher = g_hash_table_lookup (publishers->clients, call->client);
  if (!publisher)
    return SOUP_STATUS_FORBIDDEN;
  publisher->updated = g_get_monotonic_time ();
  judge_rival (publisher, call->time);
  return publisher->gone ? SOUP_STATUS_FORBIDDEN : SOUP_STATUS_OK;
}

/* nginx is gone without a word, with the machine it is on. */
static gboolean
on_sweep (gpointer data)
{
  RtmpPublishers *publishers = data;
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GPtrArray) silent = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, publishers->clients);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Publisher *publisher = value;
    if (publisher->updated && now - publisher->updated > UPDATE_PATIENCE)
      g_ptr_array_add (silent, publisher);
  }
  for (guint i = 0; i < silent->len; i++) {
    Publisher *publisher = g_ptr_array_index (silent, i);
    g_message ("rtmp: nginx says no more of the publisher with key %s",
        publisher->key_id);
    publisher_leave (publisher);
  }
  return G_SOURCE_CONTINUE;
}

/* --- The whole ----------------------------------------------------------- */

RtmpPublishers *
rtmp_publishers_new (const char *pull, const char *control,
    GMainContext *context, Broadcasts *broadcasts)
{
  RtmpPublishers *publishers = g_new0 (RtmpPublishers, 1);

  publishers->broadcasts = broadcasts;
  publishers->pull = g_strdup (pull);
  publishers->app = g_path_get_basename (pull);
  publishers->control = g_strdup (control);
  publishers->context = g_main_context_ref (context);
  publishers->jobs = g_thread_pool_new (do_job, NULL, MOST_JOBS, FALSE, NULL);
  publishers->session = soup_session_new_with_options ("timeout", 5, NULL);
  publishers->gate = floodgate_new (MOST_ADDRESSES);
  publishers->knocks = g_hash_table_new (g_str_hash, g_str_equal);
  publishers->clients =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, publisher_unref);
  publishers->tickets =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, publisher_unref);
  publishers->keys =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, publisher_unref);
  publishers->sweep = g_timeout_source_new_seconds (SWEEP_SECONDS);
  g_source_set_callback (publishers->sweep, on_sweep, publishers, NULL);
  g_source_attach (publishers->sweep, context);
  return publishers;
}

void
rtmp_publishers_stop (RtmpPublishers *publishers)
{
  g_autoptr (GList) clients = g_hash_table_get_values (publishers->clients);
  g_autoptr (GList) knocks = NULL;

  publishers->stopped = TRUE;
  for (GList *item = clients; item; item = item->next)
    publisher_leave (item->data);
  knocks = g_hash_table_get_values (publishers->knocks);
  for (GList *item = knocks; item; item = item->next)
    knock_answer (item->data, SOUP_STATUS_SERVICE_UNAVAILABLE, NULL);
  soup_session_abort (publishers->session);
  g_source_destroy (publishers->sweep);
}

void
rtmp_publishers_free (RtmpPublishers *publishers)
{
  /* The publications end here, if they have not. */
  g_thread_pool_free (publishers->jobs, FALSE, TRUE);
  g_source_unref (publishers->sweep);
  g_object_unref (publishers->session);
  g_hash_table_unref (publishers->clients);
  g_hash_table_unref (publishers->tickets);
  g_hash_table_unref (publishers->keys);
  g_hash_table_unref (publishers->knocks);
  floodgate_free (publishers->gate);
  g_main_context_unref (publishers->context);
  g_free (publishers->control);
  g_free (publishers->app);
  g_free (publishers->pull);
  g_free (publishers);
}
