/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmpkit.h"

#include <ftw.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE (20 * G_TIME_SPAN_SECOND)
#define GLANCE (10 * G_TIME_SPAN_MILLISECOND)

/* --- The stand-in for the broadcasts ------------------------------------- */

typedef struct {
  Publication *publication; /* or NULL */
  KitSeen seen;
} Slot;

struct _Broadcasts {
  GMutex lock;
  GHashTable *slots; /* key -> Slot */
  gboolean fail_starts;
};

struct _Publication {
  Broadcasts *broadcasts;
  Slot *slot;
  PublicationDropped dropped;
  gpointer data;
  gint told;
  GstElement *pipeline;
};

static Broadcasts *
stand_in_new (void)
{
  Broadcasts *broadcasts = g_new0 (Broadcasts, 1);

  g_mutex_init (&broadcasts->lock);
  broadcasts->slots =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  g_hash_table_insert (broadcasts->slots, (gpointer)KIT_KEY, g_new0 (Slot, 1));
  g_hash_table_insert (
      broadcasts->slots, (gpointer)KIT_OTHER_KEY, g_new0 (Slot, 1));
  return broadcasts;
}

static void
stand_in_free (Broadcasts *broadcasts)
{
  GHashTableIter iter;
  gpointer slot;

  g_hash_table_iter_init (&iter, broadcasts->slots);
  while (g_hash_table_iter_next (&iter, NULL, &slot)) {
    g_assert_null (((Slot *)slot)->publication);
    g_free (((Slot *)slot)->seen.source);
  }
  g_hash_table_unref (broadcasts->slots);
  g_mutex_clear (&broadcasts->lock);
  g_free (broadcasts);
}

Admission
broadcasts_admit (Broadcasts *broadcasts, const char *key, const char *protocol,
    const char *peer, PublicationDropped dropped, gpointer data,
    Publication **publication, char **reason)
{
  Slot *slot = g_hash_table_lookup (broadcasts->slots, key);
  Admission admission = ADMISSION_OK;

  g_assert_cmpstr (protocol, ==, "rtmp");
  g_mutex_lock (&broadcasts->lock);
  if (!slot) {
    *reason = g_strdup ("unknown key");
    admission = ADMISSION_UNKNOWN_KEY;
  } else if (slot->publication) {
    *reason = g_strdup ("the key is publishing already");
    admission = ADMISSION_BUSY;
  } else {
    *publication = slot->publication = g_new0 (Publication, 1);
    slot->publication->broadcasts = broadcasts;
    slot->publication->slot = slot;
    slot->publication->dropped = dropped;
    slot->publication->data = data;
    slot->seen.admitted++;
    slot->seen.admitted_at = g_get_monotonic_time ();
  }
  g_mutex_unlock (&broadcasts->lock);
  return admission;
}

static void
tell_dropped (Publication *publication, const char *reason)
{
  if (g_atomic_int_compare_and_exchange (&publication->told, FALSE, TRUE))
    publication->dropped (publication, reason, publication->data);
}

static GstBusSyncReply
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    tell_dropped (data, "the stream has ended");
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    tell_dropped (data, "the pipeline has failed");
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
on_handoff (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  Publication *publication = data;
  KitSeen *seen = &publication->slot->seen;

  g_mutex_lock (&publication->broadcasts->lock);
  if (!g_str_equal (GST_OBJECT_NAME (sink), "picture"))
    seen->samples++;
  else if (seen->frames++ == 0)
    seen->first_frame_at = g_get_monotonic_time ();
  g_mutex_unlock (&publication->broadcasts->lock);
}

gboolean
publication_start (Publication *publication, const char *source, GError **error)
{
  const char *sinks[] = {"picture", "sound"};
  g_autofree char *description = g_strdup_printf (
      "%s source.video ! queue ! h264parse ! fakesink name=picture "
      "signal-handoffs=true async=false sync=false source.audio ! queue ! "
      "aacparse ! fakesink name=sound signal-handoffs=true async=false "
      "sync=false",
      source);
  g_autoptr (GstBus) bus = NULL;
  GstElement *pipeline;

  if (publication->broadcasts->fail_starts) {
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_FAILED, "as the test wanted it");
    return FALSE;
  }
  pipeline = gst_parse_launch (description, error);
  g_assert_no_error (*error);
  for (guint i = 0; i < G_N_ELEMENTS (sinks); i++) {
    g_autoptr (GstElement) sink =
        gst_bin_get_by_name (GST_BIN (pipeline), sinks[i]);
    g_signal_connect (sink, "handoff", G_CALLBACK (on_handoff), publication);
  }
  bus = gst_element_get_bus (pipeline);
  gst_bus_set_sync_handler (bus, on_message, publication, NULL);

  g_mutex_lock (&publication->broadcasts->lock);
  publication->pipeline = pipeline;
  g_free (publication->slot->seen.source);
  publication->slot->seen.source = g_strdup (source);
  g_mutex_unlock (&publication->broadcasts->lock);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return TRUE;
}

