/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "segmentersim.h"

const SegmenterSettings sim_settings = {
    .segment_duration = 2 * SECOND,
    .max_segment_duration = 10 * SECOND,
    .part_duration = 500 * MS,
    .track_timeout = SECOND,
};

const char sim_config_a[] = "a", sim_config_b[] = "b";

static void
on_begin_epoch (guint32 epoch, guint64 msn, guint64 time, guint64 latest,
    const gconstpointer *configs, gpointer user_data)
{
  Sim *sim = user_data;
  SimEpoch entry = {.epoch = epoch, .msn = msn, .time = time};

  for (guint i = 0; i < sim->n_tracks; i++)
    if (configs[i] != NULL)
      entry.present |= 1 << i;
  g_assert_cmpint (latest, >=, time);
  g_array_append_val (sim->epochs, entry);
}

static void
on_part (const SegmenterPart *part, gpointer user_data)
{
  Sim *sim = user_data;
  SimPart entry = {
      .track = part->track,
      .epoch = part->epoch,
      .msn = part->msn,
      .part = part->part,
      .last = part->last,
      .independent = part->independent,
      .starts_with_key = part->samples[0].key,
      .n_samples = part->n_samples,
      .dts = part->dts,
      .duration = part->duration,
      .cts = part->samples[0].cts,
  };
  gint64 time = part->dts;

  g_assert_cmpuint (part->n_samples, >, 0);
  for (guint i = 0; i < part->n_samples; i++) {
    const SegmenterSample *sample = &part->samples[i];

    g_assert_cmpint (sample->time, >=, time);
    time = sample->time;
    g_assert_true (sample->config == part->samples[0].config);
    if (*(guint *)sample->data != 0)
      sim->n_out++;
  }
  g_array_append_val (sim->parts, entry);
}

static void
on_forced_cut (guint64 msn, gpointer user_data)
{
  ((Sim *)user_data)->n_forced++;
}

static void
on_presence (guint track, gboolean present, gpointer user_data)
{
  Sim *sim = user_data;

  if (present)
    sim->n_returned++;
  else
    sim->n_lost++;
}

static void
on_dropped (guint track, gpointer user_data)
{
  ((Sim *)user_data)->n_dropped++;
}

/* The simulated program has one sim at a time. */
static guint *live;

static gpointer
new_data (guint id)
{
  (*live)++;
  return g_memdup2 (&id, sizeof (id));
}

static void
free_data (gpointer data)
{
  g_assert_cmpuint (*live, >, 0);
  (*live)--;
  g_free (data);
}

static gpointer
on_silence (gconstpointer config, guint64 duration, gpointer user_data)
{
  Sim *sim = user_data;

  if (sim->no_silence)
    return NULL;
  sim->n_silent++;
  return new_data (0);
}

/**
 * sim_new:
 * @tracks: a letter each, `v` or `a`
 */
Sim *
sim_new (const SegmenterSettings *settings, const char *tracks)
{
  static const SegmenterOutput output = {
      .begin_epoch = on_begin_epoch,
      .part = on_part,
      .forced_cut = on_forced_cut,
      .presence = on_presence,
      .dropped = on_dropped,
      .silence = on_silence,
      .free_data = free_data,
  };
  Sim *sim = g_new0 (Sim, 1);

  sim->segmenter = segmenter_new (settings, &output, sim);
  sim->parts = g_array_new (FALSE, FALSE, sizeof (SimPart));
  sim->epochs = g_array_new (FALSE, FALSE, sizeof (SimEpoch));
  live = &sim->n_live;
  for (; *tracks != '\0'; tracks++, sim->n_tracks++)
    segmenter_add_track (sim->segmenter, *tracks == 'v');
  return sim;
}

void
sim_free (Sim *sim)
{
  g_clear_pointer (&sim->segmenter, segmenter_free);
  g_assert_cmpuint (sim->n_live, ==, 0);
  g_array_unref (sim->parts);
  g_array_unref (sim->epochs);
  g_free (sim);
}

void
sim_push (Sim *sim, guint track, gint64 time, guint64 duration, gboolean key,
    const char *config, gint64 now)
{
  SegmenterSample sample = {
      .time = time,
      .duration = duration,
      .key = key,
      .config = config,
      .data = new_data (1),
  };

  sim->n_pushed++;
  segmenter_push (sim->segmenter, track, &sample, now);
}

void
sim_video (Sim *sim, guint track, gint64 time, gboolean key, gint64 now)
{
  sim_push (sim, track, time, 0, key, sim_config_a, now);
}

void
sim_audio (Sim *sim, guint track, gint64 time, gint64 duration, gint64 now)
{
  sim_push (sim, track, time, duration, TRUE, sim_config_a, now);
}

/* Ends every track and checks all that must hold of every output. */
void
sim_end (Sim *sim, gint64 now)
{
  for (guint i = 0; !segmenter_is_ended (sim->segmenter); i++)
    segmenter_end_track (sim->segmenter, i, now);
  sim_check (sim);
  g_assert_cmpuint (sim->n_live, ==, 0);
}

/* What holds of every output: numbers, order, accounts. */
void
sim_check (Sim *sim)
{
  SimPart latest[8];
  gboolean seen[8] = {FALSE};

  for (guint i = 0; i < sim->parts->len; i++) {
    SimPart *part = sim_part (sim, i);
    SimPart *before = &latest[part->track];

    if (seen[part->track]) {
      g_assert_cmpuint (part->epoch, >=, before->epoch);
      g_assert_cmpuint (part->msn, >=, before->msn);
      g_assert_cmpint (part->dts, >=, before->dts + before->duration - 1 * MS);
      if (part->msn == before->msn) {
        g_assert_cmpuint (part->epoch, ==, before->epoch);
        g_assert_cmpuint (part->part, ==, before->part + 1);
        g_assert_false (before->last);
      }
    }
    if (!seen[part->track] || part->msn != before->msn)
      g_assert_cmpuint (part->part, ==, 0);
    g_assert_cmpint (part->duration, >=, 0);
    seen[part->track] = TRUE;
    *before = *part;
  }
  for (guint i = 1; i < sim->epochs->len; i++) {
    g_assert_cmpuint (
        sim_epoch (sim, i)->epoch, ==, sim_epoch (sim, i - 1)->epoch + 1);
    g_assert_cmpuint (sim_epoch (sim, i)->msn, >, sim_epoch (sim, i - 1)->msn);
  }
  if (segmenter_is_ended (sim->segmenter))
    g_assert_cmpuint (sim->n_pushed, ==, sim->n_out + sim->n_dropped);
}

/* The parts of @track join without a gap within each epoch. */
void
sim_check_continuous (Sim *sim, guint track)
{
  SimPart *before = NULL;

  for (guint i = 0; i < sim->parts->len; i++) {
    SimPart *part = sim_part (sim, i);

    if (part->track != track)
      continue;
    if (before != NULL && before->epoch == part->epoch)
      g_assert_cmpint (before->dts + before->duration, ==, part->dts);
    before = part;
  }
}

SimPart *
sim_part (Sim *sim, guint index)
{
  return &g_array_index (sim->parts, SimPart, index);
}

SimEpoch *
sim_epoch (Sim *sim, guint index)
{
  return &g_array_index (sim->epochs, SimEpoch, index);
}
