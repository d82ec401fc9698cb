# SPDX-License-Identifier: GPL-2.0
# How a BPF program of C becomes part of another one: NAME.bpf.c is compiled, and
# OBJECTS/NAME.skel.h has it, and functions of libbpf to load it.
#
# The programs are bound to no kernel: they know no structure of it.

CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)

$(OBJECTS)/%.bpf.o: %.bpf.c Makefile
	@mkdir -p $(@D)
	@echo "  BPF     $<"
	@$(CLANG) --target=bpf -mcpu=v3 -O2 -g -Wall -I. -I/usr/include/$(shell $(CC) -print-multiarch) \
		-MMD -MP -MT $@ -c -o $@ $<

$(OBJECTS)/%.skel.h: $(OBJECTS)/%.bpf.o
	@$(BPFTOOL) gen skeleton $< name $(*F)_bpf >$@.new && mv $@.new $@

.SECONDARY: $(patsubst %.c,$(OBJECTS)/%.o,$(BPF_SOURCES))

-include $(patsubst %.c,$(OBJECTS)/%.d,$(BPF_SOURCES))