void
publication_end (Publication *publication)
{
  Broadcasts *broadcasts = publication->broadcasts;

  if (publication->pipeline) {
    gst_element_set_state (publication->pipeline, GST_STATE_NULL);
    gst_object_unref (publication->pipeline);
  }
  g_mutex_lock (&broadcasts->lock);
  publication->slot->publication = NULL;
  publication->slot->seen.ended++;
  g_mutex_unlock (&broadcasts->lock);
  g_free (publication);
}

void
kit_get_seen (RtmpNode *node, const char *key, KitSeen *seen)
{
  Slot *slot = g_hash_table_lookup (node->broadcasts->slots, key);

  g_mutex_lock (&node->broadcasts->lock);
  *seen = slot->seen;
  seen->source = NULL;
  g_mutex_unlock (&node->broadcasts->lock);
}

char *
kit_get_ticket (RtmpNode *node, const char *key)
{
  Slot *slot = g_hash_table_lookup (node->broadcasts->slots, key);
  const char *begin;
  char *ticket;

  g_mutex_lock (&node->broadcasts->lock);
  begin = strstr (slot->seen.source, "/live/") + strlen ("/live/");
  ticket = g_strndup (begin, strcspn (begin, "\""));
  g_mutex_unlock (&node->broadcasts->lock);
  return ticket;
}

void
kit_drop (RtmpNode *node, const char *key)
{
  Slot *slot = g_hash_table_lookup (node->broadcasts->slots, key);

  tell_dropped (slot->publication, "it was ended");
}

void
kit_fail_starts (RtmpNode *node, gboolean fail)
{
  node->broadcasts->fail_starts = fail;
}

/* --- Waiting ------------------------------------------------------------- */

void
kit_until (const char *what, KitCondition condition, gpointer data)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (!condition (data)) {
    if (g_get_monotonic_time () > deadline)
      g_error ("Waited in vain: %s", what);
    g_usleep (GLANCE);
  }
}

typedef struct {
  RtmpNode *node;
  const char *key;
  guint frames, samples, ended;
} Goal;

static gboolean
has_frames (gpointer data)
{
  Goal *goal = data;
  KitSeen seen;

  kit_get_seen (goal->node, goal->key, &seen);
  return seen.frames >= goal->frames && seen.samples >= goal->samples;
}

static gboolean
has_ended (gpointer data)
{
  Goal *goal = data;
  KitSeen seen;

  kit_get_seen (goal->node, goal->key, &seen);
  return seen.ended >= goal->ended;
}

void
kit_until_frames (RtmpNode *node, const char *key, guint more)
{
  Goal goal = {node, key};
  KitSeen seen;

  kit_get_seen (node, key, &seen);
  goal.frames = seen.frames + more;
  goal.samples = seen.samples + more;
  kit_until ("frames and samples arrive", has_frames, &goal);
}

void
kit_until_ended (RtmpNode *node, const char *key, guint times)
{
  Goal goal = {node, key, .ended = times};

  kit_until ("the publication ends", has_ended, &goal);
}

/* --- The node ------------------------------------------------------------ */

guint16
kit_free_port (void)
{
  /* Below what the kernel gives to connections that go out, so that none of them
   * takes it meanwhile; and none is given twice. */
  static guint16 port = 0;

  if (port == 0)
    port = (guint16)g_random_int_range (10000, 29000);
  while (TRUE) {
    g_autoptr (GSocketListener) listener = g_socket_listener_new ();

    port++;
    if (g_socket_listener_add_inet_port (listener, port, NULL, NULL)) {
      g_socket_listener_close (listener);
      return port;
    }
  }
}

gboolean
kit_is_listening (guint16 port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, NULL);

  return connection != NULL;
}

static int
remove_entry (
    const char *path, const struct stat *info, int type, struct FTW *where)
{
  return g_remove (path);
}

