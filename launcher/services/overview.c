/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "overview.h"

#include "jsonfields.h"
#include "jsontime.h"

typedef struct {
  char *name;
  gint64 seen_at;
  gboolean is_alive;
  JsonNode *report;
} Node;

/* openapi.json, "Sample" */
typedef struct {
  gint64 at;
  gint64 live, viewers, ingest, egress, queued_bytes;
  double part_latency; /* < 0: no part was made */
  double cpu;
} Sample;

struct _Overview {
  char *name; /* of this node */

  GMutex lock;
  /* with lock: */
  GPtrArray *nodes;   /* of Node, this one first once it has told */
  gint64 stale_since; /* 0: it is not */
  Sample history[OVERVIEW_SAMPLES]; /* a ring, by n_samples */
  guint64 n_samples;
};

static void
node_free (gpointer data)
{
  Node *node = data;

  g_free (node->name);
  json_node_unref (node->report);
  g_free (node);
}

static Node *
node_new (const char *name, gint64 seen_at, gboolean is_alive, JsonNode *report)
{
  Node *node = g_new (Node, 1);

  node->name = g_strdup (name);
  node->seen_at = seen_at;
  node->is_alive = is_alive;
  node->report = json_node_ref (report);
  return node;
}

Overview *
overview_new (const char *node, gint64 now)
{
  Overview *overview = g_new0 (Overview, 1);

  overview->name = g_strdup (node);
  g_mutex_init (&overview->lock);
  overview->nodes = g_ptr_array_new_with_free_func (node_free);
  overview->stale_since = now;
  return overview;
}

void
overview_free (Overview *overview)
{
  if (overview == NULL)
    return;
  g_ptr_array_unref (overview->nodes);
  g_mutex_clear (&overview->lock);
  g_free (overview->name);
  g_free (overview);
}

/* --- Nodes -----------------------------------------------------------------*/

static Node *
find_node (GPtrArray *nodes, const char *name)
{
  for (guint i = 0; i < nodes->len; i++) {
    Node *node = g_ptr_array_index (nodes, i);

    if (g_str_equal (node->name, name))
      return node;
  }
  return NULL;
}

void
overview_set_own (Overview *overview, JsonNode *report, gint64 now)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&overview->lock);
  Node *own = find_node (overview->nodes, overview->name);

  if (own != NULL)
    g_ptr_array_remove (overview->nodes, own);
  g_ptr_array_insert (
      overview->nodes, 0, node_new (overview->name, now, TRUE, report));
}

void
overview_set_others (
    Overview *overview, const OverviewNode *nodes, guint n, gboolean is_settled)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&overview->lock);
  GPtrArray *old = overview->nodes;

  overview->nodes = g_ptr_array_new_with_free_func (node_free);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (overview->nodes, node_new (nodes[i].name, nodes[i].seen_at,
                                          nodes[i].is_alive, nodes[i].report));
  for (guint i = 0; i < old->len; i++) {
    const Node *node = g_ptr_array_index (old, i);
    Node *now = find_node (overview->nodes, node->name);
    gboolean is_own = g_str_equal (node->name, overview->name);

    if (now == NULL && (is_own || (node->is_alive && !is_settled)))
      g_ptr_array_insert (overview->nodes, is_own ? 0 : -1,
          node_new (node->name, node->seen_at, node->is_alive, node->report));
    else if (now != NULL && !is_settled)
      now->is_alive |= node->is_alive;
  }
  g_ptr_array_unref (old);
  overview->stale_since = 0;
}

void
overview_set_stale (Overview *overview, gint64 now)
{
  g_mutex_lock (&overview->lock);
  if (overview->stale_since == 0)
    overview->stale_since = now;
  g_mutex_unlock (&overview->lock);
}

guint
overview_count (Overview *overview, gboolean is_alive)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&overview->lock);
  guint n = 0;

  for (guint i = 0; i < overview->nodes->len; i++) {
    const Node *node = g_ptr_array_index (overview->nodes, i);

    n += !node->is_alive == !is_alive;
  }
  return n;
}

/* --- History ---------------------------------------------------------------*/

