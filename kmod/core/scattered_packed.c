// SPDX-License-Identifier: GPL-2.0
/*
 * The packed virtqueue over areas that do not lie in one piece each.
 */
#include "scattered_layout.h"

#define virtqueue_packed vqhost_scattered_packed
#include "../virtqueue/packed.c"
