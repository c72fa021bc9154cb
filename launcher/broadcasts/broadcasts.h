/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "keyring.h"
#include "origin.h"
#include "registrar.h"

G_BEGIN_DECLS

/* The broadcasts of this node, from the publisher's knock to the end: who may
 * publish, which pipeline runs, when an interrupted one is over. It needs no
 * database to go on. Thread-safe; nothing here waits for disk, network or
 * database, but for starting and stopping a pipeline. */
typedef struct _Broadcasts Broadcasts;
/* One admitted publisher, from its admission until it is gone. */
typedef struct _Publication Publication;

typedef enum {
  ADMISSION_OK,
  ADMISSION_UNKNOWN_KEY,
  ADMISSION_REVOKED_KEY,
  ADMISSION_BUSY,      /* this key is publishing already */
  ADMISSION_ELSEWHERE, /* another node has this broadcast */
  ADMISSION_ENDED,     /* ended by command a moment ago: see the reason */
  ADMISSION_FULL,      /* as many publishers as this node takes */
  ADMISSION_CLOSED,    /* the node is shutting down, or not ready */
} Admission;

/* Told on any thread, once at most for each publication: its broadcast is over
 * or its pipeline failed, so the connection of the publisher must be closed.
 * The publication is still to be ended; once publication_end() has returned it
 * is not told any more. It must not wait for whoever may be in
 * publication_end(). */
typedef void (*PublicationDropped) (
    Publication *publication, const char *reason, gpointer data);

typedef struct {
  const char *node;
  const char *conninfo;
  const char *state_file; /* the open broadcasts, for the next start */
  const char *cache_dir;
  const char *origin_address;
  guint16 origin_port;
  const char *origin_url; /* or NULL */
  guint64 dvr_window;     /* ns */
  guint64 resume_window;  /* ns */
  guint64 notify_after;   /* ns; 0: two segments */
  guint64 quiet_period;   /* ns */
  guint max_publishers;
  /* The description of a game. (transfer full) */
  char *(*get_pipeline) (const char *game, gpointer data);
  gpointer data;
} BroadcastsSettings;

/* Takes the origin, and puts every interrupted broadcast of the state file back
 * on air before it returns. @keyring must outlive it. */
Broadcasts *broadcasts_new (
    const BroadcastsSettings *settings, Keyring *keyring, GError **error);
/* Interrupts all, with EOS, for at most @patience us; the next start resumes
 * them. */
void broadcasts_free (Broadcasts *broadcasts, gint64 patience);

/* Whether @key may publish now. ADMISSION_OK sets @publication; anything else
 * sets @reason, a sentence for the developer. @protocol is "rtmp" or "rtsp",
 * @peer the address for logs. A publication that is not started within 10 s
 * must be ended by its ingest. */
Admission broadcasts_admit (Broadcasts *broadcasts, const char *key,
    const char *protocol, const char *peer, PublicationDropped dropped,
    gpointer data, Publication **publication, char **reason);

/* Runs the pipeline with @source in the place of ${source}. Waits until what
 * the same broadcast ran before has stopped, and for the disk. FALSE: the
 * publication is still to be ended. */
gboolean publication_start (
    Publication *publication, const char *source, GError **error);
/* The element named `source` of a started publication, to be used even while
 * its pipeline is being stopped. (transfer full) */
GstElement *publication_get_source (Publication *publication);
const char *publication_get_link (Publication *publication);
/* The publisher is gone, or was refused after all. Frees it. Its pipeline comes
 * to its end on another thread. */
void publication_end (Publication *publication);

/* Ends a broadcast of this node now: its publisher is dropped and refused for
 * a moment, since OBS reconnects by itself. FALSE: it is not here. */
gboolean broadcasts_end (
    Broadcasts *broadcasts, const char *link, const char *reason);

typedef struct {
  char *link;
  char *game;
  char *title;
  BroadcastState state;
  char *protocol;                          /* or NULL if interrupted */
  gint64 since;                            /* us since 1970: of this state */
  gint64 resume_until;                     /* us since 1970, if interrupted */
  guint64 bytes;                           /* received from the publisher */
  char *health;                            /* JSON array of findings */
  GstStructure *packager, *cache, *origin; /* their `stats`, or NULL */
} BroadcastStatus;

void broadcast_status_free (BroadcastStatus *status);
/* Of all that are not ended: of BroadcastStatus. (transfer full) */
GPtrArray *broadcasts_list (Broadcasts *broadcasts);

/* Of the origin, for who clears the cache: see origin.h. */
gint64 broadcasts_get_last_read (Broadcasts *broadcasts, const char *link);
void broadcasts_forget_media (Broadcasts *broadcasts, const char *link);

G_END_DECLS
