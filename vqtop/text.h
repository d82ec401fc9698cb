/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text of others, in formats that have to be UTF-8.
 */
#ifndef VQTOP_TEXT_H
#define VQTOP_TEXT_H

#include <stdint.h>
#include <stdio.h>

/**
 * text_next() - take the next character of a text
 * @text: any bytes; is moved on
 *
 * Return: its code point, U+FFFD for a byte that is not part of any; 0 at the end.
 */
uint32_t text_next(const char **text);

/**
 * text_put() - write a character as UTF-8
 * @to: where
 * @character: its code point
 */
void text_put(FILE *to, uint32_t character);

#endif /* VQTOP_TEXT_H */
