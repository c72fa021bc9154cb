/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "nodefigures.h"

#include <sys/statvfs.h>

#include "journal.h"
#include "jsonfields.h"
#include "jsontime.h"
#include "processstat.h"

#define BITS 8
/* An operator is told of what goes wrong, not of what once did. */
#define NEWS (60 * G_USEC_PER_SEC)

/* What is counted since the publisher came, and is bad. */
enum { FRAMES_DROPPED, CHUNKS_REFUSED, PARTS_NOT_STORED, N_FAULTS };

static const char *const fault_names[N_FAULTS] = {
    "frames-dropped", "chunks-refused", "parts-not-stored"};

/* Of a broadcast, when it was last looked at. */
typedef struct {
  guint64 bytes; /* from its publisher */
  guint64 faults[N_FAULTS];
  gint64 told[N_FAULTS]; /* monotonic: when they were last more; 0: never */
} Seen;

struct _NodeFigures {
  NodeFiguresSettings settings;
  Registrar *registrar; /* of the broadcasts, or NULL */
  gint64 started_at;    /* us since 1970 */
  /* When it was last collected, and what there was: */
  gint64 last;      /* monotonic; 0: never */
  double cpu;       /* s of this process */
  GHashTable *seen; /* link -> Seen */
};

NodeFigures *
node_figures_new (const NodeFiguresSettings *settings)
{
  NodeFigures *figures = g_new0 (NodeFigures, 1);

  figures->settings = *settings;
  if (settings->broadcasts != NULL)
    figures->registrar = registrar_acquire (settings->conninfo);
  figures->started_at = g_get_real_time ();
  figures->seen =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return figures;
}

void
node_figures_free (NodeFigures *figures)
{
  if (figures == NULL)
    return;
  g_clear_pointer (&figures->registrar, registrar_unref);
  g_hash_table_unref (figures->seen);
  g_free (figures);
}

static void
add_time (JsonBuilder *builder, const char *member, gint64 time)
{
  g_autofree char *text = json_time_format (time);

  json_fields_add_text (builder, member, text);
}

static void
add_double (JsonBuilder *builder, const char *member, double value)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_double_value (builder, value);
}

static void
add_null (JsonBuilder *builder, const char *member)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_null_value (builder);
}

/* --- Broadcasts ------------------------------------------------------------*/

static guint64
get_uint64 (const GstStructure *stats, const char *field)
{
  guint64 value = 0;

  if (stats != NULL)
    gst_structure_get_uint64 (stats, field, &value);
  return value;
}

static void
add_part_latency (JsonBuilder *builder, const GstStructure *origin)
{
  guint64 median, p99;

  if (origin == NULL ||
      !gst_structure_get_uint64 (origin, "part-latency-median", &median) ||
      !gst_structure_get_uint64 (origin, "part-latency-p99", &p99)) {
    add_null (builder, "partLatency");
    return;
  }
  json_builder_set_member_name (builder, "partLatency");
  json_builder_begin_object (builder);
  add_double (builder, "median", (double)median / GST_SECOND);
  add_double (builder, "p99", (double)p99 / GST_SECOND);
  json_builder_end_object (builder);
}

static void
add_errors (JsonBuilder *builder, const BroadcastStatus *status,
    const Seen *seen, gint64 now)
{
  gboolean is_incomplete = FALSE;

  json_builder_set_member_name (builder, "errors");
  json_builder_begin_array (builder);
  if (status->cache != NULL)
    gst_structure_get_boolean (status->cache, "incomplete", &is_incomplete);
  if (is_incomplete)
    json_builder_add_string_value (builder, "recording-incomplete");
  for (guint i = 0; i < N_FAULTS; i++)
    if (seen->told[i] != 0 && now - seen->told[i] < NEWS)
      json_builder_add_string_value (builder, fault_names[i]);
  json_builder_end_array (builder);
}

static void
add_broadcast (JsonBuilder *builder, const BroadcastStatus *status,
    const Seen *seen, guint64 bit_rate, gint64 now)
{
  guint waiting = 0;

  if (status->origin != NULL)
    gst_structure_get_uint (status->origin, "waiting", &waiting);
  json_builder_begin_object (builder);
  json_fields_add_text (builder, "link", status->link);
  json_fields_add_text (builder, "game", status->game);
  json_fields_add_text (builder, "title", status->title);
  json_fields_add_text (
      builder, "state", broadcast_state_to_string (status->state));
  add_time (builder, "since", status->since);
  if (status->protocol != NULL)
    json_fields_add_text (builder, "protocol", status->protocol);
  else
    add_null (builder, "protocol");
  json_fields_add_number (builder, "bitRate", bit_rate);
  add_part_latency (builder, status->origin);
  json_fields_add_number (
      builder, "queuedBytes", get_uint64 (status->cache, "queued-bytes"));
  json_fields_add_number (builder, "waiting", waiting);
  add_errors (builder, status, seen, now);
  json_builder_end_object (builder);
}

