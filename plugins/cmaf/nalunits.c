/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nalunits.h"

#include <string.h>

/* ITU-T H.264, table 7-1 */
#define H264_SLICE 1
#define H264_IDR 5
#define H264_SPS 7
#define H264_PPS 8
#define H264_SPS_EXTENSION 13
/* ITU-T H.265, table 7-1 */
#define H265_BLA_W_LP 16
#define H265_RSV_IRAP_VCL23 23
#define H265_LAST_VCL 31
#define H265_VPS 32
#define H265_PPS 34

typedef struct {
  const guint8 *position;
  gsize left;
  guint length_size;
  gboolean h265;
  /* The unit, with its length in front. */
  const guint8 *unit;
  gsize unit_size;
  guint type;
} NalIter;

/* Returns FALSE at the end and where a length does not fit; `left` tells. */
static gboolean
nal_iter_next (NalIter *iter)
{
  gsize size = 0;
  guint8 head;

  if (iter->left <= iter->length_size)
    return FALSE;
  for (guint i = 0; i < iter->length_size; i++)
    size = size << 8 | iter->position[i];
  if (size == 0 || size > iter->left - iter->length_size)
    return FALSE;
  iter->unit = iter->position;
  iter->unit_size = iter->length_size + size;
  head = iter->position[iter->length_size];
  iter->type = iter->h265 ? head >> 1 & 0x3f : head & 0x1f;
  iter->position += iter->unit_size;
  iter->left -= iter->unit_size;
  return TRUE;
}

/* The sample entries avc1 and hvc1 keep them out of the samples (ISO/IEC
 * 14496-15, 5.3.2 and 8.3.2). */
static gboolean
is_parameter_set (const NalIter *iter)
{
  if (iter->h265)
    return iter->type >= H265_VPS && iter->type <= H265_PPS;
  return iter->type == H264_SPS || iter->type == H264_PPS ||
         iter->type == H264_SPS_EXTENSION;
}

static gboolean
is_picture (const NalIter *iter)
{
  if (iter->h265)
    return iter->type <= H265_LAST_VCL;
  return iter->type >= H264_SLICE && iter->type <= H264_IDR;
}

static gboolean
is_random_access (const NalIter *iter)
{
  if (iter->h265)
    return iter->type >= H265_BLA_W_LP && iter->type <= H265_RSV_IRAP_VCL23;
  return iter->type == H264_IDR;
}

/**
 * nal_units_inspect:
 * @data: one access unit, NAL units behind lengths of @length_size bytes
 * @summary: (out):
 *
 * Returns: %FALSE if a length does not fit or there is no picture in it
 */
gboolean
nal_units_inspect (const guint8 *data, gsize size, gboolean h265,
    guint length_size, NalSummary *summary)
{
  NalIter iter = {data, size, length_size, h265};
  gboolean picture = FALSE;

  summary->key = FALSE;
  summary->stripped_size = 0;
  while (nal_iter_next (&iter)) {
    picture |= is_picture (&iter);
    summary->key |= is_random_access (&iter);
    if (!is_parameter_set (&iter))
      summary->stripped_size += iter.unit_size;
  }
  return iter.left == 0 && picture;
}

/**
 * nal_units_copy_stripped:
 * @destination: room for NalSummary.stripped_size of the same @data
 *
 * Copies all but the parameter sets.
 *
 * Returns: the bytes copied
 */
gsize
nal_units_copy_stripped (guint8 *destination, const guint8 *data, gsize size,
    gboolean h265, guint length_size)
{
  NalIter iter = {data, size, length_size, h265};
  gsize copied = 0;

  while (nal_iter_next (&iter)) {
    if (is_parameter_set (&iter))
      continue;
    memcpy (destination + copied, iter.unit, iter.unit_size);
    copied += iter.unit_size;
  }
  return copied;
}
