/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apioverview.h"

#include "apianswer.h"

struct _ApiOverview {
  Overview *overview;
  Viewers *viewers;
  ApiGate *gate;
};

ApiOverview *
api_overview_new (const ApiSettings *settings, ApiGate *gate)
{
  ApiOverview *self = g_new0 (ApiOverview, 1);

  self->overview = settings->overview;
  self->viewers = settings->viewers;
  self->gate = gate;
  return self;
}

void
api_overview_free (ApiOverview *self)
{
  g_free (self);
}

void
api_overview_request (ApiOverview *self, SoupServerMessage *message)
{
  g_autoptr (KeyOwner) none = NULL;
  g_autofree char *watching = NULL;

  if (!api_gate_let_in (self->gate, message, API_GATE_OPERATOR, &none))
    return;
  watching = viewers_write_json (self->viewers, g_get_monotonic_time ());
  api_answer (message, SOUP_STATUS_OK, API_JSON, API_NO_STORE,
      overview_to_json (self->overview, watching, g_get_real_time ()));
}
