/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cataloguememory.h"
#include "link.h"

G_BEGIN_DECLS

/* What a request of the API asks for. Logic without HTTP. */
typedef enum {
  API_ROUTE_NONE, /* there is nothing at this path */
  API_ROUTE_BROADCASTS,
  API_ROUTE_BROADCAST,
  API_ROUTE_HEALTH,
  API_ROUTE_RECORDING,
  API_ROUTE_END,
  API_ROUTE_WATCHING,
  API_ROUTE_VIEWERS,
  API_ROUTE_GAMES,
  API_ROUTE_GAME,
  API_ROUTE_GAME_BROADCASTS,
  API_ROUTE_DEVELOPER,
  API_ROUTE_OVERVIEW,
  API_ROUTE_NOTIFICATIONS,
  API_ROUTE_EVENTS,
  API_ROUTE_OPENAPI,
  API_ROUTE_METRICS,
  API_ROUTE_HEALTHZ,
  API_ROUTE_READYZ,
  N_API_ROUTES,
} ApiRouteKind;

#define GAME_ID_MAX_LENGTH 64 /* as wishcast.game has it */
#define VIEWER_MIN_LENGTH 16
#define VIEWER_MAX_LENGTH 64
#define PART_MAX 9999
#define API_LIMIT_DEFAULT 20
#define API_LIMIT_MOST 100

typedef struct {
  ApiRouteKind kind;
  char link[LINK_MAX_LENGTH + 1];
  char game[GAME_ID_MAX_LENGTH + 1]; /* "" for any */
  CatalogueListKind list;
  guint limit;
  gboolean has_before;
  CatalogueCursor before;
  char after[GAME_ID_MAX_LENGTH + 1]; /* of games; "" for the begin */
  gboolean has_last_event;
  guint64 last_event;
  char viewer[VIEWER_MAX_LENGTH + 1]; /* "" if it was not said */
  gboolean left;
  guint part;         /* of a recording, from 0 */
  gboolean is_inline; /* to be played, not saved */
} ApiRoute;

/* Decides what @path is; never fails. */
void api_route_parse_path (ApiRoute *route, const char *path);
/* Reads @query (nullable) as that route has it. FALSE sets @detail, a sentence
 * that names the parameter (transfer full). */
gboolean api_route_parse_query (
    ApiRoute *route, const char *query, char **detail);
/* The value of a Last-Event-ID header. */
gboolean api_parse_event_id (const char *text, guint64 *id);
/* The value of the header Allow. */
const char *api_route_get_methods (ApiRouteKind kind);
gboolean api_route_allows (ApiRouteKind kind, const char *method);
/* As openapi.json spells the path; for metrics. */
const char *api_route_get_template (ApiRouteKind kind);

G_END_DECLS
