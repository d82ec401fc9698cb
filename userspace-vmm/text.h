/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text of others, in formats that have to be UTF-8; for vqtop too.
 */
#ifndef VQVMM_TEXT_H
#define VQVMM_TEXT_H

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

/**
 * text_put_json() - write a text as a string of JSON
 * @to: where
 * @text: any bytes; what is not UTF-8 is replaced
 */
void text_put_json(FILE *to, const char *text);

#endif /* VQVMM_TEXT_H */
