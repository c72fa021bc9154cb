/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "origin.h"

G_BEGIN_DECLS

#define ORIGIN_CONTEXT_TYPE "wishcast.origin"

GstContext *origin_context_new (Origin *origin, const char *address);
Origin *origin_context_ask (
    GstElement *element, const char *address, guint16 port);
Origin *origin_context_find (GstElement *element);

G_END_DECLS
