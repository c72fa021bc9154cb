/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtspkit.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "latmframe.h"
#include "publishersrc.h"
#include "storekit.h"

#define PATIENCE (60 * G_TIME_SPAN_SECOND)

struct _Broadcasts {
  char *dir;
  char *description;

  GMutex lock;
  GCond cond;
  GHashTable *publications; /* key -> Publication */
  GPtrArray *records;       /* of KitRecord, as they ended */
  guint n_admitted;
};

struct _Publication {
  Broadcasts *kit;
  PublicationDropped dropped;
  gpointer data;
  GstElement *pipeline;
  KitRecord *record;
};

/* --- records ---------------------------------------------------------------- */

static void
stream_free (gpointer data)
{
  KitStream *stream = data;

  gst_clear_caps (&stream->caps);
  g_free (stream->name);
  g_free (stream);
}

static KitRecord *
record_new (const char *key, guint n)
{
  KitRecord *record = g_new0 (KitRecord, 1);

  record->key = g_strdup (key);
  record->link = g_strdup_printf ("%.8s-%u", key, n);
  record->streams = g_ptr_array_new_with_free_func (stream_free);
  return record;
}

static void
record_free (gpointer data)
{
  KitRecord *record = data;

  g_ptr_array_unref (record->streams);
  g_free (record->key);
  g_free (record->link);
  g_free (record);
}

const KitStream *
kit_record_find (const KitRecord *record, const char *name)
{
  for (guint i = 0; i < record->streams->len; i++) {
    const KitStream *stream = g_ptr_array_index (record->streams, i);

    if (strcmp (stream->name, name) == 0)
      return stream;
  }
  return NULL;
}

static gint64
to_time (GstClockTime time)
{
  return (gint64)time - (gint64)PUBLISHER_SRC_ZERO;
}

static gboolean
has_latm_prefix (GstBuffer *buffer)
{
  GstMapInfo map;
  gsize prefix;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  prefix = latm_frame_get_prefix (map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  return prefix > 0;
}

static void
record_buffer (KitStream *stream, GstBuffer *buffer)
{
  gint64 pts = to_time (GST_BUFFER_PTS (buffer));
  gint64 dts = GST_BUFFER_DTS_IS_VALID (buffer)
                   ? to_time (GST_BUFFER_DTS (buffer))
                   : G_MININT64;
  gint64 time = dts != G_MININT64 ? dts : pts;

  if (!GST_BUFFER_PTS_IS_VALID (buffer)) {
    stream->n_unstamped++;
    return;
  }
  if (stream->n_frames > 0)
    stream->max_step = MAX (stream->max_step, ABS (time - stream->last_time));
  stream->last_time = time;
  if (stream->n_frames == 0)
    stream->has_prefix = has_latm_prefix (buffer);
  if (stream->n_frames++ == 0)
    stream->first_pts = pts;
  else if (strstr (stream->name, "video") != NULL && dts <= stream->last_dts)
    stream->n_unordered++;
  if (strstr (stream->name, "video") != NULL && dts > pts)
    stream->n_unordered++;
  stream->last_dts = dts;
  stream->last_pts = MAX (stream->last_pts, pts);
  if (!GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT))
    stream->n_keys++;
}

typedef struct {
  Broadcasts *kit;
  KitStream *stream;
} Probe;

static GstPadProbeReturn
on_data (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Probe *probe = data;
  GstEvent *event;
  GstCaps *caps;

  g_mutex_lock (&probe->kit->lock);
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    record_buffer (probe->stream, GST_PAD_PROBE_INFO_BUFFER (info));
  } else {
    event = GST_PAD_PROBE_INFO_EVENT (info);
    if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
      gst_event_parse_caps (event, &caps);
      gst_caps_replace (&probe->stream->caps, caps);
      probe->stream->n_caps++;
    }
  }
  g_cond_broadcast (&probe->kit->cond);
  g_mutex_unlock (&probe->kit->lock);
  return GST_PAD_PROBE_OK;
}

static void
on_pad_added (GstElement *source, GstPad *pad, gpointer data)
{
  Publication *publication = data;
  Probe *probe = g_new (Probe, 1);
  KitStream *stream = g_new0 (KitStream, 1);

  stream->name = gst_pad_get_name (pad);
  g_mutex_lock (&publication->kit->lock);
  g_ptr_array_add (publication->record->streams, stream);
  g_mutex_unlock (&publication->kit->lock);
  probe->kit = publication->kit;
  probe->stream = stream;
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_data,
      probe, g_free);
}

