/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cachehead.h"

#include <gio/gio.h>
#include <string.h>

#include "boxreader.h"

#define SIDX_SAP (1u << 31 | 1u << 28) /* starts with SAP, of type 1 */

static void
put_uint16 (GByteArray *array, guint16 value)
{
  guint16 raw = GUINT16_TO_BE (value);

  g_byte_array_append (array, (const guint8 *)&raw, sizeof raw);
}

static void
put_uint32 (GByteArray *array, guint32 value)
{
  guint32 raw = GUINT32_TO_BE (value);

  g_byte_array_append (array, (const guint8 *)&raw, sizeof raw);
}

static void
put_uint64 (GByteArray *array, guint64 value)
{
  guint64 raw = GUINT64_TO_BE (value);

  g_byte_array_append (array, (const guint8 *)&raw, sizeof raw);
}

/* Gives the place of the size, for end_box(). */
static guint
begin_box (GByteArray *array, const char *type)
{
  guint begin = array->len;

  put_uint32 (array, 0);
  g_byte_array_append (array, (const guint8 *)type, 4);
  return begin;
}

static void
end_box (GByteArray *array, guint begin)
{
  guint32 raw = GUINT32_TO_BE (array->len - begin);

  memcpy (array->data + begin, &raw, sizeof raw);
}

/* The track_ID of a tkhd (8.3.2), after version, flags and two times. */
static gboolean
trak_get_id (const Box *trak, guint32 *track_id)
{
  gsize at;
  Box tkhd;

  if (!box_find (trak->content, trak->size, BOX_TYPE ("tkhd"), &tkhd) ||
      tkhd.size < 1)
    return FALSE;
  at = tkhd.content[0] == 1 ? 20 : 12;
  if (tkhd.size < at + 4)
    return FALSE;
  *track_id = box_get_uint32 (tkhd.content + at);
  return TRUE;
}

/**
 * cache_head_get_track_id:
 * @init: an init segment of one track
 * @track_id: (out)
 *
 * Returns: %FALSE if @init is malformed
 */
gboolean
cache_head_get_track_id (GBytes *init, guint32 *track_id)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (init, &size);
  Box moov, trak;

  return box_find (data, size, BOX_TYPE ("moov"), &moov) &&
         box_find (moov.content, moov.size, BOX_TYPE ("trak"), &trak) &&
         trak_get_id (&trak, track_id);
}

typedef struct {
  GByteArray *out;
  const guint32 *track_ids;
  guint n_ids;
  guint n_found;
} Filter;

static gboolean
is_chosen (const Filter *filter, guint32 track_id)
{
  for (guint i = 0; i < filter->n_ids; i++)
    if (filter->track_ids[i] == track_id)
      return TRUE;
  return FALSE;
}

static gboolean
keep_box (Filter *filter, const Box *box)
{
  guint32 track_id;

  if (box->type == BOX_TYPE ("trak")) {
    if (!trak_get_id (box, &track_id) || !is_chosen (filter, track_id))
      return FALSE;
    filter->n_found++;
    return TRUE;
  }
  if (box->type == BOX_TYPE ("trex")) /* version, flags, track_ID (8.8.3) */
    return box->size >= 8 &&
           is_chosen (filter, box_get_uint32 (box->content + 4));
  return TRUE;
}

static gboolean
is_container (guint32 parent, guint32 type)
{
  return (parent == 0 && type == BOX_TYPE ("moov")) ||
         (parent == BOX_TYPE ("moov") && type == BOX_TYPE ("mvex"));
}

/* Copies boxes but for those of tracks that were not chosen, into moov and its
 * mvex; @parent is 0 for the file. Returns FALSE where no whole box is, or one
 * without a size of its own, which cannot be moved. */
static gboolean
filter_boxes (Filter *filter, guint32 parent, const guint8 *data, gsize size)
{
  BoxReader reader;
  Box box;

  box_reader_init (&reader, data, size);
  while (box_reader_next (&reader, &box)) {
    if (box_get_uint32 (box.start) == 0)
      return FALSE;
    if (is_container (parent, box.type)) {
      guint begin = begin_box (filter->out, (const char *)box.start + 4);

      if (!filter_boxes (filter, box.type, box.content, box.size))
        return FALSE;
      end_box (filter->out, begin);
    } else if (keep_box (filter, &box)) {
      g_byte_array_append (filter->out, box.start, box.total);
    }
  }
  return reader.next == reader.size;
}

/**
 * cache_head_filter:
 * @joint: a joint init segment
 * @track_ids: which of its tracks to keep
 *
 * Returns: (transfer full) (nullable): @joint without the other tracks, or %NULL
 *     and @error if it is malformed or lacks one of them
 */
GBytes *
cache_head_filter (
    GBytes *joint, const guint32 *track_ids, guint n_ids, GError **error)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  Filter filter = {out, track_ids, n_ids, 0};
  gsize size;
  const guint8 *data = g_bytes_get_data (joint, &size);

  if (!filter_boxes (&filter, 0, data, size) || filter.n_found != n_ids) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "A joint init segment is malformed or lacks a track");
    return NULL;
  }
  return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}

static guint64
to_ticks (guint64 time, guint32 timescale)
{
  return (guint64)((unsigned __int128)time * timescale / 1000000000u);
}

/**
 * cache_head_build_sidx:
 * @track_id: of the track whose times and key frames are meant
 * @timescale: ticks a second of that track
 * @references: stretches side by side in the file; their pts never go back
 * @end_pts: where the last one ends, ns
 * @behind: bytes between the box and the first of them
 *
 * Builds a segment index (ISO/IEC 14496-12 8.16.3) of version 1. Times are
 * rounded at the borders, so that no error adds up. Beyond
 * %CACHE_HEAD_MAX_REFERENCES, neighbours share one.
 *
 * Returns: (transfer full) (nullable): the box, or %NULL if a reference would
 *     have 2 GiB or there is none
 */
GBytes *
cache_head_build_sidx (guint32 track_id, guint32 timescale,
    const CacheReference *references, guint n_references, guint64 end_pts,
    guint64 behind)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  guint stride = (n_references + CACHE_HEAD_MAX_REFERENCES - 1) /
                 CACHE_HEAD_MAX_REFERENCES;
  guint n = (n_references + stride - 1) / MAX (stride, 1);
  guint begin;

  if (n_references == 0)
    return NULL;
  begin = begin_box (out, "sidx");
  put_uint32 (out, 1u << 24); /* version 1 */
  put_uint32 (out, track_id);
  put_uint32 (out, timescale);
  put_uint64 (out, to_ticks (references[0].pts, timescale));
  put_uint64 (out, behind);
  put_uint16 (out, 0);
  put_uint16 (out, n);
  for (guint i = 0; i < n_references; i += stride) {
    guint next = MIN (i + stride, n_references);
    guint64 from = to_ticks (references[i].pts, timescale);
    guint64 to = to_ticks (
        next < n_references ? references[next].pts : end_pts, timescale);
    guint64 size = 0;

    for (guint j = i; j < next; j++)
      size += references[j].size;
    if (size > CACHE_HEAD_MAX_SIZE)
      return NULL;
    put_uint32 (out, size);
    put_uint32 (out, to > from ? MIN (to - from, G_MAXUINT32) : 0);
    put_uint32 (out, references[i].independent ? SIDX_SAP : 0);
  }
  end_box (out, begin);
  return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}
