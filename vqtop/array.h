/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arrays.
 */
#ifndef VQTOP_ARRAY_H
#define VQTOP_ARRAY_H

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif /* VQTOP_ARRAY_H */