/* Bits a second since it was last looked at. It may be another publisher than
 * then, whose bytes begin at 0. */
static guint64
measure (const Seen *last, const BroadcastStatus *status, double interval)
{
  guint64 bytes = status->bytes;

  if (interval <= 0)
    return 0;
  if (last != NULL && last->bytes <= bytes)
    bytes -= last->bytes;
  return (guint64)((double)bytes * BITS / interval);
}

/* @last: NULL if it was not there. */
static Seen *
look (const Seen *last, const BroadcastStatus *status, gint64 now)
{
  Seen *seen = g_new0 (Seen, 1);

  seen->bytes = status->bytes;
  seen->faults[FRAMES_DROPPED] =
      get_uint64 (status->packager, "dropped-frames");
  seen->faults[CHUNKS_REFUSED] = get_uint64 (status->origin, "dropped");
  seen->faults[PARTS_NOT_STORED] =
      get_uint64 (status->origin, "parts-not-stored");
  for (guint i = 0; i < N_FAULTS; i++) {
    guint64 before = last != NULL ? last->faults[i] : 0;

    seen->told[i] = last != NULL ? last->told[i] : 0;
    if (seen->faults[i] > before)
      seen->told[i] = now;
  }
  return seen;
}

static void
add_broadcasts (
    JsonBuilder *builder, NodeFigures *figures, double interval, gint64 now)
{
  GHashTable *all =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GPtrArray) list = NULL;

  json_builder_set_member_name (builder, "broadcasts");
  json_builder_begin_array (builder);
  if (figures->settings.broadcasts != NULL)
    list = broadcasts_list (figures->settings.broadcasts);
  for (guint i = 0; list != NULL && i < list->len; i++) {
    const BroadcastStatus *status = g_ptr_array_index (list, i);
    const Seen *last = g_hash_table_lookup (figures->seen, status->link);
    Seen *seen = look (last, status, now);

    add_broadcast (
        builder, status, seen, measure (last, status, interval), now);
    g_hash_table_insert (all, g_strdup (status->link), seen);
  }
  json_builder_end_array (builder);
  g_hash_table_unref (figures->seen);
  figures->seen = all;
}

/* --- The node --------------------------------------------------------------*/

static void
add_services (JsonBuilder *builder, const NodeFiguresSettings *settings)
{
  json_builder_set_member_name (builder, "services");
  json_builder_begin_array (builder);
  if (settings->broadcasts != NULL)
    json_builder_add_string_value (builder, "ingest");
  if (settings->has_api)
    json_builder_add_string_value (builder, "api");
  if (settings->has_sweeper)
    json_builder_add_string_value (builder, "sweeper");
  if (settings->has_notifier)
    json_builder_add_string_value (builder, "notifier");
  if (settings->archiver != NULL)
    json_builder_add_string_value (builder, "archiver");
  if (settings->retention != NULL)
    json_builder_add_string_value (builder, "retention");
  json_builder_end_array (builder);
}

/* This process alone; nginx and PostgreSQL are others. */
static void
add_process (JsonBuilder *builder, NodeFigures *figures, double interval)
{
  double cpu = process_get_cpu ();

  add_double (builder, "cpu",
      interval > 0 ? MAX (cpu - figures->cpu, 0) / interval : 0);
  json_fields_add_number (builder, "processors", g_get_num_processors ());
  json_fields_add_number (builder, "memory", process_get_memory ());
  figures->cpu = cpu;
}

static void
add_disk (JsonBuilder *builder, const NodeFiguresSettings *settings)
{
  struct statvfs disk;

  /* Free is what is not kept for root. */
  if (settings->broadcasts != NULL &&
      statvfs (settings->cache_dir, &disk) == 0) {
    json_fields_add_number (
        builder, "diskFree", (gint64)(disk.f_bavail * disk.f_frsize));
    json_fields_add_number (
        builder, "diskSize", (gint64)(disk.f_blocks * disk.f_frsize));
  } else {
    add_null (builder, "diskFree");
    add_null (builder, "diskSize");
  }
}