void
kit_remove (const char *dir)
{
  g_assert_cmpint (nftw (dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
}

void
rtmp_node_start_ingest (
    RtmpNode *node, guint16 hook_port, gboolean with_control)
{
  g_autofree char *pull =
      g_strdup_printf ("rtmp://127.0.0.1:%u/live", (guint)node->rtmp_port);
  g_autofree char *control = g_strdup_printf (
      "http://127.0.0.1:%u/control", (guint)node->control_port);
  RtmpIngestSettings settings = {
      "127.0.0.1", hook_port, pull, with_control ? control : NULL};
  g_autoptr (GError) error = NULL;

  node->ingest = rtmp_ingest_new (&settings, node->broadcasts, &error);
  g_assert_no_error (error);
}

RtmpNode *
rtmp_node_new (void)
{
  const char *data = g_getenv ("NGINX_DIR");
  RtmpNode *node = g_new0 (RtmpNode, 1);
  g_autofree char *template = g_build_filename (data, "node.conf.in", NULL);
  g_autofree char *www = g_build_filename (data, "..", "www", NULL);
  g_autofree char *prefix = NULL, *hook = NULL;
  g_autoptr (GError) error = NULL;
  PrivateNginxSettings settings = {0};

  node->dir = g_dir_make_tmp ("rtmp-XXXXXX", NULL);
  node->http_port = kit_free_port ();
  node->rtmp_port = kit_free_port ();
  node->control_port = kit_free_port ();
  node->broadcasts = stand_in_new ();
  rtmp_node_start_ingest (node, 0, TRUE);

  prefix = g_build_filename (node->dir, "nginx", NULL);
  hook = g_strdup_printf (
      "127.0.0.1:%u", (guint)rtmp_ingest_get_hook_port (node->ingest));
  settings = (PrivateNginxSettings){
      .template = template,
      .prefix = prefix,
      .www = www,
      .address = "127.0.0.1",
      .port = node->http_port,
      .rtmp_address = "0.0.0.0",
      .rtmp_port = node->rtmp_port,
      .hook = hook,
      .control_port = node->control_port,
  };
  node->nginx = private_nginx_start (&settings, &error);
  g_assert_no_error (error);
  return node;
}

void
rtmp_node_free (RtmpNode *node)
{
  rtmp_ingest_free (node->ingest);
  private_nginx_free (node->nginx);
  stand_in_free (node->broadcasts);
  kit_remove (node->dir);
  g_free (node->dir);
  g_free (node);
}

typedef struct {
  char *path;
  int former, pid;
} PidFile;

static gboolean
has_new_pid (gpointer data)
{
  PidFile *file = data;
  g_autofree char *text = NULL;

  if (!g_file_get_contents (file->path, &text, NULL, NULL))
    return FALSE;
  file->pid = (int)g_ascii_strtoll (text, NULL, 10);
  return file->pid > 0 && file->pid != file->former;
}

int
rtmp_node_get_nginx_pid (RtmpNode *node, int former)
{
  g_autofree char *path =
      g_build_filename (node->dir, "nginx", "nginx.pid", NULL);
  PidFile file = {path, former, 0};

  kit_until ("nginx runs", has_new_pid, &file);
  return file.pid;
}

/* --- Publishers ---------------------------------------------------------- */

/* Dies with the test, however that dies. */
static void
set_up_child (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

GSubprocess *
kit_publish (RtmpNode *node, const char *key, guint seconds)
{
  g_autofree char *time = g_strdup_printf ("%u", seconds ? seconds : 3600);
  g_autofree char *url = g_strdup_printf (
      "rtmp://127.0.0.1:%u/live/%s", (guint)node->rtmp_port, key);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  GSubprocess *process;

  g_subprocess_launcher_set_child_setup (launcher, set_up_child, NULL, NULL);
  process = g_subprocess_launcher_spawn (launcher, &error, "ffmpeg", "-nostdin",
      "-loglevel", "error", "-re", "-f", "lavfi", "-i",
      "testsrc=size=320x180:rate=30", "-f", "lavfi", "-i",
      "sine=sample_rate=48000", "-t", time, "-c:v", "libx264", "-preset",
      "ultrafast", "-tune", "zerolatency", "-g", "30", "-threads", "1", "-c:a",
      "aac", "-f", "flv", url, NULL);

  g_assert_no_error (error);
  return process;
}

gboolean
kit_wait_publisher (GSubprocess *publisher)
{
  g_subprocess_wait (publisher, NULL, NULL);
  return g_subprocess_get_if_exited (publisher) &&
         g_subprocess_get_exit_status (publisher) == 0;
}

void
kit_stop (GSubprocess *process)
{
  const char *text = g_subprocess_get_identifier (process);
  pid_t pid = (pid_t)g_ascii_strtoll (text, NULL, 10);
  siginfo_t info;

  g_assert_cmpint (kill (pid, SIGSTOP), ==, 0);
  g_assert_cmpint (waitid (P_PID, (id_t)pid, &info, WSTOPPED), ==, 0);
}

void
kit_kill (GSubprocess *process, int signal)
{
  g_subprocess_send_signal (process, signal);
  g_subprocess_wait (process, NULL, NULL);
  g_object_unref (process);
}
