# SPDX-License-Identifier: BSD-2-Clause
# The floors below nginx as one static library with sanitizers, and what links with it: unit
# tests, replays of the fuzz corpora, fuzz targets, programs that black-box tests run. No nginx
# header is in reach.
# make -f t/core.mk OUT=<directory> [CXX=clang++] units | replays | fuzzers

FLOORS := base wire engine shm hub hub/actions cluster
SANITIZE := -fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all
FLAGS := -std=c++20 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Wconversion -Werror -Isrc -It $(SANITIZE) -MMD -MP
LIBS := -lcrypto -l:libhiredis.a -ljansson -lz
ifneq ($(findstring clang,$(CXX)),)
FLAGS += -fsanitize=fuzzer-no-link
endif

SOURCES := $(foreach floor,$(FLOORS),$(wildcard src/$(floor)/*.cpp))
UNITS := $(patsubst t/unit/%.cpp,$(OUT)/unit/%,$(wildcard t/unit/*.cpp))
REPLAYS := $(patsubst t/fuzz/%.cpp,$(OUT)/replay/%,$(wildcard t/fuzz/*.cpp))
PROGRAMS := $(patsubst t/program/%.cpp,$(OUT)/program/%,$(wildcard t/program/*.cpp))
FUZZERS := $(REPLAYS:$(OUT)/replay/%=$(OUT)/fuzz/%)
LIBRARY := $(OUT)/librt.a

units: $(UNITS) $(PROGRAMS)
replays: $(REPLAYS)
fuzzers: $(FUZZERS)
.PHONY: units replays fuzzers
.SECONDARY:

$(OUT)/o/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -c -o $@ $<

# Appended, not replaced: two folders may have files of one name.
$(LIBRARY): $(SOURCES:%.cpp=$(OUT)/o/%.o)
	@mkdir -p $(@D)
	@rm -f $@
	ar qcs $@ $^

$(OUT)/unit/%: $(OUT)/o/t/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -o $@ $^ $(LIBS)

# What black-box tests run.
$(OUT)/program/%: $(OUT)/o/t/program/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -o $@ $^ $(LIBS)

$(OUT)/replay/%: $(OUT)/o/t/fuzz/%.o $(OUT)/o/t/fuzz/replay/main.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -o $@ $^ $(LIBS)

$(OUT)/fuzz/%: $(OUT)/o/t/fuzz/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

-include $(shell find $(OUT)/o -name '*.d' 2>/dev/null)