/* What is not there is of a node of another version. */
static void
sum_broadcast (JsonArray *list, guint i, JsonNode *element, gpointer data)
{
  JsonObject *broadcast = json_node_get_object (element);
  Sample *sample = data;
  JsonNode *latency = json_object_get_member (broadcast, "partLatency");

  sample->live += g_str_equal (
      json_object_get_string_member_with_default (broadcast, "state", ""),
      "live");
  sample->ingest +=
      json_object_get_int_member_with_default (broadcast, "bitRate", 0);
  sample->queued_bytes +=
      json_object_get_int_member_with_default (broadcast, "queuedBytes", 0);
  if (latency != NULL && JSON_NODE_HOLDS_OBJECT (latency))
    sample->part_latency = MAX (
        sample->part_latency, json_object_get_double_member_with_default (
                                  json_node_get_object (latency), "p99", -1));
}

static void
sum_node (Sample *sample, JsonObject *report)
{
  sample->egress +=
      json_object_get_int_member_with_default (report, "egress", 0);
  sample->cpu += json_object_get_double_member_with_default (report, "cpu", 0);
  if (json_object_has_member (report, "broadcasts"))
    json_array_foreach_element (
        json_object_get_array_member (report, "broadcasts"), sum_broadcast,
        sample);
}

void
overview_sample (Overview *overview, const char *viewers, gint64 now)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&overview->lock);
  g_autoptr (JsonNode) all = json_from_string (viewers, NULL);
  Sample *sample = &overview->history[overview->n_samples++ % OVERVIEW_SAMPLES];

  *sample = (Sample){.at = now, .part_latency = -1};
  sample->viewers =
      json_object_get_int_member (json_node_get_object (all), "total");
  for (guint i = 0; i < overview->nodes->len; i++) {
    const Node *node = g_ptr_array_index (overview->nodes, i);

    if (node->is_alive)
      sum_node (sample, json_node_get_object (node->report));
  }
}

/* --- JSON ------------------------------------------------------------------*/

static void
add_time (JsonBuilder *builder, const char *member, gint64 time)
{
  g_autofree char *text = json_time_format (time);

  json_fields_add_text (builder, member, text);
}

static void
add_nodes (JsonBuilder *builder, GPtrArray *nodes)
{
  json_builder_set_member_name (builder, "nodes");
  json_builder_begin_array (builder);
  for (guint i = 0; i < nodes->len; i++) {
    const Node *node = g_ptr_array_index (nodes, i);

    json_builder_begin_object (builder);
    add_time (builder, "seenAt", node->seen_at);
    json_builder_set_member_name (builder, "alive");
    json_builder_add_boolean_value (builder, node->is_alive);
    json_builder_set_member_name (builder, "report");
    json_builder_add_value (builder, json_node_copy (node->report));
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

static void
add_sample (JsonBuilder *builder, const Sample *sample)
{
  json_builder_begin_object (builder);
  add_time (builder, "at", sample->at);
  json_fields_add_number (builder, "live", sample->live);
  json_fields_add_number (builder, "viewers", sample->viewers);
  json_fields_add_number (builder, "ingest", sample->ingest);
  json_fields_add_number (builder, "egress", sample->egress);
  json_builder_set_member_name (builder, "partLatency");
  if (sample->part_latency >= 0)
    json_builder_add_double_value (builder, sample->part_latency);
  else
    json_builder_add_null_value (builder);
  json_fields_add_number (builder, "queuedBytes", sample->queued_bytes);
  json_builder_set_member_name (builder, "cpu");
  json_builder_add_double_value (builder, sample->cpu);
  json_builder_end_object (builder);
}

static void
add_history (JsonBuilder *builder, const Overview *overview)
{
  guint64 n = MIN (overview->n_samples, OVERVIEW_SAMPLES);

  json_builder_set_member_name (builder, "history");
  json_builder_begin_array (builder);
  for (guint64 i = overview->n_samples - n; i < overview->n_samples; i++)
    add_sample (builder, &overview->history[i % OVERVIEW_SAMPLES]);
  json_builder_end_array (builder);
}

char *
overview_to_json (Overview *overview, const char *viewers, gint64 now)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&overview->lock);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  add_time (builder, "at", now);
  json_fields_add_text (builder, "node", overview->name);
  if (overview->stale_since != 0) {
    add_time (builder, "staleSince", overview->stale_since);
  } else {
    json_builder_set_member_name (builder, "staleSince");
    json_builder_add_null_value (builder);
  }
  add_nodes (builder, overview->nodes);
  json_builder_set_member_name (builder, "viewers");
  json_builder_add_value (builder, json_from_string (viewers, NULL));
  add_history (builder, overview);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}
