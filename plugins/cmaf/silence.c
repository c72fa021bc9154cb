/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "silence.h"

#include <string.h>

#define AAC_LC 2
/* ISO/IEC 14496-3, table 4.71 */
#define ID_SCE 0
#define ID_CPE 1
#define ID_END 7

/* A packet lasts at most 120 ms; here it is of 20 ms frames if it has several. */
#define OPUS_MAX_FRAMES 6

typedef struct {
  guint8 *bytes;
  guint position; /* in bits */
} BitWriter;

static void
put (BitWriter *w, guint value, guint bits)
{
  while (bits-- > 0) {
    if (value >> bits & 1)
      w->bytes[w->position / 8] |= 0x80 >> w->position % 8;
    w->position++;
  }
}

/* ics_info() of a long window without any scale factor band (4.4.2.1) */
static void
put_ics_info (BitWriter *w)
{
  put (w, 0, 1); /* reserved */
  put (w, 0, 2); /* ONLY_LONG_SEQUENCE */
  put (w, 0, 1); /* window shape */
  put (w, 0, 6); /* max_sfb: no spectrum follows */
  put (w, 0, 1); /* no predictor */
}

static void
put_global_gain (BitWriter *w)
{
  put (w, 0, 8);
}

static void
put_no_tools (BitWriter *w)
{
  put (w, 0, 3); /* neither pulses, nor TNS, nor gain control */
}

/**
 * silence_aac:
 * @object_type: of the AudioSpecificConfig
 * @frame: (out): SILENCE_MAX_SIZE bytes
 *
 * Writes a raw_data_block() whose spectrum is empty (ISO/IEC 14496-3, 4.4.2).
 *
 * Returns: its size in bytes; 0 for anything but mono and stereo AAC-LC
 */
gsize
silence_aac (guint object_type, guint channels, guint8 *frame)
{
  BitWriter w = {frame, 0};

  memset (frame, 0, SILENCE_MAX_SIZE);
  if (object_type != AAC_LC || channels == 0 || channels > 2)
    return 0;
  put (&w, channels == 1 ? ID_SCE : ID_CPE, 3);
  put (&w, 0, 4); /* instance tag */
  if (channels == 1) {
    put_global_gain (&w);
    put_ics_info (&w);
    put_no_tools (&w);
  } else {
    put (&w, 1, 1); /* common window */
    put_ics_info (&w);
    put (&w, 0, 2); /* no mid/side stereo */
    for (guint i = 0; i < 2; i++) {
      put_global_gain (&w);
      put_no_tools (&w);
    }
  }
  put (&w, ID_END, 3);
  return (w.position + 7) / 8;
}

/**
 * silence_opus:
 * @samples: of the packet, at 48 kHz
 * @frame: (out): SILENCE_MAX_SIZE bytes
 *
 * Writes a packet (RFC 6716, 3.1 and 3.2.5: CELT-only, fullband, one to six
 * equal frames) that decodes to silence.
 *
 * Returns: its size in bytes; 0 for more than two channels or if no packet has
 *     so many samples
 */
gsize
silence_opus (guint channels, guint samples, guint8 *frame)
{
  static const guint8 silent[] = {0xff, 0xfe};
  guint config = 31, length = 960, count, size = 1;

  for (; length > 120 && samples % length != 0; length /= 2)
    config--;
  count = samples / length;
  if (channels == 0 || channels > 2 || samples % length != 0 || count == 0 ||
      count > OPUS_MAX_FRAMES)
    return 0;
  frame[0] = config << 3 | (channels == 2) << 2;
  if (count > 1) {
    frame[0] |= 3; /* a count follows; equal sizes, no padding */
    frame[size++] = count;
  }
  for (guint i = 0; i < count; i++, size += sizeof (silent))
    memcpy (frame + size, silent, sizeof (silent));
  return size;
}
