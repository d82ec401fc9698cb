# SPDX-License-Identifier: GPL-2.0
# How bash completes a program: BUILD/PROGRAM.completion.  completion_of_PROGRAM is how the
# program is asked for the table that it goes by.

$(BUILD)/%.completion: ../packaging/completion.bash.in $(BUILD)/%
	@echo "  BASH    $*.completion"
	@$(BUILD)/$* $(completion_of_$*) >$(OBJECTS)/$*.table
	@sed -e '/^@TABLE@$$/{r $(OBJECTS)/$*.table' -e 'd}' -e 's/@PROGRAM@/$*/g' $< >$@
