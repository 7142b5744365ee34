# SPDX-License-Identifier: BSD-2-Clause
# The benchmark's programs. make -f t/bench/bench.mk OUT=<directory>

FLAGS := -std=c++20 -O2 -g -Wall -Wextra -Wconversion -Werror -It/bench -MMD -MP
NET := $(wildcard t/bench/net/*.cpp)
LOAD := $(wildcard t/bench/load/*.cpp)
LOOP := $(wildcard t/bench/loop/*.cpp)

programs: $(OUT)/load $(OUT)/loop $(OUT)/repair
.PHONY: programs

$(OUT)/o/%.o: t/bench/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -c -o $@ $<

$(OUT)/load: $(LOAD:t/bench/%.cpp=$(OUT)/o/%.o) $(NET:t/bench/%.cpp=$(OUT)/o/%.o)
	$(CXX) -o $@ $^

$(OUT)/loop: $(LOOP:t/bench/%.cpp=$(OUT)/o/%.o) $(NET:t/bench/%.cpp=$(OUT)/o/%.o)
	$(CXX) -o $@ $^

# Of the module's own sources: the tables in shared memory.
$(OUT)/repair: t/bench/repair/main.cpp $(wildcard src/shm/*.cpp) $(wildcard src/base/*.cpp)
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -Isrc -It/unit -MF $(OUT)/o/repair.d -o $@ $^

-include $(shell find $(OUT)/o -name '*.d' 2>/dev/null)
