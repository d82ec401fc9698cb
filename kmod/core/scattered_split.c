// SPDX-License-Identifier: GPL-2.0
/*
 * The split virtqueue over areas that do not lie in one piece each.
 */
#include "scattered_layout.h"

#define virtqueue_split vqhost_scattered_split
#include "../virtqueue/split.c"
