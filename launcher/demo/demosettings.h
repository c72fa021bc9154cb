/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings.h"

G_BEGIN_DECLS

/* Where people and publishers reach the demo. */
typedef struct {
  char *ip;
  guint16 port; /* of the pages; 0: the first one that is free */
} DemoAddress;

#define DEMO_ADDRESS_RULE                                                      \
  "ADDRESS:PORT, as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080"
gboolean demo_address_parse (const char *text, DemoAddress *address);
void demo_address_clear (DemoAddress *address);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DemoAddress, demo_address_clear)
/* Whether we may listen there. Errors are of G_IO_ERROR and name the port. */
gboolean demo_address_check (const DemoAddress *address, GError **error);
/* The same as this machine reaches it, as a part of an address of a page: with
 * brackets if it has colons. (transfer full) */
char *demo_address_get_host (const DemoAddress *address);

/* What the node of the demo has beside its address. Files are below folder. */
typedef struct {
  const char *folder;      /* everything is kept below it */
  const char *database;    /* as libpq has it */
  const char *www;         /* folder of the pages, or NULL */
  const char *token_file;  /* of the operator */
  const char *webhook_url; /* where notices are sent */
  const char *secret_file; /* what signs them */
} DemoParts;

/* The settings of a whole node of @parts, on ports that are free now. */
Settings *demo_settings_new (
    const DemoAddress *address, const DemoParts *parts, GError **error);

G_END_DECLS
