/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sdpmedia.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check (const GstSDPMessage *sdp)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) codecs = sdp_media_read (sdp, &error);
  g_autofree char *launch = NULL;

  if ((codecs == NULL) != (error != NULL))
    abort ();
  if (codecs == NULL) {
    /* It becomes one line of an answer. */
    for (const char *c = error->message; *c != '\0'; c++)
      if (!g_ascii_isprint (*c))
        abort ();
    return;
  }
  if (codecs->len == 0 || codecs->len > SDP_MEDIA_MAX_STREAMS ||
      codecs->len != gst_sdp_message_medias_len (sdp))
    abort ();
  launch = sdp_media_to_launch (codecs);
  if (strstr (launch, "depay0") == NULL)
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  GstSDPMessage *sdp;

  gst_sdp_message_new (&sdp);
  if (gst_sdp_message_parse_buffer (data, size, sdp) == GST_SDP_OK)
    check (sdp);
  gst_sdp_message_free (sdp);
  return 0;
}