/* --- what the ingest calls -------------------------------------------------- */

static Admission
judge (Broadcasts *kit, const char *key)
{
  if (strlen (key) != STREAM_KEY_LENGTH)
    return ADMISSION_UNKNOWN_KEY;
  switch (key[0]) {
    case 'r':
      return ADMISSION_REVOKED_KEY;
    case 'e':
      return ADMISSION_ELSEWHERE;
    case 'f':
      return ADMISSION_FULL;
    case 'k':
      return ADMISSION_CLOSED;
    case 'a':
    case 'b':
    case 'c':
    case 'p':
      return g_hash_table_contains (kit->publications, key) ? ADMISSION_BUSY
                                                            : ADMISSION_OK;
    default:
      return ADMISSION_UNKNOWN_KEY;
  }
}

Admission
broadcasts_admit (Broadcasts *kit, const char *key, const char *protocol,
    const char *peer, PublicationDropped dropped, gpointer data,
    Publication **publication, char **reason)
{
  Admission admission;

  g_assert_cmpstr (protocol, ==, "rtsp");
  g_assert_cmpstr (peer, ==, "127.0.0.1");
  g_mutex_lock (&kit->lock);
  admission = judge (kit, key);
  if (admission == ADMISSION_OK) {
    *publication = g_new0 (Publication, 1);
    (*publication)->kit = kit;
    (*publication)->dropped = dropped;
    (*publication)->data = data;
    (*publication)->record = record_new (key, kit->n_admitted++);
    g_hash_table_insert (kit->publications, g_strdup (key), *publication);
  } else {
    *reason = g_strdup_printf ("Sentence number %d.", admission);
  }
  g_mutex_unlock (&kit->lock);
  return admission;
}

