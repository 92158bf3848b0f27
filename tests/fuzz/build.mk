# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
# The fuzz targets, built with clang in the current folder from the sources
# in $(TOP).  For tests/fuzz/run.
CC = clang
SANITIZE = address,undefined
PACKAGES = libcurl libcrypto libxml-2.0 zlib jansson
CFLAGS = -O1 -g -std=gnu11 -pthread -fno-omit-frame-pointer \
	-fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined \
	-D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I$(TOP)/src -I$(TOP) \
	-I$(TOP)/tests/unit -Iobjects $(shell pkg-config --cflags $(PACKAGES))
LIBS = $(shell pkg-config --libs $(PACKAGES))
ROOMS = base zip plan conf net aws s3 index
SOURCES = $(foreach r,$(ROOMS),$(wildcard $(TOP)/src/$(r)/*.c))
OBJECTS = $(patsubst $(TOP)/%.c,objects/%.o,$(SOURCES))
TARGETS = $(patsubst $(TOP)/tests/fuzz/%.c,%,$(wildcard $(TOP)/tests/fuzz/*.c))

all: $(TARGETS)

# More than the archive: a part of a program, a fake of the rooms below.
plan verify_zip: $(patsubst %,objects/src/extract/%.o,dir strict)
s3_calls: objects/tests/unit/s3_fake.o

rooms.a: $(OBJECTS)
	rm -f $@
	ar cr $@ $^

# As configure would make it without optional libraries.
objects/config.h:
	@mkdir -p $(@D)
	echo '#define VERSION "fuzz"' >$@

objects/%.o: $(TOP)/%.c objects/config.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

$(TARGETS): %: $(TOP)/tests/fuzz/%.c $(TOP)/tests/fuzz/fuzz.h rooms.a
	$(CC) $(CFLAGS) -fsanitize=fuzzer -o $@ $< $(filter %.o,$^) \
		rooms.a $(LIBS)

.PHONY: all
.SECONDARY:
