/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cachereader.h"

G_BEGIN_DECLS

/* A link, or a piece of it, laid out as one file:
 *
 *   head   the joint init, cut down to the chosen tracks, and a sidx if nothing
 *          can be added any more
 *   body   the chunks ordered by MSN; in a segment, track after track as the
 *          store numbers them
 *
 * It reaches over all epochs that begin with the same init. What was laid out
 * never changes, so the body is the same whoever reads it when. Not
 * thread-safe. */
typedef struct _CachePiece CachePiece;

typedef enum {
  CACHE_PIECE_WHOLE,
  CACHE_PIECE_HEAD,
  CACHE_PIECE_BODY,
} CachePieceKind;

typedef enum {
  CACHE_PIECE_GROWING,
  CACHE_PIECE_ENDED,   /* with the link */
  CACHE_PIECE_CHANGED, /* another init follows */
} CachePieceState;

CachePiece *cache_piece_new (CacheReader *reader, char **names,
    guint32 first_epoch, CachePieceKind kind, gboolean follow);
void cache_piece_free (CachePiece *piece);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CachePiece, cache_piece_free)

gboolean cache_piece_refresh (CachePiece *piece, GError **error);
CachePieceState cache_piece_get_state (CachePiece *piece);
void cache_piece_get_change (CachePiece *piece, guint32 *epoch, guint64 *msn);
guint64 cache_piece_get_size (CachePiece *piece);

/* What is known of a piece once it does not grow any more. */
typedef struct {
  guint64 size;        /* bytes */
  guint32 crc32c;      /* of them */
  guint64 duration;    /* ns, of the media of its body */
  gboolean incomplete; /* chunks of the link were lost */
} CachePieceSummary;
gboolean cache_piece_summarize (
    CachePiece *piece, CachePieceSummary *summary, GError **error);
gssize cache_piece_read (CachePiece *piece, guint64 position, guint8 *data,
    gsize size, GError **error);

G_END_DECLS