static char *
expand (Publication *publication, const char *source)
{
  g_autoptr (GString) text = g_string_new (source);

  g_string_append_c (text, ' ');
  g_string_append (text, publication->kit->description);
  g_string_replace (text, "LINK", publication->record->link, 0);
  g_string_replace (text, "DIR", publication->kit->dir, 0);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

gboolean
publication_start (Publication *publication, const char *source, GError **error)
{
  g_autofree char *text = expand (publication, source);
  g_autoptr (GstElement) element = NULL;

  if (publication->record->key[0] == 'p') {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no such pipeline");
    return FALSE;
  }
  publication->pipeline =
      gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  if (publication->pipeline == NULL)
    return FALSE;
  element = publication_get_source (publication);
  g_signal_connect (
      element, "pad-added", G_CALLBACK (on_pad_added), publication);
  gst_element_set_state (publication->pipeline, GST_STATE_PLAYING);
  return TRUE;
}

GstElement *
publication_get_source (Publication *publication)
{
  return gst_bin_get_by_name (GST_BIN (publication->pipeline), "source");
}

static void
end_pipeline (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_send_event (pipeline, gst_event_new_eos ());
  message = gst_bus_timed_pop_filtered (
      bus, 2 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (message == NULL)
    g_test_message ("no EOS");
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_test_message ("%s", error->message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

void
publication_end (Publication *publication)
{
  Broadcasts *kit = publication->kit;

  if (publication->pipeline != NULL)
    end_pipeline (publication->pipeline);
  g_mutex_lock (&kit->lock);
  g_hash_table_remove (kit->publications, publication->record->key);
  g_ptr_array_add (kit->records, publication->record);
  g_cond_broadcast (&kit->cond);
  g_mutex_unlock (&kit->lock);
  g_free (publication);
}

/* --- what the tests call ---------------------------------------------------- */

Broadcasts *
rtsp_kit_new (void)
{
  Broadcasts *kit = g_new0 (Broadcasts, 1);

  kit->dir = kit_dir_new ();
  kit->publications =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  kit->records = g_ptr_array_new_with_free_func (record_free);
  g_mutex_init (&kit->lock);
  g_cond_init (&kit->cond);
  return kit;
}

void
rtsp_kit_free (Broadcasts *kit)
{
  g_assert_cmpuint (g_hash_table_size (kit->publications), ==, 0);
  g_hash_table_unref (kit->publications);
  g_ptr_array_unref (kit->records);
  kit_dir_free (kit->dir);
  g_free (kit->description);
  g_mutex_clear (&kit->lock);
  g_cond_clear (&kit->cond);
  g_free (kit);
}

const char *
rtsp_kit_get_dir (Broadcasts *kit)
{
  return kit->dir;
}

void
rtsp_kit_set_description (Broadcasts *kit, const char *description)
{
  g_free (kit->description);
  kit->description = g_strdup (description);
}

guint
rtsp_kit_count_admitted (Broadcasts *kit)
{
  guint n;

  g_mutex_lock (&kit->lock);
  n = kit->n_admitted;
  g_mutex_unlock (&kit->lock);
  return n;
}

void
rtsp_kit_wait_ended (Broadcasts *kit, guint n)
{
  gint64 until = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&kit->lock);
  while (kit->records->len < n)
    g_assert_true (g_cond_wait_until (&kit->cond, &kit->lock, until));
  g_mutex_unlock (&kit->lock);
}

static guint
count_frames_locked (Broadcasts *kit, const char *key)
{
  Publication *publication = g_hash_table_lookup (kit->publications, key);
  guint n = 0;

  if (publication == NULL)
    return 0;
  for (guint i = 0; i < publication->record->streams->len; i++) {
    KitStream *stream = g_ptr_array_index (publication->record->streams, i);

    n += stream->n_frames;
  }
  return n;
}

guint
rtsp_kit_count_frames (Broadcasts *kit, const char *key)
{
  guint n;

  g_mutex_lock (&kit->lock);
  n = count_frames_locked (kit, key);
  g_mutex_unlock (&kit->lock);
  return n;
}

void
rtsp_kit_wait_frames (Broadcasts *kit, const char *key, guint n)
{
  gint64 until = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&kit->lock);
  while (count_frames_locked (kit, key) < n)
    g_assert_true (g_cond_wait_until (&kit->cond, &kit->lock, until));
  g_mutex_unlock (&kit->lock);
}

void
rtsp_kit_drop (Broadcasts *kit, const char *key)
{
  Publication *publication;

  g_mutex_lock (&kit->lock);
  publication = g_hash_table_lookup (kit->publications, key);
  g_assert_nonnull (publication);
  publication->dropped (publication, "it is over", publication->data);
  g_mutex_unlock (&kit->lock);
}

const KitRecord *
rtsp_kit_get_record (Broadcasts *kit, guint n)
{
  const KitRecord *record;

  g_mutex_lock (&kit->lock);
  g_assert_cmpuint (n, <, kit->records->len);
  record = g_ptr_array_index (kit->records, n);
  g_mutex_unlock (&kit->lock);
  return record;
}

char *
rtsp_kit_url (RtspIngest *ingest, const char *key)
{
  return g_strdup_printf (
      "rtsp://127.0.0.1:%u/live/%s", rtsp_ingest_get_port (ingest), key);
}

/* A publisher does not outlive a test that failed. */
static void
die_with_parent (gpointer unused)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

GSubprocess *
rtsp_kit_publish (RtspIngest *ingest, const char *key, const char *command)
{
  g_autofree char *url = rtsp_kit_url (ingest, key);
  g_autoptr (GString) text = g_string_new (command);
  g_auto (GStrv) argv = NULL;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  g_string_replace (text, "${URL}", url, 0);
  g_assert_true (g_shell_parse_argv (text->str, NULL, &argv, &error));
  /* gst-launch-1.0 cannot load what was built with sanitizers, and would note
   * that in the registry of this test. */
  g_subprocess_launcher_unsetenv (launcher, "GST_PLUGIN_PATH_1_0");
  g_subprocess_launcher_unsetenv (launcher, "GST_REGISTRY");
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  process = g_subprocess_launcher_spawnv (
      launcher, (const char *const *)argv, &error);
  g_assert_no_error (error);
  return process;
}

int
rtsp_kit_finish (GSubprocess *publisher, char **text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  int status;

  g_subprocess_communicate_utf8 (publisher, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  status = g_subprocess_get_if_exited (publisher)
               ? g_subprocess_get_exit_status (publisher)
               : 128 + g_subprocess_get_term_sig (publisher);
  g_object_unref (publisher);
  if (text != NULL)
    *text = g_steal_pointer (&output);
  return status;
}