static void
add_archive (JsonBuilder *builder, Archiver *archiver)
{
  ArchiverFigures figures;

  if (archiver == NULL) {
    add_null (builder, "archive");
    return;
  }
  archiver_get_figures (archiver, &figures);
  json_builder_set_member_name (builder, "archive");
  json_builder_begin_object (builder);
  json_fields_add_number (builder, "open", figures.n_open);
  json_fields_add_number (builder, "failing", figures.n_failing);
  json_fields_add_number (builder, "bytes", (gint64)figures.n_bytes);
  json_fields_add_number (builder, "left", (gint64)figures.n_left);
  json_fields_add_number (builder, "archived", (gint64)figures.n_archived);
  if (figures.problem != NULL)
    json_fields_add_text (builder, "problem", figures.problem);
  else
    add_null (builder, "problem");
  json_builder_end_object (builder);
  archiver_figures_clear (&figures);
}

static void
add_cache (JsonBuilder *builder, CacheKeeper *keeper)
{
  CacheKeeperFigures figures;

  if (keeper == NULL) {
    add_null (builder, "cache");
    return;
  }
  cache_keeper_get_figures (keeper, &figures);
  json_builder_set_member_name (builder, "cache");
  json_builder_begin_object (builder);
  json_fields_add_number (builder, "size", (gint64)figures.size);
  json_fields_add_number (builder, "budget", (gint64)figures.budget);
  json_fields_add_number (builder, "unarchived", (gint64)figures.unarchived);
  json_fields_add_number (builder, "cleared", (gint64)figures.n_cleared);
  json_builder_end_object (builder);
}

static void
add_retention (JsonBuilder *builder, Retention *retention)
{
  RetentionFigures figures;

  if (retention == NULL) {
    add_null (builder, "retention");
    return;
  }
  retention_get_figures (retention, &figures);
  json_builder_set_member_name (builder, "retention");
  json_builder_begin_object (builder);
  json_fields_add_number (builder, "deleted", (gint64)figures.n_deleted);
  json_builder_set_member_name (builder, "onHold");
  json_builder_add_boolean_value (builder, figures.on_hold);
  if (figures.problem != NULL)
    json_fields_add_text (builder, "problem", figures.problem);
  else
    add_null (builder, "problem");
  json_builder_end_object (builder);
  retention_figures_clear (&figures);
}

static void
add_viewers (JsonBuilder *builder, Viewers *viewers, gint64 now)
{
  g_autoptr (GArray) list = viewers_list_here (viewers, now);

  json_fields_add_number (
      builder, "egress", viewers_get_egress_here (viewers, now));
  json_builder_set_member_name (builder, "viewers");
  json_builder_begin_object (builder);
  for (guint i = 0; i < list->len; i++) {
    const ViewerFigures *figures = &g_array_index (list, ViewerFigures, i);

    json_builder_set_member_name (builder, figures->link);
    json_builder_begin_object (builder);
    json_fields_add_number (builder, "pages", figures->pages);
    json_fields_add_number (builder, "players", figures->players);
    json_fields_add_number (builder, "egress", figures->egress);
    json_builder_end_object (builder);
  }
  json_builder_end_object (builder);
}

static void
add_message (const char *text, gint64 at, gpointer builder)
{
  json_builder_begin_object (builder);
  add_time (builder, "at", at);
  json_fields_add_text (builder, "text", text);
  json_builder_end_object (builder);
}

JsonNode *
node_figures_collect (NodeFigures *figures, gboolean is_connected, gint64 now)
{
  const NodeFiguresSettings *settings = &figures->settings;
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  double interval =
      figures->last != 0 ? (double)(now - figures->last) / G_USEC_PER_SEC : 0;

  json_builder_begin_object (builder);
  json_fields_add_text (builder, "name", settings->name);
  json_fields_add_text (builder, "version", VERSION);
  add_time (builder, "startedAt", figures->started_at);
  add_services (builder, settings);
  add_process (builder, figures, interval);
  add_disk (builder, settings);
  add_archive (builder, settings->archiver);
  add_cache (builder, settings->keeper);
  add_retention (builder, settings->retention);
  json_builder_set_member_name (builder, "databaseConnected");
  json_builder_add_boolean_value (builder, is_connected);
  json_fields_add_number (builder, "registrarQueued",
      figures->registrar != NULL ? registrar_get_queued (figures->registrar)
                                 : 0);
  add_broadcasts (builder, figures, interval, now);
  add_viewers (builder, settings->viewers, now);
  json_builder_set_member_name (builder, "messages");
  json_builder_begin_array (builder);
  journal_each_last (add_message, builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  figures->last = now;
  return json_builder_get_root (builder);
}
