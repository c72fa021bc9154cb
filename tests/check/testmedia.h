/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* A coded stream from an encoder of this machine. */
typedef struct {
  GstCaps *caps;
  GPtrArray *buffers; /* of GstBuffer */
} TestMedia;

/* gst-launch syntax of coded streams */
#define TEST_H264                                                              \
  "x264enc speed-preset=ultrafast tune=zerolatency key-int-max=30 ! "          \
  "h264parse ! video/x-h264,stream-format=avc,alignment=au"
#define TEST_H264_B_FRAMES                                                     \
  "x264enc speed-preset=veryfast bframes=3 b-adapt=false key-int-max=30 "      \
  "option-string=scenecut=0 ! "                                                \
  "h264parse ! video/x-h264,stream-format=avc,alignment=au"
#define TEST_H265                                                              \
  "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=30 ! "          \
  "h265parse ! video/x-h265,stream-format=hvc1,alignment=au"
#define TEST_AAC "avenc_aac ! aacparse ! audio/mpeg,stream-format=raw"
#define TEST_OPUS "opusenc ! opusparse"

gboolean test_media_has (const char *element);
TestMedia *test_media_encode (const char *description);
void test_media_free (TestMedia *media);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestMedia, test_media_free)
GBytes *test_media_codec_data (const TestMedia *media);

G_END_DECLS
