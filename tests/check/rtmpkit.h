/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "broadcasts.h"
#include "privatenginx.h"
#include "rtmphook.h"

G_BEGIN_DECLS

/* One ingest node for tests: a real nginx, the RTMP hook, and in the place of
 * the broadcasts a stand-in that knows a few keys, counts the frames of each
 * and stores nothing. */

#define KIT_KEY "aaaaaaaa-bcdefghijklmnopqrstuvwxyz2"
#define KIT_OTHER_KEY "bbbbbbbb-bcdefghijklmnopqrstuvwxyz2"
#define KIT_WRONG_KEY "cccccccc-bcdefghijklmnopqrstuvwxyz2"

typedef struct {
  Broadcasts *broadcasts;
  RtmpIngest *ingest;
  PrivateNginx *nginx;
  char *dir;
  guint16 http_port, rtmp_port, control_port;
} RtmpNode;

RtmpNode *rtmp_node_new (void);
void rtmp_node_free (RtmpNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RtmpNode, rtmp_node_free)
/* @with_control: it may drop publishers at once. */
void rtmp_node_start_ingest (
    RtmpNode *node, guint16 hook_port, gboolean with_control);
/* Of the master of its nginx, once it is not @former. */
int rtmp_node_get_nginx_pid (RtmpNode *node, int former);

guint16 kit_free_port (void);
gboolean kit_is_listening (guint16 port);
/* Removes a folder and all that is in it. */
void kit_remove (const char *dir);

typedef gboolean (*KitCondition) (gpointer data);
/* Aborts the test if @condition has not come true after 20 s. */
void kit_until (const char *what, KitCondition condition, gpointer data);

/* ffmpeg, as a publisher of picture and sound. @seconds 0: until it is told. */
GSubprocess *kit_publish (RtmpNode *node, const char *key, guint seconds);
/* Whether it ended well. */
gboolean kit_wait_publisher (GSubprocess *publisher);
void kit_kill (GSubprocess *process, int signal);
/* Returns once none of its threads runs any more. */
void kit_stop (GSubprocess *process);

/* What the stand-in saw; key by key. */
typedef struct {
  guint admitted, ended, frames, samples;
  gint64 admitted_at, first_frame_at; /* monotonic us */
  char *source;                       /* of the last one started */
} KitSeen;

void kit_get_seen (RtmpNode *node, const char *key, KitSeen *seen);
void kit_until_frames (RtmpNode *node, const char *key, guint more);
void kit_until_ended (RtmpNode *node, const char *key, guint times);
/* The ticket of the last one started. (transfer full) */
char *kit_get_ticket (RtmpNode *node, const char *key);
/* As when it is ended by command. */
void kit_drop (RtmpNode *node, const char *key);
void kit_fail_starts (RtmpNode *node, gboolean fail);

G_END_DECLS
