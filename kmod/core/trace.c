// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints of all modules.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"

/* Those that device types fire. */
EXPORT_TRACEPOINT_SYMBOL_GPL(vqhost_request_submit);
EXPORT_TRACEPOINT_SYMBOL_GPL(vqhost_request_complete);
