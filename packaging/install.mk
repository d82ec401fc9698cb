# SPDX-License-Identifier: GPL-2.0
# Installing and removing: part of the Makefile above.
#
# DESTDIR is a root other than "/".  If it is a whole one, with kernels of its own, the
# lists of their modules are kept up to date as well; if it is the folder that a package
# is made of, there are none.

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

# A folder of our own, before the kernel's modules in the order of depmod.
MODULES_FOLDER := updates/vqhost

# Files below PREFIX beside those of the programs, which install themselves: SOURCE:FOLDER.
SHARED_FILES := uapi/linux/vqhost.h:include/linux docs/man/vqhost.4:share/man/man4 \
	packaging/60-vqhost.rules:lib/udev/rules.d packaging/vqhost.conf:lib/modules-load.d
# A unit for systemd, which has to know where the program is.
UNIT := packaging/vqhost-bridge@.service
UNIT_FOLDER := lib/systemd/system
# Other names of that manual page.
PAGE_LINKS := share/man/man4/vqhost-net.4 share/man/man4/vqhost-blk.4

# Folders that a Debian system need not have below PREFIX, the inner ones first.
FOLDERS := include/linux lib/udev/rules.d lib/udev lib/modules-load.d lib/systemd/system lib/systemd \
	share/man/man1 share/man/man4 \
	share/bash-completion/completions share/bash-completion share/qemu/vhost-user share/qemu

# $(call depmod,RELEASE): a shell command.
depmod = [ ! -e "$(DESTDIR)/lib/modules/$1/modules.dep" ] || /sbin/depmod -b "$(DESTDIR)/" "$1"

install: install-modules install-userland ## install everything (DESTDIR, PREFIX)

install-modules: modules ## install the modules alone, for the kernel of KDIR
	@# kbuild runs depmod only beside a System.map, which headers do not have.
	@+$(KBUILD) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=$(MODULES_FOLDER) \
		cmd_depmod=: quiet_cmd_depmod= modules_install
	@$(call depmod,$(RELEASE))

install-userland: userland vqtop ## install all but the modules: programs, header, manual pages, udev rule
	@+$(MAKE) -C userspace-vmm install PREFIX=$(PREFIX)
	@+$(MAKE) -C vqtop install PREFIX=$(PREFIX)
	@for file in $(SHARED_FILES); do \
		install -D -m 644 -t "$(DESTDIR)$(PREFIX)/$${file#*:}" "$${file%:*}" || exit; \
	done
	@install -d "$(DESTDIR)$(PREFIX)/$(UNIT_FOLDER)"
	@sed 's|@BINDIR@|$(PREFIX)/bin|' $(UNIT).in >"$(DESTDIR)$(PREFIX)/$(UNIT_FOLDER)/$(notdir $(UNIT))"
	@for link in $(PAGE_LINKS); do ln -sf vqhost.4 "$(DESTDIR)$(PREFIX)/$$link" || exit; done

uninstall: ## remove what install has put there, for all kernels (DESTDIR, PREFIX)
	@+$(MAKE) -C userspace-vmm uninstall PREFIX=$(PREFIX)
	@+$(MAKE) -C vqtop uninstall PREFIX=$(PREFIX)
	@for file in $(SHARED_FILES); do \
		rm -f "$(DESTDIR)$(PREFIX)/$${file#*:}/$$(basename "$${file%:*}")" || exit; \
	done
	@rm -f "$(DESTDIR)$(PREFIX)/$(UNIT_FOLDER)/$(notdir $(UNIT))"
	@for link in $(PAGE_LINKS); do rm -f "$(DESTDIR)$(PREFIX)/$$link" || exit; done
	@for folder in $(FOLDERS:%="$(DESTDIR)$(PREFIX)/%"); do \
		[ ! -d "$$folder" ] || rmdir --ignore-fail-on-non-empty "$$folder" || exit; \
	done
	@for folder in "$(DESTDIR)"/lib/modules/*/$(MODULES_FOLDER); do \
		[ -d "$$folder" ] || continue; \
		rm -r "$$folder" && rmdir --ignore-fail-on-non-empty "$${folder%/*}" || exit; \
		release="$${folder%/$(MODULES_FOLDER)}"; release="$${release##*/}"; \
		$(call depmod,$$release) || exit; \
	done

# Only what the modules are made of.
DKMS_FOLDER = $(DESTDIR)/usr/src/vqhost-$(VERSION)

dkms-source: ## lay the sources of the modules out for DKMS, below /usr/src (DESTDIR)
	@rm -rf "$(DKMS_FOLDER)"
	@mkdir -p "$(DKMS_FOLDER)"
	@cp -r --no-preserve=mode,ownership dkms.conf Kbuild LICENSE kmod uapi "$(DKMS_FOLDER)"

dkms-install: dkms-source ## have DKMS install the modules, for the kernel of KDIR and those to come
	@dkms build --force vqhost/$(VERSION) -k $(RELEASE)
	@dkms install --force vqhost/$(VERSION) -k $(RELEASE)

dkms-uninstall: ## take the modules out of DKMS again, for all kernels
	@dkms remove vqhost/$(VERSION) --all
	@rm -rf /usr/src/vqhost-$(VERSION)

.PHONY: install install-modules install-userland uninstall dkms-source dkms-install dkms-uninstall
