/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "trackmerge.h"

static void
copy_track (Track *to, const Track *from, gboolean present)
{
  to->present = present;
  track_describe (to, from);
}

/**
 * track_table_merge:
 * @known: what the link had so far
 * @said: what its publisher says now
 * @map: (out): by track of @said, its index in the result
 *
 * A publisher that returns may name the tracks in another order, or not all of
 * them. URLs name tracks, so a name keeps its index for the life of a link.
 *
 * Returns: (transfer full): the tracks of @known, absent if @said has none of
 *     that name and type, then those that are new; the rest is as in @said
 */
TrackTable *
track_table_merge (
    const TrackTable *known, const TrackTable *said, guint16 *map)
{
  TrackTable *merged = track_table_new ();

  merged->segment_duration = said->segment_duration;
  merged->max_segment_duration = said->max_segment_duration;
  merged->part_duration = said->part_duration;
  merged->independent_segments = said->independent_segments;
  for (guint i = 0; i < track_table_size (known); i++) {
    const Track *old = track_table_get (known, i);
    int now = track_table_find (said, old->name);
    Track *track = track_table_add (merged, old->name, old->type);

    if (now >= 0 && track_table_get (said, now)->type == old->type) {
      const Track *new = track_table_get (said, now);

      /* A track that is configured no longer keeps what it last was. */
      copy_track (track, new->codecs != NULL ? new : old, new->present);
      map[now] = i;
    } else {
      copy_track (track, old, FALSE);
    }
  }
  for (guint i = 0; i < track_table_size (said); i++) {
    const Track *new = track_table_get (said, i);
    int index = track_table_find (merged, new->name);

    if (index < 0) {
      map[i] = track_table_size (merged);
      copy_track (
          track_table_add (merged, new->name, new->type), new, new->present);
    } else if (track_table_get (merged, index)->type != new->type) {
      map[i] = G_MAXUINT16 - 1; /* a name that means something else: refused */
    }
  }
  return merged;
}
