/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "broadcasts.h"
#include "rtspserver.h"

G_BEGIN_DECLS

/* Broadcasts that need no key ring and no database, for the tests of the
 * ingest: the first letter of a key says how it is answered. */
#define KIT_KEY_A "aaaaaaaa-aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KIT_KEY_B "bbbbbbbb-bbbbbbbbbbbbbbbbbbbbbbbbbb"
#define KIT_KEY_C "cccccccc-cccccccccccccccccccccccccc"
#define KIT_KEY_UNKNOWN "uuuuuuuu-uuuuuuuuuuuuuuuuuuuuuuuuuu"
#define KIT_KEY_REVOKED "rrrrrrrr-rrrrrrrrrrrrrrrrrrrrrrrrrr"
#define KIT_KEY_ELSEWHERE "eeeeeeee-eeeeeeeeeeeeeeeeeeeeeeeeee"
#define KIT_KEY_FULL "ffffffff-ffffffffffffffffffffffffff"
#define KIT_KEY_CLOSED "kkkkkkkk-kkkkkkkkkkkkkkkkkkkkkkkkkk"
#define KIT_KEY_BROKEN "pppppppp-pppppppppppppppppppppppppp"

/* What came on one pad of a source. Times less PUBLISHER_SRC_ZERO. */
typedef struct {
  char *name;
  GstCaps *caps; /* the last */
  guint n_caps;
  guint n_frames;
  guint n_keys;
  gint64 first_pts, last_pts, last_dts, last_time;
  gint64 max_step;     /* from one frame to the next in decoding order */
  guint n_unstamped;   /* no PTS */
  gboolean has_prefix; /* of LATM, on the first frame */
  guint n_unordered;   /* DTS that went back, or was missing or after PTS */
} KitStream;

typedef struct {
  char *key;
  GPtrArray *streams; /* of KitStream */
  char *link;
} KitRecord;

Broadcasts *rtsp_kit_new (void);
void rtsp_kit_free (Broadcasts *kit);
const char *rtsp_kit_get_dir (Broadcasts *kit);
/* What follows ${source}; LINK and DIR are replaced. */
void rtsp_kit_set_description (Broadcasts *kit, const char *description);

guint rtsp_kit_count_admitted (Broadcasts *kit);
/* Waits until that many publications have ended, and fails after a minute. */
void rtsp_kit_wait_ended (Broadcasts *kit, guint n);
/* Waits until @key has that many frames in all. */
void rtsp_kit_wait_frames (Broadcasts *kit, const char *key, guint n);
guint rtsp_kit_count_frames (Broadcasts *kit, const char *key);
void rtsp_kit_drop (Broadcasts *kit, const char *key);
/* Of the @n-th publication that has ended. */
const KitRecord *rtsp_kit_get_record (Broadcasts *kit, guint n);
const KitStream *kit_record_find (const KitRecord *record, const char *name);

/* rtsp://127.0.0.1:PORT/live/KEY */
char *rtsp_kit_url (RtspIngest *ingest, const char *key);
/* Runs a publisher; ${URL} in @command is replaced. */
GSubprocess *rtsp_kit_publish (
    RtspIngest *ingest, const char *key, const char *command);
/* Its exit status, and what it said. */
int rtsp_kit_finish (GSubprocess *publisher, char **text);

G_END_DECLS
