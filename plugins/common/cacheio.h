/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* The system calls of the store's writer that may stall or fail for as long as
 * a disk likes. A test puts its own in their place while no writer is open. */
typedef struct {
  ssize_t (*pwrite) (int fd, const void *data, size_t size, off_t offset);
  int (*fdatasync) (int fd);
} CacheIo;

extern CacheIo cache_io;

G_END_DECLS
